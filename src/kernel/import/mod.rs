//! Bringing many records in from a table that somebody else made: its headers are mapped to fields, its cells read as a
//! person means them, each row checked like a call, duplicates found, and all of it is one change.
//!
//! A module says with [`Import`] what a row of its record can hold; it knows nothing of files. Whoever has a file reads it as a
//! [`Table`], gives its [`Row`]s and a [`Plan`], and hears of the rows that were refused.

mod card;
mod cells;
mod formula;
mod mapping;
mod run;
mod table;
mod workbook;

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

pub use futures::future::BoxFuture;
use futures::future::LocalBoxFuture;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Data};

use crate::batch::Batch;
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::patch::Patch;
use crate::permission::Permission;
use crate::record::{App, Attributes, ColumnSpec, Cx, Record};
use crate::store::{Kind, Target as RefersTo};
use crate::types::schema::parse_at;
use crate::types::text::folded;
use crate::types::time::LocalTime;

pub use cells::day_format;
pub use formula::{escaped, guarded, unescaped};
pub use mapping::{Mapped, Mapping, Target, Unmapped};
pub use table::{Encoding, Layout, Table};

/// A field of a record as a column of a table can hold it.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name, as `--map` takes it.
    pub name: &'static str,
    /// The record's column that it goes into. What several fields say of one list is joined.
    pub column: &'static str,
    /// How its cells are read.
    pub reads: Reads,
    /// Headers by which it is known beside its name. Case, spaces, dashes and other signs make no difference.
    pub aliases: Vec<&'static str>,
    /// The one of them that goes before its own name where a table has both: the first, where an exclamation mark stands before
    /// it.
    pub surest: Option<&'static str>,
    /// Whether it holds a moment, or a day that stands for one.
    pub is_moment: bool,
}

/// How a cell is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// As it stands.
    Text,
    /// A whole number.
    Number,
    /// A decimal number.
    Amount,
    /// A calendar day.
    Day,
    /// Several texts: on lines of their own, or separated by semicolons, or else by commas.
    List,
    /// Several things of which each has a text and perhaps a type (`work: ada@example.com`).
    Entries {
        /// What the text is called.
        key: &'static str,
        /// The type of those that say none.
        kind: Option<&'static str>,
    },
    /// A share in percent: `20`, `20%`, or as a part of one, `0.2`.
    Percent,
    /// Another record: its identifier, or what else people call it ([`Record::CALLED`]).
    Record(&'static str),
    /// A text that only [`Import::complete`] understands; it is given to it in [`Draft::aside`].
    Aside,
}

impl Field {
    /// A field that goes into the column of its name, with the headers by which it is known, separated by commas.
    #[must_use]
    pub fn new(name: &'static str, reads: Reads, headers: &'static str) -> Self {
        Self {
            name,
            column: name,
            reads,
            is_moment: false,
            aliases: headers
                .trim_start_matches('!')
                .split(',')
                .map(str::trim)
                .collect(),
            surest: headers
                .strip_prefix('!')
                .and_then(|rest| rest.split(',').next()),
        }
    }

    /// The field of a column that is declared with headers ([`Facets::import`](crate::record::Facets::import)).
    fn of(column: &ColumnSpec) -> Option<Self> {
        let headers = column.facets.import?;
        let reads = match (column.refers_to, column.kind) {
            // What the server keeps is not given as it stands.
            _ if column.kept => Reads::Aside,
            (Some(RefersTo::Table(table)), _) => Reads::Record(table),
            (_, Kind::Int) if column.is_amount => Reads::Amount,
            (_, Kind::Int) => Reads::Number,
            (_, Kind::Date) => Reads::Day,
            (_, Kind::Json) => Reads::List,
            (_, Kind::Text) => Reads::Text,
            _ => Reads::Aside,
        };
        Some(Self {
            is_moment: column.kind == Kind::Time,
            ..Self::new(column.name, reads, headers)
        })
    }

