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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::error::Error;
    use crate::store::{Database, OpenOptions, Scope, sql};

    async fn write(store: &Store) {
        let mut tx = store.write(Scope::System).await.unwrap();
        let counted = sql("INSERT INTO counter (name, value) VALUES ('test', 1)
                           ON CONFLICT (name) DO UPDATE SET value = counter.value + 1");
        counted.run(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_known_is_looked_up_again_after_a_commit_of_anybody_and_only_then() {
        let folder = tempfile::tempdir().unwrap();
        let options = OpenOptions::new(Database::Sqlite(folder.path().join("data.sqlite")));
        let ours = Store::open(&options).await.unwrap();
        let theirs = Store::open(&options).await.unwrap();
        let (known, looks) = (Known::<&str, usize>::default(), AtomicUsize::new(0));
        let get = async || {
            let look = async |_: &&str| Ok(looks.fetch_add(1, Ordering::Relaxed));
            *known.get(&ours, "it", look).await.unwrap()
        };
        assert_eq!((get().await, get().await), (0, 0));
        for (round, writer) in [&ours, &theirs, &ours].into_iter().enumerate() {
            write(writer).await;
            assert_eq!((get().await, get().await), (round + 1, round + 1));
        }
        let fails = async |_: &&str| Err(Error::internal("gone"));
        assert!(known.get(&ours, "other", fails).await.is_err());
        assert!(
            !known.0.contains_key("other"),
            "what is not there is not kept"
        );
        ours.close().await;
        theirs.close().await;
    }
}
