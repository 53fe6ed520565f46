//! Taking records out: of any kind, a part at a time, as a person reads them.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Map, Value as Data};

use crate::caller::Member;
use crate::error::Result;
use crate::record::{AnyRecord, Cx, Read, Wanted};
use crate::store::{Target, sql};
use crate::types::id::{Entity as _, decode};

/// The columns of a table of these records, in order: for each that refers to another record there is one with its name
/// behind it.
///
/// # Errors
/// What the database says.
pub async fn columns(cx: &mut Cx, kind: &dyn AnyRecord, wanted: Wanted) -> Result<Vec<String>> {
    let mut names = vec!["id".to_owned()];
    for column in kind.columns() {
        names.push(column.name.to_owned());
        names.extend(column.refers_to.map(|_| beside(column.name)));
    }
    let defined = cx.defined_attributes(kind.table()).await?;
    names.extend(defined.keys().map(|name| format!("attributes.{name}")));
    for name in ["version", "created_at", "created_by"] {
        names.push(name.to_owned());
    }
    names.push(beside("created_by"));
    names.push("updated_at".to_owned());
    names.extend(wanted.archived.then(|| "archived_at".to_owned()));
    Ok(names)
}

/// The column with the name of what another one refers to.
fn beside(column: &str) -> String {
    format!("{column}_name")
}

/// The next records after an identifier, oldest first, each with the names of what it refers to, as far as the caller may read
/// them. One that cannot be read is named, and the others are taken out all the same.
///
/// # Errors
/// What the database says.
pub async fn part(
    cx: &mut Cx,
    kind: &dyn AnyRecord,
    wanted: Wanted,
    after: i64,
    limit: i64,
) -> Result<Read<Map<String, Data>>> {
    let Read {
        found: mut records,
        unreadable,
        last,
    } = kind.part(cx, wanted, after, limit).await?;
    let references = kind.columns().iter();
    let mut references: Vec<(&'static str, Target)> = references
        .filter_map(|column| Some((column.name, column.refers_to?)))
        .collect();
    references.push(("created_by", Target::Table(Member::TABLE)));
    let registry = cx.records().clone();
    let referred = |record: &Map<String, Data>, column: &str, target: Target| {
        let (prefix, id) = decode(record.get(column)?.as_str()?)?;
        let table = match target {
            Target::Table(table) => table,
            Target::Any => registry.record_with_prefix(prefix)?.table(),
        };
        Some((table, id))
    };
    let mut ids: BTreeMap<&'static str, HashSet<i64>> = BTreeMap::new();
    for (_, record) in &records {
        for (column, target) in &references {
            if let Some((table, id)) = referred(record, column, *target) {
                ids.entry(table).or_default().insert(id);
            }
        }
    }
    let mut names: HashMap<(&'static str, i64), String> = HashMap::new();
    for (table, ids) in ids {
        let ids: Vec<i64> = ids.into_iter().collect();
        for (id, name) in names_of(cx, table, &ids).await? {
            names.insert((table, id), name);
        }
    }
    for (_, record) in &mut records {
        for (column, target) in &references {
            let name = referred(record, column, *target).and_then(|named| names.get(&named));
            if let Some(name) = name {
                record.insert(beside(column), name.as_str().into());
            }
        }
    }
    Ok(Read {
        found: records.into_iter().map(|(_, record)| record).collect(),
        unreadable,
        last,
    })
}

async fn names_of(cx: &mut Cx, table: &'static str, ids: &[i64]) -> Result<Vec<(i64, String)>> {
    if ids.is_empty() || !cx.may_read(table) {
        return Ok(Vec::new());
    }
    if let Some(kind) = cx.records().record(table) {
        return kind.titles(cx, ids).await;
    }
    let mut statement = sql("SELECT id, name FROM member WHERE workspace = ")
        .value(cx.workspace().id)
        .sql(" AND id IN ");
    statement.push_ids(ids);
    let rows = statement.rows(cx.tx()).await?;
    rows.iter()
        .map(|row| Ok((row.get("id")?, row.get("name").unwrap_or_default())))
        .collect()
}
