//! Followers of the change log: every row once and in order, whatever fails and whoever does it.
//!
//! The follower of these tests greets: for each company that was added it notes an activity. A company that is called "Grumpy" is greeted
//! by nobody until its name is another.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bureau_activities::{Activity, ActivityType};
use bureau_companies::Company;
use bureau_kernel::admin::{self, NewWorkspace};
use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::{Dispatcher, Settings};
use bureau_kernel::error::{Error, Result};
use bureau_kernel::follower::{Follow, follower};
use bureau_kernel::job::Job;
use bureau_kernel::prelude::{Attributes, Cx, Id, Managed, Module, ShortText};
use bureau_kernel::registry::{Registry, Selection};
use bureau_kernel::scheduler::{self, Scheduler, queues};
use bureau_kernel::store::log::{Action, LogRow};
use bureau_kernel::store::{OpenOptions, Store, sql};
use bureau_kernel::testing::{ENGINES, TestApp};
use bureau_kernel::types::time::now;
use serde_json::json;
use tokio::time::{Duration, sleep, timeout};

use crate::MODULES;
use crate::campaign::{HANG, sealed};

struct Greet;

impl Follow for Greet {
    const NAME: &'static str = "greet";
    const ABOUT: &'static str = "Greet companies that are new";
    // It writes activities itself: those are not taken in again.
    const TABLES: &'static [&'static str] = &["company", "activity"];

    async fn take(cx: &mut Cx, rows: &[LogRow]) -> Result<()> {
        for row in rows {
            if row.table() != "company" || row.action() != Action::Create {
                assert_ne!(row.tool(), Self::NAME);
                continue;
            }
            let Some(company) = cx.find(Id::<Company>::from_raw(row.record())).await? else {
                continue;
            };
            let name = company.name.to_string();
            if name == "Grumpy" {
                return Err(Error::conflict("Nobody greets that one."));
            }
            let greeting = Activity {
                r#type: ActivityType::Note,
                subject: ShortText::new(&format!("Welcome {name}")).unwrap(),
                company: Some(company.id),
                done_at: Managed(Some(cx.now())),
                ..<Activity as bureau_kernel::record::Columns>::empty()
            };
            cx.insert(greeting, Attributes::new()).await?;
        }
        Ok(())
    }
}

const HALL: Module = Module {
    name: "hall",
    about: "Where companies are greeted",
    uses: &[&bureau_activities::MODULE],
    jobs: &[follower::<Greet>()],
    ..Module::EMPTY
};

fn modules() -> Vec<Module> {
    let mut modules = MODULES.to_vec();
    modules.push(HALL);
    modules
}

/// The greetings of a workspace, in the order in which they were made.
async fn greetings(app: &TestApp, caller: &Caller) -> Vec<String> {
    let greetings =
        sql("SELECT subject FROM activity WHERE subject LIKE 'Welcome %' AND workspace = ")
            .value(caller.workspace.id)
            .sql(" ORDER BY id");
    let rows = app.rows(greetings).await;
    let subjects = rows.iter().map(|row| row.get::<String>("subject").unwrap());
    subjects
        .map(|subject| subject.trim_start_matches("Welcome ").to_owned())
        .collect()
}

