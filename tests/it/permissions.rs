//! Who may do what: every tool with every kind of caller, what a request may narrow, what needs a person's word, and what
//! read-only means down to the connection.

use std::collections::BTreeSet;
use std::sync::Arc;

use bureau_kernel::caller::{Caller, ConfirmPolicy};
use bureau_kernel::dispatch::{CONFIRMATION_S, Call, Dispatcher, Outcome, Settings};
use bureau_kernel::error::{Code, Error};
use bureau_kernel::registry::{Module, Registry, Selection};
use bureau_kernel::store::{OpenOptions, Scope, Store, sql};
use bureau_kernel::testing::{ENGINES, TestApp};
use bureau_kernel::tool::Entry;
use bureau_kernel::types::time::{Timestamp, now};
use serde_json::{Map, Value, json};

use crate::MODULES;

/// Another server on the same database.
fn server(
    app: &TestApp,
    modules: &[Module],
    selection: &Selection,
    settings: Settings,
) -> Arc<Dispatcher> {
    let store = app.dispatcher.app().store.clone();
    Dispatcher::new(
        store,
        Registry::new(modules, selection).unwrap(),
        None,
        settings,
    )
    .unwrap()
}

fn all() -> Selection {
    Selection {
        features: vec!["all".into()],
        ..Selection::default()
    }
}

fn read_only() -> Settings {
    Settings {
        read_only: true,
        ..Settings::default()
    }
}

async fn run(
    dispatcher: &Arc<Dispatcher>,
    caller: &Caller,
    tool: &str,
    arguments: &Map<String, Value>,
) -> Outcome {
    let call = Call {
        tool: tool.into(),
        arguments: arguments.clone(),
        ..Call::default()
    };
    dispatcher.call(caller.clone(), call).await
}

async fn refused(
    dispatcher: &Arc<Dispatcher>,
    caller: &Caller,
    tool: &str,
    arguments: &Map<String, Value>,
) -> Error {
    match run(dispatcher, caller, tool, arguments).await {
        Outcome::Failed(error) => error,
        other => panic!("{tool} was not refused: {other:?}"),
    }
}

fn names<'a>(dispatcher: &'a Dispatcher, caller: &'a Caller) -> BTreeSet<&'static str> {
    dispatcher
        .visible(caller)
        .map(|entry| entry.spec.name)
        .collect()
}

/// The arguments of each tool's first example, tried and not kept.
async fn tries(app: &TestApp) -> Vec<(&Entry, Map<String, Value>)> {
    let owner = app.owner().await;
    let mut tries = Vec::new();
    for entry in app.dispatcher.registry().entries() {
        let mut arguments = app
            .example_arguments(&owner, entry.spec.name)
            .await
            .swap_remove(0);
        arguments.insert("dry_run".into(), true.into());
        tries.push((entry, arguments));
    }
    tries
}

