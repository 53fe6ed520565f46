//! Recruiting: jobs with their openings, candidates, and the way of their applications.
//!
//! Permissions: `read_jobs`, `create_jobs`, `update_jobs`, `delete_jobs` (to take the creation of one back); `read_candidates`,
//! `create_candidates`, `update_candidates`, `delete_candidates` for candidates and their applications; `read_offers`,
//! `create_offers`, `update_offers`, `delete_offers`; and the same four for
//! `scorecards`. Rejecting somebody takes
//! `reject_candidates` too, whichever tool or undo does it, and a person's word; `manage_recruiting` is for how long personal data is
//! kept.
//!
//! A candidate is a person, an application belongs to one job, and a prospect has none yet. An application is what the kind of
//! its stage says; every move from stage to stage is a record, of which all figures are made.

mod all_stored;
mod anonymize;
mod anonymize_candidate;
mod application;
mod candidate;
mod candidate_view;
mod create_application;
mod create_candidate;
mod create_interview;
mod create_job;
mod create_offer;
mod create_scorecard;
mod get_candidate;
mod get_job;
mod import;
mod interview;
mod job_view;
mod jobs;
mod list_applications;
mod list_candidates;
mod list_jobs;
mod measures;
mod merge_candidates;
mod metrics;
mod moves;
mod naming;
mod offer;
mod offering;
mod openings;
mod placing;
mod reason;
mod retention;
mod settings;
mod stages;
mod suggestions;
mod update_application_status;
mod update_candidate;
mod update_job;
mod update_offer;
mod vacancy;

use bureau_kernel::prelude::*;

use anonymize_candidate::AnonymizeCandidate;
use create_application::CreateApplication;
use create_candidate::CreateCandidate;
use create_interview::CreateInterview;
use create_job::CreateJob;
use create_offer::CreateOffer;
use create_scorecard::CreateScorecard;
use get_candidate::GetCandidate;
use list_applications::ListApplications;
use list_candidates::ListCandidates;
use merge_candidates::MergeCandidates;
use metrics::GetRecruitingMetrics;
use update_application_status::UpdateApplicationStatus;
use update_candidate::UpdateCandidate;
use update_job::UpdateJob;
use update_offer::UpdateOffer;

pub use application::Application;
pub use candidate::Candidate;
pub use interview::{AttributeRating, Interview, Rating, Scorecard};
pub use moves::Move;
pub use offer::{Offer, OfferStatus, PayPeriod, Version};
pub use openings::{Opening, OpeningStatus};
pub use reason::LeavingReason;
pub use retention::count_due;
pub use settings::{Months, RecruitingSettings, arrange};
pub use stages::{JobStage, StageKind};
pub use vacancy::{JobStatus, Vacancy};

/// The permissions for jobs.
pub const JOBS: Access = access!("jobs");
/// The permissions for candidates and their applications.
pub const CANDIDATES: Access = access!("candidates");
/// The permissions for offers: what is paid is not for everybody who sees candidates.
pub const OFFERS: Access = access!("offers");
/// The permissions for scorecards. Whoever has written one about an application sees the others' without them.
pub const SCORECARDS: Access = access!("scorecards");
/// Turn candidates down.
pub const REJECT_CANDIDATES: Permission = Permission::new("reject_candidates");
/// Arrange how long personal data is kept.
pub const MANAGE_RECRUITING: Permission = Permission::new("manage_recruiting");

/// For what somebody applies, and where that stands, is a part of the application: its tools name job and stage.
const PLACE: &[Covers] = &[Covers::read::<Vacancy>(), Covers::read::<JobStage>()];

/// The module's table.
pub const MODULE: Module = Module {
    name: "recruiting",
    about: "Jobs with their openings, candidates, applications and hiring figures",
    tokens: 2_880,
    schemas: include_str!("schemas.txt"),
    tools: tools![
        AnonymizeCandidate,
        CreateApplication,
        CreateCandidate,
        CreateInterview,
        CreateJob,
        CreateOffer,
        CreateScorecard,
        GetCandidate,
        Get<Vacancy>,
        GetRecruitingMetrics,
        ListApplications,
        ListCandidates,
        Lists<Vacancy>,
        MergeCandidates,
        UpdateApplicationStatus,
        UpdateCandidate,
        UpdateJob,
        UpdateOffer,
    ],
    records: records![
        Vacancy,
        JobStage,
        Candidate,
        Application,
        Move,
        Opening,
        Offer,
        Interview,
        Scorecard,
        RecruitingSettings,
    ],
    permissions: &[REJECT_CANDIDATES, MANAGE_RECRUITING],
    provides: &[&settings::ARRANGEMENTS],
    jobs: jobs::JOBS,
    measures: measures::ALL,
    imports: imports![Candidate],
    reacts: &[reaction::<naming::Rename>()],
    resources: &[
        Resource {
            uri: "bureau://jobs/{job}",
            name: "job",
            title: "Job",
            about: "A job with its stages and openings.",
            tool: "get_job",
            ..Resource::JSON
        },
        Resource {
            uri: "bureau://candidates/{candidate}",
            name: "candidate",
            title: "Candidate",
            about: "A candidate with all applications.",
            tool: "get_candidate",
            ..Resource::JSON
        },
    ],
    suggests: suggestions::RULES,
    ..Module::EMPTY
};
