//! The rules of time entries: when, how long, by whom, at which rate, within which budget.

use bureau_kernel::admin::{self, NewMember};
use bureau_kernel::caller::{Caller, Role};
use bureau_kernel::dispatch::Outcome;
use bureau_kernel::error::{Code, Error};
use bureau_kernel::store::clock::Clock;
use bureau_kernel::testing::{ENGINES, Engine, TestApp};
use serde_json::{Value, json};

use crate::MODULES;

/// A workspace on Friday the 20th of November 2026, at noon.
async fn firm(engine: Engine, clock: &Clock) -> (TestApp, Caller) {
    let app = TestApp::timed(engine, MODULES, clock).await;
    let owner = app.owner().await;
    (app, owner)
}

/// Ana, who works here too.
async fn colleague(app: &TestApp, owner: &Caller) -> Caller {
    let new = NewMember {
        name: "Ana Souza".into(),
        role: Role::Member,
        ..NewMember::default()
    };
    let member = admin::add_member(app.store(), "main", new).await.unwrap();
    let mut ana = owner.clone();
    ana.member = member.id;
    ana
}

fn noon() -> Clock {
    Clock::at("2026-11-20T12:00:00Z".parse().unwrap())
}

async fn project(app: &TestApp, owner: &Caller, more: Value) -> Value {
    let mut arguments = json!({ "name": "Bridge" });
    extend(&mut arguments, &more);
    app.data(owner, "create_project", arguments).await
}

/// A project whose hours are billed at so many euros.
async fn priced(app: &TestApp, owner: &Caller, rate: &str, more: Value) -> Value {
    let project = project(app, owner, more).await;
    let rate = json!({"project": project["id"], "hourly_rate": rate, "currency": "EUR"});
    app.ok(owner, "update_time_settings", json!({"rates": [rate]}))
        .await;
    project
}

async fn budget(app: &TestApp, owner: &Caller, project: &Value, more: Value) {
    let mut budget = json!({ "project": project["id"] });
    extend(&mut budget, &more);
    app.ok(owner, "update_time_settings", json!({"budgets": [budget]}))
        .await;
}

fn extend(arguments: &mut Value, more: &Value) {
    let more = more.as_object().unwrap().clone();
    arguments.as_object_mut().unwrap().extend(more);
}

async fn note(app: &TestApp, owner: &Caller, project: &Value, more: Value) -> Value {
    let mut arguments = json!({ "project": project["id"] });
    extend(&mut arguments, &more);
    app.data(owner, "create_time_entry", arguments).await
}

async fn refused(app: &TestApp, owner: &Caller, project: &Value, more: Value) -> Error {
    let mut arguments = json!({ "project": project["id"] });
    extend(&mut arguments, &more);
    app.error(owner, "create_time_entry", arguments).await
}

fn rule(error: &Error) -> String {
    let rule = error.detail_value("rule").and_then(Value::as_str);
    rule.unwrap_or("none").to_owned()
}

