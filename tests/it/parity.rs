//! Two engines, one behaviour: the same migrations, the same schema, the same answers.

use std::collections::{BTreeMap, BTreeSet};

use bureau_kernel::caller::Caller;
use bureau_kernel::store::Database;
use bureau_kernel::testing::{ENGINES, Engine, TestApp};
use serde_json::{Value, json};
use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _, SqliteConnection,
};

use crate::MODULES;
use crate::catalogue::root;
use crate::tenancy::masked;

/// What a table is, in words that both engines share.
#[derive(Debug, Default, PartialEq, Eq)]
struct Table {
    /// Name, type and whether it may be empty.
    columns: BTreeMap<String, (&'static str, bool)>,
    primary_key: Vec<String>,
    unique: BTreeSet<Vec<String>>,
    /// Columns, table and columns that they refer to.
    foreign_keys: BTreeSet<(Vec<String>, String, Vec<String>)>,
    /// Name, columns, and the condition without its spaces and parentheses.
    indexes: BTreeSet<(String, Vec<String>, String)>,
    checks: usize,
}

/// Indexes of one engine for what only this engine does.
const ONLY_POSTGRES: [&str; 1] = ["change_log_unsealed"];
/// Columns whose text PostgreSQL keeps as it is, where SQLite has text for everything.
const KINDS: [(&str, &[&str]); 3] = [
    (
        "INTEGER",
        &["bigint", "timestamp with time zone", "boolean"],
    ),
    ("TEXT", &["text", "jsonb", "date"]),
    ("BLOB", &["bytea"]),
];

fn condition(text: &str) -> String {
    let plain = text
        .to_lowercase()
        .chars()
        .filter(|c| !c.is_whitespace() && !"()\"".contains(*c))
        .collect::<String>();
    plain
        .split_once("where")
        .map_or(String::new(), |(_, condition)| {
            // PostgreSQL says of each text that it is one.
            condition.trim_end_matches(';').replace("::text", "")
        })
}

/// What an index holds of: what is unique in the whole table is said there.
fn of_index(name: &str, unique: bool, condition: String) -> String {
    if !unique {
        return condition;
    }
    assert!(!condition.is_empty(), "{name}: say UNIQUE in the table");
    format!("unique {condition}")
}

async fn sqlite_rows(
    connection: &mut SqliteConnection,
    statement: String,
) -> Vec<sqlx::sqlite::SqliteRow> {
    connection
        .fetch_all(sqlx::raw_sql(AssertSqlSafe(statement)))
        .await
        .unwrap()
}

async fn sqlite_schema(app: &TestApp) -> BTreeMap<String, Table> {
    let Database::Sqlite(path) = &app.database else {
        panic!("not SQLite")
    };
    let mut connection = SqliteConnection::connect(&format!("sqlite://{}?mode=ro", path.display()))
        .await
        .unwrap();
    let mut tables = BTreeMap::new();
    let named = "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '_sqlx%'";
    for row in sqlite_rows(&mut connection, named.to_owned()).await {
        let (name, definition): (String, String) = (row.get("name"), row.get("sql"));
        assert!(definition.contains("STRICT"), "{name} is not STRICT");
        let mut table = Table {
            checks: definition.matches("CHECK (").count(),
            ..Table::default()
        };
        let mut key = BTreeMap::new();
        for column in sqlite_rows(&mut connection, format!("PRAGMA table_xinfo('{name}')")).await {
            let (at, kind): (i64, String) = (column.get("pk"), column.get("type"));
            let kind = KINDS.iter().find(|(sqlite, _)| *sqlite == kind).unwrap().0;
            // A part of the primary key of a STRICT table is never NULL.
            let optional = column.get::<i64, _>("notnull") == 0 && at == 0;
            table.columns.insert(column.get("name"), (kind, optional));
            if at > 0 {
                key.insert(at, column.get("name"));
            }
        }
        table.primary_key = key.into_values().collect();
        // Elsewhere the workspace comes first; here `id` is the row's own number, which is the quickest way to it.
        if table.primary_key == ["id"] && table.columns.contains_key("workspace") {
            table.primary_key.insert(0, "workspace".into());
        }
        let mut foreign: BTreeMap<i64, (Vec<String>, String, Vec<String>)> = BTreeMap::new();
        for part in sqlite_rows(
            &mut connection,
            format!("PRAGMA foreign_key_list('{name}')"),
        )
        .await
        {
            let entry =
                foreign
                    .entry(part.get("id"))
                    .or_insert((vec![], part.get("table"), vec![]));
            entry.0.push(part.get("from"));
            entry.2.push(
                part.get::<Option<String>, _>("to")
                    .unwrap_or_else(|| "id".into()),
            );
        }
        table.foreign_keys = foreign.into_values().collect();
        for index in sqlite_rows(&mut connection, format!("PRAGMA index_list('{name}')")).await {
            let (index_name, origin): (String, String) = (index.get("name"), index.get("origin"));
            let parts = sqlite_rows(
                &mut connection,
                format!("PRAGMA index_info('{index_name}')"),
            )
            .await;
            let columns: Vec<String> = parts.iter().map(|part| part.get("name")).collect();
            match origin.as_str() {
                "u" if columns != table.primary_key => drop(table.unique.insert(columns)),
                "c" => {
                    let sql = format!("SELECT sql FROM sqlite_master WHERE name = '{index_name}'");
                    let sql: String = sqlite_rows(&mut connection, sql).await[0].get("sql");
                    let unique = index.get::<i64, _>("unique") == 1;
                    let condition = of_index(&index_name, unique, condition(&sql));
                    table.indexes.insert((index_name, columns, condition));
                }
                _ => {}
            }
        }
        tables.insert(name, table);
    }
    tables
}

async fn postgres_rows(
    connection: &mut PgConnection,
    statement: &str,
) -> Vec<sqlx::postgres::PgRow> {
    connection
        .fetch_all(sqlx::raw_sql(AssertSqlSafe(statement.to_owned())))
        .await
        .unwrap()
}

/// The columns of a key, in its order: `$key` is an array of column numbers of the table `$of`.
fn columns_of(key: &str, of: &str) -> String {
    format!(
        "ARRAY(SELECT a.attname::text FROM unnest({key}) WITH ORDINALITY AS k (n, i)
               JOIN pg_attribute a ON a.attrelid = {of} AND a.attnum = k.n ORDER BY k.i)"
    )
}

