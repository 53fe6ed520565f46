//! What is said of a deal beside its columns: how likely it is won.

use std::collections::BTreeSet;

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;

use crate::deal::Deal;
use crate::stages::{Pipeline, Stage, stages_of};

/// How likely a deal is won.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Likelihood {
    /// Percent: its own or its stage's while it is open, and what came of it afterwards.
    probability: i64,
}

impl Presented for Deal {
    type Extra = Likelihood;
    const ROW: &'static [&'static str] = &["updated_at"];

    async fn extras(cx: &mut Cx, deals: &[Saved<Self>], _: bool) -> Result<Vec<Likelihood>> {
        let stages = stages_for(cx, deals).await?;
        let likelihood = |deal: &Saved<Self>| {
            let stage = stages.iter().find(|stage| stage.id == *deal.stage);
            let usual = stage.map_or(0, |stage| stage.probability.get());
            let own = deal.probability.map_or(usual, BoundedInt::get);
            Likelihood {
                probability: deal.status.certainty().unwrap_or(own),
            }
        };
        Ok(deals.iter().map(likelihood).collect())
    }
}

/// The stages of the pipelines of these deals. They are listed and not got: a call that writes a deal does not lock its
/// stage for all other deals. A stage that was deleted is not among them, and no deal in it is open.
async fn stages_for(cx: &mut Cx, deals: &[Saved<Deal>]) -> Result<Vec<Saved<Stage>>> {
    let pipelines: BTreeSet<Id<Pipeline>> = deals.iter().map(|deal| *deal.pipeline).collect();
    let mut stages = Vec::new();
    for pipeline in pipelines {
        stages.extend(stages_of(cx, pipeline).await?);
    }
    Ok(stages)
}
