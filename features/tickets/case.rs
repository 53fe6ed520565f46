//! A ticket that is worked on, with its messages and breaches. Every write of a ticket takes it up as a [`Case`] and ends with
//! [`Case::save`], which derives its clocks anew.

use bureau_kernel::calendar::Calendar;
use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use bureau_kernel::store::{Kind, sql};
use bureau_kernel::types::time::Timestamp;

use crate::breach::TicketBreach;
use crate::clock::{Clock, ClockType, Course, Said, taken};
use crate::desk::{Desk, Rules};
use crate::message::TicketMessage;
use crate::ticket::Ticket;

/// A ticket that is worked on.
pub(crate) struct Case {
    pub(crate) desk: Desk,
    pub(crate) edit: Edit<Ticket>,
    pub(crate) said: Vec<Said>,
    recorded: Vec<Saved<TicketBreach>>,
    /// Those that are not written yet.
    found: Vec<TicketBreach>,
}

impl Case {
    /// Takes up a ticket. What is late by now is noted by the policy that held until now.
    ///
    /// # Errors
    /// As [`Cx::edit`].
    pub(crate) async fn of(cx: &mut Cx, id: Id<Ticket>) -> Result<Self> {
        let edit = cx.edit(id).await?;
        let mut case = Self {
            desk: Desk::of(cx).await?,
            said: said_in(cx, id).await?,
            recorded: breaches_of(cx, id).await?,
            found: Vec::new(),
            edit,
        };
        case.note_late(cx.now());
        Ok(case)
    }

