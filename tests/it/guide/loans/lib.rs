//! Loans: what the firm lends, to whom, and until when.
//!
//! Permissions: `read_loans`, `create_loans`, `update_loans`, `delete_loans`. A loan names a contact, so the module uses contacts.

mod create;
mod delete;
mod give_back;
mod list;
mod loan;
mod view;

use bureau_kernel::prelude::*;

use create::CreateLoan;
use give_back::ReturnLoan;
use list::ListLoans;
use loan::Loan;

/// See loans.
pub const READ_LOANS: Permission = Permission::new("read_loans");
/// Lend something.
pub const CREATE_LOANS: Permission = Permission::new("create_loans");
/// Take something back.
pub const UPDATE_LOANS: Permission = Permission::new("update_loans");
/// Delete loans.
pub const DELETE_LOANS: Permission = Permission::new("delete_loans");

/// The module's table.
pub const MODULE: Module = Module {
    name: "loans",
    about: "What is lent, to whom, and until when",
    tokens: 500,
    tools: &[
        tool::<CreateLoan>,
        tool::<Delete<Loan>>,
        tool::<ListLoans>,
        tool::<ReturnLoan>,
    ],
    records: &[record::<Loan>()],
    uses: &[&bureau_contacts::MODULE],
    ..Module::EMPTY
};
