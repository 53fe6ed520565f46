//! A made-up firm of a million deals by number: the same for the same number. A quarter of the deals are open, mostly the
//! younger ones; amounts are log-normal; few members own much and some hardly anything; most companies have 1 to 20
//! deals, the first ones hundreds; tags are of every frequency from one in five to one in twenty thousand.
//!
//! Its rows are written past the record layer, with what the record layer writes beside them: derived columns, look-up
//! terms, and a sealed change log. A test in the bench holds them against rows that the record layer wrote.

use bureau_activities::Activity;
use bureau_companies::Company;
use bureau_contacts::Contact;
use bureau_deals::Deal;
use bureau_kernel::record::{Attributes, Record};
use bureau_kernel::store::{Column as _, Kind, Value};
use bureau_kernel::types::id::{Id, encode};
use chrono::{DateTime, Days, Duration, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Data, json};
use sha2::{Digest as _, Sha256};

use super::people::person;
use super::rows::Rows;

/// How many there are of each.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Sizes {
    pub(crate) contacts: u64,
    pub(crate) companies: u64,
    pub(crate) deals: u64,
    pub(crate) activities: u64,
    /// Rows of the change log.
    pub(crate) entries: u64,
}

/// A pipeline of the workspace.
pub(crate) struct Way {
    pub(crate) pipeline: i64,
    pub(crate) open: Vec<i64>,
    pub(crate) won: i64,
    pub(crate) lost: i64,
}

/// The firm.
pub(crate) struct Firm {
    pub(crate) workspace: i64,
    pub(crate) sizes: Sizes,
    /// When it was filled: everything in it happened before.
    pub(crate) now: DateTime<Utc>,
    pub(crate) members: Vec<i64>,
    pub(crate) keys: Vec<i64>,
    pub(crate) ways: Vec<Way>,
}

/// Tags of deals: how many of a million have each. The last one stands on the oldest tenth only.
pub(crate) const TAGS: [(&str, u64); 7] = [
    ("key account", 200_000),
    ("renewal", 50_000),
    ("third quarter", 10_000),
    ("expo", 2_000),
    ("pilot", 500),
    ("alumni", 50),
    ("old fair", 100_000),
];
/// The tools in the change log, with one in how many rows; the last two are rare.
pub(crate) const TOOLS: [(&str, &str, &str, u64); 9] = [
    ("create_deal", "deal", "create", 5),
    ("update_deal", "deal", "update", 4),
    ("move_deal_stage", "deal", "update", 6),
    ("create_activity", "activity", "create", 6),
    ("complete_activity", "activity", "update", 8),
    ("create_contact", "contact", "create", 8),
    ("update_contact", "contact", "update", 2),
    ("delete_activity", "activity", "archive", 1_000),
    ("purge_contact", "contact", "update", 20_000),
];
const TYPES: [&str; 5] = ["call", "email", "meeting", "task", "note"];
const SUBJECTS: [&str; 6] = [
    "Talk about the offer",
    "Send the contract",
    "Ask for the budget",
    "Demonstration",
    "Write the minutes",
    "Follow up",
];
const WARES: [&str; 8] = [
    "machines",
    "licences",
    "training",
    "maintenance",
    "consulting",
    "spare parts",
    "lease",
    "expansion",
];
const INDUSTRIES: [&str; 6] = [
    "Logistics",
    "Bakery",
    "Software",
    "Energy",
    "Legal",
    "Textiles",
];
/// The day before which nothing happened.
const START: DateTime<Utc> = match NaiveDate::from_ymd_opt(2025, 1, 2) {
    Some(day) => match day.and_hms_opt(0, 0, 0) {
        Some(moment) => DateTime::from_naive_utc_and_offset(moment, Utc),
        None => DateTime::UNIX_EPOCH,
    },
    None => DateTime::UNIX_EPOCH,
};
/// The milliseconds of 2025-01-01, from which identifiers count.
const EPOCH_MS: i64 = 1_735_689_600_000;

/// Numbers that look thrown.
struct Dice(u64);

impl Dice {
    fn of(kind: u64, number: u64) -> Self {
        Self(kind.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number.wrapping_mul(0xd134_2543_de82_ef95))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 up to 1.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn one_in(&mut self, rounds: u64) -> bool {
        self.below(rounds) == 0
    }

    /// One of so many, the first ones more often.
    fn skewed(&mut self, bound: u64, by: f64) -> u64 {
        (self.share().powf(by) * bound as f64) as u64
    }

    /// Around 0, with a deviation of 1.
    fn normal(&mut self) -> f64 {
        let (a, b) = (self.share().max(1e-12), self.share());
        (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }
}

fn one_of<'a>(words: &[&'a str], dice: &mut Dice) -> &'a str {
    words[dice.below(words.len() as u64) as usize]
}

