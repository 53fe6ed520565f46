//! Every tool as clients see it: nothing that any client in the field breaks on, nothing changed unnoticed.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bureau_kernel::caller::ConfirmPolicy;
use bureau_kernel::option::{self, Audience, CallOption};
use bureau_kernel::permission::Covers;
use bureau_kernel::permission::{Grants, Operation};
use bureau_kernel::registry::{Registry, Selection};
use bureau_kernel::resource::Resource;
use bureau_kernel::tool::{Declared, Effect, Entry, WireForm};
use serde_json::{Map, Value, json};

use crate::MODULES;

/// Tools that one client in the field takes at most, so no more are on by default or in what is installed.
const MAX_TOOLS: usize = 128;
/// Characters of a parameter's description.
const MAX_PARAMETER: usize = 40;
/// What a schema may say. Anything else kills the session in some client, or costs tokens and is checked anyway.
const KEYWORDS: [&str; 6] = [
    "type",
    "description",
    "properties",
    "required",
    "items",
    "enum",
];
/// What a permission begins with. The preset `read-only` grants all that begin with `read`.
const VERBS: [&str; 13] = [
    "read", "create", "update", "delete", "record", "send", "issue", "undo", "manage", "approve",
    "run", "import", "export",
];

/// All tools that are compiled in, all of them on.
pub(crate) fn registry() -> Arc<Registry> {
    let selection = Selection {
        features: vec!["all".into()],
        ..Selection::default()
    };
    let registry = Registry::new(MODULES, &selection).unwrap();
    registry.check_arguments().unwrap();
    registry
}

/// The project's folder.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(file!()).canonicalize().unwrap();
    here.ancestors().nth(3).unwrap().to_owned()
}

/// A tool as `tools/list` gives it, with everything that it can contain.
pub(crate) fn listed(wire: &WireForm) -> Value {
    serde_json::to_value(bureau::server::tool(wire, true)).unwrap()
}

