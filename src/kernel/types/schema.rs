//! From the derived schema to what clients can read, and from what clients send to what the tools expect.
//!
//! One bad schema kills the whole session in several clients, so every one goes through [`wire`]. Arguments are read
//! leniently ([`read`]): a value that arrives in the wrong JSON type but means the right thing is taken, what is
//! unknown is refused with the known name that is meant, in other words or another spelling.

use std::cell::Cell;

use chrono_tz::Tz;
use schemars::Schema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::notice::Notice;
use crate::types::synonyms::{ends_of_ranges, suggest};
use crate::types::text::visible;
use crate::types::time::by_clocks;

/// Schemas nest no deeper than this; a type that contains itself ends here.
const MAX_DEPTH: usize = 12;

/// Where a text means a record: the record's table. Only in the [form] by which arguments are read; clients never see it.
pub const RECORD: &str = "x-record";
/// What stands there where a record of any kind may be meant.
pub const ANY_RECORD: &str = "*";
/// Where custom attributes stand: the table of the record that has them. Only in the [form].
pub(crate) const ATTRIBUTES_OF: &str = "x-attributes-of";
/// Where a 0 says nothing. Only in the [form].
pub(crate) const ZERO_IS_ABSENT: &str = "x-zero-is-absent";
/// What else every call takes. Only in the [form].
const OPTIONS: &str = "x-options";
/// The parameter that names the record which a call is about. Only in the [form].
const SUBJECT: &str = "x-subject";
/// What stands in the schema of a column that is a day or a moment: how a caller's words for it are read.
pub(crate) const WHEN: &str = "x-when";

/// The schema in the form that every client reads: no references, no unions with null, no keywords that cost tokens and
/// are checked by the server anyway.
#[must_use]
pub fn wire(schema: &Schema) -> Map<String, Value> {
    normalized(schema, false)
}

/// Where moments stand in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Moments {
    /// Nowhere.
    None,
    /// It is one.
    Here,
    /// In these fields.
    Fields(Vec<(String, Self)>),
    /// In each item.
    Items(Box<Self>),
}

impl Moments {
    /// Where they stand in what this schema describes.
    pub(crate) fn of(schema: &Schema) -> Self {
        let root = schema.as_value();
        let none = Value::Null;
        Self::find(root, root.get("$defs").unwrap_or(&none), 0)
    }

    fn find(schema: &Value, definitions: &Value, depth: usize) -> Self {
        if depth >= MAX_DEPTH {
            return Self::None;
        }
        if schema.get("format").and_then(Value::as_str) == Some("date-time") {
            return Self::Here;
        }
        if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            let target = name.rsplit('/').next();
            let target = target.and_then(|name| definitions.get(name));
            return target.map_or(Self::None, |target| {
                Self::find(target, definitions, depth + 1)
            });
        }
        let mut fields = Vec::new();
        for union in ["anyOf", "oneOf", "allOf"] {
            for branch in schema
                .get(union)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                match Self::find(branch, definitions, depth + 1) {
                    Self::Fields(more) => fields.extend(more),
                    Self::None => {}
                    found => return found,
                }
            }
        }
        if let Some(items) = schema.get("items") {
            return match Self::find(items, definitions, depth + 1) {
                Self::None => Self::None,
                found => Self::Items(Box::new(found)),
            };
        }
        for (name, property) in schema
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            match Self::find(property, definitions, depth + 1) {
                Self::None => {}
                found => fields.push((name.clone(), found)),
            }
        }
        if fields.is_empty() {
            Self::None
        } else {
            Self::Fields(fields)
        }
    }

    /// Writes them by the clocks of a time zone, to the second, with its offset.
    pub(crate) fn localize(&self, answer: &mut Value, zone: Tz) {
        match (self, answer) {
            (Self::Here, Value::String(text)) => {
                if let Some(local) = by_clocks(text, zone) {
                    *text = local;
                }
            }
            (Self::Fields(fields), Value::Object(answer)) => {
                for (name, moments) in fields {
                    if let Some(value) = answer.get_mut(name) {
                        moments.localize(value, zone);
                    }
                }
            }
            (Self::Items(moments), Value::Array(items)) => {
                for item in items {
                    moments.localize(item, zone);
                }
            }
            _ => {}
        }
    }
}

/// The schema in the form by which arguments are read: as in the wire form, and what clients are not told with it.
#[must_use]
pub fn form(schema: &Schema) -> Map<String, Value> {
    normalized(schema, true)
}

