//! `create_pipeline`

use bureau_deals::{Pipeline, Stage};
use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::PIPELINE;
use crate::plan::{PipelineView, StagePlan, arrange, check_name, no_other_default, view};

/// A new pipeline.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct CreatePipeline {
    name: ShortText<100>,
    /// In order; Won and Lost are added
    stages: Vec<NewStage>,
    is_default: Option<bool>,
}

/// A stage of a new pipeline.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct NewStage {
    name: ShortText<100>,
    /// Percent
    probability: Option<BoundedInt<0, 100>>,
    rotting_days: Option<BoundedInt<1, 3650>>,
}

impl Tool for CreatePipeline {
    const SPEC: Spec = Spec::adds("create_pipeline", PIPELINE.create)
        // Its stages, and that the default one before it is none any more.
        .covers(&[Covers::create::<Stage>(), Covers::update::<Pipeline>()])
        .title("Create pipeline")
        .about("Create a pipeline with its stages.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Set up a pipeline for renewals",
        before: &[],
        arguments: r#"{"name": "Renewals", "stages": [{"name": "Due", "probability": 60},
            {"name": "Offer sent", "probability": 80, "rotting_days": 14}]}"#,
        expect: &[
            ("/data/name", r#""Renewals""#),
            ("/data/stages/1/rotting_days", "14"),
            ("/data/stages/2/kind", r#""won""#),
            ("/data/stages/3/name", r#""Lost""#),
        ],
    }];
    type Output = PipelineView;

    async fn call(self, cx: &mut Cx) -> Result<PipelineView> {
        check_name(cx, &self.name, None).await?;
        let pipeline = Pipeline {
            name: self.name,
            is_default: self.is_default.unwrap_or(false),
        };
        if pipeline.is_default {
            no_other_default(cx, None).await?;
        }
        let pipeline = cx.insert(pipeline, Attributes::new()).await?;
        let stages = self.stages.into_iter().map(|stage| StagePlan {
            stage: None,
            name: Some(stage.name),
            kind: None,
            probability: stage.probability,
            rotting_days: stage.rotting_days,
        });
        arrange(cx, pipeline.id, stages.collect()).await?;
        view(cx, pipeline).await
    }
}
