//! Number series: how the numbers of records look, and which comes next.
//!
//! A module says of its record by which series it is numbered ([`Numbered`]), and lists it in its
//! [`Module`]. There is no counter: numbers are counted from the records that have them, so it cannot
//! be ahead of them, and no number is lost or given twice.

use std::collections::HashMap;

use chrono::{Datelike as _, NaiveDate};
use futures::FutureExt as _;
use serde_json::{Value, json};

use crate::caller::Workspace;
use crate::error::{Error, Result};
use crate::numbered::{Numbered, NumberedKind, Numbering};
use crate::permission::{Access, Permission};
use crate::record::{Attributes, Cx, Order, Record, Saved};
use crate::registry::{Module, Registry};
use crate::settings::Setting;
use crate::store::sql;
use crate::types::id::Id;
use crate::types::number::BoundedInt;
use crate::types::page::Limit;
use crate::types::text::{ShortText, folded, nearest};

crate::record! {
    /// How records of a kind are numbered.
    pub struct Series: "number_series", "ser", "number series" {
        /// What it numbers: the name of a [`Numbering`].
        pub numbers: ShortText<40>,
        /// How a number looks: `{year}` and `{number}` or `{number:5}`, which has at least five digits.
        pub pattern: ShortText<30>,
        /// Whether it starts again each year.
        pub yearly: bool,
        /// The first number.
        pub first: BoundedInt<1, 900_000_000>,
    }
}

/// Number series are known wherever a module that uses this one is. It has no tools of its own: the owner arranges them with
/// the command line or the group settings. Their permissions are named after the first records that were numbered.
pub const MODULE: Module = Module {
    name: "series",
    about: "How records are numbered",
    records: crate::records![Series],
    provides: &[&SETTING],
    ..Module::EMPTY
};

/// How records are numbered here, each series with the number that comes next.
static SETTING: Setting = Setting {
    name: "series",
    read: READ,
    show: |cx| show(cx).boxed(),
};

async fn show(cx: &mut Cx) -> Result<Value> {
    let mut shown = Vec::new();
    for series in all_series(cx).await? {
        let (next, _) = upcoming(cx, &series).await?;
        shown.push(json!({
            "numbers": series.numbers,
            "pattern": series.pattern,
            "yearly": series.yearly,
            "first": series.first,
            "next": next,
        }));
    }
    Ok(Value::Array(shown))
}

const READ: Permission = Permission::new("read_invoices");
const MANAGE: Permission = Permission::new("manage_invoicing");

/// What is numbered by these modules and those that they use: the names of the series.
#[must_use]
pub fn names(modules: &[Module]) -> Vec<&'static str> {
    let modules = Module::all_with_used(modules).into_iter();
    let kinds = modules.flat_map(|module| module.numbered);
    kinds
        .flat_map(|kind| kind.series)
        .map(|series| series.numbers)
        .collect()
}

const YEAR: &str = "{year}";

impl Record for Series {
    const ACCESS: Access = Access {
        read: READ,
        create: MANAGE,
        update: MANAGE,
        delete: MANAGE,
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

/// The number series of the workspace by which this build numbers anything.
///
/// # Errors
/// What the database says.
pub async fn all_series(cx: &mut Cx) -> Result<Vec<Saved<Series>>> {
    let page = cx
        .list::<Series>()
        .page(Order::CREATED, false, Limit::of(100), None)
        .await?;
    let mut rows = page.rows;
    rows.retain(|series| of_name(cx, &series.numbers).is_ok());
    Ok(rows)
}

/// The kind of record and the declaration of the series of this name.
fn of_name(cx: &Cx, name: &str) -> Result<(NumberedKind, &'static Numbering)> {
    let registry = Registry::of(cx)?;
    let mut names = Vec::new();
    for kind in registry.numbered() {
        for series in kind.series {
            if series.numbers == name {
                return Ok((*kind, series));
            }
            names.push(series.numbers);
        }
    }
    let error = Error::invalid("numbers", "There is no such number series here.");
    Err(match nearest(name, names.iter().copied()) {
        Some(known) => error.hint(format!("Did you mean {known}?")),
        None => error.hint(format!("There are: {}.", names.join(", "))),
    })
}

/// A number that a record takes.
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

/// The series of this name. Whoever asks for it as well waits until this call is committed or rolled back.
async fn held(cx: &mut Cx, name: &str) -> Result<Saved<Series>> {
    let workspace = cx.workspace().id;
    cx.tx()
        .serialize(&format!("numbers {workspace} {name}"))
        .await?;
    let all = all_series(cx).await?;
    all.into_iter()
        .find(|series| &*series.numbers == name)
        .ok_or_else(|| Error::internal("a series is missing"))
}

/// The last number of a period.
struct Last {
    serial: i64,
    text: String,
    /// Its day, where numbers go in the order of days and it has one.
    day: Option<NaiveDate>,
}

async fn last_of(cx: &mut Cx, series: &Saved<Series>, period: i64) -> Result<Option<Last>> {
    let workspace = cx.workspace().id;
    let (kind, numbering) = of_name(cx, &series.numbers)?;
    let mut statement = sql("SELECT serial, number");
    if let Some(day) = numbering.in_order_of {
        statement = statement.sql(", ").sql(day).sql(" AS day");
    }
    let row = statement
        .sql(" FROM ")
        .sql(kind.table())
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
        day: match numbering.in_order_of {
            Some(_) => row.get("day")?,
            None => None,
        },
    }))
}

