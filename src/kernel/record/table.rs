//! Whether the tables have the columns that the records declare: a migration that was forgotten is named when the server starts,
//! not when somebody writes.

use std::collections::{BTreeMap, BTreeSet};

use super::saved::HEAD;
use crate::error::{Error, Result};
use crate::record::AnyRecord;
use crate::store::{Kind, Store};

/// Checks that the table of each of these kinds of records has the declared columns and no others, with what is declared in
/// them.
///
/// # Errors
/// [`Code::Internal`](crate::error::Code::Internal) naming the columns that are not so.
pub async fn check_tables(store: &Store, records: &[&'static dyn AnyRecord]) -> Result<()> {
    let tables = store.tables().await?;
    let mut wrong = Vec::new();
    for record in records {
        let found = tables.get(record.table()).cloned().unwrap_or_default();
        let declared = declared(*record);
        let names: BTreeSet<&str> = found
            .keys()
            .map(String::as_str)
            .chain(declared.keys().copied())
            .collect();
        for name in names {
            let (is, should) = (found.get(name), declared.get(name));
            let should = should.map(|kind| store.word_for(*kind));
            if is.map(String::as_str) != should {
                let word = |word: Option<&str>| word.unwrap_or("nothing").to_owned();
                let (table, is, should) =
                    (record.table(), word(is.map(String::as_str)), word(should));
                wrong.push(format!("{table}.{name} is {is} and declared as {should}"));
            }
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let message = format!(
        "Tables are not as the records declare them: {}.",
        wrong.join("; ")
    );
    Err(Error::internal(message))
}

fn declared(record: &dyn AnyRecord) -> BTreeMap<&'static str, Kind> {
    let columns = record.columns().iter();
    let columns = columns.map(|column| (column.name, column.kind));
    HEAD.into_iter()
        .chain([("workspace", Kind::Int)])
        .chain(columns)
        .chain(record.derived())
        .collect()
}
