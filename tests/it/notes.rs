//! Notes belong to records of any kind: they go where those go, and those are found by them.

use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::Outcome;
use bureau_kernel::error::Code;
use bureau_kernel::store::sql;
use bureau_kernel::testing::{ENGINES, TestApp};
use futures::join;
use serde_json::{Value, json};

use crate::MODULES;

async fn contact(app: &TestApp, owner: &Caller, name: &str) -> Value {
    let new = json!({ "name": name, "on_duplicate": "create" });
    app.data(owner, "create_contact", new).await["id"].clone()
}

async fn note(app: &TestApp, owner: &Caller, about: &Value, text: &str) -> Value {
    let new = json!({ "about": about, "text": text });
    app.data(owner, "create_note", new).await["id"].clone()
}

/// The texts of the notes of a record, in their order.
async fn texts(app: &TestApp, owner: &Caller, about: &Value) -> Vec<String> {
    let rows = app.data(owner, "list_notes", json!({ "about": about }));
    let rows = rows.await;
    let texts = rows.as_array().unwrap().iter();
    texts
        .map(|row| row["text"].as_str().unwrap().to_owned())
        .collect()
}

async fn undo(app: &TestApp, owner: &Caller, change: &Value) -> Value {
    let undone = app.ok(owner, "undo_change", json!({ "change": change }));
    undone.await["change"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_is_deleted_and_comes_back_with_its_record() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let who = contact(&app, &owner, "Ada Adams").await;
        let gone = note(&app, &owner, &who, "was deleted before").await;
        for text in ["first", "second"] {
            note(&app, &owner, &who, text).await;
        }
        app.ok(&owner, "delete_note", json!({ "note": gone })).await;
        let both = ["second", "first"];
        assert_eq!(texts(&app, &owner, &who).await, both, "newest first");

        let deleted = app.ok(&owner, "delete_contact", json!({ "contact": who }));
        let mut change = deleted.await["change"].clone();
        for round in 0..4 {
            let there = texts(&app, &owner, &who).await;
            let expected: &[&str] = if round % 2 == 0 { &[] } else { &both };
            assert_eq!(there, expected, "{engine:?}, round {round}");
            change = undo(&app, &owner, &change).await;
        }

        // Also what was written since goes along when its record was never made.
        let made = app.ok(&owner, "create_company", json!({ "name": "Late" }));
        let made = made.await;
        let late = note(&app, &owner, &made["data"]["id"], "later").await;
        let unmade = undo(&app, &owner, &made["change"]).await;
        let missing = app.error(&owner, "get_note", json!({ "note": late })).await;
        assert_eq!(missing.code(), Code::NotFound);
        undo(&app, &owner, &unmade).await;
        app.ok(&owner, "get_note", json!({ "note": late })).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_erased_leaves_no_note_and_no_text_of_one() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let who = contact(&app, &owner, "Ben Brown").await;
        let deleted = note(&app, &owner, &who, "xylophone one").await;
        note(&app, &owner, &who, "xylophone two").await;
        app.ok(&owner, "delete_note", json!({ "note": deleted }))
            .await;
        let purge = json!({ "contact": who, "purge": true });
        app.ok(&owner, "delete_contact", purge).await;
        assert!(app.rows(sql("SELECT id FROM note")).await.is_empty());
        let log = "SELECT id FROM change_log WHERE CAST(after AS TEXT) LIKE '%xylophone%'
                   OR CAST(before AS TEXT) LIKE '%xylophone%'";
        assert!(app.rows(sql(log)).await.is_empty(), "{engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_of_a_merged_contact_are_those_of_the_one_that_stays() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let stays = contact(&app, &owner, "Cleo Clark").await;
        let goes = contact(&app, &owner, "Cleo Clarke").await;
        note(&app, &owner, &stays, "of the one").await;
        note(&app, &owner, &goes, "of the other").await;
        let merge = json!({ "keep": stays, "merge": [goes] });
        let merged = app.ok(&owner, "merge_contacts", merge).await;
        let all = texts(&app, &owner, &stays).await;
        assert_eq!(all, ["of the other", "of the one"], "{engine:?}");
        undo(&app, &owner, &merged["change"]).await;
        assert_eq!(texts(&app, &owner, &stays).await, ["of the one"]);
        assert_eq!(texts(&app, &owner, &goes).await, ["of the other"]);

        // The same for whoever takes over what a deleted one had.
        let heir = json!({ "contact": goes, "reassign_to": stays });
        app.ok(&owner, "delete_contact", heir).await;
        assert_eq!(texts(&app, &owner, &stays).await.len(), 2, "{engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_is_about_a_record_that_is_there() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let other = app.tenant("other").await;
        let who = contact(&app, &owner, "Dora Dean").await;
        let theirs = contact(&app, &other, "Not Ours").await;
        let deleted = contact(&app, &owner, "Was Here").await;
        app.ok(&owner, "delete_contact", json!({ "contact": deleted }))
            .await;
        let kept = note(&app, &owner, &who, "kept").await;
        let refused = [
            (theirs, Code::NotFound),
            (deleted.clone(), Code::NotFound),
            (kept.clone(), Code::Validation),
            (json!(owner.member), Code::Validation),
            (json!("zzz_0000000000001"), Code::Validation),
            (json!("Nobody at all"), Code::NotFound),
        ];
        for (about, code) in refused {
            let new = json!({ "about": about, "text": "no" });
            let error = app.error(&owner, "create_note", new).await;
            assert_eq!(error.code(), code, "{about}: {error:?}");
            assert_eq!(error.field_name(), Some("about"), "{about}: {error:?}");
            let moved = json!({ "note": kept, "about": about });
            let error = app.error(&owner, "update_note", moved).await;
            assert_eq!(error.code(), code, "{about}: {error:?}");
        }
        let company = app.data(&owner, "create_company", json!({ "name": "Deans" }));
        let company = company.await["id"].clone();
        let moved = json!({ "note": kept, "about": company });
        let moved = app.data(&owner, "update_note", moved).await;
        assert_eq!(moved["about"]["kind"], "company");
        let company = app.data(&owner, "get_company", json!({ "company": company }));
        assert_eq!(company.await["linked"]["note"], 1, "{engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_takes_notes_along_needs_what_deleting_notes_needs() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let narrow = app.limited(&owner, &["read_contacts", "delete_contacts"]);
        let (bare, noted) = (
            contact(&app, &owner, "Bare").await,
            contact(&app, &owner, "Noted").await,
        );
        note(&app, &owner, &noted, "secret").await;
        let error = app.error(&narrow, "delete_contact", json!({ "contact": noted }));
        let error = error.await;
        assert_eq!(error.code(), Code::Forbidden, "{engine:?}");
        assert!(format!("{error:?}").contains("delete_notes"), "{error:?}");
        assert_eq!(texts(&app, &owner, &noted).await, ["secret"]);
        app.ok(&narrow, "delete_contact", json!({ "contact": bare }))
            .await;
    }
}

/// The contacts that are found, each with the note by which it was.
async fn found(app: &TestApp, caller: &Caller, arguments: Value) -> Vec<(Value, Option<String>)> {
    let answer = app.ok(caller, "search_contacts", arguments).await;
    let notices = answer["notices"].as_array().cloned().unwrap_or_default();
    let rows = answer["data"].as_array().unwrap().iter();
    rows.map(|row| {
        let of_row = notices.iter().find(|notice| notice["record"] == row["id"]);
        let by = of_row.map(|notice| {
            assert_eq!(notice["code"], "FOUND_BY_PART");
            notice["message"].as_str().unwrap().to_owned()
        });
        (row["id"].clone(), by)
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_found_by_what_its_notes_say() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let named = contact(&app, &owner, "Peanut Porter").await;
        let allergic = contact(&app, &owner, "Eve Ellis").await;
        let tagged = json!({ "name": "Finn Fox", "tags": ["lunch"], "on_duplicate": "create" });
        let tagged = app.data(&owner, "create_contact", tagged).await["id"].clone();
        let company = app.data(&owner, "create_company", json!({ "name": "Nuts" }));
        let company = company.await["id"].clone();
        let why = note(&app, &owner, &allergic, "No peanut butter, please").await;
        note(&app, &owner, &tagged, "Peanut soup is fine").await;
        note(&app, &owner, &company, "Sells the peanut").await;

        let all = found(&app, &owner, json!({ "query": "peanut" })).await;
        assert_eq!(all.len(), 3, "{engine:?}: {all:?}");
        assert_eq!(
            all[0],
            (named.clone(), None),
            "what says it itself is first"
        );
        let by = all.iter().find(|(id, _)| *id == allergic).unwrap();
        let by = by.1.as_deref().unwrap();
        assert!(
            by.contains("its note") && by.contains(why.as_str().unwrap()),
            "{by}"
        );

        let one = found(
            &app,
            &owner,
            json!({ "query": "peanut", "tags": ["lunch"] }),
        )
        .await;
        assert_eq!(one.len(), 1, "{one:?}");
        assert_eq!(one[0].0, tagged);

        // Pages follow each other without a gap or a repetition.
        let mut paged = Vec::new();
        let mut cursor = Value::Null;
        loop {
            let page = json!({ "query": "peanut", "limit": 1, "cursor": cursor });
            let page = app.ok(&owner, "search_contacts", page).await;
            paged.push(page["data"][0]["id"].clone());
            cursor = page["page"]["next"].clone();
            if cursor.is_null() {
                break;
            }
        }
        let ids: Vec<Value> = all.iter().map(|(id, _)| id.clone()).collect();
        assert_eq!(paged, ids, "{engine:?}");

        let blind = app.limited(&owner, &["read_contacts"]);
        let few = found(&app, &blind, json!({ "query": "peanut" })).await;
        assert_eq!(few, [(named.clone(), None)], "{engine:?}");

        app.ok(&owner, "delete_note", json!({ "note": why })).await;
        let left = found(&app, &owner, json!({ "query": "peanut butter" })).await;
        assert!(left.iter().all(|(id, _)| *id != allergic), "{left:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_are_listed_by_what_their_owner_asks_for() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let (_, key) = app.key(&["full"]).await;
        let who = contact(&app, &owner, "Gus Grey").await;
        let company = app.data(&owner, "create_company", json!({ "name": "Greys" }));
        let company = company.await["id"].clone();
        let long = format!("{} end", "word ".repeat(200));
        note(&app, &owner, &who, "plain").await;
        let pinned = json!({ "about": who, "text": "pinned", "pinned": true });
        app.ok(&owner, "create_note", pinned).await;
        let whole = note(&app, &key, &company, &long).await;

        let list = async |arguments: Value| {
            let rows = app.data(&owner, "list_notes", arguments).await;
            let rows = rows.as_array().unwrap().clone();
            let starts = rows
                .iter()
                .map(|row| row["text"].as_str().unwrap()[..5].to_owned());
            starts.collect::<Vec<_>>()
        };
        assert_eq!(
            list(json!({})).await,
            ["pinne", "word ", "plain"],
            "{engine:?}"
        );
        assert_eq!(list(json!({ "pinned": true })).await, ["pinne"]);
        assert_eq!(list(json!({ "kind": "Companies" })).await, ["word "]);
        assert_eq!(list(json!({ "kind": "contact" })).await, ["pinne", "plain"]);
        assert_eq!(
            list(json!({ "sort": "created_at", "descending": false })).await[0],
            "plain"
        );
        assert_eq!(list(json!({ "created_after": "tomorrow" })).await.len(), 0);
        assert_eq!(
            list(json!({ "created_before": "today", "created_by": "me" }))
                .await
                .len(),
            3
        );
        let error = app.error(&owner, "list_notes", json!({ "kind": "people" }));
        let error = error.await;
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::Validation, Some("kind"))
        );

        let rows = app.data(&owner, "list_notes", json!({ "about": company }));
        let rows = rows.await;
        assert_eq!(rows[0]["shortened"], true);
        let one = app.data(&owner, "get_note", json!({ "note": whole })).await;
        assert_eq!(one["text"], long.trim_end(), "{engine:?}");
        assert_eq!(one.get("shortened"), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_live_note_is_about_what_is_deleted() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let dangling = async || {
            let look = app
                .dispatcher
                .app()
                .read(&owner, async |cx| cx.dangling().await);
            look.await.unwrap()
        };
        let mut both = 0;
        for round in 0..30 {
            let who = contact(&app, &owner, &format!("Racer {round}")).await;
            let new = json!({ "about": who, "text": "in time?" });
            let gone = json!({ "contact": who, "confirm": true });
            let (written, _) = join!(
                app.outcome(&owner, "create_note", new),
                app.outcome(&owner, "delete_contact", gone),
            );
            both += usize::from(matches!(written, Outcome::Done(_)));
        }
        assert_eq!(dangling().await, [], "{engine:?}, {both} were in time");

        // Where somebody wrote past Bureau it is seen.
        let who = contact(&app, &owner, "Hal Hunt").await;
        let lost = note(&app, &owner, &who, "left alone").await;
        let past = "UPDATE contact SET archived_at = updated_at WHERE archived_at IS NULL";
        app.run(sql(past)).await;
        assert_eq!(
            dangling().await,
            [(lost.as_str().unwrap().to_owned(), "about")]
        );
    }
}
