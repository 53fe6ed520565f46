//! A table as people's programs write it: its encoding, what stands between the cells, its rows with their lines.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use data_encoding::BASE64_NOPAD;

use super::Row;
use super::card::cards;
use super::workbook::{self, Bounds, Sheet};
use crate::error::{Code, Error, Result};
use crate::types::text::quoted;

/// Bytes of one row: a quotation mark that is never closed makes a row of all that follows.
pub(super) const MAX_ROW: u64 = 16 << 20;
/// Characters of a cell. What a field takes at most is far less.
pub(super) const MAX_CELL: usize = 100_000;
/// Columns that a table has.
pub(super) const MAX_COLUMNS: usize = 1_000;
/// Bytes of a file of cards: they are held in memory.
const MAX_CARDS: u64 = 64 << 20;
/// Bytes of a workbook: it is held in memory.
const MAX_WORKBOOK: u64 = 64 << 20;
/// How much of a workbook in a file is read.
const OF_FILE: Bounds = Bounds {
    unpacked: 256 << 20,
    csv: 128 << 20,
};
/// How much of one in a text is read: others wait meanwhile.
const OF_TEXT: Bounds = Bounds {
    unpacked: 16 << 20,
    csv: 8 << 20,
};

/// How a file is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Unicode.
    Utf8,
    /// What Windows wrote in Western Europe.
    Windows1252,
}

/// What is said of a table that does not say it itself.
#[derive(Debug, Clone)]
pub struct Layout {
    /// How it is encoded, if not as it looks.
    pub encoding: Option<Encoding>,
    /// What stands between its cells, if not what it looks like.
    pub delimiter: Option<u8>,
    /// The sheet of a workbook, if not the first that has rows.
    pub sheet: Option<String>,
    /// The sign before the decimals, as in the [`Plan`](super::Plan) by which it is read: a workbook knows numbers, and they are
    /// written so.
    pub decimal: char,
    /// How days are written, as in the plan.
    pub days: String,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            encoding: None,
            delimiter: None,
            sheet: None,
            decimal: '.',
            days: "%Y-%m-%d".to_owned(),
        }
    }
}

/// Where a table is read from, each time that it is looked through.
#[derive(Debug, Clone)]
enum Source {
    File(PathBuf),
    Text(Arc<str>),
    /// A sheet as CSV, and the workbook.
    Sheet(Arc<str>, Box<Self>),
}

/// What can be read and gone back in.
trait Reading: Read + Seek {}
impl<T: Read + Seek> Reading for T {}

impl Source {
    fn open(&self) -> Result<Box<dyn Reading>> {
        match self {
            Self::File(path) => match File::open(path) {
                Ok(file) => Ok(Box::new(file)),
                Err(error) => Err(self.unread(&error)),
            },
            Self::Text(text) | Self::Sheet(text, _) => {
                Ok(Box::new(Cursor::new(Arc::<[u8]>::from(Arc::clone(text)))))
            }
        }
    }

    /// The whole workbook.
    fn workbook(&self) -> Result<Vec<u8>> {
        let mut content = Vec::new();
        let read = self.open()?.take(MAX_WORKBOOK + 1);
        let read = { read }.read_to_end(&mut content);
        read.map_err(|error| self.unread(&error))?;
        if content.len() as u64 > MAX_WORKBOOK {
            return Err(self.wrong(format!(
                "{} is longer than {} MiB. Save the sheet as CSV in UTF-8, and import that.",
                self.name(),
                MAX_WORKBOOK >> 20
            )));
        }
        if let Self::Text(_) = self {
            // As lines or as one, with or without the signs that fill it up.
            content.retain(|sign| !sign.is_ascii_whitespace() && *sign != b'=');
            content = BASE64_NOPAD.decode(&content).map_err(|_| {
                self.wrong("text begins as a workbook in Base64, and is none to its end.")
                    .hint("Give the whole file in Base64.")
            })?;
        }
        Ok(content)
    }

    /// How much of a workbook is read.
    const fn bounds(&self) -> Bounds {
        match self {
            Self::File(_) => OF_FILE,
            Self::Text(_) | Self::Sheet(..) => OF_TEXT,
        }
    }

