//! The whole program under load, over real HTTP and stdio, next to a bare axum server in a process of its own.
//!
//! `cargo bench --bench load` measures 100,000 contacts; `-- --quick` takes a few seconds, `-- --full` adds a million
//! contacts. `-- --only=create` runs the groups whose name contains the word (start, list, read, search-by-text,
//! search-after-write, create-sqlite, create-postgres), `-- --clients=64` leaves out other numbers of clients, and
//! `-- --program=PATH` measures another build of the program, without what runs in this process. It prints a table and
//! writes `target/load.json`. Prepared databases stay in `target/bench-data`, or where `-- --data=FOLDER` says, and serve
//! the next run. Servers and clients share the machine's cores and listen on loopback only.
//! `--peers` measures beside servers made with the SDKs of others instead: `scripts/bench-peers` gives it what it needs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

#[path = "../common/mod.rs"]
mod common;
mod http;
mod peers;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use bureau::config::{Config, Listen, Options};
use bureau_contacts::Contact;
use bureau_kernel::dispatch::{Call, Dispatcher, Outcome, Settings};
use bureau_kernel::record::Columns;
use bureau_kernel::registry::{Registry, Selection};
use bureau_kernel::store::{Database, OpenOptions, Scope, Store, sql};
use bureau_kernel::testing_postgres::Postgres;
use bureau_kernel::types::id::Id;
use common::{fill, people};
use http::{Client, Figures, Load, Target, drive};
use serde_json::{Value, json};
use sqlx::ConnectOptions as _;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Another build of the program, where one is named.
fn other_program() -> Option<String> {
    std::env::args().find_map(|argument| {
        let path = argument.strip_prefix("--program=");
        path.map(str::to_owned)
    })
}

/// The program that is measured: the one built with this bench, or another build.
fn bureau() -> String {
    other_program().unwrap_or_else(|| env!("CARGO_BIN_EXE_bureau").to_owned())
}

/// Contacts that a run writes have numbers from here on, each run its own by the clock.
const NEW_PEOPLE: u64 = 1_500_000;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let flag = |name: &str| arguments.iter().any(|argument| argument == name);
    let option = |name: &str| {
        let mut values = arguments
            .iter()
            .filter_map(|argument| argument.strip_prefix(name));
        values.next()
    };
    let runtime = tokio::runtime::Runtime::new()?;
    if flag("--echo") {
        runtime.block_on(http::echo())?;
        runtime.shutdown_background();
        return Ok(());
    }
    // `cargo test --benches` only wants to see that it runs.
    let quick = flag("--quick") || !(flag("--bench") || flag("--peers"));
    if flag("--peers") {
        let python = option("--python=")
            .ok_or("--peers needs --python=PATH: scripts/bench-peers gives it")?;
        return runtime.block_on(peers::run(&peers::Plan {
            size: if quick { 1_000 } else { 100_000 },
            time: Duration::from_millis(if quick { 300 } else { 3_000 }),
            rounds: if quick { 1 } else { 3 },
            starts: if quick { 3 } else { 10 },
            python: python.into(),
            data: option("--data=")
                .map_or_else(|| target_folder().join("bench-data"), PathBuf::from),
        }));
    }
    let plan = Plan {
        sizes: match (quick, flag("--full")) {
            (true, _) => vec![1_000],
            (_, false) => vec![100_000],
            (_, true) => vec![100_000, 1_000_000],
        },
        time: Duration::from_millis(if quick { 200 } else { 2_000 }),
        repeats: if quick { 5 } else { 40 },
        only: option("--only=").unwrap_or_default().to_owned(),
        clients: option("--clients=").and_then(|clients| clients.parse().ok()),
        data: option("--data=").map_or_else(|| target_folder().join("bench-data"), PathBuf::from),
    };
    runtime.block_on(run(&plan))
}

/// How much is measured.
struct Plan {
    sizes: Vec<u64>,
    time: Duration,
    repeats: usize,
    only: String,
    clients: Option<usize>,
    /// Where prepared databases are.
    data: PathBuf,
}

impl Plan {
    fn wants(&self, group: &str) -> bool {
        group.contains(&self.only)
    }

