//! Taking records out: of any kind, a part at a time, as a person reads them, and as a table or as JSON.

mod workbook;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{self, Write};

use serde_json::{Map, Value as Data};

use crate::caller::Member;
use crate::error::{Error, Result};
use crate::import::escaped;
use crate::record::{AnyRecord, CalledBy, Cx, Figures, Parts, Read, Records, Wanted};
use crate::store::{Kind as Stored, Target, sql};
use crate::types::id::{Entity as _, decode};
use crate::types::text::plural;

use workbook::Book;

/// Records that are read at once.
pub const PART: i64 = 1_000;

/// What can be taken out: records of a kind, or what they consist of.
#[derive(Clone, Copy)]
pub struct Kind {
    /// The kind of record.
    pub record: &'static dyn AnyRecord,
    /// What these consist of, where that is meant.
    parts: Option<Parts>,
}

impl Kind {
    /// These records.
    #[must_use]
    pub const fn of(record: &'static dyn AnyRecord) -> Self {
        Self {
            record,
            parts: None,
        }
    }

    /// What callers call it: `recurring_invoices`, `invoice_lines`.
    #[must_use]
    pub fn name(&self) -> String {
        let name = match self.parts {
            Some(parts) => format!("{} {}", self.record.noun(), parts.name),
            None => plural(self.record.noun()),
        };
        name.replace(' ', "_")
    }

    /// Whether it is what records consist of.
    #[must_use]
    pub const fn is_of_parts(&self) -> bool {
        self.parts.is_some()
    }

    /// Refuses what cannot be asked of this kind, and says in the wish whose parts are wanted.
    ///
    /// # Errors
    /// [`Code::Validation`](crate::error::Code::Validation) naming the bound.
    pub fn check(&self, mut wanted: Wanted) -> Result<Wanted> {
        let bounds = [("dated_after", wanted.from), ("dated_before", wanted.until)];
        let mut given = bounds.iter().filter(|(_, bound)| bound.is_some());
        if let Some((field, _)) = given
            .next()
            .filter(|_| self.record.exported().day.is_none())
        {
            let message = format!("{} have no day of their own.", plural(self.record.noun()));
            return Err(Error::invalid(*field, message)
                .hint("Leave it out, or ask for what was changed since a moment."));
        }
        wanted.parts = self.is_of_parts();
        Ok(wanted)
    }
}

/// All that can be taken out, by name.
#[must_use]
pub fn kinds(records: &Records) -> Vec<Kind> {
    let mut kinds = Vec::new();
    for record in records.all() {
        kinds.push(Kind::of(*record));
        let parts = record.exported().parts;
        kinds.extend(parts.map(|parts| Kind {
            record: *record,
            parts: Some(parts),
        }));
    }
    kinds.sort_by_key(Kind::name);
    kinds
}

/// The kind of this name, in the plural or the singular.
#[must_use]
pub fn find(records: &Records, name: &str) -> Option<Kind> {
    if let Some(record) = records.record_called(name) {
        return Some(Kind::of(record));
    }
    let asked = name.trim().to_lowercase().replace([' ', '-'], "_");
    let mut kinds = kinds(records).into_iter();
    kinds.find(|kind| kind.name() == asked)
}

/// What an export is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A table for spreadsheets, which an import reads.
    Csv,
    /// One JSON object on each line.
    Jsonl,
    /// A list of JSON objects.
    Json,
    /// An Excel workbook, which an import reads.
    Xlsx,
}

/// A column of a table.
#[derive(Debug, Clone)]
pub struct Column {
    name: String,
    holds: Holds,
}

/// What stands in a column, where a table knows more than texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// Whatever it is.
    Any,
    /// A calendar day.
    Day,
    /// A decimal number as text.
    Figures,
    /// An amount of money as text, in the record's currency where it has one.
    Money,
}

impl Column {
    const fn any(name: String) -> Self {
        Self {
            name,
            holds: Holds::Any,
        }
    }

    /// One that holds what is said of it, if something is.
    fn spelt(name: &str, figures: &[(&str, Figures)]) -> Self {
        let mut column = Self::any(name.to_owned());
        let said = figures.iter().find(|(figure, _)| *figure == name);
        column.holds = match said {
            Some((_, Figures::Money)) => Holds::Money,
            Some((_, Figures::Other)) => Holds::Figures,
            None => Holds::Any,
        };
        column
    }
}

/// An export that is being written.
pub struct Sheet {
    format: Format,
    columns: Vec<Column>,
    book: Option<Book>,
    /// Rows that were written.
    pub rows: u64,
    /// Bytes about that wait for the end, because a workbook is written whole.
    pub waiting: usize,
}

