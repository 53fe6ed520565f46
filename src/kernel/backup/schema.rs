//! Which tables there are, as each engine itself says.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, Row as _, SqlSafeStr as _,
    SqliteConnection,
};

use crate::error::{Code, Error, Result};
use crate::store::{fault, migrate};

/// A table with its columns in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    /// The engine's name for its type.
    pub(super) kind: String,
}

impl Table {
    /// The names of its columns in this order, for a statement.
    pub(super) fn list(&self) -> String {
        let names: Vec<_> = self
            .columns
            .iter()
            .map(|column| quoted(&column.name))
            .collect();
        names.join(", ")
    }
}

/// A name as both engines read it, whatever is in it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The tables of a SQLite file that is open under this name (`main`, or what it was attached as), by name. What has been
/// migrated is no data, and what the engine keeps for itself is not either.
pub(super) async fn of_sqlite(
    conn: &mut SqliteConnection,
    schema: &'static str,
) -> sqlx::Result<Vec<Table>> {
    let text = format!(
        "SELECT t.name, c.name, c.type FROM {schema}.sqlite_schema AS t
         JOIN pragma_table_xinfo(t.name, '{schema}') AS c
         WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite!_%' ESCAPE '!' AND t.name <> '_sqlx_migrations'
         AND c.hidden = 0 ORDER BY t.name, c.cid"
    );
    let rows = sqlx::query(AssertSqlSafe(text).into_sql_str())
        .fetch_all(conn)
        .await?;
    let mut tables = Vec::new();
    for row in rows {
        add(
            &mut tables,
            row.try_get(0)?,
            row.try_get(1)?,
            row.try_get(2)?,
        );
    }
    Ok(tables)
}

/// The tables of a PostgreSQL database, by name.
pub(super) async fn of_postgres(conn: &mut PgConnection) -> sqlx::Result<Vec<Table>> {
    let rows = sqlx::query(
        "SELECT t.relname::TEXT, c.attname::TEXT, format_type(c.atttypid, NULL)
         FROM pg_class AS t JOIN pg_attribute AS c ON c.attrelid = t.oid
         WHERE t.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
         AND t.relkind IN ('r', 'p') AND NOT t.relispartition AND t.relname <> '_sqlx_migrations'
         AND c.attnum > 0 AND NOT c.attisdropped AND c.attgenerated = ''
         ORDER BY t.relname::TEXT COLLATE \"C\", c.attnum",
    )
    .fetch_all(conn)
    .await?;
    let mut tables = Vec::new();
    for row in rows {
        add(
            &mut tables,
            row.try_get(0)?,
            row.try_get(1)?,
            row.try_get(2)?,
        );
    }
    Ok(tables)
}

fn add(tables: &mut Vec<Table>, table: String, name: String, kind: String) {
    let column = Column { name, kind };
    match tables.last_mut().filter(|last| last.name == table) {
        Some(last) => last.columns.push(column),
        None => tables.push(Table {
            name: table,
            columns: vec![column],
        }),
    }
}

/// The tables that this program's migrations make.
pub(super) async fn fresh() -> Result<Vec<Table>> {
    let mut conn = SqliteConnectOptions::new()
        .in_memory(true)
        .disable_statement_logging()
        .connect()
        .await
        .map_err(fault::translate)?;
    migrate::SQLITE
        .run_direct(None, &mut conn, false)
        .await
        .map_err(migrate::fault)?;
    let tables = of_sqlite(&mut conn, "main").await;
    let _ = conn.close().await;
    tables.map_err(fault::translate)
}

/// The other engine's tables in the order of these, each with its columns in the order of these. Tables that somebody
/// else keeps in the same database are none of ours.
pub(super) fn matched(ours: &[Table], theirs: &[Table]) -> Result<Vec<Table>> {
    ours.iter()
        .map(|ours| {
            let theirs = theirs.iter().find(|theirs| theirs.name == ours.name);
            let columns = ours.columns.iter().map(|column| {
                theirs
                    .and_then(|theirs| theirs.columns.iter().find(|c| c.name == column.name))
                    .cloned()
                    .ok_or_else(|| differs(&ours.name, &column.name))
            });
            let columns: Vec<Column> = columns.collect::<Result<_>>()?;
            // A column that only the other one has would be lost.
            if let Some(more) = theirs.and_then(|theirs| {
                theirs
                    .columns
                    .iter()
                    .find(|column| !columns.contains(column))
            }) {
                return Err(differs(&ours.name, &more.name));
            }
            Ok(Table {
                name: ours.name.clone(),
                columns,
            })
        })
        .collect()
}

/// The tables are not those that the migrations make.
pub(super) fn differs(table: &str, column: &str) -> Error {
    Error::new(
        Code::Unavailable,
        format!("The column {column} of the table {table} is not as Bureau makes it."),
    )
    .hint("Somebody changed the database's tables past Bureau: put them back as they were.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_whatever_they_are() {
        assert_eq!(quoted("order"), "\"order\"");
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
    }

    #[test]
    fn a_table_or_column_that_one_engine_lacks_is_named() {
        let table = |columns: &[&str]| Table {
            name: "thing".into(),
            columns: columns
                .iter()
                .map(|name| Column {
                    name: (*name).to_owned(),
                    kind: "text".into(),
                })
                .collect(),
        };
        let error = |ours: Table, theirs: &[Table]| {
            matched(&[ours], theirs).unwrap_err().message().to_owned()
        };
        assert!(error(table(&["a"]), &[]).contains("table thing"));
        assert!(error(table(&["a", "b"]), &[table(&["a"])]).contains("column b"));
        assert!(error(table(&["a"]), &[table(&["a", "b"])]).contains("column b"));
        let other_order = matched(&[table(&["a", "b"])], &[table(&["b", "a"])]).unwrap();
        assert_eq!(other_order, [table(&["a", "b"])]);
    }
}
