//! `anonymize_candidate`

use bureau_kernel::prelude::*;
use bureau_kernel::types::text::quoted;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::CANDIDATES;
use crate::anonymize::anonymize;
use crate::application::Application;
use crate::candidate::Candidate;
use crate::interview::{Interview, Scorecard};
use crate::moves::Move;
use crate::offer::Offer;
use crate::placing::applications_of;
use crate::stages::{JobStage, StageKind};
use crate::vacancy::Vacancy;

/// Whom to anonymize.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct AnonymizeCandidate {
    candidate: Id<Candidate>,
}

impl Tool for AnonymizeCandidate {
    const SPEC: Spec = Spec::removes("anonymize_candidate", CANDIDATES.delete)
        // What an application consists of. Notes and files take their own permissions.
        .covers(&[
            Covers::read::<Vacancy>(),
            Covers::read::<JobStage>(),
            Covers::delete::<Move>(),
            Covers::delete::<Interview>(),
            Covers::delete::<Scorecard>(),
            Covers::delete::<Offer>(),
        ])
        .title("Anonymize candidate")
        .about("Erase all personal data of a candidate for good; only figures stay.")
        .irreversible("restore a backup from before");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Edward wants his data deleted",
        before: &[Step {
            tool: "create_candidate",
            arguments: r#"{"name": "Edward d'Eath", "email": "edward@guild.example", "source": "Fair"}"#,
            keep: &[("edward", "/data/id")],
        }],
        arguments: r#"{"candidate": "{edward}", "confirm": true}"#,
        expect: &[
            ("/data/id", r#""{edward}""#),
            ("/data/name", r#""Anonymized candidate""#),
            ("/data/email", "null"),
            ("/data/source", r#""Fair""#),
        ],
    }];
    type Output = View<Candidate>;

    async fn call(self, cx: &mut Cx) -> Result<View<Candidate>> {
        // It takes the version that the call came with.
        let edit = cx.edit(self.candidate).await?;
        let candidate = edit.before();
        if let Some(day) = *candidate.anonymized_on {
            let message = format!("This candidate was anonymized on {day} already.");
            return Err(Error::conflict(message).field("candidate"));
        }
        if candidate.legal_hold.is_some() {
            let message = "A legal hold says that this candidate must be kept.";
            return Err(Error::conflict(message).field("candidate").hint(
                "Where it is over, empty it first: update_candidate with clear: legal_hold.",
            ));
        }
        let applications = applications_of(cx, &[candidate.id]).await?;
        let runs = |application: &&Saved<Application>| {
            matches!(
                *application.status,
                StageKind::InProgress | StageKind::Offer
            )
        };
        if let Some(running) = applications.iter().find(runs) {
            let message = format!(
                "An application of this candidate is under way: {}.",
                running.id
            );
            return Err(Error::conflict(message)
                .field("candidate")
                .hint("End it first with update_application_status.")
                .detail("application", running.named()));
        }
        cx.set_summary(format!(
            "erase for good who {} {} is, with what was written of them, notes, files and history; {} applications stay as figures",
            candidate.id,
            quoted(&candidate.name),
            applications.len(),
        ));
        let nobody = anonymize(cx, self.candidate).await?;
        cx.view(nobody).await
    }
}
