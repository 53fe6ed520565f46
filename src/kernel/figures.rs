//! Figures: amounts of any currencies summed up, in each of them and in the workspace's own.
//!
//! The one rule of rounding: amounts are summed up exactly as they are stored. What stands in the workspace's currency is each
//! row's amount times the rate of that row's own day ([`Rates`](crate::rates::Rates)), and these products are summed up too.
//! Rounded is once, when a figure is shown, half away from zero to the digits of its currency; so the shown figures of parts may
//! differ from the shown figure of the whole by their rounding, and the whole is right. There is no float, and a sum beyond all
//! bounds is an error.

use std::collections::BTreeMap;

use rust_decimal::{Decimal, RoundingStrategy};

use crate::error::Result;
use crate::rates::{Worth, beyond_bounds};
use crate::store::{Row, Sql};
use crate::types::money::Currency;

/// `N` sums side by side of each currency, with how many rows they are of, and the same in the workspace's currency.
#[derive(Debug, Clone)]
pub struct Tally<const N: usize> {
    currencies: BTreeMap<&'static str, Sums<N>>,
    base: [Decimal; N],
}

/// What rows of one currency come to.
#[derive(Debug, Clone, Copy)]
pub struct Sums<const N: usize> {
    /// Of which currency.
    pub currency: Currency,
    /// How many rows.
    pub count: i64,
    /// The sums, exact.
    pub sums: [Decimal; N],
}

impl<const N: usize> Default for Tally<N> {
    fn default() -> Self {
        Self {
            currencies: BTreeMap::new(),
            base: [Decimal::ZERO; N],
        }
    }
}

impl<const N: usize> Tally<N> {
    /// Counts rows of one currency and one day in: what that currency is worth on that day, how many rows, and their sums.
    ///
    /// # Errors
    /// [`Code::Internal`](crate::error::Code::Internal) for sums beyond all bounds.
    pub fn add(&mut self, worth: Worth, count: i64, sums: [Decimal; N]) -> Result<()> {
        for (base, sum) in self.base.iter_mut().zip(sums) {
            if let Some(known) = worth.of(sum)? {
                *base = plus(*base, known)?;
            }
        }
        self.put(Sums {
            currency: worth.currency(),
            count,
            sums,
        })
    }

    /// Counts in what another has counted.
    ///
    /// # Errors
    /// As [`Tally::add`].
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        for (base, more) in self.base.iter_mut().zip(other.base) {
            *base = plus(*base, more)?;
        }
        other
            .currencies
            .values()
            .try_for_each(|sums| self.put(*sums))
    }

    fn put(&mut self, more: Sums<N>) -> Result<()> {
        let all = self.currencies.entry(more.currency.code());
        let all = all.or_insert(Sums {
            count: 0,
            sums: [Decimal::ZERO; N],
            ..more
        });
        all.count = all
            .count
            .checked_add(more.count)
            .ok_or_else(beyond_bounds)?;
        for (sum, more) in all.sums.iter_mut().zip(more.sums) {
            *sum = plus(*sum, more)?;
        }
        Ok(())
    }

    /// How many rows were counted.
    #[must_use]
    pub fn count(&self) -> i64 {
        self.currencies().map(|sums| sums.count).sum()
    }

    /// What was counted of each currency, in the order of their codes.
    pub fn currencies(&self) -> impl Iterator<Item = &Sums<N>> {
        self.currencies.values()
    }

    /// The sums in the workspace's currency, not rounded: of all that a rate is known for.
    #[must_use]
    pub fn base(&self) -> [Decimal; N] {
        self.base
    }
}

impl Tally<1> {
    /// Two tallies of the same rows side by side.
    #[must_use]
    pub fn beside(&self, other: &Self) -> Tally<2> {
        let second = |sums: &Sums<1>| {
            let other = other.currencies.get(sums.currency.code());
            other.map_or(Decimal::ZERO, |other| other.sums[0])
        };
        let currencies = self.currencies.iter().map(|(code, sums)| {
            let both = Sums {
                currency: sums.currency,
                count: sums.count,
                sums: [sums.sums[0], second(sums)],
            };
            (*code, both)
        });
        Tally {
            currencies: currencies.collect(),
            base: [self.base[0], other.base[0]],
        }
    }
}

