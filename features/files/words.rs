//! The words in a file: of PDF, of what word processors, spreadsheets and slide programs write. It runs in a process of its own,
//! with bounds on its memory and time that the operating system keeps.

use std::io::{self, BufRead, BufReader, Cursor, Read, Write};

use calamine::{Ods, Reader, Xlsx};
use quick_xml::events::Event;
use zip::ZipArchive;

use crate::media::{DOCX, ODP, ODS, ODT, PDF, PPTX, XLSX};

/// Bytes of one part of a package that are read at most.
const MOST_OF_A_PART: u64 = 64 * 1024 * 1024;

/// Whether files of this type have words that can be read.
pub(crate) fn has_words(media_type: &str) -> bool {
    [PDF, DOCX, XLSX, PPTX, ODT, ODS, ODP].contains(&media_type)
}

/// Reads a file of this media type and writes its words. Of what is damaged, as many as come before the damage.
///
/// # Errors
/// What whoever takes the words says.
pub fn read_words(media_type: &str, bytes: &[u8], out: &mut impl Write) -> io::Result<()> {
    match media_type {
        PDF => pdf(bytes, out),
        XLSX => match Xlsx::new(Cursor::new(bytes)) {
            Ok(book) => sheets(book, out),
            Err(_) => Ok(()),
        },
        ODS => match Ods::new(Cursor::new(bytes)) {
            Ok(book) => sheets(book, out),
            Err(_) => Ok(()),
        },
        DOCX | PPTX | ODT | ODP => package(bytes, out),
        _ => Ok(()),
    }
}

fn pdf(bytes: &[u8], out: &mut impl Write) -> io::Result<()> {
    let Ok(document) = lopdf::Document::load_mem(bytes) else {
        return Ok(());
    };
    for number in document.get_pages().keys() {
        if let Ok(text) = document.extract_text(&[*number]) {
            writeln!(out, "{text}")?;
        }
    }
    Ok(())
}

fn sheets<R: io::Read + io::Seek, B: Reader<R>>(
    mut book: B,
    out: &mut impl Write,
) -> io::Result<()> {
    for name in book.sheet_names() {
        writeln!(out, "{name}")?;
        let Ok(range) = book.worksheet_range(&name) else {
            continue;
        };
        for (.., cell) in range.used_cells() {
            writeln!(out, "{cell}")?;
        }
    }
    Ok(())
}

/// The parts of a package that a person reads, in their order.
fn package(bytes: &[u8], out: &mut impl Write) -> io::Result<()> {
    let Ok(mut archive) = ZipArchive::new(Cursor::new(bytes)) else {
        return Ok(());
    };
    let mut parts: Vec<(usize, String)> = Vec::new();
    for index in 0..archive.len() {
        let Ok(part) = archive.by_index_raw(index) else {
            continue;
        };
        let Ok(name) = part.name() else {
            continue;
        };
        let is_read = name == "content.xml"
            || [
                "word/document",
                "word/header",
                "word/footer",
                "word/footnotes",
                "word/comments",
                "ppt/slides/slide",
                "ppt/notesSlides/",
            ]
            .iter()
            .any(|start| name.starts_with(*start));
        if is_read && name.ends_with(".xml") {
            parts.push((index, name.into_owned()));
        }
    }
    // slide10 comes after slide9.
    parts.sort_by_key(|(_, name)| (name.len(), name.clone()));
    for (index, _) in parts {
        if let Ok(part) = archive.by_index(index) {
            xml(BufReader::new(part.take(MOST_OF_A_PART)), out)?;
        }
    }
    Ok(())
}

/// The text of an XML part. Where a paragraph, a cell or a tab ends, a word does; a change of letters in the middle of one does not end it.
fn xml(part: impl BufRead, out: &mut impl Write) -> io::Result<()> {
    let mut reader = quick_xml::Reader::from_reader(part);
    reader.config_mut().check_end_names = false;
    let mut buffer = Vec::new();
    loop {
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Text(text)) => out.write_all(text.as_bytes())?,
            Ok(Event::GeneralRef(entity)) => {
                let character = entity.resolve_char_ref().ok().flatten();
                let named = match &*entity {
                    "amp" => Some('&'),
                    "lt" => Some('<'),
                    "gt" => Some('>'),
                    "quot" => Some('"'),
                    "apos" => Some('\''),
                    _ => None,
                };
                write!(out, "{}", character.or(named).unwrap_or(' '))?;
            }
            Ok(Event::End(end)) if ends_a_word(end.local_name().as_ref()) => writeln!(out)?,
            Ok(Event::Empty(empty)) if ends_a_word(empty.local_name().as_ref()) => writeln!(out)?,
            Ok(Event::Eof) | Err(_) => return Ok(()),
            Ok(_) => {}
        }
        buffer.clear();
    }
}

fn ends_a_word(element: &str) -> bool {
    matches!(
        element,
        "p" | "h" | "ta" | "br" | "line-break" | "s" | "tc" | "table-cell"
    )
}

#[cfg(test)]
mod tests {
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn words(media_type: &str, bytes: &[u8]) -> String {
        let mut out = Vec::new();
        read_words(media_type, bytes, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn packed(parts: &[(&str, &str)]) -> Vec<u8> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in parts {
            archive
                .start_file(*name, SimpleFileOptions::default())
                .unwrap();
            archive.write_all(text.as_bytes()).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    #[test]
    fn a_document_has_the_words_of_its_paragraphs() {
        let body = r#"<w:document xmlns:w="w"><w:p><w:r><w:t>Pen</w:t></w:r><w:r><w:t>alty &amp; notice</w:t></w:r></w:p><w:p><w:t>Signed</w:t></w:p></w:document>"#;
        let docx = packed(&[
            ("word/document.xml", body),
            ("word/styles.xml", "<x>Style</x>"),
        ]);
        assert_eq!(words(DOCX, &docx), "Penalty & notice\nSigned\n");
    }

    #[test]
    fn slides_come_in_their_order() {
        let slide = |text: &str| {
            format!(r#"<p:sld xmlns:a="a" xmlns:p="p"><a:p><a:t>{text}</a:t></a:p></p:sld>"#)
        };
        let (ten, nine) = (slide("ten"), slide("nine"));
        let pptx = packed(&[
            ("ppt/slides/slide10.xml", &ten),
            ("ppt/slides/slide9.xml", &nine),
        ]);
        assert_eq!(words(PPTX, &pptx), "nine\nten\n");
    }

    #[test]
    fn what_is_damaged_has_what_comes_before_the_damage() {
        let odt = packed(&[("content.xml", r#"<t:p xmlns:t="t">First</t:p><t:p>Sec<"#)]);
        assert!(words(ODT, &odt).starts_with("First\n"));
        for media_type in [PDF, DOCX, XLSX, ODS] {
            assert_eq!(words(media_type, b"PK\x03\x04 nothing"), "");
        }
    }
}
