//! What records said at a moment that has passed, from the change log: what was done since, taken back one by one.

use std::collections::BTreeMap;

use serde_json::{Map, to_value};

use super::{Data, Record};
use crate::error::{Error, Result};
use crate::record::Cx;
use crate::store::log::Action;
use crate::store::{Sql, sql};
use crate::types::id::Id;
use crate::types::time::Timestamp;

/// A record as it stood then.
#[derive(Debug)]
pub struct Past {
    /// Whether it was there: neither deleted, nor still to be added.
    pub was_there: bool,
    /// What its fields that were changed since said then; of one that was added since, what it said first.
    pub content: Map<String, Data>,
}

impl Past {
    /// The record as it stood then, which says this now.
    ///
    /// # Errors
    /// [`Code::Internal`](crate::error::Code::Internal) for what is no such record any more.
    pub fn of<R: Record>(self, now: &R) -> Result<R> {
        let mut content = content(now)?;
        content.extend(self.content);
        serde_json::from_value(content.into()).map_err(Error::internal)
    }
}

/// What a record says, as the log has it.
///
/// # Errors
/// [`Code::Internal`](crate::error::Code::Internal) for what is no struct.
pub fn content<R: Record>(record: &R) -> Result<Map<String, Data>> {
    match to_value(record).map_err(Error::internal)? {
        Data::Object(content) => Ok(content),
        _ => Err(Error::internal("a record is a struct")),
    }
}

impl Cx {
    /// What the log has of records since a moment, for each that was changed: what stood there before the first of these changes.
    /// `among` appends which records are looked at, each condition with an `AND` before it; their identifier is `record`. `None` for
    /// more than `most` changes.
    ///
    /// # Errors
    /// What the database says.
    pub async fn past_of<R: Record>(
        &mut self,
        since: Timestamp,
        most: i64,
        among: impl FnOnce(Sql, &Self) -> Sql,
    ) -> Result<Option<BTreeMap<Id<R>, Past>>> {
        let statement = sql("SELECT record, action, before").from_own(self, "change_log");
        let rows = among(statement, self)
            .sql(" AND entity = ")
            .value(R::TABLE.to_owned())
            .sql(" AND at >= ")
            .value(since)
            .sql(" ORDER BY record, version DESC LIMIT ")
            .value(most.saturating_add(1))
            .rows(&mut self.tx)
            .await?;
        if i64::try_from(rows.len()).is_ok_and(|found| found > most) {
            return Ok(None);
        }
        let mut past: BTreeMap<Id<R>, Past> = BTreeMap::new();
        for row in rows {
            let record = past.entry(row.get("record")?).or_insert_with(|| Past {
                was_there: true,
                content: Map::new(),
            });
            let before: Option<String> = row.get("before")?;
            let before = before.map(|text| serde_json::from_str::<Map<String, Data>>(&text));
            let before = before.transpose().map_err(Error::internal)?;
            // From the newest to the oldest: what stood there first stays.
            record.content.extend(before.unwrap_or_default());
            record.was_there = match row.get("action")? {
                Action::Create | Action::Restore => false,
                Action::Update | Action::Archive | Action::Purge | Action::Redact => true,
            };
        }
        Ok(Some(past))
    }
}
