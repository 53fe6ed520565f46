//! A document in the model of EN 16931.

use chrono::NaiveDate;
use en16931::invoice::{
    Code, Contact, CreditTransfer, Delivery, DocumentAllowanceCharge, DocumentTotals, Invoice,
    InvoiceLine, InvoiceNote, Item, LineAllowanceCharge, LineVat, Party, PaymentInstructions,
    PaymentMeans, Period, PostalAddress, PrecedingInvoice, PriceDetails, VatBreakdown,
};
use en16931::profiles::EN16931;
use en16931::{
    AmountError, Date, DocumentReference, Identifier, InvoiceAmount, Percentage, Quantity,
    UnitPriceAmount,
};
use rust_decimal::Decimal;

use crate::areas::takes_sepa;
use crate::{
    AllowanceOrCharge, BankAccount, Document, DocumentKind, Error, HomeTax, Line, Tax, TaxCategory,
    TaxSubtotal, Totals, is_in_eu,
};

/// UNCL 5189: a discount. A code rather than a word, since the document has a language and the discount of a line no reason.
const DISCOUNT: &str = "95";

/// Puts the document into the model, amount by amount, and computes none of those that have to be paid.
pub(super) fn invoice(document: &Document) -> Result<Invoice, Error> {
    let type_code = match document.kind {
        DocumentKind::CreditNote => "381",
        DocumentKind::Invoice | DocumentKind::Quotation => "380",
    };
    let mut invoice = Invoice::builder(
        EN16931.specification_id,
        document.number.trim(),
        date(document.issued_on)?,
        type_code,
        document.currency.as_str(),
    )
    .build();
    if document.kind == DocumentKind::CreditNote {
        invoice.kind = en16931::DocumentKind::CreditNote;
    }
    invoice.due_date = document.due_on.map(date).transpose()?;
    let reference = text(document.buyer_reference.as_deref());
    match reference {
        Some(reference) if is_routing_id(&reference) => invoice.buyer_reference = Some(reference),
        reference => invoice.purchase_order_reference = reference.map(DocumentReference::new),
    }
    if let Some(tax) = home_tax(document) {
        invoice.vat_accounting_currency = Some(Code::new(tax.currency.as_str()));
    }
    invoice.payment_terms = text(document.terms.as_deref());
    invoice.notes = note(document).into_iter().collect();
    if let Some(about) = &document.about {
        invoice.preceding_invoices = vec![PrecedingInvoice {
            reference: DocumentReference::new(about.number.trim()),
            issue_date: Some(date(about.issued_on)?),
        }];
    }
    // Where there is no tax to be named, no party may be named by it (BR-O-02 to BR-O-04).
    let taxed = document
        .taxes
        .iter()
        .any(|subtotal| subtotal.tax.category != TaxCategory::OutOfScope);
    invoice.seller = seller(document, taxed);
    invoice.buyer = party(&document.buyer, taxed);
    invoice.delivery = delivery(document, &invoice.buyer.address)?;
    invoice.invoicing_period = document.period.map(period).transpose()?;
    invoice.payment = document
        .bank
        .as_ref()
        .map(|account| payment(document, account));
    invoice.lines = document
        .lines
        .iter()
        .zip(1..)
        .map(|(part, position)| line(part, position))
        .collect::<Result<_, _>>()?;
    for part in &document.allowances_and_charges {
        let entry = allowance_or_charge(part, &invoice.lines)?;
        match part.is_charge {
            true => invoice.charges.push(entry),
            false => invoice.allowances.push(entry),
        }
    }
    invoice.vat_breakdown = document
        .taxes
        .iter()
        .map(breakdown)
        .collect::<Result<_, _>>()?;
    invoice.totals = totals(
        &document.totals,
        home_tax(document),
        !invoice.allowances.is_empty(),
        !invoice.charges.is_empty(),
    )?;
    Ok(invoice)
}

