//! Workbooks (.xlsx): a sheet of one, as the CSV that it would be saved as.
//!
//! A workbook is an archive, which can be small and unpack to more than memory holds, and it says itself how many of everything
//! there are. So it is looked over before it is read: what it unpacks to is counted, and what its reader takes its word for has
//! to agree with that.

use std::fmt::Write as _;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{DataRef, ExcelDateTime, Reader as _, SheetType, SheetVisible, Xlsx, XlsxError};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Timelike as _};
use quick_xml::events::Event;
use zip::ZipArchive;

use super::table::{Layout, MAX_CELL, MAX_COLUMNS, MAX_ROW};
use crate::types::text::quoted;

/// How much of a workbook is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Bytes that it unpacks to.
    pub(super) unpacked: u64,
    /// Bytes of the sheet as CSV.
    pub(super) csv: usize,
}

/// Parts of an archive.
const MAX_PARTS: usize = 10_000;
/// Sheets of a workbook that are looked at, and that a message names.
const MAX_SHEETS: usize = 200;
/// Bytes that the texts of its cells unpack to, which are held in memory.
const MAX_TEXTS: u64 = 64 << 20;
/// Bytes that its styles come to when each has a copy of the longest name, as its reader makes them.
const MAX_STYLES: u64 = 128 << 20;

/// A sheet as a table.
#[derive(Debug)]
pub(super) struct Sheet {
    /// What it is called.
    pub(super) name: String,
    /// The other sheets that have rows.
    pub(super) others: Vec<String>,
    /// Its rows that are not empty, each without the empty cells at its end.
    pub(super) csv: String,
    /// Where each of them stands in the sheet, from 1.
    pub(super) lines: Vec<u64>,
}

const NO_WORKBOOK: &str = "is an archive, and no Excel workbook (.xlsx). Save the sheet as .xlsx, or as CSV in UTF-8, and import that.";
const BINARY: &str =
    "is a binary Excel workbook (.xlsb). Save it as .xlsx, or as CSV in UTF-8, and import that.";
const DAMAGED: &str = "is an Excel workbook that cannot be read: it is damaged, or not as Excel writes them. Open it in Excel and save it anew, or save the \
     sheet as CSV in UTF-8, and import that.";
const PROTECTED: &str = "is an Excel workbook with a password. Open it in Excel, take the password away, save it, and import that.";
const AS_CSV: &str = "Save the sheet as CSV in UTF-8, and import that.";
const OLD: &str =
    "is an old Excel workbook (.xls). Save it as .xlsx, or as CSV in UTF-8, and import that.";

/// Reads the sheet that is asked for, or the first that has rows.
///
/// # Errors
/// Why it is not read and what to do, as the end of a sentence about it. Of what stands in it only the names of sheets are said, and
/// only to who named one.
pub(super) fn read(content: &[u8], layout: &Layout, bounds: Bounds) -> Result<Sheet, String> {
    // Its reader is the work of others on what strangers made: where that gives up, the workbook is refused.
    let read = catch_unwind(AssertUnwindSafe(|| {
        look_over(content, bounds)?;
        read_sheet(content, layout, bounds)
    }));
    read.unwrap_or_else(|_| Err(DAMAGED.to_owned()))
}

/// What an old workbook is, or one in the same box with a password.
pub(super) fn why_old(content: &[u8]) -> &'static str {
    let mut name = "EncryptedPackage".bytes().flat_map(|byte| [byte, 0]);
    let name: [u8; 32] = std::array::from_fn(|_| name.next().unwrap_or_default());
    if content.windows(name.len()).any(|some| some == name) {
        PROTECTED
    } else {
        OLD
    }
}

fn too_much(bounds: Bounds) -> String {
    format!(
        "unpacks to more than {} MiB. {AS_CSV}",
        bounds.unpacked >> 20
    )
}

