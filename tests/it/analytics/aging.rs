//! What customers owed on a day.

use bureau_kernel::admin::{self, RateInfo};
use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::Outcome;
use bureau_kernel::error::Code;
use bureau_kernel::testing::{ENGINES, TestApp};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use super::{check_evidence, pass, started};

async fn company(app: &TestApp, owner: &Caller, name: &str) -> Value {
    app.data(owner, "create_company", json!({ "name": name }))
        .await["id"]
        .clone()
}

/// An issued invoice of an amount without tax; its identifier.
async fn invoice(app: &TestApp, owner: &Caller, company: &Value, more: Value) -> Value {
    let price = more["price"].clone();
    let mut draft = json!({
        "company": company, "currency": "EUR", "terms": "net 30",
        "lines": [{"description": "Work", "quantity": "2", "unit_price": price, "tax_rate": "0"}],
    });
    for name in ["currency", "issue_date", "terms", "due_date"] {
        if let Some(value) = more.get(name) {
            draft[name] = value.clone();
        }
    }
    let draft = app.data(owner, "create_invoice", draft).await;
    let issue = json!({"invoice": draft["id"], "confirm": true});
    app.data(owner, "issue_invoice", issue).await["id"].clone()
}

async fn pay(app: &TestApp, owner: &Caller, invoice: &Value, amount: &str, day: &str) -> Value {
    let payment = json!({"invoice": invoice, "amount": amount, "paid_on": day});
    app.data(owner, "record_payment", payment).await["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn aging_as_of_a_past_day_counts_no_later_payment_credit_or_write_off() {
    for engine in ENGINES {
        let (app, owner, clock) = started(engine, "2026-07-01T12:00:00Z").await;
        let acme = company(&app, &owner, "Acme").await;
        let bolt = company(&app, &owner, "Bolt").await;
        let store = &app.dispatcher.app().store;
        for (day, rate) in [("2026-01-01", "0.9"), ("2026-08-01", "0.5")] {
            let rate = RateInfo {
                currency: "USD".into(),
                day: day.parse().unwrap(),
                rate: rate.into(),
                source: "ECB".into(),
            };
            admin::set_rate(store, "main", rate).await.unwrap();
        }
        // Due on 31 July, of 200, 400 and 600.
        let paid = invoice(&app, &owner, &acme, json!({"price": "100"})).await;
        let credited = invoice(&app, &owner, &acme, json!({"price": "200"})).await;
        let lost = invoice(&app, &owner, &bolt, json!({"price": "300"})).await;
        let dollars = json!({"price": "50", "currency": "USD", "terms": "net 60"});
        invoice(&app, &owner, &bolt, dollars).await;
        pass(&app, &clock, 50).await;
        // It is 20 August. The first was paid in two parts, one of which is noted later than it came.
        pay(&app, &owner, &paid, "80", "2026-08-05").await;
        pay(&app, &owner, &paid, "120", "2026-08-20").await;
        let note = json!({"invoice": credited, "lines": [{"line": 1, "quantity": "1"}]});
        let note = app.data(&owner, "create_credit_note", note).await;
        let issue = json!({"invoice": note["id"], "confirm": true});
        app.data(&owner, "issue_invoice", issue).await;
        let write_off = json!({"invoice": lost, "write_off": true});
        app.data(&owner, "update_invoice", write_off).await;
        let on = |day: Value| {
            let (app, owner) = (&app, &owner);
            async move {
                app.data(owner, "get_invoice_aging", json!({"as_of": day}))
                    .await
            }
        };
        // Day, then not due, 1-30, 31-60 and all, in euros: the dollars are worth 90 whatever they are worth later.
        for (day, sums, customers) in [
            ("2026-06-30", ["0.00", "0.00", "0.00", "0.00"], 0),
            ("2026-07-01", ["1290.00", "0.00", "0.00", "1290.00"], 2),
            ("2026-07-31", ["1290.00", "0.00", "0.00", "1290.00"], 2),
            ("2026-08-01", ["90.00", "1200.00", "0.00", "1290.00"], 2),
            ("2026-08-05", ["90.00", "1120.00", "0.00", "1210.00"], 2),
            ("2026-08-19", ["90.00", "1120.00", "0.00", "1210.00"], 2),
            ("2026-08-20", ["90.00", "200.00", "0.00", "290.00"], 2),
        ] {
            let aging = on(day.into()).await;
            let total = &aging["total"];
            let found = [
                "base_not_due",
                "base_days_1_to_30",
                "base_days_31_to_60",
                "base_balance",
            ]
            .map(|name| total[name].as_str().unwrap().to_owned());
            assert_eq!(found, sums, "{day} on {engine:?}: {aging}");
            assert_eq!(aging["customer_count"], customers, "{day}");
        }
        let aging = on(Value::Null).await;
        assert_eq!(aging["measure"], "invoicing.outstanding@1");
        assert_eq!(aging["customers"][0]["name"], "Acme");
        assert_eq!(aging["customers"][0]["values"][0]["days_1_to_30"], "200.00");
        assert_eq!(aging["customers"][1]["values"][0]["not_due"], "100.00");
        assert_eq!(aging["customers"][1]["values"][0]["currency"], "USD");
        assert_eq!(check_evidence(&app, &owner, &aging).await, 5);
        let bolts = json!({"company": bolt, "currency": "USD"});
        let bolts = app.data(&owner, "get_invoice_aging", bolts).await;
        assert_eq!(bolts["total"]["count"], 1);
        check_evidence(&app, &owner, &bolts).await;
        // Nobody knows what will be paid.
        let error = app
            .error(&owner, "get_invoice_aging", json!({"as_of": "tomorrow"}))
            .await;
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::Validation, Some("as_of"))
        );
        // No name that the caller may not read, and nothing of another firm.
        let narrow = app.limited(&owner, &["read_invoices"]);
        let narrow = app.data(&narrow, "get_invoice_aging", json!({})).await;
        assert_eq!(
            narrow["customers"][0]["name"],
            Value::Null,
            "may not read companies"
        );
        let other = app.tenant("other").await;
        let none = app.data(&other, "get_invoice_aging", json!({})).await;
        assert_eq!(none["total"]["base_balance"], "0.00");
    }
}

