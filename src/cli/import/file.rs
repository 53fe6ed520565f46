//! A CSV file as people's programs write it: its encoding, what stands between the cells, its rows with their lines.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use bureau_kernel::error::{Code, Error};
use bureau_kernel::import::Row;
use clap::ValueEnum;

use super::super::{Failure, Result};

/// Bytes of one row: a quotation mark that is never closed makes a row of all that follows.
const MAX_ROW: u64 = 16 << 20;
/// Characters of a cell. What a field takes at most is far less.
const MAX_CELL: usize = 100_000;
/// Columns that a table has.
const MAX_COLUMNS: usize = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Encoding {
    /// Unicode
    #[value(name = "utf-8")]
    Utf8,
    /// What Windows wrote in Western Europe
    #[value(name = "windows-1252")]
    Windows1252,
}

/// A file that was looked through once.
pub(crate) struct Table {
    path: PathBuf,
    encoding: Encoding,
    pub(crate) delimiter: u8,
    /// Where the headers begin, and how many lines stand before.
    start: u64,
    lines_before: u64,
    /// Its headers; those without a name are called by their place.
    pub(crate) headers: Vec<String>,
    /// Rows below the headers.
    pub(crate) count: u64,
}

impl Table {
    pub(crate) fn open(
        path: &Path,
        encoding: Option<Encoding>,
        delimiter: Option<u8>,
    ) -> Result<Self> {
        let unreadable = |error: io::Error| {
            Failure::Failed(format!("{} cannot be read: {error}.", path.display()))
        };
        let mut file = File::open(path).map_err(unreadable)?;
        let mut head = Vec::new();
        (&mut file)
            .take(1 << 16)
            .read_to_end(&mut head)
            .map_err(unreadable)?;
        if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
            return Err(Failure::Usage(format!(
                "{} is encoded in UTF-16. Save it as CSV in UTF-8.",
                path.display()
            )));
        }
        let mark = if head.starts_with(&[0xef, 0xbb, 0xbf]) {
            3
        } else {
            0
        };
        let rest = head.get(mark..).unwrap_or_default();
        // The first line may say what stands between the cells, as one program writes it.
        let said = match rest {
            [
                b's' | b'S',
                b'e' | b'E',
                b'p' | b'P',
                b'=',
                sign,
                b'\r',
                b'\n',
                ..,
            ] => Some((*sign, 7)),
            [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', sign, b'\n', ..] => Some((*sign, 6)),
            _ => None,
        };
        let skipped = said.map_or(0, |(_, length)| length);
        let rest = rest.get(skipped..).unwrap_or_default();
        let delimiter = delimiter
            .or(said.map(|(sign, _)| sign))
            .unwrap_or_else(|| likely_delimiter(rest));
        let mut table = Self {
            path: path.to_owned(),
            encoding: encoding.unwrap_or(Encoding::Utf8),
            delimiter,
            start: (mark + skipped) as u64,
            lines_before: u64::from(said.is_some()),
            headers: Vec::new(),
            count: 0,
        };
        table.survey(encoding.is_none())?;
        Ok(table)
    }

