//! `import_data`

use std::collections::BTreeMap;

use bureau_kernel::export;
use bureau_kernel::import::{
    AnyImport, Became, Fate, Imported, Layout, OnDuplicate, Plan, Row, Table, Unmapped, day_format,
    escaped, said_of_column,
};
use bureau_kernel::prelude::{Cx, Error, Example, NamedRecord, Result, ShortText, Spec, Tool};
use bureau_kernel::registry::Registry;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{IMPORT_DATA, demand};

/// What to bring in.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ImportData {
    /// contacts, companies, deals, products …
    kind: ShortText<60>,
    /// Of a CSV or vCard file, Base64 of .xlsx
    text: Option<String>,
    /// Instead: up to 500, by column names
    rows: Option<Vec<Map<String, Value>>>,
    /// Header=field; Header= leaves it out
    mapping: Option<Vec<ShortText<400>>>,
    /// Default skip
    on_duplicate: Option<Duplicate>,
    /// Default .
    decimal: Option<Decimal>,
    /// Default YYYY-MM-DD
    date_format: Option<ShortText<40>>,
    /// Only show what would be done
    preview: Option<bool>,
}

/// What to do with a row whose record is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Duplicate {
    /// Nothing.
    #[default]
    Skip,
    /// Write what the row says into it.
    Update,
    /// Make another.
    Create,
}

/// What stands before the decimals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(inline)]
enum Decimal {
    /// 1,234.50
    #[default]
    #[serde(rename = ".")]
    Point,
    /// 1.234,50
    #[serde(rename = ",")]
    Comma,
}

/// What was brought in, or would be.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Answer {
    kind: &'static str,
    /// Of a workbook in which others have rows too: the one that was read.
    sheet: Option<String>,
    created: u64,
    updated: u64,
    /// Their records were there, and are left alone.
    skipped: u64,
    /// Nothing of these was written.
    rejected: u64,
    /// In a preview: what each column becomes.
    columns: Vec<Column>,
    /// Columns of which nothing is taken.
    ignored: Vec<String>,
    /// Rows that were not rejected, with their records.
    records: Vec<Done>,
    /// How many more there are.
    #[serde(skip_serializing_if = "is_none")]
    more_records: usize,
    /// Rows that were.
    rejects: Vec<Reject>,
    /// How many more there are.
    #[serde(skip_serializing_if = "is_none")]
    more_rejects: usize,
    /// What was left out of rows that were taken.
    warnings: Vec<Warning>,
}

const fn is_none(count: &usize) -> bool {
    *count == 0
}

/// What a column becomes.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Column {
    header: String,
    field: String,
}

/// What became of a row.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Done {
    /// Of the text or sheet; of rows which one, from 1.
    line: u64,
    became: Became,
    record: NamedRecord,
}

/// Why a row was rejected.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Reject {
    line: u64,
    /// The first column or field that is wrong.
    field: Option<String>,
    reason: String,
}

/// What was left out.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
struct Warning {
    what: String,
    /// Of how many rows.
    rows: u64,
}

/// Rows that one call gives as objects.
const MOST_ROWS: usize = 500;
/// Rows of a text. They are written at once, and others wait meanwhile.
const MOST_LINES: usize = 2_000;
/// Bytes of a text.
const MOST_TEXT: usize = 1024 * 1024;
/// Rows of each fate that an answer names.
const NAMED: usize = 50;
/// Characters of a reason: a cell that somebody else wrote can be in it.
const LONGEST_REASON: usize = 500;

impl Tool for ImportData {
    const SPEC: Spec = Spec::adds("import_data", IMPORT_DATA)
        .title("Import data")
        .about("Add many records from a table at once; those that are there are found.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Put these two leads in",
            before: &[],
            arguments: r#"{"kind": "contacts", "rows": [
                {"name": "Hedy Lamarr", "email": "hedy@frequencies.example", "company": "Frequencies"},
                {"name": "George Antheil", "email": "nowhere"}
            ]}"#,
            expect: &[
                ("/data/created", "1"),
                ("/data/records/0/record/name", r#""Hedy Lamarr""#),
                ("/data/rejected", "1"),
                ("/data/rejects/0/line", "2"),
            ],
        },
        Example {
            title: "What would become of this file?",
            before: &[],
            arguments: r#"{"kind": "companies", "text": "Firma;Ort\nMoorings;Kiel\n", "preview": true, "mapping": ["Firma=name"]}"#,
            expect: &[("/data/created", "1"), ("/dry_run", "true")],
        },
    ];
    type Output = Answer;

    async fn call(self, cx: &mut Cx) -> Result<Answer> {
        let import = self.import(cx)?;
        if self.preview == Some(true) {
            cx.try_only();
        }
        let Given {
            headers,
            rows,
            sheet,
        } = self.given(cx, import).await?;
        let mut overrides = Vec::new();
        for (index, said) in self.mapping.iter().flatten().enumerate() {
            let said = said_of_column(said).ok_or_else(|| {
                let message = "Write \"Header=field\", or \"Header=\" to leave a column out.";
                Error::invalid(format!("mapping[{index}]"), message)
            });
            overrides.push(said?);
        }
        let mapping = import.mapping(cx, &headers, &overrides).await?;
        let mapping = mapping.map_err(|why| self.unmapped(&why))?;
        let (mut columns, mut ignored) = (Vec::new(), Vec::new());
        for column in &mapping.columns {
            let header = column.header.clone();
            match mapping.describe(column) {
                Some(field) => columns.push(Column { header, field }),
                None => ignored.push(header),
            }
        }
        if self.preview != Some(true) {
            columns.clear();
        }
        let plan = Plan {
            mapping,
            on_duplicate: self.on_duplicate(),
            decimal: self.decimal_sign(),
            days: self.days()?,
        };
        let imported = import.within(cx, &plan, rows).await?;
        let answer = answer(cx, import, imported).await?;
        Ok(Answer {
            sheet,
            columns,
            ignored,
            ..answer
        })
    }
}

