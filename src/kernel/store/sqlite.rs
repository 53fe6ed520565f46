//! SQLite: one file, one writer connection, a pool of readers for callers and a small one for the server.
//!
//! Writes of many callers share one durable commit. Each call runs in a savepoint of the open transaction; when it
//! is done, a committer stands in line behind the calls that wait for the connection, and commits what they all
//! did. One caller alone is committed at once, sixty-four wait for one flush of the disk together.
//!
//! Several processes on one file are the normal case. They take [`Turns`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};

use super::in_place::{self, Use};
use super::readers::{Reader, Readers};
use super::turns::Turns;
use super::value::{Kind, Row, SqliteRow, Value};
use super::{OpenOptions, Scope, Snapshot, Steps, WRITE_WAIT, fault, migrate};
use crate::error::{Code, Error, Result};
use crate::store::log::{LogRow, Seal};
use crate::types::id::IdGenerator;
use crate::types::time::Timestamp;

/// How long a process may take turns in a row before it lets others go first.
const TURNS: Duration = Duration::from_millis(100);
/// How long it then stands back: enough for a process that waits for the lock to wake up and take it.
const REST: Duration = Duration::from_millis(1);

/// Connections on which the server reads (keys, readiness, the index): each look-up holds one for a moment.
const OWN: u32 = 3;

pub(crate) struct Sqlite {
    place: Place,
    callers: Readers,
    own: Readers,
    watch: Mutex<Watch>,
    writer: Option<Arc<Mutex<Writer>>>,
    write_wait: Duration,
}

/// A connection that is asked only whether anything was committed since it was asked last.
#[derive(Default)]
struct Watch {
    conn: Option<Box<in_place::Connection>>,
    /// How many connections there were: each counts commits by itself.
    opened: u64,
}

/// The file that was opened, by its name and by what tells it from another one that has the name later.
#[derive(Clone)]
struct Place {
    path: PathBuf,
    identity: Identity,
}

impl Place {
    fn of(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            identity: identity(path),
        }
    }

    /// What is written to a file that lost its name is lost with it, and what is read there may be long out of date.
    fn check(&self) -> Result<()> {
        if identity(&self.path) == self.identity {
            return Ok(());
        }
        Err(Error::new(
            Code::Unavailable,
            "The database file was replaced or removed while Bureau ran; nothing was written.",
        )
        .hint("Start this Bureau again: it goes on with the file that is there now."))
    }
}

/// The one connection that writes, and the transaction that callers share.
struct Writer {
    conn: in_place::Connection,
    place: Place,
    turns: Turns,
    /// The shared transaction is open.
    open: bool,
    /// What becomes of the last caller's savepoint; done by whoever comes next, so that no caller can leave it undone.
    last: SavepointState,
    /// A fault after which SQLite may have given up the whole transaction.
    lost: Option<Arc<sqlx::Error>>,
    committer_waits: bool,
    acknowledge: Vec<oneshot::Sender<Result<(), Lost>>>,
    /// Where the sealed logs end as this transaction sees them, of those workspaces that it needed to know.
    ends: LogEnds,
    /// When this process last let others go first.
    rested: Instant,
    steps: Steps,
}

/// Where the logs of some workspaces end.
pub(crate) type LogEnds = BTreeMap<i64, LogEnd>;

/// Where the log of a workspace ends.
#[derive(Clone)]
pub(crate) struct LogEnd {
    seal: Seal,
    /// When its newest row was made, where this transaction wrote it: the head is then to be moved.
    moved: Option<Timestamp>,
}

impl LogEnd {
    /// That of a workspace, as its head says; its beginning where there is none.
    fn of(workspace: i64, head: Option<&SqliteRow>) -> sqlx::Result<Self> {
        let mut end = Self::new(workspace);
        if let Some(head) = head
            && let Some((position, hash)) = head.number("position")?.zip(head.bytes("hash")?)
        {
            end.seal = Seal { position, hash };
        }
        Ok(end)
    }

    /// That of one that has none yet.
    fn new(workspace: i64) -> Self {
        Self {
            seal: Seal::genesis(workspace),
            moved: None,
        }
    }
}

