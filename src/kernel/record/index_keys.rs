//! The exact index keys by which records are found, in one table for all kinds of them.

use super::Record;
use crate::error::Result;
use crate::record::Cx;
use crate::store::{Column, Insert, Value, sql};
use crate::types::id::Id;

/// Index keys as they are written, in the order of the table's key, which is the quickest.
pub(crate) fn inserted_index_keys(
    cx: &Cx,
    table: &'static str,
    mut index_keys: Vec<(&'static str, String, i64)>,
) -> Insert {
    index_keys.sort_unstable();
    index_keys.dedup();
    let workspace = cx.workspace().id;
    let row = |(field, value, record): (&'static str, String, i64)| {
        vec![
            workspace.to_value(),
            Value::Text(table.to_owned()),
            Value::Text(field.to_owned()),
            Value::Text(value),
            Value::Int(record),
        ]
    };
    let rows = index_keys.into_iter().map(row).collect();
    Insert::new(
        "record_key",
        "workspace, entity, field, value, record",
        rows,
    )
}

pub(super) async fn add_index_keys<R: Record>(
    cx: &mut Cx,
    id: Id<R>,
    index_keys: Vec<(&'static str, String)>,
) -> Result<()> {
    let index_keys = index_keys.into_iter();
    let index_keys = index_keys.map(|(field, value)| (field, value, id.raw()));
    let insert = inserted_index_keys(cx, R::TABLE, index_keys.collect());
    cx.tx.insert(insert).await
}

pub(super) async fn remove_index_keys<R: Record>(
    cx: &mut Cx,
    id: Id<R>,
    index_keys: Vec<(&'static str, String)>,
) -> Result<()> {
    for (field, value) in index_keys {
        sql("DELETE FROM record_key WHERE workspace = ")
            .value(cx.workspace().id)
            .sql(" AND entity = ")
            .value(R::TABLE.to_owned())
            .sql(" AND field = ")
            .value(field.to_owned())
            .sql(" AND value = ")
            .value(value)
            .sql(" AND record = ")
            .value(id)
            .run(&mut cx.tx)
            .await?;
    }
    Ok(())
}
