//! What bulk changes of all kinds of records have in common.

use bureau_kernel::prelude::*;
use bureau_kernel::types::text::folded;
use schemars::JsonSchema;
use serde::Serialize;

/// Records in one call.
pub(crate) const MAX_RECORDS: usize = 500;

/// What was done.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct BulkUpdated {
    updated: usize,
    /// Those that were so already.
    unchanged: usize,
}

impl BulkUpdated {
    /// Counts a record by its version before and after.
    pub(crate) fn count(&mut self, before: i64, after: i64) {
        if before == after {
            self.unchanged += 1;
        } else {
            self.updated += 1;
        }
    }
}

/// An error about one of many says where that one is named: `[7].owner` becomes `contacts[7].owner`.
pub(crate) fn in_list(error: Error, place: &str) -> Error {
    let field = match error.field_name() {
        Some(field) if field.starts_with('[') => format!("{place}{field}"),
        Some(field) => format!("{place}.{field}"),
        None => place.to_owned(),
    };
    error.field(field)
}

/// Adds labels that are not there yet, in whichever case they are written.
pub(crate) fn add_tags(tags: &mut Vec<Line<50>>, added: Option<&[Line<50>]>) {
    for tag in added.unwrap_or_default() {
        if tags.iter().all(|known| folded(known) != folded(tag)) {
            tags.push(tag.clone());
        }
    }
}

/// Takes labels away, in whichever case they are written.
pub(crate) fn remove_tags(tags: &mut Vec<Line<50>>, removed: Option<&[Line<50>]>) {
    for tag in removed.unwrap_or_default() {
        tags.retain(|known| folded(known) != folded(tag));
    }
}