/// Why a shared transaction came to nothing, told to everyone who was in it.
#[derive(Clone)]
struct Lost {
    cause: Arc<sqlx::Error>,
    /// The disk failed at the commit, and it could not be made sure that none of it is there.
    unknown: bool,
}

impl From<Arc<sqlx::Error>> for Lost {
    fn from(cause: Arc<sqlx::Error>) -> Self {
        Self {
            cause,
            unknown: false,
        }
    }
}

/// How a caller left its savepoint.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SavepointState {
    /// It is there no more.
    Settled,
    /// What was done in it stays.
    Kept,
    /// What was done in it goes: rolled back, or its task was dropped.
    Undone,
}

impl SavepointState {
    /// Settles it and makes the next caller's savepoint.
    const fn then_savepoint(self) -> &'static [&'static str] {
        match self {
            Self::Settled => &["SAVEPOINT call"],
            Self::Kept => &["RELEASE call", "SAVEPOINT call"],
            // This leaves the savepoint itself where it is.
            Self::Undone => &["ROLLBACK TO call"],
        }
    }

    /// What comes before a commit, which keeps what is in any savepoint.
    const fn before_commit(self) -> &'static [&'static str] {
        match self {
            Self::Settled | Self::Kept => &[],
            Self::Undone => &["ROLLBACK TO call"],
        }
    }
}

pub(crate) enum Connection {
    Read(Box<Reader>),
    Write(Write),
}

/// A caller's savepoint in the shared transaction.
pub(crate) struct Write {
    writer: Option<OwnedMutexGuard<Writer>>,
    shared: Arc<Mutex<Writer>>,
    /// Where the logs ended before this caller, for a rollback.
    ends_before: LogEnds,
}

impl Write {
    fn conn(&mut self) -> sqlx::Result<&mut in_place::Connection> {
        let writer = self.writer.as_mut();
        writer
            .map(|writer| &mut writer.conn)
            .ok_or(sqlx::Error::WorkerCrashed)
    }
}

pub(crate) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(WRITE_WAIT)
        .pragma("mmap_size", "0")
        .statement_cache_capacity(256)
        .disable_statement_logging()
}

fn cannot_open(path: &Path, error: sqlx::Error) -> Error {
    let text = error.to_string();
    let (message, hint) = if text.contains("not a database") || text.contains("malformed") {
        (
            "is not a whole SQLite database",
            "Nothing was changed. Choose another file, or restore a backup of this one.",
        )
    } else if fault::is_full(&error) {
        (
            "has no room: the disk is full",
            "Free space and start again, or start with --read-only; nothing was changed.",
        )
    } else if text.contains("unable to open") || text.contains("ermission") {
        (
            "cannot be opened",
            "Check that its folder exists and that you may read and write there.",
        )
    } else if text.contains("readonly") {
        (
            "is not writable",
            "Change its permissions, or start with --read-only.",
        )
    } else if fault::is_busy(&error) {
        (
            "is held by another process",
            "Try again; if it stays so, one that writes to it hangs. Nothing was changed.",
        )
    } else if fault::is_disk(&error) {
        (
            "cannot be read or written: the disk failed, or has no room",
            "Look at its health and space, or start with --read-only; nothing was changed.",
        )
    } else {
        (
            "cannot be used",
            "Check the disk and the file's permissions; nothing was changed.",
        )
    };
    Error::new(
        Code::Unavailable,
        format!("The database {} {message}.", path.display()),
    )
    .hint(hint)
    .cause(error)
}

impl Watch {
    async fn ask(&mut self, path: &Path) -> sqlx::Result<Snapshot> {
        let conn = match &mut self.conn {
            Some(conn) => conn,
            empty => {
                self.opened += 1;
                empty.insert(Box::new(in_place::Connection::open(path, Use::Read).await?))
            }
        };
        let rows = conn.fetch("PRAGMA data_version", &[]).await?;
        let version = rows.first().map(|row| row.number("data_version"));
        let version = version.transpose()?.flatten();
        Ok(Snapshot(
            self.opened,
            version.ok_or(sqlx::Error::RowNotFound)?,
        ))
    }
}