    /// What it is called in messages.
    fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Text(_) => "text".to_owned(),
            Self::Sheet(_, workbook) => workbook.name(),
        }
    }

    /// Says what is wrong with what stands in it.
    fn wrong(&self, message: impl Into<String>) -> Error {
        match self {
            Self::File(_) => Error::invalid("file", message),
            Self::Text(_) => Error::invalid("text", message),
            Self::Sheet(_, workbook) => workbook.wrong(message),
        }
    }

    fn unread(&self, error: &io::Error) -> Error {
        let message = format!("{} cannot be read: {error}.", self.name());
        Error::new(Code::Unavailable, message)
    }
}

/// A table that was looked through once.
pub struct Table {
    source: Source,
    encoding: Encoding,
    /// What stands between its cells.
    pub delimiter: u8,
    /// Where the headers begin, and how many lines stand before.
    start: u64,
    lines_before: u64,
    /// Rows above the headers, in which a program says something of the file.
    preamble: usize,
    /// Its headers; those without a name are called by their place.
    pub headers: Vec<String>,
    /// Rows below the headers.
    pub count: u64,
    /// Its rows, where it is no table but cards of people.
    cards: Option<Vec<Row>>,
    /// Where it is one of a workbook.
    sheet: Option<Place>,
}

/// Where in a workbook a table stands.
struct Place {
    sheet: String,
    others: Vec<String>,
    /// The rows of the sheet in which its rows stand.
    lines: Vec<u64>,
}

impl Table {
    /// Looks through a file.
    ///
    /// # Errors
    /// [`Code::Validation`] for what is no table; [`Code::Unavailable`] for what cannot be read.
    pub fn open(path: &Path, layout: &Layout) -> Result<Self> {
        Self::of(Source::File(path.to_owned()), layout)
    }

    /// Looks through what stands in a file; of a workbook its Base64.
    ///
    /// # Errors
    /// [`Code::Validation`] for what is no table.
    pub fn of_text(text: &str, layout: &Layout) -> Result<Self> {
        let layout = Layout {
            encoding: Some(Encoding::Utf8),
            ..layout.clone()
        };
        Self::of(Source::Text(text.into()), &layout)
    }

    fn of(source: Source, layout: &Layout) -> Result<Self> {
        let mut head = Vec::new();
        let mut reader = source.open()?;
        let read = (&mut reader).take(1 << 16).read_to_end(&mut head);
        read.map_err(|error| source.unread(&error))?;
        let name = source.name();
        if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
            let message = format!("{name} is encoded in UTF-16. Save it as CSV in UTF-8.");
            return Err(source.wrong(message));
        }
        match begins_a_workbook(&source, &head) {
            Some(Book::Present) => return Self::of_workbook(source, layout),
            Some(Book::Old) => {
                let why = workbook::why_old(&source.workbook()?);
                return Err(source.wrong(format!("{name} {why}")));
            }
            Some(Book::NoText) => {
                let message = "text is a workbook or another archive, and no text.";
                return Err(source
                    .wrong(message)
                    .hint("Give an Excel workbook (.xlsx) in Base64."));
            }
            None => {}
        }
        if layout.sheet.is_some() {
            let message = format!("{name} has no sheets: it is no Excel workbook (.xlsx).");
            return Err(source.wrong(message));
        }
        if let Some(kind) = other_kind(&head) {
            return Err(source.wrong(format!(
                "{name} is {kind}, not CSV. Save it as CSV in UTF-8, and import that."
            )));
        }
        if begins_a_card(&head) {
            return Self::of_cards(source, reader, head);
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
        let delimiter = layout
            .delimiter
            .or(said.map(|(sign, _)| sign))
            .unwrap_or_else(|| likely_delimiter(rest));
        let mut table = Self {
            source,
            encoding: layout.encoding.unwrap_or(Encoding::Utf8),
            delimiter,
            start: (mark + skipped) as u64,
            lines_before: u64::from(said.is_some()),
            headers: Vec::new(),
            preamble: 0,
            count: 0,
            cards: None,
            sheet: None,
        };
        table.survey(layout.encoding.is_none())?;
        Ok(table)
    }

