//! `list_pipeline_stages`

use bureau_deals::{Pipeline, pipelines};
use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::PIPELINE;
use crate::plan::{PipelineView, view};

/// Of which pipeline.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListPipelineStages {
    /// Default all
    pipeline: Option<Id<Pipeline>>,
}

impl Tool for ListPipelineStages {
    const SPEC: Spec = Spec::reads("list_pipeline_stages", PIPELINE.read)
        .title("List pipeline stages")
        .about("List the pipelines and their stages in order.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Through which stages do our deals go?",
        before: &[],
        arguments: r#"{"pipeline": "Sales"}"#,
        expect: &[
            ("/data/0/is_default", "true"),
            ("/data/0/stages/0/name", r#""Lead""#),
            ("/data/0/stages/4/kind", r#""won""#),
        ],
    }];
    type Output = Vec<PipelineView>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<PipelineView>> {
        let wanted = match self.pipeline {
            Some(id) => vec![cx.get(id).await?],
            None => pipelines(cx).await?,
        };
        let mut views = Vec::with_capacity(wanted.len());
        for pipeline in wanted {
            views.push(view(cx, pipeline).await?);
        }
        Ok(views)
    }
}
