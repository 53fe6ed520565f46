//! A made-up firm to try Bureau with: the same for the same seed. It is filled like any other, by calls of the operator.
//!
//! Companies and addresses are under `.example`, which belongs to nobody; numbers are of the ranges that the regulators
//! of the United Kingdom, Germany, France and North America keep free for fiction.

use std::collections::HashSet;

use bureau_kernel::admin::{self, NewKey, NewWorkspace};
use bureau_kernel::error::{Code, Error, Result};
use bureau_kernel::permission::Grants;
use bureau_kernel::pipeline::{Call, Outcome, Pipeline, Settings};
use bureau_kernel::store::Store;
use bureau_kernel::types::text::folded;
use bureau_kernel::types::time::now;
use chrono::Duration;
use serde_json::{Map, Value, json};

use crate::boot;

/// The seed of the firm that `bureau serve --demo` shows.
pub const SEED: u64 = 2026;
/// Its name.
pub const FIRM: &str = "Harbour & Vale";
/// How many contacts it has.
pub const CONTACTS: usize = 500;
/// Its workspace.
const SLUG: &str = "demo";
/// How long a demo key works, in days.
const KEY_DAYS: i64 = 90;

/// Makes the demo firm in an empty database, goes on where it was cut off, and makes a key for it.
///
/// # Errors
/// [`Code::Conflict`] for a database that holds something else: nothing is mixed into real data.
pub async fn prepare(store: &Store, seed: u64) -> Result<String> {
    let workspaces = admin::list_workspaces(store).await?;
    if workspaces.is_empty() {
        let new = NewWorkspace {
            slug: SLUG.into(),
            name: FIRM.into(),
            time_zone: "Europe/Berlin".into(),
            currency: "EUR".into(),
            country: Some("DE".into()),
            owner: "Alex Morgan".into(),
        };
        admin::create_workspace(store, new).await?;
        boot::furnish(store).await?;
    } else if !workspaces.iter().any(|workspace| workspace.slug == SLUG) {
        return Err(Error::new(
            Code::Conflict,
            "This database is not empty, and the demo firm is not mixed into it.",
        )
        .hint("Leave --demo out, or name a new file with --database."));
    }
    // The first key is made after the last contact.
    if admin::list_keys(store).await?.is_empty() {
        fill(store, seed).await?;
    }
    let new = NewKey {
        name: format!("demo {}", now().format("%Y-%m-%d %H:%M:%S")),
        grants: Grants::Everything,
        workspaces: vec![SLUG.into()],
        member: None,
        expires_at: Some(now() + Duration::days(KEY_DAYS)),
        confirm: None,
        calls_per_hour: None,
    };
    admin::create_key(store, new).await.map(|(key, _)| key)
}

async fn fill(store: &Store, seed: u64) -> Result<()> {
    let pipeline = Pipeline::new(
        store.clone(),
        boot::whole_registry()?,
        None,
        Settings::default(),
    )?;
    let operator = pipeline.operator(Some(SLUG)).await?;
    for mut arguments in contacts(seed, CONTACTS) {
        // What a start that was cut off has made is not made twice.
        arguments.insert("on_duplicate".into(), "return".into());
        let call = Call {
            tool: "create_contact".into(),
            arguments,
            ..Call::default()
        };
        if let Outcome::Failed(error) = pipeline.call(operator.clone(), call).await {
            return Err(error);
        }
    }
    Ok(())
}