    /// Reads a sheet of a workbook.
    fn of_workbook(source: Source, layout: &Layout) -> Result<Self> {
        let content = source.workbook()?;
        let read = workbook::read(&content, layout, source.bounds());
        drop(content);
        let Sheet {
            name,
            others,
            csv,
            lines,
        } = read.map_err(|why| source.wrong(format!("{} {why}", source.name())))?;
        let mut table = Self {
            source: Source::Sheet(csv.into(), Box::new(source)),
            encoding: Encoding::Utf8,
            delimiter: b',',
            start: 0,
            lines_before: 0,
            headers: Vec::new(),
            preamble: 0,
            count: 0,
            cards: None,
            sheet: Some(Place {
                sheet: name,
                others,
                lines,
            }),
        };
        table.survey(false)?;
        Ok(table)
    }

    /// Reads cards of people: each is a row.
    fn of_cards(source: Source, mut rest: Box<dyn Reading>, head: Vec<u8>) -> Result<Self> {
        let mut content = head;
        let read = (&mut rest).take(MAX_CARDS).read_to_end(&mut content);
        read.map_err(|error| source.unread(&error))?;
        if content.len() as u64 >= MAX_CARDS {
            let message = format!("{} is longer than 64 MiB. Split it.", source.name());
            return Err(source.wrong(message));
        }
        let (headers, rows) = cards(&String::from_utf8_lossy(&content));
        Ok(Self {
            source,
            encoding: Encoding::Utf8,
            delimiter: b',',
            start: 0,
            lines_before: 0,
            preamble: 0,
            headers,
            count: rows.len() as u64,
            cards: Some(rows),
            sheet: None,
        })
    }

    /// The sheet of a workbook that it is, and the others that have rows.
    #[must_use]
    pub fn sheet(&self) -> Option<(&str, &[String])> {
        let place = self.sheet.as_ref()?;
        Some((&place.sheet, &place.others))
    }

    /// Whether it was made of cards of people.
    #[must_use]
    pub fn is_of_cards(&self) -> bool {
        self.cards.is_some()
    }

