//! The record of time that was worked, and what holds of every entry by itself. What holds of it among others is in
//! `rules.rs`.

use bureau_invoicing::Invoice;
use bureau_kernel::prelude::*;
use bureau_kernel::record::Exported;
use bureau_kernel::types::money::{Amount, Currency};
use bureau_kernel::types::time::Timestamp;
use chrono::NaiveDate;

use crate::TIME;
use crate::hours::{HOUR, shown_hours};
use crate::rules::Rule;
use bureau_projects::Project;
use bureau_projects::Task;

bureau_kernel::record! {
    /// Time that a member worked on a project: by the clock, or so much of a day.
    pub struct TimeEntry: "time_entry", "time", "time_entry" {
        /// The project.
        pub project: Managed<Parent<Id<Project>>> => [filter, row],
        /// The task, which is one of the project.
        pub task: Option<Id<Task>> => [filter, row],
        /// Who worked.
        pub member: Managed<Id<Member>> => [filter, row],
        /// The day, in the workspace's time zone: that on which it began.
        pub worked_on: Managed<NaiveDate> => [sort, range("worked_after", "worked_before"), row],
        /// When it began, where that is known.
        pub started_at: Managed<Option<Timestamp>> => [row],
        /// When it ended, where that is known.
        pub ended_at: Managed<Option<Timestamp>> => [row],
        /// Whether the clock is running: it began and has not ended.
        pub running: Managed<bool> => [column_filter, row],
        /// How long it took, in seconds; none of what is running.
        pub seconds: Managed<i64> => [hidden],
        /// Whether a client is to pay for it.
        pub billable: bool = "Default: if for a client" => [column_filter, row],
        /// How long it takes on the invoice: rounded as the workspace rounds, and none of what is not billable.
        pub billable_seconds: Managed<i64> => [hidden],
        /// What was done.
        pub note: Option<LongText<2000>> => [search, row],
        /// ISO 4217, of its rate.
        pub currency: Managed<Currency> => [row],
        /// What an hour is billed at, kept from when it was noted.
        pub hourly_rate: Option<Amount> = "Default: as arranged" => [price, row],
        /// The invoice that bills it.
        pub invoice: Managed<Option<Id<Invoice>>> => [filter, row],
        /// Which of its lines.
        pub billed_line: Managed<Option<ShortText<60>>> => [hidden],
    }
}

/// The longest that somebody works at a stretch.
const LONGEST: i64 = 24 * HOUR;

impl TimeEntry {
    /// The same but for the invoice that bills it: what a person says of it.
    pub(crate) fn unbilled(&self) -> Self {
        Self {
            invoice: Managed(None),
            billed_line: Managed(None),
            ..self.clone()
        }
    }
}

impl Record for TimeEntry {
    const ACCESS: Access = TIME;

    // What was worked goes on naming task, member and invoice, and does not hold on to them.
    const BLOCKS_DELETION_WHILE: &'static str = "ended_at IS NULL AND started_at IS NOT NULL";

    const EXPORTED: Exported = Exported {
        inner: &["billed_line"],
        day: Some("worked_on"),
        ..Exported::PLAIN
    };

    fn label(&self) -> String {
        match *self.running {
            true => format!("{}, running", *self.worked_on),
            false => format!("{}, {} h", *self.worked_on, shown_hours(*self.seconds)),
        }
    }

    fn check(&mut self, _: &Workspace) -> Result<()> {
        self.running = Managed(self.started_at.is_some() && self.ended_at.is_none());
        if *self.running {
            self.seconds = Managed(0);
        } else if !(1..=LONGEST).contains(&*self.seconds) {
            let hours = shown_hours(*self.seconds);
            let message = format!(
                "An entry is of more than nothing and at most 24 hours, and this is of {hours}."
            );
            let error = Error::invalid("hours", message);
            return Err(Rule::Length
                .broken(error)
                .hint("Check started_at and ended_at; enter longer work day by day."));
        }
        if *self.running || !self.billable {
            self.billable_seconds = Managed(0);
        }
        if self.hourly_rate.is_some_and(|rate| rate.raw() < 0) {
            let message = "hourly_rate cannot be below zero.";
            return Err(Error::invalid("hourly_rate", message));
        }
        Ok(())
    }

    fn validate_transition(&self, next: Option<&Self>) -> Result<()> {
        let is_same = next.is_some_and(|next| next.unbilled() == self.unbilled());
        let Some(invoice) = self.invoice.filter(|_| !is_same) else {
            return Ok(());
        };
        let message = format!("This time is billed on {invoice}, so it stands as it is.");
        Err(Rule::Billed.broken(Error::conflict(message)).hint(
            "Discard the draft or remove its line with update_invoice; take an issued one back with create_credit_note.",
        ))
    }
}
