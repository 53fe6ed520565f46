//! The demo firm: as much as it says, as believable as it says, the same for the same seed and day, whole or not there.

mod figures;
mod money;
mod suggestions;
mod work;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bureau::{boot, demo};
use bureau_kernel::admin;
use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::{Call, Dispatcher, Outcome, Settings};
use bureau_kernel::store::{Database, OpenOptions, Row, Scope, Store, sql};
use bureau_kernel::testing_postgres::fresh_database;
use bureau_kernel::types::id::decode;
use bureau_kernel::types::time::Timestamp;
use chrono::NaiveDate;
use chrono_tz::Tz;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_bureau");
const ZONE: Tz = Tz::Europe__Berlin;

/// The day of all firms here: that on which the tests began.
fn today() -> NaiveDate {
    static TODAY: OnceLock<NaiveDate> = OnceLock::new();
    *TODAY.get_or_init(|| chrono::Utc::now().with_timezone(&ZONE).date_naive())
}

/// An open demo firm.
struct Firm {
    dispatcher: Arc<Dispatcher>,
    owner: Caller,
    _folder: TempDir,
}

impl Firm {
    async fn open(database: Database, folder: TempDir) -> Self {
        let store = Store::open(&OpenOptions::new(database)).await.unwrap();
        let registry = boot::whole_registry().unwrap();
        let index = folder.path().join("index");
        let settings = Settings::default();
        let dispatcher = Dispatcher::new(store, registry, Some(&index), settings).unwrap();
        let owner = dispatcher.operator(Some(demo::SLUG)).await.unwrap();
        Self {
            dispatcher,
            owner,
            _folder: folder,
        }
    }

    /// A copy of one that was made once.
    async fn on_sqlite() -> Self {
        static MADE: OnceLock<TempDir> = OnceLock::new();
        let made = tokio::task::spawn_blocking(|| MADE.get_or_init(make_on_sqlite))
            .await
            .unwrap();
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("demo.sqlite");
        // Who made it may still be closing it, and a copied file would lack what is in its log.
        let options = SqliteConnectOptions::new().filename(made.path().join("demo.sqlite"));
        let mut made = options.connect().await.unwrap();
        let copy = sqlx::query("VACUUM INTO ?").bind(file.to_str().unwrap());
        copy.execute(&mut made).await.unwrap();
        made.close().await.unwrap();
        Self::open(Database::Sqlite(file), folder).await
    }

    async fn on_postgres() -> Self {
        let database = Database::Postgres(fresh_database().await);
        make(&database).await;
        Self::open(database, TempDir::new().unwrap()).await
    }

    async fn ask(&self, tool: &str, arguments: Value) -> Value {
        let call = Call {
            tool: tool.into(),
            arguments: arguments.as_object().cloned().unwrap(),
            ..Call::default()
        };
        match self.dispatcher.call(self.owner.clone(), call).await {
            Outcome::Done(answer) => answer,
            other => panic!("{tool} {arguments}: {other:?}"),
        }
    }

    async fn rows(&self, text: &'static str) -> Vec<Row> {
        let store = &self.dispatcher.app().store;
        let mut tx = store.read(Scope::System).await.unwrap();
        let rows = sql(text).rows(&mut tx).await;
        tx.rollback().await;
        rows.unwrap()
    }

    async fn count(&self, text: &'static str) -> i64 {
        self.rows(text).await[0].get("count").unwrap()
    }