    /// Of these numbers of clients, those that are asked for.
    fn clients(&self, usual: &[usize]) -> Vec<usize> {
        let asked = |clients: &&usize| self.clients.is_none_or(|only| only == **clients);
        usual.iter().filter(asked).copied().collect()
    }

    fn load(&self, clients: usize) -> Load {
        Load {
            clients,
            time: self.time,
        }
    }
}

async fn run(plan: &Plan) -> Result<()> {
    let echo = Echo::start()?;
    let mut report = Report::new(echo.target.clone(), plan.time);
    report.head();
    let fresh = tempfile::tempdir()?;
    if plan.wants("start") {
        start(plan, &mut report, &fresh.path().join("start"))?;
    }
    if plan.wants("list") {
        let folder = fresh.path().join("list");
        let server = Server::start(&sqlite(&folder), &folder)?;
        let target = server.target.clone();
        for clients in plan.clients(&[1, 16]) {
            let request = target.request("tools/list", json!({}));
            let load = plan.load(clients);
            report
                .measure("tools/list", load, &target, move |_| request.clone())
                .await?;
        }
    }
    for size in &plan.sizes {
        if ["read", "search-by-text", "search-after-write"]
            .iter()
            .any(|group| plan.wants(group))
        {
            table(plan, &mut report, *size).await?;
        }
    }
    if plan.wants("create-sqlite") {
        for clients in plan.clients(&[1, 16, 64]) {
            let folder = fresh.path().join(format!("create-{clients}"));
            let server = Server::start(&sqlite(&folder), &folder)?;
            let aim = (clients == 64).then_some(Aim::Rate(5_000.0));
            create(
                plan,
                &mut report,
                &server,
                "create_contact, SQLite",
                clients,
                aim,
            )
            .await?;
        }
    }
    if plan.wants("create-postgres") {
        match Postgres::start_durable() {
            Err(failure) => report.note(&format!("PostgreSQL was not measured: {failure}")),
            Ok(postgres) => {
                for clients in plan.clients(&[1, 16, 64]) {
                    let url = postgres.migrated_database().await?;
                    let folder = fresh.path().join(format!("postgres-{clients}"));
                    let server = Server::start(&url, &folder)?;
                    create(
                        plan,
                        &mut report,
                        &server,
                        "create_contact, PostgreSQL",
                        clients,
                        None,
                    )
                    .await?;
                }
            }
        }
    }
    report.write()
}

/// From the start of the process to the first answer, and what it holds in memory when nothing goes on.
fn start(plan: &Plan, report: &mut Report, folder: &Path) -> Result<()> {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let list = |id: u64, params: Value| json!({ "jsonrpc": "2.0", "id": id, "method": "tools/list", "params": params });
    let hello = json!({
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "bench", "version": "1" },
    });
    let handshake = [
        json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello }).to_string(),
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }).to_string(),
        list(1, json!({})).to_string(),
    ];
    let stateless = [list(1, json!({ "_meta": meta })).to_string()];
    let database = sqlite(folder);
    let once = |lines: &[String], database: &str| -> Result<(f64, Running)> {
        let mut command = Command::new(bureau());
        let command = command
            .args(["stdio", "--database", database, "--data-dir"])
            .arg(folder);
        let first = first_answer(command, lines)?;
        Ok((first.took_ms, first.process))
    };
    let (first, process) = once(&stateless, &database)?;
    drop(process);
    report.figure("stdio, first answer, new database", first, "ms", None);
    for (name, lines, aim) in [
        (
            "stdio, first tools/list, stateless",
            &stateless[..],
            Some(10.0),
        ),
        (
            "stdio, first tools/list, with handshake",
            &handshake[..],
            Some(10.0),
        ),
    ] {
        let mut times = Vec::new();
        for _ in 0..plan.repeats {
            times.push(once(lines, &database)?.0);
        }
        times.sort_by(f64::total_cmp);
        report.figure(
            &format!("{name}, median"),
            times[times.len() / 2],
            "ms",
            aim,
        );
        report.figure(
            &format!("{name}, slowest"),
            times[times.len() - 1],
            "ms",
            None,
        );
    }
    let mut echoes = Vec::new();
    for _ in 0..plan.repeats {
        let began = Instant::now();
        let echo = Echo::start()?;
        let request = echo.target.request("tools/list", json!({}));
        let mut socket = std::net::TcpStream::connect(echo.target.address)?;
        socket.write_all(&request)?;
        let _ = socket.read(&mut [0; 4096])?;
        echoes.push(began.elapsed().as_secs_f64() * 1e3);
    }
    echoes.sort_by(f64::total_cmp);
    report.figure(
        "axum echo, first answer over HTTP, median",
        echoes[echoes.len() / 2],
        "ms",
        None,
    );
    let (_, process) = once(&handshake, &database)?;
    std::thread::sleep(Duration::from_secs(1));
    report.memory("stdio at rest", process.child.id(), Some(25.0))?;
    let server = Server::start(&database, folder)?;
    std::thread::sleep(Duration::from_secs(1));
    report.memory("serve at rest", server.process.child.id(), Some(25.0))?;
    Ok(())
}

