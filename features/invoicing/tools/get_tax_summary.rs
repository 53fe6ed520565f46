//! `get_tax_summary`

use bureau_kernel::prelude::*;
use chrono::{Datelike as _, Months, NaiveDate};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::READ_INVOICES;
use crate::tax_report::{TaxReport, tax_report};

/// Of which days.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetTaxSummary {
    /// First day. Default: of this quarter
    since: Option<When>,
    /// Last day. Default: three months of since
    until: Option<When>,
}

impl Tool for GetTaxSummary {
    const SPEC: Spec = Spec::reads("get_tax_summary", READ_INVOICES)
        .title("Get tax summary")
        .about("VAT of a period by category and rate: on sales, on expenses, and what is due.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "How much VAT for the first quarter of 2020?",
            before: &[],
            arguments: r#"{"since": "2020-01-01", "until": "2020-03-31"}"#,
            expect: &[
                ("/data/until", r#""2020-03-31""#),
                ("/data/to_pay", r#""0.00""#),
            ],
        },
        Example {
            title: "How much VAT in the three months from May 2020?",
            before: &[],
            arguments: r#"{"since": "2020-05-01"}"#,
            expect: &[("/data/until", r#""2020-07-31""#)],
        },
    ];
    type Output = TaxReport;

    async fn call(self, cx: &mut Cx) -> Result<TaxReport> {
        let (since, until) = cx.dates(
            ("since", self.since.as_ref()),
            ("until", self.until.as_ref()),
        )?;
        let since = match (since, until) {
            (Some(since), _) => since,
            (None, Some(until)) => quarter(until),
            (None, None) => quarter(cx.today()),
        };
        let last = since.checked_add_months(Months::new(3));
        let last = last.and_then(|next| next.pred_opt()).unwrap_or(since);
        tax_report(cx, since, until.unwrap_or(last)).await
    }
}

/// The first day of the quarter of a day.
fn quarter(day: NaiveDate) -> NaiveDate {
    let month = day.month0() / 3 * 3 + 1;
    NaiveDate::from_ymd_opt(day.year(), month, 1).unwrap_or(day)
}
