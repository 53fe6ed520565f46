//! The CRM at a million records, call by call through the dispatcher, on both engines.
//!
//! `cargo bench --bench crm` fills a database of each engine with a million contacts, deals, activities and entries of
//! the change log, which takes minutes, once: they stay in `target/bench-data/crm`, or where `--data=FOLDER` says. A
//! PostgreSQL server is started for the run, unless `--postgres=URL` names a database (its own, nothing else in it) that
//! is filled at the first run. `--engine=sqlite` measures one engine, `--only=list_deals` the cases whose name contains
//! the words, `--calls=100` makes fewer calls of each; `--all` prints each case and not the worst of each filter.
//! `--no-index` leaves out the searches by text and does without their index, which takes minutes to be built.
//! `-- --quick` takes 2,000 records and few calls. The figures go to `target/crm-ENGINE.json` too.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

mod app;
mod cases;
mod check;
#[path = "../common/mod.rs"]
mod common;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use app::BenchApp;
use bureau_kernel::store::Database;
use bureau_kernel::testing_postgres::Postgres;
use cases::Case;
use common::firm::Sizes;
use common::rows::Rows;
use serde_json::json;

const MILLION: Sizes = Sizes {
    contacts: 1_000_000,
    companies: 50_000,
    deals: 1_000_000,
    activities: 1_000_000,
    entries: 1_000_000,
};
const FEW: Sizes = Sizes {
    contacts: 2_000,
    companies: 100,
    deals: 2_000,
    activities: 2_000,
    entries: 2_000,
};

/// A case takes no longer than this; slow ones get fewer calls.
const LONGEST: Duration = Duration::from_secs(15);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let flag = |name: &str| arguments.iter().any(|argument| argument == name);
    let option = |name: &str| {
        let mut values = arguments
            .iter()
            .filter_map(|argument| argument.strip_prefix(name));
        values.next().map(str::to_owned)
    };
    // `cargo test --benches` only wants to see that it runs.
    let quick = flag("--quick") || !flag("--bench");
    let fresh = tempfile::tempdir().unwrap();
    let data = match (quick, option("--data=")) {
        (true, _) => fresh.path().to_owned(),
        (false, Some(folder)) => folder.into(),
        (false, None) => target().join("bench-data").join("crm"),
    };
    let plan = Plan {
        sizes: if quick { FEW } else { MILLION },
        calls: match option("--calls=") {
            Some(calls) => calls.parse().unwrap(),
            None => {
                if quick {
                    3
                } else {
                    500
                }
            }
        },
        only: option("--only=").unwrap_or_default(),
        all: flag("--all"),
        index: !flag("--no-index"),
        check: quick,
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let engine = option("--engine=").unwrap_or_default();
    if "sqlite".contains(&engine) {
        let folder = data.join("sqlite");
        let database = Database::Sqlite(folder.join("bureau.sqlite"));
        runtime.block_on(plan.run("sqlite", database, &folder));
    }
    if "postgres".contains(&engine) {
        let folder = data.join("postgres");
        match option("--postgres=") {
            Some(url) => {
                runtime.block_on(plan.run("postgres", Database::Postgres(url), &folder));
            }
            None => match Postgres::start_durable() {
                Err(failure) => println!("PostgreSQL was not measured: {failure}"),
                Ok(server) => {
                    let url = runtime.block_on(server.fresh_database()).unwrap();
                    let folder = fresh.path().join("postgres");
                    runtime.block_on(plan.run("postgres", Database::Postgres(url), &folder));
                }
            },
        }
    }
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .map_or_else(|| PathBuf::from("target"), Path::to_owned)
}

/// What is measured, and how often.
struct Plan {
    sizes: Sizes,
    calls: u64,
    only: String,
    all: bool,
    /// With the search index.
    index: bool,
    /// Hold the rows against what the record layer writes.
    check: bool,
}

/// What a case took, in milliseconds.
struct Figures {
    calls: usize,
    p50: f64,
    p99: f64,
    most: f64,
}

impl Plan {
    async fn run(&self, engine: &str, database: Database, folder: &Path) {
        let app = BenchApp::open(database.clone(), folder, self.sizes, self.index).await;
        if self.check {
            let mut rows = Rows::open(&database).await;
            check::check(&app, &mut rows).await;
            rows.close().await;
        }
        println!("\n{engine}, load average {}", load());
        println!("| what | aim p99 ms | calls | p50 ms | p99 ms | slowest ms | |");
        println!("| --- | ---: | ---: | ---: | ---: | ---: | --- |");
        let mut figures = Vec::new();
        // Of all the orders of one filter, the worst.
        let mut worst: Option<(String, Case, Figures)> = None;
        for case in cases::all(&app).await {
            let by_text = case.name.contains("query");
            if !case.name.contains(&self.only) || by_text && !self.index {
                continue;
            }
            let took = self.measure(&app, &case).await;
            figures.push(json!({
                "case": case.name, "aim": case.aim, "calls": took.calls,
                "p50": took.p50, "p99": took.p99, "slowest": took.most,
            }));
            let filter = case
                .name
                .split(", by ")
                .next()
                .unwrap_or_default()
                .to_owned();
            if self.all {
                print(&case, &took);
                continue;
            }
            worst = match worst.take() {
                Some((same, slow, its)) if same == filter && its.p99 >= took.p99 => {
                    Some((same, slow, its))
                }
                Some((same, ..)) if same == filter => Some((filter, case, took)),
                other => {
                    if let Some((_, case, took)) = other {
                        print(&case, &took);
                    }
                    Some((filter, case, took))
                }
            };
        }
        if let Some((_, case, took)) = worst {
            print(&case, &took);
        }
        let file = target().join(format!("crm-{engine}.json"));
        let text = serde_json::to_string_pretty(&json!({ "load": load(), "figures": figures }));
        std::fs::write(file, text.unwrap()).unwrap();
        app.close().await;
    }

    async fn measure(&self, app: &BenchApp, case: &Case) -> Figures {
        let began = Instant::now();
        for number in 0..(self.calls / 20).max(1) {
            app.call(case.tool, (case.arguments)(1_000_003 + number))
                .await;
            if began.elapsed() > LONGEST / 10 {
                break;
            }
        }
        let began = Instant::now();
        let mut times = Vec::new();
        for number in 0..self.calls {
            let arguments = (case.arguments)(number);
            let start = Instant::now();
            let answer = app.call(case.tool, arguments).await;
            times.push(start.elapsed().as_secs_f64() * 1e3);
            if let Some(undo) = case.undo {
                let arguments = json!({ "change": answer["change"], "confirm": true });
                let start = Instant::now();
                app.call("undo_change", arguments).await;
                if undo {
                    times.pop();
                    times.push(start.elapsed().as_secs_f64() * 1e3);
                }
            }
            if began.elapsed() > LONGEST {
                break;
            }
        }
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times[((times.len() as f64 * share).ceil() as usize).max(1) - 1];
        Figures {
            calls: times.len(),
            p50: at(0.5),
            p99: at(0.99),
            most: at(1.0),
        }
    }
}

fn print(case: &Case, took: &Figures) {
    let verdict = match took.p99 <= case.aim {
        true => "",
        false => "**missed**",
    };
    println!(
        "| {} | {} | {} | {:.2} | {:.2} | {:.2} | {verdict} |",
        case.name, case.aim, took.calls, took.p50, took.p99, took.most
    );
}

/// The load average of the last minute.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}
