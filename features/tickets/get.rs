//! `get_ticket`

use bureau_kernel::caller::Team;
use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use bureau_kernel::store::{Kind, sql};
use bureau_kernel::types::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::TICKETS;
use crate::breach::TicketBreach;
use crate::case::{breaches_of, said_in};
use crate::clock::{ClockType, Course, taken};
use crate::desk::{Desk, Rules};
use crate::message::TicketMessage;
use crate::status::StatusChange;
use crate::ticket::{Handover, Ticket};

/// Which ticket to read.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetTicket {
    ticket: Id<Ticket>,
    /// Older messages than this one
    before: Option<Id<TicketMessage>>,
}

/// So many messages are shown, the last ones.
const SHOWN: u32 = 50;

/// A ticket with its thread and its clocks.
#[derive(Serialize, JsonSchema)]
pub(crate) struct TicketDetails {
    #[serde(flatten)]
    ticket: View<Ticket>,
    /// Oldest first.
    messages: Vec<Row<TicketMessage>>,
    message_count: i64,
    clocks: Vec<ClockView>,
    /// Working time in which its clocks stood still.
    paused_minutes: Option<i64>,
    breaches: Vec<Row<TicketBreach>>,
    statuses: Vec<StatusChange>,
    handed_over: Vec<HandoverView>,
    /// The tickets that went into it.
    merged: Vec<Named<Ticket>>,
}

/// How a clock stands now.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ClockView {
    clock: ClockType,
    /// The message that waits.
    message: Option<Id<TicketMessage>>,
    state: ClockState,
    target_minutes: i64,
    taken_minutes: i64,
    due_at: Option<Timestamp>,
}

/// Whether a clock runs, and how it ended.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClockState {
    Running,
    Paused,
    /// It runs, and should have ended by now.
    Late,
    Met,
    Missed,
}

/// From whom to whom a ticket went.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct HandoverView {
    at: Timestamp,
    from: Option<Named<Member>>,
    to: Option<Named<Member>>,
    from_team: Option<Named<Team>>,
    to_team: Option<Named<Team>>,
}