/// Refuses an archive that unpacks to too much, or whose reader would make too much of it.
fn look_over(content: &[u8], bounds: Bounds) -> Result<(), String> {
    let damaged = || DAMAGED.to_owned();
    let mut archive = ZipArchive::new(Cursor::new(content)).map_err(|_| damaged())?;
    if archive.len() > MAX_PARTS {
        return Err(format!("has more than {MAX_PARTS} parts. {AS_CSV}"));
    }
    let mut left = bounds.unpacked;
    let mut is_package = false;
    for index in 0..archive.len() {
        let name = archive
            .name_for_index(index)
            .and_then(Result::ok)
            .ok_or_else(damaged)?;
        let name = name.to_ascii_lowercase();
        is_package = is_package || name == "[content_types].xml";
        if name.ends_with("workbook.bin") {
            return Err(BINARY.to_owned());
        }
        let part = archive.by_index(index).map_err(|_| damaged())?;
        let read = io::copy(&mut part.take(left + 1), &mut io::sink());
        let unpacked = read.map_err(|_| damaged())?;
        left = left.checked_sub(unpacked).ok_or_else(|| too_much(bounds))?;
        let is_texts = name.ends_with("sharedstrings.xml");
        if is_texts && unpacked > MAX_TEXTS {
            return Err(too_much(Bounds {
                unpacked: MAX_TEXTS,
                ..bounds
            }));
        }
        if is_texts || name.ends_with("styles.xml") {
            let part = archive.by_index(index).map_err(|_| damaged())?;
            let known = claims(BufReader::new(part)).map_err(|_| damaged())?;
            // Each text and each style takes more than four bytes to write.
            let is_true = known.texts <= unpacked / 4;
            if !is_true || known.styles.saturating_mul(known.longest) > MAX_STYLES {
                return Err(damaged());
            }
        }
    }
    if !is_package {
        return Err(NO_WORKBOOK.to_owned());
    }
    Ok(())
}

/// What a part says of itself.
#[derive(Default)]
struct Claims {
    /// How many texts there are to be.
    texts: u64,
    /// Styles of cells.
    styles: u64,
    /// Bytes of the longest tag.
    longest: u64,
}

fn claims(part: impl io::BufRead) -> Result<Claims, quick_xml::Error> {
    let mut xml = quick_xml::Reader::from_reader(part);
    let mut buffer = Vec::new();
    let mut claims = Claims::default();
    // As forgiving as the reader of workbooks: what passes there is to be seen here.
    xml.config_mut().check_end_names = false;
    loop {
        buffer.clear();
        match xml.read_event_into(&mut buffer)? {
            Event::Start(tag) | Event::Empty(tag) => {
                claims.longest = claims.longest.max(tag.len() as u64);
                match tag.local_name().as_ref() {
                    "xf" => claims.styles += 1,
                    "sst" => {
                        for attribute in tag.attributes() {
                            let attribute = attribute?;
                            if attribute.key.as_ref().contains("uniqueCount") {
                                // What is no number reserves nothing.
                                let count = attribute.value.trim().parse().unwrap_or(0);
                                claims.texts = claims.texts.max(count);
                            }
                        }
                    }
                    _ => {}
                }
            }
            Event::Eof => return Ok(claims),
            _ => {}
        }
    }
}

/// The archive for the reader of workbooks, which goes back in it for each sheet: many sheets that are one and the same part are
/// not read without end.
struct Archive<'a> {
    content: Cursor<&'a [u8]>,
    /// Bytes that may be read yet.
    left: u64,
}

impl<'a> Archive<'a> {
    fn new(content: &'a [u8]) -> Self {
        Self {
            content: Cursor::new(content),
            left: content.len() as u64 * 4 + (1 << 18),
        }
    }
}

impl Read for Archive<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(buffer)?;
        let left = self.left.checked_sub(read as u64);
        self.left = left.ok_or_else(|| io::Error::other("it is read over and over"))?;
        Ok(read)
    }
}

impl Seek for Archive<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.content.seek(to)
    }
}

fn refused(error: &XlsxError) -> String {
    match error {
        XlsxError::Password => PROTECTED,
        XlsxError::FileNotFound(_) | XlsxError::RelationshipNotFound => NO_WORKBOOK,
        _ => DAMAGED,
    }
    .to_owned()
}

