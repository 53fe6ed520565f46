//! Working time: which hours of the week are worked, on which days nobody is there, and in which time zone that is meant.
//!
//! One rule decides everything: a moment is working time when a clock on the wall in that zone then shows a time within the hours of
//! a day that is no holiday. So what a change of the clock leaves out is not worked, and what it brings twice is worked twice. Time
//! is counted on moments and not on what clocks show, and is exact to the microsecond.
//!
//! Nothing here looks at a clock or a database, and no question is worked on without end: hours are looked for within ten years
//! ([`MOST_DAYS`]), and a calendar without any is refused when it is made.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use chrono::{
    Datelike as _, Days, Duration, NaiveDate, NaiveTime, Offset as _, TimeZone as _, Timelike as _,
};
use chrono_tz::Tz;

use crate::types::time::Timestamp;

/// So many days at the most lie between a moment and the answer to a question about it: ten years.
pub const MOST_DAYS: i32 = 3_660;
/// So many times a day at the most it is opened.
pub const MOST_HOURS: usize = 24;
/// So many holidays at the most.
pub const MOST_HOLIDAYS: usize = 2_000;

const MINUTES_A_DAY: u32 = 24 * 60;

/// What is wrong with a calendar, or with what it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// A text is not such as `09:00-12:30`.
    #[error(
        "is no opening hours; write 09:00-12:30, over midnight 22:00-06:00, all day 00:00-24:00"
    )]
    NotHours,
    /// A day has more of them than [`MOST_HOURS`].
    #[error("has more than 24 opening hours on one day")]
    TooManyHours,
    /// More than [`MOST_HOLIDAYS`].
    #[error("has more than 2,000 holidays")]
    TooManyHolidays,
    /// No day of the week is worked.
    #[error("has no working hours on any day of the week")]
    NeverOpen,
    /// What is asked for is more than [`MOST_DAYS`] away.
    #[error("needs more than ten years of this calendar")]
    TooFar,
    /// Working time that is added is not negative.
    #[error("is less than no time")]
    Negative,
}

/// From one time of a day to another, by the clock on the wall. They belong to the day on which they open, also over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hours {
    /// Minutes after midnight, before that of the next day.
    opens: u32,
    /// Minutes after the same midnight, after `opens` and no more than a day after it.
    closes: u32,
}

impl Hours {
    /// From one time to another, in whole minutes: seconds are cut off. Where the second is not after the first, it is that of the
    /// next day; the same time twice is all 24 hours.
    #[must_use]
    pub fn new(opens: NaiveTime, closes: NaiveTime) -> Self {
        let minutes = |time: NaiveTime| time.hour() * 60 + time.minute();
        let (opens, mut closes) = (minutes(opens), minutes(closes));
        if closes <= opens {
            closes += MINUTES_A_DAY;
        }
        Self { opens, closes }
    }
}

impl FromStr for Hours {
    type Err = CalendarError;

    fn from_str(text: &str) -> Result<Self, CalendarError> {
        let (opens, closes) = text
            .trim()
            .split_once(['-', '–'])
            .ok_or(CalendarError::NotHours)?;
        let time = |text: &str| match text.trim() {
            "24:00" => Ok(NaiveTime::MIN),
            text => NaiveTime::parse_from_str(text, "%H:%M").map_err(|_| CalendarError::NotHours),
        };
        Ok(Self::new(time(opens)?, time(closes)?))
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let closes = match self.closes {
            MINUTES_A_DAY => MINUTES_A_DAY,
            later => later % MINUTES_A_DAY,
        };
        let [opens, closes] = [self.opens, closes].map(|minutes| (minutes / 60, minutes % 60));
        write!(
            f,
            "{:02}:{:02}-{:02}:{:02}",
            opens.0, opens.1, closes.0, closes.1
        )
    }
}

/// When somebody is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    zone: Tz,
    /// From Monday on.
    week: [Vec<Hours>; 7],
    holidays: BTreeSet<NaiveDate>,
}

