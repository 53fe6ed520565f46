//! Exchange rates: what one unit of a currency was worth in the workspace's own on a day, and who said so.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;

use crate::error::{Error, Result};
use crate::notice::Notice;
use crate::record::Cx;
use crate::store::{Sql, sql};
use crate::types::money::Currency;

/// A rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Rate {
    /// The currency of which one unit is priced.
    pub currency: Currency,
    /// What it is worth in the workspace's currency: a decimal.
    #[schemars(with = "String")]
    #[serde(serialize_with = "as_text")]
    pub rate: Decimal,
    /// The day of the rate.
    pub day: NaiveDate,
    /// Who said so, such as a central bank.
    pub source: String,
}

fn as_text<S: serde::Serializer>(
    rate: &Decimal,
    serializer: S,
) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_str(&rate.normalize())
}

/// The rates of some days. Of each currency and day it is the latest up to then. They note which of them were asked for, so that
/// an answer says what is behind its figures.
#[derive(Debug, Clone)]
pub struct Rates {
    base: Currency,
    known: BTreeMap<&'static str, BTreeMap<NaiveDate, Rate>>,
    used: BTreeSet<(Reverse<NaiveDate>, &'static str)>,
    /// Those that records have kept, which were asked for.
    kept: Vec<Rate>,
    missing: BTreeMap<&'static str, Currency>,
}

/// What a currency is worth in the workspace's own on a day.
#[derive(Debug, Clone, Copy)]
pub struct Worth {
    currency: Currency,
    rate: Option<Decimal>,
}

impl Worth {
    /// Of which currency.
    #[must_use]
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// What an amount of it is worth, not rounded; `None` where no rate is known.
    ///
    /// # Errors
    /// [`Code::Internal`](crate::error::Code::Internal) beyond all bounds.
    pub fn of(self, amount: Decimal) -> Result<Option<Decimal>> {
        let worth = self.rate.map(|rate| amount.checked_mul(rate));
        worth
            .map(|worth| worth.ok_or_else(beyond_bounds))
            .transpose()
    }
}

impl Rates {
    /// The workspace's own currency.
    #[must_use]
    pub fn base(&self) -> Currency {
        self.base
    }

    /// What a currency is worth on a day.
    pub fn worth(&mut self, currency: Currency, day: NaiveDate) -> Worth {
        let rate = if currency == self.base {
            Some(Decimal::ONE)
        } else {
            let days = self.known.get(currency.code());
            let latest = days.and_then(|days| days.range(..=day).next_back());
            match latest {
                Some((day, rate)) => {
                    self.used.insert((Reverse(*day), currency.code()));
                    Some(rate.rate)
                }
                None => {
                    self.missing.insert(currency.code(), currency);
                    None
                }
            }
        };
        Worth { currency, rate }
    }

    /// The rate of a currency on a day: the latest up to then.
    #[must_use]
    pub fn on(&self, currency: Currency, day: NaiveDate) -> Option<&Rate> {
        let days = self.known.get(currency.code())?;
        days.range(..=day).next_back().map(|(_, rate)| rate)
    }

    /// What a currency is worth by a rate that a record has kept, which counts among those that were asked for.
    pub fn kept(&mut self, rate: Rate) -> Worth {
        let worth = Worth {
            currency: rate.currency,
            rate: Some(rate.rate),
        };
        if !self.kept.contains(&rate) {
            self.kept.push(rate);
        }
        worth
    }

    /// The rates that were asked for, the newest first.
    #[must_use]
    pub fn used(&self) -> Vec<Rate> {
        let used = self.used.iter();
        let rates = used.filter_map(|(Reverse(day), code)| self.known.get(code)?.get(day));
        let kept = self.kept.iter();
        let mut rates: Vec<Rate> = rates.chain(kept).cloned().collect();
        rates.sort_by_key(|rate| (Reverse(rate.day), rate.currency.code()));
        rates.dedup();
        rates
    }

    /// The currencies of which a rate was asked for and none is known: some of what they hold is not in the figures in the
    /// workspace's currency.
    #[must_use]
    pub fn missing(&self) -> Vec<Currency> {
        self.missing.values().copied().collect()
    }

