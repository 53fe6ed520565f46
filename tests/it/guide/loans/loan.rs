//! The loan record and what holds of every loan.

use bureau_contacts::Contact;
use bureau_kernel::prelude::*;
use chrono::NaiveDate;

use super::LOANS;

bureau_kernel::record! {
    /// Something that is lent.
    pub struct Loan: "loan", "loan", "loan" {
        /// What it is.
        pub item: ShortText<200> => [label, search, row],
        /// Who has it.
        pub borrower: Option<Id<Contact>> = "Contact id" => [filter, row],
        /// Until when.
        pub due_on: Option<NaiveDate> => [sort_by("sort_due"), range("due_after", "due_before"), row],
        /// Since when it is back.
        pub returned_on: Managed<Option<NaiveDate>> => [row],
    }
}

impl Record for Loan {
    const ACCESS: Access = LOANS;

    // A contact is not deleted while something of ours is there.
    const BLOCKS_DELETION_WHILE: &'static str = "returned_on IS NULL";
}

/// Tools answer its columns and nothing beside them.
impl Presented for Loan {
    type Extra = Nothing;
}
