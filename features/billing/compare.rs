//! A total that the client computed, held against ours.

use bureau_kernel::prelude::*;
use bureau_kernel::types::money::{Amount, Currency, shown};

use crate::line::DocLine;
use crate::totals::Totals;

/// Compares a total that the client computed with ours, and explains a difference line by line.
///
/// # Errors
/// [`Code::Validation`] when they differ.
pub fn compare(
    expected: Option<Amount>,
    totals: &Totals,
    lines: &[DocLine],
    currency: Currency,
) -> Result<()> {
    let Some(expected) = expected.filter(|expected| *expected != totals.gross) else {
        return Ok(());
    };
    let money = |amount: Amount| shown(amount.decimal(), currency);
    let lines: Vec<String> = lines
        .iter()
        .enumerate()
        .map(|(index, line)| {
            let discount = line
                .discount
                .map_or(String::new(), |off| format!(" less {off}"));
            format!(
                "line {}: {} × {}{discount} = {}",
                index + 1,
                line.quantity,
                line.unit_price,
                money(line.net)
            )
        })
        .collect();
    let taxes: Vec<String> = totals
        .taxes
        .iter()
        .map(|tax| {
            format!(
                "{}% on {} = {}",
                tax.tax.rate,
                money(tax.taxable),
                money(tax.amount)
            )
        })
        .collect();
    let difference = Amount::from_raw(expected.raw() - totals.gross.raw());
    let message = format!(
        "The total is {} {currency}, not {expected}: {difference} more than that was sent.",
        money(totals.gross)
    );
    let message = if difference.raw() < 0 {
        message.replace(
            &format!("{difference} more than that"),
            &format!("{} less than that", Amount::from_raw(-difference.raw())),
        )
    } else {
        message
    };
    Err(Error::invalid("total", message)
        .hint("Lines are rounded each, tax on the sum of each rate. See `lines`, `taxes`, `discount` and `charge` below, or leave total out.")
        .detail("gross_total", money(totals.gross))
        .detail("difference", money(difference))
        .detail("lines", lines)
        .detail("taxes", taxes)
        .detail("discount", money(totals.discount))
        .detail("charge", money(totals.charge)))
}
