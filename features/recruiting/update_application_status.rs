//! `update_application_status`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::CANDIDATES;
use crate::application::Application;
use crate::openings::Opening;
use crate::placing::{Destination, place};
use crate::reason::LeavingReason;
use crate::stages::{JobStage, StageKind};
use crate::vacancy::Vacancy;

/// Where an application goes.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct UpdateApplicationStatus {
    application: Id<Application>,
    /// Id or name
    stage: Option<ShortText<100>>,
    /// Instead of stage
    status: Option<StageKind>,
    /// To reject or withdraw
    reason: Option<LeavingReason>,
    note: Option<ShortText<500>>,
    /// Default today
    moved_on: Option<When>,
}

impl Tool for UpdateApplicationStatus {
    const SPEC: Spec = Spec::changes("update_application_status", CANDIDATES.update)
        // Whoever is hired fills an opening.
        .covers(&[
            Covers::read::<Vacancy>(),
            Covers::read::<JobStage>(),
            Covers::update::<Opening>(),
        ])
        .title("Update application status")
        .about("Move a candidate to a stage: on, back, hired, rejected or withdrawn.")
        .may_ask();
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Move Leonard to the interview stage",
            before: &[
                Step {
                    tool: "create_job",
                    arguments: r#"{"title": "Inventor"}"#,
                    keep: &[("inventor", "/data/id")],
                },
                Step {
                    tool: "create_candidate",
                    arguments: r#"{"name": "Leonard da Quirm", "job": "{inventor}"}"#,
                    keep: &[("leonard", "/data/applications/0/id")],
                },
            ],
            arguments: r#"{"application": "{leonard}", "stage": "interview"}"#,
            expect: &[
                ("/data/id", r#""{leonard}""#),
                ("/data/stage/name", r#""Interview""#),
                ("/data/status", r#""in_progress""#),
            ],
        },
        Example {
            title: "He took another job",
            before: &[],
            arguments: r#"{"application": "{leonard}", "status": "withdrawn", "reason": "took_other_job"}"#,
            expect: &[
                ("/data/stage/name", r#""Withdrawn""#),
                ("/data/left_stage/name", r#""Interview""#),
                ("/data/reason", r#""took_other_job""#),
            ],
        },
        Example {
            title: "He came back, and we hire him",
            before: &[],
            arguments: r#"{"application": "{leonard}", "status": "hired"}"#,
            expect: &[("/data/status", r#""hired""#), ("/data/reason", "null")],
        },
    ];
    type Output = View<Application>;

    async fn call(self, cx: &mut Cx) -> Result<View<Application>> {
        let edit = cx.edit(self.application).await?;
        let to = Destination {
            stage: self.stage,
            status: self.status,
            reason: self.reason,
            note: self.note,
            moved_on: self.moved_on,
            accepted_on: None,
        };
        let moved = place(cx, edit, to).await?;
        cx.view(moved).await
    }
}
