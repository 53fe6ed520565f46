//! `get_expense_summary`

use bureau_invoicing::EXPENSES;
use bureau_kernel::prelude::*;
use bureau_kernel::types::period::DateRange;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::asking::{Scope, dimensions};
use crate::names::{Choice, also, choice};
use crate::report::Report;

/// Of which days, and taken apart by what.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetExpenseSummary {
    /// Default year to date
    period: Option<DateRange>,
    /// Default category; vendor, owner, month
    group_by: Option<Vec<ShortText<60>>>,
    owner: Option<Id<Member>>,
}

const BY: &[Choice] = &[
    also("category", &["categories", "type", "kind"]),
    also("vendor", &["supplier", "merchant", "payee"]),
    also("company", &["companies"]),
    also("owner", &["member", "employee", "person", "user", "who"]),
    also("status", &["statuses"]),
    also("currency", &["currencies"]),
    choice("week"),
    also("month", &["period", "monthly"]),
    also("quarter", &["quarterly"]),
    also("year", &["yearly"]),
];

impl Tool for GetExpenseSummary {
    const SPEC: Spec = Spec::reads("get_expense_summary", EXPENSES.read)
        .title("Get expense summary")
        .about("Expenses of a period summed up by category, vendor, person or month.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "What did we spend in March 2024, on what and with whom?",
        before: &[
            Step {
                tool: "create_expense",
                arguments: r#"{"description": "Train", "category": "Travel", "amount": "88", "currency": "EUR", "spent_on": "2024-03-10", "vendor": "DB"}"#,
                keep: &[],
            },
            Step {
                tool: "create_expense",
                arguments: r#"{"description": "Hotel", "category": "travel", "amount": "120.50", "currency": "EUR", "spent_on": "2024-03-11"}"#,
                keep: &[],
            },
        ],
        arguments: r#"{"period": "March 2024", "group_by": ["category", "vendor"]}"#,
        expect: &[
            ("/data/from", r#""2024-03-01""#),
            ("/data/figures/0/measure", r#""invoicing.expenses@1""#),
            ("/data/figures/0/n", "2"),
            ("/data/figures/0/values/0/amount", r#""208.50""#),
            (
                "/data/figures/0/groups/0/key",
                r#"{"category": "travel", "vendor": "(none)"}"#,
            ),
            ("/data/figures/0/groups/1/values/0/amount", r#""88.00""#),
        ],
    }];
    type Output = Report;

    async fn call(self, cx: &mut Cx) -> Result<Report> {
        let by = dimensions(self.group_by.as_deref(), BY)?;
        Scope {
            period: self.period.as_ref(),
            usual: "year to date",
            owner: self.owner,
        }
        .report(
            cx,
            vec!["invoicing.expenses"],
            true,
            by.unwrap_or_else(|| vec!["category"]),
        )
        .await
    }
}
