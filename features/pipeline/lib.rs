//! Pipelines: the ways that deals take, and the figures of the CRM at a glance.
//!
//! Permissions: `read_pipeline`, `create_pipeline`, `update_pipeline`, `read_dashboard`. The records of pipelines and stages
//! stand in the deals room, which no deal can do without; the dashboard counts what is in all rooms of the CRM, so this room
//! uses the four of them.

mod create;
mod dashboard;
mod list_stages;
mod plan;
mod update;

use bureau_kernel::prelude::*;

use create::CreatePipeline;
use dashboard::GetCrmDashboard;
use list_stages::ListPipelineStages;
use update::UpdatePipeline;

/// See pipelines and their stages.
pub const READ_PIPELINE: Permission = Permission::new("read_pipeline");
/// Add pipelines.
pub const CREATE_PIPELINE: Permission = Permission::new("create_pipeline");
/// Change pipelines and their stages.
pub const UPDATE_PIPELINE: Permission = Permission::new("update_pipeline");
/// See the figures of the CRM.
pub const READ_DASHBOARD: Permission = Permission::new("read_dashboard");

/// The room's table.
pub const MODULE: Module = Module {
    name: "pipeline",
    about: "Pipelines and their stages, and the figures of the CRM at a glance",
    tools: &[
        tool::<CreatePipeline>,
        tool::<GetCrmDashboard>,
        tool::<ListPipelineStages>,
        tool::<UpdatePipeline>,
    ],
    resources: &[Resource {
        uri: "bureau://pipeline/templates",
        name: "pipeline_templates",
        title: "Pipelines",
        about: "The pipelines and their stages in order.",
        tool: "list_pipeline_stages",
        ..Resource::JSON
    }],
    uses: &[
        &bureau_activities::MODULE,
        &bureau_companies::MODULE,
        &bureau_contacts::MODULE,
        &bureau_deals::MODULE,
    ],
    ..Module::EMPTY
};
