//! Number series: how the numbers of documents look, and which comes next.

use bureau_kernel::list::Order;
use bureau_kernel::prelude::*;
use bureau_kernel::store::sql;
use chrono::{Datelike as _, NaiveDate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

bureau_kernel::record! {
    /// How documents of a kind are numbered.
    pub struct Series: "number_series", "ser", "number series" {
        /// What it numbers.
        pub numbers: Numbers,
        /// How a number looks: `{year}` and `{number}` or `{number:5}`, which has at least five digits.
        pub pattern: Line<30>,
        /// Whether it starts again each year.
        pub yearly: bool,
        /// The first number.
        pub first: Whole<1, 900_000_000>,
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
    fn title(&self) -> String {
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
pub(crate) struct Number {
    pub(crate) series: Id<Series>,
    pub(crate) period: i64,
    pub(crate) serial: i64,
    pub(crate) text: Line<40>,
}

/// Takes the next number for a document of this day. Whoever takes one of the same series waits until this call is
/// committed or rolled back, so that no number is lost or given twice; numbers are counted from the documents themselves.
///
/// # Errors
/// [`Code::Validation`] when a later day has a number already, where numbers are `in_date_order`.
pub(crate) async fn next_number(
    cx: &mut Cx,
    numbers: Numbers,
    day: NaiveDate,
    in_date_order: bool,
) -> Result<Number> {
    let workspace = cx.workspace().id;
    let name = bureau_kernel::store::enum_name(&numbers);
    cx.tx()
        .serialize(&format!("numbers {workspace} {name}"))
        .await?;
    let all = all_series(cx).await?;
    let series = all
        .into_iter()
        .find(|series| series.numbers == numbers)
        .ok_or_else(|| Error::internal("a series is missing"))?;
    let period = series.period(day);
    let (table, date) = match numbers {
        Numbers::Invoices | Numbers::CreditNotes => ("invoice", "issue_date"),
        Numbers::Quotations => ("quotation", "sent_on"),
    };
    let last = sql("SELECT serial, number, ")
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
    let serial = match last {
        None => series.first.get(),
        Some(row) => {
            let last: NaiveDate = row.get("day")?;
            if in_date_order && last > day {
                let number: String = row.get("number")?;
                return Err(Error::invalid(
                    "issue_date",
                    format!("Numbers go in the order of dates, and {number} is of {last}."),
                )
                .hint(format!("Issue it on {last} or later.")));
            }
            row.get::<i64>("serial")? + 1
        }
    };
    let text = series.shown(day.year(), serial);
    Ok(Number {
        series: series.id,
        period,
        serial,
        text: Line::new(&text).map_err(Error::internal)?,
    })
}

/// Gives a new workspace its series.
pub(crate) async fn furnish(cx: &mut Cx) -> Result<()> {
    for (numbers, pattern) in [
        (Numbers::Invoices, "INV-{year}-{number:4}"),
        (Numbers::CreditNotes, "CN-{year}-{number:4}"),
        (Numbers::Quotations, "Q-{year}-{number:4}"),
    ] {
        let series = Series {
            numbers,
            pattern: Line::new(pattern).map_err(Error::internal)?,
            yearly: true,
            first: Whole::default(),
        };
        cx.insert(series, Attributes::new()).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Numbers, Series};
    use bureau_kernel::prelude::{Line, Whole};

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
                pattern: Line::new(pattern).unwrap(),
                yearly: false,
                first: Whole::default(),
            };
            let found = series.parts().map(|_| series.shown(2026, 42));
            assert_eq!(found.as_deref(), shown, "{pattern}");
        }
    }
}
