//! Issuing: what makes an invoice or a credit note stand as it is.

use bureau_billing::{
    Category, Party, Seller, Totals, buyer, check_open, complete_seller, frozen, is_in_eu,
    obstacle, seller,
};
use bureau_documents::Document;
use bureau_kernel::prelude::*;
use bureau_kernel::series::{Number, next_number};
use bureau_kernel::store::sql;
use bureau_kernel::types::money::{Amount, Currency, shown};
use chrono::{Days, NaiveDate};

use crate::credit::fit;
use crate::document::{invoice_document, printable_invoice};
use crate::invoice::{CREDIT_NOTES, HomeRate, INVOICES, Invoice, InvoiceKind, InvoiceStatus};
use crate::settle::{credit_left, credit_notes, hold, settle};

/// Issues a draft on this day, or on the day that it names, or today: freezes the seller, the buyer, the lines, the texts and the
/// rate of the day, and takes the next number of its series. What a credit note takes back is set off against its invoice.
///
/// What is likely a slip is refused unless the caller says that it is meant (`anyway`); what else stands in the way of an
/// e-invoice is answered beside what was issued.
///
/// # Errors
/// [`Code::Conflict`] when it is issued already, a credit note takes back more than there is, the books are closed, or the clock
/// cannot be right; [`Code::Validation`] naming what an invoice may not be without, what cannot be printed, a day on which it
/// cannot be issued, or what is likely a slip.
pub async fn issue(
    cx: &mut Cx,
    id: Id<Invoice>,
    day: Option<NaiveDate>,
    anyway: bool,
) -> Result<(Saved<Invoice>, Vec<String>)> {
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
    check_open(cx, "issue_date", day).await?;
    let seller = complete_seller(cx).await?;
    let credited = match *edit.credits {
        Some(credited) => Some(cx.get(credited).await?),
        None => None,
    };
    let of_invoice = credited
        .as_ref()
        .and_then(|invoice| invoice.buyer.0.0.clone());
    let buyer = match of_invoice {
        // What was sold to one customer is given back to the same, whatever became of them since.
        Some(buyer) => buyer,
        None => buyer(cx, edit.company, edit.contact).await?,
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
    if !anyway && credited.is_none() {
        check_countries(&totals, &seller, &buyer).map_err(as_meant)?;
        check_day(day, today).map_err(as_meant)?;
    }
    let numbering = match *edit.kind {
        InvoiceKind::Invoice => INVOICES,
        InvoiceKind::CreditNote => CREDIT_NOTES,
    };
    let number = next_number::<Invoice>(cx, &numbering, day).await?;
    if !anyway {
        check_period(cx, &number, day).await.map_err(as_meant)?;
    }
    edit.home = Managed(Json(home_rate(cx, edit.currency, day).await?));
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
        edit.first_due = Managed(Some(due));
    }
    edit.customer = Managed(ShortText::new(&buyer.name).ok());
    edit.seller = Managed(Json(Some(frozen(seller))));
    edit.buyer = Managed(Json(Some(buyer)));
    let open = totals.gross.raw() > 0;
    edit.status = Managed(if open {
        InvoiceStatus::Issued
    } else {
        InvoiceStatus::Paid
    });
    let issued = edit.save(cx).await?;
    // Nothing is final before the call ends, and what is final has to have a page.
    let document = invoice_document(cx, &issued).await?;
    let obstacle = obstacle(&document);
    // What was issued without one can be taken back all the same.
    let has_to = !anyway && credited.is_none() && is_within_eu(&document);
    if let Some(what) = obstacle.as_ref().filter(|_| has_to) {
        let message = format!("There could be no e-invoice of it: {what}");
        return Err(as_meant(Error::invalid("invoice", message)));
    }
    printable_invoice(cx, &issued, document).await?;
    let obstacles = obstacle.as_deref().map(no_e_invoice).into_iter().collect();
    match credited {
        None => Ok((issued, obstacles)),
        Some(credited) => {
            settle(cx, credited.id).await?;
            Ok((cx.get(id).await?, obstacles))
        }
    }
}

