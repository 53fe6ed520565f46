//! Settings: what an owner arranges without a terminal. A second face on what the command line does, by the same functions.
//!
//! Permission: `manage_workspace`, and what the kinds of records take that a setting is kept in (`manage_invoicing` for the seller,
//! the taxes and the number series). A person is asked about every call that writes: where money goes and who may do what is not
//! for a model alone. No secret passes through here: keys are made at the terminal.

mod define_attribute;
mod difference;
mod update_member;
mod update_workspace;

use bureau_kernel::prelude::*;

use define_attribute::DefineAttribute;
use update_member::UpdateMember;
use update_workspace::UpdateWorkspace;

pub use bureau_kernel::permission::MANAGE_WORKSPACE;

/// The module's table.
pub const MODULE: Module = Module {
    name: "settings",
    about: "The firm, its taxes and number series, its people, its custom attributes",
    on_by_default: false,
    is_installed: true,
    tokens: 900,
    schemas: include_str!("schemas.txt"),
    tools: tools![DefineAttribute, UpdateMember, UpdateWorkspace],
    uses: &[&bureau_billing::MODULE, &bureau_kernel::series::MODULE],
    ..Module::EMPTY
};
