//! The rules of the deals module: stages and ends, pipelines, amounts, figures, lists.

use std::collections::BTreeMap;

use bureau_kernel::admin::{RateInfo, set_rate};
use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::Outcome;
use bureau_kernel::error::Code;
use bureau_kernel::testing::{ENGINES, TestApp};
use serde_json::{Value, json};

use crate::MODULES;
use crate::cli::{Home, Session};
use crate::tamper::Raw;

/// The day that the server calls today.
async fn today(app: &TestApp, owner: &Caller) -> String {
    let summary = app.ok(owner, "get_pipeline_summary", json!({})).await;
    summary["data"]["as_of"].as_str().unwrap().to_owned()
}

async fn create(app: &TestApp, owner: &Caller, more: Value) -> Value {
    let mut arguments = json!({ "name": "A deal" });
    let more = more.as_object().cloned().unwrap();
    arguments.as_object_mut().unwrap().extend(more);
    app.ok(owner, "create_deal", arguments).await["data"].clone()
}

fn update_of(deal: &Value, more: &Value) -> Value {
    let mut arguments = json!({ "deal": deal["id"] });
    let more = more.as_object().cloned().unwrap();
    arguments.as_object_mut().unwrap().extend(more);
    arguments
}

async fn update(app: &TestApp, owner: &Caller, deal: &Value, more: Value) -> Value {
    let arguments = update_of(deal, &more);
    app.ok(owner, "update_deal", arguments).await["data"].clone()
}

async fn get(app: &TestApp, owner: &Caller, deal: &Value) -> Value {
    let answer = app.ok(owner, "get_deal", json!({ "deal": deal["id"] }));
    answer.await["data"].clone()
}

/// A deal without what counts its changes and what only grows.
fn plain(mut deal: Value) -> Value {
    for counted in ["version", "updated_at", "stages"] {
        deal.as_object_mut().unwrap().shift_remove(counted);
    }
    deal
}

/// What a deal shows of where it stands.
fn place(deal: &Value) -> Value {
    json!([
        deal["status"],
        deal["stage"]["name"],
        deal["probability"],
        deal["closed_on"],
        deal["lost_reason"]
    ])
}

/// How a deal came to where a row of the table begins: what it is created with, then what changes.
fn beginning(name: &str) -> Vec<Value> {
    let day = "2026-01-05";
    match name {
        "new" => vec![json!({})],
        "guessed" => vec![json!({ "probability": 40 })],
        "proposed" => vec![json!({ "stage": "Proposal" })],
        "won" => vec![
            json!({ "stage": "Proposal" }),
            json!({ "status": "won", "closed_on": day }),
        ],
        "lost" => vec![
            json!({ "stage": "Proposal" }),
            json!({ "status": "lost", "lost_reason": "Price", "closed_on": day }),
        ],
        _ => vec![
            json!({}),
            json!({ "status": "unqualified", "closed_on": day }),
        ],
    }
}

