//! The rules of offers: their steps and versions, and no more of them accepted than there are openings.

use bureau_kernel::caller::Caller;
use bureau_kernel::error::Code;
use bureau_kernel::testing::{ENGINES, TestApp};
use serde_json::{Value, json};

use crate::MODULES;

/// Candidates of these names for a job with so many openings: the job and their applications.
async fn applicants(
    app: &TestApp,
    owner: &Caller,
    openings: i64,
    names: &[&str],
) -> (Value, Vec<Value>) {
    let job = json!({ "title": "Engineer", "openings": openings });
    let job = app.data(owner, "create_job", job).await;
    let mut applications = Vec::new();
    for name in names {
        let new = json!({ "name": name, "job": job["id"] });
        let made = app.data(owner, "create_candidate", new).await;
        applications.push(made["applications"][0]["id"].clone());
    }
    (job, applications)
}

async fn offer(app: &TestApp, owner: &Caller, application: &Value) -> Value {
    let new = json!({ "application": application, "pay": "60000", "currency": "EUR" });
    app.ok(owner, "create_offer", new).await
}

async fn step(app: &TestApp, owner: &Caller, offer: &Value, more: Value) -> Value {
    let mut arguments = more;
    arguments["offer"] = offer["id"].clone();
    app.data(owner, "update_offer", arguments).await
}

