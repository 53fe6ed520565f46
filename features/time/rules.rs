//! What holds of a time entry among the others, whichever way it is written: by a tool, an import or an undo. Each rule that is
//! broken is named by a code of its own in the error's `rule`.

use bureau_kernel::prelude::*;
use bureau_kernel::store::log::Action;
use bureau_kernel::store::sql;
use bureau_kernel::types::time::Timestamp;
use chrono::{Datelike as _, Days, Duration, Months, NaiveDate};

use crate::budget;
use crate::entry::TimeEntry;
use crate::settings::settings;

/// A rule of time entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Of more than nothing, and at most 24 hours.
    Length,
    /// Nobody works at two things at once.
    Overlap,
    /// Nor in the future.
    Future,
    /// A member has one running timer.
    Timer,
    /// What is of a month that is closed stands.
    Closed,
    /// So does what is billed.
    Billed,
    /// A budget that is a cap is not exceeded.
    Budget,
}

impl Rule {
    /// Its code.
    const fn code(self) -> &'static str {
        match self {
            Self::Length => "time_length",
            Self::Overlap => "time_overlaps",
            Self::Future => "time_in_future",
            Self::Timer => "timer_running",
            Self::Closed => "month_closed",
            Self::Billed => "time_billed",
            Self::Budget => "budget_exceeded",
        }
    }

    /// The error with the rule's code.
    pub(crate) fn broken(self, error: Error) -> Error {
        error.detail("rule", self.code())
    }
}

/// Checks every write of an entry, after it is made and before it is kept: of two that are made at once, one waits for the other
/// and sees it.
pub(crate) struct Checked;

impl Reaction for Checked {
    type To = TimeEntry;
    const ON: &'static [Action] = &[
        Action::Create,
        Action::Update,
        Action::Archive,
        Action::Restore,
        Action::Purge,
    ];

    async fn react(cx: &mut Cx, to: Transition<'_, TimeEntry>) -> Result<()> {
        let live = |entry: &&Saved<TimeEntry>| entry.archived_at.is_none();
        let (before, after) = (to.before.filter(live), to.after.filter(live));
        let content = |entry: &Saved<TimeEntry>| entry.unbilled();
        if before.map(content) == after.map(content) {
            // That it is billed, or is no more, is no change of the work.
            return Ok(());
        }
        for entry in [before, after].into_iter().flatten() {
            // A timer that is left running has no hours yet that a closed month could have.
            let is_stopped = after.is_some() || !*entry.running;
            if is_stopped {
                check_month(cx, entry).await?;
            }
        }
        let Some(entry) = after else { return Ok(()) };
        // An undo of several writes is looked at when all of them are taken back.
        let current = cx.find(entry.id).await?;
        let Some(entry) = current.as_ref().filter(live) else {
            return Ok(());
        };
        check_past(cx, entry)?;
        if let Some(start) = *entry.started_at {
            check_others(cx, entry, start).await?;
        }
        budget::check(cx, before, entry).await
    }
}

/// Refuses what has not happened.
fn check_past(cx: &Cx, entry: &TimeEntry) -> Result<()> {
    let now = cx.now();
    let later = |moment: &Option<Timestamp>| moment.is_some_and(|moment| moment > now);
    let field = if *entry.worked_on > cx.today() {
        "worked_on"
    } else if later(&entry.started_at) {
        "started_at"
    } else if later(&entry.ended_at) {
        "ended_at"
    } else {
        return Ok(());
    };
    let error = Error::invalid(field, format!("{field} has not come yet."));
    Err(Rule::Future
        .broken(error)
        .hint("Note time when it was worked."))
}

/// Refuses a second timer, and what overlaps other work of the same member by the clock.
async fn check_others(cx: &mut Cx, entry: &Saved<TimeEntry>, start: Timestamp) -> Result<()> {
    let (workspace, member) = (cx.workspace().id, *entry.member);
    cx.tx()
        .serialize(&format!("time {workspace} {member}"))
        .await?;
    // Nothing takes more than a day, so what began before that is over; but for a timer.
    let earliest = start.checked_sub_signed(Duration::hours(24));
    let mut others = sql("SELECT id")
        .from_live::<TimeEntry>(cx)
        .sql(" AND member = ")
        .value(member)
        .sql(" AND id <> ")
        .value(entry.id)
        .sql(" AND started_at IS NOT NULL AND (ended_at IS NULL OR (started_at >= ")
        .value(earliest.unwrap_or(start))
        .sql(" AND ended_at > ")
        .value(start)
        .sql("))");
    if let Some(end) = *entry.ended_at {
        others = others.sql(" AND started_at < ").value(end);
    }
    let others = others.sql(" ORDER BY ended_at IS NULL DESC, started_at LIMIT 1");
    let Some(row) = others.row(cx.tx()).await? else {
        return Ok(());
    };
    let other: Id<TimeEntry> = row.get("id")?;
    let other = cx.find(other).await?;
    let Some(other) = other else { return Ok(()) };
    let existing = other.named();
    if *other.running && *entry.running {
        let error = Error::conflict("A timer of this member is running already.");
        return Err(Rule::Timer
            .broken(error.field("started_at").detail("existing", existing))
            .hint("Stop it first: update_time_entry with ended_at now."));
    }
    let message = "This member's work would overlap other work of theirs.";
    let error = Error::conflict(message).field("started_at");
    Err(Rule::Overlap
        .broken(error.detail("existing", existing))
        .hint("Choose other times, or give worked_on and hours without times."))
}

/// Refuses what is of a month that is closed.
async fn check_month(cx: &mut Cx, entry: &TimeEntry) -> Result<()> {
    let day = *entry.worked_on;
    let Some(grace) = settings(cx).await?.close_after_days else {
        return Ok(());
    };
    let Some(last) = closes_after(day, grace.get()) else {
        return Ok(());
    };
    if cx.today() <= last {
        return Ok(());
    }
    let month = day.format("%Y-%m");
    let error = Error::conflict(format!("{month} is closed for time since {last}."));
    Err(Rule::Closed
        .broken(error.field("worked_on"))
        .hint("Whoever may manage_time_entries opens months by update_time_settings."))
}

/// The last day on which entries of this day's month can be written, with so many days of grace after its end.
fn closes_after(day: NaiveDate, grace: i64) -> Option<NaiveDate> {
    let first = day.with_day(1)?.checked_add_months(Months::new(1))?;
    let grace = u64::try_from(grace).ok()?;
    first.pred_opt()?.checked_add_days(Days::new(grace))
}

#[cfg(test)]
mod tests {
    use super::closes_after;

    #[test]
    fn a_month_closes_after_its_end_and_the_grace() {
        for (day, grace, last) in [
            ("2026-11-01", 0, "2026-11-30"),
            ("2026-11-30", 5, "2026-12-05"),
            ("2028-02-29", 1, "2028-03-01"),
            ("2026-12-31", 31, "2027-01-31"),
        ] {
            let closes = closes_after(day.parse().unwrap(), grace);
            assert_eq!(closes, Some(last.parse().unwrap()), "{day}");
        }
    }
}
