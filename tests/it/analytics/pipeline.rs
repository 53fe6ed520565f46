//! The way of deals through their stages.

use bureau_kernel::admin::{self, RateInfo};
use bureau_kernel::testing::ENGINES;
use chrono::{Duration, NaiveDate};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use super::{check_evidence, pass, started};

/// Where a deal stood from a day on: the place of an open stage, or how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Open(usize),
    Won,
    Lost,
}

type Way = Vec<(NaiveDate, At)>;

/// Entered, advanced, lost, moved back, still there, and the days of stays that ended.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Flow {
    counts: [i64; 5],
    days: Vec<i64>,
}

/// What comes of these ways in a period, computed anew.
fn flows(ways: &[Way], from: NaiveDate, to: NaiveDate) -> [Flow; 3] {
    let mut flows: [Flow; 3] = Default::default();
    for way in ways {
        for (place, (day, at)) in way.iter().enumerate() {
            let At::Open(stage) = *at else { continue };
            let next = way.get(place + 1).filter(|(day, _)| *day <= to);
            if let Some((left, _)) = next
                && *left >= from
            {
                flows[stage].days.push((*left - *day).num_days());
            }
            if *day < from || *day > to {
                continue;
            }
            let fate = match next {
                None => 4,
                Some((_, At::Won)) => 1,
                Some((_, At::Lost)) => 2,
                Some((_, At::Open(other))) if *other > stage => 1,
                Some(_) => 3,
            };
            flows[stage].counts[0] += 1;
            flows[stage].counts[fate] += 1;
        }
    }
    flows
}

fn number(value: &Value, name: &str) -> i64 {
    value[name].as_i64().unwrap()
}

fn median(days: &[i64]) -> Option<String> {
    let mut days = days.to_vec();
    days.sort_unstable();
    let lower = *days.get(days.len().checked_sub(1)? / 2)?;
    let sum = lower + days[days.len() / 2];
    Some(format!("{}.{}", sum / 2, sum % 2 * 5))
}

/// Of every stage entered = advanced + lost + moved back + still there, over random moves, ends, reopenings and undoing, in the whole
/// time and in any part of it, and each of these is what a model of the ways comes to.
#[tokio::test(flavor = "multi_thread")]
async fn what_enters_a_stage_advances_is_lost_moves_back_or_is_still_there() {
    for (engine, seed) in ENGINES.into_iter().zip([21, 22]) {
        let (app, owner, clock) = started(engine, "2026-03-02T12:00:00Z").await;
        let mut random = StdRng::seed_from_u64(seed);
        let stages = ["First", "Second", "Third"];
        let planned = stages.map(|name| json!({"name": name, "probability": 50}));
        let new = json!({"name": "Ways", "stages": planned});
        let pipeline = app.data(&owner, "create_pipeline", new).await["id"].clone();
        let begun = clock.now().date_naive();
        let mut deals: Vec<(Value, Way)> = Vec::new();
        for _ in 0..40 {
            for _ in 0..random.random_range(0..5) {
                let today = clock.now().date_naive();
                if deals.len() < 3 || random.random_bool(0.2) {
                    let stage = random.random_range(0..3);
                    let new = json!({"name": format!("Deal {}", deals.len()), "pipeline": pipeline, "stage": stages[stage], "amount": "10"});
                    let deal = app.data(&owner, "create_deal", new).await["id"].clone();
                    deals.push((deal, vec![(today, At::Open(stage))]));
                    continue;
                }
                let it = random.random_range(0..deals.len());
                let (deal, way) = &mut deals[it];
                let was = way.last().unwrap().1;
                let (more, next) = match random.random_range(0..6) {
                    0 => (json!({"status": "won"}), At::Won),
                    1 => (json!({"status": "lost", "lost_reason": "Price"}), At::Lost),
                    // Something else about it.
                    2 => (
                        json!({"amount": random.random_range(1..99).to_string()}),
                        was,
                    ),
                    _ => {
                        let stage = random.random_range(0..3);
                        let open = json!({"stage": stages[stage], "status": "open"});
                        (open, At::Open(stage))
                    }
                };
                let mut arguments = more;
                arguments["deal"] = deal.clone();
                let done = app.ok(&owner, "update_deal", arguments).await;
                if random.random_bool(0.3) && !done["change"].is_null() {
                    let undo = json!({"change": done["change"], "confirm": true});
                    app.ok(&owner, "undo_change", undo).await;
                } else if next != was {
                    way.push((today, next));
                }
            }
            pass(&app, &clock, 1).await;
        }
        let ways: Vec<Way> = deals.iter().map(|(_, way)| way.clone()).collect();
        let today = clock.now().date_naive();
        let mut entered = 0;
        let day = |offset: i64| begun + Duration::days(offset);
        let mut periods = vec![(begun, today)];
        for _ in 0..6 {
            let first = random.random_range(0..40);
            periods.push((day(first), day(random.random_range(first..41))));
        }
        for (from, to) in periods {
            let asked = json!({"pipeline": pipeline, "period": format!("{from} to {to}")});
            let answer = app.data(&owner, "get_pipeline_analytics", asked).await;
            for (place, flow) in flows(&ways, from, to).iter().enumerate() {
                let stage = &answer["stages"][place];
                let of = format!(
                    "{} from {from} to {to} on {engine:?}, seed {seed}",
                    stages[place]
                );
                let counts = ["entered", "advanced", "lost", "moved_back", "still_there"]
                    .map(|name| number(stage, name));
                let [all, parts @ ..] = counts;
                assert_eq!(all, parts.iter().sum::<i64>(), "{of}");
                assert_eq!(counts, flow.counts, "{of}: {ways:?}");
                assert_eq!(number(&stage["days"], "n"), flow.days.len() as i64, "{of}");
                let said = stage["days"]["median"].as_str().map(str::to_owned);
                assert_eq!(said, median(&flow.days), "{of}");
                let conversion = stage["conversion"].as_str();
                assert_eq!(conversion.is_some(), all >= 5, "{of}");
                entered += all;
            }
        }
        assert!(entered > 50, "{entered}");
    }
}

