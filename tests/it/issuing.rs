//! Many callers at once who issue, pay and credit, and servers that are killed while they do.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::Dispatcher;
use bureau_kernel::error::{Code, Error};
use bureau_kernel::store::Database;
use bureau_kernel::testing::{ENGINES, TestApp};
use chrono::NaiveDate;
use futures::future::join_all;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::MODULES;
use crate::campaign::{HANG, Process, call, open};
use crate::worked_cases::raw;

/// Callers at once.
const CALLERS: usize = 64;

type Outcome = Result<Value, Error>;

/// An app, and more pipelines on its database, each with a store of its own as another process has it.
struct Firm {
    app: TestApp,
    owner: Caller,
    dispatchers: Vec<Arc<Dispatcher>>,
    company: Value,
    _folders: Vec<TempDir>,
}

impl Firm {
    async fn new(engine: bureau_kernel::testing::Engine) -> Self {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let mut dispatchers = vec![Arc::clone(&app.dispatcher)];
        let mut folders = Vec::new();
        for _ in 0..2 {
            let folder = TempDir::new().unwrap();
            dispatchers.push(open(&app.database, folder.path()).await);
            folders.push(folder);
        }
        let company = app
            .data(&owner, "create_company", json!({ "name": "Buyer" }))
            .await;
        Self {
            company: company["id"].clone(),
            app,
            owner,
            dispatchers,
            _folders: folders,
        }
    }

    async fn draft(&self, mut arguments: Value) -> Value {
        arguments["company"] = self.company.clone();
        let draft = self.app.data(&self.owner, "create_invoice", arguments);
        draft.await["id"].take()
    }

    /// An issued invoice over so many pieces at 10.00.
    async fn invoice(&self, pieces: &str) -> Value {
        let draft = self.draft(pieces_of(pieces)).await;
        self.app
            .data(&self.owner, "issue_invoice", issue(&draft))
            .await;
        draft
    }

    async fn read(&self, invoice: &Value) -> Value {
        let read = json!({ "invoice": invoice });
        self.app.data(&self.owner, "get_invoice", read).await
    }

    /// Makes all these calls at once, by turns through each of the pipelines. No caller is told of another one.
    async fn at_once(
        &self,
        calls: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> Vec<Outcome> {
        let calls = calls
            .into_iter()
            .enumerate()
            .map(|(number, (tool, arguments))| {
                let dispatcher = Arc::clone(&self.dispatchers[number % self.dispatchers.len()]);
                let owner = self.owner.clone();
                tokio::spawn(async move { call(&dispatcher, &owner, tool, None, arguments).await })
            });
        let calls = join_all(calls.collect::<Vec<_>>());
        let outcomes = timeout(HANG, calls).await.expect("nobody waits for ever");
        let outcomes: Vec<Outcome> = outcomes.into_iter().map(Result::unwrap).collect();
        for error in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
            let fits = [Code::Conflict, Code::Validation].contains(&error.code());
            assert!(fits && error.field_name() != Some("version"), "{error:?}");
        }
        outcomes
    }

    /// The number and the day of every issued document of a kind, in the order of their numbers, which have no gap.
    async fn numbers(&self, kind: &str) -> Vec<(i64, NaiveDate)> {
        let mut numbers = Vec::new();
        let mut cursor = Value::Null;
        loop {
            let mut list = json!({ "kind": kind, "limit": 100, "sort": "created_at" });
            if !cursor.is_null() {
                list["cursor"] = cursor;
            }
            let mut page = self.app.ok(&self.owner, "list_invoices", list).await;
            for row in page["data"].as_array().unwrap() {
                if let Some(number) = row["number"].as_str() {
                    let serial = number.rsplit('-').next().unwrap().parse().unwrap();
                    let day = row["issue_date"].as_str().unwrap().parse().unwrap();
                    numbers.push((serial, day));
                }
            }
            cursor = page["page"]["next"].take();
            if cursor.is_null() {
                break;
            }
        }
        numbers.sort_unstable();
        let mut of_year: BTreeMap<_, i64> = BTreeMap::new();
        for (serial, day) in &numbers {
            let expected = of_year.entry(chrono::Datelike::year(day)).or_default();
            *expected += 1;
            assert_eq!(serial, expected, "a gap or a number twice in {numbers:?}");
        }
        assert!(
            numbers.is_sorted_by_key(|(_, day)| *day),
            "not in the order of days: {numbers:?}"
        );
        numbers
    }
}

