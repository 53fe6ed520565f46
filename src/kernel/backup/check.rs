//! Whether a file is a whole backup.

use std::path::Path;

use sqlx::{ConnectOptions as _, Connection as _};

use super::{Contents, Counts, Terms, draft, from_sqlite, schema};
use crate::error::{Code, Error, Result};
use crate::replay::replay;
use crate::store::{Database, OpenOptions, Scope, Store, fault, log, sqlite};
use crate::watch::Watch;

/// What is in a file that was found whole.
pub(super) struct Whole {
    pub(super) counts: Counts,
    end: End,
}

/// Where the change logs of all workspaces end.
pub(super) struct End {
    rows: i64,
    hash: String,
    /// How the records differ from it, where that was accepted.
    differences: Option<String>,
}

impl Whole {
    /// Where the change logs end: how many rows they have, and the hash over all heads.
    pub(super) fn log_end(&self) -> (i64, &str) {
        (self.end.rows, &self.end.hash)
    }

    /// What there is to say of it, now that it is under this name.
    pub(super) fn contents(&self, file: &Path) -> Result<Contents> {
        let data = file.metadata().map_err(|error| draft::fault(file, error))?;
        Ok(Contents {
            bytes: data.len(),
            tables: self.counts.len(),
            rows: self.counts.iter().map(|(_, rows)| rows).sum(),
            change_log_rows: self.end.rows,
            change_log_hash: self.end.hash.clone(),
            differences: self.end.differences.clone(),
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

/// Reads a file with this program's tables to its end: pages, references, the whole change log, and whether the records are
/// what it comes to.
pub(super) async fn whole(path: &Path, terms: Terms<'_>, watch: &dyn Watch) -> Result<Whole> {
    watch.begin("verifying", None);
    let options = OpenOptions {
        read_only: true,
        connections: 1,
        ..OpenOptions::new(Database::Sqlite(path.to_owned()))
    };
    let store = Store::open(&options).await?;
    let found = read(&store, terms, watch).await;
    store.close().await;
    let end = found?;
    let mut conn = sqlite::options(path)
        .read_only(true)
        .connect()
        .await
        .map_err(fault::translate)?;
    let tables = schema::fresh().await?;
    let counts = from_sqlite::count(&mut conn, "main", &tables)
        .await
        .map_err(fault::translate)?;
    conn.close().await.map_err(fault::translate)?;
    Ok(Whole { counts, end })
}

async fn read(store: &Store, terms: Terms<'_>, watch: &dyn Watch) -> Result<End> {
    if let Some(first) = store.integrity().await?.first() {
        return Err(damaged(first));
    }
    log(store, terms, watch).await
}

/// Follows the change logs and compares the records with them; where they end.
pub(super) async fn log(store: &Store, terms: Terms<'_>, watch: &dyn Watch) -> Result<End> {
    let audit = log::verify(store).await?;
    if let Some(broken) = audit.broken {
        return Err(damaged(&broken.to_string()));
    }
    let differences = replay(store, terms.kinds, watch).await?.problem();
    if let Some(problem) = differences.as_ref().filter(|_| !terms.accept_differences) {
        return Err(damaged(problem)
            .hint("bureau doctor says more about the database. With --accept-differences the records are taken as they are."));
    }
    let mut tx = store.read(Scope::System).await?;
    let heads = log::heads(&mut tx).await;
    tx.rollback().await;
    let heads = heads?;
    Ok(End {
        rows: heads.rows(),
        hash: if heads.is_empty() {
            String::new()
        } else {
            heads.hash()
        },
        differences,
    })
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
