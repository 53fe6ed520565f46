//! Documents that people and programs can read, as PDF, UBL, CII or Factur-X: what is in them whatever they are, and making
//! them.

use bureau_documents as documents;
use bureau_documents::{AllowanceOrCharge, BankAccount, Document, DocumentKind, TaxSubtotal};
use bureau_kernel::prelude::*;
use bureau_kernel::types::id::Entity;
use bureau_kernel::types::money::Currency;
use chrono::NaiveDate;
use data_encoding::BASE64;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::discount::Discount;
use crate::line::DocLine;
use crate::party::Party;
use crate::picture::logo_of;
use crate::seller::{Seller, seller};
use crate::tax::{Tax, reason_in};
use crate::totals::{Totals, line_discount};
use crate::unit::unit_code;

/// The form of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// A page to print or send.
    Pdf,
    /// EN 16931 as UBL 2.1.
    Ubl,
    /// EN 16931 as UN/CEFACT CII.
    Cii,
    /// A PDF/A-3 with the CII inside.
    Facturx,
}

impl Format {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Pdf, Self::Ubl, Self::Cii, Self::Facturx];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Ubl => "ubl",
            Self::Cii => "cii",
            Self::Facturx => "facturx",
        }
    }

    /// Its media type.
    #[must_use]
    pub const fn mime_type(self) -> &'static str {
        match self {
            Self::Pdf | Self::Facturx => "application/pdf",
            Self::Ubl | Self::Cii => "application/xml",
        }
    }

    const fn suffix(self) -> &'static str {
        match self {
            Self::Pdf => ".pdf",
            Self::Ubl => ".ubl.xml",
            Self::Cii => ".cii.xml",
            Self::Facturx => ".facturx.pdf",
        }
    }

    /// The resource under which a document in this form is read.
    #[must_use]
    pub fn uri<E: Entity>(self, folder: &str, id: Id<E>) -> String {
        format!("bureau://{folder}/{id}/{}", self.name())
    }
}

/// A document in one of its forms.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Rendered {
    /// A name for the file.
    pub name: String,
    /// Its media type.
    pub mime_type: &'static str,
    /// Text for XML, base64 for PDF.
    pub content: String,
}

/// A document in this form. It is made without a connection, so a call that reads has read everything before it.
///
/// # Errors
/// [`Code::Validation`] naming what the form asks for and is missing; [`Code::Unavailable`] in a build without that form.
pub async fn render(cx: &mut Cx, document: Document, format: Format) -> Result<Rendered> {
    cx.compute(move || rendered(&document, format)).await?
}

/// Refuses a document that no font here can print, while it can still be changed.
///
/// # Errors
/// [`Code::Validation`] naming the field, and the characters.
#[cfg(feature = "pdf")]
pub async fn printable(cx: &mut Cx, document: Document, is_for_company: bool) -> Result<()> {
    // To make the fonts ready takes a moment, and to look into those of the system seconds: no lock is held meanwhile.
    if FONTS.get().is_none() {
        cx.prepare(|| _ = fonts()).await?;
    }
    let unasked = documents::unasked(&document, fonts());
    if !unasked.is_empty() {
        cx.prepare(move || fonts().ask(&unasked)).await?;
    }
    not_printable(&document, is_for_company).map_or(Ok(()), Err)
}
/// Refuses a document that no font here can print, while it can still be changed.
///
/// # Errors
/// [`Code::Validation`] naming the field, and the characters.
#[cfg(not(feature = "pdf"))]
pub async fn printable(_: &mut Cx, _: Document, _: bool) -> Result<()> {
    Ok(())
}

