//! The rules of scorecards: one for each interview, by whoever asked, afterwards, and no other's before one's own.

use bureau_kernel::admin::{self, NewKey, NewMember};
use bureau_kernel::caller::{Caller, Role};
use bureau_kernel::error::Code;
use bureau_kernel::permission::Grants;
use bureau_kernel::testing::{ENGINES, TestApp};
use serde_json::{Value, json};

use crate::MODULES;

/// A member of this name, who interviews and writes scorecards.
async fn interviewer(app: &TestApp, name: &str) -> Caller {
    let store = &app.dispatcher.app().store;
    let new = NewMember {
        name: name.into(),
        role: Role::Member,
        ..NewMember::default()
    };
    admin::add_member(store, "main", new).await.unwrap();
    let permissions = ["read_candidates", "create_scorecards"].into_iter();
    let new = NewKey {
        name: name.into(),
        grants: Grants::parse(permissions, &app.dispatcher.registry().permissions()).unwrap(),
        workspaces: vec!["main".into()],
        member: Some(name.into()),
        expires_at: None,
        confirm: None,
        calls_per_hour: None,
    };
    let (key, _) = admin::create_key(store, new).await.unwrap();
    app.dispatcher.authenticate(&key, None).await.unwrap()
}

/// What somebody sees of the scorecards about Ada: their overall values, and how many are hidden.
async fn seen(app: &TestApp, caller: &Caller) -> (Vec<String>, Value) {
    let ada = app
        .data(caller, "get_candidate", json!({ "candidate": "Ada" }))
        .await;
    let application = &ada["applications"][0];
    let cards = application["scorecards"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let overall = cards
        .iter()
        .map(|card| card["overall"].as_str().unwrap().to_owned());
    (overall.collect(), application["hidden_scorecards"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_interviewer_writes_one_after_the_interview_and_sees_no_others_before() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        app.ok(&owner, "create_job", json!({ "title": "Engineer" }))
            .await;
        let ada = json!({ "name": "Ada", "job": "Engineer" });
        let ada = app.data(&owner, "create_candidate", ada).await;
        let application = &ada["applications"][0]["id"];
        let vimes = interviewer(&app, "Vimes").await;
        let carrot = interviewer(&app, "Carrot").await;
        let nobby = interviewer(&app, "Nobby").await;
        let card = |overall: &str| json!({ "application": application, "overall": overall });
        let plan = |who: Value, at: &str| json!({ "application": application, "interviewers": who, "starts_at": at });
        // Only by those who are assigned, and not before the interview.
        let error = app.error(&vimes, "create_scorecard", card("yes")).await;
        assert_eq!(error.code(), Code::Forbidden, "{engine:?}: {error:?}");
        app.ok(
            &owner,
            "create_interview",
            plan(json!(["Vimes", "Carrot"]), "tomorrow 10:00"),
        )
        .await;
        let error = app.error(&vimes, "create_scorecard", card("yes")).await;
        assert_eq!(error.code(), Code::Conflict);
        // Planned again it is moved, and not a second one.
        app.ok(
            &owner,
            "create_interview",
            plan(json!(["Carrot", "Vimes"]), "yesterday 10:00"),
        )
        .await;
        let known = app
            .data(&owner, "get_candidate", json!({ "candidate": "Ada" }))
            .await;
        let interviews = known["applications"][0]["interviews"]
            .as_array()
            .unwrap()
            .len();
        assert_eq!(interviews, 2);
        for (wrong, field) in [
            (json!({ "application": application }), "overall"),
            (
                json!({ "application": application, "overall": "great" }),
                "overall",
            ),
            (
                json!({ "application": application, "overall": "no",
                        "ratings": [{ "attribute": "Rust", "rating": "no" }, { "attribute": "rust", "rating": "yes" }] }),
                "ratings[1].attribute",
            ),
        ] {
            let error = app.error(&vimes, "create_scorecard", wrong.clone()).await;
            assert_eq!(error.field_name(), Some(field), "{wrong}: {error:?}");
        }
        let ratings = json!([{ "attribute": "Rust", "rating": "strong_yes" }]);
        let mut vimes_card = card("yes");
        vimes_card["ratings"] = ratings;
        app.ok(&vimes, "create_scorecard", vimes_card).await;
        let error = app.error(&vimes, "create_scorecard", card("no")).await;
        assert_eq!(error.code(), Code::Conflict, "one each: {error:?}");
        // Whoever has yet to write one sees none of the others, whoever has sees all, and whoever has no part in it none.
        assert_eq!(seen(&app, &carrot).await, (vec![], json!(1)));
        assert_eq!(seen(&app, &nobby).await, (vec![], json!(1)));
        assert_eq!(seen(&app, &owner).await, (vec!["yes".into()], Value::Null));
        app.ok(&carrot, "create_scorecard", card("mixed")).await;
        let both = vec!["yes".to_owned(), "mixed".to_owned()];
        assert_eq!(seen(&app, &carrot).await, (both.clone(), Value::Null));
        assert_eq!(seen(&app, &vimes).await, (both.clone(), Value::Null));
        assert_eq!(seen(&app, &nobby).await, (vec![], json!(2)));
        // The owner too, once they owe one themselves.
        app.ok(
            &owner,
            "create_interview",
            plan(json!(["me"]), "yesterday 12:00"),
        )
        .await;
        assert_eq!(seen(&app, &owner).await, (vec![], json!(2)));
        app.ok(&owner, "create_scorecard", card("no")).await;
        assert_eq!(seen(&app, &owner).await.0.len(), 3);
        // A second talk is a second scorecard.
        app.ok(
            &owner,
            "create_interview",
            plan(json!(["Vimes"]), "yesterday 15:00"),
        )
        .await;
        assert_eq!(seen(&app, &vimes).await, (vec!["yes".into()], json!(2)));
        app.ok(&vimes, "create_scorecard", card("strong_yes")).await;
        assert_eq!(seen(&app, &vimes).await.0.len(), 4);
        let gone =
            json!({ "application": application, "status": "withdrawn", "reason": "location" });
        app.ok(&owner, "update_application_status", gone).await;
        let error = app
            .error(&owner, "create_interview", plan(json!(["me"]), "tomorrow"))
            .await;
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::Conflict, Some("application"))
        );
    }
}
