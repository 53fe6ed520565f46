//! `update_note`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::NOTES;
use crate::note::Note;

/// What changes in a note.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct UpdateNote {
    note: Id<Note>,
    clear: Option<Vec<ClearField<Note>>>,
    #[serde(flatten)]
    fields: Patch<Note>,
}

impl Tool for UpdateNote {
    const SPEC: Spec = Spec::changes("update_note", NOTES.update)
        .title("Update note")
        .about("Change the text of a note, pin or unpin it, or move it to another record.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "That note is no longer the first thing to know",
        before: &[
            Step {
                tool: "create_contact",
                arguments: r#"{"name": "Kyle Reese"}"#,
                keep: &[("kyle", "/data/id")],
            },
            Step {
                tool: "create_note",
                arguments: r#"{"about": "{kyle}", "text": "On holiday until Monday.", "pinned": true}"#,
                keep: &[("holiday", "/data/id")],
            },
        ],
        arguments: r#"{"note": "{holiday}", "pinned": false}"#,
        expect: &[
            ("/data/pinned", "false"),
            ("/data/text", r#""On holiday until Monday.""#),
            ("/data/version", "2"),
        ],
    }];
    type Output = View<Note>;

    async fn call(self, cx: &mut Cx) -> Result<View<Note>> {
        let mut edit = cx.edit(self.note).await?;
        edit.clear_fields(&self.clear.unwrap_or_default());
        edit.apply(cx, &self.fields).await?;
        let saved = edit.save(cx).await?;
        cx.view(saved).await
    }
}
