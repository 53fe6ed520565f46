//! What is counted before it is shown.

use std::collections::BTreeMap;

use crate::quotation::QuotationStatus;
use bureau_kernel::prelude::*;
use bureau_kernel::rates::Rates;
use bureau_kernel::types::money::{Currency, Sum, shown};
use rust_decimal::{Decimal, RoundingStrategy};
use schemars::JsonSchema;
use serde::Serialize;

/// All there are, in the order in which they are answered.
pub(super) const STATUSES: [QuotationStatus; 5] = [
    QuotationStatus::Draft,
    QuotationStatus::Sent,
    QuotationStatus::Accepted,
    QuotationStatus::Declined,
    QuotationStatus::Expired,
];

/// How many quotations, and what they are worth.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Values {
    count: i64,
    /// Per currency.
    values: Vec<Value>,
    /// What of it a rate is known for, in the base currency.
    base_amount: String,
}

/// What quotations of one currency are worth.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Value {
    currency: Currency,
    count: i64,
    /// Without tax.
    amount: String,
}

/// How quotations came out.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Outcome {
    accepted: i64,
    declined: i64,
    expired: i64,
    /// Percent, by their number.
    rate: Option<String>,
    /// Percent, by their value in the base currency.
    rate_by_value: Option<String>,
}

