//! Bureau beside servers that list the same tools and hold the same contacts, made with the SDKs of others
//! (`benches/peers`). `scripts/bench-peers` installs what these need and starts this.
//!
//! In each round every server is started, measured and ended, one after the other, with the same requests; ratios are taken
//! within a round, and the median of the rounds is printed.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::{Echo, NEW_PEOPLE, Result, Server, bureau, first_answer, machine, megabytes};
use super::{sqlite, target_folder};
use crate::common::people;
use crate::http::{Client, Load, Target, drive};

/// What is run.
pub(crate) struct Plan {
    pub(crate) size: u64,
    pub(crate) time: Duration,
    pub(crate) rounds: u64,
    /// How often each is started over stdio.
    pub(crate) starts: usize,
    /// The Python that has FastMCP.
    pub(crate) python: PathBuf,
    /// Where prepared databases are.
    pub(crate) data: PathBuf,
}

/// What is called, and by how many clients at once.
const LOADS: [(Calls, usize); 7] = [
    (Calls::List, 16),
    (Calls::Get, 1),
    (Calls::Get, 16),
    (Calls::Search, 1),
    (Calls::Search, 16),
    (Calls::Create, 1),
    (Calls::Create, 64),
];

#[derive(Clone, Copy, PartialEq)]
enum Calls {
    List,
    Get,
    Search,
    Create,
}

impl Calls {
    fn name(self) -> &'static str {
        match self {
            Self::List => "tools/list",
            Self::Get => "get_contact",
            Self::Search => "search_contacts",
            Self::Create => "create_contact, durable",
        }
    }
}

/// The ways to look for a person that all of them know: FTS5 forgives no typo.
const WAYS: [u64; 7] = [0, 1, 2, 3, 5, 6, 7];

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Bureau,
    TypeScript,
    FastMcp,
    Echo,
}

const KINDS: [Kind; 4] = [Kind::Bureau, Kind::TypeScript, Kind::FastMcp, Kind::Echo];

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Bureau => "Bureau",
            Self::TypeScript => "TypeScript SDK",
            Self::FastMcp => "FastMCP",
            Self::Echo => "bare axum echo",
        }
    }

    /// Its own folder among the prepared ones.
    fn folder(self) -> &'static str {
        match self {
            Self::Bureau => "bureau",
            Self::TypeScript => "typescript",
            Self::FastMcp => "fastmcp",
            Self::Echo => "echo",
        }
    }

    /// The echo stands for the least that a server costs: for a small call, alone and with others.
    fn takes(self, calls: Calls) -> bool {
        self != Self::Echo || calls == Calls::Get
    }

    /// A server that is no Bureau, to be told what to do.
    fn peer(self, plan: &Plan) -> Command {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers");
        let (mut command, server) = match self {
            Self::FastMcp => (Command::new(&plan.python), "fastmcp/server.py"),
            _ => (Command::new("node"), "typescript/server.mjs"),
        };
        command.arg(sources.join(server));
        command
    }
}

/// The folders of a run, of which nothing is left afterwards.
struct Place {
    folder: tempfile::TempDir,
    /// What `tools/list` answers, as a file for the others.
    tools: PathBuf,
}

impl Place {
    fn of(&self, kind: Kind) -> PathBuf {
        self.folder.path().join(kind.folder())
    }

    /// Over stdio, with all groups of tools.
    fn stdio(&self, kind: Kind, plan: &Plan) -> Command {
        let folder = self.of(kind);
        if kind != Kind::Bureau {
            let mut command = kind.peer(plan);
            command
                .arg("stdio")
                .arg(folder.join("peer.sqlite"))
                .arg(&self.tools);
            return command;
        }
        let mut command = Command::new(bureau());
        command.args([
            "stdio",
            "--features",
            "all",
            "--database",
            &sqlite(&folder),
            "--data-dir",
        ]);
        command.arg(folder);
        command
    }

