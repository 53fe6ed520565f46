//! PostgreSQL: plain transactions, row-level security, and the sealer of the change log.
//!
//! Callers share one pool. Keys, readiness and the index are read through another one, and the sealer and the listener
//! have a connection each: whatever callers wait for, and however many they are, the server goes on.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Executor as _, Postgres as Engine, Row as _,
    SqlSafeStr as _,
};
use tokio::task::JoinHandle;

use super::insert::Array;
use super::profile::{Profile, REACHING};
use super::replicas::{OnReplica, ReplicaState, Replicas};
use super::value::{Row, Value, bind_postgres};
use super::{OpenOptions, Scope, Store, fault, migrate};
use crate::error::{Code, Error, Result};
use crate::store::log::{LogRow, Seal};
use crate::types::id::IdGenerator;
use crate::types::time::Timestamp;

/// The advisory locks that Bureau takes, any numbers that nobody else takes.
const SEALER_LOCK: i64 = 0x0062_7572_6561_7500;
/// The channel on which one server tells the others that the log has grown.
const CHANNEL: &str = "bureau_sealed";
/// Rows that one sealing takes at most of one workspace, and of all.
const SEAL_EACH: i64 = 1_000;
const SEAL_ROWS: i64 = 4_000;
/// Which workspaces have rows that are to be sealed: what the server itself asks all machines for.
const UNSEALED: &str =
    "SELECT DISTINCT workspace FROM change_log WHERE position IS NULL AND workspace > $1
    ORDER BY workspace LIMIT $2";
/// How long the sealer rests once it has sealed something, so that what is committed meanwhile is sealed at once.
const SEAL_REST: Duration = Duration::from_millis(10);

/// All statements see one snapshot, that of the first.
const READING: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Connections of the server beside those of the sealer and the listener: each look-up holds one for a moment.
const OWN: u32 = 4;
/// How long a wait for a lock may take in a call without a limit.
const LOCK_LIMIT: Duration = Duration::from_secs(30);
/// How long a process that has just ended may still show as connected.
const LINGER: Duration = Duration::from_secs(3);
/// How long the outcome of a commit is looked for whose answer was lost.
const LOOK_LIMIT: Duration = Duration::from_secs(10);
/// Rows that a transaction seals itself where it can: sealed afterwards, each would be written twice into all indexes of the log.
pub(super) const SEALS_ITSELF: usize = 100;
/// Rows of the log after which it is looked which tables have grown.
const LOOKS_EVERY: usize = 1_000;
/// What a statement gets beyond the limit of its call, which the server ends first where it still runs.
const GRACE: Duration = Duration::from_secs(2);

pub(crate) struct Postgres {
    callers: PgPool,
    own: PgPool,
    sealer: PgPool,
    listener: PgPool,
    replicas: Option<Arc<Replicas>>,
    /// Rows written to the log since it was last looked which tables have grown.
    unseen: AtomicUsize,
    /// The workspace after which the next sealing begins: where one takes not all, the others have their turn.
    sealed_up_to: AtomicI64,
    /// When it was last looked whether this process's number is still its own, in milliseconds of the Unix epoch.
    looked: AtomicI64,
    profile: Profile,
    /// How long a wait for a lock takes at most, in milliseconds.
    lock_limit: u128,
    /// Ways to the server and back that transactions took.
    ways: Arc<AtomicU64>,
}

/// A pool of at most so many connections, opened as they are needed, each with these settings.
pub(super) fn pool(most: u32, settings: String) -> PgPoolOptions {
    let settings: Arc<str> = settings.into();
    PgPoolOptions::new()
        .max_connections(most)
        .test_before_acquire(false)
        .acquire_timeout(Duration::from_secs(30))
        .after_connect(move |conn, _| {
            let settings = Arc::clone(&settings);
            Box::pin(async move {
                let settings = sqlx::raw_sql(AssertSqlSafe(settings));
                conn.execute(settings).await.map(|_| ())
            })
        })
}

/// What holds on every connection: a wait for a lock and an idle transaction have an end, `read_only` holds for whatever
/// runs there, and so does the limit of a statement where there is one.
pub(super) fn settings(read_only: bool, call_limit: Option<Duration>) -> String {
    let statement = call_limit.map_or(0, |limit| (limit + GRACE).as_millis());
    let mut settings = format!(
        "SET lock_timeout = {}; SET statement_timeout = {statement};
         SET idle_in_transaction_session_timeout = '60s'; SET TIME ZONE 'UTC'",
        lock_limit(call_limit)
    );
    if read_only {
        settings.push_str("; SET default_transaction_read_only = on");
    }
    settings
}

/// How long a wait for a lock takes at most, in milliseconds. A call that waits for one is told so before its own time is over.
/// It may wait twice: behind those that wait for the same row, and then for the one that holds it.
fn lock_limit(call_limit: Option<Duration>) -> u128 {
    let limit = call_limit.map_or(LOCK_LIMIT, |limit| limit / 3);
    limit.as_millis().max(1)
}

