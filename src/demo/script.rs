//! What happened, as a list of calls in the order of their time.

use bureau_kernel::types::time::Timestamp;
use serde_json::{Map, Value};

/// A call of the past. Records that are not there yet are named by a [`reference`].
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Event {
    pub(super) at: Timestamp,
    /// Which member did it: a place in [`MEMBERS`](super::MEMBERS).
    pub(super) by: usize,
    pub(super) tool: &'static str,
    pub(super) arguments: Map<String, Value>,
    /// The reference by which others name what it makes.
    pub(super) makes: Option<String>,
    /// The same for the follow-up that it plans.
    pub(super) follow_up: Option<String>,
}

impl Event {
    /// A call. `arguments` is an object; what is null in it is left out.
    pub(super) fn new(at: Timestamp, by: usize, tool: &'static str, arguments: Value) -> Self {
        let mut arguments = match arguments {
            Value::Object(arguments) => arguments,
            _ => Map::new(),
        };
        arguments.retain(|_, value| !value.is_null());
        Self {
            at,
            by,
            tool,
            arguments,
            makes: None,
            follow_up: None,
        }
    }

    /// Says by which reference others name what it makes.
    pub(super) fn makes(mut self, reference: String) -> Self {
        self.makes = Some(reference);
        self
    }

    /// Says one thing more.
    pub(super) fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.arguments.insert(field.to_owned(), value.into());
        self
    }

    /// The same for the follow-up that it plans.
    pub(super) fn follow_up(mut self, reference: Option<String>) -> Self {
        self.follow_up = reference;
        self
    }
}

/// What marks a reference: nothing that anybody writes begins so.
pub(super) const MARK: &str = "ref:";

/// How a record is named before it has an identifier.
pub(super) fn reference(kind: &str, number: usize) -> String {
    format!("{MARK}{kind}/{number}")
}

/// The list while it grows.
#[derive(Debug, Default)]
pub(super) struct Script {
    events: Vec<Event>,
    activities: usize,
}

impl Script {
    /// Adds a call.
    pub(super) fn add(&mut self, event: Event) {
        self.events.push(event);
    }

    /// A reference for one more activity.
    pub(super) fn activity(&mut self) -> String {
        self.activities += 1;
        reference("activity", self.activities)
    }

    /// How many activities there are.
    pub(super) fn activities(&self) -> usize {
        self.activities
    }

    /// All of it, in the order of time; what is of one moment stays in the order in which it was added.
    pub(super) fn in_order(mut self) -> Vec<Event> {
        self.events.sort_by_key(|event| event.at);
        self.events
    }
}
