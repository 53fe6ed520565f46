//! What projects and tasks can be asked for in figures.

use bureau_kernel::measures::{Dimension, Evidence, Measure, Period, Rows, Source, Unit};
use bureau_kernel::prelude::*;

use crate::project::Project;
use crate::task::Task;

/// What is worked on.
pub(crate) const ACTIVE: Measure = Measure {
    id: "projects.active",
    version: 1,
    unit: Unit::Count,
    basis: "Projects that are worked on",
    period: Period::Now,
    dimensions: &[
        Dimension::of::<Member>("owner"),
        Dimension::of::<bureau_companies::Company>("company"),
    ],
    evidence: Some(Evidence::listed(
        "list_projects",
        &[("status", "active")],
        "owner",
    )),
    source: Source::Rows(Rows {
        only: |statement, _, _| statement.sql(" AND status = 'active'"),
        ..Rows::all::<Project>("owner")
    }),
};

/// What is to be done.
pub(crate) const OPEN: Measure = Measure {
    id: "projects.tasks_open",
    version: 1,
    unit: Unit::Count,
    basis: "Tasks that are to be done",
    period: Period::Now,
    dimensions: DIMENSIONS,
    evidence: Some(listed(&[("status", "open")])),
    source: Source::Rows(Rows {
        only: |statement, _, _| statement.sql(" AND over IS NULL"),
        ..ALL
    }),
};

/// What is late.
pub(crate) const OVERDUE: Measure = Measure {
    id: "projects.tasks_overdue",
    basis: "Tasks that are to be done and should be done by now",
    evidence: Some(listed(&[("status", "overdue")])),
    source: Source::Rows(Rows {
        only: |statement, cx, _| {
            statement
                .sql(" AND over IS NULL AND sort_due < ")
                .value(cx.today())
        },
        ..ALL
    }),
    ..OPEN
};

/// What was done.
pub(crate) const COMPLETED: Measure = Measure {
    id: "projects.tasks_completed",
    basis: "Tasks that were completed in the period",
    period: Period::Moment("completed_at"),
    evidence: Some(
        listed(&[("status", "completed")]).within("completed_after", "completed_before"),
    ),
    source: Source::Rows(Rows {
        only: |statement, _, _| statement.sql(" AND status = 'completed'"),
        ..ALL
    }),
    ..OPEN
};

const DIMENSIONS: &[Dimension] = &[
    Dimension::of::<Member>("assignee"),
    Dimension::of::<Project>("project"),
    Dimension::word("priority"),
];

const ALL: Rows = Rows::all::<Task>("assignee");

const fn listed(arguments: &'static [(&'static str, &'static str)]) -> Evidence {
    Evidence::listed("list_tasks", arguments, "assignee")
}