async fn postgres_schema(app: &TestApp) -> BTreeMap<String, Table> {
    let Database::Postgres(url) = &app.database else {
        panic!("not PostgreSQL")
    };
    let mut connection = PgConnection::connect(url).await.unwrap();
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    let columns = "SELECT table_name::text AS name, column_name::text AS col, data_type::text AS kind, is_nullable = 'YES' AS optional
                   FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '\\_sqlx%'";
    for row in postgres_rows(&mut connection, columns).await {
        let kind: String = row.get("kind");
        let kind = KINDS
            .iter()
            .find(|(_, kinds)| kinds.contains(&kind.as_str()));
        let kind = kind
            .unwrap_or_else(|| panic!("{}: no such type on SQLite", row.get::<String, _>("name")))
            .0;
        let table = tables.entry(row.get("name")).or_default();
        table
            .columns
            .insert(row.get("col"), (kind, row.get("optional")));
    }
    let constraints = format!(
        "SELECT c.conrelid::regclass::text AS name, c.contype::text AS kind, {} AS columns,
                coalesce(nullif(c.confrelid, 0)::regclass::text, '') AS target, {} AS target_columns
         FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace AND n.nspname = 'public'
         WHERE c.conrelid <> 0 AND c.conrelid::regclass::text NOT LIKE '\\_sqlx%'",
        columns_of("c.conkey", "c.conrelid"),
        columns_of("c.confkey", "c.confrelid"),
    );
    for row in postgres_rows(&mut connection, &constraints).await {
        let table = tables.get_mut(&row.get::<String, _>("name")).unwrap();
        let columns: Vec<String> = row.get("columns");
        match row.get::<String, _>("kind").as_str() {
            "p" => table.primary_key = columns,
            "u" => drop(table.unique.insert(columns)),
            "f" => drop(table.foreign_keys.insert((
                columns,
                row.get("target"),
                row.get("target_columns"),
            ))),
            "c" => table.checks += 1,
            _ => {}
        }
    }
    let indexes = format!(
        "SELECT i.indrelid::regclass::text AS name, i.indexrelid::regclass::text AS index, {} AS columns,
                pg_get_indexdef(i.indexrelid) AS sql, i.indisunique AS is_unique
         FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'public' AND NOT EXISTS (SELECT FROM pg_constraint x WHERE x.conindid = i.indexrelid)",
        columns_of("i.indkey::int2[]", "i.indrelid"),
    );
    for row in postgres_rows(&mut connection, &indexes).await {
        let index: String = row.get("index");
        let condition = condition(&row.get::<String, _>("sql"));
        let condition = of_index(&index, row.get("is_unique"), condition);
        if !ONLY_POSTGRES.contains(&index.as_str()) {
            let table = tables.get_mut(&row.get::<String, _>("name")).unwrap();
            table.indexes.insert((index, row.get("columns"), condition));
        }
    }
    tables
}

