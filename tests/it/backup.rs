//! `bureau backup` and `bureau restore`: everything is there again, on either engine, and nothing is lost by trying.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bureau_kernel::admin::{self, AttributeDefinition, NewTeam, RateInfo};
use bureau_kernel::anchor::{self, Key};
use bureau_kernel::backup;
use bureau_kernel::dispatch::{Call, Outcome, Settings};
use bureau_kernel::error::Code;
use bureau_kernel::store::{Database, OpenOptions, Scope, Store, sql};
use bureau_kernel::testing::{ENGINES, Engine, TestApp};
use bureau_kernel::testing_postgres::fresh_database;
use serde_json::{Value, json};
use sqlx::postgres::PgRow;
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Row as _, SqlSafeStr as _, TypeInfo as _, ValueRef as _,
};
use tempfile::TempDir;

use crate::MODULES;
use crate::campaign::{Known, Process, call, check, check_log, sealed, whole_registry, worker};
use crate::seller::set_logo;
use crate::tamper::Raw;

const PROGRAM: &str = env!("CARGO_BIN_EXE_bureau");

/// Every row of every table, each as one text that is the same on both engines.
type Dump = BTreeMap<String, BTreeSet<String>>;

/// Reads a database beside Bureau, by ways of the test's own.
async fn dump(database: &Database) -> Dump {
    let mut raw = Raw::new(database).await;
    let mut dump = Dump::new();
    match &mut raw {
        Raw::Sqlite(conn) => {
            let tables: Vec<String> = sqlx::query_scalar(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_'",
            )
            .fetch_all(&mut *conn)
            .await
            .unwrap();
            for table in tables {
                let text = AssertSqlSafe(format!("SELECT * FROM \"{table}\"")).into_sql_str();
                let rows = sqlx::query(text).fetch_all(&mut *conn).await.unwrap();
                dump.insert(table, rows.iter().map(of_sqlite).collect());
            }
        }
        Raw::Postgres(conn) => {
            let columns: Vec<(String, String, String)> = sqlx::query_as(
                "SELECT table_name::TEXT, column_name::TEXT, data_type::TEXT FROM information_schema.columns
                 WHERE table_schema = 'public'",
            )
            .fetch_all(&mut *conn)
            .await
            .unwrap();
            let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for (table, column, kind) in columns {
                let read = match kind.as_str() {
                    "timestamp with time zone" => {
                        format!("(extract(epoch FROM \"{column}\") * 1000000)::BIGINT::TEXT")
                    }
                    "boolean" => format!("\"{column}\"::INT::TEXT"),
                    "bytea" => format!("encode(\"{column}\", 'hex')"),
                    _ => format!("\"{column}\"::TEXT"),
                };
                let read = format!("{read} AS \"{column}\"");
                tables.entry(table).or_default().push(read);
            }
            for (table, columns) in tables {
                let text = format!("SELECT {} FROM \"{table}\"", columns.join(", "));
                let text = AssertSqlSafe(text).into_sql_str();
                let rows = sqlx::query(text).fetch_all(&mut *conn).await.unwrap();
                dump.insert(table, rows.iter().map(of_postgres).collect());
            }
        }
    }
    dump.remove("_sqlx_migrations").unwrap();
    dump
}

fn of_sqlite(row: &SqliteRow) -> String {
    let value = |index: usize| {
        let raw = row.try_get_raw(index).unwrap();
        if raw.is_null() {
            return None;
        }
        match raw.type_info().name() {
            "INTEGER" => Some(row.get_unchecked::<i64, _>(index).to_string()),
            "BLOB" => Some(hex(row.get_unchecked::<&[u8], _>(index))),
            "TEXT" => Some(row.get_unchecked::<String, _>(index)),
            other => panic!("a column holds {other}"),
        }
    };
    line(row, value)
}

fn of_postgres(row: &PgRow) -> String {
    line(row, |index| row.get::<Option<String>, _>(index))
}

fn line<R: sqlx::Row>(row: &R, value: impl Fn(usize) -> Option<String>) -> String {
    use sqlx::Column as _;
    let columns = row.columns().iter();
    let cells: BTreeMap<_, _> = columns
        .map(|column| (column.name(), value(column.ordinal()).map(normal)))
        .collect();
    format!("{cells:?}")
}

/// JSON with its keys in order: JSONB does not keep the order in which they were written.
fn normal(text: String) -> String {
    fn sorted(value: Value) -> Value {
        match value {
            Value::Object(map) => {
                let map: BTreeMap<_, _> =
                    map.into_iter().map(|(key, v)| (key, sorted(v))).collect();
                Value::Object(map.into_iter().collect())
            }
            Value::Array(list) => list.into_iter().map(sorted).collect(),
            other => other,
        }
    }
    if !text.starts_with(['{', '[']) {
        return text;
    }
    serde_json::from_str(&text).map_or(text, |value| sorted(value).to_string())
}

