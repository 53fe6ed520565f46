//! The deals: how they went through the stages, and what was done for them.

use bureau_kernel::types::time::Timestamp;
use chrono::{DateTime, Datelike as _, Days, Duration, NaiveDate};
use serde_json::json;

use super::DEALS;
use super::calendar::{
    Calendar, ZONE, appointment, is_workday, office_hour, quarter, workday_from,
};
use super::chance::Chance;
use super::firm::{Company, Firm, Kind, source};
use super::places;
use super::script::{Event, Script, reference};
use super::texts::{
    BODIES, BY_STAGE, DEAL_FACTS, LOST, NEXT_STEP, OFFICE_PRODUCTS, PRODUCTS, Product,
    RENEWAL_FACTS, RENEWALS, Talk, UNQUALIFIED, WON_NOTES,
};

/// The open stages of the first pipeline, in order.
const STAGES: [&str; 4] = ["Lead", "Qualified", "Proposal", "Negotiation"];
/// How many days deals stay in each of them.
const DWELL: [(i64, i64); 4] = [(5, 30), (10, 40), (12, 46), (8, 38)];
/// Activities of deals, beside those that every deal has; the rest is for care.
const MOST_ACTIVITIES: usize = 1_600;

/// The place of the stage in which customers have an offer, and of the one in which it is bargained over.
pub(super) const PROPOSAL: usize = 2;
pub(super) const NEGOTIATION: usize = 3;

/// How a deal goes out in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Won,
    /// In which stage.
    Lost(usize),
    Unqualified(usize),
    /// Nobody closes it.
    Stalls(usize),
}

/// A stay in a stage.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stay {
    pub(super) stage: usize,
    pub(super) from: Timestamp,
    /// When it was left; the end of history where it was not.
    pub(super) to: Timestamp,
}

/// What a deal has to do with money.
#[derive(Debug, Clone)]
pub(super) struct Sale {
    /// The deal's number.
    pub(super) number: usize,
    /// The places of company, contact and owner.
    pub(super) company: usize,
    pub(super) contact: usize,
    pub(super) owner: usize,
    pub(super) product: &'static Product,
    /// How many of it.
    pub(super) count: i64,
    pub(super) renews: bool,
    pub(super) currency: &'static str,
    /// What was asked for at first, and what it came to after bargaining, in hundredths.
    pub(super) asked: i64,
    pub(super) amount: i64,
    pub(super) fate: Fate,
    pub(super) stays: Vec<Stay>,
    /// When it was closed, if it was.
    pub(super) closed: Option<Timestamp>,
    /// Why it was lost, where it was.
    pub(super) reason: Option<&'static str>,
}

impl Sale {
    /// The stay in a stage, if it got there.
    pub(super) fn stay(&self, stage: usize) -> Option<Stay> {
        self.stays.iter().copied().find(|stay| stay.stage == stage)
    }

    /// When it was won, if it was.
    pub(super) fn won(&self) -> Option<Timestamp> {
        self.closed.filter(|_| self.fate == Fate::Won)
    }
}

/// A deal as it is planned.
struct Deal<'a> {
    number: usize,
    company: &'a Company,
    contact: usize,
    called: &'a str,
    owner: usize,
    product: &'static Product,
    count: i64,
    about: &'static str,
    renews: bool,
    fate: Fate,
    stays: Vec<Stay>,
    /// When it was closed, if it was.
    closed: Option<Timestamp>,
    amount: i64,
}

/// What a deal makes of the people it is with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Prospect,
    Customer,
}

