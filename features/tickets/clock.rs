//! The clocks of a ticket: how much working time each has run, and when it comes to its target. Pure functions of the ticket's
//! history: nothing is ever counted up.
//!
//! Three clocks run. That of the *first response* runs from the opening to the first public message of a member and never pauses.
//! One of the *next response* runs from each customer's message after that one to the next public message of a member. That of the
//! *resolution* runs from the opening until the ticket is solved. The last two stand still while the ticket's status pauses them,
//! and all three while it is solved or closed.
//!
//! A clock is late once its due moment has passed. That moment is the first at which the target's working time has run, so where an
//! office closes at 17:00 it may be 17:00, and an answer at 18:00 is late though no more working time has passed.

use bureau_kernel::calendar::{Calendar, MOST_DAYS};
use bureau_kernel::prelude::*;
use bureau_kernel::types::time::Timestamp;
use chrono::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::message::{MessageType, TicketMessage};
use crate::status::StatusChange;

#[cfg(test)]
mod tests;

/// What a clock measures.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ClockType {
    /// From the opening to the first answer.
    #[default]
    FirstResponse,
    /// From a customer's later message to its answer.
    NextResponse,
    /// From the opening to the solution.
    Resolution,
}
bureau_kernel::text_column!(ClockType);

/// Time in which a clock runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// From this moment.
    pub from: Timestamp,
    /// To this one; none while it goes on.
    pub to: Option<Timestamp>,
}

/// A message as far as clocks go by it.
#[derive(Debug, Clone, Copy)]
pub struct Said {
    /// Which one.
    pub id: Id<TicketMessage>,
    /// Whose, and for whom.
    pub r#type: MessageType,
    /// When.
    pub at: Timestamp,
}

/// What happened to a ticket as far as clocks go by it.
#[derive(Debug, Clone, Copy)]
pub struct Course<'a> {
    /// When it came in.
    pub opened: Timestamp,
    /// Every status since, in order.
    pub history: &'a [StatusChange],
    /// Every message, in order.
    pub said: &'a [Said],
}

/// How much working time clocks may run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Targets {
    /// To the first response.
    pub first_response: Option<Duration>,
    /// To each further response.
    pub next_response: Option<Duration>,
    /// To the solution.
    pub resolution: Option<Duration>,
}

/// When a clock ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// When it ended; none while it has not.
    pub ended: Option<Timestamp>,
    /// Whether it goes on now: it has neither ended, nor does it pause.
    pub goes: bool,
    /// Where it ran.
    pub stretches: Vec<Stretch>,
}

/// A clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// What it measures.
    pub r#type: ClockType,
    /// The message that waits, for a next response.
    pub message: Option<Id<TicketMessage>>,
    /// What it may run.
    pub target: Duration,
    /// What it ran.
    pub run: Run,
}

/// So many messages that wait have a clock each; what came after them is answered with them.
const MOST_WAITING: usize = 100;

