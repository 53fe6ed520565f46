//! Loans: what the firm lends, to whom, and until when.
//!
//! Permissions: `read_loans`, `create_loans`, `update_loans`, `delete_loans`. A loan names a contact, so the module uses contacts.

mod create;
mod delete;
mod give_back;
mod list;
mod loan;

use bureau_kernel::prelude::*;

use loan::Loan;

/// The permissions for loans.
pub const LOANS: Access = access!("loans");

/// The module's table.
pub const MODULE: Module = Module {
    name: "loans",
    about: "What is lent, to whom, and until when",
    tokens: 560,
    tools: tools![
        create::CreateLoan,
        Delete<Loan>,
        list::ListLoans,
        give_back::ReturnLoan,
    ],
    records: records![Loan],
    uses: &[&bureau_contacts::MODULE],
    ..Module::EMPTY
};
