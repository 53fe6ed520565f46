//! The document record and what holds of every document.

use bureau_kernel::caller::Team;
use bureau_kernel::duplicates::distinct;
use bureau_kernel::import::Import;
use bureau_kernel::prelude::*;
use bureau_kernel::record::{Called, CalledBy};
use bureau_kernel::search::passages::{code_of, codes, detect};
use bureau_kernel::types::text::folded;
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::KNOWLEDGE;
use crate::folder::{levels, plain_path};
use crate::visibility::Visibility;

bureau_kernel::record! {
    /// What the firm knows about something.
    pub struct Document: "document", "doc", "document" {
        /// What it is called.
        pub title: ShortText<200> => [label, search, sort_by("sort_title"), row, import("name, subject")],
        /// What it says, in Markdown. It stands before what else is searched: in it the passages are.
        pub text: LongText<90_000> = "Markdown" => [search, import("body, content, markdown")],
        /// Where it lies: names of folders with slashes between them.
        pub folder: Option<ShortText<200>> = "HR/Leave" => [row, import("path, section")],
        /// Labels.
        pub tags: Json<Vec<ShortText<50>>> => [search, filter_as("tag"), row, import("tag, labels")],
        /// In which language it is written (ISO 639-1); where nothing is said, its words tell.
        pub language: Option<ShortText<40>> => [hidden, import("lang")],
        /// Who looks after it.
        pub owner: Option<Id<Member>> = "Default you" => [filter, row, import("author")],
        /// Whether it is done.
        pub status: Status = "Default published" => [filter, row, import("state")],
        /// When somebody has to look whether it still holds.
        pub review_on: Option<NaiveDate> => [sort_by("sort_review"), range("review_after", "review_before"), row, import("review date")],
        /// Who reads it.
        pub visibility: Managed<Visibility> => [row],
        /// The team whose members alone do.
        pub team: Managed<Option<Id<Team>>> => [row],
        /// The file that it is kept in step with.
        pub source: Managed<Option<ShortText<500>>> => [key],
        /// What it was called before, newest first.
        pub former_titles: Managed<Json<Vec<ShortText<200>>>> => [search, key_as("former_title")],
    }
}

/// Whether a document is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Somebody is still writing it: a search leaves it out unless drafts are asked for.
    Draft,
    /// It holds.
    #[default]
    Published,
}
bureau_kernel::text_column!(Status);

/// Titles of before that are remembered.
const FORMER: usize = 20;

impl Record for Document {
    const ACCESS: Access = KNOWLEDGE;
    const READERS: Option<&'static str> = Some("team");
    const HAS_PASSAGES: bool = true;

    const CALLED: Called = Called::by(
        &[
            CalledBy::Column("sort_title"),
            CalledBy::Key("former_title"),
        ],
        "list_knowledge_base",
    );

    fn check(&mut self, _: &Workspace) -> Result<()> {
        if let Some(folder) = &self.folder {
            self.folder = plain_path("folder", folder)?;
        }
        if let Some(said) = &self.language {
            let Some(code) = code_of(said) else {
                let known: Vec<&str> = codes().collect();
                let message = "Documents are not read in this language here.".to_owned();
                return Err(Error::invalid("language", message)
                    .hint(format!("There are: {}.", known.join(", "))));
            };
            self.language = ShortText::new(code).ok();
        }
        distinct("tags", &mut self.tags, |a, b| folded(a) == folded(b))
    }

    /// Also each folder in which its own lies, and the language.
    fn index_keys(&self) -> Vec<(&'static str, String)> {
        let mut keys = self.declared_keys();
        let folders = self.folder.iter().flat_map(|folder| levels(folder));
        keys.extend(folders.map(|folder| ("folder", folder)));
        keys.extend(self.written_in().map(|code| ("language", code)));
        keys
    }
}

impl Document {
    /// The code of the language in which it is written.
    pub(crate) fn written_in(&self) -> Option<String> {
        match &self.language {
            Some(code) => Some(code.to_string()),
            None => detect(&format!("{}. {}", self.title, self.text)).map(str::to_owned),
        }
    }

    /// Remembers what it was called, where it is called something else now.
    pub(crate) fn remember(&mut self, before: &ShortText<200>) {
        let now = folded(&self.title);
        let former = &mut self.former_titles.0.0;
        if now != folded(before) {
            former.insert(0, before.clone());
        }
        let mut seen = vec![now];
        former.retain(|title| {
            let title = folded(title);
            let is_new = !seen.contains(&title);
            seen.push(title);
            is_new
        });
        former.truncate(FORMER);
    }
}

impl Import for Document {
    const NAME: &'static str = "documents";
    const TOOL: &'static str = "import_documents";
}