fn migrations(engine: &str) -> BTreeSet<String> {
    let folder = root().join("migrations").join(engine);
    std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn both_engines_have_the_same_migrations() {
    let (sqlite, postgres) = (migrations("sqlite"), migrations("postgres"));
    assert!(!sqlite.is_empty());
    assert_eq!(sqlite, postgres);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_engines_have_the_same_schema() {
    let sqlite = sqlite_schema(&TestApp::new(Engine::Sqlite, MODULES).await).await;
    let postgres = postgres_schema(&TestApp::new(Engine::Postgres, MODULES).await).await;
    let names = |schema: &BTreeMap<String, Table>| schema.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&sqlite), names(&postgres));
    assert!(sqlite.len() > 5);
    let mut keys = 0;
    for (name, table) in &sqlite {
        assert_eq!(
            table, &postgres[name],
            "{name} (left SQLite, right PostgreSQL)"
        );
        keys += table.foreign_keys.len() + table.unique.len() + table.indexes.len() + table.checks;
        assert!(!table.primary_key.is_empty(), "{name}");
        // Every index that serves a query of a workspace starts with it.
        let of_workspace =
            table.columns.contains_key("workspace") && table.columns.contains_key("archived_at");
        for (index, columns, _) in table.indexes.iter().filter(|_| of_workspace) {
            assert_eq!(columns[0], "workspace", "{index}");
        }
    }
    assert!(
        keys > 20,
        "only {keys} constraints and indexes were compared"
    );
}

/// What is unique in a table of workspaces is so in each of them, and a record is found by its workspace first: then the rows
/// of a workspace can lie together, on a machine of their own.
#[tokio::test(flavor = "multi_thread")]
async fn every_key_contains_the_workspace() {
    /// They belong to the whole database; the migration says why.
    const OF_ALL: [&str; 5] = ["api_key", "clock", "counter", "log_anchor", "workspace"];
    let schema = postgres_schema(&TestApp::new(Engine::Postgres, MODULES).await).await;
    let mut without = Vec::new();
    for (name, table) in &schema {
        if !table.columns.contains_key("workspace") {
            without.push(name.as_str());
            continue;
        }
        assert_eq!(table.primary_key[0], "workspace", "{name}");
        let unique = table.indexes.iter();
        let unique = unique.filter(|(.., condition)| condition.starts_with("unique"));
        for columns in unique.map(|(_, columns, _)| columns).chain(&table.unique) {
            let is_in_workspace = columns.iter().any(|column| column == "workspace");
            assert!(is_in_workspace, "{name}: {columns:?}");
        }
        for (columns, target, _) in &table.foreign_keys {
            let is_in_workspace = columns.iter().any(|column| column == "workspace");
            assert!(
                is_in_workspace || OF_ALL.contains(&target.as_str()),
                "{name}: {columns:?} to {target}"
            );
        }
    }
    assert_eq!(without, OF_ALL);
}