    /// Over HTTP, with all groups of tools.
    fn serve(&self, kind: Kind, plan: &Plan) -> Result<Server> {
        let folder = self.of(kind);
        if kind == Kind::Bureau {
            return Server::start_with(&sqlite(&folder), &folder, &["--features", "all"]);
        }
        let key = fs::read_to_string(folder.join("key"))?;
        let mut command = kind.peer(plan);
        command
            .arg("serve")
            .arg(folder.join("peer.sqlite"))
            .arg(&self.tools);
        Server::spawn(&mut command, key)
    }
}

pub(crate) async fn run(plan: &Plan) -> Result<()> {
    let prepared = prepare(plan).await?;
    let folder = tempfile::Builder::new()
        .prefix("run-")
        .tempdir_in(&plan.data)?;
    let place = Place {
        tools: folder.path().join("tools.json"),
        folder,
    };
    for kind in [Kind::Bureau, Kind::TypeScript, Kind::FastMcp] {
        copy(&prepared.join(kind.folder()), &place.of(kind))?;
    }
    // An index belongs to the place of its database: that of the copy is built here, or each start would begin to.
    let server = place.serve(Kind::Bureau, plan)?;
    wait_for_index(plan, &server.target).await?;
    drop(server);
    let ids = ids(&prepared)?;
    let mut report = Report::default();
    starts(plan, &place, &mut report)?;
    for round in 0..plan.rounds {
        for kind in KINDS {
            eprintln!("round {} of {}: {}", round + 1, plan.rounds, kind.name());
            turn(plan, &place, kind, round, &ids, &mut report).await?;
        }
    }
    report.print(plan);
    report.write()
}

/// The stateless first request of a client.
fn list_tools() -> String {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": { "_meta": meta } })
        .to_string()
}

/// From the start of a process to its list of tools, by turns, and what it holds then.
fn starts(plan: &Plan, place: &Place, report: &mut Report) -> Result<()> {
    let lines = [list_tools()];
    let once = |kind| first_answer(&mut place.stdio(kind, plan), &lines);
    let answer: Value = serde_json::from_str(&once(Kind::Bureau)?.answer)?;
    fs::write(&place.tools, answer["result"].to_string())?;
    for start in 0..=plan.starts {
        for kind in [Kind::Bureau, Kind::TypeScript, Kind::FastMcp] {
            let first = once(kind)?;
            // The first of each reads the program from the disk.
            if start > 0 {
                report.add("start", kind, first.took_ms);
            }
            if start == plan.starts {
                std::thread::sleep(Duration::from_secs(1));
                report.add_memory("stdio at rest", kind, first.process.child.id())?;
            }
        }
    }
    Ok(())
}

/// One server, all loads.
async fn turn(
    plan: &Plan,
    place: &Place,
    kind: Kind,
    round: u64,
    ids: &[String],
    report: &mut Report,
) -> Result<()> {
    // Whichever it is runs until the end of the turn.
    let (echo, server);
    let target = if kind == Kind::Echo {
        echo = Echo::start()?;
        &echo.target
    } else {
        server = place.serve(kind, plan)?;
        &server.target
    };
    if kind != Kind::Echo {
        tokio::time::sleep(Duration::from_secs(1)).await;
        report.add_memory("HTTP at rest", kind, target.process)?;
        let mut client = Client::connect(target.address).await?;
        if round == 0 {
            agree(plan, place, target, &mut client, ids, report).await?;
        }
    }
    for (index, (calls, clients)) in LOADS.into_iter().enumerate() {
        if !kind.takes(calls) {
            continue;
        }
        let load = Load {
            clients,
            time: plan.time,
        };
        let first_new = NEW_PEOPLE + (round * LOADS.len() as u64 + index as u64) * new_people(plan);
        let requests = requests(calls, target, plan, ids, first_new);
        let figures = drive(target, load, requests).await?;
        if figures.errors > 0 || figures.sorted.is_empty() {
            let (name, kind) = (calls.name(), kind.name());
            return Err(format!(
                "{kind}: {} of {} {name} failed",
                figures.errors,
                figures.sorted.len()
            )
            .into());
        }
        let name = |what: &str| format!("{} {clients} {what}", calls.name());
        report.add(&name("rate"), kind, figures.rate());
        report.add(&name("p50"), kind, figures.percentile(0.5));
        report.add(&name("p99"), kind, figures.percentile(0.99));
        report.add(&name("cpu"), kind, figures.cpu().unwrap_or(f64::NAN));
    }
    if kind != Kind::Echo {
        report.add_memory("HTTP after the loads", kind, target.process)?;
    }
    Ok(())
}