    /// The change log without what differs from one making to the next: identifiers become the place where they were
    /// first seen, what the owner arranged has no time, and keys are left out.
    async fn history(&self) -> Vec<String> {
        let rows = self
            .rows("SELECT at, tool, entity, record, action, version, member, before, after FROM change_log WHERE entity <> 'api_key' ORDER BY id")
            .await;
        let mut places = HashMap::new();
        let lines = rows.iter().map(|row| {
            let tool: String = row.get("tool").unwrap();
            let at: Timestamp = row.get("at").unwrap();
            let arranged = tool == "bureau";
            let side = |name: &str| {
                let text: Option<String> = row.get(name).unwrap();
                let mut side: Value = serde_json::from_str(&text.unwrap_or("null".into())).unwrap();
                if let (true, Some(fields)) = (arranged, side.as_object_mut()) {
                    fields.retain(|name, _| !name.ends_with("_at"));
                }
                side
            };
            let line = json!([
                (!arranged).then_some(at),
                tool,
                row.get::<String>("entity").unwrap(),
                format!("#{}", row.get::<i64>("record").unwrap()),
                row.get::<String>("action").unwrap(),
                row.get::<i64>("version").unwrap(),
                row.get::<Option<i64>>("member")
                    .unwrap()
                    .map(|id| format!("#{id}")),
                side("before"),
                side("after"),
            ]);
            placed(line, &mut places).to_string()
        });
        lines.collect()
    }
}

/// The same with places for identifiers.
fn placed(value: Value, places: &mut HashMap<String, usize>) -> Value {
    match value {
        Value::String(text) => {
            // What a line bills begins with an identifier.
            let (first, rest) = text.split_once(' ').unwrap_or((&text, ""));
            let raw = first.strip_prefix('#').map(str::to_owned);
            let shown = decode(first).map(|(_, id)| id.to_string());
            match raw.or(shown) {
                None => Value::String(text),
                Some(id) => {
                    let next = places.len();
                    json!(format!("#{} {rest}", places.entry(id).or_insert(next)))
                }
            }
        }
        Value::Array(items) => items.into_iter().map(|item| placed(item, places)).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (name, placed(value, places)))
            .collect(),
        other => other,
    }
}

async fn make(database: &Database) {
    let store = Store::open(&OpenOptions::new(database.clone()))
        .await
        .unwrap();
    demo::prepare_for(&store, demo::SEED, today())
        .await
        .unwrap();
    store.close().await;
}

fn make_on_sqlite() -> TempDir {
    let folder = TempDir::new().unwrap();
    let database = Database::Sqlite(folder.path().join("demo.sqlite"));
    let made = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(make(&database));
    });
    made.join().unwrap();
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn on_both_engines_the_same_seed_and_day_give_the_same_firm() {
    let (one, other) = (Firm::on_sqlite().await, Firm::on_postgres().await);
    check_all(&one).await;
    check_all(&other).await;
    let (one, other) = (one.history().await, other.history().await);
    assert!(one.len() > 4_000, "{} lines", one.len());
    for (line, (one, other)) in one.iter().zip(&other).enumerate() {
        assert_eq!(one, other, "line {line}");
    }
    assert_eq!(one.len(), other.len());
}

/// What holds of the firm on every engine.
async fn check_all(firm: &Firm) {
    check_counts(firm).await;
    check_times(firm).await;
    check_courses(firm).await;
    check_links(firm).await;
    check_summary(firm).await;
    check_dashboard(firm).await;
    check_search(firm).await;
    money::check(firm).await;
    work::check(firm).await;
    suggestions::check(firm).await;
    figures::check(firm).await;
}

/// What the page about the firm suggests to ask, by its words.
fn suggested(prompt: &str) {
    const PAGE: &str = include_str!("../../docs/demo.md");
    let is_there = PAGE.lines().any(|line| {
        let asked = line.split_once(". ").map(|(_, asked)| asked);
        asked == Some(prompt)
    });
    assert!(is_there, "docs/demo.md does not suggest {prompt:?}");
}

