//! From a backup to a database: checked on a copy first, then put in place all at once.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use sqlx::sqlite::SqliteConnection;
use sqlx::{ConnectOptions as _, Connection as _};

use super::draft::{self, Draft, beside};
use super::manifest::{self, Manifest};
use super::{Contents, Counts, Terms, check, run, to_postgres};
use crate::anchor::Key;
use crate::error::{Code, Error, Result};
use crate::record::AnyRecord;
use crate::store::sqlite::identity;
use crate::store::{Database, fault, migrate, sqlite, tables};
use crate::watch::Watch;

/// How long a restore waits for other processes to let go of the database.
const PATIENCE: Duration = Duration::from_secs(2);

/// A backup that was found whole, and the database that it is for. Nothing of that database has been touched.
pub struct Prepared {
    database: Database,
    kinds: Vec<&'static dyn AnyRecord>,
    accept_differences: bool,
    key: Option<Key>,
    copy: Draft,
    counts: Counts,
    contents: Contents,
    migrated_from: Option<i64>,
    replaces: bool,
}

/// What a restore did.
#[derive(Debug, Clone, Serialize)]
pub struct Restored {
    /// What the database holds now.
    #[serde(flatten)]
    pub contents: Contents,
    /// The version that the backup had, if it was an older one.
    pub migrated_from: Option<i64>,
    /// Where the database that was there before is now; PostgreSQL keeps none.
    pub kept: Option<PathBuf>,
}

fn no_backup(file: &Path, why: &str) -> Error {
    Error::invalid(
        "file",
        format!(
            "{} is not a whole backup of Bureau: {why}. Nothing was changed.",
            file.display()
        ),
    )
    .hint("Name a file that bureau backup made.")
}

/// Whoever changes a backup can leave its signature out as well.
fn unsigned(file: &Path) -> Error {
    Error::invalid(
        "file",
        format!(
            "{} is not signed, and there is a key that backups are signed with: anybody may have written it. Nothing was changed.",
            file.display()
        ),
    )
    .hint("If you know where it comes from, such as from before there was a key, add --accept-unsigned.")
}

/// Verifies a backup on a copy of it, which is brought to this program's version. The file itself is only read. The copy
/// is beside a SQLite database, so that it can take its name, and in `folder` for PostgreSQL.
///
/// # Errors
/// [`Code::Validation`] when the file is no whole backup; [`Code::Unavailable`] when it is newer than this program, when
/// there is no room for the copy, or when the database to restore into cannot be reached.
pub async fn prepare(
    database: &Database,
    file: &Path,
    folder: &Path,
    terms: Terms<'_>,
    watch: &dyn Watch,
) -> Result<Prepared> {
    let place = match database {
        Database::Sqlite(path) => {
            // What a link names is replaced, not the link.
            let path = path.canonicalize().unwrap_or_else(|_| path.clone());
            if file.canonicalize().is_ok_and(|file| file == path) {
                return Err(Error::invalid("file", "A database is not its own backup.")
                    .hint("Name another file."));
            }
            beside(&path, ".restoring")
        }
        // Not the password: the same database may be named with another one.
        Database::Postgres(url) => {
            let digest = Sha256::digest(url.rsplit('@').next().unwrap_or_default());
            let mark = hex::encode(digest.get(..6).unwrap_or_default());
            folder.join(format!("postgres-{mark}.restoring"))
        }
    };
    let (mut source, manifest) = open(file)?;
    let folder = place
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.or(Some(Path::new("."))) {
        std::fs::create_dir_all(folder).map_err(|error| draft::fault(folder, error))?;
        let room = fs4::available_space(folder).map_err(|error| draft::fault(folder, error))?;
        if manifest.body.bytes > room {
            let error = std::io::ErrorKind::StorageFull.into();
            return Err(draft::fault(&place, error));
        }
    }
    match terms.key.map(|key| manifest.is_signed_with(key)) {
        Some(Some(false)) => {
            return Err(no_backup(file, "it is signed with another key, or somebody changed it").hint(
                "If another Bureau made it, name its key with BUREAU_ANCHOR_KEY_FILE (it is anchor.key in that one's data folder); \
                 where that is lost and you trust the file, put the anchor.key of this data folder aside.",
            ));
        }
        Some(None) if !terms.accept_unsigned => return Err(unsigned(file)),
        Some(_) | None => {}
    }
    let copy = Draft::create(&place)?;
    let digest = copy_bytes((file, &mut source), copy.path(), manifest.body.bytes, watch)?;
    if digest != manifest.body.sha256 {
        return Err(no_backup(
            file,
            "its bytes are not those of which its manifest has the digest",
        ));
    }
    watch.begin("verifying", None);
    let migrated_from = bring_up(file, copy.path()).await?;
    let whole = check::whole(copy.path(), terms, watch)
        .await
        .map_err(|error| match error.detail_value(check::DAMAGE) {
            Some(what) => no_backup(file, what.as_str().unwrap_or_default()),
            None => error,
        })?;
    let said = &manifest.body;
    if migrated_from.is_none() && !said.rows.is_empty() {
        let is_same = said.rows == whole.counts && (said.log_rows, &*said.hash) == whole.log_end();
        if !is_same {
            return Err(no_backup(file, "it does not hold what its manifest says"));
        }
    }
    let contents = Contents {
        bytes: source.metadata().map_or(said.bytes, |data| data.len()),
        ..whole.contents(copy.path())?
    };
    let replaces = match database {
        Database::Sqlite(path) => path.exists(),
        Database::Postgres(url) => to_postgres::holds_data(url).await?,
    };
    Ok(Prepared {
        database: database.clone(),
        kinds: terms.kinds.to_vec(),
        accept_differences: terms.accept_differences,
        key: terms.key.cloned(),
        copy,
        counts: whole.counts,
        contents,
        migrated_from,
        replaces,
    })
}

