//! Search by any part of a record's text: a tantivy index that follows the change log.
//!
//! The database is the truth and the index a projection of it. One process of those that share a data directory holds
//! the writer, follows the sealed change logs, and notes in each commit how far it has come in each of them; the others read.
//! A search waits until the index has come as far as its caller's own last write. An index that is missing, torn, of another
//! schema or of another database is set aside and built again while searches are answered by [`Found::NotReady`], so that
//! the caller looks into the database instead.

mod cut;
mod files;
mod follow;
mod index;
mod language;
mod matching;
mod passage;
pub mod passages;
mod query;
mod rank;
mod schema;
#[cfg(test)]
mod tests;
mod text;
mod unread;

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

pub(crate) use passage::passage;

use passages::{PassageQuery, Passages};
use schema::Collection;

use crate::heads::{Head, Heads};
use crate::types::words::is_filler;

/// What one record shows to the search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doc {
    /// The workspace that the record belongs to.
    pub workspace: i64,
    /// Table name, such as `contact`.
    pub kind: &'static str,
    /// Id of the record, unique within its kind.
    pub id: i64,
    /// What the record is called: words found here come first.
    pub title: String,
    /// Other text to find the record by: company, job title, city, tags, email addresses.
    pub text: Vec<String>,
    /// Phone numbers and the like: found by any three or more of their digits in a row. Only digits count.
    pub numbers: Vec<String>,
    /// Exact terms to narrow a search, such as `type:lead`.
    pub filters: Vec<String>,
    /// The team whose members alone may find it, where not everybody may.
    pub readers: Option<i64>,
    /// Its row could not be read: no search finds it, and each among its kind names it.
    pub unread: bool,
}

impl Doc {
    /// The record that it stands for.
    #[must_use]
    pub fn key(&self) -> RecordKey {
        (self.workspace, self.kind, self.id)
    }

    /// What stands for a record whose row could not be read.
    #[must_use]
    pub fn unread(workspace: i64, kind: &'static str, id: i64) -> Self {
        Self {
            workspace,
            kind,
            id,
            title: String::new(),
            text: Vec::new(),
            numbers: Vec::new(),
            filters: Vec::new(),
            readers: None,
            unread: true,
        }
    }
}

/// One record: its workspace, the name of its table, and its id.
pub type RecordKey = (i64, &'static str, i64);

/// A log that went on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Whose it is.
    pub workspace: i64,
    /// Where it ends now.
    pub head: Head,
    /// The number of the sealing that moved it last.
    pub sealing: i64,
}

/// A record that the change log names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touched {
    /// Sealed position in the change log of its workspace.
    pub position: i64,
    /// The record.
    pub record: RecordKey,
    /// It was erased for good, and its text is to leave the index's files too.
    pub erased: bool,
}

/// What a scan read.
#[derive(Clone, Debug, Default)]
pub struct Scanned {
    /// The documents.
    pub docs: Vec<Doc>,
    /// The record that was read last, whether it has a document or not. None at the end.
    pub last: Option<RecordKey>,
}

/// Why the database could not be read.
pub type SourceError = Box<dyn std::error::Error + Send + Sync>;

