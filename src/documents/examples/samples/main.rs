//! Writes a set of e-invoices into a folder, for validators that are not Bureau's own.
//!
//!     cargo run --package bureau-documents --features einvoice,pdf --example samples -- FOLDER
//!
//! For each document `NAME.ubl.xml` and `NAME.cii.xml`, for some `NAME.pdf`, which is Factur-X, and for all of them
//! `totals.tsv`: by name, what the e-invoices have to say.

#![allow(clippy::expect_used)]

mod documents;

use std::path::PathBuf;

use bureau_documents::{Document, DocumentKind, Fonts, einvoice, pdf};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: samples FOLDER")?);
    std::fs::create_dir_all(&folder)?;
    let mut expected = String::new();
    let fonts = Fonts::new(None);
    for (name, document) in documents::all() {
        expected.push_str(&totals(name, &document));
        std::fs::write(
            folder.join(format!("{name}.ubl.xml")),
            einvoice::ubl(&document)?,
        )?;
        std::fs::write(
            folder.join(format!("{name}.cii.xml")),
            einvoice::cii(&document)?,
        )?;
        if matches!(
            name,
            "plain" | "credit-note" | "any-script" | "arabic" | "hebrew" | "thousand-lines"
        ) {
            let page = pdf(&document, &fonts)?;
            std::fs::write(
                folder.join(format!("{name}.pdf")),
                einvoice::facturx(&document, &page)?,
            )?;
        }
    }
    std::fs::write(folder.join("totals.tsv"), expected)?;
    Ok(())
}

/// The number, type, currency and totals of a document and how many lines it has, between tabs.
fn totals(name: &str, document: &Document) -> String {
    let kind = match document.kind {
        DocumentKind::CreditNote => "381",
        DocumentKind::Invoice | DocumentKind::Quotation => "380",
    };
    let totals = &document.totals;
    format!(
        "{name}\t{}\t{kind}\t{}\t{:.2}\t{:.2}\t{:.2}\t{:.2}\t{:.2}\t{:.2}\t{}\n",
        document.number,
        document.currency,
        totals.lines,
        totals.net,
        totals.tax,
        totals.gross,
        totals.paid,
        totals.due,
        document.lines.len()
    )
}
