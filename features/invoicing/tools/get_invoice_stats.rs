//! `get_invoice_stats`

use bureau_companies::Company;
use bureau_kernel::prelude::*;
use bureau_kernel::types::money::Currency;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::READ_INVOICES;
use crate::stats::{InvoiceFilter, InvoiceStats, invoice_stats};

/// Of which invoices.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetInvoiceStats {
    issued_after: Option<When>,
    issued_before: Option<When>,
    company: Option<Id<Company>>,
    currency: Option<Currency>,
    customers_by: Option<CustomersBy>,
}

/// By what the customers are put in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum CustomersBy {
    Net,
    Balance,
}

impl Tool for GetInvoiceStats {
    const SPEC: Spec = Spec::reads("get_invoice_stats", READ_INVOICES)
        .title("Get invoice stats")
        .about("Invoiced, paid, outstanding, overdue: totals, by status, month, ten customers.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "How much does Acme owe us?",
            before: &[
                Step {
                    tool: "create_company",
                    arguments: r#"{"name": "Acme Counted"}"#,
                    keep: &[("acme", "/data/id")],
                },
                Step {
                    tool: "create_invoice",
                    arguments: r#"{"company": "{acme}", "currency": "CHF", "lines": [{"description": "Workshop", "unit_price": "1000", "tax_rate": "8.1"}]}"#,
                    keep: &[("invoice", "/data/id")],
                },
                Step {
                    tool: "issue_invoice",
                    arguments: r#"{"invoice": "{invoice}", "confirm": true}"#,
                    keep: &[],
                },
                Step {
                    tool: "record_payment",
                    arguments: r#"{"invoice": "{invoice}", "amount": "400"}"#,
                    keep: &[],
                },
            ],
            arguments: r#"{"company": "{acme}"}"#,
            expect: &[
                ("/data/by_status/0/status", r#""partly_paid""#),
                (
                    "/data/totals/values/0",
                    r#"{"currency": "CHF", "net": "1000.00", "gross": "1081.00", "paid": "400.00", "outstanding": "681.00", "overdue": "0.00"}"#,
                ),
                ("/data/by_customer/0/name", r#""Acme Counted""#),
                ("/data/without_rate/0", r#""CHF""#),
            ],
        },
        Example {
            title: "What did we invoice that company before this year?",
            before: &[],
            arguments: r#"{"company": "{acme}", "issued_before": "2020-12-31"}"#,
            expect: &[
                ("/data/by_status", "null"),
                ("/data/totals/base_net", r#""0.00""#),
            ],
        },
    ];
    type Output = InvoiceStats;

    async fn call(self, cx: &mut Cx) -> Result<InvoiceStats> {
        let (after, before) = cx.dates(
            ("issued_after", self.issued_after.as_ref()),
            ("issued_before", self.issued_before.as_ref()),
        )?;
        let among = InvoiceFilter {
            after,
            before,
            company: self.company,
            currency: self.currency,
            by_balance: self.customers_by == Some(CustomersBy::Balance),
        };
        invoice_stats(cx, among).await
    }
}
