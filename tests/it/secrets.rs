//! What must never leave: keys, their hashes, and what is in records and calls. Not into the log, and keys not even into
//! the database.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use bureau_kernel::admin::{self, NewKey};
use bureau_kernel::error::Code;
use bureau_kernel::key;
use bureau_kernel::permission::Grants;
use bureau_kernel::store::Database;
use bureau_kernel::testing::{ENGINES, Engine, TestApp};
use bureau_kernel::types::time::now;
use serde_json::json;
use tempfile::TempDir;
use tracing_subscriber::filter::LevelFilter;

use crate::MODULES;
use crate::campaign::{Process, call, indexed, open, say, worker};
use crate::tamper::Raw;

/// What stands in records and calls of this test and nowhere else.
const CANARIES: &[&str] = &[
    "Canariensis",
    "serinus@canary.example",
    "4155552671",
    "415 555 2671",
    "sings before the mine",
    "Tenerife",
    "canary-idempotency",
    "canary_tool",
    "canary_field",
    "canary-confirm-token",
];

/// Writes every line of every level of the process into a file.
pub(crate) fn capture(folder: &Path) {
    let file = fs::File::options()
        .create(true)
        .append(true)
        .open(folder.join("log"))
        .unwrap();
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || {
            file.try_clone()
                .map(|file| Box::new(file) as Box<dyn Write>)
                .unwrap()
        })
        .init();
}

