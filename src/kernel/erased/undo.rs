//! Taking back what one call did to several records of a kind.

use std::collections::{HashMap, HashSet};

use crate::bulk::Rewrite;
use crate::error::Result;
use crate::record::{Cx, Dependents, Family, Record, Saved, UndoConflict, patched};
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
            Some(now) if now.version == row.version => Ok(taken_back(cx, now, row)?),
            Some(now) => Err(format!(
                "it was changed since: version {} then, {} now",
                row.version, now.version
            )),
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
            Err(reason) => Some(UndoConflict {
                record: id.to_string(),
                reason,
            }),
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
    cx.write_all(changes).await?;
    Ok(conflicts)
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
        // What was erased for good is not there, so it does not come here.
        Action::Purge => Action::Purge,
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
