//! What a tool has at hand: its transaction, its caller, the time, the search.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use chrono::NaiveDate;
use serde_json::{Map, Value as Data};

use crate::caller::{Caller, Workspace};
use crate::compute::{Compute, Place};
use crate::content::{Intake, Prepared, Upload};
use crate::error::{Code, Error, Result};
use crate::notice::Notice;
use crate::permission::{Covers, Operation, lacking};
use crate::record::reactions::{AnyReaction, Deferred, MOST_DEEP, too_deep};
use crate::record::summary::{Summary, Written};
use crate::record::{Attributes, Record, Records, unknown_reference};
use crate::search::Search;
use crate::store::clock::{self, Reading};
use crate::store::log::Change;
use crate::store::{Store, Tx, sql};
use crate::types::id::{AnyId, Entity, Id, decode, encode};
use crate::types::page::Page;
use crate::types::period::{Bounds, DateRange};
use crate::types::text::nearest;
use crate::types::time::{DayEdge, FAR_AWAY, LocalTime, Timestamp, When};

/// One call's surroundings. Everything that a tool reads or writes goes through it.
pub struct Cx {
    pub(crate) tx: Tx,
    pub(crate) app: Arc<App>,
    caller: Arc<Caller>,
    tool: String,
    change: Id<Change>,
    now: Timestamp,
    /// What the clock said when `now` was taken.
    clock_said: Timestamp,
    /// That it can be right was found already.
    trusts_clock: bool,
    writes: bool,
    begins_anew: bool,
    /// What the running tool's own permission is enough for.
    covers: &'static [Covers],
    /// The reactions that are running, each set off by the one before it.
    reacting: Vec<&'static str>,
    /// What reactions will run to when the undo that is running has taken back its call.
    deferred: Option<Vec<Deferred>>,
    version: Option<i64>,
    undoes: Option<i64>,
    /// Records that were taken back: the version that each has since, and the one that it stands as.
    taken_back: HashMap<(&'static str, i64), (i64, i64)>,
    page: Map<String, Data>,
    resolved: Map<String, Data>,
    notices: Vec<Notice>,
    /// What was done.
    summary: Summary,
    /// In the line for a turn at the cores, where the call had to wait for one before it began.
    place: Option<Place>,
    /// Whether nothing of it is to be kept.
    is_trial: bool,
    /// Custom attributes by kind of record, as far as they were asked for.
    defined: HashMap<&'static str, Arc<Defined>>,
    /// What came in beside the call's arguments.
    pub(crate) upload: Option<Upload>,
    /// What the call prepared for itself.
    pub(crate) prepared: Prepared,
}

/// What holds outside of a reaction.
#[derive(Clone, Copy)]
pub(crate) struct Outer {
    covers: &'static [Covers],
    version: Option<i64>,
}

/// Custom attributes by name, with the kinds of their values.
pub(crate) type Defined = BTreeMap<String, String>;

/// How many notices an answer has at most.
const NOTICES: usize = 100;

/// What all calls share.
pub struct App {
    /// The database.
    pub store: Store,
    /// The kinds of records.
    pub records: Arc<Records>,
    /// The search index; none where the process runs without one, and the database is searched instead.
    pub search: Option<Search>,
    /// The index of the passages of documents; none where the process runs without one, or has no such records.
    pub passages: Option<Search>,
    /// Turns at the cores, for work that keeps one busy.
    pub compute: Compute,
    /// Where files may come from; nothing is said where none may.
    pub intake: OnceLock<Intake>,
    /// The tools, of which nothing is known here: [`Registry::of`](crate::registry::Registry::of) is asked for them.
    pub(crate) registry: Arc<dyn Any + Send + Sync>,
}

impl App {
    /// Ends what runs in the background and all connections to the database.
    pub async fn close(&self) {
        for search in self.search.iter().chain(&self.passages) {
            search.stop();
        }
        self.store.close().await;
    }
}

impl Cx {
    pub(crate) fn new(
        tx: Tx,
        app: Arc<App>,
        caller: Arc<Caller>,
        tool: &str,
        writes: bool,
        version: Option<i64>,
    ) -> Result<Self> {
        let change = if writes { tx.next_id()? } else { 0 };
        let now = tx.now();
        Ok(Self {
            tx,
            app,
            caller,
            tool: tool.to_owned(),
            change: Id::from_raw(change),
            now,
            clock_said: now,
            trusts_clock: false,
            writes,
            begins_anew: false,
            covers: &[],
            reacting: Vec::new(),
            deferred: None,
            version,
            undoes: None,
            taken_back: HashMap::new(),
            page: Map::new(),
            resolved: Map::new(),
            notices: Vec::new(),
            summary: Summary::default(),
            place: None,
            is_trial: false,
            defined: HashMap::new(),
            upload: None,
            prepared: Prepared::default(),
        })
    }

