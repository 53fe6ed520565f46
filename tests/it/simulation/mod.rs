//! The seeded simulation: several servers on one database in one process, whose every step a seed decides.
//!
//! Up to six calls are under way at once, on three stores over one database. Each stops at every gate of its transactions
//! (before it begins, before each statement, before its commit, and before its answer), and the seed says who goes on, who
//! begins something new, which caller vanishes where it stands, when the scheduler ticks, when a server ends and
//! starts again, and when the clock jumps. Time is virtual. Everything else is the real thing: the pipeline with all modules, the
//! store, the engine and its files.
//!
//! What a call did stands in the change log; what it may have done is in the [`model`]. Whenever all are done, every change in
//! the log has to be one of a call that was acknowledged, or of one that nobody heard of again; in that order the model
//! has to allow each; what was acknowledged has to be there; what was refused must not; and the database has to hold what the
//! model holds. The same seed does the same: a failure says the seed and the step, and repeats.
//!
//! On PostgreSQL a transaction runs from its begin to its commit without a stop, because one that waits for another's lock waits
//! in the server, where nobody sees it. There the seed decides the order of whole transactions.

mod model;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bureau_kernel::admin;
use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::{Call, Dispatcher, Outcome, Settings};
use bureau_kernel::error::Code;
use bureau_kernel::provision::provision;
use bureau_kernel::registry::{Registry, Selection};
use bureau_kernel::scheduler::{Scheduler, Ticked};
use bureau_kernel::store::clock::{self, Clock};
use bureau_kernel::store::{Database, OpenOptions, Scope, Stage, Steps, Store, sql};
use bureau_kernel::testing::{Engine, rows};
use bureau_kernel::testing_postgres::fresh_database;
use bureau_kernel::types::id::encode;
use bureau_kernel::types::time::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::MODULES;
use crate::campaign::{HANG, check_log, sealed};
use crate::modules::contradictions;
use crate::seed::{from_environment, seed};
use model::{Effect, Model, Row};

/// Steps that a seed is good for where nobody says otherwise.
const STEPS: usize = 10_000;
/// Steps between two looks at everything.
const LOOK_EVERY: usize = 250;
const STORES: usize = 3;
const CALLERS: usize = 6;

/// SplitMix64, so that a seed means the same whatever a library does.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap()
    }

    fn days(&mut self, least: i64, most: i64) -> chrono::Duration {
        let width = usize::try_from(most - least + 1).unwrap();
        chrono::Duration::days(least + i64::try_from(self.below(width)).unwrap())
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        // Nothing is drawn where there is nothing to choose: how often that is looked for is not for the seed to say.
        (!of.is_empty()).then(|| of[self.below(of.len())].clone())
    }
}

/// What became of a call.
#[derive(Debug, Clone, PartialEq)]
enum State {
    Running,
    Done(Value),
    Refused(Code, String),
    /// Its caller went away where it stood: it may have been done or not.
    Vanished,
}

/// A call that was made.
#[derive(Debug, Clone)]
struct Made {
    tool: &'static str,
    arguments: Value,
    key: Option<String>,
    state: State,
    /// How often the clock had become wrong or right before it began.
    age: usize,
}

enum Ended {
    Call(Outcome),
    Tick(Ticked),
}

struct Simulation {
    engine: Engine,
    chance: Chance,
    stage: Stage,
    steps: Steps,
    clock: Clock,
    /// What time it really is, while the clock says something else.
    really: Option<Timestamp>,
    /// How often the clock became wrong or right.
    age: usize,
    database: Database,
    _folder: TempDir,
    servers: Vec<Arc<Dispatcher>>,
    owner: Caller,
    calls: Vec<Made>,
    running: BTreeMap<usize, JoinHandle<()>>,
    ended: Arc<Mutex<Vec<(usize, Ended)>>>,
    model: Model,
    /// The changes that took effect, in that order.
    effects: Vec<i64>,
    known: BTreeSet<i64>,
    /// How many of them the model has.
    applied: usize,
    /// The calls whose changes those are.
    explained: BTreeSet<String>,
    company: String,
    contacts: Vec<String>,
    invoices: Vec<String>,
    offers: Vec<String>,
    undoable: Vec<String>,
    tokens: Vec<(String, String)>,
    step: usize,
    history: Vec<String>,
    /// Says each step as it comes.
    is_loud: bool,
    trace: Sha256,
}

