//! What a person is asked about, what their answer is bound to, and the way of a call around it: whose answer counts, what is
//! refused before anything is waited for, what one caller may take of what all share.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bureau_kernel::admin::{self, NewKey};
use bureau_kernel::caller::{Caller, ConfirmPolicy};
use bureau_kernel::dispatch::{Call, Held, Outcome, Settings};
use bureau_kernel::error::{Code, Error};
use bureau_kernel::permission::{Grants, Permission};
use bureau_kernel::prelude::{Cx, Example, Module, Spec, Tool, tool};
use bureau_kernel::store::{Scope, sql};
use bureau_kernel::testing::{ENGINES, TestApp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use crate::MODULES;
use crate::campaign::HANG;

async fn rows_of_log(app: &TestApp) -> i64 {
    let rows = sql("SELECT COUNT(*) AS rows FROM change_log");
    app.rows(rows).await[0].get("rows").unwrap()
}

async fn change(app: &TestApp, statement: &'static str) {
    assert!(app.run(sql(statement)).await > 0, "{statement}");
}

/// A call of a client that shows forms, with the answer to an earlier question or without.
fn shown(tool: &str, arguments: &Value, token: Option<String>) -> Call {
    Call {
        tool: tool.into(),
        arguments: arguments.as_object().cloned().unwrap(),
        can_ask: true,
        confirm_token: token,
        ..Call::default()
    }
}

async fn asked(app: &TestApp, caller: &Caller, call: Call) -> (String, String) {
    let what = format!("{} {:?}", call.tool, call.arguments);
    match app.dispatcher.call(caller.clone(), call).await {
        Outcome::Ask { message, token } => (message, token),
        other => panic!("{what} does not ask: {other:?}"),
    }
}

async fn done(app: &TestApp, caller: &Caller, call: Call) -> Value {
    let what = format!("{} {:?}", call.tool, call.arguments);
    match app.dispatcher.call(caller.clone(), call).await {
        Outcome::Done(answer) => answer,
        other => panic!("{what}: {other:?}"),
    }
}

async fn failed(app: &TestApp, caller: &Caller, call: Call) -> Error {
    let what = format!("{} {:?}", call.tool, call.arguments);
    match app.dispatcher.call(caller.clone(), call).await {
        Outcome::Failed(error) => error,
        other => panic!("{what} does not fail: {other:?}"),
    }
}

/// What stands in a workspace before anything is asked about.
struct Desk {
    app: TestApp,
    owner: Caller,
}

impl Desk {
    async fn new(engine: bureau_kernel::testing::Engine) -> Self {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        Self { app, owner }
    }

    /// Makes something; its answer.
    async fn make(&self, tool: &str, arguments: Value) -> Value {
        self.app.ok(&self.owner, tool, arguments).await
    }

    async fn contact(&self, name: &str) -> Value {
        let arguments = json!({"name": name, "on_duplicate": "create"});
        self.make("create_contact", arguments).await
    }

    async fn company(&self) -> Value {
        let arguments = json!({"name": "Acme", "street": "1 Main St", "city": "Berlin", "country": "DE", "on_duplicate": "create"});
        self.make("create_company", arguments).await["data"]["id"].clone()
    }

    async fn draft(&self, price: &str) -> Value {
        let arguments =
            json!({"company": self.company().await, "currency": "EUR", "lines": lines(price)});
        self.make("create_invoice", arguments).await["data"]["id"].clone()
    }

    async fn offer(&self) -> Value {
        let arguments = json!({"title": "Fence", "company": self.company().await, "currency": "EUR", "lines": lines("100")});
        self.make("create_quotation", arguments).await["data"]["id"].clone()
    }

    async fn sent_offer(&self) -> Value {
        let offer = self.offer().await;
        let send = json!({"quotation": offer, "confirm": true});
        self.make("send_quotation", send).await;
        offer
    }

    fn plan_of(company: &Value, more: &Value) -> Value {
        let mut plan = json!({"name": "Hosting", "company": company, "currency": "EUR", "starts_on": "2199-01-31", "lines": lines("500")});
        let more = more.as_object().cloned().unwrap();
        plan.as_object_mut().unwrap().extend(more);
        plan
    }

    async fn plan(&self, more: &Value) -> Value {
        let arguments = Self::plan_of(&self.company().await, more);
        self.make("create_recurring_invoice", arguments).await["data"]["id"].clone()
    }
}

fn lines(price: &str) -> Value {
    json!([{"description": "Work", "unit_price": price, "tax_rate": "19"}])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_asked_about_what_a_call_does_whatever_its_tool_is_called() {
    for engine in ENGINES {
        let desk = Desk::new(engine).await;
        let (one, two) = (
            desk.contact("Ada King").await,
            desk.contact("Alan Turing").await,
        );
        let kept = desk.contact("Grace Hopper").await;
        let id = |made: &Value| made["data"]["id"].clone();
        let update = json!({"contact": id(&kept), "city": "London"});
        let updated = desk.make("update_contact", update).await;
        let gone = desk.contact("Gone Soon").await;
        let delete = json!({"contact": id(&gone), "confirm": true});
        let deleted = desk.make("delete_contact", delete).await;
        let stages =
            json!({"name": "Partners", "stages": [{"name": "Talk"}, {"name": "Contract"}]});
        let dispatcher = desk.make("create_pipeline", stages).await;
        let stage = |index: usize| json!({"stage": dispatcher["data"]["stages"][index]["id"]});
        let revised = desk.sent_offer().await;
        desk.make(
            "update_quotation",
            json!({"quotation": revised, "discount": "10%"}),
        )
        .await;
        let company = desk.company().await;
        let auto = desk
            .plan(&json!({"auto_issue": true, "confirm": true}))
            .await;
        let paused = desk
            .plan(&json!({"auto_issue": true, "confirm": true}))
            .await;
        desk.make(
            "update_recurring_invoice",
            json!({"recurring_invoice": paused, "status": "paused"}),
        )
        .await;
        let plain = desk.plan(&json!({})).await;
        // Days for which invoices would be issued at once.
        let earlier = (desk.app.store().clock().now() - chrono::Duration::days(90)).date_naive();
        // What is asked about, with what the question has to say, and what is not.
        let calls = [
            ("undo_change", json!({"change": updated["change"]}), None),
            ("undo_change", json!({"change": deleted["change"]}), None),
            (
                "undo_change",
                json!({"change": two["change"]}),
                Some("Alan Turing"),
            ),
            (
                "merge_contacts",
                json!({"keep": id(&one), "merge": [id(&kept)]}),
                Some("Grace Hopper"),
            ),
            (
                "update_invoice",
                json!({"invoice": desk.draft("10").await, "reference": "PO 1"}),
                None,
            ),
            (
                "update_invoice",
                json!({"invoice": desk.draft("10").await, "discard": true}),
                Some("delete"),
            ),
            (
                "issue_invoice",
                json!({"invoice": desk.draft("1000").await}),
                Some("1190.00 EUR"),
            ),
            (
                "update_quotation",
                json!({"quotation": desk.offer().await, "discount": "5%"}),
                None,
            ),
            (
                "update_quotation",
                json!({"quotation": desk.offer().await, "discard": true}),
                Some("delete"),
            ),
            (
                "update_quotation",
                json!({"quotation": revised, "discard": true}),
                Some("new version"),
            ),
            (
                "send_quotation",
                json!({"quotation": desk.offer().await}),
                Some("119.00 EUR"),
            ),
            (
                "update_pipeline",
                json!({"pipeline": id(&dispatcher), "name": "Resellers"}),
                None,
            ),
            (
                "update_pipeline",
                json!({"pipeline": id(&dispatcher), "stages": [stage(0), stage(2), stage(3)]}),
                Some("Contract"),
            ),
            (
                "create_recurring_invoice",
                Desk::plan_of(&company, &json!({})),
                None,
            ),
            (
                "create_recurring_invoice",
                Desk::plan_of(&company, &json!({"auto_issue": true})),
                Some("595.00 EUR"),
            ),
            (
                "update_recurring_invoice",
                json!({"recurring_invoice": plain, "lines": lines("600")}),
                None,
            ),
            (
                "update_recurring_invoice",
                json!({"recurring_invoice": plain, "auto_issue": true}),
                Some("714.00 EUR"),
            ),
            (
                "update_recurring_invoice",
                json!({"recurring_invoice": auto, "name": "Other"}),
                None,
            ),
            (
                "update_recurring_invoice",
                json!({"recurring_invoice": auto, "lines": lines("9999")}),
                Some("11898.81 EUR"),
            ),
            (
                "update_recurring_invoice",
                json!({"recurring_invoice": auto, "starts_on": earlier}),
                Some("have invoices issued by"),
            ),
            (
                "update_recurring_invoice",
                json!({"recurring_invoice": auto, "status": "paused"}),
                None,
            ),
            (
                "update_recurring_invoice",
                json!({"recurring_invoice": paused, "status": "active"}),
                Some("595.00 EUR"),
            ),
        ];
        for (tool, arguments, asks) in calls {
            let what = format!("{tool} {arguments} on {engine:?}");
            let rows = rows_of_log(&desk.app).await;
            let outcome = desk.app.outcome(&desk.owner, tool, arguments.clone()).await;
            let Some(said) = asks else {
                assert!(matches!(outcome, Outcome::Done(_)), "{what}: {outcome:?}");
                continue;
            };
            let Outcome::Failed(error) = outcome else {
                panic!("{what} does not ask: {outcome:?}");
            };
            assert_eq!(
                error.code(),
                Code::ConfirmationRequired,
                "{what}: {error:?}"
            );
            assert!(error.message().contains(said), "{what}: {error:?}");
            assert_eq!(rows_of_log(&desk.app).await, rows, "{what} wrote");
            let entry = desk.app.dispatcher.registry().entry(tool).unwrap();
            let declared = &entry.wire().input_schema["properties"]["confirm"];
            assert_eq!(
                declared["type"], "boolean",
                "{tool} does not declare confirm"
            );
            let (_, token) = asked(&desk.app, &desk.owner, shown(tool, &arguments, None)).await;
            done(&desk.app, &desk.owner, shown(tool, &arguments, Some(token))).await;
            assert!(rows_of_log(&desk.app).await > rows, "{what} wrote nothing");
        }
    }
}

/// Every example of every tool: where one asks, its tool declares that it may.
#[tokio::test(flavor = "multi_thread")]
async fn a_tool_that_asks_declares_the_flag_that_answers() {
    let app = TestApp::new(ENGINES[0], MODULES).await;
    let mut asking = 0;
    for entry in app.dispatcher.registry().entries() {
        let name = entry.spec.name;
        let caller = app.tenant(&name.replace('_', "-")).await;
        for mut arguments in app.example_arguments(&caller, name).await {
            arguments.shift_remove("confirm");
            let outcome = app.outcome(&caller, name, Value::Object(arguments)).await;
            let asks = matches!(&outcome, Outcome::Failed(error) if error.code() == Code::ConfirmationRequired);
            asking += usize::from(asks);
            assert!(!asks || entry.spec.asks(), "{name} asks");
        }
    }
    assert!(asking > 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_about_many_records_says_how_many_and_what_they_come_to() {
    let settings = Settings {
        confirm: ConfirmPolicy::Writes,
        ..Settings::default()
    };
    let app = TestApp::with(ENGINES[0], MODULES, settings).await;
    let owner = app.owner().await;
    let mut ids = Vec::new();
    for index in 0..15 {
        let arguments =
            json!({"name": format!("Number {index}"), "confirm": true, "on_duplicate": "create"});
        ids.push(app.ok(&owner, "create_contact", arguments).await["data"]["id"].clone());
    }
    let arguments = json!({"keep": ids[0], "merge": ids[1..]});
    let (message, _) = asked(&app, &owner, shown("merge_contacts", &arguments, None)).await;
    assert!(
        message.contains("delete (restorable) 14 × contact"),
        "{message}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_counts_for_the_versions_that_were_shown() {
    for engine in ENGINES {
        let desk = Desk::new(engine).await;
        let (app, owner) = (&desk.app, &desk.owner);
        let (invoice, other) = (desk.draft("100").await, desk.draft("7").await);
        let issue = json!({"invoice": invoice});
        let (message, token) = asked(app, owner, shown("issue_invoice", &issue, None)).await;
        assert!(message.contains("119.00 EUR"), "{message}");
        // What has nothing to do with it makes no difference; what was shown does.
        desk.make(
            "update_invoice",
            json!({"invoice": other, "reference": "PO 7"}),
        )
        .await;
        desk.make(
            "update_invoice",
            json!({"invoice": invoice, "lines": lines("10000")}),
        )
        .await;
        let rows = rows_of_log(app).await;
        let (message, fresh) = asked(
            app,
            owner,
            shown("issue_invoice", &issue, Some(token.clone())),
        )
        .await;
        assert!(
            message.contains("changed") && message.contains("11900.00 EUR"),
            "{message}"
        );
        assert_eq!(rows_of_log(app).await, rows, "{engine:?}");
        let error = failed(app, owner, shown("issue_invoice", &issue, Some(token))).await;
        assert_eq!(error.field_name(), Some("confirm_token"), "{error:?}");
        desk.make(
            "update_invoice",
            json!({"invoice": other, "reference": "PO 8"}),
        )
        .await;
        let issued = done(app, owner, shown("issue_invoice", &issue, Some(fresh))).await;
        assert_eq!(issued["data"]["gross_total"], "11900.00", "{engine:?}");

        // The same for a client that passes tokens on.
        let (keep, merge) = (
            desk.contact("Ada King").await,
            desk.contact("Ada Lovelace").await,
        );
        let mut arguments = json!({"keep": keep["data"]["id"], "merge": [merge["data"]["id"]]});
        let error = app.error(owner, "merge_contacts", arguments.clone()).await;
        arguments["confirm_token"] = error.detail_value("confirm_token").unwrap().clone();
        desk.make(
            "update_contact",
            json!({"contact": merge["data"]["id"], "city": "London"}),
        )
        .await;
        let rows = rows_of_log(app).await;
        let error = app.error(owner, "merge_contacts", arguments.clone()).await;
        assert_eq!(
            error.code(),
            Code::ConfirmationRequired,
            "{engine:?}: {error:?}"
        );
        assert_eq!(rows_of_log(app).await, rows, "{engine:?}");
        arguments["confirm_token"] = error.detail_value("confirm_token").unwrap().clone();
        app.ok(owner, "merge_contacts", arguments).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_of_someone_who_may_no_longer_call_counts_for_nothing() {
    for engine in ENGINES {
        for (what, statement, code) in [
            (
                "revoked",
                "UPDATE api_key SET revoked_at = created_at",
                Code::Unauthorized,
            ),
            (
                "expired",
                "UPDATE api_key SET expires_at = created_at",
                Code::Unauthorized,
            ),
            (
                "narrowed",
                "UPDATE api_key SET permissions = '[\"read_contacts\"]'",
                Code::NotFound,
            ),
            (
                "demoted",
                "UPDATE member SET role = 'viewer'",
                Code::NotFound,
            ),
            (
                "removed",
                "UPDATE member SET archived_at = created_at",
                Code::Unauthorized,
            ),
        ] {
            let desk = Desk::new(engine).await;
            let contact = desk.contact("Ada King").await["data"]["id"].clone();
            let (_, caller) = desk.app.key(&["full"]).await;
            let delete = json!({"contact": contact});
            let question = shown("delete_contact", &delete, None);
            let (_, token) = asked(&desk.app, &caller, question).await;
            let rows = rows_of_log(&desk.app).await;
            change(&desk.app, statement).await;
            let answer = shown("delete_contact", &delete, Some(token));
            let error = failed(&desk.app, &caller, answer).await;
            assert_eq!(error.code(), code, "{what} on {engine:?}: {error:?}");
            assert_eq!(rows_of_log(&desk.app).await, rows, "{what} on {engine:?}");
        }
        // What a request forgave stays forgone.
        let desk = Desk::new(engine).await;
        let contact = desk.contact("Ada King").await["data"]["id"].clone();
        let (_, caller) = desk.app.key(&["full"]).await;
        let delete = json!({"contact": contact});
        let (_, token) = asked(&desk.app, &caller, shown("delete_contact", &delete, None)).await;
        let narrowed = caller.narrow(None, true).unwrap();
        let error = failed(
            &desk.app,
            &narrowed,
            shown("delete_contact", &delete, Some(token)),
        )
        .await;
        assert_eq!(error.code(), Code::ReadOnly, "{engine:?}: {error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_cannot_be_read_waits_for_nobody() {
    for engine in ENGINES {
        let desk = Desk::new(engine).await;
        let company = desk.company().await;
        let offer = desk.offer().await;
        let invoice = desk.draft("1").await;
        let store = &desk.app.dispatcher.app().store;
        let scope = Scope::Workspace(desk.owner.workspace.id.raw());
        let writer = store.write(scope).await.unwrap();
        let bad_lines = json!([{"description": "Work", "unit_price": "1"}, {"description": "Work", "unit_price": "much"}]);
        for (tool, arguments, field) in [
            (
                "create_contact",
                json!({"name": "Ada", "nmae": "x"}),
                "nmae",
            ),
            (
                "create_contact",
                json!({"name": "Ada", "score": "many"}),
                "score",
            ),
            (
                "create_contact",
                json!({"name": "Ada", "score": 5000}),
                "score",
            ),
            (
                "create_contact",
                json!({"name": "Ada", "emails": ["no address"]}),
                "emails[0].email",
            ),
            (
                "create_contact",
                json!({"name": "Ada", "fields": [""]}),
                "fields",
            ),
            (
                "create_contact",
                json!({"name": "Ada", "version": 1}),
                "version",
            ),
            (
                "update_contact",
                json!({"contact": "con_1", "city": "x"}),
                "contact",
            ),
            (
                "update_company",
                json!({"company": company, "clear": ["nothing"]}),
                "clear[0]",
            ),
            (
                "update_company",
                json!({"company": company, "email": "nobody"}),
                "email",
            ),
            (
                "update_quotation",
                json!({"quotation": offer, "lines": bad_lines}),
                "lines[1].unit_price",
            ),
            (
                "create_quotation",
                json!({"title": "x", "company": company, "lines": [{"unit": 7, "prize": 1}]}),
                "lines[0].prize",
            ),
            (
                "record_payment",
                json!({"allocations": [{"invoice": invoice, "amount": "x"}]}),
                "allocations[0].amount",
            ),
        ] {
            let error = timeout(HANG, desk.app.error(&desk.owner, tool, arguments.clone()));
            let error = error.await.expect("it does not wait for the writer");
            let found = (error.code(), error.field_name());
            assert_eq!(
                found,
                (Code::Validation, Some(field)),
                "{tool} {arguments}: {error:?}"
            );
        }
        writer.rollback().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_client_is_gone_while_it_waits_is_not_begun() {
    for engine in ENGINES {
        let desk = Desk::new(engine).await;
        let rows = rows_of_log(&desk.app).await;
        let store = &desk.app.dispatcher.app().store;
        let scope = Scope::Workspace(desk.owner.workspace.id.raw());
        // SQLite has one writer; on PostgreSQL a call waits for another one with its key.
        let mut writer = store.write(scope).await.unwrap();
        let actor = desk.owner.actor();
        writer
            .serialize(&format!("receipt {actor} gone"))
            .await
            .unwrap();
        let cancel = CancellationToken::new();
        let call = Call {
            tool: "create_contact".into(),
            arguments: json!({"name": "Never"}).as_object().cloned().unwrap(),
            idempotency_key: Some("gone".into()),
            cancel: cancel.clone(),
            ..Call::default()
        };
        let (dispatcher, owner) = (Arc::clone(&desk.app.dispatcher), desk.owner.clone());
        let waiting = tokio::spawn(async move { dispatcher.call(owner, call).await });
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!waiting.is_finished(), "{engine:?}");
        cancel.cancel();
        if engine == bureau_kernel::testing::Engine::Postgres {
            writer.rollback().await;
        } else {
            // It gives its place up at once.
            while !waiting.is_finished() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            writer.rollback().await;
        }
        let outcome = timeout(HANG, waiting).await.unwrap().unwrap();
        let code = match &outcome {
            Outcome::Failed(error) => Some(error.code()),
            _ => None,
        };
        assert_eq!(code, Some(Code::Cancelled), "{engine:?}: {outcome:?}");
        assert_eq!(rows_of_log(&desk.app).await, rows, "{engine:?}");
        // The line goes on.
        timeout(HANG, desk.contact("Next")).await.unwrap();
    }
}

/// A key that makes eight calls an hour, two of them at once.
async fn few(app: &TestApp, permissions: &[&str]) -> (String, Caller) {
    let known = app.dispatcher.registry().permissions();
    let new = NewKey {
        name: "few".into(),
        grants: Grants::parse(permissions.iter().copied(), &known).unwrap(),
        workspaces: vec!["main".into()],
        member: None,
        expires_at: None,
        confirm: None,
        calls_per_hour: Some(8),
    };
    let store = &app.dispatcher.app().store;
    let (key, _) = admin::create_key(store, new).await.unwrap();
    let caller = app.dispatcher.authenticate(&key, None).await.unwrap();
    (key, caller)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_that_is_refused_counts() {
    let app = TestApp::new(ENGINES[0], MODULES).await;
    let nothing = json!({});
    for (what, tool, arguments, read_only, code) in [
        ("unknown", "make_coffee", &nothing, false, Code::NotFound),
        ("forbidden", "delete_deal", &nothing, false, Code::NotFound),
        (
            "read-only",
            "create_contact",
            &json!({"name": "Ada"}),
            true,
            Code::ReadOnly,
        ),
        (
            "malformed",
            "create_contact",
            &json!({"nmae": "Ada"}),
            false,
            Code::Validation,
        ),
    ] {
        let (_, caller) = few(&app, &["create_contacts", "read_contacts"]).await;
        let caller = caller.narrow(None, read_only).unwrap();
        for expected in [code, code, Code::RateLimited, Code::RateLimited] {
            let error = app.error(&caller, tool, arguments.clone()).await;
            assert_eq!(error.code(), expected, "{what}: {error:?}");
            let waits = error.retry_after_s().is_some_and(|seconds| seconds > 0);
            assert_eq!(waits, expected == Code::RateLimited, "{what}: {error:?}");
        }
        assert_eq!(
            app.dispatcher.count(&caller).unwrap_err().code(),
            Code::RateLimited
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_of_a_key_counts_over_http() {
    let app = TestApp::new(ENGINES[0], MODULES).await;
    for (method, params) in [
        ("tools/list", json!({})),
        ("resources/list", json!({})),
        ("resources/templates/list", json!({})),
        ("resources/read", json!({"uri": "bureau://nothing"})),
        ("prompts/list", json!({})),
        ("ping", json!({})),
        ("no/such/method", json!({})),
    ] {
        let (key, _) = few(&app, &["full"]).await;
        let dispatcher = Arc::clone(&app.dispatcher);
        let handler = crate::http::server(Arc::clone(&dispatcher));
        let options = bureau::transport::http::Options::default();
        let mut router = crate::http::router(handler, dispatcher, true, &options).unwrap();
        let mut limited = Vec::new();
        for _ in 0..3 {
            let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
            let request = axum::http::Request::post("/mcp")
                .header("host", "127.0.0.1:8787")
                .header("authorization", format!("Bearer {key}"))
                .header("content-type", "application/json")
                .header("accept", "application/json, text/event-stream")
                .header("mcp-protocol-version", "2025-06-18")
                .body(axum::body::Body::from(message.to_string()))
                .unwrap();
            let response = router.call(request).await.unwrap();
            let body = axum::body::to_bytes(response.into_body(), usize::MAX)
                .await
                .unwrap();
            limited.push(String::from_utf8_lossy(&body).contains("RATE_LIMITED"));
        }
        assert_eq!(limited, [false, false, true], "{method}");
    }
}

const WAIT: Permission = Permission::new("read_waits");
const WAIT_WRITING: Permission = Permission::new("create_waits");

/// How many calls of the waiting tools are at work, how many were at once, and what they wait for.
static AT_WORK: AtomicUsize = AtomicUsize::new(0);
static GO: Semaphore = Semaphore::const_new(0);
static WRITING: AtomicUsize = AtomicUsize::new(0);
static GO_WRITING: Semaphore = Semaphore::const_new(0);

#[derive(Serialize, JsonSchema)]
struct Waited {
    waited: bool,
}

/// Waits on a connection until the test says so.
#[derive(Deserialize, JsonSchema)]
struct WaitReading {}

impl Tool for WaitReading {
    const SPEC: Spec = Spec::reads("wait_reading", WAIT)
        .title("Wait reading")
        .about("Wait.");
    const EXAMPLES: &'static [Example] = &[];
    type Output = Waited;

    async fn call(self, _: &mut Cx) -> Result<Waited, Error> {
        AT_WORK.fetch_add(1, Ordering::SeqCst);
        GO.acquire().await.unwrap().forget();
        Ok(Waited { waited: true })
    }
}

/// The same in a transaction that writes.
#[derive(Deserialize, JsonSchema)]
struct WaitWriting {}

impl Tool for WaitWriting {
    const SPEC: Spec = Spec::adds("wait_writing", WAIT_WRITING)
        .title("Wait writing")
        .about("Wait.");
    const EXAMPLES: &'static [Example] = &[];
    type Output = Waited;

    async fn call(self, _: &mut Cx) -> Result<Waited, Error> {
        WRITING.fetch_add(1, Ordering::SeqCst);
        GO_WRITING.acquire().await.unwrap().forget();
        Ok(Waited { waited: true })
    }
}

const WAITING: Module = Module {
    name: "waiting",
    about: "Tools that wait",
    tools: &[tool::<WaitReading>, tool::<WaitWriting>],
    ..Module::EMPTY
};

async fn until(done: impl Fn() -> bool) {
    let wait = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(HANG, wait).await.expect("it comes to that");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_caller_leaves_connections_for_the_others() {
    for engine in ENGINES {
        let app = TestApp::new(engine, &[WAITING]).await;
        let half = app.dispatcher.app().store.shared_connections().div_ceil(2) as usize;
        let (_, greedy) = app.key(&["full"]).await;
        let (_, other) = app.key(&["full"]).await;
        AT_WORK.store(0, Ordering::SeqCst);
        let call = || Call {
            tool: "wait_reading".into(),
            ..Call::default()
        };
        let mut waiting = Vec::new();
        for _ in 0..4 * half {
            let (dispatcher, caller) = (Arc::clone(&app.dispatcher), greedy.clone());
            waiting.push(tokio::spawn(async move {
                dispatcher.call(caller, call()).await
            }));
        }
        until(|| AT_WORK.load(Ordering::SeqCst) == half).await;
        // Another one is served beside them: its call is the next that begins.
        let (dispatcher, caller) = (Arc::clone(&app.dispatcher), other.clone());
        let served = tokio::spawn(async move { dispatcher.call(caller, call()).await });
        until(|| AT_WORK.load(Ordering::SeqCst) > half).await;
        assert_eq!(AT_WORK.load(Ordering::SeqCst), half + 1, "{engine:?}");
        GO.add_permits(4 * half + 1);
        waiting.push(served);
        for call in waiting {
            let outcome = timeout(HANG, call).await.unwrap().unwrap();
            assert!(
                matches!(outcome, Outcome::Done(_)),
                "{engine:?}: {outcome:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_request_holds_is_held_until_its_write_is_done() {
    for engine in ENGINES {
        let app = TestApp::new(engine, &[WAITING]).await;
        let owner = app.owner().await;
        WRITING.store(0, Ordering::SeqCst);
        let place = Arc::new(());
        let call = Call {
            tool: "wait_writing".into(),
            held: Some(Held::new(Arc::clone(&place))),
            ..Call::default()
        };
        let dispatcher = Arc::clone(&app.dispatcher);
        let request = tokio::spawn(async move { dispatcher.call(owner, call).await });
        until(|| WRITING.load(Ordering::SeqCst) == 1).await;
        request.abort();
        assert!(request.await.unwrap_err().is_cancelled());
        assert_eq!(Arc::strong_count(&place), 2, "{engine:?}");
        GO_WRITING.add_permits(1);
        until(|| Arc::strong_count(&place) == 1).await;
    }
}