/// Whatever was done since, a past day is answered as it was answered on that day: random payments, reversals, credit notes, payments
/// back and write-offs, with undo where they can be taken back.
#[tokio::test(flavor = "multi_thread")]
async fn aging_as_of_a_day_is_what_it_was_on_that_day() {
    for (engine, seed) in ENGINES.into_iter().zip([11, 12]) {
        let (app, owner, clock) = started(engine, "2026-07-01T12:00:00Z").await;
        let mut random = StdRng::seed_from_u64(seed);
        let customers = [
            company(&app, &owner, "One").await,
            company(&app, &owner, "Two").await,
        ];
        let mut invoices: Vec<Value> = Vec::new();
        let mut payments: Vec<Value> = Vec::new();
        let mut days = Vec::new();
        for _ in 0..30 {
            for _ in 0..random.random_range(0..4) {
                let customer = &customers[random.random_range(0..2)];
                let price = random.random_range(1..500).to_string();
                let terms = ["net 7", "net 14", "due on receipt"][random.random_range(0..3)];
                let new = json!({"price": price, "terms": terms});
                match random.random_range(0..7) {
                    0 | 1 => invoices.push(invoice(&app, &owner, customer, new).await),
                    step if !invoices.is_empty() => {
                        let it = invoices[random.random_range(0..invoices.len())].clone();
                        let (tool, arguments) = match step {
                            2 => ("record_payment", json!({"invoice": it, "amount": "3"})),
                            3 => ("record_payment", json!({"invoice": it})),
                            4 => (
                                "create_credit_note",
                                json!({"invoice": it, "lines": [{"line": 1, "quantity": "1"}]}),
                            ),
                            5 => (
                                "update_invoice",
                                json!({"invoice": it, "write_off": random.random_bool(0.7)}),
                            ),
                            _ => match payments.pop() {
                                Some(payment) => ("record_payment", json!({"reverses": payment})),
                                None => continue,
                            },
                        };
                        // What contradicts what was done before is refused.
                        let Outcome::Done(done) = app.outcome(&owner, tool, arguments).await else {
                            continue;
                        };
                        let id = done["data"]["id"].clone();
                        match step {
                            2 | 3 => payments.push(id),
                            4 => {
                                let issue = json!({"invoice": id, "confirm": true});
                                app.outcome(&owner, "issue_invoice", issue).await;
                                if random.random_bool(0.3) {
                                    app.outcome(&owner, "record_payment", json!({"invoice": id}))
                                        .await;
                                }
                            }
                            _ => {}
                        }
                    }
                    _ => {}
                }
            }
            let mut today = app.data(&owner, "get_invoice_aging", json!({})).await;
            for bucket in today["buckets"].as_array_mut().unwrap() {
                bucket.as_object_mut().unwrap().remove("evidence");
            }
            days.push((clock.now().date_naive(), today));
            pass(&app, &clock, 1).await;
        }
        let mut open = 0;
        for (day, then) in days {
            let now = app
                .data(&owner, "get_invoice_aging", json!({"as_of": day}))
                .await;
            assert_eq!(now, then, "{day} on {engine:?} with seed {seed}");
            open += then["total"]["count"].as_i64().unwrap();
        }
        assert!(open > 60, "{open}");
    }
}