/// What stands in a row beside the record.
struct Head {
    id: i64,
    created_at: DateTime<Utc>,
    created_by: i64,
    updated_at: DateTime<Utc>,
}

impl Firm {
    /// When the record of this number was made; they follow each other in time.
    fn moment(&self, number: u64, of: u64) -> DateTime<Utc> {
        let all = (self.now - START).num_milliseconds() as u128;
        let part = all * u128::from(number) / u128::from(of.max(1));
        START + Duration::milliseconds(part as i64)
    }

    fn id(&self, node: i64, number: u64, of: u64) -> i64 {
        let moment = self.moment(number, of).timestamp_millis() - EPOCH_MS;
        // Several of one millisecond count on.
        (moment << 22) | (node << 12) | (number % 4_096) as i64
    }

    pub(crate) fn company_id(&self, number: u64) -> i64 {
        self.id(1_001, number, self.sizes.companies)
    }

    pub(crate) fn contact_id(&self, number: u64) -> i64 {
        self.id(1_002, number, self.sizes.contacts)
    }

    pub(crate) fn deal_id(&self, number: u64) -> i64 {
        self.id(1_003, number, self.sizes.deals)
    }

    fn activity_id(&self, number: u64) -> i64 {
        self.id(1_004, number, self.sizes.activities)
    }

    /// A member: the first ones do most, and the last five hardly anything.
    fn member(&self, dice: &mut Dice) -> Option<i64> {
        let members = self.members.len() as u64;
        if dice.one_in(20) {
            return None;
        }
        let number = match dice.one_in(10_000) {
            true => members - 1 - dice.below(5.min(members)),
            false => dice.skewed(members.saturating_sub(5).max(1), 2.5),
        };
        self.members.get(number as usize).copied()
    }

    fn latest(&self, moment: DateTime<Utc>) -> DateTime<Utc> {
        moment.min(self.now)
    }

    fn head(&self, id: i64, number: u64, of: u64, dice: &mut Dice) -> Head {
        let created_at = self.moment(number, of);
        let later = Duration::seconds(dice.skewed(200 * 86_400, 3.0) as i64);
        Head {
            id,
            created_at,
            created_by: self.members.first().copied().unwrap_or_default(),
            updated_at: self.latest(created_at + later),
        }
    }

    fn company(&self, number: u64) -> (Head, Company) {
        let mut dice = Dice::of(1, number);
        let owner = self.member(&mut dice);
        let person = person(number * 7);
        let record = json!({
            "name": format!("{} {number}", person.company),
            "domain": format!("firm-{number}.example"),
            "industry": INDUSTRIES[dice.below(6) as usize],
            "employees": dice.skewed(20_000, 4.0) + 1,
            "types": [one_of(&["prospect", "customer", "partner", "supplier"], &mut dice)],
            "city": one_of(&["Berlin", "Leeds", "Lyon", "Vienna"], &mut dice),
            "country": one_of(&["DE", "GB", "FR", "AT"], &mut dice),
            "owner": owner.map(|id| encode("mem", id)),
            "tags": if dice.one_in(10) { json!(["strategic"]) } else { json!([]) },
        });
        let head = self.head(
            self.company_id(number),
            number,
            self.sizes.companies,
            &mut dice,
        );
        (head, serde_json::from_value(record).unwrap())
    }

    fn contact(&self, number: u64) -> (Head, Contact) {
        let mut dice = Dice::of(2, number);
        let mut record = person(number).record();
        if !dice.one_in(5) {
            let company = dice.skewed(self.sizes.companies, 1.4);
            record["company_id"] = encode("cmp", self.company_id(company)).into();
        }
        record["owner"] = self.member(&mut dice).map(|id| encode("mem", id)).into();
        let head = self.head(
            self.contact_id(number),
            number,
            self.sizes.contacts,
            &mut dice,
        );
        (head, serde_json::from_value(record).unwrap())
    }

