//! What the firm spends.

use bureau_kernel::types::time::Timestamp;
use chrono::{Datelike as _, Days, Duration, NaiveDate};
use serde_json::json;

use crate::demo::EXPENSES;
use crate::demo::calendar::{Calendar, moment, office_hour, workday_from};
use crate::demo::chance::Chance;
use crate::demo::firm::{Firm, Kind};
use crate::demo::sales::day_of;
use crate::demo::script::{Event, Script, reference};

use super::content::money;
use super::texts::{Cost, FOR_SALE, MONTHLY, NOW_AND_THEN, REJECTED, TRIPS};

/// How many things are bought to be sold again.
const BOUGHT: usize = 26;

/// Something that was spent.
struct Spent {
    what: String,
    category: &'static str,
    vendor: String,
    /// The place of the company, where the vendor is one.
    company: Option<usize>,
    currency: &'static str,
    /// In hundredths.
    amount: i64,
    tax: i64,
    on: NaiveDate,
    noted: Timestamp,
    by: usize,
    method: &'static str,
    billable: bool,
}

impl Spent {
    fn of(chance: &mut Chance, cost: &Cost, on: NaiveDate, noted: Timestamp, by: usize) -> Self {
        let (low, high) = cost.amount;
        let whole = low == high;
        let amount = if whole {
            low * 100
        } else {
            chance.range(low * 100, high * 100)
        };
        Self {
            what: cost.what.replace('&', chance.pick(&TRIPS)),
            category: cost.category,
            vendor: cost.vendor.to_owned(),
            company: None,
            currency: cost.currency,
            amount,
            tax: cost.tax,
            on,
            noted,
            by,
            method: "card",
            billable: false,
        }
    }

    /// Writes it down, and answers with how it is called.
    fn write(
        self,
        script: &mut Script,
        number: usize,
        status: Option<&str>,
        receipt: &str,
    ) -> String {
        let this = reference("expense", number);
        let tax = (2 * self.amount * self.tax + 100 + self.tax) / (2 * (100 + self.tax));
        let arguments = json!({
            "description": self.what,
            "category": self.category,
            "amount": money(self.amount),
            "currency": self.currency,
            "tax_amount": (self.tax > 0).then(|| money(tax)),
            "spent_on": self.on,
            "vendor": self.vendor,
            "company": self.company.map(|company| reference("company", company)),
            "method": self.method,
            "reference": receipt,
            "status": status,
            "billable": self.billable.then_some(true),
        });
        let event = Event::new(self.noted, self.by, "create_expense", arguments);
        script.add(event.makes(this.clone()));
        this
    }
}

/// Writes down what is paid each month, what is bought to be sold again, and what is spent now and then.
pub(super) fn plan(chance: &mut Chance, calendar: &Calendar, script: &mut Script, firm: &Firm) {
    let mut number = 0;
    for spent in monthly(chance, calendar) {
        let receipt = receipt(chance);
        spent.write(script, number, Some("paid"), &receipt);
        number += 1;
    }
    for spent in bought(chance, calendar, firm) {
        settle(chance, calendar, script, spent, number, 14);
        number += 1;
    }
    while number < EXPENSES {
        let spent = now_and_then(chance, calendar);
        settle(chance, calendar, script, spent, number, 6);
        number += 1;
    }
}

fn receipt(chance: &mut Chance) -> String {
    format!("R-{}", chance.range(10_000, 99_999))
}

/// What is taken from the account in the first days of each month.
fn monthly(chance: &mut Chance, calendar: &Calendar) -> Vec<Spent> {
    let mut all = Vec::new();
    let days = calendar.first().iter_days();
    let days = days.take_while(|day| *day < calendar.today);
    for first in days.filter(|day| day.day() == 1) {
        for (place, cost) in MONTHLY.iter().enumerate() {
            let day = workday_from(first + Days::new(place as u64 / 2));
            let noted = office_hour(chance, day);
            if noted < calendar.end() {
                let mut spent = Spent::of(chance, cost, day, noted, 0);
                spent.method = if cost.currency == "EUR" {
                    "direct_debit"
                } else {
                    "card"
                };
                all.push(spent);
            }
        }
    }
    all
}

