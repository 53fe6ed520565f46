//! What customers ask for: tickets over two years, who answers them and how fast, and how the customers like it.

use bureau_kernel::types::time::Timestamp;
use chrono::{Days, Duration, NaiveDate};
use serde_json::{Value, json};

use super::TICKETS;
use super::calendar::{Calendar, ZONE, is_workday, moment, office_hour, workday_from};
use super::care::somebody;
use super::chance::Chance;
use super::firm::{Contact, Firm};
use super::script::{Event, Script, reference};

/// What the firm sells, as its tickets name it.
const PRODUCTS: [&str; 4] = ["Planner", "Scanners", "Interfaces", "Training"];
/// What tickets are about.
const CATEGORIES: [&str; 6] = [
    "Question",
    "Problem",
    "Request",
    "Complaint",
    "Access",
    "Billing",
];
/// Why tickets wait for something else than the customer.
const HOLDS: [&str; 3] = [
    "Waiting for supplier",
    "Waiting for a repair",
    "Scheduled for later",
];
const PRIORITIES: [(&str, u64); 4] = [("low", 20), ("normal", 55), ("high", 18), ("urgent", 7)];
const CHANNELS: [(&str, u64); 4] = [("email", 60), ("phone", 20), ("web", 14), ("chat", 6)];
/// One ticket in so many is about the same as the one before it, by the same person.
const TWICE: usize = 133;

/// Something that customers write about: subject, category, place of the product, what they write, what is answered.
type Matter = (
    &'static str,
    &'static str,
    Option<usize>,
    &'static str,
    &'static str,
);

const MATTERS: [Matter; 24] = [
    (
        "Planner shows last week's stock",
        "Problem",
        Some(0),
        "Since this morning the stock in the planner is that of last Friday. We plan by hand now.",
        "The nightly import had stopped. It runs again, and the stock is that of six o'clock.",
    ),
    (
        "Scanner does not read short barcodes",
        "Problem",
        Some(1),
        "Two of our scanners do not read the short codes on the new labels.",
        "Please scan the sheet I attach: it switches them to codes of four digits.",
    ),
    (
        "How do we plan a second shift?",
        "Question",
        Some(0),
        "From next month we work in two shifts. Where do we say so?",
        "Under Resources, Calendars: copy yours and give the copy the hours of the late shift.",
    ),
    (
        "New user for the warehouse",
        "Access",
        Some(0),
        "Please give our new colleague in the warehouse access, with the rights of the others there.",
        "The invitation is out. It works for three days.",
    ),
    (
        "Invoice names the wrong cost centre",
        "Billing",
        None,
        "Our accounting asks for cost centre 4711 on the last invoice.",
        "You find the corrected one in your mailbox; the first is credited.",
    ),
    (
        "Orders arrive twice from the web shop",
        "Problem",
        Some(2),
        "Some orders of the web shop are there twice since the weekend.",
        "The shop sent them again after a time-out. We drop what has a number that is known.",
    ),
    (
        "Battery of a scanner is flat after two hours",
        "Problem",
        Some(1),
        "One of the scanners lasts two hours, the others all day.",
        "That is the battery. A new one is on its way to you.",
    ),
    (
        "Export for the tax adviser",
        "Request",
        Some(0),
        "Can we have all movements of last year as a table?",
        "Yes: Reports, Movements, Export. I made one for you as well.",
    ),
    (
        "Training for six new planners",
        "Request",
        Some(3),
        "We have six new planners and would like the basic course again.",
        "I propose two half days; the dates are in the calendar invitation.",
    ),
    (
        "Planner is slow at the end of the month",
        "Problem",
        Some(0),
        "On the last two days of each month every plan takes minutes.",
        "Your archive had grown to ten years. We moved what is older than three.",
    ),
    (
        "Password link has expired",
        "Access",
        None,
        "The link to set my password is not valid any more.",
        "Here is a new one. It works until tomorrow evening.",
    ),
    (
        "Delivery notes without our logo",
        "Request",
        Some(2),
        "The delivery notes from the interface have the old logo.",
        "The new one is in place from today's notes on.",
    ),
    (
        "Technician came a day late",
        "Complaint",
        Some(1),
        "The technician was announced for Tuesday and came on Wednesday. The line stood still.",
        "I am sorry. The visit is free of charge, and I call you before the next one.",
    ),
    (
        "Customs numbers in the article list",
        "Question",
        Some(0),
        "Where can we keep the customs tariff numbers of our articles?",
        "Each article has a field for it under Trade; the import takes it as tariff_number.",
    ),
    (
        "Interface to our parcel service",
        "Request",
        Some(2),
        "Can the planner print the labels of our parcel service?",
        "Yes, by the parcel interface. I send you the offer our sales made for another customer.",
    ),
    (
        "Plan cannot be released",
        "Problem",
        Some(0),
        "The plan for Thursday says that somebody else is editing it, but nobody is.",
        "A browser was closed in the middle of it. The lock is gone.",
    ),
    (
        "Screen of a scanner is broken",
        "Problem",
        Some(1),
        "A scanner fell, and its screen is dark.",
        "We send you one to go on with, and repair yours.",
    ),
    (
        "Rights of a colleague who left",
        "Access",
        None,
        "Please take away the access of a colleague who left us.",
        "Done. What he planned stays, and belongs to your team now.",
    ),
    (
        "Two prices for one article",
        "Question",
        Some(2),
        "The interface brings two prices for some articles. Which one counts?",
        "The one with the later date; the other is that of last year.",
    ),
    (
        "Time zone of the plant in the east",
        "Problem",
        Some(0),
        "The shifts of our other plant begin an hour early.",
        "The plant had the time zone of the head office. It has its own now.",
    ),
    (
        "Reminder although we have paid",
        "Billing",
        None,
        "We were reminded of an invoice that we paid two weeks ago.",
        "Your payment had another reference. It is matched, and the reminder is void.",
    ),
    (
        "Labels come out empty",
        "Problem",
        Some(1),
        "Every second label is empty since we changed the roll.",
        "The sensor is set to the old length. Hold the feed key for five seconds.",
    ),
    (
        "Can the planner send us a message?",
        "Request",
        Some(0),
        "We would like a message when stock falls below the minimum.",
        "That is there: Alerts, New, Stock. I made the first one with your minimum.",
    ),
    (
        "Course material in English",
        "Question",
        Some(3),
        "Is there the course material in English as well?",
        "Yes, you find it beside the German one.",
    ),
];

