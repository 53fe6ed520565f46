//! Deals: sales that may come about, and the pipelines through which they go.
//!
//! Permissions: `read_deals`, `create_deals`, `update_deals`, `delete_deals`. A deal is with a company, a contact or both,
//! so the module uses those two. The pipelines are arranged by the tools of the module of that name; their records stand here,
//! because no deal can be without them, and a new workspace starts with one.

mod create;
mod deal;
mod delete;
mod expected;
mod funnel;
mod get;
mod import;
mod list;
mod measures;
mod stage_change;
mod stages;
mod suggestions;
mod summary;
mod update;
mod view;

use bureau_kernel::prelude::*;
use futures::FutureExt as _;

pub use deal::{Deal, DealStatus};
pub use expected::{ExpectedDeals, ExpectedFilter, expected_on};
pub use funnel::{Funnel, StageFlow, funnel, stuck};
pub use stage_change::StageChange;
pub use stages::{Pipeline, Stage, StageKind, pipeline_or_default, pipelines, stages_of};
pub use summary::{OpenDeals, StageFigures, Value, Values};

/// The permissions for deals.
pub const DEALS: Access = access!("deals");
/// The permissions for pipelines and their stages.
pub const PIPELINE: Access = access!("pipeline");
/// Where a deal stands is a part of the deal: its tools name its pipeline and its stage.
pub const PLACE: &[Covers] = &[Covers::read::<Pipeline>(), Covers::read::<Stage>()];

/// The module's table.
pub const MODULE: Module = Module {
    name: "deals",
    about: "Sales that may come about: list, read, create, update, delete, summarize",
    tokens: 920,
    schemas: include_str!("schemas.txt"),
    tools: tools![
        create::CreateDeal,
        Delete<Deal>,
        get::GetDeal,
        summary::GetPipelineSummary,
        list::ListDeals,
        update::UpdateDeal,
    ],
    records: records![Pipeline, Stage, Deal],
    resources: &[Resource {
        uri: "bureau://deals/{deal}",
        name: "deal",
        title: "Deal",
        about: "A deal, and the stages it went through.",
        tool: "get_deal",
        ..Resource::JSON
    }],
    imports: imports![Deal],
    measures: measures::ALL,
    uses: &[&bureau_companies::MODULE, &bureau_contacts::MODULE],
    provision: Some(|cx| stages::provision(cx).boxed()),
    suggests: suggestions::RULES,
    ..Module::EMPTY
};
