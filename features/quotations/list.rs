//! `list_quotations`

use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::QUOTATIONS;
use crate::quotation::{Quotation, QuotationStatus};

/// Which quotations to list.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ListQuotations {
    status: Option<Vec<QuotationStatus>>,
    /// Whether it has an invoice
    converted: Option<bool>,
    #[serde(flatten)]
    listing: Listing<Quotation>,
}

impl Listed for Quotation {
    const QUERY: Option<&'static str> = Some("Part of number, title, customer, line");
    const SORT: &'static str = "Default newest first";
    const USUAL: &'static str = "-created_at";
    const ORDERS: &'static [Order] = &[Order::CREATED];
}

impl Tool for ListQuotations {
    const SPEC: Spec = Spec::reads("list_quotations", QUOTATIONS.read)
        .title("List quotations")
        .about("List quotations by status, customer, deal and dates, or search them.")
        .awaits(Awaits::Index);
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "What have we drafted for Acme?",
            before: &[
                Step {
                    tool: "create_company",
                    arguments: r#"{"name": "Acme Lists"}"#,
                    keep: &[("acme", "/data/id")],
                },
                Step {
                    tool: "create_quotation",
                    arguments: r#"{"title": "Audit", "company": "{acme}", "lines": [{"description": "Audit", "unit_price": "500", "tax_rate": "20"}]}"#,
                    keep: &[("offer", "/data/id")],
                },
            ],
            arguments: r#"{"company": "{acme}", "status": "draft"}"#,
            expect: &[
                ("/data/0/id", r#""{offer}""#),
                ("/data/0/gross_total", r#""600.00""#),
            ],
        },
        Example {
            title: "Which accepted quotations have we not invoiced yet?",
            before: &[],
            arguments: r#"{"company": "{acme}", "status": "accepted", "converted": false}"#,
            expect: &[("/data", "[]")],
        },
    ];
    type Output = Vec<Row<Quotation>>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<Row<Quotation>>> {
        let today = cx.today();
        let yesterday = today.pred_opt().unwrap_or(today);
        let asked = self.status.filter(|asked| !asked.is_empty());
        // Where one stands follows from its day, not from whether it was noted yet that it expired.
        let parts = asked.map(|asked| {
            let parts = asked.into_iter().flat_map(|status| match status {
                QuotationStatus::Sent => vec![(status, Some(today), None)],
                QuotationStatus::Expired => vec![
                    (status, None, None),
                    (QuotationStatus::Sent, None, Some(yesterday)),
                ],
                _ => vec![(status, None, None)],
            });
            parts.collect()
        });
        let open = self.converted.map(|converted| !converted);
        let rows = self.listing.rows(cx, |list| {
            list.within("status", "sort_valid", parts)
                .is_empty("converted_at", open)
        });
        rows.await
    }
}
