//! Worked tables of SLA time, each computed a second time by walking through the minutes with nothing of the program but what a
//! clock on the wall shows.

use std::collections::BTreeSet;

use bureau_kernel::calendar::{Calendar, CalendarError, Hours};
use chrono::{Datelike as _, Days, NaiveDate, Timelike as _};
use chrono_tz::Tz;
use proptest::prelude::*;

use super::*;
use crate::status::TicketStatus;

fn at(text: &str) -> Timestamp {
    format!("{}Z", text.replace(' ', "T")).parse().unwrap()
}

/// Hours of each day from Monday on, such as `09:00-12:00 13:00-17:00`.
#[derive(Debug, Clone)]
struct Office {
    zone: Tz,
    week: [&'static str; 7],
    holidays: Vec<NaiveDate>,
}

impl Office {
    fn new(zone: Tz, weekdays: &'static str, weekend: &'static str, holidays: &[&str]) -> Self {
        let week = std::array::from_fn(|day| if day < 5 { weekdays } else { weekend });
        let holidays = holidays.iter().map(|day| day.parse().unwrap()).collect();
        Self {
            zone,
            week,
            holidays,
        }
    }

    fn calendar(&self) -> Calendar {
        let week = self.week.map(|hours| {
            let each = hours.split_whitespace();
            each.map(|hours| hours.parse::<Hours>().unwrap()).collect()
        });
        let holidays: BTreeSet<NaiveDate> = self.holidays.iter().copied().collect();
        Calendar::new(self.zone, week, holidays).unwrap()
    }

    /// Whether a clock on the wall shows a time within the hours of a day that is no holiday.
    fn is_open(&self, moment: Timestamp) -> bool {
        let wall = moment.with_timezone(&self.zone).naive_local();
        (0..=1).any(|back| {
            let day = wall.date() - Days::new(back);
            let passed = i64::from(wall.hour() * 60 + wall.minute()) + 1_440 * back as i64;
            let hours = self.week[day.weekday().num_days_from_monday() as usize];
            !self.holidays.contains(&day)
                && hours.split_whitespace().any(|hours| {
                    let minutes = |text: &str| {
                        let (hour, minute) = text.split_once(':').unwrap();
                        hour.parse::<i64>().unwrap() * 60 + minute.parse::<i64>().unwrap()
                    };
                    let (opens, closes) = hours.split_once('-').unwrap();
                    let (opens, mut closes) = (minutes(opens), minutes(closes));
                    if closes <= opens {
                        closes += 1_440;
                    }
                    (opens..closes).contains(&passed)
                })
        })
    }
}

/// What happened to a ticket.
#[derive(Debug, Clone)]
struct Life {
    opened: Timestamp,
    /// After it was new.
    statuses: Vec<(Timestamp, TicketStatus)>,
    said: Vec<(Timestamp, MessageType)>,
}

fn pauses(status: TicketStatus) -> bool {
    matches!(status, TicketStatus::Pending | TicketStatus::OnHold)
}

impl Life {
    fn history(&self) -> Vec<StatusChange> {
        let first = [(self.opened, TicketStatus::New)];
        let all = first.into_iter().chain(self.statuses.iter().copied());
        let changes = all.map(|(at, status)| StatusChange {
            status,
            at,
            pauses: pauses(status),
            hold_reason: None,
        });
        changes.collect()
    }