/// A process over stdio that has answered.
struct First {
    /// From its start to its last answer.
    took_ms: f64,
    answer: String,
    process: Running,
}

/// Starts a program, and gives it these messages, each request when the one before it is answered.
fn first_answer(command: &mut Command, lines: &[String]) -> Result<First> {
    let began = Instant::now();
    let mut process = Running::spawn(command.stderr(Stdio::inherit()))?;
    let mut answers = BufReader::new(process.child.stdout.take().unwrap());
    let mut answer = String::new();
    for line in lines {
        writeln!(process.input.as_mut().unwrap(), "{line}")?;
        if line.contains("\"id\"") {
            answer.clear();
            answers.read_line(&mut answer)?;
            assert!(answer.contains("\"result\""), "{answer}");
        }
    }
    let took_ms = began.elapsed().as_secs_f64() * 1e3;
    process.output = Some(answers);
    Ok(First {
        took_ms,
        answer,
        process,
    })
}

/// Reads, searches, and the way from a write to the search, on a table of this size.
async fn table(plan: &Plan, report: &mut Report, size: u64) -> Result<()> {
    let app = prepare(plan, report, size).await?;
    let database = sqlite(&app);
    let ids = ids(&app).await?;
    let named = |what: &str| format!("{what}, {}", thousands(size));
    // What runs in here is of this build, and would not know the database of an older one.
    if plan.wants("read") && other_program().is_none() {
        point_read(plan, report, &app, &ids, &named).await?;
    }
    let server = Server::start(&database, &app)?;
    let target = server.target.clone();
    // The first search waits until the index is open.
    let mut client = Client::connect(target.address).await?;
    client
        .send(&target.call("search_contacts", json!({ "query": "berlin" })))
        .await?;
    if plan.wants("read") {
        for clients in plan.clients(&[1, 16]) {
            let (ids, target) = (ids.clone(), target.clone());
            let of = target.clone();
            let load = plan.load(clients);
            report
                .measure(&named("get_contact"), load, &of, move |number| {
                    let id = &ids[(number.wrapping_mul(7_919) % ids.len() as u64) as usize];
                    target.call("get_contact", json!({ "contact": id }))
                })
                .await?;
        }
    }
    if plan.wants("search-by-text") {
        for clients in plan.clients(&[1, 16]) {
            let of = target.clone();
            let aim = (clients == 1).then_some(Aim::P99(10.0));
            let load = plan.load(clients);
            let make = search(target.clone(), size, None);
            report
                .measure_with(&named("search_contacts"), load, &of, aim, make)
                .await?;
        }
        for (way, name) in people::WAYS.iter().enumerate() {
            let of = target.clone();
            let load = Load {
                time: plan.time / 2,
                ..plan.load(1)
            };
            let make = search(target.clone(), size, Some(way as u64));
            report
                .measure(&named(&format!("search: {name}")), load, &of, make)
                .await?;
        }
    }
    if plan.wants("search-after-write") {
        let mut times = Vec::new();
        let began = Instant::now();
        for number in new_people().take(plan.repeats * 5) {
            let person = people::person(number);
            client
                .send(&target.call("create_contact", person.arguments()))
                .await?;
            let acknowledged = Instant::now();
            let query = json!({ "query": person.email });
            let found = client.send(&target.call("search_contacts", query)).await?;
            times.push(u64::try_from(acknowledged.elapsed().as_nanos())?);
            assert!(
                String::from_utf8_lossy(found).contains(&person.email),
                "it is not found"
            );
        }
        let figures = Figures::of(times, began.elapsed().as_secs_f64());
        report.row(
            &named("write to searchable"),
            1,
            &figures,
            None,
            Some(Aim::P99(50.0)),
        );
    }
    report.memory(&named("serve after that"), server.process.child.id(), None)?;
    Ok(())
}

