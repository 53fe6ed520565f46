//! SLA policies: how much working time may pass until tickets are answered and solved. The first whose conditions a ticket meets
//! holds for it, and the default one for those that meet none.

use bureau_companies::Company;
use bureau_kernel::business_calendar::BusinessCalendar;
use bureau_kernel::caller::Team;
use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use bureau_kernel::types::text::folded;
use chrono::Duration;

use crate::ARRANGED;
use crate::clock::Targets;
use crate::ticket::{Ticket, TicketChannel, TicketPriority};

/// Minutes of working time that a target may be: up to a year.
type Minutes = BoundedInt<1, 525_600>;

bureau_kernel::record! {
    /// What customers may expect.
    pub struct SlaPolicy: "sla_policy", "sla", "policy" {
        /// Its name.
        pub name: ShortText<60> => [label, key],
        /// Its place among the policies: the least is looked at first.
        pub position: BoundedInt<1, 1000> = "Least is tried first",
        /// Whether it holds for what meets no other one's conditions.
        pub is_default: Managed<bool>,
        /// Whether it holds for nothing.
        pub disabled: bool,
        /// Only for this company.
        pub company: Option<Id<Company>>,
        /// Only for this team.
        pub team: Option<Id<Team>>,
        /// Only for these.
        pub priorities: Json<Vec<TicketPriority>> = "Only for these; so the next four",
        /// Only for what has one of these.
        pub tags: Json<Vec<ShortText<50>>>,
        /// Only for these.
        pub categories: Json<Vec<ShortText<60>>>,
        /// Only for these.
        pub channels: Json<Vec<TicketChannel>>,
        /// In whose hours it counts.
        pub calendar: Managed<Id<BusinessCalendar>>,
        /// Working time to the first answer.
        pub first_response_minutes: Option<BoundedInt<1, 525_600>> = "Working time",
        /// Working time to each further answer.
        pub next_response_minutes: Option<BoundedInt<1, 525_600>>,
        /// Working time to the solution.
        pub resolution_minutes: Option<BoundedInt<1, 525_600>>,
        /// At which share of a target it warns; 80 where nothing is said.
        pub warn_percent: Option<BoundedInt<1, 100>> = "Of a target; default 80",
    }
}

/// At which share of a target a policy warns that does not say so.
const WARNS_AT: i64 = 80;

impl Record for SlaPolicy {
    const ACCESS: Access = ARRANGED;

    fn check(&mut self, _: &Workspace) -> Result<()> {
        if *self.is_default && self.disabled {
            let message = "The default policy cannot be switched off.";
            return Err(Error::invalid("disabled", message)
                .hint("Give it other targets, or empty them with clear."));
        }
        if *self.is_default
            && let Some(field) = self.condition()
        {
            let message = "The default policy holds for all tickets that meet no other one.";
            return Err(Error::invalid(field, message).hint("Add another policy for these."));
        }
        Ok(())
    }

    fn validate_transition(&self, next: Option<&Self>) -> Result<()> {
        if *self.is_default && next.is_none() {
            return Err(Error::conflict("The default policy cannot be removed."));
        }
        Ok(())
    }
}

impl SlaPolicy {
    /// The first of its conditions, by name.
    fn condition(&self) -> Option<&'static str> {
        let conditions = [
            ("company", self.company.is_some()),
            ("team", self.team.is_some()),
            ("priorities", !self.priorities.is_empty()),
            ("tags", !self.tags.is_empty()),
            ("categories", !self.categories.is_empty()),
            ("channels", !self.channels.is_empty()),
        ];
        let mut given = conditions.into_iter();
        given.find_map(|(name, is_given)| is_given.then_some(name))
    }

    /// Whether a ticket meets all its conditions: of those with several values one.
    #[must_use]
    pub fn holds_for(&self, ticket: &Ticket) -> bool {
        let has_word = |words: &[ShortText<60>], own: Option<&str>| {
            words.is_empty()
                || own.is_some_and(|own| words.iter().any(|word| folded(word) == folded(own)))
        };
        let tagged = |tag: &ShortText<50>| {
            let mut own = ticket.tags.iter();
            own.any(|own| folded(own) == folded(tag))
        };
        !self.disabled
            && (self.company.is_none() || self.company == ticket.company)
            && (self.team.is_none() || self.team == ticket.team)
            && (self.priorities.is_empty() || self.priorities.contains(&ticket.priority))
            && (self.tags.is_empty() || self.tags.iter().any(tagged))
            && has_word(&self.categories, ticket.category.as_deref())
            && (self.channels.is_empty()
                || ticket
                    .channel
                    .is_some_and(|channel| self.channels.contains(&channel)))
    }

    /// What it allows.
    #[must_use]
    pub fn targets(&self) -> Targets {
        let target = |minutes: Option<Minutes>| minutes.map(|it| Duration::minutes(it.get()));
        Targets {
            first_response: target(self.first_response_minutes),
            next_response: target(self.next_response_minutes),
            resolution: target(self.resolution_minutes),
        }
    }

    /// At which share of a target it warns, in percent.
    #[must_use]
    pub fn warns_at(&self) -> i64 {
        self.warn_percent.map_or(WARNS_AT, BoundedInt::get)
    }
}

/// So many policies a workspace has at most.
pub(crate) const MOST_POLICIES: u32 = 100;

/// The policies of the workspace in the order in which they are tried: the default one is the last.
///
/// # Errors
/// What the database says.
pub(crate) async fn policies(cx: &mut Cx) -> Result<Vec<Saved<SlaPolicy>>> {
    let list = cx.list::<SlaPolicy>();
    let page = list.page(Order::CREATED, false, Limit::of(MOST_POLICIES), None);
    let mut all = page.await?.rows;
    all.sort_by_key(|policy| (*policy.is_default, policy.position.get(), policy.id));
    Ok(all)
}

/// The policy that a new workspace starts with.
pub(crate) async fn provision(cx: &mut Cx, calendar: Id<BusinessCalendar>) -> Result<()> {
    let minutes = |minutes: i64| Minutes::new(minutes).map_err(Error::internal);
    let mut policy = SlaPolicy::empty();
    policy.name = ShortText::new("Default").map_err(Error::internal)?;
    policy.is_default = Managed(true);
    policy.calendar = Managed(calendar);
    policy.first_response_minutes = Some(minutes(480)?);
    policy.next_response_minutes = Some(minutes(480)?);
    policy.resolution_minutes = Some(minutes(2_400)?);
    cx.insert(policy, Attributes::new()).await.map(drop)
}
