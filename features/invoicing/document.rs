//! Invoices and credit notes as documents: as they were issued. What was paid, credited or agreed on later is no part of them.

use bureau_billing::{Common, Party, Seller, buyer, document, printable, rounded, seller};
use bureau_documents::{Document, DocumentKind, HomeTax, Reference};
use bureau_kernel::prelude::*;

use crate::invoice::{Invoice, InvoiceKind, InvoiceStatus};

/// Refuses an invoice or credit note that no font here can print, while it can still be changed.
///
/// # Errors
/// [`Code::Validation`] naming the field, and the characters.
pub(crate) async fn printable_invoice(
    cx: &mut Cx,
    invoice: &Saved<Invoice>,
    document: Document,
) -> Result<()> {
    printable(cx, document, invoice.company.is_some()).await
}

/// An issued invoice as a document; a draft as the document that it would be if it were issued today, marked as a draft.
///
/// # Errors
/// What is wrong with a draft's customer.
pub async fn invoice_document(cx: &mut Cx, saved: &Saved<Invoice>) -> Result<Document> {
    if *saved.status != InvoiceStatus::Draft {
        let (seller, buyer) = (saved.seller.0.0.as_ref(), saved.buyer.0.0.as_ref());
        return drawn(cx, saved, seller, buyer).await;
    }
    let mut draft = saved.record.clone();
    let credited = match *draft.credits {
        Some(credited) => cx.find(credited).await?,
        None => None,
    };
    let frozen = credited.and_then(|invoice| invoice.record.buyer.0.0);
    let buyer = match frozen {
        Some(frozen) => frozen,
        None => buyer(cx, draft.company, draft.contact).await?,
    };
    let mut seller = seller(cx).await?.record;
    if seller.name.is_none() {
        seller.name = ShortText::new(&cx.workspace().name).ok();
    }
    let day = draft.issue_date.unwrap_or_else(|| cx.today());
    draft.issue_date = Some(day);
    if *draft.kind == InvoiceKind::Invoice {
        let terms = draft.terms.or(seller.terms).unwrap_or_default();
        draft.terms = Some(terms);
        draft.first_due = Managed(Some(draft.due_date.unwrap_or_else(|| terms.due(day))));
    }
    let document = drawn(cx, &draft, Some(&seller), Some(&buyer)).await?;
    Ok(Document {
        is_draft: true,
        number: DRAFT.to_owned(),
        ..document
    })
}

/// What stands for the number of a draft where something has to.
const DRAFT: &str = "DRAFT";

async fn drawn(
    cx: &mut Cx,
    invoice: &Invoice,
    seller: Option<&Seller>,
    buyer: Option<&Party>,
) -> Result<Document> {
    let Some(issued_on) = invoice.issue_date else {
        return Err(Error::internal("an issued invoice has no day"));
    };
    let about = match *invoice.credits {
        None => None,
        Some(id) => cx.find(id).await?.and_then(|invoice| reference(&invoice)),
    };
    let is_invoice = *invoice.kind == InvoiceKind::Invoice;
    let totals = invoice.totals()?;
    let common = Common {
        kind: if is_invoice {
            DocumentKind::Invoice
        } else {
            DocumentKind::CreditNote
        },
        number: invoice.number.as_deref().unwrap_or_default(),
        issued_on,
        seller,
        buyer,
        currency: invoice.currency,
        lines: &invoice.lines,
        discount: invoice.discount,
        charge_for: invoice.charge_for.as_deref(),
        language: invoice.language.as_deref(),
        totals: &totals,
    };
    let document = document(cx, common).await?;
    Ok(Document {
        due_on: *invoice.first_due,
        delivered_on: invoice.delivered_on,
        period: invoice.service_from.zip(invoice.service_to),
        buyer_reference: invoice.reference.as_deref().map(str::to_owned),
        about,
        home_tax: home_tax(invoice),
        // Where the due date is another one than the terms would give, it says all.
        terms: invoice
            .terms
            .filter(|terms| is_invoice && *invoice.first_due == Some(terms.due(issued_on)))
            .map(|terms| terms.describe(&document.language)),
        note: invoice.notes.as_deref().map(str::to_owned),
        ..document
    })
}

/// The tax in the workspace's currency, by the rate that the invoice has kept.
fn home_tax(invoice: &Invoice) -> Option<HomeTax> {
    let home = invoice.home.as_ref()?;
    let tax = invoice.tax_total.decimal();
    let rate = home.decimal()?;
    let amount = rounded(tax.checked_mul(rate)?, home.currency);
    (!tax.is_zero()).then(|| HomeTax {
        currency: home.currency.code().to_owned(),
        digits: home.currency.digits(),
        amount: amount.normalize(),
        rate: rate.normalize(),
    })
}

fn reference(invoice: &Invoice) -> Option<Reference> {
    Some(Reference {
        number: invoice.number.as_deref()?.to_owned(),
        issued_on: invoice.issue_date?,
    })
}
