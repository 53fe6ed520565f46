//! Storage: one SQLite file or one PostgreSQL database behind one face. Only this folder and the backups know that
//! there are two engines.
//!
//! A [`Store`] hands out transactions. A read runs on a connection that cannot write. A write is acknowledged when
//! [`Tx::commit`] returns, and then it is on disk.

pub mod clock;
mod columns;
pub(crate) mod distribute;
mod erasure;
pub(crate) mod fault;
mod in_place;
mod insert;
pub mod log;
pub(crate) mod migrate;
pub(crate) mod postgres;
pub(crate) mod profile;
mod readers;
mod replicas;
mod sql;
pub(crate) mod sqlite;
mod steps;
pub mod tables;
mod turns;
mod value;

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use sha2::Digest as _;
use tokio::sync::{Notify, OwnedSemaphorePermit, watch};

use crate::error::{Code, Error, Result};
use crate::retry::Retry;
use crate::store::clock::Clock;
use crate::store::log::{LogRow, Seal};
use crate::store::replicas::OnReplica;
use crate::types::id::IdGenerator;
use crate::types::time::Timestamp;

pub use distribute::{Distributed, distribute};
pub(crate) use insert::Insert;
#[cfg(feature = "testing")]
pub(crate) use postgres::migrate_once as migrate_postgres;
pub use replicas::{REPLICA_READS, ReplicaState};
pub(crate) use sql::pieces;
pub use sql::{Sql, sql};
#[cfg(feature = "testing")]
pub(crate) use sqlite::migrate_once as migrate_sqlite;
#[cfg(feature = "testing")]
pub use steps::Stage;
pub use steps::Steps;
pub use value::{
    Column, Json, Kind, Managed, Parent, Row, Target, Value, enum_from_name, enum_name,
};

/// Where the data is.
#[derive(Clone, PartialEq, Eq)]
pub enum Database {
    /// A file; made when it is not there.
    Sqlite(PathBuf),
    /// A server: `postgres://user:password@host/database`.
    Postgres(String),
}

impl FromStr for Database {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        match text.strip_prefix("sqlite:") {
            Some(path) if !path.trim_start_matches('/').is_empty() => {
                Ok(Self::Sqlite(path.strip_prefix("//").unwrap_or(path).into()))
            }
            _ => Err(Error::invalid("database", "The database is neither sqlite:PATH nor postgres://…")
                .hint("Write for example sqlite:/home/me/bureau.sqlite or postgres://user@localhost/bureau.")),
        }
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A PostgreSQL address carries a password.
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(_) => f.write_str("postgres://…"),
        }
    }
}

/// How a database is opened.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// Where it is.
    pub database: Database,
    /// Copies of a PostgreSQL server that follow it by streaming: what [`Store::read_anywhere`] reads from.
    pub replicas: Vec<Database>,
    /// Open no connection that could write. Migrations are then not run; an old database is an error.
    pub read_only: bool,
    /// Connections that callers share, for reading only on SQLite; 8 serve best on few cores. The server keeps a few of its
    /// own beside them, which no caller can hold: [`Store::connections`] counts them all.
    pub connections: u32,
    /// What time it is there: the machine's clock, unless a test gives it another.
    pub clock: Clock,
    /// How long a call may take: PostgreSQL then ends what a caller asked for and nobody waits for any more. Work that takes as
    /// long as it takes has no limit.
    pub call_limit: Option<Duration>,
    /// How long a write to SQLite waits for others, of this process and of others together, before it gives up.
    pub write_wait: Duration,
    /// Where its transactions stop for a test; nowhere.
    pub steps: Steps,
}

/// How long a write to SQLite waits for others, where nothing else is said.
pub const WRITE_WAIT: Duration = Duration::from_secs(60);
/// Connections that callers share, where nothing else is said.
pub const CONNECTIONS: u32 = 8;

impl OpenOptions {
    /// Reading and writing, with [`CONNECTIONS`] and no limit.
    #[must_use]
    pub fn new(database: Database) -> Self {
        Self {
            database,
            replicas: Vec::new(),
            read_only: false,
            clock: Clock::wall(),
            connections: CONNECTIONS,
            call_limit: None,
            write_wait: WRITE_WAIT,
            steps: Steps::default(),
        }
    }
}

