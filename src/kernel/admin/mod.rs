//! Workspaces, members, teams, keys and attribute definitions: what the owner arranges, and what a call's caller is made
//! from. Every change is in the change log, whether a command or a tool made it: the rules stand here once, and `Author` and
//! [`Authority`] are what differs.

mod attribute;
mod author;
mod authority;
mod caller;
pub(crate) mod key;
mod known;
mod member;
mod rate;
mod team;
mod undo;
mod workspace;

use serde_json::Value as Data;

use crate::caller::Workspace;
use crate::error::Result;
use crate::store::Tx;
use crate::store::log::{Action, LogRow, digest};
use crate::types::id::Id;

pub(crate) use attribute::attributes_of;
pub use attribute::{
    AttributeDefinition, attribute_defined, attribute_removed, define_attribute,
    defined_attributes, list_attributes, remove_attribute,
};
use author::Author;
pub use authority::Authority;
pub use caller::operators;
pub(crate) use caller::{Authenticated, Callers, note_use, of_link, operator, operators_of, still};
pub use key::{KeyInfo, KeyMember, NewKey, create_key, list_keys, revoke_key};
pub(crate) use known::Known;
pub use member::{
    MemberChange, MemberInfo, MembersWanted, NewMember, Removed, TeamName, add_member, find_member,
    list_members, member_added, member_removed, member_restored, member_updated, members,
    next_members, remove_member, removed_members, restore_member, update_member,
};
pub use rate::{RateInfo, list_rates, set_rate};
pub use team::{
    MemberName, NewTeam, TeamChange, TeamInfo, create_team, delete_team, list_teams, member_put,
    member_taken, next_teams, put_member, take_member, teams, update_team,
};
pub(crate) use undo::{is_arranged, take_back};
pub use workspace::{
    NewWorkspace, WorkspaceChange, bootstrap, create_workspace, list_workspaces, update_workspace,
    workspace_updated,
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

/// Logs something new that was arranged.
fn log(
    tx: &mut Tx,
    author: &Author,
    workspace: Id<Workspace>,
    entity: &'static str,
    record: i64,
    action: Action,
    content: &Data,
) -> Result<()> {
    let entry = Entry {
        workspace,
        entity,
        record,
        action,
        before: None,
        after: Some(content.clone()),
    };
    log_in(tx, author, entry)
}

/// Logs one part of what was arranged at once.
fn log_in(tx: &mut Tx, author: &Author, entry: Entry) -> Result<()> {
    let text = |side: Option<Data>| side.map(|side| side.to_string());
    let (before, after) = (text(entry.before), text(entry.after));
    let row = LogRow {
        id: tx.next_id()?,
        call: author.call,
        workspace: entry.workspace.raw(),
        at: tx.now(),
        member: author.member,
        api_key: author.api_key,
        client: author.client.clone(),
        tool: author.tool.clone(),
        undoes: author.undoes,
        entity: entry.entity.to_owned(),
        record: entry.record,
        action: entry.action,
        version: 1,
        digest: digest(before.as_deref(), after.as_deref()),
        before,
        after,
    };
    tx.log(row);
    tx.arranges();
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
