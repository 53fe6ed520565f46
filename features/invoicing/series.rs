//! Number series: how the numbers of documents look, and which comes next.

use bureau_billing::MANAGE_INVOICING;
use std::collections::HashMap;

use bureau_kernel::list::Order;
use bureau_kernel::prelude::*;
use bureau_kernel::store::sql;
use bureau_kernel::types::text::folded;
use chrono::{Datelike as _, NaiveDate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::READ_INVOICES;
use crate::invoice::Invoice;
use crate::quotation::Quotation;

bureau_kernel::record! {
    /// How documents of a kind are numbered.
    pub struct Series: "number_series", "ser", "number series" {
        /// What it numbers.
        pub numbers: Numbers,
        /// How a number looks: `{year}` and `{number}` or `{number:5}`, which has at least five digits.
        pub pattern: ShortText<30>,
        /// Whether it starts again each year.
        pub yearly: bool,
        /// The first number.
        pub first: BoundedInt<1, 900_000_000>,
    }
}

/// What a series numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Numbers {
    /// Invoices.
    #[default]
    Invoices,
    /// Credit notes.
    CreditNotes,
    /// Quotations.
    Quotations,
}
bureau_kernel::text_column!(Numbers);

const YEAR: &str = "{year}";

impl Record for Series {
    const ACCESS: Access = Access {
        read: READ_INVOICES,
        create: MANAGE_INVOICING,
        update: MANAGE_INVOICING,
        delete: MANAGE_INVOICING,
    };

    fn label(&self) -> String {
        self.pattern.to_string()
    }

    fn check(&mut self, _: &Workspace) -> Result<()> {
        let wrong =
            |what: &str| Error::invalid("pattern", what).hint("Such as INV-{year}-{number:4}.");
        if self.parts().is_none() {
            return Err(wrong(
                "pattern holds {number} once, or {number:N} with N from 1 to 9.",
            ));
        }
        if self.yearly && !self.pattern.contains(YEAR) {
            return Err(wrong(
                "A series that starts again each year has {year} in its pattern.",
            ));
        }
        Ok(())
    }
}

impl Series {
    /// What stands before the number, how many digits it has at least, what stands after it.
    fn parts(&self) -> Option<(&str, usize, &str)> {
        let (before, rest) = self.pattern.split_once("{number")?;
        let (format, after) = rest.split_once('}')?;
        let digits = match format.strip_prefix(':') {
            Some(digits) => digits
                .parse()
                .ok()
                .filter(|digits| (1..=9).contains(digits))?,
            None if format.is_empty() => 1,
            None => return None,
        };
        (!after.contains("{number")).then_some((before, digits, after))
    }

    /// The number of this year as it is written.
    #[must_use]
    pub fn shown(&self, year: i32, number: i64) -> String {
        let Some((before, digits, after)) = self.parts() else {
            return number.to_string();
        };
        let year = year.to_string();
        let (before, after) = (before.replace(YEAR, &year), after.replace(YEAR, &year));
        format!("{before}{number:0digits$}{after}")
    }

    /// The year and the number of what was written like this; the year is 0 where the pattern has none.
    fn read(&self, text: &str) -> Option<(i32, i64)> {
        const DIGITS: usize = 4;
        let (before, _, after) = self.parts()?;
        let length = |part: &str| part.replace(YEAR, "0000").len();
        let number_at = length(before);
        let after_at = text.len().checked_sub(length(after))?;
        let number = text.get(number_at..after_at)?;
        let year_at = match (before.find(YEAR), after.find(YEAR)) {
            (Some(at), _) => Some(at),
            (None, Some(at)) => Some(after_at + at),
            (None, None) => None,
        };
        let year = match year_at {
            Some(at) => text.get(at..at + DIGITS)?.parse().ok()?,
            None => 0,
        };
        let number = number.parse().ok()?;
        (folded(&self.shown(year, number)) == folded(text)).then_some((year, number))
    }

    /// The period in which its numbers are counted: the year, or 0 where it never starts again.
    #[must_use]
    pub fn period(&self, day: NaiveDate) -> i64 {
        if self.yearly { day.year().into() } else { 0 }
    }
}

/// The number series of the workspace.
///
/// # Errors
/// What the database says.
pub async fn all_series(cx: &mut Cx) -> Result<Vec<Saved<Series>>> {
    let page = cx
        .list::<Series>()
        .page(Order::CREATED, false, Limit::of(20), None)
        .await?;
    Ok(page.rows)
}

/// A number that a document takes.
#[derive(Debug, Clone)]
pub struct Number {
    /// The series.
    pub series: Id<Series>,
    /// The period of the series in which it is counted.
    pub period: i64,
    /// Its place in that period.
    pub serial: i64,
    /// As it is written.
    pub text: ShortText<40>,
}

impl Numbers {
    /// The table of the documents that have these numbers, and its column with the day from which one counts.
    const fn stands_in(self) -> (&'static str, &'static str) {
        match self {
            Self::Invoices | Self::CreditNotes => ("invoice", "issue_date"),
            Self::Quotations => ("quotation", "sent_on"),
        }
    }

