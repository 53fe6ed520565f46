//! Breaches: that a clock came to its target before what it waited for. Each is recorded once for a clock and message, and stays
//! whatever becomes of policy and priority.

use bureau_kernel::prelude::*;
use bureau_kernel::types::time::Timestamp;

use crate::clock::ClockType;
use crate::message::TicketMessage;
use crate::ticket::Ticket;

bureau_kernel::record! {
    /// That a clock of a ticket came to its target.
    pub struct TicketBreach: "ticket_breach", "brch", "breach" {
        /// The ticket.
        pub ticket: Managed<Parent<Id<Ticket>>> => [hidden],
        /// Which clock.
        pub clock: Managed<ClockType> => [row],
        /// The message that waited, for a next response.
        pub message: Managed<Option<Id<TicketMessage>>> => [row],
        /// What the policy said was its target, in minutes of working time.
        pub target_minutes: Managed<i64> => [row],
        /// When it came to that.
        pub due_at: Managed<Timestamp> => [row],
        /// When it ended; nothing while it has not.
        pub ended_at: Managed<Option<Timestamp>> => [row],
        /// The working time that it took.
        pub minutes_taken: Managed<Option<i64>> => [row],
        /// How much of that was beyond the target.
        pub minutes_over: Managed<Option<i64>> => [row],
    }
}

impl Record for TicketBreach {
    const ACCESS: Access = crate::PARTS;

    // It goes where its ticket goes, and its message with it.
    const BLOCKS_DELETION_WHILE: &'static str = "1 = 0";

    fn label(&self) -> String {
        bureau_kernel::store::enum_name(&*self.clock)
    }
}

impl Presented for TicketBreach {
    type Extra = Nothing;
    const ROW: &'static [&'static str] = &[];
}
