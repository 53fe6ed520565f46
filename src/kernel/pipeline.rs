//! The one way that a call takes.
//!
//! authenticate → feature and permission → read-only → rate limit → read and validate → receipt → confirmation →
//! (approval) → transaction(tool) → change log and receipt in the same transaction → commit → answer. Each step is a
//! function; a refusal at any of them has a stable code and writes nothing.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dashmap::DashMap;
use futures::FutureExt as _;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::admin::{self, Authenticated};
use crate::caller::{Caller, ConfirmPolicy};
use crate::clock::{self, Reading};
use crate::compute::Compute;
use crate::context::{Cx, House};
use crate::error::{Code, Error, Result};
use crate::notice::Notice;
use crate::projection::Projection;
use crate::registry::Registry;
use crate::schema;
use crate::search::Search;
use crate::store::{Scope, Store, Tx, sql};
use crate::tool::{Effect, Entry};
use crate::types::time::Timestamp;

/// How long a confirmation token works, in seconds.
pub const CONFIRMATION_S: i64 = 300;
/// How long an idempotency key is remembered, in hours.
pub const RECEIPT_H: i64 = 48;
/// Characters of an idempotency key.
const MAX_IDEMPOTENCY_KEY: usize = 200;

/// What the operator decided for the whole server.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Show and run no write.
    pub read_only: bool,
    /// Which calls need a person's word. A key may have a policy of its own.
    pub confirm: ConfirmPolicy,
    /// Calls an hour and key, where the key says nothing else.
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
    /// The token of a question that a person has answered with yes.
    pub confirm_token: Option<String>,
    /// Fires when the client has gone away.
    pub cancel: CancellationToken,
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
        /// Bound to the caller and the exact arguments, used once.
        token: String,
    },
}

/// The options that every tool takes.
#[derive(Debug, Default)]
struct Options {
    dry_run: bool,
    idempotency_key: Option<String>,
    version: Option<i64>,
    fields: Option<Vec<String>>,
    confirm: bool,
    confirm_token: Option<String>,
}

/// A call that passed every step before its transaction.
struct Admitted {
    arguments: Value,
    options: Options,
    /// SHA-256 over the tool and its arguments.
    request: Vec<u8>,
}

/// The way in for every call, of whichever transport.
pub struct Pipeline {
    house: Arc<House>,
    settings: Settings,
    limits: DashMap<i64, (u32, Arc<DefaultDirectRateLimiter>)>,
    key_seen: DashMap<i64, Instant>,
}

impl Pipeline {
    /// The pipeline over a database and a registry. With `index`, a folder, searches are answered from the index there.
    ///
    /// # Errors
    /// [`Code::Unavailable`] when the folder cannot be made.
    pub fn new(
        store: Store,
        registry: Arc<Registry>,
        index: Option<&std::path::Path>,
        settings: Settings,
    ) -> Result<Arc<Self>> {
        let search = match index {
            Some(folder) => {
                let source = Arc::new(Projection::new(store.clone(), registry.clone()));
                let search = Search::open(folder, source, store.growth()).map_err(|error| {
                    Error::new(
                        Code::Unavailable,
                        format!("The search index {} cannot be made.", folder.display()),
                    )
                    .hint("Check that the data folder exists and is writable.")
                    .cause(error)
                })?;
                Some(search)
            }
            None => None,
        };
        Ok(Arc::new(Self {
            house: Arc::new(House {
                store,
                registry,
                search,
                compute: Compute::default(),
            }),
            settings,
            limits: DashMap::new(),
            key_seen: DashMap::new(),
        }))
    }

    /// What all calls share.
    #[must_use]
    pub fn house(&self) -> &Arc<House> {
        &self.house
    }

