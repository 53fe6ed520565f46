//! Preparing a new SQLite file for many rows.

use sqlx::{Row as _, SqliteConnection};

use super::run;
use super::schema::{Table, quoted};

/// Empties the tables and drops the indexes that are no part of a table; gives the statements that make these again.
pub(super) async fn strip(
    conn: &mut SqliteConnection,
    tables: &[Table],
) -> sqlx::Result<Vec<String>> {
    for table in tables {
        run(
            &mut *conn,
            format!("DELETE FROM main.{}", quoted(&table.name)),
        )
        .await?;
    }
    let rows = sqlx::query(
        "SELECT name, sql FROM main.sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY rowid",
    )
    .fetch_all(&mut *conn)
    .await?;
    let mut indexes = Vec::new();
    for row in rows {
        let name: String = row.try_get(0)?;
        run(&mut *conn, format!("DROP INDEX main.{}", quoted(&name))).await?;
        indexes.push(row.try_get(1)?);
    }
    Ok(indexes)
}
