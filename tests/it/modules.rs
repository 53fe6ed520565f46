//! What the tests that hold for every module know of modules: their tools by what these do, and the records in a workspace.
//! A module to come is covered by being there.

use std::collections::BTreeMap;

use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::{Dispatcher, Outcome};
use bureau_kernel::option::CallOption;
use bureau_kernel::record::{Cx, check_tables};
use bureau_kernel::registry::{Contradiction, Module};
use bureau_kernel::store::{Scope, sql};
use bureau_kernel::testing::{ENGINES, TestApp};
use bureau_kernel::tool::{Effect, Entry};
use bureau_kernel::types::id::encode;
use serde_json::{Map, Value, json};

use crate::MODULES;
use crate::tamper::Raw;

/// What contradicts the rules of any module in the caller's workspace.
pub(crate) async fn contradictions(dispatcher: &Dispatcher, caller: &Caller) -> Vec<Contradiction> {
    let checks: Vec<_> = dispatcher.registry().checks().collect();
    let looked = dispatcher.app().read(caller, async |cx: &mut Cx| {
        let mut all = Vec::new();
        for check in &checks {
            all.extend((check.run)(cx).await?);
        }
        Ok(all)
    });
    looked.await.unwrap()
}

/// Tools that add a record, answer it, and need no person.
pub(crate) fn creators(app: &TestApp) -> Vec<&Entry> {
    let entries = app.dispatcher.registry().entries();
    entries
        .filter(|entry| entry.spec.name.starts_with("create_"))
        .collect()
}

/// Tools that read and can be called with nothing said: lists, searches, figures.
pub(crate) fn overviews(app: &TestApp) -> Vec<&Entry> {
    let entries = app.dispatcher.registry().entries();
    entries
        .filter(|entry| entry.spec.effect == Effect::Reads)
        .filter(|entry| entry.wire().input_schema.get("required").is_none())
        .collect()
}

/// Whether a tool has this parameter.
pub(crate) fn takes(entry: &Entry, parameter: &str) -> bool {
    entry.wire().input_schema["properties"]
        .get(parameter)
        .is_some()
}

/// A tool's parameters with their schemas.
pub(crate) fn parameters(entry: &Entry) -> Vec<(String, Value)> {
    let properties = entry.wire().input_schema["properties"].as_object();
    let properties = properties.into_iter().flatten();
    properties
        .map(|(name, schema)| (name.clone(), schema.clone()))
        .collect()
}

/// Whether this is a parameter for any text: no choice, no number.
pub(crate) fn is_text(schema: &Value) -> bool {
    schema["type"] == "string" && schema.get("enum").is_none()
}

/// A text as a parameter takes it: alone, or in a list.
pub(crate) fn as_given(schema: &Value, text: &str) -> Option<Value> {
    if is_text(schema) {
        return Some(json!(text));
    }
    is_text(&schema["items"]).then(|| json!([text]))
}

/// A creating tool's example with a mark in every parameter that takes it.
pub(crate) async fn marked(
    app: &TestApp,
    caller: &Caller,
    entry: &Entry,
    mark: &str,
) -> Map<String, Value> {
    let name = entry.spec.name;
    let mut arguments = app.example_arguments(caller, name).await.swap_remove(0);
    if takes(entry, "on_duplicate") {
        arguments.insert("on_duplicate".into(), "create".into());
    }
    for (parameter, schema) in parameters(entry) {
        // What every tool takes is no part of a record.
        let Some(value) = as_given(&schema, mark).filter(|_| !CallOption::is_name(&parameter))
        else {
            continue;
        };
        let mut tried = arguments.clone();
        tried.insert(parameter.clone(), value.clone());
        tried.insert("dry_run".into(), true.into());
        let outcome = app.outcome(caller, name, Value::Object(tried)).await;
        if matches!(outcome, Outcome::Done(_)) {
            arguments.insert(parameter, value);
        }
    }
    arguments
}

