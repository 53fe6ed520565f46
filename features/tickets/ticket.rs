//! The ticket record and what holds of every ticket.

use bureau_companies::Company;
use bureau_contacts::Contact;
use bureau_kernel::caller::Team;
use bureau_kernel::duplicates::distinct;
use bureau_kernel::numbered::{Numbered, Numbering};
use bureau_kernel::prelude::*;
use bureau_kernel::record::{Called, CalledBy, Exported};
use bureau_kernel::series::Series;
use bureau_kernel::store::Value;
use bureau_kernel::types::text::folded;
use bureau_kernel::types::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::policy::SlaPolicy;
use crate::status::{StatusChange, TicketStatus};

bureau_kernel::record! {
    /// A request of a customer.
    pub struct Ticket: "ticket", "tkt", "ticket" {
        /// Its number.
        pub number: Managed<Option<ShortText<40>>> => [key, search_digits, row],
        /// The series of the number.
        pub series: Managed<Option<Id<Series>>> => [hidden],
        /// The period of the series in which it is counted.
        pub period: Managed<Option<i64>> => [hidden],
        /// Its place in that period.
        pub serial: Managed<Option<i64>> => [hidden],
        /// What it is about.
        pub subject: ShortText<200> => [search, row],
        /// Where it stands.
        pub status: Managed<TicketStatus> => [key, row],
        /// Why it is on hold.
        pub hold_reason: Managed<Option<ShortText<60>>> => [filter],
        /// How much it hurries.
        pub priority: TicketPriority => [filter, several, row],
        /// Whose request it is.
        pub requester: Option<Id<Contact>> => [filter, row],
        /// The company for which they ask.
        pub company: Option<Id<Company>> = "Default the requester's" => [filter, row],
        /// Who looks after it.
        pub assignee: Option<Id<Member>> => [filter, row],
        /// The team that looks after it.
        pub team: Option<Id<Team>> => [filter, row],
        /// What kind of request it is, in the workspace's words.
        pub category: Option<ShortText<60>> => [filter, row],
        /// What it is about, in the workspace's words.
        pub product: Option<ShortText<60>> => [filter],
        /// By which way it came in.
        pub channel: Managed<Option<TicketChannel>> => [filter],
        /// Labels.
        pub tags: Json<Vec<ShortText<50>>> => [search, filter_as("tag")],
        /// When it came in.
        pub opened_at: Managed<Timestamp> => [sort, range("opened_after", "opened_before"), row],
        /// The least of the moments at which a running clock comes to its target, also where that has passed.
        pub next_breach: Managed<Option<Timestamp>>
            => [sort_by("sort_next_breach"), range("next_breach_after", "next_breach_before"), row],
        /// The least of the moments at which a running clock comes to the share at which it warns.
        pub next_warning: Managed<Option<Timestamp>> => [hidden],
        /// When the scheduler has to look at it again: the least moment of a breach that is not recorded yet.
        pub next_check: Managed<Option<Timestamp>> => [hidden],
        /// By which state of the policies and calendars its clocks were set.
        pub clocks_of: Managed<i64> => [hidden],
        /// The policy that sets its targets.
        pub policy: Managed<Option<Id<SlaPolicy>>>,
        /// Whether a clock of it ever came too late.
        pub breached: Managed<bool> => [hidden],
        /// Whether the first response was late.
        pub first_response_breached: Managed<bool> => [hidden],
        /// Whether the solution was late.
        pub resolution_breached: Managed<bool> => [hidden],
        /// Since when the customer waits for a word.
        pub waiting_since: Managed<Option<Timestamp>> => [row],
        /// When a member answered first.
        pub first_response_at: Managed<Option<Timestamp>>
            => [range("first_response_after", "first_response_before")],
        /// How much working time that took.
        pub first_response_minutes: Managed<Option<i64>>,
        /// When it was solved first.
        pub first_solved_at: Managed<Option<Timestamp>>,
        /// How much working time that took, without pauses.
        pub first_resolution_minutes: Managed<Option<i64>>,
        /// When it was solved; nothing while it is not.
        pub solved_at: Managed<Option<Timestamp>> => [range("solved_after", "solved_before")],
        /// How much working time that took in all, without pauses.
        pub resolution_minutes: Managed<Option<i64>>,
        /// When it was closed.
        pub closed_at: Managed<Option<Timestamp>> => [range("closed_after", "closed_before")],
        /// How often it was opened again.
        pub reopened: Managed<i64>,
        /// Every status that it had.
        pub history: Managed<Json<Vec<StatusChange>>> => [hidden],
        /// From whom to whom it went.
        pub handovers: Managed<Json<Vec<Handover>>> => [hidden],
        /// The ticket that it went into.
        pub merged_into: Managed<Option<Id<Ticket>>>,
        /// How content the customer is.
        pub satisfaction: Managed<Option<BoundedInt<1, 5>>>
            => [range("min_satisfaction", "max_satisfaction")],
        /// What the customer said of that.
        pub satisfaction_comment: Managed<Option<LongText<2000>>>,
    }
}

