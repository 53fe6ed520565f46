//! The project record and what holds of every project.

use bureau_companies::Company;
use bureau_kernel::duplicates::distinct;
use bureau_kernel::numbered::{Numbered, Numbering};
use bureau_kernel::prelude::*;
use bureau_kernel::record::{Called, CalledBy, Exported};
use bureau_kernel::series::{self, Series};
use bureau_kernel::types::text::folded;
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::PROJECTS;

bureau_kernel::record! {
    /// Work with an end, for a client or for the firm itself.
    pub struct Project: "project", "prj", "project" {
        /// What it is called.
        pub name: ShortText<200> => [label, search, sort_by("sort_name"), row],
        /// Its number, which it has from the beginning.
        pub number: Managed<Option<ShortText<40>>> => [key, search, row],
        /// The series of the number.
        pub series: Managed<Option<Id<Series>>> => [hidden],
        /// The period of the series in which it is counted.
        pub period: Managed<Option<i64>> => [hidden],
        /// Its place in that period.
        pub serial: Managed<Option<i64>> => [hidden],
        /// Where it stands.
        pub status: ProjectStatus = "Default active" => [filter, several, row],
        /// For whom it is.
        pub company: Option<Id<Company>> => [filter, row],
        /// Who looks after it.
        pub owner: Option<Id<Member>> = "Default you" => [filter, row],
        /// When it begins.
        pub start_on: Option<NaiveDate> => [row],
        /// When it has to be done.
        pub due_on: Option<NaiveDate> => [sort_by("sort_due"), range("due_after", "due_before"), row],
        /// The day on which it was completed.
        pub completed_on: Managed<Option<NaiveDate>> => [row],
        /// What it is about.
        pub description: Option<LongText<20_000>> => [search],
        /// Labels.
        pub tags: Json<Vec<ShortText<50>>> => [search, filter_as("tag")],
    }
}

/// Where a project stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProjectStatus {
    /// It has not begun.
    Planned,
    /// It is worked on.
    #[default]
    Active,
    /// It waits.
    OnHold,
    /// It is done.
    Completed,
    /// It will not be done.
    Cancelled,
}
bureau_kernel::text_column!(ProjectStatus);

/// The numbers of projects, in the order in which they were made.
const NUMBERS: Numbering = Numbering {
    numbers: "projects",
    pattern: "P-{number:4}",
    yearly: false,
    in_order_of: None,
};

impl Numbered for Project {
    const SERIES: &'static [Numbering] = &[NUMBERS];
}

impl Record for Project {
    const ACCESS: Access = PROJECTS;

    // One that is over goes on naming its client, and does not hold on to it.
    const BLOCKS_DELETION_WHILE: &'static str = "status IN ('planned', 'active', 'on_hold')";

    const CALLED: Called = Called::by(
        &[CalledBy::Key("number"), CalledBy::Column("sort_name")],
        "list_projects",
    );

    const EXPORTED: Exported = Exported {
        open: &["planned", "active", "on_hold"],
        inner: &["series", "period", "serial"],
        ..Exported::PLAIN
    };

    fn check(&mut self, _: &Workspace) -> Result<()> {
        check_days(self.start_on, self.due_on)?;
        distinct("tags", &mut self.tags, |a, b| folded(a) == folded(b))
    }
}

/// Refuses an end before the beginning.
///
/// # Errors
/// [`Code::Validation`] naming `due_on`.
pub(crate) fn check_days(start: Option<NaiveDate>, due: Option<NaiveDate>) -> Result<()> {
    match (start, due) {
        (Some(start), Some(due)) if due < start => {
            let message = format!("due_on is before start_on, which is {start}.");
            Err(Error::invalid("due_on", message))
        }
        _ => Ok(()),
    }
}

impl Project {
    /// Takes the next number.
    ///
    /// # Errors
    /// As [`series::next_number`].
    pub(crate) async fn take_number(&mut self, cx: &mut Cx) -> Result<()> {
        let today = cx.today();
        let number = series::next_number::<Self>(cx, &NUMBERS, today).await?;
        self.number = Managed(Some(number.text));
        self.series = Managed(Some(number.series));
        self.period = Managed(Some(number.period));
        self.serial = Managed(Some(number.serial));
        Ok(())
    }

    /// Keeps the day of completion in step with the status.
    pub(crate) fn follow_status(&mut self, today: NaiveDate) {
        let done = self.status == ProjectStatus::Completed;
        self.completed_on = Managed(done.then(|| self.completed_on.unwrap_or(today)));
    }
}
