//! What is said of time beside its columns: hours and amounts of an entry, and what many come to.

use std::collections::BTreeMap;

use bureau_kernel::figures::Tally;
use bureau_kernel::prelude::*;
use bureau_kernel::rates::Rate;
use bureau_kernel::store::{self, sql};
use bureau_kernel::types::money::{Amount, Currency, shown};
use bureau_projects::{Project, ProjectFigures};
use chrono::NaiveDate;
use futures::FutureExt as _;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, to_value};

use crate::budget;
use crate::entry::TimeEntry;
use crate::hours::{HOUR, shown_hours, worth};
use crate::rates::Costs;

/// How long an entry took, and what it comes to.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Worked {
    /// How long it took; of a running timer, until now.
    hours: String,
    /// As billed, where that is not the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    billable_hours: Option<String>,
    /// What it is billed at.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<String>,
    /// What it cost the firm, in the workspace's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<String>,
}

impl Presented for TimeEntry {
    type Extra = Worked;
    const ROW: &'static [&'static str] = &[];

    async fn extras(cx: &mut Cx, entries: &[Saved<Self>], _: bool) -> Result<Vec<Worked>> {
        let costs = Costs::of(cx).await?;
        let base = cx.workspace().currency;
        let now = cx.now();
        let worked = entries.iter().map(|entry| {
            let since = entry.started_at.filter(|_| *entry.running);
            let so_far = since.map(|start| (now - start).num_seconds().max(0));
            let seconds = so_far.unwrap_or(*entry.seconds);
            let differs = entry.billable && so_far.is_none() && *entry.billable_seconds != seconds;
            let rate = entry
                .hourly_rate
                .filter(|_| entry.billable && so_far.is_none());
            let amount = rate
                .map(|rate| worth(*entry.billable_seconds, rate))
                .transpose()?;
            let cost = match &costs {
                Some(costs) => costs.of_work(*entry.member, *entry.worked_on, seconds)?,
                None => None,
            };
            Ok(Worked {
                hours: shown_hours(seconds).to_string(),
                billable_hours: differs.then(|| shown_hours(*entry.billable_seconds).to_string()),
                amount: amount.map(|amount| shown(amount, *entry.currency)),
                cost: cost.map(|cost| shown(cost, base)),
            })
        });
        worked.collect()
    }
}

bureau_kernel::figures! {
    /// What time comes to as it is billed.
    pub(crate) struct Amounts() of AmountOf {
        /// What it is billed at.
        amount: base_amount,
    }
}

/// What entries come to, all of them together.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TimeTotals {
    /// How many.
    entries: i64,
    /// Timers that are running among them, which count no hours yet.
    #[serde(skip_serializing_if = "is_zero")]
    running: i64,
    /// How long they took.
    hours: String,
    /// Of them billable, as billed.
    billable_hours: String,
    #[serde(flatten)]
    amounts: Amounts,
    /// Billable hours that have no rate, and so are in no amount.
    #[serde(skip_serializing_if = "Option::is_none")]
    hours_without_rate: Option<String>,
    /// What they cost the firm, in the workspace's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<String>,
    /// The amounts less the cost, in the workspace's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    margin: Option<String>,
    /// Hours of which no cost is known; then there is no margin.
    #[serde(skip_serializing_if = "Option::is_none")]
    hours_without_cost: Option<String>,
    /// The exchange rates behind what is in the workspace's currency.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rates: Vec<Rate>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_zero(count: &i64) -> bool {
    *count == 0
}

/// By what entries are summed up.
pub(crate) const SUMMED_BY: [&str; 5] =
    ["member", "worked_on", "currency", "hourly_rate", "running"];
/// What of them is.
pub(crate) const SUMMED: [&str; 2] = ["seconds", "billable_seconds"];

/// A sum of seconds.
///
/// # Errors
/// As [`store::Row::sum`].
pub(crate) fn seconds(row: &store::Row, column: &str) -> Result<i64> {
    // Sums are read as those of amounts are, which have four digits after the point.
    let sum = row.sum(column)?.checked_mul(Decimal::from(10_000));
    let seconds = sum.and_then(|sum| i64::try_from(sum).ok());
    seconds.ok_or_else(|| Error::internal("a sum of time beyond all bounds"))
}