/// How many people no two loads share.
fn new_people(plan: &Plan) -> u64 {
    (people::MOST - NEW_PEOPLE) / (plan.rounds * LOADS.len() as u64 + 1)
}

type Requests = Box<dyn Fn(u64) -> Vec<u8> + Send + Sync>;

/// What is sent, by running number. All but what has to be new each time is made beforehand.
fn requests(
    calls: Calls,
    target: &Target,
    plan: &Plan,
    ids: &[String],
    first_new: u64,
) -> Requests {
    let ready: Vec<Vec<u8>> = match calls {
        Calls::List => vec![target.request("tools/list", json!({}))],
        Calls::Get => {
            let get = |id| target.call("get_contact", json!({ "contact": id }));
            ids.iter().map(get).collect()
        }
        Calls::Search => {
            let search = |number: u64| {
                let way = WAYS[(number % WAYS.len() as u64) as usize];
                target.call("search_contacts", someone(number, plan).query(way))
            };
            (0..2_000).map(search).collect()
        }
        Calls::Create => {
            let target = target.clone();
            return Box::new(move |number| {
                target.call(
                    "create_contact",
                    people::person(first_new + number).arguments(),
                )
            });
        }
    };
    // A step without a factor in common with their number reaches all of them in no order that shows.
    Box::new(move |number| {
        ready[(number.wrapping_mul(7_919) % ready.len() as u64) as usize].clone()
    })
}

/// One of those who are there, all over the table.
fn someone(number: u64, plan: &Plan) -> people::Person {
    people::person(number.wrapping_mul(7_919) % plan.size)
}

/// Whether a server does what Bureau does: the same tools, the same contacts, found in the same ways, and none made twice.
async fn agree(
    plan: &Plan,
    place: &Place,
    target: &Target,
    client: &mut Client,
    ids: &[String],
    report: &mut Report,
) -> Result<()> {
    let described = |list: &Value| -> Vec<Value> {
        let tools = list["tools"].as_array().cloned().unwrap_or_default();
        let part = |tool: &Value| json!([tool["name"], tool["description"], tool["inputSchema"]]);
        tools.iter().map(part).collect()
    };
    let expected: Value = serde_json::from_slice(&fs::read(&place.tools)?)?;
    let list: Value = serde_json::from_slice(
        client
            .send(&target.request("tools/list", json!({})))
            .await?,
    )?;
    let (expected, listed) = (described(&expected), described(&list["result"]));
    if expected.is_empty() || expected != listed {
        return Err(format!(
            "{} tools are listed, not the same {}",
            listed.len(),
            expected.len()
        )
        .into());
    }
    report.tools = listed.len();
    for (index, id) in ids.iter().step_by(ids.len().div_ceil(20)).enumerate() {
        let (_, got) = answer(
            client,
            &target.call("get_contact", json!({ "contact": id })),
        )
        .await?;
        match report.contacts.get(index) {
            None => report.contacts.push(got),
            Some(bureaus) if *bureaus == got => {}
            Some(bureaus) => return Err(format!("{got} is not {bureaus}").into()),
        }
    }
    for number in 0..20 {
        let person = someone(number, plan);
        let is_customer = person.arguments()["types"] == json!(["customer"]);
        for way in WAYS {
            let query = person.query(way);
            let (_, found) = answer(client, &target.call("search_contacts", query.clone())).await?;
            let found = found["data"].to_string();
            // What many have in common may find others first.
            let fine = match way {
                0 | 5 | 6 => found.contains(&person.email),
                7 if !is_customer => true,
                _ => found != "[]",
            };
            if !fine {
                return Err(format!("{query} does not find {}", person.email).into());
            }
        }
    }
    let twice = target.call("create_contact", people::person(NEW_PEOPLE - 1).arguments());
    let (first, _) = answer(client, &twice).await?;
    let (second, refusal) = answer(client, &twice).await?;
    if !first || second || refusal["error"]["code"] != "CONFLICT" {
        return Err(format!("a contact can be made twice: {refusal}").into());
    }
    Ok(())
}

