//! Processes of this binary that write under load and are killed, and what has to hold of a database afterwards.
//!
//! A worker is this test binary started once more with only [`worker_process`] to run; the environment says which part
//! it plays. It speaks in lines: what it did goes to its standard output, what it shall do comes by its standard input.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeSet, HashMap};
use std::hash::{Hash as _, Hasher as _};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bureau_kernel::admin;
use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::{Call, Dispatcher, Outcome, Settings};
use bureau_kernel::error::{Code, Error};
use bureau_kernel::registry::{Registry, Selection};
use bureau_kernel::replay::replay;
use bureau_kernel::store::{Database, OpenOptions, Scope, Store, Tx, log, sql};
use bureau_kernel::types::id::decode;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::MODULES;

const ROLE: &str = "BUREAU_TEST_ROLE";
const DATABASE: &str = "BUREAU_TEST_DATABASE";
const FOLDER: &str = "BUREAU_TEST_FOLDER";

/// Longest wait for anything: a guard against hanging, far above what anything takes.
pub(crate) const HANG: Duration = Duration::from_secs(120);

/// Callers at once in a process under load.
const CALLERS: usize = 32;

/// This binary once more, as a worker.
pub(crate) fn worker(role: &str, database: &Database, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        "--exact",
        "campaign::worker_process",
        "--ignored",
        "--nocapture",
        "--test-threads=1",
    ]);
    as_worker(&mut command, role, database, folder);
    command
}

/// The same behind a shell script that prepares its process and ends with `exec "$0" "$@"`.
pub(crate) fn worker_after(
    script: &str,
    role: &str,
    database: &Database,
    folder: &Path,
) -> Command {
    let inner = worker(role, database, folder);
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", script])
        .arg(inner.get_program())
        .args(inner.get_args());
    as_worker(&mut command, role, database, folder);
    command
}

fn as_worker(command: &mut Command, role: &str, database: &Database, folder: &Path) {
    let address = match database {
        Database::Sqlite(path) => format!("sqlite:{}", path.display()),
        Database::Postgres(url) => url.clone(),
    };
    command
        .env(ROLE, role)
        .env(DATABASE, address)
        .env(FOLDER, folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
}

#[test]
#[ignore = "the body of the processes that other tests start"]
fn worker_process() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    let database: Database = std::env::var(DATABASE).unwrap().parse().unwrap();
    let folder = PathBuf::from(std::env::var(FOLDER).unwrap());
    if role == "secrets" {
        crate::secrets::capture(&folder);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async move {
        match role.as_str() {
            "load" => load(&database, &folder).await,
            "obey" => obey(&database, &folder).await,
            "secrets" => crate::secrets::calls(&database, &folder).await,
            other => panic!("there is no part {other}"),
        }
    });
}