/// What rows come to that were summed up [so](SUMMED_BY). Seconds of one rate are added before they are multiplied.
///
/// # Errors
/// What the database says.
pub(crate) async fn totals(cx: &mut Cx, rows: &[store::Row]) -> Result<TimeTotals> {
    let costs = Costs::of(cx).await?;
    let (mut entries, mut running, mut all, mut billable) = (0, 0, 0, 0);
    let (mut unpriced, mut uncosted) = (0, 0);
    let mut cost = Decimal::ZERO;
    let mut priced: BTreeMap<(NaiveDate, &'static str, Amount), (Currency, i64, i64)> =
        BTreeMap::new();
    for row in rows {
        let count: i64 = row.get("count")?;
        entries += count;
        if row.get::<bool>("running")? {
            running += count;
            continue;
        }
        let (worked, billed) = (seconds(row, "seconds")?, seconds(row, "billable_seconds")?);
        all += worked;
        billable += billed;
        let day: NaiveDate = row.get("worked_on")?;
        let currency: Currency = row.get("currency")?;
        match row.get::<Option<Amount>>("hourly_rate")? {
            Some(rate) if billed > 0 => {
                let sum = priced.entry((day, currency.code(), rate));
                let (_, of, entries) = sum.or_insert((currency, 0, 0));
                *of += billed;
                *entries += count;
            }
            Some(_) => {}
            None => unpriced += billed,
        }
        if let Some(costs) = &costs {
            match costs.of_work(row.get("member")?, day, worked)? {
                Some(more) => cost += more,
                None => uncosted += worked,
            }
        }
    }
    let first = priced.keys().map(|(day, ..)| *day).min();
    let today = cx.today();
    let mut rates = cx.rates(first, today).await?;
    let mut tally = Tally::<1>::default();
    for ((day, _, rate), (currency, of, entries)) in priced {
        tally.add(rates.worth(currency, day), entries, [worth(of, rate)?])?;
    }
    let base = cx.workspace().currency;
    let is_known = rates.missing().is_empty() && uncosted == 0 && unpriced == 0;
    let used = cx.rates_used(&rates);
    let [amount] = tally.base();
    let hours = |seconds: i64| shown_hours(seconds).to_string();
    let some_hours = |seconds: i64| (seconds > 0).then(|| shown_hours(seconds).to_string());
    let has_costs = costs.is_some();
    Ok(TimeTotals {
        entries,
        running,
        hours: hours(all),
        billable_hours: hours(billable),
        amounts: Amounts::of(&tally, base),
        hours_without_rate: some_hours(unpriced),
        cost: has_costs.then(|| shown(cost, base)),
        margin: (has_costs && is_known).then(|| shown(amount - cost, base)),
        hours_without_cost: some_hours(uncosted),
        rates: used,
    })
}

/// The time that was worked on a project.
#[derive(Debug, Serialize, JsonSchema)]
struct ProjectTime {
    #[serde(flatten)]
    all: TimeTotals,
    /// Billable hours that no invoice has.
    unbilled_hours: String,
    /// What they come to, in the currency of each.
    unbilled: Vec<AmountOf>,
}

/// The time that was worked on a project; none where nobody worked.
///
/// # Errors
/// What the database says.
async fn time_of(cx: &mut Cx, project: Id<Project>) -> Result<Option<ProjectTime>> {
    let all = summed(cx, project, false).await?;
    if all.is_empty() {
        return Ok(None);
    }
    let unbilled = summed(cx, project, true).await?;
    let unbilled = totals(cx, &unbilled).await?;
    Ok(Some(ProjectTime {
        all: totals(cx, &all).await?,
        unbilled_hours: unbilled.billable_hours,
        unbilled: unbilled.amounts.values,
    }))
}

/// What is said of time in the answer about a project.
pub(crate) static FIGURES: ProjectFigures = ProjectFigures {
    show: |cx, project| figures(cx, project).boxed(),
};

async fn figures(cx: &mut Cx, project: Id<Project>) -> Result<Map<String, Value>> {
    let mut figures = Map::new();
    if cx.may::<TimeEntry>(Operation::Read) {
        let time = to_value(time_of(cx, project).await?).map_err(Error::internal)?;
        let budget = to_value(budget::standing(cx, project).await?).map_err(Error::internal)?;
        figures.insert("time".to_owned(), time);
        figures.insert("budget".to_owned(), budget);
    }
    Ok(figures)
}

async fn summed(cx: &mut Cx, project: Id<Project>, unbilled: bool) -> Result<Vec<store::Row>> {
    let mut statement = sql("SELECT COUNT(*) AS count");
    for column in SUMMED_BY {
        statement = statement.sql(", ").sql(column);
    }
    for column in SUMMED {
        statement = statement.sql(", ").sum(column);
    }
    statement = statement
        .from_live::<TimeEntry>(cx)
        .sql(" AND project = ")
        .value(project);
    if unbilled {
        statement = statement.sql(" AND invoice IS NULL");
    }
    let mut before = " GROUP BY ";
    for column in SUMMED_BY {
        statement = statement.sql(before).sql(column);
        before = ", ";
    }
    statement.rows(cx.tx()).await
}

/// An exact amount of seconds at each rate, in whole numbers: what lines and budgets are made of.
pub(crate) fn amount_of(rows: impl IntoIterator<Item = (i64, Amount)>) -> Result<Decimal> {
    let mut units = 0_i128;
    for (seconds, rate) in rows {
        units += i128::from(seconds) * i128::from(rate.raw());
    }
    let sum = Decimal::try_from_i128_with_scale(units, 4);
    let sum = sum.ok().and_then(|sum| sum.checked_div(HOUR.into()));
    sum.ok_or_else(|| Error::internal("an amount beyond all bounds"))
}
