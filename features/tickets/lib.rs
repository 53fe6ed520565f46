//! Tickets: what customers ask for, what is said about it, and the time in which it is to be answered and solved.
//!
//! Permissions: `read_tickets`, `create_tickets`, `update_tickets` (also for messages and merging), `delete_tickets` (nothing but an
//! undo of a creation needs it), and `manage_tickets` for what the owner arranges: calendars, policies, words. A requester is a
//! contact of some company, so the module uses those two.

mod arrange;
mod breach;
mod case;
pub mod clock;
mod create;
mod create_message;
mod desk;
mod figures;
mod get;
mod jobs;
mod list;
mod measures;
mod merge;
mod message;
mod policy;
mod shape;
mod status;
mod suggestions;
mod ticket;
mod update;
mod view;
mod words;

use bureau_kernel::business_calendar;
use bureau_kernel::numbered::{NumberedKind, numbered};
use bureau_kernel::prelude::*;
use bureau_kernel::series;
use futures::FutureExt as _;

pub use arrange::{CalendarGiven, PolicyGiven, WordsGiven, set_calendar, set_policy, set_words};
pub use breach::TicketBreach;
pub use message::{MessageType, Origin, TicketMessage};
pub use policy::SlaPolicy;
pub use status::{StatusChange, TicketStatus};
pub use ticket::{Handover, Ticket, TicketChannel, TicketPriority};
pub use words::{HoldReason, TicketSettings, Word};

/// The permissions for tickets.
pub const TICKETS: Access = access!("tickets");
/// Arrange calendars, policies and words.
pub const MANAGE_TICKETS: Permission = Permission::new("manage_tickets");

/// What a ticket consists of is changed by whoever may change the ticket.
pub(crate) const PARTS: Access = Access {
    create: TICKETS.update,
    delete: TICKETS.update,
    ..TICKETS
};
/// What is arranged for all tickets.
pub(crate) const ARRANGED: Access = Access {
    read: TICKETS.read,
    create: MANAGE_TICKETS,
    update: MANAGE_TICKETS,
    delete: MANAGE_TICKETS,
};

/// The module's table.
pub const MODULE: Module = Module {
    name: "tickets",
    about: "Support tickets: their messages, SLA clocks, handovers and merging",
    tokens: 1_260,
    schemas: include_str!("schemas.txt"),
    tools: tools![
        create::CreateTicket,
        create_message::CreateTicketMessage,
        get::GetTicket,
        list::ListTickets,
        merge::MergeTickets,
        update::UpdateTicket,
    ],
    records: records![
        SlaPolicy,
        TicketSettings,
        Ticket,
        TicketMessage,
        TicketBreach,
    ],
    resources: &[Resource {
        uri: "bureau://tickets/{ticket}",
        name: "ticket",
        title: "Ticket",
        about: "A ticket with its messages, clocks, breaches and handovers.",
        tool: "get_ticket",
        ..Resource::JSON
    }],
    uses: &[
        &bureau_companies::MODULE,
        &bureau_contacts::MODULE,
        &business_calendar::MODULE,
        &series::MODULE,
    ],
    numbered: table![NumberedKind: numbered::<Ticket>()],
    provides: &[&arrange::ARRANGEMENTS],
    measures: measures::ALL,
    jobs: jobs::JOBS,
    provision: Some(|cx| provision(cx).boxed()),
    suggests: suggestions::RULES,
    ..Module::EMPTY
};

/// Gives a new workspace its words, its working hours and its default policy.
async fn provision(cx: &mut Cx) -> Result<()> {
    series::provision::<Ticket>(cx).await?;
    words::provision(cx).await?;
    let calendar = business_calendar::provision(cx).await?;
    policy::provision(cx, calendar.id).await
}