impl Sqlite {
    pub(crate) async fn open(path: &Path, settings: &OpenOptions) -> Result<Self> {
        let fail = |error| cannot_open(path, error);
        if settings.read_only && !path.exists() {
            return Err(Error::new(
                Code::Unavailable,
                format!("There is no database {}.", path.display()),
            )
            .hint(
                "--read-only makes none: start Bureau once without it, or name an existing file.",
            ));
        }
        let (mut writer, mut first) = (None, None);
        if settings.read_only {
            let mut conn = options(path)
                .read_only(true)
                .connect()
                .await
                .map_err(fail)?;
            let found = version(&mut conn).await.map_err(fail)?;
            migrate::check(found, &migrate::SQLITE, true)?;
            conn.close().await.map_err(fail)?;
        } else {
            let (opened, reader) = Writer::open(path, settings.write_wait, &settings.steps).await?;
            writer = Some(Arc::new(Mutex::new(opened)));
            first = reader;
        }
        Ok(Self {
            place: Place::of(path),
            callers: Readers::new(path, settings.connections.max(1), None),
            own: Readers::new(path, OWN, first),
            watch: Mutex::default(),
            writer,
            write_wait: settings.write_wait,
        })
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        &self.place.path
    }

    pub(crate) fn connections(&self) -> u32 {
        // With the one that watches.
        self.callers.most() + self.own.most() + 1 + u32::from(self.writer.is_some())
    }

    pub(crate) async fn read(&self, scope: Scope) -> Result<Connection> {
        let pool = match scope {
            Scope::System => &self.own,
            Scope::Workspace(_) => &self.callers,
        };
        self.place.check()?;
        let reader = pool.take().await.map_err(fault::translate)?;
        Ok(Connection::Read(Box::new(reader)))
    }

    /// The rows of one statement, which is a transaction by itself.
    pub(crate) async fn look(&self, text: &str, values: &[Value]) -> Result<Vec<Row>> {
        self.place.check()?;
        let reader = self.own.take().await.map_err(fault::translate)?;
        let rows = reader.look(text, values).await;
        rows.map_err(fault::translate)
    }

    /// See [`super::Store::snapshot`]: <https://sqlite.org/pragma.html#pragma_data_version>.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot> {
        self.place.check()?;
        let mut watch = self.watch.lock().await;
        let asked = watch.ask(self.path()).await;
        if asked.is_err() {
            watch.conn = None;
        }
        asked.map_err(fault::translate)
    }

    /// A place in the shared transaction. Dropped before it is had, the place in line is given up.
    pub(crate) async fn write(
        &self,
        ids: &Arc<OnceLock<IdGenerator>>,
        scope: Scope,
    ) -> Result<Connection> {
        let shared = self
            .writer
            .clone()
            .ok_or_else(|| Error::new(Code::ReadOnly, "This server is read-only."))?;
        let deadline = Instant::now() + self.write_wait;
        let ids = Arc::clone(ids);
        let (mut caller, begun) = oneshot::channel();
        // In a task of its own: a caller that goes away halfway would leave a transaction that nobody knows of, and one that
        // stands still would keep others from the place that it was given.
        tokio::spawn(async move {
            let had = tokio::select! {
                had = turn(&shared, deadline) => had,
                () = caller.closed() => return,
            };
            let outcome = match had {
                Ok(mut writer) => {
                    let begun = writer.begin(&ids, scope, deadline, || caller.is_closed());
                    let begun = begun.await;
                    begun.map(|()| Write {
                        ends_before: writer.ends.clone(),
                        writer: Some(writer),
                        shared,
                    })
                }
                Err(error) => Err(error),
            };
            // Nobody there any more: dropped, it is undone.
            let _ = caller.send(outcome);
        });
        begun.await.map_err(Error::internal)?.map(Connection::Write)
    }

    pub(crate) async fn close(&self) {
        self.callers.close().await;
        self.own.close().await;
        self.watch.lock().await.conn = None;
        if let Some(writer) = &self.writer {
            // A committer may stand in line for what callers wait for.
            writer.lock().await.commit().await;
        }
    }

    pub(crate) async fn integrity(&self) -> Result<Vec<String>> {
        let connected = options(self.path()).read_only(true).connect().await;
        let mut conn = connected.map_err(fault::translate)?;
        let found = findings(&mut conn).await.map_err(fault::translate);
        conn.close().await.map_err(fault::translate)?;
        found
    }
}

