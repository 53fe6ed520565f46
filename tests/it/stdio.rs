//! What a client finds on its own pipes beside the tools: documents, prompts, and why it is not let in.

use std::path::Path;
use std::sync::Arc;

use bureau::server::{Credential, Server};
use bureau::transport::stdio;
use bureau_kernel::testing::{Engine, TestApp};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, split};
use tokio_util::sync::CancellationToken;

use crate::MODULES;
use crate::abuse::invoice;

/// What is answered to these requests, one after the other, by a session of its own.
pub(crate) async fn session(server: Server, requests: &[(&str, Value)]) -> Vec<Value> {
    let (ours, theirs) = tokio::io::duplex(8 * 1024 * 1024);
    let (reader, writer) = split(theirs);
    let served = stdio::serve_on(server, reader, writer, CancellationToken::new());
    let served = tokio::spawn(served);
    let (answers, mut input) = split(ours);
    let mut answers = BufReader::new(answers).lines();
    let mut said = Vec::new();
    for (method, params) in requests {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let line = format!("{request}\n");
        if input.write_all(line.as_bytes()).await.is_err() {
            break;
        }
        let Ok(Some(answer)) = answers.next_line().await else {
            break;
        };
        said.push(serde_json::from_str(&answer).unwrap());
    }
    drop((input, answers));
    let _ = served.await.unwrap();
    said
}

pub(crate) fn opening(version: &str) -> (&'static str, Value) {
    let client = json!({ "name": "test", "version": "1" });
    let opening = json!({ "protocolVersion": version, "capabilities": {}, "clientInfo": client });
    ("initialize", opening)
}

pub(crate) fn server(app: &TestApp) -> Server {
    let server = Server::new(Arc::clone(&app.dispatcher), "Test.");
    server.with_credential(Credential::Operator, None)
}

pub(crate) fn text_of(answer: &Value) -> Value {
    serde_json::from_str(answer["result"]["content"][0]["text"].as_str().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_a_link_and_a_file_and_never_bytes_in_the_text() {
    let app = TestApp::new(Engine::Sqlite, MODULES).await;
    let owner = app.owner().await;
    let invoice = invoice(&app, &owner, 1).await;
    let folder = tempfile::tempdir().unwrap();
    for (version, knows_links) in [("2025-11-25", true), ("2025-03-26", false)] {
        for (format, start) in [("pdf", "%PDF-"), ("ubl", "<?xml")] {
            let call = json!({ "name": "get_invoice", "arguments": { "invoice": invoice, "document": format } });
            let uri = format!("bureau://invoices/{}/{format}", invoice.as_str().unwrap());
            let requests = [
                opening(version),
                ("tools/call", call),
                ("resources/read", json!({ "uri": uri })),
            ];
            let plain = session(server(&app), &requests).await;
            let documents = server(&app).with_documents(Some(folder.path()));
            let written = session(documents, &requests).await;
            for (answers, has_file) in [(&plain, false), (&written, true)] {
                let answer = &answers[1];
                assert!(
                    answer.to_string().len() < 10_000,
                    "{}",
                    answer.to_string().len()
                );
                let document = &text_of(answer)["data"]["document"];
                assert_eq!(document["uri"], json!(uri));
                assert_eq!(document.get("content"), None);
                let link = &answer["result"]["content"][1];
                assert_eq!(
                    link["type"] == "resource_link",
                    knows_links,
                    "{version} {link}"
                );
                assert!(
                    !knows_links || link["uri"] == json!(uri) && link["size"] == document["bytes"]
                );
                assert_eq!(document.get("file").is_some(), has_file, "{document}");
                if has_file {
                    let file = Path::new(document["file"].as_str().unwrap());
                    let content = std::fs::read(file).unwrap();
                    assert_eq!(json!(content.len()), document["bytes"]);
                    assert!(content.starts_with(start.as_bytes()), "{file:?}");
                }
                let read = &answers[2]["result"]["contents"][0];
                assert!(read.get("blob").or(read.get("text")).is_some(), "{read}");
            }
        }
    }
    // The same document once, however often it is asked for.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    let nowhere = folder.path().join("taken");
    std::fs::write(&nowhere, "a file").unwrap();
    let call =
        json!({ "name": "get_invoice", "arguments": { "invoice": invoice, "document": "pdf" } });
    let requests = [opening("2025-11-25"), ("tools/call", call)];
    let refused = session(server(&app).with_documents(Some(&nowhere)), &requests).await;
    let error = &text_of(&refused[1])["error"];
    assert_eq!(error["code"], "UNAVAILABLE", "{error}");
    assert!(
        error["hint"].as_str().unwrap().contains("--documents-dir"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_ask_for_what_the_caller_has() {
    let app = TestApp::new(Engine::Sqlite, MODULES).await;
    let list = |server| async {
        let requests = [opening("2025-11-25"), ("prompts/list", json!({}))];
        let answers = session(server, &requests).await;
        assert!(
            answers[0]["result"]["capabilities"]["prompts"].is_object(),
            "{}",
            answers[0]
        );
        let prompts = answers[1]["result"]["prompts"].as_array().unwrap().clone();
        prompts
            .iter()
            .map(|prompt| prompt["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let all = list(server(&app)).await;
    assert!(
        ["prepare_day", "dunning", "month_end"]
            .iter()
            .all(|name| all.iter().any(|known| known == name)),
        "{all:?}"
    );
    let (key, _) = app.key(&["read_activities"]).await;
    let few = Server::new(Arc::clone(&app.dispatcher), "Test.")
        .with_credential(Credential::Key(SecretString::from(key)), None);
    assert_eq!(list(few.clone()).await, ["prepare_day", "weekly_review"]);
    let get = |name: &str, arguments: Value| {
        (
            "prompts/get",
            json!({ "name": name, "arguments": arguments }),
        )
    };
    let requests = [
        opening("2025-11-25"),
        get("prepare_day", json!({ "day": "next monday" })),
        get("month_end", json!({})),
        get("prepare_day", json!({ "date": "today" })),
    ];
    let answers = session(few, &requests).await;
    let message = &answers[1]["result"]["messages"][0];
    let said = message["content"]["text"].as_str().unwrap();
    assert_eq!(message["role"], "user");
    assert!(
        said.contains("next monday") && said.contains("list_activities"),
        "{said}"
    );
    assert!(!said.contains("list_deals"), "{said}");
    for wrong in &answers[2..] {
        assert_eq!(wrong["error"]["code"], -32602, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_said_in_answer_to_the_first_word() {
    let app = TestApp::new(Engine::Sqlite, MODULES).await;
    let (key, _) = app.key(&["full"]).await;
    let stranger = format!("{}x", &key[..key.len() - 1]);
    let stateless = json!({ "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    } });
    for first in [opening("2025-11-25"), ("server/discover", stateless)] {
        let server = Server::new(Arc::clone(&app.dispatcher), "Test.")
            .with_credential(Credential::Key(SecretString::from(stranger.clone())), None);
        let answers = session(server, &[first]).await;
        let error = &answers[0]["error"];
        assert!(
            error["message"].as_str().unwrap().contains("not valid"),
            "{answers:?}"
        );
        assert_eq!(error["data"]["error"]["code"], "UNAUTHORIZED", "{error}");
    }
}
