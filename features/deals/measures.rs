//! What deals can be asked for in figures.

use bureau_kernel::measures::{
    Dimension, Evidence, Figure, Group, Measure, Percent, Period, Question, Rows, Source, Unit,
};
use bureau_kernel::prelude::*;
use bureau_kernel::store::sql;
use bureau_kernel::types::id::Entity as _;
use futures::FutureExt as _;

use crate::deal::Deal;
use crate::stages::{Pipeline, Stage};

/// What may still come about.
pub(crate) const OPEN: Measure = Measure {
    id: "deals.open",
    unit: Unit::Money,
    basis: "Open deals, by their amount",
    period: Period::Now,
    dimensions: DIMENSIONS,
    evidence: Some(listed(&[("status", "open")])),
    source: Source::Rows(OPEN_ROWS),
};

/// The same, by how likely it is.
pub(crate) const OPEN_WEIGHTED: Measure = Measure {
    id: "deals.open_weighted",
    basis: "Open deals, by their amount times their probability",
    source: Source::Rows(Rows {
        percent: Some(Percent {
            own: "probability",
            refers: "stage",
            table: Stage::TABLE,
            usual: "probability",
        }),
        ..OPEN_ROWS
    }),
    ..OPEN
};

/// What came about.
pub(crate) const WON: Measure = Measure {
    id: "deals.won",
    basis: "Deals that were won in the period, by their amount",
    evidence: Some(listed(&[("status", "won")])),
    source: Source::Rows(Rows {
        only: |statement, _, _| statement.sql(" AND status = 'won'"),
        ..OPEN_ROWS
    }),
    ..CLOSED
};

/// What did not.
pub(crate) const LOST: Measure = Measure {
    id: "deals.lost",
    basis: "Deals that were lost in the period, by their amount",
    evidence: Some(listed(&[("status", "lost")])),
    source: Source::Rows(Rows {
        only: |statement, _, _| statement.sql(" AND status = 'lost'"),
        ..OPEN_ROWS
    }),
    ..CLOSED
};

/// What was decided.
pub(crate) const CLOSED: Measure = Measure {
    id: "deals.closed",
    unit: Unit::Money,
    basis: "Deals that were won or lost in the period, by their amount",
    period: Period::Day("closed_on"),
    dimensions: DIMENSIONS,
    // No list has both.
    evidence: None,
    source: Source::Rows(Rows {
        only: |statement, _, _| statement.sql(" AND status IN ('won', 'lost')"),
        ..OPEN_ROWS
    }),
};

/// How often it comes about.
pub(crate) const WIN_RATE: Measure = Measure {
    id: "deals.win_rate",
    unit: Unit::Percent,
    basis: "Deals that were won in the period, of those that were won or lost in it",
    source: Source::Share {
        part: &WON,
        whole: &CLOSED,
    },
    ..CLOSED
};

/// What should have been closed by now.
pub(crate) const PAST_EXPECTED_CLOSE: Measure = Measure {
    id: "deals.past_expected_close",
    unit: Unit::Count,
    basis: "Open deals whose expected day has passed",
    evidence: Some(listed(&[("status", "open"), ("close_before", "yesterday")])),
    source: Source::Rows(Rows {
        only: |statement, cx, _| {
            let open = statement.sql(" AND status = 'open' AND sort_close < ");
            open.value(cx.today())
        },
        amount: None,
        ..OPEN_ROWS
    }),
    ..OPEN
};

/// What stands still.
pub(crate) const ROTTING: Measure = Measure {
    id: "deals.rotting",
    unit: Unit::Count,
    basis: "Open deals that stand in their stage for longer than it allows",
    dimensions: &[],
    // No list knows how long a deal stands where it is.
    evidence: None,
    source: Source::Code(|cx, own, asked, _| rotting(cx, own, asked).boxed()),
    ..OPEN
};

const DIMENSIONS: &[Dimension] = &[
    Dimension::of::<Member>("owner"),
    Dimension::of::<Pipeline>("pipeline"),
    Dimension::of::<Stage>("stage"),
];

const OPEN_ROWS: Rows = Rows {
    table: Deal::TABLE,
    // Named by their pipelines, because the index from which they are summed up begins with these.
    only: |statement, cx, _| {
        statement
            .sql(" AND status = 'open' AND pipeline IN (SELECT id FROM pipeline WHERE workspace = ")
            .value(cx.workspace().id)
            .sql(")")
    },
    owner: "owner",
    amount: Some("amount"),
    percent: None,
};

const fn listed(arguments: &'static [(&'static str, &'static str)]) -> Evidence {
    Evidence {
        tool: "list_deals",
        arguments,
        period: None,
        owner: "owner",
    }
}

/// Open deals that stand in their stage for longer than it allows.
async fn rotting(cx: &mut Cx, own: &Measure, asked: &Question) -> Result<Vec<Group>> {
    let stages = sql("SELECT id, rotting_days FROM stage WHERE archived_at IS NULL AND rotting_days IS NOT NULL AND workspace = ")
        .value(cx.workspace().id)
        .rows(cx.tx())
        .await?;
    let mut count = 0;
    for stage in stages {
        let since = cx.now() - chrono::Duration::days(stage.get("rotting_days")?);
        let rows = OPEN_ROWS.conditions(sql("SELECT COUNT(*) AS count"), cx, own, asked)?;
        count += rows
            .sql(" AND stage = ")
            .value(stage.get::<Id<Stage>>("id")?)
            .sql(" AND stage_since < ")
            .value(since)
            .one::<i64>("count", cx.tx())
            .await?;
    }
    Ok(vec![Group {
        key: Vec::new(),
        figure: Figure::Count(count),
    }])
}