/// Opens a file that is to be restored, and reads its manifest. Nothing is opened that is no file, such as a pipe, which
/// would never end.
fn open(path: &Path) -> Result<(File, Manifest)> {
    let fail = |error| draft::fault(path, error);
    if !path.metadata().map_err(fail)?.is_file() {
        return Err(no_backup(path, "it is no file"));
    }
    let mut file = File::open(path).map_err(fail)?;
    if !file.metadata().map_err(fail)?.is_file() {
        return Err(no_backup(path, "it is no file"));
    }
    check_head(path, &mut file)?;
    match Manifest::read(&mut file).map_err(fail)? {
        Ok(manifest) => Ok((file, manifest)),
        Err(why) => Err(no_backup(path, why)),
    }
}

/// Looks at the first bytes (<https://sqlite.org/fileformat.html#the_database_header>) before anything is copied.
fn check_head(path: &Path, file: &mut File) -> Result<()> {
    let mut head = Vec::new();
    file.take(100)
        .read_to_end(&mut head)
        .map_err(|error| draft::fault(path, error))?;
    if !head.starts_with(b"SQLite format 3\0") || head.len() < 100 {
        return Err(no_backup(path, "it is another kind of file"));
    }
    // A database that works with a log beside it is not all in one file.
    let logged = head.get(18..20) != Some(&[1, 1]);
    let beside = ["-wal", "-journal"].iter().any(|end| {
        beside(path, end)
            .metadata()
            .is_ok_and(|data| data.len() > 0)
    });
    if logged || beside {
        return Err(no_backup(
            path,
            "it is a database that is in use, of which a part is in other files",
        ));
    }
    Ok(())
}

/// Copies the database without what stands behind it, and answers its digest.
fn copy_bytes(
    (from, source): (&Path, &mut File),
    to: &Path,
    bytes: u64,
    watch: &dyn Watch,
) -> Result<String> {
    watch.begin("copying bytes", Some(bytes));
    let mut target = File::options()
        .write(true)
        .open(to)
        .map_err(|error| draft::fault(to, error))?;
    manifest::digest_of(
        source,
        bytes,
        watch,
        |piece| {
            target
                .write_all(piece)
                .map_err(|error| draft::fault(to, error))
        },
        |error| draft::fault(from, error),
    )
}