/// What suppliers delivered.
fn bought(chance: &mut Chance, calendar: &Calendar, firm: &Firm) -> Vec<Spent> {
    let mut all = Vec::new();
    let suppliers = || {
        firm.companies
            .iter()
            .filter(|company| company.kind == Kind::Supplier)
    };
    for _ in 0..BOUGHT {
        let day = calendar.busy_day(chance, calendar.first() + Days::new(12), calendar.today);
        let noted = office_hour(chance, day);
        let place = chance.weighted(suppliers().map(|company| u64::from(company.created < noted)));
        let (what, (low, high)) = chance.pick(&FOR_SALE);
        let Some(company) = suppliers().nth(place) else {
            continue;
        };
        let (currency, tax) = match company.country {
            "DE" => ("EUR", 19),
            country => (crate::demo::places::currency(country), 0),
        };
        all.push(Spent {
            what: what.to_owned(),
            category: "goods for sale",
            vendor: company.name.to_owned(),
            company: Some(company.number),
            currency,
            amount: chance.range(low * 100, high * 100),
            tax,
            on: day,
            noted,
            by: 4,
            method: "bank_transfer",
            billable: false,
        });
    }
    all
}

/// What one of the five spent some days ago at most.
fn now_and_then(chance: &mut Chance, calendar: &Calendar) -> Spent {
    let place = chance.weighted(NOW_AND_THEN.iter().map(|(weight, _)| *weight));
    let cost = NOW_AND_THEN
        .get(place)
        .or(NOW_AND_THEN.first())
        .map(|(_, cost)| cost);
    let day = calendar.busy_day(chance, calendar.first() + Days::new(6), calendar.today);
    let noted = office_hour(chance, day);
    // Priya joined later than the others.
    let joined = moment(calendar.first() + Days::new(270), 0);
    let by = chance.weighted([4, 6, 9, if noted < joined { 0 } else { 9 }, 7].into_iter());
    let on = (day - Days::new(chance.below(4))).max(calendar.first());
    let cost = cost.copied().unwrap_or_default();
    let mut spent = Spent::of(chance, &cost, on, noted, by);
    spent.method = chance.pick(&["card", "card", "card", "cash", "bank_transfer"]);
    spent.billable = cost.category == "travel" && chance.percent(15);
    spent
}

/// Writes it down with what becomes of it: in order and paid back some days later, or not.
fn settle(
    chance: &mut Chance,
    calendar: &Calendar,
    script: &mut Script,
    spent: Spent,
    number: usize,
    least: i64,
) {
    let noted = spent.noted;
    let receipt = receipt(chance);
    let this = spent.write(script, number, None, &receipt);
    let mut later = |chance: &mut Chance, from: Timestamp, days: i64, more: serde_json::Value| {
        let at = calendar.later(chance, from, days);
        if at < calendar.end() {
            let mut event = Event::new(at, chance.place(2), "update_expense", more);
            event
                .arguments
                .insert("expense".into(), this.clone().into());
            script.add(event);
        }
        at
    };
    let days = chance.range(2, 9);
    if chance.percent(2) && day_of(noted) + Duration::days(30) < calendar.today {
        let why = chance.pick(&REJECTED);
        later(
            chance,
            noted,
            days,
            json!({ "status": "rejected", "notes": why }),
        );
        return;
    }
    let mut from = noted;
    // What is a while ago was paid at once when it was found in order.
    if noted > calendar.end() - Duration::days(45) {
        from = later(chance, noted, days, json!({ "status": "approved" }));
    }
    let days = least + chance.range(2, 9);
    later(chance, from, days, json!({ "status": "paid" }));
}
