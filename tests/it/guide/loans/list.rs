//! `list_loans`

use bureau_contacts::Contact;
use bureau_kernel::list::Order;
use bureau_kernel::prelude::*;
use bureau_kernel::store::Kind;
use schemars::JsonSchema;
use serde::Deserialize;

use super::READ_LOANS;
use super::loan::Loan;
use super::view::{LoanView, views};

/// Which loans to list.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListLoans {
    /// Part of the item's name
    query: Option<ShortText<500>>,
    borrower: Option<Id<Contact>>,
    /// Only what is not back, or only what is
    returned: Option<bool>,
    due_before: Option<When>,
    descending: Option<bool>,
    limit: Option<Limit>,
    cursor: Option<Cursor>,
}

impl Tool for ListLoans {
    const SPEC: Spec = Spec::reads("list_loans", READ_LOANS)
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
    type Output = Vec<LoanView>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<LoanView>> {
        let before = self.due_before.as_ref();
        let before = before.map(|when| cx.date("due_before", when)).transpose()?;
        let page = cx
            .list::<Loan>()
            .same("borrower", self.borrower)
            .is_empty("returned_on", self.returned.map(|returned| !returned))
            .to("sort_due", before)
            .query_or_page(
                self.query.as_deref(),
                None,
                Order::new("due_on", "sort_due", Kind::Date),
                self.descending,
                self.limit.unwrap_or_default(),
                self.cursor.as_ref(),
            )
            .await?;
        let next = page.next;
        let rows = views(cx, page.rows).await?;
        Ok(cx.page(Page { rows, next }))
    }
}