/// Why a document cannot be printed.
#[cfg(feature = "pdf")]
fn not_printable(document: &Document, is_for_company: bool) -> Option<Error> {
    use documents::Part;
    let (part, characters) = documents::unprintable(document, fonts())?;
    let (field, what) = match part {
        Part::Number => ("number", "The number".to_owned()),
        Part::Seller => ("seller", "What the workspace says of itself".to_owned()),
        Part::Buyer if is_for_company => ("company", "What is noted of the company".to_owned()),
        Part::Buyer => ("contact", "What is noted of the contact".to_owned()),
        Part::Reference => ("reference", "The reference".to_owned()),
        Part::Line(number) => ("lines", format!("Line {number}")),
        Part::Taxes => ("lines", "A tax or discount".to_owned()),
        Part::Introduction => ("introduction", "The title or introduction".to_owned()),
        Part::Note => ("notes", "The notes".to_owned()),
    };
    let message = format!("{what} cannot be printed: no font here has {characters}.");
    Some(Error::invalid(field, message).hint(
        "Write it without these characters, or let the operator install a font that has them (BUREAU_FONTS).",
    ))
}

fn rendered(document: &Document, format: Format) -> Result<Rendered> {
    let bytes = match format {
        Format::Pdf => pdf(document)?,
        Format::Ubl => ubl(document)?,
        Format::Cii => cii(document)?,
        Format::Facturx => facturx(document)?,
    };
    let content = match format {
        Format::Pdf | Format::Facturx => BASE64.encode(&bytes),
        Format::Ubl | Format::Cii => String::from_utf8(bytes).map_err(Error::internal)?,
    };
    let safe = |c: char| {
        if c.is_alphanumeric() || "-_.".contains(c) {
            c
        } else {
            '-'
        }
    };
    let number: String = document.number.chars().map(safe).collect();
    Ok(Rendered {
        name: format!("{number}{}", format.suffix()),
        mime_type: format.mime_type(),
        content,
    })
}

/// Why there can be no e-invoice of a document, also of one that is still a draft; nothing where there can be, or where its
/// currency has none.
#[cfg(feature = "einvoice")]
#[must_use]
pub fn obstacle(document: &Document) -> Option<String> {
    let has_none = document.digits > 2;
    match documents::einvoice::check(document) {
        Err(documents::Error::Incomplete(what)) if !has_none => Some(what),
        _ => None,
    }
}
/// Why there can be no e-invoice of a document: unknown in a build that makes none.
#[cfg(not(feature = "einvoice"))]
#[must_use]
pub fn obstacle(_: &Document) -> Option<String> {
    None
}

/// What a build without a form says.
#[cfg(not(all(feature = "pdf", feature = "einvoice")))]
fn absent(form: &str, feature: &str) -> Error {
    Error::new(
        Code::Unavailable,
        format!("This build of Bureau makes no {form}."),
    )
    .field("document")
    .hint(format!(
        "Use one that was built with the Cargo feature `{feature}`."
    ))
}

#[cfg(feature = "pdf")]
fn pdf(document: &Document) -> Result<Vec<u8>> {
    documents::pdf(document, fonts()).map_err(|error| refused(&error))
}
#[cfg(not(feature = "pdf"))]
fn pdf(_: &Document) -> Result<Vec<u8>> {
    Err(absent("PDF", "pdf"))
}

#[cfg(feature = "pdf")]
static FONTS: std::sync::OnceLock<documents::Fonts> = std::sync::OnceLock::new();

/// The fonts, read once.
#[cfg(feature = "pdf")]
fn fonts() -> &'static documents::Fonts {
    FONTS.get_or_init(|| {
        let folder = std::env::var_os("BUREAU_FONTS");
        documents::Fonts::new(folder.as_deref().map(std::path::Path::new))
    })
}

#[cfg(feature = "einvoice")]
fn ubl(document: &Document) -> Result<Vec<u8>> {
    documents::einvoice::ubl(document).map_err(|error| refused(&error))
}
#[cfg(feature = "einvoice")]
fn cii(document: &Document) -> Result<Vec<u8>> {
    documents::einvoice::cii(document).map_err(|error| refused(&error))
}
#[cfg(not(feature = "einvoice"))]
fn ubl(_: &Document) -> Result<Vec<u8>> {
    Err(absent("e-invoices", "einvoice"))
}
#[cfg(not(feature = "einvoice"))]
fn cii(_: &Document) -> Result<Vec<u8>> {
    Err(absent("e-invoices", "einvoice"))
}

