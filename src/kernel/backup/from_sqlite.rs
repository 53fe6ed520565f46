//! Copying everything out of a SQLite database while others write to it.

use std::fmt::Write as _;
use std::path::Path;

use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqliteConnection};

use super::schema::{self, Table, quoted};
use super::{Counts, run};
use crate::error::Result;
use crate::store::{Database, OpenOptions, Store, fault, migrate};
use crate::watch::Watch;

/// Copies all tables of `source` to the file that is `main`, which has the same tables and no rows.
pub(super) async fn copy(
    source: &Path,
    conn: &mut SqliteConnection,
    tables: &[Table],
    watch: &dyn Watch,
) -> Result<Counts> {
    // Says in clear why a database cannot be read, and refuses an older or newer one.
    let options = OpenOptions {
        read_only: true,
        ..OpenOptions::new(Database::Sqlite(source.to_owned()))
    };
    Store::open(&options).await?.close().await;
    sqlx::query("ATTACH $1 AS source")
        .bind(address(source))
        .execute(&mut *conn)
        .await
        .map_err(fault::translate)?;
    // From its first read on, this transaction sees the source as it is then. It writes only to the new file.
    run(&mut *conn, "BEGIN".into())
        .await
        .map_err(fault::translate)?;
    let version: i64 =
        sqlx::query_scalar("SELECT MAX(version) FROM source._sqlx_migrations WHERE success")
            .fetch_one(&mut *conn)
            .await
            .map_err(fault::translate)?;
    migrate::check(version, &migrate::SQLITE, true)?;
    let theirs = schema::of_sqlite(conn, "source")
        .await
        .map_err(fault::translate)?;
    // Whole rows are copied as they are, so the columns must be the same, in one order.
    for ours in tables {
        let theirs = theirs.iter().find(|theirs| theirs.name == ours.name);
        if theirs != Some(ours) {
            return Err(schema::differs(&ours.name, "of one name or another"));
        }
    }
    let counted = count(conn, "source", tables)
        .await
        .map_err(fault::translate)?;
    let total: i64 = counted.iter().map(|(_, rows)| rows).sum();
    watch.begin("copying rows", u64::try_from(total).ok());
    for (table, rows) in &counted {
        let name = quoted(table);
        run(
            &mut *conn,
            format!("INSERT INTO main.{name} SELECT * FROM source.{name}"),
        )
        .await
        .map_err(fault::translate)?;
        watch.advance(u64::try_from(*rows).unwrap_or_default());
    }
    for text in ["COMMIT", "DETACH source"] {
        run(&mut *conn, text.into())
            .await
            .map_err(fault::translate)?;
    }
    Ok(counted)
}

/// How many rows each table has.
pub(super) async fn count(
    conn: &mut SqliteConnection,
    schema: &'static str,
    tables: &[Table],
) -> sqlx::Result<Counts> {
    let mut counts = Counts::new();
    for table in tables {
        let text = format!("SELECT COUNT(*) FROM {schema}.{}", quoted(&table.name));
        let rows = sqlx::query_scalar(AssertSqlSafe(text).into_sql_str())
            .fetch_one(&mut *conn)
            .await?;
        counts.push((table.name.clone(), rows));
    }
    Ok(counts)
}

/// The file as an address that is opened for reading only.
fn address(path: &Path) -> String {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut address = "file:".to_owned();
    for byte in whole.to_string_lossy().bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~:\\".contains(&byte) {
            address.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(address, "%{byte:02X}");
        }
    }
    address.push_str("?mode=ro");
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_itself_in_an_address() {
        assert_eq!(
            address(Path::new("/a b/c?d#e%.db")),
            "file:/a%20b/c%3Fd%23e%25.db?mode=ro"
        );
    }
}
