//! Keeping the index up to date: who writes it, following the change log, building anew, and what a search sees of it.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{Mutex, Notify, Semaphore, watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::index::{Build, Checkpoint, IndexPaths, IndexSession, Lock, Opened, Snapshot, blocking};
use super::passages::{PassageQuery, Passages};
use super::{Doc, Error, Found, Moved, Query, RecordKey, Source, Status};
use crate::heads::{Head, Heads};

/// Longest time that a search waits for the index.
pub(super) const SEARCH_WAIT: Duration = Duration::from_secs(2);
/// How often a waiting search of a process without the writer looks for a new commit.
const LOOK_WAITING: Duration = Duration::from_millis(2);
/// How old a state may be that such a process answers from without looking.
const LOOK_EACH: Duration = Duration::from_millis(15);
/// How often a process without the writer tries to become its holder.
const TAKE_EACH: Duration = Duration::from_millis(100);
/// How often it looks again at an index that is of another database.
const FOREIGN_EACH: Duration = Duration::from_secs(1);
/// How often the holder asks for changes of other processes, soon after a change and later.
const POLL_BUSY: Duration = Duration::from_millis(5);
const POLL_IDLE: Duration = Duration::from_millis(25);
/// How long after a change more are expected.
const BUSY_FOR: Duration = Duration::from_millis(500);
/// How long the writer is kept without work.
const WRITER_REST: Duration = Duration::from_secs(10);
/// Pause after the database could not be read.
const SOURCE_RETRY: Duration = Duration::from_millis(500);
/// Pause after a failure of the index; it grows with each further one up to the second.
const RETRY_FIRST: Duration = Duration::from_millis(100);
const RETRY_MOST: Duration = Duration::from_secs(10);
/// Failures in a row after which an index that looks whole is built again all the same.
const FAILURES_BEFORE_BUILD: u32 = 3;
/// How long an index may fail to open in a process without the writer before its holder is told.
const OPEN_PATIENCE: Duration = Duration::from_millis(500);
/// How long the writer rests after a commit, in times of what the commit took, and at most. A commit costs about as much
/// for one record as for a thousand, so those of many writers are gathered. A waiting search ends the rest.
const COMMIT_REST: u32 = 6;
const COMMIT_REST_MOST: Duration = Duration::from_millis(250);
/// Rows asked for at once. Where several workspaces wait, no more of one of them go into a commit.
const PAGE: usize = 1_000;
/// Rows of the change logs of which a commit has enough.
const BATCH: usize = 2_000;
/// How often it is looked whether what could not be read can be by now.
const UNREAD_EACH: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
enum State {
    /// The index is being looked at; soon it is one of the others.
    Opening,
    /// There is nothing to search.
    Building,
    Ready(Arc<Snapshot>),
}

/// What the searches and the task have in common.
pub(super) struct Shared {
    paths: IndexPaths,
    /// Only the task waits on it.
    growth: Mutex<watch::Receiver<u64>>,
    /// Told by a search that has to wait, or that found the index unusable.
    hurry: Notify,
    state: watch::Sender<State>,
    holder: AtomicBool,
    /// How many rows the index had taken in when a search last waited for it in vain.
    stuck: AtomicI64,
    /// Where the logs ended when this process began: what the index lacks of that was missed while nobody kept it, and no
    /// search may miss it too.
    begun_at: RwLock<Heads>,
    /// Only for a process without the writer.
    reader: Mutex<Reader>,
    /// Searches that run at once, so that a flood of them does not need a thread each.
    slots: Semaphore,
}

#[derive(Default)]
struct Reader {
    opened: Option<Arc<Opened>>,
    looked: Option<Instant>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Search")
            .field("place", &self.paths)
            .field("status", &self.status())
            .finish()
    }
}

