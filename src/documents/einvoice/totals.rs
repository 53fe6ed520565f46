//! Whether the tax of a document is what the library finds from its lines.

use en16931::Reconciler;
use en16931::invoice::{Invoice, VatBreakdown};
use rust_decimal::Decimal;

use crate::{Document, DocumentKind, Error};

/// Compares the taxable amounts and the taxes, both ways. The rules make the sums agree, but let a tax be off by as much as one
/// and a rate be forgotten. Here a tax may differ only by how the currency rounds it, which the library does to two digits
/// whatever the currency. A credit note has all that the rules leave it: the last of several takes back what is left of its
/// invoice's tax after each of them was rounded.
pub(super) fn agree(document: &Document, invoice: &Invoice) -> Result<(), Error> {
    let found = Reconciler::new()
        .compute(invoice)
        .map_err(|error| Error::Internal(error.to_string()))?
        .vat_breakdown;
    let tolerance = match document.kind {
        DocumentKind::CreditNote => Decimal::ONE,
        DocumentKind::Invoice | DocumentKind::Quotation => Decimal::new(5, document.digits + 1),
    };
    for subtotal in invoice.vat_breakdown.iter().chain(&found) {
        let (stated_base, stated_tax) = amounts(&invoice.vat_breakdown, subtotal);
        let (base, tax) = amounts(&found, subtotal);
        if stated_base != base {
            return Err(disagreement("taxable amount", subtotal, stated_base, base));
        }
        if (stated_tax - tax).abs() > tolerance {
            return Err(disagreement("tax", subtotal, stated_tax, tax));
        }
    }
    Ok(())
}

/// The taxable amount and the tax of the category and rate; nothing where they are not there.
fn amounts(breakdown: &[VatBreakdown], of: &VatBreakdown) -> (Decimal, Decimal) {
    breakdown
        .iter()
        .find(|subtotal| subtotal.group_key() == of.group_key())
        .map_or((Decimal::ZERO, Decimal::ZERO), |subtotal| {
            (
                subtotal.taxable_amount.into_decimal(),
                subtotal.tax_amount.into_decimal(),
            )
        })
}

fn disagreement(what: &str, of: &VatBreakdown, stated: Decimal, found: Decimal) -> Error {
    Error::Incomplete(format!(
        "The {what} of category {} at {} % is {stated:.2} on the document, but {found:.2} by its lines. \
         Compute the document again.",
        of.category,
        of.rate.unwrap_or_default()
    ))
}
