//! Reading from replicas: a caller finds whatever was acknowledged before it asked, wherever that is read.

use std::sync::Arc;
use std::time::Duration;

use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::Settings;
use bureau_kernel::error::Code;
use bureau_kernel::store::{Database, OpenOptions, Store};
use bureau_kernel::testing::TestApp;
use bureau_kernel::testing_postgres::{Postgres, fresh_database, migrated_database};
use serde_json::json;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use crate::MODULES;
use crate::campaign::HANG;

/// A server, the address of a database there, and a replica of the server.
async fn pair() -> (Postgres, String, Postgres) {
    let server = Postgres::start().unwrap();
    let url = server.migrated_database().await.unwrap();
    let replica = server.replica().unwrap();
    (server, url, replica)
}

fn options(url: &str, replicas: &[String]) -> OpenOptions {
    OpenOptions {
        replicas: replicas.iter().cloned().map(Database::Postgres).collect(),
        ..OpenOptions::new(Database::Postgres(url.to_owned()))
    }
}

async fn app(url: &str, replicas: &[String]) -> TestApp {
    let folder = Arc::new(TempDir::new().unwrap());
    TestApp::open(options(url, replicas), folder, MODULES, Settings::default()).await
}

/// Says something to a server, as its superuser.
async fn say(server: &Postgres, url: &str, text: &str) {
    let (_, database) = url.rsplit_once('/').unwrap();
    let mut conn = server.superuser(database).connect().await.unwrap();
    let text = sqlx::raw_sql(AssertSqlSafe(text.to_owned()));
    conn.execute(text).await.unwrap();
}

/// How many reads its replicas answered.
fn reads(app: &TestApp) -> u64 {
    app.store().replica_reads()
}

async fn create(app: &TestApp, caller: &Caller, name: &str) -> String {
    let made = app.ok(caller, "create_company", json!({ "name": name }));
    made.await["data"]["id"].as_str().unwrap().to_owned()
}

async fn name(app: &TestApp, caller: &Caller, id: &str) -> String {
    let company = app.data(caller, "get_company", json!({ "company": id }));
    company.await["name"].as_str().unwrap().to_owned()
}

