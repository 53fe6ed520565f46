//! What tests of modules start from: a fresh app on either engine, and the runner of the tools' examples.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::admin::{self, NewKey, NewWorkspace};
use crate::caller::Caller;
use crate::dispatch::{Call, Dispatcher, Outcome, Settings};
use crate::error::Error;
use crate::permission::Grants;
use crate::provision::provision;
use crate::registry::{Module, Registry, Selection};
use crate::store::clock::{self, Clock};
use crate::store::log::{LogRow, Seal};
use crate::store::{self, Database, OpenOptions, Row, Scope, Sql, Store, sql};
use crate::tool::{Entry, Example};

/// The engines that everything has to hold on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A file.
    Sqlite,
    /// A server, started for the tests.
    Postgres,
}

/// Both of them.
pub const ENGINES: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

/// A fresh database with one workspace, its pipeline, and its owner as the caller.
pub struct TestApp {
    /// The way in.
    pub dispatcher: Arc<Dispatcher>,
    /// Where it is.
    pub database: Database,
    /// The folder of its files; gone with it.
    pub folder: Arc<TempDir>,
}

/// Computes the chains of all change logs anew over whatever their rows say now, and where they end, as somebody could who
/// rewrites history: no secret enters them. What was noted of where they ended before stays.
///
/// # Errors
/// What the database says.
pub async fn forge_chain(store: &Store) -> crate::error::Result<()> {
    let mut tx = store.write(Scope::System).await?;
    let mut statement = sql("SELECT ");
    statement.push(LogRow::COLUMNS);
    let rows = statement
        .sql(" FROM change_log ORDER BY workspace, position")
        .rows(&mut tx)
        .await?;
    // Out of the way, so that no position is taken twice.
    sql("UPDATE change_log SET position = -position - 1000000")
        .run(&mut tx)
        .await?;
    sql("DELETE FROM log_head").run(&mut tx).await?;
    let mut ends: BTreeMap<i64, (Seal, LogRow)> = BTreeMap::new();
    for row in rows {
        let row = LogRow::from_row(&row)?;
        let before = ends.remove(&row.workspace).map(|(seal, _)| seal);
        let seal = before
            .unwrap_or_else(|| Seal::genesis(row.workspace))
            .next(&row);
        sql("UPDATE change_log SET position = $1, hash = $2 WHERE workspace = $3 AND id = $4")
            .bind(seal.position)
            .bind(seal.hash.clone())
            .bind(row.workspace)
            .bind(row.id)
            .run(&mut tx)
            .await?;
        ends.insert(row.workspace, (seal, row));
    }
    for (number, (workspace, (seal, row))) in (1_i64..).zip(ends) {
        sql("INSERT INTO log_head (workspace, position, hash, at, sealing) VALUES ($1, $2, $3, $4, $5)")
            .bind(workspace)
            .bind(seal.position)
            .bind(seal.hash)
            .bind(row.at)
            .bind(number)
            .run(&mut tx)
            .await?;
    }
    tx.commit().await
}

/// What a statement finds in a database, in all workspaces.
#[expect(clippy::expect_used, reason = "a test that cannot read has failed")]
pub async fn rows(store: &Store, statement: Sql) -> Vec<Row> {
    let mut tx = store.read(Scope::System).await.expect("a connection");
    let rows = statement.rows(&mut tx).await;
    tx.rollback().await;
    rows.expect("the statement runs")
}

impl TestApp {
    /// A fresh app with all tools of these modules, and a search index.
    pub async fn new(engine: Engine, modules: &[Module]) -> Self {
        Self::with(engine, modules, Settings::default()).await
    }

    /// The same with settings of the test's own.
    #[expect(clippy::expect_used, reason = "a test that cannot start has failed")]
    pub async fn with(engine: Engine, modules: &[Module], settings: Settings) -> Self {
        let folder = Arc::new(TempDir::new().expect("a temporary folder"));
        Self::at(database(engine, &folder).await, folder, modules, settings).await
    }

    /// The same with a clock of the test's own.
    #[expect(clippy::expect_used, reason = "a test that cannot start has failed")]
    pub async fn timed(engine: Engine, modules: &[Module], clock: &Clock) -> Self {
        let folder = Arc::new(TempDir::new().expect("a temporary folder"));
        let options = OpenOptions {
            clock: clock.clone(),
            ..OpenOptions::new(database(engine, &folder).await)
        };
        Self::open(options, folder, modules, Settings::default()).await
    }

