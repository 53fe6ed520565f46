//! What is said of a ticket beside its columns: how its clocks stand.

use bureau_kernel::prelude::*;
use bureau_kernel::types::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ticket::Ticket;

/// How the clocks of a ticket stand.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Standing {
    sla: SlaState,
    /// How often it went from one to another.
    handovers: usize,
}

/// How the clocks of a ticket stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SlaState {
    #[default]
    /// No clock is near its target.
    OnTrack,
    /// One has come to the share at which it warns.
    AtRisk,
    /// One came too late, now or before.
    Breached,
}

impl SlaState {
    fn of(ticket: &Ticket, now: Timestamp) -> Self {
        let has_come = |moment: Option<Timestamp>| moment.is_some_and(|moment| moment < now);
        if *ticket.breached || has_come(*ticket.next_breach) {
            Self::Breached
        } else if has_come(*ticket.next_warning) {
            Self::AtRisk
        } else {
            Self::OnTrack
        }
    }
}

impl Presented for Ticket {
    type Extra = Standing;
    const ROW: &'static [&'static str] = &["updated_at"];

    async fn extras(cx: &mut Cx, tickets: &[Saved<Self>], _: bool) -> Result<Vec<Standing>> {
        let now = cx.now();
        let standing = |ticket: &Saved<Self>| Standing {
            sla: SlaState::of(ticket, now),
            handovers: ticket.handovers.len(),
        };
        Ok(tickets.iter().map(standing).collect())
    }
}
