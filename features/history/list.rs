//! `list_changes`

use bureau_kernel::caller::{ApiKey, Member};
use bureau_kernel::prelude::*;
use bureau_kernel::store::log::{Action, Change};
use bureau_kernel::store::{Row, sql};
use bureau_kernel::types::id::{Entity, decode};
use bureau_kernel::types::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::READ_AUDIT_LOG;

/// Which changes to list.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListChanges {
    /// Id of a record of any kind
    record: Option<ShortText<40>>,
    change: Option<Id<Change>>,
    /// Tool that made the change
    tool: Option<ShortText<40>>,
    since: Option<When>,
    until: Option<When>,
    /// A feed: cursor goes on with what is new
    oldest_first: Option<bool>,
    limit: Option<Limit>,
    cursor: Option<Cursor>,
}

/// One record changed by one call.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ChangeRow {
    change: Id<Change>,
    at: Timestamp,
    tool: String,
    action: Action,
    entity: String,
    record: NamedRecord,
    version: i64,
    member: Option<Named<Member>>,
    key: Option<Named<ApiKey>>,
    client: Option<String>,
    undoes: Option<Id<Change>>,
    before: Option<Map<String, Value>>,
    after: Option<Map<String, Value>>,
}

impl Tool for ListChanges {
    const SPEC: Spec = Spec::reads("list_changes", READ_AUDIT_LOG)
        .title("List changes")
        .about("List changes of records, to undo or to follow as a feed; newest first.")
        .awaits(Awaits::Log);
    const EXAMPLES: &'static [Example] = &[Example {
        title: "What happened to this contact?",
        before: &[
            Step {
                tool: "create_contact",
                arguments: r#"{"name": "Mary Jackson"}"#,
                keep: &[("mary", "/data/id")],
            },
            Step {
                tool: "update_contact",
                arguments: r#"{"contact": "{mary}", "city": "Hampton"}"#,
                keep: &[],
            },
        ],
        arguments: r#"{"record": "{mary}"}"#,
        expect: &[
            ("/data/0/action", r#""update""#),
            ("/data/0/after/city", r#""Hampton""#),
            ("/data/1/action", r#""create""#),
            ("/data/1/tool", r#""create_contact""#),
        ],
    }];
    type Output = Vec<ChangeRow>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<ChangeRow>> {
        let oldest_first = self.oldest_first.unwrap_or(false);
        let order = if oldest_first {
            "position"
        } else {
            "-position"
        };
        let (since, until) = cx.moments(
            ("since", self.since.as_ref()),
            ("until", self.until.as_ref()),
        )?;
        let limit = self.limit.unwrap_or_default().rows();
        if !cx.sees_own_writes() {
            cx.notice(Notice::stale(
                "The newest changes are not sealed yet and may be missing; ask again.",
            ));
        }
        let mut statement = sql("SELECT position, call, at, tool, action, entity, record, version, member, api_key, client,
                                        undoes, before, after")
            .from_own(cx, "change_log")
            .sql(" AND position IS NOT NULL");
        if let Some(text) = &self.record {
            let Some((_, record)) = decode(text) else {
                return Err(Error::invalid(
                    "record",
                    "record is not an id, as other tools return it.",
                ));
            };
            statement = statement.sql(" AND record = ").value(record);
        }
        if let Some(change) = self.change {
            statement = statement.sql(" AND call = ").value(change);
        }
        if let Some(tool) = self.tool {
            statement = statement.sql(" AND tool = ").value(tool);
        }
        if let Some(since) = since {
            statement = statement.sql(" AND at >= ").value(since);
        }
        if let Some(until) = until {
            statement = statement.sql(" AND at <= ").value(until);
        }
        if let Some(cursor) = &self.cursor {
            let position = cursor.place(order)?;
            statement = if oldest_first {
                statement.sql(" AND position > ")
            } else {
                statement.sql(" AND position < ")
            };
            statement = statement.value(position);
        }
        let direction = if oldest_first {
            " ORDER BY position LIMIT "
        } else {
            " ORDER BY position DESC LIMIT "
        };
        let rows = statement
            .sql(direction)
            .value(i64::try_from(limit + 1).unwrap_or(i64::MAX))
            .rows(cx.tx())
            .await?;
        let more = rows.len() > limit;
        let mut last = None;
        let mut read = Vec::with_capacity(limit);
        for row in rows.iter().take(limit) {
            last = Some(row.get::<i64>("position")?);
            match change_row(cx, row) {
                Ok(change) => read.push(change),
                // `bureau doctor` follows the whole chain; here one damaged row does not hide the others.
                Err(cause) => {
                    let change = row.get::<Id<Change>>("call")?;
                    let damaged = Error::unreadable("change", change, cause);
                    cx.notice(Notice::unreadable(&damaged));
                }
            }
        }
        let changes = named(cx, read).await?;
        // A feed goes on from where it stands, also when nothing is new.
        let place = match (last, &self.cursor) {
            (Some(last), _) if more || oldest_first => Some(last),
            (None, Some(cursor)) if oldest_first => Some(cursor.place(order)?),
            _ => None,
        };
        let next = place.map(|place| Cursor::at(order, place).encode());
        Ok(cx.page(Page {
            rows: changes,
            next,
        }))
    }
}

/// A row of the log as far as it stands there, and the number of its record.
fn change_row(cx: &Cx, row: &Row) -> Result<(ChangeRow, i64)> {
    let entity: String = row.get("entity")?;
    let record: i64 = row.get("record")?;
    let side = |name: &str| -> Result<Option<Map<String, Value>>> {
        let side: Option<Map<String, Value>> = row
            .get::<Option<String>>(name)?
            .map(|text| serde_json::from_str(&text))
            .transpose()
            .map_err(Error::internal)?;
        Ok(side.map(|mut side| {
            cx.by_clocks(&entity, &mut side);
            side
        }))
    };
    let change = ChangeRow {
        change: row.get("call")?,
        at: row.get("at")?,
        tool: row.get("tool")?,
        action: row.get("action")?,
        record: NamedRecord {
            id: cx.wire_id(&entity, record),
            name: None,
        },
        version: row.get("version")?,
        member: row.get::<Option<_>>("member")?.map(unnamed),
        key: row.get::<Option<_>>("api_key")?.map(unnamed),
        client: row.get("client")?,
        undoes: row.get("undoes")?,
        before: side("before")?,
        after: side("after")?,
        entity,
    };
    Ok((change, record))
}

fn unnamed<E: Entity>(id: Id<E>) -> Named<E> {
    Named { id, name: None }
}

/// The same with names: of records and what they refer to those that the caller may read, of who did it all.
async fn named(cx: &mut Cx, mut rows: Vec<(ChangeRow, i64)>) -> Result<Vec<ChangeRow>> {
    let sides = rows.iter_mut().flat_map(|(row, _)| {
        let sides = [&mut row.before, &mut row.after].into_iter().flatten();
        sides.map(|side| (row.entity.as_str(), side))
    });
    let sides = sides.collect();
    cx.name_references(sides).await?;
    let records = rows.iter();
    let records = records.map(|(row, record)| (row.entity.as_str(), *record));
    let records = cx.named(&records.collect::<Vec<_>>()).await?;
    let members = rows.iter().flat_map(|(row, _)| &row.member);
    let members: Vec<Id<Member>> = members.map(|member| member.id).collect();
    let members = cx.member_names(members).await?;
    let keys = rows.iter().flat_map(|(row, _)| &row.key);
    let keys: Vec<Id<ApiKey>> = keys.map(|key| key.id).collect();
    let keys = cx.key_names(keys).await?;
    let named = rows.into_iter().zip(records);
    let named = named.map(|((row, _), record)| ChangeRow {
        record,
        member: row.member.map(|member| members.of(member.id)),
        key: row.key.map(|key| keys.of(key.id)),
        ..row
    });
    Ok(named.collect())
}