/// A pooled connection in a transaction.
pub(crate) struct Connection {
    conn: Option<PoolConnection<Engine>>,
    /// What begins its transaction, until the first statement does on the way, and where another connection is to be had.
    beginning: Option<(PgPool, String)>,
    /// It acts for one workspace, as a role that sees no other.
    in_workspace: bool,
    /// Counts the ways to the server and back of this process.
    ways: Arc<AtomicU64>,
}

pub(crate) fn cannot_connect(error: sqlx::Error) -> Error {
    let (message, hint) = match &error {
        sqlx::Error::Database(database) => match database.code().as_deref() {
            Some("28P01" | "28000") => (
                "refuses this user or password",
                "Check the user and password in the address.",
            ),
            Some("3D000") => (
                "has no such database",
                "Create it (createdb NAME), or name another one.",
            ),
            Some("42501") => (
                "does not let this user set it up",
                "Bureau makes the role bureau_app once: connect as a user with CREATEROLE, or create that role yourself.",
            ),
            _ => ("refuses the connection", "Its own log says more."),
        },
        error if fault::is_untrusted(error) => (
            "shows a certificate that is not trusted",
            "Name who signed it with ?sslmode=verify-full&sslrootcert=FILE, and the host as it stands in it; nothing was changed.",
        ),
        error if fault::is_not_encrypted(error) => (
            "offers no encrypted connection",
            "Switch TLS on there (ssl = on), or ask for none with ?sslmode=disable where nobody can listen; nothing was changed.",
        ),
        sqlx::Error::Configuration(_) => (
            "cannot be found: the address is wrong",
            "Write postgres://user:password@host:5432/database.",
        ),
        _ => (
            "does not answer",
            "Check its address and that it runs; nothing was changed.",
        ),
    };
    Error::new(
        Code::Unavailable,
        format!("The PostgreSQL server {message}."),
    )
    .hint(hint)
    .cause(error)
}

/// A connection of its own, beside any pool.
pub(crate) async fn connect(url: &str) -> Result<sqlx::PgConnection> {
    let options: PgConnectOptions = url.parse().map_err(cannot_connect)?;
    let mut conn = options
        .application_name("bureau")
        .disable_statement_logging()
        .connect()
        .await
        .map_err(cannot_connect)?;
    check_server(&mut conn).await?;
    Ok(conn)
}

/// Refuses a server that speaks PostgreSQL's language and gives a lock to everybody who asks: two processes would seal one log
/// and hand out one number, and neither would hear of it.
pub(crate) async fn check_server(conn: &mut sqlx::PgConnection) -> Result<()> {
    let version: String = sqlx::query_scalar("SELECT version()")
        .fetch_one(conn)
        .await
        .map_err(cannot_connect)?;
    if !version.contains("CockroachDB") {
        return Ok(());
    }
    Err(Error::new(
        Code::Unavailable,
        "CockroachDB cannot keep Bureau's data, because its advisory locks hold nobody back; nothing was changed.",
    )
    .hint("Name a PostgreSQL server, or a SQLite file."))
}

/// Refuses while other processes of Bureau are connected: they know things by heart that are about to change, such as the
/// node that their identifiers are made with, where the change log ends, and where the rows lie.
pub(crate) async fn alone(conn: &mut sqlx::PgConnection, hint: &'static str) -> Result<()> {
    let mut waited = Duration::ZERO;
    loop {
        let others: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database()
             AND application_name = 'bureau' AND pid <> pg_backend_pid()",
        )
        .fetch_one(&mut *conn)
        .await
        .map_err(fault::translate)?;
        if others == 0 {
            return Ok(());
        }
        if waited >= LINGER {
            return Err(Error::new(
                Code::Unavailable,
                "Other processes of Bureau are connected to this database; nothing was changed.",
            )
            .hint(hint));
        }
        let step = Duration::from_millis(50);
        tokio::time::sleep(step).await;
        waited += step;
    }
}

async fn migrate(conn: &mut sqlx::PgConnection) -> Result<()> {
    let done = migrate::POSTGRES.run_direct(None, conn, false).await;
    done.map_err(migrate::fault)
}

/// Runs the migrations on an empty database and leaves nobody connected to it.
#[cfg(feature = "testing")]
pub(crate) async fn migrate_once(url: &str) -> Result<()> {
    let options: PgConnectOptions = url.parse().map_err(cannot_connect)?;
    let mut conn = options.connect().await.map_err(cannot_connect)?;
    migrate(&mut conn).await?;
    sqlx::Connection::close(conn).await.map_err(cannot_connect)
}

