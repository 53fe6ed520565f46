//! A connection to a SQLite file whose statements run on the thread that asks.
//!
//! A driver with a thread for each connection goes there and back for every statement, which costs more than most statements do.
//! Here a statement runs where its caller runs, as long as it is short: SQLite counts the steps of its machine, and a read that
//! takes more of them than a task may keep its thread for is stopped and begun again on a thread that may stand still.

use std::borrow::Cow;
use std::collections::HashMap;
use std::error::Error as StdError;
use std::ffi::c_int;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, Value as Owned, ValueRef};
use rusqlite::{CachedStatement, InterruptHandle, OpenFlags, ToSql, ffi};
use sqlx::error::{DatabaseError, ErrorKind};
use tokio::sync::oneshot;

use super::fault;
use super::value::{Cell, Names, SqliteRow, Value};

/// Steps that a read may take where its caller runs, in strides: one to two milliseconds.
const STRIDES: i64 = 20;
/// After how many steps they are counted.
const STRIDE: c_int = 1_000;
/// Statements that a connection keeps prepared.
const PREPARED: usize = 256;
/// How long a statement on a thread of its own waits for whoever holds the file.
const PATIENCE: Duration = Duration::from_millis(250);

/// What a connection is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Reading: it cannot write.
    Read,
    /// Writing, and what is committed is on the disk before anybody is told.
    Write,
}

/// A connection, here or where a statement of it still runs.
pub(super) struct Connection {
    open: Option<Open>,
    /// Brings it back from where a statement of it runs.
    away: Option<oneshot::Receiver<Open>>,
    stops: InterruptHandle,
}

impl Connection {
    /// Opens a file that is there, on a thread that may stand still: its tables are read.
    pub(super) async fn open(path: &Path, reason: Use) -> sqlx::Result<Self> {
        let path = path.to_owned();
        let open = tokio::task::spawn_blocking(move || Open::of(&path, reason).map_err(said));
        let mut open = open.await.map_err(|_| sqlx::Error::WorkerCrashed)??;
        let stops = open.get().get_interrupt_handle();
        Ok(Self {
            open: Some(open),
            away: None,
            stops,
        })
    }

    /// Runs a statement and gives its rows. A read that takes long, or meets somebody who holds the file, begins again elsewhere.
    pub(super) async fn fetch(
        &mut self,
        text: &str,
        values: &[Value],
    ) -> sqlx::Result<Vec<SqliteRow>> {
        let open = self.here().await?;
        match open.fetch_soon(text, values) {
            Err(error) if is_stopped(&error) || fault::is_busy(&error) => {
                self.fetch_elsewhere(text, values.to_vec()).await
            }
            rows => rows,
        }
    }

    /// Runs a statement and gives its rows, on a thread that may stand still: it waits for the disk, or for others.
    pub(super) async fn fetch_elsewhere(
        &mut self,
        text: &str,
        values: Vec<Value>,
    ) -> sqlx::Result<Vec<SqliteRow>> {
        let text = text.to_owned();
        self.here().await?;
        let mut open = self.open.take().ok_or(sqlx::Error::WorkerCrashed)?;
        let (bring, away) = oneshot::channel();
        let (tell, told) = oneshot::channel();
        self.away = Some(away);
        tokio::task::spawn_blocking(move || {
            let rows = open.fetch_patiently(&text, &values);
            // The connection first: who is told may want it at once. Nobody may be there any more to be told.
            let _ = bring.send(open);
            let _ = tell.send(rows);
        });
        let rows = told.await.map_err(|_| sqlx::Error::WorkerCrashed)?;
        self.here().await?;
        rows
    }

    /// Runs a statement that writes, and gives the number of rows that it changed. It is not stopped, however long it takes: the
    /// whole transaction would go with it.
    pub(super) async fn execute(&mut self, text: &str, values: &[Value]) -> sqlx::Result<u64> {
        self.here().await?.execute(text, values)
    }

