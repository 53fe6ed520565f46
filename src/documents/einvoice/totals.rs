//! Whether the totals of a document are those that the library finds from its lines.

use en16931::Reconciler;
use en16931::invoice::Invoice;
use rust_decimal::Decimal;

use crate::{Document, Error};

/// Compares the sums and the tax. The rules let a tax be off by as much as one; here it may differ only by how the currency
/// rounds it, which the library does to two digits whatever the currency.
pub(super) fn agree(document: &Document, invoice: &Invoice) -> Result<(), Error> {
    let mut reconciler = Reconciler::new();
    if let Some(paid) = invoice.totals.paid {
        reconciler = reconciler.paid(paid);
    }
    let found = reconciler
        .compute(invoice)
        .map_err(|error| Error::Internal(error.to_string()))?;
    let half_a_unit = Decimal::new(5, document.digits + 1);
    let differs = |stated: Decimal, found: Decimal| (stated - found).abs() > half_a_unit;
    for subtotal in &invoice.vat_breakdown {
        let same = found
            .vat_breakdown
            .iter()
            .find(|other| other.group_key() == subtotal.group_key());
        let (base, tax) = same.map_or((Decimal::ZERO, Decimal::ZERO), |other| {
            (
                other.taxable_amount.into_decimal(),
                other.tax_amount.into_decimal(),
            )
        });
        let name = format!(
            "category {} at {} %",
            subtotal.category,
            subtotal.rate.unwrap_or_default()
        );
        if subtotal.taxable_amount.into_decimal() != base {
            return Err(disagreement(
                &format!("The taxable amount of {name}"),
                subtotal.taxable_amount,
                base,
            ));
        }
        if differs(subtotal.tax_amount.into_decimal(), tax) {
            return Err(disagreement(
                &format!("The tax of {name}"),
                subtotal.tax_amount,
                tax,
            ));
        }
    }
    Ok(())
}

fn disagreement(what: &str, stated: impl std::fmt::Display, found: Decimal) -> Error {
    Error::Incomplete(format!(
        "{what} is {stated} on the document, but {found} by its lines. Compute the document again."
    ))
}