fn normalized(schema: &Schema, marked: bool) -> Map<String, Value> {
    let root = schema.as_value();
    let none = Value::Null;
    normal(root, root.get("$defs").unwrap_or(&none), marked, 0)
}

fn normal(schema: &Value, definitions: &Value, marked: bool, depth: usize) -> Map<String, Value> {
    let mut out = Map::new();
    let Some(schema) = schema.as_object().filter(|_| depth < MAX_DEPTH) else {
        // `true`, an untyped value: text is what every client can send for it.
        return out;
    };
    for mark in [RECORD, ATTRIBUTES_OF, ZERO_IS_ABSENT, WHEN] {
        if let Some(says) = schema.get(mark).filter(|_| marked) {
            out.insert(mark.into(), says.clone());
        }
    }
    let description = schema.get("description").cloned();
    if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
        let target = name
            .rsplit('/')
            .next()
            .and_then(|name| definitions.get(name))
            .unwrap_or(&Value::Null);
        out = normal(target, definitions, marked, depth + 1);
        // What a type is for is said to those who read the code; a parameter says what it is for itself.
        out.remove("description");
        describe(&mut out, description);
        return out;
    }
    for union in ["anyOf", "oneOf", "allOf"] {
        let Some(Value::Array(branches)) = schema.get(union) else {
            continue;
        };
        let branches: Vec<_> = branches.iter().filter(|branch| !is_null(branch)).collect();
        // A variant with a doc comment comes as a constant of its own, those without as one list.
        let constants: Option<Vec<Value>> = branches
            .iter()
            .map(|branch| constants(branch))
            .collect::<Option<Vec<_>>>()
            .map(|all| all.concat());
        if let Some(constants) = constants.filter(|constants| !constants.is_empty()) {
            out.insert("type".into(), "string".into());
            out.insert("enum".into(), Value::Array(constants));
        } else {
            for branch in branches {
                out.extend(normal(branch, definitions, marked, depth + 1));
            }
        }
        describe(&mut out, description);
        return out;
    }
    describe(&mut out, description);
    let kind = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().find(|kind| *kind != "null").cloned(),
        Some(kind) => Some(kind.clone()),
        None => None,
    };
    if let Some(kind) = &kind {
        out.insert("type".into(), kind.clone());
    }
    if let Some(Value::Array(values)) = schema.get("enum") {
        out.insert(
            "enum".into(),
            values
                .iter()
                .filter(|value| !value.is_null())
                .cloned()
                .collect(),
        );
    } else if let Some(constant) = schema.get("const") {
        out.insert("enum".into(), json!([constant]));
    }
    if kind.as_ref().is_some_and(|kind| kind == "array") {
        let items = schema.get("items").cloned().unwrap_or_default();
        let mut items = normal(&items, definitions, marked, depth + 1);
        items.entry("type").or_insert_with(|| "string".into());
        out.insert("items".into(), Value::Object(items));
    }
    if kind.as_ref().map_or(depth == 0, |kind| kind == "object") {
        out.insert("type".into(), "object".into());
        let mut properties = Map::new();
        if let Some(Value::Object(declared)) = schema.get("properties") {
            for (name, property) in declared {
                properties.insert(
                    name.clone(),
                    Value::Object(normal(property, definitions, marked, depth + 1)),
                );
            }
        }
        // The root has them always, even empty: clients break without. An object of any content has none to name.
        if depth == 0 || !properties.is_empty() {
            out.insert("properties".into(), Value::Object(properties));
        }
        match schema.get("required") {
            Some(Value::Array(names)) if !names.is_empty() => {
                out.insert("required".into(), Value::Array(names.clone()));
            }
            _ => {}
        }
    }
    out
}

fn constants(branch: &Value) -> Option<Vec<Value>> {
    match (branch.get("const"), branch.get("enum")) {
        (Some(constant), _) => Some(vec![constant.clone()]),
        (None, Some(Value::Array(values))) => Some(values.clone()),
        _ => None,
    }
}

fn describe(out: &mut Map<String, Value>, description: Option<Value>) {
    if let Some(Value::String(text)) = description {
        // A doc comment ends with a full stop; a manifest can do without.
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        out.insert("description".into(), text.trim_end_matches('.').into());
    }
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").is_some_and(|kind| kind == "null")
        || schema.get("const").is_some_and(Value::is_null)
}

