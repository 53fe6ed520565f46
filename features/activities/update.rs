//! `update_activity`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::ACTIVITIES;
use crate::activity::Activity;

/// What changes in an activity.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct UpdateActivity {
    activity: Id<Activity>,
    /// false opens it again
    done: Option<bool>,
    clear: Option<Vec<ClearField<Activity>>>,
    #[serde(flatten)]
    fields: Patch<Activity>,
}

impl Tool for UpdateActivity {
    const SPEC: Spec = Spec::changes("update_activity", ACTIVITIES.update)
        .title("Update activity")
        .about("Update fields of an activity, or open a completed one again.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Move the meeting to Friday",
        before: &[Step {
            tool: "create_activity",
            arguments: r#"{"type": "meeting", "subject": "Kick-off", "due_at": "2027-03-01T09:00:00Z"}"#,
            keep: &[("kickoff", "/data/id")],
        }],
        arguments: r#"{"activity": "{kickoff}", "due_at": "2027-03-05T09:00:00Z", "minutes": 90}"#,
        expect: &[
            ("/data/due_at", r#""2027-03-05T09:00:00Z""#),
            ("/data/minutes", "90"),
            ("/data/version", "2"),
        ],
    }];
    type Output = View<Activity>;

    async fn call(self, cx: &mut Cx) -> Result<View<Activity>> {
        let mut edit = cx.edit(self.activity).await?;
        edit.clear_fields(&self.clear.unwrap_or_default());
        edit.apply(cx, &self.fields).await?;
        match self.done {
            Some(true) if edit.done_at.is_none() => edit.done_at = Managed(Some(cx.now())),
            Some(false) => {
                if edit.done_at.is_some() {
                    // What is done does not hold on to whom it was with; what is to be done again needs them.
                    cx.hold_again(&*edit, &["contact", "company", "deal"])
                        .await?;
                }
                edit.done_at = Managed(None);
                if !self.fields.has("outcome") {
                    edit.outcome = None;
                }
            }
            _ => {}
        }
        let saved = edit.save(cx).await?;
        cx.view(saved).await
    }
}