    /// Reads its cells in another way.
    #[must_use]
    pub const fn read_as(mut self, reads: Reads) -> Self {
        self.reads = reads;
        self
    }

    /// Puts it into another column.
    #[must_use]
    pub const fn into(mut self, column: &'static str) -> Self {
        self.column = column;
        self
    }

    /// Whether it can be there more than once.
    const fn joins(&self) -> bool {
        matches!(self.reads, Reads::List | Reads::Entries { .. })
    }
}

/// The fields that a record declares ([`Facets::import`](crate::record::Facets::import)).
#[must_use]
pub fn declared<R: Record>() -> Vec<Field> {
    R::COLUMNS.iter().filter_map(Field::of).collect()
}

/// A record that can be imported.
pub trait Import: Record {
    /// What is imported, in the plural, as callers name it.
    const NAME: &'static str;
    /// Whether cards of people (vCard) become such records.
    const OF_CARDS: bool = false;
    /// What stands as the tool in the change log.
    const TOOL: &'static str;
    /// The index keys that tell duplicates, the surest first, and how each is called in messages.
    const SAME: &'static [(&'static str, &'static str)] = &[];
    /// What tells two apart that have only the last of these in common ([`Duplicates::APART_BY`](crate::duplicates::Duplicates::APART_BY)).
    const APART_BY: &'static [&'static str] = &[];

    /// What a column of the table can be: what the record declares, unless something else is said here.
    #[must_use]
    fn import_fields() -> Vec<Field> {
        declared::<Self>()
    }

    /// Keeps of the record as it was what an update by a row is not to lose.
    fn keep(&mut self, before: &Self) {
        let _ = before;
    }

    /// Brings what other programs write into the form in which a call gives it, before it is read.
    fn translate(draft: &mut Draft) {
        let _ = draft;
    }

    /// Completes rows with what only the module knows, before they are checked. A draft in which something is wrong already
    /// needs nothing.
    fn complete<'a>(cx: &'a mut Cx, drafts: &'a mut [Draft]) -> BoxFuture<'a, Result<()>> {
        let _ = (cx, drafts);
        Box::pin(async { Ok(()) })
    }
}

/// A row whose cells are read, on its way to a record.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// What it gives, by column, as a call would.
    pub fields: Map<String, Data>,
    /// What the module puts into columns that the server keeps.
    pub kept: Map<String, Data>,
    /// What it says that is no column, by the name of the field; of several texts the first is the field's own.
    pub aside: BTreeMap<&'static str, Vec<String>>,
    /// Why it cannot become a record: all that is known to be wrong with it.
    pub wrong: Option<Wrong>,
    /// What was left out of it.
    pub warnings: Vec<String>,
    attributes: Attributes,
    links: Vec<Link>,
}

impl Draft {
    /// What its fields say, as a call would.
    ///
    /// # Errors
    /// [`Code::Validation`](crate::error::Code::Validation) naming the field that is not in form.
    pub fn given<R: Record>(&self) -> Result<Patch<R>> {
        parse_at("", Data::Object(self.fields.clone()))
    }

    /// The record that its fields make.
    ///
    /// # Errors
    /// [`Code::Validation`](crate::error::Code::Validation) naming the field that is not in form.
    pub fn record<R: Record>(&self, time: LocalTime) -> Result<R> {
        self.given()?.record(time)
    }

    /// Takes over what the module made of the record that its fields made.
    ///
    /// # Errors
    /// [`Code::Internal`](crate::error::Code::Internal) for what cannot be written as JSON.
    pub fn take_over<R: Record>(&mut self, before: &R, after: &R) -> Result<()> {
        let content = |record| match serde_json::to_value(record).map_err(Error::internal)? {
            Data::Object(content) => Ok(content),
            _ => Err(Error::internal("a record is a struct")),
        };
        let (was, mut is) = (content(before)?, content(after)?);
        for column in R::COLUMNS {
            let name = column.name;
            let value = is.remove(name).filter(|value| was.get(name) != Some(value));
            match value {
                None => {}
                Some(value) if column.kept => drop(self.kept.insert(name.to_owned(), value)),
                Some(Data::Null) => drop(self.fields.remove(name)),
                Some(value) => drop(self.fields.insert(name.to_owned(), value)),
            }
        }
        Ok(())
    }

