//! `create_invoice`

use bureau_billing::{LineGiven, compare};
use bureau_kernel::prelude::*;
use bureau_kernel::types::money::Amount;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::CREATE_INVOICES;
use crate::draft::{from_plan, shape};
use crate::invoice::Invoice;
use crate::recurring::RecurringInvoice;
use crate::source::{Quotation, draft_from};
use crate::view::{InvoiceView, view};

/// A new draft.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct CreateInvoice {
    lines: Option<Vec<LineGiven>>,
    /// Accepted quotation to take over
    quotation: Option<Id<Quotation>>,
    /// Plan to copy from
    recurring: Option<Id<RecurringInvoice>>,
    /// Your gross total, to compare
    total: Option<Amount>,
    #[serde(flatten)]
    fields: Patch<Invoice>,
}

impl Tool for CreateInvoice {
    const SPEC: Spec = Spec::adds("create_invoice", CREATE_INVOICES)
        .title("Create invoice")
        .about("Draft an invoice from lines, products, a quotation or a recurring plan.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Invoice Acme for ten hours of consulting and a licence",
            before: &[Step {
                tool: "create_company",
                arguments: r#"{"name": "Acme Billing", "street": "1 Main St", "city": "Berlin", "country": "DE"}"#,
                keep: &[("acme", "/data/id")],
            }],
            arguments: r#"{"company": "{acme}", "lines": [{"description": "Consulting", "quantity": "10", "unit": "hour", "unit_price": "120", "discount": "10%", "tax_rate": "19"}, {"description": "Licence", "unit_price": "49.99", "tax_rate": "7"}], "currency": "EUR"}"#,
            expect: &[
                ("/data/status", r#""draft""#),
                ("/data/number", "null"),
                ("/data/lines/0/net_total", r#""1080.00""#),
                ("/data/net_total", r#""1129.99""#),
                (
                    "/data/tax_summary/1",
                    r#"{"category": "S", "rate": "7", "taxable": "49.99", "tax": "3.50"}"#,
                ),
                ("/data/tax_total", r#""208.70""#),
                ("/data/gross_total", r#""1338.69""#),
                ("/data/balance_due", r#""0.00""#),
            ],
        },
        Example {
            title: "A supply to another member state, free of tax",
            before: &[],
            arguments: r#"{"company": "{acme}", "lines": [{"description": "Machine", "unit_price": "9000", "tax_category": "intra-community"}], "delivered_on": "2026-11-02", "terms": "net 14", "total": "9000.00"}"#,
            expect: &[
                ("/data/lines/0/tax_category", r#""K""#),
                ("/data/tax_summary/0/reason", r#""Intra-community supply""#),
                ("/data/gross_total", r#""9000.00""#),
            ],
        },
    ];
    type Output = InvoiceView;

    async fn call(self, cx: &mut Cx) -> Result<InvoiceView> {
        let mut invoice = match (self.quotation, self.recurring) {
            (Some(_), Some(_)) => {
                let message = "An invoice is made from a quotation or from a plan, not from both.";
                return Err(Error::invalid("recurring", message));
            }
            (Some(quotation), None) => {
                let draft = draft_from(cx, quotation).await?;
                if self.lines.is_some() {
                    let message = "A quotation is taken over whole, as it was accepted.";
                    return Err(Error::invalid("lines", message).hint(
                        "Leave lines out. A part of it is billed by an invoice with its lines and without quotation.",
                    ));
                }
                draft
            }
            (None, Some(plan)) => {
                let plan = cx
                    .get(plan)
                    .await
                    .map_err(|error| error.field("recurring"))?;
                let mut invoice = from_plan(&plan, cx.today());
                // By hand, beside the plan's own: it uses up none of its days.
                invoice.recurring_on = Managed(None);
                (invoice.service_from, invoice.service_to) = (None, None);
                invoice
            }
            (None, None) => Invoice::empty(),
        };
        let currency = invoice.currency;
        self.fields.apply(&mut invoice, cx.local_time())?;
        let has_lines = !invoice.lines.is_empty();
        if has_lines && invoice.currency != currency {
            let message = "What it is made from is in another currency.";
            return Err(Error::invalid("currency", message).hint("Leave currency out."));
        }
        if !has_lines && self.lines.is_none() {
            return Err(Error::invalid("lines", "An invoice has lines.")
                .hint("Give lines, or a quotation or recurring plan that has some."));
        }
        shape(cx, &mut invoice, self.lines).await?;
        let saved = cx.insert(invoice, self.fields.attributes()?).await?;
        compare(self.total, &saved.totals()?, &saved.lines, saved.currency)?;
        view(cx, saved).await
    }
}
