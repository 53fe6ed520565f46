//! `create_deal`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::deal::Deal;
use crate::stage_change::StageChange;
use crate::stages::Pipeline;
use crate::{DEALS, PLACE};

/// A new deal.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("required" = ["name"]))]
pub(crate) struct CreateDeal {
    pipeline: Option<Id<Pipeline>>,
    /// Id or name
    stage: Option<ShortText<100>>,
    #[serde(flatten)]
    fields: Patch<Deal>,
}

impl Tool for CreateDeal {
    const SPEC: Spec = Spec::adds("create_deal", DEALS.create)
        .covers(PLACE)
        .title("Create deal")
        .about("Create a deal; without a stage it starts in the first one.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Acme may buy 50 licences for 12,500 euros by the end of the year",
            before: &[Step {
                tool: "create_company",
                arguments: r#"{"name": "Acme Licences"}"#,
                keep: &[("acme", "/data/id")],
            }],
            arguments: r#"{"name": "50 licences", "company": "{acme}", "amount": "12500", "currency": "EUR", "expected_close": "2027-12-31"}"#,
            expect: &[
                ("/data/amount", r#""12500.00""#),
                ("/data/status", r#""open""#),
                ("/data/stage/name", r#""Lead""#),
                ("/data/probability", "10"),
                ("/data/company/name", r#""Acme Licences""#),
            ],
        },
        Example {
            title: "Note a sale that is done",
            before: &[],
            arguments: r#"{"name": "Walk-in", "amount": "99.90", "status": "won", "closed_on": "2026-01-15"}"#,
            expect: &[
                ("/data/stage/name", r#""Won""#),
                ("/data/closed_on", r#""2026-01-15""#),
                ("/data/probability", "100"),
            ],
        },
    ];
    type Output = View<Deal>;

    async fn call(self, cx: &mut Cx) -> Result<View<Deal>> {
        let mut deal = self.fields.record(cx.local_time())?;
        let stage_change = StageChange {
            pipeline: self.pipeline,
            stage: self.stage,
        };
        stage_change.take(cx, &mut deal, None, &self.fields).await?;
        let deal = cx.insert(deal, self.fields.attributes()?).await?;
        cx.view(deal).await
    }
}
