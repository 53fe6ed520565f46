//! Does what is due, in the background of a server.

mod followed;
mod lease;
mod queue;

use std::collections::{BTreeMap, HashMap};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use self::followed::Followed;
use self::lease::{Claim, Entry};
use crate::admin;
use crate::batch::Batch;
use crate::caller::Caller;
use crate::dispatch::Dispatcher;
use crate::error::{Code, Error, Result};
use crate::job::Job;
use crate::record::Cx;
use crate::store::clock;
use crate::types::time::Timestamp;

pub use queue::{Failed, Queue, queues};

/// How often a server looks for what is due.
const EVERY: Duration = Duration::from_secs(30);
/// The pause where more is due than one tick does: other writers go first.
const BREATH: Duration = Duration::from_secs(1);
/// How long a step under way may still take when the server ends.
const DRAIN: Duration = Duration::from_secs(10);
/// Records that are asked for at once.
const PIECE: usize = 100;
/// Steps of one job in one workspace and tick, so that no workspace waits for long for another's.
const MOST_STEPS: usize = 500;
/// The program, as the change log names it.
const CLIENT: &str = "scheduler";

/// Does what is due. Any number of them may be on one database, in one process or in many.
pub struct Scheduler {
    dispatcher: Arc<Dispatcher>,
    /// What stands for it in its leases.
    holder: i64,
    /// The clock could not be right at the last tick.
    rested: AtomicBool,
    /// How far the logs were followed from here.
    followed: Followed,
    stop: CancellationToken,
}

/// Which jobs are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Jobs {
    All,
    /// Those that are due because something was written.
    ThatFollow,
}

/// What a tick did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ticked {
    /// Steps that were done, among them those that found nothing left to do.
    pub done: usize,
    /// Steps, and questions what is due, that ended with an error.
    pub failed: usize,
    /// It ended before everything was done.
    pub more: bool,
    /// The clock cannot be right, so nothing was done by it.
    pub rests: bool,
}

/// A scheduler in the background. Dropped, it ends with the step that it is at.
pub struct Running {
    stop: CancellationToken,
    task: Option<JoinHandle<()>>,
}

/// Starts a scheduler that looks for what is due now and every 30 seconds, and notes that somebody lives here. There is none
/// where nothing may be written.
#[must_use]
pub fn start(dispatcher: Arc<Dispatcher>) -> Running {
    let scheduler = Scheduler::new(dispatcher);
    let stop = scheduler.stop.clone();
    let task = scheduler
        .is_needed()
        .then(|| tokio::spawn(scheduler.keep_ticking()));
    Running { stop, task }
}

