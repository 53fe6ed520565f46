//! The database as the search index sees it.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use crate::changes::{self, Action};
use crate::error::Error;
use crate::record::{AnyRecord, Read};
use crate::registry::Registry;
use crate::search::{Doc, RecordKey, Scanned, Source, SourceError, Touched};
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
        let rows = sql(
            "SELECT position, workspace, entity, record, action FROM change_log WHERE position > ",
        )
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
                record: (row.get("workspace")?, kind, row.get("record")?),
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

    async fn load(&self, records: &[RecordKey]) -> Result<Vec<Doc>, SourceError> {
        let mut by_kind: BTreeMap<(i64, &str), Vec<i64>> = BTreeMap::new();
        for (workspace, kind, id) in records {
            by_kind.entry((*workspace, kind)).or_default().push(*id);
        }
        let mut tx = self.read().await?;
        let mut documents = Ok(Vec::new());
        'all: for ((workspace, kind), ids) in by_kind {
            // Also of what is in the log and not in the index there are rows.
            let Some(kind) = self.registry.record(kind) else {
                continue;
            };
            for ids in ids.chunks(500) {
                let read = kind.documents(&mut tx, workspace, Some(ids), 0, 0).await;
                match (&mut documents, read) {
                    (Ok(all), Ok(read)) => all.extend(self.documents(read)),
                    (_, Err(error)) => {
                        documents = Err(error);
                        break 'all;
                    }
                    (Err::<Vec<Doc>, Error>(_), Ok(_)) => {}
                }
            }
        }
        tx.rollback().await;
        Ok(documents?)
    }

    async fn scan(&self, after: Option<RecordKey>, limit: usize) -> Result<Scanned, SourceError> {
        let mut tx = self.read().await?;
        let scanned = self.scan_in(&mut tx, after, limit).await;
        tx.rollback().await;
        Ok(scanned?)
    }
}

impl Projection {
    async fn scan_in(
        &self,
        tx: &mut Tx,
        after: Option<RecordKey>,
        limit: usize,
    ) -> Result<Scanned, Error> {
        let mut scanned = Scanned::default();
        let workspaces = sql("SELECT id FROM workspace WHERE id >= ")
            .value(after.map_or(i64::MIN, |(workspace, ..)| workspace))
            .sql(" ORDER BY id")
            .rows(tx)
            .await?;
        for row in workspaces {
            let workspace: i64 = row.get("id")?;
            for kind in self.kinds() {
                let here = (workspace, kind.table());
                let mut from = match after {
                    Some((workspace, table, _)) if here < (workspace, table) => continue,
                    Some((workspace, table, id)) if here == (workspace, table) => id,
                    _ => i64::MIN,
                };
                loop {
                    let left = limit.saturating_sub(scanned.docs.len()) as i64;
                    let read = kind.documents(tx, workspace, None, from, left).await?;
                    let Some(last) = read.last else { break };
                    from = last;
                    scanned.last = Some((workspace, kind.table(), last));
                    scanned.docs.extend(self.documents(read));
                    if scanned.docs.len() >= limit {
                        return Ok(scanned);
                    }
                }
            }
        }
        Ok(scanned)
    }
}