/// The database as the index sees it.
pub trait Source: Send + Sync + 'static {
    /// The number of the last sealing of any log, 0 before the first. Asked up to 200 times a second, so it must be cheap.
    fn last_sealing(&self) -> impl Future<Output = Result<i64, SourceError>> + Send;

    /// The logs that sealings after this one moved.
    fn moved(&self, after: i64) -> impl Future<Output = Result<Vec<Moved>, SourceError>> + Send;

    /// Whether the logs hold these places as they were: else the database was replaced by another one, or lost its end.
    fn holds(&self, heads: &Heads) -> impl Future<Output = Result<bool, SourceError>> + Send;

    /// The hash of a sealed row.
    fn hash_at(
        &self,
        workspace: i64,
        position: i64,
    ) -> impl Future<Output = Result<String, SourceError>> + Send;

    /// Records of a workspace touched after `position`, in order of position, at most `limit`. Fewer than `limit` means that
    /// there are no more up to the head.
    fn touched(
        &self,
        workspace: i64,
        after: i64,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Touched>, SourceError>> + Send;

    /// The kind of this name, if there is one.
    fn kind(&self, name: &str) -> Option<&'static str>;

    /// Present documents of these records; one that is not returned (archived, purged) leaves the index.
    fn load(
        &self,
        records: &[RecordKey],
    ) -> impl Future<Output = Result<Vec<Doc>, SourceError>> + Send;

    /// The documents of the next `limit` live records after `after`, in order of their keys.
    fn scan(
        &self,
        after: Option<RecordKey>,
        limit: usize,
    ) -> impl Future<Output = Result<Scanned, SourceError>> + Send;
}

/// What is searched for.
#[derive(Clone, Debug)]
pub struct Query {
    /// Only records of this workspace are found.
    pub workspace: i64,
    /// Only records of these kinds are found; none if it is empty.
    pub kinds: Vec<&'static str>,
    /// Who looks.
    pub readers: Readers,
    /// Words as a person types them, at most 500 characters and 12 words of it. No character has a special meaning.
    /// A word is found whole, as a beginning, or, from 4 letters on, with one typo (two from 8 on). Empty
    /// text finds everything that passes the filters, newest id first.
    pub text: String,
    /// Exact terms: one of each group has to be present.
    pub filters: Vec<Vec<String>>,
    /// Most hits to return.
    pub limit: usize,
    /// Hits to leave out before the first.
    pub offset: usize,
    /// Position of the workspace's change log that the index must have reached; the caller's own last write.
    pub at_least: i64,
    /// How many of the words have to be found.
    pub words: Words,
}

/// Whose records are found, beside those that everybody may read who may read their kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Those of all teams.
    Everybody,
    /// Those of these teams.
    Teams(Vec<i64>),
}

/// How many of the words of a search have to be found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Words {
    /// Each.
    #[default]
    All,
    /// Half of those that tell something ([`telling`]) or more; what has most of them comes first.
    Most,
}

/// The words of a search that tell something, and those that do not, such as small words and legal forms. Where none does, all
/// do.
#[must_use]
pub fn telling(text: &str) -> (Vec<String>, Vec<String>) {
    let words = text::query_pieces(text)
        .into_iter()
        .map(|piece| match piece {
            text::Piece::Word(word) => word,
            text::Piece::Number { words, .. } => words.join(" "),
        });
    let (fillers, telling): (Vec<_>, Vec<_>) = words.partition(|word| is_filler(word));
    match telling.is_empty() {
        true => (fillers, Vec::new()),
        false => (telling, fillers),
    }
}

/// Of so many words that tell something a record has to have at least so many.
pub(crate) const fn least(telling: usize) -> usize {
    telling.div_ceil(2)
}

/// One found record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Table name, one of the query's kinds.
    pub kind: &'static str,
    /// Id of the record.
    pub id: i64,
    /// Higher is better; only comparable within one search.
    pub score: f32,
    /// Of [`Words::Most`], how many of those that tell something it has.
    pub words: usize,
}

/// The answer to a search.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// The hits, best first; equal ones by id, newest first.
    Hits {
        /// At most `limit` hits.
        hits: Vec<Hit>,
        /// True if more follow.
        more: bool,
        /// Records of the queried kinds that nobody can find, because their rows could not be read.
        unread: Vec<(&'static str, i64)>,
    },
    /// The index is being built or has not come far enough in time: look into the database instead.
    NotReady,
}

