//! The record of a job for which people are sought. In code it is a vacancy: a job is what the scheduler runs.

use bureau_kernel::prelude::*;
use bureau_kernel::record::{Called, CalledBy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::JOBS;

bureau_kernel::record! {
    /// A job for which people are sought.
    pub struct Vacancy: "vacancy", "job", "job" {
        /// What it is called.
        pub title: ShortText<200> => [label, search, sort_by("sort_title"), row],
        /// Where it stands.
        pub status: JobStatus => [filter, several, row],
        /// The part of the firm that it is in.
        pub department: Option<ShortText<100>> => [search, filter, row],
        /// Where the work is done.
        pub location: Option<ShortText<200>> => [search, row],
        /// On which terms.
        pub employment: Option<ShortText<50>> => [filter, row],
        /// For whom the person will work.
        pub hiring_manager: Option<Id<Member>> => [filter, row],
        /// Who looks for the person.
        pub recruiter: Option<Id<Member>> => [filter, row],
        /// What the job is.
        pub description: Option<LongText<20_000>> => [search],
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// It is being prepared.
    Draft,
    #[default]
    /// People are sought for it.
    Open,
    /// The search rests.
    OnHold,
    /// The search is over.
    Closed,
}
bureau_kernel::text_column!(JobStatus);

impl Record for Vacancy {
    const ACCESS: Access = JOBS;

    const CALLED: Called = Called::by(&[CalledBy::Column("sort_title")], "list_jobs");
}
