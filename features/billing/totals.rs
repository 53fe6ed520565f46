//! What a document comes to, as EN 16931-1 computes it: each line's net is rounded, tax is computed for each category and
//! rate on the sum of its nets, and what is taken off or added to the whole document is spread over these.

use bureau_kernel::error::{Error, Result};
use bureau_kernel::types::money::{Amount, Currency, shown};
use rust_decimal::{Decimal, RoundingStrategy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::discount::Discount;
use crate::line::DocLine;
use crate::tax::{Category, Tax};

/// A document's totals. All amounts have the currency's digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// The sum of the lines' nets.
    pub lines: Amount,
    /// What is taken off the whole document.
    pub discount: Amount,
    /// What is added to it.
    pub charge: Amount,
    /// Without tax.
    pub net: Amount,
    /// The tax.
    pub tax: Amount,
    /// With tax.
    pub gross: Amount,
    /// The tax by category and rate, in the order of the lines.
    pub taxes: Vec<Subtotal>,
}

/// What is taxed alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subtotal {
    /// How.
    pub tax: Tax,
    /// The sum of its lines' nets.
    pub lines: Amount,
    /// Its share of the document's discount.
    pub discount: Amount,
    /// Its share of the document's charge.
    pub charge: Amount,
    /// What is taxed.
    pub taxable: Amount,
    /// The tax.
    pub amount: Amount,
}

/// What a document has of another one's discount, charge and tax at one category and rate: of a credit note, which takes a part
/// of its invoice back. They are kept, because parts that were computed anew would not come to the whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Share {
    /// The category.
    pub category: Category,
    /// Percent.
    pub rate: Amount,
    /// Of the discount.
    pub discount: Amount,
    /// Of the charge.
    pub charge: Amount,
    /// Of the tax.
    pub tax: Amount,
}

/// A subtotal as it is answered.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TaxSummary {
    /// UNCL 5305, such as S.
    category: Category,
    /// Percent.
    rate: Amount,
    taxable: String,
    tax: String,
    /// Why none is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Subtotal {
    /// As it is answered.
    #[must_use]
    pub fn shown(&self, currency: Currency) -> TaxSummary {
        TaxSummary {
            category: self.tax.category,
            rate: self.tax.rate,
            taxable: shown(self.taxable.decimal(), currency),
            tax: shown(self.amount.decimal(), currency),
            reason: self.tax.reason.as_deref().map(str::to_owned),
        }
    }
}

/// Rounded half away from zero to the currency's digits.
#[must_use]
pub fn rounded(amount: Decimal, currency: Currency) -> Decimal {
    amount.round_dp_with_strategy(currency.digits(), RoundingStrategy::MidpointAwayFromZero)
}

fn beyond(field: impl Into<String>) -> Error {
    Error::invalid(field, "This comes to more than 900,000,000,000.")
}

/// Computes the lines' nets and the totals.
///
/// # Errors
/// [`Code::Validation`](bureau_kernel::error::Code::Validation) naming the line or field: a discount above what it is taken off, an amount beyond
/// ±900 billion, a document below zero.
pub fn compute(
    lines: &mut [DocLine],
    discount: Option<Discount>,
    charge: Option<Amount>,
    currency: Currency,
) -> Result<Totals> {
    let sum = nets(lines, currency)?.decimal();
    let mut taxes = by_rate(lines)?;
    let discount = match discount {
        None => Decimal::ZERO,
        Some(discount) => document_discount(discount, sum, currency)?,
    };
    let charge = match charge {
        None => Decimal::ZERO,
        Some(charge) => checked_digits("charge", charge, currency)?.decimal(),
    };
    if charge < Decimal::ZERO {
        return Err(Error::invalid("charge", "charge cannot be below zero.")
            .hint("Use discount for what is taken off."));
    }
    spread(&mut taxes, discount, currency, |tax, share| {
        tax.discount = share;
    })?;
    spread(&mut taxes, charge, currency, |tax, share| {
        tax.charge = share;
    })?;
    for of_rate in &mut taxes {
        let due = of_rate.due()? * of_rate.tax.rate.decimal() / Decimal::ONE_HUNDRED;
        of_rate.amount =
            Amount::from_decimal(rounded(due, currency)).map_err(|_| beyond("lines"))?;
    }
    summed_up(sum, taxes)
}