/// A worked table: conversion, cycle, lead time, velocity, bottleneck, what is stuck.
#[tokio::test(flavor = "multi_thread")]
async fn conversion_velocity_and_bottleneck_are_as_worked_out_by_hand() {
    for engine in ENGINES {
        let (app, owner, clock) = started(engine, "2026-03-02T12:00:00Z").await;
        let store = &app.dispatcher.app().store;
        let rate = RateInfo {
            currency: "USD".into(),
            day: "2026-01-01".parse().unwrap(),
            rate: "0.5".into(),
            source: "ECB".into(),
        };
        admin::set_rate(store, "main", rate).await.unwrap();
        let stages = json!([
            {"name": "Talk", "probability": 20, "rotting_days": 30}, {"name": "Offer", "probability": 60, "rotting_days": 5},
        ]);
        let new = json!({"name": "Worked", "stages": stages});
        let pipeline = app.data(&owner, "create_pipeline", new).await["id"].clone();
        let mut deals = Vec::new();
        for number in 0..10 {
            let new = json!({
                "name": format!("Deal {number}"), "pipeline": pipeline, "amount": "100",
                "currency": if number < 5 { "EUR" } else { "USD" }, "owner": "me",
            });
            deals.push(app.data(&owner, "create_deal", new).await["id"].clone());
        }
        let change = |number: usize, more: Value| {
            let mut arguments = more;
            arguments["deal"] = deals[number].clone();
            let (app, owner) = (&app, &owner);
            async move { app.ok(owner, "update_deal", arguments).await }
        };
        pass(&app, &clock, 4).await;
        for number in 0..8 {
            change(number, json!({"stage": "Offer"})).await;
        }
        pass(&app, &clock, 6).await;
        // Five won after ten days, two lost in the second stage and one in the first.
        for number in 0..5 {
            change(number, json!({"status": "won"})).await;
        }
        for number in [5, 6, 8] {
            change(number, json!({"status": "lost", "lost_reason": "Price"})).await;
        }
        let asked = json!({"pipeline": pipeline, "period": "this month"});
        let answer = app
            .data(&owner, "get_pipeline_analytics", asked.clone())
            .await;
        let (talk, offer) = (&answer["stages"][0], &answer["stages"][1]);
        // Of ten, eight went on; of eight, five were won.
        assert_eq!(talk["conversion"], "80.0", "{engine:?}");
        assert_eq!(offer["conversion"], "62.5");
        assert_eq!(
            talk["days"],
            json!({"n": 9, "median": "4.0", "mean": "4.7", "p90": "10.0"})
        );
        assert_eq!(
            offer["days"],
            json!({"n": 7, "median": "6.0", "mean": "6.0", "p90": "6.0"})
        );
        assert_eq!(answer["bottleneck"]["stage"]["name"], "Offer");
        assert_eq!(answer["bottleneck"]["median_days"], "6.0");
        // Deal 7 has been in the second stage for six days, which allows five.
        assert_eq!(offer["stuck"]["n"], 1);
        assert_eq!(talk["stuck"]["n"], 0);
        // Two are open; 5 of 8 won, 100 each, in ten days: 2 × 0.625 × 100 / 10.
        assert_eq!(
            answer["velocity"],
            json!({"open_deals": 2, "win_rate": "62.5", "mean_won": "100.00", "mean_days": "10.0", "per_day": "12.50"})
        );
        let own = &answer["by_owner"][0];
        assert_eq!((number(own, "won"), number(own, "lost")), (5, 3));
        assert_eq!(own["base_won"], "500.00");
        assert_eq!(own["win_rate"], "62.5");
        assert_eq!(own["sales_cycle"]["median"], "10.0");
        assert_eq!(
            own["lead_time"],
            json!({"n": 9, "median": "4.0", "mean": "4.7", "p90": "10.0"})
        );
        assert_eq!(
            answer["figures"][0]["base_amount"], "100.00",
            "two of 50 euros"
        );
        assert!(check_evidence(&app, &owner, &answer).await >= 7, "{answer}");
        let narrow = app.limited(&owner, &["read_deals"]);
        let narrow = app
            .data(&narrow, "get_pipeline_analytics", asked.clone())
            .await;
        assert_eq!(narrow["stages"][0]["entered"], 10);
        let before = json!({"pipeline": pipeline, "period": "last month"});
        let before = app.data(&owner, "get_pipeline_analytics", before).await;
        assert_eq!(before["stages"][0]["entered"], 0);
        assert_eq!(
            before["velocity"]["why"],
            "There is no rate of fewer than 5."
        );
        assert_eq!(before.get("bottleneck"), None);
        let other = app.tenant("other").await;
        let none = app.data(&other, "get_pipeline_analytics", json!({})).await;
        let sums = none["stages"].as_array().unwrap().iter();
        assert_eq!(sums.map(|stage| number(stage, "entered")).sum::<i64>(), 0);
    }
}
