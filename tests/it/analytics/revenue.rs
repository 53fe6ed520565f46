//! What was sold and paid, and what recurs.

use bureau_kernel::admin::{self, RateInfo};
use bureau_kernel::caller::Caller;
use bureau_kernel::testing::{ENGINES, TestApp};
use serde_json::{Value, json};

use super::{check_evidence, expected, groups, pass, started};

async fn company(app: &TestApp, owner: &Caller, name: &str) -> Value {
    app.data(owner, "create_company", json!({ "name": name }))
        .await["id"]
        .clone()
}

async fn rate(app: &TestApp, day: &str, rate: &str) {
    let rate = RateInfo {
        currency: "USD".into(),
        day: day.parse().unwrap(),
        rate: rate.into(),
        source: "ECB".into(),
    };
    admin::set_rate(&app.dispatcher.app().store, "main", rate)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn revenue_is_issued_less_credited_by_issue_day_and_paid_by_payment_day() {
    for engine in ENGINES {
        let (app, owner, clock) = started(engine, "2026-02-10T12:00:00Z").await;
        rate(&app, "2026-01-01", "0.5").await;
        let acme = company(&app, &owner, "Acme").await;
        let bolt = company(&app, &owner, "Bolt").await;
        let mut invoices = Vec::new();
        for (company, currency, net) in [(&acme, "EUR", "100"), (&bolt, "USD", "200")] {
            let draft = json!({
                "company": company, "currency": currency,
                "lines": [{"description": "Work", "quantity": "2", "unit_price": net, "tax_rate": "19"}],
            });
            let draft = app.data(&owner, "create_invoice", draft).await;
            let issue = json!({"invoice": draft["id"], "confirm": true});
            app.data(&owner, "issue_invoice", issue).await;
            invoices.push(draft["id"].clone());
        }
        // In March the dollar is worth twice as much: the invoice keeps its rate, and the payment has that of its day.
        pass(&app, &clock, 30).await;
        rate(&app, "2026-03-01", "1").await;
        app.data(&owner, "record_payment", json!({"invoice": invoices[1]}))
            .await;
        let note = json!({"invoice": invoices[0], "lines": [{"line": 1, "quantity": "1"}]});
        let note = app.data(&owner, "create_credit_note", note).await;
        let issue = json!({"invoice": note["id"], "confirm": true});
        app.data(&owner, "issue_invoice", issue).await;
        let new = json!({"name": "Sold", "amount": "900", "status": "won", "company": acme});
        app.data(&owner, "create_deal", new).await;
        let ask = |arguments| {
            let (app, owner) = (&app, &owner);
            async move { app.data(owner, "get_revenue_metrics", arguments).await }
        };
        let months = ask(json!({})).await;
        for (measure, sums) in [
            (
                "invoicing.issued",
                [
                    ("2026-01", "0.00"),
                    ("2026-02", "400.00"),
                    ("2026-03", "-100.00"),
                ],
            ),
            (
                "invoicing.paid",
                [
                    ("2026-01", "0.00"),
                    ("2026-02", "0.00"),
                    ("2026-03", "476.00"),
                ],
            ),
            (
                "deals.won",
                [
                    ("2026-01", "0.00"),
                    ("2026-02", "0.00"),
                    ("2026-03", "900.00"),
                ],
            ),
        ] {
            assert_eq!(
                groups(&months, measure, "base_amount"),
                expected(&sums),
                "{measure} on {engine:?}"
            );
        }
        assert!(check_evidence(&app, &owner, &months).await >= 12);
        let customers = ask(json!({"group_by": ["customer"], "period": "this year"})).await;
        assert_eq!(
            groups(&customers, "invoicing.issued", "base_amount"),
            expected(&[("Acme", "100.00"), ("Bolt", "200.00")])
        );
        let march = ask(json!({"period": "this month"})).await;
        assert_eq!(march["growth"]["base_issued"], "-100.00");
        assert_eq!(march["growth"]["from"], "2026-02-17");
        // Who may read deals alone is shown these, and told so.
        let narrow = app.limited(&owner, &["read_deals"]);
        let narrow = app.ok(&narrow, "get_revenue_metrics", json!({})).await;
        assert_eq!(narrow["data"]["figures"].as_array().unwrap().len(), 1);
        assert_eq!(narrow["data"].get("mrr"), None);
        let said = narrow["notices"][0]["message"].as_str().unwrap();
        assert!(said.contains("read_invoices"), "{said}");
        let other = app.tenant("other").await;
        let none = app.data(&other, "get_revenue_metrics", json!({})).await;
        assert_eq!(none["figures"][0]["n"], 0);
    }
}

/// A worked table of recurring revenue over a quarter: who came, who grew, who shrank, who left, and what was kept.
#[tokio::test(flavor = "multi_thread")]
async fn recurring_revenue_moves_as_worked_out_by_hand() {
    for engine in ENGINES {
        let (app, owner, clock) = started(engine, "2026-03-20T12:00:00Z").await;
        let plan = |name: &'static str,
                    price: &'static str,
                    interval: &'static str,
                    more: Value| {
            let (app, owner) = (&app, &owner);
            async move {
                let customer = company(app, owner, &format!("{name} Ltd")).await;
                let mut new = json!({
                    "name": name, "company": customer, "interval": interval, "starts_on": "2026-03-20",
                    "lines": [{"description": "Care", "unit_price": price, "tax_rate": "19"}],
                });
                let more = more.as_object().cloned().unwrap();
                new.as_object_mut().unwrap().extend(more);
                let plan = app.data(owner, "create_recurring_invoice", new).await;
                plan["id"].clone()
            }
        };
        // 100 + 200 + 300 + 400 + 1200 / 12 + 300 / 3: at the end of March 1,200 a month of six customers.
        plan("Stays", "100", "month", json!({})).await;
        let grows = plan("Grows", "200", "month", json!({})).await;
        let shrinks = plan("Shrinks", "300", "month", json!({})).await;
        let leaves = plan("Leaves", "400", "month", json!({})).await;
        plan("Yearly", "1200", "year", json!({})).await;
        let pauses = plan("Pauses", "300", "quarter", json!({})).await;
        pass(&app, &clock, 30).await;
        let change = |plan: &Value, more: Value| {
            let mut arguments = more;
            arguments["recurring_invoice"] = plan.clone();
            let (app, owner) = (&app, &owner);
            async move { app.ok(owner, "update_recurring_invoice", arguments).await }
        };
        let lines = |price: &str| json!({"lines": [{"description": "Care", "unit_price": price, "tax_rate": "19"}]});
        change(&grows, lines("260")).await;
        change(&shrinks, lines("250")).await;
        change(&leaves, json!({"status": "ended"})).await;
        change(&pauses, json!({"status": "paused"})).await;
        plan("Comes", "500", "month", json!({"starts_on": "2026-05-01"})).await;
        // Not before its first day, whenever it was added.
        plan("Later", "900", "month", json!({"starts_on": "2026-08-01"})).await;
        // What is invoiced once does not recur.
        let once = company(&app, &owner, "Once").await;
        let once = json!({"company": once, "lines": [{"description": "Visit", "unit_price": "5000", "tax_rate": "19"}]});
        app.data(&owner, "create_invoice", once).await;
        pass(&app, &clock, 30).await;
        let ask = |period: &str| {
            let (app, owner, asked) = (&app, &owner, json!({"period": period}));
            async move { app.data(owner, "get_revenue_metrics", asked).await["mrr"].clone() }
        };
        let quarter = ask("since 2026-04-01").await;
        for (name, amount) in [
            ("start", "1200.00"),
            ("new", "500.00"),
            ("expansion", "60.00"),
            ("contraction", "50.00"),
            ("churn", "500.00"),
            ("end", "1210.00"),
            ("arr", "14520.00"),
            // (1200 + 60 - 50 - 500) / 1200 and (1200 - 50 - 500) / 1200.
            ("net_retention", "59.2"),
            ("gross_retention", "54.2"),
        ] {
            assert_eq!(quarter[name], amount, "{name} on {engine:?}: {quarter}");
        }
        assert_eq!(quarter["measure"], "invoicing.mrr@1");
        let customers = [
            "customers_at_start",
            "customers_churned",
            "customers_at_end",
        ];
        assert_eq!(
            customers.map(|name| quarter[name].as_i64().unwrap()),
            [6, 2, 5]
        );
        // Before anything moved, and before there was anything.
        let march = ask("2026-03").await;
        assert_eq!(
            (&march["start"], &march["new"], &march["end"]),
            (&json!("0.00"), &json!("1200.00"), &json!("1200.00"))
        );
        assert_eq!(march["why"], "There is no rate of fewer than 5.");
        let april = ask("2026-04-01 to 2026-04-18").await;
        assert_eq!(
            (&april["start"], &april["end"]),
            (&json!("1200.00"), &json!("1200.00"))
        );
        assert_eq!(april["net_retention"], "100.0");
    }
}
