//! `update_pipeline`

use bureau_deals::Pipeline;
use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::PIPELINE;
use crate::plan::{PipelineView, StagePlan, arrange, check_name, no_other_default, view};

/// What changes in a pipeline.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct UpdatePipeline {
    pipeline: Id<Pipeline>,
    name: Option<ShortText<100>>,
    is_default: Option<bool>,
    /// All stages in order; the others go
    stages: Option<Vec<StagePlan>>,
}

impl Tool for UpdatePipeline {
    const SPEC: Spec = Spec::changes("update_pipeline", PIPELINE.update)
        .title("Update pipeline")
        .about("Rename a pipeline, make it the default, or arrange its stages.")
        .may_ask();
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Add a trial stage to the partner pipeline",
        before: &[Step {
            tool: "create_pipeline",
            arguments: r#"{"name": "Partners", "stages": [{"name": "Talk", "probability": 20}, {"name": "Contract", "probability": 70}]}"#,
            keep: &[
                ("partners", "/data/id"),
                ("talk", "/data/stages/0/id"),
                ("contract", "/data/stages/1/id"),
                ("won", "/data/stages/2/id"),
                ("lost", "/data/stages/3/id"),
            ],
        }],
        arguments: r#"{"pipeline": "{partners}", "stages": [{"stage": "{talk}", "name": "First talk"}, {"name": "Trial", "probability": 40},
            {"stage": "{contract}", "rotting_days": 30}, {"stage": "{won}"}, {"stage": "{lost}"}]}"#,
        expect: &[
            ("/data/stages/0/name", r#""First talk""#),
            ("/data/stages/1/name", r#""Trial""#),
            ("/data/stages/2/id", r#""{contract}""#),
            ("/data/stages/2/probability", "70"),
            ("/data/stages/2/rotting_days", "30"),
        ],
    }];
    type Output = PipelineView;

    async fn call(self, cx: &mut Cx) -> Result<PipelineView> {
        let mut edit = cx.edit(self.pipeline).await?;
        if let Some(name) = self.name {
            check_name(cx, &name, Some(self.pipeline)).await?;
            edit.name = name;
        }
        match self.is_default {
            Some(true) => {
                no_other_default(cx, Some(self.pipeline)).await?;
                edit.is_default = true;
            }
            Some(false) if edit.is_default => {
                return Err(
                    Error::invalid("is_default", "There has to be a default pipeline.")
                        .hint("Make another one the default instead."),
                );
            }
            _ => {}
        }
        let pipeline = edit.save(cx).await?;
        if let Some(stages) = self.stages {
            arrange(cx, self.pipeline, stages).await?;
        }
        view(cx, pipeline).await
    }
}