fn read_sheet(content: &[u8], layout: &Layout, bounds: Bounds) -> Result<Sheet, String> {
    let mut book = Xlsx::new(Archive::new(content)).map_err(|error| refused(&error))?;
    let sheets = book.sheets_metadata().iter();
    let sheets = sheets.filter(|sheet| sheet.typ == SheetType::WorkSheet);
    let mut sheets: Vec<(bool, String)> = sheets
        .take(MAX_SHEETS)
        .map(|sheet| (sheet.visible != SheetVisible::Visible, sheet.name.clone()))
        .collect();
    let named = match &layout.sheet {
        None => None,
        Some(asked) => {
            let mut names = sheets.iter().map(|(_, name)| name);
            let found = names.clone().find(|name| *name == asked);
            let asked = asked.trim().to_lowercase();
            let found = found.or_else(|| names.find(|name| name.trim().to_lowercase() == asked));
            let found = found.cloned();
            Some(found.ok_or_else(|| {
                let names: Vec<String> = sheets.iter().map(|(_, name)| quoted(name)).collect();
                format!("has no sheet of this name. It has: {}.", names.join(", "))
            })?)
        }
    };
    // What somebody hid is read only where nothing else has rows.
    sheets.sort_by_key(|(is_hidden, _)| *is_hidden);
    let mut with_rows = Vec::new();
    for (is_hidden, name) in &sheets {
        if !(*is_hidden && with_rows.iter().any(|(hidden, _)| !hidden))
            && named.as_ref() != Some(name)
            && has_rows(&mut book, name)?
        {
            with_rows.push((*is_hidden, name.clone()));
        }
    }
    let mut others: Vec<String> = with_rows.into_iter().map(|(_, name)| name).collect();
    let name = match named {
        Some(name) => name,
        None if others.is_empty() => String::new(),
        None => others.remove(0),
    };
    let mut rows = Rows::new(layout, bounds);
    if !name.is_empty() {
        read_rows(&mut book, &name, &mut rows)?;
    }
    let csv = rows.csv.into_inner().map_err(|_| DAMAGED.to_owned())?;
    Ok(Sheet {
        name,
        others,
        csv: String::from_utf8(csv).map_err(|_| DAMAGED.to_owned())?,
        lines: rows.lines,
    })
}

fn has_rows(book: &mut Xlsx<Archive<'_>>, name: &str) -> Result<bool, String> {
    let mut cells = match book.worksheet_cells_reader(name) {
        Ok(cells) => cells,
        Err(XlsxError::NotAWorksheet(_) | XlsxError::WorksheetNotFound(_)) => return Ok(false),
        Err(error) => return Err(refused(&error)),
    };
    loop {
        match cells.next_cell() {
            Ok(Some(cell)) if is_empty(cell.get_value()) => {}
            Ok(cell) => return Ok(cell.is_some()),
            // An error that its reader does not know.
            Err(XlsxError::CellError(_)) => return Ok(true),
            Err(error) => return Err(refused(&error)),
        }
    }
}

fn is_empty(value: &DataRef<'_>) -> bool {
    match value {
        DataRef::Empty => true,
        DataRef::String(text) => text.trim().is_empty(),
        DataRef::SharedString(text) => text.trim().is_empty(),
        _ => false,
    }
}

fn read_rows(book: &mut Xlsx<Archive<'_>>, name: &str, rows: &mut Rows<'_>) -> Result<(), String> {
    let cells = book.worksheet_cells_reader(name);
    let mut cells = cells.map_err(|error| refused(&error))?;
    let formats = cells.styles().iter();
    let formats: Vec<Format> = formats
        .map(|style| {
            let format = style.number_format.as_ref();
            format.map_or(Format::Plain, |format| Format::of(&format.format_code))
        })
        .collect();
    loop {
        let (cell, style) = match cells.next_cell_with_style_id() {
            Ok(Some(cell)) => cell,
            Ok(None) => break,
            // An error that its reader does not know is none that anybody wants to keep: the cell stays empty.
            Err(XlsxError::CellError(_)) => continue,
            Err(error) => return Err(refused(&error)),
        };
        let (row, column) = cell.get_position();
        let format = formats.get(style).copied().unwrap_or_default();
        rows.add(row, column as usize, cell.get_value(), format)?;
    }
    rows.end()
}

/// How a number is shown, as far as it says what is meant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Format {
    #[default]
    Plain,
    /// In percent.
    Percent,
    /// With zeros before it, to so many figures.
    Padded(usize),
}

