//! Subscriptions: a client is told of what it may read and of nothing else, in the older protocol and in the stateless one.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use bureau::server::{Credential, Server};
use bureau::transport::http::Options;
use bureau::transport::stdio;
use bureau_kernel::testing::{ENGINES, Engine, TestApp};
use futures::StreamExt as _;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf,
    split,
};
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use crate::MODULES;
use crate::http::router;
use crate::stdio::{opening, server};

/// Nothing that is expected takes longer.
const SOON: Duration = Duration::from_secs(30);
/// What is not to come has not come by then: writes are gathered for a part of that.
const NOT_YET: Duration = Duration::from_millis(900);

/// A client on its own pipes, that hears whatever comes.
struct Pipes {
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
    input: WriteHalf<DuplexStream>,
}

impl Pipes {
    async fn open(server: Server) -> Self {
        let (ours, theirs) = tokio::io::duplex(1024 * 1024);
        let (reader, writer) = split(theirs);
        tokio::spawn(stdio::serve_on(
            server,
            reader,
            writer,
            CancellationToken::new(),
        ));
        let (answers, input) = split(ours);
        let mut pipes = Self {
            lines: BufReader::new(answers).lines(),
            input,
        };
        let (method, params) = opening("2025-11-25");
        let opened = pipes.ask(method, params).await;
        assert_eq!(
            opened["result"]["capabilities"]["resources"]["subscribe"], true,
            "{opened}"
        );
        pipes
    }

    async fn ask(&mut self, method: &str, params: Value) -> Value {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        self.input
            .write_all(format!("{request}\n").as_bytes())
            .await
            .unwrap();
        self.hear().await.unwrap()
    }

    async fn hear(&mut self) -> Option<Value> {
        let line = tokio::time::timeout(SOON, self.lines.next_line()).await;
        let line = line.ok()?.unwrap();
        Some(serde_json::from_str(&line?).unwrap())
    }

    async fn hears_of(&mut self, uri: &str, after: &str) {
        let heard = self.hear().await;
        let heard = heard.unwrap_or_else(|| panic!("nothing is heard after {after}"));
        assert_eq!(
            heard["method"], "notifications/resources/updated",
            "{heard}"
        );
        assert_eq!(heard["params"]["uri"], uri, "{heard}");
    }

    async fn hears_nothing(&mut self) {
        let line = tokio::time::timeout(NOT_YET, self.lines.next_line()).await;
        assert!(line.is_err(), "{line:?}");
    }
}

