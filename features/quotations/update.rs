//! `update_quotation`

use bureau_billing::LineGiven;
use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::QUOTATIONS;
use crate::draft::shape;
use crate::quotation::{Quotation, QuotationStatus};
use crate::view::{QuotationView, invoice_of, view};

/// What changes in a quotation.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct UpdateQuotation {
    quotation: Id<Quotation>,
    clear: Option<Vec<ClearField<Quotation>>>,
    /// All lines anew
    lines: Option<Vec<LineGiven>>,
    /// Drop the draft or the new version
    discard: Option<bool>,
    #[serde(flatten)]
    fields: Patch<Quotation>,
}

impl Tool for UpdateQuotation {
    const SPEC: Spec = Spec::changes("update_quotation", QUOTATIONS.update)
        .title("Update quotation")
        .about("Edit a draft; of one that was sent this makes a new version to send.")
        .may_ask();
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Acme wants 10% off the offer that they have",
            before: &[
                Step {
                    tool: "create_company",
                    arguments: r#"{"name": "Acme Haggles"}"#,
                    keep: &[("acme", "/data/id")],
                },
                Step {
                    tool: "create_quotation",
                    arguments: r#"{"title": "Paint", "company": "{acme}", "currency": "EUR", "lines": [{"description": "Paint", "unit_price": "1000", "tax_rate": "19"}]}"#,
                    keep: &[("offer", "/data/id")],
                },
                Step {
                    tool: "send_quotation",
                    arguments: r#"{"quotation": "{offer}", "confirm": true}"#,
                    keep: &[],
                },
            ],
            arguments: r#"{"quotation": "{offer}", "discount": "10%"}"#,
            expect: &[
                ("/data/status", r#""draft""#),
                ("/data/revision", "2"),
                ("/data/gross_total", r#""1071.00""#),
            ],
        },
        Example {
            title: "Never mind, the first version stands",
            before: &[],
            arguments: r#"{"quotation": "{offer}", "discard": true, "confirm": true}"#,
            expect: &[
                ("/data/status", r#""sent""#),
                ("/data/revision", "1"),
                ("/data/gross_total", r#""1190.00""#),
            ],
        },
    ];
    type Output = QuotationView;

    async fn call(self, cx: &mut Cx) -> Result<QuotationView> {
        let mut edit = cx.edit(self.quotation).await?;
        if self.discard == Some(true) {
            return discard(cx, edit).await;
        }
        let before = edit.before().record.clone();
        edit.clear_fields(&self.clear.unwrap_or_default());
        edit.apply(cx, &self.fields).await?;
        check_customer(&before, &edit)?;
        if edit.currency != before.currency && self.lines.is_none() {
            let message = "The prices of its lines are in another currency.";
            return Err(Error::invalid("currency", message).hint("Give the lines too."));
        }
        let is_draft = *before.status == QuotationStatus::Draft;
        // What only the firm itself reads, such as the owner, makes no new version.
        let is_offer = self.lines.is_some()
            || edit.offer() != before.offer()
            || edit.contact != before.contact;
        if is_offer && !is_draft {
            refuse_accepted(cx, self.quotation, &before).await?;
            let today = cx.today();
            edit.revise(before, today);
        }
        if is_offer || is_draft {
            shape(cx, &mut edit, self.lines).await?;
        }
        let saved = edit.save(cx).await?;
        view(cx, saved).await
    }
}

/// Drops a draft: one that was never sent is deleted, and of a new version the one before stands again.
async fn discard(cx: &mut Cx, mut edit: Edit<Quotation>) -> Result<QuotationView> {
    if *edit.status != QuotationStatus::Draft {
        let message = format!("{} is no draft.", edit.called());
        return Err(Error::conflict(message).field("discard").hint(
            "One that was sent stays. Note with update_quotation_status that it was declined.",
        ));
    }
    let saved = if edit.drop_revision() {
        edit.save(cx).await?
    } else {
        cx.archive(edit.before().id).await?
    };
    view(cx, saved).await
}

/// Refuses another customer under a number that one customer has.
fn check_customer(before: &Quotation, after: &Quotation) -> Result<()> {
    let of = |quotation: &Quotation| match quotation.company {
        Some(company) => (Some(company), None),
        None => (None, quotation.contact),
    };
    if before.number.is_none() || of(before) == of(after) {
        return Ok(());
    }
    let field = if before.company == after.company {
        "contact"
    } else {
        "company"
    };
    let message = format!("{} went to another customer.", before.called());
    Err(Error::conflict(message)
        .field(field)
        .hint("Make a quotation for this one with create_quotation."))
}

/// Refuses a new version of what the customer agreed to.
async fn refuse_accepted(cx: &mut Cx, id: Id<Quotation>, quotation: &Quotation) -> Result<()> {
    if *quotation.status != QuotationStatus::Accepted {
        return Ok(());
    }
    let number = quotation.called();
    let error = match invoice_of(cx, id).await? {
        Some(invoice) => {
            Error::conflict(format!("{number} was accepted and converted to {invoice}."))
                .hint("Change the draft with update_invoice, or make another quotation.")
        }
        None => Error::conflict(format!("{number} was accepted, so it stays as it is."))
            .hint("Take the acceptance back with undo_change, or make another quotation."),
    };
    Err(error.field("quotation"))
}