impl Format {
    fn of(code: &str) -> Self {
        if code.len() > 1 && code.len() < 20 && code.bytes().all(|sign| sign == b'0') {
            return Self::Padded(code.len());
        }
        let mut signs = code.chars();
        let mut is_quoted = false;
        while let Some(sign) = signs.next() {
            match sign {
                '"' => is_quoted = !is_quoted,
                '\\' | '_' | '*' if !is_quoted => drop(signs.next()),
                ';' if !is_quoted => break,
                '%' if !is_quoted => return Self::Percent,
                _ => {}
            }
        }
        Self::Plain
    }
}

/// The rows as they are collected.
struct Rows<'a> {
    layout: &'a Layout,
    bounds: Bounds,
    csv: csv::Writer<Vec<u8>>,
    lines: Vec<u64>,
    /// The row that is read.
    row: u32,
    cells: Vec<String>,
}

impl<'a> Rows<'a> {
    fn new(layout: &'a Layout, bounds: Bounds) -> Self {
        Self {
            layout,
            bounds,
            csv: csv::WriterBuilder::new()
                .flexible(true)
                .from_writer(Vec::new()),
            lines: Vec::new(),
            row: 0,
            cells: Vec::new(),
        }
    }

    fn add(
        &mut self,
        row: u32,
        column: usize,
        value: &DataRef<'_>,
        format: Format,
    ) -> Result<(), String> {
        if row != self.row {
            self.end()?;
            self.row = row;
        }
        if is_empty(value) {
            return Ok(());
        }
        if column >= MAX_COLUMNS {
            return Err(format!(
                "has cells beyond column {MAX_COLUMNS}, which are not read. Delete them, or save the sheet as CSV in UTF-8."
            ));
        }
        let text = self.text(value, format);
        if self.cells.len() <= column {
            self.cells.resize(column + 1, String::new());
        }
        if let Some(cell) = self.cells.get_mut(column) {
            *cell = text;
        }
        Ok(())
    }

    /// Ends a row.
    fn end(&mut self) -> Result<(), String> {
        let cells = std::mem::take(&mut self.cells);
        if cells.is_empty() {
            return Ok(());
        }
        let length: usize = cells.iter().map(String::len).sum();
        // Quotation marks in it are written twice.
        if length as u64 > MAX_ROW / 3 {
            return Err(format!("has more than 5 MiB in a row. {AS_CSV}"));
        }
        self.csv
            .write_record(&cells)
            .map_err(|_| DAMAGED.to_owned())?;
        self.lines.push(u64::from(self.row) + 1);
        if self.csv.get_ref().len() > self.bounds.csv {
            let most = self.bounds.csv >> 20;
            return Err(format!(
                "has more than {most} MiB of text in a sheet. {AS_CSV}"
            ));
        }
        Ok(())
    }

    /// What a cell says, as the importer reads it.
    fn text(&self, value: &DataRef<'_>, format: Format) -> String {
        match value {
            DataRef::Empty => String::new(),
            DataRef::String(text) | DataRef::DurationIso(text) => within(text),
            DataRef::SharedString(text) => within(text),
            DataRef::Bool(value) => value.to_string(),
            DataRef::Int(value) => value.to_string(),
            DataRef::Float(value) => self.number(*value, format),
            DataRef::DateTime(moment) => self
                .moment(*moment)
                .unwrap_or_else(|| self.number(moment.as_f64(), Format::Plain)),
            DataRef::DateTimeIso(text) => match text.trim_end_matches('Z').parse() {
                Ok(moment) => self.local(moment),
                Err(_) => within(text),
            },
            DataRef::Error(error) => error.to_string(),
        }
    }

    /// A number with the sign before its decimals that the importer expects.
    fn number(&self, value: f64, format: Format) -> String {
        let text = match format {
            Format::Plain => figures(value),
            Format::Percent => format!("{}%", figures(value * 100.0)),
            Format::Padded(width) => {
                let text = figures(value);
                if text.bytes().all(|sign| sign.is_ascii_digit()) {
                    format!("{text:0>width$}")
                } else {
                    text
                }
            }
        };
        text.replace('.', self.layout.decimal.encode_utf8(&mut [0; 4]))
    }

