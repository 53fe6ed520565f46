//! The companies and people that the firm knows, and when it came to know them.

use std::collections::HashSet;

use bureau_kernel::types::text::folded;
use bureau_kernel::types::time::Timestamp;
use chrono::{Days, Duration};
use serde_json::{Map, Value, json};

use super::calendar::{Calendar, ZONE, moment, office_hour};
use super::chance::Chance;
use super::companies::{COMPANIES, CompanyRow};
use super::people::{DECIDERS, Person, Register, TITLES, one_of};
use super::places::{self, PLACES, Place};
use super::script::{Event, Script, reference};
use super::texts::{COMPANY_FACTS, FACTS, SOURCES, TAGS};
use super::{CONTACTS, DUPLICATES};

/// Companies that stood in the address book with which the history begins.
const FIRST_COMPANIES: usize = 44;
/// Contacts of no company that we know.
const LOOSE: usize = 22;

/// What a company is to the firm when it comes to know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Prospect,
    Customer,
    Partner,
    Supplier,
    Competitor,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Prospect => "prospect",
            Self::Customer => "customer",
            Self::Partner => "partner",
            Self::Supplier => "supplier",
            Self::Competitor => "competitor",
        }
    }

    /// Whether it may buy.
    pub(super) fn buys(self) -> bool {
        matches!(self, Self::Prospect | Self::Customer)
    }
}

/// A company.
#[derive(Debug, Clone)]
pub(super) struct Company {
    pub(super) number: usize,
    pub(super) name: &'static str,
    pub(super) country: &'static str,
    pub(super) employees: i64,
    pub(super) kind: Kind,
    pub(super) owner: usize,
    pub(super) created: Timestamp,
    /// Its people, in the order in which they were met.
    pub(super) people: Vec<usize>,
    row: &'static CompanyRow,
    place: &'static Place,
}

/// A person.
#[derive(Debug, Clone)]
pub(super) struct Contact {
    /// What colleagues call them in a subject.
    pub(super) called: String,
    pub(super) kind: Kind,
    pub(super) owner: usize,
    pub(super) created: Timestamp,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Firm {
    pub(super) companies: Vec<Company>,
    pub(super) contacts: Vec<Contact>,
}

impl Company {
    /// Whether it makes, stores or moves things, which is what the firm's products are for.
    pub(super) fn is_industrial(&self) -> bool {
        let trade = self.row.2;
        !matches!(
            trade,
            "software"
                | "finance"
                | "insurance"
                | "legal"
                | "design"
                | "consulting"
                | "publishing"
                | "media"
                | "culture"
                | "travel"
                | "property"
                | "education"
        )
    }

