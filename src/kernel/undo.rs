//! Taking a call back, whole.

use crate::changes::{Change, LogRow};
use crate::context::Cx;
use crate::error::{Code, Error, Result};
use crate::record::UndoConflict;
use crate::store::sql;
use crate::types::id::{Id, encode};

/// What an undo did.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[schemars(inline)]
pub struct Undone {
    /// The change that was taken back.
    pub undone: Id<Change>,
    /// The records that are as they were before it.
    pub records: Vec<String>,
    /// Those that were left alone, because they were changed since.
    pub skipped: Vec<UndoConflict>,
}

/// Takes back all that one call wrote. When a record was changed since, nothing is undone, unless such records are to
/// be skipped.
///
/// # Errors
/// [`Code::NotFound`] for a change that is not of this workspace; [`Code::Conflict`] with the records that stand in the
/// way, or when it was undone already.
pub async fn undo(cx: &mut Cx, change: Id<Change>, skip_conflicts: bool) -> Result<Undone> {
    let workspace = cx.workspace().id;
    cx.tx.serialize(&format!("undo {change}")).await?;
    let rows = LogRow::of_call(&mut cx.tx, workspace.raw(), change.raw()).await?;
    if rows.is_empty() {
        return Err(Error::not_found("change", change).field("change"));
    }
    let already = sql("SELECT call FROM change_log WHERE workspace = ")
        .value(workspace)
        .sql(" AND undoes = ")
        .value(change)
        .sql(" LIMIT 1")
        .row(&mut cx.tx)
        .await?;
    if let Some(row) = already.filter(|_| !skip_conflicts) {
        let by: Id<Change> = row.get("call")?;
        return Err(
            Error::conflict(format!("This change was undone already, by {by}."))
                .hint("To do it again, undo that one."),
        );
    }
    cx.set_undoes(change.raw());
    // The records in the reverse order of their last change, each with its rows.
    let mut order: Vec<(String, i64)> = Vec::new();
    for row in rows.iter().rev() {
        let record = (row.entity.clone(), row.record);
        if !order.contains(&record) {
            order.push(record);
        }
    }
    let mut undone = Undone {
        undone: change,
        records: Vec::new(),
        skipped: Vec::new(),
    };
    for (entity, record) in order {
        let of_record: Vec<LogRow> = rows
            .iter()
            .filter(|row| row.entity == entity && row.record == record)
            .cloned()
            .collect();
        let Some(kind) = cx.registry().record(&entity) else {
            let reason = format!("a {entity} is changed with the command line only");
            undone.skipped.push(UndoConflict {
                record: entity,
                reason,
            });
            continue;
        };
        match kind.undo(cx, &of_record).await? {
            None => undone.records.push(encode(kind.prefix(), record)),
            Some(conflict) => undone.skipped.push(conflict),
        }
    }
    if !undone.skipped.is_empty() && !skip_conflicts {
        let reasons: Vec<_> = undone
            .skipped
            .iter()
            .take(10)
            .map(|conflict| format!("{}: {}", conflict.record, conflict.reason))
            .collect();
        return Err(
            Error::conflict(format!("Not undone. {}.", reasons.join("; ")))
                .hint(
                    "Nothing was changed. With skip_conflicts: true the other records are undone.",
                )
                .detail(
                    "conflicts",
                    serde_json::to_value(&undone.skipped).unwrap_or_default(),
                ),
        );
    }
    if undone.records.is_empty() {
        return Err(
            Error::new(Code::Conflict, "Nothing of this change can be undone.").detail(
                "conflicts",
                serde_json::to_value(&undone.skipped).unwrap_or_default(),
            ),
        );
    }
    Ok(undone)
}
