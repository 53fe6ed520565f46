//! `delete_loan`

use bureau_kernel::prelude::*;

use super::LOANS;
use super::loan::Loan;

impl Deletable for Loan {
    const SPEC: Spec = Spec::removes("delete_loan", LOANS.delete)
        .title("Delete loan")
        .about("Delete a loan, restorably unless purge is set.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "That loan was noted twice",
        before: &[Step {
            tool: "create_loan",
            arguments: r#"{"item": "Ladder"}"#,
            keep: &[("ladder", "/data/id")],
        }],
        arguments: r#"{"loan": "{ladder}", "confirm": true}"#,
        expect: &[("/data/id", r#""{ladder}""#), ("/data/restorable", "true")],
    }];
    /// Nothing refers to one.
    const REASSIGNS: bool = false;
}
