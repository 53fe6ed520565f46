//! `list_expenses`

use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;

use crate::EXPENSES;
use crate::expense::Expense;

impl Listed for Expense {
    const QUERY: Option<&'static str> = Some("Part of description, vendor, notes");
    const SORT: &'static str = "Default newest first";
    const USUAL: &'static str = "-spent_on";
    const ORDERS: &'static [Order] = &[Order::CREATED];
}

impl Listable for Expense {
    const SPEC: Spec = Spec::reads("list_expenses", EXPENSES.read)
        .title("List expenses")
        .about("List expenses by kind, status, people, dates and amount, or search them.")
        .awaits(Awaits::Index);
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "What did we spend on travel in March?",
            before: &[
                Step {
                    tool: "create_expense",
                    arguments: r#"{"description": "Train to Lyon", "category": "Travel", "amount": "88", "currency": "EUR", "spent_on": "2026-03-10"}"#,
                    keep: &[("train", "/data/id")],
                },
                Step {
                    tool: "create_expense",
                    arguments: r#"{"description": "Flight home", "category": "Travel", "amount": "140", "currency": "EUR", "spent_on": "2026-04-01"}"#,
                    keep: &[],
                },
            ],
            arguments: r#"{"category": "travel", "spent_after": "2026-03-01", "spent_before": "2026-03-31"}"#,
            expect: &[
                ("/data/0/id", r#""{train}""#),
                ("/data/0/amount", r#""88.00""#),
                ("/data/1", "null"),
            ],
        },
        Example {
            title: "Where is the ticket to Lyon?",
            before: &[],
            arguments: r#"{"query": "lyon"}"#,
            expect: &[("/data/0/id", r#""{train}""#)],
        },
    ];
}
