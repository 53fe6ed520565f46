//! By what tickets are worked on: the words, policies and calendars of the workspace.

use bureau_kernel::business_calendar::{BusinessCalendar, calendars};
use bureau_kernel::calendar::Calendar;
use bureau_kernel::prelude::*;
use chrono_tz::TZ_VARIANTS;

use crate::policy::{SlaPolicy, policies};
use crate::ticket::Ticket;
use crate::words::{TicketSettings, settings};

/// The arrangements of a workspace.
pub(crate) struct Desk {
    pub(crate) settings: Saved<TicketSettings>,
    pub(crate) policies: Vec<Saved<SlaPolicy>>,
    pub(crate) calendars: Vec<Saved<BusinessCalendar>>,
    workspace: Workspace,
}

/// What holds for a ticket.
pub(crate) struct Rules {
    pub(crate) policy: Saved<SlaPolicy>,
    /// None where it cannot be read any more.
    pub(crate) calendar: Option<Calendar>,
}

impl Desk {
    /// Reads them.
    ///
    /// # Errors
    /// What the database says.
    pub(crate) async fn of(cx: &mut Cx) -> Result<Self> {
        Ok(Self {
            settings: settings(cx).await?,
            policies: policies(cx).await?,
            calendars: calendars(cx).await?,
            workspace: cx.workspace().clone(),
        })
    }

    /// What holds for a ticket: the first policy whose conditions it meets while it is open, and what held last once it is not.
    pub(crate) fn rules(&self, ticket: &Ticket) -> Option<Rules> {
        let kept = ticket.policy.filter(|_| ticket.status.is_over());
        let mut all = self.policies.iter();
        let kept = kept.and_then(|kept| all.find(|policy| policy.id == kept));
        let mut all = self.policies.iter();
        let policy = kept.or_else(|| all.find(|policy| policy.holds_for(ticket)))?;
        let mut calendars = self.calendars.iter();
        let calendar = calendars.find(|calendar| calendar.id == *policy.calendar);
        Some(Rules {
            policy: policy.clone(),
            calendar: calendar.and_then(|one| one.calendar(&self.workspace).ok()),
        })
    }

    /// What tells this state of policies and calendars from others.
    pub(crate) fn stamp(&self) -> i64 {
        stamp(&self.settings, &self.workspace)
    }
}

/// What tells the present state of policies and calendars from others: how often they were changed, and the workspace's time zone,
/// which calendars go by that have none of their own.
pub(crate) fn stamp(settings: &TicketSettings, workspace: &Workspace) -> i64 {
    /// More than there are zones.
    const ZONES: i64 = 10_000;
    let mut zones = (0..).zip(TZ_VARIANTS);
    let zone = zones.find_map(|(place, zone)| (zone == workspace.time_zone).then_some(place));
    *settings.generation * ZONES + zone.unwrap_or(ZONES - 1)
}