fn search(
    target: Target,
    size: u64,
    way: Option<u64>,
) -> impl Fn(u64) -> Vec<u8> + Send + Sync + 'static {
    move |number| {
        let person = people::person(number.wrapping_mul(7_919) % size);
        target.call("search_contacts", person.query(way.unwrap_or(number)))
    }
}

/// A read of one row: by the pool alone, by the kernel's store, and as a whole call.
async fn point_read(
    plan: &Plan,
    report: &mut Report,
    app: &Path,
    ids: &[String],
    named: &dyn Fn(&str) -> String,
) -> Result<()> {
    let path = app.join("bureau.sqlite");
    let pool = sqlx::sqlite::SqlitePoolOptions::new()
        .max_connections(8)
        .test_before_acquire(false)
        .connect_lazy_with(
            sqlx::sqlite::SqliteConnectOptions::new()
                .filename(&path)
                .read_only(true)
                .disable_statement_logging(),
        );
    let store = Store::open(&OpenOptions {
        read_only: true,
        ..OpenOptions::new(Database::Sqlite(path))
    })
    .await?;
    let modules = [bureau_contacts::MODULE];
    let registry = Registry::new(&modules, &Selection::default())?;
    let dispatcher = Dispatcher::new(store.clone(), registry, None, Settings::default())?;
    let operator = dispatcher.operator(None).await?;
    let workspace = operator.workspace.id;
    let columns: Vec<&str> = Contact::COLUMNS.iter().map(|column| column.name).collect();
    let text: &'static str = format!(
        "SELECT id, version, created_at, created_by, updated_at, archived_at, attributes, {} FROM contact
         WHERE workspace = $1 AND id = $2",
        columns.join(", ")
    )
    .leak();
    let rounds = if plan.repeats < 10 { 500 } else { 20_000 };
    let id = |round: usize| &ids[round.wrapping_mul(7_919) % ids.len()];
    let raw = |round: usize| id(round).parse::<Id<Contact>>().map(Id::raw).unwrap();
    // By turns, so that all three have the same machine.
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for round in 0..rounds * 3 {
        let began = Instant::now();
        match round % 3 {
            0 => {
                let query = sqlx::query(text).bind(workspace.raw()).bind(raw(round));
                query.fetch_one(&pool).await?;
            }
            1 => {
                let mut tx = store.read(Scope::Workspace(workspace.raw())).await?;
                let query = sql(text).bind(workspace).bind(raw(round));
                let row = query.row(&mut tx).await?;
                tx.rollback().await;
                assert!(row.is_some());
            }
            _ => {
                let arguments = json!({ "contact": id(round) });
                let call = Call {
                    tool: "get_contact".into(),
                    arguments: arguments.as_object().cloned().unwrap(),
                    ..Call::default()
                };
                let outcome = dispatcher.call(operator.clone(), call).await;
                assert!(matches!(outcome, Outcome::Done(_)));
            }
        }
        times[round % 3].push(u64::try_from(began.elapsed().as_nanos())?);
    }
    let [pool_times, store_times, call_times] = times.map(|times| {
        let seconds = times.iter().sum::<u64>() as f64 / 1e9;
        Figures::of(times, seconds)
    });
    let alone = pool_times.percentile(0.5);
    report.row(
        &named("in process: sqlx pool alone"),
        1,
        &pool_times,
        None,
        None,
    );
    report.row(
        &named("in process: a read of the store"),
        1,
        &store_times,
        None,
        None,
    );
    report.row(
        &named("in process: get_contact, whole call"),
        1,
        &call_times,
        None,
        None,
    );
    let ratio = store_times.percentile(0.5) / alone;
    report.figure(
        &named("a read of the store to the pool alone"),
        ratio,
        "×",
        Some(1.25),
    );
    let ratio = call_times.percentile(0.5) / alone;
    report.figure(&named("get_contact to the pool alone"), ratio, "×", None);
    store.close().await;
    pool.close().await;
    Ok(())
}

