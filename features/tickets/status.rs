//! Where a ticket stands, and every status that it had.

use bureau_kernel::prelude::*;
use bureau_kernel::types::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ticket::Ticket;
use crate::words::TicketSettings;

/// Where a ticket stands.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum TicketStatus {
    #[default]
    /// Nobody has answered yet.
    New,
    /// It is worked on.
    Open,
    /// The customer has to say something.
    Pending,
    /// Somebody else has to do something.
    OnHold,
    /// It is done, as far as the firm knows.
    Solved,
    /// It is done for good.
    Closed,
}
bureau_kernel::text_column!(TicketStatus);

impl TicketStatus {
    /// Whether it is done.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Solved | Self::Closed)
    }
}

/// A status that a ticket came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct StatusChange {
    /// The status.
    pub status: TicketStatus,
    /// Since when.
    pub at: Timestamp,
    /// Whether the clocks stand still in it, as was arranged then.
    pub pauses: bool,
    /// Why it is on hold.
    pub hold_reason: Option<ShortText<60>>,
}

impl StatusChange {
    /// Whether the clocks run in it.
    #[must_use]
    pub fn lets_run(&self) -> bool {
        !self.pauses && !self.status.is_over()
    }
}

/// So many statuses of one ticket are kept.
const MOST_CHANGES: usize = 1_000;

impl Ticket {
    /// Brings it to a status at a moment; the same status with another reason counts as one more.
    ///
    /// # Errors
    /// [`Code::Validation`] for what was new and is to be so again; [`Code::Conflict`] after too many changes.
    pub(crate) fn turn(
        &mut self,
        status: TicketStatus,
        hold_reason: Option<ShortText<60>>,
        settings: &TicketSettings,
        at: Timestamp,
    ) -> Result<()> {
        let last = self.history.last();
        let stays =
            last.is_some_and(|last| last.status == status && last.hold_reason == hold_reason);
        if stays {
            return Ok(());
        }
        if status == TicketStatus::New && last.is_some_and(|last| last.status != status) {
            return Err(
                Error::invalid("status", "A ticket that was taken up is not new again.")
                    .hint("Say open."),
            );
        }
        if self.history.len() == MOST_CHANGES {
            let message = format!("This ticket has had {MOST_CHANGES} statuses already.");
            return Err(Error::conflict(message)
                .field("status")
                .hint("Go on in another one, made with create_ticket."));
        }
        // No change comes before the one that it follows.
        let at = last.map_or(at, |last| last.at.max(at));
        let was_over = self.status.is_over();
        self.status = Managed(status);
        self.hold_reason = Managed(hold_reason.clone());
        self.history.0.0.push(StatusChange {
            status,
            at,
            pauses: settings.pauses(status, hold_reason.as_deref()),
            hold_reason,
        });
        match (was_over, status.is_over()) {
            (false, true) => {
                self.solved_at = Managed(Some(at));
                self.first_solved_at = Managed(self.first_solved_at.or(Some(at)));
            }
            (true, false) => {
                self.solved_at = Managed(None);
                self.resolution_minutes = Managed(None);
                self.reopened = Managed(*self.reopened + 1);
            }
            _ => {}
        }
        let is_closed = status == TicketStatus::Closed;
        self.closed_at = Managed(is_closed.then_some(at));
        Ok(())
    }
}
