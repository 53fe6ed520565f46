//! The one way that a call takes.
//!
//! rate limit → feature and permission → read-only → read the arguments → receipt → names of records → transaction(tool) →
//! confirmation → change log and receipt in the same transaction → commit → answer. A refusal at any of them has a stable
//! code and writes nothing. Nothing is waited for before the arguments are read, and a person is asked about what the call
//! did, not about what its tool is called.

mod answer;
pub mod changes;
mod confirmations;
mod limits;
mod options;
mod receipts;
pub mod resources;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dashmap::DashMap;
use futures::FutureExt as _;
use serde_json::{Map, Value};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use answer::{answer, name_workspace};
use limits::Limits;
pub use options::Held;
use options::{Request, Word};

use crate::admin::{self, AttributeDefinition, Authenticated, Callers, Known};
use crate::batch::Batch;
use crate::caller::{Caller, ConfirmPolicy, Workspace};
use crate::compute::{LARGE_BYTES, Place, weight, weight_of_fields};
use crate::content::{Link, Upload};
use crate::error::{Code, Error, Result};
use crate::option::{self, Audience, Listing};
use crate::projection::Projection;
use crate::record::{App, Cx};
use crate::registry::Registry;
use crate::resolve;
use crate::retry::Retry;
use crate::search::Search;
use crate::store::{Scope, Store, Tx};
use crate::tool::{Entry, Parsed, WireForm};
use crate::types::id::Id;

/// How long a confirmation token works, in seconds.
pub const CONFIRMATION_S: i64 = 300;
/// How long an idempotency key is remembered, in hours.
pub const RECEIPT_H: i64 = 48;

/// What the operator decided for the whole server.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Show and run no write.
    pub read_only: bool,
    /// Which calls need a person's word. A key may have a policy of its own.
    pub confirm: ConfirmPolicy,
    /// Calls within any hour and of one key, where the key says nothing else: a quarter of them at once, the others spread
    /// over the hour. Refused ones count. Each process counts by itself.
    pub calls_per_hour: u32,
    /// How long one call may run.
    pub call_limit: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            read_only: false,
            confirm: ConfirmPolicy::Destructive,
            calls_per_hour: 1000,
            call_limit: Duration::from_secs(30),
        }
    }
}

/// One call as it comes in.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// The tool's name.
    pub tool: String,
    /// Its arguments, with the options that every tool takes.
    pub arguments: Map<String, Value>,
    /// From the request's metadata; an argument of this name counts as well.
    pub idempotency_key: Option<String>,
    /// From the request's metadata; an argument of this name counts as well.
    pub dry_run: bool,
    /// A person can be asked through the client.
    pub can_ask: bool,
    /// The token of a question that a person has answered with yes. The caller is looked up anew before it counts.
    pub confirm_token: Option<String>,
    /// Fires when the client has gone away.
    pub cancel: CancellationToken,
    /// What is held until the call is done, also where its client goes away before.
    pub held: Option<Held>,
    /// A file that came in beside the arguments.
    pub upload: Option<Upload>,
}

/// What a call ended with.
#[derive(Debug)]
pub enum Outcome {
    /// It ran: `{"data": …, "page"?, "change"?, "resolved"?, "notices"?}`.
    Done(Value),
    /// It did not.
    Failed(Error),
    /// A person has to be asked; with a yes the call comes again with the token.
    Ask {
        /// What would be done.
        message: String,
        /// Bound to the caller, the exact arguments and what they do to these versions of the records; used once.
        token: String,
    },
}

/// The way in for every call, of whichever transport.
pub struct Dispatcher {
    app: Arc<App>,
    registry: Arc<Registry>,
    settings: Settings,
    limits: Limits,
    callers: Callers,
    attributes: Known<Id<Workspace>, Vec<AttributeDefinition>>,
    key_seen: DashMap<i64, Instant>,
}

/// Where under the folder of the search index that of the passages is.
const PASSAGES: &str = "passages";

