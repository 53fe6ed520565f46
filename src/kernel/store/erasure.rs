//! What was erased leaves the files soon: SQLite overwrites what it deletes in the database, and its log beside the database
//! holds the pages as they were until it is written back and emptied.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::{ConnectOptions as _, Connection as _, Row as _};

use super::{Engine, Store, sqlite};

/// How long the first attempt waits, so that several erasures share one.
const FIRST: Duration = Duration::from_millis(100);
/// The longest pause between attempts.
const LONGEST: Duration = Duration::from_secs(60);
/// How long writers may be held up by readers who still see what was before.
const PATIENCE: Duration = Duration::from_millis(100);

/// Empties the log as soon as nobody reads what was before. Whoever closes the database last does so in any case.
pub(super) fn empty_log_soon(store: &Store) {
    let Engine::Sqlite(engine) = &store.0.engine else {
        return;
    };
    store.0.has_erased.store(true, Ordering::Release);
    if store.0.emptying.swap(true, Ordering::AcqRel) {
        return;
    }
    let path = engine.path().to_owned();
    let weak = Arc::downgrade(&store.0);
    tokio::spawn(async move {
        let mut pause = FIRST;
        loop {
            tokio::time::sleep(pause).await;
            let Some(inner) = weak.upgrade() else { return };
            // What is erased from now on asks for another attempt.
            inner.emptying.store(false, Ordering::Release);
            match empty_log(&path).await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "the database's log could not be emptied yet"),
            }
            if inner.emptying.swap(true, Ordering::AcqRel) {
                return;
            }
            pause = (pause * 2).min(LONGEST);
        }
    });
}

/// The same now, by a process that ends: others that stay do not know that there is something to empty.
pub(super) async fn empty_log_at_last(store: &Store) {
    let Engine::Sqlite(engine) = &store.0.engine else {
        return;
    };
    if store.0.has_erased.load(Ordering::Acquire)
        && let Err(error) = empty_log(engine.path()).await
    {
        tracing::warn!(%error, "the database's log could not be emptied; whoever closes the database last does it");
    }
}

/// Writes the log back and empties it; whether that could be done.
async fn empty_log(path: &Path) -> sqlx::Result<bool> {
    let options = sqlite::options(path).busy_timeout(PATIENCE);
    let mut conn = options.connect().await?;
    let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
        .fetch_one(&mut conn)
        .await?;
    let busy: i64 = row.try_get(0)?;
    conn.close().await?;
    Ok(busy == 0)
}
