//! The audit log: every filter against an answer worked out by itself, whole pages while writers write, and who may see it.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bureau_kernel::admin::{self, NewMember, NewWorkspace};
use bureau_kernel::caller::{Caller, Role};
use bureau_kernel::error::Code;
use bureau_kernel::store::{Scope, sql};
use bureau_kernel::testing::{ENGINES, Engine, TestApp};
use bureau_kernel::types::id::{decode, encode};
use bureau_kernel::types::time::Timestamp;
use serde_json::{Value, json};

use crate::MODULES;

/// A row of the log, read past the tool.
#[derive(Debug, Clone)]
struct Logged {
    id: i64,
    call: i64,
    at: Timestamp,
    member: Option<i64>,
    key: Option<i64>,
    tool: String,
    entity: String,
    record: i64,
    action: String,
}

/// All rows of a workspace, newest first.
async fn logged(app: &TestApp, caller: &Caller) -> Vec<Logged> {
    let rows = app.rows(sql("SELECT id, call, workspace, at, member, api_key, tool, entity, record, action FROM change_log")).await;
    let mut rows: Vec<Logged> = rows
        .iter()
        .filter(|row| row.get::<i64>("workspace").unwrap() == caller.workspace.id.raw())
        .map(|row| Logged {
            id: row.get("id").unwrap(),
            call: row.get("call").unwrap(),
            at: row.get("at").unwrap(),
            member: row.get("member").unwrap(),
            key: row.get("api_key").unwrap(),
            tool: row.get("tool").unwrap(),
            entity: row.get("entity").unwrap(),
            record: row.get("record").unwrap(),
            action: row.get("action").unwrap(),
        })
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse((row.at, row.id)));
    rows
}

/// What tells one entry of an answer from another.
fn mark(row: &Value) -> (String, i64, String) {
    let text = |name: &str| {
        row[name]
            .as_str()
            .unwrap_or_else(|| panic!("{row}"))
            .to_owned()
    };
    (
        text("id"),
        decode(row["record"]["id"].as_str().unwrap()).unwrap().1,
        text("action"),
    )
}

impl Logged {
    fn mark(&self) -> (String, i64, String) {
        (encode("chg", self.call), self.record, self.action.clone())
    }
}

/// All entries of a filter, page by page.
async fn entries(app: &TestApp, caller: &Caller, filter: &Value, limit: u32) -> Vec<Value> {
    let mut arguments = filter.clone();
    arguments["limit"] = limit.into();
    let mut all = Vec::new();
    loop {
        let page = app.ok(caller, "get_audit_log", arguments.clone()).await;
        all.extend(page["data"].as_array().unwrap().iter().cloned());
        match page.pointer("/page/next") {
            Some(next) => arguments["cursor"] = next.clone(),
            None => return all,
        }
    }
}