fn plus(sum: Decimal, more: Decimal) -> Result<Decimal> {
    sum.checked_add(more).ok_or_else(beyond_bounds)
}

/// Digits after the point of an amount as it is stored.
const SCALE: u32 = 4;
/// What amounts are cut into before the database sums them up.
const BILLION: i128 = 1_000_000_000;

impl Sql {
    /// Appends the sum of a column of amounts, for [`Row::sum`]: in two parts, the sum of the amounts' billions and of what is
    /// left of them, which overflow on no engine.
    #[must_use]
    pub fn sum(self, column: &'static str) -> Self {
        self.sql("CAST(COALESCE(SUM(")
            .sql(column)
            .sql(" / 1000000000), 0) AS BIGINT) AS ")
            .sql(column)
            .sql("_billions, CAST(COALESCE(SUM(")
            .sql(column)
            .sql(" % 1000000000), 0) AS BIGINT) AS ")
            .sql(column)
            .sql("_rest")
    }
}

impl Row {
    /// What [`Sql::sum`] of this column came to, exact.
    ///
    /// # Errors
    /// As [`Row::get`]; [`Code::Internal`](crate::error::Code::Internal) beyond all bounds.
    pub fn sum(&self, column: &str) -> Result<Decimal> {
        let billions: i64 = self.get(&format!("{column}_billions"))?;
        let rest: i64 = self.get(&format!("{column}_rest"))?;
        let units = i128::from(billions) * BILLION + i128::from(rest);
        Decimal::try_from_i128_with_scale(units, SCALE).map_err(|_| beyond_bounds())
    }
}

/// This share of a sum, in percent, exact.
///
/// # Errors
/// [`Code::Internal`](crate::error::Code::Internal) beyond all bounds.
pub fn share_of(sum: Decimal, percent: i64) -> Result<Decimal> {
    sum.checked_mul(Decimal::from(percent))
        .and_then(|product| product.checked_div(Decimal::ONE_HUNDRED))
        .ok_or_else(beyond_bounds)
}

/// What share a part is of the whole, in percent with one digit; none of nothing.
#[must_use]
pub fn percent(part: Decimal, whole: Decimal) -> Option<String> {
    let share = part.checked_div(whole)?;
    share.checked_mul(Decimal::ONE_HUNDRED).map(one_digit)
}

fn one_digit(number: Decimal) -> String {
    let mut rounded = number.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(1);
    rounded.to_string()
}

/// How long things took, in whole days or minutes, each with how often it was that.
#[derive(Debug, Clone, Default)]
pub struct Spans(BTreeMap<i64, i64>);

impl Spans {
    /// Counts one in.
    pub fn add(&mut self, span: i64) {
        self.add_many(span, 1);
    }

    /// Counts so many in that took as long as each other.
    pub fn add_many(&mut self, span: i64, times: i64) {
        *self.0.entry(span).or_default() += times;
    }

    /// How many were counted.
    #[must_use]
    pub fn count(&self) -> i64 {
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
        found.map(|(span, _)| *span)
    }

    /// The middle one, or what lies between the two in the middle, with one digit.
    #[must_use]
    pub fn median(&self) -> Option<String> {
        let count = self.count();
        let (lower, upper) = (self.at((count - 1) / 2)?, self.at(count / 2)?);
        let sum = Decimal::from(lower).checked_add(Decimal::from(upper))?;
        sum.checked_div(Decimal::TWO).map(one_digit)
    }

    /// The least that at least nine of ten are not above, with one digit: the nearest rank.
    #[must_use]
    pub fn p90(&self) -> Option<String> {
        let rank = self.count().checked_mul(9)?.checked_add(9)? / 10;
        self.at(rank - 1).map(Decimal::from).map(one_digit)
    }

    /// The arithmetic mean, not rounded.
    #[must_use]
    pub fn exact_mean(&self) -> Option<Decimal> {
        let mut each = self.0.iter();
        let sum = each.try_fold(Decimal::ZERO, |sum, (span, times)| {
            let product = Decimal::from(*span).checked_mul(Decimal::from(*times))?;
            sum.checked_add(product)
        })?;
        sum.checked_div(Decimal::from(self.count()))
    }

