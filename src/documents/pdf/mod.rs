//! The printed page: a [`Document`] as PDF/A-3a, tagged, with its fonts in it.

mod address;
mod canvas;
mod closing;
mod epc;
mod fonts;
mod format;
mod installed;
mod labels;
mod letterhead;
mod pagination;
mod printable;
mod sheet;
mod table;
#[cfg(test)]
mod tests;
mod text;
mod totals;

use chrono::Datelike;
use krilla::SerializeSettings;
use krilla::configure::{Archival, ConfigurationBuilder, ValidationError};
use krilla::error::KrillaError;
use krilla::metadata::{DateTime, Metadata, TextDirection};

use crate::{Document, Error};
pub use fonts::Fonts;
use labels::Labels;
pub use printable::{Part, unasked, unprintable};
use sheet::Sheet;
use text::Typesetter;
use totals::Totals;

/// The document as a PDF file (PDF/A-3a: made to be kept, and to carry the structured invoice in it). The same document gives
/// the same bytes, as long as no font but the built-in ones is needed.
///
/// # Errors
///
/// [`Error::NoFont`] when a character is in no font, [`Error::Incomplete`] when the logo cannot be read, and
/// [`Error::Internal`] when the library refuses.
pub fn pdf(document: &Document, fonts: &Fonts) -> Result<Vec<u8>, Error> {
    let labels = Labels::of(&document.language);
    let setter = Typesetter::new(fonts);
    let mut sheet = Sheet::new(document, labels, &setter);
    let footer = pagination::footer(&mut sheet);
    letterhead::draw(&mut sheet)?;
    let totals = Totals::new(&sheet);
    let below = totals.height() + closing::height(&sheet);
    table::draw(&mut sheet, below);
    totals.draw(&mut sheet);
    totals::reasons(&mut sheet);
    let unsaid = if footer.is_none() {
        document.footer.as_deref()
    } else {
        None
    };
    closing::draw(&mut sheet, unsaid);
    pagination::draw(&mut sheet, footer.as_deref());

    let missing = setter.missing();
    if !missing.is_empty() {
        return Err(Error::NoFont {
            characters: missing,
        });
    }
    let configuration = ConfigurationBuilder::new()
        .with_archival_validator(Archival::A3_A)
        .finish()
        .map_err(|error| Error::Internal(format!("PDF/A-3 is not to be had: {error:?}")))?;
    let mut pdf = krilla::Document::new_with(SerializeSettings {
        configuration,
        ..SerializeSettings::default()
    });
    pdf.set_metadata(metadata(document, labels));
    sheet.canvas.draw(&mut pdf)?;
    pdf.finish().map_err(|error| refused(&error))
}

/// What the document is called: its kind and its number.
fn title(document: &Document, labels: &Labels) -> String {
    let title = labels.title(document.kind);
    text::one_line(&match document.is_draft {
        true => format!("{title} · {}", labels.draft),
        false => format!("{title} {}", labels.apart(&document.number)),
    })
}

/// No clock is read: the file is dated by the document.
fn metadata(document: &Document, labels: &Labels) -> Metadata {
    let date = document.issued_on;
    let part = |number: u32| u8::try_from(number).unwrap_or(1);
    let seller = text::one_line(&document.seller.name);
    let title = title(document, labels);
    let metadata = match labels.is_rtl {
        true => Metadata::new().text_direction(TextDirection::RightToLeft),
        false => Metadata::new(),
    };
    metadata
        .title(format!("{title} · {}", labels.apart(&seller)))
        .authors(vec![seller])
        .creator("Bureau".to_owned())
        .producer("Bureau".to_owned())
        .language(labels.language.to_owned())
        .creation_date(
            DateTime::new(u16::try_from(date.year()).unwrap_or_default())
                .month(part(date.month()))
                .day(part(date.day()))
                .hour(0)
                .minute(0)
                .second(0)
                .utc_offset_hour(0),
        )
}

/// Says what can be done about what the library refused.
fn refused(error: &KrillaError) -> Error {
    match error {
        KrillaError::Image(_, _, reason) => Error::Incomplete(format!(
            "The logo cannot be read: {reason}. Give a PNG or JPEG file."
        )),
        KrillaError::Validation(errors)
            if errors
                .iter()
                .any(|(error, _)| matches!(error, ValidationError::MissingCMYKProfile)) =>
        {
            Error::Incomplete(
                "The logo is in the colours of print (CMYK). Give it in those of the screen (RGB)."
                    .to_owned(),
            )
        }
        other => Error::Internal(format!("The PDF could not be written: {other}")),
    }
}
