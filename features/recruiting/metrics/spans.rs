//! How long it took from a day to another: medians, means and of how many.

use bureau_kernel::figures::Spans;
use bureau_kernel::prelude::*;
use bureau_kernel::store::{Sql, sql};
use chrono::NaiveDate;

use super::{OfferFigures, Scope, Span, rate};
use crate::application::Application;
use crate::offer::{Offer, OfferStatus};
use crate::openings::Opening;

impl Span {
    /// As these days are answered.
    pub(super) fn of(days: &Spans) -> Self {
        Self {
            n: days.count(),
            median: days.median(),
            mean: days.mean(),
        }
    }
}

impl Scope {
    /// Appends that a row is of one of the jobs, and its day within the period.
    pub(super) fn push(&self, statement: Sql, day: &'static str) -> Sql {
        let statement = self.push_period(statement, day);
        match &self.jobs {
            Some(jobs) => statement.sql(" AND job IN ").ids(jobs),
            None => statement,
        }
    }

    fn push_period(&self, mut statement: Sql, day: &'static str) -> Sql {
        for (compares, bound) in [(" >= ", self.after), (" <= ", self.before)] {
            if let Some(bound) = bound {
                let before = statement.sql(" AND ").sql(day).sql(compares);
                statement = before.value(bound);
            }
        }
        statement
    }
}

/// Days from applying to accepting.
pub(super) async fn time_to_hire(cx: &mut Cx, scope: &Scope) -> Result<Span> {
    let statement = sql("SELECT applied_on AS began, accepted_on AS ended, COUNT(*) AS count")
        .from_live::<Application>(cx)
        .sql(" AND accepted_on IS NOT NULL");
    let statement = scope.push(statement, "accepted_on");
    span(cx, statement.sql(" GROUP BY applied_on, accepted_on")).await
}

/// Days from opening to accepting.
pub(super) async fn time_to_fill(cx: &mut Cx, scope: &Scope) -> Result<Span> {
    let statement = sql("SELECT opened_on AS began, filled_on AS ended, COUNT(*) AS count")
        .from_live::<Opening>(cx)
        .sql(" AND filled_on IS NOT NULL");
    let statement = scope.push(statement, "filled_on");
    span(cx, statement.sql(" GROUP BY opened_on, filled_on")).await
}

async fn span(cx: &mut Cx, statement: Sql) -> Result<Span> {
    let mut days = Spans::default();
    for row in statement.rows(cx.tx()).await? {
        let (began, ended): (NaiveDate, NaiveDate) = (row.get("began")?, row.get("ended")?);
        for _ in 0..row.get::<i64>("count")? {
            days.add((ended - began).num_days());
        }
    }
    Ok(Span::of(&days))
}

/// What candidates said to offers.
pub(super) async fn offers(cx: &mut Cx, scope: &Scope) -> Result<OfferFigures> {
    let statement = sql("SELECT status, COUNT(*) AS count")
        .from_live::<Offer>(cx)
        .sql(" AND decided_on IS NOT NULL");
    let mut statement = scope.push_period(statement, "decided_on");
    if let Some(jobs) = &scope.jobs {
        statement = statement
            .sql(" AND application IN (SELECT id")
            .from_live::<Application>(cx)
            .sql(" AND job IN ")
            .ids(jobs)
            .sql(")");
    }
    let mut figures = OfferFigures::default();
    let statement = statement.sql(" GROUP BY status");
    for row in statement.rows(cx.tx()).await? {
        let count = row.get("count")?;
        match row.get("status")? {
            OfferStatus::Accepted => figures.accepted = count,
            OfferStatus::Declined => figures.declined = count,
            OfferStatus::Draft | OfferStatus::Approved | OfferStatus::Sent => {}
        }
    }
    figures.acceptance_rate = rate(figures.accepted, figures.accepted + figures.declined);
    Ok(figures)
}