/// Takes the next number of a series for a record of this day. Whoever takes one of the same series waits until this call is
/// committed or rolled back.
///
/// # Errors
/// [`Code::Validation`](crate::error::Code::Validation) when a later day has a number already, where numbers go in the order of
/// days; [`Code::Conflict`](crate::error::Code::Conflict) when another record has this number from a time when the series was
/// another.
pub async fn next_number<R: Numbered>(
    cx: &mut Cx,
    numbering: &Numbering,
    day: NaiveDate,
) -> Result<Number> {
    let series = held(cx, numbering.numbers).await?;
    let period = series.period(day);
    let serial = match last_of(cx, &series, period).await? {
        None => series.first.get(),
        Some(last) => {
            if let (Some(field), Some(last_day)) = (
                numbering.in_order_of,
                last.day.filter(|last_day| *last_day > day),
            ) {
                let message = format!(
                    "Numbers go in the order of dates, and {} is of {last_day}.",
                    last.text
                );
                return Err(
                    Error::invalid(field, message).hint(format!("Date it {last_day} or later."))
                );
            }
            last.serial + 1
        }
    };
    let text = series.shown(day.year(), serial);
    // Whoever changes a series is refused what would repeat a number; one who takes such a change back is not.
    let taken = cx.with_index_key::<R>("number", &folded(&text), 1).await?;
    if !taken.is_empty() {
        let message = format!("There is a {text} already.");
        return Err(Error::conflict(message)
            .hint("The owner gives the series another pattern: update_workspace, or bureau workspace series set"));
    }
    Ok(Number {
        series: series.id,
        period,
        serial,
        text: ShortText::new(&text).map_err(Error::internal)?,
    })
}

/// The number that a record of today takes next, and whether it is the first of its period.
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

