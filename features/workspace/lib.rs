//! The workspace: who works in it and in which teams, what was done by whom, and changes to many records at once.
//!
//! Permissions: `read_workspace`, `read_teams`, `read_audit_log`, and for the changes that of the records changed. Depends on
//! contacts and deals, whose records it changes.

mod bulk;
mod bulk_contacts;
mod bulk_deals;
mod get_audit_log;
mod get_user;
mod get_workspace;
mod list_team_members;
mod list_teams;

use bureau_kernel::prelude::*;

use bulk_contacts::BulkUpdateContacts;
use bulk_deals::BulkUpdateDeals;
use get_audit_log::GetAuditLog;
use get_user::GetUser;
use get_workspace::GetWorkspace;
use list_team_members::ListTeamMembers;
use list_teams::ListTeams;

/// See what the workspace is, and what one may do in it.
pub const READ_WORKSPACE: Permission = Permission::new("read_workspace");
/// See members and teams.
pub const READ_TEAMS: Permission = Permission::new("read_teams");
/// See who changed what.
pub const READ_AUDIT_LOG: Permission = Permission::new("read_audit_log");

/// The module's table.
pub const MODULE: Module = Module {
    name: "workspace",
    about: "Who works here, what was done by whom, and bulk changes",
    tokens: 810,
    schemas: include_str!("schemas.txt"),
    tools: tools![
        BulkUpdateContacts,
        BulkUpdateDeals,
        GetAuditLog,
        GetUser,
        GetWorkspace,
        ListTeamMembers,
        ListTeams,
    ],
    resources: &[
        Resource {
            uri: "bureau://team/members",
            name: "team_members",
            title: "Team members",
            about: "Every member with role and teams.",
            tool: "list_team_members",
            arguments: &[("limit", "100")],
            ..Resource::JSON
        },
        Resource {
            uri: "bureau://workspace/context",
            name: "workspace_context",
            title: "Workspace",
            about: "Name, time zone, currency, today, record counts, and what you may do.",
            tool: "get_workspace",
            ..Resource::JSON
        },
    ],
    uses: &[&bureau_contacts::MODULE, &bureau_deals::MODULE],
    ..Module::EMPTY
};

/// The identifier after which a page of a list in this order begins.
fn after(cursor: Option<&Cursor>, order: &str) -> Result<Option<i64>> {
    cursor.map(|cursor| cursor.place(order)).transpose()
}

/// How many rows are read for a page: the one that is too many tells that there is another page.
fn one_more(limit: Option<Limit>) -> usize {
    limit.unwrap_or_default().rows() + 1
}

/// One page of a list in the order of its identifiers, of which [`one_more`] rows were read.
fn page_by_id<T>(
    mut rows: Vec<T>,
    order: &str,
    limit: Option<Limit>,
    id: impl Fn(&T) -> i64,
) -> Page<T> {
    let limit = limit.unwrap_or_default().rows();
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = rows.last().filter(|_| more);
    let next = last.map(|row| Cursor::at(order, id(row)).encode());
    Page { rows, next }
}
