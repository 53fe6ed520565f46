//! The exact terms by which records are found, in one table for all kinds of them.

use super::Record;
use crate::context::Cx;
use crate::error::Result;
use crate::store::{Column, Sql, Value, sql};
use crate::types::id::Id;

pub(super) async fn add_terms<R: Record>(
    cx: &mut Cx,
    id: Id<R>,
    terms: Vec<(&'static str, String)>,
) -> Result<()> {
    if !terms.is_empty() {
        let statement = push_terms(cx, sql(ADD_TERMS), id, terms);
        statement.run(&mut cx.tx).await?;
    }
    Ok(())
}

/// A statement, and after it the one that adds the terms.
pub(super) async fn and_terms<R: Record>(
    cx: &mut Cx,
    statement: Sql,
    id: Id<R>,
    terms: Vec<(&'static str, String)>,
) -> Result<Sql> {
    if terms.is_empty() {
        return Ok(statement);
    }
    let statement = statement.then(ADD_TERMS, &mut cx.tx).await?;
    Ok(push_terms(cx, statement, id, terms))
}

pub(super) const ADD_TERMS: &str =
    "INSERT INTO lookup (workspace, entity, field, value, record) VALUES ";

pub(super) fn push_terms<R: Record>(
    cx: &Cx,
    mut statement: Sql,
    id: Id<R>,
    mut terms: Vec<(&'static str, String)>,
) -> Sql {
    terms.sort();
    terms.dedup();
    let workspace = cx.workspace().id;
    for (index, (field, value)) in terms.into_iter().enumerate() {
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

pub(super) async fn remove_terms<R: Record>(
    cx: &mut Cx,
    id: Id<R>,
    terms: Vec<(&'static str, String)>,
) -> Result<()> {
    for (field, value) in terms {
        sql("DELETE FROM lookup WHERE workspace = ")
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
