//! Work that is done by itself: each step once, in order, whoever does it and whoever is killed.
//!
//! The job of these tests waters plants. A plant is an activity that is due once a day; to water it notes that day in an
//! activity of its own and moves the plant's date on. A cactus refuses water, a mimosa panics, a bonsai takes for ever, and
//! an orchid is watered without a look whether it is dry.

use std::collections::BTreeMap;
use std::pin::pin;
use std::process::{Command, Stdio};
use std::sync::{Arc, LazyLock};
use std::task::Poll;
use std::time::Duration;

use bureau_activities::{Activity, ActivityType};
use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::{Dispatcher, Settings};
use bureau_kernel::error::{Error, Result};
use bureau_kernel::job::Job;
use bureau_kernel::prelude::{Attributes, Code, Cx, Id, Managed, Module, ShortText};
use bureau_kernel::registry::{Registry, Selection};
use bureau_kernel::scheduler::{self, Queue, Scheduler, Ticked, queues};
use bureau_kernel::store::{Database, OpenOptions, Scope, Store, sql};
use bureau_kernel::testing::{ENGINES, Engine, TestApp};
use bureau_kernel::testing_postgres::fresh_database;
use bureau_kernel::types::id::decode;
use bureau_kernel::types::time::{Timestamp, now};
use futures::FutureExt as _;
use futures::future::join_all;
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::MODULES;
use crate::campaign::{HANG, Process, check_log, say};

const GARDEN: Module = Module {
    name: "garden",
    about: "Plants that are to be watered every day",
    uses: &[&bureau_activities::MODULE],
    jobs: &[Job {
        name: "water",
        about: "Water the plants that are dry",
        table: "activity",
        due: |cx, limit| dry(cx, limit).boxed(),
        run: |cx, record| water(cx, record).boxed(),
        follows_log: false,
    }],
    ..Module::EMPTY
};

/// The plants that are dry, the driest first.
async fn dry(cx: &mut Cx, limit: usize) -> Result<Vec<i64>> {
    let rows = sql("SELECT id FROM activity WHERE workspace = ")
        .value(cx.workspace().id)
        .sql(" AND archived_at IS NULL AND done_at IS NULL AND subject LIKE 'Water the %' AND due_at <= ")
        .value(cx.now())
        .sql(" ORDER BY due_at, id LIMIT ")
        .value(i64::try_from(limit).unwrap())
        .rows(cx.tx())
        .await?;
    rows.iter().map(|row| row.get("id")).collect()
}

async fn water(cx: &mut Cx, record: i64) -> Result<()> {
    let Some(plant) = cx.find(Id::<Activity>::from_raw(record)).await? else {
        return Ok(());
    };
    let is_live = plant.archived_at.is_none() && plant.done_at.is_none();
    let name = plant.subject.trim_start_matches("Water the ").to_owned();
    let is_dry = |due: &Timestamp| *due <= cx.now() || name == "orchid";
    let Some(due) = plant.due_at.filter(|due| is_live && is_dry(due)) else {
        return Ok(());
    };
    let note = Activity {
        r#type: ActivityType::Note,
        subject: ShortText::new(&format!("{name} {}", due.date_naive())).unwrap(),
        due_at: None,
        done_at: Managed(Some(cx.now())),
        ..plant.record.clone()
    };
    cx.insert(note, Attributes::new()).await?;
    match name.as_str() {
        "cactus" => return Err(Error::conflict("A cactus takes no water.").field("plant")),
        "mimosa" => panic!("a mimosa folds up"),
        "bonsai" => sleep(HANG).await,
        _ => {}
    }
    let mut plant = cx.edit(plant.id).await?;
    plant.due_at = Some(due + chrono::Duration::days(1));
    plant.save(cx).await?;
    Ok(())
}

fn modules() -> Vec<Module> {
    let mut modules = MODULES.to_vec();
    modules.push(GARDEN);
    modules
}

/// So many days, and seconds, after the first one that any plant is dry.
fn at(days: i64, seconds: i64) -> Timestamp {
    let first: Timestamp = "2026-03-01T06:00:00Z".parse().unwrap();
    first + chrono::Duration::days(days) + chrono::Duration::seconds(seconds)
}