/// Takes out of the parameters' descriptions what counts where nothing is said.
pub(crate) fn forget_defaults(schema: &mut Map<String, Value>) {
    let Some(Value::Object(properties)) = schema.get_mut("properties") else {
        return;
    };
    for property in properties.values_mut().filter_map(Value::as_object_mut) {
        let about = property.get("description").and_then(Value::as_str);
        if about.is_some_and(|about| about.starts_with("Default")) {
            property.remove("description");
        }
    }
}

/// Notes what every call takes beside what the form says, so that whoever misspells it is told.
pub(crate) fn mark_options(
    form: &mut Map<String, Value>,
    names: impl Iterator<Item = &'static str>,
) {
    form.insert(OPTIONS.into(), names.map(Value::from).collect());
}

/// The parameter that names the record which a call is about.
pub(crate) fn subject(form: &Map<String, Value>) -> Option<&str> {
    form.get(SUBJECT)?.as_str()
}

/// The table of the record whose custom attributes a call gives.
pub(crate) fn attributes_of(form: &Map<String, Value>) -> Option<&str> {
    property(form, "attributes")?.get(ATTRIBUTES_OF)?.as_str()
}

/// Whether a tool answers a record or rows, of which single fields can be asked for.
pub(crate) fn answers_records(output: &Map<String, Value>) -> bool {
    property(output, "data").is_some_and(|data| {
        data.get("type").is_some_and(|kind| kind == "array") || property(data, "id").is_some()
    })
}

/// Whether a value says nothing: what clients in strict mode send in every field that they would rather leave out.
pub(crate) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Finds the parameter that names the record which a call is about, and marks it: the one record that a call has to name.
pub(crate) fn mark_subject(form: &mut Map<String, Value>) {
    let names = form.get("required").and_then(Value::as_array);
    let names = names.into_iter().flatten().filter_map(Value::as_str);
    let is_kind = |table: &Value| *table != ANY_RECORD;
    let means_records = |name: &&str| {
        let schema = property(form, name);
        schema
            .is_some_and(|schema| schema.get(RECORD).is_some_and(is_kind) || lists_records(schema))
    };
    let mut subjects = names.filter(means_records);
    if let (Some(subject), None) = (subjects.next(), subjects.next())
        && table_of(form, subject).is_some()
    {
        let subject = Value::from(subject);
        form.insert(SUBJECT.into(), subject);
    }
}

/// The table of the record that a property names.
fn table_of<'a>(schema: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    property(schema, name)?.get(RECORD)?.as_str()
}

fn property<'a>(schema: &'a Map<String, Value>, name: &str) -> Option<&'a Map<String, Value>> {
    schema.get("properties")?.get(name)?.as_object()
}

fn lists_records(schema: &Map<String, Value>) -> bool {
    schema
        .get("items")
        .is_some_and(|items| items.get(RECORD).is_some())
}

/// The property that is meant by another name for a record: `company` by `company_id`, `contacts` by `contact_ids`, and the
/// one that names the record which the call is about by `id` too, or by what such a record is called.
fn known_as<'a>(schema: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    let subject = schema.get(SUBJECT).and_then(Value::as_str);
    let bare = name.strip_suffix("_id").unwrap_or(name);
    if name == "id" || subject.is_some_and(|subject| table_of(schema, subject) == Some(bare)) {
        return subject;
    }
    let properties = schema.get("properties")?.as_object()?;
    if let Some(many) = name.strip_suffix("_ids") {
        let is_it = |name: &str| name.strip_suffix('s') == Some(many);
        let mut known = properties.keys().map(String::as_str);
        return known.find(|name| is_it(name) && property(schema, name).is_some_and(lists_records));
    }
    // One of a list, said alone: `email` for `emails`.
    let is_list = |schema: &Value| schema.get("type").is_some_and(|kind| kind == "array");
    let list = properties.get_key_value(&format!("{name}s"));
    if let Some((list, _)) = list.filter(|(_, schema)| is_list(schema)) {
        return Some(list);
    }
    let (known, schema) = properties.get_key_value(bare)?;
    schema.get(RECORD).map(|_| known.as_str())
}