#[cfg(all(feature = "pdf", feature = "einvoice"))]
fn facturx(document: &Document) -> Result<Vec<u8>> {
    documents::einvoice::facturx(document, &pdf(document)?).map_err(|error| refused(&error))
}
#[cfg(not(all(feature = "pdf", feature = "einvoice")))]
fn facturx(_: &Document) -> Result<Vec<u8>> {
    Err(absent("Factur-X", "pdf,einvoice"))
}

/// Why a document could not be made, as an error of the call.
#[cfg(any(feature = "pdf", feature = "einvoice"))]
fn refused(error: &documents::Error) -> Error {
    match error {
        documents::Error::Incomplete(what) => Error::invalid("document", what.clone())
            .hint("The document stays as it is; other forms of it may do."),
        documents::Error::NoFont { .. } => {
            Error::new(Code::Unavailable, error.to_string()).field("document")
        }
        documents::Error::Internal(_) => Error::internal(error.to_string()),
    }
}

/// What a document says of whatever kind it is.
#[derive(Debug)]
pub struct Common<'a> {
    /// What it is.
    pub kind: DocumentKind,
    /// Its number.
    pub number: &'a str,
    /// Its day.
    pub issued_on: NaiveDate,
    /// Who sells, as of that day; the seller of today where that was not kept.
    pub seller: Option<&'a Seller>,
    /// Who buys, as of that day.
    pub buyer: Option<&'a Party>,
    /// ISO 4217.
    pub currency: Currency,
    /// Its lines.
    pub lines: &'a [DocLine],
    /// What is taken off the whole.
    pub discount: Option<Discount>,
    /// What is added to the whole, in words.
    pub charge_for: Option<&'a str>,
    /// ISO 639-1: its language, where it is not the seller's.
    pub language: Option<&'a str>,
    /// What it comes to.
    pub totals: &'a Totals,
}

/// A document with what all kinds of them have; the rest of it is for its own module to fill in.
///
/// # Errors
/// What the database says.
pub async fn document(cx: &mut Cx, common: Common<'_>) -> Result<Document> {
    let current = seller(cx).await?.record;
    let seller = common.seller.unwrap_or(&current).clone();
    let logo = logo_of(cx, &seller, &current).await?;
    let language = common.language.or(seller.language.as_deref());
    let language = language.unwrap_or("en").to_lowercase();
    let percent = common.discount.and_then(Discount::percent);
    Ok(Document {
        kind: common.kind,
        number: common.number.to_owned(),
        version: None,
        issued_on: common.issued_on,
        due_on: None,
        delivered_on: None,
        period: None,
        currency: common.currency.code().to_owned(),
        digits: common.currency.digits(),
        buyer: common.buyer.cloned().unwrap_or_default().into(),
        buyer_reference: None,
        about: None,
        is_draft: false,
        home_tax: None,
        lines: lines(common.lines, common.currency, &language)?,
        allowances_and_charges: allowances_and_charges(
            common.totals,
            percent,
            common.charge_for,
            &language,
        ),
        taxes: taxes(common.totals, &language),
        totals: totals(common.totals),
        terms: None,
        bank: bank(&seller),
        introduction: None,
        note: None,
        footer: seller.footer.as_deref().map(str::to_owned),
        logo,
        language,
        seller: seller_party(seller),
    })
}

fn seller_party(seller: Seller) -> documents::Party {
    let text = |text: Option<ShortText<200>>| text.map(String::from);
    documents::Party {
        name: text(seller.name).unwrap_or_default(),
        contact: seller.contact.map(String::from),
        street: text(seller.street),
        postal_code: seller.postal_code.map(String::from),
        city: seller.city.map(String::from),
        region: seller.region.map(String::from),
        country: seller.country.map(String::from),
        vat_id: seller.vat_id.map(String::from),
        tax_number: seller.tax_number.map(String::from),
        registration: seller.registration.map(String::from),
        email: seller.email.map(|email| email.to_string()),
        phone: seller.phone.map(String::from),
        website: text(seller.website),
    }
}

