//! The figures of invoices, computed a second time from the invoices themselves.

use std::collections::BTreeMap;

use bureau_invoicing::Invoice;
use bureau_kernel::admin::{self, RateInfo};
use bureau_kernel::caller::Caller;
use bureau_kernel::record::{Columns as _, Record as _};
use bureau_kernel::store::sql;
use bureau_kernel::testing::{ENGINES, TestApp};
use bureau_kernel::types::id::Id;
use bureau_kernel::types::money::Amount;
use chrono::{Days, NaiveDate};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::MODULES;
use crate::modules::contradictions;

/// Currencies with their digits and what one of them is worth in EUR, in units of 0.0001.
const CURRENCIES: [(&str, u32, Option<i128>); 3] = [
    ("EUR", 2, Some(10_000)),
    ("JPY", 0, Some(61)),
    ("KWD", 3, None),
];

/// Several sums per currency, in units of 0.0001.
type Sums<const N: usize> = BTreeMap<String, [i128; N]>;

fn add<const N: usize>(sums: &mut Sums<N>, currency: &str, amounts: [i128; N]) {
    let all = sums.entry(currency.to_owned()).or_insert([0; N]);
    for (sum, amount) in all.iter_mut().zip(amounts) {
        *sum += amount;
    }
}

/// A number of this many units of 10⁻ˢᶜᵃˡᵉ, rounded half away from zero to so many digits.
fn text(units: i128, scale: u32, digits: u32) -> String {
    let step = 10_i128.pow(scale - digits);
    let rounded = (units.abs() + step / 2) / step;
    let sign = if units < 0 && rounded > 0 { "-" } else { "" };
    let one = 10_i128.pow(digits);
    match digits {
        0 => format!("{sign}{rounded}"),
        digits => format!(
            "{sign}{}.{:0width$}",
            rounded / one,
            rounded % one,
            width = digits as usize
        ),
    }
}

fn digits(currency: &str) -> u32 {
    CURRENCIES
        .iter()
        .find(|(code, ..)| *code == currency)
        .unwrap()
        .1
}

/// The figures as they are answered, with these names.
fn shown<const N: usize>(sums: &Sums<N>, names: [&str; N], into: &mut Value) {
    let values: Vec<Value> = sums
        .iter()
        .map(|(currency, amounts)| {
            let mut value = json!({"currency": currency});
            for (name, amount) in names.iter().zip(amounts) {
                value[*name] = text(*amount, 4, digits(currency)).into();
            }
            value
        })
        .collect();
    if !values.is_empty() {
        into["values"] = values.into();
    }
    for (index, name) in names.iter().enumerate() {
        let base: i128 = sums
            .iter()
            .filter_map(|(currency, amounts)| {
                let (.., rate) = CURRENCIES.iter().find(|(code, ..)| code == currency)?;
                Some(amounts[index] * (*rate)?)
            })
            .sum();
        into[format!("base_{name}")] = text(base, 8, 2).into();
    }
}

/// The same with how many there are, in all and of each currency.
fn counted(sums: &Sums<4>) -> Value {
    let plain: Sums<3> = sums
        .iter()
        .map(|(currency, [_, a, b, c])| (currency.clone(), [*a, *b, *c]))
        .collect();
    let mut figures = json!({"count": sums.values().map(|[count, ..]| *count as i64).sum::<i64>()});
    shown(&plain, ["net", "gross", "balance"], &mut figures);
    for value in figures
        .get_mut("values")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        let count = sums[value["currency"].as_str().unwrap()][0] as i64;
        value["count"] = count.into();
    }
    figures
}

fn amount(row: &Value, name: &str) -> i128 {
    let amount: Amount = row[name].as_str().unwrap().parse().unwrap();
    amount.raw().into()
}

