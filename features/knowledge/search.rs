//! `search_knowledge_base`

use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use bureau_kernel::search::passages::{PassageHit, cut};
use bureau_kernel::types::text::folded;
use bureau_kernel::types::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::KNOWLEDGE;
use crate::document::{Document, Status};
use crate::list::{folder_asked, language_asked};

/// What is asked.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SearchKnowledgeBase {
    /// A question, words, "a phrase", -without
    query: Option<ShortText<500>>,
    /// Instead: what is like this document
    similar_to: Option<Id<Document>>,
    folder: Option<ShortText<200>>,
    tag: Option<ShortText<50>>,
    language: Option<ShortText<40>>,
    /// Default published
    status: Option<Status>,
    updated_after: Option<When>,
    updated_before: Option<When>,
    limit: Option<Limit>,
    cursor: Option<Cursor>,
}

/// A passage that answers.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Found {
    document: NamedRecord,
    /// Which passage of it: get_document has just this one.
    passage: usize,
    /// The headings above it.
    headings: Vec<String>,
    /// What it says, in Markdown.
    text: String,
    folder: Option<String>,
    /// The version of the document.
    version: i64,
    updated_at: Timestamp,
    /// The resource with the whole document.
    link: String,
}

/// The best documents that are looked through for a page.
const DEEPEST: usize = 1_000;
/// Characters of a passage in a list.
const SHOWN: usize = 1_200;
/// The order of the pages.
const ORDER: &str = "answers";

