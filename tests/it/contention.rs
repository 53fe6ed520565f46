//! Many writers at once, and writers that go away in the middle.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use bureau_contacts::Contact;
use bureau_kernel::error::Code;
use bureau_kernel::record::{Attributes, Columns as _, Cx};
use bureau_kernel::store::{OpenOptions, Scope, Store, sql};
use bureau_kernel::testing::{ENGINES, Engine, TestApp};
use bureau_kernel::types::text::ShortText;
use futures::future::join_all;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::MODULES;
use crate::campaign::{HANG, Known, call, check, check_log, person};

const WRITERS: usize = 64;

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_writers_at_once_all_succeed_and_leave_a_whole_log() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let mut tasks = JoinSet::new();
        for writer in 0..WRITERS {
            let (dispatcher, owner) = (app.dispatcher.clone(), owner.clone());
            tasks.spawn(async move {
                let mut written = Vec::new();
                for turn in 0..5 {
                    let key = format!("w-{writer}-{turn}");
                    let answer = call(
                        &dispatcher,
                        &owner,
                        "create_contact",
                        Some(&key),
                        person(&key),
                    )
                    .await;
                    let id = answer.unwrap_or_else(|error| panic!("{engine:?}: {error:?}"))["data"]
                        ["id"]
                        .clone();
                    written.push(format!("ack {key} {} 1", id.as_str().unwrap()));
                }
                written
            });
        }
        let acknowledged = timeout(HANG, tasks.join_all())
            .await
            .expect("nobody waits for ever")
            .concat();
        assert_eq!(
            acknowledged.iter().collect::<BTreeSet<_>>().len(),
            WRITERS * 5
        );
        let mut known = Known::default();
        known.learn(&acknowledged);
        let store = &app.dispatcher.app().store;
        let mut findings = check(store, &known).await;
        findings.extend(check_log(store).await);
        assert!(
            findings.is_empty(),
            "on {engine:?}:\n{}",
            findings.join("\n")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_updates_of_one_version_exactly_one_wins() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let contact = app
            .ok(&owner, "create_contact", json!({ "name": "Contended" }))
            .await["data"]["id"]
            .clone();
        for version in 1..=3 {
            let mut tasks = JoinSet::new();
            for writer in 0..WRITERS {
                let (dispatcher, owner) = (app.dispatcher.clone(), owner.clone());
                let arguments = json!({ "contact": contact, "title": format!("Title {version} of {writer}"), "version": version });
                tasks.spawn(async move {
                    call(&dispatcher, &owner, "update_contact", None, arguments).await
                });
            }
            let outcomes = timeout(HANG, tasks.join_all())
                .await
                .expect("nobody waits for ever");
            let (won, lost): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
            assert_eq!(won.len(), 1, "on {engine:?} at version {version}");
            for error in lost.into_iter().map(Result::unwrap_err) {
                assert_eq!(
                    (error.code(), error.field_name()),
                    (Code::Conflict, Some("version")),
                    "{error:?}"
                );
            }
            let now = app
                .ok(&owner, "get_contact", json!({ "contact": contact }))
                .await;
            let winner = won.into_iter().next().unwrap().unwrap();
            assert_eq!(
                now["data"]["title"], winner["data"]["title"],
                "on {engine:?} at version {version}"
            );
            assert_eq!(now["data"]["version"], version + 1);
        }
        let findings = check_log(&app.dispatcher.app().store).await;
        assert!(findings.is_empty(), "on {engine:?}: {findings:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_updates_without_a_version_all_succeed_one_after_the_other() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let contact = app
            .ok(&owner, "create_contact", json!({ "name": "Contended" }))
            .await["data"]["id"]
            .clone();
        let mut tasks = JoinSet::new();
        for writer in 0..WRITERS {
            let (dispatcher, owner) = (app.dispatcher.clone(), owner.clone());
            let arguments = json!({ "contact": contact, "title": format!("Title of {writer}") });
            tasks.spawn(async move {
                call(&dispatcher, &owner, "update_contact", None, arguments).await
            });
        }
        let outcomes = timeout(HANG, tasks.join_all())
            .await
            .expect("nobody waits for ever");
        let versions: BTreeSet<i64> = outcomes
            .into_iter()
            .map(|outcome| outcome.unwrap()["data"]["version"].as_i64().unwrap())
            .collect();
        let expected: BTreeSet<i64> = (2..2 + i64::try_from(WRITERS).unwrap()).collect();
        assert_eq!(versions, expected, "on {engine:?}");
        let findings = check_log(&app.dispatcher.app().store).await;
        assert!(findings.is_empty(), "on {engine:?}: {findings:?}");
    }
}