/// What is wrong with a file's pages and references.
pub(crate) async fn findings(conn: &mut SqliteConnection) -> sqlx::Result<Vec<String>> {
    let mut findings = Vec::new();
    for (pragma, good) in [
        ("PRAGMA integrity_check", Some("ok")),
        ("PRAGMA foreign_key_check", None),
    ] {
        for row in sqlx::raw_sql(pragma).fetch_all(&mut *conn).await? {
            let text: String = row.try_get_unchecked(0)?;
            if Some(text.as_str()) != good {
                findings.push(text);
            }
        }
    }
    Ok(findings)
}

/// The newest migration that a database has had; 0 for an empty one.
pub(crate) async fn version(conn: &mut SqliteConnection) -> sqlx::Result<i64> {
    let known = sqlx::query("SELECT name FROM sqlite_master WHERE name = '_sqlx_migrations'")
        .fetch_optional(&mut *conn)
        .await?;
    if known.is_none() {
        return Ok(0);
    }
    sqlx::query("SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations WHERE success")
        .fetch_one(conn)
        .await?
        .try_get(0)
}

/// Waits for the writer, and with it for this process's turn.
async fn turn(shared: &Arc<Mutex<Writer>>, deadline: Instant) -> Result<OwnedMutexGuard<Writer>> {
    let line = Arc::clone(shared).lock_owned();
    let mut writer = tokio::time::timeout_at(deadline.into(), line)
        .await
        .map_err(|_| crowded())?;
    if !writer.open && !writer.turns.take(deadline).await.map_err(no_turn)? {
        return Err(held_by_another());
    }
    Ok(writer)
}

fn crowded() -> Error {
    Error::new(
        Code::Unavailable,
        "There is more to write than this database takes; nothing was written. Try again.",
    )
    .retry_after(5)
}

fn held_by_another() -> Error {
    Error::new(
        Code::Unavailable,
        "Another process holds the database and does not let go; nothing was written. Try again.",
    )
    .hint("If it stays so, one that writes to this database hangs: end it, or stop what it does.")
    .retry_after(5)
}

fn no_turn(error: std::io::Error) -> Error {
    Error::new(
        Code::Unavailable,
        "The file by which processes take turns cannot be locked; nothing was written.",
    )
    .hint("Check the folder of the database, and that it is not on a file system without locks.")
    .cause(error)
}

