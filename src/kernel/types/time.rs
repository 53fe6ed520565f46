//! Dates and times. They go out in RFC 3339; what comes in may also be relative, and is resolved in the
//! workspace's time zone.

use chrono::{
    DateTime, Datelike, Days, Duration, LocalResult, Months, NaiveDate, NaiveDateTime, NaiveTime,
    SecondsFormat, TimeZone, Utc, Weekday,
};
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

use super::string_schema;

/// A moment, to the microsecond (what both engines keep).
pub type Timestamp = DateTime<Utc>;

/// Now, to the microsecond.
#[must_use]
pub fn now() -> Timestamp {
    let now = Utc::now();
    DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
}

/// A date or time as a caller may write it: `2026-11-20`, `2026-11-20T09:00:00Z`, without an offset in the workspace's
/// time zone (`2026-11-20T09:00`, `tomorrow 9:00`, `friday at 2pm`), `now`, `today`, `tomorrow`, `yesterday`, `+30d`, `-2w`, `+3m`, `-1y`, `+4h`, `monday` (the next one after today), `last friday`,
/// `start of month`, `end of last quarter`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    At(Timestamp),
    On(NaiveDate),
    /// By the clock of the workspace.
    Local(NaiveDateTime),
    /// On a day, by the clock of the workspace.
    OnAt(Box<Kind>, NaiveTime),
    Now,
    Shift(i32, Unit),
    Weekday {
        day: Weekday,
        last: bool,
    },
    Edge {
        end: bool,
        offset: i32,
        unit: Unit,
    },
}

/// A unit in which words count time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

/// What a wrong date is answered with.
const EXPECTED: &str = "is no date; write 2026-11-20, 2026-11-20T09:00, an RFC 3339 time, or today, tomorrow 9:00, +30d, -2w, monday, end of month";

impl std::str::FromStr for When {
    type Err = &'static str;

    fn from_str(raw: &str) -> Result<Self, Self::Err> {
        if raw.len() > 64 {
            return Err(EXPECTED);
        }
        let text = raw.trim().to_lowercase().replace('_', " ");
        parse(&text).map(Self).ok_or(EXPECTED)
    }
}

/// Years that every engine, client and calendar can hold.
pub(super) fn in_range(date: NaiveDate) -> bool {
    (1900..=2200).contains(&date.year())
}

