//! `convert_quotation`

use bureau_invoicing::{CREATE_INVOICES, InvoiceView, view};
use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::conversion::draft;
use crate::quotation::Quotation;

/// Which quotation to convert.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ConvertQuotation {
    /// An accepted one
    quotation: Id<Quotation>,
}

impl Tool for ConvertQuotation {
    // What it adds is an invoice.
    const SPEC: Spec = Spec::adds("convert_quotation", CREATE_INVOICES)
        .title("Convert quotation")
        .about("Draft the invoice for an accepted quotation, with all its lines; once.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Invoice what Acme accepted",
        before: &[
            Step {
                tool: "create_company",
                arguments: r#"{"name": "Acme Converted"}"#,
                keep: &[("acme", "/data/id")],
            },
            Step {
                tool: "create_quotation",
                arguments: r#"{"title": "Garden", "company": "{acme}", "currency": "EUR", "lines": [{"description": "Hedge", "quantity": "3", "unit_price": "33.33", "tax_rate": "19"}], "charge": "15.00"}"#,
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
        arguments: r#"{"quotation": "{offer}"}"#,
        expect: &[
            ("/data/status", r#""draft""#),
            ("/data/quotation/id", r#""{offer}""#),
            ("/data/charge", r#""15.00""#),
            ("/data/gross_total", r#""136.84""#),
        ],
    }];
    type Output = InvoiceView;

    async fn call(self, cx: &mut Cx) -> Result<InvoiceView> {
        let invoice = draft(cx, self.quotation).await?;
        let saved = cx.insert(invoice, Attributes::new()).await?;
        view(cx, saved).await
    }
}