fn is_name(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// The words of a text, without case and punctuation.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// What is wrong with a listed tool.
fn faults(tool: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let name = tool["name"].as_str().unwrap_or_default();
    if !is_name(name, 32)
        || !name.starts_with(|c: char| c.is_ascii_lowercase())
        || !name.contains('_')
    {
        found.push("its name is not verb_noun in at most 32 of [a-z0-9_]".to_owned());
    }
    let title = tool["annotations"]["title"].as_str().unwrap_or_default();
    if title.is_empty() || title.chars().count() > 40 || title == name {
        found.push(format!("its title is {title:?}"));
    }
    let description = tool["description"].as_str().unwrap_or_default();
    if description.is_empty() || description.chars().count() > 80 {
        found.push("its description has not 1 to 80 characters".into());
    }
    let said = description.to_lowercase();
    let filler = [
        "this tool",
        "use this",
        "e.g.",
        "for example",
        "please",
        "allows you",
    ];
    if let Some(filler) = filler.iter().find(|filler| said.contains(**filler)) {
        found.push(format!("its description says {filler:?}"));
    }
    // What the protocol takes for granted, and what means nothing where a tool only reads, is not said.
    let hints = &tool["annotations"];
    let reads = hints["readOnlyHint"] == true;
    for (hint, granted, is_void) in [
        ("readOnlyHint", false, false),
        ("destructiveHint", true, reads),
        ("idempotentHint", false, reads),
        ("openWorldHint", true, false),
    ] {
        match &hints[hint] {
            Value::Null => {}
            Value::Bool(said) if *said != granted && !is_void => {}
            said => found.push(format!("its {hint} is {said}")),
        }
    }
    for side in ["inputSchema", "outputSchema"] {
        if tool[side]["type"] != "object" || !tool[side]["properties"].is_object() {
            found.push(format!("{side} is no object with properties"));
        }
        schema_faults(&tool[side], side, &mut found);
    }
    if tool["outputSchema"]["properties"]["data"]["type"].is_null() {
        found.push("outputSchema does not say what data is".into());
    }
    if tool["inputSchema"].get("description").is_some() {
        found.push("inputSchema describes the tool a second time".into());
    }
    let declares = |option: &str| tool["inputSchema"]["properties"].get(option).is_some();
    if declares("dry_run") == reads {
        found.push("it writes and cannot be tried, or the other way round".into());
    }
    let destroys = !reads && hints["destructiveHint"] != false;
    if destroys && !declares("confirm") || declares("confirm") != declares("confirm_token") {
        found.push("a person is asked, and the answer is not declared".into());
    }
    found
}

fn schema_faults(schema: &Value, path: &str, found: &mut Vec<String>) {
    let Some(schema) = schema.as_object() else {
        found.push(format!("{path} is a bare {schema}"));
        return;
    };
    for keyword in schema.keys().filter(|k| !KEYWORDS.contains(&k.as_str())) {
        found.push(format!("{path} says {keyword}"));
    }
    let kind = match schema.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        other => {
            found.push(format!("{path} has the type {other:?}"));
            return;
        }
    };
    if !["object", "array", "string", "integer", "number", "boolean"].contains(&kind) {
        found.push(format!("{path} has the type {kind}"));
    }
    if (kind == "array") != schema.contains_key("items") {
        found.push(format!(
            "{path} is {kind}, and its items are {:?}",
            schema.get("items")
        ));
    }
    // An object of any content names no properties, and never an empty set of them.
    let named = schema.get("properties").and_then(Value::as_object);
    let root = ["inputSchema", "outputSchema"].contains(&path);
    if named.is_some_and(|named| kind != "object" || named.is_empty() && !root) {
        found.push(format!(
            "{path} is {kind}, and has properties or lacks them"
        ));
    }
    if let Some(items) = schema.get("items") {
        schema_faults(items, &format!("{path}[]"), found);
    }
    if let Some(values) = schema.get("enum") {
        let values = values.as_array().cloned().unwrap_or_default();
        let texts: BTreeSet<&str> = values.iter().filter_map(Value::as_str).collect();
        if kind != "string" || texts.is_empty() || texts.len() != values.len() {
            found.push(format!("{path} chooses among {values:?}"));
        }
    }
    let empty = Map::new();
    let properties = schema
        .get("properties")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    for (name, property) in properties {
        let inside = format!("{path}.{name}");
        if name.is_empty()
            || name.len() > 64
            || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        {
            found.push(format!("{inside} is no name for a property"));
        }
        if let Some(text) = property.get("description") {
            let text = text.as_str().unwrap_or_default();
            if text.is_empty() || text.chars().count() > MAX_PARAMETER && path.starts_with("input")
            {
                found.push(format!(
                    "{inside} has a description of {} characters",
                    text.chars().count()
                ));
            }
            if words(text) == words(name) {
                found.push(format!("{inside} repeats its name as its description"));
            }
            if words(text).iter().any(|word| word == "example") {
                found.push(format!("{inside} gives an example"));
            }
        }
        schema_faults(property, &inside, found);
    }
    if let Some(required) = schema.get("required") {
        let names = required.as_array().cloned().unwrap_or_default();
        if names.is_empty()
            || names.iter().any(|name| {
                name.as_str()
                    .is_none_or(|name| !properties.contains_key(name))
            })
        {
            found.push(format!("{path} requires {required}"));
        }
    }
}