impl Postgres {
    pub(crate) async fn open(url: &str, open: &OpenOptions) -> Result<Self> {
        let options: PgConnectOptions = url.parse().map_err(cannot_connect)?;
        let options = options
            .application_name("bureau")
            .statement_cache_capacity(256)
            .disable_statement_logging();
        let read_only = open.read_only;
        // One attempt outside of the pools, which would try again for half a minute.
        let mut conn = tokio::time::timeout(Duration::from_secs(10), options.connect())
            .await
            .map_err(|_| cannot_connect(sqlx::Error::PoolTimedOut))?
            .map_err(cannot_connect)?;
        check_server(&mut conn).await?;
        let found = version(&mut conn).await.map_err(cannot_connect)?;
        // Before anything is written: a worker is no place for it.
        let profile = Profile::of(&mut conn).await?;
        if migrate::check(found, &migrate::POSTGRES, read_only)? {
            migrate(&mut conn).await?;
        }
        let unlimited = || settings(read_only, None);
        // The one of the listener is held for good.
        let listener = pool(1, unlimited()).idle_timeout(None).max_lifetime(None);
        let own = pool(OWN, unlimited()).connect_lazy_with(options.clone());
        if profile.is_distributed && !open.replicas.is_empty() {
            let message = "The rows of this database lie on several machines, of which no replicas are read from.";
            return Err(Error::invalid("replicas", message).hint("Leave --replicas out."));
        }
        let replicas = Replicas::open(open, &own).await?;
        Ok(Self {
            callers: pool(
                open.connections.max(1),
                settings(read_only, open.call_limit),
            )
            .connect_lazy_with(options.clone()),
            own,
            replicas,
            sealer: pool(1, unlimited()).connect_lazy_with(options.clone()),
            listener: listener.connect_lazy_with(options),
            unseen: AtomicUsize::new(0),
            sealed_up_to: AtomicI64::new(i64::MIN),
            looked: AtomicI64::new(0),
            profile,
            lock_limit: lock_limit(open.call_limit),
            ways: Arc::default(),
        })
    }

    /// How many ways to the server and back transactions took.
    pub(crate) fn ways(&self) -> u64 {
        self.ways.load(Ordering::Relaxed)
    }

    /// What the server does otherwise than one machine alone.
    pub(crate) fn profile(&self) -> Profile {
        self.profile
    }

    pub(crate) fn connections(&self) -> u32 {
        [&self.callers, &self.own, &self.sealer, &self.listener]
            .map(|pool| pool.options().get_max_connections())
            .iter()
            .sum()
    }

    pub(crate) async fn begin(&self, scope: Scope, read_only: bool) -> Result<Connection> {
        let mode = if read_only { READING } else { "BEGIN" };
        // One round trip, where one machine is all there is. The number is a number, so there is nothing to escape.
        let is_distributed = self.profile.is_distributed;
        let (pool, begin) = match scope {
            Scope::System => (&self.own, mode.to_owned()),
            Scope::Workspace(_) if is_distributed => {
                (&self.callers, format!("{mode}; SET LOCAL ROLE bureau_app"))
            }
            Scope::Workspace(workspace) => (&self.callers, in_workspace(mode, workspace)),
        };
        if !read_only && !is_distributed && scope != Scope::System {
            let conn = acquire(pool).await.map_err(fault::translate)?;
            let mut conn = Connection::new(conn, &self.ways);
            conn.beginning = Some((pool.clone(), begin));
            conn.in_workspace = true;
            return Ok(conn);
        }
        let mut conn = begin_on(pool, &begin.into(), &self.ways)
            .await
            .map_err(fault::translate)?;
        conn.in_workspace = scope != Scope::System;
        if is_distributed {
            // Not a part of every other transaction's future.
            Box::pin(self.tell_others(&mut conn, scope, read_only))
                .await
                .map_err(fault::translate)?;
        }
        Ok(conn)
    }

    /// The same for a read, on a replica if one has what is acknowledged by now.
    pub(crate) async fn begin_anywhere(
        &self,
        scope: Scope,
    ) -> Result<(Connection, Option<OnReplica>)> {
        if let (Some(replicas), Scope::Workspace(workspace)) = (&self.replicas, scope)
            && let Some((conn, on)) =
                Box::pin(replicas.begin(in_workspace(READING, workspace), &self.ways)).await
        {
            return Ok((conn, Some(on)));
        }
        Ok((self.begin(scope, true).await?, None))
    }

    pub(crate) fn replica_reads(&self) -> u64 {
        self.replicas
            .as_ref()
            .map_or(0, |replicas| replicas.reads())
    }

    pub(crate) async fn replicas(&self) -> Vec<ReplicaState> {
        match &self.replicas {
            Some(replicas) => replicas.states().await,
            None => Vec::new(),
        }
    }

    /// Says on whose behalf a transaction runs, and how long it may wait there, to the machine where its rows lie.
    async fn tell_others(
        &self,
        conn: &mut Connection,
        scope: Scope,
        read_only: bool,
    ) -> sqlx::Result<()> {
        if scope == Scope::System && read_only {
            return Ok(());
        }
        let mut text = REACHING.to_owned();
        if let Scope::Workspace(workspace) = scope {
            // Writing to a string does not fail.
            let _ = write!(text, "; SET LOCAL bureau.workspace = '{workspace}'");
        }
        if !read_only {
            let _ = write!(text, "; SET LOCAL lock_timeout = {}", self.lock_limit);
        }
        let text = sqlx::raw_sql(AssertSqlSafe(text));
        conn.get()?.execute(text).await.map(|_| ())
    }

