//! Any call can be taken back, whole, or says why not.

use std::collections::BTreeMap;

use bureau_companies::Company;
use bureau_contacts::Contact;
use bureau_kernel::caller::Caller;
use bureau_kernel::error::Code;
use bureau_kernel::prelude::*;
use bureau_kernel::record::Cx;
use bureau_kernel::store::sql;
use bureau_kernel::testing::{ENGINES, TestApp};
use serde_json::{Value, json};

use crate::MODULES;
use crate::modules::everything;

fn text<'a>(answer: &'a Value, pointer: &str) -> &'a str {
    answer
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no {pointer} in {answer}"))
}

/// Every record of a workspace, without what counts changes.
async fn state(app: &TestApp, caller: &Caller) -> BTreeMap<String, Value> {
    let mut all = everything(app, caller).await;
    for fields in all.values_mut().filter_map(Value::as_object_mut) {
        // The stages of a deal are its history: what was taken back is part of it.
        let moves = fields.contains_key("stage");
        fields.retain(|name, _| {
            !(["version", "updated_at", "revision", "revisions"].contains(&name.as_str())
                || (moves && name == "stages"))
        });
    }
    // What is arranged is no record of a module.
    let settings = app.data(caller, "get_workspace", json!({ "settings": true }));
    let members = app.data(caller, "list_team_members", json!({}));
    let mut settings = settings.await["settings"].clone();
    // Projects and tickets have their numbers from the beginning, and keep them when their creation is taken back: no other gets one.
    for series in settings["series"].as_array_mut().into_iter().flatten() {
        if series["numbers"] == "projects" || series["numbers"] == "tickets" {
            series.as_object_mut().unwrap().shift_remove("next");
        }
    }
    let arranged = json!({ "settings": settings, "members": members.await });
    all.insert("arranged".into(), arranged);
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_tool_wrote_one_undo_takes_back() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let mut undone = 0;
        for entry in app.dispatcher.registry().entries() {
            let name = entry.spec.name;
            if entry.spec.effect.reads_only() || entry.spec.irreversible.is_some() {
                continue;
            }
            let caller = app.tenant(&name.replace('_', "-")).await;
            let example = app.example_arguments(&caller, name).await.swap_remove(0);
            let before = state(&app, &caller).await;
            let done = app.ok(&caller, name, Value::Object(example)).await;
            let mut written = state(&app, &caller).await;
            assert_ne!(written, before, "{name} on {engine:?} wrote nothing");
            let undo = json!({ "change": done["change"] });
            app.ok(&caller, "undo_change", undo).await;
            let after = state(&app, &caller).await;
            // What was created is deleted, and known as such.
            written.retain(|id, _| !before.contains_key(id));
            for id in written.keys() {
                assert_eq!(after[id], "RESOURCE_NOT_FOUND", "{name} on {engine:?}");
            }
            for (id, record) in &before {
                assert_eq!(&after[id], record, "{name} on {engine:?}");
            }
            undone += 1;
        }
        assert!(undone > 8, "only {undone} tools were tried");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn create_update_and_delete_are_taken_back() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let created = app
            .ok(
                &owner,
                "create_contact",
                json!({ "name": "Ada", "emails": ["ada@undo.example"], "tags": ["vip"] }),
            )
            .await;
        let id = text(&created, "/data/id").to_owned();
        let updated = app
            .ok(
                &owner,
                "update_contact",
                json!({ "contact": id, "city": "London", "clear": ["tags"], "score": 7 }),
            )
            .await;
        let back = app
            .ok(
                &owner,
                "undo_change",
                json!({ "change": updated["change"] }),
            )
            .await;
        let now = app
            .ok(&owner, "get_contact", json!({ "contact": id }))
            .await;
        assert_eq!(now["data"]["tags"], json!(["vip"]));
        assert_eq!(now["data"].get("city"), None);
        assert_eq!(
            now["data"]["version"], 3,
            "taking back is a change of its own"
        );
        // The undo itself can be undone.
        app.ok(&owner, "undo_change", json!({ "change": back["change"] }))
            .await;
        let again = app
            .ok(&owner, "get_contact", json!({ "contact": id }))
            .await;
        assert_eq!(
            (&again["data"]["city"], &again["data"]["score"]),
            (&json!("London"), &json!(7))
        );
        let deleted = app
            .ok(
                &owner,
                "delete_contact",
                json!({ "contact": id, "confirm": true }),
            )
            .await;
        let gone = app
            .error(&owner, "get_contact", json!({ "contact": id }))
            .await;
        assert_eq!(gone.code(), Code::NotFound);
        let found = app
            .ok(&owner, "search_contacts", json!({ "query": "ada" }))
            .await;
        assert_eq!(
            found["data"],
            json!([]),
            "a deleted contact is not found on {engine:?}"
        );
        app.ok(
            &owner,
            "undo_change",
            json!({ "change": deleted["change"] }),
        )
        .await;
        let found = app
            .ok(
                &owner,
                "search_contacts",
                json!({ "query": "ada@undo.example" }),
            )
            .await;
        assert_eq!(
            found["data"][0]["id"],
            json!(id),
            "a restored contact is found again"
        );
        // Creation was overtaken by the later changes.
        let refused = app
            .error(
                &owner,
                "undo_change",
                json!({ "change": created["change"] }),
            )
            .await;
        assert_eq!(refused.code(), Code::Conflict);
        assert!(refused.message().contains(&id), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_that_would_overwrite_later_work_does_nothing() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let mut ids = Vec::new();
        for name in ["Kept", "First", "Second", "Assistant"] {
            let answer = app
                .ok(&owner, "create_contact", json!({ "name": name }))
                .await;
            ids.push(text(&answer, "/data/id").to_owned());
        }
        // The assistant of one that goes away is to follow the one that stays.
        app.ok(
            &owner,
            "update_contact",
            json!({ "contact": ids[3], "reports_to": ids[1] }),
        )
        .await;
        let merged = app
            .ok(
                &owner,
                "merge_contacts",
                json!({ "keep": ids[0], "merge": [ids[1], ids[2]] }),
            )
            .await;
        let assistant = app
            .ok(&owner, "get_contact", json!({ "contact": ids[3] }))
            .await;
        assert_eq!(
            assistant["data"]["reports_to"]["id"],
            json!(ids[0]),
            "what pointed at the loser moves"
        );
        app.ok(
            &owner,
            "update_contact",
            json!({ "contact": ids[3], "city": "Paris" }),
        )
        .await;

        let refused = app
            .error(&owner, "undo_change", json!({ "change": merged["change"] }))
            .await;
        assert_eq!(refused.code(), Code::Conflict);
        assert!(
            refused.message().contains(&ids[3]),
            "it names the record that changed: {refused:?}"
        );
        assert_eq!(
            app.error(&owner, "get_contact", json!({ "contact": ids[1] }))
                .await
                .code(),
            Code::NotFound
        );

        let skipping = json!({ "change": merged["change"], "skip_conflicts": true });
        let undone = app.ok(&owner, "undo_change", skipping).await;
        assert_eq!(undone["data"]["skipped"][0]["record"]["id"], json!(ids[3]));
        app.ok(&owner, "get_contact", json!({ "contact": ids[1] }))
            .await;
        app.ok(&owner, "get_contact", json!({ "contact": ids[2] }))
            .await;
        let assistant = app
            .ok(&owner, "get_contact", json!({ "contact": ids[3] }))
            .await;
        assert_eq!(assistant["data"]["city"], "Paris");
    }
}