/// Whether a call did what it was asked, and what its text says.
async fn answer(client: &mut Client, request: &[u8]) -> Result<(bool, Value)> {
    let answer: Value = serde_json::from_slice(client.send(request).await?)?;
    let result = &answer["result"];
    let text = result["content"][0]["text"]
        .as_str()
        .ok_or_else(|| answer.to_string())?;
    Ok((result["isError"] != true, serde_json::from_str(text)?))
}

/// The folder of prepared databases, each with the same contacts; made where it is not there yet.
async fn prepare(plan: &Plan) -> Result<PathBuf> {
    let folder = plan.data.join(format!("peers-{}", plan.size));
    let whole = folder.join("whole");
    if whole.exists() {
        return Ok(folder);
    }
    eprintln!("bringing {} contacts into each server", plan.size);
    let _ = fs::remove_dir_all(&folder);
    let bureaus = folder.join(Kind::Bureau.folder());
    fs::create_dir_all(&bureaus)?;
    let (table, exported) = (folder.join("contacts.csv"), folder.join("contacts.jsonl"));
    write_table(&table, plan.size)?;
    let database = sqlite(&bureaus);
    let run = |arguments: &[&str], path: &Path| {
        let mut command = Command::new(bureau());
        command
            .args(arguments)
            .arg(path)
            .args(["--database", &database, "--data-dir"])
            .arg(&bureaus);
        success(command.stdout(Stdio::null()))
    };
    run(&["import", "--yes", "contacts"], &table)?;
    run(&["export", "--format", "jsonl", "contacts"], &exported)?;
    for kind in [Kind::TypeScript, Kind::FastMcp] {
        let own = folder.join(kind.folder());
        fs::create_dir_all(&own)?;
        let mut command = kind.peer(plan);
        command
            .arg("fill")
            .arg(own.join("peer.sqlite"))
            .arg(&exported);
        let key = success(&mut command)?;
        fs::write(own.join("key"), key.trim())?;
    }
    fs::write(whole, "")?;
    Ok(folder)
}

/// Runs a command to its end, and answers what it printed.
fn success(command: &mut Command) -> Result<String> {
    let output = command.stderr(Stdio::inherit()).output()?;
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout)?),
        false => Err(format!("{:?} failed: {}", command.get_program(), output.status).into()),
    }
}

/// Waits until the last contact is found.
async fn wait_for_index(plan: &Plan, target: &Target) -> Result<()> {
    let until = Instant::now() + Duration::from_secs(600);
    let person = people::person(plan.size - 1);
    while Instant::now() < until {
        let mut client = Client::connect(target.address).await?;
        let search = target.call("search_contacts", person.query(5));
        let (_, found) = answer(&mut client, &search).await?;
        if found.to_string().contains(&person.email) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err("the index was not built in ten minutes".into())
}

/// The people as a table that `bureau import` reads.
fn write_table(path: &Path, size: u64) -> Result<()> {
    const PLAIN: [&str; 8] = [
        "first_name",
        "last_name",
        "title",
        "company",
        "city",
        "country",
        "source",
        "score",
    ];
    let mut table = csv::Writer::from_path(path)?;
    table.write_record(PLAIN.iter().chain(&["type", "tags", "email", "phone"]))?;
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    for number in 0..size {
        let person = people::person(number);
        let fields: Map<String, Value> = person.arguments();
        let plain = PLAIN.iter().map(|name| text(&fields[*name]));
        let lists = ["types", "tags"].iter().map(|name| text(&fields[*name][0]));
        let row: Vec<String> = plain
            .chain(lists)
            .chain([person.email, person.phone])
            .collect();
        table.write_record(row)?;
    }
    table.flush()?;
    Ok(())
}

/// Up to 2,000 contacts from all over the table.
fn ids(folder: &Path) -> Result<Vec<String>> {
    let exported = fs::read_to_string(folder.join("contacts.jsonl"))?;
    let step = (exported.lines().count() / 2_000).max(1);
    let id = |line: &str| -> Result<String> {
        let contact: Value = serde_json::from_str(line)?;
        Ok(contact["id"]
            .as_str()
            .ok_or("a contact without an id")?
            .to_owned())
    };
    exported.lines().step_by(step).map(id).collect()
}

/// Copies a folder, down to the disk: what is written later would be waited for by the first who commits.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, copied) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy(&source, &copied)?;
        } else {
            fs::copy(&source, &copied)?;
            fs::File::open(&copied)?.sync_all()?;
        }
    }
    Ok(())
}

