//! Filling a PostgreSQL database from a verified file, all at once.

use std::fmt::Write as _;

use chrono::DateTime;
use futures::TryStreamExt as _;
use sqlx::sqlite::SqliteRow;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, Row as _, SqlSafeStr as _,
    SqliteConnection,
};

use super::from_postgres::{Form, SETTINGS, count, run_there};
use super::schema::{self, Table, quoted};
use super::{Counts, Draft, Terms, check};
use crate::error::{Error, Result};
use crate::store::distribute::References;
use crate::store::profile::Profile;
use crate::store::{Database, OpenOptions, Store, fault, migrate, postgres, sqlite};
use crate::watch::Watch;

/// Bytes that go to the server at once.
const CHUNK: usize = 64 * 1024;

/// Whether there is data of Bureau's in the database. Changes nothing.
pub(super) async fn holds_data(url: &str) -> Result<bool> {
    let mut conn = postgres::connect(url).await?;
    let version = postgres::version(&mut conn)
        .await
        .map_err(fault::translate)?;
    migrate::check(version, &migrate::POSTGRES, false)?;
    let holds = version > 0 && has_workspaces(&mut conn).await?;
    conn.close().await.map_err(fault::translate)?;
    Ok(holds)
}

async fn has_workspaces(conn: &mut PgConnection) -> Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM workspace)")
        .fetch_one(conn)
        .await
        .map_err(fault::translate)
}

/// Puts what is in the file in place of everything in the database, in one transaction: whatever goes wrong, and be it
/// this process's end, leaves the database as it was. A database with workspaces is only touched with `replace`.
pub(super) async fn replace(
    url: &str,
    (copy, counted): (&Draft, &Counts),
    replace: bool,
    terms: Terms<'_>,
    watch: &dyn Watch,
) -> Result<()> {
    // Makes the tables where there are none.
    let database = OpenOptions::new(Database::Postgres(url.to_owned()));
    Store::open(&database).await?.close().await;
    let mut file = sqlite::options(copy.path())
        .read_only(true)
        .connect()
        .await
        .map_err(fault::translate)?;
    copy.check()?;
    let mut conn = postgres::connect(url).await?;
    let again = "Stop every server and client on it, then restore again.";
    postgres::alone(&mut conn, again).await?;
    // Dropped on any error, the connection takes the transaction with it.
    run_there(&mut conn, format!("BEGIN; {SETTINGS}")).await?;
    let names = load(&mut conn, &mut file, counted, replace, watch).await?;
    run_there(&mut conn, "COMMIT".into()).await?;
    // Without it, queries are planned for empty tables until the server comes round to it on its own.
    let _ = run_there(&mut conn, format!("ANALYZE {names}")).await;
    let _ = conn.close().await;
    let _ = file.close().await;
    watch.begin("verifying", None);
    let store = Store::open(&database).await?;
    let end = check::log(&store, terms, watch).await;
    store.close().await;
    end.map(|_| ())
}

/// Does it all within the transaction; gives the names of the tables.
async fn load(
    conn: &mut PgConnection,
    file: &mut SqliteConnection,
    counted: &Counts,
    replace: bool,
    watch: &dyn Watch,
) -> Result<String> {
    let ours = schema::of_sqlite(file, "main")
        .await
        .map_err(fault::translate)?;
    let theirs = schema::of_postgres(conn).await.map_err(fault::translate)?;
    // Only the tables that both have: others in the file or in the database are not Bureau's.
    let ours: Vec<Table> = ours
        .into_iter()
        .filter(|ours| counted.iter().any(|(name, _)| *name == ours.name))
        .collect();
    let tables = schema::matched(&ours, &theirs)?;
    let is_distributed = Profile::of(conn).await?.is_distributed;
    if is_distributed {
        let one_after_the_other = "SET LOCAL citus.multi_shard_modify_mode = 'sequential'";
        run_there(conn, one_after_the_other.into()).await?;
    }
    let names: Vec<_> = tables.iter().map(|table| quoted(&table.name)).collect();
    let names = names.join(", ");
    // A process that starts now waits until this is done.
    run_there(conn, format!("LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")).await?;
    if !replace && has_workspaces(conn).await? {
        return Err(not_empty());
    }
    let counters: Vec<(String, i64)> = sqlx::query_as("SELECT name, value FROM counter")
        .fetch_all(&mut *conn)
        .await
        .map_err(fault::translate)?;
    run_there(conn, format!("TRUNCATE {names}")).await?;
    // Tables may refer to each other in a circle, so no order of them would do: references are checked at the end.
    if is_distributed {
        // Citus cannot put the check off.
        let names: Vec<String> = tables.iter().map(|table| table.name.clone()).collect();
        let references = References::of(conn, &names).await?;
        references.drop_all(conn).await?;
        load_all(conn, file, &tables, counted, watch).await?;
        references.add_all(conn).await?;
    } else {
        load_deferred(conn, file, &tables, counted, watch).await?;
    }
    check::same(
        counted,
        &count(conn, &tables).await.map_err(fault::translate)?,
    )?;
    // No counter goes back: see the module's head.
    for (name, value) in counters {
        sqlx::query(
            "INSERT INTO counter (name, value) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET value = GREATEST(counter.value, EXCLUDED.value)",
        )
        .bind(name)
        .bind(value)
        .execute(&mut *conn)
        .await
        .map_err(fault::translate)?;
    }
    Ok(names)
}

