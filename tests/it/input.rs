//! Bad input, generated from the schemas: for every tool and every field, whatever a client may send by mistake or on
//! purpose is a clear refusal that names the field. Never a fault of ours, and nothing written.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::Outcome;
use bureau_kernel::error::{Code, Error};
use bureau_kernel::option::CallOption;
use bureau_kernel::store::{Scope, sql};
use bureau_kernel::testing::{Engine, TestApp};
use bureau_kernel::tool::Entry;
use bureau_kernel::types::text::visible;
use serde_json::{Map, Value, json};

use crate::MODULES;
use crate::chosen::{Chosen, bare};
use crate::injection::define_everywhere;
use crate::modules::{creators, records, takes};

/// Characters that an error's message and hint may have together.
const MAX_MESSAGE: usize = 1_000;
/// Characters that a whole error may have, with the record that it may show.
const MAX_ERROR: usize = 5_000;

/// Values that a field is given whose like another tool has been given all of.
const PICKED: usize = 6;
/// The same for the options that every tool takes, which are read by one piece of code for all of them.
const PICKED_OF_OPTION: usize = 2;
/// Unknown names in a place like that.
const PICKED_NAMES: usize = 2;

/// A place in a tool's arguments.
#[derive(Clone)]
struct Field {
    path: Vec<String>,
    schema: Value,
    required: bool,
    /// Takes more than its type says, or less: what it answers to a value of the right type is its own business.
    free: bool,
}

impl Field {
    /// Whether it is one of the options that every tool takes.
    fn is_option(&self) -> bool {
        self.path.len() == 1 && self.free
    }

    /// Whether what says nothing is as good as leaving it out.
    fn may_say_nothing(&self) -> bool {
        !self.required && self.path.last().is_some_and(|step| step != FIRST)
    }

    /// What fields have in common that read what they are given alike: their name and their schema, whatever it says about them.
    fn like(&self, reads_only: bool) -> String {
        let name: Vec<&str> = self.path.iter().rev().map(String::as_str).collect();
        let name = match name.split_first() {
            Some((&FIRST, [list, ..])) => format!("{list}{FIRST}"),
            Some((name, _)) => (*name).to_owned(),
            None => String::new(),
        };
        let schema = bare(&self.schema);
        format!(
            "{name} {schema} {} {} {reads_only}",
            self.required, self.free
        )
    }
}

/// What one call is given in one field.
struct Payload {
    what: &'static str,
    value: Cow<'static, Value>,
    /// No such value can be right.
    wrong: bool,
}

/// A fresh workspace in which a tool's example can be run.
struct Ground {
    caller: Caller,
    example: Map<String, Value>,
    /// What the calls of one field start from.
    base: Map<String, Value>,
}

/// Identifiers of another workspace, by what they name.
type Foreign = BTreeMap<&'static str, String>;

/// Fields of numbers that are right below zero too: a task may begin before the one that it waits for is done.
const SIGNED: [&str; 1] = ["lag_days"];

/// Segment of a path that stands for the first element of a list.
const FIRST: &str = "[0]";

fn fields_of(schema: &Value, path: &[String], found: &mut Vec<Field>) {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let mut path = path.to_vec();
        path.push(name.clone());
        let required = required.iter().any(|other| other == name);
        add_field(
            Field {
                path,
                schema: property.clone(),
                required,
                free: false,
            },
            found,
        );
    }
}

fn add_field(field: Field, found: &mut Vec<Field>) {
    let (schema, mut path) = (field.schema.clone(), field.path.clone());
    let attributes = path.last().is_some_and(|name| name == "attributes");
    found.push(field);
    match schema["type"].as_str() {
        Some("object") if attributes => {
            for (kind, schema) in ATTRIBUTES {
                let mut path = path.clone();
                path.push(format!("a_{kind}"));
                let schema = serde_json::from_str(schema).unwrap();
                found.push(Field {
                    path,
                    schema,
                    required: false,
                    free: true,
                });
            }
        }
        Some("object") => fields_of(&schema, &path, found),
        Some("array") => {
            path.push(FIRST.into());
            add_field(
                Field {
                    path,
                    schema: schema["items"].clone(),
                    required: false,
                    // An object whose fields are the caller's own, such as a row of a table.
                    free: schema["items"]["type"] == "object"
                        && schema["items"].get("properties").is_none(),
                },
                found,
            );
        }
        _ => {}
    }
}