/// Things of every kind done by several, and another workspace with things of its own.
async fn lived_in(engine: Engine) -> (TestApp, Caller) {
    let app = TestApp::new(engine, MODULES).await;
    let owner = app.owner().await;
    let other = app.tenant("other").await;
    let store = &app.dispatcher.app().store;
    let ada = NewMember {
        name: "Ada".into(),
        role: Role::Admin,
        ..NewMember::default()
    };
    admin::add_member(store, "main", ada).await.unwrap();
    let (_, full) = app.key(&["full"]).await;
    let (_, narrow) = app.key(&["create_contacts", "update_contacts"]).await;
    for caller in [&other, &owner, &full, &narrow, &owner] {
        for round in 0..4 {
            let name = json!({"name": format!("Contact {round}"), "on_duplicate": "create"});
            let made = app.ok(caller, "create_contact", name).await;
            let contact = made["data"]["id"].clone();
            let changed = json!({"contact": contact, "city": "Paris"});
            app.ok(caller, "update_contact", changed).await;
            if caller.member == owner.member && caller.key != narrow.key {
                let bulk = json!({"contacts": [contact], "add_tags": ["x"]});
                app.ok(caller, "bulk_update_contacts", bulk).await;
                if round == 1 {
                    let gone = json!({"contact": contact, "confirm": true});
                    let gone = app.ok(caller, "delete_contact", gone).await;
                    app.ok(caller, "undo_change", json!({"change": gone["change"]}))
                        .await;
                }
                if round == 2 {
                    let gone = json!({"contact": contact, "confirm": true, "purge": true});
                    app.ok(caller, "delete_contact", gone).await;
                }
            }
        }
    }
    (app, owner)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_filter_answers_what_the_log_holds() {
    for engine in ENGINES {
        let (app, owner) = lived_in(engine).await;
        let rows = logged(&app, &owner).await;
        assert!(rows.len() > 40, "{}", rows.len());
        let middle = rows[rows.len() / 2].clone();
        let early = rows[rows.len() - 5].clone();
        let shown = |at: Timestamp| at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
        let mut tried = 0;
        let mut check = async |filter: Value, wanted: &dyn Fn(&Logged) -> bool| {
            for limit in [3, 100] {
                let found = entries(&app, &owner, &filter, limit).await;
                let found: Vec<_> = found.iter().map(mark).collect();
                let wanted: Vec<_> = rows
                    .iter()
                    .filter(|row| wanted(row))
                    .map(Logged::mark)
                    .collect();
                assert_eq!(found, wanted, "{filter} on {engine:?}");
            }
            tried += 1;
        };
        check(json!({}), &|_| true).await;
        check(json!({"from": shown(middle.at)}), &|row| {
            row.at >= middle.at
        })
        .await;
        check(json!({"to": shown(middle.at)}), &|row| row.at <= middle.at).await;
        check(
            json!({"from": shown(early.at), "to": shown(middle.at)}),
            &|row| row.at >= early.at && row.at <= middle.at,
        )
        .await;
        check(json!({"from": "+1d"}), &|_| false).await;
        check(json!({"to": "yesterday"}), &|_| false).await;
        for action in ["create", "update", "archive", "restore", "purge"] {
            assert!(
                rows.iter().any(|row| row.action == action),
                "{action} never happened"
            );
            check(json!({"action": action}), &|row| row.action == action).await;
        }
        let tools: BTreeSet<&str> = rows.iter().map(|row| row.tool.as_str()).collect();
        assert!(
            tools.contains("bureau") && tools.contains("bulk_update_contacts"),
            "{tools:?}"
        );
        for tool in tools {
            check(json!({"tool": tool}), &|row| row.tool == tool).await;
            check(json!({"tool": tool, "action": "update"}), &|row| {
                row.tool == tool && row.action == "update"
            })
            .await;
        }
        let kinds: BTreeSet<&str> = rows.iter().map(|row| row.entity.as_str()).collect();
        assert!(kinds.len() >= 4, "{kinds:?}");
        for kind in kinds {
            check(json!({"record_type": kind}), &|row| row.entity == kind).await;
        }
        let keys: BTreeSet<i64> = rows.iter().filter_map(|row| row.key).collect();
        assert_eq!(keys.len(), 2);
        for key in keys {
            let id = encode("key", key);
            check(json!({"actor": id}), &|row| row.key == Some(key)).await;
            check(json!({"actor": id, "action": "create"}), &|row| {
                row.key == Some(key) && row.action == "create"
            })
            .await;
        }
        let member = owner.member.raw();
        check(json!({"actor": owner.member}), &|row| {
            row.member == Some(member)
        })
        .await;
        check(
            json!({"actor": owner.member, "tool": "update_contact", "record_type": "contact", "to": shown(middle.at)}),
            &|row| row.member == Some(member) && row.tool == "update_contact" && row.at <= middle.at,
        )
        .await;
        for row in [&middle, &early, &rows[0]] {
            let record = app.dispatcher.registry().records().record(&row.entity);
            let prefix = record.map_or("key", |record| record.prefix());
            check(json!({"record": encode(prefix, row.record)}), &|other| {
                other.record == row.record
            })
            .await;
            check(json!({"record": encode("chg", row.call)}), &|other| {
                other.call == row.call
            })
            .await;
        }
        assert!(tried > 35, "{tried}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_says_who_did_what_and_what_was_there() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let (_, mut key) = app.key(&["full"]).await;
        key.client = Some("editor/1".into());
        let made = app
            .ok(
                &key,
                "create_contact",
                json!({"name": "Ada", "title": "Countess"}),
            )
            .await;
        let contact = made["data"]["id"].clone();
        let changed = json!({"contact": contact, "title": "Analyst", "city": "London"});
        let changed = app.ok(&key, "update_contact", changed).await;
        let back = app
            .ok(&key, "undo_change", json!({"change": changed["change"]}))
            .await;
        let page = app
            .ok(&key, "get_audit_log", json!({"record": contact}))
            .await;
        let [undo, update, create] = page["data"].as_array().unwrap().as_slice() else {
            panic!("{page}")
        };
        assert_eq!(
            (&undo["id"], &undo["undoes"]),
            (&back["change"], &changed["change"])
        );
        assert_eq!(
            (&update["id"], &update["version"]),
            (&changed["change"], &json!(2))
        );
        let actor = json!({"member": {"id": key.member, "name": "Owner"}, "key": {"id": key.key, "name": "test"}, "client": "editor/1"});
        assert_eq!(update["actor"], actor);
        let mut fields: Vec<&str> = update["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap())
            .collect();
        fields.sort_unstable();
        assert_eq!(fields, ["city", "title"]);
        assert_eq!(
            (&create["record_type"], &create["action"]),
            (&json!("contact"), &json!("create"))
        );
        assert!(
            !page.to_string().contains("Analyst"),
            "values only where they are asked for: {page}"
        );
        let page = app
            .ok(
                &key,
                "get_audit_log",
                json!({"record": changed["change"], "details": true}),
            )
            .await;
        assert_eq!(page["data"][0]["before"]["title"], "Countess");
        assert_eq!(
            page["data"][0]["after"],
            json!({"title": "Analyst", "city": "London"})
        );

        // What was arranged by the command line is nobody's call.
        let page = app
            .ok(&key, "get_audit_log", json!({"record_type": "api_key"}))
            .await;
        assert_eq!(
            (&page["data"][0]["tool"], &page["data"][0]["record"]["id"]),
            (&json!("bureau"), &json!(key.key))
        );
        assert!(page["data"][0].get("actor").is_none(), "{page}");
        let member = json!({"record": key.member, "details": true});
        let page = app.ok(&key, "get_audit_log", member).await;
        assert_eq!(
            page["data"][0]["after"],
            json!({"name": "Owner", "role": "owner"})
        );

        // What was erased shows that it is.
        let gone = json!({"contact": contact, "purge": true, "confirm": true});
        app.ok(&key, "delete_contact", gone).await;
        let page = app
            .ok(
                &key,
                "get_audit_log",
                json!({"record": contact, "details": true}),
            )
            .await;
        let rows = page["data"].as_array().unwrap();
        assert_eq!(rows.len(), 4);
        for (index, row) in rows.iter().enumerate() {
            assert_eq!(
                row.get("erased"),
                (index > 0).then_some(&json!(true)),
                "{row}"
            );
            assert!(
                row.get("before").is_none()
                    && row.get("after").is_none()
                    && row.get("fields").is_none(),
                "{row}"
            );
        }
        assert!(!page.to_string().contains("Countess"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn days_begin_and_end_where_the_workspace_is() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let store = &app.dispatcher.app().store;
        let new = NewWorkspace {
            slug: "far".into(),
            time_zone: "Pacific/Auckland".into(),
            ..NewWorkspace::default()
        };
        admin::create_workspace(store, new).await.unwrap();
        let owner = app.dispatcher.operator(Some("far")).await.unwrap();
        let mut ids = Vec::new();
        for name in ["Eve", "First", "Last", "After"] {
            let made = app
                .ok(&owner, "create_contact", json!({"name": name}))
                .await;
            ids.push(made["data"]["id"].as_str().unwrap().to_owned());
        }
        // Auckland is 13 hours ahead in November: its 15th begins on the 14th at 11:00 in UTC.
        let moments = [
            "2026-11-14T10:59:59.999999Z",
            "2026-11-14T11:00:00Z",
            "2026-11-15T10:59:59.999999Z",
            "2026-11-15T11:00:00Z",
        ];
        let mut tx = store.write(Scope::System).await.unwrap();
        for (id, moment) in ids.iter().zip(moments) {
            sql("UPDATE change_log SET at = ")
                .value(moment.parse::<Timestamp>().unwrap())
                .sql(" WHERE record = ")
                .value(decode(id).unwrap().1)
                .run(&mut tx)
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
        let day = json!({"from": "2026-11-15", "to": "2026-11-15", "record_type": "contact"});
        let page = app.ok(&owner, "get_audit_log", day).await;
        let found: Vec<&str> = page["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["record"]["id"].as_str().unwrap())
            .collect();
        assert_eq!(found, [&ids[2], &ids[1]], "{engine:?}");
        assert_eq!(page["resolved"]["from"], "2026-11-15T00:00:00+13:00");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_entries_are_paged_whole_while_writers_write() {
    for engine in ENGINES {
        let app = Arc::new(TestApp::new(engine, MODULES).await);
        let owner = app.owner().await;
        let mut contacts = Vec::new();
        for number in 0..250 {
            let name = json!({"name": format!("Contact {number}"), "on_duplicate": "create"});
            contacts.push(app.ok(&owner, "create_contact", name).await["data"]["id"].clone());
        }
        for score in 1..=19 {
            let bulk = json!({"contacts": contacts, "score": score});
            app.ok(&owner, "bulk_update_contacts", bulk).await;
        }
        let before = logged(&app, &owner).await;
        assert!(before.len() >= 5_000, "{}", before.len());
        let stop = Arc::new(AtomicBool::new(false));
        let written = Arc::new(AtomicUsize::new(0));
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                let (app, owner) = (Arc::clone(&app), owner.clone());
                let (stop, written) = (Arc::clone(&stop), Arc::clone(&written));
                tokio::spawn(async move {
                    while !stop.load(Ordering::Relaxed) {
                        let name =
                            json!({"name": format!("Late {writer}"), "on_duplicate": "create"});
                        app.ok(&owner, "create_contact", name).await;
                        written.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        let found = entries(&app, &owner, &json!({}), 37).await;
        stop.store(true, Ordering::Relaxed);
        for writer in writers {
            writer.await.unwrap();
        }
        assert!(
            written.load(Ordering::Relaxed) > 0,
            "nobody wrote meanwhile"
        );
        let marks: Vec<_> = found.iter().map(mark).collect();
        let once: HashSet<_> = marks.iter().collect();
        assert_eq!(once.len(), marks.len(), "an entry came twice on {engine:?}");
        let missing = before
            .iter()
            .filter(|row| !once.contains(&row.mark()))
            .count();
        assert_eq!(missing, 0, "entries are missing on {engine:?}");
        let known: Vec<_> = before.iter().map(Logged::mark).collect();
        let in_order: Vec<_> = marks
            .into_iter()
            .skip_while(|mark| *mark != known[0])
            .collect();
        assert_eq!(in_order, known, "{engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_for_those_who_may_see_it_and_asks_for_what_makes_sense() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let known: Vec<&str> = app
            .dispatcher
            .registry()
            .permissions()
            .into_iter()
            .filter(|name| *name != "read_audit_log")
            .collect();
        let (_, others) = app.key(&known).await;
        let (_, just) = app.key(&["read_audit_log"]).await;
        let error = app.error(&others, "get_audit_log", json!({})).await;
        assert_eq!(error.code(), Code::NotFound);
        app.ok(&just, "get_audit_log", json!({})).await;
        for (arguments, field) in [
            (json!({"actor": "Owner"}), "actor"),
            (json!({"actor": "con_0000000000000"}), "actor"),
            (json!({"record": "Ada"}), "record"),
            (json!({"record": "xyz_0000000000000"}), "record"),
            (json!({"record_type": "contacts"}), "record_type"),
            (json!({"action": "destroy"}), "action"),
            (json!({"from": "soon"}), "from"),
            (json!({"cursor": "no"}), "cursor"),
            (json!({"limit": 101}), "limit"),
        ] {
            let error = app.error(&just, "get_audit_log", arguments.clone()).await;
            assert_eq!(
                (error.code(), error.field_name()),
                (Code::Validation, Some(field)),
                "{arguments}"
            );
        }
        let kind = json!({"record_type": "contacts"});
        let error = app.error(&just, "get_audit_log", kind).await;
        assert_eq!(error.hint_text(), Some("Did you mean contact?"));
        // A cursor of another list opens nothing.
        app.ok(&app.owner().await, "create_contact", json!({"name": "Ada"}))
            .await;
        let feed = app
            .ok(&app.owner().await, "list_changes", json!({"limit": 1}))
            .await;
        let foreign = json!({"cursor": feed["page"]["next"]});
        let error = app.error(&just, "get_audit_log", foreign).await;
        assert_eq!(error.field_name(), Some("cursor"));
    }
}