    /// An app on a database that may be there already.
    pub async fn at(
        database: Database,
        folder: Arc<TempDir>,
        modules: &[Module],
        settings: Settings,
    ) -> Self {
        let options = OpenOptions {
            call_limit: Some(settings.call_limit),
            ..OpenOptions::new(database)
        };
        Self::open(options, folder, modules, settings).await
    }

    /// The same, opened as the test says.
    #[expect(clippy::expect_used, reason = "a test that cannot start has failed")]
    pub async fn open(
        options: OpenOptions,
        folder: Arc<TempDir>,
        modules: &[Module],
        settings: Settings,
    ) -> Self {
        let store = Store::open(&options).await.expect("the database opens");
        admin::bootstrap(&store)
            .await
            .expect("the first workspace is made");
        let registry = registry(modules);
        provision(&store, modules, || Ok(Arc::clone(&registry)))
            .await
            .expect("the first workspace is provisioned");
        clock::beat(&store).await.expect("the clock is read");
        let index = folder.path().join("index");
        let dispatcher = Dispatcher::new(store, registry, Some(Path::new(&index)), settings)
            .expect("the index opens");
        Self {
            dispatcher,
            database: options.database,
            folder,
        }
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.dispatcher.app().store
    }

    /// What a statement finds in the database, in all workspaces.
    pub async fn rows(&self, statement: Sql) -> Vec<Row> {
        rows(self.store(), statement).await
    }

    /// Does a statement past all tools, in all workspaces; how many rows it wrote.
    #[expect(clippy::expect_used, reason = "a test that cannot start has failed")]
    pub async fn run(&self, statement: Sql) -> u64 {
        let mut tx = self.store().write(Scope::System).await.expect("a turn");
        let written = statement.run(&mut tx).await.expect("the statement runs");
        tx.commit().await.expect("it is kept");
        written
    }

    /// The owner, in the first workspace.
    #[expect(clippy::expect_used, reason = "a test that cannot start has failed")]
    pub async fn owner(&self) -> Caller {
        self.dispatcher
            .operator(None)
            .await
            .expect("there is an owner")
    }

    /// The owner of a new workspace.
    #[expect(clippy::expect_used, reason = "a test that cannot start has failed")]
    pub async fn tenant(&self, slug: &str) -> Caller {
        let new = NewWorkspace {
            slug: slug.into(),
            name: slug.into(),
            ..NewWorkspace::default()
        };
        let app = self.dispatcher.app();
        admin::create_workspace(&app.store, new)
            .await
            .expect("a workspace is made");
        let registry = || Ok(Arc::clone(self.dispatcher.registry()));
        provision(&app.store, self.dispatcher.registry().modules(), registry)
            .await
            .expect("it is provisioned");
        self.dispatcher
            .operator(Some(slug))
            .await
            .expect("it has an owner")
    }

    /// A key for the first workspace with these permissions, and its caller.
    #[expect(clippy::expect_used, reason = "a test that cannot start has failed")]
    pub async fn key(&self, permissions: &[&str]) -> (String, Caller) {
        let known = self.dispatcher.registry().permissions();
        let new = NewKey {
            name: "test".into(),
            grants: Grants::parse(permissions.iter().copied(), &known).expect("permissions exist"),
            workspaces: vec!["main".into()],
            member: None,
            expires_at: None,
            confirm: None,
            // No test of what a key may do is about how often.
            calls_per_hour: Some(u32::MAX),
        };
        let (key, _) = admin::create_key(&self.dispatcher.app().store, new)
            .await
            .expect("a key is made");
        let caller = self
            .dispatcher
            .authenticate(&key, None)
            .await
            .expect("it works");
        (key, caller)
    }

    /// The same caller, holding these permissions only.
    #[expect(clippy::expect_used, reason = "a test that cannot start has failed")]
    #[must_use]
    pub fn limited(&self, caller: &Caller, permissions: &[&str]) -> Caller {
        let known = self.dispatcher.registry().permissions();
        let permissions = permissions.iter().copied();
        let mut limited = caller.clone();
        limited.grants = Grants::parse(permissions, &known).expect("permissions exist");
        limited
    }

