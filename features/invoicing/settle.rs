//! What is settled of an invoice: by payments, and by credit notes that are set off against it.

use bureau_kernel::prelude::*;
use bureau_kernel::types::money::Amount;

use crate::invoice::{Invoice, InvoiceStatus};

/// The issued credit notes of an invoice, in the order of their numbers.
///
/// # Errors
/// What the database says.
pub(crate) async fn credit_notes(cx: &mut Cx, invoice: Id<Invoice>) -> Result<Vec<Saved<Invoice>>> {
    let ids = cx
        .with_term::<Invoice>("credits", &invoice.to_string(), 1_000)
        .await?;
    let mut notes = Vec::new();
    for id in ids {
        let note = cx.get(id).await?;
        if *note.status != InvoiceStatus::Draft {
            notes.push(note);
        }
    }
    notes.sort_by_key(|note| (*note.period, *note.serial));
    Ok(notes)
}

/// How much of an issued invoice no credit note has taken back.
///
/// # Errors
/// [`Code::NotFound`] where it is not there.
pub(crate) async fn credit_left(cx: &mut Cx, invoice: Id<Invoice>) -> Result<Amount> {
    // Held until the call ends, so that two credit notes cannot take back the same.
    let gross = *cx.get(invoice).await?.gross_total;
    let notes = credit_notes(cx, invoice).await?;
    let taken: i64 = notes.iter().map(|note| note.gross_total.raw()).sum();
    Ok(Amount::from_raw(gross.raw() - taken))
}

/// Sets what credit notes took back off against what is open of their invoice, oldest first, and brings the status of all of
/// them in step with what is settled. What is left of a credit note is what the customer gets back.
///
/// # Errors
/// [`Code::Conflict`] when one of them was changed meanwhile.
pub(crate) async fn settle(cx: &mut Cx, invoice: Id<Invoice>) -> Result<()> {
    let current = cx.get(invoice).await?;
    let notes = credit_notes(cx, invoice).await?;
    let taken: i64 = notes.iter().map(|note| note.gross_total.raw()).sum();
    let mut open = current.gross_total.raw() - current.paid.raw();
    let mut credited = 0;
    for note in notes {
        let available = note.gross_total.raw() - note.paid.raw();
        let set_off = available.min(open).max(0);
        open -= set_off;
        credited += set_off;
        let mut edit = cx.edit(note.id).await?;
        edit.credited = Kept(Amount::from_raw(set_off));
        edit.status = Kept(status(&edit, false));
        edit.save(cx).await?;
    }
    let mut edit = cx.edit(invoice).await?;
    edit.credited = Kept(Amount::from_raw(credited));
    edit.status = Kept(status(&edit, taken > 0 && taken == edit.gross_total.raw()));
    edit.save(cx).await.map(drop)
}

/// Where an issued invoice or credit note stands.
pub(crate) fn status(invoice: &Invoice, is_credited: bool) -> InvoiceStatus {
    let settled = invoice.paid.raw() + invoice.credited.raw();
    if is_credited {
        InvoiceStatus::Credited
    } else if settled >= invoice.gross_total.raw() {
        InvoiceStatus::Paid
    } else if settled > 0 {
        InvoiceStatus::PartlyPaid
    } else {
        InvoiceStatus::Issued
    }
}