    /// How large it is, from 0 to 100.
    pub(super) fn size(&self) -> i64 {
        (i64::from(self.employees.max(16).ilog2()) - 4) * 100 / 8
    }
}

/// The member who looks after something that came at this moment.
pub(super) fn owner(chance: &mut Chance, calendar: &Calendar, at: Timestamp) -> usize {
    // Priya joined later than the others.
    let joined = moment(calendar.first() + Days::new(270), 0);
    let weights = [5, 22, 32, if at < joined { 0 } else { 28 }, 16];
    chance.weighted(weights.into_iter())
}

/// Lays out companies and people, and writes down how they came in.
pub(super) fn plan(seed: u64, calendar: &Calendar, script: &mut Script) -> Firm {
    let mut firm = Firm::default();
    companies(&mut Chance::of(seed, 1), calendar, script, &mut firm);
    people(&mut Chance::of(seed, 2), calendar, script, &mut firm);
    firm
}

fn companies(chance: &mut Chance, calendar: &Calendar, script: &mut Script, firm: &mut Firm) {
    let mut rows: Vec<(&'static CompanyRow, &'static Place)> = COMPANIES
        .iter()
        .filter_map(|row| places::of(row.3).map(|place| (row, place)))
        .collect();
    chance.shuffle(&mut rows);
    let first = calendar.first();
    for (number, (row, place)) in rows.into_iter().enumerate() {
        let created = match number {
            0 => moment(first, 8 * 60 + 31),
            _ if number < FIRST_COMPANIES => {
                let day = calendar.busy_day(chance, first, first + Days::new(4));
                office_hour(chance, day)
            }
            _ => {
                let last = calendar.today - Days::new(5);
                let day = calendar.busy_day(chance, first + Days::new(7), last);
                office_hour(chance, day)
            }
        };
        let kind = match number {
            0..24 => Kind::Customer,
            24..26 | 50..53 => Kind::Supplier,
            26..28 | 60..64 => Kind::Partner,
            70 => Kind::Competitor,
            _ => Kind::Prospect,
        };
        let company = Company {
            number,
            name: row.0,
            country: place.country,
            employees: row.4,
            kind,
            owner: owner(chance, calendar, created),
            created,
            people: Vec::new(),
            row,
            place,
        };
        script.add(creation_of(chance, &company));
        firm.companies.push(company);
    }
}

fn creation_of(chance: &mut Chance, company: &Company) -> Event {
    let (name, domain, trade, ..) = *company.row;
    let place = company.place;
    let known = |chance: &mut Chance, text: String| chance.percent(80).then_some(text);
    let incorporated = !name.ends_with("University") && !name.ends_with("Trust");
    let legal_name = format!("{name} {}", places::legal_form(place.country));
    let legal_name = known(chance, legal_name).filter(|_| incorporated);
    let line = chance.range(1, 96);
    let street = places::street(place.country, line, chance.place(60));
    let arguments = json!({
        "name": name,
        "legal_name": legal_name,
        "website": format!("https://www.{domain}.example"),
        "industry": trade,
        "employees": company.employees,
        "types": [company.kind.name()],
        "email": known(chance, format!("info@{domain}.example")),
        "street": street,
        "postal_code": place.postal_code,
        "city": place.city,
        "country": place.country,
        "vat_id": places::vat_id(place.country, COMPANIES.iter().position(|row| row.1 == domain)),
        "owner": reference("member", company.owner),
        "tags": chance.percent(30).then(|| [chance.pick(&["key account", "framework agreement", "multi-site", "regional"])]),
        "source": source(chance),
        "summary": (company.is_industrial() && chance.percent(55)).then(|| chance.pick(&COMPANY_FACTS)),
        // The very first one is refused where it is there already: then so is everything else.
        "on_duplicate": (company.number > 0).then_some("create"),
    });
    Event::new(company.created, company.owner, "create_company", arguments)
        .makes(reference("company", company.number))
}

/// Where something came from.
pub(super) fn source(chance: &mut Chance) -> &'static str {
    let place = chance.weighted(SOURCES.iter().map(|(_, weight)| *weight));
    SOURCES.get(place).map_or("", |(name, _)| name)
}

fn people(chance: &mut Chance, calendar: &Calendar, script: &mut Script, firm: &mut Firm) {
    let mut desk = Desk::default();
    for (company, count) in head_counts(chance, &firm.companies).into_iter().enumerate() {
        for nth in 0..count {
            meet(
                chance,
                calendar,
                script,
                firm,
                &mut desk,
                Some(company),
                nth,
            );
        }
    }
    for nth in 0..LOOSE {
        meet(chance, calendar, script, firm, &mut desk, None, nth);
    }
    twice(chance, calendar, script, firm, &desk);
}

/// How many people of each company there are: two at least, and more of large ones.
fn head_counts(chance: &mut Chance, companies: &[Company]) -> Vec<usize> {
    let mut counts = vec![2; companies.len()];
    let left = (CONTACTS - DUPLICATES - LOOSE).saturating_sub(2 * companies.len());
    for _ in 0..left {
        let weights = companies.iter().map(|company| {
            let size = u64::from(company.employees.max(2).ilog2());
            size * size
        });
        if let Some(count) = counts.get_mut(chance.weighted(weights)) {
            *count += 1;
        }
    }
    counts
}

fn meet(
    chance: &mut Chance,
    calendar: &Calendar,
    script: &mut Script,
    firm: &mut Firm,
    desk: &mut Desk,
    at: Option<usize>,
    nth: usize,
) {
    let number = firm.contacts.len();
    let company = at.and_then(|at| firm.companies.get(at));
    let created = match company {
        Some(company) if nth == 0 || chance.percent(45) => {
            company.created + Duration::minutes(4 * nth as i64 + chance.range(2, 4))
        }
        _ => {
            let known = company.map_or(calendar.first(), |company| {
                company.created.with_timezone(&ZONE).date_naive()
            });
            let day = calendar.busy_day(chance, known + Days::new(1), calendar.today);
            office_hour(chance, day)
        }
    };
    let (kind, by) = match company {
        Some(company) => (company.kind, company.owner),
        None => (Kind::Prospect, owner(chance, calendar, created)),
    };
    let (person, mut arguments) = match company {
        Some(company) => desk.employee(chance, company.row, company.place, nth == 0),
        None => desk.stranger(chance),
    };
    let (kind_name, state) = standing(chance, kind);
    let mut give = |field: &str, value: Value| {
        arguments.insert(field.to_owned(), value);
    };
    give("types", json!([kind_name]));
    give("state", state.into());
    give("owner", reference("member", by).into());
    give("on_duplicate", "create".into());
    if let Some(at) = at {
        give("company_id", reference("company", at).into());
    }
    let superior = company.and_then(|company| company.people.first());
    if let Some(superior) = superior.filter(|_| chance.percent(30)) {
        let there = firm.contacts.get(*superior);
        if there.is_some_and(|superior| superior.created < created) {
            give("reports_to", reference("contact", *superior).into());
        }
    }
    let event = Event::new(created, by, "create_contact", Value::Object(arguments));
    script.add(event.makes(reference("contact", number)));
    firm.contacts.push(Contact {
        called: person.called(),
        kind,
        owner: by,
        created,
    });
    if let Some(company) = at.and_then(|at| firm.companies.get_mut(at)) {
        company.people.push(number);
    }
}