    /// Whether a statement still runs for somebody who went away.
    pub(super) fn is_away(&self) -> bool {
        self.away.is_some()
    }

    /// Stops what still runs.
    pub(super) fn stop(&self) {
        self.stops.interrupt();
    }

    /// Ends a transaction that only read, and says whether it did. The connection has to be here.
    pub(super) fn end_reading(&mut self) -> bool {
        let open = self.open.as_mut();
        open.is_some_and(|open| open.execute("ROLLBACK", &[]).is_ok())
    }

    /// The connection, once no statement of it runs elsewhere any more.
    async fn here(&mut self) -> sqlx::Result<&mut Open> {
        if let Some(away) = &mut self.away {
            let back = away.await;
            self.away = None;
            self.open = back.ok();
        }
        self.open.as_mut().ok_or(sqlx::Error::WorkerCrashed)
    }

    /// Waits until no statement of it runs elsewhere any more.
    pub(super) async fn come_back(&mut self) -> sqlx::Result<()> {
        self.here().await.map(drop)
    }
}

/// An open connection.
struct Open {
    /// Never locked: a lock is what makes it one of those things that others may hold a reference to.
    conn: Mutex<rusqlite::Connection>,
    /// Strides that the statement may still take.
    left: Arc<AtomicI64>,
    /// What the columns of statements are called.
    names: HashMap<String, Names>,
}

impl Open {
    fn of(path: &Path, reason: Use) -> rusqlite::Result<Self> {
        let access = match reason {
            Use::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
            Use::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
        };
        // One thread at a time has it, so SQLite need not see to that.
        let conn = rusqlite::Connection::open_with_flags(
            path,
            access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_PRIVATE_CACHE,
        )?;
        conn.set_prepared_statement_cache_capacity(PREPARED);
        conn.busy_timeout(PATIENCE)?;
        conn.execute_batch(match reason {
            Use::Read => "PRAGMA mmap_size = 0; PRAGMA query_only = ON",
            // What is deleted is overwritten, so that nothing of it is left between the rows.
            Use::Write => {
                "PRAGMA mmap_size = 0; PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL;
                 PRAGMA wal_autocheckpoint = 2000; PRAGMA secure_delete = ON"
            }
        })?;
        // The tables are read with the first statement that names one.
        conn.query_row("SELECT COUNT(*) FROM sqlite_master", [], |_| Ok(()))?;
        conn.busy_timeout(Duration::ZERO)?;
        let left = Arc::new(AtomicI64::new(i64::MAX));
        let taken = Arc::clone(&left);
        conn.progress_handler(
            STRIDE,
            Some(move || taken.fetch_sub(1, Ordering::Relaxed) <= 0),
        )?;
        Ok(Self {
            conn: Mutex::new(conn),
            left,
            names: HashMap::new(),
        })
    }

    fn get(&mut self) -> &mut rusqlite::Connection {
        self.conn.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rows of a statement that may not take long, if it only reads.
    fn fetch_soon(&mut self, text: &str, values: &[Value]) -> sqlx::Result<Vec<SqliteRow>> {
        self.left.store(STRIDES, Ordering::Relaxed);
        let rows = self.fetch(text, values);
        self.left.store(i64::MAX, Ordering::Relaxed);
        rows.map_err(said)
    }

    /// The rows of a statement that takes as long as it takes, and waits for whoever holds the file.
    fn fetch_patiently(&mut self, text: &str, values: &[Value]) -> sqlx::Result<Vec<SqliteRow>> {
        self.get().busy_timeout(PATIENCE).map_err(said)?;
        let rows = self.fetch(text, values);
        self.get().busy_timeout(Duration::ZERO).map_err(said)?;
        rows.map_err(said)
    }

    fn fetch(&mut self, text: &str, values: &[Value]) -> rusqlite::Result<Vec<SqliteRow>> {
        let conn = self.conn.get_mut().unwrap_or_else(PoisonError::into_inner);
        let mut statement = conn.prepare_cached(text)?;
        if !statement.readonly() {
            // Stopped, it would take the whole transaction with it.
            self.left.store(i64::MAX, Ordering::Relaxed);
        }
        bind(&mut statement, values)?;
        let names = match self.names.get(text) {
            Some(names) if names.len() == statement.column_count() => Arc::clone(names),
            _ => {
                let names: Names = statement
                    .column_names()
                    .into_iter()
                    .map(Box::from)
                    .collect();
                // Of statements that are put together there may be any number.
                if self.names.len() >= PREPARED {
                    self.names.clear();
                }
                self.names.insert(text.to_owned(), Arc::clone(&names));
                names
            }
        };
        let mut found = Vec::new();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            let cells = (0..names.len()).map(|index| Ok(Cell::of(row.get_ref(index)?)));
            let cells = cells.collect::<rusqlite::Result<_>>()?;
            found.push(SqliteRow::new(Arc::clone(&names), cells));
        }
        Ok(found)
    }

