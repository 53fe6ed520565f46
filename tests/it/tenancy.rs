//! Two workspaces, one database: nothing of the one is in any answer to the other. On PostgreSQL again with Bureau's own
//! filter taken out: the database alone keeps them apart.

use std::collections::BTreeMap;

use bureau_kernel::admin::{self, NewKey};
use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::{Call, Outcome};
use bureau_kernel::error::Code;
use bureau_kernel::option::CallOption;
use bureau_kernel::permission::Grants;
use bureau_kernel::store::Database;
use bureau_kernel::testing::{ENGINES, Engine, TestApp};
use bureau_kernel::testing_postgres::is_cluster;
use bureau_kernel::types::id::{decode, encode};
use serde_json::{Map, Value, json};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};

use crate::MODULES;
use crate::chosen::Chosen;
use crate::modules::{as_given, creators, marked, overviews, parameters, records, takes};
use crate::seller::set_logo;

/// Identifiers that a field is given in another call of its tool, where it has been given all of them in the first.
const PICKED: usize = 3;
/// Fields that mean a record of any kind.
const ANY: [&str; 4] = ["about", "id", "ids", "record"];

/// Stands in every text of the other workspace.
const CANARY: &str = "Zanzibar";

/// Two workspaces with the same data, but for the canary in the second.
struct Tenants {
    app: TestApp,
    ours: Caller,
    theirs: Caller,
    /// Identifiers of the other workspace, by what they name.
    their_ids: BTreeMap<&'static str, String>,
    /// Where a list of the other workspace would go on.
    their_cursors: Vec<Value>,
}

async fn tenants(engine: Engine) -> Tenants {
    let app = TestApp::new(engine, MODULES).await;
    let (ours, theirs) = (app.tenant("ours").await, app.tenant("theirs").await);
    let mut their_ids = BTreeMap::new();
    for (caller, mark) in [(&ours, "Common"), (&theirs, CANARY)] {
        for name in ["Ada", "Grace", "Alan"] {
            let made = app
                .ok(
                    caller,
                    "create_contact",
                    json!({"name": format!("{name} {mark}"), "company": mark, "city": mark, "tags": [mark], "source": mark,
                           "emails": [format!("{name}@{mark}.example")], "phones": ["+49 30 901820"], "summary": mark,
                           "types": ["lead"], "on_duplicate": "create", "owner": caller.member.to_string()}),
                )
                .await;
            let text = |pointer: &str| made.pointer(pointer).unwrap().as_str().unwrap().to_owned();
            their_ids.insert("change", text("/change"));
        }
        // And of every module that there is, with the mark wherever it takes one.
        for entry in creators(&app) {
            let arguments = marked(&app, caller, entry, mark).await;
            app.ok(caller, entry.spec.name, Value::Object(arguments.clone()))
                .await;
            // And once more, unless there is only one with this name.
            let twice = app.outcome(caller, entry.spec.name, Value::Object(arguments));
            if let Outcome::Failed(error) = twice.await {
                assert_eq!(error.code(), Code::Conflict, "{error:?}");
            }
        }
        for (noun, ids) in records(&app, caller).await {
            their_ids.insert(noun, ids.last().unwrap().clone());
        }
        their_ids.insert("member", caller.member.to_string());
        their_ids.insert("workspace", caller.workspace.id.to_string());
    }
    let mut their_cursors = Vec::new();
    for (tool, mut arguments) in pages(&app) {
        arguments["limit"] = 1.into();
        let page = app.ok(&theirs, tool, arguments).await;
        their_cursors.extend(page.pointer("/page/next").cloned());
    }
    assert!(their_cursors.len() > 5);
    Tenants {
        app,
        ours,
        theirs,
        their_ids,
        their_cursors,
    }
}

/// Calls of every tool that answers in pages, each in another way.
fn pages(app: &TestApp) -> Vec<(&'static str, Value)> {
    let mut calls = Vec::new();
    for entry in overviews(app)
        .into_iter()
        .filter(|entry| takes(entry, "cursor"))
    {
        let name = entry.spec.name;
        calls.push((name, json!({})));
        for (parameter, value) in [
            ("query", json!(CANARY)),
            ("query", json!("common")),
            ("oldest_first", json!(true)),
            ("descending", json!(true)),
        ] {
            if takes(entry, parameter) {
                calls.push((name, json!({ parameter: value })));
            }
        }
    }
    calls
}

