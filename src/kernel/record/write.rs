//! How a record is written: its form, its references, its row, its line in the change log.

use serde_json::Map;

use super::index_keys::{add_index_keys, remove_index_keys};
use super::{ColumnSpec, Data, Digits, Record, Saved};
use crate::caller::Workspace;
use crate::error::{Error, Result};
use crate::permission::Operation;
use crate::record::Cx;
use crate::record::reactions::react;
use crate::record::summary::Written;
use crate::store::log::{Action, LogRow, digest};
use crate::store::{Column, Value, sql};
use crate::types::id::Id;
use crate::types::money::Amount;
use crate::types::text::quoted;

/// Says that a record was changed since the version that the caller knows, and as what it stands there now, as far as the
/// caller may read that.
pub(crate) fn stale<R: Record>(cx: &Cx, current: &Saved<R>) -> Error {
    let now = serde_json::to_value(current).unwrap_or_default();
    Error::conflict(format!(
        "This {} was changed meanwhile: it is at version {} now.",
        R::NOUN,
        current.version
    ))
    .field("version")
    .hint("Look at `current`, and call again with its version if the change still makes sense.")
    .detail("current", cx.disclosed(now))
}

/// Refuses a write that the caller lacks a permission for: that of the kind of record and of what is done with it, or one
/// that the record itself asks for.
pub(crate) fn check_permission<R: Record>(
    cx: &Cx,
    before: Option<&Saved<R>>,
    after: &Saved<R>,
    action: Action,
) -> Result<()> {
    cx.demand::<R>(Operation::of(action))?;
    if after.archived_at.is_some() || action == Action::Purge {
        return Ok(());
    }
    let before = before.filter(|before| before.archived_at.is_none());
    R::may_write(
        before.map(|before| &before.record),
        &after.record,
        cx.caller(),
    )
}

/// The record in form and complete.
pub(crate) fn validated<R: Record>(workspace: &Workspace, mut record: R) -> Result<R> {
    record.check(workspace)?;
    check_digits(&record)?;
    match record.missing() {
        Some(column) => Err(Error::invalid(column, format!("{column} is required."))),
        None => Ok(record),
    }
}

/// What to say about a column that would refer to what is not there, or is deleted.
pub(crate) fn unknown_reference(cx: &Cx, column: &str, table: &'static str, id: i64) -> Error {
    let noun = cx
        .records()
        .record(table)
        .map_or(table, |record| record.noun());
    Error::not_found(noun, cx.wire_id(table, id)).field(column)
}

/// The record as it may be written: in form, complete, and referring only to what is there.
pub(super) async fn checked<R: Record>(cx: &mut Cx, before: Option<&R>, record: R) -> Result<R> {
    let record = validated(cx.workspace(), record)?;
    let old = before.map(R::values).unwrap_or_default();
    for (index, (column, value)) in R::COLUMNS.iter().zip(record.values()).enumerate() {
        if old.get(index) != Some(&value)
            && let Some((table, id)) = cx.referred(column, &value)?
        {
            cx.check_reference(column.name, table, id).await?;
        }
    }
    Ok(record)
}

/// Refuses an amount of money with more digits than the record's currency has.
fn check_digits<R: Record>(record: &R) -> Result<()> {
    let Some(currency) = record.currency() else {
        return Ok(());
    };
    let money = |column: &ColumnSpec| column.is_amount && column.facets.digits == Digits::Currency;
    let fields = R::COLUMNS.iter().zip(record.values());
    for (column, value) in fields.filter(|(column, _)| money(column)) {
        let Value::Int(raw) = value else { continue };
        let amount = Amount::from_raw(raw);
        if amount.rounded(currency) != amount {
            let (code, digits) = (currency.code(), currency.digits());
            let message = format!("{code} has {digits} digits after the decimal point.");
            return Err(Error::invalid(column.name, message));
        }
    }
    Ok(())
}

