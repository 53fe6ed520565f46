//! Makes what happened happen.

use std::collections::HashMap;
use std::sync::Arc;

use bureau_kernel::admin::{find_member, list_members};
use bureau_kernel::caller::Caller;
use bureau_kernel::error::{Error, Result};
use bureau_kernel::past::Past;
use bureau_kernel::pipeline::Pipeline;
use serde_json::Value;

use super::script::{Event, MARK, reference};
use super::{MEMBERS, SLUG};

/// Makes all of these calls, or none. Calls of tools that are not compiled in are left out, and what refers to their
/// records with them.
pub(super) async fn fill(pipeline: &Pipeline, events: Vec<Event>) -> Result<()> {
    let operator = pipeline.operator(Some(SLUG)).await?;
    let members = list_members(&pipeline.house().store, SLUG).await?;
    let mut ids: HashMap<String, String> = HashMap::new();
    let mut callers: Vec<Arc<Caller>> = Vec::new();
    for (place, (name, ..)) in MEMBERS.iter().enumerate() {
        let member = find_member(&members, name)?;
        ids.insert(reference("member", place), member.id.to_string());
        let mut caller = operator.clone();
        (caller.member, caller.role) = (member.id, member.role);
        callers.push(Arc::new(caller));
    }
    let known = |event: &Event| pipeline.registry().entry(event.tool).is_some();
    let mut events = events.into_iter().filter(known);
    let mut last: (Option<String>, Option<String>) = (None, None);
    let next = |answer: Option<Value>| {
        if let Some(answer) = answer {
            for (reference, pointer) in [(last.0.take(), "/id"), (last.1.take(), "/follow_up/id")] {
                let id = answer.pointer(pointer).and_then(Value::as_str);
                ids.extend(reference.zip(id.map(str::to_owned)));
            }
        }
        let Some(mut event) = events.next() else {
            return Ok(None);
        };
        event.arguments.retain(|_, value| resolve(value, &ids));
        last = (event.makes, event.follow_up);
        Ok(Some(Past {
            caller: callers
                .get(event.by)
                .map(Arc::clone)
                .ok_or_else(|| Error::internal("a call of nobody"))?,
            at: event.at,
            tool: event.tool,
            arguments: event.arguments,
        }))
    };
    pipeline.relive(&operator, next).await
}

/// Puts the identifier in the place of a reference; false where there is none.
fn resolve(value: &mut Value, ids: &HashMap<String, String>) -> bool {
    match value.as_str().filter(|text| text.starts_with(MARK)) {
        None => true,
        Some(reference) => match ids.get(reference) {
            Some(id) => {
                *value = id.clone().into();
                true
            }
            None => false,
        },
    }
}
