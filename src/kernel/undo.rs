//! Taking a call back, whole.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};

use serde::Deserialize as _;
use serde_json::Value;

use crate::admin::{self, Authority};
use crate::error::{Code, Error, Result};
use crate::permission::{MANAGE_WORKSPACE, Operation, lacking};
use crate::record::reactions::react_after_undo;
use crate::record::{Cx, NamedRecord, UndoConflict};
use crate::registry::Registry;
use crate::store::log::{Action, Change, LogRow};
use crate::store::sql;
use crate::types::id::{Id, decode, encode};
use crate::types::time::Timestamp;

/// What an undo did.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[schemars(inline)]
pub struct Undone {
    /// The changes that were taken back, the newest first.
    pub undone: Vec<Id<Change>>,
    /// How many records are as they were before them.
    pub count: usize,
    /// Which; of more than 500 the first.
    pub records: Vec<NamedRecord>,
    /// Those that were left alone, because they were changed since.
    pub skipped: Vec<UndoConflict>,
}

/// Records that an undo answers: as many as a bulk update takes.
const NAMED: usize = 500;
/// Calls that are taken back at once.
pub const MOST_CALLS: usize = 100;

/// Records by their tables and numbers, each once.
#[derive(Debug, Default)]
struct Restored {
    seen: HashSet<(Cow<'static, str>, i64)>,
    first: Vec<(Cow<'static, str>, i64)>,
    skipped: Vec<UndoConflict>,
}

impl Restored {
    fn add(&mut self, one: &OfRecord, conflict: Option<UndoConflict>) {
        let record = || (one.entity.clone(), one.record);
        match conflict {
            Some(conflict) => self.skipped.push(conflict),
            None => {
                if self.seen.insert(record()) && self.first.len() < NAMED {
                    self.first.push(record());
                }
            }
        }
    }
}

/// Takes back all that these calls wrote, the newest first, in the transaction of the call. When a record was changed since by
/// any other call, nothing is undone, unless such records are to be skipped.
///
/// # Errors
/// [`Code::NotFound`] for a change that is not of this workspace; [`Code::Forbidden`] when the caller could not do it by
/// other tools; [`Code::Conflict`] with the records that stand in the way, or when it was undone already.
pub async fn undo(
    cx: &mut Cx,
    mut changes: Vec<Id<Change>>,
    skip_conflicts: bool,
) -> Result<Undone> {
    changes.sort_unstable_by_key(|change| Reverse(change.raw()));
    changes.dedup();
    if changes.len() > MOST_CALLS {
        let message = format!(
            "These are {} changes; at most {MOST_CALLS} are taken back at once.",
            changes.len()
        );
        return Err(Error::invalid("changes", message)
            .hint("Nothing was changed. Take the newest back first."));
    }
    let mut restored = Restored::default();
    for change in &changes {
        let one = undo_one(cx, *change, skip_conflicts, &mut restored).await;
        one.map_err(|error| match changes.len() {
            1 => error,
            _ => error.detail("change", change.to_string()),
        })?;
    }
    name_all(cx, &mut restored.skipped).await?;
    if !restored.skipped.is_empty() && !skip_conflicts {
        // What records are called is in the details: an answer's own words repeat nothing that stands in them.
        let reasons = restored.skipped.iter().take(10).map(|conflict| {
            let UndoConflict {
                kind,
                record,
                reason,
            } = conflict;
            // A reason may be a sentence, and several stand in one.
            format!("{kind} {}: {}", record.id, reason.trim_end_matches('.'))
        });
        let reasons: Vec<_> = reasons.collect();
        return Err(
            Error::conflict(format!("Not undone. {}.", reasons.join("; ")))
                .hint(
                    "Nothing was changed. With skip_conflicts: true the other records are undone.",
                )
                .detail(
                    "conflicts",
                    serde_json::to_value(&restored.skipped).unwrap_or_default(),
                ),
        );
    }
    if restored.seen.is_empty() {
        return Err(
            Error::new(Code::Conflict, "Nothing of this change can be undone.").detail(
                "conflicts",
                serde_json::to_value(&restored.skipped).unwrap_or_default(),
            ),
        );
    }
    let first = restored.first.iter();
    let first: Vec<(&str, i64)> = first.map(|(table, id)| (table.as_ref(), *id)).collect();
    Ok(Undone {
        undone: changes,
        count: restored.seen.len(),
        records: cx.named(&first).await?,
        skipped: restored.skipped,
    })
}

/// Says what the records are called that stand in the way.
async fn name_all(cx: &mut Cx, conflicts: &mut [UndoConflict]) -> Result<()> {
    let records = cx.records().clone();
    for conflict in conflicts.iter_mut().take(NAMED) {
        let Some((prefix, id)) = decode(&conflict.record.id) else {
            continue;
        };
        if let Some(kind) = records.record_with_prefix(prefix)
            && let Some(named) = cx.named(&[(kind.table(), id)]).await?.pop()
        {
            conflict.record = named;
        }
    }
    Ok(())
}

/// The calls of the caller's own since a moment that still stand, to be taken back together: those that were undone and their
/// undos cancel each other.
///
/// # Errors
/// [`Code::Validation`] where there are more than are taken back at once; [`Code::NotFound`] where there is none.
pub async fn own_since(cx: &mut Cx, since: Timestamp) -> Result<Vec<Id<Change>>> {
    let caller = cx.caller();
    let (member, key) = (caller.member, caller.key);
    let mut statement = sql("SELECT call, undoes FROM change_log WHERE workspace = ")
        .value(cx.workspace().id)
        .sql(" AND at >= ")
        .value(since)
        .sql(" AND tool <> ")
        .value(COMMAND.to_owned())
        .sql(" AND member = ")
        .value(member);
    statement = match key {
        Some(key) => statement.sql(" AND api_key = ").value(key),
        None => statement.sql(" AND api_key IS NULL"),
    };
    let rows = statement
        .sql(" GROUP BY call, undoes ORDER BY call DESC LIMIT ")
        .value(MOST_ROWS)
        .rows(&mut cx.tx)
        .await?;
    // Each with what it took back: several, where it did so with several.
    let mut calls: Vec<(i64, Vec<i64>)> = Vec::new();
    for row in &rows {
        let call = row.get("call")?;
        if calls.last().is_none_or(|(last, _)| *last != call) {
            calls.push((call, Vec::new()));
        }
        if let Some((_, undoes)) = calls.last_mut() {
            undoes.extend(row.get::<Option<i64>>("undoes")?);
        }
    }
    let own: HashSet<i64> = calls.iter().map(|(call, _)| *call).collect();
    let by_others = undone_by_others(cx, &own).await?;
    let (mut cancelled, mut standing) = (HashSet::new(), Vec::new());
    for (call, undoes) in calls {
        if cancelled.contains(&call) {
            continue;
        }
        if !undoes.is_empty() && undoes.iter().all(|undone| own.contains(undone)) {
            cancelled.extend(undoes);
        } else if !by_others.contains(&call) {
            standing.push(Id::from_raw(call));
        }
    }
    match standing.len() {
        0 => {
            let message = "You have changed nothing since that is not undone already.";
            Err(Error::new(Code::NotFound, message).field("since"))
        }
        1..=MOST_CALLS => Ok(standing),
        _ => {
            let message = format!("You have made more than {MOST_CALLS} changes since.");
            Err(Error::invalid("since", message).hint("Nothing was changed. Name a later moment."))
        }
    }
}

/// Those of these calls that were undone by calls that are none of them.
async fn undone_by_others(cx: &mut Cx, calls: &HashSet<i64>) -> Result<HashSet<i64>> {
    let all: Vec<i64> = calls.iter().copied().collect();
    let mut undone = HashSet::new();
    for ids in all.chunks(MOST_CALLS) {
        let mut statement = sql("SELECT DISTINCT undoes, call FROM change_log WHERE workspace = ")
            .value(cx.workspace().id)
            .sql(" AND undoes IN ");
        statement.push_ids(ids);
        for row in statement.rows(&mut cx.tx).await? {
            if !calls.contains(&row.get("call")?) {
                undone.insert(row.get("undoes")?);
            }
        }
    }
    Ok(undone)
}

/// The call of the caller's own that came with an idempotency key.
///
/// # Errors
/// [`Code::NotFound`] where none is remembered, or it wrote nothing.
pub async fn own_with_key(cx: &mut Cx, key: &str) -> Result<Id<Change>> {
    let actor = cx.caller().actor();
    let row = sql("SELECT answer FROM receipt WHERE workspace = ")
        .value(cx.workspace().id)
        .sql(" AND actor = ")
        .value(actor)
        .sql(" AND key = ")
        .value(key.to_owned())
        .row(&mut cx.tx)
        .await?;
    let answer: Option<String> = row.map(|row| row.get("answer")).transpose()?;
    let answer: Option<Value> = answer.and_then(|answer| serde_json::from_str(&answer).ok());
    let change = answer.and_then(|answer| Id::deserialize(answer.get("change")?).ok());
    change.ok_or_else(|| {
        let message = "No call of yours with this key is remembered that changed something.";
        Error::new(Code::NotFound, message).field("key").hint(
            "Keys are remembered for two days. Name the change, or a moment since which to undo.",
        )
    })
}

/// What the change log names as tool where a command arranged something, or the server put into a workspace what it starts with.
const COMMAND: &str = "bureau";
/// Calls that are looked at, to find those that stand.
const MOST_ROWS: i64 = 1_000;

/// Takes back all that one call wrote.
async fn undo_one(
    cx: &mut Cx,
    change: Id<Change>,
    skip_conflicts: bool,
    restored: &mut Restored,
) -> Result<()> {
    let workspace = cx.workspace().id;
    cx.tx.serialize(&format!("undo {change}")).await?;
    let call = Outline::of(cx, change).await?;
    if call.records.is_empty() {
        return Err(Error::not_found("change", change).field("change"));
    }
    // An undo that was undone itself does not count.
    let already = sql("SELECT call FROM change_log AS undo WHERE workspace = ")
        .value(workspace)
        .sql(" AND undoes = ")
        .value(change)
        .sql(" AND NOT EXISTS (SELECT 1 FROM change_log WHERE workspace = ")
        .value(workspace)
        .sql(" AND undoes = undo.call) LIMIT 1")
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
    let skipped = restored.skipped.len();
    let mut rest = call.records.as_slice();
    while let Some((first, tail)) = rest.split_first() {
        let Some(kind) = cx.records().record(&first.entity) else {
            let reason = undo_arranged(cx, first).await?;
            let conflict = reason.map(|reason| UndoConflict {
                kind: first.entity.to_string(),
                record: NamedRecord {
                    id: cx.wire_id(&first.entity, first.record),
                    name: None,
                },
                reason,
            });
            restored.add(first, conflict);
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
            restored.add(one, conflict);
        } else {
            let rows: Vec<&LogRow> = rows.iter().rev().collect();
            let conflicts = kind.undo_each(cx, &rows).await?;
            for (row, conflict) in rows.iter().zip(conflicts) {
                let of_row = these.iter().find(|one| one.record == row.record);
                if let Some(one) = of_row {
                    restored.add(one, conflict);
                }
            }
        }
        rest = others;
    }
    if restored.skipped.len() > skipped && !skip_conflicts {
        // Nothing is kept, so that what follows from it is of no interest.
        return Ok(());
    }
    let deferred = cx.end_undoing();
    react_after_undo(cx, deferred).await?;
    refuse_dangling(cx, &call.records).await
}

/// Takes back what a call did to one thing that the kernel itself keeps, the newest first. Answers what stands in the way.
async fn undo_arranged(cx: &mut Cx, one: &OfRecord) -> Result<Option<String>> {
    if !admin::is_arranged(&one.entity) {
        return Ok(Some(format!(
            "a {} is changed with the command line only",
            one.entity
        )));
    }
    let permissions = Registry::of(cx)?.permissions();
    let caller = cx.caller().clone();
    let authority = Authority::Caller(&caller, &permissions);
    let workspace = cx.workspace().id.raw();
    let rows = LogRow::whole(&mut cx.tx, workspace, &one.rows).await?;
    let mut rows: Vec<&LogRow> = rows.iter().collect();
    rows.sort_unstable_by_key(|row| Reverse(row.id));
    for row in rows {
        if let Some(reason) = admin::take_back(cx, row, authority).await? {
            return Ok(Some(reason));
        }
    }
    Ok(None)
}

/// Refuses an undo by whoever could not do the same by hand: it takes the permission of the inverse of what was done to each
/// kind of record, and that the caller has not forgone all that is about the kind. Looked at whole before anything is
/// written.
fn refuse_not_permitted(cx: &Cx, done: &BTreeSet<(Cow<'static, str>, Action)>) -> Result<()> {
    for (entity, action) in done {
        let Some(kind) = cx.records().record(entity) else {
            // What this build does not know of is left alone, and said so.
            if admin::is_arranged(entity) {
                refuse_arranging(cx)?;
            }
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

/// Refuses to take back what is arranged where the caller arranges nothing.
fn refuse_arranging(cx: &Cx) -> Result<()> {
    let name = MANAGE_WORKSPACE.name();
    if !cx.caller().may(MANAGE_WORKSPACE) {
        let message = format!(
            "Taking back what was arranged takes the permission {name}, which you do not have."
        );
        return Err(Error::new(Code::Forbidden, message)
            .hint(format!(
                "Nothing was written. Use a key that holds {name} and whose member may use it."
            ))
            .detail("permission", name));
    }
    if !Registry::of(cx)?.offers_any(cx.caller(), &[MANAGE_WORKSPACE]) {
        let message = "This changed settings, whose group is off here.";
        return Err(Error::new(Code::Forbidden, message)
            .hint("Nothing was written. Undo it through a connection that has it on."));
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
