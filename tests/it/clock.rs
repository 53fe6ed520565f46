//! A clock that is wrong: what is final waits for a person, nothing is forgotten, and nothing is done twice.

use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::Settings;
use bureau_kernel::error::{Code, Error};
use bureau_kernel::prelude::Cx;
use bureau_kernel::scheduler::{Queue, Scheduler, Ticked, queues};
use bureau_kernel::store::clock::{self, Clock};
use bureau_kernel::store::{OpenOptions, Scope, Sql, sql};
use bureau_kernel::testing::{ENGINES, Engine, TestApp};
use bureau_kernel::types::time::Timestamp;
use chrono::Duration;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::MODULES;
use crate::campaign::{HANG, call};

/// A Friday at noon.
fn noon() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

async fn app(engine: Engine, clock: &Clock) -> (TestApp, Caller) {
    let app = TestApp::timed(engine, MODULES, clock).await;
    let owner = app.owner().await;
    (app, owner)
}

/// The same database opened once more, as the next process does.
async fn reopened(app: TestApp, clock: &Clock) -> TestApp {
    let (database, folder) = (app.database.clone(), app.folder.clone());
    app.dispatcher.app().close().await;
    drop(app);
    let options = OpenOptions {
        clock: clock.clone(),
        ..OpenOptions::new(database)
    };
    TestApp::open(options, folder, MODULES, Settings::default()).await
}

async fn tick(app: &TestApp, clock: &Clock) -> Ticked {
    let scheduler = Scheduler::new(app.dispatcher.clone());
    scheduler.tick(clock.now()).await.unwrap()
}

/// The queue of the plans.
async fn plans(app: &TestApp, clock: &Clock) -> Queue {
    let queues = queues(&app.dispatcher, clock.now()).await.unwrap();
    let mut queues = queues.into_iter();
    queues
        .find(|queue| queue.job == "recurring_invoice")
        .unwrap()
}

async fn number(app: &TestApp, statement: Sql) -> i64 {
    app.rows(statement).await[0].get("number").unwrap()
}

async fn issued(app: &TestApp) -> i64 {
    let statement = sql("SELECT COUNT(*) AS number FROM invoice WHERE status <> 'draft'");
    number(app, statement).await
}

async fn contacts(app: &TestApp) -> i64 {
    number(app, sql("SELECT COUNT(*) AS number FROM contact")).await
}

/// What a firm has open: a company, a draft of an invoice, an issued one, a draft of a quotation, one that was sent, and a
/// weekly plan that issues.
struct Firm {
    draft: Value,
    open: Value,
    offer: Value,
    plan: Value,
}

async fn firm(app: &TestApp, owner: &Caller) -> Firm {
    let acme = json!({ "name": "Acme" });
    let acme = app.data(owner, "create_company", acme).await["id"].clone();
    let lines = json!([{ "description": "Hosting", "unit_price": "100", "tax_rate": "19" }]);
    let invoice = json!({ "company": acme, "lines": lines });
    let draft = app.data(owner, "create_invoice", invoice.clone()).await["id"].clone();
    let open = app.data(owner, "create_invoice", invoice).await["id"].clone();
    let issue = json!({ "invoice": open, "confirm": true });
    app.ok(owner, "issue_invoice", issue).await;
    let quotation = json!({ "title": "Roof", "company": acme, "lines": lines });
    let offer = app.data(owner, "create_quotation", quotation.clone()).await["id"].clone();
    let sent = app.data(owner, "create_quotation", quotation).await["id"].clone();
    let send = json!({ "quotation": sent, "confirm": true });
    app.ok(owner, "send_quotation", send).await;
    let plan = json!({
        "name": "Hosting", "company": acme, "lines": lines, "interval": "week",
        "starts_on": "2026-11-23", "auto_issue": true,
    });
    let plan = app.data(owner, "create_recurring_invoice", plan).await["id"].clone();
    Firm {
        draft,
        open,
        offer,
        plan,
    }
}

