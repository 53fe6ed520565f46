//! Crashes, full disks and damaged index files under the whole of Bureau.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::Dispatcher;
use bureau_kernel::error::Code;
use bureau_kernel::store::{Database, OpenOptions, Store};
use bureau_kernel::testing_postgres::{Postgres, fresh_database};
use serde_json::json;
use tempfile::TempDir;

use crate::campaign::{
    Campaign, HANG, Known, Process, call, check, check_log, find, indexed, only, open, person,
    worker_after,
};
use crate::tamper::Raw;

/// How many processes are killed: 200, or as many as BUREAU_KILL_CYCLES says.
fn cycles() -> usize {
    std::env::var("BUREAU_KILL_CYCLES").map_or(200, |count| {
        count.parse().expect("BUREAU_KILL_CYCLES is a number")
    })
}

/// Cycles on one file; then a new one is made, so that starting and checking stay quick.
const CYCLES_PER_FILE: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn killed_under_load_on_sqlite_nothing_acknowledged_is_lost_and_nothing_is_half_there() {
    let mut left = cycles();
    let mut acknowledged = 0;
    while left > 0 {
        let mut campaign = Campaign::new(|folder| Database::Sqlite(folder.join("bureau.sqlite")));
        let now = left.min(CYCLES_PER_FILE);
        for cycle in 1..=now {
            campaign.cycle().await;
            campaign.check(cycle % 5 == 0 || cycle == now).await;
        }
        campaign.repeat_all().await;
        campaign.check(true).await;
        acknowledged += campaign.known.acknowledged.len();
        left -= now;
    }
    println!("{} kills, {acknowledged} acknowledged writes", cycles());
    assert!(
        acknowledged > cycles(),
        "there was no load: {acknowledged} writes"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_under_load_on_postgres_nothing_acknowledged_is_lost_and_nothing_is_half_there() {
    let url = fresh_database().await;
    let mut campaign = Campaign::new(|_| Database::Postgres(url.clone()));
    for cycle in 1..=20 {
        campaign.cycle().await;
        // What the dead process had sent may still be running.
        alone(&url).await;
        campaign.check(cycle % 5 == 0).await;
    }
    campaign.repeat_all().await;
    campaign.check(true).await;
    assert!(campaign.known.acknowledged.len() > 20, "there was no load");
}

/// Waits until nobody else is connected to the database.
async fn alone(url: &str) {
    use sqlx::{Connection as _, PgConnection};
    let wait = async {
        let mut conn = PgConnection::connect(url).await.unwrap();
        let others = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
        while sqlx::query_scalar::<_, i64>(others)
            .fetch_one(&mut conn)
            .await
            .unwrap()
            > 0
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(HANG, wait)
        .await
        .expect("the sessions of a killed process end");
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_postgres_server_crashes_its_clients_are_told_and_go_on_after_its_restart() {
    let mut server = Postgres::start_durable().unwrap();
    let url = server.fresh_database().await.unwrap();
    let mut campaign = Campaign::new(|_| Database::Postgres(url.clone()));
    for signal in ["KILL", "QUIT", "KILL"] {
        let mut process = campaign.start();
        process.line(0, "ack").await;
        tokio::time::sleep(Duration::from_millis(u64::from(rand::random::<u8>()))).await;
        server.crash(signal).unwrap();
        // The same process writes again, without a restart of its own.
        let said = process.said().len();
        process.line(said, "ack").await;
        campaign.known.learn(&process.kill());
        only(Code::Unavailable, &campaign.known.failed);
        alone(&url).await;
        campaign.check(true).await;
    }
    campaign.repeat_all().await;
    campaign.check(true).await;
}

/// Creates contacts until one fails, or many are there.
async fn until_full(process: &mut Process, prefix: &str) -> bool {
    for number in 0..2_000 {
        let line = process.ask(&format!("create {prefix}-{number}"), "").await;
        if !line.starts_with("ack") {
            return true;
        }
    }
    false
}

/// A process whose disk was full and is free again writes on, and so does the next one.
async fn goes_on(mut process: Process, database: &Database, folder: &Path, known: &mut Known) {
    for number in 0..20 {
        let line = process.ask(&format!("create free-{number}"), "").await;
        assert!(
            line.starts_with("ack"),
            "after there was room again: {line}"
        );
    }
    let line = process.ask("find free-7", "found").await;
    assert!(line.contains("con_"), "{line}");
    known.learn(&process.finish());
    assert!(
        known.acknowledged.len() > 20 && !known.failed.is_empty(),
        "{:#?}",
        known.failed
    );
    only(Code::Unavailable, &known.failed);
    for (_, text) in &known.failed {
        assert!(
            text.contains("The disk is full") || text.contains("The disk failed"),
            "{text}"
        );
    }
    let dispatcher = open(database, folder).await;
    let owner = dispatcher.operator(None).await.unwrap();
    let store = &dispatcher.app().store;
    let mut findings = check(store, known).await;
    findings.extend(check_log(store).await);
    assert!(findings.is_empty(), "{}", findings.join("\n"));
    call(
        &dispatcher,
        &owner,
        "create_contact",
        Some("next"),
        person("next"),
    )
    .await
    .unwrap();
    indexed(&dispatcher).await;
    assert_eq!(find(&dispatcher, &owner, "next").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_the_disk_refuses_fails_clearly_and_writing_goes_on_when_it_takes_them_again()
{
    let folder = TempDir::new().unwrap();
    let database = Database::Sqlite(folder.path().join("bureau.sqlite"));
    // No file may grow beyond this: writes come back short or as errors, which SQLite sees as a failing disk.
    let script = r#"trap "" XFSZ; exec prlimit --fsize=4000000:unlimited "$0" "$@""#;
    let mut process = Process::start(worker_after(script, "obey", &database, folder.path()));
    process.line(0, "ready").await;
    assert!(
        until_full(&mut process, "full").await,
        "the limit was never reached"
    );
    // Many at once, so that a refused commit is one of several callers.
    process.ask("storm many 64", "stormed").await;
    let raised = Command::new("prlimit")
        .args([
            "--pid",
            &process.id().to_string(),
            "--fsize=unlimited:unlimited",
        ])
        .status();
    assert!(raised.unwrap().success());
    goes_on(process, &database, folder.path(), &mut Known::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_fails_clearly_and_writing_goes_on_when_there_is_room_again() {
    let script = r#"mount -t tmpfs -o size=5m none /tmp"#;
    let own = Command::new("unshare")
        .args(["--mount", "--map-root-user", "/bin/sh", "-c", script])
        .status();
    if !own.is_ok_and(|status| status.success()) {
        // As in most containers. Writes that are refused are tested above without it.
        eprintln!(
            "not tested: a small disk of its own, which this machine gives to nobody (unshare, mount)"
        );
        return;
    }
    let folder = TempDir::new().unwrap();
    let small = folder.path().join("small");
    fs::create_dir(&small).unwrap();
    let database = Database::Sqlite(small.join("bureau.sqlite"));
    // A small disk that only the worker sees, with module for a few hundred records. What is on it is copied out at the end.
    let script = r#"mount -t tmpfs -o size=8m none "$BUREAU_TEST_FOLDER" && exec "$0" "$@""#;
    let inner = worker_after(script, "obey", &database, &small);
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--map-root-user"])
        .arg(inner.get_program())
        .args(inner.get_args());
    for (name, value) in inner.get_envs() {
        command.env(name, value.unwrap());
    }
    command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped());
    let mut process = Process::start(command);
    process.line(0, "ready").await;
    for number in 0..20 {
        let line = process.ask(&format!("create room-{number}"), "").await;
        assert!(line.starts_with("ack"), "{line}");
    }
    for round in 0..3 {
        process.ask("fill ballast", "filled").await;
        assert!(
            until_full(&mut process, &format!("full-{round}")).await,
            "the disk was never full"
        );
        process
            .ask(&format!("storm many-{round} 64"), "stormed")
            .await;
        process.ask("free ballast", "freed").await;
        let line = process.ask(&format!("create between-{round}"), "").await;
        assert!(
            line.starts_with("ack"),
            "after there was room again: {line}"
        );
    }
    // Seen from outside of its namespace, the worker's disk is under its root.
    let seen = PathBuf::from(format!("/proc/{}/root{}", process.id(), small.display()));
    let copy = TempDir::new().unwrap();
    let mut known = Known::default();
    known.learn(&process.said());
    for name in ["bureau.sqlite", "bureau.sqlite-wal"] {
        fs::copy(seen.join(name), copy.path().join(name)).unwrap();
    }
    known.learn(&process.finish());
    only(Code::Unavailable, &known.failed);
    assert!(
        known.failed.len() >= 3
            && known
                .failed
                .iter()
                .any(|(_, text)| text.contains("The disk is full")),
        "{:#?}",
        known.failed
    );
    let store = Store::open(&OpenOptions::new(Database::Sqlite(
        copy.path().join("bureau.sqlite"),
    )))
    .await
    .unwrap();
    let mut findings = check(&store, &known).await;
    findings.extend(check_log(&store).await);
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

/// A database with an index, and what searches in it have to answer.
struct Searched {
    folder: TempDir,
    expected: Vec<Vec<String>>,
}

/// Whole words, a beginning, a typo, a number and nothing at all.
const QUERIES: [&str; 6] = ["lovelace", "hop", "turring", "555 26", "london", "nobody"];

async fn answers(dispatcher: &Arc<Dispatcher>, owner: &Caller) -> Vec<Vec<String>> {
    let mut answers = Vec::new();
    for query in QUERIES {
        let answer = call(
            dispatcher,
            owner,
            "search_contacts",
            None,
            json!({ "query": query }),
        )
        .await
        .unwrap();
        let rows = answer["data"].as_array().unwrap();
        let mut ids: Vec<String> = rows
            .iter()
            .map(|row| row["id"].as_str().unwrap().to_owned())
            .collect();
        // The database finds the same in an order of its own.
        ids.sort();
        answers.push(ids);
    }
    answers
}

impl Searched {
    fn database(&self) -> Database {
        Database::Sqlite(self.folder.path().join("bureau.sqlite"))
    }

    async fn new() -> (Self, Arc<Dispatcher>, Caller) {
        let mut searched = Self {
            folder: TempDir::new().unwrap(),
            expected: Vec::new(),
        };
        let dispatcher = open(&searched.database(), searched.folder.path()).await;
        let owner = dispatcher.operator(None).await.unwrap();
        for (number, name) in [
            "Ada Lovelace",
            "Grace Hopper",
            "Alan Turing",
            "Mary Jackson",
            "Hedy Lamarr",
        ]
        .iter()
        .enumerate()
        {
            let city = ["London", "New York"][number % 2];
            let arguments = json!({ "name": name, "city": city,
                "phones": [format!("+1 415 555 {:04}", 2660 + number)], "emails": [format!("p{number}@firm.example")] });
            call(&dispatcher, &owner, "create_contact", None, arguments)
                .await
                .unwrap();
            indexed(&dispatcher).await;
        }
        searched.expected = answers(&dispatcher, &owner).await;
        assert_eq!(
            searched.expected.iter().map(Vec::len).collect::<Vec<_>>(),
            [1, 1, 1, 5, 3, 0]
        );
        (searched, dispatcher, owner)
    }

    /// The files of the index, without those that only lock it.
    fn files(&self) -> Vec<PathBuf> {
        let mut folders = vec![self.folder.path().join("index")];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                if entry.path().is_dir() {
                    folders.push(entry.path());
                } else if entry.path().extension().is_none_or(|end| end != "lock")
                    && entry.metadata().is_ok_and(|file| file.len() > 0)
                {
                    files.push(entry.path());
                }
            }
        }
        files.sort();
        files
    }
}

/// What is done to the index, and how.
type Damage = (&'static str, fn(&Searched));

/// Damages a file. One that the index itself has just removed cannot be damaged.
fn unless_gone(done: std::io::Result<()>) {
    match done {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        done => done.unwrap(),
    }
}

fn flip(path: &Path) {
    unless_gone(fs::read(path).and_then(|mut bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x55;
        fs::write(path, bytes)
    }));
}

fn cut(path: &Path) {
    let file = fs::File::options().write(true).open(path);
    unless_gone(file.and_then(|file| file.set_len(1)));
}

/// Ends a pipeline in order, as the end of its process would.
async fn end(dispatcher: Arc<Dispatcher>) {
    dispatcher.app().store.close().await;
    drop(dispatcher);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_was_damaged_between_two_starts_changes_no_answer() {
    let (searched, dispatcher, _) = Searched::new().await;
    end(dispatcher).await;
    let damages: [Damage; 6] = [
        ("a byte of every file is another", |s| {
            s.files().iter().for_each(|file| flip(file));
        }),
        ("a byte of every file with content is another", |s| {
            // The list of files stays whole, so that only the checksums tell.
            let files = s.files().into_iter();
            let content = files.filter(|file| file.extension().is_some_and(|end| end != "json"));
            content.for_each(|file| flip(&file));
        }),
        ("every file is cut", |s| {
            s.files().iter().for_each(|file| cut(file));
        }),
        ("half of the files are gone", |s| {
            s.files()
                .iter()
                .step_by(2)
                .for_each(|file| unless_gone(fs::remove_file(file)));
        }),
        ("the directory is gone", |s| {
            fs::remove_dir_all(s.folder.path().join("index")).unwrap();
        }),
        ("there is something else", |s| {
            s.files()
                .iter()
                .for_each(|file| fs::write(file, "not an index").unwrap());
        }),
    ];
    for (what, damage) in damages {
        damage(&searched);
        let dispatcher = open(&searched.database(), searched.folder.path()).await;
        let owner = dispatcher.operator(None).await.unwrap();
        assert_eq!(
            answers(&dispatcher, &owner).await,
            searched.expected,
            "at once, when {what}"
        );
        indexed(&dispatcher).await;
        assert_eq!(
            answers(&dispatcher, &owner).await,
            searched.expected,
            "from the index built again, when {what}"
        );
        end(dispatcher).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_is_damaged_while_running_changes_no_answer_and_the_next_write_is_found() {
    let (searched, dispatcher, owner) = Searched::new().await;
    let damages: [Damage; 3] = [
        ("every file is cut", |s| {
            s.files().iter().for_each(|file| cut(file));
        }),
        ("all files are gone", |s| {
            s.files()
                .iter()
                .for_each(|file| unless_gone(fs::remove_file(file)));
        }),
        ("the directory is gone", |s| {
            // The running writer may put a file there meanwhile.
            let index = s.folder.path().join("index");
            let mut tries = 0..20;
            assert!(tries.any(|_| fs::remove_dir_all(&index).is_ok()));
        }),
    ];
    for (number, (what, damage)) in damages.into_iter().enumerate() {
        damage(&searched);
        assert_eq!(
            answers(&dispatcher, &owner).await,
            searched.expected,
            "when {what}"
        );
        let key = format!("damage-{number}");
        let mut new = person(&key);
        new["phones"] = json!([]);
        let made = call(&dispatcher, &owner, "create_contact", None, new)
            .await
            .unwrap();
        assert_eq!(
            find(&dispatcher, &owner, &key).await,
            [made["data"]["id"].as_str().unwrap()],
            "when {what}"
        );
        indexed(&dispatcher).await;
        assert_eq!(
            answers(&dispatcher, &owner).await,
            searched.expected,
            "from the index built again, when {what}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_byte_flipped_while_running_never_stops_the_server_and_is_gone_after_the_next_start() {
    let (searched, dispatcher, owner) = Searched::new().await;
    for file in searched.files() {
        flip(&file);
        // A flipped byte can hide a match until the files are next compared with their checksums, at the next start; what
        // is found is read from the database, so nothing wrong is ever shown.
        for query in QUERIES {
            let answer = call(
                &dispatcher,
                &owner,
                "search_contacts",
                None,
                json!({ "query": query }),
            )
            .await
            .unwrap();
            for row in answer["data"].as_array().unwrap() {
                let name = call(
                    &dispatcher,
                    &owner,
                    "get_contact",
                    None,
                    json!({ "contact": row["id"] }),
                )
                .await
                .unwrap();
                assert_eq!(name["data"]["name"], row["name"]);
            }
        }
    }
    end(dispatcher).await;
    let dispatcher = open(&searched.database(), searched.folder.path()).await;
    assert_eq!(answers(&dispatcher, &owner).await, searched.expected);
    indexed(&dispatcher).await;
    assert_eq!(answers(&dispatcher, &owner).await, searched.expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_locks_hold_nobody_back_is_refused_in_one_sentence() {
    let url = fresh_database().await;
    let mut raw = Raw::new(&Database::Postgres(url.clone())).await;
    // It says what it is where a client asks first.
    raw.run(
        "CREATE FUNCTION public.version() RETURNS TEXT LANGUAGE sql AS $$ SELECT 'CockroachDB CCL v24.1.0' $$;
         DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database()); END $$",
    )
    .await;
    let options = OpenOptions::new(Database::Postgres(url));
    let refused = Store::open(&options).await.err().unwrap();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(
        refused.message().starts_with("CockroachDB cannot keep"),
        "{refused}"
    );
    assert!(
        refused.message().ends_with("nothing was changed."),
        "{refused}"
    );
    let tables = raw.run("DROP TABLE IF EXISTS workspace, counter").await;
    assert_eq!(tables, 0, "nothing was made there");
}
