//! The firm's working time: two years up to the day before today, in its own time zone.

use bureau_kernel::types::time::Timestamp;
use chrono::{Datelike as _, Days, Duration, NaiveDate, NaiveTime, TimeZone as _, Timelike as _};
use chrono_tz::Tz;

use super::chance::Chance;

/// The firm's time zone.
pub(super) const ZONE: Tz = Tz::Europe__Berlin;
/// How many days of history there are.
const HISTORY_DAYS: u64 = 730;
/// Office hours, in minutes since midnight.
const OPENS: i64 = 8 * 60 + 30;
const CLOSES: i64 = 17 * 60 + 40;
/// How busy each month is, in percent of a usual one.
const SEASON: [u64; 12] = [95, 105, 120, 105, 100, 100, 80, 75, 115, 115, 110, 75];

/// The working days of the history.
#[derive(Debug, Clone)]
pub(super) struct Calendar {
    /// The day on which the firm is shown: nothing has happened on it yet.
    pub(super) today: NaiveDate,
    days: Vec<NaiveDate>,
}

impl Calendar {
    pub(super) fn new(today: NaiveDate) -> Self {
        let first = today - Days::new(HISTORY_DAYS);
        let days = first.iter_days().take_while(|day| *day < today);
        Self {
            today,
            days: days.filter(|day| is_workday(*day)).collect(),
        }
    }

    /// The first working day.
    pub(super) fn first(&self) -> NaiveDate {
        self.days.first().copied().unwrap_or(self.today)
    }

    /// The end of history: everything that is done was done before.
    pub(super) fn end(&self) -> Timestamp {
        moment(self.today, 0)
    }

    /// A day of the history between two moments, more likely in busy months and, as the firm grows, later.
    pub(super) fn busy_day(
        &self,
        chance: &mut Chance,
        from: NaiveDate,
        to: NaiveDate,
    ) -> NaiveDate {
        let start = self.days.partition_point(|day| *day < from);
        let end = self.days.partition_point(|day| *day < to);
        let days = self.days.get(start..end).unwrap_or_default();
        let all = self.days.len().max(1) as u64;
        let weight = |(place, day): (usize, &NaiveDate)| {
            let growth = 45 + 110 * (start + place) as u64 / all;
            growth * season(*day)
        };
        let place = chance.weighted(days.iter().enumerate().map(weight));
        days.get(place).copied().unwrap_or(from)
    }

    /// A moment in working time so many days later, and in any case later. May be after the end of history.
    pub(super) fn later(&self, chance: &mut Chance, from: Timestamp, days: i64) -> Timestamp {
        let day = from.with_timezone(&ZONE).date_naive() + Duration::days(days.max(0));
        let found = office_hour(chance, workday_from(day));
        if found > from {
            found
        } else {
            from + Duration::minutes(chance.range(15, 90))
        }
    }
}

fn season(day: NaiveDate) -> u64 {
    SEASON.get(day.month0() as usize).copied().unwrap_or(100)
}

/// Whether the firm works on this day.
pub(super) fn is_workday(day: NaiveDate) -> bool {
    let holiday = matches!(
        (day.month(), day.day()),
        (1 | 5, 1) | (10, 3) | (12, 24..=26 | 31)
    );
    day.weekday().number_from_monday() < 6 && !holiday
}

/// This day if it is a working day, else the next one.
pub(super) fn workday_from(day: NaiveDate) -> NaiveDate {
    let mut days = day.iter_days();
    days.find(|day| is_workday(*day)).unwrap_or(day)
}

/// The moment that many minutes after midnight in the firm's time zone.
pub(super) fn moment(day: NaiveDate, minutes: i64) -> Timestamp {
    let local = day.and_time(NaiveTime::MIN) + Duration::minutes(minutes);
    let found = ZONE.from_local_datetime(&local).earliest();
    found.map_or_else(|| local.and_utc(), |time| time.to_utc())
}

/// Some moment of a day's office hours.
pub(super) fn office_hour(chance: &mut Chance, day: NaiveDate) -> Timestamp {
    moment(day, chance.range(OPENS, CLOSES)) + Duration::seconds(chance.range(0, 59))
}

/// A full or half hour of a day's office hours, as appointments are made.
pub(super) fn appointment(chance: &mut Chance, day: NaiveDate) -> Timestamp {
    moment(day, 9 * 60 + 30 * chance.range(0, 16))
}

/// The quarter of an hour that has begun.
pub(super) fn quarter(time: Timestamp) -> Timestamp {
    let into = i64::from(time.minute() % 15) * 60 + i64::from(time.second());
    time - Duration::seconds(into)
}