/// Writes down the deals with their activities, and what they make of companies and people.
pub(super) fn plan(seed: u64, calendar: &Calendar, script: &mut Script, firm: &Firm) -> Vec<Sale> {
    let chance = &mut Chance::of(seed, 3);
    let mut starts: Vec<Timestamp> = (0..DEALS)
        .map(|_| {
            let from = calendar.first() + Days::new(4);
            let day = calendar.busy_day(chance, from, calendar.today);
            office_hour(chance, day)
        })
        .collect();
    starts.sort();
    let mut fates = Vec::new();
    let mut deals_of = vec![0_u64; firm.companies.len()];
    let mut customer_since: Vec<Option<Timestamp>> = firm
        .companies
        .iter()
        .map(|company| (company.kind == Kind::Customer).then_some(company.created))
        .collect();
    let mut steps: Vec<(Timestamp, Step, usize, usize, usize)> = Vec::new();
    let mut sales = Vec::new();
    for (number, start) in starts.into_iter().enumerate() {
        let place = chance.weighted(firm.companies.iter().zip(&deals_of).map(|(company, had)| {
            let known = company.kind.buys() && company.created + Duration::hours(1) < start;
            let weight = 40 + company.size().unsigned_abs();
            if known { weight * 10 / (2 + had) } else { 0 }
        }));
        let Some(company) = firm.companies.get(place) else {
            continue;
        };
        let there = company.people.iter().copied().filter(|contact| {
            let contact = firm.contacts.get(*contact);
            contact.is_some_and(|contact| contact.created < start)
        });
        let there: Vec<usize> = there.collect();
        // Deals are mostly with the one who decides, who was met first.
        let contact = match there.first() {
            Some(first) if chance.percent(45) => *first,
            _ => chance.pick(&there),
        };
        let buys = customer_since
            .get(place)
            .is_some_and(|since| since.is_some_and(|since| since < start));
        let fate = next_fate(chance, calendar, &mut fates, start);
        let renews = buys && !matches!(fate, Fate::Unqualified(_)) && chance.percent(55);
        let products: &'static [Product] = match (renews, company.is_industrial()) {
            (true, _) => &RENEWALS,
            (false, true) => &PRODUCTS,
            (false, false) => &OFFICE_PRODUCTS,
        };
        let product = products.get(chance.place(products.len()));
        let Some((product, called)) = product.zip(firm.contacts.get(contact)) else {
            continue;
        };
        let (name, count, amount) = price(chance, product, company);
        let (stays, closed) = course(chance, calendar, start, fate, renews);
        let owner = if chance.percent(85) {
            company.owner
        } else {
            chance.place(3)
        };
        let deal = Deal {
            number,
            company,
            contact,
            called: &called.called,
            owner,
            product,
            count,
            about: product.about,
            renews,
            fate,
            stays,
            closed,
            amount,
        };
        sales.extend(write(chance, calendar, script, &deal, &name));
        if let Some(count) = deals_of.get_mut(place) {
            *count += 1;
        }
        steps.push((start, Step::Prospect, place, contact, owner));
        if let (Some(closed), Fate::Won) = (closed, fate) {
            steps.push((closed, Step::Customer, place, contact, owner));
            if let Some(since) = customer_since.get_mut(place) {
                *since = Some(since.map_or(closed, |since| since.min(closed)));
            }
        }
    }
    promote(script, firm, steps);
    sales
}

/// What is next from a shuffled deck, so that the win rate is near 35 % for every seed.
fn next_fate(
    chance: &mut Chance,
    calendar: &Calendar,
    deck: &mut Vec<Fate>,
    start: Timestamp,
) -> Fate {
    if deck.is_empty() {
        deck.extend([Fate::Won; 14]);
        for (stage, count) in [6, 6, 7, 4].into_iter().enumerate() {
            deck.extend(vec![Fate::Lost(stage); count]);
        }
        deck.extend([
            Fate::Unqualified(0),
            Fate::Unqualified(0),
            Fate::Unqualified(1),
        ]);
        chance.shuffle(deck);
    }
    if start > calendar.end() - Duration::days(200) && chance.percent(11) {
        return Fate::Stalls(chance.place(4));
    }
    deck.pop().unwrap_or(Fate::Won)
}

