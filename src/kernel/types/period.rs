//! Periods as people say them: `last quarter`, `Q2 2026`, `year to date`, `2026-01-01 to 2026-03-31`. They are resolved to their
//! first and last day in the workspace's time zone, and an answer echoes these.

use chrono::{Datelike as _, Days, Month, Months, NaiveDate};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

use super::string_schema;
use super::time::{LocalTime, Unit, When, in_range, shifted, start_of};

/// A period as a caller may write it.
///
/// - `today`, `this week`, `last month`, `next quarter`, `last year`; weeks begin on Monday.
/// - `last 2 quarters`, `next three months`: whole ones before or after the present one. `last 30 days` and `next 30 days` count
///   today.
/// - `month to date`, `ytd`, `this year so far`; `this fiscal year`, `FY2026` by the year in which it ends.
/// - `2026`, `Q2 2026`, `H1`, `March`, `2026-03`; without a year the latest that has begun.
/// - `2026-01-01 to 2026-03-31`, `January to March`, `since 2026-02-01`, `until yesterday`, `all time`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateRange(Kind);

/// The first and the last day of a period; none where it has no bound on that side.
pub type Bounds = (Option<NaiveDate>, Option<NaiveDate>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    All,
    /// The present one, whole or up to today.
    This {
        unit: Unit,
        to_date: bool,
    },
    /// So many before (below zero) or after the present one.
    Beside {
        count: i32,
        unit: Unit,
    },
    Fiscal {
        which: Fiscal,
        to_date: bool,
    },
    /// So many months, from this one of a year on.
    Named {
        month: u32,
        months: u32,
        year: Option<i32>,
    },
    Day(When),
    Between(Option<Box<Kind>>, Option<Box<Kind>>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fiscal {
    /// Years after the present one.
    Offset(i32),
    /// The one that ends in this year.
    Ending(i32),
}

const EXPECTED: &str = "is no period; write last quarter, last 30 days, year to date, Q2 2026, 2026-03, or 2026-01-01 to 2026-03-31";

impl std::str::FromStr for DateRange {
    type Err = &'static str;

    fn from_str(raw: &str) -> Result<Self, Self::Err> {
        if raw.len() > 80 {
            return Err(EXPECTED);
        }
        let text = raw.trim().to_lowercase().replace(['_', ','], " ");
        parse(&text).map(Self).ok_or(EXPECTED)
    }
}

fn parse(text: &str) -> Option<Kind> {
    let text = text.trim();
    if let Some(kind) = parse_one(text) {
        return Some(kind);
    }
    let (from, to) = bounds_of(text)?;
    let side = |text: Option<&str>| match text {
        Some(text) => parse_one(text.trim()).map(|kind| Some(Box::new(kind))),
        None => Some(None),
    };
    let (mut from, to) = (side(from)?, side(to)?);
    // In "January to March 2025" the year is said once.
    if let (Some(Kind::Named { year, .. }), Some(Kind::Named { year: said, .. })) =
        (from.as_deref_mut(), to.as_deref())
    {
        *year = year.or(*said);
    }
    Some(Kind::Between(from, to))
}

/// The two sides of what is said with its bounds.
fn bounds_of(text: &str) -> Option<(Option<&str>, Option<&str>)> {
    if let Some(rest) = text.strip_prefix("between ") {
        let (from, to) = rest.split_once(" and ")?;
        return Some((Some(from), Some(to)));
    }
    let stripped = text.strip_prefix("from ").unwrap_or(text);
    for between in ["..", " to ", " until ", " till ", " through ", " - ", "/"] {
        if let Some((from, to)) = stripped.split_once(between) {
            return Some((Some(from), Some(to)));
        }
    }
    for since in ["since ", "from "] {
        if let Some(from) = text.strip_prefix(since) {
            return Some((Some(from), None));
        }
    }
    for until in ["until ", "till ", "up to "] {
        if let Some(to) = text.strip_prefix(until) {
            return Some((None, Some(to)));
        }
    }
    None
}

/// A period that is said in one piece.
fn parse_one(text: &str) -> Option<Kind> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let whole = |unit, to_date| Some(Kind::This { unit, to_date });
    if let Some(fiscal) = parse_fiscal(&words) {
        return Some(fiscal);
    }
    match words.as_slice() {
        ["all" | "ever" | "everything"] | ["all", "time"] => return Some(Kind::All),
        ["today" | "yesterday" | "tomorrow"] => return text.parse().ok().map(Kind::Day),
        ["wtd"] => return whole(Unit::Week, true),
        ["mtd"] => return whole(Unit::Month, true),
        ["qtd"] => return whole(Unit::Quarter, true),
        ["ytd"] => return whole(Unit::Year, true),
        ["this" | "current", unit] => return whole(unit_of(unit)?, false),
        ["this" | "current", unit, "so", "far"] | [unit, "to", "date"] => {
            return whole(unit_of(unit)?, true);
        }
        ["this" | "current", unit, "to", "date"] => return whole(unit_of(unit)?, true),
        ["last" | "previous" | "past", unit] if unit_of(unit).is_some() => {
            return Some(Kind::Beside {
                count: -1,
                unit: unit_of(unit)?,
            });
        }
        ["next", unit] if unit_of(unit).is_some() => {
            return Some(Kind::Beside {
                count: 1,
                unit: unit_of(unit)?,
            });
        }
        ["the", ..] => return parse_one(words.get(1..)?.join(" ").as_str()),
        ["last" | "previous" | "past" | "trailing", count, unit] => {
            return beside(-1, count, unit);
        }
        ["next" | "coming", count, unit] => return beside(1, count, unit),
        _ => {}
    }
    parse_named(&words).or_else(|| {
        let day: When = text.parse().ok()?;
        day.is_day().then_some(Kind::Day(day))
    })
}

fn beside(sign: i32, count: &str, unit: &str) -> Option<Kind> {
    let count = number(count).filter(|count| (1..=1_000).contains(count))?;
    Some(Kind::Beside {
        count: sign * count,
        unit: unit_of(unit)?,
    })
}

fn number(word: &str) -> Option<i32> {
    const WORDS: [&str; 12] = [
        "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
        "twelve",
    ];
    let place = WORDS.iter().position(|known| *known == word);
    match place {
        Some(place) => i32::try_from(place + 1).ok(),
        None => word.parse().ok(),
    }
}

fn unit_of(word: &str) -> Option<Unit> {
    match word {
        "day" | "days" => Some(Unit::Day),
        "week" | "weeks" => Some(Unit::Week),
        "month" | "months" => Some(Unit::Month),
        "quarter" | "quarters" => Some(Unit::Quarter),
        "year" | "years" => Some(Unit::Year),
        _ => None,
    }
}

fn parse_fiscal(words: &[&str]) -> Option<Kind> {
    let (which, to_date) = match words {
        ["fytd"] | ["fiscal", "year", "to", "date"] => (Fiscal::Offset(0), true),
        [which, "fiscal", "year", rest @ ..] => {
            let offset = match *which {
                "this" | "current" => 0,
                "last" | "previous" => -1,
                "next" => 1,
                _ => return None,
            };
            match rest {
                [] => (Fiscal::Offset(offset), false),
                ["so", "far"] | ["to", "date"] if offset == 0 => (Fiscal::Offset(0), true),
                _ => return None,
            }
        }
        ["fiscal", "year", year] | ["fiscal" | "fy", year] => {
            (Fiscal::Ending(year_of(year)?), false)
        }
        [year] => (Fiscal::Ending(year_of(year.strip_prefix("fy")?)?), false),
        _ => return None,
    };
    Some(Kind::Fiscal { which, to_date })
}

fn year_of(word: &str) -> Option<i32> {
    let year: i32 = word.parse().ok()?;
    (word.len() == 4 && (1900..=2200).contains(&year)).then_some(year)
}

/// A year, or a part of one: `2026`, `q2 2026`, `2026-q2`, `march`, `2026-03`.
fn parse_named(words: &[&str]) -> Option<Kind> {
    let split: Vec<&str> = match words {
        [one] => one.split(['-', '/']).collect(),
        several => several
            .iter()
            .copied()
            .filter(|word| *word != "of")
            .collect(),
    };
    let named = |part: (u32, u32), year| {
        let (month, months) = part;
        Some(Kind::Named {
            month,
            months,
            year,
        })
    };
    match split.as_slice() {
        [one] => match (year_of(one), part_of(one)) {
            (Some(year), _) => named((1, 12), Some(year)),
            (None, part) => named(part?, None),
        },
        [one, other] => match (year_of(one), year_of(other)) {
            (Some(year), None) => {
                let month = || {
                    let month: u32 = other.parse().ok()?;
                    (other.len() == 2 && (1..=12).contains(&month)).then_some((month, 1))
                };
                named(part_of(other).or_else(month)?, Some(year))
            }
            (None, Some(year)) => named(part_of(one)?, Some(year)),
            _ => named(quarter_in_words(one, other)?, None),
        },
        [which, quarter, year] => named(quarter_in_words(which, quarter)?, Some(year_of(year)?)),
        _ => None,
    }
}

/// The first month of a part of a year, and how many it has.
fn part_of(word: &str) -> Option<(u32, u32)> {
    match word {
        "q1" => Some((1, 3)),
        "q2" => Some((4, 3)),
        "q3" => Some((7, 3)),
        "q4" => Some((10, 3)),
        "h1" => Some((1, 6)),
        "h2" => Some((7, 6)),
        // Of three letters at least, as all months are told from each other.
        _ if word.len() >= 3 => {
            let month: Month = word.parse().ok()?;
            Some((month.number_from_month(), 1))
        }
        _ => None,
    }
}

fn quarter_in_words(which: &str, quarter: &str) -> Option<(u32, u32)> {
    if quarter != "quarter" {
        return None;
    }
    match which {
        "first" | "1st" => Some((1, 3)),
        "second" | "2nd" => Some((4, 3)),
        "third" | "3rd" => Some((7, 3)),
        "fourth" | "4th" => Some((10, 3)),
        _ => None,
    }
}

impl DateRange {
    /// Its first and its last day. `fiscal` is the month in which fiscal years begin, from 1. `None` when it leaves the years 1900
    /// to 2200, or ends before it begins.
    #[must_use]
    pub fn bounds(&self, now: LocalTime, fiscal: u32) -> Option<Bounds> {
        let (from, to) = self.0.bounds(now, fiscal)?;
        let in_years = |day: Option<NaiveDate>| day.is_none_or(in_range);
        let in_order = from.zip(to).is_none_or(|(from, to)| from <= to);
        (in_years(from) && in_years(to) && in_order).then_some((from, to))
    }

    /// Whether it takes the month in which fiscal years begin.
    #[must_use]
    pub fn is_fiscal(&self) -> bool {
        self.0.is_fiscal()
    }
}

impl Kind {
    fn is_fiscal(&self) -> bool {
        match self {
            Self::Fiscal { .. } => true,
            Self::Between(from, to) => [from, to]
                .into_iter()
                .flatten()
                .any(|kind| kind.is_fiscal()),
            _ => false,
        }
    }

    fn bounds(&self, now: LocalTime, fiscal: u32) -> Option<Bounds> {
        let today = now.now.with_timezone(&now.zone).date_naive();
        let some = |(from, to)| Some((Some(from), Some(to)));
        match self {
            Self::All => Some((None, None)),
            Self::This { unit, to_date } => {
                let (first, last) = units(today, 0, 1, *unit)?;
                some((first, if *to_date { today } else { last }))
            }
            // Days are counted with today, so that the last 30 of them end with what is known.
            Self::Beside {
                count,
                unit: Unit::Day,
            } => {
                let far = shifted(today, *count - count.signum(), Unit::Day)?;
                match count {
                    -1 => some((today.pred_opt()?, today.pred_opt()?)),
                    1 => some((today.succ_opt()?, today.succ_opt()?)),
                    _ => some((far.min(today), far.max(today))),
                }
            }
            Self::Beside { count, unit } if *count < 0 => {
                some(units(today, *count, count.abs(), *unit)?)
            }
            Self::Beside { count, unit } => some(units(today, 1, *count, *unit)?),
            Self::Fiscal { which, to_date } => {
                let first = fiscal_year(today, *which, fiscal)?;
                let last = first.checked_add_months(Months::new(12))?.pred_opt()?;
                some((first, if *to_date { today } else { last }))
            }
            Self::Named {
                month,
                months,
                year,
            } => {
                let begins = |year| NaiveDate::from_ymd_opt(year, *month, 1);
                let first = match year {
                    Some(year) => begins(*year)?,
                    None => begins(today.year())
                        .filter(|first| *first <= today)
                        .or_else(|| begins(today.year() - 1))?,
                };
                let last = first.checked_add_months(Months::new(*months))?.pred_opt()?;
                some((first, last))
            }
            Self::Day(when) => {
                let day = when.date(now.now, now.zone)?;
                some((day, day))
            }
            Self::Between(from, to) => {
                let from = from.as_ref().map(|kind| kind.bounds(now, fiscal));
                let to = to.as_ref().map(|kind| kind.bounds(now, fiscal));
                let from = match from {
                    Some(bounds) => bounds?.0,
                    None => None,
                };
                let to = match to {
                    Some(bounds) => bounds?.1,
                    None => None,
                };
                Some((from, to))
            }
        }
    }
}

/// The first and the last day of so many units, the first of them so many after the present one.
fn units(today: NaiveDate, offset: i32, count: i32, unit: Unit) -> Option<(NaiveDate, NaiveDate)> {
    let first = start_of(shifted(start_of(today, unit)?, offset, unit)?, unit)?;
    let last = shifted(first, count, unit)?.checked_sub_days(Days::new(1))?;
    Some((first, last))
}

/// The first day of a fiscal year.
fn fiscal_year(today: NaiveDate, which: Fiscal, month: u32) -> Option<NaiveDate> {
    let begins = |year| NaiveDate::from_ymd_opt(year, month, 1);
    match which {
        Fiscal::Ending(year) if month == 1 => begins(year),
        Fiscal::Ending(year) => begins(year - 1),
        Fiscal::Offset(offset) => {
            let has_begun = begins(today.year())? <= today;
            let present = if has_begun {
                today.year()
            } else {
                today.year() - 1
            };
            begins(present.checked_add(offset)?)
        }
    }
}

/// The parts of a period by which figures are shown beside each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grain {
    /// From Monday on.
    Week,
    /// Calendar months.
    Month,
    /// Calendar quarters.
    Quarter,
    /// Calendar years.
    Year,
}