/// What the figures of these invoices are.
fn expected(rows: &[Value]) -> Value {
    let mut statuses: BTreeMap<usize, Sums<4>> = BTreeMap::new();
    let mut notes = Sums::new();
    let mut totals: Sums<5> = Sums::new();
    let mut months: BTreeMap<String, Sums<3>> = BTreeMap::new();
    let mut customers: BTreeMap<String, Sums<2>> = BTreeMap::new();
    let mut oldest = None;
    const ORDER: [&str; 6] = [
        "draft",
        "issued",
        "partly_paid",
        "overdue",
        "paid",
        "credited",
    ];
    for row in rows {
        let (status, currency) = (
            row["status"].as_str().unwrap(),
            row["currency"].as_str().unwrap(),
        );
        let is_invoice = row["kind"] == "invoice";
        let (net, gross) = (amount(row, "net_total"), amount(row, "gross_total"));
        let (paid, balance) = (amount(row, "amount_paid"), amount(row, "balance_due"));
        if is_invoice {
            let place = ORDER.iter().position(|known| *known == status).unwrap();
            add(
                statuses.entry(place).or_default(),
                currency,
                [1, net, gross, balance],
            );
        } else if status != "draft" {
            add(&mut notes, currency, [1, net, gross, balance]);
        }
        if status == "draft" {
            continue;
        }
        let sign = if is_invoice { 1 } else { -1 };
        let open = if is_invoice { balance } else { 0 };
        let late = if status == "overdue" { balance } else { 0 };
        if status == "overdue" {
            let due = row["due_date"].as_str().unwrap();
            oldest = oldest.filter(|known| *known < due).or(Some(due));
        }
        add(
            &mut totals,
            currency,
            [sign * net, sign * gross, sign * paid, open, late],
        );
        let month = row["issue_date"].as_str().unwrap()[..7].to_owned();
        let credited = if is_invoice { 0 } else { gross };
        add(
            months.entry(month).or_default(),
            currency,
            [sign * net, sign * gross, credited],
        );
        let id = |name: &str| row[name]["id"].as_str();
        let customer = id("company").or(id("contact")).unwrap();
        add(
            customers.entry(customer.to_owned()).or_default(),
            currency,
            [sign * net, open],
        );
    }
    let by_status: Vec<Value> = statuses
        .iter()
        .map(|(place, sums)| {
            let mut figures = counted(sums);
            figures["status"] = ORDER[*place].into();
            figures
        })
        .collect();
    let by_period = months.iter().rev().map(|(month, sums)| {
        let mut period = json!({"month": month});
        shown(sums, ["net", "gross", "credited"], &mut period);
        period
    });
    let by_customer: BTreeMap<String, Value> = customers
        .iter()
        .map(|(id, sums)| {
            let mut customer = json!({});
            shown(sums, ["net", "balance"], &mut customer);
            (id.clone(), customer)
        })
        .collect();
    let mut all = json!({});
    shown(
        &totals,
        ["net", "gross", "paid", "outstanding", "overdue"],
        &mut all,
    );
    json!({
        "by_status": by_status,
        "credit_notes": counted(&notes),
        "totals": all,
        "oldest_overdue": oldest,
        "by_period": by_period.collect::<Vec<_>>(),
        "by_customer": by_customer,
    })
}

/// The figures as they were answered, in the form of [`expected`].
fn answered(mut stats: Value) -> Value {
    let customers = stats["by_customer"].take();
    let mut last = None;
    let mut by_customer = BTreeMap::new();
    for mut customer in customers.as_array().cloned().unwrap_or_default() {
        let customer = customer.as_object_mut().unwrap();
        let net: Amount = customer["base_net"].as_str().unwrap().parse().unwrap();
        assert!(
            last.is_none_or(|last| last >= net),
            "those with most come first"
        );
        last = Some(net);
        assert!(
            customer
                .remove("name")
                .unwrap()
                .as_str()
                .unwrap()
                .starts_with("Buyer")
        );
        let id = customer.remove("id").unwrap();
        by_customer.insert(id.as_str().unwrap().to_owned(), json!(customer));
    }
    json!({
        "by_status": stats.get("by_status").cloned().unwrap_or(json!([])),
        "credit_notes": stats["credit_notes"],
        "totals": stats["totals"],
        "oldest_overdue": stats.get("oldest_overdue").cloned().unwrap_or_default(),
        "by_period": stats.get("by_period").cloned().unwrap_or(json!([])),
        "by_customer": by_customer,
    })
}

