//! A record's [`AnyRecord`]: whatever the kernel does with records of any kind, put together for one kind.

mod undo;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Instant;

use futures::future::BoxFuture;
use serde_json::{Map, Value as Data};

use crate::content;
use crate::error::{Error, Result};
use crate::list::scan_all;
use crate::permission::Access;
use crate::record::standing::{Standing, standing};
use crate::record::write::write;
use crate::record::{
    AnyRecord, Called, ColumnSpec, Cx, Dependents, Exported, Family, Link, Read, Record, Saved,
    Taken, Touch, UndoConflict, Wanted, patched,
};
use crate::resolve;
use crate::search::Doc;
use crate::store::log::{Action, LogRow};
use crate::store::{Column, Kind, Sql, Target, Tx, Value, sql};
use crate::types::id::{AnyId, Id, encode};
use crate::types::text::plural;
use crate::types::time::LocalTime;

struct Erased<R>(PhantomData<fn() -> R>);

/// The erased form of a record. A [`Module`](crate::registry::Module) lists `record::<Contact>()`.
#[must_use]
pub const fn record<R: Record>() -> &'static dyn AnyRecord {
    &Erased::<R>(PhantomData)
}

impl<R: Record> AnyRecord for Erased<R> {
    fn table(&self) -> &'static str {
        R::TABLE
    }

    fn prefix(&self) -> &'static str {
        R::PREFIX
    }

    fn noun(&self) -> &'static str {
        R::NOUN
    }

    fn columns(&self) -> &'static [ColumnSpec] {
        R::COLUMNS
    }

    fn derived(&self) -> Vec<(&'static str, Kind)> {
        let derived = R::empty().derived().into_iter();
        derived.map(|(name, value)| (name, value.kind())).collect()
    }

    fn access(&self) -> Access {
        R::ACCESS
    }

    fn called(&self) -> Called {
        R::CALLED
    }

    fn readers(&self) -> Option<&'static str> {
        R::READERS
    }

    fn has_passages(&self) -> bool {
        R::HAS_PASSAGES
    }

    fn merged_into(&self) -> Option<&'static str> {
        R::MERGED_INTO
    }

    fn meant<'a>(
        &'a self,
        cx: &'a mut Cx,
        texts: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Vec<i64>>>> {
        Box::pin(async move {
            let mut meant = resolve::meant::<R>(cx, texts).await?;
            let all: Vec<i64> = meant.iter().flatten().copied().collect();
            let hidden = cx.hidden(self, &all).await?;
            for ids in &mut meant {
                ids.retain(|id| !hidden.contains(id));
            }
            Ok(meant)
        })
    }

    fn first<'a>(
        &'a self,
        cx: &'a mut Cx,
        limit: i64,
    ) -> BoxFuture<'a, Result<Vec<(i64, String)>>> {
        Box::pin(resolve::first::<R>(cx, limit))
    }

    fn exported(&self) -> Exported {
        R::EXPORTED
    }

    fn statuses(&self, said: &str, time: LocalTime) -> Result<Vec<String>> {
        const COLUMN: &str = "status";
        if R::COLUMNS.iter().all(|column| column.name != COLUMN) {
            let message = format!("{} have no status.", plural(R::NOUN));
            return Err(Error::invalid(COLUMN, message).hint("Leave status out."));
        }
        let said = said.trim().to_lowercase().replace([' ', '-'], "_");
        if said == "open" && !R::EXPORTED.open.is_empty() {
            let open = R::EXPORTED.open.iter();
            return Ok(open.map(|status| (*status).to_owned()).collect());
        }
        R::empty().apply(COLUMN, said.as_str().into(), time)?;
        Ok(vec![said])
    }

    fn part<'a>(
        &'a self,
        cx: &'a mut Cx,
        wanted: &'a Wanted,
        after: i64,
        limit: i64,
    ) -> BoxFuture<'a, Result<Read<Taken>>> {
        Box::pin(async move {
            let mut statement = Saved::<R>::select();
            statement.push(" WHERE workspace = ");
            statement.push_value(cx.workspace().id.to_value());
            statement.push(" AND id > ");
            statement.push_value(Value::Int(after));
            cx.push_readable::<R>(&mut statement);
            if !wanted.archived {
                statement.push(" AND archived_at IS NULL");
            }
            if let Some(since) = wanted.since {
                statement.push(" AND updated_at >= ");
                statement.push_value(since.to_value());
            }
            if !wanted.statuses.is_empty() {
                statement.push(" AND status IN ");
                statement.push_list(wanted.statuses.iter().cloned().map(Value::Text));
            }
            if let Some(day) = R::EXPORTED.day {
                for (bound, sign) in [(wanted.from, " >= "), (wanted.until, " <= ")] {
                    let Some(bound) = bound else { continue };
                    statement.push(" AND ");
                    statement.push(day);
                    statement.push(sign);
                    statement.push_value(bound.to_value());
                }
            }
            statement.push(" ORDER BY id LIMIT ");
            statement.push_value(Value::Int(limit));
            let rows = statement.rows(&mut cx.tx).await?;
            let Read {
                found,
                unreadable,
                last,
            } = Read::<Saved<R>>::records(&rows)?;
            let spelt = if wanted.parts {
                Vec::new()
            } else {
                R::spelt(cx, &found).await?
            };
            let mut spelt = spelt.into_iter();
            let mut taken = Vec::with_capacity(found.len());
            for saved in found {
                let Data::Object(mut record) =
                    serde_json::to_value(&saved).map_err(Error::internal)?
                else {
                    return Err(Error::internal("a record is a struct"));
                };
                let id = saved.id.raw();
                match R::EXPORTED.parts.filter(|_| wanted.parts) {
                    Some(parts) => {
                        record.retain(|name, _| name == "id" || parts.of.contains(&name.as_str()));
                        for part in saved.record.parts() {
                            let mut row = record.clone();
                            row.extend(part);
                            taken.push((id, row));
                        }
                    }
                    None => {
                        record.extend(spelt.next().unwrap_or_default());
                        taken.push((id, record));
                    }
                }
            }
            Ok(Read {
                found: taken,
                unreadable,
                last,
            })
        })
    }

    fn titles<'a>(
        &'a self,
        cx: &'a mut Cx,
        ids: &'a [i64],
    ) -> BoxFuture<'a, Result<Vec<(i64, String)>>> {
        Box::pin(async move {
            /// Records that are read together.
            const TOGETHER: usize = 1_000;
            let mut titles = Vec::with_capacity(ids.len());
            for ids in ids.chunks(TOGETHER) {
                let mut statement = Saved::<R>::select();
                statement.push(" WHERE workspace = ");
                statement.push_value(cx.workspace().id.to_value());
                statement.push(" AND id IN ");
                statement.push_ids(ids);
                cx.push_readable::<R>(&mut statement);
                let rows = statement.rows(&mut cx.tx).await?;
                let found = cx.readable::<R>(&rows)?.into_iter();
                titles.extend(found.map(|saved| (saved.id.raw(), saved.record.label())));
            }
            Ok(titles)
        })
    }

    fn references(&self) -> Vec<ColumnSpec> {
        R::COLUMNS
            .iter()
            .filter(|column| column.refers_to.is_some())
            .copied()
            .collect()
    }

    fn holding<'a>(
        &'a self,
        cx: &'a mut Cx,
        link: Link,
        targets: &'a [i64],
    ) -> BoxFuture<'a, Result<Vec<(i64, i64)>>> {
        Box::pin(async move {
            let mut statement = sql("SELECT id, ");
            statement.push(link.column.name);
            statement.push(" AS target FROM ");
            statement.push(R::TABLE);
            statement.push(" WHERE workspace = ");
            statement.push_value(cx.workspace().id.to_value());
            statement.push(" AND ");
            statement.push(link.column.name);
            statement.push(" IN ");
            link.push_values(&mut statement, targets);
            statement.push(" AND archived_at IS NULL AND ");
            statement.push(R::BLOCKS_DELETION_WHILE);
            statement.push(" ORDER BY id");
            let rows = statement.rows(&mut cx.tx).await?;
            let mut holding = Vec::with_capacity(rows.len());
            for row in &rows {
                if let Some(target) = link.target(row, "target")? {
                    holding.push((target, row.get("id")?));
                }
            }
            Ok(holding)
        })
    }

    fn dangling<'a>(
        &'a self,
        cx: &'a mut Cx,
        ids: Option<&'a [i64]>,
    ) -> BoxFuture<'a, Result<Vec<(i64, ColumnSpec)>>> {
        Box::pin(async move {
            let parts: Vec<Option<&[i64]>> = match ids {
                Some(ids) => ids.chunks(1_000).map(Some).collect(),
                None => vec![None],
            };
            let mut found = Vec::new();
            for column in self.references() {
                for ids in &parts {
                    let gone = match column.refers_to {
                        Some(Target::Table(table)) => {
                            dangling::<R>(cx, column, table, *ids).await?
                        }
                        Some(Target::Any) => dangling_any::<R>(cx, column, *ids).await?,
                        None => Vec::new(),
                    };
                    found.extend(gone.into_iter().map(|id| (id, column)));
                }
            }
            Ok(found)
        })
    }

    fn count_referring<'a>(
        &'a self,
        cx: &'a mut Cx,
        link: Link,
        target: i64,
    ) -> BoxFuture<'a, Result<i64>> {
        Box::pin(async move {
            let mut statement = sql("SELECT COUNT(*) AS count FROM ");
            statement.push(R::TABLE);
            statement.push(" WHERE workspace = ");
            statement.push_value(cx.workspace().id.to_value());
            statement.push(" AND ");
            statement.push(link.column.name);
            statement.push(" = ");
            statement.push_value(link.value(target));
            statement.push(" AND archived_at IS NULL");
            statement.one("count", &mut cx.tx).await
        })
    }

    fn repoint<'a>(
        &'a self,
        cx: &'a mut Cx,
        link: Link,
        from: i64,
        to: Option<i64>,
    ) -> BoxFuture<'a, Result<usize>> {
        Box::pin(async move {
            /// Records that are read and written together.
            const TOGETHER: usize = 512;
            let Link { column, table, .. } = link;
            let ids = self.referring(cx, link, &[from], true).await?;
            // A record that would point at itself points at nothing.
            let points_at = |id: i64| to.filter(|to| R::TABLE != table || *to != id);
            let lost: Vec<i64> = ids
                .iter()
                .copied()
                .filter(|id| column.required && points_at(*id).is_none())
                .collect();
            if !lost.is_empty() {
                return Err(cannot_be_without::<R>(cx, column, &lost).await?);
            }
            for ids in ids.chunks(TOGETHER) {
                let ids: Vec<Id<R>> = ids.iter().copied().map(Id::from_raw).collect();
                let mut changes = Vec::with_capacity(ids.len());
                for (id, before) in cx.find_all(&ids).await? {
                    let value =
                        points_at(id).map_or(Data::Null, |to| encode(link.prefix, to).into());
                    let change = Map::from_iter([(column.name.to_owned(), value)]);
                    let saved = patched(&before, change)?;
                    changes.push((before, saved, Action::Update));
                }
                changes.sort_unstable_by_key(|(before, ..)| before.id);
                cx.write_all(changes).await?;
            }
            Ok(ids.len())
        })
    }

    fn referring<'a>(
        &'a self,
        cx: &'a mut Cx,
        link: Link,
        targets: &'a [i64],
        all: bool,
    ) -> BoxFuture<'a, Result<Vec<i64>>> {
        Box::pin(async move {
            let mut referring = Vec::new();
            for targets in targets.chunks(1_000) {
                let mut statement = sql("SELECT id FROM ");
                statement.push(R::TABLE);
                statement.push(" WHERE workspace = ");
                statement.push_value(cx.workspace().id.to_value());
                statement.push(" AND ");
                statement.push(link.column.name);
                statement.push(" IN ");
                link.push_values(&mut statement, targets);
                if !all {
                    statement.push(" AND archived_at IS NULL");
                }
                statement.push(" ORDER BY id");
                for row in statement.rows(&mut cx.tx).await? {
                    referring.push(row.get("id")?);
                }
            }
            Ok(referring)
        })
    }

    fn is_searched(&self) -> bool {
        R::empty().text().is_some()
    }

    fn touch(&self) -> Option<Touch> {
        R::TOUCH
    }

    fn scan<'a>(
        &'a self,
        cx: &'a mut Cx,
        words: Arc<[String]>,
        until: Instant,
    ) -> BoxFuture<'a, Result<Vec<i64>>> {
        Box::pin(scan_all::<R>(cx, words, until))
    }

    fn parents<'a>(
        &'a self,
        cx: &'a mut Cx,
        link: Link,
        ids: &'a [i64],
    ) -> BoxFuture<'a, Result<Vec<(i64, i64)>>> {
        Box::pin(async move {
            let mut parents: HashMap<i64, i64> = HashMap::new();
            for ids in ids.chunks(1_000) {
                let mut statement = sql("SELECT id, ");
                statement.push(link.column.name);
                statement.push(" AS target FROM ");
                statement.push(R::TABLE);
                statement.push(" WHERE workspace = ");
                statement.push_value(cx.workspace().id.to_value());
                statement.push(" AND archived_at IS NULL AND id IN ");
                statement.push_ids(ids);
                for row in statement.rows(&mut cx.tx).await? {
                    if let Some(parent) = link.target(&row, "target")? {
                        parents.insert(row.get("id")?, parent);
                    }
                }
            }
            let parent = |id: &i64| parents.get(id).map(|parent| (*parent, *id));
            Ok(ids.iter().filter_map(parent).collect())
        })
    }

    fn archive_each<'a>(&'a self, cx: &'a mut Cx, ids: &'a [i64]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let ids: Vec<Id<R>> = ids.iter().copied().map(Id::from_raw).collect();
            let mut changes = Vec::with_capacity(ids.len());
            for (_, before) in cx.find_all(&ids).await? {
                if before.archived_at.is_none() {
                    let mut saved = before.clone();
                    saved.archived_at = Some(cx.now());
                    changes.push((before, saved, Action::Archive));
                }
            }
            changes.sort_unstable_by_key(|(before, ..)| before.id);
            cx.write_all(changes).await.map(drop)
        })
    }

    fn purge_each<'a>(&'a self, cx: &'a mut Cx, ids: &'a [i64]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            for id in ids {
                let id = Id::<R>::from_raw(*id);
                // What belongs to one of the others went along with it.
                if cx.find(id).await?.is_some() {
                    cx.purge(id).await?;
                }
            }
            Ok(())
        })
    }

    fn undo<'a>(
        &'a self,
        cx: &'a mut Cx,
        rows: &'a [LogRow],
    ) -> BoxFuture<'a, Result<Option<UndoConflict>>> {
        Box::pin(async move {
            let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
                return Ok(None);
            };
            let id = Id::<R>::from_raw(last.record);
            let conflict = |reason: String| Ok(Some(undo::conflict(id, reason)));
            if rows.iter().any(|row| row.action == Action::Purge) {
                return conflict(format!("this {} was erased for good", R::NOUN));
            }
            if rows.iter().any(|row| row.action == Action::Redact) {
                return conflict(undo::redacted::<R>());
            }
            let Some(mut current) = cx.find(id).await? else {
                return conflict(match R::READERS {
                    None => format!("this {} was erased for good", R::NOUN),
                    Some(_) => format!("this {} is not there any more", R::NOUN),
                });
            };
            if let Some(since) = undo::changed_since(cx, &current, last).await? {
                return conflict(since);
            }
            for row in rows.iter().rev() {
                let mut saved = match row.action {
                    Action::Update => patched(&current, LogRow::side(row.before.as_deref())?)?,
                    _ => current.clone(),
                };
                let action = match row.action {
                    Action::Create | Action::Restore => {
                        let family = Family::of(cx, R::TABLE, &[id.raw()], false).await?;
                        let held = family.refuse_held(cx, R::NOUN, R::TABLE, &[id.raw()]).await;
                        if let Err(error) = held {
                            return conflict(error.message().to_owned());
                        }
                        family.archive_descendants(cx).await?;
                        saved.archived_at = Some(cx.now());
                        Action::Archive
                    }
                    Action::Archive => {
                        current = cx.restore(id).await?;
                        continue;
                    }
                    Action::Update => Action::Update,
                    Action::Purge | Action::Redact => continue,
                };
                current = write(cx, current, saved, action).await?;
            }
            cx.note_taken_back((R::TABLE, id.raw()), current.version, first.version - 1);
            Ok(None)
        })
    }

    fn undo_each<'a>(
        &'a self,
        cx: &'a mut Cx,
        rows: &'a [&'a LogRow],
    ) -> BoxFuture<'a, Result<Vec<Option<UndoConflict>>>> {
        Box::pin(undo::undo_each::<R>(cx, rows))
    }

    fn documents<'a>(
        &'a self,
        tx: &'a mut Tx,
        workspace: i64,
        ids: Option<&'a [i64]>,
        after: i64,
        limit: i64,
    ) -> BoxFuture<'a, Result<Read<Doc>>> {
        Box::pin(async move {
            let mut statement = Saved::<R>::select();
            statement.push(" WHERE archived_at IS NULL AND workspace = ");
            statement.push_value(Value::Int(workspace));
            statement.push(" AND id ");
            match ids {
                Some(ids) => {
                    statement.push("IN ");
                    statement.push_ids(ids);
                }
                None => {
                    statement.push("> ");
                    statement.push_value(Value::Int(after));
                    statement.push(" ORDER BY id LIMIT ");
                    statement.push_value(Value::Int(limit));
                }
            }
            let rows = statement.rows(tx).await?;
            let mut read = Read::of::<R>(&rows, |row, saved| {
                Ok(match saved {
                    Some(saved) => saved.document(workspace),
                    None => Some(Doc::unread(workspace, R::TABLE, row.get("id")?)),
                })
            })?;
            if R::HOLDS_CONTENT {
                let ids: Vec<i64> = read.found.iter().map(|document| document.id).collect();
                let mut words = content::words(tx, workspace, &ids).await?;
                for document in &mut read.found {
                    document.text.extend(words.remove(&document.id));
                }
            }
            Ok(read)
        })
    }

    fn standing<'a>(
        &'a self,
        tx: &'a mut Tx,
        workspace: i64,
        between: (i64, i64),
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Standing>>> {
        Box::pin(standing::<R>(tx, workspace, between, limit))
    }
}

