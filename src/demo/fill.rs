//! Makes what happened happen.

use std::collections::HashMap;
use std::sync::Arc;

use bureau_kernel::admin::{find_member, list_members};
use bureau_kernel::backdate::PastCall;
use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::Dispatcher;
use bureau_kernel::error::{Error, Result};
use serde_json::{Map, Value};

use super::script::{Event, MARK, reference};
use super::{MEMBERS, SLUG};

/// Makes all of these calls, or none. Calls of tools that are not compiled in are left out. What adds something does without
/// what refers to their records; what does something with one of them is left out as well.
pub(super) async fn fill(dispatcher: &Dispatcher, events: Vec<Event>) -> Result<()> {
    let operator = dispatcher.operator(Some(SLUG)).await?;
    let members = list_members(&dispatcher.app().store, SLUG).await?;
    let mut ids: HashMap<String, String> = HashMap::new();
    let mut callers: Vec<Arc<Caller>> = Vec::new();
    for (place, (name, ..)) in MEMBERS.iter().enumerate() {
        let member = find_member(&members, name)?;
        ids.insert(reference("member", place), member.id.to_string());
        let mut caller = operator.clone();
        (caller.member, caller.role) = (member.id, member.role);
        callers.push(Arc::new(caller));
    }
    let known = |event: &Event| dispatcher.registry().entry(event.tool).is_some();
    let mut events = events.into_iter().filter(known);
    let mut last: (Option<String>, Option<String>) = (None, None);
    let next = |answer: Option<Value>| {
        if let Some(answer) = answer {
            for (reference, pointer) in [(last.0.take(), "/id"), (last.1.take(), "/follow_up/id")] {
                let id = answer.pointer(pointer).and_then(Value::as_str);
                ids.extend(reference.zip(id.map(str::to_owned)));
            }
        }
        let event = events.find_map(|mut event| {
            let is_whole = resolve_fields(&mut event.arguments, &ids);
            (is_whole || event.tool.starts_with("create_")).then_some(event)
        });
        let Some(event) = event else {
            return Ok(None);
        };
        last = (event.makes, event.follow_up);
        Ok(Some(PastCall {
            caller: callers
                .get(event.by)
                .map(Arc::clone)
                .ok_or_else(|| Error::internal("a call of nobody"))?,
            at: event.at,
            tool: event.tool,
            arguments: event.arguments,
        }))
    };
    dispatcher.replay(&operator, next).await
}

/// Puts identifiers in the places of references, also within lists and objects, and takes out what refers to nothing;
/// whether there was nothing to take out.
fn resolve_fields(fields: &mut Map<String, Value>, ids: &HashMap<String, String>) -> bool {
    let mut is_whole = true;
    fields.retain(|_, value| resolve(value, ids, &mut is_whole));
    is_whole
}

/// The same for one value; false where it is to be taken out.
fn resolve(value: &mut Value, ids: &HashMap<String, String>, is_whole: &mut bool) -> bool {
    match value {
        Value::String(text) if text.starts_with(MARK) => match ids.get(text.as_str()) {
            Some(id) => {
                *text = id.clone();
                true
            }
            None => {
                *is_whole = false;
                false
            }
        },
        Value::Array(items) => {
            items.retain_mut(|item| resolve(item, ids, is_whole));
            true
        }
        Value::Object(fields) => {
            fields.retain(|_, value| resolve(value, ids, is_whole));
            true
        }
        _ => true,
    }
}
