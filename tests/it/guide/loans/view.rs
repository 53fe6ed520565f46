//! A loan as tools answer it: with the name of who has it.

use bureau_contacts::Contact;
use bureau_kernel::prelude::*;
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Serialize;

use super::loan::Loan;

/// A loan.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct LoanView {
    id: Id<Loan>,
    item: ShortText<200>,
    borrower: Option<Named<Contact>>,
    due_on: Option<NaiveDate>,
    returned_on: Option<NaiveDate>,
    attributes: Json<Attributes>,
    version: i64,
}

/// The same loans with everything by name.
pub(crate) async fn views(cx: &mut Cx, loans: Vec<Saved<Loan>>) -> Result<Vec<LoanView>> {
    let borrowers = cx
        .names(loans.iter().filter_map(|saved| saved.borrower))
        .await?;
    let view = |saved: Saved<Loan>| LoanView {
        id: saved.id,
        item: saved.record.item,
        borrower: saved.record.borrower.map(|id| borrowers.of(id)),
        due_on: saved.record.due_on,
        returned_on: *saved.record.returned_on,
        attributes: saved.attributes,
        version: saved.version,
    };
    Ok(loans.into_iter().map(view).collect())
}

/// One loan with everything by name.
pub(crate) async fn view(cx: &mut Cx, loan: Saved<Loan>) -> Result<LoanView> {
    let only = views(cx, vec![loan]).await?.into_iter().next();
    only.ok_or_else(|| Error::internal("a loan has one view"))
}
