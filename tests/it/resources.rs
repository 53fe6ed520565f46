//! Resources: what they list and hold, over both transports and in both eras of the protocol, and that they show nobody
//! more than the tools behind them do.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use bureau::server::{Credential, Server};
use bureau::transport::{http::Options, stdio};
use bureau_kernel::admin::{self, NewKey, NewMember};
use bureau_kernel::caller::{Caller, Role};
use bureau_kernel::dispatch::resources::Representation;
use bureau_kernel::dispatch::{Dispatcher, Settings};
use bureau_kernel::error::{Code, Error};
use bureau_kernel::permission::Grants;
use bureau_kernel::prelude::{Contents, Cx, Example, Permission, Resource, Spec, Tool, tool};
use bureau_kernel::registry::{Module, Registry, Selection};
use bureau_kernel::testing::{ENGINES, Engine, TestApp};
use bureau_kernel::types::id::{decode, encode};
use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::MODULES;
use crate::catalogue::registry;

const STATELESS: &str = "2026-07-28";
const LISTS: [&str; 2] = ["resources/list", "resources/templates/list"];

/// A transport and a version of the protocol.
#[derive(Debug, Clone, Copy)]
struct Way {
    stdio: bool,
    version: &'static str,
}

const WAYS: [Way; 4] = [
    way(true, STATELESS),
    way(true, "2025-11-25"),
    way(false, STATELESS),
    way(false, "2025-06-18"),
];

const fn way(stdio: bool, version: &'static str) -> Way {
    Way { stdio, version }
}

impl Way {
    fn is_stateless(self) -> bool {
        self.version == STATELESS
    }

    /// What the protocol answers for a resource that is not there.
    fn not_found(self) -> i64 {
        if self.is_stateless() { -32602 } else { -32002 }
    }
}

/// A server as one key sees it.
struct Client {
    server: Server,
    router: Router,
    key: String,
}

impl Client {
    fn new(dispatcher: &Arc<Dispatcher>, key: &str) -> Self {
        let server = crate::http::server(Arc::clone(dispatcher));
        let router = crate::http::router(
            server.clone(),
            Arc::clone(dispatcher),
            true,
            &Options::default(),
        );
        Self {
            server,
            router: router.unwrap(),
            key: key.to_owned(),
        }
    }