/// The plan of a statement as calls run it: under their role, in a workspace.
async fn plan(app: &TestApp, workspace: i64, statement: &str) -> String {
    let Database::Postgres(url) = &app.database else {
        panic!("not PostgreSQL")
    };
    let mut connection = PgConnection::connect(url).await.unwrap();
    // The tables of a test are so small that reading them whole costs least.
    let settings = format!(
        "BEGIN; SET LOCAL ROLE bureau_app; SET LOCAL bureau.workspace = '{workspace}'; SET LOCAL enable_seqscan = off;
         SET LOCAL enable_bitmapscan = off"
    );
    connection
        .execute(sqlx::raw_sql(AssertSqlSafe(settings)))
        .await
        .unwrap();
    let lines = postgres_rows(&mut connection, &format!("EXPLAIN {statement}")).await;
    let lines: Vec<String> = lines.iter().map(|line| line.get(0)).collect();
    lines.join("\n")
}

/// The wall between workspaces is no filter over what was read, and hides no index from a list.
#[tokio::test(flavor = "multi_thread")]
async fn policies_are_conditions_of_the_index() {
    let app = TestApp::new(Engine::Postgres, MODULES).await;
    let owner = app.owner().await;
    let workspace = owner.workspace.id.raw();
    let policies = app
        .rows(bureau_kernel::store::sql(
            "SELECT tablename::TEXT AS name, qual AS condition FROM pg_policies WHERE qual LIKE '%SELECT%'",
        ))
        .await;
    assert_eq!(policies.len(), 0, "a policy holds a query");
    let unscoped = plan(
        &app,
        workspace,
        "SELECT id FROM company WHERE archived_at IS NULL ORDER BY sort_name LIMIT 10",
    )
    .await;
    assert!(
        unscoped.contains("company_by_name")
            && unscoped.contains("Index Cond: (workspace = (NULLIF(current_setting("),
        "{unscoped}"
    );
    for (statement, index) in [
        (
            "SELECT id FROM company WHERE workspace = $ AND archived_at IS NULL ORDER BY sort_name LIMIT 10",
            "company_by_name",
        ),
        (
            "SELECT name FROM company WHERE workspace = $ AND id = 7",
            "company_pkey",
        ),
        (
            "SELECT id FROM deal WHERE workspace = $ AND archived_at IS NULL ORDER BY created_at DESC, id DESC LIMIT 10",
            "deal_by_created",
        ),
        (
            "SELECT id FROM change_log WHERE workspace = $ AND call = 7 AND id < 9 ORDER BY id DESC LIMIT 10",
            "change_log_call",
        ),
        (
            "SELECT record FROM record_key WHERE workspace = $ AND entity = 'contact' AND field = 'email' AND value = 'a'",
            "record_key_pkey",
        ),
    ] {
        let plan = plan(
            &app,
            workspace,
            &statement.replace('$', &workspace.to_string()),
        )
        .await;
        assert!(
            plan.contains(index)
                && plan.contains("Index Cond: ((workspace = ")
                    | plan.contains("Index Cond: (workspace = "),
            "{plan}"
        );
        assert!(!plan.contains("Sort"), "{plan}");
        assert!(
            !plan
                .lines()
                .any(|line| line.trim().starts_with("Filter: ") && line.contains("workspace")),
            "{plan}"
        );
    }
}

