//! `merge_tickets`

use bureau_kernel::duplicates::{fill, join};
use bureau_kernel::prelude::*;
use bureau_kernel::store::sql;
use bureau_kernel::types::text::folded;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::TICKETS;
use crate::case::{Case, said_in};
use crate::message::{MessageType, TicketMessage};
use crate::status::{StatusChange, TicketStatus};
use crate::ticket::Ticket;

/// Tickets to be made one.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct MergeTickets {
    /// The ticket that stays
    keep: Id<Ticket>,
    /// Tickets that go into it, up to 20
    merge: Vec<Id<Ticket>>,
}

/// So many messages are moved by one call.
const MOST_MESSAGES: i64 = 2_000;

impl Tool for MergeTickets {
    const SPEC: Spec = Spec::changes("merge_tickets", TICKETS.update)
        .title("Merge tickets")
        .about("Merge tickets about the same thing into one; their messages move there.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Hooli asked the same twice: make it one ticket",
        before: &[
            Step {
                tool: "create_ticket",
                arguments: r#"{"subject": "Hooli has no signal", "message": "No signal.", "tags": ["radio"]}"#,
                keep: &[("first", "/data/id")],
            },
            Step {
                tool: "create_ticket",
                arguments: r#"{"subject": "Still no signal", "message": "Hello?", "product": "Box", "tags": ["Radio", "hooli"]}"#,
                keep: &[("second", "/data/id")],
            },
        ],
        arguments: r#"{"keep": "{first}", "merge": ["{second}"]}"#,
        expect: &[
            ("/data/id", r#""{first}""#),
            ("/data/product", r#""Box""#),
            ("/data/tags", r#"["radio", "hooli"]"#),
        ],
    }];
    type Output = View<Ticket>;

    async fn call(self, cx: &mut Cx) -> Result<View<Ticket>> {
        const MOST: usize = 20;
        if self.merge.is_empty() || self.merge.len() > MOST {
            let message = format!("merge takes 1 to {MOST} tickets.");
            return Err(Error::invalid("merge", message));
        }
        let kept = Case::of(cx, self.keep).await;
        let mut kept = kept.map_err(|error| error.field("keep"))?;
        check_whole(&kept.edit).map_err(|error| error.field("keep"))?;
        let mut notes = Vec::new();
        for (index, id) in self.merge.iter().enumerate() {
            let field = format!("merge[{index}]");
            let mut before = self.merge.iter().take(index);
            if *id == self.keep || before.any(|other| other == id) {
                return Err(Error::invalid(field, format!("{id} is named twice.")));
            }
            let into = take_in(cx, &mut kept, *id).await;
            notes.push(into.map_err(|error| error.field(&field))?);
        }
        for note in notes {
            let body = format!("{note} was merged into this ticket.");
            note_in(cx, self.keep, &body).await?;
        }
        kept.said = said_in(cx, self.keep).await?;
        let saved = kept.save(cx).await?;
        cx.view(saved).await
    }
}

/// Refuses a ticket that went into another one already.
fn check_whole(ticket: &Ticket) -> Result<()> {
    match *ticket.merged_into {
        None => Ok(()),
        Some(into) => {
            let message = format!("{} was merged into {into} already.", ticket.called());
            Err(Error::conflict(message).hint("Name that one instead."))
        }
    }
}

/// Takes a ticket into the one that stays: what is said in it moves there, what that one lacks is filled in, and of the two
/// courses the older goes on. Answers what it is called.
async fn take_in(cx: &mut Cx, kept: &mut Case, id: Id<Ticket>) -> Result<String> {
    let mut other = Case::of(cx, id).await?;
    check_whole(&other.edit)?;
    if kept.edit.status.is_over() && !other.edit.status.is_over() {
        let message = format!("{} is not worked on any more.", kept.edit.called());
        return Err(Error::conflict(message)
            .hint("Keep the one that is open, or open the other again first."));
    }
    let called = other.edit.called();
    let keep = kept.edit.before().id;
    move_messages(cx, id, keep).await?;
    let (mine, theirs) = (&mut *kept.edit, &*other.edit);
    fill(&mut mine.requester, &theirs.requester);
    fill(&mut mine.company, &theirs.company);
    fill(&mut mine.team, &theirs.team);
    fill(&mut mine.category, &theirs.category);
    fill(&mut mine.product, &theirs.product);
    fill(&mut mine.channel.0, &theirs.channel);
    join(&mut mine.tags, &theirs.tags, |a, b| folded(a) == folded(b));
    if *theirs.opened_at < *mine.opened_at {
        let present = mine.history.last().cloned();
        mine.opened_at = theirs.opened_at;
        mine.history = theirs.history.clone();
        mine.first_solved_at = theirs.first_solved_at;
        mine.first_resolution_minutes = theirs.first_resolution_minutes;
        mine.reopened = theirs.reopened;
        let last = mine.history.last().map(|last| last.status);
        if let Some(present) = present.filter(|present| Some(present.status) != last) {
            let at = cx.now();
            mine.history.0.0.push(StatusChange { at, ..present });
        }
    }
    let body = format!("Merged into {}.", kept.edit.called());
    note_in(cx, id, &body).await?;
    let settings = other.desk.settings.record.clone();
    other
        .edit
        .turn(TicketStatus::Closed, None, &settings, cx.now())?;
    other.edit.merged_into = Managed(Some(keep));
    other.save(cx).await?;
    Ok(called)
}

/// Moves what is said in a ticket to another one; each message keeps where it came from.
async fn move_messages(cx: &mut Cx, from: Id<Ticket>, to: Id<Ticket>) -> Result<()> {
    let rows = sql("SELECT id")
        .from_live::<TicketMessage>(cx)
        .sql(" AND ticket = ")
        .value(from)
        .sql(" ORDER BY id LIMIT ")
        .value(MOST_MESSAGES + 1)
        .rows(cx.tx())
        .await?;
    if i64::try_from(rows.len()).unwrap_or(i64::MAX) > MOST_MESSAGES {
        let message = format!("It has more than {MOST_MESSAGES} messages.");
        return Err(Error::conflict(message).hint("Keep this one, and merge the other into it."));
    }
    let ids: Result<Vec<Id<TicketMessage>>> = rows.iter().map(|row| row.get("id")).collect();
    let mut edits = cx.edit_all(&ids?).await?;
    for edit in &mut edits {
        edit.merged_from = Managed(edit.merged_from.or(Some(from)));
        edit.ticket = Managed(Parent(to));
    }
    cx.save_all(edits).await.map(drop)
}

/// Writes an internal note into a ticket.
async fn note_in(cx: &mut Cx, ticket: Id<Ticket>, body: &str) -> Result<()> {
    let note = TicketMessage {
        ticket: Managed(Parent(ticket)),
        r#type: MessageType::Note,
        body: LongText::new(body).map_err(Error::internal)?,
        sent_at: Managed(cx.now()),
        member: Managed(cx.caller().person()),
        contact: None,
        outside_id: None,
        merged_from: Managed(None),
    };
    cx.insert(note, Attributes::new()).await.map(drop)
}
