//! Exchange rates: what one unit of a currency was worth in the workspace's own on a day, and who said so.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;

use crate::context::Cx;
use crate::error::{Error, Result};
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

/// The rates of a day: the latest of each currency up to then.
#[derive(Debug, Clone)]
pub struct Rates {
    base: Currency,
    rates: BTreeMap<&'static str, Rate>,
}

impl Rates {
    /// The workspace's own currency.
    #[must_use]
    pub fn base(&self) -> Currency {
        self.base
    }

    /// The rate of a currency; none for the workspace's own, and where none is known.
    #[must_use]
    pub fn rate(&self, currency: Currency) -> Option<&Rate> {
        self.rates.get(currency.code())
    }

    /// What an amount of a currency is worth in the workspace's own; `None` where no rate is known.
    #[must_use]
    pub fn in_base(&self, amount: Decimal, currency: Currency) -> Option<Decimal> {
        if currency == self.base {
            return Some(amount);
        }
        amount.checked_mul(self.rate(currency)?.rate)
    }

    /// Appends what one unit of a row's `currency` weighs beside one of the others, for the database to put sums in order
    /// before they are reckoned exactly: a whole number, which is 0 where no rate is known.
    #[must_use]
    pub fn weigh(&self, statement: Sql, currencies: impl Iterator<Item = Currency>) -> Sql {
        /// The weight of the currency that is worth most.
        const HEAVIEST: i64 = 100_000_000_000_000_000;
        let worth: Vec<(Currency, Decimal)> = currencies
            .filter_map(|currency| Some((currency, self.in_base(Decimal::ONE, currency)?)))
            .collect();
        let most = worth.iter().map(|(_, worth)| *worth).max();
        let mut statement = statement.sql("CASE WHEN 1 = 0 THEN 0");
        for (currency, worth) in worth {
            let share = worth.checked_div(most.unwrap_or_default());
            let weight =
                share.and_then(|share| i64::try_from(share.checked_mul(HEAVIEST.into())?).ok());
            statement = statement
                .sql(" WHEN currency = ")
                .value(currency)
                .sql(" THEN ")
                .value(weight.unwrap_or_default());
        }
        statement.sql(" ELSE 0 END")
    }
}

impl Cx {
    /// The rates that are known for a day.
    ///
    /// # Errors
    /// What the database says.
    pub async fn rates(&mut self, day: NaiveDate) -> Result<Rates> {
        let workspace = self.workspace().id;
        let base = self.workspace().currency;
        let rows = sql("SELECT currency, day, rate, source FROM exchange_rate AS r WHERE workspace = ")
            .value(workspace)
            .sql(" AND day = (SELECT MAX(day) FROM exchange_rate WHERE workspace = r.workspace AND currency = r.currency AND day <= ")
            .value(day)
            .sql(")")
            .rows(&mut self.tx)
            .await?;
        let mut rates = BTreeMap::new();
        for row in rows {
            let currency: Currency = row.get("currency")?;
            let rate: String = row.get("rate")?;
            let rate = Rate {
                currency,
                rate: rate.parse().map_err(Error::internal)?,
                day: row.get("day")?,
                source: row.get("source")?,
            };
            rates.insert(currency.code(), rate);
        }
        Ok(Rates { base, rates })
    }

    /// Today, in the workspace's time zone.
    #[must_use]
    pub fn today(&self) -> NaiveDate {
        self.now()
            .with_timezone(&self.workspace().time_zone)
            .date_naive()
    }
}
