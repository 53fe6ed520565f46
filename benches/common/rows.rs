//! Rows written past the record layer, many at once: how a bench comes to a database of a million records within
//! minutes. What stands in the rows is the caller's affair.

use std::path::PathBuf;

use bureau_kernel::store::{Database, Value};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};

/// Rows of one statement.
const BATCH: usize = 1_000;

/// A connection that writes rows.
pub(crate) enum Rows {
    Sqlite(sqlx::SqliteConnection),
    Postgres(sqlx::PgConnection),
}

impl Rows {
    /// Opens a database that is there and has its tables; on SQLite nobody else may have it open.
    pub(crate) async fn open(database: &Database) -> Self {
        match database {
            Database::Sqlite(path) => Self::sqlite(path).await,
            Database::Postgres(url) => {
                let options: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
                Self::Postgres(options.disable_statement_logging().connect().await.unwrap())
            }
        }
    }

    async fn sqlite(path: &PathBuf) -> Self {
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(path)
            .foreign_keys(false)
            .pragma("synchronous", "OFF")
            .pragma("cache_size", "-2000000")
            .pragma("temp_store", "MEMORY")
            .disable_statement_logging();
        Self::Sqlite(options.connect().await.unwrap())
    }

    /// Runs statements.
    pub(crate) async fn run(&mut self, text: impl Into<String>) {
        let text = sqlx::raw_sql(AssertSqlSafe(text.into()));
        match self {
            Self::Sqlite(conn) => drop(conn.execute(text).await.unwrap()),
            Self::Postgres(conn) => drop(conn.execute(text).await.unwrap()),
        }
    }

    /// The numbers in the first column of the answer.
    pub(crate) async fn numbers(&mut self, text: &str) -> Vec<i64> {
        let text = AssertSqlSafe(text.to_owned());
        match self {
            Self::Sqlite(conn) => sqlx::query_scalar(text).fetch_all(conn).await.unwrap(),
            Self::Postgres(conn) => sqlx::query_scalar(text).fetch_all(conn).await.unwrap(),
        }
    }

    /// The texts in the first two columns of the answer.
    async fn texts(&mut self, text: String) -> Vec<(String, String)> {
        let text = AssertSqlSafe(text);
        match self {
            Self::Sqlite(conn) => sqlx::query_as(text).fetch_all(conn).await.unwrap(),
            Self::Postgres(conn) => sqlx::query_as(text).fetch_all(conn).await.unwrap(),
        }
    }

    /// The columns of a row and what stands in them.
    pub(crate) async fn columns(&mut self, table: &str, id: i64) -> Vec<(String, String)> {
        let text = match self {
            Self::Sqlite(_) => {
                format!("SELECT name, '' FROM pragma_table_info('{table}') ORDER BY 1")
            }
            Self::Postgres(_) => format!(
                "SELECT column_name::text, '' FROM information_schema.columns WHERE table_name = '{table}' ORDER BY 1"
            ),
        };
        let mut columns = self.texts(text).await;
        for (name, value) in &mut columns {
            let text = format!(
                "SELECT COALESCE(CAST({name} AS TEXT), 'nothing'), '' FROM {table} WHERE id = {id}"
            );
            *value = self.texts(text).await.remove(0).0;
        }
        columns
    }

    /// The look-up terms of a record.
    pub(crate) async fn terms(&mut self, table: &str, id: i64) -> Vec<(String, String)> {
        let text = format!(
            "SELECT field, value FROM record_key WHERE entity = '{table}' AND record = {id} ORDER BY 1, 2"
        );
        self.texts(text).await
    }

    /// Where the change log of a workspace ends: the position and the hash.
    pub(crate) async fn seal(&mut self, workspace: i64) -> (i64, Vec<u8>) {
        let text = format!("SELECT position, hash FROM log_head WHERE workspace = {workspace}");
        let text = AssertSqlSafe(text);
        match self {
            Self::Sqlite(conn) => sqlx::query_as(text).fetch_one(conn).await.unwrap(),
            Self::Postgres(conn) => sqlx::query_as(text).fetch_one(conn).await.unwrap(),
        }
    }