/// The records of a workspace that are or were, by their noun: all that the change log knows, oldest first.
pub(crate) async fn records(app: &TestApp, caller: &Caller) -> BTreeMap<&'static str, Vec<String>> {
    let store = &app.dispatcher.app().store;
    let mut tx = store
        .read(Scope::Workspace(caller.workspace.id.raw()))
        .await
        .unwrap();
    let rows = sql("SELECT DISTINCT entity, record FROM change_log WHERE workspace = ")
        .value(caller.workspace.id)
        .sql(" ORDER BY record")
        .rows(&mut tx)
        .await
        .unwrap();
    tx.rollback().await;
    let mut found: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for row in rows {
        let table: String = row.get("entity").unwrap();
        if let Some(kind) = app.dispatcher.registry().records().record(&table) {
            let id = encode(kind.prefix(), row.get("record").unwrap());
            found.entry(kind.noun()).or_default().push(id);
        }
    }
    found
}

/// A record as its module answers it, or what it says when it is not there; `None` where the module has no tool for one.
pub(crate) async fn read(
    app: &TestApp,
    caller: &Caller,
    noun: &'static str,
    id: &str,
) -> Option<Value> {
    let tool = format!("get_{noun}");
    app.dispatcher.registry().entry(&tool)?;
    Some(
        match app.outcome(caller, &tool, json!({ noun: id })).await {
            Outcome::Done(answer) => answer["data"].clone(),
            Outcome::Failed(error) => error.to_json()["error"]["code"].clone(),
            Outcome::Ask { .. } => panic!("reading asks nobody"),
        },
    )
}

/// Every record that a workspace has or had: as its module answers it, or as the overviews show it.
pub(crate) async fn everything(app: &TestApp, caller: &Caller) -> BTreeMap<String, Value> {
    // The log names what is gone too.
    const LOGS: [&str; 2] = ["get_audit_log", "list_changes"];
    let mut shown = Vec::new();
    let overviews = overviews(app).into_iter();
    for entry in overviews.filter(|entry| !LOGS.contains(&entry.spec.name)) {
        shown.push(app.ok(caller, entry.spec.name, json!({})).await);
    }
    let mut all = BTreeMap::new();
    for (noun, ids) in records(app, caller).await {
        for id in ids {
            let record = match read(app, caller, noun, &id).await {
                Some(record) => record,
                None => shown
                    .iter()
                    .filter_map(|answer| fullest(answer, &id))
                    .max_by_key(|record| record.as_object().map_or(0, Map::len))
                    .unwrap_or("RESOURCE_NOT_FOUND".into()),
            };
            all.insert(id, record);
        }
    }
    all
}

/// The object with this id that has the most fields, anywhere in an answer.
fn fullest(answer: &Value, id: &str) -> Option<Value> {
    let inside: Box<dyn Iterator<Item = &Value>> = match answer {
        Value::Array(items) => Box::new(items.iter()),
        Value::Object(fields) => Box::new(fields.values()),
        _ => return None,
    };
    let own = (answer.get("id") == Some(&json!(id))).then(|| answer.clone());
    inside
        .filter_map(|value| fullest(value, id))
        .chain(own)
        .max_by_key(|record| record.as_object().map_or(0, Map::len))
}

#[tokio::test(flavor = "multi_thread")]
async fn each_module_stands_alone_on_both_engines() {
    for engine in ENGINES {
        for module in MODULES {
            // As if only this module had been compiled in: the records that it uses are there, other modules' tools are not.
            let app = TestApp::new(engine, std::slice::from_ref(module)).await;
            let owner = app.owner().await;
            let own: Vec<&str> = module.tools.iter().map(|make| make().spec.name).collect();
            let visible = app.dispatcher.visible(&owner);
            let visible: Vec<&str> = visible.map(|entry| entry.spec.name).collect();
            assert_eq!(visible, own, "{} on {engine:?}", module.name);
            for entry in overviews(&app) {
                app.ok(&owner, entry.spec.name, json!({})).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_have_the_columns_that_the_records_declare() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let store = &app.dispatcher.app().store;
        check_tables(store, &Module::records_of(MODULES))
            .await
            .unwrap();
        let mut raw = Raw::new(&app.database).await;
        for (change, wrong) in [
            (
                "ALTER TABLE note RENAME COLUMN pinned TO first",
                ["note.first is ", "note.pinned is nothing"],
            ),
            (
                "ALTER TABLE contact ADD COLUMN more TEXT",
                ["contact.more is ", " and declared as nothing"],
            ),
        ] {
            raw.run(change).await;
            let error = check_tables(store, &Module::records_of(MODULES))
                .await
                .unwrap_err();
            let said = format!("{error:?}");
            for part in wrong {
                assert!(said.contains(part), "{engine:?}: {said}");
            }
        }
    }
}