    /// Whether a document is found by both numbers in the same way, so that they may not be alike.
    fn shares_names_with(self, other: Self) -> bool {
        self.stands_in() == other.stands_in()
    }
}

/// The series of these numbers. Whoever asks for it with the same numbers waits until this call is committed or rolled
/// back.
///
/// # Errors
/// What the database says.
async fn held(cx: &mut Cx, numbers: Numbers) -> Result<Saved<Series>> {
    let workspace = cx.workspace().id;
    let name = bureau_kernel::store::enum_name(&numbers);
    cx.tx()
        .serialize(&format!("numbers {workspace} {name}"))
        .await?;
    let all = all_series(cx).await?;
    all.into_iter()
        .find(|series| series.numbers == numbers)
        .ok_or_else(|| Error::internal("a series is missing"))
}

/// The last number of a period.
struct Last {
    serial: i64,
    text: String,
    /// Its day; none of a quotation of which a new version is being made.
    day: Option<NaiveDate>,
}

async fn last_of(cx: &mut Cx, series: &Saved<Series>, period: i64) -> Result<Option<Last>> {
    let workspace = cx.workspace().id;
    let (table, date) = series.numbers.stands_in();
    let row = sql("SELECT serial, number, ")
        .sql(date)
        .sql(" AS day FROM ")
        .sql(table)
        .sql(" WHERE workspace = ")
        .value(workspace)
        .sql(" AND series = ")
        .value(series.id)
        .sql(" AND period = ")
        .value(period)
        // What the index says too, or it is not used.
        .sql(" AND serial IS NOT NULL ORDER BY serial DESC LIMIT 1")
        .row(cx.tx())
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Last {
        serial: row.get("serial")?,
        text: row.get("number")?,
        day: row.get("day")?,
    }))
}

/// Takes the next number for a document of this day. Whoever takes one of the same series waits until this call is
/// committed or rolled back, so that no number is lost or given twice; numbers are counted from the documents themselves.
///
/// # Errors
/// [`Code::Validation`] when a later day has a number already, where numbers are `in_date_order`; [`Code::Conflict`] when
/// another document has this number from a time when the series was another.
pub async fn next_number(
    cx: &mut Cx,
    numbers: Numbers,
    day: NaiveDate,
    in_date_order: bool,
) -> Result<Number> {
    let series = held(cx, numbers).await?;
    let period = series.period(day);
    let serial = match last_of(cx, &series, period).await? {
        None => series.first.get(),
        Some(last) => {
            if let Some(last_day) = last.day.filter(|last| in_date_order && *last > day) {
                return Err(Error::invalid(
                    "issue_date",
                    format!(
                        "Numbers go in the order of dates, and {} is of {last_day}.",
                        last.text
                    ),
                )
                .hint(format!("Issue it on {last_day} or later.")));
            }
            last.serial + 1
        }
    };
    let text = series.shown(day.year(), serial);
    // Whoever changes a series is refused what would repeat a number; one who takes such a change back is not.
    if is_taken(cx, numbers, &text).await? {
        let message = format!("There is a {text} already.");
        return Err(Error::conflict(message)
            .hint("The owner gives the series another pattern: bureau workspace series set"));
    }
    Ok(Number {
        series: series.id,
        period,
        serial,
        text: ShortText::new(&text).map_err(Error::internal)?,
    })
}

async fn is_taken(cx: &mut Cx, numbers: Numbers, text: &str) -> Result<bool> {
    let text = folded(text);
    Ok(match numbers {
        Numbers::Invoices | Numbers::CreditNotes => !cx
            .with_index_key::<Invoice>("number", &text, 1)
            .await?
            .is_empty(),
        Numbers::Quotations => !cx
            .with_index_key::<Quotation>("number", &text, 1)
            .await?
            .is_empty(),
    })
}

/// The number that a document of today takes next, and whether it is the first of its period.
///
/// # Errors
/// What the database says.
pub async fn upcoming(cx: &mut Cx, series: &Saved<Series>) -> Result<(String, bool)> {
    let today = cx.today();
    let last = last_of(cx, series, series.period(today)).await?;
    let serial = last
        .as_ref()
        .map_or(series.first.get(), |last| last.serial + 1);
    Ok((series.shown(today.year(), serial), last.is_none()))
}

/// What is to change of a series; what is absent stays as it is.
#[derive(Debug, Clone, Default)]
pub struct SeriesChange {
    /// How a number looks from now on.
    pub pattern: Option<ShortText<30>>,
    /// Whether it starts again each year.
    pub yearly: Option<bool>,
    /// The first number of a period that has none yet.
    pub first: Option<BoundedInt<1, 900_000_000>>,
}

