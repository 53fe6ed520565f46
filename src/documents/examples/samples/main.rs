//! Writes a set of e-invoices into a folder, for validators that are not Bureau's own.
//!
//!     cargo run --package bureau-documents --features einvoice,pdf --example samples -- FOLDER
//!
//! For each document `NAME.ubl.xml` and `NAME.cii.xml`, and for some `NAME.pdf`, which is Factur-X.

#![allow(clippy::expect_used)]

mod documents;
mod page;

use std::path::PathBuf;

use bureau_documents::einvoice;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: samples FOLDER")?);
    std::fs::create_dir_all(&folder)?;
    for (name, document) in documents::all() {
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
            "plain" | "credit-note" | "any-script" | "thousand-lines"
        ) {
            let page = page::blank(&document);
            std::fs::write(
                folder.join(format!("{name}.pdf")),
                einvoice::facturx(&document, &page)?,
            )?;
        }
    }
    Ok(())
}