async fn create(
    plan: &Plan,
    report: &mut Report,
    server: &Server,
    name: &str,
    clients: usize,
    aim: Option<Aim>,
) -> Result<()> {
    let target = server.target.clone();
    let of = target.clone();
    let make = move |number| target.call("create_contact", people::person(number).arguments());
    report
        .measure_with(name, plan.load(clients), &of, aim, make)
        .await?;
    Ok(())
}

/// Numbers that no earlier run is likely to have used.
fn new_people() -> impl Iterator<Item = u64> {
    let now = std::time::UNIX_EPOCH
        .elapsed()
        .unwrap_or_default()
        .as_millis() as u64;
    (0..).map(move |index| NEW_PEOPLE + (now + index * 131_071) % (people::MOST - NEW_PEOPLE))
}

fn sqlite(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("bureau.sqlite").display())
}

fn thousands(size: u64) -> String {
    match size {
        1_000_000.. => format!("{} M", size / 1_000_000),
        _ => format!("{} k", size / 1_000),
    }
}

fn target_folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .map_or_else(|| PathBuf::from("target"), Path::to_owned)
}

/// The folder of an app with this many contacts and a whole index; made where it is not there yet.
async fn prepare(plan: &Plan, report: &mut Report, size: u64) -> Result<PathBuf> {
    let folder = plan.data.join(size.to_string());
    let whole = folder.join("whole");
    if whole.exists() {
        return Ok(folder);
    }
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)?;
    let config = Config::load(
        Options {
            database: Some(sqlite(&folder)),
            data_dir: Some(folder.clone()),
            ..Options::default()
        },
        Listen::default(),
    )
    .map_err(|wrong| wrong.to_string())?;
    let store = bureau::boot::store(&config).await?;
    let modules = [
        bureau_contacts::MODULE,
        bureau_history::MODULE,
        fill::MODULE,
    ];
    let registry = Registry::new(&modules, &Selection::default())?;
    let settings = Settings {
        call_limit: Duration::from_secs(600),
        ..Settings::default()
    };
    let dispatcher = Dispatcher::new(store.clone(), registry.clone(), None, settings.clone())?;
    let operator = dispatcher.operator(None).await?;
    let began = Instant::now();
    fill::fill(&dispatcher, &operator, 0..size).await;
    report.figure(
        &format!("filling {}, 1,000 contacts a call", thousands(size)),
        began.elapsed().as_secs_f64(),
        "s",
        None,
    );
    drop(dispatcher);
    let began = Instant::now();
    let index = bureau::boot::index_folder(&config);
    let dispatcher = Dispatcher::new(store.clone(), registry, Some(&index), settings)?;
    let ready = || {
        let status = dispatcher
            .app()
            .search
            .as_ref()
            .map(bureau_kernel::search::Search::status);
        status.is_some_and(|status| status.ready && status.documents >= size)
    };
    while !ready() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    report.figure(
        &format!("building the index of {}", thousands(size)),
        began.elapsed().as_secs_f64(),
        "s",
        None,
    );
    drop(dispatcher);
    store.close().await;
    std::fs::write(whole, "")?;
    Ok(folder)
}

/// Up to 2,000 contacts from all over the table.
async fn ids(folder: &Path) -> Result<Vec<String>> {
    let mut conn = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(folder.join("bureau.sqlite"))
        .read_only(true)
        .connect()
        .await?;
    let ids: Vec<i64> = sqlx::query_scalar("SELECT id FROM contact WHERE workspace > 0")
        .fetch_all(&mut conn)
        .await?;
    let step = (ids.len() / 2_000).max(1);
    Ok(ids
        .into_iter()
        .step_by(step)
        .map(|id| Id::<Contact>::from_raw(id).to_string())
        .collect())
}

/// A process that ends with this value.
struct Running {
    child: Child,
    input: Option<ChildStdin>,
    output: Option<BufReader<std::process::ChildStdout>>,
}

