//! What stood in a record before, from the change log.

use std::collections::HashMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, json};

use super::{AnyRecord, Data, Record};
use crate::caller::Member;
use crate::error::{Error, Result};
use crate::record::Cx;
use crate::store::log::{Action, Change};
use crate::store::{Kind, Target, sql};
use crate::types::id::{Id, decode};
use crate::types::time::{Timestamp, by_clocks};

/// What was done last to a record.
#[derive(Debug)]
pub(crate) struct LastChange {
    pub(crate) change: Id<Change>,
    action: Action,
    /// When, by whom and with which tool, as an error says it.
    pub(crate) words: String,
}

impl Cx {
    /// What was done last to a record after it had this version, by any call but the one that runs.
    ///
    /// # Errors
    /// What the database says.
    pub(crate) async fn last_change(
        &mut self,
        table: &str,
        id: i64,
        after: i64,
    ) -> Result<Option<LastChange>> {
        let row = sql("SELECT call, at, tool, action, member FROM change_log WHERE workspace = ")
            .value(self.workspace().id)
            .sql(" AND record = ")
            .value(id)
            .sql(" AND entity = ")
            .value(table.to_owned())
            .sql(" AND version > ")
            .value(after)
            .sql(" ORDER BY version DESC, id DESC LIMIT 1")
            .row(&mut self.tx)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let at: Timestamp = row.get("at")?;
        let at = at.with_timezone(&self.workspace().time_zone);
        let member: Option<Id<Member>> = row.get("member")?;
        let by = match member {
            Some(member) => self.member_names([member]).await?.of(member).name,
            None => None,
        };
        let by = by.map(|name| format!(" by {name}")).unwrap_or_default();
        let tool: String = row.get("tool")?;
        Ok(Some(LastChange {
            change: row.get("call")?,
            action: row.get("action")?,
            words: format!("on {}{by} with {tool}", at.format("%Y-%m-%d at %H:%M")),
        }))
    }

    /// An error about a record that is not there: where it was deleted restorably, with who did that, when, and how it comes
    /// back, for a caller who may read such records.
    pub(crate) async fn or_deleted(&mut self, error: Error, table: &str, id: i64) -> Error {
        if !self.may_read(table) {
            return error;
        }
        if let Some(kind) = self.records().record(table)
            && !matches!(self.hidden(kind, &[id]).await, Ok(hidden) if hidden.is_empty())
        {
            return error;
        }
        // Whatever goes wrong here, what was asked for is not there.
        let Ok(Some(last)) = self.last_change(table, id, 0).await else {
            return error;
        };
        if last.action != Action::Archive {
            return error;
        }
        let names = self.named(&[(table, id)]).await.unwrap_or_default();
        let name = names.into_iter().next().and_then(|named| named.name);
        let change = last.change.to_string();
        let message = format!("{} It was deleted {}.", error.message(), last.words);
        error
            .with_message(message)
            .hint(format!("undo_change with change: {change} brings it back."))
            .detail("deleted", json!({ "name": name, "change": change }))
    }

