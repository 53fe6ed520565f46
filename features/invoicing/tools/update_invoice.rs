//! `update_invoice`

use bureau_billing::{LineGiven, Plain};
use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::UPDATE_INVOICES;
use crate::draft::shape;
use crate::invoice::{Invoice, InvoiceStatus};
use crate::view::{InvoiceView, view};

/// What changes in a draft.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct UpdateInvoice {
    /// A draft
    invoice: Id<Invoice>,
    /// Fields to empty
    clear: Option<Vec<ClearField<Invoice>>>,
    /// All lines anew, as in create_invoice
    lines: Option<Plain<LineGiven>>,
    /// Delete the draft
    discard: Option<bool>,
    #[serde(flatten)]
    fields: Patch<Invoice>,
}

impl Tool for UpdateInvoice {
    const SPEC: Spec = Spec::changes("update_invoice", UPDATE_INVOICES)
        .title("Update invoice")
        .about("Edit a draft invoice or credit note, or discard it.")
        .may_ask();
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Give them 5% off the whole invoice",
            before: &[
                Step {
                    tool: "create_company",
                    arguments: r#"{"name": "Acme Drafts"}"#,
                    keep: &[("acme", "/data/id")],
                },
                Step {
                    tool: "create_invoice",
                    arguments: r#"{"company": "{acme}", "currency": "EUR", "lines": [{"description": "Workshop", "unit_price": "1000", "tax_rate": "19"}]}"#,
                    keep: &[("draft", "/data/id")],
                },
            ],
            arguments: r#"{"invoice": "{draft}", "discount": "5%", "reference": "PO 4711"}"#,
            expect: &[
                ("/data/discount_total", r#""50.00""#),
                ("/data/net_total", r#""950.00""#),
                ("/data/gross_total", r#""1130.50""#),
            ],
        },
        Example {
            title: "We do not need that draft any more",
            before: &[],
            arguments: r#"{"invoice": "{draft}", "discard": true, "confirm": true}"#,
            expect: &[("/data/status", r#""draft""#)],
        },
    ];
    type Output = InvoiceView;

    async fn call(self, cx: &mut Cx) -> Result<InvoiceView> {
        let mut edit = cx.edit(self.invoice).await?;
        if *edit.status != InvoiceStatus::Draft {
            edit.validate_transition(None)?;
        }
        if self.discard == Some(true) {
            let gone = cx.archive(self.invoice).await?;
            return view(cx, gone).await;
        }
        let currency = edit.currency;
        edit.clear_fields(&self.clear.unwrap_or_default());
        edit.apply(cx, &self.fields).await?;
        if edit.currency != currency && (self.lines.is_none() || edit.credits.is_some()) {
            let message = "The prices of its lines are in another currency.";
            return Err(Error::invalid("currency", message)
                .hint("Give the lines too, or make a new draft."));
        }
        if edit.credits.is_some() && self.lines.is_some() {
            let message = "The lines of a credit note are those of its invoice.";
            return Err(Error::invalid("lines", message)
                .hint("Discard this draft and make one with create_credit_note, which takes lines and quantities."));
        }
        if edit.credits.is_some() {
            let before = edit.before();
            let fixed = [
                ("company", edit.company != before.company),
                ("contact", edit.contact != before.contact),
                ("discount", edit.discount != before.discount),
                ("charge", edit.charge != before.charge),
            ];
            if let Some((field, _)) = fixed.into_iter().find(|(_, is_changed)| *is_changed) {
                let message = format!("The {field} of a credit note follows from its invoice.");
                return Err(Error::invalid(field, message));
            }
        }
        shape(cx, &mut edit, self.lines.map(|lines| lines.0)).await?;
        let saved = edit.save(cx).await?;
        view(cx, saved).await
    }
}
