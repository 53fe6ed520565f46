//! From rows to records, a part at a time: what a part needs of the machine is done while the part before it is written.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use serde_json::{Map, Value as Data};

use super::{
    Became, Draft, Fate, Import, Imported, OnDuplicate, OnProgress, Plan, Preview, Rejected, Row,
    Rows, Totals, Wrong, cells,
};
use crate::batch::Batch;
use crate::caller::{Caller, Member, Workspace};
use crate::duplicates::{Apart, MOST_OF_A_NAME, are_two};
use crate::error::{Error, Result};
use crate::patch::Patch;
use crate::record::{App, Attributes, Cx, cleaned, validated};
use crate::resolve::noun_of;
use crate::store::sql;
use crate::types::id::{Entity as _, Id, decode};
use crate::types::schema;
use crate::types::text::quoted;
use crate::types::time::{LocalTime, Timestamp};

/// Rows of one part: many enough to be quick, few enough that other callers do not wait long.
const PART: usize = 1_000;
/// Records and rejected rows that a preview shows.
const SHOWN: usize = 5;

/// A row that can become a record.
#[derive(Clone)]
struct Ready<R> {
    place: usize,
    given: Map<String, Data>,
    attributes: Attributes,
    record: R,
    /// What tells its duplicates.
    same: Vec<(&'static str, String)>,
    /// What tells it apart from others with a weak sign in common.
    apart: Marks,
}

/// A part: its rows, and those of them that can become records.
struct Part<R> {
    rows: Vec<Row>,
    ready: Vec<Ready<R>>,
    rejected: Vec<(usize, Wrong)>,
    /// Rows that refer to what is not there and may come yet.
    later: Vec<Row>,
    /// What was left out of the rows.
    warnings: Vec<String>,
}

/// What becomes of a row that refers to a record of its own kind that is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Absent {
    /// It waits: another row may make it.
    Waits,
    /// It does without.
    Passes,
    /// It is rejected.
    Rejected,
}

/// What is to become of a row.
enum Verdict<R: Import> {
    /// A new record.
    New,
    /// A record that is there or will be.
    Known(Known<R>),
    /// Nothing.
    Rejected(Wrong),
}

/// Where the record of a duplicate is.
enum Known<R: Import> {
    /// In the database.
    There(Id<R>),
    /// An earlier row of this part makes it: its place among those that are ready.
    Again(usize),
    /// In an earlier part of which nothing is written.
    Seen,
}

impl<R: Import> Clone for Known<R> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<R: Import> Copy for Known<R> {}

pub(super) async fn run<R: Import>(
    app: &Arc<App>,
    batch: &Batch,
    plan: &Plan,
    rows: Rows<'_>,
    on_progress: OnProgress<'_>,
) -> Result<Totals> {
    let mut totals = Totals::default();
    let reader = Reader::<R>::new(app, batch.caller(), plan);
    // A row that refers to an earlier one has to wait until that is written.
    let one_by_one = plan.mapping.refers_to(R::TABLE);
    let mut waiting = Vec::new();
    let mut next = reader.part(rows, Absent::Waits).await?;
    while let Some(mut part) = next {
        waiting.append(&mut part.later);
        let write = store_part(app, batch, plan, &part);
        let (done, read) = if one_by_one {
            let done = write.await;
            (done, reader.part(rows, Absent::Waits).await)
        } else {
            tokio::join!(write, reader.part(rows, Absent::Waits))
        };
        // What was written is told of, even if the rows after it cannot be read.
        tell(&mut totals, part, done?, on_progress)?;
        next = read?;
    }
    // Each round writes what the round before made possible; what is left when nothing was is rejected.
    let mut absent = Absent::Waits;
    while !waiting.is_empty() {
        let before = waiting.len();
        let mut round = std::mem::take(&mut waiting).into_iter().map(Ok);
        while let Some(mut part) = reader.part(&mut round, absent).await? {
            waiting.append(&mut part.later);
            let done = store_part(app, batch, plan, &part).await?;
            tell(&mut totals, part, done, on_progress)?;
        }
        if waiting.len() == before {
            absent = Absent::Rejected;
        }
    }
    Ok(totals)
}