/// Which days are worked, where only days are counted: the ones on which hours of a calendar open.
///
/// Days are counted by their ordinals: how many are worked before them, since the first of the year 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkDays {
    /// From Monday on.
    week: [bool; 7],
    /// Those that would be worked otherwise.
    holidays: BTreeSet<NaiveDate>,
}

impl Default for WorkDays {
    /// Monday to Friday.
    fn default() -> Self {
        Self {
            week: std::array::from_fn(|day| day < 5),
            holidays: BTreeSet::new(),
        }
    }
}

impl WorkDays {
    /// Whether this day is worked.
    #[must_use]
    pub fn contains(&self, day: NaiveDate) -> bool {
        self.is_in_week(day) && !self.holidays.contains(&day)
    }

    /// How many days are worked before this one, since the first of the year 1. Two days have the same ordinal where none is
    /// worked from the first until the second. Nothing for a day before that.
    #[must_use]
    pub fn ordinal(&self, day: NaiveDate) -> Option<i64> {
        // The first of January of the year 1 was a Monday.
        let before = i64::from(day.num_days_from_ce()) - 1;
        if before < 0 {
            return None;
        }
        let of_week = self.week.iter().filter(|worked| **worked).count() as i64;
        let begun = self.week.iter().take((before % 7) as usize);
        let begun = begun.filter(|worked| **worked).count() as i64;
        let holidays = self.holidays.range(..day).count() as i64;
        Some(before / 7 * of_week + begun - holidays)
    }

    /// The day that is worked and has this ordinal; nothing for one beyond the year 9999.
    #[must_use]
    pub fn day(&self, ordinal: i64) -> Option<NaiveDate> {
        /// The last day of the year 9999, counted from the first of the year 1 as 1.
        const LAST: i32 = 3_652_059;
        let of = |day: i32| NaiveDate::from_num_days_from_ce_opt(day);
        let at = |day: i32| of(day).and_then(|day| self.ordinal(day));
        // The last day with this ordinal is the one that is worked.
        let (mut first, mut end) = (1, LAST);
        if at(first)? > ordinal || at(end)? <= ordinal {
            return None;
        }
        while end - first > 1 {
            let middle = first.midpoint(end);
            match at(middle)? > ordinal {
                true => end = middle,
                false => first = middle,
            }
        }
        of(first)
    }

    fn is_in_week(&self, day: NaiveDate) -> bool {
        let weekday = day.weekday().num_days_from_monday() as usize;
        self.week.get(weekday).copied().unwrap_or_default()
    }
}

/// Working time without a break in it: from its first moment to the first that is not worked any more.
type Stretch = (Timestamp, Timestamp);

impl Calendar {
    /// A calendar: its time zone, the hours of each day of the week from Monday on, and the days of the zone on which none of them
    /// begin. Hours may overlap; what two of them have is worked once.
    ///
    /// # Errors
    /// [`CalendarError`] where no day has hours, or something is more than is looked after.
    pub fn new(
        zone: Tz,
        week: [Vec<Hours>; 7],
        holidays: BTreeSet<NaiveDate>,
    ) -> Result<Self, CalendarError> {
        if week.iter().any(|hours| hours.len() > MOST_HOURS) {
            return Err(CalendarError::TooManyHours);
        }
        if holidays.len() > MOST_HOLIDAYS {
            return Err(CalendarError::TooManyHolidays);
        }
        if week.iter().all(Vec::is_empty) {
            return Err(CalendarError::NeverOpen);
        }
        Ok(Self {
            zone,
            week,
            holidays,
        })
    }

    /// The time zone of its hours and holidays.
    #[must_use]
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// The days on which its hours open.
    #[must_use]
    pub fn work_days(&self) -> WorkDays {
        let mut days = WorkDays {
            week: std::array::from_fn(|day| self.week.get(day).is_some_and(|of| !of.is_empty())),
            holidays: BTreeSet::new(),
        };
        let first = NaiveDate::from_num_days_from_ce_opt(1);
        let holidays = self.holidays.iter().copied();
        let holidays = holidays.filter(|day| days.is_in_week(*day) && Some(*day) >= first);
        days.holidays = holidays.collect();
        days
    }