/// An open database. Cheap to clone.
#[derive(Clone)]
pub struct Store(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) engine: Engine,
    ids: Arc<OnceLock<IdGenerator>>,
    /// How often this process heard that a sealed log grew: what follows the logs waits on this.
    growth: watch::Sender<u64>,
    /// How often this process changed something that is looked up for every call: keys, members, workspaces.
    arranged: AtomicU64,
    opened: Instant,
    /// Woken when this process committed rows that are still to be sealed.
    sealer: Notify,
    /// This process erased something.
    has_erased: AtomicBool,
    /// The log that still holds what was erased is to be emptied.
    emptying: AtomicBool,
    read_only: bool,
    clock: Clock,
    write_wait: Duration,
    /// Since when somebody waits for a turn to write, only to see whether there is one.
    probe: Mutex<Option<Instant>>,
    steps: Steps,
    shared_connections: u32,
}

pub(crate) enum Engine {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

/// A transaction. It must be ended with [`Tx::commit`] or [`Tx::rollback`]; dropped, it is rolled back.
///
/// Errors of statements come translated: a violated constraint is [`Code::Conflict`] or [`Code::Validation`], a full
/// disk or a lost server [`Code::Unavailable`], everything else [`Code::Internal`]. After one of them the transaction takes
/// no other statement, and can only be rolled back.
pub struct Tx {
    conn: Conn,
    store: Store,
    log: Vec<LogRow>,
    /// The rows of the log are sealed already.
    sealed: bool,
    /// New rows that are not written yet, on PostgreSQL: before whatever could see them.
    held: Vec<Insert>,
    /// How many of the log's rows are written already.
    written: usize,
    /// A statement failed: PostgreSQL takes no other one then, and so neither does SQLite.
    failed: bool,
    /// Its number on PostgreSQL, known with the first row of the log: what it is asked by whose commit was not answered.
    number: Option<String>,
    /// See [`Tx::sees_log_up_to`].
    sees: Option<i64>,
    /// It runs on a replica.
    on_replica: Option<OnReplica>,
    /// It is one that a test may hold up.
    has_gates: bool,
    /// Something was erased for good.
    erases: bool,
    /// What is looked up for every call may be another one after it.
    arranges: bool,
    /// The caller's place among its calls that hold a connection; given back with the connection.
    share: Option<OwnedSemaphorePermit>,
}

enum Conn {
    Sqlite(sqlite::Connection),
    Postgres(postgres::Connection),
    /// Given back before the transaction was ended.
    Returned,
}

/// What the database held at some moment, as a number: where it is the same at two moments, all that was looked up at the
/// first still holds at the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapshot(u64, i64);

/// How long something that was looked up on PostgreSQL is believed without a word from there: the bound of what a process can
/// miss when it does not hear that a log grew.
const BELIEVED: Duration = Duration::from_secs(1);

/// On whose behalf a transaction runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One workspace: on PostgreSQL the rows of all others are out of reach. Runs on the connections that callers share.
    Workspace(i64),
    /// The server itself: keys, workspaces, readiness, indexing. Runs on connections of its own, so that it goes on while
    /// callers hold all of theirs.
    System,
}

impl Store {
    /// Opens a database, making and migrating it where that is needed and allowed.
    ///
    /// # Errors
    /// One clear sentence that says what to do: the file is no database, is newer than this program, is not
    /// writable; the server does not answer or refuses.
    pub async fn open(options: &OpenOptions) -> Result<Self> {
        let engine = match &options.database {
            Database::Sqlite(path) => Engine::Sqlite(sqlite::Sqlite::open(path, options).await?),
            Database::Postgres(url) => {
                Engine::Postgres(postgres::Postgres::open(url, options).await?)
            }
        };
        let store = Self(Arc::new(Inner {
            engine,
            ids: Arc::default(),
            growth: watch::Sender::default(),
            arranged: AtomicU64::new(0),
            opened: Instant::now(),
            sealer: Notify::new(),
            has_erased: AtomicBool::new(false),
            emptying: AtomicBool::new(false),
            read_only: options.read_only,
            clock: options.clock.clone(),
            write_wait: options.write_wait,
            probe: Mutex::default(),
            steps: options.steps.clone(),
            shared_connections: options.connections,
        }));
        if let Engine::Postgres(_) = &store.0.engine {
            postgres::start_sealer(&store);
        }
        Ok(store)
    }

