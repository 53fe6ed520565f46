//! The file record and what holds of every file.

use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use bureau_kernel::types::id::Entity as _;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::FILES;
use crate::media::Media;

bureau_kernel::record! {
    /// A file that belongs to a record.
    pub struct File: "file", "fil", "file" {
        /// The record that it is of.
        pub about: Parent<AnyId> = "Id of any record" => [key, row],
        /// What it is called.
        pub name: ShortText<200> => [label, search, sort_by("sort_name"), row],
        /// What it is, as its bytes say it.
        pub media_type: Managed<ShortText<100>> => [row],
        /// How long it is.
        pub bytes: Managed<i64> => [sort, row],
        /// SHA-256 of its bytes, in hexadecimal digits.
        pub sha256: Managed<ShortText<64>> => [key],
        /// How much of it a search finds it by.
        pub searchable: Managed<Searchable> => [row],
    }
}

/// How much of a file a search finds it by, beside its name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Searchable {
    /// All words in it.
    All,
    /// Only the words at its beginning: it has more than are kept for that.
    Beginning,
    /// Nothing but its name: an image, for example, or pages that were scanned.
    #[default]
    Name,
}
bureau_kernel::text_column!(Searchable);

impl Record for File {
    const ACCESS: Access = FILES;
    const HOLDS_CONTENT: bool = true;

    fn check(&mut self, _: &Workspace) -> Result<()> {
        if self.about.of::<Self>().is_some() {
            return Err(Error::invalid("about", "A file is not of another file.")
                .hint("Name the record that the other file is of."));
        }
        Ok(())
    }

    /// What it holds is what was attached: only where it belongs changes, where that is merged into another.
    fn validate_transition(&self, next: Option<&Self>) -> Result<()> {
        let same = |next: &Self| {
            (&next.sha256, &next.bytes, &next.media_type)
                == (&self.sha256, &self.bytes, &self.media_type)
        };
        if next.is_none_or(same) {
            return Ok(());
        }
        Err(Error::conflict("What a file holds is not changed.")
            .hint("Attach the other one, and delete this."))
    }

    fn index_keys(&self) -> Vec<(&'static str, String)> {
        let mut keys = self.declared_keys();
        keys.push(("kind", self.about.prefix().to_owned()));
        if let Some(media) = Media::of(&self.media_type) {
            keys.push(("media", media.name().to_owned()));
        }
        keys
    }
}

impl Presented for File {
    type Extra = Nothing;
    const VIEW: &'static [&'static str] = &["attributes", "version", "created_at", "created_by"];
    const ROW: &'static [&'static str] = &["created_at", "created_by"];
}

/// Refuses what is of a record of a kind that the caller may not read.
///
/// # Errors
/// [`Code::Forbidden`] naming the permission; [`Code::NotFound`] naming the field where there is no such kind.
pub(crate) fn demand_read(cx: &Cx, about: &AnyId) -> Result<()> {
    let demanded = cx.demand_of(about, Operation::Read);
    demanded.map_err(|error| match error.code() {
        Code::NotFound => error.field("about"),
        _ => error,
    })
}

/// The file of this record that holds this, where there is one.
pub(crate) async fn same_file(
    cx: &mut Cx,
    about: &AnyId,
    sha256: &str,
) -> Result<Option<Saved<File>>> {
    let list = cx
        .list::<File>()
        .same("about", Some(about.clone()))
        .term("sha256", Some(sha256.to_owned()));
    let page = list.page(Order::CREATED, false, Limit::of(1), None).await?;
    Ok(page.rows.into_iter().next())
}

/// The prefix of the identifiers of records that are called this, in the singular or the plural.
///
/// # Errors
/// [`Code::Validation`] naming the kinds that there are.
pub(crate) fn kind_prefix(cx: &Cx, kind: &str) -> Result<String> {
    let prefix = cx.prefix_of_kind(kind);
    if let Some(prefix) = prefix.filter(|prefix| *prefix != File::PREFIX) {
        return Ok(prefix.to_owned());
    }
    let nouns = cx.kinds_of_records().filter(|noun| *noun != File::NOUN);
    let nouns: Vec<&str> = nouns.collect();
    let message = "There are no records of this kind.";
    Err(Error::invalid("kind", message).hint(format!("There are: {}.", nouns.join(", "))))
}