/// Before, what is asked, and after it status, stage, probability, closing day and reason; `TODAY` stands for that day.
fn moves() -> Vec<(&'static str, Value, Value)> {
    let (day, gone) = ("2026-01-05", Value::Null);
    vec![
        (
            "new",
            json!({"name": "B"}),
            json!(["open", "Lead", 10, gone, gone]),
        ),
        (
            "new",
            json!({"stage": "proposal"}),
            json!(["open", "Proposal", 50, gone, gone]),
        ),
        (
            "new",
            json!({"probability": 0}),
            json!(["open", "Lead", 0, gone, gone]),
        ),
        (
            "new",
            json!({"status": "won"}),
            json!(["won", "Won", 100, "TODAY", gone]),
        ),
        (
            "new",
            json!({"stage": "Won"}),
            json!(["won", "Won", 100, "TODAY", gone]),
        ),
        (
            "new",
            json!({"stage": "WON", "status": "won", "closed_on": day}),
            json!(["won", "Won", 100, day, gone]),
        ),
        (
            "new",
            json!({"status": "won", "closed_on": "today"}),
            json!(["won", "Won", 100, "TODAY", gone]),
        ),
        (
            "new",
            json!({"status": "lost", "lost_reason": "Price"}),
            json!(["lost", "Lost", 0, "TODAY", "Price"]),
        ),
        (
            "new",
            json!({"stage": "Lost", "lost_reason": "Price"}),
            json!(["lost", "Lost", 0, "TODAY", "Price"]),
        ),
        (
            "new",
            json!({"status": "unqualified"}),
            json!(["unqualified", "Lost", 0, "TODAY", gone]),
        ),
        (
            "new",
            json!({"status": "unqualified", "stage": "Lost", "lost_reason": "Spam"}),
            json!(["unqualified", "Lost", 0, "TODAY", "Spam"]),
        ),
        (
            "guessed",
            json!({"stage": "Negotiation"}),
            json!(["open", "Negotiation", 40, gone, gone]),
        ),
        (
            "guessed",
            json!({"stage": "Negotiation", "clear": ["probability"]}),
            json!(["open", "Negotiation", 75, gone, gone]),
        ),
        (
            "guessed",
            json!({"status": "won"}),
            json!(["won", "Won", 100, "TODAY", gone]),
        ),
        (
            "guessed",
            json!({"status": "won", "probability": 100}),
            json!(["won", "Won", 100, "TODAY", gone]),
        ),
        (
            "guessed",
            json!({"status": "lost", "lost_reason": "Price", "probability": 0}),
            json!(["lost", "Lost", 0, "TODAY", "Price"]),
        ),
        (
            "proposed",
            json!({"status": "open", "name": "B"}),
            json!(["open", "Proposal", 50, gone, gone]),
        ),
        (
            "won",
            json!({"name": "B"}),
            json!(["won", "Won", 100, day, gone]),
        ),
        (
            "won",
            json!({"status": "won", "name": "B"}),
            json!(["won", "Won", 100, day, gone]),
        ),
        (
            "won",
            json!({"closed_on": "2026-02-01"}),
            json!(["won", "Won", 100, "2026-02-01", gone]),
        ),
        (
            "won",
            json!({"clear": ["closed_on"]}),
            json!(["won", "Won", 100, "TODAY", gone]),
        ),
        (
            "won",
            json!({"status": "lost", "lost_reason": "Price"}),
            json!(["lost", "Lost", 0, "TODAY", "Price"]),
        ),
        (
            "won",
            json!({"status": "open"}),
            json!(["open", "Proposal", 50, gone, gone]),
        ),
        (
            "won",
            json!({"status": "open", "probability": 60}),
            json!(["open", "Proposal", 60, gone, gone]),
        ),
        (
            "won",
            json!({"stage": "Lead"}),
            json!(["open", "Lead", 10, gone, gone]),
        ),
        (
            "lost",
            json!({"lost_reason": "Timing"}),
            json!(["lost", "Lost", 0, day, "Timing"]),
        ),
        (
            "lost",
            json!({"status": "won"}),
            json!(["won", "Won", 100, "TODAY", gone]),
        ),
        (
            "lost",
            json!({"stage": "Won", "closed_on": day}),
            json!(["won", "Won", 100, day, gone]),
        ),
        (
            "lost",
            json!({"status": "unqualified"}),
            json!(["unqualified", "Lost", 0, day, "Price"]),
        ),
        (
            "lost",
            json!({"status": "open"}),
            json!(["open", "Proposal", 50, gone, gone]),
        ),
        (
            "lost",
            json!({"status": "open", "stage": "Qualified"}),
            json!(["open", "Qualified", 25, gone, gone]),
        ),
        (
            "unqualified",
            json!({"stage": "Lost", "name": "B"}),
            json!(["unqualified", "Lost", 0, day, gone]),
        ),
        (
            "unqualified",
            json!({"status": "lost", "lost_reason": "Price"}),
            json!(["lost", "Lost", 0, day, "Price"]),
        ),
        (
            "unqualified",
            json!({"status": "open"}),
            json!(["open", "Lead", 10, gone, gone]),
        ),
    ]
}

/// Before, what is asked, and the field that the refusal names.
fn contradictions() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("new", json!({"status": "lost"}), "lost_reason"),
        ("new", json!({"stage": "Lost"}), "lost_reason"),
        (
            "new",
            json!({"status": "won", "stage": "Proposal"}),
            "stage",
        ),
        ("new", json!({"status": "open", "stage": "Won"}), "stage"),
        (
            "new",
            json!({"status": "lost", "stage": "Won", "lost_reason": "x"}),
            "stage",
        ),
        (
            "new",
            json!({"status": "unqualified", "stage": "Lead"}),
            "stage",
        ),
        ("new", json!({"closed_on": "2026-01-05"}), "closed_on"),
        (
            "new",
            json!({"status": "won", "closed_on": "tomorrow"}),
            "closed_on",
        ),
        ("new", json!({"lost_reason": "x"}), "lost_reason"),
        (
            "new",
            json!({"status": "won", "lost_reason": "x"}),
            "lost_reason",
        ),
        (
            "new",
            json!({"status": "won", "probability": 40}),
            "probability",
        ),
        (
            "new",
            json!({"status": "lost", "lost_reason": "x", "probability": 100}),
            "probability",
        ),
        ("new", json!({"probability": 101}), "probability"),
        ("new", json!({"stage": "Nowhere"}), "stage"),
        ("new", json!({"pipeline": "Nowhere"}), "pipeline"),
        ("new", json!({"amount": "-0.01"}), "amount"),
        ("new", json!({"amount": "900000000000.01"}), "amount"),
        ("won", json!({"probability": 30}), "probability"),
        ("won", json!({"closed_on": "tomorrow"}), "closed_on"),
        (
            "won",
            json!({"status": "open", "closed_on": "2026-01-05"}),
            "closed_on",
        ),
        (
            "won",
            json!({"stage": "Lead", "closed_on": "2026-01-05"}),
            "closed_on",
        ),
        (
            "won",
            json!({"stage": "Lead", "lost_reason": "x"}),
            "lost_reason",
        ),
        ("won", json!({"lost_reason": "x"}), "lost_reason"),
        ("lost", json!({"clear": ["lost_reason"]}), "lost_reason"),
        ("lost", json!({"status": "open", "stage": "Lost"}), "stage"),
        (
            "lost",
            json!({"status": "won", "lost_reason": "x"}),
            "lost_reason",
        ),
        ("unqualified", json!({"status": "lost"}), "lost_reason"),
    ]
}