/// Why the index could not be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The directory cannot be read or written.
    #[error("the search directory cannot be used: {0}")]
    Io(#[from] std::io::Error),
    /// The index library refused.
    #[error("search index: {0}")]
    Index(#[from] tantivy::TantivyError),
    /// The files of the index do not make sense.
    #[error("the search index is damaged: {0}")]
    Damaged(String),
    /// The database could not be read.
    #[error("the search index could not read the database: {0}")]
    Source(SourceError),
}

/// The furthest ends of the change logs that the index in this folder has seen. A database that has no row at one of these
/// positions, or one with another hash, has lost what was committed last, or is an older one. They are remembered until the
/// folder is removed, as a restore does.
#[must_use]
pub fn last_known(folder: &Path) -> Option<Heads> {
    index::last_known(folder)
}

/// How the index is doing, for a look from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// True if searches are answered from the index.
    pub ready: bool,
    /// True if this process holds the writer.
    pub holder: bool,
    /// Rows of all change logs that the index has taken in.
    pub rows: i64,
    /// Records in the index.
    pub documents: u64,
    /// Parts that the index consists of.
    pub segments: usize,
}

/// The search of one data directory. Dropping it ends its task and gives the writer back.
#[derive(Debug)]
pub struct Search {
    shared: Arc<follow::Shared>,
    task: tokio::task::JoinHandle<()>,
}

impl Search {
    /// Opens the index under `dir`, creating the directory, and starts the task that keeps it up to date. The index is
    /// opened or built in the background. `growth` tells of commits that this process hears of; the others are polled for.
    ///
    /// # Errors
    /// [`Error::Io`] if the directory cannot be created.
    pub fn open<S: Source>(
        dir: &Path,
        source: Arc<S>,
        growth: watch::Receiver<u64>,
    ) -> Result<Self, Error> {
        Self::open_collection(Collection::Records, dir, source, growth)
    }

    /// The same for the passages of the documents that the source has.
    ///
    /// # Errors
    /// As [`Search::open`].
    pub fn open_passages<S: Source>(
        dir: &Path,
        source: Arc<S>,
        growth: watch::Receiver<u64>,
    ) -> Result<Self, Error> {
        Self::open_collection(Collection::Passages, dir, source, growth)
    }

    fn open_collection<S: Source>(
        collection: Collection,
        dir: &Path,
        source: Arc<S>,
        growth: watch::Receiver<u64>,
    ) -> Result<Self, Error> {
        let paths = index::IndexPaths::new(dir, collection)?;
        let shared = Arc::new(follow::Shared::new(paths, growth));
        let task = tokio::spawn(follow::run(Arc::clone(&shared), source));
        Ok(Self { shared, task })
    }

    /// The best passages, without waiting: none if the index has not come so far in the workspace's log by now.
    pub async fn passages(&self, query: PassageQuery, at_least: i64) -> Option<Passages> {
        self.shared.find_passages(query, at_least).await
    }

    /// Searches, after waiting up to 2 seconds until the index has reached `query.at_least`. The index is made over
    /// connections to the database, so nobody may hold one while waiting here.
    pub async fn find(&self, query: Query) -> Found {
        self.shared.find(query, follow::SEARCH_WAIT).await
    }

    /// Searches without waiting: [`Found::NotReady`] if the index has not reached `query.at_least` by now.
    pub async fn find_now(&self, query: Query) -> Found {
        self.shared.find(query, Duration::ZERO).await
    }

    /// Whether a search that has to see this position of a workspace's log needs not wait, as far as is known without looking.
    #[must_use]
    pub fn has_reached(&self, workspace: i64, position: i64) -> bool {
        self.shared.has_reached(workspace, position)
    }

    /// Waits up to 2 seconds until the index has reached a position of a workspace's log, and tells whether it has.
    pub async fn reach(&self, workspace: i64, position: i64) -> bool {
        let reached = self
            .shared
            .reached(workspace, position, follow::SEARCH_WAIT);
        reached.await.is_some()
    }

    /// How the index is doing, as far as this process knows.
    pub fn status(&self) -> Status {
        self.shared.status()
    }
}

impl Search {
    /// Ends its task; what it has indexed stays.
    pub fn stop(&self) {
        self.task.abort();
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        self.stop();
    }
}
