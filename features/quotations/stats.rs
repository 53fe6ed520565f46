//! `get_quotation_stats`

mod figures;
mod tally;

use bureau_companies::Company;
use bureau_contacts::Contact;
use bureau_kernel::prelude::*;
use bureau_kernel::rates::Rate;
use bureau_kernel::types::money::Currency;
use chrono::{Days, NaiveDate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::QUOTATIONS;
use crate::quotation::QuotationStatus;
use figures::{days_to_decide, expiring, groups, top_customers};
use tally::{Outcome, Values};

/// An open quotation whose last day is no further away than this expires soon.
const EXPIRING_DAYS: u64 = 14;
/// So many months are answered, the latest.
const MOST_MONTHS: usize = 24;
/// So many customers are answered, those with the most.
const MOST_CUSTOMERS: usize = 25;

/// Which quotations to count.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetQuotationStats {
    sent_after: Option<When>,
    sent_before: Option<When>,
    owner: Option<Id<Member>>,
    /// Add the top 25 customers
    by_customer: Option<bool>,
}

/// Quotations in figures. Values are without tax.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct QuotationStats {
    /// The day of the figures. What was sent goes by the rate of the day of sending, drafts by that of this day.
    as_of: NaiveDate,
    base_currency: Currency,
    /// With bounds on the day of sending, only what was sent.
    by_status: Vec<StatusFigures>,
    acceptance: Acceptance,
    /// What waits for the customer's word.
    open: Values,
    /// What of it expires within 14 days.
    expiring: Values,
    /// By the month of sending, the latest 24.
    by_period: Vec<PeriodFigures>,
    /// Those with the highest value in the base currency.
    by_customer: Option<Vec<CustomerFigures>>,
    /// The rates behind the figures in the base currency, the newest first.
    rates: Vec<Rate>,
    /// Currencies of which no rate is known for some day: what they held then is not in the figures in the base currency.
    without_rate: Vec<Currency>,
}

/// The quotations that stand alike.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StatusFigures {
    status: QuotationStatus,
    #[serde(flatten)]
    values: Values,
}

/// How often customers say yes: accepted of what was accepted, declined or expired.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Acceptance {
    #[serde(flatten)]
    outcome: Outcome,
    /// Days from sending to the customer's yes or no.
    median_days: Option<String>,
    mean_days: Option<String>,
}

/// What was sent in a month.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PeriodFigures {
    /// Such as 2026-11.
    period: String,
    #[serde(flatten)]
    values: Values,
    #[serde(flatten)]
    outcome: Outcome,
}

/// What was sent to a customer.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CustomerFigures {
    company: Option<Named<Company>>,
    /// Where the customer is a person.
    contact: Option<Named<Contact>>,
    #[serde(flatten)]
    values: Values,
    #[serde(flatten)]
    outcome: Outcome,
}

/// What is counted, with the days resolved.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    today: NaiveDate,
    after: Option<NaiveDate>,
    before: Option<NaiveDate>,
    owner: Option<Id<Member>>,
}

impl Tool for GetQuotationStats {
    const SPEC: Spec = Spec::reads("get_quotation_stats", QUOTATIONS.read)
        .title("Get quotation stats")
        .about("Quotations in figures: by status and month, acceptance, what expires soon.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "How many of our offers are accepted?",
        before: &[
            Step {
                tool: "create_company",
                arguments: r#"{"name": "Acme Figures"}"#,
                keep: &[("acme", "/data/id")],
            },
            Step {
                tool: "create_quotation",
                arguments: r#"{"title": "Counted", "company": "{acme}", "currency": "CHF", "lines": [{"description": "Work", "unit_price": "250.50", "tax_rate": "19"}]}"#,
                keep: &[("offer", "/data/id")],
            },
            Step {
                tool: "send_quotation",
                arguments: r#"{"quotation": "{offer}", "confirm": true}"#,
                keep: &[],
            },
            Step {
                tool: "update_quotation_status",
                arguments: r#"{"quotation": "{offer}", "status": "accepted"}"#,
                keep: &[],
            },
        ],
        arguments: "{}",
        expect: &[
            ("/data/by_status/2/status", r#""accepted""#),
            (
                "/data/by_status/2/values/0",
                r#"{"currency": "CHF", "count": 1, "amount": "250.50"}"#,
            ),
            ("/data/acceptance/rate", r#""100.0""#),
            ("/data/acceptance/median_days", r#""0.0""#),
            ("/data/without_rate/0", r#""CHF""#),
        ],
    }];
    type Output = QuotationStats;

    async fn call(self, cx: &mut Cx) -> Result<QuotationStats> {
        let (after, before) = cx.dates(
            ("sent_after", self.sent_after.as_ref()),
            ("sent_before", self.sent_before.as_ref()),
        )?;
        let bounds = Bounds {
            today: cx.today(),
            after,
            before,
            owner: self.owner,
        };
        let mut rates = cx.rates(after, bounds.today).await?;
        let base = rates.base();
        let groups = groups(cx, &bounds, &mut rates).await?;
        let last = bounds.today.checked_add_days(Days::new(EXPIRING_DAYS));
        let last = last.unwrap_or(bounds.today);
        let expiring = expiring(cx, &bounds, last, &mut rates).await?;
        let days = days_to_decide(cx, &bounds).await?;
        let all = groups.all()?;
        let by_status = tally::STATUSES.map(|status| StatusFigures {
            status,
            values: Values::of(&all.of(status), base),
        });
        let months = groups.months.iter().rev().take(MOST_MONTHS).rev();
        let by_period = months.map(|((year, month), by_status)| {
            Ok(PeriodFigures {
                period: format!("{year}-{month:02}"),
                values: Values::of(&by_status.sent()?, base),
                outcome: by_status.outcome()?,
            })
        });
        let by_period = by_period.collect::<Result<_>>()?;
        let by_customer = match self.by_customer {
            Some(true) => Some(top_customers(cx, &bounds, &mut rates).await?),
            _ => None,
        };
        Ok(QuotationStats {
            as_of: bounds.today,
            base_currency: base,
            by_status: by_status.into(),
            acceptance: Acceptance {
                outcome: all.outcome()?,
                median_days: days.median(),
                mean_days: days.mean(),
            },
            open: Values::of(&all.of(QuotationStatus::Sent), base),
            expiring: Values::of(&expiring, base),
            by_period,
            by_customer,
            rates: cx.rates_used(&rates),
            without_rate: rates.missing(),
        })
    }
}
