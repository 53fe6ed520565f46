//! Quotations as documents.

use bureau_billing::{Common, buyer, document, printable};
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

/// A quotation that was sent as a document; a draft as the document that it would be if it were sent today, marked as a draft.
///
/// # Errors
/// What is wrong with a draft's customer.
pub(crate) async fn quotation_document(cx: &mut Cx, saved: &Saved<Quotation>) -> Result<Document> {
    let is_draft = *saved.status == QuotationStatus::Draft;
    let issued_on = saved.sent_on.unwrap_or_else(|| cx.today());
    let number = saved.number.as_deref().unwrap_or("DRAFT");
    let buyer = match is_draft {
        true => Some(buyer(cx, saved.company, saved.contact).await?),
        false => saved.buyer.0.0.clone(),
    };
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
        buyer: buyer.as_ref(),
        currency: saved.currency,
        lines: &saved.lines,
        discount: saved.discount,
        charge_for: saved.charge_for.as_deref(),
        language: saved.language.as_deref(),
        totals: &totals,
    };
    Ok(Document {
        is_draft,
        version: (*saved.revision > 1).then_some(*saved.revision),
        due_on: saved.valid_until,
        buyer_reference: saved.reference.as_deref().map(str::to_owned),
        bank: None,
        introduction: Some(introduction),
        note: saved.notes.as_deref().map(str::to_owned),
        ..document(cx, common).await?
    })
}