/// Writes a changed record with everything that hangs on it.
pub(crate) async fn write<R: Record>(
    cx: &mut Cx,
    before: Saved<R>,
    mut saved: Saved<R>,
    action: Action,
) -> Result<Saved<R>> {
    if saved == before && action != Action::Redact {
        return Ok(before);
    }
    check_permission(cx, Some(&before), &saved, action)?;
    before.check_step(&saved)?;
    saved.version = before.version + 1;
    saved.updated_at = cx.now();
    let mut statement = sql("UPDATE ");
    statement.push(R::TABLE);
    statement.push(" SET version = ");
    statement.push_value(saved.version.to_value());
    statement.push(", updated_at = ");
    statement.push_value(saved.updated_at.to_value());
    for (name, value) in saved.differing(&before) {
        statement.push(", ");
        statement.push(name);
        statement.push(" = ");
        statement.push_value(value);
    }
    statement.push(" WHERE workspace = ");
    statement.push_value(cx.workspace().id.to_value());
    statement.push(" AND id = ");
    statement.push_value(saved.id.to_value());
    statement.push(" AND version = ");
    statement.push_value(before.version.to_value());
    if statement.run(&mut cx.tx).await? == 0 {
        return Err(stale(cx, &before));
    }
    let (old, new) = (before.live_index_keys(), saved.live_index_keys());
    remove_index_keys(
        cx,
        saved.id,
        old.iter()
            .filter(|term| !new.contains(term))
            .cloned()
            .collect(),
    )
    .await?;
    add_index_keys(
        cx,
        saved.id,
        new.into_iter().filter(|term| !old.contains(term)).collect(),
    )
    .await?;
    // What it was is not to be known any more: the log begins anew with all that is left.
    let was = Some(&before).filter(|_| action != Action::Redact);
    let row = log_row(cx, was, &saved, action).await?;
    cx.tx.log(row);
    react(cx, action, Some(&before), Some(&saved)).await?;
    Ok(saved)
}

/// The change log's row for what was done to a record, also noted for the summary. `before` is what it was: none for one
/// that is new or gone for good. Every write of a record comes by here, so here what becomes final asks for a clock that can
/// be right, whichever tool, job or undo it is that writes.
pub(crate) async fn log_row<R: Record>(
    cx: &mut Cx,
    before: Option<&Saved<R>>,
    saved: &Saved<R>,
    action: Action,
) -> Result<LogRow> {
    let text = |side: Map<String, Data>| serde_json::to_string(&side).map_err(Error::internal);
    let (was, is) = match (before, action) {
        (Some(before), _) => {
            let (was, is) = before.difference(saved)?;
            (Some(text(was)?), Some(text(is)?))
        }
        (None, Action::Purge) => (None, None),
        (None, _) => (None, Some(text(saved.new_content()?)?)),
    };
    let commits = match action {
        Action::Create | Action::Restore => R::commits(None, &saved.record),
        Action::Update => R::commits(before.map(|before| &before.record), &saved.record),
        Action::Archive | Action::Purge | Action::Redact => None,
    };
    if commits.is_some() {
        cx.require_trusted_clock().await?;
    }
    let row = LogRow {
        id: cx.tx.next_id()?,
        call: cx.change().raw(),
        workspace: cx.workspace().id.raw(),
        at: cx.now(),
        member: cx.caller().person().map(Id::raw),
        api_key: cx.caller().key.map(Id::raw),
        client: cx.caller().client.clone(),
        tool: cx.tool().to_owned(),
        undoes: cx.undoes(),
        entity: R::TABLE.to_owned(),
        record: saved.id.raw(),
        action,
        version: saved.version,
        digest: digest(was.as_deref(), is.as_deref()),
        before: was,
        after: is,
    };
    let named = cx.may::<R>(Operation::Read);
    if !named {
        cx.withhold();
    }
    let written = Written {
        entity: R::TABLE,
        noun: R::NOUN,
        record: saved.id.raw(),
        action,
        version: saved.version,
        commits,
    };
    cx.note(&written, || {
        if named {
            format!("{} {}", saved.id, quoted(&saved.record.label()))
        } else {
            saved.id.to_string()
        }
    });
    Ok(row)
}
