//! The money: what the firm sells, offers and invoices, who pays when, and what it spends itself.

mod articles;
mod content;
mod expenses;
mod invoices;
mod payments;
mod quotations;
mod retainers;
mod seller;
mod texts;

use super::calendar::Calendar;
use super::chance::Chance;
use super::firm::Firm;
use super::sales::Sale;
use super::script::Script;

pub(super) use articles::ARTICLES;
pub(super) use retainers::PLANS;
pub(super) use seller::note as note_seller;

/// Writes down what is offered, invoiced, paid and spent.
pub(super) fn plan(
    seed: u64,
    calendar: &Calendar,
    script: &mut Script,
    firm: &Firm,
    sales: &[Sale],
) {
    articles::plan(calendar, script);
    let chance = &mut Chance::of(seed, 6);
    let offers = quotations::plan(chance, calendar, script, firm, sales);
    let chance = &mut Chance::of(seed, 7);
    let mut bills = invoices::of_sales(chance, calendar, script, firm, sales, &offers);
    bills.extend(retainers::plan(chance, calendar, script, firm));
    bills.extend(invoices::others(
        chance,
        calendar,
        script,
        firm,
        sales,
        bills.len(),
    ));
    bills.sort_by_key(|bill| bill.issued);
    let chance = &mut Chance::of(seed, 8);
    payments::plan(chance, calendar, script, &bills);
    let chance = &mut Chance::of(seed, 9);
    expenses::plan(chance, calendar, script, firm);
}
