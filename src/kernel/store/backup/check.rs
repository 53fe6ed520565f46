//! Whether a file is a whole backup.

use std::path::Path;

use sqlx::{ConnectOptions as _, Connection as _};

use super::{Contents, Counts, Watch, draft, from_sqlite, schema};
use crate::changes;
use crate::error::{Code, Error, Result};
use crate::store::{Database, OpenOptions, Scope, Store, fault, sqlite};

/// What is in a file that was found whole.
pub(super) struct Whole {
    pub(super) counts: Counts,
    position: i64,
    hash: String,
}

impl Whole {
    /// What there is to say of it, now that it is under this name.
    pub(super) fn contents(&self, file: &Path) -> Result<Contents> {
        let data = file.metadata().map_err(|error| draft::fault(file, error))?;
        Ok(Contents {
            bytes: data.len(),
            tables: self.counts.len(),
            rows: self.counts.iter().map(|(_, rows)| rows).sum(),
            change_log_position: self.position,
            change_log_hash: self.hash.clone(),
        })
    }
}

/// The detail of an error that says what is damaged.
pub(super) const DAMAGE: &str = "damage";

fn damaged(what: &str) -> Error {
    Error::new(
        Code::Unavailable,
        format!("The data is not whole: {what}. Nothing was changed."),
    )
    .hint("bureau doctor says more about the database.")
    .detail(DAMAGE, what)
}

/// Reads a file with this program's tables to its end: pages, references and the whole change log.
pub(super) async fn whole(path: &Path, watch: &dyn Watch) -> Result<Whole> {
    watch.begin("verifying", None);
    let options = OpenOptions {
        read_only: true,
        connections: 1,
        ..OpenOptions::new(Database::Sqlite(path.to_owned()))
    };
    let store = Store::open(&options).await?;
    let found = read(&store).await;
    store.close().await;
    let (position, hash) = found?;
    let mut conn = sqlite::options(path)
        .read_only(true)
        .connect()
        .await
        .map_err(fault::translate)?;
    let (tables, _) = schema::fresh().await?;
    let counts = from_sqlite::count(&mut conn, "main", &tables)
        .await
        .map_err(fault::translate)?;
    conn.close().await.map_err(fault::translate)?;
    Ok(Whole {
        counts,
        position,
        hash,
    })
}

async fn read(store: &Store) -> Result<(i64, String)> {
    if let Some(first) = store.integrity().await?.first() {
        return Err(damaged(first));
    }
    chain(store).await
}

/// Follows the change log; where it ends.
pub(super) async fn chain(store: &Store) -> Result<(i64, String)> {
    let audit = changes::verify(store).await?;
    if let Some((position, what)) = audit.broken {
        return Err(damaged(&format!(
            "at position {position} of the change log {what}"
        )));
    }
    let mut tx = store.read(Scope::System).await?;
    let hash = changes::hash_at(&mut tx, audit.rows).await;
    tx.rollback().await;
    Ok((audit.rows, hash?.unwrap_or_default()))
}

/// Whether everything arrived.
pub(super) fn same(sent: &Counts, arrived: &Counts) -> Result<()> {
    if sent == arrived {
        return Ok(());
    }
    let missing = sent
        .iter()
        .find(|(table, rows)| !arrived.contains(&(table.clone(), *rows)));
    let table = missing.map_or("another table", |(table, _)| table);
    Err(damaged(&format!(
        "the table {table} has not as many rows as it should"
    )))
}