    /// The tools.
    #[must_use]
    pub fn registry(&self) -> &Arc<Registry> {
        &self.house.registry
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
        let Authenticated { caller, stale } =
            admin::authenticate(&self.house.store, key, workspace).await?;
        if let Some(id) = caller
            .key
            .filter(|_| stale && !self.house.store.is_read_only())
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
            let store = self.house.store.clone();
            tokio::spawn(async move {
                if let Err(error) = admin::note_use(&store, key).await {
                    tracing::warn!(?error, "the last use of a key could not be noted");
                }
            });
        }
    }

    /// The person who started the process beside the data: its owner, with every right.
    ///
    /// # Errors
    /// [`Code::NotFound`] when there is no such workspace.
    pub async fn operator(&self, workspace: Option<&str>) -> Result<Caller> {
        admin::operator(&self.house.store, workspace).await
    }

    /// The tools that this caller may see, alphabetically.
    pub fn visible<'a>(&'a self, caller: &'a Caller) -> impl Iterator<Item = &'a Entry> + 'a {
        self.house.registry.visible(caller, self.settings.read_only)
    }

    /// Runs a call.
    pub async fn call(self: &Arc<Self>, caller: Caller, call: Call) -> Outcome {
        let started = Instant::now();
        let name = call.tool.clone();
        let caller = Arc::new(caller);
        let outcome = self
            .admit_and_run(&caller, call)
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
            .house
            .registry
            .entry(&name)
            .map_or("unknown", |entry| entry.spec.name);
        metrics::histogram!("bureau_call_duration_seconds", "tool" => tool, "code" => code)
            .record(started.elapsed().as_secs_f64());
        outcome
    }

    async fn admit_and_run(self: &Arc<Self>, caller: &Arc<Caller>, call: Call) -> Result<Outcome> {
        let registry = self.house.registry.clone();
        let entry = registry.for_caller(caller, &call.tool)?;
        self.check_read_only(caller, entry)?;
        self.check_rate(caller)?;
        let cancel = call.cancel.clone();
        let (can_ask, asked) = (call.can_ask, call.confirm_token.is_some());
        let admitted = read_arguments(entry, call)?;
        if entry.spec.effect.reads_only() {
            // A read stops where it stands when nobody waits for it any more.
            return tokio::select! {
                outcome = self.read(caller, entry, admitted) => outcome,
                () = cancel.cancelled() => Err(gone()),
            };
        }
        if cancel.is_cancelled() {
            return Err(gone());
        }
        // A write runs in a task of its own: once begun it is finished, whatever becomes of the client.
        let (pipeline, caller) = (Arc::clone(self), Arc::clone(caller));
        let name = entry.spec.name;
        let span = tracing::Span::current();
        let work = async move {
            let registry = pipeline.house.registry.clone();
            let entry = registry.for_caller(&caller, name)?;
            if pipeline.needs_confirmation(&caller, entry, &admitted, can_ask, asked) {
                return pipeline.ask(&caller, entry, admitted, can_ask).await;
            }
            // Where a workspace wants writes approved, a call will be staged here instead of being run.
            pipeline.write(&caller, entry, admitted).await
        };
        let task = tokio::spawn(work.instrument(span));
        task.await.map_err(Error::internal)?
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

    fn check_rate(&self, caller: &Caller) -> Result<()> {
        let Some(key) = caller.key else { return Ok(()) };
        let per_hour = caller
            .calls_per_hour
            .unwrap_or(self.settings.calls_per_hour);
        let Some(quota) = std::num::NonZeroU32::new(per_hour).map(Quota::per_hour) else {
            return Ok(());
        };
        let limiter = {
            let mut limit = self
                .limits
                .entry(key.raw())
                .or_insert_with(|| (per_hour, Arc::new(RateLimiter::direct(quota))));
            if limit.0 != per_hour {
                *limit = (per_hour, Arc::new(RateLimiter::direct(quota)));
            }
            Arc::clone(&limit.1)
        };
        limiter.check().map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            Error::new(
                Code::RateLimited,
                format!("This key has used its {per_hour} calls of this hour."),
            )
            .hint("Wait, or combine calls.")
            .retry_after(wait.as_secs() + 1)
        })
    }

    fn needs_confirmation(
        &self,
        caller: &Caller,
        entry: &Entry,
        admitted: &Admitted,
        can_ask: bool,
        asked: bool,
    ) -> bool {
        let policy = caller.confirm.unwrap_or(self.settings.confirm);
        let wanted = match policy {
            ConfirmPolicy::Never => false,
            ConfirmPolicy::Destructive => entry.spec.effect.is_destructive(),
            ConfirmPolicy::Writes => true,
        };
        let options = &admitted.options;
        // Where a person can be asked, the model's own word does not count.
        let given = if can_ask {
            asked
        } else {
            options.confirm || options.confirm_token.is_some()
        };
        wanted && !options.dry_run && !given
    }

    /// Tries the call, forgets what it did, and asks whether it should be done.
    async fn ask(
        self: &Arc<Self>,
        caller: &Arc<Caller>,
        entry: &Entry,
        admitted: Admitted,
        can_ask: bool,
    ) -> Result<Outcome> {
        let tx = self.house.store.write(scope(caller)).await?;
        let (cx, result) = self
            .run(
                tx,
                caller,
                entry,
                admitted.arguments,
                admitted.options.version,
                true,
            )
            .await?;
        let summary = cx.summary();
        cx.into_parts().0.rollback().await;
        result?;
        let message = format!("{} will {summary}.", entry.spec.title);
        let token = new_token();
        let mut tx = self.house.store.write(scope(caller)).await?;
        let stored = store_confirmation(&mut tx, caller, &token, &admitted.request).await;
        end(tx, stored).await?;
        if can_ask {
            return Ok(Outcome::Ask { message, token });
        }
        Err(Error::new(Code::ConfirmationRequired, format!("{message} It was not done yet."))
            .field("confirm")
            .hint(format!(
                "If that is meant, call again with confirm: true, or with the confirm_token within {CONFIRMATION_S} s."
            ))
            .detail("summary", message.as_str())
            .detail("confirm_token", token))
    }

    async fn read(
        &self,
        caller: &Arc<Caller>,
        entry: &Entry,
        admitted: Admitted,
    ) -> Result<Outcome> {
        let Admitted {
            arguments, options, ..
        } = admitted;
        let awaits = entry.awaits(&arguments);
        let tx = self.house.read(caller, awaits).await?;
        let (cx, result) = self
            .run(tx, caller, entry, arguments, options.version, false)
            .await?;
        let (tx, next, resolved, notices) = cx.into_parts();
        tx.rollback().await;
        Ok(Outcome::Done(answer(
            result?, next, None, resolved, &notices, &options,
        )?))
    }

    /// Runs a write. Where it only met another one, it is run again: its caller cannot have meant the order.
    async fn write(
        &self,
        caller: &Arc<Caller>,
        entry: &Entry,
        admitted: Admitted,
    ) -> Result<Outcome> {
        const MOST_RUNS: u32 = 5;
        for run in 1..MOST_RUNS {
            match self.write_once(caller, entry, &admitted).await {
                Err(error) if error.is_clash() => {
                    let wait = Duration::from_millis(rand::random_range(1..=u64::from(10 * run)));
                    tokio::time::sleep(wait).await;
                }
                outcome => return outcome,
            }
        }
        self.write_once(caller, entry, &admitted).await
    }

    async fn write_once(
        &self,
        caller: &Arc<Caller>,
        entry: &Entry,
        admitted: &Admitted,
    ) -> Result<Outcome> {
        let options = &admitted.options;
        let mut tx = self.house.store.write(scope(caller)).await?;
        match before_write(&mut tx, caller, options, &admitted.request).await {
            Ok(None) => {}
            Ok(Some(receipt)) => {
                // On SQLite the write that it stands for may be in this very transaction and not on disk yet.
                tx.commit().await?;
                return Ok(Outcome::Done(receipt));
            }
            Err(error) => {
                tx.rollback().await;
                return Err(error);
            }
        }
        let (cx, result) = self
            .run(
                tx,
                caller,
                entry,
                admitted.arguments.clone(),
                options.version,
                true,
            )
            .await?;
        let change = cx.change();
        let (mut tx, next, resolved, notices) = cx.into_parts();
        let change = (!tx.logged().is_empty()).then(|| change.to_string());
        let answer =
            result.and_then(|data| answer(data, next, change, resolved, &notices, options));
        let answer = match (answer, &options.idempotency_key) {
            (Ok(answer), Some(key)) if !options.dry_run => {
                let kept = store_receipt(&mut tx, caller, key, &admitted.request, &answer).await;
                kept.map(|()| answer)
            }
            (answer, _) => answer,
        };
        match answer {
            Ok(answer) if !options.dry_run => {
                tx.commit().await?;
                Ok(Outcome::Done(answer))
            }
            answer => {
                tx.rollback().await;
                answer.map(Outcome::Done)
            }
        }
    }

    /// Runs the tool in a transaction. A panic and a time limit end it like an error.
    async fn run(
        &self,
        tx: Tx,
        caller: &Arc<Caller>,
        entry: &Entry,
        arguments: Value,
        version: Option<i64>,
        writes: bool,
    ) -> Result<(Cx, Result<Value>)> {
        let house = Arc::clone(&self.house);
        let mut cx = Cx::new(
            tx,
            house,
            Arc::clone(caller),
            entry.spec.name,
            writes,
            version,
        )?;
        let call = AssertUnwindSafe(entry.run(arguments, &mut cx)).catch_unwind();
        let result = match tokio::time::timeout(self.settings.call_limit, call).await {
            Ok(Ok(Ok(data))) if cx.take_version().is_some() && writes => {
                drop(data);
                Err(
                    Error::invalid("version", format!("{} takes no version.", entry.spec.name))
                        .hint("Leave it out."),
                )
            }
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(Error::internal(format!("{} panicked", entry.spec.name))),
            Err(_) => Err(Error::new(
                Code::Unavailable,
                format!(
                    "{} took longer than {} s and was given up; nothing was written.",
                    entry.spec.name,
                    self.settings.call_limit.as_secs()
                ),
            )
            .hint("Ask for less at once.")),
        };
        Ok((cx, result))
    }
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

