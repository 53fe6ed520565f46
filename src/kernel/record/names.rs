//! What records are called that an answer, an error or the log names.

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::Serialize;

use super::{AnyRecord, Cx};
use crate::caller::{ApiKey, Member, Team};
use crate::error::Result;
use crate::store::sql;
use crate::types::id::Entity as _;

/// A record whose kind its place says, or nothing but its identifier.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct NamedRecord {
    /// Its identifier.
    pub id: String,
    /// Its name; none for a caller who may not read such records, and where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Cx {
    /// These things of any kind that the log knows, by their tables and numbers: in the same order, with the names of those that
    /// the caller may read, deleted ones too. One statement for each kind.
    ///
    /// # Errors
    /// What the database says.
    pub async fn named(&mut self, things: &[(&str, i64)]) -> Result<Vec<NamedRecord>> {
        let mut wanted: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
        for (table, id) in things {
            wanted.entry(table).or_default().push(*id);
        }
        let mut names = HashMap::new();
        for (table, ids) in wanted {
            let known = self.with_names(table);
            let found = match known {
                Some(ApiKey::TABLE) => self.names_by("api_key_grant", "api_key", &ids).await?,
                Some(table) => self.names_in_table(table, &ids).await?,
                None => continue,
            };
            names.extend(found.into_iter().map(|(id, name)| ((table, id), name)));
        }
        let named = things.iter().map(|(table, id)| NamedRecord {
            id: self.wire_id(table, *id),
            name: names.get(&(*table, *id)).cloned(),
        });
        Ok(named.collect())
    }

    /// The names of what has these numbers in a table, as far as the caller may read it.
    pub(crate) async fn names_in_table(
        &mut self,
        table: &'static str,
        ids: &[i64],
    ) -> Result<HashMap<i64, String>> {
        if !self.may_read(table) {
            return Ok(HashMap::new());
        }
        // A label that is put together, as of a payment, stands in no column.
        let is_name = |name: &str| name == "name";
        let in_column = |kind: &&'static dyn AnyRecord| {
            let mut declared = kind.columns().iter();
            let mut derived = kind.derived().into_iter();
            declared.any(|column| is_name(column.name)) || derived.any(|(name, _)| is_name(name))
        };
        match self.records().record(table).filter(|kind| !in_column(kind)) {
            Some(kind) => Ok(kind.titles(self, ids).await?.into_iter().collect()),
            None => self.names_by(table, "id", ids).await,
        }
    }

    /// The same of a column with the numbers, whoever may read it.
    pub(crate) async fn names_by(
        &mut self,
        table: &'static str,
        column: &'static str,
        ids: &[i64],
    ) -> Result<HashMap<i64, String>> {
        let mut wanted = ids.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        let mut names = HashMap::new();
        for ids in wanted.chunks(1_000) {
            let mut statement = sql("SELECT ")
                .sql(column)
                .sql(" AS id, name FROM ")
                .sql(table)
                .sql(" WHERE workspace = ")
                .value(self.workspace().id)
                .sql(" AND ")
                .sql(column)
                .sql(" IN ");
            statement.push_ids(ids);
            for row in statement.reads_only(table).rows(&mut self.tx).await? {
                // One that cannot be read is named where the record itself is listed.
                names.insert(row.get("id")?, row.get("name").unwrap_or_default());
            }
        }
        Ok(names)
    }

    /// This table, where what stands in it has names.
    fn with_names(&self, table: &str) -> Option<&'static str> {
        let own = [Member::TABLE, Team::TABLE, ApiKey::TABLE];
        let own = own.into_iter().find(|own| *own == table);
        own.or_else(|| self.records().record(table).map(AnyRecord::table))
    }
}