impl Dispatcher {
    /// The dispatcher over a database and a registry. With `index`, a folder, searches are answered from the index there.
    ///
    /// # Errors
    /// [`Code::Unavailable`] when the folder cannot be made.
    pub fn new(
        store: Store,
        registry: Arc<Registry>,
        index: Option<&std::path::Path>,
        settings: Settings,
    ) -> Result<Arc<Self>> {
        let unusable = |error| {
            Error::new(
                Code::Unavailable,
                format!(
                    "The search index {} cannot be made.",
                    index.unwrap_or(std::path::Path::new("")).display()
                ),
            )
            .hint("Check that the data folder exists and is writable.")
            .cause(error)
        };
        let mut search = None;
        let mut passages = None;
        if let Some(folder) = index {
            let records = registry.records();
            let source = Arc::new(Projection::new(store.clone(), Arc::clone(records)));
            search = Some(Search::open(folder, source, store.growth()).map_err(unusable)?);
            if records.all().iter().any(|kind| kind.has_passages()) {
                let source = Projection::of_passages(store.clone(), Arc::clone(records));
                let folder = folder.join(PASSAGES);
                let opened = Search::open_passages(&folder, Arc::new(source), store.growth());
                passages = Some(opened.map_err(unusable)?);
            }
        }
        Ok(Arc::new(Self {
            limits: Limits::new(store.shared_connections()),
            app: registry.app(store, search, passages),
            registry,
            settings,
            callers: Callers::default(),
            attributes: Known::default(),
            key_seen: DashMap::new(),
        }))
    }

    /// What all calls share.
    #[must_use]
    pub fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// A batch of this caller, as [`App::batch`] makes it where anything may be written.
    ///
    /// # Errors
    /// As there.
    pub async fn batch(&self, caller: &Caller, name: &'static str) -> Result<Batch> {
        let mut caller = caller.clone();
        caller.read_only |= self.settings.read_only;
        self.app.batch(&caller, name).await
    }

    /// The tools.
    #[must_use]
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// What the operator decided.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The caller behind a key. `workspace` is the slug of one of its workspaces; it can be left out where there is one.
    ///
    /// # Errors
    /// [`Code::Unauthorized`] for a key that is wrong, expired or revoked; [`Code::Validation`] when the key opens
    /// several workspaces and none is chosen; [`Code::NotFound`] when it does not open the one that is.
    pub async fn authenticate(&self, key: &str, workspace: Option<&str>) -> Result<Caller> {
        let store = &self.app.store;
        let Authenticated { caller, stale } =
            self.callers.authenticate(store, key, workspace).await?;
        if let Some(id) = caller
            .key
            .filter(|_| stale && !self.app.store.is_read_only())
        {
            self.note_use(id.raw());
        }
        Ok(caller)
    }

    /// Notes that a key was used, once a minute at most.
    fn note_use(&self, key: i64) {
        let due = self
            .key_seen
            .get(&key)
            .is_none_or(|seen| seen.elapsed() > Duration::from_secs(60));
        if due {
            self.key_seen.insert(key, Instant::now());
            let store = self.app.store.clone();
            tokio::spawn(async move {
                if let Err(error) = admin::note_use(&store, key).await {
                    tracing::warn!(?error, "the last use of a key could not be noted");
                }
            });
        }
    }

    /// Who made a link to which a file is sent, as it may call now.
    ///
    /// # Errors
    /// [`Code::Unauthorized`] when its key was revoked or has expired since, or its member is gone.
    pub async fn caller_of(&self, link: &Link) -> Result<Caller> {
        admin::of_link(&self.app.store, link).await
    }

    /// The person who started the process beside the data: its owner, with every right.
    ///
    /// # Errors
    /// [`Code::NotFound`] when there is no such workspace.
    pub async fn operator(&self, workspace: Option<&str>) -> Result<Caller> {
        self.callers.operator(&self.app.store, workspace).await
    }

