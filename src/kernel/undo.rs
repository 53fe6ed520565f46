//! Taking a call back, whole.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use crate::error::{Code, Error, Result};
use crate::permission::{Operation, lacking};
use crate::record::reactions::react_after_undo;
use crate::record::{Cx, UndoConflict};
use crate::registry::Registry;
use crate::store::log::{Action, Change, LogRow};
use crate::store::sql;
use crate::types::id::{Id, encode};

/// What an undo did.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[schemars(inline)]
pub struct Undone {
    /// The change that was taken back.
    pub undone: Id<Change>,
    /// How many records are as they were before it.
    pub count: usize,
    /// Their identifiers; of more than 500 the first.
    pub records: Vec<String>,
    /// Those that were left alone, because they were changed since.
    pub skipped: Vec<UndoConflict>,
}

/// Identifiers that an undo answers: as many as a bulk update takes.
const NAMED: usize = 500;

impl Undone {
    fn add(&mut self, record: impl FnOnce() -> String, conflict: Option<UndoConflict>) {
        match conflict {
            Some(conflict) => self.skipped.push(conflict),
            None => {
                self.count += 1;
                if self.records.len() < NAMED {
                    self.records.push(record());
                }
            }
        }
    }
}

/// Takes back all that one call wrote. When a record was changed since, nothing is undone, unless such records are to
/// be skipped.
///
/// # Errors
/// [`Code::NotFound`] for a change that is not of this workspace; [`Code::Forbidden`] when the caller could not do it by
/// other tools; [`Code::Conflict`] with the records that stand in the way, or when it was undone already.
pub async fn undo(cx: &mut Cx, change: Id<Change>, skip_conflicts: bool) -> Result<Undone> {
    let workspace = cx.workspace().id;
    cx.tx.serialize(&format!("undo {change}")).await?;
    let call = Outline::of(cx, change).await?;
    if call.records.is_empty() {
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
    // What cannot be undone is not undone in part either, by leaving out what was changed since.
    if let Some(instead) = Registry::of(cx)?
        .entry(&call.tool)
        .and_then(|entry| entry.spec.irreversible)
        .filter(|_| skip_conflicts)
    {
        let message = "This change cannot be undone, nor a part of it.";
        return Err(Error::conflict(message).hint(format!("Instead, {instead}.")));
    }
    refuse_not_permitted(cx, &call.done)?;
    cx.set_undoes(change.raw());
    let mut undone = Undone {
        undone: change,
        count: 0,
        records: Vec::new(),
        skipped: Vec::new(),
    };
    let mut rest = call.records.as_slice();
    while let Some((first, tail)) = rest.split_first() {
        let Some(kind) = cx.records().record(&first.entity) else {
            let reason = format!("a {} is changed with the command line only", first.entity);
            undone.skipped.push(UndoConflict {
                record: first.entity.to_string(),
                reason,
            });
            rest = tail;
            continue;
        };
        // Those of one kind that were written once are taken back together; the others one by one.
        let alike = |one: &OfRecord| one.rows.len() == 1 && one.entity == first.entity;
        let together = rest
            .iter()
            .take(LogRow::TOGETHER)
            .take_while(|one| alike(one))
            .count();
        let (these, others) = rest.split_at(together.max(1));
        let ids: Vec<i64> = these.iter().flat_map(|one| one.rows.clone()).collect();
        let rows = LogRow::with_ids(&mut cx.tx, workspace.raw(), &ids).await?;
        if let [one] = these {
            let conflict = kind.undo(cx, &rows).await?;
            undone.add(|| encode(kind.prefix(), one.record), conflict);
        } else {
            let rows: Vec<&LogRow> = rows.iter().rev().collect();
            let conflicts = kind.undo_each(cx, &rows).await?;
            for (row, conflict) in rows.iter().zip(conflicts) {
                undone.add(|| encode(kind.prefix(), row.record), conflict);
            }
        }
        rest = others;
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
    if undone.count == 0 {
        return Err(
            Error::new(Code::Conflict, "Nothing of this change can be undone.").detail(
                "conflicts",
                serde_json::to_value(&undone.skipped).unwrap_or_default(),
            ),
        );
    }
    let deferred = cx.end_undoing();
    react_after_undo(cx, deferred).await?;
    refuse_dangling(cx, &call.records).await?;
    Ok(undone)
}

/// Refuses an undo by whoever could not do the same by hand: it takes the permission of the inverse of what was done to each
/// kind of record, and that the caller has not forgone all that is about the kind. Looked at whole before anything is
/// written.
fn refuse_not_permitted(cx: &Cx, done: &BTreeSet<(Cow<'static, str>, Action)>) -> Result<()> {
    for (entity, action) in done {
        // What this build does not know of is left alone, and said so.
        let Some(kind) = cx.records().record(entity) else {
            continue;
        };
        let operation = Operation::inverse_of(*action);
        let permission = kind.access().to(operation);
        if !cx.caller().may(permission) {
            return Err(lacking(permission, operation, kind.noun()));
        }
        if !Registry::of(cx)?.offers(cx.caller(), kind) {
            let noun = kind.noun();
            let message =
                format!("This changed records of the kind {noun}, whose groups are off here.");
            return Err(Error::new(Code::Forbidden, message)
                .hint("Nothing was written. Undo it through a connection that has them on.")
                .detail("kind", noun));
        }
    }
    Ok(())
}

/// Refuses an undo after which a record would hold on to another one that was deleted meanwhile. Looked at in the end: on
/// the way there, what was merged is in two places.
async fn refuse_dangling(cx: &mut Cx, records: &[OfRecord]) -> Result<()> {
    let mut of_kind: HashMap<&str, Vec<i64>> = HashMap::new();
    for one in records {
        of_kind.entry(&one.entity).or_default().push(one.record);
    }
    for (entity, ids) in of_kind {
        let Some(kind) = cx.records().record(entity) else {
            continue;
        };
        if let Some((id, column)) = kind.dangling(cx, Some(&ids)).await?.first() {
            let record = encode(kind.prefix(), *id);
            let name = column.name;
            return Err(Error::conflict(format!(
                "Not undone. The {name} of {record} was deleted since."
            ))
            .hint(format!(
                "Nothing was changed. Undo the deletion of its {name} first."
            )));
        }
    }
    Ok(())
}

/// What a call did, as far as it has to be known at once: what was in the records is read a part at a time.
struct Outline {
    tool: String,
    /// What was done to some record of each kind.
    done: BTreeSet<(Cow<'static, str>, Action)>,
    /// In the reverse order of their last change.
    records: Vec<OfRecord>,
}

/// What a call did to one record.
struct OfRecord {
    entity: Cow<'static, str>,
    record: i64,
    /// Its rows of the log.
    rows: Vec<i64>,
}

impl Outline {
    async fn of(cx: &mut Cx, change: Id<Change>) -> Result<Self> {
        let workspace = cx.workspace().id.raw();
        let mut outline = Self {
            tool: String::new(),
            done: BTreeSet::new(),
            records: Vec::new(),
        };
        let mut places: HashMap<(Cow<'static, str>, i64), usize> = HashMap::new();
        let mut before = i64::MAX;
        loop {
            let rows = LogRow::outlined(&mut cx.tx, workspace, change.raw(), before).await?;
            let is_last = rows.len() < LogRow::TOGETHER;
            for row in rows {
                before = row.id;
                let entity = match cx.records().record(&row.entity) {
                    Some(kind) => Cow::Borrowed(kind.table()),
                    None => Cow::Owned(row.entity),
                };
                outline.tool = row.tool;
                outline.done.insert((entity.clone(), row.action));
                let place = *places
                    .entry((entity.clone(), row.record))
                    .or_insert(outline.records.len());
                match outline.records.get_mut(place) {
                    Some(known) => known.rows.push(row.id),
                    None => outline.records.push(OfRecord {
                        entity,
                        record: row.record,
                        rows: vec![row.id],
                    }),
                }
            }
            if is_last {
                return Ok(outline);
            }
        }
    }
}
