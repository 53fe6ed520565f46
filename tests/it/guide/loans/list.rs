//! `list_loans`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use super::LOANS;
use super::loan::Loan;

/// Which loans to list.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ListLoans {
    /// Only what is not back, or only what is
    returned: Option<bool>,
    #[serde(flatten)]
    listing: Listing<Loan>,
}

impl Listed for Loan {
    const QUERY: Option<&'static str> = Some("Part of the item's name");
    const SORT: &'static str = "Default due_on";
    const USUAL: &'static str = "due_on";
}

impl Tool for ListLoans {
    const SPEC: Spec = Spec::reads("list_loans", LOANS.read)
        .title("List loans")
        .about("List what is lent, by the day when it is due, or search it.")
        .awaits(Awaits::Index);
    const EXAMPLES: &'static [Example] = &[Example {
        title: "What should be back by the end of the year?",
        before: &[Step {
            tool: "create_loan",
            arguments: r#"{"item": "Camera", "due_on": "2026-12-24"}"#,
            keep: &[("camera", "/data/id")],
        }],
        arguments: r#"{"returned": false, "due_before": "2026-12-31"}"#,
        expect: &[("/data/0/id", r#""{camera}""#)],
    }];
    type Output = Vec<Row<Loan>>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<Row<Loan>>> {
        let out = self.returned.map(|returned| !returned);
        let rows = self
            .listing
            .rows(cx, |list| list.is_empty("returned_on", out));
        rows.await
    }
}