impl Writer {
    /// The writer, and a connection that reads where one was opened beside it.
    async fn open(
        path: &Path,
        patience: Duration,
        steps: &Steps,
    ) -> Result<(Self, Option<in_place::Connection>)> {
        let fail = |error| cannot_open(path, error);
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            crate::private::folder(folder).map_err(|error| fail(error.into()))?;
        }
        if let Some((own, reader)) = current(path).await {
            let turns = Turns::open(path, steps).map_err(|error| fail(error.into()))?;
            return Ok((Self::new(own, path, turns, steps), Some(reader)));
        }
        let mut conn = connect(path).await.map_err(fail)?;
        restrict(path);
        let found = version(&mut conn).await.map_err(fail)?;
        let is_old = migrate::check(found, &migrate::SQLITE, false)?;
        // Nothing was written so far, and nothing is left beside a file that is no database.
        let mut turns = Turns::open(path, steps).map_err(|error| fail(error.into()))?;
        if is_old || !is_wal(&mut conn).await.map_err(fail)? {
            // Two processes that start at once on a new file: one makes and migrates it, the other finds it done.
            let deadline = Instant::now() + patience;
            if !turns.take(deadline).await.map_err(no_turn)? {
                return Err(held_by_another());
            }
            let mut outcome = make_wal(&mut conn, deadline).await.map_err(fail);
            if outcome.is_ok() {
                outcome = upgrade(&mut conn, path, found).await;
            }
            turns.give();
            outcome?;
        }
        // Opened while the other still is, so that no restore comes between them.
        let own = in_place::Connection::open(path, Use::Write).await;
        let own = own.map_err(fail)?;
        conn.close().await.map_err(fail)?;
        Ok((Self::new(own, path, turns, steps), None))
    }

    fn new(conn: in_place::Connection, path: &Path, turns: Turns, steps: &Steps) -> Self {
        Self {
            conn,
            place: Place::of(path),
            turns,
            open: false,
            last: SavepointState::Settled,
            lost: None,
            committer_waits: false,
            acknowledge: Vec::new(),
            ends: LogEnds::new(),
            rested: Instant::now(),
            steps: steps.clone(),
        }
    }

    /// Makes the shared transaction open, with a savepoint for the next caller.
    async fn begin(
        &mut self,
        ids: &OnceLock<IdGenerator>,
        scope: Scope,
        deadline: Instant,
        is_given_up: impl Fn() -> bool,
    ) -> Result<()> {
        if self.open {
            match self.settle(SavepointState::then_savepoint).await {
                Ok(()) => return Ok(()),
                // The transaction is lost with what others did in it; this caller starts a new one.
                Err(error) => self.end(Err(error.into())).await,
            }
        }
        if !self.turns.take(deadline).await.map_err(no_turn)? {
            return Err(held_by_another());
        }
        let begun = match self.place.check() {
            Ok(()) => {
                let begun = self.begin_shared(ids, scope, deadline, is_given_up).await;
                begun.map_err(fault::translate)
            }
            Err(replaced) => Err(replaced),
        };
        if begun.is_err() {
            self.finish().await;
        }
        begun
    }

    async fn begin_shared(
        &mut self,
        ids: &OnceLock<IdGenerator>,
        scope: Scope,
        deadline: Instant,
        is_given_up: impl Fn() -> bool,
    ) -> sqlx::Result<()> {
        let workspace = match scope {
            Scope::Workspace(workspace) => Some(workspace),
            Scope::System => None,
        };
        loop {
            match self.command("BEGIN IMMEDIATE").await {
                Ok(()) => {}
                // Whoever writes without taking turns (a backup, a person with a shell) is waited for as well.
                Err(error)
                    if fault::is_busy(&error) && Instant::now() < deadline && !is_given_up() =>
                {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    continue;
                }
                Err(error) => return Err(error),
            }
            self.open = true;
            self.command("SAVEPOINT call").await?;
            let asked = [workspace.map_or(Value::Null(Kind::Int), Value::Int)];
            let found = self.conn.fetch(
                "SELECT (SELECT value FROM counter WHERE name = 'node') AS node, position, hash
                 FROM (SELECT 1) LEFT JOIN log_head ON workspace = $1",
                &asked,
            );
            let found = self.steps.alone(found).await?;
            let found = found.first().ok_or(sqlx::Error::RowNotFound)?;
            self.ends.clear();
            if let Some(workspace) = workspace {
                self.ends
                    .insert(workspace, LogEnd::of(workspace, Some(found))?);
            }
            let newest = found.number("node")?;
            if ids
                .get()
                .is_some_and(|ids| ids.is_own(newest.unwrap_or_default()))
            {
                return Ok(());
            }
            self.command("ROLLBACK").await?;
            self.open = false;
            self.take_node(ids).await?;
        }
    }

    /// Takes a number for the identifiers of this process. Its own durable statement: a number that was handed out is never
    /// handed out again, except in so many that the older one has been given up.
    async fn take_node(&mut self, ids: &OnceLock<IdGenerator>) -> sqlx::Result<()> {
        let node = self.conn.fetch_elsewhere(
            "INSERT INTO counter (name, value) VALUES ('node', 1)
             ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
            Vec::new(),
        );
        let node = self.steps.alone(node).await?;
        let node = node.first().ok_or(sqlx::Error::RowNotFound)?;
        let node = node.number("value")?.unwrap_or_default();
        ids.get_or_init(|| IdGenerator::new(node)).renew(node);
        Ok(())
    }

    /// Finds out where the logs of these workspaces end.
    async fn know_ends(&mut self, workspaces: impl Iterator<Item = i64>) -> sqlx::Result<()> {
        for workspace in workspaces {
            if self.ends.contains_key(&workspace) {
                continue;
            }
            let asked = [Value::Int(workspace)];
            let found = self.conn.fetch(
                "SELECT position, hash FROM log_head WHERE workspace = $1",
                &asked,
            );
            let found = self.steps.alone(found).await?;
            let end = LogEnd::of(workspace, found.first())?;
            self.ends.insert(workspace, end);
        }
        Ok(())
    }

    async fn command(&mut self, text: &'static str) -> sqlx::Result<()> {
        let command = self.conn.execute(text, &[]);
        self.steps.alone(command).await.map(drop)
    }

    /// Does with the last caller's savepoint what is to be done, and what comes then.
    async fn settle(
        &mut self,
        then: fn(SavepointState) -> &'static [&'static str],
    ) -> Result<(), Arc<sqlx::Error>> {
        if let Some(error) = self.lost.take() {
            return Err(error);
        }
        let last = std::mem::replace(&mut self.last, SavepointState::Settled);
        for command in then(last) {
            self.command(command).await.map_err(Arc::new)?;
        }
        Ok(())
    }

    /// Settles the last caller's savepoint, moves the heads of the logs to where they end now, and commits.
    async fn settle_and_commit(&mut self) -> Result<(), Arc<sqlx::Error>> {
        self.settle(SavepointState::before_commit).await?;
        let moved = self.move_heads().await;
        moved.map_err(Arc::new)?;
        // It waits for the disk.
        let committed = self.conn.fetch_elsewhere("COMMIT", Vec::new());
        let committed = self.steps.alone(committed).await;
        committed.map(drop).map_err(Arc::new)
    }

    /// Moves the heads of the logs to where they end now.
    async fn move_heads(&mut self) -> sqlx::Result<()> {
        let ends = self.ends.iter();
        let moved = ends.filter_map(|(workspace, end)| Some((workspace, &end.seal, end.moved?)));
        for (workspace, seal, at) in moved {
            let head = [
                Value::Int(*workspace),
                Value::Int(seal.position),
                Value::Bytes(seal.hash.clone()),
                Value::Time(at),
            ];
            let moves = self.conn.execute(
                "INSERT INTO log_head (workspace, position, hash, at, sealing)
                 VALUES (?, ?, ?, ?, (SELECT COALESCE(MAX(sealing), 0) + 1 FROM log_head))
                 ON CONFLICT (workspace) DO UPDATE SET position = excluded.position, hash = excluded.hash,
                  at = excluded.at, sealing = excluded.sealing",
                &head,
            );
            self.steps.alone(moves).await?;
        }
        Ok(())
    }

    /// Commits what the callers did and tells them.
    async fn commit(&mut self) {
        self.committer_waits = false;
        let mut outcome = Ok(());
        if self.open {
            let was_lost = self.lost.is_some();
            outcome = self.settle_and_commit().await.map_err(Lost::from);
            self.open = outcome.is_err();
            if let Err(lost) = &mut outcome
                && !was_lost
                && fault::may_be_on_disk(&lost.cause)
            {
                lost.unknown = !self.erase_traces().await;
            }
        }
        self.end(outcome).await;
    }

    /// Makes sure that what a failed commit left in the log of writes never comes back: the next transaction is written over
    /// it. As long as that fails too, the one that failed could be found there after a crash.
    async fn erase_traces(&mut self) -> bool {
        let _ = self.command("ROLLBACK").await;
        self.open = false;
        let over = self.conn.fetch_elsewhere(
            "INSERT INTO counter (name, value) VALUES ('failed commits', 1)
             ON CONFLICT (name) DO UPDATE SET value = value + 1",
            Vec::new(),
        );
        self.steps.alone(over).await.is_ok()
    }

    /// Rolls back whatever is still open, lets other processes write, and tells everyone who was in the transaction.
    async fn end(&mut self, outcome: Result<(), Lost>) {
        self.finish().await;
        for caller in self.acknowledge.drain(..) {
            // A caller that went away meanwhile has its write all the same.
            let _ = caller.send(outcome.clone());
        }
    }

    async fn finish(&mut self) {
        if self.open {
            // After some faults (a full disk) SQLite has rolled back already and this says so.
            let _ = self.command("ROLLBACK").await;
            self.open = false;
        }
        self.last = SavepointState::Settled;
        self.lost = None;
        self.turns.give();
    }
}

