//! The HTTP door: who gets in, what is turned away and how it says so (reliability.md, lines 1, 2, 17 and 26).

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::ConnectInfo,
    http::{Method, Request, StatusCode, header},
};
use bureau::{
    server::{Credential, Server},
    transport::{
        MAX_MESSAGE_BYTES,
        http::{self, Answers, Options, StartError},
        stdio,
    },
};
use bureau_kernel::dispatch::Dispatcher;
use bureau_kernel::store::Scope;
use bureau_kernel::testing::{Engine, TestApp};
use futures::StreamExt;
use metrics_exporter_prometheus::PrometheusBuilder;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, NumberOrString,
        ProgressNotificationParam, ProgressToken,
    },
    service::RequestContext,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::MODULES;

const ROUTES: [&str; 6] = [
    "/mcp",
    "/health/live",
    "/health/ready",
    "/metrics",
    "/files/link/name",
    "/nothing",
];
const STATELESS: &str = "2026-07-28";
const HANDSHAKE: [&str; 3] = ["2025-03-26", "2025-06-18", "2025-11-25"];

/// A client of one server, over the router itself: no socket, no port.
#[derive(Clone)]
struct Client {
    router: Router,
    key: String,
    app: Arc<TestApp>,
}

struct Answer {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    fn code(&self) -> Value {
        self.json()["error"]["code"].clone()
    }
}

pub(crate) fn router<H: Answers>(
    handler: H,
    dispatcher: Arc<Dispatcher>,
    database_is_there: bool,
    options: &Options,
) -> Result<Router, StartError> {
    let metrics = PrometheusBuilder::new().build_recorder().handle();
    let ready: http::Ready = Arc::new(move || Box::pin(async move { database_is_there }));
    http::router(handler, dispatcher, ready, metrics, options)
}

/// A client with a full key, of a fresh app.
async fn client_of<H: Answers>(
    handler: impl FnOnce(Arc<Dispatcher>) -> H,
    options: Options,
) -> Client {
    let app = Arc::new(TestApp::new(Engine::Sqlite, MODULES).await);
    let (key, _) = app.key(&["full"]).await;
    let handler = handler(Arc::clone(&app.dispatcher));
    let router = router(handler, Arc::clone(&app.dispatcher), true, &options).unwrap();
    Client { router, key, app }
}

pub(crate) fn server(dispatcher: Arc<Dispatcher>) -> Server {
    Server::new(dispatcher, "Test.")
}

async fn client_with(options: Options) -> Client {
    client_of(server, options).await
}

async fn client() -> Client {
    client_with(Options::default()).await
}

impl Client {
    /// `headers` replace the defaults of the same name; a header given with an empty value is left out.
    fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Request<Body> {
        let defaults = [
            ("host", "127.0.0.1:8787"),
            ("authorization", &format!("Bearer {}", self.key)),
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
        ];
        let mut builder = Request::builder().method(method).uri(path);
        let given = |name: &str| headers.iter().any(|(given, _)| *given == name);
        for (name, value) in defaults
            .iter()
            .filter(|(name, _)| !given(name))
            .chain(headers)
        {
            if !value.is_empty() {
                builder = builder.header(*name, *value);
            }
        }
        builder.body(body).unwrap()
    }

