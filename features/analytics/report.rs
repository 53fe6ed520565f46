//! What measures come to, whole and taken apart, with all that a figure rests on: which measure in which version, of which days, of how
//! many rows, at which rates, and the call that lists these rows.

use std::cmp::Reverse;

use bureau_kernel::figures::{Spans, Tally};
use bureau_kernel::measures::{Dimension, Figure, Measure, Period, Question, Unit};
use bureau_kernel::prelude::*;
use bureau_kernel::rates::{Rate, Rates};
use bureau_kernel::registry::Registry;
use bureau_kernel::types::id::decode;
use bureau_kernel::types::money::{Currency, shown};
use bureau_kernel::types::period::{Bounds, Grain};
use bureau_kernel::types::time::Timestamp;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value as Data};

/// Where a record says nothing of what figures are taken apart by. What is null is left out of answers.
const NONE: &str = "(none)";
/// Below so many rows there is no rate.
pub(crate) const LEAST: i64 = 5;
/// Groups of a measure that are shown.
const MOST_GROUPS: usize = 100;
/// Parts of a period that are asked for.
const MOST_PARTS: usize = 60;

/// What is asked of several measures at once.
#[derive(Debug)]
pub(crate) struct Asked {
    /// By their names.
    pub(crate) measures: Vec<&'static str>,
    /// Whether a caller named them: what cannot be asked of one is refused then, and otherwise left out.
    pub(crate) are_named: bool,
    /// By what they are taken apart: dimensions, and the names of [`Grain`]s.
    pub(crate) by: Vec<&'static str>,
    pub(crate) bounds: Bounds,
    pub(crate) owner: Option<Id<Member>>,
    pub(crate) filters: Vec<(&'static str, String)>,
}

/// Figures, and what they rest on.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Report {
    /// The moment of the figures.
    pub(crate) as_of: Timestamp,
    /// The first day that counts; none where all before do.
    pub(crate) from: Option<NaiveDate>,
    /// The last one.
    pub(crate) to: Option<NaiveDate>,
    /// What else they are bounded by.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(crate) filters: Map<String, Data>,
    pub(crate) figures: Vec<Figures>,
    /// What the figures named `base_…` are in: all that a rate is known for.
    pub(crate) base_currency: Currency,
    /// The rates behind them, the newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) rates: Vec<Rate>,
    /// Currencies of which no rate is known for some day: what they held then is not in those figures.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) without_rate: Vec<Currency>,
}

/// What a measure comes to.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Figures {
    /// Its name and version.
    pub(crate) measure: String,
    unit: &'static str,
    /// What is counted, in words.
    basis: &'static str,
    #[serde(flatten)]
    pub(crate) value: Value,
    /// The call that lists exactly what it is of; none where no tool can be asked for just that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) evidence: Option<Call>,
    /// Taken apart: by days in their order, else the most first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) groups: Vec<Part>,
}

/// What a measure comes to in a part.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Part {
    /// Which; `(none)` where a record says nothing of it.
    pub(crate) key: Map<String, Data>,
    #[serde(flatten)]
    pub(crate) value: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) evidence: Option<Call>,
}

/// A call that lists rows.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct Call {
    pub(crate) tool: &'static str,
    pub(crate) arguments: Map<String, Data>,
}

/// A figure, as its unit has it.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Value {
    /// Of how many rows.
    pub(crate) n: i64,
    /// Of each currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<Vec<Money>>,
    /// In the workspace's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    base_amount: Option<String>,
    /// A share; none of fewer than 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<String>,
    /// What there is too little for.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    median: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mean: Option<String>,
    /// Nine of ten are not above it.
    #[serde(skip_serializing_if = "Option::is_none")]
    p90: Option<String>,
    /// By what groups are put in order.
    #[serde(skip)]
    pub(crate) weight: Decimal,
}

/// An amount of one currency.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct Money {
    pub(crate) currency: Currency,
    pub(crate) count: i64,
    pub(crate) amount: String,
}

/// Numbers of days.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Span {
    pub(crate) n: i64,
    pub(crate) median: Option<String>,
    pub(crate) mean: Option<String>,
    pub(crate) p90: Option<String>,
}

impl Span {
    pub(crate) fn of(spans: &Spans) -> Self {
        Self {
            n: spans.count(),
            median: spans.median(),
            mean: spans.mean(),
            p90: spans.p90(),
        }
    }
}

/// Why there is no rate.
pub(crate) const TOO_FEW: &str = "There is no rate of fewer than 5.";

impl Value {
    fn of(figure: &Figure, base: Currency) -> Self {
        let n = figure.rows();
        let spans = |spans: &Spans| Self {
            n,
            median: spans.median(),
            mean: spans.mean(),
            p90: spans.p90(),
            weight: spans.exact_mean().unwrap_or_default(),
            ..Self::default()
        };
        match figure {
            Figure::Money(tally) => Self::money(tally, base),
            Figure::Days(all) | Figure::Minutes(all) => spans(all),
            Figure::Share { .. } | Figure::Part { .. } => {
                let percent = figure.percent().filter(|_| n >= LEAST);
                Self {
                    n,
                    why: percent.is_none().then_some(TOO_FEW),
                    weight: percent
                        .as_ref()
                        .and_then(|percent| percent.parse().ok())
                        .unwrap_or(Decimal::NEGATIVE_ONE),
                    percent,
                    ..Self::default()
                }
            }
            Figure::Count(_) | Figure::Hours { .. } => Self {
                n,
                weight: n.into(),
                ..Self::default()
            },
        }
    }

