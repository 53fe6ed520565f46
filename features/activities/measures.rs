//! What activities can be asked for in figures.

use bureau_kernel::measures::{Dimension, Evidence, Measure, Period, Rows, Source, Unit};
use bureau_kernel::prelude::*;
use bureau_kernel::record::LAST_MOMENT;

use crate::activity::Activity;

/// What is late.
pub(crate) const OVERDUE: Measure = Measure {
    id: "activities.overdue",
    version: 1,
    unit: Unit::Count,
    basis: "Activities that are not done and were due by now",
    period: Period::Now,
    dimensions: DIMENSIONS,
    evidence: Some(listed(&[("status", "overdue")])),
    source: Source::Rows(Rows {
        only: |statement, cx, _| {
            statement
                .sql(" AND done_at IS NULL AND sort_due <= ")
                .value(cx.now())
        },
        ..ALL
    }),
};

/// What is to be done.
pub(crate) const DUE: Measure = Measure {
    id: "activities.due",
    version: 1,
    unit: Unit::Count,
    basis: "Activities that are not done and are due in the period",
    period: Period::Moment("sort_due"),
    dimensions: DIMENSIONS,
    evidence: Some(listed(&[("status", "pending")]).within("due_after", "due_before")),
    source: Source::Rows(Rows {
        only: |statement, _, asked| {
            let pending = statement.sql(" AND done_at IS NULL");
            // What is never due is within no period: it stands after all moments.
            match asked.from {
                Some(_) => pending.sql(" AND sort_due <= ").value(LAST_MOMENT),
                None => pending,
            }
        },
        ..ALL
    }),
};

/// What was done.
pub(crate) const DONE: Measure = Measure {
    id: "activities.done",
    version: 1,
    unit: Unit::Count,
    basis: "Activities that were done in the period",
    period: Period::Moment("done_at"),
    dimensions: DIMENSIONS,
    evidence: Some(listed(&[("status", "done")]).within("done_after", "done_before")),
    source: Source::Rows(Rows {
        only: |statement, _, _| statement.sql(" AND done_at IS NOT NULL"),
        ..ALL
    }),
};

const DIMENSIONS: &[Dimension] = &[Dimension::of::<Member>("assignee"), Dimension::word("type")];

const ALL: Rows = Rows::all::<Activity>("assignee");

const fn listed(arguments: &'static [(&'static str, &'static str)]) -> Evidence {
    Evidence::listed("list_activities", arguments, "assignee")
}
