//! The options that every tool takes beside its own parameters: how each is read, and which tools tell clients of it.
//!
//! Every tool takes all of them. Told of they are where they do something: a client that holds models to the schema drops, or
//! refuses, what a schema does not name, and a trial that was meant becomes a write.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::admin::AttributeDefinition;
use crate::caller::ConfirmPolicy;
use crate::tool::{Effect, Entry, MAX_ABOUT, WireForm};
use crate::types::schema;

/// An option of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallOption {
    /// Tries the call without keeping its effect.
    DryRun,
    /// The same call again is done once.
    IdempotencyKey,
    /// The version of the record that the caller has seen.
    Version,
    /// Only these fields of the answer.
    Fields,
    /// A person has agreed.
    Confirm,
    /// The answer to a question.
    ConfirmToken,
    /// Where the caller means to work.
    Workspace,
}

impl CallOption {
    /// All of them, in the order in which schemas name them.
    pub const ALL: [Self; 7] = [
        Self::Fields,
        Self::Version,
        Self::IdempotencyKey,
        Self::DryRun,
        Self::Confirm,
        Self::ConfirmToken,
        Self::Workspace,
    ];

    /// Its name among the arguments.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DryRun => "dry_run",
            Self::IdempotencyKey => "idempotency_key",
            Self::Version => "version",
            Self::Fields => "fields",
            Self::Confirm => "confirm",
            Self::ConfirmToken => "confirm_token",
            Self::Workspace => "workspace",
        }
    }

    /// Whether an argument of this name is one of them.
    #[must_use]
    pub fn is_name(name: &str) -> bool {
        Self::ALL.iter().any(|option| option.name() == name)
    }

    /// The schema of its value.
    #[must_use]
    pub fn form(self) -> Value {
        match self {
            Self::DryRun | Self::Confirm => json!({ "type": "boolean" }),
            Self::Version => json!({ "type": "integer" }),
            Self::Fields => json!({ "type": "array", "items": { "type": "string" } }),
            Self::IdempotencyKey | Self::ConfirmToken | Self::Workspace => {
                json!({ "type": "string" })
            }
        }
    }

    /// Whether a tool tells clients of it.
    fn is_declared(self, entry: &Entry, confirm: ConfirmPolicy, has_others: bool) -> bool {
        let (effect, writes) = (entry.spec.effect, !entry.spec.effect.reads_only());
        match self {
            Self::DryRun => writes,
            Self::IdempotencyKey => effect == Effect::Adds,
            Self::Version => {
                let has_subject = entry.declared().has_subject;
                has_subject && matches!(effect, Effect::Changes | Effect::Removes)
            }
            Self::Fields => !writes && entry.declared().answers_records,
            Self::Confirm | Self::ConfirmToken => match confirm {
                ConfirmPolicy::Never => false,
                ConfirmPolicy::Destructive => entry.spec.asks(),
                ConfirmPolicy::Writes => writes,
            },
            // Who has one workspace has no other to mean.
            Self::Workspace => writes && has_others,
        }
    }
}

/// What a list of tools follows from: two that are the same here read the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Listing {
    /// The names of the tools in it.
    pub tools: Vec<&'static str>,
    /// For whom it is.
    pub audience: Audience,
}

/// For whom tools are listed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Audience {
    /// Which of its calls a person has to agree to.
    pub confirm: ConfirmPolicy,
    /// Whether it has other workspaces than the one that it works in.
    pub has_others: bool,
    /// The custom attributes that its workspace defines.
    pub attributes: Arc<Vec<AttributeDefinition>>,
}

/// Attributes of one kind of record that a schema names; more of them would cost more than they help.
const MOST_ATTRIBUTES: usize = 50;

/// The tool as this audience sees it.
#[must_use]
pub fn listed(entry: &Entry, audience: &Audience) -> WireForm {
    let mut wire = entry.wire().clone();
    let table = entry.declared().attributes_of.as_deref();
    let is_as_usual = audience.confirm == ConfirmPolicy::default() && !audience.has_others;
    if table.is_none() && is_as_usual {
        return wire;
    }
    let mut input = with_options(entry, audience.confirm, audience.has_others);
    if let (Some(table), Some(Value::Object(properties))) = (table, input.get_mut("properties")) {
        match attributes(&audience.attributes, table) {
            Some(schema) => properties.insert("attributes".into(), schema),
            // Where none are defined there are none to give.
            None => properties.shift_remove("attributes"),
        };
    }
    wire.input_schema = Arc::new(input);
    wire
}

/// The schema of the attributes that are defined for a kind of record. One that holds an object of any content is left out: a
/// client in strict mode could not send it.
fn attributes(defined: &[AttributeDefinition], table: &str) -> Option<Value> {
    let of_kind = defined.iter().filter(|one| one.entity == table);
    let properties: Map<String, Value> = of_kind
        .filter_map(|one| {
            let mut schema = match one.kind.as_str() {
                "number" => json!({ "type": "number" }),
                "bool" => json!({ "type": "boolean" }),
                "date" => json!({ "type": "string", "description": "YYYY-MM-DD" }),
                "list" => json!({ "type": "array", "items": { "type": "string" } }),
                "object" => return None,
                _ => json!({ "type": "string" }),
            };
            if let (Some(about), Some(schema)) = (&one.about, schema.as_object_mut()) {
                let about: String = about.chars().take(MAX_ABOUT).collect();
                schema.insert("description".into(), about.into());
            }
            Some((one.name.clone(), schema))
        })
        .take(MOST_ATTRIBUTES)
        .collect();
    (!properties.is_empty()).then(|| json!({ "type": "object", "properties": properties }))
}

/// A tool's own parameters and the options that it tells of.
fn with_options(entry: &Entry, confirm: ConfirmPolicy, has_others: bool) -> Map<String, Value> {
    let mut input = entry.declared().input.clone();
    if let Some(Value::Object(properties)) = input.get_mut("properties") {
        for option in CallOption::ALL {
            let name = option.name();
            // A parameter of the tool's own says more.
            if option.is_declared(entry, confirm, has_others) && !properties.contains_key(name) {
                properties.insert(name.into(), option.form());
            }
        }
    }
    input
}

/// Puts the options into what clients see of a tool, as they are where nothing is said about confirmation, and into what its
/// arguments are read by.
pub(crate) fn declare(entry: &mut Entry) {
    entry.declare(
        |entry| with_options(entry, ConfirmPolicy::default(), false),
        |form| schema::mark_options(form, CallOption::ALL.iter().map(|option| option.name())),
    );
}
