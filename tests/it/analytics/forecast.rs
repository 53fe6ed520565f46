//! What open deals are expected to bring, and what came of it.

use bureau_kernel::error::Code;
use bureau_kernel::testing::ENGINES;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use super::{check_evidence, pass, started};

#[tokio::test(flavor = "multi_thread")]
async fn a_forecast_is_by_month_weighted_and_beside_the_win_rate() {
    for engine in ENGINES {
        let (app, owner, _) = started(engine, "2026-11-20T12:00:00Z").await;
        for (number, (close, amount, probability)) in [
            (Some("2026-10-31"), "1", None),
            (Some("2026-11-05"), "100", Some(50)),
            (Some("2026-11-30"), "200", None),
            (Some("2026-12-01"), "300", Some(100)),
            (Some("2027-02-28"), "400", Some(0)),
            (Some("2027-03-01"), "500", Some(10)),
            (None, "600", Some(50)),
        ]
        .into_iter()
        .enumerate()
        {
            let mut new =
                json!({"name": format!("Deal {number}"), "amount": amount, "stage": "Qualified"});
            if let Some(close) = close {
                new["expected_close"] = close.into();
            }
            if let Some(probability) = probability {
                new["probability"] = probability.into();
            }
            app.data(&owner, "create_deal", new).await;
        }
        for (number, status) in ["won", "won", "won", "lost", "lost", "unqualified"]
            .into_iter()
            .enumerate()
        {
            let mut new = json!({
                "name": format!("Closed {number}"), "amount": "70", "status": status, "closed_on": "2026-11-02",
            });
            if status == "lost" {
                new["lost_reason"] = "Price".into();
            }
            app.data(&owner, "create_deal", new).await;
        }
        let forecast = app.data(&owner, "get_sales_forecast", json!({})).await;
        let months: Vec<_> = forecast["months"]
            .as_array()
            .unwrap()
            .iter()
            .map(|month| {
                let expected = &month["expected"];
                let text = |name: &str| expected[name].as_str().unwrap().to_owned();
                (
                    month["month"].as_str().unwrap().to_owned(),
                    month["n"].as_i64().unwrap(),
                    text("base_amount"),
                    text("base_weighted"),
                )
            })
            .collect();
        let expected = [
            ("2026-11", 2, "300.00", "100.00"),
            ("2026-12", 1, "300.00", "300.00"),
            ("2027-01", 0, "0.00", "0.00"),
            ("2027-02", 1, "400.00", "0.00"),
        ];
        let expected = expected.map(|(month, n, amount, weighted)| {
            (month.to_owned(), n, amount.to_owned(), weighted.to_owned())
        });
        assert_eq!(months, expected, "{engine:?}");
        assert_eq!(forecast["before"]["expected"]["base_amount"], "1.00");
        assert_eq!(forecast["after"]["expected"]["base_weighted"], "50.00");
        assert_eq!(forecast["undated"]["expected"]["base_weighted"], "300.00");
        assert_eq!(forecast["total"]["base_amount"], "2101.00");
        assert_eq!(forecast["total"]["count"], 7);
        assert_eq!(forecast["months"][0]["won"]["base_amount"], "210.00");
        assert_eq!(forecast["win_rate"]["percent"], "60.0", "3 of 5");
        assert_eq!(check_evidence(&app, &owner, &forecast).await, 7);
        let error = app
            .error(&owner, "get_sales_forecast", json!({"as_of": "tomorrow"}))
            .await;
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::Validation, Some("as_of"))
        );
        let other = app.tenant("other").await;
        let none = app.data(&other, "get_sales_forecast", json!({})).await;
        assert_eq!(none["total"]["count"], 0);
        assert_eq!(none["win_rate"]["why"], "There is no rate of fewer than 5.");
    }
}

/// Whatever was done since, the forecast of a past day is what it was on that day, and what became of its deals is counted.
#[tokio::test(flavor = "multi_thread")]
async fn the_forecast_of_a_past_day_is_judged_against_what_came() {
    for (engine, seed) in ENGINES.into_iter().zip([31, 32]) {
        let (app, owner, clock) = started(engine, "2026-03-10T12:00:00Z").await;
        let mut random = StdRng::seed_from_u64(seed);
        let mut deals: Vec<Value> = Vec::new();
        let mut days = Vec::new();
        for _ in 0..25 {
            for _ in 0..random.random_range(0..5) {
                let close = format!("2026-{:02}-15", random.random_range(3..8));
                let amount = random.random_range(1..900).to_string();
                if deals.len() < 4 || random.random_bool(0.3) {
                    let new = json!({"name": format!("Deal {}", deals.len()), "amount": amount, "expected_close": close});
                    deals.push(app.data(&owner, "create_deal", new).await["id"].clone());
                    continue;
                }
                let deal = deals[random.random_range(0..deals.len())].clone();
                let arguments = match random.random_range(0..6) {
                    0 => json!({"status": "won"}),
                    1 => json!({"status": "lost", "lost_reason": "Price"}),
                    2 => json!({"status": "open", "stage": "Proposal"}),
                    3 => json!({"amount": amount}),
                    4 => json!({"probability": 35}),
                    _ => json!({"expected_close": close}),
                };
                let mut arguments = arguments;
                arguments["deal"] = deal;
                // What a closed deal does not take is refused.
                app.outcome(&owner, "update_deal", arguments).await;
            }
            let asked = json!({"period": "2026-03 to 2026-07"});
            let today = app.data(&owner, "get_sales_forecast", asked).await;
            days.push((clock.now().date_naive(), today));
            pass(&app, &clock, 1).await;
        }
        let mut judged = 0;
        for (day, then) in days {
            let asked = json!({"period": "2026-03 to 2026-07", "as_of": day});
            let now = app.data(&owner, "get_sales_forecast", asked).await;
            assert_eq!(
                now["total"], then["total"],
                "{day} on {engine:?}, seed {seed}"
            );
            for (now, then) in now["months"]
                .as_array()
                .unwrap()
                .iter()
                .zip(then["months"].as_array().unwrap())
            {
                assert_eq!(
                    now["expected"], then["expected"],
                    "{day} on {engine:?}, seed {seed}"
                );
                let since = &now["since"];
                let became = ["won", "lost", "open"].map(|name| since[name].as_i64().unwrap());
                assert_eq!(became.iter().sum::<i64>(), now["n"].as_i64().unwrap());
                judged += became[0] + became[1];
            }
            let rate = |answer: &Value| answer["win_rate"]["to"].clone();
            assert_eq!(rate(&now), rate(&then));
        }
        assert!(judged > 20, "{judged}");
    }
}
