//! What kinds of files are taken, found out from their bytes: a name says what somebody wants it to be.

use std::io::{Cursor, Read as _};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zip::ZipArchive;

/// What a file is, as a person says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum Media {
    /// Pages.
    Pdf,
    /// A picture.
    Image,
    /// Of a word processor.
    Document,
    /// A workbook.
    Spreadsheet,
    /// Slides.
    Presentation,
    /// Plain text: notes, tables, messages, data.
    Text,
    /// Files packed together.
    Archive,
    /// A recording.
    Audio,
}

/// Media types that are taken, and what each is to a person.
const TAKEN: &[(&str, Media)] = &[
    ("application/pdf", Media::Pdf),
    ("image/png", Media::Image),
    ("image/jpeg", Media::Image),
    ("image/gif", Media::Image),
    ("image/webp", Media::Image),
    ("image/tiff", Media::Image),
    ("image/bmp", Media::Image),
    ("image/heif", Media::Image),
    ("image/avif", Media::Image),
    (DOCX, Media::Document),
    ("application/msword", Media::Document),
    (ODT, Media::Document),
    ("text/rtf", Media::Document),
    (XLSX, Media::Spreadsheet),
    ("application/vnd.ms-excel", Media::Spreadsheet),
    (ODS, Media::Spreadsheet),
    (PPTX, Media::Presentation),
    ("application/vnd.ms-powerpoint", Media::Presentation),
    (ODP, Media::Presentation),
    ("text/plain", Media::Text),
    (WESTERN, Media::Text),
    ("text/csv", Media::Text),
    ("text/markdown", Media::Text),
    ("application/json", Media::Text),
    ("application/xml", Media::Text),
    ("message/rfc822", Media::Text),
    ("text/calendar", Media::Text),
    ("text/vcard", Media::Text),
    ("application/zip", Media::Archive),
    ("audio/mpeg", Media::Audio),
    ("audio/m4a", Media::Audio),
    ("audio/x-wav", Media::Audio),
    ("audio/ogg", Media::Audio),
];

pub(crate) const DOCX: &str =
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
pub(crate) const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
pub(crate) const PPTX: &str =
    "application/vnd.openxmlformats-officedocument.presentationml.presentation";
pub(crate) const ODT: &str = "application/vnd.oasis.opendocument.text";
pub(crate) const ODS: &str = "application/vnd.oasis.opendocument.spreadsheet";
pub(crate) const ODP: &str = "application/vnd.oasis.opendocument.presentation";
pub(crate) const PDF: &str = "application/pdf";
/// Text of older programs of western languages.
pub(crate) const WESTERN: &str = "text/plain; charset=windows-1252";

/// What is written as plain text and is more than that, by the ending of its name. HTML and SVG are not among them: a browser
/// would run what is in them.
const ENDINGS: &[(&str, &str)] = &[
    ("csv", "text/csv"),
    ("md", "text/markdown"),
    ("json", "application/json"),
    ("xml", "application/xml"),
    ("eml", "message/rfc822"),
    ("ics", "text/calendar"),
    ("vcf", "text/vcard"),
];

impl Media {
    /// What a media type is.
    pub(crate) fn of(media_type: &str) -> Option<Self> {
        let taken = TAKEN.iter().find(|(taken, _)| *taken == media_type);
        taken.map(|(_, media)| *media)
    }

    /// Its name.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Image => "image",
            Self::Document => "document",
            Self::Spreadsheet => "spreadsheet",
            Self::Presentation => "presentation",
            Self::Text => "text",
            Self::Archive => "archive",
            Self::Audio => "audio",
        }
    }
}

