//! A change log that somebody edited beside Bureau does not verify, and the first wrong row is named.

use bureau_kernel::store::Database;
use bureau_kernel::store::log::{Audit, verify};
use bureau_kernel::testing::{ENGINES, Engine, TestApp};
use serde_json::json;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, PgConnection, SqliteConnection};

use crate::campaign::sealed;

/// A connection beside Bureau's own, with nothing between it and the tables.
pub(crate) enum Raw {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Raw {
    pub(crate) async fn new(database: &Database) -> Self {
        match database {
            Database::Sqlite(path) => {
                let options = SqliteConnectOptions::new()
                    .filename(path)
                    .disable_statement_logging();
                Self::Sqlite(options.connect().await.unwrap())
            }
            Database::Postgres(url) => {
                let options: PgConnectOptions = url.parse().unwrap();
                Self::Postgres(options.disable_statement_logging().connect().await.unwrap())
            }
        }
    }

    /// Runs statements, all or none; answers how many rows they changed.
    pub(crate) async fn run(&mut self, text: &str) -> u64 {
        let text = format!("BEGIN; {text}; COMMIT");
        match self {
            Self::Sqlite(conn) => conn
                .execute(sqlx::raw_sql(AssertSqlSafe(text)))
                .await
                .unwrap()
                .rows_affected(),
            Self::Postgres(conn) => conn
                .execute(sqlx::raw_sql(AssertSqlSafe(text)))
                .await
                .unwrap()
                .rows_affected(),
        }
    }
}

/// The row that most of the changes below hit.
const ROW: i64 = 5;

/// What somebody could do to the log of the first workspace, and the first position that no longer holds. `Z` stands for 32 zero bytes.
const CHANGES: &[(&str, i64)] = &[
    // Any column of one row.
    ("UPDATE change_log SET call = call + 1 WHERE position = 5", ROW),
    ("UPDATE change_log SET id = id + 1000000 WHERE position = 5", ROW),
    ("UPDATE change_log SET workspace = (SELECT MAX(id) FROM workspace) WHERE position = 5", ROW),
    ("UPDATE change_log SET at = (SELECT MIN(at) FROM change_log) WHERE position = 5", ROW),
    ("UPDATE change_log SET member = NULL WHERE position = 5", ROW),
    ("UPDATE change_log SET api_key = 7 WHERE position = 5", ROW),
    ("UPDATE change_log SET client = 'someone else' WHERE position = 5", ROW),
    ("UPDATE change_log SET tool = 'delete_contact' WHERE position = 5", ROW),
    ("UPDATE change_log SET undoes = call WHERE position = 5", ROW),
    ("UPDATE change_log SET entity = 'member' WHERE position = 5", ROW),
    ("UPDATE change_log SET record = record + 1 WHERE position = 5", ROW),
    ("UPDATE change_log SET action = 'archive' WHERE position = 5", ROW),
    ("UPDATE change_log SET version = version + 1 WHERE position = 5", ROW),
    ("UPDATE change_log SET before = '{\"name\":\"Forged\"}' WHERE position = 5", ROW),
    ("UPDATE change_log SET after = '{\"name\":\"Forged\"}' WHERE position = 5", ROW),
    ("UPDATE change_log SET digest = Z WHERE position = 5", ROW),
    ("UPDATE change_log SET hash = Z WHERE position = 5", ROW),
    ("UPDATE change_log SET hash = NULL WHERE position = 5", ROW),
    // What the row says is emptied, as purging its record does, but the record was never purged.
    ("UPDATE change_log SET before = NULL, after = NULL WHERE position = 5", ROW),
    // The first of several wrong rows is named.
    ("UPDATE change_log SET tool = 'x' WHERE position IN (5, 6, 8)", ROW),
    // Rows are taken out.
    ("DELETE FROM change_log WHERE position = 5", ROW),
    ("DELETE FROM change_log WHERE position = 1", 1),
    ("DELETE FROM change_log WHERE position < 4", 1),
    // Also the newest ones, and all there are: where a log ends is known.
    ("DELETE FROM change_log WHERE position = 10", 10),
    ("DELETE FROM change_log WHERE position > 2", 3),
    ("DELETE FROM change_log WHERE workspace = (SELECT MIN(workspace) FROM change_log)", 1),
    ("DELETE FROM change_log WHERE workspace = (SELECT MAX(workspace) FROM change_log)", 1),
    ("DELETE FROM log_head WHERE workspace = (SELECT MAX(workspace) FROM log_head)", 3),
    ("UPDATE log_head SET position = position - 1 WHERE position = 10", 10),
    ("UPDATE log_head SET hash = Z WHERE position = 10", 11),
    // Rows are moved.
    (
        "UPDATE change_log SET position = -5 WHERE position = 5; UPDATE change_log SET position = 5 WHERE position = 6;
         UPDATE change_log SET position = 6 WHERE position = -5",
        ROW,
    ),
    ("UPDATE change_log SET position = 1000 WHERE position = 5", ROW),
    ("UPDATE change_log SET position = -position WHERE position = 5", ROW),
    // Positions are closed up after a row is taken out.
    (
        "DELETE FROM change_log WHERE position = 5; UPDATE change_log SET position = -position WHERE position > 5;
         UPDATE change_log SET position = -position - 1 WHERE position < 0",
        ROW,
    ),
    // A row is put in, at the end and between others.
    (
        "INSERT INTO change_log (id, call, workspace, at, tool, entity, record, action, version, after, digest, position, hash)
         SELECT id + 1000000, call, workspace, at, tool, entity, record, action, version, after, digest, 11, hash
         FROM change_log WHERE position = 10",
        11,
    ),
    (
        "UPDATE change_log SET position = -position WHERE position >= 5;
         UPDATE change_log SET position = 1 - position WHERE position < 0;
         INSERT INTO change_log (id, call, workspace, at, tool, entity, record, action, version, after, digest, position, hash)
         SELECT id + 1000000, call, workspace, at, tool, entity, record, action, version, after, digest, 5, hash
         FROM change_log WHERE position = 4",
        ROW,
    ),
    (
        "INSERT INTO change_log (id, call, workspace, at, tool, entity, record, action, version, after, digest, position, hash)
         SELECT id + 1000000, call, workspace, at, tool, entity, record, action, version, after, digest, -1, hash
         FROM change_log WHERE position = 4",
        11,
    ),
];

/// An app with 12 rows in its log: a workspace, its owner, a second workspace and owner, six contacts and two updates.
async fn with_history(engine: Engine) -> TestApp {
    let app = TestApp::new(engine, &[bureau_contacts::MODULE]).await;
    let owner = app.owner().await;
    app.tenant("second").await;
    for number in 0..6 {
        let name = format!("Person {number}");
        let made = app
            .ok(
                &owner,
                "create_contact",
                json!({ "name": name, "on_duplicate": "create" }),
            )
            .await;
        if number % 3 == 0 {
            let change =
                json!({ "contact": made["data"]["id"], "title": "Director", "city": "Lyon" });
            app.ok(&owner, "update_contact", change).await;
        }
    }
    sealed(&app.dispatcher.app().store).await;
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_to_the_log_is_found_at_the_first_row_that_it_breaks() {
    for engine in ENGINES {
        let app = with_history(engine).await;
        let store = &app.dispatcher.app().store;
        let whole = Audit {
            rows: 12,
            broken: None,
        };
        assert_eq!(verify(store).await.unwrap(), whole, "on {engine:?}");
        let mut raw = Raw::new(&app.database).await;
        raw.run("CREATE TABLE kept AS SELECT * FROM change_log; CREATE TABLE kept_heads AS SELECT * FROM log_head")
            .await;
        let zeros = match engine {
            Engine::Sqlite => "zeroblob(32)",
            Engine::Postgres => "decode(repeat('00', 32), 'hex')",
        };
        for (change, position) in CHANGES {
            raw.run(&change.replace('Z', zeros)).await;
            let audit = verify(store).await.unwrap();
            let found = audit.broken.as_ref().map(|broken| broken.position);
            assert_eq!(
                found,
                Some(*position),
                "on {engine:?}, after {change}: {audit:?}"
            );
            raw.run(
                "DELETE FROM change_log; INSERT INTO change_log SELECT * FROM kept;
                 DELETE FROM log_head; INSERT INTO log_head SELECT * FROM kept_heads",
            )
            .await;
            assert_eq!(
                verify(store).await.unwrap(),
                whole,
                "on {engine:?}, put right after {change}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_beside_the_chain_is_found() {
    // On PostgreSQL a row without a position is one that waits for the sealer; SQLite's rows are born sealed.
    let app = with_history(Engine::Sqlite).await;
    let store = &app.dispatcher.app().store;
    let mut raw = Raw::new(&app.database).await;
    let forged = "INSERT INTO change_log (id, call, workspace, at, tool, entity, record, action, version, after, digest)
                  SELECT id + 1000000, call, workspace, at, tool, entity, record, action, version, after, digest
                  FROM change_log WHERE position = 5";
    raw.run(forged).await;
    let audit = verify(store).await.unwrap();
    assert_eq!(audit.broken.map(|broken| broken.position), Some(11));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_with_a_purged_record_verifies_and_holds_nothing_of_it() {
    for engine in ENGINES {
        let app = with_history(engine).await;
        let owner = app.owner().await;
        let made = app
            .ok(
                &owner,
                "create_contact",
                json!({ "name": "Erasmus Vanishing" }),
            )
            .await;
        let contact = &made["data"]["id"];
        app.ok(
            &owner,
            "update_contact",
            json!({ "contact": contact, "city": "Nowhereville" }),
        )
        .await;
        app.ok(
            &owner,
            "delete_contact",
            json!({ "contact": contact, "purge": true, "confirm": true }),
        )
        .await;
        let store = &app.dispatcher.app().store;
        sealed(store).await;
        assert_eq!(
            verify(store).await.unwrap(),
            Audit {
                rows: 15,
                broken: None
            },
            "on {engine:?}"
        );
        // Emptied for good reason, and still not to be filled with something else.
        let mut raw = Raw::new(&app.database).await;
        raw.run("UPDATE change_log SET after = '{\"name\":\"Forged\"}' WHERE position = 11")
            .await;
        let broken = verify(store)
            .await
            .unwrap()
            .broken
            .map(|broken| broken.position);
        assert_eq!(broken, Some(11), "on {engine:?}");
    }
}
