//! `list_tickets`

use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use bureau_kernel::store::{Kind, sql};
use bureau_kernel::types::time::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::TICKETS;
use crate::desk::stamp;
use crate::status::TicketStatus;
use crate::ticket::Ticket;
use crate::words::settings;

/// Which tickets to list.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ListTickets {
    /// open: all that is not solved or closed
    status: Option<Vec<ListedStatus>>,
    sla: Option<Vec<Late>>,
    unassigned: Option<bool>,
    merged: Option<bool>,
    awaiting_reply: Option<bool>,
    #[serde(flatten)]
    listing: Listing<Ticket>,
}

/// Statuses as people ask for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ListedStatus {
    /// Whatever is not solved or closed.
    Open,
    New,
    /// Of the status open alone.
    OnlyOpen,
    Pending,
    OnHold,
    Solved,
    Closed,
}

impl ListedStatus {
    const fn statuses(self) -> &'static [TicketStatus] {
        match self {
            Self::Open => &[
                TicketStatus::New,
                TicketStatus::Open,
                TicketStatus::Pending,
                TicketStatus::OnHold,
            ],
            Self::New => &[TicketStatus::New],
            Self::OnlyOpen => &[TicketStatus::Open],
            Self::Pending => &[TicketStatus::Pending],
            Self::OnHold => &[TicketStatus::OnHold],
            Self::Solved => &[TicketStatus::Solved],
            Self::Closed => &[TicketStatus::Closed],
        }
    }
}

/// What is late, or about to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Late {
    Breached,
    AtRisk,
}

impl Listed for Ticket {
    const QUERY: Option<&'static str> = Some("Part of subject, tag, message");
    const SORT: &'static str = "Default next_breach";
    const USUAL: &'static str = "next_breach";
    const ORDERS: &'static [Order] = &[
        Order::UPDATED,
        Order::new("priority", "sort_priority", Kind::Int),
    ];
}

impl Tool for ListTickets {
    const SPEC: Spec = Spec::reads("list_tickets", TICKETS.read)
        .title("List tickets")
        .core()
        .about("List support tickets, the next SLA breach first, or search them.")
        .awaits(Awaits::Index);
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Show me all open support tickets assigned to me",
            before: &[Step {
                tool: "create_ticket",
                arguments: r#"{"subject": "Printer on fire", "assignee": "me", "priority": "urgent"}"#,
                keep: &[("fire", "/data/id")],
            }],
            arguments: r#"{"status": "open", "assignee": "me", "priority": "urgent"}"#,
            expect: &[
                ("/data/0/id", r#""{fire}""#),
                ("/data/0/status", r#""new""#),
                ("/data/0/sla", r#""on_track""#),
            ],
        },
        Example {
            title: "Which tickets have breached their SLA or are about to?",
            before: &[],
            arguments: r#"{"sla": ["breached", "at_risk"], "assignee": "me"}"#,
            expect: &[("/data", "[]")],
        },
    ];
    type Output = Vec<Row<Ticket>>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<Row<Ticket>>> {
        note_recomputing(cx).await?;
        let mut listing = self.listing;
        let asked = self.status.filter(|asked| !asked.is_empty());
        let statuses: Option<Vec<TicketStatus>> = asked.map(|asked| {
            let each = asked.into_iter().flat_map(ListedStatus::statuses);
            let mut statuses: Vec<TicketStatus> = each.copied().collect();
            statuses.sort_unstable();
            statuses.dedup();
            statuses
        });
        let are_over = |statuses: &Vec<TicketStatus>| statuses.iter().all(|one| one.is_over());
        if statuses.as_ref().is_some_and(are_over) {
            listing = listing.usually("-opened_at");
        }
        let statuses = statuses.map(|statuses| {
            let parts = statuses.into_iter().map(|status| (status, None, None));
            parts.collect::<Vec<(TicketStatus, Option<Timestamp>, Option<Timestamp>)>>()
        });
        let sla = self.sla.unwrap_or_default();
        let has = |late| sla.contains(&late);
        let now = Some(cx.now());
        // Late is what was found late, and what is late by now and was not found yet.
        let found = (true, None, None);
        let (late, at_risk) = match (has(Late::Breached), has(Late::AtRisk)) {
            (false, false) => (None, false),
            (true, false) => (
                Some(("sort_next_breach", vec![found, (false, None, now)])),
                false,
            ),
            (true, true) => (
                Some(("next_warning", vec![found, (false, None, now)])),
                false,
            ),
            (false, true) => (Some(("sort_next_breach", vec![(false, now, None)])), true),
        };
        let unassigned = self.unassigned;
        let is_itself = self.merged.map(|merged| !merged);
        let answered = self.awaiting_reply.map(|awaits| !awaits);
        let rows = listing.rows(cx, |list| {
            let list = list
                .within("status", "opened_at", statuses)
                .is_empty("assignee", unassigned)
                .is_empty("merged_into", is_itself)
                .is_empty("waiting_since", answered)
                .to("next_warning", now.filter(|_| at_risk));
            match late {
                Some((column, parts)) => list.within("breached", column, Some(parts)),
                None => list,
            }
        });
        rows.await
    }
}

/// Says so where the clocks of open tickets are still those of a state of policies and calendars that was changed since.
async fn note_recomputing(cx: &mut Cx) -> Result<()> {
    let settings = settings(cx).await?;
    let stamp = stamp(&settings, cx.workspace());
    for compares in [" < ", " > "] {
        let waiting = sql("SELECT id")
            .from_live::<Ticket>(cx)
            .sql(" AND solved_at IS NULL AND clocks_of")
            .sql(compares)
            .value(stamp)
            .sql(" LIMIT 1")
            .row(cx.tx())
            .await?;
        if waiting.is_some() {
            cx.notice(Notice::stale(
                "Policies or working hours were changed, and the clocks of some tickets are not set anew yet: their next_breach \
                 may be the old one for a minute. get_ticket is right already.",
            ));
            return Ok(());
        }
    }
    Ok(())
}