    /// Whether it was opened without any connection that could write.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        self.0.read_only
    }

    /// What time it is here.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// How many connections callers share: for their reads, on PostgreSQL for their writes as well.
    #[must_use]
    pub fn shared_connections(&self) -> u32 {
        self.0.shared_connections
    }

    /// Whether several machines may be on this database.
    #[must_use]
    pub fn is_postgres(&self) -> bool {
        matches!(self.0.engine, Engine::Postgres(_))
    }

    /// How many connections it opens at most: those that callers share, and those of the server.
    #[must_use]
    pub fn connections(&self) -> u32 {
        match &self.0.engine {
            Engine::Sqlite(engine) => engine.connections(),
            Engine::Postgres(engine) => engine.connections(),
        }
    }

    /// A transaction that can only read. All of its statements see the database as it was at the first of them.
    ///
    /// # Errors
    /// [`Code::Unavailable`] when no connection is to be had in time.
    pub async fn read(&self, scope: Scope) -> Result<Tx> {
        let begun = async {
            Ok::<_, Error>(match &self.0.engine {
                Engine::Sqlite(engine) => Conn::Sqlite(engine.read(scope).await?),
                Engine::Postgres(engine) => Conn::Postgres(engine.begin(scope, true).await?),
            })
        };
        // What the server looks up for itself takes a moment, and stops nowhere.
        let has_gates = scope != Scope::System;
        if has_gates {
            self.0.steps.gate("read").await;
        }
        let conn = self.0.steps.alone(begun).await?;
        Ok(self.tx(conn, has_gates))
    }

    /// The same on a replica, if there is one that has whatever was acknowledged before this began.
    ///
    /// # Errors
    /// [`Code::Unavailable`] when no connection is to be had in time.
    pub async fn read_anywhere(&self, scope: Scope) -> Result<Tx> {
        let Engine::Postgres(engine) = &self.0.engine else {
            return self.read(scope).await;
        };
        let (conn, on_replica) = self.0.steps.alone(engine.begin_anywhere(scope)).await?;
        Ok(Tx {
            on_replica,
            ..self.tx(Conn::Postgres(conn), true)
        })
    }

    /// How the replicas are that it was opened with.
    pub async fn replicas(&self) -> Vec<ReplicaState> {
        match &self.0.engine {
            Engine::Sqlite(_) => Vec::new(),
            Engine::Postgres(engine) => engine.replicas().await,
        }
    }

    /// How many ways to the server and back the transactions of this process took; on SQLite there is none. A statement that a
    /// connection meets for the first time takes one more, and what only looks something up is not counted.
    #[must_use]
    pub fn round_trips(&self) -> u64 {
        match &self.0.engine {
            Engine::Sqlite(_) => 0,
            Engine::Postgres(engine) => engine.ways(),
        }
    }

    /// How many reads of this process replicas answered.
    #[must_use]
    pub fn replica_reads(&self) -> u64 {
        match &self.0.engine {
            Engine::Sqlite(_) => 0,
            Engine::Postgres(engine) => engine.replica_reads(),
        }
    }

    fn tx(&self, conn: Conn, has_gates: bool) -> Tx {
        Tx {
            conn,
            store: self.clone(),
            log: Vec::new(),
            held: Vec::new(),
            sealed: false,
            written: 0,
            failed: false,
            number: None,
            sees: None,
            on_replica: None,
            has_gates,
            erases: false,
            arranges: false,
            share: None,
        }
    }

    /// The rows of one statement that only reads, for the server itself: it sees one moment without a transaction around it.
    async fn look(&self, text: &str, values: &[Value]) -> Result<Vec<Row>> {
        let looked = async {
            match &self.0.engine {
                Engine::Sqlite(engine) => engine.look(text, values).await,
                Engine::Postgres(engine) => engine.look(text, values).await,
            }
        };
        self.0.steps.alone(looked).await
    }

    /// Which snapshot a read that begins now would see. On SQLite it is another one after every commit of any process. On
    /// PostgreSQL it is for what is arranged only (keys, members, workspaces, attributes): it changes at once where this process did it,
    /// when this process hears that a log grew, and after a second anyway.
    ///
    /// # Errors
    /// [`Code::Unavailable`] when the database cannot be asked.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot> {
        match &self.0.engine {
            Engine::Sqlite(engine) => self.0.steps.alone(engine.snapshot()).await,
            Engine::Postgres(_) => {
                let heard = self
                    .0
                    .growth
                    .borrow()
                    .wrapping_add(self.0.arranged.load(Ordering::Acquire));
                let turns = self.0.opened.elapsed().as_secs() / BELIEVED.as_secs();
                Ok(Snapshot(heard, turns.cast_signed()))
            }
        }
    }

    /// Whether calls can be answered now: the database reads, it is the one that was opened, and who wants to write gets a
    /// turn.
    ///
    /// # Errors
    /// [`Code::Unavailable`] saying what is not so.
    pub async fn check_ready(&self) -> Result<()> {
        let mut tx = self.read(Scope::System).await?;
        let read = sql("SELECT 1 AS one").row(&mut tx).await;
        tx.rollback().await;
        read?;
        // PostgreSQL's writers wait for each other only where they meet.
        // Many writers at once, or a long part of an import, take less.
        let patience = self.0.write_wait / 6;
        if self.0.read_only || self.is_postgres() || self.waits_to_write() < patience {
            return Ok(());
        }
        let message = "Nobody gets a turn to write: a process that holds the database hangs.";
        Err(Error::new(Code::Unavailable, message).retry_after(5))
    }

    /// How long it takes by now to get a turn to write. Somebody waits in line for one as any caller does, and not longer
    /// than for that.
    fn waits_to_write(&self) -> Duration {
        let mut probe = self.0.probe.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(since) = *probe {
            return since.elapsed();
        }
        *probe = Some(Instant::now());
        let store = self.clone();
        tokio::spawn(async move {
            loop {
                match store.write(Scope::System).await {
                    Ok(tx) => break tx.rollback().await,
                    Err(_) => tokio::time::sleep(Duration::from_secs(1)).await,
                }
            }
            *store.0.probe.lock().unwrap_or_else(PoisonError::into_inner) = None;
        });
        Duration::ZERO
    }

    /// A transaction that can write. SQLite's writers stand in line; dropped, the place in it is given up.
    ///
    /// # Errors
    /// [`Code::ReadOnly`] on a store that was opened so; [`Code::Unavailable`] when no connection or lock is to be had in
    /// time.
    pub async fn write(&self, scope: Scope) -> Result<Tx> {
        if self.0.read_only {
            return Err(Error::new(Code::ReadOnly, "This server is read-only."));
        }
        let steps = &self.0.steps;
        steps.gate("write").await;
        let conn = match &self.0.engine {
            Engine::Sqlite(engine) => Conn::Sqlite(engine.write(&self.0.ids, scope).await?),
            Engine::Postgres(engine) => {
                steps.alone(engine.take_node(&self.0.ids)).await?;
                Conn::Postgres(steps.alone(engine.begin(scope, false)).await?)
            }
        };
        let mut tx = self.tx(conn, true);
        tx.arranges = scope == Scope::System;
        Ok(tx)
    }

    /// Does something in a transaction that can write: it is on disk when this returns, or nothing of it is. Where it only
    /// met another write it is done again, so `part` is the whole of it and reaches nothing but the database.
    pub(crate) async fn change<T>(
        &self,
        scope: Scope,
        part: impl AsyncFn(&mut Tx) -> Result<T>,
    ) -> Result<T> {
        let mut retry = Retry::default();
        loop {
            let mut tx = self.write(scope).await?;
            let done = part(&mut tx).await;
            if let Some(outcome) = retry.settled(tx.end(done).await).await {
                return outcome;
            }
        }
    }

    /// A new identifier outside of any transaction.
    ///
    /// # Errors
    /// [`Code::ReadOnly`] on a store that was opened so; [`Code::Unavailable`] when the database cannot be written now, or the
    /// clock shows a year in which no identifier can be made.
    pub async fn next_id(&self) -> Result<i64> {
        if let Some(drawn) = self.draw() {
            return drawn;
        }
        // A process gets its number with its first transaction that writes.
        let tx = self.write(Scope::System).await?;
        let drawn = tx.next_id();
        tx.rollback().await;
        drawn
    }

    /// The next identifier; nothing while this process has no number of its own.
    fn draw(&self) -> Option<Result<i64>> {
        let now = self.0.clock.now();
        let drawn = self.0.ids.get()?.next(now);
        Some(drawn.ok_or_else(|| {
            Error::new(
                Code::Unavailable,
                format!(
                    "The clock of this machine says {now}, and then nothing new can be written."
                ),
            )
            .hint("Set the clock right; nothing was written.")
        }))
    }

    /// Told whenever this process (on PostgreSQL, any) makes a sealed log grow; where to, the heads of the logs say. Each
    /// receiver is told of every growth, however many there are.
    #[must_use]
    pub fn growth(&self) -> watch::Receiver<u64> {
        self.0.growth.subscribe()
    }

    /// Ends all connections; what is committed stays, and is sealed.
    pub async fn close(&self) {
        match &self.0.engine {
            Engine::Sqlite(engine) => {
                engine.close().await;
                erasure::empty_log_at_last(self).await;
            }
            Engine::Postgres(engine) => {
                if !self.0.read_only {
                    engine.seal_all(&self.0).await;
                }
                engine.close().await;
            }
        }
    }

    /// Asks the engine whether its files are whole. Reads everything, so it takes a while on a large database.
    ///
    /// # Errors
    /// [`Code::Unavailable`] when the database cannot be asked.
    pub async fn integrity(&self) -> Result<Vec<String>> {
        match &self.0.engine {
            Engine::Sqlite(engine) => engine.integrity().await,
            Engine::Postgres(_) => Ok(Vec::new()),
        }
    }
}

