//! Backups: one file that holds everything, whichever engine it came from and whichever it goes to.
//!
//! A backup is a SQLite database with Bureau's own SQLite schema, made new by the migrations and filled table by table, and
//! at its end stands its manifest. Which tables there are is read from that schema, so a module's new table is in the next
//! backup without a word here. Rows are read in one snapshot of the source:
//!
//! - SQLite: the source is attached and one transaction reads all of it. In WAL mode a reader keeps nobody from
//!   writing. `VACUUM INTO` would do the same, but cannot run in a transaction, so nothing could be counted in its
//!   snapshot, and it takes along whatever else stands in the file; the online backup API begins anew whenever
//!   another process writes, and cannot be reached without `unsafe`.
//!   Only live rows are copied, so nothing of an erased record is left between them.
//! - PostgreSQL: one `REPEATABLE READ READ ONLY` transaction.
//!
//! References are not checked row by row while tables are filled, so a record may refer to one that comes later, in its
//! own table or in another; all of them are checked at the end.
//!
//! # Identifiers after a restore
//!
//! An identifier is made of the time, a node and a sequence. The node comes from the table `counter`, which goes up
//! durably before its process makes the first identifier. So a backup's counter is at least as high as any node in
//! its rows, and a process that starts on the restored database takes a node that none of them was made with (or that
//! was made with 1024 processes earlier, at another time). What a restore must not do is set a counter back: processes
//! that began after the backup have used the nodes in between, and what they told the outside may still be around.
//! Hence every counter becomes the larger one of the backup's and of the database that is replaced.

mod check;
mod draft;
mod from_postgres;
mod from_sqlite;
mod manifest;
mod restore;
mod schema;
mod to_postgres;
mod to_sqlite;

use std::fs::File;
use std::path::Path;

use serde::Serialize;
use sqlx::sqlite::{SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use self::draft::Draft;
use self::manifest::Manifest;
use crate::anchor::Key;
use crate::error::{Error, Result};
use crate::record::AnyRecord;
use crate::store::{Database, fault, migrate, sqlite};
use crate::watch::Watch;

pub use restore::{Prepared, Restored, prepare};

/// What a verified backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contents {
    /// The size of the file.
    pub bytes: u64,
    /// Tables in it.
    pub tables: usize,
    /// Rows in all of them.
    pub rows: i64,
    /// Rows of the change logs of all workspaces.
    pub change_log_rows: i64,
    /// SHA-256 over the heads of all of them, in hexadecimal digits; empty where there is none.
    pub change_log_hash: String,
    /// How its records differ from the change log, where they do and that was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub differences: Option<String>,
}

/// By what a backup is judged, and what it is signed with.
#[derive(Clone, Copy)]
pub struct Terms<'a> {
    /// The kinds of records that this program knows: they are compared with the change log.
    pub kinds: &'a [&'static dyn AnyRecord],
    /// A backup is not refused because its records are not what the change log comes to.
    pub accept_differences: bool,
    /// Signs a backup that is made; one that is restored must have been signed with it.
    pub key: Option<&'a Key>,
    /// A backup is not refused because nobody signed it, although there is a key.
    pub accept_unsigned: bool,
}

/// Rows of each table, in the order of the tables.
type Counts = Vec<(String, i64)>;

