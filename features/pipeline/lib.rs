//! Pipelines: the ways that deals take, and the figures of the CRM at a glance.
//!
//! Permissions: `read_pipeline`, `create_pipeline`, `update_pipeline`, `read_dashboard`; `delete_pipeline` takes the creation
//! of one back. The records of pipelines and stages
//! stand in the deals module, which no deal can do without; the dashboard asks the measures of all modules of the CRM, so this
//! module uses the four of them.

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

pub use bureau_deals::PIPELINE;

/// See the figures of the CRM.
pub const READ_DASHBOARD: Permission = Permission::new("read_dashboard");

/// The module's table.
pub const MODULE: Module = Module {
    name: "pipeline",
    about: "Pipelines and their stages, and the figures of the CRM at a glance",
    tokens: 420,
    schemas: include_str!("schemas.txt"),
    tools: tools![
        CreatePipeline,
        GetCrmDashboard,
        ListPipelineStages,
        UpdatePipeline,
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
