//! `list_notes`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::NOTES;
use crate::note::{Note, kind_prefix};

/// Which notes to list.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ListNotes {
    /// On such records: contact, deal, …
    kind: Option<ShortText<40>>,
    /// Who wrote it
    created_by: Option<Id<Member>>,
    #[serde(flatten)]
    listing: Listing<Note>,
}

impl Listed for Note {
    const QUERY: Option<&'static str> = None;
    const SORT: &'static str = "Default pinned first, then newest";
    // Of those that are pinned, and of the others, the newest first, since identifiers rise with time.
    const USUAL: &'static str = "-pinned";
    const BY_CREATION: bool = true;
}

impl Tool for ListNotes {
    const SPEC: Spec = Spec::reads("list_notes", NOTES.read)
        .title("List notes")
        .about("List notes of a record or of all, pinned first, then newest.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "What should I know before I call Miles?",
        before: &[
            Step {
                tool: "create_contact",
                arguments: r#"{"name": "Miles Dyson"}"#,
                keep: &[("miles", "/data/id")],
            },
            Step {
                tool: "create_note",
                arguments: r#"{"about": "{miles}", "text": "Never before ten.", "pinned": true}"#,
                keep: &[("ten", "/data/id")],
            },
            Step {
                tool: "create_note",
                arguments: r#"{"about": "{miles}", "text": "Has two children."}"#,
                keep: &[("children", "/data/id")],
            },
        ],
        arguments: r#"{"about": "{miles}"}"#,
        expect: &[
            ("/data/0/id", r#""{ten}""#),
            ("/data/1/id", r#""{children}""#),
            ("/data/1/about/name", r#""Miles Dyson""#),
        ],
    }];
    type Output = Vec<Row<Note>>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<Row<Note>>> {
        let kind = self.kind.as_deref();
        let kind = kind.map(|kind| kind_prefix(cx, kind)).transpose()?;
        let rows = self.listing.rows(cx, |list| {
            list.term("kind", kind).equal("created_by", self.created_by)
        });
        rows.await
    }
}
