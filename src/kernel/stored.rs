//! All that is stored of some records: they themselves, what belongs to them, and how each became what it is. It is what a person
//! is given who asks what a firm keeps of them.

use serde_json::{Map, Value as Data};

use crate::caller::Member;
use crate::error::{Error, Result};
use crate::export::{self, Kind};
use crate::notice::Notice;
use crate::permission::{Operation, lacking};
use crate::record::{AnyRecord, Cx, Family, Wanted};
use crate::store::log::LogRow;
use crate::store::sql;
use crate::types::id::Id;

/// Changes that are shown at most.
const CHANGES: i64 = 5_000;

/// Records of one kind as they are stored: what callers call the kind, and each with its columns and the names of what these refer
/// to.
pub type OfKind = (String, Vec<Map<String, Data>>);

impl Cx {
    /// What is stored of these records, which are there, and of what belongs to them, deleted or not; the kinds in the order of the
    /// tables. And the newest 5,000 changes of all of it, the oldest first; a notice says where there are more.
    ///
    /// # Errors
    /// [`Code::Forbidden`](crate::error::Code::Forbidden) for a caller who may not read one of the kinds, or of those that may belong
    /// to them: nothing is left out in silence.
    pub async fn all_stored(
        &mut self,
        roots: &[(&'static str, Vec<i64>)],
    ) -> Result<(Vec<OfKind>, Vec<Map<String, Data>>)> {
        let registry = self.records().clone();
        let mut parts: Vec<(&'static dyn AnyRecord, Vec<i64>)> = Vec::new();
        for (table, ids) in roots {
            let kind = registry.record(table);
            let kind = kind.ok_or_else(|| Error::internal("a root is a record"))?;
            self.demand_kind(kind)?;
            for (child, _) in registry
                .referring_to(kind.table())
                .filter(|(_, link)| link.column.is_parent)
            {
                self.demand_kind(child)?;
            }
            parts.push((kind, ids.clone()));
            let family = Family::of(self, kind.table(), ids, true).await?;
            for (child, ids) in family.into_descendants() {
                match parts
                    .iter_mut()
                    .find(|(known, _)| known.table() == child.table())
                {
                    Some((_, known)) => known.extend(ids),
                    None => parts.push((child, ids)),
                }
            }
        }
        let mut all = Vec::new();
        let mut every: Vec<i64> = Vec::new();
        for (kind, mut ids) in parts {
            ids.sort_unstable();
            let mut records = Vec::with_capacity(ids.len());
            for id in &ids {
                records.extend(self.as_stored(kind, *id).await?);
            }
            if !records.is_empty() {
                all.push((Kind::of(kind).name(), records));
            }
            every.extend(ids);
        }
        let changes = self.changes_of(&every).await?;
        Ok((all, changes))
    }

    fn demand_kind(&self, kind: &'static dyn AnyRecord) -> Result<()> {
        if self.may_read(kind.table()) {
            return Ok(());
        }
        Err(lacking(kind.access().read, Operation::Read, kind.noun()))
    }

    /// A record of a kind as it is stored.
    async fn as_stored(
        &mut self,
        kind: &'static dyn AnyRecord,
        id: i64,
    ) -> Result<Option<Map<String, Data>>> {
        let wanted = Wanted {
            archived: true,
            ..Wanted::default()
        };
        let read = export::part(self, Kind::of(kind), &wanted, id - 1, 1).await?;
        match read.unreadable.into_iter().next() {
            Some(unreadable) => Err(unreadable),
            None => Ok(read.found.into_iter().next()),
        }
    }

    /// What was done to these records, the oldest first.
    async fn changes_of(&mut self, records: &[i64]) -> Result<Vec<Map<String, Data>>> {
        let mut statement = sql("SELECT ");
        statement.push(LogRow::COLUMNS);
        statement.push(" FROM change_log WHERE workspace = ");
        let mut statement = statement.value(self.workspace().id).sql(" AND record IN ");
        statement.push_ids(records);
        let rows = statement
            .sql(" ORDER BY id DESC LIMIT ")
            .value(CHANGES + 1)
            .rows(self.tx())
            .await?;
        let most = usize::try_from(CHANGES).unwrap_or(usize::MAX);
        if rows.len() > most {
            self.notice(Notice::warning(format!(
                "Only the newest {CHANGES} changes are shown; list_changes has the others."
            )));
        }
        let rows: Result<Vec<LogRow>> = rows.iter().take(most).map(LogRow::from_row).collect();
        let rows = rows?;
        let members = rows.iter().filter_map(|row| row.member);
        let members: Vec<Id<Member>> = members.map(Id::from_raw).collect();
        let members = self.member_names(members).await?;
        let mut changes = Vec::with_capacity(rows.len());
        for row in rows.into_iter().rev() {
            let mut change = Map::new();
            change.insert(
                "at".into(),
                serde_json::to_value(row.at).map_err(Error::internal)?,
            );
            change.insert(
                "record".into(),
                self.wire_id(&row.entity, row.record).into(),
            );
            let action = serde_json::to_value(row.action).map_err(Error::internal)?;
            change.insert("action".into(), action);
            let by = row
                .member
                .and_then(|member| members.of(Id::from_raw(member)).name);
            change.insert("by".into(), by.into());
            for (name, side) in [("before", &row.before), ("after", &row.after)] {
                let mut side = LogRow::side(side.as_deref())?;
                self.by_clocks(&row.entity, &mut side);
                if !side.is_empty() {
                    change.insert(name.into(), Data::Object(side));
                }
            }
            changes.push(change);
        }
        Ok(changes)
    }
}
