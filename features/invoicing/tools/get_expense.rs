//! `get_expense`

use bureau_kernel::prelude::*;

use crate::EXPENSES;
use crate::expense::Expense;

impl Gettable for Expense {
    const SPEC: Spec = Spec::reads("get_expense", EXPENSES.read)
        .title("Get expense")
        .about("Read an expense with its notes.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "What was that taxi for?",
        before: &[Step {
            tool: "create_expense",
            arguments: r#"{"description": "Taxi", "category": "travel", "amount": "18", "currency": "EUR", "notes": "To the fair"}"#,
            keep: &[("taxi", "/data/id")],
        }],
        arguments: r#"{"expense": "{taxi}"}"#,
        expect: &[("/data/notes", r#""To the fair""#)],
    }];
}