/// Brings the copy to this program's version and makes sure that its tables are those that the migrations make. The
/// version that it had, if it was an older one.
async fn bring_up(file: &Path, copy: &Path) -> Result<Option<i64>> {
    let unreadable = |error: sqlx::Error| {
        let full = fault::is_full(&error);
        let translated = fault::translate(error);
        if full {
            translated
        } else {
            no_backup(file, "it cannot be read to its end").cause(translated)
        }
    };
    let mut conn = super::writing(copy).await.map_err(|error| {
        // What stands in the way of opening a file that was copied a moment ago is in the file.
        no_backup(file, "it cannot be opened").cause(error)
    })?;
    let found = sqlite::version(&mut conn).await.map_err(unreadable)?;
    if found == 0 {
        return Err(no_backup(file, "it is another program's database"));
    }
    migrate::check(found, &migrate::SQLITE, false).map_err(|error| {
        Error::new(
            error.code(),
            format!(
                "The backup {} is newer ({found}) than this program ({}).",
                file.display(),
                migrate::latest(&migrate::SQLITE),
            ),
        )
        .hint("Restore it with the Bureau that made it, or a newer one; nothing was changed.")
    })?;
    // What runs by itself is looked at before anything runs: a check that somebody added costs what they like.
    let tables = tables::of_sqlite_at(&mut conn, found).await;
    if let Some(first) = tables.map_err(unreadable)?.first() {
        return Err(no_backup(file, first));
    }
    let pages = sqlite::findings(&mut conn).await;
    if let Some(first) = pages.map_err(unreadable)?.first() {
        return Err(no_backup(file, first));
    }
    // Also compares the migrations that it has had with this program's.
    migrate::SQLITE
        .run_direct(None, &mut conn, false)
        .await
        .map_err(migrate::fault)?;
    conn.close().await.map_err(unreadable)?;
    Ok((found < migrate::latest(&migrate::SQLITE)).then_some(found))
}

impl Prepared {
    /// What the backup holds.
    #[must_use]
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Whether there is data that would go.
    #[must_use]
    pub fn replaces(&self) -> bool {
        self.replaces
    }

    /// Puts the backup in place. `replace` says that data which is there may go; a SQLite database is kept under another
    /// name in any case. `index` is the search index of that database, which does not know of the change and is
    /// removed: the next server makes it anew.
    ///
    /// # Errors
    /// [`Code::Conflict`] when there is data and `replace` is not given; [`Code::Unavailable`] when other processes have
    /// the database open, or it cannot be written. It is then as it was.
    pub async fn apply(self, replace: bool, index: &Path, watch: &dyn Watch) -> Result<Restored> {
        if self.replaces && !replace {
            return Err(to_postgres::not_empty());
        }
        let Self {
            database,
            kinds,
            accept_differences,
            key,
            copy,
            counts,
            contents,
            migrated_from,
            ..
        } = self;
        let kept = match &database {
            Database::Sqlite(path) => {
                let path = path.canonicalize().unwrap_or_else(|_| path.clone());
                put_in_place(&path, copy, replace, index, key.as_ref()).await?
            }
            Database::Postgres(url) => {
                let terms = Terms {
                    kinds: &kinds,
                    accept_differences,
                    key: None,
                    accept_unsigned: false,
                };
                to_postgres::replace(url, (&copy, &counts), replace, terms, watch).await?;
                // A server that runs finds out on its own; one that starts need not.
                remove_index(index);
                None
            }
        };
        Ok(Restored {
            contents,
            migrated_from,
            kept,
        })
    }
}

fn remove_index(index: &Path) {
    if let Err(error) = std::fs::remove_dir_all(index)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        // It notes to which place in which log it belongs, so it is recognised as another database's.
        tracing::warn!(%error, "the old search index could not be removed");
    }
}

/// Gives the copy the database's name, and the database another one. Where there was one, it answers that name.
///
/// At every moment there is a whole database under the name: the old one gets its second name by a link, and the new one
/// takes the first name by a renaming, which is atomic. A process that is killed between the two leaves both names
/// on the old database; the next restore takes the second one away again.
async fn put_in_place(
    path: &Path,
    copy: Draft,
    replace: bool,
    index: &Path,
    key: Option<&Key>,
) -> Result<Option<PathBuf>> {
    let time = chrono::Utc::now().format("%Y%m%dT%H%M%S%3fZ");
    let kept = beside(path, &format!(".before-restore-{time}"));
    if !path.exists() {
        // A log without its database would be read into the new one.
        set_aside(path, &kept)?;
        remove_index(index);
        copy.publish(path, false)?;
        return Ok(None);
    }
    if !replace {
        return Err(to_postgres::not_empty());
    }
    let mut held = match hold(path).await {
        Ok(conn) => Some(conn),
        Err(Held::Damaged) => None,
        Err(Held::Failed(error)) => return Err(error),
    };
    if let Some(old) = &mut held {
        keep_counters(old, copy.path()).await?;
        remove_second_names(path);
    } else {
        // Nobody can open it, so nobody has it open.
        set_aside(path, &kept)?;
    }
    if std::fs::hard_link(path, &kept).is_err() {
        // A file system without hard links.
        match &mut held {
            Some(old) => vacuum_into(old, &kept).await?,
            None => {
                std::fs::copy(path, &kept).map_err(|error| draft::fault(&kept, error))?;
            }
        }
    }
    remove_index(index);
    copy.belong_with(path);
    let placed = copy.publish(path, true);
    if placed.is_err() {
        let _ = std::fs::remove_file(&kept);
    }
    // Only now others may open it: those that waited find another file under the name, and open that.
    if let Some(old) = held {
        let _ = old.close().await;
        // Whole as it is, it can be restored like any backup. Without its manifest it is still a database.
        if placed.is_ok()
            && let Err(error) = super::sealed(&kept, Counts::new(), (0, ""), key)
        {
            tracing::warn!(%error, "the database that was replaced has no manifest");
        }
    }
    placed.map(|()| Some(kept))
}