/// Many invoices of all kinds, for these customers.
async fn trade(app: &TestApp, owner: &Caller, customers: &[(&str, Value)], seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let today = chrono::Utc::now().date_naive();
    let mut days: Vec<NaiveDate> = (0..40)
        .map(|_| today - Days::new(random.random_range(1..200)))
        .collect();
    days.sort();
    let mut issued: Vec<Value> = Vec::new();
    for day in days {
        let (code, digits, _) = CURRENCIES[random.random_range(0..3)];
        let price = |random: &mut StdRng| text(random.random_range(1..900_000_000), 4, digits);
        let (parameter, customer) = &customers[random.random_range(0..customers.len())];
        let lines: Vec<Value> = (0..random.random_range(1..4))
            .map(|_| {
                json!({
                    "description": "Work", "quantity": random.random_range(1..9).to_string(),
                    "unit_price": price(&mut random),
                    "tax_rate": if random.random_bool(0.5) { "19" } else { "7" },
                })
            })
            .collect();
        let terms = if random.random_bool(0.5) {
            "net 30"
        } else {
            "end of month"
        };
        let draft = json!({
            *parameter: customer, "currency": code, "issue_date": day, "terms": terms, "lines": lines,
        });
        let draft = app.data(owner, "create_invoice", draft).await;
        if random.random_bool(0.1) {
            continue;
        }
        let issue = json!({"invoice": draft["id"], "confirm": true});
        let invoice = app.data(owner, "issue_invoice", issue).await;
        let gross: Amount = invoice["gross_total"].as_str().unwrap().parse().unwrap();
        let part = text(i128::from(gross.raw()) / 3, 4, digits);
        let pay = match random.random_range(0..4) {
            0 => Some(json!({"invoice": draft["id"]})),
            1 if part.parse::<Amount>().unwrap().raw() > 0 => {
                Some(json!({"invoice": draft["id"], "amount": part}))
            }
            _ => None,
        };
        if let Some(payment) = pay {
            let payment = app.data(owner, "record_payment", payment).await;
            if random.random_bool(0.2) {
                app.data(owner, "record_payment", json!({"reverses": payment["id"]}))
                    .await;
            }
        }
        issued.push(draft);
    }
    for draft in issued.iter().step_by(4) {
        let lines = json!([{"line": 1, "quantity": "1"}]);
        let whole = random.random_bool(0.4);
        let lines = if whole { Value::Null } else { lines };
        let note = json!({"invoice": draft["id"], "lines": lines});
        let note = app.data(owner, "create_credit_note", note).await;
        if random.random_bool(0.9) {
            let issue = json!({"invoice": note["id"], "confirm": true});
            let note = app.data(owner, "issue_invoice", issue).await;
            let left: Amount = note["balance_due"].as_str().unwrap().parse().unwrap();
            if left.raw() > 0 && random.random_bool(0.5) {
                app.data(owner, "record_payment", json!({"invoice": note["id"]}))
                    .await;
            }
        }
    }
}