    /// The whole answer to one request in a connection of its own.
    async fn ask(&self, way: Way, method: &str, mut params: Value) -> Value {
        if way.is_stateless() {
            params["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!(STATELESS);
            params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
        }
        let message = json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params });
        if way.stdio {
            self.over_stdio(way, &message).await
        } else {
            self.over_http(way, &message, &[]).await
        }
    }

    async fn over_stdio(&self, way: Way, message: &Value) -> Value {
        let credential = Credential::Key(SecretString::from(self.key.clone()));
        let server = self.server.clone().with_credential(credential, None);
        let (ours, theirs) = tokio::io::duplex(1024 * 1024);
        let (reader, writer) = tokio::io::split(theirs);
        let session = stdio::serve_on(server, reader, writer, CancellationToken::new());
        let session = tokio::spawn(session);
        let (answers, mut input) = tokio::io::split(ours);
        let mut answers = BufReader::new(answers).lines();
        let mut turn = async |message: &Value| -> Value {
            let line = format!("{message}\n");
            input.write_all(line.as_bytes()).await.unwrap();
            serde_json::from_str(&answers.next_line().await.unwrap().unwrap()).unwrap()
        };
        if !way.is_stateless() && message["method"] != "initialize" {
            turn(&initialize(way)).await;
        }
        let answer = turn(message).await;
        drop((input, answers));
        session.await.unwrap().unwrap();
        answer
    }

    async fn over_http(&self, way: Way, message: &Value, headers: &[(&str, &str)]) -> Value {
        let mut request = Request::post("/mcp")
            .header("host", "127.0.0.1:8787")
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .header("mcp-protocol-version", way.version);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if way.is_stateless() {
            request = request.header("mcp-method", message["method"].as_str().unwrap());
            if let Some(uri) = message["params"]["uri"].as_str() {
                request = request.header("mcp-name", uri);
            }
        }
        let request = request.body(Body::from(message.to_string())).unwrap();
        let response = self.router.clone().call(request).await.unwrap();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await;
        serde_json::from_slice(&body.unwrap()).unwrap()
    }

    /// What the server declares.
    async fn capabilities(&self, way: Way) -> Value {
        let answer = if way.is_stateless() {
            self.ask(way, "server/discover", json!({})).await
        } else {
            let opening = initialize(way)["params"].clone();
            self.ask(way, "initialize", opening).await
        };
        answer["result"]["capabilities"].clone()
    }

    async fn read(&self, way: Way, uri: &str) -> Value {
        self.ask(way, "resources/read", json!({ "uri": uri })).await
    }

    /// What is in a resource that has to be there: JSON, or the text or bytes of a document as they are sent.
    async fn json(&self, way: Way, uri: &str) -> Value {
        let answer = self.read(way, uri).await;
        let contents = answer["result"]["contents"].as_array();
        let [contents] = contents
            .unwrap_or_else(|| panic!("{uri}: {answer}"))
            .as_slice()
        else {
            panic!("{uri}: {answer}");
        };
        assert_eq!(contents["uri"], uri);
        if contents["mimeType"] == "application/json" {
            serde_json::from_str(contents["text"].as_str().unwrap()).unwrap()
        } else if contents["mimeType"] == "application/xml" {
            contents["text"].clone()
        } else {
            contents["blob"].clone()
        }
    }

    /// The URIs of both lists.
    async fn uris(&self, way: Way) -> Vec<String> {
        let mut uris = Vec::new();
        for (method, list, name) in [
            (LISTS[0], "resources", "uri"),
            (LISTS[1], "resourceTemplates", "uriTemplate"),
        ] {
            let answer = self.ask(way, method, json!({})).await;
            let listed = answer["result"][list].as_array();
            let listed = listed.unwrap_or_else(|| panic!("{method}: {answer}"));
            uris.extend(
                listed
                    .iter()
                    .map(|row| row[name].as_str().unwrap().to_owned()),
            );
        }
        uris
    }
}

fn initialize(way: Way) -> Value {
    let client = json!({ "name": "test", "version": "1" });
    let params =
        json!({ "protocolVersion": way.version, "capabilities": {}, "clientInfo": client });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params })
}

async fn app() -> TestApp {
    TestApp::new(Engine::Sqlite, MODULES).await
}

/// Another server over the same data, as this key sees it.
fn beside(app: &TestApp, selection: &Selection, read_only: bool, key: &str) -> Client {
    let store = app.dispatcher.app().store.clone();
    let registry = Registry::new(MODULES, selection).unwrap();
    let settings = Settings {
        read_only,
        ..Settings::default()
    };
    let dispatcher = Dispatcher::new(store, registry, None, settings).unwrap();
    Client::new(&dispatcher, key)
}

/// An id of each kind of record that a resource is of, by the resource's variable, made with the tools' examples.
async fn ids(app: &TestApp, caller: &Caller) -> BTreeMap<&'static str, String> {
    let mut ids = BTreeMap::new();
    for resource in of_records(&app.dispatcher) {
        if let Some(variable) = variable(resource)
            && !ids.contains_key(variable)
        {
            let tool = format!("create_{variable}");
            let arguments = app.example_arguments(caller, &tool).await.swap_remove(0);
            let made = app.ok(caller, &tool, Value::Object(arguments)).await;
            let id = made["data"]["id"].as_str().unwrap();
            // What has a document has it once it is issued or sent.
            for finish in ["issue", "send"].map(|verb| format!("{verb}_{variable}")) {
                if app.dispatcher.registry().entry(&finish).is_some() {
                    let arguments = json!({ (variable): id, "confirm": true });
                    app.ok(caller, &finish, arguments).await;
                }
            }
            ids.insert(variable, id.to_owned());
        }
    }
    assert!(ids.len() >= 4);
    ids
}

