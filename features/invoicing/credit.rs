//! What a credit note takes back of its invoice: by line and by rate, so that notes over all of an invoice come to exactly
//! what the invoice came to, in whatever order.
//!
//! For any quantities there is one answer to what is taken back with them ([`Taken`]): of a line's net by quantity, of a rate's
//! discount and charge by the nets of its lines, and the tax on that. Each part is rounded, never falls while quantities
//! grow, and is the invoice's own where they are whole. A note takes what that comes to after it less what it came to before, so
//! nothing is searched for and nothing is left over.

use std::ops::Deref;

use bureau_billing::{Discount, DocLine, Share, Subtotal, Totals, rounded};
use bureau_kernel::prelude::*;
use bureau_kernel::types::money::{Amount, Currency};
use rust_decimal::Decimal;

use crate::invoice::Invoice;

/// What of each line of an invoice no issued credit note has taken back.
pub(crate) fn quantities_left(
    invoice: &Invoice,
    notes: &[impl Deref<Target = Invoice>],
) -> Vec<Amount> {
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
/// # Errors
/// [`Code::Conflict`] where a line takes back more than there is.
pub(crate) fn fit(
    note: &mut Invoice,
    invoice: &Invoice,
    notes: &[impl Deref<Target = Invoice>],
) -> Result<Totals> {
    let whole = invoice.totals()?;
    let mut left = quantities_left(invoice, notes);
    let before = Taken::of(invoice, &whole, &left)?;
    for line in note.lines.iter() {
        let index = credited_line(line).unwrap_or(usize::MAX);
        let Some(left) = left.get_mut(index) else {
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
        *left = Amount::from_raw(left.raw() - line.quantity.raw());
    }
    let after = Taken::of(invoice, &whole, &left)?;
    for line in &mut note.lines.0.0 {
        let index = credited_line(line).unwrap_or(usize::MAX);
        let net = |taken: &Taken| taken.nets.get(index).map_or(0, |net| net.raw());
        let discount = invoice.lines.get(index).and_then(|line| line.discount);
        come_to(line, discount, net(&after) - net(&before), invoice.currency)?;
    }
    let shares = after.shares.into_iter().zip(before.shares);
    let shares = shares.map(|(after, before)| Share {
        discount: difference(after.discount, before.discount),
        charge: difference(after.charge, before.charge),
        tax: difference(after.tax, before.tax),
        ..after
    });
    let has_lines = |share: &Share| {
        let mut lines = note.lines.iter();
        lines.any(|line| (line.tax.category, line.tax.rate) == (share.category, share.rate))
    };
    let shares: Vec<Share> = shares.filter(has_lines).collect();
    let all = |of: fn(&Share) -> Amount| {
        let sum: i64 = shares.iter().map(|share| of(share).raw()).sum();
        (sum != 0).then_some(Amount::from_raw(sum))
    };
    let discount = all(|share| share.discount);
    note.discount = match invoice.discount {
        Some(Discount::Percent(percent)) => discount.map(|_| Discount::Percent(percent)),
        _ => discount.map(Discount::Amount),
    };
    note.charge = all(|share| share.charge);
    note.shares = Managed(Json(Some(shares)));
    note.totals()
}

fn difference(after: Amount, before: Amount) -> Amount {
    Amount::from_raw(after.raw() - before.raw())
}

/// What credit notes say that they took back of a rate, against what their quantities come to: the first that is not the same.
pub(crate) fn disagreement(
    invoice: &Invoice,
    notes: &[impl Deref<Target = Invoice>],
) -> Result<Option<String>> {
    let whole = invoice.totals()?;
    let left = quantities_left(invoice, notes);
    let due = Taken::of(invoice, &whole, &left)?;
    let taken: Vec<Totals> = notes
        .iter()
        .map(|note| note.totals())
        .collect::<Result<_>>()?;
    for (rate, due) in whole.taxes.iter().zip(&due.shares) {
        let parts = taken.iter().flat_map(|totals| &totals.taxes);
        let parts = parts.filter(|part| part.tax.is_alike(&rate.tax));
        let sums = parts.fold((0, 0, 0), |(discount, charge, tax), part| {
            (
                discount + part.discount.raw(),
                charge + part.charge.raw(),
                tax + part.amount.raw(),
            )
        });
        if sums != (due.discount.raw(), due.charge.raw(), due.tax.raw()) {
            return Ok(Some(format!("{}%", rate.tax.rate)));
        }
    }
    let mut nets = due.nets.iter().enumerate();
    let wrong = nets.find(|(index, due)| {
        let lines = notes.iter().flat_map(|note| note.lines.iter());
        let its = lines.filter(|line| credited_line(line) == Some(*index));
        its.map(|line| line.net.raw()).sum::<i64>() != due.raw()
    });
    Ok(wrong.map(|(index, _)| format!("line {}", index + 1)))
}

/// What is taken back of an invoice with some of its quantities.
struct Taken {
    /// Of the net of each line.
    nets: Vec<Amount>,
    /// Of each rate, in the order of the invoice's.
    shares: Vec<Share>,
}

impl Taken {
    /// With all quantities but these.
    fn of(invoice: &Invoice, whole: &Totals, left: &[Amount]) -> Result<Self> {
        let lines = invoice.lines.iter().zip(left);
        let nets: Vec<Amount> = lines
            .map(|(line, left)| {
                let taken = line.quantity.raw() - left.raw();
                part(line.net, (taken, line.quantity.raw()), invoice.currency)
            })
            .collect();
        let shares = whole.taxes.iter().map(|rate| {
            let lines = || {
                let lines = invoice.lines.iter().zip(left).zip(&nets);
                lines.filter(|((line, _), _)| line.tax.is_alike(&rate.tax))
            };
            let is_whole = lines().all(|((_, left), _)| left.raw() == 0);
            let net: i64 = lines().map(|(_, net)| net.raw()).sum();
            Self::share(rate, net, is_whole, invoice.currency)
        });
        let shares = shares.collect::<Result<_>>()?;
        Ok(Self { nets, shares })
    }

    /// What is taken back of a rate with this much of its lines.
    fn share(rate: &Subtotal, net: i64, is_whole: bool, currency: Currency) -> Result<Share> {
        let all = rate.lines.raw();
        let of = match (is_whole, all > 0) {
            (true, _) => (1, 1),
            // Lines that come to nothing take along what was added to them with the last of them.
            (false, false) => (0, 1),
            (false, true) => (net.clamp(0, all), all),
        };
        let discount = part(rate.discount, of, currency);
        let charge = part(rate.charge, of, currency);
        let taxable = Amount::from_raw(net - discount.raw() + charge.raw());
        let tax = taxable.decimal() * rate.tax.rate.decimal() / Decimal::ONE_HUNDRED;
        let tax = if is_whole {
            rate.amount
        } else {
            Amount::from_decimal(rounded(tax, currency)).map_err(Error::internal)?
        };
        Ok(Share {
            category: rate.tax.category,
            rate: rate.tax.rate,
            discount,
            charge,
            tax,
        })
    }
}

/// A part of an amount, rounded half away from zero to the currency's digits.
fn part(amount: Amount, (part, whole): (i64, i64), currency: Currency) -> Amount {
    let unit = 10_i128.pow(4_u32.saturating_sub(currency.digits()));
    let product = i128::from(amount.raw()) * i128::from(part);
    let divisor = i128::from(whole) * unit;
    if divisor == 0 {
        return Amount::from_raw(0);
    }
    let sign = product.signum() * divisor.signum();
    let units = (2 * product.abs() + divisor.abs()) / (2 * divisor.abs());
    Amount::from_raw(i64::try_from(sign * units * unit).unwrap_or(i64::MAX))
}

/// Makes a line come to this net. Of a discount that is an amount the line has what its net leaves; what a price or a
/// percentage would come to beside that is rounding.
fn come_to(
    line: &mut DocLine,
    discount: Option<Discount>,
    net: i64,
    currency: Currency,
) -> Result<()> {
    let price = line.quantity.decimal() * line.unit_price.decimal();
    let price = Amount::from_decimal(rounded(price, currency)).map_err(Error::internal)?;
    line.rounding = None;
    line.discount = match discount {
        Some(Discount::Amount(_)) => {
            let off = (price.raw() - net) * line.quantity.raw().signum();
            let off = off.clamp(0, price.raw().abs());
            Some(Discount::Amount(Amount::from_raw(off)))
        }
        other => other,
    };
    let by_itself = bureau_billing::line_net(line, currency)?;
    let rounding = Amount::from_raw(net - by_itself.raw());
    line.rounding = (rounding.raw() != 0).then_some(rounding);
    Ok(())
}

#[cfg(test)]
mod tests {
    use bureau_billing::{Category, DocLine, Tax, Totals};
    use bureau_kernel::prelude::*;
    use bureau_kernel::types::money::Amount;
    use proptest::prelude::*;
    use proptest::test_runner::{Config, TestCaseError};

    use super::{disagreement, fit, quantities_left};
    use crate::invoice::{Invoice, InvoiceKind};

    /// Invoices that are credited; `BUREAU_CREDIT_CASES` for longer campaigns.
    const CASES: u32 = 3_000;

    fn line([quantity, price, discount, rate]: [&str; 4]) -> DocLine {
        DocLine {
            product: None,
            sku: None,
            description: LongText::new("Sold").unwrap(),
            quantity: quantity.parse().unwrap(),
            unit: None,
            unit_price: price.parse().unwrap(),
            discount: (!discount.is_empty()).then(|| discount.parse().unwrap()),
            tax: Tax {
                category: if rate == "0" {
                    Category::Z
                } else {
                    Category::S
                },
                rate: rate.parse().unwrap(),
                name: None,
                reason: None,
                reason_code: None,
            },
            net: Amount::from_raw(0),
            credits: None,
            rounding: None,
            origin: None,
        }
    }

    fn invoice(
        currency: &str,
        lines: &[[&str; 4]],
        discount: &str,
        charge: &str,
    ) -> Option<Invoice> {
        let mut invoice = Invoice::empty();
        invoice.currency = currency.parse().unwrap();
        invoice.lines = Managed(Json(lines.iter().map(|given| line(*given)).collect()));
        invoice.discount = (!discount.is_empty()).then(|| discount.parse().unwrap());
        invoice.charge = (!charge.is_empty()).then(|| charge.parse().unwrap());
        computed(&mut invoice).ok()?;
        Some(invoice)
    }

    fn computed(invoice: &mut Invoice) -> Result<Totals> {
        let totals = invoice.compute()?;
        invoice.net_total = Managed(totals.net);
        invoice.tax_total = Managed(totals.tax);
        invoice.gross_total = Managed(totals.gross);
        Ok(totals)
    }

    /// A note over these quantities of the lines, by their places.
    fn credited(
        invoice: &Invoice,
        notes: &[Box<Invoice>],
        of: &[(usize, i64)],
    ) -> Result<Box<Invoice>> {
        let mut note = Invoice::empty();
        note.kind = Managed(InvoiceKind::CreditNote);
        note.currency = invoice.currency;
        let lines = of.iter().map(|(index, quantity)| DocLine {
            credits: u32::try_from(index + 1).ok(),
            quantity: Amount::from_raw(*quantity),
            ..invoice.lines[*index].clone()
        });
        note.lines = Managed(Json(lines.collect()));
        fit(&mut note, invoice, notes)?;
        computed(&mut note)?;
        Ok(Box::new(note))
    }

    /// What was taken back of each rate, against what there was: reckoned from what the documents say, in whole numbers.
    fn assert_closed(invoice: &Invoice, notes: &[Box<Invoice>]) -> Result<(), TestCaseError> {
        let whole = invoice.totals().unwrap();
        let taken: Vec<Totals> = notes.iter().map(|note| note.totals().unwrap()).collect();
        for rate in &whole.taxes {
            let parts = taken.iter().flat_map(|totals| &totals.taxes);
            let parts: Vec<_> = parts.filter(|part| part.tax.is_alike(&rate.tax)).collect();
            let net: i64 = parts.iter().map(|part| part.taxable.raw()).sum();
            let tax: i64 = parts.iter().map(|part| part.amount.raw()).sum();
            prop_assert_eq!(net, rate.taxable.raw(), "net of {}%", rate.tax.rate);
            prop_assert_eq!(tax, rate.amount.raw(), "tax of {}%", rate.tax.rate);
        }
        let gross: i64 = notes.iter().map(|note| note.gross_total.raw()).sum();
        prop_assert_eq!(gross, invoice.gross_total.raw());
        prop_assert_eq!(disagreement(invoice, notes).unwrap(), None);
        Ok(())
    }

    /// What holds of each note by itself: it is what its lines and shares come to, and of lines above zero it takes nothing back
    /// that is below zero.
    fn assert_sound(invoice: &Invoice, note: &Invoice) -> Result<(), TestCaseError> {
        let totals = note.totals().unwrap();
        let unit = 10_i64.pow(4 - note.currency.digits());
        let has_returns = invoice.lines.iter().any(|line| line.quantity.raw() < 0);
        for rate in &totals.taxes {
            let taxable = rate.lines.raw() - rate.discount.raw() + rate.charge.raw();
            prop_assert_eq!(taxable, rate.taxable.raw());
            let exact = i128::from(taxable) * i128::from(rate.tax.rate.raw());
            let off = (i128::from(rate.amount.raw()) * 1_000_000 - exact).abs();
            prop_assert!(off <= i128::from(unit) * 1_000_000, "tax {rate:?}");
            if !has_returns {
                let amounts = [
                    rate.lines,
                    rate.discount,
                    rate.charge,
                    rate.taxable,
                    rate.amount,
                ];
                prop_assert!(amounts.iter().all(|amount| amount.raw() >= 0), "{rate:?}");
            }
        }
        for line in note.lines.iter() {
            let rounding = line.rounding.map_or(0, Amount::raw).abs();
            prop_assert!(rounding <= 3 * unit, "{line:?}");
            prop_assert!(has_returns || line.net.raw() >= 0, "{line:?}");
        }
        Ok(())
    }

    /// All the cases in which invoices were left open by a cent, or could not be credited, before shares were kept.
    #[test]
    fn what_could_not_be_closed_is_closed() {
        type Notes = &'static [&'static [(usize, &'static str)]];
        let cases: [(&[[&str; 4]], &str, &str, Notes); 4] = [
            (
                &[
                    ["2", "13.96", "", "7"],
                    ["2", "13.56", "", "19"],
                    ["3", "30.43", "", "7"],
                ],
                "",
                "9.90",
                &[
                    &[(0, "2"), (1, "1"), (2, "1")],
                    &[(2, "1")],
                    &[(1, "1"), (2, "1")],
                ],
            ),
            (
                &[
                    ["3", "11.96", "", "19"],
                    ["4", "13.99", "", "19"],
                    ["6", "6.86", "5%", "7"],
                ],
                "",
                "4.90",
                &[&[(0, "2"), (1, "2"), (2, "6")], &[(1, "2")], &[(0, "1")]],
            ),
            (
                &[["1", "3.41", "", "7"], ["2", "6.97", "", "19"]],
                "1.99",
                "9.90",
                &[&[(1, "1")], &[(0, "1"), (1, "1")]],
            ),
            (
                &[["1", "10", "100%", "7"], ["1", "10", "100%", "19"]],
                "",
                "9.90",
                &[&[(0, "1")], &[(1, "1")]],
            ),
        ];
        for (lines, discount, charge, orders) in cases {
            let invoice = invoice("EUR", lines, discount, charge).unwrap();
            let mut notes = Vec::new();
            for of in orders {
                let of: Vec<(usize, i64)> = of
                    .iter()
                    .map(|(index, quantity)| (*index, quantity.parse::<Amount>().unwrap().raw()))
                    .collect();
                let note = credited(&invoice, &notes, &of).unwrap();
                assert_sound(&invoice, &note).unwrap();
                notes.push(note);
            }
            assert_closed(&invoice, &notes).unwrap();
        }
        // The share of each rate stays with its lines.
        let invoice = invoice(
            "EUR",
            &[["1", "3.41", "", "7"], ["2", "6.97", "", "19"]],
            "1.99",
            "9.90",
        );
        let invoice = invoice.unwrap();
        let note = credited(&invoice, &[], &[(1, 20_000)]).unwrap();
        let whole = invoice.totals().unwrap();
        assert_eq!(*note.net_total, whole.taxes[1].taxable);
    }

    fn one_of<T: Clone + std::fmt::Debug + 'static>(of: &'static [T]) -> impl Strategy<Value = T> {
        proptest::sample::select(of)
    }

    #[test]
    fn whatever_is_credited_in_whatever_pieces_the_notes_come_to_the_invoice_rate_by_rate() {
        let line = (
            one_of(&[
                "1", "2", "3", "7", "0.5", "0.3333", "2.5", "12.3456", "1000",
            ]),
            one_of(&[
                "100",
                "0",
                "0.005",
                "0.0125",
                "0.335",
                "9.99",
                "13.96",
                "30.43",
                "1234.5678",
            ]),
            one_of(&["", "", "10%", "33.3333%", "100%", "0.01"]),
            one_of(&["19", "7", "0", "8.1", "5.5"]),
        );
        let line =
            line.prop_map(|(quantity, price, discount, rate)| [quantity, price, discount, rate]);
        let drafts = (
            one_of(&["EUR", "EUR", "JPY", "KWD"]),
            proptest::collection::vec(line, 1..5),
            one_of(&["", "10%", "3.33%", "100%", "2"]),
            one_of(&["", "7", "13"]),
        );
        // Which line, and how many hundredths of what is left of it, note for note.
        let piece = (0..5_usize, prop_oneof![Just(100_i64), 1..100_i64]);
        let notes = proptest::collection::vec(proptest::collection::vec(piece, 1..4), 0..6);
        let cases = std::env::var("BUREAU_CREDIT_CASES").ok();
        let cases = cases.map_or(CASES, |cases| cases.parse().unwrap());
        let config = Config {
            cases,
            failure_persistence: None,
            ..Config::default()
        };
        proptest!(config, |(draft in drafts, pieces in notes)| {
            let (currency, lines, discount, charge) = draft;
            let Some(invoice) = invoice(currency, &lines, discount, charge) else {
                // A discount that is more than its lines is refused where the draft is made.
                return Ok(());
            };
            let mut notes: Vec<Box<Invoice>> = Vec::new();
            let rest = vec![(0..lines.len()).map(|index| (index, 100)).collect()];
            for note in pieces.into_iter().chain(rest) {
                let left = quantities_left(&invoice, &notes);
                let mut of: Vec<(usize, i64)> = Vec::new();
                for (index, hundredths) in note {
                    let index = index % lines.len();
                    let quantity = (left[index].raw() * hundredths + 99) / 100;
                    if quantity != 0 && of.iter().all(|(known, _)| *known != index) {
                        of.push((index, quantity));
                    }
                }
                if of.is_empty() {
                    continue;
                }
                let made = credited(&invoice, &notes, &of);
                prop_assert!(made.is_ok(), "refused: {:?}", made.err());
                let made = made.unwrap();
                assert_sound(&invoice, &made)?;
                notes.push(made);
                let taken: i64 = notes.iter().map(|note| note.gross_total.raw()).sum();
                prop_assert!(taken <= invoice.gross_total.raw(), "more than there is");
                prop_assert_eq!(disagreement(&invoice, &notes).unwrap(), None);
            }
            assert_closed(&invoice, &notes)?;
            // A note that takes the whole at once says what the invoice says.
            let all: Vec<(usize, i64)> = invoice.lines.iter().map(|line| line.quantity.raw()).enumerate().collect();
            let whole = credited(&invoice, &[], &all).unwrap();
            prop_assert_eq!(whole.totals().unwrap(), invoice.totals().unwrap());
            prop_assert_eq!(whole.discount, invoice.discount.filter(|_| invoice.totals().unwrap().discount.raw() != 0));
        });
    }
}