/// What the deal is called, how many of the product it is about, and what it is worth, in whole units of its currency.
fn price(chance: &mut Chance, product: &Product, company: &Company) -> (String, i64, i64) {
    let (least, most) = product.amount;
    let share = (company.size() * chance.range(60, 130) / 100).clamp(0, 100);
    let amount = least + (most - least) * share * share / 10_000;
    let price = chance.range(product.price.0, product.price.1);
    let total = (amount * price * chance.range(92, 100) / 100 + 9) / 10 * 10;
    let what = product.called(amount);
    (format!("{}: {what}", company.name), amount, total)
}

/// The stages that the deal went through up to today, and when it was closed.
fn course(
    chance: &mut Chance,
    calendar: &Calendar,
    start: Timestamp,
    fate: Fate,
    renews: bool,
) -> (Vec<Stay>, Option<Timestamp>) {
    let last = match fate {
        Fate::Won => STAGES.len() - 1,
        Fate::Lost(stage) | Fate::Unqualified(stage) | Fate::Stalls(stage) => stage,
    };
    // Customers do not begin as strangers.
    let skipped = match chance.below(100) {
        0..20 => 1,
        20..55 if renews => 2,
        _ => 0,
    };
    let mut stays = Vec::new();
    let mut from = start;
    for stage in skipped.min(last)..=last {
        let (least, most) = DWELL.get(stage).copied().unwrap_or((7, 14));
        let days = chance.range(least, most);
        let to = calendar.later(chance, from, days);
        let stalls = fate == Fate::Stalls(stage);
        if stalls || to >= calendar.end() {
            stays.push(Stay {
                stage,
                from,
                to: calendar.end(),
            });
            return (stays, None);
        }
        stays.push(Stay { stage, from, to });
        from = to;
    }
    (stays, Some(from))
}

/// The day of a moment where the firm is.
pub(super) fn day_of(time: Timestamp) -> NaiveDate {
    time.with_timezone(&ZONE).date_naive()
}

/// A day by which it may be decided; people like the ends of months.
fn expected(chance: &mut Chance, from: NaiveDate, days: i64) -> NaiveDate {
    let day = workday_from(from + Duration::days(days));
    if !chance.percent(35) {
        return day;
    }
    let month_ends = day.iter_days().take(31).find(|day| {
        day.succ_opt()
            .is_none_or(|next| next.month() != day.month())
    });
    let mut back = month_ends.unwrap_or(day);
    while !is_workday(back) {
        back = back - Days::new(1);
    }
    back.max(day)
}

