//! When somebody worked: what a caller says of it, brought together. From the beginning to the end, from one of the two and the
//! length, so much of a day, or from a beginning on and still running.

use std::str::FromStr as _;

use bureau_kernel::prelude::*;
use bureau_kernel::types::time::{DayEdge, Timestamp};
use chrono::{Days, Duration, NaiveDate, SubsecRound as _};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

use crate::entry::TimeEntry;
use crate::hours::{Hours, shown_hours};
use crate::rules::Rule;

/// A moment as a caller means it: as everywhere, or only the time of the day on which somebody worked, such as `9:30`.
#[derive(Debug, Clone)]
pub(crate) struct ClockTime {
    text: String,
    /// What it means by itself; none for a time of the day.
    moment: Option<When>,
}

impl<'de> Deserialize<'de> for ClockTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match (text.parse::<When>(), on_day(&text, NaiveDate::default())) {
            (Ok(moment), _) => Ok(Self {
                moment: Some(moment),
                text,
            }),
            (Err(_), Some(_)) => Ok(Self { moment: None, text }),
            (Err(wrong), None) => Err(de::Error::custom(format!("{wrong}, or 9:30"))),
        }
    }
}

impl JsonSchema for ClockTime {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ClockTime".into()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        When::json_schema(generator)
    }
}

/// The moment of a time of a day.
fn on_day(text: &str, day: NaiveDate) -> Option<When> {
    // A day of the calendar that every engine holds stands for whichever it will be.
    let day = day.max(NaiveDate::from_ymd_opt(2000, 1, 1)?);
    let text = text.trim().to_lowercase();
    let time = text.trim_start_matches("at ");
    When::from_str(&format!("{day} {time}")).ok()
}

impl ClockTime {
    /// The moment that is meant, to the second.
    ///
    /// # Errors
    /// [`Code::Validation`] for a day without a time.
    fn moment(&self, cx: &mut Cx, field: &str, day: NaiveDate) -> Result<Timestamp> {
        let when = match &self.moment {
            Some(when) => when.clone(),
            None => {
                let wrong = || Error::invalid(field, format!("{field} is no time."));
                on_day(&self.text, day).ok_or_else(wrong)?
            }
        };
        let end = cx.moment(field, &when, DayEdge::End)?;
        let start = cx.moment(field, &when, DayEdge::Start)?;
        if start != end {
            let message = format!("{field} is a day, and a time of that day is needed.");
            return Err(Error::invalid(field, message)
                .hint("Write 9:30 or 2026-11-20T09:30; or give worked_on and hours."));
        }
        Ok(start.trunc_subsecs(0))
    }
}

/// What a caller says of when somebody worked.
#[derive(Debug, Clone)]
pub(crate) struct SpanGiven {
    pub(crate) worked_on: Option<When>,
    pub(crate) started_at: Option<ClockTime>,
    pub(crate) ended_at: Option<ClockTime>,
    pub(crate) hours: Option<Hours>,
}

impl SpanGiven {
    /// Whether it says anything.
    pub(crate) const fn is_said(&self) -> bool {
        self.worked_on.is_some()
            || self.started_at.is_some()
            || self.ended_at.is_some()
            || self.hours.is_some()
    }

