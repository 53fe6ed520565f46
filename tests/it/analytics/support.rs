//! Support in figures.

use std::collections::BTreeMap;

use bureau_kernel::admin::{self, NewMember};
use bureau_kernel::caller::Role;
use bureau_kernel::error::Code;
use bureau_kernel::testing::{ENGINES, TestApp};
use chrono::Duration;
use serde_json::{Value, json};

use super::{check_evidence, expected, groups, started};

/// A member beside the owner, by name.
async fn member(app: &TestApp, name: &str) -> Value {
    let new = NewMember {
        name: name.to_owned(),
        email: None,
        title: None,
        role: Role::Member,
    };
    let store = &app.dispatcher.app().store;
    let member = admin::add_member(store, "main", new).await.unwrap();
    json!(member.id.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn support_is_counted_and_timed_by_any_two_of_what_tickets_say() {
    for engine in ENGINES {
        // A Monday at nine in the workspace, which works from nine to five.
        let (app, owner, clock) = started(engine, "2026-11-02T08:00:00Z").await;
        let zone = owner.workspace.time_zone;
        let bob = member(&app, "Bob").await;
        let eve = member(&app, "Eve").await;
        for (name, region) in [("North Ltd", "North"), ("South Ltd", "South")] {
            let new = json!({"name": name, "region": region, "country": "DE"});
            app.data(&owner, "create_company", new).await;
        }
        let start = clock.now();
        let mut tickets = Vec::new();
        for (number, (company, product, priority, assignee)) in [
            ("North Ltd", "Box", "high", &bob),
            ("North Ltd", "Lamp", "normal", &eve),
            ("South Ltd", "Box", "normal", &bob),
            ("South Ltd", "Box", "low", &bob),
            ("South Ltd", "Lamp", "high", &eve),
            ("North Ltd", "Box", "high", &bob),
        ]
        .into_iter()
        .enumerate()
        {
            let new = json!({
                "subject": format!("Number {number}"), "company": company, "product": product,
                "priority": priority, "assignee": assignee, "channel": "email",
            });
            tickets.push(app.data(&owner, "create_ticket", new).await["id"].clone());
        }
        // Each is answered and solved some minutes later; within an hour, so that all of it is working time in any zone's office hours
        // or none is: what the tool says is compared with what each ticket says of itself.
        let say =
            |ticket: &Value, r#type: &str| json!({"ticket": ticket, "type": r#type, "body": "So."});
        for (number, ticket) in tickets.iter().enumerate() {
            clock.set(start + Duration::minutes(10 * (number as i64 + 1)));
            app.data(&owner, "create_ticket_message", say(ticket, "reply"))
                .await;
        }
        clock.set(start + Duration::minutes(70));
        app.data(
            &owner,
            "create_ticket_message",
            say(&tickets[0], "customer"),
        )
        .await;
        clock.set(start + Duration::minutes(95));
        app.data(&owner, "create_ticket_message", say(&tickets[0], "reply"))
            .await;
        for (number, ticket) in tickets.iter().take(5).enumerate() {
            clock.set(start + Duration::minutes(100 + 30 * number as i64));
            let solved = json!({"ticket": ticket, "status": "solved", "satisfaction": 1 + number});
            app.data(&owner, "update_ticket", solved).await;
        }
        for (ticket, to) in [(5, &eve), (5, &bob), (5, &eve), (4, &bob)] {
            clock.step(Duration::minutes(1));
            let given = json!({"ticket": tickets[ticket], "assignee": to});
            app.data(&owner, "update_ticket", given).await;
        }
        let ask = |arguments| {
            let (app, owner) = (&app, &owner);
            async move { app.data(owner, "get_support_metrics", arguments).await }
        };
        let all = ask(json!({})).await;
        assert!(check_evidence(&app, &owner, &all).await > 8, "{all}");
        let figure = |name: &str| {
            let figures = all["figures"].as_array().unwrap().iter();
            let mut named = figures.filter(|one| one["measure"] == format!("tickets.{name}@1"));
            named.next().unwrap().clone()
        };
        assert_eq!(figure("opened")["n"], 6);
        assert_eq!(figure("backlog")["n"], 1);
        assert_eq!(figure("solved")["n"], 5);
        assert_eq!(figure("handovers")["n"], 4);
        // Rated 1 to 5, two of them well.
        assert_eq!(figure("satisfaction")["percent"], "40.0");
        let own = |name: &'static str| {
            let (app, owner, tickets) = (&app, &owner, &tickets);
            async move {
                let mut minutes = Vec::new();
                for ticket in tickets {
                    let ticket = app
                        .data(owner, "get_ticket", json!({"ticket": ticket}))
                        .await;
                    minutes.extend(ticket[name].as_i64());
                }
                minutes.sort_unstable();
                minutes
            }
        };
        for (name, field) in [
            ("first_response_time", "first_response_minutes"),
            ("resolution_time", "resolution_minutes"),
        ] {
            let minutes = own(field).await;
            let said = figure(name);
            assert_eq!(said["n"], minutes.len() as i64, "{name}");
            assert_eq!(said["median"], median(&minutes), "{name} on {engine:?}");
            let sum: i64 = minutes.iter().sum();
            assert_eq!(said["mean"], one_digit(sum, minutes.len() as i64), "{name}");
            let rank = (minutes.len() * 9).div_ceil(10) - 1;
            assert_eq!(said["p90"], format!("{}.0", minutes[rank]), "{name}");
        }
        assert_eq!(figure("next_response_time")["n"], 1);
        assert_eq!(figure("next_response_time")["median"], "25.0", "{zone}");

        let by = |measure: &str, by: Value| json!({"measures": [measure], "group_by": by, "period": "this month"});
        // Which agent hands over most?
        let most = ask(by("handovers", json!(["agent"]))).await;
        assert_eq!(
            groups(&most, "tickets.handovers", "n"),
            expected(&[("Bob", "2"), ("Eve", "2")])
        );
        let most = ask(by("handovers", json!(["agent", "product"]))).await;
        assert_eq!(
            groups(&most, "tickets.handovers", "n"),
            expected(&[("Bob / Box", "2"), ("Eve / Box", "1"), ("Eve / Lamp", "1")])
        );
        // What is the average handle time of a product, in which region?
        let handled = ask(by("handle time", json!(["product", "region"]))).await;
        let mut of: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for (number, key) in [
            "Box / North",
            "Lamp / North",
            "Box / South",
            "Box / South",
            "Lamp / South",
        ]
        .into_iter()
        .enumerate()
        {
            let ticket = json!({"ticket": tickets[number]});
            let ticket = app.data(&owner, "get_ticket", ticket).await;
            of.entry(key.to_owned())
                .or_default()
                .push(ticket["resolution_minutes"].as_i64().unwrap());
        }
        let means = of
            .into_iter()
            .map(|(key, minutes)| (key, one_digit(minutes.iter().sum(), minutes.len() as i64)));
        assert_eq!(
            groups(&handled, "tickets.resolution_time", "mean"),
            means.collect()
        );
        let weekly = ask(by("volume", json!(["week", "priority"]))).await;
        assert_eq!(
            groups(&weekly, "tickets.opened", "n"),
            expected(&[
                ("2026-W45 / high", "3"),
                ("2026-W45 / low", "1"),
                ("2026-W45 / normal", "2")
            ])
        );
        assert!(check_evidence(&app, &owner, &weekly).await == 4);
        let customers = ask(by("volume", json!(["customer", "channel"]))).await;
        assert_eq!(
            groups(&customers, "tickets.opened", "n"),
            expected(&[("North Ltd / email", "3"), ("South Ltd / email", "3")])
        );
        let few = ask(
            json!({"measures": ["satisfaction"], "group_by": "region", "period": "this month"}),
        )
        .await;
        // No rate of fewer than five, and why.
        for group in few["figures"][0]["groups"].as_array().unwrap() {
            assert_eq!(group.get("percent"), None, "{group}");
            assert_eq!(group["why"], "There is no rate of fewer than 5.");
        }
        let mine = ask(
            json!({"assignee": eve, "measures": ["volume", "handovers"], "period": "this month"}),
        )
        .await;
        assert_eq!(mine["figures"][0]["n"], 2, "those that are Eve's now");
        assert_eq!(mine["figures"][1]["n"], 2, "those that Eve gave away");
        assert_eq!(mine["filters"]["owner"], eve);
        // Not by what it is not: refused where the caller named the measure, else left out with a word.
        let error = app
            .error(
                &owner,
                "get_support_metrics",
                by("backlog", json!(["month"])),
            )
            .await;
        assert_eq!(error.field_name(), Some("group_by"));
        let left = app
            .ok(
                &owner,
                "get_support_metrics",
                json!({"group_by": "month", "period": "this month"}),
            )
            .await;
        assert!(
            left["notices"][0]["message"]
                .as_str()
                .unwrap()
                .contains("tickets.backlog")
        );
        let error = app
            .error(
                &owner,
                "get_support_metrics",
                json!({"measures": ["compliance"]}),
            )
            .await;
        assert_eq!(error.code(), Code::Validation);
        assert_eq!(
            error.hint_text(),
            Some("Say which: first_response_compliance, resolution_compliance.")
        );
        let before = ask(json!({"period": "last month"})).await;
        for figures in before["figures"].as_array().unwrap() {
            let is_now = ["backlog", "unassigned", "awaiting_reply", "overdue"];
            let is_now = is_now
                .iter()
                .any(|name| figures["measure"] == format!("tickets.{name}@1"));
            assert!(is_now || figures["n"] == 0, "{figures}");
        }
    }
}

fn one_digit(sum: i64, count: i64) -> String {
    // Half away from zero, in tenths.
    let tenths = (sum * 100 / count + 5) / 10;
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn median(sorted: &[i64]) -> String {
    let (lower, upper) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
    one_digit(lower + upper, 2)
}