fn write(
    chance: &mut Chance,
    calendar: &Calendar,
    script: &mut Script,
    deal: &Deal<'_>,
    name: &str,
) -> Option<Sale> {
    let this = reference("deal", deal.number);
    let first = deal.stays.first()?;
    let country = deal.company.country;
    let currency = match places::currency(country) {
        "EUR" => "EUR",
        // Many buy in euros all the same.
        foreign => {
            if chance.percent(70) {
                foreign
            } else {
                "EUR"
            }
        }
    };
    let open = deal.closed.is_none();
    let cents = if chance.percent(10) { "50" } else { "00" };
    let amount = format!("{}.{cents}", deal.amount);
    let asked = deal.amount * 100 + if cents == "50" { 50 } else { 0 };
    let mut sale = Sale {
        number: deal.number,
        company: deal.company.number,
        contact: deal.contact,
        owner: deal.owner,
        product: deal.product,
        count: deal.count,
        renews: deal.renews,
        currency,
        asked,
        amount: asked,
        fate: deal.fate,
        stays: deal.stays.clone(),
        closed: deal.closed,
        reason: None,
    };
    let unknown = open && first.stage == 0 && deal.stays.len() == 1 && chance.percent(20);
    let whole: i64 = DWELL
        .iter()
        .skip(first.stage)
        .map(|(low, high)| (low + high) / 2)
        .sum();
    let guess = whole * chance.range(80, 120) / 100;
    let facts: &[&str] = if deal.renews {
        &RENEWAL_FACTS
    } else {
        &DEAL_FACTS
    };
    let arguments = json!({
        "name": name,
        "stage": (first.stage > 0).then(|| STAGES.get(first.stage)),
        "company": reference("company", deal.company.number),
        "contact": reference("contact", deal.contact),
        "owner": reference("member", deal.owner),
        "amount": (!unknown).then_some(&amount),
        "currency": currency,
        "probability": (open && chance.percent(15)).then(|| chance.range(2, 18) * 5),
        "expected_close": expected(chance, day_of(first.from), guess),
        "source": if deal.renews { "existing customer" } else { source(chance) },
        "tags": [if deal.renews { "renewal" } else if deal.amount > 40_000 { "strategic" } else { "new business" }],
        "summary": chance.percent(40).then(|| chance.pick(facts).replace('@', deal.about)),
    });
    let made = Event::new(first.from, deal.owner, "create_deal", arguments);
    script.add(made.makes(this.clone()));
    for stay in deal.stays.iter().skip(1) {
        let bargained = stay.stage == NEGOTIATION && chance.percent(30);
        let less = deal.amount * chance.range(88, 96) / 100 / 10 * 10;
        if bargained {
            sale.amount = less * 100;
        }
        let near = stay.stage > 1 && chance.percent(75);
        let guess = chance.range(10, 45);
        let arguments = json!({
            "deal": this,
            "stage": STAGES.get(stay.stage),
            "amount": bargained.then(|| format!("{less}.00")),
            "expected_close": near.then(|| expected(chance, day_of(stay.from), guess)),
        });
        script.add(Event::new(stay.from, deal.owner, "update_deal", arguments));
    }
    work(chance, calendar, script, deal, &this);
    let Some(closed) = deal.closed else {
        return Some(sale);
    };
    let arguments = match deal.fate {
        Fate::Lost(_) => {
            let place = chance.weighted(LOST.iter().map(|(_, weight)| *weight));
            sale.reason = LOST.get(place).map(|(reason, _)| *reason);
            json!({ "deal": this, "status": "lost", "lost_reason": sale.reason })
        }
        Fate::Unqualified(_) => {
            let reason = chance.pick(&UNQUALIFIED);
            json!({ "deal": this, "status": "unqualified", "lost_reason": reason })
        }
        Fate::Won | Fate::Stalls(_) => json!({ "deal": this, "status": "won" }),
    };
    script.add(Event::new(closed, deal.owner, "update_deal", arguments));
    if deal.fate == Fate::Won && chance.percent(60) {
        let text = worded(chance.pick(&WON_NOTES), deal);
        let at = closed + Duration::minutes(chance.range(6, 40));
        if at < calendar.end() {
            let key = script.activity();
            let note = json!({ "type": "note", "subject": text, "deal": this });
            script.add(Event::new(at, deal.owner, "create_activity", note).makes(key));
        }
    }
    Some(sale)
}

/// A text with what and whom it is about.
fn worded(text: &str, deal: &Deal<'_>) -> String {
    let text = text.replace('@', deal.about).replace('%', deal.called);
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => text,
    }
}

/// How long a kind of activity takes.
pub(super) fn minutes(chance: &mut Chance, kind: &str) -> Option<i64> {
    match kind {
        "call" => Some(5 * chance.range(1, 7)),
        "meeting" => Some(chance.pick(&[30, 45, 60, 60, 90])),
        "task" => chance.percent(40).then(|| 15 * chance.range(1, 8)),
        _ => None,
    }
}

/// What somebody does for a deal at a moment.
struct Touch {
    at: Timestamp,
    talk: Talk,
}

