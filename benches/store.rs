//! Reads and durable writes in process: the pool alone, the store over it, and whole calls.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    unused_crate_dependencies
)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bureau_contacts::Contact;
use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::{Call, Outcome};
use bureau_kernel::store::{Scope, sql};
use bureau_kernel::testing::{Engine, TestApp};
use bureau_kernel::types::id::Id;
use common::{fill, people};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{Value, json};

const CONTACTS: u64 = 10_000;
const ROW: &str = "SELECT id, version, created_at, updated_at, attributes, name, first_name, last_name, title, company,
                          emails, phones, city, country, links, types, tags, score
                   FROM contact WHERE workspace = $1 AND id = $2";

async fn call(app: &TestApp, caller: &Caller, tool: &str, arguments: Value) -> Value {
    let call = Call {
        tool: tool.into(),
        arguments: arguments.as_object().cloned().unwrap(),
        ..Call::default()
    };
    match app.dispatcher.call(caller.clone(), call).await {
        Outcome::Done(answer) => answer,
        other => panic!("{other:?}"),
    }
}

fn reads(c: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let modules = [bureau_contacts::MODULE, fill::MODULE];
    let (app, owner, id, pool) = runtime.block_on(async {
        let app = TestApp::new(Engine::Sqlite, &modules).await;
        let owner = app.owner().await;
        fill::fill(&app.dispatcher, &owner, 0..CONTACTS).await;
        let page = call(&app, &owner, "search_contacts", json!({ "limit": 1 })).await;
        let id = page["data"][0]["id"].as_str().unwrap().to_owned();
        let options = sqlx::sqlite::SqliteConnectOptions::new()
            .filename(app.folder.path().join("bureau.sqlite"))
            .read_only(true);
        let pool = sqlx::sqlite::SqlitePoolOptions::new()
            .max_connections(8)
            .test_before_acquire(false)
            .connect_lazy_with(options);
        (app, owner, id, pool)
    });
    let raw = id.parse::<Id<Contact>>().unwrap().raw();
    let workspace = owner.workspace.id;
    let store = app.dispatcher.app().store.clone();
    let mut group = c.benchmark_group("read one contact");
    group.bench_function("sqlx pool alone", |b| {
        b.to_async(&runtime).iter(|| async {
            let query = sqlx::query(ROW).bind(workspace.raw()).bind(raw);
            query.fetch_one(&pool).await.unwrap()
        });
    });
    group.bench_function("store", |b| {
        b.to_async(&runtime).iter(|| async {
            let mut tx = store.read(Scope::Workspace(workspace.raw())).await.unwrap();
            let row = sql(ROW).bind(workspace).bind(raw).row(&mut tx).await;
            tx.rollback().await;
            row.unwrap().unwrap()
        });
    });
    group.bench_function("whole call", |b| {
        b.to_async(&runtime)
            .iter(|| call(&app, &owner, "get_contact", json!({ "contact": id })));
    });
    group.finish();
    // The app's tasks end in its own runtime.
    let _inside = runtime.enter();
    drop(app);
}

/// Creates of many callers at once, each answered when it is on disk.
fn creates(c: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let modules = [bureau_contacts::MODULE];
    let app = Arc::new(runtime.block_on(TestApp::new(Engine::Sqlite, &modules)));
    let owner = runtime.block_on(app.owner());
    let numbers = Arc::new(AtomicU64::new(0));
    let mut group = c.benchmark_group("create durably");
    group.throughput(Throughput::Elements(1));
    group.measurement_time(Duration::from_secs(4));
    for callers in [1_u64, 16, 64] {
        group.bench_function(BenchmarkId::new("callers", callers), |b| {
            b.to_async(&runtime).iter_custom(|rounds| {
                let (app, owner, numbers) = (Arc::clone(&app), owner.clone(), Arc::clone(&numbers));
                async move {
                    let began = Instant::now();
                    let left = Arc::new(AtomicU64::new(rounds));
                    let tasks: Vec<_> = (0..callers)
                        .map(|_| {
                            let (app, owner) = (Arc::clone(&app), owner.clone());
                            let (numbers, left) = (Arc::clone(&numbers), Arc::clone(&left));
                            tokio::spawn(async move {
                                let take = |left: u64| left.checked_sub(1);
                                while left
                                    .try_update(Ordering::Relaxed, Ordering::Relaxed, take)
                                    .is_ok()
                                {
                                    let person =
                                        people::person(numbers.fetch_add(1, Ordering::Relaxed));
                                    let arguments = Value::Object(person.arguments());
                                    call(&app, &owner, "create_contact", arguments).await;
                                }
                            })
                        })
                        .collect();
                    for task in tasks {
                        task.await.unwrap();
                    }
                    began.elapsed()
                }
            });
        });
    }
    group.finish();
    let _inside = runtime.enter();
    drop(app);
}

criterion_group!(benches, reads, creates);
criterion_main!(benches);
