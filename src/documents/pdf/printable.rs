//! What of a document no font can print, told before the document is final.

use std::collections::BTreeSet;

use super::fonts::Fonts;
use super::text::Typesetter;
use crate::{Document, Party};

/// A part of a document, as its author knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The document's own number.
    Number,
    /// Who sells, with the account and the footer.
    Seller,
    /// Who buys.
    Buyer,
    /// The buyer's reference.
    Reference,
    /// A line, counted from 1.
    Line(usize),
    /// Why a tax is not due, and what is taken off or added.
    Taxes,
    /// What stands before the lines.
    Introduction,
    /// What stands behind the totals.
    Note,
}

/// The characters of a document that these fonts were not [asked](Fonts::ask) for yet. Until they are, [`unprintable`] may
/// take seconds, because fonts of the system are looked into.
#[must_use]
pub fn unasked(document: &Document, fonts: &Fonts) -> BTreeSet<char> {
    fonts.unasked(texts(document).flat_map(|(_, text)| text.chars()))
}

/// The first part that has characters which are in no font that is at hand, and these, at most ten.
#[must_use]
pub fn unprintable(document: &Document, fonts: &Fonts) -> Option<(Part, String)> {
    let setter = Typesetter::new(fonts);
    texts(document)
        .map(|(part, text)| (part, setter.lacking(text)))
        .find(|(_, characters)| !characters.is_empty())
}

fn texts(document: &Document) -> impl Iterator<Item = (Part, &str)> {
    let own = [(Part::Number, document.number.as_str())].into_iter();
    let bank = document.bank.iter().flat_map(|bank| {
        let rest = [&bank.holder, &bank.bic, &bank.bank];
        let rest = rest.into_iter().flatten().map(String::as_str);
        rest.chain([bank.iban.as_str()])
    });
    let seller = party(&document.seller)
        .chain(bank)
        .chain(document.footer.as_deref());
    let lines = document.lines.iter().enumerate().flat_map(|(index, line)| {
        let rest = [&line.description, &line.sku, &line.tax.reason];
        let rest = rest.into_iter().flatten().map(String::as_str);
        let texts = rest.chain([line.name.as_str(), line.unit.as_str()]);
        texts.map(move |text| (Part::Line(index + 1), text))
    });
    let shares = document.allowances_and_charges.iter();
    let taxes = shares.map(|share| share.reason.as_str()).chain(
        document
            .taxes
            .iter()
            .filter_map(|tax| tax.tax.reason.as_deref()),
    );
    let of = |part| move |text| (part, text);
    own.chain(seller.map(of(Part::Seller)))
        .chain(party(&document.buyer).map(of(Part::Buyer)))
        .chain(document.buyer_reference.as_deref().map(of(Part::Reference)))
        .chain(lines)
        .chain(taxes.map(of(Part::Taxes)))
        .chain(document.introduction.as_deref().map(of(Part::Introduction)))
        .chain(document.note.as_deref().map(of(Part::Note)))
}

fn party(party: &Party) -> impl Iterator<Item = &str> {
    let rest = [
        &party.contact,
        &party.street,
        &party.postal_code,
        &party.city,
        &party.region,
        &party.country,
        &party.vat_id,
        &party.tax_number,
        &party.registration,
        &party.email,
        &party.phone,
        &party.website,
    ];
    let rest = rest.into_iter().flatten().map(String::as_str);
    [party.name.as_str()].into_iter().chain(rest)
}
