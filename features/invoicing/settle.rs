//! What is settled of an invoice: by payments, and by credit notes that are set off against it.

use bureau_billing::DocLine;
use bureau_kernel::prelude::*;
use bureau_kernel::store::sql;
use bureau_kernel::types::money::Amount;

use crate::credit::quantities_left;
use crate::invoice::{Invoice, InvoiceKind, InvoiceStatus};

/// Holds these invoices and credit notes' invoices until the call ends. Whoever takes hold of a credit note that can be
/// issued holds its invoice first, and of several invoices the oldest first: so no two calls wait for each other.
///
/// # Errors
/// What the database says.
pub(crate) async fn hold(cx: &mut Cx, ids: impl IntoIterator<Item = Id<Invoice>>) -> Result<()> {
    let mut statement = sql("SELECT DISTINCT COALESCE(credits, id) AS first")
        .from_all::<Invoice>(cx)
        .sql(" AND id IN (");
    for (index, id) in ids.into_iter().enumerate() {
        statement = statement.sql(if index > 0 { ", " } else { "" }).value(id);
    }
    let rows = statement.sql(")").rows(cx.tx()).await?;
    let first = rows.iter().map(|row| row.get("first"));
    let first: Vec<Id<Invoice>> = first.collect::<Result<_>>()?;
    cx.find_all(&first).await.map(drop)
}

/// The issued credit notes of an invoice, in the order of their numbers.
///
/// # Errors
/// What the database says.
pub(crate) async fn credit_notes(cx: &mut Cx, invoice: Id<Invoice>) -> Result<Vec<Saved<Invoice>>> {
    let ids = cx
        .with_index_key::<Invoice>("credits", &invoice.to_string(), usize::MAX)
        .await?;
    let notes = cx.find_all(&ids).await?.into_values();
    let mut notes: Vec<_> = notes
        .filter(|note| *note.status != InvoiceStatus::Draft)
        .collect();
    notes.sort_by_key(|note| (*note.period, *note.serial));
    Ok(notes)
}

/// The lines of an invoice that bill something: those that no issued credit notes took back whole. None of one that is deleted, or
/// that was taken back whole.
///
/// # Errors
/// What the database says.
pub async fn standing_lines(cx: &mut Cx, invoice: Id<Invoice>) -> Result<Vec<DocLine>> {
    let found = cx.find(invoice).await?;
    let stands = |invoice: &Saved<Invoice>| invoice.archived_at.is_none() && !*invoice.cancelled;
    let Some(invoice) = found.filter(stands) else {
        return Ok(Vec::new());
    };
    let notes = credit_notes(cx, invoice.id).await?;
    let left = quantities_left(&invoice, &notes);
    let lines = invoice.record.lines.0.0.into_iter().zip(left);
    let standing = lines.filter(|(_, left)| left.raw() != 0);
    Ok(standing.map(|(line, _)| line).collect())
}

/// How much of an issued invoice these credit notes, which are all of its, have not taken back.
pub(crate) fn credit_left(invoice: &Invoice, notes: &[Saved<Invoice>]) -> Amount {
    let taken: i64 = notes.iter().map(|note| note.gross_total.raw()).sum();
    Amount::from_raw(invoice.gross_total.raw() - taken)
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
        edit.credited = Managed(Amount::from_raw(set_off));
        edit.status = Managed(status(&edit, false));
        edit.save(cx).await?;
    }
    let mut edit = cx.edit(invoice).await?;
    edit.credited = Managed(Amount::from_raw(credited));
    // What was taken back or paid after all is not waited for in vain.
    edit.written_off = Managed(Amount::from_raw(edit.written_off.raw().min(open)));
    edit.cancelled = Managed(taken > 0 && taken == edit.gross_total.raw());
    edit.status = Managed(status(&edit, *edit.cancelled));
    edit.save(cx).await.map(drop)
}

/// Waits no longer for what is open of an invoice, or does so again.
///
/// # Errors
/// [`Code::Conflict`] where there is nothing to write off.
pub(crate) fn write_off(invoice: &mut Invoice, is_lost: bool) -> Result<()> {
    let open = invoice.balance();
    if is_lost && (*invoice.kind == InvoiceKind::CreditNote || open.raw() == 0) {
        let message = format!("Nothing of {} is waited for.", invoice.label());
        return Err(Error::conflict(message).field("write_off"));
    }
    let lost = if is_lost {
        invoice.written_off.raw() + open.raw()
    } else {
        0
    };
    invoice.written_off = Managed(Amount::from_raw(lost));
    // What credit notes took back whole has nothing open.
    if *invoice.status != InvoiceStatus::Credited {
        invoice.status = Managed(status(invoice, false));
    }
    Ok(())
}

/// Where an issued invoice or credit note stands.
pub(crate) fn status(invoice: &Invoice, is_credited: bool) -> InvoiceStatus {
    let settled = invoice.paid.raw() + invoice.credited.raw();
    let lost = invoice.written_off.raw();
    if settled + lost >= invoice.gross_total.raw() {
        if lost > 0 {
            return InvoiceStatus::WrittenOff;
        }
        // Also one that was taken back whole is open again when it was paid back and its payment was reversed after that.
        if is_credited {
            InvoiceStatus::Credited
        } else {
            InvoiceStatus::Paid
        }
    } else if settled > 0 {
        InvoiceStatus::PartlyPaid
    } else {
        InvoiceStatus::Issued
    }
}
