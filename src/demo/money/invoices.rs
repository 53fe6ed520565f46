//! The invoices: of deals that were won, and of what customers order beside any deal.

use bureau_kernel::types::time::Timestamp;
use chrono::{Days, Duration, NaiveDate};
use serde_json::json;

use crate::demo::calendar::{Calendar, office_hour};
use crate::demo::chance::Chance;
use crate::demo::firm::{Company, Firm, Kind};
use crate::demo::places;
use crate::demo::sales::{Sale, day_of};
use crate::demo::script::{Event, Script, reference};
use crate::demo::{DRAFTS, INVOICES};

use super::articles::Article;
use super::content::{Content, Item};
use super::quotations::Offers;
use super::texts::INVOICE_NOTES;

/// The days that the firm grants, where an invoice says nothing else, and those of its regular customers.
pub(super) const USUAL_DAYS: u64 = 30;
pub(super) const SHORT_DAYS: u64 = 14;

/// What an invoice is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// A deal, or a part of one.
    Sale,
    /// The plan of that place.
    Retainer(usize),
    /// An order.
    Order,
}

/// An invoice that was issued.
#[derive(Debug, Clone)]
pub(super) struct Bill {
    pub(super) reference: String,
    pub(super) about: About,
    pub(super) owner: usize,
    pub(super) issued: Timestamp,
    pub(super) due: NaiveDate,
    /// How many of the first line, in hundredths.
    pub(super) quantity: i64,
    /// Without tax, in hundredths.
    pub(super) net: i64,
}

impl Bill {
    /// When it was issued, and when it is due.
    pub(super) fn day(&self) -> NaiveDate {
        day_of(self.issued)
    }
}

/// Writes down that a draft is issued, by one of the two who do that.
pub(super) fn issue(chance: &mut Chance, script: &mut Script, invoice: &str, at: Timestamp) {
    let by = usize::from(chance.percent(70));
    let arguments = json!({ "invoice": invoice });
    script.add(Event::new(at, by, "issue_invoice", arguments));
}

/// The invoices of deals that were won: one, made from what was accepted where there is that, or two or three parts of a
/// large one.
pub(super) fn of_sales(
    chance: &mut Chance,
    calendar: &Calendar,
    script: &mut Script,
    firm: &Firm,
    sales: &[Sale],
    offers: &Offers,
) -> Vec<Bill> {
    const LARGE: i64 = 2_000_000;
    let mut bills = Vec::new();
    for sale in sales {
        let (Some(won), Some(company)) = (sale.won(), firm.companies.get(sale.company)) else {
            continue;
        };
        let offer = offers.get(&sale.number);
        let parts = match chance.below(100) {
            0..30 if sale.amount > LARGE => 2,
            30..42 if sale.amount > LARGE => 3,
            _ => 1,
        };
        let own = || sale.product.called(sale.count);
        let content = match offer {
            Some((_, content)) => content.clone(),
            None => Content::of(chance, sale, sale.amount),
        };
        let mut at = won;
        let mut left = sale.amount;
        for part in 1..=parts {
            let days = if part == 1 {
                chance.range(2, 9)
            } else {
                chance.range(26, 45)
            };
            at = calendar.later(chance, at, days);
            if at >= calendar.end() {
                break;
            }
            let invoice = reference("invoice/deal", sale.number * 10 + part);
            let drafted = at - Duration::minutes(chance.range(6, 25));
            let short = chance.percent(40);
            let days = if short { SHORT_DAYS } else { USUAL_DAYS };
            let order = chance
                .percent(45)
                .then(|| format!("PO {}", chance.range(41_000, 78_999)));
            let mut arguments = json!({
                "delivered_on": day_of(at),
                "terms": short.then(|| format!("net {SHORT_DAYS}")),
                "reference": order,
                "notes": chance.percent(35).then(|| chance.pick(&INVOICE_NOTES)),
            });
            let mut quantity = content.items.first().map_or(0, |item| item.quantity);
            let mut net = sale.amount;
            if let (Some((quotation, _)), 1) = (offer, parts) {
                let convert = json!({ "quotation": quotation });
                let event = Event::new(drafted, sale.owner, "convert_quotation", convert);
                script.add(event.makes(invoice.clone()));
                if let Some(fields) = arguments.as_object_mut() {
                    fields.insert("invoice".into(), invoice.clone().into());
                }
                let filled = drafted + Duration::minutes(2);
                script.add(Event::new(filled, sale.owner, "update_invoice", arguments));
            } else {
                let mut content = content.clone();
                if parts > 1 {
                    net = if part == parts {
                        left
                    } else {
                        sale.amount / parts as i64 / 10_000 * 10_000
                    };
                    left -= net;
                    content = content.part(format!("{}: part {part} of {parts}", own()), net);
                    quantity = 100;
                }
                let more = json!({
                    "company": reference("company", sale.company),
                    "contact": reference("contact", sale.contact),
                    "deal": reference("deal", sale.number),
                    "owner": reference("member", sale.owner),
                    "currency": sale.currency,
                    "discount": content.discount(),
                    "lines": content.lines(company.country),
                });
                let mut event = Event::new(drafted, sale.owner, "create_invoice", arguments);
                event
                    .arguments
                    .extend(Event::new(at, 0, "", more).arguments);
                script.add(event.makes(invoice.clone()));
            }
            issue(chance, script, &invoice, at);
            bills.push(Bill {
                reference: invoice,
                about: About::Sale,
                owner: sale.owner,
                issued: at,
                due: day_of(at) + Days::new(days),
                quantity,
                net,
            });
        }
    }
    bills
}

