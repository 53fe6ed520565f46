//! What a credit note takes back of its invoice: by line and by rate, so that notes over all of an invoice come to exactly
//! what the invoice came to.

use bureau_billing::{Discount, DocLine, Rounding, Subtotal, Tax, Totals, nets, rounded};
use bureau_kernel::prelude::*;
use bureau_kernel::types::money::{Amount, Currency};

use crate::invoice::Invoice;

/// What of each line of an invoice no issued credit note has taken back.
pub(crate) fn quantities_left(invoice: &Invoice, notes: &[Saved<Invoice>]) -> Vec<Amount> {
    let taken = |line: usize| -> i64 {
        let lines = notes.iter().flat_map(|note| note.lines.iter());
        let its = lines.filter(|other| credited_line(other) == Some(line));
        its.map(|other| other.quantity.raw()).sum()
    };
    let lines = invoice.lines.iter().enumerate();
    lines
        .map(|(index, line)| Amount::from_raw(line.quantity.raw() - taken(index)))
        .collect()
}

/// The place of the line that a line takes back, from 0.
fn credited_line(line: &DocLine) -> Option<usize> {
    usize::try_from(line.credits?).ok()?.checked_sub(1)
}

/// Whether this much can be taken back where that much is left.
pub(crate) fn fits(quantity: Amount, left: Amount) -> bool {
    quantity.raw() != 0
        && quantity.raw().signum() == left.raw().signum()
        && quantity.raw().abs() <= left.raw().abs()
}

/// Computes a draft credit note by what its invoice and the notes that were issued before it leave.
///
/// Discounts and charges that are amounts go along in proportion. Parts are rounded each, so their sum can differ from the
/// whole in the last digits: the note that takes the last of a rate takes exactly what is left of its net and its tax.
///
/// # Errors
/// [`Code::Conflict`] where a line takes back more than there is.
pub(crate) fn fit(
    note: &mut Invoice,
    invoice: &Invoice,
    notes: &[Saved<Invoice>],
) -> Result<Totals> {
    let mut left = quantities_left(invoice, notes);
    for line in &mut note.lines.0.0 {
        line.rounding = None;
        let index = credited_line(line).unwrap_or(usize::MAX);
        let (Some(whole), Some(left)) = (invoice.lines.get(index), left.get_mut(index)) else {
            return Err(Error::internal("a credit note's line names no line"));
        };
        if !fits(line.quantity, *left) {
            let message = format!(
                "It takes back {} of line {}, and {left} is left.",
                line.quantity,
                index + 1
            );
            return Err(Error::conflict(message).field("lines").hint(
                "Discard the draft with update_invoice, and make another with create_credit_note.",
            ));
        }
        let is_last = line.quantity == *left;
        line.discount = line_discount(line, whole, index, is_last, notes, invoice.currency);
        *left = Amount::from_raw(left.raw() - line.quantity.raw());
    }
    spread(
        note,
        invoice,
        notes,
        left.iter().all(|left| left.raw() == 0),
    )?;
    let whole = invoice.totals()?;
    let taken: Vec<Totals> = notes
        .iter()
        .map(|note| note.totals())
        .collect::<Result<_>>()?;
    let rates = whole.taxes.iter().filter(|rate| {
        let mut lines = invoice.lines.iter().zip(&left);
        lines.all(|(line, left)| left.raw() == 0 || !line.tax.is_alike(&rate.tax))
    });
    let rates: Vec<(i64, i64, &Tax)> = rates.map(|rate| remaining(rate, &taken)).collect();
    round_off(note, &rates)
}

/// Net and tax of a rate that no note has taken back, in raw units.
fn remaining<'a>(rate: &'a Subtotal, taken: &[Totals]) -> (i64, i64, &'a Tax) {
    let parts = taken
        .iter()
        .flat_map(|totals| &totals.taxes)
        .filter(|part| part.tax.is_alike(&rate.tax));
    let (net, tax) = parts.fold((0, 0), |(net, tax), part| {
        (net + part.taxable.raw(), tax + part.amount.raw())
    });
    (rate.taxable.raw() - net, rate.amount.raw() - tax, &rate.tax)
}