/// Quotations by currency.
#[derive(Debug, Default, Clone)]
pub(super) struct Tally(BTreeMap<&'static str, Entry>);

#[derive(Debug, Clone, Copy)]
struct Entry {
    currency: Currency,
    count: i64,
    amount: Decimal,
}

impl Tally {
    /// Counts quotations of a currency in.
    ///
    /// # Errors
    /// [`Code::Internal`] for sums beyond all bounds.
    pub(super) fn add(&mut self, currency: Currency, count: i64, sum: Sum) -> Result<()> {
        let amount = sum
            .decimal()
            .ok_or_else(|| Error::internal("a sum of amounts beyond all bounds"))?;
        self.put(Entry {
            currency,
            count,
            amount,
        });
        Ok(())
    }

    fn put(&mut self, entry: Entry) {
        let all = self.0.entry(entry.currency.code()).or_insert(Entry {
            count: 0,
            amount: Decimal::ZERO,
            ..entry
        });
        all.count += entry.count;
        all.amount = all.amount.saturating_add(entry.amount);
    }

    fn merge(&mut self, other: &Self) {
        other.0.values().for_each(|entry| self.put(*entry));
    }

    fn count(&self) -> i64 {
        self.0.values().map(|entry| entry.count).sum()
    }

    /// The currencies in it.
    pub(super) fn currencies(&self) -> impl Iterator<Item = Currency> {
        self.0.values().map(|entry| entry.currency)
    }

    /// What of it a rate is known for, in the base currency, not rounded.
    pub(super) fn in_base(&self, rates: &Rates) -> Decimal {
        let entries = self.0.values();
        let known = entries.filter_map(|entry| rates.in_base(entry.amount, entry.currency));
        known.fold(Decimal::ZERO, Decimal::saturating_add)
    }

    /// As it is answered.
    pub(super) fn shown(&self, rates: &Rates) -> Values {
        let values = self.0.values().map(|entry| Value {
            currency: entry.currency,
            count: entry.count,
            amount: shown(entry.amount, entry.currency),
        });
        Values {
            count: self.count(),
            values: values.collect(),
            base_amount: shown(self.in_base(rates), rates.base()),
        }
    }
}

/// Quotations by where they stand.
#[derive(Debug, Default, Clone)]
pub(super) struct ByStatus([Tally; STATUSES.len()]);

impl ByStatus {
    /// Those that stand there.
    pub(super) fn of(&self, status: QuotationStatus) -> Tally {
        let mut tallies = STATUSES.iter().zip(&self.0);
        tallies
            .find(|(known, _)| **known == status)
            .map(|(_, tally)| tally.clone())
            .unwrap_or_default()
    }

    /// Counts quotations in that stand there.
    ///
    /// # Errors
    /// As [`Tally::add`].
    pub(super) fn add(
        &mut self,
        status: QuotationStatus,
        currency: Currency,
        count: i64,
        sum: Sum,
    ) -> Result<()> {
        let mut tallies = STATUSES.iter().zip(&mut self.0);
        match tallies.find(|(known, _)| **known == status) {
            Some((_, tally)) => tally.add(currency, count, sum),
            None => Ok(()),
        }
    }

    /// Counts in what another has counted.
    pub(super) fn merge(&mut self, other: &Self) {
        let pairs = self.0.iter_mut().zip(&other.0);
        pairs.for_each(|(own, others)| own.merge(others));
    }

    /// All of them.
    pub(super) fn total(&self) -> Tally {
        let mut total = Tally::default();
        self.0.iter().for_each(|tally| total.merge(tally));
        total
    }

    /// All but the drafts.
    pub(super) fn sent(&self) -> Tally {
        let mut sent = Tally::default();
        let tallies = STATUSES.iter().zip(&self.0);
        let tallies = tallies.filter(|(status, _)| **status != QuotationStatus::Draft);
        tallies.for_each(|(_, tally)| sent.merge(tally));
        sent
    }

    /// How they came out.
    pub(super) fn outcome(&self, rates: &Rates) -> Outcome {
        let accepted = self.of(QuotationStatus::Accepted);
        let declined = self.of(QuotationStatus::Declined);
        let expired = self.of(QuotationStatus::Expired);
        let mut decided = accepted.clone();
        decided.merge(&declined);
        decided.merge(&expired);
        Outcome {
            accepted: accepted.count(),
            declined: declined.count(),
            expired: expired.count(),
            rate: percent(accepted.count().into(), decided.count().into()),
            rate_by_value: percent(accepted.in_base(rates), decided.in_base(rates)),
        }
    }
}

/// A share in percent with one digit; nothing of nothing.
fn percent(part: Decimal, whole: Decimal) -> Option<String> {
    let share = part.checked_mul(Decimal::ONE_HUNDRED)?.checked_div(whole)?;
    Some(one_digit(share))
}

fn one_digit(number: Decimal) -> String {
    let mut rounded = number.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(1);
    rounded.to_string()
}

/// Numbers of days, each with how often it was.
#[derive(Debug, Default)]
pub(super) struct Spans(BTreeMap<i64, i64>);

impl Spans {
    /// Counts one in.
    pub(super) fn add(&mut self, days: i64) {
        *self.0.entry(days).or_default() += 1;
    }

    fn count(&self) -> i64 {
        self.0.values().sum()
    }

    /// The one at this place, from 0, in their order.
    fn at(&self, place: i64) -> Option<i64> {
        let mut before = 0;
        let mut spans = self.0.iter();
        let found = spans.find(|(_, times)| {
            before += **times;
            before > place
        });
        found.map(|(days, _)| *days)
    }

    /// The middle one, or what lies between the two in the middle.
    pub(super) fn median(&self) -> Option<String> {
        let count = self.count();
        let (lower, upper) = (self.at((count - 1) / 2)?, self.at(count / 2)?);
        let sum = Decimal::from(lower + upper);
        sum.checked_div(Decimal::TWO).map(one_digit)
    }

    /// The arithmetic mean.
    pub(super) fn mean(&self) -> Option<String> {
        let sum: i64 = self.0.iter().map(|(days, times)| days * times).sum();
        let mean = Decimal::from(sum).checked_div(Decimal::from(self.count()))?;
        Some(one_digit(mean))
    }
}

#[cfg(test)]
mod tests {
    use super::Spans;

    #[test]
    fn the_median_lies_in_the_middle_and_the_mean_weighs_all() {
        for (days, median, mean) in [
            (&[][..], None, None),
            (&[3], Some("3.0"), Some("3.0")),
            (&[9, 1, 2], Some("2.0"), Some("4.0")),
            (&[1, 1, 2, 40], Some("1.5"), Some("11.0")),
            (&[0, 0, 1], Some("0.0"), Some("0.3")),
        ] {
            let mut spans = Spans::default();
            days.iter().for_each(|days| spans.add(*days));
            assert_eq!(spans.median().as_deref(), median, "{days:?}");
            assert_eq!(spans.mean().as_deref(), mean, "{days:?}");
        }
    }
}