    /// Notes it in an entry; in a new one, which has no day, a timer starts where nothing is said.
    ///
    /// # Errors
    /// [`Code::Validation`] naming what contradicts the rest, or is missing.
    pub(crate) fn note(&self, cx: &mut Cx, entry: &mut TimeEntry, is_new: bool) -> Result<()> {
        let day = match &self.worked_on {
            Some(when) => Some(cx.date("worked_on", when)?),
            None => None,
        };
        let usual = if is_new { cx.today() } else { *entry.worked_on };
        let base = day.unwrap_or(usual);
        let start = match &self.started_at {
            Some(given) => Some(given.moment(cx, "started_at", base)?),
            None => None,
        };
        let zone = cx.workspace().time_zone;
        let day_of = |moment: Timestamp| moment.with_timezone(&zone).date_naive();
        let mut end = match &self.ended_at {
            Some(given) => Some(given.moment(cx, "ended_at", start.map_or(base, day_of))?),
            None => None,
        };
        let hours = self.hours.map(Hours::seconds);
        let known = (*entry.started_at, *entry.ended_at, *entry.seconds);
        // Work that ends after midnight: of a time of the day the next one is meant.
        let is_clock = self
            .ended_at
            .as_ref()
            .is_some_and(|end| end.moment.is_none());
        let begin = start.or(known.0.filter(|_| !is_new && hours.is_none()));
        if let (Some(begin), Some(last), true) = (begin, end, is_clock)
            && last < begin
        {
            end = last.checked_add_days(Days::new(1));
        }
        let length = Duration::seconds;
        let span = match (start, end, hours) {
            (None, None, None) if is_new && day.is_some() => {
                return Err(Error::invalid("hours", "How long was worked on that day?")
                    .hint("Give hours, or started_at and ended_at."));
            }
            (None, None, None) if is_new => (Some(cx.now().trunc_subsecs(0)), None),
            (None, None, None) => return self.move_to(cx, entry, base),
            (None, None, Some(hours)) => match known.0.filter(|_| !is_new) {
                Some(start) => (Some(start), start.checked_add_signed(length(hours))),
                None => {
                    entry.worked_on = Managed(base);
                    entry.seconds = Managed(hours);
                    return Ok(());
                }
            },
            (Some(start), None, Some(hours)) => {
                (Some(start), start.checked_add_signed(length(hours)))
            }
            (None, Some(end), Some(hours)) => (end.checked_sub_signed(length(hours)), Some(end)),
            (Some(start), end, None) if is_new => (Some(start), end),
            (None, Some(_), None) if is_new => {
                return Err(Error::invalid("started_at", "When did it begin?")
                    .hint("Give started_at or hours with ended_at."));
            }
            // What is not said of an entry that is there stays.
            (Some(start), None, None) => {
                let untimed = known.0.is_none();
                let end = match untimed {
                    true => start.checked_add_signed(length(known.2)),
                    false => known.1,
                };
                (Some(start), end)
            }
            (None, Some(end), None) => {
                let start = known.0.or(end.checked_sub_signed(length(known.2)));
                (start, Some(end))
            }
            (Some(start), Some(end), hours) => {
                let between = (end - start).num_seconds();
                if hours.is_some_and(|hours| hours != between) {
                    let message = format!(
                        "From started_at to ended_at are {} hours.",
                        shown_hours(between)
                    );
                    return Err(
                        Error::invalid("hours", message).hint("Leave one of the three out.")
                    );
                }
                (Some(start), Some(end))
            }
        };
        let (Some(start), end) = span else {
            return Err(Error::invalid(
                "started_at",
                "started_at lies too far away.",
            ));
        };
        let begins_on = day_of(start);
        if let Some(day) = day.filter(|day| *day != begins_on) {
            let message = format!("started_at is on {begins_on}, and worked_on is {day}.");
            return Err(Error::invalid("worked_on", message).hint("Leave worked_on out."));
        }
        if end.is_some_and(|end| end < start) {
            let message = "ended_at is before started_at.";
            return Err(Rule::Length.broken(Error::invalid("ended_at", message)));
        }
        entry.worked_on = Managed(begins_on);
        entry.started_at = Managed(Some(start));
        entry.ended_at = Managed(end);
        entry.seconds = Managed(end.map_or(0, |end| (end - start).num_seconds()));
        Ok(())
    }

    /// Moves an entry to another day: what has times keeps them by the clock.
    fn move_to(&self, cx: &Cx, entry: &mut TimeEntry, day: NaiveDate) -> Result<()> {
        if let Some(start) = *entry.started_at {
            let zone = cx.workspace().time_zone;
            let time = start.with_timezone(&zone).time();
            let when = When::from_str(&day.and_time(time).format("%Y-%m-%dT%H:%M:%S").to_string());
            let moved = when
                .ok()
                .and_then(|when| when.moment(cx.now(), zone, DayEdge::Start));
            let moved =
                moved.ok_or_else(|| Error::invalid("worked_on", "worked_on lies too far away."))?;
            entry.started_at = Managed(Some(moved));
            let length = Duration::seconds(*entry.seconds);
            entry.ended_at = Managed(
                entry
                    .ended_at
                    .and_then(|_| moved.checked_add_signed(length)),
            );
        }
        entry.worked_on = Managed(day);
        Ok(())
    }
}