fn variable(resource: &'static Resource) -> Option<&'static str> {
    let (_, rest) = resource.uri.split_once('{')?;
    Some(rest.split_once('}').unwrap().0)
}

fn filled(resource: &'static Resource, ids: &BTreeMap<&'static str, String>) -> String {
    match variable(resource) {
        Some(name) => resource.uri.replace(&format!("{{{name}}}"), &ids[name]),
        None => resource.uri.to_owned(),
    }
}

/// An id of the same kind that nothing ever had.
fn never(id: &str) -> String {
    encode(decode(id).unwrap().0, 1)
}

/// What the resource's tool answers when it is called by its name.
async fn called(
    app: &TestApp,
    caller: &Caller,
    resource: &'static Resource,
    ids: &BTreeMap<&'static str, String>,
) -> Value {
    let mut arguments = json!({});
    for (name, value) in resource.arguments {
        arguments[*name] = json!(value);
    }
    if let Some(name) = variable(resource) {
        arguments[name] = json!(ids[name]);
    }
    let data = app.data(caller, resource.tool, arguments).await;
    match resource.contents {
        Contents::Json => data,
        Contents::Document | Contents::File | Contents::Text(_) => {
            data["document"]["content"].clone()
        }
    }
}

/// The resources that are of one record or of the whole workspace. An export, which is of what was asked for, is read in
/// `exchange`, and what a file holds, which is under the permission of its record too, in `files`.
fn of_records(dispatcher: &Dispatcher) -> impl Iterator<Item = &'static Resource> {
    let all = dispatcher.registry().resources();
    all.filter(|resource| !["export_data", "get_file"].contains(&resource.tool))
}