impl Course<'_> {
    /// The first public message of a member.
    #[must_use]
    pub fn first_response(&self) -> Option<Timestamp> {
        self.first_reply().map(|reply| reply.at)
    }

    /// Since when the customer waits for a word: the oldest of their messages after which no member wrote, or the opening.
    #[must_use]
    pub fn waiting_since(&self) -> Option<Timestamp> {
        if self.ended().is_some() {
            return None;
        }
        match self.first_response() {
            None => Some(self.opened),
            Some(_) => self.waiting().map(|asked| asked.at).min(),
        }
    }

    /// When it was solved or closed, where it is.
    #[must_use]
    pub fn ended(&self) -> Option<Timestamp> {
        let over = self.history.iter().rev();
        let over = over.take_while(|change| change.status.is_over());
        over.last().map(|change| change.at)
    }

    /// When it was solved first.
    #[must_use]
    pub fn first_ended(&self) -> Option<Timestamp> {
        let mut changes = self.history.iter();
        let first = changes.find(|change| change.status.is_over());
        first.map(|change| change.at)
    }

    /// When work on it went on, from one moment to another.
    #[must_use]
    pub fn worked(&self, from: Timestamp, to: Option<Timestamp>) -> Vec<Stretch> {
        let ends = self.history.iter().skip(1).map(|change| Some(change.at));
        let spans = self.history.iter().zip(ends.chain([None]));
        let spans = spans.filter(|(change, _)| change.lets_run());
        let clipped = spans.filter_map(|(change, end)| {
            let from = change.at.max(from);
            let to = match (end, to) {
                (Some(end), Some(to)) => Some(end.min(to)),
                (end, to) => end.or(to),
            };
            to.is_none_or(|to| from < to)
                .then_some(Stretch { from, to })
        });
        clipped.collect()
    }

    /// When it paused.
    #[must_use]
    pub fn paused(&self) -> Vec<Stretch> {
        let ends = self.history.iter().skip(1).map(|change| Some(change.at));
        let spans = self.history.iter().zip(ends.chain([None]));
        let spans = spans.filter(|(change, _)| change.pauses && !change.status.is_over());
        let pauses = spans.map(|(change, to)| Stretch {
            from: change.at,
            to,
        });
        pauses.collect()
    }

    /// The clocks that these targets set: of messages those that wait.
    #[must_use]
    pub fn clocks(&self, targets: Targets) -> Vec<Clock> {
        let clock = |r#type, asked: Option<&Said>, target: Option<Duration>| {
            Some(Clock {
                r#type,
                message: asked.map(|asked| asked.id),
                target: target?,
                run: self.run(r#type, asked),
            })
        };
        let first = clock(ClockType::FirstResponse, None, targets.first_response);
        let waiting = self.waiting().take(MOST_WAITING);
        let next = waiting
            .filter_map(|asked| clock(ClockType::NextResponse, Some(asked), targets.next_response));
        let last = clock(ClockType::Resolution, None, targets.resolution);
        first.into_iter().chain(next).chain(last).collect()
    }

    /// What a clock ran; for a next response that of a message.
    #[must_use]
    pub fn run(&self, r#type: ClockType, asked: Option<&Said>) -> Run {
        let over = self.ended();
        let works = self.history.last().is_some_and(StatusChange::lets_run);
        let since = asked.map_or(self.opened, |asked| asked.at);
        let answered = || self.answer(asked?).map(|reply| reply.at);
        let ended = match r#type {
            ClockType::FirstResponse => self.first_response().or(over),
            ClockType::NextResponse => answered().or(over),
            ClockType::Resolution => over,
        };
        match r#type {
            ClockType::FirstResponse => Run {
                ended,
                goes: ended.is_none(),
                stretches: vec![Stretch {
                    from: since,
                    to: ended,
                }],
            },
            _ => Run {
                ended,
                goes: ended.is_none() && works,
                stretches: self.worked(since, ended),
            },
        }
    }

    /// The customer's messages after the first response that no member answered.
    fn waiting(&self) -> impl Iterator<Item = &Said> + '_ {
        let first = self.first_reply();
        let asked = self.said.iter().filter(move |said| {
            said.r#type == MessageType::Customer
                && first.is_some_and(|first| said.place() > first.place())
        });
        asked.filter(|asked| self.answer(asked).is_none())
    }

    /// The customer's messages after the first response that a member answered, each with the moment of the answer.
    pub(crate) fn answered(&self) -> impl Iterator<Item = (&Said, Timestamp)> + '_ {
        let first = self.first_reply();
        let asked = self.said.iter().filter(move |said| {
            said.r#type == MessageType::Customer
                && first.is_some_and(|first| said.place() > first.place())
        });
        asked.filter_map(|asked| Some((asked, self.answer(asked)?.at)))
    }

    fn replies(&self) -> impl Iterator<Item = &Said> + '_ {
        let said = self.said.iter();
        said.filter(|said| said.r#type == MessageType::Reply)
    }

    fn first_reply(&self) -> Option<&Said> {
        self.replies().min_by_key(|reply| reply.place())
    }

    /// The next public message of a member.
    fn answer(&self, asked: &Said) -> Option<&Said> {
        let later = self.replies().filter(|reply| reply.place() > asked.place());
        later.min_by_key(|reply| reply.place())
    }
}

impl Said {
    /// Its place in the thread: of messages of one moment that comes first which was noted first.
    const fn place(&self) -> (Timestamp, Id<TicketMessage>) {
        (self.at, self.id)
    }
}

impl Clock {
    /// When it comes to its target; none where it never does: it pauses or ended before, or its calendar has no such hours.
    #[must_use]
    pub fn due(&self, calendar: &Calendar) -> Option<Timestamp> {
        due(calendar, &self.run.stretches, self.target)
    }

    /// When so many percent of its target have run; none where that never comes.
    #[must_use]
    pub fn warning(&self, calendar: &Calendar, percent: i64) -> Option<Timestamp> {
        let share = self.target.checked_mul(i32::try_from(percent).ok()?)? / 100;
        due(calendar, &self.run.stretches, share)
    }

    /// Whether it was not over by then: it ended later, or goes on.
    #[must_use]
    pub fn is_late(&self, due: Timestamp, now: Timestamp) -> bool {
        self.run.ended.unwrap_or(now) > due
    }

    /// The working time that it has run.
    #[must_use]
    pub fn taken(&self, calendar: &Calendar, now: Timestamp) -> Duration {
        taken(calendar, &self.run.stretches, now)
    }
}

/// When so much working time has passed within these stretches: the first such moment. None where that never comes.
#[must_use]
pub fn due(calendar: &Calendar, stretches: &[Stretch], target: Duration) -> Option<Timestamp> {
    let mut left = target;
    for stretch in stretches {
        let Some(to) = stretch.to else {
            return calendar.add(stretch.from, left).ok();
        };
        let here = calendar.between(stretch.from, to).ok()?;
        if left <= here {
            return calendar.add(stretch.from, left).ok();
        }
        left -= here;
    }
    None
}

/// The working time within these stretches, up to a moment. Of a stretch of more than ten years it is all of that time.
#[must_use]
pub fn taken(calendar: &Calendar, stretches: &[Stretch], until: Timestamp) -> Duration {
    let each = stretches.iter().map(|stretch| {
        let to = stretch.to.unwrap_or(until).min(until);
        let worked = calendar.between(stretch.from, to);
        worked.unwrap_or_else(|_| Duration::days(MOST_DAYS.into()))
    });
    each.sum()
}
