//! Workspaces, members, teams, keys and attribute definitions: what the owner arranges, and what a call's caller is made
//! from. Every change is in the change log.

mod attribute;
mod caller;
pub(crate) mod key;
mod member;
mod rate;
mod team;
mod workspace;

use serde_json::Value as Data;

use crate::caller::Workspace;
use crate::error::Result;
use crate::store::Tx;
use crate::store::log::{Action, LogRow, digest};
use crate::types::id::Id;

pub use attribute::{AttributeDefinition, define_attribute, list_attributes};
pub use caller::operators;
pub(crate) use caller::{Authenticated, authenticate, note_use, operator, still};
pub use key::{KeyInfo, KeyMember, NewKey, create_key, list_keys, revoke_key};
pub use member::{
    MemberChange, MemberInfo, MembersWanted, NewMember, Removed, TeamName, add_member, find_member,
    list_members, members, next_members, remove_member, restore_member, update_member,
};
pub use rate::{RateInfo, list_rates, set_rate};
pub use team::{
    MemberName, NewTeam, TeamChange, TeamInfo, create_team, delete_team, list_teams, next_teams,
    put_member, take_member, teams, update_team,
};
pub use workspace::{
    NewWorkspace, WorkspaceChange, bootstrap, create_workspace, list_workspaces, update_workspace,
};

/// What the owner arranged, for the change log.
struct Entry {
    workspace: Id<Workspace>,
    entity: &'static str,
    record: i64,
    action: Action,
    before: Option<Data>,
    after: Option<Data>,
}

/// Logs something new that the owner arranged, outside of any tool.
fn log(
    tx: &mut Tx,
    workspace: Id<Workspace>,
    entity: &'static str,
    record: i64,
    action: Action,
    content: &Data,
) -> Result<()> {
    let call = tx.next_id()?;
    let entry = Entry {
        workspace,
        entity,
        record,
        action,
        before: None,
        after: Some(content.clone()),
    };
    log_in(tx, call, entry)
}

/// Logs one part of what the owner arranged with one command.
fn log_in(tx: &mut Tx, call: i64, entry: Entry) -> Result<()> {
    let text = |side: Option<Data>| side.map(|side| side.to_string());
    let (before, after) = (text(entry.before), text(entry.after));
    let row = LogRow {
        id: tx.next_id()?,
        call,
        workspace: entry.workspace.raw(),
        at: tx.now(),
        member: None,
        api_key: None,
        client: None,
        tool: "bureau".to_owned(),
        undoes: None,
        entity: entry.entity.to_owned(),
        record: entry.record,
        action: entry.action,
        version: 1,
        digest: digest(before.as_deref(), after.as_deref()),
        before,
        after,
    };
    tx.log(row);
    Ok(())
}

/// What two contents of one record do not have in common; what is null is left out where it was nothing before.
fn differing(before: Data, after: Data) -> (Data, Data) {
    let (Data::Object(mut was), Data::Object(mut is)) = (before, after) else {
        return (Data::Null, Data::Null);
    };
    is.retain(|name, value| {
        let same = was.get(name).unwrap_or(&Data::Null) == value;
        if same {
            was.shift_remove(name);
        }
        !same
    });
    was.retain(|_, value| !value.is_null());
    (Data::Object(was), Data::Object(is))
}