fn parse(text: &str) -> Option<Kind> {
    if let Ok(date) = text.parse::<NaiveDate>() {
        return in_range(date).then_some(Kind::On(date));
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(&text.to_uppercase()) {
        let micros = DateTime::from_timestamp_micros(time.timestamp_micros())?;
        return in_range(micros.date_naive()).then_some(Kind::At(micros));
    }
    if let Some(kind) = parse_clock_time(text) {
        return Some(kind);
    }
    match text {
        "now" => return Some(Kind::Now),
        "today" => return Some(Kind::Shift(0, Unit::Day)),
        "tomorrow" => return Some(Kind::Shift(1, Unit::Day)),
        "yesterday" => return Some(Kind::Shift(-1, Unit::Day)),
        _ => {}
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    if let [day @ .., time] = words.as_slice()
        && let Some(time) = parse_time_of_day(time)
    {
        let day = day.strip_suffix(&["at"]).unwrap_or(day).join(" ");
        return match parse(&day)? {
            Kind::At(_)
            | Kind::Local(_)
            | Kind::OnAt(..)
            | Kind::Now
            | Kind::Shift(_, Unit::Hour) => None,
            day => Some(Kind::OnAt(Box::new(day), time)),
        };
    }
    if text.starts_with(['+', '-']) {
        return parse_shift(text);
    }
    match words.as_slice() {
        [day] => Some(Kind::Weekday {
            day: day.parse().ok()?,
            last: false,
        }),
        ["next", day] if day.parse::<Weekday>().is_ok() => Some(Kind::Weekday {
            day: day.parse().ok()?,
            last: false,
        }),
        ["last", day] if day.parse::<Weekday>().is_ok() => Some(Kind::Weekday {
            day: day.parse().ok()?,
            last: true,
        }),
        [edge @ ("start" | "beginning" | "end"), "of", rest @ ..] => {
            let (offset, unit) = match rest {
                [unit] | ["the" | "this", unit] => (0, unit),
                ["next", unit] => (1, unit),
                ["last" | "previous", unit] => (-1, unit),
                _ => return None,
            };
            Some(Kind::Edge {
                end: *edge == "end",
                offset,
                unit: parse_period(unit)?,
            })
        }
        _ => None,
    }
}

/// A day and a time of it: with an offset but without seconds, or without an offset.
fn parse_clock_time(text: &str) -> Option<Kind> {
    let text = text.to_uppercase().replacen(' ', "T", 1);
    let with_offset = text.strip_suffix('Z').map(|text| format!("{text}+00:00"));
    let with_offset = with_offset.as_deref().unwrap_or(&text);
    if let Ok(time) = DateTime::parse_from_str(with_offset, "%Y-%m-%dT%H:%M%:z") {
        let time = time.with_timezone(&Utc);
        return in_range(time.date_naive()).then_some(Kind::At(time));
    }
    let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S%.f"];
    let mut local = formats
        .iter()
        .filter_map(|format| NaiveDateTime::parse_from_str(&text, format).ok());
    let local = local.next().filter(|local| in_range(local.date()))?;
    Some(Kind::Local(local))
}

/// `9:00`, `14:30`, `9am`, `2:15pm`.
fn parse_time_of_day(word: &str) -> Option<NaiveTime> {
    let (clock, noon) = match (word.strip_suffix("am"), word.strip_suffix("pm")) {
        (Some(clock), _) => (clock, Some(false)),
        (_, Some(clock)) => (clock, Some(true)),
        _ => (word, None),
    };
    let (hour, minute) = match (clock.split_once(':'), noon) {
        (Some((hour, minute)), _) if minute.len() == 2 => (hour, minute),
        (None, Some(_)) => (clock, "0"),
        _ => return None,
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !(digits(hour) && digits(minute)) {
        return None;
    }
    let (hour, minute): (u32, u32) = (hour.parse().ok()?, minute.parse().ok()?);
    let hour = match noon {
        None => hour,
        Some(afternoon) if (1..=12).contains(&hour) => hour % 12 + if afternoon { 12 } else { 0 },
        Some(_) => return None,
    };
    NaiveTime::from_hms_opt(hour, minute, 0)
}

fn parse_period(word: &str) -> Option<Unit> {
    match word {
        "week" => Some(Unit::Week),
        "month" => Some(Unit::Month),
        "quarter" => Some(Unit::Quarter),
        "year" => Some(Unit::Year),
        _ => None,
    }
}

fn parse_shift(text: &str) -> Option<Kind> {
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let split = compact.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = compact.split_at_checked(split)?;
    let unit = match unit {
        "h" | "hour" | "hours" => Unit::Hour,
        "d" | "day" | "days" => Unit::Day,
        "w" | "week" | "weeks" => Unit::Week,
        "m" | "mo" | "month" | "months" => Unit::Month,
        "y" | "year" | "years" => Unit::Year,
        _ => return None,
    };
    let number: i32 = number.parse().ok()?;
    (number.abs() <= 100_000).then_some(Kind::Shift(number, unit))
}

/// What a day or a moment in words is judged by.
#[derive(Debug, Clone, Copy)]
pub struct LocalTime {
    /// The moment of the call.
    pub now: Timestamp,
    /// The workspace's time zone.
    pub zone: Tz,
}

/// What is wrong with a day that no engine, client or calendar can hold.
pub(crate) const FAR_AWAY: &str = "lies outside of the years 1900 to 2200";

/// Which end of a day a date stands for where a moment is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayEdge {
    /// Its first microsecond.
    Start,
    /// Its last.
    End,
}

impl When {
    /// Whether it is a day of the calendar, by its date.
    #[must_use]
    pub const fn is_day(&self) -> bool {
        matches!(self.0, Kind::On(_))
    }

    /// The day meant, in the time zone. `None` when it leaves the years 1900 to 2200.
    #[must_use]
    pub fn date(&self, now: Timestamp, zone: Tz) -> Option<NaiveDate> {
        let today = now.with_timezone(&zone).date_naive();
        let date = match &self.0 {
            Kind::At(time) => time.with_timezone(&zone).date_naive(),
            Kind::On(date) => *date,
            Kind::Local(local) => local.date(),
            Kind::OnAt(day, _) => Self((**day).clone()).date(now, zone)?,
            Kind::Now => today,
            Kind::Shift(number, Unit::Hour) => now
                .checked_add_signed(Duration::hours((*number).into()))?
                .with_timezone(&zone)
                .date_naive(),
            Kind::Shift(number, unit) => shifted(today, *number, *unit)?,
            Kind::Weekday { day, last } => {
                let ahead =
                    (7 + day.num_days_from_monday() - today.weekday().num_days_from_monday()) % 7;
                let ahead = if ahead == 0 { 7 } else { ahead };
                if *last {
                    let behind = if ahead == 7 { 7 } else { 7 - ahead };
                    today.checked_sub_days(Days::new(behind.into()))?
                } else {
                    today.checked_add_days(Days::new(ahead.into()))?
                }
            }
            Kind::Edge { end, offset, unit } => {
                let start = start_of(shifted(start_of(today, *unit)?, *offset, *unit)?, *unit)?;
                if *end {
                    shifted(start, 1, *unit)?.pred_opt()?
                } else {
                    start
                }
            }
        };
        in_range(date).then_some(date)
    }

    /// The moment meant; a whole day stands for its start or end in the time zone.
    #[must_use]
    pub fn moment(&self, now: Timestamp, zone: Tz, edge: DayEdge) -> Option<Timestamp> {
        match &self.0 {
            Kind::At(time) => Some(*time),
            Kind::Now => Some(now),
            Kind::Shift(number, Unit::Hour) => {
                now.checked_add_signed(Duration::hours((*number).into()))
            }
            Kind::Local(local) => moment_of(*local, zone),
            Kind::OnAt(_, time) => moment_of(self.date(now, zone)?.and_time(*time), zone),
            _ => day_edge(self.date(now, zone)?, zone, edge),
        }
    }
}

/// A moment as the clocks of a time zone show it, to the second and with its offset; none of what is no RFC 3339 time.
pub(crate) fn by_clocks(moment: &str, zone: Tz) -> Option<String> {
    let moment = DateTime::parse_from_rfc3339(moment).ok()?;
    let local = moment.with_timezone(&zone);
    Some(local.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// The moment of a local time. Of a time that comes twice it is the first; one that a clock change leaves out is counted on
/// from before it, as calendars do (RFC 5545, 3.3.5).
fn moment_of(local: NaiveDateTime, zone: Tz) -> Option<Timestamp> {
    let moment = match zone.from_local_datetime(&local) {
        LocalResult::Single(moment) | LocalResult::Ambiguous(moment, _) => moment,
        LocalResult::None => {
            let step = Duration::hours(3);
            let before = zone.from_local_datetime(&(local - step)).latest()?;
            before.checked_add_signed(step)?
        }
    };
    Some(moment.with_timezone(&Utc))
}

/// The first or last microsecond of a day in a time zone, also where a clock change cuts it.
#[must_use]
pub fn day_edge(date: NaiveDate, zone: Tz, edge: DayEdge) -> Option<Timestamp> {
    match edge {
        DayEdge::Start => {
            let midnight = date.and_time(NaiveTime::MIN);
            (0..4)
                .find_map(|hour| {
                    zone.from_local_datetime(&(midnight + Duration::hours(hour)))
                        .earliest()
                })
                .map(|time| time.with_timezone(&Utc))
        }
        DayEdge::End => day_edge(date.succ_opt()?, zone, DayEdge::Start)?
            .checked_sub_signed(Duration::microseconds(1)),
    }
}

/// The day so many units later, or earlier below zero.
pub(super) fn shifted(date: NaiveDate, number: i32, unit: Unit) -> Option<NaiveDate> {
    let months = |months: i32| {
        if months < 0 {
            date.checked_sub_months(Months::new(months.unsigned_abs()))
        } else {
            date.checked_add_months(Months::new(months.unsigned_abs()))
        }
    };
    match unit {
        Unit::Hour | Unit::Day => date.checked_add_signed(Duration::days(number.into())),
        Unit::Week => date.checked_add_signed(Duration::weeks(number.into())),
        Unit::Month => months(number),
        Unit::Quarter => months(number.checked_mul(3)?),
        Unit::Year => months(number.checked_mul(12)?),
    }
}

/// The first day of the unit in which a day lies.
pub(super) fn start_of(date: NaiveDate, unit: Unit) -> Option<NaiveDate> {
    match unit {
        Unit::Hour | Unit::Day => Some(date),
        Unit::Week => {
            date.checked_sub_days(Days::new(date.weekday().num_days_from_monday().into()))
        }
        Unit::Month => date.with_day(1),
        Unit::Quarter => date.with_day(1)?.with_month0(date.month0() / 3 * 3),
        Unit::Year => NaiveDate::from_ymd_opt(date.year(), 1, 1),
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        raw.parse().map_err(de::Error::custom)
    }
}
impl JsonSchema for When {
    string_schema!("When");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Friday 2026-11-20, 23:30 in UTC: already Saturday in Berlin.
    fn on(text: &str, zone: Tz) -> String {
        let now = "2026-11-20T23:30:00Z".parse().unwrap();
        text.parse::<When>()
            .unwrap()
            .date(now, zone)
            .unwrap()
            .to_string()
    }

    #[test]
    fn relative_dates_are_judged_in_the_workspaces_zone() {
        use chrono_tz::Europe::Berlin;
        for (text, utc, berlin) in [
            ("today", "2026-11-20", "2026-11-21"),
            ("+30d", "2026-12-20", "2026-12-21"),
            ("-2 weeks", "2026-11-06", "2026-11-07"),
            ("+1m", "2026-12-20", "2026-12-21"),
            ("friday", "2026-11-27", "2026-11-27"),
            ("last friday", "2026-11-13", "2026-11-20"),
            ("monday", "2026-11-23", "2026-11-23"),
            ("end of month", "2026-11-30", "2026-11-30"),
            ("start of last quarter", "2026-07-01", "2026-07-01"),
            ("end of next year", "2027-12-31", "2027-12-31"),
            ("start_of_week", "2026-11-16", "2026-11-16"),
        ] {
            assert_eq!(
                (on(text, Tz::UTC).as_str(), on(text, Berlin).as_str()),
                (utc, berlin),
                "{text}"
            );
        }
    }

    #[test]
    fn a_time_without_an_offset_is_that_of_the_workspaces_clocks() {
        use chrono_tz::Europe::Berlin;
        let now = "2026-11-20T23:30:00Z".parse().unwrap();
        for (text, expected) in [
            ("2026-12-01T09:00", "2026-12-01T08:00:00Z"),
            ("2026-12-01 09:00:30", "2026-12-01T08:00:30Z"),
            ("2026-07-01t09:00", "2026-07-01T07:00:00Z"),
            ("2026-12-01T09:00+05:00", "2026-12-01T04:00:00Z"),
            ("2026-12-01T09:00Z", "2026-12-01T09:00:00Z"),
            ("2026-12-01T09:00:00.5-01:00", "2026-12-01T10:00:00.5Z"),
            ("tomorrow 9:00", "2026-11-22T08:00:00Z"),
            ("Monday at 2pm", "2026-11-23T13:00:00Z"),
            ("next friday 14:30", "2026-11-27T13:30:00Z"),
            ("2026-12-01 at 12am", "2026-11-30T23:00:00Z"),
            ("+1w 12:15PM", "2026-11-28T11:15:00Z"),
            // Left out by the clock change, and there twice.
            ("2027-03-28T02:30", "2027-03-28T01:30:00Z"),
            ("2026-10-25T02:30", "2026-10-25T00:30:00Z"),
        ] {
            let when: When = text.parse().unwrap();
            let moment = when.moment(now, Berlin, DayEdge::End).unwrap();
            assert_eq!(moment, expected.parse::<Timestamp>().unwrap(), "{text}");
        }
        for bad in [
            "9:00",
            "tomorrow 25:00",
            "tomorrow 9",
            "now 9:00",
            "tomorrow 13pm",
            "2026-12-01T9",
            "tomorrow 9:5",
            "+4h 9:00",
        ] {
            assert!(bad.parse::<When>().is_err(), "{bad}");
        }
        assert_eq!(on("2026-12-01T00:30", Berlin), "2026-12-01");
        assert_eq!(on("tomorrow 9:00", Berlin), "2026-11-22");
    }

    #[test]
    fn a_day_without_midnight_starts_when_it_starts() {
        // Clocks in Beirut go from 00:00 to 01:00 on 2026-03-29.
        let date = NaiveDate::from_ymd_opt(2026, 3, 29).unwrap();
        let start = day_edge(date, chrono_tz::Asia::Beirut, DayEdge::Start).unwrap();
        assert_eq!(start.to_rfc3339(), "2026-03-28T22:00:00+00:00");
    }

    #[test]
    fn nonsense_and_far_away_years_are_refused() {
        for bad in [
            "",
            "soon",
            "2026-13-01",
            "0001-01-01",
            "99999-01-01",
            "+1e9d",
            "end of time",
            "+999999999d",
        ] {
            assert!(bad.parse::<When>().is_err(), "{bad}");
        }
        let now = "2026-11-20T23:30:00Z".parse().unwrap();
        assert_eq!("+90000d".parse::<When>().unwrap().date(now, Tz::UTC), None);
    }
}
