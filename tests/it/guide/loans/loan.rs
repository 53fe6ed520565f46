//! The loan record and what holds of every loan.

use bureau_contacts::Contact;
use bureau_kernel::prelude::*;
use bureau_kernel::store::Value;
use chrono::NaiveDate;

use super::{CREATE_LOANS, DELETE_LOANS, READ_LOANS, UPDATE_LOANS};

bureau_kernel::record! {
    /// Something that is lent.
    pub struct Loan: "loan", "loan", "loan" {
        /// What it is.
        pub item: ShortText<200>,
        /// Who has it.
        pub borrower: Option<Id<Contact>> = "Contact id",
        /// Until when.
        pub due_on: Option<NaiveDate>,
        /// Since when it is back.
        pub returned_on: Managed<Option<NaiveDate>>,
    }
}

/// Where in the order by date stands what is never due.
const NEVER: NaiveDate = match NaiveDate::from_ymd_opt(9999, 12, 31) {
    Some(day) => day,
    None => NaiveDate::MAX,
};

impl Record for Loan {
    const ACCESS: Access = Access {
        read: READ_LOANS,
        create: CREATE_LOANS,
        update: UPDATE_LOANS,
        delete: DELETE_LOANS,
    };

    // A contact is not deleted while something of ours is there.
    const BLOCKS_DELETION_WHILE: &'static str = "returned_on IS NULL";

    fn label(&self) -> String {
        self.item.to_string()
    }

    fn index_keys(&self) -> Vec<(&'static str, String)> {
        let borrower = self.borrower.map(|id| ("borrower", id.to_string()));
        borrower.into_iter().collect()
    }

    fn derived(&self) -> Vec<(&'static str, Value)> {
        vec![("sort_due", Value::Date(self.due_on.unwrap_or(NEVER)))]
    }

    fn text(&self) -> Option<SearchText> {
        Some(SearchText::default())
    }
}
