//! `delete_document`

use bureau_kernel::prelude::*;

use crate::KNOWLEDGE;
use crate::document::Document;

impl Deletable for Document {
    const SPEC: Spec = Spec::removes("delete_document", KNOWLEDGE.delete)
        .title("Delete document")
        .about("Delete a document, restorably unless purge is set.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "We have no fax any more",
        before: &[Step {
            tool: "create_document",
            arguments: r#"{"title": "How to send a fax", "text": "Paper goes in face down."}"#,
            keep: &[("fax", "/data/id")],
        }],
        arguments: r#"{"document": "{fax}", "confirm": true}"#,
        expect: &[
            ("/data/id", r#""{fax}""#),
            ("/data/name", r#""How to send a fax""#),
            ("/data/restorable", "true"),
        ],
    }];
    /// What belongs to one is about nothing else.
    const REASSIGNS: bool = false;
}
