//! What is measured: each case is a tool and arguments by the number of the call.

use bureau_kernel::types::id::encode;
use chrono::{Days, NaiveDate};
use serde_json::{Value, json};

use crate::app::BenchApp;
use crate::common::firm::{TAGS, member};
use crate::common::people::person;

const LIST: f64 = 20.0;
const SUMMARY: f64 = 100.0;

type Arguments = Box<dyn Fn(u64) -> Value>;

/// A kind of call.
pub(crate) struct Case {
    pub(crate) name: String,
    /// What the 99th percentile should stay under, in milliseconds.
    pub(crate) aim: f64,
    pub(crate) tool: &'static str,
    pub(crate) arguments: Arguments,
    /// Each call is taken back; whether it is that which is measured.
    pub(crate) undo: Option<bool>,
}

impl Case {
    fn new(
        tool: &'static str,
        name: impl std::fmt::Display,
        aim: f64,
        arguments: impl Fn(u64) -> Value + 'static,
    ) -> Self {
        Self {
            name: format!("{tool}: {name}"),
            aim,
            tool,
            arguments: Box::new(arguments),
            undo: None,
        }
    }
}

/// The object with these fields too.
fn with(mut fields: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().into_iter().flatten() {
        fields[name.as_str()] = value.clone();
    }
    fields
}

/// A number far from that of its neighbours.
fn spread(number: u64, below: u64) -> u64 {
    number.wrapping_mul(7_919_317).wrapping_add(number / 3) % below.max(1)
}

/// What the cases choose from.
#[derive(Clone)]
struct World {
    members: Vec<String>,
    stages: Vec<String>,
    pipelines: Vec<String>,
    companies: Vec<String>,
    contacts: Vec<String>,
    deals: Vec<String>,
    today: NaiveDate,
}

impl World {
    fn of(app: &BenchApp) -> Self {
        let firm = &app.firm;
        let some = |count: u64, prefix: &'static str, id: &dyn Fn(u64) -> i64| {
            // The first ones, which have most, and others from all over.
            let picked = (0..50).chain((1..500).map(|number| spread(number, count)));
            let picked = picked.filter(|number| *number < count);
            picked.map(|number| encode(prefix, id(number))).collect()
        };
        let sizes = firm.sizes;
        Self {
            members: firm.members.iter().map(|id| member(*id)).collect(),
            stages: firm.ways[0]
                .open
                .iter()
                .map(|id| encode("stg", *id))
                .collect(),
            pipelines: firm
                .ways
                .iter()
                .map(|way| encode("pip", way.pipeline))
                .collect(),
            companies: some(sizes.companies, "cmp", &|number| firm.company_id(number)),
            contacts: some(sizes.contacts, "con", &|number| firm.contact_id(number)),
            deals: some(sizes.deals, "deal", &|number| firm.deal_id(number)),
            today: firm.now.date_naive(),
        }
    }

    fn day(&self, days: i64) -> String {
        let day = match days >= 0 {
            true => self.today.checked_add_days(Days::new(days.unsigned_abs())),
            false => self.today.checked_sub_days(Days::new(days.unsigned_abs())),
        };
        day.unwrap().to_string()
    }
}

fn of<T>(from: &[T], number: u64) -> &T {
    &from[(number % from.len() as u64) as usize]
}