/// Says a line to the parent.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // The test harness leaves its own line open, and one write is one piece for the reader at the pipe's other end.
    out.write_all(format!("\n{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// A pipeline with a search index on this database, as a server opens it.
pub(crate) async fn open(database: &Database, folder: &Path) -> Arc<Dispatcher> {
    let store = Store::open(&OpenOptions::new(database.clone()))
        .await
        .unwrap();
    admin::bootstrap(&store).await.unwrap();
    let selection = Selection {
        features: vec!["all".into()],
        ..Selection::default()
    };
    let registry = Registry::new(MODULES, &selection).unwrap();
    Dispatcher::new(
        store,
        registry,
        Some(&folder.join("index")),
        Settings::default(),
    )
    .unwrap()
}

/// A call, with an idempotency key or without.
pub(crate) async fn call(
    dispatcher: &Arc<Dispatcher>,
    caller: &Caller,
    tool: &str,
    key: Option<&str>,
    arguments: Value,
) -> Result<Value, Error> {
    let call = Call {
        tool: tool.into(),
        arguments: arguments.as_object().cloned().unwrap(),
        idempotency_key: key.map(str::to_owned),
        ..Call::default()
    };
    match dispatcher.call(caller.clone(), call).await {
        Outcome::Done(answer) => Ok(answer),
        Outcome::Failed(error) => Err(error),
        Outcome::Ask { message, .. } => panic!("{tool} asks: {message}"),
    }
}

/// A word that stands for a key and is far from the words of other keys, so that no typo leads from one to another.
pub(crate) fn word(key: &str) -> String {
    let mut hash = DefaultHasher::new();
    key.hash(&mut hash);
    let number = hash.finish();
    (0..13)
        .map(|place| char::from(b'a' + u8::try_from((number >> (place * 4)) & 15).unwrap()))
        .collect()
}

/// The arguments that create the contact of a key: its source is the key.
pub(crate) fn person(key: &str) -> Value {
    json!({
        "first_name": "Load", "last_name": word(key), "source": key, "emails": [format!("{key}@load.example")],
        "phones": ["+1 415 555 2671"], "on_duplicate": "create",
    })
}

/// Creates the contact of a key and, for every third, gives it a city; says what is acknowledged.
async fn create(dispatcher: &Arc<Dispatcher>, owner: &Caller, key: &str) {
    say(&format!("try {key}"));
    let made = call(dispatcher, owner, "create_contact", Some(key), person(key)).await;
    let Some(id) = report(key, made) else { return };
    if !moves(key) {
        return;
    }
    let second = format!("{key}-moved");
    say(&format!("try {second}"));
    let moved = json!({ "contact": id, "city": word(&second) });
    report(
        &second,
        call(dispatcher, owner, "update_contact", Some(&second), moved).await,
    );
}

/// Whether the contact of this key gets a city afterwards.
fn moves(key: &str) -> bool {
    word(key).as_bytes()[0].is_multiple_of(3)
}

fn report(key: &str, outcome: Result<Value, Error>) -> Option<String> {
    match outcome {
        Ok(answer) => {
            let id = answer["data"]["id"].as_str().unwrap().to_owned();
            say(&format!("ack {key} {id} {}", answer["data"]["version"]));
            Some(id)
        }
        Err(error) => {
            say(&format!("fail {key} {} {:?}", error.code().as_str(), error));
            None
        }
    }
}

/// Repeats the keys that come by the standard input, each twice at once, then writes until it is killed.
async fn load(database: &Database, folder: &Path) {
    let mut lines = std::io::stdin().lines().map(Result::unwrap);
    let prefix = lines.next().unwrap();
    let again: Vec<String> = lines.collect();
    let dispatcher = open(database, folder).await;
    let owner = dispatcher.operator(None).await.unwrap();
    say("ready");
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..CALLERS {
        let (dispatcher, owner, prefix) = (dispatcher.clone(), owner.clone(), prefix.clone());
        let own: Vec<String> = again
            .iter()
            .skip(number / 2)
            .step_by(CALLERS / 2)
            .cloned()
            .collect();
        tasks.spawn(async move {
            for key in own {
                create(&dispatcher, &owner, &key).await;
            }
            for turn in 0.. {
                create(&dispatcher, &owner, &format!("{prefix}-{number}-{turn}")).await;
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
}

/// Does what the lines of the standard input say, one after the other, and answers each with a line.
async fn obey(database: &Database, folder: &Path) {
    let dispatcher = open(database, folder).await;
    let owner = dispatcher.operator(None).await.unwrap();
    say("ready");
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["create", key] => {
                create_once(&dispatcher, &owner, key).await;
            }
            // Creates contacts with eight callers at once, and each looks for its own at once.
            ["storm", prefix, count] => {
                let count: usize = count.parse().unwrap();
                let mut tasks = tokio::task::JoinSet::new();
                for number in 0..8 {
                    let (dispatcher, owner, prefix) =
                        (dispatcher.clone(), owner.clone(), prefix.to_owned());
                    tasks.spawn(async move {
                        let mut missed = 0;
                        for turn in 0..count / 8 {
                            let key = format!("{prefix}-{number}-{turn}");
                            let id = create_once(&dispatcher, &owner, &key).await;
                            missed +=
                                usize::from(!find(&dispatcher, &owner, &key).await.contains(&id));
                        }
                        missed
                    });
                }
                let missed: usize = tasks.join_all().await.into_iter().sum();
                say(&format!("stormed {prefix} {missed}"));
            }
            ["find", key] => say(&format!(
                "found {key} {}",
                find(&dispatcher, &owner, key).await.join(",")
            )),
            ["status"] => {
                let status = dispatcher.app().search.as_ref().unwrap().status();
                say(&format!(
                    "status {} {} {}",
                    status.holder, status.ready, status.rows
                ));
            }
            // A full disk: what fills it is in the folder itself.
            ["fill", name] => {
                let mut ballast = std::fs::File::create(folder.join(name)).unwrap();
                while ballast.write_all(&[0; 4096]).is_ok() {}
                while ballast.write_all(&[0]).is_ok() {}
                say("filled");
            }
            ["free", name] => {
                std::fs::remove_file(folder.join(name)).unwrap();
                say("freed");
            }
            _ => panic!("{line} is no order"),
        }
    }
    dispatcher.app().store.close().await;
}

async fn create_once(dispatcher: &Arc<Dispatcher>, owner: &Caller, key: &str) -> String {
    report(
        key,
        call(dispatcher, owner, "create_contact", Some(key), person(key)).await,
    )
    .unwrap_or_default()
}

/// The contacts that a search for the word of a key finds, or what went wrong.
pub(crate) async fn find(dispatcher: &Arc<Dispatcher>, caller: &Caller, key: &str) -> Vec<String> {
    match call(
        dispatcher,
        caller,
        "search_contacts",
        None,
        json!({ "query": word(key) }),
    )
    .await
    {
        Ok(answer) => answer["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["id"].as_str().unwrap().to_owned())
            .collect(),
        Err(error) => vec![format!("{error:?}")],
    }
}

/// A worker under way. Dropped, it is killed.
pub(crate) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    said: Arc<Mutex<Vec<String>>>,
    reader: Option<std::thread::JoinHandle<()>>,
}

impl Process {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let input = child.stdin.take();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let said = Arc::new(Mutex::new(Vec::new()));
        let lines = said.clone();
        let reader = std::thread::spawn(move || {
            let mut line = Vec::new();
            while output.read_until(b'\n', &mut line).unwrap_or(0) > 0 {
                // A line without its end was cut by the kill: nobody has read it as an answer.
                if line.pop() == Some(b'\n') && !line.is_empty() {
                    lines
                        .lock()
                        .unwrap()
                        .push(String::from_utf8_lossy(&line).into_owned());
                }
                line.clear();
            }
        });
        Self {
            child,
            input,
            said,
            reader: Some(reader),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn tell(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// No more orders come.
    pub(crate) fn leave(&mut self) {
        drop(self.input.take());
    }

    pub(crate) fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }

    /// Whether it ended on its own.
    pub(crate) fn ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// The first line, of those after the first `skip`, that starts with this.
    pub(crate) async fn line(&mut self, skip: usize, start: &str) -> String {
        let wait = async {
            loop {
                if let Some(line) = self
                    .said()
                    .into_iter()
                    .skip(skip)
                    .find(|line| line.starts_with(start))
                {
                    return line;
                }
                assert!(
                    !self.ended(),
                    "the process ended before it said {start:?}: {:#?}",
                    self.said()
                );
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(HANG, wait)
            .await
            .unwrap_or_else(|_| panic!("it never said {start:?}"))
    }

    /// Gives an order and waits for its answer.
    pub(crate) async fn ask(&mut self, order: &str, answer: &str) -> String {
        let skip = self.said().len();
        self.tell(order);
        self.line(skip, answer).await
    }

    /// Ends it as `kill -9` does, and gives everything that it said.
    pub(crate) fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.end()
    }

    /// Waits until it has ended on its own.
    pub(crate) fn finish(mut self) -> Vec<String> {
        self.leave();
        let said = self.end();
        assert!(self.child.wait().unwrap().success(), "{said:#?}");
        said
    }

    fn end(&mut self) -> Vec<String> {
        self.child.wait().unwrap();
        self.reader.take().unwrap().join().unwrap();
        self.said()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What callers know: the keys that were tried, and the answers that came.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) tried: BTreeSet<String>,
    /// Record and version for each acknowledged key.
    pub(crate) acknowledged: HashMap<String, (String, i64)>,
    /// Code and text for each failed key.
    pub(crate) failed: Vec<(String, String)>,
}

impl Known {
    /// Learns from a worker's lines. A key that was acknowledged before has to get the same answer.
    pub(crate) fn learn(&mut self, said: &[String]) {
        for line in said {
            let words: Vec<&str> = line.splitn(4, ' ').collect();
            match words[..] {
                ["try", key] => {
                    self.tried.insert(key.to_owned());
                }
                ["ack", key, id, version] => {
                    let answer = (id.to_owned(), version.parse().unwrap());
                    self.tried.insert(key.to_owned());
                    let before = self.acknowledged.insert(key.to_owned(), answer.clone());
                    assert!(
                        before.is_none_or(|before| before == answer),
                        "{key} got two answers"
                    );
                }
                ["fail", key, code, text] => {
                    self.tried.insert(key.to_owned());
                    self.failed.push((code.to_owned(), text.to_owned()));
                }
                _ => {}
            }
        }
    }

    /// Keys of contacts without an answer, and some with one: what clients repeat after a crash.
    pub(crate) fn again(&self) -> Vec<String> {
        let creates = self.tried.iter().filter(|key| !key.ends_with("-moved"));
        let (mut with, mut without): (Vec<_>, Vec<_>) = creates
            .cloned()
            .partition(|key| self.acknowledged.contains_key(key));
        with.reverse();
        with.truncate(16);
        without.extend(with);
        without
    }
}

/// One column of whole numbers and one of text, as most questions here need.
async fn pairs(tx: &mut Tx, text: &'static str) -> Vec<(i64, String)> {
    let rows = sql(text).rows(tx).await.unwrap();
    rows.iter()
        .map(|row| (row.get("number").unwrap(), row.get("text").unwrap()))
        .collect()
}

/// Checks that what is acknowledged is there, that everything else is there whole or not at all, and that nothing is
/// there twice. Nobody may write meanwhile. The findings; none is good.
pub(crate) async fn check(store: &Store, known: &Known) -> Vec<String> {
    let mut findings = Vec::new();
    let mut tx = store.read(Scope::System).await.unwrap();
    let rows = sql("SELECT id, source, version, city FROM contact")
        .rows(&mut tx)
        .await
        .unwrap();
    let mut contacts: HashMap<i64, (String, i64, Option<String>)> = HashMap::new();
    let mut keys: HashMap<String, i64> = HashMap::new();
    for row in &rows {
        let (id, source): (i64, String) = (row.get("id").unwrap(), row.get("source").unwrap());
        if let Some(other) = keys.insert(source.clone(), id) {
            findings.push(format!("{source} is there twice: {other} and {id}"));
        }
        contacts.insert(
            id,
            (
                source,
                row.get("version").unwrap(),
                row.get("city").unwrap(),
            ),
        );
    }
    let mut terms: HashMap<i64, BTreeSet<String>> = HashMap::new();
    for (record, term) in
        pairs(&mut tx, "SELECT record AS number, field || ' ' || value AS text FROM record_key WHERE entity = 'contact'").await
    {
        terms.entry(record).or_default().insert(term);
    }
    let mut versions: HashMap<i64, Vec<i64>> = HashMap::new();
    for row in sql("SELECT record, version FROM change_log WHERE entity = 'contact' ORDER BY id")
        .rows(&mut tx)
        .await
        .unwrap()
    {
        versions
            .entry(row.get("record").unwrap())
            .or_default()
            .push(row.get("version").unwrap());
    }
    let mut receipts: HashMap<String, (String, i64)> = HashMap::new();
    for row in sql("SELECT key, answer FROM receipt")
        .rows(&mut tx)
        .await
        .unwrap()
    {
        let answer: Value = serde_json::from_str(&row.get::<String>("answer").unwrap()).unwrap();
        let id = answer["data"]["id"].as_str().unwrap().to_owned();
        receipts.insert(
            row.get("key").unwrap(),
            (id, answer["data"]["version"].as_i64().unwrap()),
        );
    }
    tx.rollback().await;

    for (id, (source, version, city)) in &contacts {
        let moved = format!("{source}-moved");
        let mut expected: BTreeSet<String> = [
            format!("email {source}@load.example"),
            format!("source {source}"),
            "phone +14155552671".into(),
        ]
        .into();
        expected.extend(city.iter().map(|city| format!("city {city}")));
        if terms.get(id) != Some(&expected) {
            findings.push(format!("{source} has the terms {:?}", terms.get(id)));
        }
        if city.is_some() != (*version == 2)
            || city.as_ref().is_some_and(|city| *city != word(&moved))
        {
            findings.push(format!(
                "{source} is at version {version} with the city {city:?}"
            ));
        }
        let logged: Vec<i64> = (1..=*version).collect();
        if versions.get(id) != Some(&logged) {
            findings.push(format!(
                "{source} at version {version} has {:?} in the log",
                versions.get(id)
            ));
        }
        for (key, version) in [(source, 1), (&moved, 2)].into_iter().take(logged.len()) {
            let receipt = receipts
                .get(key)
                .map(|(id, version)| (decode(id).unwrap().1, *version));
            if receipt != Some((*id, version)) {
                findings.push(format!("{key} has the receipt {receipt:?}"));
            }
        }
    }
    for (what, found) in [
        ("terms", terms.keys().collect::<Vec<_>>()),
        ("log rows", versions.keys().collect()),
    ] {
        findings.extend(
            found
                .into_iter()
                .filter(|id| !contacts.contains_key(id))
                .map(|id| format!("{id} has {what} only")),
        );
    }
    if receipts.len() != versions.values().map(Vec::len).sum::<usize>() {
        findings.push(format!(
            "{} receipts are not one for each write",
            receipts.len()
        ));
    }
    findings.extend(
        receipts
            .keys()
            .filter(|key| !known.tried.contains(*key))
            .map(|key| format!("nobody tried {key}")),
    );
    for (key, answer) in &known.acknowledged {
        if receipts.get(key) != Some(answer) {
            findings.push(format!(
                "{key} was acknowledged as {answer:?} and is {:?}",
                receipts.get(key)
            ));
        }
    }
    findings
}

/// Every module with all its tools.
pub(crate) fn whole_registry() -> Arc<Registry> {
    let selection = Selection {
        features: vec!["all".into()],
        ..Selection::default()
    };
    Registry::new(crate::MODULES, &selection).unwrap()
}

/// Checks the engine's files and the change log: no damage, no gap, a whole chain of as many rows as there are, and records
/// that are what the log comes to.
pub(crate) async fn check_log(store: &Store) -> Vec<String> {
    let mut findings = store.integrity().await.unwrap();
    sealed(store).await;
    let audit = log::verify(store).await.unwrap();
    let mut tx = store.read(Scope::System).await.unwrap();
    let rows: i64 = sql("SELECT COUNT(*) AS rows FROM change_log")
        .one("rows", &mut tx)
        .await
        .unwrap();
    tx.rollback().await;
    if audit != (log::Audit { rows, broken: None }) {
        findings.push(format!("of {rows} rows in the change log: {audit:?}"));
    }
    let replayed = replay(store, whole_registry().records().all(), &())
        .await
        .unwrap();
    findings.extend(replayed.problem());
    findings
}

/// Waits until every committed row of the log has its position: on PostgreSQL they get it afterwards.
pub(crate) async fn sealed(store: &Store) {
    let wait = async {
        loop {
            let mut tx = store.read(Scope::System).await.unwrap();
            let open = sql("SELECT COUNT(*) AS open FROM change_log WHERE position IS NULL");
            let open: i64 = open.one("open", &mut tx).await.unwrap();
            tx.rollback().await;
            if open == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(HANG, wait)
        .await
        .expect("the log is sealed in the end");
}

/// Waits until this process's index is usable and has come to the end of the log.
pub(crate) async fn indexed(dispatcher: &Arc<Dispatcher>) {
    let store = &dispatcher.app().store;
    let wait = async {
        loop {
            sealed(store).await;
            let mut tx = store.read(Scope::System).await.unwrap();
            let heads = log::heads(&mut tx).await.unwrap();
            tx.rollback().await;
            let status = dispatcher.app().search.as_ref().unwrap().status();
            if status.ready && status.rows >= heads.rows() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(HANG, wait)
        .await
        .expect("the index catches up in the end");
}

/// A campaign on one database: processes under load, killed at random moments.
pub(crate) struct Campaign {
    pub(crate) database: Database,
    pub(crate) folder: TempDir,
    pub(crate) known: Known,
    cycles: usize,
}

impl Campaign {
    pub(crate) fn new(database: impl FnOnce(&Path) -> Database) -> Self {
        let folder = TempDir::new().unwrap();
        Self {
            database: database(folder.path()),
            folder,
            known: Known::default(),
            cycles: 0,
        }
    }

    /// Starts a process under load, which first repeats what had no answer.
    pub(crate) fn start(&mut self) -> Process {
        self.cycles += 1;
        let mut process = Process::start(worker("load", &self.database, self.folder.path()));
        process.tell(&format!("c{}", self.cycles));
        for key in self.known.again() {
            process.tell(&key);
        }
        process.leave();
        process
    }

    /// One cycle: a process is killed, mostly while it writes, now and then while it starts. No call may have failed.
    pub(crate) async fn cycle(&mut self) {
        let mut process = self.start();
        let random = u64::from(rand::random::<u16>());
        if random % 5 == 0 {
            tokio::time::sleep(Duration::from_millis(random % 100)).await;
        } else {
            process.line(0, "ack").await;
            tokio::time::sleep(Duration::from_millis(random % 60)).await;
        }
        let said = process.kill();
        self.known.learn(&said);
        assert!(self.known.failed.is_empty(), "{:#?}", self.known.failed);
    }

    /// What has to hold after a crash, as a program that opens the database finds it.
    pub(crate) async fn check(&self, deep: bool) {
        let store = Store::open(&OpenOptions::new(self.database.clone()))
            .await
            .unwrap();
        let mut findings = check(&store, &self.known).await;
        if deep {
            findings.extend(check_log(&store).await);
        }
        store.close().await;
        assert!(
            findings.is_empty(),
            "after {} cycles:\n{}",
            self.cycles,
            findings.join("\n")
        );
    }

    /// Repeats every key, each twice at once: each gets the answer that it had, and nothing new is there. Then a search
    /// finds what was acknowledged, by the index.
    pub(crate) async fn repeat_all(&mut self) {
        let dispatcher = open(&self.database, self.folder.path()).await;
        let owner = dispatcher.operator(None).await.unwrap();
        let creates = self
            .known
            .tried
            .iter()
            .filter(|key| !key.ends_with("-moved"));
        let mut tasks = tokio::task::JoinSet::new();
        for key in creates.clone().chain(creates) {
            let (dispatcher, owner, key) = (dispatcher.clone(), owner.clone(), key.clone());
            tasks.spawn(async move {
                let answer = call(
                    &dispatcher,
                    &owner,
                    "create_contact",
                    Some(&key),
                    person(&key),
                )
                .await
                .unwrap();
                format!(
                    "ack {key} {} {}",
                    answer["data"]["id"].as_str().unwrap(),
                    answer["data"]["version"]
                )
            });
        }
        self.known.learn(&tasks.join_all().await);
        indexed(&dispatcher).await;
        for (key, (id, _)) in self
            .known
            .acknowledged
            .iter()
            .filter(|(key, _)| !key.ends_with("-moved"))
            .take(20)
        {
            assert!(
                find(&dispatcher, &owner, key).await.contains(id),
                "{key} is not found"
            );
        }
        dispatcher.app().store.close().await;
    }
}

/// The code of each failure, which all have to be of this kind.
pub(crate) fn only(code: Code, failed: &[(String, String)]) {
    let other: Vec<_> = failed
        .iter()
        .filter(|(found, _)| found != code.as_str())
        .collect();
    assert!(other.is_empty(), "{other:#?}");
}