    fn said(&self) -> Vec<Said> {
        let said = self.said.iter().zip(1..);
        let said = said.map(|((at, r#type), id)| Said {
            id: Id::from_raw(id),
            r#type: *r#type,
            at: *at,
        });
        said.collect()
    }

    fn status(&self, moment: Timestamp) -> TicketStatus {
        let past = self.statuses.iter().rev().find(|(at, _)| *at <= moment);
        past.map_or(TicketStatus::New, |(_, status)| *status)
    }

    /// Whether a member wrote to the customer between two moments, with both.
    fn is_answered(&self, from: Timestamp, to: Timestamp) -> bool {
        let mut said = self.said.iter();
        said.any(|(at, r#type)| *r#type == MessageType::Reply && *at >= from && *at <= to)
    }

    /// Whether it is over and stays so.
    fn is_over(&self, moment: Timestamp) -> bool {
        let later = self.statuses.iter().filter(|(at, _)| *at > moment);
        self.status(moment).is_over() && later.map(|(_, status)| status).all(|it| it.is_over())
    }

    /// Whether a clock goes at a moment.
    fn goes(&self, clock: ClockType, since: Timestamp, moment: Timestamp) -> bool {
        let status = self.status(moment);
        let works = !pauses(status) && !status.is_over();
        match clock {
            ClockType::FirstResponse => {
                !self.is_answered(self.opened, moment) && !self.is_over(moment)
            }
            ClockType::NextResponse => works && !self.is_answered(since, moment),
            ClockType::Resolution => works,
        }
    }

    /// When so many seconds have been worked; none where that is not so within two weeks.
    fn due(
        &self,
        office: &Office,
        clock: ClockType,
        since: Timestamp,
        target: i64,
        step: i64,
    ) -> Option<Timestamp> {
        let (mut moment, mut seconds) = (since, 0);
        while moment < since + Duration::days(14) {
            seconds += match self.goes(clock, since, moment) && office.is_open(moment) {
                true => step,
                false => 0,
            };
            moment += Duration::seconds(step);
            if seconds == target {
                return Some(moment);
            }
        }
        None
    }

    /// Compares what the clocks come to with what the walk does.
    fn check(&self, name: &str, office: &Office, targets: [i64; 3], until: &str, step: i64) {
        let until = at(until);
        let calendar = office.calendar();
        let (history, said) = (self.history(), self.said());
        let course = Course {
            opened: self.opened,
            history: &history,
            said: &said,
        };
        let minutes = |minutes: i64| Some(Duration::minutes(minutes));
        let clocks = course.clocks(Targets {
            first_response: minutes(targets[0]),
            next_response: minutes(targets[1]),
            resolution: minutes(targets[2]),
        });
        assert!(clocks.len() >= 2, "{name}: {clocks:?}");
        for clock in clocks {
            let asked = said.iter().find(|said| Some(said.id) == clock.message);
            let since = asked.map_or(self.opened, |asked| asked.at);
            let target = clock.target.num_minutes();
            let due = self.due(office, clock.r#type, since, target * 60, step);
            assert_eq!(clock.due(&calendar), due, "{name}: due of {clock:?}");
            let taken = self.taken(office, clock.r#type, since, until, step);
            assert_eq!(
                clock.taken(&calendar, until),
                Duration::seconds(taken),
                "{name}: taken of {clock:?}"
            );
        }
    }

    /// Seconds that a clock ran until a moment.
    fn taken(
        &self,
        office: &Office,
        clock: ClockType,
        since: Timestamp,
        until: Timestamp,
        step: i64,
    ) -> i64 {
        let (mut moment, mut seconds) = (since, 0);
        while moment < until {
            if self.goes(clock, since, moment) && office.is_open(moment) {
                seconds += step;
            }
            moment += Duration::seconds(step);
        }
        seconds
    }
}

fn happened(opened: &str, statuses: &[(&str, TicketStatus)], said: &[(&str, MessageType)]) -> Life {
    Life {
        opened: at(opened),
        statuses: statuses.iter().map(|(text, it)| (at(text), *it)).collect(),
        said: said.iter().map(|(text, it)| (at(text), *it)).collect(),
    }
}

use MessageType::{Customer, Note, Reply};
use TicketStatus::{OnHold, Open, Pending, Solved};

#[test]
fn worked_tables_equal_a_walk_through_the_minutes() {
    let berlin = Tz::Europe__Berlin;
    let nine = |zone| Office::new(zone, "09:00-17:00", "", &[]);
    let lunch = Office::new(berlin, "09:00-12:00 13:00-17:00", "", &[]);
    let christmas = Office::new(berlin, "09:00-17:00", "", &["2026-12-25", "2026-12-28"]);
    let always = |zone| Office::new(zone, "00:00-24:00", "00:00-24:00", &[]);
    let nights = Office::new(berlin, "22:00-06:00", "", &[]);
    let plain = |opened| happened(opened, &[], &[]);
    for (name, office, life, targets, until) in [
        (
            "over a night",
            nine(berlin),
            plain("2026-11-17 15:30:00"),
            [60, 60, 480],
            "2026-11-18 12:00:00",
        ),
        (
            "over lunch",
            lunch.clone(),
            plain("2026-11-17 10:30:00"),
            [61, 60, 420],
            "2026-11-17 12:30:00",
        ),
        (
            "over a weekend",
            nine(berlin),
            plain("2026-11-20 15:00:00"),
            [90, 60, 960],
            "2026-11-24 09:00:00",
        ),
        (
            "over holidays and a weekend between them",
            christmas,
            plain("2026-12-24 15:30:00"),
            [45, 60, 600],
            "2026-12-30 10:00:00",
        ),
        (
            "in the hours of a night, over midnight",
            nights,
            plain("2026-11-20 04:30:00"),
            [60, 60, 1_000],
            "2026-11-24 02:00:00",
        ),
        (
            "opened while nobody is there",
            nine(berlin),
            plain("2026-11-21 11:17:00"),
            [1, 1, 1],
            "2026-11-23 09:00:00",
        ),
        (
            "Berlin sets its clocks on",
            always(berlin),
            plain("2027-03-27 22:00:00"),
            [240, 60, 1_500],
            "2027-03-28 12:00:00",
        ),
        (
            "Berlin sets its clocks back",
            always(berlin),
            plain("2026-10-24 22:00:00"),
            [240, 60, 1_500],
            "2026-10-25 12:00:00",
        ),
        (
            "Berlin's night hours lose one",
            Office::new(berlin, "01:00-05:00", "01:00-05:00", &[]),
            plain("2027-03-27 00:00:00"),
            [300, 60, 420],
            "2027-03-29 12:00:00",
        ),
        (
            "Berlin's night hours gain one",
            Office::new(berlin, "01:00-05:00", "01:00-05:00", &[]),
            plain("2026-10-23 23:00:00"),
            [300, 60, 540],
            "2026-10-26 12:00:00",
        ),
        (
            "New York sets its clocks on",
            always(Tz::America__New_York),
            plain("2027-03-14 04:00:00"),
            [240, 60, 1_500],
            "2027-03-14 20:00:00",
        ),
        (
            "New York sets its clocks back",
            Office::new(Tz::America__New_York, "00:00-03:00", "00:00-03:00", &[]),
            plain("2026-11-01 03:00:00"),
            [200, 60, 400],
            "2026-11-02 20:00:00",
        ),
        (
            "Lord Howe sets its clocks on by half an hour",
            always(Tz::Australia__Lord_Howe),
            plain("2026-10-03 13:00:00"),
            [240, 60, 1_500],
            "2026-10-04 20:00:00",
        ),
        (
            "Lord Howe sets its clocks back by half an hour",
            Office::new(Tz::Australia__Lord_Howe, "01:00-04:00", "01:00-04:00", &[]),
            plain("2027-04-03 13:00:00"),
            [200, 60, 380],
            "2027-04-05 20:00:00",
        ),
        (
            "at +05:45",
            nine(Tz::Asia__Kathmandu),
            plain("2026-11-20 10:10:00"),
            [75, 60, 900],
            "2026-11-24 05:00:00",
        ),
        (
            "three pauses, which do not stop the first response",
            lunch.clone(),
            happened(
                "2026-11-17 08:00:00",
                &[
                    ("2026-11-17 08:30:00", Pending),
                    ("2026-11-17 10:45:00", Open),
                    ("2026-11-17 12:15:00", OnHold),
                    ("2026-11-18 09:00:00", Open),
                    ("2026-11-18 09:20:00", Pending),
                    ("2026-11-18 15:40:00", Open),
                ],
                &[("2026-11-17 08:05:00", Note)],
            ),
            [600, 60, 480],
            "2026-11-19 12:00:00",
        ),
        (
            "solved, opened again and paused: only work counts",
            nine(berlin),
            happened(
                "2026-11-16 08:00:00",
                &[
                    ("2026-11-16 09:00:00", Solved),
                    ("2026-11-17 10:00:00", Open),
                    ("2026-11-17 11:00:00", Pending),
                    ("2026-11-18 11:00:00", Open),
                ],
                &[("2026-11-16 08:30:00", Reply)],
            ),
            [60, 60, 240],
            "2026-11-18 12:00:00",
        ),
        (
            "each unanswered message has its clock, of which pauses are left out",
            nine(berlin),
            happened(
                "2026-11-16 08:00:00",
                &[
                    ("2026-11-16 08:20:00", Open),
                    ("2026-11-16 13:00:00", OnHold),
                    ("2026-11-17 09:00:00", Open),
                ],
                &[
                    ("2026-11-16 08:20:00", Reply),
                    ("2026-11-16 10:00:00", Customer),
                    ("2026-11-16 11:00:00", Reply),
                    ("2026-11-16 12:00:00", Customer),
                    ("2026-11-16 12:10:00", Note),
                    ("2026-11-16 14:00:00", Customer),
                ],
            ),
            [60, 90, 2_400],
            "2026-11-17 12:00:00",
        ),
    ] {
        life.check(name, &office, targets, until, 60);
    }
}

#[test]
fn two_pauses_that_begin_in_the_same_minute_stay_two() {
    let office = Office::new(Tz::Europe__Berlin, "09:00-17:00", "", &[]);
    let life = happened(
        "2026-11-17 09:00:00",
        &[
            ("2026-11-17 09:10:05", Pending),
            ("2026-11-17 09:10:20", Open),
            ("2026-11-17 09:10:35", OnHold),
            ("2026-11-17 09:20:50", Open),
        ],
        &[],
    );
    life.check(
        "two in a minute",
        &office,
        [30, 30, 60],
        "2026-11-17 11:00:00",
        5,
    );
    let history = life.history();
    let course = Course {
        opened: life.opened,
        history: &history,
        said: &[],
    };
    let paused = course.paused();
    assert_eq!(paused.len(), 2);
    let calendar = office.calendar();
    // 15 seconds, and ten minutes and 15 seconds.
    assert_eq!(
        taken(&calendar, &paused, at("2026-11-17 11:00:00")),
        Duration::seconds(630)
    );
}

#[test]
fn a_calendar_that_is_never_open_gives_no_due_time() {
    let never = Calendar::new(Tz::UTC, Default::default(), BTreeSet::new());
    assert_eq!(never.err(), Some(CalendarError::NeverOpen));
    // One whose every Monday of more than ten years is a holiday.
    let mut week: [Vec<Hours>; 7] = Default::default();
    week[0] = vec!["09:00-17:00".parse().unwrap()];
    let first: NaiveDate = "2026-11-16".parse().unwrap();
    let mondays = (0..600).map(|weeks| first + Days::new(7 * weeks));
    let closed = Calendar::new(Tz::UTC, week, mondays.collect()).unwrap();
    let stretch = Stretch {
        from: at("2026-11-16 09:00:00"),
        to: None,
    };
    assert_eq!(due(&closed, &[stretch], Duration::minutes(1)), None);
    let soon = at("2027-01-01 00:00:00");
    assert_eq!(taken(&closed, &[stretch], soon), Duration::zero());
}

#[test]
fn only_a_members_public_message_answers() {
    let life = happened(
        "2026-11-17 09:00:00",
        &[],
        &[
            ("2026-11-17 09:05:00", Note),
            ("2026-11-17 09:10:00", MessageType::Automatic),
            ("2026-11-17 09:15:00", MessageType::Draft),
            ("2026-11-17 09:20:00", Customer),
            ("2026-11-17 09:30:00", Reply),
        ],
    );
    let (history, said) = (life.history(), life.said());
    let course = Course {
        opened: life.opened,
        history: &history,
        said: &said,
    };
    assert_eq!(course.first_response(), Some(at("2026-11-17 09:30:00")));
    // What came before it is answered with it, and has no clock of its own.
    assert_eq!(course.waiting_since(), None);
    let before = Course {
        said: &said[..4],
        ..course
    };
    assert_eq!(before.first_response(), None);
    assert_eq!(before.waiting_since(), Some(life.opened));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_happens_equals_a_walk_through_the_minutes(
        zone in 0..4_usize,
        opened in 0..2_000_i64,
        events in prop::collection::vec((1..700_i64, 0..5_u8), 0..8),
        target in 1..600_i64,
    ) {
        let zones = [Tz::Europe__Berlin, Tz::America__New_York, Tz::Australia__Lord_Howe, Tz::Asia__Kathmandu];
        let office = Office::new(zones[zone], "09:00-12:00 13:00-17:30", "22:00-02:00", &["2026-10-27"]);
        let mut moment = at("2026-10-23 00:00:00") + Duration::minutes(opened);
        let mut life = Life { opened: moment, statuses: Vec::new(), said: Vec::new() };
        for (after, what) in events {
            moment += Duration::minutes(after);
            match what {
                0 => life.statuses.push((moment, Pending)),
                1 => life.statuses.push((moment, Open)),
                2 => life.statuses.push((moment, OnHold)),
                3 => life.said.push((moment, Reply)),
                _ => life.said.push((moment, Customer)),
            }
        }
        life.check("by chance", &office, [target; 3], "2026-10-29 12:00:00", 60);
    }
}