const AGAIN: [&str; 4] = [
    "Thank you, but it is still the same.",
    "That helped in one of the two places only.",
    "I have tried it now. What do we do with the others?",
    "One more thing about this: does it also hold for the other plant?",
];
const MORE: [&str; 4] = [
    "I have looked into it again: it was a second cause, and that is gone too.",
    "Please try once more and close the window before.",
    "Yes, it does. I have written down the steps for you.",
    "We found the rest with your help. It is in tonight's update.",
];
const NOTES: [&str; 4] = [
    "The same as with another customer last month, see there.",
    "Asked development: known, comes with the next update.",
    "They have the old contract, so this is free of charge.",
    "Call rather than write: they are under pressure.",
];
const PRAISE: [&str; 3] = ["Quick!", "Friendly and to the point", "As always"];
const BLAME: [&str; 3] = [
    "It took too long",
    "Had to explain it three times",
    "It came back a week later",
];

/// A ticket while it is written down.
struct Ticket {
    this: String,
    matter: Matter,
    /// Who looks after it, and whether that was said when it came.
    owner: usize,
    is_assigned: bool,
    /// How fast it is answered, in percent of what is usual.
    pace: i64,
}

/// Writes them down.
pub(super) fn plan(seed: u64, calendar: &Calendar, script: &mut Script, firm: &Firm) {
    arrange(calendar, script);
    let chance = &mut Chance::of(seed, 10);
    let mut number = 0;
    while number < TICKETS {
        let first = calendar.first() + Days::new(20);
        let day = calendar.busy_day(chance, first, calendar.today);
        // Some write in the evening, some on a Sunday.
        let day = match chance.percent(8) {
            true => day + Days::new(2),
            false => day,
        };
        let at = match chance.percent(85) {
            true => office_hour(chance, day),
            false => moment(day, chance.range(6 * 60, 22 * 60)),
        };
        let known = |contact: &Contact| contact.kind.buys() && contact.created < at;
        if at >= calendar.end() {
            continue;
        }
        let Some((contact, _)) = somebody(chance, firm, known) else {
            continue;
        };
        let Some(matter) = MATTERS.get(chance.place(MATTERS.len())).copied() else {
            continue;
        };
        let ticket = open(chance, calendar, script, number, contact, matter, at);
        number += 1;
        let twice = at + Duration::minutes(chance.range(20, 90));
        let merged = soon(chance, twice, 70);
        let is_twice = number.is_multiple_of(TWICE) && number < TICKETS && merged < calendar.end();
        if is_twice {
            let again = open(chance, calendar, script, number, contact, matter, twice);
            number += 1;
            let merge = json!({ "keep": ticket.this, "merge": [again.this] });
            script.add(Event::new(merged, 4, "merge_tickets", merge));
            course(chance, calendar, script, &ticket, merged);
        } else {
            course(chance, calendar, script, &ticket, at);
        }
    }
}

