//! From a quotation to its invoice, once: what the invoice takes over, and that the quotation is noted as converted for as long
//! as there is one. One that credit notes took back whole bills nothing: what was agreed on can be billed by another.

use bureau_invoicing::{DraftSource, Invoice};
use bureau_kernel::prelude::*;
use bureau_kernel::store::log::Action;
use bureau_kernel::types::id::Entity as _;
use futures::FutureExt as _;

use crate::quotation::{Quotation, QuotationStatus};
use crate::view::invoice_of;

/// What invoices are made from here.
pub(crate) const SOURCE: DraftSource = DraftSource {
    table: Quotation::TABLE,
    draft: |cx, record| draft(cx, Id::from_raw(record)).boxed(),
};

/// A draft with everything that a quotation offers. It is not written yet.
///
/// # Errors
/// [`Code::Conflict`] for a quotation that is not accepted, or from which there is an invoice that was not taken back whole.
pub(crate) async fn draft(cx: &mut Cx, id: Id<Quotation>) -> Result<Invoice> {
    // Held until the call ends, so that it is converted once; and the version that the call came with is this one's.
    let quotation = cx.edit(id).await?;
    let number = quotation.called();
    if *quotation.status != QuotationStatus::Accepted {
        let message = format!("{number} is not accepted.");
        return Err(Error::conflict(message)
            .field("quotation")
            .hint("Note the customer's word with update_quotation_status first."));
    }
    if let Some(invoice) = invoice_of(cx, id).await? {
        let message = format!("{number} was converted already: {invoice}.");
        return Err(Error::conflict(message)
            .field("quotation")
            .hint("Read it with get_invoice. Once it is discarded or credited whole, the quotation can be invoiced anew."));
    }
    let offer = quotation.before().record.clone();
    let mut invoice = Invoice::empty();
    invoice.company = offer.company;
    invoice.contact = offer.contact;
    invoice.customer = offer.customer;
    invoice.deal = offer.deal;
    invoice.owner = offer.owner;
    invoice.source = Managed(Some(id.into()));
    invoice.currency = offer.currency;
    invoice.reference = offer.reference;
    invoice.lines = offer.lines;
    invoice.discount = offer.discount;
    invoice.charge = offer.charge;
    invoice.charge_for = offer.charge_for;
    invoice.language = offer.language;
    Ok(invoice)
}

/// A quotation is converted while there is an invoice that was made from it: a draft that is discarded frees it, and so do credit
/// notes over all of an invoice.
pub(crate) struct Conversion;

impl Reaction for Conversion {
    type To = Invoice;
    const ON: &'static [Action] = &[
        Action::Create,
        Action::Update,
        Action::Archive,
        Action::Restore,
        Action::Purge,
    ];
    const COVERS: &'static [Covers] = &[Covers::update::<Quotation>()];

    async fn react(cx: &mut Cx, to: Transition<'_, Invoice>) -> Result<()> {
        let quotation_of = |invoice: &Saved<Invoice>| invoice.source.as_ref()?.of::<Quotation>();
        let Some(id) = to.after.or(to.before).and_then(quotation_of) else {
            return Ok(());
        };
        let stands =
            |invoice: &Saved<Invoice>| invoice.archived_at.is_none() && !*invoice.cancelled;
        let is_there = to.after.is_some_and(stands);
        // Beside one that was taken back there may be another by now.
        if to.before.is_some_and(|before| stands(before) == is_there) {
            return Ok(());
        }
        let Some(quotation) = cx.find(id).await? else {
            return Ok(());
        };
        if quotation.archived_at.is_some() || quotation.converted_at.is_some() == is_there {
            return Ok(());
        }
        let mut quotation = cx.edit(id).await?;
        quotation.converted_at = Managed(is_there.then(|| cx.now()));
        quotation.save(cx).await.map(drop)
    }
}

/// And it stays converted, whatever is done to it itself: an undo that passes over an issued invoice does not free its quotation.
pub(crate) struct Kept;

impl Reaction for Kept {
    type To = Quotation;
    const ON: &'static [Action] = &[Action::Update, Action::Restore];
    const COVERS: &'static [Covers] = &[Covers::update::<Quotation>()];

    async fn react(cx: &mut Cx, to: Transition<'_, Quotation>) -> Result<()> {
        let Some(after) = to.after else { return Ok(()) };
        if *after.status != QuotationStatus::Accepted || after.converted_at.is_some() {
            return Ok(());
        }
        if invoice_of(cx, after.id).await?.is_none() {
            return Ok(());
        }
        let mut quotation = cx.edit(after.id).await?;
        quotation.converted_at = Managed(Some(cx.now()));
        quotation.save(cx).await.map(drop)
    }
}