/// Computes the lines' nets and the totals of a document that has these shares of another one's discount, charge and tax.
///
/// # Errors
/// As [`compute`].
pub fn compute_shares(
    lines: &mut [DocLine],
    shares: &[Share],
    currency: Currency,
) -> Result<Totals> {
    let sum = nets(lines, currency)?.decimal();
    let mut taxes = by_rate(lines)?;
    for of_rate in &mut taxes {
        let is_its = |share: &&Share| {
            (share.category, share.rate) == (of_rate.tax.category, of_rate.tax.rate)
        };
        if let Some(share) = shares.iter().find(is_its) {
            of_rate.discount = share.discount;
            of_rate.charge = share.charge;
            of_rate.amount = share.tax;
        }
        of_rate.due()?;
    }
    summed_up(sum, taxes)
}

/// The lines by how they are taxed, in their order.
fn by_rate(lines: &[DocLine]) -> Result<Vec<Subtotal>> {
    let mut taxes: Vec<Subtotal> = Vec::new();
    for line in lines {
        match taxes.iter_mut().find(|known| known.tax.is_alike(&line.tax)) {
            Some(known) => {
                let net = known.lines.decimal() + line.net.decimal();
                known.lines = Amount::from_decimal(net).map_err(|_| beyond("lines"))?;
                join_reason(&mut known.tax, &line.tax);
            }
            None => taxes.push(Subtotal {
                tax: line.tax.clone(),
                lines: line.net,
                discount: Amount::from_raw(0),
                charge: Amount::from_raw(0),
                taxable: line.net,
                amount: Amount::from_raw(0),
            }),
        }
    }
    Ok(taxes)
}

impl Subtotal {
    /// Notes what is taxed, and answers it.
    fn due(&mut self) -> Result<Decimal> {
        let taxable = self.lines.decimal() - self.discount.decimal() + self.charge.decimal();
        self.taxable = Amount::from_decimal(taxable).map_err(|_| beyond("lines"))?;
        Ok(taxable)
    }
}

fn summed_up(lines: Decimal, taxes: Vec<Subtotal>) -> Result<Totals> {
    let sum = |of: fn(&Subtotal) -> Amount| taxes.iter().map(|tax| of(tax).decimal()).sum();
    let (discount, charge): (Decimal, Decimal) = (sum(|tax| tax.discount), sum(|tax| tax.charge));
    let (net, tax): (Decimal, Decimal) = (sum(|tax| tax.taxable), sum(|tax| tax.amount));
    if net + tax < Decimal::ZERO {
        return Err(
            Error::invalid("lines", "The document comes to less than nothing.")
                .hint("What a customer gets back is a credit note."),
        );
    }
    let bounded = |decimal: Decimal| Amount::from_decimal(decimal).map_err(|_| beyond("lines"));
    Ok(Totals {
        lines: bounded(lines)?,
        discount: bounded(discount)?,
        charge: bounded(charge)?,
        net: bounded(net)?,
        tax: bounded(tax)?,
        gross: bounded(net + tax)?,
        taxes,
    })
}

/// Computes the lines' nets, and their sum.
///
/// # Errors
/// As [`compute`].
pub fn nets(lines: &mut [DocLine], currency: Currency) -> Result<Amount> {
    let mut sum = Decimal::ZERO;
    for (index, line) in lines.iter_mut().enumerate() {
        line.net = net_of(line, index, currency)?;
        sum += line.net.decimal();
    }
    Amount::from_decimal(sum).map_err(|_| beyond("lines"))
}

/// A line's net amount (BT-131).
///
/// # Errors
/// As [`compute`].
pub fn line_net(line: &DocLine, currency: Currency) -> Result<Amount> {
    net_of(line, 0, currency)
}

fn net_of(line: &DocLine, index: usize, currency: Currency) -> Result<Amount> {
    let field = |name: &str| format!("lines[{index}].{name}");
    let whole = line
        .quantity
        .decimal()
        .checked_mul(line.unit_price.decimal())
        .ok_or_else(|| beyond(field("quantity")))?;
    let whole = rounded(whole, currency);
    let discount = line_discount(line, currency).ok_or_else(|| beyond(field("discount")))?;
    if let Some(Discount::Amount(amount)) = line.discount {
        checked_digits(&field("discount"), amount, currency)?;
    }
    if discount.abs() > whole.abs() {
        let message = "The discount is more than what it is taken off.";
        return Err(Error::invalid(field("discount"), message));
    }
    let rounding = line.rounding.unwrap_or(Amount::from_raw(0)).decimal();
    Amount::from_decimal(whole - discount + rounding).map_err(|_| beyond(field("quantity")))
}

