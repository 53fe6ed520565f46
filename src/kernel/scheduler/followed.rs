//! Where something was written since a scheduler last looked: the workspaces that its followers are asked of.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Result;
use crate::store::{Store, sql};

/// How far the logs of all workspaces were followed by one scheduler. A new one knows nothing, and looks at each once.
#[derive(Debug, Default)]
pub(super) struct Followed(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// The newest sealing that was seen.
    sealing: i64,
    /// The workspaces in which something may be left to do, each with the sealing that last moved its log.
    left: BTreeMap<i64, i64>,
}

impl Followed {
    /// The workspaces whose logs went on since it was last asked, and those that are not done, each with the sealing that moved
    /// it.
    ///
    /// # Errors
    /// What the database says. Nothing is forgotten then.
    pub(super) async fn moved(&self, store: &Store) -> Result<BTreeMap<i64, i64>> {
        let mut seen = self.known().sealing;
        let mut heads = heads(store, seen).await?;
        if heads.is_empty() && seen > 0 {
            // An older state of the database stands in its place.
            seen = 0;
            heads = self::heads(store, seen).await?;
        }
        let mut known = self.known();
        known.sealing = heads.iter().map(|(_, at)| *at).fold(seen, i64::max);
        known
            .left
            .extend(heads.into_iter().filter(|(_, at)| *at > seen));
        Ok(known.left.clone())
    }

    /// Nothing is left to do in a workspace as it was moved by this sealing.
    pub(super) fn done(&self, workspace: i64, sealing: i64) {
        let left = &mut self.known().left;
        if left.get(&workspace) == Some(&sealing) {
            left.remove(&workspace);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The workspaces that this sealing or a later one moved, and which.
async fn heads(store: &Store, sealing: i64) -> Result<Vec<(i64, i64)>> {
    let rows = sql("SELECT workspace, sealing FROM log_head WHERE sealing >= ")
        .value(sealing)
        .look(store)
        .await?;
    let heads = rows
        .iter()
        .map(|row| Ok((row.get("workspace")?, row.get("sealing")?)));
    heads.collect()
}
