//! Quotations as documents.

use bureau_billing::{Common, document, draft_has_none, printable};
use bureau_documents::{Document, DocumentKind};
use bureau_kernel::prelude::*;

use crate::quotation::{Quotation, QuotationStatus};

/// Refuses a quotation that no font here can print, while it can still be changed.
///
/// # Errors
/// [`Code::Validation`] naming the field, and the characters.
pub(crate) async fn printable_quotation(cx: &mut Cx, quotation: &Saved<Quotation>) -> Result<()> {
    let document = quotation_document(cx, quotation).await?;
    printable(cx, document, quotation.company.is_some()).await
}

/// A quotation that was sent as a document.
///
/// # Errors
/// [`Code::Conflict`] for a draft.
pub(crate) async fn quotation_document(cx: &mut Cx, saved: &Saved<Quotation>) -> Result<Document> {
    let (Some(number), Some(issued_on)) = (&*saved.number, *saved.sent_on) else {
        return Err(draft_has_none("send_quotation"));
    };
    if *saved.status == QuotationStatus::Draft {
        return Err(draft_has_none("send_quotation"));
    }
    let totals = saved.totals()?;
    let introduction = match &saved.introduction {
        Some(text) => format!("{}\n\n{text}", saved.record.title),
        None => saved.record.title.to_string(),
    };
    let common = Common {
        kind: DocumentKind::Quotation,
        number,
        issued_on,
        seller: saved.seller.0.0.as_ref(),
        buyer: saved.buyer.0.0.as_ref(),
        currency: saved.currency,
        lines: &saved.lines,
        discount: saved.discount,
        totals: &totals,
    };
    Ok(Document {
        version: (*saved.revision > 1).then_some(*saved.revision),
        due_on: saved.valid_until,
        buyer_reference: saved.reference.as_deref().map(str::to_owned),
        bank: None,
        introduction: Some(introduction),
        note: saved.notes.as_deref().map(str::to_owned),
        ..document(cx, common).await?
    })
}