impl Grain {
    /// The parts of a period, in order, each with its name, its first and its last day; the first and the last are cut off where the
    /// period begins and ends. `None` for more than `most`.
    #[must_use]
    pub fn parts(
        self,
        from: NaiveDate,
        to: NaiveDate,
        most: usize,
    ) -> Option<Vec<(String, NaiveDate, NaiveDate)>> {
        let unit = match self {
            Self::Week => Unit::Week,
            Self::Month => Unit::Month,
            Self::Quarter => Unit::Quarter,
            Self::Year => Unit::Year,
        };
        let mut parts = Vec::new();
        let mut first = from;
        while first <= to {
            if parts.len() == most {
                return None;
            }
            let (_, last) = units(first, 0, 1, unit)?;
            parts.push((self.name(first)?, first, last.min(to)));
            first = last.succ_opt()?;
        }
        Some(parts)
    }

    /// What the part is called in which a day lies: `2026-W07`, `2026-02`, `2026-Q1`, `2026`.
    fn name(self, day: NaiveDate) -> Option<String> {
        Some(match self {
            Self::Week => day.format("%G-W%V").to_string(),
            Self::Month => day.format("%Y-%m").to_string(),
            Self::Quarter => format!("{}-Q{}", day.year(), day.month0() / 3 + 1),
            Self::Year => day.year().to_string(),
        })
    }
}

