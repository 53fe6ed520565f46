//! `list_invoices`

use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::READ_INVOICES;
use crate::invoice::{Invoice, InvoiceStatus};
use crate::view::DisplayStatus;

/// Which invoices to list.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ListInvoices {
    status: Option<DisplayStatus>,
    #[serde(flatten)]
    listing: Listing<Invoice>,
}

impl Listed for Invoice {
    const QUERY: Option<&'static str> = Some("Part of number, customer, line");
    const SORT: &'static str = "Default newest first";
    const USUAL: &'static str = "-created_at";
    const ORDERS: &'static [Order] = &[Order::CREATED];
}

impl Tool for ListInvoices {
    const SPEC: Spec = Spec::reads("list_invoices", READ_INVOICES)
        .title("List invoices")
        .about("List invoices and credit notes by status, customer, dates and amount.")
        .awaits(Awaits::Index);
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "What are the drafts for Acme?",
            before: &[
                Step {
                    tool: "create_company",
                    arguments: r#"{"name": "Acme Listed"}"#,
                    keep: &[("acme", "/data/id")],
                },
                Step {
                    tool: "create_invoice",
                    arguments: r#"{"company": "{acme}", "lines": [{"description": "Audit", "unit_price": "500", "tax_rate": "20"}]}"#,
                    keep: &[("draft", "/data/id")],
                },
            ],
            arguments: r#"{"company": "{acme}", "status": "draft"}"#,
            expect: &[
                ("/data/0/id", r#""{draft}""#),
                ("/data/0/gross_total", r#""600.00""#),
            ],
        },
        Example {
            title: "What are my overdue invoices?",
            before: &[],
            arguments: r#"{"status": "overdue", "sort": "due_date"}"#,
            expect: &[("/data", "[]")],
        },
    ];
    type Output = Vec<Row<Invoice>>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<Row<Invoice>>> {
        let today = cx.today();
        let yesterday = today.pred_opt().unwrap_or(today);
        // One that is overdue is listed as such only.
        let (status, first_due, last_due) = match self.status {
            None => (None, None, None),
            Some(DisplayStatus::Overdue) => (None, None, Some(yesterday)),
            Some(DisplayStatus::Issued) => (Some(InvoiceStatus::Issued), Some(today), None),
            Some(DisplayStatus::PartlyPaid) => (Some(InvoiceStatus::PartlyPaid), Some(today), None),
            Some(DisplayStatus::Draft) => (Some(InvoiceStatus::Draft), None, None),
            Some(DisplayStatus::Paid) => (Some(InvoiceStatus::Paid), None, None),
            Some(DisplayStatus::Credited) => (Some(InvoiceStatus::Credited), None, None),
        };
        let rows = self.listing.rows(cx, |list| {
            list.same("status", status)
                .from("sort_due", first_due)
                .to("sort_due", last_due)
        });
        rows.await
    }
}
