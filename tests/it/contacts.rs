//! The rules of the contacts module.

use bureau_kernel::admin::{self, AttributeDefinition};
use bureau_kernel::error::Code;
use bureau_kernel::testing::{ENGINES, TestApp};
use serde_json::{Value, json};

use crate::MODULES;

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_not_created_twice_unless_that_is_meant() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let first = json!({ "name": "Ada Lovelace", "company": "Engine Ltd", "emails": ["ada@engine.example"],
                            "phones": ["+44 20 7946 0958"] });
        let first = app.ok(&owner, "create_contact", first).await["data"].clone();
        for same in [
            json!({ "name": "Someone", "emails": ["x@y.example", "Ada@Engine.example"] }),
            json!({ "name": "Someone", "phones": ["0044 20 79460958".replace("0044", "+44")] }),
            json!({ "name": "ada  LOVELACE", "company": "engine ltd" }),
        ] {
            let error = app.error(&owner, "create_contact", same.clone()).await;
            assert_eq!(
                (error.code(), error.field_name()),
                (Code::Conflict, Some("on_duplicate")),
                "{same}"
            );
            assert_eq!(
                error.detail_value("existing").map(|one| &one["id"]),
                Some(&first["id"])
            );
        }
        let updated = json!({ "name": "A. Lovelace", "emails": ["ada@engine.example"], "city": "London",
                              "on_duplicate": "update" });
        let updated = app.ok(&owner, "create_contact", updated).await["data"].clone();
        assert_eq!(
            (&updated["id"], &updated["city"]),
            (&first["id"], &json!("London"))
        );
        assert_eq!(
            updated["phones"], first["phones"],
            "what was known stays known"
        );
        let second = json!({ "name": "Ada Lovelace", "emails": ["ada@engine.example"], "on_duplicate": "create" });
        let second = app.ok(&owner, "create_contact", second).await["data"].clone();
        assert_ne!(second["id"], first["id"]);
        let groups = app.ok(&owner, "find_duplicate_contacts", json!({})).await;
        assert_eq!(groups["data"].as_array().map(Vec::len), Some(1), "{groups}");
        assert_eq!(groups["data"][0]["contacts"][1]["id"], second["id"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_contacts_that_it_may_be_the_oldest_is_named() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let mut ids = Vec::new();
        for email in ["old@order.example", "new@order.example"] {
            let contact = json!({ "name": email, "emails": [email] });
            ids.push(app.ok(&owner, "create_contact", contact).await["data"]["id"].clone());
        }
        let both = json!({ "name": "Both", "emails": ["new@order.example", "old@order.example"] });
        let error = app.error(&owner, "create_contact", both).await;
        assert_eq!(
            error.detail_value("existing").map(|one| &one["id"]),
            Some(&ids[0]),
            "on {engine:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_cannot_be_emptied_is_refused_with_the_one_that_was_meant() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let made = app
            .ok(&owner, "create_contact", json!({ "name": "Ada" }))
            .await;
        let clear = json!({ "contact": made["data"]["id"], "clear": ["phones", "titel"] });
        let error = app.error(&owner, "update_contact", clear).await;
        assert_eq!(error.field_name(), Some("clear[1]"));
        assert!(error.message().contains("title"), "{error:?}");
        let clear = json!({ "contact": made["data"]["id"], "clear": ["zzz"] });
        let error = app.error(&owner, "update_contact", clear).await;
        assert!(error.message().contains("phones, "), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_calls_at_once_create_one_person() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let calls = (0..16).map(|_| {
            app.outcome(
                &owner,
                "create_contact",
                json!({ "name": "Ada", "emails": ["ada@race.example"] }),
            )
        });
        let outcomes = futures::future::join_all(calls).await;
        let done = outcomes
            .iter()
            .filter(|outcome| matches!(outcome, bureau_kernel::dispatch::Outcome::Done(_)));
        assert_eq!(done.count(), 1, "on {engine:?}: {outcomes:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_that_others_report_to_is_not_deleted_from_under_them() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let create = async |name: &str, more: Value| {
            let mut arguments = json!({ "name": name });
            arguments
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().cloned().unwrap_or_default());
            app.ok(&owner, "create_contact", arguments).await["data"]["id"].clone()
        };
        let boss = create("Boss", json!({})).await;
        let heir = create("Heir", json!({})).await;
        let worker = create("Worker", json!({ "reports_to": boss })).await;
        let refused = app
            .error(
                &owner,
                "delete_contact",
                json!({ "contact": boss, "confirm": true }),
            )
            .await;
        assert_eq!(refused.code(), Code::Conflict);
        assert!(
            refused.message().contains(worker.as_str().unwrap()),
            "{refused:?}"
        );
        let moved = json!({ "contact": boss, "reassign_to": heir, "confirm": true });
        let deleted = app.ok(&owner, "delete_contact", moved).await;
        let now = app
            .ok(&owner, "get_contact", json!({ "contact": worker }))
            .await;
        assert_eq!(now["data"]["reports_to"]["id"], heir);
        app.ok(
            &owner,
            "undo_change",
            json!({ "change": deleted["change"] }),
        )
        .await;
        let now = app
            .ok(&owner, "get_contact", json!({ "contact": worker }))
            .await;
        let superior = &now["data"]["reports_to"]["id"];
        assert_eq!(superior, &boss, "one undo brings both back");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_can_be_filtered_and_searched_by_everything_that_is_offered() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let member = owner.member.to_string();
        for contact in [
            json!({ "first_name": "José", "last_name": "Müller", "company": "Café Zürich", "city": "Zürich",
                    "country": "CH", "types": ["lead"], "tags": ["VIP", "fair"], "owner": member, "score": 90,
                    "phones": ["+41 44 668 18 00"], "state": "New contact", "source": "Fair 2026" }),
            json!({ "first_name": "Zoë", "last_name": "Åkesson", "types": ["customer"], "tags": ["vip"], "score": 10 }),
            json!({ "first_name": "Bob", "last_name": "Brown", "company": "cafe zurich" }),
        ] {
            app.ok(&owner, "create_contact", contact).await;
        }
        let names = async |arguments: Value| -> Vec<String> {
            let answer = app.ok(&owner, "search_contacts", arguments).await;
            answer["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row["name"].as_str().unwrap().to_owned())
                .collect()
        };
        for (arguments, expected) in [
            (json!({}), vec!["Zoë Åkesson", "Bob Brown", "José Müller"]),
            (
                json!({ "sort": "score", "descending": true, "limit": 2 }),
                vec!["José Müller", "Zoë Åkesson"],
            ),
            (json!({ "type": "lead" }), vec!["José Müller"]),
            (
                json!({ "tags": ["vip"] }),
                vec!["Zoë Åkesson", "José Müller"],
            ),
            (json!({ "tags": ["vip", "Fair"] }), vec!["José Müller"]),
            (
                json!({ "company": "CAFÉ ZURICH" }),
                vec!["Bob Brown", "José Müller"],
            ),
            (
                json!({ "city": "zurich", "country": "ch", "state": "new contact", "source": "fair 2026" }),
                vec!["José Müller"],
            ),
            (json!({ "owner": member }), vec!["José Müller"]),
            (json!({ "created_after": "tomorrow" }), vec![]),
            (
                json!({ "created_before": "today", "created_after": "-1d", "sort": "created_at" }),
                vec!["José Müller", "Zoë Åkesson", "Bob Brown"],
            ),
            (json!({ "query": "jose muller" }), vec!["José Müller"]),
            (json!({ "query": "mulle" }), vec!["José Müller"]),
            (json!({ "query": "akeson" }), vec!["Zoë Åkesson"]),
            (json!({ "query": "6681800" }), vec!["José Müller"]),
            (
                json!({ "query": "zurich", "type": "lead" }),
                vec!["José Müller"],
            ),
            (
                json!({ "query": "zurich", "created_after": "tomorrow" }),
                vec![],
            ),
            (json!({ "query": "nobody at all" }), vec![]),
        ] {
            assert_eq!(
                names(arguments.clone()).await,
                expected,
                "{arguments} on {engine:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn custom_attributes_follow_their_definitions() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let error = app
            .error(
                &owner,
                "create_contact",
                json!({ "name": "A", "attributes": { "vat": "x" } }),
            )
            .await;
        assert_eq!(error.field_name(), Some("attributes.vat"));
        let store = &app.dispatcher.app().store;
        for (name, kind) in [
            ("vat_number", "text"),
            ("employees", "number"),
            ("since", "date"),
        ] {
            let definition = AttributeDefinition {
                entity: "contact".into(),
                name: name.into(),
                kind: kind.into(),
                about: None,
            };
            admin::define_attribute(store, "main", &["contact"], definition)
                .await
                .unwrap();
        }
        let attributes = json!({ "vat_number": "DE1", "employees": 7, "since": "2020-01-31" });
        let created = app
            .ok(
                &owner,
                "create_contact",
                json!({ "name": "A", "attributes": attributes }),
            )
            .await;
        assert_eq!(created["data"]["attributes"], attributes);
        let error = app
            .error(
                &owner,
                "create_contact",
                json!({ "name": "B", "attributes": { "vat_numbr": "x" } }),
            )
            .await;
        assert!(
            error.hint_text().unwrap().contains("vat_number"),
            "{error:?}"
        );
        let error = app
            .error(
                &owner,
                "create_contact",
                json!({ "name": "B", "attributes": { "since": "soon" } }),
            )
            .await;
        assert_eq!(error.field_name(), Some("attributes.since"));
        let id = created["data"]["id"].clone();
        // What a client in strict mode fills in says nothing; a name in `clear` does.
        let update = json!({ "contact": id, "attributes": { "employees": 8, "vat_number": null, "since": "" }, "clear": ["attributes.since"] });
        let updated = app.ok(&owner, "update_contact", update).await;
        assert_eq!(
            updated["data"]["attributes"],
            json!({ "vat_number": "DE1", "employees": 8 })
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_national_number_is_read_where_the_contact_or_the_workspace_is() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let german = json!({ "name": "A", "country": "DE", "phones": [{ "phone": "030 901820", "type": "work" }] });
        let created = app.ok(&owner, "create_contact", german).await;
        assert_eq!(
            created["data"]["phones"],
            json!([{ "phone": "030 901820", "type": "work", "e164": "+4930901820" }])
        );
        let unknown = app
            .ok(
                &owner,
                "create_contact",
                json!({ "name": "B", "phones": ["030 901820"] }),
            )
            .await;
        assert_eq!(
            unknown["data"]["phones"],
            json!([{ "phone": "030 901820" }])
        );
        let error = app
            .error(
                &owner,
                "create_contact",
                json!({ "name": "C", "phones": ["+1 415", "call me"] }),
            )
            .await;
        assert_eq!(error.field_name(), Some("phones[1].phone"));
    }
}
