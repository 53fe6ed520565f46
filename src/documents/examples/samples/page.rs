//! A page for an e-invoice to go into: PDF/A-3 with nothing on it.

use bureau_documents::Document;
use krilla::SerializeSettings;
use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::metadata::{DateTime, Metadata};
use krilla::page::PageSettings;

pub(crate) fn blank(document: &Document) -> Vec<u8> {
    let configuration = ConfigurationBuilder::new()
        .with_archival_validator(Archival::A3_B)
        .finish()
        .expect("a level of PDF/A");
    let mut pdf = krilla::Document::new_with(SerializeSettings {
        configuration,
        ..SerializeSettings::default()
    });
    pdf.set_metadata(
        Metadata::new()
            .title(document.number.clone())
            .language(document.language.clone())
            .creation_date(DateTime::new(2026).month(11).day(20)),
    );
    pdf.start_page_with(PageSettings::from_wh(595.0, 842.0).expect("a size"))
        .finish();
    pdf.finish().expect("a PDF")
}