/// Changes how records are numbered from now on, by the name of their series.
///
/// # Errors
/// [`Code::Validation`](crate::error::Code::Validation) for a name or pattern that is none;
/// [`Code::Conflict`](crate::error::Code::Conflict) for a pattern that would come to a number that a record has already, or that
/// another series may come to.
pub async fn set_series(cx: &mut Cx, numbers: &str, change: SeriesChange) -> Result<Saved<Series>> {
    of_name(cx, numbers)?;
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

/// Refuses a pattern by which another series comes to the same numbers, where records of one kind are found by both.
async fn refuse_alike(cx: &mut Cx, series: &Saved<Series>) -> Result<()> {
    let around = |series: &Series| {
        series
            .parts()
            .map(|(before, _, after)| (folded(before), folded(after)))
    };
    let (kind, _) = of_name(cx, &series.numbers)?;
    let shares = |other: &Series| kind.series.iter().any(|own| own.numbers == &*other.numbers);
    let alike = |other: &Saved<Series>| {
        other.id != series.id && shares(other) && around(other) == around(series)
    };
    if all_series(cx).await?.iter().any(alike) {
        let names: Vec<&str> = kind.series.iter().map(|own| own.numbers).collect();
        let mut names = names.join(" and ").replace('_', " ");
        if let Some(first) = names.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let message = format!("{names} are found by their numbers, so these cannot look alike.");
        return Err(Error::conflict(message)
            .field("pattern")
            .hint("Begin one of them with other letters, such as CN-."));
    }
    Ok(())
}

/// Refuses a series that would come to a number that a record has already.
async fn refuse_repeated(cx: &mut Cx, series: &Saved<Series>) -> Result<()> {
    let workspace = cx.workspace().id;
    let table = of_name(cx, &series.numbers)?.0.table();
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

/// Gives a new workspace the series of a kind of record.
///
/// # Errors
/// What the database says.
pub async fn provision<R: Numbered>(cx: &mut Cx) -> Result<()> {
    for numbering in R::SERIES {
        let series = Series {
            numbers: ShortText::new(numbering.numbers).map_err(Error::internal)?,
            pattern: ShortText::new(numbering.pattern).map_err(Error::internal)?,
            yearly: numbering.yearly,
            first: BoundedInt::default(),
        };
        cx.insert(series, Attributes::new()).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Numbered, Numbering, Series};
    use crate::numbered::{NumberedKind, numbered};
    use crate::permission::{Access, Permission};
    use crate::record::Record;
    use crate::registry::{Module, Registry, Selection};
    use crate::store::Managed;
    use crate::types::id::Id;
    use crate::types::number::BoundedInt;
    use crate::types::text::ShortText;

    crate::record! {
        /// Something with a number.
        pub(super) struct Ticket: "ticket", "tkt", "ticket" {
            /// Its number.
            pub number: Managed<Option<ShortText<40>>>,
            /// The series of the number.
            pub series: Managed<Option<Id<Series>>>,
            /// The period of the series.
            pub period: Managed<Option<i64>>,
            /// Its place in that.
            pub serial: Managed<Option<i64>>,
        }
    }
    crate::record! {
        /// Something that says that it has one, without a column for it.
        pub(super) struct Slip: "slip", "slp", "slip" {
            /// Its place.
            pub serial: Managed<Option<i64>>,
        }
    }

    const TICKETS: Numbering = Numbering {
        numbers: "tickets",
        pattern: "T-{number:4}",
        yearly: false,
        in_order_of: None,
    };

    const READ: Permission = Permission::new("read_tickets");
    const WRITE: Permission = Permission::new("write_tickets");
    const ACCESS: Access = Access {
        read: READ,
        create: WRITE,
        update: WRITE,
        delete: WRITE,
    };

    impl Record for Ticket {
        const ACCESS: Access = ACCESS;
        fn label(&self) -> String {
            String::new()
        }
    }
    impl Numbered for Ticket {
        const SERIES: &'static [Numbering] = &[TICKETS];
    }
    impl Record for Slip {
        const ACCESS: Access = ACCESS;
        fn label(&self) -> String {
            String::new()
        }
    }
    impl Numbered for Slip {
        const SERIES: &'static [Numbering] = &[Numbering {
            numbers: "slips",
            ..TICKETS
        }];
    }

    #[test]
    fn any_kind_of_record_says_by_which_series_it_is_numbered() {
        let made = |kinds: &'static [NumberedKind]| {
            let module = Module {
                name: "tickets",
                records: const { &[crate::erased::record::<Ticket>()] },
                uses: &[&super::MODULE],
                numbered: kinds,
                ..Module::EMPTY
            };
            assert!(super::names(&[module]).contains(&"tickets"));
            Registry::new(&[module], &Selection::default())
        };
        assert!(made(const { &[numbered::<Ticket>()] }).is_ok());
        let twice = made(const { &[numbered::<Ticket>(), numbered::<Ticket>()] });
        let twice = format!("{:?}", twice.err().unwrap());
        assert!(
            twice.contains("two number series are named tickets"),
            "{twice}"
        );
        let lacking = made(const { &[numbered::<Ticket>(), numbered::<Slip>()] });
        let lacking = format!("{:?}", lacking.err().unwrap());
        assert!(
            lacking.contains("slip is numbered and has no column number"),
            "{lacking}"
        );
    }

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
                numbers: ShortText::new("invoices").unwrap(),
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
