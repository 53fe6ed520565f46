//! Invoices and credit notes as documents.

use bureau_billing::{Common, document, draft_has_none, printable};
use bureau_documents::{Document, DocumentKind, Reference, Totals};
use bureau_kernel::prelude::*;

use crate::invoice::{Invoice, InvoiceKind, InvoiceStatus};

/// Refuses an invoice or credit note that no font here can print, while it can still be changed.
///
/// # Errors
/// [`Code::Validation`] naming the field, and the characters.
pub(crate) async fn printable_invoice(cx: &mut Cx, invoice: &Saved<Invoice>) -> Result<()> {
    let document = invoice_document(cx, invoice).await?;
    printable(cx, document, invoice.company.is_some()).await
}

/// An issued invoice as a document.
///
/// # Errors
/// [`Code::Conflict`] for a draft.
pub async fn invoice_document(cx: &mut Cx, saved: &Saved<Invoice>) -> Result<Document> {
    let (Some(number), Some(issued_on)) = (&*saved.number, saved.issue_date) else {
        return Err(draft_has_none("issue_invoice"));
    };
    if *saved.status == InvoiceStatus::Draft {
        return Err(draft_has_none("issue_invoice"));
    }
    let about = match *saved.credits {
        None => None,
        Some(id) => cx.find(id).await?.and_then(|invoice| reference(&invoice)),
    };
    let is_invoice = *saved.kind == InvoiceKind::Invoice;
    let totals = saved.totals()?;
    let common = Common {
        kind: if is_invoice {
            DocumentKind::Invoice
        } else {
            DocumentKind::CreditNote
        },
        number,
        issued_on,
        seller: saved.seller.0.0.as_ref(),
        buyer: saved.buyer.0.0.as_ref(),
        currency: saved.currency,
        lines: &saved.lines,
        discount: saved.discount,
        totals: &totals,
    };
    let document = document(cx, common).await?;
    Ok(Document {
        due_on: saved.due_date,
        delivered_on: saved.delivered_on,
        period: saved.service_from.zip(saved.service_to),
        buyer_reference: saved.reference.as_deref().map(str::to_owned),
        about,
        totals: Totals {
            paid: (saved.paid.decimal() + saved.credited.decimal()).normalize(),
            due: saved.balance().decimal().normalize(),
            ..document.totals
        },
        // Where the due date is another one than the terms would give, it says all.
        terms: saved
            .terms
            .filter(|terms| is_invoice && saved.due_date == Some(terms.due(issued_on)))
            .map(|terms| terms.describe(&document.language)),
        note: saved.notes.as_deref().map(str::to_owned),
        ..document
    })
}

fn reference(invoice: &Invoice) -> Option<Reference> {
    Some(Reference {
        number: invoice.number.as_deref()?.to_owned(),
        issued_on: invoice.issue_date?,
    })
}