/// Opens the file that has this name. A restore gives the name to another file while it holds the old one for itself: who
/// waited for it would go on with the old file. Once a connection is open, SQLite's lock keeps a restore away.
async fn connect(path: &Path) -> sqlx::Result<SqliteConnection> {
    loop {
        let before = identity(path);
        let conn = options(path)
            .create_if_missing(true)
            .synchronous(SqliteSynchronous::Full)
            .pragma("wal_autocheckpoint", "2000")
            // What is deleted is overwritten, so that nothing of it is left between the rows.
            .pragma("secure_delete", "ON")
            .connect()
            .await;
        if before.is_none() || identity(path) == before {
            return conn;
        }
        // SQLite itself refuses to write to a file that lost its name, so there may be an error as well.
        if let Ok(conn) = conn {
            conn.close().await?;
        }
    }
}

/// The connection that will write and the first that reads, where the file is as a start mostly finds it: whole, with this
/// version's tables and its log of writes. Whatever else it is, the long way finds out and says. Each reads all tables when it is
/// opened, so both do so at once.
async fn current(path: &Path) -> Option<(in_place::Connection, in_place::Connection)> {
    let before = identity(path)?;
    let (own, reader) = tokio::join!(
        in_place::Connection::open(path, Use::Write),
        in_place::Connection::open(path, Use::Read),
    );
    let (mut own, reader) = (own.ok()?, reader.ok()?);
    let mode = own.fetch("PRAGMA journal_mode", &[]).await.ok()?;
    let is_wal = mode.first()?.text("journal_mode").ok()?? == "wal";
    let newest = "SELECT COALESCE(MAX(version), 0) AS version FROM _sqlx_migrations WHERE success";
    let found = own.fetch(newest, &[]).await.ok()?;
    let found = found.first()?.number("version").ok()??;
    let is_current = is_wal && found == migrate::latest(&migrate::SQLITE);
    // No restore came between the two.
    if !is_current || identity(path)? != before {
        return None;
    }
    restrict(path);
    Some((own, reader))
}