/// Makes these rates of a note come to exactly this net and this tax.
fn round_off(note: &mut Invoice, rates: &[(i64, i64, &Tax)]) -> Result<Totals> {
    /// A net that changes can change its share of the discount; a few rounds end that.
    const ROUNDS: usize = 8;
    for _ in 0..ROUNDS {
        let totals = note.totals()?;
        let mut is_exact = true;
        for (net, tax, rate) in rates {
            let now = totals.taxes.iter().find(|now| now.tax.is_alike(rate));
            let mut lines = note.lines.0.0.iter_mut().rev();
            let line = lines.find(|line| line.tax.is_alike(rate));
            let (Some(now), Some(line)) = (now, line) else {
                continue;
            };
            let (net, tax) = (net - now.taxable.raw(), tax - now.amount.raw());
            if (net, tax) == (0, 0) {
                continue;
            }
            is_exact = false;
            let rounding = line.rounding.get_or_insert_default();
            // The net goes first, because the tax follows from it.
            if net != 0 {
                rounding.net = Amount::from_raw(rounding.net.raw() + net);
            } else {
                rounding.tax = Amount::from_raw(rounding.tax.raw() + tax);
            }
        }
        if is_exact {
            break;
        }
    }
    for line in &mut note.lines.0.0 {
        line.rounding = line
            .rounding
            .filter(|rounding| *rounding != Rounding::default());
    }
    note.totals()
}

/// The discount on a part of a line: a share in percent stays, an amount goes along in proportion.
fn line_discount(
    part: &DocLine,
    whole: &DocLine,
    index: usize,
    is_last: bool,
    notes: &[Saved<Invoice>],
    currency: Currency,
) -> Option<Discount> {
    let Some(Discount::Amount(discount)) = whole.discount else {
        return whole.discount;
    };
    let lines = notes.iter().flat_map(|note| note.lines.iter());
    let taken = lines.filter(|line| credited_line(line) == Some(index));
    let left = discount.raw() - taken.map(|line| amount_of(line.discount)).sum::<i64>();
    let share = if is_last {
        left
    } else {
        let of = (part.quantity.raw(), whole.quantity.raw());
        in_proportion(discount, of, currency)
    };
    let price = part
        .quantity
        .decimal()
        .checked_mul(part.unit_price.decimal());
    let most = price.and_then(|price| Amount::from_decimal(rounded(price, currency).abs()).ok());
    let most = most.map_or(left, |most| most.raw().min(left));
    Some(Discount::Amount(Amount::from_raw(
        share.clamp(0, most.max(0)),
    )))
}

fn amount_of(discount: Option<Discount>) -> i64 {
    match discount {
        Some(Discount::Amount(amount)) => amount.raw(),
        _ => 0,
    }
}

/// Gives a note its part of the invoice's discount and charge: what is left of them where it takes all that is left.
fn spread(
    note: &mut Invoice,
    invoice: &Invoice,
    notes: &[Saved<Invoice>],
    is_last: bool,
) -> Result<()> {
    let currency = invoice.currency;
    let these = nets(&mut note.lines.0.0, currency)?.raw();
    let all = nets(&mut invoice.lines.clone().0, currency)?.raw();
    let part = |whole: Amount, taken: i64| {
        let left = whole.raw() - taken;
        let share = if is_last {
            left
        } else {
            in_proportion(whole, (these, all), currency)
        };
        share.clamp(0, left.max(0))
    };
    note.discount = match invoice.discount {
        Some(Discount::Amount(whole)) => {
            let taken = notes.iter().map(|note| amount_of(note.discount)).sum();
            let share = part(whole, taken).min(these.max(0));
            (share > 0).then_some(Discount::Amount(Amount::from_raw(share)))
        }
        other => other,
    };
    note.charge = invoice.charge.and_then(|whole| {
        let charges = notes.iter().filter_map(|note| note.charge);
        let share = part(whole, charges.map(Amount::raw).sum());
        (share > 0).then_some(Amount::from_raw(share))
    });
    Ok(())
}

/// A part of an amount, rounded half up to the currency's digits, in raw units; nothing of nothing.
fn in_proportion(amount: Amount, (part, whole): (i64, i64), currency: Currency) -> i64 {
    let unit = 10_i128.pow(4_u32.saturating_sub(currency.digits()));
    let (part, whole) = if whole < 0 {
        (-i128::from(part), -i128::from(whole))
    } else {
        (part.into(), whole.into())
    };
    let (product, divisor) = (i128::from(amount.raw()) * part, whole * unit);
    if product <= 0 || divisor == 0 {
        return 0;
    }
    let units = (2 * product + divisor) / (2 * divisor);
    i64::try_from(units * unit).unwrap_or(i64::MAX)
}