/// Calls of every tool that shows many records at once: with nothing said, and with each of its parameters given the
/// other workspace's mark, each of its identifiers, and each choice.
async fn looks(
    app: &TestApp,
    caller: &Caller,
    their_ids: &BTreeMap<&'static str, String>,
) -> Vec<(&'static str, Value)> {
    let mut calls = Vec::new();
    for entry in overviews(app) {
        let name = entry.spec.name;
        calls.push((name, json!({})));
        for (parameter, schema) in parameters(entry) {
            if ["limit", "cursor"].contains(&parameter.as_str()) {
                continue;
            }
            let choices = schema["enum"].as_array().cloned().unwrap_or_default();
            let texts = [CANARY, "zanz", "zanzibra", "today"].map(str::to_owned);
            let texts = texts.into_iter().chain(their_ids.values().cloned());
            let mut values: Vec<Value> = texts
                .filter_map(|text| as_given(&schema, &text))
                .chain(choices)
                .collect();
            if schema["type"] == "boolean" {
                values.push(json!(true));
            }
            for value in values {
                let call = json!({ &parameter: value });
                // What this parameter does not take is refused; that it reveals nothing is another test's.
                let outcome = app.outcome(caller, name, call.clone()).await;
                if matches!(outcome, Outcome::Done(_)) {
                    calls.push((name, call));
                }
            }
        }
    }
    calls
}

/// What a call ended with, as the client reads it.
fn shown(outcome: &Outcome) -> Value {
    match outcome {
        Outcome::Done(answer) => answer.clone(),
        Outcome::Failed(error) => error.to_json(),
        Outcome::Ask { message, .. } => json!({ "ask": message }),
    }
}

/// The same answer with `ID` for every identifier, `TIME` for every moment and nothing that is made up anew each time.
pub(crate) fn masked(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(masked_text(text)),
        Value::Array(items) => items.iter().map(masked).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| match name.as_str() {
                "confirm_token" | "next" | "sha256" => (name.clone(), json!("TOKEN")),
                _ => (name.clone(), masked(value)),
            })
            .collect(),
        other => other.clone(),
    }
}

fn masked_text(text: &str) -> String {
    if chrono_like(text) {
        return "TIME".to_owned();
    }
    // Identifiers stand between anything that is no part of one.
    let mut out = String::new();
    let mut word = String::new();
    for character in text.chars().chain(['\0']) {
        if character.is_ascii_alphanumeric() || character == '_' {
            word.push(character);
            continue;
        }
        out.push_str(
            if decode(&word).is_some_and(|(prefix, _)| prefix.len() <= 4) {
                "ID"
            } else {
                &word
            },
        );
        word.clear();
        out.push(character);
    }
    out.pop();
    without_minutes(&out)
}

/// The text without the time of day of "on 2026-01-31 at 12:59": two calls may lie in different minutes.
fn without_minutes(text: &str) -> String {
    let parts = text.split(" at ").enumerate().map(|(index, part)| {
        let bytes = part.as_bytes();
        let is_time = bytes.len() >= 5
            && bytes[2] == b':'
            && [0, 1, 3, 4]
                .iter()
                .all(|place| bytes[*place].is_ascii_digit());
        if index > 0 && is_time {
            format!("TIME{}", &part[5..])
        } else {
            part.to_owned()
        }
    });
    parts.collect::<Vec<_>>().join(" at ")
}

/// Whether this is a moment in RFC 3339.
fn chrono_like(text: &str) -> bool {
    let digits = text.as_bytes();
    text.len() >= 20 && digits[4] == b'-' && digits[10] == b'T' && digits[13] == b':'
}

/// The fields of a tool that take text, as paths of keys and `0` for the first element of a list.
fn text_fields(schema: &Value, path: &str, found: &mut Vec<String>) {
    match schema["type"].as_str() {
        Some("string") if schema.get("enum").is_none() => found.push(path.to_owned()),
        Some("array") => text_fields(&schema["items"], &format!("{path}/0"), found),
        Some("object") => {
            let properties = schema["properties"].as_object().into_iter().flatten();
            for (name, property) in properties.filter(|(name, _)| !CallOption::is_name(name)) {
                text_fields(property, &format!("{path}/{name}"), found);
            }
        }
        _ => {}
    }
}

/// Puts a text at such a path.
fn put(arguments: &mut Map<String, Value>, path: &str, text: &str) {
    let mut place = Value::Object(std::mem::take(arguments));
    let mut at = &mut place;
    for step in path.trim_start_matches('/').split('/') {
        at = if step == "0" {
            if !at.is_array() {
                *at = json!([null]);
            }
            &mut at[0]
        } else {
            if !at.is_object() {
                *at = json!({});
            }
            &mut at[step]
        };
    }
    *at = text.into();
    if let Value::Object(fields) = place {
        *arguments = fields;
    }
}