    /// A call as this caller.
    pub async fn outcome(&self, caller: &Caller, tool: &str, arguments: Value) -> Outcome {
        let arguments = arguments.as_object().cloned().unwrap_or_default();
        let call = Call {
            tool: tool.into(),
            arguments,
            ..Call::default()
        };
        self.dispatcher.call(caller.clone(), call).await
    }

    /// The `data` of a call that has to succeed.
    pub async fn data(&self, caller: &Caller, tool: &str, arguments: Value) -> Value {
        let mut answer = self.ok(caller, tool, arguments).await;
        answer.get_mut("data").map(Value::take).unwrap_or_default()
    }

    /// A call that has to succeed, confirmed where a person is asked; its whole answer.
    #[expect(clippy::panic, reason = "a test that fails")]
    pub async fn ok(&self, caller: &Caller, tool: &str, arguments: Value) -> Value {
        let mut outcome = self.outcome(caller, tool, arguments.clone()).await;
        if let Outcome::Failed(error) = &outcome
            && let Some(token) = error.detail_value("confirm_token")
            && arguments.get("confirm_token").is_none()
        {
            let mut confirmed = arguments.clone();
            if let Some(confirmed) = confirmed.as_object_mut() {
                confirmed.insert("confirm_token".into(), token.clone());
            }
            outcome = self.outcome(caller, tool, confirmed).await;
        }
        match outcome {
            Outcome::Done(answer) => answer,
            Outcome::Failed(error) => panic!("{tool} {arguments}: {error:?}"),
            Outcome::Ask { message, .. } => panic!("{tool} {arguments} asks: {message}"),
        }
    }

    /// A call that has to fail; its error.
    #[expect(clippy::panic, reason = "a test that fails")]
    pub async fn error(&self, caller: &Caller, tool: &str, arguments: Value) -> Error {
        match self.outcome(caller, tool, arguments.clone()).await {
            Outcome::Failed(error) => error,
            other => panic!("{tool} {arguments} did not fail: {other:?}"),
        }
    }

    /// Runs the examples of every tool, each tool on the same app in order, and answers what differs.
    pub async fn run_examples(&self) -> Vec<String> {
        let owner = self.owner().await;
        let mut findings = Vec::new();
        let entries: Vec<&Entry> = self.dispatcher.registry().entries().collect();
        for entry in entries {
            if entry.examples.is_empty() {
                findings.push(format!("{} has no example", entry.spec.name));
            }
            let mut kept = HashMap::new();
            for example in entry.examples {
                if let Err(finding) = self
                    .run_example(&owner, entry.spec.name, example, &mut kept)
                    .await
                {
                    findings.push(format!(
                        "{}, {:?}: {finding}",
                        entry.spec.name, example.title
                    ));
                }
            }
        }
        findings
    }

    async fn run_example(
        &self,
        owner: &Caller,
        tool: &str,
        example: &Example,
        kept: &mut HashMap<&'static str, String>,
    ) -> Result<(), String> {
        self.prepare(owner, example, kept).await?;
        let answer = self.step(owner, tool, example.arguments, kept).await?;
        for (pointer, expected) in example.expect {
            let expected: Value =
                serde_json::from_str(&filled(expected, kept)).map_err(|error| error.to_string())?;
            let found = answer.pointer(pointer).cloned().unwrap_or_default();
            if found != expected {
                return Err(format!("{pointer} is {found}, not {expected}, in {answer}"));
            }
        }
        Ok(())
    }

    /// Does what a tool's examples begin with, as this caller, and answers the arguments of each example, filled in. The
    /// examples themselves are not run, so each of these calls is valid as long as none of them was made.
    #[expect(clippy::expect_used, reason = "a test that cannot start has failed")]
    pub async fn example_arguments(&self, caller: &Caller, tool: &str) -> Vec<Map<String, Value>> {
        let mut entries = self.dispatcher.registry().entries();
        let entry = entries
            .find(|entry| entry.spec.name == tool)
            .expect("the tool exists");
        let mut kept = HashMap::new();
        let mut all = Vec::new();
        for example in entry.examples {
            self.prepare(caller, example, &mut kept)
                .await
                .expect("what examples begin with works");
            let arguments = filled(example.arguments, &kept);
            all.push(serde_json::from_str(&arguments).expect("an example's arguments are JSON"));
        }
        all
    }

