//! `update_invoice`

use bureau_billing::LineGiven;
use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::UPDATE_INVOICES;
use crate::draft::shape;
use crate::invoice::{Invoice, InvoiceStatus};
use crate::settle::write_off;
use crate::view::{InvoiceView, view};

/// What changes in a draft.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct UpdateInvoice {
    invoice: Id<Invoice>,
    clear: Option<Vec<ClearField<Invoice>>>,
    /// All lines anew
    lines: Option<Vec<LineGiven>>,
    /// Delete the draft
    discard: Option<bool>,
    /// Wait no longer for the open rest
    write_off: Option<bool>,
    #[serde(flatten)]
    fields: Patch<Invoice>,
}

impl Tool for UpdateInvoice {
    const SPEC: Spec = Spec::changes("update_invoice", UPDATE_INVOICES)
        .title("Update invoice")
        .about("Edit or discard a draft; of an issued one owner, deal, due date, write-off.")
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
            expect: &[("/data/discarded", "true")],
        },
    ];
    type Output = InvoiceView;

    async fn call(self, cx: &mut Cx) -> Result<InvoiceView> {
        let mut edit = cx.edit(self.invoice).await?;
        if *edit.status != InvoiceStatus::Draft {
            return self.change_issued(cx, edit).await;
        }
        if self.write_off.is_some() {
            let message = "A draft is not waited for.";
            return Err(Error::conflict(message)
                .field("write_off")
                .hint("Discard it with discard: true."));
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
        if edit.credits.is_none() {
            shape(cx, &mut edit, self.lines).await?;
        }
        let saved = edit.save(cx).await?;
        view(cx, saved).await
    }
}

impl UpdateInvoice {
    /// Of what is issued, that changes which is not on its page: who looks after it, until when it is waited for and whether.
    async fn change_issued(self, cx: &mut Cx, mut edit: Edit<Invoice>) -> Result<InvoiceView> {
        if self.discard == Some(true) {
            edit.validate_transition(None)?;
        }
        let before = edit.before().record.clone();
        edit.clear_fields(&self.clear.unwrap_or_default());
        edit.apply(cx, &self.fields).await?;
        let fixed = [
            ("lines", self.lines.is_some()),
            ("company", edit.company != before.company),
            ("contact", edit.contact != before.contact),
            (
                "due_date",
                edit.due_date.is_none() && before.due_date.is_some(),
            ),
        ];
        if let Some((field, _)) = fixed.into_iter().find(|(_, is_changed)| *is_changed) {
            let message = format!(
                "{} is issued and its {field} cannot be changed.",
                before.label()
            );
            return Err(Error::conflict(message).field(field).hint(FIXED));
        }
        if let Some(is_lost) = self.write_off {
            write_off(&mut edit, is_lost)?;
        }
        let saved = edit.save(cx).await?;
        view(cx, saved).await
    }
}

/// What can be done instead of changing what is issued.
const FIXED: &str = "Its owner, deal and due_date can be changed, and what is open written off. Correct all else with \
                     create_credit_note, and a new invoice if need be.";
