//! The audit log: who changed what, newest first. It reads the change log as it stands, with what the owner arranged by
//! the command line, and in every filter goes along an index.

use chrono::DateTime;
use serde_json::{Map, Value as Data};

use crate::caller::{ApiKey, Member};
use crate::error::{Error, Result};
use crate::notice::Notice;
use crate::record::{Cx, NamedRecord};
use crate::references::Names;
use crate::resolve::resolve_one;
use crate::store::log::{Action, Change, LogRow, digest};
use crate::store::{Column as _, Sql, Value, sql};
use crate::types::id::{Entity, Id, decode};
use crate::types::page::{Cursor, Limit, Page};
use crate::types::text::nearest;
use crate::types::time::Timestamp;

/// The name of the order that its cursors belong to.
const ORDER: &str = "-at";
/// The column that names the record.
const RECORD: &str = "record";
/// The column that says in which call a row was written.
const CALL: &str = "call";
/// Which entries are asked for; what is absent is not asked about.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// At or after this moment.
    pub from: Option<Timestamp>,
    /// At or before this moment.
    pub to: Option<Timestamp>,
    /// What was done.
    pub action: Option<Action>,
    /// By whom: a member by its identifier, name or address, or a key by its identifier.
    pub actor: Option<String>,
    /// With which tool.
    pub tool: Option<String>,
    /// To which record, of any kind; or in which change.
    pub record: Option<String>,
    /// To which kind of record, by its table.
    pub record_type: Option<String>,
}

/// One record changed by one call.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    /// The call's change.
    pub change: Id<Change>,
    /// When.
    pub at: Timestamp,
    /// On whose behalf; nobody's for what was arranged by the command line.
    pub member: Option<(Id<Member>, String)>,
    /// With which key.
    pub key: Option<(Id<ApiKey>, String)>,
    /// With which program, as it named itself.
    pub client: Option<String>,
    /// With which tool; `bureau` for the command line.
    pub tool: String,
    /// What was done.
    pub action: Action,
    /// The record.
    pub record: NamedRecord,
    /// The record's table.
    pub record_type: String,
    /// The record's version afterwards.
    pub version: i64,
    /// The change that this one took back.
    pub undoes: Option<Id<Change>>,
    /// The names of the fields that changed.
    pub fields: Vec<String>,
    /// What they were.
    pub before: Map<String, Data>,
    /// What they became.
    pub after: Map<String, Data>,
    /// The record was erased for good, and with it what this entry held.
    pub erased: bool,
}

/// A condition that an index serves.
struct Condition {
    column: &'static str,
    value: Value,
    /// How many rows meet it, as far as they were counted.
    rows: i64,
}

impl Condition {
    fn new(column: &'static str, value: Value) -> Self {
        Self {
            column,
            value,
            rows: 0,
        }
    }
}