/// An attribute of each kind, with the schema that says the same.
const ATTRIBUTES: [(&str, &str); 6] = [
    ("text", r#"{"type": "string"}"#),
    ("number", r#"{"type": "number"}"#),
    ("bool", r#"{"type": "boolean"}"#),
    ("date", r#"{"type": "string"}"#),
    ("list", r#"{"type": "array", "items": {"type": "string"}}"#),
    ("object", r#"{"type": "object", "properties": {}}"#),
];

/// Every field of a tool, and the options that every tool takes.
fn all_fields(entry: &Entry) -> Vec<Field> {
    let mut found = Vec::new();
    fields_of(
        &Value::Object((*entry.wire().input_schema).clone()),
        &[],
        &mut found,
    );
    found.retain(|field| !CallOption::is_name(&field.path[0]));
    found.extend(CallOption::ALL.map(|option| Field {
        path: vec![option.name().into()],
        schema: option.form(),
        required: false,
        free: true,
    }));
    found
}

/// `emails[0].email`, as errors name it.
fn shown(path: &[String]) -> String {
    let mut text = String::new();
    for step in path {
        if step != FIRST && !text.is_empty() {
            text.push('.');
        }
        text.push_str(step);
    }
    text
}

/// Puts a value at a place, making what it stands in from the tool's own examples.
fn put(
    arguments: &mut Map<String, Value>,
    path: &[String],
    value: Value,
    samples: &BTreeMap<String, Value>,
) {
    let (top, rest) = path.split_first().unwrap();
    if rest.is_empty() {
        arguments.insert(top.clone(), value);
        return;
    }
    let empty = if rest[0] == FIRST {
        json!([])
    } else {
        json!({})
    };
    let sample = samples.get(top).cloned().unwrap_or(empty);
    put_into(arguments.entry(top.clone()).or_insert(sample), rest, value);
}

fn put_into(container: &mut Value, path: &[String], value: Value) {
    let Some((step, rest)) = path.split_first() else {
        *container = value;
        return;
    };
    if step == FIRST {
        if !container.is_array() {
            *container = json!([]);
        }
        let items = container.as_array_mut().unwrap();
        if items.is_empty() {
            items.push(Value::Null);
        }
        put_into(&mut items[0], rest, value);
    } else {
        match container {
            Value::Object(_) => {}
            // The short form of an object with one required field.
            Value::String(text) if step == "type" => {
                let name = if text.contains('@') { "email" } else { "phone" };
                *container = json!({ name: text });
            }
            _ => *container = json!({}),
        }
        put_into(&mut container[step.as_str()], rest, value);
    }
}

fn remove(arguments: &mut Map<String, Value>, path: &[String]) {
    let (last, parents) = path.split_last().unwrap();
    match parents.split_first() {
        None => {
            arguments.shift_remove(last);
        }
        Some((top, parents)) => {
            let mut place = arguments.get_mut(top);
            for step in parents {
                place = place.and_then(|place| {
                    if step == FIRST {
                        place.get_mut(0)
                    } else {
                        place.get_mut(step)
                    }
                });
            }
            if let Some(object) = place.and_then(Value::as_object_mut) {
                object.shift_remove(last);
            }
        }
    }
}

fn nested(depth: usize, of: impl Fn(Value) -> Value) -> Value {
    (0..depth).fold(json!("deep"), |inner, _| of(inner))
}

/// Values that take a while to make.
struct Large {
    ascii: Value,
    crabs: Value,
    zalgo: Value,
    lists: Value,
    objects: Value,
    text_of_lists: Value,
    text_of_objects: Value,
    ten_thousand: Value,
    nineteen_hundred: Value,
    equal: Value,
}

static LARGE: LazyLock<Large> = LazyLock::new(|| {
    let many = |count: usize| {
        (0..count)
            .map(|index| json!(format!("item {index}")))
            .collect::<Value>()
    };
    Large {
        ascii: json!("x".repeat(1 << 20)),
        crabs: json!("\u{1f980}".repeat(1 << 18)),
        zalgo: json!(format!("Z{}", "\u{334}\u{30d}\u{315}".repeat(3_000))),
        lists: nested(100, |inner| json!([inner])),
        objects: nested(100, |inner| json!({"a": inner})),
        text_of_lists: json!("[".repeat(100_000)),
        text_of_objects: json!("{\"a\":".repeat(50_000)),
        ten_thousand: many(10_000),
        nineteen_hundred: many(1_900),
        equal: json!(vec!["same"; 1_900]),
    }
});

/// What a field is given that says nothing.
const NO_TEXT: &str = "no text";
/// The same.
const WHITE_SPACE: &str = "white space";

/// What a field is given.
fn payloads(
    field: &Field,
    noun: Option<&str>,
    foreign: &Foreign,
    reads_only: bool,
) -> Vec<Payload> {
    let kind = field.schema["type"].as_str().unwrap_or_default();
    let (text, whole, number, truth, list, object) = (
        kind == "string",
        kind == "integer",
        kind == "integer" || kind == "number",
        kind == "boolean",
        kind == "array",
        kind == "object",
    );
    let choice = field.schema.get("enum").is_some();
    // An object of which one field is required can be given as that field.
    let short = field.schema["required"]
        .as_array()
        .is_some_and(|names| names.len() == 1);
    let mut all = Vec::new();
    let mut add = |what: &'static str, value: Value, wrong: bool| {
        let value = Cow::Owned(value);
        all.push(Payload { what, value, wrong });
    };

    add("null", Value::Null, field.required && !field.free);
    add("a list of numbers", json!([1, 2]), !list);
    let may_say_nothing = field.may_say_nothing();
    add("an empty list", json!([]), !list && !may_say_nothing);
    add("an object", json!({"no_such": 1}), !(field.free && object));
    add(
        "an empty object",
        json!({}),
        !(object || field.free && list || may_say_nothing),
    );
    add("true", json!(true), !(truth || text));
    add("5", json!(5), truth || list || object || choice);
    add(
        "words",
        json!("plain words"),
        number || truth || choice || (object && !short),
    );
    let no_text = !field.free || number || truth || object;
    let blank = no_text && !field.may_say_nothing();
    add(NO_TEXT, json!(""), blank);
    add(WHITE_SPACE, json!(" \t\n\u{a0}\u{3000}"), blank);
    let signed = field
        .path
        .last()
        .is_some_and(|name| SIGNED.contains(&name.as_str()));
    for value in [json!(-1), json!("-1")] {
        let wrong = number && !field.free && !signed || truth || choice;
        add("negative", value, wrong);
    }
    add(
        "negative beyond range",
        json!(i64::MIN),
        number && !field.free || truth || choice,
    );
    for value in ["NaN", "-nan", "Infinity", "-inf", "1e999", "0x10", "１２"] {
        add("no number", json!(value), number || truth || choice);
    }
    for value in [
        json!(10_i64.pow(18)),
        json!(i64::MAX),
        json!(u64::MAX),
        json!("999999999999999999999999"),
    ] {
        add(
            "beyond range",
            value,
            number && !field.free || truth || choice,
        );
    }
    add("1e300", json!(1e300), whole || truth || choice);
    add("half", json!(0.5), whole || truth || choice);
    add("tiny", json!(5e-324), whole || truth || choice);
    let wrong = number || truth || choice;
    for (what, values) in TEXTS {
        for value in *values {
            add(what, json!(value), wrong);
        }
    }
    for (entity, id) in foreign {
        if noun.is_none_or(|noun| noun != *entity) {
            add(
                "an id of something else",
                json!(id),
                wrong || noun.is_some(),
            );
            continue;
        }
        // A list by what is not there is empty.
        add("an id of another workspace", json!(id), !reads_only);
        let (prefix, digits) = id.split_once('_').unwrap();
        for bad in [
            format!("{prefix}_{}", "z".repeat(13)),
            format!("{prefix}_{}u", &digits[1..]),
            format!("{prefix}{digits}"),
            format!("{prefix}_{digits}0"),
            digits.to_owned(),
            format!("{id}' OR 1=1"),
        ] {
            add("no id", json!(bad), true);
        }
    }

    let mut add_large = |what: &'static str, value: &'static Value, wrong: bool| {
        let value = Cow::Borrowed(value);
        all.push(Payload { what, value, wrong });
    };
    let large = &*LARGE;
    add_large("1 MiB", &large.ascii, no_text);
    add_large("1 MiB of four-byte characters", &large.crabs, no_text);
    add_large("stacked marks", &large.zalgo, wrong);
    add_large("nested lists", &large.lists, !(list && field.free));
    add_large("nested objects", &large.objects, !(object && field.free));
    let brackets = "the text of nested lists or objects";
    add_large(brackets, &large.text_of_lists, no_text);
    add_large(brackets, &large.text_of_objects, no_text);
    add_large("a list of 10,000", &large.ten_thousand, true);
    add_large("a list of 1,900", &large.nineteen_hundred, !list);
    add_large("a list of 1,900 equal ones", &large.equal, !list);
    all
}

/// Texts that something could take for more than a text, by their kind.
const TEXTS: &[(&str, &[&str])] = &[
    (
        "SQL",
        &[
            "'; DROP TABLE contact; --",
            "\" OR \"\"=\"",
            "x' UNION SELECT hash FROM api_key --",
            "$1",
            "?1 :a @b",
        ],
    ),
    (
        "query syntax",
        &["%_\\%", "*) OR (title:*", "\"unclosed AND NOT [a TO"],
    ),
    ("a character that no text may have", &["a\u{0}b", "\u{0}"]),
    (
        "characters that nobody sees",
        &[
            "\u{feff}\u{200b}\u{2060}",
            "\u{202e}gnirts",
            "\u{e0041}\u{e0042}",
            "\u{ffff}\u{fdd0}",
        ],
    ),
    (
        "marks, ligatures and scripts",
        &[
            "e\u{301}\u{301}\u{301}\u{301}",
            "\u{301}",
            "İıſßΐﬁ",
            "שלום 日本語 العربية",
            "👩\u{200d}👩\u{200d}👧\u{fe0f}",
        ],
    ),
    (
        "a path, JSON or a template",
        &[
            "../../etc/passwd",
            "{\"a\": 1}",
            "[1, 2",
            "{{7*7}} ${7*7} %s %n",
        ],
    ),
];

/// How many rows there are in a workspace, and how often its records were changed.
async fn state(app: &TestApp, caller: &Caller) -> Vec<(String, i64)> {
    let workspace = caller.workspace.id;
    let logs = ["change_log", "record_key", "receipt"];
    let logs = logs.map(|table| (table, "COUNT(*)"));
    let records = app.dispatcher.registry().records().all();
    let records = records
        .iter()
        .map(|record| (record.table(), "COUNT(*) + COALESCE(SUM(version), 0)"));
    // One statement: this is asked after every call.
    let mut statement = sql("");
    for (index, (table, count)) in logs.into_iter().chain(records).enumerate() {
        if index > 0 {
            statement = statement.sql(" UNION ALL ");
        }
        statement = statement
            .sql("SELECT '")
            .sql(table)
            .sql("' AS name, CAST(")
            .sql(count)
            .sql(" AS BIGINT) AS n FROM ")
            .sql(table)
            .sql(" WHERE workspace = ")
            .value(workspace);
    }
    let app = app.dispatcher.app();
    let mut tx = app.store.read(Scope::System).await.unwrap();
    let rows = statement.rows(&mut tx).await.unwrap();
    tx.rollback().await;
    let mut numbers: Vec<(String, i64)> = rows
        .iter()
        .map(|row| (row.get("name").unwrap(), row.get("n").unwrap()))
        .collect();
    numbers.sort();
    numbers
}

/// Which values a field is given on one engine.
struct Choice {
    chosen: Chosen,
    engine: Engine,
    /// Fields that were given values of every kind.
    wholly: usize,
}

impl Choice {
    /// What is wrong with a value is decided before the engine is asked, so the second engine sees only what may be right.
    fn asks_engine(&self, wrong: bool) -> bool {
        !wrong || self.engine == Engine::Sqlite
    }

    fn payloads(
        &mut self,
        place: &str,
        field: &Field,
        like: String,
        mut all: Vec<Payload>,
    ) -> Vec<Payload> {
        all.retain(|payload| self.asks_engine(payload.wrong));
        if !self.chosen.wholly(like) {
            let count = match field.is_option() {
                true => PICKED_OF_OPTION,
                false => PICKED,
            };
            return self.chosen.pick(place, count, all);
        }
        self.wholly += 1;
        let of_a_kind = self.chosen.each.unwrap_or(1);
        let mut kinds: BTreeMap<&str, Vec<Payload>> = BTreeMap::new();
        for payload in all {
            kinds.entry(payload.what).or_default().push(payload);
        }
        let pick = |(what, kind)| {
            self.chosen
                .pick(&format!("{place} {what}"), of_a_kind, kind)
        };
        kinds.into_iter().flat_map(pick).collect()
    }
}

struct Run<'a> {
    app: &'a TestApp,
    entry: &'a Entry,
    samples: BTreeMap<String, Value>,
    foreign: Foreign,
    grounds: usize,
    /// A ground on which nothing was written yet, for the next field.
    clean: Option<Ground>,
    choice: &'a mut Choice,
    /// The state in which the ground is if nothing was written since it was looked at; empty where that is not known.
    before: Vec<(String, i64)>,
    /// The calls that were refused since.
    refused: Vec<String>,
    calls: usize,
    found: Vec<String>,
}

impl Run<'_> {
    /// Whether a field stands in an item that another field has to be in too, and no example has such an item.
    fn lacks_a_sibling(&self, field: &Field) -> bool {
        let [list, first, name] = field.path.as_slice() else {
            return false;
        };
        let items = &self.entry.wire().input_schema["properties"][list]["items"];
        let required = items["required"].as_array().into_iter().flatten();
        first == FIRST
            && !self.samples.contains_key(list)
            && required.clone().any(|other| other != name)
    }

    /// A ground for a field: the last one where nothing was written on it, else a new one.
    async fn ground(&mut self, field: &Field) -> Ground {
        let mut ground = match self.clean.take() {
            Some(ground) => ground,
            None => self.new_ground().await,
        };
        let example = ground.example.clone();
        ground.base = example;
        if field.path[0] == "query" {
            // A search has an order of its own.
            let base = &mut ground.base;
            base.retain(|name, _| !["sort", "descending"].contains(&name.as_str()));
        }
        ground
    }

    async fn new_ground(&mut self) -> Ground {
        self.grounds += 1;
        let tool = self.entry.spec.name;
        let slug = format!("{}-{}", tool.replace('_', "-"), self.grounds);
        let caller = self.app.tenant(&slug).await;
        if takes(self.entry, "attributes") {
            let names = ATTRIBUTES.map(|(kind, _)| (format!("a_{kind}"), kind));
            let attributes = names.each_ref().map(|(name, kind)| (name.as_str(), *kind));
            define_everywhere(self.app, &caller, &attributes).await;
        }
        let mut examples = self.app.example_arguments(&caller, tool).await;
        let example = examples.swap_remove(0);
        Ground {
            caller,
            base: example.clone(),
            example,
        }
    }

    /// Makes a call and notes what is wrong with its answer. Whether it succeeded.
    async fn call(
        &mut self,
        ground: &Ground,
        arguments: Map<String, Value>,
        field: &str,
        what: &str,
        wrong: bool,
    ) -> bool {
        self.calls += 1;
        let name = self.entry.spec.name;
        let reads_only = self.entry.spec.effect.reads_only();
        let may_write = !wrong && !reads_only && arguments.get("dry_run") != Some(&json!(true));
        if may_write {
            self.nothing_was_written(ground).await;
        }
        if self.before.is_empty() {
            self.before = state(self.app, &ground.caller).await;
        }
        let arguments = Value::Object(arguments);
        let outcome = self.app.outcome(&ground.caller, name, arguments).await;
        let called = format!("{name}: {field} given {what}");
        let fault = match &outcome {
            Outcome::Done(_) if wrong => Some("was accepted".to_owned()),
            Outcome::Done(_) => None,
            Outcome::Ask { .. } => Some("asked a person".to_owned()),
            // What may be given like that can come to something that a person is asked about.
            Outcome::Failed(error) if !wrong && error.code() == Code::ConfirmationRequired => None,
            Outcome::Failed(error) => fault_of(error, field),
        };
        self.found
            .extend(fault.map(|fault| format!("{called} {fault}")));
        match outcome {
            // What it wrote is its own business.
            Outcome::Done(_) => {
                if may_write || wrong {
                    self.nothing_is_known();
                }
                true
            }
            _ => {
                self.refused.push(called);
                false
            }
        }
    }

    /// Looks whether the calls that were refused since the last look have written anything.
    async fn nothing_was_written(&mut self, ground: &Ground) {
        let refused = std::mem::take(&mut self.refused);
        if refused.is_empty() {
            return;
        }
        let now = state(self.app, &ground.caller).await;
        if now != self.before {
            let (calls, before) = (refused.join(", "), &self.before);
            let fault = format!("one of {calls} wrote: {before:?} became {now:?}");
            self.found.push(fault);
        }
        self.before = now;
    }

    fn nothing_is_known(&mut self) {
        self.before.clear();
        self.refused.clear();
    }

    /// The noun of the record that this field takes an id of, if it takes one.
    async fn noun(&self, ground: &Ground, field: &Field) -> Option<String> {
        let mut arguments = ground.base.clone();
        put(
            &mut arguments,
            &field.path,
            json!("plain words"),
            &self.samples,
        );
        arguments.insert("dry_run".into(), true.into());
        match self
            .app
            .outcome(
                &ground.caller,
                self.entry.spec.name,
                Value::Object(arguments),
            )
            .await
        {
            Outcome::Failed(error) => {
                // Of what people call something it is known that nobody is called so.
                let message = error.message();
                let (begin, end) = match message.contains("There is no such ") {
                    true => ("There is no such ", " here"),
                    false => ("expected a ", " id"),
                };
                let (_, rest) = message.split_once(begin)?;
                let noun = rest.split_once(end)?.0;
                // Where any may be meant, the id of each is one.
                (noun != "record").then(|| noun.to_owned())
            }
            _ => None,
        }
    }

    async fn field(&mut self, field: &Field) {
        let mut ground = self.ground(field).await;
        let name = shown(&field.path);
        let is_text = field.schema["type"] == "string" && field.schema.get("enum").is_none();
        let noun = if is_text {
            self.noun(&ground, field).await
        } else {
            None
        };
        let reads_only = self.entry.spec.effect.reads_only();
        let mut written = false;
        let place = format!("{} {name}", self.entry.spec.name);
        let like = format!("{} {noun:?}", field.like(reads_only));
        let all = payloads(field, noun.as_deref(), &self.foreign, reads_only);
        let mut all = self.choice.payloads(&place, field, like, all);
        for Payload { what, value, wrong } in &mut all {
            // No other text is an id.
            let is_none = field.may_say_nothing() && [NO_TEXT, WHITE_SPACE].contains(what);
            let is_id = what.starts_with("an id") || is_none;
            *wrong |= noun.is_some() && value.is_string() && !is_id;
        }
        // What is wrong comes first: one look at the ground then tells that none of it has written anything.
        all.sort_by_key(|payload| !payload.wrong);
        for Payload { what, value, wrong } in all {
            let shown_value: String = value.to_string().chars().take(60).collect();
            let mut arguments = ground.base.clone();
            put(
                &mut arguments,
                &field.path,
                value.into_owned(),
                &self.samples,
            );
            // One success for each field is written; the others are tried, so that the ground stays as it is.
            if !wrong && written && !field.is_option() {
                arguments.insert("dry_run".into(), true.into());
            }
            let tried = arguments.get("dry_run") == Some(&json!(true));
            let what = format!("{what} ({shown_value})");
            if self.call(&ground, arguments, &name, &what, wrong).await && !reads_only && !tried {
                written = true;
                ground = self.ground(field).await;
            }
        }
        if field.required && self.choice.asks_engine(true) {
            let mut arguments = ground.base.clone();
            let (_, parents) = field.path.split_last().unwrap();
            if !parents.is_empty() {
                // The short form has nothing that could be left out.
                put(&mut arguments, &field.path, json!("x"), &self.samples);
            }
            remove(&mut arguments, &field.path);
            if self.call(&ground, arguments, &name, "nothing", true).await {
                ground = self.ground(field).await;
            }
        }
        if field.schema["properties"]
            .as_object()
            .is_some_and(|properties| !properties.is_empty())
        {
            self.unknown(&ground, &field.path).await;
        }
        self.nothing_was_written(&ground).await;
        self.clean = Some(ground);
    }

    async fn unknown(&mut self, ground: &Ground, path: &[String]) {
        if !self.choice.asks_engine(true) {
            return;
        }
        let long = "x".repeat(1 << 20);
        let mut names = vec![
            "no_such_field",
            "",
            "naem",
            "__proto__",
            "a\u{0}b\u{202e}",
            &long,
        ];
        let parent = path.last().map_or("", String::as_str);
        let chosen = &mut self.choice.chosen;
        if !chosen.wholly(format!("unknown in {parent}")) {
            let place = format!("{} {} unknown", self.entry.spec.name, shown(path));
            names = chosen.pick(&place, PICKED_NAMES, names);
        }
        for unknown in names {
            let mut arguments = ground.base.clone();
            let mut path = path.to_vec();
            path.push(unknown.to_owned());
            // It comes back shortened, and without what nobody sees.
            let named: String = visible(&shown(&path)).chars().take(64).collect();
            put(&mut arguments, &path, json!("x"), &self.samples);
            self.call(ground, arguments, &named, "an unknown name", true)
                .await;
        }
    }
}

/// What is wrong with a refusal.
fn fault_of(error: &Error, field: &str) -> Option<String> {
    let named = error.field_name().unwrap_or_default();
    let clear = match error.code() {
        // Both ways: what is wrong in an element may be wrong with the list.
        Code::Validation | Code::NotFound => {
            named.starts_with(field) || !named.is_empty() && field.starts_with(named)
        }
        Code::Conflict => true,
        Code::ConfirmationRequired => field.starts_with("confirm"),
        _ => false,
    };
    let length =
        error.message().chars().count() + error.hint_text().map_or(0, |hint| hint.chars().count());
    let whole = error.to_json().to_string().chars().count();
    if !clear {
        Some(format!("ended with {error:?}"))
    } else if length > MAX_MESSAGE || whole > MAX_ERROR {
        Some(format!("was answered with {length} of {whole} characters"))
    } else if error.to_json().to_string().contains("DROP TABLE") && error.code() != Code::Validation
    {
        Some("was repeated in the answer".to_owned())
    } else {
        None
    }
}

async fn another_workspace(app: &TestApp) -> Foreign {
    let other = app.tenant("another").await;
    let mut foreign = BTreeMap::from([
        ("member", other.member.to_string()),
        ("workspace", other.workspace.id.to_string()),
    ]);
    for entry in creators(app) {
        let example = app.example_arguments(&other, entry.spec.name).await;
        let example = Value::Object(example[0].clone());
        let made = app.ok(&other, entry.spec.name, example).await;
        foreign.insert("change", made["change"].as_str().unwrap().to_owned());
    }
    for (noun, ids) in records(app, &other).await {
        foreign.insert(noun, ids[0].clone());
    }
    foreign
}

async fn every_field_of_every_tool(engine: Engine) {
    let app = TestApp::new(engine, MODULES).await;
    let foreign = another_workspace(&app).await;
    // A tool's own, and where it has none those of others that take something of the same name.
    let mut samples = BTreeMap::new();
    let mut own: BTreeMap<&str, BTreeMap<String, Value>> = BTreeMap::new();
    for entry in app.dispatcher.registry().entries() {
        let caller = app
            .tenant(&format!("{}-samples", entry.spec.name.replace('_', "-")))
            .await;
        for arguments in app.example_arguments(&caller, entry.spec.name).await {
            let lists = arguments.into_iter().filter(|(_, value)| value.is_array());
            let lists: BTreeMap<String, Value> = lists.collect();
            own.entry(entry.spec.name)
                .or_default()
                .extend(lists.clone());
            samples.extend(lists);
        }
    }
    let (mut found, mut calls, mut visited) = (Vec::new(), 0, 0);
    let mut choice = Choice {
        chosen: Chosen::new(),
        engine,
        wholly: 0,
    };
    let only = std::env::var("BUREAU_INPUT_TOOLS").unwrap_or_default();
    let is_wanted =
        |entry: &&Entry| only.is_empty() || only.split(',').any(|name| name == entry.spec.name);
    for entry in app.dispatcher.registry().entries().filter(is_wanted) {
        let (mut samples, foreign) = (samples.clone(), foreign.clone());
        samples.extend(own.get(entry.spec.name).cloned().unwrap_or_default());
        let mut run = Run {
            app: &app,
            entry,
            samples,
            foreign,
            grounds: 0,
            clean: None,
            choice: &mut choice,
            before: Vec::new(),
            refused: Vec::new(),
            calls: 0,
            found: Vec::new(),
        };
        let fields = all_fields(entry);
        let places: BTreeSet<String> = fields.iter().map(|field| shown(&field.path)).collect();
        assert_eq!(places.len(), fields.len());
        let tried = fields.iter().filter(|field| !run.lacks_a_sibling(field));
        for field in tried.collect::<Vec<_>>() {
            run.field(field).await;
        }
        visited += fields.len();
        let ground = run.ground(&fields[0]).await;
        run.unknown(&ground, &[]).await;
        // The valid call that all of these started from is valid still.
        let base = ground.base.clone();
        run.nothing_was_written(&ground).await;
        assert!(
            run.call(&ground, base, "", "its example", false).await,
            "{:?}",
            run.found
        );
        found.append(&mut run.found);
        calls += run.calls;
    }
    assert!(
        calls > 1_000 || !only.is_empty(),
        "only {calls} calls were made"
    );
    let count = found.len();
    found.truncate(60);
    let wholly = choice.wholly;
    println!("{calls} calls on {engine:?}, {visited} fields, {wholly} of them with all");
    assert!(
        found.is_empty(),
        "{count} of {calls} calls on {engine:?}:\n{}",
        found.join("\n")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_by_name_on_sqlite() {
    every_field_of_every_tool(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_by_name_on_postgres() {
    every_field_of_every_tool(Engine::Postgres).await;
}

/// Base64 for URLs, without padding: what cursors are written in.
fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, at| {
            (bits << 8) | u32::from(chunk.get(at).copied().unwrap_or(0))
        });
        let digits = (0..=chunk.len()).map(|place| (bits >> (18 - 6 * place)) & 63);
        text.extend(digits.map(|digit| char::from(ALPHABET[digit as usize])));
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_cursor_is_refused_or_opens_a_page() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        for name in ["Ada", "Grace", "Alan"] {
            app.ok(&owner, "create_contact", json!({"name": name}))
                .await;
        }
        // The test's own cursors are cursors.
        let page = app.ok(&owner, "search_contacts", json!({"limit": 1})).await;
        let first = page["data"][0]["id"].as_str().unwrap();
        let (_, number) = bureau_kernel::types::id::decode(first).unwrap();
        let name = page["data"][0]["name"].as_str().unwrap().to_lowercase();
        let own = base64url(json!(["name", name, number]).to_string().as_bytes());
        assert_eq!(page["page"]["next"], own.as_str());

        let (mut opened, mut refused) = (0, 0);
        let keys = [
            "",
            "a",
            "\u{0}",
            "a\u{0}b",
            "0",
            "-1",
            "9223372036854775807",
            "-9223372036854775808",
            "9e99",
            "NaN",
            "253402300800000000",
            "-62167219200000001",
            "'; DROP TABLE contact; --",
            "\u{10ffff}",
        ];
        for order in [
            "name",
            "-name",
            "created_at",
            "-created_at",
            "updated_at",
            "score",
            "-score",
            "relevance",
            "position",
            "-position",
            "id; --",
            "",
        ] {
            for key in keys {
                for number in [0, 1, -1, 999, i64::MAX, i64::MIN] {
                    let cursor = base64url(json!([order, key, number]).to_string().as_bytes());
                    let (tool, mut arguments) = match order {
                        "relevance" => ("search_contacts", json!({"query": "a"})),
                        "position" => ("list_changes", json!({"oldest_first": true})),
                        "-position" => ("list_changes", json!({})),
                        _ => {
                            let sort = order.trim_start_matches('-');
                            let sort =
                                if ["name", "created_at", "updated_at", "score"].contains(&sort) {
                                    sort
                                } else {
                                    "name"
                                };
                            (
                                "search_contacts",
                                json!({"sort": sort, "descending": order.starts_with('-')}),
                            )
                        }
                    };
                    arguments["cursor"] = cursor.into();
                    match app.outcome(&owner, tool, arguments).await {
                        Outcome::Done(_) => opened += 1,
                        Outcome::Failed(error) => {
                            refused += 1;
                            assert_eq!(
                                fault_of(&error, "cursor"),
                                None,
                                "{order:?} {key:?} {number} on {engine:?}"
                            );
                        }
                        Outcome::Ask { .. } => panic!("a list asks nobody"),
                    }
                }
            }
        }
        assert!(
            opened > 100 && refused > 100,
            "{opened} opened, {refused} refused"
        );
    }
}
