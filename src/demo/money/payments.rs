//! Who pays when, and what is taken back.

use std::collections::BTreeMap;

use bureau_kernel::types::time::Timestamp;
use chrono::{Days, Duration};
use serde_json::{Value, json};

use crate::demo::calendar::{Calendar, workday_from};
use crate::demo::chance::Chance;
use crate::demo::script::{Event, Script, reference};

use super::content::money;
use super::invoices::{About, Bill, issue};
use super::texts::{GIVEN_BACK, REVERSED, TAKEN_BACK, TAKEN_BACK_IN_PART};

/// What becomes of an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// It is paid before it is due.
    InTime,
    /// So many days after that.
    Late(i64),
    /// In two payments.
    InParts,
    /// Of this one a part, and no more.
    InPart,
    /// Not paid at all.
    Never,
    /// Taken back whole; or one of the first line before it is paid, or after that.
    Credited(&'static str),
    CreditedInPart(&'static str),
    Returned,
    /// Paid, taken back by the bank, and paid again.
    Reversed(&'static str),
    /// Together with the one of this place.
    With(usize),
    /// With one before it.
    Along,
}

/// How long what is special must be over.
const SETTLED_DAYS: u64 = 75;
/// How many customers owe something for some weeks: nothing of it is paid, or only a part.
const OWE_ALL: usize = 4;
const OWE_A_PART: usize = 3;
/// How many pay two invoices at once.
const TOGETHER: usize = 3;

/// Writes it down. The bills are in the order in which they were issued.
pub(super) fn plan(chance: &mut Chance, calendar: &Calendar, script: &mut Script, bills: &[Bill]) {
    let special = special(chance, calendar, bills);
    let mut notes = 0;
    for (place, bill) in bills.iter().enumerate() {
        let way = special.get(&place).copied();
        let way = way.unwrap_or_else(|| match chance.below(100) {
            0..78 => Way::InTime,
            78..93 => Way::Late(chance.range(1, 22)),
            93..97 => Way::InParts,
            _ => Way::Late(chance.range(24, 48)),
        });
        let mut desk = Desk {
            chance,
            calendar,
            script,
            bill,
            notes: &mut notes,
        };
        match way {
            Way::Never | Way::Along => {}
            Way::InTime => drop(desk.pays_in_time()),
            Way::Late(days) => {
                let days = (bill.due - bill.day()).num_days() + days;
                desk.pays(bill.issued, days, json!({}));
            }
            Way::InPart | Way::InParts => {
                let tens = bill.net * desk.chance.range(35, 60) / 100 / 1_000;
                let part = json!({ "amount": (tens > 0).then(|| money(tens * 1_000)) });
                let paid = desk.pays_in_time_with(part);
                if let (Some((at, _)), Way::InParts, 1..) = (paid, way, tens) {
                    let days = desk.chance.range(14, 30);
                    desk.pays(at, days, json!({}));
                }
            }
            Way::Credited(why) => drop(desk.credits(bill.issued, json!({ "reason": why }))),
            Way::CreditedInPart(why) => {
                let part = json!({ "lines": [{ "line": 1, "quantity": "1" }], "reason": why });
                let credited = desk.credits(bill.issued, part);
                if let Some((at, _)) = credited {
                    let days = desk.chance.range(3, 12);
                    desk.pays(at, days, json!({}));
                }
            }
            Way::Returned => {
                let part =
                    json!({ "lines": [{ "line": 1, "quantity": "1" }], "reason": GIVEN_BACK });
                let paid = desk.pays_in_time();
                let credited = paid.and_then(|(at, _)| desk.credits(at, part));
                if let Some((at, note)) = credited {
                    let days = desk.chance.range(2, 6);
                    desk.moves(
                        at,
                        days,
                        json!({ "invoice": note, "method": "bank_transfer" }),
                    );
                }
            }
            Way::Reversed(why) => {
                let paid = desk.pays_in_time_with(json!({ "method": "direct_debit" }));
                let reversed = paid.and_then(|(at, payment)| {
                    let days = desk.chance.range(2, 5);
                    desk.moves(at, days, json!({ "reverses": payment, "note": why }))
                });
                if let Some((at, _)) = reversed {
                    let days = desk.chance.range(6, 12);
                    desk.pays(at, days, json!({}));
                }
            }
            Way::With(other) => {
                if let Some(second) = bills.get(other) {
                    let both = json!({
                        "invoice": null,
                        "allocations": [{ "invoice": bill.reference }, { "invoice": second.reference }],
                    });
                    let days = desk.chance.range(2, 9);
                    desk.pays(second.issued, days, both);
                }
            }
        }
    }
}

/// The invoices that go another way than most.
fn special(chance: &mut Chance, calendar: &Calendar, bills: &[Bill]) -> BTreeMap<usize, Way> {
    let mut ways = BTreeMap::new();
    let settled = calendar.today - Days::new(SETTLED_DAYS);
    let many = |bill: &Bill| bill.about == About::Order && bill.quantity >= 300;
    let old = |bill: &Bill| many(bill) && bill.due < settled;
    let mut orders: Vec<usize> = places(bills, old).collect();
    chance.shuffle(&mut orders);
    let mut wanted: Vec<Way> = Vec::new();
    wanted.extend(TAKEN_BACK.map(Way::Credited));
    wanted.extend(TAKEN_BACK_IN_PART.map(Way::CreditedInPart));
    wanted.extend(REVERSED.map(Way::Reversed));
    wanted.push(Way::Returned);
    ways.extend(orders.into_iter().zip(wanted));
    // The last ones that are overdue by some days, of those that are no retainers.
    let overdue = places(bills, |bill| {
        let late = calendar.today - Days::new(3);
        bill.due < late && !matches!(bill.about, About::Retainer(_))
    });
    let mut overdue: Vec<usize> = overdue.filter(|place| !ways.contains_key(place)).collect();
    overdue.sort_by_key(|place| bills.get(*place).map(|bill| bill.due));
    let owed = [Way::Never, Way::InPart].into_iter().cycle();
    let owed = owed
        .take(2 * OWE_A_PART)
        .chain([Way::Never; OWE_ALL - OWE_A_PART]);
    ways.extend(overdue.into_iter().rev().zip(owed));
    // Two months of a retainer at once.
    for plan in 0..TOGETHER {
        let of_plan = |bill: &Bill| bill.about == About::Retainer(plan) && bill.due < settled;
        let months: Vec<usize> = places(bills, of_plan).collect();
        let at = chance.place(months.len().saturating_sub(1));
        if let Some([one, two]) = months.get(at..at + 2) {
            ways.insert(*one, Way::With(*two));
            ways.insert(*two, Way::Along);
        }
    }
    ways
}

/// The places of those of which this holds.
fn places<'a>(
    bills: &'a [Bill],
    holds: impl Fn(&Bill) -> bool + 'a,
) -> impl Iterator<Item = usize> + 'a {
    let all = bills.iter().enumerate();
    all.filter(move |(_, bill)| holds(bill))
        .map(|(place, _)| place)
}

