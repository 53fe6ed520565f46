//! `bulk_update_deals`

use bureau_deals::{DEALS, Deal, Pipeline, StageChange};
use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::bulk::{self, BulkUpdated, MAX_RECORDS};

/// What changes in all of them.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct BulkUpdateDeals {
    deals: Vec<Id<Deal>>,
    pipeline: Option<Id<Pipeline>>,
    /// Id or name
    stage: Option<ShortText<100>>,
    add_tags: Option<Vec<ShortText<50>>>,
    remove_tags: Option<Vec<ShortText<50>>>,
    clear: Option<Vec<ClearField<Deal>>>,
    #[serde(flatten)]
    fields: BulkPatch<Deal>,
}

impl Tool for BulkUpdateDeals {
    const SPEC: Spec = Spec::changes("bulk_update_deals", DEALS.update)
        .title("Bulk update deals")
        .about("Change up to 500 deals alike, all or none.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Neither of the two was ever a real chance",
        before: &[
            Step {
                tool: "create_deal",
                arguments: r#"{"name": "Norden licences", "amount": "1200"}"#,
                keep: &[("norden", "/data/id")],
            },
            Step {
                tool: "create_deal",
                arguments: r#"{"name": "Sued licences"}"#,
                keep: &[("sued", "/data/id")],
            },
        ],
        arguments: r#"{"deals": ["{norden}", "{sued}"], "status": "unqualified", "add_tags": ["2026"]}"#,
        expect: &[("/data/updated", "2"), ("/data/unchanged", "0")],
    }];
    type Output = BulkUpdated;

    async fn call(self, cx: &mut Cx) -> Result<BulkUpdated> {
        let stage_change = StageChange {
            pipeline: self.pipeline,
            stage: self.stage,
        };
        bulk::check_tags("add_tags", self.add_tags.as_deref())?;
        bulk::check_tags("remove_tags", self.remove_tags.as_deref())?;
        let clear = self.clear.unwrap_or_default();
        let mut edits = cx.edit_named(&self.deals, "deals", MAX_RECORDS).await?;
        let versions: Vec<i64> = edits.iter().map(|edit| edit.before().version).collect();
        for (index, edit) in edits.iter_mut().enumerate() {
            edit.clear_fields(&clear);
            bulk::add_tags(&mut edit.tags, self.add_tags.as_deref());
            bulk::remove_tags(&mut edit.tags, self.remove_tags.as_deref());
            let changed = stage_change.change(cx, edit, &self.fields).await;
            changed.map_err(|error| of_deal(error, index))?;
        }
        let saved = cx.save_all(edits).await;
        let saved = saved.map_err(|error| error.within("deals"))?;
        let mut done = BulkUpdated::default();
        for (before, saved) in versions.into_iter().zip(saved) {
            done.count(before, saved.version);
        }
        Ok(done)
    }
}

/// Says with which deal something is wrong.
fn of_deal(error: Error, index: usize) -> Error {
    error.detail("record", format!("deals[{index}]"))
}
