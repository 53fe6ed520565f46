//! What customers pay for again and again: the plans, and the invoices that were made from them.

use bureau_kernel::types::time::Timestamp;
use chrono::{Datelike as _, Days, Duration, Months, NaiveDate};
use serde_json::{Value, json};

use crate::demo::calendar::{Calendar, office_hour, workday_from};
use crate::demo::chance::Chance;
use crate::demo::firm::{Company, Firm, Kind};
use crate::demo::places;
use crate::demo::sales::day_of;
use crate::demo::script::{Event, Script, reference};

use super::articles::Article;
use super::content::{Content, Item};
use super::invoices::{About, Bill, SHORT_DAYS, contact, issue};

/// A plan: what it is called, of which article, how many, and how many months apart.
type Plan = (&'static str, &'static str, i64, u32);

/// The plans.
pub(in crate::demo) const PLANS: [Plan; 7] = [
    ("Support, one site", "SUP", 1, 1),
    ("Support, two sites", "SUP", 2, 1),
    ("Support, three sites", "SUP", 3, 1),
    ("Support, one site", "SUP", 1, 1),
    ("Support, two sites", "SUP", 2, 1),
    ("Support, one site, by the quarter", "SUP", 3, 3),
    ("User licences, by the year", "LIC", 40, 12),
];

/// Writes them down. Until the last working day their invoices were made by hand; from now on they make them.
pub(super) fn plan(
    chance: &mut Chance,
    calendar: &Calendar,
    script: &mut Script,
    firm: &Firm,
) -> Vec<Bill> {
    let first = calendar.first();
    let early = |company: &&Company| {
        company.kind == Kind::Customer && day_of(company.created) < first + Days::new(14)
    };
    let mut customers: Vec<&Company> = firm.companies.iter().filter(early).collect();
    chance.shuffle(&mut customers);
    let mut bills = Vec::new();
    for (number, (plan, company)) in PLANS.iter().zip(customers).enumerate() {
        let Some(article) = Article::of(plan.1) else {
            continue;
        };
        let content = Content::new(vec![Item::of(article, plan.2)]);
        // Six weeks after the first day there is somebody to write to.
        let begins = first_of_month(first + Days::new(45)) + Months::new(chance.place(7) as u32);
        let retainer = Retainer {
            number,
            company,
            content,
            begins,
        };
        bills.extend(follow(chance, calendar, script, firm, &retainer));
    }
    bills
}

fn first_of_month(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

/// A plan with its customer.
struct Retainer<'a> {
    /// Its place among the plans.
    number: usize,
    company: &'a Company,
    content: Content,
    begins: NaiveDate,
}

/// One plan with its invoices up to today.
fn follow(
    chance: &mut Chance,
    calendar: &Calendar,
    script: &mut Script,
    firm: &Firm,
    retainer: &Retainer<'_>,
) -> Vec<Bill> {
    let Retainer {
        number,
        company,
        ref content,
        begins,
    } = *retainer;
    let Some((name, _, _, every)) = PLANS.get(number).copied() else {
        return Vec::new();
    };
    let this = reference("recurring", number);
    let agreed = office_hour(chance, workday_from(begins - Days::new(9)));
    let arguments = json!({
        "name": format!("{}: {name}", company.name),
        "company": reference("company", company.number),
        "contact": contact(chance, firm, company, agreed),
        "owner": reference("member", company.owner),
        "status": "paused",
        "interval": if every == 12 { "year" } else { "month" },
        "every": if every == 12 { 1 } else { every },
        "starts_on": begins,
        "currency": places::currency(company.country),
        "terms": format!("net {SHORT_DAYS}"),
        "lines": content.lines(company.country),
    });
    let event = Event::new(agreed, 1, "create_recurring_invoice", arguments);
    script.add(event.makes(this.clone()));
    let goes_on = last_workday(calendar);
    let mut bills = Vec::new();
    for step in 0.. {
        let (from, next) = (
            begins + Months::new(every * step),
            begins + Months::new(every * (step + 1)),
        );
        if from >= goes_on {
            break;
        }
        let at = office_hour(chance, workday_from(from));
        let invoice = reference("invoice/retainer", number * 1_000 + step as usize);
        let arguments = json!({
            "recurring": this,
            "service_from": from,
            "service_to": next - Days::new(1),
        });
        let drafted = at - Duration::minutes(chance.range(4, 20));
        let event = Event::new(drafted, company.owner, "create_invoice", arguments);
        script.add(event.makes(invoice.clone()));
        issue(chance, script, &invoice, at);
        bills.push(Bill {
            reference: invoice,
            about: About::Retainer(number),
            owner: company.owner,
            issued: at,
            due: day_of(at) + Days::new(SHORT_DAYS),
            quantity: 100,
            net: content.net(),
        });
    }
    // One customer wants to see each draft first.
    let arguments: Value =
        json!({ "recurring_invoice": this, "status": "active", "auto_issue": number != 0 });
    let at: Timestamp = office_hour(chance, goes_on);
    script.add(Event::new(at, 1, "update_recurring_invoice", arguments));
    bills
}

/// The last day of the history on which anybody worked.
fn last_workday(calendar: &Calendar) -> NaiveDate {
    let mut days = (1..).map(|back| calendar.today - Days::new(back));
    let last = days.find(|day| workday_from(*day) == *day);
    last.unwrap_or(calendar.today)
}