/// What the owner arranges before the first ticket: hours, holidays, policies, words.
fn arrange(calendar: &Calendar, script: &mut Script) {
    let at = moment(workday_from(calendar.first() + Days::new(14)), 9 * 60);
    let last = calendar.today + Days::new(365);
    let days = calendar.first().iter_days().take_while(|day| *day < last);
    let weekend = |day: &NaiveDate| {
        use chrono::Datelike as _;
        day.weekday().number_from_monday() > 5
    };
    let holidays: Vec<NaiveDate> = days
        .filter(|day| !weekend(day) && !is_workday(*day))
        .collect();
    let policy = |name: &str, priorities: &[&str], first: i64, next: i64, resolution: i64| {
        json!({
            "name": name,
            "priorities": priorities,
            "calendar": "Business hours",
            "first_response_minutes": first,
            "next_response_minutes": next,
            "resolution_minutes": resolution,
        })
    };
    let settings = json!({
        "calendars": [{
            "name": "Business hours",
            "hours": ["mon-fri 08:30-17:30"],
            "holidays": holidays,
        }],
        "policies": [
            policy("Urgent", &["urgent"], 60, 60, 480),
            policy("High", &["high"], 120, 180, 960),
        ],
        "categories": CATEGORIES,
        "products": PRODUCTS,
        "hold_reasons": HOLDS.map(|name| json!({ "name": name })),
    });
    script.add(Event::new(at, 0, "update_ticket_settings", settings));
}