    /// Whether this moment is working time. The moment of opening is, that of closing is not.
    #[must_use]
    pub fn is_open(&self, at: Timestamp) -> bool {
        let end = at.checked_add_signed(Duration::microseconds(1));
        end.is_some_and(|end| !self.stretches(at, end).is_empty())
    }

    /// The first moment from this one on that is working time: this one itself where it is.
    ///
    /// # Errors
    /// [`CalendarError::TooFar`] where there is none within [`MOST_DAYS`] days.
    pub fn next_opening(&self, from: Timestamp) -> Result<Timestamp, CalendarError> {
        for day in 0..MOST_DAYS {
            let (start, end) = day_from(from, day)?;
            if let Some((opens, _)) = self.stretches(start, end).first() {
                return Ok(*opens);
            }
        }
        Err(CalendarError::TooFar)
    }

    /// The moment at which so much working time has passed since another: the first such moment, so with hours until 17:00 it may
    /// be 17:00. With no time it is the moment itself, whether it is working time or not.
    ///
    /// # Errors
    /// [`CalendarError::Negative`]; [`CalendarError::TooFar`] where that takes more than [`MOST_DAYS`] days.
    pub fn add(&self, from: Timestamp, working: Duration) -> Result<Timestamp, CalendarError> {
        if working < Duration::zero() {
            return Err(CalendarError::Negative);
        }
        if working.is_zero() {
            return Ok(from);
        }
        let mut left = working;
        for day in 0..MOST_DAYS {
            let (start, end) = day_from(from, day)?;
            for (opens, closes) in self.stretches(start, end) {
                let here = closes - opens;
                if left <= here {
                    return Ok(opens + left);
                }
                left -= here;
            }
        }
        Err(CalendarError::TooFar)
    }

    /// How much working time there is from one moment to another; none where the second is not after the first.
    ///
    /// # Errors
    /// [`CalendarError::TooFar`] where they are more than [`MOST_DAYS`] days apart.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> Result<Duration, CalendarError> {
        if to <= from {
            return Ok(Duration::zero());
        }
        if (to - from).num_days() > i64::from(MOST_DAYS) {
            return Err(CalendarError::TooFar);
        }
        let mut sum = Duration::zero();
        let mut day = 0;
        loop {
            let (start, end) = day_from(from, day)?;
            if start >= to {
                return Ok(sum);
            }
            for (opens, closes) in self.stretches(start, end.min(to)) {
                sum += closes - opens;
            }
            day += 1;
        }
    }

    /// The working time from one moment to another that is no more than a day later, in order, none of it twice.
    fn stretches(&self, from: Timestamp, to: Timestamp) -> Vec<Stretch> {
        let mut found: Vec<Stretch> = Vec::new();
        if !is_near(from) {
            return found;
        }
        let mut start = from;
        while start < to {
            let (end, offset) = self.same_offset(start, to);
            let (local, local_end) = (start.naive_utc() + offset, end.naive_utc() + offset);
            let mut date = local.date().pred_opt().unwrap_or(local.date());
            while date <= local_end.date() {
                for hours in self.hours(date) {
                    let midnight = date.and_time(NaiveTime::MIN);
                    let opens = midnight + Duration::minutes(hours.opens.into());
                    let closes = midnight + Duration::minutes(hours.closes.into());
                    let (opens, closes) = (opens.max(local), closes.min(local_end));
                    if opens < closes {
                        found.push((start + (opens - local), start + (closes - local)));
                    }
                }
                let Some(next) = date.checked_add_days(Days::new(1)) else {
                    break;
                };
                date = next;
            }
            start = end;
        }
        found.sort_unstable();
        let mut merged: Vec<Stretch> = Vec::new();
        for (opens, closes) in found {
            match merged.last_mut() {
                Some((_, last)) if opens <= *last => *last = closes.max(*last),
                _ => merged.push((opens, closes)),
            }
        }
        merged
    }

    /// The hours that open on a day.
    fn hours(&self, date: NaiveDate) -> &[Hours] {
        let weekday = date.weekday().num_days_from_monday() as usize;
        match self.week.get(weekday) {
            Some(hours) if !self.holidays.contains(&date) => hours,
            _ => &[],
        }
    }

    /// Until when clocks stay as far from UTC as they are at a moment, at most to another; and how far that is.
    fn same_offset(&self, from: Timestamp, to: Timestamp) -> (Timestamp, Duration) {
        /// No clock is changed and changed back in less.
        const STEP: Duration = Duration::hours(3);
        let offset = |at: Timestamp| {
            let fixed = self.zone.offset_from_utc_datetime(&at.naive_utc()).fix();
            Duration::seconds(fixed.local_minus_utc().into())
        };
        let own = offset(from);
        let mut same = from;
        while same < to {
            let mut other = (same + STEP).min(to);
            if offset(other) == own {
                same = other;
                continue;
            }
            while other - same > Duration::nanoseconds(1) {
                let middle = same + (other - same) / 2;
                if offset(middle) == own {
                    same = middle;
                } else {
                    other = middle;
                }
            }
            return (other, own);
        }
        (to, own)
    }
}

