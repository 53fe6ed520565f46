//! From rows to records, a part at a time: what a part needs of the machine is done while the part before it is written.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use serde_json::{Map, Value as Data};

use super::{
    Draft, Import, OnDuplicate, OnProgress, Plan, Preview, Rejected, Row, Rows, Totals, cells,
};
use crate::batch::Batch;
use crate::caller::{Caller, Workspace};
use crate::error::{Error, Result};
use crate::patch::Patch;
use crate::record::{App, Attributes, Cx, cleaned, validated};
use crate::resolve::noun_of;
use crate::store::sql;
use crate::types::id::{Id, decode};
use crate::types::schema;
use crate::types::text::quoted;
use crate::types::time::LocalTime;

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
}

/// A part: its rows, and those of them that can become records.
struct Part<R> {
    rows: Vec<Row>,
    ready: Vec<Ready<R>>,
    rejected: Vec<(usize, String)>,
    /// Rows that refer to what is not there and may come yet.
    later: Vec<Row>,
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
    Rejected(String),
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
    let count = part.rows.len() as u64;
    let rejected = rejected(part.rows, part.rejected.into_iter().chain(done.rejected));
    totals.rejected += rejected.len() as u64;
    on_progress(count, &rejected)
}

/// The rejected rows in the order of the file.
fn rejected(rows: Vec<Row>, wrong: impl Iterator<Item = (usize, String)>) -> Vec<Rejected> {
    let reasons: BTreeMap<usize, String> = wrong.collect();
    let rows = rows.into_iter().enumerate();
    rows.filter_map(|(place, row)| {
        let reason = reasons.get(&place)?.clone();
        Some(Rejected { row, reason })
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
    let mut seen = HashSet::new();
    while let Some(part) = reader.part(rows, Absent::Passes).await? {
        let verdicts = app
            .read(caller, async |cx: &mut Cx| {
                judge(cx, &part.ready, plan.on_duplicate, Some(&mut seen)).await
            })
            .await?;
        let mut wrong = part.rejected;
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
    /// Brings the fields of a draft into the form in which a call gives them.
    fn fit(&self, draft: &mut Draft) {
        if draft.wrong.is_some() {
            return;
        }
        let fields = std::mem::take(&mut draft.fields);
        match schema::read(&self.schema, Data::Object(fields)) {
            Ok(Data::Object(fields)) => draft.fields = fields,
            Ok(_) => {}
            Err(error) => draft.wrong = Some(describe(&error)),
        }
    }
}

impl<'a, R: Import> Reader<'a, R> {
    fn new(app: &'a Arc<App>, caller: &'a Caller, plan: &'a Plan) -> Self {
        let generator = schemars::generate::SchemaSettings::default().into_generator();
        let schema = generator.into_root_schema_for::<Patch<R>>();
        let check = Check {
            workspace: Arc::clone(&caller.workspace),
            time: LocalTime {
                now: app.store.clock().now(),
                zone: caller.workspace.time_zone,
            },
            schema: schema::wire(schema),
        };
        Self {
            app,
            caller,
            plan,
            check: Arc::new(check),
            record: std::marker::PhantomData,
        }
    }

    /// The next part; none at the end.
    async fn part(
        &self,
        rows: &mut dyn Iterator<Item = Result<Row>>,
        absent: Absent,
    ) -> Result<Option<Part<R>>> {
        let mut rows = rows.take(PART).collect::<Result<Vec<Row>>>()?;
        if rows.is_empty() {
            return Ok(None);
        }
        let mut drafts: Vec<Draft> = rows.iter().map(|row| cells::read(self.plan, row)).collect();
        let mut later = Vec::new();
        let complete = async |cx: &mut Cx| {
            let waits = link(cx, &mut drafts, R::TABLE, absent).await?;
            for place in waits.into_iter().rev() {
                drafts.remove(place);
                later.push(rows.remove(place));
            }
            later.reverse();
            drafts.iter_mut().for_each(|draft| self.check.fit(draft));
            R::complete(cx, &mut drafts).await
        };
        self.app.read(self.caller, complete).await?;
        let check = Arc::clone(&self.check);
        let outcome = tokio::task::spawn_blocking(move || {
            let (mut ready, mut rejected) = (Vec::new(), Vec::new());
            for (place, draft) in drafts.into_iter().enumerate() {
                match formed::<R>(&check, place, draft) {
                    Ok(one) => ready.push(one),
                    Err(reason) => rejected.push((place, reason)),
                }
            }
            (ready, rejected)
        });
        let (ready, rejected) = outcome.await.map_err(Error::internal)?;
        Ok(Some(Part {
            rows,
            ready,
            rejected,
            later,
        }))
    }
}

/// The record that a draft stands for, or what is wrong with it.
fn formed<R: Import>(check: &Check, place: usize, draft: Draft) -> Result<Ready<R>, String> {
    if let Some(wrong) = draft.wrong {
        return Err(wrong);
    }
    let made = || -> Result<Ready<R>> {
        let mut record = R::empty();
        apply(&mut record, &draft.fields, check.time)?;
        apply(&mut record, &draft.kept, check.time)?;
        let record = validated(&check.workspace, record)?;
        let index_keys = record.index_keys().into_iter();
        let tells = |field: &str| R::SAME.iter().any(|(name, _)| *name == field);
        let same = index_keys.filter(|(field, _)| tells(field)).collect();
        Ok(Ready {
            place,
            given: draft.fields,
            attributes: cleaned(draft.attributes),
            record,
            same,
        })
    };
    made().map_err(|error| describe(&error))
}

fn apply<R: Import>(record: &mut R, given: &Map<String, Data>, time: LocalTime) -> Result<()> {
    for (column, value) in given {
        record.apply(column, value.clone(), time)?;
    }
    Ok(())
}

fn describe(error: &Error) -> String {
    match error.hint_text().filter(|hint| hint.starts_with("Did you")) {
        Some(hint) => format!("{} {hint}", error.message()),
        None => error.message().to_owned(),
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
            let found = link.texts.iter().find_map(|text| {
                let ids = meant.get(&(link.table, text.clone()))?;
                (!ids.is_empty()).then_some((text, ids.as_slice()))
            });
            match found {
                Some((_, [id])) => {
                    let id = cx.wire_id(link.table, *id);
                    draft.fields.insert(link.column.to_owned(), id.into());
                }
                Some((text, ids)) => {
                    let (count, noun) = (ids.len(), noun(cx));
                    let text = quoted(text);
                    draft.wrong.get_or_insert(format!(
                        "{}: {count} {noun}s are called {text}; write the id of one.",
                        link.column
                    ));
                }
                None if link.table == own && absent == Absent::Passes => {}
                None if link.table == own && absent == Absent::Waits && draft.wrong.is_none() => {
                    if waits.last() != Some(&place) {
                        waits.push(place);
                    }
                }
                None => {
                    let text = quoted(link.texts.first().map_or("", String::as_str));
                    let noun = noun(cx);
                    draft
                        .wrong
                        .get_or_insert(format!("{}: there is no {noun} {text}.", link.column));
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
    rejected: Vec<(usize, String)>,
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
    for (index, (one, verdict)) in ready.iter().zip(verdicts).enumerate() {
        let changed = match verdict {
            Verdict::New => {
                new.insert(index, (one.record.clone(), one.attributes.clone()));
                done.created += 1;
                continue;
            }
            Verdict::Rejected(reason) => Err(reason),
            Verdict::Known(_) if !update => {
                done.skipped += 1;
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
            Ok(()) => done.updated += 1,
            Err(reason) => done.rejected.push((one.place, reason)),
        }
    }
    cx.insert_ready(new.into_values().collect()).await?;
    cx.save_all(edits.into_values().collect()).await?;
    Ok(done)
}

/// The record with what a row says of it.
fn updated<R: Import>(
    workspace: &Workspace,
    before: &R,
    row: &Ready<R>,
    time: LocalTime,
) -> Result<R, String> {
    let mut record = before.clone();
    let changed = apply(&mut record, &row.given, time).and_then(|()| {
        record.keep(before);
        validated(workspace, record)
    });
    changed.map_err(|error| describe(&error))
}

/// Decides what becomes of the rows of a part. `seen` remembers what duplicates are told by where nothing is written.
async fn judge<R: Import>(
    cx: &mut Cx,
    ready: &[Ready<R>],
    on_duplicate: OnDuplicate,
    mut seen: Option<&mut HashSet<u64>>,
) -> Result<Vec<Verdict<R>>> {
    let mut wrong: HashMap<usize, String> = HashMap::new();
    for (index, one) in ready.iter().enumerate() {
        if let Err(error) = cx.check_attributes(R::TABLE, &one.attributes).await {
            wrong.insert(index, describe(&error));
        }
    }
    let records = ready.iter().map(|one| (None, &one.record));
    for (index, error) in cx.missing_references(records).await? {
        let reason = format!("{}: {}", error.field_name().unwrap_or("?"), error.message());
        wrong.entry(index).or_insert(reason);
    }
    let duplicates = if on_duplicate == OnDuplicate::Create {
        HashMap::new()
    } else {
        there::<R>(cx, ready).await?
    };
    let mut again: HashMap<&(&'static str, String), Known<R>> = HashMap::new();
    let mut verdicts = Vec::with_capacity(ready.len());
    for (index, one) in ready.iter().enumerate() {
        if let Some(reason) = wrong.remove(&index) {
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
        let known = same.iter().find_map(|term| {
            let there = duplicates.get(*term).copied().map(Known::There);
            let before = || {
                let seen = seen.as_ref()?;
                seen.contains(&mark(term)).then_some(Known::Seen)
            };
            there.or_else(|| again.get(*term).copied()).or_else(before)
        });
        // Of a duplicate that is skipped nothing is kept that a later row could be the same by.
        if known.is_none() || on_duplicate == OnDuplicate::Update {
            for term in &same {
                again
                    .entry(term)
                    .or_insert(known.unwrap_or(Known::Again(index)));
                if let Some(seen) = seen.as_mut() {
                    seen.insert(mark(term));
                }
            }
        }
        verdicts.push(known.map_or(Verdict::New, Verdict::Known));
    }
    Ok(verdicts)
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
    for (field, _) in R::SAME {
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