type Filter = (&'static str, fn(&World, u64) -> Value);

/// Members who own much, some, and hardly anything.
fn much(world: &World, number: u64) -> &String {
    &world.members[(number % 3) as usize]
}
fn some(world: &World, number: u64) -> &String {
    &world.members[(5 + number % 40) as usize]
}
fn little(world: &World, number: u64) -> &String {
    &world.members[(45 + number % 5) as usize]
}

const DEALS: &[Filter] = &[
    ("all", |_, _| json!({})),
    (
        "status",
        |_, n| json!({ "status": of(&["open", "won", "lost", "unqualified"], n) }),
    ),
    (
        "pipeline",
        |w, n| json!({ "pipeline": of(&w.pipelines, n) }),
    ),
    ("open stage", |w, n| json!({ "stage": of(&w.stages, n) })),
    (
        "stage won or lost",
        |_, n| json!({ "stage": of(&["Won", "Lost"], n) }),
    ),
    ("owner of much", |w, n| json!({ "owner": much(w, n) })),
    ("owner", |w, n| json!({ "owner": some(w, n) })),
    ("owner of little", |w, n| json!({ "owner": little(w, n) })),
    ("company", |w, n| json!({ "company": of(&w.companies, n) })),
    ("contact", |w, n| json!({ "contact": of(&w.contacts, n) })),
    ("tag of 20 %", |_, _| json!({ "tag": TAGS[0].0 })),
    ("tag of 5 %", |_, _| json!({ "tag": TAGS[1].0 })),
    ("tag of 1 %", |_, _| json!({ "tag": TAGS[2].0 })),
    ("tag of 0.2 %", |_, _| json!({ "tag": TAGS[3].0 })),
    ("tag of 0.05 %", |_, _| json!({ "tag": TAGS[4].0 })),
    ("tag of 0.005 %", |_, _| json!({ "tag": TAGS[5].0 })),
    ("tag of the oldest, 1 %", |_, _| json!({ "tag": TAGS[6].0 })),
    (
        "min_amount",
        |_, n| json!({ "min_amount": (1_000 * (1 + n % 50)).to_string() }),
    ),
    (
        "min_amount, high",
        |_, n| json!({ "min_amount": (200_000 + 20_000 * (n % 100)).to_string() }),
    ),
    (
        "max_amount",
        |_, n| json!({ "max_amount": (10 + n % 90).to_string() }),
    ),
    (
        "amount between",
        |_, n| json!({ "min_amount": (50_000 + 1_000 * (n % 50)).to_string(), "max_amount": (52_000 + 1_000 * (n % 50)).to_string() }),
    ),
    (
        "close within 30 days",
        |w, n| json!({ "close_after": w.day((n % 100) as i64), "close_before": w.day((n % 100) as i64 + 30) }),
    ),
    (
        "close on a day long ago",
        |w, n| json!({ "close_after": w.day(-200 - (n % 300) as i64), "close_before": w.day(-200 - (n % 300) as i64) }),
    ),
    (
        "status and owner",
        |w, n| json!({ "status": of(&["open", "won", "lost"], n), "owner": some(w, n / 3) }),
    ),
    (
        "status and owner of much",
        |w, n| json!({ "status": of(&["open", "won", "lost"], n), "owner": much(w, n / 3) }),
    ),
    (
        "stage and owner",
        |w, n| json!({ "stage": of(&w.stages, n), "owner": some(w, n / 4) }),
    ),
    (
        "stage and owner of much",
        |w, n| json!({ "stage": of(&w.stages, n), "owner": much(w, n / 4) }),
    ),
    (
        "pipeline and status",
        |w, n| json!({ "pipeline": of(&w.pipelines, n), "status": of(&["open", "won"], n / 2) }),
    ),
    (
        "pipeline, status and owner",
        |w, n| json!({ "pipeline": of(&w.pipelines, n), "status": "open", "owner": some(w, n / 2) }),
    ),
    (
        "status and company",
        |w, n| json!({ "status": "open", "company": of(&w.companies, n) }),
    ),
    (
        "status and tag of 1 %",
        |_, n| json!({ "status": of(&["open", "won", "lost"], n), "tag": TAGS[2].0 }),
    ),
    (
        "owner and tag of 5 %",
        |w, n| json!({ "owner": some(w, n), "tag": TAGS[1].0 }),
    ),
    (
        "open, due within 30 days",
        |w, n| json!({ "status": "open", "close_after": w.day((n % 60) as i64), "close_before": w.day((n % 60) as i64 + 30) }),
    ),
    (
        "open and overdue",
        |w, n| json!({ "status": "open", "close_before": w.day(-1 - (n % 20) as i64) }),
    ),
    (
        "open, owner, overdue",
        |w, n| json!({ "status": "open", "owner": some(w, n), "close_before": w.day(-1 - (n % 20) as i64) }),
    ),
    (
        "status and min_amount",
        |_, n| json!({ "status": of(&["open", "won", "lost"], n), "min_amount": (20_000 + 1_000 * (n % 50)).to_string() }),
    ),
    (
        "status, owner and min_amount",
        |w, n| json!({ "status": "open", "owner": some(w, n), "min_amount": (20_000 + 1_000 * (n % 50)).to_string() }),
    ),
];

const DEAL_ORDERS: [(&str, bool); 7] = [
    ("created_at", true),
    ("updated_at", true),
    ("amount", true),
    ("amount", false),
    ("expected_close", false),
    ("expected_close", true),
    ("name", false),
];

const ACTIVITIES: &[Filter] = &[
    ("all", |_, _| json!({})),
    ("pending", |_, _| json!({ "status": "pending" })),
    ("overdue", |_, _| json!({ "status": "overdue" })),
    ("done", |_, _| json!({ "status": "done" })),
    (
        "type",
        |_, n| json!({ "type": of(&["call", "email", "meeting", "task", "note"], n) }),
    ),
    (
        "type, pending",
        |_, n| json!({ "type": of(&["call", "email", "meeting", "task"], n), "status": "pending" }),
    ),
    ("assignee", |w, n| json!({ "assignee": some(w, n) })),
    ("assignee of much", |w, n| json!({ "assignee": much(w, n) })),
    (
        "assignee of little",
        |w, n| json!({ "assignee": little(w, n) }),
    ),
    (
        "assignee, pending",
        |w, n| json!({ "assignee": some(w, n), "status": "pending" }),
    ),
    (
        "assignee of much, pending",
        |w, n| json!({ "assignee": much(w, n), "status": "pending" }),
    ),
    (
        "assignee, overdue",
        |w, n| json!({ "assignee": some(w, n), "status": "overdue" }),
    ),
    (
        "assignee, done",
        |w, n| json!({ "assignee": some(w, n), "status": "done" }),
    ),
    (
        "assignee and type, pending",
        |w, n| json!({ "assignee": some(w, n), "type": of(&["call", "meeting", "task"], n / 2), "status": "pending" }),
    ),
    ("contact", |w, n| json!({ "contact": of(&w.contacts, n) })),
    ("company", |w, n| json!({ "company": of(&w.companies, n) })),
    (
        "company, pending",
        |w, n| json!({ "company": of(&w.companies, n), "status": "pending" }),
    ),
    ("deal", |w, n| json!({ "deal": of(&w.deals, n) })),
    (
        "due within a week",
        |w, n| json!({ "due_after": w.day((n % 30) as i64), "due_before": w.day((n % 30) as i64 + 7) }),
    ),
    (
        "assignee, due within a week",
        |w, n| json!({ "assignee": some(w, n), "due_after": w.day((n % 30) as i64), "due_before": w.day((n % 30) as i64 + 7) }),
    ),
    ("due on a day long ago, pending", |w, n| {
        let day = w.day(-100 - (n % 300) as i64);
        json!({ "due_after": day, "due_before": day, "status": "pending" })
    }),
];

const CONTACTS: &[Filter] = &[
    ("all", |_, _| json!({})),
    (
        "type",
        |_, n| json!({ "type": of(&["lead", "prospect", "customer"], n) }),
    ),
    ("owner", |w, n| json!({ "owner": some(w, n) })),
    ("owner of little", |w, n| json!({ "owner": little(w, n) })),
    (
        "company record",
        |w, n| json!({ "company": of(&w.companies, n) }),
    ),
    (
        "owner and type",
        |w, n| json!({ "owner": some(w, n), "type": of(&["lead", "prospect", "customer"], n / 2) }),
    ),
    (
        "city and tag",
        |_, n| json!({ "city": of(&["Berlin", "Leeds"], n), "tags": ["vip"] }),
    ),
];
const CONTACT_ORDERS: [(&str, bool); 4] = [
    ("name", false),
    ("created_at", true),
    ("updated_at", true),
    ("score", true),
];

const COMPANIES: &[Filter] = &[
    ("all", |_, _| json!({})),
    (
        "type",
        |_, n| json!({ "type": of(&["prospect", "customer", "partner"], n) }),
    ),
    (
        "industry",
        |_, n| json!({ "industry": of(&["Bakery", "Legal"], n) }),
    ),
    ("owner", |w, n| json!({ "owner": some(w, n) })),
    ("owner of little", |w, n| json!({ "owner": little(w, n) })),
    (
        "city and tag",
        |_, n| json!({ "city": of(&["Berlin", "Leeds"], n), "tag": "strategic" }),
    ),
];
const COMPANY_ORDERS: [(&str, bool); 3] =
    [("name", false), ("created_at", true), ("updated_at", true)];

const AUDIT: &[Filter] = &[
    ("all", |_, _| json!({})),
    ("of a day", |w, n| {
        let day = w.day(-1 - (n % 600) as i64);
        json!({ "from": day, "to": day })
    }),
    (
        "before a day",
        |w, n| json!({ "to": w.day(-1 - (n % 600) as i64) }),
    ),
    (
        "action",
        |_, n| json!({ "action": of(&["create", "update"], n) }),
    ),
    ("rare action", |_, _| json!({ "action": "archive" })),
    ("absent action", |_, _| json!({ "action": "purge" })),
    ("member of much", |w, n| json!({ "actor": much(w, n) })),
    ("member", |w, n| json!({ "actor": some(w, n) })),
    ("member of little", |w, n| json!({ "actor": little(w, n) })),
    (
        "tool",
        |_, n| json!({ "tool": of(&["create_deal", "update_deal", "bulk_update_contacts"], n) }),
    ),
    ("rare tool", |_, _| json!({ "tool": "purge_contact" })),
    ("record", |w, n| json!({ "record": of(&w.deals, n) })),
    (
        "type of record",
        |_, n| json!({ "record_type": of(&["deal", "contact", "activity"], n) }),
    ),
    (
        "rare type of record",
        |_, _| json!({ "record_type": "stage" }),
    ),
    (
        "action and tool",
        |_, n| json!({ "action": "update", "tool": of(&["update_deal", "update_contact"], n) }),
    ),
    (
        "member and tool",
        |w, n| json!({ "actor": some(w, n), "tool": of(&["create_deal", "update_deal"], n) }),
    ),
    (
        "member and rare tool",
        |w, n| json!({ "actor": some(w, n), "tool": "purge_contact" }),
    ),
    (
        "member of little and action",
        |w, n| json!({ "actor": little(w, n), "action": of(&["create", "update"], n) }),
    ),
    (
        "member and type of record",
        |w, n| json!({ "actor": some(w, n), "record_type": of(&["deal", "contact"], n) }),
    ),
    (
        "action and type of record",
        |_, n| json!({ "action": of(&["create", "update"], n), "record_type": of(&["deal", "activity"], n / 2) }),
    ),
    (
        "rare action and type of record",
        |_, _| json!({ "action": "archive", "record_type": "contact" }),
    ),
    (
        "member of little, of a month",
        |w, n| json!({ "actor": little(w, n), "from": w.day(-30 - (n % 600) as i64), "to": w.day(-(n as i64 % 600)) }),
    ),
    ("tool, of a day", |w, n| {
        let day = w.day(-1 - (n % 600) as i64);
        json!({ "tool": of(&["create_deal", "update_deal"], n), "from": day, "to": day })
    }),
];

/// Every case.
pub(crate) async fn all(app: &BenchApp) -> Vec<Case> {
    let world = World::of(app);
    let mut cases = Vec::new();
    for (tool, filters, orders) in [
        ("list_deals", DEALS, &DEAL_ORDERS[..]),
        ("search_contacts", CONTACTS, &CONTACT_ORDERS[..]),
        ("search_companies", COMPANIES, &COMPANY_ORDERS[..]),
    ] {
        for (name, filter) in filters {
            for (order, descending) in orders {
                let world = world.clone();
                let by = json!({ "sort": order, "descending": descending });
                let down = if *descending { ", downwards" } else { "" };
                let name = format!("{name}, by {order}{down}");
                cases.push(Case::new(tool, name, LIST, move |number| {
                    with(filter(&world, number), &by)
                }));
            }
        }
    }
    for (name, filter) in ACTIVITIES {
        let orders: &[(&str, bool)] = match name.contains("done") {
            true => &[("done_at", true), ("due_at", false), ("updated_at", true)],
            false => &[
                ("due_at", false),
                ("due_at", true),
                ("created_at", true),
                ("updated_at", true),
            ],
        };
        for (order, descending) in orders {
            let world = world.clone();
            let by = json!({ "sort": order, "descending": descending });
            let down = if *descending { ", downwards" } else { "" };
            let name = format!("{name}, by {order}{down}");
            cases.push(Case::new("list_activities", name, LIST, move |number| {
                with(filter(&world, number), &by)
            }));
        }
    }
    for (name, filter) in AUDIT {
        let world = world.clone();
        cases.push(Case::new("get_audit_log", name, LIST, move |number| {
            filter(&world, number)
        }));
    }
    deep(app, &mut cases).await;
    queries(&world, &mut cases);
    for (name, filter) in [
        ("all", (|_, _| json!({})) as fn(&World, u64) -> Value),
        (
            "other pipeline",
            |w, n| json!({ "pipeline": of(&w.pipelines, n) }),
        ),
        ("owner", |w, n| json!({ "owner": of(&w.members, n) })),
    ] {
        let world = world.clone();
        cases.push(Case::new(
            "get_pipeline_summary",
            name,
            SUMMARY,
            move |number| filter(&world, number),
        ));
    }
    for (name, filter) in [
        ("all", (|_, _| json!({})) as fn(&World, u64) -> Value),
        (
            "since a day of the last half year",
            |w, n| json!({ "since": w.day(-(n as i64 % 180)) }),
        ),
        ("owner", |w, n| json!({ "owner": of(&w.members, n) })),
    ] {
        let world = world.clone();
        cases.push(Case::new(
            "get_crm_dashboard",
            name,
            SUMMARY,
            move |number| filter(&world, number),
        ));
    }
    writes(app, &world, &mut cases);
    cases
}

/// Pages after ten thousand rows, and 100 rows at once.
async fn deep(app: &BenchApp, cases: &mut Vec<Case>) {
    for (tool, arguments) in [
        ("list_deals", json!({ "limit": 100 })),
        (
            "list_deals",
            json!({ "limit": 100, "sort": "amount", "descending": true, "status": "open" }),
        ),
        (
            "list_activities",
            json!({ "limit": 100, "status": "pending" }),
        ),
        ("get_audit_log", json!({ "limit": 100 })),
    ] {
        let mut pages = vec![arguments.clone()];
        for _ in 0..100 {
            let page = app.call(tool, pages[pages.len() - 1].clone()).await;
            let Some(cursor) = page["page"]["next"].as_str() else {
                break;
            };
            pages.push(with(arguments.clone(), &json!({ "cursor": cursor })));
        }
        let name = format!(
            "100 rows after {} pages of them {arguments}",
            pages.len() - 1
        );
        let last = pages.split_off(pages.len().saturating_sub(10));
        cases.push(Case::new(tool, name, LIST, move |number| {
            of(&last, number).clone()
        }));
    }
}

/// What is typed.
fn queries(world: &World, cases: &mut Vec<Case>) {
    for (name, filter) in [
        ("a name", json!({})),
        ("a name and a status", json!({ "status": "open" })),
        ("a name and an owner", json!({ "owner": world.members[1] })),
    ] {
        cases.push(Case::new(
            "list_deals",
            format!("query, {name}"),
            LIST,
            move |number| {
                let query = person(spread(number, 1_000_000) * 3).last;
                with(json!({ "query": query }), &filter)
            },
        ));
    }
    cases.push(Case::new(
        "list_deals",
        "query, a word that an eighth has, and a status",
        LIST,
        |number| json!({ "query": of(&["machines", "training"], number), "status": "open" }),
    ));
    cases.push(Case::new(
        "list_activities",
        "query, a word that a sixth has, and pending",
        LIST,
        |number| json!({ "query": of(&["contract", "budget"], number), "status": "pending" }),
    ));
    cases.push(Case::new(
        "search_companies",
        "query, a name",
        LIST,
        |number| json!({ "query": person(spread(number, 50_000) * 7).company }),
    ));
}

/// Five hundred at once, and taking that back.
fn writes(app: &BenchApp, world: &World, cases: &mut Vec<Case>) {
    let sizes = app.firm.sizes;
    let contacts: Vec<String> = (0..sizes.contacts)
        .step_by((sizes.contacts / 50_000).max(1) as usize)
        .map(|number| encode("con", app.firm.contact_id(number)))
        .collect();
    for (name, undo) in [
        ("500 contacts, owner and tag", false),
        ("undo of that", true),
    ] {
        let (contacts, members) = (contacts.clone(), world.members.clone());
        let mut case = Case::new("bulk_update_contacts", name, 1_000.0, move |number| {
            let first = (number * 500) as usize % contacts.len();
            let some: Vec<&String> = contacts.iter().cycle().skip(first).take(500).collect();
            json!({ "contacts": some, "owner": members[44], "add_tags": [format!("bulk {number}")] })
        });
        case.undo = Some(undo);
        cases.push(case);
    }
    let (companies, members) = (world.companies.clone(), world.members.clone());
    let mut case = Case::new(
        "create_deal",
        "with company and owner",
        LIST,
        move |number| {
            json!({
                "name": format!("Bench {number}"), "amount": "1200.50", "owner": of(&members, number),
                "company": of(&companies, number), "expected_close": "2027-01-15", "tags": ["bench"],
            })
        },
    );
    case.undo = Some(false);
    cases.push(case);
}
