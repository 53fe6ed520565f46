//! What a call asks for: its tool's arguments, read, and the options that every tool takes.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use super::Call;
use crate::caller::Caller;
use crate::content::{Prepared, Upload};
use crate::error::{Error, Result};
use crate::option::CallOption;
use crate::record::summary::Summary;
use crate::registry::Registry;
use crate::resolve::{self, Name};
use crate::tool::{Effect, Entry, Parsed};
use crate::types::schema;
use crate::types::synonyms::suggest;
use crate::types::text::visible;

/// Characters of an idempotency key.
const MAX_IDEMPOTENCY_KEY: usize = 200;

/// Something that is held as long as a call is at work, such as its place among the requests that are under way: given
/// back when the last clone is gone, however the call ends.
#[derive(Clone)]
pub struct Held(
    #[expect(dead_code, reason = "it is there to be dropped")] Arc<dyn Any + Send + Sync>,
);

impl Held {
    /// Holds this.
    pub fn new(thing: impl Any + Send + Sync) -> Self {
        Self(Arc::new(thing))
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Held")
    }
}

/// The options that every tool takes.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) dry_run: bool,
    pub(super) idempotency_key: Option<String>,
    pub(super) version: Option<i64>,
    pub(super) fields: Option<Vec<String>>,
    pub(super) workspace: Option<String>,
}

/// Whose word a call comes with.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// Nobody's.
    None,
    /// The caller says that it is meant.
    Given,
    /// The answer to a question.
    Token(String),
}

/// A call whose arguments are read: all that is left to find out is in the database.
pub(super) struct Request {
    /// The arguments; where records are named, their identifiers once these are looked up.
    pub(super) arguments: Value,
    /// Where in them a record is named by something else than its identifier.
    pub(super) names: Vec<Name>,
    /// Which records these are, as the answer says it.
    pub(super) resolved: Map<String, Value>,
    pub(super) options: Options,
    pub(super) word: Word,
    /// A person can be asked.
    pub(super) can_ask: bool,
    /// SHA-256 over the tool and its arguments; of a write only.
    pub(super) digest: Vec<u8>,
    pub(super) cancel: CancellationToken,
    #[expect(dead_code, reason = "it is given back when the request is dropped")]
    pub(super) held: Option<Held>,
    pub(super) upload: Option<Upload>,
    pub(super) prepared: Prepared,
}

impl Request {
    /// The key under which its answer is kept, where one is given and something is written.
    pub(super) fn receipt_key(&self) -> Option<&str> {
        let key = self.options.idempotency_key.as_deref();
        key.filter(|_| !self.options.dry_run)
    }

    /// Refuses a call that means another workspace than the one that its caller works in.
    pub(super) fn refuse_other_workspace(&self, caller: &Caller) -> Result<()> {
        let here = &caller.workspace;
        let is_here = |meant: &String| {
            let meant = meant.trim();
            let id = here.id.to_string();
            [here.slug.as_str(), &here.name, &id]
                .iter()
                .any(|known| known.eq_ignore_ascii_case(meant))
        };
        if self.options.workspace.as_ref().is_none_or(is_here) {
            return Ok(());
        }
        let message = format!(
            "This connection works in the workspace {} ({}), and another one is meant; nothing was done.",
            here.name, here.slug
        );
        Err(Error::invalid("workspace", message)
            .hint("Use the connection that opens the other workspace, or leave workspace out."))
    }

    /// What the answer to a question counts for: what was shown with it, and where records were named, which ones these were.
    pub(super) fn shown(&self, summary: &mut Summary) -> Vec<u8> {
        let shown = summary.digest();
        if self.resolved.is_empty() {
            return shown;
        }
        let mut digest = Sha256::new_with_prefix(shown);
        hash_canonically(&self.arguments, &mut digest);
        digest.finalize().to_vec()
    }