async fn deal(app: &TestApp, name: &str) -> (Value, String) {
    let owner = app.owner().await;
    let deal = app
        .data(&owner, "create_deal", json!({ "name": name }))
        .await;
    let uri = format!("bureau://deals/{}", deal["id"].as_str().unwrap());
    (deal["id"].clone(), uri)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_client_is_told_of_what_it_subscribed_to_until_it_ends_that() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let data = async |tool: &str, arguments: Value| app.data(&owner, tool, arguments).await;
        let (roof, uri) = deal(&app, "Roof").await;
        let (cellar, _) = deal(&app, "Cellar").await;
        let mut client = Pipes::open(server(&app)).await;
        let said = client
            .ask("resources/subscribe", json!({ "uri": uri }))
            .await;
        assert!(said["result"].is_object(), "{said}");
        data("update_deal", json!({ "deal": cellar, "amount": "5" })).await;
        client.hears_nothing().await;
        data("update_deal", json!({ "deal": roof, "amount": "5" })).await;
        client.hears_of(&uri, "an update").await;
        // What refers to it is a part of what is read of it.
        let call = json!({ "type": "call", "subject": "Ask", "deal": roof });
        let call = data("create_activity", call).await;
        client.hears_of(&uri, "an activity").await;
        data(
            "update_activity",
            json!({ "activity": call["id"], "subject": "Ask again" }),
        )
        .await;
        client.hears_of(&uri, "a change of the activity").await;
        data(
            "delete_activity",
            json!({ "activity": call["id"], "purge": true, "confirm": true }),
        )
        .await;
        client.hears_of(&uri, "its erasure").await;
        // What has an address and is no record.
        let team = "bureau://team/members";
        client
            .ask("resources/subscribe", json!({ "uri": team }))
            .await;
        data(
            "update_member",
            json!({ "member": "me", "name": "Somebody Else", "confirm": true }),
        )
        .await;
        client.hears_of(team, "a new name").await;
        client
            .ask("resources/unsubscribe", json!({ "uri": team }))
            .await;
        client
            .ask("resources/unsubscribe", json!({ "uri": uri }))
            .await;
        data("update_deal", json!({ "deal": roof, "amount": "6" })).await;
        client.hears_nothing().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_of_what_they_may_not_read() {
    let app = TestApp::new(Engine::Sqlite, MODULES).await;
    let (_, uri) = deal(&app, "Roof").await;
    app.tenant("other").await;
    let elsewhere = server(&app).with_credential(Credential::Operator, Some("other".into()));
    let (key, _) = app.key(&["read_contacts"]).await;
    let few = Server::new(Arc::clone(&app.dispatcher), "Test.")
        .with_credential(Credential::Key(SecretString::from(key)), None);
    for server in [elsewhere, few] {
        let mut client = Pipes::open(server).await;
        let said = client
            .ask("resources/subscribe", json!({ "uri": uri }))
            .await;
        assert!(said["error"].is_object(), "{said}");
    }
    let mut client = Pipes::open(server(&app)).await;
    for wrong in [
        "bureau://deals/nothing",
        "bureau://nothing",
        "",
        "bureau://exports/deal/csv/-/-/-/-/-",
    ] {
        let said = client
            .ask("resources/subscribe", json!({ "uri": wrong }))
            .await;
        assert!(said["error"].is_object(), "{wrong}: {said}");
    }
    let said = client
        .ask("resources/unsubscribe", json!({ "uri": uri }))
        .await;
    assert!(
        said["result"].is_object(),
        "ending what never began is no fault: {said}"
    );
}

/// What a standing stream says, each message as it comes.
struct Stream {
    body: std::pin::Pin<
        Box<dyn futures::Stream<Item = Result<axum::body::Bytes, axum::Error>> + Send>,
    >,
    rest: String,
}

impl Stream {
    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some((event, rest)) = self.rest.split_once("\n\n") {
                let data: String = event
                    .lines()
                    .filter_map(|line| line.strip_prefix("data:"))
                    .map(str::trim)
                    .collect();
                self.rest = rest.to_owned();
                if data.is_empty() {
                    continue;
                }
                return Some(serde_json::from_str(&data).unwrap());
            }
            let piece = tokio::time::timeout(SOON, self.body.next()).await.unwrap();
            let piece = piece?.unwrap();
            self.rest.push_str(
                &String::from_utf8(piece.to_vec())
                    .unwrap()
                    .replace("\r\n", "\n"),
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stateless_client_listens_on_a_stream_of_its_own() {
    for engine in ENGINES {
        let app = Arc::new(TestApp::new(engine, MODULES).await);
        let owner = app.owner().await;
        let (roof, uri) = deal(&app, "Roof").await;
        let (key, caller) = app.key(&["full"]).await;
        let handler = Server::new(Arc::clone(&app.dispatcher), "Test.");
        // A stream outlives what a request may take.
        let options = Options {
            request_timeout: Duration::from_secs(2),
            ..Options::default()
        };
        let mut router = router(handler, Arc::clone(&app.dispatcher), true, &options).unwrap();
        let mut listen = async |uris: Vec<&str>| {
            let meta = json!({
                "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {},
            });
            let body = json!({
                "jsonrpc": "2.0", "id": 9, "method": "subscriptions/listen",
                "params": { "notifications": { "resourceSubscriptions": uris }, "_meta": meta },
            });
            let request = Request::post("/mcp")
                .header("host", "127.0.0.1:8787")
                .header("authorization", format!("Bearer {key}"))
                .header("content-type", "application/json")
                .header("accept", "application/json, text/event-stream")
                .header("mcp-protocol-version", "2026-07-28")
                .header("mcp-method", "subscriptions/listen")
                .body(Body::from(body.to_string()))
                .unwrap();
            let response = router.call(request).await.unwrap();
            let status = response.status();
            let stream = Stream {
                body: Box::pin(response.into_body().into_data_stream()),
                rest: String::new(),
            };
            (status, stream)
        };
        let (status, mut stream) = listen(vec![&uri, "bureau://nothing"]).await;
        assert_eq!(status, 200);
        let acknowledged = stream.next().await.unwrap();
        assert_eq!(
            acknowledged["params"]["notifications"]["resourceSubscriptions"],
            json!([uri]),
            "{acknowledged}"
        );
        tokio::time::sleep(Duration::from_secs(3)).await;
        app.data(
            &owner,
            "update_deal",
            json!({ "deal": roof, "amount": "7" }),
        )
        .await;
        let told = stream.next().await.unwrap();
        assert_eq!(told["method"], "notifications/resources/updated", "{told}");
        assert_eq!(told["params"]["uri"], uri);

        // Ten streams are as many as a caller may have, and one that ended leaves its place.
        let mut others = Vec::new();
        for _ in 1..10 {
            let (status, mut other) = listen(vec![&uri]).await;
            assert_eq!(status, 200);
            other.next().await.unwrap();
            others.push(other);
        }
        let (status, _) = listen(vec![&uri]).await;
        assert_eq!(status, 429, "an eleventh stream");
        drop(others.pop());
        let mut again = listen(vec![&uri]).await;
        while again.0 != 200 {
            // Its place is free once it is known to have gone.
            tokio::time::sleep(Duration::from_millis(50)).await;
            again = listen(vec![&uri]).await;
        }
        again.1.next().await.unwrap();

        // A key that is revoked hears no more: what it is told is that it is over.
        let id = caller.key.unwrap();
        bureau_kernel::admin::revoke_key(app.store(), &id.to_string())
            .await
            .unwrap();
        app.data(
            &owner,
            "update_deal",
            json!({ "deal": roof, "amount": "8" }),
        )
        .await;
        let last = stream.next().await;
        assert!(
            last.as_ref()
                .is_none_or(|last| last.get("method").is_none()),
            "{last:?}"
        );
    }
}