async fn check_counts(firm: &Firm) {
    let count = async |text| firm.count(text).await as usize;
    assert_eq!(
        count("SELECT COUNT(*) AS count FROM company").await,
        demo::COMPANIES
    );
    assert_eq!(
        count("SELECT COUNT(*) AS count FROM contact").await,
        demo::CONTACTS
    );
    assert_eq!(
        count("SELECT COUNT(*) AS count FROM deal").await,
        demo::DEALS
    );
    assert_eq!(
        count("SELECT COUNT(*) AS count FROM activity").await,
        demo::ACTIVITIES
    );
    let archived = "SELECT (SELECT COUNT(*) FROM company WHERE archived_at IS NOT NULL) \
                    + (SELECT COUNT(*) FROM contact WHERE archived_at IS NOT NULL) \
                    + (SELECT COUNT(*) FROM deal WHERE archived_at IS NOT NULL) \
                    + (SELECT COUNT(*) FROM activity WHERE archived_at IS NOT NULL) AS count";
    assert_eq!(firm.count(archived).await, 0);
    let members = firm.ask("list_team_members", json!({})).await;
    let names: Vec<&str> = list(&members)
        .iter()
        .map(|member| text(member, "name"))
        .collect();
    assert_eq!(names.len(), demo::MEMBERS.len());
    assert!(
        demo::MEMBERS.iter().all(|(name, ..)| names.contains(name)),
        "{names:?}"
    );
    let teams = firm.ask("list_teams", json!({})).await;
    assert_eq!(list(&teams).len(), 2);
    let twice = firm
        .ask("find_duplicate_contacts", json!({ "limit": 100 }))
        .await;
    assert_eq!(list(&twice).len(), demo::DUPLICATES, "{twice}");
    let stages = firm.rows("SELECT DISTINCT stage FROM deal").await;
    assert_eq!(stages.len(), 6, "there are deals in every stage");
    let kinds = firm.rows("SELECT DISTINCT type FROM activity").await;
    assert_eq!(kinds.len(), 5, "there are activities of every kind");
    let currencies = firm.rows("SELECT DISTINCT currency FROM deal").await;
    assert_eq!(currencies.len(), 4);
}

/// Nothing is in the future but what is planned, and the log goes on in time.
async fn check_times(firm: &Firm) {
    let start = day_start(today());
    let mut last = None;
    let rows = firm
        .rows("SELECT at, tool, member FROM change_log ORDER BY id")
        .await;
    for row in &rows {
        let (at, tool): (Timestamp, String) = (row.get("at").unwrap(), row.get("tool").unwrap());
        if tool == "bureau" {
            continue;
        }
        assert!(at < start && Some(at) >= last, "{tool} {at} after {last:?}");
        assert!(
            row.get::<Option<i64>>("member").unwrap().is_some(),
            "somebody did it"
        );
        last = Some(at);
    }
    let first: Timestamp = firm.rows("SELECT MIN(created_at) AS at FROM contact").await[0]
        .get("at")
        .unwrap();
    assert!((start - first).num_days() > 720, "two years");
    for row in firm
        .rows("SELECT created_at, done_at, due_at, updated_at FROM activity")
        .await
    {
        let done: Option<Timestamp> = row.get("done_at").unwrap();
        let created: Timestamp = row.get("created_at").unwrap();
        let updated: Timestamp = row.get("updated_at").unwrap();
        assert!(created <= updated && updated < start);
        assert!(done.is_none_or(|done| created <= done && done < start));
        let due: Option<Timestamp> = row.get("due_at").unwrap();
        assert!(
            done.is_some() || due.is_some_and(|due| due > created),
            "what is planned is due"
        );
    }
    for row in firm
        .rows("SELECT closed_on, expected_close, status FROM deal")
        .await
    {
        let closed: Option<NaiveDate> = row.get("closed_on").unwrap();
        assert!(closed.is_none_or(|day| day < today()));
        assert!(
            row.get::<Option<NaiveDate>>("expected_close")
                .unwrap()
                .is_some()
        );
    }
}