/// Where parameters mean records, as paths such as `lines`, `[]`, `product`, each with the record's table.
pub(crate) fn record_parameters(form: &Map<String, Value>) -> Vec<(Vec<String>, String)> {
    fn walk(schema: &Value, path: &[String], found: &mut Vec<(Vec<String>, String)>) {
        let inside = |step: &str| [path, &[step.to_owned()]].concat();
        if let Some(table) = schema.get(RECORD).and_then(Value::as_str) {
            found.push((path.to_owned(), table.to_owned()));
        }
        if let Some(items) = schema.get("items") {
            walk(items, &inside("[]"), found);
        }
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            walk(property, &inside(name), found);
        }
    }
    let mut found = Vec::new();
    walk(&Value::Object(form.clone()), &[], &mut found);
    found
}

/// A place in arguments where a record stands.
pub(crate) struct Place<'a> {
    /// As a JSON pointer.
    pub(crate) pointer: &'a str,
    /// The record's table.
    pub(crate) table: &'a str,
    /// What stands there.
    pub(crate) text: &'a str,
}

/// Shows every place of arguments, [read] by their form, where a record is named.
pub(crate) fn each_record<'a>(
    form: &'a Map<String, Value>,
    arguments: &'a Value,
    show: &mut impl FnMut(Place<'_>),
) {
    fn walk(
        schema: &Map<String, Value>,
        value: &Value,
        pointer: &mut String,
        show: &mut impl FnMut(Place<'_>),
    ) {
        let mut inside = |step: &str, schema: &Map<String, Value>, value: &Value| {
            let length = pointer.len();
            pointer.push('/');
            pointer.push_str(step);
            walk(schema, value, pointer, show);
            pointer.truncate(length);
        };
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    if let Some(schema) = property(schema, name) {
                        inside(name, schema, value);
                    }
                }
            }
            Value::Array(items) => {
                let Some(Value::Object(schema)) = schema.get("items") else {
                    return;
                };
                for (index, item) in items.iter().enumerate() {
                    inside(&index.to_string(), schema, item);
                }
            }
            Value::String(text) => {
                if let Some(table) = schema.get(RECORD).and_then(Value::as_str) {
                    show(Place {
                        pointer,
                        table,
                        text,
                    });
                }
            }
            _ => {}
        }
    }
    walk(form, arguments, &mut String::new(), show);
}

/// The schema of a whole answer around the schema of its data. The root's own description, which speaks of the
/// input or of a type, is dropped.
pub(crate) fn answer(mut data: Map<String, Value>, reads_only: bool) -> Map<String, Value> {
    data.remove("description");
    let mut properties = Map::new();
    let is_list = data.get("type").is_some_and(|kind| kind == "array");
    // What an answer leaves out when it is empty cannot be required.
    strip_required(&mut data);
    properties.insert("data".into(), Value::Object(data));
    if is_list {
        properties.insert(
            "page".into(),
            json!({ "type": "object", "properties": { "next": { "type": "string" }, "total": { "type": "integer" }, "more_than": { "type": "integer" } } }),
        );
        properties.insert("notices".into(), notices());
    }
    if !reads_only {
        properties.insert("change".into(), json!({ "type": "string" }));
    }
    let mut schema = Map::new();
    schema.insert("type".into(), "object".into());
    schema.insert("properties".into(), Value::Object(properties));
    schema
}

/// What a list says when it is not all there is, or not the newest.
fn notices() -> Value {
    let mut notice = wire(&schemars::schema_for!(Notice));
    strip_required(&mut notice);
    json!({ "type": "array", "items": notice })
}

fn strip_required(schema: &mut Map<String, Value>) {
    schema.remove("required");
    schema.remove("description");
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties
            .values_mut()
            .filter_map(Value::as_object_mut)
            .for_each(strip_required);
    }
    if let Some(Value::Object(items)) = schema.get_mut("items") {
        strip_required(items);
    }
}

/// Reads arguments against the wire form: what is absent as `null`, what came as text though it is structured, and
/// numbers and truth values in quotes are brought into form; what is missing, unknown or of a wrong type is an error.
///
/// # Errors
/// [`Code::Validation`](crate::error::Code::Validation) with the path of the first field that is wrong.
pub fn read(schema: &Map<String, Value>, arguments: Value) -> Result<Value> {
    coerce(schema, arguments, "")
}

