//! `create_candidate`

use bureau_kernel::duplicates;
use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::CANDIDATES;
use crate::application::Application;
use crate::candidate::{Candidate, refuse_future_consent};
use crate::moves::Move;
use crate::placing::apply;
use crate::stages::JobStage;
use crate::vacancy::Vacancy;

/// A new candidate.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("required" = ["name"]))]
pub(crate) struct CreateCandidate {
    on_duplicate: Option<OnDuplicate>,
    /// Applies for it
    job: Option<Id<Vacancy>>,
    #[serde(flatten)]
    fields: Patch<Candidate>,
}

impl Tool for CreateCandidate {
    const SPEC: Spec = Spec::adds("create_candidate", CANDIDATES.create)
        .covers(&[
            Covers::read::<Vacancy>(),
            Covers::read::<JobStage>(),
            Covers::create::<Move>(),
        ])
        .title("Create candidate")
        .about("Add a candidate, and with a job the application for it.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Angua applies as a tracker; Carrot knows her",
            before: &[Step {
                tool: "create_job",
                arguments: r#"{"title": "Tracker"}"#,
                keep: &[("tracker", "/data/id")],
            }],
            arguments: r#"{"name": "Angua Uberwald", "email": "angua@watch.example", "source": "Referral", "referrer": "me", "job": "{tracker}"}"#,
            expect: &[
                ("/data/applications/0/job/name", r#""Tracker""#),
                ("/data/applications/0/stage/name", r#""Applied""#),
                ("/data/applications/0/status", r#""in_progress""#),
                ("/data/applications/0/source", r#""Referral""#),
                ("/data/source", r#""Referral""#),
            ],
        },
        Example {
            title: "Keep Cheery in mind, we have nothing for her yet",
            before: &[],
            arguments: r#"{"name": "Cheery Littlebottom", "title": "Chemist", "tags": ["forensics"]}"#,
            expect: &[
                ("/data/applications", "null"),
                ("/data/tags/0", r#""forensics""#),
            ],
        },
    ];
    type Output = View<Candidate>;

    async fn call(self, cx: &mut Cx) -> Result<View<Candidate>> {
        let choice = self.on_duplicate.unwrap_or_default();
        let candidate = self.fields.record(cx.local_time())?;
        refuse_future_consent(cx, &candidate)?;
        let saved = duplicates::create(cx, candidate, &self.fields, choice).await?;
        if let Some(job) = self.job {
            let application = Application {
                candidate: saved.id,
                job,
                ..Application::empty()
            };
            apply(cx, &saved, application, Attributes::new(), None).await?;
        }
        cx.view(saved).await
    }
}
