//! What time can be asked for in figures: hours, what they are billed at, and which part of them is billable.

use std::collections::{BTreeMap, HashMap};

use bureau_companies::Company;
use bureau_kernel::figures::Tally;
use bureau_kernel::measures::{
    Dimension, Evidence, Figure, Group, Measure, Period, Question, Rows, Source, Unit,
};
use bureau_kernel::prelude::*;
use bureau_kernel::rates::Rates;
use bureau_kernel::store::{Row as Found, Sql, sql};
use bureau_kernel::types::money::Amount;
use chrono::NaiveDate;
use futures::FutureExt as _;
use rust_decimal::Decimal;

use crate::entry::TimeEntry;
use crate::hours::worth;
use crate::list_time_entries::projects_for;
use crate::view::seconds;
use bureau_projects::Project;

/// What was worked.
pub(crate) const HOURS: Measure = Measure {
    id: "time.hours",
    version: 1,
    unit: Unit::Hours,
    basis: "Hours that were worked in the period, without running timers",
    period: Period::Day("worked_on"),
    dimensions: &[
        Dimension::of::<Member>("member"),
        Dimension::of::<Project>("project"),
        Dimension::of::<Company>(COMPANY),
    ],
    evidence: Some(listed(&[("running", "false")])),
    source: Source::Code(|cx, measure, asked, rates| {
        ask(cx, measure, asked, rates, stopped, hours).boxed()
    }),
};

/// What of it is for clients to pay.
pub(crate) const BILLABLE: Measure = Measure {
    id: "time.billable_hours",
    basis: "Billable hours that were worked in the period, not rounded",
    evidence: Some(listed(&[("running", "false"), ("billable", "true")])),
    source: Source::Code(|cx, measure, asked, rates| {
        ask(cx, measure, asked, rates, billable, hours).boxed()
    }),
    ..HOURS
};

/// Which part of it that is.
pub(crate) const UTILISATION: Measure = Measure {
    id: "time.utilisation",
    unit: Unit::Percent,
    basis: "The billable part of the hours that were worked in the period",
    source: Source::Code(|cx, measure, asked, rates| {
        ask(cx, measure, asked, rates, stopped, utilisation).boxed()
    }),
    ..HOURS
};

/// What of it is billed.
pub(crate) const BILLED: Measure = Measure {
    id: "time.billed",
    unit: Unit::Money,
    basis: "What time that was worked in the period and is on an invoice or draft is billed at",
    evidence: Some(listed(&[("billed", "true")])),
    source: Source::Code(|cx, measure, asked, rates| {
        let on_invoice: Only = |statement| statement.sql(" AND invoice IS NOT NULL");
        ask(cx, measure, asked, rates, on_invoice, money).boxed()
    }),
    ..HOURS
};

/// What of it is not.
pub(crate) const UNBILLED: Measure = Measure {
    id: "time.unbilled",
    unit: Unit::Money,
    basis: "What billable time that was worked in the period and is on no invoice would be billed at",
    evidence: Some(listed(&[
        ("running", "false"),
        ("billable", "true"),
        ("billed", "false"),
    ])),
    source: Source::Code(|cx, measure, asked, rates| {
        let open: Only = |statement| billable(statement).sql(" AND invoice IS NULL");
        ask(cx, measure, asked, rates, open, money).boxed()
    }),
    ..HOURS
};

/// The dimension that the project of an entry has, and the entry has not.
const COMPANY: &str = "company";

const fn listed(arguments: &'static [(&'static str, &'static str)]) -> Evidence {
    Evidence::listed("list_time_entries", arguments, "member")
        .within("worked_after", "worked_before")
}

/// Appends which entries are counted.
type Only = fn(Sql) -> Sql;

fn stopped(statement: Sql) -> Sql {
    statement.sql(" AND running = ").value(false)
}

fn billable(statement: Sql) -> Sql {
    stopped(statement).sql(" AND billable = ").value(true)
}

/// Entries of one project, member, day and rate together.
struct Sums {
    row: Found,
    count: i64,
    seconds: i64,
    billable_seconds: i64,
    is_billable: bool,
}

/// Counts entries into a figure; none where it is the first.
type Count = fn(Option<&Figure>, Option<&Sums>, &mut Rates) -> Result<Figure>;