#[tokio::test(flavor = "multi_thread")]
async fn every_tool_needs_its_own_permission_and_no_other() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let dispatcher = &app.dispatcher;
        let known = dispatcher.registry().permissions();
        let read_only = server(&app, MODULES, &all(), read_only());
        let (_, reader) = app.key(&["read-only"]).await;
        let (_, full) = app.key(&["full"]).await;
        for (entry, arguments) in tries(&app).await {
            let (name, permission) = (entry.spec.name, entry.spec.permission.name());
            let (_, just) = app.key(&[permission]).await;
            let others: Vec<&str> = known
                .iter()
                .copied()
                .filter(|other| *other != permission)
                .collect();
            let (_, others) = app.key(&others).await;
            let reads = entry.spec.effect.reads_only();
            for (who, caller, may) in [
                // Who may only read answers nothing either.
                ("just", &just, !entry.spec.is_for_readers),
                ("others", &others, false),
                ("read-only", &reader, reads),
                ("full", &full, true),
            ] {
                let seen = dispatcher
                    .visible(caller)
                    .any(|visible| visible.spec.name == name);
                assert_eq!(seen, may, "{name} is listed to {who}");
                match run(dispatcher, caller, name, &arguments).await {
                    Outcome::Done(_) => assert!(may, "{name} ran for {who}"),
                    // These are nothing but what they do to other records; what that takes is looked at in
                    // `privileges`.
                    Outcome::Failed(error) if who == "just" && error.code() == Code::Forbidden => {
                        let only = [
                            "attach_file",
                            "export_data",
                            "get_file",
                            "list_files",
                            "import_data",
                            "merge_candidates",
                            "merge_companies",
                            "merge_contacts",
                            "undo_change",
                            // Nobody gives what they do not have, or arranges what they may not.
                            "update_member",
                            "update_workspace",
                        ];
                        assert!(only.contains(&name), "{name}");
                    }
                    Outcome::Failed(error) => {
                        assert!(
                            !may && error.code() == Code::NotFound,
                            "{name} for {who}: {error:?}"
                        );
                    }
                    Outcome::Ask { .. } => panic!("a dry run asks nobody"),
                }
                // A read-only server says so to whom the tool is known, and nothing to the others.
                let seen = read_only
                    .visible(caller)
                    .any(|visible| visible.spec.name == name);
                assert_eq!(
                    seen,
                    may && reads,
                    "{name} is listed to {who} on a read-only server"
                );
                // To take out a kind, or what is attached to one of it, takes the permission to read it, too.
                let lacks_kind = |code: &Code| {
                    who == "just"
                        && ["export_data", "get_file", "list_files"].contains(&name)
                        && *code == Code::Forbidden
                };
                let code = match run(&read_only, caller, name, &arguments).await {
                    Outcome::Failed(error) => Some(error.code()),
                    _ => None,
                };
                let code = code.filter(|code| !lacks_kind(code));
                let expected = if !may {
                    Some(Code::NotFound)
                } else {
                    (!reads).then_some(Code::ReadOnly)
                };
                assert_eq!(code, expected, "{name} for {who} on a read-only server");
                // So does a caller that forwent writing.
                let narrowed = caller.clone().narrow(None, true).unwrap();
                let code = match run(dispatcher, &narrowed, name, &arguments).await {
                    Outcome::Failed(error) => Some(error.code()),
                    _ => None,
                };
                let code = code.filter(|code| !lacks_kind(code));
                assert_eq!(
                    code, expected,
                    "{name} for {who}, read-only by its own word"
                );
            }
            for module in MODULES {
                let may = module.name == entry.module;
                let narrowed = full
                    .clone()
                    .narrow(Some(&[module.name.into()]), false)
                    .unwrap();
                let outcome = run(dispatcher, &narrowed, name, &arguments).await;
                let done = matches!(outcome, Outcome::Done(_));
                // A suggestion is about records of another group, and where that is left out there is none.
                let is_blind = name == "acknowledge_suggestion" && may;
                // What was done in a group that is left out is not undone either, nor brought in or taken out.
                let others = ["export_data", "import_data", "undo_change"];
                let left_out = others.contains(&name)
                    && matches!(&outcome, Outcome::Failed(error) if error.code() == Code::Forbidden);
                assert_eq!(
                    done || left_out || is_blind,
                    may,
                    "{name} within {}",
                    module.name
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_off_and_not_permitted_are_one_answer() {
    let app = TestApp::new(ENGINES[0], MODULES).await;
    let dispatcher = &app.dispatcher;
    let owner = app.owner().await;
    let known = dispatcher.registry().permissions();
    let nothing = Map::new();
    for entry in dispatcher.registry().entries() {
        let (name, permission) = (entry.spec.name, entry.spec.permission);
        let others: Vec<&str> = known
            .iter()
            .copied()
            .filter(|other| *other != permission.name())
            .collect();
        let (_, denied) = app.key(&others).await;
        let denied = refused(dispatcher, &denied, name, &nothing).await.to_json();

        // The same tools are left where all with this permission are off.
        let same = dispatcher
            .registry()
            .entries()
            .filter(|other| other.spec.permission == permission);
        let exclude_tools = same.map(|other| other.spec.name.to_owned()).collect();
        let selection = Selection {
            exclude_tools,
            ..all()
        };
        let off = server(&app, MODULES, &selection, Settings::default());
        assert_eq!(
            refused(&off, &owner, name, &nothing).await.to_json(),
            denied,
            "{name} is off"
        );
        assert_eq!(denied["error"]["code"], "RESOURCE_NOT_FOUND");
        assert!(denied["error"].get("field").is_none());
    }
    for module in MODULES {
        // A server that was built without the module, against a key and a request that leave it out.
        let others: Vec<Module> = MODULES
            .iter()
            .filter(|other| other.name != module.name)
            .copied()
            .collect();
        let without = server(&app, &others, &all(), Settings::default());
        let features: Vec<String> = others.iter().map(|other| other.name.into()).collect();
        let narrowed = owner.clone().narrow(Some(&features), false).unwrap();
        let off = server(
            &app,
            MODULES,
            &Selection {
                features,
                ..Selection::default()
            },
            Settings::default(),
        );
        for make in module.tools {
            let name = make().spec.name;
            let unknown = refused(&without, &owner, name, &nothing).await.to_json();
            assert_eq!(
                refused(dispatcher, &narrowed, name, &nothing)
                    .await
                    .to_json(),
                unknown,
                "{name}"
            );
            assert_eq!(
                refused(&off, &owner, name, &nothing).await.to_json(),
                unknown,
                "{name}"
            );
        }
    }
    // What a caller makes up comes back shortened and without what nobody sees.
    let error = refused(
        dispatcher,
        &owner,
        &format!("drop\u{202e}{}", "x".repeat(10_000)),
        &nothing,
    )
    .await;
    assert!(
        error.message().len() < 200 && !error.message().contains('\u{202e}'),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_store_has_no_connection_that_writes() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let made = app
            .ok(&owner, "create_contact", json!({"name": "Stays"}))
            .await;
        let options = OpenOptions {
            read_only: true,
            ..OpenOptions::new(app.database.clone())
        };
        let store = Store::open(&options).await.unwrap();
        assert!(store.is_read_only());
        for scope in [Scope::System, Scope::Workspace(owner.workspace.id.raw())] {
            assert_eq!(
                store.write(scope).await.err().unwrap().code(),
                Code::ReadOnly,
                "{engine:?}"
            );
            for statement in [
                "DELETE FROM record_key",
                "UPDATE contact SET name = 'x'",
                "INSERT INTO counter (name, value) VALUES ('x', 1)",
                "CREATE TABLE x (y INTEGER)",
                "DROP TABLE contact",
            ] {
                for (which, store) in [
                    ("a read-only store", &store),
                    ("a read", &app.dispatcher.app().store),
                ] {
                    let mut tx = store.read(scope).await.unwrap();
                    let wrote = sql(statement).run(&mut tx).await;
                    assert!(
                        wrote.is_err(),
                        "{statement} in {which} on {engine:?} as {scope:?}"
                    );
                    tx.rollback().await;
                }
            }
        }
        // A server on it reads, and says what it is.
        let registry = Registry::new(MODULES, &all()).unwrap();
        let dispatcher = Dispatcher::new(store, registry, None, read_only()).unwrap();
        let get = json!({"contact": made["data"]["id"]})
            .as_object()
            .cloned()
            .unwrap();
        let outcome = run(&dispatcher, &owner, "get_contact", &get).await;
        assert!(
            matches!(&outcome, Outcome::Done(answer) if answer["data"]["name"] == "Stays"),
            "{outcome:?}"
        );
        for (entry, arguments) in tries(&app)
            .await
            .iter()
            .filter(|(entry, _)| !entry.spec.effect.reads_only())
        {
            let error = refused(&dispatcher, &owner, entry.spec.name, arguments).await;
            assert_eq!(error.code(), Code::ReadOnly);
            let listed = dispatcher
                .visible(&owner)
                .any(|visible| visible.spec.name == entry.spec.name);
            assert!(!listed, "{}", entry.spec.name);
        }
        // A key works there too, though its use cannot be noted.
        let (key, _) = app.key(&["full"]).await;
        assert!(dispatcher.authenticate(&key, None).await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_narrows_and_never_widens() {
    let app = TestApp::new(ENGINES[0], MODULES).await;
    let mut groups: Vec<Vec<String>> = vec![vec!["default".into()], vec!["all".into()]];
    groups.extend(MODULES.iter().map(|module| vec![module.name.into()]));
    let mut asked: Vec<Option<Vec<String>>> = vec![None, Some(vec!["no-such-group".into()])];
    asked.extend(
        MODULES
            .iter()
            .map(|module| Some(vec![format!(" {} ", module.name)])),
    );
    asked.push(Some(
        MODULES.iter().map(|module| module.name.into()).collect(),
    ));
    let mut callers = vec![app.owner().await];
    for permissions in [["read-only"], ["full"], ["contacts:write"]] {
        callers.push(app.key(&permissions).await.1);
    }
    let nothing = Map::new();
    let mut narrower = 0;
    for features in &groups {
        for server_reads in [false, true] {
            let selection = Selection {
                features: features.clone(),
                ..Selection::default()
            };
            let settings = Settings {
                read_only: server_reads,
                ..Settings::default()
            };
            let dispatcher = server(&app, MODULES, &selection, settings);
            for caller in &callers {
                let whole = names(&dispatcher, caller);
                for wanted in &asked {
                    for reads in [false, true] {
                        let narrowed = caller.clone().narrow(wanted.as_deref(), reads).unwrap();
                        let seen = names(&dispatcher, &narrowed);
                        assert!(
                            seen.is_subset(&whole),
                            "{features:?} {wanted:?}: {seen:?} of {whole:?}"
                        );
                        narrower += usize::from(seen.len() < whole.len());
                        for entry in dispatcher.registry().entries() {
                            let name = entry.spec.name;
                            let asked_for = wanted
                                .as_ref()
                                .is_none_or(|names| names.iter().any(|n| n.trim() == entry.module));
                            let writes = !entry.spec.effect.reads_only();
                            assert_eq!(
                                seen.contains(name),
                                whole.contains(name) && asked_for && !(reads && writes),
                                "{name}"
                            );
                            if !seen.contains(name) {
                                let error = refused(&dispatcher, &narrowed, name, &nothing).await;
                                assert!(
                                    matches!(error.code(), Code::NotFound | Code::ReadOnly),
                                    "{name}: {error:?}"
                                );
                            }
                        }
                        // What was given up once does not come back.
                        let everything: Vec<String> =
                            MODULES.iter().map(|module| module.name.into()).collect();
                        let again = narrowed.clone().narrow(Some(&everything), false).unwrap();
                        assert!(names(&dispatcher, &again).is_subset(&seen));
                    }
                }
            }
        }
    }
    assert!(narrower > 50);
    let empty = [" ".to_owned(), String::new()];
    for nothing in [&empty[..], &[]] {
        let error = app.owner().await.narrow(Some(nothing), false).unwrap_err();
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::Validation, Some("X-Bureau-Features"))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_a_viewer_reads_only() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let (key, _) = app.key(&["full"]).await;
        app.run(sql("UPDATE member SET role = 'viewer'")).await;
        let caller = app.dispatcher.authenticate(&key, None).await.unwrap();
        let error = app
            .error(&caller, "create_contact", json!({"name": "No"}))
            .await;
        assert_eq!(error.code(), Code::NotFound, "{engine:?}");
        app.ok(&caller, "search_contacts", json!({})).await;
    }
}

/// An app where each write is confirmed, and a contact in it.
async fn asking(engine: bureau_kernel::testing::Engine) -> (TestApp, Caller, Value) {
    let settings = Settings {
        confirm: ConfirmPolicy::Writes,
        ..Settings::default()
    };
    let app = TestApp::with(engine, MODULES, settings).await;
    let owner = app.owner().await;
    let made = app
        .ok(
            &owner,
            "create_contact",
            json!({"name": "Ada King", "confirm": true}),
        )
        .await;
    let contact = made["data"]["id"].clone();
    (app, owner, contact)
}

async fn token(app: &TestApp, caller: &Caller, tool: &str, arguments: Value) -> Value {
    let error = app.error(caller, tool, arguments).await;
    assert_eq!(
        (error.code(), error.field_name()),
        (Code::ConfirmationRequired, Some("confirm")),
        "{error:?}"
    );
    assert!(
        error.hint_text().unwrap().contains("confirm: true"),
        "{error:?}"
    );
    error.detail_value("confirm_token").unwrap().clone()
}

fn with(mut arguments: Value, name: &str, value: Value) -> Value {
    arguments[name] = value;
    arguments
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_a_persons_word_follows_the_policy() {
    for (policy, asks) in [
        (ConfirmPolicy::Never, [false, false, false]),
        (ConfirmPolicy::Destructive, [false, false, true]),
        (ConfirmPolicy::Writes, [false, true, true]),
    ] {
        let settings = Settings {
            confirm: policy,
            ..Settings::default()
        };
        let app = TestApp::with(ENGINES[0], MODULES, settings).await;
        let owner = app.owner().await;
        let made = app
            .ok(
                &owner,
                "create_contact",
                json!({"name": "Ada", "confirm": true}),
            )
            .await;
        let contact = made["data"]["id"].clone();
        let calls = [
            ("get_contact", json!({"contact": contact})),
            (
                "update_contact",
                json!({"contact": contact, "city": "London"}),
            ),
            ("delete_contact", json!({"contact": contact})),
        ];
        for ((tool, arguments), asks) in calls.into_iter().zip(asks) {
            // A dry run shows what would happen and needs nobody.
            let tried = with(arguments.clone(), "dry_run", json!(true));
            assert!(
                matches!(app.outcome(&owner, tool, tried).await, Outcome::Done(_)),
                "{tool}"
            );
            let asked = match app.outcome(&owner, tool, arguments).await {
                Outcome::Failed(error) => error.code() == Code::ConfirmationRequired,
                _ => false,
            };
            assert_eq!(asked, asks, "{tool} under {policy:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_is_for_its_caller_tool_and_arguments_only() {
    for engine in ENGINES {
        let (app, owner, contact) = asking(engine).await;
        let (_, key) = app.key(&["full"]).await;
        let (_, other_key) = app.key(&["full"]).await;
        let call = json!({"contact": contact});
        let update = json!({"contact": contact, "city": "London", "tags": ["a", "b"]});
        let given = token(&app, &key, "update_contact", update.clone()).await;
        let other = app
            .ok(
                &owner,
                "create_contact",
                json!({"name": "Alan", "confirm": true}),
            )
            .await;
        for (who, caller, tool, arguments) in [
            ("another key", &other_key, "update_contact", update.clone()),
            ("the operator", &owner, "update_contact", update.clone()),
            ("another tool", &key, "delete_contact", call.clone()),
            (
                "another record",
                &key,
                "update_contact",
                with(update.clone(), "contact", other["data"]["id"].clone()),
            ),
            (
                "another value",
                &key,
                "update_contact",
                with(update.clone(), "city", json!("Paris")),
            ),
            (
                "an additional field",
                &key,
                "update_contact",
                with(update.clone(), "country", json!("GB")),
            ),
            (
                "another order",
                &key,
                "update_contact",
                with(update.clone(), "tags", json!(["b", "a"])),
            ),
            (
                "a version",
                &key,
                "update_contact",
                with(update.clone(), "version", json!(1)),
            ),
            (
                "fewer fields",
                &key,
                "update_contact",
                json!({"contact": contact, "city": "London"}),
            ),
        ] {
            let error = app
                .error(
                    caller,
                    tool,
                    with(arguments, "confirm_token", given.clone()),
                )
                .await;
            let found = (error.code(), error.field_name());
            assert_eq!(
                found,
                (Code::Validation, Some("confirm_token")),
                "{who} on {engine:?}: {error:?}"
            );
        }
        for bad in [
            json!("-"),
            json!("x"),
            json!(format!("{}x", given.as_str().unwrap())),
            json!("x".repeat(100_000)),
        ] {
            let error = app
                .error(
                    &key,
                    "update_contact",
                    with(update.clone(), "confirm_token", bad),
                )
                .await;
            assert_eq!(
                (error.code(), error.field_name()),
                (Code::Validation, Some("confirm_token")),
                "{error:?}"
            );
        }
        let found = app.ok(&owner, "get_contact", call.clone()).await;
        assert_eq!(found["data"]["version"], 1, "nothing was written");
        // The same arguments in another order and form are the same call; it runs once.
        let same = json!({"tags": "[\"a\",\"b\"]", "city": "London", "contact": contact, "country": null, "confirm_token": given});
        app.ok(&key, "update_contact", same.clone()).await;
        let error = app.error(&key, "update_contact", same).await;
        assert_eq!(
            error.field_name(),
            Some("confirm_token"),
            "used twice on {engine:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirmation_lives_five_minutes() {
    assert_eq!(CONFIRMATION_S, 300);
    for engine in ENGINES {
        let (app, owner, contact) = asking(engine).await;
        let call = json!({"contact": contact});
        let before = now();
        let given = token(&app, &owner, "delete_contact", call.clone()).await;
        let store = &app.dispatcher.app().store;
        let mut tx = store.write(Scope::System).await.unwrap();
        let end: Timestamp = sql("SELECT expires_at FROM confirmation")
            .one("expires_at", &mut tx)
            .await
            .unwrap();
        let life = chrono_seconds(CONFIRMATION_S);
        assert!(before + life <= end && end <= now() + life, "{engine:?}");
        sql("UPDATE confirmation SET expires_at = ")
            .value(before)
            .run(&mut tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let error = app
            .error(
                &owner,
                "delete_contact",
                with(call.clone(), "confirm_token", given),
            )
            .await;
        assert_eq!(error.field_name(), Some("confirm_token"), "{engine:?}");
        app.ok(&owner, "get_contact", call).await;
    }
}

/// Seconds as a difference of moments.
fn chrono_seconds(seconds: i64) -> std::time::Duration {
    std::time::Duration::from_secs(seconds.unsigned_abs())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_uses_of_a_confirmation_at_the_same_moment_one_runs() {
    for engine in ENGINES {
        let (app, owner, _) = asking(engine).await;
        for round in 0..10 {
            let call = json!({"name": format!("Once {round}")});
            let given = token(&app, &owner, "create_contact", call.clone()).await;
            let call = with(call, "confirm_token", given);
            let (one, two, three) = tokio::join!(
                app.outcome(&owner, "create_contact", call.clone()),
                app.outcome(&owner, "create_contact", call.clone()),
                app.outcome(&owner, "create_contact", call.clone()),
            );
            let done = [&one, &two, &three]
                .into_iter()
                .filter(|outcome| matches!(outcome, Outcome::Done(_)))
                .count();
            assert_eq!(done, 1, "{engine:?}: {one:?} {two:?} {three:?}");
            let found = app
                .ok(
                    &owner,
                    "search_contacts",
                    json!({"sort": "created_at", "descending": true}),
                )
                .await;
            let name = format!("Once {round}");
            let same = found["data"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|row| row["name"] == name.as_str())
                .count();
            assert_eq!(same, 1, "{engine:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_a_person_can_be_asked_the_models_own_word_does_not_count() {
    for engine in ENGINES {
        let (app, owner, contact) = asking(engine).await;
        let words = [
            json!({"contact": contact}),
            json!({"contact": contact, "confirm": true}),
        ];
        let call = |arguments: &Value, confirm_token: Option<String>| Call {
            tool: "delete_contact".into(),
            arguments: arguments.as_object().cloned().unwrap(),
            can_ask: true,
            confirm_token,
            ..Call::default()
        };
        let mut last = String::new();
        for arguments in &words {
            match app
                .dispatcher
                .call(owner.clone(), call(arguments, None))
                .await
            {
                Outcome::Ask { message, token } => {
                    assert!(message.contains("Ada King"), "{message}");
                    last = token;
                }
                other => panic!("{arguments} on {engine:?}: {other:?}"),
            }
        }
        let made_up = json!({"contact": contact, "confirm": true, "confirm_token": "x"});
        match app
            .dispatcher
            .call(owner.clone(), call(&made_up, None))
            .await
        {
            Outcome::Failed(error) => assert_eq!(error.field_name(), Some("confirm_token")),
            other => panic!("{other:?}"),
        }
        app.ok(&owner, "get_contact", json!({"contact": contact}))
            .await;
        // A yes counts once.
        let answered = call(&json!({"contact": contact}), Some(last));
        assert!(
            matches!(
                app.dispatcher.call(owner.clone(), answered.clone()).await,
                Outcome::Done(_)
            ),
            "{engine:?}"
        );
        assert!(
            matches!(
                app.dispatcher.call(owner.clone(), answered).await,
                Outcome::Failed(_)
            ),
            "{engine:?}"
        );
    }
}
