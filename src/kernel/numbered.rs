//! Which kinds of records have numbers: what a module says of them.

use crate::erased::record;
use crate::error::{Error, Result};
use crate::record::{AnyRecord, Record};

/// A series as it is declared by the module whose records it numbers.
#[derive(Debug, Clone, Copy)]
pub struct Numbering {
    /// What it numbers, in the plural, such as `credit_notes`. No other series has this name.
    pub numbers: &'static str,
    /// How a number looks, until a workspace says otherwise.
    pub pattern: &'static str,
    /// Whether it starts again each year, until a workspace says otherwise.
    pub yearly: bool,
    /// The column with the day in whose order numbers go; without one they go in the order in which they are taken.
    pub in_order_of: Option<&'static str>,
}

/// A record that has a number. Beside `number` it has the columns `series`, `period` and `serial`, which are unique together and
/// kept by the server, and it is found by the index key `number`.
pub trait Numbered: Record {
    /// The series by which such records are numbered.
    const SERIES: &'static [Numbering];
}

/// A [`Numbered`] kind of record with its type erased.
#[derive(Clone, Copy)]
pub struct NumberedKind {
    pub(crate) record: &'static dyn AnyRecord,
    pub(crate) series: &'static [Numbering],
}

/// The erased form of a kind that is numbered. A [`Module`](crate::registry::Module) lists `numbered::<Invoice>()`.
#[must_use]
pub const fn numbered<R: Numbered>() -> NumberedKind {
    NumberedKind {
        record: record::<R>(),
        series: R::SERIES,
    }
}

/// The columns of a numbered record.
const COLUMNS: [&str; 4] = ["number", "series", "period", "serial"];

impl NumberedKind {
    /// The table in which the records stand.
    pub(crate) fn table(&self) -> &'static str {
        self.record.table()
    }

    /// What has to hold of it beside these others.
    pub(crate) fn check(&self, others: &[Self]) -> Result<()> {
        let known = |name: &str| {
            let mut series = others.iter().flat_map(|other| other.series);
            series.any(|other| other.numbers == name)
        };
        if let Some(twice) = self.series.iter().find(|series| known(series.numbers)) {
            let message = format!("two number series are named {}", twice.numbers);
            return Err(Error::internal(message));
        }
        let has = |name: &str| self.record.columns().iter().any(|c| c.name == name);
        let days = self.series.iter().filter_map(|series| series.in_order_of);
        match COLUMNS.into_iter().chain(days).find(|name| !has(name)) {
            None => Ok(()),
            Some(column) => Err(Error::internal(format!(
                "{} is numbered and has no column {column}",
                self.table()
            ))),
        }
    }
}