    /// Reads the headers, counts the rows, and sees whether all of it is UTF-8.
    fn survey(&mut self, look: bool) -> Result<()> {
        let (mut reader, allowance) = self.reader()?;
        let mut record = csv::ByteRecord::new();
        let mut is_utf8 = true;
        let mut headers = None;
        loop {
            allowance.set(MAX_ROW);
            match reader.read_byte_record(&mut record) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => return Err(self.unreadable(&error).into()),
            }
            is_utf8 = is_utf8 && std::str::from_utf8(record.as_slice()).is_ok();
            match headers {
                None => headers = Some(record.clone()),
                Some(_) => self.count += 1,
            }
        }
        if look && !is_utf8 {
            self.encoding = Encoding::Windows1252;
        }
        let name = self.path.display();
        let headers = headers.ok_or_else(|| {
            Failure::Usage(format!(
                "{name} is empty: its first row has to be the headers."
            ))
        })?;
        if headers.len() > MAX_COLUMNS {
            return Err(Failure::Usage(format!(
                "{name} has {} columns; at most {MAX_COLUMNS} are read.",
                headers.len()
            )));
        }
        for (index, cell) in headers.iter().enumerate() {
            let header = self.text(cell).unwrap_or_default();
            let header: String = header.trim().chars().take(200).collect();
            self.headers.push(if header.is_empty() {
                format!("column {}", index + 1)
            } else {
                header
            });
        }
        Ok(())
    }

    fn reader(&self) -> Result<(csv::Reader<Limited>, Rc<Cell<u64>>)> {
        let unreadable = |error: io::Error| {
            Failure::Failed(format!("{} cannot be read: {error}.", self.path.display()))
        };
        let mut file = File::open(&self.path).map_err(unreadable)?;
        file.seek(SeekFrom::Start(self.start)).map_err(unreadable)?;
        let allowance = Rc::new(Cell::new(MAX_ROW));
        let limited = Limited {
            file,
            allowance: Rc::clone(&allowance),
        };
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(self.delimiter)
            .buffer_capacity(1 << 16)
            .from_reader(limited);
        Ok((reader, allowance))
    }

    /// The rows below the headers.
    pub(crate) fn rows(&self) -> Result<impl Iterator<Item = Result<Row, Error>>> {
        let (mut reader, allowance) = self.reader()?;
        let mut record = csv::ByteRecord::new();
        allowance.set(MAX_ROW);
        reader
            .read_byte_record(&mut record)
            .map_err(|error| self.unreadable(&error))?;
        Ok(std::iter::from_fn(move || {
            loop {
                allowance.set(MAX_ROW);
                match reader.read_byte_record(&mut record) {
                    Ok(true) => {}
                    Ok(false) => return None,
                    Err(error) => return Some(Err(self.unreadable(&error))),
                }
                let row = self.row(&record);
                // What a spreadsheet leaves of rows that were emptied.
                if row.wrong.is_some() || row.cells.iter().any(|cell| !cell.trim().is_empty()) {
                    return Some(Ok(row));
                }
            }
        }))
    }

    fn row(&self, record: &csv::ByteRecord) -> Row {
        let line = record.position().map_or(0, csv::Position::line) + self.lines_before;
        let mut row = Row {
            line,
            cells: Vec::with_capacity(record.len()),
            wrong: None,
        };
        for (index, cell) in record.iter().enumerate() {
            let header = self.headers.get(index).map_or("", String::as_str);
            let text = self.text(cell).unwrap_or_else(|| {
                row.wrong = Some(format!("\"{header}\" is not UTF-8 (see --encoding)."));
                String::from_utf8_lossy(cell).into_owned()
            });
            if text.chars().nth(MAX_CELL).is_some() {
                row.wrong = Some(format!("\"{header}\" has more than {MAX_CELL} characters."));
            }
            row.cells.push(text);
        }
        let width = self.headers.len();
        let beyond = row.cells.iter().skip(width);
        if row.cells.len() < width || beyond.clone().any(|cell| !cell.trim().is_empty()) {
            row.wrong.get_or_insert(format!(
                "The row has {} cells and the header has {width}.",
                row.cells.len()
            ));
        }
        row
    }

    fn text(&self, cell: &[u8]) -> Option<String> {
        match self.encoding {
            Encoding::Utf8 => String::from_utf8(cell.to_vec()).ok(),
            Encoding::Windows1252 => Some(cell.iter().map(|byte| windows_1252(*byte)).collect()),
        }
    }

    fn unreadable(&self, error: &csv::Error) -> Error {
        let line = error.position().map(csv::Position::line);
        let near = line.map_or_else(String::new, |line| {
            format!(" at line {}", line + self.lines_before)
        });
        Error::new(
            Code::Unavailable,
            format!("{} cannot be read{near}: {error}.", self.path.display()),
        )
    }

    pub(crate) fn describe(&self) -> String {
        let encoding = match self.encoding {
            Encoding::Utf8 => "UTF-8",
            Encoding::Windows1252 => "Windows-1252",
        };
        let sign = match self.delimiter {
            b'\t' => "tabs".to_owned(),
            other => format!("\"{}\"", char::from(other)),
        };
        let (name, count) = (self.path.display(), self.count);
        format!("{name}: {count} rows in {encoding}, separated by {sign}.")
    }
}

/// What stands most often between the cells of the first row, outside of quotation marks.
fn likely_delimiter(text: &[u8]) -> u8 {
    let (mut commas, mut semicolons, mut tabs, mut quoted) = (0, 0, 0, false);
    for byte in text {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted && commas + semicolons + tabs > 0 => break,
            b',' if !quoted => commas += 1,
            b';' if !quoted => semicolons += 1,
            b'\t' if !quoted => tabs += 1,
            _ => {}
        }
    }
    if tabs > commas.max(semicolons) {
        b'\t'
    } else if semicolons > commas {
        b';'
    } else {
        b','
    }
}

/// A character of Windows-1252; the five bytes that it does not use become what they are in ISO 8859-1.
fn windows_1252(byte: u8) -> char {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž',
        '\u{8f}', '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}',
        'ž', 'Ÿ',
    ];
    let high = usize::from(byte).checked_sub(0x80);
    high.and_then(|place| HIGH.get(place))
        .copied()
        .unwrap_or(char::from(byte))
}

/// A file of which no more is read between two rows than a row may have.
struct Limited {
    file: File,
    allowance: Rc<Cell<u64>>,
}

impl Read for Limited {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.allowance.get();
        if left == 0 {
            return Err(io::Error::other(
                "a row is longer than 16 MiB; perhaps a quotation mark is not closed",
            ));
        }
        let read = self.file.read(buffer)?;
        self.allowance.set(left.saturating_sub(read as u64));
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sign_between_cells_is_the_one_of_the_first_row() {
        assert_eq!(likely_delimiter(b"a,b;c,d\n;;;;;"), b',');
        assert_eq!(likely_delimiter(b"\"a,b,c\";d\n"), b';');
        assert_eq!(likely_delimiter(b"a\tb\tc, d\n"), b'\t');
        assert_eq!(likely_delimiter(b"name\nAda; Grace"), b';');
        assert_eq!(likely_delimiter(b""), b',');
    }

    #[test]
    fn windows_characters_are_those_that_windows_meant() {
        let text: String = [0x80, 0x93, 0xe9, 0xfc, 0x41, 0x9f]
            .map(windows_1252)
            .iter()
            .collect();
        assert_eq!(text, "€“éüAŸ");
    }
}