/// A plant that is dry from this moment on.
async fn plant(app: &TestApp, caller: &Caller, name: &str, due: Timestamp) -> i64 {
    let task = json!({ "type": "task", "subject": format!("Water the {name}"), "due_at": due });
    let made = app.ok(caller, "create_activity", task).await;
    decode(made["data"]["id"].as_str().unwrap()).unwrap().1
}

/// The modules put together, once for all servers of these tests.
static REGISTRY: LazyLock<Arc<Registry>> =
    LazyLock::new(|| Registry::new(&modules(), &Selection::default()).unwrap());

/// The same database opened once more, as another server would.
async fn neighbour(database: &Database, settings: Settings) -> Arc<Dispatcher> {
    let store = Store::open(&OpenOptions::new(database.clone()))
        .await
        .unwrap();
    Dispatcher::new(store, REGISTRY.clone(), None, settings).unwrap()
}

/// For each plant of a workspace the days on which it was watered, in the order in which that was done.
async fn watered(dispatcher: &Dispatcher, caller: &Caller) -> BTreeMap<String, Vec<String>> {
    let scope = Scope::Workspace(caller.workspace.id.raw());
    let mut tx = dispatcher.app().store.read(scope).await.unwrap();
    let rows = sql("SELECT subject FROM activity WHERE type = 'note' AND workspace = ")
        .value(caller.workspace.id)
        .sql(" ORDER BY id")
        .rows(&mut tx)
        .await
        .unwrap();
    tx.rollback().await;
    let mut days: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in rows {
        let subject: String = row.get("subject").unwrap();
        let (name, day) = subject.rsplit_once(' ').unwrap();
        days.entry(name.to_owned())
            .or_default()
            .push(day.to_owned());
    }
    days
}

/// The first so many days from that one on.
fn days(first: Timestamp, count: i64) -> Vec<String> {
    (0..count)
        .map(|day| {
            (first + chrono::Duration::days(day))
                .date_naive()
                .to_string()
        })
        .collect()
}

/// Rows of the table `job`.
async fn taken_up(dispatcher: &Dispatcher) -> i64 {
    let mut tx = dispatcher.app().store.read(Scope::System).await.unwrap();
    let count: i64 = sql("SELECT COUNT(*) AS taken_up FROM job")
        .one("taken_up", &mut tx)
        .await
        .unwrap();
    tx.rollback().await;
    count
}

/// How it stands with watering, in each workspace.
async fn garden(dispatcher: &Dispatcher, moment: Timestamp) -> Vec<Queue> {
    let mut queues = queues(dispatcher, moment).await.unwrap();
    queues.retain(|queue| queue.job == "water");
    queues
}