async fn server(database: &Database, clock: &Clock, steps: &Steps) -> Arc<Dispatcher> {
    let options = OpenOptions {
        clock: clock.clone(),
        steps: steps.clone(),
        // Whoever stands at a gate keeps others waiting for as long as the seed says.
        write_wait: Duration::from_secs(3_600),
        ..OpenOptions::new(database.clone())
    };
    let store = Store::open(&options).await.unwrap();
    let all = Selection {
        features: vec!["all".into()],
        ..Selection::default()
    };
    let registry = Registry::new(MODULES, &all).unwrap();
    admin::bootstrap(&store).await.unwrap();
    provision(&store, MODULES, || Ok(Arc::clone(&registry)))
        .await
        .unwrap();
    clock::beat(&store).await.unwrap();
    let settings = Settings {
        call_limit: Duration::from_secs(3_600),
        ..Settings::default()
    };
    Dispatcher::new(store, registry, None, settings).unwrap()
}

impl Simulation {
    async fn new(engine: Engine, seed: u64) -> Self {
        let folder = TempDir::new().unwrap();
        let database = match engine {
            Engine::Sqlite => Database::Sqlite(folder.path().join("bureau.sqlite")),
            Engine::Postgres => Database::Postgres(fresh_database().await),
        };
        let clock = Clock::at("2026-11-20T12:00:00Z".parse().unwrap());
        let (steps, stage) = Steps::staged();
        stage.open(true);
        let mut servers = Vec::new();
        for _ in 0..STORES {
            servers.push(server(&database, &clock, &steps).await);
        }
        let owner = servers[0].operator(None).await.unwrap();
        let mut simulation = Self {
            engine,
            chance: Chance(seed),
            stage,
            steps,
            clock,
            really: None,
            age: 0,
            database,
            _folder: folder,
            servers,
            owner,
            calls: Vec::new(),
            running: BTreeMap::new(),
            ended: Arc::default(),
            model: Model::default(),
            effects: Vec::new(),
            known: BTreeSet::new(),
            applied: 0,
            explained: BTreeSet::new(),
            company: String::new(),
            contacts: Vec::new(),
            invoices: Vec::new(),
            offers: Vec::new(),
            undoable: Vec::new(),
            tokens: Vec::new(),
            step: 0,
            history: Vec::new(),
            is_loud: std::env::var_os("BUREAU_SIMULATION_LOUD").is_some(),
            trace: Sha256::new(),
        };
        // What was there before the first call is nothing of ours.
        simulation.notice().await;
        simulation.applied = simulation.effects.len();
        simulation.provision().await;
        simulation
    }

    /// What the firm begins with.
    async fn provision(&mut self) {
        // A process looks once into its fonts for a character, and a call that has to wait for that would begin anew.
        let printed: String = (' '..='~').collect();
        let acme = self.now("create_company", json!({ "name": "Acme" })).await;
        self.company = acme["data"]["id"].as_str().unwrap().to_owned();
        let plan = json!({
            "name": "Hosting", "company": self.company, "interval": "week", "auto_issue": true,
            "lines": lines(100), "starts_on": "2026-11-23",
            "confirm": true,
        });
        self.now("create_recurring_invoice", plan).await;
        let offer = json!({ "title": printed, "company": self.company, "lines": lines(100) });
        let offer = self.now("create_quotation", offer).await["data"]["id"].clone();
        self.now(
            "send_quotation",
            json!({ "quotation": offer, "confirm": true }),
        )
        .await;
        for _ in 0..8 {
            self.offer(true).await;
        }
        for _ in 0..2 {
            self.offer(false).await;
        }
    }

    /// A quotation that was sent, and accepted or not.
    async fn offer(&mut self, is_accepted: bool) {
        let price = 100 * (1 + self.chance.below(9));
        let offer = json!({ "title": "Roof", "company": self.company, "lines": lines(price) });
        let offer = self.now("create_quotation", offer).await["data"]["id"].clone();
        self.now(
            "send_quotation",
            json!({ "quotation": offer, "confirm": true }),
        )
        .await;
        if is_accepted {
            let accepted = json!({ "quotation": offer, "status": "accepted" });
            self.now("update_quotation_status", accepted).await;
            self.offers.push(offer.as_str().unwrap().to_owned());
        }
    }