async fn company(app: &TestApp, caller: &Caller, name: &str) -> String {
    let made = app
        .ok(caller, "create_company", json!({ "name": name }))
        .await;
    made["data"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_follower_takes_in_every_row_of_each_workspace_once_and_in_order() {
    for engine in ENGINES {
        let app = TestApp::new(engine, &modules()).await;
        let (owner, other) = (app.owner().await, app.tenant("other").await);
        let scheduler = Scheduler::new(Arc::clone(&app.dispatcher));
        // More than are taken in together, some of which are gone again.
        let batch = app.dispatcher.batch(&owner, "test").await.unwrap();
        let names: Vec<String> = (0..700).map(|number| format!("Firm {number:03}")).collect();
        let add = async |cx: &mut Cx| {
            for name in &names {
                let company = Company {
                    name: ShortText::new(name).unwrap(),
                    ..<Company as bureau_kernel::record::Columns>::empty()
                };
                cx.insert(company, Attributes::new()).await?;
            }
            Ok(())
        };
        app.dispatcher.app().run_in(&batch, add).await.unwrap();
        company(&app, &other, "Elsewhere").await;
        sealed(app.store()).await;
        let queue = async || {
            let queues = queues(&app.dispatcher, now()).await.unwrap();
            let of_greet = queues.into_iter().filter(|queue| queue.job == "greet");
            of_greet
                .map(|queue| (queue.workspace, queue.due))
                .collect::<Vec<_>>()
        };
        let due = queue().await;
        assert_eq!(due.iter().map(|(_, due)| due).sum::<usize>(), 2, "{due:?}");
        let ticked = scheduler.tick(now()).await.unwrap();
        assert_eq!(ticked.failed, 0, "{engine:?}");
        sealed(app.store()).await;
        assert_eq!(greetings(&app, &owner).await, names, "{engine:?}");
        assert_eq!(greetings(&app, &other).await, ["Elsewhere"]);
        // Its own writes are passed over, so it comes to an end.
        scheduler.tick(now()).await.unwrap();
        sealed(app.store()).await;
        assert_eq!(scheduler.tick(now()).await.unwrap().done, 0, "{engine:?}");
        assert!(queue().await.iter().all(|(_, due)| *due == 0));
        // Another server on the database goes on where this one was.
        company(&app, &owner, "Late").await;
        sealed(app.store()).await;
        let store = Store::open(&OpenOptions::new(app.database.clone()))
            .await
            .unwrap();
        let registry = Registry::new(&modules(), &Selection::default()).unwrap();
        let second = Dispatcher::new(store, registry, None, Settings::default()).unwrap();
        let second = Scheduler::new(second);
        let (one, two) = tokio::join!(scheduler.tick(now()), second.tick(now()));
        assert_eq!((one.unwrap().failed, two.unwrap().failed), (0, 0));
        let greeted = greetings(&app, &owner).await;
        assert_eq!(greeted.len(), 701, "{engine:?}");
        assert_eq!(greeted.last().unwrap(), "Late");
    }
}

/// How often the follower below was asked whether it has something to do.
static ASKED: AtomicUsize = AtomicUsize::new(0);

/// The follower that greets, with a count.
const COUNTED: Job = {
    let greet = follower::<Greet>();
    Job {
        due: |cx, limit| {
            ASKED.fetch_add(1, Ordering::Relaxed);
            (follower::<Greet>().due)(cx, limit)
        },
        ..greet
    }
};

#[tokio::test]
async fn workspaces_in_which_nothing_was_written_are_not_asked() {
    const WORKSPACES: usize = 200;
    const COUNTING: Module = Module {
        jobs: &[COUNTED],
        ..HALL
    };
    let mut modules = MODULES.to_vec();
    modules.push(COUNTING);
    for engine in ENGINES {
        let app = TestApp::new(engine, &modules).await;
        let owner = app.owner().await;
        for number in 0..WORKSPACES {
            let new = NewWorkspace {
                slug: format!("w{number}"),
                name: format!("W {number}"),
                ..NewWorkspace::default()
            };
            admin::create_workspace(app.store(), new).await.unwrap();
        }
        sealed(app.store()).await;
        let scheduler = Scheduler::new(Arc::clone(&app.dispatcher));
        let asked = async || {
            ASKED.store(0, Ordering::Relaxed);
            let ticked = scheduler.tick(now()).await.unwrap();
            sealed(app.store()).await;
            (ASKED.load(Ordering::Relaxed), ticked.failed)
        };
        let (first, _) = asked().await;
        assert!(first >= WORKSPACES, "it begins with all, on {engine:?}");
        assert_eq!(asked().await, (0, 0), "nothing was written on {engine:?}");
        // One writes: it is asked, and once more when the follower has written.
        company(&app, &owner, "One").await;
        sealed(app.store()).await;
        let (one, _) = asked().await;
        assert!((1..=3).contains(&one), "{one} on {engine:?}");
        assert_eq!(greetings(&app, &owner).await, ["One"]);
        asked().await;
        assert_eq!(asked().await, (0, 0), "it is done on {engine:?}");
        // What went wrong is asked again, though nothing is written.
        company(&app, &owner, "Grumpy").await;
        sealed(app.store()).await;
        assert_eq!(asked().await.1, 1, "{engine:?}");
        assert_eq!(asked().await, (1, 0), "it waits on {engine:?}");
    }
}

#[tokio::test]
async fn what_a_follower_cannot_take_in_is_told_of_and_comes_again() {
    for engine in ENGINES {
        let app = TestApp::new(engine, &modules()).await;
        let owner = app.owner().await;
        let scheduler = Scheduler::new(Arc::clone(&app.dispatcher));
        company(&app, &owner, "First").await;
        let grumpy = company(&app, &owner, "Grumpy").await;
        company(&app, &owner, "Third").await;
        sealed(app.store()).await;
        let start = now();
        assert_eq!(scheduler.tick(start).await.unwrap().failed, 1, "{engine:?}");
        // Nothing of the step stays, and nothing after it is done before it.
        assert!(greetings(&app, &owner).await.is_empty());
        let queues = queues(&app.dispatcher, start).await.unwrap();
        let queue = queues.iter().find(|queue| queue.job == "greet").unwrap();
        assert_eq!(queue.failed[0].error, "CONFLICT: Nobody greets that one.");
        let change = json!({ "company": grumpy, "name": "Friendly" });
        app.ok(&owner, "update_company", change).await;
        sealed(app.store()).await;
        assert_eq!(scheduler.tick(start).await.unwrap().done, 0, "it waits");
        let later = start + chrono::Duration::minutes(2);
        assert_eq!(scheduler.tick(later).await.unwrap().failed, 0, "{engine:?}");
        let greeted = greetings(&app, &owner).await;
        assert_eq!(greeted, ["First", "Friendly", "Third"], "{engine:?}");
    }
}

#[tokio::test]
async fn a_server_follows_what_it_hears_of() {
    for engine in ENGINES {
        let app = TestApp::new(engine, &modules()).await;
        let owner = app.owner().await;
        let running = scheduler::start(Arc::clone(&app.dispatcher));
        for name in ["One", "Two"] {
            company(&app, &owner, name).await;
            let greeted = async {
                while greetings(&app, &owner).await.last().map(String::as_str) != Some(name) {
                    sleep(Duration::from_millis(20)).await;
                }
            };
            timeout(HANG, greeted).await.expect("it is greeted");
        }
        running.stop().await;
    }
}
