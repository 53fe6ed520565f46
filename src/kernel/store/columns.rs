//! Which columns the tables have, as the engine says it.

use std::collections::BTreeMap;

use super::{Kind, Store, sql};
use crate::error::Result;

/// The columns of each table, each with the engine's word for what stands in it.
pub(crate) type Tables = BTreeMap<String, BTreeMap<String, String>>;

const SQLITE: &str = "SELECT t.name AS table_name, c.name AS column_name, c.type AS kind
     FROM sqlite_schema AS t, pragma_table_xinfo(t.name) AS c WHERE t.type = 'table'";

const POSTGRES: &str = "SELECT t.relname::TEXT AS table_name, c.attname::TEXT AS column_name,
            format_type(c.atttypid, c.atttypmod) AS kind
     FROM pg_class AS t JOIN pg_attribute AS c ON c.attrelid = t.oid
     WHERE t.relnamespace = current_schema()::regnamespace AND t.relkind IN ('r', 'p')
       AND c.attnum > 0 AND NOT c.attisdropped";

impl Store {
    /// All tables with their columns.
    ///
    /// # Errors
    /// What the database says.
    pub(crate) async fn tables(&self) -> Result<Tables> {
        let statement = if self.is_postgres() { POSTGRES } else { SQLITE };
        let mut tables = Tables::new();
        for row in sql(statement).look(self).await? {
            let columns = tables.entry(row.get("table_name")?).or_default();
            columns.insert(row.get("column_name")?, row.get("kind")?);
        }
        Ok(tables)
    }

    /// The engine's word for a kind of values.
    pub(crate) fn word_for(&self, kind: Kind) -> &'static str {
        match (kind, self.is_postgres()) {
            (Kind::Int | Kind::Bool | Kind::Time, false) => "INTEGER",
            (Kind::Text | Kind::Date | Kind::Json, false) => "TEXT",
            (Kind::Bytes, false) => "BLOB",
            (Kind::Int, true) => "bigint",
            (Kind::Bool, true) => "boolean",
            (Kind::Text, true) => "text",
            (Kind::Time, true) => "timestamp with time zone",
            (Kind::Date, true) => "date",
            (Kind::Json, true) => "jsonb",
            (Kind::Bytes, true) => "bytea",
        }
    }
}