    fn execute(&mut self, text: &str, values: &[Value]) -> sqlx::Result<u64> {
        let run = |conn: &mut rusqlite::Connection| {
            let mut statement = conn.prepare_cached(text)?;
            bind(&mut statement, values)?;
            let mut rows = statement.raw_query();
            while rows.next()?.is_some() {}
            drop(rows);
            Ok(conn.changes())
        };
        run(self.get()).map_err(said)
    }
}

/// Binds each value to the place that stands for it: `?` for the next one, `$n` for the n-th.
fn bind(statement: &mut CachedStatement<'_>, values: &[Value]) -> rusqlite::Result<()> {
    for place in 1..=statement.parameter_count() {
        let named = statement.parameter_name(place);
        let number = named.and_then(|name| name.get(1..)?.parse().ok());
        let value = values.get(number.unwrap_or(place).wrapping_sub(1));
        let value = value.ok_or(rusqlite::Error::InvalidParameterCount(
            values.len(),
            statement.parameter_count(),
        ))?;
        statement.raw_bind_parameter(place, Bound(value))?;
    }
    Ok(())
}

/// A value as SQLite keeps it.
struct Bound<'a>(&'a Value);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let owned = |value: Owned| Ok(ToSqlOutput::Owned(value));
        match self.0 {
            Value::Null(_) => owned(Owned::Null),
            Value::Int(number) => owned(Owned::Integer(*number)),
            Value::Bool(is_so) => owned(Owned::Integer(i64::from(*is_so))),
            Value::Text(text) => Ok(ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes()))),
            Value::Time(moment) => owned(Owned::Integer(moment.timestamp_micros())),
            Value::Date(day) => owned(Owned::Text(day.to_string())),
            Value::Json(json) => owned(Owned::Text(json.to_string())),
            Value::Bytes(bytes) => Ok(ToSqlOutput::Borrowed(ValueRef::Blob(bytes))),
        }
    }
}

/// What SQLite said, as the other driver says it: what is made of an error asks neither by whom it was told.
#[derive(Debug)]
pub(super) struct SqliteFault {
    /// The extended result code (<https://sqlite.org/rescode.html>).
    pub(super) code: c_int,
    message: String,
}

impl fmt::Display for SqliteFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "(code: {}) {}", self.code, self.message)
    }
}

impl StdError for SqliteFault {}

impl DatabaseError for SqliteFault {
    fn message(&self) -> &str {
        &self.message
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.code.to_string().into())
    }

    fn as_error(&self) -> &(dyn StdError + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn StdError + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn StdError + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> ErrorKind {
        match self.code {
            ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY => {
                ErrorKind::UniqueViolation
            }
            ffi::SQLITE_CONSTRAINT_FOREIGNKEY => ErrorKind::ForeignKeyViolation,
            ffi::SQLITE_CONSTRAINT_NOTNULL => ErrorKind::NotNullViolation,
            ffi::SQLITE_CONSTRAINT_CHECK => ErrorKind::CheckViolation,
            _ => ErrorKind::Other,
        }
    }
}

