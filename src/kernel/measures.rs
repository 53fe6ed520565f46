//! Measures: what modules can be asked for in figures. A module registers its own, and whoever shows figures (a dashboard) asks the
//! registry for them by name and knows nothing of the tables behind them.
//!
//! All measures of one answer are of one moment and one state of the data, because a call that reads is one snapshot.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use rust_decimal::Decimal;
use serde_json::{Map, Value as Data};

use crate::caller::Member;
use crate::error::{Error, Result};
use crate::figures::{Spans, Tally, percent, share_of};
use crate::rates::Rates;
use crate::record::Cx;
use crate::store::{Row, Sql, sql};
use crate::types::id::{Entity, Id, decode, encode};
use crate::types::text::quoted;
use crate::types::time::{DayEdge, FAR_AWAY, Timestamp, day_edge};

/// What a module can be asked for in figures.
#[derive(Debug, Clone, Copy)]
pub struct Measure {
    /// Its name, unique: that of the module, a point, and what is measured.
    pub id: &'static str,
    /// Which way of measuring it that is, from 1: another one than before is the next.
    pub version: u32,
    /// What it is in.
    pub unit: Unit,
    /// What is counted, in words.
    pub basis: &'static str,
    /// What the first and the last day of a question mean.
    pub period: Period,
    /// By what it can be taken apart.
    pub dimensions: &'static [Dimension],
    /// The call that lists what is counted, where there is one that lists exactly that.
    pub evidence: Option<Evidence>,
    /// How it is measured.
    pub source: Source,
}

/// What a measure is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Amounts, in their currencies and in the workspace's.
    Money,
    /// How many.
    Count,
    /// A share, in percent.
    Percent,
    /// Days, as their median, mean and 90th percentile.
    Days,
    /// Minutes, in the same way.
    Minutes,
    /// Hours, exact to the second.
    Hours,
}

