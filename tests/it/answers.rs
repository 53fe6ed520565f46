//! What an owner asks in passing: names with words round them, firms with and without their legal form, people of one name,
//! countries by whatever name, and what a call came to.

use bureau_companies::Company;
use bureau_kernel::admin::{self, AttributeDefinition, NewWorkspace};
use bureau_kernel::caller::Caller;
use bureau_kernel::error::Code;
use bureau_kernel::prelude::{Attributes, Cx, Json, ShortText};
use bureau_kernel::testing::{ENGINES, TestApp};
use serde_json::{Value, json};

use crate::MODULES;

/// The names of a list's rows.
async fn names(app: &TestApp, caller: &Caller, tool: &str, arguments: Value) -> Vec<String> {
    let rows = app.data(caller, tool, arguments).await;
    let rows = rows.as_array().cloned().unwrap_or_default();
    rows.iter()
        .map(|row| row["name"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_with_words_round_the_name_finds_it_and_says_so() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        for (name, company) in [
            ("Jürgen Keller", "Brandt Maschinenbau"),
            ("Jürgen Pohl", "Brandt Maschinenbau"),
            ("Jürgen Adler", "Rheinufer"),
        ] {
            let contact = json!({ "name": name, "company": company });
            app.ok(&owner, "create_contact", contact).await;
        }
        app.ok(
            &owner,
            "create_company",
            json!({ "name": "Brandt Maschinenbau" }),
        )
        .await;
        for (query, wanted, says) in [
            ("Jürgen Brandt", vec!["Jürgen Pohl", "Jürgen Keller"], None),
            (
                "Jürgen from Brandt",
                vec!["Jürgen Pohl", "Jürgen Keller"],
                Some("\"from\" was passed over"),
            ),
            (
                "Herr Keller von Brandt",
                vec!["Jürgen Keller"],
                Some("was passed over"),
            ),
            (
                "Jürgen Keller Hamburg",
                vec!["Jürgen Keller"],
                Some("these have 2 of 3"),
            ),
            ("Xaver Unbekannt Nirgends", vec![], None),
        ] {
            let found = app
                .ok(&owner, "search_contacts", json!({ "query": query }))
                .await;
            let rows = found["data"].as_array().unwrap();
            let rows: Vec<&str> = rows
                .iter()
                .map(|row| row["name"].as_str().unwrap())
                .collect();
            assert_eq!(rows, wanted, "{query} on {engine:?}");
            let notice = &found["notices"][0];
            match says {
                None => assert_eq!(notice, &Value::Null, "{query} on {engine:?}"),
                Some(says) => {
                    assert_eq!(notice["code"], "SOME_WORDS", "{query} on {engine:?}");
                    let message = notice["message"].as_str().unwrap();
                    assert!(message.contains(says), "{message}");
                }
            }
        }
        // Pages of it stay in step.
        let query = json!({ "query": "Jürgen from Brandt", "limit": 1 });
        let first = app.ok(&owner, "search_contacts", query.clone()).await;
        let mut next = query;
        next["cursor"] = first["page"]["next"].clone();
        let next = app.ok(&owner, "search_contacts", next).await;
        assert_eq!(next["data"][0]["name"], "Jürgen Keller", "{engine:?}");
        assert_eq!(next["page"], Value::Null);
        let with_form = json!({ "query": "Brandt GmbH" });
        let found = names(&app, &owner, "search_companies", with_form).await;
        assert_eq!(found, ["Brandt Maschinenbau"], "{engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_matches_a_text_is_put_in_any_order() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        for (name, amount) in [("Roof one", "5"), ("Roof two", "900"), ("Cellar", "7")] {
            let deal = json!({ "name": name, "amount": amount });
            app.ok(&owner, "create_deal", deal).await;
        }
        let query = json!({ "query": "roof", "sort": "amount", "descending": true, "limit": 1 });
        let first = app.ok(&owner, "list_deals", query.clone()).await;
        assert_eq!(first["data"][0]["name"], "Roof two", "{engine:?}");
        let mut next = query;
        next["cursor"] = first["page"]["next"].clone();
        let next = app.ok(&owner, "list_deals", next).await;
        assert_eq!(next["data"][0]["name"], "Roof one", "{engine:?}");
        assert_eq!(next["page"], Value::Null, "{engine:?}");
        let none = json!({ "query": "garden", "sort": "name" });
        assert!(names(&app, &owner, "list_deals", none).await.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_employer_is_found_by_a_part_of_its_name() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        for company in ["Brandt Maschinenbau", "Nordlicht Energie", "Nordlicht Bau"] {
            app.ok(&owner, "create_company", json!({ "name": company }))
                .await;
            let contact = json!({ "name": format!("Of {company}"), "company": company });
            app.ok(&owner, "create_contact", contact).await;
        }
        let by = json!({ "company": "Brandt" });
        let found = app.ok(&owner, "search_contacts", by).await;
        assert_eq!(
            found["data"][0]["name"], "Of Brandt Maschinenbau",
            "{engine:?}"
        );
        assert_eq!(found["resolved"]["company"]["name"], "Brandt Maschinenbau");
        let by = json!({ "company": "Brandt Maschinenbau GmbH" });
        let found = names(&app, &owner, "search_contacts", by).await;
        assert_eq!(found, ["Of Brandt Maschinenbau"], "{engine:?}");
        let several = json!({ "company": "Nordlicht" });
        let error = app.error(&owner, "search_contacts", several).await;
        assert_eq!(error.field_name(), Some("company"));
        let hint = error.hint_text().unwrap();
        assert!(
            hint.contains("Nordlicht Energie") && hint.contains("Nordlicht Bau"),
            "{hint}"
        );
        // A call that names a firm as it is registered means it.
        let deal = json!({ "name": "Roof", "company": "Brandt Maschinenbau GmbH" });
        let deal = app.ok(&owner, "create_deal", deal).await;
        assert_eq!(
            deal["data"]["company"]["name"], "Brandt Maschinenbau",
            "{engine:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_legal_form_hides_no_duplicate_and_another_form_is_another_firm() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let create = |name: &str| json!({ "name": name });
        let first = app
            .data(&owner, "create_company", create("Brandt Maschinenbau"))
            .await;
        for same in [
            "Brandt Maschinenbau GmbH",
            "brandt maschinenbau g.m.b.h.",
            "Brandt Maschinenbau & Co. KG",
        ] {
            let error = app.error(&owner, "create_company", create(same)).await;
            assert_eq!(error.code(), Code::Conflict, "{same} on {engine:?}");
            let existing = error.detail_value("existing").unwrap();
            assert_eq!(existing["id"], first["id"], "{same} on {engine:?}");
        }
        app.ok(&owner, "create_company", create("Acme GmbH")).await;
        app.ok(&owner, "create_company", create("Acme Inc.")).await;
        let error = app.error(&owner, "create_company", create("Acme")).await;
        assert_eq!(error.code(), Code::Conflict, "{engine:?}");
        let deal = json!({ "name": "Roof", "company": "Acme" });
        let error = app.error(&owner, "create_deal", deal).await;
        assert!(error.message().contains("2 are called so"), "{error:?}");
        let deal = json!({ "name": "Roof", "company": "acme inc" });
        let deal = app.data(&owner, "create_deal", deal).await;
        assert_eq!(deal["company"]["name"], "Acme Inc.", "{engine:?}");
        let unknown = json!({ "name": "Roof", "company": "Acme Ltd" });
        let error = app.error(&owner, "create_deal", unknown).await;
        assert_eq!(error.code(), Code::NotFound, "{engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_of_one_name_and_firm_are_two_where_all_else_differs() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let person = |email: &str, phone: &str| json!({ "name": "Anna Schmidt", "company": "Brandt GmbH", "emails": [email], "phones": [phone] });
        let first = person("anna@brandt.example", "+49 30 901820");
        app.ok(&owner, "create_contact", first).await;
        let second = person("anna.schmidt@brandt.example", "+49 30 901821");
        app.ok(&owner, "create_contact", second.clone()).await;
        for same in [
            json!({ "name": "Anna Schmidt", "company": "Brandt" }),
            json!({ "name": "Anna Schmidt", "company": "Brandt", "emails": ["third@brandt.example"] }),
            second,
        ] {
            let error = app.error(&owner, "create_contact", same.clone()).await;
            assert_eq!(error.code(), Code::Conflict, "{same} on {engine:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_country_is_stored_as_its_code_and_found_by_any_name() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        for (name, country) in [
            ("A", "Germany"),
            ("B", "Deutschland"),
            ("C", "USA"),
            ("D", "Atlantis"),
        ] {
            let contact = json!({ "name": name, "country": country });
            app.ok(&owner, "create_contact", contact).await;
            let company = json!({ "name": name, "country": country });
            app.ok(&owner, "create_company", company).await;
        }
        for tool in ["search_contacts", "search_companies"] {
            for (country, wanted) in [
                ("DE", vec!["A", "B"]),
                ("deutschland", vec!["A", "B"]),
                ("United States", vec!["C"]),
                ("us", vec!["C"]),
                ("atlantis", vec!["D"]),
            ] {
                let found = names(&app, &owner, tool, json!({ "country": country })).await;
                assert_eq!(found, wanted, "{tool} {country} on {engine:?}");
            }
            let text = json!({ "query": "germany", "sort": "name" });
            let found = names(&app, &owner, tool, text).await;
            assert_eq!(found, ["A", "B"], "{tool} on {engine:?}");
        }
        let first = names(&app, &owner, "search_companies", json!({ "country": "DE" })).await;
        let company = json!({ "company": first[0] });
        let company = app.data(&owner, "get_company", company).await;
        assert_eq!(company["country"], "DE");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_no_answer_has_is_refused_with_the_one_that_is_meant() {
    let app = TestApp::new(ENGINES[0], MODULES).await;
    let owner = app.owner().await;
    let contact = json!({ "name": "Ada", "fields": ["id", "version"] });
    let made = app.ok(&owner, "create_contact", contact).await;
    assert_eq!(made["data"].as_object().unwrap().len(), 2, "{made}");
    for (tool, field, meant) in [
        ("search_contacts", "nmae", "Did you mean name?"),
        ("search_contacts", "wardrobe", "There are: id, "),
        ("get_workspace", "timezone", "Did you mean time_zone?"),
    ] {
        let error = json!({ "fields": [field] });
        let error = app.error(&owner, tool, error).await;
        let said = (error.code(), error.field_name());
        assert_eq!(said, (Code::Validation, Some("fields")), "{tool} {field}");
        assert!(error.hint_text().unwrap().contains(meant), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_wrong_with_a_call_is_said_at_once() {
    let app = TestApp::new(ENGINES[0], MODULES).await;
    let owner = app.owner().await;
    let call = json!({ "nmae": "A", "score": "many", "status": "opne", "expected_close": 5 });
    let error = app.error(&owner, "create_deal", call).await;
    assert_eq!(error.field_name(), Some("nmae"), "{error:?}");
    let also = error.detail_value("also_wrong").unwrap();
    let fields: Vec<&str> = also
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["field"].as_str().unwrap())
        .collect();
    assert_eq!(fields, ["score", "status"], "{also}");
    assert_eq!(also[1]["hint"], "Did you mean open?");
    // What is wrong alone has no others beside it.
    let error = app
        .error(&owner, "create_deal", json!({ "nmae": "A" }))
        .await;
    assert_eq!(error.detail_value("also_wrong"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_words_for_a_day_came_to_is_said_by_every_write() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let task = json!({ "subject": "Call", "due_at": "2027-02-01T10:00" });
        let task = app.ok(&owner, "create_activity", task).await;
        assert_eq!(task["resolved"]["due_at"], task["data"]["due_at"], "{task}");
        let deal = json!({ "name": "Roof", "expected_close": "end of month" });
        let deal = app.ok(&owner, "create_deal", deal).await;
        let day = &deal["data"]["expected_close"];
        assert_eq!(&deal["resolved"]["expected_close"], day, "{deal}");
        let plain = json!({ "deal": deal["data"]["id"], "expected_close": "2027-03-01" });
        let plain = app.ok(&owner, "update_deal", plain).await;
        assert_eq!(
            plain["resolved"],
            Value::Null,
            "what is plain is not said twice"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_logged_with_the_reminder_that_follows_from_it() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let call = json!({ "type": "call", "subject": "Wants an offer", "done": true, "follow_up": "Send the offer",
                           "follow_up_type": "task", "follow_up_due": "tomorrow" });
        let made = app.ok(&owner, "create_activity", call).await;
        assert_eq!(made["data"]["status"], "done", "{engine:?}");
        let next = &made["data"]["follow_up"];
        assert_eq!(
            (&next["subject"], &next["status"]),
            (&json!("Send the offer"), &json!("pending"))
        );
        assert_eq!(made["resolved"]["follow_up_due"], next["due_at"]);
        let error = json!({ "subject": "Call", "follow_up_due": "tomorrow" });
        let error = app.error(&owner, "create_activity", error).await;
        assert_eq!(error.field_name(), Some("follow_up_due"));
        // One undo takes both back.
        let undo = json!({ "change": made["change"] });
        let undone = app.data(&owner, "undo_change", undo).await;
        assert_eq!(undone["count"], 2, "{undone}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn activities_change_alike_all_or_none() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let mut ids = Vec::new();
        for subject in ["One", "Two"] {
            let task = json!({ "subject": subject });
            ids.push(app.data(&owner, "create_activity", task).await["id"].clone());
        }
        let done = json!({ "activities": ids, "done": true });
        let done = app.data(&owner, "bulk_update_activities", done).await;
        assert_eq!(done, json!({ "updated": 2, "unchanged": 0 }), "{engine:?}");
        let pending = app
            .data(&owner, "list_activities", json!({ "status": "pending" }))
            .await;
        assert_eq!(pending, json!([]), "{engine:?}");
        ids.push(json!("act_00000000000"));
        let refused = json!({ "activities": ids, "done": false });
        app.error(&owner, "bulk_update_activities", refused).await;
        let pending = app
            .data(&owner, "list_activities", json!({ "status": "pending" }))
            .await;
        assert_eq!(pending, json!([]), "{engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn companies_become_one_and_one_undo_parts_them_again() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let company = async |arguments: Value| {
            app.data(&owner, "create_company", arguments).await["id"].clone()
        };
        let keep = company(json!({ "name": "Weyland" })).await;
        let gone = company(json!({ "name": "Yutani", "parent": keep, "city": "Tokyo" })).await;
        let below = company(json!({ "name": "Below", "parent": gone })).await;
        let deal = json!({ "name": "Roof", "company": gone });
        let deal = app.data(&owner, "create_deal", deal).await["id"].clone();
        let contact = json!({ "name": "Ada", "company_id": gone });
        let contact = app.data(&owner, "create_contact", contact).await["id"].clone();
        let merged = json!({ "keep": keep, "merge": [gone] });
        let merged = app.ok(&owner, "merge_companies", merged).await;
        assert_eq!(merged["data"]["city"], "Tokyo", "{engine:?}");
        assert_eq!(merged["data"]["parent"], Value::Null, "{engine:?}");
        let read = async |tool: &str, noun: &str, id: &Value| {
            app.data(&owner, tool, json!({ noun: id })).await
        };
        assert_eq!(read("get_deal", "deal", &deal).await["company"]["id"], keep);
        assert_eq!(
            read("get_company", "company", &below).await["parent"]["id"],
            keep
        );
        let company_of = |contact: Value| contact["company_id"]["id"].clone();
        assert_eq!(
            company_of(read("get_contact", "contact", &contact).await),
            keep
        );
        app.error(&owner, "get_company", json!({ "company": gone }))
            .await;
        let undo = json!({ "change": merged["change"] });
        app.ok(&owner, "undo_change", undo).await;
        assert_eq!(read("get_deal", "deal", &deal).await["company"]["id"], gone);
        assert_eq!(
            read("get_company", "company", &gone).await["parent"]["id"],
            keep
        );
        let twice = json!({ "keep": keep, "merge": [keep] });
        let error = app.error(&owner, "merge_companies", twice).await;
        assert_eq!(error.field_name(), Some("merge[0]"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_did_is_asked_by_name() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        app.ok(&owner, "create_contact", json!({ "name": "Ada" }))
            .await;
        let me = app.data(&owner, "get_user", json!({ "user": "me" })).await;
        for actor in [json!("me"), me["name"].clone(), me["id"].clone()] {
            let log = json!({ "actor": actor, "from": "-1w" });
            let log = app.ok(&owner, "get_audit_log", log).await;
            assert_eq!(
                log["data"][0]["record"]["name"], "Ada",
                "{actor} on {engine:?}"
            );
            assert_eq!(log["data"][0]["tool"], "create_contact");
        }
        let nobody = json!({ "actor": "Nobody At All" });
        let error = app.error(&owner, "get_audit_log", nobody).await;
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::NotFound, Some("actor"))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_whom_nobody_spoke_for_long_is_asked_of_contacts_and_companies() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        for (name, what, done_at) in [
            ("Long ago", "call", Some("2026-01-10T10:00")),
            ("Of late", "meeting", Some("-3d")),
            ("Only noted", "note", Some("-3d")),
            ("Never", "task", None),
        ] {
            let company = app
                .data(&owner, "create_company", json!({ "name": name }))
                .await;
            let contact = json!({ "name": name, "company_id": company["id"] });
            let contact = app.data(&owner, "create_contact", contact).await;
            if let Some(done_at) = done_at {
                let done = json!({ "type": what, "subject": "Talk", "contact": contact["id"], "done": true, "due_at": done_at });
                app.ok(&owner, "create_activity", done).await;
            }
        }
        for tool in ["search_contacts", "search_companies"] {
            for (arguments, wanted) in [
                (
                    json!({ "last_contacted_before": "-90d" }),
                    vec!["Long ago", "Never", "Only noted"],
                ),
                (json!({ "last_contacted_after": "-1w" }), vec!["Of late"]),
                (
                    json!({ "last_contacted_after": "2026-01-01", "last_contacted_before": "2026-01-31" }),
                    vec!["Long ago"],
                ),
                (
                    json!({ "query": "long", "last_contacted_before": "-90d" }),
                    vec!["Long ago"],
                ),
            ] {
                let found = names(&app, &owner, tool, arguments.clone()).await;
                assert_eq!(found, wanted, "{tool} {arguments} on {engine:?}");
            }
            let rows = app.data(&owner, tool, json!({ "query": "long ago" })).await;
            let at = rows[0]["last_contacted_at"].as_str().unwrap();
            assert!(at.starts_with("2026-01-10T10:00:00"), "{at}");
            let turned = json!({ "last_contacted_after": "today", "last_contacted_before": "-1w" });
            let error = app.error(&owner, tool, turned).await;
            assert_eq!(error.field_name(), Some("last_contacted_before"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_a_list_is_said_alone() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let contact = json!({ "name": "Ada", "email": "ada@x.example", "phone": "+49 30 901820", "tag": "vip" });
        let contact = app.data(&owner, "create_contact", contact).await;
        assert_eq!(
            contact["emails"],
            json!([{ "email": "ada@x.example" }]),
            "{engine:?}"
        );
        assert_eq!(contact["phones"][0]["e164"], "+4930901820");
        assert_eq!(contact["tags"], json!(["vip"]));
        let twice = json!({ "name": "B", "email": "b@x.example", "emails": ["c@x.example"] });
        let error = app.error(&owner, "create_contact", twice).await;
        assert!(error.message().contains("given twice"), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn how_many_there_are_is_answered_without_their_rows() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        for (name, tag) in [("Roof one", "a"), ("Roof two", "a"), ("Cellar", "b")] {
            let deal = json!({ "name": name, "tags": [tag] });
            app.ok(&owner, "create_deal", deal).await;
        }
        for (arguments, total) in [
            (json!({ "count_only": true }), 3),
            (json!({ "count_only": true, "tag": "a" }), 2),
            (json!({ "count_only": true, "query": "roof" }), 2),
            (json!({ "count_only": true, "status": "won" }), 0),
        ] {
            let answer = app.ok(&owner, "list_deals", arguments.clone()).await;
            assert_eq!(answer["data"], json!([]), "{arguments} on {engine:?}");
            assert_eq!(
                answer["page"],
                json!({ "total": total }),
                "{arguments} on {engine:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_filtered_and_searched_by_what_the_firm_notes_for_itself() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        for (name, kind) in [
            ("region", "text"),
            ("seats", "number"),
            ("vip", "bool"),
            ("since", "date"),
            ("skills", "list"),
            ("raw", "object"),
        ] {
            let new = AttributeDefinition {
                entity: "contact".into(),
                name: name.into(),
                kind: kind.into(),
                about: None,
            };
            let defined = admin::define_attribute(app.store(), "main", &["contact"], new);
            defined.await.unwrap();
        }
        let mut ada = Value::Null;
        for (name, attributes) in [
            (
                "Ada",
                json!({ "region": "North Sea", "seats": 5, "vip": true, "skills": ["Welding", "Paint"] }),
            ),
            (
                "Bea",
                json!({ "region": "Alps", "seats": 5.5, "since": "2026-01-31", "skills": ["paint"] }),
            ),
            (
                "Cid",
                json!({ "region": "Alps", "raw": { "region": "North Sea" } }),
            ),
            ("Dan", json!({})),
        ] {
            let contact = json!({ "name": name, "attributes": attributes });
            let made = app.ok(&owner, "create_contact", contact).await;
            if name == "Ada" {
                ada = made["data"]["id"].clone();
            }
        }
        let having = async |attributes: Value| {
            let filter = json!({ "attributes": attributes, "sort": "name" });
            names(&app, &owner, "search_contacts", filter).await
        };
        for (attributes, wanted) in [
            (json!({ "region": "north sea" }), vec!["Ada"]),
            (
                json!({ "skills": ["welding", "Paint"] }),
                vec!["Ada", "Bea"],
            ),
            (json!({ "region": "Alps", "skills": "PAINT" }), vec!["Bea"]),
            (json!({ "skills": "paint" }), vec!["Ada", "Bea"]),
            (json!({ "seats": "5.0" }), vec!["Ada"]),
            (json!({ "seats": 5.5 }), vec!["Bea"]),
            (json!({ "vip": "yes" }), vec!["Ada"]),
            (json!({ "since": "2026-01-31" }), vec!["Bea"]),
            (json!({ "region": "Al" }), vec![]),
            // What a client in strict mode fills in says nothing.
            (
                json!({ "region": "", "seats": null, "skills": [] }),
                vec!["Ada", "Bea", "Cid", "Dan"],
            ),
        ] {
            assert_eq!(
                having(attributes.clone()).await,
                wanted,
                "{engine:?} {attributes}"
            );
        }
        let count = json!({ "attributes": { "region": "Alps" }, "count_only": true });
        let count = app.ok(&owner, "search_contacts", count).await;
        assert_eq!(count["page"]["total"], 2, "{engine:?} {count}");
        // Beside a text, and by a text.
        let both = json!({ "attributes": { "skills": "paint" }, "query": "Bea" });
        assert_eq!(names(&app, &owner, "search_contacts", both).await, ["Bea"]);
        let found = names(
            &app,
            &owner,
            "search_contacts",
            json!({ "query": "welding" }),
        )
        .await;
        assert_eq!(found, ["Ada"], "{engine:?}");
        for (attributes, field, hint) in [
            (
                json!({ "regoin": "Alps" }),
                "attributes.regoin",
                Some("region"),
            ),
            (json!({ "seats": "many" }), "attributes.seats", None),
            (json!({ "raw": { "a": 1 } }), "attributes.raw", None),
            (
                json!({ "region": ["Alps", "North Sea"] }),
                "attributes.region",
                None,
            ),
        ] {
            let filter = json!({ "attributes": attributes });
            let error = app.error(&owner, "search_contacts", filter).await;
            assert_eq!(error.field_name(), Some(field), "{error:?}");
            if let Some(hint) = hint {
                assert!(
                    error.hint_text().unwrap_or_default().contains(hint),
                    "{error:?}"
                );
            }
        }
        // It follows what becomes of a record, by whatever way.
        let many = json!({ "contacts": [ada], "attributes": { "region": "Alps" } });
        let many = app.ok(&owner, "bulk_update_contacts", many).await;
        assert_eq!(
            having(json!({ "region": "North Sea" })).await,
            [] as [&str; 0]
        );
        assert_eq!(
            having(json!({ "region": "alps" })).await,
            ["Ada", "Bea", "Cid"]
        );
        app.ok(&owner, "undo_change", json!({ "change": many["change"] }))
            .await;
        assert_eq!(
            having(json!({ "region": "North Sea" })).await,
            ["Ada"],
            "{engine:?}"
        );
        let delete = json!({ "contact": ada, "confirm": true });
        let deleted = app.ok(&owner, "delete_contact", delete).await;
        assert_eq!(
            having(json!({ "region": "North Sea" })).await,
            [] as [&str; 0]
        );
        app.ok(
            &owner,
            "undo_change",
            json!({ "change": deleted["change"] }),
        )
        .await;
        assert_eq!(
            having(json!({ "region": "North Sea" })).await,
            ["Ada"],
            "{engine:?}"
        );
        let purge = json!({ "contact": ada, "purge": true, "confirm": true });
        app.ok(&owner, "delete_contact", purge).await;
        assert_eq!(
            having(json!({ "region": "North Sea" })).await,
            [] as [&str; 0]
        );
        let stranger = app.tenant("other").await;
        let filter = json!({ "attributes": { "region": "Alps" } });
        let error = app.error(&stranger, "search_contacts", filter).await;
        assert_eq!(error.field_name(), Some("attributes.region"), "{engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_values_are_asked_for_at_once() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        for (status, amount) in [("pending", "1"), ("approved", "2"), ("rejected", "3")] {
            let expense = json!({
                "description": status, "category": "office", "amount": amount, "currency": "EUR", "status": status,
            });
            app.ok(&owner, "create_expense", expense).await;
        }
        let expenses = async |status: Value| {
            let filter = json!({ "status": status, "sort": "amount" });
            let rows = app.data(&owner, "list_expenses", filter).await;
            let rows = rows.as_array().cloned().unwrap();
            let names = rows.iter().map(|row| row["description"].clone());
            names.collect::<Vec<Value>>()
        };
        assert_eq!(
            expenses(json!(["pending", "approved"])).await,
            ["pending", "approved"]
        );
        assert_eq!(
            expenses(json!("rejected")).await,
            ["rejected"],
            "{engine:?}"
        );
        assert_eq!(expenses(json!([])).await.len(), 3);

        let line = json!([{ "description": "Work", "unit_price": "1", "tax_rate": "19" }]);
        for title in ["Draft", "Sent"] {
            let offer = json!({ "title": title, "lines": line, "currency": "EUR" });
            let company = json!({ "name": title });
            let company = app.data(&owner, "create_company", company).await;
            let mut offer = offer;
            offer["company"] = company["id"].clone();
            let offer = app.data(&owner, "create_quotation", offer).await;
            if title == "Sent" {
                let send = json!({ "quotation": offer["id"], "confirm": true });
                app.ok(&owner, "send_quotation", send).await;
            }
        }
        let offers = async |status: Value| {
            let rows = json!({ "status": status, "sort": "title" });
            let rows = app.data(&owner, "list_quotations", rows).await;
            let rows = rows.as_array().cloned().unwrap();
            let titles = rows.iter().map(|row| row["title"].clone());
            titles.collect::<Vec<Value>>()
        };
        assert_eq!(offers(json!(["sent", "draft"])).await, ["Draft", "Sent"]);
        assert_eq!(
            offers(json!(["sent", "expired"])).await,
            ["Sent"],
            "{engine:?}"
        );
        assert_eq!(
            offers(json!(["accepted", "declined"])).await,
            [] as [Value; 0]
        );

        for (subject, due) in [("Late", "2020-01-01"), ("Soon", "2099-01-01")] {
            let task = json!({ "type": "task", "subject": subject, "due_at": due });
            app.ok(&owner, "create_activity", task).await;
        }
        let call = json!({ "type": "call", "subject": "Done" });
        let call = app.data(&owner, "create_activity", call).await["id"].take();
        app.ok(&owner, "complete_activity", json!({ "activity": call }))
            .await;
        let activities = async |filter: Value| {
            let rows = app.data(&owner, "list_activities", filter).await;
            let rows = rows.as_array().cloned().unwrap();
            let mut all: Vec<String> = rows
                .iter()
                .map(|row| row["subject"].as_str().unwrap_or_default().to_owned())
                .collect();
            all.sort();
            all
        };
        for (filter, wanted) in [
            (
                json!({ "status": ["pending", "overdue"] }),
                vec!["Late", "Soon"],
            ),
            (json!({ "status": ["overdue"] }), vec!["Late"]),
            (
                json!({ "status": ["done", "pending"] }),
                vec!["Done", "Late", "Soon"],
            ),
            (json!({ "status": "done" }), vec!["Done"]),
            (json!({ "type": ["call", "email"] }), vec!["Done"]),
        ] {
            assert_eq!(
                activities(filter.clone()).await,
                wanted,
                "{engine:?} {filter}"
            );
        }
        let both = json!({ "status": ["done", "overdue"] });
        let error = app.error(&owner, "list_activities", both).await;
        assert_eq!(error.field_name(), Some("status"), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_shows_moments_by_the_clocks_of_the_workspace() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let new = NewWorkspace {
            slug: "high".into(),
            time_zone: "Asia/Kathmandu".into(),
            ..NewWorkspace::default()
        };
        admin::create_workspace(app.store(), new).await.unwrap();
        let owner = app.dispatcher.operator(Some("high")).await.unwrap();
        let task = json!({ "type": "task", "subject": "Ring", "due_at": "2026-11-24T10:00" });
        let made = app.ok(&owner, "create_activity", task).await;
        let of = json!({ "record": made["data"]["id"] });
        let feed = app.data(&owner, "list_changes", of.clone()).await;
        assert_eq!(
            feed[0]["after"]["due_at"], "2026-11-24T10:00:00+05:45",
            "{engine:?} {feed}"
        );
        let log = json!({ "record": made["data"]["id"], "details": true });
        let log = app.data(&owner, "get_audit_log", log).await;
        assert_eq!(
            log[0]["after"]["due_at"], "2026-11-24T10:00:00+05:45",
            "{engine:?} {log}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn those_of_one_name_are_told_apart_where_one_has_to_be_chosen() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        for (company, email) in [
            ("Czerny Papier", "b@czerny.example"),
            ("Rheinufer", "b@rhein.example"),
        ] {
            let contact = json!({
                "name": "Birgit Vogt", "company": company, "emails": [email], "city": "Bonn", "on_duplicate": "create",
            });
            app.ok(&owner, "create_contact", contact).await;
        }
        let call = json!({ "type": "call", "subject": "Offer", "contact": "Birgit Vogt" });
        let error = app.error(&owner, "create_activity", call).await;
        let candidates = error.detail_value("candidates").unwrap().to_string();
        for apart in ["Czerny Papier", "Rheinufer"] {
            assert!(candidates.contains(apart), "{engine:?} {candidates}");
        }
        assert!(!candidates.contains("Bonn"), "{engine:?} {candidates}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_cut_says_how_many_there_are() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let batch = app.dispatcher.batch(&owner, "test").await.unwrap();
        let add = async |cx: &mut Cx| {
            let firms = (0..3_200).map(|number| Company {
                name: ShortText::new(&format!("Firm {number:04}")).unwrap(),
                tags: Json(vec![
                    ShortText::new(if number < 30 { "few" } else { "many" }).unwrap(),
                ]),
                ..<Company as bureau_kernel::record::Columns>::empty()
            });
            let firms = firms.map(|firm| (firm, Attributes::new()));
            cx.insert_all(firms.collect()).await.map(drop)
        };
        app.dispatcher.app().run_in(&batch, add).await.unwrap();
        let page = async |more: Value| {
            let mut arguments = json!({ "sort": "name" });
            let given = more.as_object().unwrap().clone();
            arguments.as_object_mut().unwrap().extend(given);
            app.ok(&owner, "search_companies", arguments).await
        };
        for (asked, total, more_than) in [
            (json!({}), Value::Null, json!(1_000)),
            (json!({ "tag": "few" }), json!(30), Value::Null),
            (
                json!({ "tag": "few", "descending": true }),
                json!(30),
                Value::Null,
            ),
            (json!({ "tag": "many" }), Value::Null, json!(1_000)),
            (
                json!({ "query": "firm 00", "limit": 50 }),
                json!(100),
                Value::Null,
            ),
            // What is whole needs no word of it.
            (
                json!({ "tag": "few", "limit": 30 }),
                Value::Null,
                Value::Null,
            ),
        ] {
            let answer = page(asked.clone()).await;
            assert_eq!(
                (&answer["page"]["total"], &answer["page"]["more_than"]),
                (&total, &more_than),
                "{asked} on {engine:?}"
            );
            let next = answer["page"]["next"].clone();
            assert_eq!(next.is_null(), total.is_null() && more_than.is_null());
            if next.is_string() {
                let mut rest = asked;
                rest["cursor"] = next;
                let rest = page(rest).await;
                assert_eq!(rest["page"].get("total"), None, "the first page said it");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_by_a_word_that_no_record_has_says_so_and_which_there_are() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        for (description, category) in [("Train", "Travel"), ("Paper", "Office")] {
            let expense = json!({ "description": description, "category": category, "amount": "9", "currency": "EUR" });
            app.ok(&owner, "create_expense", expense).await;
        }
        let listed = async |category: &str| {
            let wanted = json!({ "category": category });
            app.ok(&owner, "list_expenses", wanted).await
        };
        let found = listed("travel").await;
        assert_eq!(found["data"].as_array().unwrap().len(), 1, "{found}");
        assert_eq!(found.get("notices"), None, "{found}");
        for (asked, says) in [
            (
                "travels",
                "No expense has this category. Did you mean travel?",
            ),
            (
                "food",
                "No expense has this category. There are: office, travel.",
            ),
        ] {
            let none = listed(asked).await;
            assert_eq!(none["data"], json!([]), "{none}");
            assert_eq!(none["notices"][0]["code"], "UNUSED", "{none}");
            assert_eq!(none["notices"][0]["message"], says, "{engine:?}");
            // Where only their number is asked for, it is said too.
            let count = json!({ "category": asked, "count_only": true });
            let count = app.ok(&owner, "list_expenses", count).await;
            assert_eq!(count["page"], json!({ "total": 0 }), "{count}");
            assert_eq!(count["notices"], none["notices"], "{engine:?}");
        }
        // A value that is used finds nothing for another reason.
        let wanted = json!({ "category": "office", "min_amount": "100" });
        let none = app.ok(&owner, "list_expenses", wanted).await;
        assert_eq!(
            (&none["data"], none.get("notices")),
            (&json!([]), None),
            "{none}"
        );
    }
}