async fn the_queue(app: &TestApp, moment: Timestamp) -> Queue {
    let mut queues = garden(&app.dispatcher, moment).await;
    assert_eq!(queues.len(), 1, "one job in one workspace");
    queues.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn four_servers_at_once_do_each_step_once_and_the_missed_ones_of_a_record_in_order() {
    const PLANTS: i64 = 20;
    for engine in ENGINES {
        let app = TestApp::new(engine, &modules()).await;
        let owner = app.owner().await;
        for number in 0..PLANTS {
            plant(&app, &owner, &format!("fern {number}"), at(0, number)).await;
        }
        let mut servers = JoinSet::new();
        for _ in 0..4 {
            let dispatcher = neighbour(&app.database, Settings::default()).await;
            servers.spawn(async move {
                let ticked = Scheduler::new(dispatcher.clone()).tick(at(4, 60)).await;
                dispatcher.app().close().await;
                ticked.unwrap()
            });
        }
        let ticked = timeout(HANG, servers.join_all()).await.unwrap();
        let done: usize = ticked.iter().map(|ticked| ticked.done).sum();
        assert!(done >= 100, "{ticked:?}");
        assert!(
            ticked
                .iter()
                .all(|ticked| ticked.failed == 0 && !ticked.more),
            "{ticked:?}"
        );
        let watered = watered(&app.dispatcher, &owner).await;
        assert_eq!(watered.len(), 20, "{engine:?}: {watered:?}");
        for (name, found) in watered {
            assert_eq!(found, days(at(0, 0), 5), "{name} on {engine:?}");
        }
        assert_eq!(taken_up(&app.dispatcher).await, 0);
        let findings = check_log(&app.dispatcher.app().store).await;
        assert!(findings.is_empty(), "on {engine:?}: {findings:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_is_the_schedulers_change_and_no_persons_and_undoing_it_makes_it_due_again() {
    for engine in ENGINES {
        let app = TestApp::new(engine, &modules()).await;
        let owner = app.owner().await;
        plant(&app, &owner, "fern", at(0, 0)).await;
        let scheduler = Scheduler::new(app.dispatcher.clone());
        assert_eq!(scheduler.tick(at(0, -1)).await.unwrap(), Ticked::default());
        let queue = the_queue(&app, at(1, 0)).await;
        assert_eq!((queue.due, queue.leased, queue.failed.len()), (1, 0, 0));
        let ticked = scheduler.tick(at(1, 0)).await.unwrap();
        assert_eq!((ticked.done, ticked.failed, ticked.more), (2, 0, false));

        let mut tx = app
            .dispatcher
            .app()
            .store
            .read(Scope::System)
            .await
            .unwrap();
        let rows =
            sql("SELECT call, client, member, at FROM change_log WHERE tool = 'water' ORDER BY id")
                .rows(&mut tx)
                .await
                .unwrap();
        tx.rollback().await;
        // A note and a date for each day.
        assert_eq!(rows.len(), 4, "{engine:?}");
        for row in &rows {
            assert_eq!(row.get::<String>("client").unwrap(), "scheduler");
            assert_eq!(row.get::<Option<i64>>("member").unwrap(), None);
            let moment: Timestamp = row.get("at").unwrap();
            assert!(moment >= at(1, 0) && moment < at(2, 0), "{moment}");
        }
        let calls: Vec<i64> = rows.iter().map(|row| row.get("call").unwrap()).collect();
        assert!(calls[0] == calls[1] && calls[1] != calls[2] && calls[2] == calls[3]);

        let nobodys = sql("SELECT id FROM activity WHERE created_by IS NULL");
        assert_eq!(app.rows(nobodys).await.len(), 2, "a note of each step");

        let last = Id::<bureau_kernel::store::log::Change>::from_raw(calls[3]).to_string();
        let undo = json!({ "change": last, "confirm": true });
        app.ok(&owner, "undo_change", undo).await;
        let queue = the_queue(&app, at(1, 0)).await;
        assert_eq!(queue.due, 1, "what was taken back is due again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_waits_longer_each_time_is_shown_and_stops_nothing_else() {
    for engine in ENGINES {
        let app = TestApp::new(engine, &modules()).await;
        let owner = app.owner().await;
        let cactus = plant(&app, &owner, "cactus", at(0, 0)).await;
        plant(&app, &owner, "fern", at(0, 1)).await;
        let scheduler = Scheduler::new(app.dispatcher.clone());
        let ticked = scheduler.tick(at(0, 60)).await.unwrap();
        assert_eq!((ticked.done, ticked.failed, ticked.more), (1, 1, false));
        let found = watered(&app.dispatcher, &owner).await;
        assert_eq!(
            found.keys().collect::<Vec<_>>(),
            ["fern"],
            "nothing of a step that failed is written"
        );
        let mut tried = at(0, 60);
        for attempt in 1..=12 {
            let minutes = if attempt < 10 {
                1 << (attempt - 1)
            } else {
                24 * 60
            };
            let queue = the_queue(&app, tried).await;
            let [failed] = &queue.failed[..] else {
                panic!("{queue:?}")
            };
            assert_eq!(
                (failed.attempts, failed.error.as_str(), queue.leased),
                (attempt, "CONFLICT: A cactus takes no water. (plant)", 0)
            );
            assert_eq!(queue.oldest.as_deref(), Some(failed.record.as_str()));
            assert_eq!((failed.next_at - tried).num_minutes(), minutes);
            let early = failed.next_at - chrono::Duration::seconds(30);
            let early = scheduler.tick(early).await.unwrap();
            assert_eq!(early.failed, 0, "after attempt {attempt}");
            tried = failed.next_at;
            assert_eq!(scheduler.tick(tried).await.unwrap().failed, 1);
        }
        // What it failed on is put right: it is done the next time, with all that was missed.
        let id = Id::<Activity>::from_raw(cactus);
        let renamed = json!({ "activity": id, "subject": "Water the rose" });
        app.ok(&owner, "update_activity", renamed).await;
        tried += chrono::Duration::hours(25);
        assert_eq!(scheduler.tick(tried).await.unwrap().failed, 0);
        let roses = &watered(&app.dispatcher, &owner).await["rose"];
        let missed = (tried - at(0, 0)).num_days() + 1;
        assert_eq!(*roses, days(at(0, 0), missed), "on {engine:?}");
        assert!(the_queue(&app, tried).await.failed.is_empty());
        assert_eq!(taken_up(&app.dispatcher).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_and_is_not_due_any_more_is_forgotten() {
    for engine in ENGINES {
        let app = TestApp::new(engine, &modules()).await;
        let owner = app.owner().await;
        let cactus = plant(&app, &owner, "cactus", at(0, 0)).await;
        let scheduler = Scheduler::new(app.dispatcher.clone());
        scheduler.tick(at(0, 60)).await.unwrap();
        assert_eq!(the_queue(&app, at(0, 61)).await.failed.len(), 1);
        let delete = json!({ "activity": Id::<Activity>::from_raw(cactus), "confirm": true });
        app.ok(&owner, "delete_activity", delete).await;
        assert!(
            the_queue(&app, at(0, 61)).await.failed.is_empty(),
            "it is no problem even before a server has looked"
        );
        assert_eq!(taken_up(&app.dispatcher).await, 1);
        scheduler.tick(at(0, 62)).await.unwrap();
        assert_eq!(taken_up(&app.dispatcher).await, 0, "on {engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_failed_do_not_hide_what_became_due_after_them() {
    for engine in ENGINES {
        let app = TestApp::new(engine, &modules()).await;
        let owner = app.owner().await;
        for number in 0..120 {
            plant(&app, &owner, "cactus", at(0, number)).await;
        }
        let scheduler = Scheduler::new(app.dispatcher.clone());
        let ticked = scheduler.tick(at(0, 600)).await.unwrap();
        assert_eq!((ticked.done, ticked.failed, ticked.more), (0, 120, false));
        plant(&app, &owner, "fern", at(0, 590)).await;
        let ticked = scheduler.tick(at(0, 601)).await.unwrap();
        assert_eq!((ticked.done, ticked.failed), (1, 0), "on {engine:?}");
        let queue = the_queue(&app, at(0, 602)).await;
        assert_eq!((queue.due, queue.failed.len()), (120, 120));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_and_a_step_without_end_are_failures_of_their_record_alone() {
    for engine in ENGINES {
        let settings = Settings {
            call_limit: Duration::from_millis(200),
            ..Settings::default()
        };
        let app = TestApp::new(engine, &modules()).await;
        let owner = app.owner().await;
        for name in ["mimosa", "bonsai", "fern"] {
            plant(&app, &owner, name, at(0, 0)).await;
        }
        let dispatcher = neighbour(&app.database, settings).await;
        let scheduler = Scheduler::new(dispatcher.clone());
        let ticked = timeout(HANG, scheduler.tick(at(0, 60)))
            .await
            .unwrap()
            .unwrap();
        assert_eq!((ticked.done, ticked.failed, ticked.more), (1, 2, false));
        let found = watered(&app.dispatcher, &owner).await;
        assert_eq!(found.keys().collect::<Vec<_>>(), ["fern"], "on {engine:?}");
        let errors: Vec<String> = the_queue(&app, at(0, 70))
            .await
            .failed
            .into_iter()
            .map(|failed| failed.error)
            .collect();
        assert_eq!(errors.len(), 2, "{errors:?}");
        for code in [Code::Internal, Code::Unavailable] {
            assert!(
                errors.iter().any(|error| error.starts_with(code.as_str())),
                "{errors:?}"
            );
        }
        dispatcher.app().close().await;
        let findings = check_log(&app.dispatcher.app().store).await;
        assert!(findings.is_empty(), "on {engine:?}: {findings:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lease_of_a_server_that_is_gone_is_taken_over_when_it_ran_out_and_not_before() {
    for engine in ENGINES {
        let app = TestApp::new(engine, &modules()).await;
        let owner = app.owner().await;
        let fern = plant(&app, &owner, "fern", at(0, 0)).await;
        let scope = Scope::Workspace(owner.workspace.id.raw());
        let mut tx = app.dispatcher.app().store.write(scope).await.unwrap();
        sql("INSERT INTO job (workspace, name, record, enqueued_at, run_after, leased_until, holder, attempts)
             VALUES ($1, 'water', $2, $3, $4, $4, 7, 1)")
            .bind(owner.workspace.id)
            .bind(fern)
            .bind(at(0, 0))
            .bind(at(0, 60))
            .run(&mut tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let scheduler = Scheduler::new(app.dispatcher.clone());
        assert_eq!(scheduler.tick(at(0, 50)).await.unwrap(), Ticked::default());
        let queue = the_queue(&app, at(0, 50)).await;
        assert_eq!((queue.due, queue.leased, queue.failed.len()), (0, 1, 0));
        let queue = the_queue(&app, at(0, 61)).await;
        assert_eq!((queue.due, queue.leased, queue.failed.len()), (1, 0, 0));
        assert_eq!(scheduler.tick(at(0, 61)).await.unwrap().done, 1);
        assert_eq!(watered(&app.dispatcher, &owner).await["fern"].len(), 1);
        assert_eq!(taken_up(&app.dispatcher).await, 0, "on {engine:?}");
    }
}

/// Goes on with a future so many times. What it ended with, if it has.
async fn polled<F: Future + Unpin>(future: &mut F, polls: usize) -> Option<F::Output> {
    let mut left = polls;
    std::future::poll_fn(|cx| match future.poll_unpin(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

/// How many times a future has to be gone on with until it ends.
async fn polls_of<F: Future + Unpin>(mut future: F) -> usize {
    let mut polls = 0;
    std::future::poll_fn(|cx| match future.poll_unpin(cx) {
        Poll::Ready(_) => Poll::Ready(polls),
        Poll::Pending => {
            polls += 1;
            Poll::Pending
        }
    })
    .await
}

/// What becomes of a scheduler in the middle of its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is no more.
    Gone,
    /// It stands still until its leases are others', and goes on then.
    Late,
}

/// A scheduler comes to this fate at each point of its work, a little later each time; another one works later.
async fn interrupted_everywhere(engine: Engine, fate: Fate) {
    let app = TestApp::new(engine, &modules()).await;
    let owner = app.owner().await;
    let other = Scheduler::new(app.dispatcher.clone());
    // It has one connection for its work, and has used all that it has: to open one, or to prepare a statement, takes many steps
    // in which nothing happens.
    let begin = async || {
        let options = OpenOptions {
            connections: 1,
            ..OpenOptions::new(app.database.clone())
        };
        let store = Store::open(&options).await.unwrap();
        let dispatcher =
            Dispatcher::new(store, REGISTRY.clone(), None, Settings::default()).unwrap();
        join_all((0..4).map(|_| dispatcher.operator(None))).await;
        let early = Scheduler::new(dispatcher.clone()).tick(at(-1, 0)).await;
        assert_eq!(early.unwrap(), Ticked::default());
        dispatcher
    };
    // Who is gone has left its connections in the middle of something, and somebody else begins as it did.
    let again = async |dispatcher: Arc<Dispatcher>| match fate {
        Fate::Gone => {
            dispatcher.app().close().await;
            begin().await
        }
        Fate::Late => dispatcher,
    };
    let mut dispatcher = begin().await;
    let complete = async |fern: i64| {
        let done = json!({ "activity": Id::<Activity>::from_raw(fern) });
        app.ok(&owner, "complete_activity", done).await;
    };
    // On a busy machine an answer can be there before it is waited for; hence more than one try.
    let mut points = 0;
    for number in 0..5 {
        let fern = plant(&app, &owner, &format!("moss {number}"), at(0, 0)).await;
        let scheduler = Scheduler::new(dispatcher.clone());
        points = polls_of(pin!(scheduler.tick(at(1, 60)))).await.max(points);
        complete(fern).await;
        dispatcher = again(dispatcher).await;
    }
    for polls in 0..points {
        let name = format!("fern {polls}");
        let fern = plant(&app, &owner, &name, at(0, 0)).await;
        let scheduler = Scheduler::new(dispatcher.clone());
        {
            let mut tick = pin!(scheduler.tick(at(1, 60)));
            let through = polled(&mut tick, polls).await.is_some();
            if fate == Fate::Late && !through {
                let mut later = pin!(other.tick(at(1, 600)));
                match timeout(Duration::from_millis(50), &mut later).await {
                    Ok(_) => drop(timeout(HANG, tick).await.unwrap().unwrap()),
                    // The one that stands still is in a transaction: the other has to wait for it.
                    Err(_) => {
                        let both = futures::future::join(tick, later);
                        let (first, second) = timeout(HANG, both).await.unwrap();
                        assert_eq!((first.unwrap().failed, second.unwrap().failed), (0, 0));
                    }
                }
            }
        }
        timeout(HANG, other.tick(at(1, 1200)))
            .await
            .unwrap_or_else(|_| panic!("{engine:?}, {fate:?} at {polls}: nobody works any more"))
            .unwrap();
        assert_eq!(
            watered(&app.dispatcher, &owner).await[&name],
            days(at(0, 0), 2),
            "{engine:?}, {fate:?} at {polls}"
        );
        complete(fern).await;
        dispatcher = again(dispatcher).await;
    }
    println!("{engine:?}, {fate:?}: {points} points");
    assert!(points > 8);
    dispatcher.app().close().await;
    assert_eq!(taken_up(&app.dispatcher).await, 0, "{engine:?}, {fate:?}");
    let findings = check_log(&app.dispatcher.app().store).await;
    assert!(findings.is_empty(), "{engine:?}, {fate:?}: {findings:?}");
}

/// Each waits for its own schedulers most of the time. In tasks of their own: what wakes one is no step of the other.
async fn on_both_engines_at_once(fate: Fate) {
    let mut both = JoinSet::new();
    for engine in ENGINES {
        both.spawn(interrupted_everywhere(engine, fate));
    }
    both.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduler_that_goes_away_at_any_point_leaves_no_step_undone_or_done_twice() {
    on_both_engines_at_once(Fate::Gone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduler_whose_lease_ran_out_at_any_point_does_nothing_that_another_did() {
    on_both_engines_at_once(Fate::Late).await;
}

/// Stops a scheduler that has just taken a record up, and lets another one do everything after the lease has run out. What
/// each of them did; `None` where the first was further on already when it was stopped, as happens on a busy machine.
async fn overtaken(app: &TestApp, owner: &Caller) -> Option<(Ticked, Ticked)> {
    let slow = neighbour(&app.database, Settings::default()).await;
    let scheduler = Scheduler::new(slow.clone());
    let other = Scheduler::new(app.dispatcher.clone());
    let mut tick = pin!(scheduler.tick(at(1, 60)));
    let taken = async {
        while taken_up(&app.dispatcher).await == 0 {
            if polled(&mut tick, 0).await.is_some() {
                return false;
            }
            sleep(Duration::from_millis(1)).await;
        }
        watered(&app.dispatcher, owner).await.is_empty()
    };
    if !timeout(HANG, taken).await.unwrap() {
        return None;
    }
    let mut later = pin!(other.tick(at(1, 600)));
    let Ok(first) = timeout(Duration::from_secs(1), &mut later).await else {
        // It waits for the one that stands still, which is in its step.
        let both = futures::future::join(tick, later);
        let _ = timeout(HANG, both).await.unwrap();
        return None;
    };
    let second = timeout(HANG, tick).await.unwrap();
    slow.app().close().await;
    Some((first.unwrap(), second.unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_begins_only_while_the_lease_is_still_the_schedulers_own() {
    for engine in ENGINES {
        let done = loop {
            let app = TestApp::new(engine, &modules()).await;
            let owner = app.owner().await;
            plant(&app, &owner, "orchid", at(0, 0)).await;
            if let Some((first, second)) = overtaken(&app, &owner).await {
                let orchid = watered(&app.dispatcher, &owner).await.remove("orchid");
                break (first.done, second, orchid.unwrap());
            }
        };
        assert_eq!(
            done,
            (2, Ticked::default(), days(at(0, 0), 2)),
            "on {engine:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_workspace_is_worked_for_on_its_own() {
    for engine in ENGINES {
        let app = TestApp::new(engine, &modules()).await;
        let ours = app.owner().await;
        let theirs = app.tenant("second").await;
        plant(&app, &ours, "cactus", at(0, 0)).await;
        plant(&app, &ours, "fern", at(0, 0)).await;
        plant(&app, &theirs, "moss", at(0, 0)).await;
        let scheduler = Scheduler::new(app.dispatcher.clone());
        let ticked = scheduler.tick(at(0, 60)).await.unwrap();
        assert_eq!((ticked.done, ticked.failed), (2, 1));
        for (caller, plants) in [(&ours, ["fern"]), (&theirs, ["moss"])] {
            let found = watered(&app.dispatcher, caller).await;
            assert_eq!(found.into_keys().collect::<Vec<_>>(), plants, "{engine:?}");
        }
        let queues = garden(&app.dispatcher, at(0, 70)).await;
        let failed: Vec<(&str, usize)> = queues
            .iter()
            .map(|queue| (queue.workspace.as_str(), queue.failed.len()))
            .collect();
        assert_eq!(failed, [("main", 1), ("second", 0)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_may_be_written_nothing_is_done_and_the_queue_can_be_seen() {
    for engine in ENGINES {
        let app = TestApp::new(engine, &modules()).await;
        let owner = app.owner().await;
        plant(&app, &owner, "fern", at(0, 0)).await;
        let read_only = Settings {
            read_only: true,
            ..Settings::default()
        };
        let by_settings = neighbour(&app.database, read_only).await;
        let options = OpenOptions {
            read_only: true,
            ..OpenOptions::new(app.database.clone())
        };
        let store = Store::open(&options).await.unwrap();
        let by_store = Dispatcher::new(store, REGISTRY.clone(), None, Settings::default()).unwrap();
        for dispatcher in [by_settings, by_store] {
            let scheduler = Scheduler::new(dispatcher.clone());
            assert_eq!(scheduler.tick(at(0, 60)).await.unwrap(), Ticked::default());
            scheduler::start(dispatcher.clone()).stop().await;
            assert_eq!(garden(&dispatcher, at(0, 60)).await[0].due, 1);
            dispatcher.app().close().await;
        }
        assert!(watered(&app.dispatcher, &owner).await.is_empty());
        assert_eq!(taken_up(&app.dispatcher).await, 0, "on {engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_makes_up_at_its_start_for_what_was_missed_and_ends_between_two_steps() {
    for engine in ENGINES {
        let app = TestApp::new(engine, &modules()).await;
        let owner = app.owner().await;
        let first = now() - chrono::Duration::hours(3 * 24 + 1);
        for number in 0..30 {
            plant(&app, &owner, &format!("fern {number}"), first).await;
        }
        // It is told to end as soon as it has begun.
        let running = scheduler::start(app.dispatcher.clone());
        let begun = async {
            while watered(&app.dispatcher, &owner).await.is_empty() {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(HANG, begun).await.unwrap();
        timeout(HANG, running.stop()).await.unwrap();
        assert_eq!(taken_up(&app.dispatcher).await, 0, "no step is under way");
        let before = watered(&app.dispatcher, &owner).await;
        sleep(Duration::from_millis(20)).await;
        assert_eq!(watered(&app.dispatcher, &owner).await, before);
        // The next one goes on.
        let running = scheduler::start(app.dispatcher.clone());
        let whole: Vec<Vec<String>> = vec![days(first, 4); 30];
        let made_up = async {
            while watered(&app.dispatcher, &owner)
                .await
                .into_values()
                .collect::<Vec<_>>()
                != whole
            {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(HANG, made_up)
            .await
            .unwrap_or_else(|_| panic!("{engine:?}: what was missed is made up"));
        running.stop().await;
        assert_eq!(taken_up(&app.dispatcher).await, 0);
    }
}

const PART: &str = "BUREAU_TEST_GARDENER";

#[test]
#[ignore = "the body of the processes that the next test starts"]
fn gardener() {
    let Ok(part) = std::env::var(PART) else {
        return;
    };
    let (moment, database) = part.split_once(' ').unwrap();
    let (moment, database): (Timestamp, Database) =
        (moment.parse().unwrap(), database.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async move {
        let dispatcher = neighbour(&database, Settings::default()).await;
        say("ready");
        let ticked = Scheduler::new(dispatcher).tick(moment).await.unwrap();
        say(&format!("ticked {ticked:?}"));
        sleep(HANG).await;
    });
}

/// This binary once more, doing what is due at this moment.
fn gardener_at(moment: Timestamp, database: &Database) -> Process {
    let address = match database {
        Database::Sqlite(path) => format!("sqlite:{}", path.display()),
        Database::Postgres(url) => url.clone(),
    };
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "scheduler::gardener", "--ignored", "--nocapture"])
        .env(PART, format!("{} {address}", moment.to_rfc3339()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    Process::start(command)
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_killed_at_any_moment_leave_no_step_undone_and_none_done_twice() {
    const PLANTS: usize = 30;
    const CYCLES: i64 = 12;
    for engine in ENGINES {
        let folder = Arc::new(TempDir::new().unwrap());
        let database = match engine {
            Engine::Sqlite => Database::Sqlite(folder.path().join("bureau.sqlite")),
            Engine::Postgres => Database::Postgres(fresh_database().await),
        };
        let at_home = |database: &Database| {
            TestApp::at(
                database.clone(),
                folder.clone(),
                MODULES,
                Settings::default(),
            )
        };
        let app = at_home(&database).await;
        let owner = app.owner().await;
        for number in 0..PLANTS {
            plant(&app, &owner, &format!("fern {number}"), at(0, 0)).await;
        }
        let mut kills = 0;
        for cycle in 1..=CYCLES {
            // An hour later each time, so that what the dead ones had taken up is free again. Nothing new gets dry.
            let moment = at(9, cycle * 3600);
            let mut servers = [
                gardener_at(moment, &database),
                gardener_at(moment, &database),
            ];
            for server in &mut servers {
                server.line(0, "ready").await;
            }
            for server in servers {
                sleep(Duration::from_millis(u64::from(rand::random::<u8>()) / 2)).await;
                let said = server.kill();
                kills += usize::from(!said.iter().any(|line| line.starts_with("ticked")));
            }
        }
        assert!(
            kills > 2,
            "{engine:?}: the servers were meant to be at work"
        );
        let dispatcher = neighbour(&database, Settings::default()).await;
        let last = Scheduler::new(dispatcher.clone()).tick(at(9, 80_000)).await;
        println!("{engine:?}: {kills} kills at work, then {last:?}");
        assert_eq!(last.unwrap().failed, 0);
        let watered = watered(&dispatcher, &owner).await;
        assert_eq!(watered.len(), PLANTS);
        for (name, found) in watered {
            assert_eq!(found, days(at(0, 0), 10), "{name} on {engine:?}");
        }
        assert_eq!(taken_up(&dispatcher).await, 0);
        let findings = check_log(&dispatcher.app().store).await;
        assert!(findings.is_empty(), "on {engine:?}: {findings:?}");
        dispatcher.app().close().await;
    }
}
