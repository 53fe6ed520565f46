//! Drafts of invoices: from lines, from a plan.

use bureau_billing::{LineGiven, buyer, keep_origins, lines_given};
use bureau_kernel::prelude::*;
use chrono::NaiveDate;

use crate::invoice::Invoice;
use crate::recurring::RecurringInvoice;

/// Brings a draft into form: its currency, its lines where there are new ones, its customer's name.
///
/// # Errors
/// What is wrong with the lines or the customer.
pub(crate) async fn shape(
    cx: &mut Cx,
    invoice: &mut Invoice,
    lines: Option<Vec<LineGiven>>,
) -> Result<()> {
    invoice.currency = invoice.currency.or(cx.workspace().currency);
    if let Some(lines) = lines {
        let mut lines = lines_given(cx, lines, invoice.currency).await?;
        keep_origins(&invoice.lines, &mut lines);
        invoice.lines = Managed(Json(lines));
    }
    let buyer = buyer(cx, invoice.company, invoice.contact).await?;
    invoice.customer = Managed(ShortText::new(&buyer.name).ok());
    Ok(())
}

/// A draft with everything that a plan says, for its period that begins on this day. It is not written yet.
#[must_use]
pub(crate) fn from_plan(plan: &Saved<RecurringInvoice>, day: NaiveDate) -> Invoice {
    let mut invoice = Invoice::empty();
    invoice.company = plan.company;
    invoice.contact = plan.contact;
    invoice.deal = plan.deal;
    invoice.owner = plan.owner;
    invoice.recurring = Managed(Some(plan.id));
    invoice.recurring_on = Managed(Some(day));
    invoice.currency = plan.currency;
    invoice.terms = plan.terms;
    invoice.reference.clone_from(&plan.reference);
    invoice.service_from = Some(day);
    invoice.service_to = plan.period_end(*plan.made);
    invoice.lines = plan.lines.clone();
    invoice.discount = plan.discount;
    invoice.charge = plan.charge;
    invoice.charge_for.clone_from(&plan.charge_for);
    invoice.language.clone_from(&plan.language);
    invoice.notes.clone_from(&plan.notes);
    invoice
}
