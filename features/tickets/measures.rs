//! What tickets can be asked for in figures.

use bureau_companies::Company;
use bureau_kernel::caller::Team;
use bureau_kernel::measures::{Dimension, Evidence, Measure, Period, Rows, Source, Unit};
use bureau_kernel::prelude::*;
use futures::FutureExt as _;

use crate::figures::{handovers, next_responses};
use crate::ticket::Ticket;

/// All of them.
pub(crate) const ALL: &[&Measure] = &[
    &AWAITING_REPLY,
    &BACKLOG,
    &FIRST_RESPONSE_COMPLIANCE,
    &FIRST_RESPONSE_TIME,
    &FIRST_RESPONSES,
    &HANDOVERS,
    &NEXT_RESPONSE_TIME,
    &OPENED,
    &OVERDUE,
    &RATED,
    &RESOLUTION_COMPLIANCE,
    &RESOLUTION_TIME,
    &SATISFACTION,
    &SOLVED,
    &UNASSIGNED,
];

/// What came in.
pub(crate) const OPENED: Measure = Measure {
    id: "tickets.opened",
    version: 1,
    unit: Unit::Count,
    basis: "Tickets that came in in the period",
    period: Period::Moment("opened_at"),
    dimensions: DIMENSIONS,
    evidence: Some(listed(&[]).within("opened_after", "opened_before")),
    source: Source::Rows(EVERY),
};

/// What is to be done.
pub(crate) const BACKLOG: Measure = Measure {
    id: "tickets.backlog",
    basis: "Tickets that are neither solved nor closed",
    period: Period::Now,
    evidence: Some(listed(&[("status", "open")])),
    source: Source::Rows(Rows {
        only: |statement, _, _| statement.sql(" AND status NOT IN ('solved', 'closed')"),
        ..EVERY
    }),
    ..OPENED
};

/// What nobody looks after.
pub(crate) const UNASSIGNED: Measure = Measure {
    id: "tickets.unassigned",
    basis: "Tickets that are neither solved nor closed, and nobody's",
    evidence: Some(listed(&[("status", "open"), ("unassigned", "true")])),
    source: Source::Rows(Rows {
        only: |statement, _, _| {
            statement.sql(" AND status NOT IN ('solved', 'closed') AND assignee IS NULL")
        },
        ..EVERY
    }),
    ..BACKLOG
};

/// Where the customer waits.
pub(crate) const AWAITING_REPLY: Measure = Measure {
    id: "tickets.awaiting_reply",
    basis: "Tickets whose customer waits for an answer",
    evidence: Some(listed(&[("awaiting_reply", "true")])),
    source: Source::Rows(Rows {
        only: |statement, _, _| statement.sql(" AND waiting_since IS NOT NULL"),
        ..EVERY
    }),
    ..BACKLOG
};

/// Where a clock that runs has passed its target.
pub(crate) const OVERDUE: Measure = Measure {
    id: "tickets.overdue",
    basis: "Tickets of which a running clock has come to its target",
    evidence: Some(listed(&[("next_breach_before", "now")])),
    source: Source::Rows(Rows {
        only: |statement, cx, _| statement.sql(" AND sort_next_breach <= ").value(cx.now()),
        ..EVERY
    }),
    ..BACKLOG
};

/// What was answered first.
pub(crate) const FIRST_RESPONSES: Measure = Measure {
    id: "tickets.first_responses",
    basis: "Tickets that had their first response in the period",
    period: Period::Moment("first_response_at"),
    // Bounds leave out what has none.
    evidence: Some(
        listed(&[("first_response_after", "1900-01-02")])
            .within("first_response_after", "first_response_before"),
    ),
    source: Source::Rows(Rows {
        only: |statement, _, _| statement.sql(" AND first_response_at IS NOT NULL"),
        ..EVERY
    }),
    ..OPENED
};

/// How long that took.
pub(crate) const FIRST_RESPONSE_TIME: Measure = Measure {
    id: "tickets.first_response_time",
    unit: Unit::Minutes,
    basis: "Working time to the first response of tickets that had it in the period",
    source: Source::Rows(Rows {
        span: Some("first_response_minutes"),
        ..EVERY
    }),
    ..FIRST_RESPONSES
};

/// How long customers waited after that.
pub(crate) const NEXT_RESPONSE_TIME: Measure = Measure {
    id: "tickets.next_response_time",
    unit: Unit::Minutes,
    basis: "Working time, without pauses, from each further message of a customer to its answer in the period",
    period: Period::Moment("sent_at"),
    evidence: None,
    source: Source::Code(|cx, own, asked, _| next_responses(cx, own, asked).boxed()),
    ..OPENED
};

/// What went from one to another.
pub(crate) const HANDOVERS: Measure = Measure {
    id: "tickets.handovers",
    basis: "How often tickets were handed over in the period; the assignee and the team are those who gave them away",
    period: Period::Moment("handed_over_at"),
    evidence: None,
    source: Source::Code(|cx, own, asked, _| handovers(cx, own, asked).boxed()),
    ..OPENED
};

