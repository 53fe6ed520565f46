//! The rules of pipelines and their stages.

use bureau_kernel::caller::Caller;
use bureau_kernel::error::Code;
use bureau_kernel::testing::{ENGINES, TestApp};
use serde_json::{Value, json};

use crate::MODULES;

async fn sales(app: &TestApp, owner: &Caller) -> Value {
    app.data(
        owner,
        "list_pipeline_stages",
        json!({ "pipeline": "Sales" }),
    )
    .await[0]
        .clone()
}

fn keep(pipeline: &Value) -> Vec<Value> {
    let stages = pipeline["stages"].as_array().expect("stages");
    stages
        .iter()
        .map(|stage| json!({ "stage": stage["id"] }))
        .collect()
}

fn names(pipeline: &Value) -> Vec<&str> {
    let stages = pipeline["stages"].as_array().expect("stages");
    stages
        .iter()
        .filter_map(|stage| stage["name"].as_str())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn stages_are_renamed_ordered_added_and_taken_away_in_one_change() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let before = sales(&app, &owner).await;
        assert_eq!(
            names(&before),
            [
                "Lead",
                "Qualified",
                "Proposal",
                "Negotiation",
                "Won",
                "Lost"
            ]
        );
        let mut stages = keep(&before);
        stages.swap(0, 1);
        stages[2]["name"] = json!("Offer");
        stages[2]["probability"] = json!(55);
        stages.remove(3);
        stages.insert(
            3,
            json!({ "name": "Contract", "probability": 90, "rotting_days": 7 }),
        );
        let change = json!({ "pipeline": before["id"], "stages": stages });
        let answer = app.ok(&owner, "update_pipeline", change).await;
        let after = sales(&app, &owner).await;
        assert_eq!(
            names(&after),
            ["Qualified", "Lead", "Offer", "Contract", "Won", "Lost"],
            "on {engine:?}"
        );
        assert_eq!(
            after["stages"][2]["id"], before["stages"][2]["id"],
            "a stage that is renamed stays the same"
        );
        assert_eq!(after["stages"][2]["probability"], 55);
        app.ok(&owner, "undo_change", json!({ "change": answer["change"] }))
            .await;
        let back = sales(&app, &owner).await;
        assert_eq!(back["stages"], before["stages"], "on {engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stage_with_open_deals_stays_and_deals_follow_its_new_probability() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let deal = json!({ "name": "Big", "amount": "1000", "stage": "Proposal" });
        let deal = app.data(&owner, "create_deal", deal).await;
        let pipeline = sales(&app, &owner).await;
        let mut without = keep(&pipeline);
        without.remove(2);
        let error = app
            .error(
                &owner,
                "update_pipeline",
                json!({ "pipeline": pipeline["id"], "stages": without }),
            )
            .await;
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::Conflict, Some("stages")),
            "{error:?}"
        );
        assert!(
            error.message().contains(deal["id"].as_str().unwrap()),
            "{error:?}"
        );
        let mut likelier = keep(&pipeline);
        likelier[2]["probability"] = json!(65);
        app.ok(
            &owner,
            "update_pipeline",
            json!({ "pipeline": pipeline["id"], "stages": likelier }),
        )
        .await;
        let summary = app.data(&owner, "get_pipeline_summary", json!({})).await;
        assert_eq!(
            summary["stages"][2]["values"][0]["weighted"], "650.00",
            "on {engine:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_one_default_pipeline_and_names_are_not_used_twice() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let renewals =
            json!({ "name": "Renewals", "stages": [{ "name": "Due" }], "is_default": true });
        let renewals = app.data(&owner, "create_pipeline", renewals).await;
        assert_eq!(
            names(&renewals),
            ["Due", "Won", "Lost"],
            "both ends are added"
        );
        let all = app.data(&owner, "list_pipeline_stages", json!({})).await;
        let defaults: Vec<&Value> = all
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| one["is_default"] == true)
            .collect();
        assert_eq!(defaults.len(), 1, "on {engine:?}");
        let deal = app
            .data(&owner, "create_deal", json!({ "name": "Next year" }))
            .await;
        assert_eq!(
            deal["pipeline"]["name"], "Renewals",
            "deals go through the default one"
        );
        for (tool, wrong, code, field) in [
            (
                "create_pipeline",
                json!({ "name": "sales", "stages": [{ "name": "a" }] }),
                Code::Conflict,
                "name",
            ),
            (
                "create_pipeline",
                json!({ "name": "New", "stages": [] }),
                Code::Validation,
                "stages",
            ),
            (
                "create_pipeline",
                json!({ "name": "New", "stages": [{ "name": "a" }, { "name": "A" }] }),
                Code::Validation,
                "stages[1].name",
            ),
            (
                "update_pipeline",
                json!({ "pipeline": renewals["id"], "is_default": false }),
                Code::Validation,
                "is_default",
            ),
            (
                "update_pipeline",
                json!({ "pipeline": renewals["id"], "name": "Sales" }),
                Code::Conflict,
                "name",
            ),
        ] {
            let error = app.error(&owner, tool, wrong.clone()).await;
            assert_eq!(
                (error.code(), error.field_name()),
                (code, Some(field)),
                "{wrong} on {engine:?}: {error:?}"
            );
        }
    }
}