/// Approved and sent.
async fn send(app: &TestApp, owner: &Caller, offer: &Value) {
    for status in ["approved", "sent"] {
        step(app, owner, offer, json!({ "status": status })).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_goes_its_way_and_each_version_is_kept() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let (_, applications) = applicants(&app, &owner, 1, &["Ada"]).await;
        for (wrong, field) in [
            (json!({ "pay": "0" }), "pay"),
            (json!({ "pay": "-5" }), "pay"),
            (json!({ "pay": "1.005" }), "pay"),
            (
                json!({ "pay": "1", "start_on": "2027-01-01", "expires_on": "2027-02-01" }),
                "expires_on",
            ),
        ] {
            let mut arguments = wrong.clone();
            arguments["application"] = applications[0].clone();
            arguments["currency"] = "EUR".into();
            let error = app.error(&owner, "create_offer", arguments).await;
            assert_eq!(error.field_name(), Some(field), "{wrong}: {error:?}");
        }
        let made = offer(&app, &owner, &applications[0]).await["data"].clone();
        assert_eq!(made["status"], "draft");
        let again = json!({ "application": applications[0], "pay": "1" });
        let error = app.error(&owner, "create_offer", again).await;
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::Conflict, Some("application"))
        );
        for skips in ["sent", "accepted", "declined"] {
            let skips = json!({ "offer": made["id"], "status": skips });
            let error = app.error(&owner, "update_offer", skips).await;
            assert_eq!(
                (error.code(), error.field_name()),
                (Code::Conflict, Some("status"))
            );
        }
        step(&app, &owner, &made, json!({ "status": "approved" })).await;
        // What the candidate has binds the firm: a person is asked.
        let sends = json!({ "offer": made["id"], "status": "sent" });
        let error = app.error(&owner, "update_offer", sends.clone()).await;
        assert_eq!(error.code(), Code::ConfirmationRequired);
        let sent = app.ok(&owner, "update_offer", sends).await["data"].clone();
        assert!(sent["sent_on"].is_string(), "{engine:?}: {sent}");
        for (wrong, field) in [
            (json!({ "status": "accepted", "on": "tomorrow" }), "on"),
            (json!({ "status": "accepted", "on": "yesterday" }), "on"),
            (json!({ "on": "today" }), "on"),
            (json!({ "reason": "Too little" }), "reason"),
        ] {
            let mut arguments = wrong.clone();
            arguments["offer"] = made["id"].clone();
            let error = app.error(&owner, "update_offer", arguments).await;
            assert_eq!(error.field_name(), Some(field), "{wrong}: {error:?}");
        }
        // Other terms are another version, which has its way before it.
        let second = step(&app, &owner, &made, json!({ "pay": "65000" })).await;
        assert_eq!(
            (&second["status"], &second["revision"]),
            (&json!("draft"), &json!(2))
        );
        assert_eq!(second["sent_on"], Value::Null);
        assert_eq!(second["earlier"][0]["status"], "sent");
        assert_eq!(second["earlier"][0]["sent_on"], sent["sent_on"]);
        let early = json!({ "offer": made["id"], "status": "accepted" });
        let error = app.error(&owner, "update_offer", early).await;
        assert_eq!(error.field_name(), Some("status"));
        send(&app, &owner, &made).await;
        let no = json!({ "status": "declined", "reason": "Too little" });
        let no = step(&app, &owner, &made, no).await;
        assert_eq!(no["decision"], "Too little");
        let third = step(
            &app,
            &owner,
            &made,
            json!({ "pay": "70000", "expires_on": "-1d" }),
        )
        .await;
        assert_eq!(third["earlier"][1]["decision"], "Too little");
        step(&app, &owner, &made, json!({ "status": "approved" })).await;
        let late = json!({ "offer": made["id"], "status": "sent" });
        let error = app.error(&owner, "update_offer", late).await;
        assert!(
            error.hint_text().unwrap().contains("expires_on"),
            "{error:?}"
        );
        step(&app, &owner, &made, json!({ "expires_on": "today" })).await;
        send(&app, &owner, &made).await;
        let yes = step(&app, &owner, &made, json!({ "status": "accepted" })).await;
        assert_eq!(yes["revision"], 4);
        let frozen = json!({ "offer": made["id"], "pay": "1" });
        let error = app.error(&owner, "update_offer", frozen).await;
        assert_eq!(error.code(), Code::Conflict);
        // Who accepts is hired, and says so.
        let ada = app
            .data(&owner, "get_candidate", json!({ "candidate": "Ada" }))
            .await;
        let application = &ada["applications"][0];
        assert_eq!(application["status"], "hired");
        assert_eq!(application["accepted_on"], yes["decided_on"]);
        assert_eq!(application["offers"][0]["id"], made["id"]);
        assert_eq!(application["offers"][0]["pay"], "70000.00");
        // What is paid is not for everybody who sees candidates.
        let (_, clerk) = app.key(&["read_candidates"]).await;
        let ada = app
            .data(&clerk, "get_candidate", json!({ "candidate": "Ada" }))
            .await;
        assert!(ada["applications"][0].get("offers").is_none(), "{ada}");
        let told = app.data(&owner, "get_recruiting_metrics", json!({})).await;
        let offers = &told["offers"];
        assert_eq!(
            (&offers["accepted"], &offers["declined"]),
            (&json!(1), &json!(0))
        );
        assert_eq!(
            offers.get("acceptance_rate").unwrap_or(&Value::Null),
            &Value::Null
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn offers_beyond_the_openings_are_warned_of_and_not_accepted() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let (job, applications) = applicants(&app, &owner, 1, &["Ada", "Bob", "Cyd"]).await;
        let first = offer(&app, &owner, &applications[0]).await;
        assert!(first.get("notices").is_none(), "{first}");
        let second = offer(&app, &owner, &applications[1]).await;
        assert_eq!(
            second["notices"][0]["code"], "WARNING",
            "{engine:?}: {second}"
        );
        for made in [&first, &second] {
            send(&app, &owner, &made["data"]).await;
        }
        let yes = json!({ "status": "accepted" });
        step(&app, &owner, &first["data"], yes).await;
        let beyond = json!({ "offer": second["data"]["id"], "status": "accepted" });
        let error = app.error(&owner, "update_offer", beyond.clone()).await;
        assert_eq!(error.code(), Code::Conflict);
        assert!(
            error.hint_text().unwrap().contains("add_openings"),
            "{error:?}"
        );
        let more = json!({ "job": job["id"], "add_openings": 1 });
        app.ok(&owner, "update_job", more).await;
        let accepted = app.ok(&owner, "update_offer", beyond).await;
        let now = app
            .data(&owner, "get_job", json!({ "job": job["id"] }))
            .await;
        assert_eq!(
            (&now["open_openings"], &now["filled_openings"]),
            (&json!(0), &json!(2))
        );
        // One call hired, filled and moved; one undo takes it all back.
        let undo = json!({ "change": accepted["change"] });
        app.ok(&owner, "undo_change", undo).await;
        let now = app
            .data(&owner, "get_job", json!({ "job": job["id"] }))
            .await;
        assert_eq!(
            (&now["open_openings"], &now["filled_openings"]),
            (&json!(1), &json!(1))
        );
        let bob = app
            .data(&owner, "get_candidate", json!({ "candidate": "Bob" }))
            .await;
        assert_eq!(bob["applications"][0]["status"], "in_progress");
        assert_eq!(bob["applications"][0]["offers"][0]["status"], "sent");
        // Who has left is offered nothing, and accepts nothing.
        for application in [&applications[1], &applications[2]] {
            let gone =
                json!({ "application": application, "status": "withdrawn", "reason": "location" });
            app.ok(&owner, "update_application_status", gone).await;
        }
        let none = json!({ "application": applications[2], "pay": "1" });
        let error = app.error(&owner, "create_offer", none).await;
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::Conflict, Some("application"))
        );
        let gone = json!({ "offer": second["data"]["id"], "status": "accepted" });
        let error = app.error(&owner, "update_offer", gone).await;
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::Conflict, Some("status"))
        );
    }
}