/// The two hold the same; else the rows that only one of them has.
#[track_caller]
fn assert_same(found: &Dump, expected: &Dump, when: &str) {
    if found == expected {
        return;
    }
    let only = |one: &Dump, other: &Dump| -> Vec<String> {
        let empty = BTreeSet::new();
        let rows = one.iter().flat_map(|(table, rows)| {
            let others = other.get(table).unwrap_or(&empty);
            let more = rows.difference(others).take(2);
            more.map(move |row| format!("{table}: {row:.600}"))
        });
        rows.collect()
    };
    panic!(
        "{when}: not expected\n{:#?}\nnot found\n{:#?}",
        only(found, expected),
        only(expected, found)
    );
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The program, with this database and a data folder of its own.
pub(crate) fn program(database: &Database, folder: &Path, arguments: &[&str]) -> Command {
    let address = match database {
        Database::Sqlite(path) => format!("sqlite:{}", path.display()),
        Database::Postgres(url) => url.clone(),
    };
    let mut command = Command::new(PROGRAM);
    command
        .args(arguments)
        .env_clear()
        .env("HOME", folder)
        .env("BUREAU_DATABASE_URL", address)
        .env("BUREAU_DATA_DIR", folder.join("data"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub(crate) struct End {
    code: Option<i32>,
    out: String,
    err: String,
}

impl End {
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        assert_eq!(
            (self.code, self.err.as_str()),
            (Some(0), ""),
            "{}",
            self.out
        );
        serde_json::from_str(&self.out).unwrap()
    }

    /// It was refused, for this reason.
    #[track_caller]
    pub(crate) fn refused(self, why: &str) {
        assert_ne!(self.code, Some(0), "{}", self.out);
        assert!(
            self.err.starts_with("bureau: ")
                && self.err.lines().count() == 1
                && self.err.contains(why),
            "{why:?} is not in {}",
            self.err
        );
    }
}

pub(crate) fn run(database: &Database, folder: &Path, arguments: &[&str]) -> End {
    let output = program(database, folder, arguments).output().unwrap();
    End {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// An empty place for a database.
async fn place(engine: Engine, folder: &Path) -> Database {
    match engine {
        Engine::Sqlite => Database::Sqlite(folder.join("new").join("bureau.sqlite")),
        Engine::Postgres => Database::Postgres(fresh_database().await),
    }
}

/// Stops everything that an app has open.
pub(crate) async fn close(app: TestApp) -> (Database, Arc<TempDir>) {
    sealed(&app.dispatcher.app().store).await;
    app.dispatcher.app().store.close().await;
    let TestApp {
        database, folder, ..
    } = app;
    (database, folder)
}

/// An app in which every tool has done something, and a key that opens it.
pub(crate) async fn lived_in(engine: Engine) -> (TestApp, String) {
    let app = TestApp::new(engine, MODULES).await;
    // Whatever modules there are, their tools fill their tables.
    let findings = app.run_examples().await;
    assert!(findings.is_empty(), "{findings:#?}");
    let (key, _) = app.key(&["read_contacts"]).await;
    let owner = app.owner().await;
    let store = &app.dispatcher.app().store;
    for (name, kind) in [("weight", "number"), ("shape", "object")] {
        let definition = AttributeDefinition {
            entity: "contact".into(),
            name: name.into(),
            kind: kind.into(),
            about: Some("原産地".into()),
        };
        admin::define_attribute(store, "main", &["contact"], definition)
            .await
            .unwrap();
    }
    let team = NewTeam {
        name: "Vertrieb Süd".into(),
        about: None,
        lead: Some("Owner".into()),
    };
    admin::create_team(store, "main", team).await.unwrap();
    set_logo(&app, &owner).await;
    let key_of_anchors = Key::new("a key of this test").unwrap();
    let moment = chrono::Utc::now();
    anchor::take(store, &key_of_anchors, moment).await.unwrap();
    let mut ids = Vec::new();
    for (name, summary) in [
        ("José Ñandú", "back\\slash\ttab\nline \\N \\. end"),
        ("山田 太郎", "𝄞 العربية \"quoted\" 'single'"),
        ("Ольга Петрова", "{not json"),
        ("שרה כהן", "[also not"),
        ("José Ñandu", "twin"),
        ("Gone Away", "archived"),
        ("Gone Forever", "purged"),
    ] {
        let made = app
            .ok(
                &owner,
                "create_contact",
                json!({
                    "name": name, "summary": summary, "on_duplicate": "create", "tags": ["été", "日本"],
                    "attributes": { "weight": 0.1, "shape": { "z": [1e21, -0.5, 9_007_199_254_740_993_i64], "a": null } },
                }),
            )
            .await;
        ids.push(made["data"]["id"].clone());
    }
    // A circle, and a reference to a record that comes later.
    for (of, to) in [(0, 1), (1, 2), (2, 0)] {
        let superior = json!({ "contact": ids[of], "reports_to": ids[to] });
        app.ok(&owner, "update_contact", superior).await;
    }
    let merge = json!({ "keep": ids[0], "merge": [ids[4]], "confirm": true });
    app.ok(&owner, "merge_contacts", merge).await;
    let archive = json!({ "contact": ids[5], "confirm": true });
    app.ok(&owner, "delete_contact", archive).await;
    let purge = json!({ "contact": ids[6], "purge": true, "confirm": true });
    app.ok(&owner, "delete_contact", purge).await;
    // A receipt, and a call that waits for its confirmation.
    let again = json!({ "name": "Once Only" });
    call(
        &app.dispatcher,
        &owner,
        "create_contact",
        Some("once"),
        again,
    )
    .await
    .unwrap();
    let asks = Call {
        tool: "delete_contact".into(),
        arguments: json!({ "contact": ids[3] }).as_object().cloned().unwrap(),
        ..Call::default()
    };
    let asked = app.dispatcher.call(owner.clone(), asks).await;
    assert!(!matches!(asked, Outcome::Done(_)), "{asked:?}");
    let rate = RateInfo {
        currency: "USD".into(),
        day: "2024-02-29".parse().unwrap(),
        rate: "0.920412345678".into(),
        source: "日本銀行".into(),
    };
    admin::set_rate(store, "main", rate).await.unwrap();
    app.tenant("second").await;
    sealed(store).await;
    // What no tool writes: a time before the epoch, and one with every digit.
    let mut raw = Raw::new(&app.database).await;
    let (before, digits) = match engine {
        Engine::Sqlite => ("-1", "4102444799999999"),
        Engine::Postgres => (
            "'1969-12-31 23:59:59.999999Z'",
            "'2099-12-31 23:59:59.999999Z'",
        ),
    };
    raw.run(&format!("UPDATE api_key SET last_used_at = {before}"))
        .await;
    // Scheduled work that failed.
    raw.run(&format!(
        "INSERT INTO job (workspace, name, record, enqueued_at, run_after, attempts, last_error)
         SELECT id, 'remind', 1, {before}, {digits}, 3, 'Émile' FROM workspace"
    ))
    .await;
    // A link to which nobody has sent a file.
    let secret = match engine {
        Engine::Sqlite => "X'00FF'",
        Engine::Postgres => "'\\x00ff'",
    };
    raw.run(&format!(
        "INSERT INTO file_link (workspace, token, member, about, name, expires_at)
         SELECT workspace, {secret}, MIN(id), 'con_1', 'Été.pdf', {digits} FROM member GROUP BY workspace"
    ))
    .await;
    // A follower of the log that has come some way.
    raw.run(
        "INSERT INTO follower (workspace, name, position) SELECT id, 'greet', 7 FROM workspace",
    )
    .await;
    (app, key)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_of_every_table_comes_back_whichever_engine_it_goes_to() {
    for from in ENGINES {
        let (app, key) = lived_in(from).await;
        let (source, folder) = close(app).await;
        let before = dump(&source).await;
        for (table, rows) in &before {
            assert!(
                !rows.is_empty(),
                "nothing in {table}: this test must fill it"
            );
        }
        let file = folder.path().join("all.backup");
        let name = file.to_str().unwrap();
        let said = run(&source, folder.path(), &["backup", name, "--json"]).json();
        let rows: usize = before.values().map(BTreeSet::len).sum();
        let of_log = &before["change_log"];
        assert_eq!(
            (
                &said["file"],
                &said["tables"],
                &said["rows"],
                &said["change_log_rows"]
            ),
            (
                &json!(name),
                &json!(before.len()),
                &json!(rows),
                &json!(of_log.len())
            )
        );
        let ends = said["change_log_hash"].clone();
        assert_eq!(ends.as_str().map(str::len), Some(64), "{ends}");
        assert_eq!(said["bytes"], json!(file.metadata().unwrap().len()));
        assert!(said["created_at"].as_str().unwrap().ends_with('Z'));
        assert_same(&dump(&source).await, &before, "a backup changes nothing");
        for to in ENGINES {
            let target = place(to, folder.path()).await;
            let said = run(&target, folder.path(), &["restore", name, "--json"]).json();
            assert_eq!(said["rows"], json!(rows));
            assert_eq!(
                said["change_log_hash"], ends,
                "the logs end where they ended"
            );
            assert_same(
                &dump(&target).await,
                &before,
                &format!("from {from:?} to {to:?}"),
            );
            if let Raw::Postgres(conn) = &mut Raw::new(&target).await {
                let left =
                    "SELECT COUNT(*) FROM pg_constraint WHERE condeferrable OR NOT convalidated";
                let left: i64 = sqlx::query_scalar(left).fetch_one(conn).await.unwrap();
                assert_eq!(left, 0, "references are checked at once again");
            }
            let checks = run(&target, folder.path(), &["doctor", "--json"]).json();
            assert_eq!(checks["ok"], json!(true), "{checks}");
            lives_on(target, &folder, &key, &before).await;
        }
    }
}

/// The key opens it, calls go on where they were, and what is made now is new.
async fn lives_on(target: Database, folder: &Arc<TempDir>, key: &str, before: &Dump) {
    let app = TestApp::at(target, Arc::clone(folder), MODULES, Settings::default()).await;
    let caller = app.dispatcher.authenticate(key, None).await.unwrap();
    let found = app
        .ok(&caller, "search_contacts", json!({ "query": "山田" }))
        .await;
    assert_eq!(found["data"].as_array().unwrap().len(), 1, "{found}");
    let owner = app.owner().await;
    let person = json!({ "name": "Once Only" });
    let again = call(
        &app.dispatcher,
        &owner,
        "create_contact",
        Some("once"),
        person,
    )
    .await;
    let known = &before["contact"];
    assert!(
        known.iter().any(|row| row.contains("Once Only")) && again.is_ok(),
        "the receipt is there too"
    );
    let new = app
        .ok(&owner, "create_contact", json!({ "name": "Brand New" }))
        .await;
    let id = bureau_kernel::types::id::decode(new["data"]["id"].as_str().unwrap());
    let id = id.unwrap().1.to_string();
    assert!(!before.values().flatten().any(|row| row.contains(&id)));
    assert_eq!(check_log(&app.dispatcher.app().store).await, [""; 0]);
    close(app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_taken_under_load_is_one_moment_of_the_database() {
    const CONTACTS: usize = 2_000;
    for engine in ENGINES {
        let folder = TempDir::new().unwrap();
        let database = match engine {
            Engine::Sqlite => Database::Sqlite(folder.path().join("bureau.sqlite")),
            Engine::Postgres => Database::Postgres(fresh_database().await),
        };
        let mut writer = Process::start(worker("load", &database, folder.path()));
        writer.tell("w");
        writer.leave();
        writer.line(0, "ack").await;
        let mut taken = 0;
        loop {
            // What was acknowledged before must be in it; what was tried until afterwards may be.
            let mut known = Known::default();
            known.learn(&writer.said());
            let acknowledged = known.acknowledged;
            let file = folder.path().join(format!("{taken}.backup"));
            run(
                &database,
                folder.path(),
                &["backup", file.to_str().unwrap(), "--json"],
            )
            .json();
            let mut known = Known::default();
            known.learn(&writer.said());
            assert!(known.failed.is_empty(), "{:?}", known.failed);
            let all = known.acknowledged.len();
            known.acknowledged = acknowledged;
            let options = OpenOptions {
                read_only: true,
                ..OpenOptions::new(Database::Sqlite(file))
            };
            let store = Store::open(&options).await.unwrap();
            let mut findings = check(&store, &known).await;
            findings.extend(check_log(&store).await);
            store.close().await;
            assert!(
                findings.is_empty(),
                "on {engine:?}: {}",
                findings.join("\n")
            );
            taken += 1;
            if all >= CONTACTS {
                break;
            }
        }
        writer.kill();
        assert!(taken > 1, "it was written to all the time");
    }
}

/// An app with many contacts, in a folder of its own.
pub(crate) async fn with_contacts(engine: Engine, prefix: &str, count: usize) -> TestApp {
    let app = TestApp::new(engine, MODULES).await;
    let owner = app.owner().await;
    for number in 0..count {
        let person = json!({
            "name": format!("{prefix} {number}"), "emails": [format!("{prefix}{number}@load.example")],
            "on_duplicate": "create", "summary": "x".repeat(500),
        });
        app.ok(&owner, "create_contact", person).await;
    }
    app
}

fn spawn(database: &Database, folder: &Path, arguments: &[&str]) -> Child {
    program(database, folder, arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Starts it a dozen times and kills it, sooner or later within the time that it takes.
fn killed_somewhere(whole: Duration) -> impl Iterator<Item = Duration> {
    let step = whole / 12;
    (0..12).map(move |cycle| step * cycle + step.mul_f64(rand::random::<f64>()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_killed_leaves_no_file_and_the_database_as_it_was() {
    for engine in ENGINES {
        let (source, folder) = close(with_contacts(engine, "source", 150).await).await;
        let before = dump(&source).await;
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let started = Instant::now();
        run(
            &source,
            folder.path(),
            &["backup", &path("whole"), "--json"],
        )
        .json();
        for (cycle, moment) in killed_somewhere(started.elapsed()).enumerate() {
            let file = path(&format!("{cycle}.backup"));
            let mut process = spawn(&source, folder.path(), &["backup", &file]);
            tokio::time::sleep(moment).await;
            process.kill().unwrap();
            process.wait().unwrap();
            // It is there and whole, or it is not there.
            if Path::new(&file).exists() {
                assert_same(
                    &dump(&Database::Sqlite(file.clone().into())).await,
                    &before,
                    "the file",
                );
            }
            // Whatever is left does not stand in the way of the next one.
            run(
                &source,
                folder.path(),
                &["backup", &file, "--force", "--json"],
            )
            .json();
            assert!(!Path::new(&format!("{file}.partial")).exists());
            assert_same(
                &dump(&Database::Sqlite(file.into())).await,
                &before,
                "the file",
            );
        }
        assert_same(&dump(&source).await, &before, "afterwards");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_is_killed_leaves_the_old_database_or_the_new_one() {
    let (source, folder) = close(with_contacts(Engine::Sqlite, "source", 150).await).await;
    let file = folder
        .path()
        .join("all.backup")
        .to_str()
        .unwrap()
        .to_owned();
    run(&source, folder.path(), &["backup", &file, "--json"]).json();
    let backup = std::fs::read(&file).unwrap();
    let mut new = dump(&source).await;
    new.remove("counter");
    for engine in ENGINES {
        let (target, home) = close(with_contacts(engine, "target", 20).await).await;
        let mut old = dump(&target).await;
        old.remove("counter");
        let restore = ["restore", &file, "--yes", "--replace"];
        let old_file = home.path().join("old.backup").to_str().unwrap().to_owned();
        run(&target, home.path(), &["backup", &old_file, "--json"]).json();
        // How long it takes, on a database like this one.
        let (like, like_home) = close(with_contacts(engine, "target", 20).await).await;
        let started = Instant::now();
        run(
            &like,
            like_home.path(),
            &[&restore[..], &["--json"]].concat(),
        )
        .json();
        for moment in killed_somewhere(started.elapsed()) {
            let mut process = spawn(&target, home.path(), &restore);
            tokio::time::sleep(moment).await;
            process.kill().unwrap();
            process.wait().unwrap();
            let mut found = dump(&target).await;
            found.remove("counter");
            assert!(
                found == old || found == new,
                "on {engine:?} after {moment:?}"
            );
            let checks = run(&target, home.path(), &["doctor", "--json"]).json();
            assert_eq!(checks["ok"], json!(true), "{checks}");
            if found == new {
                // The next cycle begins where this one did.
                let back = ["restore", &old_file, "--yes", "--replace", "--json"];
                run(&target, home.path(), &back).json();
            }
        }
        run(&target, home.path(), &[&restore[..], &["--json"]].concat()).json();
        let mut found = dump(&target).await;
        found.remove("counter");
        assert_same(&found, &new, "at last");
        assert!(
            !leftovers(home.path())
                .iter()
                .any(|name| name.ends_with(".restoring"))
        );
    }
    assert_eq!(
        std::fs::read(&file).unwrap(),
        backup,
        "the backup is as it was"
    );
}

/// Names of all files in a folder and in those in it.
fn leftovers(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            names.extend(leftovers(&entry.path()));
        } else {
            names.push(entry.path().display().to_string());
        }
    }
    names.sort();
    names
}

/// Names of the files in a folder, without those that SQLite has while a database is open.
fn beside(folder: &Path) -> Vec<String> {
    let mut names = leftovers(folder);
    names.retain(|name| {
        !name.contains("/index/") && !name.ends_with("-wal") && !name.ends_with("-shm")
    });
    names
}

/// Changes a backup by hand.
async fn changed(file: &Path, name: &str, statement: &str) -> PathBuf {
    let path = file.with_file_name(name);
    std::fs::copy(file, &path).unwrap();
    let database = Database::Sqlite(path.clone());
    let Raw::Sqlite(mut conn) = Raw::new(&database).await else {
        unreachable!()
    };
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(&mut conn)
        .await
        .unwrap();
    sqlx::Connection::close(conn).await.unwrap();
    // Whoever changes a backup gives it a manifest that says so.
    backup::forge(&path).unwrap();
    path
}

/// The file with one bit changed behind each occurrence of this text: SQLite leaves old bytes between its rows, so the first
/// one may be in none.
fn flipped(file: &Path, name: &str, text: &str) -> PathBuf {
    let mut bytes = std::fs::read(file).unwrap();
    let found: Vec<usize> = bytes
        .windows(text.len())
        .enumerate()
        .filter(|(_, window)| *window == text.as_bytes())
        .map(|(place, _)| place + text.len())
        .collect();
    assert!(!found.is_empty());
    for place in found {
        bytes[place] ^= 1;
    }
    let path = written(file, name, &bytes);
    backup::forge(&path).unwrap();
    path
}

/// A backup in which a row refers to nothing.
async fn dangling(file: &Path) -> PathBuf {
    let path = written(file, "dangling", &std::fs::read(file).unwrap());
    let options = SqliteConnectOptions::new().filename(&path);
    let mut conn = options.foreign_keys(false).connect().await.unwrap();
    sqlx::query("UPDATE contact SET reports_to = 5 WHERE id = (SELECT MIN(id) FROM contact)")
        .execute(&mut conn)
        .await
        .unwrap();
    sqlx::Connection::close(conn).await.unwrap();
    backup::forge(&path).unwrap();
    path
}

/// A table of a backup made anew with another text, its rows as they were.
async fn remade(file: &Path, name: &str, table: &str, from: &str, to: &str) -> PathBuf {
    let edit = format!(
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = replace(sql, '{from}', '{to}') WHERE type = 'table' AND name = '{table}';
         PRAGMA writable_schema = RESET"
    );
    changed(file, name, &edit).await
}

pub(crate) fn written(file: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = file.with_file_name(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// The bytes with one bit of one of them changed.
pub(crate) fn one_bit(bytes: &[u8], place: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[place] ^= 1 << (place % 8);
    bytes
}

/// A pipe that nobody writes to.
fn pipe(path: &Path) -> PathBuf {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    path.to_owned()
}

/// A file that says that it is very large and has nothing in it.
fn sparse(bytes: &[u8], path: &Path) -> PathBuf {
    std::fs::write(path, bytes).unwrap();
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_len(1 << 40).unwrap();
    path.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_whole_backup_is_refused_and_changes_nothing() {
    let (source, folder) = close(with_contacts(Engine::Sqlite, "Marker", 40).await).await;
    let file = folder.path().join("all.backup");
    run(
        &source,
        folder.path(),
        &["backup", file.to_str().unwrap(), "--json"],
    )
    .json();
    let bytes = std::fs::read(&file).unwrap();
    let live = TestApp::new(Engine::Sqlite, MODULES).await;
    let Database::Sqlite(live_path) = live.database.clone() else {
        unreachable!()
    };
    let bad: Vec<(PathBuf, &str)> = vec![
        (folder.path().join("nowhere"), "not there"),
        (written(&file, "empty", b""), "another kind of file"),
        (written(&file, "text", &[b'a'; 5000]), "another kind of file"),
        (written(&file, "short", &bytes[..60]), "another kind of file"),
        (written(&file, "half", &bytes[..bytes.len() / 2]), "not a whole backup"),
        (written(&file, "less", &bytes[..bytes.len() - 4096]), "not a whole backup"),
        (written(&file, "head", &bytes[..100]), "not a whole backup"),
        (flipped(&file, "flipped", "\"name\":\"Marke"), "change log"),
        (
            changed(&file, "edited", "UPDATE change_log SET tool = 'x' WHERE position = 5").await,
            "position 5",
        ),
        (
            changed(&file, "cut", "DELETE FROM change_log WHERE position = 1").await,
            "position 1",
        ),
        (dangling(&file).await, "contact"),
        (
            changed(&file, "trigger", "CREATE TRIGGER t AFTER INSERT ON member BEGIN DELETE FROM contact; END").await,
            "trigger t",
        ),
        (
            changed(&file, "table", "CREATE TABLE more (a)").await,
            "table more",
        ),
        (
            changed(&file, "view", "CREATE VIEW more AS SELECT 1").await,
            "view more",
        ),
        (
            changed(&file, "expression", "CREATE INDEX more ON contact (length(hex(zeroblob(100000000))))").await,
            "index more",
        ),
        (
            changed(&file, "no_index", "DROP INDEX contact_by_name").await,
            "index contact_by_name is missing",
        ),
        (
            changed(&file, "computed", "ALTER TABLE member ADD COLUMN more TEXT AS (hex(zeroblob(100000000)))").await,
            "table member",
        ),
        (
            remade(&file, "check", "member", "role IN", "length(hex(zeroblob(100000000))) > 0 OR role IN").await,
            "table member",
        ),
        (
            remade(&file, "no_check", "member", "CHECK (role IN (''owner'', ''admin'', ''member'', ''viewer''))", "").await,
            "table member",
        ),
        (
            remade(&file, "no_reference", "contact", "FOREIGN KEY (workspace, owner) REFERENCES member (workspace, id),", "").await,
            "table contact",
        ),
        (
            changed(&file, "renamed", "UPDATE contact SET summary = 'forged'").await,
            "summary is not what the change log comes to",
        ),
        (written(&file, "other_bit", &one_bit(&bytes, bytes.len() / 3)), "digest"),
        (written(&file, "longer", &[&bytes[..], b"x"].concat()), "does not end as a backup does"),
        (pipe(&folder.path().join("pipe")), "it is no file"),
        (folder.path().to_owned(), "it is no file"),
        (sparse(&bytes, &folder.path().join("sparse")), "does not end as a backup does"),
        (
            changed(&file, "column", "ALTER TABLE member ADD COLUMN more TEXT").await,
            "table member",
        ),
        (
            changed(
                &file,
                "newer",
                "INSERT INTO _sqlx_migrations SELECT 999999, 'later', installed_on, TRUE, checksum, 0 FROM _sqlx_migrations LIMIT 1",
            )
            .await,
            "newer (999999)",
        ),
        (
            changed(&file, "foreign", "DELETE FROM _sqlx_migrations").await,
            "another program",
        ),
        (
            changed(&file, "forged", "UPDATE _sqlx_migrations SET checksum = zeroblob(48)").await,
            "not this program's",
        ),
        (live_path, "in use"),
        ("-".into(), "not a stream"),
    ];
    for engine in ENGINES {
        let (target, home) = close(with_contacts(engine, "target", 2).await).await;
        let before = (dump(&target).await, beside(home.path()));
        for (bad, why) in &bad {
            let arguments = ["restore", bad.to_str().unwrap(), "--yes", "--replace"];
            run(&target, home.path(), &arguments).refused(why);
            assert_same(&dump(&target).await, &before.0, bad.to_str().unwrap());
            assert_eq!(beside(home.path()), before.1, "after {}", bad.display());
        }
    }
    close(live).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_database_gives_no_backup() {
    let (source, folder) = close(with_contacts(Engine::Sqlite, "Marker", 5).await).await;
    Raw::new(&source)
        .await
        .run("UPDATE change_log SET tool = 'x' WHERE position = 3")
        .await;
    let file = folder.path().join("all.backup");
    run(&source, folder.path(), &["backup", file.to_str().unwrap()]).refused("position 3");
    assert!(
        !leftovers(folder.path())
            .iter()
            .any(|name| name.contains("all.backup"))
    );
    // Neither does one that is not there, and none is made.
    let nowhere = Database::Sqlite(folder.path().join("nowhere.sqlite"));
    run(&nowhere, folder.path(), &["backup", file.to_str().unwrap()]).refused("no database");
    assert!(!folder.path().join("nowhere.sqlite").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_there_is_replaced_only_when_that_is_said() {
    let (source, folder) = close(with_contacts(Engine::Sqlite, "x", 3).await).await;
    let file = folder.path().join("all.backup");
    let name = file.to_str().unwrap();
    std::fs::write(&file, "mine").unwrap();
    run(&source, folder.path(), &["backup", name]).refused("--force");
    assert_eq!(std::fs::read(&file).unwrap(), b"mine");
    run(
        &source,
        folder.path(),
        &["backup", name, "--force", "--json"],
    )
    .json();
    assert_eq!(
        dump(&Database::Sqlite(file.clone())).await,
        dump(&source).await
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "it holds the firm's data");
    }
    let Database::Sqlite(path) = &source else {
        unreachable!()
    };
    let itself = path.to_str().unwrap();
    run(&source, folder.path(), &["backup", itself, "--force"]).refused("own backup");
    run(&source, folder.path(), &["restore", itself, "--yes"]).refused("own backup");
    run(&source, folder.path(), &["backup", "-"]).refused("not a stream");
    let nowhere = folder.path().join("no/such/folder/x");
    run(
        &source,
        folder.path(),
        &["backup", nowhere.to_str().unwrap()],
    )
    .refused("There is no folder");
}

#[tokio::test(flavor = "multi_thread")]
async fn data_is_replaced_only_when_that_is_said_and_nobody_uses_it() {
    let (source, folder) = close(with_contacts(Engine::Sqlite, "source", 5).await).await;
    let file = folder
        .path()
        .join("all.backup")
        .to_str()
        .unwrap()
        .to_owned();
    run(&source, folder.path(), &["backup", &file, "--json"]).json();
    for engine in ENGINES {
        let app = with_contacts(engine, "target", 5).await;
        sealed(&app.dispatcher.app().store).await;
        let before = dump(&app.database).await;
        let (target, home) = (app.database.clone(), Arc::clone(&app.folder));
        let both = ["restore", &file, "--yes", "--replace"];
        run(&target, home.path(), &both).refused("Stop every server");
        assert_same(&dump(&target).await, &before, "afterwards");
        // It is not disturbed either.
        let owner = app.owner().await;
        app.ok(&owner, "create_contact", json!({ "name": "Still Here" }))
            .await;
        close(app).await;
        let before = dump(&target).await;
        run(&target, home.path(), &["restore", &file]).refused(match engine {
            Engine::Sqlite => "--yes",
            Engine::Postgres => "--replace",
        });
        run(&target, home.path(), &["restore", &file, "--replace"]).refused("--yes");
        run(
            &target,
            home.path(),
            &["restore", &file, "--yes", "--read-only"],
        )
        .refused("--read-only");
        assert_same(&dump(&target).await, &before, "afterwards");
        let said = run(&target, home.path(), &[&both[..], &["--json"]].concat()).json();
        let (mut after, mut expected) = (dump(&target).await, dump(&source).await);
        // Identifiers are never made twice: the number of the next process does not go back.
        assert_eq!(after.remove("counter"), before.get("counter").cloned());
        expected.remove("counter");
        assert_same(&after, &expected, "restored");
        if engine == Engine::Sqlite {
            let kept = PathBuf::from(said["kept"].as_str().unwrap());
            assert_same(
                &dump(&Database::Sqlite(kept.clone())).await,
                &before,
                "the file",
            );
            // And it is a backup itself.
            let back = ["restore", kept.to_str().unwrap(), "--yes", "--json"];
            run(&target, home.path(), &back).json();
            assert_same(&dump(&target).await, &before, "afterwards");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_counter_never_goes_back() {
    let (source, folder) = close(with_contacts(Engine::Sqlite, "source", 1).await).await;
    let file = folder
        .path()
        .join("all.backup")
        .to_str()
        .unwrap()
        .to_owned();
    for (in_backup, in_target, expected) in [(7, 900, 900), (900, 7, 900)] {
        let set = |value: i64| format!("UPDATE counter SET value = {value}");
        Raw::new(&source).await.run(&set(in_backup)).await;
        run(
            &source,
            folder.path(),
            &["backup", &file, "--force", "--json"],
        )
        .json();
        for engine in ENGINES {
            let (target, home) = close(with_contacts(engine, "target", 1).await).await;
            Raw::new(&target).await.run(&set(in_target)).await;
            let restore = ["restore", &file, "--yes", "--replace", "--json"];
            run(&target, home.path(), &restore).json();
            let counters = dump(&target).await.remove("counter").unwrap();
            assert_eq!(counters.len(), 1);
            assert!(
                counters
                    .iter()
                    .all(|row| row.contains(&format!("{expected}"))),
                "{counters:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_damaged_beyond_opening_can_still_be_replaced() {
    let (source, folder) = close(with_contacts(Engine::Sqlite, "source", 3).await).await;
    let file = folder
        .path()
        .join("all.backup")
        .to_str()
        .unwrap()
        .to_owned();
    run(&source, folder.path(), &["backup", &file, "--json"]).json();
    let expected = dump(&source).await;
    let Database::Sqlite(path) = &source else {
        unreachable!()
    };
    let noise = [b'?'; 9000];
    std::fs::write(path, noise).unwrap();
    let wal = PathBuf::from(format!("{}-wal", path.display()));
    std::fs::write(&wal, b"left over").unwrap();
    let said = run(
        &source,
        folder.path(),
        &["restore", &file, "--yes", "--json"],
    )
    .json();
    assert_same(&dump(&source).await, &expected, "afterwards");
    assert_eq!(
        std::fs::read(said["kept"].as_str().unwrap()).unwrap(),
        noise
    );
    let checks = run(&source, folder.path(), &["doctor", "--json"]).json();
    assert_eq!(checks["ok"], json!(true), "{checks}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_of_an_older_version_is_brought_up_on_a_copy() {
    let (source, folder) = close(with_contacts(Engine::Sqlite, "old", 1).await).await;
    let Database::Sqlite(path) = &source else {
        unreachable!()
    };
    let file = folder.path().join("old.backup");
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
    let migrator = sqlx::migrate::Migrator::new(migrations).await.unwrap();
    std::fs::write(&file, b"").unwrap();
    let Raw::Sqlite(mut conn) = Raw::new(&Database::Sqlite(file.clone())).await else {
        unreachable!()
    };
    migrator
        .run_direct(Some(1), &mut conn, false)
        .await
        .unwrap();
    sqlx::query("ATTACH $1 AS source")
        .bind(path.to_str().unwrap())
        .execute(&mut conn)
        .await
        .unwrap();
    // A workspace and its owner as the columns of that version hold them, and how they came about.
    for (table, which) in [
        ("workspace", ""),
        ("member", ""),
        ("change_log", "WHERE position < 3"),
        ("log_head", ""),
    ] {
        let columns: String =
            sqlx::query_scalar("SELECT group_concat(name) FROM pragma_table_info($1)")
                .bind(table)
                .fetch_one(&mut conn)
                .await
                .unwrap();
        let fill = format!(
            "INSERT INTO main.{table} ({columns}) SELECT {columns} FROM source.{table} {which}"
        );
        sqlx::query(AssertSqlSafe(fill).into_sql_str())
            .execute(&mut conn)
            .await
            .unwrap();
    }
    let end =
        "UPDATE log_head SET position = 2, hash = (SELECT hash FROM change_log WHERE position = 2)";
    sqlx::query(end).execute(&mut conn).await.unwrap();
    sqlx::Connection::close(conn).await.unwrap();
    backup::forge(&file).unwrap();
    let before = std::fs::read(&file).unwrap();
    for engine in ENGINES {
        let target = place(engine, folder.path()).await;
        let restore = ["restore", file.to_str().unwrap(), "--json"];
        let said = run(&target, folder.path(), &restore).json();
        assert_eq!(said["migrated_from"], json!(1));
        let workspaces = &dump(&target).await["workspace"];
        assert_eq!(workspaces.len(), 1, "{workspaces:?}");
        let checks = run(&target, folder.path(), &["doctor", "--json"]).json();
        assert_eq!(checks["ok"], json!(true), "{checks}");
    }
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_search_index_does_not_show_what_was_before_the_restore() {
    let (source, folder) = close(with_contacts(Engine::Sqlite, "sourceperson", 30).await).await;
    let file = folder
        .path()
        .join("all.backup")
        .to_str()
        .unwrap()
        .to_owned();
    run(&source, folder.path(), &["backup", &file, "--json"]).json();
    let (target, home) = close(with_contacts(Engine::Sqlite, "targetperson", 30).await).await;
    // A server makes the index where the program keeps it; it is asked to search, so it is there.
    let index = home.path().join("data/index");
    serve_once(&target, home.path());
    assert!(!leftovers(&index).is_empty(), "there was an index");
    // The server that ran here made a key, and nobody signed the backup.
    let restore = ["restore", &*file, "--yes", "--accept-unsigned", "--json"];
    run(&target, home.path(), &restore).json();
    let left = leftovers(&index);
    assert!(
        !left.iter().any(|name| name.contains("meta.json")),
        "{left:?}"
    );
}

/// Starts a server on stdin and stdout, waits until it has answered, and ends it by ending its input.
fn serve_once(database: &Database, folder: &Path) {
    let mut child = program(database, folder, &["stdio"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let messages = [
        json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } } }),
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
    ];
    for message in messages {
        writeln!(input, "{message}").unwrap();
    }
    let folder = folder.join("data/index");
    let deadline = Instant::now() + crate::campaign::HANG;
    while !leftovers(&folder)
        .iter()
        .any(|name| name.contains("meta.json"))
    {
        assert!(Instant::now() < deadline, "the server makes an index");
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(input);
    let mut rest = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut rest)
        .unwrap();
    child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_leaves_no_file() {
    let (source, folder) = close(with_contacts(Engine::Sqlite, "source", 100).await).await;
    let file = folder.path().join("all.backup");
    // A limit on the size of a file is the nearest to a full disk that needs no rights.
    let script = "ulimit -f 300; trap '' XFSZ; exec \"$0\" \"$@\"";
    let inner = program(&source, folder.path(), &["backup", file.to_str().unwrap()]);
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", script])
        .arg(inner.get_program())
        .args(inner.get_args())
        .env_clear()
        .envs(
            inner
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
    let output = command.output().unwrap();
    assert!(!output.status.success(), "{output:?}");
    assert!(
        !leftovers(folder.path())
            .iter()
            .any(|name| name.contains("all.backup"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_parts_that_the_kernel_offers_refuse_without_consent() {
    let (source, folder) = close(with_contacts(Engine::Sqlite, "source", 2).await).await;
    let file = folder.path().join("all.backup");
    let registry = whole_registry();
    let terms = backup::Terms {
        kinds: registry.records().all(),
        accept_differences: false,
        key: None,
        accept_unsigned: false,
    };
    let contents = backup::create(&source, &file, false, terms, &())
        .await
        .unwrap();
    let prepared = backup::prepare(&source, &file, folder.path(), terms, &())
        .await
        .unwrap();
    assert!(prepared.replaces());
    assert_eq!(prepared.contents(), &contents);
    let index = folder.path().join("index");
    let error = prepared.apply(false, &index, &()).await.unwrap_err();
    assert_eq!(error.code(), Code::Conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_a_database_that_is_replaced_gets_the_new_one() {
    let (old, folder) = close(with_contacts(Engine::Sqlite, "old", 1).await).await;
    let (new, _new_folder) = close(with_contacts(Engine::Sqlite, "new", 1).await).await;
    let (Database::Sqlite(path), Database::Sqlite(other)) = (&old, &new) else {
        unreachable!()
    };
    // What a restore does while it holds the database for itself.
    let mut held = SqliteConnectOptions::new()
        .filename(path)
        .connect()
        .await
        .unwrap();
    for statement in [
        "PRAGMA locking_mode = EXCLUSIVE",
        "PRAGMA journal_mode = DELETE",
        "BEGIN EXCLUSIVE",
        "COMMIT",
    ] {
        sqlx::query(statement).execute(&mut held).await.unwrap();
    }
    let options = OpenOptions::new(old.clone());
    let opening = tokio::spawn(async move { Store::open(&options).await.unwrap() });
    // Enough for it to stand in line; where it does not yet, there is nothing to see.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let kept = folder.path().join("kept");
    std::fs::hard_link(path, &kept).unwrap();
    std::fs::rename(other, path).unwrap();
    sqlx::Connection::close(held).await.unwrap();
    let store = opening.await.unwrap();
    let mut tx = store.read(Scope::System).await.unwrap();
    let found: String = sql("SELECT name FROM contact")
        .one("name", &mut tx)
        .await
        .unwrap();
    tx.rollback().await;
    assert_eq!(found, "new 0");
    store
        .write(Scope::System)
        .await
        .unwrap()
        .commit()
        .await
        .unwrap();
    store.close().await;
    let kept = dump(&Database::Sqlite(kept)).await;
    assert!(kept["contact"].iter().all(|row| row.contains("old 0")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_does_not_see_everything_gets_no_backup() {
    let (source, folder) = close(with_contacts(Engine::Postgres, "source", 2).await).await;
    let Database::Postgres(url) = &source else {
        unreachable!()
    };
    Raw::new(&source)
        .await
        .run(
            "CREATE ROLE reader LOGIN PASSWORD 'reader'; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader;
             GRANT bureau_app TO reader",
        )
        .await;
    let (_, server) = url.split_once('@').unwrap();
    let reader = Database::Postgres(format!("postgres://reader:reader@{server}"));
    let file = folder.path().join("all.backup");
    run(&reader, folder.path(), &["backup", file.to_str().unwrap()])
        .refused("owns Bureau's tables");
    assert!(!file.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_waits_for_a_long_call_lets_others_go_on() {
    let app = with_contacts(Engine::Postgres, "source", 1).await;
    let owner = app.owner().await;
    let Raw::Postgres(mut long) = Raw::new(&app.database).await else {
        unreachable!()
    };
    for statement in ["BEGIN", "SELECT id FROM workspace FOR KEY SHARE"] {
        sqlx::query(statement).execute(&mut long).await.unwrap();
    }
    let file = app.folder.path().join("all.backup");
    let arguments = ["backup", file.to_str().unwrap()];
    let mut process = spawn(&app.database, app.folder.path(), &arguments);
    for number in 0..30 {
        let person = json!({ "name": format!("Meanwhile {number}"), "on_duplicate": "create" });
        app.ok(&owner, "create_contact", person).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(process.try_wait().unwrap().is_none() && !file.exists());
    sqlx::query("ROLLBACK").execute(&mut long).await.unwrap();
    assert!(process.wait().unwrap().success());
    sealed(&app.dispatcher.app().store).await;
    let (kept, now) = (
        dump(&Database::Sqlite(file)).await,
        dump(&app.database).await,
    );
    assert_same(&kept, &now, "all of it");
}
