//! A file of 100,000 contacts through the program itself, on both engines: bringing it in with its search index, finding
//! all of it there already, taking it out, and taking it back.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    unused_crate_dependencies
)]

mod common;

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bureau_kernel::testing_postgres::fresh_database;
use common::people;
use serde_json::Value;

/// Rows of the file, unless the variable BUREAU_BENCH_ROWS says another number.
const ROWS: u64 = 100_000;

fn main() {
    let rows = std::env::var("BUREAU_BENCH_ROWS").map_or(ROWS, |rows| rows.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("contacts.csv");
    std::fs::write(&file, table(rows)).unwrap();
    println!(
        "{rows} contacts, {} bytes",
        std::fs::metadata(&file).unwrap().len()
    );
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for engine in ["sqlite", "postgres"] {
        let database = match engine {
            "sqlite" => format!("sqlite:{}", folder.path().join("bench.sqlite").display()),
            _ => runtime.block_on(fresh_database()),
        };
        let data = folder.path().join(engine);
        let run = |words: &[&str]| run(&database, &data, words);
        // The first start of a new database is no part of an import.
        run(&["workspace", "list"]);
        let file = file.to_str().unwrap();
        let (took, answer) = run(&["import", "contacts", file, "--yes", "--json"]);
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["created"], rows, "{answer}");
        say(engine, "import", rows, took);
        let (took, again) = run(&["import", "contacts", file, "--yes", "--json"]);
        let again: Value = serde_json::from_str(&again).unwrap();
        assert_eq!(again["skipped"], rows, "{again}");
        say(engine, "import again", rows, took);
        let out = folder.path().join(format!("{engine}.csv"));
        let (took, _) = run(&["export", "contacts", out.to_str().unwrap(), "--json"]);
        say(engine, "export", rows, took);
        let (took, _) = run(&["undo", answer["change"].as_str().unwrap()]);
        say(engine, "undo", rows, took);
    }
}

fn say(engine: &str, what: &str, rows: u64, took: Duration) {
    let each = took.as_secs_f64() * 1e6 / rows as f64;
    println!(
        "{engine:<9} {what:<13} {:>7.2} s  {each:>6.1} us a row",
        took.as_secs_f64()
    );
}

fn run(database: &str, data: &Path, words: &[&str]) -> (Duration, String) {
    let began = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_bureau"))
        .args(words)
        .args(["--database", database, "--data-dir", data.to_str().unwrap()])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let took = began.elapsed();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    (took, String::from_utf8(output.stdout).unwrap())
}

fn table(rows: u64) -> String {
    let mut text = String::from(
        "First name,Last name,Job title,Company,Email,Work phone,City,Country,Type,Tags,Source,Score\n",
    );
    for number in 0..rows {
        let person = people::person(number).arguments();
        let cell = |name: &str| person[name].as_str().unwrap_or_default().to_owned();
        let _ = writeln!(
            text,
            "{},{},{},{},{},{},{},{},{},{},{},{}",
            cell("first_name"),
            cell("last_name"),
            cell("title"),
            cell("company"),
            person["emails"][0]["email"].as_str().unwrap(),
            person["phones"][0]["phone"].as_str().unwrap(),
            cell("city"),
            cell("country"),
            person["types"][0].as_str().unwrap(),
            person["tags"][0].as_str().unwrap(),
            cell("source"),
            person["score"],
        );
    }
    text
}