/// The calls that make something final.
fn final_calls(firm: &Firm) -> [(&'static str, Value); 3] {
    [
        (
            "issue_invoice",
            json!({ "invoice": firm.draft, "confirm": true }),
        ),
        (
            "record_payment",
            json!({ "invoice": firm.open, "amount": "119", "confirm": true }),
        ),
        (
            "send_quotation",
            json!({ "quotation": firm.offer, "confirm": true }),
        ),
    ]
}

async fn refused(app: &TestApp, owner: &Caller, firm: &Firm, said: &[&str]) {
    for (tool, arguments) in final_calls(firm) {
        let error = app.error(owner, tool, arguments).await;
        assert_eq!(error.code(), Code::Conflict, "{tool}: {error}");
        for said in said.iter().chain(&["bureau clock accept"]) {
            assert!(error.to_string().contains(said), "{tool}, {said}: {error}");
        }
    }
}

/// How many quotations are noted as expired.
async fn expired(app: &TestApp) -> i64 {
    let statement = sql("SELECT COUNT(*) AS number FROM quotation WHERE status = 'expired'");
    number(app, statement).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_three_years_ahead_makes_nothing_final_and_once_it_is_right_all_goes_on() {
    for engine in ENGINES {
        let clock = Clock::at(noon());
        let (app, owner) = app(engine, &clock).await;
        let firm = firm(&app, &owner).await;
        clock.set("2029-11-20T12:00:00Z".parse().unwrap());
        let rests = Ticked {
            rests: true,
            ..Ticked::default()
        };
        assert_eq!(tick(&app, &clock).await, rests, "on {engine:?}");
        // A server that starts by such a clock takes no other view.
        let app = reopened(app, &clock).await;
        assert_eq!(tick(&app, &clock).await, rests, "on {engine:?}");
        assert_eq!(issued(&app).await, 1, "on {engine:?}");
        assert_eq!(expired(&app).await, 0);
        assert!(plans(&app, &clock).await.failed.is_empty());
        let both = ["2029-11-20T12:00:00Z", "2026-11-20T12:00:00Z"];
        refused(&app, &owner, &firm, &both).await;
        // Reading and drafts go on.
        let ada = json!({ "name": "Ada Ahead" });
        let ada = app.data(&owner, "create_contact", ada).await["id"].clone();
        let get = json!({ "contact": ada });
        app.ok(&owner, "get_contact", get).await;
        let store = &app.dispatcher.app().store;
        assert_eq!(clock::rows_from_the_future(store).await.unwrap(), None);

        clock.set(noon() + Duration::hours(1));
        let found = clock::rows_from_the_future(store).await.unwrap().unwrap();
        assert_eq!(found.rows, 1, "on {engine:?}: {found:?}");
        assert_eq!(found.latest.to_string(), "2029-11-20 12:00:00 UTC");
        assert_eq!(tick(&app, &clock).await, Ticked::default());
        for (tool, arguments) in final_calls(&firm) {
            app.ok(&owner, tool, arguments).await;
        }
        clock.step(Duration::days(4));
        assert_eq!(tick(&app, &clock).await.done, 1, "the plan's first week");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_accepts_a_clock_and_a_plan_that_missed_too_much_waits_for_a_word_of_its_own() {
    for engine in ENGINES {
        let clock = Clock::at(noon());
        let (app, owner) = app(engine, &clock).await;
        let firm = firm(&app, &owner).await;
        clock.set("2029-11-20T12:00:00Z".parse().unwrap());
        assert!(tick(&app, &clock).await.rests);
        let before = clock::accept(&app.dispatcher.app().store).await.unwrap();
        assert_eq!(before.seen, Some(noon()));
        let ticked = tick(&app, &clock).await;
        // The quotation has expired, and 157 weeks of the plan are not made up unasked.
        assert_eq!(
            (ticked.done, ticked.failed, ticked.rests),
            (1, 1, false),
            "on {engine:?}"
        );
        assert_eq!(issued(&app).await, 1, "on {engine:?}");
        assert_eq!(expired(&app).await, 1);
        let failed = plans(&app, &clock).await.failed;
        for said in ["CONFLICT", "157", "2026-11-23", "starts_on"] {
            assert!(failed[0].error.contains(said), "{said}: {failed:?}");
        }
        for (tool, arguments) in &final_calls(&firm)[..2] {
            app.ok(&owner, tool, arguments.clone()).await;
        }
        // The person says from when on it counts.
        let from = json!({ "recurring_invoice": firm.plan, "starts_on": "2029-11-05" });
        app.ok(&owner, "update_recurring_invoice", from).await;
        clock.step(Duration::minutes(5));
        let ticked = tick(&app, &clock).await;
        assert_eq!((ticked.done, ticked.failed), (3, 0), "on {engine:?}");
        assert_eq!(issued(&app).await, 1 + 1 + 3, "on {engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_missed_periods_are_made_up() {
    let clock = Clock::at(noon());
    let (app, owner) = app(Engine::Sqlite, &clock).await;
    firm(&app, &owner).await;
    // From the 23rd on, 59 weeks later there are 60.
    clock.set(noon() + Duration::days(3 + 59 * 7));
    clock::accept(&app.dispatcher.app().store).await.unwrap();
    let ticked = tick(&app, &clock).await;
    assert_eq!((ticked.done, ticked.failed), (61, 0), "and the quotation");
    assert_eq!(issued(&app).await, 61);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_back_makes_nothing_final_either() {
    for engine in ENGINES {
        let clock = Clock::at(noon());
        let (app, owner) = app(engine, &clock).await;
        let firm = firm(&app, &owner).await;
        clock.step(-Duration::hours(25));
        assert!(tick(&app, &clock).await.rests, "on {engine:?}");
        refused(&app, &owner, &firm, &["1 days before"]).await;
        // A wrong time zone, or summer time, is no such thing.
        clock.step(Duration::hours(13));
        assert!(!tick(&app, &clock).await.rests, "on {engine:?}");
        let pay = &final_calls(&firm)[1];
        app.ok(
            &owner,
            pay.0,
            json!({ "invoice": firm.open, "amount": "1", "confirm": true }),
        )
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_began_by_a_wrong_clock_is_not_final_when_it_was_set_right_meanwhile() {
    for engine in ENGINES {
        let clock = Clock::at(noon());
        let (app, owner) = app(engine, &clock).await;
        clock.step(Duration::days(300));
        let batch = app.dispatcher.batch(&owner, "test").await.unwrap();
        let meanwhile = clock.clone();
        let part = async move |cx: &mut Cx| {
            meanwhile.set(noon());
            cx.require_trusted_clock().await
        };
        let error = app.dispatcher.app().run_in(&batch, part).await.unwrap_err();
        assert_eq!(error.code(), Code::Conflict, "on {engine:?}");
        let part = async |cx: &mut Cx| cx.require_trusted_clock().await;
        app.dispatcher.app().run_in(&batch, part).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_firm_that_writes_nothing_over_a_holiday_goes_on_if_its_server_ran() {
    for engine in ENGINES {
        let clock = Clock::at(noon());
        let (app, owner) = app(engine, &clock).await;
        let firm = firm(&app, &owner).await;
        let pause = json!({ "recurring_invoice": firm.plan, "status": "paused" });
        app.ok(&owner, "update_recurring_invoice", pause).await;
        for _ in 0..10 {
            clock.step(Duration::days(2));
            assert_eq!(tick(&app, &clock).await, Ticked::default(), "on {engine:?}");
        }
        let (tool, arguments) = final_calls(&firm)[0].clone();
        app.ok(&owner, tool, arguments).await;
        // Where none ran, somebody says that so much time has gone by.
        clock.step(Duration::days(8));
        let (tool, arguments) = final_calls(&firm)[1].clone();
        let error = app.error(&owner, tool, arguments).await;
        assert_eq!(error.code(), Code::Conflict, "on {engine:?}");
    }
}

async fn create(app: &TestApp, owner: &Caller, key: &str) -> Result<Value, Error> {
    let arguments = json!({ "name": "Ada Once", "on_duplicate": "create" });
    call(
        &app.dispatcher,
        owner,
        "create_contact",
        Some(key),
        arguments,
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_counts_for_48_hours_whatever_the_clock_says_meanwhile() {
    for engine in ENGINES {
        let clock = Clock::at(noon());
        let (app, owner) = app(engine, &clock).await;
        let first = create(&app, &owner, "one").await.unwrap();
        clock.set("2029-11-20T12:00:00Z".parse().unwrap());
        assert_eq!(create(&app, &owner, "one").await.unwrap(), first);
        // One that is given now forgets no other, and is not kept until 2029.
        let second = create(&app, &owner, "two").await.unwrap();
        assert_eq!(create(&app, &owner, "one").await.unwrap(), first);
        clock.set("2019-11-20T12:00:00Z".parse().unwrap());
        for (key, answer) in [("one", &first), ("two", &second)] {
            assert_eq!(create(&app, &owner, key).await.unwrap(), *answer);
        }
        clock.set(noon() + Duration::hours(47));
        for (key, answer) in [("one", &first), ("two", &second)] {
            assert_eq!(create(&app, &owner, key).await.unwrap(), *answer);
        }
        assert_eq!(contacts(&app).await, 2, "on {engine:?}");
        clock.set(noon() + Duration::hours(49));
        for key in ["one", "two"] {
            create(&app, &owner, key).await.unwrap();
        }
        assert_eq!(contacts(&app).await, 4, "on {engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_back_wakes_neither_a_key_nor_a_confirmation() {
    for engine in ENGINES {
        let clock = Clock::at(noon());
        let (app, owner) = app(engine, &clock).await;
        let known = app.dispatcher.registry().permissions();
        let new = bureau_kernel::admin::NewKey {
            name: "short".into(),
            grants: bureau_kernel::permission::Grants::parse(["read_contacts"], &known).unwrap(),
            workspaces: vec!["main".into()],
            member: None,
            expires_at: Some(noon() + Duration::hours(1)),
            confirm: None,
            calls_per_hour: None,
        };
        let store = &app.dispatcher.app().store;
        let (key, _) = bureau_kernel::admin::create_key(store, new).await.unwrap();
        app.dispatcher.authenticate(&key, None).await.unwrap();
        let ada = json!({ "name": "Ada" });
        let ada = app.data(&owner, "create_contact", ada).await["id"].clone();
        clock.step(Duration::hours(2));
        tick(&app, &clock).await;
        let delete = json!({ "contact": ada });
        let asked = app.error(&owner, "delete_contact", delete.clone()).await;
        assert_eq!(asked.code(), Code::ConfirmationRequired);
        let token = asked.detail_value("confirm_token").unwrap().clone();
        clock.step(-Duration::hours(2));
        let error = app.dispatcher.authenticate(&key, None).await.unwrap_err();
        assert_eq!(error.code(), Code::Unauthorized, "on {engine:?}");
        let mut again = delete;
        again["confirm_token"] = token;
        let error = app.error(&owner, "delete_contact", again.clone()).await;
        assert_eq!(error.field_name(), Some("confirm_token"), "on {engine:?}");
        clock.step(Duration::hours(2) + Duration::minutes(1));
        app.ok(&owner, "delete_contact", again).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_of_the_queue_from_the_future_does_not_wait_for_it() {
    for engine in ENGINES {
        let clock = Clock::at(noon());
        let (app, owner) = app(engine, &clock).await;
        firm(&app, &owner).await;
        // Nothing can be issued: it fails at a time six days ahead.
        let seller = sql("UPDATE seller SET street = NULL, city = NULL");
        let store = &app.dispatcher.app().store;
        let mut tx = store.write(Scope::System).await.unwrap();
        seller.run(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        clock.step(Duration::days(6));
        assert_eq!(tick(&app, &clock).await.failed, 1);
        clock.step(-Duration::days(3) + Duration::hours(1));
        clock::accept(store).await.unwrap();
        let ticked = tick(&app, &clock).await;
        assert_eq!(
            ticked.failed, 1,
            "on {engine:?}: it is tried again now, not in three days"
        );
        assert_eq!(plans(&app, &clock).await.failed[0].attempts, 2);
        assert_eq!(tick(&app, &clock).await.failed, 0, "and then it waits");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn drawing_an_identifier_waits_for_no_writer() {
    for engine in ENGINES {
        let clock = Clock::at(noon());
        let (app, owner) = app(engine, &clock).await;
        let store = &app.dispatcher.app().store;
        let busy = store.write(Scope::System).await.unwrap();
        let batch = timeout(HANG, app.dispatcher.batch(&owner, "test"));
        let batch = batch.await.expect("it does not wait").unwrap();
        busy.rollback().await;
        assert!(batch.change().raw() > 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_commits_is_refused_by_a_wrong_clock_also_where_its_tool_does_not_ask() {
    for engine in ENGINES {
        let clock = Clock::at(noon());
        let (app, owner) = app(engine, &clock).await;
        let firm = firm(&app, &owner).await;
        let manual = json!({ "recurring_invoice": firm.plan, "auto_issue": false });
        app.ok(&owner, "update_recurring_invoice", manual).await;
        clock.set("2029-11-20T12:00:00Z".parse().unwrap());
        let automatic =
            json!({ "recurring_invoice": firm.plan, "auto_issue": true, "confirm": true });
        let error = app
            .error(&owner, "update_recurring_invoice", automatic.clone())
            .await;
        assert_eq!(error.code(), Code::Conflict, "on {engine:?}: {error}");
        let shown = error.to_json();
        let (message, hint) = (&shown["error"]["message"], &shown["error"]["hint"]);
        for said in ["2029-11-20T12:00:00Z", "2026-11-20T12:00:00Z", "final"] {
            assert!(message.as_str().unwrap().contains(said), "{message}");
        }
        assert!(
            hint.as_str().unwrap().contains("bureau clock accept"),
            "{hint}"
        );
        let plan = number(
            &app,
            sql("SELECT COUNT(*) AS number FROM recurring_invoice WHERE auto_issue"),
        )
        .await;
        assert_eq!(plan, 0, "on {engine:?}");
        clock.set(noon() + Duration::hours(1));
        app.ok(&owner, "update_recurring_invoice", automatic).await;
    }
}
