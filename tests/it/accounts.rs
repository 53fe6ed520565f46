//! Do the books add up, and is it seen where they do not?

use bureau_invoicing::{Invoice, Payment};
use bureau_kernel::caller::Caller;
use bureau_kernel::registry::Contradiction;
use bureau_kernel::store::{Scope, sql};
use bureau_kernel::testing::{ENGINES, TestApp};
use bureau_kernel::types::id::Id;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::MODULES;
use crate::cli::Home;
use crate::modules::contradictions;

async fn looked(app: &TestApp, caller: &Caller) -> Vec<Contradiction> {
    contradictions(&app.dispatcher, caller).await
}

async fn issued(app: &TestApp, caller: &Caller, company: &Value, price: &str) -> String {
    let draft = json!({
        "company": company, "currency": "EUR",
        "lines": [
            {"description": "Work", "quantity": "3", "unit_price": price, "tax_rate": "19"},
            {"description": "Book", "unit_price": "12.34", "tax_rate": "7"},
        ],
    });
    let draft = app.data(caller, "create_invoice", draft).await;
    issue(app, caller, &draft).await
}

async fn issue(app: &TestApp, caller: &Caller, draft: &Value) -> String {
    let issue = json!({"invoice": draft["id"], "confirm": true});
    let issued = app.data(caller, "issue_invoice", issue).await;
    issued["id"].as_str().unwrap().to_owned()
}

/// A workspace with invoices that are open, partly paid, paid and credited, a reversed payment and a refund: the ids of the
/// one that is partly paid, of the credit note, and of a payment.
async fn trade(app: &TestApp, caller: &Caller) -> (String, String, String) {
    let company = json!({"name": "Acme", "on_duplicate": "create"});
    let company = app.data(caller, "create_company", company).await["id"].take();
    let pay = async |invoice: &str, amount: Option<&str>| {
        let payment = json!({"invoice": invoice, "amount": amount});
        app.data(caller, "record_payment", payment).await
    };
    issued(app, caller, &company, "10").await;
    let partly = issued(app, caller, &company, "20.05").await;
    let payment = pay(&partly, Some("5")).await["id"].take();
    let reversed = pay(&partly, Some("7")).await;
    let reversal = json!({"reverses": reversed["id"]});
    app.data(caller, "record_payment", reversal).await;
    let paid = issued(app, caller, &company, "30").await;
    pay(&paid, None).await;
    let note = json!({"invoice": paid, "lines": [{"line": 1, "quantity": "1"}]});
    let note = app.data(caller, "create_credit_note", note).await;
    let note = issue(app, caller, &note).await;
    pay(&note, Some("10")).await;
    let back = issued(app, caller, &company, "40").await;
    let whole = app
        .data(caller, "create_credit_note", json!({"invoice": back}))
        .await;
    issue(app, caller, &whole).await;
    let several = [
        issued(app, caller, &company, "1").await,
        issued(app, caller, &company, "2").await,
    ];
    let parts: Vec<Value> = several
        .iter()
        .map(|invoice| json!({"invoice": invoice}))
        .collect();
    app.data(caller, "record_payment", json!({"allocations": parts}))
        .await;
    let draft = json!({"company": company, "lines": [{"description": "Later", "unit_price": "1", "tax_rate": "19"}]});
    app.data(caller, "create_invoice", draft).await;
    (partly, note, payment.as_str().unwrap().to_owned())
}

/// What somebody does to an invoice past Bureau, what takes it back, and what is said of it.
const OF_INVOICE: &[(&str, &str, &str)] = &[
    (
        "UPDATE invoice SET gross_total = gross_total + 100 WHERE id = ",
        "UPDATE invoice SET gross_total = gross_total - 100 WHERE id = ",
        "its totals are not what its lines come to",
    ),
    (
        "UPDATE invoice SET charge = 10000 WHERE id = ",
        "UPDATE invoice SET charge = NULL WHERE id = ",
        "its totals are not what its lines come to",
    ),
    (
        "UPDATE invoice SET paid = paid + 100 WHERE id = ",
        "UPDATE invoice SET paid = paid - 100 WHERE id = ",
        "its payments come to 5",
    ),
    (
        "UPDATE invoice SET credited = credited + 100 WHERE id = ",
        "UPDATE invoice SET credited = credited - 100 WHERE id = ",
        "its credit notes set off 0",
    ),
    (
        "UPDATE invoice SET status = 'issued' WHERE id = ",
        "UPDATE invoice SET status = 'partly_paid' WHERE id = ",
        "its status does not fit",
    ),
    (
        "UPDATE invoice SET serial = serial + 900 WHERE id = ",
        "UPDATE invoice SET serial = serial - 900 WHERE id = ",
        "a number before it is missing",
    ),
    (
        "UPDATE invoice SET number = (SELECT MIN(number) FROM invoice) WHERE id = ",
        "UPDATE invoice SET number = 'INV-1' WHERE id = ",
        "another one has the same number",
    ),
    (
        "UPDATE invoice SET archived_at = updated_at WHERE id = ",
        "UPDATE invoice SET archived_at = NULL WHERE id = ",
        "which is not issued",
    ),
    (
        "UPDATE invoice SET currency = 'CHF' WHERE id = ",
        "UPDATE invoice SET currency = 'EUR' WHERE id = ",
        "in another currency",
    ),
];

