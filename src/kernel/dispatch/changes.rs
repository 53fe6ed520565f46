//! What was written since somebody last looked: for whoever waits for a record to be another one than it was.

use std::collections::{BTreeMap, BTreeSet};

use super::{Dispatcher, scope};
use crate::admin;
use crate::caller::Caller;
use crate::error::Result;
use crate::store::{Tx, sql};
use crate::types::id::AnyId;

/// What was written in a workspace.
#[derive(Debug, Default)]
pub struct Written {
    /// Where its log stands now.
    pub end: i64,
    /// The tables in which something was written.
    pub tables: BTreeSet<String>,
    /// Those of the records asked about of which something was written: of themselves, or of what refers to them.
    pub records: Vec<AnyId>,
}

/// Entries of the log that are looked at. Where there are more, whatever is asked about counts as written.
const MOST: i64 = 500;

impl Dispatcher {
    /// The same caller as it may call now.
    ///
    /// # Errors
    /// [`Code::Unauthorized`](crate::error::Code::Unauthorized) when its key was revoked or has expired since, or its member is gone.
    pub async fn still(&self, caller: Caller) -> Result<Caller> {
        admin::still(&self.app.store, caller).await
    }

    /// Where the log of the caller's workspace stands.
    ///
    /// # Errors
    /// What the database says.
    pub async fn log_end(&self, caller: &Caller) -> Result<i64> {
        let mut tx = self.app.store.read(scope(caller)).await?;
        let end = end(&mut tx, caller).await;
        tx.rollback().await;
        end
    }

    /// What was written in the caller's workspace after this place in its log.
    ///
    /// # Errors
    /// What the database says.
    pub async fn written_since(
        &self,
        caller: &Caller,
        after: i64,
        records: &[AnyId],
    ) -> Result<Written> {
        let mut tx = self.app.store.read(scope(caller)).await?;
        let written = self.written(&mut tx, caller, after, records).await;
        tx.rollback().await;
        written
    }

    async fn written(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        after: i64,
        asked: &[AnyId],
    ) -> Result<Written> {
        let workspace = caller.workspace.id;
        let rows =
            sql("SELECT position, entity, record, action FROM change_log WHERE workspace = ")
                .value(workspace)
                .sql(" AND position > ")
                .value(after)
                .sql(" ORDER BY position LIMIT ")
                .value(MOST)
                .rows(tx)
                .await?;
        let mut written = Written {
            end: after,
            ..Written::default()
        };
        let mut by_table: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        let mut erased = BTreeSet::new();
        for row in &rows {
            written.end = row.get("position")?;
            let table: String = row.get("entity")?;
            by_table
                .entry(table.clone())
                .or_default()
                .push(row.get("record")?);
            if row.get::<String>("action")? == "purge" {
                erased.insert(table.clone());
            }
            written.tables.insert(table);
        }
        if i64::try_from(rows.len()).unwrap_or(MOST) >= MOST {
            written.end = end(tx, caller).await?;
            written.records = asked.to_vec();
            return Ok(written);
        }
        let kinds = self.registry.records();
        for record in asked {
            let Some(kind) = kinds.record_with_prefix(record.prefix()) else {
                continue;
            };
            let own = by_table.get(kind.table());
            let mut is_written = own.is_some_and(|ids| ids.contains(&record.raw()));
            for (other, link) in kinds.links_of(|_| true, kind.table()) {
                let Some(ids) = by_table.get(other.table()).filter(|_| !is_written) else {
                    continue;
                };
                // Of what was erased nobody knows what it referred to: rather once too often.
                if erased.contains(other.table()) {
                    is_written = true;
                    continue;
                }
                let mut statement = sql("SELECT COUNT(*) AS count FROM ")
                    .sql(other.table())
                    .sql(" WHERE workspace = ")
                    .value(workspace)
                    .sql(" AND ")
                    .sql(link.column.name)
                    .sql(" IN ");
                link.push_values(&mut statement, &[record.raw()]);
                statement.push(" AND id IN ");
                statement.push_ids(ids);
                let count: i64 = statement.one("count", tx).await?;
                is_written = count > 0;
            }
            if is_written {
                written.records.push(record.clone());
            }
        }
        Ok(written)
    }
}

async fn end(tx: &mut Tx, caller: &Caller) -> Result<i64> {
    let end: Option<i64> =
        sql("SELECT MAX(position) AS position FROM change_log WHERE workspace = ")
            .value(caller.workspace.id)
            .one("position", tx)
            .await?;
    Ok(end.unwrap_or_default())
}