/// The same within a call: all of it is on disk with the call, or nothing.
pub(super) async fn within<R: Import>(
    cx: &mut Cx,
    plan: &Plan,
    rows: Vec<Row>,
) -> Result<Imported> {
    let check = Check::new::<R>(&cx.caller().workspace, cx.now());
    let mut imported = Imported::default();
    let (mut open, mut absent) = (rows, Absent::Waits);
    // Each round writes what the round before made possible; what is left when nothing was is rejected.
    while !open.is_empty() {
        let before = open.len();
        let mut rest = std::mem::take(&mut open).into_iter();
        loop {
            let rows: Vec<Row> = rest.by_ref().take(PART).collect();
            if rows.is_empty() {
                break;
            }
            let drafted = drafted::<R>(cx, plan, &check, rows, absent).await?;
            let mut part = formed_part::<R>(&check, drafted).await?;
            open.append(&mut part.later);
            let mut done = store(cx, &part.ready, plan.on_duplicate).await?;
            for (place, became, record) in std::mem::take(&mut done.fates) {
                let line = part.rows.get(place).map_or(0, |row| row.line);
                imported.fates.push(Fate {
                    line,
                    became,
                    record,
                });
            }
            let rejected = &mut imported.rejected;
            let mut keep = |_: u64, more: &[Rejected]| {
                rejected.extend_from_slice(more);
                Ok(())
            };
            tell(&mut imported.totals, part, done, &mut keep)?;
        }
        if open.len() == before {
            absent = Absent::Rejected;
        }
    }
    imported.fates.sort_by_key(|fate| fate.line);
    imported.rejected.sort_by_key(|one| one.row.line);
    Ok(imported)
}

async fn store_part<R: Import>(
    app: &Arc<App>,
    batch: &Batch,
    plan: &Plan,
    part: &Part<R>,
) -> Result<Done> {
    let write = async |cx: &mut Cx| store(cx, &part.ready, plan.on_duplicate).await;
    app.run_in(batch, write).await
}

fn tell<R>(
    totals: &mut Totals,
    part: Part<R>,
    done: Done,
    on_progress: OnProgress<'_>,
) -> Result<()> {
    totals.created += done.created;
    totals.updated += done.updated;
    totals.skipped += done.skipped;
    totals.warn(&part.warnings);
    let count = part.rows.len() as u64;
    let rejected = rejected(part.rows, part.rejected.into_iter().chain(done.rejected));
    totals.rejected += rejected.len() as u64;
    on_progress(count, &rejected)
}

/// The rejected rows in the order of the file.
fn rejected(rows: Vec<Row>, wrong: impl Iterator<Item = (usize, Wrong)>) -> Vec<Rejected> {
    let mut reasons: BTreeMap<usize, Wrong> = wrong.collect();
    let rows = rows.into_iter().enumerate();
    rows.filter_map(|(place, row)| {
        let Wrong { field, reason } = reasons.remove(&place)?;
        Some(Rejected { row, field, reason })
    })
    .collect()
}

pub(super) async fn preview<R: Import>(
    app: &Arc<App>,
    caller: &Caller,
    plan: &Plan,
    rows: Rows<'_>,
    on_progress: OnProgress<'_>,
) -> Result<Preview> {
    let mut preview = Preview::default();
    let reader = Reader::<R>::new(app, caller, plan);
    let mut seen = Seen::default();
    while let Some(part) = reader.part(rows, Absent::Passes).await? {
        let verdicts = app
            .read(caller, async |cx: &mut Cx| {
                judge(cx, &part.ready, plan.on_duplicate, Some(&mut seen)).await
            })
            .await?;
        let mut wrong = part.rejected;
        preview.totals.warn(&part.warnings);
        for (ready, verdict) in part.ready.into_iter().zip(verdicts) {
            match verdict {
                Verdict::New => {
                    preview.totals.created += 1;
                    if preview.records.len() < SHOWN {
                        preview.records.push(shown(ready)?);
                    }
                }
                Verdict::Rejected(reason) => wrong.push((ready.place, reason)),
                Verdict::Known(_) => {
                    if plan.on_duplicate == OnDuplicate::Update {
                        preview.totals.updated += 1;
                    } else {
                        preview.totals.skipped += 1;
                    }
                }
            }
        }
        let count = part.rows.len() as u64;
        let rejected = rejected(part.rows, wrong.into_iter());
        preview.totals.rejected += rejected.len() as u64;
        on_progress(count, &rejected)?;
        let room = SHOWN.saturating_sub(preview.rejected.len());
        preview.rejected.extend(rejected.into_iter().take(room));
    }
    Ok(preview)
}