    /// Makes a call that has to succeed, while nobody else does anything.
    async fn now(&mut self, tool: &'static str, arguments: Value) -> Value {
        self.stage.open(true);
        let number = self.begin(0, tool, arguments, None);
        self.finish().await;
        self.stage.open(false);
        match &self.calls[number].state {
            State::Done(answer) => answer.clone(),
            other => panic!("{}", self.failed(&format!("{tool} ended with {other:?}"))),
        }
    }

    fn say(&mut self, mut what: String) {
        self.trace.update(what.as_bytes());
        what.insert_str(0, &format!("{:6} ", self.step));
        if self.is_loud {
            println!("{what}");
        }
        self.history.push(what);
    }

    fn failed(&self, what: &str) -> String {
        const SHOWN: usize = 150;
        let from = self.history.len().saturating_sub(SHOWN);
        format!(
            "{}\nstep {}: {what}",
            self.history[from..].join("\n"),
            self.step
        )
    }

    /// Who goes on. Who only waits for a turn that another server has is asked less often.
    fn choose(&mut self, waiting: &[(u64, &'static str)]) -> Option<(u64, &'static str)> {
        let can_go: Vec<_> = waiting
            .iter()
            .copied()
            .filter(|(_, gate)| *gate != "turn")
            .collect();
        if can_go.is_empty() || can_go.len() < waiting.len() && self.chance.below(8) == 0 {
            return self.chance.pick(waiting);
        }
        self.chance.pick(&can_go)
    }

    /// Begins a call on a server.
    fn begin(
        &mut self,
        server: usize,
        tool: &'static str,
        arguments: Value,
        key: Option<String>,
    ) -> usize {
        let number = self.calls.len();
        let (dispatcher, owner, ended) = (
            self.servers[server].clone(),
            self.owner.clone(),
            self.ended.clone(),
        );
        let call = Call {
            tool: tool.into(),
            arguments: arguments.as_object().cloned().unwrap(),
            idempotency_key: key.clone(),
            ..Call::default()
        };
        self.say(format!("call {number} on {server}: {tool}"));
        self.calls.push(Made {
            tool,
            arguments,
            key,
            state: State::Running,
            age: self.age,
        });
        let task = tokio::spawn(async move {
            let outcome = dispatcher.call(owner, call).await;
            ended.lock().unwrap().push((number, Ended::Call(outcome)));
        });
        self.running.insert(number, task);
        number
    }

    /// Lets a server's scheduler look for what is due.
    fn tick(&mut self, server: usize) {
        let number = self.calls.len();
        let (dispatcher, clock, ended) = (
            self.servers[server].clone(),
            self.clock.clone(),
            self.ended.clone(),
        );
        self.say(format!("call {number} on {server}: tick"));
        let made = Made {
            tool: "tick",
            arguments: json!({}),
            key: None,
            state: State::Running,
            age: self.age,
        };
        self.calls.push(made);
        let task = tokio::spawn(async move {
            let ticked = Scheduler::new(dispatcher).tick(clock.now()).await.unwrap();
            ended.lock().unwrap().push((number, Ended::Tick(ticked)));
        });
        self.running.insert(number, task);
    }

    /// Waits until nobody can go on unasked, and hears who is done.
    async fn settle(&mut self) {
        if tokio::time::timeout(HANG, self.stage.settle())
            .await
            .is_err()
        {
            panic!("{}", self.failed("an operation of the engine does not end"));
        }
        let ended: Vec<_> = std::mem::take(&mut *self.ended.lock().unwrap());
        for (number, ended) in ended {
            self.running.remove(&number);
            if self.calls[number].state == State::Vanished {
                continue;
            }
            let state = match ended {
                Ended::Call(Outcome::Done(answer)) => State::Done(answer),
                Ended::Call(Outcome::Failed(error)) => {
                    if let Some(token) = error.detail_value("confirm_token") {
                        let contact = self.calls[number].arguments["contact"].as_str().unwrap();
                        self.tokens
                            .push((contact.to_owned(), token.as_str().unwrap().to_owned()));
                    }
                    State::Refused(error.code(), error.to_string())
                }
                Ended::Call(Outcome::Ask { message, .. }) => {
                    State::Refused(Code::ConfirmationRequired, message)
                }
                Ended::Tick(ticked) => {
                    State::Done(json!({ "done": ticked.done, "rests": ticked.rests }))
                }
            };
            let said = match &state {
                State::Refused(code, _) => code.as_str().to_owned(),
                State::Done(answer) if self.calls[number].tool == "tick" => answer.to_string(),
                _ => "OK".to_owned(),
            };
            self.say(format!("call {number} is answered: {said}"));
            self.calls[number].state = state;
            self.answered(number);
        }
        if self.engine == Engine::Postgres {
            self.notice().await;
        }
    }

    /// Judges an answer by itself, and learns from it what there is.
    fn answered(&mut self, number: usize) {
        let made = self.calls[number].clone();
        let is_wrong = self.really.is_some();
        let is_final = matches!(made.tool, "issue_invoice" | "record_payment");
        match &made.state {
            State::Done(answer) => {
                // Whoever had a receipt is told what was done then.
                let is_first = !self.calls[..number]
                    .iter()
                    .any(|other| made.key.is_some() && other.key == made.key);
                if is_wrong && made.age == self.age && is_final && is_first {
                    panic!(
                        "{}",
                        self.failed(&format!(
                            "call {number} made something final by a wrong clock"
                        ))
                    );
                }
                let id = answer["data"]["id"].as_str().map(str::to_owned);
                match (made.tool, id) {
                    ("create_contact", Some(id)) => self.contacts.push(id),
                    ("create_invoice" | "convert_quotation" | "create_credit_note", Some(id)) => {
                        self.invoices.push(id);
                    }
                    _ => {}
                }
                if matches!(
                    made.tool,
                    "create_contact" | "update_contact" | "delete_contact"
                ) {
                    self.undoable
                        .extend(answer["change"].as_str().map(str::to_owned));
                }
                if made.tool == "tick" && is_wrong && made.age == self.age && answer["done"] != 0 {
                    panic!(
                        "{}",
                        self.failed(&format!("tick {number} did something by a wrong clock"))
                    );
                }
            }
            State::Refused(code, said) => {
                let expected = [
                    Code::Conflict,
                    Code::NotFound,
                    Code::Validation,
                    Code::ConfirmationRequired,
                ];
                if !expected.contains(code) {
                    panic!("{}", self.failed(&format!("call {number} {made:?}")));
                }
                if !is_wrong && made.age == self.age && said.contains("bureau clock accept") {
                    panic!(
                        "{}",
                        self.failed(&format!("call {number} {made:?} by a clock that is right"))
                    );
                }
            }
            State::Running | State::Vanished => {}
        }
    }

    /// Lets everybody go on, in the order of the seed, until all are done.
    async fn finish(&mut self) {
        loop {
            self.settle().await;
            let waiting = self.stage.waiting();
            if let Some((number, gate)) = self.choose(&waiting) {
                self.say(format!("{gate} {number} of {}", waiting.len()));
                self.stage.pass(number);
            } else if self.running.is_empty() {
                return;
            } else {
                self.wait().await;
            }
        }
    }

    /// Nobody stands at a gate and somebody is not done: only an engine's own thread can be at it.
    async fn wait(&mut self) {
        let somebody = async {
            while self.stage.waiting().is_empty() && self.ended.lock().unwrap().is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        if tokio::time::timeout(HANG, somebody).await.is_err() {
            let running: Vec<_> = self
                .running
                .keys()
                .map(|number| &self.calls[*number])
                .collect();
            panic!("{}", self.failed(&format!("nobody can go on: {running:?}")));
        }
    }

    async fn step(&mut self) {
        self.step += 1;
        self.settle().await;
        let moment = i64::try_from(self.chance.below(200)).unwrap();
        self.clock.step(chrono::Duration::milliseconds(moment));
        self.really = self
            .really
            .map(|really| really + chrono::Duration::milliseconds(moment));
        let waiting = self.stage.waiting();
        let what = self.chance.below(1_000);
        if what < 4 {
            self.jump();
        } else if what < 12 && !self.running.is_empty() {
            self.vanish();
        } else if self.running.len() < CALLERS && (waiting.is_empty() || what < 250) {
            self.something();
        } else if let Some((number, gate)) = self.choose(&waiting) {
            self.say(format!("{gate} {number} of {}", waiting.len()));
            self.stage.pass(number);
        } else {
            self.wait().await;
        }
    }

    /// The clock becomes wrong by years or days, or right again.
    fn jump(&mut self) {
        self.age += 1;
        match self.really.take() {
            Some(really) => {
                self.clock.set(really);
                self.say("the clock is set right".into());
            }
            None => {
                let now = self.clock.now();
                self.really = Some(now);
                let wrong = match self.chance.below(3) {
                    0 => now - self.chance.days(3, 300),
                    1 => now + self.chance.days(15, 40),
                    _ => now + self.chance.days(300, 1_500),
                };
                self.clock.set(wrong);
                self.say(format!("the clock jumps to {wrong}"));
            }
        }
    }

    /// A caller goes away where it stands.
    fn vanish(&mut self) {
        let running: Vec<usize> = self.running.keys().copied().collect();
        let Some(number) = self.chance.pick(&running) else {
            return;
        };
        if let Some(task) = self.running.remove(&number) {
            task.abort();
        }
        self.calls[number].state = State::Vanished;
        self.say(format!("call {number} vanishes"));
    }

    /// Somebody begins something.
    fn something(&mut self) {
        let server = self.chance.below(STORES);
        let number = self.calls.len();
        let key = (self.chance.below(2) == 0).then(|| format!("key {number}"));
        let contact = self.chance.pick(&self.contacts);
        let invoice = self.chance.pick(&self.invoices);
        let what = self.chance.below(100);
        let (tool, arguments) = match (what, contact, invoice) {
            (0..12, ..) => (
                "create_contact",
                json!({ "name": format!("Person {number}"), "on_duplicate": "create" }),
            ),
            (12..28, Some(contact), _) => (
                "update_contact",
                json!({ "contact": contact, "title": format!("Title {number}") }),
            ),
            (28..33, Some(contact), _) => (
                "delete_contact",
                json!({ "contact": contact, "confirm": true }),
            ),
            (33..36, Some(contact), _) => ("delete_contact", json!({ "contact": contact })),
            (36..39, ..) => {
                let Some((contact, token)) = self.chance.pick(&self.tokens) else {
                    return;
                };
                (
                    "delete_contact",
                    json!({ "contact": contact, "confirm_token": token }),
                )
            }
            (39..44, Some(keep), _) => {
                let Some(merge) = self
                    .chance
                    .pick(&self.contacts)
                    .filter(|merge| *merge != keep)
                else {
                    return;
                };
                (
                    "merge_contacts",
                    json!({ "keep": keep, "merge": [merge], "confirm": true }),
                )
            }
            (44..52, ..) => {
                let Some(change) = self.chance.pick(&self.undoable) else {
                    return;
                };
                ("undo_change", json!({ "change": change, "confirm": true }))
            }
            (52..60, ..) => {
                let price = 100 * (1 + self.chance.below(9));
                let invoice = json!({
                    "company": self.company, "lines": lines(price), "reference": format!("Order {number}"),
                });
                ("create_invoice", invoice)
            }
            (60..70, _, Some(invoice)) => (
                "issue_invoice",
                json!({ "invoice": invoice, "confirm": true }),
            ),
            (70..80, _, Some(invoice)) => {
                let amount = (50 * (1 + self.chance.below(4))).to_string();
                let reference = format!("Payment {number}");
                (
                    "record_payment",
                    json!({ "invoice": invoice, "amount": amount, "reference": reference, "confirm": true }),
                )
            }
            (80..84, _, Some(invoice)) => (
                "create_credit_note",
                json!({ "invoice": invoice, "reason": format!("Reason {number}") }),
            ),
            (84..88, ..) => {
                let Some(offer) = self.chance.pick(&self.offers) else {
                    return;
                };
                ("convert_quotation", json!({ "quotation": offer }))
            }
            (88..91, ..) => return self.tick(server),
            (91.., ..) => {
                // A caller that heard nothing, or forgot that it did, asks again.
                let keyed: Vec<usize> = (0..number)
                    .filter(|number| self.calls[*number].key.is_some())
                    .collect();
                let Some(earlier) = self.chance.pick(&keyed) else {
                    return;
                };
                let Made {
                    tool,
                    arguments,
                    key,
                    ..
                } = self.calls[earlier].clone();
                self.begin(server, tool, arguments, key);
                return;
            }
            _ => return,
        };
        self.begin(server, tool, arguments, key);
    }

    /// Remembers which changes have taken effect since the last time, in their order.
    async fn notice(&mut self) {
        let rows = rows(
            &self.servers[0].app().store,
            sql("SELECT call FROM change_log ORDER BY position, id"),
        )
        .await;
        for row in rows {
            let call: i64 = row.get("call").unwrap();
            if self.known.insert(call) {
                self.effects.push(call);
            }
        }
    }

    async fn effect(&self, call: i64) -> Effect {
        let mut tx = self.servers[0]
            .app()
            .store
            .read(Scope::System)
            .await
            .unwrap();
        let rows =
            sql("SELECT tool, undoes, entity, record, action, after FROM change_log WHERE call = ")
                .value(call)
                .sql(" ORDER BY id")
                .rows(&mut tx)
                .await
                .unwrap();
        tx.rollback().await;
        let rows: Vec<(String, Row)> = rows
            .iter()
            .map(|row| {
                let after: Option<String> = row.get("after").unwrap();
                let mut after: Value =
                    after.map_or_else(|| json!({}), |after| serde_json::from_str(&after).unwrap());
                if let Some(undoes) = row.get::<Option<i64>>("undoes").unwrap() {
                    after["undoes"] = json!(encode("chg", undoes));
                }
                let found = Row {
                    entity: row.get("entity").unwrap(),
                    record: row.get("record").unwrap(),
                    action: row.get("action").unwrap(),
                    after,
                };
                (row.get("tool").unwrap(), found)
            })
            .collect();
        Effect {
            change: encode("chg", call),
            tool: rows[0].0.clone(),
            rows: rows.into_iter().map(|(_, row)| row).collect(),
        }
    }

    /// Everybody finishes, and everything is compared.
    async fn look(&mut self) {
        self.finish().await;
        self.say("everything is looked at".into());
        self.stage.open(true);
        self.notice().await;
        let by_change: BTreeMap<String, usize> = (0..self.calls.len())
            .rev()
            .filter_map(|number| match &self.calls[number].state {
                State::Done(answer) => Some((answer["change"].as_str()?.to_owned(), number)),
                _ => None,
            })
            .collect();
        let new: Vec<i64> = self.effects.iter().skip(self.applied).copied().collect();
        for call in new {
            let effect = self.effect(call).await;
            let is_scheduled =
                ["recurring_invoice", "quotation_expiry"].contains(&effect.tool.as_str());
            let made = by_change.get(&effect.change).copied().or_else(|| {
                (0..self.calls.len()).find(|number| {
                    let made = &self.calls[*number];
                    made.state == State::Vanished
                        && !self.explained.contains(&format!("{number}"))
                        && effect.can_be(made.tool, &made.arguments)
                })
            });
            let arguments = match made {
                Some(number) => {
                    self.explained.insert(format!("{number}"));
                    self.calls[number].arguments.clone()
                }
                None if is_scheduled => json!({}),
                None => panic!("{}", self.failed(&format!("nobody did {effect:?}"))),
            };
            if let Err(wrong) = self.model.apply(&arguments, &effect) {
                panic!(
                    "{}",
                    self.failed(&format!("{wrong}: {made:?} {arguments} {effect:?}"))
                );
            }
            for row in effect.rows.iter().filter(|row| row.action == "create") {
                // What nobody heard of is there all the same.
                let list = match row.entity.as_str() {
                    "contact" => (&mut self.contacts, "con"),
                    "invoice" => (&mut self.invoices, "inv"),
                    _ => continue,
                };
                let id = encode(list.1, row.record);
                if !list.0.contains(&id) {
                    list.0.push(id);
                }
            }
            self.explained.insert(effect.change);
        }
        self.applied = self.effects.len();
        for (change, number) in by_change {
            if !self.explained.contains(&change) {
                panic!(
                    "{}",
                    self.failed(&format!("call {number} was acknowledged and is lost"))
                );
            }
        }
        self.check_keys();
        self.check_tokens();
        self.compare().await;
        let store = &self.servers[0].app().store;
        let mut findings = check_log(store).await;
        let found = contradictions(&self.servers[0], &self.owner).await;
        findings.extend(found.iter().map(|finding| format!("{finding:?}")));
        if !findings.is_empty() {
            panic!("{}", self.failed(&findings.join("; ")));
        }
        self.stage.open(false);
    }

    /// One key, one answer: whatever the clock said meanwhile.
    fn check_keys(&self) {
        let mut answers: BTreeMap<&str, &Value> = BTreeMap::new();
        for made in &self.calls {
            let (Some(key), State::Done(answer)) = (&made.key, &made.state) else {
                continue;
            };
            let first = answers.entry(key).or_insert(answer);
            if *first != answer {
                panic!(
                    "{}",
                    self.failed(&format!("{key} was answered {first} and {answer}"))
                );
            }
        }
    }

    /// One question, one deed.
    fn check_tokens(&self) {
        let mut used: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for made in &self.calls {
            let State::Done(answer) = &made.state else {
                continue;
            };
            if let (Some(token), Some(change)) = (
                made.arguments["confirm_token"].as_str(),
                answer["change"].as_str(),
            ) {
                used.entry(token).or_default().insert(change);
            }
        }
        if let Some((_, changes)) = used.iter().find(|(_, changes)| changes.len() > 1) {
            panic!(
                "{}",
                self.failed(&format!("one confirmation was used for {changes:?}"))
            );
        }
    }

    /// The database holds what the model does.
    async fn compare(&self) {
        let mut tx = self.servers[1]
            .app()
            .store
            .read(Scope::System)
            .await
            .unwrap();
        let people = sql("SELECT id, name, title, archived_at FROM contact ORDER BY id")
            .rows(&mut tx)
            .await
            .unwrap();
        let bills = sql("SELECT id, kind, status, period, serial, gross_total, paid FROM invoice WHERE archived_at IS NULL ORDER BY id")
            .rows(&mut tx)
            .await
            .unwrap();
        let offers = sql("SELECT id, status, converted_at FROM quotation ORDER BY id")
            .rows(&mut tx)
            .await
            .unwrap();
        let plans = sql("SELECT id, made FROM recurring_invoice ORDER BY id")
            .rows(&mut tx)
            .await
            .unwrap();
        tx.rollback().await;
        let mut found = String::new();
        for row in people {
            let (id, name): (i64, String) = (row.get("id").unwrap(), row.get("name").unwrap());
            let title: Option<String> = row.get("title").unwrap();
            let archived: Option<Timestamp> = row.get("archived_at").unwrap();
            writeln!(
                found,
                "contact {id} {name} {title:?} {}",
                archived.is_none()
            )
            .unwrap();
        }
        for row in bills {
            let number: (Option<i64>, Option<i64>) =
                (row.get("period").unwrap(), row.get("serial").unwrap());
            let (id, kind, status): (i64, String, String) = (
                row.get("id").unwrap(),
                row.get("kind").unwrap(),
                row.get("status").unwrap(),
            );
            let (gross, paid): (i64, i64) =
                (row.get("gross_total").unwrap(), row.get("paid").unwrap());
            let number = number.0.zip(number.1);
            writeln!(
                found,
                "{kind} {id} {status} {number:?} {} {}",
                gross / 100,
                paid / 100
            )
            .unwrap();
        }
        for row in offers {
            let (id, status): (i64, String) = (row.get("id").unwrap(), row.get("status").unwrap());
            let converted: Option<Timestamp> = row.get("converted_at").unwrap();
            writeln!(found, "quotation {id} {status} {}", converted.is_some()).unwrap();
        }
        for row in plans {
            let (id, made): (i64, i64) = (row.get("id").unwrap(), row.get("made").unwrap());
            writeln!(found, "plan {id} {made}").unwrap();
        }
        let mut expected = String::new();
        for (id, person) in &self.model.people {
            writeln!(
                expected,
                "contact {id} {} {:?} {}",
                person.name, person.title, person.is_live
            )
            .unwrap();
        }
        for (id, bill) in &self.model.bills {
            let (status, number) = (self.model.status(*id), bill.number);
            writeln!(
                expected,
                "{} {id} {status} {number:?} {} {}",
                bill.kind, bill.gross, bill.paid
            )
            .unwrap();
        }
        for (id, offer) in &self.model.offers {
            writeln!(
                expected,
                "quotation {id} {} {}",
                offer.status, offer.is_converted
            )
            .unwrap();
        }
        for (id, made) in &self.model.plans {
            writeln!(expected, "plan {id} {made}").unwrap();
        }
        if found != expected {
            let differing: Vec<_> = found
                .lines()
                .filter(|line| !expected.contains(line))
                .collect();
            let missing: Vec<_> = expected
                .lines()
                .filter(|line| !found.contains(line))
                .collect();
            let what = format!("the database holds {differing:#?}, the model {missing:#?}");
            panic!("{}", self.failed(&what));
        }
    }

    /// Between two looks: days go by, a server ends and another starts, the firm sells something.
    async fn pass(&mut self) {
        if self.really.is_some() {
            self.jump();
        }
        let days = self.chance.days(1, 6);
        self.clock.step(days);
        self.say(format!("{} days go by", days.num_days()));
        self.stage.open(true);
        let server_number = self.chance.below(STORES);
        self.servers[server_number].app().close().await;
        self.servers[server_number] = server(&self.database, &self.clock, &self.steps).await;
        self.stage.open(false);
        self.say(format!("server {server_number} starts again"));
        self.offer(true).await;
        self.offer(false).await;
        // Keys of more than two days ago are forgotten, and so are they here.
        for made in &mut self.calls {
            made.key = None;
        }
        let server_number = self.chance.below(STORES);
        self.tick(server_number);
    }

    /// Does what no call does.
    async fn meddle(&mut self, statement: &'static str) {
        self.finish().await;
        self.stage.open(true);
        let mut tx = self.servers[0]
            .app()
            .store
            .write(Scope::System)
            .await
            .unwrap();
        sql(statement).run(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        self.stage.open(false);
    }

    async fn run(mut self, steps: usize, meddling: Option<&'static str>) -> String {
        while self.step < steps {
            self.step().await;
            if let Some(statement) = meddling.filter(|_| self.step.is_multiple_of(40)) {
                self.meddle(statement).await;
            }
            if self.step.is_multiple_of(LOOK_EVERY) {
                self.look().await;
                self.pass().await;
            }
        }
        self.look().await;
        sealed(&self.servers[0].app().store).await;
        let done = self
            .calls
            .iter()
            .filter(|made| matches!(made.state, State::Done(_)))
            .count();
        let vanished = self
            .calls
            .iter()
            .filter(|made| made.state == State::Vanished)
            .count();
        println!(
            "{} steps on {:?}: {} calls, {done} done, {vanished} vanished; {} changes, {} documents, {} contacts",
            self.step,
            self.engine,
            self.calls.len(),
            self.effects.len(),
            self.model.bills.len(),
            self.model.people.len()
        );
        assert!(
            self.model.bills.values().any(|bill| bill.is_issued),
            "something is issued"
        );
        for server in &self.servers {
            server.app().close().await;
        }
        hex(&self.trace.finalize())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn lines(price: usize) -> Value {
    json!([{ "description": "Hosting", "unit_price": price.to_string(), "tax_rate": "19" }])
}

/// Runs so many steps of a seed, and answers what identifies all that happened.
fn simulate(engine: Engine, seed: u64, steps: usize) -> String {
    println!(
        "BUREAU_SIMULATION_SEED={seed} BUREAU_SIMULATION_STEPS={steps} repeats this on {engine:?}"
    );
    run(engine, seed, steps, None)
}

fn run(engine: Engine, seed: u64, steps: usize, meddling: Option<&'static str>) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let simulation = Simulation::new(engine, seed).await;
        simulation.run(steps, meddling).await
    })
}

fn steps(usual: usize) -> usize {
    from_environment("BUREAU_SIMULATION_STEPS")
        .map_or(usual, |steps| usize::try_from(steps).unwrap())
}

#[test]
fn ten_thousand_steps_of_one_seed_do_what_the_model_allows() {
    simulate(
        Engine::Sqlite,
        from_environment("BUREAU_SIMULATION_SEED").unwrap_or(8),
        steps(STEPS),
    );
}

#[test]
fn ten_thousand_steps_of_a_new_seed_each_time_do_what_the_model_allows() {
    let seed = seed("BUREAU_SIMULATION_SEED");
    simulate(Engine::Sqlite, seed, steps(STEPS));
}

#[test]
fn transactions_in_the_order_of_a_seed_do_what_the_model_allows_on_postgres() {
    let seed = seed("BUREAU_SIMULATION_SEED");
    simulate(Engine::Postgres, seed, steps(1_500));
}

#[test]
fn a_seed_repeats_exactly() {
    let once = simulate(Engine::Sqlite, 42, 2_000);
    assert_eq!(once, simulate(Engine::Sqlite, 42, 2_000));
    assert_ne!(once, simulate(Engine::Sqlite, 43, 2_000));
}

#[test]
#[should_panic(expected = "the database holds")]
fn what_nobody_did_is_noticed() {
    run(
        Engine::Sqlite,
        7,
        2_000,
        Some("UPDATE contact SET title = 'nobody'"),
    );
}

#[test]
#[should_panic(expected = "was answered")]
fn a_call_that_is_done_twice_is_noticed() {
    run(Engine::Sqlite, 7, 5_000, Some("DELETE FROM receipt"));
}