impl Cx {
    /// One page of the audit log, newest first.
    ///
    /// # Errors
    /// [`Code::Validation`](crate::error::Code::Validation) for an identifier, kind of record or cursor that makes no sense.
    pub async fn audit(
        &mut self,
        mut filter: Filter,
        limit: Limit,
        cursor: Option<&Cursor>,
    ) -> Result<Page<AuditEntry>> {
        if let Some(actor) = &filter.actor
            && actor.parse::<Id<ApiKey>>().is_err()
            && actor.parse::<Id<Member>>().is_err()
        {
            let member = resolve_one(self, "actor", Member::TABLE, actor).await?;
            filter.actor = Some(member);
        }
        let mut conditions = self.audit_conditions(&filter)?;
        self.rarest_first(&mut conditions, &filter).await?;
        let mut statement = sql("SELECT ");
        statement.push(LogRow::COLUMNS);
        // The rows of one change are few: they are put in order once they are found, and not found in that order.
        let of_change = conditions.iter().any(|condition| condition.column == CALL);
        let time = if of_change {
            format!("{}at", self.tx.without_index())
        } else {
            "at".to_owned()
        };
        statement.push(" FROM change_log WHERE workspace = ");
        statement.push_value(self.workspace().id.to_value());
        push_conditions(&mut statement, conditions);
        if let Some(from) = filter.from {
            statement.push(&format!(" AND {time} >= "));
            statement.push_value(from.to_value());
        }
        let place = match cursor {
            Some(cursor) => Some(place(cursor).ok_or_else(Cursor::foreign)?),
            None => None,
        };
        // Of two upper ends the lower one alone is said: an index begins at one of them only.
        match (place, filter.to) {
            (Some((at, id)), to) if to.is_none_or(|to| at <= to) => {
                statement.push(&format!(" AND ({time}, id) < ("));
                statement.push_value(at.to_value());
                statement.push(", ");
                statement.push_value(Value::Int(id));
                statement.push(")");
            }
            (_, Some(to)) => {
                statement.push(&format!(" AND {time} <= "));
                statement.push_value(to.to_value());
            }
            (_, None) => {}
        }
        statement.push(&format!(" ORDER BY {time} DESC, id DESC LIMIT "));
        statement.push_value(Value::Int(limit.rows() as i64 + 1));
        let rows = statement.rows(&mut self.tx).await?;
        let more = rows.len() > limit.rows();
        let mut next = None;
        if let Some(last) = rows.iter().take(limit.rows()).next_back().filter(|_| more) {
            let cursor = Cursor {
                order: ORDER.to_owned(),
                key: last.get::<Timestamp>("at")?.timestamp_micros().to_string(),
                id: last.get("id")?,
            };
            next = Some(cursor.encode());
        }
        let mut read = Vec::with_capacity(limit.rows());
        for row in rows.iter().take(limit.rows()) {
            match LogRow::from_row(row) {
                Ok(row) => read.push(row),
                Err(cause) => self.damaged(row.get("call")?, cause),
            }
        }
        let rows = read;
        let members = rows.iter().filter_map(|row| row.member);
        let members = self.member_names(members.map(Id::from_raw)).await?;
        let keys = rows.iter().filter_map(|row| row.api_key);
        let keys = self.key_names(keys.map(Id::from_raw)).await?;
        let records = rows.iter().map(|row| (row.entity.as_str(), row.record));
        let records = self.named(&records.collect::<Vec<_>>()).await?;
        let mut entries = Vec::with_capacity(rows.len());
        for (row, record) in rows.into_iter().zip(records) {
            let change = Id::from_raw(row.call);
            match audit_entry(row, record, &members, &keys) {
                Ok(mut entry) => {
                    self.by_clocks(&entry.record_type, &mut entry.before);
                    self.by_clocks(&entry.record_type, &mut entry.after);
                    entries.push(entry);
                }
                Err(cause) => self.damaged(change, cause),
            }
        }
        Ok(Page {
            rows: entries,
            next,
        })
    }

    /// Says that a row of this change is left out. `bureau doctor` follows the whole chain; here one damaged row does not
    /// hide the others.
    fn damaged(&mut self, change: Id<Change>, cause: Error) {
        let damaged = Error::unreadable("change", change, cause);
        self.notice(Notice::unreadable(&damaged));
    }

    /// The conditions of a filter, the one that leaves least first.
    fn audit_conditions(&self, filter: &Filter) -> Result<Vec<Condition>> {
        let mut conditions = Vec::new();
        if let Some(record) = &filter.record {
            let (prefix, value) = decode(record.trim())
                .ok_or_else(|| not_an_id("record", "an id, as other tools return it"))?;
            let prefix = prefix.to_ascii_lowercase();
            let column = if prefix == Change::PREFIX {
                CALL
            } else if self.kinds().any(|(_, known)| known == prefix) {
                RECORD
            } else {
                return Err(not_an_id("record", "the id of any kind of record"));
            };
            conditions.push(Condition::new(column, Value::Int(value)));
        }
        let mut member = None;
        if let Some(actor) = &filter.actor {
            if let Ok(key) = actor.parse::<Id<ApiKey>>() {
                conditions.push(Condition::new("api_key", key.to_value()));
            } else if let Ok(id) = actor.parse::<Id<Member>>() {
                member = Some(id);
            } else {
                return Err(not_an_id("actor", "the id of a member or an API key"));
            }
        }
        if let Some(tool) = &filter.tool {
            conditions.push(Condition::new("tool", tool.to_value()));
        }
        if let Some(action) = filter.action {
            conditions.push(Condition::new("action", action.to_value()));
        }
        if let Some(kind) = &filter.record_type {
            if self.kinds().all(|(table, _)| table != kind) {
                let error = Error::invalid(
                    "record_type",
                    format!("There are no records of the type {kind:?}."),
                );
                let known: Vec<&str> = self.kinds().map(|(table, _)| table).collect();
                return Err(match nearest(kind, known.iter().copied()) {
                    Some(known) => error.hint(format!("Did you mean {known}?")),
                    None => error.hint(format!("There are: {}.", known.join(", "))),
                });
            }
            conditions.push(Condition::new("entity", kind.to_value()));
        }
        // In a small firm one member does nearly everything.
        if let Some(member) = member {
            conditions.push(Condition::new("member", member.to_value()));
        }
        Ok(conditions)
    }