impl Inner {
    /// Whether the rows lie on several machines, those of a workspace on one.
    pub(crate) fn is_distributed(&self) -> bool {
        match &self.engine {
            Engine::Sqlite(_) => false,
            Engine::Postgres(engine) => engine.profile().is_distributed,
        }
    }

    /// Tells those who follow the logs that one of them grew.
    fn grew(&self) {
        self.growth
            .send_modify(|growths| *growths = growths.wrapping_add(1));
    }
}

/// The advisory lock that stands for all others; any number that nobody else takes.
const ALL: i64 = 0x0062_7572_6561_7501;
/// The one that whoever adds to the change log shares where the rows lie on several machines: a backup takes it for itself.
pub(crate) const LOG_GATE: i64 = 0x0062_7572_6561_7502;

/// The advisory lock of a name.
fn lock_of(what: &str) -> i64 {
    let digest = sha2::Sha256::digest(what);
    let bytes = digest.iter().take(8);
    bytes.fold(0_i64, |number, byte| (number << 8) | i64::from(*byte))
}

impl Tx {
    /// A new identifier, larger than all that this process made before.
    ///
    /// # Errors
    /// [`Code::Internal`] in a transaction that only reads; [`Code::Unavailable`] where the clock shows a year in which no
    /// identifier can be made.
    pub fn next_id(&self) -> Result<i64> {
        let drawn = self.store.draw();
        drawn.ok_or_else(|| Error::internal("an identifier was asked for in a read"))?
    }