/// The same answer without a guess at which word was meant: it follows from the letters of what was said.
fn without_guess(mut answer: Value) -> Value {
    let error = answer.get_mut("error").and_then(Value::as_object_mut);
    if let Some(error) = error.filter(|error| error["code"] == "VALIDATION_ERROR") {
        error.shift_remove("hint");
        // What can be emptied is guessed at in the message itself.
        let message = error["message"].as_str().unwrap_or_default();
        if let Some((said, _)) = message.split_once(" that can be emptied;") {
            error["message"] = said.into();
        }
    }
    answer
}

/// An identifier of the same kind that never existed.
fn never(id: &str) -> String {
    let (prefix, number) = decode(id).unwrap();
    encode(prefix, number ^ (0x2b << 44))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_of_another_workspace_is_answered_like_one_that_never_was() {
    for engine in ENGINES {
        let Tenants {
            app,
            ours,
            their_ids,
            ..
        } = tenants(engine).await;
        let mut compared = 0;
        let mut chosen = Chosen::new();
        for entry in app.dispatcher.registry().entries() {
            let name = entry.spec.name;
            let mut fields = Vec::new();
            text_fields(
                &Value::Object((*entry.wire().input_schema).clone()),
                "",
                &mut fields,
            );
            // In a workspace of its own, so that the examples of two tools do not meet.
            let caller = app.tenant(&format!("of-{}", name.replace('_', "-"))).await;
            let mut bases = app.example_arguments(&caller, name).await;
            bases.push(Map::new());
            for (number, base) in bases.iter().enumerate() {
                for field in &fields {
                    // What the field may mean, and of all others some: fields of one name are read alike.
                    let is_meant =
                        |noun: &str| field.contains(noun) || ANY.contains(&field.as_str());
                    let (mut ids, others): (Vec<_>, Vec<_>) =
                        their_ids.iter().partition(|(noun, _)| is_meant(noun));
                    let others = match number == 0 && chosen.wholly(field.clone()) {
                        true => others,
                        false => chosen.pick(&format!("{name} {number} {field}"), PICKED, others),
                    };
                    ids.extend(others);
                    let ids = ids.into_iter().map(|(_, id)| id);
                    for id in ids {
                        let mut answers = Vec::new();
                        for id in [id.clone(), never(id)] {
                            let mut arguments = base.clone();
                            put(&mut arguments, field, &id);
                            // Where the text is no id but only looks like one, the call would succeed.
                            arguments.insert("dry_run".into(), true.into());
                            let outcome =
                                app.outcome(&caller, name, Value::Object(arguments)).await;
                            let answer = unformed(&shown(&outcome), &id);
                            assert!(
                                !answer.to_string().contains(CANARY),
                                "{name} {field}: {answer}"
                            );
                            let text = answer.to_string().replace(&id, "");
                            for other in their_ids.values() {
                                assert!(!text.contains(other.as_str()), "{name} {field}: {answer}");
                            }
                            answers.push(without_guess(masked(&answer)));
                        }
                        assert_eq!(
                            answers[0], answers[1],
                            "{name} on {engine:?}: {field} with {id}"
                        );
                        compared += 1;
                    }
                }
            }
        }
        assert!(compared > 300, "only {compared} pairs were compared");
        // The same that was not found from outside is found from inside.
        let found = app.ok(&ours, "search_contacts", json!({})).await;
        assert!(found["data"].as_array().unwrap().len() >= 3);
    }
}

/// What was answered with a text that was brought into the form of a VAT identifier as it was given.
fn unformed(answer: &Value, given: &str) -> Value {
    let formed = given.replace('_', "").to_uppercase();
    serde_json::from_str(&answer.to_string().replace(&formed, given)).unwrap()
}

/// Every row of a list, page by page.
async fn all_rows(app: &TestApp, caller: &Caller, tool: &str, arguments: Value) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut arguments = arguments;
    for _ in 0..100 {
        let page = match app.outcome(caller, tool, arguments.clone()).await {
            Outcome::Done(page) => page,
            // What is there only in the other workspace: how that is said is what there is to see.
            refused => return vec![shown(&refused)],
        };
        let found = match &page["data"] {
            Value::Array(rows) => rows.clone(),
            figures => vec![figures.clone()],
        };
        let none = found.is_empty();
        rows.extend(found);
        match page.pointer("/page/next") {
            Some(next) if !none => arguments["cursor"] = next.clone(),
            _ => return rows,
        }
    }
    panic!("{tool} does not end");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_searches_hold_nothing_of_another_workspace() {
    for engine in ENGINES {
        let Tenants {
            app,
            ours,
            theirs,
            their_ids,
            ..
        } = tenants(engine).await;
        let searches = [
            json!({"query": "ada"}),
            json!({"query": "901820"}),
            json!({"query": "ada@zanzibar.example"}),
            json!({"sort": "created_at", "descending": true}),
        ];
        let mut lists: Vec<(&str, Value)> = searches
            .iter()
            .map(|search| ("search_contacts", search.clone()))
            .collect();
        lists.extend([
            ("list_changes", json!({"tool": "create_contact"})),
            ("list_changes", json!({"record": their_ids["contact"]})),
            ("list_changes", json!({"change": their_ids["change"]})),
            ("search_notes", json!({"query": CANARY})),
            ("search_all", json!({"query": CANARY})),
            ("search_all", json!({"query": "ada"})),
            (
                "search_notes",
                json!({"query": "a", "about": their_ids["contact"]}),
            ),
            ("list_team_members", json!({})),
            ("list_team_members", json!({"query": "owner"})),
            ("list_teams", json!({})),
            ("get_audit_log", json!({"details": true})),
            (
                "get_audit_log",
                json!({"details": true, "tool": "create_contact"}),
            ),
            (
                "get_audit_log",
                json!({"details": true, "record": their_ids["contact"]}),
            ),
            (
                "get_audit_log",
                json!({"details": true, "record": their_ids["change"]}),
            ),
            (
                "get_audit_log",
                json!({"details": true, "actor": their_ids["member"]}),
            ),
        ]);
        let records = app.dispatcher.registry().records();
        for kind in bureau_kernel::export::kinds(records) {
            for format in ["csv", "json"] {
                let export =
                    json!({ "kind": kind.name(), "format": format, "include_archived": true });
                if let Outcome::Done(_) = app.outcome(&ours, "export_data", export.clone()).await {
                    lists.push(("export_data", export));
                }
            }
        }
        let exports = lists.iter().filter(|(tool, _)| *tool == "export_data");
        assert!(exports.count() > 20, "what is taken out is looked at too");
        lists.extend(looks(&app, &theirs, &their_ids).await);
        lists.extend(looks(&app, &ours, &their_ids).await);
        let entries = app.dispatcher.registry().entries();
        for entry in entries
            .filter(|entry| entry.wire().output_schema["properties"]["data"]["type"] == "array")
        {
            assert!(
                lists.iter().any(|(tool, _)| *tool == entry.spec.name),
                "{} is not tried",
                entry.spec.name
            );
        }
        let mut seen = 0;
        for (tool, mut arguments) in lists {
            let entry = app.dispatcher.registry().entry(tool).unwrap();
            if takes(entry, "cursor") {
                arguments["limit"] = 2.into();
            }
            let (mine, other) = (
                all_rows(&app, &ours, tool, arguments.clone()).await,
                all_rows(&app, &theirs, tool, arguments.clone()).await,
            );
            let text = Value::Array(mine.clone()).to_string();
            assert!(
                !text.to_lowercase().contains("zanzibar"),
                "{tool} {arguments} on {engine:?}: {text}"
            );
            let asked = arguments.to_string();
            for id in their_ids.values() {
                assert!(
                    asked.contains(id.as_str()) || !text.contains(id.as_str()),
                    "{tool} {arguments} on {engine:?}: {text}"
                );
            }
            assert!(
                !Value::Array(other.clone()).to_string().contains("Common"),
                "{tool} {arguments}"
            );
            seen += usize::from(Value::Array(other).to_string().contains(CANARY));
        }
        assert!(
            seen > 12,
            "the canary is in {seen} lists of its own workspace only"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_another_workspace_opens_nothing_of_it() {
    for engine in ENGINES {
        let Tenants {
            app,
            ours,
            their_cursors,
            ..
        } = tenants(engine).await;
        for cursor in their_cursors {
            for (tool, mut arguments) in pages(&app) {
                arguments["cursor"] = cursor.clone();
                let outcome = app.outcome(&ours, tool, arguments).await;
                if let Outcome::Failed(error) = &outcome {
                    assert_eq!(
                        (error.code(), error.field_name()),
                        (Code::Validation, Some("cursor")),
                        "{tool}"
                    );
                }
                assert!(
                    !shown(&outcome).to_string().contains(CANARY),
                    "{tool} on {engine:?}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_undoes_what_another_workspace_did() {
    for engine in ENGINES {
        let Tenants {
            app,
            ours,
            theirs,
            their_ids,
            ..
        } = tenants(engine).await;
        for arguments in [
            json!({"change": their_ids["change"]}),
            json!({"change": their_ids["change"], "skip_conflicts": true}),
        ] {
            let error = app.error(&ours, "undo_change", arguments).await;
            assert_eq!(error.code(), Code::NotFound);
        }
        let contact = app
            .ok(
                &theirs,
                "get_contact",
                json!({"contact": their_ids["contact"]}),
            )
            .await;
        assert_eq!(contact["data"]["version"], 1);
    }
}

/// One key that opens both workspaces: the same actor on both sides.
async fn shared_key(app: &TestApp) -> (Caller, Caller) {
    let new = NewKey {
        name: "for both".into(),
        grants: Grants::Everything,
        workspaces: vec!["ours".into(), "theirs".into()],
        member: None,
        expires_at: None,
        confirm: None,
        calls_per_hour: None,
    };
    let (key, _) = admin::create_key(&app.dispatcher.app().store, new)
        .await
        .unwrap();
    let chosen = app.dispatcher.authenticate(&key, None).await;
    assert_eq!(
        chosen.unwrap_err().code(),
        Code::Validation,
        "one of several has to be chosen"
    );
    assert_eq!(
        app.dispatcher
            .authenticate(&key, Some("main"))
            .await
            .unwrap_err()
            .code(),
        Code::NotFound
    );
    let theirs = app
        .dispatcher
        .authenticate(&key, Some("theirs"))
        .await
        .unwrap();
    let ours = app
        .dispatcher
        .authenticate(&key, Some("ours"))
        .await
        .unwrap();
    assert_eq!(ours.actor(), theirs.actor());
    (ours, theirs)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_means_nothing_in_another_workspace() {
    for engine in ENGINES {
        let Tenants {
            app, ours, theirs, ..
        } = tenants(engine).await;
        let (here, there) = shared_key(&app).await;
        for (mine, other) in [(&ours, &theirs), (&here, &there)] {
            let call = json!({"name": "Once Only", "idempotency_key": "k-1"});
            let their_answer = app.ok(other, "create_contact", call.clone()).await;
            let my_answer = app.ok(mine, "create_contact", call.clone()).await;
            assert_ne!(
                my_answer["data"]["id"], their_answer["data"]["id"],
                "{engine:?}"
            );
            assert_ne!(my_answer["change"], their_answer["change"], "{engine:?}");
            // Nor does it clash with what was done there under this key.
            let call = json!({"name": "Another", "idempotency_key": "k-2"});
            app.ok(other, "create_contact", call).await;
            app.ok(
                mine,
                "create_contact",
                json!({"name": "Different", "idempotency_key": "k-2"}),
            )
            .await;
            assert_eq!(
                app.ok(
                    mine,
                    "create_contact",
                    json!({"name": "Once Only", "idempotency_key": "k-1"})
                )
                .await,
                my_answer
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_of_another_workspace_confirms_nothing() {
    for engine in ENGINES {
        let Tenants {
            app, ours, theirs, ..
        } = tenants(engine).await;
        let (here, there) = shared_key(&app).await;
        for (mine, other) in [(&ours, &theirs), (&here, &there)] {
            let made = app
                .ok(mine, "create_contact", json!({"name": "Stays"}))
                .await;
            let theirs = app
                .ok(other, "create_contact", json!({"name": "Goes"}))
                .await;
            let asked = app
                .error(
                    other,
                    "delete_contact",
                    json!({"contact": theirs["data"]["id"]}),
                )
                .await;
            let token = asked.detail_value("confirm_token").unwrap().clone();
            for contact in [&made["data"]["id"], &theirs["data"]["id"]] {
                let call = json!({"contact": contact, "confirm_token": token});
                let error = app.error(mine, "delete_contact", call).await;
                assert_eq!(
                    error.field_name(),
                    Some("confirm_token"),
                    "{engine:?}: {error:?}"
                );
            }
            app.ok(mine, "get_contact", json!({"contact": made["data"]["id"]}))
                .await;
            // Where it belongs, it still works: the tries did not use it up.
            let call = json!({"contact": theirs["data"]["id"], "confirm_token": token});
            app.ok(other, "delete_contact", call).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dry_runs_and_asked_questions_of_others_records_reveal_nothing() {
    for engine in ENGINES {
        let Tenants {
            app,
            ours,
            their_ids,
            ..
        } = tenants(engine).await;
        for can_ask in [true, false] {
            let mut answers = Vec::new();
            for id in [their_ids["contact"].clone(), never(&their_ids["contact"])] {
                let arguments = json!({"contact": id}).as_object().cloned().unwrap();
                let call = Call {
                    tool: "delete_contact".into(),
                    arguments,
                    can_ask,
                    ..Call::default()
                };
                answers.push(masked(&shown(
                    &app.dispatcher.call(ours.clone(), call).await,
                )));
            }
            assert_eq!(answers[0], answers[1], "{engine:?}");
            assert_eq!(answers[0]["error"]["code"], "RESOURCE_NOT_FOUND");
        }
    }
}

/// A connection of the test's own, past Bureau.
async fn raw(app: &TestApp) -> PgConnection {
    let Database::Postgres(url) = &app.database else {
        panic!("not PostgreSQL")
    };
    PgConnection::connect(url).await.unwrap()
}

async fn numbers(connection: &mut PgConnection, statement: String) -> Vec<i64> {
    let rows = connection
        .fetch_all(sqlx::raw_sql(AssertSqlSafe(statement)))
        .await
        .unwrap();
    rows.iter().map(|row| row.get::<i64, _>(0)).collect()
}

async fn texts(connection: &mut PgConnection, statement: &str) -> Vec<String> {
    let rows = connection
        .fetch_all(sqlx::raw_sql(AssertSqlSafe(statement.to_owned())))
        .await
        .unwrap();
    rows.iter().map(|row| row.get::<String, _>(0)).collect()
}

/// The tables with rows of workspaces, each with the column that says of which.
async fn shared_tables(connection: &mut PgConnection) -> Vec<(String, &'static str)> {
    let of_workspaces =
        "SELECT table_name::text FROM information_schema.columns WHERE table_schema = 'public'
                         AND column_name = 'workspace' ORDER BY table_name";
    let names = texts(connection, of_workspaces).await;
    let columns = names.into_iter().map(|name| (name, "workspace"));
    columns.chain([("workspace".to_owned(), "id")]).collect()
}

/// Whether calls may do this to a table at all.
async fn allowed(connection: &mut PgConnection, table: &str, privilege: &str) -> bool {
    let statement = format!(
        "SELECT has_any_column_privilege('bureau_app', '{table}', '{privilege}')::int::int8"
    );
    let statement = if privilege == "DELETE" {
        statement.replace("has_any_column", "has_table")
    } else {
        statement
    };
    numbers(connection, statement).await == [1]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_of_workspaces_has_a_policy_or_is_closed_to_calls() {
    let Tenants { app, .. } = tenants(Engine::Postgres).await;
    let mut connection = raw(&app).await;
    let tables = shared_tables(&mut connection).await;
    assert!(tables.len() > 5, "{tables:?}");
    for (table, _) in tables {
        let mut open = Vec::new();
        for privilege in ["SELECT", "INSERT", "UPDATE", "DELETE"] {
            if allowed(&mut connection, &table, privilege).await {
                open.push(privilege);
            }
        }
        let policies = format!(
            "SELECT count(*) FROM pg_policies p JOIN pg_class c ON c.relname = p.tablename AND c.relrowsecurity
             WHERE p.schemaname = 'public' AND p.tablename = '{table}' AND 'bureau_app' = ANY (p.roles) AND p.cmd = 'ALL'
             AND p.permissive = 'PERMISSIVE'"
        );
        let policies = numbers(&mut connection, policies).await;
        assert!(
            open.is_empty() || policies == [1],
            "{table} is open to {open:?} with {policies:?} policies"
        );
    }
    // What has no workspace is nothing that calls could read.
    let others = "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'
                  AND table_type = 'BASE TABLE' AND table_name NOT IN ('workspace', 'clock') AND table_name NOT IN
                  (SELECT table_name FROM information_schema.columns WHERE column_name = 'workspace')";
    for table in texts(&mut connection, others).await {
        for privilege in ["SELECT", "INSERT", "UPDATE", "DELETE"] {
            assert!(
                !allowed(&mut connection, &table, privilege).await,
                "calls may {privilege} {table}"
            );
        }
    }
    // When somebody last lived here is of no workspace; calls read it and no more.
    for (privilege, expected) in [
        ("SELECT", true),
        ("INSERT", false),
        ("UPDATE", false),
        ("DELETE", false),
    ] {
        assert_eq!(allowed(&mut connection, "clock", privilege).await, expected);
    }
    // The role of calls owns nothing and passes no policy unseen. Only to other machines of a cluster it has to log in.
    let login = if is_cluster() { "" } else { " OR rolcanlogin" };
    let role = format!(
        "SELECT (rolsuper OR rolbypassrls OR rolcreaterole{login})::int::int8 FROM pg_roles WHERE rolname = 'bureau_app'"
    );
    assert_eq!(numbers(&mut connection, role).await, [0]);
    let owned = "SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname = 'bureau_app'";
    assert_eq!(numbers(&mut connection, owned.to_owned()).await, [0]);
}

/// Begins a transaction on behalf of a workspace, which every machine on which its rows may lie is told of.
async fn act(connection: &mut PgConnection, workspace: Option<&str>) {
    let reach = "BEGIN; SET LOCAL citus.propagate_set_commands = 'local'".to_owned();
    let text = match workspace {
        Some(id) => format!("{reach}; SET LOCAL bureau.workspace = {id}"),
        None => reach,
    };
    let text = sqlx::raw_sql(AssertSqlSafe(text));
    connection.execute(text).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn row_level_security_alone_keeps_workspaces_apart() {
    let Tenants {
        app, ours, theirs, ..
    } = tenants(Engine::Postgres).await;
    // Something in each of the tables.
    for caller in [&ours, &theirs] {
        let made = app
            .ok(
                caller,
                "create_contact",
                json!({"name": "Kept", "idempotency_key": "kept"}),
            )
            .await;
        app.error(
            caller,
            "delete_contact",
            json!({"contact": made["data"]["id"]}),
        )
        .await;
        // What no creating tool makes.
        let payment = app
            .example_arguments(caller, "record_payment")
            .await
            .swap_remove(0);
        app.ok(caller, "record_payment", Value::Object(payment))
            .await;
        let definition = admin::AttributeDefinition {
            entity: "contact".into(),
            name: "size".into(),
            kind: "number".into(),
            about: None,
        };
        let store = &app.dispatcher.app().store;
        admin::define_attribute(store, &caller.workspace.slug, &["contact"], definition)
            .await
            .unwrap();
        let team = admin::NewTeam {
            name: "Kept".into(),
            lead: Some(caller.member.to_string()),
            ..admin::NewTeam::default()
        };
        admin::create_team(store, &caller.workspace.slug, team)
            .await
            .unwrap();
        set_logo(&app, caller).await;
        let rule = json!({ "retention_months": 6 });
        app.ok(caller, "update_recruiting_settings", rule).await;
        let project = app.data(caller, "create_project", json!({ "name": "Kept" }));
        let arranged = json!({
            "rates": [{ "hourly_rate": "95" }],
            "cost_rates": [{ "hourly_cost": "40" }],
            "budgets": [{ "project": project.await["id"], "hours": "10" }],
        });
        app.ok(caller, "update_time_settings", arranged).await;
        let person = app.data(caller, "create_contact", json!({ "name": "Held" }));
        let file = json!({ "about": person.await["id"], "name": "a.txt", "text": "a" });
        app.ok(caller, "attach_file", file).await;
        let project = app.data(caller, "create_project", json!({ "name": "Held" }));
        let project = project.await;
        let first = json!({ "project": project["id"], "title": "First" });
        let first = app.data(caller, "create_task", first).await;
        let then = json!({ "project": project["id"], "title": "Then", "depends_on": [{ "task": first["id"] }] });
        app.ok(caller, "create_task", then).await;
        let late = json!({ "project": project["id"], "title": "Late", "due_on": "2026-01-02" });
        let late = app.data(caller, "create_task", late).await;
        let late = format!("tasks_overdue:{}", late["id"].as_str().unwrap());
        app.ok(
            caller,
            "acknowledge_suggestion",
            json!({ "suggestion": late }),
        )
        .await;
        let folder = json!({ "folder": "Kept", "visibility": "public" });
        app.ok(caller, "update_folder", folder).await;
    }
    shared_key(&app).await;
    let mut owner = raw(&app).await;
    let rates = "INSERT INTO exchange_rate (workspace, currency, day, rate, source, created_at)
                 SELECT id, 'USD', '2026-01-02', '0.9', 'test', now() FROM workspace";
    owner.execute(rates).await.unwrap();
    let job = "INSERT INTO job (workspace, name, record, enqueued_at, run_after, attempts)
               SELECT id, 'test', 1, now(), now(), 1 FROM workspace";
    owner.execute(job).await.unwrap();
    let link = r"INSERT INTO file_link (workspace, token, member, about, expires_at)
                 SELECT workspace, '\x01', MIN(id), 'con_1', now() FROM member GROUP BY workspace";
    owner.execute(link).await.unwrap();
    // Time would have to pass for one.
    let breach = "INSERT INTO ticket_breach (id, workspace, version, created_at, updated_at, attributes, ticket, clock, target_minutes, due_at)
                  SELECT MIN(id), workspace, 1, now(), now(), '{}', MIN(id), 'resolution', 60, now() FROM ticket GROUP BY workspace";
    owner.execute(breach).await.unwrap();
    let follower =
        "INSERT INTO follower (workspace, name, position) SELECT id, 'test', 1 FROM workspace";
    owner.execute(follower).await.unwrap();
    let mut connection = raw(&app).await;
    // What refers to a row must not keep it from being deleted here: only the policies are to be seen at work.
    let references = "SELECT format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I', conrelid::regclass, conname) FROM pg_constraint
                      WHERE contype = 'f' AND connamespace = 'public'::regnamespace";
    for loosen in texts(&mut owner, references).await {
        owner.execute(AssertSqlSafe(loosen)).await.unwrap();
    }
    connection.execute("SET ROLE bureau_app").await.unwrap();
    let (mine, other) = (ours.workspace.id.raw(), theirs.workspace.id.raw());
    let mut tried = Vec::new();
    for (table, column) in shared_tables(&mut owner).await {
        let count =
            |workspace: i64| format!("SELECT count(*) FROM {table} WHERE {column} = {workspace}");
        let before = [
            numbers(&mut owner, count(mine)).await[0],
            numbers(&mut owner, count(other)).await[0],
        ];
        if !allowed(&mut owner, &table, "SELECT").await {
            continue;
        }
        assert!(
            before[0] > 0 && before[1] > 0,
            "{table} is empty: {before:?}"
        );

        let everything = format!("SELECT {column} FROM {table}");
        for nothing in [None, Some("''"), Some("'0'"), Some("'-1'")] {
            act(&mut connection, nothing).await;
            assert_eq!(
                numbers(&mut connection, everything.clone()).await,
                [0; 0],
                "{table} with {nothing:?}"
            );
            connection.execute("ROLLBACK").await.unwrap();
        }
        let me = format!("'{mine}'");
        act(&mut connection, Some(&me)).await;
        let found = numbers(&mut connection, everything).await;
        connection.execute("ROLLBACK").await.unwrap();
        assert_eq!(
            found,
            vec![mine; usize::try_from(before[0]).unwrap()],
            "{table}"
        );

        // Each in a transaction that is taken back, so that one try does not spoil the next.
        if allowed(&mut owner, &table, "UPDATE").await {
            let columns = "SELECT column_name::text FROM information_schema.column_privileges WHERE grantee = 'bureau_app'
                           AND privilege_type = 'UPDATE' AND table_name = ";
            let columns = texts(
                &mut owner,
                &format!("{columns}'{table}' ORDER BY column_name"),
            )
            .await;
            let any = columns.iter().find(|name| *name != "workspace").unwrap();
            act(&mut connection, Some(&me)).await;
            let update = format!("UPDATE {table} SET {any} = {any}");
            let updated = connection
                .execute(AssertSqlSafe(update))
                .await
                .unwrap()
                .rows_affected();
            connection.execute("ROLLBACK").await.unwrap();
            assert_eq!(
                i64::try_from(updated).unwrap(),
                before[0],
                "rows of {table} were updated"
            );
            if columns.iter().any(|name| name == column) {
                act(&mut connection, Some(&me)).await;
                let away = format!("UPDATE {table} SET {column} = {other}");
                let error = connection
                    .execute(AssertSqlSafe(away))
                    .await
                    .unwrap_err()
                    .to_string();
                connection.execute("ROLLBACK").await.unwrap();
                // A cluster moves no row to where another workspace is, whoever asks.
                let is_refused = error.contains("row-level security")
                    || is_cluster() && error.contains("modifying the partition value");
                assert!(is_refused, "{table}: {error}");
            }
            tried.push(format!("UPDATE {table}"));
        }
        if allowed(&mut owner, &table, "DELETE").await {
            act(&mut connection, Some(&me)).await;
            let delete = format!("DELETE FROM {table}");
            let deleted = connection
                .execute(AssertSqlSafe(delete))
                .await
                .unwrap()
                .rows_affected();
            connection.execute("ROLLBACK").await.unwrap();
            assert_eq!(
                i64::try_from(deleted).unwrap(),
                before[0],
                "rows of {table} were deleted"
            );
            tried.push(format!("DELETE {table}"));
        }
        if allowed(&mut owner, &table, "INSERT").await {
            // A row of ours, said to be theirs.
            let row = format!(
                "SELECT to_jsonb(t) || '{{\"{column}\": {other}}}' AS row FROM {table} t LIMIT 1"
            );
            let insert = format!(
                "INSERT INTO {table} SELECT r.* FROM ({row}) x, jsonb_populate_record(NULL::{table}, x.row) r"
            );
            act(&mut connection, Some(&me)).await;
            let error = connection
                .execute(AssertSqlSafe(insert))
                .await
                .unwrap_err()
                .to_string();
            connection.execute("ROLLBACK").await.unwrap();
            assert!(error.contains("row-level security"), "{table}: {error}");
            tried.push(format!("INSERT {table}"));
        }
        let after = [
            numbers(&mut owner, count(mine)).await[0],
            numbers(&mut owner, count(other)).await[0],
        ];
        assert_eq!(after, before, "{table}");
    }
    for wanted in [
        "UPDATE contact",
        "DELETE contact",
        "INSERT contact",
        "INSERT change_log",
        "DELETE record_key",
    ] {
        assert!(
            tried.iter().any(|done| done == wanted),
            "{wanted} was not tried: {tried:?}"
        );
    }
}
