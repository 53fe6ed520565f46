//! Work that is done by itself when records are due for it: invoices that recur, offers that expire.
//!
//! A module lists its [`Job`]s in its module. The records say what is due, so that undoing, restoring and importing need no
//! upkeep of any queue; the table `job` holds what is being done by whom, and what failed. Every server on a database
//! runs a [`Scheduler`](crate::scheduler::Scheduler). Each takes a record up by a lease, does one step in one transaction that begins by giving the
//! lease back, and leaves what others have taken up alone. So a step is done once, whoever is killed at whatever moment.

use futures::future::BoxFuture;

use crate::error::Result;
use crate::record::Cx;

/// A kind of work that is done by itself, in steps: one period of one record is a step.
#[derive(Debug, Clone, Copy)]
pub struct Job {
    /// Its name, which stands in the change log where a call's tool does. No other job of any module has it.
    pub name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// The table of the records that it is done to.
    pub table: &'static str,
    /// Answers which records are due at `cx.now()` by their own data: the one that is due longest first, each once, not
    /// more than the limit. It reads only, and is asked often.
    pub due: Due,
    /// Does one step for this record, the oldest that is due, and nothing if none is due any more; what it reads to find
    /// that out, it reads in this transaction. It runs as the workspace's owner, and takes no longer than a call may. What
    /// it answers as an error is kept and shown to the owner, so it names no personal data.
    pub run: Run,
    /// Whether it is due because something was written, and not because of the time: then it is looked for at once when a
    /// server hears of a write, and not only every 30 seconds. See [`follower`](crate::follower::follower).
    pub follows_log: bool,
}

/// Which records are due.
pub type Due = for<'a> fn(&'a mut Cx, limit: usize) -> BoxFuture<'a, Result<Vec<i64>>>;

/// One step for a record.
pub type Run = for<'a> fn(&'a mut Cx, record: i64) -> BoxFuture<'a, Result<()>>;