    fn deal(&self, number: u64) -> (Head, Deal) {
        let mut dice = Dice::of(3, number);
        let all = self.sizes.deals;
        let age = number as f64 / all as f64;
        let way = &self.ways[usize::from(self.ways.len() > 1 && dice.one_in(5))];
        let mut head = self.head(self.deal_id(number), number, all, &mut dice);
        let created = head.created_at.date_naive();
        let today = self.now.date_naive();
        let after = |day: NaiveDate, days: u64| day.checked_add_days(Days::new(days)).unwrap();
        let open = dice.share() < age * age * age;
        let (status, stage, closed_on) = if open {
            let stage = dice.skewed(way.open.len() as u64, 1.5);
            ("open", way.open[stage as usize], None)
        } else {
            let closed = after(created, 3 + dice.below(120)).min(today);
            match dice.below(100) {
                0..35 => ("won", way.won, Some(closed)),
                35..90 => ("lost", way.lost, Some(closed)),
                _ => ("unqualified", way.lost, Some(closed)),
            }
        };
        let stage_since = match closed_on {
            Some(day) => self.latest(day.and_hms_opt(12, 0, 0).unwrap().and_utc()),
            None => self.latest(head.created_at + Duration::hours(dice.below(2_400) as i64)),
        };
        head.updated_at = self.latest(
            stage_since.max(head.created_at) + Duration::seconds(dice.below(80_000) as i64),
        );
        let expected = match closed_on {
            Some(day) => Some(after(day, dice.below(30))),
            None => (!dice.one_in(10)).then(|| after(today, dice.below(240)) - Days::new(60)),
        };
        let company = (!dice.one_in(10)).then(|| dice.skewed(self.sizes.companies, 1.4));
        let contact = (!dice.one_in(5)).then(|| dice.skewed(self.sizes.contacts, 1.2));
        let amount = (!dice.one_in(20)).then(|| (8.5 + 1.2 * dice.normal()).exp().min(1e9));
        let mut tags = Vec::new();
        for (index, (tag, of_a_million)) in TAGS.iter().enumerate() {
            let here = index + 1 < TAGS.len() || number < all / 10;
            if dice.below(1_000_000) < *of_a_million && here {
                tags.push(*tag);
            }
        }
        let owner = self.member(&mut dice);
        let record = json!({
            "name": format!("{} {} {number}", WARES[dice.below(8) as usize], person(number * 3).last),
            "pipeline": encode("pip", way.pipeline),
            "stage": encode("stg", stage),
            "stage_since": stage_since.to_rfc3339(),
            "status": status,
            "company": company.map(|number| encode("cmp", self.company_id(number))),
            "contact": contact.map(|number| encode("con", self.contact_id(number))),
            "owner": owner.map(|id| encode("mem", id)),
            "amount": amount.map(|amount| format!("{amount:.2}")),
            "currency": match dice.below(20) { 0 => "GBP", 1 | 2 => "USD", _ => "EUR" },
            "probability": dice.one_in(10).then(|| dice.below(10) * 10),
            "expected_close": expected.map(|day| day.to_string()),
            "closed_on": closed_on.map(|day| day.to_string()),
            "lost_reason": (status == "lost").then_some("Too expensive"),
            "source": one_of(&["website", "referral", "trade fair", "import"], &mut dice),
            "tags": tags,
        });
        (head, serde_json::from_value(record).unwrap())
    }

    fn activity(&self, number: u64) -> (Head, Activity) {
        let mut dice = Dice::of(4, number);
        let all = self.sizes.activities;
        let mut head = self.head(self.activity_id(number), number, all, &mut dice);
        let kind = TYPES[dice.skewed(5, 1.2) as usize];
        let due = head.created_at + Duration::hours(dice.below(24 * 40) as i64);
        let due = (kind != "note" && !dice.one_in(10)).then_some(due);
        // What lies ahead is to be done, and of what is past a twentieth was forgotten.
        let ahead = due.is_some_and(|due| due > self.now);
        let done = (!ahead && !dice.one_in(20)).then(|| {
            let later = Duration::minutes(dice.below(2_000) as i64);
            self.latest(due.unwrap_or(head.created_at) + later)
        });
        head.updated_at = done.unwrap_or(head.created_at);
        let deal = (!dice.one_in(4)).then(|| dice.skewed(self.sizes.deals, 1.1));
        let contact = (!dice.one_in(3)).then(|| dice.skewed(self.sizes.contacts, 1.2));
        let company = (!dice.one_in(3)).then(|| dice.skewed(self.sizes.companies, 1.4));
        let record = json!({
            "type": kind,
            "subject": format!("{} {number}", SUBJECTS[dice.below(6) as usize]),
            "due_at": due.map(|at| at.to_rfc3339()),
            "minutes": dice.one_in(2).then(|| 15 * (1 + dice.below(8))),
            "done_at": done.map(|at| at.to_rfc3339()),
            "outcome": (done.is_some() && dice.one_in(2)).then_some("They will think about it"),
            "assignee": self.member(&mut dice).map(|id| encode("mem", id)),
            "contact": contact.map(|number| encode("con", self.contact_id(number))),
            "company": company.map(|number| encode("cmp", self.company_id(number))),
            "deal": deal.map(|number| encode("deal", self.deal_id(number))),
        });
        (head, serde_json::from_value(record).unwrap())
    }

