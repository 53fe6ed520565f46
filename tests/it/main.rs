//! The whole app, from outside: one binary, so that it is linked once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

mod abuse;
mod accounts;
mod activities;
mod analytics;
mod answers;
mod audit;
mod backup;
mod billed_time;
mod bulk_tools;
mod by_name;
mod campaign;
mod catalogue;
mod chosen;
mod cli;
mod clock;
mod companies;
mod completions;
mod confirmations;
mod connect;
mod contacts;
mod contention;
mod deals;
mod demo;
mod disk_faults;
mod distributed;
mod examples;
mod exchange;
mod expenses;
mod faults;
mod files;
mod filters;
mod followers;
mod freshness;
mod guide;
mod http;
mod import;
mod injection;
mod input;
mod install;
mod integrity;
mod invoice_stats;
mod isolation;
mod issuing;
mod keys;
mod knowledge;
mod ledger;
mod measures;
mod members;
mod mixed;
mod modules;
mod money;
mod notes;
mod offers;
mod options;
mod papers;
mod parity;
mod permissions;
mod pipelines;
mod privileges;
mod processes;
mod products;
mod projects;
mod quotations;
mod reactions;
mod receipts;
mod recruiting;
mod recurring;
mod replicas;
mod resources;
mod retention;
mod scheduler;
mod scorecards;
mod search_all;
mod secrets;
mod seed;
mod seller;
mod settings;
mod simulation;
mod stdio;
mod structure;
mod subscriptions;
mod suggestions;
mod tamper;
mod tenancy;
mod tickets;
mod time;
mod undo;
mod worked_cases;

use bureau_kernel::prelude::*;
use futures::FutureExt as _;

/// Every module, and what its owner does before the first invoice.
const MODULES: &[Module] = &{
    let mut all = [OWNER; bureau::MODULES.len() + 1];
    all.split_at_mut(bureau::MODULES.len())
        .0
        .copy_from_slice(bureau::MODULES);
    all
};

/// Notes the seller's details in every workspace, as its owner does with `bureau workspace seller`: without them nothing can
/// be issued.
const OWNER: Module = Module {
    name: "owner",
    about: "What the owner notes before the first invoice",
    uses: &[&bureau_invoicing::MODULE],
    provision: Some(|cx| note_seller(cx).boxed()),
    ..Module::EMPTY
};

async fn note_seller(cx: &mut Cx) -> Result<()> {
    let seller = bureau_billing::seller(cx).await?.id;
    let mut edit = cx.edit(seller).await?;
    edit.name = ShortText::new("Test Works Ltd").ok();
    edit.street = ShortText::new("2 Mill Lane").ok();
    edit.postal_code = ShortText::new("10115").ok();
    edit.city = ShortText::new("Berlin").ok();
    edit.country = ShortText::new("DE").ok();
    edit.vat_id = ShortText::new("DE123456789").ok();
    edit.registration = ShortText::new("HRB 12345").ok();
    edit.email = "billing@test-works.example".parse().ok();
    edit.iban = ShortText::new("DE89370400440532013000").ok();
    edit.save(cx).await.map(drop)
}