    /// Derives the clocks anew, and writes the ticket and its breaches.
    ///
    /// # Errors
    /// What writing refuses.
    pub(crate) async fn save(mut self, cx: &mut Cx) -> Result<Saved<Ticket>> {
        let was_over = self.edit.before().status.is_over();
        self.note_late(cx.now());
        let rules = self.desk.rules(&self.edit);
        if let Some(calendar) = rules.as_ref().and_then(|rules| rules.calendar.as_ref()) {
            let course = Course::of(&self.edit, &self.said);
            for breach in &mut self.found {
                note_end(breach, &course, &self.said, calendar);
            }
            let ended_in_time =
                |breach: &TicketBreach| breach.ended_at.is_some_and(|at| at <= *breach.due_at);
            self.found.retain(|breach| !ended_in_time(breach));
        }
        let known: Vec<(ClockType, Option<Id<TicketMessage>>)> = self
            .breaches()
            .map(|breach| (*breach.clock, *breach.message))
            .collect();
        derive(
            &mut self.edit,
            was_over,
            &self.said,
            rules.as_ref(),
            self.desk.stamp(),
            |clock| known.contains(&(clock.r#type, clock.message)),
        );
        let calendar = rules.and_then(|rules| rules.calendar);
        let recorded = std::mem::take(&mut self.recorded);
        let (mut changed, mut taken_back) = (Vec::new(), Vec::new());
        let mut late: Vec<ClockType> = self.found.iter().map(|breach| *breach.clock).collect();
        for saved in recorded {
            let mut breach = saved.record.clone();
            if let Some(calendar) = &calendar {
                let course = Course::of(&self.edit, &self.said);
                note_end(&mut breach, &course, &self.said, calendar);
            }
            // An answer that was noted late, and came in time.
            if breach.ended_at.is_some_and(|at| at <= *breach.due_at) {
                taken_back.push(saved.id);
                continue;
            }
            late.push(*breach.clock);
            if breach.ended_at != saved.ended_at {
                changed.push((saved.id, breach));
            }
        }
        self.edit.breached = Managed(!late.is_empty());
        self.edit.first_response_breached = Managed(late.contains(&ClockType::FirstResponse));
        self.edit.resolution_breached = Managed(late.contains(&ClockType::Resolution));
        let saved = self.edit.save(cx).await?;
        for id in taken_back {
            cx.archive(id).await?;
        }
        for (id, breach) in changed {
            let mut edit = cx.edit(id).await?;
            *edit = breach;
            edit.save(cx).await?;
        }
        for breach in self.found {
            cx.insert(breach, Attributes::new()).await?;
        }
        Ok(saved)
    }

    /// All breaches, whether they are written or not.
    fn breaches(&self) -> impl Iterator<Item = &TicketBreach> {
        let recorded = self.recorded.iter().map(|breach| &breach.record);
        recorded.chain(&self.found)
    }

    /// Notes which clocks are late and are not recorded as such yet.
    fn note_late(&mut self, now: Timestamp) {
        // What is done keeps what it had, whatever its policy says since.
        if self.edit.before().status.is_over() && self.edit.status.is_over() {
            return;
        }
        let Some(Rules { policy, calendar }) = self.desk.rules(&self.edit) else {
            return;
        };
        let Some(calendar) = calendar else { return };
        let course = Course::of(&self.edit, &self.said);
        let mut late = Vec::new();
        for clock in course.clocks(policy.targets()) {
            let is_known = self
                .breaches()
                .any(|breach| *breach.clock == clock.r#type && *breach.message == clock.message);
            let due = clock.due(&calendar);
            if let Some(due) = due.filter(|due| !is_known && clock.is_late(*due, now)) {
                late.push(TicketBreach {
                    ticket: Managed(Parent(self.edit.before().id)),
                    clock: Managed(clock.r#type),
                    message: Managed(clock.message),
                    target_minutes: Managed(clock.target.num_minutes()),
                    due_at: Managed(due),
                    ended_at: Managed(None),
                    minutes_taken: Managed(None),
                    minutes_over: Managed(None),
                });
            }
        }
        self.found.extend(late);
    }
}

impl<'a> Course<'a> {
    /// That of a ticket with these messages.
    pub(crate) fn of(ticket: &'a Ticket, said: &'a [Said]) -> Self {
        Self {
            opened: *ticket.opened_at,
            history: &ticket.history,
            said,
        }
    }
}

/// Writes into a ticket what follows from its course. What was done before keeps what it had.
pub(crate) fn derive(
    ticket: &mut Ticket,
    was_over: bool,
    said: &[Said],
    rules: Option<&Rules>,
    stamp: i64,
    is_recorded: impl Fn(&Clock) -> bool,
) {
    let history = ticket.history.clone();
    let course = Course {
        opened: *ticket.opened_at,
        history: &history,
        said,
    };
    let calendar = rules.and_then(|rules| rules.calendar.as_ref());
    let minutes = |r#type, to: Option<Timestamp>| {
        let stretches = match r#type {
            ClockType::FirstResponse => course.run(r#type, None).stretches,
            _ => course.worked(course.opened, to),
        };
        Some(taken(calendar?, &stretches, to?).num_minutes())
    };
    ticket.waiting_since = Managed(course.waiting_since());
    let first = course.first_response();
    if first != *ticket.first_response_at {
        ticket.first_response_minutes = Managed(minutes(ClockType::FirstResponse, first));
    }
    ticket.first_response_at = Managed(first);
    let is_over = ticket.status.is_over();
    if was_over && is_over {
        return;
    }
    if !is_over {
        // By another calendar the first response took another time.
        ticket.first_response_minutes = Managed(minutes(ClockType::FirstResponse, first));
    }
    let is_merged = ticket.merged_into.is_some();
    if ticket.first_resolution_minutes.is_none() && !is_merged {
        let solved = course.first_ended();
        ticket.first_resolution_minutes = Managed(minutes(ClockType::Resolution, solved));
    }
    let solved = course.ended().filter(|_| !is_merged);
    ticket.resolution_minutes = Managed(minutes(ClockType::Resolution, solved));
    ticket.policy = Managed(rules.map(|rules| rules.policy.id));
    ticket.clocks_of = Managed(stamp);
    let mut soonest = [None; 3];
    if let (Some(rules), Some(calendar)) = (rules, calendar) {
        let percent = rules.policy.warns_at();
        for clock in course.clocks(rules.policy.targets()) {
            if !clock.run.goes {
                continue;
            }
            let due = clock.due(calendar);
            let warning = clock.warning(calendar, percent);
            let check = due.filter(|_| !is_recorded(&clock));
            for (least, moment) in soonest.iter_mut().zip([due, warning, check]) {
                *least = least.iter().chain(&moment).min().copied();
            }
        }
    }
    let [next_breach, next_warning, next_check] = soonest;
    ticket.next_breach = Managed(next_breach);
    ticket.next_warning = Managed(next_warning);
    ticket.next_check = Managed(next_check);
}

/// Writes into a breach when its clock ended, and what it took.
fn note_end(breach: &mut TicketBreach, course: &Course<'_>, said: &[Said], calendar: &Calendar) {
    let asked = said.iter().find(|said| Some(said.id) == *breach.message);
    if breach.message.is_some() && asked.is_none() {
        // It moved to another ticket, which has clocks of its own.
        return;
    }
    let run = course.run(*breach.clock, asked);
    breach.ended_at = Managed(run.ended);
    let minutes = run
        .ended
        .map(|ended| taken(calendar, &run.stretches, ended).num_minutes());
    breach.minutes_taken = Managed(minutes);
    breach.minutes_over = Managed(minutes.map(|minutes| (minutes - *breach.target_minutes).max(0)));
}

/// The messages of a ticket as clocks go by them, in order.
///
/// # Errors
/// What the database says.
pub(crate) async fn said_in(cx: &mut Cx, ticket: Id<Ticket>) -> Result<Vec<Said>> {
    let rows = sql("SELECT id, type, sent_at")
        .from_live::<TicketMessage>(cx)
        .sql(" AND ticket = ")
        .value(ticket)
        .sql(" ORDER BY sent_at, id")
        .rows(cx.tx())
        .await?;
    let said = rows.iter().map(|row| {
        Ok(Said {
            id: row.get("id")?,
            r#type: row.get("type")?,
            at: row.get("sent_at")?,
        })
    });
    said.collect()
}

/// The breaches of a ticket, by when its clocks came to their targets.
///
/// # Errors
/// What the database says.
pub(crate) async fn breaches_of(
    cx: &mut Cx,
    ticket: Id<Ticket>,
) -> Result<Vec<Saved<TicketBreach>>> {
    /// More than a ticket has messages that are answered late.
    const MOST: u32 = 10_000;
    const DUE: Order = Order::new("due_at", "due_at", Kind::Time);
    let list = cx.list::<TicketBreach>().equal("ticket", Some(ticket));
    Ok(list.page(DUE, false, Limit::of(MOST), None).await?.rows)
}