fn hours(figure: Option<&Figure>, more: Option<&Sums>, _: &mut Rates) -> Result<Figure> {
    let (count, seconds) = match figure {
        Some(Figure::Hours { count, seconds }) => (*count, *seconds),
        _ => (0, 0),
    };
    let (more, longer) = more.map_or((0, 0), |more| (more.count, more.seconds));
    Ok(Figure::Hours {
        count: count + more,
        seconds: seconds + longer,
    })
}

fn utilisation(figure: Option<&Figure>, more: Option<&Sums>, _: &mut Rates) -> Result<Figure> {
    let (count, part, whole) = match figure {
        Some(Figure::Part { count, part, whole }) => (*count, *part, *whole),
        _ => Default::default(),
    };
    let Some(more) = more else {
        return Ok(Figure::Part { count, part, whole });
    };
    let billable = if more.is_billable { more.seconds } else { 0 };
    Ok(Figure::Part {
        count: count + more.count,
        part: part + Decimal::from(billable),
        whole: whole + Decimal::from(more.seconds),
    })
}

fn money(figure: Option<&Figure>, more: Option<&Sums>, rates: &mut Rates) -> Result<Figure> {
    let mut tally = match figure {
        Some(Figure::Money(tally)) => tally.clone(),
        _ => Tally::default(),
    };
    if let Some(more) = more {
        let day: NaiveDate = more.row.get("worked_on")?;
        let rate: Option<Amount> = more.row.get("hourly_rate")?;
        let amount = worth(more.billable_seconds, rate.unwrap_or_default())?;
        tally.add(
            rates.worth(more.row.get("currency")?, day),
            more.count,
            [amount],
        )?;
    }
    Ok(Figure::Money(tally))
}

async fn ask(
    cx: &mut Cx,
    measure: &Measure,
    asked: &Question,
    rates: &mut Rates,
    only: Only,
    count: Count,
) -> Result<Vec<Group>> {
    let dimensions = measure.by(asked)?;
    let rows = Rows::all::<TimeEntry>("member");
    // Of which client an entry is, its project says.
    let mut own = asked.clone();
    own.filters.retain(|(name, _)| *name != COMPANY);
    let mut statement = sql(
        "SELECT project, member, worked_on, currency, hourly_rate, billable, COUNT(*) AS count, ",
    )
    .sum("seconds")
    .sql(", ")
    .sum("billable_seconds");
    statement = only(rows.conditions(statement, cx, measure, &own)?);
    for (_, company) in asked.filters.iter().filter(|(name, _)| *name == COMPANY) {
        let company: Id<Company> = company.parse().map_err(Error::internal)?;
        statement = statement.sql(" AND project IN (NULL");
        for project in projects_for(cx, company).await? {
            statement = statement.sql(", ").value(project);
        }
        statement = statement.sql(")");
    }
    let statement =
        statement.sql(" GROUP BY project, member, worked_on, currency, hourly_rate, billable");
    let rows = statement.rows(cx.tx()).await?;
    let clients = clients(cx).await?;
    let mut groups: BTreeMap<Vec<Option<String>>, Figure> = BTreeMap::new();
    if dimensions.is_empty() {
        groups.insert(Vec::new(), count(None, None, rates)?);
    }
    for row in rows {
        let key = dimensions.iter().map(|dimension| match dimension.name() {
            COMPANY => {
                let client = clients.get(&row.get::<i64>("project")?).copied().flatten();
                Ok(client.map(|client| client.to_string()))
            }
            _ => dimension.key(&row),
        });
        let key = key.collect::<Result<Vec<_>>>()?;
        let sums = Sums {
            count: row.get("count")?,
            seconds: seconds(&row, "seconds")?,
            billable_seconds: seconds(&row, "billable_seconds")?,
            is_billable: row.get("billable")?,
            row,
        };
        let figure = count(groups.get(&key), Some(&sums), rates)?;
        groups.insert(key, figure);
    }
    let groups = groups.into_iter();
    Ok(groups.map(|(key, figure)| Group { key, figure }).collect())
}

/// The clients of all projects.
async fn clients(cx: &mut Cx) -> Result<HashMap<i64, Option<Id<Company>>>> {
    let rows = sql("SELECT id, company").from_live::<Project>(cx);
    let rows = rows.rows(cx.tx()).await?;
    let each = rows
        .iter()
        .map(|row| Ok((row.get("id")?, row.get("company")?)));
    each.collect()
}