impl Sheet {
    /// Begins one with these [`columns`].
    ///
    /// # Errors
    /// What writing says.
    pub fn begin(format: Format, columns: Vec<Column>, out: &mut impl Write) -> io::Result<Self> {
        let mut book = None;
        match format {
            Format::Csv => row(out, columns.iter().map(|column| column.name.as_str()))?,
            Format::Json => out.write_all(b"[")?,
            Format::Jsonl => {}
            Format::Xlsx => book = Some(Book::begin(&columns)?),
        }
        Ok(Self {
            format,
            columns,
            book,
            rows: 0,
            waiting: 0,
        })
    }

    /// Adds records as [`part`] answers them.
    ///
    /// # Errors
    /// What writing says; [`io::ErrorKind::InvalidData`] for what a workbook does not hold.
    pub fn add(&mut self, records: &[Map<String, Data>], out: &mut impl Write) -> io::Result<()> {
        for record in records {
            match self.format {
                Format::Csv => {
                    let cells = self.columns.iter();
                    row(out, cells.map(|column| cell(record, &column.name)))?;
                }
                Format::Xlsx => {
                    if let Some(book) = &mut self.book {
                        self.waiting += book.add(&self.columns, self.rows, record)?;
                    }
                }
                Format::Jsonl => writeln!(out, "{}", serde_json::to_string(record)?)?,
                Format::Json => {
                    let apart = if self.rows == 0 { "\n" } else { ",\n" };
                    write!(out, "{apart}{}", serde_json::to_string(record)?)?;
                }
            }
            self.rows += 1;
        }
        Ok(())
    }

    /// Ends it.
    ///
    /// # Errors
    /// What writing says.
    pub fn end(&mut self, out: &mut impl Write) -> io::Result<()> {
        if let Some(book) = &mut self.book {
            book.end(out)?;
        }
        if self.format == Format::Json {
            out.write_all(if self.rows == 0 { b"]\n" } else { b"\n]\n" })?;
        }
        out.flush()
    }
}

/// One line of a table, as RFC 4180 has it.
fn row<T: AsRef<str>>(out: &mut impl Write, cells: impl Iterator<Item = T>) -> io::Result<()> {
    let mut line = String::new();
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            line.push(',');
        }
        let text = escaped(cell.as_ref());
        if text.contains([',', ';', '"', '\n', '\r', '\t']) {
            line.push('"');
            line.push_str(&text.replace('"', "\"\""));
            line.push('"');
        } else {
            line.push_str(&text);
        }
    }
    line.push_str("\r\n");
    out.write_all(line.as_bytes())
}

/// What stands in a column of a record.
fn cell(record: &Map<String, Data>, column: &str) -> String {
    value(record, column).map_or_else(String::new, text)
}

fn value<'a>(record: &'a Map<String, Data>, column: &str) -> Option<&'a Data> {
    match column.strip_prefix("attributes.") {
        Some(name) => record.get("attributes").and_then(|all| all.get(name)),
        None => record.get(column),
    }
}

/// A value as the text of a cell, so that an import finds it again.
#[must_use]
pub fn text(value: &Data) -> String {
    match value {
        Data::Null => String::new(),
        Data::String(text) => text.clone(),
        Data::Array(items) => list(items),
        other => other.to_string(),
    }
}

/// The parts of a list, so that an import finds them again: with semicolons between them, or each on a line of its own
/// where one of them holds what would part it.
fn list(items: &[Data]) -> String {
    // The lines of an invoice have more to say than one text: all of it, as JSON.
    let is_whole = |item: &Data| {
        let fields = item.as_object();
        fields.is_some_and(|fields| fields.len() > 1 && !fields.contains_key("type"))
    };
    if items.iter().any(is_whole) {
        return Data::from(items.to_vec()).to_string();
    }
    let texts: Vec<String> = items.iter().map(item).collect();
    if texts.iter().any(|text| text.contains([',', ';'])) {
        return texts.iter().map(|text| format!("{text}\n")).collect();
    }
    texts.join("; ")
}

/// A part of a list; of an object its text, with its type before it.
fn item(value: &Data) -> String {
    match value {
        Data::String(text) => text.clone(),
        Data::Object(fields) => {
            let is_text = |(name, value): &(&String, &Data)| *name != "type" && value.is_string();
            let text = fields.iter().find(is_text);
            let text = text.and_then(|(_, value)| value.as_str());
            match (fields.get("type").and_then(Data::as_str), text) {
                (Some(kind), Some(text)) => format!("{kind}: {text}"),
                (None, Some(text)) => text.to_owned(),
                _ => value.to_string(),
            }
        }
        other => other.to_string(),
    }
}

