//! `get_note`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::NOTES;
use crate::note::Note;
use crate::view::{NoteView, view};

/// Which note to read.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetNote {
    note: Id<Note>,
}

impl Tool for GetNote {
    const SPEC: Spec = Spec::reads("get_note", NOTES.read)
        .title("Get note")
        .about("Get a note with all of its text by id.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "What exactly did I write about the warehouse?",
        before: &[
            Step {
                tool: "create_company",
                arguments: r#"{"name": "Wayne Logistics"}"#,
                keep: &[("wayne", "/data/id")],
            },
            Step {
                tool: "create_note",
                arguments: r#"{"about": "{wayne}", "text": "The warehouse closes at four."}"#,
                keep: &[("warehouse", "/data/id")],
            },
        ],
        arguments: r#"{"note": "{warehouse}"}"#,
        expect: &[
            ("/data/text", r#""The warehouse closes at four.""#),
            ("/data/about/id", r#""{wayne}""#),
        ],
    }];
    type Output = NoteView;

    async fn call(self, cx: &mut Cx) -> Result<NoteView> {
        let note = cx.get(self.note).await?;
        view(cx, note).await
    }
}
