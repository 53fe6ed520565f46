//! Settings: what an owner arranges without a terminal. A second face on what the command line does, by the same functions.
//!
//! Permission: `manage_workspace`, and what the kinds of records take that a setting is kept in (`manage_invoicing` for the seller,
//! the taxes and the number series, `manage_tickets` for tickets, `manage_recruiting` for recruiting, `manage_time_entries` for rates
//! and rounding of time). A person is asked about every call that writes, but for the hours and words of tickets and the rates of time:
//! where money goes and who may do what is not for a model alone. No secret passes through here: keys are made at the terminal.

mod define_attribute;
mod difference;
mod update_member;
mod update_recruiting_settings;
mod update_ticket_settings;
mod update_time_settings;
mod update_workspace;
mod wrong;

use bureau_kernel::prelude::*;

use define_attribute::DefineAttribute;
use update_member::UpdateMember;
use update_recruiting_settings::UpdateRecruitingSettings;
use update_ticket_settings::UpdateTicketSettings;
use update_time_settings::UpdateTimeSettings;
use update_workspace::UpdateWorkspace;

pub use bureau_kernel::permission::MANAGE_WORKSPACE;

/// The module's table.
pub const MODULE: Module = Module {
    name: "settings",
    about: "The firm, taxes, numbers, people, attributes; SLAs, rates, data retention",
    on_by_default: false,
    is_installed: true,
    tokens: 1_960,
    schemas: include_str!("schemas.txt"),
    tools: tools![
        DefineAttribute,
        UpdateMember,
        UpdateRecruitingSettings,
        UpdateTicketSettings,
        UpdateTimeSettings,
        UpdateWorkspace,
    ],
    uses: &[
        &bureau_billing::MODULE,
        &bureau_recruiting::MODULE,
        &bureau_tickets::MODULE,
        &bureau_time::MODULE,
        &bureau_kernel::series::MODULE,
    ],
    ..Module::EMPTY
};