/// What somebody of such a company is to the firm, and where they stand.
fn standing(chance: &mut Chance, kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Prospect => (
            "lead",
            chance.pick(&["new", "new", "contacted", "qualified"]),
        ),
        Kind::Customer => (
            "customer",
            chance.pick(&["active", "active", "active", "renewal due"]),
        ),
        Kind::Partner => ("partner", chance.pick(&["active", "dormant"])),
        Kind::Supplier => ("supplier", "active"),
        Kind::Competitor => ("other", "dormant"),
    }
}

/// People whom a second colleague wrote down once more: two by address, two by number, two by name and company.
fn twice(
    chance: &mut Chance,
    calendar: &Calendar,
    script: &mut Script,
    firm: &mut Firm,
    desk: &Desk,
) {
    let mut found: Vec<usize> = (0..firm.contacts.len()).collect();
    chance.shuffle(&mut found);
    let early = calendar.end() - Duration::days(60);
    let mut left = DUPLICATES;
    for original in found {
        let Some((contact, known)) = firm.contacts.get(original).zip(desk.known.get(original))
        else {
            continue;
        };
        let whole = ["first_name", "last_name", "company", "emails", "phones"];
        let fits = contact.created < early && whole.iter().all(|field| known.contains_key(*field));
        if !fits || known.contains_key("name") {
            continue;
        }
        let pick = |field: &str| known.get(field).cloned().unwrap_or_default();
        let text = |field: &str| pick(field).as_str().unwrap_or_default().to_owned();
        let initial: String = text("first_name").chars().take(1).collect();
        let short = format!("{initial}. {}", text("last_name"));
        let arguments = match left {
            5.. => json!({ "name": short, "emails": pick("emails"), "source": "webinar" }),
            3..5 => json!({ "name": short, "phones": pick("phones"), "company": pick("company") }),
            _ => json!({
                "first_name": text("first_name"), "last_name": text("last_name"),
                "company": pick("company"), "tags": ["event guest"], "source": "trade fair",
            }),
        };
        let day = contact.created.with_timezone(&ZONE).date_naive() + Days::new(20);
        let day = calendar.busy_day(chance, day, calendar.today);
        let at = office_hour(chance, day);
        let by = (contact.owner + 1) % 5;
        let by = if by == 3 { 4 } else { by };
        let number = firm.contacts.len();
        let mut event = Event::new(at, by, "create_contact", arguments);
        let more = [
            ("types", json!(["lead"])),
            ("state", "new".into()),
            ("owner", reference("member", by).into()),
            ("on_duplicate", "create".into()),
        ];
        event
            .arguments
            .extend(more.map(|(field, value)| (field.to_owned(), value)));
        script.add(event.makes(reference("contact", number)));
        firm.contacts.push(Contact {
            called: short,
            kind: Kind::Prospect,
            owner: by,
            created: at,
        });
        left -= 1;
        if left == 0 {
            break;
        }
    }
}

impl Person {
    fn called(&self) -> String {
        format!("{} {}", self.first, self.last)
    }
}

/// Writes down people, and remembers which addresses and numbers are taken.
#[derive(Debug, Default)]
pub(super) struct Desk {
    names: Register,
    addresses: HashSet<String>,
    numbers: HashSet<String>,
    /// What was written down about each.
    known: Vec<Map<String, Value>>,
}