/// Reads through the kernel, as a server does.
async fn read(
    dispatcher: &Arc<Dispatcher>,
    caller: &Caller,
    uri: &str,
) -> Result<Representation, Error> {
    let (resource, arguments) = dispatcher.registry().resource_for_caller(caller, uri)?;
    resource
        .read(
            dispatcher,
            caller.clone(),
            arguments,
            CancellationToken::new(),
        )
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn resources_and_templates_are_declared_and_listed_whole() {
    let app = app().await;
    let (key, _) = app.key(&["full"]).await;
    let client = Client::new(&app.dispatcher, &key);
    for way in WAYS {
        let declared = client.capabilities(way).await;
        // Over HTTP a client of the older protocol can be told of nothing between its requests.
        let told = match way.stdio || way.version == "2026-07-28" {
            true => json!({ "subscribe": true }),
            false => json!({}),
        };
        assert_eq!(declared["resources"], told, "{way:?}: {declared}");
        for uri in [
            "bureau://pipeline/templates",
            "bureau://team/members",
            "bureau://workspace/context",
            "bureau://activities/{activity}",
            "bureau://companies/{company}",
            "bureau://contacts/{contact}",
            "bureau://deals/{deal}",
        ] {
            let listed = client.uris(way).await;
            assert!(listed.iter().any(|known| known == uri), "{way:?}: {uri}");
        }
        for method in LISTS {
            let result = client.ask(way, method, json!({})).await["result"].clone();
            assert_eq!(result["cacheScope"], "private", "{way:?} {method}");
            assert!(result["ttlMs"].as_u64().unwrap() > 0, "{way:?} {method}");
            let list = result["resources"].as_array();
            let list = list.or(result["resourceTemplates"].as_array()).unwrap();
            for row in list {
                for field in ["name", "title", "description", "mimeType"] {
                    assert!(row[field].as_str().is_some_and(|text| !text.is_empty()));
                }
            }
            let paged = client.ask(way, method, json!({ "cursor": "x" })).await;
            assert_eq!(paged["error"]["code"], -32602, "{way:?} {method}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_holds_what_its_tool_answers_and_no_copy_of_it_is_fresh() {
    let app = app().await;
    let ids = ids(&app, &app.owner().await).await;
    let (key, caller) = app.key(&["full"]).await;
    let client = Client::new(&app.dispatcher, &key);
    for way in WAYS {
        for resource in of_records(&app.dispatcher) {
            let uri = filled(resource, &ids);
            let answer = called(&app, &caller, resource, &ids).await;
            assert_eq!(client.json(way, &uri).await, answer, "{way:?} {uri}");
        }
        let result = client.read(way, "bureau://workspace/context").await["result"].clone();
        assert_eq!(
            (&result["cacheScope"], &result["ttlMs"]),
            (&json!("private"), &json!(0)),
            "{way:?}"
        );
        let contact = &ids["contact"];
        let encoded = format!("bureau://contacts/{}", contact.replace('_', "%5F"));
        assert_eq!(client.json(way, &encoded).await["id"], **contact, "{way:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_that_is_a_list_is_read_to_its_end() {
    let app = app().await;
    for number in 0..120 {
        let member = NewMember {
            name: format!("Member {number}"),
            email: None,
            title: None,
            role: Role::Viewer,
        };
        let store = &app.dispatcher.app().store;
        admin::add_member(store, "main", member).await.unwrap();
    }
    let (key, _) = app.key(&["full"]).await;
    let client = Client::new(&app.dispatcher, &key);
    let members = client.json(WAYS[0], "bureau://team/members").await;
    let mut ids: Vec<&str> = members
        .as_array()
        .unwrap()
        .iter()
        .map(|member| member["id"].as_str().unwrap())
        .collect();
    ids.dedup();
    assert_eq!(ids.len(), 121);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_call_the_tool_neither_lists_nor_reads_the_resource() {
    let app = app().await;
    let ids = ids(&app, &app.owner().await).await;
    let known = app.dispatcher.registry().permissions();
    for resource in of_records(&app.dispatcher) {
        let entry = app.dispatcher.registry().entry(resource.tool).unwrap();
        let permission = entry.spec.permission.name();
        let others: Vec<&str> = known.iter().copied().filter(|p| *p != permission).collect();
        let uri = filled(resource, &ids);
        for (grants, may) in [(vec![permission], true), (others, false)] {
            let (key, _) = app.key(&grants).await;
            let client = Client::new(&app.dispatcher, &key);
            for way in WAYS {
                let listed = client.uris(way).await;
                let listed = listed.iter().any(|uri| uri == resource.uri);
                assert_eq!(listed, may, "{way:?} {uri}");
                let answer = client.read(way, &uri).await;
                if may {
                    assert!(answer.get("result").is_some(), "{way:?} {answer}");
                    continue;
                }
                // Nothing tells it from a resource that there never was.
                let never = client.read(way, "bureau://never/was").await;
                let masked = answer.to_string().replace(&uri, "bureau://never/was");
                assert_eq!(masked, never.to_string(), "{way:?}");
                assert_eq!(answer["error"]["code"], way.not_found(), "{way:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_an_error_of_the_protocol_that_says_why() {
    let app = app().await;
    let owner = app.owner().await;
    let ids = ids(&app, &owner).await;
    let gone = json!({ "contact": ids["contact"], "confirm": true });
    app.ok(&owner, "delete_contact", gone).await;
    let (key, _) = app.key(&["full"]).await;
    let client = Client::new(&app.dispatcher, &key);
    for way in WAYS {
        for (uri, code, kind, field) in [
            (
                "bureau://nothing/here".into(),
                way.not_found(),
                Code::NotFound,
                None,
            ),
            (
                "bureau://contacts".into(),
                way.not_found(),
                Code::NotFound,
                None,
            ),
            (
                "https://example.com/".into(),
                way.not_found(),
                Code::NotFound,
                None,
            ),
            ("not a uri".into(), way.not_found(), Code::NotFound, None),
            (
                format!("bureau://contacts/{}", ids["contact"]),
                way.not_found(),
                Code::NotFound,
                Some("contact"),
            ),
            (
                format!("bureau://deals/{}", never(&ids["deal"])),
                way.not_found(),
                Code::NotFound,
                Some("deal"),
            ),
            (
                "bureau://contacts/con_ada".into(),
                -32602,
                Code::Validation,
                Some("contact"),
            ),
            (
                "bureau://contacts/ada".into(),
                way.not_found(),
                Code::NotFound,
                Some("contact"),
            ),
            (
                "bureau://contacts/%00%27--".into(),
                way.not_found(),
                Code::NotFound,
                Some("contact"),
            ),
            (
                format!("bureau://contacts/{}", ids["deal"]),
                -32602,
                Code::Validation,
                Some("contact"),
            ),
        ] {
            let error = client.read(way, &uri).await["error"].clone();
            assert_eq!(error["code"], code, "{way:?} {uri}: {error}");
            assert_eq!(error["data"]["uri"], *uri, "{way:?}");
            let ours = &error["data"]["error"];
            assert_eq!(ours["code"], kind.as_str(), "{way:?} {uri}");
            assert_eq!(ours["message"], error["message"], "{way:?} {uri}");
            assert_eq!(ours["field"].as_str(), field, "{way:?} {uri}");
        }
        for params in [json!({}), json!({ "uri": 5 })] {
            let error = client.ask(way, "resources/read", params).await["error"].clone();
            assert_eq!(error["code"], -32602, "{way:?} {error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_another_workspace_is_in_any_resource() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let (ours, theirs) = (app.tenant("ours").await, app.tenant("zanzibar").await);
        let store = &app.dispatcher.app().store;
        let member = NewMember {
            name: "Zanzibar".into(),
            email: None,
            title: None,
            role: Role::Member,
        };
        admin::add_member(store, "zanzibar", member).await.unwrap();
        let dispatcher = json!({ "name": "Zanzibar", "stages": ["Open", "Shut"] });
        app.ok(&theirs, "create_pipeline", dispatcher).await;
        let their_ids = ids(&app, &theirs).await;
        for resource in of_records(&app.dispatcher) {
            let uri = filled(resource, &their_ids);
            let seen = read(&app.dispatcher, &theirs, &uri).await;
            assert!(seen.is_ok(), "{engine:?} {uri}: {seen:?}");
            let seen = read(&app.dispatcher, &ours, &uri).await;
            let Some(variable) = variable(resource) else {
                let text = format!("{:?}", seen.unwrap()).to_lowercase();
                assert!(!text.contains("zanzibar"), "{engine:?} {uri}: {text}");
                continue;
            };
            // A record of theirs is answered like one that never was.
            let id = &their_ids[variable];
            let never = never(id);
            let error = seen.unwrap_err();
            assert_eq!(error.code(), Code::NotFound, "{engine:?} {uri}");
            let other = read(&app.dispatcher, &ours, &uri.replace(id, &never)).await;
            let other = other.unwrap_err().to_json().to_string();
            assert_eq!(
                error.to_json().to_string(),
                other.replace(&never, id),
                "{engine:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_switched_on_is_there() {
    let app = app().await;
    let ids = ids(&app, &app.owner().await).await;
    let (key, _) = app.key(&["full"]).await;
    let select = |features: &[&str], without: &[&str]| Selection {
        features: features.iter().copied().map(str::to_owned).collect(),
        tools: None,
        exclude_tools: without.iter().copied().map(str::to_owned).collect(),
    };
    let contact = format!("bureau://contacts/{}", ids["contact"]);
    let company = format!("bureau://companies/{}", ids["company"]);
    let some = select(&["contacts", "history"], &[]);
    let some = beside(&app, &some, false, &key);
    let without = select(&["contacts", "companies"], &["get_contact"]);
    let without = beside(&app, &without, false, &key);
    let none = beside(&app, &select(&["history"], &[]), false, &key);
    for way in WAYS {
        assert_eq!(some.uris(way).await, ["bureau://contacts/{contact}"]);
        some.json(way, &contact).await;
        let refused = some.read(way, &company).await;
        assert_eq!(refused["error"]["code"], way.not_found(), "{refused}");

        assert_eq!(without.uris(way).await, ["bureau://companies/{company}"]);
        let refused = without.read(way, &contact).await;
        assert_eq!(refused["error"]["code"], way.not_found(), "{refused}");

        // Where nothing is a resource, none are declared and there is no method to ask for them.
        let declared = none.capabilities(way).await;
        assert!(declared.get("tools").is_some() && declared.get("resources").is_none());
        for (method, params) in [
            (LISTS[0], json!({})),
            (LISTS[1], json!({})),
            ("resources/read", json!({ "uri": contact })),
        ] {
            let refused = none.ask(way, method, params).await;
            assert_eq!(refused["error"]["code"], -32601, "{way:?} {refused}");
        }
    }
    // A request may narrow what it sees.
    let client = Client::new(&app.dispatcher, &key);
    let list = json!({ "jsonrpc": "2.0", "id": 1, "method": LISTS[1], "params": {} });
    let narrow = [("x-bureau-features", "deals")];
    let answer = client.over_http(WAYS[3], &list, &narrow).await;
    let templates = answer["result"]["resourceTemplates"].as_array().unwrap();
    assert_eq!(templates.len(), 1, "{answer}");
    assert_eq!(templates[0]["uriTemplate"], "bureau://deals/{deal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_server_and_a_key_that_only_reads_serve_all_resources() {
    let app = app().await;
    let ids = ids(&app, &app.owner().await).await;
    let all = Selection {
        features: vec!["all".into()],
        ..Selection::default()
    };
    let (key, _) = app.key(&["read-only"]).await;
    let client = beside(&app, &all, true, &key);
    let every: Vec<&'static Resource> = of_records(&app.dispatcher).collect();
    let count = app.dispatcher.registry().resources().count();
    for way in WAYS {
        assert_eq!(client.uris(way).await.len(), count);
        for resource in &every {
            client.json(way, &filled(resource, &ids)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_counts_as_a_call_of_its_key() {
    let app = app().await;
    let new = NewKey {
        name: "few".into(),
        grants: Grants::Everything,
        workspaces: vec!["main".into()],
        member: None,
        expires_at: None,
        confirm: None,
        calls_per_hour: Some(1),
    };
    let store = &app.dispatcher.app().store;
    let (key, _) = admin::create_key(store, new).await.unwrap();
    let client = Client::new(&app.dispatcher, &key);
    client.json(WAYS[0], "bureau://workspace/context").await;
    for way in WAYS {
        let error = client.read(way, "bureau://workspace/context").await["error"].clone();
        assert_eq!(error["code"], -32600, "{way:?} {error}");
        assert_eq!(error["data"]["error"]["code"], "RATE_LIMITED", "{way:?}");
        assert!(error["data"]["error"]["retry_after_s"].is_u64(), "{way:?}");
    }
}

#[test]
fn every_record_that_a_tool_reads_by_its_id_is_a_resource() {
    let registry = registry();
    for record in registry.records().all() {
        let noun = record.noun();
        let Some(entry) = registry.entry(&format!("get_{noun}")) else {
            continue;
        };
        let is_read_by_id =
            |resource: &&Resource| resource.tool == entry.spec.name && resource.is_template();
        assert!(registry.resources().any(|r| is_read_by_id(&r)), "{noun}");
    }
}

#[test]
fn resources_are_named_and_described_briefly() {
    for resource in registry().resources() {
        let Resource {
            uri, name, about, ..
        } = resource;
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        assert!(!name.is_empty() && name.bytes().all(plain), "{uri}");
        assert!(uri.starts_with("bureau://"), "{uri}");
        assert!(about.len() <= 80 && about.ends_with('.'), "{uri}");
        assert!(!resource.title.is_empty(), "{uri}");
    }
}

const READ_PAPERS: Permission = Permission::new("read_papers");
const CREATE_PAPERS: Permission = Permission::new("create_papers");

/// Answers a document, as an invoice does.
#[derive(Deserialize, JsonSchema)]
struct GetPaper {
    paper: String,
    document: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct Paper {
    document: Option<BTreeMap<&'static str, String>>,
}

impl Tool for GetPaper {
    const SPEC: Spec = Spec::reads("get_paper", READ_PAPERS)
        .title("Get paper")
        .about("Get a paper.");
    const EXAMPLES: &'static [Example] = &[];
    type Output = Paper;

    async fn call(self, _: &mut Cx) -> Result<Paper, Error> {
        let (content, mime_type) = match self.document.as_deref() {
            Some("pdf") => ("JVBERi0xLjcK".to_owned(), "application/pdf"),
            Some("xml") => (format!("<paper>{}</paper>", self.paper), "application/xml"),
            _ => return Ok(Paper { document: None }),
        };
        let name = format!("{}.pdf", self.paper);
        let fields = [
            ("content", content),
            ("mime_type", mime_type.to_owned()),
            ("name", name),
        ];
        Ok(Paper {
            document: Some(fields.into()),
        })
    }
}

/// Writes, so it is nothing to read.
#[derive(Deserialize, JsonSchema)]
struct CreatePaper {}

impl Tool for CreatePaper {
    const SPEC: Spec = Spec::adds("create_paper", CREATE_PAPERS)
        .title("Create paper")
        .about("Create a paper.");
    const EXAMPLES: &'static [Example] = &[];
    type Output = Paper;

    async fn call(self, _: &mut Cx) -> Result<Paper, Error> {
        Ok(Paper { document: None })
    }
}

const PAPER: Resource = Resource {
    uri: "papers://{paper}",
    name: "paper",
    title: "Paper",
    about: "A paper.",
    tool: "get_paper",
    ..Resource::JSON
};

const PAPERS: Module = Module {
    name: "papers",
    tools: &[tool::<CreatePaper>, tool::<GetPaper>],
    resources: &[
        Resource {
            uri: "papers://{paper}/pdf",
            name: "paper_pdf",
            mime_type: "application/pdf",
            arguments: &[("document", "pdf")],
            contents: Contents::Document,
            ..PAPER
        },
        Resource {
            uri: "papers://{paper}/xml",
            name: "paper_xml",
            mime_type: "application/xml",
            arguments: &[("document", "xml")],
            contents: Contents::Document,
            ..PAPER
        },
        Resource {
            uri: "papers://{paper}/none",
            name: "paper_none",
            contents: Contents::Document,
            ..PAPER
        },
    ],
    ..Module::EMPTY
};

#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_read_as_what_it_is() {
    let app = TestApp::new(Engine::Sqlite, &[PAPERS]).await;
    let (key, _) = app.key(&["full"]).await;
    let client = Client::new(&app.dispatcher, &key);
    for way in WAYS {
        let pdf = client.read(way, "papers://A-1/pdf").await["result"]["contents"].clone();
        let wanted = json!([{ "uri": "papers://A-1/pdf", "mimeType": "application/pdf", "blob": "JVBERi0xLjcK" }]);
        assert_eq!(pdf, wanted, "{way:?}");
        let xml = client.read(way, "papers://B%2F2/xml").await["result"]["contents"].clone();
        let wanted = json!([{ "uri": "papers://B%2F2/xml", "mimeType": "application/xml", "text": "<paper>B/2</paper>" }]);
        assert_eq!(xml, wanted, "{way:?}");
        // A tool that answers no document where one is promised is a fault of ours, of which nothing is said.
        let none = client.read(way, "papers://A-1/none").await["error"].clone();
        assert_eq!(none["code"], -32603, "{way:?} {none}");
        assert_eq!(none["data"]["error"]["code"], "INTERNAL_ERROR", "{way:?}");
    }
}

#[test]
fn a_resource_that_is_no_call_of_its_modules_tools_stops_the_start() {
    const WRITES: &[Resource] = &[Resource {
        tool: "create_paper",
        uri: "papers://new",
        ..PAPER
    }];
    const NO_TOOL: &[Resource] = &[Resource {
        tool: "get_contact",
        uri: "papers://{contact}",
        ..PAPER
    }];
    const NO_VARIABLE: &[Resource] = &[Resource {
        uri: "papers://{sheet}",
        ..PAPER
    }];
    const NO_CONSTANT: &[Resource] = &[Resource {
        arguments: &[("sheet", "1")],
        ..PAPER
    }];
    const SAME_URI: &[Resource] = &[
        PAPER,
        Resource {
            name: "other",
            uri: "papers://first",
            ..PAPER
        },
    ];
    const SAME_NAME: &[Resource] = &[
        PAPER,
        Resource {
            uri: "sheets://{paper}/x",
            ..PAPER
        },
    ];
    let with = |resources| {
        let papers = Module {
            resources,
            ..PAPERS
        };
        let modules = [MODULES, &[papers]].concat();
        Registry::new(&modules, &Selection::default())
    };
    assert!(with(&[PAPER]).unwrap().check_arguments().is_ok());
    for resources in [WRITES, NO_TOOL, SAME_URI, SAME_NAME] {
        let error = with(resources).map(drop).unwrap_err();
        assert_eq!(error.code(), Code::Internal, "{resources:?}");
    }
    for resources in [NO_VARIABLE, NO_CONSTANT] {
        let error = with(resources).unwrap().check_arguments().unwrap_err();
        assert_eq!(error.code(), Code::Internal, "{resources:?}");
    }
}