    /// Takes the indexes off these tables that no constraint needs, and answers the statements that bring them back.
    pub(crate) async fn take_indexes(&mut self, tables: &[&str]) -> Vec<String> {
        let named = tables.iter().map(|table| format!("'{table}'"));
        let named = named.collect::<Vec<_>>().join(", ");
        let indexes: Vec<(String, String)> = match self {
            Self::Sqlite(_) => {
                let text = format!(
                    "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({named})"
                );
                self.texts(text).await
            }
            Self::Postgres(_) => {
                let text = format!(
                    "SELECT indexname::text, indexdef::text FROM pg_indexes
                     WHERE tablename IN ({named}) AND indexname NOT IN (SELECT conname FROM pg_constraint)"
                );
                self.texts(text).await
            }
        };
        for (name, _) in &indexes {
            self.run(format!("DROP INDEX {name}")).await;
        }
        indexes.into_iter().map(|(_, text)| text).collect()
    }

    /// Writes rows, each with a value for each column.
    pub(crate) async fn write(
        &mut self,
        table: &str,
        columns: &str,
        rows: impl Iterator<Item = Vec<Value>>,
    ) {
        self.run("BEGIN").await;
        let mut rows = rows.peekable();
        while rows.peek().is_some() {
            let batch = rows.by_ref().take(BATCH);
            match self {
                Self::Sqlite(conn) => {
                    let mut text = format!("INSERT INTO {table} ({columns}) VALUES ");
                    for (index, row) in batch.enumerate() {
                        text.push_str(if index > 0 { ", (" } else { "(" });
                        for (index, value) in row.iter().enumerate() {
                            if index > 0 {
                                text.push(',');
                            }
                            literal(&mut text, value);
                        }
                        text.push(')');
                    }
                    let text = sqlx::raw_sql(AssertSqlSafe(text));
                    conn.execute(text).await.unwrap();
                }
                Self::Postgres(conn) => {
                    let mut text = String::new();
                    for row in batch {
                        for (index, value) in row.iter().enumerate() {
                            if index > 0 {
                                text.push('\t');
                            }
                            cell(&mut text, value);
                        }
                        text.push('\n');
                    }
                    let statement = format!("COPY {table} ({columns}) FROM STDIN");
                    let mut copy = conn.copy_in_raw(&statement).await.unwrap();
                    copy.send(text.as_bytes()).await.unwrap();
                    copy.finish().await.unwrap();
                }
            }
        }
        self.run("COMMIT").await;
    }

    pub(crate) async fn close(self) {
        match self {
            Self::Sqlite(conn) => conn.close().await.unwrap(),
            Self::Postgres(conn) => conn.close().await.unwrap(),
        }
    }
}

/// A value as SQLite keeps it, in SQL.
fn literal(text: &mut String, value: &Value) {
    let quoted = |text: &mut String, value: &str| {
        text.push('\'');
        text.push_str(&value.replace('\'', "''"));
        text.push('\'');
    };
    match value {
        Value::Null(_) => text.push_str("NULL"),
        Value::Int(number) => text.push_str(&number.to_string()),
        Value::Bool(truth) => text.push_str(if *truth { "1" } else { "0" }),
        Value::Text(value) => quoted(text, value),
        Value::Time(moment) => text.push_str(&moment.timestamp_micros().to_string()),
        Value::Date(day) => quoted(text, &day.to_string()),
        Value::Json(value) => quoted(text, &value.to_string()),
        Value::Bytes(bytes) => {
            text.push_str("x'");
            text.push_str(&hexadecimal(bytes));
            text.push('\'');
        }
    }
}

/// A value in PostgreSQL's text form of COPY.
fn cell(text: &mut String, value: &Value) {
    let escaped = |text: &mut String, value: &str| {
        for letter in value.chars() {
            match letter {
                '\\' => text.push_str("\\\\"),
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                '\t' => text.push_str("\\t"),
                other => text.push(other),
            }
        }
    };
    match value {
        Value::Null(_) => text.push_str("\\N"),
        Value::Int(number) => text.push_str(&number.to_string()),
        Value::Bool(truth) => text.push(if *truth { 't' } else { 'f' }),
        Value::Text(value) => escaped(text, value),
        Value::Time(moment) => text.push_str(&moment.to_rfc3339()),
        Value::Date(day) => text.push_str(&day.to_string()),
        Value::Json(value) => escaped(text, &value.to_string()),
        Value::Bytes(bytes) => {
            text.push_str("\\\\x");
            text.push_str(&hexadecimal(bytes));
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
