//! What a caller wrote is in what it reads next, nobody waits for others, and an answer that is not whole says so.

use std::collections::BTreeSet;
use std::sync::Arc;

use bureau_contacts::Contact;
use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::{Dispatcher, Settings};
use bureau_kernel::error::Code;
use bureau_kernel::export::{self, Kind};
use bureau_kernel::prelude::*;
use bureau_kernel::record::Cx;
use bureau_kernel::record::Wanted;
use bureau_kernel::store::{Database, Scope, Sql, log, sql};
use bureau_kernel::testing::{ENGINES, Engine, TestApp};
use bureau_kernel::tool::QUERY;
use bureau_kernel::types::time::now;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Duration, sleep, timeout};

use crate::MODULES;
use crate::campaign::{HANG, sealed};
use crate::cli::Home;
use crate::tamper::Raw;

/// Runs a statement past everything, as damage or another program would.
async fn run(app: &TestApp, statement: Sql) -> u64 {
    let store = &app.dispatcher.app().store;
    let mut tx = store.write(Scope::System).await.unwrap();
    let changed = statement.run(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    changed
}

async fn index_is_ready(app: &TestApp) {
    let dispatcher = app.dispatcher.clone();
    let ready = async {
        while !dispatcher.app().search.as_ref().unwrap().status().ready {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(HANG, ready).await.expect("the index gets ready");
}

/// Brings the index to the state of now and ends what keeps it: as if its process hung.
async fn index_hangs(app: &TestApp, caller: &Caller) {
    index_is_ready(app).await;
    app.ok(caller, "search_contacts", json!({ "query": "anybody" }))
        .await;
    app.dispatcher.app().search.as_ref().unwrap().stop();
}

async fn create(app: &TestApp, caller: &Caller, name: &str) -> String {
    let made = app
        .data(caller, "create_contact", json!({ "name": name }))
        .await;
    made["id"].as_str().unwrap().to_owned()
}

async fn found(dispatcher: &Arc<Dispatcher>, caller: &Caller, arguments: Value) -> Value {
    let call = bureau_kernel::dispatch::Call {
        tool: "search_contacts".into(),
        arguments: arguments.as_object().cloned().unwrap(),
        ..Default::default()
    };
    match dispatcher.call(caller.clone(), call).await {
        bureau_kernel::dispatch::Outcome::Done(answer) => answer,
        other => panic!("{other:?}"),
    }
}

fn names(answer: &Value) -> BTreeSet<&str> {
    let rows = answer["data"].as_array().unwrap();
    rows.iter().filter_map(|row| row["name"].as_str()).collect()
}

fn notices(answer: &Value) -> Vec<(&str, &str)> {
    let notices = answer["notices"].as_array().map_or(&[][..], Vec::as_slice);
    let of = |notice: &'static str| move |value: &Value| value[notice].as_str().is_some();
    assert!(notices.iter().all(of("code")) && notices.iter().all(of("message")));
    notices
        .iter()
        .map(|notice| {
            (
                notice["code"].as_str().unwrap(),
                notice["record"].as_str().unwrap_or_default(),
            )
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn searches_that_wait_for_the_index_keep_nobody_from_reading() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let (_, other) = app.key(&["read-only"]).await;
        let ada = create(&app, &owner, "Ada Before").await;
        index_hangs(&app, &owner).await;
        create(&app, &owner, "Ada After").await;
        // Many more than there are connections.
        let mut searches = JoinSet::new();
        for _ in 0..40 {
            let (dispatcher, owner) = (app.dispatcher.clone(), owner.clone());
            searches
                .spawn(async move { found(&dispatcher, &owner, json!({ "query": "ada" })).await });
        }
        sleep(Duration::from_millis(100)).await;
        let reads = async {
            for _ in 0..20 {
                app.ok(&other, "get_contact", json!({ "contact": ada }))
                    .await;
            }
        };
        timeout(HANG, reads).await.expect("the reads are answered");
        assert!(
            searches.try_join_next().is_none(),
            "on {engine:?} the reads were answered while all searches still waited"
        );
        for answer in timeout(HANG, searches.join_all()).await.expect("they end") {
            assert!(names(&answer).contains("Ada After"), "{engine:?}: {answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_waits_for_its_own_writes_and_not_for_those_of_other_keys() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let (_, writer) = app.key(&["full"]).await;
        let (_, reader) = app.key(&["read-only"]).await;
        create(&app, &owner, "Ada First").await;
        index_hangs(&app, &owner).await;
        // Both keys are of one owner.
        create(&app, &writer, "Ada Second").await;
        let answer = app
            .ok(&reader, "search_contacts", json!({ "query": "ada" }))
            .await;
        assert_eq!(
            names(&answer),
            BTreeSet::from(["Ada First"]),
            "on {engine:?} from the index as it stands"
        );
        for caller in [&writer, &writer] {
            let answer = app
                .ok(caller, "search_contacts", json!({ "query": "ada" }))
                .await;
            let both = BTreeSet::from(["Ada First", "Ada Second"]);
            assert_eq!(names(&answer), both, "on {engine:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_wrong_once_hides_no_later_write() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        for number in 0..30 {
            create(&app, &owner, &format!("Future {number}")).await;
        }
        let ahead = now() + chrono::Duration::days(3 * 365);
        let changed = run(&app, sql("UPDATE change_log SET at = ").value(ahead)).await;
        assert!(changed >= 30);
        index_hangs(&app, &owner).await;
        create(&app, &owner, "Ada Now").await;
        let answer = app
            .ok(&owner, "search_contacts", json!({ "query": "ada" }))
            .await;
        assert_eq!(names(&answer), BTreeSet::from(["Ada Now"]), "{engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_in_one_process_is_found_in_another_and_after_a_restart() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let other = TestApp::at(
            app.database.clone(),
            Arc::clone(&app.folder),
            MODULES,
            Settings::default(),
        )
        .await;
        let owner = app.owner().await;
        index_is_ready(&app).await;
        for number in 0..10 {
            let name = format!("Ada{number} Elsewhere");
            create(&app, &owner, &name).await;
            let query = json!({ "query": format!("ada{number}") });
            let answer = other.ok(&owner, "search_contacts", query.clone()).await;
            assert!(
                names(&answer).contains(name.as_str()),
                "{engine:?}: {answer}"
            );
            let answer = app.ok(&owner, "search_contacts", query).await;
            assert!(
                names(&answer).contains(name.as_str()),
                "{engine:?}: {answer}"
            );
        }
        let (database, folder) = (app.database.clone(), Arc::clone(&app.folder));
        create(&app, &owner, "Ada Last").await;
        app.dispatcher.app().close().await;
        other.dispatcher.app().close().await;
        drop((app, other));
        let again = TestApp::at(database, folder, MODULES, Settings::default()).await;
        let query = json!({ "query": "ada last" });
        let answer = again.ok(&owner, "search_contacts", query).await;
        assert!(names(&answer).contains("Ada Last"), "{engine:?}: {answer}");
    }
}

/// On PostgreSQL rows are sealed after the commit, and what seals them may hang.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_is_not_sealed_in_time_is_found_or_missed_with_a_word() {
    let app = TestApp::new(Engine::Postgres, MODULES).await;
    let owner = app.owner().await;
    create(&app, &owner, "Ada Sealed").await;
    app.ok(&owner, "list_changes", json!({})).await;
    index_is_ready(&app).await;
    // The lock that sealers take.
    let store = &app.dispatcher.app().store;
    let mut held = store.write(Scope::System).await.unwrap();
    let lock =
        sql("SELECT 1 AS one FROM (SELECT pg_advisory_xact_lock(").value(0x0062_7572_6561_7500_i64);
    lock.sql(")) AS locked").rows(&mut held).await.unwrap();
    create(&app, &owner, "Ada Unsealed").await;
    let query = json!({ "query": "ada" });
    let answer = app.ok(&owner, "search_contacts", query.clone()).await;
    let both = BTreeSet::from(["Ada Sealed", "Ada Unsealed"]);
    assert_eq!(names(&answer), both, "the database is read instead");
    let answer = app.ok(&owner, "list_changes", json!({})).await;
    assert_eq!(notices(&answer), [("STALE", "")], "{answer}");
    held.rollback().await;
    let sealed = async {
        loop {
            let answer = app.ok(&owner, "list_changes", json!({ "limit": 1 })).await;
            if answer.get("notices").is_none() {
                return answer;
            }
        }
    };
    let answer = timeout(HANG, sealed).await.expect("it is sealed");
    assert_eq!(answer["data"][0]["after"]["name"], "Ada Unsealed");
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_who_follows_the_log_is_told_of_every_growth() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let store = &app.dispatcher.app().store;
        let mut followers: Vec<_> = (0..3).map(|_| store.growth()).collect();
        for number in 0..5 {
            let before = *followers[0].borrow();
            for follower in &mut followers {
                follower.mark_unchanged();
            }
            create(&app, &owner, &format!("Growth {number}")).await;
            for follower in &mut followers {
                timeout(HANG, follower.wait_for(|growths| *growths > before))
                    .await
                    .expect("each of them is told")
                    .unwrap();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_the_sealing_of_a_busy_workspace() {
    let app = TestApp::new(Engine::Postgres, MODULES).await;
    app.tenant("second").await;
    let store = &app.dispatcher.app().store;
    sealed(store).await;
    // Many rows of one workspace, and after them one of the other, all committed at once.
    let row = |count: i64, slug: &str, after: i64| {
        format!(
            "INSERT INTO change_log (id, call, workspace, at, tool, entity, record, action, version, before, after, digest)
             SELECT id + {after} + number, call, workspace, at, tool, entity, record, action, version, before, after, digest
             FROM change_log, generate_series(1, {count}) AS number
             WHERE position = 1 AND workspace = (SELECT id FROM workspace WHERE slug = '{slug}')"
        )
    };
    let many = row(5_000, "main", 1 << 58);
    let one = row(1, "second", 1 << 59);
    Raw::new(&app.database)
        .await
        .run(&format!("{many}; {one}"))
        .await;
    sealed(store).await;
    let sealings = app
        .rows(sql(
            "SELECT sealing FROM log_head JOIN workspace ON id = workspace ORDER BY slug",
        ))
        .await;
    let sealings: Vec<i64> = sealings
        .iter()
        .map(|row| row.get("sealing").unwrap())
        .collect();
    assert!(
        sealings[1] < sealings[0],
        "it came with the first part: {sealings:?}"
    );
    assert_eq!(log::verify(store).await.unwrap().broken, None);
}

#[tokio::test]
async fn a_tool_that_searches_says_so() {
    let app = TestApp::new(Engine::Sqlite, MODULES).await;
    // These look through the few members and teams themselves.
    let few = ["list_team_members", "list_teams"];
    for entry in app.dispatcher.registry().entries() {
        let properties = entry.wire().input_schema["properties"].clone();
        let searches = properties.get(QUERY).is_some() && !few.contains(&entry.spec.name);
        let awaits = matches!(entry.spec.awaits, Awaits::Index | Awaits::Passages);
        assert_eq!(awaits, searches, "{}", entry.spec.name);
    }
}

/// So many contacts with a name in common; the first `first` of them were made long ago.
async fn many(app: &TestApp, owner: &Caller, count: usize, first: usize) {
    let people: Vec<Contact> = (0..count)
        .map(|number| {
            let mut contact = Contact::empty();
            contact.name = ShortText::new(&format!("Common Person{number}")).unwrap();
            contact
        })
        .collect();
    let (old, new) = people.split_at(first);
    let batch = app.dispatcher.batch(owner, "test").await.unwrap();
    let long_ago = batch.clone().at(now() - chrono::Duration::days(400));
    for (batch, people) in
        std::iter::once((&long_ago, old)).chain(new.chunks(2_000).map(|c| (&batch, c)))
    {
        let add = async |cx: &mut Cx| {
            let all = people.iter().map(|one| (one.clone(), Attributes::new()));
            cx.insert_all(all.collect()).await.map(drop)
        };
        app.dispatcher.app().run_in(batch, add).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_with_conditions_that_the_index_does_not_know_loses_nothing() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        index_is_ready(&app).await;
        // The oldest come last among equals: far behind the best thousand.
        many(&app, &owner, 5_000, 40).await;
        let mut arguments = json!({ "query": "common", "created_before": "-1y", "limit": 30 });
        let answer = app.ok(&owner, "search_contacts", arguments.clone()).await;
        assert_eq!(names(&answer).len(), 30, "on {engine:?}");
        assert!(answer.get("notices").is_none(), "{answer}");
        arguments["cursor"] = answer["page"]["next"].clone();
        let rest = app.ok(&owner, "search_contacts", arguments).await;
        assert_eq!(names(&rest).len(), 10, "on {engine:?}");
        assert!(names(&rest).is_disjoint(&names(&answer)));
        assert!(rest.get("page").is_none() && rest.get("notices").is_none());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_cannot_look_at_all_matches_says_so() {
    let app = TestApp::new(Engine::Sqlite, MODULES).await;
    let owner = app.owner().await;
    index_is_ready(&app).await;
    many(&app, &owner, 10_100, 40).await;
    let old = json!({ "query": "common", "created_before": "-1y" });
    let answer = app.ok(&owner, "search_contacts", old).await;
    assert_eq!(notices(&answer), [("TRUNCATED", "")], "{answer}");
    // By words alone it ends at the depth of a search, and says that there is more.
    let mut arguments = json!({ "query": "common", "limit": 100 });
    for page in 1..=10 {
        let answer = app.ok(&owner, "search_contacts", arguments.clone()).await;
        assert_eq!(names(&answer).len(), 100);
        let last = page == 10;
        assert_eq!(answer.get("page").is_none(), last, "page {page}");
        let expected: &[_] = if last { &[("TRUNCATED", "")] } else { &[] };
        assert_eq!(notices(&answer), expected, "page {page}");
        arguments["cursor"] = answer["page"]["next"].clone();
    }
}

/// Ways in which a contact's row can be damaged, as an engine lets it.
fn damages(engine: Engine) -> Vec<&'static str> {
    match engine {
        Engine::Sqlite => vec![
            "UPDATE contact SET name = CAST(X'41FF42' AS TEXT) WHERE name = 'Bad'",
            "UPDATE contact SET emails = 'no JSON' WHERE name = 'Bad'",
            "UPDATE contact SET types = '[\"martian\"]' WHERE name = 'Bad'",
            "UPDATE contact SET sort_name = CAST(X'616461206FFF' AS TEXT), city = CAST(X'FF' AS TEXT) WHERE name = 'Bad'",
            "UPDATE contact SET updated_at = 9223372036854775807 WHERE name = 'Bad'",
        ],
        Engine::Postgres => vec![
            "UPDATE contact SET emails = '{\"a\": 1}' WHERE name = 'Bad'",
            "UPDATE contact SET types = '[\"martian\"]' WHERE name = 'Bad'",
            "UPDATE contact SET updated_at = 'infinity' WHERE name = 'Bad'",
        ],
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_damaged_record_is_named_and_hides_no_other() {
    for engine in ENGINES {
        for damage in damages(engine) {
            let app = TestApp::new(engine, MODULES).await;
            let owner = app.owner().await;
            let good = ["Ada One", "Ada Two", "Ada Three", "Ada Four"];
            for name in &good[..2] {
                create(&app, &owner, name).await;
            }
            let bad = create(&app, &owner, "Bad").await;
            for name in &good[2..] {
                create(&app, &owner, name).await;
            }
            assert_eq!(run(&app, sql(damage)).await, 1);
            let context = format!("on {engine:?} after {damage}");
            // By itself: a code, its name, and what to do.
            let error = app
                .error(&owner, "get_contact", json!({ "contact": bad }))
                .await;
            assert_eq!(error.code(), Code::Unreadable, "{context}: {error:?}");
            assert!(error.message().contains(&bad) && error.hint_text().is_some());
            // In lists of every order, a row at a time.
            for sort in ["name", "created_at", "updated_at", "score"] {
                let (mut seen, mut told) = (Vec::new(), BTreeSet::new());
                let mut arguments = json!({ "sort": sort, "limit": 1 });
                for _ in 0..8 {
                    let answer = app.ok(&owner, "search_contacts", arguments.clone()).await;
                    seen.extend(names(&answer).into_iter().map(str::to_owned));
                    told.extend(
                        notices(&answer)
                            .into_iter()
                            .map(|(code, id)| (code.to_owned(), id.to_owned())),
                    );
                    match answer["page"]["next"].as_str() {
                        Some(next) => arguments["cursor"] = next.into(),
                        None => break,
                    }
                }
                assert_eq!(seen.len(), good.len(), "{context}, by {sort}: {seen:?}");
                assert_eq!(
                    seen.iter().map(String::as_str).collect::<BTreeSet<_>>(),
                    BTreeSet::from(good)
                );
                let expected = BTreeSet::from([("RECORD_UNREADABLE".to_owned(), bad.clone())]);
                assert_eq!(told, expected, "{context}, by {sort}");
            }
            // Exported without it.
            let kind = app
                .dispatcher
                .registry()
                .records()
                .record("contact")
                .unwrap();
            let part = app.dispatcher.app().read(&owner, async |cx: &mut Cx| {
                export::part(cx, Kind::of(kind), &Wanted::default(), i64::MIN, 100).await
            });
            let part = part.await.unwrap();
            assert_eq!(
                (part.found.len(), part.unreadable.len()),
                (4, 1),
                "{context}"
            );
            // The index is built anew and completes, for this workspace and the next.
            let (database, folder) = (app.database.clone(), Arc::clone(&app.folder));
            app.dispatcher.app().close().await;
            drop(app);
            // What follows the log may still be writing its last.
            let index = folder.path().join("index");
            let removed = async {
                while std::fs::remove_dir_all(&index).is_err() {
                    sleep(Duration::from_millis(5)).await;
                }
            };
            timeout(HANG, removed).await.expect("the index is removed");
            let app = TestApp::at(database, folder, MODULES, Settings::default()).await;
            index_is_ready(&app).await;
            let answer = app
                .ok(&owner, "search_contacts", json!({ "query": "ada" }))
                .await;
            assert_eq!(names(&answer), BTreeSet::from(good), "{context}");
            // Nobody can find it by its text, and so each search among contacts says that it is there.
            let told = ("RECORD_UNREADABLE", bad.as_str());
            assert_eq!(notices(&answer), [told], "{context}");
            let other = app.tenant("next-door").await;
            create(&app, &other, "Ada Next Door").await;
            let answer = app
                .ok(&other, "search_contacts", json!({ "query": "ada" }))
                .await;
            assert_eq!(
                names(&answer),
                BTreeSet::from(["Ada Next Door"]),
                "{context}"
            );
            assert!(notices(&answer).is_empty(), "{context}");
            let status = app.dispatcher.app().search.as_ref().unwrap().status();
            assert!(
                status.ready && status.documents == 6,
                "{context}: {status:?}"
            );
        }
    }
}

#[test]
fn an_export_goes_on_after_a_damaged_record_and_does_not_say_that_it_is_whole() {
    let home = Home::new();
    for name in ["Ada", "Bad", "Grace"] {
        home.call("create_contact", &json!({ "name": name }), &[])
            .done();
    }
    let database = home.path("data/bureau/bureau.sqlite");
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let options = bureau_kernel::store::OpenOptions::new(Database::Sqlite(database));
        let store = bureau_kernel::store::Store::open(&options).await.unwrap();
        let mut tx = store.write(Scope::System).await.unwrap();
        sql("UPDATE contact SET emails = 'no JSON' WHERE name = 'Bad'")
            .run(&mut tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        store.close().await;
    });
    let file = home.path("contacts.csv");
    let ended = home.run(["export", "contacts", &file.display().to_string()]);
    assert_ne!(ended.code, 0);
    assert!(
        ended.err.contains("con_") && ended.err.contains("not complete"),
        "{}",
        ended.err
    );
    let table = std::fs::read_to_string(&file).unwrap();
    assert!(table.contains("Ada") && table.contains("Grace"));
    assert_eq!(table.lines().count(), 3, "{table}");
}

#[cfg(unix)]
#[test]
fn the_data_folder_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    let mode = |name: &str| {
        let meta = std::fs::metadata(home.path(name)).unwrap();
        meta.permissions().mode() & 0o777
    };
    home.say("call search_contacts {}").done();
    assert_eq!(mode("data/bureau"), 0o700);
    // As an older version left it.
    let wide = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(home.path("data/bureau"), wide.clone()).unwrap();
    home.say("call search_contacts {}").done();
    assert_eq!(mode("data/bureau"), 0o700);
    // A folder that somebody else arranged stays as it is.
    std::fs::create_dir(home.path("theirs")).unwrap();
    std::fs::set_permissions(home.path("theirs"), wide).unwrap();
    let theirs = home.path("theirs").display().to_string();
    home.run(["call", "search_contacts", "{}", "--data-dir", &theirs])
        .done();
    assert_eq!(mode("theirs"), 0o755);
}
