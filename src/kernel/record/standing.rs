//! Records as they stand in the database, read for comparison with the change log: whatever is in a row, it is told of.

use serde_json::Map;

use super::saved::HEAD;
use super::{Attributes, Data, Record, Saved};
use crate::caller::Member;
use crate::error::Result;
use crate::store::{Json, Row, Tx, Value};
use crate::types::id::Id;
use crate::types::time::Timestamp;

/// A row of a record's table.
pub struct Standing {
    /// The record's identifier.
    pub(crate) id: i64,
    /// What it holds, or the first column that cannot be read.
    pub(crate) row: Result<Stood, &'static str>,
}

/// What stands in a row that can be read.
pub(crate) struct Stood {
    pub(crate) version: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) created_by: Option<i64>,
    pub(crate) updated_at: Timestamp,
    pub(crate) archived_at: Option<Timestamp>,
    /// The declared fields and the attributes, as the change log keeps them.
    pub(crate) content: Map<String, Data>,
    /// Columns that do not hold what follows from the fields.
    pub(crate) not_derived: Vec<&'static str>,
    /// The index keys by which it is to be found.
    pub(crate) index_keys: Vec<(&'static str, String)>,
}

/// The next rows of a workspace, from after one identifier up to another.
pub(crate) async fn standing<R: Record>(
    tx: &mut Tx,
    workspace: i64,
    (after, upto): (i64, i64),
    limit: usize,
) -> Result<Vec<Standing>> {
    let derived: String = R::empty()
        .derived()
        .iter()
        .map(|(name, _)| format!("{name}, "))
        .collect();
    let mut statement = Saved::<R>::select_with(&derived);
    for (text, value) in [
        (" WHERE workspace = ", workspace),
        (" AND id > ", after),
        (" AND id <= ", upto),
        (
            " ORDER BY id LIMIT ",
            i64::try_from(limit).unwrap_or(i64::MAX),
        ),
    ] {
        statement.push(text);
        statement.push_value(Value::Int(value));
    }
    let rows = statement.rows(tx).await?;
    rows.iter()
        .map(|row| {
            Ok(Standing {
                id: row.get("id")?,
                row: read::<R>(row)?,
            })
        })
        .collect()
}

fn read<R: Record>(row: &Row) -> Result<Result<Stood, &'static str>> {
    let Ok(saved) = Saved::<R>::from_row(row) else {
        return Ok(Err(unreadable::<R>(row)));
    };
    let not_derived = saved
        .record
        .derived()
        .into_iter()
        .filter(|(name, value)| row.value(name, value.kind()).ok().as_ref() != Some(value))
        .map(|(name, _)| name)
        .collect();
    let mut index_keys = saved.live_index_keys();
    index_keys.sort();
    index_keys.dedup();
    Ok(Ok(Stood {
        version: saved.version,
        created_at: saved.created_at,
        created_by: saved.created_by.map(Id::raw),
        updated_at: saved.updated_at,
        archived_at: saved.archived_at,
        content: saved.content()?,
        not_derived,
        index_keys,
    }))
}

/// The first column that holds what no record has.
fn unreadable<R: Record>(row: &Row) -> &'static str {
    let mut head = HEAD.into_iter().map(|(name, _)| name);
    let head = head.find(|name| match *name {
        "id" | "version" => row.get::<i64>(name).is_err(),
        "created_by" => row.get::<Option<Id<Member>>>(name).is_err(),
        "attributes" => row.get::<Json<Attributes>>(name).is_err(),
        "archived_at" => row.get::<Option<Timestamp>>(name).is_err(),
        _ => row.get::<Timestamp>(name).is_err(),
    });
    head.or_else(|| R::unreadable(row)).unwrap_or("the row")
}