    /// The arithmetic mean, with one digit.
    #[must_use]
    pub fn mean(&self) -> Option<String> {
        self.exact_mean().map(one_digit)
    }
}

/// Declares how a [`Tally`] is answered: a struct with the sums of each currency in `values` and each of them in the workspace's
/// currency, and the struct of one currency. With `(count)` both say how many rows there are.
///
/// ```
/// bureau_kernel::figures! {
///     /// What deals are worth.
///     pub struct Values(count) of Value {
///         /// Their amounts together.
///         amount: base_amount,
///     }
/// }
/// let tally = bureau_kernel::figures::Tally::<1>::default();
/// assert_eq!(Values::of(&tally, "EUR".parse().unwrap()).base_amount, "0.00");
/// ```
#[macro_export]
macro_rules! figures {
    (
        $(#[$about:meta])*
        $vis:vis struct $all:ident ($($count:ident)?) of $one:ident {
            $( $(#[$what:meta])* $name:ident: $base:ident, )+
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, ::serde::Serialize, ::schemars::JsonSchema)]
        $vis struct $all {
            $(
                /// How many there are.
                $vis $count: i64,
            )?
            /// Of each currency.
            $vis values: Vec<$one>,
            $(
                $(#[$what])*
                /// In the workspace's currency: of all that a rate is known for.
                $vis $base: String,
            )+
        }

        /// The figures of one currency.
        #[derive(Debug, ::serde::Serialize, ::schemars::JsonSchema)]
        $vis struct $one {
            /// ISO 4217.
            $vis currency: $crate::types::money::Currency,
            $(
                /// How many there are.
                $vis $count: i64,
            )?
            $( $(#[$what])* $vis $name: String, )+
        }

        impl $all {
            /// These figures as they are answered, in a workspace of that currency.
            #[must_use]
            $vis fn of(
                tally: &$crate::figures::Tally<{ [$(stringify!($name)),+].len() }>,
                base: $crate::types::money::Currency,
            ) -> Self {
                use $crate::types::money::shown;
                let [$($base),+] = tally.base();
                let each = tally.currencies().map(|of| {
                    let [$($name),+] = of.sums;
                    $one {
                        currency: of.currency,
                        $( $count: of.count, )?
                        $( $name: shown($name, of.currency), )+
                    }
                });
                Self {
                    $( $count: tally.count(), )?
                    values: each.collect(),
                    $( $base: shown($base, base), )+
                }
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rates::Rates;

    figures! {
        /// Two sums.
        struct Values(count) of Value {
            /// The first.
            amount: base_amount,
            /// The second.
            half: base_half,
        }
    }

    fn number(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn day(text: &str) -> chrono::NaiveDate {
        text.parse().unwrap()
    }

    fn rates() -> Rates {
        Rates::of(
            "EUR",
            &[
                ("USD", "2025-06-01", "0.90"),
                ("USD", "2026-11-01", "0.80"),
                ("JPY", "2026-01-01", "0.0061"),
            ],
        )
    }

    #[test]
    fn each_row_counts_at_the_rate_of_its_own_day() {
        let mut rates = rates();
        let mut tally = Tally::default();
        for (currency, on, count, amount) in [
            ("USD", "2025-06-15", 1, "1000"),
            ("USD", "2026-11-20", 2, "500.50"),
            ("EUR", "1990-01-01", 1, "0.1"),
            ("JPY", "2026-01-01", 1, "82"),
        ] {
            let worth = rates.worth(currency.parse().unwrap(), day(on));
            let amount = number(amount);
            tally
                .add(worth, count, [amount, amount / Decimal::TWO])
                .unwrap();
        }
        // 900 + 400.40 + 0.10 + 0.5002
        assert_eq!(tally.base()[0], number("1301.0002"));
        let shown = serde_json::to_value(Values::of(&tally, rates.base())).unwrap();
        let expected = serde_json::json!({
            "count": 5,
            "values": [
                { "currency": "EUR", "count": 1, "amount": "0.10", "half": "0.05" },
                { "currency": "JPY", "count": 1, "amount": "82", "half": "41" },
                { "currency": "USD", "count": 3, "amount": "1500.50", "half": "750.25" },
            ],
            "base_amount": "1301.00",
            "base_half": "650.50",
        });
        assert_eq!(shown, expected);
        let used = rates.used().into_iter();
        let used: Vec<String> = used
            .map(|rate| format!("{} {}", rate.currency, rate.day))
            .collect();
        assert_eq!(used, ["USD 2026-11-01", "JPY 2026-01-01", "USD 2025-06-01"]);
        assert!(rates.missing().is_empty());
    }

    #[test]
    fn what_has_no_rate_on_its_day_is_named_and_left_out_of_the_base_currency() {
        let mut rates = rates();
        let mut tally = Tally::default();
        for on in ["2025-05-31", "2025-06-01"] {
            let worth = rates.worth("USD".parse().unwrap(), day(on));
            tally.add(worth, 1, [number("10")]).unwrap();
        }
        let worth = rates.worth("KWD".parse().unwrap(), day("2026-01-01"));
        tally.add(worth, 1, [number("5")]).unwrap();
        assert_eq!(tally.base(), [number("9.00")]);
        let missing: Vec<&str> = rates.missing().iter().map(|code| code.code()).collect();
        assert_eq!(missing, ["KWD", "USD"]);
        assert_eq!(rates.used().len(), 1);
    }

    #[test]
    fn a_sum_beyond_all_bounds_is_an_error_and_no_figure() {
        let mut rates = Rates::of("EUR", &[("USD", "2026-01-01", "1000")]);
        let euro = rates.worth("EUR".parse().unwrap(), day("2026-01-01"));
        let dollar = rates.worth("USD".parse().unwrap(), day("2026-01-01"));
        let mut tally = Tally::default();
        tally.add(euro, i64::MAX, [Decimal::MAX]).unwrap();
        let other = tally.clone();
        assert!(tally.add(euro, 0, [Decimal::ONE]).is_err());
        assert!(tally.merge(&other).is_err());
        assert!(Tally::default().add(dollar, 1, [Decimal::MAX]).is_err());
        let mut counts = Tally::default();
        counts.add(euro, i64::MAX, [Decimal::ZERO]).unwrap();
        assert!(counts.add(euro, 1, [Decimal::ZERO]).is_err());
        assert!(share_of(Decimal::MAX, 101).is_err());
    }

    #[test]
    fn tallies_beside_each_other_keep_their_currencies_apart() {
        let mut rates = rates();
        let (mut first, mut second) = (Tally::default(), Tally::default());
        for (currency, amount, half) in [("EUR", "3", "1.5"), ("JPY", "100", "50")] {
            let worth = rates.worth(currency.parse().unwrap(), day("2026-02-01"));
            first.add(worth, 1, [number(amount)]).unwrap();
            second.add(worth, 1, [number(half)]).unwrap();
        }
        let both = first.beside(&second);
        assert_eq!(both.count(), 2);
        assert_eq!(both.base(), [number("3.61"), number("1.805")]);
        let sums: Vec<_> = both.currencies().map(|of| of.sums).collect();
        assert_eq!(
            sums,
            [[number("3"), number("1.5")], [number("100"), number("50")]]
        );
    }

    #[test]
    fn a_share_is_of_something() {
        let share = |part: i64, whole: i64| percent(part.into(), whole.into());
        assert_eq!(share(2, 3).as_deref(), Some("66.7"));
        assert_eq!(share(1, 16).as_deref(), Some("6.3"));
        assert_eq!(share(0, 3).as_deref(), Some("0.0"));
        assert_eq!(share(0, 0), None);
    }

    #[test]
    fn nine_of_ten_are_not_above_the_ninetieth_percentile() {
        for (most, p90) in [
            (0, None),
            (1, Some("1.0")),
            (9, Some("9.0")),
            (10, Some("9.0")),
            (11, Some("10.0")),
        ] {
            let mut spans = Spans::default();
            (1..=most).for_each(|span| spans.add(span));
            assert_eq!(spans.p90().as_deref(), p90, "{most}");
        }
        let mut spans = Spans::default();
        spans.add_many(5, 90);
        spans.add_many(7, 10);
        assert_eq!(spans.p90().as_deref(), Some("5.0"));
        spans.add(7);
        assert_eq!(spans.p90().as_deref(), Some("7.0"));
    }

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