/// The names and cities of all contacts that are there, and whether the company is.
async fn standing(app: &TestApp) -> (BTreeMap<String, Option<String>>, bool) {
    let live = sql("SELECT name, city FROM contact WHERE archived_at IS NULL");
    let contacts = app.rows(live).await;
    let contacts = contacts
        .iter()
        .map(|row| (row.get("name").unwrap(), row.get("city").unwrap()))
        .collect();
    let company = sql("SELECT id FROM company WHERE archived_at IS NULL");
    (contacts, !app.rows(company).await.is_empty())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_read_in_many_parts_is_taken_back_whole() {
    /// Several times what is read together.
    const PEOPLE: usize = 2_000;
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let batch = app.dispatcher.batch(&owner, "test").await.unwrap();
        let make = async |cx: &mut Cx| {
            let mut company = Company::empty();
            company.name = ShortText::new("Employer").unwrap();
            let company = cx.insert(company, Attributes::new()).await?;
            let people = (0..PEOPLE).map(|number| {
                let mut contact = Contact::empty();
                contact.name = ShortText::new(&format!("Person {number}")).unwrap();
                contact.company_id = Some(company.id);
                (contact, Attributes::new())
            });
            let people = cx.insert_all(people.collect()).await?;
            Ok(people.iter().map(|one| one.id).collect::<Vec<_>>())
        };
        let ids = app.dispatcher.app().run_in(&batch, make).await.unwrap();
        // What was done to these lies in parts far from each other.
        let move_some = async |cx: &mut Cx| {
            for id in ids.iter().step_by(300) {
                let mut contact = cx.edit(*id).await?;
                contact.city = Some(ShortText::new("Turin").unwrap());
                contact.save(cx).await?;
            }
            Ok(())
        };
        app.dispatcher
            .app()
            .run_in(&batch, move_some)
            .await
            .unwrap();
        let made = standing(&app).await;
        assert_eq!((made.0.len(), made.1), (PEOPLE, true));

        let undo = json!({ "change": batch.change() });
        let undone = app.ok(&owner, "undo_change", undo.clone()).await;
        assert_eq!(undone["data"]["count"], PEOPLE + 1, "{engine:?}");
        assert_eq!(standing(&app).await, (BTreeMap::new(), false), "{engine:?}");
        let again = json!({ "change": undone["change"] });
        let back = app.ok(&owner, "undo_change", again).await;
        assert!(standing(&app).await == made, "{engine:?}: not as it was");

        // One that comes in the last part was changed since.
        let since = json!({ "contact": ids[1], "city": "Rome" });
        app.ok(&owner, "update_contact", since).await;
        let changed = standing(&app).await;
        let mut undo = json!({ "change": back["change"] });
        let refused = app.error(&owner, "undo_change", undo.clone()).await;
        assert_eq!(refused.code(), Code::Conflict, "{engine:?}");
        assert!(
            standing(&app).await == changed,
            "{engine:?}: undone in part"
        );
        undo["skip_conflicts"] = true.into();
        let undone = app.ok(&owner, "undo_change", undo).await;
        assert_eq!(undone["data"]["count"], PEOPLE - 1, "{engine:?}");
        // Who stays keeps the company there.
        let (left, company) = standing(&app).await;
        assert_eq!(
            left,
            [("Person 1".to_owned(), Some("Rome".to_owned()))].into()
        );
        assert!(company, "{engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_is_one_change_and_one_undo() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let keep = app
            .ok(
                &owner,
                "create_contact",
                json!({ "name": "Jon", "emails": ["jon@merge.example"], "city": "Bonn" }),
            )
            .await;
        let lose = app
            .ok(
                &owner,
                "create_contact",
                json!({ "name": "John", "emails": ["john@merge.example"], "title": "CTO" }),
            )
            .await;
        let (keep, lose) = (keep["data"].clone(), lose["data"].clone());
        let merged = app
            .ok(
                &owner,
                "merge_contacts",
                json!({ "keep": keep["id"], "merge": [lose["id"]] }),
            )
            .await;
        assert_eq!(merged["data"]["emails"].as_array().map(Vec::len), Some(2));
        assert_eq!(merged["data"]["title"], "CTO");
        // The address of the one that is gone finds the one that stayed.
        let duplicate = app
            .error(
                &owner,
                "create_contact",
                json!({ "name": "J", "emails": ["john@merge.example"] }),
            )
            .await;
        assert_eq!(
            duplicate.detail_value("existing").map(|one| &one["id"]),
            Some(&keep["id"])
        );
        app.ok(&owner, "undo_change", json!({ "change": merged["change"] }))
            .await;
        for before in [&keep, &lose] {
            let now = app
                .ok(&owner, "get_contact", json!({ "contact": before["id"] }))
                .await["data"]
                .clone();
            for field in ["name", "emails", "title", "city"] {
                assert_eq!(now.get(field), before.get(field), "{field} on {engine:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_erased_stays_erased() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let canary = "Zyxwvutsrq";
        let created = app
            .ok(
                &owner,
                "create_contact",
                json!({ "name": canary, "summary": canary, "idempotency_key": "purge-1" }),
            )
            .await;
        let id = created["data"]["id"].clone();
        let erased = app
            .ok(
                &owner,
                "delete_contact",
                json!({ "contact": id, "purge": true, "confirm": true }),
            )
            .await;
        assert_eq!(erased["data"]["restorable"], false);
        for change in [&created["change"], &erased["change"]] {
            let error = app
                .error(&owner, "undo_change", json!({ "change": change }))
                .await;
            assert_eq!(error.code(), Code::Conflict);
            assert!(error.message().contains("erased"), "{error:?}");
        }
        let log = app
            .ok(&owner, "list_changes", json!({ "record": id }))
            .await;
        assert_eq!(
            log["data"].as_array().map(Vec::len),
            Some(2),
            "that it was there is still known"
        );
        assert!(
            !log.to_string().contains(canary),
            "what it held is not: {log}"
        );
        let audit = bureau_kernel::store::log::verify(&app.dispatcher.app().store)
            .await
            .unwrap();
        assert_eq!(audit.broken, None, "erasing leaves the chain whole");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_version_is_answered_with_the_record_as_it_is() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let created = app
            .ok(&owner, "create_contact", json!({ "name": "Ada" }))
            .await;
        let id = created["data"]["id"].clone();
        app.ok(
            &owner,
            "update_contact",
            json!({ "contact": id, "city": "Turin", "version": 1 }),
        )
        .await;
        let stale = json!({ "contact": id, "city": "Rome", "version": 1 });
        let error = app.error(&owner, "update_contact", stale).await;
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::Conflict, Some("version"))
        );
        assert_eq!(
            error
                .detail_value("current")
                .and_then(|now| now.get("city")),
            Some(&json!("Turin"))
        );
        let dry = json!({ "contact": id, "city": "Rome", "version": 2, "dry_run": true });
        let shown = app.ok(&owner, "update_contact", dry).await;
        assert_eq!(
            (&shown["data"]["city"], &shown["dry_run"]),
            (&json!("Rome"), &json!(true))
        );
        assert_eq!(shown.get("change"), None);
        let now = app
            .ok(&owner, "get_contact", json!({ "contact": id }))
            .await;
        assert_eq!(
            (&now["data"]["city"], &now["data"]["version"]),
            (&json!("Turin"), &json!(2))
        );
    }
}

/// Calls a tool and answers the id of its record and of its change.
async fn did(app: &TestApp, caller: &Caller, tool: &str, arguments: Value) -> (Value, Value) {
    let answer = app.ok(caller, tool, arguments).await;
    (answer["data"]["id"].clone(), answer["change"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_error_about_a_deleted_record_says_who_deleted_it_and_how_it_comes_back() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let made = json!({ "name": "Birgit Klein" });
        let (birgit, _) = did(&app, &owner, "create_contact", made).await;
        let delete = json!({ "contact": birgit, "confirm": true });
        let (_, deleted) = did(&app, &owner, "delete_contact", delete).await;
        let change = deleted.as_str().unwrap();
        for (tool, arguments) in [
            ("get_contact", json!({ "contact": birgit })),
            (
                "update_contact",
                json!({ "contact": birgit, "city": "Bonn" }),
            ),
            (
                "create_deal",
                json!({ "name": "Boiler", "contact": birgit }),
            ),
        ] {
            let error = app.error(&owner, tool, arguments).await;
            let (said, hint) = (error.message(), error.hint_text().unwrap_or_default());
            assert_eq!(error.code(), Code::NotFound, "{tool}: {error:?}");
            let by_whom = said.contains("It was deleted on ");
            assert!(
                by_whom && said.contains(" with delete_contact."),
                "{tool}: {said}"
            );
            assert!(said.contains(" by "), "{tool}: {said}");
            assert!(
                hint.contains("undo_change") && hint.contains(change),
                "{tool}: {hint}"
            );
            let named = json!({ "name": "Birgit Klein", "change": deleted });
            assert_eq!(error.detail_value("deleted"), Some(&named), "{tool}");
        }
        // Whoever may not read such records learns nothing of one.
        let stranger = app.limited(&owner, &["create_deals", "read_deals"]);
        let arguments = json!({ "name": "Boiler", "contact": birgit });
        let error = app.error(&stranger, "create_deal", arguments).await;
        assert!(!error.message().contains("deleted"), "{error:?}");
        app.ok(&owner, "undo_change", json!({ "change": deleted }))
            .await;
        app.ok(&owner, "get_contact", json!({ "contact": birgit }))
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_piece_of_work_is_taken_back_newest_first_by_its_changes_its_key_or_since_a_moment() {
    for engine in ENGINES {
        for how in ["changes", "since", "one by one"] {
            let app = TestApp::new(engine, MODULES).await;
            let owner = app.owner().await;
            let made = json!({ "name": "Ada King", "city": "London" });
            let (ada, _) = did(&app, &owner, "create_contact", made).await;
            let before = state(&app, &owner).await;
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            let since = bureau_kernel::types::time::now().to_rfc3339();
            let mut changes = Vec::new();
            for step in [
                json!({ "contact": ada, "city": "Paris" }),
                json!({ "contact": ada, "city": "Rome", "title": "Countess" }),
                json!({ "contact": ada, "clear": ["city"] }),
            ] {
                changes.push(did(&app, &owner, "update_contact", step).await.1);
            }
            let deal = json!({ "name": "Engine", "contact": ada });
            let (deal, created) = did(&app, &owner, "create_deal", deal).await;
            changes.push(created);
            let moved = json!({ "deal": deal, "stage": "Proposal" });
            changes.push(did(&app, &owner, "update_deal", moved).await.1);
            // What was undone and done again meanwhile changes nothing of it.
            let last = json!({ "change": changes[4] });
            let undo = app.ok(&owner, "undo_change", last).await;
            app.ok(&owner, "undo_change", json!({ "change": undo["change"] }))
                .await;
            let newest_first: Vec<&Value> = changes.iter().rev().collect();
            if how == "one by one" {
                for change in newest_first {
                    app.ok(&owner, "undo_change", json!({ "change": change }))
                        .await;
                }
                let mut after = state(&app, &owner).await;
                after.retain(|id, _| before.contains_key(id));
                assert_eq!(after, before, "{how} on {engine:?}");
                continue;
            }
            let arguments = match how {
                "changes" => json!({ "changes": changes }),
                _ => json!({ "since": since }),
            };
            let mut preview = arguments.clone();
            preview["dry_run"] = true.into();
            let preview = app.ok(&owner, "undo_change", preview).await;
            assert_ne!(state(&app, &owner).await, before, "a preview does nothing");
            let mut arguments = arguments;
            arguments["confirm"] = true.into();
            let undone = app.ok(&owner, "undo_change", arguments).await;
            assert_eq!(preview["data"]["undone"], undone["data"]["undone"]);
            assert_eq!(
                undone["data"]["undone"],
                json!(newest_first),
                "{how} on {engine:?}"
            );
            assert_eq!(undone["data"]["count"], 2, "{undone}");
            let names: Vec<&Value> = undone["data"]["records"]
                .as_array()
                .unwrap()
                .iter()
                .map(|record| &record["name"])
                .collect();
            assert!(names.contains(&&json!("Ada King")) && names.contains(&&json!("Engine")));
            let mut after = state(&app, &owner).await;
            after.retain(|id, _| before.contains_key(id));
            assert_eq!(after, before, "{how} on {engine:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_undone_together_is_not_undone_again_with_all_since_a_moment() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        // What the workspace starts with is within the hour too, and nobody's work.
        let since = json!({ "since": "-1h" });
        let make = async |name: &str| {
            let made = json!({ "name": name });
            did(&app, &owner, "create_contact", made).await
        };
        let ((ada, first), (_, second)) = (make("Ada").await, make("Grace").await);
        let both = json!({ "changes": [first, second] });
        let undo = app.ok(&owner, "undo_change", both).await;
        let (_, third) = make("Mary").await;
        let undone = app.ok(&owner, "undo_change", since.clone()).await;
        assert_eq!(undone["data"]["undone"], json!([third]), "{engine:?}");
        // Once that is taken back itself, they count again.
        app.ok(&owner, "undo_change", json!({ "change": undo["change"] }))
            .await;
        app.data(&owner, "get_contact", json!({ "contact": ada }))
            .await;
        let undone = app.ok(&owner, "undo_change", since).await;
        let undone = &undone["data"]["undone"];
        assert_eq!(undone, &json!([second, first]), "{engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_way_of_an_undo_is_named_with_what_changed_it() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let made = json!({ "name": "Ada King", "idempotency_key": "work-1" });
        let (ada, created) = did(&app, &owner, "create_contact", made).await;
        let update = json!({ "contact": ada, "city": "Paris", "idempotency_key": "work-2" });
        let (_, moved) = did(&app, &owner, "update_contact", update).await;
        let other = app.limited(&owner, &["full"]);
        let update = json!({ "contact": ada, "city": "Rome" });
        let (_, since) = did(&app, &other, "update_contact", update).await;
        for arguments in [
            json!({ "change": moved }),
            json!({ "key": "work-2" }),
            json!({ "changes": [created, moved] }),
        ] {
            let error = app.error(&owner, "undo_change", arguments.clone()).await;
            assert_eq!(error.code(), Code::Conflict, "{arguments}: {error:?}");
            let said = error.message();
            assert!(said.contains(": it was changed since, on "), "{said}");
            assert!(said.contains(since.as_str().unwrap()), "{said}");
            assert!(said.contains("with update_contact"), "{said}");
            assert!(!said.contains(".;") && !said.contains(".."), "{said}");
            let conflict = &error.detail_value("conflicts").unwrap()[0];
            assert_eq!(conflict["kind"], "contact");
            assert_eq!(conflict["record"], json!({ "id": ada, "name": "Ada King" }));
        }
        app.ok(&owner, "undo_change", json!({ "change": since }))
            .await;
        // What came between is gone, so the way is free, however long ago that was undone.
        let undone = app
            .ok(&owner, "undo_change", json!({ "key": "work-2" }))
            .await;
        assert_eq!(undone["data"]["undone"], json!([moved]));
        let error = app
            .error(&owner, "undo_change", json!({ "key": "nobody's" }))
            .await;
        assert_eq!(error.field_name(), Some("key"), "{error:?}");
        for none in [json!({}), json!({ "change": moved, "key": "work-2" })] {
            let error = app.error(&owner, "undo_change", none).await;
            assert_eq!(error.code(), Code::Validation, "{error:?}");
        }
    }
}