    /// The tools that this caller may see, alphabetically.
    pub fn visible<'a>(&'a self, caller: &'a Caller) -> impl Iterator<Item = &'a Entry> + 'a {
        self.registry.visible(caller, self.settings.read_only)
    }

    /// The tools that this caller may see, and how: with the options that it may need, and the custom attributes of its workspace.
    ///
    /// # Errors
    /// What the database says.
    pub async fn listing(&self, caller: &Caller) -> Result<Listing> {
        let store = &self.app.store;
        let attributes = self
            .attributes
            .get(store, caller.workspace.id, async |workspace| {
                admin::attributes_of(store, *workspace).await
            });
        Ok(Listing {
            tools: self.visible(caller).map(|entry| entry.spec.name).collect(),
            audience: Audience {
                confirm: self.confirm(caller),
                has_others: caller.has_others,
                attributes: attributes.await?,
            },
        })
    }

    /// The tools of a listing as clients see them.
    #[must_use]
    pub fn listed(&self, listing: &Listing) -> Vec<WireForm> {
        let tools = listing.tools.iter();
        let entries = tools.filter_map(|name| self.registry.entry(name));
        let listed = entries.map(|entry| option::listed(entry, &listing.audience));
        listed.collect()
    }

    /// Which calls of this caller need a person's word.
    fn confirm(&self, caller: &Caller) -> ConfirmPolicy {
        caller.confirm.unwrap_or(self.settings.confirm)
    }

    /// Runs a call.
    pub async fn call(self: &Arc<Self>, caller: Caller, call: Call) -> Outcome {
        let started = Instant::now();
        let name = call.tool.clone();
        // On the heap: with all that it may come to it is large, and whoever awaits several calls would hold each of them.
        let outcome = Box::pin(self.admit_and_run(caller, call))
            .await
            .unwrap_or_else(Outcome::Failed);
        let code = match &outcome {
            Outcome::Done(_) => "OK",
            Outcome::Ask { .. } => "ASKED",
            Outcome::Failed(error) => error.code().as_str(),
        };
        if let Outcome::Failed(error) = &outcome
            && matches!(
                error.code(),
                Code::Internal | Code::Unavailable | Code::Unreadable
            )
        {
            // The cause may quote a statement, never its values.
            tracing::error!(tool = name, ?error, "a call failed");
        }
        // Only names that exist become labels: what a caller makes up must not grow the metrics.
        let tool = self
            .registry
            .entry(&name)
            .map_or("unknown", |entry| entry.spec.name);
        metrics::histogram!("bureau_call_duration_seconds", "tool" => tool, "code" => code)
            .record(started.elapsed().as_secs_f64());
        outcome
    }

    async fn admit_and_run(self: &Arc<Self>, caller: Caller, call: Call) -> Result<Outcome> {
        self.count(&caller)?;
        // Between a question and its answer there may be minutes: whoever may no longer call has no answer to give.
        let caller = match call.confirm_token {
            Some(_) => admin::still(&self.app.store, caller).await?,
            None => caller,
        };
        let caller = Arc::new(caller);
        let registry = self.registry.clone();
        let entry = registry.for_caller(&caller, &call.tool)?;
        self.check_read_only(&caller, entry)?;
        let (request, parsed) = self.read_arguments(&caller, entry, call).await?;
        request.refuse_other_workspace(&caller)?;
        let cancel = request.cancel.clone();
        if entry.spec.effect.reads_only() {
            // A read stops where it stands when nobody waits for it any more.
            return tokio::select! {
                outcome = self.run_read(&caller, entry, request, parsed) => outcome,
                () = cancel.cancelled() => Err(gone()),
            };
        }
        // A write runs in a task of its own: once begun it is finished, whatever becomes of the client.
        let dispatcher = Arc::clone(self);
        let name = entry.spec.name;
        let span = tracing::Span::current();
        let work = async move {
            let registry = dispatcher.registry.clone();
            let entry = registry.for_caller(&caller, name)?;
            dispatcher.run_write(&caller, entry, request, parsed).await
        };
        let task = tokio::spawn(work.instrument(span));
        // Where it ended outside of the tool nobody knows how far it had come.
        task.await.map_err(Error::outcome_unknown)?
    }

    /// Counts a request of a caller that is not a call of a tool, such as a list of tools. Calls are counted by
    /// [`Dispatcher::call`].
    ///
    /// # Errors
    /// [`Code::RateLimited`] when its key has none left now.
    pub fn count(&self, caller: &Caller) -> Result<()> {
        self.limits.count(caller, self.settings.calls_per_hour)
    }

    fn check_read_only(&self, caller: &Caller, entry: &Entry) -> Result<()> {
        if entry.spec.effect.reads_only() || !(self.settings.read_only || caller.read_only) {
            return Ok(());
        }
        Err(Error::new(
            Code::ReadOnly,
            format!(
                "{} writes, and this connection is read-only.",
                entry.spec.name
            ),
        )
        .hint("Nothing was changed. Ask the operator for a connection that may write."))
    }

    /// Runs a read. Where the replica that it ran on went away, it is run again.
    async fn run_read(
        &self,
        caller: &Arc<Caller>,
        entry: &Entry,
        mut request: Request,
        mut parsed: Option<Parsed>,
    ) -> Result<Outcome> {
        let mut retry = Retry::default();
        loop {
            let outcome = self.read_once(caller, entry, &mut request, parsed.take());
            if let Some(outcome) = retry.settled(outcome.await).await {
                return outcome;
            }
        }
    }

    async fn read_once(
        &self,
        caller: &Arc<Caller>,
        entry: &Entry,
        request: &mut Request,
        parsed: Option<Parsed>,
    ) -> Result<Outcome> {
        let place = if entry.is_busy(&request.arguments) {
            Some(self.place(caller).await?)
        } else {
            None
        };
        let share = self.limits.share(caller, self.settings.call_limit).await?;
        let awaits = entry.awaits(&request.arguments);
        let mut tx = self.app.begin_reading(caller, awaits).await?;
        tx.keep_share(share);
        let mut cx = self.cx(tx, caller, entry, request, false)?;
        cx.set_place(place);
        let parsed = match parsed {
            Some(parsed) => Ok(parsed),
            None => self.resolve(&mut cx, caller, entry, request).await,
        };
        let result = match parsed {
            Ok(parsed) => self.run(&mut cx, entry, parsed).await,
            Err(error) => Err(error),
        };
        let (tx, page, resolved, notices) = cx.into_parts();
        tx.rollback().await;
        match result {
            Ok(data) => Ok(Outcome::Done(answer(
                data,
                page,
                None,
                resolved,
                &notices,
                &request.options,
            ))),
            Err(error) => {
                // Who runs it again finds no name any more to resolve.
                request.resolved = resolved;
                Err(error)
            }
        }
    }

    /// Runs a write. Where it only met another one, it is run again: its caller cannot have meant the order. So it is where
    /// something was to be prepared first.
    async fn run_write(
        &self,
        caller: &Arc<Caller>,
        entry: &Entry,
        mut request: Request,
        parsed: Option<Parsed>,
    ) -> Result<Outcome> {
        let _share = self.share_of_writes(caller, &request).await?;
        if let Some(answer) = self.answered_before(caller, &request).await? {
            return Ok(Outcome::Done(answer));
        }
        let mut parsed = match parsed {
            Some(parsed) => parsed,
            None => self.resolve_before(caller, entry, &mut request).await?,
        };
        let mut retry = Retry::default();
        loop {
            let outcome = self.write_once(caller, entry, &request, parsed).await;
            let compute = &self.app.compute;
            if let Some(outcome) = retry.prepared(outcome, compute, caller.actor()).await {
                return outcome;
            }
            parsed = match parse_aside(&self.registry, caller, entry, &request) {
                Some(parse) => compute.run(caller.actor(), parse).await??,
                None => entry.parse(request.arguments.clone())?,
            };
        }
    }

    /// Reads what a call asks for. Where that is much it waits for a turn at the cores, as the bytes did that it came in.
    async fn read_arguments(
        &self,
        caller: &Arc<Caller>,
        entry: &Entry,
        call: Call,
    ) -> Result<(Request, Option<Parsed>)> {
        if weight_of_fields(&call.arguments) < LARGE_BYTES {
            return Request::read(&self.registry, entry, call);
        }
        let (registry, caller) = (self.registry.clone(), Arc::clone(caller));
        let (name, actor) = (entry.spec.name, caller.actor());
        let cancel = call.cancel.clone();
        let read = move || Request::read(&registry, registry.for_caller(&caller, name)?, call);
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(gone()),
            read = self.app.compute.run(actor, read) => read?,
        }
    }

    /// Puts the identifiers of the records that a call names into its arguments, and reads these as the tool's input.
    async fn resolve(
        &self,
        cx: &mut Cx,
        caller: &Arc<Caller>,
        entry: &Entry,
        request: &mut Request,
    ) -> Result<Parsed> {
        cx.set_covers(entry.spec.covers);
        let offers = |tool: &str| self.registry.for_caller(caller, tool).is_ok();
        let resolve = resolve::resolve(cx, &request.names, &mut request.arguments, offers);
        match tokio::time::timeout(self.settings.call_limit, resolve).await {
            Ok(resolved) => resolved?,
            Err(_) => return Err(self.too_long(entry)),
        }
        // Identifiers stand there now, also for whoever runs the call again.
        request.names.clear();
        match parse_aside(&self.registry, caller, entry, request) {
            Some(parse) => cx.compute_while_reading(parse).await?,
            None => entry.parse(request.arguments.clone()),
        }
    }

    /// The same before a write, in a transaction of its own that only reads: who gives a name that nobody has costs nobody a turn.
    async fn resolve_before(
        &self,
        caller: &Arc<Caller>,
        entry: &Entry,
        request: &mut Request,
    ) -> Result<Parsed> {
        let tx = unless_gone(request, self.app.store.read(scope(caller))).await?;
        let mut cx = self.cx(tx, caller, entry, request, false)?;
        let parsed = self.resolve(&mut cx, caller, entry, request).await;
        let (tx, _, resolved, _) = cx.into_parts();
        tx.rollback().await;
        request.resolved = resolved;
        parsed
    }

    /// Waits for this caller's turn where writes take connections that others need. SQLite's writes stand in a line of
    /// their own, and share the disk's flush the better the more of them there are.
    async fn share_of_writes(
        &self,
        caller: &Caller,
        request: &Request,
    ) -> Result<Option<OwnedSemaphorePermit>> {
        if !self.app.store.is_postgres() {
            return Ok(None);
        }
        let share = self.limits.share(caller, self.settings.call_limit);
        unless_gone(request, share).await.map(Some)
    }

    /// The first answer to a call that is repeated, without a turn to write: whoever lost an answer gets it also while others
    /// write, and is not asked again about what is done.
    async fn answered_before(&self, caller: &Caller, request: &Request) -> Result<Option<Value>> {
        if request.receipt_key().is_none() {
            return Ok(None);
        }
        let mut tx = unless_gone(request, self.app.store.read(scope(caller))).await?;
        let answer = receipts::find(&mut tx, caller, request).await;
        tx.rollback().await;
        answer
    }

    async fn write_once(
        &self,
        caller: &Arc<Caller>,
        entry: &Entry,
        request: &Request,
        parsed: Parsed,
    ) -> Result<Outcome> {
        let store = &self.app.store;
        let mut tx = unless_gone(request, store.write(scope(caller))).await?;
        let shown = match before_write(&mut tx, caller, request).await {
            Ok(Before::Answered(answer)) => {
                // On SQLite the write that it stands for may be in this very transaction and not on disk yet.
                tx.commit().await?;
                return Ok(Outcome::Done(answer));
            }
            Ok(Before::Free { shown }) => shown,
            Err(error) => {
                tx.rollback().await;
                return Err(error);
            }
        };
        if request.cancel.is_cancelled() {
            tx.rollback().await;
            return Err(gone());
        }
        let mut cx = self.cx(tx, caller, entry, request, true)?;
        let result = self.run(&mut cx, entry, parsed).await;
        let (change, mut summary) = (cx.change(), cx.take_summary());
        let is_trial = request.options.dry_run || cx.is_trial();
        let (mut tx, page, resolved, notices) = cx.into_parts();
        let data = match result {
            Ok(data) => data,
            Err(error) => {
                tx.rollback().await;
                return Err(error);
            }
        };
        let policy = self.confirm(caller);
        let is_asked = !is_trial && confirmations::is_wanted(policy, entry, &summary);
        // Who is asked, or tries, is told now what a constraint refuses.
        if (is_asked || is_trial)
            && let Err(error) = tx.write_held().await
        {
            tx.rollback().await;
            return Err(error);
        }
        if is_asked {
            let agreed = match request.word {
                Word::None => false,
                Word::Given => true,
                Word::Token(_) => shown.is_some_and(|shown| shown == request.shown(&mut summary)),
            };
            if !agreed {
                tx.rollback().await;
                return confirmations::ask(store, caller, entry, request, &mut summary).await;
            }
        }
        // Where a workspace wants writes approved, a call will be staged here instead of being kept.
        let change = (!tx.logged().is_empty()).then(|| change.to_string());
        let change = change.filter(|_| !is_trial);
        let mut answer = answer(data, page, change, resolved, &notices, &request.options);
        if let Some(answer) = answer.as_object_mut().filter(|_| is_trial) {
            answer.insert("dry_run".into(), true.into());
        }
        if caller.has_others {
            name_workspace(&mut answer, caller);
        }
        if is_trial {
            tx.rollback().await;
            return Ok(Outcome::Done(answer));
        }
        if let Err(error) = receipts::keep(&mut tx, caller, request, &answer).await {
            tx.rollback().await;
            return Err(error);
        }
        tx.commit().await?;
        Ok(Outcome::Done(answer))
    }

    /// Waits for a place among the calls of this caller that keep a core busy. Nothing is held meanwhile.
    async fn place(&self, caller: &Caller) -> Result<Place> {
        let limit = self.settings.call_limit;
        let place = self.app.compute.place(caller.actor());
        let had = tokio::time::timeout(limit, place).await;
        had.unwrap_or_else(|_| Err(limits::not_begun(limit)))
    }

    /// What a call has at hand.
    fn cx(
        &self,
        tx: Tx,
        caller: &Arc<Caller>,
        entry: &Entry,
        request: &Request,
        writes: bool,
    ) -> Result<Cx> {
        let (app, caller) = (Arc::clone(&self.app), Arc::clone(caller));
        let version = request.options.version;
        let mut cx = Cx::new(tx, app, caller, entry.spec.name, writes, version)?;
        cx.set_begins_anew();
        cx.set_resolved(request.resolved.clone());
        cx.upload = request.upload.clone();
        cx.prepared = Arc::clone(&request.prepared);
        Ok(cx)
    }

    /// Runs the tool in a transaction. A panic and a time limit end it like an error.
    async fn run(&self, cx: &mut Cx, entry: &Entry, parsed: Parsed) -> Result<Value> {
        let call = AssertUnwindSafe(parsed(cx)).catch_unwind();
        match tokio::time::timeout(self.settings.call_limit, call).await {
            Ok(Ok(Ok(data))) if cx.take_version().is_some() && cx.writes() => {
                drop(data);
                Err(
                    Error::invalid("version", format!("{} takes no version.", entry.spec.name))
                        .hint("Leave it out."),
                )
            }
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(Error::internal(format!("{} panicked", entry.spec.name))),
            Err(_) => Err(self.too_long(entry)),
        }
    }

    fn too_long(&self, entry: &Entry) -> Error {
        Error::new(
            Code::Unavailable,
            format!(
                "{} took longer than {} s and was given up; nothing was written.",
                entry.spec.name,
                self.settings.call_limit.as_secs()
            ),
        )
        .hint("Ask for less at once.")
    }
}