/// What is done with one invoice.
struct Desk<'a> {
    chance: &'a mut Chance,
    calendar: &'a Calendar,
    script: &'a mut Script,
    bill: &'a Bill,
    /// How many payments and credit notes there are.
    notes: &'a mut usize,
}

impl Desk<'_> {
    fn next(&mut self, kind: &str) -> String {
        *self.notes += 1;
        reference(kind, *self.notes)
    }

    fn pays_in_time(&mut self) -> Option<(Timestamp, String)> {
        self.pays_in_time_with(json!({}))
    }

    /// A payment some days before it is due.
    fn pays_in_time_with(&mut self, more: Value) -> Option<(Timestamp, String)> {
        let bill = self.bill;
        let days = (bill.due - bill.day()).num_days();
        let mut early = self.chance.range(0, days / 2);
        // A weekend moves a payment on, but not beyond the day on which it is due.
        while early + 2 < days && workday_from(bill.due - Duration::days(early)) > bill.due {
            early += 1;
        }
        self.pays(bill.issued, (days - early).max(2), more)
    }

    /// A payment of the invoice so many days after a moment; `more` goes before what is usual.
    fn pays(&mut self, from: Timestamp, days: i64, more: Value) -> Option<(Timestamp, String)> {
        let method = match self.bill.about {
            About::Retainer(plan) if plan % 3 == 1 => "direct_debit",
            _ if self.chance.percent(5) => "card",
            _ => "bank_transfer",
        };
        let number = self.chance.range(1_000_000, 9_999_999);
        let mut arguments = json!({
            "invoice": self.bill.reference,
            "method": method,
            "reference": self.chance.percent(60).then(|| format!("E2E {number}")),
        });
        if let (Some(usual), Value::Object(more)) = (arguments.as_object_mut(), more) {
            usual.extend(more);
        }
        self.moves(from, days, arguments)
    }

    /// Money that moves so many days after a moment, unless that is still to come.
    fn moves(
        &mut self,
        from: Timestamp,
        days: i64,
        arguments: Value,
    ) -> Option<(Timestamp, String)> {
        let at = self.calendar.later(self.chance, from, days);
        if at >= self.calendar.end() {
            return None;
        }
        let by = usize::from(self.chance.percent(60));
        let payment = self.next("payment");
        let event = Event::new(at, by, "record_payment", arguments);
        self.script.add(event.makes(payment.clone()));
        Some((at, payment))
    }

    /// A credit note some days after a moment.
    fn credits(&mut self, from: Timestamp, arguments: Value) -> Option<(Timestamp, String)> {
        let days = self.chance.range(3, 9);
        let at = self.calendar.later(self.chance, from, days);
        if at >= self.calendar.end() {
            return None;
        }
        let note = self.next("credit");
        let mut event = Event::new(
            at - Duration::minutes(self.chance.range(4, 15)),
            self.bill.owner,
            "create_credit_note",
            arguments,
        );
        let invoice = self.bill.reference.clone().into();
        event.arguments.insert("invoice".into(), invoice);
        self.script.add(event.makes(note.clone()));
        issue(self.chance, self.script, &note, at);
        Some((at, note))
    }
}