/// How often that was in time.
pub(crate) const FIRST_RESPONSE_COMPLIANCE: Measure = Measure {
    id: "tickets.first_response_compliance",
    unit: Unit::Percent,
    basis: "Tickets whose first response was in time, of those that had it in the period",
    source: Source::Share {
        part: &FIRST_RESPONSES_IN_TIME,
        whole: &FIRST_RESPONSES,
    },
    ..FIRST_RESPONSES
};

/// Of [`FIRST_RESPONSE_COMPLIANCE`].
const FIRST_RESPONSES_IN_TIME: Measure = Measure {
    id: "tickets.first_responses_in_time",
    evidence: None,
    source: Source::Rows(Rows {
        only: |statement, _, _| {
            let answered = statement.sql(" AND first_response_at IS NOT NULL");
            answered.sql(" AND first_response_breached = ").value(false)
        },
        ..EVERY
    }),
    ..FIRST_RESPONSES
};

/// What was done.
pub(crate) const SOLVED: Measure = Measure {
    id: "tickets.solved",
    basis: "Tickets that were solved, closed or merged in the period and still are",
    period: Period::Moment("solved_at"),
    evidence: Some(listed(OVER).within("solved_after", "solved_before")),
    source: Source::Rows(Rows {
        only: |statement, _, _| statement.sql(" AND solved_at IS NOT NULL"),
        ..EVERY
    }),
    ..OPENED
};

/// How long that took.
pub(crate) const RESOLUTION_TIME: Measure = Measure {
    id: "tickets.resolution_time",
    unit: Unit::Minutes,
    basis: "Working time, without pauses, from opening to solving of tickets that were solved in the period, without merged ones",
    evidence: Some(listed(OVER_ALONE).within("solved_after", "solved_before")),
    source: Source::Rows(Rows {
        only: |statement, _, _| statement.sql(" AND solved_at IS NOT NULL AND merged_into IS NULL"),
        span: Some("resolution_minutes"),
        ..EVERY
    }),
    ..SOLVED
};

/// How often that was in time.
pub(crate) const RESOLUTION_COMPLIANCE: Measure = Measure {
    id: "tickets.resolution_compliance",
    unit: Unit::Percent,
    basis: "Tickets that were solved in time, of those that were solved in the period",
    source: Source::Share {
        part: &SOLVED_IN_TIME,
        whole: &SOLVED,
    },
    ..SOLVED
};

/// Of [`RESOLUTION_COMPLIANCE`].
const SOLVED_IN_TIME: Measure = Measure {
    id: "tickets.solved_in_time",
    evidence: None,
    source: Source::Rows(Rows {
        only: |statement, _, _| {
            let solved = statement.sql(" AND solved_at IS NOT NULL");
            solved.sql(" AND resolution_breached = ").value(false)
        },
        ..EVERY
    }),
    ..SOLVED
};

/// What customers rated.
pub(crate) const RATED: Measure = Measure {
    id: "tickets.rated",
    basis: "Tickets that were solved in the period and rated",
    evidence: Some(listed(RATED_OVER).within("solved_after", "solved_before")),
    source: Source::Rows(Rows {
        only: |statement, _, _| {
            statement.sql(" AND solved_at IS NOT NULL AND satisfaction IS NOT NULL")
        },
        ..EVERY
    }),
    ..SOLVED
};

/// How content they are.
pub(crate) const SATISFACTION: Measure = Measure {
    id: "tickets.satisfaction",
    unit: Unit::Percent,
    basis: "Tickets that were rated 4 or 5, of those that were solved in the period and rated",
    source: Source::Share {
        part: &RATED_WELL,
        whole: &RATED,
    },
    ..RATED
};

/// Of [`SATISFACTION`].
const RATED_WELL: Measure = Measure {
    id: "tickets.rated_well",
    evidence: None,
    source: Source::Rows(Rows {
        only: |statement, _, _| statement.sql(" AND solved_at IS NOT NULL AND satisfaction >= 4"),
        ..EVERY
    }),
    ..RATED
};

const DIMENSIONS: &[Dimension] = &[
    Dimension::of::<Member>("assignee"),
    Dimension::of::<Team>("team"),
    Dimension::of::<Company>("company"),
    Dimension::word("priority"),
    Dimension::word("category"),
    Dimension::word("product"),
    Dimension::word("channel"),
    Dimension::beyond::<Company>("company", "region"),
    Dimension::beyond::<Company>("company", "country"),
];

pub(crate) const EVERY: Rows = Rows::all::<Ticket>("assignee");

/// What is done is solved or closed.
const OVER: &[(&str, &str)] = &[("status", "solved"), ("status", "closed")];
const OVER_ALONE: &[(&str, &str)] = &[
    ("status", "solved"),
    ("status", "closed"),
    ("merged", "false"),
];
const RATED_OVER: &[(&str, &str)] = &[
    ("status", "solved"),
    ("status", "closed"),
    ("min_satisfaction", "1"),
];

const fn listed(arguments: &'static [(&'static str, &'static str)]) -> Evidence {
    Evidence::listed("list_tickets", arguments, "assignee")
}