    /// What was said of a field [aside](Reads::Aside): the name before the identifier, which may be of another workspace, where a
    /// table has both.
    ///
    /// # Errors
    /// [`Code::Validation`](crate::error::Code::Validation) naming the field that is not in form.
    pub fn said<T: DeserializeOwned>(&self, field: &'static str) -> Result<Option<T>> {
        let text = self.aside.get(field).and_then(|texts| texts.last());
        text.map(|text| parse_at(field, text.as_str().into()))
            .transpose()
    }

    /// Reads what was said of a field [aside](Reads::Aside) as yes or no.
    ///
    /// # Errors
    /// [`Code::Validation`](crate::error::Code::Validation) naming the field whose text is neither.
    pub fn yes_or_no(&mut self, field: &'static str) -> Result<()> {
        let said = self.aside.get(field).and_then(|texts| texts.last());
        let Some(said) = said else { return Ok(()) };
        let is_so = match folded(said).as_str() {
            "true" | "yes" | "y" | "1" | "x" => true,
            "false" | "no" | "n" | "0" => false,
            _ => {
                let message = format!("{field} is neither yes nor no.");
                return Err(Error::invalid(field, message));
            }
        };
        self.fields.insert(field.to_owned(), is_so.into());
        Ok(())
    }

    /// Notes what is wrong with it, where something is.
    pub fn note(&mut self, made: Result<()>) {
        if let Err(error) = made {
            let reason = match error.hint_text() {
                Some(hint) => format!("{} {hint}", error.message()),
                None => error.message().to_owned(),
            };
            self.refuse(Wrong {
                field: Wrong::field_of(&error),
                reason,
            });
        }
    }

    /// Adds to what is wrong with it.
    fn refuse(&mut self, more: Wrong) {
        match &mut self.wrong {
            Some(wrong) => {
                wrong.field = wrong.field.take().or(more.field);
                wrong.reason.push(' ');
                wrong.reason.push_str(&more.reason);
            }
            None => self.wrong = Some(more),
        }
    }
}

/// Why a row cannot become a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The first column or field that is wrong; none where it is the row.
    pub field: Option<String>,
    /// All that is known to be wrong, in sentences.
    pub reason: String,
}

impl Wrong {
    /// The field that an error names: of a place in a list the list, for a row has it in one cell.
    fn field_of(error: &Error) -> Option<String> {
        let field = error.field_name()?;
        field.split('[').next().map(str::to_owned)
    }

    /// Says it of a column or field.
    fn of(field: impl Into<String>, reason: String) -> Self {
        Self {
            field: Some(field.into()),
            reason,
        }
    }
}

/// What a row refers to: by any of these texts, the first that is known.
#[derive(Debug, Clone)]
struct Link {
    column: &'static str,
    table: &'static str,
    texts: Vec<String>,
}

/// A row of a table.
#[derive(Debug, Clone)]
pub struct Row {
    /// The line on which it begins, from 1.
    pub line: u64,
    /// Its cells.
    pub cells: Vec<String>,
    /// What is wrong with it already, whatever stands in it.
    pub wrong: Option<String>,
}

/// A row that did not become a record.
#[derive(Debug, Clone)]
pub struct Rejected {
    /// The row.
    pub row: Row,
    /// The first column or field that is wrong; none where it is the row.
    pub field: Option<String>,
    /// Why.
    pub reason: String,
}

/// What to do with a row whose record is there already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnDuplicate {
    /// Nothing.
    #[default]
    Skip,
    /// The record takes over what the row says.
    Update,
    /// There is one more.
    Create,
}

