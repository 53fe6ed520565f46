//! A document as a structured e-invoice: EN 16931 in UBL and CII, and Factur-X.
//!
//! Only the core of EN 16931 is claimed (BT-24 `urn:cen.eu:en16931:2017`), since only its rules are checked. The syntaxes and
//! the rules are those of the library; here a document is put into its model (`model`), its totals are held against what the
//! library finds from the lines (`totals`), and what a rule objects to is said in plain words (`words`).

mod model;
mod totals;
mod words;

use std::time::{Duration, SystemTime};

use chrono::NaiveTime;
use en16931::{En16931, Validated};
use en16931_formats::zugferd::{EmbedOptions, Metadata, embed};
use en16931_formats::{Syntax, write};

use crate::{Document, DocumentKind, Error};

/// What those who ship an implementation of EN 16931 have to say of it where their users see it.
pub const ATTRIBUTION: &str = en16931::ATTRIBUTION;

/// The document as UBL 2.1: an `Invoice`, or a `CreditNote`, which has no place for the day of payment [BT-9].
///
/// # Errors
/// [`Error::Incomplete`] says which part of the document the standard does not accept and what to do, with the rule's id: all
/// rules of EN 16931 are checked first. A quotation has no e-invoice, nor has a currency of three digits.
pub fn ubl(document: &Document) -> Result<Vec<u8>, Error> {
    written(document, Syntax::Ubl)
}

/// The document as UN/CEFACT Cross Industry Invoice (D16B), which is also the XML of Factur-X in its profile EN 16931.
///
/// # Errors
/// As [`ubl`].
pub fn cii(document: &Document) -> Result<Vec<u8>, Error> {
    written(document, Syntax::Cii)
}

/// The document as Factur-X (ZUGFeRD 2) in its profile EN 16931: the printed page, which has to be PDF/A-3, with the CII inside
/// as `factur-x.xml`. The same document and page give the same bytes.
///
/// # Errors
/// As [`ubl`]; and [`Error::Internal`] when the page is not PDF/A-3 or carries an e-invoice already.
pub fn facturx(document: &Document, pdf: &[u8]) -> Result<Vec<u8>, Error> {
    let invoice = validated(document)?;
    let title = format!("{} {}", document.seller.name, document.number);
    let issued = document.issued_on.and_time(NaiveTime::MIN).and_utc();
    let options = EmbedOptions {
        metadata: Some(Metadata {
            subject: title.clone(),
            author: document.seller.name.clone(),
            title,
        }),
        // The XML is as old as the document, so that it does not change from one time to the next.
        modified: u64::try_from(issued.timestamp())
            .ok()
            .and_then(|seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))),
        ..EmbedOptions::default()
    };
    embed(pdf, &invoice, &options).map_err(|error| {
        Error::Internal(format!("The e-invoice does not go into the PDF: {error}"))
    })
}

/// Whether there can be an e-invoice of the document, also of one that is still a draft.
///
/// # Errors
/// As [`ubl`].
pub fn check(document: &Document) -> Result<(), Error> {
    let document = Document {
        is_draft: false,
        ..document.clone()
    };
    validated(&document).map(drop)
}

/// The document in the library's model, with the proof that every rule holds.
fn validated(document: &Document) -> Result<Validated<En16931>, Error> {
    if document.kind == DocumentKind::Quotation {
        return Err(Error::Incomplete(
            "A quotation has no e-invoice. Make an invoice from it first.".to_owned(),
        ));
    }
    if document.is_draft {
        return Err(Error::Incomplete(
            "A draft has no e-invoice. Issue it first.".to_owned(),
        ));
    }
    if document.digits > 2 {
        return Err(Error::Incomplete(format!(
            "Amounts in {} have {} digits after the point, and an e-invoice holds two. Send this document as a PDF (BR-DEC-*).",
            document.currency, document.digits
        )));
    }
    let invoice = model::invoice(document)?;
    let valid =
        Validated::new(invoice).map_err(|rejected| words::explain(document, rejected.report()))?;
    totals::agree(document, valid.invoice())?;
    Ok(valid)
}

fn written(document: &Document, syntax: Syntax) -> Result<Vec<u8>, Error> {
    let written = write(&validated(document)?, syntax);
    // What the syntax could not take is a mistake in the model made of the document, but for the one that `ubl` speaks of.
    let lost = written.entries.iter().find(|entry| {
        document.kind != DocumentKind::CreditNote || entry.term.as_deref() != Some("BT-9")
    });
    match lost {
        None => Ok(written.xml.into_bytes()),
        Some(entry) => Err(Error::Internal(format!(
            "{syntax} has no place for {}: {}",
            entry.path, entry.message
        ))),
    }
}
