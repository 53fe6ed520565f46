//! The database as the search index sees it.

use std::sync::Arc;

use crate::changes;
use crate::error::Error;
use crate::record::AnyRecord;
use crate::registry::Registry;
use crate::search::{Doc, Source, SourceError, Touched};
use crate::store::{Scope, Store, Tx, sql};

/// Reads what the index needs, across all workspaces.
pub(crate) struct Projection {
    pub(crate) store: Store,
    pub(crate) registry: Arc<Registry>,
}

impl Projection {
    async fn read(&self) -> Result<Tx, SourceError> {
        Ok(self.store.read(Scope::System).await?)
    }

    /// Records in the order of their tables' names: what a scan goes through.
    fn kinds(&self) -> Vec<&'static dyn AnyRecord> {
        let mut kinds = self.registry.records().to_vec();
        kinds.sort_by_key(|kind| kind.table());
        kinds
    }
}

impl Source for Projection {
    async fn head(&self) -> Result<i64, SourceError> {
        let mut tx = self.read().await?;
        let head = changes::head(&mut tx).await;
        tx.rollback().await;
        Ok(head?)
    }

    async fn seal(&self, position: i64) -> Result<Option<String>, SourceError> {
        let mut tx = self.read().await?;
        let hash = changes::hash_at(&mut tx, position).await;
        tx.rollback().await;
        Ok(hash?)
    }

    async fn touched(&self, after: i64, limit: usize) -> Result<Vec<Touched>, SourceError> {
        let mut tx = self.read().await?;
        let rows = sql("SELECT position, entity, record FROM change_log WHERE position > ")
            .value(after)
            .sql(" ORDER BY position LIMIT ")
            .value(limit as i64)
            .rows(&mut tx)
            .await;
        tx.rollback().await;
        let mut touched = Vec::new();
        for row in rows? {
            let entity: String = row.get("entity")?;
            // Keys and workspaces are in the log and not in the index; neither is what this build does not know.
            let kind = self
                .registry
                .record(&entity)
                .map_or("", |kind| kind.table());
            touched.push(Touched {
                position: row.get("position")?,
                kind,
                id: row.get("record")?,
            });
        }
        Ok(touched)
    }

    async fn load(&self, records: &[(&'static str, i64)]) -> Result<Vec<Doc>, SourceError> {
        let mut tx = self.read().await?;
        let mut documents = Ok(Vec::new());
        for kind in self.kinds() {
            let ids: Vec<i64> = records
                .iter()
                .filter(|(table, _)| *table == kind.table())
                .map(|(_, id)| *id)
                .collect();
            for chunk in ids.chunks(500) {
                match (
                    &mut documents,
                    kind.documents(&mut tx, Some(chunk), 0, 0).await,
                ) {
                    (Ok(all), Ok(more)) => all.extend(more),
                    (Ok(_), Err(error)) => documents = Err(error),
                    (Err::<Vec<Doc>, Error>(_), _) => {}
                }
            }
        }
        tx.rollback().await;
        Ok(documents?)
    }

    async fn scan(
        &self,
        after: Option<(&'static str, i64)>,
        limit: usize,
    ) -> Result<Vec<Doc>, SourceError> {
        let (table, id) = after.unwrap_or(("", i64::MIN));
        let mut tx = self.read().await?;
        let mut found = Ok(Vec::new());
        for kind in self
            .kinds()
            .into_iter()
            .filter(|kind| kind.table() >= table)
        {
            let after = if kind.table() == table { id } else { i64::MIN };
            found = kind.documents(&mut tx, None, after, limit as i64).await;
            if found
                .as_ref()
                .map_or(true, |documents| !documents.is_empty())
            {
                break;
            }
        }
        tx.rollback().await;
        Ok(found?)
    }
}
