//! `get_document`

use bureau_kernel::prelude::*;
use bureau_kernel::search::passages::cut;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::KNOWLEDGE;
use crate::document::Document;
use crate::revisions::{Revision, RevisionRow, difference, standing, wordings};

/// Revisions that are named.
const NAMED: usize = 20;

/// Which document to read.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetDocument {
    document: Id<Document>,
    /// Only this one, as a search found it
    passage: Option<BoundedInt<1, 2_000>>,
    revision: Option<Revision>,
    /// Difference from this revision
    compare_with: Option<Revision>,
}

/// A document with what it says.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Reading {
    #[serde(flatten)]
    document: View<Document>,
    /// How many passages there are.
    passages: usize,
    /// The headings above the passage.
    #[serde(skip_serializing_if = "Option::is_none")]
    headings: Option<Vec<String>>,
    /// Which revision this is.
    revision: i64,
    /// The title that it had then, where it is another one now.
    #[serde(skip_serializing_if = "Option::is_none")]
    title_then: Option<String>,
    /// The newest twenty, newest first.
    revisions: Vec<RevisionRow>,
    /// A unified diff of lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<String>,
}

impl Tool for GetDocument {
    const SPEC: Spec = Spec::reads("get_document", KNOWLEDGE.read)
        .title("Get document")
        .about("Get a document with its text and revisions, or only a passage.")
        .awaits(Awaits::Log);
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Show me the travel policy",
            before: &[
                Step {
                    tool: "create_document",
                    arguments: r##"{"title": "Travel policy", "text": "# Before you go\n\nBook two weeks ahead.\n\n# Hotels\n\nUp to 120 EUR a night."}"##,
                    keep: &[("travel", "/data/id")],
                },
                Step {
                    tool: "update_document",
                    arguments: r##"{"document": "{travel}", "text": "# Before you go\n\nBook two weeks ahead.\n\n# Hotels\n\nUp to 140 EUR a night."}"##,
                    keep: &[],
                },
            ],
            arguments: r#"{"document": "{travel}"}"#,
            expect: &[
                ("/data/title", r#""Travel policy""#),
                ("/data/passages", "2"),
                ("/data/revisions/1/revision", "1"),
            ],
        },
        Example {
            title: "Only what it says about hotels",
            before: &[],
            arguments: r#"{"document": "{travel}", "passage": 2}"#,
            expect: &[
                ("/data/headings/0", r#""Hotels""#),
                ("/data/text", r##""# Hotels\n\nUp to 140 EUR a night.""##),
            ],
        },
        Example {
            title: "What changed in it since it was written?",
            before: &[],
            arguments: r#"{"document": "{travel}", "compare_with": 1}"#,
            expect: &[
                ("/data/revision", "2"),
                (
                    "/data/difference",
                    r##""--- revision 1\n+++ revision 2\n@@ -6,4 +6,4 @@\n \n # Hotels\n \n-Up to 120 EUR a night.\n+Up to 140 EUR a night.\n""##,
                ),
            ],
        },
    ];
    type Output = Reading;

    async fn call(self, cx: &mut Cx) -> Result<Reading> {
        let mut document = cx.get(self.document).await?;
        let wordings = wordings(cx, document.id).await?;
        let newest = wordings.last();
        let then = match self.revision {
            Some(revision) => Some(standing("revision", &wordings, &document, revision)?),
            None => newest,
        };
        let compared = match self.compare_with {
            Some(revision) => Some(standing("compare_with", &wordings, &document, revision)?),
            None => None,
        };
        let difference = compared.zip(then).map(|(old, new)| difference(old, new));
        // What the log says last is what stands there; before it is sealed, the record knows it already.
        let is_now = self.revision.is_none();
        let whole = match then.filter(|_| !is_now) {
            Some(then) => then.text.clone(),
            None => document.text.to_string(),
        };
        let revision = then.map_or(document.version, |then| then.revision);
        let title_then = then.map(|then| then.title.clone());
        let title_then = title_then.filter(|title| !is_now && *title != *document.title);
        let passages = cut(&whole);
        let (text, headings) = match self.passage {
            None => (whole.clone(), None),
            Some(nth) => {
                let nth = usize::try_from(nth.get()).unwrap_or(usize::MAX);
                let Some(passage) = passages.get(nth - 1) else {
                    let message = format!("This document has {} passages.", passages.len());
                    return Err(Error::invalid("passage", message)
                        .hint("It was changed since the search, perhaps; leave passage out to read all of it."));
                };
                let text = whole.get(passage.range.clone()).unwrap_or_default();
                (text.trim().to_owned(), Some(passage.headings.clone()))
            }
        };
        // What is answered is what was asked for, and the language that of the whole.
        document.record.language = document
            .written_in()
            .and_then(|code| ShortText::new(&code).ok());
        if let Ok(text) = LongText::new(&text) {
            document.record.text = text;
        }
        let members = wordings.iter().filter_map(|wording| wording.by);
        let members = cx.member_names(members.collect::<Vec<_>>()).await?;
        let revisions = wordings
            .iter()
            .rev()
            .take(NAMED)
            .map(|wording| RevisionRow {
                revision: wording.revision,
                at: wording.at,
                by: wording.by.map(|by| members.of(by)),
                title: wording.title.clone(),
            });
        let revisions = revisions.collect();
        Ok(Reading {
            document: cx.view(document).await?,
            passages: passages.len(),
            headings,
            revision,
            title_then,
            revisions,
            difference,
        })
    }
}
