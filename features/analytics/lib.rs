//! Analytics: sales, revenue, support, expenses and what is open in figures. What is counted and how, the modules say that have the
//! records ([`Measure`](bureau_kernel::measures::Measure)); here it is asked for, and answered with what it rests on.
//!
//! Permissions: those of what is counted (`read_deals`, `read_invoices`, `read_expenses`, `read_tickets`). The module has no records
//! of its own and uses those whose it counts.

// Money is never a float.
#![deny(clippy::float_arithmetic)]

mod aging;
mod asking;
mod expenses;
mod forecast;
mod names;
mod pipeline;
mod report;
mod revenue;
mod support;

use bureau_kernel::prelude::*;

/// The module's table.
pub const MODULE: Module = Module {
    name: "analytics",
    about: "The business in figures: sales, revenue, support, expenses, what is open",
    tokens: 500,
    schemas: include_str!("schemas.txt"),
    tools: tools![
        expenses::GetExpenseSummary,
        aging::GetInvoiceAging,
        pipeline::GetPipelineAnalytics,
        revenue::GetRevenueMetrics,
        forecast::GetSalesForecast,
        support::GetSupportMetrics,
    ],
    uses: &[
        &bureau_companies::MODULE,
        &bureau_contacts::MODULE,
        &bureau_deals::MODULE,
        &bureau_invoicing::MODULE,
        &bureau_tickets::MODULE,
    ],
    ..Module::EMPTY
};