#[test]
fn every_client_can_read_every_tool() {
    let registry = registry();
    let mut found = Vec::new();
    for entry in registry.entries() {
        let tool = listed(entry.wire());
        found.extend(
            faults(&tool)
                .into_iter()
                .map(|fault| format!("{}: {fault}", entry.spec.name)),
        );
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn each_kind_of_fault_is_found() {
    let registry = registry();
    let good = registry.entry("create_contact").unwrap();
    let good = listed(good.wire());
    assert_eq!(faults(&good), Vec::<String>::new());
    let property = |schema: Value| ("/inputSchema/properties/x", schema);
    for (pointer, value) in [
        ("/name", json!("Create-Contact")),
        ("/name", json!("create_a_contact_with_a_very_long_name")),
        ("/name", json!("create")),
        ("/annotations/title", json!("")),
        ("/description", json!("")),
        ("/description", json!("x".repeat(81))),
        ("/description", json!("Use this tool to create a contact.")),
        ("/annotations/openWorldHint", json!(true)),
        ("/annotations/readOnlyHint", json!(false)),
        ("/annotations/destructiveHint", json!(true)),
        ("/annotations/destructiveHint", Value::Null),
        ("/inputSchema/type", json!("array")),
        ("/inputSchema/properties", Value::Null),
        (
            "/inputSchema/$schema",
            json!("http://json-schema.org/draft-07/schema#"),
        ),
        ("/inputSchema/$defs", json!({})),
        ("/inputSchema/oneOf", json!([])),
        ("/inputSchema/anyOf", json!([])),
        ("/inputSchema/allOf", json!([])),
        ("/inputSchema/required", json!(["nothing"])),
        ("/inputSchema/required", json!([])),
        ("/inputSchema/description", json!("A new contact")),
        (
            "/inputSchema/properties/confirm",
            json!({"type": "boolean"}),
        ),
        (
            "/inputSchema/properties/no-name",
            json!({"type": "boolean"}),
        ),
        ("/outputSchema/type", json!("array")),
        ("/outputSchema/properties/data", json!(true)),
        property(json!(true)),
        property(json!({})),
        property(json!({"$ref": "#/$defs/X"})),
        property(json!({"type": ["string", "null"]})),
        property(json!({"type": "string", "nullable": true})),
        property(json!({"type": "integer", "format": "int64"})),
        property(json!({"type": "integer", "minimum": 0})),
        property(json!({"type": "array"})),
        property(json!({"type": "array", "items": true})),
        property(json!({"type": "array", "items": {"type": "null"}})),
        property(json!({"type": "object", "properties": {}})),
        property(json!({"type": "string", "properties": {"a": {"type": "string"}}})),
        property(json!({"type": "string", "enum": []})),
        property(json!({"type": "string", "enum": ["a", null]})),
        property(json!({"type": "string", "description": "x".repeat(41)})),
        property(json!({"type": "string", "description": "The x"})),
        property(json!({"type": "string", "description": "X"})),
    ] {
        let mut bad = good.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = bad.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        parent.insert(name.to_owned(), value.clone());
        let said = value.get("description").and_then(Value::as_str);
        let harmless = said == Some("The x");
        assert_eq!(faults(&bad).is_empty(), harmless, "{pointer} = {value}");
    }
}

#[test]
fn what_a_tool_says_follows_from_its_effect() {
    for entry in registry().entries() {
        let (name, effect, wire) = (entry.spec.name, entry.spec.effect, entry.wire());
        assert_eq!(wire.read_only, effect == Effect::Reads, "{name}");
        let may_remove = entry.spec.may_ask && effect != Effect::Adds;
        let destructive = matches!(effect, Effect::Removes | Effect::Sends) || may_remove;
        assert_eq!(wire.destructive, destructive, "{name}");
        assert_eq!(wire.open_world, effect == Effect::Sends, "{name}");
        let repeatable = !matches!(effect, Effect::Adds | Effect::Sends);
        assert_eq!(wire.idempotent, repeatable, "{name}");
        let change = wire.output_schema["properties"].get("change").is_some();
        assert_eq!(
            change,
            effect != Effect::Reads,
            "{name} answers a change if it writes"
        );
        let properties = wire.input_schema["properties"].as_object().unwrap();
        if properties.contains_key("cursor") {
            assert!(
                properties.contains_key("limit"),
                "{name} takes a cursor and no limit"
            );
            assert_eq!(
                wire.output_schema["properties"]["data"]["type"], "array",
                "{name}"
            );
        }
        let sends = effect == Effect::Sends;
        assert!(
            !sends || entry.spec.irreversible.is_some(),
            "{name} cannot be called back and does not say what to do"
        );
    }
}

#[test]
fn options_are_declared_where_they_do_something() {
    let as_seen = |entry: &Entry, confirm, has_others| {
        let audience = Audience {
            confirm,
            has_others,
            attributes: Arc::default(),
        };
        option::listed(entry, &audience)
    };
    let mut with_version = 0;
    for entry in registry().entries() {
        let (name, effect) = (entry.spec.name, entry.spec.effect);
        let writes = effect != Effect::Reads;
        for (policy, asks) in [
            (ConfirmPolicy::Never, false),
            (ConfirmPolicy::Destructive, entry.spec.asks()),
            (ConfirmPolicy::Writes, writes),
        ] {
            for has_others in [false, true] {
                let seen = as_seen(entry, policy, has_others);
                let properties = seen.input_schema["properties"].as_object().unwrap();
                let declares = |option: &str| properties.contains_key(option);
                assert_eq!(declares("dry_run"), writes, "{name}");
                assert_eq!(declares("confirm"), asks, "{name} {policy:?}");
                assert_eq!(declares("confirm_token"), asks, "{name} {policy:?}");
                assert_eq!(declares("workspace"), writes && has_others, "{name}");
                assert_eq!(
                    declares("idempotency_key"),
                    effect == Effect::Adds,
                    "{name}"
                );
                assert!(!declares("version") || writes, "{name}");
                assert!(!declares("attributes"), "{name}: none is defined here");
                with_version += usize::from(declares("version"));
            }
        }
        let data = &entry.wire().output_schema["properties"]["data"];
        let answers_records = data["type"] == "array" || data["properties"].get("id").is_some();
        let fields = entry.wire().input_schema["properties"].get("fields");
        assert_eq!(fields.is_some(), !writes && answers_records, "{name}");
    }
    assert!(with_version > 6 * 10, "{with_version}");
}

#[test]
fn every_tool_has_an_example_of_its_own_making() {
    for entry in registry().entries() {
        let name = entry.spec.name;
        assert!(!entry.examples.is_empty(), "{name} has no example");
        for example in entry.examples {
            assert!(
                example.title.contains(' '),
                "{name}: {:?} is not what a person asks",
                example.title
            );
            assert!(
                !example.expect.is_empty(),
                "{name}: {:?} expects nothing",
                example.title
            );
            assert!(
                !example.arguments.contains("null"),
                "{name}: an example leaves out what it does not say"
            );
        }
    }
}

#[test]
fn tables_are_alphabetical_and_names_are_taken_once() {
    let mut modules = BTreeSet::new();
    let mut tools = BTreeSet::new();
    let mut titles = BTreeSet::new();
    for module in MODULES {
        assert!(
            is_name(module.name, 20) && modules.insert(module.name),
            "{}",
            module.name
        );
        assert!(
            (1..=80).contains(&module.about.chars().count()),
            "{}",
            module.name
        );
        let entries: Vec<Entry> = module.tools.iter().map(|make| make()).collect();
        let names: Vec<&str> = entries.iter().map(|entry| entry.spec.name).collect();
        assert!(names.is_sorted(), "{}: {names:?}", module.name);
        for entry in &entries {
            assert!(tools.insert(entry.spec.name), "{}", entry.spec.name);
            assert!(titles.insert(entry.spec.title), "{}", entry.spec.title);
        }
    }
    let on = MODULES
        .iter()
        .filter(|module| module.on_by_default || module.is_installed);
    assert!(on.map(|module| module.tools.len()).sum::<usize>() <= MAX_TOOLS);
}

#[test]
fn prefixes_are_letters_and_taken_once() {
    let mut taken = BTreeSet::from(["wsp", "mem", "key", "chg"]);
    for record in registry().records().all() {
        let prefix = record.prefix();
        assert!(
            (2..=4).contains(&prefix.len()) && prefix.bytes().all(|b| b.is_ascii_lowercase()),
            "{prefix}"
        );
        assert!(taken.insert(prefix), "{prefix} is taken");
        assert!(is_name(record.table(), 40), "{}", record.table());
    }
}

#[test]
fn permissions_are_verb_and_noun_and_reading_is_what_the_read_only_preset_grants() {
    let registry = registry();
    let known = registry.permissions();
    let read_only = Grants::parse(["read-only"], &known).unwrap();
    for entry in registry.entries() {
        let permission = entry.spec.permission.name();
        let (verb, noun) = permission.split_once('_').unwrap_or_default();
        assert!(VERBS.contains(&verb) && is_name(noun, 40), "{permission}");
        // An answer to what was read goes by the permission to read it.
        let reads = entry.spec.effect == Effect::Reads || entry.spec.is_for_readers;
        assert_eq!(
            read_only.allow(entry.spec.permission),
            reads,
            "{}: {permission}",
            entry.spec.name
        );
    }
}

/// A change of any tool's wire form shows in review. `INSTA_UPDATE=always cargo test catalogue::` takes it over.
#[test]
fn every_wire_form_is_as_it_was_reviewed() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots/tools");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let mut names = BTreeSet::new();
    for entry in registry().entries() {
        names.insert(format!("{}.snap", entry.spec.name));
        settings.bind(|| insta::assert_json_snapshot!(entry.spec.name, listed(entry.wire())));
    }
    let folder = root().join("tests/it/snapshots/tools");
    let kept: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(kept, names, "one file for each tool, and none besides");
}

/// A server does not ask the types of its tools at each start: the program brings along what clients are told of them.
/// `BUREAU_UPDATE_DOCS=1 cargo test --test it catalogue::` writes it anew.
#[test]
fn what_the_program_brings_along_of_its_tools_is_what_their_types_say() {
    for module in bureau::MODULES {
        let mut derived = String::new();
        for make in module.tools {
            let entry = make();
            let line = serde_json::to_string(&entry.derived()).unwrap();
            let read = Declared::read(&line).expect("it can be read");
            assert_eq!(serde_json::to_string(&read).unwrap(), line);
            writeln!(derived, "{} {line}", entry.spec.name).unwrap();
        }
        let path = root()
            .join("features")
            .join(module.name)
            .join("schemas.txt");
        if std::env::var_os("BUREAU_UPDATE_DOCS").is_some() {
            std::fs::write(path, derived).unwrap();
        } else {
            assert!(
                module.schemas == derived,
                "{}: a tool's parameters changed; run BUREAU_UPDATE_DOCS=1 cargo test --test it catalogue::",
                module.name
            );
        }
    }
}

/// Text of a table's cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

/// The type of a parameter in words.
fn kind(schema: &Value) -> String {
    let name = schema["type"].as_str().unwrap_or_default();
    if let Some(values) = schema["enum"].as_array() {
        let names: Vec<String> = values
            .iter()
            .filter_map(Value::as_str)
            .map(|value| format!("`{value}`"))
            .collect();
        return names.join(", ");
    }
    match name {
        "array" => format!("list of {}", kind(&schema["items"])),
        "object" => {
            let properties = schema["properties"]
                .as_object()
                .cloned()
                .unwrap_or_default();
            if properties.is_empty() {
                return "object".to_owned();
            }
            let fields: Vec<String> = properties
                .iter()
                .map(|(name, field)| format!("`{name}`: {}", kind(field)))
                .collect();
            format!("{{ {} }}", fields.join("; "))
        }
        other => other.to_owned(),
    }
}

/// What a tool does as a consequence of what it is for.
fn describe(covers: &Covers) -> String {
    let does = match covers.operation {
        Operation::Read => "naming",
        Operation::Create => "adding",
        Operation::Update => "changing",
        Operation::Delete => "deleting",
    };
    let registry = registry();
    let kind = registry.records().record(covers.table).unwrap();
    format!("{does} {}", kind.noun())
}

/// `docs/tools.md`, from the tools themselves.
fn reference() -> String {
    let registry = registry();
    let mut out = String::from(
        "# Tools\n\nGenerated from the tools themselves; a test compares it, and \
         `BUREAU_UPDATE_DOCS=1 cargo test --test it catalogue::` writes it anew.\n\n\
         Every tool also takes `dry_run`, `idempotency_key`, `version` (where it changes a record), `fields`, `confirm`, \
         `confirm_token` and `workspace`; its schema names those that do something there. \
         Where a workspace defines custom attributes (`bureau workspace attribute`), tools that write such records take `attributes`, and lists are filtered \
         by them. In an example, `{name}` stands for an id that an earlier call answered.\n",
    );
    for module in registry.modules() {
        let state = if module.on_by_default {
            "on unless `--features` says otherwise"
        } else {
            "off unless named"
        };
        write!(
            out,
            "\n## {}\n\n{}. This group is {state}.\n",
            module.name, module.about
        )
        .unwrap();
        for entry in registry
            .entries()
            .filter(|entry| entry.module == module.name)
        {
            let (spec, wire) = (&entry.spec, entry.wire());
            write!(out, "\n### {}\n\n{}\n\n", spec.name, spec.about).unwrap();
            let effect = match spec.effect {
                Effect::Reads => "reads",
                Effect::Adds if spec.may_ask => "adds; a person confirms what becomes final",
                Effect::Adds => "adds",
                Effect::Changes if spec.may_ask => {
                    "changes; a person confirms what it deletes or makes final"
                }
                Effect::Changes => "changes",
                Effect::Removes => "removes; a person confirms it by default",
                Effect::Sends => "sends; a person confirms it by default",
            };
            let undo = match (spec.effect, spec.irreversible) {
                (Effect::Reads, _) => "nothing to undo".to_owned(),
                (_, Some(instead)) => format!("not undoable: {instead}"),
                (_, None) => "undoable with `undo_change`".to_owned(),
            };
            writeln!(
                out,
                "Effect: {effect}. Permission: `{}`. {}.",
                spec.permission.name(),
                capital(&undo)
            )
            .unwrap();
            let covers: Vec<String> = spec.covers.iter().map(describe).collect();
            if !covers.is_empty() {
                writeln!(
                    out,
                    "Its permission covers what follows from it: {}.",
                    covers.join(", ")
                )
                .unwrap();
            }
            let empty = Map::new();
            let properties = wire.input_schema["properties"]
                .as_object()
                .unwrap_or(&empty);
            let own = || {
                properties
                    .iter()
                    .filter(|(name, _)| !CallOption::is_name(name))
            };
            if own().next().is_some() {
                out.push_str("\n| Parameter | Type | |\n|---|---|---|\n");
            }
            let required = wire.input_schema.get("required").and_then(Value::as_array);
            for (name, schema) in own() {
                let needed = required.is_some_and(|names| names.iter().any(|other| other == name));
                let mut notes: Vec<&str> = Vec::new();
                notes.extend(needed.then_some("required"));
                notes.extend(schema["description"].as_str());
                writeln!(
                    out,
                    "| `{name}` | {} | {} |",
                    cell(&kind(schema)),
                    cell(&notes.join("; "))
                )
                .unwrap();
            }
            for example in entry.examples {
                let call: Value = serde_json::from_str(example.arguments).unwrap();
                write!(out, "\n“{}”\n\n```json\n{call:#}\n```\n", example.title).unwrap();
            }
        }
    }
    out.push_str(
        "\n## Resources\n\nA resource is another name for a call of a tool that reads: who may call the tool may read it, and no \
         one else sees it.\n\n| URI | Type | Tool | |\n|---|---|---|---|\n",
    );
    for resource in registry.resources() {
        let Resource {
            uri,
            mime_type,
            tool,
            about,
            ..
        } = resource;
        writeln!(
            out,
            "| `{uri}` | {mime_type} | `{tool}` | {} |",
            cell(about)
        )
        .unwrap();
    }
    out
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(characters).collect()
    })
}

