//! `get_deal`

use bureau_kernel::prelude::*;
use bureau_kernel::types::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::deal::Deal;
use crate::stages::Stage;
use crate::{DEALS, PLACE};

/// Which deal to read.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetDeal {
    deal: Id<Deal>,
}

/// A deal and the way that it took.
#[derive(Serialize, JsonSchema)]
pub(crate) struct DealDetails {
    #[serde(flatten)]
    deal: View<Deal>,
    /// Every stage that it came to.
    stages: Vec<StageEntry>,
}

/// When a deal came to a stage.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StageEntry {
    stage: Named<Stage>,
    since: Timestamp,
}

impl Tool for GetDeal {
    const SPEC: Spec = Spec::reads("get_deal", DEALS.read)
        .covers(PLACE)
        .title("Get deal")
        .about("Get a deal by id, and the stages it went through.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "How did the Globex deal go so far?",
        before: &[
            Step {
                tool: "create_deal",
                arguments: r#"{"name": "Globex pilot", "amount": "4000", "currency": "USD"}"#,
                keep: &[("globex", "/data/id")],
            },
            Step {
                tool: "update_deal",
                arguments: r#"{"deal": "{globex}", "stage": "Qualified"}"#,
                keep: &[],
            },
        ],
        arguments: r#"{"deal": "{globex}"}"#,
        expect: &[
            ("/data/amount", r#""4000.00""#),
            ("/data/stages/0/stage/name", r#""Lead""#),
            ("/data/stages/1/stage/name", r#""Qualified""#),
        ],
    }];
    type Output = DealDetails;

    async fn call(self, cx: &mut Cx) -> Result<DealDetails> {
        let deal = cx.get(self.deal).await?;
        let moves: Vec<(Id<Stage>, Timestamp)> = cx.history_of(self.deal, "stage").await?;
        let names = cx.names(moves.iter().map(|(stage, _)| *stage)).await?;
        let stages = moves.into_iter().map(|(stage, since)| StageEntry {
            stage: names.of(stage),
            since,
        });
        Ok(DealDetails {
            stages: stages.collect(),
            deal: cx.view(deal).await?,
        })
    }
}
