//! `list_recurring_invoices`

use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;

use crate::READ_INVOICES;
use crate::recurring::RecurringInvoice;

impl Listed for RecurringInvoice {
    const QUERY: Option<&'static str> = Some("Part of name or line");
    const SORT: &'static str = "Default next";
    const USUAL: &'static str = "next";
    const ORDERS: &'static [Order] = &[];
}

impl Listable for RecurringInvoice {
    const SPEC: Spec = Spec::reads("list_recurring_invoices", READ_INVOICES)
        .title("List recurring invoices")
        .about("List recurring invoices with their next day and what they come to monthly.")
        .awaits(Awaits::Index);
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "What do we bill Acme regularly?",
            before: &[
                Step {
                    tool: "create_company",
                    arguments: r#"{"name": "Acme Regular"}"#,
                    keep: &[("acme", "/data/id")],
                },
                Step {
                    tool: "create_recurring_invoice",
                    arguments: r#"{"name": "Acme licences", "company": "{acme}", "currency": "EUR", "interval": "year", "starts_on": "2027-01-01", "lines": [{"description": "Licence", "quantity": "3", "unit_price": "400", "tax_rate": "19"}]}"#,
                    keep: &[("plan", "/data/id")],
                },
            ],
            arguments: r#"{"company": "{acme}", "status": "active"}"#,
            expect: &[
                ("/data/0/id", r#""{plan}""#),
                ("/data/0/next_on", r#""2027-01-01""#),
                ("/data/0/net_total", r#""1200.00""#),
                ("/data/0/monthly_net", r#""100.00""#),
                ("/data/0/items", r#"["3 × 400.00, tax 19%: Licence"]"#),
            ],
        },
        Example {
            title: "Which plan was it with the licences?",
            before: &[],
            arguments: r#"{"query": "licences"}"#,
            expect: &[("/data/0/name", r#""Acme licences""#)],
        },
    ];
}
