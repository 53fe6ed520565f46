//! `create_job`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::JOBS;
use crate::openings::{self, MOST, Opening};
use crate::stages::{JobStage, NewStage, provide};
use crate::vacancy::Vacancy;

/// A new job.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("required" = ["title"]))]
pub(crate) struct CreateJob {
    /// Default 1
    openings: Option<BoundedInt<1, MOST>>,
    /// In order; ends are added
    stages: Option<Vec<NewStage>>,
    /// Job to copy the stages of
    template: Option<Id<Vacancy>>,
    #[serde(flatten)]
    fields: Patch<Vacancy>,
}

impl Tool for CreateJob {
    const SPEC: Spec = Spec::adds("create_job", JOBS.create)
        // What it consists of.
        .covers(&[Covers::create::<JobStage>(), Covers::create::<Opening>()])
        .title("Create job")
        .about("Create a job to hire for, with its openings and stages.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "We need two senior engineers in Berlin",
            before: &[],
            arguments: r#"{"title": "Senior Engineer", "location": "Berlin", "openings": 2, "employment": "full time"}"#,
            expect: &[
                ("/data/status", r#""open""#),
                ("/data/open_openings", "2"),
                ("/data/employment", r#""full time""#),
                ("/data/stages/2/name", r#""Interview""#),
                ("/data/stages/5/kind", r#""rejected""#),
            ],
        },
        Example {
            title: "And an intern, with a trial day instead of interviews",
            before: &[],
            arguments: r#"{"title": "Intern", "employment": "internship", "stages": [{"name": "Applied"}, {"name": "Trial day"}]}"#,
            expect: &[
                ("/data/stages/1/name", r#""Trial day""#),
                ("/data/stages/2/name", r#""Hired""#),
                ("/data/stages/4/kind", r#""withdrawn""#),
            ],
        },
    ];
    type Output = View<Vacancy>;

    async fn call(self, cx: &mut Cx) -> Result<View<Vacancy>> {
        if self.stages.is_some() && self.template.is_some() {
            let message = "The stages are given, or those of another job: not both.";
            return Err(Error::invalid("template", message).hint("Leave one of the two out."));
        }
        let job = self.fields.record(cx.local_time())?;
        let job = cx.insert(job, self.fields.attributes()?).await?;
        provide(cx, job.id, self.stages, self.template).await?;
        let openings = self.openings.map_or(1, BoundedInt::get);
        openings::open(cx, job.id, ("openings", openings)).await?;
        cx.view(job).await
    }
}
