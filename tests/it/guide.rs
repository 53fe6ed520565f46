//! docs/module.md, followed: the module that it shows is compiled here, its migrations run on both engines, and it does all that
//! a module of Bureau does.

#[path = "guide/loans/lib.rs"]
#[expect(unreachable_pub, reason = "in a crate of its own others reach it")]
mod loans;

use std::fmt::Write as _;
use std::path::Path;

use bureau_kernel::error::Code;
use bureau_kernel::prelude::Module;
use bureau_kernel::registry::{Registry, Selection};
use bureau_kernel::testing::{ENGINES, Engine, TestApp};
use serde_json::json;

use crate::MODULES;
use crate::catalogue::root;
use crate::tamper::Raw;

/// The modules with the guide's.
const WITH_LOANS: &[Module] = &{
    let mut all = [loans::MODULE; MODULES.len() + 1];
    all.split_at_mut(MODULES.len()).0.copy_from_slice(MODULES);
    all
};

/// The files that the guide shows, in its order.
const FILES: [&str; 8] = [
    "loan.rs",
    "sqlite.sql",
    "postgres.sql",
    "create.rs",
    "give_back.rs",
    "list.rs",
    "delete.rs",
    "lib.rs",
];

#[test]
fn the_guide_shows_the_module_that_is_tested() {
    let path = root().join("docs/module.md");
    let mut guide = std::fs::read_to_string(&path).unwrap();
    let is_asked = std::env::var_os("BUREAU_UPDATE_DOCS").is_some();
    for name in FILES {
        let file = root().join(Path::new("tests/it/guide/loans")).join(name);
        let code = std::fs::read_to_string(file).unwrap();
        let language = if name.ends_with(".rs") { "rust" } else { "sql" };
        // In a crate of its own the parent is the crate.
        let code = code.replace("super::", "crate::");
        let mut block = String::new();
        writeln!(block, "```{language}\n// {name}").unwrap();
        if language == "sql" {
            block = block.replace("// ", "-- ");
        }
        block.push_str(&code);
        block.push_str("```\n");
        let head: String = block
            .lines()
            .take(2)
            .map(|line| format!("{line}\n"))
            .collect();
        let start = guide
            .find(&head)
            .unwrap_or_else(|| panic!("docs/module.md shows no {name}"));
        let length = guide[start + 3..].find("```\n").unwrap() + 7;
        if is_asked {
            guide.replace_range(start..start + length, &block);
        } else {
            assert_eq!(guide[start..start + length], block, "{name}");
        }
    }
    if is_asked {
        std::fs::write(path, guide).unwrap();
    }
}

/// An app with the guide's module, on a database with its tables.
async fn app(engine: Engine) -> TestApp {
    let app = TestApp::new(engine, WITH_LOANS).await;
    let tables = match engine {
        Engine::Sqlite => include_str!("guide/loans/sqlite.sql"),
        Engine::Postgres => include_str!("guide/loans/postgres.sql"),
    };
    Raw::new(&app.database).await.run(tables).await;
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_by_the_guide_does_what_modules_do() {
    let selection = Selection {
        features: vec!["loans".into()],
        ..Selection::default()
    };
    let registry = Registry::new(WITH_LOANS, &selection).unwrap();
    let tools = registry
        .entries()
        .filter(|entry| registry.is_enabled(entry));
    assert_eq!(tools.count(), loans::MODULE.tools.len());
    for engine in ENGINES {
        let app = app(engine).await;
        assert_eq!(app.run_examples().await, Vec::<String>::new(), "{engine:?}");
        let (owner, other) = (app.owner().await, app.tenant("other").await);
        let who = json!({ "name": "Lena Lent", "on_duplicate": "create" });
        let who = app.data(&owner, "create_contact", who).await["id"].clone();
        let lent = json!({ "item": "Trolley", "borrower": who });
        let lent = app.ok(&owner, "create_loan", lent).await;
        let loan = lent["data"]["id"].clone();

        // Nobody else sees it, and whoever may not does not.
        let hidden = app
            .error(&other, "return_loan", json!({ "loan": loan }))
            .await;
        assert_eq!(hidden.code(), Code::NotFound);
        assert_eq!(app.data(&other, "list_loans", json!({})).await, json!([]));
        let blind = app.limited(&owner, &["read_contacts"]);
        let unknown = app.error(&blind, "list_loans", json!({})).await;
        assert_eq!(unknown.code(), Code::NotFound);

        // It is found, checked before it is written, repeated once, and taken back.
        let found = app
            .data(&owner, "list_loans", json!({ "query": "troley" }))
            .await;
        assert_eq!(found[0]["id"], loan, "{engine:?}");
        let missing = app
            .error(&owner, "create_loan", json!({ "item": "" }))
            .await;
        assert_eq!(
            (missing.code(), missing.field_name()),
            (Code::Validation, Some("item"))
        );
        let held = app
            .error(&owner, "delete_contact", json!({ "contact": who }))
            .await;
        assert_eq!(held.code(), Code::Conflict);
        let back = app.ok(&owner, "return_loan", json!({ "loan": loan })).await;
        let twice = app
            .error(&owner, "return_loan", json!({ "loan": loan }))
            .await;
        assert_eq!(twice.code(), Code::Conflict);
        app.ok(&owner, "undo_change", json!({ "change": back["change"] }))
            .await;
        let out = app.data(
            &owner,
            "list_loans",
            json!({ "returned": false, "borrower": who }),
        );
        assert_eq!(out.await[0]["id"], loan, "{engine:?}");
        let note = json!({ "about": loan, "text": "One wheel squeaks" });
        let note = app.data(&owner, "create_note", note).await;
        assert_eq!(note["about"]["name"], "Trolley", "{engine:?}");
    }
}
