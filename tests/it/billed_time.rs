//! Time is billed once: whatever is billed, discarded, edited, issued, credited and taken back in whatever order, each entry is on at
//! most one line that stands, each line of time has all of its entries, and comes to the cent to what they do.
//!
//! `BUREAU_BILLED_TIME_CASES` is the number of sequences on each engine, for longer campaigns.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};

use bureau_billing::DocLine;
use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::Outcome;
use bureau_kernel::error::Code;
use bureau_kernel::store::{Json, sql};
use bureau_kernel::testing::{ENGINES, TestApp};
use bureau_kernel::types::id::{decode, encode};
use bureau_kernel::types::money::Amount;
use bureau_kernel::types::time::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use serde_json::{Value, json};

use crate::MODULES;
use crate::modules::contradictions;

/// Sequences on each engine.
const CASES: u32 = 12;
/// Calls of one sequence.
const MOST_CALLS: usize = 30;

/// A call. Numbers stand for one of what there is at that moment.
#[derive(Debug, Clone)]
enum Step {
    /// So many minutes at one of the rates.
    Note(u16, usize),
    /// By one of the groups, up to a day of the month.
    Bill(usize, u8),
    Discard(usize),
    DropLine(usize),
    Reprice(usize),
    Issue(usize),
    /// All of it, or its first line.
    Credit(usize, bool),
    Edit(usize),
    Delete(usize),
    Undo(usize, bool),
}

const RATES: [&str; 4] = ["90", "1000", "33.3333", "0.05"];
const GROUPS: [&str; 5] = ["task", "person", "day", "week", "project"];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let which = 0..1_000_usize;
    let step = prop_oneof![
        8 => (1..600_u16, 0..RATES.len()).prop_map(|(minutes, rate)| Step::Note(minutes, rate)),
        6 => (0..GROUPS.len(), 1..28_u8).prop_map(|(group, day)| Step::Bill(group, day)),
        2 => which.clone().prop_map(Step::Discard),
        2 => which.clone().prop_map(Step::DropLine),
        1 => which.clone().prop_map(Step::Reprice),
        4 => which.clone().prop_map(Step::Issue),
        4 => (which.clone(), any::<bool>()).prop_map(|(which, all)| Step::Credit(which, all)),
        1 => which.clone().prop_map(Step::Edit),
        1 => which.clone().prop_map(Step::Delete),
        6 => (which, any::<bool>()).prop_map(|(which, skip)| Step::Undo(which, skip)),
    ];
    proptest::collection::vec(step, 5..MOST_CALLS)
}

struct Firm<'a> {
    app: &'a TestApp,
    caller: Caller,
    project: Value,
    tasks: Vec<Value>,
    entries: Vec<Value>,
    invoices: Vec<Value>,
    changes: Vec<Value>,
    noted: u8,
    /// Drafts whose prices somebody changed.
    repriced: BTreeSet<String>,
}

type Checked<T = ()> = Result<T, TestCaseError>;

/// An invoice as the database has it.
struct Doc {
    is_note: bool,
    is_draft: bool,
    stands: bool,
    credits: Option<i64>,
    lines: Vec<DocLine>,
}