impl ImportData {
    /// What is brought in, where the caller may.
    fn import(&self, cx: &Cx) -> Result<&'static dyn AnyImport> {
        let registry = Registry::of(cx)?;
        let import = registry.import_called(&self.kind)?;
        let kind = registry.records().record(import.table());
        let kind = kind.ok_or_else(|| Error::internal("an import of no record"))?;
        demand(cx, &registry, kind, import.permissions(self.on_duplicate()))?;
        Ok(import)
    }

    /// Says that columns and fields do not go together, without the headers: they are text of somebody's file.
    fn unmapped(&self, why: &Unmapped) -> Error {
        let said = self.mapping.as_ref().is_some_and(|said| !said.is_empty());
        let (field, message) = match why {
            Unmapped::Header { .. } => ("mapping", "mapping names a column that is not there."),
            Unmapped::Field { .. } => ("mapping", "mapping names a field that is not there."),
            Unmapped::Twice { field, .. } => {
                let message = format!("Two columns are {field}.");
                let hint = "Leave one out in mapping with \"Header=\", or say which field it is.";
                return Error::invalid("mapping", message).hint(hint);
            }
            Unmapped::Nothing { .. } if said => {
                ("mapping", "mapping leaves no column that is a field.")
            }
            Unmapped::Nothing { .. } if self.rows.is_some() => {
                ("rows", "No name in rows is a field that is known.")
            }
            Unmapped::Nothing { .. } => ("text", "No header is a field that is known."),
        };
        Error::invalid(field, message).hint(why.hint())
    }

    fn on_duplicate(&self) -> OnDuplicate {
        match self.on_duplicate.unwrap_or_default() {
            Duplicate::Skip => OnDuplicate::Skip,
            Duplicate::Update => OnDuplicate::Update,
            Duplicate::Create => OnDuplicate::Create,
        }
    }

    /// How days are written.
    fn days(&self) -> Result<String> {
        let format = self.date_format.as_deref().unwrap_or("YYYY-MM-DD").trim();
        let is_plain = format.chars().all(|c| "DMY.-/ ".contains(c));
        if is_plain && ["DD", "MM", "YY"].iter().all(|part| format.contains(part)) {
            return Ok(day_format(format));
        }
        let message = "date_format says where DD, MM and YYYY stand, such as DD.MM.YYYY.";
        Err(Error::invalid("date_format", message))
    }

    fn decimal_sign(&self) -> char {
        match self.decimal.unwrap_or_default() {
            Decimal::Point => '.',
            Decimal::Comma => ',',
        }
    }

    /// The table that is given.
    async fn given(&self, cx: &mut Cx, import: &'static dyn AnyImport) -> Result<Given> {
        match (&self.text, &self.rows) {
            (Some(text), None) => {
                let layout = Layout {
                    decimal: self.decimal_sign(),
                    days: self.days()?,
                    ..Layout::default()
                };
                // A workbook is unpacked.
                let text = text.clone();
                cx.compute(move || table_of(&text, &layout, import)).await?
            }
            (None, Some(rows)) => objects(rows, self.decimal_sign()),
            (Some(_), Some(_)) => Err(Error::invalid("text", "Give text or rows, not both.")),
            (None, None) => Err(Error::invalid("rows", "Give rows, or the text of a file.")
                .hint("Of an Excel workbook (.xlsx) text is its Base64.")),
        }
    }
}

/// A table that was given.
struct Given {
    headers: Vec<String>,
    rows: Vec<Row>,
    sheet: Option<String>,
}