    /// Now, by the clock of this database.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.store.0.clock.now()
    }

    /// Makes transactions that name the same thing run one after the other, until they end. SQLite's writers do anyway.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn serialize(&mut self, what: &str) -> Result<()> {
        self.lock(&[("pg_advisory_xact_lock", vec![lock_of(what)])])
            .await
    }

    /// The same for several things at once.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn serialize_each(&mut self, what: &[String]) -> Result<()> {
        if what.is_empty() {
            return Ok(());
        }
        // Whoever takes several takes them in one order, so that no two wait for each other.
        let mut locks: Vec<i64> = what.iter().map(|what| lock_of(what)).collect();
        locks.sort_unstable();
        self.lock(&[
            ("pg_advisory_xact_lock_shared", vec![ALL]),
            ("pg_advisory_xact_lock", locks),
        ])
        .await
    }

    /// The same for whatever [`Tx::serialize_each`] could name: a large part of an import would need thousands of locks.
    pub(crate) async fn serialize_all(&mut self) -> Result<()> {
        self.lock(&[("pg_advisory_xact_lock", vec![ALL])]).await
    }

    /// Takes locks in this order.
    async fn lock(&mut self, locks: &[(&'static str, Vec<i64>)]) -> Result<()> {
        if !self.is_postgres() {
            return Ok(());
        }
        self.refuse_after_failure()?;
        let each = locks.iter().flat_map(|(how, locks)| {
            let each = locks.iter();
            each.map(move |lock| format!("{how}({lock})"))
        });
        let locks = format!("SELECT {}", each.collect::<Vec<_>>().join(", "));
        let Conn::Postgres(conn) = &mut self.conn else {
            return Err(returned());
        };
        let taken = Box::pin(self.store.0.steps.alone(conn.lock(&locks))).await;
        self.noted(taken)
    }

    /// Notes that the sealed log is seen up to a position, in which the caller's last write is.
    pub(crate) fn sees_log_up_to(&mut self, position: i64) {
        self.sees = Some(position);
    }

    /// What was noted with [`Tx::sees_log_up_to`]; none where nothing was waited for, or in vain.
    pub(crate) fn seen_of_log(&self) -> Option<i64> {
        self.sees
    }

    fn is_postgres(&self) -> bool {
        matches!(self.conn, Conn::Postgres(_))
    }

    /// Whether rows of the change log are sealed some time after they were committed.
    pub(crate) fn seals_later(&self) -> bool {
        self.conn.seals_later()
    }

    /// What a `SELECT` ends with whose rows are about to be changed: PostgreSQL locks them, SQLite has one writer.
    pub(crate) fn for_update(&self) -> &'static str {
        match self.conn {
            Conn::Sqlite(_) | Conn::Returned => "",
            Conn::Postgres(_) => " FOR UPDATE",
        }
    }

    /// What a `SELECT` ends with whose rows are about to be referred to: nobody deletes them until this transaction ends, and
    /// whoever is doing so is waited for; a row that does not fit the condition any more by then is left out. Others may refer
    /// to them meanwhile.
    ///
    /// Rows of a table of which every machine has a copy are locked for all workspaces at once, and calls would queue. There the
    /// table is held for this workspace instead, against [`Tx::before_deleting`].
    ///
    /// # Errors
    /// What the engine says.
    pub(crate) async fn for_reference(
        &mut self,
        table: &str,
        workspace: i64,
    ) -> Result<&'static str> {
        match self.conn {
            Conn::Sqlite(_) | Conn::Returned => Ok(""),
            Conn::Postgres(_) if self.is_everywhere(table) => {
                let held = vec![lock_of(&format!("{table} of {workspace}"))];
                self.lock(&[("pg_advisory_xact_lock_shared", held)]).await?;
                Ok("")
            }
            Conn::Postgres(_) => Ok(" FOR KEY SHARE"),
        }
    }

    /// Waits for whoever is about to refer to rows of a table in a workspace, where these cannot be locked one by one; whoever
    /// comes later waits.
    ///
    /// # Errors
    /// What the engine says.
    pub(crate) async fn before_deleting(&mut self, table: &str, workspace: i64) -> Result<()> {
        if self.is_everywhere(table) {
            self.serialize(&format!("{table} of {workspace}")).await?;
        }
        Ok(())
    }

    /// Whether every machine has a copy of a table.
    fn is_everywhere(&self, table: &str) -> bool {
        self.store.0.is_distributed() && distribute::EVERYWHERE.contains(&table)
    }

    /// What stands before a column whose index is not to be used. SQLite keeps no statistics, and would take a condition
    /// on any indexed column for one that leaves a handful of rows; PostgreSQL is left to choose.
    pub(crate) fn without_index(&self) -> &'static str {
        match self.conn {
            Conn::Sqlite(_) | Conn::Returned => "+",
            Conn::Postgres(_) => "",
        }
    }

    /// A column to put rows in order by, or to compare, without going along its index.
    pub(crate) fn not_by_index(&self, column: &str) -> String {
        match self.conn {
            Conn::Sqlite(_) | Conn::Returned => format!("+{column}"),
            Conn::Postgres(_) => format!("(SELECT {column})"),
        }
    }

    /// Writes new rows. Nobody waits for an answer, so PostgreSQL is told of them with whatever follows that could see them,
    /// or with the commit: what a constraint refuses is refused then.
    ///
    /// # Errors
    /// What the engine says.
    pub(crate) async fn insert(&mut self, mut insert: Insert) -> Result<()> {
        if insert.rows().is_empty() {
            return Ok(());
        }
        self.refuse_after_failure()?;
        if !self.holds_back() {
            let rows = insert.rows();
            if rows.len() < insert::FEW {
                insert.statement(rows).run(self).await?;
            } else {
                for piece in pieces(rows) {
                    insert.statement(piece).run(self).await?;
                }
            }
            return Ok(());
        }
        if !self.held.iter_mut().any(|held| held.join(&mut insert)) {
            self.held.push(insert);
        }
        let held: usize = self.held.iter().map(|held| held.rows().len()).sum();
        if held > insert::MOST_HELD {
            self.write_held().await?;
        }
        Ok(())
    }

    /// Whether new rows are held back. Several machines take only values, each statement for itself.
    fn holds_back(&self) -> bool {
        self.is_postgres() && !self.store.0.is_distributed()
    }

    /// Whether many values of one statement are bound quickly, so that what is the same in all rows may be bound for each.
    pub(crate) fn binds_quickly(&self) -> bool {
        self.is_postgres()
    }

    /// Values in pieces, each for one statement with [`Sql::push_among`].
    pub(crate) fn asked<'a, T>(
        &self,
        values: &'a [T],
    ) -> Box<dyn Iterator<Item = &'a [T]> + Send + 'a>
    where
        T: Sync,
    {
        if self.binds_quickly() {
            Box::new(values.chunks(1_000))
        } else {
            Box::new(pieces(values))
        }
    }

    /// Whether a record is new in this transaction, and not written yet: nobody refers to it.
    pub(crate) fn holds(&self, table: &str, id: i64) -> bool {
        let id = Value::Int(id);
        self.held.iter().any(|held| held.has(table, "id", &id))
    }

    /// Whether new rows of this table are not written yet.
    fn holds_any(&self, table: &str) -> bool {
        self.held.iter().any(|held| held.is_into(table))
    }

    /// Writes the rows that are held back.
    ///
    /// # Errors
    /// What the engine says: here it is seen what a constraint refuses.
    pub(crate) async fn write_held(&mut self) -> Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        self.refuse_after_failure()?;
        let (text, arrays) = insert::together(std::mem::take(&mut self.held))?;
        let Conn::Postgres(conn) = &mut self.conn else {
            return Err(returned());
        };
        // Not a part of every other statement's future.
        let steps = &self.store.0.steps;
        let number = Box::pin(steps.alone(conn.insert(text, arrays))).await;
        let number = self.noted(number)?;
        self.number.get_or_insert(number);
        Ok(())
    }

    /// Adds a row to the change log; it is written when the transaction commits.
    pub(crate) fn log(&mut self, row: LogRow) {
        self.log.push(row);
    }

    /// Writes the rows of the change log that are not written yet, when they are many: not all of a large change waits
    /// in memory for the commit.
    pub(crate) async fn write_log_when_long(&mut self) -> Result<()> {
        // More than a part of an import: that is sealed by whoever commits it.
        const MANY: usize = 2_000;
        if self.log.len() - self.written < MANY {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.log);
        let outcome = self
            .flush(rows.get(self.written..).unwrap_or_default(), false)
            .await;
        // That there were rows is still to be known; what is in them is not.
        self.log = rows.into_iter().take(1).collect();
        self.written = self.log.len();
        outcome
    }

    /// Says that something is erased for good: once it is committed, no file is to hold it for long.
    pub(crate) fn erases(&mut self) {
        self.erases = true;
    }

    /// Notes that this transaction arranges something that is looked up for every call.
    pub(crate) fn arranges(&mut self) {
        self.arranges = true;
    }

    /// The rows that the change log will get.
    pub(crate) fn logged(&self) -> &[LogRow] {
        &self.log
    }

    /// Stops where a test holds it up. On PostgreSQL nowhere: who waits for another's lock waits in the server, unseen.
    async fn gate(&self, name: &'static str) {
        if self.has_gates && !self.is_postgres() {
            self.store.0.steps.gate(name).await;
        }
    }

    async fn execute(&mut self, text: &str, values: &[Value]) -> Result<u64> {
        self.write_held().await?;
        self.refuse_after_failure()?;
        self.gate("statement").await;
        let steps = &self.store.0.steps;
        let done = match &mut self.conn {
            Conn::Sqlite(conn) => steps.alone(conn.execute(text, values)).await,
            Conn::Postgres(conn) => steps.alone(conn.execute(text, values)).await,
            Conn::Returned => return Err(returned()),
        };
        self.noted(done)
    }

    async fn fetch(&mut self, text: &str, values: &[Value]) -> Result<Vec<Row>> {
        self.write_held().await?;
        self.fetch_beside(text, values).await
    }

    /// The same for what cannot see the rows that are held back.
    async fn fetch_beside(&mut self, text: &str, values: &[Value]) -> Result<Vec<Row>> {
        self.refuse_after_failure()?;
        self.gate("statement").await;
        let steps = &self.store.0.steps;
        let rows = match &mut self.conn {
            Conn::Sqlite(conn) => steps.alone(conn.fetch(text, values)).await,
            Conn::Postgres(conn) => steps.alone(conn.fetch(text, values)).await,
            Conn::Returned => return Err(returned()),
        };
        self.noted(rows)
    }

    fn refuse_after_failure(&self) -> Result<()> {
        if self.failed {
            return Err(Error::internal(
                "a transaction was gone on with after one of its statements had failed",
            ));
        }
        Ok(())
    }

    fn noted<T>(&mut self, outcome: sqlx::Result<T>) -> Result<T> {
        self.failed |= outcome.is_err();
        outcome.map_err(|error| match &self.on_replica {
            Some(replica) => replica.translate(error),
            None => fault::translate(error),
        })
    }

    /// Writes the change log's rows and makes everything durable. When it returns, the write is on disk.
    ///
    /// # Errors
    /// [`Code::Unavailable`] when the disk is full or the server went away: then nothing was written. Where that could not be
    /// found out, the error says so, and has the detail `written: "unknown"`.
    pub async fn commit(mut self) -> Result<()> {
        self.gate("commit").await;
        let rows = std::mem::take(&mut self.log);
        let wrote = !rows.is_empty();
        let count = rows.len();
        let unwritten = rows.get(self.written..).unwrap_or_default();
        let flushed = match self.refuse_after_failure() {
            Ok(()) => self.flush(unwritten, true).await,
            failed => failed,
        };
        if let Err(error) = flushed {
            self.rollback().await;
            return Err(error);
        }
        let proof = self
            .number
            .take()
            .zip(rows.first().map(|row| (row.workspace, row.id)));
        let Self {
            conn,
            store,
            erases,
            arranges,
            sealed,
            ..
        } = self;
        let seals_later = conn.seals_later();
        match (conn, &store.0.engine) {
            (Conn::Postgres(conn), Engine::Postgres(engine)) => {
                let committed = store.0.steps.alone(engine.commit(conn, proof)).await;
                // Also where nobody knows whether it was.
                if arranges {
                    store.0.arranged.fetch_add(1, Ordering::Release);
                }
                committed?;
            }
            (Conn::Sqlite(conn), _) => conn.commit().await?,
            (Conn::Postgres(_), Engine::Sqlite(_)) => {
                return Err(Error::internal("a transaction of another engine"));
            }
            (Conn::Returned, _) => {}
        }
        if erases {
            erasure::empty_log_soon(&store);
        }
        if wrote {
            if sealed || !seals_later {
                store.0.grew();
            }
            if let Engine::Postgres(engine) = &store.0.engine {
                engine.wrote(count);
                store.0.sealer.notify_one();
            }
        }
        store.0.steps.gate("committed").await;
        Ok(())
    }

    /// The seals of rows that are about to be written; none where they are sealed later.
    async fn seals_of(&mut self, rows: &[LogRow], is_last: bool) -> Result<Vec<Seal>> {
        // SQLite's writers stand in line anyway, so their rows are sealed as they are written. PostgreSQL's would have
        // to, and are sealed afterwards by one task; but many rows that are the whole of a change are sealed on the way, if
        // nobody else is at it.
        if let Conn::Sqlite(conn) = &mut self.conn
            && !rows.is_empty()
        {
            let seals = conn.seal(rows).await;
            return self.noted(seals);
        }
        let whole = is_last && self.written == 0 && rows.len() >= postgres::SEALS_ITSELF;
        if !whole || !self.holds_back() {
            return Ok(Vec::new());
        }
        // What waits for others is written before others wait for this.
        self.write_held().await?;
        let Conn::Postgres(conn) = &mut self.conn else {
            return Err(returned());
        };
        let seals = Box::pin(self.store.0.steps.alone(conn.seal(rows))).await;
        self.noted(seals)
    }

    async fn flush(&mut self, rows: &[LogRow], is_last: bool) -> Result<()> {
        let sealed = self.seals_of(rows, is_last).await?;
        let is_distributed = self.store.0.is_distributed();
        if is_distributed && self.number.is_none() && !rows.is_empty() {
            let number =
                sql("SELECT pg_current_xact_id()::TEXT AS number, pg_advisory_xact_lock_shared(")
                    .value(LOG_GATE)
                    .sql(")")
                    .one("number", self)
                    .await?;
            self.number = Some(number);
        }
        self.insert(LogRow::insert(rows, &sealed)).await?;
        self.write_held().await?;
        if let (Conn::Postgres(conn), Some(last), Some(seal)) =
            (&mut self.conn, rows.last(), sealed.into_iter().last())
        {
            let ended = Box::pin(self.store.0.steps.alone(conn.end_log(last, seal))).await;
            self.noted(ended)?;
            self.sealed = true;
        }
        Ok(())
    }

    /// Gives the connection of a read back before the call is over, because what is left of it needs none. No statement can
    /// follow.
    pub(crate) async fn end_reading(&mut self) {
        std::mem::replace(&mut self.conn, Conn::Returned)
            .rollback(&self.store)
            .await;
        self.share = None;
    }

    /// Keeps the caller's place among its calls that hold a connection, for as long as this one does.
    pub(crate) fn keep_share(&mut self, share: OwnedSemaphorePermit) {
        self.share = Some(share);
    }

    /// Ends it as what was done in it went.
    pub(crate) async fn end<T>(self, done: Result<T>) -> Result<T> {
        match done {
            Ok(value) => self.commit().await.map(|()| value),
            Err(error) => {
                self.rollback().await;
                Err(error)
            }
        }
    }

    /// Forgets everything that was done in it.
    pub async fn rollback(self) {
        self.conn.rollback(&self.store).await;
    }
}

fn returned() -> Error {
    Error::internal("a statement came after the connection was given back")
}

impl Conn {
    fn seals_later(&self) -> bool {
        matches!(self, Conn::Postgres(_))
    }

    async fn rollback(self, store: &Store) {
        let outcome = match self {
            Conn::Sqlite(conn) => {
                conn.rollback();
                Ok(())
            }
            Conn::Postgres(conn) => store.0.steps.alone(conn.rollback()).await,
            Conn::Returned => Ok(()),
        };
        if let Err(error) = outcome {
            // The connection is closed by now, and the engine rolls back on its own.
            tracing::warn!(%error, "a transaction could not be rolled back in order");
        }
    }
}
