//! What a call is answered with.

use serde_json::{Map, Value, json};

use super::options::Options;
use crate::caller::{Caller, Workspace};
use crate::notice::Notice;

/// Puts an answer together, without what is empty, with the fields that were asked for.
pub(super) fn answer(
    mut data: Value,
    page: Map<String, Value>,
    change: Option<String>,
    resolved: Map<String, Value>,
    notices: &[Notice],
    options: &Options,
) -> Value {
    compact(&mut data);
    if data.is_null() {
        data = Value::Object(Map::new());
    }
    if let Some(fields) = &options.fields {
        data = select(data, fields);
    }
    let mut answer = Map::new();
    answer.insert("data".into(), data);
    if !page.is_empty() {
        answer.insert("page".into(), page.into());
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
    Value::Object(answer)
}

/// Says in which workspace something was written, to whoever has several.
pub(super) fn name_workspace(answer: &mut Value, caller: &Caller) {
    if let Some(answer) = answer.as_object_mut() {
        let Workspace { slug, name, .. } = &*caller.workspace;
        answer.insert("workspace".into(), json!({ "slug": slug, "name": name }));
    }
}

/// Takes nulls and empty lists and objects out of the value, which only cost tokens. A list that is the whole answer, or stands in
/// another list, stays.
fn compact(value: &mut Value) {
    fn is_empty(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Array(items) => items.is_empty(),
            Value::Object(fields) => fields.is_empty(),
            _ => false,
        }
    }
    match value {
        Value::Object(fields) => fields.retain(|_, value| {
            compact(value);
            !is_empty(value)
        }),
        Value::Array(items) => items.retain_mut(|value| {
            compact(value);
            !value.is_null()
        }),
        _ => {}
    }
}

/// Only the named fields of a record or of each row; `id` always.
fn select(data: Value, fields: &[String]) -> Value {
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
    match data {
        Value::Array(rows) => Value::Array(rows.into_iter().map(pick).collect()),
        other => pick(other),
    }
}
