//! What was looked up, for as long as nothing in the database can have made it another.

use std::hash::Hash;
use std::sync::Arc;

use dashmap::DashMap;

use crate::error::Result;
use crate::store::{Snapshot, Store};

/// What was looked up, each with the snapshot of the database before it was.
pub(crate) struct Known<K, V>(DashMap<K, (Snapshot, Arc<V>)>);

impl<K: Eq + Hash, V> Default for Known<K, V> {
    fn default() -> Self {
        Self(DashMap::new())
    }
}

impl<K: Eq + Hash, V> Known<K, V> {
    /// What is known of this, looked up where it is not, or may not be so any more. What is not found is not kept, so nobody makes
    /// this grow by asking.
    ///
    /// # Errors
    /// What the look-up says, or the database when it cannot be asked.
    pub(crate) async fn get(
        &self,
        store: &Store,
        key: K,
        look: impl AsyncFnOnce(&K) -> Result<V>,
    ) -> Result<Arc<V>> {
        // Before the look-up: what is committed between the two is looked up once more.
        let snapshot = store.snapshot().await?;
        if let Some(known) = self.0.get(&key).filter(|known| known.0 == snapshot) {
            return Ok(Arc::clone(&known.1));
        }
        match look(&key).await {
            Ok(found) => {
                let found = Arc::new(found);
                self.0.insert(key, (snapshot, Arc::clone(&found)));
                Ok(found)
            }
            Err(error) => {
                self.0.remove(&key);
                Err(error)
            }
        }
    }
}
