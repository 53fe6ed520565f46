//! The knowledge base: what a document was called and said, who reads it, and which passage answers.

use bureau_kernel::admin::{self, NewKey, NewMember, NewTeam};
use bureau_kernel::caller::{Caller, Role};
use bureau_kernel::error::Code;
use bureau_kernel::permission::Grants;
use bureau_kernel::testing::{ENGINES, TestApp};
use serde_json::{Value, json};

use crate::MODULES;

async fn document(app: &TestApp, caller: &Caller, new: Value) -> Value {
    app.data(caller, "create_document", new).await["id"].clone()
}

/// What a search finds: the titles, best first.
async fn found(app: &TestApp, caller: &Caller, asked: Value) -> Vec<String> {
    let rows = app.data(caller, "search_knowledge_base", asked).await;
    let names = rows.as_array().unwrap().iter();
    names
        .map(|row| row["document"]["name"].as_str().unwrap().to_owned())
        .collect()
}

async fn asked(app: &TestApp, caller: &Caller, query: &str) -> Vec<String> {
    found(app, caller, json!({ "query": query })).await
}

/// The same of what somebody else wrote: the index has it a moment later.
async fn soon(app: &TestApp, caller: &Caller, query: &str, count: usize) -> Vec<String> {
    for _ in 0..200 {
        let found = asked(app, caller, query).await;
        if found.len() == count {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    asked(app, caller, query).await
}

async fn titles(app: &TestApp, caller: &Caller, listed: Value) -> Vec<String> {
    let rows = app.data(caller, "list_knowledge_base", listed).await;
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row["title"].as_str().unwrap().to_owned())
        .collect()
}

/// A member of the first workspace with this role, in a team or in none, by a key that grants everything.
async fn member(app: &TestApp, name: &str, role: Role, team: Option<&str>) -> Caller {
    let store = app.store();
    let new = NewMember {
        name: name.into(),
        role,
        ..NewMember::default()
    };
    let added = admin::add_member(store, "main", new).await.unwrap();
    if let Some(team) = team {
        admin::put_member(store, "main", team, &added.id.to_string())
            .await
            .unwrap();
    }
    let known = app.dispatcher.registry().permissions();
    let granted = known.iter().copied().filter(|one| {
        role >= Role::Admin || !one.starts_with("manage_") && *one != "read_audit_log"
    });
    let new = NewKey {
        name: name.into(),
        grants: Grants::parse(granted, &known).unwrap(),
        workspaces: vec!["main".into()],
        member: Some(added.id.to_string()),
        expires_at: None,
        confirm: None,
        calls_per_hour: Some(u32::MAX),
    };
    let (key, _) = admin::create_key(store, new).await.unwrap();
    app.dispatcher.authenticate(&key, None).await.unwrap()
}

async fn team(app: &TestApp, name: &str) -> String {
    let new = NewTeam {
        name: name.into(),
        ..NewTeam::default()
    };
    let made = admin::create_team(app.store(), "main", new).await.unwrap();
    made.id.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_is_made_by_what_changes_title_or_text_and_by_nothing_else() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let id = document(
            &app,
            &owner,
            json!({ "title": "Parcels", "text": "One.\n\nTwo.\n" }),
        )
        .await;
        let update = |change: Value| {
            let mut all = json!({ "document": id });
            all.as_object_mut()
                .unwrap()
                .extend(change.as_object().unwrap().clone());
            app.data(&owner, "update_document", all)
        };
        // The same again, and what is no wording.
        update(json!({ "title": "Parcels", "text": "One.\n\nTwo.\n" })).await;
        update(json!({ "tags": ["post"] })).await;
        update(json!({ "text": "One.\n\nThree.\n" })).await;
        update(json!({ "title": "Letters" })).await;
        let read = app
            .data(&owner, "get_document", json!({ "document": id }))
            .await;
        let revisions: Vec<i64> = read["revisions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|revision| revision["revision"].as_i64().unwrap())
            .collect();
        assert_eq!(revisions, [4, 3, 1], "{engine:?}: {read}");
        assert_eq!(read["revision"], 4);

        let then = json!({ "document": id, "revision": 2, "compare_with": 4 });
        let then = app.data(&owner, "get_document", then).await;
        assert_eq!(then["text"], "One.\n\nTwo.");
        assert_eq!(then["revision"], 1, "what stood then");
        assert_eq!(then["title_then"], "Parcels");
        let difference = then["difference"].as_str().unwrap();
        for line in ["-# Letters", "+# Parcels", "-Three.", "+Two."] {
            assert!(difference.contains(line), "{difference}");
        }

        let back = update(json!({ "restore_revision": 3 })).await;
        assert_eq!(back["title"], "Parcels");
        let read = app
            .data(&owner, "get_document", json!({ "document": id }))
            .await;
        assert_eq!(read["text"], "One.\n\nThree.");
        for revision in [6, 1_000] {
            let none = json!({ "document": id, "revision": revision });
            let error = app.error(&owner, "get_document", none).await;
            assert_eq!(error.field_name(), Some("revision"));
        }
        let both = json!({ "document": id, "restore_revision": 1, "text": "Other" });
        let error = app.error(&owner, "update_document", both).await;
        assert_eq!(error.field_name(), Some("restore_revision"));
        let past = json!({ "document": id, "passage": 9 });
        let error = app.error(&owner, "get_document", past).await;
        assert_eq!(error.field_name(), Some("passage"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_title_goes_on_naming_the_document_until_another_one_has_it() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let id = document(
            &app,
            &owner,
            json!({ "title": "Holiday rules", "text": "Ask early." }),
        )
        .await;
        app.ok(
            &owner,
            "update_document",
            json!({ "document": id, "title": "Time off" }),
        )
        .await;
        let by_old = app
            .data(
                &owner,
                "get_document",
                json!({ "document": "holiday RULES" }),
            )
            .await;
        assert_eq!(by_old["title"], "Time off", "{engine:?}");
        assert_eq!(asked(&app, &owner, "holiday").await, ["Time off"]);

        let new = document(
            &app,
            &owner,
            json!({ "title": "Holiday rules", "text": "New ones." }),
        )
        .await;
        let by_name = app
            .data(
                &owner,
                "get_document",
                json!({ "document": "Holiday rules" }),
            )
            .await;
        assert_eq!(by_name["id"], new);
        // Back again: what it is called is no former title.
        app.ok(
            &owner,
            "update_document",
            json!({ "document": id, "title": "Holiday rules" }),
        )
        .await;
        let read = app
            .data(&owner, "get_document", json!({ "document": id }))
            .await;
        assert_eq!(read["former_titles"], json!(["Time off"]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_for_one_team_is_there_for_nobody_else() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let people = team(&app, "People").await;
        let inside = member(&app, "Ines", Role::Member, Some("People")).await;
        let outside = member(&app, "Otto", Role::Member, None).await;
        let admin = member(&app, "Ada", Role::Admin, None).await;
        let secret = json!({ "title": "Salary bands", "text": "# Levels\n\nThe xylophone level earns most.",
            "tags": ["paybands"], "folder": "Payroll", "team": "People" });
        let id = document(&app, &inside, secret).await;
        document(&app, &owner, json!({ "title": "Music room", "text": "A xylophone stands there.", "folder": "House" })).await;
        let made = app
            .data(&owner, "get_document", json!({ "document": id }))
            .await;
        assert_eq!(made["team"]["id"], people);
        assert_eq!(made["visibility"], "team");

        for (caller, sees) in [
            (&inside, true),
            (&owner, true),
            (&admin, true),
            (&outside, false),
        ] {
            let who = format!("{engine:?} {:?}", caller.member);
            let both: &[&str] = if sees {
                &["Music room", "Salary bands"]
            } else {
                &["Music room"]
            };
            let mut answers = soon(&app, caller, "xylophone", both.len()).await;
            answers.sort();
            assert_eq!(answers, both, "{who}");
            // Neither by a name, a count, a folder, a tag, a typo nor by what is like it.
            let listed = app.ok(caller, "list_knowledge_base", json!({})).await;
            assert_eq!(
                listed["data"].as_array().unwrap().len(),
                both.len(),
                "{who}"
            );
            assert_eq!(
                listed.to_string().contains("Payroll"),
                sees,
                "{who}: {listed}"
            );
            let counted = app
                .ok(caller, "list_knowledge_base", json!({ "count_only": true }))
                .await;
            assert_eq!(counted["page"]["total"], both.len(), "{who}");
            assert_eq!(
                titles(&app, caller, json!({ "query": "xylophone level" }))
                    .await
                    .contains(&"Salary bands".to_owned()),
                sees,
                "{who}"
            );
            let tagged = app
                .ok(caller, "list_knowledge_base", json!({ "tag": "paybandz" }))
                .await;
            assert!(!tagged.to_string().contains("paybands"), "{who}: {tagged}");
            let all = app
                .ok(caller, "search_all", json!({ "query": "xylophone level" }))
                .await;
            assert_eq!(all.to_string().contains("Salary"), sees, "{who}: {all}");
            let exported = app
                .ok(
                    caller,
                    "export_data",
                    json!({ "kind": "documents", "format": "json" }),
                )
                .await;
            assert_eq!(
                exported.to_string().contains("xylophone level"),
                sees,
                "{who}: {exported}"
            );
            for by in [id.clone(), json!("Salary bands")] {
                for (tool, arguments) in [
                    ("get_document", json!({ "document": by })),
                    ("search_knowledge_base", json!({ "similar_to": by })),
                    (
                        "update_document",
                        json!({ "document": by, "tags": ["x"], "dry_run": true }),
                    ),
                    (
                        "delete_document",
                        json!({ "document": by, "dry_run": true }),
                    ),
                    (
                        "create_note",
                        json!({ "about": by, "text": "x", "dry_run": true }),
                    ),
                ] {
                    if sees {
                        continue;
                    }
                    let error = app.error(caller, tool, arguments.clone()).await;
                    assert!(
                        [Code::NotFound, Code::Validation].contains(&error.code()),
                        "{who} {tool}: {error:?}"
                    );
                    assert!(!format!("{error:?}").contains("Levels"), "{error:?}");
                    assert!(
                        by == "Salary bands" || !format!("{error:?}").contains("Salary"),
                        "{who} {tool}: {error:?}"
                    );
                }
            }
            // A name that nearly is one suggests it to those who read it alone.
            let near = app
                .error(caller, "get_document", json!({ "document": "Salary band" }))
                .await;
            assert_eq!(
                near.to_json().to_string().contains("Salary bands"),
                sees,
                "{who}: {near:?}"
            );
        }
        // A note of somebody who sees it does not tell its name to others.
        app.ok(
            &inside,
            "create_note",
            json!({ "about": id, "text": "Look at this in March." }),
        )
        .await;
        let notes = app.ok(&outside, "list_notes", json!({})).await;
        assert!(!notes.to_string().contains("Salary"), "{notes}");

        // Whoever leaves the team sees it no more, at once, whatever the index knows.
        let who = inside.member.to_string();
        admin::take_member(app.store(), "main", "People", &who)
            .await
            .unwrap();
        assert_eq!(
            asked(&app, &inside, "xylophone").await,
            ["Music room"],
            "{engine:?}"
        );
        let error = app
            .error(&inside, "get_document", json!({ "document": id }))
            .await;
        assert_eq!(error.code(), Code::NotFound);
        // Nor can it be taken back, told of or given away by those outside.
        let give = json!({ "title": "Mine", "text": "x", "team": "People" });
        let error = app.error(&outside, "create_document", give).await;
        assert_eq!(error.field_name(), Some("team"));
        let open = json!({ "document": id, "visibility": "internal" });
        app.ok(&owner, "update_document", open).await;
        assert_eq!(
            soon(&app, &outside, "xylophone level", 2).await[0],
            "Salary bands"
        );
        let close = json!({ "document": id, "team": "People" });
        app.ok(&owner, "update_document", close).await;
        assert_eq!(
            asked(&app, &outside, "xylophone").await,
            ["Music room"],
            "{engine:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_decides_who_reads_what_is_in_it_however_that_came_there() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        team(&app, "Board").await;
        let outside = member(&app, "Otto", Role::Member, None).await;
        let minutes = document(
            &app,
            &owner,
            json!({ "title": "Minutes", "text": "We sell the barge.", "folder": "Board/2026" }),
        )
        .await;
        assert_eq!(soon(&app, &outside, "barge", 1).await, ["Minutes"]);
        let arranged = json!({ "folder": "board", "team": "Board" });
        let arranged = app.ok(&owner, "update_folder", arranged).await;
        assert_eq!(arranged["data"]["documents"], 1, "{engine:?}");
        assert!(asked(&app, &outside, "barge").await.is_empty());

        // Into it by an update, by a create, by an import, and by an undo.
        let plan = document(
            &app,
            &owner,
            json!({ "title": "Plan", "text": "A barge for the canal." }),
        )
        .await;
        let moved = json!({ "document": plan, "folder": "Board" });
        let moved = app.ok(&owner, "update_document", moved).await;
        assert_eq!(moved["data"]["visibility"], "team");
        let table = "title,text,folder\nBudget,The barge costs a lot.,Board/Money\n";
        app.ok(
            &owner,
            "import_data",
            json!({ "kind": "documents", "text": table }),
        )
        .await;
        assert!(
            asked(&app, &outside, "barge").await.is_empty(),
            "{engine:?}"
        );
        let out = json!({ "document": minutes, "clear": ["folder"], "visibility": "internal" });
        let out = app.ok(&owner, "update_document", out).await;
        assert_eq!(soon(&app, &outside, "barge", 1).await, ["Minutes"]);
        app.ok(&owner, "undo_change", json!({ "change": out["change"] }))
            .await;
        assert!(
            asked(&app, &outside, "barge").await.is_empty(),
            "{engine:?}"
        );

        // Nobody says otherwise, puts something there unseen, or changes it from outside.
        let other = json!({ "document": plan, "visibility": "public" });
        let error = app.error(&owner, "update_document", other).await;
        assert_eq!(error.field_name(), Some("visibility"));
        for (tool, arguments) in [
            (
                "create_document",
                json!({ "title": "T", "text": "x", "folder": "BOARD/x" }),
            ),
            (
                "update_folder",
                json!({ "folder": "Board", "visibility": "internal" }),
            ),
            (
                "update_folder",
                json!({ "folder": "Other", "rename_to": "Board" }),
            ),
        ] {
            let error = app.error(&outside, tool, arguments).await;
            assert_eq!(error.code(), Code::Forbidden, "{engine:?} {tool}");
        }
        // With another name it goes on deciding.
        let renamed = app
            .ok(
                &owner,
                "update_folder",
                json!({ "folder": "Board", "rename_to": "Directors" }),
            )
            .await;
        assert_eq!(renamed["data"]["documents"], 3, "{renamed}");
        assert!(asked(&app, &outside, "barge").await.is_empty());
        let listed = titles(&app, &owner, json!({ "folder": "directors" })).await;
        assert_eq!(listed, ["Budget", "Minutes", "Plan"], "{engine:?}");
        app.ok(
            &owner,
            "undo_change",
            json!({ "change": renamed["change"] }),
        )
        .await;
        assert_eq!(
            titles(&app, &owner, json!({ "folder": "Board" }))
                .await
                .len(),
            3
        );
        assert!(asked(&app, &outside, "barge").await.is_empty());
        // Open again, all of it.
        app.ok(
            &owner,
            "update_folder",
            json!({ "folder": "Board", "visibility": "internal" }),
        )
        .await;
        assert_eq!(
            soon(&app, &outside, "barge", 3).await.len(),
            3,
            "{engine:?}"
        );
        let itself = json!({ "folder": "Board", "rename_to": "Board/Old" });
        let error = app.error(&owner, "update_folder", itself).await;
        assert_eq!(error.field_name(), Some("rename_to"));
        let none = app
            .error(
                &owner,
                "update_folder",
                json!({ "folder": "Nowhere", "rename_to": "X" }),
            )
            .await;
        assert_eq!(none.code(), Code::NotFound);
    }
}

/// Some documents in three languages.
async fn library(app: &TestApp, owner: &Caller) {
    for new in [
        json!({ "title": "Sick leave", "folder": "HR", "tags": ["absence"],
            "text": "# Reporting\n\nCall your team lead before nine.\n\n# Certificates\n\nFrom the third day on we need a doctor's certificate." }),
        json!({ "title": "Invoices", "folder": "Finance",
            "text": "Invoices are paid within fourteen days. A reminder is sent after three weeks." }),
        json!({ "title": "Verträge kündigen", "folder": "Vertrieb",
            "text": "Ein Vertrag wird schriftlich gekündigt. Die Fristen stehen in jedem der Verträge, meist sind es drei Monate zum Jahresende." }),
        json!({ "title": "Les congés", "folder": "RH",
            "text": "Les congés sont demandés quatre semaines à l'avance. Le responsable répond sous trois jours ouvrés." }),
        json!({ "title": "Printer", "status": "draft", "text": "The printer wants a new toner each month." }),
        json!({ "title": "Printers of old", "text": "Gutenberg used no toner. It was all lead type and oil." }),
    ] {
        document(app, owner, new).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_finds_the_passage_that_answers() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        library(&app, &owner).await;
        let answer = app
            .ok(
                &owner,
                "search_knowledge_base",
                json!({ "query": "when do you need a doctors certificate" }),
            )
            .await;
        let first = &answer["data"][0];
        assert_eq!(
            first["document"]["name"], "Sick leave",
            "{engine:?}: {answer}"
        );
        assert_eq!(first["headings"], json!(["Certificates"]));
        let just_that = json!({ "document": first["document"]["id"], "passage": first["passage"] });
        let just_that = app.data(&owner, "get_document", just_that).await;
        assert_eq!(just_that["text"], first["text"]);

        let one = async |query: &str| asked(&app, &owner, query).await.into_iter().next();
        for (query, title) in [
            ("invoice payment", "Invoices"),
            ("invioces", "Invoices"),
            ("Vertrag kündigen", "Verträge kündigen"),
            ("vertraege kuendigung frist", "Verträge kündigen"),
            ("demander un congé", "Les congés"),
            ("\"lead type\"", "Printers of old"),
            ("lead -type", "Sick leave"),
            ("toner", "Printers of old"),
        ] {
            assert_eq!(
                one(query).await.as_deref(),
                Some(title),
                "{engine:?} {query}"
            );
        }
        assert_eq!(
            asked(&app, &owner, "\"type lead\"").await,
            [""; 0],
            "{engine:?}"
        );
        assert_eq!(
            asked(&app, &owner, "lead -\"lead type\"").await,
            ["Sick leave"]
        );
        assert_eq!(asked(&app, &owner, "zzzz").await, [""; 0]);
        let drafts = json!({ "query": "toner", "status": "draft" });
        assert_eq!(found(&app, &owner, drafts).await, ["Printer"]);
        for (filter, titles) in [
            (
                json!({ "query": "three", "folder": "finance" }),
                vec!["Invoices"],
            ),
            (
                json!({ "query": "day", "tag": "Absence" }),
                vec!["Sick leave"],
            ),
            (
                json!({ "query": "trois drei three", "language": "German" }),
                vec!["Verträge kündigen"],
            ),
            (
                json!({ "query": "invoices", "updated_before": "2020-01-01" }),
                vec![],
            ),
            (
                json!({ "query": "invoices", "updated_after": "2020-01-01" }),
                vec!["Invoices"],
            ),
        ] {
            assert_eq!(
                found(&app, &owner, filter.clone()).await,
                titles,
                "{engine:?} {filter}"
            );
        }
        // Some of the words, and it says so.
        let some = app
            .ok(
                &owner,
                "search_knowledge_base",
                json!({ "query": "invoices on the moon" }),
            )
            .await;
        assert_eq!(some["data"][0]["document"]["name"], "Invoices");
        assert_eq!(some["notices"][0]["code"], "SOME_WORDS", "{some}");
        let all = app
            .ok(
                &owner,
                "search_knowledge_base",
                json!({ "query": "reminder invoices" }),
            )
            .await;
        assert!(all.get("notices").is_none(), "{all}");

        // Pages neither repeat nor leave out.
        let mut seen = Vec::new();
        let mut cursor = Value::Null;
        loop {
            let asked = json!({ "query": "three drei trois toner", "limit": 1, "cursor": cursor });
            let page = app.ok(&owner, "search_knowledge_base", asked).await;
            for row in page["data"].as_array().unwrap() {
                seen.push(row["document"]["name"].as_str().unwrap().to_owned());
            }
            cursor = page["page"]["next"].clone();
            if cursor.is_null() {
                break;
            }
        }
        let mut once = seen.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), seen.len(), "{seen:?}");
        assert_eq!(seen, asked(&app, &owner, "three drei trois toner").await);

        let both = json!({ "query": "x", "similar_to": "Invoices" });
        let error = app.error(&owner, "search_knowledge_base", both).await;
        assert_eq!(error.field_name(), Some("similar_to"));
        // Without a question: what was changed last, and no draft.
        let newest = found(&app, &owner, json!({ "limit": 2 })).await;
        assert_eq!(newest, ["Printers of old", "Les congés"], "{engine:?}");
        // What goes is found no more.
        app.ok(&owner, "delete_document", json!({ "document": "Invoices" }))
            .await;
        assert!(
            !asked(&app, &owner, "invoices")
                .await
                .contains(&"Invoices".to_owned())
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_index_a_search_answers_the_same() {
    let queries = [
        "doctors certificate",
        "Vertrag kündigen",
        "invioces",
        "toner",
        "\"lead type\"",
        "three drei trois",
    ];
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        library(&app, &owner).await;
        let mut with = Vec::new();
        for query in queries {
            with.push(asked(&app, &owner, query).await);
        }
        app.dispatcher.app().passages.as_ref().unwrap().stop();
        document(
            &app,
            &owner,
            json!({ "title": "Late", "text": "A quagga was seen." }),
        )
        .await;
        // Not in the index any more, and found all the same.
        assert_eq!(asked(&app, &owner, "quagga").await, ["Late"], "{engine:?}");
        for (query, with) in queries.iter().zip(with) {
            // Rarity differs by the one that came, so those that are nearly as good may change places.
            let mut without = asked(&app, &owner, query).await;
            let mut with = with;
            without.sort();
            with.sort();
            assert_eq!(without, with, "{engine:?} {query}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_passages_are_made_anew_where_they_are_lost() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        library(&app, &owner).await;
        let before = asked(&app, &owner, "Vertrag kündigen").await;
        let folder = app.folder.path().join("index").join("passages");
        let entries = std::fs::read_dir(&folder).unwrap().flatten();
        let mut paths = entries.map(|entry| entry.path());
        let index = paths.find(|path| path.is_dir()).unwrap();
        for file in std::fs::read_dir(&index).unwrap().flatten() {
            std::fs::remove_file(file.path()).unwrap();
        }
        assert_eq!(asked(&app, &owner, "Vertrag kündigen").await, before);
        let late = json!({ "title": "After all", "text": "It was lost and came back." });
        document(&app, &owner, late).await;
        let after = asked(&app, &owner, "lost and back").await;
        assert_eq!(after.first().map(String::as_str), Some("After all"));
        let index = app.dispatcher.app().passages.as_ref().unwrap();
        for _ in 0..200 {
            if index.status().ready && index.status().documents > 0 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(25)).await;
        }
        assert!(index.status().ready, "{engine:?}: the index is there again");
        assert_eq!(asked(&app, &owner, "Vertrag kündigen").await, before);
    }
}

/// What a sync says, on a database of its own in the folder.
fn sync(folder: &std::path::Path, more: &[&str]) -> (bool, Value, String) {
    let ended = std::process::Command::new(env!("CARGO_BIN_EXE_bureau"))
        .args(["knowledge", "sync", "--json", "--database"])
        .arg(format!("sqlite:{}", folder.join("b.sqlite").display()))
        .arg("--data-dir")
        .arg(folder)
        .args(more)
        .arg(folder.join("handbook"))
        .output()
        .unwrap();
    let said = serde_json::from_slice(&ended.stdout).unwrap_or_default();
    let why = String::from_utf8_lossy(&ended.stderr).into_owned();
    (ended.status.success(), said, why)
}

/// How many became what.
fn counts(said: &Value) -> [i64; 5] {
    ["created", "updated", "moved", "removed", "unchanged"].map(|what| said[what].as_i64().unwrap())
}

#[test]
fn a_folder_is_kept_in_step_and_what_is_there_already_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("handbook");
    std::fs::create_dir_all(root.join("HR/Leave")).unwrap();
    let write = |path: &str, text: &str| std::fs::write(root.join(path), text).unwrap();
    write(
        "HR/sick.md",
        "---\ntitle: Sick leave\ntags: [hr]\n---\n# Sick leave\n\nCall before nine.\n",
    );
    write("HR/Leave/parents.md", "# Parents\n\nSeven weeks before.\n");
    write("note.txt", "A plain note about keys.");
    write("empty.md", "   ");
    write("scan.pdf", "%PDF-1.4 nothing in it");
    write("picture.png", "no text");
    let (ok, tried, why) = sync(folder.path(), &["--dry-run"]);
    assert!(ok, "{why}");
    assert_eq!(counts(&tried), [3, 0, 0, 0, 0], "{tried}");
    assert_eq!(tried["change"], Value::Null);
    let (ok, done, why) = sync(folder.path(), &[]);
    assert!(ok, "{why}");
    assert_eq!(
        counts(&done),
        [3, 0, 0, 0, 0],
        "a dry run writes nothing: {done}"
    );
    let refused: Vec<&str> = done["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["path"].as_str().unwrap())
        .collect();
    assert_eq!(refused, ["empty.md", "scan.pdf"], "{done}");
    assert_eq!(counts(&sync(folder.path(), &[]).1), [0, 0, 0, 0, 3]);

    // One changed, one moved, one gone, one that cannot be read for now.
    write(
        "HR/sick.md",
        "---\ntitle: Sick leave\ntags: [hr]\n---\n# Sick leave\n\nCall before ten.\n",
    );
    std::fs::rename(root.join("HR/Leave/parents.md"), root.join("parents.md")).unwrap();
    std::fs::remove_file(root.join("note.txt")).unwrap();
    let (_, done, _) = sync(folder.path(), &[]);
    assert_eq!(counts(&done), [0, 1, 1, 1, 0], "{done}");
    std::fs::write(root.join("parents.md"), b"\xff\xfe\xff").unwrap();
    let (_, done, _) = sync(folder.path(), &[]);
    assert_eq!(
        counts(&done),
        [0, 0, 0, 0, 1],
        "what cannot be read is not gone: {done}"
    );

    // Another folder's documents are no business of this one, and an empty folder takes nothing away.
    let (_, other, _) = sync(folder.path(), &["--name", "other", "--dry-run"]);
    assert_eq!(counts(&other), [1, 0, 0, 0, 0], "{other}");
    std::fs::remove_dir_all(&root).unwrap();
    std::fs::create_dir(&root).unwrap();
    let (ok, _, why) = sync(folder.path(), &[]);
    assert!(!ok && why.contains("Is it the right folder?"), "{why}");
}
