//! What keeps calls apart: snapshots, connections of the app's own, limits of waiting.

use std::fs::File;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use bureau_companies::Company;
use bureau_kernel::admin::{self, NewMember};
use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::{Outcome, Settings};
use bureau_kernel::error::{Code, Error};
use bureau_kernel::prelude::{Cx, ShortText};
use bureau_kernel::search::{Found, Query, Readers, Words};
use bureau_kernel::store::clock::Clock;
use bureau_kernel::store::{Database, OpenOptions, Scope, Store, Tx, log, sql};
use bureau_kernel::testing::{ENGINES, Engine, TestApp};
use bureau_kernel::testing_postgres::superuser_of;
use futures::future::join_all;
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, PgConnection};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::MODULES;
use crate::campaign::HANG;

async fn count(tx: &mut Tx, table: &'static str) -> i64 {
    let count = sql("SELECT COUNT(*) AS count FROM ").sql(table);
    count.one("count", tx).await.unwrap()
}

/// A connection past Bureau, as the role that owns the tables.
async fn psql(app: &TestApp) -> PgConnection {
    let Database::Postgres(url) = &app.database else {
        panic!("a PostgreSQL database");
    };
    PgConnection::connect(url).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_statements_of_a_read_see_one_moment() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let store = &app.dispatcher.app().store;
        for scope in [Scope::System, Scope::Workspace(owner.workspace.id.raw())] {
            let mut tx = store.read(scope).await.unwrap();
            let before = count(&mut tx, "company").await;
            let company = json!({ "name": format!("Later {scope:?}") });
            app.ok(&owner, "create_company", company).await;
            assert_eq!(
                (
                    count(&mut tx, "company").await,
                    count(&mut tx, "stage").await > 0
                ),
                (before, true),
                "on {engine:?} in {scope:?}"
            );
            tx.rollback().await;
            let mut tx = store.read(scope).await.unwrap();
            assert_eq!(count(&mut tx, "company").await, before + 1);
            // Dropped instead of ended: the next one on its connection must not see an old moment either.
            drop(tx);
            app.ok(
                &owner,
                "create_company",
                json!({ "name": format!("Last {scope:?}") }),
            )
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
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let (key, _) = app.key(&["read_companies"]).await;
        let store = app.dispatcher.app().store.clone();
        app.ok(&owner, "create_company", json!({ "name": "Found" }))
            .await;
        let held = all_of_the_callers(&store, owner.workspace.id.raw()).await;
        let served = async {
            app.dispatcher.authenticate(&key, None).await.unwrap();
            admin::list_workspaces(&store).await.unwrap();
            let head = loop {
                let mut tx = store.read(Scope::System).await.unwrap();
                let sealed = sql("SELECT COUNT(*) AS count FROM change_log WHERE position IS NULL");
                let unsealed: i64 = sealed.one("count", &mut tx).await.unwrap();
                let workspace = owner.workspace.id.raw();
                let head = log::heads(&mut tx).await.unwrap().position(workspace);
                tx.rollback().await;
                if unsealed == 0 {
                    break head;
                }
            };
            let query = Query {
                workspace: owner.workspace.id.raw(),
                kinds: vec!["company"],
                readers: Readers::Teams(Vec::new()),
                text: "found".into(),
                filters: Vec::new(),
                limit: 1,
                offset: 0,
                at_least: head,
                words: Words::All,
            };
            let search = app.dispatcher.app().search.as_ref().unwrap();
            loop {
                if let Found::Hits { hits, .. } = search.find(query.clone()).await {
                    assert_eq!(hits.len(), 1, "on {engine:?}");
                    break;
                }
            }
        };
        timeout(HANG, served).await.expect("the server goes on");
        drop(held);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_for_a_locked_record_ends_before_the_call_does_and_says_so() {
    let settings = Settings {
        call_limit: Duration::from_secs(9),
        ..Settings::default()
    };
    let app = TestApp::with(Engine::Postgres, MODULES, settings).await;
    let owner = app.owner().await;
    let company = app
        .data(&owner, "create_company", json!({ "name": "Held" }))
        .await;
    let mut other = psql(&app).await;
    other
        .execute("BEGIN; SELECT 1 FROM company FOR UPDATE")
        .await
        .unwrap();
    let waiting = (0..6).map(|_| {
        let change = json!({ "company": company["id"], "name": "New" });
        app.error(&owner, "update_company", change)
    });
    let refused = join_all(waiting);
    for error in timeout(HANG, refused).await.expect("all are told") {
        assert_eq!(error.code(), Code::Unavailable, "{error:?}");
        assert!(error.retry_after_s().is_some(), "{error:?}");
        assert!(error.message().contains("nothing was written"), "{error:?}");
    }
    other.execute("ROLLBACK").await.unwrap();
    let change = json!({ "company": company["id"], "name": "New" });
    app.ok(&owner, "update_company", change).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_of_a_call_ends_with_it_and_one_of_the_house_takes_its_time() {
    let settings = Settings {
        call_limit: Duration::from_millis(100),
        ..Settings::default()
    };
    let app = TestApp::with(Engine::Postgres, MODULES, settings).await;
    let owner = app.owner().await;
    let store = &app.dispatcher.app().store;
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
    let app = TestApp::new(Engine::Postgres, MODULES).await;
    let owner = app.owner().await;
    let (key, _) = app.key(&["read_companies"]).await;
    let company = app
        .data(&owner, "create_company", json!({ "name": "Here" }))
        .await;
    let store = &app.dispatcher.app().store;
    // As many idle connections as there can be.
    drop(all_of_the_callers(store, owner.workspace.id.raw()).await);
    join_all((0..8).map(|_| app.data(&owner, "get_company", json!({ "company": company["id"] }))))
        .await;
    psql(&app)
        .await
        .execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await
        .unwrap();
    app.dispatcher.authenticate(&key, None).await.unwrap();
    let change = json!({ "company": company["id"], "name": "Still here" });
    app.ok(&owner, "update_company", change).await;
    let read = || app.data(&owner, "get_company", json!({ "company": company["id"] }));
    for company in join_all((0..8).map(|_| read())).await {
        assert_eq!(company["name"], "Still here");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_opens_no_more_connections_than_it_says() {
    let app = TestApp::new(Engine::Postgres, MODULES).await;
    let owner = app.owner().await;
    let company = app
        .data(&owner, "create_company", json!({ "name": "Busy" }))
        .await;
    let read = || app.data(&owner, "get_company", json!({ "company": company["id"] }));
    join_all((0..64).map(|_| read())).await;
    join_all((0..32).map(|_| admin::list_workspaces(&app.dispatcher.app().store))).await;
    let open: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .fetch_one(&mut psql(&app).await)
    .await
    .unwrap();
    let most = app.dispatcher.app().store.connections();
    assert!(open <= i64::from(most), "{open} of {most}");
}

/// Records that hold on to something deleted; there must be none.
async fn dangling(app: &TestApp) -> Vec<(String, &'static str)> {
    let owner = app.owner().await;
    let look = app
        .dispatcher
        .app()
        .read(&owner, async |cx| cx.dangling().await);
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

async fn delete(app: &TestApp, owner: &Caller, delete: &Delete) -> Result<(), Error> {
    match delete {
        Delete::Tool(tool, arguments) => match app.outcome(owner, tool, arguments.clone()).await {
            Outcome::Done(_) => Ok(()),
            Outcome::Failed(error) => Err(error),
            asked => panic!("{asked:?}"),
        },
        Delete::Member(who) => admin::remove_member(app.dispatcher.app(), "main", who, None)
            .await
            .map(drop),
    }
}

/// Every column by which one record refers to another, with the calls that write it and delete what it names.
async fn races(app: &TestApp, owner: &Caller) -> Vec<Race> {
    let id = async |tool: &str, arguments: Value| {
        let data = app.data(owner, tool, arguments).await;
        data["id"].as_str().unwrap().to_owned()
    };
    let company = async |name: &str| {
        id(
            "create_company",
            json!({ "name": format!("{name} {}", rand::random::<u64>()) }),
        )
        .await
    };
    let contact = async |name: &str| {
        id(
            "create_contact",
            json!({ "name": format!("{name} {}", rand::random::<u64>()) }),
        )
        .await
    };
    let deal = async |name: &str| id("create_deal", json!({ "name": name })).await;
    let member = async || {
        let new = NewMember {
            name: format!("Member {}", rand::random::<u64>()),
            ..NewMember::default()
        };
        let store = &app.dispatcher.app().store;
        admin::add_member(store, "main", new)
            .await
            .unwrap()
            .id
            .to_string()
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
        (
            "create_deal",
            json!({ "name": "Of a company", "company": one }),
        ),
        Delete::Tool("delete_company", gone("company", &one)),
    );
    let (one, heir) = (company("With an heir").await, company("Heir").await);
    race(
        "deal",
        (
            "create_deal",
            json!({ "name": "Inherited", "company": one }),
        ),
        Delete::Tool(
            "delete_company",
            json!({ "company": one, "reassign_to": heir, "confirm": true }),
        ),
    );
    let one = contact("Of a new deal").await;
    race(
        "deal",
        (
            "create_deal",
            json!({ "name": "With a contact", "contact": one }),
        ),
        Delete::Tool("delete_contact", gone("contact", &one)),
    );
    let one = member().await;
    race(
        "deal",
        (
            "create_deal",
            json!({ "name": "Of a member", "owner": one }),
        ),
        Delete::Member(one),
    );
    let (one, other) = (
        company("Of an old deal").await,
        deal("Changes company").await,
    );
    race(
        "deal",
        ("update_deal", json!({ "deal": other, "company": one })),
        Delete::Tool("delete_company", gone("company", &one)),
    );
    let one = member().await;
    let others = [deal("One of two").await, deal("Two of two").await];
    race(
        "deal",
        (
            "bulk_update_deals",
            json!({ "deals": others, "owner": one, "confirm": true }),
        ),
        Delete::Member(one),
    );
    let stages = json!([{ "name": "One" }, { "name": "Two" }]);
    let name = format!("Ways {}", rand::random::<u64>());
    let dispatcher = app
        .data(
            owner,
            "create_pipeline",
            json!({ "name": name, "stages": stages }),
        )
        .await;
    let stage = |index: usize| dispatcher["stages"][index]["id"].clone();
    let moved = json!({ "name": "Moves", "pipeline": dispatcher["id"], "stage": stage(0) });
    let moved = id("create_deal", moved).await;
    let kept = [0, 2, 3].map(|index| json!({ "stage": stage(index) }));
    race(
        "deal",
        ("update_deal", json!({ "deal": moved, "stage": stage(1) })),
        Delete::Tool(
            "update_pipeline",
            json!({ "pipeline": dispatcher["id"], "stages": kept, "confirm": true }),
        ),
    );
    let (one, other) = (contact("A chief").await, contact("A report").await);
    race(
        "contact",
        (
            "update_contact",
            json!({ "contact": other, "reports_to": one }),
        ),
        Delete::Tool("delete_contact", gone("contact", &one)),
    );
    let (buyer, one) = (company("Billed").await, deal("Billed").await);
    race(
        "invoice",
        (
            "create_invoice",
            json!({ "company": buyer, "deal": one, "lines": lines }),
        ),
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
    let deleted = app.ok(owner, "delete_deal", gone("deal", &back)).await;
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
    let app = TestApp::new(Engine::Postgres, MODULES).await;
    let owner = app.owner().await;
    let (mut gate, mut watch) = (psql(&app).await, psql(&app).await);
    for race in races(&app, &owner).await {
        let what = format!("{} × {}", race.refer.0, race.table);
        let lock = format!(
            "BEGIN; LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE",
            race.table
        );
        gate.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(lock)))
            .await
            .unwrap();
        let refer = app.outcome(&owner, race.refer.0, race.refer.1.clone());
        let deletion = delete(&app, &owner, &race.delete);
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
            let mut conn = psql(&app).await;
            while waiting(&mut conn).await == 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            deletion.await
        };
        let both = async { tokio::join!(refer, second, release) };
        let (refer, deletion, ()) = timeout(HANG, both).await.expect("both end");
        assert_eq!(dangling(&app).await, [], "{what}: {refer:?}, {deletion:?}");
        assert!(matches!(refer, Outcome::Done(_)), "{what}: {refer:?}");
        let inherits =
            matches!(&race.delete, Delete::Tool(_, of) if of.get("reassign_to").is_some());
        assert_eq!(deletion.is_ok(), inherits, "{what}: {deletion:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_references_and_deletions_at_once_none_leaves_a_reference_to_what_is_gone() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        for round in 0..4 {
            let races = races(&app, &owner).await;
            let both = races.iter().map(|race| async {
                let refer = app.outcome(&owner, race.refer.0, race.refer.1.clone());
                let deletion = delete(&app, &owner, &race.delete);
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
            assert_eq!(dangling(&app).await, [], "on {engine:?}");
        }
    }
}

fn failure(outcome: Outcome) -> Option<Error> {
    match outcome {
        Outcome::Failed(error) => Some(error),
        _ => None,
    }
}

/// A company that has been billed 119.00.
async fn billed(app: &TestApp, owner: &Caller) -> (Value, Value) {
    let company = json!({ "name": format!("Billed {}", rand::random::<u64>()) });
    let company = app.data(owner, "create_company", company).await["id"].clone();
    let lines = json!([{ "description": "Work", "unit_price": "100", "tax_rate": "19" }]);
    let invoice = json!({ "company": company, "lines": lines, "currency": "EUR" });
    let invoice = app.data(owner, "create_invoice", invoice).await["id"].clone();
    (company, invoice)
}

/// What becomes of the next commit of a caller.
const PASS: u8 = 0;
const CUT_AFTER: u8 = 1;
const CUT_BEFORE: u8 = 2;
const CUT_AFTER_AND_STAY_AWAY: u8 = 3;
const GONE: u8 = 4;

/// A way to the server on which commits get lost.
struct Proxy {
    mode: Arc<AtomicU8>,
    port: u16,
}

impl Proxy {
    async fn start(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mode = Arc::new(AtomicU8::new(PASS));
        let shared = Arc::clone(&mode);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if shared.load(SeqCst) != GONE {
                    tokio::spawn(carry(client, server, Arc::clone(&shared)));
                }
            }
        });
        Self { mode, port }
    }
}

async fn carry(mut client: TcpStream, server: u16, mode: Arc<AtomicU8>) {
    let mut server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
    let (mut to, mut from) = (vec![0; 65_536], vec![0; 65_536]);
    // The sealer commits as well, and is no caller.
    let mut is_caller = false;
    loop {
        if mode.load(SeqCst) == GONE {
            return;
        }
        tokio::select! {
            read = client.read(&mut to) => {
                if mode.load(SeqCst) == GONE {
                    return;
                }
                let sent = &to[..read.unwrap_or(0)];
                let says = |what: &[u8]| sent.windows(what.len()).any(|part| part == what);
                is_caller |= says(b"bureau_app");
                let commits = is_caller && says(b"COMMIT\0");
                let then = if commits { mode.load(SeqCst) } else { PASS };
                match then {
                    PASS => {}
                    CUT_AFTER_AND_STAY_AWAY => mode.store(GONE, SeqCst),
                    _ => mode.store(PASS, SeqCst),
                }
                if then != CUT_BEFORE && server.write_all(sent).await.is_err() {
                    return;
                }
                if then != PASS || sent.is_empty() {
                    // The server's answer is waited for, and lost.
                    if matches!(then, CUT_AFTER | CUT_AFTER_AND_STAY_AWAY) {
                        let _ = server.read(&mut from).await;
                    }
                    return;
                }
            }
            read = server.read(&mut from) => {
                let said = &from[..read.unwrap_or(0)];
                if said.is_empty() || client.write_all(said).await.is_err() {
                    return;
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_of_a_commit_whose_answer_was_lost_is_true() {
    let direct = TestApp::new(Engine::Postgres, MODULES).await;
    let owner = direct.owner().await;
    let Database::Postgres(url) = &direct.database else {
        panic!("a PostgreSQL database");
    };
    let (before, rest) = url.split_once("@127.0.0.1:").unwrap();
    let (port, name) = rest.split_once('/').unwrap();
    let proxy = Proxy::start(port.parse().unwrap()).await;
    let database = Database::Postgres(format!("{before}@127.0.0.1:{}/{name}", proxy.port));
    let folder = Arc::new(tempfile::TempDir::new().unwrap());
    let app = TestApp::at(database, folder, MODULES, Settings::default()).await;

    for lost in [CUT_AFTER, CUT_BEFORE] {
        let (company, invoice) = billed(&direct, &owner).await;
        let paid = json!({ "invoice": invoice, "amount": "50", "confirm": true });
        let calls = [
            (
                "issue_invoice",
                json!({ "invoice": invoice, "confirm": true }),
            ),
            ("record_payment", paid),
            ("create_deal", json!({ "name": "Once", "company": company })),
        ];
        for (tool, arguments) in calls {
            // Its connections are there, so that nothing but the commit gets lost.
            app.ok(&owner, "get_company", json!({ "company": company }))
                .await;
            proxy.mode.store(lost, SeqCst);
            let outcome = app.outcome(&owner, tool, arguments.clone()).await;
            assert_eq!(
                proxy.mode.load(SeqCst),
                PASS,
                "{tool} was meant to lose its commit"
            );
            if let Outcome::Failed(error) = outcome {
                assert_eq!(
                    (error.code(), lost),
                    (Code::Unavailable, CUT_BEFORE),
                    "{error:?}"
                );
                assert!(error.message().contains("nothing was written"), "{error:?}");
                // As the caller is told to.
                app.ok(&owner, tool, arguments).await;
            } else {
                assert_eq!(lost, CUT_AFTER, "{tool}: {outcome:?}");
            }
        }
        let invoice = direct
            .data(&owner, "get_invoice", json!({ "invoice": invoice }))
            .await;
        assert_eq!(
            (&invoice["amount_paid"], &invoice["balance_due"]),
            (&json!("50.00"), &json!("69.00")),
            "{invoice}"
        );
        let deals = direct
            .data(&owner, "list_deals", json!({ "company": company }))
            .await;
        assert_eq!(deals.as_array().unwrap().len(), 1, "{deals}");
    }

    // Nobody can be asked what became of it: then that is said, and the key tells.
    let company = json!({ "name": "Perhaps", "idempotency_key": "once" });
    proxy.mode.store(CUT_AFTER_AND_STAY_AWAY, SeqCst);
    let error = app.error(&owner, "create_company", company.clone()).await;
    assert_eq!(error.code(), Code::Unavailable, "{error:?}");
    assert_eq!(
        error.detail_value("written"),
        Some(&json!("unknown")),
        "{error:?}"
    );
    assert!(
        !error.to_string().contains("nothing was written"),
        "{error:?}"
    );
    proxy.mode.store(PASS, SeqCst);
    app.ok(&owner, "create_company", company).await;
    let found = json!({ "query": "Perhaps" });
    let found = direct.data(&owner, "search_companies", found).await;
    assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
}

/// An app of one file, whose writes do not wait long.
async fn impatient(wait: Duration) -> (TestApp, Store) {
    let app = TestApp::new(Engine::Sqlite, MODULES).await;
    let options = OpenOptions {
        write_wait: wait,
        ..OpenOptions::new(app.database.clone())
    };
    let store = Store::open(&options).await.unwrap();
    (app, store)
}

/// The file by which processes take turns.
fn turns(app: &TestApp) -> File {
    File::open(app.folder.path().join("bureau.sqlite-turns")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_hangs_with_the_turn_keeps_nobody_waiting_for_ever_and_readiness_tells() {
    let (app, store) = impatient(Duration::from_secs(3)).await;
    store.check_ready().await.unwrap();
    let hanging = turns(&app);
    hanging.lock().unwrap();
    // Those who give up meanwhile are not in the way of those who do not.
    for _ in 0..3 {
        let dropped = timeout(Duration::from_millis(20), store.write(Scope::System));
        assert!(dropped.await.is_err());
    }
    let writes = join_all((0..8).map(|_| store.write(Scope::System)));
    for outcome in timeout(HANG, writes).await.expect("the wait has an end") {
        let error = outcome.err().unwrap();
        assert_eq!(error.code(), Code::Unavailable, "{error:?}");
        assert!(error.retry_after_s().is_some(), "{error:?}");
    }
    let not_ready = async {
        while store.check_ready().await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(HANG, not_ready).await.expect("readiness tells");
    store.read(Scope::System).await.unwrap().rollback().await;
    hanging.unlock().unwrap();
    let tx = timeout(HANG, store.write(Scope::System))
        .await
        .unwrap()
        .unwrap();
    tx.commit().await.unwrap();
    let ready = async {
        while store.check_ready().await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(HANG, ready).await.expect("it is ready again");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_who_writes_without_taking_turns_is_waited_for_just_as_long() {
    let (app, store) = impatient(Duration::from_secs(1)).await;
    let Database::Sqlite(path) = &app.database else {
        panic!("a file");
    };
    let mut shell = sqlx::SqliteConnection::connect(path.to_str().unwrap())
        .await
        .unwrap();
    shell.execute("BEGIN IMMEDIATE").await.unwrap();
    let write = timeout(HANG, store.write(Scope::System));
    let error = write.await.expect("the wait has an end").err().unwrap();
    assert_eq!(error.code(), Code::Unavailable, "{error:?}");
    let (write, ()) = tokio::join!(store.write(Scope::System), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        shell.execute("ROLLBACK").await.unwrap();
    });
    write.unwrap().rollback().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_file_was_replaced_says_so_and_writes_nothing_to_the_old_one() {
    let app = TestApp::new(Engine::Sqlite, MODULES).await;
    let owner = app.owner().await;
    let store = app.dispatcher.app().store.clone();
    let Database::Sqlite(path) = &app.database else {
        panic!("a file");
    };
    let aside = path.with_extension("aside");
    std::fs::rename(path, &aside).unwrap();
    for replaced in [false, true] {
        if replaced {
            std::fs::copy(&aside, path).unwrap();
        }
        let company = json!({ "name": format!("Lost {replaced}") });
        let error = app.error(&owner, "create_company", company).await;
        assert_eq!(error.code(), Code::Unavailable, "{error:?}");
        assert!(error.message().contains("replaced or removed"), "{error:?}");
        let error = store.read(Scope::System).await.err().unwrap();
        assert_eq!(error.code(), Code::Unavailable, "{error:?}");
        assert!(store.check_ready().await.is_err());
    }
    std::fs::rename(&aside, path).unwrap();
    store.check_ready().await.unwrap();
    app.ok(&owner, "create_company", json!({ "name": "Kept" }))
        .await;
}

#[test]
fn first_starts_at_the_same_moment_all_succeed() {
    for round in 0..60 {
        let folder = tempfile::TempDir::new().unwrap();
        let start = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_bureau"));
            command.args(["workspace", "list", "--data-dir"]);
            command.arg(folder.path().join("new"));
            command.stdout(Stdio::null()).stderr(Stdio::piped());
            command.spawn().unwrap()
        };
        for started in [start(), start()] {
            let output = started.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "in round {round}: {said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn first_stores_at_the_same_moment_make_one_whole_database() {
    for engine in ENGINES {
        for _ in 0..5 {
            let folder = tempfile::TempDir::new().unwrap();
            let database = match engine {
                Engine::Sqlite => Database::Sqlite(folder.path().join("new/bureau.sqlite")),
                Engine::Postgres => {
                    Database::Postgres(bureau_kernel::testing_postgres::fresh_database().await)
                }
            };
            let start = async || {
                let options = OpenOptions::new(database.clone());
                let store = Store::open(&options).await.unwrap();
                admin::bootstrap(&store).await.unwrap();
                store
            };
            let stores = timeout(HANG, join_all((0..6).map(|_| start())))
                .await
                .unwrap();
            for store in stores {
                let mut tx = store.read(Scope::System).await.unwrap();
                assert_eq!(count(&mut tx, "workspace").await, 1, "on {engine:?}");
                tx.rollback().await;
                store.close().await;
            }
        }
    }
}

/// Identifiers that a store makes in one transaction.
async fn identifiers(store: &Store) -> Vec<i64> {
    let tx = store.write(Scope::System).await.unwrap();
    let ids = (0..200).map(|_| tx.next_id().unwrap()).collect();
    tx.rollback().await;
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn identifiers_of_two_processes_never_meet_however_many_started_between_them() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        // Both make theirs in one millisecond, in which nothing but the node tells them apart.
        let clock = Clock::at("2026-11-21T12:00:00Z".parse().unwrap());
        let options = OpenOptions {
            clock: clock.clone(),
            ..OpenOptions::new(app.database.clone())
        };
        let started = async |many: i64| {
            // That many do not start in one millisecond.
            clock.step(chrono::Duration::milliseconds(10));
            let counted = sql("UPDATE counter SET value = value + ").value(many);
            app.run(counted.sql(" WHERE name = 'node'")).await;
        };
        let long = Store::open(&options).await.unwrap();
        let mut ids = identifiers(&long).await;
        let rounds = if engine == Engine::Sqlite { 3 } else { 1 };
        for _ in 0..rounds {
            started(600).await;
            if engine == Engine::Postgres {
                // There a process looks every five seconds.
                tokio::time::sleep(Duration::from_millis(5_100)).await;
            }
            ids.extend(identifiers(&long).await);
            started(1_024 - 600 - 2).await;
            // One of the next would have the same node.
            for _ in 0..3 {
                let short = Store::open(&options).await.unwrap();
                ids.extend(identifiers(&short).await);
                ids.extend(identifiers(&long).await);
                short.close().await;
            }
        }
        let made = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), made, "on {engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_statement_that_failed_a_transaction_only_ends() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let store = &app.dispatcher.app().store;
        let mut tx = store.write(Scope::System).await.unwrap();
        let kept = sql("INSERT INTO counter (name, value) VALUES ('before', 1)");
        kept.run(&mut tx).await.unwrap();
        let twice = sql("INSERT INTO counter (name, value) VALUES ('before', 2)");
        let error = twice.run(&mut tx).await.unwrap_err();
        assert_eq!(error.code(), Code::Conflict, "on {engine:?}: {error:?}");
        let next = sql("SELECT 1 AS one").run(&mut tx).await.unwrap_err();
        assert_eq!(next.code(), Code::Internal, "on {engine:?}");
        assert_eq!(
            tx.commit().await.unwrap_err().code(),
            Code::Internal,
            "on {engine:?}"
        );
        let mut tx = store.read(Scope::System).await.unwrap();
        let left = sql("SELECT COUNT(*) AS count FROM counter WHERE name = 'before'");
        assert_eq!(
            left.one::<i64>("count", &mut tx).await.unwrap(),
            0,
            "on {engine:?}"
        );
        tx.rollback().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_new_default_pipelines_one_is_the_default() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let create = |number: usize| {
            let stages = json!([{ "name": "Open" }]);
            let dispatcher =
                json!({ "name": format!("Way {number}"), "stages": stages, "is_default": true });
            app.ok(&owner, "create_pipeline", dispatcher)
        };
        let made = timeout(HANG, join_all((0..8).map(create))).await.unwrap();
        let defaults = async || {
            let live = sql("SELECT is_default FROM pipeline WHERE archived_at IS NULL");
            let rows = app.rows(live).await;
            rows.iter()
                .filter(|row| row.get("is_default").unwrap())
                .count()
        };
        assert_eq!(defaults().await, 1, "on {engine:?}");
        // Taken back, the one before it is the default again.
        let last = app
            .ok(
                &owner,
                "create_pipeline",
                json!({ "name": "Last", "stages": [{ "name": "Open" }], "is_default": true }),
            )
            .await;
        app.ok(&owner, "undo_change", json!({ "change": last["change"] }))
            .await;
        assert_eq!(defaults().await, 1, "on {engine:?}");
        let other = &made[0]["data"]["id"];
        let other = json!({ "pipeline": other, "is_default": true });
        let moved = app.ok(&owner, "update_pipeline", other).await;
        if let Some(change) = moved.get("change") {
            app.ok(&owner, "undo_change", json!({ "change": change }))
                .await;
        }
        assert_eq!(defaults().await, 1, "on {engine:?}");
        let store = &app.dispatcher.app().store;
        let mut tx = store.write(Scope::System).await.unwrap();
        let all = sql("UPDATE pipeline SET is_default = ").value(true);
        let error = all.run(&mut tx).await.unwrap_err();
        assert_eq!(error.code(), Code::Conflict, "on {engine:?}: {error:?}");
        tx.rollback().await;
    }
}

/// What a run of the program says on stderr, under this limit of the size of any file.
fn said(limit: &str, arguments: &[&str]) -> String {
    let script = r#"trap "" XFSZ; exec prlimit --fsize="$0" "$@""#;
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script, limit, env!("CARGO_BIN_EXE_bureau")]);
    let output = command
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(!output.status.success(), "{arguments:?} was meant to fail");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_disk_without_room_is_named_as_what_is_wrong() {
    let folder = tempfile::TempDir::new().unwrap();
    let data = folder.path().join("data").display().to_string();
    let copy = folder.path().join("copy.sqlite").display().to_string();
    let start = ["workspace", "list", "--data-dir", &data];
    let mut command = Command::new(env!("CARGO_BIN_EXE_bureau"));
    assert!(command.args(start).output().unwrap().status.success());
    let backup = said("20000", &["backup", &copy, "--data-dir", &data]);
    assert!(
        backup.contains("The disk") && !backup.contains("migrated"),
        "{backup}"
    );
    let started = said("1000", &start);
    assert!(
        started.contains("no room") && started.contains("--read-only"),
        "{started}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_not_trusted_is_named_as_what_is_wrong() {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            // What a client asks first: may this be encrypted?
            let mut asked = [0; 8];
            client.read_exact(&mut asked).await.unwrap();
            client.write_all(b"S").await.unwrap();
            let _ = acceptor.accept(client).await;
        }
    });
    let url = format!("postgres://me:secret@127.0.0.1:{port}/x?sslmode=verify-full");
    let options = OpenOptions::new(Database::Postgres(url));
    let error = timeout(HANG, Store::open(&options))
        .await
        .unwrap()
        .err()
        .unwrap();
    assert_eq!(error.code(), Code::Unavailable, "{error:?}");
    assert!(
        error.message().contains("certificate that is not trusted"),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_a_member_that_loses_a_deadlock_is_done_again() {
    let app = TestApp::new(Engine::Postgres, MODULES).await;
    let owner = app.owner().await;
    let store = &app.dispatcher.app().store;
    for name in ["Ada", "Bob"] {
        let new = NewMember {
            name: name.into(),
            ..NewMember::default()
        };
        admin::add_member(store, "main", new).await.unwrap();
    }
    let members = admin::list_members(store, "main").await.unwrap();
    let ada = admin::find_member(&members, "Ada").unwrap().id;
    let contact = json!({ "name": "Hers", "owner": ada });
    app.ok(&owner, "create_contact", contact).await;
    // Another holds her record, and wants herself once the removal waits for the record: who waited first is the one that
    // PostgreSQL ends.
    let Database::Postgres(url) = &app.database else {
        panic!("a PostgreSQL database");
    };
    let mut other = PgConnection::connect_with(&superuser_of(url))
        .await
        .unwrap();
    other
        .execute("SET deadlock_timeout = '1h'; BEGIN; UPDATE contact SET title = 'Held' WHERE name = 'Hers'")
        .await
        .unwrap();
    let mut watch = psql(&app).await;
    let removal = admin::remove_member(app.dispatcher.app(), "main", "Ada", Some("Bob"));
    let circle = async {
        let waits = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        while sqlx::query_scalar::<_, i64>(waits)
            .fetch_one(&mut watch)
            .await
            .unwrap()
            == 0
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        other
            .execute("SELECT 1 FROM member WHERE name = 'Ada' FOR KEY SHARE; COMMIT")
            .await
            .unwrap();
    };
    let both = timeout(HANG, async { tokio::join!(removal, circle) });
    let (removed, ()) = both.await.expect("the circle is broken");
    assert_eq!(removed.unwrap().reassigned, 1);
    // The count of the database comes a moment later.
    let counted = async {
        let lost = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
        while sqlx::query_scalar::<_, i64>(lost)
            .fetch_one(&mut watch)
            .await
            .unwrap()
            == 0
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(HANG, counted).await.expect("there was a deadlock");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_call_has_to_prepare_is_done_while_it_holds_no_lock() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let made = app.data(&owner, "create_company", json!({ "name": "Wanted" }));
        let company = made.await["id"].clone();
        let id = company.as_str().unwrap().parse().unwrap();
        let (began, has_begun) = std::sync::mpsc::channel();
        let (go_on, may_end) = std::sync::mpsc::channel::<()>();
        let may_end = Arc::new(std::sync::Mutex::new(may_end));
        let runs = Arc::new(AtomicU8::new(0));
        let job = app.dispatcher.batch(&owner, "test").await.unwrap();
        let counted = Arc::clone(&runs);
        let part = async move |cx: &mut Cx| {
            let mut edit = cx.edit::<Company>(id).await?;
            edit.name = ShortText::new("Prepared").unwrap();
            edit.save(cx).await?;
            if counted.fetch_add(1, SeqCst) > 0 {
                return Ok(());
            }
            let (began, may_end) = (began.clone(), Arc::clone(&may_end));
            cx.prepare(move || {
                began.send(()).unwrap();
                may_end.lock().unwrap().recv().unwrap();
            })
            .await
        };
        let work = app.dispatcher.app().run_in(&job, part);
        let others = async {
            let begun = tokio::task::spawn_blocking(move || has_begun.recv());
            begun.await.unwrap().unwrap();
            let update = json!({ "company": company, "city": "Bremen" });
            app.ok(&owner, "update_company", update).await;
            go_on.send(()).unwrap();
        };
        let both = timeout(HANG, async { tokio::join!(work, others) });
        let (done, ()) = both.await.expect("nobody waits for it");
        done.unwrap();
        let company = json!({ "company": company });
        let company = app.data(&owner, "get_company", company).await;
        assert_eq!(
            (&company["name"], &company["city"], runs.load(SeqCst)),
            (&json!("Prepared"), &json!("Bremen"), 2),
            "on {engine:?}"
        );
    }
}