/// The arguments of `create_contact` for that many people: no two of them with the same address or number.
#[must_use]
pub fn contacts(seed: u64, count: usize) -> Vec<Map<String, Value>> {
    let mut chance = Chance(seed);
    let (mut addresses, mut numbers) = (HashSet::new(), HashSet::new());
    let mut contacts = Vec::with_capacity(count);
    while contacts.len() < count {
        let first = chance.pick(&FIRST_NAMES);
        let last = chance.pick(&LAST_NAMES);
        let (company, domain, trade) = chance.pick(&COMPANIES);
        let (city, country, dial, free) = chance.pick(&CITIES);
        let address = format!(
            "{}.{}@{domain}.example",
            local_part(first),
            local_part(last)
        );
        if !addresses.insert(address.clone()) {
            continue;
        }
        let number = loop {
            let number = format!(
                "{dial}{:0width$}",
                chance.below(10_u64.pow(free)),
                width = free as usize
            );
            if numbers.insert(number.clone()) {
                break number;
            }
        };
        let kind = chance.weighted(&TYPES);
        let mut tags = vec![trade];
        tags.extend((0..chance.below(3)).map(|_| chance.pick(&TAGS)));
        let contact = json!({
            "first_name": first,
            "last_name": last,
            "title": chance.pick(&TITLES),
            "company": company,
            "emails": [{ "email": address, "type": "work" }],
            "phones": [{ "phone": number, "type": "work" }],
            "city": city,
            "country": country,
            "types": [kind],
            "state": chance.pick(states(kind)),
            "tags": tags,
            "source": chance.pick(&SOURCES),
            "score": chance.below(1001),
        });
        let Value::Object(mut contact) = contact else {
            break;
        };
        if chance.below(3) == 0 {
            let fact = chance.pick(&FACTS);
            let topic = chance.pick(&TOPICS);
            contact.insert(
                "summary".into(),
                format!("{fact} Last spoke about {topic}.").into(),
            );
        }
        contacts.push(contact);
    }
    contacts
}

/// A name as it stands in an address: without accents, joined by hyphens.
fn local_part(name: &str) -> String {
    folded(name)
        .replace([' ', '\''], "-")
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .collect()
}