fn touches(chance: &mut Chance, calendar: &Calendar, deal: &Deal<'_>, few: bool) -> Vec<Touch> {
    let mut touches = Vec::new();
    for (nth, stay) in deal.stays.iter().enumerate() {
        let days = (stay.to - stay.from).num_days();
        // A deal that nobody closes is one for which nothing is done any more.
        let days = if matches!(deal.fate, Fate::Stalls(_)) {
            days.min(20)
        } else {
            days
        };
        let count = if few { 1 } else { (1 + days / 10).min(4) };
        for step in 0..count {
            let into = if nth == 0 && step == 0 {
                chance.range(0, 2)
            } else {
                chance.range(0, days)
            };
            let at = calendar.later(chance, stay.from, into);
            let talks = BY_STAGE.get(stay.stage).copied().unwrap_or_default();
            let talk = talks.get(chance.place(talks.len())).copied();
            let wanted = nth == 0 && step == 0 || chance.percent(85);
            if let Some(talk) = talk.filter(|_| wanted && at < stay.to) {
                touches.push(Touch { at, talk });
            }
        }
    }
    touches.sort_by_key(|touch| touch.at);
    // Two talks within the hour would be one.
    touches.dedup_by(|next, before| {
        next.at - before.at < Duration::hours(1) || next.talk.1 == before.talk.1
    });
    touches
}

/// Writes down what was done for a deal, one thing often planned when the one before is done, and what is to be done.
fn work(
    chance: &mut Chance,
    calendar: &Calendar,
    script: &mut Script,
    deal: &Deal<'_>,
    this: &str,
) {
    let touches = touches(
        chance,
        calendar,
        deal,
        script.activities() > MOST_ACTIVITIES,
    );
    let open = deal.closed.is_none();
    let mut planned: Option<String> = None;
    for (nth, touch) in touches.iter().enumerate() {
        let (kind, subject, outcomes) = touch.talk;
        let next = match touches.get(nth + 1) {
            Some(next) if chance.percent(55) => Some(Next::to(chance, touch.at, next, deal)),
            None if open => Some(Next::pending(chance, calendar, touch.at, deal)),
            _ => None,
        };
        let outcome = chance.pick(outcomes);
        let follow_up = next.as_ref().map(|_| script.activity());
        let done = planned.take();
        match done {
            Some(done) => {
                let arguments = json!({
                    "activity": done,
                    "outcome": outcome,
                    "follow_up": next.as_ref().map(|next| &next.subject),
                    "follow_up_type": next.as_ref().map(|next| next.kind),
                    "follow_up_due": next.as_ref().map(|next| written(next.due)),
                });
                let event = Event::new(touch.at, deal.owner, "complete_activity", arguments);
                script.add(event.follow_up(follow_up.clone()));
            }
            None => {
                let arguments = json!({
                    "type": kind,
                    "subject": worded(subject, deal),
                    "body": (kind == "meeting" || chance.percent(8)).then(|| chance.pick(&BODIES)),
                    "minutes": minutes(chance, kind),
                    "outcome": outcome,
                    "done": true,
                    "deal": this,
                });
                let event = Event::new(touch.at, deal.owner, "create_activity", arguments);
                let key = script.activity();
                script.add(event.makes(key));
                if let (Some(next), Some(key)) = (&next, &follow_up) {
                    script.add(next.planned(chance, touch.at, deal, this, key));
                }
            }
        }
        planned = follow_up;
    }
    let start = deal.stays.first().map(|stay| stay.from);
    if let (Some(start), true, true) = (start, open, touches.is_empty()) {
        let next = Next::pending(chance, calendar, start, deal);
        let key = script.activity();
        script.add(next.planned(chance, start, deal, this, &key));
    }
}

/// A moment as tools read it.
pub(super) fn written(time: DateTime<chrono::Utc>) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// What is planned next.
struct Next {
    kind: &'static str,
    subject: String,
    due: Timestamp,
}

