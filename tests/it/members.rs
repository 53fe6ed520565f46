//! Members, teams and roles: who may do what, and what becomes of what somebody was responsible for.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::Request;
use bureau::transport::http::Options;
use bureau_kernel::admin::{
    self, MemberChange, MemberInfo, NewKey, NewMember, NewTeam, TeamChange,
};
use bureau_kernel::caller::{Caller, Role};
use bureau_kernel::error::Code;
use bureau_kernel::permission::Grants;
use bureau_kernel::store::{Store, log};
use bureau_kernel::testing::{ENGINES, TestApp};
use serde_json::{Value, json};
use tower::Service as _;

use crate::MODULES;
use crate::cli::Home;
use crate::http::{router, server};

const ROLES: [Role; 4] = [Role::Owner, Role::Admin, Role::Member, Role::Viewer];

fn store(app: &TestApp) -> &Store {
    &app.dispatcher.app().store
}

async fn added(app: &TestApp, slug: &str, name: &str, role: Role) -> MemberInfo {
    let new = NewMember {
        name: name.into(),
        email: Some(format!("{}@firm.example", name.to_lowercase())),
        role,
        ..NewMember::default()
    };
    admin::add_member(store(app), slug, new).await.unwrap()
}

async fn with_role(app: &TestApp, who: &str, role: Role) {
    let change = MemberChange {
        role: Some(role),
        ..MemberChange::default()
    };
    admin::update_member(store(app), "main", who, change)
        .await
        .unwrap();
}

/// A key with every permission for a member of the first workspace.
async fn key_of(app: &TestApp, who: &str) -> String {
    let new = NewKey {
        name: format!("key of {who}"),
        grants: Grants::Everything,
        workspaces: vec!["main".into()],
        member: Some(who.into()),
        expires_at: None,
        confirm: None,
        calls_per_hour: None,
    };
    admin::create_key(store(app), new).await.unwrap().0
}

/// A request to a server over HTTP with a key; the result of the answer.
async fn over_http(app: &TestApp, key: &str, method: &str, mut params: Value) -> Value {
    let dispatcher = app.dispatcher.clone();
    let mut router = router(
        server(dispatcher.clone()),
        dispatcher,
        true,
        &Options::default(),
    )
    .unwrap();
    params["_meta"] = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
                             "io.modelcontextprotocol/clientCapabilities": {}});
    let message = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let request = Request::post("/mcp")
        .header("host", "127.0.0.1:8787")
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .header("mcp-protocol-version", "2026-07-28")
        .header("mcp-method", method)
        .header("mcp-name", params["name"].as_str().unwrap_or_default())
        .body(Body::from(message.to_string()))
        .unwrap();
    let response = router.call(request).await.unwrap();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX)
        .await
        .unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// What a call over HTTP ends with: `OK` or the code of its error.
async fn ends(app: &TestApp, key: &str, tool: &str, arguments: &Value) -> String {
    let params = json!({"name": tool, "arguments": arguments});
    let answer = over_http(app, key, "tools/call", params).await;
    let text = match answer.pointer("/result/content/0/text") {
        Some(text) => serde_json::from_str(text.as_str().unwrap()).unwrap(),
        None => answer.clone(),
    };
    match text.pointer("/error/code") {
        Some(code) => code.as_str().map_or(code.to_string(), str::to_owned),
        None => "OK".to_owned(),
    }
}