/// The columns of a table of these, in order: for each that refers to another record there is one with its name behind it.
///
/// # Errors
/// What the database says.
pub async fn columns(cx: &mut Cx, kind: Kind, wanted: &Wanted) -> Result<Vec<Column>> {
    let exported = kind.record.exported();
    let mut names = vec![Column::any("id".to_owned())];
    let declared = kind.record.columns().iter();
    for column in declared.filter(|column| !exported.inner.contains(&column.name)) {
        if let Some(parts) = kind.parts
            && !parts.of.contains(&column.name)
        {
            continue;
        }
        let holds = match column.kind {
            Stored::Date => Holds::Day,
            Stored::Int if column.is_money() => Holds::Money,
            Stored::Int if column.is_amount => Holds::Figures,
            _ => Holds::Any,
        };
        let own = Column {
            name: column.name.to_owned(),
            holds,
        };
        name(cx, &mut names, own, column.refers_to);
    }
    if let Some(parts) = kind.parts {
        for column in parts.columns {
            let mut references = parts.references.iter();
            let refers = references.find(|(name, _)| name == column);
            let own = Column::spelt(column, parts.figures);
            name(cx, &mut names, own, refers.map(|(_, target)| *target));
        }
        return Ok(names);
    }
    let spelt = exported.spelt.iter();
    names.extend(spelt.map(|name| Column::spelt(name, exported.figures)));
    let defined = cx.defined_attributes(kind.record.table()).await?;
    names.extend(defined.iter().map(|(name, kind)| Column {
        name: format!("attributes.{name}"),
        holds: if kind == "date" {
            Holds::Day
        } else {
            Holds::Any
        },
    }));
    let kept = ["version", "created_at", "created_by"].map(str::to_owned);
    names.extend(kept.map(Column::any));
    names.push(Column::any(beside("created_by")));
    names.push(Column::any("updated_at".to_owned()));
    names.extend(
        wanted
            .archived
            .then(|| Column::any("archived_at".to_owned())),
    );
    Ok(names)
}

/// A column, and those that stand beside it.
fn name(cx: &Cx, names: &mut Vec<Column>, column: Column, refers_to: Option<Target>) {
    let own = column.name.clone();
    names.push(column);
    names.extend(refers_to.map(|_| Column::any(beside(&own))));
    names.extend(has_address(cx, refers_to).map(|_| Column::any(address_beside(&own))));
}

/// The column with the address of the person that another one refers to: of two people of one name it tells who is meant.
fn address_beside(column: &str) -> String {
    format!("{column}_email")
}

/// The table that is referred to, where its records have addresses.
fn has_address(cx: &Cx, target: Option<Target>) -> Option<&'static str> {
    let Some(Target::Table(table)) = target else {
        return None;
    };
    let record = cx.records().record(table)?;
    let by = record.called().by.iter();
    let mut by = by.filter(|by| matches!(by, CalledBy::Key(EMAIL)));
    by.next().map(|_| table)
}

/// The index key of an address.
const EMAIL: &str = "email";

/// The column with the name of what another one refers to.
fn beside(column: &str) -> String {
    format!("{column}_name")
}