    /// Says that this call is only to show what it would do: nothing of it is kept, as with `dry_run`.
    pub fn try_only(&mut self) {
        self.is_trial = true;
    }

    /// Whether nothing of it is to be kept.
    pub(crate) fn is_trial(&self) -> bool {
        self.is_trial
    }

    /// Makes it a part of a job: of its change, and at its moment where it has one.
    pub(crate) fn as_of(&mut self, change: Id<Change>, at: Option<Timestamp>) {
        self.change = change;
        self.now = at.unwrap_or(self.now);
    }

    /// Who calls.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Where.
    #[must_use]
    pub fn workspace(&self) -> &Workspace {
        &self.caller.workspace
    }

    /// When: one moment for the whole call.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Refuses what is final where the clock could not be right when this began: what is final bears that moment, also if the
    /// clock has been set right since. What a record's `commits` calls final is held to this wherever it is written. Called
    /// first, it keeps a call from judging days by such a clock, and serves what is final by another rule.
    ///
    /// # Errors
    /// [`Code::Conflict`] saying what the clock said and how a person accepts it.
    pub async fn require_trusted_clock(&mut self) -> Result<()> {
        if !self.trusts_clock {
            self.clock_said().await?.check()?;
            self.trusts_clock = true;
        }
        Ok(())
    }

    /// What the clock said when this began, beside the last sign of life.
    pub(crate) async fn clock_said(&mut self) -> Result<Reading> {
        let reading = clock::read(&mut self.tx).await?;
        Ok(Reading {
            now: self.clock_said,
            ..reading
        })
    }

    /// Says what the clock said when the moment of this was taken, where that was before.
    pub(crate) fn set_clock_said(&mut self, moment: Timestamp) {
        self.clock_said = moment;
        self.trusts_clock = false;
    }

    /// What days in words are judged by.
    #[must_use]
    pub fn local_time(&self) -> LocalTime {
        LocalTime {
            now: self.now,
            zone: self.workspace().time_zone,
        }
    }

    /// The transaction, for statements of the module's own.
    pub fn tx(&mut self) -> &mut Tx {
        &mut self.tx
    }

    /// Does work that keeps a core busy, such as making a document. A call that only reads gives its connection back
    /// first, so it reads before this and not after.
    ///
    /// # Errors
    /// [`Code::Internal`] when the work panics.
    pub async fn compute<T: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        if !self.writes {
            self.tx.end_reading().await;
        }
        self.compute_while_reading(work).await
    }