/// Those of these live records (of all of them, where none are named) that hold on to what is deleted in a table.
async fn dangling<R: Record>(
    cx: &mut Cx,
    column: ColumnSpec,
    table: &'static str,
    ids: Option<&[i64]>,
) -> Result<Vec<i64>> {
    let only_these = |statement: &mut Sql| {
        if let Some(ids) = ids {
            statement.push(" AND holder.id IN ");
            statement.push_ids(ids);
        }
    };
    let workspace = cx.workspace().id.to_value();
    let mut held = "";
    if cx.writes() {
        let of = cx.workspace().id.raw();
        held = cx.tx.for_reference(table, of).await?;
    }
    if !held.is_empty() {
        // First held, then looked at: a statement sees what was there when it began.
        let mut statement = sql("SELECT 1 AS held FROM ");
        statement.push(table);
        statement.push(" WHERE workspace = ");
        statement.push_value(workspace.clone());
        statement.push(" AND id IN (SELECT holder.");
        statement.push(column.name);
        statement.push(" FROM ");
        statement.push(R::TABLE);
        statement.push(" AS holder WHERE holder.workspace = ");
        statement.push_value(workspace.clone());
        only_these(&mut statement);
        statement.push(") ORDER BY id");
        statement.push(held);
        statement.rows(&mut cx.tx).await?;
    }
    let mut statement = sql("SELECT id FROM ");
    statement.push(R::TABLE);
    statement.push(" AS holder WHERE workspace = ");
    statement.push_value(workspace);
    statement.push(" AND archived_at IS NULL AND ");
    statement.push(holds::<R>(column));
    statement.push(" AND EXISTS (SELECT 1 FROM ");
    statement.push(table);
    statement.push(" AS held WHERE held.workspace = holder.workspace AND held.id = holder.");
    statement.push(column.name);
    statement.push(" AND held.archived_at IS NOT NULL)");
    only_these(&mut statement);
    let rows = statement.rows(&mut cx.tx).await?;
    rows.iter().map(|row| row.get("id")).collect()
}

