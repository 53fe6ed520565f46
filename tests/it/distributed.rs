//! A database whose rows lie on several machines. `tests/citus/run.sh` starts a coordinator and two workers for this and for other
//! tests; where Citus is not installed, what such a database needs is tried on one machine.

use std::collections::BTreeSet;
use std::sync::Arc;

use bureau_kernel::dispatch::Settings;
use bureau_kernel::store::{Database, OpenOptions, Store, log};
use bureau_kernel::testing::{Engine, TestApp};
use bureau_kernel::testing_postgres::{
    fresh_database, is_cluster, migrated_database, superuser_of,
};
use serde_json::json;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::MODULES;
use crate::campaign::HANG;
use crate::cli::Home;

/// What the server itself asks all machines at once, and no call does.
const OF_ALL: &str = "SELECT DISTINCT workspace FROM change_log";

/// Whether there are several machines; says so where there are not.
fn left_out(what: &str) -> bool {
    if !is_cluster() {
        println!("left out, there is no cluster here: {what} (tests/citus/run.sh)");
    }
    !is_cluster()
}

async fn superuser(url: &str) -> PgConnection {
    superuser_of(url).connect().await.unwrap()
}

async fn run(conn: &mut PgConnection, text: &str) {
    let text = sqlx::raw_sql(AssertSqlSafe(text.to_owned()));
    conn.execute(text).await.unwrap();
}

/// What the server explained of the statements that came to a database, each with its text, since its log was so long.
async fn explained(conn: &mut PgConnection, url: &str, since: usize) -> (Vec<String>, usize) {
    let log: String = sqlx::query_scalar(
        "SELECT pg_read_file(regexp_replace(current_setting('data_directory'), '[^/]+$', 'log'))",
    )
    .fetch_one(conn)
    .await
    .unwrap();
    let (_, database) = url.rsplit_once('/').unwrap();
    let start = format!("{database} LOG:  duration: ");
    let mut plans: Vec<String> = Vec::new();
    let mut is_ours = false;
    for line in log[since..].lines() {
        if !line.starts_with('\t') {
            is_ours = line.starts_with(&start) && line.ends_with("plan:");
            if is_ours {
                plans.push(String::new());
            }
        } else if is_ours {
            let plan = plans.last_mut().unwrap();
            plan.push_str(line.trim_start());
            plan.push('\n');
        }
    }
    (plans, log.len())
}

/// The numbers or names that stand behind these words in a plan.
fn behind<'a>(plan: &'a str, word: &str) -> Vec<&'a str> {
    plan.split(word)
        .skip(1)
        .map(|rest| rest.split_whitespace().next().unwrap_or_default())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_a_workspace_touch_one_worker() {
    if left_out("calls of a workspace touch one worker") {
        return;
    }
    let url = migrated_database().await;
    let mut conn = superuser(&url).await;
    let (_, name) = url.rsplit_once('/').unwrap();
    // The server says of each statement of each session how it did it.
    for setting in [
        "session_preload_libraries = 'auto_explain'",
        "auto_explain.log_min_duration = 0",
    ] {
        run(&mut conn, &format!("ALTER DATABASE {name} SET {setting}")).await;
    }
    let folder = Arc::new(TempDir::new().unwrap());
    let database = Database::Postgres(url.clone());
    let app = TestApp::at(database, folder, MODULES, Settings::default()).await;
    let (_, since) = explained(&mut conn, &url, 0).await;
    // Whatever any tool does.
    let findings = app.run_examples().await;
    assert!(findings.is_empty(), "{}", findings.join("\n"));
    let (plans, _) = explained(&mut conn, &url, since).await;
    let mut workers = BTreeSet::new();
    let (mut tasks, mut elsewhere) = (0, BTreeSet::new());
    // Of what every machine has a copy of, any may be asked.
    let split: Vec<String> = sqlx::query_scalar(
        "SELECT logicalrelid::TEXT FROM pg_dist_partition WHERE partmethod = 'h'",
    )
    .fetch_all(&mut conn)
    .await
    .unwrap();
    let is_split = |plan: &str| {
        let mut words = plan.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        words.any(|word| split.iter().any(|table| table == word))
    };
    let own = format!("port={}", superuser_of(&url).get_port());
    for plan in &plans {
        let counts = behind(plan, "Task Count: ");
        let is_of_all = plan.contains(OF_ALL);
        if !is_of_all && counts.iter().any(|count| *count != "1") {
            elsewhere.insert(plan);
        }
        if !is_of_all {
            tasks += counts.len();
        }
        if !is_of_all && is_split(plan) {
            workers.extend(
                behind(plan, " port=")
                    .into_iter()
                    .map(|port| format!("port={port}")),
            );
        }
    }
    assert!(elsewhere.is_empty(), "on several machines: {elsewhere:#?}");
    workers.remove(&own);
    assert!(
        tasks > 1_000,
        "only {tasks} of {} statements were explained",
        plans.len()
    );
    assert_eq!(workers.len(), 1, "one workspace, but {workers:?}");
    let wrote = |what: &str| {
        let mut plans = plans.iter();
        plans.any(|plan| plan.contains(what) && plan.contains("Task Count: 1"))
    };
    for what in [
        "INSERT INTO contact",
        "UPDATE invoice",
        "INSERT INTO change_log",
        // What is arranged is written by the calls' own role too, with rights on some columns only.
        "UPDATE workspace",
        "INSERT INTO member",
        "UPDATE member",
        "INSERT INTO attribute_definition",
    ] {
        assert!(wrote(what), "no {what} was explained");
    }
}