async fn listed(app: &TestApp, owner: &Caller, filter: &Value) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut arguments = filter.clone();
    arguments["limit"] = 100.into();
    arguments["sort"] = "created_at".into();
    loop {
        let mut answer = app.ok(owner, "list_invoices", arguments.clone()).await;
        rows.extend(answer["data"].as_array().unwrap().iter().cloned());
        let Some(next) = answer.pointer_mut("/page/next").map(Value::take) else {
            return rows;
        };
        if next.is_null() {
            return rows;
        }
        arguments["cursor"] = next;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_figures_are_what_the_invoices_come_to_in_each_currency_and_in_the_base_currency() {
    for (engine, seed) in ENGINES.into_iter().zip([7, 2026]) {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let other = app.tenant("other").await;
        let rate = RateInfo {
            currency: "JPY".into(),
            day: "2026-01-02".parse().unwrap(),
            rate: "0.0061".into(),
            source: "ECB".into(),
        };
        let store = &app.dispatcher.app().store;
        admin::set_rate(store, "main", rate).await.unwrap();
        let mut customers = Vec::new();
        for name in ["Buyer One", "Buyer Two", "Buyer Three"] {
            let made = app
                .data(&owner, "create_company", json!({"name": name}))
                .await;
            customers.push(("company", made["id"].clone()));
        }
        let made = app
            .data(&owner, "create_contact", json!({"name": "Buyer Alone"}))
            .await;
        customers.push(("contact", made["id"].clone()));
        trade(&app, &owner, &customers, seed).await;
        assert_eq!(contradictions(&app.dispatcher, &owner).await, []);
        let long_ago = chrono::Utc::now().date_naive() - Days::new(90);
        for filter in [
            json!({}),
            json!({"currency": "JPY"}),
            json!({"company": customers[0].1}),
            json!({"issued_after": long_ago}),
            json!({"issued_before": long_ago, "currency": "EUR", "company": customers[1].1}),
        ] {
            let rows = listed(&app, &owner, &filter).await;
            let stats = app.data(&owner, "get_invoice_stats", filter.clone()).await;
            assert_eq!(
                answered(stats.clone()),
                expected(&rows),
                "{engine:?} {filter}"
            );
            if filter == json!({}) {
                assert!(rows.len() > 40, "{}", rows.len());
                assert_eq!(stats["base_currency"], "EUR");
                let rate = json!([{"currency": "JPY", "rate": "0.0061", "day": "2026-01-02", "source": "ECB"}]);
                assert_eq!(stats["rates"], rate);
                assert_eq!(stats["without_rate"], json!(["KWD"]));
            }
        }
        // Another firm's figures are its own.
        let stats = app.data(&other, "get_invoice_stats", json!({})).await;
        assert_eq!(answered(stats), expected(&[]), "{engine:?}");
    }
}

/// So many invoices of the largest amount that their sum is beyond 64 bits.
const MANY: i128 = 1_200;

#[tokio::test(flavor = "multi_thread")]
async fn sums_beyond_64_bits_are_exact() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let company = app
            .data(&owner, "create_company", json!({"name": "Buyer"}))
            .await;
        let draft = json!({
            "company": company["id"], "currency": "EUR",
            "lines": [{"description": "Work", "unit_price": "700000000000.07", "tax_rate": "19"}],
        });
        let draft = app.data(&owner, "create_invoice", draft).await;
        let id = draft["id"]
            .as_str()
            .unwrap()
            .parse::<Id<Invoice>>()
            .unwrap();
        let own = Invoice::COLUMNS.iter().map(|column| column.name);
        let derived = Invoice::empty().derived();
        let names: Vec<&str> = own.chain(derived.iter().map(|(name, _)| *name)).collect();
        let names = format!(
            "workspace, version, created_at, created_by, updated_at, attributes, {}",
            names.join(", ")
        );
        let copy = format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY} - 1)
             INSERT INTO invoice (id, {names}) SELECT id - i, {names} FROM invoice, n WHERE id = "
        );
        app.run(sql(copy.leak()).value(id)).await;
        let stats = app.data(&owner, "get_invoice_stats", json!({})).await;
        let gross = i128::from("833000000000.08".parse::<Amount>().unwrap().raw());
        assert!(gross * MANY > i128::from(i64::MAX));
        let drafts = &stats["by_status"][0];
        assert_eq!(drafts["count"], json!(MANY as i64), "{engine:?}");
        assert_eq!(drafts["base_gross"], text(gross * MANY, 4, 2), "{engine:?}");
    }
}

/// More customers than the database is asked for, alone and in several currencies.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_customers_those_with_most_are_shown_whatever_currency_they_pay_in() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let rate = RateInfo {
            currency: "JPY".into(),
            day: "2026-01-02".parse().unwrap(),
            rate: "0.0061".into(),
            source: "ECB".into(),
        };
        let store = &app.dispatcher.app().store;
        admin::set_rate(store, "main", rate).await.unwrap();
        let mut buyers: Vec<(i128, String)> = Vec::new();
        for number in 0..64_i128 {
            let name = format!("Buyer {number}");
            let made = app
                .data(&owner, "create_company", json!({"name": name}))
                .await;
            // In an order that has nothing to do with when they came, and no two alike.
            let euros = 100 + (number * 37) % 64;
            let (currency, price) = match number % 2 {
                0 => ("EUR", euros * 61),
                _ => ("JPY", euros * 10_000),
            };
            let draft = json!({
                "company": made["id"], "currency": currency,
                "lines": [{"description": "Work", "unit_price": price.to_string(), "tax_rate": "19"}],
            });
            let draft = app.data(&owner, "create_invoice", draft).await;
            let issue = json!({"invoice": draft["id"], "confirm": true});
            app.data(&owner, "issue_invoice", issue).await;
            buyers.push((euros * 61, name));
        }
        buyers.sort();
        let stats = app.data(&owner, "get_invoice_stats", json!({})).await;
        let shown: Vec<(i128, String)> = stats["by_customer"]
            .as_array()
            .unwrap()
            .iter()
            .map(|customer| {
                let net = customer["base_net"].as_str().unwrap();
                let net: i128 = net.strip_suffix(".00").unwrap().parse().unwrap();
                (net, customer["name"].as_str().unwrap().to_owned())
            })
            .collect();
        let expected: Vec<_> = buyers.into_iter().rev().take(10).collect();
        assert_eq!(shown, expected, "{engine:?}");
    }
}