/// The media type of a file; none for one of a kind that is not taken.
pub(crate) fn media_type(name: &str, bytes: &[u8]) -> Option<&'static str> {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    let is_called = |known: &str| ending.is_some_and(|ending| ending.eq_ignore_ascii_case(known));
    let taken = |found: &str| {
        let found = TAKEN.iter().find(|(taken, _)| *taken == found);
        found.map(|(taken, _)| *taken)
    };
    match infer::get(bytes) {
        // What begins like a page of the web, or a program for an interpreter, is text, and is kept and given back as that.
        Some(kind) if kind.matcher_type() != infer::MatcherType::Text => {
            let found = match kind.mime_type() {
                "image/heic" => "image/heif",
                // What office programs write is a ZIP file with certain names in it, in whatever order.
                "application/zip" => packed(bytes),
                other => other,
            };
            return taken(found);
        }
        Some(kind) if kind.mime_type() == "text/rtf" => return taken("text/rtf"),
        _ => {}
    }
    if bytes.contains(&0) {
        return None;
    }
    if std::str::from_utf8(bytes).is_err() {
        let is_text = ["txt", "csv", "md", "log", "text"]
            .iter()
            .any(|known| is_called(known));
        return is_text.then_some(WESTERN);
    }
    let known = ENDINGS.iter().find(|(known, _)| is_called(known));
    Some(known.map_or("text/plain", |(_, media_type)| media_type))
}

/// What a ZIP file is: a document of an office program, or files packed together.
fn packed(bytes: &[u8]) -> &'static str {
    const ZIP: &str = "application/zip";
    let Ok(mut archive) = ZipArchive::new(Cursor::new(bytes)) else {
        return ZIP;
    };
    let parts = [
        ("word/document.xml", DOCX),
        ("xl/workbook.xml", XLSX),
        ("ppt/presentation.xml", PPTX),
    ];
    let known = parts
        .iter()
        .find(|(part, _)| archive.index_for_name(part).is_some());
    if let Some((_, media_type)) = known {
        return media_type;
    }
    let mut said = String::new();
    if let Ok(part) = archive.by_name("mimetype") {
        let _ = part.take(100).read_to_string(&mut said);
    }
    let open = [ODT, ODS, ODP];
    open.into_iter()
        .find(|known| *known == said.trim())
        .unwrap_or(ZIP)
}

/// Text as it stands in a file of a media type that is plain text.
pub(crate) fn text_of(media_type: &str, bytes: &[u8]) -> Option<String> {
    if Media::of(media_type) != Some(Media::Text) {
        return None;
    }
    if media_type == WESTERN {
        let (text, ..) = encoding_rs::WINDOWS_1252.decode(bytes);
        return Some(text.into_owned());
    }
    let text = std::str::from_utf8(bytes).ok()?;
    Some(text.trim_start_matches('\u{feff}').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_say_what_a_file_is_and_not_its_name() {
        let cases: [(&str, &[u8], Option<&str>); 10] = [
            ("contract.pdf", b"%PDF-1.7\n", Some(PDF)),
            ("contract.txt", b"%PDF-1.7\n", Some(PDF)),
            ("photo.pdf", b"\x89PNG\r\n\x1a\n....", Some("image/png")),
            ("setup.pdf", b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff", None),
            ("tool.txt", b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0", None),
            ("table.csv", b"a;b\n1;2\n", Some("text/csv")),
            (
                "page.html",
                b"<!DOCTYPE html><script>x</script>",
                Some("text/plain"),
            ),
            ("old.txt", b"Gr\xfc\xdfe", Some(WESTERN)),
            ("old.bin", b"Gr\xfc\xdfe", None),
            ("some.bin", b"\0\x01\x02\x03\x04\x05", None),
        ];
        for (name, bytes, expected) in cases {
            assert_eq!(media_type(name, bytes), expected, "{name}");
        }
    }

    #[test]
    fn each_media_type_is_something() {
        for (media_type, media) in TAKEN {
            assert_eq!(Media::of(media_type), Some(*media));
        }
        assert_eq!(Media::of("text/html"), None);
    }

    #[test]
    fn text_of_older_programs_is_read() {
        assert_eq!(text_of(WESTERN, b"Gr\xfc\xdfe").as_deref(), Some("Grüße"));
        assert_eq!(
            text_of("text/plain", "\u{feff}Grüße".as_bytes()).as_deref(),
            Some("Grüße")
        );
        assert_eq!(text_of(PDF, b"%PDF"), None);
    }
}