fn coerce(schema: &Map<String, Value>, value: Value, path: &str) -> Result<Value> {
    let kind = schema
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let wrong = |found: &Value| {
        Err(Error::invalid(
            path,
            format!(
                "{} takes {}, not {}.",
                shown(path),
                article(kind),
                name_of(found)
            ),
        ))
    };
    let value = match kind {
        "object" => return coerce_object(schema, value, path),
        "array" => return coerce_array(schema, value, path),
        "integer" => match &value {
            Value::Number(number) if number.is_i64() => value,
            Value::Number(number) => match number.as_f64() {
                // 3.0 means 3; beyond 2^53 a float no longer says which whole number it means.
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "checked: whole, and within ±2^53"
                )]
                Some(float) if float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0 => {
                    json!(float as i64)
                }
                _ => {
                    return Err(Error::invalid(
                        path,
                        format!("{} is not a whole number in range.", shown(path)),
                    ));
                }
            },
            Value::String(text) => match text.trim().parse::<i64>() {
                Ok(number) => json!(number),
                Err(_) => return wrong(&value),
            },
            other => return wrong(other),
        },
        "number" => match &value {
            Value::Number(_) => value,
            Value::String(text) => match text.trim().parse::<f64>() {
                Ok(number) if number.is_finite() => json!(number),
                _ => return wrong(&value),
            },
            other => return wrong(other),
        },
        "boolean" => match &value {
            Value::Bool(_) => value,
            Value::String(text) if text.eq_ignore_ascii_case("true") => Value::Bool(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Value::Bool(false),
            other => return wrong(other),
        },
        "string" => match &value {
            Value::String(_) => value,
            Value::Number(number) => Value::String(number.to_string()),
            Value::Bool(flag) => Value::String(flag.to_string()),
            other => return wrong(other),
        },
        _ => value,
    };
    check_enum(schema, value, path)
}

fn check_enum(schema: &Map<String, Value>, value: Value, path: &str) -> Result<Value> {
    let Some(Value::Array(allowed)) = schema.get("enum") else {
        return Ok(value);
    };
    if allowed.contains(&value) {
        return Ok(value);
    }
    let names: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
    let Value::String(text) = &value else {
        return Err(Error::invalid(
            path,
            format!("{} takes one of: {}.", shown(path), names.join(", ")),
        ));
    };
    let plain = text.trim().to_lowercase().replace([' ', '-'], "_");
    if let Some(name) = names.iter().find(|name| **name == plain) {
        return Ok(Value::String((*name).to_owned()));
    }
    let error = Error::invalid(
        path,
        format!("{} takes one of: {}.", shown(path), names.join(", ")),
    );
    Err(match suggest(&plain, names.iter().copied()) {
        Some(name) => error.hint(format!("Did you mean {name}?")),
        None => error,
    })
}

fn coerce_array(schema: &Map<String, Value>, value: Value, path: &str) -> Result<Value> {
    let empty = Map::new();
    let schema = schema
        .get("items")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    // One element where a list is wanted: the list of it. Whoever gave no list is told of the field and not of a place in it.
    let only = |value| Ok(Value::Array(vec![coerce(schema, value, path)?]));
    let items = match unquoted(value, '[') {
        Value::Array(items) => items,
        Value::String(text) if !text.is_empty() => return only(Value::String(text)),
        Value::Object(object) => return only(Value::Object(object)),
        other => {
            return Err(Error::invalid(
                path,
                format!("{} takes a list, not {}.", shown(path), name_of(&other)),
            ));
        }
    };
    // No list that a person or a model writes is longer; what is, would only cost memory.
    const MAX_ITEMS: usize = 2_000;
    if items.len() > MAX_ITEMS {
        return Err(Error::invalid(
            path,
            format!(
                "{} has {} elements; at most {MAX_ITEMS} are read.",
                shown(path),
                items.len()
            ),
        ));
    }
    let (mut read, mut wrong) = (Vec::with_capacity(items.len()), Vec::new());
    for (index, item) in items.into_iter().enumerate() {
        match coerce(schema, item, &format!("{path}[{index}]")) {
            Ok(item) => read.push(item),
            Err(error) if wrong.len() < 10 => wrong.push(error),
            Err(_) => {}
        }
    }
    match Error::all(wrong) {
        Some(error) => Err(error),
        None => Ok(Value::Array(read)),
    }
}

