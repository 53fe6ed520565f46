//! `get_audit_log`

use bureau_kernel::audit::{AuditEntry, Filter};
use bureau_kernel::caller::ApiKey;
use bureau_kernel::prelude::*;
use bureau_kernel::store::log::{Action, Change};
use bureau_kernel::types::id::Entity;
use bureau_kernel::types::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::READ_AUDIT_LOG;

/// Which entries to show.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetAuditLog {
    from: Option<When>,
    to: Option<When>,
    action: Option<Action>,
    /// Member, or id of a key
    actor: Option<ShortText<200>>,
    tool: Option<ShortText<40>>,
    /// Id of a record or change
    record: Option<ShortText<40>>,
    /// Such as contact
    record_type: Option<ShortText<40>>,
    /// Values before and after
    details: Option<bool>,
    limit: Option<Limit>,
    cursor: Option<Cursor>,
}

/// One record changed by one call.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AuditRow {
    /// The call's change.
    id: Id<Change>,
    at: Timestamp,
    /// By whom; nobody's for the command line.
    actor: Actor,
    tool: String,
    action: Action,
    record: NamedRecord,
    record_type: String,
    version: i64,
    undoes: Option<Id<Change>>,
    fields: Vec<String>,
    before: Option<Map<String, Value>>,
    after: Option<Map<String, Value>>,
    /// What was here was erased with the record.
    erased: Option<bool>,
}

/// Who did it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Actor {
    member: Option<Named<Member>>,
    key: Option<Named<ApiKey>>,
    client: Option<String>,
}

fn named<E: Entity>((id, name): (Id<E>, String)) -> Named<E> {
    let name = Some(name);
    Named { id, name }
}

fn row(entry: AuditEntry, details: bool) -> AuditRow {
    AuditRow {
        id: entry.change,
        at: entry.at,
        actor: Actor {
            member: entry.member.map(named),
            key: entry.key.map(named),
            client: entry.client,
        },
        tool: entry.tool,
        action: entry.action,
        record: entry.record,
        record_type: entry.record_type,
        version: entry.version,
        undoes: entry.undoes,
        fields: entry.fields,
        before: Some(entry.before).filter(|_| details),
        after: Some(entry.after).filter(|_| details),
        erased: entry.erased.then_some(true),
    }
}

impl Tool for GetAuditLog {
    const SPEC: Spec = Spec::reads("get_audit_log", READ_AUDIT_LOG)
        .title("Get audit log")
        .about("Who did what to which record and when, with values before and after.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Who changed this contact, and what was it before?",
        before: &[
            Step {
                tool: "create_contact",
                arguments: r#"{"name": "Dorothy Vaughan", "title": "Computer"}"#,
                keep: &[("dorothy", "/data/id")],
            },
            Step {
                tool: "update_contact",
                arguments: r#"{"contact": "{dorothy}", "title": "Supervisor"}"#,
                keep: &[("change", "/change")],
            },
        ],
        arguments: r#"{"record": "{dorothy}", "action": "update", "from": "today", "details": true}"#,
        expect: &[
            ("/data/0/id", r#""{change}""#),
            ("/data/0/tool", r#""update_contact""#),
            ("/data/0/actor/member/name", r#""Owner""#),
            ("/data/0/fields", r#"["title"]"#),
            ("/data/0/before/title", r#""Computer""#),
            ("/data/0/after/title", r#""Supervisor""#),
            ("/data/1", "null"),
        ],
    }];
    type Output = Vec<AuditRow>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<AuditRow>> {
        let (from, to) = cx.moments(("from", self.from.as_ref()), ("to", self.to.as_ref()))?;
        let filter = Filter {
            from,
            to,
            action: self.action,
            actor: self.actor.map(Into::into),
            tool: self.tool.map(Into::into),
            record: self.record.map(Into::into),
            record_type: self.record_type.map(Into::into),
        };
        let limit = self.limit.unwrap_or_default();
        let mut page = cx.audit(filter, limit, self.cursor.as_ref()).await?;
        let details = self.details.unwrap_or(false);
        if details {
            let sides = page.rows.iter_mut().flat_map(|entry| {
                let sides = [&mut entry.before, &mut entry.after];
                sides.map(|side| (entry.record_type.as_str(), side))
            });
            let sides = sides.collect();
            cx.name_references(sides).await?;
        }
        Ok(cx.page(page.map(|entry| row(entry, details))))
    }
}
