//! `create_ticket_message`

use bureau_contacts::Contact;
use bureau_kernel::prelude::*;
use bureau_kernel::types::time::{DayEdge, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::TICKETS;
use crate::case::Case;
use crate::clock::Said;
use crate::message::{MessageType, TicketMessage};
use crate::shape::{Turn, refuse_known};
use crate::status::TicketStatus;
use crate::ticket::Ticket;

/// Something that is said in a ticket.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("required" = ["ticket", "type"]))]
pub(crate) struct CreateTicketMessage {
    ticket: Id<Ticket>,
    /// reply: sent elsewhere; note: internal
    r#type: MessageType,
    body: Option<LongText<20_000>>,
    /// The draft that this was
    draft: Option<Id<TicketMessage>>,
    contact: Option<Id<Contact>>,
    /// Default now
    sent_at: Option<When>,
    outside_id: Option<ShortText<250>>,
    /// Where the ticket stands after it
    status: Option<TicketStatus>,
}

/// A message, and its ticket as it stands now.
#[derive(Serialize, JsonSchema)]
pub(crate) struct MessageMade {
    #[serde(flatten)]
    message: View<TicketMessage>,
    ticket: Row<Ticket>,
}

impl Tool for CreateTicketMessage {
    const SPEC: Spec = Spec::adds("create_ticket_message", TICKETS.update)
        .title("Create ticket message")
        .about("Note what a customer wrote, a reply, a draft or an internal note. Mails nothing.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "I answered Initech that we look into it, now it is their turn",
            before: &[Step {
                tool: "create_ticket",
                arguments: r#"{"subject": "Initech cannot log in", "message": "The login fails."}"#,
                keep: &[("login", "/data/id")],
            }],
            arguments: r#"{"ticket": "{login}", "type": "reply", "body": "Which browser do you use?", "status": "pending"}"#,
            expect: &[
                ("/data/public", "true"),
                ("/data/origin", r#""member""#),
                ("/data/ticket/status", r#""pending""#),
            ],
        },
        Example {
            title: "They wrote back",
            before: &[],
            arguments: r#"{"ticket": "{login}", "type": "customer", "body": "Firefox.", "outside_id": "<42@initech.example>"}"#,
            expect: &[
                ("/data/origin", r#""outside""#),
                ("/data/ticket/status", r#""open""#),
            ],
        },
    ];
    type Output = MessageMade;

    async fn call(self, cx: &mut Cx) -> Result<MessageMade> {
        if self.contact.is_some() && self.r#type != MessageType::Customer {
            let message = "contact is who wrote a customer's message.";
            return Err(Error::invalid("contact", message).hint("Leave it out."));
        }
        let id = survivor(cx, self.ticket).await?;
        let mut case = Case::of(cx, id).await?;
        let sent_at = sent_at(cx, self.sent_at.as_ref(), &case.edit)?;
        refuse_known(cx, self.outside_id.as_deref()).await?;
        let is_customer = self.r#type == MessageType::Customer;
        let member = cx.caller().person();
        let said = TicketMessage {
            ticket: Managed(Parent(id)),
            r#type: self.r#type,
            body: self.body.clone().unwrap_or(LongText::missing()),
            sent_at: Managed(sent_at),
            member: Managed(member.filter(|_| {
                !matches!(self.r#type, MessageType::Customer | MessageType::Automatic)
            })),
            contact: match is_customer {
                true => self.contact.or(case.edit.requester),
                false => None,
            },
            outside_id: self.outside_id,
            merged_from: Managed(None),
        };
        let message = match self.draft {
            Some(draft) => finish_draft(cx, draft, said, self.body.is_some()).await?,
            None => cx.insert(said, Attributes::new()).await?,
        };
        case.said.retain(|known| known.id != message.id);
        case.said.push(Said {
            id: message.id,
            r#type: message.r#type,
            at: *message.sent_at,
        });
        case.said.sort_by_key(|said| (said.at, said.id));
        follow(&mut case, message.r#type, sent_at)?;
        let turn = Turn {
            status: self.status,
            hold_reason: None,
        };
        turn.take(&mut case.edit, &case.desk, cx.now())?;
        let ticket = case.save(cx).await?;
        let mut rows = cx.rows_of(vec![ticket]).await?;
        let ticket = rows.pop();
        Ok(MessageMade {
            message: cx.view(message).await?,
            ticket: ticket.ok_or_else(|| Error::internal("a ticket has one row"))?,
        })
    }
}

/// What follows for a ticket from what was said: a customer's word on what waits for them or is solved opens it again, and a
/// member's first one takes up what is new.
fn follow(case: &mut Case, said: MessageType, at: Timestamp) -> Result<()> {
    let status = *case.edit.status;
    let opens = match said {
        MessageType::Customer if status == TicketStatus::Closed => {
            let message = format!("{} is closed for good.", case.edit.called());
            return Err(Error::conflict(message).field("ticket").hint(
                "Open another one with create_ticket, or this one again with update_ticket.",
            ));
        }
        MessageType::Customer => matches!(status, TicketStatus::Pending | TicketStatus::Solved),
        MessageType::Reply => status == TicketStatus::New,
        _ => false,
    };
    if opens {
        let settings = &case.desk.settings.record;
        case.edit.turn(TicketStatus::Open, None, settings, at)?;
    }
    Ok(())
}

/// When it was said: not before the ticket came in, and not in the future.
fn sent_at(cx: &mut Cx, when: Option<&When>, ticket: &Ticket) -> Result<Timestamp> {
    let Some(when) = when else {
        return Ok(cx.now());
    };
    let at = cx.moment("sent_at", when, DayEdge::Start)?;
    if at > cx.now() {
        return Err(Error::invalid("sent_at", "sent_at has not come yet."));
    }
    if at < *ticket.opened_at {
        let message = format!("sent_at is before {} came in.", ticket.called());
        return Err(Error::invalid("sent_at", message)
            .hint("What came first is said when the ticket is made, with opened_at."));
    }
    Ok(at)
}

/// Makes a draft what it is now.
async fn finish_draft(
    cx: &mut Cx,
    draft: Id<TicketMessage>,
    said: TicketMessage,
    is_said: bool,
) -> Result<Saved<TicketMessage>> {
    let drafts = cx.edit_all(&[draft]).await;
    let mut drafts = drafts.map_err(|error| error.field("draft"))?;
    let Some(mut edit) = drafts.pop() else {
        return Err(Error::not_found("message", draft).field("draft"));
    };
    if edit.r#type != MessageType::Draft || edit.ticket != said.ticket {
        let message = format!("{draft} is no draft of this ticket.");
        return Err(Error::conflict(message).field("draft"));
    }
    if !matches!(said.r#type, MessageType::Reply | MessageType::Draft) {
        let message = "A draft becomes a reply, or another draft.";
        return Err(Error::invalid("type", message).hint("Say type: reply once it is sent."));
    }
    let body = edit.body.clone();
    *edit = TicketMessage {
        body: if is_said { said.body.clone() } else { body },
        outside_id: said.outside_id.clone().or(edit.outside_id.clone()),
        ..said
    };
    edit.save(cx).await
}

/// The ticket that a merged one went into, or this one.
async fn survivor(cx: &mut Cx, mut id: Id<Ticket>) -> Result<Id<Ticket>> {
    /// More than one that went into others, which did again.
    const MOST: usize = 50;
    for _ in 0..MOST {
        let ticket = cx.get(id).await?;
        match *ticket.merged_into {
            None => return Ok(id),
            Some(into) => {
                cx.note_resolved("ticket", into, &into.to_string());
                id = into;
            }
        }
    }
    Err(Error::internal("a ticket was merged into itself"))
}