impl Running {
    fn spawn(command: &mut Command) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take();
        Ok(Self {
            child,
            input,
            output: None,
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The bare server.
struct Echo {
    target: Target,
    _process: Running,
}

impl Echo {
    fn start() -> Result<Self> {
        let mut process = Running::spawn(Command::new(std::env::current_exe()?).arg("--echo"))?;
        let mut line = String::new();
        let mut output = BufReader::new(process.child.stdout.take().unwrap());
        output.read_line(&mut line)?;
        process.output = Some(output);
        let target = Target {
            address: address(&line)?,
            process: process.child.id(),
            path: "/echo",
            key: "echo".to_owned(),
        };
        Ok(Self {
            target,
            _process: process,
        })
    }
}

/// A server over HTTP.
struct Server {
    target: Target,
    process: Running,
}

impl Server {
    /// `bureau serve`, with the groups that are on by default.
    fn start(database: &str, folder: &Path) -> Result<Self> {
        Self::start_with(database, folder, &[])
    }

    /// `bureau serve` with further options.
    fn start_with(database: &str, folder: &Path, options: &[&str]) -> Result<Self> {
        let key = Command::new(bureau())
            .args([
                "key", "create", "--name", "bench", "--preset", "full", "--json",
            ])
            .args(["--database", database, "--data-dir"])
            .arg(folder)
            .stderr(Stdio::inherit())
            .output()?;
        let key: Value = serde_json::from_slice(&key.stdout)?;
        let mut command = Command::new(bureau());
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--calls-per-hour", "0"])
            .args(options)
            .args(["--database", database, "--data-dir"])
            .arg(folder);
        let key = key["key"].as_str().ok_or("no key")?;
        Self::spawn(&mut command, key.to_owned())
    }

    /// Any server that says on stderr where it listens.
    fn spawn(command: &mut Command, key: String) -> Result<Self> {
        let mut process = Running::spawn(command.stderr(Stdio::piped()))?;
        let mut said = BufReader::new(process.child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.contains("http://") {
            line.clear();
            if said.read_line(&mut line)? == 0 {
                return Err("the server did not start".into());
            }
        }
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::stderr()));
        let target = Target {
            address: address(&line)?,
            process: process.child.id(),
            path: "/mcp",
            key,
        };
        Ok(Self { target, process })
    }
}

fn address(line: &str) -> Result<SocketAddr> {
    let (_, rest) = line.split_once("http://").ok_or("no address")?;
    Ok(rest.split('/').next().unwrap_or_default().parse()?)
}

/// What a figure should reach.
#[derive(Clone, Copy)]
enum Aim {
    /// Requests a second, at least.
    Rate(f64),
    /// Milliseconds of the 99th percentile, at most.
    P99(f64),
}

/// The table and the file.
struct Report {
    echo: Target,
    echo_time: Duration,
    rows: Vec<Value>,
    figures: Vec<Value>,
}

impl Report {
    fn new(echo: Target, time: Duration) -> Self {
        Self {
            echo,
            echo_time: time / 2,
            rows: Vec::new(),
            figures: Vec::new(),
        }
    }

    fn head(&self) {
        println!("{}\n", machine()["text"].as_str().unwrap_or_default());
        println!(
            "| what | clients | per second | p50 ms | p95 ms | p99 ms | slowest ms | server CPU µs | of the echo's rate | aim |"
        );
        println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |");
    }

    async fn measure<F>(&mut self, name: &str, load: Load, target: &Target, make: F) -> Result<()>
    where
        F: Fn(u64) -> Vec<u8> + Send + Sync + 'static,
    {
        self.measure_with(name, load, target, None, make).await
    }

    /// Measures the bare server, then the real one, with as many clients.
    async fn measure_with<F>(
        &mut self,
        name: &str,
        load: Load,
        target: &Target,
        aim: Option<Aim>,
        make: F,
    ) -> Result<()>
    where
        F: Fn(u64) -> Vec<u8> + Send + Sync + 'static,
    {
        let echo = self
            .echo
            .call("get_contact", json!({ "contact": "con_0123456789abc" }));
        let bare = Load {
            time: self.echo_time,
            ..load
        };
        let bare = drive(&self.echo, bare, move |_| echo.clone()).await?;
        let figures = drive(target, load, make).await?;
        self.row(name, load.clients, &figures, Some(&bare), aim);
        Ok(())
    }

    fn row(
        &mut self,
        name: &str,
        clients: usize,
        figures: &Figures,
        bare: Option<&Figures>,
        aim: Option<Aim>,
    ) {
        let [p50, p95, p99, max] = [0.5, 0.95, 0.99, 1.0].map(|share| figures.percentile(share));
        let rate = figures.rate();
        let of_echo = bare.map(|bare| rate / bare.rate());
        let (aim, met) = match aim {
            None => (None, None),
            Some(Aim::Rate(least)) => (Some(format!("≥ {least}/s")), Some(rate >= least)),
            Some(Aim::P99(most)) => (Some(format!("p99 < {most} ms")), Some(p99 < most)),
        };
        println!(
            "| {name} | {clients} | {rate:.0} | {p50:.3} | {p95:.3} | {p99:.3} | {max:.3} | {} | {} | {}{} |",
            figures
                .cpu()
                .map(|cpu| format!("{cpu:.0}"))
                .unwrap_or_default(),
            of_echo
                .map(|share| format!("{:.0} %", share * 100.0))
                .unwrap_or_default(),
            verdict(aim.as_deref(), met),
            if figures.errors > 0 {
                format!(" **{} errors**", figures.errors)
            } else {
                String::new()
            },
        );
        self.rows.push(json!({
            "name": name, "clients": clients, "requests": figures.sorted.len(), "errors": figures.errors,
            "per_second": rate, "p50_ms": p50, "p95_ms": p95, "p99_ms": p99, "max_ms": max,
            "echo_per_second": bare.map(Figures::rate), "echo_p50_ms": bare.map(|bare| bare.percentile(0.5)),
            "cpu_us": figures.cpu(), "echo_cpu_us": bare.and_then(Figures::cpu), "of_echo": of_echo, "aim": aim, "met": met,
        }));
    }

    /// One number; the aim is the most that it may be.
    fn figure(&mut self, name: &str, value: f64, unit: &str, aim: Option<f64>) {
        let met = aim.map(|most| value <= most);
        let aim = aim.map(|most| format!("≤ {most} {unit}"));
        println!(
            "| {name} | | {value:.2} {unit} | | | | | | | {} |",
            verdict(aim.as_deref(), met)
        );
        self.figures
            .push(json!({ "name": name, "value": value, "unit": unit, "aim": aim, "met": met }));
    }

    /// Resident memory, and how much of it is the process's own (not pages of the program file).
    fn memory(&mut self, name: &str, process: u32, aim: Option<f64>) -> Result<()> {
        self.figure(
            &format!("{name}: resident memory"),
            megabytes(process, "VmRSS:")?,
            "MB",
            aim,
        );
        self.figure(
            &format!("{name}: of that not file pages"),
            megabytes(process, "RssAnon:")?,
            "MB",
            None,
        );
        Ok(())
    }

    fn note(&self, text: &str) {
        println!("| {text} | | | | | | | | | |");
    }

    fn write(&self) -> Result<()> {
        let path = target_folder().join("load.json");
        let all = json!({ "machine": machine(), "rows": self.rows, "figures": self.figures });
        std::fs::write(&path, serde_json::to_string_pretty(&all)?)?;
        println!("\n{}", path.display());
        Ok(())
    }
}

/// A process's memory, by its name in the operating system's table.
fn megabytes(process: u32, field: &str) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    Ok(number.unwrap_or(0.0) / 1024.0)
}

fn verdict(aim: Option<&str>, met: Option<bool>) -> String {
    match (aim, met) {
        (Some(aim), Some(true)) => format!("{aim}: met"),
        (Some(aim), _) => format!("{aim}: **missed**"),
        _ => String::new(),
    }
}

/// What this machine is, as far as the operating system says.
fn machine() -> Value {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text
            .lines()
            .find(|line| line.starts_with(name))
            .unwrap_or_default();
        line.split_once(':')
            .map_or_else(String::new, |(_, value)| value.trim().to_owned())
    };
    let cpu = field(&read("/proc/cpuinfo"), "model name");
    let memory = field(&read("/proc/meminfo"), "MemTotal");
    let kernel = read("/proc/sys/kernel/osrelease").trim().to_owned();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = read("/proc/loadavg").trim().to_owned();
    json!({
        "text": format!("{cores} cores of {cpu}, {memory} memory, Linux {kernel}, load {load}"),
        "cores": cores, "cpu": cpu, "memory": memory, "kernel": kernel, "load": load,
    })
}
