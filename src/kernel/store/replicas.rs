//! Reads on replicas: copies of a PostgreSQL server that follow it by streaming.
//!
//! A read on one sees whatever was acknowledged to anybody before the read began, as a read on the server itself does: that one
//! is asked how far its log is on disk by now, and a replica that has replayed it so far is read from. Where that takes too
//! long, or anything else is in the way, the server itself is read from. So callers find their own writes and each other's,
//! through whichever process they made them, and nothing has to be noted when something is written.
//!
//! A replica that was late or silent rests until it is near and answers again, so that no call waits for it meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgPool};
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

use super::postgres::{Connection, begin_on, cannot_connect, pool, settings};
use super::{Database, OpenOptions, fault};
use crate::error::{Code, Error, Result};

/// How long a read waits for a replica to come as far as the server was when the read began.
const PATIENCE: Duration = Duration::from_millis(50);
/// How often the replica is asked meanwhile.
const LOOK_EACH: Duration = Duration::from_millis(1);
/// How often one that rests is looked after, and how long it may take to answer then.
const REST: Duration = Duration::from_secs(1);
const ANSWER: Duration = Duration::from_secs(3);

/// Counter: reads that replicas answered.
pub const REPLICA_READS: &str = "bureau_replica_reads_total";

/// How far the server is: whatever was acknowledged stands in its log before this place.
const WRITTEN: &str = "SELECT (SELECT system_identifier FROM pg_control_system()),
     (SELECT oid::BIGINT FROM pg_database WHERE datname = current_database()),
     ('x' || substr(pg_walfile_name(flushed), 1, 8))::BIT(32)::INT, (flushed - '0/0')::BIGINT
     FROM pg_current_wal_flush_lsn() AS flushed";
/// How far a replica is: what stands in the log before this place can be read there. No row where it follows nobody, such as one
/// that was made a server of its own: how far it has come says nothing then.
const REPLAYED: &str = "SELECT (SELECT system_identifier FROM pg_control_system()),
     (SELECT oid::BIGINT FROM pg_database WHERE datname = current_database()),
     (SELECT min_recovery_end_timeline FROM pg_control_recovery()), COALESCE(pg_last_wal_replay_lsn() - '0/0', 0)::BIGINT
     WHERE pg_is_in_recovery()";

/// A place in a server's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    /// The server, which is the same for its replicas, and the database there.
    database: (i64, i64),
    /// Grows when a replica takes the server's place: what the two wrote after that is not the same.
    timeline: i32,
    /// Bytes from the log's beginning.
    bytes: i64,
}

/// Why a replica is not read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Obstacle {
    #[error("it does not answer")]
    Silent,
    #[error("it is behind")]
    Late,
    #[error("it follows nobody")]
    Independent,
    #[error("it is a copy of another database")]
    Foreign,
    #[error(
        "it followed a server that was replaced, and has not noted yet that it follows the new one"
    )]
    Elsewhere,
}

type Answer = std::result::Result<Place, Obstacle>;

/// A question that is asked for all who want to know: whoever comes while it is being asked waits for the next answer, which is
/// one for all who came by then. However many they are, a server gets one question at a time.
#[derive(Debug, Default)]
struct Question {
    askers: AtomicU64,
    /// Up to which asker it was answered, and what.
    answered: Mutex<Option<(u64, Answer)>>,
}

impl Question {
    /// The answer to a question that is asked after this call began.
    async fn ask(&self, question: impl AsyncFnOnce() -> Answer) -> Answer {
        let asker = self.askers.fetch_add(1, Ordering::Relaxed) + 1;
        let mut answered = self.answered.lock().await;
        if let Some((up_to, answer)) = *answered
            && up_to >= asker
        {
            return answer;
        }
        let up_to = self.askers.load(Ordering::Relaxed);
        let answer = question().await;
        *answered = Some((up_to, answer));
        answer
    }
}

/// One replica.
struct Replica {
    /// Where it is, for people.
    name: String,
    callers: PgPool,
    /// Has one connection, which no caller can hold.
    own: PgPool,
    replayed: Question,
    rests: AtomicBool,
    reads: AtomicU64,
}

/// How a replica is.
#[derive(Debug, Clone)]
pub struct ReplicaState {
    /// Its host and port.
    pub name: String,
    /// How many bytes of the server's log it has not replayed yet, or why nothing is read there.
    pub behind: std::result::Result<i64, String>,
}

/// The replicas of a server.
pub(crate) struct Replicas {
    server: PgPool,
    written: Question,
    all: Vec<Replica>,
    /// Whose turn it is.
    turn: AtomicUsize,
}

/// That a transaction runs on a replica.
pub(crate) struct OnReplica(Arc<Replicas>, usize);

