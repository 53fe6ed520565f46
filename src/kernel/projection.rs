//! The database as the search index sees it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::changes::{self, Action};
use crate::error::Error;
use crate::record::{AnyRecord, Read};
use crate::registry::Registry;
use crate::search::{Doc, Scanned, Source, SourceError, Touched};
use crate::store::{Scope, Store, Tx, sql};

/// Reads what the index needs, across all workspaces.
pub(crate) struct Projection {
    store: Store,
    registry: Arc<Registry>,
    /// The records of which the log knows already that they cannot be read.
    damaged: Mutex<HashSet<String>>,
}

impl Projection {
    pub(crate) fn new(store: Store, registry: Arc<Registry>) -> Self {
        Self {
            store,
            registry,
            damaged: Mutex::default(),
        }
    }

    /// The documents, those of what cannot be read without a word of it. The log names these once each.
    fn documents(&self, read: Read<Doc>) -> Vec<Doc> {
        let mut damaged = self.damaged.lock().unwrap_or_else(PoisonError::into_inner);
        for error in read.unreadable {
            let record = error.detail_value("record").and_then(|id| id.as_str());
            if record.is_some_and(|record| damaged.insert(record.to_owned())) {
                tracing::error!(?error, "no search finds a record");
            }
        }
        read.found
    }

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
        Ok(changes::look_for_head(&self.store).await?)
    }

    async fn seal(&self, position: i64) -> Result<Option<String>, SourceError> {
        let mut tx = self.read().await?;
        let hash = changes::hash_at(&mut tx, position).await;
        tx.rollback().await;
        Ok(hash?)
    }

    async fn touched(&self, after: i64, limit: usize) -> Result<Vec<Touched>, SourceError> {
        let rows = sql("SELECT position, entity, record, action FROM change_log WHERE position > ")
            .value(after)
            .sql(" ORDER BY position LIMIT ")
            .value(limit as i64)
            .look(&self.store)
            .await;
        let mut touched = Vec::new();
        for row in rows? {
            // A row of the log that cannot be read is doctor's to find; it keeps nobody from following.
            let entity: String = row.get("entity").unwrap_or_default();
            // Keys and workspaces are in the log and not in the index; neither is what this build does not know.
            let kind = self.kind(&entity).unwrap_or_default();
            touched.push(Touched {
                position: row.get("position")?,
                kind,
                id: row.get("record")?,
                erased: row
                    .get::<Action>("action")
                    .is_ok_and(|action| action == Action::Purge),
            });
        }
        Ok(touched)
    }

    fn kind(&self, name: &str) -> Option<&'static str> {
        self.registry.record(name).map(AnyRecord::table)
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
                    (Ok(all), Ok(read)) => all.extend(self.documents(read)),
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
    ) -> Result<Scanned, SourceError> {
        let (table, id) = after.unwrap_or(("", i64::MIN));
        let mut tx = self.read().await?;
        let mut scanned = Ok(Scanned::default());
        for kind in self
            .kinds()
            .into_iter()
            .filter(|kind| kind.table() >= table)
        {
            let after = if kind.table() == table { id } else { i64::MIN };
            scanned = kind
                .documents(&mut tx, None, after, limit as i64)
                .await
                .map(|read| Scanned {
                    last: read.last.map(|id| (kind.table(), id)),
                    docs: self.documents(read),
                });
            if scanned.as_ref().map_or(true, |read| read.last.is_some()) {
                break;
            }
        }
        tx.rollback().await;
        Ok(scanned?)
    }
}
