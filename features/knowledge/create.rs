//! `create_document`

use bureau_kernel::caller::Team;
use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::KNOWLEDGE;
use crate::document::Document;
use crate::visibility::{Visibility, meant, settle};

/// A new document.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("required" = ["title", "text"]))]
pub(crate) struct CreateDocument {
    /// Default internal
    visibility: Option<Visibility>,
    /// Only its members read it
    team: Option<Id<Team>>,
    #[serde(flatten)]
    fields: Patch<Document>,
}

impl Tool for CreateDocument {
    const SPEC: Spec = Spec::adds("create_document", KNOWLEDGE.create)
        .title("Create document")
        .about("Add a document to the knowledge base.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Write down how we handle returns",
            before: &[],
            arguments: r##"{"title": "Returns", "folder": "Support/Policies", "tags": ["returns"],
                "text": "# Returns\n\nCustomers send goods back within 30 days of delivery.\n\n## Refunds\n\nWe refund within five working days."}"##,
            expect: &[
                ("/data/title", r#""Returns""#),
                ("/data/folder", r#""Support/Policies""#),
                ("/data/status", r#""published""#),
                ("/data/visibility", r#""internal""#),
                ("/data/language", r#""en""#),
            ],
        },
        Example {
            title: "A draft that everybody may pass on once it is done",
            before: &[],
            arguments: r#"{"title": "Opening hours", "text": "Monday to Friday, nine to five.", "status": "draft", "visibility": "public"}"#,
            expect: &[
                ("/data/status", r#""draft""#),
                ("/data/visibility", r#""public""#),
            ],
        },
    ];
    type Output = View<Document>;

    async fn call(self, cx: &mut Cx) -> Result<View<Document>> {
        let mut document = self.fields.record(cx.local_time())?;
        document.owner = document.owner.or(Some(cx.caller().member));
        let readers = meant(cx, self.visibility, self.team).await?;
        settle(cx, &mut document, readers).await?;
        let saved = cx.insert(document, self.fields.attributes()?).await?;
        cx.view(saved).await
    }
}