impl Replicas {
    /// Those that were named, of the server of which `server` is a pool. One that does not answer rests until it does.
    ///
    /// # Errors
    /// [`Code::Validation`] where one is no replica of this server, or a read there could miss what was acknowledged.
    pub(super) async fn open(open: &OpenOptions, server: &PgPool) -> Result<Option<Arc<Self>>> {
        if open.replicas.is_empty() {
            return Ok(None);
        }
        let is_on_disk: bool =
            sqlx::query_scalar("SELECT current_setting('synchronous_commit') <> 'off'")
                .fetch_one(server)
                .await
                .map_err(cannot_connect)?;
        if !is_on_disk {
            return Err(Error::invalid(
                "replicas",
                "The server acknowledges writes before they are in its log (synchronous_commit = off), and a caller could miss its own on a replica.",
            )
            .hint("Set synchronous_commit = on there, or name no replicas."));
        }
        let all: Result<Vec<Replica>> = open
            .replicas
            .iter()
            .map(|at| Replica::new(at, open))
            .collect();
        let replicas = Arc::new(Self {
            server: server.clone(),
            written: Question::default(),
            all: all?,
            turn: AtomicUsize::new(0),
        });
        let written = timeout(ANSWER, replicas.written()).await;
        let Ok(Ok(written)) = written else {
            return Err(Error::new(
                Code::Unavailable,
                "The PostgreSQL server does not say how far its log is, so that nothing can be read from replicas.",
            )
            .hint("Name the server itself with --database, and its replicas with --replicas."));
        };
        for (index, replica) in replicas.all.iter().enumerate() {
            let state = timeout(ANSWER, replica.replayed()).await;
            match state
                .unwrap_or(Err(Obstacle::Silent))
                .and_then(|at| at.behind(written))
            {
                Ok(_) => {}
                Err(why @ (Obstacle::Independent | Obstacle::Foreign)) => {
                    return Err(Error::invalid(
                        "replicas",
                        format!("{} is no replica of the database: {why}.", replica.name),
                    )
                    .hint("Name servers with --replicas that stream from the one of --database, each with the same database name."));
                }
                Err(why) => replicas.rest(index, why),
            }
        }
        Ok(Some(replicas))
    }

    /// A transaction that reads what is acknowledged by now, on a replica; nothing where none can do that at once.
    pub(super) async fn begin(
        self: &Arc<Self>,
        begin: String,
        ways: &Arc<AtomicU64>,
    ) -> Option<(Connection, OnReplica)> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let awake = |index: &usize| {
            self.all
                .get(*index)
                .is_some_and(|replica| !replica.rests.load(Ordering::Relaxed))
        };
        let index = (0..self.all.len())
            .map(|offset| turn.wrapping_add(offset) % self.all.len())
            .find(awake)?;
        let replica = self.all.get(index)?;
        // Where the server does not say, it is not the replica's fault.
        let written = timeout(PATIENCE, self.written()).await.ok()?.ok()?;
        if let Err(why) = replica.reach(written).await {
            self.rest(index, why);
            return None;
        }
        match begin_on(&replica.callers, &begin.into(), ways).await {
            Ok(conn) => {
                replica.reads.fetch_add(1, Ordering::Relaxed);
                metrics::counter!(REPLICA_READS).increment(1);
                Some((conn, OnReplica(Arc::clone(self), index)))
            }
            Err(_) => {
                self.rest(index, Obstacle::Silent);
                None
            }
        }
    }

    async fn written(&self) -> Answer {
        self.written.ask(|| place(&self.server, WRITTEN)).await
    }

    /// Leaves a replica alone until it is near and answers again.
    fn rest(self: &Arc<Self>, index: usize, why: Obstacle) {
        let Some(replica) = self.all.get(index) else {
            return;
        };
        if replica.rests.swap(true, Ordering::Relaxed) {
            return;
        }
        let name = &replica.name;
        match why {
            Obstacle::Late => {
                tracing::info!(replica = %name, "the server itself is read from: {why}");
            }
            _ => tracing::warn!(replica = %name, "the server itself is read from: {why}"),
        }
        let all = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                sleep(REST).await;
                let Some(all) = all.upgrade() else { return };
                let Some(replica) = all
                    .all
                    .get(index)
                    .filter(|replica| !replica.callers.is_closed())
                else {
                    return;
                };
                if all.is_near(replica).await {
                    replica.rests.store(false, Ordering::Relaxed);
                    tracing::info!(replica = %replica.name, "the replica is read from again");
                    return;
                }
            }
        });
    }

    async fn is_near(&self, replica: &Replica) -> bool {
        // It may have to be connected to anew, which takes longer than a call would wait.
        let answers = timeout(ANSWER, replica.replayed()).await;
        if !matches!(answers, Ok(Ok(_))) {
            return false;
        }
        match timeout(ANSWER, self.written()).await {
            Ok(Ok(written)) => replica.reach(written).await.is_ok(),
            _ => false,
        }
    }

    /// How they are now.
    pub(super) async fn states(&self) -> Vec<ReplicaState> {
        let mut states = Vec::new();
        for replica in &self.all {
            let written = timeout(ANSWER, self.written()).await;
            let replayed = timeout(ANSWER, replica.replayed()).await;
            let silent = Err(Obstacle::Silent);
            let behind = match (written.unwrap_or(silent), replayed.unwrap_or(silent)) {
                (Ok(written), Ok(replayed)) => {
                    replayed.behind(written).map_err(|why| why.to_string())
                }
                (Err(_), _) => Err("the server does not say how far it is".to_owned()),
                (_, Err(why)) => Err(why.to_string()),
            };
            states.push(ReplicaState {
                name: replica.name.clone(),
                behind,
            });
        }
        states
    }

    /// How many reads of this process they answered.
    pub(super) fn reads(&self) -> u64 {
        let reads = self
            .all
            .iter()
            .map(|replica| replica.reads.load(Ordering::Relaxed));
        reads.sum()
    }

    pub(super) async fn close(&self) {
        for replica in &self.all {
            replica.callers.close().await;
            replica.own.close().await;
        }
    }
}

