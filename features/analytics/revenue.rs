//! `get_revenue_metrics`

use bureau_deals::DEALS;
use bureau_invoicing::{READ_INVOICES, recurring_revenue};
use bureau_kernel::figures::percent;
use bureau_kernel::measures::Question;
use bureau_kernel::prelude::*;
use bureau_kernel::rates::Rates;
use bureau_kernel::registry::Registry;
use bureau_kernel::types::money::shown;
use bureau_kernel::types::period::DateRange;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::asking::{Scope, dimensions, rates_of};
use crate::names::{Choice, also, choice};
use crate::report::{Asked, LEAST, Report, TOO_FEW, grain};

/// Of which days, and taken apart by what.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetRevenueMetrics {
    /// Default year to date
    period: Option<DateRange>,
    /// Default month; company, owner, quarter
    group_by: Option<Vec<ShortText<60>>>,
    owner: Option<Id<Member>>,
}

/// What was sold and paid, and what recurs.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RevenueMetrics {
    /// Nothing for a caller who may not read invoices.
    #[serde(skip_serializing_if = "Option::is_none")]
    mrr: Option<Mrr>,
    /// Against the same number of days before.
    #[serde(skip_serializing_if = "Option::is_none")]
    growth: Option<Growth>,
    #[serde(flatten)]
    report: Report,
}

/// What recurs in a month, without tax, in the workspace's currency, at the rates of the last day.
#[derive(Debug, Serialize, JsonSchema)]
struct Mrr {
    measure: String,
    basis: &'static str,
    /// The days from whose eve to whose end it moved.
    from: NaiveDate,
    to: NaiveDate,
    start: String,
    new: String,
    expansion: String,
    contraction: String,
    churn: String,
    /// start + new + expansion - contraction - churn.
    end: String,
    /// Twelve months of it.
    arr: String,
    /// How many customers it was at the start: n of the rates.
    customers_at_start: i64,
    customers_churned: i64,
    customers_at_end: i64,
    /// Percent of the start: with expansion, without new customers.
    #[serde(skip_serializing_if = "Option::is_none")]
    net_retention: Option<String>,
    /// The same without expansion.
    #[serde(skip_serializing_if = "Option::is_none")]
    gross_retention: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
}

/// What was issued, against the time before.
#[derive(Debug, Serialize, JsonSchema)]
struct Growth {
    /// The days before.
    from: NaiveDate,
    to: NaiveDate,
    base_issued: String,
    base_issued_before: String,
    /// More or less than before.
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<String>,
}

const BY: &[Choice] = &[
    also("month", &["period", "monthly"]),
    choice("week"),
    also("quarter", &["quarterly"]),
    also("year", &["yearly"]),
    also("company", &["companies", "customer", "client"]),
    also("owner", &["member", "person", "salesperson", "rep"]),
    also("currency", &["currencies"]),
    also("method", &["payment_method"]),
    choice("source"),
];