impl Next {
    /// What was done then: planned for that time, or for a little before when it was late.
    fn to(chance: &mut Chance, now: Timestamp, next: &Touch, deal: &Deal<'_>) -> Self {
        let late = if chance.percent(12) {
            chance.range(1, 3)
        } else {
            0
        };
        let due = quarter(next.at - Duration::days(late) - Duration::minutes(20));
        Self {
            kind: next.talk.0,
            subject: worded(next.talk.1, deal),
            due: if due > now && is_workday(day_of(due)) {
                due
            } else {
                next.at
            },
        }
    }

    /// What is still to be done for an open deal.
    fn pending(chance: &mut Chance, calendar: &Calendar, now: Timestamp, deal: &Deal<'_>) -> Self {
        let stage = deal.stays.last().map_or(0, |stay| stay.stage);
        let steps = NEXT_STEP.get(stage).copied().unwrap_or_default();
        let (kind, subject) = chance.pick(steps);
        let stalls = matches!(deal.fate, Fate::Stalls(_));
        Self {
            kind,
            subject: worded(subject, deal),
            due: due(chance, calendar, now, if stalls { 85 } else { 20 }),
        }
    }

    /// The call that plans it by itself.
    fn planned(
        &self,
        chance: &mut Chance,
        now: Timestamp,
        deal: &Deal<'_>,
        this: &str,
        key: &str,
    ) -> Event {
        let arguments = json!({
            "type": self.kind,
            "subject": self.subject,
            "minutes": minutes(chance, self.kind),
            "due_at": written(self.due),
            "deal": this,
        });
        let at = now + Duration::minutes(chance.range(2, 9));
        Event::new(at, deal.owner, "create_activity", arguments).makes(key.to_owned())
    }
}

/// When something planned at a moment is due that is not done yet: overdue in so many of a hundred cases, today, in the
/// next week, or later.
pub(super) fn due(
    chance: &mut Chance,
    calendar: &Calendar,
    planned: Timestamp,
    overdue: u64,
) -> Timestamp {
    let today = calendar.today;
    let first = workday_from(day_of(planned) + Days::new(1));
    let day = if first < today && chance.percent(overdue) {
        let near = first.max(today - Days::new(24));
        calendar.busy_day(chance, near, today)
    } else {
        match chance.below(100) {
            0..18 => today,
            18..62 => workday_from(today + Duration::days(chance.range(1, 6))),
            _ => workday_from(today + Duration::days(chance.range(7, 32))),
        }
    };
    appointment(chance, day)
}

/// Makes prospects and customers of those with whom there are deals, each once and never back.
fn promote(
    script: &mut Script,
    firm: &Firm,
    mut steps: Vec<(Timestamp, Step, usize, usize, usize)>,
) {
    steps.sort();
    let reached = |kind: Kind| (kind == Kind::Customer).then_some(Step::Customer);
    let mut companies: Vec<Option<Step>> = firm
        .companies
        .iter()
        .map(|company| reached(company.kind))
        .collect();
    let mut contacts: Vec<Option<Step>> = firm
        .contacts
        .iter()
        .map(|contact| reached(contact.kind))
        .collect();
    for (at, step, company, contact, by) in steps {
        let later = at + Duration::minutes(1);
        if let Some(known) = contacts.get_mut(contact)
            && *known < Some(step)
        {
            *known = Some(step);
            let (kind, state) = match step {
                Step::Prospect => ("prospect", "in talks"),
                Step::Customer => ("customer", "active"),
            };
            let arguments = json!({
                "contact": reference("contact", contact), "types": [kind], "state": state,
            });
            script.add(Event::new(later, by, "update_contact", arguments));
        }
        if let Some(known) = companies.get_mut(company)
            && step == Step::Customer
            && *known < Some(step)
        {
            *known = Some(step);
            let arguments = json!({
                "company": reference("company", company), "types": ["customer"],
            });
            script.add(Event::new(later, by, "update_company", arguments));
        }
    }
}
