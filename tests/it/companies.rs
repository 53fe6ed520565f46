//! The rules of the companies module: duplicates, what refers to a company, and how contacts are linked to theirs.

use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::Outcome;
use bureau_kernel::error::Code;
use bureau_kernel::testing::{ENGINES, TestApp};
use serde_json::{Value, json};

use crate::MODULES;

async fn company(app: &TestApp, owner: &Caller, name: &str) -> Value {
    let made = app.data(owner, "create_company", json!({ "name": name }));
    made.await["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_is_not_created_twice_unless_that_is_meant() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let first = json!({ "name": "Köhler GmbH", "website": "https://www.koehler.example/de", "vat_id": "DE 123.456-789",
                            "city": "Bonn", "tags": ["fair"] });
        let first = app.data(&owner, "create_company", first).await;
        assert_eq!(
            (&first["domain"], &first["vat_id"]),
            (&json!("koehler.example"), &json!("DE123456789"))
        );
        for (same, words) in [
            (
                json!({ "name": "Other", "vat_id": "de123456789" }),
                "VAT number",
            ),
            (
                json!({ "name": "Other", "domain": "WWW.koehler.example" }),
                "domain",
            ),
            (
                json!({ "name": "Other", "website": "http://koehler.example" }),
                "domain",
            ),
            (json!({ "name": "kohler  gmbh" }), "name"),
            (
                json!({ "name": "KÖHLER GmbH", "vat_id": "FR1", "on_duplicate": "error" }),
                "name",
            ),
        ] {
            let error = app.error(&owner, "create_company", same.clone()).await;
            let found = (error.code(), error.field_name());
            assert_eq!(
                found,
                (Code::Conflict, Some("on_duplicate")),
                "{same} on {engine:?}"
            );
            assert_eq!(
                error.detail_value("existing").map(|one| &one["id"]),
                Some(&first["id"]),
                "{same}"
            );
            assert!(error.message().contains(words), "{same}: {error:?}");
        }
        let same = |choice: &str| {
            json!({ "name": "Köhler AG", "vat_id": "DE123456789", "website": "kohler-ag.example", "tags": ["vip"],
                    "on_duplicate": choice })
        };
        let returned = app.data(&owner, "create_company", same("return")).await;
        assert_eq!(returned, first, "on {engine:?}");
        let updated = app.data(&owner, "create_company", same("update")).await;
        assert_eq!(updated["id"], first["id"]);
        assert_eq!(updated["name"], "Köhler AG");
        assert_eq!(updated["tags"], json!(["vip", "fair"]), "lists are joined");
        assert_eq!(updated["city"], "Bonn", "what was known stays known");
        assert_eq!(
            updated["domain"], "kohler-ag.example",
            "a new website has a domain of its own"
        );
        let another = app.data(&owner, "create_company", same("create")).await;
        assert_ne!(another["id"], first["id"]);
        // Of the two the oldest is named; one that is deleted is no duplicate.
        let error = app.error(&owner, "create_company", same("error")).await;
        assert_eq!(
            error.detail_value("existing").map(|one| &one["id"]),
            Some(&first["id"])
        );
        for id in [&first["id"], &another["id"]] {
            let delete = json!({ "company": id, "confirm": true });
            app.ok(&owner, "delete_company", delete).await;
        }
        app.ok(&owner, "create_company", same("error")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_calls_at_once_create_one_company() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        for choice in ["error", "return", "update"] {
            let calls = (0..16).map(|number| {
                // Each is a duplicate of the others by another of the three.
                let mut arguments = json!({ "name": format!("{choice} {number}"), "domain": format!("{choice}{}.example", number / 2),
                                            "vat_id": format!("{choice}{}", number % 2), "on_duplicate": choice });
                if number < 2 {
                    arguments["name"] = json!(format!("{choice} first"));
                }
                app.outcome(&owner, "create_company", arguments)
            });
            let outcomes = futures::future::join_all(calls).await;
            let found = app
                .data(&owner, "search_companies", json!({ "limit": 100 }))
                .await;
            let found = found.as_array().unwrap().iter();
            let names: Vec<&Value> = found
                .map(|row| &row["domain"])
                .filter(|domain| domain.as_str().unwrap().starts_with(choice))
                .collect();
            // Two VAT numbers, so two companies at most, unless a name or a domain joined them.
            assert!(
                (1..=2).contains(&names.len()),
                "{choice} on {engine:?}: {names:?}"
            );
            for outcome in outcomes {
                match outcome {
                    Outcome::Done(_) => {}
                    Outcome::Failed(error) => {
                        assert_eq!(
                            (choice, error.code()),
                            ("error", Code::Conflict),
                            "{error:?}"
                        );
                    }
                    Outcome::Ask { .. } => panic!("a creation asks nobody"),
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_with_open_deals_stays_and_one_with_closed_ones_may_go() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let acme = company(&app, &owner, "Acme").await;
        let deal = |more: Value| {
            let mut arguments = json!({ "name": "D", "company": acme });
            arguments
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().cloned().unwrap());
            app.data(&owner, "create_deal", arguments)
        };
        let open = [
            deal(json!({})).await["id"].clone(),
            deal(json!({})).await["id"].clone(),
        ];
        let won = deal(json!({ "status": "won" })).await["id"].clone();
        let delete = json!({ "company": acme, "confirm": true });
        let error = app.error(&owner, "delete_company", delete.clone()).await;
        assert_eq!(error.code(), Code::Conflict, "{error:?}");
        let dependents = open.iter().map(|id| json!({ "id": id, "name": "D" }));
        assert_eq!(
            error.detail_value("dependents"),
            Some(&dependents.collect::<Value>()),
            "on {engine:?}"
        );
        // Whoever may not read them is told which these are, and nothing about them.
        let narrow = app.limited(&owner, &["read_companies", "delete_companies"]);
        let told = app.error(&narrow, "delete_company", delete.clone()).await;
        let dependents = open.iter().map(|id| json!({ "id": id }));
        assert_eq!(
            told.detail_value("dependents"),
            Some(&dependents.collect::<Value>()),
            "on {engine:?}"
        );
        assert!(
            open.iter()
                .all(|id| error.message().contains(id.as_str().unwrap()))
        );
        for id in &open {
            let lose = json!({ "deal": id, "status": "lost", "lost_reason": "Price" });
            app.ok(&owner, "update_deal", lose).await;
        }
        let gone = app.ok(&owner, "delete_company", delete).await;
        for id in open.iter().chain([&won]) {
            let deal = app.data(&owner, "get_deal", json!({ "deal": id })).await;
            assert_eq!(
                deal["company"],
                json!({ "id": acme, "name": "Acme" }),
                "it goes on naming it"
            );
        }
        app.ok(&owner, "undo_change", json!({ "change": gone["change"] }))
            .await;
        // Erased for good, nothing names it any more, and each deal is whole otherwise.
        let purge = json!({ "company": acme, "purge": true, "confirm": true });
        app.ok(&owner, "delete_company", purge).await;
        for id in open.iter().chain([&won]) {
            let deal = app.data(&owner, "get_deal", json!({ "deal": id })).await;
            assert_eq!(deal.get("company"), None, "on {engine:?}: {deal}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heir_takes_over_all_that_refers_and_one_undo_gives_it_back() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let [acme, heir] = [
            company(&app, &owner, "Acme").await,
            company(&app, &owner, "Heir").await,
        ];
        let of = json!({ "company": acme });
        let with = |more: Value| {
            let mut arguments = of.clone();
            arguments
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().cloned().unwrap());
            arguments
        };
        let daughter = json!({ "name": "Daughter", "parent": acme });
        let daughter = app.data(&owner, "create_company", daughter).await["id"].clone();
        let deal = app
            .data(&owner, "create_deal", with(json!({ "name": "D" })))
            .await["id"]
            .clone();
        let won = with(json!({ "name": "W", "status": "won" }));
        let won = app.data(&owner, "create_deal", won).await["id"].clone();
        let contact = json!({ "name": "Ada", "company_id": acme });
        let contact = app.data(&owner, "create_contact", contact).await["id"].clone();
        let call = with(json!({ "type": "call", "subject": "C" }));
        let call = app.data(&owner, "create_activity", call).await["id"].clone();
        let refers = async || {
            json!([
                app.data(&owner, "get_company", json!({ "company": daughter }))
                    .await["parent"]["id"],
                app.data(&owner, "get_deal", json!({ "deal": deal })).await["company"]["id"],
                app.data(&owner, "get_deal", json!({ "deal": won })).await["company"]["id"],
                app.data(&owner, "get_contact", json!({ "contact": contact }))
                    .await["company_id"]["id"],
                app.data(&owner, "get_activity", json!({ "activity": call }))
                    .await["company"]["id"],
            ])
        };
        assert_eq!(refers().await, json!([acme, acme, acme, acme, acme]));
        let linked = app
            .data(&owner, "get_company", json!({ "company": acme }))
            .await["linked"]
            .clone();
        assert_eq!(
            linked,
            json!({ "activity": 1, "company": 1, "contact": 1, "deal": 2 })
        );
        let to = |heir: &Value| json!({ "company": acme, "reassign_to": heir, "confirm": true });
        let error = app.error(&owner, "delete_company", to(&acme)).await;
        assert_eq!(error.field_name(), Some("reassign_to"));
        let gone = app.ok(&owner, "delete_company", to(&heir)).await;
        assert_eq!(
            refers().await,
            json!([heir, heir, heir, heir, heir]),
            "on {engine:?}"
        );
        app.ok(&owner, "undo_change", json!({ "change": gone["change"] }))
            .await;
        assert_eq!(
            refers().await,
            json!([acme, acme, acme, acme, acme]),
            "on {engine:?}"
        );
        // A daughter may take over; a granddaughter would belong to herself.
        let below = json!({ "name": "Granddaughter", "parent": daughter });
        let below = app.data(&owner, "create_company", below).await["id"].clone();
        let error = app.error(&owner, "delete_company", to(&below)).await;
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::Validation, Some("reassign_to"))
        );
        app.ok(&owner, "delete_company", to(&daughter)).await;
        assert_eq!(
            refers().await,
            json!([null, daughter, daughter, daughter, daughter])
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_does_not_belong_to_itself() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let mut chain = vec![company(&app, &owner, "Top").await];
        for level in 1..4 {
            let next = json!({ "name": format!("Level {level}"), "parent": chain[level - 1] });
            chain.push(app.data(&owner, "create_company", next).await["id"].clone());
        }
        for below in &chain {
            let turn = json!({ "company": chain[0], "parent": below });
            let error = app.error(&owner, "update_company", turn).await;
            assert_eq!(
                (error.code(), error.field_name()),
                (Code::Validation, Some("parent")),
                "on {engine:?}"
            );
        }
        let up = json!({ "company": chain[3], "parent": chain[0] });
        assert_eq!(
            app.data(&owner, "update_company", up).await["parent"]["id"],
            chain[0]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contacts_employer_is_its_record_where_there_is_exactly_one() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let [acme, globex] = [
            company(&app, &owner, "Acmé Corp").await,
            company(&app, &owner, "Globex").await,
        ];
        for _ in 0..2 {
            let twin = json!({ "name": "Twin", "on_duplicate": "create" });
            app.ok(&owner, "create_company", twin).await;
        }
        let contact = |more: Value| {
            let mut arguments = json!({ "name": "Ada" });
            arguments
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().cloned().unwrap());
            app.data(&owner, "create_contact", arguments)
        };
        let employer = |contact: &Value| json!([contact["company"], contact["company_id"]["id"]]);
        let by_id = contact(json!({ "company_id": acme })).await;
        assert_eq!(
            employer(&by_id),
            json!(["Acmé Corp", acme]),
            "the record's name is filled in"
        );
        let by_name = contact(json!({ "name": "Bob", "company": "ACME corp" })).await;
        assert_eq!(
            employer(&by_name),
            json!(["ACME corp", acme]),
            "the name finds the record"
        );
        let twin = contact(json!({ "name": "Cid", "company": "Twin" })).await;
        assert_eq!(
            employer(&twin),
            json!(["Twin", null]),
            "one of two is not chosen"
        );
        let unknown = contact(json!({ "name": "Dan", "company": "Nowhere" })).await;
        assert_eq!(employer(&unknown), json!(["Nowhere", null]));
        let wrong = json!({ "name": "Eve", "company_id": by_id["id"] });
        let error = app.error(&owner, "create_contact", wrong).await;
        assert_eq!(error.field_name(), Some("company_id"));

        let update = |more: Value| {
            let mut arguments = json!({ "contact": by_id["id"] });
            arguments
                .as_object_mut()
                .unwrap()
                .extend(more.as_object().cloned().unwrap());
            app.data(&owner, "update_contact", arguments)
        };
        for (asked, after) in [
            (json!({ "company": "globex" }), json!(["globex", globex])),
            (json!({ "city": "Bonn" }), json!(["globex", globex])),
            (json!({ "company": "Twin" }), json!(["Twin", null])),
            (json!({ "company_id": acme }), json!(["Acmé Corp", acme])),
            (
                json!({ "clear": ["company_id"] }),
                json!(["Acmé Corp", null]),
            ),
            (
                json!({ "company": "Acme Corp" }),
                json!(["Acme Corp", acme]),
            ),
            (json!({ "clear": ["company"] }), json!([null, null])),
            (
                json!({ "company_id": globex, "company": "Globex Labs" }),
                json!(["Globex Labs", globex]),
            ),
        ] {
            let now = update(asked.clone()).await;
            assert_eq!(employer(&now), after, "{asked} on {engine:?}");
        }
        // A company that gets another name stays linked.
        let renamed = json!({ "company": globex, "name": "Globex International" });
        app.ok(&owner, "update_company", renamed).await;
        let now = app
            .data(&owner, "get_contact", json!({ "contact": by_id["id"] }))
            .await;
        assert_eq!(now["company_id"]["id"], globex);
        let again = contact(json!({ "name": "Fay", "company": "Globex" })).await;
        assert_eq!(
            employer(&again),
            json!(["Globex", null]),
            "nobody has this name any more"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_follows_the_name_also_where_a_creation_updates_and_where_contacts_merge() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let [acme, globex] = [
            company(&app, &owner, "Acme").await,
            company(&app, &owner, "Globex").await,
        ];
        let contact = |email: &str, company: &str, choice: &str| {
            let arguments = json!({ "name": email, "emails": [format!("{email}@x.example")], "company": company, "on_duplicate": choice });
            app.data(&owner, "create_contact", arguments)
        };
        let employer = |contact: &Value| json!([contact["company"], contact["company_id"]["id"]]);
        assert_eq!(
            employer(&contact("ada", "Acme", "error").await),
            json!(["Acme", acme])
        );
        assert_eq!(
            employer(&contact("ada", "Globex", "update").await),
            json!(["Globex", globex])
        );
        assert_eq!(
            employer(&contact("ada", "Nowhere", "update").await),
            json!(["Nowhere", null]),
            "on {engine:?}"
        );
        let (nowhere, linked) = (
            contact("ada", "x", "return").await,
            contact("bob", "Acme", "error").await,
        );
        let merge = json!({ "keep": nowhere["id"], "merge": [linked["id"]] });
        let kept = app.data(&owner, "merge_contacts", merge).await;
        assert_eq!(
            employer(&kept),
            json!(["Nowhere", null]),
            "no name stands beside another's record"
        );
        let none = app
            .data(&owner, "create_contact", json!({ "name": "Cid" }))
            .await;
        let merge =
            json!({ "keep": none["id"], "merge": [contact("dan", "Globex", "error").await["id"]] });
        let kept = app.data(&owner, "merge_contacts", merge).await;
        assert_eq!(employer(&kept), json!(["Globex", globex]));
    }
}