/// What stands in a text.
fn table_of(text: &str, layout: &Layout, import: &dyn AnyImport) -> Result<Given> {
    let too_long = |message: String| {
        Err(Error::invalid("text", message).hint(
            "Split it, each part with the headers, or let the operator run bureau import on the file.",
        ))
    };
    if text.len() > MOST_TEXT {
        let (length, most) = (text.len() >> 10, MOST_TEXT >> 10);
        return too_long(format!("text has {length} KiB; at most {most} are read."));
    }
    let table = Table::of_text(text, layout)?;
    import.check(&table)?;
    if table.count > MOST_LINES as u64 {
        let count = table.count;
        return too_long(format!(
            "text has {count} rows; at most {MOST_LINES} are read."
        ));
    }
    let rows = table.rows()?.collect::<Result<Vec<Row>>>()?;
    let sheet = table.sheet().filter(|(_, others)| !others.is_empty());
    Ok(Given {
        headers: table.headers.clone(),
        rows,
        sheet: sheet.map(|(name, _)| name.to_owned()),
    })
}

/// Objects as a table: the columns are all of their names, in the order in which they come.
fn objects(given: &[Map<String, Value>], decimal: char) -> Result<Given> {
    if given.len() > MOST_ROWS {
        let count = given.len();
        let message = format!("rows has {count} objects; at most {MOST_ROWS} are read.");
        return Err(Error::invalid("rows", message).hint("Give the others in another call."));
    }
    let mut headers: Vec<String> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (name, _) in given.iter().flat_map(flat) {
        if !places.contains_key(&name) {
            places.insert(name.clone(), headers.len());
            headers.push(name);
        }
    }
    /// Columns that rows have together.
    const MOST_COLUMNS: usize = 200;
    if headers.len() > MOST_COLUMNS {
        let count = headers.len();
        let message = format!("rows have {count} names together; at most {MOST_COLUMNS} are read.");
        return Err(Error::invalid("rows", message).hint("Call the same thing by one name."));
    }
    let rows = (1..).zip(given).map(|(line, object)| {
        let mut cells = vec![String::new(); headers.len()];
        for (name, value) in flat(object) {
            let cell = places.get(&name).and_then(|place| cells.get_mut(*place));
            if let Some(cell) = cell {
                *cell = match value {
                    // As the numbers beside it are read that stand in texts.
                    Value::Number(number) => number
                        .to_string()
                        .replace('.', decimal.encode_utf8(&mut [0; 4])),
                    // What stands before a formula in a file is a part of the text here.
                    other => escaped(&export::text(other)).into_owned(),
                };
            }
        }
        Row {
            line,
            cells,
            wrong: None,
        }
    });
    let rows = rows.collect();
    Ok(Given {
        headers,
        rows,
        sheet: None,
    })
}

/// What an object says, by name. Attributes, which an export has as one object, are a column each.
fn flat(object: &Map<String, Value>) -> Vec<(String, &Value)> {
    let mut all = Vec::with_capacity(object.len());
    for (name, value) in object {
        match value {
            Value::Object(attributes) if name == "attributes" => {
                let each = attributes.iter();
                all.extend(each.map(|(name, value)| (format!("attributes.{name}"), value)));
            }
            value => all.push((name.clone(), value)),
        }
    }
    all
}

async fn answer(cx: &mut Cx, import: &dyn AnyImport, imported: Imported) -> Result<Answer> {
    let Imported {
        totals,
        fates,
        rejected,
    } = imported;
    let mut counts = [0_usize; 3];
    let named = fates.iter().filter(|fate| {
        // Those that were there are told also where many are new.
        let [created, updated, skipped] = &mut counts;
        let count = match fate.became {
            Became::Created => created,
            Became::Updated => updated,
            Became::Skipped => skipped,
        };
        *count += 1;
        *count <= NAMED
    });
    let named: Vec<Fate> = named.copied().collect();
    let ids: Vec<(&str, i64)> = named
        .iter()
        .map(|fate| (import.table(), fate.record))
        .collect();
    let names = cx.named(&ids).await?;
    let records = named.iter().zip(names).map(|(fate, record)| Done {
        line: fate.line,
        became: fate.became,
        record,
    });
    let rejects = rejected.iter().take(NAMED).map(|one| Reject {
        line: one.row.line,
        field: one.field.clone(),
        reason: one.reason.chars().take(LONGEST_REASON).collect(),
    });
    let warnings = totals.warnings.into_iter();
    Ok(Answer {
        kind: import.name(),
        sheet: None,
        created: totals.created,
        updated: totals.updated,
        skipped: totals.skipped,
        rejected: totals.rejected,
        columns: Vec::new(),
        ignored: Vec::new(),
        records: records.collect(),
        more_records: fates.len().saturating_sub(named.len()),
        rejects: rejects.collect(),
        more_rejects: rejected.len().saturating_sub(NAMED),
        warnings: warnings
            .map(|(what, rows)| Warning { what, rows })
            .collect(),
    })
}