impl Running {
    /// Ends it after the step that it is at. A step that takes more than 10 seconds is given up: nothing of it is written,
    /// and another server does it.
    pub async fn stop(mut self) {
        self.stop.cancel();
        if let Some(mut task) = self.task.take()
            && timeout(DRAIN, &mut task).await.is_err()
        {
            task.abort();
            // Only now its transaction is ended.
            let _ = task.await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Scheduler {
    /// A scheduler over this dispatcher's database and modules.
    #[must_use]
    pub fn new(dispatcher: Arc<Dispatcher>) -> Self {
        Self {
            dispatcher,
            holder: rand::random(),
            rested: AtomicBool::new(false),
            followed: Followed::default(),
            stop: CancellationToken::new(),
        }
    }

    fn now(&self) -> Timestamp {
        self.dispatcher.app().store.clock().now()
    }

    fn is_needed(&self) -> bool {
        !self.dispatcher.settings().read_only && !self.dispatcher.app().store.is_read_only()
    }

    async fn keep_ticking(self) {
        let mut growth = self.dispatcher.app().store.growth();
        let mut next = Instant::now();
        loop {
            // What was written before this is seen by what follows now.
            growth.borrow_and_update();
            let is_time = Instant::now() >= next;
            let ticked = if is_time {
                self.tick(self.now()).await
            } else {
                self.look(self.now(), Jobs::ThatFollow).await
            };
            let rest = match ticked {
                Ok(ticked) if ticked.more => BREATH,
                Ok(_) => EVERY,
                Err(error) => {
                    tracing::warn!(?error, "what is due could not be looked for");
                    EVERY
                }
            };
            if is_time || rest < EVERY {
                next = Instant::now() + rest;
            }
            let grown = async {
                tokio::time::sleep(BREATH).await;
                if !self.has_followers() || growth.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep_until(next) => {}
                () = grown => {}
            }
        }
    }

    /// Does what is due at this moment in all workspaces, also several steps of one record, one after the other. It ends
    /// early after many steps; what is left is done by the next tick. Where nothing may be written it does nothing.
    ///
    /// # Errors
    /// What the database says to the question which workspaces there are. Whatever else goes wrong is counted, logged and,
    /// where it is a step that failed, kept in the queue.
    pub async fn tick(&self, moment: Timestamp) -> Result<Ticked> {
        self.look(moment, Jobs::All).await
    }

    fn has_followers(&self) -> bool {
        self.dispatcher.registry().jobs().any(|job| job.follows_log)
    }

    /// The same of these jobs only. What follows the logs is asked where one went on since the last look, or something was left
    /// then: however many workspaces there are, those in which nothing happened cost nothing.
    async fn look(&self, moment: Timestamp, these: Jobs) -> Result<Ticked> {
        let mut ticked = Ticked::default();
        if !self.is_needed() {
            return Ok(ticked);
        }
        if self.rests().await? {
            ticked.rests = true;
            return Ok(ticked);
        }
        // The clock goes on while it works.
        let ahead = moment - self.now();
        let store = &self.dispatcher.app().store;
        let mut moved = match self.has_followers() {
            true => self.followed.moved(store).await?,
            false => BTreeMap::new(),
        };
        let callers = match these {
            Jobs::All => admin::operators(store).await?,
            Jobs::ThatFollow => {
                let moved: Vec<i64> = moved.keys().copied().collect();
                admin::operators_of(store, &moved).await?
            }
        };
        for caller in callers {
            let caller = Caller {
                client: Some(CLIENT.to_owned()),
                is_scheduler: true,
                ..caller
            };
            let workspace = caller.workspace.id.raw();
            let sealing = moved.remove(&workspace);
            let mut is_left = false;
            for job in self.dispatcher.registry().jobs() {
                let is_asked = match job.follows_log {
                    true => sealing.is_some(),
                    false => these == Jobs::All,
                };
                if !is_asked {
                    continue;
                }
                let worked = self.work_off(&caller, job, ahead, &mut ticked).await;
                is_left |= job.follows_log && !matches!(worked, Ok(true));
                if let Err(error) = worked {
                    ticked.failed += 1;
                    tracing::warn!(job = job.name, ?error, "scheduled work was interrupted");
                }
            }
            if let Some(sealing) = sealing.filter(|_| !is_left) {
                self.followed.done(workspace, sealing);
            }
        }
        // Nobody is there to do it for.
        for (workspace, sealing) in moved {
            self.followed.done(workspace, sealing);
        }
        Ok(ticked)
    }

    /// Notes a sign of life, and finds out whether the clock can be right.
    async fn rests(&self) -> Result<bool> {
        let reading = clock::beat(&self.dispatcher.app().store).await?;
        let wrong = reading.wrong();
        let rested = self.rested.swap(wrong.is_some(), Ordering::Relaxed);
        match &wrong {
            Some(wrong) if !rested => tracing::error!(
                "{wrong} Scheduled work rests until the clock is set right, or a person says that it is: bureau clock accept"
            ),
            None if rested => {
                tracing::info!("the clock is believed again, and scheduled work goes on");
            }
            _ => {}
        }
        Ok(wrong.is_some())
    }

    /// Does what is due of a job in a workspace. Whether nothing of it is left, not even for others.
    async fn work_off(
        &self,
        caller: &Caller,
        job: &'static Job,
        ahead: chrono::Duration,
        ticked: &mut Ticked,
    ) -> Result<bool> {
        let mut left = MOST_STEPS;
        loop {
            if self.stop.is_cancelled() {
                ticked.more = true;
                return Ok(false);
            }
            let (free, are_due) = self.free(caller, job, self.now() + ahead).await?;
            if free.is_empty() {
                return Ok(!are_due);
            }
            for claim in free {
                if left == 0 || self.stop.is_cancelled() {
                    ticked.more = true;
                    return Ok(false);
                }
                left -= 1;
                match self.attempt(caller, claim, ahead).await? {
                    Some(true) => ticked.done += 1,
                    Some(false) => ticked.failed += 1,
                    None => {}
                }
            }
        }
    }

    /// The records that are due and that nobody has taken up, and whether any are due at all.
    async fn free(
        &self,
        caller: &Caller,
        job: &'static Job,
        moment: Timestamp,
    ) -> Result<(Vec<Claim>, bool)> {
        let found = queue::due(&self.dispatcher, caller, job, moment, PIECE).await?;
        let gone = found.gone(moment);
        if !gone.is_empty() {
            let work = self.dispatcher.batch(caller, job.name).await?.at(moment);
            self.work(&work, move |cx| {
                lease::forget(cx, job, gone.clone()).boxed()
            })
            .await?;
        }
        let known: HashMap<i64, &Entry> = found
            .entries
            .iter()
            .map(|entry| (entry.record, entry))
            .collect();
        let due = found.due.iter().map(|record| (*record, known.get(record)));
        let free = due
            .filter(|(_, known)| known.is_none_or(|entry| entry.is_free(moment)))
            .map(|(record, known)| Claim::new(job, record, known.copied(), self.holder))
            .collect();
        Ok((free, !found.due.is_empty()))
    }

    /// Takes a record up and does one step. Whether that went well; `None` where another scheduler has it.
    async fn attempt(
        &self,
        caller: &Caller,
        claim: Claim,
        ahead: chrono::Duration,
    ) -> Result<Option<bool>> {
        let job = claim.job.name;
        let work = self.dispatcher.batch(caller, job).await?;
        let now = self.now();
        let work = work.at(now + ahead).by_clock(now);
        if !self.work(&work, move |cx| take(cx, claim).boxed()).await? {
            return Ok(None);
        }
        let limit = self.dispatcher.settings().call_limit;
        let done = self.work(&work, move |cx| step(cx, claim, limit).boxed());
        let error = match done.await {
            Ok(done) => return Ok(done.then_some(true)),
            Err(error) => error,
        };
        let (attempt, code) = (claim.attempt(), error.code());
        if matches!(code, Code::Internal | Code::Unavailable) {
            // The cause may quote a statement, never its values.
            tracing::error!(job, attempt, ?error, "scheduled work failed");
        } else {
            tracing::warn!(job, attempt, code = code.as_str(), "scheduled work failed");
        }
        let said = lease::said(&error);
        self.work(&work, move |cx| claim.give_up(cx, said.clone()).boxed())
            .await?;
        Ok(Some(false))
    }

    /// [`App::run_in`](crate::record::App::run_in), as a future that can be sent.
    fn work<'a, T: Send + 'static>(
        &'a self,
        work: &'a Batch,
        part: impl for<'c> Fn(&'c mut Cx) -> BoxFuture<'c, Result<T>> + Send + Sync + 'static,
    ) -> BoxFuture<'a, Result<T>> {
        // The compiler sees that of a closure whose type it knows.
        let part: Box<Part<T>> = Box::new(part);
        let part = async move |cx: &mut Cx| part(cx).await;
        self.dispatcher.app().run_in(work, part).boxed()
    }
}

type Part<T> = dyn for<'c> Fn(&'c mut Cx) -> BoxFuture<'c, Result<T>> + Send + Sync;

/// Takes a record up, unless the clock has jumped since the tick began.
async fn take(cx: &mut Cx, claim: Claim) -> Result<bool> {
    let is_trusted = cx.clock_said().await?.is_trusted();
    Ok(is_trusted && claim.take(cx).await?)
}

/// Does one step, if the record is still this scheduler's: it may have been slow, and the lease another's by now.
async fn step(cx: &mut Cx, claim: Claim, limit: Duration) -> Result<bool> {
    if !claim.give_back(cx).await? {
        return Ok(false);
    }
    let job = claim.job;
    let run = AssertUnwindSafe(async { (job.run)(cx, claim.record).await }).catch_unwind();
    match timeout(limit, run).await {
        Ok(Ok(done)) => done.map(|()| true),
        Ok(Err(_)) => Err(Error::internal(format!("{} panicked", job.name))),
        Err(_) => Err(Error::new(
            Code::Unavailable,
            format!(
                "It took longer than {} s and was given up.",
                limit.as_secs()
            ),
        )),
    }
}
