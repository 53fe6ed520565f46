//! `search_notes`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::NOTES;
use crate::note::{Note, kind_prefix};

/// Which notes to look for.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SearchNotes {
    /// Words of the text
    query: ShortText<500>,
    /// Id of any record
    about: Option<AnyId>,
    /// On such records: contact, deal, …
    kind: Option<ShortText<40>>,
    limit: Option<Limit>,
    cursor: Option<Cursor>,
}

impl Tool for SearchNotes {
    const SPEC: Spec = Spec::reads("search_notes", NOTES.read)
        .title("Search notes")
        .about("Find notes by what they say, best match first.")
        .awaits(Awaits::Index);
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Who was it that is allergic to peanuts?",
        before: &[
            Step {
                tool: "create_contact",
                arguments: r#"{"name": "Tarissa Dyson"}"#,
                keep: &[("tarissa", "/data/id")],
            },
            Step {
                tool: "create_note",
                arguments: r#"{"about": "{tarissa}", "text": "Allergic to peanuts, so no satay at the lunch."}"#,
                keep: &[("peanuts", "/data/id")],
            },
        ],
        arguments: r#"{"query": "peanuts allergic"}"#,
        expect: &[
            ("/data/0/id", r#""{peanuts}""#),
            ("/data/0/about/id", r#""{tarissa}""#),
            ("/data/0/about/name", r#""Tarissa Dyson""#),
        ],
    }];
    type Output = Vec<Row<Note>>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<Row<Note>>> {
        let kind = self.kind.as_deref();
        let kind = kind.map(|kind| kind_prefix(cx, kind)).transpose()?;
        let list = cx
            .list::<Note>()
            .same("about", self.about)
            .term("kind", kind);
        let limit = self.limit.unwrap_or_default();
        let page = list
            .search(&self.query, limit, self.cursor.as_ref())
            .await?;
        cx.rows(page).await
    }
}
