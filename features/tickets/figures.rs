//! Figures of tickets that stand in no column: the waits of customers after the first response, and handovers.

use std::collections::{BTreeMap, HashMap};

use bureau_kernel::figures::Spans;
use bureau_kernel::measures::{Figure, Group, Measure, Question};
use bureau_kernel::prelude::*;
use bureau_kernel::store::sql;
use bureau_kernel::types::time::Timestamp;

use crate::clock::{ClockType, Course, Said, taken};
use crate::desk::Desk;
use crate::measures::{BACKLOG, EVERY};
use crate::message::{MessageType, TicketMessage};
use crate::ticket::{Handover, Ticket};

/// Tickets that are read at once.
const PIECE: usize = 500;

type Key = Vec<Option<String>>;

/// Whether a moment is within bounds.
fn is_within(moment: Timestamp, (from, to): (Option<Timestamp>, Option<Timestamp>)) -> bool {
    from.is_none_or(|from| from <= moment) && to.is_none_or(|to| moment <= to)
}

/// The working time from each further message of a customer to its answer, by when it was answered.
///
/// # Errors
/// What the database says.
pub(crate) async fn next_responses(
    cx: &mut Cx,
    own: &Measure,
    asked: &Question,
) -> Result<Vec<Group>> {
    let by = own.by(asked)?;
    let bounds = asked.moments(cx)?;
    let mut statement = sql("SELECT id");
    for dimension in &by {
        statement = dimension.value(statement.sql(", "), EVERY.table);
    }
    // Which tickets, the period says of their messages, and not of a moment of theirs.
    let mut statement = EVERY
        .conditions(statement, cx, &BACKLOG, asked)?
        .sql(" AND id IN (SELECT ticket")
        .from_live::<TicketMessage>(cx)
        .sql(" AND type = 'reply'");
    for (compares, moment) in [(" >= ", bounds.0), (" <= ", bounds.1)] {
        if let Some(moment) = moment {
            statement = statement.sql(" AND sent_at").sql(compares).value(moment);
        }
    }
    let rows = statement.sql(") ORDER BY id").rows(cx.tx()).await?;
    let mut found: BTreeMap<Key, Spans> = BTreeMap::new();
    if by.is_empty() {
        found.insert(Vec::new(), Spans::default());
    }
    let desk = Desk::of(cx).await?;
    for piece in rows.chunks(PIECE) {
        let ids = piece.iter().map(|row| row.get("id"));
        let ids: Vec<Id<Ticket>> = ids.collect::<Result<_>>()?;
        let tickets = cx.find_all(&ids).await?;
        let said = said_in_all(cx, &ids).await?;
        for (row, id) in piece.iter().zip(&ids) {
            let (Some(ticket), Some(said)) = (tickets.get(&id.raw()), said.get(&id.raw())) else {
                continue;
            };
            let Some(calendar) = desk.rules(ticket).and_then(|rules| rules.calendar) else {
                continue;
            };
            let course = Course::of(ticket, said);
            for (waited, answered) in course.answered() {
                if !is_within(answered, bounds) {
                    continue;
                }
                let key = by.iter().map(|dimension| dimension.key(row));
                let run = course.run(ClockType::NextResponse, Some(waited));
                let minutes = taken(&calendar, &run.stretches, answered).num_minutes();
                let spans = found.entry(key.collect::<Result<_>>()?).or_default();
                spans.add(minutes);
            }
        }
    }
    let groups = found.into_iter();
    let group = |(key, spans)| Group {
        key,
        figure: Figure::Minutes(spans),
    };
    Ok(groups.map(group).collect())
}

/// The messages of these tickets as clocks go by them, in order.
async fn said_in_all(cx: &mut Cx, tickets: &[Id<Ticket>]) -> Result<HashMap<i64, Vec<Said>>> {
    let rows = sql("SELECT id, ticket, type, sent_at")
        .from_live::<TicketMessage>(cx)
        .sql(" AND ticket IN ")
        .ids(tickets)
        .sql(" ORDER BY sent_at, id")
        .rows(cx.tx())
        .await?;
    let mut said: HashMap<i64, Vec<Said>> = HashMap::new();
    for row in rows {
        let r#type: MessageType = row.get("type")?;
        said.entry(row.get("ticket")?).or_default().push(Said {
            id: row.get("id")?,
            r#type,
            at: row.get("sent_at")?,
        });
    }
    Ok(said)
}

/// How often tickets were handed over, by who gave them away.
///
/// # Errors
/// What the database says.
pub(crate) async fn handovers(cx: &mut Cx, own: &Measure, asked: &Question) -> Result<Vec<Group>> {
    const GIVERS: [&str; 2] = ["assignee", "team"];
    let by = own.by(asked)?;
    let bounds = asked.moments(cx)?;
    // Whose a ticket is now says nothing of who gave it away.
    let mut of_ticket = asked.clone();
    of_ticket.owner = None;
    of_ticket.filters.retain(|(name, _)| !GIVERS.contains(name));
    let mut statement = sql("SELECT handovers");
    for dimension in by.iter().filter(|one| !GIVERS.contains(&one.name())) {
        statement = dimension.value(statement.sql(", "), EVERY.table);
    }
    let mut statement = EVERY
        .conditions(statement, cx, &BACKLOG, &of_ticket)?
        .sql(" AND handovers <> '[]'");
    // A handover is a change of its ticket.
    if let Some(from) = bounds.0 {
        statement = statement.sql(" AND updated_at >= ").value(from);
    }
    let mut found: BTreeMap<Key, i64> = BTreeMap::new();
    if by.is_empty() {
        found.insert(Vec::new(), 0);
    }
    let wanted = |handover: &Handover| {
        let (from, team) = (giver(handover, "assignee"), giver(handover, "team"));
        let owner = asked.owner.map(|owner| owner.to_string());
        let is_owner = owner.is_none_or(|owner| from.as_ref() == Some(&owner));
        let fits = |(name, value): &(&str, String)| match *name {
            "assignee" => from.as_ref() == Some(value),
            "team" => team.as_ref() == Some(value),
            _ => true,
        };
        is_within(handover.at, bounds) && is_owner && asked.filters.iter().all(fits)
    };
    for row in statement.rows(cx.tx()).await? {
        let handovers: Json<Vec<Handover>> = row.get("handovers")?;
        for handover in handovers.0.iter().filter(|one| wanted(one)) {
            let key = by.iter().map(|dimension| match dimension.name() {
                name @ ("assignee" | "team") => Ok(giver(handover, name)),
                _ => dimension.key(&row),
            });
            *found.entry(key.collect::<Result<_>>()?).or_default() += 1;
        }
    }
    let groups = found.into_iter();
    let group = |(key, count)| Group {
        key,
        figure: Figure::Count(count),
    };
    Ok(groups.map(group).collect())
}

/// Who gave a ticket away: the member, or the team.
fn giver(handover: &Handover, name: &str) -> Option<String> {
    match name {
        "assignee" => handover.from.map(|id| id.to_string()),
        _ => handover.from_team.map(|id| id.to_string()),
    }
}