fn bank(seller: &Seller) -> Option<BankAccount> {
    Some(BankAccount {
        holder: seller.account_holder.as_deref().map(str::to_owned),
        iban: seller.iban.as_deref()?.to_owned(),
        bic: seller.bic.as_deref().map(str::to_owned),
        bank: seller.bank.as_deref().map(str::to_owned),
    })
}

/// How something is taxed, in the words of a document's language.
fn tax_in(tax: &Tax, language: &str) -> documents::Tax {
    documents::Tax {
        reason: reason_in(tax, language),
        ..tax.into()
    }
}

fn lines(lines: &[DocLine], currency: Currency, language: &str) -> Result<Vec<documents::Line>> {
    let line = |line: &DocLine| {
        let (name, description) = match line.description.split_once('\n') {
            Some((name, more)) => (name.trim(), Some(more.trim().to_owned())),
            None => (&*line.description, None),
        };
        let discount = line_discount(line, currency)
            .ok_or_else(|| Error::internal("a discount beyond all bounds"))?;
        Ok(documents::Line {
            name: name.to_owned(),
            description: description.filter(|text| !text.is_empty()),
            sku: line.sku.as_deref().map(str::to_owned),
            quantity: line.quantity.decimal().normalize(),
            unit: line.unit.as_deref().unwrap_or_default().to_owned(),
            unit_code: unit_code(line.unit.as_deref()).to_owned(),
            unit_price: line.unit_price.decimal().normalize(),
            discount: discount.normalize(),
            discount_percent: line.discount.and_then(Discount::percent),
            net: line.net.decimal().normalize(),
            tax: tax_in(&line.tax, language),
        })
    };
    lines.iter().map(line).collect()
}

/// What is taken off and added, by language. The first language is that of all others.
const REASONS: [(&str, &str, &str); 8] = [
    ("en", "Discount", "Charge"),
    ("de", "Rabatt", "Zuschlag"),
    ("fr", "Remise", "Frais"),
    ("es", "Descuento", "Recargo"),
    ("it", "Sconto", "Supplemento"),
    ("nl", "Korting", "Toeslag"),
    ("ar", "خصم", "رسوم إضافية"),
    ("he", "הנחה", "תוספת"),
];

/// What is taken off and added, a share for each tax.
fn allowances_and_charges(
    totals: &Totals,
    percent: Option<rust_decimal::Decimal>,
    charge_for: Option<&str>,
    language: &str,
) -> Vec<AllowanceOrCharge> {
    let [first, ..] = &REASONS;
    let known = REASONS
        .iter()
        .find(|(known, ..)| language.starts_with(known));
    let (_, discount, charge) = known.unwrap_or(first);
    let charge = charge_for.unwrap_or(charge);
    let shares = totals.taxes.iter().flat_map(|tax| {
        [
            (false, tax.discount, percent, *discount),
            (true, tax.charge, None, charge),
        ]
        .map(|(is_charge, amount, percent, reason)| AllowanceOrCharge {
            is_charge,
            amount: amount.decimal().normalize(),
            percent,
            reason: reason.to_owned(),
            tax: tax_in(&tax.tax, language),
        })
    });
    shares.filter(|share| !share.amount.is_zero()).collect()
}

fn taxes(totals: &Totals, language: &str) -> Vec<TaxSubtotal> {
    let subtotal = |tax: &crate::totals::Subtotal| TaxSubtotal {
        tax: tax_in(&tax.tax, language),
        taxable: tax.taxable.decimal().normalize(),
        amount: tax.amount.decimal().normalize(),
    };
    totals.taxes.iter().map(subtotal).collect()
}

fn totals(totals: &Totals) -> documents::Totals {
    let decimal = |amount: bureau_kernel::types::money::Amount| amount.decimal().normalize();
    documents::Totals {
        lines: decimal(totals.lines),
        allowances: decimal(totals.discount),
        charges: decimal(totals.charge),
        net: decimal(totals.net),
        tax: decimal(totals.tax),
        gross: decimal(totals.gross),
        paid: rust_decimal::Decimal::ZERO,
        due: decimal(totals.gross),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discounts_and_charges_are_named_in_every_language_of_documents() {
        assert_eq!(REASONS.map(|(language, ..)| language), documents::LANGUAGES);
    }
}