/// Copies everything in a database, as it is at one moment, to a new file, whose manifest is signed with the key. The file
/// appears under its name when it is whole, verified and on disk; until then it is called `FILE.partial`.
///
/// # Errors
/// [`Code::Conflict`](crate::error::Code::Conflict) when the file is there already and `overwrite` is not given;
/// [`Code::Unavailable`](crate::error::Code::Unavailable) when the database cannot be read or is damaged, or the disk
/// is full. The file is then not there, or as it was.
pub async fn create(
    database: &Database,
    file: &Path,
    overwrite: bool,
    terms: Terms<'_>,
    watch: &dyn Watch,
) -> Result<Contents> {
    if let Database::Sqlite(source) = database
        && let (Ok(source), Ok(file)) = (source.canonicalize(), file.canonicalize())
        && source == file
    {
        return Err(
            Error::invalid("file", "A database is not its own backup.").hint("Name another file.")
        );
    }
    if !overwrite && file.symlink_metadata().is_ok() {
        return Err(draft::already_there(file));
    }
    let draft = Draft::create(&draft::beside(file, ".partial"))?;
    let counted = fill(database, draft.path(), watch).await?;
    let found = check::whole(draft.path(), terms, watch).await?;
    check::same(&counted, &found.counts)?;
    let (log_rows, hash) = found.log_end();
    sealed(
        draft.path(),
        found.counts.clone(),
        (log_rows, hash),
        terms.key,
    )?;
    draft.publish(file, overwrite)?;
    found.contents(file)
}

/// Ends a file with its manifest.
fn sealed(
    path: &Path,
    rows: Counts,
    (log_rows, hash): (i64, &str),
    key: Option<&Key>,
) -> Result<()> {
    let fail = |error| draft::fault(path, error);
    let mut file = File::open(path).map_err(fail)?;
    let bytes = file.metadata().map_err(fail)?.len();
    let sha256 = manifest::digest_of(&mut file, bytes, &(), |_| Ok(()), fail)?;
    let body = manifest::Body {
        bytes,
        sha256,
        version: migrate::latest(&migrate::SQLITE),
        rows,
        log_rows,
        hash: hash.to_owned(),
    };
    Manifest::new(body, key)?.append(path)
}

/// Ends whatever is in a file with a manifest that says so, as anybody can who changed a backup and has no key: what tests and
/// fuzzing need to come past it. A manifest that is there already goes.
///
/// # Errors
/// What the disk says.
pub fn forge(path: &Path) -> Result<()> {
    let fail = |error| draft::fault(path, error);
    let head = std::fs::read(path).map_err(fail)?;
    let bytes = manifest::pages(&head).unwrap_or(head.len() as u64);
    let file = File::options().write(true).open(path).map_err(fail)?;
    file.set_len(bytes).map_err(fail)?;
    sealed(path, Counts::new(), (0, ""), None)
}

/// Fills an empty file from a database, and gives what the source's snapshot counts.
async fn fill(database: &Database, path: &Path, watch: &dyn Watch) -> Result<Counts> {
    let mut conn = writing(path).await?;
    migrate::SQLITE
        .run_direct(None, &mut conn, false)
        .await
        .map_err(migrate::fault)?;
    let tables = schema::of_sqlite(&mut conn, "main")
        .await
        .map_err(fault::translate)?;
    // Rows that a migration writes are in the source too. Indexes are quicker made at the end than kept up.
    let indexes = to_sqlite::strip(&mut conn, &tables)
        .await
        .map_err(fault::translate)?;
    let counted = match database {
        Database::Sqlite(source) => from_sqlite::copy(source, &mut conn, &tables, watch).await,
        Database::Postgres(url) => from_postgres::copy(url, &mut conn, &tables, watch).await,
    }?;
    for index in indexes {
        run(&mut conn, index).await.map_err(fault::translate)?;
    }
    conn.close().await.map_err(fault::translate)?;
    Ok(counted)
}

/// A connection to a file that nobody else knows of yet: it needs no journal on disk, and is synced as a whole when it is
/// done.
async fn writing(path: &Path) -> Result<SqliteConnection> {
    sqlite::options(path)
        .foreign_keys(false)
        .journal_mode(SqliteJournalMode::Memory)
        .synchronous(SqliteSynchronous::Off)
        .connect()
        .await
        .map_err(fault::translate)
}

/// Runs a statement whose text holds no input, only names that the schema itself says.
async fn run(conn: &mut SqliteConnection, text: String) -> sqlx::Result<()> {
    let text = sqlx::raw_sql(AssertSqlSafe(text));
    text.execute(conn).await.map(|_| ())
}
