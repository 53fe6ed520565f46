//! `bulk_update_activities`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ACTIVITIES;
use crate::activity::Activity;

/// What changes in all of them.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct BulkUpdateActivities {
    activities: Vec<Id<Activity>>,
    /// Mark them done, or open again
    done: Option<bool>,
    /// Fields to empty
    clear: Option<Vec<ClearField<Activity>>>,
    #[serde(flatten)]
    fields: BulkPatch<Activity>,
}

/// What was done.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct BulkUpdated {
    updated: usize,
    /// Those that were so already.
    unchanged: usize,
}

impl Tool for BulkUpdateActivities {
    const SPEC: Spec = Spec::changes("bulk_update_activities", ACTIVITIES.update)
        .title("Bulk update activities")
        .about("Change up to 500 activities alike, all or none.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Both calls can wait until March",
        before: &[
            Step {
                tool: "create_activity",
                arguments: r#"{"type": "call", "subject": "Call the north", "due_at": "2027-02-01"}"#,
                keep: &[("north", "/data/id")],
            },
            Step {
                tool: "create_activity",
                arguments: r#"{"type": "call", "subject": "Call the south"}"#,
                keep: &[("south", "/data/id")],
            },
        ],
        arguments: r#"{"activities": ["{north}", "{south}"], "due_at": "2027-03-01"}"#,
        expect: &[("/data/updated", "2"), ("/data/unchanged", "0")],
    }];
    type Output = BulkUpdated;

    async fn call(self, cx: &mut Cx) -> Result<BulkUpdated> {
        const MOST: usize = 500;
        let clear = self.clear.unwrap_or_default();
        let mut edits = cx.edit_named(&self.activities, "activities", MOST).await?;
        let versions: Vec<i64> = edits.iter().map(|edit| edit.before().version).collect();
        let now = cx.now();
        for edit in &mut edits {
            edit.clear_fields(&clear);
            edit.apply(cx, &self.fields).await?;
            match self.done {
                Some(true) => edit.done_at = Managed(edit.done_at.or(Some(now))),
                Some(false) => {
                    if edit.done_at.is_some() {
                        // What is to be done again needs those whom it was with.
                        cx.hold_again(&**edit, &["contact", "company", "deal"])
                            .await?;
                    }
                    edit.done_at = Managed(None);
                    edit.outcome = None;
                }
                None => {}
            }
        }
        let saved = cx.save_all(edits).await;
        let saved = saved.map_err(|error| error.within("activities"))?;
        let mut done = BulkUpdated::default();
        for (before, saved) in versions.into_iter().zip(saved) {
            match before == saved.version {
                true => done.unchanged += 1,
                false => done.updated += 1,
            }
        }
        Ok(done)
    }
}
