//! `create_application`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::CANDIDATES;
use crate::application::Application;
use crate::moves::Move;
use crate::placing::apply;
use crate::stages::JobStage;
use crate::vacancy::Vacancy;

/// A new application.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("required" = ["candidate", "job"]))]
pub(crate) struct CreateApplication {
    /// Id or name; default the first
    stage: Option<ShortText<100>>,
    #[serde(flatten)]
    fields: Patch<Application>,
}

impl Tool for CreateApplication {
    const SPEC: Spec = Spec::adds("create_application", CANDIDATES.create)
        .covers(&[
            Covers::read::<Vacancy>(),
            Covers::read::<JobStage>(),
            Covers::create::<Move>(),
        ])
        .title("Create application")
        .about("Enter a candidate for a job, in its first stage or another one.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Ponder may also run the machine",
        before: &[
            Step {
                tool: "create_job",
                arguments: r#"{"title": "Machine Minder"}"#,
                keep: &[("minder", "/data/id")],
            },
            Step {
                tool: "create_candidate",
                arguments: r#"{"name": "Ponder Stibbons", "source": "University"}"#,
                keep: &[("ponder", "/data/id")],
            },
        ],
        arguments: r#"{"candidate": "{ponder}", "job": "{minder}", "stage": "Screening", "applied_on": "2026-01-12"}"#,
        expect: &[
            ("/data/stage/name", r#""Screening""#),
            ("/data/status", r#""in_progress""#),
            ("/data/source", r#""University""#),
            ("/data/applied_on", r#""2026-01-12""#),
        ],
    }];
    type Output = View<Application>;

    async fn call(self, cx: &mut Cx) -> Result<View<Application>> {
        let application = self.fields.record(cx.local_time())?;
        let candidate = cx.get(application.candidate).await?;
        let attributes = self.fields.attributes()?;
        let saved = apply(
            cx,
            &candidate,
            application,
            attributes,
            self.stage.as_deref(),
        )
        .await?;
        cx.view(saved).await
    }
}
