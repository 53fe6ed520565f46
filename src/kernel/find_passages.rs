//! Documents by a passage that answers a question: from the index of passages, or while there is none, from the documents that the
//! caller may read.

use std::sync::Arc;

use crate::erased::record;
use crate::error::{Code, Error, Result};
use crate::record::{Cx, Record, filter};
use crate::search::passages::{InMemory, PassageQuery, Passages};
use crate::types::id::Id;

/// Documents that are looked through without an index.
const MOST_READ: usize = 5_000;
/// Documents that are read together.
const TOGETHER: i64 = 200;

impl Cx {
    /// The best passages of documents that the caller may read: for a text, or like a document whose text it is. `keys` are index
    /// keys that they have. Whoever shows them reads the documents again, with what else is asked of them.
    ///
    /// # Errors
    /// [`Code::Unavailable`] where there is no index, and too much to look through without.
    pub async fn find_passages<R: Record>(
        &mut self,
        text: String,
        like: Option<Id<R>>,
        keys: &[(&'static str, String)],
        limit: usize,
    ) -> Result<Passages> {
        const { assert!(R::HAS_PASSAGES, "its kind says that it has passages") };
        let query = PassageQuery {
            workspace: self.workspace().id.raw(),
            kind: R::TABLE,
            readers: self.searching_for::<R>().await?,
            text,
            like: like.map(Id::raw),
            filters: keys
                .iter()
                .map(|(field, value)| vec![filter(field, value)])
                .collect(),
            limit,
        };
        let app = Arc::clone(&self.app);
        if let (Some(index), Some(at_least)) = (&app.passages, self.tx.seen_of_log())
            && let Some(found) = index.passages(query.clone(), at_least).await
        {
            return Ok(found);
        }
        self.passages_without_index::<R>(query).await
    }

    async fn passages_without_index<R: Record>(&mut self, query: PassageQuery) -> Result<Passages> {
        let kind = record::<R>();
        let mut docs = Vec::new();
        let mut after = i64::MIN;
        loop {
            let read = kind
                .documents(&mut self.tx, query.workspace, None, after, TOGETHER)
                .await?;
            for error in &read.unreadable {
                self.notice(crate::notice::Notice::unreadable(error));
            }
            docs.extend(read.found.into_iter().filter(|doc| !doc.unread));
            match read.last {
                Some(last) if docs.len() <= MOST_READ => after = last,
                Some(_) => {
                    return Err(Error::new(
                        Code::Unavailable,
                        "The search index is being built, and without it this takes too long.",
                    )
                    .hint("Try again in a minute, or list with filters instead of a text.")
                    .retry_after(30));
                }
                None => break,
            }
        }
        let look = move || InMemory::of(&docs)?.find(&query);
        let found = self.compute_while_reading(look).await?;
        found.map_err(Error::internal)
    }
}