/// What stands in the way of issuing a draft as it is, or of its e-invoice, in the order in which it would be found.
///
/// # Errors
/// What the database says.
pub(crate) async fn obstacles(cx: &mut Cx, draft: &Saved<Invoice>) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let seller = seller(cx).await?.record;
    let lacks = seller.lacks();
    if !lacks.is_empty() {
        found.push(format!(
            "The seller's details are not complete: {}.",
            lacks.join(", ")
        ));
    }
    let document = match invoice_document(cx, draft).await {
        Ok(document) => document,
        // A customer that was deleted since.
        Err(error) if error.code() != Code::Internal => {
            found.push(error.message().to_owned());
            return Ok(found);
        }
        Err(error) => return Err(error),
    };
    if draft.credits.is_none() {
        let buyer = buyer(cx, draft.company, draft.contact).await?;
        let totals = draft.totals()?;
        let taxed = check_taxes(&totals, &seller, &buyer);
        let wrong = taxed.and_then(|()| check_countries(&totals, &seller, &buyer));
        found.extend(wrong.err().map(|error| error.message().to_owned()));
        if let Some(day) = draft.issue_date {
            let wrong = check_day(day, cx.today()).err();
            found.extend(wrong.map(|error| error.message().to_owned()));
        }
    }
    found.extend(obstacle(&document).as_deref().map(no_e_invoice));
    Ok(found)
}

fn no_e_invoice(what: &str) -> String {
    format!("No e-invoice can be made of it: {what}")
}

/// Says how a caller insists.
fn as_meant(error: Error) -> Error {
    let hint = error.hint_text().unwrap_or("Correct it.").to_owned();
    error.hint(format!(
        "{hint} Or issue it with anyway: true, if it is meant."
    ))
}

/// Whether both are in the European Union, where e-invoices are asked for.
fn is_within_eu(document: &Document) -> bool {
    [&document.seller, &document.buyer]
        .iter()
        .all(|party| party.country.as_deref().is_some_and(is_in_eu))
}

/// Sales without tax that are none: what the tax authority would want from the seller later.
fn check_countries(totals: &Totals, seller: &Seller, buyer: &Party) -> Result<()> {
    let has = |category| totals.taxes.iter().any(|tax| tax.tax.category == category);
    let home = seller.country.as_deref();
    let country = buyer.country.as_deref();
    let wrong = |what: String| {
        Err(Error::invalid("lines", what)
            .hint("Give the lines another tax_category, or correct the customer's country."))
    };
    let shown = country.unwrap_or("none that is known");
    let is_other_member = |code: &str| is_in_eu(code) && Some(code) != home;
    if has(Category::K) && !country.is_some_and(is_other_member) {
        return wrong(format!(
            "An intra-community supply goes to another member state of the EU, and the customer's country is {shown}."
        ));
    }
    if has(Category::G) && country.is_none_or(|code| is_in_eu(code) || Some(code) == home) {
        return wrong(format!(
            "An export goes out of the EU, and the customer's country is {shown}."
        ));
    }
    let letters = buyer
        .vat_id
        .iter()
        .flat_map(|vat_id| vat_id.chars().take(2));
    let prefix = letters
        .collect::<String>()
        .to_uppercase()
        .replace("EL", "GR");
    if has(Category::K) && !is_other_member(&prefix) {
        return wrong("The customer's VAT id is of no other member state of the EU.".to_owned());
    }
    Ok(())
}

/// A day so long ago is more often a slip.
fn check_day(day: NaiveDate, today: NaiveDate) -> Result<()> {
    const PLAUSIBLE: Days = Days::new(366);
    let first = today.checked_sub_days(PLAUSIBLE);
    if first.is_none_or(|first| first <= day) {
        return Ok(());
    }
    let message = format!("{day} is more than a year ago.");
    Err(Error::invalid("issue_date", message).hint("Give a later issue_date."))
}

/// A year that has ended for its numbers may have been reported already.
async fn check_period(cx: &mut Cx, number: &Number, day: NaiveDate) -> Result<()> {
    let rows = sql("SELECT MAX(period) AS last")
        .from_live::<Invoice>(cx)
        .sql(" AND serial IS NOT NULL AND series = ")
        .value(number.series)
        .rows(cx.tx())
        .await?;
    let last: Option<i64> = match rows.first() {
        Some(row) => row.get("last")?,
        None => None,
    };
    match last {
        // A series that goes on over the years has no period.
        Some(last) if number.period > 0 && last > number.period => {
            let message =
                format!("There are documents of {last} already, and {day} is before that year.");
            Err(Error::invalid("issue_date", message).hint("Give a day of this year."))
        }
        _ => Ok(()),
    }
}

/// What one unit of a currency is worth in the workspace's own on a day, to be kept with what is issued then.
async fn home_rate(cx: &mut Cx, currency: Currency, day: NaiveDate) -> Result<Option<HomeRate>> {
    let base = cx.workspace().currency;
    if currency == base {
        return Ok(None);
    }
    let rates = cx.rates(Some(day), day).await?;
    Ok(rates.on(currency, day).map(|rate| HomeRate {
        currency: base,
        rate: rate.rate.normalize().to_string(),
        day: rate.day,
        source: rate.source.clone(),
    }))
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
            return Err(Error::invalid("seller", message).hint(
                "The owner notes it: update_workspace, or bureau workspace seller --vat-id …",
            ));
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
