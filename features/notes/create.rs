//! `create_note`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::NOTES;
use crate::note::Note;

/// A new note.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("required" = ["about", "text"]))]
pub(crate) struct CreateNote {
    #[serde(flatten)]
    fields: Patch<Note>,
}

impl Tool for CreateNote {
    const SPEC: Spec = Spec::adds("create_note", NOTES.create)
        .title("Create note")
        .about("Write a note on a contact, company, deal, invoice or any other record.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Remember that Grace likes to be called in the morning",
        before: &[Step {
            tool: "create_contact",
            arguments: r#"{"name": "Grace Ferguson"}"#,
            keep: &[("grace", "/data/id")],
        }],
        arguments: r#"{"about": "{grace}", "text": "Likes to be called in the morning.", "pinned": true}"#,
        expect: &[
            ("/data/about/name", r#""Grace Ferguson""#),
            ("/data/about/kind", r#""contact""#),
            ("/data/pinned", "true"),
        ],
    }];
    type Output = View<Note>;

    async fn call(self, cx: &mut Cx) -> Result<View<Note>> {
        let note = self.fields.record(cx.local_time())?;
        let saved = cx.insert(note, self.fields.attributes()?).await?;
        cx.view(saved).await
    }
}