    pub(crate) fn money(tally: &Tally<1>, base: Currency) -> Self {
        let [sum] = tally.base();
        let values = tally.currencies().map(|of| Money {
            currency: of.currency,
            count: of.count,
            amount: shown(of.sums[0], of.currency),
        });
        Self {
            n: tally.count(),
            values: Some(values.collect()),
            base_amount: Some(shown(sum, base)),
            weight: sum,
            ..Self::default()
        }
    }
}

/// A share in percent; none of few.
pub(crate) fn rate(part: i64, whole: i64) -> Option<String> {
    if whole < LEAST {
        return None;
    }
    bureau_kernel::figures::percent(part.into(), whole.into())
}

/// What a measure is called in the answer's unit.
const fn unit_name(unit: Unit) -> &'static str {
    match unit {
        Unit::Money => "money",
        Unit::Count => "count",
        Unit::Percent => "percent",
        Unit::Days => "days",
        Unit::Minutes => "working minutes",
        Unit::Hours => "hours",
    }
}

/// The parts of a period that are asked for by this name.
pub(crate) fn grain(name: &str) -> Option<Grain> {
    match name {
        "week" => Some(Grain::Week),
        "month" => Some(Grain::Month),
        "quarter" => Some(Grain::Quarter),
        "year" => Some(Grain::Year),
        _ => None,
    }
}

impl Report {
    /// Asks all measures.
    ///
    /// # Errors
    /// [`Code::Validation`] naming `group_by` for what cannot be asked of a measure that a caller named, or where a period has too
    /// many parts.
    pub(crate) async fn of(cx: &mut Cx, asked: &Asked, rates: &mut Rates) -> Result<Self> {
        let mut figures = Vec::new();
        let mut left_out = Vec::new();
        for id in &asked.measures {
            let measure = Registry::of(cx)?.measure(id)?;
            match unasked(measure, asked) {
                None => figures.push(measured(cx, measure, asked, rates).await?),
                Some(what) if asked.are_named => {
                    let dimensions = measure.dimensions.iter().map(Dimension::name);
                    let all = dimensions.collect::<Vec<_>>().join(", ");
                    let message = format!("{id} {what}.");
                    return Err(Error::invalid("group_by", message).hint(format!(
                        "It is taken apart by: {all}; of a period by week, month, quarter, year."
                    )));
                }
                Some(what) => left_out.push(format!("{id} {what}")),
            }
        }
        if !left_out.is_empty() {
            let said = left_out.join("; ");
            cx.notice(Notice::warning(format!("Left out: {said}.")));
        }
        let mut filters = Map::new();
        if let Some(owner) = asked.owner {
            filters.insert("owner".into(), owner.to_string().into());
        }
        let given = asked.filters.iter();
        filters.extend(given.map(|(name, value)| ((*name).to_owned(), value.clone().into())));
        Ok(Self {
            as_of: cx.now(),
            from: asked.bounds.0,
            to: asked.bounds.1,
            filters,
            figures,
            base_currency: rates.base(),
            rates: cx.rates_used(rates),
            without_rate: rates.missing(),
        })
    }
}

/// What of a question a measure cannot be asked.
fn unasked(measure: &Measure, asked: &Asked) -> Option<String> {
    let filters = asked.filters.iter().map(|(name, _)| name);
    for name in asked.by.iter().chain(filters) {
        if grain(name).is_some() {
            if measure.period == Period::Now {
                return Some(format!("is what it is now, and not by {name}"));
            }
        } else if measure.dimension(name).is_err() {
            return Some(format!("is not by {name}"));
        }
    }
    let by_nobody = measure.evidence.is_some_and(|one| one.owner.is_none());
    (asked.owner.is_some() && by_nobody).then(|| "is nobody's".to_owned())
}

async fn measured(
    cx: &mut Cx,
    measure: &'static Measure,
    asked: &Asked,
    rates: &mut Rates,
) -> Result<Figures> {
    let (from, to) = asked.bounds;
    let whole = Question {
        from,
        to,
        owner: asked.owner,
        filters: asked.filters.clone(),
        by: Vec::new(),
    };
    let figure = cx.figure(measure.id, &whole, rates).await?;
    let value = Value::of(&figure, rates.base());
    let groups = match asked.by.is_empty() {
        true => Vec::new(),
        false => groups(cx, measure, asked, &whole, rates).await?,
    };
    Ok(Figures {
        measure: measure.called(),
        unit: unit_name(measure.unit),
        basis: measure.basis,
        value,
        evidence: evidence(cx, measure, &whole, &[])?,
        groups,
    })
}