impl Desk {
    /// Somebody who works at a company.
    fn employee(
        &mut self,
        chance: &mut Chance,
        row: &CompanyRow,
        place: &Place,
        decides: bool,
    ) -> (Person, Map<String, Value>) {
        let (company, domain, ..) = *row;
        let (person, address) = self.somebody(chance, place.country, &format!("{domain}.example"));
        let number = place.numbers.and_then(|free| self.number(chance, free));
        let number = number.filter(|_| chance.percent(92));
        let mailed = number.is_none() || chance.percent(95);
        let title = if decides { DECIDERS } else { TITLES };
        let title = chance.percent(92).then(|| one_of(chance, title));
        let mut tags: Vec<&str> = (0..chance.below(3)).map(|_| chance.pick(&TAGS)).collect();
        tags.dedup();
        let contact = json!({
            "name": person.native,
            "first_name": person.first,
            "last_name": person.last,
            "title": title,
            "company": company,
            "emails": mailed.then(|| json!([{ "email": address, "type": "work" }])),
            "phones": number.map(|number| json!([{ "phone": number, "type": "work" }])),
            "city": place.city,
            "country": place.country,
            "tags": (!tags.is_empty()).then_some(tags),
            "source": source(chance),
            "score": chance.range(5, 97) * 10,
            "summary": chance.percent(30).then(|| chance.pick(&FACTS)),
        });
        (person, self.note(contact))
    }

    /// Somebody of whom little is known.
    fn stranger(&mut self, chance: &mut Chance) -> (Person, Map<String, Value>) {
        let place = chance.pick(&PLACES.each_ref().map(Some));
        let country = place.map_or("DE", |place| place.country);
        let (person, address) = self.somebody(chance, country, "post.example");
        let free = place.and_then(|place| place.numbers);
        let number = free.and_then(|free| self.number(chance, free));
        let called = number.filter(|_| chance.percent(35));
        let contact = json!({
            "first_name": person.first,
            "last_name": (called.is_some() || chance.percent(60)).then_some(&person.last),
            "emails": called.is_none().then(|| json!([{ "email": address, "type": "personal" }])),
            "phones": called.map(|number| json!([{ "phone": number, "type": "mobile" }])),
            "country": chance.percent(50).then_some(country),
            "source": "website",
            "summary": chance.percent(40).then_some("Asked for a price by the form on the website."),
        });
        (person, self.note(contact))
    }

    fn note(&mut self, contact: Value) -> Map<String, Value> {
        let mut contact = match contact {
            Value::Object(contact) => contact,
            _ => Map::new(),
        };
        contact.retain(|_, value| !value.is_null());
        self.known.push(contact.clone());
        contact
    }

    /// A person with an address that nobody has yet.
    fn somebody(&mut self, chance: &mut Chance, country: &str, domain: &str) -> (Person, String) {
        const TRIES: usize = 50;
        let mut tries = 0;
        loop {
            let person = self.names.person(chance, country);
            let mut local = format!("{}.{}", local_part(&person.first), local_part(&person.last));
            tries += 1;
            if tries > TRIES {
                local = format!("{local}{tries}");
            }
            let address = format!("{local}@{domain}");
            if self.addresses.insert(address.clone()) {
                return (person, address);
            }
        }
    }

    /// A number that nobody has yet, while there are any.
    fn number(&mut self, chance: &mut Chance, (start, free): (&str, u32)) -> Option<String> {
        let all = 10_u64.pow(free);
        let from = chance.below(all);
        let width = free as usize;
        let mut numbers = (0..all).map(|step| format!("{start}{:0width$}", (from + step) % all));
        let number = numbers.find(|number| !self.numbers.contains(number))?;
        self.numbers.insert(number.clone());
        Some(number)
    }
}

/// A name as it stands in an address: without accents, joined by hyphens.
fn local_part(name: &str) -> String {
    folded(name)
        .replace(' ', "-")
        .replace('ß', "ss")
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .collect()
}

/// The arguments of `create_contact` for that many people of these companies, without a link to records: no two of them
/// have the same address or number.
#[must_use]
pub fn contacts(seed: u64, count: usize) -> Vec<Map<String, Value>> {
    let mut chance = Chance::new(seed);
    let mut desk = Desk::default();
    let mut contacts = Vec::with_capacity(count);
    while contacts.len() < count {
        let row = chance.pick(&COMPANIES.each_ref().map(Some));
        let Some((row, place)) = row.and_then(|row| Some((row, places::of(row.3)?))) else {
            continue;
        };
        let decides = chance.percent(25);
        let (_, mut contact) = desk.employee(&mut chance, row, place, decides);
        let kind = [
            Kind::Prospect,
            Kind::Customer,
            Kind::Customer,
            Kind::Partner,
        ];
        let kind = kind.get(chance.place(4)).copied().unwrap_or(Kind::Prospect);
        let (kind, state) = standing(&mut chance, kind);
        contact.insert("types".into(), json!([kind]));
        contact.insert("state".into(), state.into());
        contacts.push(contact);
    }
    contacts
}
