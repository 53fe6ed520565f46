//! `update_deal`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::deal::Deal;
use crate::stage_change::StageChange;
use crate::stages::Pipeline;
use crate::{DEALS, PLACE};

/// What changes in a deal.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct UpdateDeal {
    deal: Id<Deal>,
    clear: Option<Vec<ClearField<Deal>>>,
    pipeline: Option<Id<Pipeline>>,
    /// Id or name
    stage: Option<ShortText<100>>,
    #[serde(flatten)]
    fields: Patch<Deal>,
}

impl Tool for UpdateDeal {
    const SPEC: Spec = Spec::changes("update_deal", DEALS.update)
        .covers(PLACE)
        .title("Update deal")
        .core()
        .about("Update a deal, move its stage, win, lose (lost_reason) or reopen it.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Move the Acme deal to the proposal stage",
            before: &[Step {
                tool: "create_deal",
                arguments: r#"{"name": "Acme roll-out", "amount": "8000"}"#,
                keep: &[("acme", "/data/id")],
            }],
            arguments: r#"{"deal": "{acme}", "stage": "Proposal"}"#,
            expect: &[
                ("/data/stage/name", r#""Proposal""#),
                ("/data/probability", "50"),
                ("/data/status", r#""open""#),
            ],
        },
        Example {
            title: "We lost it to a competitor",
            before: &[],
            arguments: r#"{"deal": "{acme}", "status": "lost", "lost_reason": "Chose a competitor", "closed_on": "2026-11-02"}"#,
            expect: &[
                ("/data/stage/name", r#""Lost""#),
                ("/data/closed_on", r#""2026-11-02""#),
                ("/data/lost_reason", r#""Chose a competitor""#),
            ],
        },
        Example {
            title: "They came back: reopen it",
            before: &[],
            arguments: r#"{"deal": "{acme}", "status": "open"}"#,
            expect: &[
                ("/data/stage/name", r#""Proposal""#),
                ("/data/closed_on", "null"),
                ("/data/lost_reason", "null"),
            ],
        },
    ];
    type Output = View<Deal>;

    async fn call(self, cx: &mut Cx) -> Result<View<Deal>> {
        let mut edit = cx.edit(self.deal).await?;
        edit.clear_fields(&self.clear.unwrap_or_default());
        let stage_change = StageChange {
            pipeline: self.pipeline,
            stage: self.stage,
        };
        stage_change.change(cx, &mut edit, &self.fields).await?;
        let deal = edit.save(cx).await?;
        cx.view(deal).await
    }
}
