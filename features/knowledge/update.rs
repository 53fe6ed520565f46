//! `update_document`

use bureau_kernel::caller::Team;
use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::KNOWLEDGE;
use crate::document::Document;
use crate::revisions::{Revision, restored};
use crate::visibility::{Visibility, meant, settle};

/// What changes in a document.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct UpdateDocument {
    document: Id<Document>,
    visibility: Option<Visibility>,
    /// Only its members read it
    team: Option<Id<Team>>,
    /// Its title and text become those again
    restore_revision: Option<Revision>,
    clear: Option<Vec<ClearField<Document>>>,
    #[serde(flatten)]
    fields: Patch<Document>,
}

impl Tool for UpdateDocument {
    const SPEC: Spec = Spec::changes("update_document", KNOWLEDGE.update)
        .title("Update document")
        .about("Change, publish or move a document, or restore an earlier revision.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "We refund within three days now",
            before: &[Step {
                tool: "create_document",
                arguments: r#"{"title": "Refund policy", "text": "We refund within five days."}"#,
                keep: &[("policy", "/data/id")],
            }],
            arguments: r#"{"document": "{policy}", "title": "Refunds", "text": "We refund within three days."}"#,
            expect: &[
                ("/data/title", r#""Refunds""#),
                ("/data/former_titles/0", r#""Refund policy""#),
                ("/data/version", "2"),
            ],
        },
        Example {
            title: "No, as it was before",
            before: &[],
            arguments: r#"{"document": "{policy}", "restore_revision": 1}"#,
            expect: &[
                ("/data/title", r#""Refund policy""#),
                ("/data/version", "3"),
            ],
        },
    ];
    type Output = View<Document>;

    async fn call(self, cx: &mut Cx) -> Result<View<Document>> {
        let mut edit = cx.edit(self.document).await?;
        edit.clear_fields(&self.clear.unwrap_or_default());
        edit.apply(cx, &self.fields).await?;
        if let Some(revision) = self.restore_revision {
            let changes = (&edit.title, &edit.text) != (&edit.before().title, &edit.before().text);
            if changes {
                let message = "A revision brings its title and text, and others are given too.";
                return Err(Error::invalid("restore_revision", message)
                    .hint("Leave title and text out, or restore_revision."));
            }
            (edit.title, edit.text) = restored(cx, edit.before(), revision).await?;
        }
        let before = edit.before().title.clone();
        edit.remember(&before);
        let is_moved = edit.folder != edit.before().folder;
        let readers = meant(cx, self.visibility, self.team).await?;
        if is_moved || readers.is_some() {
            settle(cx, &mut edit, readers).await?;
        }
        let saved = edit.save(cx).await?;
        cx.view(saved).await
    }
}