impl Shared {
    pub(super) fn new(paths: IndexPaths, growth: watch::Receiver<u64>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            paths,
            growth: Mutex::new(growth),
            hurry: Notify::new(),
            state: watch::Sender::new(State::Opening),
            holder: AtomicBool::new(false),
            stuck: AtomicI64::new(-1),
            begun_at: RwLock::default(),
            reader: Mutex::default(),
            slots: Semaphore::new(cores * 2),
        }
    }

    pub(super) fn status(&self) -> Status {
        let holder = self.holder.load(Ordering::Acquire);
        match &*self.state.borrow() {
            State::Ready(snapshot) => Status {
                ready: true,
                holder,
                rows: snapshot.checkpoint.heads.rows(),
                documents: snapshot.documents(),
                segments: snapshot.segments(),
            },
            State::Opening | State::Building => Status {
                ready: false,
                holder,
                rows: 0,
                documents: 0,
                segments: 0,
            },
        }
    }

    /// Whether the state that is known here has come so far.
    pub(super) fn has_reached(&self, workspace: i64, position: i64) -> bool {
        let position = position.max(self.began_at(workspace));
        match &*self.state.borrow() {
            State::Ready(snapshot) => snapshot.checkpoint.heads.position(workspace) >= position,
            State::Opening | State::Building => false,
        }
    }

    fn began_at(&self, workspace: i64) -> i64 {
        let begun_at = self.begun_at.read();
        begun_at
            .unwrap_or_else(PoisonError::into_inner)
            .position(workspace)
    }

    fn begin_at(&self, heads: Heads) {
        *self
            .begun_at
            .write()
            .unwrap_or_else(PoisonError::into_inner) = heads;
    }

    /// Searches, after waiting at most so long until the index has come far enough.
    pub(super) async fn find(&self, query: Query, wait: Duration) -> Found {
        let place = (query.workspace, query.at_least);
        let found = self.look_at(place, wait, move |snapshot| snapshot.find(&query));
        found.await.unwrap_or(Found::NotReady)
    }

    /// The same for passages; none where the index is not usable or has not come so far.
    pub(super) async fn find_passages(
        &self,
        query: PassageQuery,
        at_least: i64,
    ) -> Option<Passages> {
        let place = (query.workspace, at_least);
        self.look_at(place, Duration::ZERO, move |snapshot| {
            snapshot.find_passages(&query)
        })
        .await
    }

    /// What a look at the index answers that has come far enough, in a workspace to this position.
    async fn look_at<T: Send + 'static>(
        &self,
        (workspace, at_least): (i64, i64),
        wait: Duration,
        look: impl FnOnce(&Snapshot) -> Result<T, Error> + Send + 'static,
    ) -> Option<T> {
        let snapshot = self.reached(workspace, at_least, wait).await?;
        let _slot = self.slots.acquire().await.ok()?;
        let searched = Arc::clone(&snapshot);
        match blocking(move || look(&searched)).await {
            Ok(found) => Some(found),
            Err(error) => {
                tracing::warn!(%error, "a search failed, the index will be built again");
                self.paths.report_damage(&snapshot.checkpoint.build);
                self.state.send_if_modified(|state| {
                    let same =
                        matches!(state, State::Ready(s) if s.checkpoint.build == snapshot.checkpoint.build);
                    if same {
                        *state = State::Building;
                    }
                    same
                });
                self.hurry.notify_one();
                None
            }
        }
    }

    /// A state that has reached a position of a workspace's log, waiting for it at most so long. An index that stands where an earlier wait
    /// ended in vain is not waited for: not every search is to learn anew that its keeper hangs.
    pub(super) async fn reached(
        &self,
        workspace: i64,
        position: i64,
        wait: Duration,
    ) -> Option<Arc<Snapshot>> {
        let deadline = Instant::now() + wait;
        let position = position.max(self.began_at(workspace));
        let has_reached =
            |snapshot: &Snapshot| snapshot.checkpoint.heads.position(workspace) >= position;
        let mut stands = None;
        let mut states = self.state.subscribe();
        let mut woken = false;
        loop {
            let state = states.borrow_and_update().clone();
            let holder = self.holder.load(Ordering::Acquire);
            match state {
                State::Building => return None,
                State::Ready(snapshot) => {
                    let reached = has_reached(&snapshot);
                    let newest = if holder {
                        Some(snapshot)
                    } else {
                        self.look(snapshot, reached).await
                    };
                    if let Some(snapshot) = newest {
                        if has_reached(&snapshot) {
                            return Some(snapshot);
                        }
                        let rows = snapshot.checkpoint.heads.rows();
                        stands = Some(rows);
                        if rows == self.stuck.load(Ordering::Acquire) {
                            self.hurry.notify_one();
                            return None;
                        }
                    } else {
                        stands = None;
                    }
                }
                State::Opening => {}
            }
            if !woken {
                self.hurry.notify_one();
                woken = true;
            }
            if Instant::now() >= deadline {
                if let Some(stands) = stands
                    && wait >= SEARCH_WAIT
                {
                    self.stuck.store(stands, Ordering::Release);
                }
                return None;
            }
            let until = if holder {
                deadline
            } else {
                deadline.min(Instant::now() + LOOK_WAITING)
            };
            // Both a change and the end of the wait lead to another look.
            let _ = timeout_at(until, states.changed()).await;
        }
    }

    /// In a process without the writer: the newest state, or None if the index has to be opened again. With `reached`,
    /// the known state is good enough if it was looked at a moment ago.
    async fn look(&self, known: Arc<Snapshot>, reached: bool) -> Option<Arc<Snapshot>> {
        let Ok(mut reader) = self.reader.try_lock() else {
            return Some(known);
        };
        if reached && reader.looked.is_some_and(|at| at.elapsed() < LOOK_EACH) {
            return Some(known);
        }
        // Without an open index here, this process has just lost or got the writer, and the task sees to it.
        let Some(opened) = reader.opened.clone() else {
            return Some(known);
        };
        let before = Arc::clone(&known);
        match blocking(move || opened.newer(&before)).await {
            Ok(None) => {
                reader.looked = Some(Instant::now());
                Some(known)
            }
            Ok(Some(newer)) if newer.checkpoint.build == known.checkpoint.build => {
                reader.looked = Some(Instant::now());
                let newer = Arc::new(newer);
                self.state.send_replace(State::Ready(Arc::clone(&newer)));
                Some(newer)
            }
            // Built anew, or being replaced at this moment: opened and checked again by the task.
            Ok(Some(_)) | Err(_) => {
                reader.opened = None;
                self.state.send_replace(State::Opening);
                self.hurry.notify_one();
                None
            }
        }
    }

    /// Opens the index in a process without the writer. False if its keeper follows another database.
    async fn open_reader<S: Source>(&self, source: &S) -> Result<bool, Error> {
        let mut reader = self.reader.lock().await;
        let paths = self.paths.clone();
        let opened = blocking(move || {
            let opened = Opened::open(&paths)?;
            let checkpoint = opened.checkpoint()?;
            Ok((opened, checkpoint))
        });
        let (opened, checkpoint) = opened.await?;
        if !belongs(source, &checkpoint).await? {
            return Ok(false);
        }
        let checked = blocking(move || {
            opened.check()?;
            let snapshot = opened.snapshot()?;
            Ok((opened, snapshot))
        });
        let (opened, snapshot) = checked.await?;
        reader.opened = Some(Arc::new(opened));
        reader.looked = Some(Instant::now());
        self.state.send_replace(State::Ready(Arc::new(snapshot)));
        Ok(true)
    }

    /// How far the index goes that is searched here, if one is.
    fn checkpoint(&self) -> Option<Checkpoint> {
        match &*self.state.borrow() {
            State::Ready(snapshot) => Some(snapshot.checkpoint.clone()),
            State::Opening | State::Building => None,
        }
    }

    async fn pause(&self, time: Duration) {
        let mut growth = self.growth.lock().await;
        let grown = async {
            if growth.changed().await.is_err() {
                // The database was closed: nothing will be told any more.
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = grown => {}
            () = self.hurry.notified() => {}
            () = sleep(time) => {}
        }
    }
}

