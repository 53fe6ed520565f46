//! `create_expense`

use bureau_billing::check_open;
use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::EXPENSES;
use crate::expense::Expense;

/// A new expense.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("required" = ["description", "category", "amount"]))]
pub(crate) struct CreateExpense {
    /// What looks like a slip is meant
    anyway: Option<bool>,
    #[serde(flatten)]
    fields: Patch<Expense>,
}

impl Tool for CreateExpense {
    const SPEC: Spec = Spec::adds("create_expense", EXPENSES.create)
        .title("Create expense")
        .about("Note what the firm or a member spent; by default you, today.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "I took a taxi to Acme for 35.70, charge it on",
            before: &[],
            arguments: r#"{"description": "Taxi to Acme", "category": "travel", "amount": "35.70", "currency": "EUR", "method": "card", "billable": true}"#,
            expect: &[
                ("/data/amount", r#""35.70""#),
                ("/data/status", r#""pending""#),
                ("/data/billable", "true"),
            ],
        },
        Example {
            title: "The rent of January is paid",
            before: &[],
            arguments: r#"{"description": "Rent", "category": "rent", "amount": "1800", "currency": "EUR", "spent_on": "2026-01-05", "vendor": "Harbour Estates", "status": "paid"}"#,
            expect: &[
                ("/data/spent_on", r#""2026-01-05""#),
                ("/data/status", r#""paid""#),
            ],
        },
    ];
    type Output = View<Expense>;

    async fn call(self, cx: &mut Cx) -> Result<View<Expense>> {
        let mut expense = self.fields.record(cx.local_time())?;
        if !self.fields.has("spent_on") {
            expense.spent_on = cx.today();
        }
        expense.check_day(cx.today())?;
        check_open(cx, "spent_on", expense.spent_on).await?;
        expense.currency = expense.currency.or(cx.workspace().currency);
        if !self.anyway.unwrap_or(false) {
            expense.check_new(cx).await?;
        }
        expense.owner = expense.owner.or(Some(cx.caller().member));
        let saved = cx.insert(expense, self.fields.attributes()?).await?;
        cx.view(saved).await
    }
}