    /// The rows of one statement that only reads, which is a transaction by itself.
    pub(crate) async fn look(&self, text: &str, values: &[Value]) -> Result<Vec<Row>> {
        // As in `begin`: what only reads may be asked again.
        let mut others = self.own.options().get_max_connections();
        loop {
            let mut conn = acquire(&self.own).await.map_err(fault::translate)?;
            match fetch(&mut conn, text, values).await {
                Ok(rows) => return Ok(rows),
                Err(error) if fault::is_cut(&error) && others > 0 => {
                    others -= 1;
                    drop(conn.detach());
                }
                Err(error) => return Err(fault::translate(error)),
            }
        }
    }

    /// Takes a number for the identifiers of this process, and another one before the first comes round.
    pub(crate) async fn take_node(&self, ids: &OnceLock<IdGenerator>) -> Result<()> {
        /// How often it is looked, in milliseconds.
        const EACH: i64 = 5_000;
        // Not a clock that stands still while the machine sleeps.
        let now = chrono::Utc::now().timestamp_millis();
        let looked = self.looked.load(Ordering::Relaxed);
        if (looked..looked + EACH).contains(&now) {
            return Ok(());
        }
        let is_own = match ids.get() {
            Some(ids) => {
                let newest = "SELECT value FROM counter WHERE name = 'node'";
                ids.is_own(self.number(newest).await?)
            }
            None => false,
        };
        if !is_own {
            let node = self.number(
                "INSERT INTO counter (name, value) VALUES ('node', 1)
                 ON CONFLICT (name) DO UPDATE SET value = counter.value + 1 RETURNING value",
            );
            let node = node.await?;
            ids.get_or_init(|| IdGenerator::new(node)).renew(node);
        }
        self.looked.store(now, Ordering::Relaxed);
        Ok(())
    }

    async fn number(&self, text: &'static str) -> Result<i64> {
        let row = sqlx::query(text).fetch_one(&self.own).await;
        row.and_then(|row| row.try_get(0)).map_err(fault::translate)
    }