/// The next records after an identifier, oldest first, each with the names of what it refers to, as far as the caller may read
/// them. One that cannot be read is named, and the others are taken out all the same.
///
/// # Errors
/// What the database says.
pub async fn part(
    cx: &mut Cx,
    kind: Kind,
    wanted: &Wanted,
    after: i64,
    limit: i64,
) -> Result<Read<Map<String, Data>>> {
    let Read {
        found: mut records,
        unreadable,
        last,
    } = kind.record.part(cx, wanted, after, limit).await?;
    let references = kind.record.columns().iter();
    let mut references: Vec<(&'static str, Target)> = references
        .filter_map(|column| Some((column.name, column.refers_to?)))
        .collect();
    references.extend(
        kind.parts
            .iter()
            .flat_map(|parts| parts.references)
            .copied(),
    );
    references.push(("created_by", Target::Table(Member::TABLE)));
    let registry = cx.records().clone();
    let referred = |record: &Map<String, Data>, column: &str, target: Target| {
        let (prefix, id) = decode(record.get(column)?.as_str()?)?;
        let table = match target {
            Target::Table(table) => table,
            Target::Any => registry.record_with_prefix(prefix)?.table(),
        };
        Some((table, id))
    };
    let mut ids: BTreeMap<&'static str, HashSet<i64>> = BTreeMap::new();
    for (_, record) in &records {
        for (column, target) in &references {
            if let Some((table, id)) = referred(record, column, *target) {
                ids.entry(table).or_default().insert(id);
            }
        }
    }
    let mut names: HashMap<(&'static str, i64), String> = HashMap::new();
    let mut addresses: HashMap<(&'static str, i64), String> = HashMap::new();
    for (table, ids) in ids {
        let ids: Vec<i64> = ids.into_iter().collect();
        if has_address(cx, Some(Target::Table(table))).is_some() {
            for (id, address) in addresses_of(cx, table, &ids).await? {
                addresses.insert((table, id), address);
            }
        }
        for (id, name) in names_of(cx, table, &ids).await? {
            names.insert((table, id), name);
        }
    }
    for (_, record) in &mut records {
        for (column, target) in &references {
            let name = referred(record, column, *target).and_then(|named| names.get(&named));
            if let Some(name) = name {
                record.insert(beside(column), name.as_str().into());
            }
            let address = referred(record, column, *target).and_then(|of| addresses.get(&of));
            if let Some(address) = address {
                record.insert(address_beside(column), address.as_str().into());
            }
        }
    }
    Ok(Read {
        found: records.into_iter().map(|(_, record)| record).collect(),
        unreadable,
        last,
    })
}

async fn addresses_of(cx: &mut Cx, table: &'static str, ids: &[i64]) -> Result<Vec<(i64, String)>> {
    if ids.is_empty() || !cx.may_read(table) {
        return Ok(Vec::new());
    }
    let mut statement =
        sql("SELECT record, MIN(value) AS address FROM record_key WHERE workspace = ")
            .value(cx.workspace().id)
            .sql(" AND entity = ")
            .value(table.to_owned())
            .sql(" AND field = ")
            .value(EMAIL.to_owned())
            .sql(" AND record IN ");
    statement.push_ids(ids);
    let rows = statement.sql(" GROUP BY record").rows(cx.tx()).await?;
    rows.iter()
        .map(|row| Ok((row.get("record")?, row.get("address")?)))
        .collect()
}

async fn names_of(cx: &mut Cx, table: &'static str, ids: &[i64]) -> Result<Vec<(i64, String)>> {
    if ids.is_empty() || !cx.may_read(table) {
        return Ok(Vec::new());
    }
    if let Some(kind) = cx.records().record(table) {
        return kind.titles(cx, ids).await;
    }
    let mut statement = sql("SELECT id, name FROM member WHERE workspace = ")
        .value(cx.workspace().id)
        .sql(" AND id IN ");
    statement.push_ids(ids);
    let rows = statement.rows(cx.tx()).await?;
    rows.iter()
        .map(|row| Ok((row.get("id")?, row.get("name").unwrap_or_default())))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_keeps_its_parts_apart() {
        for (items, text) in [
            (json!(["vip", "fair"]), "vip; fair"),
            (json!(["Berlin, north"]), "Berlin, north\n"),
            (json!(["a;b", "c"]), "a;b\nc\n"),
            (
                json!([{ "email": "a@b.example", "type": "work" }]),
                "work: a@b.example",
            ),
            (json!([{ "phone": "1", "type": null, "e164": "+1" }]), "1"),
            (
                json!([{ "description": "Work", "net": "100.00" }]),
                r#"[{"description":"Work","net":"100.00"}]"#,
            ),
        ] {
            assert_eq!(list(items.as_array().unwrap()), text);
        }
    }

    #[test]
    fn a_line_quotes_what_would_part_it() {
        let mut out = Vec::new();
        assert!(row(&mut out, ["a", "b,c", "say \"x\"", "=1"].into_iter()).is_ok());
        assert_eq!(out, b"a,\"b,c\",\"say \"\"x\"\"\",'=1\r\n");
    }

    /// The cells as a reader sees them that expects this sign between them, and knows quotation marks or not.
    fn seen(table: &[u8], sign: u8, quotes: bool) -> Vec<String> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(sign)
            .quoting(quotes)
            .from_reader(table);
        let records = reader.byte_records().map(Result::unwrap);
        let cells = records.flat_map(|record| {
            let cells = record.iter().map(String::from_utf8_lossy);
            cells.map(std::borrow::Cow::into_owned).collect::<Vec<_>>()
        });
        cells.collect()
    }

    proptest::proptest! {
        #[test]
        fn no_reader_sees_a_formula_wherever_it_thinks_that_cells_end(
            texts in proptest::collection::vec("[-=+@＝'\" ,;\t\r\nax1.]{0,10}", 0..6),
        ) {
            let mut table = Vec::new();
            // The first column of every export is the id, so no row begins with a text of others.
            let cells = std::iter::once("con_1").chain(texts.iter().map(String::as_str));
            proptest::prop_assert!(row(&mut table, cells).is_ok());
            for (sign, quotes) in [b',', b';', b'\t'].into_iter().flat_map(|sign| [(sign, true), (sign, false)]) {
                for cell in seen(&table, sign, quotes) {
                    let bare = cell.trim_start_matches([' ', '"']);
                    let number = cell.chars().all(|c| c.is_ascii_digit() || "+- .,()/\"".contains(c));
                    proptest::prop_assert!(
                        number || !bare.starts_with(['=', '+', '-', '@', '＝', '\t']),
                        "{cell:?} of {:?}", String::from_utf8_lossy(&table)
                    );
                }
            }
        }
    }
}
