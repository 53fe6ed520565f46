//! `delete_activity`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::DELETE_ACTIVITIES;
use crate::activity::Activity;

/// Which activity to delete, and how.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct DeleteActivity {
    /// Activity id
    activity: Id<Activity>,
    /// Erase for good
    purge: Option<bool>,
}

/// What was deleted.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Deleted {
    id: Id<Activity>,
    subject: ShortText<200>,
    /// Whether undo_change can bring it back.
    restorable: bool,
}

impl Tool for DeleteActivity {
    const SPEC: Spec = Spec::removes("delete_activity", DELETE_ACTIVITIES)
        .title("Delete activity")
        .about("Delete an activity, restorably unless purge is set.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Delete the note that I wrote by mistake",
        before: &[Step {
            tool: "create_activity",
            arguments: r#"{"type": "note", "subject": "A mistake"}"#,
            keep: &[("mistake", "/data/id")],
        }],
        arguments: r#"{"activity": "{mistake}", "confirm": true}"#,
        expect: &[("/data/id", r#""{mistake}""#), ("/data/restorable", "true")],
    }];
    type Output = Deleted;

    async fn call(self, cx: &mut Cx) -> Result<Deleted> {
        let purge = self.purge.unwrap_or(false);
        let gone = cx.remove(self.activity, purge).await?;
        Ok(Deleted {
            id: gone.id,
            subject: gone.record.subject,
            restorable: !purge,
        })
    }
}
