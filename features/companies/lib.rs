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
mod search;
mod update;

use bureau_kernel::import::import;
use bureau_kernel::prelude::*;

use create::CreateCompany;
use get::GetCompany;
use search::SearchCompanies;
use update::UpdateCompany;

pub use company::{Company, CompanyType, only_one_named};

/// See companies.
pub const READ_COMPANIES: Permission = Permission::new("read_companies");
/// Add companies.
pub const CREATE_COMPANIES: Permission = Permission::new("create_companies");
/// Change companies.
pub const UPDATE_COMPANIES: Permission = Permission::new("update_companies");
/// Delete companies.
pub const DELETE_COMPANIES: Permission = Permission::new("delete_companies");

/// The module's table.
pub const MODULE: Module = Module {
    name: "companies",
    about: "Organisations the firm deals with: search, read, create, update, delete",
    tokens: 960,
    tools: &[
        tool::<CreateCompany>,
        tool::<Delete<Company>>,
        tool::<GetCompany>,
        tool::<SearchCompanies>,
        tool::<UpdateCompany>,
    ],
    records: &[record::<Company>()],
    resources: &[Resource {
        uri: "bureau://companies/{company}",
        name: "company",
        title: "Company",
        about: "A company, and how many records are linked to it.",
        tool: "get_company",
        ..Resource::JSON
    }],
    imports: &[import::<Company>()],
    measures: &[&measures::NEW, &measures::TOTAL],
    ..Module::EMPTY
};
