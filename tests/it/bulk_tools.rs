//! Changes of many records by one call: all or none, each named once, undone as one.

use bureau_kernel::caller::Caller;
use bureau_kernel::error::Code;
use bureau_kernel::testing::{ENGINES, TestApp};
use serde_json::{Value, json};

use crate::MODULES;

async fn contacts(app: &TestApp, owner: &Caller, number: usize) -> Vec<Value> {
    let mut ids = Vec::new();
    for index in 0..number {
        let new =
            json!({"name": format!("Contact {index}"), "tags": ["Old"], "on_duplicate": "create"});
        ids.push(app.ok(owner, "create_contact", new).await["data"]["id"].clone());
    }
    ids
}

async fn deals(app: &TestApp, owner: &Caller, number: usize) -> Vec<Value> {
    let mut ids = Vec::new();
    for index in 0..number {
        let new = json!({"name": format!("Deal {index}"), "amount": "10", "tags": ["Old"]});
        ids.push(app.ok(owner, "create_deal", new).await["data"]["id"].clone());
    }
    ids
}

async fn all(app: &TestApp, owner: &Caller, tool: &str, field: &str, ids: &[Value]) -> Vec<Value> {
    let mut found = Vec::new();
    for id in ids {
        let mut arguments = json!({});
        arguments[field] = id.clone();
        found.push(app.ok(owner, tool, arguments).await["data"].clone());
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn many_contacts_change_alike_and_one_undo_takes_it_back() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let ids = contacts(&app, &owner, 70).await;
        let before = all(&app, &owner, "get_contact", "contact", &ids).await;
        // One of them is so already.
        let so = json!({"contact": ids[3], "owner": owner.member, "state": "Warm", "types": ["customer"], "score": 9,
                        "tags": ["new"]});
        app.ok(&owner, "update_contact", so).await;
        let change = json!({"contacts": ids, "owner": owner.member, "state": "Warm", "types": ["customer"], "score": 9,
                            "add_tags": ["new", "NEW"], "remove_tags": ["oLD"]});
        let answer = app.ok(&owner, "bulk_update_contacts", change.clone()).await;
        assert_eq!(
            answer["data"],
            json!({"updated": 69, "unchanged": 1}),
            "{engine:?}"
        );
        for contact in all(&app, &owner, "get_contact", "contact", &ids).await {
            assert_eq!(
                (&contact["tags"], &contact["state"], &contact["score"]),
                (&json!(["new"]), &json!("Warm"), &json!(9))
            );
            assert_eq!(
                (&contact["types"], &contact["owner"]["id"]),
                (&json!(["customer"]), &json!(owner.member))
            );
        }
        let found = json!({"tags": ["new"], "state": "warm", "limit": 100});
        let found = app.ok(&owner, "search_contacts", found).await;
        assert_eq!(found["data"].as_array().unwrap().len(), 70);
        let log = json!({"record": answer["change"], "limit": 100});
        let log = app.ok(&owner, "get_audit_log", log).await;
        assert_eq!(log["data"].as_array().unwrap().len(), 69);
        let again = app.ok(&owner, "bulk_update_contacts", change).await;
        assert_eq!(again["data"], json!({"updated": 0, "unchanged": 70}));
        assert!(again.get("change").is_none(), "{again}");
        app.ok(&owner, "undo_change", json!({"change": answer["change"]}))
            .await;
        let after = all(&app, &owner, "get_contact", "contact", &ids).await;
        for (index, (after, before)) in after.iter().zip(&before).enumerate() {
            if index != 3 {
                assert_eq!(
                    (&after["tags"], &after["state"], &after["types"]),
                    (&before["tags"], &before["state"], &before["types"])
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_one_of_many_is_named_by_its_place_and_nothing_is_written() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let other = app.tenant("other").await;
        for (tool, list, ids, theirs) in [
            (
                "bulk_update_contacts",
                "contacts",
                contacts(&app, &owner, 5).await,
                contacts(&app, &other, 1).await,
            ),
            (
                "bulk_update_deals",
                "deals",
                deals(&app, &owner, 5).await,
                deals(&app, &other, 1).await,
            ),
        ] {
            let with = |place: usize, id: &Value| {
                let mut named = ids.clone();
                named[place] = id.clone();
                let mut arguments = json!({"source": "Fair"});
                arguments[list] = named.into();
                arguments
            };
            let (prefix, _) = ids[0].as_str().unwrap().split_once('_').unwrap();
            let many: Vec<Value> = (0..501).map(|_| ids[0].clone()).collect();
            let none: [Value; 0] = [];
            let mut too_many = json!({"source": "Fair"});
            too_many[list] = many.into();
            let mut empty = json!({"source": "Fair"});
            empty[list] = none.as_slice().into();
            for (arguments, code, field) in [
                (with(3, &theirs[0]), Code::NotFound, format!("{list}[3]")),
                (with(4, &ids[1]), Code::Validation, format!("{list}[4]")),
                (
                    with(2, &json!(format!("{prefix}_x"))),
                    Code::Validation,
                    format!("{list}[2]"),
                ),
                (
                    with(2, &json!("nobody")),
                    Code::NotFound,
                    format!("{list}[2]"),
                ),
                (too_many, Code::Validation, list.to_owned()),
                (empty, Code::Validation, list.to_owned()),
            ] {
                let error = app.error(&owner, tool, arguments.clone()).await;
                assert_eq!(
                    (error.code(), error.field_name()),
                    (code, Some(field.as_str())),
                    "{arguments} on {engine:?}: {error}"
                );
            }
            let mut stranger = json!({"owner": other.member});
            stranger[list] = ids.clone().into();
            let error = app.error(&owner, tool, stranger).await;
            assert_eq!(
                (error.code(), error.field_name()),
                (Code::NotFound, Some("owner"))
            );
            let mut versioned = with(0, &ids[0]);
            versioned["version"] = 1.into();
            let error = app.error(&owner, tool, versioned).await;
            assert_eq!(error.field_name(), Some("version"));
            let mut unknown = with(0, &ids[0]);
            unknown["name"] = "All the same".into();
            let error = app.error(&owner, tool, unknown).await;
            assert_eq!(error.code(), Code::Validation);
            let singular = list.trim_end_matches('s');
            for record in all(&app, &owner, &format!("get_{singular}"), singular, &ids).await {
                assert_eq!(record["version"], 1, "{record}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_deals_take_the_same_course() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let ids = deals(&app, &owner, 20).await;
        let moved = json!({"deals": ids, "stage": "Proposal", "add_tags": ["Q4"], "remove_tags": ["old"], "expected_close": "end of month"});
        let moved = app.ok(&owner, "bulk_update_deals", moved).await;
        assert_eq!(moved["data"]["updated"], 20);
        for deal in all(&app, &owner, "get_deal", "deal", &ids).await {
            assert_eq!(
                (&deal["stage"]["name"], &deal["tags"]),
                (&json!("Proposal"), &json!(["Q4"]))
            );
            assert!(deal["expected_close"].is_string());
        }
        let reasonless = json!({"deals": ids, "status": "lost"});
        let error = app.error(&owner, "bulk_update_deals", reasonless).await;
        assert_eq!(error.field_name(), Some("lost_reason"));
        assert_eq!(error.detail_value("record"), Some(&json!("deals[0]")));
        let lost =
            json!({"deals": ids, "status": "lost", "lost_reason": "Price", "clear": ["tags"]});
        let lost = app.ok(&owner, "bulk_update_deals", lost).await;
        for deal in all(&app, &owner, "get_deal", "deal", &ids).await {
            assert_eq!(
                (&deal["status"], &deal["lost_reason"]),
                (&json!("lost"), &json!("Price"))
            );
            assert!(
                deal["closed_on"].is_string() && deal.get("tags").is_none(),
                "{deal}"
            );
        }
        app.ok(&owner, "undo_change", json!({"change": lost["change"]}))
            .await;
        for deal in all(&app, &owner, "get_deal", "deal", &ids).await {
            assert_eq!(
                (&deal["stage"]["name"], &deal["status"]),
                (&json!("Proposal"), &json!("open"))
            );
            assert_eq!(deal["tags"], json!(["Q4"]));
        }
    }
}
