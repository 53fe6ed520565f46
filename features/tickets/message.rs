//! The messages of tickets.

use bureau_contacts::Contact;
use bureau_kernel::prelude::*;
use bureau_kernel::types::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ticket::Ticket;

bureau_kernel::record! {
    /// Something that was said in a ticket.
    pub struct TicketMessage: "ticket_message", "tmsg", "message" {
        /// The ticket.
        pub ticket: Managed<Parent<Id<Ticket>>> => [hidden],
        /// Whose it is, and for whom.
        pub r#type: MessageType => [row],
        /// What it says.
        pub body: LongText<20_000> => [search, row],
        /// When it was written.
        pub sent_at: Managed<Timestamp> => [row],
        /// The member who wrote it.
        pub member: Managed<Option<Id<Member>>> => [row],
        /// The customer who wrote it.
        pub contact: Option<Id<Contact>> => [row],
        /// By which it is known where it comes from, such as a mail's Message-ID.
        pub outside_id: Option<ShortText<250>> => [row],
        /// The ticket in which it stood before that went into this one.
        pub merged_from: Managed<Option<Id<Ticket>>> => [row],
    }
}

/// Whose a message is, and for whom.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum MessageType {
    /// The customer wrote it.
    Customer,
    /// A member wrote it to the customer, who has it.
    Reply,
    /// A member wrote it to the customer, who does not have it yet.
    Draft,
    #[default]
    /// A member wrote it for the firm alone.
    Note,
    /// A machine wrote it to the customer; it answers nothing.
    Automatic,
}
bureau_kernel::text_column!(MessageType);

impl MessageType {
    /// Whether the customer sees it.
    #[must_use]
    pub const fn is_public(self) -> bool {
        matches!(self, Self::Customer | Self::Reply | Self::Automatic)
    }

    /// Where it comes from.
    #[must_use]
    pub const fn origin(self) -> Origin {
        match self {
            Self::Customer => Origin::Outside,
            Self::Automatic => Origin::Automatic,
            Self::Reply | Self::Draft | Self::Note => Origin::Member,
        }
    }
}

/// Where a message comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    #[default]
    /// A member of the workspace.
    Member,
    /// Somebody else.
    Outside,
    /// A machine of the firm.
    Automatic,
}

/// What is said of a message beside its columns.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Reach {
    public: bool,
    origin: Origin,
}

impl Record for TicketMessage {
    const ACCESS: Access = crate::PARTS;

    // A ticket holds on to its requester itself.
    const BLOCKS_DELETION_WHILE: &'static str = "1 = 0";

    fn label(&self) -> String {
        let first = self.body.lines().next().unwrap_or_default();
        first.chars().take(80).collect()
    }
}

impl Presented for TicketMessage {
    type Extra = Reach;
    const ROW: &'static [&'static str] = &[];

    async fn extras(_: &mut Cx, messages: &[Saved<Self>], _: bool) -> Result<Vec<Reach>> {
        let reach = messages.iter().map(|message| Reach {
            public: message.r#type.is_public(),
            origin: message.r#type.origin(),
        });
        Ok(reach.collect())
    }
}
