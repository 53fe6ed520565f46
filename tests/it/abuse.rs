//! What one caller, or somebody without a key, may do to all others: nothing (reliability.md, line 26).

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use bureau::transport::http::{self, Limits, Options};
use bureau_kernel::caller::Caller;
use bureau_kernel::testing::{ENGINES, Engine, House};
use futures::FutureExt as _;
use futures::future::join_all;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::MODULES;
use crate::campaign::HANG;

/// An issued invoice of so many lines.
async fn invoice(house: &House, owner: &Caller, lines: usize) -> Value {
    let company = house
        .data(
            owner,
            "create_company",
            json!({"name": "Buyer", "country": "DE"}),
        )
        .await;
    let line = json!({"description": "Support", "unit_price": "80", "tax_rate": "20"});
    let draft = json!({"company": company["id"], "lines": vec![line; lines]});
    let draft = house.data(owner, "create_invoice", draft).await;
    let issue = json!({"invoice": draft["id"], "confirm": true});
    house.data(owner, "issue_invoice", issue).await["id"].clone()
}

/// All turns at the cores, so that nobody else gets one.
fn all_turns(house: &House) -> Vec<bureau_kernel::compute::Turn> {
    let compute = &house.pipeline.house().compute;
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
        let house = House::new(engine, MODULES).await;
        let owner = house.owner().await;
        let invoice = invoice(&house, &owner, 3).await;
        let turns = all_turns(&house);
        // More than there are connections.
        let documents = (0..24).map(|_| {
            let asked = json!({"invoice": invoice, "document": "pdf"});
            house.data(&owner, "get_invoice", asked)
        });
        let mut documents = Box::pin(join_all(documents));
        let others = async {
            for _ in 0..50 {
                let read = json!({"invoice": invoice});
                house.data(&owner, "get_invoice", read).await;
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

    async fn of(house: &House, limits: Limits) -> Self {
        let handler = crate::http::server(house.pipeline.clone());
        let pipeline = house.pipeline.clone();
        let router = crate::http::router(handler, pipeline, true, &Options::default()).unwrap();
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

/// Asks on a connection and answers the first line of what comes back, if anything does.
async fn ask(socket: &mut TcpStream, request: &str) -> Option<String> {
    socket.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    let mut buffer = [0; 64 * 1024];
    loop {
        let read = socket
            .read(&mut buffer)
            .await
            .ok()
            .filter(|read| *read > 0)?;
        answer.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        if body.len() >= length {
            return head.lines().next().map(str::to_owned);
        }
    }
}

/// Whether the other side has closed the connection. It is waited for.
async fn is_closed(socket: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    timeout(HANG, socket.read_to_end(&mut rest)).await.is_ok()
}

const OK: Option<&str> = Some("HTTP/1.1 200 OK");

#[tokio::test(flavor = "multi_thread")]
async fn connections_without_a_key_keep_nobody_out() {
    let house = House::new(Engine::Sqlite, MODULES).await;
    let (key, _) = house.key(&["full"]).await;
    let server = Server::of(&house, limits()).await;
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
    let house = House::new(Engine::Sqlite, MODULES).await;
    let (greedy, _) = house.key(&["full"]).await;
    let (key, _) = house.key(&["full"]).await;
    let server = Server::of(&house, limits()).await;
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
    let house = House::new(Engine::Sqlite, MODULES).await;
    let (key, _) = house.key(&["full"]).await;
    let short = Duration::from_millis(50);
    let impatient = Limits {
        first_request: short,
        idle: short,
        ..limits()
    };
    let server = Server::of(&house, impatient).await;
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
    let house = House::new(Engine::Sqlite, MODULES).await;
    let (key, _) = house.key(&["full"]).await;
    let server = Server::of(&house, limits()).await;
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

#[test]
fn a_command_of_the_operator_takes_no_key() {
    let folder = tempfile::TempDir::new().unwrap();
    for command in [&["key", "list"][..], &["backup", "copy.bureau"], &["serve"]] {
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