async fn is_wal(conn: &mut SqliteConnection) -> sqlx::Result<bool> {
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(conn)
        .await?;
    Ok(mode == "wal")
}

/// Gives a file its log of writes, which it keeps. To be done in turn: two that do so at once get in each other's way.
async fn make_wal(conn: &mut SqliteConnection, deadline: Instant) -> sqlx::Result<()> {
    loop {
        let outcome = sqlx::query("PRAGMA journal_mode = WAL").execute(&mut *conn);
        match outcome.await {
            Ok(_) => return Ok(()),
            // Somebody reads the file at this moment.
            Err(error) if fault::is_busy(&error) && Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Makes a file with the tables in it and leaves nobody connected to it.
#[cfg(feature = "testing")]
pub(crate) async fn migrate_once(path: &Path) -> Result<()> {
    let fail = |error| cannot_open(path, error);
    let mut conn = connect(path).await.map_err(fail)?;
    make_wal(&mut conn, Instant::now()).await.map_err(fail)?;
    upgrade(&mut conn, path, 0).await?;
    conn.close().await.map_err(fail)
}

/// Only the owner may read a file that holds the firm's data. Where the file system knows no such thing, it stays.
pub(crate) fn restrict(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600));
    }
    #[cfg(not(unix))]
    let _ = path;
}

/// Brings a database to this program's version; an older one is copied first.
async fn upgrade(conn: &mut SqliteConnection, path: &Path, found: i64) -> Result<()> {
    let fail = |error| cannot_open(path, error);
    if version(conn).await.map_err(fail)? == migrate::latest(&migrate::SQLITE) {
        return Ok(());
    }
    if found > 0 {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".before-{}", migrate::latest(&migrate::SQLITE)));
        let copy = path.with_file_name(name);
        if !copy.exists() {
            let target = copy.to_string_lossy().into_owned();
            sqlx::query("VACUUM INTO $1")
                .bind(target)
                .execute(&mut *conn)
                .await
                .map_err(fail)?;
            tracing::info!(copy = %copy.display(), "the database was copied before its migration");
        }
    }
    migrate::SQLITE
        .run_direct(None, conn, false)
        .await
        .map_err(migrate::fault)
}

impl Connection {
    pub(crate) async fn execute(&mut self, text: &str, values: &[Value]) -> sqlx::Result<u64> {
        let done = match self {
            // That it cannot write is for SQLite to say.
            Self::Read(reader) => reader.fetch(text, values).await.map(|_| 0),
            Self::Write(write) => write.conn()?.execute(text, values).await,
        };
        done.map_err(|error| self.noted(error))
    }

