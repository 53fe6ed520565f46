//! `bureau connect`: a client on pipes and a server over HTTP, with the real program in between.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use futures::StreamExt as _;
use serde_json::{Value, json};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_bureau");
const STATELESS: &str = "2026-07-28";
const HANDSHAKE: [&str; 3] = ["2025-03-26", "2025-06-18", "2025-11-25"];

/// Longest wait for something that comes, so that a test that fails also ends.
const PATIENCE: Duration = Duration::from_secs(60);

/// Ends with the test, however that ends.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn program(home: &TempDir) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .env_clear()
        .env("HOME", home.path())
        .env("XDG_DATA_HOME", home.path().join("data"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A firm of its own, its key, and a server for it that can be stopped and started again at the same address.
struct Firm {
    home: TempDir,
    key: String,
    address: String,
    server: Option<Process>,
}

impl Firm {
    fn new() -> Self {
        let home = TempDir::new().unwrap();
        let made = program(&home)
            .args(["key", "create", "--name", "x", "--preset", "full", "--json"])
            .output()
            .unwrap();
        let made: Value = serde_json::from_slice(&made.stdout).unwrap();
        // A port that was free a moment ago; the same one is needed twice.
        let address = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .unwrap()
            .to_string();
        Self {
            home,
            key: made["key"].as_str().unwrap().to_owned(),
            address,
            server: None,
        }
    }

    fn serving(more: &[&str]) -> Self {
        let mut firm = Self::new();
        firm.start(more);
        firm
    }

    fn start(&mut self, more: &[&str]) {
        let mut child = program(&self.home)
            .args(["serve", "--listen", &self.address])
            .args(more)
            .spawn()
            .unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains("serves MCP at") {
            assert_ne!(errors.read_line(&mut said).unwrap(), 0, "it ended: {said}");
        }
        std::thread::spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
        self.server = Some(Process(child));
    }

    fn stop(&mut self) {
        self.server = None;
    }

    fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    fn client(&self, more: &[&str]) -> Client {
        Client::new(&self.url(), &self.key, more)
    }
}

/// An MCP client whose server is `bureau connect`.
struct Client {
    process: Process,
    input: Option<ChildStdin>,
    lines: Receiver<Value>,
    errors: Option<std::thread::JoinHandle<String>>,
    /// Answers that came before they were asked for.
    early: HashMap<String, Value>,
    id: u64,
}

impl Client {
    fn new(url: &str, key: &str, more: &[&str]) -> Self {
        Self::with(url, key, more, &[])
    }

    fn with(url: &str, key: &str, more: &[&str], variables: &[(&str, &str)]) -> Self {
        let home = TempDir::new().unwrap();
        let mut child = program(&home)
            .args(["connect", url])
            .args(more)
            .env("BUREAU_API_KEY", key)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut stderr = child.stderr.take().unwrap();
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let message = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let errors = std::thread::spawn(move || {
            let mut text = String::new();
            let _ = stderr.read_to_string(&mut text);
            text
        });
        Self {
            input: child.stdin.take(),
            process: Process(child),
            lines,
            errors: Some(errors),
            early: HashMap::new(),
            id: 0,
        }
    }

    fn say(&mut self, message: &Value) {
        self.say_text(&message.to_string());
    }

    fn say_text(&mut self, text: &str) {
        writeln!(self.input.as_mut().unwrap(), "{text}").unwrap();
    }

    fn hear(&self) -> Value {
        self.lines.recv_timeout(PATIENCE).expect("silence")
    }

    /// The answer to a request, whatever comes before it.
    fn hear_answer(&mut self, id: &Value) -> Value {
        if let Some(answer) = self.early.remove(&id.to_string()) {
            return answer;
        }
        loop {
            let message = self.hear();
            if message.get("method").is_some() {
                continue;
            }
            if message["id"] == *id {
                return message;
            }
            self.early.insert(message["id"].to_string(), message);
        }
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.id += 1;
        let id = json!(self.id);
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        self.hear_answer(&id)
    }

    /// Begins as a client of an older version does.
    fn initialize(&mut self, version: &str, capabilities: &Value) {
        let client = json!({ "name": "test", "version": "1" });
        let params = json!({ "protocolVersion": version, "capabilities": capabilities, "clientInfo": client });
        let answer = self.ask("initialize", &params);
        assert_eq!(answer["result"]["protocolVersion"], version, "{answer}");
        self.say(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    }

    /// A request in the form that the version asks for.
    fn request(&mut self, version: &str, method: &str, mut params: Value) -> Value {
        if version == STATELESS {
            params["_meta"] = meta();
        }
        self.ask(method, &params)
    }

    fn call(&mut self, version: &str, tool: &str, arguments: &Value) -> Value {
        let answer = self.request(
            version,
            "tools/call",
            json!({ "name": tool, "arguments": arguments }),
        );
        let text = answer["result"]["content"][0]["text"].as_str();
        serde_json::from_str(text.unwrap_or_else(|| panic!("{answer}"))).unwrap()
    }

    fn tools(&mut self, version: &str) -> Vec<String> {
        let answer = self.request(version, "tools/list", json!({}));
        let tools = answer["result"]["tools"].as_array();
        let tools = tools.unwrap_or_else(|| panic!("{answer}")).iter();
        tools
            .map(|tool| tool["name"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Ends the input, and gives the exit code and what was said on stderr.
    fn end(&mut self) -> (Option<i32>, String) {
        self.input = None;
        let code = self.process.0.wait().unwrap().code();
        (code, self.errors.take().unwrap().join().unwrap())
    }
}

fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": STATELESS,
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

#[test]
fn clients_of_every_version_list_and_call_tools_through_the_bridge() {
    let firm = Firm::serving(&[]);
    for version in HANDSHAKE.into_iter().chain([STATELESS]) {
        let mut client = firm.client(&[]);
        if version == STATELESS {
            let answer = client.request(version, "server/discover", json!({}));
            assert!(
                answer["result"]["supportedVersions"]
                    .as_array()
                    .is_some_and(|versions| versions.contains(&json!(version))),
                "{answer}"
            );
        } else {
            client.initialize(version, &json!({}));
        }
        let tools = client.tools(version);
        assert!(
            tools.contains(&"create_contact".to_owned()),
            "{version}: {tools:?}"
        );
        let made = client.call(version, "create_contact", &json!({ "name": "Ada" }));
        let found = client.call(
            version,
            "get_contact",
            &json!({ "contact": made["data"]["id"] }),
        );
        assert_eq!(found["data"]["id"], made["data"]["id"], "{version}");
        let refused = client.call(version, "get_contact", &json!({ "contact": "nonsense" }));
        assert_eq!(refused["error"]["code"], "RESOURCE_NOT_FOUND", "{version}");
        let (code, errors) = client.end();
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{version}");
    }
}

#[test]
fn a_session_carries_questions_both_ways_and_is_opened_again_when_the_server_has_forgotten_it() {
    let version = "2025-06-18";
    let mut firm = Firm::serving(&["--sessions"]);
    let mut client = firm.client(&[]);
    client.initialize(version, &json!({ "elicitation": {} }));
    for round in 0..2 {
        let made = client.call(version, "create_contact", &json!({ "name": "Ada" }));
        let arguments = json!({ "contact": made["data"]["id"] });
        client.id += 1;
        let call = json!({ "name": "delete_contact", "arguments": arguments });
        client.say(
            &json!({ "jsonrpc": "2.0", "id": client.id, "method": "tools/call", "params": call }),
        );
        let question = client.hear();
        assert_eq!(question["method"], "elicitation/create", "{question}");
        let yes = json!({ "action": "accept", "content": { "confirm": true } });
        client.say(&json!({ "jsonrpc": "2.0", "id": question["id"], "result": yes }));
        let answer = client.hear();
        assert!(
            answer["id"] == client.id && answer["result"]["isError"] != true,
            "round {round}: {answer}"
        );
        if round == 0 {
            firm.stop();
            firm.start(&["--sessions"]);
        }
    }
    assert_eq!(client.end().0, Some(0));
}

#[test]
fn a_wrong_key_is_said_for_every_request_and_shown_nowhere() {
    let firm = Firm::serving(&[]);
    let mut client = Client::new(&firm.url(), "bur_not_a_key", &["--log=trace"]);
    for _ in 0..2 {
        let answer = client.request(STATELESS, "tools/list", json!({}));
        let error = &answer["error"];
        assert_eq!(
            (&error["code"], &error["data"]["status"]),
            (&json!(-32000), &json!(401))
        );
        assert!(
            error["message"]
                .as_str()
                .unwrap()
                .contains("BUREAU_API_KEY")
        );
        assert!(!answer.to_string().contains("not_a_key"), "{answer}");
    }
    let (code, errors) = client.end();
    assert!(
        code == Some(0) && !errors.is_empty(),
        "nothing was logged, so this shows nothing"
    );
    assert!(!errors.contains("not_a_key"), "{errors}");
}

#[test]
fn a_server_that_is_away_is_said_and_used_again_when_it_is_back() {
    let mut firm = Firm::serving(&[]);
    let mut client = firm.client(&[]);
    client.initialize("2025-11-25", &json!({}));
    assert!(!client.tools("2025-11-25").is_empty());
    firm.stop();
    let answer = client.ask("tools/list", &json!({}));
    assert_eq!(answer["error"]["data"]["code"], "UNREACHABLE", "{answer}");
    assert!(
        answer["error"]["message"]
            .as_str()
            .unwrap()
            .contains("nothing was sent")
    );
    firm.start(&[]);
    assert!(!client.tools("2025-11-25").is_empty());
    assert_eq!(client.end().0, Some(0));
}

#[test]
fn fifty_requests_at_once_each_get_their_own_answer() {
    let firm = Firm::serving(&[]);
    let mut client = firm.client(&[]);
    let ids: Vec<Value> = (0..50).map(|n| json!(format!("request {n}"))).collect();
    for id in &ids {
        let params =
            json!({ "name": "create_contact", "arguments": { "name": id }, "_meta": meta() });
        client
            .say(&json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }));
    }
    for id in &ids {
        let answer = client.hear_answer(id);
        let text = answer["result"]["content"][0]["text"].as_str().unwrap();
        let made: Value = serde_json::from_str(text).unwrap();
        assert_eq!(made["data"]["name"], *id, "{answer}");
    }
    assert!(client.early.is_empty(), "an answer too many");
}

#[test]
fn options_narrow_what_the_key_allows() {
    let mut firm = Firm::new();
    let made = program(&firm.home)
        .args(["workspace", "create", "other"])
        .output()
        .unwrap();
    assert!(made.status.success());
    firm.start(&["--features=contacts,history"]);
    let all = firm.client(&[]).tools(STATELESS);
    let reading = firm.client(&["--read-only"]).tools(STATELESS);
    let one = firm.client(&["--features=history"]).tools(STATELESS);
    assert!(all.contains(&"create_contact".to_owned()) && all.contains(&"undo_change".to_owned()));
    assert!(
        !reading.contains(&"create_contact".to_owned())
            && reading.contains(&"get_contact".to_owned())
    );
    assert!(
        one.contains(&"undo_change".to_owned()) && !one.iter().any(|tool| tool.contains("contact")),
        "{one:?}"
    );
    let mut elsewhere = firm.client(&["--workspace", "other"]);
    let refused = elsewhere.request(STATELESS, "tools/list", json!({}));
    assert!(
        refused["error"]["data"]["status"].as_u64().unwrap() >= 400,
        "the key is not for that workspace: {refused}"
    );
}

#[test]
fn what_is_no_message_or_too_long_is_answered_and_the_bridge_goes_on() {
    let firm = Firm::serving(&[]);
    let mut client = firm.client(&[]);
    client.say_text("");
    for (line, code, id) in [
        ("{", -32700, json!(null)),
        ("hello", -32700, json!(null)),
        ("[]", -32600, json!(null)),
        (r#"{"jsonrpc":"2.0","id":9,"method":5}"#, -32600, json!(9)),
    ] {
        client.say_text(line);
        let answer = client.hear();
        assert_eq!(
            (&answer["error"]["code"], &answer["id"]),
            (&json!(code), &id),
            "{line}"
        );
    }
    // The id stands behind what is too long, as several clients write it.
    let long = "x".repeat(5 * 1024 * 1024);
    client.say_text(&format!(
        r#"{{"method":"tools/call","params":{{"name":"{long}"}},"jsonrpc":"2.0","id":10}}"#
    ));
    let answer = client.hear();
    assert_eq!(answer["id"], 10);
    assert!(
        answer["error"]["message"]
            .as_str()
            .unwrap()
            .contains("longer than")
    );
    client.say_text(&"y".repeat(20 * 1024 * 1024));
    assert_eq!(client.hear()["error"]["code"], -32600);
    assert!(!client.tools(STATELESS).is_empty());
}

#[test]
fn what_is_under_way_when_the_input_ends_is_still_answered() {
    let firm = Firm::serving(&[]);
    let mut client = firm.client(&[]);
    client.say(
        &json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": { "_meta": meta() } }),
    );
    let (code, _) = client.end();
    assert_eq!(code, Some(0));
    assert!(client.hear()["result"]["tools"].is_array());
}

#[test]
fn an_address_that_cannot_be_used_is_a_usage_error_without_the_key() {
    let home = TempDir::new().unwrap();
    for (line, says) in [
        ("connect crm.example.com", "https://"),
        ("connect http://crm.example.com", "--insecure"),
        ("connect https://me:pw@crm.example.com", "BUREAU_API_KEY"),
        (
            "connect https://crm.example.com --tools get_contact",
            "--features",
        ),
        (
            "connect https://crm.example.com --features default",
            "Name the groups",
        ),
        (
            "connect https://crm.example.com --workspace a,b",
            "one workspace",
        ),
    ] {
        let output = program(&home)
            .args(line.split(' '))
            .env("BUREAU_API_KEY", "bur_secret")
            .output()
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}: {said}");
        assert!(
            said.contains(says) && !said.contains("bur_secret") && !said.contains("pw"),
            "{line}: {said}"
        );
    }
}

/// What a server of the test's own was asked.
struct Asked {
    method: Method,
    headers: HeaderMap,
    body: Bytes,
}

impl Asked {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

type Answers = fn(&Asked) -> Response;

/// A server that answers as the test wants, and what it was asked.
struct Fake {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    _runtime: tokio::runtime::Runtime,
}

impl Fake {
    fn new(answers: Answers) -> Self {
        Self::start(answers, "http", |listener| listener)
    }

    fn start<L: axum::serve::Listener<Addr = SocketAddr>>(
        answers: Answers,
        scheme: &str,
        wrap: impl FnOnce(tokio::net::TcpListener) -> L,
    ) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let asked = Arc::default();
        let router = Router::new()
            .fallback(any(Self::answer))
            .with_state((Arc::clone(&asked), answers));
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let listener = wrap(listener);
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self {
            url,
            asked,
            _runtime: runtime,
        }
    }

    async fn answer(
        State((asked, answers)): State<(Arc<Mutex<Vec<Asked>>>, Answers)>,
        method: Method,
        headers: HeaderMap,
        body: Bytes,
    ) -> Response {
        let this = Asked {
            method,
            headers,
            body,
        };
        let answer = answers(&this);
        asked.lock().unwrap().push(this);
        answer
    }

    fn client(&self) -> Client {
        Client::new(&self.url, "bur_secret", &[])
    }

    fn asked(&self) -> std::sync::MutexGuard<'_, Vec<Asked>> {
        self.asked.lock().unwrap()
    }
}

/// A listener that speaks TLS.
struct Tls(tokio::net::TcpListener, tokio_rustls::TlsAcceptor);

impl axum::serve::Listener for Tls {
    type Io = tokio_rustls::server::TlsStream<tokio::net::TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (socket, address) = self.0.accept().await.unwrap();
            // A client that does not trust the certificate goes away again.
            if let Ok(stream) = self.1.accept(socket).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

fn events(parts: Vec<String>) -> Response {
    let parts = futures::stream::iter(parts).then(|part| async {
        tokio::task::yield_now().await;
        Ok::<_, std::convert::Infallible>(part)
    });
    (
        [("content-type", "text/event-stream; charset=utf-8")],
        Body::from_stream(parts),
    )
        .into_response()
}

#[test]
fn a_streamed_answer_is_passed_on_message_by_message() {
    let fake = Fake::new(|asked| {
        let id = asked.json()["id"].clone();
        let progress = json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": { "progressToken": 1, "progress": 0.5 } });
        let text = format!(
            ": hello\r\nid: 0\r\ndata:\r\n\r\nevent: message\ndata: {progress}\n\ndata: {{\"jsonrpc\":\"2.0\",\ndata: \"id\":{id},\"result\":{{}}}}\n\n"
        );
        events(text.chars().map(String::from).collect())
    });
    let mut client = fake.client();
    client.say(
        &json!({ "jsonrpc": "2.0", "id": "é", "method": "tools/call", "params": { "name": "Ü", "_meta": meta() } }),
    );
    assert_eq!(client.hear()["method"], "notifications/progress");
    let answer = client.hear();
    assert_eq!(
        (&answer["id"], &answer["result"]),
        (&json!("é"), &json!({}))
    );
    let asked = fake.asked();
    let asked = asked.first().unwrap();
    assert_eq!(asked.header("authorization"), "Bearer bur_secret");
    assert_eq!(asked.header("mcp-protocol-version"), STATELESS);
    assert_eq!(asked.header("mcp-method"), "tools/call");
    assert_eq!(asked.header("mcp-name"), "=?base64?w5w=?=");
    assert_eq!(asked.header("mcp-session-id"), "");
}

#[test]
fn a_post_that_may_have_been_executed_is_not_repeated() {
    let fake = Fake::new(|asked| match asked.json()["method"].as_str() {
        Some("fails") => (StatusCode::INTERNAL_SERVER_ERROR, "oh").into_response(),
        Some("says") => {
            let error = json!({ "jsonrpc": "2.0", "id": null, "error": { "code": -32603, "message": "Said so." } });
            (StatusCode::BAD_REQUEST, axum::Json(error)).into_response()
        }
        Some("breaks") => events(vec!["data: {\"jsonrpc\"".into()]),
        Some("ends") => {
            let broken = futures::stream::iter([
                Ok(Bytes::from_static(b"{")),
                Err(std::io::Error::other("gone")),
            ]);
            (
                [("content-type", "application/json")],
                Body::from_stream(broken),
            )
                .into_response()
        }
        Some("mumbles") => "hello".into_response(),
        Some("sends") => {
            (StatusCode::TEMPORARY_REDIRECT, [("location", "/elsewhere")]).into_response()
        }
        Some("waits") => (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "9")]).into_response(),
        other => panic!("{other:?}"),
    });
    let mut client = fake.client();
    let expected = [
        ("fails", "may have been executed"),
        ("says", "Said so."),
        ("breaks", "may have been executed"),
        ("ends", "may have been executed"),
        ("mumbles", "may have been executed"),
        ("sends", "another address"),
        ("waits", "Wait 9 seconds"),
    ];
    for (method, says) in expected {
        let answer = client.ask(method, &json!({}));
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(says), "{method}: {message}");
    }
    assert_eq!(client.end().0, Some(0));
    let methods: Vec<Value> = fake
        .asked()
        .iter()
        .map(|asked| asked.json()["method"].clone())
        .collect();
    assert_eq!(
        methods,
        expected.map(|(method, _)| method),
        "each once, and nothing elsewhere"
    );
}

#[test]
fn a_session_is_named_in_what_follows_and_ended_with_the_input() {
    let fake = Fake::new(|asked| match asked.json()["method"].as_str() {
        Some("initialize") => {
            let result = json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": { "name": "x", "version": "1" } });
            let answer = json!({ "jsonrpc": "2.0", "id": asked.json()["id"], "result": result });
            ([("mcp-session-id", "s1")], axum::Json(answer)).into_response()
        }
        Some("ping") => {
            axum::Json(json!({ "jsonrpc": "2.0", "id": asked.json()["id"], "result": {} }))
                .into_response()
        }
        _ => StatusCode::ACCEPTED.into_response(),
    });
    let mut client = fake.client();
    client.initialize("2025-06-18", &json!({}));
    assert_eq!(client.ask("ping", &json!({}))["result"], json!({}));
    assert_eq!(client.end().0, Some(0));
    let asked = fake.asked();
    let seen: Vec<(String, &str, &str)> = asked
        .iter()
        .map(|asked| {
            let what = asked.json()["method"].as_str().map(str::to_owned);
            (
                what.unwrap_or_else(|| asked.method.to_string()),
                asked.header("mcp-session-id"),
                asked.header("mcp-protocol-version"),
            )
        })
        .collect();
    let version = "2025-06-18";
    assert_eq!(
        seen,
        [
            ("initialize".to_owned(), "", ""),
            ("notifications/initialized".to_owned(), "s1", version),
            ("ping".to_owned(), "s1", version),
            ("DELETE".to_owned(), "s1", version),
        ]
    );
    assert!(
        asked[2]
            .header("user-agent")
            .starts_with("test/1 bureau-connect/")
    );
}

#[test]
fn a_request_that_is_cancelled_is_dropped_and_the_others_are_answered() {
    let fake = Fake::new(|asked| {
        if asked.json()["method"] == "waits" {
            // Never says anything.
            let body = futures::stream::pending::<Result<Bytes, std::io::Error>>();
            return (
                [("content-type", "text/event-stream")],
                Body::from_stream(body),
            )
                .into_response();
        }
        axum::Json(json!({ "jsonrpc": "2.0", "id": asked.json()["id"], "result": {} }))
            .into_response()
    });
    let mut client = fake.client();
    client.say(&json!({ "jsonrpc": "2.0", "id": 1, "method": "waits" }));
    client.say(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } }));
    client.say(&json!({ "jsonrpc": "2.0", "id": 2, "method": "ping" }));
    assert_eq!(client.hear()["id"], 2);
    // A request that was still waited for would hold the end up and then be answered with an error.
    assert_eq!(client.end().0, Some(0));
    assert!(client.lines.recv().is_err(), "the dropped one was answered");
}

