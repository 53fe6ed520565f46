//! The taxes of a period, by category and rate: on what was sold, and on what was spent.

use std::collections::BTreeMap;

use bureau_billing::{Category, Pages, rounded, tax_rates};
use bureau_kernel::figures::Tally;
use bureau_kernel::permission::Operation;
use bureau_kernel::prelude::*;
use bureau_kernel::rates::{Rate, Rates};
use bureau_kernel::record::Order;
use bureau_kernel::store::Kind;
use bureau_kernel::types::money::{Amount, Currency, shown};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;

use crate::expense::{Expense, ExpenseStatus};
use crate::invoice::{Invoice, InvoiceKind, InvoiceStatus};
use crate::stats::worth;

/// The taxes of a period. Sales go by their day of issue, at the rate of that day; expenses by theirs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TaxReport {
    /// Its first day.
    pub since: NaiveDate,
    /// Its last day.
    pub until: NaiveDate,
    /// On what was issued, credit notes subtracted.
    pub output: Vec<OutputTax>,
    /// All of that tax, in the workspace's currency.
    pub output_tax: String,
    /// On what was spent, unless it was rejected; nothing for a caller who may not see expenses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Input>,
    /// The tax on sales less that on expenses, in the workspace's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_pay: Option<String>,
    /// What the figures named `base_…` are in: all that a rate is known for.
    pub base_currency: Currency,
    /// The rates behind them, the newest first.
    pub rates: Vec<Rate>,
    /// Currencies of which no rate is known for some day: what they held then is not in those figures.
    pub without_rate: Vec<Currency>,
}

/// What was sold and is taxed alike.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OutputTax {
    /// UNCL 5305, such as S.
    pub category: Category,
    /// Percent.
    pub rate: Amount,
    /// What it comes to.
    #[serde(flatten)]
    pub figures: OutputFigures,
}

bureau_kernel::figures! {
    /// Documents, and what of them is taxed alike.
    pub struct OutputFigures(count) of Taxed {
        /// What is taxed.
        taxable: base_taxable,
        /// The tax.
        tax: base_tax,
    }
}

/// The tax on what was spent.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Input {
    /// By rate.
    pub by_rate: Vec<InputTax>,
    /// All of it, in the workspace's currency.
    pub tax: String,
    /// How many expenses have no tax noted.
    pub without_tax: i64,
    /// How many of all these nobody has approved yet.
    pub pending: i64,
}

/// What was spent and is taxed alike.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InputTax {
    /// Percent: the one of the workspace's rates that the tax noted is; none where it is none of them, or more than one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Amount>,
    /// What it comes to.
    #[serde(flatten)]
    pub figures: InputFigures,
}

bureau_kernel::figures! {
    /// Expenses, and what of them is taxed alike.
    pub struct InputFigures(count) of Spent {
        /// Without tax.
        net: base_net,
        /// The tax.
        tax: base_tax,
    }
}

/// The taxes of a period, both of whose days are in it.
///
/// # Errors
/// What the database says.
pub async fn tax_report(cx: &mut Cx, since: NaiveDate, until: NaiveDate) -> Result<TaxReport> {
    let mut rates = cx.rates(Some(since), until).await?;
    let base = rates.base();
    let (output, sold) = output(cx, (since, until), &mut rates).await?;
    let [_, owed] = sold.base();
    let input = match cx.may::<Expense>(Operation::Read) {
        true => Some(input(cx, (since, until), &mut rates).await?),
        false => None,
    };
    let to_pay = input.as_ref().map(|(_, paid)| shown(owed - paid, base));
    Ok(TaxReport {
        since,
        until,
        output,
        output_tax: shown(owed, base),
        input: input.map(|(input, _)| input),
        to_pay,
        base_currency: base,
        rates: cx.rates_used(&rates),
        without_rate: rates.missing(),
    })
}

async fn output(
    cx: &mut Cx,
    (since, until): (NaiveDate, NaiveDate),
    rates: &mut Rates,
) -> Result<(Vec<OutputTax>, Tally<2>)> {
    let mut by_tax: BTreeMap<(Category, Amount), Tally<2>> = BTreeMap::new();
    let mut all = Tally::default();
    let mut pages = Pages::of(Order::new("issue_date", "sort_issued", Kind::Date));
    while let Some(page) = pages
        .next_among::<Invoice>(cx, |list| {
            list.from("sort_issued", Some(since))
                .to("sort_issued", Some(until))
        })
        .await?
    {
        // A draft may have a day too, and owes nothing.
        let issued = |invoice: &&Saved<Invoice>| *invoice.status != InvoiceStatus::Draft;
        for invoice in page.iter().filter(issued) {
            let day = invoice.issue_date.unwrap_or(until);
            let worth = worth(rates, invoice.currency, day, invoice.home.as_ref());
            let signed = |amount: Amount| match *invoice.kind {
                InvoiceKind::Invoice => amount.decimal(),
                InvoiceKind::CreditNote => -amount.decimal(),
            };
            for part in invoice.totals()?.taxes {
                let sums = [signed(part.taxable), signed(part.amount)];
                let tally = by_tax.entry((part.tax.category, part.tax.rate));
                tally.or_default().add(worth, 1, sums)?;
                all.add(worth, 1, sums)?;
            }
        }
    }
    let base = rates.base();
    let output = by_tax
        .into_iter()
        .map(|((category, rate), tally)| OutputTax {
            category,
            rate,
            figures: OutputFigures::of(&tally, base),
        });
    Ok((output.collect(), all))
}

