//! What one caller, or somebody without a key, may do to all others: nothing (reliability.md, line 26).

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use bureau::transport::http::{self, Limits, Options};
use bureau_kernel::admin::{self, NewKey};
use bureau_kernel::caller::Caller;
use bureau_kernel::error::Code;
use bureau_kernel::permission::Grants;
use bureau_kernel::store::Database;
use bureau_kernel::testing::{ENGINES, Engine, TestApp};
use futures::FutureExt as _;
use futures::future::join_all;
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::MODULES;
use crate::campaign::HANG;

/// An issued invoice of so many lines.
pub(crate) async fn invoice(app: &TestApp, owner: &Caller, lines: usize) -> Value {
    let company = app
        .data(
            owner,
            "create_company",
            json!({"name": "Buyer", "country": "DE"}),
        )
        .await;
    let line = json!({"description": "Support", "unit_price": "80", "tax_rate": "20"});
    let draft = json!({"company": company["id"], "lines": vec![line; lines]});
    let draft = app.data(owner, "create_invoice", draft).await;
    let issue = json!({"invoice": draft["id"], "confirm": true});
    app.data(owner, "issue_invoice", issue).await["id"].clone()
}

/// All turns at the cores, so that nobody else gets one.
fn all_turns(app: &TestApp) -> Vec<bureau_kernel::compute::Turn> {
    let compute = &app.dispatcher.app().compute;
    let mut turns = Vec::new();
    // A caller gets a part of them only.
    for actor in 1.. {
        match compute.turn(-actor).now_or_never() {
            Some(turn) => turns.push(turn.unwrap()),
            None => break,
        }
    }
    turns
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_waits_for_a_core_holds_no_connection() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let invoice = invoice(&app, &owner, 3).await;
        let turns = all_turns(&app);
        // More than there are connections.
        let documents = (0..24).map(|_| {
            let asked = json!({"invoice": invoice, "document": "pdf"});
            app.data(&owner, "get_invoice", asked)
        });
        let mut documents = Box::pin(join_all(documents));
        let others = async {
            for _ in 0..50 {
                let read = json!({"invoice": invoice});
                app.data(&owner, "get_invoice", read).await;
            }
        };
        tokio::select! {
            biased;
            _ = &mut documents => panic!("{engine:?}: a document was made without a turn"),
            done = timeout(HANG, others) => done.expect("others are served"),
        }
        drop(turns);
        let documents = timeout(HANG, documents).await.expect("they are made");
        for document in documents {
            let content = document["document"]["content"].as_str().unwrap();
            assert!(content.starts_with("JVBERi"), "{engine:?}: a PDF in base64");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_read_for_a_document_before_its_caller_has_a_place_in_the_line() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let compute = &app.dispatcher.app().compute;
        let mut places = Vec::new();
        while let Some(place) = compute.place(owner.actor()).now_or_never() {
            places.push(place.unwrap());
        }
        // Whoever looks for it sees that it is not there.
        let tools = [("get_invoice", "invoice"), ("get_quotation", "quotation")];
        let documents = tools.map(|(tool, kind)| {
            let asked = json!({kind: "NONE", "document": "pdf"});
            app.error(&owner, tool, asked)
        });
        let mut documents = Box::pin(join_all(documents));
        let others = async {
            for _ in 0..50 {
                let read = json!({"invoice": "NONE"});
                app.error(&owner, "get_invoice", read).await;
            }
        };
        tokio::select! {
            biased;
            _ = &mut documents => panic!("{engine:?}: it was looked for without a place"),
            done = timeout(HANG, others) => done.expect("others are served"),
        }
        drop(places);
        for error in timeout(HANG, documents).await.expect("they are answered") {
            assert_eq!(error.code(), Code::NotFound, "{engine:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_arguments_are_read_when_a_core_may_be_kept_busy_and_small_ones_at_once() {
    let app = TestApp::new(Engine::Sqlite, MODULES).await;
    let owner = app.owner().await;
    let turns = all_turns(&app);
    let of_size = |bytes: usize| json!({"name": "Ada", "naem": "x".repeat(bytes)});
    let mut large = Box::pin(app.error(&owner, "create_contact", of_size(100_000)));
    let small = async {
        for _ in 0..50 {
            app.error(&owner, "create_contact", of_size(10)).await;
        }
    };
    tokio::select! {
        biased;
        _ = &mut large => panic!("it was read without a turn"),
        done = timeout(HANG, small) => done.expect("others are served"),
    }
    drop(turns);
    let error = timeout(HANG, large).await.expect("it is answered");
    assert_eq!(error.code(), Code::Validation);
}

/// A server on a port of its own.
struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// Limits that a test reaches, with times that none of them does.
fn limits() -> Limits {
    Limits {
        connections: 8,
        connections_of_peer: 8,
        first_request: HANG,
        idle: HANG,
        unread: HANG,
    }
}

impl Server {
    async fn start(router: Router, limits: Limits) -> Self {
        let listener = http::bind("127.0.0.1:0", false).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn(http::serve(
            listener,
            router,
            limits,
            stop.clone(),
            2 * HANG,
        ));
        Self {
            address,
            stop,
            task,
        }
    }

    async fn of(app: &TestApp, limits: Limits) -> Self {
        let handler = crate::http::server(app.dispatcher.clone());
        let dispatcher = app.dispatcher.clone();
        let router = crate::http::router(handler, dispatcher, true, &Options::default()).unwrap();
        Self::start(router, limits).await
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// A connection on which half of a head was sent.
    async fn half(&self) -> TcpStream {
        let mut socket = self.connect().await;
        socket
            .write_all(b"POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\nx-much")
            .await
            .unwrap();
        socket
    }

    /// Ends it, which waits for all requests under way and all answers.
    async fn end(self) {
        self.stop.cancel();
        timeout(HANG, self.task)
            .await
            .expect("every connection has ended")
            .unwrap();
    }
}

fn request(key: &str, body: &str) -> String {
    format!(
        "POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn list() -> String {
    json!({"jsonrpc": "2.0", "id": 7, "method": "tools/list"}).to_string()
}

/// Asks on a connection and answers the first line and the body of what comes back, if anything does.
async fn answered(socket: &mut TcpStream, request: &str) -> Option<(String, String)> {
    socket.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    let head = loop {
        let read = socket
            .read(&mut buffer)
            .await
            .ok()
            .filter(|read| *read > 0)?;
        answer.extend_from_slice(&buffer[..read]);
        if let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") {
            let body = answer.split_off(end + 4);
            break String::from_utf8(std::mem::replace(&mut answer, body)).unwrap();
        }
    };
    let length: usize = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    while answer.len() < length {
        let read = socket
            .read(&mut buffer)
            .await
            .ok()
            .filter(|read| *read > 0)?;
        answer.extend_from_slice(&buffer[..read]);
    }
    let first = head.lines().next()?.to_owned();
    Some((first, String::from_utf8(answer).unwrap()))
}

/// The first line of what comes back.
async fn ask(socket: &mut TcpStream, request: &str) -> Option<String> {
    answered(socket, request).await.map(|(first, _)| first)
}

/// Whether the other side has closed the connection. It is waited for.
async fn is_closed(socket: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    timeout(HANG, socket.read_to_end(&mut rest)).await.is_ok()
}

const OK: Option<&str> = Some("HTTP/1.1 200 OK");

#[tokio::test(flavor = "multi_thread")]
async fn connections_without_a_key_keep_nobody_out() {
    let app = TestApp::new(Engine::Sqlite, MODULES).await;
    let (key, _) = app.key(&["full"]).await;
    let server = Server::of(&app, limits()).await;
    let mut known = server.connect().await;
    assert_eq!(
        ask(&mut known, &request(&key, &list())).await.as_deref(),
        OK
    );
    let mut halves = Vec::new();
    for _ in 0..50 {
        halves.push(server.half().await);
    }
    let mut newcomer = server.connect().await;
    assert_eq!(
        ask(&mut newcomer, &request(&key, &list())).await.as_deref(),
        OK
    );
    assert_eq!(
        ask(&mut known, &request(&key, &list())).await.as_deref(),
        OK,
        "it has shown a key, so it stays"
    );
    assert!(is_closed(&mut halves[0]).await, "the oldest had to leave");
    drop((halves, known, newcomer));
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_with_many_connections_leaves_room_for_another() {
    let app = TestApp::new(Engine::Sqlite, MODULES).await;
    let (greedy, _) = app.key(&["full"]).await;
    let (key, _) = app.key(&["full"]).await;
    let server = Server::of(&app, limits()).await;
    let mut modest = server.connect().await;
    assert_eq!(
        ask(&mut modest, &request(&key, &list())).await.as_deref(),
        OK
    );
    let mut many = Vec::new();
    for _ in 0..30 {
        let mut socket = server.connect().await;
        assert_eq!(
            ask(&mut socket, &request(&greedy, &list()))
                .await
                .as_deref(),
            OK
        );
        many.push(socket);
    }
    let mut another = server.connect().await;
    for socket in [&mut modest, &mut another] {
        assert_eq!(ask(socket, &request(&key, &list())).await.as_deref(), OK);
    }
    assert!(is_closed(&mut many[0]).await, "its own oldest had to leave");
    drop((modest, another, many));
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_does_not_come_and_one_that_does_not_end_are_given_up() {
    let app = TestApp::new(Engine::Sqlite, MODULES).await;
    let (key, _) = app.key(&["full"]).await;
    let short = Duration::from_millis(50);
    let impatient = Limits {
        first_request: short,
        idle: short,
        ..limits()
    };
    let server = Server::of(&app, impatient).await;
    let mut silent = server.connect().await;
    let mut half = server.half().await;
    assert!(is_closed(&mut silent).await && is_closed(&mut half).await);
    let mut idle = server.connect().await;
    assert_eq!(ask(&mut idle, &request(&key, &list())).await.as_deref(), OK);
    assert!(is_closed(&mut idle).await, "nothing comes after it");
    let mut endless = server.connect().await;
    let line = format!("x-long: {}\r\n", "x".repeat(8_000));
    let head = format!(
        "GET /health/live HTTP/1.1\r\nhost: 127.0.0.1\r\n{}",
        line.repeat(50)
    );
    drop(endless.write_all(head.as_bytes()).await);
    assert!(is_closed(&mut endless).await, "400 KB are no head");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_nobody_takes_is_given_up() {
    let large = Router::new().fallback(|| async { "x".repeat(64 * 1024 * 1024) });
    let impatient = Limits {
        unread: Duration::from_millis(50),
        ..limits()
    };
    let server = Server::start(large, impatient).await;
    let mut socket = server.connect().await;
    let request = "GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n";
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0; 1];
    socket.read_exact(&mut first).await.unwrap();
    // The server ends once the connection has, though its client still holds it.
    server.end().await;
    drop(socket);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_writes_before_reading_gets_the_answer_that_turns_it_away() {
    let app = TestApp::new(Engine::Sqlite, MODULES).await;
    let (key, _) = app.key(&["full"]).await;
    let server = Server::of(&app, limits()).await;
    let long = "x".repeat(5 * 1024 * 1024);
    for (key, body, status) in [
        ("bur_bad", &long[..1024 * 1024], "HTTP/1.1 401 Unauthorized"),
        (&key, &long, "HTTP/1.1 413 Payload Too Large"),
    ] {
        let mut socket = server.connect().await;
        let answer = ask(&mut socket, &request(key, body)).await;
        assert_eq!(answer.as_deref(), Some(status));
        let health = "GET /health/live HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n";
        assert_eq!(
            ask(&mut socket, health).await.as_deref(),
            OK,
            "and may go on"
        );
    }
    server.end().await;
}

// --- one abusive key, and another one -------------------------------------------------------------------------------

/// How long each attack lasts; with it in the environment, what the other key waits is compared with what it waits alone.
const SECONDS: &str = "BUREAU_ABUSE_SECONDS";

/// A program that is built already.
const PROGRAM: &str = "BUREAU_ABUSE_PROGRAM";

/// The longest that a call of the other key may take in the short form, which runs unoptimized on machines that are busy with
/// other tests: a bound for a standstill, and no figure. In the first edition a few of these callers stood in the way of all
/// others for half a minute, again and again.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the server may hold in memory after all of it, in KiB.
const MOST_MEMORY_KIB: u64 = 1024 * 1024;

/// How much longer the other key may wait than alone, and what counts as nothing.
const RATIO: u32 = 5;
const FLOOR: Duration = Duration::from_millis(20);

/// In so many rounds what it waits is measured under each attack; their median counts.
const ROUNDS: usize = 5;

/// `bureau serve` on a database that was made before.
struct Process {
    child: std::process::Child,
    address: SocketAddr,
}

impl Process {
    fn start(database: &Database, folder: &Path) -> Self {
        let program = std::env::var_os(PROGRAM).unwrap_or(env!("CARGO_BIN_EXE_bureau").into());
        let log = folder.join("server.log");
        let address = match database {
            Database::Sqlite(path) => format!("sqlite:{}", path.display()),
            Database::Postgres(url) => url.clone(),
        };
        let mut child = std::process::Command::new(program)
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--features",
                "all",
                "--database",
                &address,
                "--data-dir",
            ])
            .arg(folder.join("data"))
            .env_remove("BUREAU_API_KEY")
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let begun = Instant::now();
        loop {
            let said = std::fs::read_to_string(&log).unwrap();
            let url = said.split_whitespace().find(|word| word.ends_with("/mcp"));
            if let Some(url) = url {
                let address = url.trim_start_matches("http://").trim_end_matches("/mcp");
                let address = address.parse().unwrap();
                return Self { child, address };
            }
            assert!(child.try_wait().unwrap().is_none(), "it ended: {said}");
            assert!(begun.elapsed() < HANG, "it does not listen: {said}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The most memory that it ever held, in KiB.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak.unwrap()
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What everybody works on.
#[derive(Clone)]
struct Scene {
    address: SocketAddr,
    abuser: Arc<str>,
    other: Arc<str>,
    invoice: Value,
    contacts: Arc<[Value]>,
    locked: Value,
}

fn call(key: &str, tool: &str, arguments: &Value) -> String {
    let params = json!({"name": tool, "arguments": arguments});
    request(
        key,
        &json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}).to_string(),
    )
}

async fn unlimited_key(app: &TestApp, name: &str) -> Arc<str> {
    let known = app.dispatcher.registry().permissions();
    let new = NewKey {
        name: name.into(),
        grants: Grants::parse(["full"], &known).unwrap(),
        workspaces: vec!["main".into()],
        member: None,
        expires_at: None,
        confirm: None,
        calls_per_hour: Some(100_000_000),
    };
    let made = admin::create_key(&app.dispatcher.app().store, new).await;
    made.unwrap().0.into()
}

/// What an abusive caller does again and again, each on a connection of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Abuse {
    Search,
    Documents,
    Bodies,
    HalfHeads,
    LockedRow,
}

impl Abuse {
    const fn callers(self) -> usize {
        match self {
            Self::Search | Self::Documents => 96,
            Self::Bodies => 16,
            Self::HalfHeads => 600,
            Self::LockedRow => 40,
        }
    }

    /// What one of its callers sends.
    fn request(self, scene: &Scene, caller: usize) -> String {
        let key = &scene.abuser;
        match self {
            // One in twelve writes, and all others wait to see it.
            Self::Search if caller.is_multiple_of(12) => call(
                key,
                "create_contact",
                &json!({"name": "Ada", "on_duplicate": "create"}),
            ),
            Self::Search => call(key, "search_contacts", &json!({"query": "ada"})),
            Self::Documents => call(
                key,
                "get_invoice",
                &json!({"invoice": scene.invoice, "document": "pdf"}),
            ),
            Self::Bodies if caller.is_multiple_of(2) => {
                request(key, &format!("[{}0]", "[[[[]]]],".repeat(400_000)))
            }
            // All that the budget lets pass.
            Self::Bodies => {
                let call = call(
                    key,
                    "create_contact",
                    &json!({"name": "Ada", "attributes": {"a": "MUCH"}}),
                );
                let (_, body) = call.split_once("\r\n\r\n").unwrap();
                let much = format!("[{}0]", "[[1]],".repeat(12_000));
                request(key, &body.replace("\"MUCH\"", &much))
            }
            Self::HalfHeads => "POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\nx-much".to_owned(),
            Self::LockedRow => call(
                key,
                "update_contact",
                &json!({"contact": scene.locked, "summary": "x"}),
            ),
        }
    }

    async fn go_on(self, scene: Scene, caller: usize) {
        let request = self.request(&scene, caller);
        loop {
            let Ok(mut socket) = TcpStream::connect(scene.address).await else {
                continue;
            };
            while answered(&mut socket, &request).await.is_some() {
                if self == Self::Search && caller.is_multiple_of(12) {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }
}

/// What the other key waits for each of its calls in this time. All of them have to do what they say.
async fn work(scene: &Scene, time: Duration, what: &str) -> Vec<Duration> {
    let mut waited = Vec::new();
    let mut socket = TcpStream::connect(scene.address).await.unwrap();
    let begun = Instant::now();
    while begun.elapsed() < time {
        let number = waited.len();
        let contact = &scene.contacts[number % scene.contacts.len()];
        let name = format!("Other {number}");
        let (tool, arguments) = match number % 4 {
            0 => ("get_contact", json!({"contact": contact})),
            1 => ("search_contacts", json!({"query": "Ada", "limit": 10})),
            2 => (
                "create_contact",
                json!({"name": name, "on_duplicate": "create"}),
            ),
            _ => (
                "update_contact",
                json!({"contact": contact, "summary": name}),
            ),
        };
        let sent = Instant::now();
        let sending = call(&scene.other, tool, &arguments);
        let answer = timeout(PATIENCE, answered(&mut socket, &sending)).await;
        let answer =
            answer.unwrap_or_else(|_| panic!("{what}: {tool} waits longer than {PATIENCE:?}"));
        let (status, body) = answer.unwrap_or_else(|| panic!("{what}: the connection was closed"));
        waited.push(sent.elapsed());
        let good = status.ends_with("200 OK") && body.contains("\"isError\":false");
        assert!(
            good,
            "{what}: {tool} {status} {}",
            body.get(..300).unwrap_or(&body)
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    waited
}

fn p99(waited: &[Duration]) -> Duration {
    let mut waited = waited.to_vec();
    waited.sort();
    waited[(waited.len() * 99).div_ceil(100) - 1]
}

/// The median of the rounds' p99.
async fn rounds(scene: &Scene, time: Duration, what: &str) -> Duration {
    let mut all = Vec::new();
    for _ in 0..ROUNDS {
        all.push(p99(&work(scene, time / ROUNDS as u32, what).await));
    }
    all.sort();
    println!("{what}: p99 {:?}, of rounds {all:?}", all[ROUNDS / 2]);
    all[ROUNDS / 2]
}

async fn one_abusive_key_leaves_the_others_alone(engine: Engine) {
    let seconds: Option<u64> = std::env::var(SECONDS)
        .ok()
        .map(|seconds| seconds.parse().unwrap());
    let time = Duration::from_secs(seconds.unwrap_or(3));
    let app = TestApp::new(engine, MODULES).await;
    let owner = app.owner().await;
    let invoice = invoice(&app, &owner, 1_000).await;
    let mut contacts = Vec::new();
    for number in 0..100 {
        let new = json!({"name": format!("Ada {number}"), "on_duplicate": "create"});
        contacts.push(app.data(&owner, "create_contact", new).await["id"].clone());
    }
    let locked = json!({"name": "Locked", "on_duplicate": "create"});
    let locked = app.data(&owner, "create_contact", locked).await["id"].clone();
    let (abuser, other) = (
        unlimited_key(&app, "abuser").await,
        unlimited_key(&app, "other").await,
    );
    app.dispatcher.app().close().await;

    let server = Process::start(&app.database, app.folder.path());
    let scene = Scene {
        address: server.address,
        abuser,
        other,
        invoice,
        contacts: contacts.into(),
        locked,
    };
    let alone = rounds(&scene, time, "alone").await;
    let mut abuses = vec![
        Abuse::Search,
        Abuse::Documents,
        Abuse::Bodies,
        Abuse::HalfHeads,
    ];
    let mut lock = None;
    if let Database::Postgres(url) = &app.database {
        abuses.push(Abuse::LockedRow);
        let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
        let hold = "BEGIN; UPDATE contact SET version = version WHERE name = 'Locked'";
        connection.execute(hold).await.unwrap();
        lock = Some(connection);
    }
    for abuse in abuses {
        let mut callers = JoinSet::new();
        for caller in 0..abuse.callers() {
            callers.spawn(abuse.go_on(scene.clone(), caller));
        }
        let what = format!("{engine:?}, {abuse:?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
        let under_attack = rounds(&scene, time, &what).await;
        callers.shutdown().await;
        if seconds.is_some() {
            let most = RATIO * alone.max(FLOOR);
            assert!(
                under_attack <= most,
                "{what}: {under_attack:?}, and {alone:?} alone"
            );
        }
        // Nothing of it is left for the next one.
        work(&scene, Duration::from_millis(100), "afterwards").await;
    }
    drop(lock);
    let memory = server.memory();
    println!("{engine:?}: at most {memory} KiB");
    assert!(memory < MOST_MEMORY_KIB, "{engine:?}: {memory} KiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_abusive_key_leaves_the_others_alone_on_sqlite() {
    one_abusive_key_leaves_the_others_alone(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_abusive_key_leaves_the_others_alone_on_postgres() {
    one_abusive_key_leaves_the_others_alone(Engine::Postgres).await;
}

#[test]
fn a_command_of_the_operator_takes_no_key() {
    let folder = tempfile::TempDir::new().unwrap();
    for command in [
        &["key", "list"][..],
        &["backup", "copy.bureau"],
        &["clock", "accept"],
        &["anchor"],
        &["serve"],
    ] {
        let done = std::process::Command::new(env!("CARGO_BIN_EXE_bureau"))
            .args(command)
            .args(["--api-key", "bureau_x", "--data-dir"])
            .arg(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(2), "{command:?}: {said}");
        assert!(said.contains("--api-key"), "{command:?}: {said}");
    }
}
