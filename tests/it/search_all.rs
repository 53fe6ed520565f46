//! The search over records of all kinds: what it finds, in which order, what it shows, and what it does not.

use bureau_kernel::caller::Caller;
use bureau_kernel::error::Code;
use bureau_kernel::testing::{ENGINES, TestApp};
use serde_json::{Value, json};

use crate::MODULES;

/// What is found, by type and name.
async fn found(app: &TestApp, caller: &Caller, arguments: Value) -> Vec<(String, String)> {
    let rows = app.data(caller, "search_all", arguments).await;
    let rows = rows.as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    rows.map(|row| (text(&row["type"]), text(&row["name"])))
        .collect()
}

fn named(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = pairs.iter();
    pairs
        .map(|(kind, name)| ((*kind).to_owned(), (*name).to_owned()))
        .collect()
}

async fn scene(app: &TestApp, owner: &Caller) {
    let company = json!({ "name": "Nautilus", "industry": "Submarines" });
    app.ok(owner, "create_company", company).await;
    let contact = json!({ "name": "Pierre Aronnax", "company": "Nautilus", "title": "Professor" });
    app.ok(owner, "create_contact", contact).await;
    let project = json!({ "name": "Abyss", "description": "A map of the trench, drawn aboard the Nautilus." });
    app.ok(owner, "create_project", project).await;
    let task = json!({ "project": "Abyss", "title": "Buy ink", "description": "The giant squid's is best." });
    app.ok(owner, "create_task", task).await;
    let note = json!({ "about": "Pierre Aronnax", "text": "Collects squid." });
    app.ok(owner, "create_note", note).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_called_so_stands_before_what_says_so_whatever_it_is() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        scene(&app, &owner).await;
        let nautilus = found(&app, &owner, json!({ "query": "nautilus" })).await;
        assert_eq!(
            nautilus[0],
            ("company".into(), "Nautilus".into()),
            "{engine:?}"
        );
        let mut others = nautilus[1..].to_vec();
        others.sort_unstable();
        let expected = named(&[("contact", "Pierre Aronnax"), ("project", "Abyss")]);
        assert_eq!(others, expected, "{engine:?}");
        // With a typo, too.
        let typo = found(&app, &owner, json!({ "query": "nautlius" })).await;
        assert_eq!(typo[0].1, "Nautilus", "{engine:?}");
        let mut squid = found(&app, &owner, json!({ "query": "squid" })).await;
        squid.sort_unstable();
        let expected = named(&[("note", "Collects squid."), ("task", "Buy ink")]);
        assert_eq!(squid, expected, "{engine:?}");
        for types in [json!(["task"]), json!("tasks"), json!(["Task", "project"])] {
            let only = json!({ "query": "squid", "types": types });
            assert_eq!(
                found(&app, &owner, only).await,
                named(&[("task", "Buy ink")])
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_match_shows_the_passage_that_its_name_does_not() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        scene(&app, &owner).await;
        let long = format!(
            "{}a kraken {}",
            "deep water ".repeat(40),
            "and waves ".repeat(40)
        );
        let project = json!({ "name": "Logbook", "description": long });
        app.ok(&owner, "create_project", project).await;
        let row = async |query: &str| {
            let rows = app
                .data(&owner, "search_all", json!({ "query": query }))
                .await;
            rows[0].clone()
        };
        assert_eq!(row("abyss").await["passage"], Value::Null);
        assert_eq!(row("giant").await["passage"], "The giant squid's is best.");
        let kraken = row("kraken").await["passage"].clone();
        let kraken = kraken.as_str().unwrap();
        assert!(kraken.contains("deep water a kraken and waves"), "{kraken}");
        assert!(
            kraken.starts_with('…') && kraken.chars().count() < 210,
            "{kraken}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_found_that_may_not_be_read_or_is_gone_or_of_others() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        scene(&app, &owner).await;
        let narrow = app.limited(&owner, &["read_projects", "read_contacts"]);
        let query = json!({ "query": "nautilus" });
        let mut seen = found(&app, &narrow, query.clone()).await;
        seen.sort_unstable();
        let expected = named(&[("contact", "Pierre Aronnax"), ("project", "Abyss")]);
        assert_eq!(seen, expected, "{engine:?}");
        let hidden = json!({ "query": "nautilus", "types": ["company"] });
        let error = app.error(&narrow, "search_all", hidden).await;
        assert_eq!(error.code(), Code::Validation);
        assert_eq!(error.field_name(), Some("types[0]"), "{error:?}");
        let tenant = app.tenant("other").await;
        assert_eq!(found(&app, &tenant, query.clone()).await, []);
        app.ok(&owner, "delete_project", json!({ "project": "Abyss" }))
            .await;
        let left = found(&app, &owner, query).await;
        assert!(!left.iter().any(|(kind, _)| kind == "project"), "{left:?}");
        // Its tasks went with it.
        let ink = found(&app, &owner, json!({ "query": "ink" })).await;
        assert!(!ink.iter().any(|(kind, _)| kind == "task"), "{ink:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_follow_each_other_without_a_gap_and_some_words_do() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        for number in 0..7 {
            let company = json!({ "name": format!("Reef {number}"), "on_duplicate": "create" });
            app.ok(&owner, "create_company", company).await;
            app.ok(
                &owner,
                "create_project",
                json!({ "name": format!("Reef {number}") }),
            )
            .await;
        }
        let mut seen = Vec::new();
        let mut arguments = json!({ "query": "reef", "limit": 4 });
        loop {
            let answer = app.ok(&owner, "search_all", arguments.clone()).await;
            let rows = answer["data"].as_array().unwrap();
            seen.extend(
                rows.iter()
                    .map(|row| row["id"].as_str().unwrap().to_owned()),
            );
            let Some(next) = answer["page"]["next"].as_str() else {
                break;
            };
            arguments["cursor"] = json!(next);
        }
        assert_eq!(seen.len(), 14, "{engine:?}");
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 14, "{engine:?}");
        let some = json!({ "query": "reef zzyzx" });
        let answer = app.ok(&owner, "search_all", some).await;
        assert_eq!(answer["data"].as_array().unwrap().len(), 14);
        assert_eq!(answer["notices"][0]["code"], "SOME_WORDS", "{answer}");
        let foreign = app.ok(&owner, "list_projects", json!({ "limit": 1 })).await;
        let cursor = json!({ "query": "reef", "cursor": foreign["page"]["next"] });
        let error = app.error(&owner, "search_all", cursor).await;
        assert_eq!(error.field_name(), Some("cursor"), "{error:?}");
    }
}
