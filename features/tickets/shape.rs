//! What a ticket is brought into form by after fields were given: whose it is, the workspace's words, who looks after it, where it
//! stands.

use bureau_companies::Company;
use bureau_contacts::Contact;
use bureau_kernel::admin::teams;
use bureau_kernel::prelude::*;
use bureau_kernel::store::sql;
use bureau_kernel::types::time::Timestamp;
use serde_json::json;

use crate::desk::Desk;
use crate::status::TicketStatus;
use crate::ticket::Ticket;
use crate::words::Word;

/// Brings the words into the form of the workspace's lists, fills in the requester's company, and checks who looks after it.
///
/// # Errors
/// [`Code::Validation`] for a word that is in no list, or an assignee who is not of the team.
pub(crate) async fn shape(
    cx: &mut Cx,
    desk: &Desk,
    ticket: &mut Ticket,
    before: Option<&Ticket>,
    given: &Patch<Ticket>,
) -> Result<()> {
    if let Some(category) = ticket.category.as_ref().filter(|_| given.has("category")) {
        ticket.category = Some(desk.settings.category(category)?);
    }
    if let Some(product) = ticket.product.as_ref().filter(|_| given.has("product")) {
        ticket.product = Some(desk.settings.product(product)?);
    }
    let requester = ticket.requester;
    let is_another = before.is_none_or(|before| before.requester != requester);
    if let Some(requester) = requester.filter(|_| is_another && !given.has("company")) {
        ticket.company = company_of(cx, requester).await?;
    }
    let was = |assignee| before.is_some_and(|before| before.assignee == assignee);
    let same_team = before.is_some_and(|before| before.team == ticket.team);
    if same_team && was(ticket.assignee) {
        return Ok(());
    }
    let (Some(team), Some(assignee)) = (ticket.team, ticket.assignee) else {
        return Ok(());
    };
    let workspace = cx.workspace().id;
    let all = teams(cx.tx(), workspace).await?;
    let team = all.iter().find(|known| known.id == team);
    let is_member = team.is_none_or(|team| team.members.iter().any(|member| member.id == assignee));
    match (is_member, given.has("assignee")) {
        (true, _) => Ok(()),
        // Handed over to a team, it waits there until one of it takes it up.
        (false, false) => {
            ticket.assignee = None;
            Ok(())
        }
        (false, true) => {
            let message = "The assignee is not a member of the ticket's team.";
            Err(Error::invalid("assignee", message)
                .hint("Name one of list_teams, or give another team, or none with clear."))
        }
    }
}

/// The company for which a contact works.
async fn company_of(cx: &mut Cx, contact: Id<Contact>) -> Result<Option<Id<Company>>> {
    // The contact is not locked for that.
    let row = sql("SELECT company_id")
        .from_live::<Contact>(cx)
        .sql(" AND id = ")
        .value(contact)
        .row(cx.tx())
        .await?;
    row.map_or(Ok(None), |row| row.get("company_id"))
}

/// Reads an address, with or without a name before it: `Ada Wires <ada@wires.example>`.
///
/// # Errors
/// [`Code::Validation`] for what is no address.
pub(crate) fn sender(from: &str) -> Result<(Email, Option<&str>)> {
    let (name, address) = match from.split_once('<') {
        Some((name, rest)) => (name, rest.trim_end().trim_end_matches('>')),
        None => ("", from),
    };
    let email = address.trim().parse::<Email>().map_err(|_| {
        let message = "requester_email is no e-mail address.";
        Error::invalid("requester_email", message).hint("Write Ada Wires <ada@wires.example>.")
    })?;
    let name = name.trim().trim_matches('"').trim();
    Ok((email, Some(name).filter(|name| !name.is_empty())))
}

/// The contact with an address, who is made where nobody has it.
///
/// # Errors
/// What writing refuses.
pub(crate) async fn requester(
    cx: &mut Cx,
    email: &Email,
    name: Option<&str>,
) -> Result<Id<Contact>> {
    let known = cx
        .with_index_key::<Contact>("email", &email.to_string(), 1)
        .await?;
    if let Some(known) = known.first() {
        return Ok(*known);
    }
    let mut given = json!({ "emails": [{ "email": email }] });
    if let (Some(name), Some(given)) = (name, given.as_object_mut()) {
        given.insert("name".into(), name.into());
    }
    let given: Patch<Contact> = serde_json::from_value(given).map_err(Error::internal)?;
    let contact = given.record(cx.local_time())?;
    let made = cx.insert(contact, Attributes::new()).await?;
    Ok(made.id)
}

/// Where a caller wants a ticket to stand.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    pub(crate) status: Option<TicketStatus>,
    pub(crate) hold_reason: Option<Word>,
}

impl Turn {
    /// Brings it there.
    ///
    /// # Errors
    /// [`Code::Validation`] for a reason that is in no list, or where it is not on hold.
    pub(crate) fn take(self, ticket: &mut Ticket, desk: &Desk, at: Timestamp) -> Result<()> {
        let status = match (self.status, &self.hold_reason) {
            (Some(status), _) => status,
            // A reason to be on hold says that it is.
            (None, Some(_)) => TicketStatus::OnHold,
            (None, None) => return Ok(()),
        };
        let reason = match self.hold_reason {
            Some(_) if status != TicketStatus::OnHold => {
                let message = "Only a ticket that is on hold has a reason for it.";
                return Err(Error::invalid("hold_reason", message)
                    .hint("Leave it out, or say status: on_hold."));
            }
            Some(reason) => Some(desk.settings.hold_reason(&reason)?),
            None if status == *ticket.status => ticket.hold_reason.0.clone(),
            None => None,
        };
        ticket.turn(status, reason, &desk.settings, at)
    }
}

/// Refuses an outside identifier that another message has.
///
/// # Errors
/// [`Code::Conflict`] naming that message's ticket.
pub(crate) async fn refuse_known(cx: &mut Cx, outside_id: Option<&str>) -> Result<()> {
    let Some(outside_id) = outside_id else {
        return Ok(());
    };
    let row = sql("SELECT ticket")
        .from_live::<crate::message::TicketMessage>(cx)
        .sql(" AND outside_id = ")
        .value(outside_id.to_owned())
        .row(cx.tx())
        .await?;
    let Some(row) = row else { return Ok(()) };
    let ticket: Id<Ticket> = row.get("ticket")?;
    let message = format!("A message with this outside_id is in {ticket} already.");
    Err(Error::conflict(message)
        .field("outside_id")
        .detail("existing", ticket.to_string())
        .hint("Nothing is to be done: it was brought in before."))
}
