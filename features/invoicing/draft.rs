//! Drafts of invoices: from lines, from a quotation, from a plan.

use bureau_billing::{LineGiven, buyer, lines_given};
use bureau_kernel::prelude::*;
use bureau_kernel::types::money::Currency;
use chrono::NaiveDate;

use crate::invoice::Invoice;
use crate::quotation::{Quotation, QuotationStatus};
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
    if invoice.currency == Currency::default() {
        invoice.currency = cx.workspace().currency;
    }
    if let Some(lines) = lines {
        invoice.lines = Managed(Json(lines_given(cx, lines, invoice.currency).await?));
    }
    let buyer = buyer(cx, invoice.company, invoice.contact).await?;
    invoice.customer = Managed(ShortText::new(&buyer.name).ok());
    Ok(())
}

/// A draft with everything that a quotation offers. It is not written yet; the quotation is noted as converted.
///
/// # Errors
/// [`Code::Conflict`] for a quotation that is not accepted, or from which there is an invoice.
pub async fn from_quotation(cx: &mut Cx, id: Id<Quotation>) -> Result<Invoice> {
    // Held until the call ends, so that it is converted once.
    let mut quotation = cx.edit(id).await?;
    let number = quotation.called();
    if *quotation.status != QuotationStatus::Accepted {
        let message = format!("{number} is not accepted.");
        return Err(Error::conflict(message)
            .field("quotation")
            .hint("Note the customer's word with update_quotation_status first."));
    }
    let made = cx
        .with_index_key::<Invoice>("quotation", &id.to_string(), 1)
        .await?;
    if let Some(invoice) = made.first() {
        let invoice = cx.names([*invoice]).await?.of(*invoice);
        let message = format!("{number} was converted already: {invoice}.");
        return Err(Error::conflict(message)
            .field("quotation")
            .hint("Read it with get_invoice."));
    }
    quotation.converted_at = Managed(Some(cx.now()));
    let offer = quotation.save(cx).await?.record;
    let mut invoice = Invoice::empty();
    invoice.company = offer.company;
    invoice.contact = offer.contact;
    invoice.customer = offer.customer;
    invoice.deal = offer.deal;
    invoice.owner = offer.owner;
    invoice.quotation = Managed(Some(id));
    invoice.currency = offer.currency;
    invoice.reference = offer.reference;
    invoice.lines = offer.lines;
    invoice.discount = offer.discount;
    invoice.charge = offer.charge;
    Ok(invoice)
}

/// Notes that the invoice from a quotation is gone: it can be converted again.
///
/// # Errors
/// What the database says.
pub(crate) async fn release_quotation(cx: &mut Cx, id: Id<Quotation>) -> Result<()> {
    let mut quotation = cx.edit(id).await?;
    quotation.converted_at = Managed(None);
    quotation.save(cx).await.map(drop)
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
    invoice.notes.clone_from(&plan.notes);
    invoice
}