/// Names that engines order differently when they are asked to do it their own way.
const NAMES: [&str; 18] = [
    "ada",
    "Ada",
    "ADA",
    "Äda",
    "ädb",
    "Zoë",
    "zoe",
    "Émile",
    "emil",
    "Ødegaard",
    "Œuvre",
    "İpek",
    "ipek",
    "שרה",
    "Ольга",
    "日本",
    "a b",
    "a-b",
];

/// An app whose index is made: until then a search looks into the database, newest first.
async fn indexed(engine: Engine) -> TestApp {
    let app = TestApp::new(engine, MODULES).await;
    let search = app.dispatcher.app().search.as_ref().unwrap();
    while !search.status().ready {
        tokio::task::yield_now().await;
    }
    app
}

/// Calls in order; `{n}` stands for the id of the n-th record that was made.
fn script() -> Vec<(&'static str, Value)> {
    let mut calls: Vec<(&'static str, Value)> = Vec::new();
    for (index, name) in NAMES.iter().enumerate() {
        let score = (index * 7) % 5;
        calls.push((
            "create_contact",
            json!({"name": name, "score": score, "tags": [name, "all"], "city": name}),
        ));
    }
    for name in NAMES {
        calls.push(("search_contacts", json!({"query": name})));
        calls.push(("search_contacts", json!({"city": name})));
        calls.push(("search_contacts", json!({"tags": [name]})));
    }
    for sort in ["name", "score", "created_at", "updated_at"] {
        for descending in [false, true] {
            calls.push((
                "search_contacts",
                json!({"sort": sort, "descending": descending, "limit": 100}),
            ));
        }
    }
    let twice = json!({"name": "Twice", "emails": ["twice@x.example"], "on_duplicate": "create"});
    for email in [
        "b@x.example",
        "A@x.example",
        "a-a@x.example",
        "é@x.example",
        "twice@x.example",
    ] {
        for _ in 0..2 {
            let mut call = twice.clone();
            call["emails"] = json!([email]);
            calls.push(("create_contact", call));
        }
    }
    calls.extend([
        ("find_duplicate_contacts", json!({})),
        ("find_duplicate_contacts", json!({"limit": 2})),
        ("create_contact", json!({"name": "Twice", "emails": ["twice@x.example"]})),
        ("create_contact", json!({"name": "Twice", "emails": ["twice@x.example"], "on_duplicate": "return"})),
        ("create_contact", json!({"name": "Again", "emails": ["twice@x.example"], "on_duplicate": "update", "title": "T"})),
        ("update_contact", json!({"contact": "{0}", "summary": "Two\nlines", "links": ["https://x.example"], "version": 1})),
        ("update_contact", json!({"contact": "{0}", "summary": "Other", "version": 1})),
        ("update_contact", json!({"contact": "{1}", "reports_to": "{0}"})),
        ("delete_contact", json!({"contact": "{0}"})),
        ("delete_contact", json!({"contact": "{0}", "confirm": true})),
        ("merge_contacts", json!({"keep": "{2}", "merge": ["{0}", "{3}"], "confirm": true})),
        ("get_contact", json!({"contact": "{1}"})),
        ("get_contact", json!({"contact": "{0}"})),
        ("delete_contact", json!({"contact": "{4}", "purge": true, "confirm": true})),
        ("get_contact", json!({"contact": "{4}"})),
        ("update_contact", json!({"contact": "{5}", "clear": ["tags", "city", "score"], "dry_run": true})),
        ("update_contact", json!({"contact": "{5}", "clear": ["tags", "city", "score"]})),
        ("create_contact", json!({"name": "Key", "idempotency_key": "k"})),
        ("create_contact", json!({"name": "Key", "idempotency_key": "k"})),
        ("create_contact", json!({"name": "Other", "idempotency_key": "k"})),
        ("search_contacts", json!({"created_after": "today", "limit": 3, "fields": ["name"]})),
        ("search_contacts", json!({"created_before": "yesterday"})),
        ("list_changes", json!({"limit": 100})),
        ("list_changes", json!({"limit": 100, "oldest_first": true, "tool": "update_contact"})),
        ("list_changes", json!({"record": "{0}"})),
        ("undo_change", json!({"change": "chg_0000000000001"})),
    ]);
    calls
}

fn filled(arguments: &Value, ids: &[String]) -> Value {
    let mut text = arguments.to_string();
    for (index, id) in ids.iter().enumerate() {
        text = text.replace(&format!("{{{index}}}"), id);
    }
    serde_json::from_str(&text).unwrap()
}

/// The answers to the script, without what differs from one run to the next.
async fn answers(engine: Engine) -> Vec<String> {
    let app = indexed(engine).await;
    let owner = app.owner().await;
    let mut ids: Vec<String> = Vec::new();
    let mut answers = Vec::new();
    for (tool, arguments) in script() {
        let outcome = app.outcome(&owner, tool, filled(&arguments, &ids)).await;
        let answer = match outcome {
            bureau_kernel::dispatch::Outcome::Done(answer) => answer,
            bureau_kernel::dispatch::Outcome::Failed(error) => error.to_json(),
            other => panic!("{other:?}"),
        };
        if tool == "create_contact"
            && let Some(id) = answer.pointer("/data/id").and_then(Value::as_str)
        {
            ids.push(id.to_owned());
        }
        // Identifiers by their number, so that the same records are named in the same places.
        let mut text = answer.to_string();
        for (index, id) in ids.iter().enumerate() {
            text = text.replace(id, &format!("<{index}>"));
        }
        let answer: Value = serde_json::from_str(&text).unwrap();
        answers.push(format!("{tool} {arguments}\n  {}", masked(&answer)));
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn both_engines_answer_the_same() {
    let (sqlite, postgres) = (
        answers(Engine::Sqlite).await,
        answers(Engine::Postgres).await,
    );
    for (sqlite, postgres) in sqlite.iter().zip(&postgres) {
        assert_eq!(sqlite, postgres, "left SQLite, right PostgreSQL");
    }
    assert!(sqlite.iter().any(|answer| answer.contains("CONFLICT")) && sqlite.len() > 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_listed_as_people_look_for_them() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        for name in [
            "zoe",
            "Äda",
            "Bob",
            "ada",
            "Zoë",
            "adb",
            "Ольга",
            "Émile",
            "emil",
        ] {
            app.ok(&owner, "create_contact", json!({"name": name}))
                .await;
        }
        let found = app
            .ok(&owner, "search_contacts", json!({"fields": ["name"]}))
            .await;
        let names: Vec<&str> = found["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["name"].as_str().unwrap())
            .collect();
        assert_eq!(
            names,
            [
                "Äda",
                "ada",
                "adb",
                "Bob",
                "emil",
                "Émile",
                "zoe",
                "Zoë",
                "Ольга"
            ],
            "{engine:?}"
        );
    }
}

/// Every offered order, from the tool's own schema.
fn sorts() -> Vec<String> {
    let registry = crate::catalogue::registry();
    let entry = registry
        .entries()
        .find(|entry| entry.spec.name == "search_contacts")
        .unwrap();
    let names = entry.wire().input_schema["properties"]["sort"]["enum"]
        .as_array()
        .unwrap();
    names
        .iter()
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}

/// The ids of a list read in pages of two, with something done after each page.
async fn paged(
    app: &TestApp,
    owner: &Caller,
    arguments: &Value,
    mut between: impl AsyncFnMut(usize),
) -> Vec<String> {
    let mut seen = Vec::new();
    let mut arguments = arguments.clone();
    arguments["limit"] = 2.into();
    for page in 0..500 {
        let answer = app.ok(owner, "search_contacts", arguments.clone()).await;
        let rows = answer["data"].as_array().unwrap();
        assert!(rows.len() <= 2);
        seen.extend(
            rows.iter()
                .map(|row| row["id"].as_str().unwrap().to_owned()),
        );
        match answer.pointer("/page/next") {
            Some(next) => arguments["cursor"] = next.clone(),
            None => return seen,
        }
        between(page).await;
    }
    panic!("the list does not end");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_hold_each_row_once_in_every_order_also_while_rows_come() {
    let sorts = sorts();
    assert!(sorts.len() >= 4);
    for engine in ENGINES {
        for sort in &sorts {
            for descending in [false, true] {
                let app = TestApp::new(engine, MODULES).await;
                let owner = app.owner().await;
                for (index, name) in NAMES.iter().enumerate() {
                    let score = index % 3;
                    app.ok(
                        &owner,
                        "create_contact",
                        json!({"name": name, "score": score}),
                    )
                    .await;
                }
                let list = json!({"sort": sort, "descending": descending});
                let mut whole = list.clone();
                whole["limit"] = 100.into();
                let whole = app.ok(&owner, "search_contacts", whole).await;
                let ids: Vec<String> = whole["data"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|row| row["id"].as_str().unwrap().into())
                    .collect();
                assert_eq!(ids.len(), NAMES.len());

                let paged_ids = paged(&app, &owner, &list, async |_| {}).await;
                assert_eq!(paged_ids, ids, "{sort} {descending} on {engine:?}");

                // Rows come in everywhere, and one of those that were read goes.
                let meanwhile = paged(&app, &owner, &list, async |page| {
                    if page < 12 {
                        let name = ["aaa", "Zzz", "m", "שרה", "Ä"][page % 5];
                        app.ok(
                            &owner,
                            "create_contact",
                            json!({"name": name, "score": page % 4}),
                        )
                        .await;
                    }
                })
                .await;
                let once: BTreeSet<&String> = meanwhile.iter().collect();
                assert_eq!(
                    once.len(),
                    meanwhile.len(),
                    "{sort} {descending} on {engine:?}: a row came twice"
                );
                let old: Vec<&String> = meanwhile.iter().filter(|id| ids.contains(id)).collect();
                assert_eq!(
                    old,
                    ids.iter().collect::<Vec<_>>(),
                    "{sort} {descending} on {engine:?}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_a_search_hold_each_match_once() {
    for engine in ENGINES {
        let app = indexed(engine).await;
        let owner = app.owner().await;
        for index in 0..15 {
            app.ok(
                &owner,
                "create_contact",
                json!({"name": format!("Smith {index}"), "city": "Berlin"}),
            )
            .await;
        }
        for list in [
            json!({"query": "smith"}),
            json!({"query": "berlin", "created_after": "today"}),
        ] {
            let seen = paged(&app, &owner, &list, async |_| {}).await;
            let once: BTreeSet<&String> = seen.iter().collect();
            assert_eq!((seen.len(), once.len()), (15, 15), "{list} on {engine:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_of_changes_holds_each_change_once_also_while_more_are_made() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        for name in NAMES {
            app.ok(&owner, "create_contact", json!({"name": name}))
                .await;
        }
        let mut arguments = json!({"oldest_first": true, "limit": 2, "tool": "create_contact"});
        let mut seen = Vec::new();
        for page in 0..40 {
            let answer = app.ok(&owner, "list_changes", arguments.clone()).await;
            let rows = answer["data"].as_array().unwrap();
            seen.extend(
                rows.iter()
                    .map(|row| row["change"].as_str().unwrap().to_owned()),
            );
            arguments["cursor"] = answer["page"]["next"].clone();
            if page < 10 {
                app.ok(
                    &owner,
                    "create_contact",
                    json!({"name": format!("Later {page}")}),
                )
                .await;
            }
        }
        let once: BTreeSet<&String> = seen.iter().collect();
        assert_eq!(
            (seen.len(), once.len()),
            (NAMES.len() + 10, NAMES.len() + 10),
            "{engine:?}"
        );
    }
}
