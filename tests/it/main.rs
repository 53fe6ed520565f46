//! The whole house, from outside: one binary, so that it is linked once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

mod activities;
mod audit;
mod backup;
mod bulk_tools;
mod campaign;
mod catalogue;
mod cli;
mod companies;
mod connect;
mod contacts;
mod contention;
mod deals;
mod demo;
mod examples;
mod faults;
mod http;
mod import;
mod injection;
mod input;
mod install;
mod members;
mod mixed;
mod parity;
mod permissions;
mod pipelines;
mod processes;
mod receipts;
mod rooms;
mod scheduler;
mod secrets;
mod tamper;
mod tenancy;
mod undo;

use bureau_kernel::registry::Module;

/// Every room.
const MODULES: &[Module] = &[
    bureau_activities::MODULE,
    bureau_companies::MODULE,
    bureau_contacts::MODULE,
    bureau_deals::MODULE,
    bureau_history::MODULE,
    bureau_pipeline::MODULE,
    bureau_workspace::MODULE,
];