/// The 24 hours that begin so many times 24 hours after a moment.
fn day_from(from: Timestamp, day: i32) -> Result<Stretch, CalendarError> {
    let after = |days: i32| {
        from.checked_add_signed(Duration::days(days.into()))
            .filter(|at| is_near(*at))
            .ok_or(CalendarError::TooFar)
    };
    Ok((after(day)?, after(day + 1)?))
}

/// Whether a moment is one that anybody works at, and not at an end of time, beyond which other zones have no days.
fn is_near(at: Timestamp) -> bool {
    (1..=9_999).contains(&at.year())
}

#[cfg(test)]
mod tests {
    use chrono_tz::TZ_VARIANTS;
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn hours(text: &str) -> Vec<Hours> {
        let each = text.split_whitespace();
        each.map(|hours| hours.parse().unwrap()).collect()
    }

    /// The same hours from Monday to Friday.
    fn weekdays(zone: Tz, text: &str, holidays: &[&str]) -> Calendar {
        let week = std::array::from_fn(|day| if day < 5 { hours(text) } else { Vec::new() });
        let holidays = holidays.iter().map(|day| day.parse().unwrap());
        Calendar::new(zone, week, holidays.collect()).unwrap()
    }

    fn daily(zone: Tz, text: &str) -> Calendar {
        let week = std::array::from_fn(|_| hours(text));
        Calendar::new(zone, week, BTreeSet::new()).unwrap()
    }

    /// A calendar by its one rule, a minute at a time: whether each of so many minutes is worked.
    fn minutes(calendar: &Calendar, from: Timestamp, count: usize) -> Vec<bool> {
        let is_open = |minute: usize| {
            let moment = from + Duration::minutes(minute as i64);
            let wall = moment.with_timezone(&calendar.zone).naive_local();
            (0..=1).any(|back| {
                let date = wall.date() - Days::new(back);
                let passed = (wall - date.and_time(NaiveTime::MIN)).num_minutes();
                calendar.hours(date).iter().any(|hours| {
                    (i64::from(hours.opens)..i64::from(hours.closes)).contains(&passed)
                })
            })
        };
        (0..count).map(is_open).collect()
    }

