//! What recruiting can be asked for in figures. Applications are counted, each where it stands now; whose they are is who referred them.

use std::collections::BTreeMap;

use bureau_kernel::figures::Spans;
use bureau_kernel::measures::{
    Dimension, Evidence, Figure, Group, Measure, Period, Question, Rows, Source, Unit,
};
use bureau_kernel::prelude::*;
use bureau_kernel::store::{Sql, sql};
use chrono::NaiveDate;
use futures::FutureExt as _;

use crate::application::Application;
use crate::openings::Opening;
use crate::stages::JobStage;
use crate::vacancy::Vacancy;

/// All of them.
pub(crate) const ALL: &[&Measure] = &[
    &APPLICATIONS,
    &HIRES,
    &IN_PROGRESS,
    &REJECTIONS,
    &TIME_TO_FILL,
    &TIME_TO_HIRE,
    &WITHDRAWALS,
];

/// Who applied.
pub(crate) const APPLICATIONS: Measure = Measure {
    id: "recruiting.applications",
    version: 1,
    unit: Unit::Count,
    basis: "Applications of the period, whatever became of them",
    period: Period::Day("applied_on"),
    dimensions: &[
        Dimension::of::<Vacancy>("job"),
        Dimension::of::<JobStage>("stage"),
        Dimension::of::<Member>("referrer"),
        Dimension::word("status"),
        Dimension::word("source"),
    ],
    evidence: Some(listed(&[]).within("applied_after", "applied_before")),
    source: Source::Rows(EVERY),
};

/// Of whom nothing is decided.
pub(crate) const IN_PROGRESS: Measure = Measure {
    id: "recruiting.in_progress",
    basis: "Applications of which nothing is decided, or the candidate has an offer",
    period: Period::Now,
    dimensions: BY_PLACE,
    evidence: Some(listed(&[("status", "in_progress"), ("status", "offer")])),
    source: Source::Rows(Rows {
        only: |statement, _, _| statement.sql(" AND status IN ('in_progress', 'offer')"),
        ..EVERY
    }),
    ..APPLICATIONS
};

/// Who will work here.
pub(crate) const HIRES: Measure = Measure {
    id: "recruiting.hires",
    basis: "Applications whose candidates agreed in the period to work here",
    period: Period::Day("closed_on"),
    dimensions: BY_PLACE,
    evidence: Some(listed(&[("status", "hired")]).within("closed_after", "closed_before")),
    source: Source::Rows(HIRED),
    ..APPLICATIONS
};

/// Whom the firm turned down.
pub(crate) const REJECTIONS: Measure = left(
    "recruiting.rejections",
    "Applications that the firm rejected in the period",
    &[("status", "rejected")],
    |statement, _, _| statement.sql(" AND status = 'rejected'"),
);

/// Who turned the firm down.
pub(crate) const WITHDRAWALS: Measure = left(
    "recruiting.withdrawals",
    "Applications that candidates withdrew in the period",
    &[("status", "withdrawn")],
    |statement, _, _| statement.sql(" AND status = 'withdrawn'"),
);

/// How long a candidate waited.
pub(crate) const TIME_TO_HIRE: Measure = Measure {
    id: "recruiting.time_to_hire",
    unit: Unit::Days,
    basis: "Days from applying to accepting, of those who accepted in the period",
    source: Source::Code(|cx, own, asked, _| time_to_hire(cx, own, asked).boxed()),
    ..HIRES
};

/// How long the firm sought.
pub(crate) const TIME_TO_FILL: Measure = Measure {
    id: "recruiting.time_to_fill",
    unit: Unit::Days,
    basis: "Days from opening to accepting, of the openings of those who accepted in the period",
    source: Source::Code(|cx, own, asked, _| time_to_fill(cx, own, asked).boxed()),
    ..HIRES
};

/// What has one status has no use for it as a dimension.
const BY_PLACE: &[Dimension] = &[
    Dimension::of::<Vacancy>("job"),
    Dimension::of::<JobStage>("stage"),
    Dimension::of::<Member>("referrer"),
    Dimension::word("source"),
];

const EVERY: Rows = Rows::all::<Application>("referrer");

const HIRED: Rows = Rows {
    only: |statement, _, _| statement.sql(" AND status = 'hired'"),
    ..EVERY
};

const fn listed(arguments: &'static [(&'static str, &'static str)]) -> Evidence {
    Evidence::listed("list_applications", arguments, "referrer")
}

/// Those that ended in the period without a hire.
const fn left(
    id: &'static str,
    basis: &'static str,
    statuses: &'static [(&'static str, &'static str)],
    only: fn(Sql, &Cx, &Question) -> Sql,
) -> Measure {
    Measure {
        id,
        basis,
        period: Period::Day("closed_on"),
        dimensions: BY_PLACE,
        evidence: Some(listed(statuses).within("closed_after", "closed_before")),
        source: Source::Rows(Rows { only, ..EVERY }),
        ..APPLICATIONS
    }
}

async fn time_to_hire(cx: &mut Cx, own: &Measure, asked: &Question) -> Result<Vec<Group>> {
    took(cx, own, asked, |row| row.get("applied_on")).await
}

async fn time_to_fill(cx: &mut Cx, own: &Measure, asked: &Question) -> Result<Vec<Group>> {
    let rows = sql("SELECT application, opened_on")
        .from_live::<Opening>(cx)
        .sql(" AND application IS NOT NULL")
        .rows(cx.tx())
        .await?;
    let opened = rows.iter();
    let opened = opened.map(|row| Ok((row.get("application")?, row.get("opened_on")?)));
    let opened: BTreeMap<i64, NaiveDate> = opened.collect::<Result<_>>()?;
    let opened_on = |row: &bureau_kernel::store::Row| {
        let opened = opened.get(&row.get("id")?).copied();
        // One that was opened afterwards was filled at once.
        let accepted: NaiveDate = row.get("accepted_on")?;
        Ok(opened.map(|opened| opened.min(accepted)))
    };
    took(cx, own, asked, opened_on).await
}

/// How many days it took from a day until the candidates accepted.
async fn took(
    cx: &mut Cx,
    own: &Measure,
    asked: &Question,
    began: impl Fn(&bureau_kernel::store::Row) -> Result<Option<NaiveDate>> + Send,
) -> Result<Vec<Group>> {
    let by = own.by(asked)?;
    let mut statement = sql("SELECT id, applied_on, accepted_on");
    for dimension in &by {
        statement = statement.sql(", ").sql(dimension.name());
    }
    let rows = HIRED.conditions(statement, cx, own, asked)?;
    let mut found: BTreeMap<Vec<Option<String>>, Spans> = BTreeMap::new();
    if by.is_empty() {
        found.insert(Vec::new(), Spans::default());
    }
    for row in rows.rows(cx.tx()).await? {
        let key = by.iter().map(|dimension| dimension.key(&row));
        let days = found.entry(key.collect::<Result<_>>()?).or_default();
        let accepted: NaiveDate = row.get("accepted_on")?;
        if let Some(began) = began(&row)? {
            days.add((accepted - began).num_days());
        }
    }
    let groups = found.into_iter();
    let groups = groups.map(|(key, days)| Group {
        key,
        figure: Figure::Days(days),
    });
    Ok(groups.collect())
}