async fn end(tx: Tx, result: Result<()>) -> Result<()> {
    match result {
        Ok(()) => tx.commit().await,
        Err(error) => {
            tx.rollback().await;
            Err(error)
        }
    }
}

/// Takes the options out of the arguments and brings what is left into the form that the tool expects.
fn read_arguments(entry: &Entry, call: Call) -> Result<Admitted> {
    let mut arguments = call.arguments;
    let schema = &entry.wire().input_schema;
    let own = |name: &str| {
        name != "confirm"
            && schema
                .get("properties")
                .and_then(|properties| properties.get(name))
                .is_some()
    };
    let mut take = |name: &str, form: Value| -> Result<Option<Value>> {
        if own(name) {
            return Ok(None);
        }
        let Some(value) = arguments
            .shift_remove(name)
            .filter(|value| !value.is_null())
        else {
            return Ok(None);
        };
        let form = json!({ "type": "object", "properties": { name: form } });
        let Some(form) = form.as_object() else {
            return Ok(None);
        };
        let mut read = schema::read(form, json!({ name: value }))?;
        Ok(read.get_mut(name).map(Value::take))
    };
    let text = |value: Option<Value>| value.as_ref().and_then(Value::as_str).map(str::to_owned);
    let flag = |value: Option<Value>| value.as_ref().and_then(Value::as_bool).unwrap_or(false);
    let mut options = Options {
        dry_run: flag(take("dry_run", json!({ "type": "boolean" }))?) || call.dry_run,
        idempotency_key: text(take("idempotency_key", json!({ "type": "string" }))?)
            .or(call.idempotency_key),
        version: take("version", json!({ "type": "integer" }))?
            .as_ref()
            .and_then(Value::as_i64),
        fields: None,
        confirm: flag(take("confirm", json!({ "type": "boolean" }))?),
        confirm_token: text(take("confirm_token", json!({ "type": "string" }))?),
    };
    if let Some(Value::Array(fields)) = take(
        "fields",
        json!({ "type": "array", "items": { "type": "string" } }),
    )? {
        options.fields = Some(
            fields
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
        );
    }
    // A person's answer is worth more than a token that a model passes on.
    options.confirm_token = call.confirm_token.or(options.confirm_token);
    let unfit = |key: &String| {
        key.is_empty()
            || key.chars().count() > MAX_IDEMPOTENCY_KEY
            || key.chars().any(char::is_control)
    };
    if options.idempotency_key.as_ref().is_some_and(unfit) {
        return Err(Error::invalid(
            "idempotency_key",
            format!(
                "An idempotency key has 1 to {MAX_IDEMPOTENCY_KEY} characters, none of them a control character."
            ),
        ));
    }
    if entry.spec.effect == Effect::Adds && options.version.is_some() {
        return Err(
            Error::invalid("version", "What is new has no version yet.").hint("Leave it out.")
        );
    }
    let mut request = Sha256::new();
    request.update(entry.spec.name);
    let arguments = schema::read(schema, Value::Object(arguments))?;
    hash_canonically(&arguments, &mut request);
    request.update(options.version.unwrap_or(0).to_be_bytes());
    Ok(Admitted {
        arguments,
        options,
        request: request.finalize().to_vec(),
    })
}

