//! The time that went into the projects, and what of it customers were billed: those in Germany by the month.

use std::collections::BTreeMap;

use bureau_kernel::types::time::Timestamp;
use chrono::{Datelike as _, Days, Months, NaiveDate};
use serde_json::json;

use super::TIME_ENTRIES;
use super::calendar::{Calendar, is_workday, moment, workday_from};
use super::chance::Chance;
use super::delivery::Work;
use super::firm::Firm;
use super::script::{Event, Script, reference};

/// What an hour costs the firm, of each member.
const COSTS: [i64; 5] = [70, 60, 48, 46, 44];
/// What is written beside some of the time.
const NOTES: [&str; 8] = [
    "With the shift leader",
    "By telephone",
    "On site",
    "Two questions are open",
    "Done but for the last part",
    "Together with the customer's IT",
    "Again, after the change of plan",
    "Prepared for tomorrow",
];

/// Writes down who worked when on what, and the invoices of it.
pub(super) fn plan(
    seed: u64,
    calendar: &Calendar,
    script: &mut Script,
    firm: &Firm,
    work: &[Work],
) {
    arrange(calendar, script);
    let chance = &mut Chance::of(seed, 13);
    // Each month of each project that is billed.
    let mut months: BTreeMap<(usize, NaiveDate), usize> = BTreeMap::new();
    for (work, count) in work.iter().zip(shares(work)) {
        for _ in 0..count {
            let Some(day) = some_day(chance, work) else {
                continue;
            };
            let at = moment(day, 17 * 60 + chance.range(0, 50));
            let quarters = (work.hours * 4 / count as i64).clamp(1, 16) + chance.range(0, 2);
            let arguments = json!({
                "task": work.task,
                "worked_on": day,
                "hours": format!("{}:{:02}", quarters / 4, quarters % 4 * 15),
                "note": chance.percent(30).then(|| chance.pick(&NOTES)),
            });
            script.add(Event::new(at, work.worker, "create_time_entry", arguments));
            let company = work.company.and_then(|place| firm.companies.get(place));
            if company.is_some_and(|company| company.country == "DE") {
                months
                    .entry((work.project, month(day)))
                    .or_insert(work.owner);
            }
        }
    }
    for (number, ((project, month), owner)) in months.into_iter().enumerate() {
        bill(chance, calendar, script, number, (project, month), owner);
    }
}

/// What the owner arranges before the first hour.
fn arrange(calendar: &Calendar, script: &mut Script) {
    let at = moment(workday_from(calendar.first() + Days::new(30)), 9 * 60 + 20);
    let costs = (0..).zip(COSTS).map(|(member, cost)| {
        json!({ "member": reference("member", member), "hourly_cost": cost.to_string() })
    });
    let settings = json!({
        "rates": [{ "hourly_rate": "115", "currency": "EUR" }],
        "cost_rates": costs.collect::<Vec<_>>(),
        "rounding": "up",
        "rounding_minutes": 15,
    });
    script.add(Event::new(at, 0, "update_time_settings", settings));
}

/// How many entries each has: all of them together as many as there are to be, more where there is more to do.
fn shares(work: &[Work]) -> Vec<usize> {
    let hours: i64 = work.iter().map(|work| work.hours).sum();
    let mut shares = Vec::with_capacity(work.len());
    let (mut done, mut given) = (0, 0);
    for work in work {
        done += work.hours;
        let until = TIME_ENTRIES as i64 * done / hours.max(1);
        let until = usize::try_from(until).unwrap_or_default();
        shares.push(until - given);
        given = until;
    }
    shares
}

/// A working day of those on which it was worked on.
fn some_day(chance: &mut Chance, work: &Work) -> Option<NaiveDate> {
    let days: Vec<NaiveDate> = work
        .from
        .iter_days()
        .take_while(|day| *day <= work.to)
        .filter(|day| is_workday(*day))
        .collect();
    days.get(chance.place(days.len())).copied()
}

fn month(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

/// Bills a month of a project, issues the invoice, and notes that it was paid.
fn bill(
    chance: &mut Chance,
    calendar: &Calendar,
    script: &mut Script,
    number: usize,
    (project, month): (usize, NaiveDate),
    owner: usize,
) {
    let next = month.checked_add_months(Months::new(1)).unwrap_or(month);
    let day = workday_from(next + Days::new(1));
    let at = moment(day, 10 * 60 + chance.range(0, 90));
    let issued = moment(day, 14 * 60 + chance.range(0, 90));
    if issued >= calendar.end() {
        return;
    }
    let invoice = reference("time invoice", number);
    let arguments = json!({
        "project": reference("project", project),
        "until": next.pred_opt(),
        "group_by": "task",
        "tax_rate": "19",
    });
    script.add(Event::new(at, owner, "bill_time", arguments).makes(invoice.clone()));
    let issue = json!({ "invoice": invoice });
    script.add(Event::new(issued, 0, "issue_invoice", issue));
    let days = chance.range(8, 24);
    let paid: Timestamp = calendar.later(chance, issued, days);
    if paid < calendar.end() {
        let payment = json!({ "invoice": invoice, "method": "bank_transfer" });
        script.add(Event::new(paid, 1, "record_payment", payment));
    }
}