/// Orders beside any deal, until there are as many invoices as there are to be; the last ones are still drafts.
pub(super) fn others(
    chance: &mut Chance,
    calendar: &Calendar,
    script: &mut Script,
    firm: &Firm,
    sales: &[Sale],
    there: usize,
) -> Vec<Bill> {
    let since: Vec<Option<Timestamp>> = firm
        .companies
        .iter()
        .map(|company| match company.kind {
            Kind::Customer => Some(company.created),
            _ => sales
                .iter()
                .filter(|sale| sale.company == company.number)
                .filter_map(Sale::won)
                .min(),
        })
        .collect();
    let mut bills = Vec::new();
    let left = INVOICES.saturating_sub(there);
    for number in 0..left {
        let is_draft = number + DRAFTS >= left;
        let from = if is_draft {
            calendar.today - Days::new(5)
        } else {
            calendar.first() + Days::new(20)
        };
        let day = calendar.busy_day(chance, from, calendar.today);
        let at = office_hour(chance, day);
        let weights = firm.companies.iter().zip(&since).map(|(company, since)| {
            let buys = since.is_some_and(|since| since + Duration::days(3) < at);
            if buys {
                30 + company.size().unsigned_abs()
            } else {
                0
            }
        });
        let Some(company) = firm.companies.get(chance.weighted(weights)) else {
            continue;
        };
        let content = order(chance, company);
        let invoice = reference("invoice/order", number);
        let short = chance.percent(45);
        let days = if short { SHORT_DAYS } else { USUAL_DAYS };
        let order = chance
            .percent(35)
            .then(|| format!("PO {}", chance.range(41_000, 78_999)));
        let arguments = json!({
            "company": reference("company", company.number),
            "contact": contact(chance, firm, company, at),
            "owner": reference("member", company.owner),
            "currency": places::currency(company.country),
            "delivered_on": (!is_draft).then_some(day),
            "terms": short.then(|| format!("net {SHORT_DAYS}")),
            "reference": order,
            "notes": chance.percent(30).then(|| chance.pick(&INVOICE_NOTES)),
            "lines": content.lines(company.country),
        });
        let drafted = at - Duration::minutes(chance.range(5, 25));
        let event = Event::new(drafted, company.owner, "create_invoice", arguments);
        script.add(event.makes(invoice.clone()));
        if is_draft {
            continue;
        }
        issue(chance, script, &invoice, at);
        bills.push(Bill {
            reference: invoice,
            about: About::Order,
            owner: company.owner,
            issued: at,
            due: day + Days::new(days),
            quantity: content.items.first().map_or(0, |item| item.quantity),
            net: content.net(),
        });
    }
    bills
}

/// Somebody there who is known at the time.
pub(super) fn contact(
    chance: &mut Chance,
    firm: &Firm,
    company: &Company,
    at: Timestamp,
) -> Option<String> {
    let known = company.people.iter().copied().filter(|contact| {
        let contact = firm.contacts.get(*contact);
        contact.is_some_and(|contact| contact.created + Duration::hours(1) < at)
    });
    let known: Vec<usize> = known.collect();
    (!known.is_empty()).then(|| reference("contact", chance.pick(&known)))
}

/// What is ordered: training, hardware, advice or licences.
fn order(chance: &mut Chance, company: &Company) -> Content {
    let count = |chance: &mut Chance, low: i64, high: i64| {
        let scale = (company.size() + chance.range(0, 60)).clamp(0, 100);
        low + (high - low) * scale / 100
    };
    let mut wanted: Vec<(&str, i64)> = Vec::new();
    let hardware = if company.is_industrial() { 30 } else { 0 };
    match chance.below(100) {
        kind if kind < hardware => {
            let scanners = count(chance, 2, 24);
            wanted.push(("SCN", scanners));
            if chance.percent(55) {
                wanted.push(("CRD", (scanners + 3) / 4));
            }
        }
        30..60 => {
            wanted.push(("TRN", count(chance, 1, 5)));
            // The book is sold at home: abroad it would be taxed in another way than the days.
            if company.country == "DE" && chance.percent(70) {
                wanted.push(("HBK", chance.range(4, 24)));
            }
        }
        60..85 => wanted.push(("CON", count(chance, 3, 36))),
        _ => wanted.push(("LIC", count(chance, 3, 30))),
    }
    let items = wanted
        .into_iter()
        .filter_map(|(sku, count)| Article::of(sku).map(|article| Item::of(article, count)));
    let mut items: Vec<Item> = items.collect();
    // Advice is charged by the half hour.
    if let ([item], true) = (items.as_mut_slice(), chance.percent(40)) {
        item.add_half();
    }
    Content::new(items)
}