async fn begin(app: &TestApp, owner: &Caller, name: &str) -> Value {
    let mut steps = beginning(name).into_iter();
    let mut deal = create(app, owner, steps.next().unwrap()).await;
    for step in steps {
        deal = update(app, owner, &deal, step).await;
    }
    deal
}

#[tokio::test(flavor = "multi_thread")]
async fn stage_and_status_say_the_same_and_each_move_is_taken_back_by_one_undo() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let today = today(&app, &owner).await;
        for (before, asked, after) in moves() {
            let of = format!("{before} {asked} on {engine:?}");
            let deal = begin(&app, &owner, before).await;
            let as_it_was = get(&app, &owner, &deal).await;
            let arguments = update_of(&deal, &asked);
            let answer = app.ok(&owner, "update_deal", arguments).await;
            let mut expected = after;
            if expected[3] == "TODAY" {
                expected[3] = json!(today);
            }
            assert_eq!(place(&answer["data"]), expected, "{of}");
            let now = get(&app, &owner, &deal).await;
            assert_eq!(place(&now), expected, "{of}");
            if let Some(change) = answer.get("change") {
                let undo = json!({ "change": change });
                app.ok(&owner, "undo_change", undo).await;
            }
            let back = get(&app, &owner, &deal).await;
            assert_eq!(plain(back), plain(as_it_was), "{of}, undone");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn contradictions_are_refused_by_the_field_and_change_nothing() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        for (before, asked, field) in contradictions() {
            let of = format!("{before} {asked} on {engine:?}");
            let deal = begin(&app, &owner, before).await;
            let as_it_was = get(&app, &owner, &deal).await;
            let arguments = update_of(&deal, &asked);
            let error = app.error(&owner, "update_deal", arguments).await;
            assert_eq!(error.field_name(), Some(field), "{of}: {error:?}");
            assert_eq!(get(&app, &owner, &deal).await, as_it_was, "{of}");
            if before == "new" {
                let mut arguments = asked.clone();
                arguments["name"] = "A deal".into();
                let error = app.error(&owner, "create_deal", arguments).await;
                assert_eq!(error.field_name(), Some(field), "{of}, created: {error:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_amount_has_the_digits_of_its_currency() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        for (amount, currency, shown) in [
            ("0", "EUR", Some("0.00")),
            ("10.5", "eur", Some("10.50")),
            ("10.505", "EUR", None),
            ("1500", "JPY", Some("1500")),
            ("1500.5", "JPY", None),
            ("1.234", "KWD", Some("1.234")),
            ("1.2345", "KWD", None),
            ("900000000000", "KWD", Some("900000000000.000")),
        ] {
            let arguments = json!({ "name": "A", "amount": amount, "currency": currency });
            let of = format!("{arguments} on {engine:?}");
            match (app.outcome(&owner, "create_deal", arguments).await, shown) {
                (Outcome::Done(answer), Some(shown)) => {
                    assert_eq!(answer["data"]["amount"], shown, "{of}");
                }
                (Outcome::Failed(error), None) => {
                    assert_eq!(error.field_name(), Some("amount"), "{of}");
                }
                (other, _) => panic!("{of}: {other:?}"),
            }
        }
        let deal = create(
            &app,
            &owner,
            json!({ "amount": "10.50", "currency": "EUR" }),
        )
        .await;
        let yen = update_of(&deal, &json!({ "currency": "JPY" }));
        let error = app.error(&owner, "update_deal", yen).await;
        assert_eq!(error.field_name(), Some("amount"));
        let yen = update(
            &app,
            &owner,
            &deal,
            json!({ "currency": "JPY", "amount": "10" }),
        )
        .await;
        assert_eq!(
            (&yen["amount"], &yen["currency"]),
            (&json!("10"), &json!("JPY"))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deal_moves_to_another_pipeline_and_finds_its_place_there() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let renewals = json!({ "name": "Renewals", "stages": [
            { "name": "Due", "probability": 60 }, { "name": "Offer", "probability": 80 }] });
        let renewals = app.ok(&owner, "create_pipeline", renewals).await["data"].clone();
        assert_eq!(
            renewals["stages"][2]["probability"], 100,
            "what is won is certain"
        );
        let offer = renewals["stages"][1]["id"].clone();

        let deal = create(&app, &owner, json!({ "stage": "Proposal" })).await;
        let moved = update(&app, &owner, &deal, json!({ "pipeline": "renewals" })).await;
        assert_eq!(
            (&moved["pipeline"]["id"], &moved["stage"]["name"]),
            (&renewals["id"], &json!("Due"))
        );
        let back = update(
            &app,
            &owner,
            &deal,
            json!({ "pipeline": "Sales", "stage": "Negotiation" }),
        )
        .await;
        assert_eq!(place(&back), json!(["open", "Negotiation", 75, null, null]));
        // The stage of another pipeline is none of this one, until that is named too.
        let stray = update_of(&deal, &json!({ "stage": offer }));
        let error = app.error(&owner, "update_deal", stray).await;
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::NotFound, Some("stage"))
        );
        let both = json!({ "pipeline": renewals["id"], "stage": offer });
        assert_eq!(
            update(&app, &owner, &deal, both).await["stage"]["name"],
            "Offer"
        );
        // A new deal and a list may name the stage alone by its id.
        let named = create(&app, &owner, json!({ "stage": offer })).await;
        assert_eq!(named["pipeline"]["id"], renewals["id"]);
        let listed = app
            .ok(&owner, "list_deals", json!({ "stage": offer }))
            .await;
        assert_eq!(listed["data"].as_array().unwrap().len(), 2, "on {engine:?}");

        let won = begin(&app, &owner, "won").await;
        let moved = update(&app, &owner, &won, json!({ "pipeline": "Renewals" })).await;
        assert_eq!(
            place(&moved),
            json!(["won", "Won", 100, "2026-01-05", null])
        );
        assert_eq!(moved["stage"]["id"], renewals["stages"][2]["id"]);
        let reopened = update(&app, &owner, &won, json!({ "status": "open" })).await;
        assert_eq!(
            reopened["stage"]["name"], "Due",
            "it was in no open stage of this one"
        );

        // Deals stand in them: the kind of a stage stays, and it is not taken away.
        let mut plan = renewals["stages"].as_array().unwrap().clone();
        for stage in &mut plan {
            *stage = json!({ "stage": stage["id"] });
        }
        let arranged = |stages: &[Value]| json!({ "pipeline": renewals["id"], "stages": stages });
        let error = app
            .error(&owner, "update_pipeline", arranged(&plan[1..]))
            .await;
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::Conflict, Some("stages"))
        );
        plan[1] = json!({ "stage": offer, "kind": "won", "probability": 100 });
        plan[2] = json!({ "stage": renewals["stages"][2]["id"], "kind": "open" });
        let error = app.error(&owner, "update_pipeline", arranged(&plan)).await;
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::Conflict, Some("stages[1].kind"))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_without_a_lost_stage_keeps_what_is_lost_where_it_was_lost() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let mut raw = Raw::new(&app.database).await;
        raw.run("UPDATE stage SET archived_at = created_at WHERE kind = 'lost'")
            .await;
        let lost = json!({ "status": "lost", "lost_reason": "Price" });
        let deal = create(
            &app,
            &owner,
            json!({ "stage": "Proposal", "amount": "100" }),
        )
        .await;
        let now = update(&app, &owner, &deal, lost.clone()).await;
        assert_eq!(
            (&now["stage"]["name"], &now["probability"]),
            (&json!("Proposal"), &json!(0))
        );
        let summary = app.ok(&owner, "get_pipeline_summary", json!({})).await;
        assert_eq!(summary["data"]["total"]["count"], 0, "it is not open");
        let now = update(&app, &owner, &deal, json!({ "status": "open" })).await;
        assert_eq!(place(&now), json!(["open", "Proposal", 50, null, null]));
        // What was won stands in no open stage: it goes back to its last one.
        update(&app, &owner, &deal, json!({ "status": "won" })).await;
        let mut contrary = lost.clone();
        contrary["stage"] = "Won".into();
        let error = app
            .error(&owner, "update_deal", update_of(&deal, &contrary))
            .await;
        assert_eq!(error.field_name(), Some("stage"), "on {engine:?}");
        let now = update(&app, &owner, &deal, lost).await;
        assert_eq!(
            (&now["stage"]["name"], &now["status"]),
            (&json!("Proposal"), &json!("lost"))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_of_stage_is_kept_with_its_time() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let deal = create(&app, &owner, json!({})).await;
        for asked in [
            json!({ "stage": "Qualified" }),
            json!({ "name": "Renamed" }),
            json!({ "stage": "Negotiation", "amount": "5" }),
            json!({ "status": "lost", "lost_reason": "Price" }),
            json!({ "status": "open" }),
            json!({ "status": "won" }),
        ] {
            update(&app, &owner, &deal, asked).await;
        }
        let now = get(&app, &owner, &deal).await;
        let stages = now["stages"].as_array().unwrap();
        let names: Vec<&str> = stages
            .iter()
            .map(|entry| entry["stage"]["name"].as_str().unwrap())
            .collect();
        let expected = [
            "Lead",
            "Qualified",
            "Negotiation",
            "Lost",
            "Negotiation",
            "Won",
        ];
        assert_eq!(names, expected, "on {engine:?}");
        let times: Vec<&str> = stages
            .iter()
            .map(|entry| entry["since"].as_str().unwrap())
            .collect();
        assert!(times.is_sorted(), "{times:?}");
        assert_eq!(times[0], now["created_at"]);
        assert_eq!(times.last().unwrap(), &now["stage_since"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_updates_with_one_version_one_is_done_and_without_all_are() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let deal = create(&app, &owner, json!({})).await;
        let at_once = |version: Option<i64>, from: i64| {
            let calls = (0..16).map(|percent| {
                let mut arguments = update_of(&deal, &json!({ "probability": from + percent }));
                if let Some(version) = version {
                    arguments["version"] = version.into();
                }
                app.outcome(&owner, "update_deal", arguments)
            });
            futures::future::join_all(calls)
        };
        let outcomes = at_once(Some(1), 20).await;
        let refused = outcomes.iter().filter_map(|outcome| match outcome {
            Outcome::Failed(error) => Some((error.code(), error.field_name())),
            _ => None,
        });
        let refused: Vec<_> = refused.collect();
        assert_eq!(
            refused,
            [(Code::Conflict, Some("version")); 15],
            "on {engine:?}"
        );
        let outcomes = at_once(None, 50).await;
        let done = |outcome: &Outcome| matches!(outcome, Outcome::Done(_));
        assert!(outcomes.iter().all(done), "on {engine:?}: {outcomes:?}");
        assert_eq!(get(&app, &owner, &deal).await["version"], 18);
    }
}

/// Numbers that look like chance and are the same in each run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn one_of<T: Copy>(&mut self, items: &[T]) -> T {
        items[usize::try_from(self.below(items.len() as u64)).unwrap()]
    }
}