impl Tool for GetRevenueMetrics {
    const SPEC: Spec = Spec::reads("get_revenue_metrics", DEALS.read)
        .title("Get revenue metrics")
        .about("Revenue issued, paid and won by month or customer; MRR, churn, retention.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "What did we invoice and win in 2023, by quarter?",
        before: &[Step {
            tool: "create_deal",
            arguments: r#"{"name": "Won long ago", "amount": "700", "currency": "EUR", "status": "won", "closed_on": "2023-05-02"}"#,
            keep: &[],
        }],
        arguments: r#"{"period": "2023", "group_by": "quarter"}"#,
        expect: &[
            ("/data/figures/0/measure", r#""invoicing.issued@1""#),
            ("/data/figures/2/measure", r#""deals.won@1""#),
            ("/data/figures/2/base_amount", r#""700.00""#),
            ("/data/figures/2/groups/1/key/quarter", r#""2023-Q2""#),
            ("/data/figures/2/groups/1/base_amount", r#""700.00""#),
            ("/data/mrr/start", r#""0.00""#),
        ],
    }];
    type Output = RevenueMetrics;

    async fn call(self, cx: &mut Cx) -> Result<RevenueMetrics> {
        let by = dimensions(self.group_by.as_deref(), BY)?;
        let scope = Scope {
            period: self.period.as_ref(),
            usual: "year to date",
            owner: self.owner,
        };
        let bounds = scope.bounds(cx).await?;
        let mut rates = rates_of(cx, (None, bounds.1)).await?;
        let may_invoices = cx.caller().may(READ_INVOICES);
        let mut measures = Vec::new();
        if may_invoices {
            measures.extend(["invoicing.issued", "invoicing.paid"]);
        } else {
            cx.notice(Notice::warning(
                "What was issued and paid, and what recurs, takes the permission read_invoices: only won deals are shown.",
            ));
        }
        measures.push("deals.won");
        let by = by.unwrap_or_else(|| match bounds.0 {
            Some(_) => vec!["month"],
            None => Vec::new(),
        });
        let is_in_time = by.iter().any(|name| grain(name).is_some());
        let asked = Asked {
            measures,
            are_named: false,
            by,
            bounds,
            owner: self.owner,
            filters: Vec::new(),
        };
        let mut report = Report::of(cx, &asked, &mut rates).await?;
        let today = cx.today();
        let passed = bounds.0.filter(|from| *from <= today);
        let passed = passed.map(|from| (from, bounds.1.unwrap_or(today).min(today)));
        let (mut mrr, mut growth) = (None, None);
        if let Some((from, to)) = passed.filter(|_| may_invoices && self.owner.is_none()) {
            mrr = Some(self::mrr(cx, (from, to), &mut rates).await?);
            if is_in_time {
                growth = self::growth(cx, (from, to), &mut rates).await?;
            }
        }
        report.rates = cx.rates_used(&rates);
        report.without_rate = rates.missing();
        Ok(RevenueMetrics {
            mrr,
            growth,
            report,
        })
    }
}

async fn mrr(cx: &mut Cx, (from, to): (NaiveDate, NaiveDate), rates: &mut Rates) -> Result<Mrr> {
    let found = recurring_revenue(cx, (from, to), rates).await?;
    let base = rates.base();
    let is_enough = found.customers_at_start >= LEAST;
    let measure = Registry::of(cx)?.measure("invoicing.mrr")?;
    let retention = |left: Decimal| percent(left, found.start).filter(|_| is_enough);
    Ok(Mrr {
        measure: measure.called(),
        basis: measure.basis,
        from,
        to,
        start: shown(found.start, base),
        new: shown(found.new, base),
        expansion: shown(found.expansion, base),
        contraction: shown(found.contraction, base),
        churn: shown(found.churn, base),
        end: shown(found.end, base),
        arr: shown(found.end * Decimal::from(12), base),
        customers_at_start: found.customers_at_start,
        customers_churned: found.customers_churned,
        customers_at_end: found.customers_at_end,
        net_retention: retention(found.retained_net()),
        gross_retention: retention(found.retained_gross()),
        why: (!is_enough).then_some(TOO_FEW),
    })
}

/// What was issued against as many days before.
async fn growth(
    cx: &mut Cx,
    (from, to): (NaiveDate, NaiveDate),
    rates: &mut Rates,
) -> Result<Option<Growth>> {
    let last = from.pred_opt();
    let first = from.checked_sub_signed(to - from + chrono::Duration::days(1));
    let (Some(first), Some(last)) = (first, last) else {
        return Ok(None);
    };
    let mut issued = Vec::new();
    for (from, to) in [(from, to), (first, last)] {
        let question = Question {
            from: Some(from),
            to: Some(to),
            ..Question::default()
        };
        let [sum] = cx
            .figure("invoicing.issued", &question, rates)
            .await?
            .money()?
            .base();
        issued.push(sum);
    }
    let [now, before] = issued.try_into().unwrap_or_default();
    let base = rates.base();
    let more: Decimal = now - before;
    Ok(Some(Growth {
        from: first,
        to: last,
        base_issued: shown(now, base),
        base_issued_before: shown(before, base),
        percent: percent(more, before).filter(|_| before > Decimal::ZERO),
    }))
}
