//! `list_applications`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::application::Application;
use crate::stages::stages_meant;
use crate::{CANDIDATES, PLACE};

/// Which applications to list.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ListApplications {
    /// Id or name
    stage: Option<ShortText<100>>,
    #[serde(flatten)]
    listing: Listing<Application>,
}

impl Listed for Application {
    const QUERY: Option<&'static str> = None;
    const SORT: &'static str = "Default newest first";
    const USUAL: &'static str = "-created_at";
}

impl Tool for ListApplications {
    const SPEC: Spec = Spec::reads("list_applications", CANDIDATES.read)
        .covers(PLACE)
        .title("List applications")
        .about("List applications one by one: who applied, was hired or left, and when.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Which applications from the fair wait for a look at them?",
        before: &[
            Step {
                tool: "create_job",
                arguments: r#"{"title": "Baker"}"#,
                keep: &[("baker", "/data/id")],
            },
            Step {
                tool: "create_candidate",
                arguments: r#"{"name": "Nanny Ogg", "job": "{baker}", "source": "Fair"}"#,
                keep: &[("nanny", "/data/applications/0/id")],
            },
        ],
        arguments: r#"{"job": "Baker", "source": "fair", "stage": "applied"}"#,
        expect: &[
            ("/data/0/id", r#""{nanny}""#),
            ("/data/0/candidate/name", r#""Nanny Ogg""#),
            ("/data/0/stage/name", r#""Applied""#),
        ],
    }];
    type Output = Vec<Row<Application>>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<Row<Application>>> {
        let stages = match &self.stage {
            Some(called) => Some(stages_meant(cx, None, called).await?),
            None => None,
        };
        let rows = self.listing.rows(cx, |list| match stages {
            Some(stages) => list.any_of("stage", &stages),
            None => list,
        });
        rows.await
    }
}