    /// Puts the condition first that the fewest rows meet, as far as counting a few of them tells: its index is gone along.
    async fn rarest_first(&mut self, conditions: &mut [Condition], filter: &Filter) -> Result<()> {
        const COUNTED: i64 = 1_000;
        let named = |condition: &Condition| [CALL, RECORD].contains(&condition.column);
        if conditions.len() < 2 || conditions.first().is_some_and(named) {
            return Ok(());
        }
        for condition in conditions.iter_mut() {
            let mut statement = sql(
                "SELECT COUNT(*) AS rows FROM (SELECT 1 AS one FROM change_log WHERE workspace = ",
            )
            .value(self.workspace().id);
            statement.push(" AND ");
            statement.push(condition.column);
            statement.push(" = ");
            statement.push_value(condition.value.clone());
            for (operator, moment) in [(" AND at >= ", filter.from), (" AND at <= ", filter.to)] {
                if let Some(moment) = moment {
                    statement.push(operator);
                    statement.push_value(moment.to_value());
                }
            }
            statement.push(" LIMIT ");
            statement.push_value(Value::Int(COUNTED));
            statement.push(") AS counted");
            condition.rows = statement.one("rows", &mut self.tx).await?;
        }
        conditions.sort_by_key(|condition| condition.rows);
        Ok(())
    }

    /// Every kind of record that the log knows: its table and the prefix of its identifiers.
    fn kinds(&self) -> impl Iterator<Item = (&'static str, &'static str)> + '_ {
        let kinds = self.records().kinds();
        kinds.filter(|(table, _)| *table != Change::TABLE)
    }
}

fn audit_entry(
    row: LogRow,
    record: NamedRecord,
    members: &Names<Member>,
    keys: &Names<ApiKey>,
) -> Result<AuditEntry> {
    let before = LogRow::side(row.before.as_deref())?;
    let after = LogRow::side(row.after.as_deref())?;
    let mut fields: Vec<String> = after.keys().cloned().collect();
    fields.extend(
        before
            .keys()
            .filter(|name| !after.contains_key(*name))
            .cloned(),
    );
    let empty = row.before.is_none() && row.after.is_none();
    Ok(AuditEntry {
        change: Id::from_raw(row.call),
        at: row.at,
        member: row.member.map(|id| members.with_name(Id::from_raw(id))),
        key: row.api_key.map(|id| keys.with_name(Id::from_raw(id))),
        client: row.client,
        tool: row.tool,
        action: row.action,
        record,
        record_type: row.entity,
        version: row.version,
        undoes: row.undoes.map(Id::from_raw),
        fields,
        before,
        after,
        // Its digest still tells that it held something.
        erased: empty && row.digest != digest(None, None),
    })
}

fn not_an_id(field: &str, wanted: &str) -> Error {
    Error::invalid(field, format!("{field} takes {wanted}."))
}

/// The first condition chooses the index. The others are written so that they cannot: an engine without statistics would
/// as soon go through all that a busy member did as through the few uses of a rare tool.
fn push_conditions(statement: &mut Sql, conditions: Vec<Condition>) {
    for (index, Condition { column, value, .. }) in conditions.into_iter().enumerate() {
        let (before, after) = match (&value, index) {
            (_, 0) => ("", ""),
            (Value::Text(_), _) => ("", " || ''"),
            _ => ("+", ""),
        };
        statement.push(" AND ");
        statement.push(before);
        statement.push(column);
        statement.push(after);
        statement.push(" = ");
        statement.push_value(value);
    }
}

/// The moment and the number of the entry that a cursor stands after.
fn place(cursor: &Cursor) -> Option<(Timestamp, i64)> {
    let id = cursor.place(ORDER).ok()?;
    let at = DateTime::from_timestamp_micros(cursor.key.parse().ok()?)?;
    // Only what every engine can hold is a time.
    let years = 1..=9_999;
    years
        .contains(&chrono::Datelike::year(&at))
        .then_some((at, id))
}