    /// Does what an example begins with, and keeps what it says.
    async fn prepare(
        &self,
        caller: &Caller,
        example: &Example,
        kept: &mut HashMap<&'static str, String>,
    ) -> Result<(), String> {
        for step in example.before {
            let answer = self.step(caller, step.tool, step.arguments, kept).await?;
            for (name, pointer) in step.keep {
                let value = answer
                    .pointer(pointer)
                    .and_then(Value::as_str)
                    .ok_or(format!("no {pointer} in {answer}"))?;
                kept.insert(*name, value.to_owned());
            }
        }
        Ok(())
    }

    async fn step(
        &self,
        owner: &Caller,
        tool: &str,
        arguments: &str,
        kept: &HashMap<&'static str, String>,
    ) -> Result<Value, String> {
        let arguments: Map<String, Value> = serde_json::from_str(&filled(arguments, kept))
            .map_err(|error| format!("{arguments}: {error}"))?;
        match self.outcome(owner, tool, Value::Object(arguments)).await {
            Outcome::Done(answer) => Ok(answer),
            other => Err(format!("{tool}: {other:?}")),
        }
    }
}

/// These modules put together with all their tools: once for all tests of a process that ask for the same ones, because it takes
/// longer than most of what a test does.
#[expect(clippy::expect_used, reason = "a test that cannot start has failed")]
fn registry(modules: &[Module]) -> Arc<Registry> {
    static MADE: Mutex<Vec<Arc<Registry>>> = Mutex::new(Vec::new());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let is_of = |registry: &&Arc<Registry>| {
        let known = registry.modules();
        known.len() == modules.len()
            && known
                .iter()
                .zip(modules)
                .all(|(one, other)| is_same(one, other))
    };
    if let Some(known) = made.iter().find(is_of) {
        return Arc::clone(known);
    }
    let selection = Selection {
        features: vec!["all".into()],
        ..Selection::default()
    };
    let registry = Registry::new(modules, &selection).expect("the modules fit together");
    let checked = registry.check_arguments();
    checked.expect("what modules give their tools is what these take");
    made.push(Arc::clone(&registry));
    registry
}

/// Whether these are one module: tests make variants of modules under the same name.
fn is_same(one: &Module, other: &Module) -> bool {
    let provision = |module: &Module| module.provision.map(|provision| provision as usize);
    one.name == other.name
        && one.instructions == other.instructions
        && one.on_by_default == other.on_by_default
        && provision(one) == provision(other)
        && std::ptr::eq(one.tools, other.tools)
        && std::ptr::eq(one.records, other.records)
        && std::ptr::eq(one.resources, other.resources)
        && std::ptr::eq(one.imports, other.imports)
        && std::ptr::eq(one.uses, other.uses)
        && std::ptr::eq(one.reacts, other.reacts)
        && std::ptr::eq(one.provides, other.provides)
        && std::ptr::eq(one.measures, other.measures)
        && std::ptr::eq(one.numbered, other.numbered)
        && std::ptr::eq(one.jobs, other.jobs)
        && std::ptr::eq(one.checks, other.checks)
}

/// A database with the tables in it that nobody has used yet.
async fn database(engine: Engine, folder: &TempDir) -> Database {
    match engine {
        Engine::Sqlite => Database::Sqlite(migrated_file(folder).await),
        Engine::Postgres => Database::Postgres(crate::testing_postgres::migrated_database().await),
    }
}

/// A copy of a file that the migrations were run on once.
#[expect(clippy::expect_used, reason = "a test that cannot start has failed")]
async fn migrated_file(folder: &TempDir) -> PathBuf {
    static MIGRATED: OnceCell<Vec<u8>> = OnceCell::const_new();
    let migrated = MIGRATED.get_or_init(async || {
        let folder = TempDir::new().expect("a temporary folder");
        let path = folder.path().join("bureau.sqlite");
        let made = store::migrate_sqlite(&path).await;
        made.expect("the migrations run");
        std::fs::read(path).expect("the file is there")
    });
    let path = folder.path().join("bureau.sqlite");
    std::fs::write(&path, migrated.await).expect("the file can be written");
    path
}

fn filled(text: &str, kept: &HashMap<&'static str, String>) -> String {
    kept.iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{name}}}"), value)
    })
}