/// Calls that succeed and calls that fail at every step, all with canaries; says the key that it used.
pub(crate) async fn calls(database: &Database, folder: &Path) {
    let dispatcher = open(database, folder).await;
    let store = &dispatcher.app().store;
    let new = NewKey {
        name: "agent".into(),
        grants: Grants::Everything,
        workspaces: vec!["main".into()],
        member: None,
        expires_at: None,
        confirm: None,
        calls_per_hour: None,
    };
    let (text, info) = admin::create_key(store, new).await.unwrap();
    say(&format!("key {text}"));
    let agent = dispatcher.authenticate(&text, None).await.unwrap();
    let wrong = key::generate();
    say(&format!("key {wrong}"));
    dispatcher.authenticate(&wrong, None).await.unwrap_err();
    dispatcher
        .authenticate("canary_tool", None)
        .await
        .unwrap_err();

    let person = json!({
        "first_name": "Serinus", "last_name": "Canariensis", "emails": ["serinus@canary.example"],
        "phones": ["+1 415 555 2671"], "city": "Tenerife", "summary": "sings before the mine",
    });
    let made = call(
        &dispatcher,
        &agent,
        "create_contact",
        Some("canary-idempotency"),
        person.clone(),
    )
    .await
    .unwrap();
    let contact = made["data"]["id"].clone();
    call(
        &dispatcher,
        &agent,
        "create_contact",
        Some("canary-idempotency"),
        person.clone(),
    )
    .await
    .unwrap();
    indexed(&dispatcher).await;
    for (tool, arguments) in [
        ("search_contacts", json!({ "query": "Canariensis" })),
        (
            "search_contacts",
            json!({ "query": "4155552671", "city": "Tenerife" }),
        ),
        ("get_contact", json!({ "contact": contact })),
        (
            "update_contact",
            json!({ "contact": contact, "title": "sings before the mine" }),
        ),
        ("list_changes", json!({})),
        ("find_duplicate_contacts", json!({})),
    ] {
        call(&dispatcher, &agent, tool, None, arguments)
            .await
            .unwrap();
    }
    for (tool, arguments, code) in [
        ("create_contact", person.clone(), Code::Conflict),
        (
            "create_contact",
            json!({ "name": "Canariensis", "score": "Tenerife" }),
            Code::Validation,
        ),
        (
            "create_contact",
            json!({ "name": "Canariensis", "canary_field": "Tenerife" }),
            Code::Validation,
        ),
        (
            "create_contact",
            json!({ "name": "Canariensis", "types": ["canary_field"] }),
            Code::Validation,
        ),
        (
            "update_contact",
            json!({ "contact": contact, "city": "Tenerife", "version": 9 }),
            Code::Conflict,
        ),
        (
            "get_contact",
            json!({ "contact": "Canariensis" }),
            Code::NotFound,
        ),
        (
            "delete_contact",
            json!({ "contact": contact }),
            Code::ConfirmationRequired,
        ),
        (
            "delete_contact",
            json!({ "contact": contact, "confirm_token": "canary-confirm-token" }),
            Code::Validation,
        ),
        ("canary_tool", person.clone(), Code::NotFound),
    ] {
        let error = call(&dispatcher, &agent, tool, None, arguments)
            .await
            .unwrap_err();
        assert_eq!(error.code(), code, "{error:?}");
    }
    // The worst: the engine itself refuses, and that is logged with its cause.
    let mut raw = Raw::new(database).await;
    let refuse = match database {
        Database::Sqlite(_) => {
            "CREATE TRIGGER refuse BEFORE INSERT ON contact BEGIN SELECT RAISE(ABORT, 'the engine refuses'); END"
        }
        Database::Postgres(_) => {
            "ALTER TABLE contact ADD CONSTRAINT the_engine_refuses CHECK (name = 'x') NOT VALID"
        }
    };
    raw.run(refuse).await;
    let mut other = person;
    other["on_duplicate"] = json!("create");
    let error = call(
        &dispatcher,
        &agent,
        "create_contact",
        Some("canary-idempotency 2"),
        other,
    )
    .await
    .unwrap_err();
    assert_eq!(error.code(), Code::Internal, "{error:?}");
    let query = json!({ "query": "Canariensis" });
    let found = call(&dispatcher, &agent, "search_contacts", None, query.clone());
    let found = found.await.unwrap();
    assert_eq!(
        found["data"][0]["id"], contact,
        "it is in the index: {found}"
    );
    let broken = match database {
        Database::Sqlite(_) => "DROP TRIGGER refuse; UPDATE contact SET phones = '[Tenerife'",
        Database::Postgres(_) => {
            "ALTER TABLE contact DROP CONSTRAINT the_engine_refuses; UPDATE contact SET phones = '[{\"phone\": [\"Tenerife\"]}]'"
        }
    };
    raw.run(broken).await;
    let error = call(
        &dispatcher,
        &agent,
        "get_contact",
        None,
        json!({ "contact": contact }),
    )
    .await
    .unwrap_err();
    assert_eq!(error.code(), Code::Unreadable, "{error:?}");
    let answer = call(&dispatcher, &agent, "search_contacts", None, query)
        .await
        .unwrap();
    assert_eq!(
        answer["notices"][0]["code"], "RECORD_UNREADABLE",
        "{answer}"
    );

    admin::revoke_key(store, &info.id.to_string())
        .await
        .unwrap();
    dispatcher.authenticate(&text, None).await.unwrap_err();
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_log_line_of_any_level_holds_a_key_or_what_is_in_records_and_calls() {
    for engine in ENGINES {
        let folder = TempDir::new().unwrap();
        let database = match engine {
            Engine::Sqlite => Database::Sqlite(folder.path().join("bureau.sqlite")),
            Engine::Postgres => {
                Database::Postgres(bureau_kernel::testing_postgres::fresh_database().await)
            }
        };
        let said = Process::start(worker("secrets", &database, folder.path())).finish();
        let keys: Vec<&str> = said
            .iter()
            .filter_map(|line| line.strip_prefix("key "))
            .collect();
        assert_eq!(keys.len(), 2);
        let log = fs::read_to_string(folder.path().join("log")).unwrap();
        // The log is alive: it has the failed calls with their causes.
        assert!(
            log.contains("a call failed")
                && log.contains("create_contact")
                && log.contains("refuses"),
            "{log}"
        );
        let mut secrets: Vec<String> = CANARIES.iter().map(|canary| (*canary).to_owned()).collect();
        for key in keys {
            secrets.extend([
                key.to_owned(),
                hex(&key::hash(key)),
                hex(&key::hash(key)).to_uppercase(),
            ]);
        }
        if let Database::Postgres(url) = &database {
            let (_, password) = url.split_once('@').unwrap().0.rsplit_once(':').unwrap();
            secrets.push(password.to_owned());
        }
        let folded = log.to_lowercase();
        for secret in secrets {
            let line = folded
                .lines()
                .find(|line| line.contains(&secret.to_lowercase()));
            assert_eq!(line, None, "on {engine:?}, {secret} is in the log");
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

fn holds(folder: &Path, text: &str) -> Vec<PathBuf> {
    let holds = |path: &PathBuf| {
        fs::read(path)
            .unwrap()
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    files(folder).into_iter().filter(holds).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_file_holds_the_text_of_a_key() {
    let app = TestApp::new(Engine::Sqlite, MODULES).await;
    let (text, agent) = app.key(&["read_contacts", "create_contacts"]).await;
    app.ok(
        &agent,
        "create_contact",
        json!({ "name": "Serinus Canariensis" }),
    )
    .await;
    indexed(&app.dispatcher).await;
    // The scan sees what is there.
    assert!(!holds(app.folder.path(), "Serinus Canariensis").is_empty());
    assert!(app.folder.path().join("bureau.sqlite-wal").exists());
    let secret = text.strip_prefix(key::PREFIX).unwrap();
    for part in [secret, &secret[..16], &secret[16..32]] {
        assert_eq!(holds(app.folder.path(), part), Vec::<PathBuf>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_and_an_expired_key_stop_working_at_once() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let store = &app.dispatcher.app().store;
        let (revoked, agent) = app.key(&["read_contacts"]).await;
        admin::revoke_key(store, &agent.key.unwrap().to_string())
            .await
            .unwrap();
        let (expired, agent) = app.key(&["read_contacts"]).await;
        let mut raw = Raw::new(&app.database).await;
        let past = match engine {
            Engine::Sqlite => (now().timestamp_micros() - 1).to_string(),
            Engine::Postgres => "now() - INTERVAL '1 microsecond'".into(),
        };
        raw.run(&format!(
            "UPDATE api_key SET expires_at = {past} WHERE id = {}",
            agent.key.unwrap().raw()
        ))
        .await;
        for key in [revoked, expired] {
            let error = app.dispatcher.authenticate(&key, None).await.unwrap_err();
            assert_eq!(error.code(), Code::Unauthorized, "on {engine:?}");
        }
        // Another key is as good as before.
        app.key(&["read_contacts"]).await;
    }
}
