//! Taking back what one call did to several records of a kind.

use std::collections::{HashMap, HashSet};

use crate::bulk::Rewrite;
use crate::error::Result;
use crate::record::{Cx, Dependents, Family, NamedRecord, Record, Saved, UndoConflict, patched};
use crate::store::log::{Action, LogRow};
use crate::types::id::Id;

/// Takes it back, a single row of the log for each record, and says what stands in the way of each.
pub(super) async fn undo_each<R: Record>(
    cx: &mut Cx,
    rows: &[&LogRow],
) -> Result<Vec<Option<UndoConflict>>> {
    let ids: Vec<Id<R>> = rows.iter().map(|row| Id::from_raw(row.record)).collect();
    let current = cx.find_all(&ids).await?;
    let mut outcome: Vec<Result<Rewrite<R>, String>> = Vec::new();
    for row in rows {
        outcome.push(match current.get(&row.record) {
            Some(_) if row.action == Action::Redact => Err(redacted::<R>()),
            Some(now) => match changed_since(cx, now, row).await? {
                None => Ok(taken_back(cx, now, row)?),
                Some(since) => Err(since),
            },
            None => Err(format!("this {} was erased for good", R::NOUN)),
        });
    }
    refuse_held(cx, &mut outcome).await?;
    let mut changes = Vec::with_capacity(rows.len());
    let mut conflicts = Vec::with_capacity(rows.len());
    for (id, outcome) in ids.iter().zip(outcome) {
        conflicts.push(match outcome {
            Ok(change) => {
                changes.push(change);
                None
            }
            Err(reason) => Some(conflict(*id, reason)),
        });
    }
    let gone = changes
        .iter()
        .filter(|(.., action)| *action == Action::Archive);
    let gone: Vec<i64> = gone.map(|(before, ..)| before.id.raw()).collect();
    if !gone.is_empty() {
        let family = Family::of(cx, R::TABLE, &gone, false).await?;
        family.refuse_descendants_held(cx, R::NOUN).await?;
        family.archive_descendants(cx).await?;
    }
    let written = cx.write_all(changes).await?;
    let of_row: HashMap<i64, i64> = rows.iter().map(|row| (row.record, row.version)).collect();
    for saved in written {
        let id = saved.id.raw();
        if let Some(version) = of_row.get(&id) {
            cx.note_taken_back((R::TABLE, id), saved.version, version - 1);
        }
    }
    Ok(conflicts)
}

/// Why nothing brings back what a record held of a person.
pub(super) fn redacted<R: Record>() -> String {
    format!("what this {} held of a person was erased for good", R::NOUN)
}

/// What stands in the way of a record; what it is called is looked up for all of them together.
pub(super) fn conflict<R: Record>(id: Id<R>, reason: String) -> UndoConflict {
    UndoConflict {
        kind: R::NOUN.to_owned(),
        record: NamedRecord {
            id: id.to_string(),
            name: None,
        },
        reason,
    }
}

/// What changed a record since a row of the log, unless all of that was taken back.
pub(super) async fn changed_since<R: Record>(
    cx: &mut Cx,
    now: &Saved<R>,
    row: &LogRow,
) -> Result<Option<String>> {
    let record = (R::TABLE, row.record);
    if cx.stands_as(record, now.version, row.version).await? {
        return Ok(None);
    }
    let last = cx.last_change(R::TABLE, row.record, row.version).await?;
    Ok(Some(match last {
        Some(last) => format!("it was changed since, {} ({})", last.words, last.change),
        None => format!(
            "it was changed since: version {} then, {} now",
            row.version, now.version
        ),
    }))
}

/// A record as it was before a row of the log.
fn taken_back<R: Record>(cx: &Cx, now: &Saved<R>, row: &LogRow) -> Result<Rewrite<R>> {
    let mut saved = now.clone();
    let action = match row.action {
        Action::Create | Action::Restore => {
            saved.archived_at = Some(cx.now());
            Action::Archive
        }
        Action::Archive => {
            saved.archived_at = None;
            Action::Restore
        }
        Action::Update => {
            saved = patched(now, LogRow::side(row.before.as_deref())?)?;
            Action::Update
        }
        // What was erased for good does not come here.
        Action::Purge | Action::Redact => row.action,
    };
    Ok((now.clone(), saved, action))
}

/// Takes out of the records that are to be deleted those on which others hold that stay.
async fn refuse_held<R: Record>(
    cx: &mut Cx,
    outcome: &mut [Result<Rewrite<R>, String>],
) -> Result<()> {
    let targets: Vec<i64> = outcome
        .iter()
        .flatten()
        .filter(|(.., action)| *action == Action::Archive)
        .map(|(before, ..)| before.id.raw())
        .collect();
    if targets.is_empty() {
        return Ok(());
    }
    let mut holding: HashMap<i64, Vec<(&'static str, i64)>> = HashMap::new();
    for (kind, link) in cx.records().clone().referring_to(R::TABLE) {
        if link.column.is_parent {
            continue;
        }
        for (target, holder) in kind.holding(cx, link, &targets).await? {
            let holder = (kind.table(), holder);
            holding.entry(target).or_default().push(holder);
        }
    }
    // One that stays makes others stay, so this goes on until no more do.
    let mut going: HashSet<i64> = targets.into_iter().collect();
    loop {
        let before = going.len();
        for one in outcome.iter_mut() {
            let Ok((record, _, Action::Archive)) = &one else {
                continue;
            };
            let target = record.id.raw();
            let stays = |(table, id): &&(&str, i64)| *table != R::TABLE || !going.contains(id);
            let holders = holding.get(&target).into_iter().flatten().filter(stays);
            let holders: Vec<(&'static str, i64)> = holders.copied().collect();
            if !holders.is_empty() {
                going.remove(&target);
                let dependents = Dependents::of(cx, holders).await?;
                *one = Err(dependents.described(R::NOUN));
            }
        }
        if going.len() == before {
            return Ok(());
        }
    }
}