fn coerce_object(schema: &Map<String, Value>, value: Value, path: &str) -> Result<Value> {
    let value = match (
        unquoted(value, '{'),
        schema
            .get("required")
            .and_then(Value::as_array)
            .map(Vec::as_slice),
    ) {
        // The one thing that has to be said, said alone: `"ada@example.com"` for `{"email": "ada@example.com"}`.
        (Value::String(text), Some([Value::String(only)])) if !path.is_empty() => {
            json!({ only.as_str(): text })
        }
        (value, _) => value,
    };
    let Value::Object(fields) = value else {
        return Err(Error::invalid(
            path,
            format!("{} takes an object.", shown(path)),
        ));
    };
    let empty = Map::new();
    let properties = schema
        .get("properties")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    if properties.is_empty() && !path.is_empty() {
        return Ok(Value::Object(fields));
    }
    let inside = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        }
    };
    let mut read = Map::with_capacity(fields.len());
    let mut wrong: Vec<Error> = Vec::new();
    for (given, value) in fields {
        let name = match properties.get(&given) {
            Some(_) => given.as_str(),
            None => known_as(schema, &given).unwrap_or(&given),
        };
        let Some(property) = properties.get(name).and_then(Value::as_object) else {
            wrong.push(unknown(&given, &inside(&given), schema));
            continue;
        };
        let is_no_number = property.contains_key(ZERO_IS_ABSENT) && value.as_f64() == Some(0.0);
        if is_nothing(&value) || is_no_number {
            continue;
        }
        let value = match coerce(property, value, &inside(name)) {
            Ok(value) => value,
            Err(error) => {
                wrong.push(error);
                // It is given, if not well.
                read.insert(name.to_owned(), Value::Null);
                continue;
            }
        };
        if read.insert(name.to_owned(), value).is_some() {
            let message = format!("{name} is given twice, by two names.");
            wrong.push(Error::invalid(inside(name), message).hint("Leave one of them out."));
        }
    }
    for name in schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        // What is written in another way is there, once that is mended.
        let meant = format!("Did you mean {name}?");
        let is_meant = wrong.iter().any(|error| error.hint_text() == Some(&meant));
        if !read.contains_key(name) && !is_meant {
            wrong.push(Error::invalid(
                inside(name),
                format!("{} is required.", inside(name)),
            ));
        }
    }
    match Error::all(wrong) {
        Some(error) => Err(error),
        None => Ok(Value::Object(read)),
    }
}

fn unknown(name: &str, path: &str, schema: &Map<String, Value>) -> Error {
    let properties = schema.get("properties").and_then(Value::as_object);
    let properties = properties.into_iter().flatten();
    let known: Vec<&str> = properties.map(|(name, _)| name.as_str()).collect();
    let options = schema.get(OPTIONS).and_then(Value::as_array);
    let options = options.into_iter().flatten().filter_map(Value::as_str);
    // What the caller wrote comes back shortened: it can be a megabyte.
    let short = |text: &str| visible(&text.chars().take(64).collect::<String>());
    let error = Error::invalid(short(path), format!("There is no field {:?}.", short(name)));
    match ends_of_ranges(name, known.iter().copied()).as_slice() {
        [] => {}
        [end] => return error.hint(format!("Did you mean {end}?")),
        ends => return error.hint(format!("Of which days? There are: {}.", ends.join(", "))),
    }
    match suggest(name, known.iter().copied().chain(options)) {
        Some(known) => error.hint(format!("Did you mean {known}?")),
        None if known.is_empty() => error.hint("This takes no fields."),
        None => error.hint(format!("Known fields: {}.", known.join(", "))),
    }
}

/// A list or object that arrived as the text of one.
fn unquoted(value: Value, opening: char) -> Value {
    match &value {
        Value::String(text) if text.trim_start().starts_with(opening) => {
            serde_json::from_str(text).unwrap_or(value)
        }
        _ => value,
    }
}

fn shown(path: &str) -> &str {
    if path.is_empty() { "the call" } else { path }
}

fn article(kind: &str) -> &'static str {
    match kind {
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        _ => "text",
    }
}

fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "this text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

thread_local! {
    /// The error that a type's own reading ended with, beside the text that serde carries.
    static REFUSED: Cell<Option<Error>> = const { Cell::new(None) };
}

/// Says to serde that a value is refused, with the error that says where in the value and what to do. serde carries nothing
/// but its text; [`parse_at`] gives it out whole.
pub fn refuse<E: serde::de::Error>(error: Error) -> E {
    let said = E::custom(error.message());
    REFUSED.set(Some(error));
    said
}

/// Turns arguments that were [read] into the tool's input. What a field's own type refuses is an error at that field's
/// path.
pub(crate) fn parse<T: DeserializeOwned>(arguments: Value) -> Result<T> {
    parse_at("", arguments)
}