fn pieces_of(quantity: &str) -> Value {
    json!({ "currency": "EUR", "lines": [{ "description": "Piece", "quantity": quantity, "unit_price": "10", "tax_rate": "19" }] })
}

fn issue(draft: &Value) -> Value {
    json!({ "invoice": draft, "confirm": true })
}

fn succeeded(outcomes: &[Outcome]) -> usize {
    outcomes.iter().filter(|outcome| outcome.is_ok()).count()
}

fn amount(record: &Value, name: &str) -> i128 {
    raw(record[name].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_issuers_take_numbers_without_a_gap_in_the_order_of_days() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let mut calls = Vec::new();
        let mut meant = 0;
        for number in 0..CALLERS * 2 {
            let mut arguments = pieces_of("1");
            match number % 8 {
                // Of these none can be issued: a day to come, a customer without a VAT id.
                0 => arguments["issue_date"] = "tomorrow".into(),
                1 => {
                    arguments["lines"][0] = json!({ "description": "Piece", "unit_price": "10", "tax_category": "reverse charge" });
                }
                // These can, unless another one has a number of today by then.
                2 => arguments["issue_date"] = "yesterday".into(),
                _ => meant += 1,
            }
            let draft = firm.draft(arguments).await;
            calls.push(("issue_invoice", issue(&draft)));
            // Every fourth one is issued by two callers at once.
            if number % 4 == 3 {
                calls.push(("issue_invoice", issue(&draft)));
            }
        }
        let outcomes = firm.at_once(calls).await;
        let issued = succeeded(&outcomes);
        assert!(
            issued >= meant,
            "on {engine:?} {issued} of {meant} were issued"
        );
        let numbers = firm.numbers("invoice").await;
        assert_eq!(numbers.len(), issued, "on {engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_sellers_details_nobody_takes_a_number() {
    let modules: Vec<_> = MODULES
        .iter()
        .filter(|module| module.name != "owner")
        .copied()
        .collect();
    for engine in ENGINES {
        let app = TestApp::new(engine, &modules).await;
        let owner = app.owner().await;
        let company = app
            .data(&owner, "create_company", json!({ "name": "Buyer" }))
            .await;
        let mut arguments = pieces_of("1");
        arguments["company"] = company["id"].clone();
        let draft = app.data(&owner, "create_invoice", arguments).await;
        let issues = (0..8).map(|_| app.error(&owner, "issue_invoice", issue(&draft["id"])));
        for error in join_all(issues).await {
            assert_eq!(error.field_name(), Some("seller"), "{error:?}");
        }
        let now = app
            .data(&owner, "get_invoice", json!({ "invoice": draft["id"] }))
            .await;
        assert_eq!(
            (&now["status"], &now["number"]),
            (&json!("draft"), &Value::Null)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_at_once_never_come_to_more_than_the_invoice() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let invoice = firm.invoice("10").await;
        // 119.00 in parts of 3.00: 39 of them fit.
        let pay = json!({ "invoice": invoice, "amount": "3" });
        let outcomes = firm
            .at_once((0..CALLERS).map(|_| ("record_payment", pay.clone())))
            .await;
        assert_eq!(succeeded(&outcomes), 39, "on {engine:?}");
        let now = firm.read(&invoice).await;
        assert_eq!(
            (&now["amount_paid"], &now["balance_due"]),
            (&json!("117.00"), &json!("2.00"))
        );
        assert_eq!(now["payments"].as_array().unwrap().len(), 39);
        // The rest, by all at once.
        let rest = json!({ "invoice": invoice });
        let outcomes = firm
            .at_once((0..CALLERS).map(|_| ("record_payment", rest.clone())))
            .await;
        assert_eq!(succeeded(&outcomes), 1, "on {engine:?}");
        // And each payment is reversed once.
        let reverse = json!({ "reverses": now["payments"][0]["id"] });
        let outcomes = firm
            .at_once((0..CALLERS).map(|_| ("record_payment", reverse.clone())))
            .await;
        assert_eq!(succeeded(&outcomes), 1, "on {engine:?}");
        assert_eq!(firm.read(&invoice).await["balance_due"], "3.00");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn credit_notes_at_once_never_take_back_more_than_there_is() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let invoice = firm.invoice("10").await;
        let one = json!({ "invoice": invoice, "lines": [{ "line": 1, "quantity": "1" }] });
        let drafts = firm
            .at_once((0..24).map(|_| ("create_credit_note", one.clone())))
            .await;
        let issues = drafts.iter().map(|draft| {
            (
                "issue_invoice",
                issue(&draft.as_ref().unwrap()["data"]["id"]),
            )
        });
        // Customers pay meanwhile, and others draft more credit notes.
        let pay = json!({ "invoice": invoice, "amount": "10" });
        let others = (0..20).flat_map(|_| {
            [
                ("record_payment", pay.clone()),
                ("create_credit_note", one.clone()),
            ]
        });
        let mut calls: Vec<_> = issues.collect();
        let issues = calls.len();
        calls.extend(others);
        let outcomes = firm.at_once(calls).await;
        assert_eq!(succeeded(&outcomes[..issues]), 10, "on {engine:?}");
        assert_eq!(firm.numbers("credit_note").await.len(), 10);
        let now = firm.read(&invoice).await;
        let notes = now["credit_notes"].as_array().unwrap();
        let taken: i128 = notes.iter().map(|note| amount(note, "gross_total")).sum();
        assert_eq!(taken, amount(&now, "gross_total"), "on {engine:?}");
        assert_eq!(
            (&now["status"], &now["balance_due"]),
            (&json!("credited"), &json!("0.00"))
        );
        // What the customers paid is what they get back, by however many at once.
        let back = notes
            .iter()
            .flat_map(|note| vec![("record_payment", json!({ "invoice": note["id"] })); 4]);
        firm.at_once(back.collect::<Vec<_>>()).await;
        let mut refunded = 0;
        for note in notes {
            let note = firm.read(&note["id"]).await;
            assert_eq!(
                (&note["status"], &note["balance_due"]),
                (&json!("paid"), &json!("0.00"))
            );
            refunded += amount(&note, "amount_paid");
        }
        assert_eq!(refunded, amount(&now, "amount_paid"), "on {engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_over_overlapping_invoices_and_credit_notes_do_not_block_each_other() {
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let mut invoices = Vec::new();
        let mut notes = Vec::new();
        let mut drafts = Vec::new();
        for _ in 0..6 {
            let invoice = firm.invoice("20").await;
            let whole = json!({ "invoice": invoice });
            firm.app.ok(&firm.owner, "record_payment", whole).await;
            // One credit note that is paid back, and others that are issued meanwhile.
            let part = json!({ "invoice": invoice, "lines": [{ "line": 1, "quantity": "5" }] });
            let note = firm.app.data(&firm.owner, "create_credit_note", part).await["id"].take();
            firm.app
                .ok(&firm.owner, "issue_invoice", issue(&note))
                .await;
            notes.push(note);
            for _ in 0..3 {
                let part = json!({ "invoice": invoice, "lines": [{ "line": 1, "quantity": "1" }] });
                drafts.push(
                    firm.app.data(&firm.owner, "create_credit_note", part).await["id"].take(),
                );
            }
            invoices.push(invoice);
        }
        let mut open = Vec::new();
        for _ in 0..6 {
            open.push(firm.invoice("20").await);
        }
        let parts = |of: &[Value], first: usize, step: usize| {
            let places = (0..3).map(|turn| (first + turn * step) % of.len());
            let parts = places.map(|place| json!({ "invoice": of[place], "amount": "0.50" }));
            json!({ "allocations": parts.collect::<Vec<_>>() })
        };
        let mut calls = Vec::new();
        for number in 0..24 {
            // In all orders: the same ones forwards and backwards.
            let step = if number % 2 == 0 { 1 } else { 5 };
            calls.push(("record_payment", parts(&open, number, step)));
            calls.push(("record_payment", parts(&notes, number, step)));
        }
        calls.extend(drafts.iter().map(|draft| ("issue_invoice", issue(draft))));
        let payments = firm.at_once(calls).await;
        assert_eq!(succeeded(&payments), payments.len(), "on {engine:?}");
        for (of, each) in [(&open, "paid by"), (&notes, "paid back to")] {
            let mut all = 0;
            for one in of {
                all += amount(&firm.read(one).await, "amount_paid");
            }
            assert_eq!(all, 24 * 3 * 5_000, "on {engine:?}, {each} customers");
        }
        // All of them are reversed at once, while the rest of the notes is paid back.
        let reversals = payments.iter().filter_map(|payment| {
            let data = &payment.as_ref().unwrap()["data"];
            data.get("direction")
                .map(|_| ("record_payment", json!({ "reverses": data["id"] })))
        });
        let reversals = firm.at_once(reversals.collect::<Vec<_>>()).await;
        assert_eq!(succeeded(&reversals), 48, "on {engine:?}");
        for one in open.iter().chain(&notes) {
            assert_eq!(firm.read(one).await["amount_paid"], "0.00", "on {engine:?}");
        }
        firm.numbers("credit_note").await;
    }
}

/// The program as a server on stdin and stdout, with this database.
fn server(database: &Database, folder: &TempDir) -> Process {
    let address = match database {
        Database::Sqlite(path) => format!("sqlite:{}", path.display()),
        Database::Postgres(url) => url.clone(),
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_bureau"));
    command
        .env_clear()
        .env("HOME", folder.path())
        .args(["--database", &address, "--data-dir"])
        .arg(folder.path().join("data"))
        .arg("stdio")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    Process::start(command)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_while_it_issues_leaves_no_gap_and_keeps_what_it_said() {
    /// Times that a server is killed on each engine.
    const KILLS: usize = 10;
    const DRAFTS: usize = 24;
    for engine in ENGINES {
        let firm = Firm::new(engine).await;
        let folder = TempDir::new().unwrap();
        let mut acknowledged: BTreeMap<String, String> = BTreeMap::new();
        let mut left: Vec<Value> = Vec::new();
        for cycle in 0..KILLS {
            let mut drafting = JoinSet::new();
            for _ in left.len()..DRAFTS {
                let (dispatcher, owner) = (Arc::clone(&firm.app.dispatcher), firm.owner.clone());
                let mut arguments = pieces_of("1");
                arguments["company"] = firm.company.clone();
                drafting.spawn(async move {
                    let draft = call(&dispatcher, &owner, "create_invoice", None, arguments).await;
                    draft.unwrap()["data"]["id"].take()
                });
            }
            left.extend(drafting.join_all().await);
            let mut server = server(&firm.app.database, &folder);
            let client = json!({ "name": "t", "version": "1" });
            let hello = json!({ "jsonrpc": "2.0", "id": "hello", "method": "initialize", "params":
                { "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client } });
            server.ask(&hello.to_string(), "{").await;
            server.tell(
                &json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string(),
            );
            for draft in &left {
                let params = json!({ "name": "issue_invoice", "arguments": issue(draft) });
                let call = json!({ "jsonrpc": "2.0", "id": draft, "method": "tools/call", "params": params });
                server.tell(&call.to_string());
            }
            // At once, or a little after the first answers.
            if cycle % 3 > 0 {
                server.line(1, "{").await;
            }
            tokio::time::sleep(Duration::from_millis(u64::from(rand::random::<u8>()) / 4)).await;
            for line in server.kill().iter().skip(1) {
                let answer: Value = serde_json::from_str(line).unwrap();
                let result = &answer["result"];
                assert!(result.is_object() && result["isError"] != true, "{answer}");
                let text = result["content"][0]["text"].as_str().unwrap();
                let said: Value = serde_json::from_str(text).unwrap();
                let [id, number] =
                    ["id", "number"].map(|name| said["data"][name].as_str().unwrap().to_owned());
                acknowledged.insert(id, number);
            }
            let mut drafts = Vec::new();
            for draft in left {
                let now = firm.read(&draft).await;
                let said = acknowledged.get(draft.as_str().unwrap());
                match now["number"].as_str() {
                    Some(number) => assert!(said.is_none_or(|said| said == number), "{now}"),
                    None => {
                        assert_eq!(
                            (said, &now["status"]),
                            (None, &json!("draft")),
                            "on {engine:?}"
                        );
                        drafts.push(draft);
                    }
                }
            }
            left = drafts;
            firm.numbers("invoice").await;
        }
        assert!(!acknowledged.is_empty(), "on {engine:?} nothing was issued");
        // What was cut off is issued by another server, without a gap.
        let issues = firm
            .at_once(left.iter().map(|draft| ("issue_invoice", issue(draft))))
            .await;
        assert_eq!(succeeded(&issues), left.len(), "on {engine:?}");
        let numbers = firm.numbers("invoice").await;
        assert!(numbers.len() >= acknowledged.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_font_can_print_is_refused_before_it_is_final() {
    // A character that Unicode has not given to anybody, so that no machine has a font with it.
    const UNPRINTABLE: &str = "Fence \u{378}";
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let company =
            |name: &'static str| app.data(&owner, "create_company", json!({ "name": name }));
        let (strange, plain) = (company(UNPRINTABLE).await, company("Plain").await);
        let line = json!({ "description": "Fence", "quantity": "1", "unit_price": "10", "tax_rate": "19" });
        let mut odd = line.clone();
        odd["description"] = json!(UNPRINTABLE);
        let draft = |company: &Value, lines: Value, notes: &str| json!({ "company": company["id"], "lines": lines, "notes": notes, "currency": "EUR" });
        for (arguments, field, what) in [
            (draft(&strange, json!([line]), "x"), "company", "company"),
            (draft(&plain, json!([line, odd]), "x"), "lines", "Line 2"),
            (draft(&plain, json!([line]), UNPRINTABLE), "notes", "notes"),
        ] {
            let made = app.data(&owner, "create_invoice", arguments.clone()).await;
            let error = app.error(&owner, "issue_invoice", issue(&made["id"])).await;
            assert_eq!(error.code(), Code::Validation, "{error:?}");
            assert_eq!(error.field_name(), Some(field), "{error:?}");
            let said = format!("{error:?}");
            assert!(said.contains(what) && said.contains('\u{378}'), "{said}");
            let read = json!({ "invoice": made["id"] });
            let after = app.data(&owner, "get_invoice", read).await;
            assert_eq!(
                (&after["status"], &after["number"]),
                (&json!("draft"), &Value::Null)
            );

            let mut arguments = arguments;
            arguments["title"] = json!("Offer");
            let made = app.data(&owner, "create_quotation", arguments).await;
            let send = json!({ "quotation": made["id"], "confirm": true });
            let error = app.error(&owner, "send_quotation", send).await;
            assert_eq!(error.field_name(), Some(field), "{error:?}");
        }
        // Nothing was lost on the way: the first one that is issued has the first number.
        let made = draft(&plain, json!([line]), "Grüße, 中文, Ελληνικά");
        let made = app.data(&owner, "create_invoice", made).await;
        let issued = app.data(&owner, "issue_invoice", issue(&made["id"])).await;
        let number = issued["number"].as_str().unwrap();
        assert!(number.ends_with("0001"), "{number}");
    }
}
