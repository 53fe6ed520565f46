//! Issuing: what makes an invoice or a credit note stand as it is.

use bureau_billing::{Category, Party, Seller, Totals, buyer, complete_seller};
use bureau_kernel::prelude::*;
use bureau_kernel::series::next_number;
use bureau_kernel::types::money::{Amount, shown};
use chrono::NaiveDate;

use crate::credit::fit;
use crate::document::printable_invoice;
use crate::invoice::{CREDIT_NOTES, INVOICES, Invoice, InvoiceKind, InvoiceStatus};
use crate::settle::{credit_left, credit_notes, hold, settle};

/// Issues a draft on this day, or on the day that it names, or today: freezes the seller, the buyer, the lines and the texts,
/// and takes the next number of its series. What a credit note takes back is set off against its invoice.
///
/// # Errors
/// [`Code::Conflict`] when it is issued already, a credit note takes back more than there is, or the clock cannot be right;
/// [`Code::Validation`] naming what an invoice may not be without, what cannot be printed, or a day on which it cannot be issued.
pub async fn issue(cx: &mut Cx, id: Id<Invoice>, day: Option<NaiveDate>) -> Result<Saved<Invoice>> {
    cx.require_trusted_clock().await?;
    hold(cx, [id]).await?;
    let mut edit = cx.edit(id).await?;
    if *edit.status != InvoiceStatus::Draft {
        let message = format!("{} is issued already.", edit.label());
        return Err(Error::conflict(message).field("invoice"));
    }
    let today = cx.today();
    let day = day.or(edit.issue_date).unwrap_or(today);
    if day > today {
        let message = format!("It cannot be issued on {day}: that day is still to come.");
        return Err(
            Error::invalid("issue_date", message).hint("Leave issue_date out to issue it today.")
        );
    }
    let seller = complete_seller(cx).await?;
    let credited = match *edit.credits {
        Some(credited) => Some(cx.get(credited).await?),
        None => None,
    };
    let frozen = credited
        .as_ref()
        .and_then(|invoice| invoice.buyer.0.0.clone());
    let buyer = match (edit.company, edit.contact, frozen) {
        // A customer who was erased since can still get money back.
        (None, None, Some(frozen)) => frozen,
        (company, contact, _) => buyer(cx, company, contact).await?,
    };
    if let Some(invoice) = &credited {
        if let Some(issued) = invoice.issue_date.filter(|issued| day < *issued) {
            let number = invoice.label();
            let message = format!("It takes back {number}, which is of {issued}.");
            return Err(Error::invalid("issue_date", message)
                .hint(format!("Issue it on {issued} or later.")));
        }
        let notes = credit_notes(cx, invoice.id).await?;
        let left = credit_left(invoice, &notes);
        let gross = fit(&mut edit, invoice, &notes)?.gross;
        if gross > left {
            let money = |amount: Amount| shown(amount.decimal(), invoice.currency);
            let message = format!(
                "This takes back {}, and of the invoice {} is left.",
                money(gross),
                money(left)
            );
            return Err(Error::conflict(message).field("lines").hint(
                "Discard the draft with update_invoice, and make another with create_credit_note.",
            ));
        }
    }
    let totals = edit.totals()?;
    check_taxes(&totals, &seller, &buyer)?;
    let numbering = match *edit.kind {
        InvoiceKind::Invoice => INVOICES,
        InvoiceKind::CreditNote => CREDIT_NOTES,
    };
    let number = next_number::<Invoice>(cx, &numbering, day).await?;
    edit.number = Managed(Some(number.text));
    edit.series = Managed(Some(number.series));
    edit.period = Managed(Some(number.period));
    edit.serial = Managed(Some(number.serial));
    edit.issue_date = Some(day);
    if *edit.kind == InvoiceKind::Invoice {
        let terms = edit.terms.or(seller.terms).unwrap_or_default();
        edit.terms = Some(terms);
        let due = edit.due_date.unwrap_or_else(|| terms.due(day));
        edit.due_date = Some(due);
    }
    edit.customer = Managed(ShortText::new(&buyer.name).ok());
    edit.seller = Managed(Json(Some(Seller {
        logo: None,
        ..seller
    })));
    edit.buyer = Managed(Json(Some(buyer)));
    let open = totals.gross.raw() > 0;
    edit.status = Managed(if open {
        InvoiceStatus::Issued
    } else {
        InvoiceStatus::Paid
    });
    let issued = edit.save(cx).await?;
    // Nothing is final before the call ends, and what is final has to have a page.
    printable_invoice(cx, &issued).await?;
    match credited {
        None => Ok(issued),
        Some(credited) => {
            settle(cx, credited.id).await?;
            cx.get(id).await
        }
    }
}

/// What the tax categories ask of a document (EN 16931, BR-AE, BR-IC, BR-G, BR-O, BR-E).
fn check_taxes(totals: &Totals, seller: &Seller, buyer: &Party) -> Result<()> {
    let has = |category| totals.taxes.iter().any(|tax| tax.tax.category == category);
    for tax in &totals.taxes {
        if tax.tax.category.needs_reason() && tax.tax.reason.is_none() {
            let message = "An invoice has to say why no tax is due.";
            return Err(Error::invalid("lines", message)
                .hint("Use a tax_category of the workspace, which has its reason."));
        }
    }
    for (category, what, names_buyer) in [
        (Category::AE, "reverse charge", true),
        (Category::K, "intra-community supply", true),
        (Category::G, "export", false),
    ] {
        if has(category) && seller.vat_id.is_none() {
            let message = format!("With {what} the seller needs a VAT id.");
            return Err(Error::invalid("seller", message)
                .hint("The owner notes it: bureau workspace seller --vat-id …"));
        }
        if has(category) && names_buyer && buyer.vat_id.is_none() {
            let message = format!("With {what} the customer needs a VAT id.");
            return Err(
                Error::invalid("company", message).hint("Note it with update_company: vat_id.")
            );
        }
    }
    if has(Category::O) && totals.taxes.len() > 1 {
        let message = "Lines that are not subject to the tax cannot stand beside lines that are.";
        return Err(Error::invalid("lines", message).hint("Make two invoices."));
    }
    Ok(())
}