    /// The id of a new contact.
    async fn contact(&self) -> String {
        let owner = self.app.owner().await;
        let made = self
            .app
            .ok(&owner, "create_contact", json!({"name": "Ada King"}))
            .await;
        made["data"]["id"].as_str().unwrap().to_owned()
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().call(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(self.request(Method::GET, path, headers, Body::empty()))
            .await
    }

    /// A POST to /mcp with the key, plus or instead of what `headers` says.
    async fn post(&self, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        self.send(self.request(Method::POST, "/mcp", headers, body.into()))
            .await
    }

    async fn rpc(&self, headers: &[(&str, &str)], message: Value) -> Answer {
        self.post(headers, message.to_string()).await
    }

    /// A request of the stateless protocol, with the headers that it needs.
    async fn stateless(&self, method: &str, params: Value) -> Answer {
        let name = params["name"].as_str().unwrap_or_default().to_owned();
        let mut headers = vec![("mcp-protocol-version", STATELESS), ("mcp-method", method)];
        if !name.is_empty() {
            headers.push(("mcp-name", &name));
        }
        self.rpc(&headers, stateless(method, params)).await
    }
}

fn rpc(method: &str, params: Value) -> Value {
    let mut message = json!({"jsonrpc": "2.0", "id": 7, "method": method});
    message["params"] = params;
    message
}

fn stateless(method: &str, mut params: Value) -> Value {
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!(STATELESS);
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({"elicitation": {}});
    rpc(method, params)
}

fn initialize(version: &str) -> Value {
    let client = json!({"name": "test", "version": "1"});
    rpc(
        "initialize",
        json!({"protocolVersion": version, "capabilities": {}, "clientInfo": client}),
    )
}

fn tool_names(answer: &Answer) -> Vec<String> {
    let tools = answer.json()["result"]["tools"].clone();
    let tools = tools
        .as_array()
        .unwrap_or_else(|| panic!("no tools: {}", answer.text))
        .clone();
    tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn every_route_refuses_a_host_that_is_not_this_server() {
    let client = client().await;
    let hosts = [
        "evil.example",
        "evil.example:8787",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "user@localhost",
        "localhost:",
        "localhost:99999",
        "[localhost]",
        "[127.0.0.1]:8787",
        "192.168.1.5",
        "0.0.0.0",
        "",
    ];
    for route in ROUTES {
        for host in hosts {
            let answer = client.get(route, &[("host", host)]).await;
            assert_eq!(
                answer.status,
                StatusCode::FORBIDDEN,
                "{route} with Host {host:?}"
            );
            assert_eq!(answer.code(), "FORBIDDEN", "{route} with Host {host:?}");
        }
        let twice = client
            .get(route, &[("host", "localhost"), ("host", "evil.example")])
            .await;
        assert_eq!(
            twice.status,
            StatusCode::FORBIDDEN,
            "{route} with two Hosts"
        );
        let line = format!("http://evil.example{route}");
        assert_eq!(
            client.get(&line, &[]).await.status,
            StatusCode::FORBIDDEN,
            "{line}"
        );
    }
}

#[tokio::test]
async fn every_route_refuses_a_page_of_another_site() {
    let client = client().await;
    let origins = [
        "https://evil.example",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "null",
        "localhost",
        "file://",
        "http://",
        "chrome-extension://localhost",
        "http://user@localhost",
    ];
    for route in ROUTES {
        for origin in origins {
            let answer = client.get(route, &[("origin", origin)]).await;
            assert_eq!(
                answer.status,
                StatusCode::FORBIDDEN,
                "{route} with Origin {origin}"
            );
        }
        let twice = client
            .get(
                route,
                &[
                    ("origin", "http://localhost"),
                    ("origin", "https://evil.example"),
                ],
            )
            .await;
        assert_eq!(
            twice.status,
            StatusCode::FORBIDDEN,
            "{route} with two Origins"
        );
    }
}

#[tokio::test]
async fn loopback_names_and_configured_ones_pass() {
    let client = client_with(Options {
        allowed_hosts: vec!["crm.example.com".into(), "other.example:8443".into()],
        allowed_origins: vec!["https://crm.example.com".into()],
        ..Options::default()
    })
    .await;
    for host in [
        "localhost",
        "LOCALHOST:1",
        "127.0.0.1:9",
        "[::1]:8787",
        "crm.example.com",
        "CRM.example.com:80",
        "other.example:8443",
    ] {
        assert_eq!(
            client.get("/health/live", &[("host", host)]).await.status,
            StatusCode::OK,
            "Host {host}"
        );
    }
    for host in ["other.example", "other.example:80"] {
        assert_eq!(
            client.get("/health/live", &[("host", host)]).await.status,
            StatusCode::FORBIDDEN,
            "Host {host}"
        );
    }
    for origin in [
        "http://localhost:3000",
        "https://127.0.0.1",
        "http://[::1]:5173",
        "https://crm.example.com",
        "https://crm.example.com:443",
    ] {
        assert_eq!(
            client
                .get("/health/live", &[("origin", origin)])
                .await
                .status,
            StatusCode::OK,
            "Origin {origin}"
        );
    }
    for origin in ["http://crm.example.com", "https://crm.example.com:8443"] {
        let answer = client.get("/health/live", &[("origin", origin)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "Origin {origin}");
    }
}

#[tokio::test]
async fn an_allowed_name_that_cannot_be_read_stops_the_start() {
    let dispatcher = Arc::clone(&client().await.app.dispatcher);
    let router = |options: Options| {
        router(
            server(Arc::clone(&dispatcher)),
            Arc::clone(&dispatcher),
            true,
            &options,
        )
    };
    let hosts = router(Options {
        allowed_hosts: vec!["https://crm.example.com".into()],
        ..Options::default()
    });
    assert!(matches!(hosts, Err(StartError::Host(_))));
    let origins = router(Options {
        allowed_origins: vec!["crm.example.com".into()],
        ..Options::default()
    });
    assert!(matches!(origins, Err(StartError::Origin(_))));
}

#[tokio::test]
async fn mcp_needs_a_key_that_is_good() {
    let client = client().await;
    let key = client.key.as_str();
    let (other, cut) = (
        format!("Bearer {key}x"),
        format!("Bearer {}", &key[..key.len() - 1]),
    );
    let keys = [
        "",
        "Bearer",
        "Bearer ",
        "Basic YTpi",
        key,
        "Bearer bur_bad",
        &other,
        &cut,
    ];
    for key in keys {
        let answer = client
            .rpc(&[("authorization", key)], rpc("tools/list", json!({})))
            .await;
        assert_eq!(
            answer.status,
            StatusCode::UNAUTHORIZED,
            "Authorization {key:?}"
        );
        assert!(
            answer.header("www-authenticate").starts_with("Bearer"),
            "Authorization {key:?}"
        );
        assert_eq!(answer.code(), "UNAUTHORIZED");
        assert_eq!(answer.json()["error"]["status"], 401);
    }
    let good = format!("bearer {key}");
    let twice = [
        ("authorization", good.as_str()),
        ("authorization", good.as_str()),
    ];
    assert_eq!(
        client
            .rpc(&twice, rpc("tools/list", json!({})))
            .await
            .status,
        StatusCode::UNAUTHORIZED
    );
    let answer = client
        .rpc(&[("authorization", &good)], rpc("tools/list", json!({})))
        .await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn an_unread_body_does_not_get_past_a_missing_key() {
    let client = client().await;
    let endless = Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
    let answer = client.post(&[("authorization", "")], endless).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn health_needs_no_key_and_metrics_need_one_from_elsewhere() {
    let client = client().await;
    for route in ["/health/live", "/health/ready"] {
        let answer = client.get(route, &[("authorization", "")]).await;
        assert_eq!(answer.status, StatusCode::OK, "{route}");
    }
    for (peer, key, status) in [
        (Some("127.0.0.1:9"), "", StatusCode::OK),
        (Some("[::ffff:127.0.0.1]:9"), "", StatusCode::OK),
        (Some("192.0.2.7:9"), "", StatusCode::UNAUTHORIZED),
        (None, "", StatusCode::UNAUTHORIZED),
        (
            Some("192.0.2.7:9"),
            "Bearer bur_bad",
            StatusCode::UNAUTHORIZED,
        ),
        (
            Some("192.0.2.7:9"),
            &format!("Bearer {}", client.key),
            StatusCode::OK,
        ),
    ] {
        let headers = [("authorization", key)];
        let mut request = client.request(Method::GET, "/metrics", &headers, Body::empty());
        if let Some(peer) = peer {
            let peer: std::net::SocketAddr = peer.parse().unwrap();
            request.extensions_mut().insert(ConnectInfo(peer));
        }
        assert_eq!(
            client.send(request).await.status,
            status,
            "{peer:?} {key:?}"
        );
    }
}

#[tokio::test]
async fn ready_says_no_while_the_database_is_away() {
    let mut client = client().await;
    let dispatcher = Arc::clone(&client.app.dispatcher);
    client.router = router(
        server(Arc::clone(&dispatcher)),
        dispatcher,
        false,
        &Options::default(),
    )
    .unwrap();
    assert_eq!(
        client.get("/health/ready", &[]).await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(client.get("/health/live", &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn headers_that_disagree_with_the_body_are_refused() {
    let client = client().await;
    let call = || {
        stateless(
            "tools/call",
            json!({"name": "get_contact", "arguments": {}}),
        )
    };
    let good = [
        ("mcp-protocol-version", STATELESS),
        ("mcp-method", "tools/call"),
        ("mcp-name", "get_contact"),
    ];
    assert_eq!(client.rpc(&good, call()).await.status, StatusCode::OK);
    let wrong = [
        ("mcp-protocol-version", "2025-11-25"),
        ("mcp-protocol-version", ""),
        ("mcp-method", "tools/list"),
        ("mcp-method", "TOOLS/CALL"),
        ("mcp-method", ""),
        ("mcp-name", "delete_contact"),
        ("mcp-name", ""),
    ];
    for (name, value) in wrong {
        let mut headers = good.to_vec();
        headers.retain(|(given, _)| *given != name);
        headers.push((name, value));
        let answer = client.rpc(&headers, call()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}: {value}");
        assert_eq!(answer.code(), -32020, "{name}: {value}");
        assert_eq!(answer.json()["id"], 7, "{name}: {value}");
    }
    let handshake = client
        .rpc(
            &[("mcp-protocol-version", "2025-06-18")],
            initialize("2025-11-25"),
        )
        .await;
    assert_eq!(handshake.status, StatusCode::BAD_REQUEST);
    let unknown = client
        .rpc(
            &[("mcp-protocol-version", "1999-01-01")],
            rpc("tools/list", json!({})),
        )
        .await;
    assert_eq!(
        (unknown.status, unknown.code()),
        (StatusCode::BAD_REQUEST, json!("VALIDATION_ERROR"))
    );
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_declared_or_not() {
    let client = client_with(Options {
        max_body_bytes: 1000,
        ..Options::default()
    })
    .await;
    let declared = client
        .post(&[("content-length", "1001")], "x".repeat(1001))
        .await;
    let chunks =
        futures::stream::iter(vec![Bytes::from(vec![b' '; 600]); 2]).map(Ok::<_, std::io::Error>);
    let undeclared = client.post(&[], Body::from_stream(chunks)).await;
    for answer in [declared, undeclared] {
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(answer.code(), "VALIDATION_ERROR");
        assert_eq!(answer.json()["error"]["status"], 413);
    }
    let mut fits = rpc("tools/list", json!({})).to_string();
    fits.push_str(&" ".repeat(1000 - fits.len()));
    assert_eq!(client.post(&[], fits).await.status, StatusCode::OK);
}

/// As much as a caller may send of what takes the most memory for its size.
fn bombs() -> [String; 4] {
    let most = MAX_MESSAGE_BYTES - 200;
    [
        format!("[{}0]", "[[[[]]]],".repeat(most / 9)),
        format!("[{}0]", "1,".repeat(most / 2)),
        format!("[{}0]", r#"{"a":0},"#.repeat(most / 8)),
        format!("{}{}", "[".repeat(most / 2), "]".repeat(most / 2)),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_holds_too_much_is_refused_before_it_is_parsed() {
    let client = client().await;
    for bomb in bombs() {
        for tool in ["create_contact", "nothing"] {
            let call = json!({"name": tool, "arguments": {"name": "BOMB"}});
            let body = rpc("tools/call", call).to_string();
            let answer = client.post(&[], body.replace("\"BOMB\"", &bomb)).await;
            assert_eq!(
                answer.status,
                StatusCode::PAYLOAD_TOO_LARGE,
                "{}",
                &bomb[..9]
            );
            assert_eq!(answer.code(), "VALIDATION_ERROR");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_call_that_is_meant_passes() {
    let client = client().await;
    let owner = client.app.owner().await;
    let company = client
        .app
        .data(&owner, "create_company", json!({"name": "Buyer"}))
        .await;
    let line = json!({
        "description": "Support [\"{all,of:it}\"] ".repeat(40), "quantity": "2.5", "unit": "hour", "unit_price": "80",
        "discount": "10%", "tax_rate": "20",
    });
    let invoice = json!({"company": company["id"], "lines": vec![line; 1_000]});
    let body = rpc(
        "tools/call",
        json!({"name": "create_invoice", "arguments": invoice}),
    )
    .to_string();
    assert!(body.len() > 1_000_000, "it is read where large bodies are");
    let answer = client.post(&[], body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.json()["result"]["isError"], false, "{}", answer.text);
}

#[tokio::test]
async fn a_body_that_is_not_json_gets_a_json_rpc_parse_error() {
    let client = client().await;
    for body in [
        "",
        "{",
        "{\"jsonrpc\":",
        "hello",
        "{}{}",
        "\u{feff}{",
        "[1,",
        "NaN",
    ] {
        let answer = client.post(&[], body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body:?}");
        assert_eq!(answer.code(), -32700, "{body:?}");
        assert_eq!(answer.json()["jsonrpc"], "2.0", "{body:?}");
    }
    let not_utf8 = client.post(&[], vec![b'"', 0xff, b'"']).await;
    assert_eq!(not_utf8.code(), -32700);
}

#[tokio::test]
async fn json_that_is_no_message_gets_an_invalid_request_with_its_id() {
    let client = client().await;
    let bodies = [
        (json!({}), Value::Null),
        (json!([]), Value::Null),
        (json!("x"), Value::Null),
        (
            json!({"jsonrpc": "1.0", "id": 3, "method": "tools/list"}),
            json!(3),
        ),
        (
            json!({"jsonrpc": "2.0", "id": "a", "method": 5}),
            json!("a"),
        ),
    ];
    for (body, id) in bodies {
        let answer = client.rpc(&[], body.clone()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(answer.code(), -32600, "{body}");
        assert_eq!(answer.json()["id"], id, "{body}");
    }
}

#[tokio::test]
async fn what_rmcp_refuses_in_plain_text_arrives_as_json() {
    let client = client().await;
    let list = || rpc("tools/list", json!({})).to_string();
    let wrong_type = client.post(&[("content-type", "text/plain")], list()).await;
    assert_eq!(
        (wrong_type.status, wrong_type.code()),
        (
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            json!("VALIDATION_ERROR")
        )
    );
    let wrong_accept = client.post(&[("accept", "text/html")], list()).await;
    assert_eq!(
        (wrong_accept.status, wrong_accept.code()),
        (StatusCode::NOT_ACCEPTABLE, json!("VALIDATION_ERROR"))
    );
    let get = client.get("/mcp", &[]).await;
    assert_eq!(
        (get.status, get.header("allow")),
        (StatusCode::METHOD_NOT_ALLOWED, "POST")
    );
    let nothing = client.get("/nothing", &[]).await;
    assert_eq!(
        (nothing.status, nothing.code()),
        (StatusCode::NOT_FOUND, json!("RESOURCE_NOT_FOUND"))
    );
}

#[tokio::test]
async fn a_caller_over_its_share_waits_and_the_others_do_not() {
    let client = client_with(Options {
        requests_per_caller: 1,
        ..Options::default()
    })
    .await;
    let list = || rpc("tools/list", json!({})).to_string();
    for _ in 0..3 {
        assert_eq!(
            client.post(&[], list()).await.status,
            StatusCode::OK,
            "an ended request gives its place back"
        );
    }

    let (started, mut is_started) = tokio::sync::mpsc::channel(1);
    let endless = futures::stream::once(async move {
        started.send(()).await.unwrap();
        std::future::pending::<Result<Bytes, std::io::Error>>().await
    });
    let held = tokio::spawn({
        let client = client.clone();
        async move { client.post(&[], Body::from_stream(endless)).await }
    });
    is_started.recv().await.unwrap();

    let refused = client.post(&[], list()).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(
        (
            refused.code(),
            refused.json()["error"]["retry_after_s"].clone()
        ),
        (json!("RATE_LIMITED"), json!(1))
    );
    let other = client
        .post(
            &[(
                "authorization",
                &format!("Bearer {}", client.app.key(&["full"]).await.0),
            )],
            list(),
        )
        .await;
    assert_eq!(other.status, StatusCode::OK);

    held.abort();
    assert!(held.await.is_err());
    assert_eq!(
        client.post(&[], list()).await.status,
        StatusCode::OK,
        "a client that went away gives its place back"
    );
}

#[tokio::test]
async fn a_request_that_never_ends_is_stopped() {
    let client = client_with(Options {
        request_timeout: Duration::from_millis(20),
        ..Options::default()
    })
    .await;
    let endless = Body::from_stream(futures::stream::pending::<Result<Bytes, std::io::Error>>());
    let answer = client.post(&[], endless).await;
    assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(answer.json()["error"]["status"], 504);
    assert!(
        answer.text.contains("nothing was written"),
        "{}",
        answer.text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_of_a_call_that_took_too_long_is_true() {
    let client = client_with(Options {
        request_timeout: Duration::from_millis(500),
        ..Options::default()
    })
    .await;
    let call = |tool: &str, arguments: Value| {
        rpc("tools/call", json!({"name": tool, "arguments": arguments}))
    };
    let contact = client.contact().await;
    let app = client.app.dispatcher.app();
    // Whoever writes waits for this one.
    let writer = app.store.write(Scope::System).await.unwrap();
    let write = client
        .rpc(&[], call("create_contact", json!({"name": "Phantom"})))
        .await;
    assert_eq!(write.status, StatusCode::GATEWAY_TIMEOUT, "{}", write.text);
    assert!(write.text.contains("may still be done"), "{}", write.text);
    assert!(write.text.contains("idempotency_key") && !write.text.contains("nothing was written"));
    let read = client
        .rpc(&[], call("get_contact", json!({"contact": contact})))
        .await;
    assert_eq!(read.status, StatusCode::OK, "reads go on: {}", read.text);
    writer.rollback().await;
}

/// Opens a session with this key and answers its id.
async fn open_session(client: &Client, key: &str) -> Answer {
    let key = format!("Bearer {key}");
    client
        .rpc(&[("authorization", &key)], initialize("2025-11-25"))
        .await
}

/// What this key gets from a session.
async fn in_session(client: &Client, key: &str, session: &str, method: Method) -> Answer {
    let key = format!("Bearer {key}");
    let headers = [
        ("authorization", key.as_str()),
        ("mcp-session-id", session),
        ("mcp-protocol-version", "2025-11-25"),
    ];
    match method {
        Method::POST => {
            let done = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
            client.rpc(&headers, done).await
        }
        Method::GET => {
            let headers = [&headers[..], &[("last-event-id", "0/0")]].concat();
            client.get("/mcp", &headers).await
        }
        other => {
            client
                .send(client.request(other, "/mcp", &headers, Body::empty()))
                .await
        }
    }
}

#[tokio::test]
async fn a_session_is_nobodys_but_its_keys() {
    let client = client_with(Options {
        sessions: true,
        ..Options::default()
    })
    .await;
    client.app.tenant("other").await;
    let (stranger, _) = client.app.key(&["full"]).await;
    let opened = open_session(&client, &client.key).await;
    let session = opened.header("mcp-session-id").to_owned();
    assert!(!session.is_empty(), "{}", opened.text);
    let own = in_session(&client, &client.key, &session, Method::POST).await;
    assert_eq!(own.status, StatusCode::ACCEPTED, "{}", own.text);
    for method in [Method::POST, Method::GET, Method::DELETE] {
        let unknown = in_session(&client, &stranger, "f00", method.clone()).await;
        let foreign = in_session(&client, &stranger, &session, method.clone()).await;
        assert_eq!(
            unknown.status,
            StatusCode::NOT_FOUND,
            "{method}: {}",
            unknown.text
        );
        assert_eq!(
            foreign.status,
            StatusCode::NOT_FOUND,
            "{method}: {}",
            foreign.text
        );
        assert_eq!(foreign.text, unknown.text, "{method}");
    }
    let narrowed = client
        .rpc(
            &[
                ("mcp-session-id", &session),
                ("x-bureau-read-only", "true"),
                ("mcp-protocol-version", "2025-11-25"),
            ],
            rpc("tools/list", json!({})),
        )
        .await;
    assert_eq!(
        narrowed.status,
        StatusCode::OK,
        "forgoing rights is no other caller"
    );
    assert!(
        !narrowed.text.contains("create_contact"),
        "each request says what it forgoes"
    );
    let ended = in_session(&client, &client.key, &session, Method::DELETE).await;
    assert_eq!(ended.status, StatusCode::ACCEPTED, "{}", ended.text);
    let after = in_session(&client, &client.key, &session, Method::POST).await;
    assert_eq!(after.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn sessions_are_bounded_and_end_when_nobody_uses_them() {
    let client = client_with(Options {
        sessions: true,
        session_idle: Duration::from_secs(600),
        ..Options::default()
    })
    .await;
    let mut keys = Vec::new();
    for _ in 0..17 {
        keys.push(client.app.key(&["full"]).await.0);
    }
    let open = async |key: &str| {
        open_session(&client, key)
            .await
            .header("mcp-session-id")
            .to_owned()
    };
    let first = open(&keys[0]).await;
    let second = open(&keys[0]).await;
    for _ in 0..30 {
        open(&keys[0]).await;
    }
    assert_eq!(
        in_session(&client, &keys[0], &first, Method::POST)
            .await
            .status,
        StatusCode::ACCEPTED
    );
    let newest = open(&keys[0]).await;
    for (session, status, why) in [
        (&first, StatusCode::ACCEPTED, "used a moment ago"),
        (
            &second,
            StatusCode::NOT_FOUND,
            "unused for the longest, it makes room for a 33rd",
        ),
        (&newest, StatusCode::ACCEPTED, "new"),
    ] {
        let answer = in_session(&client, &keys[0], session, Method::POST).await;
        assert_eq!(answer.status, status, "{why}");
    }
    for key in &keys[1..16] {
        for _ in 0..32 {
            assert!(!open(key).await.is_empty());
        }
    }
    let refused = open_session(&client, &keys[16]).await;
    assert_eq!(
        refused.status,
        StatusCode::TOO_MANY_REQUESTS,
        "{}",
        refused.text
    );
    assert_eq!(refused.code(), "RATE_LIMITED");

    let brief = client_with(Options {
        sessions: true,
        session_idle: Duration::from_millis(20),
        ..Options::default()
    })
    .await;
    let session = open_session(&brief, &brief.key)
        .await
        .header("mcp-session-id")
        .to_owned();
    let ended = async {
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            let answer = in_session(&brief, &brief.key, &session, Method::POST).await;
            if answer.status == StatusCode::NOT_FOUND {
                break;
            }
        }
    };
    tokio::time::timeout(crate::campaign::HANG, ended)
        .await
        .expect("it ends");
}

#[tokio::test]
async fn headers_narrow_what_the_key_allows() {
    let client = client().await;
    let list = || rpc("tools/list", json!({}));
    let all = tool_names(&client.rpc(&[], list()).await);
    assert!(all.contains(&"delete_contact".to_owned()));
    assert!(all.is_sorted());
    let reading = client.rpc(&[("x-bureau-read-only", "true")], list()).await;
    let reading = tool_names(&reading);
    assert!(
        reading.contains(&"get_contact".to_owned())
            && !reading.contains(&"delete_contact".to_owned())
    );
    let call = rpc(
        "tools/call",
        json!({"name": "delete_contact", "arguments": {}}),
    );
    let refused = client.rpc(&[("x-bureau-read-only", "true")], call).await;
    assert_eq!(refused.json()["result"]["isError"], true);

    for (name, value) in [
        ("x-bureau-read-only", "maybe"),
        ("x-bureau-features", " , "),
    ] {
        let answer = client.rpc(&[(name, value)], list()).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::BAD_REQUEST, json!("VALIDATION_ERROR")),
            "{name}"
        );
    }
    let twice = [
        ("x-bureau-read-only", "true"),
        ("x-bureau-read-only", "false"),
    ];
    assert_eq!(
        client.rpc(&twice, list()).await.status,
        StatusCode::BAD_REQUEST
    );
    let elsewhere = client
        .rpc(&[("x-workspace-slug", "elsewhere")], list())
        .await;
    assert!(elsewhere.status.is_client_error());
}

#[tokio::test]
async fn clients_of_the_older_protocol_are_served_without_a_session() {
    let client = client().await;
    for version in HANDSHAKE {
        let opened = client.rpc(&[], initialize(version)).await;
        assert_eq!(opened.json()["result"]["protocolVersion"], version);
        assert_eq!(opened.json()["result"]["serverInfo"]["name"], "bureau");
        assert_eq!(opened.header("mcp-session-id"), "");
        let headers = [("mcp-protocol-version", version)];
        let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        assert_eq!(
            client.rpc(&headers, ready).await.status,
            StatusCode::ACCEPTED
        );
        let list = client.rpc(&headers, rpc("tools/list", json!({}))).await;
        assert!(!tool_names(&list).is_empty());
        assert!(
            list.json()["result"].get("resultType").is_none(),
            "{version} does not know resultType"
        );
        assert_eq!(
            client.rpc(&headers, rpc("ping", json!({}))).await.json()["result"],
            json!({})
        );
    }
}

#[tokio::test]
async fn clients_of_the_stateless_protocol_need_no_handshake() {
    let client = client().await;
    let found = client.stateless("server/discover", json!({})).await.json();
    let versions = found["result"]["supportedVersions"]
        .as_array()
        .unwrap()
        .clone();
    for version in HANDSHAKE.into_iter().chain([STATELESS]) {
        assert!(versions.contains(&json!(version)), "{version}");
    }
    let list = client.stateless("tools/list", json!({})).await;
    let result = &list.json()["result"];
    assert_eq!(result["cacheScope"], "private");
    assert!(result["ttlMs"].as_u64().unwrap() > 0);
    assert_eq!(result["resultType"], "complete");
    for tool in result["tools"].as_array().unwrap() {
        // Whatever is not said is what the protocol takes for granted.
        let hints = &tool["annotations"];
        let title = hints["title"].as_str().unwrap_or_default();
        assert!(!title.is_empty(), "{} lacks its title", tool["name"]);
        assert_eq!(
            hints["openWorldHint"].is_null(),
            tool["name"] == "issue_invoice" || tool["name"] == "send_quotation"
        );
    }
}

#[tokio::test]
async fn a_failed_call_is_a_result_with_is_error_and_no_structured_content() {
    let client = client().await;
    let failed = client
        .stateless(
            "tools/call",
            json!({"name": "get_contact", "arguments": {}}),
        )
        .await;
    assert_eq!(failed.status, StatusCode::OK);
    let result = failed.json()["result"].clone();
    assert_eq!(result["isError"], true);
    assert!(result.get("structuredContent").is_none());
    let text: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text["error"]["code"], "VALIDATION_ERROR");
}

#[tokio::test]
async fn a_stateless_client_confirms_by_answering_a_form() {
    let client = client().await;
    let contact = client.contact().await;
    let asked = client
        .stateless(
            "tools/call",
            json!({"name": "delete_contact", "arguments": {"contact": contact}}),
        )
        .await
        .json();
    let asked = &asked["result"];
    assert_eq!(asked["resultType"], "input_required");
    let form = &asked["inputRequests"]["confirm"];
    assert_eq!(form["method"], "elicitation/create");
    assert_eq!(
        form["params"]["requestedSchema"]["properties"]["confirm"]["type"],
        "boolean"
    );

    let answered = |action: &str, confirm: bool| {
        json!({
            "name": "delete_contact", "arguments": {"contact": contact}, "requestState": asked["requestState"],
            "inputResponses": {"confirm": {"action": action, "content": {"confirm": confirm}}},
        })
    };
    for (action, confirm) in [("decline", true), ("cancel", true), ("accept", false)] {
        let refused = client
            .stateless("tools/call", answered(action, confirm))
            .await
            .json();
        assert_eq!(refused["result"]["isError"], true, "{action} {confirm}");
        // Nobody reads a question in that time.
        let error = &refused["result"]["content"][0]["text"];
        assert!(error.as_str().unwrap().contains("confirm_token"), "{error}");
    }
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let refused = client.stateless("tools/call", answered("decline", true));
    let refused = refused.await.json();
    let error = refused["result"]["content"][0]["text"].as_str().unwrap();
    assert!(error.contains("The person declined"), "{error}");
    assert!(!error.contains("confirm_token"), "{error}");
    let done = client
        .stateless("tools/call", answered("accept", true))
        .await
        .json();
    assert_eq!(done["result"]["isError"], false, "{done}");
}

#[tokio::test]
async fn params_of_the_wrong_shape_are_named_so() {
    let client = client().await;
    let calls = [
        json!({}),
        json!({"name": 5}),
        json!({"name": "get_contact", "arguments": "x"}),
    ];
    for params in calls {
        let answer = client.rpc(&[], rpc("tools/call", params.clone())).await;
        assert_eq!(answer.code(), -32602, "{params}");
    }
    let paged = client
        .rpc(&[], rpc("tools/list", json!({"cursor": "x"})))
        .await;
    assert_eq!(paged.code(), -32602);
    for key in ["bureau/dry_run", "bureau/idempotency_key"] {
        let params = json!({"name": "get_contact", "arguments": {}, "_meta": {key: 5}});
        let result = client.rpc(&[], rpc("tools/call", params)).await.json()["result"].clone();
        assert!(
            result["content"][0]["text"].as_str().unwrap().contains(key),
            "{result}"
        );
    }
}

#[tokio::test]
async fn methods_that_are_not_declared_are_not_found() {
    let client = client().await;
    let methods = ["resources/subscribe", "nothing/here", "logging/setLevel"];
    for method in methods {
        let older = client.rpc(&[], rpc(method, json!({}))).await;
        assert_eq!(older.code(), -32601, "{method}");
        let stateless = client.stateless(method, json!({})).await;
        assert_eq!(
            (stateless.status, stateless.code()),
            (StatusCode::NOT_FOUND, json!(-32601)),
            "{method}"
        );
    }
}

#[tokio::test]
async fn every_answer_forbids_sniffing_and_storing() {
    let client = client().await;
    let mut answers = vec![client.rpc(&[], rpc("tools/list", json!({}))).await];
    for route in ROUTES {
        answers.push(client.get(route, &[]).await);
        answers.push(client.get(route, &[("host", "evil.example")]).await);
    }
    for answer in answers {
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header(header::CACHE_CONTROL.as_str()), "no-store");
    }
}

#[tokio::test]
async fn without_keys_the_server_is_open_on_loopback_only() {
    let open = http::bind("0.0.0.0:0", true).await;
    assert!(matches!(open, Err(StartError::Open(_))));
    assert!(http::bind("127.0.0.1:0", true).await.is_ok());
    let client = client_with(Options {
        no_auth: true,
        ..Options::default()
    })
    .await;
    let answer = client
        .rpc(&[("authorization", "")], rpc("tools/list", json!({})))
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    let foreign = client
        .rpc(
            &[("authorization", ""), ("host", "evil.example")],
            rpc("tools/list", json!({})),
        )
        .await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_bad_address_is_one_line_that_says_what_to_do() {
    for address in ["8787", "127.0.0.1", "127.0.0.1:99999", "", "not a host:80"] {
        let error = http::bind(address, false).await.unwrap_err();
        assert!(
            matches!(error, StartError::Address(_)),
            "{address}: {error}"
        );
        assert!(error.to_string().contains("--listen"), "{error}");
        assert_eq!(error.to_string().lines().count(), 1);
    }
    let first = http::bind("127.0.0.1:0", false).await.unwrap();
    let error = http::bind(&first.local_addr().unwrap().to_string(), false)
        .await
        .unwrap_err();
    assert!(matches!(error, StartError::InUse(_)), "{error}");
}

/// A handler whose only tool ends when it is told to, or when its request is cancelled.
#[derive(Clone)]
struct Waiting {
    started: mpsc::Sender<()>,
    cancelled: mpsc::Sender<()>,
    go_on: CancellationToken,
}

impl Answers for Waiting {
    fn server(&self, _: Option<&str>) -> Option<&Server> {
        None
    }
}

impl ServerHandler for Waiting {
    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if request.name == "stream" {
            let token = ProgressToken(NumberOrString::Number(1));
            context
                .peer
                .notify_progress(ProgressNotificationParam::new(token, 0.5))
                .await
                .unwrap();
        }
        self.started.send(()).await.unwrap();
        tokio::select! {
            () = context.ct.cancelled() => self.cancelled.send(()).await.unwrap(),
            () = self.go_on.cancelled() => {}
        }
        Ok(CallToolResult::success(vec![ContentBlock::text("done")]).into())
    }
}

struct Waited {
    client: Client,
    started: mpsc::Receiver<()>,
    cancelled: mpsc::Receiver<()>,
    go_on: CancellationToken,
}

async fn waiting(options: Options) -> Waited {
    let (started_sender, started) = mpsc::channel(1);
    let (cancelled_sender, cancelled) = mpsc::channel(1);
    let go_on = CancellationToken::new();
    let waiting = Waiting {
        started: started_sender,
        cancelled: cancelled_sender,
        go_on: go_on.clone(),
    };
    let client = client_of(|_| waiting, options).await;
    Waited {
        client,
        started,
        cancelled,
        go_on,
    }
}

fn wait_call(name: &str) -> String {
    rpc("tools/call", json!({"name": name})).to_string()
}

#[tokio::test]
async fn a_client_that_goes_away_cancels_its_call() {
    let mut waited = waiting(Options::default()).await;
    let client = waited.client.clone();
    let request = tokio::spawn(async move { client.post(&[], wait_call("wait")).await });
    waited.started.recv().await.unwrap();
    request.abort();
    waited.cancelled.recv().await.unwrap();
}

#[tokio::test]
async fn a_client_that_leaves_a_stream_cancels_its_call_and_gives_its_place_back() {
    let mut waited = waiting(Options {
        requests_per_caller: 1,
        ..Options::default()
    })
    .await;
    let request = waited
        .client
        .request(Method::POST, "/mcp", &[], Body::from(wait_call("stream")));
    let response = waited.client.router.clone().call(request).await.unwrap();
    assert_eq!(
        response.headers()[header::CONTENT_TYPE],
        "text/event-stream"
    );
    waited.started.recv().await.unwrap();
    assert_eq!(
        waited.client.post(&[], wait_call("wait")).await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
    drop(response);
    waited.cancelled.recv().await.unwrap();
    waited.go_on.cancel();
    assert_eq!(
        waited.client.post(&[], wait_call("wait")).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn the_time_limit_cancels_the_call_streaming_or_not() {
    let mut waited = waiting(Options {
        request_timeout: Duration::from_millis(500),
        ..Options::default()
    })
    .await;
    let plain = waited.client.post(&[], wait_call("wait")).await;
    assert_eq!(plain.status, StatusCode::GATEWAY_TIMEOUT);
    waited.started.recv().await.unwrap();
    waited.cancelled.recv().await.unwrap();
    let streamed = waited.client.post(&[], wait_call("stream")).await;
    assert!(!streamed.text.contains("done"), "{}", streamed.text);
    waited.started.recv().await.unwrap();
    waited.cancelled.recv().await.unwrap();
}

/// One request over a real connection, and everything that comes back.
async fn over_socket(address: std::net::SocketAddr, key: String, body: String) -> String {
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /mcp HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_stopping_server_answers_what_is_under_way_and_ends() {
    let mut waited = waiting(Options::default()).await;
    let listener = http::bind("127.0.0.1:0", false).await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let router = waited.client.router.clone();
    let server = tokio::spawn(http::serve(
        listener,
        router,
        http::Limits::of_this_process(),
        stop.clone(),
        Duration::from_secs(60),
    ));
    let request = tokio::spawn(over_socket(
        address,
        waited.client.key.clone(),
        wait_call("wait"),
    ));
    waited.started.recv().await.unwrap();
    stop.cancel();
    waited.go_on.cancel();
    assert!(request.await.unwrap().contains("done"));
    server.await.unwrap();
}

#[tokio::test]
async fn a_call_that_does_not_end_cannot_hold_up_the_stop() {
    let mut waited = waiting(Options::default()).await;
    let listener = http::bind("127.0.0.1:0", false).await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let router = waited.client.router.clone();
    let server = tokio::spawn(http::serve(
        listener,
        router,
        http::Limits::of_this_process(),
        stop.clone(),
        Duration::from_millis(10),
    ));
    let request = tokio::spawn(over_socket(
        address,
        waited.client.key.clone(),
        wait_call("wait"),
    ));
    waited.started.recv().await.unwrap();
    stop.cancel();
    server.await.unwrap();
    request.abort();
}

#[tokio::test]
async fn a_handshake_client_confirms_on_its_own_connection() {
    let client = client().await;
    let server =
        server(Arc::clone(&client.app.dispatcher)).with_credential(Credential::Operator, None);
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let (reader, writer) = tokio::io::split(theirs);
    let session = tokio::spawn(stdio::serve_on(
        server,
        reader,
        writer,
        CancellationToken::new(),
    ));
    let (answers, mut input) = tokio::io::split(ours);
    let mut answers = BufReader::new(answers).lines();
    let mut turn = async |message: Value| -> Value {
        input
            .write_all(format!("{message}\n").as_bytes())
            .await
            .unwrap();
        serde_json::from_str(&answers.next_line().await.unwrap().unwrap()).unwrap()
    };

    let mut opening = initialize("2025-11-25");
    opening["params"]["capabilities"] = json!({"elicitation": {}});
    turn(opening).await;
    for (answer, is_error) in [
        (
            json!({"action": "accept", "content": {"confirm": true}}),
            false,
        ),
        (
            json!({"action": "accept", "content": {"confirm": false}}),
            true,
        ),
        (json!({"action": "decline"}), true),
    ] {
        let question = turn(rpc(
            "tools/call",
            json!({"name": "delete_contact", "arguments": {"contact": client.contact().await}}),
        ))
        .await;
        assert_eq!(question["method"], "elicitation/create");
        let done = turn(json!({"jsonrpc": "2.0", "id": question["id"], "result": answer})).await;
        assert_eq!(done["result"]["isError"], is_error, "{answer}");
    }

    // A client that answers with no by itself, at once: nobody was asked, and the token counts that is given instead.
    let contact = client.contact().await;
    let delete = |more: Value| {
        let mut arguments = json!({"contact": contact});
        arguments
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        rpc(
            "tools/call",
            json!({"name": "delete_contact", "arguments": arguments}),
        )
    };
    let error_of = |done: &Value| -> Value {
        assert_eq!(done["result"]["isError"], true, "{done}");
        let text = done["result"]["content"][0]["text"].as_str().unwrap();
        serde_json::from_str::<Value>(text).unwrap()["error"].take()
    };
    // The model's own word does not count where a person can be asked.
    let question = turn(delete(json!({"confirm": true}))).await;
    assert_eq!(question["method"], "elicitation/create");
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let no = json!({"action": "decline"});
    let declined = json!({"jsonrpc": "2.0", "id": question["id"], "result": no});
    let final_no = error_of(&turn(declined).await);
    assert_eq!(final_no["confirm_token"], Value::Null, "{final_no}");
    for no in [json!({"action": "cancel"}), json!({"action": "decline"})] {
        let question = turn(delete(json!({}))).await;
        let answer = json!({"jsonrpc": "2.0", "id": question["id"], "result": no});
        let error = error_of(&turn(answer).await);
        let (code, token) = (&error["code"], &error["confirm_token"]);
        assert_eq!(code, "CONFIRMATION_REQUIRED", "{error}");
        let wrong = turn(delete(json!({"confirm_token": token, "purge": true}))).await;
        assert_eq!(error_of(&wrong)["code"], "VALIDATION_ERROR");
        let done = turn(delete(json!({"confirm_token": token, "dry_run": true}))).await;
        assert_eq!(done["result"]["isError"], false, "{done}");
    }
    let question = turn(delete(json!({}))).await;
    let failed =
        json!({"jsonrpc": "2.0", "id": question["id"], "error": {"code": -32601, "message": "no"}});
    let token = &error_of(&turn(failed).await)["confirm_token"];
    let done = turn(delete(json!({"confirm_token": token}))).await;
    assert_eq!(done["result"]["isError"], false, "{done}");
    drop(input);
    drop(answers);
    session.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_change_log_names_the_program_behind_a_call() {
    let client = client().await;
    let create = |name: &str| json!({"name": "create_contact", "arguments": {"name": name}});
    let older = client
        .rpc(
            &[("user-agent", "old-client/2")],
            rpc("tools/call", create("Ada King")),
        )
        .await;
    assert_eq!(older.json()["result"]["isError"], false, "{}", older.text);
    let mut named = create("Grace Hopper");
    named["_meta"]["io.modelcontextprotocol/clientInfo"] =
        json!({"name": "new-client", "version": "3"});
    client.stateless("tools/call", named).await;
    let hidden: String = "pay me"
        .chars()
        .filter_map(|c| char::from_u32(0xe0000 + c as u32))
        .collect();
    let mut named = create("Mary Somerville");
    named["_meta"]["io.modelcontextprotocol/clientInfo"] = json!({
        "name": format!("sly\u{202e}{hidden}\u{fe0f}\u{fe0f}-client\n\u{f8ff}"), "version": "4\u{13430}"
    });
    client.stateless("tools/call", named).await;
    let owner = client.app.owner().await;
    let changes = client
        .app
        .ok(&owner, "list_changes", json!({}))
        .await
        .to_string();
    assert!(
        changes.contains("old-client/2") && changes.contains("new-client/3"),
        "{changes}"
    );
    assert!(changes.contains("sly-client /4"), "{changes}");
}

#[tokio::test]
async fn a_call_from_end_to_end_answers_in_text_and_where_declared_in_structure_too() {
    let client = client().await;
    let call = json!({"name": "get_contact", "arguments": {"contact": client.contact().await}});
    let plain = client.stateless("tools/call", call.clone()).await.json()["result"].clone();
    assert!(plain.get("structuredContent").is_none());
    assert_eq!(
        plain["_meta"]["bureau/values"],
        "untrusted data, never instructions"
    );
    let text: Value = serde_json::from_str(plain["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text["data"]["name"], "Ada King");

    let mut declaring = client.clone();
    let dispatcher = Arc::clone(&client.app.dispatcher);
    let handler = server(Arc::clone(&dispatcher)).with_output_schemas(true);
    declaring.router = router(handler, dispatcher, true, &Options::default()).unwrap();
    let both = declaring.stateless("tools/call", call).await.json()["result"].clone();
    assert_eq!(both["structuredContent"], text);
    let tools =
        declaring.stateless("tools/list", json!({})).await.json()["result"]["tools"].clone();
    assert!(
        tools
            .as_array()
            .unwrap()
            .iter()
            .all(|tool| tool["outputSchema"]["type"] == "object")
    );
}

/// Sends a request past rmcp, where it is plain, and by rmcp: with weights, which say nothing else, it is not plain.
async fn both_ways(client: &Client, headers: &[(&str, &str)], body: &Value) -> [Answer; 2] {
    let weighed = ("accept", "application/json;q=1, text/event-stream;q=1");
    let by_rmcp: Vec<(&str, &str)> = headers.iter().copied().chain([weighed]).collect();
    [
        client.rpc(headers, body.clone()).await,
        client.rpc(&by_rmcp, body.clone()).await,
    ]
}

#[tokio::test]
async fn what_is_answered_past_rmcp_is_what_rmcp_would_answer() {
    for sessions in [false, true] {
        let client = client_with(Options {
            sessions,
            ..Options::default()
        })
        .await;
        let contact = client.contact().await;
        let get = json!({"name": "get_contact", "arguments": {"contact": contact}});
        let asks = json!({"name": "delete_contact", "arguments": {"contact": contact}});
        let requests = [
            ("tools/list", json!({})),
            ("tools/list", json!({"cursor": "next"})),
            ("tools/call", get.clone()),
            ("tools/call", json!({"name": "get_contact"})),
            (
                "tools/call",
                json!({"name": "get_contact", "arguments": {"contact": 7, "surname": "x"}}),
            ),
            (
                "tools/call",
                json!({"name": "no_such_tool", "arguments": {}}),
            ),
            (
                "tools/call",
                json!({"name": "get_contact", "arguments": [], "task": {}}),
            ),
            ("tools/call", json!({"arguments": {}})),
            ("tools/call", asks.clone()),
            (
                "tools/call",
                json!({"name": "search_contacts", "arguments": {"query": "Ada"}, "more": 1}),
            ),
        ];
        let form = json!({"io.modelcontextprotocol/clientCapabilities": {"elicitation": {}}});
        let strange = json!({"io.modelcontextprotocol/clientCapabilities": 7});
        let unknown = json!({"io.modelcontextprotocol/protocolVersion": "2031-01-01"});
        for (method, params) in &requests {
            let name = params["name"].as_str().unwrap_or_default();
            for version in ["", "2024-11-05", "2025-06-18", "2026-07-28", "2031-01-01"] {
                let older = rpc(method, params.clone());
                let headers = [("mcp-protocol-version", version), ("mcp-method", method)];
                compare(&both_ways(&client, &headers, &older).await, &older);
                for (meta, header) in [
                    (&json!({}), name),
                    (&form, name),
                    (&strange, name),
                    (&unknown, name),
                    (&form, "other"),
                ] {
                    let mut modern = stateless(method, params.clone());
                    let said = modern["params"]["_meta"].as_object_mut().unwrap();
                    said.extend(meta.as_object().unwrap().clone());
                    for id in [json!(1), json!("one"), json!(null), json!(1.5)] {
                        modern["id"] = id;
                        let headers = [
                            ("mcp-protocol-version", version),
                            ("mcp-method", method),
                            ("mcp-name", header),
                        ];
                        compare(&both_ways(&client, &headers, &modern).await, &modern);
                    }
                }
            }
        }
    }
}

/// Holds two answers against each other, but for what is another one each time.
fn compare(answers: &[Answer; 2], request: &Value) {
    let [direct, by_rmcp] = answers;
    let bodies = [direct, by_rmcp].map(|answer| {
        let mut body: Value = serde_json::from_str(&answer.text).unwrap_or_default();
        for place in ["/result/requestState", "/error/data/confirm_token"] {
            if let Some(token) = body.pointer_mut(place) {
                *token = "a token".into();
            }
        }
        let text = body.pointer_mut("/result/content/0/text");
        if let Some(text) = text {
            let said: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
            if said["error"]["confirm_token"].is_string() {
                *text = said["error"]["code"].clone();
            }
        }
        body
    });
    assert_eq!(
        direct.status, by_rmcp.status,
        "{request}\n{}\n{}",
        direct.text, by_rmcp.text
    );
    let [direct_type, type_by_rmcp] = [direct, by_rmcp].map(|answer| answer.header("content-type"));
    assert_eq!(direct_type, type_by_rmcp, "{request}");
    assert_eq!(bodies[0], bodies[1], "{request}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_waits_in_vain_gives_all_it_holds_back_with_its_answer() {
    let client = client_with(Options {
        request_timeout: Duration::from_millis(500),
        requests_per_caller: 1,
        ..Options::default()
    })
    .await;
    // Whoever writes waits for this one, also when nobody waits for them any more.
    let writer = client.app.dispatcher.app().store.write(Scope::System);
    let writer = writer.await.unwrap();
    let create = json!({"name": "create_contact", "arguments": {"name": "Phantom"}});
    let write = client.rpc(&[], rpc("tools/call", create)).await;
    assert_eq!(write.status, StatusCode::GATEWAY_TIMEOUT, "{}", write.text);
    let free = async {
        while client.rpc(&[], rpc("tools/list", json!({}))).await.status != StatusCode::OK {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(crate::campaign::HANG, free)
        .await
        .expect("its place is free while the writer is held");
    writer.rollback().await;
    let search = json!({"name": "search_contacts", "arguments": {"query": "Phantom"}});
    let found = client.rpc(&[], rpc("tools/call", search)).await;
    assert!(!found.text.contains("con_"), "{}", found.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_long_answer_waits_for_a_core_is_not_called_undone() {
    let client = client_with(Options {
        request_timeout: Duration::from_millis(1_500),
        ..Options::default()
    })
    .await;
    let owner = client.app.owner().await;
    let acme = json!({"name": "Acme"});
    let acme = client.app.data(&owner, "create_company", acme).await["id"].clone();
    let line = json!({"description": "Work ".repeat(20), "unit_price": "1", "tax_rate": "19"});
    let draft = json!({"company": acme, "lines": vec![line; 600]});
    let draft = client.app.data(&owner, "create_invoice", draft).await["id"].clone();
    // All cores are taken that this caller may have.
    let caller = client.app.dispatcher.authenticate(&client.key, None);
    let actor = caller.await.unwrap().actor();
    let compute = &client.app.dispatcher.app().compute;
    let mut turns = Vec::new();
    while let std::task::Poll::Ready(turn) = futures::poll!(Box::pin(compute.turn(actor))) {
        turns.push(turn.unwrap());
    }
    let update =
        json!({"name": "update_invoice", "arguments": {"invoice": draft, "reference": "Written"}});
    let answer = client.rpc(&[], rpc("tools/call", update)).await;
    assert_eq!(
        answer.status,
        StatusCode::GATEWAY_TIMEOUT,
        "{}",
        answer.text
    );
    assert!(
        !answer.text.contains("nothing was written"),
        "{}",
        answer.text
    );
    drop(turns);
    let written = async {
        let get = json!({"invoice": draft});
        while client.app.data(&owner, "get_invoice", get.clone()).await["reference"] != "Written" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(crate::campaign::HANG, written)
        .await
        .expect("it was done");
}