#[test]
fn the_reference_of_tools_is_up_to_date() {
    let path = root().join("docs/tools.md");
    if std::env::var_os("BUREAU_UPDATE_DOCS").is_some_and(|value| value == "1") {
        std::fs::write(&path, reference()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let (found, wanted) = (written.lines(), reference());
    for (number, (found, wanted)) in found.zip(wanted.lines()).enumerate() {
        assert_eq!(
            found,
            wanted,
            "docs/tools.md, line {}: run with BUREAU_UPDATE_DOCS=1",
            number + 1
        );
    }
    assert!(
        written == wanted,
        "docs/tools.md ends differently: run with BUREAU_UPDATE_DOCS=1"
    );
}

/// The tools whose names, groups and permissions are a contract; 63 when all modules are there.
const REFERENCE: [&str; 63] = [
    "search_contacts",
    "get_contact",
    "create_contact",
    "update_contact",
    "delete_contact",
    "search_companies",
    "get_company",
    "create_company",
    "update_company",
    "list_deals",
    "get_deal",
    "create_deal",
    "update_deal",
    "get_pipeline_summary",
    "list_activities",
    "get_activity",
    "create_activity",
    "complete_activity",
    "list_pipeline_stages",
    "get_crm_dashboard",
    "list_invoices",
    "get_invoice",
    "create_invoice",
    "get_invoice_stats",
    "list_products",
    "get_product",
    "list_tickets",
    "get_ticket",
    "create_ticket",
    "update_ticket",
    "list_projects",
    "get_project",
    "list_tasks",
    "create_task",
    "update_task",
    "search_all",
    "get_pipeline_analytics",
    "get_revenue_metrics",
    "get_sales_forecast",
    "get_support_metrics",
    "get_expense_summary",
    "get_invoice_aging",
    "list_jobs",
    "get_job",
    "list_candidates",
    "get_candidate",
    "update_application_status",
    "get_recruiting_metrics",
    "search_knowledge_base",
    "get_document",
    "list_knowledge_base",
    "get_ai_suggestions",
    "acknowledge_suggestion",
    "list_quotations",
    "get_quotation",
    "create_quotation",
    "get_quotation_stats",
    "list_team_members",
    "list_teams",
    "get_user",
    "get_audit_log",
    "bulk_update_contacts",
    "bulk_update_deals",
];
/// Tokens that tools may take together once all are there, how many these are, and what those that are there may take on
/// the average. The last has to come down to the first by the second, as those that are still to come mostly read. 9,000 are meant.
const REFERENCE_TOKENS: (usize, usize, usize) = (10_100, 63, 172);
/// The same for the tools that are on by default. 14,000 are meant for all that there will be: what is over that is to be taken out of
/// their parameters, and nothing may be added to it.
const DEFAULT_TOKENS: (usize, usize, usize) = (19_200, 120, 166);
/// Tokens of each tool as a model sees it, in a workspace without custom attributes.
fn tokens() -> Vec<(&'static str, &'static str, usize)> {
    let counter = bureau::tokens::Counter::new().unwrap();
    let registry = registry();
    let audience = Audience {
        confirm: ConfirmPolicy::default(),
        has_others: false,
        attributes: Arc::default(),
    };
    let entries = registry.entries();
    entries
        .map(|entry| {
            let listed = option::listed(entry, &audience);
            (entry.module, entry.spec.name, counter.visible(&listed))
        })
        .collect()
}

#[test]
fn the_manifest_is_on_course_to_what_it_may_cost() {
    let tokens = tokens();
    let mut found = Vec::new();
    for module in MODULES {
        let own = tokens.iter().filter(|(group, ..)| *group == module.name);
        let sum: usize = own.map(|(_, _, tokens)| tokens).sum();
        let bound = module.tokens;
        if sum > bound {
            found.push(format!(
                "{} takes {sum} tokens, {bound} are meant",
                module.name
            ));
        }
    }
    let registry = registry();
    let on = |group: &str| {
        let module = registry
            .modules()
            .iter()
            .find(|module| module.name == group);
        module.is_some_and(|module| module.on_by_default)
    };
    let reference: Vec<usize> = tokens
        .iter()
        .filter(|(_, name, _)| REFERENCE.contains(name))
        .map(|(.., tokens)| *tokens)
        .collect();
    let default: Vec<usize> = tokens
        .iter()
        .filter(|(group, ..)| on(group))
        .map(|(.., tokens)| *tokens)
        .collect();
    for (what, tools, (most, of, each)) in [
        ("the reference tools", reference, REFERENCE_TOKENS),
        ("the tools that are on by default", default, DEFAULT_TOKENS),
    ] {
        let (count, sum) = (tools.len(), tools.iter().sum::<usize>());
        println!("{what}: {sum} tokens for {count} tools, where {most} for {of} are meant");
        assert!(count > 0 && count <= of, "{what}: {count} tools");
        if sum > most || sum > each * count {
            found.push(format!(
                "{what}: {sum} tokens for {count} tools, {each} each are meant"
            ));
        }
    }
    for (group, name, tokens) in tokens {
        println!("{group} {name} {tokens}");
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