    /// Commits. Where the answer is lost, it is looked up whether the commit came through: `proof` is the transaction's number
    /// and the workspace and identifier of a row that it wrote.
    pub(crate) async fn commit(
        &self,
        conn: Connection,
        proof: Option<(String, (i64, i64))>,
    ) -> Result<()> {
        let Err(error) = conn.commit().await else {
            return Ok(());
        };
        if !fault::is_unanswered(&error) {
            return Err(fault::translate(error));
        }
        let Some((number, row)) = proof else {
            return Err(fault::unknown(error));
        };
        match tokio::time::timeout(LOOK_LIMIT, self.came_through(&number, row)).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(fault::translate(error)),
            Err(_) => Err(fault::unknown(error)),
        }
    }

    /// Whether a transaction came through; waits as long as that is not decided, or cannot be asked.
    async fn came_through(&self, number: &str, row: (i64, i64)) -> bool {
        loop {
            match self.look_after(number, row).await {
                Ok(Some(came_through)) => return came_through,
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "what became of a commit cannot be asked yet"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn look_after(
        &self,
        number: &str,
        (workspace, id): (i64, i64),
    ) -> sqlx::Result<Option<bool>> {
        let mut conn = acquire(&self.own).await?;
        let status =
            sqlx::query_scalar::<_, Option<String>>("SELECT pg_xact_status($1::TEXT::xid8)")
                .bind(number)
                .fetch_one(&mut *conn)
                .await;
        match status {
            Ok(Some(status)) if status == "in progress" => return Ok(None),
            // Such a number has not been handed out: the server crashed and knows nothing of it any more.
            Err(error) if fault::is_in_the_future(&error) => return Ok(Some(false)),
            Err(error) => return Err(error),
            Ok(_) => {}
        }
        // Only the row itself is a proof: after a crash another transaction may have got the number.
        let is_there = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM change_log WHERE workspace = $1 AND id = $2)",
        )
        .bind(workspace)
        .bind(id)
        .fetch_one(&mut *conn)
        .await?;
        // The machine where it lies may still be at its commit, of which nothing is noted here.
        Ok((is_there || !self.profile.is_distributed).then_some(is_there))
    }

    pub(crate) async fn close(&self) {
        for pool in [&self.callers, &self.own, &self.sealer, &self.listener] {
            pool.close().await;
        }
        if let Some(replicas) = &self.replicas {
            replicas.close().await;
        }
    }

    /// Seals committed rows of all workspaces, as many as one transaction takes: gives them the next positions of their
    /// workspace, in the order of their identifiers, and the hashes. Whether there were any, and whether there may be more.
    async fn seal(&self) -> Result<(bool, bool), sqlx::Error> {
        let mut tx = self.sealer.begin().await?;
        sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind(SEALER_LOCK)
            .execute(&mut *tx)
            .await?;
        let after = self.sealed_up_to.load(Ordering::Relaxed);
        let rows = if self.profile.is_distributed {
            unsealed_of_each(&mut tx, after).await?
        } else {
            unsealed(&mut tx, after).await?
        };
        let is_full = i64::try_from(rows.len()).is_ok_and(|rows| rows >= SEAL_ROWS);
        let last = rows.last().filter(|_| is_full).map(|row| row.workspace);
        let next = last.unwrap_or(i64::MIN);
        self.sealed_up_to.store(next, Ordering::Relaxed);
        // What comes before the place where this one began was not looked at.
        let may_be_more = after > i64::MIN;
        let mut by_workspace: BTreeMap<i64, Vec<LogRow>> = BTreeMap::new();
        for row in rows {
            by_workspace.entry(row.workspace).or_default().push(row);
        }
        if by_workspace.is_empty() {
            return Ok((false, may_be_more));
        }
        let is_taken_short = |rows: &Vec<LogRow>| i64::try_from(rows.len()) == Ok(SEAL_EACH);
        let may_be_more = may_be_more || is_full || by_workspace.values().any(is_taken_short);
        self.seal_rows(&mut tx, by_workspace).await?;
        tx.commit().await?;
        Ok((true, may_be_more))
    }

    async fn seal_rows(
        &self,
        conn: &mut sqlx::PgConnection,
        by_workspace: BTreeMap<i64, Vec<LogRow>>,
    ) -> Result<(), sqlx::Error> {
        let workspaces: Vec<i64> = by_workspace.keys().copied().collect();
        let heads: Vec<(i64, i64, Vec<u8>)> = sqlx::query_as(
            "SELECT workspace, position, hash FROM log_head WHERE workspace = ANY($1)",
        )
        .bind(workspaces)
        .fetch_all(&mut *conn)
        .await?;
        let mut seals: HashMap<i64, Seal> = heads
            .into_iter()
            .map(|(workspace, position, hash)| (workspace, Seal { position, hash }))
            .collect();
        let (mut of, mut ids, mut positions, mut hashes) = (vec![], vec![], vec![], vec![]);
        let (mut moved, mut ends, mut end_hashes, mut times) = (vec![], vec![], vec![], vec![]);
        for (workspace, mut rows) in by_workspace {
            rows.sort_unstable_by_key(|row| row.id);
            let seal = seals.remove(&workspace);
            let mut seal = seal.unwrap_or_else(|| Seal::genesis(workspace));
            for row in &rows {
                seal = seal.next(row);
                of.push(workspace);
                ids.push(row.id);
                positions.push(seal.position);
                hashes.push(seal.hash.clone());
            }
            if let Some(last) = rows.last() {
                moved.push(workspace);
                ends.push(seal.position);
                end_hashes.push(seal.hash);
                times.push(last.at);
            }
        }
        if self.profile.is_distributed {
            // One statement for each workspace goes to the machine where it lies, and to no other.
            let mut from = 0;
            for workspace in of.chunk_by(PartialEq::eq) {
                let part = from..from + workspace.len();
                from = part.end;
                sqlx::query(
                    "UPDATE change_log SET position = sealed.position, hash = sealed.hash
                     FROM UNNEST($2::BIGINT[], $3::BIGINT[], $4::BYTEA[]) AS sealed (id, position, hash)
                     WHERE change_log.workspace = $1 AND change_log.id = sealed.id",
                )
                .bind(workspace.first())
                .bind(ids.get(part.clone()))
                .bind(positions.get(part.clone()))
                .bind(hashes.get(part))
                .execute(&mut *conn)
                .await?;
            }
        } else {
            sqlx::query(
                "UPDATE change_log SET position = sealed.position, hash = sealed.hash
                 FROM UNNEST($1::BIGINT[], $2::BIGINT[], $3::BIGINT[], $4::BYTEA[]) AS sealed (workspace, id, position, hash)
                 WHERE change_log.workspace = sealed.workspace AND change_log.id = sealed.id",
            )
            .bind(of)
            .bind(ids)
            .bind(positions)
            .bind(hashes)
            .execute(&mut *conn)
            .await?;
        }
        move_heads(conn, moved, ends, end_hashes, times).await
    }
}

/// Notes where the logs of these workspaces end now, and tells all servers.
async fn move_heads(
    conn: &mut sqlx::PgConnection,
    moved: Vec<i64>,
    ends: Vec<i64>,
    hashes: Vec<Vec<u8>>,
    times: Vec<Timestamp>,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO log_head (workspace, position, hash, at, sealing)
         SELECT *, (SELECT COALESCE(MAX(sealing), 0) + 1 FROM log_head)
         FROM UNNEST($1::BIGINT[], $2::BIGINT[], $3::BYTEA[], $4::TIMESTAMPTZ[])
         ON CONFLICT (workspace) DO UPDATE
         SET position = excluded.position, hash = excluded.hash, at = excluded.at, sealing = excluded.sealing",
    )
    .bind(moved)
    .bind(ends)
    .bind(hashes)
    .bind(times)
    .execute(&mut *conn)
    .await?;
    // Only who seals notifies: a NOTIFY in every writer's transaction would make their commits queue.
    sqlx::query("SELECT pg_notify($1, '')")
        .bind(CHANNEL)
        .execute(conn)
        .await?;
    Ok(())
}

