//! A note as tools answer it: with the name of what it is about.

use bureau_kernel::prelude::*;
use bureau_kernel::types::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::note::{Note, shortened};

/// Characters of a text in a list: a hundred notes have to stay readable.
const IN_LIST: usize = 500;

/// A note.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct NoteView {
    id: Id<Note>,
    about: NamedAny,
    text: String,
    /// Only the text's beginning is here; get_note has all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    shortened: Option<bool>,
    pinned: bool,
    attributes: Json<Attributes>,
    version: i64,
    created_at: Timestamp,
    created_by: Option<Named<Member>>,
    updated_at: Timestamp,
}

impl NoteView {
    /// With no more than the beginning of a long text.
    pub(crate) fn in_short(mut self) -> Self {
        if let Some(short) = shortened(&self.text, IN_LIST) {
            self.text = short;
            self.shortened = Some(true);
        }
        self
    }
}

/// The same notes with everything by name.
pub(crate) async fn views(cx: &mut Cx, notes: Vec<Saved<Note>>) -> Result<Vec<NoteView>> {
    let about = notes.iter().map(|saved| saved.about.0.clone());
    let about = cx.any_names(about.collect::<Vec<_>>()).await?;
    let authors = cx
        .names(notes.iter().filter_map(|saved| saved.created_by))
        .await?;
    let view = |saved: Saved<Note>| NoteView {
        id: saved.id,
        about: about.of(saved.record.about.0),
        text: saved.record.text.to_string(),
        shortened: None,
        pinned: saved.record.pinned,
        attributes: saved.attributes,
        version: saved.version,
        created_at: saved.created_at,
        created_by: saved.created_by.map(|id| authors.of(id)),
        updated_at: saved.updated_at,
    };
    Ok(notes.into_iter().map(view).collect())
}

/// One note with everything by name.
pub(crate) async fn view(cx: &mut Cx, note: Saved<Note>) -> Result<NoteView> {
    let views = views(cx, vec![note]).await?;
    let only = views.into_iter().next();
    only.ok_or_else(|| Error::internal("a note has one view"))
}

/// A page of notes, with no more of each than a list shows.
pub(crate) async fn rows(cx: &mut Cx, page: Page<Saved<Note>>) -> Result<Vec<NoteView>> {
    let next = page.next;
    let rows = views(cx, page.rows).await?;
    let rows = rows.into_iter().map(NoteView::in_short).collect();
    Ok(cx.page(Page { rows, next }))
}