/// Writes down that somebody asks for something.
fn open(
    chance: &mut Chance,
    calendar: &Calendar,
    script: &mut Script,
    number: usize,
    contact: usize,
    matter: Matter,
    at: Timestamp,
) -> Ticket {
    let this = reference("ticket", number);
    let (subject, category, product, message, _) = matter;
    let pick = |chance: &mut Chance, all: &[(&'static str, u64)]| {
        let place = chance.weighted(all.iter().map(|(_, weight)| *weight));
        all.get(place).map_or("", |(name, _)| name)
    };
    let priority = pick(chance, &PRIORITIES);
    let owner = agent(chance, calendar, at);
    let is_assigned = chance.percent(70);
    let arguments = json!({
        "subject": subject,
        "message": message,
        "requester": reference("contact", contact),
        "channel": pick(chance, &CHANNELS),
        "priority": priority,
        "category": category,
        "product": product.and_then(|place| PRODUCTS.get(place)),
        "assignee": is_assigned.then(|| reference("member", owner)),
        "tags": chance.percent(20).then_some(["contract"]),
    });
    let event = Event::new(at, owner, "create_ticket", arguments);
    script.add(event.makes(this.clone()));
    let pace = match priority {
        "urgent" => 25,
        "high" => 60,
        "low" => 180,
        _ => 100,
    };
    Ticket {
        this,
        matter,
        owner,
        is_assigned,
        pace,
    }
}

/// What becomes of a ticket: answers, questions, waiting, the solution, and what the customer thinks of it.
fn course(
    chance: &mut Chance,
    calendar: &Calendar,
    script: &mut Script,
    ticket: &Ticket,
    opened: Timestamp,
) {
    let mut owner = ticket.owner;
    let mut at = opened;
    let wait = |chance: &mut Chance, at: Timestamp, low: i64, high: i64| {
        let minutes = chance.range(low, high) * ticket.pace / 100;
        let next = soon(chance, at, minutes);
        (next < calendar.end()).then_some(next)
    };
    let say = |script: &mut Script, at: Timestamp, by: usize, arguments: Value| {
        let event = Event::new(at, by, "create_ticket_message", arguments);
        script.add(event.with("ticket", ticket.this.clone()));
    };
    let change = |script: &mut Script, at: Timestamp, by: usize, arguments: Value| {
        let event = Event::new(at, by, "update_ticket", arguments);
        script.add(event.with("ticket", ticket.this.clone()));
    };
    if !ticket.is_assigned {
        let Some(next) = wait(chance, at, 5, 45) else {
            return;
        };
        at = next;
        let assigned = json!({ "assignee": reference("member", owner) });
        change(script, at, 4, assigned);
    }
    if chance.percent(12) {
        let Some(next) = wait(chance, at, 5, 60) else {
            return;
        };
        at = next;
        let other = agent(chance, calendar, at);
        change(
            script,
            at,
            owner,
            json!({ "assignee": reference("member", other) }),
        );
        owner = other;
    }
    if chance.percent(20) {
        let Some(next) = wait(chance, at, 10, 90) else {
            return;
        };
        at = next;
        say(
            script,
            at,
            owner,
            json!({ "type": "note", "body": chance.pick(&NOTES) }),
        );
    }
    let (_, _, _, _, answer) = ticket.matter;
    let rounds = chance.weighted([55, 28, 12, 5].into_iter());
    for round in 0..=rounds {
        let (low, high) = if chance.percent(12) {
            (400, 1_400)
        } else {
            (15, 300)
        };
        let Some(next) = wait(chance, at, low, high) else {
            return;
        };
        at = next;
        let is_last = round == rounds;
        let body = if round == 0 {
            answer
        } else {
            chance.pick(&MORE)
        };
        let status = match is_last {
            true if chance.percent(60) => "solved",
            true => "open",
            false => "pending",
        };
        say(
            script,
            at,
            owner,
            json!({ "type": "reply", "body": body, "status": status }),
        );
        if !is_last {
            let asks = at + Duration::minutes(chance.range(30, 3 * 24 * 60));
            if asks >= calendar.end() {
                return;
            }
            at = asks;
            say(
                script,
                at,
                owner,
                json!({ "type": "customer", "body": chance.pick(&AGAIN) }),
            );
        } else if status == "open" {
            if chance.percent(20) {
                let Some(next) = wait(chance, at, 10, 60) else {
                    return;
                };
                at = next;
                let held = json!({ "status": "on_hold", "hold_reason": chance.pick(&HOLDS) });
                change(script, at, owner, held);
                let Some(next) = wait(chance, at, 900, 4_000) else {
                    return;
                };
                at = next;
            }
            let Some(next) = wait(chance, at, 60, 900) else {
                return;
            };
            at = next;
            change(script, at, owner, json!({ "status": "solved" }));
        }
    }
    if chance.percent(6) {
        let again = at + Duration::minutes(chance.range(300, 4 * 24 * 60));
        if again >= calendar.end() {
            return;
        }
        say(
            script,
            again,
            owner,
            json!({ "type": "customer", "body": chance.pick(&AGAIN) }),
        );
        let Some(next) = wait(chance, again, 60, 500) else {
            return;
        };
        at = next;
        let body = chance.pick(&MORE);
        say(
            script,
            at,
            owner,
            json!({ "type": "reply", "body": body, "status": "solved" }),
        );
    }
    if chance.percent(45) {
        let rated = at + Duration::minutes(chance.range(20, 2_000));
        if rated < calendar.end() {
            let place = chance.weighted([4, 6, 12, 28, 50].into_iter());
            let comments: &[&str] = if place > 2 { &PRAISE } else { &BLAME };
            let comment = chance.percent(30).then(|| chance.pick(comments));
            let rating = json!({ "satisfaction": place + 1, "satisfaction_comment": comment });
            change(script, rated, owner, rating);
            at = at.max(rated);
        }
    }
    let closed = calendar.later(chance, at, 7);
    if closed < calendar.end() {
        change(script, closed, owner, json!({ "status": "closed" }));
    }
}

/// Who looks after a ticket that comes at this moment.
fn agent(chance: &mut Chance, calendar: &Calendar, at: Timestamp) -> usize {
    // Priya joined later than the others.
    let joined = moment(calendar.first() + Days::new(270), 0);
    chance.weighted([2, 8, 18, if at < joined { 0 } else { 22 }, 50].into_iter())
}

/// So many minutes later in working time, more or less.
fn soon(chance: &mut Chance, from: Timestamp, minutes: i64) -> Timestamp {
    const OPENS: i64 = 8 * 60 + 30;
    const CLOSES: i64 = 17 * 60 + 30;
    let mut left = minutes.max(3);
    let mut at = from;
    loop {
        let day = at.with_timezone(&ZONE).date_naive();
        let (opens, closes) = (moment(day, OPENS), moment(day, CLOSES));
        let begins = at.max(opens);
        if is_workday(day) && begins < closes {
            let free = (closes - begins).num_minutes();
            if left <= free {
                return begins + Duration::minutes(left) + Duration::seconds(chance.range(0, 29));
            }
            left -= free;
        }
        at = moment(day + Days::new(1), 0);
    }
}