    /// The records of a number, as they are declared.
    pub(crate) fn records(&self, number: u64) -> Vec<(&'static str, i64, Data)> {
        fn of<R: Record>((head, record): (Head, R)) -> (&'static str, i64, Data) {
            (R::TABLE, head.id, serde_json::to_value(record).unwrap())
        }
        vec![
            of(self.company(number % self.sizes.companies)),
            of(self.contact(number)),
            of(self.deal(number)),
            of(self.activity(number)),
        ]
    }

    /// Writes all of it into a workspace that has members, keys and pipelines.
    pub(crate) async fn write(&self, rows: &mut Rows) {
        let tables = ["company", "contact", "deal", "activity", "change_log"];
        let indexes = rows.take_indexes(&tables).await;
        let sizes = self.sizes;
        self.write_records(rows, sizes.companies, |number| self.company(number))
            .await;
        self.write_records(rows, sizes.contacts, |number| self.contact(number))
            .await;
        self.write_records(rows, sizes.deals, |number| self.deal(number))
            .await;
        self.write_records(rows, sizes.activities, |number| self.activity(number))
            .await;
        self.write_log(rows).await;
        for index in indexes {
            rows.run(index).await;
        }
        if let Rows::Postgres(_) = rows {
            // As its own housekeeping does after a while.
            rows.run("VACUUM ANALYZE").await;
        }
    }

    async fn write_records<R: Record>(
        &self,
        rows: &mut Rows,
        count: u64,
        make: impl Fn(u64) -> (Head, R),
    ) {
        if count == 0 {
            return;
        }
        let mut columns = vec![
            "workspace",
            "id",
            "version",
            "created_at",
            "created_by",
            "updated_at",
            "attributes",
        ];
        columns.extend(R::COLUMNS.iter().map(|column| column.name));
        let derived = make(0).1.derived();
        columns.extend(derived.iter().map(|(name, _)| *name));
        let mut terms = Vec::new();
        let records = (0..count).map(|number| {
            let (head, record) = make(number);
            let mut of_this = record.index_keys();
            of_this.sort();
            of_this.dedup();
            terms.extend(
                of_this
                    .into_iter()
                    .map(|(field, value)| (field, value, head.id)),
            );
            row(self.workspace, &head, &record)
        });
        rows.write(R::TABLE, &columns.join(", "), records).await;
        terms.sort_unstable();
        let terms = terms.into_iter().map(|(field, value, id)| {
            vec![
                Value::Int(self.workspace),
                Value::Text(R::TABLE.to_owned()),
                Value::Text(field.to_owned()),
                Value::Text(value),
                Value::Int(id),
            ]
        });
        let columns = "workspace, entity, field, value, record";
        rows.write("record_key", columns, terms).await;
        eprintln!("{count} of {}", R::TABLE);
    }

    async fn write_log(&self, rows: &mut Rows) {
        let mut seal = rows.seal(self.workspace).await;
        let entries = (0..self.sizes.entries).map(|number| self.entry(number, &mut seal));
        let columns = "id, call, workspace, at, member, api_key, client, tool, undoes, entity, record, action, version, \
                       before, after, digest, position, hash";
        rows.write("change_log", columns, entries).await;
        rows.run(format!(
            "UPDATE log_head SET sealing = sealing + 1, (position, hash) =
                (SELECT position, hash FROM change_log WHERE workspace = {0} ORDER BY position DESC LIMIT 1)
             WHERE workspace = {0}",
            self.workspace
        ))
        .await;
    }

