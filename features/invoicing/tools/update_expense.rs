//! `update_expense`

use bureau_billing::check_open;
use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::EXPENSES;
use crate::expense::Expense;

/// What changes in an expense.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct UpdateExpense {
    expense: Id<Expense>,
    clear: Option<Vec<ClearField<Expense>>>,
    #[serde(flatten)]
    fields: Patch<Expense>,
}

impl Tool for UpdateExpense {
    const SPEC: Spec = Spec::changes("update_expense", EXPENSES.update)
        .title("Update expense")
        .about("Correct, approve, reject or pay an expense.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "The hotel was 129, and it is in order",
            before: &[Step {
                tool: "create_expense",
                arguments: r#"{"description": "Hotel", "category": "travel", "amount": "119", "currency": "EUR"}"#,
                keep: &[("hotel", "/data/id")],
            }],
            arguments: r#"{"expense": "{hotel}", "amount": "129", "status": "approved"}"#,
            expect: &[
                ("/data/amount", r#""129.00""#),
                ("/data/status", r#""approved""#),
            ],
        },
        Example {
            title: "It is paid back",
            before: &[],
            arguments: r#"{"expense": "{hotel}", "status": "paid", "reference": "R-17"}"#,
            expect: &[
                ("/data/status", r#""paid""#),
                ("/data/reference", r#""R-17""#),
            ],
        },
    ];
    type Output = View<Expense>;

    async fn call(self, cx: &mut Cx) -> Result<View<Expense>> {
        let mut edit = cx.edit(self.expense).await?;
        edit.clear_fields(&self.clear.unwrap_or_default());
        edit.apply(cx, &self.fields).await?;
        if self.fields.has("spent_on") {
            edit.check_day(cx.today())?;
            check_open(cx, "spent_on", edit.spent_on).await?;
        }
        let saved = edit.save(cx).await?;
        cx.view(saved).await
    }
}
