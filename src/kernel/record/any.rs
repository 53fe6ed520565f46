//! Records with their type erased: what undo, references and the search index work with.

use std::sync::Arc;
use std::time::Instant;

use chrono::NaiveDate;
use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Map;

use super::called::Called;
use super::context::Cx;
use super::exported::Exported;
use super::standing::Standing;
use super::{ColumnSpec, Data, Link, NamedRecord, Record, Saved, Touch};
use crate::error::{Code, Error, Result};
use crate::permission::Access;
use crate::search::Doc;
use crate::store::log::LogRow;
use crate::store::{Kind, Row, Tx};
use crate::types::time::{LocalTime, Timestamp};

/// Which records are taken out.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only those that were changed at or after this moment.
    pub since: Option<Timestamp>,
    /// Deleted ones too.
    pub archived: bool,
    /// Only those with one of these statuses, as [`AnyRecord::statuses`] read them.
    pub statuses: Vec<String>,
    /// Only those whose day ([`Exported::day`]) is this one or later.
    pub from: Option<NaiveDate>,
    /// Only those whose day is this one or earlier.
    pub until: Option<NaiveDate>,
    /// What they consist of, each a row of its own, instead of them.
    pub parts: bool,
}

/// A record as it is taken out, with its number.
pub type Taken = (i64, Map<String, Data>);

/// Why one record of a change cannot be undone.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct UndoConflict {
    /// What kind of record it is.
    pub kind: String,
    /// The record.
    pub record: NamedRecord,
    /// What stands in the way.
    pub reason: String,
}

/// What was read of a number of rows.
#[derive(Debug)]
pub struct Read<T> {
    /// What was made of those that can be read.
    pub found: Vec<T>,
    /// The others: each an [`Error::unreadable`].
    pub unreadable: Vec<Error>,
    /// The identifier of the last row, readable or not: where to go on. None if there was no row.
    pub last: Option<i64>,
}