/// The stages of every deal go forward in time and end as its status says.
async fn check_courses(firm: &Firm) {
    let stages = kinds_of_stages(firm).await;
    let mut courses: HashMap<i64, Vec<(i64, Timestamp)>> = HashMap::new();
    let rows = "SELECT record, at, after FROM change_log WHERE entity = 'deal' ORDER BY id";
    for row in firm.rows(rows).await {
        let after: Value = serde_json::from_str(&row.get::<String>("after").unwrap()).unwrap();
        if let Some(stage) = after["stage"].as_str() {
            let (_, stage) = decode(stage).unwrap();
            let course = courses.entry(row.get("record").unwrap()).or_default();
            course.push((stage, row.get("at").unwrap()));
        }
    }
    let mut reasons = BTreeMap::new();
    let deals =
        "SELECT id, stage, stage_since, status, closed_on, lost_reason, created_at FROM deal";
    for row in firm.rows(deals).await {
        let course = &courses[&row.get::<i64>("id").unwrap()];
        assert_eq!(course[0].1, row.get::<Timestamp>("created_at").unwrap());
        for pair in course.windows(2) {
            let place = |(stage, _): (i64, Timestamp)| stages[&stage].1;
            assert!(pair[0].1 < pair[1].1 && place(pair[0]) < place(pair[1]));
        }
        let (stage, since) = *course.last().unwrap();
        assert_eq!(
            (stage, since),
            (row.get("stage").unwrap(), row.get("stage_since").unwrap())
        );
        let status: String = row.get("status").unwrap();
        let kind = match status.as_str() {
            "unqualified" => "lost",
            other => other,
        };
        assert_eq!(stages[&stage].0, kind);
        let closed: Option<NaiveDate> = row.get("closed_on").unwrap();
        let ended = (status != "open").then(|| since.with_timezone(&ZONE).date_naive());
        assert_eq!(closed, ended);
        let reason: Option<String> = row.get("lost_reason").unwrap();
        assert_eq!(reason.is_some(), kind == "lost");
        *reasons.entry(reason).or_insert(0) += 1;
    }
    assert!(reasons.len() > 6, "{reasons:?}");
    let won = firm
        .ask("list_deals", json!({ "status": "won", "limit": 3 }))
        .await;
    for deal in list(&won) {
        let deal = firm.ask("get_deal", json!({ "deal": deal["id"] })).await;
        let stages = deal["data"]["stages"].as_array().unwrap();
        assert!(stages.len() > 1, "{deal}");
        assert_eq!(stages.last().unwrap()["stage"]["name"], "Won");
    }
}

/// What belongs together does.
async fn check_links(firm: &Firm) {
    let none = async |text| assert_eq!(firm.count(text).await, 0, "{text}");
    none("SELECT COUNT(*) AS count FROM deal d JOIN contact c ON c.id = d.contact WHERE c.company_id <> d.company \
          OR c.company_id IS NULL OR c.created_at > d.created_at").await;
    none("SELECT COUNT(*) AS count FROM deal WHERE contact IS NULL OR company IS NULL OR owner IS NULL").await;
    none("SELECT COUNT(*) AS count FROM activity WHERE assignee IS NULL OR assignee NOT IN (SELECT id FROM member)").await;
    none("SELECT COUNT(*) AS count FROM activity a JOIN deal d ON d.id = a.deal WHERE a.contact <> d.contact \
          OR a.company <> d.company OR a.assignee <> d.owner OR a.created_at < d.created_at").await;
    none("SELECT COUNT(*) AS count FROM activity a JOIN contact c ON c.id = a.contact WHERE a.company <> c.company_id").await;
    none("SELECT COUNT(*) AS count FROM activity WHERE contact IS NULL").await;
    none(
        "SELECT COUNT(*) AS count FROM activity a JOIN deal d ON d.id = a.deal \
          WHERE d.status <> 'open' AND a.done_at IS NULL",
    )
    .await;
    none("SELECT COUNT(*) AS count FROM contact WHERE owner IS NULL OR owner NOT IN (SELECT id FROM member)").await;
    let loose = firm
        .count("SELECT COUNT(*) AS count FROM contact WHERE company_id IS NULL")
        .await;
    assert!((1..40).contains(&loose), "{loose} contacts of no company");
}

/// A deal as its row has it: amounts in units of 10⁻⁴.
struct Deal {
    stage: i64,
    status: String,
    amount: i128,
    currency: String,
    percent: i128,
    closed_on: Option<NaiveDate>,
    expected: NaiveDate,
}