/// Currencies, their digits, and what one unit is worth in euros, in units of 10⁻¹⁰.
const CURRENCIES: [(&str, u32, i128); 4] = [
    ("EUR", 2, 10_000_000_000),
    ("JPY", 0, 61_234_567),
    ("KWD", 3, 28_512_345_678),
    ("USD", 2, 9_234_000_000),
];

/// A fraction rounded half away from zero and shown with so many digits.
fn rounded(numerator: i128, denominator: i128, digits: u32) -> String {
    let scale = 10_i128.pow(digits);
    let (whole, rest) = (numerator / denominator, numerator % denominator);
    let units = whole * scale + (rest * scale * 2 + denominator) / (denominator * 2);
    match digits {
        0 => units.to_string(),
        _ => format!(
            "{}.{:0width$}",
            units / scale,
            units % scale,
            width = digits as usize
        ),
    }
}

/// How many deals, and per currency how many, their sum and their weighted sum in units of 10⁻⁴ and 10⁻⁶.
type Model = BTreeMap<&'static str, (i64, i128, i128)>;

/// The figures of a stage, or of all of them, as they have to be shown.
fn figures(model: &Model, with_rates: bool) -> Value {
    let values: Vec<Value> = CURRENCIES
        .iter()
        .filter_map(|(code, digits, _)| {
            let (count, sum, weighted) = model.get(code)?;
            Some(
                json!({ "currency": code, "count": count, "amount": rounded(*sum, 10_000, *digits),
                         "weighted": rounded(*weighted, 1_000_000, *digits) }),
            )
        })
        .collect();
    let base = |pick: fn(&(i64, i128, i128)) -> i128, unit: i128| {
        let known = CURRENCIES
            .iter()
            .filter(|(code, ..)| with_rates || *code == "EUR");
        let sum: i128 = known
            .filter_map(|(code, _, rate)| model.get(code).map(|entry| pick(entry) * rate))
            .sum();
        rounded(sum, unit * 10_000_000_000, 2)
    };
    json!({
        "count": model.values().map(|(count, ..)| count).sum::<i64>(),
        "values": values,
        "base_amount": base(|entry| entry.1, 10_000),
        "base_weighted": base(|entry| entry.2, 1_000_000),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pipelines_figures_are_those_of_its_deals_to_the_last_digit() {
    const STAGES: [(&str, i128); 4] = [
        ("Lead", 10),
        ("Qualified", 25),
        ("Proposal", 50),
        ("Negotiation", 75),
    ];
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        assert_eq!(owner.workspace.currency.code(), "EUR");
        let mut chance = Chance(11);
        let mut stages: BTreeMap<&str, Model> = BTreeMap::new();
        let (mut all, mut mine) = (Model::new(), Model::new());
        for number in 0..500 {
            let (code, digits, _) = chance.one_of(&CURRENCIES);
            let (stage, usual) = chance.one_of(&STAGES);
            // From nothing over small change to the most that an amount can be.
            let most = chance.one_of(&[1, 1_000, 100_000_000, 900_000_000_000]);
            let unit = 10_000 / 10_i128.pow(digits);
            let units = i128::from(chance.below(most * 10_u64.pow(digits) + 1)) * unit;
            let own = chance.one_of(&[None, None, Some(0_i128), Some(33), Some(67), Some(100)]);
            let owned = chance.below(3) == 0;
            let mut deal =
                json!({ "name": format!("Deal {number}"), "stage": stage, "currency": code });
            let has_amount = chance.below(20) > 0;
            if has_amount {
                deal["amount"] = rounded(units, 10_000, digits).into();
            }
            if let Some(percent) = own {
                deal["probability"] = i64::try_from(percent).unwrap().into();
            }
            if owned {
                deal["owner"] = owner.member.to_string().into();
            }
            let made = create(&app, &owner, deal).await;
            match chance.below(10) {
                0 => drop(update(&app, &owner, &made, json!({ "status": "won" })).await),
                1 => {
                    let delete = json!({ "deal": made["id"], "confirm": true });
                    app.ok(&owner, "delete_deal", delete).await;
                }
                _ => {
                    let sum = if has_amount { units } else { 0 };
                    let weighted = sum * own.unwrap_or(usual);
                    for model in [
                        Some(stages.entry(stage).or_default()),
                        Some(&mut all),
                        owned.then_some(&mut mine),
                    ] {
                        let Some(model) = model else { continue };
                        let entry = model.entry(code).or_default();
                        *entry = (entry.0 + 1, entry.1 + sum, entry.2 + weighted);
                    }
                }
            }
        }
        for with_rates in [false, true] {
            if with_rates {
                for (code, _, rate) in &CURRENCIES[1..] {
                    // One of an earlier day, one of a day to come: neither is today's.
                    for (day, rate) in [
                        ("2020-01-01", 5_000_000_000),
                        ("2026-01-02", *rate),
                        ("9000-01-01", 1),
                    ] {
                        let info = RateInfo {
                            currency: (*code).into(),
                            day: day.parse().unwrap(),
                            rate: rounded(rate, 10_000_000_000, 10),
                            source: "test".into(),
                        };
                        set_rate(&app.dispatcher.app().store, "main", info)
                            .await
                            .unwrap();
                    }
                }
            }
            let summary = app.ok(&owner, "get_pipeline_summary", json!({})).await["data"].clone();
            let of = format!("on {engine:?}, with rates: {with_rates}");
            assert_eq!(summary["total"], figures(&all, with_rates), "{of}");
            for (index, (stage, usual)) in STAGES.iter().enumerate() {
                let mut shown = summary["stages"][index].as_object().cloned().unwrap();
                assert_eq!(shown.shift_remove("stage").unwrap()["name"], *stage);
                assert_eq!(
                    shown.shift_remove("probability").unwrap(),
                    i64::try_from(*usual).unwrap()
                );
                assert_eq!(
                    Value::Object(shown),
                    figures(&stages[stage], with_rates),
                    "{stage} {of}"
                );
            }
            // What is empty is left out.
            let rates = summary["rates"].as_array().cloned().unwrap_or_default();
            assert_eq!(rates.len(), if with_rates { 3 } else { 0 });
            assert!(
                rates.iter().all(|rate| rate["day"] == "2026-01-02"),
                "{rates:?}"
            );
            let missing = json!(["JPY", "KWD", "USD"]);
            let expected = (!with_rates).then_some(&missing);
            assert_eq!(summary.get("without_rate"), expected, "{of}");
            let own = json!({ "owner": owner.member.to_string() });
            let summary = app.ok(&owner, "get_pipeline_summary", own).await;
            assert_eq!(summary["data"]["total"], figures(&mine, with_rates), "{of}");
        }
    }
}

/// Reads a list in pages of seven.
async fn paged(app: &TestApp, owner: &Caller, arguments: &Value) -> Vec<String> {
    let mut arguments = arguments.clone();
    arguments["limit"] = 7.into();
    let mut seen = Vec::new();
    for _ in 0..50 {
        let page = app.ok(owner, "list_deals", arguments.clone()).await;
        let rows = page["data"].as_array().unwrap();
        seen.extend(
            rows.iter()
                .map(|row| row["id"].as_str().unwrap().to_owned()),
        );
        match page.pointer("/page/next") {
            Some(next) => arguments["cursor"] = next.clone(),
            None => return seen,
        }
    }
    panic!("the list does not end");
}

/// A deal as the list has to know it.
struct Listed {
    id: String,
    given: Value,
    created: usize,
    updated: usize,
}

impl Listed {
    fn text(&self, field: &str) -> &str {
        self.given[field].as_str().unwrap_or_default()
    }

    fn cents(&self) -> Option<i64> {
        let amount = self.given["amount"].as_str()?;
        Some(amount.replace('.', "").parse().unwrap())
    }

    fn matches(&self, asked: &Value) -> bool {
        asked.as_object().unwrap().iter().all(|(filter, wanted)| {
            let wanted = wanted.as_str().unwrap_or_default();
            let cents = || wanted.replace('.', "").parse::<i64>().unwrap();
            let close = self.given["expected_close"].as_str();
            match filter.as_str() {
                "tag" => self.given["tags"]
                    .as_array()
                    .is_some_and(|tags| tags.iter().any(|tag| tag == wanted)),
                "min_amount" => self.cents().is_some_and(|own| own >= cents()),
                "max_amount" => self.cents().is_some_and(|own| own <= cents()),
                "close_after" => close.is_some_and(|own| own >= wanted),
                "close_before" => close.is_some_and(|own| own <= wanted),
                "sort" | "descending" => true,
                field => self.text(field) == wanted,
            }
        })
    }

    fn key(&self, sort: &str) -> (i64, String) {
        match sort {
            "name" => (0, self.text("name").to_lowercase()),
            "amount" => (self.cents().unwrap_or(-1), String::new()),
            "expected_close" => {
                let close = self.given["expected_close"].as_str();
                (0, close.unwrap_or("9999-12-31").to_owned())
            }
            "updated_at" => (self.updated as i64, String::new()),
            _ => (self.created as i64, String::new()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_filter_and_order_of_the_list_is_that_of_a_plain_model() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let member = owner.member.to_string();
        let mut companies = Vec::new();
        let mut contacts = Vec::new();
        for name in ["Acme", "Globex"] {
            let made = app
                .ok(&owner, "create_company", json!({ "name": name }))
                .await;
            companies.push(made["data"]["id"].as_str().unwrap().to_owned());
            let made = app
                .ok(&owner, "create_contact", json!({ "name": name }))
                .await;
            contacts.push(made["data"]["id"].as_str().unwrap().to_owned());
        }
        let renewals = json!({ "name": "Renewals", "stages": [{ "name": "Due" }] });
        app.ok(&owner, "create_pipeline", renewals).await;
        let mut chance = Chance(5);
        let mut deals = Vec::new();
        for created in 0..90 {
            let mut given = json!({ "name": format!("{} {created}", chance.one_of(&["ada", "Bob", "cid"])),
                                    "status": "open", "pipeline": "Sales" });
            given["stage"] = chance.one_of(&["Lead", "Proposal", "Won"]).into();
            if given["stage"] == "Won" {
                given["status"] = "won".into();
            }
            if chance.below(6) == 0 {
                given["pipeline"] = "Renewals".into();
                given["stage"] = if given["status"] == "won" {
                    "Won".into()
                } else {
                    "Due".into()
                };
            }
            if chance.below(5) > 0 {
                given["amount"] = chance
                    .one_of(&["0.00", "99.90", "100.00", "100.10", "7000.00"])
                    .into();
            }
            if chance.below(3) > 0 {
                given["expected_close"] = format!("2027-0{}-15", 1 + chance.below(4)).into();
            }
            if chance.below(2) == 0 {
                given["tags"] = json!([chance.one_of(&["vip", "fair"]), "all"]);
            }
            if chance.below(2) == 0 {
                given["owner"] = member.clone().into();
                let which = usize::try_from(chance.below(2)).unwrap();
                given["company"] = companies[which].clone().into();
                given["contact"] = contacts[1 - which].clone().into();
            }
            let made = app.ok(&owner, "create_deal", given.clone()).await;
            let id = made["data"]["id"].as_str().unwrap().to_owned();
            deals.push(Listed {
                id,
                given,
                created,
                updated: created,
            });
        }
        for (step, index) in [40_usize, 3, 77, 12, 60].into_iter().enumerate() {
            let id = json!({ "id": deals[index].id });
            update(&app, &owner, &id, json!({ "summary": "Later" })).await;
            deals[index].updated = 1_000 + step;
        }
        let mut asked = vec![json!({})];
        for filter in [
            json!({ "status": "open" }),
            json!({ "status": "won" }),
            json!({ "status": "lost" }),
            json!({ "pipeline": "Sales" }),
            json!({ "pipeline": "Renewals" }),
            json!({ "pipeline": "Sales", "stage": "Proposal" }),
            json!({ "pipeline": "Renewals", "stage": "Due", "status": "open" }),
            json!({ "owner": member }),
            json!({ "company": companies[0] }),
            json!({ "contact": contacts[0], "owner": member }),
            json!({ "tag": "vip" }),
            json!({ "tag": "all", "status": "won" }),
            json!({ "min_amount": "100.00" }),
            json!({ "min_amount": "0.00" }),
            json!({ "max_amount": "100.00" }),
            json!({ "min_amount": "99.91", "max_amount": "100.10" }),
            json!({ "close_after": "2027-02-15" }),
            json!({ "close_before": "2027-02-15" }),
            json!({ "close_after": "2027-02-01", "close_before": "2027-03-31", "status": "open", "tag": "all" }),
        ] {
            asked.push(filter.clone());
            for sort in [
                "name",
                "amount",
                "expected_close",
                "created_at",
                "updated_at",
            ] {
                for descending in [false, true] {
                    let mut sorted = filter.clone();
                    sorted["sort"] = sort.into();
                    sorted["descending"] = descending.into();
                    asked.push(sorted);
                }
            }
        }
        let mut lengths = std::collections::BTreeSet::new();
        for asked in asked {
            let mut expected: Vec<&Listed> =
                deals.iter().filter(|deal| deal.matches(&asked)).collect();
            let sort = asked["sort"].as_str().unwrap_or("created_at").to_owned();
            expected.sort_by_key(|deal| (deal.key(&sort), deal.created));
            // Newest first, unless an order is asked for.
            if asked["descending"]
                .as_bool()
                .unwrap_or(asked.get("sort").is_none())
            {
                expected.reverse();
            }
            let expected: Vec<&str> = expected.iter().map(|deal| deal.id.as_str()).collect();
            assert_eq!(
                paged(&app, &owner, &asked).await,
                expected,
                "{asked} on {engine:?}"
            );
            lengths.insert(expected.len());
        }
        assert!(lengths.len() > 8 && lengths.contains(&0), "{lengths:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deal_is_opened_again_only_with_those_who_are_still_there() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let acme = app
            .ok(&owner, "create_company", json!({ "name": "Acme" }))
            .await;
        let acme = acme["data"]["id"].clone();
        let deal = create(&app, &owner, json!({ "company": acme, "status": "won" })).await;
        app.ok(
            &owner,
            "delete_company",
            json!({ "company": acme, "confirm": true }),
        )
        .await;
        let named = get(&app, &owner, &deal).await;
        assert_eq!(
            named["company"]["name"], "Acme",
            "it goes on naming whom it was with"
        );
        let open = update_of(&deal, &json!({ "status": "open" }));
        let error = app.error(&owner, "update_deal", open).await;
        assert_eq!(
            (error.code(), error.field_name()),
            (Code::NotFound, Some("company"))
        );
        let open = json!({ "status": "open", "clear": ["company"] });
        assert_eq!(
            update(&app, &owner, &deal, open).await["status"],
            "open",
            "on {engine:?}"
        );
    }
}

#[test]
fn on_a_fresh_database_the_first_call_creates_a_deal() {
    let home = Home::new();
    let mut session = Session::new(&home, &[]);
    let made = session.call(
        "create_deal",
        &json!({ "name": "The first", "amount": "12.50" }),
    );
    assert_eq!(made["data"]["stage"]["name"], "Lead", "{made}");
    assert_eq!(made["data"]["pipeline"]["name"], "Sales");
}

#[test]
fn four_processes_that_start_at_once_on_a_new_file_furnish_it_once_and_each_new_workspace_too() {
    let home = Home::new();
    let starts: Vec<_> = (0..4)
        .map(|_| {
            home.command(["call", "list_pipeline_stages", "{}"])
                .spawn()
                .unwrap()
        })
        .collect();
    let pipelines = |answer: &Value| {
        let pipelines = answer["data"].as_array().unwrap();
        assert_eq!(pipelines.len(), 1, "{answer}");
        assert_eq!(pipelines[0]["stages"].as_array().unwrap().len(), 6);
        pipelines[0]["id"].clone()
    };
    let mut seen = Vec::new();
    for start in starts {
        let output = start.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        seen.push(pipelines(&serde_json::from_slice(&output.stdout).unwrap()));
    }
    home.say("workspace create other").done();
    let list = |workspace: &str| {
        let more = ["--workspace", workspace];
        pipelines(&home.call("list_pipeline_stages", &json!({}), &more).json())
    };
    seen.push(list("main"));
    assert!(seen.iter().all(|id| *id == seen[0]), "{seen:?}");
    assert_ne!(list("other"), seen[0]);
    assert_eq!(list("other"), list("other"));
}
