//! What keeps calls apart: snapshots, connections of the house's own, limits of waiting.

use std::time::Duration;

use bureau_kernel::admin::{self, NewMember};
use bureau_kernel::caller::Caller;
use bureau_kernel::error::{Code, Error};
use bureau_kernel::pipeline::{Outcome, Settings};
use bureau_kernel::search::{Found, Query};
use bureau_kernel::store::{Database, Scope, Store, Tx, sql};
use bureau_kernel::testing::{ENGINES, Engine, House};
use futures::future::join_all;
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::time::timeout;

use crate::MODULES;
use crate::campaign::HANG;

async fn count(tx: &mut Tx, table: &'static str) -> i64 {
    let count = sql("SELECT COUNT(*) AS count FROM ").sql(table);
    count.one("count", tx).await.unwrap()
}

/// A connection past Bureau, as the role that owns the tables.
async fn psql(house: &House) -> PgConnection {
    let Database::Postgres(url) = &house.database else {
        panic!("a PostgreSQL database");
    };
    PgConnection::connect(url).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_statements_of_a_read_see_one_moment() {
    for engine in ENGINES {
        let house = House::new(engine, MODULES).await;
        let owner = house.owner().await;
        let store = &house.pipeline.house().store;
        for scope in [
            Scope::System,
            Scope::Workspace(owner.workspace.id.raw()),
        ] {
            let mut tx = store.read(scope).await.unwrap();
            let before = count(&mut tx, "company").await;
            let company = json!({ "name": format!("Later {scope:?}") });
            house.ok(&owner, "create_company", company).await;
            assert_eq!(
                (count(&mut tx, "company").await, count(&mut tx, "stage").await > 0),
                (before, true),
                "on {engine:?} in {scope:?}"
            );
            tx.rollback().await;
            let mut tx = store.read(scope).await.unwrap();
            assert_eq!(count(&mut tx, "company").await, before + 1);
            // Dropped instead of ended: the next one on its connection must not see an old moment either.
            drop(tx);
            house
                .ok(&owner, "create_company", json!({ "name": format!("Last {scope:?}") }))
                .await;
            for _ in 0..20 {
                let mut tx = store.read(scope).await.unwrap();
                assert_eq!(count(&mut tx, "company").await, before + 2);
                tx.rollback().await;
            }
        }
    }
}

/// Takes every connection that callers share.
async fn all_of_the_callers(store: &Store, workspace: i64) -> Vec<Tx> {
    let mut held = Vec::new();
    for _ in 0..bureau_kernel::store::CONNECTIONS {
        let mut tx = store.read(Scope::Workspace(workspace)).await.unwrap();
        count(&mut tx, "company").await;
        held.push(tx);
    }
    held
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_readiness_sealing_and_the_index_need_no_connection_of_the_callers() {
    for engine in ENGINES {
        let house = House::new(engine, MODULES).await;
        let owner = house.owner().await;
        let (key, _) = house.key(&["read_companies"]).await;
        let store = house.pipeline.house().store.clone();
        house.ok(&owner, "create_company", json!({ "name": "Found" })).await;
        let held = all_of_the_callers(&store, owner.workspace.id.raw()).await;
        let served = async {
            house.pipeline.authenticate(&key, None).await.unwrap();
            admin::list_workspaces(&store).await.unwrap();
            let head = loop {
                let mut tx = store.read(Scope::System).await.unwrap();
                let sealed = sql("SELECT COUNT(*) AS count FROM change_log WHERE position IS NULL");
                let unsealed: i64 = sealed.one("count", &mut tx).await.unwrap();
                let head = count(&mut tx, "change_log").await;
                tx.rollback().await;
                if unsealed == 0 {
                    break head;
                }
            };
            let query = Query {
                workspace: owner.workspace.id.raw(),
                kinds: vec!["company"],
                text: "found".into(),
                filters: Vec::new(),
                limit: 1,
                offset: 0,
                at_least: head,
            };
            let search = house.pipeline.house().search.as_ref().unwrap();
            loop {
                if let Found::Hits { hits, .. } = search.find(query.clone()).await {
                    assert_eq!(hits.len(), 1, "on {engine:?}");
                    break;
                }
            }
        };
        timeout(HANG, served).await.expect("the house goes on");
        drop(held);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_for_a_locked_record_ends_before_the_call_does_and_says_so() {
    let settings = Settings {
        call_limit: Duration::from_secs(3),
        ..Settings::default()
    };
    let house = House::with(Engine::Postgres, MODULES, settings).await;
    let owner = house.owner().await;
    let company = house
        .data(&owner, "create_company", json!({ "name": "Held" }))
        .await;
    let mut other = psql(&house).await;
    other
        .execute("BEGIN; SELECT 1 FROM company FOR UPDATE")
        .await
        .unwrap();
    let waiting = (0..12).map(|_| {
        let change = json!({ "company": company["id"], "name": "New" });
        house.error(&owner, "update_company", change)
    });
    let refused = join_all(waiting);
    for error in timeout(HANG, refused).await.expect("all are told") {
        assert_eq!(error.code(), Code::Unavailable, "{error:?}");
        assert!(error.retry_after_s().is_some(), "{error:?}");
        assert!(error.message().contains("nothing was written"), "{error:?}");
    }
    other.execute("ROLLBACK").await.unwrap();
    let change = json!({ "company": company["id"], "name": "New" });
    house.ok(&owner, "update_company", change).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_of_a_call_ends_with_it_and_one_of_the_house_takes_its_time() {
    let settings = Settings {
        call_limit: Duration::from_millis(100),
        ..Settings::default()
    };
    let house = House::with(Engine::Postgres, MODULES, settings).await;
    let owner = house.owner().await;
    let store = &house.pipeline.house().store;
    let scope = Scope::Workspace(owner.workspace.id.raw());
    let mut tx = store.read(scope).await.unwrap();
    let slow = sql("SELECT 1 AS one FROM pg_sleep(600)").rows(&mut tx);
    let error = timeout(HANG, slow).await.expect("it ends").err().unwrap();
    assert_eq!(error.code(), Code::Unavailable, "{error:?}");
    tx.rollback().await;
    let mut tx = store.read(Scope::System).await.unwrap();
    let limit = sql("SELECT current_setting('statement_timeout') AS value");
    assert_eq!(limit.one::<String>("value", &mut tx).await.unwrap(), "0");
    tx.rollback().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_idle_connections_were_cut_the_first_calls_succeed() {
    let house = House::new(Engine::Postgres, MODULES).await;
    let owner = house.owner().await;
    let (key, _) = house.key(&["read_companies"]).await;
    let company = house
        .data(&owner, "create_company", json!({ "name": "Here" }))
        .await;
    let store = &house.pipeline.house().store;
    // As many idle connections as there can be.
    drop(all_of_the_callers(store, owner.workspace.id.raw()).await);
    join_all((0..8).map(|_| house.data(&owner, "get_company", json!({ "company": company["id"] })))).await;
    psql(&house)
        .await
        .execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await
        .unwrap();
    house.pipeline.authenticate(&key, None).await.unwrap();
    let change = json!({ "company": company["id"], "name": "Still here" });
    house.ok(&owner, "update_company", change).await;
    let read = || house.data(&owner, "get_company", json!({ "company": company["id"] }));
    for company in join_all((0..8).map(|_| read())).await {
        assert_eq!(company["name"], "Still here");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_opens_no_more_connections_than_it_says() {
    let house = House::new(Engine::Postgres, MODULES).await;
    let owner = house.owner().await;
    let company = house
        .data(&owner, "create_company", json!({ "name": "Busy" }))
        .await;
    let read = || house.data(&owner, "get_company", json!({ "company": company["id"] }));
    join_all((0..64).map(|_| read())).await;
    join_all((0..32).map(|_| admin::list_workspaces(&house.pipeline.house().store))).await;
    let open: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .fetch_one(&mut psql(&house).await)
    .await
    .unwrap();
    let most = house.pipeline.house().store.connections();
    assert!(open <= i64::from(most), "{open} of {most}");
}

/// Records that hold on to something deleted; there must be none.
async fn dangling(house: &House) -> Vec<(String, &'static str)> {
    let owner = house.owner().await;
    let look = house.pipeline.look(&owner, async |cx| cx.dangling().await);
    look.await.unwrap()
}

/// Two calls at once: one that refers to something, and one that deletes it.
struct Race {
    refer: (&'static str, Value),
    delete: Delete,
    /// The table whose rows the first one writes, past its check of what it refers to.
    table: &'static str,
}

enum Delete {
    Tool(&'static str, Value),
    Member(String),
}

async fn delete(house: &House, owner: &Caller, delete: &Delete) -> Result<(), Error> {
    match delete {
        Delete::Tool(tool, arguments) => {
            match house.outcome(owner, tool, arguments.clone()).await {
                Outcome::Done(_) => Ok(()),
                Outcome::Failed(error) => Err(error),
                asked => panic!("{asked:?}"),
            }
        }
        Delete::Member(who) => admin::remove_member(house.pipeline.house(), "main", who, None)
            .await
            .map(drop),
    }
}

/// Every column by which one record refers to another, with the calls that write it and delete what it names.
async fn races(house: &House, owner: &Caller) -> Vec<Race> {
    let id = async |tool: &str, arguments: Value| {
        let data = house.data(owner, tool, arguments).await;
        data["id"].as_str().unwrap().to_owned()
    };
    let company = async |name: &str| {
        id("create_company", json!({ "name": format!("{name} {}", rand::random::<u64>()) })).await
    };
    let contact = async |name: &str| {
        id("create_contact", json!({ "name": format!("{name} {}", rand::random::<u64>()) })).await
    };
    let deal = async |name: &str| id("create_deal", json!({ "name": name })).await;
    let member = async || {
        let new = NewMember {
            name: format!("Member {}", rand::random::<u64>()),
            ..NewMember::default()
        };
        let store = &house.pipeline.house().store;
        admin::add_member(store, "main", new).await.unwrap().id.to_string()
    };
    let gone = |what: &str, id: &str| json!({ what: id, "confirm": true });
    let lines = json!([{ "description": "Work", "unit_price": "10", "tax_rate": "19" }]);
    let mut races = Vec::new();
    let mut race = |table, refer, delete| {
        races.push(Race {
            refer,
            delete,
            table,
        });
    };

    let one = company("Of a new deal").await;
    race(
        "deal",
        ("create_deal", json!({ "name": "Of a company", "company": one })),
        Delete::Tool("delete_company", gone("company", &one)),
    );
    let (one, heir) = (company("With an heir").await, company("Heir").await);
    race(
        "deal",
        ("create_deal", json!({ "name": "Inherited", "company": one })),
        Delete::Tool(
            "delete_company",
            json!({ "company": one, "reassign_to": heir, "confirm": true }),
        ),
    );
    let one = contact("Of a new deal").await;
    race(
        "deal",
        ("create_deal", json!({ "name": "With a contact", "contact": one })),
        Delete::Tool("delete_contact", gone("contact", &one)),
    );
    let one = member().await;
    race(
        "deal",
        ("create_deal", json!({ "name": "Of a member", "owner": one })),
        Delete::Member(one),
    );
    let (one, other) = (company("Of an old deal").await, deal("Changes company").await);
    race(
        "deal",
        ("update_deal", json!({ "deal": other, "company": one })),
        Delete::Tool("delete_company", gone("company", &one)),
    );
    let one = member().await;
    let others = [deal("One of two").await, deal("Two of two").await];
    race(
        "deal",
        ("bulk_update_deals", json!({ "deals": others, "owner": one, "confirm": true })),
        Delete::Member(one),
    );
    let stages = json!([{ "name": "One" }, { "name": "Two" }]);
    let name = format!("Ways {}", rand::random::<u64>());
    let pipeline = house
        .data(owner, "create_pipeline", json!({ "name": name, "stages": stages }))
        .await;
    let stage = |index: usize| pipeline["stages"][index]["id"].clone();
    let moved = json!({ "name": "Moves", "pipeline": pipeline["id"], "stage": stage(0) });
    let moved = id("create_deal", moved).await;
    let kept = [0, 2, 3].map(|index| json!({ "stage": stage(index) }));
    race(
        "deal",
        ("update_deal", json!({ "deal": moved, "stage": stage(1) })),
        Delete::Tool(
            "update_pipeline",
            json!({ "pipeline": pipeline["id"], "stages": kept }),
        ),
    );
    let (one, other) = (contact("A chief").await, contact("A report").await);
    race(
        "contact",
        ("update_contact", json!({ "contact": other, "reports_to": one })),
        Delete::Tool("delete_contact", gone("contact", &one)),
    );
    let (buyer, one) = (company("Billed").await, deal("Billed").await);
    race(
        "invoice",
        ("create_invoice", json!({ "company": buyer, "deal": one, "lines": lines })),
        Delete::Tool("delete_deal", gone("deal", &one)),
    );
    let (buyer, one) = (company("Offered").await, deal("Offered").await);
    race(
        "quotation",
        (
            "create_quotation",
            json!({ "title": "Offer", "company": buyer, "deal": one, "lines": lines }),
        ),
        Delete::Tool("delete_deal", gone("deal", &one)),
    );
    // An undo looks at what its records hold on to in the end, before its rows of the log are written.
    let one = company("Of an undone deletion").await;
    let back = id("create_deal", json!({ "name": "Back", "company": one })).await;
    let deleted = house.ok(owner, "delete_deal", gone("deal", &back)).await;
    race(
        "change_log",
        ("undo_change", json!({ "change": deleted["change"] })),
        Delete::Tool("delete_company", gone("company", &one)),
    );
    races
}

/// How many locks somebody waits for.
async fn waiting(conn: &mut PgConnection) -> i64 {
    sqlx::query_scalar("SELECT COUNT(*) FROM pg_locks WHERE NOT granted")
        .fetch_one(conn)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_being_referred_to_is_not_deleted_meanwhile() {
    let house = House::new(Engine::Postgres, MODULES).await;
    let owner = house.owner().await;
    let (mut gate, mut watch) = (psql(&house).await, psql(&house).await);
    for race in races(&house, &owner).await {
        let what = format!("{} × {}", race.refer.0, race.table);
        let lock = format!("BEGIN; LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", race.table);
        gate.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(lock))).await.unwrap();
        let refer = house.outcome(&owner, race.refer.0, race.refer.1.clone());
        let deletion = delete(&house, &owner, &race.delete);
        let release = async {
            // Both have gone as far as they can: the first one waits, and so does the other, or it is done.
            for _ in 0..500 {
                if waiting(&mut watch).await >= 2 {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            gate.execute("ROLLBACK").await.unwrap();
        };
        let second = async {
            let mut conn = psql(&house).await;
            while waiting(&mut conn).await == 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            deletion.await
        };
        let both = async { tokio::join!(refer, second, release) };
        let (refer, deletion, ()) = timeout(HANG, both).await.expect("both end");
        assert_eq!(dangling(&house).await, [], "{what}: {refer:?}, {deletion:?}");
        assert!(matches!(refer, Outcome::Done(_)), "{what}: {refer:?}");
        let inherits = matches!(&race.delete, Delete::Tool(_, of) if of.get("reassign_to").is_some());
        assert_eq!(deletion.is_ok(), inherits, "{what}: {deletion:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_references_and_deletions_at_once_none_leaves_a_reference_to_what_is_gone() {
    for engine in ENGINES {
        let house = House::new(engine, MODULES).await;
        let owner = house.owner().await;
        for round in 0..4 {
            let races = races(&house, &owner).await;
            let both = races.iter().map(|race| async {
                let refer = house.outcome(&owner, race.refer.0, race.refer.1.clone());
                let deletion = delete(&house, &owner, &race.delete);
                let (refer, deletion) = if round % 2 == 0 {
                    tokio::join!(refer, deletion)
                } else {
                    let (deletion, refer) = tokio::join!(deletion, refer);
                    (refer, deletion)
                };
                for error in [deletion.err(), failure(refer)].into_iter().flatten() {
                    let code = error.code();
                    let clear = matches!(code, Code::Conflict | Code::NotFound);
                    assert!(clear, "on {engine:?}, {}: {error:?}", race.refer.0);
                }
            });
            timeout(HANG, join_all(both)).await.expect("all end");
            assert_eq!(dangling(&house).await, [], "on {engine:?}");
        }
    }
}

fn failure(outcome: Outcome) -> Option<Error> {
    match outcome {
        Outcome::Failed(error) => Some(error),
        _ => None,
    }
}