fn states(kind: &str) -> &'static [&'static str] {
    match kind {
        "lead" => &["new", "contacted", "qualified"],
        "prospect" => &["meeting", "proposal", "negotiation"],
        "customer" => &["active", "active", "renewal due"],
        _ => &["active", "dormant"],
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014). Its own, because a library may change what a seed gives between versions.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is small against 2⁶⁴: the bias is far below what anybody could see.
    fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    fn pick<T: Copy + Default>(&mut self, choices: &[T]) -> T {
        let index = usize::try_from(self.below(choices.len() as u64)).unwrap_or_default();
        choices.get(index).copied().unwrap_or_default()
    }

    /// One of the choices, each as likely as its weight says.
    fn weighted(&mut self, choices: &[(&'static str, u64)]) -> &'static str {
        let mut left = self.below(choices.iter().map(|(_, weight)| weight).sum());
        for (choice, weight) in choices {
            if left < *weight {
                return choice;
            }
            left -= weight;
        }
        ""
    }
}

const TYPES: [(&str, u64); 5] = [
    ("lead", 30),
    ("prospect", 20),
    ("customer", 35),
    ("partner", 8),
    ("supplier", 7),
];

const SOURCES: [&str; 8] = [
    "website",
    "referral",
    "trade fair",
    "webinar",
    "newsletter",
    "cold call",
    "LinkedIn",
    "existing customer",
];

const TAGS: [&str; 10] = [
    "vip",
    "newsletter",
    "decision maker",
    "technical",
    "budget holder",
    "reference",
    "early adopter",
    "board",
    "event guest",
    "slow payer",
];

const TITLES: [&str; 28] = [
    "Chief Executive Officer",
    "Managing Director",
    "Chief Financial Officer",
    "Head of Procurement",
    "Purchasing Manager",
    "Operations Manager",
    "Plant Manager",
    "Head of IT",
    "IT Administrator",
    "Software Architect",
    "Product Manager",
    "Marketing Director",
    "Brand Manager",
    "Head of Sales",
    "Key Account Manager",
    "Sales Representative",
    "Human Resources Manager",
    "Recruiter",
    "Legal Counsel",
    "Controller",
    "Accountant",
    "Office Manager",
    "Executive Assistant",
    "Project Manager",
    "Quality Manager",
    "Logistics Coordinator",
    "Research Engineer",
    "Founder",
];

const FACTS: [&str; 8] = [
    "Prefers e-mail to the telephone.",
    "Decides together with the finance department.",
    "Knows our product from a former employer.",
    "Wants everything in writing.",
    "Plans the budget in October.",
    "Introduced us to two other firms.",
    "Was unhappy with the former supplier.",
    "Speaks German, English and French.",
];

const TOPICS: [&str; 8] = [
    "a pilot in spring",
    "the renewal",
    "delivery times",
    "a volume discount",
    "training for the team",
    "the security review",
    "an extension of the contract",
    "integration with the warehouse system",
];

/// City, country, the beginning of a fictional number there, and how many digits are free after it.
const CITIES: [(&str, &str, &str, u32); 20] = [
    ("Berlin", "DE", "+493023125", 3),
    ("Frankfurt", "DE", "+496990009", 3),
    ("Hamburg", "DE", "+494066969", 3),
    ("Cologne", "DE", "+492214710", 3),
    ("Munich", "DE", "+498999998", 3),
    ("London", "GB", "+44207946", 4),
    ("Leeds", "GB", "+441134960", 3),
    ("Sheffield", "GB", "+441144960", 3),
    ("Paris", "FR", "+33199001", 3),
    ("Leicester", "GB", "+441164960", 3),
    ("Bristol", "GB", "+441174960", 3),
    ("Birmingham", "GB", "+441214960", 3),
    ("Edinburgh", "GB", "+441314960", 3),
    ("Glasgow", "GB", "+441414960", 3),
    ("Manchester", "GB", "+441614960", 3),
    ("New York", "US", "+121255501", 2),
    ("San Francisco", "US", "+141555501", 2),
    ("Chicago", "US", "+131255501", 2),
    ("Boston", "US", "+161755501", 2),
    ("Toronto", "CA", "+141655501", 2),
];

/// Company, its domain below `.example`, its trade.
const COMPANIES: [(&str, &str, &str); 48] = [
    ("Alderbrook Foods", "alderbrook", "food"),
    ("Amberline Textiles", "amberline", "textiles"),
    ("Arcwell Energy", "arcwell", "energy"),
    ("Baltic Freight Partners", "balticfreight", "logistics"),
    ("Bellweather Insurance", "bellweather", "insurance"),
    ("Birchfield Pharma", "birchfield", "pharma"),
    ("Bluestone Quarries", "bluestone", "construction"),
    ("Brandt Maschinenbau", "brandt-maschinen", "machinery"),
    ("Calder Optics", "calderoptics", "optics"),
    ("Castellan Security", "castellan", "security"),
    ("Cedar & Finch", "cedarfinch", "retail"),
    ("Clearwater Analytics Group", "clearwater-group", "software"),
    ("Copperleaf Interiors", "copperleaf", "interiors"),
    ("Dornbusch Verlag", "dornbusch", "publishing"),
    ("Eastgate Logistics", "eastgate", "logistics"),
    ("Elmwood Dental", "elmwood", "health"),
    ("Falkner Präzision", "falkner", "machinery"),
    ("Fairhaven Hotels", "fairhaven", "hotels"),
    ("Granite Peak Software", "granitepeak", "software"),
    ("Greenacre Farms", "greenacre", "food"),
    ("Hallmann Logistik", "hallmann", "logistics"),
    ("Hartwell & Sons", "hartwell", "retail"),
    ("Ironbridge Steel", "ironbridge", "steel"),
    ("Juniper Health", "juniperhealth", "health"),
    ("Kestrel Aviation", "kestrel", "aviation"),
    ("Kirchner Elektrotechnik", "kirchner", "electronics"),
    ("Lakeshore Capital", "lakeshore", "finance"),
    ("Lindqvist Design", "lindqvist", "design"),
    ("Marlow Press", "marlow", "publishing"),
    ("Meridian Robotics", "meridian-robotics", "robotics"),
    ("Northmoor Breweries", "northmoor", "food"),
    ("Oakridge Timber", "oakridge", "construction"),
    ("Orchard Street Media", "orchardstreet", "media"),
    ("Pinnacle Elevators", "pinnacle", "machinery"),
    ("Quayside Marine", "quayside", "shipping"),
    ("Rautenberg Chemie", "rautenberg", "chemicals"),
    ("Redfern Solar", "redfern", "energy"),
    ("Riverton Bank", "riverton", "finance"),
    ("Saltmarsh Brewing", "saltmarsh", "food"),
    ("Sandberg Medizintechnik", "sandberg", "health"),
    ("Silverdale Motors", "silverdale", "automotive"),
    ("Stonebridge Consulting", "stonebridge", "consulting"),
    ("Sundial Travel", "sundial", "travel"),
    ("Tamarind Spices", "tamarind", "food"),
    ("Thornfield University", "thornfield", "education"),
    ("Vossberg Automotive", "vossberg", "automotive"),
    ("Westhaven Properties", "westhaven", "property"),
    ("Yarrow Cosmetics", "yarrow", "cosmetics"),
];

const FIRST_NAMES: [&str; 72] = [
    "Adaeze",
    "Aisha",
    "Alejandro",
    "Amelia",
    "Anders",
    "Anja",
    "Anneliese",
    "Arjun",
    "Beatriz",
    "Benjamin",
    "Bernd",
    "Camille",
    "Carlos",
    "Catherine",
    "Chloé",
    "Daniel",
    "David",
    "Diego",
    "Elena",
    "Elif",
    "Emma",
    "Erik",
    "Fatima",
    "Felix",
    "François",
    "Freya",
    "George",
    "Giulia",
    "Grace",
    "Hannah",
    "Hiroshi",
    "Ibrahim",
    "Ingrid",
    "Isabel",
    "Jakub",
    "James",
    "Jasmin",
    "Joanna",
    "Jonas",
    "José",
    "Julia",
    "Kamal",
    "Katharina",
    "Kofi",
    "Lars",
    "Laura",
    "Leila",
    "Lena",
    "Liam",
    "Lucía",
    "Magnus",
    "Maria",
    "Marta",
    "Matteo",
    "Mei",
    "Michael",
    "Nadia",
    "Nikolai",
    "Noah",
    "Olivia",
    "Omar",
    "Paul",
    "Priya",
    "Rachel",
    "Robert",
    "Samuel",
    "Sofia",
    "Stefan",
    "Thandiwe",
    "Thomas",
    "Yuki",
    "Zoë",
];

const LAST_NAMES: [&str; 84] = [
    "Abbott",
    "Adeyemi",
    "Ahmed",
    "Almeida",
    "Andersson",
    "Bailey",
    "Bauer",
    "Becker",
    "Bennett",
    "Bianchi",
    "Brown",
    "Carter",
    "Chen",
    "Clarke",
    "Costa",
    "Davies",
    "Dubois",
    "Edwards",
    "Eriksen",
    "Evans",
    "Fernández",
    "Fischer",
    "Fitzgerald",
    "Fleming",
    "García",
    "Gray",
    "Gupta",
    "Haas",
    "Hansen",
    "Harris",
    "Hoffmann",
    "Hughes",
    "Ivanova",
    "Jensen",
    "Johansson",
    "Jones",
    "Kaya",
    "Keller",
    "Khan",
    "Kim",
    "Klein",
    "Kovács",
    "Kowalski",
    "Krüger",
    "Lambert",
    "Larsen",
    "Lehmann",
    "Lopez",
    "MacDonald",
    "Martin",
    "Mensah",
    "Meyer",
    "Miller",
    "Moreau",
    "Müller",
    "Murphy",
    "Nakamura",
    "Neumann",
    "Nguyen",
    "Novák",
    "O'Brien",
    "Okafor",
    "Olsen",
    "Patel",
    "Pereira",
    "Petrov",
    "Quinn",
    "Reid",
    "Richter",
    "Rossi",
    "Santos",
    "Schmidt",
    "Schneider",
    "Silva",
    "Singh",
    "Smith",
    "Sørensen",
    "Taylor",
    "Thompson",
    "Wagner",
    "Walker",
    "Weber",
    "Wilson",
    "Zimmermann",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_people_and_another_one_others() {
        assert_eq!(contacts(SEED, 50), contacts(SEED, 50));
        assert_ne!(contacts(SEED, 50), contacts(SEED + 1, 50));
    }

    #[test]
    fn no_two_people_share_an_address_or_a_number_and_none_of_them_is_real() {
        let contacts = contacts(SEED, CONTACTS);
        assert_eq!(contacts.len(), CONTACTS);
        let all = |list: &str, field: &str| -> HashSet<String> {
            contacts
                .iter()
                .map(|contact| contact[list][0][field].as_str().unwrap().to_owned())
                .collect()
        };
        let (addresses, numbers) = (all("emails", "email"), all("phones", "phone"));
        assert_eq!((addresses.len(), numbers.len()), (CONTACTS, CONTACTS));
        assert!(
            addresses
                .iter()
                .all(|address| address.is_ascii() && address.ends_with(".example"))
        );
        for number in numbers {
            assert_eq!(
                bureau_kernel::types::phone::e164(&number, None).as_ref(),
                Some(&number)
            );
        }
    }
}
