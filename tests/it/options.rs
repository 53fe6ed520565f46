//! What every call takes beside its tool's parameters, and what of it this caller is told: in the list of tools as it gets it.

use bureau_kernel::admin::{self, AttributeDefinition, NewKey};
use bureau_kernel::caller::{Caller, ConfirmPolicy};
use bureau_kernel::dispatch::Settings;
use bureau_kernel::error::Code;
use bureau_kernel::permission::Grants;
use bureau_kernel::testing::{ENGINES, TestApp};
use serde_json::{Value, json};

use crate::MODULES;

/// The parameters of a tool as a caller gets them.
async fn listed(app: &TestApp, caller: &Caller, tool: &str) -> Value {
    let listing = app.dispatcher.listing(caller).await.unwrap();
    let all = app.dispatcher.listed(&listing);
    let found = all.iter().find(|wire| wire.name == tool).unwrap();
    found.input_schema["properties"].clone()
}

/// A caller with a key of both workspaces, in one of them.
async fn with_key_of(app: &TestApp, workspaces: &[&str], confirm: Option<ConfirmPolicy>) -> Caller {
    let known = app.dispatcher.registry().permissions();
    let new = NewKey {
        name: "several".into(),
        grants: Grants::parse(["full"], &known).unwrap(),
        workspaces: workspaces.iter().map(|slug| (*slug).to_owned()).collect(),
        member: None,
        expires_at: None,
        confirm,
        calls_per_hour: None,
    };
    let (key, _) = admin::create_key(app.store(), new).await.unwrap();
    let authenticated = app.dispatcher.authenticate(&key, Some(workspaces[0]));
    authenticated.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_several_workspaces_is_told_where_it_wrote_and_kept_from_writing_elsewhere() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        app.tenant("second").await;
        let one = with_key_of(&app, &["main"], None).await;
        let both = with_key_of(&app, &["main", "second"], None).await;
        let here = json!({ "slug": "main", "name": both.workspace.name });
        for (caller, named) in [(&one, Value::Null), (&both, here.clone())] {
            let made = json!({ "name": format!("Ada {named}") });
            let made = app.ok(caller, "create_contact", made).await;
            assert_eq!(made["workspace"], named, "{made}");
            let read = json!({ "contact": made["data"]["id"] });
            let read = app.ok(caller, "get_contact", read).await;
            assert_eq!(
                read.get("workspace"),
                None,
                "what only reads says it when it is asked"
            );
            let parameters = listed(&app, caller, "create_contact").await;
            assert_eq!(parameters.get("workspace").is_some(), !named.is_null());
            for meant in [
                "main",
                "MAIN",
                &caller.workspace.name,
                &caller.workspace.id.to_string(),
                "",
            ] {
                let tried = json!({ "name": "Bob", "workspace": meant, "dry_run": true });
                app.ok(caller, "create_contact", tried).await;
            }
            for (tool, arguments) in [
                (
                    "create_contact",
                    json!({ "name": "Eve", "workspace": "second" }),
                ),
                ("search_contacts", json!({ "workspace": "second" })),
            ] {
                let error = app.error(caller, tool, arguments).await;
                assert_eq!(
                    (error.code(), error.field_name()),
                    (Code::Validation, Some("workspace"))
                );
                assert!(error.message().contains("main"), "{error:?}");
            }
        }
        assert_eq!(
            app.data(&both, "search_contacts", json!({ "query": "Eve" }))
                .await,
            json!([])
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_names_the_attributes_that_the_callers_workspace_defines() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let stranger = app.tenant("second").await;
        for (name, kind, about) in [
            ("budget", "number", Some("Yearly, in EUR")),
            ("since", "date", None),
            ("vip", "bool", None),
            ("languages", "list", None),
            ("note", "text", None),
            ("extra", "object", None),
        ] {
            let new = AttributeDefinition {
                entity: "contact".into(),
                name: name.into(),
                kind: kind.into(),
                about: about.map(str::to_owned),
            };
            let defined = admin::define_attribute(app.store(), "main", &["contact"], new);
            defined.await.unwrap();
        }
        for tool in ["create_contact", "update_contact", "bulk_update_contacts"] {
            let attributes = listed(&app, &owner, tool).await["attributes"].take();
            assert_eq!(
                attributes,
                json!({ "type": "object", "properties": {
                    "budget": { "type": "number", "description": "Yearly, in EUR" },
                    "languages": { "type": "array", "items": { "type": "string" } },
                    "note": { "type": "string" },
                    "since": { "type": "string", "description": "YYYY-MM-DD" },
                    "vip": { "type": "boolean" },
                } }),
                "{tool}"
            );
            assert_eq!(
                listed(&app, &stranger, tool).await.get("attributes"),
                None,
                "{tool}"
            );
        }
        assert_eq!(
            listed(&app, &owner, "create_deal").await.get("attributes"),
            None
        );
        // As declared, with what a client sends that has to fill in everything; and what cannot be declared is taken too.
        let filled = json!({ "budget": 12.5, "languages": [], "note": "", "since": "2026-01-31", "vip": true });
        let made = json!({ "name": "Ada King", "attributes": filled });
        let made = app.ok(&owner, "create_contact", made).await;
        let kept = json!({ "budget": 12.5, "since": "2026-01-31", "vip": true });
        assert_eq!(made["data"]["attributes"], kept);
        let nothing =
            json!({ "budget": null, "languages": [], "note": "", "since": "", "vip": null });
        let update =
            json!({ "contact": made["data"]["id"], "city": "Bonn", "attributes": nothing });
        let updated = app.ok(&owner, "update_contact", update).await;
        assert_eq!(updated["data"]["attributes"], kept);
        let update = json!({ "contact": made["data"]["id"], "clear": ["attributes.vip"], "attributes": { "extra": { "a": 1 } } });
        let updated = app.ok(&owner, "update_contact", update).await;
        let kept = json!({ "budget": 12.5, "since": "2026-01-31", "extra": { "a": 1 } });
        assert_eq!(updated["data"]["attributes"], kept);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_write_declares_how_it_is_confirmed_where_every_write_asks() {
    let settings = Settings {
        confirm: ConfirmPolicy::Writes,
        ..Settings::default()
    };
    let app = TestApp::with(ENGINES[0], MODULES, settings).await;
    let owner = app.owner().await;
    let never = with_key_of(&app, &["main"], Some(ConfirmPolicy::Never)).await;
    for entry in app.dispatcher.registry().entries() {
        let (tool, writes) = (entry.spec.name, !entry.spec.effect.reads_only());
        for (caller, asks) in [(&owner, writes), (&never, false)] {
            let parameters = listed(&app, caller, tool).await;
            assert_eq!(parameters.get("confirm").is_some(), asks, "{tool}");
            assert_eq!(parameters.get("confirm_token").is_some(), asks, "{tool}");
            assert_eq!(parameters.get("dry_run").is_some(), writes, "{tool}");
        }
    }
    // What is declared is what is taken.
    let ada = json!({ "name": "Ada King" });
    let error = app.error(&owner, "create_contact", ada.clone()).await;
    let mut confirmed = ada;
    confirmed["confirm_token"] = error.detail_value("confirm_token").unwrap().clone();
    app.ok(&owner, "create_contact", confirmed).await;
}

#[tokio::test]
async fn a_misspelt_option_is_told_of() {
    let app = TestApp::new(ENGINES[0], MODULES).await;
    let owner = app.owner().await;
    for (given, meant) in [("dryrun", "dry_run"), ("idempotencykey", "idempotency_key")] {
        let arguments = json!({ "name": "Ada", given: true });
        let error = app.error(&owner, "create_contact", arguments).await;
        assert_eq!(error.field_name(), Some(given));
        let hint = error.hint_text().unwrap_or_default().to_owned();
        assert!(hint.contains(meant), "{hint}");
    }
}