#[test]
#[cfg(unix)]
fn a_server_is_spoken_to_over_tls_and_only_if_its_certificate_is_trusted() {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let home = TempDir::new().unwrap();
    let authorities = home.path().join("authorities.pem");
    let pem = data_encoding::BASE64.encode(made.cert.der());
    let pem = format!("-----BEGIN CERTIFICATE-----\n{pem}\n-----END CERTIFICATE-----\n");
    std::fs::write(&authorities, pem).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let fake = Fake::start(
        |asked| {
            axum::Json(json!({ "jsonrpc": "2.0", "id": asked.json()["id"], "result": {} }))
                .into_response()
        },
        "https",
        |listener| Tls(listener, acceptor),
    );
    let trusting = [("SSL_CERT_FILE", authorities.to_str().unwrap())];
    let mut client = Client::with(&fake.url, "bur_secret", &[], &trusting);
    assert_eq!(client.ask("ping", &json!({}))["result"], json!({}));
    assert_eq!(fake.asked()[0].header("authorization"), "Bearer bur_secret");
    let mut client = fake.client();
    let refused = client.ask("ping", &json!({}));
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("certificate") && message.contains("nothing was sent"),
        "{message}"
    );
    assert_eq!(fake.asked().len(), 1, "the key went to a stranger");
}