async fn deals(firm: &Firm) -> Vec<Deal> {
    let stages = kinds_of_stages(firm).await;
    let rows = firm
        .rows("SELECT stage, status, amount, currency, probability, closed_on, expected_close FROM deal")
        .await;
    let deals = rows.iter().map(|row| {
        let stage: i64 = row.get("stage").unwrap();
        let percent: Option<i64> = row.get("probability").unwrap();
        Deal {
            stage,
            status: row.get("status").unwrap(),
            amount: row
                .get::<Option<i64>>("amount")
                .unwrap()
                .unwrap_or(0)
                .into(),
            currency: row.get("currency").unwrap(),
            percent: percent.unwrap_or(stages[&stage].2).into(),
            closed_on: row.get("closed_on").unwrap(),
            expected: row.get("expected_close").unwrap(),
        }
    });
    deals.collect()
}

/// The stages: kind, place, percent.
async fn kinds_of_stages(firm: &Firm) -> HashMap<i64, (String, i64, i64)> {
    let rows = firm
        .rows("SELECT id, kind, position, probability FROM stage")
        .await;
    let stages = rows.iter().map(|row| {
        let facts = (
            row.get("kind").unwrap(),
            row.get("position").unwrap(),
            row.get("probability").unwrap(),
        );
        (row.get("id").unwrap(), facts)
    });
    stages.collect()
}

/// Rates by currency and day, in units of 10⁻⁴.
type Rates = HashMap<String, BTreeMap<NaiveDate, i128>>;

async fn rates(firm: &Firm) -> Rates {
    let always = BTreeMap::from([(NaiveDate::MIN, 10_000)]);
    let mut rates = HashMap::from([("EUR".to_owned(), always)]);
    for row in firm
        .rows("SELECT currency, day, rate FROM exchange_rate")
        .await
    {
        let rate: String = row.get("rate").unwrap();
        let (whole, rest) = rate.split_once('.').unwrap_or((&rate, ""));
        let units = format!("{whole}{rest:0<4}").parse().unwrap();
        let days: &mut BTreeMap<_, _> = rates.entry(row.get("currency").unwrap()).or_default();
        days.insert(row.get("day").unwrap(), units);
    }
    rates
}

/// An amount with that many digits after the point, rounded half up to cents.
fn shown(amount: i128, digits: u32) -> String {
    let step = 10_i128.pow(digits - 2);
    let cents = (amount + step / 2) / step;
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// Says of these deals what the tools say of them.
fn figures<'a>(deals: impl Iterator<Item = &'a Deal>, rates: &Rates) -> Value {
    let mut of: BTreeMap<&str, (i64, i128, i128)> = BTreeMap::new();
    let (mut base, mut base_weighted) = (0, 0);
    for deal in deals {
        let entry = of.entry(&deal.currency).or_default();
        let weighted = deal.amount * deal.percent;
        *entry = (entry.0 + 1, entry.1 + deal.amount, entry.2 + weighted);
        // What is closed counts at the rate of the day on which it was.
        let day = deal.closed_on.unwrap_or_else(today);
        let (_, rate) = rates[&deal.currency].range(..=day).next_back().unwrap();
        base += deal.amount * rate;
        base_weighted += weighted * rate;
    }
    let values: Vec<Value> = of
        .iter()
        .map(|(currency, (count, amount, weighted))| {
            json!({ "currency": currency, "count": count, "amount": shown(*amount, 4), "weighted": shown(*weighted, 6) })
        })
        .collect();
    json!({
        "count": of.values().map(|entry| entry.0).sum::<i64>(),
        "values": values,
        "base_amount": shown(base, 8),
        "base_weighted": shown(base_weighted, 10),
    })
}

#[track_caller]
fn assert_holds(answer: &Value, figures: &Value) {
    for (name, value) in figures.as_object().unwrap() {
        // What is empty is left out of an answer.
        let said = answer.get(name).cloned().unwrap_or(json!([]));
        assert_eq!(&said, value, "{name} in {answer}");
    }
}

