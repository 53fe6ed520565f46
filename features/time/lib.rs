//! Time: what members work on projects, by the clock or the day, what an hour of it is billed at and costs, budgets, and the way from
//! unbilled time to a draft invoice and back.
//!
//! Permissions: `read_time_entries`, `create_time_entries`, `update_time_entries`, `delete_time_entries`; `manage_time_entries` for
//! what is arranged: rates, budgets, rounding, when months close; `read_cost_rates` for what hours cost the firm, and so the margin.
//! Billing time makes an invoice, so it goes by `create_invoices`.
//!
//! Time that is on an invoice stands. It is free again when the line that bills it is gone: it names the line, and the line names it
//! in words that invoicing does not read.

// Money and hours are never a float.
#![deny(clippy::float_arithmetic)]

mod audit;
mod bill_time;
mod billed;
mod budget;
mod create_time_entry;
mod delete_time_entry;
mod entry;
mod hours;
mod list_time_entries;
mod measures;
mod pricing;
mod rates;
mod rules;
mod settings;
mod span;
mod update_time_entry;
mod view;

use bureau_kernel::prelude::*;
use futures::FutureExt as _;

pub use budget::{BudgetGiven, BudgetPeriod, ProjectBudget};
pub use entry::TimeEntry;
pub use hours::Rounding;
pub use rates::{CostGiven, CostRate, RateGiven, TimeRate};
pub use settings::{TimeSettings, TimeSettingsGiven, set_time};

/// The permissions for time entries.
pub const TIME: Access = access!("time_entries");
/// Arrange rates, budgets, rounding and when months close.
pub const MANAGE_TIME: Permission = Permission::new("manage_time_entries");
/// See what hours cost the firm, and so the margin: not for everybody who sees what they are billed at.
pub const READ_COST_RATES: Permission = Permission::new("read_cost_rates");

/// What is arranged for time is read by whoever reads time.
pub(crate) const ARRANGED: Access = Access {
    read: TIME.read,
    create: MANAGE_TIME,
    update: MANAGE_TIME,
    delete: MANAGE_TIME,
};

/// The module's table.
pub const MODULE: Module = Module {
    name: "time",
    about: "Time worked on projects: entries and timers, rates, budgets, and billing it",
    on_by_default: false,
    tokens: 800,
    schemas: include_str!("schemas.txt"),
    tools: tools![
        bill_time::BillTime,
        create_time_entry::CreateTimeEntry,
        Delete<TimeEntry>,
        list_time_entries::ListTimeEntries,
        update_time_entry::UpdateTimeEntry,
    ],
    records: records![TimeSettings, TimeRate, CostRate, ProjectBudget, TimeEntry],
    uses: &[
        &bureau_companies::MODULE,
        &bureau_billing::MODULE,
        &bureau_invoicing::MODULE,
        &bureau_projects::MODULE,
    ],
    reacts: table![&'static dyn AnyReaction:
        reaction::<billed::Freed>(), reaction::<billed::InStep>(), reaction::<rules::Checked>()
    ],
    checks: &[Check {
        name: "time",
        sound: "all billed time is on the lines that bill it",
        run: |cx| audit::audit(cx).boxed(),
    }],
    provides: &[&settings::ARRANGEMENTS, &view::FIGURES],
    measures: &[
        &measures::BILLABLE,
        &measures::BILLED,
        &measures::HOURS,
        &measures::UNBILLED,
        &measures::UTILISATION,
    ],
    ..Module::EMPTY
};