    #[test]
    fn days_are_counted_by_those_that_are_worked() {
        let christmas = ["2026-12-25", "2026-12-26", "2027-01-01"];
        let berlin = weekdays(Tz::Europe__Berlin, "09:00-17:00", &christmas).work_days();
        let sundays: [bool; 7] = std::array::from_fn(|day| day == 6);
        let sundays = WorkDays {
            week: sundays,
            holidays: BTreeSet::new(),
        };
        for days in [WorkDays::default(), berlin, sundays] {
            for first in ["2026-12-01", "0001-01-01"] {
                let mut day: NaiveDate = first.parse().unwrap();
                let mut ordinal = days.ordinal(day).unwrap();
                for _ in 0..60 {
                    assert_eq!(days.ordinal(day), Some(ordinal), "{day}");
                    if days.contains(day) {
                        assert_eq!(days.day(ordinal), Some(day));
                        ordinal += 1;
                    }
                    day = day.succ_opt().unwrap();
                }
            }
        }
        let friday: NaiveDate = "2026-11-20".parse().unwrap();
        let days = WorkDays::default();
        let after = |count: i64| days.day(days.ordinal(friday).unwrap() + count).unwrap();
        assert_eq!(after(1).to_string(), "2026-11-23");
        assert_eq!(after(-5).to_string(), "2026-11-13");
        assert_eq!(days.day(i64::MAX), None);
        assert_eq!(days.day(-1), None);
        assert_eq!(days.ordinal(NaiveDate::MIN), None);
    }

    #[test]
    fn time_passes_only_while_it_is_worked() {
        let berlin = weekdays(
            Tz::Europe__Berlin,
            "09:00-12:00 13:00-17:00",
            &["2026-12-25"],
        );
        for (from, minutes, due) in [
            // Friday 16:00 in Berlin; Monday after.
            ("2026-11-20T15:00:00Z", 60, "2026-11-20T16:00:00Z"),
            ("2026-11-20T15:00:00Z", 61, "2026-11-23T08:01:00Z"),
            ("2026-11-20T10:30:00Z", 60, "2026-11-20T12:30:00Z"),
            ("2026-11-21T10:00:00Z", 0, "2026-11-21T10:00:00Z"),
            // Over a holiday and the weekend after it.
            ("2026-12-24T15:30:00Z", 60, "2026-12-28T08:30:00Z"),
        ] {
            let due_at = berlin.add(at(from), Duration::minutes(minutes)).unwrap();
            assert_eq!(due_at, at(due), "{from} and {minutes} minutes");
            let back = berlin.between(at(from), due_at).unwrap();
            assert_eq!(back, Duration::minutes(minutes), "{from} to {due}");
        }
        assert!(berlin.is_open(at("2026-11-20T08:00:00Z")));
        assert!(!berlin.is_open(at("2026-11-20T07:59:59.999999Z")));
        assert!(!berlin.is_open(at("2026-11-20T11:00:00Z")));
        let opening = berlin.next_opening(at("2026-12-24T16:00:00Z"));
        assert_eq!(opening, Ok(at("2026-12-28T08:00:00Z")));
        let now = at("2026-11-20T09:30:00.000001Z");
        assert_eq!(berlin.next_opening(now), Ok(now));
    }

    #[test]
    fn hours_over_midnight_belong_to_the_day_on_which_they_open() {
        // From Friday evening into Saturday, and not from Sunday into Monday; on the holiday nobody begins.
        let night = weekdays(Tz::UTC, "22:00-06:00", &["2026-11-18"]);
        assert!(night.is_open(at("2026-11-21T05:59:00Z")), "Friday's");
        assert!(!night.is_open(at("2026-11-21T22:00:00Z")), "Saturday");
        assert!(!night.is_open(at("2026-11-23T05:00:00Z")), "not Sunday's");
        assert!(night.is_open(at("2026-11-18T05:00:00Z")), "Tuesday's");
        assert!(!night.is_open(at("2026-11-18T23:00:00Z")), "the holiday's");
        assert!(!night.is_open(at("2026-11-19T05:00:00Z")), "the holiday's");
        let (from, to) = (at("2026-11-16T00:00:00Z"), at("2026-11-23T00:00:00Z"));
        assert_eq!(night.between(from, to), Ok(Duration::hours(4 * 8)));
    }

