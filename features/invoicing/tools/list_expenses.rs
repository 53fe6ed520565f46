//! `list_expenses`

use bureau_companies::Company;
use bureau_kernel::list::Order;
use bureau_kernel::prelude::*;
use bureau_kernel::store::Kind;
use bureau_kernel::types::money::{Amount, Currency};
use bureau_kernel::types::text::folded;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::EXPENSES;
use crate::expense::{Expense, ExpenseStatus};
use crate::expense_view::{ExpenseView, views};

/// Which expenses to list.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListExpenses {
    /// Part of description, vendor, notes
    query: Option<ShortText<500>>,
    category: Option<ShortText<50>>,
    status: Option<ExpenseStatus>,
    owner: Option<Id<Member>>,
    company: Option<Id<Company>>,
    currency: Option<Currency>,
    billable: Option<bool>,
    spent_after: Option<When>,
    spent_before: Option<When>,
    min_amount: Option<Amount>,
    /// Default newest first
    sort: Option<Sort>,
    descending: Option<bool>,
    limit: Option<Limit>,
    cursor: Option<Cursor>,
}

/// Orders that expenses are listed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sort {
    SpentOn,
    Amount,
    Category,
    CreatedAt,
}

impl Sort {
    const fn order(self) -> Order {
        match self {
            Self::SpentOn => Order::new("spent_on", "spent_on", Kind::Date),
            Self::Amount => Order::new("amount", "amount", Kind::Int),
            Self::Category => Order::new("category", "sort_category", Kind::Text),
            Self::CreatedAt => Order::CREATED,
        }
    }
}

impl Tool for ListExpenses {
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
    type Output = Vec<ExpenseView>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<ExpenseView>> {
        let (after, before) = cx.dates(
            ("spent_after", self.spent_after.as_ref()),
            ("spent_before", self.spent_before.as_ref()),
        )?;
        // Newest first, unless an order is asked for.
        let newest = self.sort.is_none() && self.query.is_none();
        let page = cx
            .list::<Expense>()
            .same("status", self.status)
            .same("owner", self.owner)
            .same("company", self.company)
            .term("category", self.category.as_deref().map(folded))
            .equal("currency", self.currency)
            .equal("billable", self.billable)
            .term(
                "billable",
                self.billable.map(|billable| billable.to_string()),
            )
            .from("spent_on", after)
            .to("spent_on", before)
            .from("amount", self.min_amount)
            .query_or_page(
                self.query.as_deref(),
                self.sort.map(Sort::order),
                Sort::SpentOn.order(),
                self.descending.or(newest.then_some(true)),
                self.limit.unwrap_or_default(),
                self.cursor.as_ref(),
            )
            .await?;
        let next = page.next;
        let rows = views(cx, page.rows).await?;
        let rows = rows.into_iter().map(ExpenseView::in_short).collect();
        Ok(cx.page(Page { rows, next }))
    }
}