/// The record as a person looks at it: without what is empty.
fn shown<R: Import>(ready: Ready<R>) -> Result<Map<String, Data>> {
    let Data::Object(mut fields) = serde_json::to_value(&ready.record).map_err(Error::internal)?
    else {
        return Err(Error::internal("a record is a struct"));
    };
    if !ready.attributes.is_empty() {
        fields.insert("attributes".into(), Data::Object(ready.attributes));
    }
    fields.retain(|_, value| {
        !value.is_null() && value.as_array().is_none_or(|items| !items.is_empty())
    });
    Ok(fields)
}

/// Makes rows into what can become records.
struct Reader<'a, R> {
    app: &'a Arc<App>,
    caller: &'a Caller,
    plan: &'a Plan,
    check: Arc<Check>,
    record: std::marker::PhantomData<fn() -> R>,
}

/// What a row is checked by.
struct Check {
    workspace: Arc<Workspace>,
    time: LocalTime,
    schema: Map<String, Data>,
}

impl Check {
    fn new<R: Import>(workspace: &Arc<Workspace>, now: Timestamp) -> Arc<Self> {
        let generator = schemars::generate::SchemaSettings::default().into_generator();
        let schema = generator.into_root_schema_for::<Patch<R>>();
        Arc::new(Self {
            workspace: Arc::clone(workspace),
            time: LocalTime {
                now,
                zone: workspace.time_zone,
            },
            schema: schema::wire(&schema),
        })
    }

    /// Brings the fields of a draft into the form in which a call gives them.
    fn fit(&self, draft: &mut Draft) {
        // One after the other, so that all that is wrong with a row is said at once.
        for (name, value) in std::mem::take(&mut draft.fields) {
            let mut one = Map::new();
            one.insert(name, value);
            match schema::read(&self.schema, Data::Object(one)) {
                Ok(Data::Object(read)) => draft.fields.extend(read),
                Ok(_) => {}
                Err(error) => draft.refuse(wrong(&error)),
            }
        }
    }
}

impl<'a, R: Import> Reader<'a, R> {
    fn new(app: &'a Arc<App>, caller: &'a Caller, plan: &'a Plan) -> Self {
        Self {
            app,
            caller,
            plan,
            check: Check::new::<R>(&caller.workspace, app.store.clock().now()),
            record: std::marker::PhantomData,
        }
    }

    /// The next part; none at the end.
    async fn part(
        &self,
        rows: &mut dyn Iterator<Item = Result<Row>>,
        absent: Absent,
    ) -> Result<Option<Part<R>>> {
        let rows = rows.take(PART).collect::<Result<Vec<Row>>>()?;
        if rows.is_empty() {
            return Ok(None);
        }
        let read = async |cx: &mut Cx| drafted::<R>(cx, self.plan, &self.check, rows, absent).await;
        let drafted = self.app.read(self.caller, read).await?;
        formed_part(&self.check, drafted).await.map(Some)
    }
}

/// Rows whose cells are read and whose references are found.
struct Drafted {
    rows: Vec<Row>,
    drafts: Vec<Draft>,
    /// Rows that refer to what is not there and may come yet.
    later: Vec<Row>,
}

async fn drafted<R: Import>(
    cx: &mut Cx,
    plan: &Plan,
    check: &Check,
    mut rows: Vec<Row>,
    absent: Absent,
) -> Result<Drafted> {
    let mut drafts: Vec<Draft> = rows.iter().map(|row| cells::read(plan, row)).collect();
    let mut later = Vec::new();
    let waits = link(cx, &mut drafts, R::TABLE, absent).await?;
    for place in waits.into_iter().rev() {
        drafts.remove(place);
        later.push(rows.remove(place));
    }
    later.reverse();
    for draft in &mut drafts {
        R::translate(draft);
        check.fit(draft);
    }
    R::complete(cx, &mut drafts).await?;
    Ok(Drafted {
        rows,
        drafts,
        later,
    })
}