/// Hashes JSON so that the order of keys makes no difference.
fn hash_canonically(value: &Value, hash: &mut Sha256) {
    match value {
        Value::Object(fields) => {
            hash.update(b"{");
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort();
            for name in names {
                hash.update((name.len() as u64).to_be_bytes());
                hash.update(name);
                if let Some(value) = fields.get(name) {
                    hash_canonically(value, hash);
                }
            }
            hash.update(b"}");
        }
        Value::Array(items) => {
            hash.update(b"[");
            items.iter().for_each(|item| hash_canonically(item, hash));
            hash.update(b"]");
        }
        other => {
            let text = other.to_string();
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
    }
}

/// What has to be so before a write begins: an answer that was given already, or a token that is used up.
async fn before_write(
    tx: &mut Tx,
    caller: &Caller,
    options: &Options,
    request: &[u8],
) -> Result<Option<Value>> {
    if let Some(key) = options
        .idempotency_key
        .as_ref()
        .filter(|_| !options.dry_run)
    {
        // Two calls with one key at the same moment: the second waits for the first.
        tx.serialize(&format!("receipt {} {key}", caller.actor()))
            .await?;
        if let Some(answer) = find_receipt(tx, caller, key, request).await? {
            return Ok(Some(answer));
        }
    }
    if let Some(token) = options.confirm_token.as_ref().filter(|_| !options.dry_run) {
        use_confirmation(tx, caller, token, request).await?;
    }
    Ok(None)
}

/// The moment from which on receipts count; older ones are deleted with the next new one. A clock that cannot be right makes
/// none of them old.
fn receipts_from(now: &Reading) -> Timestamp {
    now.trusted() - chrono::Duration::hours(RECEIPT_H)
}

async fn find_receipt(
    tx: &mut Tx,
    caller: &Caller,
    key: &str,
    request: &[u8],
) -> Result<Option<Value>> {
    let from = receipts_from(&clock::read(tx).await?);
    let row = sql("SELECT request, answer FROM receipt WHERE workspace = ")
        .value(caller.workspace.id)
        .sql(" AND actor = ")
        .value(caller.actor())
        .sql(" AND key = ")
        .value(key.to_owned())
        .sql(" AND created_at >= ")
        .value(from)
        .row(tx)
        .await?;
    let Some(row) = row else { return Ok(None) };
    if row.get::<Vec<u8>>("request")? != request {
        return Err(
            Error::conflict("This idempotency key was used for another call.")
                .field("idempotency_key")
                .hint("Use a new key for a new call; nothing was written."),
        );
    }
    serde_json::from_str(&row.get::<String>("answer")?)
        .map(Some)
        .map_err(Error::internal)
}

async fn store_receipt(
    tx: &mut Tx,
    caller: &Caller,
    key: &str,
    request: &[u8],
    answer: &Value,
) -> Result<()> {
    let reading = clock::read(tx).await?;
    sql("DELETE FROM receipt WHERE created_at < ")
        .value(receipts_from(&reading))
        .run(tx)
        .await?;
    sql("INSERT INTO receipt (workspace, actor, key, request, answer, created_at) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(caller.workspace.id)
        .bind(caller.actor())
        .bind(key.to_owned())
        .bind(request.to_vec())
        .bind(answer.to_string())
        .bind(reading.trusted())
        .run(tx)
        .await?;
    Ok(())
}

fn new_token() -> String {
    data_encoding::BASE64URL_NOPAD.encode(&rand::random::<[u8; 24]>())
}

async fn store_confirmation(
    tx: &mut Tx,
    caller: &Caller,
    token: &str,
    request: &[u8],
) -> Result<()> {
    sql("DELETE FROM confirmation WHERE expires_at < ")
        .value(tx.now())
        .run(tx)
        .await?;
    sql("INSERT INTO confirmation (token, workspace, actor, request, expires_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(Sha256::digest(token).to_vec())
        .bind(caller.workspace.id)
        .bind(caller.actor())
        .bind(request.to_vec())
        .bind(tx.now() + chrono::Duration::seconds(CONFIRMATION_S))
        .run(tx)
        .await?;
    Ok(())
}

/// Takes the token out of the table in the write's own transaction: of two calls with it, one finds it.
async fn use_confirmation(tx: &mut Tx, caller: &Caller, token: &str, request: &[u8]) -> Result<()> {
    let used = sql("DELETE FROM confirmation WHERE token = ")
        .value(Sha256::digest(token).to_vec())
        .sql(" AND workspace = ")
        .value(caller.workspace.id)
        .sql(" AND actor = ")
        .value(caller.actor())
        .sql(" AND request = ")
        .value(request.to_vec())
        .sql(" AND expires_at > ")
        .value(tx.now())
        // One that lives longer than any does was made before the clock was set back.
        .sql(" AND expires_at <= ")
        .value(tx.now() + chrono::Duration::seconds(CONFIRMATION_S))
        .run(tx)
        .await?;
    if used == 1 {
        return Ok(());
    }
    Err(Error::invalid(
        "confirm_token",
        "This confirmation is used, expired, or belongs to another call.",
    )
    .hint("Call without it to get a new one; nothing was written."))
}

/// Puts an answer together, without what is empty, with the fields that were asked for.
fn answer(
    data: Value,
    next: Option<String>,
    change: Option<String>,
    resolved: Map<String, Value>,
    notices: &[Notice],
    options: &Options,
) -> Result<Value> {
    let mut data = compact(data).unwrap_or_else(|| Value::Object(Map::new()));
    if let Some(fields) = &options.fields {
        data = select(data, fields)?;
    }
    let mut answer = Map::new();
    answer.insert("data".into(), data);
    if let Some(next) = next {
        answer.insert("page".into(), json!({ "next": next }));
    }
    if options.dry_run {
        answer.insert("dry_run".into(), true.into());
    } else if let Some(change) = change {
        answer.insert("change".into(), change.into());
    }
    if !resolved.is_empty() {
        answer.insert("resolved".into(), resolved.into());
    }
    if !notices.is_empty() {
        answer.insert("notices".into(), json!(notices));
    }
    Ok(Value::Object(answer))
}

/// The value without nulls and without empty lists and objects, which only cost tokens. A list that is the whole answer
/// stays.
fn compact(value: Value) -> Option<Value> {
    fn is_empty(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Array(items) => items.is_empty(),
            Value::Object(fields) => fields.is_empty(),
            _ => false,
        }
    }
    match value {
        Value::Null => None,
        Value::Object(fields) => Some(Value::Object(
            fields
                .into_iter()
                .filter_map(|(name, value)| {
                    Some((name, compact(value).filter(|value| !is_empty(value))?))
                })
                .collect(),
        )),
        Value::Array(items) => Some(Value::Array(
            items.into_iter().filter_map(compact).collect(),
        )),
        other => Some(other),
    }
}

/// Only the named fields of a record or of each row; `id` always.
fn select(data: Value, fields: &[String]) -> Result<Value> {
    let pick = |value: Value| match value {
        Value::Object(record) => {
            let wanted = |name: &String| name == "id" || fields.contains(name);
            Value::Object(
                record
                    .into_iter()
                    .filter(|(name, _)| wanted(name))
                    .collect(),
            )
        }
        other => other,
    };
    let is_name = |field: &String| (1..=64).contains(&field.len());
    if !(1..=50).contains(&fields.len()) || !fields.iter().all(is_name) {
        return Err(Error::invalid(
            "fields",
            "fields takes 1 to 50 names of fields; leave it out for all.",
        ));
    }
    Ok(match data {
        Value::Array(rows) => Value::Array(rows.into_iter().map(pick).collect()),
        other => pick(other),
    })
}
