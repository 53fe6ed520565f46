//! The activity record and what holds of every activity.

use bureau_companies::Company;
use bureau_contacts::Contact;
use bureau_deals::Deal;
use bureau_kernel::prelude::*;
use bureau_kernel::record::Touch;
use bureau_kernel::types::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ACTIVITIES;

bureau_kernel::record! {
    /// What was done, or is to be done.
    pub struct Activity: "activity", "act", "activity" {
        /// What kind of thing it is.
        pub r#type: ActivityType => [filter, several, row, bulk, import("activity type, kind, task type")],
        /// In a few words.
        pub subject: ShortText<200>
            => [label, search, row, import("title, name, activity, task, activity subject, task title, betreff")],
        /// In full. It may be long, and a list of a hundred has to stay readable.
        pub body: Option<LongText<20_000>> => [search, import("description, notes, note, details, task notes, notizen")],
        /// When it is due, or takes place.
        pub due_at: Option<Timestamp> = "A day, or a moment"
            => [sort_by("sort_due"), within("done_at"), range("due_after", "due_before"), row, bulk,
                import("due, due date, date, start, start date, fällig")],
        /// How long it takes.
        pub minutes: Option<BoundedInt<1, 10_080>> => [row, import("duration, duration minutes")],
        /// When it was done; nothing while it is to be done.
        pub done_at: Managed<Option<Timestamp>> => [sort, range("done_after", "done_before"), row,
                import("completed at, completed date, done, marked as done time, completed")],
        /// What came of it.
        pub outcome: Option<ShortText<500>> => [search, row, import("result, call outcome, meeting outcome")],
        /// Who does it.
        pub assignee: Option<Id<Member>> = "Default you"
            => [filter, row, bulk, import("owner, assigned to, assigned to user, activity assigned to, user")],
        /// With whom.
        pub contact: Option<Id<Contact>> => [filter, row, import("contact name, contact person, person, associated contact")],
        /// With which company.
        pub company: Option<Id<Company>>
            => [filter, row, import("company name, organization, organisation, account, firm, associated company")],
        /// For which deal.
        pub deal: Option<Id<Deal>> => [filter, row, bulk, import("deal name, opportunity, associated deal")],
    }
}

/// A kind of activity.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ActivityType {
    /// A talk by telephone.
    Call,
    /// A mail that was written or is to be.
    Email,
    /// People come together.
    Meeting,
    #[default]
    /// Something to do.
    Task,
    /// Something to remember; it is never to be done.
    Note,
}
bureau_kernel::text_column!(ActivityType);

impl Record for Activity {
    const ACCESS: Access = ACTIVITIES;

    // What was done goes on naming with whom, and does not hold on to them.
    const BLOCKS_DELETION_WHILE: &'static str = "done_at IS NULL";

    // A task or a note is no talk with anybody.
    const TOUCH: Option<Touch> = Some(Touch {
        at: "done_at",
        counts: "done_at IS NOT NULL AND type IN ('call', 'email', 'meeting')",
    });

    fn check(&mut self, _: &Workspace) -> Result<()> {
        if self.outcome.is_some() && self.done_at.is_none() {
            return Err(
                Error::invalid("outcome", "What is not done yet has no outcome.")
                    .hint("Use complete_activity, or say done: true."),
            );
        }
        Ok(())
    }
}