/// A text as XML can hold it; none if nothing is left to read.
fn text(text: Option<&str>) -> Option<String> {
    let text: String = text?
        .chars()
        .filter(|&c| c == '\n' || !(c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}')))
        .collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The tax in the seller's own currency, where an e-invoice can hold it.
fn home_tax(document: &Document) -> Option<&HomeTax> {
    document.home_tax.as_ref().filter(|tax| tax.digits <= 2)
}

/// Whether a reference is a Leitweg-ID, by which German authorities route what they get: some digits, an optional middle, and two
/// check digits, with hyphens between them. All others are numbers of orders.
fn is_routing_id(reference: &str) -> bool {
    let parts: Vec<&str> = reference.split('-').collect();
    let (coarse, fine, check) = match parts.as_slice() {
        [coarse, check] => (*coarse, "", *check),
        [coarse, fine, check] => (*coarse, *fine, *check),
        _ => return false,
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    digits(coarse)
        && [2, 3, 5, 8, 9, 12].contains(&coarse.len())
        && fine.len() <= 30
        && fine.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && check.len() == 2
        && digits(check)
}

/// What the tax authority calls a party: a VAT identifier, with the letters of a country before it, or a number of another kind,
/// such as those of the United States. In a member state of the EU it is the first, also where the letters were left out: the rules
/// name what is wrong with it then.
fn tax_identifiers(party: &crate::Party) -> (Option<String>, Vec<Identifier>) {
    let Some(identifier) = compact(party.vat_id.as_deref()) else {
        return (None, Vec::new());
    };
    let has_letters = identifier
        .bytes()
        .take(2)
        .all(|byte| byte.is_ascii_alphabetic());
    let in_the_eu = text(party.country.as_deref()).is_some_and(|country| is_in_eu(&country));
    if has_letters || in_the_eu {
        (Some(identifier), Vec::new())
    } else {
        (None, vec![Identifier::new(identifier)])
    }
}

/// An identifier without the spaces that it is printed with.
fn compact(identifier: Option<&str>) -> Option<String> {
    let mut identifier = text(identifier)?;
    identifier.retain(|c| !c.is_whitespace());
    Some(identifier)
}

fn date(day: NaiveDate) -> Result<Date, Error> {
    Date::parse(&day.to_string())
        .map_err(|_| Error::Incomplete(format!("{day} is no date that an e-invoice can hold.")))
}

fn period((start, end): (NaiveDate, NaiveDate)) -> Result<Period, Error> {
    Ok(Period {
        start: Some(date(start)?),
        end: Some(date(end)?),
    })
}

fn amount(value: Decimal) -> Result<InvoiceAmount, Error> {
    InvoiceAmount::from_decimal_exact(value).map_err(too_fine)
}

fn too_fine(error: AmountError) -> Error {
    Error::Incomplete(match error {
        AmountError::PrecisionLoss { value, .. } => format!(
            "The amount {value} has more than two digits after the point. Round it first (BR-DEC-*)."
        ),
        _ => "An amount is too large for an e-invoice.".to_owned(),
    })
}

/// What is said before the lines and after the totals; and why something is taxed at a rate, which has no place of its own.
/// One note, as Peppol knows no more.
fn note(document: &Document) -> Option<InvoiceNote> {
    let reasons = document
        .taxes
        .iter()
        .filter(|subtotal| !takes_reason(subtotal.tax.category))
        .map(|subtotal| subtotal.tax.reason.as_deref());
    let texts: Vec<String> = [document.introduction.as_deref(), document.note.as_deref()]
        .into_iter()
        .chain(reasons)
        .filter_map(text)
        .collect();
    (!texts.is_empty()).then(|| InvoiceNote::new(texts.join("\n")))
}

fn party(party: &crate::Party, taxed: bool) -> Party {
    let email = text(party.email.as_deref());
    let (vat_identifier, identifiers) = tax_identifiers(party);
    Party {
        name: text(Some(&party.name)),
        legal_registration: text(party.registration.as_deref()).map(Identifier::new),
        identifiers,
        vat_identifier: vat_identifier.filter(|_| taxed),
        electronic_address: email.as_ref().map(|email| Identifier::schemed(email, "EM")),
        address: PostalAddress {
            line1: text(party.street.as_deref()),
            city: text(party.city.as_deref()),
            post_code: text(party.postal_code.as_deref()),
            subdivision: text(party.region.as_deref()),
            country: text(party.country.as_deref()).map(Code::new),
            ..PostalAddress::default()
        },
        contact: Contact {
            name: text(party.contact.as_deref()),
            phone: text(party.phone.as_deref()),
            email,
        },
        ..Party::default()
    }
}

fn seller(document: &Document, taxed: bool) -> Party {
    let mut seller = party(&document.seller, taxed);
    let tax_number = text(document.seller.tax_number.as_deref());
    seller.additional_legal_information = text(document.footer.as_deref());
    // A seller has to be known by something (BR-CO-26), and a small one has only this number.
    if seller.vat_identifier.is_none() && seller.legal_registration.is_none() {
        seller.identifiers = tax_number
            .clone()
            .map(Identifier::new)
            .into_iter()
            .collect();
    }
    seller.tax_registration = tax_number;
    seller
}

/// When it was delivered, and for a supply to another member state where: to the buyer.
fn delivery(document: &Document, buyer: &PostalAddress) -> Result<Option<Delivery>, Error> {
    let date = document.delivered_on.map(date).transpose()?;
    let address = document
        .taxes
        .iter()
        .any(|subtotal| subtotal.tax.category == TaxCategory::IntraCommunity)
        .then(|| buyer.clone());
    Ok((date.is_some() || address.is_some()).then(|| Delivery {
        date,
        address,
        ..Delivery::default()
    }))
}

fn payment(document: &Document, account: &BankAccount) -> PaymentInstructions {
    let number = compact(Some(&account.iban));
    let sepa = document.currency == "EUR" && number.as_deref().is_some_and(takes_sepa);
    PaymentInstructions {
        // UNCL 4461: SEPA credit transfer, credit transfer.
        means_code: Some(Code::new(if sepa { "58" } else { "30" })),
        remittance_information: text(Some(&document.number)),
        means: Some(PaymentMeans::CreditTransfer(vec![CreditTransfer {
            account_identifier: number,
            account_name: text(account.holder.as_deref()),
            provider_identifier: compact(account.bic.as_deref()),
        }])),
        ..PaymentInstructions::default()
    }
}

/// The category and the rate; what is not subject to the tax has none (BR-O-05 to BR-O-07).
fn vat(tax: &Tax) -> LineVat {
    LineVat {
        category: Code::new(tax.category.code()),
        rate: (tax.category != TaxCategory::OutOfScope).then(|| Percentage::new(tax.rate)),
    }
}

fn line(line: &Line, position: usize) -> Result<InvoiceLine, Error> {
    // A price is never below zero, but a quantity may be (BR-27).
    let (quantity, price) = match line.unit_price < Decimal::ZERO {
        true => (-line.quantity, -line.unit_price),
        false => (line.quantity, line.unit_price),
    };
    let net = amount(line.net)?;
    let mut allowances = Vec::new();
    if !line.discount.is_zero() {
        let discount = amount(line.discount)?;
        allowances.push(LineAllowanceCharge {
            amount: discount,
            base_amount: base(line.discount_percent, || net.checked_add(discount))?,
            percentage: line.discount_percent.map(Percentage::new),
            reason: None,
            reason_code: Some(Code::new(DISCOUNT)),
        });
    }
    Ok(InvoiceLine {
        id: position.to_string(),
        note: None,
        order_line_reference: None,
        accounting_reference: None,
        object_identifier: None,
        quantity: Quantity::new(quantity),
        unit_code: Code::new(line.unit_code.trim()),
        net_amount: net,
        period: None,
        allowances,
        charges: Vec::new(),
        price: PriceDetails {
            net_price: UnitPriceAmount::new(price),
            ..PriceDetails::default()
        },
        vat: vat(&line.tax),
        item: Item {
            name: text(Some(&line.name)),
            description: text(line.description.as_deref()),
            seller_identifier: text(line.sku.as_deref()),
            ..Item::default()
        },
    })
}

/// What a percentage is of: stated only beside one.
fn base(
    percent: Option<Decimal>,
    sum: impl FnOnce() -> Result<InvoiceAmount, AmountError>,
) -> Result<Option<InvoiceAmount>, Error> {
    percent.map(|_| sum().map_err(too_fine)).transpose()
}

fn allowance_or_charge(
    part: &AllowanceOrCharge,
    lines: &[InvoiceLine],
) -> Result<DocumentAllowanceCharge, Error> {
    let vat = vat(&part.tax);
    let reason = text(Some(&part.reason));
    Ok(DocumentAllowanceCharge {
        amount: amount(part.amount)?,
        base_amount: base(part.percent, || {
            InvoiceAmount::checked_sum(
                lines
                    .iter()
                    .filter(|line| line.vat == vat)
                    .map(|line| line.net_amount),
            )
        })?,
        percentage: part.percent.map(Percentage::new),
        reason_code: (reason.is_none() && !part.is_charge).then(|| Code::new(DISCOUNT)),
        reason,
        vat,
    })
}

/// Whether the standard wants to know why there is no tax. Where there is some, or a rate of zero, it wants not to.
const fn takes_reason(category: TaxCategory) -> bool {
    !matches!(category, TaxCategory::Standard | TaxCategory::Zero)
}

/// The code of the VATEX list that says no more than the category does.
const fn vatex(category: TaxCategory) -> Option<&'static str> {
    match category {
        TaxCategory::ReverseCharge => Some("VATEX-EU-AE"),
        TaxCategory::IntraCommunity => Some("VATEX-EU-IC"),
        TaxCategory::Export => Some("VATEX-EU-G"),
        TaxCategory::OutOfScope => Some("VATEX-EU-O"),
        TaxCategory::Standard | TaxCategory::Zero | TaxCategory::Exempt => None,
    }
}

fn breakdown(subtotal: &TaxSubtotal) -> Result<VatBreakdown, Error> {
    let tax = &subtotal.tax;
    let reason = text(tax.reason.as_deref()).filter(|_| takes_reason(tax.category));
    let code = text(tax.reason_code.as_deref())
        .filter(|_| takes_reason(tax.category))
        .or_else(|| match reason {
            None => vatex(tax.category).map(str::to_owned),
            Some(_) => None,
        });
    Ok(VatBreakdown {
        taxable_amount: amount(subtotal.taxable)?,
        tax_amount: amount(subtotal.amount)?,
        category: Code::new(tax.category.code()),
        rate: Some(Percentage::new(tax.rate)),
        exemption_reason: reason,
        exemption_reason_code: code.map(Code::new),
    })
}

/// The totals; those of allowances, charges and payments only where there are any.
fn totals(
    totals: &Totals,
    home_tax: Option<&HomeTax>,
    allowances: bool,
    charges: bool,
) -> Result<DocumentTotals, Error> {
    let stated = |is_stated: bool, value: Decimal| {
        (is_stated || !value.is_zero())
            .then(|| amount(value))
            .transpose()
    };
    Ok(DocumentTotals {
        line_total: amount(totals.lines)?,
        allowance_total: stated(allowances, totals.allowances)?,
        charge_total: stated(charges, totals.charges)?,
        taxable_total: amount(totals.net)?,
        vat_total: Some(amount(totals.tax)?),
        vat_total_accounting: home_tax.map(|tax| amount(tax.amount)).transpose()?,
        gross_total: amount(totals.gross)?,
        paid: stated(false, totals.paid)?,
        rounding: None,
        due: amount(totals.due)?,
    })
}
