//! Made-up people by number: the same for the same number, no two with one address, number or name.

use serde_json::{Map, Value, json};

const STARTS: [&str; 20] = [
    "al", "be", "car", "do", "el", "fra", "ga", "hen", "is", "jo", "ka", "lu", "mar", "ni", "ol",
    "pe", "ro", "sa", "ti", "vi",
];
const ENDS: [&str; 20] = [
    "na", "rik", "la", "ster", "mund", "ra", "lio", "tha", "ven", "sen", "dor", "mia", "berg",
    "ton", "ly", "win", "ka", "bert", "line", "vard",
];
const MIDDLES: [&str; 20] = [
    "ber", "can", "del", "fen", "gar", "hol", "jan", "kel", "lan", "mor", "nor", "pal", "quin",
    "ren", "sol", "tan", "ul", "van", "wes", "zor",
];
const TRADES: [&str; 8] = [
    "Logistics",
    "Bakery",
    "Software",
    "Energy",
    "Foods",
    "Legal",
    "Design",
    "Textiles",
];
const TITLES: [&str; 8] = [
    "Buyer",
    "Head of Sales",
    "Managing Director",
    "Engineer",
    "Office Manager",
    "Head of Purchasing",
    "Accountant",
    "Consultant",
];
const CITIES: [(&str, &str); 8] = [
    ("Berlin", "DE"),
    ("Hamburg", "DE"),
    ("Vienna", "AT"),
    ("Lisbon", "PT"),
    ("Leeds", "GB"),
    ("Toronto", "CA"),
    ("Lyon", "FR"),
    ("Gdańsk", "PL"),
];
const TYPES: [&str; 5] = ["lead", "prospect", "customer", "partner", "supplier"];
const TAGS: [&str; 6] = [
    "vip",
    "newsletter",
    "trade fair",
    "referral",
    "cold",
    "north",
];
const SOURCES: [&str; 4] = ["website", "referral", "trade fair", "import"];

/// Names that there are: people beyond this number begin again.
pub(crate) const MOST: u64 = 3_200_000;

/// A person as the numbers in it say.
pub(crate) struct Person {
    /// Given name, one of 400.
    pub(crate) first: String,
    /// Family name, one of 8,000.
    pub(crate) last: String,
    /// Employer, one of 3,200.
    pub(crate) company: String,
    /// Address, this person's only.
    pub(crate) email: String,
    /// Telephone number in E.164 form, this person's only.
    pub(crate) phone: String,
    number: u64,
}

fn pick<T: Copy>(from: &[T], number: u64) -> T {
    from[(number % from.len() as u64) as usize]
}

fn capital(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_uppercase() + rest
}

/// The person of this number.
pub(crate) fn person(number: u64) -> Person {
    // A factor without 2 and 5 in it visits each of the names once, in no order that shows.
    let name = number.wrapping_mul(2_654_435_761) % MOST;
    let first = format!("{}{}", pick(&STARTS, name), pick(&ENDS, name / 20));
    let last = format!(
        "{}{}{}",
        pick(&MIDDLES, name / 400),
        pick(&STARTS, name / 8_000),
        pick(&ENDS, name / 160_000)
    );
    let firm = number.wrapping_mul(48_271) % 3_200;
    let house = format!("{}{}", pick(&STARTS, firm / 8), pick(&MIDDLES, firm / 160));
    Person {
        email: format!("{first}.{last}.{number}@{house}.example"),
        company: format!("{} {}", capital(&house), pick(&TRADES, firm)),
        first: capital(&first),
        last: capital(&last),
        phone: format!("+4930{:08}", 10_000_000 + number),
        number,
    }
}

impl Person {
    /// What `create_contact` is asked.
    pub(crate) fn arguments(&self) -> Map<String, Value> {
        let mut fields = self.fields();
        fields.insert(
            "phones".into(),
            json!([{ "phone": self.phone, "type": "work" }]),
        );
        fields
    }

    /// The contact as its record is declared.
    pub(crate) fn record(&self) -> Value {
        let mut fields = self.fields();
        fields.insert(
            "name".into(),
            format!("{} {}", self.first, self.last).into(),
        );
        fields.insert(
            "phones".into(),
            json!([{ "phone": self.phone, "type": "work", "e164": self.phone }]),
        );
        fields.insert("links".into(), json!([]));
        Value::Object(fields)
    }

    fn fields(&self) -> Map<String, Value> {
        // The low digits are what the names are made from, so the rest takes others.
        let number = self.number.wrapping_mul(40_503) >> 3;
        let (city, country) = pick(&CITIES, number / 5);
        let fields = json!({
            "first_name": self.first,
            "last_name": self.last,
            "title": pick(&TITLES, number / 7),
            "company": self.company,
            "emails": [{ "email": self.email, "type": "work" }],
            "city": city,
            "country": country,
            "types": [pick(&TYPES, number)],
            "tags": [pick(&TAGS, number / 3)],
            "source": pick(&SOURCES, number / 11),
            "score": number % 1001,
        });
        match fields {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
    }

    /// What somebody who looks for this person types: one of eight ways, by turns.
    pub(crate) fn query(&self, way: u64) -> Value {
        let all_but_last = |word: &str| word[..word.len() - 1].to_owned();
        match way % 8 {
            0 => json!({ "query": format!("{} {}", self.first, self.last) }),
            1 => json!({ "query": self.last }),
            // Still being typed.
            2 => json!({ "query": &self.last[..3] }),
            3 => json!({ "query": format!("{} {}", self.first, &self.last[..3]) }),
            // With a typo: the second letter is missing.
            4 => json!({ "query": format!("{}{}", &self.last[..1], &self.last[2..]) }),
            5 => json!({ "query": self.email }),
            6 => json!({ "query": &self.phone[5..] }),
            _ => json!({ "query": all_but_last(&self.company), "type": ["customer"] }),
        }
    }
}

/// The ways of [`Person::query`], in words.
pub(crate) const WAYS: [&str; 8] = [
    "first and last name",
    "last name",
    "3 letters",
    "first name and 3 letters",
    "typo",
    "e-mail address",
    "digits of a number",
    "company, with a filter",
];