/// How much a ticket hurries.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum TicketPriority {
    /// Whenever there is time.
    Low,
    #[default]
    /// As usual.
    Normal,
    /// Before others.
    High,
    /// Before all others.
    Urgent,
}
bureau_kernel::text_column!(TicketPriority);

/// By which way a ticket came in.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum TicketChannel {
    /// By mail.
    Email,
    /// By telephone.
    Phone,
    /// In a chat.
    Chat,
    /// By a form of a web page.
    Web,
    #[default]
    /// Otherwise.
    Other,
}
bureau_kernel::text_column!(TicketChannel);

/// That a ticket went from one member or team to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Handover {
    /// When.
    pub at: Timestamp,
    /// From whom.
    pub from: Option<Id<Member>>,
    /// To whom.
    pub to: Option<Id<Member>>,
    /// From which team.
    pub from_team: Option<Id<Team>>,
    /// To which team.
    pub to_team: Option<Id<Team>>,
}

/// So many handovers of one ticket are kept.
const MOST_HANDOVERS: usize = 1_000;

impl Ticket {
    /// What a message calls it: its number, never its subject, which somebody wrote.
    #[must_use]
    pub fn called(&self) -> String {
        match &*self.number {
            Some(number) => number.to_string(),
            None => "This ticket".to_owned(),
        }
    }

    /// Notes that it is handed over, where it was somebody's or some team's and is another's now.
    ///
    /// # Errors
    /// [`Code::Conflict`] after too many.
    pub(crate) fn note_handover(&mut self, before: &Self, at: Timestamp) -> Result<()> {
        let changed = before.assignee.is_some() && before.assignee != self.assignee
            || before.team.is_some() && before.team != self.team;
        if !changed {
            return Ok(());
        }
        if self.handovers.len() == MOST_HANDOVERS {
            let message = format!("This ticket was handed over {MOST_HANDOVERS} times already.");
            return Err(Error::conflict(message)
                .field("assignee")
                .hint("Go on in another one, made with create_ticket."));
        }
        self.handovers.0.0.push(Handover {
            at,
            from: before.assignee,
            to: self.assignee,
            from_team: before.team,
            to_team: self.team,
        });
        Ok(())
    }
}

/// The numbers of tickets.
pub(crate) const TICKETS: Numbering = Numbering {
    numbers: "tickets",
    pattern: "TIC-{number:4}",
    yearly: false,
    in_order_of: None,
};

impl Numbered for Ticket {
    const SERIES: &'static [Numbering] = &[TICKETS];
}

impl Record for Ticket {
    const ACCESS: Access = crate::TICKETS;

    // What is done goes on naming whose it was, and does not hold on to them.
    const BLOCKS_DELETION_WHILE: &'static str = "status NOT IN ('solved', 'closed')";

    const CALLED: Called = Called::by(&[CalledBy::Key("number")], "list_tickets");

    const EXPORTED: Exported = Exported {
        day: Some("opened_at"),
        open: &["new", "open", "pending", "on_hold"],
        inner: &[
            "series",
            "period",
            "serial",
            "history",
            "handovers",
            "next_warning",
            "next_check",
            "clocks_of",
        ],
        ..Exported::PLAIN
    };

    fn label(&self) -> String {
        match &*self.number {
            Some(number) => format!("{number} {}", self.subject),
            None => self.subject.to_string(),
        }
    }

    fn check(&mut self, _: &Workspace) -> Result<()> {
        if self.satisfaction_comment.is_some() && self.satisfaction.is_none() {
            let message = "A comment goes with a rating.";
            return Err(Error::invalid("satisfaction_comment", message)
                .hint("Say satisfaction, from 1 to 5, with it."));
        }
        distinct("tags", &mut self.tags, |a, b| folded(a) == folded(b))
    }

    fn derived(&self) -> Vec<(&'static str, Value)> {
        let mut derived = self.declared_orders();
        derived.push(("name", Value::Text(Record::label(self))));
        derived.push(("sort_priority", Value::Int(self.priority as i64)));
        derived
    }
}