/// The same of a payment.
const OF_PAYMENT: &[(&str, &str, &str)] = &[
    (
        "UPDATE payment SET amount = amount + 100 WHERE id = ",
        "UPDATE payment SET amount = amount - 100 WHERE id = ",
        "its amount is not what its parts come to",
    ),
    (
        "UPDATE payment SET direction = 'out' WHERE id = ",
        "UPDATE payment SET direction = 'in' WHERE id = ",
        "currency or direction",
    ),
    (
        "UPDATE payment SET archived_at = updated_at WHERE id = ",
        "UPDATE payment SET archived_at = NULL WHERE id = ",
        "its payments come to 0",
    ),
];

/// The same of a credit note.
const OF_NOTE: &[(&str, &str, &str)] = &[
    (
        "UPDATE invoice SET kind = 'invoice' WHERE id = ",
        "UPDATE invoice SET kind = 'credit_note' WHERE id = ",
        "its number is of another series",
    ),
    (
        "UPDATE invoice SET archived_at = updated_at WHERE id = ",
        "UPDATE invoice SET archived_at = NULL WHERE id = ",
        "which is not issued",
    ),
];

async fn run(app: &TestApp, statement: &'static str, id: i64) {
    let mut tx = app
        .dispatcher
        .app()
        .store
        .write(Scope::System)
        .await
        .unwrap();
    assert_eq!(
        sql(statement).value(id).run(&mut tx).await.unwrap(),
        1,
        "{statement}"
    );
    tx.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn books_that_bureau_keeps_add_up_and_each_thing_that_is_changed_past_it_is_found() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let other = app.tenant("other").await;
        trade(&app, &other).await;
        let (partly, note, payment) = trade(&app, &owner).await;
        assert_eq!(looked(&app, &owner).await, []);
        let partly = partly.parse::<Id<Invoice>>().unwrap().raw();
        let note = note.parse::<Id<Invoice>>().unwrap().raw();
        let payment = payment.parse::<Id<Payment>>().unwrap().raw();
        for (id, cases) in [(partly, OF_INVOICE), (payment, OF_PAYMENT), (note, OF_NOTE)] {
            for (damage, repair, said) in cases {
                run(&app, damage, id).await;
                let found = looked(&app, &owner).await;
                assert!(
                    found.iter().any(|finding| finding.what.contains(said)),
                    "{engine:?}, {damage}: {found:?}"
                );
                assert_eq!(looked(&app, &other).await, [], "{engine:?}, {damage}");
                run(&app, repair, id).await;
                assert_eq!(looked(&app, &owner).await, [], "{engine:?}, {repair}");
            }
        }
    }
}

#[tokio::test]
async fn doctor_names_what_does_not_add_up_and_where() {
    let home = Home::new();
    home.say("workspace seller --street A --city B --country DE --vat-id DE123456789")
        .done();
    let company = home
        .call("create_company", &json!({"name": "Acme"}), &[])
        .json();
    let draft = json!({
        "company": company["data"]["id"], "currency": "EUR",
        "lines": [{"description": "Work", "unit_price": "100"}],
    });
    let draft = home.call("create_invoice", &draft, &[]).json();
    let id = draft["data"]["id"].as_str().unwrap();
    home.call(
        "issue_invoice",
        &json!({"invoice": id, "confirm": true}),
        &[],
    )
    .json();
    let out = home.say("doctor").done();
    assert!(out.contains("add up in every workspace"), "{out}");
    let path = home.path("data/bureau/bureau.sqlite");
    let mut database = SqliteConnectOptions::new()
        .filename(&path)
        .connect()
        .await
        .unwrap();
    sqlx::query("UPDATE invoice SET net_total = 1")
        .execute(&mut database)
        .await
        .unwrap();
    database.close().await.unwrap();
    let report = home.say("doctor --json");
    assert_eq!(report.code, 1);
    let report: Value = serde_json::from_str(&report.out).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let accounts = checks
        .iter()
        .find(|check| check["check"] == "accounts")
        .unwrap();
    assert_eq!(accounts["ok"], false);
    let found = json!([{"workspace": "main", "record": id, "what": "its totals are not what its lines come to"}]);
    assert_eq!(accounts["findings"], found);
    assert!(accounts["detail"].as_str().unwrap().contains(id));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_while_the_books_are_read_is_in_all_of_them_or_in_none() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let company = app
            .data(&owner, "create_company", json!({"name": "Acme"}))
            .await["id"]
            .take();
        let writes = async {
            for _ in 0..15 {
                let invoice = issued(&app, &owner, &company, "10").await;
                let payment = json!({"invoice": invoice, "amount": "5"});
                let paid = app.data(&owner, "record_payment", payment).await;
                let reversal = json!({"reverses": paid["id"]});
                app.data(&owner, "record_payment", reversal).await;
                tokio::task::yield_now().await;
            }
        };
        let mut writes = std::pin::pin!(writes);
        loop {
            let mut audit = std::pin::pin!(looked(&app, &owner));
            let (findings, is_over) = tokio::select! {
                biased;
                () = &mut writes => (audit.await, true),
                findings = &mut audit => (findings, false),
            };
            assert_eq!(findings, [], "on {engine:?}");
            if is_over {
                break;
            }
        }
    }
}