/// Rows that are to be sealed, of the workspaces after this one: a part of each, so that nobody waits for a busy one. It goes
/// along the index of such rows from one workspace to the next, whatever else there is.
async fn unsealed(conn: &mut sqlx::PgConnection, after: i64) -> sqlx::Result<Vec<LogRow>> {
    let rows = sqlx::query(
        "WITH RECURSIVE waiting AS (
            (SELECT workspace FROM change_log WHERE position IS NULL AND workspace > $1 ORDER BY workspace LIMIT 1)
            UNION ALL
            SELECT (SELECT next.workspace FROM change_log AS next WHERE next.position IS NULL AND next.workspace > waiting.workspace
                    ORDER BY next.workspace LIMIT 1)
            FROM waiting WHERE waiting.workspace IS NOT NULL
         )
         SELECT part.* FROM waiting CROSS JOIN LATERAL (
            SELECT id, call, workspace, at, member, api_key, client, tool, undoes, entity, record, action, version,
                   before, after, digest
            FROM change_log WHERE position IS NULL AND change_log.workspace = waiting.workspace ORDER BY id LIMIT $2
         ) AS part LIMIT $3",
    )
    .bind(after)
    .bind(SEAL_EACH)
    .bind(SEAL_ROWS)
    .fetch_all(conn)
    .await?;
    log_rows(rows)
}

/// The same where workspaces lie on several machines: all of them are asked which have such rows, and then each for its own.
async fn unsealed_of_each(conn: &mut sqlx::PgConnection, after: i64) -> sqlx::Result<Vec<LogRow>> {
    let workspaces: Vec<i64> = sqlx::query_scalar(UNSEALED)
        .bind(after)
        .bind(SEAL_ROWS)
        .fetch_all(&mut *conn)
        .await?;
    let mut rows = Vec::new();
    for workspace in workspaces {
        let left = SEAL_ROWS.saturating_sub(i64::try_from(rows.len()).unwrap_or(i64::MAX));
        if left <= 0 {
            break;
        }
        let part = sqlx::query(
            "SELECT id, call, workspace, at, member, api_key, client, tool, undoes, entity, record, action, version,
                    before, after, digest
             FROM change_log WHERE position IS NULL AND workspace = $1 ORDER BY id LIMIT $2",
        )
        .bind(workspace)
        .bind(left.min(SEAL_EACH))
        .fetch_all(&mut *conn)
        .await?;
        rows.extend(log_rows(part)?);
    }
    Ok(rows)
}

fn log_rows(rows: Vec<sqlx::postgres::PgRow>) -> sqlx::Result<Vec<LogRow>> {
    let read = |row| LogRow::from_row(&Row::Postgres(Box::new(row)));
    let rows: Result<Vec<LogRow>> = rows.into_iter().map(read).collect();
    rows.map_err(|error| sqlx::Error::Decode(error.into()))
}

impl Postgres {
    /// Notes that so many rows were written to the log.
    pub(super) fn wrote(&self, rows: usize) {
        self.unseen.fetch_add(rows, Ordering::Relaxed);
    }

    /// Whether enough was written that it is to be looked which tables have grown.
    fn may_have_grown(&self) -> bool {
        let is_enough =
            |unseen: usize| (unseen >= LOOKS_EVERY && !self.profile.is_distributed).then_some(0);
        let all = Ordering::Relaxed;
        self.unseen.fetch_update(all, all, is_enough).is_ok()
    }

    /// Has PostgreSQL look at tables that are several times as large as when it last did. Its own autovacuum does so once a
    /// minute, and until then the planner takes an index for the wrong one: most of an import into a new database went there.
    async fn look_at_grown(&self) -> sqlx::Result<()> {
        let grown: Option<String> = sqlx::query_scalar(
            "SELECT STRING_AGG(oid::REGCLASS::TEXT, ', ' ORDER BY oid) FROM pg_class
             WHERE relkind = 'r' AND relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'change_log'::REGCLASS)
               AND pg_relation_size(oid) > 8192 * (16 + 4 * GREATEST(relpages, 0)::BIGINT)",
        )
        .fetch_one(&self.own)
        .await?;
        if let Some(grown) = grown {
            let text = sqlx::raw_sql(AssertSqlSafe(format!("ANALYZE {grown}")));
            self.own.execute(text).await?;
        }
        Ok(())
    }

    /// Seals all that is committed, and wakes those that follow. Whether there was anything.
    pub(crate) async fn seal_all(&self, store: &super::Inner) -> bool {
        let mut any = false;
        loop {
            match self.seal().await {
                Ok((sealed, may_be_more)) => {
                    if sealed {
                        store.grew();
                        any = true;
                    }
                    if !may_be_more {
                        return any;
                    }
                }
                // Whoever closes the store seals the last of it first.
                Err(sqlx::Error::PoolClosed) => return any,
                Err(error) => {
                    tracing::warn!(%error, "sealing the change log failed and is tried again");
                    return any;
                }
            }
        }
    }
}

