//! Deals: sales that may come about, and the pipelines through which they go.
//!
//! Permissions: `read_deals`, `create_deals`, `update_deals`, `delete_deals`. A deal is with a company, a contact or both,
//! so the module uses those two. The pipelines are arranged by the tools of the module of that name; their records stand here,
//! because no deal can be without them, and a new workspace starts with one.

mod create;
mod deal;
mod delete;
mod get;
mod history;
mod import;
mod list;
mod measures;
mod stage_change;
mod stages;
mod summary;
mod update;
mod view;

use bureau_kernel::import::import;
use bureau_kernel::prelude::*;
use futures::FutureExt as _;

pub use deal::{Deal, DealStatus};
pub use stage_change::StageChange;
pub use stages::{
    Pipeline, Stage, StageKind, default_pipeline, pipeline_or_default, pipelines, stage_named,
    stages_of,
};
pub use summary::{OpenDeals, StageFigures, Value, Values};
pub use update::change_deal;

/// See deals.
pub const READ_DEALS: Permission = Permission::new("read_deals");
/// Add deals.
pub const CREATE_DEALS: Permission = Permission::new("create_deals");
/// Change deals.
pub const UPDATE_DEALS: Permission = Permission::new("update_deals");
/// Delete deals.
pub const DELETE_DEALS: Permission = Permission::new("delete_deals");
/// See pipelines and their stages.
pub const READ_PIPELINE: Permission = Permission::new("read_pipeline");
/// Add pipelines.
pub const CREATE_PIPELINE: Permission = Permission::new("create_pipeline");
/// Change pipelines and their stages.
pub const UPDATE_PIPELINE: Permission = Permission::new("update_pipeline");
/// Undo adding pipelines.
pub const DELETE_PIPELINE: Permission = Permission::new("delete_pipeline");
/// Where a deal stands is a part of the deal: its tools name its pipeline and its stage.
pub const PLACE: &[Covers] = &[Covers::read::<Pipeline>(), Covers::read::<Stage>()];

/// The module's table.
pub const MODULE: Module = Module {
    name: "deals",
    about: "Sales that may come about: list, read, create, update, delete, summarize",
    tokens: 1_090,
    tools: tools![
        create::CreateDeal,
        Delete<Deal>,
        get::GetDeal,
        summary::GetPipelineSummary,
        list::ListDeals,
        update::UpdateDeal,
    ],
    records: &[record::<Pipeline>(), record::<Stage>(), record::<Deal>()],
    resources: &[Resource {
        uri: "bureau://deals/{deal}",
        name: "deal",
        title: "Deal",
        about: "A deal, and the stages it went through.",
        tool: "get_deal",
        ..Resource::JSON
    }],
    imports: &[import::<Deal>()],
    measures: &[
        &measures::CLOSED,
        &measures::LOST,
        &measures::OPEN,
        &measures::OPEN_WEIGHTED,
        &measures::PAST_EXPECTED_CLOSE,
        &measures::ROTTING,
        &measures::WIN_RATE,
        &measures::WON,
    ],
    uses: &[&bureau_companies::MODULE, &bureau_contacts::MODULE],
    provision: Some(|cx| stages::provision(cx).boxed()),
    ..Module::EMPTY
};