/// The reading of arguments as a tool's input, where they are so many that it is no work for the threads on which calls wait.
fn parse_aside(
    registry: &Arc<Registry>,
    caller: &Arc<Caller>,
    entry: &Entry,
    request: &Request,
) -> Option<impl FnOnce() -> Result<Parsed> + Send + use<>> {
    let (registry, caller) = (Arc::clone(registry), Arc::clone(caller));
    let name = entry.spec.name;
    let arguments =
        (weight(&request.arguments) >= LARGE_BYTES).then(|| request.arguments.clone())?;
    Some(move || registry.for_caller(&caller, name)?.parse(arguments))
}

fn scope(caller: &Caller) -> Scope {
    Scope::Workspace(caller.workspace.id.raw())
}

fn gone() -> Error {
    Error::new(
        Code::Cancelled,
        "The client went away before the call was done; nothing was written.",
    )
}

/// Waits for something as long as the client does: a call that has not begun when its client is gone is not begun.
async fn unless_gone<T>(request: &Request, wait: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::select! {
        biased;
        () = request.cancel.cancelled() => Err(gone()),
        outcome = wait => outcome,
    }
}

/// What there is to know before a write begins.
enum Before {
    /// It was answered already.
    Answered(Value),
    /// It may run. With a token comes the digest of what was shown with its question.
    Free { shown: Option<Vec<u8>> },
}

async fn before_write(tx: &mut Tx, caller: &Caller, request: &Request) -> Result<Before> {
    if let Some(answer) = receipts::find_or_wait(tx, caller, request).await? {
        return Ok(Before::Answered(answer));
    }
    let shown = match &request.word {
        Word::Token(token) if !request.options.dry_run => {
            Some(confirmations::redeem(tx, caller, request, token).await?)
        }
        _ => None,
    };
    Ok(Before::Free { shown })
}