async fn listed(app: &TestApp, key: &str) -> BTreeSet<String> {
    let answer = over_http(app, key, "tools/list", json!({})).await;
    let tools = answer["result"]["tools"].as_array().unwrap();
    tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Whether a role goes as far as a tool, written down again and not computed.
fn may(role: Role, tool: &str) -> bool {
    match tool {
        "search_contacts" | "get_user" | "get_workspace" => true,
        "create_contact"
        | "update_contact"
        | "delete_contact"
        | "bulk_update_contacts"
        | "undo_change" => role >= Role::Member,
        "get_audit_log" | "list_changes" => role >= Role::Admin,
        _ => panic!("{tool}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_bound_every_effect_over_http_from_the_very_next_call_on() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        added(&app, "main", "Ada", Role::Owner).await;
        let key = key_of(&app, "Ada").await;
        let owner = app.owner().await;
        // Down and up again with one and the same key.
        for role in ROLES.into_iter().chain(ROLES.into_iter().rev()) {
            with_role(&app, "ada@FIRM.example", role).await;
            let made = app
                .ok(&owner, "create_contact", json!({"name": "Grace Hopper"}))
                .await;
            let contact = &made["data"]["id"];
            let names = listed(&app, &key).await;
            for (tool, arguments) in [
                ("search_contacts", json!({})),
                ("get_user", json!({"user": "me"})),
                ("get_workspace", json!({})),
                (
                    "create_contact",
                    json!({"name": "Alan", "on_duplicate": "create"}),
                ),
                (
                    "update_contact",
                    json!({"contact": contact, "title": "Admiral"}),
                ),
                (
                    "bulk_update_contacts",
                    json!({"contacts": [contact], "score": 7}),
                ),
                ("get_audit_log", json!({})),
                ("list_changes", json!({})),
                (
                    "undo_change",
                    json!({"change": made["change"], "skip_conflicts": true, "dry_run": true}),
                ),
                (
                    "delete_contact",
                    json!({"contact": contact, "confirm": true}),
                ),
            ] {
                let ended = ends(&app, &key, tool, &arguments).await;
                let wanted = match (may(role, tool), tool) {
                    (false, _) => "RESOURCE_NOT_FOUND",
                    // It was changed since: the call got as far as that.
                    (true, "undo_change") => "CONFLICT",
                    (true, _) => "OK",
                };
                assert_eq!(ended, wanted, "{tool} as {role:?} on {engine:?}");
                assert_eq!(
                    names.contains(tool),
                    may(role, tool),
                    "{tool} in the list of a {role:?} on {engine:?}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_holds_no_more_than_it_was_given_whatever_the_role() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        added(&app, "main", "Ada", Role::Admin).await;
        let known = app.dispatcher.registry().permissions();
        let new = |grants: &[&str], who: &str| NewKey {
            name: "narrow".into(),
            grants: Grants::parse(grants.iter().copied(), &known).unwrap(),
            workspaces: vec!["main".into()],
            member: Some(who.into()),
            expires_at: None,
            confirm: None,
            calls_per_hour: None,
        };
        let (key, info) = admin::create_key(store(&app), new(&["read_contacts"], "Ada"))
            .await
            .unwrap();
        assert_eq!(info.members[0].name, "Ada");
        assert_eq!(ends(&app, &key, "search_contacts", &json!({})).await, "OK");
        let refused = ends(&app, &key, "create_contact", &json!({"name": "No"})).await;
        assert_eq!(refused, "RESOURCE_NOT_FOUND");
        let me = app.dispatcher.authenticate(&key, None).await.unwrap();
        assert_eq!((me.member, me.role), (info.members[0].id, Role::Admin));

        // What goes beyond the role is refused before there is a key.
        added(&app, "main", "Bob", Role::Member).await;
        added(&app, "main", "Vera", Role::Viewer).await;
        for (grants, who) in [
            (["full"], "Bob"),
            (["read_audit_log"], "Bob"),
            (["full"], "Vera"),
            (["create_contacts"], "Vera"),
            (["read_audit_log"], "Vera"),
        ] {
            let error = admin::create_key(store(&app), new(&grants, who))
                .await
                .unwrap_err();
            assert_eq!(
                (error.code(), error.field_name()),
                (Code::Validation, Some("permissions")),
                "{grants:?} for {who}"
            );
            assert!(error.hint_text().unwrap().contains("bureau member update"));
        }
        let nobody = admin::create_key(store(&app), new(&["read_contacts"], "Nobody")).await;
        assert_eq!(nobody.unwrap_err().code(), Code::NotFound);
        let keys = admin::list_keys(store(&app)).await.unwrap();
        assert_eq!(keys.len(), 1, "{keys:?}");
        assert_eq!(keys[0].members[0].name, "Ada");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_keeps_its_last_owner() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let demote = || MemberChange {
            role: Some(Role::Admin),
            ..MemberChange::default()
        };
        let error = admin::update_member(store(&app), "main", "Owner", demote())
            .await
            .unwrap_err();
        assert_eq!(error.code(), Code::Conflict);
        let error = admin::remove_member(app.dispatcher.app(), "main", "Owner", None)
            .await
            .unwrap_err();
        assert_eq!(error.code(), Code::Conflict);
        // Of two owners who step down at the same moment, one stays.
        added(&app, "main", "Ada", Role::Owner).await;
        let (one, other) = tokio::join!(
            admin::update_member(store(&app), "main", "Owner", demote()),
            admin::update_member(store(&app), "main", "Ada", demote()),
        );
        assert_eq!(
            usize::from(one.is_ok()) + usize::from(other.is_ok()),
            1,
            "{engine:?}"
        );
        let members = admin::list_members(store(&app), "main").await.unwrap();
        let owners = members.iter().filter(|member| member.role == Role::Owner);
        assert_eq!(owners.count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_told_apart_by_their_address() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let ada = added(&app, "main", "Ada", Role::Member).await;
        let again = NewMember {
            name: "Another".into(),
            email: Some("ADA@Firm.example".into()),
            ..NewMember::default()
        };
        let error = admin::add_member(store(&app), "main", again.clone())
            .await
            .unwrap_err();
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::Conflict, Some("email"))
        );
        let twin = NewMember {
            name: "ADA".into(),
            ..NewMember::default()
        };
        let twin = admin::add_member(store(&app), "main", twin).await.unwrap();
        let members = admin::list_members(store(&app), "main").await.unwrap();
        let error = admin::find_member(&members, "ada").unwrap_err();
        assert_eq!(error.code(), Code::Conflict);
        assert!(error.hint_text().unwrap().contains(&twin.id.to_string()));
        for who in [&ada.id.to_string(), "Ada@firm.example"] {
            assert_eq!(admin::find_member(&members, who).unwrap().id, ada.id);
        }
        // Who is gone leaves the address free, until somebody has taken it.
        let gone = admin::remove_member(app.dispatcher.app(), "main", "ada@firm.example", None)
            .await
            .unwrap();
        assert_eq!((gone.reassigned, gone.change), (0, None));
        admin::add_member(store(&app), "main", again).await.unwrap();
        let error = admin::restore_member(store(&app), "main", &ada.id.to_string())
            .await
            .unwrap_err();
        assert_eq!(error.field_name(), Some("email"));
        for (new, field) in [
            (NewMember::default(), "name"),
            (
                NewMember {
                    name: "x".into(),
                    email: Some("no address".into()),
                    ..NewMember::default()
                },
                "email",
            ),
            (
                NewMember {
                    name: "x".into(),
                    title: Some("t".repeat(200)),
                    ..NewMember::default()
                },
                "title",
            ),
        ] {
            let error = admin::add_member(store(&app), "main", new)
                .await
                .unwrap_err();
            assert_eq!(error.field_name(), Some(field));
        }
    }
}

async fn contact_of(app: &TestApp, caller: &Caller, name: &str, owner: &str) -> Value {
    let arguments = json!({"name": name, "owner": owner, "on_duplicate": "create"});
    app.ok(caller, "create_contact", arguments).await["data"]["id"].clone()
}

async fn owner_of(app: &TestApp, caller: &Caller, contact: &Value) -> Value {
    let contact = app
        .ok(caller, "get_contact", json!({"contact": contact}))
        .await;
    contact["data"]["owner"]["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_passes_on_what_is_theirs_and_that_can_be_undone() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let ada = added(&app, "main", "Ada", Role::Member).await;
        let bob = added(&app, "main", "Bob", Role::Member).await;
        let (ada_id, bob_id) = (ada.id.to_string(), bob.id.to_string());
        let team = NewTeam {
            name: "Sales".into(),
            lead: Some("Ada".into()),
            ..NewTeam::default()
        };
        admin::create_team(store(&app), "main", team).await.unwrap();
        let (_, full) = app.key(&["full"]).await;
        let key = {
            with_role(&app, "Ada", Role::Admin).await;
            let key = key_of(&app, "Ada").await;
            with_role(&app, "Ada", Role::Member).await;
            key
        };
        assert_eq!(ends(&app, &key, "get_workspace", &json!({})).await, "OK");
        let hers = [
            contact_of(&app, &full, "Grace", &ada_id).await,
            contact_of(&app, &full, "Alan", &ada_id).await,
        ];
        let others = contact_of(&app, &full, "Katherine", &owner.member.to_string()).await;

        let refused = admin::remove_member(app.dispatcher.app(), "main", "Ada", None)
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::Conflict);
        assert!(refused.message().contains("2 of kind contact"), "{refused}");
        assert!(refused.hint_text().unwrap().contains("--reassign-to"));
        let themselves = admin::remove_member(app.dispatcher.app(), "main", "Ada", Some("ada"))
            .await
            .unwrap_err();
        assert_eq!(themselves.field_name(), Some("reassign_to"));
        // Nothing of a refused removal is left.
        assert_eq!(ends(&app, &key, "get_workspace", &json!({})).await, "OK");
        assert_eq!(owner_of(&app, &owner, &hers[0]).await, json!(ada_id));

        let removed = admin::remove_member(app.dispatcher.app(), "main", "Ada", Some("Bob"))
            .await
            .unwrap();
        assert_eq!(removed.reassigned, 2);
        let change = removed.change.unwrap().to_string();
        for contact in &hers {
            assert_eq!(
                owner_of(&app, &owner, contact).await,
                json!(bob_id),
                "{engine:?}"
            );
        }
        assert_eq!(owner_of(&app, &owner, &others).await, json!(owner.member));
        assert_eq!(
            ends(&app, &key, "get_workspace", &json!({})).await,
            "UNAUTHORIZED",
            "a key of nobody"
        );
        let teams = admin::list_teams(store(&app), "main").await.unwrap();
        assert_eq!((teams[0].lead, teams[0].members.len()), (None, 0));
        let missing = app.error(&owner, "get_user", json!({"user": ada_id})).await;
        assert_eq!(missing.code(), Code::NotFound);
        let refers = json!({"contact": hers[0], "owner": ada_id});
        let error = app.error(&owner, "update_contact", refers).await;
        assert_eq!(
            error.code(),
            Code::NotFound,
            "nothing new refers to who is gone"
        );

        admin::restore_member(store(&app), "main", "Ada")
            .await
            .unwrap();
        assert_eq!(ends(&app, &key, "get_workspace", &json!({})).await, "OK");
        let undone = app
            .ok(&owner, "undo_change", json!({"change": change}))
            .await;
        assert_eq!(undone["data"]["records"].as_array().unwrap().len(), 2);
        for contact in &hers {
            assert_eq!(
                owner_of(&app, &owner, contact).await,
                json!(ada_id),
                "{engine:?}"
            );
        }
        // A search by owner finds them again as well.
        let found = app
            .ok(&owner, "search_contacts", json!({"owner": ada_id}))
            .await;
        assert_eq!(found["data"].as_array().unwrap().len(), 2);
        let audit = log::verify(store(&app)).await.unwrap();
        assert_eq!(audit.broken, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_have_members_and_a_lead_who_is_one_of_them() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        for name in ["Ada", "Bob", "Cid"] {
            added(&app, "main", name, Role::Member).await;
        }
        let new = |name: &str| NewTeam {
            name: name.into(),
            about: Some("Sells".into()),
            lead: Some("Ada".into()),
        };
        let sales = admin::create_team(store(&app), "main", new("Sales"))
            .await
            .unwrap();
        let error = admin::create_team(store(&app), "main", new("SALES"))
            .await
            .unwrap_err();
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::Conflict, Some("name"))
        );
        admin::put_member(store(&app), "main", "sales", "bob@firm.example")
            .await
            .unwrap();
        admin::put_member(store(&app), "main", "sales", "Bob")
            .await
            .unwrap();
        let lead = TeamChange {
            lead: Some("Cid".into()),
            name: Some("Key accounts".into()),
            ..TeamChange::default()
        };
        admin::update_team(store(&app), "main", &sales.id.to_string(), lead)
            .await
            .unwrap();
        let answer = app.ok(&owner, "list_teams", json!({})).await;
        let team = &answer["data"][0];
        let names: Vec<&str> = team["members"]
            .as_array()
            .unwrap()
            .iter()
            .map(|member| member["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["Ada", "Bob", "Cid"]);
        assert_eq!(
            (&team["name"], &team["lead"]),
            (&json!("Key accounts"), &team["members"][2])
        );
        let of_team = app
            .ok(
                &owner,
                "list_team_members",
                json!({"team": sales.id, "query": "FIRM.ex", "limit": 2}),
            )
            .await;
        assert_eq!(of_team["data"].as_array().unwrap().len(), 2);
        assert_eq!(of_team["data"][0]["teams"][0]["name"], "Key accounts");
        let rest = json!({"team": sales.id, "cursor": of_team["page"]["next"]});
        let rest = app.ok(&owner, "list_team_members", rest).await;
        assert_eq!(rest["data"][0]["name"], "Cid");
        assert_eq!(rest["data"].as_array().unwrap().len(), 1);

        admin::take_member(store(&app), "main", "Key accounts", "Cid")
            .await
            .unwrap();
        let teams = admin::list_teams(store(&app), "main").await.unwrap();
        assert_eq!((teams[0].lead, teams[0].members.len()), (None, 2));
        let absent = admin::take_member(store(&app), "main", "Key accounts", "Cid").await;
        assert_eq!(absent.unwrap_err().code(), Code::NotFound);
        admin::delete_team(app.dispatcher.app(), "main", "Key accounts")
            .await
            .unwrap();
        assert!(
            admin::list_teams(store(&app), "main")
                .await
                .unwrap()
                .is_empty()
        );
        let answer = app.ok(&owner, "list_team_members", json!({})).await;
        assert!(!answer.to_string().contains("teams"), "{answer}");
        // The name is free again, and the log has kept it all.
        admin::create_team(store(&app), "main", new("Key accounts"))
            .await
            .unwrap();
        let log = app
            .ok(
                &owner,
                "get_audit_log",
                json!({"record": sales.id, "details": true}),
            )
            .await;
        let actions: Vec<&str> = log["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["action"].as_str().unwrap())
            .collect();
        assert_eq!(actions, ["archive", "update", "update", "update", "create"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workspaces_know_nothing_of_each_others_people() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let (ours, theirs) = (app.tenant("ours").await, app.tenant("theirs").await);
        let ada = added(&app, "theirs", "Ada", Role::Admin).await;
        let team = NewTeam {
            name: "Sales".into(),
            lead: Some("Ada".into()),
            ..NewTeam::default()
        };
        let team = admin::create_team(store(&app), "theirs", team.clone())
            .await
            .unwrap();
        let found = app
            .ok(&theirs, "list_team_members", json!({"query": "ada"}))
            .await;
        assert_eq!(found["data"][0]["id"], json!(ada.id));
        for arguments in [
            json!({}),
            json!({"query": "ada"}),
            json!({"team": team.id}),
            json!({"role": "admin"}),
        ] {
            let found = app.ok(&ours, "list_team_members", arguments).await;
            assert!(!found.to_string().contains("Ada"), "{found}");
        }
        for who in [ada.id.to_string(), "Ada".into(), "ada@firm.example".into()] {
            let error = app.error(&ours, "get_user", json!({"user": who})).await;
            assert_eq!(error.code(), Code::NotFound);
            let error = admin::remove_member(app.dispatcher.app(), "ours", &who, None)
                .await
                .unwrap_err();
            assert_eq!(error.code(), Code::NotFound);
        }
        let error = admin::put_member(store(&app), "ours", "Sales", "Owner")
            .await
            .unwrap_err();
        assert_eq!(error.code(), Code::NotFound);
        let teams = app.ok(&ours, "list_teams", json!({})).await;
        assert_eq!(teams["data"], json!([]));
        // The same person may work in both, and a key acts as each of them in their own.
        let here = added(&app, "ours", "Ada", Role::Viewer).await;
        let new = NewKey {
            name: "both".into(),
            grants: Grants::parse(
                ["read_contacts", "read_teams"],
                &app.dispatcher.registry().permissions(),
            )
            .unwrap(),
            workspaces: vec!["ours".into(), "theirs".into()],
            member: Some("ada@firm.example".into()),
            expires_at: None,
            confirm: None,
            calls_per_hour: None,
        };
        let (key, _) = admin::create_key(store(&app), new).await.unwrap();
        for (slug, member) in [("ours", here.id), ("theirs", ada.id)] {
            let caller = app.dispatcher.authenticate(&key, Some(slug)).await.unwrap();
            assert_eq!(caller.member, member);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_learns_where_it_is_and_what_it_may_do() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        app.ok(&owner, "create_contact", json!({"name": "Ada"}))
            .await;
        let gone = app
            .ok(&owner, "create_contact", json!({"name": "Bob"}))
            .await;
        app.ok(
            &owner,
            "delete_contact",
            json!({"contact": gone["data"]["id"], "confirm": true}),
        )
        .await;
        let all = app.ok(&owner, "get_workspace", json!({})).await["data"].clone();
        assert_eq!(all["records"]["contact"], 1, "{all}");
        assert_eq!(
            (&all["slug"], &all["currency"], &all["time_zone"]),
            (&json!("main"), &json!("EUR"), &json!("UTC"))
        );
        assert_eq!(all["today"].as_str().unwrap().len(), 10);
        let known = app.dispatcher.registry().permissions();
        assert_eq!(
            all["me"]["permissions"].as_array().unwrap().len(),
            known.len()
        );
        assert!(all["me"].get("key").is_none());
        let (_, narrow) = app.key(&["read_workspace", "read_teams"]).await;
        let some = app.ok(&narrow, "get_workspace", json!({})).await["data"].clone();
        assert_eq!(
            some["me"]["permissions"],
            json!(["read_teams", "read_workspace"])
        );
        assert_eq!(
            (&some["me"]["key_name"], &some["me"]["key"]),
            (&json!("test"), &json!(narrow.key))
        );
        assert_eq!(some["groups"], json!(["workspace"]));
        assert!(
            some.get("records").is_none(),
            "how many contacts there are is not for this key: {some}"
        );
    }
}

#[test]
fn people_are_arranged_from_the_command_line() {
    let home = Home::new();
    let ada = home
        .run([
            "member",
            "add",
            "Ada King",
            "--email",
            "Ada@Firm.example",
            "--role",
            "admin",
            "--json",
        ])
        .json();
    assert_eq!(
        (&ada["email"], &ada["role"]),
        (&json!("ada@firm.example"), &json!("admin"))
    );
    let made = home
        .run([
            "key",
            "create",
            "--name",
            "hers",
            "--member",
            "ada@firm.example",
            "--preset",
            "full",
            "--json",
        ])
        .json();
    let key = made["key"].as_str().unwrap().to_owned();
    assert_eq!(made["members"][0]["id"], ada["id"]);
    assert!(home.say("key list").done().contains("Ada King"));
    assert!(
        home.run(["team", "create", "Sales", "--lead", "ada king"])
            .done()
            .contains("Ada King (lead)")
    );
    assert!(home.say("member list").done().contains("Sales"));
    let wrong = home.run(["member", "update", "Adda King", "--role", "viewer"]);
    assert_eq!(wrong.code, 1);
    assert!(wrong.err.contains("Ada King"), "{}", wrong.err);
    let bad = home.run(["member", "add", "Bob", "--email", "nowhere"]);
    assert_eq!(bad.code, 2, "{}", bad.err);
    home.run(["member", "add", "Bob"]).done();

    let more = ["--api-key", &key];
    let contact = home
        .call(
            "create_contact",
            &json!({"name": "Grace", "owner": ada["id"]}),
            &more,
        )
        .json();
    home.run(["member", "update", "Ada King", "--role", "viewer"])
        .done();
    let refused = home.call("create_contact", &json!({"name": "Alan"}), &more);
    assert!(
        refused.err.contains("RESOURCE_NOT_FOUND"),
        "{}",
        refused.err
    );
    let refused = home.run([
        "key",
        "create",
        "--name",
        "x",
        "--member",
        "Ada King",
        "--permissions",
        "create_contacts",
    ]);
    assert_eq!(refused.code, 2);
    // Without a word on permissions, a key reads whatever its member may read.
    home.run(["key", "create", "--name", "reads", "--member", "Ada King"])
        .done();

    let held = home.run(["member", "remove", "Ada King"]);
    assert!(
        held.err.contains("1 of kind contact") && held.err.contains("--reassign-to"),
        "{}",
        held.err
    );
    let removed = home
        .run([
            "member",
            "remove",
            "Ada King",
            "--reassign-to",
            "Bob",
            "--json",
        ])
        .json();
    assert_eq!(removed["reassigned"], 1);
    assert!(
        home.call("get_workspace", &json!({}), &more)
            .err
            .contains("not valid")
    );
    home.run(["member", "restore", "Ada King"]).done();
    home.run(["undo", removed["change"].as_str().unwrap()])
        .done();
    let contact = home
        .call(
            "get_contact",
            &json!({"contact": contact["data"]["id"]}),
            &[],
        )
        .json();
    assert_eq!(contact["data"]["owner"]["id"], ada["id"]);
    let last = home.run(["member", "update", "Owner", "--role", "admin"]);
    assert!(last.err.contains("last owner"), "{}", last.err);
    let absent = home.run(["team", "remove-member", "Sales", "Bob"]);
    assert!(absent.err.contains("not in the team"), "{}", absent.err);
    home.run(["team", "add-member", "Sales", "Bob"]).done();
    home.run([
        "team", "update", "Sales", "--name", "Accounts", "--about", "Who sell",
    ])
    .done();
    let teams = home.say("team list --json").json();
    assert_eq!(
        (&teams[0]["name"], &teams[0]["members"][0]["name"]),
        (&json!("Accounts"), &json!("Bob"))
    );
    home.say("team delete Accounts").done();
    assert!(home.say("team list").done().contains("no team yet"));
}
