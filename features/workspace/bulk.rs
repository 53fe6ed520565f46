//! What bulk changes of all kinds of records have in common.

use bureau_kernel::duplicates::MAX_ENTRIES;
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

/// Refuses more labels than a record holds.
pub(crate) fn check_tags(field: &'static str, tags: Option<&[ShortText<50>]>) -> Result<()> {
    if tags.is_some_and(|tags| tags.len() > MAX_ENTRIES) {
        let message = format!("{field} takes up to {MAX_ENTRIES} labels.");
        return Err(Error::invalid(field, message));
    }
    Ok(())
}

/// Adds labels that are not there yet, in whichever case they are written.
pub(crate) fn add_tags(tags: &mut Vec<ShortText<50>>, added: Option<&[ShortText<50>]>) {
    for tag in added.unwrap_or_default() {
        if tags.iter().all(|known| folded(known) != folded(tag)) {
            tags.push(tag.clone());
        }
    }
}

/// Takes labels away, in whichever case they are written.
pub(crate) fn remove_tags(tags: &mut Vec<ShortText<50>>, removed: Option<&[ShortText<50>]>) {
    for tag in removed.unwrap_or_default() {
        tags.retain(|known| folded(known) != folded(tag));
    }
}