/// What is said of a column: `Header=field`, and `Header=` to leave it out.
#[must_use]
pub fn said_of_column(text: &str) -> Option<(String, String)> {
    let (header, field) = text.rsplit_once('=')?;
    let is_named = !header.trim().is_empty();
    is_named.then(|| (header.to_owned(), field.trim().to_owned()))
}

/// How a table is read.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What each of its columns is.
    pub mapping: Mapping,
    /// What to do with duplicates.
    pub on_duplicate: OnDuplicate,
    /// The sign before the decimals: a point or a comma; the other one groups thousands.
    pub decimal: char,
    /// How days are written, as chrono has it: `%Y-%m-%d`.
    pub days: String,
}

/// What became of the rows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// New records, or what would be.
    pub created: u64,
    /// Rows that changed a record that was there.
    pub updated: u64,
    /// Duplicates of which nothing was taken.
    pub skipped: u64,
    /// Rows that cannot become a record.
    pub rejected: u64,
    /// What was left out of rows, and of how many.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub warnings: BTreeMap<String, u64>,
}

impl Totals {
    /// Counts what was left out of rows; of the first hundred kinds, as nobody reads more.
    fn warn(&mut self, warnings: &[String]) {
        const MOST: usize = 100;
        for warning in warnings {
            if let Some(count) = self.warnings.get_mut(warning) {
                *count += 1;
            } else if self.warnings.len() < MOST {
                self.warnings.insert(warning.clone(), 1);
            }
        }
    }
}

/// What became of a row that was not rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Became {
    /// A new record.
    Created,
    /// A change of a record that was there.
    Updated,
    /// Nothing: its record was there.
    Skipped,
}

/// A row and its record.
#[derive(Debug, Clone, Copy)]
pub struct Fate {
    /// The line on which the row begins.
    pub line: u64,
    /// What became of it.
    pub became: Became,
    /// The number of the record.
    pub record: i64,
}

/// What was brought in within a call.
#[derive(Debug, Clone, Default)]
pub struct Imported {
    /// How many rows became what.
    pub totals: Totals,
    /// Each row that was not rejected, in the order of the lines.
    pub fates: Vec<Fate>,
    /// Those that were.
    pub rejected: Vec<Rejected>,
}

/// What an import would do.
#[derive(Debug, Clone, Default)]
pub struct Preview {
    /// How many rows would become what.
    pub totals: Totals,
    /// The first records as they would be stored.
    pub records: Vec<Map<String, Data>>,
    /// The first rows that would be rejected.
    pub rejected: Vec<Rejected>,
}

/// Rows as they are read.
pub type Rows<'a> = &'a mut dyn Iterator<Item = Result<Row>>;
/// OnProgress after each part how many rows it had and which of them were rejected.
pub type OnProgress<'a> = &'a mut dyn FnMut(u64, &[Rejected]) -> Result<()>;