    /// A day, a moment, a time of day or how long something takes; nothing for what is none of them.
    fn moment(&self, moment: ExcelDateTime) -> Option<String> {
        let value = moment.as_f64();
        // From the year 1900 to 9999.
        if !(0.0..2_958_466.0).contains(&value) {
            return None;
        }
        if moment.is_duration() {
            let seconds = (value * 86_400.0).round() as u64;
            let (minutes, seconds) = (seconds / 60, seconds % 60);
            return Some(format!("{}:{:02}:{seconds:02}", minutes / 60, minutes % 60));
        }
        let (year, month, day, hour, minute, second, milli) = moment.to_ymd_hms_milli();
        let time =
            NaiveTime::from_hms_milli_opt(hour.into(), minute.into(), second.into(), milli.into())?;
        if value < 1.0 {
            return Some(of_clock(time));
        }
        let day = NaiveDate::from_ymd_opt(year.into(), month.into(), day.into())?;
        // A fraction of a day is no exact number of seconds.
        let exact = day.and_time(time) + chrono::Duration::milliseconds(500);
        Some(self.local(exact.with_nanosecond(0)?))
    }

    /// A day, or with the time of it, where it says one.
    fn local(&self, moment: NaiveDateTime) -> String {
        if moment.time() == NaiveTime::MIN {
            return self.day(moment.date());
        }
        format!("{}T{}", moment.date(), of_clock(moment.time()))
    }

    /// A day in the form in which the importer reads days, or as ISO 8601 has it where that form would not give it back.
    fn day(&self, day: NaiveDate) -> String {
        let mut text = String::new();
        let is_written = write!(text, "{}", day.format(&self.layout.days)).is_ok();
        match NaiveDate::parse_from_str(&text, &self.layout.days) {
            Ok(again) if is_written && again == day => text,
            _ => day.to_string(),
        }
    }
}

fn of_clock(time: NaiveTime) -> String {
    let seconds = if time.second() == 0 { "" } else { ":%S" };
    time.format(&format!("%H:%M{seconds}")).to_string()
}

/// A text, as far as a cell is looked at.
fn within(text: &str) -> String {
    match text.char_indices().nth(MAX_CELL + 1) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned(),
        None => text.to_owned(),
    }
}