/// The task of a process: reads along, and becomes the holder of the writer when nobody else is.
pub(super) async fn run<S: Source>(shared: Arc<Shared>, source: Arc<S>) {
    let mut failing_since: Option<Instant> = None;
    let mut known: Option<Checkpoint> = None;
    let mut warned = false;
    // Before that nothing is open, and searches read the database.
    loop {
        match source.moved(0).await {
            Ok(moved) => break shared.begin_at(heads_of(moved)),
            Err(error) => {
                tracing::warn!(%error, "where the logs end cannot be read");
                sleep(SOURCE_RETRY).await;
            }
        }
    }
    loop {
        let paths = shared.paths.clone();
        let outcome = match blocking(move || Lock::take(&paths)).await {
            Ok(Some(lock)) => {
                hold(&shared, &*source, Arc::new(lock)).await;
                Ok(true)
            }
            Ok(None) => match shared.checkpoint() {
                // Whoever keeps the index may follow a database that is gone: then it is of no use here.
                Some(checkpoint) => {
                    let ours = known.as_ref() == Some(&checkpoint)
                        || belongs(&*source, &checkpoint).await.unwrap_or(true);
                    known = Some(checkpoint);
                    if ours {
                        shared.pause(TAKE_EACH).await;
                    } else {
                        *shared.reader.lock().await = Reader::default();
                    }
                    Ok(ours)
                }
                None => shared.open_reader(&*source).await,
            },
            Err(error) => {
                tracing::warn!(%error, "the search index cannot be locked");
                sleep(RETRY_MOST).await;
                continue;
            }
        };
        match outcome {
            Ok(true) => (failing_since, warned) = (None, false),
            Ok(false) => {
                shared.state.send_replace(State::Building);
                if !warned {
                    tracing::warn!(
                        "another process keeps the search index of another database in this place; searches read the database"
                    );
                    warned = true;
                }
                shared.pause(FOREIGN_EACH).await;
            }
            Err(error) => {
                shared.state.send_replace(State::Building);
                let since = *failing_since.get_or_insert_with(Instant::now);
                let unread = matches!(error, Error::Source(_));
                if !unread && since.elapsed() > OPEN_PATIENCE && shared.paths.exists() {
                    tracing::warn!(%error, "the search index cannot be opened, its writer is told");
                    shared.paths.report_damage("");
                    failing_since = None;
                }
                sleep(TAKE_EACH).await;
            }
        }
    }
}

