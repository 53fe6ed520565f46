//! The application of a candidate for a job, and what holds of every application.

use bureau_kernel::caller::Caller;
use bureau_kernel::prelude::*;
use bureau_kernel::record::{Called, CalledBy};
use bureau_kernel::types::id::Entity as _;
use bureau_kernel::types::time::Timestamp;
use chrono::NaiveDate;

use crate::candidate::Candidate;
use crate::reason::LeavingReason;
use crate::stages::{JobStage, StageKind};
use crate::vacancy::Vacancy;
use crate::{CANDIDATES, REJECT_CANDIDATES};

bureau_kernel::record! {
    /// That a candidate may get a job.
    pub struct Application: "application", "app", "application" {
        /// What the candidate is called.
        pub name: Managed<ShortText<200>> => [label, key, hidden],
        /// Who applies.
        pub candidate: Id<Candidate> => [row],
        /// For which job.
        pub job: Id<Vacancy> => [column_filter, row],
        /// Where it stands.
        pub stage: Managed<Id<JobStage>> => [row],
        /// Since when it stands there.
        pub stage_since: Managed<Timestamp>,
        /// What it is there.
        pub status: Managed<StageKind> => [column_filter, several, row],
        /// When the candidate applied.
        pub applied_on: Option<NaiveDate> = "Default today" => [range("applied_after", "applied_before"), row],
        /// Where this application comes from.
        pub source: Option<ShortText<100>> => [filter, row],
        /// Who brought it.
        pub referrer: Option<Id<Member>> => [column_filter, row],
        /// The stage in which it ended without a hire.
        pub left_stage: Managed<Option<Id<JobStage>>>,
        /// Why.
        pub reason: Managed<Option<LeavingReason>> => [row],
        /// What was said of its last move.
        pub note: Managed<Option<ShortText<500>>>,
        /// When it ended, one way or the other.
        pub closed_on: Managed<Option<NaiveDate>> => [range("closed_after", "closed_before"), row],
        /// When the candidate agreed to work here: the day on which it ended.
        pub accepted_on: Managed<Option<NaiveDate>> => [row],
    }
}

impl Record for Application {
    const ACCESS: Access = CANDIDATES;

    const CALLED: Called = Called::by(&[CalledBy::Key("name")], "list_candidates").borrowed();

    /// Nobody is turned down by who may only move candidates on.
    fn may_write(before: Option<&Self>, after: &Self, caller: &Caller) -> Result<()> {
        if !is_rejected_now(before, after) || caller.may(REJECT_CANDIDATES) {
            return Ok(());
        }
        let name = REJECT_CANDIDATES.name();
        let message =
            format!("Rejecting a candidate takes the permission {name}, which you do not have.");
        Err(Error::new(Code::Forbidden, message)
            .field("stage")
            .hint("Nothing was written. Ask somebody who may reject, or leave the candidate where they are.")
            .detail("permission", name)
            .detail("kind", Self::NOUN))
    }

    /// And nobody without a person's word.
    fn commits(before: Option<&Self>, after: &Self) -> Option<Commitment> {
        is_rejected_now(before, after).then_some(Commitment {
            what: "reject",
            worth: None,
        })
    }
}

/// Whether it was not rejected before and is now.
fn is_rejected_now(before: Option<&Application>, after: &Application) -> bool {
    let is_rejected = |application: &Application| *application.status == StageKind::Rejected;
    is_rejected(after) && !before.is_some_and(is_rejected)
}

/// Tools answer its columns and nothing beside them.
impl Presented for Application {
    type Extra = Nothing;
    const ROW: &'static [&'static str] = &[];
}