/// An error of SQLite in the words of the other driver; any other one is a fault of ours or of the file.
fn said(error: rusqlite::Error) -> sqlx::Error {
    match error {
        rusqlite::Error::SqliteFailure(failure, message) => {
            let message = message.unwrap_or_else(|| failure.to_string());
            sqlx::Error::Database(Box::new(SqliteFault {
                code: failure.extended_code,
                message,
            }))
        }
        error => sqlx::Error::Decode(Box::new(error)),
    }
}

/// Whether a statement was stopped.
fn is_stopped(error: &sqlx::Error) -> bool {
    fault::sqlite_code(error) == Some(i64::from(ffi::SQLITE_INTERRUPT))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers up to this, which takes more steps than a statement may take where its caller runs.
    const MANY: &str =
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)";

    async fn opened(folder: &tempfile::TempDir) -> Connection {
        let path = folder.path().join("data.sqlite");
        drop(rusqlite::Connection::open(&path).unwrap());
        let mut conn = Connection::open(&path, Use::Write).await.unwrap();
        let made = conn.execute("CREATE TABLE t (i INTEGER NOT NULL)", &[]);
        made.await.unwrap();
        conn
    }

    async fn count(conn: &mut Connection) -> i64 {
        let rows = conn
            .fetch("SELECT COUNT(*) AS n FROM t", &[])
            .await
            .unwrap();
        rows[0].number("n").unwrap().unwrap()
    }

    #[tokio::test]
    async fn a_long_read_goes_on_elsewhere_and_answers_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let mut conn = opened(&folder).await;
        let text = format!("{MANY} SELECT SUM(i) AS sum FROM n");
        let here = conn.here().await.unwrap();
        assert!(
            here.fetch_soon(&text, &[])
                .is_err_and(|error| is_stopped(&error))
        );
        let rows = conn.fetch(&text, &[]).await.unwrap();
        assert_eq!(rows[0].number("sum").unwrap(), Some(200_010_000));
    }

    #[tokio::test]
    async fn what_writes_is_not_stopped_and_keeps_its_transaction() {
        let folder = tempfile::tempdir().unwrap();
        let mut conn = opened(&folder).await;
        conn.execute("BEGIN", &[]).await.unwrap();
        conn.execute("INSERT INTO t VALUES (0)", &[]).await.unwrap();
        let text = format!("INSERT INTO t {MANY} SELECT i FROM n RETURNING i");
        assert_eq!(conn.fetch(&text, &[]).await.unwrap().len(), 20_000);
        // Nor does a read that was stopped end it.
        let text = format!("{MANY} SELECT SUM(i) AS sum FROM n");
        conn.fetch(&text, &[]).await.unwrap();
        conn.execute("ROLLBACK", &[]).await.unwrap();
        assert_eq!(count(&mut conn).await, 0);
    }

    #[tokio::test]
    async fn values_are_bound_by_number_and_in_turn() {
        let folder = tempfile::tempdir().unwrap();
        let mut conn = opened(&folder).await;
        let values = [Value::Int(1), Value::Int(2)];
        for text in ["SELECT $2 * 10 + $1 AS n", "SELECT ? + 10 * ? AS n"] {
            let rows = conn.fetch(text, &values).await.unwrap();
            assert_eq!(rows[0].number("n").unwrap(), Some(21), "{text}");
        }
        let missing = conn.fetch("SELECT $3 AS n", &values).await;
        assert!(missing.is_err());
    }

    #[tokio::test]
    async fn who_goes_away_leaves_the_connection_to_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let mut conn = opened(&folder).await;
        let text = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) AS n FROM n";
        let waits = conn.fetch(text, &[]);
        let gone = tokio::time::timeout(Duration::from_millis(50), waits).await;
        assert!(gone.is_err(), "it has no end");
        assert!(conn.is_away());
        conn.stop();
        conn.come_back().await.unwrap();
        assert_eq!(count(&mut conn).await, 0);
    }
}