    /// Whether a record that has one version stands as it did at an earlier one, because all that came between was taken back.
    ///
    /// # Errors
    /// What the database says.
    pub(crate) async fn stands_as(
        &mut self,
        record: (&'static str, i64),
        mut now: i64,
        earlier: i64,
    ) -> Result<bool> {
        while now > earlier {
            now = match self.taken_back(record, now) {
                Some(before) => before,
                None => match self.undone_by(record, now).await? {
                    Some(before) => before,
                    None => return Ok(false),
                },
            };
        }
        Ok(now == earlier)
    }

    /// As which version a record stands since it has this one, where it got that from an undo of an earlier call.
    async fn undone_by(&mut self, record: (&str, i64), version: i64) -> Result<Option<i64>> {
        let of_record = |statement: &'static str| {
            sql(statement)
                .value(record.0.to_owned())
                .sql(" AND record = ")
                .value(record.1)
        };
        let undoes = of_record("SELECT undoes FROM change_log WHERE entity = ")
            .sql(" AND workspace = ")
            .value(self.workspace().id)
            .sql(" AND version = ")
            .value(version)
            .row(&mut self.tx)
            .await?;
        let Some(undoes) = undoes.map(|row| row.get::<Option<i64>>("undoes")) else {
            return Ok(None);
        };
        let Some(call) = undoes? else { return Ok(None) };
        let first = of_record("SELECT MIN(version) AS first FROM change_log WHERE entity = ")
            .sql(" AND workspace = ")
            .value(self.workspace().id)
            .sql(" AND call = ")
            .value(call)
            .row(&mut self.tx)
            .await?;
        let first = first
            .map(|row| row.get::<Option<i64>>("first"))
            .transpose()?;
        // An undo only ever goes back.
        Ok(first
            .flatten()
            .map(|first| first - 1)
            .filter(|before| *before < version))
    }

    /// What the log says of a record, with its moments as the workspace's clocks show them.
    pub fn by_clocks(&self, table: &str, side: &mut Map<String, Data>) {
        let Some(kind) = self.records().record(table) else {
            return;
        };
        let zone = self.workspace().time_zone;
        let moments = kind.columns().iter();
        for column in moments.filter(|column| column.kind == Kind::Time) {
            if let Some(Data::String(text)) = side.get_mut(column.name)
                && let Some(local) = by_clocks(text, zone)
            {
                *text = local;
            }
        }
    }

    /// Puts the names of what logged records of these tables refer to beside the identifiers, as far as the caller may read them.
    ///
    /// # Errors
    /// What the database says.
    pub async fn name_references(
        &mut self,
        sides: Vec<(&str, &mut Map<String, Data>)>,
    ) -> Result<()> {
        let mut places = Vec::new();
        let mut things = Vec::new();
        for (table, side) in sides {
            let Some(kind) = self.records().record(table) else {
                continue;
            };
            let referring = kind.columns().iter();
            let referring = referring.filter_map(|column| Some((column.name, column.refers_to?)));
            let referring: HashMap<&str, Target> = referring.collect();
            for (column, value) in side {
                let Some((target, (prefix, id))) = referring
                    .get(column.as_str())
                    .zip(value.as_str().and_then(decode))
                else {
                    continue;
                };
                let table = match target {
                    Target::Table(table) => Some(*table),
                    Target::Any => self
                        .records()
                        .record_with_prefix(prefix)
                        .map(AnyRecord::table),
                };
                if let Some(table) = table {
                    things.push((table, id));
                    places.push(value);
                }
            }
        }
        let named = self.named(&things).await?;
        for (place, named) in places.into_iter().zip(named) {
            *place = json!(named);
        }
        Ok(())
    }

    /// What a column of a record came to, each with the moment, the oldest first.
    ///
    /// # Errors
    /// [`Code::Internal`](crate::error::Code::Internal) for what is of another type.
    pub async fn history_of<R: Record, T: DeserializeOwned>(
        &mut self,
        id: Id<R>,
        column: &str,
    ) -> Result<Vec<(T, Timestamp)>> {
        let rows = sql("SELECT at, after FROM change_log WHERE workspace = ")
            .value(self.workspace().id)
            .sql(" AND record = ")
            .value(id)
            .sql(" AND entity = ")
            .value(R::TABLE.to_owned())
            .sql(" AND after IS NOT NULL ORDER BY id")
            .rows(&mut self.tx)
            .await?;
        let mut history = Vec::new();
        for row in rows {
            let after: String = row.get("after")?;
            let mut after: Map<String, Data> =
                serde_json::from_str(&after).map_err(Error::internal)?;
            if let Some(value) = after.remove(column).filter(|value| !value.is_null()) {
                let value = serde_json::from_value(value).map_err(Error::internal)?;
                history.push((value, row.get("at")?));
            }
        }
        Ok(history)
    }
}
