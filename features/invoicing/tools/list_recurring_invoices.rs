//! `list_recurring_invoices`

use bureau_companies::Company;
use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use bureau_kernel::store::Kind;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::READ_INVOICES;
use crate::plan_view::{ListedPlan, rows};
use crate::recurring::{PlanStatus, RecurringInvoice};

/// Which plans to list.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListRecurringInvoices {
    /// Part of name or line
    query: Option<ShortText<500>>,
    status: Option<PlanStatus>,
    company: Option<Id<Company>>,
    /// Default next
    sort: Option<Sort>,
    descending: Option<bool>,
    limit: Option<Limit>,
    cursor: Option<Cursor>,
}

/// Orders that plans are listed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sort {
    Next,
    Name,
}

impl Sort {
    const fn order(self) -> Order {
        match self {
            Self::Next => Order::new("next", "sort_next", Kind::Date),
            Self::Name => Order::new("name", "sort_name", Kind::Text),
        }
    }
}

impl Tool for ListRecurringInvoices {
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
    type Output = Vec<ListedPlan>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<ListedPlan>> {
        let page = cx
            .list::<RecurringInvoice>()
            .same("status", self.status)
            .same("company", self.company)
            .query_or_page(
                self.query.as_deref(),
                self.sort.map(Sort::order),
                Sort::Next.order(),
                self.descending,
                self.limit.unwrap_or_default(),
                self.cursor.as_ref(),
            )
            .await?;
        let next = page.next;
        let rows = rows(cx, page.rows).await?;
        Ok(cx.page(Page { rows, next }))
    }
}