#[test]
fn a_request_that_finds_nobody_is_sent_when_somebody_is_there_again() {
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .unwrap();
    let mut client = Client::new(&format!("http://{address}"), "bur_secret", &[]);
    client.say(&json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }));
    std::thread::sleep(Duration::from_millis(300));
    let listener = TcpListener::bind(address).unwrap();
    // In a thread of its own, so that a bridge that gave up fails the test and does not hold it.
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = String::new();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(reader.read_line(&mut head).unwrap(), 0, "{head}");
        }
        let body = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
    });
    assert_eq!(client.hear()["result"], json!({}));
}

#[test]
fn a_client_that_goes_away_or_a_signal_ends_the_bridge() {
    let fake = Fake::new(|asked| {
        axum::Json(json!({ "jsonrpc": "2.0", "id": asked.json()["id"], "result": {} }))
            .into_response()
    });
    let home = TempDir::new().unwrap();
    let start = || {
        program(&home)
            .args(["connect", &fake.url])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let mut gone = Process(start());
    drop(gone.0.stdout.take());
    // Its input stays open: that nobody reads is known from writing.
    let input = gone.0.stdin.as_mut().unwrap();
    writeln!(input, r#"{{"jsonrpc":"2.0","id":1,"method":"ping"}}"#).unwrap();
    let input = gone.0.stdin.take();
    assert_eq!(gone.0.wait().unwrap().code(), Some(0));
    drop(input);

    if cfg!(unix) {
        let mut told = Process(start());
        let input = told.0.stdin.as_mut().unwrap();
        writeln!(input, r#"{{"jsonrpc":"2.0","id":1,"method":"ping"}}"#).unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(told.0.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        let id = told.0.id().to_string();
        assert!(Command::new("kill").arg(id).status().unwrap().success());
        let input = told.0.stdin.take();
        assert_eq!(told.0.wait().unwrap().code(), Some(0));
        drop(input);
    }
}