impl Tool for GetTicket {
    const SPEC: Spec = Spec::reads("get_ticket", TICKETS.read)
        .title("Get ticket")
        .about("Read a ticket with its messages, SLA clocks, breaches and handovers.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "How long may Soylent's ticket still take, and what was said?",
            before: &[
                Step {
                    tool: "create_ticket",
                    arguments: r#"{"subject": "Soylent tastes odd", "message": "It tastes odd."}"#,
                    keep: &[("odd", "/data/id")],
                },
                Step {
                    tool: "create_ticket_message",
                    arguments: r#"{"ticket": "{odd}", "type": "note", "body": "Ask the kitchen."}"#,
                    keep: &[],
                },
            ],
            arguments: r#"{"ticket": "{odd}"}"#,
            expect: &[
                ("/data/messages/0/body", r#""It tastes odd.""#),
                ("/data/messages/0/public", "true"),
                ("/data/messages/1/public", "false"),
                ("/data/clocks/0/clock", r#""first_response""#),
                ("/data/clocks/0/state", r#""running""#),
                ("/data/clocks/1/clock", r#""resolution""#),
            ],
        },
        Example {
            title: "Why is Umbrella's ticket marked as late?",
            before: &[
                Step {
                    tool: "create_ticket",
                    arguments: r#"{"subject": "Umbrella leaks", "message": "It leaks.", "opened_at": "-30d"}"#,
                    keep: &[("leak", "/data/id")],
                },
                Step {
                    tool: "create_ticket_message",
                    arguments: r#"{"ticket": "{leak}", "type": "reply", "body": "We are sorry."}"#,
                    keep: &[],
                },
            ],
            arguments: r#"{"ticket": "{leak}"}"#,
            expect: &[
                ("/data/sla", r#""breached""#),
                ("/data/breaches/0/clock", r#""first_response""#),
                ("/data/breaches/0/target_minutes", "480"),
            ],
        },
    ];
    type Output = TicketDetails;

    async fn call(self, cx: &mut Cx) -> Result<TicketDetails> {
        let ticket = cx.get(self.ticket).await?;
        let id = ticket.id;
        let (messages, message_count) = thread(cx, id, self.before).await?;
        let said = said_in(cx, id).await?;
        let desk = Desk::of(cx).await?;
        let rules = desk.rules(&ticket);
        let course = Course::of(&ticket, &said);
        let clocks = rules
            .as_ref()
            .map(|rules| clock_views(&course, rules, cx.now()))
            .unwrap_or_default();
        let calendar = rules.as_ref().and_then(|rules| rules.calendar.as_ref());
        let paused = course.paused();
        let paused = calendar.map(|calendar| taken(calendar, &paused, cx.now()).num_minutes());
        let breaches = breaches_of(cx, id).await?;
        let merged = sql("SELECT id")
            .from_live::<Ticket>(cx)
            .sql(" AND merged_into = ")
            .value(id)
            .sql(" ORDER BY id LIMIT 1000")
            .rows(cx.tx())
            .await?;
        let merged: Result<Vec<Id<Ticket>>> = merged.iter().map(|row| row.get("id")).collect();
        let merged = merged?;
        let names = cx.names(merged.iter().copied()).await?;
        Ok(TicketDetails {
            messages,
            message_count,
            clocks,
            paused_minutes: paused,
            breaches: cx.rows_of(breaches).await?,
            statuses: ticket.history.0.0.clone(),
            handed_over: handover_views(cx, &ticket.handovers).await?,
            merged: merged.into_iter().map(|id| names.of(id)).collect(),
            ticket: cx.view(ticket).await?,
        })
    }
}

/// The last messages of a ticket, or the last before one, and how many there are in all.
async fn thread(
    cx: &mut Cx,
    ticket: Id<Ticket>,
    before: Option<Id<TicketMessage>>,
) -> Result<(Vec<Row<TicketMessage>>, i64)> {
    const SENT: Order = Order::new("sent_at", "sent_at", Kind::Time);
    let count = sql("SELECT COUNT(*) AS count")
        .from_live::<TicketMessage>(cx)
        .sql(" AND ticket = ")
        .value(ticket)
        .one::<i64>("count", cx.tx())
        .await?;
    let before = match before {
        None => None,
        Some(before) => {
            let known = cx
                .get(before)
                .await
                .map_err(|error| error.field("before"))?;
            if known.ticket.0.0 != ticket {
                let message = format!("{before} is no message of this ticket.");
                return Err(Error::invalid("before", message));
            }
            // The one before it, to the microsecond to which moments are kept.
            Some(*known.sent_at - chrono::Duration::microseconds(1))
        }
    };
    let list = cx.list::<TicketMessage>();
    let list = list.equal("ticket", Some(ticket)).to("sent_at", before);
    let page = list.page(SENT, true, Limit::of(SHOWN), None).await?;
    let mut messages = page.rows;
    messages.reverse();
    if let Some(first) = messages.first().filter(|_| page.next.is_some()) {
        cx.notice(Notice::truncated(format!(
            "Only the last {SHOWN} messages are here; get_ticket with before: {} has older ones.",
            first.id
        )));
    }
    Ok((cx.rows_of(messages).await?, count))
}

/// The clocks of a ticket as they stand now.
fn clock_views(course: &Course<'_>, rules: &Rules, now: Timestamp) -> Vec<ClockView> {
    let Some(calendar) = &rules.calendar else {
        return Vec::new();
    };
    let clocks = course.clocks(rules.policy.targets()).into_iter();
    let views = clocks.map(|clock| {
        let due = clock.due(calendar);
        let is_late = due.is_some_and(|due| clock.is_late(due, now));
        ClockView {
            clock: clock.r#type,
            message: clock.message,
            state: match (clock.run.ended, clock.run.goes, is_late) {
                (Some(_), _, true) => ClockState::Missed,
                (Some(_), _, false) => ClockState::Met,
                (None, _, true) => ClockState::Late,
                (None, true, false) => ClockState::Running,
                (None, false, false) => ClockState::Paused,
            },
            target_minutes: clock.target.num_minutes(),
            taken_minutes: clock.taken(calendar, now).num_minutes(),
            due_at: due,
        }
    });
    views.collect()
}

/// Handovers with names.
async fn handover_views(cx: &mut Cx, handovers: &[Handover]) -> Result<Vec<HandoverView>> {
    let (mut members, mut teams) = (Vec::new(), Vec::new());
    for one in handovers {
        members.extend(one.from.into_iter().chain(one.to));
        teams.extend(one.from_team.into_iter().chain(one.to_team));
    }
    let members = cx.names(members).await?;
    let teams = cx.names(teams).await?;
    let view = |one: &Handover| HandoverView {
        at: one.at,
        from: one.from.map(|id| members.of(id)),
        to: one.to.map(|id| members.of(id)),
        from_team: one.from_team.map(|id| teams.of(id)),
        to_team: one.to_team.map(|id| teams.of(id)),
    };
    Ok(handovers.iter().map(view).collect())
}