    /// The same in the middle of reading, for pieces of work that are short: what is read after it is of the same moment.
    pub(crate) async fn compute_while_reading<T: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let compute = &self.app.compute;
        let place = match self.place.take() {
            Some(place) => place,
            None => compute.place(self.caller.actor()).await?,
        };
        compute.run_from(place, work).await
    }

    pub(crate) fn set_place(&mut self, place: Option<Place>) {
        self.place = place;
    }

    /// Does work that takes long and whose result the process keeps, such as looking into fonts. A call that writes is rolled
    /// back for that and begins anew when it is done, so that nobody waits for its locks meanwhile; then it finds the result
    /// and does not come here again.
    ///
    /// # Errors
    /// What makes the call begin anew; [`Code::Internal`] when the work panics.
    pub async fn prepare(&mut self, work: impl Fn() + Send + Sync + 'static) -> Result<()> {
        if self.writes && self.begins_anew {
            return Err(Error::unprepared(work));
        }
        self.compute(work).await
    }

    /// Says that whoever runs this call runs it again where it asks for a preparation.
    pub(crate) fn set_begins_anew(&mut self) {
        self.begins_anew = true;
    }

    /// The identifier of what this call changes.
    #[must_use]
    pub fn change(&self) -> Id<Change> {
        self.change
    }

    /// The identifier of what stands in this table, as it is on the wire; the bare number where this build knows of no such
    /// table.
    #[must_use]
    pub fn wire_id(&self, table: &str, id: i64) -> String {
        match self.records().prefix_of(table) {
            Some(prefix) => encode(prefix, id),
            None => id.to_string(),
        }
    }

    /// Whether the caller may do this with records of a kind in this call: by its own permissions, or because the tool that
    /// is running does it as a consequence of what it is for.
    #[must_use]
    pub fn may<R: Record>(&self, operation: Operation) -> bool {
        self.caller.may(R::ACCESS.to(operation)) || self.is_covered(R::TABLE, operation)
    }

    /// Checks that the caller may do this with records of a kind in this call.
    ///
    /// # Errors
    /// [`Code::Forbidden`] naming the kind and the permission that it takes.
    pub fn demand<R: Record>(&self, operation: Operation) -> Result<()> {
        if self.may::<R>(operation) {
            return Ok(());
        }
        Err(lacking(R::ACCESS.to(operation), operation, R::NOUN))
    }

    /// The same for the kind of any record.
    ///
    /// # Errors
    /// As [`Cx::demand`]; [`Code::NotFound`] where this build knows of no such kind.
    pub fn demand_of(&self, record: &AnyId, operation: Operation) -> Result<()> {
        let kind = self.records().record_with_prefix(record.prefix());
        let kind = kind.ok_or_else(|| Error::not_found("record", record))?;
        let permission = kind.access().to(operation);
        if self.caller.may(permission) || self.is_covered(kind.table(), operation) {
            return Ok(());
        }
        Err(lacking(permission, operation, kind.noun()))
    }

    /// The prefixes of the kinds of records that the caller may read, where there are others too.
    #[must_use]
    pub fn readable_prefixes(&self) -> Option<Vec<String>> {
        let all = self.records().all();
        let readable = all.iter().filter(|kind| self.may_read(kind.table()));
        let readable: Vec<String> = readable.map(|kind| kind.prefix().to_owned()).collect();
        (readable.len() < all.len()).then_some(readable)
    }

    /// Whether the caller may be shown what stands in this table. What is of no kind that permissions are about is no
    /// secret.
    pub(crate) fn may_read(&self, table: &str) -> bool {
        let permission = self.records().reading(table);
        permission.is_none_or(|permission| self.caller.may(permission))
            || self.is_covered(table, Operation::Read)
    }

    fn is_covered(&self, table: &str, operation: Operation) -> bool {
        let mut covers = self.covers.iter();
        covers.any(|covers| covers.table == table && covers.operation == operation)
    }

    pub(crate) fn set_covers(&mut self, covers: &'static [Covers]) {
        self.covers = covers;
    }

    /// An answer as far as the caller may read it: of a record of a kind that it may not, wherever it stands in it, what
    /// tells that the work was done on it and nothing else.
    pub(crate) fn disclosed(&self, answer: Data) -> Data {
        const KEPT: [&str; 3] = ["id", "version", "restorable"];
        let kinds = self.records().kinds();
        let hidden: Vec<&str> = kinds
            .filter(|(table, _)| !self.may_read(table))
            .map(|(_, prefix)| prefix)
            .collect();
        fn shown(value: Data, hidden: &[&str]) -> Data {
            match value {
                Data::Array(items) => {
                    let items = items.into_iter().map(|item| shown(item, hidden));
                    Data::Array(items.collect())
                }
                Data::Object(mut fields) => {
                    let id = fields.get("id").and_then(Data::as_str);
                    let prefix = id.and_then(decode).map(|(prefix, _)| prefix);
                    if prefix.is_some_and(|prefix| hidden.contains(&prefix)) {
                        fields.retain(|name, _| KEPT.contains(&name.as_str()));
                    }
                    let fields = fields.into_iter();
                    let fields = fields.map(|(name, value)| (name, shown(value, hidden)));
                    Data::Object(fields.collect())
                }
                other => other,
            }
        }
        if hidden.is_empty() {
            answer
        } else {
            shown(answer, &hidden)
        }
    }

    /// What modules provide of this type, in the order of the modules: how one calls what stands above it without knowing it.
    pub fn provided<T: Any>(&self) -> impl Iterator<Item = &'static T> + use<'_, T> {
        self.records().provided()
    }

    /// The kinds of records.
    pub(crate) fn records(&self) -> &Arc<Records> {
        &self.app.records
    }

    pub(crate) fn tool(&self) -> &str {
        &self.tool
    }

    pub(crate) fn writes(&self) -> bool {
        self.writes
    }

    pub(crate) fn undoes(&self) -> Option<i64> {
        self.undoes
    }

    /// Says which call is taken back. No reaction runs until [`Cx::end_undoing`].
    pub(crate) fn set_undoes(&mut self, call: i64) {
        self.undoes = Some(call);
        self.deferred = Some(Vec::new());
    }

    /// Notes that a record, which has this version now, stands as it did at an earlier one.
    pub(crate) fn note_taken_back(&mut self, record: (&'static str, i64), now: i64, earlier: i64) {
        self.taken_back.insert(record, (now, earlier));
    }

    /// As which earlier version a record stands that has this one, where this call has taken back what came between.
    pub(crate) fn taken_back(&self, record: (&'static str, i64), now: i64) -> Option<i64> {
        let noted = self.taken_back.get(&record);
        noted.and_then(|(version, earlier)| (*version == now).then_some(*earlier))
    }

    /// Says that the call is taken back, and answers what reactions have yet to run to.
    pub(crate) fn end_undoing(&mut self) -> Vec<Deferred> {
        self.deferred.take().unwrap_or_default()
    }

    /// What reactions will run to later, where they do not run now.
    pub(crate) fn deferred_reactions(&mut self) -> Option<&mut Vec<Deferred>> {
        self.deferred.as_mut()
    }

    /// Begins a reaction: what it covers is covered, and not what the tool does, and the version that the call came with is
    /// not of its records. Answers what is given back to [`Cx::end_reaction`].
    pub(crate) fn begin_reaction(&mut self, reaction: &'static dyn AnyReaction) -> Result<Outer> {
        if self.reacting.len() == MOST_DEEP {
            return Err(too_deep(&self.reacting));
        }
        self.reacting.push(reaction.name());
        Ok(Outer {
            covers: std::mem::replace(&mut self.covers, reaction.covers()),
            version: self.version.take(),
        })
    }

    /// Goes on with what set off a reaction.
    pub(crate) fn end_reaction(&mut self, outer: Outer) {
        self.reacting.pop();
        self.covers = outer.covers;
        self.version = outer.version;
    }

    pub(crate) fn take_version(&mut self) -> Option<i64> {
        self.version.take()
    }

    /// Remembers what was done, for the person who is asked about it.
    pub(crate) fn note(&mut self, written: &Written, title: impl FnOnce() -> String) {
        self.summary.note(written, title);
    }

    /// Says what the call does, for the person who confirms it: the end of a sentence that begins with the tool's title and
    /// "will". A confirmation is bound to these words, so they name no record that the call has made.
    pub fn set_summary(&mut self, what: impl Into<String>) {
        self.summary.set(what.into());
    }

    /// Says that a person is asked about what this call writes, though it deletes nothing and makes nothing final: where money
    /// goes, and who may do what.
    pub fn ask_about_all(&mut self) {
        self.summary.set_grave();
    }

    /// Remembers that the summary is about what the caller may not read.
    pub(crate) fn withhold(&mut self) {
        self.summary.withhold();
    }

    pub(crate) fn take_summary(&mut self) -> Summary {
        std::mem::take(&mut self.summary)
    }

    /// Says how many there are of what is listed, as `page.total`.
    pub(crate) fn note_total(&mut self, total: i64) {
        self.page.insert("total".into(), total.into());
    }

    /// Says that there are more than so many of what is listed, as `page.more_than`.
    pub(crate) fn note_more_than(&mut self, known: i64) {
        self.page.insert("more_than".into(), known.into());
    }

    /// Says what all that is listed comes to, whichever part of it the page shows, as `page.totals`.
    pub fn note_totals(&mut self, totals: Data) {
        self.page.insert("totals".into(), totals);
    }

    /// Gives the rows of a page as the answer's `data`, and its cursor as `page.next`.
    pub fn page<T>(&mut self, page: Page<T>) -> Vec<T> {
        if let Some(next) = page.next {
            self.page.insert("next".into(), next.into());
        }
        page.rows
    }

    /// Says something beside the answer's `data`, in its `notices`.
    pub fn notice(&mut self, notice: Notice) {
        if self.notices.len() < NOTICES && !self.notices.contains(&notice) {
            self.notices.push(notice);
        }
    }

    /// Whether what this call reads of the log and finds in the index has its caller's last write in it.
    #[must_use]
    pub fn sees_own_writes(&self) -> bool {
        self.tx.seen_of_log().is_some()
    }

    /// Says what something in the arguments came to, in the answer's `resolved`.
    pub(crate) fn note_meant(&mut self, field: impl Into<String>, meant: Data) {
        self.resolved.insert(field.into(), meant);
    }

    /// Says which record a name in the arguments came to, in the answer's `resolved`.
    pub fn note_resolved<E: Entity>(&mut self, field: &str, id: Id<E>, name: &str) {
        let meant = serde_json::json!({ "id": id.to_string(), "name": name });
        self.note_meant(field, meant);
    }

    /// Says what all of them came to.
    pub(crate) fn set_resolved(&mut self, resolved: Map<String, Data>) {
        self.resolved = resolved;
    }

    pub(crate) fn into_parts(self) -> (Tx, Map<String, Data>, Map<String, Data>, Vec<Notice>) {
        (self.tx, self.page, self.resolved, self.notices)
    }

    /// The day that a caller means, in the workspace's time zone; echoed in the answer as `resolved`.
    ///
    /// # Errors
    /// [`Code::Validation`] when it leaves the years 1900 to 2200.
    pub fn date(&mut self, field: &str, when: &When) -> Result<NaiveDate> {
        let date = when
            .date(self.now, self.workspace().time_zone)
            .ok_or_else(|| far_away(field))?;
        self.resolved
            .insert(field.to_owned(), date.to_string().into());
        Ok(date)
    }

    /// The moment that a caller means; a day stands for its start or end in the workspace's time zone. Echoed in the
    /// answer as `resolved`.
    ///
    /// # Errors
    /// [`Code::Validation`] when it leaves the years 1900 to 2200.
    pub fn moment(&mut self, field: &str, when: &When, edge: DayEdge) -> Result<Timestamp> {
        let zone = self.workspace().time_zone;
        let moment = when
            .moment(self.now, zone, edge)
            .ok_or_else(|| far_away(field))?;
        let shown = moment
            .with_timezone(&zone)
            .to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        self.resolved.insert(field.to_owned(), shown.into());
        Ok(moment)
    }

    /// The first and the last day of a period that a caller means, in the workspace's time zone; echoed in the answer as `resolved`.
    ///
    /// # Errors
    /// [`Code::Validation`] when it leaves the years 1900 to 2200, or ends before it begins.
    pub async fn period(&mut self, field: &str, range: &DateRange) -> Result<Bounds> {
        let fiscal = match range.is_fiscal() {
            true => self.fiscal_year_start().await?,
            false => 1,
        };
        let bounds = range.bounds(self.local_time(), fiscal);
        let (from, to) = bounds.ok_or_else(|| {
            Error::invalid(
                field,
                format!("{field} ends before it begins, or {FAR_AWAY}."),
            )
            .hint("Write the earlier day first, such as 2026-01-01 to 2026-03-31.")
        })?;
        self.note_meant(field, serde_json::json!({ "from": from, "to": to }));
        Ok((from, to))
    }

    /// The month in which the workspace's fiscal years begin, from 1.
    async fn fiscal_year_start(&mut self) -> Result<u32> {
        let month = sql("SELECT fiscal_year_start FROM workspace WHERE id = ")
            .value(self.workspace().id)
            .one::<i64>("fiscal_year_start", &mut self.tx)
            .await?;
        u32::try_from(month).map_err(Error::internal)
    }

    /// The days from one parameter to another, as a caller means them; without one of the two there is no bound on that side.
    ///
    /// # Errors
    /// As [`Cx::date`]; [`Code::Validation`] naming the second parameter when its day comes before that of the first.
    pub fn dates(
        &mut self,
        (first, after): (&str, Option<&When>),
        (last, before): (&str, Option<&When>),
    ) -> Result<(Option<NaiveDate>, Option<NaiveDate>)> {
        let after = after.map(|when| self.date(first, when)).transpose()?;
        let before = before.map(|when| self.date(last, when)).transpose()?;
        in_order((first, after), (last, before))
    }

    /// The same for moments: a day stands for its start in the first parameter, and for its end in the second.
    ///
    /// # Errors
    /// As [`Cx::moment`]; [`Code::Validation`] naming the second parameter when its moment comes before that of the first.
    pub fn moments(
        &mut self,
        (first, after): (&str, Option<&When>),
        (last, before): (&str, Option<&When>),
    ) -> Result<(Option<Timestamp>, Option<Timestamp>)> {
        let mut moment = |field, when: Option<&When>, edge| {
            when.map(|when| self.moment(field, when, edge)).transpose()
        };
        let after = moment(first, after, DayEdge::Start)?;
        let before = moment(last, before, DayEdge::End)?;
        in_order((first, after), (last, before))
    }

    /// Checks that something is there and live, in this workspace, and that it stays so until the call is done. Others may
    /// hold it as well. What a record newly refers to is held when it is written; this is for what it refers to already.
    ///
    /// # Errors
    /// [`Code::NotFound`] naming the field.
    pub async fn hold<E: Entity>(&mut self, field: &str, id: Id<E>) -> Result<()> {
        self.check_reference(field, E::TABLE, id.raw()).await
    }

    /// The same for a record of any kind.
    ///
    /// # Errors
    /// [`Code::NotFound`] naming the field.
    pub async fn hold_any(&mut self, field: &str, record: &AnyId) -> Result<()> {
        let kind = self.records().record_with_prefix(record.prefix());
        let kind = kind.ok_or_else(|| Error::not_found("record", record).field(field))?;
        self.check_reference(field, kind.table(), record.raw())
            .await
    }

    /// Checks that what a column is to refer to is there and live, in this workspace, and that it stays so until the call is
    /// done.
    pub(crate) async fn check_reference(
        &mut self,
        column: &str,
        table: &'static str,
        id: i64,
    ) -> Result<()> {
        let workspace = self.workspace().id;
        let held = if self.writes {
            self.tx.for_reference(table, workspace.raw()).await?
        } else {
            ""
        };
        let mut statement = sql("SELECT 1 AS found FROM ");
        statement.push(table);
        let mut statement = statement
            .sql(" WHERE archived_at IS NULL AND workspace = ")
            .value(workspace)
            .sql(" AND id = ")
            .value(id);
        if let Some(kind) = self.records().record(table) {
            self.push_readable_of(&mut statement, kind);
        }
        let found = statement.sql(held).row(&mut self.tx).await?;
        if found.is_some() {
            return Ok(());
        }
        let unknown = unknown_reference(self, column, table, id);
        Err(self.or_deleted(unknown, table, id).await)
    }

    /// The custom attributes that the workspace defined for this kind of record, with their kinds.
    pub(crate) async fn defined_attributes(
        &mut self,
        entity: &'static str,
    ) -> Result<Arc<Defined>> {
        if let Some(defined) = self.defined.get(entity) {
            return Ok(Arc::clone(defined));
        }
        let rows = sql("SELECT name, kind FROM attribute_definition WHERE workspace = ")
            .value(self.workspace().id)
            .sql(" AND entity = ")
            .value(entity.to_owned())
            .rows(&mut self.tx)
            .await?;
        let defined = rows
            .iter()
            .map(|row| Ok((row.get("name")?, row.get("kind")?)))
            .collect::<Result<Defined>>()?;
        let defined = Arc::new(defined);
        self.defined.insert(entity, Arc::clone(&defined));
        Ok(defined)
    }

    /// Checks custom attributes against what the workspace defined for this kind of record.
    ///
    /// # Errors
    /// [`Code::Validation`] naming the first that is not defined, or of another kind.
    pub(crate) async fn check_attributes(
        &mut self,
        entity: &'static str,
        attributes: &Attributes,
    ) -> Result<()> {
        if attributes.is_empty() {
            return Ok(());
        }
        for (name, value) in attributes {
            let kind = self.kind_of_attribute(entity, name).await?;
            if !value.is_null() && !attribute_fits(&kind, value) {
                return Err(Error::invalid(
                    format!("attributes.{name}"),
                    format!("The attribute {name:?} takes a value of kind {kind}."),
                ));
            }
        }
        Ok(())
    }

    /// The kind of the values of an attribute.
    ///
    /// # Errors
    /// [`Code::Validation`] naming one that is not defined.
    pub(super) async fn kind_of_attribute(
        &mut self,
        entity: &'static str,
        name: &str,
    ) -> Result<String> {
        let defined = self.defined_attributes(entity).await?;
        if let Some(kind) = defined.get(name) {
            return Ok(kind.clone());
        }
        let short: String = name.chars().take(64).collect();
        let message = format!("This workspace has no attribute {short:?} for a {entity}.");
        let error = Error::invalid(format!("attributes.{short}"), message);
        Err(match nearest(name, defined.keys().map(String::as_str)) {
            Some(known) => error.hint(format!("Did you mean {known}?")),
            None => error.hint(
                "Its owner defines one with define_attribute, or `bureau workspace attribute`.",
            ),
        })
    }
}

/// The most that one attribute may hold, as JSON text.
const MAX_ATTRIBUTE_BYTES: usize = 10_000;

fn attribute_fits(kind: &str, value: &Data) -> bool {
    let fits = match kind {
        "text" => value.is_string(),
        "number" => value.is_number(),
        "bool" => value.is_boolean(),
        "date" => value
            .as_str()
            .is_some_and(|text| text.parse::<NaiveDate>().is_ok()),
        "list" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    };
    fits && value.to_string().len() <= MAX_ATTRIBUTE_BYTES
}

/// The bounds of a range, unless its end comes before its start.
fn in_order<T: PartialOrd>(
    (first, start): (&str, Option<T>),
    (last, end): (&str, Option<T>),
) -> Result<(Option<T>, Option<T>)> {
    if let (Some(start), Some(end)) = (&start, &end)
        && end < start
    {
        let message = format!("{last} comes before {first}, so nothing lies between them.");
        return Err(Error::invalid(last, message).hint("Swap the two, or leave one out."));
    }
    Ok((start, end))
}

fn far_away(field: &str) -> Error {
    Error::new(Code::Validation, format!("{field} {FAR_AWAY}.")).field(field)
}