/// Where whoever writes much seals it too, the chain has to be what one sealer makes of it.
#[tokio::test(flavor = "multi_thread")]
async fn large_changes_among_small_ones_leave_a_whole_log() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let one = json!({ "name": "Changed By All" });
        let one = app.data(&owner, "create_contact", one).await["id"].clone();
        let large = (0..3).map(|writer| {
            let (app, owner) = (&app, &owner);
            async move {
                for part in 0..6 {
                    let batch = app.dispatcher.batch(owner, "test").await.unwrap();
                    let made = async |cx: &mut Cx| {
                        let all = (0..150).map(|number| contact(writer, part, number));
                        cx.insert_all(all.collect()).await
                    };
                    let made = app.dispatcher.app().run_in(&batch, made).await.unwrap();
                    assert_eq!(made.len(), 150);
                }
            }
        });
        let small = (0..3).map(|writer| {
            let (app, owner, one) = (&app, &owner, &one);
            async move {
                for turn in 0..15 {
                    let city = format!("City {writer} {turn}");
                    let change = json!({ "contact": one, "city": city });
                    app.ok(owner, "update_contact", change).await;
                }
            }
        });
        let all = async { tokio::join!(join_all(large), join_all(small)) };
        timeout(HANG, all).await.expect("all end");
        let findings = check_log(app.store()).await;
        assert!(findings.is_empty(), "on {engine:?}: {findings:?}");
    }
}

fn contact(writer: i32, part: i32, number: i32) -> (Contact, Attributes) {
    let contact = Contact {
        name: ShortText::new(&format!("Person {writer} {part} {number}")).unwrap(),
        ..Contact::empty()
    };
    (contact, Attributes::new())
}

/// A row of the log that is sealed after its commit is written a second time, into every index of the log.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_change_is_sealed_as_it_is_written() {
    let app = TestApp::new(Engine::Postgres, MODULES).await;
    let owner = app.owner().await;
    let mut ways = Vec::new();
    // Where something else waits to be sealed just then, it is not; that is over at once.
    for part in 0..5 {
        let batch = app.dispatcher.batch(&owner, "test").await.unwrap();
        let before = app.store().round_trips();
        let made = async |cx: &mut Cx| {
            let all = (0..150).map(|number| contact(0, part, number));
            cx.insert_all(all.collect()).await
        };
        app.dispatcher.app().run_in(&batch, made).await.unwrap();
        ways.push(app.store().round_trips() - before);
        let rewritten = sql(
            "SELECT COUNT(*) AS rows FROM change_log JOIN contact ON contact.workspace = change_log.workspace
             AND contact.id = change_log.record WHERE change_log.xmin <> contact.xmin AND change_log.call = ",
        )
        .value(batch.change());
        if app.rows(rewritten).await[0].get::<i64>("rows").unwrap() == 0 {
            return;
        }
    }
    panic!("all were sealed afterwards; ways to the server: {ways:?}");
}

/// PostgreSQL plans by what it knows of a table, and by itself it looks once a minute.
#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_has_grown_is_looked_at_soon() {
    let app = TestApp::new(Engine::Postgres, MODULES).await;
    let owner = app.owner().await;
    let batch = app.dispatcher.batch(&owner, "test").await.unwrap();
    let made = async |cx: &mut Cx| {
        let all = (0..1_500).map(|number| contact(0, 0, number));
        cx.insert_all(all.collect()).await
    };
    app.dispatcher.app().run_in(&batch, made).await.unwrap();
    let known = async {
        loop {
            let known = sql(
                "SELECT reltuples::BIGINT AS rows FROM pg_class WHERE oid = 'contact'::REGCLASS",
            );
            if app.rows(known).await[0].get::<i64>("rows").unwrap() >= 1_500 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(30), known)
        .await
        .expect("it is looked at");
}

/// A call that only writes what is new tells the server of all of it at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_create_takes_few_ways_to_the_server() {
    let app = TestApp::new(Engine::Postgres, MODULES).await;
    let owner = app.owner().await;
    let mut fewest = u64::MAX;
    for number in 0..20 {
        let name = format!("Person {number}");
        let new =
            json!({ "name": name, "emails": [format!("p{number}@firm.example")], "tags": ["vip"] });
        let before = app.store().round_trips();
        app.ok(&owner, "create_contact", new).await;
        // What others did meanwhile is counted too, so the least of them is what one takes.
        fewest = fewest.min(app.store().round_trips() - before);
    }
    // It begins with its locks; looks for duplicates, and for the name of who made it; writes; and commits.
    assert_eq!(fewest, 5);
}

