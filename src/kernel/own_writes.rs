//! Reading one's own writes: what a caller wrote, in whatever process, is in what it reads next.
//!
//! Records need nothing for that: every committed write is in the next transaction. But the change log is sealed and the
//! search index made after the commit. A call that reads these begins its transaction once they have come as far as its
//! caller's last write, and holds no connection while it waits, because what it waits for needs connections too.
//!
//! Which write was the last is judged by its position in the log: clocks go wrong.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::caller::Caller;
use crate::error::Result;
use crate::record::App;
use crate::store::{Scope, Sql, Store, Tx, sql};
use crate::tool::Awaits;

/// Longest time that a call waits for the sealing of its caller's writes.
const SEAL_WAIT: Duration = Duration::from_secs(2);
/// How often it looks again where nothing tells it of growth.
const LOOK_EACH: Duration = Duration::from_millis(20);

/// The position of the last row that a caller wrote.
enum Own {
    /// This, or 0 where it wrote none.
    Sealed(i64),
    /// Its newest rows have none yet.
    Unsealed,
}

impl App {
    /// A transaction that reads, and sees what its caller wrote in what the call awaits, if that is to be had in time.
    ///
    /// # Errors
    /// What the database says.
    pub(crate) async fn begin_reading(&self, caller: &Caller, awaits: Awaits) -> Result<Tx> {
        let search = match awaits {
            Awaits::Index => self.search.as_ref(),
            Awaits::Passages => self.passages.as_ref(),
            Awaits::Records | Awaits::Log => None,
        };
        let mut tx = self.store.read_anywhere(scope(caller)).await?;
        // Without an index a search reads the records.
        if awaits == Awaits::Records || (awaits.is_of_index() && search.is_none()) {
            return Ok(tx);
        }
        let workspace = caller.workspace.id.raw();
        let own = match last(&mut tx, caller).await {
            Ok(own) => own,
            Err(error) => {
                tx.rollback().await;
                return Err(error);
            }
        };
        if let Own::Sealed(position) = own
            && search.is_none_or(|search| search.has_reached(workspace, position))
        {
            tx.sees_log_up_to(position);
            return Ok(tx);
        }
        tx.rollback().await;
        let position = match own {
            Own::Sealed(position) => Some(position),
            Own::Unsealed => sealed(&self.store, caller).await?,
        };
        let reached = match (position, search) {
            (Some(position), Some(search)) => search.reach(workspace, position).await,
            (position, _) => position.is_some(),
        };
        let mut tx = self.store.read_anywhere(scope(caller)).await?;
        if let Some(position) = position.filter(|_| reached) {
            tx.sees_log_up_to(position);
        }
        Ok(tx)
    }

    /// The position in its workspace's log of the last row that this caller wrote, in this process or another; none if its newest rows are not
    /// sealed in time.
    ///
    /// # Errors
    /// What the database says.
    pub async fn own_last_position(&self, caller: &Caller) -> Result<Option<i64>> {
        let own = reading(&self.store, caller, async |tx| last(tx, caller).await).await?;
        match own {
            Own::Sealed(position) => Ok(Some(position)),
            Own::Unsealed => sealed(&self.store, caller).await,
        }
    }
}

fn scope(caller: &Caller) -> Scope {
    Scope::Workspace(caller.workspace.id.raw())
}

async fn reading<T>(
    store: &Store,
    caller: &Caller,
    part: impl AsyncFnOnce(&mut Tx) -> Result<T>,
) -> Result<T> {
    let mut tx = store.read(scope(caller)).await?;
    let answer = part(&mut tx).await;
    tx.rollback().await;
    answer
}

/// Appends the table and the condition that a row was written by this caller: with its key, or by its member without one.
fn written_by(statement: Sql, caller: &Caller) -> Sql {
    let statement = statement
        .sql(" FROM change_log WHERE workspace = ")
        .value(caller.workspace.id);
    match caller.key {
        Some(key) => statement.sql(" AND api_key = ").value(key),
        None => statement
            .sql(" AND api_key IS NULL AND member = ")
            .value(caller.member),
    }
}

/// One look into an index: where rows without a position stand in the log at all (PostgreSQL), they come first.
async fn last(tx: &mut Tx, caller: &Caller) -> Result<Own> {
    let row = written_by(sql("SELECT position"), caller)
        .sql(" ORDER BY position DESC LIMIT 1")
        .row(tx)
        .await?;
    let Some(row) = row else {
        return Ok(Own::Sealed(0));
    };
    Ok(row
        .get::<Option<i64>>("position")?
        .map_or(Own::Unsealed, Own::Sealed))
}

/// Waits until all rows are sealed that the caller has written by now. What it writes meanwhile is not waited for, or one
/// that never stops writing would never read.
async fn sealed(store: &Store, caller: &Caller) -> Result<Option<i64>> {
    let deadline = Instant::now() + SEAL_WAIT;
    let mut growth = store.growth();
    let newest = reading(store, caller, async |tx| {
        // Not by the table's own order of identifiers: unsealed rows are few.
        written_by(sql("SELECT COALESCE(MAX(+id), 0) AS newest"), caller)
            .sql(" AND position IS NULL")
            .one::<i64>("newest", tx)
            .await
    });
    let newest = newest.await?;
    loop {
        growth.mark_unchanged();
        let position = reading(store, caller, async |tx| {
            let left = written_by(sql("SELECT COUNT(*) AS rows"), caller)
                .sql(" AND position IS NULL AND id <= ")
                .value(newest)
                .one::<i64>("rows", tx)
                .await?;
            if left > 0 {
                return Ok(None);
            }
            written_by(sql("SELECT COALESCE(MAX(position), 0) AS position"), caller)
                .one("position", tx)
                .await
                .map(Some)
        });
        match position.await? {
            Some(position) => return Ok(Some(position)),
            None if Instant::now() >= deadline => return Ok(None),
            None => {
                let next = deadline.min(Instant::now() + LOOK_EACH);
                // Whether the log grew or the time is over: it is looked at again.
                let _ = timeout_at(next, growth.changed()).await;
            }
        }
    }
}
