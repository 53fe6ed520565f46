//! An export as an Excel workbook (.xlsx): a sheet whose days are days and whose amounts are numbers, and whose texts are never
//! formulas.

use std::io::{self, Write};

use chrono::{Datelike as _, NaiveDate};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};
use serde_json::{Map, Value as Data};

use super::{Column, Holds, text, value};
use crate::import::{escaped, unescaped};
use crate::types::money::Currency;

/// Rows below the header that a sheet can have.
const MAX_ROWS: u64 = 1_048_575;
/// Characters of a cell, as UTF-16 counts them.
const MAX_CELL: usize = 32_767;
/// Figures of a number that a spreadsheet keeps.
const MAX_FIGURES: usize = 15;

/// A workbook that is being written. Its rows wait in a file without a name, so memory does not grow with them.
pub(super) struct Book {
    book: Workbook,
    day: Format,
}

impl Book {
    pub(super) fn begin(columns: &[Column]) -> io::Result<Self> {
        let mut book = Workbook::new();
        // The same records are the same file: who reads a document twice has one.
        let made = ExcelDateTime::from_ymd(2000, 1, 1).map_err(failed)?;
        book.set_properties(&DocProperties::new().set_creation_datetime(&made));
        let sheet = book.add_worksheet_with_constant_memory().map_err(failed)?;
        sheet.set_freeze_panes(1, 0).map_err(failed)?;
        let bold = Format::new().set_bold();
        for (place, column) in (0_u16..).zip(columns) {
            // A day needs more room than a column has by itself.
            let width = column.name.chars().count().clamp(10, 38) + 2;
            sheet
                .set_column_width(place, width as f64)
                .and_then(|sheet| sheet.write_string_with_format(0, place, &column.name, &bold))
                .map_err(failed)?;
        }
        Ok(Self {
            book,
            day: Format::new().set_num_format("yyyy-mm-dd"),
        })
    }

    /// Adds a record below so many others, and says about how many bytes it is.
    pub(super) fn add(
        &mut self,
        columns: &[Column],
        rows: u64,
        record: &Map<String, Data>,
    ) -> io::Result<usize> {
        /// Of a cell beside its text.
        const CELL: usize = 8;
        let mut bytes = 0;
        let row = u32::try_from(rows + 1).ok().filter(|_| rows < MAX_ROWS);
        let row = row.ok_or_else(|| too_much("A workbook holds 1,048,575 records at most."))?;
        let sheet = self.book.worksheet_from_index(0).map_err(failed)?;
        let currency = record.get("currency").and_then(Data::as_str);
        let currency = currency.and_then(|code| code.parse::<Currency>().ok());
        let digits = currency.map_or(0, |currency| currency.digits() as usize);
        for (place, column) in (0_u16..).zip(columns) {
            let Some(value) = value(record, &column.name) else {
                continue;
            };
            bytes += CELL + value.as_str().map_or(0, str::len);
            match (value, column.holds) {
                (Data::Null, _) => {}
                (Data::Bool(value), _) => {
                    sheet.write_boolean(row, place, *value).map_err(failed)?;
                }
                (Data::String(day), Holds::Day) => match moment(day) {
                    Some(moment) => {
                        let written =
                            sheet.write_datetime_with_format(row, place, &moment, &self.day);
                        written.map_err(failed)?;
                    }
                    None => write_text(sheet, row, place, day)?,
                },
                (Data::String(amount), Holds::Figures | Holds::Money) => match figures(amount) {
                    Some((number, decimals)) => {
                        let least = match column.holds {
                            Holds::Money => digits,
                            _ => 0,
                        };
                        let decimals = decimals.max(least);
                        let shown = Format::new().set_num_format(shown_with(decimals));
                        let written = sheet.write_number_with_format(row, place, number, &shown);
                        written.map_err(failed)?;
                    }
                    None => write_text(sheet, row, place, amount)?,
                },
                (Data::Number(number), _) => {
                    let text = number.to_string();
                    match number.as_f64().filter(|_| has_few_figures(&text)) {
                        Some(number) => {
                            sheet.write_number(row, place, number).map_err(failed)?;
                        }
                        None => write_text(sheet, row, place, &text)?,
                    }
                }
                (other, _) => {
                    let text = text(other);
                    bytes += text.len();
                    write_text(sheet, row, place, &text)?;
                }
            }
        }
        Ok(bytes)
    }

    pub(super) fn end(&mut self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&self.book.save_to_buffer().map_err(failed)?)
    }
}

/// Writes a text such that an import reads the same: one that looks as if a formula had been made harmless in it is made so once more.
fn write_text(sheet: &mut Worksheet, row: u32, place: u16, text: &str) -> io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let kept = if unescaped(text) == text {
        text.into()
    } else {
        escaped(text)
    };
    if kept.encode_utf16().count() > MAX_CELL {
        return Err(too_much(
            "A text has more than 32,767 characters, and no cell of a workbook holds it.",
        ));
    }
    sheet
        .write_string(row, place, kept)
        .map_err(failed)
        .map(drop)
}

/// A day as a spreadsheet counts them; none before they begin to.
fn moment(day: &str) -> Option<ExcelDateTime> {
    let day: NaiveDate = day.parse().ok()?;
    let year = u16::try_from(day.year()).ok().filter(|year| *year > 1900)?;
    ExcelDateTime::from_ymd(year, day.month() as u8, day.day() as u8).ok()
}

/// A number, and how many decimals it is written with.
fn figures(text: &str) -> Option<(f64, usize)> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|sign| sign.is_ascii_digit());
    let is_plain = !whole.is_empty() && all_digits(whole) && all_digits(decimals);
    let number = text.parse().ok()?;
    (is_plain && has_few_figures(text)).then_some((number, decimals.len()))
}