/// The same database opened once more, as another process would.
async fn neighbour(app: &TestApp) -> Store {
    Store::open(&OpenOptions::new(app.database.clone()))
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_whose_callers_go_away_leave_nothing_half_written_and_nobody_waiting() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let mut known = Known::default();
        for round in 0..10 {
            let mut tasks = JoinSet::new();
            for caller in 0..16 {
                let key = format!("gone-{round}-{caller}");
                known.tried.insert(key.clone());
                let (dispatcher, owner) = (app.dispatcher.clone(), owner.clone());
                // One goes away at once, another when its call is almost done.
                let patience = caller % 8;
                tasks.spawn(async move {
                    let write = call(
                        &dispatcher,
                        &owner,
                        "create_contact",
                        Some(&key),
                        person(&key),
                    );
                    let outcome = polled(write, patience).await?.unwrap();
                    Some(format!(
                        "ack {key} {} 1",
                        outcome["data"]["id"].as_str().unwrap()
                    ))
                });
            }
            let said = timeout(HANG, tasks.join_all())
                .await
                .expect("nobody waits for ever");
            known.learn(&said.into_iter().flatten().collect::<Vec<_>>());
        }
        assert!(
            known.acknowledged.len() < known.tried.len(),
            "some callers were meant to go away"
        );
        let last = call(
            &app.dispatcher,
            &owner,
            "create_contact",
            Some("last"),
            person("last"),
        );
        let last = timeout(HANG, last)
            .await
            .expect("a later writer is served")
            .unwrap();
        known.learn(&[format!(
            "ack last {} 1",
            last["data"]["id"].as_str().unwrap()
        )]);
        let store = neighbour(&app).await;
        timeout(HANG, pair(&store, "neighbour"))
            .await
            .expect("another process gets its turn");
        let mut findings = check(&store, &known).await;
        findings.extend(check_log(&store).await);
        assert!(
            findings.is_empty(),
            "on {engine:?}:\n{}",
            findings.join("\n")
        );
    }
}

/// Writes two rows in one transaction.
async fn pair(store: &Store, name: &str) {
    let mut tx = store.write(Scope::System).await.unwrap();
    for half in ["left", "right"] {
        let row = sql("INSERT INTO counter (name, value) VALUES (")
            .value(format!("{name} {half}"))
            .sql(", 1)");
        row.run(&mut tx).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// Goes on with a future at most `polls` times, and then drops it where it stands.
async fn polled<T>(future: impl Future<Output = T>, polls: usize) -> Option<T> {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
        std::task::Poll::Ready(output) => std::task::Poll::Ready(Some(output)),
        std::task::Poll::Pending if left == 0 => std::task::Poll::Ready(None),
        std::task::Poll::Pending => {
            left -= 1;
            std::task::Poll::Pending
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_dropped_at_any_point_is_undone_and_blocks_nobody() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        // A little later each time, twice, until it is through before it is dropped.
        for round in 0..2 {
            for polls in 0.. {
                // Its own store, so that also the first transaction of a process is dropped at every point.
                let store = neighbour(&app).await;
                let name = format!("{round} {polls}");
                if engine == Engine::Postgres {
                    // To connect takes hundreds of steps in which nothing can be written yet.
                    pair(&store, &format!("{name} before")).await;
                }
                let through = polled(pair(&store, &name), polls).await.is_some();
                // The same store after it, and another one, which stands for another process.
                timeout(HANG, pair(&store, &format!("{name} after")))
                    .await
                    .unwrap_or_else(|_| {
                        panic!("{engine:?}: dropped at {polls}, nobody writes any more")
                    });
                timeout(
                    HANG,
                    pair(&app.dispatcher.app().store, &format!("{name} other")),
                )
                .await
                .unwrap_or_else(|_| {
                    panic!("{engine:?}: dropped at {polls}, no other process writes")
                });
                store.close().await;
                // On a busy machine a step can come to its end before it is looked at; hence a few more.
                if through && polls > 8 {
                    break;
                }
            }
        }
        let store = &app.dispatcher.app().store;
        let mut tx = store.read(Scope::System).await.unwrap();
        let rows = sql("SELECT name FROM counter WHERE name <> 'node'")
            .rows(&mut tx)
            .await
            .unwrap();
        tx.rollback().await;
        let names: BTreeSet<String> = rows.iter().map(|row| row.get("name").unwrap()).collect();
        for name in &names {
            let other = match name.strip_suffix("left") {
                Some(name) => format!("{name}right"),
                None => name.replace("right", "left"),
            };
            assert!(
                names.contains(&other),
                "{engine:?}: {name} was written without {other}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_dropped_among_others_do_no_harm_to_them() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let store = app.dispatcher.app().store.clone();
        let mut tasks = JoinSet::new();
        for writer in 0..200_usize {
            let store = store.clone();
            tasks.spawn(async move {
                // Every second one goes away, at a point of its own.
                if writer % 2 == 0 {
                    polled(pair(&store, &format!("gone {writer}")), writer / 20).await;
                } else {
                    pair(&store, &format!("stays {writer}")).await;
                }
            });
        }
        timeout(HANG, tasks.join_all())
            .await
            .expect("nobody waits for ever");
        timeout(HANG, pair(&neighbour(&app).await, "neighbour"))
            .await
            .expect("another process gets its turn");
        let mut tx = store.read(Scope::System).await.unwrap();
        let stays = sql("SELECT COUNT(*) AS rows FROM counter WHERE name LIKE 'stays%'");
        let stays: i64 = stays.one("rows", &mut tx).await.unwrap();
        let halves = sql("SELECT COUNT(*) AS rows FROM counter AS a WHERE name LIKE 'gone%left' AND NOT EXISTS
                          (SELECT 1 FROM counter AS b WHERE b.name = REPLACE(a.name, 'left', 'right'))");
        let halves: i64 = halves.one("rows", &mut tx).await.unwrap();
        tx.rollback().await;
        assert_eq!((stays, halves), (200, 0), "on {engine:?}");
    }
}
