//! `list_payments`

use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::READ_INVOICES;
use crate::invoice::Invoice;
use crate::payment::Payment;

/// Which payments to list.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ListPayments {
    invoice: Option<Id<Invoice>>,
    #[serde(flatten)]
    listing: Listing<Payment>,
}

impl Listed for Payment {
    const QUERY: Option<&'static str> = Some("Part of reference or note");
    const SORT: &'static str = "Default newest first";
    const USUAL: &'static str = "-paid_on";
    const ORDERS: &'static [Order] = &[Order::CREATED];
}

impl Tool for ListPayments {
    const SPEC: Spec = Spec::reads("list_payments", READ_INVOICES)
        .title("List payments")
        .about("List payments in and out by day, way, amount, invoice or reference.")
        .awaits(Awaits::Index);
    const EXAMPLES: &'static [Example] = &[Example {
        title: "What came in on that invoice?",
        before: &[
            Step {
                tool: "create_company",
                arguments: r#"{"name": "Acme Received"}"#,
                keep: &[("acme", "/data/id")],
            },
            Step {
                tool: "create_invoice",
                arguments: r#"{"company": "{acme}", "currency": "EUR", "lines": [{"description": "Workshop", "unit_price": "1000", "tax_rate": "19"}]}"#,
                keep: &[("invoice", "/data/id")],
            },
            Step {
                tool: "issue_invoice",
                arguments: r#"{"invoice": "{invoice}", "confirm": true}"#,
                keep: &[],
            },
            Step {
                tool: "record_payment",
                arguments: r#"{"invoice": "{invoice}", "amount": "500", "reference": "TX-1"}"#,
                keep: &[("payment", "/data/id")],
            },
        ],
        arguments: r#"{"invoice": "{invoice}", "direction": "in"}"#,
        expect: &[
            ("/data/0/id", r#""{payment}""#),
            ("/data/0/amount", r#""500.00""#),
            ("/data/0/paid_for/0/customer", r#""Acme Received""#),
        ],
    }];
    type Output = Vec<Row<Payment>>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<Row<Payment>>> {
        let invoice = self.invoice.map(|invoice| invoice.to_string());
        let rows = self.listing.rows(cx, |list| list.term("invoice", invoice));
        rows.await
    }
}
