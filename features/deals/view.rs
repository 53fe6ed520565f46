//! What is said of a deal beside its columns: how likely it is won.

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;

use crate::deal::Deal;
use crate::measures::PROBABILITY;

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
        let usual = PROBABILITY.usual(cx).await?;
        let likelihood = |deal: &Saved<Self>| {
            let usual = usual.get(&deal.stage.raw()).copied().unwrap_or_default();
            let own = deal.probability.map_or(usual, BoundedInt::get);
            Likelihood {
                probability: deal.status.certainty().unwrap_or(own),
            }
        };
        Ok(deals.iter().map(likelihood).collect())
    }
}