    /// Appends what one unit of a row of this table (with the column `currency`) is worth in the workspace's currency on the day
    /// in that column, 0 where no rate is known: for the database to put sums in order before they are reckoned exactly, because
    /// it reckons with floats.
    #[must_use]
    pub fn weigh(&self, cx: &Cx, statement: Sql, table: &'static str, day: &'static str) -> Sql {
        statement
            .sql("CASE WHEN currency = ")
            .value(self.base)
            .sql(" THEN 1 ELSE COALESCE((SELECT CAST(rate AS DOUBLE PRECISION) FROM exchange_rate AS r WHERE r.workspace = ")
            .value(cx.workspace().id)
            .sql(" AND r.currency = ")
            .sql(table)
            .sql(".currency AND r.day <= ")
            .sql(table)
            .sql(".")
            .sql(day)
            .sql(" ORDER BY r.day DESC LIMIT 1), 0) END")
    }

    /// Rates for a test: of a currency, on a day.
    #[cfg(test)]
    pub(crate) fn of(base: &str, all: &[(&str, &str, &str)]) -> Self {
        let mut known: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for (currency, day, rate) in all {
            let currency: Currency = currency.parse().unwrap();
            let rate = Rate {
                currency,
                rate: rate.parse().unwrap(),
                day: day.parse().unwrap(),
                source: "test".to_owned(),
            };
            known
                .entry(currency.code())
                .or_default()
                .insert(rate.day, rate);
        }
        Self {
            base: base.parse().unwrap(),
            known,
            used: BTreeSet::new(),
            kept: Vec::new(),
            missing: BTreeMap::new(),
        }
    }
}

/// More rates are not named in an answer.
const MOST_NAMED: usize = 12;

impl Cx {
    /// The rates that are known for the days from one to another; from the first day on where there is no first.
    ///
    /// # Errors
    /// What the database says.
    pub async fn rates(&mut self, from: Option<NaiveDate>, to: NaiveDate) -> Result<Rates> {
        let workspace = self.workspace().id;
        let base = self.workspace().currency;
        let mut statement =
            sql("SELECT currency, day, rate, source FROM exchange_rate AS r WHERE workspace = ")
                .value(workspace)
                .sql(" AND day <= ")
                .value(to);
        if let Some(from) = from {
            statement = statement
                .sql(" AND day >= COALESCE((SELECT MAX(day) FROM exchange_rate WHERE workspace = ")
                .value(workspace)
                .sql(" AND currency = r.currency AND day <= ")
                .value(from)
                .sql("), ")
                .value(from)
                .sql(")");
        }
        let mut known: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for row in statement.rows(&mut self.tx).await? {
            let currency: Currency = row.get("currency")?;
            let rate: String = row.get("rate")?;
            let rate = Rate {
                currency,
                rate: rate.parse().map_err(Error::internal)?,
                day: row.get("day")?,
                source: row.get("source")?,
            };
            let days = known.entry(currency.code()).or_default();
            days.insert(rate.day, rate);
        }
        Ok(Rates {
            base,
            known,
            used: BTreeSet::new(),
            kept: Vec::new(),
            missing: BTreeMap::new(),
        })
    }

    /// The rates behind the figures of an answer, the newest first. Where they are many, a notice says that not all are named.
    #[must_use]
    pub fn rates_used(&mut self, rates: &Rates) -> Vec<Rate> {
        let mut used = rates.used();
        if used.len() > MOST_NAMED {
            self.notice(Notice::truncated(format!(
                "{} rates are behind the figures in {}, each of a day's own; the {MOST_NAMED} newest are named.",
                used.len(),
                rates.base()
            )));
            used.truncate(MOST_NAMED);
        }
        used
    }

    /// Today, in the workspace's time zone.
    #[must_use]
    pub fn today(&self) -> NaiveDate {
        self.now()
            .with_timezone(&self.workspace().time_zone)
            .date_naive()
    }
}

/// What a sum is answered with that no figure can show.
pub(crate) fn beyond_bounds() -> Error {
    Error::internal("a sum of amounts beyond all bounds")
}
