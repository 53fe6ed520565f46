//! `create_credit_note`

use bureau_billing::DocLine;
use bureau_kernel::prelude::*;
use bureau_kernel::types::money::{Amount, shown};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::CREATE_CREDIT_NOTES;
use crate::credit::{fit, fits, quantities_left};
use crate::invoice::{Invoice, InvoiceKind, InvoiceStatus};
use crate::settle::{credit_left, credit_notes};
use crate::view::{InvoiceView, view};

/// What to take back.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(extend("required" = ["invoice"]))]
pub(crate) struct CreateCreditNote {
    invoice: Id<Invoice>,
    /// Default: all that is left
    lines: Option<Vec<CreditLine>>,
    /// Why, printed on it
    reason: Option<LongText<2000>>,
}

/// A line to take back.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct CreditLine {
    /// Line of the invoice, from 1
    line: BoundedInt<1, 1000>,
    /// Default: all of it
    quantity: Option<Amount>,
}

impl Tool for CreateCreditNote {
    const SPEC: Spec = Spec::adds("create_credit_note", CREATE_CREDIT_NOTES)
        .covers(&[Covers::create::<Invoice>()])
        .title("Create credit note")
        .about("Draft a credit note for an issued invoice, whole or by line.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Two of the ten hours were not ours to charge",
            before: &[
                Step {
                    tool: "create_company",
                    arguments: r#"{"name": "Acme Credited"}"#,
                    keep: &[("acme", "/data/id")],
                },
                Step {
                    tool: "create_invoice",
                    arguments: r#"{"company": "{acme}", "currency": "EUR", "lines": [{"description": "Consulting", "quantity": "10", "unit": "hour", "unit_price": "100", "tax_rate": "19"}]}"#,
                    keep: &[("invoice", "/data/id")],
                },
                Step {
                    tool: "issue_invoice",
                    arguments: r#"{"invoice": "{invoice}", "confirm": true}"#,
                    keep: &[],
                },
            ],
            arguments: r#"{"invoice": "{invoice}", "lines": [{"line": 1, "quantity": "2"}], "reason": "Two hours were not worked"}"#,
            expect: &[
                ("/data/kind", r#""credit_note""#),
                ("/data/status", r#""draft""#),
                ("/data/gross_total", r#""238.00""#),
            ],
        },
        Example {
            title: "Take the whole invoice back",
            before: &[],
            arguments: r#"{"invoice": "{invoice}"}"#,
            expect: &[("/data/gross_total", r#""1190.00""#)],
        },
    ];
    type Output = InvoiceView;

    async fn call(self, cx: &mut Cx) -> Result<InvoiceView> {
        let invoice = cx.get(self.invoice).await?;
        let number = invoice.label();
        if *invoice.kind == InvoiceKind::CreditNote {
            let message = format!("{number} is a credit note itself.");
            return Err(Error::conflict(message).field("invoice"));
        }
        if *invoice.status == InvoiceStatus::Draft {
            let message = "This invoice is a draft.";
            return Err(Error::conflict(message)
                .field("invoice")
                .hint("Edit or discard it with update_invoice."));
        }
        let notes = credit_notes(cx, invoice.id).await?;
        let remaining = quantities_left(&invoice, &notes);
        if remaining.iter().all(|left| left.raw() == 0) {
            let message = format!("{number} was taken back whole.");
            return Err(Error::conflict(message).field("invoice"));
        }
        let lines = match self.lines {
            None => all_left(&invoice, &remaining),
            Some(wanted) => wanted_lines(&invoice, &remaining, wanted)?,
        };
        let mut note = Invoice::empty();
        note.kind = Managed(InvoiceKind::CreditNote);
        note.credits = Managed(Some(invoice.id));
        // Whom it was for stands in the invoice, also where they were deleted since.
        note.company = live(cx, invoice.company).await?;
        note.contact = live(cx, invoice.contact).await?;
        note.customer = invoice.customer.clone();
        note.deal = live(cx, invoice.deal).await?;
        note.delivered_on = invoice.delivered_on;
        (note.service_from, note.service_to) = (invoice.service_from, invoice.service_to);
        note.language.clone_from(&invoice.language);
        note.charge_for.clone_from(&invoice.charge_for);
        note.owner = invoice.owner;
        note.currency = invoice.currency;
        note.reference.clone_from(&invoice.reference);
        note.notes = self.reason;
        note.lines = Managed(Json(lines));
        let gross = fit(&mut note, &invoice, &notes)?.gross;
        let left = credit_left(&invoice, &notes);
        if gross > left {
            let money = |amount: Amount| shown(amount.decimal(), invoice.currency);
            let message = format!(
                "These lines come to {}, and of {number} {} is left.",
                money(gross),
                money(left)
            );
            return Err(Error::conflict(message).field("lines"));
        }
        let saved = cx.insert(note, Attributes::new()).await?;
        view(cx, saved).await
    }
}

/// A record that a new one can refer to.
async fn live<R: Record>(cx: &mut Cx, id: Option<Id<R>>) -> Result<Option<Id<R>>> {
    let Some(id) = id else { return Ok(None) };
    let found = cx.find(id).await?;
    let found = found.filter(|record| record.archived_at.is_none());
    Ok(found.map(|_| id))
}

fn all_left(invoice: &Invoice, remaining: &[Amount]) -> Vec<DocLine> {
    let lines = invoice.lines.iter().zip(remaining).enumerate();
    lines
        .filter(|(_, (_, left))| left.raw() != 0)
        .map(|(index, (line, left))| part_of(line, index, *left))
        .collect()
}

fn wanted_lines(
    invoice: &Invoice,
    remaining: &[Amount],
    wanted: Vec<CreditLine>,
) -> Result<Vec<DocLine>> {
    let mut lines: Vec<DocLine> = Vec::new();
    for (place, want) in wanted.into_iter().enumerate() {
        let field = |name: &str| format!("lines[{place}].{name}");
        let number = u32::try_from(want.line.get()).unwrap_or(u32::MAX);
        let index = number as usize - 1;
        let (Some(line), Some(left)) = (invoice.lines.get(index), remaining.get(index)) else {
            let message = format!("The invoice has {} lines.", invoice.lines.len());
            return Err(Error::invalid(field("line"), message));
        };
        if lines.iter().any(|known| known.credits == Some(number)) {
            return Err(Error::invalid(field("line"), "This line is named twice."));
        }
        let quantity = want.quantity.unwrap_or(*left);
        if !fits(quantity, *left) {
            let message = format!("Of line {number} {left} is left to take back, not {quantity}.");
            return Err(Error::invalid(field("quantity"), message));
        }
        lines.push(part_of(line, index, quantity));
    }
    if lines.is_empty() {
        return Err(Error::invalid("lines", "A credit note has lines.")
            .hint("Leave lines out to take all back that is left."));
    }
    Ok(lines)
}

/// A line of the invoice with a part of its quantity.
fn part_of(line: &DocLine, index: usize, quantity: Amount) -> DocLine {
    DocLine {
        credits: u32::try_from(index + 1).ok(),
        quantity,
        // It takes back what the line bills, and bills nothing.
        origin: None,
        ..line.clone()
    }
}