/// What the first and the last day of a question mean for a measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// Nothing: it is what it is now. Money counts at today's rates.
    Now,
    /// The day in this column is one of them. Money counts at the rate of that day.
    Day(&'static str),
    /// The moment in this column is within them, in the workspace's time zone. Of no money.
    Moment(&'static str),
}

/// By what a measure can be taken apart. The tool that lists what is counted has a parameter of the same name, unless the dimension
/// says that it has none.
#[derive(Debug, Clone, Copy)]
pub struct Dimension {
    name: &'static str,
    prefix: Option<&'static str>,
    table: Option<&'static str>,
    place: Place,
    is_listed: bool,
}

/// Where the value of a dimension stands.
#[derive(Debug, Clone, Copy)]
enum Place {
    /// In this column of the row.
    Own(&'static str),
    /// In a column of the record to which a column of the row refers.
    Beyond {
        refers: &'static str,
        table: &'static str,
        column: &'static str,
    },
}

impl Dimension {
    /// A column that refers to such records.
    #[must_use]
    pub const fn of<E: Entity>(column: &'static str) -> Self {
        Self {
            name: column,
            prefix: Some(E::PREFIX),
            table: Some(E::TABLE),
            place: Place::Own(column),
            is_listed: true,
        }
    }

    /// A column that holds one of several words.
    #[must_use]
    pub const fn word(column: &'static str) -> Self {
        Self {
            name: column,
            prefix: None,
            table: None,
            place: Place::Own(column),
            is_listed: true,
        }
    }

    /// A column of this name with words, of the records to which a column of the rows refers, such as the country of their company.
    /// No tool lists rows by it.
    #[must_use]
    pub const fn beyond<E: Entity>(refers: &'static str, column: &'static str) -> Self {
        Self {
            name: column,
            prefix: None,
            table: None,
            place: Place::Beyond {
                refers,
                table: E::TABLE,
                column,
            },
            is_listed: false,
        }
    }

    /// The same where the value stands in a column of another name.
    #[must_use]
    pub const fn in_column(self, column: &'static str) -> Self {
        Self {
            place: Place::Own(column),
            ..self
        }
    }

    /// The same where no tool lists rows by it.
    #[must_use]
    pub const fn not_listed(self) -> Self {
        Self {
            is_listed: false,
            ..self
        }
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The table of the records by which it takes apart, where it is no word.
    #[must_use]
    pub const fn table(&self) -> Option<&'static str> {
        self.table
    }

    /// Whether the tool that lists what is counted has a parameter of its name.
    #[must_use]
    pub const fn is_listed(&self) -> bool {
        self.is_listed
    }

    /// Where this row belongs, of a statement that selected [`Dimension::value`].
    ///
    /// # Errors
    /// As [`Row::get`].
    pub fn key(&self, row: &Row) -> Result<Option<String>> {
        match self.prefix {
            Some(prefix) => {
                let id = row.get::<Option<i64>>(self.name)?;
                Ok(id.map(|id| encode(prefix, id)))
            }
            None => row.get(self.name),
        }
    }

    /// Appends the value of a row of this table.
    fn push_value(&self, statement: Sql, table: &'static str) -> Sql {
        match self.place {
            Place::Own(column) => statement.sql(table).sql(".").sql(column),
            Place::Beyond {
                refers,
                table: other,
                column,
            } => statement
                .sql("(SELECT beyond.")
                .sql(column)
                .sql(" FROM ")
                .sql(other)
                .sql(" AS beyond WHERE beyond.workspace = ")
                .sql(table)
                .sql(".workspace AND beyond.id = ")
                .sql(table)
                .sql(".")
                .sql(refers)
                .sql(")"),
        }
    }

    /// Appends the value of a row of this table under the name of the dimension, for [`Dimension::key`].
    #[must_use]
    pub fn value(&self, statement: Sql, table: &'static str) -> Sql {
        self.push_value(statement, table).sql(" AS ").sql(self.name)
    }

    /// Appends that a row of this table belongs there.
    fn push(&self, statement: Sql, table: &'static str, key: &str) -> Result<Sql> {
        let statement = self.push_value(statement.sql(" AND "), table).sql(" = ");
        let Some(prefix) = self.prefix else {
            return Ok(statement.value(key.to_owned()));
        };
        let id = decode(key).filter(|(found, _)| *found == prefix);
        let (_, id) = id.ok_or_else(|| {
            Error::internal(format!("{} is no identifier of {}", quoted(key), self.name))
        })?;
        Ok(statement.value(id))
    }
}

/// The call of a tool of the same module that lists what is counted, and only that.
#[derive(Debug, Clone, Copy)]
pub struct Evidence {
    /// The tool.
    pub tool: &'static str,
    /// What it is always given; of a name that stands there more than once all the values, as a list.
    pub arguments: &'static [(&'static str, &'static str)],
    /// Its parameters for the first and for the last day, where it takes them.
    pub period: Option<(&'static str, &'static str)>,
    /// Its parameter for whose records they are, where it takes one.
    pub owner: Option<&'static str>,
}

/// How a measure is measured.
#[derive(Debug, Clone, Copy)]
pub enum Source {
    /// By counting and summing up rows of one table.
    Rows(Rows),
    /// As the share of one measure's rows in another's.
    Share {
        /// Of these…
        part: &'static Measure,
        /// …in these.
        whole: &'static Measure,
    },
    /// In a way of its own.
    Code(Ask),
}

/// What answers a question in a way of its own: a group for each combination of the dimensions that were asked for, one group
/// where none were.
pub type Ask = for<'a> fn(
    &'a mut Cx,
    &'a Measure,
    &'a Question,
    &'a mut Rates,
) -> BoxFuture<'a, Result<Vec<Group>>>;

/// Rows that are counted: of those in the caller's workspace that are not deleted.
#[derive(Debug, Clone, Copy)]
pub struct Rows {
    /// Of which table.
    pub table: &'static str,
    /// Appends which of them, each condition with an `AND` before it.
    pub only: fn(Sql, &Cx, &Question) -> Sql,
    /// The column with the member whose they are.
    pub owner: &'static str,
    /// The column with the amounts, beside one named `currency`: for money.
    pub amount: Option<&'static str>,
    /// How much of each amount counts, where it is not all of it.
    pub percent: Option<Percent>,
    /// The column with how long it took, in whole days or minutes. Rows without it are not counted.
    pub span: Option<&'static str>,
}

/// How much of each row's amount counts, in percent: the row says it, or else the record that it refers to.
#[derive(Debug, Clone, Copy)]
pub struct Percent {
    /// The row's column with it.
    pub own: &'static str,
    /// The row's column that refers to the other record.
    pub refers: &'static str,
    /// The table of that.
    pub table: &'static str,
    /// And its column with the percentage.
    pub usual: &'static str,
}

impl Evidence {
    /// A call that is always given this, and takes no first and last day.
    #[must_use]
    pub const fn listed(
        tool: &'static str,
        arguments: &'static [(&'static str, &'static str)],
        owner: &'static str,
    ) -> Self {
        Self {
            tool,
            arguments,
            period: None,
            owner: Some(owner),
        }
    }

    /// The same of a tool that lists nobody's records apart from the others'.
    #[must_use]
    pub const fn of_nobody(self) -> Self {
        Self {
            owner: None,
            ..self
        }
    }

    /// The same with its parameters for the first and for the last day.
    #[must_use]
    pub const fn within(self, first: &'static str, last: &'static str) -> Self {
        Self {
            period: Some((first, last)),
            ..self
        }
    }
}

impl Percent {
    /// What the records say that rows refer to, by their numbers.
    ///
    /// # Errors
    /// What the database says.
    pub async fn usual(&self, cx: &mut Cx) -> Result<BTreeMap<i64, i64>> {
        let workspace = cx.workspace().id;
        let rows = sql("SELECT id, ")
            .sql(self.usual)
            .sql(" AS usual FROM ")
            .sql(self.table)
            .sql(" WHERE workspace = ")
            .value(workspace)
            .rows(cx.tx())
            .await?;
        let each = rows.iter();
        each.map(|row| Ok((row.get("id")?, row.get("usual")?)))
            .collect()
    }

    /// How much of an amount counts that rows like this one come to.
    ///
    /// # Errors
    /// As [`Row::get`]; [`Code::Internal`](crate::error::Code::Internal) beyond all bounds.
    pub fn of(&self, amount: Decimal, row: &Row, usual: &BTreeMap<i64, i64>) -> Result<Decimal> {
        let percent = match row.get::<Option<i64>>(self.own)? {
            Some(own) => own,
            None => {
                let refers = usual.get(&row.get(self.refers)?);
                refers.copied().unwrap_or_default()
            }
        };
        share_of(amount, percent)
    }
}

/// What is asked of a measure.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// From this day on.
    pub from: Option<NaiveDate>,
    /// Until this day, with it.
    pub to: Option<NaiveDate>,
    /// Only what is this member's.
    pub owner: Option<Id<Member>>,
    /// Only what has this value in this dimension: an identifier or a word.
    pub filters: Vec<(&'static str, String)>,
    /// Taken apart by these dimensions.
    pub by: Vec<&'static str>,
}

/// What a measure comes to for one combination of the dimensions that were asked for.
#[derive(Debug, Clone)]
pub struct Group {
    /// Where it belongs: an identifier or a word for each dimension, in the order of the question.
    pub key: Vec<Option<String>>,
    /// What it comes to.
    pub figure: Figure,
}

/// What a measure comes to.
#[derive(Debug, Clone)]
pub enum Figure {
    /// So many.
    Count(i64),
    /// So much.
    Money(Tally<1>),
    /// A part of a whole.
    Share {
        /// So many of them…
        part: i64,
        /// …of so many.
        whole: i64,
    },
    /// So many days each.
    Days(Spans),
    /// So many minutes each.
    Minutes(Spans),
    /// So long, all of them together.
    Hours {
        /// How many there are…
        count: i64,
        /// …of so many seconds.
        seconds: i64,
    },
    /// A part of a whole that is not made of rows, such as some hours of all.
    Part {
        /// How many rows it is of.
        count: i64,
        /// So much…
        part: Decimal,
        /// …of so much.
        whole: Decimal,
    },
}

impl Figure {
    /// How many rows it is of.
    #[must_use]
    pub fn rows(&self) -> i64 {
        match self {
            Self::Count(count) | Self::Hours { count, .. } | Self::Part { count, .. } => *count,
            Self::Money(tally) => tally.count(),
            Self::Share { whole, .. } => *whole,
            Self::Days(spans) | Self::Minutes(spans) => spans.count(),
        }
    }

    /// The share in percent with one digit; nothing where it is none, or one of nothing.
    #[must_use]
    pub fn percent(&self) -> Option<String> {
        match self {
            Self::Share { part, whole } => percent(Decimal::from(*part), Decimal::from(*whole)),
            Self::Part { part, whole, .. } => percent(*part, *whole),
            _ => None,
        }
    }

    /// The amounts.
    ///
    /// # Errors
    /// [`Code::Internal`](crate::error::Code::Internal) where the measure is not in money.
    pub fn money(self) -> Result<Tally<1>> {
        match self {
            Self::Money(tally) => Ok(tally),
            other => Err(Error::internal(format!("{other:?} is no money"))),
        }
    }
}

impl Question {
    /// The moments of its first and its last day in the workspace's time zone.
    ///
    /// # Errors
    /// [`Code::Internal`](crate::error::Code::Internal) for days that no calendar holds.
    pub fn moments(&self, cx: &Cx) -> Result<(Option<Timestamp>, Option<Timestamp>)> {
        let zone = cx.workspace().time_zone;
        let edge = |day: Option<NaiveDate>, edge| {
            let moment = day.map(|day| day_edge(day, zone, edge));
            let moment = moment.map(|moment| moment.ok_or_else(|| Error::internal(FAR_AWAY)));
            moment.transpose()
        };
        Ok((
            edge(self.from, DayEdge::Start)?,
            edge(self.to, DayEdge::End)?,
        ))
    }
}

impl Rows {
    /// All that are there of a kind, to be counted.
    #[must_use]
    pub const fn all<E: Entity>(owner: &'static str) -> Self {
        Self {
            table: E::TABLE,
            only: |statement, _, _| statement,
            owner,
            amount: None,
            percent: None,
            span: None,
        }
    }

    /// Appends where the rows come from, and which are counted: those that are not deleted, of the workspace, of the owner, within
    /// the period.
    ///
    /// # Errors
    /// [`Code::Internal`](crate::error::Code::Internal) for what cannot be asked of this measure.
    pub fn conditions(
        &self,
        statement: Sql,
        cx: &Cx,
        measure: &Measure,
        asked: &Question,
    ) -> Result<Sql> {
        let statement = statement
            .sql(" FROM ")
            .sql(self.table)
            .sql(" WHERE archived_at IS NULL AND workspace = ")
            .value(cx.workspace().id);
        let mut statement = (self.only)(statement, cx, asked);
        if let Some(span) = self.span {
            statement = statement.sql(" AND ").sql(span).sql(" IS NOT NULL");
        }
        for (name, key) in &asked.filters {
            statement = measure.dimension(name)?.push(statement, self.table, key)?;
        }
        if let Some(owner) = asked.owner {
            statement = statement
                .sql(" AND ")
                .sql(self.owner)
                .sql(" = ")
                .value(owner);
        }
        match measure.period {
            Period::Now => {}
            Period::Day(column) => {
                for (compares, day) in [(" >= ", asked.from), (" <= ", asked.to)] {
                    if let Some(day) = day {
                        statement = statement.sql(" AND ").sql(column).sql(compares).value(day);
                    }
                }
            }
            Period::Moment(column) => {
                let (from, to) = asked.moments(cx)?;
                for (compares, moment) in [(" >= ", from), (" <= ", to)] {
                    if let Some(moment) = moment {
                        let bound = statement.sql(" AND ").sql(column).sql(compares);
                        statement = bound.value(moment);
                    }
                }
            }
        }
        Ok(statement)
    }

    async fn ask(
        &self,
        cx: &mut Cx,
        measure: &Measure,
        asked: &Question,
        rates: &mut Rates,
    ) -> Result<Vec<Group>> {
        let by = measure.by(asked)?;
        let day = match measure.period {
            Period::Day(column) if self.amount.is_some() => Some(column),
            _ => None,
        };
        let currency = self.amount.map(|_| "currency");
        let percent = self.percent.iter();
        let percent = percent.flat_map(|percent| [percent.own, percent.refers]);
        let columns = currency.into_iter().chain(day).chain(percent);
        let columns: Vec<&'static str> = columns.chain(self.span).collect();
        let mut statement = sql("SELECT ");
        for dimension in &by {
            statement = dimension.value(statement, self.table).sql(", ");
        }
        for column in &columns {
            statement = statement.sql(column).sql(", ");
        }
        statement = statement.sql("COUNT(*) AS count");
        if let Some(amount) = self.amount {
            statement = statement.sql(", ").sum(amount);
        }
        statement = self.conditions(statement, cx, measure, asked)?;
        let mut before = " GROUP BY ";
        // By their places in what is selected: a value may be no column, or a column of another name.
        for place in PLACES.get(..by.len()).ok_or_else(too_many)? {
            statement = statement.sql(before).sql(place);
            before = ", ";
        }
        for column in columns {
            statement = statement.sql(before).sql(column);
            before = ", ";
        }
        let mut found: BTreeMap<Vec<Option<String>>, Figure> = BTreeMap::new();
        if by.is_empty() {
            found.insert(Vec::new(), self.nothing(measure.unit));
        }
        let usual = match &self.percent {
            Some(percent) => percent.usual(cx).await?,
            None => BTreeMap::new(),
        };
        let today = cx.today();
        for row in statement.rows(cx.tx()).await? {
            let key = by.iter().map(|dimension| dimension.key(&row));
            let key = key.collect::<Result<Vec<_>>>()?;
            let count: i64 = row.get("count")?;
            match (
                found
                    .entry(key)
                    .or_insert_with(|| self.nothing(measure.unit)),
                self.amount,
            ) {
                (Figure::Money(tally), Some(amount)) => {
                    let day = day
                        .map(|day| row.get::<Option<NaiveDate>>(day))
                        .transpose()?;
                    let day = day.flatten().unwrap_or(today);
                    let worth = rates.worth(row.get("currency")?, day);
                    let sum = row.sum(amount)?;
                    let sum = match &self.percent {
                        Some(percent) => percent.of(sum, &row, &usual)?,
                        None => sum,
                    };
                    tally.add(worth, count, [sum])?;
                }
                (Figure::Days(spans) | Figure::Minutes(spans), _) => {
                    let span: i64 = row.get(self.span.unwrap_or_default())?;
                    spans.add_many(span, count);
                }
                (figure, _) => *figure = Figure::Count(count),
            }
        }
        let groups = found.into_iter();
        Ok(groups.map(|(key, figure)| Group { key, figure }).collect())
    }

    fn nothing(&self, unit: Unit) -> Figure {
        match unit {
            Unit::Money => Figure::Money(Tally::default()),
            Unit::Days => Figure::Days(Spans::default()),
            Unit::Minutes => Figure::Minutes(Spans::default()),
            Unit::Count | Unit::Percent | Unit::Hours => Figure::Count(0),
        }
    }
}

/// The places of the dimensions in what is selected.
const PLACES: [&str; 4] = ["1", "2", "3", "4"];

fn too_many() -> Error {
    Error::internal(format!(
        "rows are taken apart by {} dimensions at most",
        PLACES.len()
    ))
}

/// By whose they are.
const BY_OWNER: &[Dimension] = &[Dimension::of::<Member>("owner")];

impl Measure {
    /// How many records of a kind there are, each with the member who looks after it in a column `owner`.
    #[must_use]
    pub const fn total<E: Entity>(
        id: &'static str,
        basis: &'static str,
        evidence: Evidence,
    ) -> Self {
        Self {
            id,
            version: 1,
            unit: Unit::Count,
            basis,
            period: Period::Now,
            dimensions: BY_OWNER,
            evidence: Some(evidence),
            source: Source::Rows(Rows::all::<E>("owner")),
        }
    }

    /// How many of what this one counts were added in a period.
    #[must_use]
    pub const fn added(self, id: &'static str, basis: &'static str) -> Self {
        Self {
            id,
            basis,
            period: Period::Moment("created_at"),
            ..self
        }
    }

    /// What an answer calls it: its name and version, such as `deals.won@1`.
    #[must_use]
    pub fn called(&self) -> String {
        format!("{}@{}", self.id, self.version)
    }

    /// The dimensions by which a question takes it apart.
    ///
    /// # Errors
    /// [`Code::Internal`](crate::error::Code::Internal) for one that it does not have.
    pub fn by(&self, asked: &Question) -> Result<Vec<Dimension>> {
        asked.by.iter().map(|name| self.dimension(name)).collect()
    }

    /// The dimension of this name.
    ///
    /// # Errors
    /// [`Code::Internal`](crate::error::Code::Internal) where it has none.
    pub fn dimension(&self, name: &str) -> Result<Dimension> {
        let mut known = self.dimensions.iter();
        let found = known.find(|dimension| dimension.name == name).copied();
        found.ok_or_else(|| {
            let known: Vec<&str> = self.dimensions.iter().map(Dimension::name).collect();
            Error::internal(format!("{} is by {known:?}, not by {name}", self.id))
        })
    }

    /// Measures.
    ///
    /// # Errors
    /// What the database says; [`Code::Internal`](crate::error::Code::Internal) for a dimension that the measure does not have.
    pub fn ask<'a>(
        &'static self,
        cx: &'a mut Cx,
        asked: &'a Question,
        rates: &'a mut Rates,
    ) -> BoxFuture<'a, Result<Vec<Group>>> {
        async move {
            match &self.source {
                Source::Rows(rows) => rows.ask(cx, self, asked, rates).await,
                Source::Code(ask) => ask(cx, self, asked, rates).await,
                Source::Share { part, whole } => {
                    let parts = part.ask(cx, asked, rates).await?;
                    let parts = parts.into_iter();
                    let parts: BTreeMap<_, i64> = parts
                        .map(|group| (group.key, group.figure.rows()))
                        .collect();
                    let wholes = whole.ask(cx, asked, rates).await?;
                    let share = |group: Group| Group {
                        figure: Figure::Share {
                            part: parts.get(&group.key).copied().unwrap_or_default(),
                            whole: group.figure.rows(),
                        },
                        key: group.key,
                    };
                    Ok(wholes.into_iter().map(share).collect())
                }
            }
        }
        .boxed()
    }

    /// The call that lists exactly what a group of an answer is of: the tool, and what it is given. None where no tool can be
    /// asked for just that.
    #[must_use]
    pub fn evidence(
        &self,
        asked: &Question,
        key: &[Option<String>],
    ) -> Option<(&'static str, Map<String, Data>)> {
        let evidence = self.evidence?;
        let mut fixed: BTreeMap<&str, Vec<Data>> = BTreeMap::new();
        for (name, value) in evidence.arguments {
            fixed.entry(name).or_default().push((*value).into());
        }
        let fixed = fixed
            .into_iter()
            .map(|(name, values)| match values.as_slice() {
                [only] => (name, only.clone()),
                _ => (name, Data::Array(values)),
            });
        let mut arguments: BTreeMap<&str, Data> = fixed.collect();
        if self.period != Period::Now && (asked.from.is_some() || asked.to.is_some()) {
            let (from, to) = evidence.period?;
            let days = [(from, asked.from), (to, asked.to)].into_iter();
            arguments.extend(days.filter_map(|(name, day)| Some((name, day?.to_string().into()))));
        }
        if let Some(owner) = asked.owner {
            arguments.insert(evidence.owner?, owner.to_string().into());
        }
        let filters = asked
            .filters
            .iter()
            .map(|(name, value)| (name, Some(value)));
        let by = asked.by.iter().zip(key.iter().map(Option::as_ref));
        for (name, value) in filters.chain(by) {
            let dimension = self.dimension(name).ok()?;
            if !dimension.is_listed {
                return None;
            }
            arguments.insert(name, value?.clone().into());
        }
        let arguments = arguments.into_iter();
        let arguments = arguments.map(|(name, value)| (name.to_owned(), value));
        Some((evidence.tool, arguments.collect()))
    }

    /// What is wrong with how it is declared.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        match (&self.source, self.unit, self.period) {
            (Source::Rows(rows), Unit::Money, _) if rows.amount.is_none() => {
                Some("is in money without a column of amounts")
            }
            (Source::Rows(rows), Unit::Count, _) if rows.amount.is_some() => {
                Some("is a number with a column of amounts")
            }
            (Source::Rows(_), Unit::Percent | Unit::Hours, _) => {
                Some("is neither a number nor money, but of rows")
            }
            (Source::Rows(rows), Unit::Days | Unit::Minutes, _) if rows.span.is_none() => {
                Some("is a time without a column that has it")
            }
            (_, Unit::Money, Period::Moment(_)) => Some("is in money and its rows have no day"),
            (Source::Share { .. }, unit, _) if unit != Unit::Percent => {
                Some("is a share and not in percent")
            }
            _ => None,
        }
    }
}