/// How following ended.
enum End {
    /// The lock is no longer ours.
    Lost,
    /// The index cannot be used: build it anew.
    Rebuild(&'static str),
    /// Something failed: open the index again.
    Failed(Error),
}

/// Holds the writer until the lock is lost.
async fn hold<S: Source>(shared: &Shared, source: &S, lock: Arc<Lock>) {
    *shared.reader.lock().await = Reader::default();
    shared.holder.store(true, Ordering::Release);
    let mut failures = 0;
    let mut build_anew = false;
    while lock.is_valid() {
        let session = if build_anew {
            build(shared, source, &lock).await
        } else {
            open(shared, source, &lock).await
        };
        let end = match session {
            Ok(session) => {
                build_anew = false;
                follow(shared, source, session, &mut failures).await
            }
            Err(error) if build_anew || matches!(error, Error::Source(_)) => End::Failed(error),
            Err(error) => {
                tracing::info!(%error, "the search index is built");
                End::Rebuild("it cannot be opened")
            }
        };
        match end {
            End::Lost => break,
            End::Rebuild(reason) => {
                tracing::info!(reason, "the search index is built anew");
                build_anew = true;
            }
            End::Failed(error) => {
                tracing::warn!(%error, "keeping the search index failed");
                failures += 1;
                // A database that cannot be read is no reason to give up an index.
                build_anew |=
                    failures >= FAILURES_BEFORE_BUILD && !matches!(error, Error::Source(_));
                sleep((RETRY_FIRST * 2u32.saturating_pow(failures)).min(RETRY_MOST)).await;
            }
        }
    }
    shared.state.send_replace(State::Opening);
    shared.holder.store(false, Ordering::Release);
}

async fn open<S: Source>(
    shared: &Shared,
    source: &S,
    lock: &Arc<Lock>,
) -> Result<IndexSession, Error> {
    let (paths, lock) = (shared.paths.clone(), Arc::clone(lock));
    let (session, snapshot) = blocking(move || {
        let opened = IndexSession::open(Opened::open_checked(&paths)?, lock)?;
        paths.remove_set_aside()?;
        paths.remove_others()?;
        Ok(opened)
    })
    .await?;
    if !belongs(source, &session.checkpoint).await? {
        return Err(Error::Damaged("it was made from another database".into()));
    }
    shared.state.send_replace(State::Ready(Arc::new(snapshot)));
    Ok(session)
}

/// Builds the index from all live records. What changes meanwhile is followed afterwards.
async fn build<S: Source>(
    shared: &Shared,
    source: &S,
    lock: &Arc<Lock>,
) -> Result<IndexSession, Error> {
    // Before searches go on without the index: whoever stops at its first answer is told all the same.
    note_loss(shared, source).await?;
    shared.state.send_replace(State::Building);
    let sealing = source.last_sealing().await.map_err(Error::Source)?;
    let heads = heads_of(source.moved(0).await.map_err(Error::Source)?);
    let rows = heads.rows();
    // Whatever was known of the logs before, this is all there is now.
    shared.begin_at(heads.clone());
    let (paths, held) = (shared.paths.clone(), Arc::clone(lock));
    let mut build = blocking(move || Build::begin(paths, held)).await?;
    let mut page = source.scan(None, PAGE).await.map_err(Error::Source)?;
    while let Some(after) = page.last {
        let add = blocking(move || build.add(&page.docs).map(|()| build));
        let (added, next) = tokio::join!(add, source.scan(Some(after), PAGE));
        build = added?;
        page = next.map_err(Error::Source)?;
    }
    let (paths, lock) = (shared.paths.clone(), Arc::clone(lock));
    let (session, snapshot) = blocking(move || {
        build.finish(heads, sealing)?;
        paths.remove_others()?;
        IndexSession::open(Opened::open(&paths)?, lock)
    })
    .await?;
    tracing::info!(
        documents = snapshot.documents(),
        rows,
        "the search index is complete"
    );
    shared.state.send_replace(State::Ready(Arc::new(snapshot)));
    Ok(session)
}

/// Follows the change log as long as all goes well.
async fn follow<S: Source>(
    shared: &Shared,
    source: &S,
    mut session: IndexSession,
    failures: &mut u32,
) -> End {
    let mut worked = Instant::now();
    let mut looked_again: Option<Instant> = None;
    loop {
        if !session.lock.is_valid() {
            return End::Lost;
        }
        if !shared.paths.exists() {
            return End::Rebuild("it was removed");
        }
        if shared.paths.take_damage_report(&session.checkpoint.build) {
            return End::Rebuild("it was found damaged");
        }
        // The index waits for a database that cannot be read; there is nothing wrong with the index itself.
        let mut gathered = gather(source, &session.checkpoint).await;
        if let Ok(Waiting::Nothing) = gathered
            && looked_again.is_none_or(|at| at.elapsed() > UNREAD_EACH)
        {
            looked_again = Some(Instant::now());
            gathered = mended(shared, source, &session.checkpoint).await;
        }
        let batch = match gathered {
            Ok(batch) => batch,
            Err(error) => {
                tracing::warn!(%error, "the search index cannot follow");
                sleep(SOURCE_RETRY).await;
                continue;
            }
        };
        match batch {
            Waiting::Behind => return End::Rebuild("it is ahead of the database"),
            Waiting::Nothing if session.checkpoint.residue => {
                let cleaned = blocking(move || {
                    let snapshot = session.clean()?;
                    Ok((session, snapshot))
                });
                match cleaned.await {
                    Ok((same, snapshot)) => {
                        session = same;
                        shared.state.send_replace(State::Ready(Arc::new(snapshot)));
                    }
                    Err(error) => return End::Failed(error),
                }
                worked = Instant::now();
                continue;
            }
            Waiting::Nothing => {}
            Waiting::Batch(batch) => {
                let began = Instant::now();
                let applied = blocking(move || {
                    let snapshot = session.apply(
                        &batch.records,
                        &batch.docs,
                        (batch.heads, batch.sealing),
                        batch.erased,
                    )?;
                    Ok((session, snapshot))
                });
                match applied.await {
                    Ok((same, snapshot)) => {
                        session = same;
                        shared.state.send_replace(State::Ready(Arc::new(snapshot)));
                    }
                    Err(error) => return End::Failed(error),
                }
                *failures = 0;
                worked = Instant::now();
                let rest = (began.elapsed() * COMMIT_REST).min(COMMIT_REST_MOST);
                let _ = timeout(rest, shared.hurry.notified()).await;
                continue;
            }
        }
        if session.has_writer() && worked.elapsed() > WRITER_REST {
            let rested = blocking(move || session.rest().map(|()| session)).await;
            session = match rested {
                Ok(session) => session,
                Err(error) => return End::Failed(error),
            };
        }
        shared
            .pause(if worked.elapsed() < BUSY_FOR {
                POLL_BUSY
            } else {
                POLL_IDLE
            })
            .await;
    }
}

/// False if the database knows another past than the index.
async fn belongs<S: Source>(source: &S, checkpoint: &Checkpoint) -> Result<bool, Error> {
    source.holds(&checkpoint.heads).await.map_err(Error::Source)
}

fn heads_of(moved: Vec<Moved>) -> Heads {
    let moved = moved.into_iter();
    moved.map(|moved| (moved.workspace, moved.head)).collect()
}

/// Before an index is set aside: whether it knows an end of a change log that the database does not have. Then what was
/// committed last is lost, or an older database was put in its place; the index is the only one that can tell.
async fn note_loss<S: Source>(shared: &Shared, source: &S) -> Result<(), Error> {
    let paths = shared.paths.clone();
    let Some(checkpoint) = blocking(move || Ok(paths.checkpoint())).await? else {
        return Ok(());
    };
    if belongs(source, &checkpoint).await? {
        return Ok(());
    }
    let found = heads_of(source.moved(0).await.map_err(Error::Source)?);
    tracing::error!(
        known = checkpoint.heads.rows(),
        found = found.rows(),
        "the search index knows another end of a change log than the database has: what was written last is probably \
         lost, or an older database was put in its place; `bureau doctor` says more"
    );
    let paths = shared.paths.clone();
    blocking(move || paths.keep_ahead(&checkpoint)).await
}

/// What the change logs hold beyond a checkpoint.
pub(super) enum Waiting {
    /// A log does not even reach it.
    Behind,
    Nothing,
    Batch(Batch),
}

/// Everything that goes into one commit.
pub(super) struct Batch {
    pub(super) records: Vec<RecordKey>,
    docs: Vec<Doc>,
    pub(super) heads: Arc<Heads>,
    pub(super) sealing: i64,
    /// Some of the records were erased for good.
    erased: bool,
}

/// What could not be read when it was to be indexed, and can be by now: a row may be mended where the log does not tell.
async fn mended<S: Source>(
    shared: &Shared,
    source: &S,
    checkpoint: &Checkpoint,
) -> Result<Waiting, Error> {
    let State::Ready(snapshot) = shared.state.borrow().clone() else {
        return Ok(Waiting::Nothing);
    };
    let unread = blocking(move || snapshot.unread()).await?;
    let records = unread
        .iter()
        .filter_map(|(workspace, kind, id)| Some((*workspace, source.kind(kind)?, *id)));
    let mut records: Vec<RecordKey> = records.collect();
    let docs = source.load(&records).await.map_err(Error::Source)?;
    // Those that are gone leave the index, as ever.
    records.retain(|record| {
        let is_unread = |doc: &Doc| doc.unread && doc.key() == *record;
        !docs.iter().any(is_unread)
    });
    if records.is_empty() {
        return Ok(Waiting::Nothing);
    }
    Ok(Waiting::Batch(Batch {
        records,
        docs: docs.into_iter().filter(|doc| !doc.unread).collect(),
        heads: Arc::clone(&checkpoint.heads),
        sealing: checkpoint.sealing,
        erased: false,
    }))
}

/// Reads what waits in the change logs beyond a checkpoint, each record once.
pub(super) async fn gather<S: Source>(
    source: &S,
    checkpoint: &Checkpoint,
) -> Result<Waiting, Error> {
    let last = source.last_sealing().await.map_err(Error::Source)?;
    if last <= checkpoint.sealing {
        return Ok(if last < checkpoint.sealing {
            Waiting::Behind
        } else {
            Waiting::Nothing
        });
    }
    let moved = source.moved(checkpoint.sealing).await;
    let mut moved = moved.map_err(Error::Source)?;
    let Some(mut sealing) = moved.iter().map(|moved| moved.sealing).max() else {
        return Ok(Waiting::Nothing);
    };
    let left = |moved: &Moved| moved.head.position - checkpoint.heads.position(moved.workspace);
    if moved.iter().any(|moved| left(moved) < 0) {
        return Ok(Waiting::Behind);
    }
    // Whoever wrote little does not wait for whoever wrote much.
    moved.sort_by_key(left);
    let share = (BATCH / moved.len().max(1)).max(PAGE);
    let mut heads = (*checkpoint.heads).clone();
    let mut records: Vec<RecordKey> = Vec::new();
    let mut erased = false;
    for moved in moved {
        let before = heads.position(moved.workspace);
        let mut reached = before;
        if records.len() < BATCH {
            let page = source.touched(moved.workspace, before, share).await;
            let page = page.map_err(Error::Source)?;
            reached = match page.last() {
                Some(last) if page.len() >= share => last.position,
                // Those that came after the head was read are taken in with the next one.
                _ => moved.head.position,
            };
            erased |= page.iter().any(|touched| touched.erased);
            records.extend(page.into_iter().map(|touched| touched.record));
        }
        if reached < moved.head.position {
            // It is asked for again.
            sealing = sealing.min(moved.sealing - 1);
        }
        if reached > before {
            let hash = if reached == moved.head.position {
                moved.head.hash
            } else {
                let hash = source.hash_at(moved.workspace, reached).await;
                hash.map_err(Error::Source)?
            };
            let head = Head {
                position: reached,
                hash,
            };
            heads.insert(moved.workspace, head);
        }
    }
    records.sort_unstable();
    records.dedup();
    let mut docs = Vec::new();
    for chunk in records.chunks(PAGE) {
        docs.extend(source.load(chunk).await.map_err(Error::Source)?);
    }
    Ok(Waiting::Batch(Batch {
        records,
        docs,
        heads: Arc::new(heads),
        sealing,
        erased,
    }))
}