/// Two workspaces with a record each.
async fn filled(app: &TestApp) {
    for slug in ["one", "two"] {
        let owner = app.tenant(slug).await;
        let company = json!({ "name": format!("Company of {slug}") });
        app.ok(&owner, "create_company", company).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_with_data_is_distributed_and_everything_goes_on() {
    if left_out("a database with data is distributed") {
        return;
    }
    // Roles belong to the whole server, and two that change one at a moment stumble: the others' database comes first.
    migrated_database().await;
    let url = fresh_database().await;
    let database = Database::Postgres(url.clone());
    let folder = Arc::new(TempDir::new().unwrap());
    let at = || {
        TestApp::at(
            database.clone(),
            Arc::clone(&folder),
            MODULES,
            Settings::default(),
        )
    };
    let app = at().await;
    filled(&app).await;
    let home = Home::new();
    let migrate = || home.run(["migrate", "--distribute", "--json", "--database", &url]);
    let busy = migrate();
    assert!(
        busy.code == 1 && busy.err.contains("Other processes"),
        "{}",
        busy.err
    );
    app.store().close().await;
    drop(app);

    let first = migrate().json();
    let moved = first
        .pointer("/distributed/moved")
        .unwrap()
        .as_array()
        .unwrap();
    assert!(
        moved.contains(&json!("change_log")) && moved.contains(&json!("member")),
        "{first}"
    );
    assert!(!moved.contains(&json!("log_head")), "{first}");
    assert_eq!(first.pointer("/distributed/workers"), Some(&json!(2)));
    let mut conn = superuser(&url).await;
    let left: i64 = sqlx::query_scalar("SELECT pg_relation_size('company')")
        .fetch_one(&mut conn)
        .await
        .unwrap();
    assert_eq!(left, 0, "the coordinator keeps rows that nobody sees");
    let again = migrate().json();
    assert_eq!(
        again.pointer("/distributed/moved"),
        Some(&json!([])),
        "{again}"
    );
    assert_eq!(
        again.pointer("/distributed/by_workspace"),
        first.pointer("/distributed/by_workspace")
    );

    let app = at().await;
    let owner = app.dispatcher.operator(Some("two")).await.unwrap();
    let found = app.data(&owner, "search_companies", json!({})).await;
    assert!(
        found.to_string().contains("Company of two")
            && !found.to_string().contains("Company of one"),
        "{found}"
    );
    app.ok(&owner, "create_company", json!({ "name": "Later" }))
        .await;
    app.store().close().await;
    drop(app);

    // What the tables are, the chains, the records and all else.
    let doctor = home.run(["doctor", "--json", "--database", &url]).json();
    assert_eq!(doctor.pointer("/ok"), Some(&json!(true)), "{doctor:#}");
    let file = home.path("all.backup").display().to_string();
    home.run(["backup", &file, "--database", &url]).done();
    let back = home.run(["restore", &file, "--replace", "--yes", "--database", &url]);
    assert_eq!(back.code, 0, "{}", back.err);
    let doctor = home.run(["doctor", "--json", "--database", &url]).json();
    assert_eq!(doctor.pointer("/ok"), Some(&json!(true)), "{doctor:#}");

    // A table that comes with a later version goes where the others are.
    let mut owner = PgConnection::connect(&url).await.unwrap();
    run(
        &mut owner,
        "CREATE TABLE later (id BIGINT NOT NULL, workspace BIGINT NOT NULL, company BIGINT, PRIMARY KEY (workspace, id));
         SELECT keep_in_workspace('later');
         ALTER TABLE later ADD FOREIGN KEY (workspace, company) REFERENCES company (workspace, id)",
    )
    .await;
    let with: bool = sqlx::query_scalar(
        "SELECT COUNT(DISTINCT colocationid) = 1 AND COUNT(*) = 2 FROM pg_dist_partition
         WHERE logicalrelid IN ('later'::REGCLASS, 'change_log'::REGCLASS)",
    )
    .fetch_one(&mut owner)
    .await
    .unwrap();
    assert!(with, "the later table lies elsewhere");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_is_no_server_to_work_with() {
    if left_out("a worker is refused") {
        return;
    }
    let url = migrated_database().await;
    let mut conn = superuser(&url).await;
    let port: i32 = sqlx::query_scalar("SELECT MAX(nodeport) FROM pg_dist_node WHERE groupid > 0")
        .fetch_one(&mut conn)
        .await
        .unwrap();
    let own = superuser_of(&url).get_port();
    let worker = Database::Postgres(url.replace(&format!(":{own}/"), &format!(":{port}/")));
    let error = Store::open(&OpenOptions::new(worker)).await.err().unwrap();
    assert!(error.message().contains("worker"), "{error:?}");
    assert!(
        error.hint_text().unwrap().contains("coordinator"),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_distributed_says_why_and_what_to_do() {
    let home = Home::new();
    let file = home.run(["migrate", "--distribute"]);
    assert_eq!(file.code, 2, "{}", file.err);
    assert!(
        file.err.contains("SQLite") && file.err.contains("backup"),
        "{}",
        file.err
    );
    let only_reads = home.run(["migrate", "--read-only"]);
    assert_eq!(only_reads.code, 2, "{}", only_reads.err);
    if is_cluster() {
        return;
    }
    let url = fresh_database().await;
    let plain = home.run(["migrate", "--distribute", "--database", &url]);
    assert_eq!(plain.code, 1, "{}", plain.err);
    assert!(
        plain.err.contains("no Citus") && plain.err.contains("CREATE EXTENSION"),
        "{}",
        plain.err
    );
    let mut conn = superuser(&url).await;
    let tables: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'")
            .fetch_one(&mut conn)
            .await
            .unwrap();
    assert_eq!(tables, 0, "nothing was changed");
    let done = home.run(["migrate", "--database", &url]).done();
    assert!(done.contains("tables of this version"), "{done}");
}

/// One machine that is used as if the rows lay on several.
#[tokio::test(flavor = "multi_thread")]
async fn what_several_machines_need_works_on_one_as_well() {
    let url = migrated_database().await;
    let mut conn = superuser(&url).await;
    let (_, name) = url.rsplit_once('/').unwrap();
    run(
        &mut conn,
        &format!("ALTER DATABASE {name} SET bureau.distributed = on"),
    )
    .await;
    let database = Database::Postgres(url.clone());
    let folder = Arc::new(TempDir::new().unwrap());
    let app = TestApp::at(database.clone(), folder, MODULES, Settings::default()).await;
    filled(&app).await;
    let owner = app.owner().await;
    let made = app
        .ok(&owner, "create_company", json!({ "name": "Third" }))
        .await;
    let taken_back = json!({ "change": made["change"] });
    app.ok(&owner, "undo_change", taken_back).await;
    let home = Home::new();
    let file = home.path("all.backup").display().to_string();
    home.run(["backup", &file, "--database", &url]).done();
    app.store().close().await;
    let store = Store::open(&OpenOptions::new(database)).await.unwrap();
    let audit = log::verify(&store).await.unwrap();
    assert!(audit.broken.is_none() && audit.rows > 4, "{audit:?}");
    store.close().await;
    let back = home.run(["restore", &file, "--replace", "--yes", "--database", &url]);
    assert_eq!(back.code, 0, "{}", back.err);
    let doctor = home.run(["doctor", "--json", "--database", &url]).json();
    assert_eq!(doctor.pointer("/ok"), Some(&json!(true)), "{doctor:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_refers_to_a_member_keeps_no_other_workspace_waiting() {
    if left_out("who refers to a member keeps no other workspace waiting") {
        return;
    }
    let app = TestApp::new(Engine::Postgres, MODULES).await;
    let owner = app.owner().await;
    let Database::Postgres(url) = &app.database else {
        panic!("a PostgreSQL database");
    };
    // Locks what every machine has a copy of, as nothing of ours does: it holds for all workspaces.
    let mut other = PgConnection::connect(url).await.unwrap();
    run(
        &mut other,
        "BEGIN; SELECT 1 FROM member WHERE workspace = 1 FOR KEY SHARE",
    )
    .await;
    let company = json!({ "name": "Mine", "owner": owner.member.to_string() });
    let made = timeout(HANG, app.ok(&owner, "create_company", company)).await;
    made.expect("the call waits for another workspace's");
    run(&mut other, "ROLLBACK").await;
}