async fn check_summary(firm: &Firm) {
    let (deals, rates) = (deals(firm).await, rates(firm).await);
    let summary = firm.ask("get_pipeline_summary", json!({})).await;
    let data = &summary["data"];
    let open = || deals.iter().filter(|deal| deal.status == "open");
    assert_holds(&data["total"], &figures(open(), &rates));
    let stages = data["stages"].as_array().unwrap();
    assert_eq!(stages.len(), 4);
    for stage in stages {
        let (_, id) = decode(text(&stage["stage"], "id")).unwrap();
        let here = || open().filter(|deal| deal.stage == id);
        assert!(here().count() > 0, "{stage}");
        assert_holds(stage, &figures(here(), &rates));
    }
    assert!(
        data["without_rate"].as_array().is_none_or(Vec::is_empty),
        "{data}"
    );
}

async fn check_dashboard(firm: &Firm) {
    let (deals, rates) = (deals(firm).await, rates(firm).await);
    let since = today() - chrono::Days::new(365);
    let answer = firm
        .ask("get_crm_dashboard", json!({ "since": since }))
        .await;
    let data = &answer["data"];
    let ended = |status: &'static str| {
        deals.iter().filter(move |deal| {
            deal.status == status && deal.closed_on.is_some_and(|day| day >= since)
        })
    };
    for status in ["won", "lost"] {
        assert_holds(&data["deals"][status], &figures(ended(status), &rates));
    }
    let open = deals.iter().filter(|deal| deal.status == "open");
    assert_holds(&data["deals"]["open"], &figures(open, &rates));
    let (won, lost) = (ended("won").count(), ended("lost").count());
    let tenths = (2000 * won + won + lost) / (2 * (won + lost));
    assert_eq!(
        data["deals"]["win_rate"],
        format!("{}.{}", tenths / 10, tenths % 10)
    );
    assert!((280..450).contains(&tenths), "{won} of {}", won + lost);
    let late = deals
        .iter()
        .filter(|deal| deal.status == "open" && deal.expected < today());
    let late = late.count();
    assert!(late > 0);
    assert_eq!(data["deals"]["past_expected_close"], late);
    assert!(data["deals"]["rotting"].as_i64().unwrap() > 0);
    assert_eq!(data["contacts"]["total"], demo::CONTACTS);
    assert_eq!(data["companies"]["total"], demo::COMPANIES);
    let as_of: Timestamp = text(data, "as_of").parse().unwrap();
    let activities = firm.rows("SELECT due_at, done_at FROM activity").await;
    let count = |holds: &dyn Fn(Option<Timestamp>, Option<Timestamp>) -> bool| {
        let each = activities
            .iter()
            .filter(|row| holds(row.get("due_at").unwrap(), row.get("done_at").unwrap()));
        each.count()
    };
    let day = |days: u64| day_start(today() + chrono::Days::new(days));
    let due = |from: Timestamp, to: Timestamp| {
        count(&|due, done| done.is_none() && due.is_some_and(|due| from <= due && due < to))
    };
    let overdue = count(&|due, done| done.is_none() && due.is_some_and(|due| due <= as_of));
    let done = count(&|_, done| done.is_some_and(|done| done >= day_start(since)));
    assert!(overdue > 10 && due(day(0), day(1)) > 3 && due(day(1), day(8)) > 8);
    assert_holds(
        &data["activities"],
        &json!({
            "overdue": overdue,
            "due_today": due(day(0), day(1)),
            "due_next_7_days": due(day(1), day(8)),
            "done": done,
        }),
    );
}

