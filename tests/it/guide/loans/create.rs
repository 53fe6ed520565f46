//! `create_loan`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use super::LOANS;
use super::loan::Loan;

/// A new loan.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("required" = ["item"]))]
pub(crate) struct CreateLoan {
    #[serde(flatten)]
    fields: Patch<Loan>,
}

impl Tool for CreateLoan {
    const SPEC: Spec = Spec::adds("create_loan", LOANS.create)
        .title("Create loan")
        .about("Note that something was lent to a contact.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Sarah has our projector until the end of March",
        before: &[Step {
            tool: "create_contact",
            arguments: r#"{"name": "Sarah Connor"}"#,
            keep: &[("sarah", "/data/id")],
        }],
        arguments: r#"{"item": "Projector", "borrower": "{sarah}", "due_on": "2027-03-31"}"#,
        expect: &[
            ("/data/borrower/name", r#""Sarah Connor""#),
            ("/data/due_on", r#""2027-03-31""#),
        ],
    }];
    type Output = View<Loan>;

    async fn call(self, cx: &mut Cx) -> Result<View<Loan>> {
        let loan = self.fields.record(cx.local_time())?;
        let saved = cx.insert(loan, self.fields.attributes()?).await?;
        cx.view(saved).await
    }
}