/// All that was measured.
#[derive(Default)]
struct Report {
    /// Name, whose, and the value of each round or start.
    values: Vec<(String, Kind, Vec<f64>)>,
    tools: usize,
    /// Bureau's answers, with which the others' are compared.
    contacts: Vec<Value>,
}

impl Report {
    fn add(&mut self, name: &str, kind: Kind, value: f64) {
        let known = self
            .values
            .iter_mut()
            .find(|(other, whose, _)| other == name && *whose == kind);
        match known {
            Some((.., values)) => values.push(value),
            None => self.values.push((name.to_owned(), kind, vec![value])),
        }
    }

    /// Resident memory, and what of it are no pages of files (the program, the database, the index).
    fn add_memory(&mut self, name: &str, kind: Kind, process: u32) -> Result<()> {
        self.add(name, kind, megabytes(process, "VmRSS:")?);
        self.add(
            &format!("{name}, own"),
            kind,
            megabytes(process, "RssAnon:")?,
        );
        Ok(())
    }

    fn all(&self, name: &str, kind: Kind) -> &[f64] {
        let found = self
            .values
            .iter()
            .find(|(other, whose, _)| other == name && *whose == kind);
        found.map_or(&[], |(.., values)| values)
    }

    fn median(&self, name: &str, kind: Kind) -> f64 {
        median(self.all(name, kind).to_vec())
    }

    /// How many times as much Bureau has, round by round.
    fn ratio(&self, name: &str, kind: Kind) -> f64 {
        let pairs = self
            .all(name, Kind::Bureau)
            .iter()
            .zip(self.all(name, kind));
        median(pairs.map(|(bureau, other)| bureau / other).collect())
    }

