//! The database as the search index sees it.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Error;
use crate::heads::{Head, Heads};
use crate::record::{AnyRecord, Read, Records};
use crate::search::{Doc, Moved, RecordKey, Scanned, Source, SourceError, Touched};
use crate::store::log::{self, Action};
use crate::store::{Scope, Store, Tx, sql};

/// Reads what the index needs, across all workspaces.
pub(crate) struct Projection {
    store: Store,
    records: Arc<Records>,
    /// Only those that have passages.
    of_passages: bool,
    /// The records of which the log knows already that they cannot be read.
    damaged: Mutex<HashSet<String>>,
}

impl Projection {
    pub(crate) fn new(store: Store, records: Arc<Records>) -> Self {
        Self {
            store,
            records,
            of_passages: false,
            damaged: Mutex::default(),
        }
    }

    /// The same for the records that have passages.
    pub(crate) fn of_passages(store: Store, records: Arc<Records>) -> Self {
        Self {
            of_passages: true,
            ..Self::new(store, records)
        }
    }

    /// Whether such records are in the index.
    fn takes(&self, kind: &dyn AnyRecord) -> bool {
        !self.of_passages || kind.has_passages()
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
        let mut kinds = self.records.all().to_vec();
        kinds.retain(|kind| self.takes(*kind));
        kinds.sort_by_key(|kind| kind.table());
        kinds
    }
}

impl Source for Projection {
    async fn last_sealing(&self) -> Result<i64, SourceError> {
        let rows = sql("SELECT COALESCE(MAX(sealing), 0) AS last FROM log_head")
            .look(&self.store)
            .await?;
        Ok(rows.first().map_or(Ok(0), |row| row.get("last"))?)
    }

    async fn moved(&self, after: i64) -> Result<Vec<Moved>, SourceError> {
        let rows = sql("SELECT workspace, position, hash, sealing FROM log_head WHERE sealing > ")
            .value(after)
            .look(&self.store)
            .await?;
        let mut moved = Vec::with_capacity(rows.len());
        for row in rows {
            let (workspace, head) = log::head_of(&row)?;
            moved.push(Moved {
                workspace,
                head,
                sealing: row.get("sealing")?,
            });
        }
        Ok(moved)
    }

    async fn holds(&self, heads: &Heads) -> Result<bool, SourceError> {
        let mut tx = self.read().await?;
        let holds = holds(&mut tx, heads).await;
        tx.rollback().await;
        Ok(holds?)
    }

    async fn hash_at(&self, workspace: i64, position: i64) -> Result<String, SourceError> {
        let rows = sql("SELECT workspace, position, hash FROM change_log WHERE workspace = ")
            .value(workspace)
            .sql(" AND position = ")
            .value(position)
            .look(&self.store)
            .await?;
        let row = rows.first().ok_or("a row of the change log is gone")?;
        Ok(log::head_of(row)?.1.hash)
    }

    async fn touched(
        &self,
        workspace: i64,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Touched>, SourceError> {
        let rows =
            sql("SELECT position, entity, record, action FROM change_log WHERE workspace = ")
                .value(workspace)
                .sql(" AND position > ")
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
                record: (workspace, kind, row.get("record")?),
                erased: row.get::<Action>("action").is_ok_and(Action::erases),
            });
        }
        Ok(touched)
    }

    fn kind(&self, name: &str) -> Option<&'static str> {
        self.records.record(name).map(AnyRecord::table)
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
            let Some(kind) = self.records.record(kind).filter(|kind| self.takes(*kind)) else {
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

/// Whether the logs have these places. Most heads stand where they stood; of those that went on, the row is looked at.
async fn holds(tx: &mut Tx, known: &Heads) -> Result<bool, Error> {
    let now = log::heads(tx).await?;
    let stands = |workspace, head: &Head| now.get(workspace) == Some(head);
    let gone_on = known
        .iter()
        .filter(|(workspace, head)| !stands(*workspace, head));
    let gone_on: Heads = gone_on
        .map(|(workspace, head)| (workspace, head.clone()))
        .collect();
    Ok(log::first_missing_in(tx, &gone_on).await?.is_none())
}
