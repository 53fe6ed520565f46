//! `list_knowledge_base`

use bureau_kernel::prelude::*;
use bureau_kernel::search::passages::code_of;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

use crate::KNOWLEDGE;
use crate::document::Document;
use crate::folder::{levels, plain_path};

/// Folders that are counted beside a list.
const COUNTED: usize = 200;

/// Which documents to list.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ListKnowledgeBase {
    /// With what lies within it
    folder: Option<ShortText<200>>,
    /// de, en, …
    language: Option<ShortText<40>>,
    #[serde(flatten)]
    listing: Listing<Document>,
}

impl Listed for Document {
    const QUERY: Option<&'static str> = Some("Words of title or text");
    const SORT: &'static str = "Default title";
    const USUAL: &'static str = "title";
}

impl Tool for ListKnowledgeBase {
    const SPEC: Spec = Spec::reads("list_knowledge_base", KNOWLEDGE.read)
        .title("List knowledge base")
        .core()
        .about("List documents, and in page.totals how many each folder has.")
        .awaits(Awaits::Index);
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "What do we have about people?",
            before: &[
                Step {
                    tool: "create_document",
                    arguments: r#"{"title": "Onboarding", "folder": "People", "text": "A laptop lies ready on the first day.", "review_on": "2026-01-15"}"#,
                    keep: &[("onboarding", "/data/id")],
                },
                Step {
                    tool: "create_document",
                    arguments: r#"{"title": "Parental leave", "folder": "People/Leave", "text": "Both parents can take it."}"#,
                    keep: &[("parental", "/data/id")],
                },
            ],
            arguments: r#"{"folder": "people"}"#,
            expect: &[
                ("/data/0/id", r#""{onboarding}""#),
                ("/data/1/id", r#""{parental}""#),
                ("/page/totals/0/folder", r#""People""#),
                ("/page/totals/0/documents", "1"),
            ],
        },
        Example {
            title: "What has to be looked at again?",
            before: &[],
            arguments: r#"{"review_before": "2026-12-31"}"#,
            expect: &[("/data/0/title", r#""Onboarding""#)],
        },
    ];
    type Output = Vec<Row<Document>>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<Row<Document>>> {
        let folder = folder_asked(self.folder.as_ref())?;
        let language = language_asked(self.language.as_ref())?;
        let (of_folder, in_language) = (folder.clone(), language.clone());
        let counts = self.listing.sums(
            cx,
            |list| list.term("folder", of_folder).term("language", in_language),
            &["folder"],
            &[],
        );
        let counts = counts.await?;
        let mut counted = Vec::with_capacity(counts.len());
        for row in &counts {
            let folder: Option<String> = row.get("folder")?;
            let documents: i64 = row.get("count")?;
            counted.push((folder, documents));
        }
        counted.sort();
        if counted.len() > COUNTED {
            counted.truncate(COUNTED);
            cx.notice(Notice::truncated(format!(
                "There are more than {COUNTED} folders, and page.totals has the first: narrow with folder."
            )));
        }
        let totals = counted
            .iter()
            .map(|(folder, documents)| json!({ "folder": folder, "documents": documents }));
        cx.note_totals(totals.collect());
        let rows = self.listing.rows(cx, |list| {
            list.term("folder", folder).term("language", language)
        });
        rows.await
    }
}

/// The index key of the folder that is asked for.
pub(crate) fn folder_asked(folder: Option<&ShortText<200>>) -> Result<Option<String>> {
    let Some(folder) = folder else {
        return Ok(None);
    };
    let path = plain_path("folder", folder)?;
    Ok(path.and_then(|path| levels(&path).pop()))
}

/// The code of the language that is asked for.
pub(crate) fn language_asked(language: Option<&ShortText<40>>) -> Result<Option<String>> {
    let Some(said) = language else {
        return Ok(None);
    };
    match code_of(said) {
        Some(code) => Ok(Some(code.to_owned())),
        None => Err(
            Error::invalid("language", "Documents are not read in this language here.")
                .hint("Give its code, such as en, de or fr."),
        ),
    }
}