/// Forms the records, away from the threads on which calls wait.
async fn formed_part<R: Import>(check: &Arc<Check>, drafted: Drafted) -> Result<Part<R>> {
    let Drafted {
        rows,
        mut drafts,
        later,
    } = drafted;
    let warned = drafts.iter_mut().filter(|draft| draft.wrong.is_none());
    let warnings = warned.flat_map(|draft| std::mem::take(&mut draft.warnings));
    let warnings: Vec<String> = warnings.collect();
    let check = Arc::clone(check);
    let outcome = tokio::task::spawn_blocking(move || {
        let (mut ready, mut rejected) = (Vec::new(), Vec::new());
        for (place, draft) in drafts.into_iter().enumerate() {
            match formed::<R>(&check, place, draft) {
                Ok(one) => ready.push(one),
                Err(wrong) => rejected.push((place, wrong)),
            }
        }
        (ready, rejected)
    });
    let (ready, rejected) = outcome.await.map_err(Error::internal)?;
    Ok(Part {
        rows,
        ready,
        rejected,
        later,
        warnings,
    })
}

/// The record that a draft stands for, or what is wrong with it.
fn formed<R: Import>(check: &Check, place: usize, draft: Draft) -> Result<Ready<R>, Wrong> {
    if let Some(wrong) = draft.wrong {
        return Err(wrong);
    }
    let made = || -> Result<Ready<R>> {
        let mut record = R::empty();
        apply(&mut record, &draft.fields, check.time)?;
        apply(&mut record, &draft.kept, check.time)?;
        let record = validated(&check.workspace, record)?;
        let mut same = record.index_keys();
        let apart = apart::<R>(&same);
        same.retain(|(field, _)| R::SAME.iter().any(|(name, _)| name == field));
        Ok(Ready {
            place,
            given: draft.fields,
            attributes: cleaned(draft.attributes),
            record,
            same,
            apart,
        })
    };
    made().map_err(|error| wrong(&error))
}

fn apply<R: Import>(record: &mut R, given: &Map<String, Data>, time: LocalTime) -> Result<()> {
    for (column, value) in given {
        record.apply(column, value.clone(), time)?;
    }
    Ok(())
}

fn wrong(error: &Error) -> Wrong {
    let reason = match error.hint_text().filter(|hint| hint.starts_with("Did you")) {
        Some(hint) => format!("{} {hint}", error.message()),
        None => error.message().to_owned(),
    };
    Wrong {
        field: Wrong::field_of(error),
        reason,
    }
}

