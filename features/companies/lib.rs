//! Companies: the organisations that the firm deals with.
//!
//! Permissions: `read_companies`, `create_companies`, `update_companies`, `delete_companies`. Depends on no other module.

mod company;
mod create;
mod delete;
mod duplicates;
mod get;
mod import;
mod measures;
mod merge;
mod search;
mod update;

use bureau_kernel::prelude::*;

pub use company::{Company, CompanyType, only_one_named, only_ones_like};

/// The permissions for companies.
pub const COMPANIES: Access = access!("companies");

/// The module's table.
pub const MODULE: Module = Module {
    name: "companies",
    about: "Organisations the firm deals with: search, read, create, update, merge, delete",
    tokens: 1_000,
    schemas: include_str!("schemas.txt"),
    tools: tools![
        create::CreateCompany,
        Delete<Company>,
        get::GetCompany,
        merge::MergeCompanies,
        Lists<Company>,
        update::UpdateCompany,
    ],
    records: records![Company],
    resources: &[Resource {
        uri: "bureau://companies/{company}",
        name: "company",
        title: "Company",
        about: "A company, and how many records are linked to it.",
        tool: "get_company",
        ..Resource::JSON
    }],
    imports: imports![Company],
    measures: &[&measures::NEW, &measures::TOTAL],
    ..Module::EMPTY
};