/// An invoice over so many dollars that was issued so many days ago.
async fn issued(app: &TestApp, owner: &Caller, company: &Value, days_ago: u64, price: &str) {
    let day = chrono::Utc::now().date_naive() - Days::new(days_ago);
    let draft = json!({
        "company": company, "currency": "USD", "issue_date": day,
        "lines": [{"description": "Work", "unit_price": price, "tax_rate": "0", "tax_category": "Z"}],
    });
    let draft = app.data(owner, "create_invoice", draft).await;
    let issue = json!({"invoice": draft["id"], "confirm": true, "anyway": true});
    app.data(owner, "issue_invoice", issue).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_issued_counts_at_the_rate_of_its_own_day_whatever_is_noted_later() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let today = chrono::Utc::now().date_naive();
        let note = async |days_ago: u64, rate: &str| {
            let rate = RateInfo {
                currency: "USD".into(),
                day: today - Days::new(days_ago),
                rate: rate.into(),
                source: "ECB".into(),
            };
            let store = &app.dispatcher.app().store;
            admin::set_rate(store, "main", rate).await.unwrap();
        };
        note(400, "0.90").await;
        let mut buyers = Vec::new();
        for name in ["Early", "Late"] {
            let made = json!({"name": name});
            buyers.push(app.data(&owner, "create_company", made).await["id"].clone());
        }
        issued(&app, &owner, &buyers[0], 300, "1000").await;
        issued(&app, &owner, &buyers[1], 5, "1100").await;
        let stats = async |filter: Value| app.data(&owner, "get_invoice_stats", filter).await;
        assert_eq!(stats(json!({})).await["totals"]["base_net"], "1890.00");
        // What is noted later changes nothing of what was issued before, also for a day before that.
        note(10, "0.80").await;
        let all = stats(json!({})).await;
        assert_eq!(all["totals"]["base_net"], "1890.00", "{engine:?}");
        assert_eq!(all["by_period"][0]["base_net"], "990.00", "{engine:?}");
        assert_eq!(all["by_period"][1]["base_net"], "900.00", "{engine:?}");
        let named = |at: usize| {
            (
                &all["by_customer"][at]["name"],
                &all["by_customer"][at]["base_net"],
            )
        };
        assert_eq!(named(0), (&json!("Late"), &json!("990.00")), "{engine:?}");
        assert_eq!(named(1), (&json!("Early"), &json!("900.00")), "{engine:?}");
        let rates = all["rates"].as_array().unwrap();
        let rates: Vec<&Value> = rates.iter().map(|rate| &rate["rate"]).collect();
        assert_eq!(rates, ["0.9"], "{engine:?}");
        // What is issued from then on has the new one.
        issued(&app, &owner, &buyers[0], 4, "10").await;
        let all = stats(json!({})).await;
        assert_eq!(all["totals"]["base_net"], "1898.00", "{engine:?}");
        // With bounds, the rate that held before the first day is known all the same.
        let old = stats(
            json!({"issued_after": today - Days::new(350), "issued_before": today - Days::new(250)}),
        );
        assert_eq!(old.await["totals"]["base_net"], "900.00", "{engine:?}");
        // Before the first rate there is none, and that is said.
        issued(&app, &owner, &buyers[0], 401, "50").await;
        let all = stats(json!({})).await;
        assert_eq!(all["totals"]["base_net"], "1898.00", "{engine:?}");
        assert_eq!(all["totals"]["values"][0]["net"], "2160.00", "{engine:?}");
        assert_eq!(all["without_rate"], json!(["USD"]), "{engine:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_rates_the_newest_are_named_and_the_answer_says_so() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let company = app.data(&owner, "create_company", json!({"name": "Buyer"}));
        let company = company.await["id"].clone();
        let store = &app.dispatcher.app().store;
        for number in (1..=13).rev() {
            let day = chrono::Utc::now().date_naive() - Days::new(number);
            let rate = RateInfo {
                currency: "USD".into(),
                day,
                rate: format!("0.8{number:02}1"),
                source: "ECB".into(),
            };
            admin::set_rate(store, "main", rate).await.unwrap();
            issued(&app, &owner, &company, number, "100").await;
            let answer = app.ok(&owner, "get_invoice_stats", json!({})).await;
            let named = answer["data"]["rates"].as_array().unwrap();
            assert_eq!(named[0]["rate"], format!("0.8{number:02}1"), "{engine:?}");
            let noted = 14 - number as usize;
            assert_eq!(named.len(), noted.min(12), "{engine:?}");
            let notice = answer.pointer("/notices/0/code");
            assert_eq!(notice.is_some(), noted > 12, "{engine:?} {answer}");
        }
    }
}