impl Tool for SearchKnowledgeBase {
    const SPEC: Spec = Spec::reads("search_knowledge_base", KNOWLEDGE.read)
        .title("Search knowledge base")
        .core()
        .about("Find the passages of documents that answer a question, best first.")
        .awaits(Awaits::Passages);
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "How hot does the kiln get?",
            before: &[
                Step {
                    tool: "create_document",
                    arguments: r##"{"title": "Firing the kiln", "text": "# Temperature\n\nStoneware is fired at 1,250 degrees.\n\n# Cooling\n\nThe kiln stays shut for a day."}"##,
                    keep: &[("kiln", "/data/id")],
                },
                Step {
                    tool: "create_document",
                    arguments: r##"{"title": "Glazing stoneware", "text": "Glaze is brushed on before the kiln is loaded. Stoneware takes two coats."}"##,
                    keep: &[("glaze", "/data/id")],
                },
            ],
            arguments: r#"{"query": "how many degrees for firing stoneware"}"#,
            expect: &[
                ("/data/0/document/id", r#""{kiln}""#),
                ("/data/0/headings/0", r#""Temperature""#),
                ("/data/0/passage", "1"),
            ],
        },
        Example {
            title: "What else do we have like that?",
            before: &[],
            arguments: r#"{"similar_to": "{kiln}"}"#,
            expect: &[("/data/0/document/id", r#""{glaze}""#)],
        },
    ];
    type Output = Vec<Found>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<Found>> {
        let (text, like) = match (&self.query, self.similar_to) {
            (Some(query), None) => (query.to_string(), None),
            (None, Some(id)) => {
                let document = cx
                    .get(id)
                    .await
                    .map_err(|error| error.field("similar_to"))?;
                let words = format!("{} {}", document.title, document.text);
                (words, Some(id))
            }
            (None, None) => return self.newest(cx).await,
            (Some(_), Some(_)) => {
                let message = "query and similar_to are two searches.";
                return Err(Error::invalid("similar_to", message).hint("Leave one of them out."));
            }
        };
        let offset = match &self.cursor {
            Some(cursor) => usize::try_from(cursor.place(ORDER)?).unwrap_or(0),
            None => 0,
        };
        let (after, before) = self.updated(cx)?;
        let status = self.status.unwrap_or(Status::Published);
        let keys = self.keys()?;
        let found = cx
            .find_passages::<Document>(text, like, &keys, DEEPEST)
            .await?;
        let words = found.words.len();
        let ids: Vec<Id<Document>> = found.hits.iter().map(|hit| Id::from_raw(hit.id)).collect();
        let documents = cx.find_all(&ids).await?;
        let is_asked = |saved: &&Saved<Document>| {
            saved.archived_at.is_none()
                && saved.status == status
                && after.is_none_or(|after| saved.updated_at >= after)
                && before.is_none_or(|before| saved.updated_at <= before)
        };
        let hits: Vec<(&PassageHit, &Saved<Document>)> = found
            .hits
            .iter()
            .filter_map(|hit| Some((hit, documents.get(&hit.id).filter(is_asked)?)))
            .collect();
        if found.more {
            cx.notice(Notice::truncated(format!(
                "Only the best {DEEPEST} documents were looked through, and there are more: say more words, or narrow with folder or tag."
            )));
        }
        let most = hits.iter().map(|(hit, _)| hit.words).max().unwrap_or(0);
        if like.is_none() && offset == 0 && !hits.is_empty() && most < words {
            cx.notice(Notice::some_words(format!(
                "No passage has all of the searched words ({}): the best have {most} of {words}.",
                found.words.join(", ")
            )));
        }
        let limit = self.limit.unwrap_or_default().rows();
        let end = offset + limit;
        let next = (hits.len() > end)
            .then(|| Cursor::at(ORDER, i64::try_from(end).unwrap_or(i64::MAX)).encode());
        let page = hits.into_iter().skip(offset).take(limit);
        let rows: Vec<Found> = page
            .map(|(hit, document)| shown(hit.nth, document))
            .collect();
        Ok(cx.page(Page { rows, next }))
    }
}

impl SearchKnowledgeBase {
    /// When it was changed.
    fn updated(&self, cx: &mut Cx) -> Result<(Option<Timestamp>, Option<Timestamp>)> {
        cx.moments(
            ("updated_after", self.updated_after.as_ref()),
            ("updated_before", self.updated_before.as_ref()),
        )
    }

    /// The index keys of what is asked for.
    fn keys(&self) -> Result<Vec<(&'static str, String)>> {
        let status = self.status.unwrap_or(Status::Published);
        let mut keys = vec![("status", bureau_kernel::store::enum_name(&status))];
        keys.extend(folder_asked(self.folder.as_ref())?.map(|folder| ("folder", folder)));
        keys.extend(language_asked(self.language.as_ref())?.map(|code| ("language", code)));
        keys.extend(self.tag.as_ref().map(|tag| ("tag", folded(tag))));
        Ok(keys)
    }

    /// Where nothing is searched for: the beginnings of those that were changed last.
    async fn newest(self, cx: &mut Cx) -> Result<Vec<Found>> {
        let (after, before) = self.updated(cx)?;
        let mut list = cx
            .list::<Document>()
            .from("updated_at", after)
            .to("updated_at", before);
        for (field, value) in self.keys()? {
            list = list.term(field, Some(value));
        }
        let limit = self.limit.unwrap_or_default();
        let page = list.page(Order::UPDATED, true, limit, self.cursor.as_ref());
        let page = page.await?;
        Ok(cx.page(page.map(|document| shown(1, &document))))
    }
}

/// A passage as it is answered.
fn shown(nth: usize, document: &Saved<Document>) -> Found {
    let passages = cut(&document.text);
    // The index may be a moment behind the document: then what it found is looked for no further than it goes.
    let nth = nth.clamp(1, passages.len());
    let passage = passages.get(nth - 1);
    let text = passage.and_then(|passage| document.text.get(passage.range.clone()));
    let text = text.unwrap_or_default().trim();
    let text = match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    };
    Found {
        document: NamedRecord {
            id: document.id.to_string(),
            name: Some(document.title.to_string()),
        },
        passage: nth,
        headings: passage
            .map(|passage| passage.headings.clone())
            .unwrap_or_default(),
        text,
        folder: document.folder.as_ref().map(ToString::to_string),
        version: document.version,
        updated_at: document.updated_at,
        link: format!("bureau://documents/{}", document.id),
    }
}