/// The same for what stands at a path.
///
/// # Errors
/// [`Code::Validation`](crate::error::Code::Validation) with the path of what is wrong.
pub fn parse_at<T: DeserializeOwned>(path: &str, value: Value) -> Result<T> {
    REFUSED.take();
    serde_path_to_error::deserialize(value).map_err(|error| {
        let inner = error.path().to_string();
        let message = error.into_inner().to_string();
        let place = |inner: &str| match inner {
            "" | "." => path.to_owned(),
            inner if path.is_empty() || inner.starts_with('[') => format!("{path}{inner}"),
            inner => format!("{path}.{inner}"),
        };
        if let Some(refused) = REFUSED
            .take()
            .filter(|refused| refused.message() == message)
        {
            let place = place(&inner);
            let field = match refused.field_name() {
                None => place,
                Some(field) if place.is_empty() || field.starts_with('[') => {
                    format!("{place}{field}")
                }
                Some(field) => format!("{place}.{field}"),
            };
            return refused.field(field);
        }
        // What was sent is not said again: it may be long, or speak to whoever reads the answer.
        let repeats = [
            "unknown variant ",
            "invalid type: string ",
            "invalid value: string ",
        ];
        let message = match message.rsplit_once(", expected ") {
            Some((said, expected)) if repeats.iter().any(|start| said.starts_with(start)) => {
                format!("expected {expected}")
            }
            _ => message,
        };
        let field = place(&inner);
        let message = format!("{} {}.", shown(&field), message.trim_end_matches('.'));
        Error::invalid(field, message)
    })
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde::Deserialize;

    use super::*;

    /// A shape.
    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Shape {
        /// What it is called.
        title: String,
        size: Option<i64>,
        kind: Option<Kind>,
        inner: Option<Vec<Inner>>,
        open: Option<Map<String, Value>>,
        flag: Option<bool>,
    }
    #[derive(Deserialize, JsonSchema)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        /// Round.
        BigRound,
        /// With corners.
        Square,
    }
    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Inner {
        email: String,
    }

    fn schema() -> Map<String, Value> {
        wire(&schemars::schema_for!(Shape))
    }

    #[test]
    fn a_property_called_title_survives_the_trimming() {
        let schema = Value::Object(schema());
        assert_eq!(
            schema["properties"]["title"],
            json!({ "type": "string", "description": "What it is called" })
        );
        assert_eq!(
            schema["properties"]["kind"],
            json!({ "type": "string", "enum": ["big_round", "square"] })
        );
        assert_eq!(schema["properties"]["size"], json!({ "type": "integer" }));
        assert_eq!(
            schema["properties"]["inner"]["items"]["properties"]["email"],
            json!({ "type": "string" })
        );
        assert_eq!(schema["required"], json!(["title"]));
    }

    #[test]
    fn what_means_the_right_thing_is_taken() {
        let read = read(
            &schema(),
            json!({ "title": 7, "size": "3", "kind": "Big Round", "inner": "[{\"email\": \"a\"}]", "flag": "TRUE", "open": null }),
        );
        assert_eq!(
            read.unwrap(),
            json!({ "title": "7", "size": 3, "kind": "big_round", "inner": [{ "email": "a" }], "flag": true })
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_path() {
        for (arguments, field, hint) in [
            (json!({}), "title", ""),
            (json!({ "title": "x", "sise": 1 }), "sise", "size"),
            (json!({ "title": "x", "size": 1.5 }), "size", ""),
            (json!({ "title": "x", "size": 1e300 }), "size", ""),
            (json!({ "title": ["x"] }), "title", ""),
            (json!({ "title": "x", "kind": "sqare" }), "kind", "square"),
            (
                json!({ "title": "x", "inner": [{ "email": "a" }, { "mail": "b" }] }),
                "inner[1].mail",
                "email",
            ),
            // Whoever gave one and no list is not told of a place in it.
            (
                json!({ "title": "x", "inner": { "mail": "b" } }),
                "inner.mail",
                "email",
            ),
        ] {
            let error = read(&schema(), arguments.clone()).unwrap_err();
            assert_eq!(error.field_name(), Some(field), "{arguments}");
            assert!(
                error.hint_text().unwrap_or_default().contains(hint),
                "{arguments}: {error:?}"
            );
        }
    }
}
