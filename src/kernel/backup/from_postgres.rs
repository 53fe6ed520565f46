//! Copying everything out of a PostgreSQL database while others write to it.

use std::time::Duration;

use futures::TryStreamExt as _;
use sqlx::postgres::PgRow;
use sqlx::{
    AssertSqlSafe, Connection as _, PgConnection, Row as _, SqlSafeStr as _, SqliteConnection,
};

use super::schema::{self, Column, Table, quoted};
use super::{Counts, run};
use crate::error::{Code, Error, Result};
use crate::store::profile::REACHING;
use crate::store::{Database, Engine, LOG_GATE, OpenOptions, Store, fault, migrate, postgres};
use crate::watch::Watch;

/// How a column's values travel between the engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A whole number on both sides.
    Whole,
    /// A floating-point number on both sides.
    Real,
    /// Text on both sides.
    Text,
    /// Bytes on both sides.
    Bytes,
    /// A truth value; 0 or 1 in SQLite.
    Truth,
    /// A moment; microseconds of the epoch in SQLite.
    Time,
    /// A day; its ISO form in SQLite.
    Day,
    /// JSON; text in SQLite.
    Json,
}

impl Form {
    /// The form of a PostgreSQL column.
    pub(super) fn of(table: &Table, column: &Column) -> Result<Self> {
        Ok(match column.kind.as_str() {
            "bigint" | "integer" | "smallint" => Self::Whole,
            "double precision" => Self::Real,
            "text" | "character varying" => Self::Text,
            "bytea" => Self::Bytes,
            "boolean" => Self::Truth,
            "timestamp with time zone" => Self::Time,
            "date" => Self::Day,
            "jsonb" | "json" => Self::Json,
            _ => return Err(schema::differs(&table.name, &column.name)),
        })
    }

    /// The expression that reads it as SQLite keeps it.
    fn read(self, name: &str) -> String {
        let name = quoted(name);
        match self {
            Self::Whole => format!("{name}::BIGINT"),
            Self::Truth => format!("{name}::INT::BIGINT"),
            Self::Real | Self::Bytes => name,
            Self::Text | Self::Day | Self::Json => format!("{name}::TEXT"),
            // A NUMERIC, so not a microsecond is lost.
            Self::Time => format!("(EXTRACT(EPOCH FROM {name}) * 1000000)::BIGINT"),
        }
    }

    /// The placeholder that writes it to SQLite. `json()` takes out the spaces that JSONB shows and leaves the rest.
    fn write(self, number: usize) -> String {
        match self {
            Self::Json => format!("json(${number})"),
            _ => format!("${number}"),
        }
    }
}

/// Runs a statement whose text holds no input, only names that the schema itself says.
pub(super) async fn run_there(conn: &mut PgConnection, text: String) -> Result<()> {
    let text = sqlx::raw_sql(AssertSqlSafe(text));
    text.execute(conn).await.map(|_| ()).map_err(refused)
}

/// What the server says to a user that does not own the tables, or of a lock that others have, in clear.
fn refused(error: sqlx::Error) -> Error {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    match code.as_deref() {
        Some("42501") => Error::new(
            Code::Unavailable,
            "The PostgreSQL server does not let this user see or replace everything.",
        )
        .hint("Connect as the user that owns Bureau's tables; nothing was changed.")
        .cause(error),
        Some("55P03") => Error::new(
            Code::Unavailable,
            "Other calls on the database take too long; nothing was changed.",
        )
        .hint("Try again when they are done.")
        .retry_after(1)
        .cause(error),
        _ => fault::translate(error),
    }
}

/// What both a backup and a restore need of their transaction: dates in ISO form, as much time as it takes, and an error
/// instead of missing rows should a policy of row-level security hold for this user.
pub(super) const SETTINGS: &str = "SET LOCAL row_security = off; SET LOCAL DateStyle = 'ISO'; SET LOCAL TIME ZONE 'UTC'; \
    SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = '30s'";

/// Holds back whoever adds to the change log: its rows refer to their workspace.
const GATE: &str =
    "BEGIN; SET LOCAL lock_timeout = '500ms'; LOCK TABLE workspace IN EXCLUSIVE MODE";
/// On several machines the snapshot is one of each: all that is read of it comes over one connection.
const ONE_SNAPSHOT: &str = "SET LOCAL citus.max_adaptive_executor_pool_size = 1";
/// How often that is tried, and the pause in which calls go on.
const TRIES: usize = 120;
const PAUSE: Duration = Duration::from_millis(500);

/// Copies all tables to the file, which has the same tables and no rows.
pub(super) async fn copy(
    url: &str,
    file: &mut SqliteConnection,
    tables: &[Table],
    watch: &dyn Watch,
) -> Result<Counts> {
    // Refuses an older or newer database and leaves it as it is.
    let options = OpenOptions {
        read_only: true,
        connections: 2,
        ..OpenOptions::new(Database::Postgres(url.to_owned()))
    };
    Store::open(&options).await?.close().await;
    let store = Store::open(&OpenOptions {
        read_only: false,
        ..options
    })
    .await?;
    let snapshot = begin(&store, url).await;
    store.close().await;
    let mut conn = snapshot?;

    let version = postgres::version(&mut conn)
        .await
        .map_err(fault::translate)?;
    migrate::check(version, &migrate::POSTGRES, true)?;
    let theirs = schema::of_postgres(&mut conn)
        .await
        .map_err(fault::translate)?;
    let theirs = schema::matched(tables, &theirs)?;
    let counted = count(&mut conn, &theirs).await.map_err(fault::translate)?;
    let total: i64 = counted.iter().map(|(_, rows)| rows).sum();
    watch.begin("copying rows", u64::try_from(total).ok());
    run(file, "BEGIN".into()).await.map_err(fault::translate)?;
    for table in &theirs {
        copy_table(&mut conn, file, table, watch).await?;
    }
    run(file, "COMMIT".into()).await.map_err(fault::translate)?;
    run_there(&mut conn, "ROLLBACK".into()).await?;
    conn.close().await.map_err(fault::translate)?;
    Ok(counted)
}

