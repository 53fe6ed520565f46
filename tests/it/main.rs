//! The whole house, from outside: one binary, so that it is linked once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

mod cli;
mod contacts;
mod examples;
mod http;
mod undo;

use bureau_kernel::registry::Module;

/// Every room.
const MODULES: &[Module] = &[bureau_contacts::MODULE, bureau_history::MODULE];