/// What is taken off a line, rounded; below zero where the line is. `None` beyond all bounds.
pub(crate) fn line_discount(line: &DocLine, currency: Currency) -> Option<Decimal> {
    let Some(discount) = line.discount else {
        return Some(Decimal::ZERO);
    };
    let whole = line
        .quantity
        .decimal()
        .checked_mul(line.unit_price.decimal())?;
    let off = discount.on(whole)?;
    let off = match discount {
        Discount::Amount(_) if line.quantity.raw() < 0 => -off,
        _ => off,
    };
    Some(rounded(off, currency))
}

fn document_discount(discount: Discount, sum: Decimal, currency: Currency) -> Result<Decimal> {
    if let Discount::Amount(amount) = discount {
        checked_digits("discount", amount, currency)?;
    }
    let off = discount.on(sum).ok_or_else(|| beyond("discount"))?;
    let off = rounded(off, currency);
    if off > sum.max(Decimal::ZERO) {
        let message = "The discount is more than the lines come to.";
        return Err(Error::invalid("discount", message));
    }
    Ok(off.max(Decimal::ZERO))
}

/// An amount that has no more digits than its currency.
///
/// # Errors
/// [`Code::Validation`](bureau_kernel::error::Code::Validation) naming the field, where it has more.
pub fn checked_digits(field: &str, amount: Amount, currency: Currency) -> Result<Amount> {
    if amount.rounded(currency) == amount {
        return Ok(amount);
    }
    let (code, digits) = (currency.code(), currency.digits());
    let message = format!("{code} has {digits} digits after the decimal point.");
    Err(Error::invalid(field, message))
}

/// Distinct reasons of lines that are taxed alike stand beside each other.
fn join_reason(tax: &mut Tax, other: &Tax) {
    use bureau_kernel::types::text::ShortText;
    match (&tax.reason, &other.reason) {
        (Some(reason), Some(more)) if !reason.contains(&**more) => {
            if let Ok(both) = ShortText::new(&format!("{reason}; {more}")) {
                tax.reason = Some(both);
            }
        }
        (None, Some(_)) => tax.reason.clone_from(&other.reason),
        _ => {}
    }
    // One code stands for one reason: where there are two, the words have to do.
    if tax.reason_code != other.reason_code {
        tax.reason_code = None;
    }
}

/// Spreads an amount over what is taxed alike, in proportion to its lines, in whole units of the currency's last digit:
/// each share is rounded down, and what is left goes one unit at a time to those that lost most, the first of equals first
/// (largest remainder).
fn spread(
    taxes: &mut [Subtotal],
    whole: Decimal,
    currency: Currency,
    mut set: impl FnMut(&mut Subtotal, Amount),
) -> Result<()> {
    if whole.is_zero() {
        return Ok(());
    }
    let whole = Amount::from_decimal(whole).map_err(|_| beyond("discount"))?;
    let weight = |tax: &Subtotal| i128::from(tax.lines.raw().max(0));
    let all: i128 = taxes.iter().map(weight).sum();
    let unit = 10_i64.pow(4_u32.saturating_sub(currency.digits()));
    let units = i128::from(whole.raw() / unit);
    // In whole numbers, because a quotient that is cut off would decide between equals.
    let mut shares: Vec<(usize, i64, i128)> = Vec::with_capacity(taxes.len());
    for (index, tax) in taxes.iter().enumerate() {
        let product = units * weight(tax);
        let (down, rest) = match (all, index) {
            // Where all lines are free, the first of them carries it.
            (0, 0) => (units, 0),
            (0, _) => (0, 0),
            _ => (product / all, product % all),
        };
        let down = i64::try_from(down).map_err(|_| beyond("discount"))?;
        shares.push((index, down, rest));
    }
    let mut left = whole.raw() / unit - shares.iter().map(|(_, share, _)| share).sum::<i64>();
    shares.sort_by(|a, b| b.2.cmp(&a.2).then(a.0.cmp(&b.0)));
    for (index, share, _) in shares {
        let extra = left.clamp(0, 1);
        left -= extra;
        if let Some(tax) = taxes.get_mut(index) {
            set(tax, Amount::from_raw((share + extra) * unit));
        }
    }
    Ok(())
}