    /// Reads the headers, counts the rows, and sees whether all of it is UTF-8.
    fn survey(&mut self, look: bool) -> Result<()> {
        let (mut reader, allowance) = self.reader()?;
        let mut record = csv::ByteRecord::new();
        let mut is_utf8 = true;
        let mut first: Vec<csv::ByteRecord> = Vec::new();
        let mut rows = 0;
        loop {
            allowance.set(MAX_ROW);
            match reader.read_byte_record(&mut record) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => return Err(self.unreadable(&error)),
            }
            is_utf8 = is_utf8 && std::str::from_utf8(record.as_slice()).is_ok();
            rows += 1;
            if first.len() < LOOKED_AT {
                first.push(record.clone());
            }
        }
        self.preamble = preamble(&first, self.sheet.is_some());
        self.count = u64::saturating_sub(rows, self.preamble as u64 + 1);
        let headers = first.into_iter().nth(self.preamble);
        if look && !is_utf8 {
            self.encoding = Encoding::Windows1252;
        }
        let name = self.source.name();
        let headers = headers.ok_or_else(|| {
            let message = format!("{name} is empty: its first row has to be the headers.");
            self.source.wrong(message)
        })?;
        if headers.len() > MAX_COLUMNS {
            return Err(self.source.wrong(format!(
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
        let mut file = self.source.open()?;
        let there = file.seek(SeekFrom::Start(self.start));
        there.map_err(|error| self.source.unread(&error))?;
        let allowance = Rc::new(Cell::new(MAX_ROW));
        let limited = Limited {
            file,
            allowance: Rc::clone(&allowance),
            breaks: Rc::default(),
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
    ///
    /// # Errors
    /// [`Code::Unavailable`] where it cannot be read any more.
    pub fn rows(&self) -> Result<Box<dyn Iterator<Item = Result<Row>> + '_>> {
        if let Some(cards) = &self.cards {
            return Ok(Box::new(cards.iter().cloned().map(Ok)));
        }
        let (mut reader, allowance) = self.reader()?;
        let breaks = Rc::clone(&reader.get_ref().breaks);
        let mut record = csv::ByteRecord::new();
        for _ in 0..=self.preamble {
            allowance.set(MAX_ROW);
            reader
                .read_byte_record(&mut record)
                .map_err(|error| self.unreadable(&error))?;
        }
        let lines = self.sheet.iter().flat_map(|sheet| &sheet.lines);
        let mut lines = lines.skip(self.preamble + 1);
        Ok(Box::new(std::iter::from_fn(move || {
            loop {
                allowance.set(MAX_ROW);
                match reader.read_byte_record(&mut record) {
                    Ok(true) => {}
                    Ok(false) => return None,
                    Err(error) => return Some(Err(self.unreadable(&error))),
                }
                let begin = record.position().map_or(0, csv::Position::byte);
                let line = breaks.borrow_mut().line_at(begin);
                let line = lines.next().copied().unwrap_or(line);
                let row = self.row(&record, line);
                // What a spreadsheet leaves of rows that were emptied.
                if row.wrong.is_some() || row.cells.iter().any(|cell| !cell.trim().is_empty()) {
                    return Some(Ok(row));
                }
            }
        })))
    }

    fn row(&self, record: &csv::ByteRecord, line: u64) -> Row {
        let mut row = Row {
            line: line + self.lines_before,
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
        if is_sum(&row.cells) {
            row.wrong
                .get_or_insert("It looks like the sum below a table, not like a record.".into());
        }
        let width = self.headers.len();
        if self.sheet.is_some() && row.cells.len() < width {
            // A sheet has a cell in every column, and says only what stands in some.
            row.cells.resize(width, String::new());
        }
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
            format!("{} cannot be read{near}: {error}.", self.source.name()),
        )
    }

    /// What was found out about it, for a person.
    #[must_use]
    pub fn describe(&self) -> String {
        let (name, count) = (self.source.name(), self.count);
        if self.is_of_cards() {
            return format!("{name}: {count} vCards.");
        }
        if let Some(described) = self.describe_sheet() {
            return format!("{name}: {count} rows. {described}");
        }
        let encoding = match self.encoding {
            Encoding::Utf8 => "UTF-8",
            Encoding::Windows1252 => "Windows-1252",
        };
        let sign = match self.delimiter {
            b'\t' => "tabs".to_owned(),
            other => format!("\"{}\"", char::from(other)),
        };
        format!("{name}: {count} rows in {encoding}, separated by {sign}.")
    }
}

impl Table {
    /// Which sheet of a workbook it is, for a person.
    #[must_use]
    pub fn describe_sheet(&self) -> Option<String> {
        let (sheet, others) = self.sheet()?;
        let mut described = format!("They are read from the sheet {}.", quoted(sheet));
        if !others.is_empty() {
            let others: Vec<String> = others.iter().map(|other| quoted(other)).collect();
            let others = others.join(", ");
            described.push_str(&format!(
                " --sheet reads another one that has rows: {others}."
            ));
        }
        Some(described)
    }
}

/// Rows among which the headers are looked for.
const LOOKED_AT: usize = 10;

/// How many rows stand above the headers: a sentence or two, each in one cell, where wider rows follow. In a sheet that cell may
/// stand in any column.
fn preamble(first: &[csv::ByteRecord], is_sheet: bool) -> usize {
    let filled = |row: &csv::ByteRecord| {
        row.iter()
            .filter(|cell| !cell.trim_ascii().is_empty())
            .count()
    };
    let is_alone = first
        .first()
        .is_some_and(|row| row.len() == 1 || is_sheet && filled(row) == 1);
    let headers = first.iter().position(|row| filled(row) >= 3);
    headers.filter(|_| is_alone).unwrap_or(0)
}

/// What kind of workbook a file is.
enum Book {
    /// An archive, as Excel writes since 2007.
    Present,
    /// What it wrote before, and writes for workbooks with a password.
    Old,
    /// One of them whose bytes were taken for text.
    NoText,
}

/// What kind of workbook this is, by how it begins; of a text its Base64.
fn begins_a_workbook(source: &Source, head: &[u8]) -> Option<Book> {
    let text = head.trim_ascii_start();
    match source {
        Source::File(_) if head.starts_with(b"PK\x03\x04") => Some(Book::Present),
        Source::File(_) if head.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) => Some(Book::Old),
        Source::Text(_) if text.starts_with(b"UEsDB") => Some(Book::Present),
        Source::Text(_) if text.starts_with(b"0M8R4KGx") => Some(Book::Old),
        Source::Text(_) if text.starts_with(b"PK\x03\x04") => Some(Book::NoText),
        _ => None,
    }
}

/// What a file is that is no text, where it is known by how it begins.
fn other_kind(head: &[u8]) -> Option<&'static str> {
    const KINDS: &[(&[u8], &str)] = &[
        (b"%PDF", "a PDF"),
        // The same as a program sends it that has only texts to send.
        (b"JVBERi", "a PDF"),
        (b"SQLite format 3", "a database"),
    ];
    let text = head.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(head);
    let mut kinds = KINDS.iter();
    let known = kinds.find(|(begin, _)| text.trim_ascii_start().starts_with(begin));
    known
        .map(|(_, kind)| *kind)
        .or_else(|| head.contains(&0).then_some("no text"))
}

/// Whether a file holds cards of people (vCard).
fn begins_a_card(head: &[u8]) -> bool {
    const BEGIN: &[u8] = b"BEGIN:VCARD";
    let text = head.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(head);
    let text = text.trim_ascii_start();
    text.get(..BEGIN.len())
        .is_some_and(|begin| begin.eq_ignore_ascii_case(BEGIN))
}

/// Whether a row is the sum that a spreadsheet has below a table: it is called so, and there are only numbers beside.
fn is_sum(cells: &[String]) -> bool {
    const CALLED: &[&str] = &[
        "sum",
        "summe",
        "gesamt",
        "gesamtsumme",
        "total",
        "grand total",
        "somme",
        "totale",
        "totaal",
        "suma",
    ];
    let mut filled = cells
        .iter()
        .map(|cell| cell.trim())
        .filter(|cell| !cell.is_empty());
    let is_called = filled.next().is_some_and(|first| {
        let first = first.trim_end_matches(':').to_lowercase();
        CALLED.contains(&first.as_str())
    });
    let is_number = |cell: &str| {
        cell.chars().any(|c| c.is_ascii_digit())
            && cell
                .chars()
                .all(|c| c.is_ascii_digit() || " .,'-+€$£%".contains(c))
    };
    is_called && cells.len() > 1 && filled.all(is_number)
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

/// What no more is read of between two rows than a row may have.
struct Limited {
    file: Box<dyn Reading>,
    allowance: Rc<Cell<u64>>,
    breaks: Rc<RefCell<Breaks>>,
}

/// Where lines of a file break, as far as it was read and nobody asked for what lies behind. The reader of rows tells the line on
/// which it began to look for one, which is before the line feed behind a carriage return and before lines without anything.
#[derive(Default)]
struct Breaks {
    /// Bytes that were read.
    read: u64,
    /// Line feeds behind which nobody looks any more.
    passed: u64,
    /// Places of carriage returns and line feeds, and whether one is a line feed.
    open: VecDeque<(u64, bool)>,
}

impl Breaks {
    fn take(&mut self, bytes: &[u8]) {
        for (place, byte) in (self.read..).zip(bytes) {
            if matches!(byte, b'\r' | b'\n') {
                self.open.push_back((place, *byte == b'\n'));
            }
        }
        self.read += bytes.len() as u64;
    }

    /// The line, from 1, of what begins at this place or behind the breaks that stand there. Places only grow.
    fn line_at(&mut self, mut place: u64) -> u64 {
        while let Some((at, is_feed)) = self.open.front().copied().filter(|(at, _)| *at <= place) {
            self.open.pop_front();
            self.passed += u64::from(is_feed);
            if at == place {
                place += 1;
            }
        }
        self.passed + 1
    }
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
        if let Some(bytes) = buffer.get(..read) {
            self.breaks.borrow_mut().take(bytes);
        }
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
