//! Three kinds of caller on one SQLite file at once: its owner and a read-only agent over stdio, each with a process of
//! its own, and narrow agents over HTTP.
//!
//! `BUREAU_MIXED_SECONDS` says for how long (docs/testing.md). Each caller keeps a model of what it was told is written;
//! in the end the file has to hold exactly that.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bureau_kernel::store::{Database, OpenOptions, Scope, Sql, Store, sql};
use bureau_kernel::types::id::decode;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy as client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Handle;

use crate::campaign::{HANG, check_log, word};

const VERSION: &str = "2026-07-28";
const STAGES: [&str; 4] = ["Lead", "Qualified", "Proposal", "Negotiation"];

/// What a caller does before its next call: a busy caller, and still not all that a machine gives.
const PAUSE: Duration = Duration::from_millis(2);

/// Most records in one bulk change.
const BULK: usize = 100;

// --- the processes ---------------------------------------------------------------------------------------------------

/// One database, and the program under test: this build's, or the one that `BUREAU_MIXED_PROGRAM` names.
struct Firm {
    folder: TempDir,
    program: PathBuf,
}

impl Firm {
    fn new() -> Self {
        let program = std::env::var_os("BUREAU_MIXED_PROGRAM");
        Self {
            folder: TempDir::new().unwrap(),
            program: program.map_or_else(|| env!("CARGO_BIN_EXE_bureau").into(), PathBuf::from),
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("bureau.sqlite")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env_clear()
            .env("HOME", self.folder.path())
            .arg("--database")
            .arg(format!("sqlite:{}", self.file().display()))
            .arg("--data-dir")
            .arg(self.folder.path().join("data"))
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    /// What a command prints as JSON.
    fn json(&self, arguments: &[&str]) -> Value {
        let done = self.command(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{arguments:?}: {said}");
        serde_json::from_slice(&done.stdout).unwrap()
    }

    fn log(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// A process on pipes that several callers talk to at once.
struct Pipes {
    child: Mutex<Child>,
    input: Mutex<Option<ChildStdin>>,
    waiting: Arc<Mutex<HashMap<u64, Sender<Value>>>>,
}

impl Pipes {
    fn start(mut command: Command, log: &Path) -> Arc<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(log).unwrap())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let waiting = Arc::new(Mutex::new(HashMap::<u64, Sender<Value>>::new()));
        let answers = Arc::clone(&waiting);
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let answer: Value = serde_json::from_str(&line).unwrap();
                let id = answer["id"].as_u64().unwrap();
                let asked = answers.lock().unwrap().remove(&id).unwrap();
                // Who asked may have given up, and says so itself.
                let _ = asked.send(answer);
            }
        });
        Arc::new(Self {
            input: Mutex::new(child.stdin.take()),
            child: Mutex::new(child),
            waiting,
        })
    }

    fn ask(&self, id: u64, request: &Value) -> Result<Value, String> {
        let (sender, answer): (_, Receiver<Value>) = channel();
        self.waiting.lock().unwrap().insert(id, sender);
        {
            let mut input = self.input.lock().unwrap();
            writeln!(input.as_mut().unwrap(), "{request}").map_err(|error| error.to_string())?;
        }
        answer.recv_timeout(HANG).map_err(|error| error.to_string())
    }

    /// Ends the input, upon which the process has to end well.
    fn end(&self) {
        *self.input.lock().unwrap() = None;
        let end = self.child.lock().unwrap().wait().unwrap();
        assert!(end.success(), "a process ended with {end}");
    }
}

