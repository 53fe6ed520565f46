//! Idempotency keys: a repeated call is answered, not run again.

use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::{Call, Outcome, Settings};
use bureau_kernel::error::{Code, Error};
use bureau_kernel::store::{Database, Scope, sql};
use bureau_kernel::testing::{ENGINES, Engine, TestApp};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::MODULES;
use crate::campaign::{HANG, call};
use crate::tamper::Raw;

async fn create(app: &TestApp, caller: &Caller, key: &str, name: &str) -> Result<Value, Error> {
    let arguments = json!({ "name": name, "on_duplicate": "create" });
    call(
        &app.dispatcher,
        caller,
        "create_contact",
        Some(key),
        arguments,
    )
    .await
}

async fn count(app: &TestApp, table: &'static str) -> i64 {
    let statement = match table {
        "contact" => sql("SELECT COUNT(*) AS rows FROM contact"),
        "receipt" => sql("SELECT COUNT(*) AS rows FROM receipt"),
        "log" => sql("SELECT COUNT(*) AS rows FROM change_log"),
        _ => sql("SELECT COUNT(*) AS rows FROM change_log WHERE entity = 'contact'"),
    };
    let mut tx = app
        .dispatcher
        .app()
        .store
        .read(Scope::System)
        .await
        .unwrap();
    let rows = statement.one("rows", &mut tx).await.unwrap();
    tx.rollback().await;
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_call_gets_the_same_answer_and_writes_once_also_after_a_restart() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let first = create(&app, &owner, "one", "Ada Once").await.unwrap();
        assert_eq!(
            create(&app, &owner, "one", "Ada Once").await.unwrap(),
            first,
            "on {engine:?}"
        );
        // The key may also stand among the arguments.
        let inside =
            json!({ "name": "Ada Once", "on_duplicate": "create", "idempotency_key": "one" });
        assert_eq!(
            app.ok(&owner, "create_contact", inside).await,
            first,
            "on {engine:?}"
        );
        let (database, folder) = (app.database.clone(), app.folder.clone());
        app.dispatcher.app().store.close().await;
        drop(app);
        let app = TestApp::at(database, folder, MODULES, Settings::default()).await;
        assert_eq!(
            create(&app, &owner, "one", "Ada Once").await.unwrap(),
            first,
            "on {engine:?}, restarted"
        );
        assert_eq!(
            (
                count(&app, "contact").await,
                count(&app, "log of contacts").await
            ),
            (1, 1),
            "on {engine:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_call_of_any_tool_that_writes_is_answered_and_not_run() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        for entry in app.dispatcher.registry().entries() {
            let name = entry.spec.name;
            if entry.spec.effect.reads_only() {
                continue;
            }
            let caller = app.tenant(&name.replace('_', "-")).await;
            let example = app.example_arguments(&caller, name).await.swap_remove(0);
            let again = || {
                let arguments = Value::Object(example.clone());
                call(&app.dispatcher, &caller, name, Some("again"), arguments)
            };
            let first = again().await.unwrap();
            let rows = count(&app, "log").await;
            assert_eq!(again().await.unwrap(), first, "{name} on {engine:?}");
            assert_eq!(count(&app, "log").await, rows, "{name} on {engine:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_repetitions_at_once_get_one_answer_and_write_once() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        for round in 0..5_i64 {
            let mut tasks = JoinSet::new();
            for _ in 0..32 {
                let (dispatcher, owner) = (app.dispatcher.clone(), owner.clone());
                let key = format!("round {round}");
                let arguments = json!({ "name": "Ada Often", "on_duplicate": "create" });
                tasks.spawn(async move {
                    call(&dispatcher, &owner, "create_contact", Some(&key), arguments)
                        .await
                        .unwrap()
                });
            }
            let answers = timeout(HANG, tasks.join_all())
                .await
                .expect("nobody waits for ever");
            assert!(
                answers.iter().all(|answer| *answer == answers[0]),
                "on {engine:?}: {answers:#?}"
            );
            assert_eq!(count(&app, "contact").await, round + 1, "on {engine:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_used_for_another_call_is_a_conflict_and_nothing_is_written() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let made = create(&app, &owner, "one", "Ada Once").await.unwrap();
        let error = create(&app, &owner, "one", "Someone Else")
            .await
            .unwrap_err();
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::Conflict, Some("idempotency_key")),
            "on {engine:?}"
        );
        let update = json!({ "contact": made["data"]["id"], "city": "Elsewhere" });
        let error = call(
            &app.dispatcher,
            &owner,
            "update_contact",
            Some("one"),
            update,
        )
        .await
        .unwrap_err();
        assert_eq!(error.code(), Code::Conflict, "another tool, on {engine:?}");
        assert_eq!(
            (
                count(&app, "contact").await,
                count(&app, "log of contacts").await
            ),
            (1, 1),
            "on {engine:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_of_another_caller_or_workspace_is_another_key() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let tenant = app.tenant("second").await;
        let (_, agent) = app.key(&["create_contacts", "read_contacts"]).await;
        let (_, other) = app.key(&["create_contacts", "read_contacts"]).await;
        let mut ids = std::collections::BTreeSet::new();
        for (caller, name) in [
            (&owner, "Ada"),
            (&tenant, "Berta"),
            (&agent, "Carla"),
            (&other, "Dora"),
        ] {
            let answer = create(&app, caller, "shared", name).await.unwrap();
            assert_eq!(answer["data"]["name"], name, "on {engine:?}");
            assert_eq!(
                create(&app, caller, "shared", name).await.unwrap(),
                answer,
                "on {engine:?}"
            );
            ids.insert(answer["data"]["id"].as_str().unwrap().to_owned());
        }
        assert_eq!(ids.len(), 4, "on {engine:?}");
        assert_eq!(count(&app, "contact").await, 4, "on {engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_wrote_nothing_leaves_no_receipt() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let trial = json!({ "name": "Ada Trial", "dry_run": true });
        let tried = call(
            &app.dispatcher,
            &owner,
            "create_contact",
            Some("one"),
            trial,
        )
        .await
        .unwrap();
        assert_eq!(tried["dry_run"], true);
        let wrong = json!({ "name": "Ada Trial", "score": 5000 });
        let error = call(
            &app.dispatcher,
            &owner,
            "create_contact",
            Some("one"),
            wrong,
        )
        .await
        .unwrap_err();
        assert_eq!(error.code(), Code::Validation);
        assert_eq!(
            (count(&app, "receipt").await, count(&app, "contact").await),
            (0, 0),
            "on {engine:?}"
        );
        // The key is as new.
        create(&app, &owner, "one", "Ada Real").await.unwrap();
        assert_eq!(
            (count(&app, "receipt").await, count(&app, "contact").await),
            (1, 1),
            "on {engine:?}"
        );
        // A trial with a used key is a trial, not the old answer.
        let trial = json!({ "name": "Ada Real", "on_duplicate": "create", "dry_run": true });
        let tried = call(
            &app.dispatcher,
            &owner,
            "create_contact",
            Some("one"),
            trial,
        )
        .await
        .unwrap();
        assert_eq!(tried["dry_run"], true, "on {engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_receipts_count_no_more_and_vanish() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        create(&app, &owner, "old", "Ada Old").await.unwrap();
        create(&app, &owner, "older", "Ada Older").await.unwrap();
        let mut raw = Raw::new(&app.database).await;
        let earlier = match engine {
            Engine::Sqlite => "created_at - 49 * 3600000000",
            Engine::Postgres => "now() - INTERVAL '49 hours'",
        };
        raw.run(&format!("UPDATE receipt SET created_at = {earlier}"))
            .await;
        // Two days later the key is free for another call, whoever comes first.
        let answer = create(&app, &owner, "old", "Berta New").await.unwrap();
        assert_eq!(answer["data"]["name"], "Berta New", "on {engine:?}");
        assert_eq!(
            count(&app, "receipt").await,
            1,
            "the others are gone too, on {engine:?}"
        );
    }
}

/// Whoever lost the answer to a call that a person has confirmed gets it, and is not asked anew about what is done.
#[tokio::test(flavor = "multi_thread")]
async fn a_confirmed_call_whose_answer_was_lost_gets_its_first_answer() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let company =
            json!({ "name": "Acme", "street": "1 Main St", "city": "Berlin", "country": "DE" });
        let company = app.data(&owner, "create_company", company).await;
        let lines = json!([{ "description": "Work", "unit_price": "100", "tax_rate": "19" }]);
        let draft = json!({ "company": company["id"], "lines": lines });
        let draft = app.data(&owner, "create_invoice", draft).await;
        let contact = create(&app, &owner, "made", "Ada Lost").await.unwrap();
        for (tool, arguments) in [
            (
                "delete_contact",
                json!({ "contact": contact["data"]["id"] }),
            ),
            ("issue_invoice", json!({ "invoice": draft["id"] })),
        ] {
            let call = |confirm_token: Option<String>| Call {
                tool: tool.into(),
                arguments: arguments.as_object().cloned().unwrap(),
                idempotency_key: Some(format!("lost {tool}")),
                can_ask: true,
                confirm_token,
                ..Call::default()
            };
            let token = match app.dispatcher.call(owner.clone(), call(None)).await {
                Outcome::Ask { token, .. } => token,
                other => panic!("{tool} on {engine:?}: {other:?}"),
            };
            let again = |token: Option<String>| app.dispatcher.call(owner.clone(), call(token));
            let first = match again(Some(token.clone())).await {
                Outcome::Done(answer) => answer,
                other => panic!("{tool} on {engine:?}: {other:?}"),
            };
            let rows = count(&app, "log").await;
            // Also while somebody else writes.
            let scope = Scope::Workspace(owner.workspace.id.raw());
            let writer = app.dispatcher.app().store.write(scope).await.unwrap();
            for token in [None, Some(token)] {
                match timeout(HANG, again(token)).await.unwrap() {
                    Outcome::Done(answer) => assert_eq!(answer, first, "{tool} on {engine:?}"),
                    other => panic!("{tool} on {engine:?}: {other:?}"),
                }
            }
            writer.rollback().await;
            assert_eq!(count(&app, "log").await, rows, "{tool} on {engine:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_does_not_outlive_its_purged_record() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let made = create(&app, &owner, "one", "Erasmus Vanishing")
            .await
            .unwrap();
        create(&app, &owner, "two", "Ada Staying").await.unwrap();
        let purge = json!({ "contact": made["data"]["id"], "purge": true, "confirm": true });
        app.ok(&owner, "delete_contact", purge).await;
        let rows = app.rows(sql("SELECT answer FROM receipt")).await;
        let answers: Vec<String> = rows.iter().map(|row| row.get("answer").unwrap()).collect();
        assert!(
            answers.len() == 1 && answers[0].contains("Ada Staying"),
            "on {engine:?}: {answers:?}"
        );
        if let Database::Sqlite(_) = app.database {
            assert!(
                app.dispatcher
                    .app()
                    .store
                    .integrity()
                    .await
                    .unwrap()
                    .is_empty()
            );
        }
    }
}
