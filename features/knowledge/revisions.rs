//! The revisions of a document: what its title and text were, as the change log has it.
//!
//! A revision is called by the version of the document with which its title or text changed, so other changes make none, and
//! saving what is there already makes none either. Any version in between means the revision that stood then.

use bureau_kernel::prelude::*;
use bureau_kernel::store::{Row, sql};
use bureau_kernel::types::id::Entity as _;
use bureau_kernel::types::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use similar::TextDiff;

use crate::document::Document;

/// A version of a document.
pub(crate) type Revision = BoundedInt<1, 1_000_000>;

/// What a document said.
#[derive(Debug, Clone)]
pub(crate) struct Wording {
    pub(crate) revision: i64,
    pub(crate) at: Timestamp,
    pub(crate) by: Option<Id<Member>>,
    pub(crate) title: String,
    pub(crate) text: String,
}

/// A revision as it is answered.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RevisionRow {
    pub(crate) revision: i64,
    pub(crate) at: Timestamp,
    pub(crate) by: Option<Named<Member>>,
    pub(crate) title: String,
}

/// All that a document said, the oldest first.
///
/// # Errors
/// What the database says.
pub(crate) async fn wordings(cx: &mut Cx, document: Id<Document>) -> Result<Vec<Wording>> {
    let rows = sql("SELECT version, at, member, after")
        .from_own(cx, "change_log")
        .sql(" AND record = ")
        .value(document)
        .sql(" AND entity = ")
        .value(Document::TABLE.to_owned())
        .sql(" AND after IS NOT NULL ORDER BY version, id")
        .rows(cx.tx())
        .await?;
    let mut wordings: Vec<Wording> = Vec::new();
    for row in &rows {
        wordings.extend(next(row, wordings.last())?);
    }
    Ok(wordings)
}

/// What it said from a row of the log on, where that is something else than before.
fn next(row: &Row, last: Option<&Wording>) -> Result<Option<Wording>> {
    let after: String = row.get("after")?;
    let after: Map<String, Value> = serde_json::from_str(&after).map_err(Error::internal)?;
    let said = |column: &str| after.get(column).and_then(Value::as_str).map(str::to_owned);
    let (title, text) = (said("title"), said("text"));
    if title.is_none() && text.is_none() {
        return Ok(None);
    }
    let before = |of: fn(&Wording) -> &String| last.map(of).cloned().unwrap_or_default();
    Ok(Some(Wording {
        revision: row.get("version")?,
        at: row.get("at")?,
        by: row.get("member")?,
        title: title.unwrap_or_else(|| before(|last| &last.title)),
        text: text.unwrap_or_else(|| before(|last| &last.text)),
    }))
}

/// What a document said when it had this version.
///
/// # Errors
/// [`Code::Validation`] for a version that it never had, or whose words are gone.
pub(crate) fn standing<'a>(
    field: &str,
    wordings: &'a [Wording],
    document: &Saved<Document>,
    revision: Revision,
) -> Result<&'a Wording> {
    let asked = revision.get();
    let found = wordings
        .iter()
        .rev()
        .find(|wording| wording.revision <= asked);
    found.filter(|_| asked <= document.version).ok_or_else(|| {
        let known: Vec<String> = wordings
            .iter()
            .map(|wording| wording.revision.to_string())
            .collect();
        let message = format!("This document has no revision {asked}.");
        Error::invalid(field, message).hint(format!("There are: {}.", known.join(", ")))
    })
}

/// Title and text of an earlier revision.
///
/// # Errors
/// As [`standing`].
pub(crate) async fn restored(
    cx: &mut Cx,
    document: &Saved<Document>,
    revision: Revision,
) -> Result<(ShortText<200>, LongText<90_000>)> {
    let wordings = wordings(cx, document.id).await?;
    let wording = standing("restore_revision", &wordings, document, revision)?;
    let title = ShortText::new(&wording.title).map_err(Error::internal)?;
    let text = LongText::new(&wording.text).map_err(Error::internal)?;
    Ok((title, text))
}

/// What changed from one wording to another, as a unified diff of lines with three around each change.
pub(crate) fn difference(old: &Wording, new: &Wording) -> String {
    let whole = |wording: &Wording| format!("# {}\n\n{}\n", wording.title, wording.text);
    let (old_text, new_text) = (whole(old), whole(new));
    let diff = TextDiff::from_lines(&old_text, &new_text);
    let name = |wording: &Wording| format!("revision {}", wording.revision);
    let mut unified = diff.unified_diff();
    unified
        .context_radius(3)
        .header(&name(old), &name(new))
        .to_string()
}