/// Fills the tables while no reference is checked, and checks all of them then.
async fn load_deferred(
    conn: &mut PgConnection,
    file: &mut SqliteConnection,
    tables: &[Table],
    counted: &Counts,
    watch: &dyn Watch,
) -> Result<()> {
    let references: Vec<String> = sqlx::query_scalar(
        "SELECT format('ALTER TABLE %s ALTER CONSTRAINT %I', conrelid::regclass, conname) FROM pg_constraint
         WHERE contype = 'f' AND NOT condeferrable AND conparentid = 0
         AND connamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
         AND conrelid::regclass::TEXT = ANY ($1)",
    )
    .bind(tables.iter().map(|table| table.name.clone()).collect::<Vec<_>>())
    .fetch_all(&mut *conn)
    .await
    .map_err(fault::translate)?;
    for reference in &references {
        run_there(conn, format!("{reference} DEFERRABLE INITIALLY DEFERRED")).await?;
    }
    load_all(conn, file, tables, counted, watch).await?;
    run_there(conn, "SET CONSTRAINTS ALL IMMEDIATE".into()).await?;
    for reference in &references {
        run_there(conn, format!("{reference} NOT DEFERRABLE")).await?;
    }
    Ok(())
}

async fn load_all(
    conn: &mut PgConnection,
    file: &mut SqliteConnection,
    tables: &[Table],
    counted: &Counts,
    watch: &dyn Watch,
) -> Result<()> {
    let total: i64 = counted.iter().map(|(_, rows)| rows).sum();
    watch.begin("loading rows", u64::try_from(total).ok());
    for table in tables {
        load_table(conn, file, table, watch).await?;
    }
    watch.begin("checking references", None);
    Ok(())
}

/// What is said when there is data and nobody said that it may go.
pub(super) fn not_empty() -> Error {
    Error::conflict("The database holds workspaces already; nothing was changed.")
        .hint("Restore into an empty database, or write --replace to put the backup in place of everything in it.")
}

async fn load_table(
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
    let (name, list) = (quoted(&table.name), table.list());
    let select = AssertSqlSafe(format!("SELECT {list} FROM main.{name}")).into_sql_str();
    let mut copy = conn
        .copy_in_raw(&format!("COPY {name} ({list}) FROM STDIN"))
        .await
        .map_err(fault::translate)?;
    let mut rows = sqlx::query(select).fetch(file);
    let mut text = String::new();
    while let Some(row) = rows.try_next().await.map_err(fault::translate)? {
        for (index, form) in forms.iter().enumerate() {
            text.push_str(if index > 0 { "\t" } else { "" });
            push(&mut text, &row, index, *form).map_err(fault::translate)?;
        }
        text.push('\n');
        if text.len() >= CHUNK {
            copy.send(text.as_bytes()).await.map_err(fault::translate)?;
            text.clear();
        }
        watch.advance(1);
    }
    copy.send(text.as_bytes()).await.map_err(fault::translate)?;
    copy.finish().await.map_err(fault::translate)?;
    Ok(())
}

/// Appends a value in the text form of COPY (<https://www.postgresql.org/docs/current/sql-copy.html>).
fn push(text: &mut String, row: &SqliteRow, index: usize, form: Form) -> sqlx::Result<()> {
    let wrong = || sqlx::Error::Decode("a value that Bureau never writes".into());
    // Writing to a string does not fail.
    let _ = match form {
        Form::Whole | Form::Truth | Form::Time => {
            match row.try_get_unchecked::<Option<i64>, _>(index)? {
                None => write!(text, "\\N"),
                Some(micros) if form == Form::Time => {
                    let time = DateTime::from_timestamp_micros(micros).ok_or_else(wrong)?;
                    write!(text, "{}", time.format("%Y-%m-%d %H:%M:%S%.6f+00"))
                }
                // 0 and 1 are truth values as well.
                Some(number) => write!(text, "{number}"),
            }
        }
        Form::Real => match row.try_get_unchecked::<Option<f64>, _>(index)? {
            None => write!(text, "\\N"),
            // As many digits as tell it from every other.
            Some(number) => write!(text, "{number:?}"),
        },
        Form::Text | Form::Day | Form::Json => {
            match row.try_get_unchecked::<Option<&str>, _>(index)? {
                None => write!(text, "\\N"),
                Some(value) => {
                    escape(text, value);
                    Ok(())
                }
            }
        }
        Form::Bytes => match row.try_get_unchecked::<Option<&[u8]>, _>(index)? {
            None => write!(text, "\\N"),
            Some(bytes) => write!(text, "\\\\x{}", hex::encode(bytes)),
        },
    };
    Ok(())
}

fn escape(text: &mut String, value: &str) {
    for sign in value.chars() {
        match sign {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            sign => text.push(sign),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_to_copy_is_escaped() {
        let mut text = String::new();
        escape(&mut text, "a\tb\nc\rd\\N\\.é𝄞");
        assert_eq!(text, "a\\tb\\nc\\rd\\\\N\\\\.é𝄞");
    }
}
