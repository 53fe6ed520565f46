//! The activity record and what holds of every activity.

use bureau_companies::Company;
use bureau_contacts::Contact;
use bureau_deals::Deal;
use bureau_kernel::prelude::*;
use bureau_kernel::store::{Value, enum_name};
use bureau_kernel::types::time::Timestamp;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{CREATE_ACTIVITIES, DELETE_ACTIVITIES, READ_ACTIVITIES, UPDATE_ACTIVITIES};

bureau_kernel::record! {
    /// What was done, or is to be done.
    pub struct Activity: "activity", "act", "activity" {
        /// What kind of thing it is.
        pub r#type: ActivityType,
        /// In a few words.
        pub subject: ShortText<200>,
        /// In full.
        pub body: Option<LongText<20_000>>,
        /// When it is due, or takes place.
        pub due_at: Option<Timestamp> = "A day, or a moment",
        /// How long it takes.
        pub minutes: Option<BoundedInt<1, 10_080>>,
        /// When it was done; nothing while it is to be done.
        pub done_at: Managed<Option<Timestamp>>,
        /// What came of it.
        pub outcome: Option<ShortText<500>>,
        /// Who does it.
        pub assignee: Option<Id<Member>> = "Default you",
        /// With whom.
        pub contact: Option<Id<Contact>>,
        /// With which company.
        pub company: Option<Id<Company>>,
        /// For which deal.
        pub deal: Option<Id<Deal>>,
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
    const ACCESS: Access = Access {
        read: READ_ACTIVITIES,
        create: CREATE_ACTIVITIES,
        update: UPDATE_ACTIVITIES,
        delete: DELETE_ACTIVITIES,
    };

    // What was done goes on naming with whom, and does not hold on to them.
    const BLOCKS_DELETION_WHILE: &'static str = "done_at IS NULL";

    fn label(&self) -> String {
        self.subject.to_string()
    }

    fn check(&mut self, _: &Workspace) -> Result<()> {
        if self.outcome.is_some() && self.done_at.is_none() {
            return Err(
                Error::invalid("outcome", "What is not done yet has no outcome.")
                    .hint("Use complete_activity, or say done: true."),
            );
        }
        Ok(())
    }

    fn index_keys(&self) -> Vec<(&'static str, String)> {
        let mut keys = vec![("type", enum_name(&self.r#type))];
        keys.extend(self.assignee.map(|id| ("assignee", id.to_string())));
        keys.extend(self.contact.map(|id| ("contact", id.to_string())));
        keys.extend(self.company.map(|id| ("company", id.to_string())));
        keys.extend(self.deal.map(|id| ("deal", id.to_string())));
        keys
    }

    fn derived(&self) -> Vec<(&'static str, Value)> {
        vec![("sort_due", Value::Time(self.due_at.unwrap_or(NEVER)))]
    }

    fn text(&self) -> Option<SearchText> {
        let words = self
            .body
            .as_deref()
            .into_iter()
            .chain(self.outcome.as_deref());
        Some(SearchText {
            words: words.map(str::to_owned).collect(),
            numbers: Vec::new(),
        })
    }
}

/// Where in an order by date stands what is never due: at the end.
const NEVER: Timestamp = midnight(9999, 12, 31);
/// A moment before [`NEVER`]: what bounds a list of what is due at all.
pub(crate) const LAST_MOMENT: Timestamp = midnight(9999, 12, 30);

const fn midnight(year: i32, month: u32, day: u32) -> Timestamp {
    match NaiveDate::from_ymd_opt(year, month, day) {
        Some(date) => {
            DateTime::<Utc>::from_naive_utc_and_offset(date.and_time(NaiveTime::MIN), Utc)
        }
        None => DateTime::<Utc>::MAX_UTC,
    }
}