/// Finds the records to which drafts refer by identifier, name or address. Answers the places of those that wait.
async fn link(
    cx: &mut Cx,
    drafts: &mut [Draft],
    own: &'static str,
    absent: Absent,
) -> Result<Vec<usize>> {
    let mut waits = Vec::new();
    let mut wanted: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for link in drafts.iter().flat_map(|draft| &draft.links) {
        let texts = wanted.entry(link.table).or_default();
        texts.extend(link.texts.iter().cloned());
    }
    let mut meant: HashMap<(&'static str, String), Vec<i64>> = HashMap::new();
    for (table, mut texts) in wanted {
        texts.sort();
        texts.dedup();
        let found = find(cx, table, &texts).await?;
        meant.extend(texts.into_iter().map(|text| (table, text)).zip(found));
    }
    for (place, draft) in drafts.iter_mut().enumerate() {
        for link in std::mem::take(&mut draft.links) {
            let noun = |cx: &Cx| noun_of(cx.records(), link.table);
            let found = link.texts.iter().filter_map(|text| {
                let ids = meant.get(&(link.table, text.clone()))?;
                (!ids.is_empty()).then_some((text, ids.as_slice()))
            });
            // What tells one goes before what tells several.
            let found = found.min_by_key(|(_, ids)| ids.len() > 1);
            match found {
                Some((_, [id])) => {
                    let id = cx.wire_id(link.table, *id);
                    draft.fields.insert(link.column.to_owned(), id.into());
                }
                Some((text, ids)) => {
                    let (count, noun) = (ids.len(), noun(cx));
                    let text = quoted(text);
                    let reason = format!(
                        "{}: {count} {noun}s are called {text}; write the id of one.",
                        link.column
                    );
                    draft.refuse(Wrong::of(link.column, reason));
                }
                None if link.table == own && absent == Absent::Passes => {}
                None if link.table == own && absent == Absent::Waits && draft.wrong.is_none() => {
                    if waits.last() != Some(&place) {
                        waits.push(place);
                    }
                }
                None => {
                    // Of an identifier and a name people know the name.
                    let text = quoted(link.texts.last().map_or("", String::as_str));
                    let absent = format!("{}: there is no {} {text}", link.column, noun(cx));
                    if link.table == Member::TABLE {
                        draft.warnings.push(format!("{absent}; it stays empty."));
                    } else {
                        draft.refuse(Wrong::of(link.column, format!("{absent}.")));
                    }
                }
            }
        }
    }
    Ok(waits)
}

/// The records of a table that are meant by each text.
async fn find(cx: &mut Cx, table: &'static str, texts: &[String]) -> Result<Vec<Vec<i64>>> {
    let prefix = cx.records().prefix_of(table).unwrap_or_default();
    let number = |text: &String| match decode(text) {
        Some((found, id)) if found.eq_ignore_ascii_case(prefix) => Some(id),
        _ => None,
    };
    let numbers: Vec<i64> = texts.iter().filter_map(number).collect();
    let mut there = HashSet::new();
    for asked in numbers.chunks(256) {
        let mut statement = sql("SELECT id FROM ");
        statement.push(table);
        let mut statement = statement
            .sql(" WHERE archived_at IS NULL AND workspace = ")
            .value(cx.workspace().id)
            .sql(" AND id IN ");
        statement.push_ids(asked);
        for row in statement.rows(cx.tx()).await? {
            there.insert(row.get::<i64>("id")?);
        }
    }
    let by_name = cx.meant_in(table, texts).await?;
    let found = texts.iter().zip(by_name);
    Ok(found
        .map(|(text, mut by_name)| match number(text) {
            Some(id) if there.contains(&id) => vec![id],
            _ => {
                by_name.sort_unstable();
                by_name.dedup();
                by_name
            }
        })
        .collect())
}

/// What was done with a part.
#[derive(Default)]
struct Done {
    created: u64,
    updated: u64,
    skipped: u64,
    rejected: Vec<(usize, Wrong)>,
    /// What became of the others: the place of the row, and the record.
    fates: Vec<(usize, Became, i64)>,
}

/// Writes a part.
async fn store<R: Import>(
    cx: &mut Cx,
    ready: &[Ready<R>],
    on_duplicate: OnDuplicate,
) -> Result<Done> {
    cx.tx().serialize_all().await?;
    let verdicts = judge(cx, ready, on_duplicate, None).await?;
    let update = on_duplicate == OnDuplicate::Update;
    let there = verdicts.iter().filter_map(|verdict| match verdict {
        Verdict::Known(Known::There(id)) if update => Some(*id),
        _ => None,
    });
    let mut edits = BTreeMap::new();
    for edit in cx.edit_all(&there.collect::<Vec<_>>()).await? {
        edits.insert(edit.before().id, edit);
    }
    let mut done = Done::default();
    let mut new: BTreeMap<usize, (R, Attributes)> = BTreeMap::new();
    let time = cx.local_time();
    // Whose record is told once those that are new have identifiers.
    let mut fates: Vec<(usize, Became, Known<R>)> = Vec::with_capacity(ready.len());
    for (index, (one, verdict)) in ready.iter().zip(verdicts).enumerate() {
        let known = match &verdict {
            Verdict::New => Some(Known::Again(index)),
            Verdict::Known(known) => Some(*known),
            Verdict::Rejected(_) => None,
        };
        let changed = match verdict {
            Verdict::New => {
                new.insert(index, (one.record.clone(), one.attributes.clone()));
                done.created += 1;
                fates.extend(known.map(|known| (one.place, Became::Created, known)));
                continue;
            }
            Verdict::Rejected(reason) => Err(reason),
            Verdict::Known(_) if !update => {
                done.skipped += 1;
                fates.extend(known.map(|known| (one.place, Became::Skipped, known)));
                continue;
            }
            Verdict::Known(Known::There(id)) => match edits.get_mut(&id) {
                Some(edit) => {
                    let before = (**edit).clone();
                    let changed = updated(cx.workspace(), &before, one, time);
                    let changed = changed.map(|record| **edit = record);
                    if changed.is_ok() {
                        edit.add_attributes(one.attributes.clone());
                    }
                    changed
                }
                None => Ok(()),
            },
            Verdict::Known(Known::Again(index)) => match new.get_mut(&index) {
                Some((record, attributes)) => {
                    let changed = updated(cx.workspace(), record, one, time);
                    changed.map(|changed| {
                        *record = changed;
                        attributes.extend(one.attributes.clone());
                    })
                }
                None => Ok(()),
            },
            Verdict::Known(Known::Seen) => Ok(()),
        };
        match changed {
            Ok(()) => {
                done.updated += 1;
                fates.extend(known.map(|known| (one.place, Became::Updated, known)));
            }
            Err(reason) => done.rejected.push((one.place, reason)),
        }
    }
    let (places, records): (Vec<usize>, Vec<_>) = new.into_iter().unzip();
    let made = cx.insert_ready(records).await?;
    let made = places.into_iter().zip(made.iter().map(|saved| saved.id));
    let made: HashMap<usize, Id<R>> = made.collect();
    cx.save_all(edits.into_values().collect()).await?;
    let fates = fates.into_iter().filter_map(|(place, became, known)| {
        let id = match known {
            Known::There(id) => id,
            Known::Again(index) => *made.get(&index)?,
            Known::Seen => return None,
        };
        Some((place, became, id.raw()))
    });
    done.fates = fates.collect();
    Ok(done)
}

/// The record with what a row says of it.
fn updated<R: Import>(
    workspace: &Workspace,
    before: &R,
    row: &Ready<R>,
    time: LocalTime,
) -> Result<R, Wrong> {
    let mut record = before.clone();
    let changed = apply(&mut record, &row.given, time).and_then(|()| {
        record.keep(before);
        validated(workspace, record)
    });
    changed.map_err(|error| wrong(&error))
}

/// Decides what becomes of the rows of a part. `seen` remembers what duplicates are told by where nothing is written.
async fn judge<R: Import>(
    cx: &mut Cx,
    ready: &[Ready<R>],
    on_duplicate: OnDuplicate,
    mut seen: Option<&mut Seen>,
) -> Result<Vec<Verdict<R>>> {
    let mut unfit: HashMap<usize, Wrong> = HashMap::new();
    for (index, one) in ready.iter().enumerate() {
        if let Err(error) = cx.check_attributes(R::TABLE, &one.attributes).await {
            unfit.insert(index, wrong(&error));
        }
    }
    let records = ready.iter().map(|one| (None, &one.record));
    for (index, error) in cx.missing_references(records).await? {
        let field = error.field_name().unwrap_or("?");
        let reason = format!("{field}: {}", error.message());
        unfit
            .entry(index)
            .or_insert_with(|| Wrong::of(field, reason));
    }
    let duplicates = if on_duplicate == OnDuplicate::Create {
        HashMap::new()
    } else {
        there::<R>(cx, ready).await?
    };
    let namesakes = namesakes(cx, ready, &duplicates).await?;
    let mut again: HashMap<&(&'static str, String), Known<R>> = HashMap::new();
    let mut again_weak: HashMap<&String, Vec<(Known<R>, &Marks)>> = HashMap::new();
    let mut verdicts = Vec::with_capacity(ready.len());
    for (index, one) in ready.iter().enumerate() {
        if let Some(reason) = unfit.remove(&index) {
            verdicts.push(Verdict::Rejected(reason));
            continue;
        }
        if on_duplicate == OnDuplicate::Create {
            verdicts.push(Verdict::New);
            continue;
        }
        let mut same = Vec::with_capacity(one.same.len());
        for (field, _) in R::SAME {
            same.extend(one.same.iter().filter(|(other, _)| other == field));
        }
        let is_one =
            |other: &[(&'static str, u64)]| !are_two(&one.apart, other, R::APART_BY, Apart::ByOne);
        let known = same.iter().find_map(|term| {
            if weak::<R>() == Some(term.0) {
                let there = namesakes.get(&term.1).into_iter().flatten();
                let mut there = there.filter(|(_, apart)| is_one(apart));
                let there = there.next().map(|(id, _)| Known::There(*id));
                let before = again_weak.get(&term.1).into_iter().flatten();
                let mut before = before.filter(|(_, apart)| is_one(apart));
                let seen = seen.as_ref().and_then(|seen| seen.weak.get(&mark(term)));
                let is_seen = seen.is_some_and(|all| all.iter().any(|apart| is_one(apart)));
                return there
                    .or_else(|| before.next().map(|(known, _)| *known))
                    .or_else(|| is_seen.then_some(Known::Seen));
            }
            let there = duplicates.get(*term).copied().map(Known::There);
            let before = || {
                let seen = seen.as_ref()?;
                seen.sure.contains(&mark(term)).then_some(Known::Seen)
            };
            there.or_else(|| again.get(*term).copied()).or_else(before)
        });
        // Of a duplicate that is skipped nothing is kept that a later row could be the same by.
        if known.is_none() || on_duplicate == OnDuplicate::Update {
            let as_known = known.unwrap_or(Known::Again(index));
            for term in same {
                if weak::<R>() == Some(term.0) {
                    let all = again_weak.entry(&term.1).or_default();
                    all.push((as_known, &one.apart));
                    if let Some(seen) = seen.as_mut() {
                        let all = seen.weak.entry(mark(term)).or_default();
                        all.push(one.apart.clone());
                    }
                    continue;
                }
                again.entry(term).or_insert(as_known);
                if let Some(seen) = seen.as_mut() {
                    seen.sure.insert(mark(term));
                }
            }
        }
        verdicts.push(known.map_or(Verdict::New, Verdict::Known));
    }
    Ok(verdicts)
}

/// What the parts before had that duplicates are told by, where nothing of them is written.
#[derive(Default)]
struct Seen {
    sure: HashSet<u64>,
    /// By a weak sign, what tells those apart that have it.
    weak: HashMap<u64, Vec<Marks>>,
}

/// The sign that alone does not tell that two are one.
fn weak<R: Import>() -> Option<&'static str> {
    let last = R::SAME.last().filter(|_| !R::APART_BY.is_empty());
    last.map(|(field, _)| *field)
}

/// What tells a record apart, from its index keys.
fn apart<R: Import>(keys: &[(&'static str, String)]) -> Marks {
    let keys = keys.iter().filter(|(field, _)| R::APART_BY.contains(field));
    keys.map(|key| (key.0, mark(key))).collect()
}

/// What tells a record apart: index keys, each by what stands for it in memory.
type Marks = Vec<(&'static str, u64)>;

/// Live records with what tells them apart.
type Namesakes<R> = Vec<(Id<R>, Marks)>;

/// Those that are there and have only the weak sign in common with rows, by it.
async fn namesakes<R: Import>(
    cx: &mut Cx,
    ready: &[Ready<R>],
    there: &HashMap<(&'static str, String), Id<R>>,
) -> Result<HashMap<String, Namesakes<R>>> {
    let mut found: HashMap<String, Namesakes<R>> = HashMap::new();
    let Some(weak) = weak::<R>() else {
        return Ok(found);
    };
    let is_sure = |term: &(&'static str, String)| term.0 != weak && there.contains_key(term);
    let open = ready.iter().filter(|one| !one.same.iter().any(is_sure));
    let values = open
        .flat_map(|one| &one.same)
        .filter(|(field, _)| *field == weak);
    let mut values: Vec<String> = values.map(|(_, value)| value.clone()).collect();
    values.sort_unstable();
    values.dedup();
    let mut of_value = Vec::new();
    for term in cx.with_terms::<R>(weak, &values).await? {
        let ids = match term.count {
            1 => vec![term.oldest],
            _ => cx.with_index_key(weak, &term.value, MOST_OF_A_NAME).await?,
        };
        of_value.push((term.value, ids));
    }
    let ids: Vec<Id<R>> = of_value.iter().flat_map(|(_, ids)| ids.clone()).collect();
    let records = cx.get_all(&ids).await?;
    let apart: HashMap<Id<R>, Marks> = records
        .iter()
        .map(|saved| (saved.id, apart::<R>(&saved.index_keys())))
        .collect();
    for (value, ids) in of_value {
        let all = ids.into_iter();
        let all = all.filter_map(|id| Some((id, apart.get(&id)?.clone())));
        found.insert(value, all.collect());
    }
    Ok(found)
}

/// What stands for an index key in memory.
fn mark(term: &(&'static str, String)) -> u64 {
    let mut hasher = DefaultHasher::new();
    term.hash(&mut hasher);
    hasher.finish()
}

/// The oldest live record of each index key by which duplicates are told.
async fn there<R: Import>(
    cx: &mut Cx,
    ready: &[Ready<R>],
) -> Result<HashMap<(&'static str, String), Id<R>>> {
    let mut found = HashMap::new();
    let sure = R::SAME
        .iter()
        .filter(|(field, _)| weak::<R>() != Some(field));
    for (field, _) in sure {
        let values = ready.iter().flat_map(|one| &one.same);
        let values = values.filter(|(other, _)| other == field);
        let mut values: Vec<String> = values.map(|(_, value)| value.clone()).collect();
        values.sort_unstable();
        values.dedup();
        for one in cx.with_terms::<R>(field, &values).await? {
            found.insert((*field, one.value), one.oldest);
        }
    }
    Ok(found)
}