/// The call that lists what is behind a figure, if the caller is offered that tool.
fn evidence(
    cx: &Cx,
    measure: &Measure,
    question: &Question,
    key: &[Option<String>],
) -> Result<Option<Call>> {
    let Some((tool, arguments)) = measure.evidence(question, key) else {
        return Ok(None);
    };
    call(cx, tool, arguments)
}

/// A call, if the caller is offered that tool.
///
/// # Errors
/// What the registry says.
pub(crate) fn call(
    cx: &Cx,
    tool: &'static str,
    arguments: Map<String, Data>,
) -> Result<Option<Call>> {
    let is_offered = Registry::of(cx)?.may_call(cx.caller(), tool);
    Ok(is_offered.then_some(Call { tool, arguments }))
}

async fn groups(
    cx: &mut Cx,
    measure: &'static Measure,
    asked: &Asked,
    whole: &Question,
    rates: &mut Rates,
) -> Result<Vec<Part>> {
    let dimensions: Vec<&'static str> = asked
        .by
        .iter()
        .copied()
        .filter(|name| grain(name).is_none())
        .collect();
    let grained = asked.by.iter().copied().find(|name| grain(name).is_some());
    let parts = match grained {
        Some(name) => parts_of(cx, name, whole)?,
        None => vec![(None, whole.from, whole.to)],
    };
    let mut found = Vec::new();
    for (part, from, to) in parts {
        let question = Question {
            from,
            to,
            by: dimensions.clone(),
            ..whole.clone()
        };
        for group in cx.measure(measure.id, &question, rates).await? {
            let value = Value::of(&group.figure, rates.base());
            let evidence = evidence(cx, measure, &question, &group.key)?;
            found.push((part.clone(), group.key, value, evidence));
        }
    }
    // By days they stay in their order; what there is most of comes first.
    if grained.is_none() {
        found.sort_by_key(|(_, _, value, _)| Reverse(value.weight));
    } else {
        found.sort_by(|(one_part, _, one, _), (other_part, _, other, _)| {
            one_part
                .cmp(other_part)
                .then_with(|| other.weight.cmp(&one.weight))
        });
    }
    if found.len() > MOST_GROUPS {
        let message = format!(
            "{} has {} groups; {MOST_GROUPS} are shown.",
            measure.id,
            found.len()
        );
        cx.notice(Notice::truncated(message));
        found.truncate(MOST_GROUPS);
    }
    let mut named = Names::default();
    for (_, key, ..) in &found {
        for (name, value) in dimensions.iter().zip(key) {
            if let (Some(table), Some(value)) = (measure.dimension(name)?.table(), value) {
                named.want(table, value);
            }
        }
    }
    named.read(cx).await?;
    let parts = found.into_iter().map(|(part, key, value, evidence)| {
        let mut shown = Map::new();
        let mut values = key.into_iter();
        for name in &asked.by {
            let value = match grain(name) {
                Some(_) => part.clone().map_or(Data::Null, Data::from),
                None => named.shown(values.next().flatten()),
            };
            shown.insert((*name).to_owned(), value);
        }
        Part {
            key: shown,
            value,
            evidence,
        }
    });
    Ok(parts.collect())
}

/// The parts of a period, or of what has passed of it where it has no end.
type PartOfPeriod = (Option<String>, Option<NaiveDate>, Option<NaiveDate>);

fn parts_of(cx: &Cx, name: &str, whole: &Question) -> Result<Vec<PartOfPeriod>> {
    let unbounded = || {
        let message = format!("By {name} it takes a period with a beginning.");
        Error::invalid("period", message).hint("Such as year to date, or since 2026-01-01.")
    };
    let from = whole.from.ok_or_else(unbounded)?;
    let to = whole.to.unwrap_or_else(|| cx.today().max(from));
    let grain = grain(name).ok_or_else(|| Error::internal("no part of a period"))?;
    let parts = grain.parts(from, to, MOST_PARTS).ok_or_else(|| {
        let message = format!("The period has more than {MOST_PARTS} parts by {name}.");
        Error::invalid("group_by", message).hint("Take longer parts or a shorter period.")
    })?;
    let parts = parts.into_iter();
    Ok(parts
        .map(|(name, from, to)| (Some(name), Some(from), Some(to)))
        .collect())
}

/// The names of records that groups are of.
#[derive(Debug, Default)]
pub(crate) struct Names {
    wanted: Vec<(&'static str, i64)>,
    named: std::collections::HashMap<String, NamedRecord>,
}

impl Names {
    /// Asks for the name of a record.
    pub(crate) fn want(&mut self, table: &'static str, id: &str) {
        self.wanted.extend(decode(id).map(|(_, id)| (table, id)));
    }

    /// Reads the names that were asked for.
    pub(crate) async fn read(&mut self, cx: &mut Cx) -> Result<()> {
        let named = cx.named(&self.wanted).await?;
        self.named = named.into_iter().map(|one| (one.id.clone(), one)).collect();
        Ok(())
    }

    /// A record with its name, or a word.
    pub(crate) fn shown(&self, value: Option<String>) -> Data {
        match value {
            Some(value) => match self.named.get(&value) {
                Some(named) => serde_json::to_value(named).unwrap_or(Data::Null),
                None => value.into(),
            },
            None => NONE.into(),
        }
    }
}