    /// A row of the change log, sealed after the one before it.
    fn entry(&self, number: u64, seal: &mut (i64, Vec<u8>)) -> Vec<Value> {
        let mut dice = Dice::of(5, number);
        let all = self.sizes.entries;
        let id = self.id(1_005, number, all);
        // The five-hundred rows of a bulk change are one call.
        let bulk = number / 500 % 50 == 7;
        let call = if bulk {
            self.id(1_005, number / 500 * 500, all)
        } else {
            id
        };
        let at = self.moment(number, all);
        let chosen = TOOLS.iter().rev().find(|(.., rounds)| dice.one_in(*rounds));
        let (tool, entity, action, _) = *chosen.unwrap_or(&TOOLS[6]);
        let (tool, entity, action) = match bulk {
            true => ("bulk_update_contacts", "contact", "update"),
            false => (tool, entity, action),
        };
        // What was made shortly before.
        let share = |of: u64, dice: &mut Dice| {
            (number * of / all).saturating_sub(dice.skewed(of / 20, 2.0))
        };
        let (record, content) = match entity {
            "deal" => {
                let (head, deal) = self.deal(share(self.sizes.deals, &mut dice));
                (head.id, content(&deal))
            }
            "contact" => {
                let (head, contact) = self.contact(share(self.sizes.contacts, &mut dice));
                (head.id, content(&contact))
            }
            _ => {
                let (head, activity) = self.activity(share(self.sizes.activities, &mut dice));
                (head.id, content(&activity))
            }
        };
        let (before, after) = match (action, entity) {
            ("create", _) => (None, Some(Data::Object(content).to_string())),
            (_, "deal") => (
                Some(json!({ "stage": content["stage"], "probability": null }).to_string()),
                Some(json!({ "stage": content["stage"], "probability": 30 }).to_string()),
            ),
            ("archive", _) => (Some("{}".to_owned()), Some("{}".to_owned())),
            _ => (
                Some(json!({ "owner": null }).to_string()),
                Some(json!({ "owner": content.get("owner") }).to_string()),
            ),
        };
        let member = self.member(&mut dice).or(self.members.first().copied());
        let key = dice
            .one_in(3)
            .then(|| self.keys[dice.skewed(self.keys.len() as u64, 4.0) as usize]);
        let client = key.map(|_| "bench".to_owned());
        let version = i64::from(action != "create") + 1;
        let digest = digest(before.as_deref(), after.as_deref());
        let position = seal.0 + 1;
        let mut hash = Sha256::new();
        hash.update(&seal.1);
        for number in [
            position,
            id,
            call,
            self.workspace,
            at.timestamp_micros(),
            member.unwrap_or(-1),
            key.unwrap_or(-1),
            -1,
            record,
            version,
        ] {
            hash.update(number.to_be_bytes());
        }
        for text in [client.as_deref().unwrap_or_default(), tool, entity, action] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        hash.update(&digest);
        *seal = (position, hash.finalize().to_vec());
        vec![
            Value::Int(id),
            Value::Int(call),
            Value::Int(self.workspace),
            Value::Time(at),
            member.to_value(),
            key.to_value(),
            client.to_value(),
            Value::Text(tool.to_owned()),
            Value::Null(Kind::Int),
            Value::Text(entity.to_owned()),
            Value::Int(record),
            Value::Text(action.to_owned()),
            Value::Int(version),
            before.to_value(),
            after.to_value(),
            Value::Bytes(digest),
            Value::Int(position),
            Value::Bytes(seal.1.clone()),
        ]
    }
}

/// The row of a record, as the record layer writes it.
fn row<R: Record>(workspace: i64, head: &Head, record: &R) -> Vec<Value> {
    let mut row = vec![
        Value::Int(workspace),
        Value::Int(head.id),
        Value::Int(1),
        Value::Time(head.created_at),
        Value::Int(head.created_by),
        Value::Time(head.updated_at),
        Value::Json(Data::Object(Attributes::new())),
    ];
    row.extend(record.values());
    row.extend(record.derived().into_iter().map(|(_, value)| value));
    row
}

/// What the change log keeps of a new record.
fn content<R: Record>(record: &R) -> Map<String, Data> {
    let Ok(Data::Object(mut content)) = serde_json::to_value(record) else {
        return Map::new();
    };
    content.insert("attributes".into(), json!({}));
    content.retain(|_, value| !value.is_null());
    content
}

/// SHA-256 over what a record was and became, as the change log has it.
fn digest(before: Option<&str>, after: Option<&str>) -> Vec<u8> {
    let mut hash = Sha256::new();
    for side in [before, after] {
        hash.update([u8::from(side.is_some())]);
        hash.update((side.unwrap_or_default().len() as u64).to_be_bytes());
        hash.update(side.unwrap_or_default());
    }
    hash.finalize().to_vec()
}

/// A member's identifier on the wire.
pub(crate) fn member(id: i64) -> String {
    Id::<bureau_kernel::caller::Member>::from_raw(id).to_string()
}
