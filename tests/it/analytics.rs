//! Analytics: every figure is what the rows come to, computed a second time, and every evidence lists exactly the rows that it is of.

mod aging;
mod expenses;
mod forecast;
mod pipeline;
mod revenue;
mod support;

use std::collections::BTreeMap;

use bureau_kernel::caller::Caller;
use bureau_kernel::store::clock::{self, Clock};
use bureau_kernel::testing::{Engine, TestApp};
use serde_json::{Map, Value, json};

use crate::MODULES;

async fn started(engine: Engine, moment: &str) -> (TestApp, Caller, Clock) {
    let clock = Clock::at(moment.parse().unwrap());
    let app = TestApp::timed(engine, MODULES, &clock).await;
    let owner = app.owner().await;
    (app, owner, clock)
}

/// Lets days pass, and has the clock believed.
async fn pass(app: &TestApp, clock: &Clock, days: i64) {
    clock.step(chrono::Duration::days(days));
    clock::accept(&app.dispatcher.app().store).await.unwrap();
}

/// How many rows a call lists, read to its end.
async fn listed(app: &TestApp, caller: &Caller, call: &Value) -> i64 {
    let mut arguments = call["arguments"].clone();
    if arguments.is_null() {
        arguments = json!({});
    }
    arguments["limit"] = 100.into();
    let mut count = 0;
    loop {
        let answer = app
            .ok(caller, call["tool"].as_str().unwrap(), arguments.clone())
            .await;
        count += answer["data"].as_array().unwrap().len() as i64;
        match answer.pointer("/page/next") {
            Some(next) if !next.is_null() => arguments["cursor"] = next.clone(),
            _ => return count,
        }
    }
}

/// All objects in an answer that have evidence.
fn with_evidence<'a>(value: &'a Value, found: &mut Vec<&'a Map<String, Value>>) {
    match value {
        Value::Object(object) => {
            if object.contains_key("evidence") {
                found.push(object);
            }
            object
                .values()
                .for_each(|value| with_evidence(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| with_evidence(value, found)),
        _ => {}
    }
}

/// Runs every evidence in an answer: each lists exactly `n` rows. How many there were.
async fn check_evidence(app: &TestApp, caller: &Caller, answer: &Value) -> usize {
    let mut found = Vec::new();
    with_evidence(answer, &mut found);
    for one in &found {
        let n = one["n"].as_i64().unwrap();
        let call = &one["evidence"];
        assert_eq!(listed(app, caller, call).await, n, "{call}");
    }
    found.len()
}

/// The groups of a measure by their keys as text, each with a field.
fn groups(answer: &Value, measure: &str, field: &str) -> BTreeMap<String, String> {
    let figures = answer["figures"].as_array().unwrap();
    let mut named = figures.iter().filter(|one| {
        let called = one["measure"].as_str().unwrap();
        called.strip_suffix("@1") == Some(measure)
    });
    let figures = named
        .next()
        .unwrap_or_else(|| panic!("{measure} in {answer}"));
    let groups = figures["groups"].as_array().cloned().unwrap_or_default();
    let key = |group: &Value| {
        let parts = group["key"].as_object().unwrap().values();
        let parts = parts.map(|part| match part {
            Value::Object(record) => record["name"].as_str().unwrap_or("?").to_owned(),
            other => other.as_str().unwrap().to_owned(),
        });
        parts.collect::<Vec<_>>().join(" / ")
    };
    let each = groups.iter().map(|group| {
        let value = &group[field];
        let value = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        (key(group), value)
    });
    each.collect()
}

/// Keys with values, as [`groups`] has them.
fn expected(all: &[(&str, &str)]) -> BTreeMap<String, String> {
    let all = all.iter();
    all.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect()
}
