//! What is due, what is being done and what failed, for who looks from outside.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::Serialize;

use super::Job;
use super::lease::{self, Entry};
use crate::admin;
use crate::caller::Caller;
use crate::dispatch::Dispatcher;
use crate::error::{Error, Result};
use crate::record::Cx;
use crate::types::id::encode;
use crate::types::time::Timestamp;

/// Records that are counted at most.
const COUNTED: usize = 10_000;

/// How it stands with a job in a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Queue {
    /// The workspace's short name.
    pub workspace: String,
    /// The job's name.
    pub job: &'static str,
    /// What it does.
    pub about: &'static str,
    /// Records that are due and not being worked on, those that failed among them; 10,000 or somewhat more stand for any
    /// larger number.
    pub due: usize,
    /// The one of them that is due longest.
    pub oldest: Option<String>,
    /// Records that a server is at.
    pub leased: usize,
    /// Records that are due, and with which it went wrong.
    pub failed: Vec<Failed>,
}

/// A record with which a job went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failed {
    /// The record.
    pub record: String,
    /// How often it was tried.
    pub attempts: i64,
    /// What went wrong the last time: a code and a message.
    pub error: String,
    /// When it is tried again.
    pub next_at: Timestamp,
}

/// What a look at a job in a workspace finds.
pub(super) struct Found {
    pub(super) entries: Vec<Entry>,
    /// The one that is due longest first.
    pub(super) due: Vec<i64>,
    /// There are no others.
    is_all: bool,
}

impl Found {
    /// The records that have entries, are not due any more, and that nobody is at.
    pub(super) fn gone(&self, now: Timestamp) -> Vec<i64> {
        if !self.is_all {
            return Vec::new();
        }
        let due: HashSet<i64> = self.due.iter().copied().collect();
        let entries = self.entries.iter().filter(|entry| !entry.is_leased(now));
        let records = entries.map(|entry| entry.record);
        records.filter(|record| !due.contains(record)).collect()
    }
}

/// Looks at a job in a workspace at this moment. At least `wanted` of the records that are due are found beside those
/// that have entries, so that many that wait for their next attempt do not hide the others.
pub(super) fn due<'a>(
    dispatcher: &'a Dispatcher,
    caller: &'a Caller,
    job: &'static Job,
    moment: Timestamp,
    wanted: usize,
) -> BoxFuture<'a, Result<Found>> {
    let ask = async move |cx: &mut Cx| {
        cx.as_of(cx.change(), Some(moment));
        let entries = lease::entries(cx, job).await?;
        let limit = wanted + entries.len();
        let due = AssertUnwindSafe(async { (job.due)(cx, limit).await }).catch_unwind();
        let due = due
            .await
            .map_err(|_| Error::internal(format!("{} panicked", job.name)))??;
        Ok(Found {
            is_all: due.len() < limit,
            entries,
            due,
        })
    };
    dispatcher.app().read(caller, ask).boxed()
}

/// How it stands at this moment with each job in each workspace. It only reads.
///
/// # Errors
/// What the database and the jobs say.
pub async fn queues(dispatcher: &Dispatcher, moment: Timestamp) -> Result<Vec<Queue>> {
    let mut queues = Vec::new();
    for caller in admin::operators(&dispatcher.app().store).await? {
        for job in dispatcher.registry().jobs() {
            let found = due(dispatcher, &caller, job, moment, COUNTED).await?;
            let record = dispatcher.registry().records().record(job.table);
            let prefix = record.map_or("rec", |record| record.prefix());
            queues.push(queue(&caller, job, prefix, &found, moment));
        }
    }
    Ok(queues)
}

fn queue(
    caller: &Caller,
    job: &'static Job,
    prefix: &'static str,
    found: &Found,
    moment: Timestamp,
) -> Queue {
    let (leased, waiting): (Vec<&Entry>, Vec<&Entry>) = found
        .entries
        .iter()
        .partition(|entry| entry.is_leased(moment));
    let being_done: HashSet<i64> = leased.iter().map(|entry| entry.record).collect();
    let due: Vec<i64> = found
        .due
        .iter()
        .copied()
        .filter(|record| !being_done.contains(record))
        .collect();
    let gone = found.gone(moment);
    let failed = waiting
        .into_iter()
        .filter(|entry| !gone.contains(&entry.record))
        .filter_map(|entry| {
            Some(Failed {
                record: encode(prefix, entry.record),
                attempts: entry.attempts,
                error: entry.last_error.clone()?,
                next_at: entry.run_after,
            })
        });
    Queue {
        workspace: caller.workspace.slug.clone(),
        job: job.name,
        about: job.about,
        due: due.len(),
        oldest: due.first().map(|record| encode(prefix, *record)),
        leased: leased.len(),
        failed: failed.collect(),
    }
}
