//! Activities: what was done and what is to be done. Calls, mails, meetings, tasks and notes.
//!
//! Permissions: `read_activities`, `create_activities`, `update_activities`, `delete_activities`. An activity is linked to a
//! contact, a company, a deal or several of them, so the module uses those three.

mod activity;
mod bulk;
mod complete;
mod create;
mod delete;
mod get;
mod import;
mod list;
mod measures;
mod suggestions;
mod update;
mod view;

use bureau_kernel::prelude::*;

pub use activity::{Activity, ActivityType};

/// The permissions for activities.
pub const ACTIVITIES: Access = access!("activities");

/// The module's table.
pub const MODULE: Module = Module {
    name: "activities",
    about: "Calls, emails, meetings, tasks and notes: list, log, plan, complete",
    tokens: 1_080,
    schemas: include_str!("schemas.txt"),
    tools: tools![
        bulk::BulkUpdateActivities,
        complete::CompleteActivity,
        create::CreateActivity,
        Delete<Activity>,
        Get<Activity>,
        list::ListActivities,
        update::UpdateActivity,
    ],
    records: records![Activity],
    imports: imports![Activity],
    resources: &[Resource {
        uri: "bureau://activities/{activity}",
        name: "activity",
        title: "Activity",
        about: "A call, email, meeting, task or note.",
        tool: "get_activity",
        ..Resource::JSON
    }],
    measures: &[&measures::DONE, &measures::DUE, &measures::OVERDUE],
    uses: &[
        &bureau_companies::MODULE,
        &bureau_contacts::MODULE,
        &bureau_deals::MODULE,
    ],
    suggests: suggestions::RULES,
    ..Module::EMPTY
};