enum Held {
    /// It is no database any more.
    Damaged,
    Failed(Error),
}

/// Takes a database for this process alone, with its log written back into it.
///
/// What this relies on is SQLite's own locks: a process that has a database open in WAL mode holds a shared lock on the
/// file until it closes it, also while it does nothing, and neither leaving WAL mode nor the exclusive lock is given while
/// anybody else has one. Every writing process of Bureau keeps its connection open as long as it runs. A process that comes
/// later waits for the exclusive lock, and then sees that the name belongs to another file
/// ([`sqlite`](crate::store) looks before and after it opens one). A process that only reads may have no connection at
/// the moment; its next one opens the new file.
async fn hold(path: &Path) -> Result<SqliteConnection, Held> {
    let failed = |error: sqlx::Error| {
        if fault::is_busy(&error) {
            Held::Failed(in_use(path))
        } else if fault::is_damaged(&error) {
            Held::Damaged
        } else {
            Held::Failed(fault::translate(error))
        }
    };
    let mut conn = sqlite::options(path)
        .foreign_keys(false)
        .busy_timeout(PATIENCE)
        .connect()
        .await
        .map_err(failed)?;
    run(&mut conn, "PRAGMA locking_mode = EXCLUSIVE".into())
        .await
        .map_err(failed)?;
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode = DELETE")
        .fetch_one(&mut conn)
        .await
        .map_err(failed)?;
    if mode != "delete" {
        return Err(Held::Failed(in_use(path)));
    }
    // In this locking mode the lock stays until the connection is closed.
    run(&mut conn, "BEGIN EXCLUSIVE; COMMIT".into())
        .await
        .map_err(failed)?;
    Ok(conn)
}

fn in_use(path: &Path) -> Error {
    Error::new(
        Code::Unavailable,
        format!(
            "Other processes have the database {} open; nothing was changed.",
            path.display()
        ),
    )
    .hint("Stop every server and client on it, then restore again.")
}

/// No counter goes back: see the module's head.
async fn keep_counters(old: &mut SqliteConnection, copy: &Path) -> Result<()> {
    let counters: Vec<(String, i64)> = sqlx::query_as("SELECT name, value FROM counter")
        .fetch_all(old)
        .await
        // A file of another program, or one that is damaged there, has nothing to say.
        .unwrap_or_default();
    let mut conn = super::writing(copy).await?;
    for (name, value) in counters {
        sqlx::query(
            "INSERT INTO counter (name, value) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET value = MAX(value, excluded.value)",
        )
        .bind(name)
        .bind(value)
        .execute(&mut conn)
        .await
        .map_err(fault::translate)?;
    }
    conn.close().await.map_err(fault::translate)
}

async fn vacuum_into(old: &mut SqliteConnection, kept: &Path) -> Result<()> {
    sqlx::query("VACUUM INTO $1")
        .bind(kept.to_string_lossy().into_owned())
        .execute(old)
        .await
        .map(|_| ())
        .map_err(fault::translate)
}

/// Takes the log and its index out of the way of a database that is to come, under the names that go with `kept`.
fn set_aside(path: &Path, kept: &Path) -> Result<()> {
    for end in ["-wal", "-shm", "-journal"] {
        let from = beside(path, end);
        if from.exists() {
            std::fs::rename(&from, beside(kept, end))
                .map_err(|error| draft::fault(&from, error))?;
        }
    }
    Ok(())
}

/// Removes the names that a restore which was killed half-way has put on the database that is still in place.
fn remove_second_names(path: &Path) {
    let start = beside(path, ".before-restore-");
    let (Some(folder), Some(start)) = (path.parent(), start.file_name()) else {
        return;
    };
    let start = start.to_string_lossy();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_second = entry.file_name().to_string_lossy().starts_with(&*start)
            && identity(path).is_some()
            && identity(&entry.path()) == identity(path);
        if is_second {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