async fn input(
    cx: &mut Cx,
    (since, until): (NaiveDate, NaiveDate),
    rates: &mut Rates,
) -> Result<(Input, Decimal)> {
    let known = tax_rates(cx).await?;
    let known = known.iter().filter(|rate| rate.category == Category::S);
    let mut known: Vec<Amount> = known.map(|rate| rate.percent).collect();
    known.sort_unstable();
    known.dedup();
    let mut by_rate: BTreeMap<Option<Amount>, Tally<2>> = BTreeMap::new();
    let mut all = Tally::default();
    let (mut without_tax, mut pending) = (0, 0);
    let mut pages = Pages::of(Order::new("spent_on", "spent_on", Kind::Date));
    while let Some(page) = pages
        .next_among::<Expense>(cx, |list| {
            list.from("spent_on", Some(since))
                .to("spent_on", Some(until))
        })
        .await?
    {
        let counts = |expense: &&Saved<Expense>| expense.status != ExpenseStatus::Rejected;
        for expense in page.iter().filter(counts) {
            pending += i64::from(expense.status == ExpenseStatus::Pending);
            let Some(tax) = expense.tax_amount else {
                without_tax += 1;
                continue;
            };
            let worth = rates.worth(expense.currency, expense.spent_on);
            let (gross, tax) = (expense.amount.decimal(), tax.decimal());
            let rate = rate_of(gross, tax, expense.currency, &known);
            let sums = [gross - tax, tax];
            by_rate.entry(rate).or_default().add(worth, 1, sums)?;
            all.add(worth, 1, sums)?;
        }
    }
    let base = rates.base();
    let [_, paid] = all.base();
    let by_rate = by_rate.into_iter().map(|(rate, tally)| InputTax {
        rate,
        figures: InputFigures::of(&tally, base),
    });
    let input = Input {
        by_rate: by_rate.collect(),
        tax: shown(paid, base),
        without_tax,
        pending,
    };
    Ok((input, paid))
}

/// The one of these rates by which an amount has this tax in it, to the smallest unit of its currency.
fn rate_of(gross: Decimal, tax: Decimal, currency: Currency, known: &[Amount]) -> Option<Amount> {
    if tax.is_zero() {
        return Some(Amount::from_raw(0));
    }
    let unit = Decimal::new(1, currency.digits());
    let mut nearest: Option<(Decimal, Amount)> = None;
    let mut is_clear = false;
    for rate in known {
        let percent = rate.decimal();
        let share = percent.checked_div(percent + Decimal::ONE_HUNDRED)?;
        let off = (rounded(gross.checked_mul(share)?, currency) - tax).abs();
        if off > unit {
            continue;
        }
        match nearest {
            Some((least, _)) if least < off => {}
            Some((least, _)) if least == off => is_clear = false,
            _ => {
                nearest = Some((off, *rate));
                is_clear = true;
            }
        }
    }
    nearest.filter(|_| is_clear).map(|(_, rate)| rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_of_an_expense_is_the_one_that_its_tax_is() {
        let known: Vec<Amount> = ["7", "19"].map(|rate| rate.parse().unwrap()).to_vec();
        let euro: Currency = "EUR".parse().unwrap();
        let of = |gross: &str, tax: &str| {
            let rate = rate_of(gross.parse().unwrap(), tax.parse().unwrap(), euro, &known);
            rate.map(|rate| rate.to_string())
        };
        for (gross, tax, rate) in [
            ("119.00", "19.00", Some("19")),
            ("23.80", "3.80", Some("19")),
            ("10.70", "0.70", Some("7")),
            // A receipt that rounded the other way.
            ("10.70", "0.71", Some("7")),
            ("-119.00", "-19.00", Some("19")),
            ("50.00", "0.00", Some("0")),
            // A hotel: breakfast at one rate, the room at another.
            ("226.00", "26.00", None),
            // Too little to tell.
            ("0.02", "0.00", Some("0")),
            ("0.05", "0.01", Some("19")),
            ("100.00", "16.67", None),
        ] {
            assert_eq!(of(gross, tax).as_deref(), rate, "{gross} {tax}");
        }
    }
}