impl Firm<'_> {
    /// A call that may be refused, and never fails for another reason; its answer.
    async fn call(&mut self, tool: &str, arguments: Value) -> Checked<Option<Value>> {
        let outcome = self
            .app
            .outcome(&self.caller, tool, arguments.clone())
            .await;
        let outcome = match outcome {
            Outcome::Failed(error) if error.detail_value("confirm_token").is_some() => {
                let mut again = arguments.clone();
                again["confirm_token"] = error.detail_value("confirm_token").cloned().unwrap();
                self.app.outcome(&self.caller, tool, again).await
            }
            outcome => outcome,
        };
        match outcome {
            Outcome::Done(answer) => {
                self.changes.extend(answer.get("change").cloned());
                Ok(Some(answer["data"].clone()))
            }
            Outcome::Failed(error) => {
                let fine = [Code::Conflict, Code::Validation, Code::NotFound];
                prop_assert!(
                    fine.contains(&error.code()),
                    "{tool} {arguments}: {error:?}"
                );
                Ok(None)
            }
            Outcome::Ask { message, .. } => Err(TestCaseError::fail(message)),
        }
    }

    async fn take(&mut self, step: &Step) -> Checked {
        let of = |list: &[Value], number: usize| list.get(number % list.len().max(1)).cloned();
        match step {
            Step::Note(minutes, rate) => {
                self.noted = self.noted % 27 + 1;
                let task = self.tasks[usize::from(self.noted) % self.tasks.len()].clone();
                let given = json!({
                    "task": task,
                    "hours": format!("{minutes} min"),
                    "hourly_rate": RATES[*rate],
                    "worked_on": format!("2025-01-{:02}", self.noted),
                });
                let made = self.call("create_time_entry", given).await?;
                self.entries.extend(made.map(|made| made["id"].clone()));
            }
            Step::Bill(group, day) => {
                let given = json!({
                    "project": self.project, "group_by": GROUPS[*group],
                    "until": format!("2025-01-{day:02}"), "tax_rate": "19",
                });
                let made = self.call("bill_time", given).await?;
                self.invoices.extend(made.map(|made| made["id"].clone()));
            }
            Step::Discard(which) => {
                if let Some(invoice) = of(&self.invoices, *which) {
                    let given = json!({"invoice": invoice, "discard": true});
                    self.call("update_invoice", given).await?;
                }
            }
            Step::DropLine(which) | Step::Reprice(which) => {
                let Some(invoice) = of(&self.invoices, *which) else {
                    return Ok(());
                };
                let Some(shown) = self
                    .call("get_invoice", json!({"invoice": invoice}))
                    .await?
                else {
                    return Ok(());
                };
                let reprices = matches!(step, Step::Reprice(_));
                let lines = shown["lines"].as_array().unwrap().iter();
                let mut lines: Vec<Value> = lines
                    .map(|line| {
                        let price = if reprices {
                            json!("7.77")
                        } else {
                            line["unit_price"].clone()
                        };
                        let mut given = json!({
                            "description": line["description"], "quantity": line["quantity"],
                            "unit_price": price, "tax_rate": "19",
                        });
                        if !line["unit"].is_null() {
                            given["unit"] = line["unit"].clone();
                        }
                        given
                    })
                    .collect();
                if !reprices {
                    lines.remove(0);
                    lines.push(
                        json!({"description": "Travel", "unit_price": "50", "tax_rate": "19"}),
                    );
                }
                let given = json!({"invoice": invoice, "lines": lines});
                let done = self.call("update_invoice", given).await?;
                if reprices && done.is_some() {
                    self.repriced.insert(invoice.to_string());
                }
            }
            Step::Issue(which) => {
                if let Some(invoice) = of(&self.invoices, *which) {
                    self.call("issue_invoice", json!({"invoice": invoice}))
                        .await?;
                }
            }
            Step::Credit(which, all) => {
                let Some(invoice) = of(&self.invoices, *which) else {
                    return Ok(());
                };
                let mut given = json!({"invoice": invoice});
                if !all {
                    given["lines"] = json!([{"line": 1}]);
                }
                if let Some(note) = self.call("create_credit_note", given).await? {
                    self.call("issue_invoice", json!({"invoice": note["id"]}))
                        .await?;
                }
            }
            Step::Edit(which) => {
                if let Some(entry) = of(&self.entries, *which) {
                    let given = json!({"time_entry": entry, "hours": "0:50"});
                    self.call("update_time_entry", given).await?;
                }
            }
            Step::Delete(which) => {
                if let Some(entry) = of(&self.entries, *which) {
                    let given = json!({"time_entry": entry, "confirm": true});
                    self.call("delete_time_entry", given).await?;
                }
            }
            Step::Undo(which, skip) => {
                // Mostly what was done last.
                let last = self.changes.len().saturating_sub(which % 6 + 1);
                if let Some(change) = self.changes.get(last).cloned() {
                    let given = json!({"change": change, "skip_conflicts": skip});
                    self.call("undo_change", given).await?;
                }
            }
        }
        self.check().await
    }

    /// Compares what stands in the database, reckoned in whole numbers.
    async fn check(&self) -> Checked {
        let workspace = self.caller.workspace.id;
        let statement = sql("SELECT id, kind, status, archived_at, cancelled, credits, lines FROM invoice WHERE workspace = ")
            .value(workspace);
        let mut docs: BTreeMap<i64, Doc> = BTreeMap::new();
        for row in self.app.rows(statement).await {
            let archived: Option<Timestamp> = row.get("archived_at").unwrap();
            let cancelled: bool = row.get("cancelled").unwrap();
            let lines: Json<Vec<DocLine>> = row.get("lines").unwrap();
            let doc = Doc {
                is_note: row.get::<String>("kind").unwrap() == "credit_note",
                is_draft: row.get::<String>("status").unwrap() == "draft",
                stands: archived.is_none() && !cancelled,
                credits: row.get("credits").unwrap(),
                lines: lines.0,
            };
            docs.insert(row.get("id").unwrap(), doc);
        }
        let statement = sql("SELECT invoice, billed_line, billable_seconds, hourly_rate FROM time_entry WHERE archived_at IS NULL AND invoice IS NOT NULL AND workspace = ")
            .value(workspace);
        let mut billed: BTreeMap<(i64, String), (i64, i128)> = BTreeMap::new();
        for row in self.app.rows(statement).await {
            let line: Option<String> = row.get("billed_line").unwrap();
            let rate: Amount = row.get("hourly_rate").unwrap();
            let seconds: i64 = row.get("billable_seconds").unwrap();
            let of = billed
                .entry((row.get("invoice").unwrap(), line.unwrap()))
                .or_default();
            of.0 += 1;
            of.1 += i128::from(seconds) * i128::from(rate.raw());
        }
        for (id, doc) in docs.iter().filter(|(_, doc)| doc.stands && !doc.is_note) {
            for (index, line) in doc.lines.iter().enumerate() {
                let Some(origin) = line.origin.as_deref() else {
                    continue;
                };
                let notes = docs.values().filter(|note| {
                    note.is_note && !note.is_draft && note.stands && note.credits == Some(*id)
                });
                let taken = notes
                    .flat_map(|note| &note.lines)
                    .filter(|line| line.credits == u32::try_from(index + 1).ok());
                let taken: i64 = taken.map(|line| line.quantity.raw()).sum();
                if taken == line.quantity.raw() {
                    continue;
                }
                let (count, units) = billed.remove(&(*id, origin.to_owned())).unwrap_or_default();
                let expected = origin.rsplit(' ').next().unwrap();
                prop_assert_eq!(count.to_string(), expected, "line {} of {}", index + 1, id);
                // To the cent: units of 10⁻⁴ an hour, by 3,600 seconds.
                let cents = (2 * units + 360_000) / 720_000;
                let name = json!(encode("inv", *id)).to_string();
                if !self.repriced.contains(&name) {
                    prop_assert_eq!(
                        i128::from(line.net.raw()),
                        cents * 100,
                        "line {} of {}",
                        index + 1,
                        id
                    );
                }
            }
        }
        prop_assert!(billed.is_empty(), "time on no line that stands: {billed:?}");
        Ok(())
    }
}

