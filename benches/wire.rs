//! What MCP costs around a call: the router with everything in it, without a socket.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use bureau::server::{Server, tool};
use bureau::transport::http;
use bureau_kernel::testing::{Engine, TestApp};
use criterion::{Criterion, criterion_group, criterion_main};
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::{Value, json};
use tower::Service as _;

async fn post(mut router: Router, key: &str, method: &str, body: &str) -> Vec<u8> {
    let mut request = Request::post("/mcp")
        .header("host", "127.0.0.1:8787")
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", method);
    if method == "tools/call" {
        request = request.header("mcp-name", "get_contact");
    }
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let response = router.call(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let body = to_bytes(response.into_body(), usize::MAX).await;
    body.unwrap().to_vec()
}

fn message(method: &str, mut params: Value) -> String {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string()
}

fn wire(c: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let modules = [bureau_contacts::MODULE, bureau_history::MODULE];
    let settings = bureau_kernel::dispatch::Settings {
        calls_per_hour: 0,
        ..Default::default()
    };
    let (app, key, router, id) = runtime.block_on(async {
        let app = TestApp::with(Engine::Sqlite, &modules, settings).await;
        let (key, owner) = app.key(&["full"]).await;
        let made = app
            .ok(
                &owner,
                "create_contact",
                json!({ "name": "Ada King", "city": "London" }),
            )
            .await;
        let id = made["data"]["id"].as_str().unwrap().to_owned();
        let handler = Server::new(
            Arc::clone(&app.dispatcher),
            &bureau::instructions(app.dispatcher.registry()),
        );
        let metrics = PrometheusBuilder::new().build_recorder().handle();
        let ready: http::Ready = Arc::new(|| Box::pin(async { true }));
        let dispatcher = Arc::clone(&app.dispatcher);
        let router = http::router(
            handler,
            dispatcher,
            ready,
            metrics,
            &http::Options::default(),
        );
        (app, key, router.unwrap(), id)
    });
    c.bench_function("wire/the manifest as text", |b| {
        b.iter(|| {
            let entries = app.dispatcher.registry().entries();
            let tools: Vec<_> = entries.map(|entry| tool(entry.wire(), false)).collect();
            serde_json::to_string(&tools).unwrap()
        });
    });
    let list = message("tools/list", json!({}));
    c.bench_function("wire/tools/list", |b| {
        b.to_async(&runtime)
            .iter(|| post(router.clone(), &key, "tools/list", &list));
    });
    let get = message(
        "tools/call",
        json!({ "name": "get_contact", "arguments": { "contact": id } }),
    );
    c.bench_function("wire/get_contact", |b| {
        b.to_async(&runtime)
            .iter(|| post(router.clone(), &key, "tools/call", &get));
    });
    // The app's tasks end in its own runtime.
    let _inside = runtime.enter();
    drop((router, app));
}

criterion_group!(benches, wire);
criterion_main!(benches);