impl<'de> Deserialize<'de> for DateRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        raw.parse().map_err(de::Error::custom)
    }
}
impl JsonSchema for DateRange {
    string_schema!("DateRange");
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;

    /// On Saturday, 2026-11-21 in Berlin, with fiscal years from this month on.
    fn on(text: &str, fiscal: u32) -> Option<String> {
        let now = LocalTime {
            now: "2026-11-20T23:30:00Z".parse().unwrap(),
            zone: Tz::Europe__Berlin,
        };
        let range: DateRange = text.parse().ok()?;
        let (from, to) = range.bounds(now, fiscal)?;
        let shown =
            |day: Option<NaiveDate>| day.map_or_else(|| "…".to_owned(), |day| day.to_string());
        Some(format!("{} {}", shown(from), shown(to)))
    }

    #[test]
    fn a_period_is_said_in_many_ways() {
        for (text, expected) in [
            ("today", "2026-11-21 2026-11-21"),
            ("yesterday", "2026-11-20 2026-11-20"),
            ("this week", "2026-11-16 2026-11-22"),
            ("Last Week", "2026-11-09 2026-11-15"),
            ("last month", "2026-10-01 2026-10-31"),
            ("previous quarter", "2026-07-01 2026-09-30"),
            ("next quarter", "2027-01-01 2027-03-31"),
            ("last two quarters", "2026-04-01 2026-09-30"),
            ("the last 2 quarters", "2026-04-01 2026-09-30"),
            ("last_quarter", "2026-07-01 2026-09-30"),
            ("past 12 months", "2025-11-01 2026-10-31"),
            ("next three months", "2026-12-01 2027-02-28"),
            ("last 30 days", "2026-10-23 2026-11-21"),
            ("next 7 days", "2026-11-21 2026-11-27"),
            ("last year", "2025-01-01 2025-12-31"),
            ("year to date", "2026-01-01 2026-11-21"),
            ("YTD", "2026-01-01 2026-11-21"),
            ("this month so far", "2026-11-01 2026-11-21"),
            ("2025", "2025-01-01 2025-12-31"),
            ("Q2", "2026-04-01 2026-06-30"),
            ("Q2 2025", "2025-04-01 2025-06-30"),
            ("2025-Q4", "2025-10-01 2025-12-31"),
            ("second quarter of 2025", "2025-04-01 2025-06-30"),
            ("H1 2026", "2026-01-01 2026-06-30"),
            ("March", "2026-03-01 2026-03-31"),
            ("December", "2025-12-01 2025-12-31"),
            ("Feb 2024", "2024-02-01 2024-02-29"),
            ("2024-02", "2024-02-01 2024-02-29"),
            ("2026-03-05", "2026-03-05 2026-03-05"),
            ("2026-01-01 to 2026-03-31", "2026-01-01 2026-03-31"),
            ("2026-01-01..2026-03-31", "2026-01-01 2026-03-31"),
            ("2026-01-01/2026-03-31", "2026-01-01 2026-03-31"),
            ("from 2026-01-01 until today", "2026-01-01 2026-11-21"),
            ("between January and March 2025", "2025-01-01 2025-03-31"),
            ("January - March", "2026-01-01 2026-03-31"),
            ("since 2026-02-01", "2026-02-01 …"),
            ("until yesterday", "… 2026-11-20"),
            ("all time", "… …"),
            ("this fiscal year", "2026-01-01 2026-12-31"),
        ] {
            assert_eq!(on(text, 1).as_deref(), Some(expected), "{text}");
        }
        for (text, expected) in [
            ("this fiscal year", "2026-04-01 2027-03-31"),
            ("last fiscal year", "2025-04-01 2026-03-31"),
            ("fiscal year to date", "2026-04-01 2026-11-21"),
            ("FY2026", "2025-04-01 2026-03-31"),
            ("fiscal year 2027", "2026-04-01 2027-03-31"),
        ] {
            assert_eq!(on(text, 4).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(
            on("this fiscal year", 12).as_deref(),
            Some("2025-12-01 2026-11-30")
        );
    }

    #[test]
    fn what_is_no_period_is_refused() {
        for bad in [
            "",
            "soon",
            "last",
            "last 0 days",
            "last -2 months",
            "last 99999 years",
            "q5",
            "ma",
            "2026-13",
            "1850",
            "+30d",
            "2026-03-31 to",
            "2026-03-31 to 2026-01-01",
            "now",
            "between January",
        ] {
            assert_eq!(on(bad, 1), None, "{bad}");
        }
    }

    #[test]
    fn a_period_is_cut_into_whole_parts_and_two_ends() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let parts = Grain::Month
            .parts(day("2026-01-15"), day("2026-03-02"), 9)
            .unwrap();
        let shown: Vec<String> = parts
            .iter()
            .map(|(name, from, to)| format!("{name} {from} {to}"))
            .collect();
        assert_eq!(
            shown,
            [
                "2026-01 2026-01-15 2026-01-31",
                "2026-02 2026-02-01 2026-02-28",
                "2026-03 2026-03-01 2026-03-02",
            ]
        );
        let names = |grain: Grain, from, to| {
            let parts = grain.parts(day(from), day(to), 9).unwrap().into_iter();
            parts.map(|(name, ..)| name).collect::<Vec<_>>()
        };
        assert_eq!(
            names(Grain::Week, "2024-12-30", "2025-01-06"),
            ["2025-W01", "2025-W02"]
        );
        assert_eq!(
            names(Grain::Quarter, "2025-12-31", "2026-01-01"),
            ["2025-Q4", "2026-Q1"]
        );
        assert_eq!(
            names(Grain::Year, "2025-12-31", "2026-01-01"),
            ["2025", "2026"]
        );
        assert!(
            Grain::Week
                .parts(day("2025-01-01"), day("2026-01-01"), 9)
                .is_none()
        );
    }
}
