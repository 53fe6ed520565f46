//! `list_deals`

use bureau_kernel::prelude::*;
use bureau_kernel::resolve::one_of;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::deal::{Deal, DealStatus};
use crate::measures::rotting_since;
use crate::stages::{Pipeline, Stage, StageKind, pipeline_meant, stages_of};
use crate::{DEALS, PLACE};

/// Which deals to list.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ListDeals {
    pipeline: Option<Id<Pipeline>>,
    /// Id or name
    stage: Option<ShortText<100>>,
    /// Longer in its stage than that allows
    rotting: Option<bool>,
    #[serde(flatten)]
    listing: Listing<Deal>,
}

impl Listed for Deal {
    const QUERY: Option<&'static str> = Some("Part of name, source, tag");
    const SORT: &'static str = "Default newest first";
    const USUAL: &'static str = "-created_at";
}

impl Tool for ListDeals {
    const SPEC: Spec = Spec::reads("list_deals", DEALS.read)
        .covers(PLACE)
        .title("List deals")
        .core()
        .about("List deals by status, stage, value, dates and people, or search them.")
        .awaits(Awaits::Index);
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Which open deals of more than 10,000 do we have?",
            before: &[
                Step {
                    tool: "create_deal",
                    arguments: r#"{"name": "Big one", "amount": "25000", "stage": "Negotiation"}"#,
                    keep: &[("big", "/data/id")],
                },
                Step {
                    tool: "create_deal",
                    arguments: r#"{"name": "Small one", "amount": "900"}"#,
                    keep: &[],
                },
            ],
            arguments: r#"{"status": "open", "min_amount": "10000", "sort": "amount", "descending": true}"#,
            expect: &[
                ("/data/0/id", r#""{big}""#),
                ("/data/0/stage/name", r#""Negotiation""#),
            ],
        },
        Example {
            title: "What is in negotiation?",
            before: &[],
            arguments: r#"{"stage": "negotiation"}"#,
            expect: &[("/data/0/id", r#""{big}""#)],
        },
    ];
    type Output = Vec<Row<Deal>>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<Row<Deal>>> {
        let pipeline = match (&self.pipeline, &self.stage) {
            (None, None) => None,
            (pipeline, stage) => Some(pipeline_meant(cx, *pipeline, stage.as_deref()).await?),
        };
        let stage = match (pipeline, &self.stage) {
            (Some(pipeline), Some(name)) => {
                let stages = stages_of(cx, pipeline).await?;
                Some(one_of(&stages, name)?.clone())
            }
            _ => None,
        };
        let rotting = match self.rotting {
            Some(true) => Some(rotting_since(cx).await?),
            _ => None,
        };
        // Deals in such a stage are open, and of those there is an order of their own.
        let is_open = |stage: &Saved<Stage>| stage.kind == StageKind::Open;
        let open = stage.as_ref().is_some_and(is_open) && !self.listing.has("status");
        let open = (open || rotting.is_some()).then_some(DealStatus::Open);
        let stage = stage.map(|stage| stage.id);
        let rows = self.listing.rows(cx, |list| {
            list.same("status", open)
                .equal("pipeline", pipeline.filter(|_| stage.is_none()))
                .same("stage", stage)
                .before("stage", "stage_since", rotting)
        });
        rows.await
    }
}