pub(crate) async fn version(conn: &mut sqlx::PgConnection) -> sqlx::Result<i64> {
    let known: bool = sqlx::query("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut *conn)
        .await?
        .try_get(0)?;
    if !known {
        return Ok(0);
    }
    sqlx::query("SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations WHERE success")
        .fetch_one(conn)
        .await?
        .try_get(0)
}

/// Starts the task that seals this process's commits, and the one that hears of the others'. Both end with the store.
pub(crate) fn start_sealer(store: &Store) {
    if !store.is_read_only() {
        tokio::spawn(keep_sealing(Arc::downgrade(&store.0)));
    }
    tokio::spawn(keep_listening(Arc::downgrade(&store.0)));
}

async fn keep_sealing(weak: Weak<super::Inner>) {
    let mut looking: Option<JoinHandle<()>> = None;
    loop {
        let Some(inner) = weak.upgrade() else { return };
        // What another server committed and did not live to seal is found within a second.
        let _ = tokio::time::timeout(Duration::from_secs(1), inner.sealer.notified()).await;
        let super::Engine::Postgres(engine) = &inner.engine else {
            return;
        };
        if engine.callers.is_closed() {
            return;
        }
        // Beside the sealing, which nobody is to wait longer for.
        if looking.as_ref().is_none_or(JoinHandle::is_finished) && engine.may_have_grown() {
            let inner = Arc::clone(&inner);
            looking = Some(tokio::spawn(async move {
                if let super::Engine::Postgres(engine) = &inner.engine
                    && let Err(error) = engine.look_at_grown().await
                {
                    tracing::debug!(%error, "PostgreSQL could not look at tables that have grown");
                }
            }));
        }
        if engine.seal_all(&inner).await {
            tokio::time::sleep(SEAL_REST).await;
        }
    }
}

async fn keep_listening(weak: Weak<super::Inner>) {
    loop {
        let Some(inner) = weak.upgrade() else { return };
        let super::Engine::Postgres(engine) = &inner.engine else {
            return;
        };
        if engine.callers.is_closed() {
            return;
        }
        let listener = PgListener::connect_with(&engine.listener).await;
        drop(inner);
        if let Ok(mut listener) = listener
            && listener.listen(CHANNEL).await.is_ok()
        {
            loop {
                let heard = tokio::time::timeout(Duration::from_secs(5), listener.recv()).await;
                let Some(inner) = weak.upgrade() else { return };
                match heard {
                    Ok(Ok(_)) => inner.grew(),
                    Ok(Err(_)) => break,
                    Err(_) => {}
                }
            }
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// The end of a workspace's sealed log, where nothing that is committed waits to be sealed.
async fn end_of_sealed(
    conn: &mut sqlx::PgConnection,
    workspace: i64,
) -> sqlx::Result<Option<Seal>> {
    let end: Option<(i64, Vec<u8>)> = sqlx::query_as(
        "SELECT position, hash FROM log_head WHERE workspace = $1
         AND NOT EXISTS (SELECT FROM change_log WHERE workspace = $1 AND position IS NULL)",
    )
    .bind(workspace)
    .fetch_optional(conn)
    .await?;
    Ok(end.map(|(position, hash)| Seal { position, hash }))
}

/// What begins a transaction in a workspace.
fn in_workspace(mode: &str, workspace: i64) -> String {
    format!("{mode}; SET LOCAL ROLE bureau_app; SET LOCAL bureau.workspace = '{workspace}'")
}

/// Begins a transaction. The server may have gone and come back while a connection was idle. Nothing was sent on it that counts,
/// so another one serves as well; in the worst case all idle ones are cut.
pub(super) async fn begin_on(
    pool: &PgPool,
    begin: &Arc<str>,
    ways: &Arc<AtomicU64>,
) -> sqlx::Result<Connection> {
    let mut others = pool.options().get_max_connections();
    loop {
        let mut conn = Connection::new(acquire(pool).await?, ways);
        let text = sqlx::raw_sql(AssertSqlSafe(Arc::clone(begin)));
        match conn.way()?.execute(text).await {
            Ok(_) => return Ok(conn),
            Err(error) if fault::is_cut(&error) && others > 0 => others -= 1,
            Err(error) => return Err(error),
        }
    }
}

/// A connection of a pool. The driver's future is 4 KB long, and all futures above it would be by so much: each call moves
/// those several times.
fn acquire(pool: &PgPool) -> impl Future<Output = sqlx::Result<PoolConnection<Engine>>> {
    Box::pin(pool.acquire())
}

async fn fetch(
    conn: &mut sqlx::PgConnection,
    text: &str,
    values: &[Value],
) -> sqlx::Result<Vec<Row>> {
    let query = sqlx::query(AssertSqlSafe(text).into_sql_str());
    let query = values.iter().fold(query, bind_postgres);
    let rows = query.fetch_all(conn).await?;
    let row = |row| Row::Postgres(Box::new(row));
    Ok(rows.into_iter().map(row).collect())
}

impl Connection {
    fn new(conn: PoolConnection<Engine>, ways: &Arc<AtomicU64>) -> Self {
        Self {
            conn: Some(conn),
            beginning: None,
            in_workspace: false,
            ways: Arc::clone(ways),
        }
    }

    fn get(&mut self) -> sqlx::Result<&mut sqlx::PgConnection> {
        self.conn.as_deref_mut().ok_or(sqlx::Error::PoolClosed)
    }

    /// The same for a statement, which is one way to the server and back.
    fn way(&mut self) -> sqlx::Result<&mut sqlx::PgConnection> {
        self.ways.fetch_add(1, Ordering::Relaxed);
        self.get()
    }

    /// The same in its transaction, which it begins where nothing did so far.
    async fn begun(&mut self) -> sqlx::Result<&mut sqlx::PgConnection> {
        if self.beginning.is_some() {
            Box::pin(self.begin_with("")).await?;
        }
        self.way()
    }

    /// Begins the transaction together with a statement that answers nothing. As in [`begin_on`], a connection that was cut while
    /// it was idle is replaced.
    async fn begin_with(&mut self, statement: &str) -> sqlx::Result<()> {
        let Some((pool, begin)) = self.beginning.take() else {
            return Ok(());
        };
        let text: Arc<str> = format!("{begin}{statement}").into();
        let mut others = pool.options().get_max_connections();
        loop {
            let text = sqlx::raw_sql(AssertSqlSafe(Arc::clone(&text)));
            match self.way()?.execute(text).await {
                Ok(_) => return Ok(()),
                Err(error) if fault::is_cut(&error) && others > 0 => others -= 1,
                Err(error) => return Err(error),
            }
            drop(self.conn.take().map(PoolConnection::detach));
            self.conn = Some(acquire(&pool).await?);
        }
    }

    /// Takes advisory locks: a `SELECT` of nothing but numbers, which goes with what begins the transaction.
    pub(super) async fn lock(&mut self, locks: &str) -> sqlx::Result<()> {
        if self.beginning.is_some() {
            return Box::pin(self.begin_with(&format!("; {locks}"))).await;
        }
        let locks = sqlx::raw_sql(AssertSqlSafe(locks.to_owned()));
        self.way()?.execute(locks).await.map(|_| ())
    }

    pub(crate) async fn execute(&mut self, text: &str, values: &[Value]) -> sqlx::Result<u64> {
        let query = sqlx::query(AssertSqlSafe(text).into_sql_str());
        let query = values.iter().fold(query, bind_postgres);
        query
            .execute(self.begun().await?)
            .await
            .map(|done| done.rows_affected())
    }

    pub(crate) async fn fetch(&mut self, text: &str, values: &[Value]) -> sqlx::Result<Vec<Row>> {
        fetch(self.begun().await?, text, values).await
    }

    /// Seals rows of one workspace that this transaction is about to write and to commit, as the sealer would afterwards. None
    /// where somebody else seals at the moment, or what was committed before still waits for it.
    pub(super) async fn seal(&mut self, rows: &[LogRow]) -> sqlx::Result<Vec<Seal>> {
        let Some(workspace) = rows.first().map(|row| row.workspace) else {
            return Ok(Vec::new());
        };
        if !self.in_workspace || rows.iter().any(|row| row.workspace != workspace) {
            return Ok(Vec::new());
        }
        let conn = self.begun().await?;
        // Whoever makes a backup holds writers back by this table and waits for the sealer, who must not wait for one of them.
        let alone = "RESET ROLE; LOCK TABLE workspace IN ROW SHARE MODE";
        conn.execute(sqlx::raw_sql(alone)).await?;
        let free: bool = sqlx::query_scalar("SELECT pg_try_advisory_xact_lock($1)")
            .bind(SEALER_LOCK)
            .fetch_one(&mut *conn)
            .await?;
        let mut seals = Vec::new();
        // A statement of its own: it sees what was committed before the lock was free.
        if free && let Some(mut seal) = end_of_sealed(conn, workspace).await? {
            for row in rows {
                seal = seal.next(row);
                seals.push(seal.clone());
            }
        }
        conn.execute(sqlx::raw_sql("SET LOCAL ROLE bureau_app"))
            .await?;
        Ok(seals)
    }

    /// Notes where the log ends with rows that were sealed so.
    pub(super) async fn end_log(&mut self, last: &LogRow, seal: Seal) -> sqlx::Result<()> {
        let conn = self.way()?;
        conn.execute(sqlx::raw_sql("RESET ROLE")).await?;
        let Seal { position, hash } = seal;
        move_heads(
            conn,
            vec![last.workspace],
            vec![position],
            vec![hash],
            vec![last.at],
        )
        .await
    }

    /// Runs what [`together`](super::insert::together) made, and answers the transaction's number.
    pub(super) async fn insert(
        &mut self,
        text: String,
        arrays: Vec<Array>,
    ) -> sqlx::Result<String> {
        let query = sqlx::query(AssertSqlSafe(text).into_sql_str());
        let query = arrays.into_iter().fold(query, Array::bind);
        query.fetch_one(self.begun().await?).await?.try_get(0)
    }

    pub(crate) async fn commit(mut self) -> sqlx::Result<()> {
        if self.beginning.is_some() {
            return Ok(());
        }
        self.way()?.execute(sqlx::raw_sql("COMMIT")).await?;
        // Ended in order: the pool may have it back.
        drop(self.conn.take());
        Ok(())
    }

    pub(crate) async fn rollback(mut self) -> sqlx::Result<()> {
        if self.beginning.is_some() {
            return Ok(());
        }
        self.way()?.execute(sqlx::raw_sql("ROLLBACK")).await?;
        drop(self.conn.take());
        Ok(())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Dropped in the middle of a transaction: the pool must not hand it to anyone else.
        if self.beginning.is_none()
            && let Some(conn) = self.conn.take()
        {
            drop(conn.detach());
        }
    }
}