#[test]
fn time_is_billed_once_and_to_the_cent_whatever_becomes_of_its_invoices() {
    let cases = std::env::var("BUREAU_BILLED_TIME_CASES").ok();
    let cases = cases.and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for engine in ENGINES {
        let app = runtime.block_on(TestApp::new(engine, MODULES));
        let tenants = AtomicU32::new(0);
        let config = Config {
            cases,
            failure_persistence: None,
            max_shrink_iters: 100,
            ..Config::default()
        };
        let outcome = TestRunner::new(config).run(&steps(), |steps| {
            runtime.block_on(async {
                // Each sequence has a workspace to itself.
                let number = tenants.fetch_add(1, Ordering::Relaxed);
                let caller = app.tenant(&format!("time-{number}")).await;
                let company = json!({ "name": "Buyer" });
                let company = app.data(&caller, "create_company", company).await;
                let project = json!({"name": "Bridge", "company": company["id"]});
                let project = app.data(&caller, "create_project", project).await;
                let mut tasks = Vec::new();
                for title in ["Plan", "Build"] {
                    let task = json!({"project": project["id"], "title": title});
                    tasks.push(app.data(&caller, "create_task", task).await["id"].clone());
                }
                let mut firm = Firm {
                    app: &app,
                    caller,
                    project: project["id"].clone(),
                    tasks,
                    entries: Vec::new(),
                    invoices: Vec::new(),
                    changes: Vec::new(),
                    noted: 0,
                    repriced: BTreeSet::new(),
                };
                for step in &steps {
                    firm.take(step).await?;
                }
                Ok(())
            })
        });
        match outcome {
            Ok(()) => {}
            Err(TestError::Fail(reason, steps)) => {
                let steps: Vec<String> = steps.iter().map(|step| format!("{step:?}")).collect();
                panic!("after\n{}\non {engine:?}: {reason}", steps.join("\n"))
            }
            Err(TestError::Abort(reason)) => panic!("on {engine:?}: {reason}"),
        }
        let _inside = runtime.enter();
        drop(app);
    }
}

