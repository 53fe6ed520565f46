//! Do the quotations add up?

use bureau_billing::{Findings, Pages, WRONG_TOTALS, audit_numbers};
use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;

use crate::quotation::{Quotation, QuotationStatus};

/// What contradicts the rules: a number that is missing in a series or that two have, totals that are not what the lines come
/// to, one that was sent without a number.
///
/// # Errors
/// What the database says.
pub(crate) async fn audit(cx: &mut Cx) -> Result<Vec<Contradiction>> {
    let mut found = Findings::default();
    audit_numbers::<Quotation>(cx, &mut found).await?;
    let mut pages = Pages::of(Order::CREATED);
    while let Some(page) = pages.next::<Quotation>(cx).await? {
        for quotation in page {
            let stored = (
                *quotation.net_total,
                *quotation.tax_total,
                *quotation.gross_total,
            );
            let computed = quotation.totals();
            let computed = computed.map(|totals| (totals.net, totals.tax, totals.gross));
            if computed.ok() != Some(stored) {
                found.say(quotation.id, WRONG_TOTALS);
            }
            if *quotation.status != QuotationStatus::Draft && quotation.number.is_none() {
                found.say(quotation.id, "it was sent and has no number");
            }
        }
    }
    Ok(found.into_vec())
}
