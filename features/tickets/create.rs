//! `create_ticket`

use bureau_contacts::Contact;
use bureau_kernel::prelude::*;
use bureau_kernel::series::next_number;
use bureau_kernel::types::time::DayEdge;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::TICKETS;
use crate::breach::TicketBreach;
use crate::case::{Case, derive};
use crate::clock::Said;
use crate::desk::Desk;
use crate::message::{MessageType, TicketMessage};
use crate::shape::{Turn, refuse_known, requester, sender, shape};
use crate::status::{StatusChange, TicketStatus};
use crate::ticket::{TICKETS as NUMBERS, Ticket, TicketChannel};

/// A new ticket.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("required" = ["subject"]))]
pub(crate) struct CreateTicket {
    /// What the customer wrote
    message: Option<LongText<20_000>>,
    outside_id: Option<ShortText<250>>,
    /// Or Name <address>; made if unknown
    requester_email: Option<ShortText<400>>,
    status: Option<TicketStatus>,
    channel: Option<TicketChannel>,
    /// Default now
    opened_at: Option<When>,
    #[serde(flatten)]
    fields: Patch<Ticket>,
}

/// A ticket, and what the customer wrote.
#[derive(Serialize, JsonSchema)]
pub(crate) struct TicketMade {
    #[serde(flatten)]
    ticket: View<Ticket>,
    message: Option<View<TicketMessage>>,
}

impl Tool for CreateTicket {
    const SPEC: Spec = Spec::adds("create_ticket", TICKETS.create)
        // Who asks, and what they wrote.
        .covers(&[
            Covers::create::<Contact>(),
            Covers::create::<TicketMessage>(),
            Covers::create::<TicketBreach>(),
            Covers::update::<Ticket>(),
        ])
        .title("Create ticket")
        .about("Open a support ticket of a contact; an unknown requester is made one.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "ada@wires.example writes that her order never came: open a ticket",
            before: &[],
            arguments: r#"{"subject": "Order never came", "message": "I have waited for two weeks.", "requester_email": "Ada Wires <ada@wires.example>", "channel": "email", "priority": "high", "category": "complaint", "tags": ["delivery"]}"#,
            expect: &[
                ("/data/status", r#""new""#),
                ("/data/requester/name", r#""Ada Wires""#),
                ("/data/category", r#""Complaint""#),
                ("/data/policy/name", r#""Default""#),
                ("/data/sla", r#""on_track""#),
            ],
        },
        Example {
            title: "She called too, and that is settled already: note it",
            before: &[],
            arguments: r#"{"subject": "Asked for an invoice copy", "requester": "ada@wires.example", "channel": "phone", "status": "solved"}"#,
            expect: &[
                ("/data/status", r#""solved""#),
                ("/data/requester/name", r#""Ada Wires""#),
            ],
        },
    ];
    type Output = TicketMade;

    async fn call(self, cx: &mut Cx) -> Result<TicketMade> {
        if self.outside_id.is_some() && self.message.is_none() {
            let message = "outside_id is that of the first message.";
            return Err(Error::invalid("outside_id", message).hint("Give message with it."));
        }
        refuse_known(cx, self.outside_id.as_deref()).await?;
        let mut ticket = self.fields.record(cx.local_time())?;
        match (&self.requester_email, ticket.requester) {
            (Some(_), Some(_)) => {
                let message = "requester and requester_email both say who asks.";
                return Err(Error::invalid("requester_email", message).hint("Give one of them."));
            }
            (Some(from), None) => {
                let (email, name) = sender(from)?;
                ticket.requester = Some(requester(cx, &email, name).await?);
            }
            (None, _) => {}
        }
        let now = cx.now();
        let opened = match &self.opened_at {
            None => now,
            Some(when) => cx.moment("opened_at", when, DayEdge::Start)?,
        };
        if opened > now {
            return Err(Error::invalid("opened_at", "opened_at has not come yet."));
        }
        let desk = Desk::of(cx).await?;
        shape(cx, &desk, &mut ticket, None, &self.fields).await?;
        ticket.channel = Managed(self.channel);
        ticket.opened_at = Managed(opened);
        ticket.history = Managed(Json(vec![StatusChange {
            status: TicketStatus::New,
            at: opened,
            pauses: false,
            hold_reason: None,
        }]));
        let rules = desk.rules(&ticket);
        let said: &[Said] = &[];
        derive(
            &mut ticket,
            false,
            said,
            rules.as_ref(),
            desk.stamp(),
            |_| false,
        );
        let number = next_number::<Ticket>(cx, &NUMBERS, cx.today()).await?;
        ticket.series = Managed(Some(number.series));
        ticket.period = Managed(Some(number.period));
        ticket.serial = Managed(Some(number.serial));
        ticket.number = Managed(Some(number.text));
        let contact = ticket.requester;
        let mut ticket = cx.insert(ticket, self.fields.attributes()?).await?;
        let mut message = None;
        if let Some(body) = self.message {
            let first = TicketMessage {
                ticket: Managed(Parent(ticket.id)),
                r#type: MessageType::Customer,
                body,
                sent_at: Managed(opened),
                member: Managed(None),
                contact,
                outside_id: self.outside_id,
                merged_from: Managed(None),
            };
            let first = cx.insert(first, Attributes::new()).await?;
            message = Some(cx.view(first).await?);
        }
        if self.status.is_some() || opened < now {
            // What came in before may be late by now, and what is done already may have taken too long.
            let mut case = Case::of(cx, ticket.id).await?;
            let turn = Turn {
                status: self.status,
                hold_reason: None,
            };
            turn.take(&mut case.edit, &case.desk, now)?;
            ticket = case.save(cx).await?;
        }
        Ok(TicketMade {
            ticket: cx.view(ticket).await?,
            message,
        })
    }
}