/// Ends with the test, however that ends.
impl Drop for Pipes {
    fn drop(&mut self) {
        if let Ok(child) = self.child.get_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// `bureau serve`. It is killed in the end: what it has acknowledged is there all the same.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(mut command: Command, log: &Path) -> Self {
        let mut child = command
            .stdout(Stdio::null())
            .stderr(File::create(log).unwrap())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        loop {
            let said = std::fs::read_to_string(log).unwrap();
            let url = said.split_whitespace().find(|word| word.ends_with("/mcp"));
            if let Some(url) = url {
                let url = url.to_owned();
                return Self { child, url };
            }
            assert!(child.try_wait().unwrap().is_none(), "it ended: {said}");
            assert!(begun.elapsed() < HANG, "it does not listen: {said}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

// --- the callers -----------------------------------------------------------------------------------------------------

type Client = client::Client<HttpConnector, Full<Bytes>>;

/// The way to one of the processes.
#[derive(Clone)]
enum Way {
    Stdio(Arc<Pipes>),
    Http {
        client: Client,
        handle: Handle,
        url: String,
        key: String,
    },
}

impl Way {
    fn ask(&self, id: u64, tool: &str, request: &Value) -> Result<Value, String> {
        match self {
            Self::Stdio(pipes) => pipes.ask(id, request),
            Self::Http {
                client,
                handle,
                url,
                key,
            } => {
                let request = hyper::Request::post(url)
                    .header("authorization", format!("Bearer {key}"))
                    .header("content-type", "application/json")
                    .header("accept", "application/json, text/event-stream")
                    .header("mcp-protocol-version", VERSION)
                    .header("mcp-method", "tools/call")
                    .header("mcp-name", tool)
                    .body(Full::new(Bytes::from(request.to_string())))
                    .unwrap();
                let asked = async {
                    let answer = client.request(request).await.map_err(|error| {
                        // The outer one only says that it failed.
                        format!("{error}: {:?}", std::error::Error::source(&error))
                    })?;
                    let status = answer.status();
                    let body = answer.into_body().collect().await;
                    let body = body.map_err(|error| error.to_string())?.to_bytes();
                    serde_json::from_slice(&body)
                        .map_err(|error| format!("{status}, {error}: {body:?}"))
                };
                // The timer belongs to the runtime, so it is made inside of it.
                handle.block_on(async {
                    let asked = tokio::time::timeout(HANG, asked).await;
                    asked.map_err(|error| error.to_string())?
                })
            }
        }
    }
}

/// What a record has to be in the end.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Kept {
    version: i64,
    live: bool,
    /// A contact's city, a company's name, a deal's stage, an activity's outcome.
    state: String,
}

/// What a caller was told.
#[derive(Default)]
struct Model {
    /// Per table and identifier.
    records: BTreeMap<(&'static str, String), Kept>,
    /// How many records each change wrote.
    changes: HashMap<i64, usize>,
    /// How long calls took, in microseconds.
    times: BTreeMap<String, Vec<u128>>,
    /// The last contact that was made, and the word that finds it.
    last: Option<(String, String)>,
}

/// One caller among several.
struct Caller {
    who: &'static str,
    way: Way,
    number: u64,
    calls: u64,
    model: Model,
}

impl Caller {
    fn new(who: &'static str, way: &Way, number: u64) -> Self {
        Self {
            who,
            way: way.clone(),
            number,
            calls: 0,
            model: Model::default(),
        }
    }

    /// A call, and what it answered: `data` and `change`, or `error`.
    fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        self.calls += 1;
        // Callers share pipes, and an identifier belongs to one request.
        let id = self.number * 1_000_000_000 + self.calls;
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": VERSION,
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let request = json!({
            "jsonrpc": "2.0", "id": id, "method": "tools/call",
            "params": { "name": tool, "arguments": arguments, "_meta": meta },
        });
        let begun = Instant::now();
        let answer = self.way.ask(id, tool, &request);
        let took = begun.elapsed().as_micros();
        let answer = answer.unwrap_or_else(|error| panic!("{}, {tool}: {error}", self.who));
        let text = answer["result"]["content"][0]["text"].as_str();
        let body: Value = match text {
            Some(text) => serde_json::from_str(text).unwrap(),
            // Turned away at the door, in the same form.
            None => answer,
        };
        let kind = match body.get("error") {
            Some(_) => "(refused)".to_owned(),
            None => tool.to_owned(),
        };
        self.model.times.entry(kind).or_default().push(took);
        std::thread::sleep(PAUSE);
        body
    }

    /// A call that has to do what it says.
    fn ok(&mut self, tool: &str, arguments: &Value) -> Value {
        let body = self.call(tool, arguments);
        assert!(
            body.get("error").is_none(),
            "{}, {tool} {arguments}: {body}",
            self.who
        );
        body
    }

    /// A mistake: refused with this code, and nothing written.
    fn refused(&mut self, code: &str, tool: &str, arguments: &Value) {
        let body = self.call(tool, arguments);
        assert_eq!(
            body["error"]["code"], code,
            "{}, {tool} {arguments}: {body}",
            self.who
        );
    }

    /// A call that writes this many records.
    fn writes(&mut self, records: usize, tool: &str, arguments: &Value) -> Value {
        let body = self.ok(tool, arguments);
        let change = body["change"].as_str().unwrap_or_else(|| panic!("{body}"));
        let known = self.model.changes.insert(number_of(change), records);
        assert_eq!(known, None, "two calls are one change: {body}");
        body
    }

    /// Notes a record as a call answered it.
    fn keep(&mut self, table: &'static str, data: &Value, state: &str) -> String {
        let id = data["id"].as_str().unwrap().to_owned();
        let kept = Kept {
            version: data["version"].as_i64().unwrap(),
            live: true,
            state: state.to_owned(),
        };
        self.model.records.insert((table, id.clone()), kept);
        id
    }

    fn kept(&mut self, table: &'static str, id: &str) -> &mut Kept {
        self.model.records.get_mut(&(table, id.to_owned())).unwrap()
    }

    /// Some of the caller's own live records, not always the same.
    fn some(&self, table: &'static str, count: usize, fits: impl Fn(&Kept) -> bool) -> Vec<String> {
        let own = self.model.records.iter().filter(|((of, _), kept)| {
            let of_table = *of == table;
            of_table && kept.live && fits(kept)
        });
        let own: Vec<&String> = own.map(|((_, id), _)| id).collect();
        if own.is_empty() {
            return Vec::new();
        }
        let start = usize::from(rand::random::<u16>()) % own.len();
        let chosen = own.iter().cycle().skip(start).take(count.min(own.len()));
        chosen.map(|id| (*id).clone()).collect()
    }

    fn one(&self, table: &'static str, fits: impl Fn(&Kept) -> bool) -> Option<String> {
        self.some(table, 1, fits).pop()
    }

    /// A word that nobody else uses.
    fn word(&self) -> String {
        word(&format!("{}-{}-{}", self.who, self.number, self.calls))
    }

    // What owner and narrow agents both do.

    fn creates_contact(&mut self) -> String {
        let name = self.word();
        let made = self.writes(
            1,
            "create_contact",
            &json!({ "first_name": "Mixed", "last_name": name, "emails": [format!("{name}@mixed.example")] }),
        );
        let id = self.keep("contact", &made["data"], "");
        self.model.last = Some((id.clone(), name));
        id
    }

    fn moves_contact(&mut self) {
        let Some(id) = self.one("contact", |_| true) else {
            return;
        };
        let (city, version) = (self.word(), self.kept("contact", &id).version);
        let moved = json!({ "contact": id, "city": city, "version": version });
        let moved = self.writes(1, "update_contact", &moved);
        self.keep("contact", &moved["data"], &city);
    }

    fn creates_deal(&mut self) {
        let company = self.one("company", |_| true);
        let currency = ["EUR", "USD", "GBP"][usize::from(rand::random::<u8>()) % 3];
        let amount = format!("{}.{:02}", rand::random::<u16>(), self.calls % 100);
        let mut deal = json!({ "name": self.word(), "amount": amount, "currency": currency });
        if let Some(company) = company {
            deal["company"] = company.into();
        }
        let made = self.writes(1, "create_deal", &deal);
        self.keep("deal", &made["data"], STAGES[0]);
    }

    /// The next stage for a deal, until it is won or lost.
    fn moves_deal(&mut self) {
        let Some(id) = self.one("deal", |deal| STAGES.contains(&&*deal.state)) else {
            return;
        };
        let at = self.kept("deal", &id).state.clone();
        let at = STAGES.iter().position(|stage| *stage == at).unwrap();
        let (arguments, stage) = match STAGES.get(at + 1) {
            Some(stage) => (json!({ "deal": id, "stage": stage }), *stage),
            None if self.calls.is_multiple_of(3) => {
                self.refused(
                    "VALIDATION_ERROR",
                    "update_deal",
                    &json!({ "deal": id, "status": "lost" }),
                );
                (
                    json!({ "deal": id, "status": "lost", "lost_reason": "Price" }),
                    "Lost",
                )
            }
            None => (json!({ "deal": id, "status": "won" }), "Won"),
        };
        let moved = self.writes(1, "update_deal", &arguments);
        assert_eq!(moved["data"]["stage"]["name"], stage, "{moved}");
        self.keep("deal", &moved["data"], stage);
    }

    /// A search right after a write finds what was written.
    fn finds_its_last(&mut self) {
        let Some((id, name)) = self.model.last.clone() else {
            return;
        };
        if self.kept("contact", &id).live {
            let found = self.ok("search_contacts", &json!({ "query": name }));
            assert_eq!(found["data"][0]["id"], id, "{name}: {found}");
        }
    }

    /// The parts of a summary fit together: they are of one moment, whatever others write meanwhile.
    fn sums_up(&mut self) {
        let summary = self.ok("get_pipeline_summary", &json!({}));
        fits_together(&summary["data"]);
    }

    // What only the owner does.

    fn creates_company(&mut self) {
        let name = self.word();
        let made = self.writes(1, "create_company", &json!({ "name": name }));
        self.keep("company", &made["data"], &name);
    }

    fn plans_activity(&mut self) {
        let mut activity =
            json!({ "type": "call", "subject": self.word(), "due_at": "2026-01-15" });
        if let Some(deal) = self.one("deal", |_| true) {
            activity["deal"] = deal.into();
        }
        let made = self.writes(1, "create_activity", &activity);
        self.keep("activity", &made["data"], "");
    }

    fn completes_activity(&mut self) {
        let Some(id) = self.one("activity", |activity| activity.state.is_empty()) else {
            return;
        };
        let outcome = self.word();
        let done = json!({ "activity": id, "outcome": outcome, "follow_up": self.word(), "follow_up_due": "+7d" });
        let done = self.writes(2, "complete_activity", &done);
        self.keep("activity", &done["data"], &outcome);
        self.keep("activity", &done["data"]["follow_up"], "");
        self.refused("CONFLICT", "complete_activity", &json!({ "activity": id }));
    }

    /// Changes many at once, and every other time takes it back.
    fn changes_many(&mut self, table: &'static str, field: &str, value: &str) {
        // What ended stays so, and what is so already would not be written.
        let fits = |kept: &Kept| !["Won", "Lost", value].contains(&&*kept.state);
        let ids = self.some(table, BULK, fits);
        if ids.is_empty() {
            return;
        }
        let bulk = json!({ format!("{table}s"): ids, field: value });
        let done = self.writes(ids.len(), &format!("bulk_update_{table}s"), &bulk);
        assert_eq!(done["data"]["updated"], ids.len(), "{done}");
        let undo = rand::random::<bool>();
        for id in &ids {
            let kept = self.kept(table, id);
            kept.version += 1;
            if !undo {
                value.clone_into(&mut kept.state);
            }
        }
        if undo {
            let change = json!({ "change": done["change"] });
            self.writes(ids.len(), "undo_change", &change);
            for id in &ids {
                self.kept(table, id).version += 1;
            }
            self.refused("CONFLICT", "undo_change", &change);
        }
    }

    fn merges(&mut self) {
        let (keep, gone) = (self.creates_contact(), self.creates_contact());
        let merge = json!({ "keep": keep, "merge": [gone] });
        self.refused("CONFIRMATION_REQUIRED", "merge_contacts", &merge);
        let merge = json!({ "keep": keep, "merge": [gone], "confirm": true });
        let merged = self.writes(2, "merge_contacts", &merge);
        self.keep("contact", &merged["data"], "");
        self.kept("contact", &gone).live = false;
        self.model.last = None;
    }

    fn deletes(&mut self) {
        let id = self.creates_contact();
        self.refused(
            "CONFIRMATION_REQUIRED",
            "delete_contact",
            &json!({ "contact": id }),
        );
        self.writes(
            1,
            "delete_contact",
            &json!({ "contact": id, "confirm": true }),
        );
        self.refused(
            "RESOURCE_NOT_FOUND",
            "get_contact",
            &json!({ "contact": id }),
        );
        self.kept("contact", &id).live = false;
        self.model.last = None;
    }

    fn looks_at_the_firm(&mut self) {
        let dashboard = self.ok("get_crm_dashboard", &json!({}));
        let mut open = 0;
        for dispatcher in dashboard["data"]["pipelines"].as_array().unwrap() {
            fits_together(dispatcher);
            open += dispatcher["total"]["count"].as_i64().unwrap();
        }
        assert_eq!(
            dashboard["data"]["deals"]["open"]["count"], open,
            "{dashboard}"
        );
    }

    fn errs(&mut self) {
        let Some(id) = self.one("contact", |_| true) else {
            return;
        };
        let stale = json!({ "contact": id, "city": "Bonn", "version": 1_000_000_000 });
        self.refused("CONFLICT", "update_contact", &stale);
        self.refused(
            "VALIDATION_ERROR",
            "update_contact",
            &json!({ "contact": id, "cty": "Bonn" }),
        );
        self.refused("RESOURCE_NOT_FOUND", "no_such_tool", &json!({}));
    }
}

fn fits_together(figures: &Value) {
    let stages = figures["stages"].as_array().unwrap().iter();
    let counts: i64 = stages.map(|stage| stage["count"].as_i64().unwrap()).sum();
    assert_eq!(figures["total"]["count"], counts, "{figures}");
}

fn number_of(id: &str) -> i64 {
    decode(id).unwrap().1
}

/// What a caller does next.
type Turn = fn(&mut Caller);

/// The owner's turns: everything.
fn owner(caller: &mut Caller) {
    match rand::random::<u8>() % 16 {
        0 | 1 => drop(caller.creates_contact()),
        2 => caller.creates_company(),
        3 => caller.creates_deal(),
        4 | 5 => caller.moves_deal(),
        6 => caller.plans_activity(),
        7 => caller.completes_activity(),
        8 => caller.moves_contact(),
        9 => {
            let city = caller.word();
            caller.changes_many("contact", "city", &city);
            let stage = STAGES[usize::from(rand::random::<u8>()) % STAGES.len()];
            caller.changes_many("deal", "stage", stage);
        }
        10 => caller.merges(),
        11 => caller.deletes(),
        12 => caller.finds_its_last(),
        13 => caller.looks_at_the_firm(),
        14 => {
            caller.ok(
                "list_activities",
                &json!({ "status": "overdue", "limit": 20 }),
            );
        }
        _ => caller.errs(),
    }
}

/// The read-only agent's turns.
fn reader(caller: &mut Caller) {
    match rand::random::<u8>() % 10 {
        0 => drop(caller.ok("search_contacts", &json!({ "query": "mixed" }))),
        1 => drop(caller.ok(
            "search_contacts",
            &json!({ "sort": "created_at", "descending": true, "limit": 100 }),
        )),
        2 => drop(caller.ok(
            "list_deals",
            &json!({ "status": "open", "sort": "amount", "descending": true }),
        )),
        3 => drop(caller.ok(
            "list_deals",
            &json!({ "stage": "Negotiation", "min_amount": "20000" }),
        )),
        4 => caller.sums_up(),
        5 => caller.looks_at_the_firm(),
        6 => {
            let page = caller.ok(
                "get_audit_log",
                &json!({ "tool": "bulk_update_contacts", "limit": 50 }),
            );
            if let Some(cursor) = page.pointer("/page/next") {
                let next = json!({ "tool": "bulk_update_contacts", "limit": 50, "cursor": cursor });
                caller.ok("get_audit_log", &next);
            }
        }
        7 => drop(caller.ok(
            "list_activities",
            &json!({ "status": "pending", "limit": 50 }),
        )),
        8 => drop(caller.ok("search_companies", &json!({ "sort": "name" }))),
        _ => {
            caller.refused("READ_ONLY", "create_contact", &json!({ "name": "Nobody" }));
            caller.refused(
                "VALIDATION_ERROR",
                "list_deals",
                &json!({ "cursor": "nonsense" }),
            );
        }
    }
}

/// The narrow agents' turns: contacts and deals, nothing removed.
fn narrow(caller: &mut Caller) {
    match rand::random::<u8>() % 9 {
        0 | 1 => drop(caller.creates_contact()),
        2 => caller.moves_contact(),
        3 => caller.creates_deal(),
        4 | 5 => caller.moves_deal(),
        6 => caller.finds_its_last(),
        7 => caller.sums_up(),
        _ => {
            caller.refused(
                "RESOURCE_NOT_FOUND",
                "create_activity",
                &json!({ "subject": "Not mine" }),
            );
            if let Some(id) = caller.one("contact", |_| true) {
                let delete = json!({ "contact": id, "confirm": true });
                caller.refused("RESOURCE_NOT_FOUND", "delete_contact", &delete);
            }
            caller.errs();
        }
    }
}

// --- what has to hold ------------------------------------------------------------------------------------------------

/// The tables that the callers write, with the column that their models keep.
fn tables() -> [(&'static str, Sql); 4] {
    let live = "CASE WHEN archived_at IS NULL THEN 1 ELSE 0 END AS live FROM";
    let of = |table: &'static str, state: &'static str| {
        sql("SELECT id, version, ")
            .sql(state)
            .sql(" AS state, ")
            .sql(live)
            .sql(" ")
            .sql(table)
    };
    [
        ("contact", of("contact", "COALESCE(city, '')")),
        ("company", of("company", "name")),
        ("activity", of("activity", "COALESCE(outcome, '')")),
        (
            "deal",
            of(
                "deal",
                "(SELECT stage.name FROM stage WHERE stage.id = deal.stage)",
            ),
        ),
    ]
}

/// Compares the file with what the callers were told: nothing less, and nothing more.
async fn check(store: &Store, models: &[Model]) -> Vec<String> {
    let mut findings = Vec::new();
    let mut tx = store.read(Scope::System).await.unwrap();
    for (table, statement) in tables() {
        let mut expected: HashMap<i64, &Kept> = HashMap::new();
        for ((of, id), kept) in models.iter().flat_map(|model| &model.records) {
            if *of == table {
                expected.insert(number_of(id), kept);
            }
        }
        for row in statement.rows(&mut tx).await.unwrap() {
            let id: i64 = row.get("id").unwrap();
            let found = Kept {
                version: row.get("version").unwrap(),
                live: row.get::<i64>("live").unwrap() == 1,
                state: row.get("state").unwrap(),
            };
            match expected.remove(&id) {
                None => findings.push(format!("nobody made the {table} {id}: {found:?}")),
                Some(kept) => {
                    // The version of what was deleted is no answer's.
                    let same = found.live == kept.live && (!kept.live || found == *kept);
                    if !same {
                        findings.push(format!("{table} {id} is {found:?} and was {kept:?}"));
                    }
                }
            }
        }
        for (id, kept) in expected {
            findings.push(format!("{table} {id} is lost: {kept:?}"));
        }
    }
    let mut expected: HashMap<i64, usize> = HashMap::new();
    for model in models {
        expected.extend(&model.changes);
    }
    let changes = sql(
        "SELECT call, tool, COUNT(*) AS records FROM change_log WHERE tool <> 'bureau' GROUP BY call, tool",
    );
    for row in changes.rows(&mut tx).await.unwrap() {
        let (call, tool): (i64, String) = (row.get("call").unwrap(), row.get("tool").unwrap());
        let found = usize::try_from(row.get::<i64>("records").unwrap()).unwrap();
        let told = expected.remove(&call);
        if told != Some(found) {
            findings.push(format!(
                "{tool} wrote {found} records, and {told:?} were told of"
            ));
        }
    }
    for (call, records) in expected {
        findings.push(format!(
            "the change {call} of {records} records is not in the log"
        ));
    }
    tx.rollback().await;
    findings
}

/// Each process finds the last contact of every caller, at the latest when the index has come that far.
fn all_find_the_last(ways: &[(&'static str, Way)], models: &[Model]) {
    let last: Vec<_> = models
        .iter()
        .filter_map(|model| model.last.clone())
        .collect();
    assert!(!last.is_empty(), "somebody made a contact last");
    for (number, (who, way)) in (100..).zip(ways) {
        let mut caller = Caller::new(who, way, number);
        for (id, name) in &last {
            let begun = Instant::now();
            loop {
                let found = caller.ok("search_contacts", &json!({ "query": name }));
                if found["data"][0]["id"] == *id {
                    break;
                }
                assert!(
                    begun.elapsed() < HANG,
                    "{who} does not find {name}: {found}"
                );
            }
        }
    }
}

/// The counts that the owner is told are those of the models.
fn counts_agree(way: &Way, models: &[Model]) {
    let answer = Caller::new("owner", way, 200).ok("get_workspace", &json!({}));
    for (table, _) in tables() {
        let own = models.iter().flat_map(|model| &model.records);
        let live = own
            .filter(|((of, _), kept)| *of == table && kept.live)
            .count();
        assert_eq!(answer["data"]["records"][table], live, "{table}: {answer}");
    }
}

/// How long the calls of each caller took. This is said, and asserted nowhere.
fn report(seconds: u64, calls: &[(&'static str, Model)]) {
    let mut times: BTreeMap<(&str, &str), Vec<u128>> = BTreeMap::new();
    for (who, model) in calls {
        for (tool, took) in &model.times {
            times.entry((who, tool)).or_default().extend(took);
            times.entry((who, "all")).or_default().extend(took);
        }
    }
    println!("\n{seconds} seconds\n");
    println!("| caller | call | calls | p50 ms | p99 ms | max ms |");
    println!("| --- | --- | ---: | ---: | ---: | ---: |");
    for ((who, tool), mut took) in times {
        took.sort_unstable();
        let at = |percent: usize| {
            let micros = took[(took.len() - 1) * percent / 100];
            format!("{}.{}", micros / 1000, micros % 1000 / 100)
        };
        let (p50, p99, most) = (at(50), at(99), at(100));
        println!(
            "| {who} | {tool} | {} | {p50} | {p99} | {most} |",
            took.len()
        );
    }
}

#[test]
fn an_owner_a_read_only_agent_and_narrow_agents_share_one_file_and_nothing_is_lost() {
    let seconds = std::env::var("BUREAU_MIXED_SECONDS");
    let seconds: u64 = seconds.map_or(20, |text| text.parse().unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let firm = Firm::new();
    let key = firm.json(&[
        "key",
        "create",
        "--name",
        "narrow",
        "--json",
        "--permissions=contacts:read,contacts:write,deals:read,deals:write",
    ]);
    let server = Server::start(
        firm.command(&[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--features=contacts,deals",
            "--calls-per-hour=0",
        ]),
        &firm.log("server.log"),
    );
    let writing = Pipes::start(
        firm.command(&["--features=default,history"]),
        &firm.log("owner.log"),
    );
    let reading = Pipes::start(firm.command(&["--read-only"]), &firm.log("reader.log"));
    let http = |key: &str| Way::Http {
        client: client::Client::builder(TokioExecutor::new()).build_http(),
        handle: runtime.handle().clone(),
        url: server.url.clone(),
        key: key.to_owned(),
    };
    let ways = [
        ("owner, stdio", Way::Stdio(Arc::clone(&writing))),
        ("read-only agent, stdio", Way::Stdio(Arc::clone(&reading))),
        ("narrow agent, HTTP", http(key["key"].as_str().unwrap())),
    ];
    // A stranger is turned away, in the middle of it all too.
    let mut stranger = Caller::new("stranger", &http("bureau_nobodys"), 0);

    let turns: [(usize, Turn); 8] = [
        (0, owner),
        (0, owner),
        (1, reader),
        (1, reader),
        (2, narrow),
        (2, narrow),
        (2, narrow),
        (2, narrow),
    ];
    let begun = Instant::now();
    let end = begun + Duration::from_secs(seconds);
    let callers: Vec<_> = (1..)
        .zip(turns)
        .map(|(number, (way, turn))| {
            let (who, way) = &ways[way];
            let mut caller = Caller::new(who, way, number);
            std::thread::spawn(move || {
                while Instant::now() < end {
                    turn(&mut caller);
                }
                // Everybody ends with something to look for.
                if caller.who != "read-only agent, stdio" {
                    caller.creates_contact();
                }
                (caller.who, caller.model)
            })
        })
        .collect();
    while Instant::now() < end {
        stranger.refused("UNAUTHORIZED", "search_contacts", &json!({}));
        std::thread::sleep(Duration::from_millis(500));
    }
    let done: Vec<_> = callers
        .into_iter()
        .map(|caller| caller.join().unwrap())
        .collect();
    report(seconds, &done);
    let models: Vec<Model> = done.into_iter().map(|(_, model)| model).collect();
    all_find_the_last(&ways, &models);
    counts_agree(&ways[0].1, &models);
    writing.end();
    reading.end();
    drop(server);

    for log in ["server.log", "owner.log", "reader.log"] {
        let said = std::fs::read_to_string(firm.log(log)).unwrap();
        let complaint = said.lines().find(|line| {
            let bad = ["ERROR", "WARN", "panicked"];
            bad.iter().any(|word| line.contains(word))
        });
        assert_eq!(complaint, None, "{log}");
    }
    let findings = runtime.block_on(async {
        let store = Store::open(&OpenOptions::new(Database::Sqlite(firm.file()))).await;
        let store = store.unwrap();
        let mut findings = check(&store, &models).await;
        findings.extend(check_log(&store).await);
        store.close().await;
        findings
    });
    assert!(
        findings.is_empty(),
        "{} findings:\n{}",
        findings.len(),
        findings[..findings.len().min(20)].join("\n")
    );
    let doctor = firm.json(&["doctor", "--json"]);
    assert_eq!(doctor["ok"], true, "{doctor}");
}