/// Reads until a replica answers again.
async fn read_on_replica(app: &TestApp, caller: &Caller, id: &str) {
    let before = reads(app);
    let answered = async {
        while reads(app) == before {
            name(app, caller, id).await;
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(HANG, answered)
        .await
        .expect("the replica is read from again");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_through_one_server_is_read_through_another_on_a_replica() {
    let (_server, url, replica) = pair().await;
    let replicas = [replica.here(&url)];
    let (one, two) = (app(&url, &replicas).await, app(&url, &replicas).await);
    let (of_one, of_two) = (one.owner().await, two.owner().await);
    read_on_replica(&two, &of_two, &create(&one, &of_one, "First").await).await;
    for round in 0..100 {
        let named = format!("Round {round}");
        let id = create(&one, &of_one, &named).await;
        assert_eq!(name(&two, &of_two, &id).await, named);
        let other = json!({ "company": id, "name": format!("Again {round}") });
        two.ok(&of_two, "update_company", other).await;
        assert_eq!(name(&one, &of_one, &id).await, format!("Again {round}"));
    }
    // A search waits for the index, and then reads the records there.
    let found = one.ok(&of_one, "search_companies", json!({ "query": "Again 99" }));
    assert_eq!(found.await["data"][0]["name"], "Again 99");
    assert!(reads(&one) > 0, "the first server's callers too");
    assert!(reads(&two) > 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_replica_too_workspaces_are_apart_and_nothing_is_written() {
    let (_server, url, replica) = pair().await;
    let app = app(&url, &[replica.here(&url)]).await;
    let (owner, other) = (app.owner().await, app.tenant("other").await);
    let id = create(&app, &owner, "Ours").await;
    read_on_replica(&app, &owner, &id).await;
    let before = reads(&app);
    let hidden = app
        .error(&other, "get_company", json!({ "company": id }))
        .await;
    assert_eq!(hidden.code(), Code::NotFound);
    assert!(reads(&app) > before, "it was asked for on the replica");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_is_behind_is_read_from_when_it_is_near_again() {
    let (_server, url, replica) = pair().await;
    let app = app(&url, &[replica.here(&url)]).await;
    let owner = app.owner().await;
    read_on_replica(&app, &owner, &create(&app, &owner, "Before").await).await;
    say(&replica, &url, "SELECT pg_wal_replay_pause()").await;
    let id = create(&app, &owner, "Meanwhile").await;
    let before = reads(&app);
    for _ in 0..20 {
        assert_eq!(name(&app, &owner, &id).await, "Meanwhile");
    }
    assert_eq!(reads(&app), before, "it does not have the company");
    let state = app.store().replicas().await.remove(0);
    assert!(state.behind.unwrap() > 0);
    say(&replica, &url, "SELECT pg_wal_replay_resume()").await;
    read_on_replica(&app, &owner, &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_goes_away_is_not_missed_and_is_found_again() {
    let (_server, url, mut replica) = pair().await;
    let app = app(&url, &[replica.here(&url)]).await;
    let owner = app.owner().await;
    let id = create(&app, &owner, "Steady").await;
    for signal in ["KILL", "INT"] {
        read_on_replica(&app, &owner, &id).await;
        let (crashed, ()) = tokio::join!(
            tokio::task::spawn_blocking(move || {
                replica.crash(signal).unwrap();
                replica
            }),
            async {
                for _ in 0..100 {
                    assert_eq!(name(&app, &owner, &id).await, "Steady");
                    sleep(Duration::from_millis(5)).await;
                }
            }
        );
        replica = crashed.unwrap();
    }
    read_on_replica(&app, &owner, &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_became_a_server_is_not_read_from_nor_one_of_the_server_before() {
    let (_server, url, replica) = pair().await;
    let (promoted, left) = (replica.here(&url), _server.replica().unwrap());
    let left = left.here(&url);
    let app = app(&url, std::slice::from_ref(&promoted)).await;
    let owner = app.owner().await;
    let id = create(&app, &owner, "True").await;
    read_on_replica(&app, &owner, &id).await;
    say(&replica, &url, "SELECT pg_promote()").await;
    say(&replica, &url, "UPDATE company SET name = 'False'").await;
    for _ in 0..20 {
        assert_eq!(name(&app, &owner, &id).await, "True");
    }
    let state = app.store().replicas().await.remove(0);
    assert_eq!(state.behind.unwrap_err(), "it follows nobody");
    // It takes the server's place: whoever still follows the old one may have what the new one never had.
    let moved = self::app(&promoted, &[left]).await;
    let owner = moved.owner().await;
    assert_eq!(name(&moved, &owner, &id).await, "False");
    assert_eq!(reads(&moved), 0);
    let state = moved.store().replicas().await.remove(0);
    assert!(state.behind.unwrap_err().contains("was replaced"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_replica_of_the_database_is_refused() {
    let (server, url, replica) = pair().await;
    let refused = async |options: OpenOptions| {
        let error = Store::open(&options).await.err().expect("it is refused");
        assert_eq!(error.field_name(), Some("replicas"), "{error}");
        error.to_string()
    };
    let itself = refused(options(&url, std::slice::from_ref(&url))).await;
    assert!(itself.contains("follows nobody"), "{itself}");
    let other = refused(options(&migrated_database().await, &[replica.here(&url)])).await;
    assert!(other.contains("copy of another database"), "{other}");
    let beside = server.migrated_database().await.unwrap();
    let beside = refused(options(&beside, &[replica.here(&url)])).await;
    assert!(beside.contains("copy of another database"), "{beside}");
    let file = OpenOptions {
        replicas: vec![Database::Sqlite("copy.sqlite".into())],
        ..OpenOptions::new(Database::Postgres(fresh_database().await))
    };
    assert!(refused(file).await.contains("a PostgreSQL server"));
    // Acknowledged before it is on disk, a write might not be on its way to the replica yet.
    let (_, database) = url.rsplit_once('/').unwrap();
    let late = format!("ALTER DATABASE {database} SET synchronous_commit = off");
    say(&server, &url, &late).await;
    let late = refused(options(&url, &[replica.here(&url)])).await;
    assert!(late.contains("synchronous_commit"), "{late}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_starts_without_a_replica_that_is_not_there() {
    let (_server, url, mut replica) = pair().await;
    let nobody = "postgres://bureau@127.0.0.1:9/bureau".to_owned();
    let app = app(&url, &[nobody, replica.here(&url)]).await;
    let owner = app.owner().await;
    let id = create(&app, &owner, "There").await;
    read_on_replica(&app, &owner, &id).await;
    replica.crash("KILL").unwrap();
    assert_eq!(name(&app, &owner, &id).await, "There");
}