async fn check_search(firm: &Firm) {
    let rows = firm
        .rows("SELECT id, name, first_name, last_name FROM contact WHERE last_name IS NOT NULL ORDER BY id")
        .await;
    let abroad = rows
        .iter()
        .filter(|row| !row.get::<String>("name").unwrap().is_ascii());
    let some = rows.iter().step_by(60).chain(abroad.take(6));
    for row in some {
        let name: String = row.get("name").unwrap();
        let latin = [
            row.get::<Option<String>>("first_name").unwrap(),
            row.get("last_name").unwrap(),
        ];
        let latin = latin.map(Option::unwrap_or_default).join(" ");
        let id: i64 = row.get("id").unwrap();
        for query in [&name, latin.trim()] {
            let found = firm
                .ask("search_contacts", json!({ "query": query, "limit": 20 }))
                .await;
            let ids = list(&found)
                .iter()
                .map(|contact| decode(text(contact, "id")).unwrap().1);
            assert!(ids.into_iter().any(|found| found == id), "{query}: {found}");
        }
    }
    let deals = firm
        .ask("list_deals", json!({ "query": "warehouse planning" }))
        .await;
    assert!(list(&deals).len() > 5, "{deals}");
    let activities = firm
        .ask("list_activities", json!({ "query": "contract review" }))
        .await;
    assert!(list(&activities).len() > 2, "{activities}");
}

fn day_start(day: NaiveDate) -> Timestamp {
    let midnight = day.and_hms_opt(0, 0, 0).unwrap();
    midnight
        .and_local_timezone(ZONE)
        .earliest()
        .unwrap()
        .to_utc()
}

fn list(answer: &Value) -> &Vec<Value> {
    answer["data"].as_array().unwrap()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_is_not_made_twice_and_nothing_is_mixed_into_other_data() {
    let folder = TempDir::new().unwrap();
    let open = async |name: &str| {
        let database = Database::Sqlite(folder.path().join(name));
        Store::open(&OpenOptions::new(database)).await.unwrap()
    };
    let store = open("other.sqlite").await;
    admin::bootstrap(&store).await.unwrap();
    let refused = demo::prepare_for(&store, demo::SEED, today())
        .await
        .unwrap_err();
    assert!(refused.message().contains("not empty"), "{refused}");
    assert_eq!(admin::list_workspaces(&store).await.unwrap().len(), 1);
    store.close().await;

    let firm = Firm::on_sqlite().await;
    let before = firm.history().await.len();
    let store = firm.dispatcher.app().store.clone();
    demo::prepare_for(&store, demo::SEED + 1, today())
        .await
        .unwrap();
    assert_eq!(
        firm.count("SELECT COUNT(*) AS count FROM contact").await,
        demo::CONTACTS as i64
    );
    assert_eq!(firm.history().await.len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_firm_whose_making_was_killed_is_made_anew_the_same_and_sound() {
    let folder = TempDir::new().unwrap();
    let run = || {
        let mut command = Command::new(PROGRAM);
        command.args(["demo", "--data-dir"]).arg(folder.path());
        command.env_clear().env("HOME", folder.path());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    };
    let file = folder.path().join("demo.sqlite");
    for bytes in [1, 400_000, 2_000_000] {
        let mut child = run().spawn().unwrap();
        while child.try_wait().unwrap().is_none() && written(folder.path()) < bytes {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let whole = run().output().unwrap();
    assert!(
        whole.status.success(),
        "{}",
        String::from_utf8_lossy(&whole.stderr)
    );
    let doctor = Command::new(PROGRAM)
        .args(["doctor", "--data-dir"])
        .arg(folder.path())
        .arg("--database")
        .arg(format!("sqlite:{}", file.display()))
        .env_clear()
        .env("HOME", folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&doctor.stdout);
    assert!(
        doctor.status.success() && said.contains("chain of hashes is whole"),
        "{said}"
    );
    let made = Firm::open(Database::Sqlite(file), folder).await;
    check_counts(&made).await;
    let tools = |lines: Vec<String>| -> Vec<String> {
        // Rates that were noted before the end are noted again.
        let arranged = "\"bureau\"";
        lines
            .into_iter()
            .filter(|line| !line.contains(arranged))
            .collect()
    };
    let (made, whole) = (
        made.history().await,
        Firm::on_sqlite().await.history().await,
    );
    assert_eq!(tools(made), tools(whole));
}

/// How much stands in the files of the database.
fn written(folder: &Path) -> u64 {
    ["demo.sqlite", "demo.sqlite-wal"]
        .iter()
        .filter_map(|name| std::fs::metadata(folder.join(name)).ok())
        .map(|file| file.len())
        .sum()
}