    /// Takes the options out of the arguments and reads what is left as the tool's input, unless names are to be looked up
    /// before. Needs no connection, so that a call that cannot be read costs nobody a turn.
    pub(super) fn read(
        registry: &Registry,
        entry: &Entry,
        call: Call,
    ) -> Result<(Self, Option<Parsed>)> {
        let mut arguments = call.arguments;
        let schema = entry.form();
        let own = |name: &str| {
            schema
                .get("properties")
                .and_then(|properties| properties.get(name))
                .is_some()
        };
        let mut take = |option: CallOption| -> Result<Option<Value>> {
            let name = option.name();
            if own(name) {
                return Ok(None);
            }
            let given = arguments.shift_remove(name);
            // A version begins with 1.
            let says = |value: &Value| !schema::is_nothing(value) && value.as_f64() != Some(0.0);
            let Some(value) = given.filter(says) else {
                return Ok(None);
            };
            let form = json!({ "type": "object", "properties": { name: option.form() } });
            let Some(form) = form.as_object() else {
                return Ok(None);
            };
            let mut read = schema::read(form, json!({ name: value }))?;
            Ok(read.get_mut(name).map(Value::take))
        };
        let text = |value: Option<Value>| value.as_ref().and_then(Value::as_str).map(str::to_owned);
        let flag = |value: Option<Value>| value.as_ref().and_then(Value::as_bool).unwrap_or(false);
        let mut options = Options {
            dry_run: flag(take(CallOption::DryRun)?) || call.dry_run,
            idempotency_key: text(take(CallOption::IdempotencyKey)?).or(call.idempotency_key),
            version: take(CallOption::Version)?.as_ref().and_then(Value::as_i64),
            fields: None,
            workspace: text(take(CallOption::Workspace)?),
        };
        let confirm = flag(take(CallOption::Confirm)?);
        let confirm_token = text(take(CallOption::ConfirmToken)?);
        // A person's answer is worth more than what a model passes on; where a person can be asked, the model's own word does
        // not count. A token does: a model has one only where it was told that nobody could be asked.
        let word = match call.confirm_token.or(confirm_token) {
            Some(token) => Word::Token(token),
            None if confirm && !call.can_ask => Word::Given,
            None => Word::None,
        };
        if let Some(Value::Array(fields)) = take(CallOption::Fields)? {
            let fields: Vec<String> = fields
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect();
            let is_name = |field: &String| (1..=64).contains(&field.len());
            if !(1..=50).contains(&fields.len()) || !fields.iter().all(is_name) {
                return Err(Error::invalid(
                    "fields",
                    "fields takes 1 to 50 names of fields; leave it out for all.",
                ));
            }
            check_fields(entry, &fields)?;
            options.fields = Some(fields);
        }
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
        let arguments = schema::read(schema, Value::Object(arguments))?;
        // What only reads has neither a receipt nor a question, for which two calls are compared.
        let digest = if entry.spec.effect.reads_only() {
            Vec::new()
        } else {
            let mut digest = Sha256::new_with_prefix(entry.spec.name);
            hash_canonically(&arguments, &mut digest);
            digest.update(options.version.unwrap_or(0).to_be_bytes());
            digest.finalize().to_vec()
        };
        let names = resolve::names(registry.records(), schema, &arguments);
        let parsed = if names.is_empty() {
            Some(entry.parse(arguments.clone())?)
        } else {
            None
        };
        let request = Self {
            arguments,
            names,
            resolved: Map::new(),
            options,
            word,
            can_ask: call.can_ask,
            digest,
            cancel: call.cancel,
            held: call.held,
            upload: call.upload,
            prepared: Prepared::default(),
        };
        Ok((request, parsed))
    }
}

/// Refuses names of fields that the tool's answer never has.
fn check_fields(entry: &Entry, fields: &[String]) -> Result<()> {
    let known = answered(&entry.wire().output_schema);
    let unknown = fields.iter().find(|field| !known.contains(&field.as_str()));
    let Some(unknown) = unknown.filter(|_| !known.is_empty()) else {
        return Ok(());
    };
    let error = Error::invalid(
        "fields",
        format!("The answer has no field {:?}.", visible(unknown)),
    );
    Err(match suggest(unknown, known.iter().copied()) {
        Some(meant) => error.hint(format!("Did you mean {meant}?")),
        None => error.hint(format!("There are: {}.", known.join(", "))),
    })
}

/// The fields of a record that a tool answers, or of each row; none where an answer has any.
fn answered(output: &Map<String, Value>) -> Vec<&str> {
    let data = output
        .get("properties")
        .and_then(|answer| answer.get("data"));
    let record = data.and_then(|data| data.get("items")).or(data);
    let fields = record.and_then(|record| record.get("properties"));
    let fields = fields.and_then(Value::as_object);
    fields
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect()
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