    pub(crate) async fn fetch(&mut self, text: &str, values: &[Value]) -> sqlx::Result<Vec<Row>> {
        let rows = match self {
            Self::Read(reader) => reader.fetch(text, values).await,
            Self::Write(write) => {
                let rows = write.conn()?.fetch(text, values).await;
                rows.map(|rows| rows.into_iter().map(Row::Sqlite).collect())
            }
        };
        rows.map_err(|error| self.noted(error))
    }

    /// Remembers a fault in one caller's part that can have ended the whole transaction, for everyone who is in it.
    fn noted(&mut self, error: sqlx::Error) -> sqlx::Error {
        match self {
            Self::Write(Write {
                writer: Some(writer),
                ..
            }) if fault::ends_transaction(&error) => {
                let error = Arc::new(error);
                writer.lost = Some(Arc::clone(&error));
                shared_error(&error)
            }
            _ => error,
        }
    }

    /// Gives the rows their positions and hashes, in the order in which they will be committed.
    pub(crate) async fn seal(&mut self, rows: &[LogRow]) -> sqlx::Result<Vec<Seal>> {
        let Some(writer) = self.writer() else {
            return Ok(Vec::new());
        };
        let known = writer.know_ends(rows.iter().map(|row| row.workspace)).await;
        if let Err(error) = known {
            return Err(self.noted(error));
        }
        let Some(writer) = self.writer() else {
            return Ok(Vec::new());
        };
        let mut seals = Vec::with_capacity(rows.len());
        for row in rows {
            let end = writer.ends.entry(row.workspace);
            let end = end.or_insert_with(|| LogEnd::new(row.workspace));
            end.seal = end.seal.next(row);
            end.moved = Some(row.at);
            seals.push(end.seal.clone());
        }
        Ok(seals)
    }

    fn writer(&mut self) -> Option<&mut Writer> {
        match self {
            Self::Write(write) => write.writer.as_deref_mut(),
            Self::Read(_) => None,
        }
    }

    pub(crate) async fn commit(self) -> Result<()> {
        let Self::Write(mut write) = self else {
            return Ok(());
        };
        let Some(mut writer) = write.writer.take() else {
            return Ok(());
        };
        let (acknowledge, committed) = oneshot::channel();
        // Nothing is waited for before the committer knows of it: a caller that goes away now has its write.
        writer.last = SavepointState::Kept;
        writer.acknowledge.push(acknowledge);
        stand_in_line(&write.shared, &mut writer);
        drop(writer);
        match committed.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Lost { cause, unknown })) => {
                let error = shared_error(&cause);
                Err(if unknown {
                    fault::unknown(error)
                } else {
                    fault::translate(error)
                })
            }
            Err(_) => Err(fault::unknown(sqlx::Error::WorkerCrashed)),
        }
    }

    pub(crate) fn rollback(self) {
        // To drop a savepoint is to undo it.
        drop(self);
    }
}

/// Puts a committer behind those who wait for the connection now, unless one stands there already.
fn stand_in_line(shared: &Arc<Mutex<Writer>>, writer: &mut Writer) {
    if writer.committer_waits {
        return;
    }
    writer.committer_waits = true;
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let mut writer = shared.lock().await;
        writer.commit().await;
        if writer.rested.elapsed() > TURNS && !writer.steps.is_staged() {
            // Taken again at once, the lock would never reach a process that waits for it.
            tokio::time::sleep(REST).await;
            writer.rested = Instant::now();
        }
    });
}

/// One fault, told to everyone whose write was in the transaction.
fn shared_error(error: &Arc<sqlx::Error>) -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::other(Arc::clone(error)))
}

impl Drop for Write {
    fn drop(&mut self) {
        // Rolled back, or the task that held it was dropped in the middle.
        if let Some(writer) = &mut self.writer {
            writer.last = SavepointState::Undone;
            writer.ends = std::mem::take(&mut self.ends_before);
            if tokio::runtime::Handle::try_current().is_ok() {
                stand_in_line(&self.shared, writer);
            }
        }
    }
}
/// What tells a file from another one under the same name, where the system says it.
pub(crate) type Identity = Option<(u64, u64)>;

/// The identity of the file that is under this name now.
pub(crate) fn identity(path: &Path) -> Identity {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let data = path.metadata().ok()?;
        Some((data.dev(), data.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}
