//! Lengths of time as people write them, and what an hour of them comes to. Time is counted in whole seconds and divided into
//! hours only when it is shown or multiplied, so that three times twenty minutes are an hour.

use std::str::FromStr;

use bureau_kernel::prelude::*;
use bureau_kernel::types::money::Amount;
use rust_decimal::{Decimal, RoundingStrategy};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

/// Seconds of an hour.
pub(crate) const HOUR: i64 = 3_600;

/// A length of time as a caller gives it: `1.5`, `1:30`, `1h 30m`, `90 min`. From a second to 10,000 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hours(i64);

impl Hours {
    /// In seconds.
    pub(crate) const fn seconds(self) -> i64 {
        self.0
    }
}

/// What a wrong length is answered with.
const EXPECTED: &str =
    "is no length of time; write hours such as 1.5 or 1:30, or 1h 30m, or 90 min";

impl FromStr for Hours {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let text = text.trim().to_lowercase();
        if text.len() > 40 {
            return Err(EXPECTED);
        }
        let seconds = by_clock(&text)
            .or_else(|| by_number(&text))
            .or_else(|| by_units(&text));
        let seconds = seconds.ok_or(EXPECTED)?;
        match (0..=10_000 * HOUR).contains(&seconds) {
            true => Ok(Self(seconds)),
            false => Err("is from 0 to 10,000 hours"),
        }
    }
}

/// `1:30`, `1:30:15`.
fn by_clock(text: &str) -> Option<i64> {
    let parts: Vec<&str> = text.split(':').collect();
    let (hours, rest) = match parts.as_slice() {
        [hours, rest @ ..] if (1..=2).contains(&rest.len()) => (hours, rest),
        _ => return None,
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if hours.len() > 5 || !digits(hours) || rest.iter().any(|part| part.len() != 2 || !digits(part))
    {
        return None;
    }
    let mut seconds = hours.parse::<i64>().ok()? * HOUR;
    for (part, worth) in rest.iter().zip([60, 1]) {
        let part: i64 = part.parse().ok().filter(|part| *part < 60)?;
        seconds += part * worth;
    }
    Some(seconds)
}

/// `1.5`: hours, to the nearest second.
fn by_number(text: &str) -> Option<i64> {
    let hours = Decimal::from_str_exact(text).ok()?;
    let seconds = hours.checked_mul(HOUR.into())?;
    let seconds = seconds.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
    seconds.try_into().ok()
}

/// `1h 30m`, `1h30`, `90 min`, `2 hours`.
fn by_units(text: &str) -> Option<i64> {
    let whole;
    let mut rest: &str = text;
    // What stands behind the hours without a unit is minutes.
    if text.contains('h') && text.ends_with(|last: char| last.is_ascii_digit()) {
        whole = format!("{text}m");
        rest = &whole;
    }
    let mut seconds = Decimal::ZERO;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let (number, more) = rest.split_at_checked(end)?;
        let more = more.trim_start();
        let end = more
            .find(|c: char| !c.is_alphabetic())
            .unwrap_or(more.len());
        let (unit, more) = more.split_at_checked(end)?;
        let worth = match unit {
            "h" | "hr" | "hrs" | "hour" | "hours" => HOUR,
            "m" | "min" | "mins" | "minute" | "minutes" => 60,
            "s" | "sec" | "secs" | "second" | "seconds" => 1,
            _ => return None,
        };
        let number = Decimal::from_str_exact(number).ok()?;
        seconds = seconds.checked_add(number.checked_mul(worth.into())?)?;
        rest = more.trim_start_matches([' ', ',']);
    }
    let seconds = seconds.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
    seconds.try_into().ok().filter(|_| !text.is_empty())
}

impl<'de> Deserialize<'de> for Hours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Hours {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Hours".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string" })
    }
}

/// Seconds as hours, exact as far as 28 digits go.
pub(crate) fn in_hours(seconds: i64) -> Decimal {
    Decimal::from(seconds) / Decimal::from(HOUR)
}

/// Seconds as hours in four digits: what a person reads, and the quantity of a line.
pub(crate) fn shown_hours(seconds: i64) -> Decimal {
    let hours = in_hours(seconds);
    let hours = hours.round_dp_with_strategy(4, RoundingStrategy::MidpointAwayFromZero);
    hours.normalize()
}

/// What so many seconds come to at so much an hour; not rounded.
///
/// # Errors
/// [`Code::Internal`] beyond all bounds.
pub(crate) fn worth(seconds: i64, hourly: Amount) -> Result<Decimal> {
    let product = hourly.decimal().checked_mul(seconds.into());
    let worth = product.and_then(|product| product.checked_div(HOUR.into()));
    worth.ok_or_else(|| Error::internal("an amount beyond all bounds"))
}

/// How time is rounded before it is billed, entry by entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// To the next full step.
    Up,
    /// To the last full step.
    Down,
    /// To the nearer one, half a step up.
    #[default]
    Nearest,
}
bureau_kernel::text_column!(Rounding);

impl Rounding {
    /// Seconds rounded to steps of so many minutes.
    pub(crate) const fn apply(self, seconds: i64, minutes: i64) -> i64 {
        let step = minutes * 60;
        if step <= 0 {
            return seconds;
        }
        let more = match self {
            Self::Up => step - 1,
            Self::Down => 0,
            Self::Nearest => step / 2,
        };
        (seconds + more) / step * step
    }
}

#[cfg(test)]
mod tests {
    use super::{Hours, Rounding, in_hours, shown_hours, worth};

    #[test]
    fn lengths_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("1.5", 5_400),
            ("1:30", 5_400),
            ("01:30:15", 5_415),
            ("1h 30m", 5_400),
            ("1h30", 5_400),
            ("90 min", 5_400),
            ("1 hour, 30 minutes", 5_400),
            (" 2H ", 7_200),
            ("0.3333", 1_200),
            ("0", 0),
            ("1:75", -1),
            ("-1", -1),
            ("", -1),
            ("soon", -1),
            ("1,5", -1),
            ("1e3", -1),
            ("99999", -1),
            ("99999999999999999999999999999999999", -1),
        ] {
            let read = text.parse::<Hours>().map(Hours::seconds);
            assert_eq!(read.unwrap_or(-1), seconds, "{text}");
        }
    }

    #[test]
    fn three_times_twenty_minutes_are_an_hour_and_cost_what_an_hour_does() {
        assert_eq!(shown_hours(1_200).to_string(), "0.3333");
        assert_eq!(shown_hours(3 * 1_200).to_string(), "1");
        let each = worth(1_200, "1000".parse().unwrap()).unwrap();
        assert_eq!(each.round_dp(2).to_string(), "333.33");
        assert_eq!(in_hours(3_600 * 24).to_string(), "24");
    }

    #[test]
    fn rounding_goes_by_steps_of_minutes() {
        for (rounding, seconds, minutes, rounded) in [
            (Rounding::Up, 1, 15, 900),
            (Rounding::Up, 900, 15, 900),
            (Rounding::Down, 899, 15, 0),
            (Rounding::Down, 1_799, 15, 900),
            (Rounding::Nearest, 449, 15, 0),
            (Rounding::Nearest, 450, 15, 900),
            (Rounding::Nearest, 3_601, 6, 3_600),
            (Rounding::Up, 61, 0, 61),
        ] {
            assert_eq!(
                rounding.apply(seconds, minutes),
                rounded,
                "{rounding:?} {seconds}"
            );
        }
    }
}
