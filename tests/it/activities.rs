//! The rules of activities: what is to be done, what is done, what comes next, and what they are linked to.

use bureau_kernel::admin::{self, NewWorkspace};
use bureau_kernel::error::Code;
use bureau_kernel::store::sql;
use bureau_kernel::testing::{ENGINES, TestApp};
use bureau_kernel::types::time::Timestamp;
use serde_json::{Value, json};

use crate::MODULES;

fn ids(rows: &Value) -> Vec<&str> {
    let rows = rows.as_array().expect("a list");
    rows.iter().filter_map(|row| row["id"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_logged_is_done_and_what_is_planned_is_not() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        for (arguments, status) in [
            (json!({ "type": "task", "subject": "a" }), "pending"),
            (
                json!({ "type": "task", "subject": "a", "due_at": "tomorrow" }),
                "pending",
            ),
            (
                json!({ "type": "task", "subject": "a", "due_at": "today" }),
                "pending",
            ),
            (
                json!({ "type": "task", "subject": "a", "due_at": "yesterday" }),
                "overdue",
            ),
            (
                json!({ "type": "call", "subject": "a", "due_at": "yesterday", "done": true }),
                "done",
            ),
            (
                json!({ "type": "call", "subject": "a", "outcome": "Reached" }),
                "done",
            ),
            (json!({ "type": "note", "subject": "a" }), "done"),
        ] {
            let made = app.data(&owner, "create_activity", arguments.clone()).await;
            assert_eq!(made["status"], status, "{arguments} on {engine:?}");
            assert_eq!(made["done_at"].is_string(), status == "done", "{arguments}");
            assert_eq!(
                made["assignee"]["name"], "Owner",
                "whoever says nothing does it: {arguments}"
            );
        }
        // What is logged with a time that has passed was done then, not now.
        let call = json!({ "type": "call", "subject": "then", "due_at": "2026-01-05T10:00:00Z", "done": true });
        let call = app.data(&owner, "create_activity", call).await;
        assert_eq!(call["done_at"], "2026-01-05T10:00:00Z");
        for (wrong, field) in [
            (
                json!({ "type": "task", "subject": "a", "outcome": "x", "done": false }),
                "outcome",
            ),
            (json!({ "type": "errand", "subject": "a" }), "type"),
            (json!({ "type": "task" }), "subject"),
            (
                json!({ "type": "task", "subject": "a", "minutes": 0 }),
                "minutes",
            ),
            (
                json!({ "type": "task", "subject": "a", "due_at": "someday" }),
                "due_at",
            ),
            (
                json!({ "type": "task", "subject": "a", "done_at": "today" }),
                "done_at",
            ),
        ] {
            let error = app.error(&owner, "create_activity", wrong.clone()).await;
            assert_eq!(error.code(), Code::Validation, "{wrong}: {error:?}");
            assert_eq!(error.field_name(), Some(field), "{wrong}: {error:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn completing_plans_the_follow_up_in_the_same_call_and_one_undo_takes_both_back() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let contact = app
            .data(&owner, "create_contact", json!({ "name": "Ann" }))
            .await;
        let call = json!({ "type": "call", "subject": "Ask", "contact": contact["id"], "due_at": "2026-01-05" });
        let call = app.data(&owner, "create_activity", call).await;
        let complete = json!({ "activity": call["id"], "outcome": "Wants an offer", "follow_up": "Send it",
                               "follow_up_type": "task", "follow_up_due": "+3d" });
        let answer = app.ok(&owner, "complete_activity", complete.clone()).await;
        let (done, next) = (&answer["data"], &answer["data"]["follow_up"]);
        assert_eq!(
            (&done["status"], &done["outcome"]),
            (&json!("done"), &json!("Wants an offer"))
        );
        assert_eq!(
            (&next["type"], &next["status"]),
            (&json!("task"), &json!("pending"))
        );
        assert_eq!(
            next["contact"]["id"], contact["id"],
            "it goes on with the same person"
        );
        assert_ne!(next["id"], done["id"]);

        let again = app.error(&owner, "complete_activity", complete).await;
        assert_eq!(again.code(), Code::Conflict, "{again:?}");

        app.ok(&owner, "undo_change", json!({ "change": answer["change"] }))
            .await;
        let open = app
            .data(&owner, "get_activity", json!({ "activity": call["id"] }))
            .await;
        assert_eq!(
            (&open["status"], open.get("outcome")),
            (&json!("overdue"), None)
        );
        let gone = app
            .error(&owner, "get_activity", json!({ "activity": next["id"] }))
            .await;
        assert_eq!(gone.code(), Code::NotFound);

        for (wrong, field) in [
            (json!({ "follow_up_due": "+3d" }), "follow_up_due"),
            (json!({ "follow_up_type": "task" }), "follow_up_type"),
            (json!({ "done_at": "tomorrow" }), "done_at"),
        ] {
            let mut arguments = wrong.clone();
            arguments["activity"] = call["id"].clone();
            let error = app.error(&owner, "complete_activity", arguments).await;
            assert_eq!(
                (error.code(), error.field_name()),
                (Code::Validation, Some(field)),
                "{wrong}"
            );
        }
        // Nothing of the refused calls is left.
        let all = app.data(&owner, "list_activities", json!({})).await;
        assert_eq!(ids(&all), [call["id"].as_str().unwrap()], "on {engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_activity_is_linked_to_whom_its_deal_or_contact_belongs_to() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let acme = app
            .data(&owner, "create_company", json!({ "name": "Acme" }))
            .await;
        let other = app
            .data(&owner, "create_company", json!({ "name": "Other" }))
            .await;
        let ann = app
            .data(
                &owner,
                "create_contact",
                json!({ "name": "Ann", "company": "Acme" }),
            )
            .await;
        let deal = json!({ "name": "Big", "company": acme["id"], "contact": ann["id"] });
        let deal = app.data(&owner, "create_deal", deal).await;
        for (given, contact, company) in [
            (json!({ "deal": deal["id"] }), &ann["id"], &acme["id"]),
            (json!({ "contact": ann["id"] }), &ann["id"], &acme["id"]),
            (
                json!({ "company": other["id"] }),
                &Value::Null,
                &other["id"],
            ),
            // What is said goes before what follows.
            (
                json!({ "deal": deal["id"], "company": other["id"] }),
                &Value::Null,
                &other["id"],
            ),
        ] {
            let mut arguments = given.clone();
            arguments["type"] = json!("meeting");
            arguments["subject"] = json!("Talk");
            let made = app.data(&owner, "create_activity", arguments).await;
            assert_eq!(&made["contact"]["id"], contact, "{given} on {engine:?}");
            assert_eq!(&made["company"]["id"], company, "{given} on {engine:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_by_state_person_and_time() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let ann = app
            .data(&owner, "create_contact", json!({ "name": "Ann" }))
            .await;
        let make = async |arguments: Value| {
            let made = app.data(&owner, "create_activity", arguments).await;
            made["id"].as_str().expect("an id").to_owned()
        };
        let late = make(json!({ "type": "task", "subject": "late", "due_at": "2026-01-02" })).await;
        let soon = make(
            json!({ "type": "call", "subject": "soon", "due_at": "+2d", "contact": ann["id"] }),
        )
        .await;
        let some_day = make(json!({ "type": "task", "subject": "some day" })).await;
        let done = make(json!({ "type": "call", "subject": "done", "due_at": "2026-02-01T08:00:00Z", "done": true })).await;
        let later = make(json!({ "type": "note", "subject": "noted later" })).await;
        let all = [&late, &soon, &some_day, &done, &later];
        for (filter, expected) in [
            (
                json!({ "status": "pending" }),
                vec![&late, &soon, &some_day],
            ),
            (json!({ "status": "overdue" }), vec![&late]),
            // Done last comes first.
            (json!({ "status": "done" }), vec![&later, &done]),
            (
                json!({ "status": "done", "sort": "done_at", "descending": false }),
                vec![&done, &later],
            ),
            (json!({ "type": "call", "status": "pending" }), vec![&soon]),
            (json!({ "contact": ann["id"] }), vec![&soon]),
            (
                json!({ "assignee": "me", "due_before": "2026-01-31" }),
                vec![&late],
            ),
            (json!({ "due_after": "today" }), vec![&soon]),
            (json!({ "query": "some day" }), vec![&some_day]),
            (json!({ "sort": "created_at" }), all.to_vec()),
        ] {
            let rows = app.data(&owner, "list_activities", filter.clone()).await;
            let found = ids(&rows);
            assert_eq!(found, expected, "{filter} on {engine:?}");
        }
        // Paging goes through all of them once.
        let (mut seen, mut cursor) = (Vec::new(), Value::Null);
        loop {
            let page = app
                .ok(
                    &owner,
                    "list_activities",
                    json!({ "limit": 2, "cursor": cursor }),
                )
                .await;
            seen.extend(ids(&page["data"]).into_iter().map(str::to_owned));
            cursor = page["page"]["next"].clone();
            if cursor.is_null() {
                break;
            }
        }
        let mut sorted = seen.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(
            (seen.len(), sorted.len()),
            (all.len(), all.len()),
            "on {engine:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_be_done_holds_on_to_its_people_and_what_is_done_does_not() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let ann = app
            .data(&owner, "create_contact", json!({ "name": "Ann" }))
            .await;
        let task = json!({ "type": "task", "subject": "Call her", "contact": ann["id"] });
        let task = app.data(&owner, "create_activity", task).await;
        let delete = json!({ "contact": ann["id"], "confirm": true });
        let error = app.error(&owner, "delete_contact", delete.clone()).await;
        assert_eq!(error.code(), Code::Conflict);
        assert!(
            error.message().contains(task["id"].as_str().unwrap()),
            "{error:?}"
        );
        app.ok(
            &owner,
            "complete_activity",
            json!({ "activity": task["id"] }),
        )
        .await;
        let deleted = app.ok(&owner, "delete_contact", delete).await;
        let kept = app
            .data(&owner, "get_activity", json!({ "activity": task["id"] }))
            .await;
        assert_eq!(
            kept["contact"]["name"], "Ann",
            "what was done still says with whom"
        );
        // It cannot be opened again for somebody who is gone.
        let open = json!({ "activity": task["id"], "done": false });
        let error = app.error(&owner, "update_activity", open.clone()).await;
        assert_eq!(error.code(), Code::NotFound, "{error:?}");
        app.ok(
            &owner,
            "undo_change",
            json!({ "change": deleted["change"] }),
        )
        .await;
        let opened = app.data(&owner, "update_activity", open).await;
        assert_eq!(opened["status"], "pending", "on {engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_does_not_leave_a_record_with_something_that_was_deleted_since() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let acme = app
            .data(&owner, "create_company", json!({ "name": "Acme" }))
            .await;
        let deal = json!({ "name": "Big", "company": acme["id"] });
        let deal = app.data(&owner, "create_deal", deal).await;
        let first = app
            .ok(
                &owner,
                "delete_deal",
                json!({ "deal": deal["id"], "confirm": true }),
            )
            .await;
        let second = app
            .ok(
                &owner,
                "delete_company",
                json!({ "company": acme["id"], "confirm": true }),
            )
            .await;
        let error = app
            .error(&owner, "undo_change", json!({ "change": first["change"] }))
            .await;
        assert_eq!(error.code(), Code::Conflict, "{error:?}");
        assert!(error.message().contains("company"), "{error:?}");
        app.error(&owner, "get_deal", json!({ "deal": deal["id"] }))
            .await;
        app.ok(&owner, "undo_change", json!({ "change": second["change"] }))
            .await;
        app.ok(&owner, "undo_change", json!({ "change": first["change"] }))
            .await;
        let back = app
            .data(&owner, "get_deal", json!({ "deal": deal["id"] }))
            .await;
        assert_eq!(back["company"]["name"], "Acme", "on {engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn times_are_those_of_the_workspaces_clocks() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let new = NewWorkspace {
            slug: "berlin".into(),
            time_zone: "Europe/Berlin".into(),
            ..NewWorkspace::default()
        };
        admin::create_workspace(app.store(), new).await.unwrap();
        let owner = app.dispatcher.operator(Some("berlin")).await.unwrap();
        for (given, shown, kept) in [
            (
                "2027-03-05T09:00",
                "2027-03-05T09:00:00+01:00",
                "2027-03-05T08:00:00Z",
            ),
            (
                "2027-07-05 09:00",
                "2027-07-05T09:00:00+02:00",
                "2027-07-05T07:00:00Z",
            ),
            (
                "2027-07-06T09:00:00Z",
                "2027-07-06T11:00:00+02:00",
                "2027-07-06T09:00:00Z",
            ),
            (
                "2027-07-07 at 2pm",
                "2027-07-07T14:00:00+02:00",
                "2027-07-07T12:00:00Z",
            ),
        ] {
            let new = json!({ "subject": kept, "due_at": given });
            let made = app.data(&owner, "create_activity", new).await;
            assert_eq!(made["due_at"], shown, "{given} on {engine:?}");
            assert_eq!(made["subject"], kept, "a text stays as it is");
            let made_at = made["created_at"].as_str().unwrap();
            assert!(
                made_at.ends_with("+01:00") || made_at.ends_with("+02:00"),
                "{made_at}"
            );
            let rows = sql("SELECT due_at FROM activity WHERE subject = ").value(kept.to_owned());
            let due: Timestamp = app.rows(rows).await[0].get("due_at").unwrap();
            assert_eq!(
                due,
                kept.parse::<Timestamp>().unwrap(),
                "{given} on {engine:?}"
            );
            let day = json!({ "due_after": shown, "due_before": given });
            let found = app.ok(&owner, "list_activities", day).await;
            assert_eq!(found["data"][0]["id"], made["id"], "{given} on {engine:?}");
            assert_eq!(found["resolved"]["due_after"], shown);
            assert_eq!(found["resolved"]["due_before"], shown);
        }
        for (after, before) in [
            ("2027-03-06", "2027-03-05"),
            ("2027-03-05T10:00", "2027-03-05T09:59"),
            ("tomorrow", "yesterday"),
        ] {
            let day = json!({ "due_after": after, "due_before": before });
            let error = app.error(&owner, "list_activities", day).await;
            assert_eq!(error.code(), Code::Validation, "{after}..{before}");
            assert_eq!(error.field_name(), Some("due_before"), "{after}..{before}");
        }
    }
}
