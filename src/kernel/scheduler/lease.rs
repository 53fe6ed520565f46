//! The table `job`: what is being done by whom, and what failed. The moment is the transaction's.

use chrono::Duration;

use super::Job;
use crate::error::{Error, Result};
use crate::record::Cx;
use crate::store::{Sql, Value, sql};
use crate::types::time::Timestamp;

/// How long a server has a record for itself, in seconds. Longer than a step takes; whoever takes longer than that all the
/// same finds out in time, because it gives its lease back in the transaction of the step.
const LEASE_S: i64 = 60;
/// Attempts after which a record is tried once a day only.
const PATIENCE: i64 = 10;
/// The longest that a record is left alone, in days.
const LONGEST_DAYS: i64 = 1;
/// How far apart the clocks of two servers may be, in minutes. Only what another one dated further ahead than that was dated by
/// a clock that is wrong.
const SKEW_MIN: i64 = 5;
/// Characters of an error that are kept.
const KEPT: usize = 500;
/// What is said of an attempt whose server never came back.
const INTERRUPTED: &str = "INTERRUPTED: The server that was at it ended before it was done.";

/// A record that is being worked on, or was and failed.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) record: i64,
    /// Nobody takes it up again before.
    pub(super) run_after: Timestamp,
    /// Its holder is at it until then; `None` once it gave up.
    pub(super) leased_until: Option<Timestamp>,
    pub(super) attempts: i64,
    pub(super) last_error: Option<String>,
}

impl Entry {
    /// Whether a server may be at it.
    pub(super) fn is_leased(&self, now: Timestamp) -> bool {
        self.leased_until
            .is_some_and(|end| end >= now && end <= longest_lease(now))
    }

    /// Whether it may be taken up again. An entry that would wait longer than any does was dated by a clock that was ahead.
    pub(super) fn is_free(&self, now: Timestamp) -> bool {
        self.run_after <= now || self.run_after > beyond(now)
    }
}

/// What is known of this job's records in the workspace.
pub(super) async fn entries(cx: &mut Cx, job: &Job) -> Result<Vec<Entry>> {
    let statement = of_job(
        sql("SELECT record, run_after, leased_until, attempts, last_error FROM job"),
        cx,
        job,
    );
    let rows = statement.rows(cx.tx()).await?;
    rows.iter()
        .map(|row| {
            Ok(Entry {
                record: row.get("record")?,
                run_after: row.get("run_after")?,
                leased_until: row.get("leased_until")?,
                attempts: row.get("attempts")?,
                last_error: row.get("last_error")?,
            })
        })
        .collect()
}

/// Later than any entry that is made at this moment waits.
fn beyond(now: Timestamp) -> Timestamp {
    now + Duration::days(LONGEST_DAYS) + Duration::minutes(SKEW_MIN)
}

/// When a lease that is taken at this moment ends at the latest.
fn longest_lease(now: Timestamp) -> Timestamp {
    now + Duration::seconds(LEASE_S) + Duration::minutes(SKEW_MIN)
}

/// How long a record is left alone after so many attempts: one minute, then twice as long each time.
fn pause(attempts: i64) -> Duration {
    if attempts >= PATIENCE {
        return Duration::days(LONGEST_DAYS);
    }
    Duration::minutes(1 << (attempts - 1).clamp(0, PATIENCE))
}

/// A record that a scheduler wants to take up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim {
    pub(super) job: &'static Job,
    pub(super) record: i64,
    /// What stands for the scheduler.
    holder: i64,
    /// How often the record was taken up before.
    seen: i64,
    /// Whoever took it up last did not say how it went.
    interrupted: bool,
}

impl Claim {
    /// The turn of a record of which this is known.
    pub(super) fn new(job: &'static Job, record: i64, known: Option<&Entry>, holder: i64) -> Self {
        Self {
            job,
            record,
            holder,
            seen: known.map_or(0, |entry| entry.attempts),
            interrupted: known.is_some_and(|entry| entry.leased_until.is_some()),
        }
    }

    /// The number of the attempt.
    pub(super) fn attempt(self) -> i64 {
        self.seen + 1
    }