/// A client with a project, and two hours of it.
async fn firm(app: &TestApp, owner: &Caller) -> (Value, Vec<Value>) {
    let acme = app
        .data(owner, "create_company", json!({"name": "Acme"}))
        .await;
    let project = json!({"name": "Bridge", "company": acme["id"]});
    let project = app.data(owner, "create_project", project).await;
    let rate = json!({"project": project["id"], "hourly_rate": "100", "currency": "EUR"});
    app.ok(owner, "update_time_settings", json!({"rates": [rate]}))
        .await;
    let mut entries = Vec::new();
    for (day, hours) in [("2025-01-06", "1"), ("2025-01-14", "2")] {
        let given = json!({"project": project["id"], "worked_on": day, "hours": hours});
        let made = app.data(owner, "create_time_entry", given).await;
        entries.push(made["id"].clone());
    }
    (project, entries)
}

/// The invoice of each entry, where it has one.
async fn invoices(app: &TestApp, owner: &Caller) -> Vec<Value> {
    let rows = app
        .data(owner, "list_time_entries", json!({"sort": "worked_on"}))
        .await;
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row["invoice"]["id"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn time_on_an_invoice_stands_until_its_line_is_gone() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let (project, entries) = firm(&app, &owner).await;
        // What a customer abroad gets is taxed by a category.
        let abroad = |category: &str| json!({"project": project["id"], "tax_category": category, "dry_run": true});
        let export = app.data(&owner, "bill_time", abroad("export")).await;
        assert_eq!(export["tax_total"], "0.00", "{export}");
        assert_eq!(export["net_total"], "300.00", "{export}");
        let error = app.error(&owner, "bill_time", abroad("moonlight")).await;
        assert_eq!(error.field_name(), Some("tax_category"), "{error}");
        let bill = json!({"project": project["id"], "group_by": "week", "tax_rate": "19"});
        let draft = app.data(&owner, "bill_time", bill.clone()).await;
        assert_eq!(
            (&draft["time_entries"], &draft["net_total"]),
            (&json!(2), &json!("300.00"))
        );
        assert_eq!(
            (&draft["service_from"], &draft["service_to"]),
            (&json!("2025-01-06"), &json!("2025-01-14"))
        );
        assert_eq!(draft["lines"][0]["description"], "2025-01-06 – 2025-01-12");
        let id = draft["id"].clone();
        assert_eq!(invoices(&app, &owner).await, [id.clone(), id.clone()]);
        for (tool, arguments) in [
            (
                "update_time_entry",
                json!({"time_entry": entries[0], "hours": "5"}),
            ),
            (
                "delete_time_entry",
                json!({"time_entry": entries[0], "confirm": true}),
            ),
            (
                "delete_project",
                json!({"project": project["id"], "confirm": true}),
            ),
        ] {
            let error = app.error(&owner, tool, arguments).await;
            assert_eq!(error.code(), Code::Conflict);
            assert_eq!(
                error.detail_value("rule"),
                Some(&json!("time_billed")),
                "{tool}: {error}"
            );
        }
        let again = app.error(&owner, "bill_time", bill.clone()).await;
        assert_eq!(
            (again.code(), again.field_name()),
            (Code::Conflict, Some("until"))
        );
        // A line with another price is the same line; one that is left out frees its time.
        let line = |index: usize, price: &str| {
            let line = &draft["lines"][index];
            json!({"description": line["description"], "quantity": line["quantity"], "unit": "h", "unit_price": price, "tax_rate": "19"})
        };
        let lines = json!({"invoice": id, "lines": [line(1, "80")]});
        app.ok(&owner, "update_invoice", lines).await;
        assert_eq!(invoices(&app, &owner).await, [Value::Null, id.clone()]);
        app.ok(
            &owner,
            "update_time_entry",
            json!({"time_entry": entries[0], "hours": "3"}),
        )
        .await;
        let other = app.data(&owner, "bill_time", bill.clone()).await;
        assert_eq!(other["net_total"], "300.00");
        // Its line does not come back without its time.
        let back = json!({"invoice": id, "discard": true});
        let discarded = app.ok(&owner, "update_invoice", back).await;
        assert_eq!(
            invoices(&app, &owner).await,
            [other["id"].clone(), Value::Null]
        );
        app.ok(
            &owner,
            "undo_change",
            json!({"change": discarded["change"]}),
        )
        .await;
        assert_eq!(
            invoices(&app, &owner).await,
            [other["id"].clone(), id.clone()]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_finds_time_that_is_on_no_line_and_lines_without_their_time() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let (project, entries) = firm(&app, &owner).await;
        let bill = json!({"project": project["id"], "tax_rate": "19"});
        let draft = app.data(&owner, "bill_time", bill).await;
        assert_eq!(contradictions(&app.dispatcher, &owner).await.len(), 0);
        let (_, entry) = decode(entries[0].as_str().unwrap()).unwrap();
        let lost = sql("UPDATE time_entry SET billed_line = NULL WHERE id = ").value(entry);
        app.run(lost).await;
        let found = contradictions(&app.dispatcher, &owner).await;
        let records: Vec<&str> = found.iter().map(|one| &*one.record).collect();
        assert_eq!(records, [draft["id"].as_str().unwrap()], "{engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn credit_notes_free_the_time_of_the_lines_that_they_take_back_whole() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let (project, _) = firm(&app, &owner).await;
        let bill = json!({"company": "Acme", "group_by": "day", "tax_rate": "19"});
        let id = app.data(&owner, "bill_time", bill.clone()).await["id"].clone();
        app.ok(&owner, "issue_invoice", json!({"invoice": id}))
            .await;
        let credit = async |given: Value| {
            let note = app.data(&owner, "create_credit_note", given).await;
            // A draft takes nothing back.
            let before = invoices(&app, &owner).await;
            app.ok(&owner, "issue_invoice", json!({"invoice": note["id"]}))
                .await;
            (before, invoices(&app, &owner).await)
        };
        let part = json!({"invoice": id, "lines": [{"line": 2, "quantity": "1"}]});
        let (before, after) = credit(part).await;
        assert_eq!(
            (&before, &after),
            (&vec![id.clone(), id.clone()], &vec![id.clone(), id.clone()])
        );
        let line = json!({"invoice": id, "lines": [{"line": 1}]});
        let (before, after) = credit(line).await;
        assert_eq!(
            (&before, &after),
            (
                &vec![id.clone(), id.clone()],
                &vec![Value::Null, id.clone()]
            )
        );
        let (_, after) = credit(json!({"invoice": id})).await;
        assert_eq!(after, [Value::Null, Value::Null]);
        let anew = app.data(&owner, "bill_time", bill).await;
        assert_eq!(
            (&anew["time_entries"], &anew["net_total"]),
            (&json!(2), &json!("300.00"))
        );
        drop(project);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_billed_is_refused_with_what_to_do() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let internal = json!({"name": "Cellar"});
        let internal = app.data(&owner, "create_project", internal).await;
        let given = json!({"project": internal["id"], "worked_on": "2025-01-06", "hours": "1", "billable": true});
        let entry = app.data(&owner, "create_time_entry", given).await;
        let bill = json!({"project": internal["id"]});
        let error = app.error(&owner, "bill_time", bill).await;
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::Conflict, Some("company"))
        );
        let acme = app
            .data(&owner, "create_company", json!({"name": "Acme"}))
            .await;
        let bill = json!({"project": internal["id"], "company": acme["id"], "tax_rate": "0"});
        let error = app.error(&owner, "bill_time", bill.clone()).await;
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::Conflict, Some("hourly_rate"))
        );
        assert_eq!(error.detail_value("existing"), Some(&json!([entry["id"]])));
        let nobody = app.error(&owner, "bill_time", json!({})).await;
        assert_eq!(nobody.field_name(), Some("project"));
        let rate = json!({"time_entry": entry["id"], "hourly_rate": "50"});
        app.ok(&owner, "update_time_entry", rate).await;
        // Twice at once, it is billed once.
        let calls = (0..4).map(|_| app.outcome(&owner, "bill_time", bill.clone()));
        let outcomes = futures::future::join_all(calls).await;
        let done = outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Outcome::Done(_)));
        assert_eq!(done.count(), 1, "{engine:?} {outcomes:?}");
    }
}
