//! The exact index keys by which records are found, in one table for all kinds of them.

use super::Record;
use crate::error::Result;
use crate::record::Cx;
use crate::store::{Column, Sql, Value, sql};
use crate::types::id::Id;

pub(super) async fn add_index_keys<R: Record>(
    cx: &mut Cx,
    id: Id<R>,
    index_keys: Vec<(&'static str, String)>,
) -> Result<()> {
    if !index_keys.is_empty() {
        let statement = push_index_keys(cx, sql(ADD_INDEX_KEYS), id, index_keys);
        statement.run(&mut cx.tx).await?;
    }
    Ok(())
}

const ADD_INDEX_KEYS: &str =
    "INSERT INTO record_key (workspace, entity, field, value, record) VALUES ";

fn push_index_keys<R: Record>(
    cx: &Cx,
    mut statement: Sql,
    id: Id<R>,
    mut index_keys: Vec<(&'static str, String)>,
) -> Sql {
    index_keys.sort();
    index_keys.dedup();
    let workspace = cx.workspace().id;
    for (index, (field, value)) in index_keys.into_iter().enumerate() {
        if index > 0 {
            statement.push(", ");
        }
        statement.push_list([
            workspace.to_value(),
            Value::Text(R::TABLE.to_owned()),
            Value::Text(field.to_owned()),
            Value::Text(value),
            id.to_value(),
        ]);
    }
    statement
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
