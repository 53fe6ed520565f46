//! The task record and what holds of every task.

use bureau_kernel::duplicates::distinct;
use bureau_kernel::prelude::*;
use bureau_kernel::record::{Called, CalledBy, Exported};
use bureau_kernel::store::{Kind, Value};
use bureau_kernel::types::money::Amount;
use bureau_kernel::types::text::folded;
use bureau_kernel::types::time::Timestamp;
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::TASKS;
use crate::column::{BoardColumn, TaskStatus};
use crate::project::{Project, check_days};

bureau_kernel::record! {
    /// Something to do in a project.
    pub struct Task: "task", "tsk", "task" {
        /// The project.
        pub project: Managed<Parent<Id<Project>>> => [key, row],
        /// Its number in the project, from 1.
        pub number: Managed<i64> => [hidden],
        /// The project's number and its own: what people call it.
        pub code: Managed<Option<ShortText<60>>> => [key, search, row],
        /// What is to be done.
        pub title: ShortText<300> => [label, search, sort_by("sort_title"), row],
        /// In full.
        pub description: Option<LongText<20_000>> => [search],
        /// How far it is: the group of its column.
        pub status: TaskStatus => [key, row],
        /// The column in which it stands.
        pub board_column: Managed<Id<BoardColumn>> => [key, hidden],
        /// Its place on the board: that of its column, and its own there.
        pub place: Managed<i64> => [sort, order_as("board"), within("project"), hidden],
        /// How much it matters.
        pub priority: Priority => [filter, several, sort_kept("sort_priority"), row],
        /// Who does it.
        pub assignee: Option<Id<Member>> => [filter, row],
        /// The task that it is a part of.
        pub parent: Option<Parent<Id<Task>>> => [filter, row],
        /// How long it takes, in hours.
        pub estimate: Option<Amount> = "Hours" => [no_money, row],
        /// When it begins.
        pub start_on: Option<NaiveDate> => [row],
        /// When it has to be done.
        pub due_on: Option<NaiveDate>
            => [sort_by("sort_due"), within("over"), range("due_after", "due_before"), row],
        /// Whether what it waits for may put it off, and its parts say when it lies.
        pub dates: DateMode,
        /// Whether it is a moment, on due_on, and not work.
        pub milestone: bool => [filter],
        /// When it was completed.
        pub completed_at: Managed<Option<Timestamp>> => [range("completed_after", "completed_before"), row],
        /// Labels.
        pub tags: Json<Vec<ShortText<50>>> => [search, filter_as("tag")],
    }
}

/// How much something matters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// It can wait.
    Low,
    /// As most.
    #[default]
    Normal,
    /// Before most others.
    High,
    /// Before all others.
    Urgent,
}
bureau_kernel::text_column!(Priority);

impl Priority {
    /// Its place in an order that begins with what matters most.
    const fn rank(self) -> &'static str {
        match self {
            Self::Urgent => "1",
            Self::High => "2",
            Self::Normal => "3",
            Self::Low => "4",
        }
    }
}

/// Who says when a task lies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DateMode {
    /// People, and nobody else.
    #[default]
    Manual,
    /// What it waits for puts it off; the dates of one with parts are those of its parts.
    Automatic,
}
bureau_kernel::text_column!(DateMode);

/// The longest estimate, in units of 10⁻⁴ hours: a hundred thousand hours.
const LONGEST: i64 = 1_000_000_000;

impl Record for Task {
    const ACCESS: Access = TASKS;

    // What is over goes on naming whose it was, and does not hold on to anybody.
    const BLOCKS_DELETION_WHILE: &'static str = "status NOT IN ('completed', 'cancelled')";

    const CALLED: Called = Called::by(
        &[CalledBy::Key("code"), CalledBy::Column("sort_title")],
        "list_tasks",
    );

    const EXPORTED: Exported = Exported {
        open: &["backlog", "unstarted", "started"],
        inner: &["place"],
        ..Exported::PLAIN
    };

    fn check(&mut self, _: &Workspace) -> Result<()> {
        if let Some(estimate) = self.estimate
            && !(0..=LONGEST).contains(&estimate.raw())
        {
            let message = "estimate is a number of hours from 0 to 100,000.";
            return Err(Error::invalid("estimate", message));
        }
        if self.milestone {
            self.be_a_moment()?;
        }
        check_days(self.start_on, self.due_on)?;
        distinct("tags", &mut self.tags, |a, b| folded(a) == folded(b))
    }

    fn derived(&self) -> Vec<(&'static str, Value)> {
        let mut derived = self.declared_orders();
        let rank = self.priority.rank().to_owned();
        derived.push(("sort_priority", Value::Text(rank)));
        // Most tasks are over: an index has those that are not, in the order of their days.
        let over = if self.status.is_open() {
            Value::Null(Kind::Int)
        } else {
            Value::Int(1)
        };
        derived.push(("over", over));
        derived
    }
}

impl Task {
    /// A milestone has one day, its due date, and takes no time.
    fn be_a_moment(&mut self) -> Result<()> {
        let wrong = |field: &str, message: &str| {
            Err(Error::invalid(field, message).hint("Give due_on alone."))
        };
        if self.estimate.is_some_and(|estimate| estimate.raw() != 0) {
            return Err(Error::invalid(
                "milestone",
                "A milestone takes no time, and this has an estimate.",
            )
            .hint("Leave one of the two out."));
        }
        match (self.start_on.take(), self.due_on) {
            (Some(start), Some(due)) if start != due => {
                wrong("start_on", "A milestone has one day and not two.")
            }
            (start, due) => {
                self.due_on = due.or(start);
                Ok(())
            }
        }
    }
}