/// The same for a column that refers to records of any kind: which of them are deleted, or not there at all, since no foreign
/// key keeps them.
async fn dangling_any<R: Record>(
    cx: &mut Cx,
    column: ColumnSpec,
    ids: Option<&[i64]>,
) -> Result<Vec<i64>> {
    const PART: i64 = 1_000;
    let mut dangling = Vec::new();
    let mut after = i64::MIN;
    loop {
        let mut statement = sql("SELECT id, ");
        statement.push(column.name);
        statement.push(" AS target FROM ");
        statement.push(R::TABLE);
        statement.push(" WHERE workspace = ");
        statement.push_value(cx.workspace().id.to_value());
        statement.push(" AND archived_at IS NULL AND ");
        statement.push(holds::<R>(column));
        statement.push(" AND ");
        statement.push(column.name);
        statement.push(" IS NOT NULL AND id > ");
        statement.push_value(Value::Int(after));
        if let Some(ids) = ids {
            statement.push(" AND id IN ");
            statement.push_ids(ids);
        }
        statement.push(" ORDER BY id LIMIT ");
        statement.push_value(Value::Int(PART));
        let rows = statement.rows(&mut cx.tx).await?;
        let mut by_kind: BTreeMap<String, Vec<(i64, i64)>> = BTreeMap::new();
        for row in &rows {
            after = row.get("id")?;
            let target: AnyId = row.get("target")?;
            let of_kind = by_kind.entry(target.prefix().to_owned()).or_default();
            of_kind.push((target.raw(), after));
        }
        for (prefix, links) in by_kind {
            // Records of a kind that this build does not know of are not looked at.
            let Some(kind) = cx.records().record_with_prefix(&prefix) else {
                continue;
            };
            let mut targets: Vec<i64> = links.iter().map(|(target, _)| *target).collect();
            targets.sort_unstable();
            targets.dedup();
            let live: HashSet<i64> = cx.held_live(kind.table(), &targets).await?;
            let gone = links.iter().filter(|(target, _)| !live.contains(target));
            dangling.extend(gone.map(|(_, id)| *id));
        }
        if rows.len() < PART as usize {
            return Ok(dangling);
        }
    }
}

/// While what condition a live record holds on to what stands in a column: to what it belongs to always.
fn holds<R: Record>(column: ColumnSpec) -> &'static str {
    if column.is_parent {
        "1 = 1"
    } else {
        R::BLOCKS_DELETION_WHILE
    }
}

/// Says that records, deleted ones among them, cannot be without what they refer to.
async fn cannot_be_without<R: Record>(
    cx: &mut Cx,
    column: ColumnSpec,
    ids: &[i64],
) -> Result<Error> {
    let dependents = Dependents::of(cx, ids.iter().map(|id| (R::TABLE, *id))).await?;
    let (count, noun, column) = (ids.len(), R::NOUN, column.name);
    let shown = dependents.shown();
    let error = Error::conflict(format!(
        "Records of the kind {noun} cannot be without their {column}, and {count} refer to this one: {shown}.",
    ));
    Ok(dependents.detail(error.hint(
        "Nothing was changed. Erase them first, deleted ones too, or delete this one restorably.",
    )))
}