    #[test]
    fn what_a_change_of_the_clock_leaves_out_or_brings_twice_is_counted_as_it_is_lived() {
        let whole = daily(Tz::Europe__Berlin, "00:00-24:00");
        let day = |date: &str, next: &str| {
            let (from, to) = (at(date), at(next));
            whole.between(from, to).unwrap()
        };
        assert_eq!(
            day("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"),
            Duration::hours(23)
        );
        assert_eq!(
            day("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
            Duration::hours(25)
        );
        let night = daily(Tz::Europe__Berlin, "02:15-02:45");
        let (from, to) = (at("2026-03-28T12:00:00Z"), at("2026-03-29T12:00:00Z"));
        assert_eq!(
            night.between(from, to),
            Ok(Duration::zero()),
            "no such time"
        );
        let (from, to) = (at("2026-10-24T12:00:00Z"), at("2026-10-25T12:00:00Z"));
        assert_eq!(night.between(from, to), Ok(Duration::hours(1)), "twice");
        let second = night.add(from, Duration::minutes(31)).unwrap();
        assert_eq!(second, at("2026-10-25T01:16:00Z"));
        // A zone that goes by half an hour, and one that left out a whole day.
        let half = daily(Tz::Australia__Lord_Howe, "01:00-03:00");
        let (from, to) = (at("2026-10-03T00:00:00Z"), at("2026-10-04T00:00:00Z"));
        assert_eq!(half.between(from, to), Ok(Duration::minutes(90)));
        let samoa = daily(Tz::Pacific__Apia, "08:00-16:00");
        let (from, to) = (at("2011-12-29T10:00:00Z"), at("2011-12-31T10:00:00Z"));
        assert_eq!(samoa.between(from, to), Ok(Duration::hours(16)));
    }

    #[test]
    fn every_question_ends() {
        let none = Calendar::new(Tz::UTC, Default::default(), BTreeSet::new());
        assert_eq!(none, Err(CalendarError::NeverOpen));
        let crowded = std::array::from_fn(|_| hours(&"00:00-00:01 ".repeat(25)));
        let crowded = Calendar::new(Tz::UTC, crowded, BTreeSet::new());
        assert_eq!(crowded, Err(CalendarError::TooManyHours));
        let first: NaiveDate = "2026-01-05".parse().unwrap();
        let mondays = |count| {
            (0..count)
                .map(move |week| first + Days::new(7 * week))
                .collect()
        };
        let mut only_mondays: [Vec<Hours>; 7] = Default::default();
        only_mondays[0] = hours("10:00-10:01");
        let closed = Calendar::new(Tz::UTC, only_mondays.clone(), mondays(600)).unwrap();
        let from = at("2026-01-01T00:00:00Z");
        assert_eq!(closed.next_opening(from), Err(CalendarError::TooFar));
        assert_eq!(
            closed.add(from, Duration::minutes(1)),
            Err(CalendarError::TooFar)
        );
        let holidays = Calendar::new(Tz::UTC, only_mondays.clone(), mondays(2_001));
        assert_eq!(holidays, Err(CalendarError::TooManyHolidays));
        let rare = Calendar::new(Tz::UTC, only_mondays, BTreeSet::new()).unwrap();
        let years = rare.add(from, Duration::minutes(520)).unwrap();
        assert_eq!(years.year(), 2035);
        assert_eq!(rare.between(from, years), Ok(Duration::minutes(520)));
        for much in [Duration::minutes(530), Duration::MAX] {
            assert_eq!(rare.add(from, much), Err(CalendarError::TooFar));
        }
        assert_eq!(rare.add(from, Duration::MIN), Err(CalendarError::Negative));
        let all = (Timestamp::MIN_UTC, Timestamp::MAX_UTC);
        assert_eq!(rare.between(all.0, all.1), Err(CalendarError::TooFar));
        assert_eq!(rare.between(all.1, all.0), Ok(Duration::zero()));
        for edge in [all.0, all.1] {
            assert!(rare.next_opening(edge).is_err());
            assert!(!rare.is_open(edge));
        }
    }

    #[test]
    fn hours_read_back_to_themselves_and_nonsense_is_refused() {
        for text in [
            "09:00-12:30",
            "22:00-06:00",
            "00:00-24:00",
            "18:00-24:00",
            "07:00-07:00",
        ] {
            let hours: Hours = text.parse().unwrap();
            assert_eq!(hours.to_string(), text);
        }
        assert_eq!(
            " 9:00 – 17:00".parse::<Hours>().unwrap().to_string(),
            "09:00-17:00"
        );
        for bad in [
            "",
            "9",
            "09:00",
            "09:00-",
            "25:00-26:00",
            "09:60-10:00",
            "nine-five",
            "-1:00-2:00",
        ] {
            assert_eq!(bad.parse::<Hours>(), Err(CalendarError::NotHours), "{bad}");
        }
    }

    fn any_hours() -> impl Strategy<Value = Hours> {
        let minute = (0..24_u32, 0..60_u32);
        let time =
            minute.prop_map(|(hour, minute)| NaiveTime::from_hms_opt(hour, minute, 0).unwrap());
        (time.clone(), time).prop_map(|(opens, closes)| Hours::new(opens, closes))
    }

    prop_compose! {
        /// Any hours in any zone, with holidays around the days of a question, which are as often as not those of a change of the
        /// clock in Europe, America or Australia.
        fn question()(
            zone in 0..TZ_VARIANTS.len(),
            week in prop::collection::vec(prop::collection::vec(any_hours(), 0..3), 7),
            some in any_hours(),
            (year, day) in (1990..2035_i32, prop_oneof![
                0..366_u64, 82..92_u64, 65..75_u64, 297..312_u64, 90..98_u64, 270..282_u64,
            ]),
            minute in 0..1440_i64,
            holidays in prop::collection::vec(0..5_u64, 0..3),
            length in 1..5_000_usize,
        ) -> (Calendar, Timestamp, usize) {
            let first = NaiveDate::from_ymd_opt(year, 1, 1).unwrap() + Days::new(day);
            let holidays = holidays.into_iter().map(|after| first + Days::new(after)).collect();
            let mut week: [Vec<Hours>; 7] = week.try_into().unwrap();
            week[6].push(some);
            let calendar = Calendar::new(TZ_VARIANTS[zone], week, holidays).unwrap();
            let from = first.and_time(NaiveTime::MIN).and_utc() + Duration::minutes(minute);
            (calendar, from, length)
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

        #[test]
        fn it_is_what_a_clock_on_the_wall_says_minute_by_minute((calendar, from, length) in question()) {
            let minutes = minutes(&calendar, from, length);
            let end = from + Duration::minutes(length as i64);
            let worked = minutes.iter().filter(|open| **open).count() as i64;
            prop_assert_eq!(calendar.between(from, end), Ok(Duration::minutes(worked)));
            for minute in [0, length / 3, length - 1] {
                let moment = from + Duration::minutes(minute as i64);
                prop_assert_eq!(calendar.is_open(moment), minutes[minute]);
            }
            if let Some(first) = minutes.iter().position(|open| *open) {
                let opens = from + Duration::minutes(first as i64);
                prop_assert_eq!(calendar.next_opening(from), Ok(opens));
            }
            // The moment at which half of it has passed is the end of the minute that completes the half.
            let half = worked / 2;
            let mut passed = 0;
            let completes = minutes.iter().position(|open| {
                passed += i64::from(*open);
                passed == half && *open
            });
            if let Some(minute) = completes {
                let due = from + Duration::minutes(minute as i64 + 1);
                prop_assert_eq!(calendar.add(from, Duration::minutes(half)), Ok(due));
            }
        }

        #[test]
        fn adding_and_measuring_are_each_others_opposites(
            (calendar, from, _) in question(),
            micros in 0..3_000_000_000_000_i64,
            cut in 0..3_000_000_000_000_i64,
        ) {
            let working = Duration::microseconds(micros);
            let Ok(due) = calendar.add(from, working) else { return Ok(()) };
            prop_assert_eq!(calendar.between(from, due), Ok(working));
            if micros > 0 {
                let before = due - Duration::microseconds(1);
                prop_assert!(calendar.is_open(before), "it is reached while it is worked");
            }
            // Going there in two steps leads to the same moment.
            let first = Duration::microseconds(cut.min(micros));
            let halfway = calendar.add(from, first).unwrap();
            prop_assert_eq!(calendar.add(halfway, working - first), Ok(due));
        }
    }
}
