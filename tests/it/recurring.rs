//! Recurring invoices and the expiry of quotations: each day of a plan has one invoice, whoever makes it, whenever a server
//! runs and whoever is killed.

use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bureau_kernel::admin::{self, WorkspaceChange};
use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::{Dispatcher, Settings};
use bureau_kernel::error::Code;
use bureau_kernel::prelude::{Attributes, Columns as _, Id, Managed, ShortText};
use bureau_kernel::registry::{Registry, Selection};
use bureau_kernel::scheduler::{Queue, Scheduler, Ticked, queues};
use bureau_kernel::store::log::Change;
use bureau_kernel::store::{Database, OpenOptions, Scope, Store, sql};
use bureau_kernel::testing::{ENGINES, Engine, TestApp};
use bureau_kernel::testing_postgres::fresh_database;
use bureau_kernel::types::id::decode;
use bureau_kernel::types::time::{Timestamp, now};
use bureau_quotations::{Quotation, QuotationStatus};
use chrono::{Days, NaiveDate};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::MODULES;
use crate::campaign::{HANG, check_log};
use crate::cli::Home;

/// A moment in UTC, such as `2031-01-31 12:00`.
fn at(text: &str) -> Timestamp {
    format!("{}:00Z", text.replace(' ', "T")).parse().unwrap()
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn days(texts: &[&str]) -> Vec<NaiveDate> {
    texts.iter().map(|text| day(text)).collect()
}

/// A plan of 100 and the tax of every month, with what else is said.
async fn plan(app: &TestApp, caller: &Caller, more: Value) -> String {
    let mut arguments = json!({
        "name": "Hosting", "lines": [{ "description": "Hosting", "unit_price": 100, "tax_rate": 19 }],
    });
    for (name, value) in more.as_object().unwrap() {
        arguments[name] = value.clone();
    }
    if arguments.get("company").is_none() {
        let company = json!({ "name": "Acme", "on_duplicate": "create" });
        let company = app.data(caller, "create_company", company).await;
        arguments["company"] = company["id"].clone();
    }
    let made = app
        .data(caller, "create_recurring_invoice", arguments)
        .await;
    made["id"].as_str().unwrap().to_owned()
}

/// An invoice that a plan made.
#[derive(Debug, PartialEq, Eq)]
struct Made {
    id: String,
    on: NaiveDate,
    status: String,
    serial: Option<i64>,
    issued: Option<NaiveDate>,
    period: (NaiveDate, NaiveDate),
    is_deleted: bool,
}

/// What a plan made, in the order of its days, what was discarded included.
async fn made(dispatcher: &Dispatcher, plan: &str) -> Vec<Made> {
    let mut tx = dispatcher.app().store.read(Scope::System).await.unwrap();
    let rows = sql("SELECT id, recurring_on, status, serial, issue_date, service_from, service_to, archived_at FROM invoice
                    WHERE recurring_on IS NOT NULL AND recurring = ")
        .value(decode(plan).unwrap().1)
        .sql(" ORDER BY recurring_on, id")
        .rows(&mut tx)
        .await
        .unwrap();
    tx.rollback().await;
    rows.iter()
        .map(|row| Made {
            id: Id::<bureau_invoicing::Invoice>::from_raw(row.get("id").unwrap()).to_string(),
            on: row.get("recurring_on").unwrap(),
            status: row.get("status").unwrap(),
            serial: row.get("serial").unwrap(),
            issued: row.get("issue_date").unwrap(),
            period: (
                row.get("service_from").unwrap(),
                row.get("service_to").unwrap(),
            ),
            is_deleted: row
                .get::<Option<Timestamp>>("archived_at")
                .unwrap()
                .is_some(),
        })
        .collect()
}

async fn days_made(dispatcher: &Dispatcher, plan: &str) -> Vec<NaiveDate> {
    made(dispatcher, plan)
        .await
        .iter()
        .map(|made| made.on)
        .collect()
}

/// The serial numbers and dates of all invoices of a workspace, in the order of the numbers.
async fn numbers(dispatcher: &Dispatcher, caller: &Caller) -> Vec<(i64, NaiveDate)> {
    let mut tx = dispatcher.app().store.read(Scope::System).await.unwrap();
    let rows =
        sql("SELECT serial, issue_date FROM invoice WHERE serial IS NOT NULL AND workspace = ")
            .value(caller.workspace.id)
            .sql(" ORDER BY serial")
            .rows(&mut tx)
            .await
            .unwrap();
    tx.rollback().await;
    rows.iter()
        .map(|row| (row.get("serial").unwrap(), row.get("issue_date").unwrap()))
        .collect()
}

/// Numbers from 1 on without a gap, in the order of their dates.
#[track_caller]
fn assert_gapless(numbers: &[(i64, NaiveDate)], count: usize) {
    let serials: Vec<i64> = numbers.iter().map(|(serial, _)| *serial).collect();
    let expected: Vec<i64> = (1..).take(count).collect();
    assert_eq!(serials, expected);
    assert!(numbers.is_sorted_by_key(|(_, date)| *date), "{numbers:?}");
}

/// The same database opened once more, as another server would.
async fn neighbour(database: &Database) -> Arc<Dispatcher> {
    let store = Store::open(&OpenOptions::new(database.clone()))
        .await
        .unwrap();
    let registry = Registry::new(MODULES, &Selection::default()).unwrap();
    Dispatcher::new(store, registry, None, Settings::default()).unwrap()
}

async fn tick(app: &TestApp, moment: Timestamp) -> Ticked {
    let ticked = Scheduler::new(app.dispatcher.clone()).tick(moment).await;
    ticked.unwrap()
}

/// How it stands with the plans of a workspace.
async fn the_queue(app: &TestApp, workspace: &str, moment: Timestamp) -> Queue {
    let queues = queues(&app.dispatcher, moment).await.unwrap();
    let mut queues = queues.into_iter();
    queues
        .find(|queue| queue.job == "recurring_invoice" && queue.workspace == workspace)
        .unwrap()
}

/// What the scheduler did for plans, oldest first.
async fn steps(app: &TestApp) -> Vec<String> {
    let store = &app.dispatcher.app().store;
    let mut tx = store.read(Scope::System).await.unwrap();
    let rows =
        sql("SELECT DISTINCT call FROM change_log WHERE tool = 'recurring_invoice' ORDER BY call")
            .rows(&mut tx)
            .await
            .unwrap();
    tx.rollback().await;
    rows.iter()
        .map(|row| Id::<Change>::from_raw(row.get("call").unwrap()).to_string())
        .collect()
}

/// What a plan is now.
async fn shown(app: &TestApp, caller: &Caller, plan: &str) -> Value {
    let arguments = json!({ "recurring_invoice": plan });
    app.data(caller, "update_recurring_invoice", arguments)
        .await
}

async fn update(app: &TestApp, caller: &Caller, plan: &str, mut change: Value) -> Value {
    change["recurring_invoice"] = plan.into();
    app.data(caller, "update_recurring_invoice", change).await
}

/// The code, the field and the message of an update that has to fail.
async fn refused(
    app: &TestApp,
    caller: &Caller,
    plan: &str,
    mut change: Value,
) -> (Code, String, String) {
    change["recurring_invoice"] = plan.into();
    let error = app.error(caller, "update_recurring_invoice", change).await;
    let field = error.field_name().unwrap_or_default().to_owned();
    (error.code(), field, error.message().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn four_servers_at_once_make_one_invoice_for_each_day_and_the_31st_comes_back() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let mut plans = Vec::new();
        for number in 0..8 {
            let more = json!({ "starts_on": "2031-01-31", "auto_issue": number % 2 == 0 });
            plans.push(plan(&app, &owner, more).await);
        }
        let mut servers = JoinSet::new();
        for _ in 0..4 {
            let dispatcher = neighbour(&app.database).await;
            servers.spawn(async move {
                let ticked = Scheduler::new(dispatcher.clone())
                    .tick(at("2031-05-31 12:00"))
                    .await;
                dispatcher.app().close().await;
                ticked.unwrap()
            });
        }
        let ticked = timeout(HANG, servers.join_all()).await.unwrap();
        assert!(ticked.iter().all(|one| one.failed == 0), "{ticked:?}");
        let expected = days(&[
            "2031-01-31",
            "2031-02-28",
            "2031-03-31",
            "2031-04-30",
            "2031-05-31",
        ]);
        for (number, plan) in plans.iter().enumerate() {
            let made = made(&app.dispatcher, plan).await;
            let found: Vec<NaiveDate> = made.iter().map(|made| made.on).collect();
            assert_eq!(found, expected, "{number} on {engine:?}");
            let status = if number % 2 == 0 { "issued" } else { "draft" };
            for one in made {
                assert_eq!((one.status.as_str(), one.period.0), (status, one.on));
                // What is made up for is issued on the day on which that is done; a draft when it is issued.
                let issued = (number % 2 == 0).then(|| day("2031-05-31"));
                assert_eq!(one.issued, issued);
            }
            let now = shown(&app, &owner, plan).await;
            assert_eq!(
                (&now["next_on"], &now["last_on"]),
                (&json!("2031-06-30"), &json!("2031-05-31"))
            );
        }
        assert_gapless(&numbers(&app.dispatcher, &owner).await, 20);
        let findings = check_log(&app.dispatcher.app().store).await;
        assert!(findings.is_empty(), "on {engine:?}: {findings:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_starts_again_makes_up_for_five_missed_periods_each_for_its_own() {
    for engine in ENGINES {
        let folder = Arc::new(TempDir::new().unwrap());
        let database = match engine {
            Engine::Sqlite => Database::Sqlite(folder.path().join("bureau.sqlite")),
            Engine::Postgres => Database::Postgres(fresh_database().await),
        };
        let open = || {
            TestApp::at(
                database.clone(),
                folder.clone(),
                MODULES,
                Settings::default(),
            )
        };
        let app = open().await;
        let owner = app.owner().await;
        let more = json!({ "starts_on": "2031-03-15", "auto_issue": true });
        let plan = plan(&app, &owner, more).await;
        assert_eq!(tick(&app, at("2031-03-15 08:00")).await.done, 1);
        app.dispatcher.app().close().await;
        drop(app);

        let app = open().await;
        let queue = the_queue(&app, "main", at("2031-08-20 08:00")).await;
        assert_eq!((queue.due, queue.oldest.as_ref()), (1, Some(&plan)));
        assert_eq!(tick(&app, at("2031-08-20 08:00")).await.done, 5);
        assert_eq!(tick(&app, at("2031-08-20 09:00")).await, Ticked::default());
        let made = made(&app.dispatcher, &plan).await;
        let periods: Vec<String> = made
            .iter()
            .map(|made| format!("{} to {}", made.period.0, made.period.1))
            .collect();
        assert_eq!(
            periods,
            [
                "2031-03-15 to 2031-04-14",
                "2031-04-15 to 2031-05-14",
                "2031-05-15 to 2031-06-14",
                "2031-06-15 to 2031-07-14",
                "2031-07-15 to 2031-08-14",
                "2031-08-15 to 2031-09-14",
            ],
            "on {engine:?}"
        );
        let issued: Vec<NaiveDate> = made.iter().filter_map(|made| made.issued).collect();
        let mut expected = vec![day("2031-03-15")];
        expected.extend(vec![day("2031-08-20"); 5]);
        assert_eq!(issued, expected, "numbers go in the order of dates");
        assert_gapless(&numbers(&app.dispatcher, &owner).await, 6);
        app.dispatcher.app().close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plans_of_every_rhythm_make_their_days_and_end_with_their_last() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let cases: &[(Value, &[&str], &str)] = &[
            (
                json!({ "interval": "week", "starts_on": "2031-12-22" }),
                &["2031-12-22", "2031-12-29", "2032-01-05", "2032-01-12"],
                "active",
            ),
            (
                json!({ "interval": "week", "every": 2, "starts_on": "2031-12-22", "ends_on": "2032-01-05" }),
                &["2031-12-22", "2032-01-05"],
                "ended",
            ),
            (
                json!({ "interval": "month", "every": 6, "starts_on": "2030-08-31" }),
                &["2030-08-31", "2031-02-28", "2031-08-31"],
                "active",
            ),
            (
                json!({ "interval": "year", "starts_on": "2028-02-29" }),
                &["2028-02-29", "2029-02-28", "2030-02-28", "2031-02-28"],
                "active",
            ),
            (
                json!({ "interval": "month", "starts_on": "2031-12-31", "ends_on": "2032-01-30" }),
                &["2031-12-31"],
                "ended",
            ),
            (json!({ "starts_on": "2032-01-13" }), &[], "active"),
        ];
        let mut plans = Vec::new();
        for (more, ..) in cases {
            plans.push(plan(&app, &owner, more.clone()).await);
        }
        assert_eq!(tick(&app, at("2032-01-12 12:00")).await.failed, 0);
        for ((more, expected, status), plan) in cases.iter().zip(plans) {
            let found = days_made(&app.dispatcher, &plan).await;
            assert_eq!(found, days(expected), "{more} on {engine:?}");
            let now = shown(&app, &owner, &plan).await;
            assert_eq!(now["status"], *status, "{more}");
            assert_eq!(now["next_on"].is_null(), *status == "ended", "{more}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_falls_into_a_pause_is_not_made_up_and_what_is_over_makes_nothing() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let today = now().date_naive();
        let start = today - Days::new(25);
        let weekly = json!({ "interval": "week", "starts_on": start });
        let (paused, ended, left) = (
            plan(&app, &owner, weekly.clone()).await,
            plan(&app, &owner, weekly.clone()).await,
            plan(&app, &owner, weekly).await,
        );
        update(&app, &owner, &paused, json!({ "status": "paused" })).await;
        let over = update(&app, &owner, &ended, json!({ "status": "ended" })).await;
        assert!(over["next_on"].is_null(), "{over}");
        assert_eq!(tick(&app, now()).await.done, 4);
        let weeks = |count: u64| -> Vec<NaiveDate> {
            (0..count).map(|week| start + Days::new(7 * week)).collect()
        };
        assert_eq!(days_made(&app.dispatcher, &left).await, weeks(4));
        let resumed = update(&app, &owner, &paused, json!({ "status": "active" })).await;
        assert_eq!(resumed["next_on"], json!(start + Days::new(28)));
        assert_eq!(tick(&app, now()).await, Ticked::default());
        assert!(made(&app.dispatcher, &paused).await.is_empty());
        let later = now() + chrono::Duration::days(4);
        tick(&app, later).await;
        let first = vec![start + Days::new(28)];
        assert_eq!(days_made(&app.dispatcher, &paused).await, first);
        assert!(made(&app.dispatcher, &ended).await.is_empty());
        // What is over can go on, from its next day that is not past.
        let again = update(&app, &owner, &ended, json!({ "status": "active" })).await;
        assert_eq!(again["next_on"], json!(start + Days::new(28)));
        // One that has made its invoice of that day goes on with the day after it.
        update(&app, &owner, &paused, json!({ "status": "paused" })).await;
        let again = update(&app, &owner, &paused, json!({ "status": "active" })).await;
        assert_eq!(again["next_on"], json!(start + Days::new(35)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invoices_of_plans_and_of_people_at_the_same_time_are_numbered_without_a_gap() {
    const PEOPLE: usize = 6;
    const EACH: usize = 4;
    for engine in ENGINES {
        let app = Arc::new(TestApp::new(engine, MODULES).await);
        let owner = app.owner().await;
        let start = now().date_naive() - Days::new(22);
        let mut plans = Vec::new();
        for _ in 0..5 {
            let more = json!({ "interval": "week", "starts_on": start, "auto_issue": true });
            plans.push(plan(&app, &owner, more).await);
        }
        let company = json!({ "name": "Zenith" });
        let company = app.data(&owner, "create_company", company).await["id"].clone();
        let mut people = JoinSet::new();
        for _ in 0..PEOPLE {
            let (app, owner, company) = (app.clone(), owner.clone(), company.clone());
            people.spawn(async move {
                for _ in 0..EACH {
                    let line =
                        json!({ "description": "Audit", "unit_price": "50", "tax_rate": "19" });
                    let draft = json!({ "company": company, "lines": [line] });
                    let draft = app.data(&owner, "create_invoice", draft).await;
                    let issue = json!({ "invoice": draft["id"], "confirm": true });
                    app.ok(&owner, "issue_invoice", issue).await;
                }
            });
        }
        for _ in 0..2 {
            let dispatcher = neighbour(&app.database).await;
            people.spawn(async move {
                let ticked = Scheduler::new(dispatcher.clone())
                    .tick(now())
                    .await
                    .unwrap();
                assert_eq!(ticked.failed, 0);
                dispatcher.app().close().await;
            });
        }
        timeout(HANG, people.join_all()).await.unwrap();
        let expected: Vec<NaiveDate> = (0..4).map(|week| start + Days::new(7 * week)).collect();
        for plan in &plans {
            assert_eq!(days_made(&app.dispatcher, plan).await, expected);
        }
        let numbers = numbers(&app.dispatcher, &owner).await;
        assert_gapless(&numbers, PEOPLE * EACH + 5 * 4);
        let findings = check_log(&app.dispatcher.app().store).await;
        assert!(findings.is_empty(), "on {engine:?}: {findings:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_cannot_issue_is_shown_leaves_nothing_half_done_and_stops_no_other() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let company = json!({ "name": "Sans Numéro", "country": "FR" });
        let company = app.data(&owner, "create_company", company).await["id"].clone();
        let abroad = json!({
            "name": "Abroad", "company": company, "starts_on": "2031-01-01", "auto_issue": true,
            "lines": [{ "description": "Advice", "unit_price": "100", "tax_category": "reverse charge" }],
        });
        let abroad = plan(&app, &owner, abroad).await;
        let sound = json!({ "starts_on": "2031-01-02", "auto_issue": true });
        let sound = plan(&app, &owner, sound).await;
        let moment = at("2031-02-03 12:00");
        let ticked = tick(&app, moment).await;
        assert_eq!((ticked.done, ticked.failed), (2, 1), "on {engine:?}");
        assert!(made(&app.dispatcher, &abroad).await.is_empty());
        assert_eq!(made(&app.dispatcher, &sound).await.len(), 2);
        let queue = the_queue(&app, "main", moment + chrono::Duration::seconds(1)).await;
        let [failed] = &queue.failed[..] else {
            panic!("{queue:?}")
        };
        assert_eq!((&failed.record, failed.attempts), (&abroad, 1));
        let said = "VALIDATION_ERROR: With reverse charge the customer needs a VAT id. (company)";
        assert_eq!(failed.error, said);
        // Once that is put right, everything is made up for.
        let known = json!({ "company": company, "vat_id": "FR40303265045" });
        app.ok(&owner, "update_company", known).await;
        let ticked = tick(&app, moment + chrono::Duration::minutes(5)).await;
        assert_eq!((ticked.done, ticked.failed), (2, 0));
        let expected = days(&["2031-01-01", "2031-02-01"]);
        assert_eq!(days_made(&app.dispatcher, &abroad).await, expected);
        assert_gapless(&numbers(&app.dispatcher, &owner).await, 4);
        let later = moment + chrono::Duration::minutes(6);
        assert!(the_queue(&app, "main", later).await.failed.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_is_not_undone_and_the_day_of_a_discarded_draft_does_not_come_back() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let drafted = plan(&app, &owner, json!({ "starts_on": "2031-01-15" })).await;
        tick(&app, at("2031-01-15 12:00")).await;
        let change = steps(&app).await.remove(0);
        for skip in [false, true] {
            let undo = json!({ "change": change, "skip_conflicts": skip, "confirm": true });
            let error = app.error(&owner, "undo_change", undo).await;
            assert_eq!(error.code(), Code::Conflict, "{error:?}");
            assert!(
                error
                    .message()
                    .contains("2031-01-15, and that day does not become due again"),
                "{error:?}"
            );
            let hint = error.to_json()["error"]["hint"].to_string();
            assert!(
                hint.contains("update_invoice") && hint.contains("create_credit_note"),
                "{hint}"
            );
        }
        let only = made(&app.dispatcher, &drafted).await.remove(0);
        assert!(!only.is_deleted);
        let discard = json!({ "invoice": only.id, "discard": true });
        let discarded = app.ok(&owner, "update_invoice", discard).await;
        assert_eq!(tick(&app, at("2031-01-16 12:00")).await, Ticked::default());
        let undo = json!({ "change": discarded["change"], "confirm": true });
        app.ok(&owner, "undo_change", undo).await;
        assert!(!made(&app.dispatcher, &drafted).await[0].is_deleted);
        // Another step was done since: the plan stays as it is, and of the step before only the draft can go.
        tick(&app, at("2031-03-15 12:00")).await;
        let february = steps(&app).await.remove(1);
        let undo = json!({ "change": february, "confirm": true });
        let error = app.error(&owner, "undo_change", undo).await;
        assert_eq!(error.code(), Code::Conflict, "{error:?}");
        let undo = json!({ "change": february, "skip_conflicts": true, "confirm": true });
        app.ok(&owner, "undo_change", undo).await;
        assert_eq!(tick(&app, at("2031-03-16 12:00")).await, Ticked::default());
        let all = made(&app.dispatcher, &drafted).await;
        let deleted: Vec<bool> = all.iter().map(|made| made.is_deleted).collect();
        assert_eq!(deleted, [false, true, false], "on {engine:?}");
        // What was issued stays issued.
        let more = json!({ "starts_on": "2031-03-20", "auto_issue": true });
        let issued = plan(&app, &owner, more).await;
        tick(&app, at("2031-03-20 12:00")).await;
        let change = steps(&app).await.pop().unwrap();
        for skip in [false, true] {
            let undo = json!({ "change": change, "skip_conflicts": skip, "confirm": true });
            let error = app.error(&owner, "undo_change", undo).await;
            assert_eq!(error.code(), Code::Conflict, "{error:?}");
        }
        assert_eq!(made(&app.dispatcher, &issued).await[0].status, "issued");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_day_begins_where_the_workspace_is() {
    for engine in ENGINES {
        for (zone, early, due) in [
            ("Pacific/Auckland", "2031-03-09 10:59", "2031-03-09 11:00"),
            ("Pacific/Honolulu", "2031-03-10 09:59", "2031-03-10 10:00"),
        ] {
            let app = TestApp::new(engine, MODULES).await;
            let change = WorkspaceChange {
                time_zone: Some(zone.into()),
                ..WorkspaceChange::default()
            };
            let store = &app.dispatcher.app().store;
            admin::update_workspace(store, "main", change)
                .await
                .unwrap();
            let owner = app.owner().await;
            let more = json!({ "starts_on": "2031-03-10", "auto_issue": true });
            let plan = plan(&app, &owner, more).await;
            assert_eq!(
                tick(&app, at(early)).await,
                Ticked::default(),
                "{zone} on {engine:?}"
            );
            assert_eq!(tick(&app, at(due)).await.done, 1, "{zone} on {engine:?}");
            let only = made(&app.dispatcher, &plan).await.remove(0);
            assert_eq!(only.issued, Some(day("2031-03-10")), "{zone}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_workspace_has_its_own_plans_and_numbers() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let callers = [app.owner().await, app.tenant("second").await];
        let mut plans = Vec::new();
        for caller in &callers {
            let more = json!({ "starts_on": "2031-01-31", "auto_issue": true });
            plans.push(plan(&app, caller, more).await);
        }
        assert_eq!(tick(&app, at("2031-02-28 12:00")).await.done, 4);
        for (caller, plan) in callers.iter().zip(&plans) {
            assert_gapless(&numbers(&app.dispatcher, caller).await, 2);
            let listed = app.data(caller, "list_recurring_invoices", json!({})).await;
            let listed: Vec<&Value> = listed
                .as_array()
                .unwrap()
                .iter()
                .map(|row| &row["id"])
                .collect();
            assert_eq!(listed, [&json!(plan)]);
        }
        let (code, field, _) = refused(&app, &callers[0], &plans[1], json!({})).await;
        assert_eq!(
            (code, field.as_str()),
            (Code::NotFound, "recurring_invoice"),
            "on {engine:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_plan_goes_on_from_its_next_day_and_never_over_a_day_that_has_its_invoice() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let changing = plan(&app, &owner, json!({ "starts_on": "2031-01-31" })).await;
        tick(&app, at("2031-03-31 12:00")).await;
        let price = json!([{ "description": "Hosting", "unit_price": "150", "tax_rate": "19" }]);
        let now = update(
            &app,
            &owner,
            &changing,
            json!({ "lines": price, "every": 3 }),
        )
        .await;
        assert_eq!(
            (&now["next_on"], &now["starts_on"], &now["monthly_net"]),
            (&json!("2031-04-30"), &json!("2031-04-30"), &json!("50.00"))
        );
        let taken = json!({ "starts_on": "2031-03-31" });
        let (code, field, message) = refused(&app, &owner, &changing, taken).await;
        assert_eq!(
            (code, field.as_str(), message.as_str()),
            (
                Code::Validation,
                "starts_on",
                "There is an invoice for 2031-03-31 already."
            )
        );
        let free = json!({ "starts_on": "2031-05-31", "ends_on": "2031-08-31" });
        update(&app, &owner, &changing, free).await;
        tick(&app, at("2031-12-31 12:00")).await;
        let found = days_made(&app.dispatcher, &changing).await;
        let expected = [
            "2031-01-31",
            "2031-02-28",
            "2031-03-31",
            "2031-05-31",
            "2031-08-31",
        ];
        assert_eq!(found, days(&expected), "on {engine:?}");
        let last = made(&app.dispatcher, &changing).await.pop().unwrap();
        let last = app
            .data(&owner, "get_invoice", json!({ "invoice": last.id }))
            .await;
        assert_eq!(last["net_total"], "150.00");
        assert_eq!(shown(&app, &owner, &changing).await["status"], "ended");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_planned_is_refused_by_name_and_changes_nothing() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let company = json!({ "name": "Acme" });
        let company = app.data(&owner, "create_company", company).await["id"].clone();
        let line = json!({ "description": "Hosting", "unit_price": "100", "tax_rate": "19" });
        let long_ago = now().date_naive() - Days::new(62 * 7);
        for (field, more) in [
            ("company", json!({ "company": null })),
            ("lines", json!({ "lines": [] })),
            ("discount", json!({ "discount": "500" })),
            ("lines", json!({ "lines": null })),
            ("name", json!({ "name": null })),
            (
                "lines[0].tax",
                json!({ "lines": [{ "description": "Hosting", "unit_price": "1", "tax": "19" }] }),
            ),
            (
                "lines[1].unit_price",
                json!({ "lines": [line, { "description": "Hosting", "unit_price": "much" }] }),
            ),
            ("lines[0]", json!({ "lines": ["Hosting"] })),
            ("every", json!({ "every": 0 })),
            ("every", json!({ "every": 61 })),
            ("interval", json!({ "interval": "day" })),
            ("starts_on", json!({ "starts_on": "2031-02-30" })),
            (
                "ends_on",
                json!({ "starts_on": "2031-02-01", "ends_on": "2031-01-31" }),
            ),
            (
                "starts_on",
                json!({ "interval": "week", "starts_on": long_ago }),
            ),
            ("status", json!({ "status": "stopped" })),
        ] {
            let mut arguments = json!({ "name": "Hosting", "company": company, "lines": [line] });
            for (name, value) in more.as_object().unwrap() {
                arguments[name] = value.clone();
            }
            arguments
                .as_object_mut()
                .unwrap()
                .retain(|_, value| !value.is_null());
            let error = app
                .error(&owner, "create_recurring_invoice", arguments)
                .await;
            assert_eq!(
                (error.code(), error.field_name().unwrap_or_default()),
                (Code::Validation, field),
                "{more} on {engine:?}: {error:?}"
            );
        }
        let listed = json!({ "sort": "name" });
        let listed = app.ok(&owner, "list_recurring_invoices", listed).await;
        assert_eq!(listed["data"], json!([]));

        let sound = plan(&app, &owner, json!({ "starts_on": "2031-01-31" })).await;
        let before = shown(&app, &owner, &sound).await;
        for (field, change) in [
            ("company", json!({ "clear": ["company"] })),
            ("clear[0]", json!({ "clear": ["starts_on"] })),
            ("currency", json!({ "currency": "JPY" })),
            ("ends_on", json!({ "ends_on": "2031-01-30" })),
            (
                "starts_on",
                json!({ "interval": "week", "starts_on": long_ago }),
            ),
        ] {
            let (code, found, message) = refused(&app, &owner, &sound, change).await;
            assert_eq!(
                (code, found.as_str()),
                (Code::Validation, field),
                "{message}"
            );
        }
        assert_eq!(shown(&app, &owner, &sound).await, before);
        // What is over goes on only where something is left of it.
        let past = json!({ "status": "ended", "starts_on": "2026-01-01", "ends_on": "2026-03-01" });
        update(&app, &owner, &sound, past).await;
        let (_, field, message) =
            refused(&app, &owner, &sound, json!({ "status": "active" })).await;
        assert_eq!(field, "status", "{message}");
        let on = json!({ "status": "active", "ends_on": "2031-12-31" });
        assert_eq!(update(&app, &owner, &sound, on).await["status"], "active");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_issue_makes_no_plan_issue() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let (_, clerk) = app
            .key(&[
                "create_invoices",
                "update_invoices",
                "read_invoices",
                "create_companies",
            ])
            .await;
        let company = json!({ "name": "Acme" });
        let company = app.data(&owner, "create_company", company).await["id"].clone();
        let issuing = json!({ "company": company, "starts_on": "2031-01-31", "auto_issue": true });
        let mut refused_plan = issuing.clone();
        refused_plan["name"] = "Hosting".into();
        refused_plan["lines"] =
            json!([{ "description": "Hosting", "unit_price": "1", "tax_rate": "19" }]);
        let error = app
            .error(&clerk, "create_recurring_invoice", refused_plan)
            .await;
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::Forbidden, Some("auto_issue")),
            "{error:?}"
        );
        let drafting = json!({ "company": company, "starts_on": "2031-01-31" });
        let drafting = plan(&app, &clerk, drafting).await;
        let issuing = plan(&app, &owner, issuing).await;
        for (plan, change) in [
            (&drafting, json!({ "auto_issue": true })),
            (&drafting, json!({ "auto_issue": true, "status": "paused" })),
            (&issuing, json!({ "notes": "Something else" })),
        ] {
            let (code, field, _) = refused(&app, &clerk, plan, change.clone()).await;
            assert_eq!(
                (code, field.as_str()),
                (Code::Forbidden, "auto_issue"),
                "{change} on {engine:?}"
            );
        }
        // To stop it, and to have drafts instead, takes no such permission; to let it go on does.
        update(&app, &clerk, &issuing, json!({ "status": "paused" })).await;
        let (code, ..) = refused(&app, &clerk, &issuing, json!({ "status": "active" })).await;
        assert_eq!(code, Code::Forbidden);
        let drafts = json!({ "status": "active", "auto_issue": false });
        update(&app, &clerk, &issuing, drafts).await;
        let again = json!({ "auto_issue": true });
        assert_eq!(
            update(&app, &owner, &issuing, again).await["auto_issue"],
            true
        );
    }
}

/// A quotation of this status that holds until this day.
async fn quotation(
    app: &TestApp,
    caller: &Caller,
    status: QuotationStatus,
    valid_until: Option<&str>,
) -> Id<Quotation> {
    let batch = app.dispatcher.batch(caller, "test").await.unwrap();
    let until = valid_until.map(day);
    let made = app.dispatcher.app().run_in(&batch, async |cx| {
        let mut quotation = Quotation::empty();
        quotation.title = ShortText::new("Relaunch").unwrap();
        quotation.status = Managed(status);
        quotation.valid_until = until;
        Ok(cx.insert(quotation, Attributes::new()).await?.id)
    });
    made.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sent_quotation_expires_the_day_after_its_last_and_no_other_does() {
    use QuotationStatus::{Accepted, Declined, Draft, Expired, Sent};
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let mut quotations = Vec::new();
        for (status, until, then) in [
            (Sent, Some("2031-03-10"), Expired),
            (Sent, Some("2031-03-11"), Sent),
            (Sent, None, Sent),
            (Draft, Some("2031-03-10"), Draft),
            (Accepted, Some("2031-03-10"), Accepted),
            (Declined, Some("2031-03-10"), Declined),
        ] {
            let id = quotation(&app, &owner, status, until).await;
            quotations.push((id, then));
        }
        assert_eq!(
            tick(&app, at("2031-03-10 23:59")).await,
            Ticked::default(),
            "it holds all day long"
        );
        let moment = at("2031-03-11 00:00");
        assert_eq!(tick(&app, moment).await.done, 1);
        assert_eq!(tick(&app, moment).await, Ticked::default());
        for (id, then) in quotations {
            let found = app
                .dispatcher
                .app()
                .read(&owner, async |cx| cx.get(id).await)
                .await
                .unwrap();
            assert_eq!(*found.status, then, "on {engine:?}");
            let decided = *found.decided_at;
            assert_eq!(decided.is_some(), then == Expired, "{decided:?}");
            assert!(decided.is_none_or(|decided| decided >= moment));
        }
    }
}

/// `bureau serve` on this database.
fn serve(home: &Home, database: &Path) -> Child {
    let database = format!("sqlite:{}", database.display());
    let mut command = home.command(["serve", "--listen", "127.0.0.1:0", "--no-auth"]);
    command
        .args(["--database", &database])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.spawn().unwrap()
}

fn kill(mut server: Child) {
    server.kill().unwrap();
    server.wait().unwrap();
}

/// How many invoices plans have made.
async fn count(store: &Store) -> i64 {
    let mut tx = store.read(Scope::System).await.unwrap();
    let count = sql("SELECT COUNT(*) AS made FROM invoice WHERE recurring_on IS NOT NULL");
    let count = count.one("made", &mut tx).await.unwrap();
    tx.rollback().await;
    count
}

/// Lets the leases of the dead run out, and the pauses after them, which take a minute otherwise.
async fn let_leases_run_out(store: &Store) {
    const HOUR_US: i64 = 3_600_000_000;
    let mut tx = store.write(Scope::System).await.unwrap();
    sql("UPDATE job SET run_after = run_after - ")
        .value(HOUR_US)
        .sql(", leased_until = leased_until - ")
        .value(HOUR_US)
        .run(&mut tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_killed_again_and_again_issue_one_invoice_for_each_missed_week() {
    const PLANS: usize = 5;
    const WEEKS: u64 = 40;
    let home = Home::new();
    let folder = Arc::new(TempDir::new().unwrap());
    let file = folder.path().join("bureau.sqlite");
    let database = Database::Sqlite(file.clone());
    let open = || {
        TestApp::at(
            database.clone(),
            folder.clone(),
            MODULES,
            Settings::default(),
        )
    };
    let app = open().await;
    let owner = app.owner().await;
    let start = now().date_naive() - Days::new(7 * (WEEKS - 1) + 3);
    let mut plans = Vec::new();
    for _ in 0..PLANS {
        let more = json!({ "interval": "week", "starts_on": start, "auto_issue": true });
        plans.push(plan(&app, &owner, more).await);
    }
    app.dispatcher.app().close().await;
    drop(app);

    let store = Store::open(&OpenOptions::new(database.clone()))
        .await
        .unwrap();
    let all = i64::try_from(PLANS).unwrap() * i64::try_from(WEEKS).unwrap();
    let mut kills = 0;
    while count(&store).await < all {
        let servers = [serve(&home, &file), serve(&home, &file)];
        let wanted = (count(&store).await + 15).min(all);
        let at_work = async {
            while count(&store).await < wanted {
                sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(HANG, at_work).await.expect("they make invoices");
        for server in servers {
            sleep(Duration::from_millis(u64::from(rand::random::<u8>() % 16))).await;
            kill(server);
            kills += 1;
        }
        let_leases_run_out(&store).await;
    }
    println!("{kills} servers were killed");
    assert!(kills >= 10, "{kills}");
    store.close().await;

    let app = open().await;
    let expected: Vec<NaiveDate> = (0..WEEKS).map(|week| start + Days::new(7 * week)).collect();
    for plan in &plans {
        let made = made(&app.dispatcher, plan).await;
        let found: Vec<NaiveDate> = made.iter().map(|made| made.on).collect();
        assert_eq!(found, expected);
        assert!(made.iter().all(|made| made.status == "issued"));
    }
    let count = usize::try_from(all).unwrap();
    assert_gapless(&numbers(&app.dispatcher, &owner).await, count);
    assert_eq!(tick(&app, now()).await, Ticked::default());
    let findings = check_log(&app.dispatcher.app().store).await;
    assert!(findings.is_empty(), "{findings:?}");
    app.dispatcher.app().close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_names_a_plan_that_cannot_issue_and_ends_with_1() {
    let home = Home::new();
    let company = home.call("create_company", &json!({ "name": "Acme" }), &[]);
    let company = company.json()["data"]["id"].clone();
    // The seller's details are missing, without which nothing is issued.
    let plan = json!({
        "name": "Hosting", "company": company, "auto_issue": true, "confirm": true,
        "lines": [{ "description": "Hosting", "unit_price": "100", "tax_rate": "19" }],
    });
    let plan = home.call("create_recurring_invoice", &plan, &[]).json()["data"]["id"].clone();
    let waiting = home.say("doctor").done();
    assert!(
        waiting.contains("recurring_invoice in main: 1 due"),
        "what is due is no problem: {waiting}"
    );
    let mut command = home.command(["serve", "--listen", "127.0.0.1:0", "--no-auth"]);
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    let server = command.spawn().unwrap();
    let failed = async {
        loop {
            let report = home.say("doctor");
            if report.code != 0 {
                return report;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    let report = timeout(HANG, failed).await.unwrap();
    kill(server);
    let plan = plan.as_str().unwrap();
    for said in [
        "problem",
        "recurring_invoice in main: 1 due",
        &format!("1 failed: {plan} after 1 attempts"),
        "VALIDATION_ERROR: The seller's details are not complete",
    ] {
        assert!(report.out.contains(said), "{said}: {}", report.out);
    }
    assert_eq!(report.code, 1);
    let report = home.say("doctor --json");
    assert_eq!(report.code, 1);
    let report: Value = serde_json::from_str(&report.out).unwrap();
    let jobs = report["checks"].as_array().unwrap().iter();
    let jobs = jobs.filter_map(|check| check["jobs"].as_array()).flatten();
    let failed: Vec<&Value> = jobs
        .flat_map(|batch| batch["failed"].as_array().unwrap())
        .collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(
        (&failed[0]["record"], &failed[0]["attempts"]),
        (&json!(plan), &json!(1))
    );
    // A plan that is paused is not due, and no problem.
    let pause = json!({ "recurring_invoice": plan, "status": "paused" });
    home.call("update_recurring_invoice", &pause, &[]).done();
    home.say("doctor").done();
}