impl Replica {
    fn new(at: &Database, open: &OpenOptions) -> Result<Self> {
        let Database::Postgres(url) = at else {
            return Err(Error::invalid(
                "replicas",
                "A replica is a PostgreSQL server: postgres://…",
            ));
        };
        let options: PgConnectOptions = url.parse().map_err(cannot_connect)?;
        let options = options
            .application_name("bureau")
            .statement_cache_capacity(256)
            .disable_statement_logging();
        let name = format!("{}:{}", options.get_host(), options.get_port());
        let callers = pool(open.connections.max(1), settings(true, open.call_limit));
        // Held for good: connecting takes longer than a call waits.
        let own = pool(1, settings(true, Some(ANSWER)))
            .idle_timeout(None)
            .max_lifetime(None);
        Ok(Self {
            name,
            callers: callers.connect_lazy_with(options.clone()),
            own: own.acquire_timeout(ANSWER).connect_lazy_with(options),
            replayed: Question::default(),
            rests: AtomicBool::new(false),
            reads: AtomicU64::new(0),
        })
    }

    async fn replayed(&self) -> Answer {
        self.replayed.ask(|| place(&self.own, REPLAYED)).await
    }

    /// Waits until it has come so far.
    async fn reach(&self, written: Place) -> std::result::Result<(), Obstacle> {
        let coming = async {
            while self.replayed().await?.behind(written)? > 0 {
                sleep(LOOK_EACH).await;
            }
            Ok(())
        };
        timeout(PATIENCE, coming)
            .await
            .unwrap_or(Err(Obstacle::Late))
    }
}

impl Place {
    /// How many bytes this one has still to come to be where another is.
    fn behind(self, written: Self) -> std::result::Result<i64, Obstacle> {
        if self.database != written.database {
            return Err(Obstacle::Foreign);
        }
        if self.timeline != written.timeline {
            return Err(Obstacle::Elsewhere);
        }
        Ok((written.bytes - self.bytes).max(0))
    }
}

async fn place(server: &PgPool, question: &'static str) -> Answer {
    let row: sqlx::Result<Option<(i64, i64, i32, i64)>> =
        sqlx::query_as(question).fetch_optional(server).await;
    match row {
        Ok(Some((system, database, timeline, bytes))) => Ok(Place {
            database: (system, database),
            timeline,
            bytes,
        }),
        Ok(None) => Err(Obstacle::Independent),
        Err(error) => {
            tracing::debug!(%error, "a server did not say how far its log is");
            Err(Obstacle::Silent)
        }
    }
}

impl OnReplica {
    /// What a statement failed of there. What only a replica does is tried again, and elsewhere if it is gone.
    pub(super) fn translate(&self, error: sqlx::Error) -> Error {
        let Self(all, index) = self;
        let is_cut = fault::is_cut(&error);
        if is_cut {
            all.rest(*index, Obstacle::Silent);
        }
        if is_cut || fault::is_taken_away(&error) {
            let message = "A replica of the database went away while it was read. Try again.";
            return Error::new(Code::Unavailable, message)
                .cause(error)
                .retry_after(1)
                .clash();
        }
        fault::translate(error)
    }
}
