//! The note record and what holds of every note.

use bureau_kernel::prelude::*;
use bureau_kernel::types::id::Entity;

use crate::NOTES;

bureau_kernel::record! {
    /// What somebody wrote down about a record.
    pub struct Note: "note", "note", "note" {
        /// The record that it is about.
        pub about: Parent<AnyId> = "Id of any record" => [filter, row],
        /// What it says.
        pub text: LongText<20_000> => [search, hidden],
        /// Whether it stands before the others.
        pub pinned: bool = "It stands first"
            => [column_filter, sort_by("sort_pinned"), within("about"), row],
    }
}

/// Characters of its text that it is called by.
const LABEL: usize = 80;

impl Record for Note {
    const ACCESS: Access = NOTES;

    fn label(&self) -> String {
        let first = self.text.lines().next().unwrap_or_default();
        shortened(first, LABEL).unwrap_or_else(|| first.to_owned())
    }

    fn check(&mut self, _: &Workspace) -> Result<()> {
        if self.about.of::<Self>().is_some() {
            return Err(
                Error::invalid("about", "A note is not about another note.").hint(
                    "Name the record that the other note is about, or change that note with update_note.",
                ),
            );
        }
        Ok(())
    }

    fn index_keys(&self) -> Vec<(&'static str, String)> {
        let mut keys = self.declared_keys();
        keys.push(("kind", self.about.prefix().to_owned()));
        keys
    }
}

/// The beginning of a text that is longer than so many characters.
pub(crate) fn shortened(text: &str, most: usize) -> Option<String> {
    let (end, _) = text.char_indices().nth(most)?;
    text.get(..end)
        .map(|start| format!("{}…", start.trim_end()))
}

/// The prefix of the identifiers of records that are called this, in the singular or the plural.
///
/// # Errors
/// [`Code::Validation`] naming the kinds that there are.
pub(crate) fn kind_prefix(cx: &Cx, kind: &str) -> Result<String> {
    let prefix = cx.prefix_of_kind(kind);
    if let Some(prefix) = prefix.filter(|prefix| *prefix != Note::PREFIX) {
        return Ok(prefix.to_owned());
    }
    let nouns = cx.kinds_of_records().filter(|noun| *noun != Note::NOUN);
    let nouns: Vec<&str> = nouns.collect();
    let message = format!("There are no records of the kind {kind:?}.");
    Err(Error::invalid("kind", message).hint(format!("There are: {}.", nouns.join(", "))))
}