    /// Takes the record up. Whether it is the holder's now: another scheduler may have been quicker than what was known.
    ///
    /// The attempt is counted here and not when it has failed: work that kills the process is to wait longer each time, too.
    pub(super) async fn take(self, cx: &mut Cx) -> Result<bool> {
        let now = cx.now();
        let last_error = self.interrupted.then(|| INTERRUPTED.to_owned());
        let taken = sql("INSERT INTO job (workspace, name, record, holder, attempts, last_error, enqueued_at, run_after,
                                          leased_until) VALUES (")
            .value(cx.workspace().id)
            .sql(", ")
            .value(self.job.name.to_owned())
            .sql(", ")
            .value(self.record)
            .sql(", ")
            .value(self.holder)
            .sql(", ")
            .value(self.attempt())
            .sql(", ")
            .value(last_error)
            .sql(", ")
            .value(now)
            .sql(", ")
            .value(now + pause(self.attempt()))
            .sql(", ")
            .value(now + Duration::seconds(LEASE_S))
            .sql(
                ") ON CONFLICT (workspace, name, record) DO UPDATE SET holder = excluded.holder,
                   attempts = excluded.attempts, last_error = COALESCE(excluded.last_error, job.last_error),
                   run_after = excluded.run_after, leased_until = excluded.leased_until
                   WHERE (job.run_after <= ",
            )
            .value(now)
            .sql(" OR job.run_after > ")
            .value(beyond(now))
            .sql(") AND job.attempts = ")
            .value(self.seen)
            .run(cx.tx())
            .await?;
        Ok(taken == 1)
    }

    /// Gives the record back as done. Whether it was still the holder's; if so, nobody else takes it up before the
    /// transaction ends.
    pub(super) async fn give_back(self, cx: &mut Cx) -> Result<bool> {
        let statement = self.mine(sql("DELETE FROM job"), cx);
        Ok(statement.run(cx.tx()).await? == 1)
    }

    /// Gives the record back as failed, if it is still the holder's.
    pub(super) async fn give_up(self, cx: &mut Cx, error: String) -> Result<()> {
        let statement = sql("UPDATE job SET leased_until = NULL, holder = NULL, last_error = ");
        let statement = self.mine(statement.value(error), cx);
        statement.run(cx.tx()).await?;
        Ok(())
    }

    fn mine(self, statement: Sql, cx: &Cx) -> Sql {
        of_job(statement, cx, self.job)
            .sql(" AND record = ")
            .value(self.record)
            .sql(" AND holder = ")
            .value(self.holder)
    }
}

/// What is kept of an error: its code, what it says, and the field.
pub(super) fn said(error: &Error) -> String {
    let field = error.field_name();
    let field = field.map_or_else(String::new, |field| format!(" ({field})"));
    let said = format!("{}: {}{field}", error.code().as_str(), error.message());
    said.chars().take(KEPT).collect()
}

/// Forgets what failed with records that are not due any more, unless a server is at them.
pub(super) async fn forget(cx: &mut Cx, job: &Job, records: Vec<i64>) -> Result<()> {
    let now = cx.now();
    let mut statement = of_job(sql("DELETE FROM job"), cx, job).sql(" AND record IN ");
    statement.push_list(records.into_iter().map(Value::Int));
    statement
        .sql(" AND (leased_until IS NULL OR leased_until < ")
        .value(now)
        .sql(" OR leased_until > ")
        .value(longest_lease(now))
        .sql(")")
        .run(cx.tx())
        .await?;
    Ok(())
}

fn of_job(statement: Sql, cx: &Cx, job: &Job) -> Sql {
    statement
        .sql(" WHERE workspace = ")
        .value(cx.workspace().id)
        .sql(" AND name = ")
        .value(job.name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_clock_that_is_a_little_ahead_has_dated_holds_and_what_a_wrong_one_has_does_not() {
        let now = crate::types::time::now();
        let dated = |clock: Timestamp| Entry {
            record: 1,
            run_after: clock + pause(PATIENCE),
            leased_until: Some(clock + Duration::seconds(LEASE_S)),
            attempts: PATIENCE,
            last_error: None,
        };
        let near = dated(now + Duration::seconds(2));
        assert!(near.is_leased(now) && !near.is_free(now));
        let far = dated(now + Duration::days(3));
        assert!(!far.is_leased(now) && far.is_free(now));
    }

    #[test]
    fn a_record_is_left_alone_twice_as_long_each_time_and_then_tried_once_a_day() {
        let minutes: Vec<i64> = (1..=12).map(|tries| pause(tries).num_minutes()).collect();
        let day = 24 * 60;
        assert_eq!(
            minutes,
            [1, 2, 4, 8, 16, 32, 64, 128, 256, day, day, day],
            "never shorter than the lease"
        );
        assert!(pause(1).num_seconds() >= LEASE_S && pause(i64::MAX) == Duration::days(1));
    }
}
