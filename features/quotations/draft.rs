//! Drafts of quotations.

use bureau_billing::{LineGiven, buyer, lines_given};
use bureau_kernel::prelude::*;

use crate::quotation::Quotation;

/// Brings a draft into form: its currency, its lines where there are new ones, its customer's name.
///
/// # Errors
/// What is wrong with the lines or the customer.
pub(crate) async fn shape(
    cx: &mut Cx,
    quotation: &mut Quotation,
    lines: Option<Vec<LineGiven>>,
) -> Result<()> {
    quotation.currency = quotation.currency.or(cx.workspace().currency);
    if let Some(lines) = lines {
        quotation.lines = Managed(Json(lines_given(cx, lines, quotation.currency).await?));
    }
    let buyer = buyer(cx, quotation.company, quotation.contact).await?;
    quotation.customer = Managed(ShortText::new(&buyer.name).ok());
    Ok(())
}
