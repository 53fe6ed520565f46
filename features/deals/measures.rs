//! What deals can be asked for in figures.

use std::collections::BTreeMap;

use bureau_companies::Company;
use bureau_kernel::figures::Spans;
use bureau_kernel::measures::{
    Dimension, Evidence, Figure, Group, Measure, Percent, Period, Question, Rows, Source, Unit,
};
use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use bureau_kernel::store::{Sql, sql};
use bureau_kernel::types::id::Entity as _;
use bureau_kernel::types::time::Timestamp;
use chrono::NaiveDate;
use futures::FutureExt as _;

use crate::deal::Deal;
use crate::stages::{Pipeline, Stage};

/// All of them.
pub(crate) const ALL: &[&Measure] = &[
    &CLOSED,
    &LOST,
    &OPEN,
    &OPEN_WEIGHTED,
    &PAST_EXPECTED_CLOSE,
    &ROTTING,
    &SALES_CYCLE,
    &WIN_RATE,
    &WON,
];

/// What may still come about.
pub(crate) const OPEN: Measure = Measure {
    id: "deals.open",
    version: 1,
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
        percent: Some(PROBABILITY),
        ..OPEN_ROWS
    }),
    ..OPEN
};

/// What came about.
pub(crate) const WON: Measure = closed(
    "deals.won",
    "Deals that were won in the period, by their amount",
    &[("status", "won")],
    |statement, _, _| statement.sql(" AND status = 'won'"),
);

/// What did not.
pub(crate) const LOST: Measure = closed(
    "deals.lost",
    "Deals that were lost in the period, by their amount",
    &[("status", "lost")],
    |statement, _, _| statement.sql(" AND status = 'lost'"),
);

/// What was decided.
pub(crate) const CLOSED: Measure = closed(
    "deals.closed",
    "Deals that were won or lost in the period, by their amount",
    &[("status", "won"), ("status", "lost")],
    |statement, _, _| statement.sql(" AND status IN ('won', 'lost')"),
);

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

/// How long it takes.
pub(crate) const SALES_CYCLE: Measure = Measure {
    id: "deals.sales_cycle",
    unit: Unit::Days,
    basis: "Days from adding to winning, of deals that were won in the period; without those that were won before they were added",
    evidence: None,
    source: Source::Code(|cx, own, asked, _| sales_cycle(cx, own, asked).boxed()),
    ..WON
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
    evidence: Some(listed(&[("rotting", "true")])),
    source: Source::Code(|cx, own, asked, _| rotting(cx, own, asked).boxed()),
    ..OPEN
};

const DIMENSIONS: &[Dimension] = &[
    Dimension::of::<Member>("owner"),
    Dimension::of::<Pipeline>("pipeline"),
    Dimension::of::<Stage>("stage"),
    Dimension::of::<Company>("company"),
    Dimension::word("source").not_listed(),
];

const OPEN_ROWS: Rows = Rows {
    table: Deal::TABLE,
    // Named by their pipelines, because the index from which they are summed up begins with these.
    only: |statement, cx, _| {
        statement
            .sql(" AND status = 'open' AND pipeline IN (SELECT id")
            .from_all::<Pipeline>(cx)
            .sql(")")
    },
    owner: "owner",
    amount: Some("amount"),
    percent: None,
    span: None,
};

const fn listed(arguments: &'static [(&'static str, &'static str)]) -> Evidence {
    Evidence::listed("list_deals", arguments, "owner")
}

/// Those of these statuses that were closed in the period.
const fn closed(
    id: &'static str,
    basis: &'static str,
    statuses: &'static [(&'static str, &'static str)],
    only: fn(Sql, &Cx, &Question) -> Sql,
) -> Measure {
    Measure {
        id,
        basis,
        period: Period::Day("closed_on"),
        evidence: Some(listed(statuses).within("closed_after", "closed_before")),
        source: Source::Rows(Rows { only, ..OPEN_ROWS }),
        ..OPEN
    }
}

/// Days from adding deals to winning them.
async fn sales_cycle(cx: &mut Cx, own: &Measure, asked: &Question) -> Result<Vec<Group>> {
    let by = own.by(asked)?;
    let mut statement = sql("SELECT created_at, closed_on");
    for dimension in &by {
        statement = dimension.value(statement.sql(", "), Deal::TABLE);
    }
    let rows = Rows::all::<Deal>("owner").conditions(statement, cx, own, asked)?;
    let rows = rows.sql(" AND status = 'won'").rows(cx.tx()).await?;
    let zone = cx.workspace().time_zone;
    let mut found: BTreeMap<Vec<Option<String>>, Spans> = BTreeMap::new();
    if by.is_empty() {
        found.insert(Vec::new(), Spans::default());
    }
    for row in rows {
        let added: Timestamp = row.get("created_at")?;
        let closed: NaiveDate = row.get("closed_on")?;
        let days = (closed - added.with_timezone(&zone).date_naive()).num_days();
        // Noted when it was over: nobody knows when it began.
        if days >= 0 {
            let key = by.iter().map(|dimension| dimension.key(&row));
            found
                .entry(key.collect::<Result<_>>()?)
                .or_default()
                .add(days);
        }
    }
    let groups = found.into_iter();
    let group = |(key, spans)| Group {
        key,
        figure: Figure::Days(spans),
    };
    Ok(groups.map(group).collect())
}

/// Open deals that stand in their stage for longer than it allows.
async fn rotting(cx: &mut Cx, own: &Measure, asked: &Question) -> Result<Vec<Group>> {
    let mut count = 0;
    for (stage, since) in rotting_since(cx).await? {
        let rows = OPEN_ROWS.conditions(sql("SELECT COUNT(*) AS count"), cx, own, asked)?;
        count += rows
            .sql(" AND stage = ")
            .value(stage)
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

/// The stages in which deals rot, each with the moment before which those came there that do.
pub(crate) async fn rotting_since(cx: &mut Cx) -> Result<Vec<(Id<Stage>, Timestamp)>> {
    /// More stages than all pipelines have.
    const MOST: u32 = 10_000;
    let now = cx.now();
    let stages = cx.list::<Stage>().is_empty("rotting_days", Some(false));
    let stages = stages.page(Order::CREATED, false, Limit::of(MOST), None);
    let stages = stages.await?.rows.into_iter();
    let since = stages.filter_map(|stage| {
        let days = chrono::Duration::try_days(stage.rotting_days?.get())?;
        Some((stage.id, now - days))
    });
    Ok(since.collect())
}

/// How likely a deal is won: it says so itself, or its stage does.
pub(crate) const PROBABILITY: Percent = Percent {
    own: "probability",
    refers: "stage",
    table: Stage::TABLE,
    usual: "probability",
};