/// Changes how documents are numbered from now on.
///
/// # Errors
/// [`Code::Validation`] for a pattern that is none; [`Code::Conflict`] for one that would come to a number that a document
/// has already, or that another series may come to.
pub async fn set_series(
    cx: &mut Cx,
    numbers: Numbers,
    change: SeriesChange,
) -> Result<Saved<Series>> {
    let current = held(cx, numbers).await?;
    let mut edit = cx.edit(current.id).await?;
    edit.pattern = change.pattern.unwrap_or_else(|| edit.pattern.clone());
    edit.yearly = change.yearly.unwrap_or(edit.yearly);
    edit.first = change.first.unwrap_or(edit.first);
    let saved = edit.save(cx).await?;
    if saved.record != current.record {
        refuse_alike(cx, &saved).await?;
        refuse_repeated(cx, &saved).await?;
    }
    Ok(saved)
}

/// Refuses a pattern by which another series comes to the same numbers.
async fn refuse_alike(cx: &mut Cx, series: &Saved<Series>) -> Result<()> {
    let around = |series: &Series| {
        series
            .parts()
            .map(|(before, _, after)| (folded(before), folded(after)))
    };
    let alike = |other: &Saved<Series>| {
        other.id != series.id
            && other.numbers.shares_names_with(series.numbers)
            && around(other) == around(series)
    };
    if all_series(cx).await?.iter().any(alike) {
        let message =
            "Invoices and credit notes are found by their numbers, so these cannot look alike.";
        return Err(Error::conflict(message)
            .field("pattern")
            .hint("Begin one of them with other letters, such as CN-."));
    }
    Ok(())
}

/// Refuses a series that would come to a number that a document has already.
async fn refuse_repeated(cx: &mut Cx, series: &Saved<Series>) -> Result<()> {
    let workspace = cx.workspace().id;
    let (table, _) = series.numbers.stands_in();
    let rows = sql("SELECT period, MAX(serial) AS last FROM ")
        .sql(table)
        .sql(" WHERE workspace = ")
        .value(workspace)
        .sql(" AND series = ")
        .value(series.id)
        .sql(" AND serial IS NOT NULL GROUP BY period")
        .rows(cx.tx())
        .await?;
    let mut last: HashMap<i64, i64> = HashMap::new();
    for row in rows {
        last.insert(row.get("period")?, row.get("last")?);
    }
    let mut after = i64::MIN;
    loop {
        let rows = sql("SELECT id, number FROM ")
            .sql(table)
            .sql(" WHERE number IS NOT NULL AND workspace = ")
            .value(workspace)
            .sql(" AND id > ")
            .value(after)
            .sql(" ORDER BY id LIMIT 10000")
            .rows(cx.tx())
            .await?;
        let Some(end) = rows.last() else {
            return Ok(());
        };
        after = end.get("id")?;
        for row in &rows {
            let number: String = row.get("number")?;
            let Some((year, serial)) = series.read(&number) else {
                continue;
            };
            let period = if series.yearly { year.into() } else { 0 };
            let next = last
                .get(&period)
                .map_or(series.first.get(), |last| last + 1);
            if serial >= next {
                let message = format!("There is a {number} already, and this would come to it.");
                return Err(Error::conflict(message).field("pattern").hint(
                    "Choose a pattern that looks different, or a first number above all that there are.",
                ));
            }
        }
    }
}

/// Gives a new workspace its series.
pub(crate) async fn provision(cx: &mut Cx) -> Result<()> {
    for (numbers, pattern) in [
        (Numbers::Invoices, "INV-{year}-{number:4}"),
        (Numbers::CreditNotes, "CN-{year}-{number:4}"),
        (Numbers::Quotations, "Q-{year}-{number:4}"),
    ] {
        let series = Series {
            numbers,
            pattern: ShortText::new(pattern).map_err(Error::internal)?,
            yearly: true,
            first: BoundedInt::default(),
        };
        cx.insert(series, Attributes::new()).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Numbers, Series};
    use bureau_kernel::prelude::{BoundedInt, ShortText};

    #[test]
    fn a_number_looks_as_its_pattern_says() {
        for (pattern, shown) in [
            ("INV-{year}-{number:4}", Some("INV-2026-0042")),
            ("{number}", Some("42")),
            ("R{number:1}/{year}", Some("R42/2026")),
            ("INV", None),
            ("{number:0}", None),
            ("{number}{number}", None),
            ("{numbers}", None),
        ] {
            let series = Series {
                numbers: Numbers::Invoices,
                pattern: ShortText::new(pattern).unwrap(),
                yearly: false,
                first: BoundedInt::default(),
            };
            let found = series.parts().map(|_| series.shown(2026, 42));
            assert_eq!(found.as_deref(), shown, "{pattern}");
            if let Some(shown) = shown {
                let year = if pattern.contains("{year}") { 2026 } else { 0 };
                assert_eq!(series.read(shown), Some((year, 42)), "{pattern}");
                for other in [
                    "",
                    "é",
                    "42x",
                    "INV-2026-00042",
                    "INV-20é6-0042",
                    "R042/2026",
                ] {
                    assert_eq!(series.read(other), None, "{pattern} {other}");
                }
            }
        }
    }
}