impl<T> Read<T> {
    /// Also of what cannot be read something may be made: it is given as none.
    pub(crate) fn of<R: Record>(
        rows: &[Row],
        mut make: impl FnMut(&Row, Option<Saved<R>>) -> Result<Option<T>>,
    ) -> Result<Self> {
        let mut read = Self {
            found: Vec::with_capacity(rows.len()),
            unreadable: Vec::new(),
            last: None,
        };
        for row in rows {
            read.last = Some(row.get("id")?);
            match Saved::from_row(row) {
                Ok(saved) => read.found.extend(make(row, Some(saved))?),
                Err(error) if error.code() == Code::Unreadable => {
                    read.unreadable.push(error);
                    read.found.extend(make(row, None)?);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(read)
    }
}

impl<R: Record> Read<Saved<R>> {
    /// The records of these rows.
    pub(crate) fn records(rows: &[Row]) -> Result<Self> {
        Self::of::<R>(rows, |_, saved| Ok(saved))
    }
}

/// A record with its type erased: what undo, references and the search index work with.
pub trait AnyRecord: Send + Sync {
    /// Its table.
    fn table(&self) -> &'static str;
    /// The prefix of its identifiers.
    fn prefix(&self) -> &'static str;
    /// What it is called.
    fn noun(&self) -> &'static str;
    /// The columns that it declares.
    fn columns(&self) -> &'static [ColumnSpec];
    /// The columns that follow from those, with what stands in them.
    fn derived(&self) -> Vec<(&'static str, Kind)>;
    /// What a caller must hold to read and to write these.
    fn access(&self) -> Access;
    /// Its columns that refer to other records.
    fn references(&self) -> Vec<ColumnSpec>;
    /// What people call one ([`Record::CALLED`]).
    fn called(&self) -> Called;
    /// As [`Record::READERS`].
    fn readers(&self) -> Option<&'static str>;
    /// As [`Record::HAS_PASSAGES`].
    fn has_passages(&self) -> bool;
    /// As [`Record::MERGED_INTO`].
    fn merged_into(&self) -> Option<&'static str>;
    /// The live ones that people call by each of these texts, oldest first.
    fn meant<'a>(
        &'a self,
        cx: &'a mut Cx,
        texts: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Vec<i64>>>>;
    /// The first live ones, with what people call them; what cannot be read is left out.
    fn first<'a>(&'a self, cx: &'a mut Cx, limit: i64)
    -> BoxFuture<'a, Result<Vec<(i64, String)>>>;
    /// How they are taken out, beside their columns.
    fn exported(&self) -> Exported;
    /// The statuses that a caller means by one: it, or those that `open` stands for.
    ///
    /// # Errors
    /// [`Code::Validation`] for what is no status of theirs.
    fn statuses(&self, said: &str, time: LocalTime) -> Result<Vec<String>>;
    /// The next records after an identifier, with theirs, oldest first, or what they consist of. What cannot be read is named.
    fn part<'a>(
        &'a self,
        cx: &'a mut Cx,
        wanted: &'a Wanted,
        after: i64,
        limit: i64,
    ) -> BoxFuture<'a, Result<Read<Taken>>>;
    /// What a person calls these, deleted or not.
    fn titles<'a>(
        &'a self,
        cx: &'a mut Cx,
        ids: &'a [i64],
    ) -> BoxFuture<'a, Result<Vec<(i64, String)>>>;
    /// The live ones that hold on to one of these records by this column ([`Record::BLOCKS_DELETION_WHILE`]): to which, and their own
    /// identifiers.
    fn holding<'a>(
        &'a self,
        cx: &'a mut Cx,
        link: Link,
        targets: &'a [i64],
    ) -> BoxFuture<'a, Result<Vec<(i64, i64)>>>;
    /// Those of these live ones (of all of them, where none are named) that hold on to something that is deleted, and by
    /// which column. In a write, what they hold on to stays as it is until that is done.
    fn dangling<'a>(
        &'a self,
        cx: &'a mut Cx,
        ids: Option<&'a [i64]>,
    ) -> BoxFuture<'a, Result<Vec<(i64, ColumnSpec)>>>;
    /// How many live ones refer to a record by this column.
    fn count_referring<'a>(
        &'a self,
        cx: &'a mut Cx,
        link: Link,
        target: i64,
    ) -> BoxFuture<'a, Result<i64>>;
    /// Changes that column in all of them.
    fn repoint<'a>(
        &'a self,
        cx: &'a mut Cx,
        link: Link,
        from: i64,
        to: Option<i64>,
    ) -> BoxFuture<'a, Result<usize>>;
    /// The identifiers of those that refer to one of these records by this column: of the live ones, or of all.
    fn referring<'a>(
        &'a self,
        cx: &'a mut Cx,
        link: Link,
        targets: &'a [i64],
        all: bool,
    ) -> BoxFuture<'a, Result<Vec<i64>>>;
    /// Whether these are found by their text.
    fn is_searched(&self) -> bool;
    /// Which of them count as having been in touch ([`Record::TOUCH`]).
    fn touch(&self) -> Option<Touch>;
    /// The live ones with these words, newest first, as far as they are found in time: what searches while there is no index.
    fn scan<'a>(
        &'a self,
        cx: &'a mut Cx,
        words: Arc<[String]>,
        until: Instant,
    ) -> BoxFuture<'a, Result<Vec<i64>>>;
    /// To what these live ones belong by this column: to which, and their own identifiers, in the order of `ids`.
    fn parents<'a>(
        &'a self,
        cx: &'a mut Cx,
        link: Link,
        ids: &'a [i64],
    ) -> BoxFuture<'a, Result<Vec<(i64, i64)>>>;
    /// Archives these, with nothing that belongs to them.
    fn archive_each<'a>(&'a self, cx: &'a mut Cx, ids: &'a [i64]) -> BoxFuture<'a, Result<()>>;
    /// Erases these for good.
    fn purge_each<'a>(&'a self, cx: &'a mut Cx, ids: &'a [i64]) -> BoxFuture<'a, Result<()>>;
    /// Takes back what these rows of one call did to one record, or says why not.
    fn undo<'a>(
        &'a self,
        cx: &'a mut Cx,
        rows: &'a [LogRow],
    ) -> BoxFuture<'a, Result<Option<UndoConflict>>>;
    /// Takes back what one call did to several records, of each a single row of the log; what stands in the way of each.
    fn undo_each<'a>(
        &'a self,
        cx: &'a mut Cx,
        rows: &'a [&'a LogRow],
    ) -> BoxFuture<'a, Result<Vec<Option<UndoConflict>>>>;
    /// The search documents of live records of a workspace: those named, or (none named) the next ones after an identifier.
    /// What cannot be read is named.
    fn documents<'a>(
        &'a self,
        tx: &'a mut Tx,
        workspace: i64,
        ids: Option<&'a [i64]>,
        after: i64,
        limit: i64,
    ) -> BoxFuture<'a, Result<Read<Doc>>>;
    /// The next rows of a workspace, deleted or not, from after one identifier up to another; also those that cannot be read.
    fn standing<'a>(
        &'a self,
        tx: &'a mut Tx,
        workspace: i64,
        between: (i64, i64),
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Standing>>>;
}
