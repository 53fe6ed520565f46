//! How numbers, dates and account numbers are written.

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;

use super::labels::{Dates, Labels, Numbers};
use super::text::apart;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

impl Numbers {
    /// A number with at least `digits` digits after the decimal point, and with as many more as it has. Nothing is rounded.
    pub(super) fn decimal(self, value: Decimal, digits: u32) -> String {
        self.whole(self.plain(value, digits))
    }

    /// What stands as one among other words.
    fn whole(self, number: String) -> String {
        match self.apart {
            true => apart(&number),
            false => number,
        }
    }

    fn plain(self, value: Decimal, digits: u32) -> String {
        let value = value.normalize();
        let plain = value.abs().to_string();
        let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
        let mut written = String::with_capacity(plain.len() + 8);
        if value.is_sign_negative() && !value.is_zero() {
            // A minus sign, which is as wide as a digit, and not a hyphen, at which a line may break.
            written.push('\u{2212}');
        }
        for (place, digit) in whole.chars().enumerate() {
            if place > 0 && (whole.len() - place).is_multiple_of(3) {
                written.push(self.group);
            }
            written.push(digit);
        }
        let digits = digits as usize;
        if digits > 0 || !fraction.is_empty() {
            written.push(self.decimal);
            written.push_str(fraction);
            written.extend(std::iter::repeat_n(
                '0',
                digits.saturating_sub(fraction.len()),
            ));
        }
        written
    }

    /// A number of percent.
    pub(super) fn percent(self, value: Decimal) -> String {
        self.whole(format!("{}{}%", self.plain(value, 0), self.percent))
    }

    /// An amount with its currency.
    pub(super) fn money(self, value: Decimal, digits: u32, currency: &str) -> String {
        let amount = self.plain(value, digits);
        self.whole(if self.currency_first {
            format!("{currency}\u{a0}{amount}")
        } else {
            format!("{amount}\u{a0}{currency}")
        })
    }
}

impl Labels {
    /// A date.
    pub(super) fn day(&self, date: NaiveDate) -> String {
        match self.dates {
            Dates::English => {
                let month = MONTHS.get(date.month0() as usize).copied();
                format!(
                    "{} {} {}",
                    date.day(),
                    month.unwrap_or_default(),
                    date.year()
                )
            }
            Dates::Dots => date.format("%d.%m.%Y").to_string(),
            Dates::Slashes => date.format("%d/%m/%Y").to_string(),
            Dates::Dashes => date.format("%d-%m-%Y").to_string(),
        }
    }

    /// A period, both days included.
    pub(super) fn period(&self, (first, last): (NaiveDate, NaiveDate)) -> String {
        self.pair(&self.day(first), " –", &self.day(last))
    }
}

/// An account number in groups of four.
pub(super) fn grouped(account: &str) -> String {
    let mut grouped = String::with_capacity(account.len() + account.len() / 4);
    for (place, character) in account.chars().filter(|c| !c.is_whitespace()).enumerate() {
        if place > 0 && place % 4 == 0 {
            grouped.push(' ');
        }
        grouped.push(character);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(language: &str, value: &str, digits: u32) -> String {
        Labels::of(language)
            .numbers
            .decimal(value.parse().unwrap(), digits)
    }

    #[test]
    fn each_language_has_its_separators() {
        assert_eq!(number("en", "1234567.5", 2), "1,234,567.50");
        assert_eq!(number("de", "1234567.5", 2), "1.234.567,50");
        assert_eq!(number("fr", "1234567.5", 2), "1\u{202f}234\u{202f}567,50");
        assert_eq!(number("es", "1234.5", 2), "1.234,50");
        assert_eq!(number("it", "1234.5", 2), "1.234,50");
        assert_eq!(number("nl-BE", "1234.5", 2), "1.234,50");
        assert_eq!(number("ar", "-1234.5", 2), "\u{2068}−1,234.50\u{2069}");
        assert_eq!(number("he", "1234567.5", 2), "\u{2068}1,234,567.50\u{2069}");
        assert_eq!(number("pl", "1234.5", 2), "1,234.50");
    }

    #[test]
    fn a_number_has_the_digits_of_its_currency_and_no_needless_zeros() {
        assert_eq!(number("en", "1500.00", 0), "1,500");
        assert_eq!(number("en", "1.5", 3), "1.500");
        assert_eq!(number("en", "0.0125", 2), "0.0125");
        assert_eq!(number("en", "0.1250", 2), "0.125");
        assert_eq!(number("en", "12", 2), "12.00");
        assert_eq!(number("en", "-999.9", 2), "−999.90");
        assert_eq!(number("en", "-1000", 2), "−1,000.00");
        assert_eq!(number("en", "-0.00", 2), "0.00");
    }

    #[test]
    fn a_date_is_written_as_its_readers_expect() {
        let date = NaiveDate::from_ymd_opt(2026, 3, 4).unwrap();
        let written = |language| Labels::of(language).day(date);
        assert_eq!(written("en"), "4 March 2026");
        assert_eq!(written("de"), "04.03.2026");
        assert_eq!(written("fr"), "04/03/2026");
        assert_eq!(written("nl"), "04-03-2026");
        assert_eq!(written("ar"), "04/03/2026");
        assert_eq!(written("he"), "04.03.2026");
    }

    #[test]
    fn an_account_number_stands_in_groups_of_four() {
        assert_eq!(
            grouped("DE02120300000000202051"),
            "DE02 1203 0000 0000 2020 51"
        );
    }
}
