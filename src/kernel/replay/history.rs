//! What the rows of the log about one record come to.

use serde_json::{Map, Value as Data};

use super::Placed;
use crate::store::log::{Action, LogRow, digest};
use crate::types::time::Timestamp;

/// A record as its rows in the log say it is.
#[derive(Default)]
pub(super) struct History {
    pub(super) version: i64,
    pub(super) created_at: Option<Timestamp>,
    pub(super) created_by: Option<i64>,
    pub(super) updated_at: Option<Timestamp>,
    pub(super) archived_at: Option<Timestamp>,
    pub(super) content: Map<String, Data>,
    /// It was erased for good.
    pub(super) purged: bool,
    /// Why the rows come to nothing: as the end of a sentence about the record.
    pub(super) wrong: Option<String>,
}

impl History {
    /// Folds all rows of one record. Their versions say in which order they were written: the clocks of two machines do not.
    pub(super) fn of(mut rows: Vec<Placed>) -> Self {
        rows.sort_by_key(|placed| {
            let row = &placed.row;
            (row.version, row.action == Action::Purge, row.id)
        });
        let mut history = Self::default();
        // Erasing a record empties its rows, and erasing what it holds of a person those before; nothing else does.
        let purged = rows
            .last()
            .is_some_and(|last| last.row.action == Action::Purge);
        let redacted = rows
            .iter()
            .rposition(|placed| placed.row.action == Action::Redact);
        for (index, placed) in rows.iter().enumerate() {
            let erased = purged || redacted.is_some_and(|redacted| index < redacted);
            if let Err(what) = history.take(&placed.row, erased) {
                let at = match placed.position {
                    Some(position) => format!("at position {position} "),
                    None => String::new(),
                };
                history.wrong = Some(format!("{at}{what}"));
                break;
            }
        }
        history.purged = purged;
        history
    }

    fn take(&mut self, row: &LogRow, erased: bool) -> Result<(), &'static str> {
        let expected = match row.action {
            Action::Purge => self.version,
            _ => self.version + 1,
        };
        if row.version != expected {
            return Err("the change log leaves out or repeats a version");
        }
        if (row.action == Action::Create) != (expected == 1 && row.action != Action::Purge) {
            return Err("the change log does not begin with its creation");
        }
        self.version = row.version;
        self.updated_at = Some(row.at);
        match row.action {
            Action::Create => {
                self.created_at = Some(row.at);
                self.created_by = row.member;
            }
            Action::Archive => self.archived_at = Some(row.at),
            Action::Restore => self.archived_at = None,
            Action::Update | Action::Purge | Action::Redact => {}
        }
        if erased {
            return Ok(());
        }
        if digest(row.before.as_deref(), row.after.as_deref()) != row.digest {
            return Err("what the record was or became is gone from the change log");
        }
        apply(&mut self.content, row)
    }
}

/// Does to a content what a row of the log says.
pub(super) fn apply(content: &mut Map<String, Data>, row: &LogRow) -> Result<(), &'static str> {
    let side = |text: Option<&str>| {
        LogRow::side(text).map_err(|_| "the change log holds what cannot be read")
    };
    let before = side(row.before.as_deref())?;
    let after = side(row.after.as_deref())?;
    for (field, was) in &before {
        if !same(content.get(field), Some(was)) {
            return Err("the change log says that it was what it was not before");
        }
        if row.action != Action::Archive {
            content.remove(field);
        }
    }
    content.extend(after);
    Ok(())
}

/// The fields that are not the same in both.
pub(super) fn differing(one: &Map<String, Data>, other: &Map<String, Data>) -> Vec<String> {
    let mut fields: Vec<&String> = one.keys().chain(other.keys()).collect();
    fields.sort();
    fields.dedup();
    fields
        .into_iter()
        .filter(|field| !same(one.get(*field), other.get(*field)))
        .cloned()
        .collect()
}

/// Whether two values are one. What is absent is null; PostgreSQL writes a number in a document in its own form and puts a
/// document's keys in its own order.
pub(super) fn same(one: Option<&Data>, other: Option<&Data>) -> bool {
    match (one.unwrap_or(&Data::Null), other.unwrap_or(&Data::Null)) {
        (Data::Number(one), Data::Number(other)) => {
            one == other || (one.is_f64() || other.is_f64()) && one.as_f64() == other.as_f64()
        }
        (Data::Array(one), Data::Array(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|(one, other)| same(Some(one), Some(other)))
        }
        (Data::Object(one), Data::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| {
                    other
                        .get(name)
                        .is_some_and(|other| same(Some(value), Some(other)))
                })
        }
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_and_the_order_of_keys_make_no_difference_and_anything_else_does() {
        let alike = |one: Data, other: Data| same(Some(&one), Some(&other));
        assert!(same(None, Some(&Data::Null)));
        assert!(alike(
            json!({"a": 1, "b": [1e3]}),
            json!({"b": [1000], "a": 1})
        ));
        assert!(!alike(
            json!(9_007_199_254_740_993_i64),
            json!(9_007_199_254_740_992_i64)
        ));
        assert!(!alike(json!([1, 2]), json!([2, 1])));
        assert!(!alike(json!({"a": null}), json!({})));
        assert!(!alike(json!("1"), json!(1)));
    }
}