async fn totals(app: &TestApp, caller: &Caller, filter: Value) -> Value {
    let answer = app.ok(caller, "list_time_entries", filter).await;
    answer["page"]["totals"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn time_is_noted_as_people_say_it() {
    for engine in ENGINES {
        let (app, owner) = firm(engine, &noon()).await;
        let bridge = project(&app, &owner, json!({})).await;
        for (given, day, start, end, hours) in [
            (
                json!({"hours": "1:30"}),
                "2026-11-20",
                Value::Null,
                Value::Null,
                "1.5",
            ),
            (
                json!({"hours": 2, "worked_on": "yesterday"}),
                "2026-11-19",
                Value::Null,
                Value::Null,
                "2",
            ),
            (
                json!({"worked_on": "2026-11-18", "started_at": "9:00", "ended_at": "11:20"}),
                "2026-11-18",
                json!("2026-11-18T09:00:00Z"),
                json!("2026-11-18T11:20:00Z"),
                "2.3333",
            ),
            (
                json!({"started_at": "2026-11-17T22:00", "ended_at": "1:30"}),
                "2026-11-17",
                json!("2026-11-17T22:00:00Z"),
                json!("2026-11-18T01:30:00Z"),
                "3.5",
            ),
            (
                json!({"ended_at": "8am", "hours": "45 min"}),
                "2026-11-20",
                json!("2026-11-20T07:15:00Z"),
                json!("2026-11-20T08:00:00Z"),
                "0.75",
            ),
        ] {
            let made = note(&app, &owner, &bridge, given.clone()).await;
            assert_eq!(made["worked_on"], day, "{given}");
            let moment = |name: &str| {
                let text = made[name].as_str()?;
                Some(chrono::DateTime::parse_from_rfc3339(text).unwrap().to_utc())
            };
            let meant = |value: &Value| value.as_str().map(|text| text.parse().unwrap());
            assert_eq!(moment("started_at"), meant(&start), "{given}");
            assert_eq!(moment("ended_at"), meant(&end), "{given}");
            assert_eq!(made["hours"], hours, "{given}");
            assert_eq!(made["member"]["id"], json!(owner.member.to_string()));
        }
        for (given, field) in [
            (json!({"worked_on": "today"}), "hours"),
            (json!({"ended_at": "9:00"}), "started_at"),
            (json!({"started_at": "today", "hours": "1"}), "started_at"),
            (
                json!({"started_at": "8:00", "ended_at": "9:00", "hours": "2"}),
                "hours",
            ),
            (
                json!({"worked_on": "2026-11-18", "started_at": "2026-11-19T08:00", "hours": "1"}),
                "worked_on",
            ),
            (
                json!({"started_at": "2026-11-19T09:00", "ended_at": "2026-11-19T08:00"}),
                "ended_at",
            ),
        ] {
            let error = refused(&app, &owner, &bridge, given.clone()).await;
            assert_eq!(
                (error.code(), error.field_name()),
                (Code::Validation, Some(field)),
                "{given}"
            );
        }
        let nothing = app
            .error(&owner, "create_time_entry", json!({"hours": "1"}))
            .await;
        assert_eq!(nothing.field_name(), Some("task"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_rule_of_time_refuses_by_a_code_of_its_own_and_nothing_is_written() {
    for engine in ENGINES {
        let (app, owner) = firm(engine, &noon()).await;
        let bridge = project(&app, &owner, json!({})).await;
        let nine = json!({"worked_on": "2026-11-19", "started_at": "9:00", "ended_at": "10:00"});
        note(&app, &owner, &bridge, nine).await;
        for (given, expected) in [
            (json!({"hours": "0"}), "time_length"),
            (json!({"hours": "24:01"}), "time_length"),
            (
                json!({"started_at": "2026-11-18T07:00", "ended_at": "2026-11-19T07:01"}),
                "time_length",
            ),
            (
                json!({"hours": "1", "worked_on": "tomorrow"}),
                "time_in_future",
            ),
            (
                json!({"started_at": "11:00", "ended_at": "12:01"}),
                "time_in_future",
            ),
            (json!({"started_at": "12:01"}), "time_in_future"),
            (
                json!({"started_at": "2026-11-19T08:30", "hours": "1"}),
                "time_overlaps",
            ),
            (
                json!({"started_at": "2026-11-19T09:59", "hours": "1"}),
                "time_overlaps",
            ),
            (
                json!({"started_at": "2026-11-19T08:00", "ended_at": "2026-11-19T12:00"}),
                "time_overlaps",
            ),
            // A timer that began then ran through it.
            (json!({"started_at": "2026-11-19T08:00"}), "time_overlaps"),
        ] {
            let error = refused(&app, &owner, &bridge, given.clone()).await;
            assert_eq!(rule(&error), expected, "{engine:?} {given}: {error}");
        }
        // What only touches it, what has no times, and what somebody else did, does not overlap.
        let other = colleague(&app, &owner).await;
        for (caller, given) in [
            (
                &owner,
                json!({"started_at": "2026-11-19T10:00", "hours": "1"}),
            ),
            (
                &owner,
                json!({"started_at": "2026-11-19T08:00", "ended_at": "2026-11-19T09:00"}),
            ),
            (&owner, json!({"worked_on": "2026-11-19", "hours": "8"})),
            (
                &other,
                json!({"started_at": "2026-11-19T09:30", "hours": "1"}),
            ),
            (&owner, json!({"hours": "24", "worked_on": "2026-11-01"})),
        ] {
            note(&app, caller, &bridge, given).await;
        }
        let count = totals(&app, &owner, json!({})).await;
        assert_eq!(count["entries"], 6, "{count}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_has_one_timer_which_an_update_stops() {
    for engine in ENGINES {
        let clock = noon();
        let (app, owner) = firm(engine, &clock).await;
        let bridge = priced(&app, &owner, "60", json!({})).await;
        let timer = note(&app, &owner, &bridge, json!({"billable": true})).await;
        assert_eq!(timer["running"], true);
        let second = refused(&app, &owner, &bridge, json!({})).await;
        assert_eq!(rule(&second), "timer_running");
        clock.set("2026-11-20T12:40:00Z".parse().unwrap());
        let running = app
            .ok(
                &owner,
                "list_time_entries",
                json!({"member": "me", "running": true}),
            )
            .await;
        assert_eq!(running["data"][0]["hours"], "0.6667");
        assert_eq!(running["page"]["totals"]["running"], 1);
        assert_eq!(running["page"]["totals"]["hours"], "0");
        let stop = json!({"time_entry": timer["id"], "ended_at": "now"});
        let stopped = app.data(&owner, "update_time_entry", stop).await;
        assert_eq!(
            (&stopped["running"], &stopped["hours"], &stopped["amount"]),
            (&json!(false), &json!("0.6667"), &json!("40.00"))
        );
        note(&app, &owner, &bridge, json!({})).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_timers_and_overlapping_times_that_are_noted_at_once_one_stands() {
    for engine in ENGINES {
        let (app, owner) = firm(engine, &noon()).await;
        let bridge = project(&app, &owner, json!({})).await;
        for given in [
            json!({}),
            json!({"started_at": "2026-11-19T09:00", "hours": "2"}),
        ] {
            let mut arguments = json!({ "project": bridge["id"] });
            extend(&mut arguments, &given);
            let calls =
                (0..12).map(|_| app.outcome(&owner, "create_time_entry", arguments.clone()));
            let answers = futures::future::join_all(calls).await;
            let stand = answers
                .iter()
                .filter(|answer| matches!(answer, Outcome::Done(_)))
                .count();
            assert_eq!(stand, 1, "{engine:?} {arguments}");
        }
        let both = totals(&app, &owner, json!({})).await;
        assert_eq!(both["entries"], 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_of_a_closed_month_stands_whichever_way_it_would_be_written() {
    for engine in ENGINES {
        let clock = noon();
        let (app, owner) = firm(engine, &clock).await;
        let bridge = project(&app, &owner, json!({})).await;
        let set = json!({"close_after_days": 5});
        app.ok(&owner, "update_time_settings", set).await;
        let kept = note(
            &app,
            &owner,
            &bridge,
            json!({"worked_on": "2026-11-10", "hours": "1"}),
        )
        .await;
        let gone = note(
            &app,
            &owner,
            &bridge,
            json!({"worked_on": "2026-11-11", "hours": "2"}),
        )
        .await;
        let delete = json!({"time_entry": gone["id"], "confirm": true});
        let deleted = app.ok(&owner, "delete_time_entry", delete).await;
        let (kept, id) = (&kept["id"], &kept["id"]);
        // Five days after the end of the month it is still open.
        clock.set("2026-12-05T22:00:00Z".parse().unwrap());
        app.ok(
            &owner,
            "update_time_entry",
            json!({"time_entry": kept, "hours": "3"}),
        )
        .await;
        clock.set("2026-12-06T01:00:00Z".parse().unwrap());
        let update = json!({"time_entry": kept, "note": "Later"});
        let away = json!({"time_entry": kept, "worked_on": "2026-12-01"});
        for (tool, arguments) in [
            ("update_time_entry", update),
            ("update_time_entry", away),
            (
                "delete_time_entry",
                json!({"time_entry": id, "confirm": true}),
            ),
            (
                "create_time_entry",
                json!({"project": bridge["id"], "worked_on": "2026-11-30", "hours": "1"}),
            ),
            (
                "undo_change",
                json!({"change": deleted["change"], "confirm": true}),
            ),
            (
                "delete_project",
                json!({"project": bridge["id"], "confirm": true}),
            ),
        ] {
            let error = app.error(&owner, tool, arguments.clone()).await;
            assert_eq!(
                (error.code(), &*rule(&error)),
                (Code::Conflict, "month_closed"),
                "{tool} {arguments}: {error}"
            );
        }
        let hours = totals(&app, &owner, json!({})).await;
        assert_eq!(hours["hours"], "3");
        // Into a closed month nothing is moved either; opened again, it can be written.
        let now = note(
            &app,
            &owner,
            &bridge,
            json!({"hours": "1", "worked_on": "2026-12-01"}),
        )
        .await;
        let back = json!({"time_entry": now["id"], "worked_on": "2026-11-30"});
        assert_eq!(
            rule(&app.error(&owner, "update_time_entry", back.clone()).await),
            "month_closed"
        );
        app.ok(
            &owner,
            "update_time_settings",
            json!({"clear": ["close_after_days"]}),
        )
        .await;
        app.ok(&owner, "update_time_entry", back).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rate_is_the_most_specific_one_and_stays_in_the_entry() {
    for engine in ENGINES {
        let (app, owner) = firm(engine, &noon()).await;
        let ana = colleague(&app, &owner).await;
        let acme = app
            .data(&owner, "create_company", json!({"name": "Acme"}))
            .await;
        let bridge = project(&app, &owner, json!({"company": acme["id"]})).await;
        let task = json!({"project": bridge["id"], "title": "Plan"});
        let task = app.data(&owner, "create_task", task).await;
        let rate_of = async |member: &Caller, day: &str| {
            let given = json!({"task": task["id"], "hours": "1", "worked_on": day, "member": member.member.to_string()});
            let entry = app.data(&owner, "create_time_entry", given).await;
            (entry["hourly_rate"].clone(), entry["id"].clone())
        };
        let set = async |rate: Value| {
            app.ok(&owner, "update_time_settings", json!({"rates": [rate]}))
                .await;
        };
        let ana_id = ana.member.to_string();
        let (none, first) = rate_of(&ana, "2026-11-19").await;
        assert_eq!(none, Value::Null);
        set(json!({"hourly_rate": "10", "currency": "EUR"})).await;
        assert_eq!(rate_of(&ana, "2026-11-19").await.0, "10.00");
        set(json!({"member": ana_id, "hourly_rate": "20", "currency": "EUR"})).await;
        set(json!({"member": ana_id, "hourly_rate": "25", "currency": "EUR", "valid_from": "2026-11-15"})).await;
        assert_eq!(rate_of(&ana, "2026-11-14").await.0, "20.00");
        assert_eq!(rate_of(&ana, "2026-11-15").await.0, "25.00");
        assert_eq!(rate_of(&owner, "2026-11-15").await.0, "10.00");
        set(json!({"company": acme["id"], "hourly_rate": "30", "currency": "EUR"})).await;
        assert_eq!(rate_of(&ana, "2026-11-15").await.0, "30.00");
        set(json!({"company": acme["id"], "member": ana_id, "hourly_rate": "35", "currency": "EUR"})).await;
        assert_eq!(rate_of(&ana, "2026-11-15").await.0, "35.00");
        assert_eq!(rate_of(&owner, "2026-11-15").await.0, "30.00");
        set(json!({"project": bridge["id"], "hourly_rate": "40", "currency": "EUR"})).await;
        assert_eq!(rate_of(&ana, "2026-11-15").await.0, "40.00");
        set(json!({"project": bridge["id"], "member": ana_id, "hourly_rate": "45", "currency": "EUR"})).await;
        assert_eq!(rate_of(&ana, "2026-11-15").await.0, "45.00");
        assert_eq!(rate_of(&owner, "2026-11-15").await.0, "40.00");
        set(json!({"task": task["id"], "hourly_rate": "50", "currency": "EUR"})).await;
        let (rate, last) = rate_of(&ana, "2026-11-15").await;
        assert_eq!(rate, "50.00");
        // It is kept: a new arrangement changes no entry, until that is asked for.
        set(json!({"task": task["id"], "hourly_rate": "55.5", "currency": "USD"})).await;
        let touched = app
            .data(
                &owner,
                "update_time_entry",
                json!({"time_entry": last, "note": "Plan"}),
            )
            .await;
        assert_eq!(touched["hourly_rate"], "50.00");
        let anew = json!({"time_entry": last, "clear": ["hourly_rate"]});
        let anew = app.data(&owner, "update_time_entry", anew).await;
        assert_eq!(
            (&anew["hourly_rate"], &anew["currency"]),
            (&json!("55.50"), &json!("USD"))
        );
        // Also what had none takes the one that holds by now.
        let none = json!({"time_entry": first, "clear": ["hourly_rate"]});
        let taken = app.data(&owner, "update_time_entry", none).await;
        assert_eq!(taken["hourly_rate"], "55.50");
        let own = json!({"time_entry": first, "hourly_rate": "12.3456"});
        let own = app.data(&owner, "update_time_entry", own).await;
        assert_eq!(own["hourly_rate"], "12.3456");
        // What there is not cannot be removed, and what is removed does not hold.
        let wrong = json!({"rates": [{"hourly_rate": "1"}, {"member": ana_id, "remove": true, "valid_from": "2020-01-01"}]});
        let error = app.error(&owner, "update_time_settings", wrong).await;
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::NotFound, Some("rates[1].remove"))
        );
        let unsaid = app
            .error(
                &owner,
                "update_time_settings",
                json!({"rates": [{"member": ana_id}]}),
            )
            .await;
        assert_eq!(unsaid.field_name(), Some("rates[0].hourly_rate"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_rounded_one_by_one_as_they_are_billed() {
    for engine in ENGINES {
        let (app, owner) = firm(engine, &noon()).await;
        let bridge = priced(&app, &owner, "100", json!({})).await;
        let entry = async |hours: &str, billable: bool| {
            note(
                &app,
                &owner,
                &bridge,
                json!({"hours": hours, "billable": billable}),
            )
            .await
        };
        let exact = entry("0:20", true).await;
        assert_eq!(
            (&exact["amount"], &exact["billable_hours"]),
            (&json!("33.33"), &Value::Null)
        );
        for (rounding, minutes, hours, billed, amount) in [
            ("up", 15, "0:46", "1", "100.00"),
            ("down", 15, "0:59", "0.75", "75.00"),
            ("nearest", 6, "0:33", "0.6", "60.00"),
            ("down", 30, "0:29", "0", "0.00"),
        ] {
            let set = json!({"rounding": rounding, "rounding_minutes": minutes});
            app.ok(&owner, "update_time_settings", set).await;
            let made = entry(hours, true).await;
            assert_eq!(
                (&made["billable_hours"], &made["amount"]),
                (&json!(billed), &json!(amount)),
                "{rounding}"
            );
        }
        let free = entry("0:50", false).await;
        assert_eq!(
            (&free["billable_hours"], &free["amount"]),
            (&Value::Null, &Value::Null)
        );
        // What was noted before keeps what it had; three times twenty minutes are an hour.
        app.ok(
            &owner,
            "update_time_settings",
            json!({"clear": ["rounding", "rounding_minutes"]}),
        )
        .await;
        entry("0:20", true).await;
        entry("0:20", true).await;
        let query = json!({"billable": true});
        let sums = totals(&app, &owner, query).await;
        assert_eq!(sums["values"][0]["amount"], "335.00", "{sums}");
        assert_eq!(sums["billable_hours"], "3.35");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_answer_who_worked_how_long_for_whom_and_what_it_comes_to() {
    for engine in ENGINES {
        let (app, owner) = firm(engine, &noon()).await;
        let ana = colleague(&app, &owner).await;
        let acme = app
            .data(&owner, "create_company", json!({"name": "Acme"}))
            .await;
        let bridge = priced(&app, &owner, "100", json!({"company": acme["id"]})).await;
        let tunnel = project(&app, &owner, json!({"name": "Tunnel"})).await;
        for (caller, project, day, hours, text) in [
            (&owner, &bridge, "2026-10-30", "1", "Survey of the river"),
            (&ana, &bridge, "2026-10-31", "2", "Drawings"),
            (&ana, &bridge, "2026-11-16", "4", "Drawings again"),
            (&owner, &tunnel, "2026-11-17", "8", "Digging"),
        ] {
            let given = json!({"worked_on": day, "hours": hours, "note": text});
            note(&app, caller, project, given).await;
        }
        let hours = async |filter: Value| totals(&app, &owner, filter).await["hours"].clone();
        assert_eq!(
            hours(json!({"member": "me", "worked_after": "start of week"})).await,
            "8"
        );
        assert_eq!(hours(json!({"member": "Ana Souza"})).await, "6");
        assert_eq!(
            hours(json!({"company": "Acme", "billed": false, "billable": true})).await,
            "7"
        );
        assert_eq!(hours(json!({"company": "Acme", "billed": true})).await, "0");
        let october = json!({"project": bridge["id"], "worked_after": "2026-10-01", "worked_before": "2026-10-31"});
        assert_eq!(hours(october).await, "3");
        assert_eq!(hours(json!({"query": "drawings"})).await, "6");
        // The sums are of all that match, whatever the page shows, and also where only they are asked for.
        let first = app
            .ok(&owner, "list_time_entries", json!({"limit": 1}))
            .await;
        assert_eq!(first["data"].as_array().unwrap().len(), 1);
        assert_eq!(first["page"]["totals"]["hours"], "15");
        assert_eq!(
            first["page"]["totals"]["values"],
            json!([{"currency": "EUR", "amount": "700.00"}])
        );
        let only = app
            .ok(&owner, "list_time_entries", json!({"count_only": true}))
            .await;
        assert_eq!(only["page"]["totals"]["hours"], "15");
        assert_eq!(only["page"]["total"], 4);
        let shown = app
            .data(&owner, "get_project", json!({"project": bridge["id"]}))
            .await;
        assert_eq!(shown["time"]["hours"], "7");
        assert_eq!(
            shown["time"]["unbilled"],
            json!([{"currency": "EUR", "amount": "700.00"}])
        );
        let other = app.tenant("other").await;
        assert_eq!(totals(&app, &other, json!({})).await["hours"], "0");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn costs_and_margins_are_read_only_by_who_may() {
    for engine in ENGINES {
        let (app, owner) = firm(engine, &noon()).await;
        let bridge = priced(&app, &owner, "100", json!({})).await;
        let set = json!({"cost_rates": [{"hourly_cost": "40"}, {"member": "me", "hourly_cost": "60", "valid_from": "2026-11-19"}]});
        app.ok(&owner, "update_time_settings", set).await;
        for day in ["2026-11-18", "2026-11-19"] {
            let given = json!({"worked_on": day, "hours": "2", "billable": true});
            note(&app, &owner, &bridge, given).await;
        }
        let sums = totals(&app, &owner, json!({})).await;
        assert_eq!(
            (&sums["cost"], &sums["margin"]),
            (&json!("200.00"), &json!("200.00")),
            "{sums}"
        );
        let all = app
            .data(&owner, "get_project", json!({"project": bridge["id"]}))
            .await;
        assert_eq!(all["time"]["margin"], "200.00");
        let seller = app.limited(
            &owner,
            &["read_time_entries", "read_projects", "manage_time_entries"],
        );
        let answer = app
            .ok(&seller, "list_time_entries", json!({}))
            .await
            .to_string();
        let project = app
            .ok(&seller, "get_project", json!({"project": bridge["id"]}))
            .await
            .to_string();
        let settings = app
            .ok(&seller, "update_time_settings", json!({"rounding": "up"}))
            .await
            .to_string();
        for answer in [answer, project, settings] {
            assert!(
                !answer.contains("cost") && !answer.contains("margin"),
                "{answer}"
            );
            assert!(!answer.contains("\"60.00\""), "{answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn budgets_are_shown_warned_of_and_kept_where_they_are_caps() {
    for engine in ENGINES {
        let (app, owner) = firm(engine, &noon()).await;
        let bridge = priced(&app, &owner, "100", json!({})).await;
        let most = json!({"hours": "10", "amount": "2000", "currency": "EUR", "cap": true});
        budget(&app, &owner, &bridge, most).await;
        let standing = async || {
            let shown = app
                .data(&owner, "get_project", json!({"project": bridge["id"]}))
                .await;
            shown["budget"].clone()
        };
        assert_eq!(standing().await["hours"]["left"], "10");
        let arguments = json!({"project": bridge["id"], "hours": "8", "billable": true});
        let most = app.ok(&owner, "create_time_entry", arguments).await;
        let notice = most["notices"][0]["message"].as_str().unwrap();
        assert!(
            notice.contains("8 hours of the budget of 10 hours"),
            "{notice}"
        );
        let error = refused(&app, &owner, &bridge, json!({"hours": "2:01"})).await;
        assert_eq!(
            (error.code(), &*rule(&error)),
            (Code::Conflict, "budget_exceeded")
        );
        assert!(error.message().contains("2 hours are left"), "{error}");
        let last = note(&app, &owner, &bridge, json!({"hours": "2"})).await;
        assert_eq!(
            standing().await,
            json!({
                "hours": {"budget": "10", "used": "10", "left": "0", "share": "100.0", "status": "warned"},
                "amount": {"budget": "2000.00", "used": "800.00", "left": "1200.00", "share": "40.0", "status": "within"},
                "currency": "EUR", "warn_percent": 80, "cap": true,
            })
        );
        // An update is held to it too, and so is an undo; less is always right.
        let more = json!({"time_entry": last["id"], "hours": "3"});
        assert_eq!(
            rule(&app.error(&owner, "update_time_entry", more).await),
            "budget_exceeded"
        );
        let gone = json!({"time_entry": last["id"], "confirm": true});
        let gone = app.ok(&owner, "delete_time_entry", gone).await;
        note(&app, &owner, &bridge, json!({"hours": "1"})).await;
        let back = app
            .error(&owner, "undo_change", json!({"change": gone["change"]}))
            .await;
        assert_eq!(rule(&back), "budget_exceeded");
        // Each month has its own.
        budget(&app, &owner, &bridge, json!({"per": "month"})).await;
        note(
            &app,
            &owner,
            &bridge,
            json!({"hours": "9", "worked_on": "2026-10-31"}),
        )
        .await;
        let month = standing().await;
        assert_eq!(
            (&month["month"], &month["hours"]["used"]),
            (&json!("2026-11"), &json!("9"))
        );
        for (wrong, field) in [
            (json!({"hours": "0"}), "hours"),
            (json!({"amount": "-1"}), "amount"),
            (json!({"clear": ["amount", "hours"]}), "hours"),
        ] {
            let mut arguments = json!({"project": bridge["id"]});
            extend(&mut arguments, &wrong);
            let arguments = json!({"budgets": [arguments]});
            let error = app.error(&owner, "update_time_settings", arguments).await;
            let field = format!("budgets[0].{field}");
            assert_eq!(error.field_name(), Some(&*field));
        }
        budget(&app, &owner, &bridge, json!({"remove": true})).await;
        assert_eq!(standing().await, Value::Null);
        note(&app, &owner, &bridge, json!({"hours": "20"})).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_holds_when_many_note_time_at_once() {
    for engine in ENGINES {
        let (app, owner) = firm(engine, &noon()).await;
        let bridge = project(&app, &owner, json!({})).await;
        budget(&app, &owner, &bridge, json!({"hours": "5", "cap": true})).await;
        let calls = (0..12).map(|_| {
            let arguments = json!({"project": bridge["id"], "hours": "1"});
            app.outcome(&owner, "create_time_entry", arguments)
        });
        let answers = futures::future::join_all(calls).await;
        let stand = answers
            .iter()
            .filter(|answer| matches!(answer, Outcome::Done(_)))
            .count();
        assert_eq!(stand, 5, "{engine:?}");
    }
}