/// An [`Import`] with its type erased: what the command line and tools work with.
pub trait AnyImport: Send + Sync {
    /// What is imported, in the plural.
    fn name(&self) -> &'static str;
    /// Its table.
    fn table(&self) -> &'static str;
    /// What stands as the tool in the change log.
    fn tool(&self) -> &'static str;
    /// What a caller must hold.
    fn permissions(&self, on_duplicate: OnDuplicate) -> Vec<Permission>;
    /// What a column of the table can be.
    fn fields(&self) -> Vec<Field>;
    /// Refuses a table whose rows are not such records, whatever their headers say.
    ///
    /// # Errors
    /// [`Code::Validation`](crate::error::Code::Validation) saying what the rows are.
    fn check(&self, table: &Table) -> Result<()>;
    /// What columns with these headers become, after what is said about some of them: the header, and the field or,
    /// to be ignored, nothing.
    ///
    /// # Errors
    /// [`Code::Unavailable`](crate::error::Code::Unavailable) where the attributes cannot be read; and, within, why columns
    /// and fields do not go together.
    fn mapping<'a>(
        &'a self,
        cx: &'a mut Cx,
        headers: &'a [String],
        overrides: &'a [(String, String)],
    ) -> BoxFuture<'a, Result<Result<Mapping, Unmapped>>>;
    /// Says what [`run`](Self::run) would do. Writes nothing.
    fn preview<'a>(
        &'a self,
        app: &'a Arc<App>,
        caller: &'a Caller,
        plan: &'a Plan,
        rows: Rows<'a>,
        on_progress: OnProgress<'a>,
    ) -> LocalBoxFuture<'a, Result<Preview>>;
    /// Brings the rows in, a thousand at a time: each such part is on disk before the next one begins.
    fn run<'a>(
        &'a self,
        app: &'a Arc<App>,
        batch: &'a Batch,
        plan: &'a Plan,
        rows: Rows<'a>,
        on_progress: OnProgress<'a>,
    ) -> LocalBoxFuture<'a, Result<Totals>>;
    /// Brings the rows in with what else a call does: all of it is its one change.
    fn within<'a>(
        &'a self,
        cx: &'a mut Cx,
        plan: &'a Plan,
        rows: Vec<Row>,
    ) -> BoxFuture<'a, Result<Imported>>;
}

struct Erased<R>(PhantomData<fn() -> R>);

/// The erased form of an import. A [`Module`](crate::registry::Module) lists `import::<Contact>()`.
#[must_use]
pub const fn import<R: Import>() -> &'static dyn AnyImport {
    &Erased::<R>(PhantomData)
}

impl<R: Import> AnyImport for Erased<R> {
    fn name(&self) -> &'static str {
        R::NAME
    }

    fn table(&self) -> &'static str {
        R::TABLE
    }

    fn tool(&self) -> &'static str {
        R::TOOL
    }

    fn permissions(&self, on_duplicate: OnDuplicate) -> Vec<Permission> {
        let mut needed = vec![R::ACCESS.create];
        needed.extend((on_duplicate == OnDuplicate::Update).then_some(R::ACCESS.update));
        needed
    }

    fn fields(&self) -> Vec<Field> {
        R::import_fields()
    }

    fn check(&self, table: &Table) -> Result<()> {
        if table.is_of_cards() && !R::OF_CARDS {
            let message = format!("vCards are people, and no {}.", R::NAME);
            return Err(Error::invalid("kind", message).hint("Import them as contacts."));
        }
        Ok(())
    }

    fn mapping<'a>(
        &'a self,
        cx: &'a mut Cx,
        headers: &'a [String],
        overrides: &'a [(String, String)],
    ) -> BoxFuture<'a, Result<Result<Mapping, Unmapped>>> {
        Box::pin(async move {
            let defined = cx.defined_attributes(R::TABLE).await?;
            Ok(Mapping::of(
                R::import_fields(),
                &defined,
                headers,
                overrides,
            ))
        })
    }

    fn preview<'a>(
        &'a self,
        app: &'a Arc<App>,
        caller: &'a Caller,
        plan: &'a Plan,
        rows: Rows<'a>,
        on_progress: OnProgress<'a>,
    ) -> LocalBoxFuture<'a, Result<Preview>> {
        Box::pin(run::preview::<R>(app, caller, plan, rows, on_progress))
    }

    fn run<'a>(
        &'a self,
        app: &'a Arc<App>,
        batch: &'a Batch,
        plan: &'a Plan,
        rows: Rows<'a>,
        on_progress: OnProgress<'a>,
    ) -> LocalBoxFuture<'a, Result<Totals>> {
        Box::pin(run::run::<R>(app, batch, plan, rows, on_progress))
    }
    fn within<'a>(
        &'a self,
        cx: &'a mut Cx,
        plan: &'a Plan,
        rows: Vec<Row>,
    ) -> BoxFuture<'a, Result<Imported>> {
        Box::pin(run::within::<R>(cx, plan, rows))
    }
}