fn has_few_figures(text: &str) -> bool {
    text.bytes().filter(u8::is_ascii_digit).count() <= MAX_FIGURES
}

fn shown_with(decimals: usize) -> String {
    match decimals {
        0 => "#,##0".to_owned(),
        decimals => format!("#,##0.{}", "0".repeat(decimals)),
    }
}

fn too_much(message: &str) -> io::Error {
    let message = format!("{message} Write CSV (or JSON) instead");
    io::Error::new(io::ErrorKind::InvalidData, message)
}

fn failed(error: XlsxError) -> io::Error {
    match error {
        XlsxError::IoError(error) => error,
        other => io::Error::other(other),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read as _};

    use serde_json::json;
    use zip::ZipArchive;

    use super::*;
    use crate::import::{Layout, Table};

    fn column(name: &str, holds: Holds) -> Column {
        Column {
            name: name.to_owned(),
            holds,
        }
    }

    fn written(columns: &[Column], records: &[Data]) -> Vec<u8> {
        let mut book = Book::begin(columns).unwrap();
        for (rows, record) in (0..).zip(records) {
            let record = record.as_object().unwrap();
            book.add(columns, rows, record).unwrap();
        }
        let mut out = Vec::new();
        book.end(&mut out).unwrap();
        out
    }

    /// The cells of records below their headers, as an import sees them.
    fn read_again(columns: &[Column], records: &[Data]) -> Vec<Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("book.xlsx");
        std::fs::write(&path, written(columns, records)).unwrap();
        let table = Table::open(&path, &Layout::default()).unwrap();
        let names: Vec<&String> = columns.iter().map(|column| &column.name).collect();
        assert_eq!(table.headers.iter().collect::<Vec<_>>(), names);
        let rows = table.rows().unwrap().map(Result::unwrap);
        rows.map(|row| row.cells).collect()
    }

    #[test]
    fn days_are_days_and_amounts_are_numbers() {
        let columns = [
            column("day", Holds::Day),
            column("amount", Holds::Money),
            column("phone", Holds::Any),
            column("count", Holds::Any),
            column("done", Holds::Any),
            column("tags", Holds::Any),
            column("attributes.size", Holds::Any),
        ];
        let records = [
            json!({ "day": "2026-11-20", "amount": "1200.5", "currency": "EUR", "phone": "0301", "count": 7, "done": false,
                "tags": ["a", "b"], "attributes": { "size": 1.5 } }),
            json!({ "day": "1815-12-10", "amount": "12345678901234567.89", "phone": "=1+1", "count": 12345678901234567_i64,
                "done": null, "tags": [], "attributes": {} }),
        ];
        let rows = read_again(&columns, &records);
        assert_eq!(
            rows[0],
            ["2026-11-20", "1200.5", "0301", "7", "false", "a; b", "1.5"]
        );
        // What a spreadsheet would make something else of is text.
        let kept = [
            "1815-12-10",
            "12345678901234567.89",
            "=1+1",
            "12345678901234567",
            "",
            "",
            "",
        ];
        assert_eq!(rows[1], kept);
        let mut archive = ZipArchive::new(Cursor::new(written(&columns, &records))).unwrap();
        let mut part = |name: &str| {
            let mut text = String::new();
            let mut part = archive.by_name(name).unwrap();
            part.read_to_string(&mut text).unwrap();
            text
        };
        let sheet = part("xl/worksheets/sheet1.xml");
        assert!(sheet.contains(r#"state="frozen""#), "{sheet}");
        assert!(!sheet.contains("<f>"), "{sheet}");
        let styles = part("xl/styles.xml");
        for shown in ["<b/>", "yyyy-mm-dd", r##"formatCode="#,##0.00""##] {
            assert!(styles.contains(shown), "{shown}: {styles}");
        }
        assert_eq!(figures("-5.00"), Some((-5.0, 2)));
        assert_eq!(figures("1e5"), None);
        assert_eq!(figures("5 %"), None);
        assert_eq!(shown_with(2), "#,##0.00");
        assert_eq!(shown_with(0), "#,##0");
    }

    #[test]
    fn the_same_records_are_the_same_file() {
        let columns = [column("name", Holds::Any)];
        let records = [json!({ "name": "Ada" })];
        let first = written(&columns, &records);
        std::thread::sleep(std::time::Duration::from_millis(1_100));
        assert_eq!(written(&columns, &records), first);
    }

    #[test]
    fn what_no_cell_holds_is_refused_and_not_cut() {
        let columns = [column("body", Holds::Any)];
        let mut book = Book::begin(&columns).unwrap();
        let long = json!({ "body": "x".repeat(MAX_CELL + 1) });
        let error = book
            .add(&columns, 0, long.as_object().unwrap())
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        let error = book.add(&columns, MAX_ROWS, &Map::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(32))]
        #[test]
        fn any_text_is_read_again_as_it_was(
            texts in proptest::collection::vec("[-=+@＝'\" ,;\t\na1_xX0-9A-F&<>\u{1}\u{1f600}.]{1,12}", 1..20),
        ) {
            let columns = [column("id", Holds::Any), column("text", Holds::Any)];
            let records: Vec<Data> = texts
                .iter()
                .map(|text| json!({ "id": "con_1", "text": text }))
                .collect();
            let rows = read_again(&columns, &records);
            for (text, row) in texts.iter().zip(rows) {
                let read = unescaped(&row[1]);
                proptest::prop_assert_eq!(read.trim(), text.trim(), "{:?}", row);
            }
        }
    }
}
