//! Issuing: what makes an invoice or a credit note stand as it is.

use bureau_kernel::prelude::*;
use chrono::NaiveDate;

use crate::invoice::{Invoice, InvoiceKind, InvoiceStatus};
use crate::party::{Party, buyer};
use crate::seller::{Seller, complete_seller};
use crate::series::{Numbers, next_number};
use crate::settle::{credit_left, settle};
use crate::tax::Category;
use crate::totals::Totals;

/// Issues a draft on this day, or on the day that it names, or today: freezes the seller, the buyer, the lines and the texts,
/// and takes the next number of its series. What a credit note takes back is set off against its invoice.
///
/// # Errors
/// [`Code::Conflict`] when it is issued already, or a credit note takes back more than there is;
/// [`Code::Validation`] naming what an invoice may not be without, or a day on which it cannot be issued.
pub async fn issue(cx: &mut Cx, id: Id<Invoice>, day: Option<NaiveDate>) -> Result<Saved<Invoice>> {
    let mut edit = cx.edit(id).await?;
    if *edit.status != InvoiceStatus::Draft {
        let message = format!("{} is issued already.", edit.title());
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
    let buyer = buyer(cx, edit.company, edit.contact).await?;
    let totals = edit.totals()?;
    check_taxes(&totals, &seller, &buyer)?;
    let numbers = match *edit.kind {
        InvoiceKind::Invoice => Numbers::Invoices,
        InvoiceKind::CreditNote => Numbers::CreditNotes,
    };
    if let Some(credited) = *edit.credits {
        let left = credit_left(cx, credited).await?;
        if totals.gross > left {
            let message = format!(
                "This takes back {}, and of the invoice {left} is left.",
                totals.gross
            );
            return Err(Error::conflict(message)
                .field("lines")
                .hint("Take lines or quantities out of the draft with update_invoice."));
        }
    }
    let number = next_number(cx, numbers, day, true).await?;
    edit.number = Kept(Some(number.text));
    edit.series = Kept(Some(number.series));
    edit.period = Kept(Some(number.period));
    edit.serial = Kept(Some(number.serial));
    edit.issue_date = Some(day);
    if *edit.kind == InvoiceKind::Invoice {
        let terms = edit.terms.or(seller.terms).unwrap_or_default();
        edit.terms = Some(terms);
        let due = edit.due_date.unwrap_or_else(|| terms.due(day));
        edit.due_date = Some(due.max(day));
    }
    edit.customer = Kept(Line::new(&buyer.name).ok());
    edit.seller = Kept(Json(Some(Seller {
        logo: None,
        ..seller
    })));
    edit.buyer = Kept(Json(Some(buyer)));
    let open = totals.gross.raw() > 0;
    edit.status = Kept(if open {
        InvoiceStatus::Issued
    } else {
        InvoiceStatus::Paid
    });
    let credited = *edit.credits;
    let issued = edit.save(cx).await?;
    match credited {
        None => Ok(issued),
        Some(credited) => {
            settle(cx, credited).await?;
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
    for (category, what) in [
        (Category::AE, "reverse charge"),
        (Category::K, "intra-community supply"),
    ] {
        if has(category) && seller.vat_id.is_none() {
            let message = format!("With {what} the seller needs a VAT id.");
            return Err(Error::invalid("seller", message)
                .hint("The owner notes it: bureau workspace seller --vat-id …"));
        }
        if has(category) && buyer.vat_id.is_none() {
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
