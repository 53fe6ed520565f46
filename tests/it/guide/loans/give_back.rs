//! `return_loan`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use super::LOANS;
use super::loan::Loan;

/// What is back.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ReturnLoan {
    /// Loan id
    loan: Id<Loan>,
    /// Default today
    returned_on: Option<When>,
}

impl Tool for ReturnLoan {
    const SPEC: Spec = Spec::changes("return_loan", LOANS.update)
        .title("Return loan")
        .about("Note that something that was lent is back.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "The drill came back on the second of January",
        before: &[Step {
            tool: "create_loan",
            arguments: r#"{"item": "Drill"}"#,
            keep: &[("drill", "/data/id")],
        }],
        arguments: r#"{"loan": "{drill}", "returned_on": "2027-01-02"}"#,
        expect: &[("/data/returned_on", r#""2027-01-02""#)],
    }];
    type Output = View<Loan>;

    async fn call(self, cx: &mut Cx) -> Result<View<Loan>> {
        let mut edit = cx.edit(self.loan).await?;
        if edit.returned_on.is_some() {
            return Err(Error::conflict("This loan is back already.").field("loan"));
        }
        let day = match &self.returned_on {
            Some(when) => cx.date("returned_on", when)?,
            None => cx.today(),
        };
        edit.returned_on = Managed(Some(day));
        let saved = edit.save(cx).await?;
        cx.view(saved).await
    }
}