    fn print(&self, plan: &Plan) {
        println!(
            "{}; {} contacts, {} tools, median of {} rounds of {} s\n",
            machine()["text"].as_str().unwrap_or_default(),
            plan.size,
            self.tools,
            plan.rounds,
            plan.time.as_secs_f64()
        );
        println!(
            "| what | clients | server | per second | p50 ms | p99 ms | server CPU µs | Bureau's rate to it |"
        );
        println!("| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |");
        for (calls, clients) in LOADS {
            for kind in KINDS.into_iter().filter(|kind| kind.takes(calls)) {
                let name = |what: &str| format!("{} {clients} {what}", calls.name());
                let [rate, p50, p99, cpu] =
                    ["rate", "p50", "p99", "cpu"].map(|what| self.median(&name(what), kind));
                let ratio = match kind {
                    Kind::Bureau => String::new(),
                    _ => times(self.ratio(&name("rate"), kind)),
                };
                println!(
                    "| {} | {clients} | {} | {rate:.0} | {p50:.3} | {p99:.3} | {cpu:.0} | {ratio} |",
                    calls.name(),
                    kind.name()
                );
            }
        }
        let servers = [Kind::Bureau, Kind::TypeScript, Kind::FastMcp];
        println!("\n| | {} |", servers.map(Kind::name).join(" | "));
        println!("| --- | ---: | ---: | ---: |");
        for (what, name) in [
            ("start to `tools/list` over stdio, ms", "start"),
            ("memory at rest over stdio, MB", "stdio at rest"),
            ("of that not pages of files", "stdio at rest, own"),
            ("memory at rest over HTTP, MB", "HTTP at rest"),
            ("of that not pages of files", "HTTP at rest, own"),
            ("memory after the loads, MB", "HTTP after the loads"),
            ("of that not pages of files", "HTTP after the loads, own"),
        ] {
            let mut row = format!("| {what} | {:.1} |", self.median(name, Kind::Bureau));
            for kind in [Kind::TypeScript, Kind::FastMcp] {
                let value = self.median(name, kind);
                let _ = write!(
                    row,
                    " {value:.1} ({}) |",
                    times(1.0 / self.ratio(name, kind))
                );
            }
            println!("{row}");
        }
        println!("\n| to reach | measured | |");
        println!("| --- | ---: | --- |");
        let rate = |calls: Calls, clients: usize, kind| {
            self.ratio(&format!("{} {clients} rate", calls.name()), kind)
        };
        let cpu = |calls: Calls, clients: usize| {
            self.median(&format!("{} {clients} cpu", calls.name()), Kind::Bureau)
        };
        let at_least = |what: &str, least: f64, measured: f64| {
            verdict(what, '≥', least, measured, measured >= least);
        };
        let at_most = |what: &str, most: f64, measured: f64| {
            verdict(what, '≤', most, measured, measured <= most);
        };
        at_least(
            "`get_contact`, 16 clients, to the TypeScript SDK",
            25.0,
            rate(Calls::Get, 16, Kind::TypeScript),
        );
        at_least(
            "`get_contact`, 16 clients, to the echo",
            0.4,
            rate(Calls::Get, 16, Kind::Echo),
        );
        at_least(
            "durable `create_contact`, 64 clients, to the TypeScript SDK",
            5.0,
            rate(Calls::Create, 64, Kind::TypeScript),
        );
        at_least(
            "`search_contacts`, 16 clients, to the TypeScript SDK",
            4.0,
            rate(Calls::Search, 16, Kind::TypeScript),
        );
        at_least(
            "`tools/list`, 16 clients, to the TypeScript SDK",
            25.0,
            rate(Calls::List, 16, Kind::TypeScript),
        );
        at_least(
            "start, times faster than the TypeScript SDK",
            30.0,
            1.0 / self.ratio("start", Kind::TypeScript),
        );
        at_least(
            "memory at rest over stdio, times smaller",
            3.0,
            1.0 / self.ratio("stdio at rest", Kind::TypeScript),
        );
        at_least(
            "memory at rest over HTTP, times smaller",
            3.0,
            1.0 / self.ratio("HTTP at rest", Kind::TypeScript),
        );
        at_most(
            "CPU µs of a `get_contact`, 16 clients",
            45.0,
            cpu(Calls::Get, 16),
        );
        at_most(
            "CPU µs of a durable `create_contact`, 64 clients",
            250.0,
            cpu(Calls::Create, 64),
        );
    }

    fn write(&self) -> Result<()> {
        let path = target_folder().join("peers.json");
        let values = self.values.iter();
        let values: Vec<Value> = values
            .map(|(name, kind, values)| json!({ "name": name, "server": kind.name(), "values": values }))
            .collect();
        let all = json!({ "machine": machine(), "values": values });
        fs::write(&path, serde_json::to_string_pretty(&all)?)?;
        println!("\n{}", path.display());
        Ok(())
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A ratio with as many digits as mean something.
fn times(ratio: f64) -> String {
    match ratio {
        10.0.. => format!("{ratio:.0} ×"),
        _ => format!("{ratio:.2} ×"),
    }
}

fn verdict(what: &str, sign: char, aim: f64, measured: f64, met: bool) {
    let met = if met { "met" } else { "**missed**" };
    println!("| {what} {sign} {aim} | {measured:.2} | {met} |");
}