/// A transaction that sees one moment at which every committed row of the change log is sealed.
///
/// The sealer comes after the commits, so at most moments of a busy database some rows have no place in the chain yet,
/// and a place that the backup gave them could be another one than the sealer then does. So writers are held back for
/// the moment that sealing takes: each adds to the log, whose rows refer to their workspace, and that reference waits
/// for this lock. Readers and the sealer do not touch it.
async fn begin(store: &Store, url: &str) -> Result<PgConnection> {
    let mut gate = postgres::connect(url).await?;
    let mut conn = postgres::connect(url).await?;
    let is_distributed = store.0.is_distributed();
    // On several machines that reference is looked after on another one.
    let shut = if is_distributed {
        format!("BEGIN; SET LOCAL lock_timeout = '500ms'; SELECT pg_advisory_xact_lock({LOG_GATE})")
    } else {
        GATE.to_owned()
    };
    let mut tries = 0;
    while let Err(error) = run_there(&mut gate, shut.clone()).await {
        tries += 1;
        if tries >= TRIES || error.retry_after_s().is_none() {
            return Err(error);
        }
        run_there(&mut gate, "ROLLBACK".into()).await?;
        tokio::time::sleep(PAUSE).await;
    }
    if let Engine::Postgres(engine) = &store.0.engine {
        engine.seal_all(&store.0).await;
    }
    let mut settings = SETTINGS.to_owned();
    if is_distributed {
        settings = format!("{REACHING}; {ONE_SNAPSHOT}; {SETTINGS}");
    }
    let snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    run_there(&mut conn, snapshot.into()).await?;
    run_there(&mut conn, settings).await?;
    // The first question makes the snapshot, on every machine that has a part of the log.
    let unsealed: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM change_log WHERE position IS NULL")
            .fetch_one(&mut conn)
            .await
            .map_err(fault::translate)?;
    run_there(&mut gate, "ROLLBACK".into()).await?;
    gate.close().await.map_err(fault::translate)?;
    if unsealed > 0 {
        return Err(Error::new(
            Code::Unavailable,
            "The change log could not be sealed, so there is no backup.",
        )
        .hint("Try again; the log of this command says what stood in the way."));
    }
    Ok(conn)
}

/// How many rows each table has, as this transaction sees it.
pub(super) async fn count(conn: &mut PgConnection, tables: &[Table]) -> sqlx::Result<Counts> {
    let mut counts = Counts::new();
    for table in tables {
        let text = format!("SELECT COUNT(*) FROM {}", quoted(&table.name));
        let rows = sqlx::query_scalar(AssertSqlSafe(text).into_sql_str())
            .fetch_one(&mut *conn)
            .await?;
        counts.push((table.name.clone(), rows));
    }
    Ok(counts)
}

async fn copy_table(
    conn: &mut PgConnection,
    file: &mut SqliteConnection,
    table: &Table,
    watch: &dyn Watch,
) -> Result<()> {
    let forms: Vec<Form> = table
        .columns
        .iter()
        .map(|column| Form::of(table, column))
        .collect::<Result<_>>()?;
    let columns = || forms.iter().zip(&table.columns);
    let read: Vec<_> = columns()
        .map(|(form, column)| form.read(&column.name))
        .collect();
    let write: Vec<_> = (1..)
        .zip(&forms)
        .map(|(number, form)| form.write(number))
        .collect();
    let name = quoted(&table.name);
    let select = format!("SELECT {} FROM {name}", read.join(", "));
    let insert = AssertSqlSafe(format!(
        "INSERT INTO main.{name} ({}) VALUES ({})",
        table.list(),
        write.join(", ")
    ))
    .into_sql_str();
    // Rows come as they are taken: no table has to fit into memory.
    let mut rows = sqlx::query(AssertSqlSafe(select).into_sql_str()).fetch(conn);
    while let Some(row) = rows.try_next().await.map_err(fault::translate)? {
        let mut query = sqlx::query(insert.clone());
        for (index, form) in forms.iter().enumerate() {
            query = bind(query, &row, index, *form).map_err(fault::translate)?;
        }
        query.execute(&mut *file).await.map_err(fault::translate)?;
        watch.advance(1);
    }
    Ok(())
}

type Query = sqlx::query::Query<'static, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

fn bind(query: Query, row: &PgRow, index: usize, form: Form) -> sqlx::Result<Query> {
    Ok(match form {
        Form::Whole | Form::Truth | Form::Time => query.bind(row.try_get::<Option<i64>, _>(index)?),
        Form::Real => query.bind(row.try_get::<Option<f64>, _>(index)?),
        Form::Text | Form::Day | Form::Json => query.bind(row.try_get::<Option<String>, _>(index)?),
        Form::Bytes => query.bind(row.try_get::<Option<Vec<u8>>, _>(index)?),
    })
}
