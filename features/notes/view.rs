//! What is said of a note beside its columns: its text, which a list shortens.

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;

use crate::note::{Note, shortened};

/// Characters of a text in a list: a hundred notes have to stay readable.
const IN_LIST: usize = 500;

/// What a note says.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Wording {
    text: String,
    /// Only the text's beginning is here; get_note has all of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    shortened: Option<bool>,
}

impl Wording {
    fn of(note: &Note, is_row: bool) -> Self {
        let short = shortened(&note.text, IN_LIST).filter(|_| is_row);
        Self {
            shortened: short.is_some().then_some(true),
            text: short.unwrap_or_else(|| note.text.to_string()),
        }
    }
}

impl Presented for Note {
    type Extra = Wording;

    async fn extras(_: &mut Cx, notes: &[Saved<Self>], is_row: bool) -> Result<Vec<Wording>> {
        let wordings = notes.iter().map(|note| Wording::of(note, is_row));
        Ok(wordings.collect())
    }
}