/// A number as a person would have typed it: with 15 figures at most, as spreadsheets show them, and without what is left of a
/// sum in binary.
fn figures(value: f64) -> String {
    /// Whole numbers up to here are exact.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() <= EXACT {
        return (value as i64).to_string();
    }
    let rounded: f64 = format!("{value:.14e}").parse().unwrap_or(value);
    rounded.to_string()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use calamine::ExcelDateTimeType;
    use rust_xlsxwriter::{ExcelDateTime as Moment, Format as Shown, Formula, Workbook, Worksheet};
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    const SMALL: Bounds = Bounds {
        unpacked: 4 << 20,
        csv: 1 << 20,
    };

    fn book(fill: impl FnOnce(&mut Worksheet)) -> Vec<u8> {
        let mut book = Workbook::new();
        fill(book.add_worksheet());
        book.save_to_buffer().unwrap()
    }

    fn rows(content: &[u8], layout: &Layout) -> Vec<Vec<String>> {
        let sheet = read(content, layout, SMALL).unwrap();
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(sheet.csv.as_bytes());
        let records = reader.records().map(Result::unwrap);
        let rows = records.map(|record| record.iter().map(str::to_owned).collect());
        rows.collect()
    }

    /// An archive of these parts, which replace those of the smallest workbook.
    fn package(parts: &[(&str, &[u8])]) -> Vec<u8> {
        let default: [(&str, &[u8]); 5] = [
            ("[Content_Types].xml", b"<Types/>"),
            (
                "_rels/.rels",
                br#"<Relationships><Relationship Id="a" Type="http://x/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
            ),
            (
                "xl/workbook.xml",
                br#"<workbook><sheets><sheet name="One" r:id="b"/></sheets></workbook>"#,
            ),
            (
                "xl/_rels/workbook.xml.rels",
                br#"<Relationships><Relationship Id="b" Type="http://x/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#,
            ),
            (
                "xl/worksheets/sheet1.xml",
                br#"<worksheet><sheetData><row r="1"><c r="A1"><v>1</v></c></row></sheetData></worksheet>"#,
            ),
        ];
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        let kept = default
            .iter()
            .filter(|(name, _)| !parts.iter().any(|(other, _)| other == name));
        for (name, content) in kept.chain(parts) {
            archive
                .start_file(*name, SimpleFileOptions::default())
                .unwrap();
            archive.write_all(content).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    fn refusal(content: &[u8]) -> String {
        read(content, &Layout::default(), SMALL).unwrap_err()
    }

    #[test]
    fn a_number_is_what_a_person_typed() {
        for (value, text) in [
            (0.1 + 0.2, "0.3"),
            (1.1 * 3.0, "3.3"),
            (1234.5, "1234.5"),
            (12.0, "12"),
            (-0.0, "0"),
            (-7.25, "-7.25"),
            (19.99 * 100.0, "1999"),
            (9_007_199_254_740_991.0, "9007199254740991"),
            (0.000_1, "0.0001"),
            (1e21, "1000000000000000000000"),
        ] {
            assert_eq!(figures(value), text);
        }
    }

    #[test]
    fn a_format_says_what_a_number_is() {
        for (code, format) in [
            ("General", Format::Plain),
            ("0.00%", Format::Percent),
            ("0\" %\"", Format::Plain),
            ("0\\%", Format::Plain),
            ("0;-0%", Format::Plain),
            ("00000", Format::Padded(5)),
            ("0", Format::Plain),
        ] {
            assert_eq!(Format::of(code), format, "{code}");
        }
    }

    #[test]
    fn a_sheet_says_what_its_csv_would() {
        let content = book(|sheet| {
            let shown = |code: &str| Shown::new().set_num_format(code);
            let day = Moment::from_ymd(2026, 11, 20).unwrap();
            let moment = day.clone().and_hms(14, 30, 0).unwrap();
            let exact = Moment::from_ymd(2026, 2, 28)
                .unwrap()
                .and_hms(23, 59, 59)
                .unwrap();
            sheet
                .write_string(1, 0, "Müller, \"Ada\"\nund Söhne")
                .unwrap();
            sheet
                .write_datetime_with_format(1, 1, &day, &shown("dd.mm.yyyy"))
                .unwrap();
            sheet
                .write_datetime_with_format(1, 2, &moment, &shown("yyyy-mm-dd hh:mm"))
                .unwrap();
            sheet
                .write_datetime_with_format(1, 3, &exact, &shown("d/m/yy h:mm:ss"))
                .unwrap();
            sheet
                .write_number_with_format(1, 4, 0.375, &shown("hh:mm"))
                .unwrap();
            sheet
                .write_number_with_format(1, 5, 1.5, &shown("[h]:mm:ss"))
                .unwrap();
            sheet
                .write_number_with_format(1, 6, 0.07, &shown("0%"))
                .unwrap();
            sheet
                .write_number_with_format(1, 7, 1067, &shown("00000"))
                .unwrap();
            sheet
                .write_number_with_format(1, 8, 1234.5, &shown("#,##0.00 €"))
                .unwrap();
            sheet.write_boolean(1, 9, true).unwrap();
            sheet
                .write_formula(1, 10, Formula::new("=1+2").set_result("3"))
                .unwrap();
            sheet
                .write_formula(1, 11, Formula::new("=A1&\"x\"").set_result("so"))
                .unwrap();
            sheet
                .write_formula(1, 12, Formula::new("=NA()").set_result("#N/A"))
                .unwrap();
            sheet.write_string(1, 13, "=1+1").unwrap();
            sheet.write_string(1, 15, "   ").unwrap();
            sheet.write_string(4, 1, "later").unwrap();
        });
        let expected = [
            "Müller, \"Ada\"\nund Söhne",
            "2026-11-20",
            "2026-11-20T14:30",
            "2026-02-28T23:59:59",
            "09:00",
            "36:00:00",
            "7%",
            "01067",
            "1234.5",
            "true",
            "3",
            "so",
            "#N/A",
            "=1+1",
        ];
        let read_so = rows(&content, &Layout::default());
        assert_eq!(read_so, [expected.to_vec(), vec!["", "later"]]);
        let sheet = read(&content, &Layout::default(), SMALL).unwrap();
        assert_eq!((sheet.name.as_str(), sheet.lines), ("Sheet1", vec![2, 5]));

        // As the importer is told to read: with a comma, and where a day would be taken for another in the form of that.
        let layout = Layout {
            decimal: ',',
            days: "%Y-%d-%m".to_owned(),
            ..Layout::default()
        };
        let row = &rows(&content, &layout)[0];
        assert_eq!((row[8].as_str(), row[1].as_str()), ("1234,5", "2026-20-11"));
        let early = book(|sheet| {
            let day = Moment::from_ymd(2026, 2, 3).unwrap();
            let shown = Shown::new().set_num_format("dd.mm.yyyy");
            sheet
                .write_datetime_with_format(0, 0, &day, &shown)
                .unwrap();
        });
        assert_eq!(rows(&early, &layout)[0], ["2026-03-02"]);
    }

    #[test]
    fn what_no_calendar_has_stays_a_number() {
        let layout = Layout::default();
        let rows = Rows::new(&layout, SMALL);
        let moment = |value| {
            let moment = ExcelDateTime::new(value, ExcelDateTimeType::DateTime, false);
            rows.moment(moment)
        };
        // The 29th of February 1900, which only spreadsheets know.
        assert_eq!(moment(60.0), None);
        assert_eq!(moment(-1.0), None);
        assert_eq!(moment(f64::NAN), None);
        assert_eq!(moment(3e6), None);
        assert_eq!(moment(61.0).as_deref(), Some("1900-03-01"));
        assert_eq!(moment(2_958_465.999_999_999).as_deref(), Some("9999-12-31"));
        let since_1904 = ExcelDateTime::new(0.0, ExcelDateTimeType::DateTime, true);
        assert_eq!(rows.moment(since_1904).as_deref(), Some("00:00"));
    }

    #[test]
    fn the_first_sheet_with_rows_is_read_or_the_one_that_is_named() {
        let mut book = Workbook::new();
        book.add_worksheet().set_name("Empty").unwrap();
        let hidden = book.add_worksheet().set_name("Hidden").unwrap();
        hidden.write_string(0, 0, "hidden").unwrap();
        hidden.set_hidden(true);
        for name in ["People", "Deals"] {
            let sheet = book.add_worksheet().set_name(name).unwrap();
            sheet.write_string(2, 0, name).unwrap();
        }
        let content = book.save_to_buffer().unwrap();
        let of = |sheet: Option<&str>| {
            let layout = Layout {
                sheet: sheet.map(str::to_owned),
                ..Layout::default()
            };
            read(&content, &layout, SMALL)
        };
        let sheet = of(None).unwrap();
        assert_eq!(sheet.name, "People");
        assert_eq!(sheet.others, ["Deals"]);
        assert_eq!(sheet.csv, "People\n");
        let sheet = of(Some(" deals")).unwrap();
        assert_eq!((sheet.csv.as_str(), sheet.lines), ("Deals\n", vec![3]));
        assert_eq!(of(Some("Hidden")).unwrap().csv, "hidden\n");
        assert_eq!(of(Some("Empty")).unwrap().csv, "");
        let says = of(Some("Leads")).unwrap_err();
        assert!(says.contains("\"People\", \"Deals\""), "{says}");
    }

    #[test]
    fn what_is_small_and_unpacks_to_much_is_refused() {
        let zeros = vec![b' '; 5 << 20];
        let content = package(&[("xl/media/image.png", &zeros)]);
        assert!(content.len() < 100_000);
        assert!(refusal(&content).starts_with("unpacks to more than 4 MiB."));

        // One text in as many cells as there is room for.
        let text = "x".repeat(30_000);
        let texts = format!("<sst><si><t>{text}</t></si></sst>");
        let mut sheet = "<worksheet><sheetData>".to_owned();
        for row in 1..=100 {
            sheet.push_str(&format!(
                r#"<row r="{row}"><c r="A{row}" t="s"><v>0</v></c></row>"#
            ));
        }
        sheet.push_str("</sheetData></worksheet>");
        let content = package(&[
            ("xl/sharedStrings.xml", texts.as_bytes()),
            ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
        ]);
        assert!(refusal(&content).contains("more than 1 MiB of text"));
    }

    #[test]
    fn a_workbook_is_not_believed_what_it_says_of_itself() {
        let count = br#"<sst uniqueCount="99999999999999"><si><t>a</t></si></sst>"#;
        // In another encoding nobody sees the number who looks at bytes.
        let other: Vec<u8> = std::str::from_utf8(count)
            .unwrap()
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let other = [vec![0xff, 0xfe], other].concat();
        for texts in [&count[..], &other] {
            let content = package(&[("xl/sharedStrings.xml", texts)]);
            assert_eq!(refusal(&content), DAMAGED);
        }
        let true_count = br#"<sst uniqueCount="1"><si><t>a</t></si></sst>"#;
        let content = package(&[("xl/sharedStrings.xml", true_count)]);
        assert_eq!(rows(&content, &Layout::default()), [["1"]]);

        let name = "n".repeat(100_000);
        let styles = format!(
            r#"<styleSheet><fonts><font><name val="{name}"/></font></fonts><cellXfs>{}</cellXfs></styleSheet>"#,
            r#"<xf fontId="0"/>"#.repeat(10_000)
        );
        let content = package(&[("xl/styles.xml", styles.as_bytes())]);
        assert_eq!(refusal(&content), DAMAGED);
    }

    #[test]
    fn many_sheets_that_are_one_part_are_not_read_without_end() {
        // Cells without anything in them, which do not pack well, so that each look into it costs.
        let cells: String = (0_u32..60_000)
            .map(|number| format!("<c s=\"{}\"/>", number.wrapping_mul(2_654_435_761)))
            .collect();
        let sheet = format!("<worksheet><sheetData><row>{cells}</row></sheetData></worksheet>");
        let sheets: String = (0..100)
            .map(|number| format!(r#"<sheet name="S{number}" r:id="b"/>"#))
            .collect();
        let sheets = format!("<workbook><sheets>{sheets}</sheets></workbook>");
        let content = package(&[
            ("xl/workbook.xml", sheets.as_bytes()),
            ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
        ]);
        assert!(content.len() > 1 << 17);
        assert_eq!(refusal(&content), DAMAGED);
    }

    #[test]
    fn what_is_no_workbook_is_told_what_to_do() {
        let old = [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
        assert!(why_old(&old).contains(".xls)"));
        let name: Vec<u8> = "EncryptedPackage"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert!(why_old(&[&old[..], &name].concat()).contains("take the password away"));
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        archive
            .start_file("mimetype", SimpleFileOptions::default())
            .unwrap();
        let other = archive.finish().unwrap().into_inner();
        assert_eq!(refusal(&other), NO_WORKBOOK);
        assert_eq!(refusal(&package(&[("xl/workbook.bin", b"")])), BINARY);
        assert_eq!(refusal(b"PK\x03\x04rest"), DAMAGED);
        assert_eq!(
            refusal(&package(&[("xl/worksheets/sheet1.xml", b"<worksheet")])),
            DAMAGED
        );
    }

    #[test]
    fn cells_lie_within_bounds() {
        let wide = br#"<worksheet><sheetData><row r="1"><c r="XFD1"><v>1</v></c></row></sheetData></worksheet>"#;
        let content = package(&[("xl/worksheets/sheet1.xml", wide)]);
        assert!(refusal(&content).contains("beyond column 1000"));
        // Where rows end is for the importer to say, which counts them.
        let far = br#"<worksheet><sheetData><row r="4000000000"><c r="B4000000000"><v>1</v></c></row></sheetData></worksheet>"#;
        let content = package(&[("xl/worksheets/sheet1.xml", far)]);
        let sheet = read(&content, &Layout::default(), SMALL).unwrap();
        assert_eq!(
            (sheet.csv.as_str(), sheet.lines),
            (",1\n", vec![4_000_000_000])
        );
        // An error that only new spreadsheets know is none that anybody wants.
        let errors = br##"<worksheet><sheetData><row r="1"><c r="A1" t="e"><v>#SPILL!</v></c><c r="B1"><v>2</v></c></row></sheetData></worksheet>"##;
        let content = package(&[("xl/worksheets/sheet1.xml", errors)]);
        assert_eq!(rows(&content, &Layout::default()), [["", "2"]]);
    }

    #[test]
    fn a_workbook_of_which_a_part_is_lost_is_refused() {
        let content = book(|sheet| {
            for row in 0..50 {
                sheet.write_string(row, 0, format!("name {row}")).unwrap();
                sheet.write_number(row, 1, f64::from(row)).unwrap();
            }
        });
        for end in (0..content.len()).step_by(101) {
            assert!(read(&content[..end], &Layout::default(), SMALL).is_err());
        }
    }
}
