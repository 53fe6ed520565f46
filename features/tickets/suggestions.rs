//! What tickets ask for.

use bureau_kernel::prelude::*;
use bureau_kernel::store::Sql;
use bureau_kernel::suggestion::{
    Finding, SuggestedCall, SuggestionRule, Wanted, days, days_since, impact_of_priority,
    urgency_before, urgency_since,
};
use bureau_kernel::types::time::Timestamp;
use futures::FutureExt as _;
use serde_json::json;

use crate::TICKETS;
use crate::ticket::{Ticket, TicketPriority};

/// The module's rules.
pub(crate) const RULES: &[SuggestionRule] = &[
    SuggestionRule {
        name: "tickets_near_breach",
        about: "An open ticket breaches a target within 24 hours, or has done so",
        reads: &[TICKETS.read],
        find: |cx, wanted| near_breach(cx, wanted).boxed(),
    },
    SuggestionRule {
        name: "tickets_unanswered",
        about: "A customer has waited for an answer for a day, and no target is near",
        reads: &[TICKETS.read],
        find: |cx, wanted| unanswered(cx, wanted).boxed(),
    },
];

/// Hours before a breach from which on it is near.
const NEAR: i64 = 24;

/// The moment up to which a breach is near.
fn near(cx: &Cx) -> Timestamp {
    cx.now() + chrono::Duration::hours(NEAR)
}

async fn near_breach(cx: &mut Cx, wanted: &Wanted) -> Result<Vec<Finding>> {
    let near = near(cx);
    let only = |statement: Sql, _: &Cx| {
        statement
            .sql(" AND solved_at IS NULL AND next_breach IS NOT NULL AND sort_next_breach <= ")
            .value(near)
    };
    let tickets = wanted.records::<Ticket>(cx, "assignee", only, "sort_next_breach");
    let findings = tickets.await?.into_iter().filter_map(|ticket| {
        let breach = (*ticket.next_breach)?;
        let left = (breach - cx.now()).num_minutes();
        let reason = match left {
            ..0 => format!("A target was missed {} ago.", span(-left)),
            left => format!("A target is missed in {}.", span(left)),
        };
        Some(Finding {
            urgency: urgency_before(left, NEAR * 60),
            facts: breach.to_string(),
            ..finding(&ticket, &reason)
        })
    });
    Ok(findings.collect())
}

async fn unanswered(cx: &mut Cx, wanted: &Wanted) -> Result<Vec<Finding>> {
    let near = near(cx);
    let yesterday = cx.now() - chrono::Duration::hours(24);
    let only = |statement: Sql, _: &Cx| {
        statement
            .sql(" AND solved_at IS NULL AND waiting_since <= ")
            .value(yesterday)
            .sql(" AND (next_breach IS NULL OR sort_next_breach > ")
            .value(near)
            .sql(")")
    };
    let tickets = wanted.records::<Ticket>(cx, "assignee", only, "waiting_since");
    let findings = tickets.await?.into_iter().filter_map(|ticket| {
        let waiting = (*ticket.waiting_since)?;
        let waited = days_since(cx, waiting);
        let reason = format!(
            "The customer has waited for an answer for {}.",
            days(waited)
        );
        Some(Finding {
            urgency: urgency_since(waited),
            facts: waiting.to_string(),
            ..finding(&ticket, &reason)
        })
    });
    Ok(findings.collect())
}

/// What holds of every ticket that something is to be done about.
fn finding(ticket: &Saved<Ticket>, reason: &str) -> Finding {
    let priority = match ticket.priority {
        TicketPriority::Urgent => "urgent",
        TicketPriority::High => "high",
        TicketPriority::Normal => "normal",
        TicketPriority::Low => "low",
    };
    let number = ticket.number.as_ref().map(|number| format!("{number} "));
    let (tool, arguments) = match ticket.assignee {
        Some(_) => ("get_ticket", json!({ "ticket": ticket.id })),
        None => (
            "update_ticket",
            json!({ "ticket": ticket.id, "assignee": "me" }),
        ),
    };
    let nobody = match ticket.assignee {
        Some(_) => "",
        None => " Nobody has taken it.",
    };
    Finding {
        subject: ticket.id.into(),
        owner: ticket.assignee,
        action: format!("Answer {}{}", number.unwrap_or_default(), ticket.subject),
        reason: format!("{reason} Its priority is {priority}.{nobody}"),
        evidence: Vec::new(),
        impact: impact_of_priority(priority),
        urgency: 0,
        facts: String::new(),
        call: SuggestedCall::of(tool, arguments),
    }
}

/// So many minutes, in words.
fn span(minutes: i64) -> String {
    match minutes {
        ..120 => format!("{minutes} minutes"),
        120..2880 => format!("{} hours", minutes / 60),
        minutes => days(minutes / 1440),
    }
}
