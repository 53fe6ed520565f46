//! What is said of a document beside its columns.

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;

use crate::document::Document;

/// What its words tell.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Reading {
    /// ISO 639-1, given or told by its words.
    language: Option<String>,
    /// How many words it has.
    words: usize,
}

impl Presented for Document {
    type Extra = Reading;
    const ROW: &'static [&'static str] = &["version", "updated_at"];

    async fn extras(_: &mut Cx, documents: &[Saved<Self>], _: bool) -> Result<Vec<Reading>> {
        let readings = documents.iter().map(|document| Reading {
            language: document.written_in(),
            words: document.text.split_whitespace().count(),
        });
        Ok(readings.collect())
    }
}
