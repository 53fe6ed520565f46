//! `delete_expense`

use bureau_kernel::prelude::*;

use crate::EXPENSES;
use crate::expense::Expense;

impl Deletable for Expense {
    const SPEC: Spec = Spec::removes("delete_expense", EXPENSES.delete)
        .title("Delete expense")
        .about("Delete an expense, restorably unless purge is set.");
    const REASSIGNS: bool = false;
    const EXAMPLES: &'static [Example] = &[Example {
        title: "That one was noted twice",
        before: &[Step {
            tool: "create_expense",
            arguments: r#"{"description": "Noted twice", "category": "travel", "amount": "18", "currency": "EUR"}"#,
            keep: &[("twice", "/data/id")],
        }],
        arguments: r#"{"expense": "{twice}", "confirm": true}"#,
        expect: &[("/data/id", r#""{twice}""#), ("/data/restorable", "true")],
    }];
}
