//! What the registry costs: once at the start, and on every call.

#![allow(clippy::unwrap_used)]

use bureau::boot;
use bureau_kernel::store::{Database, OpenOptions, Store};
use bureau_kernel::{admin, dispatch::Dispatcher, dispatch::Settings};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

fn registry(c: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (dispatcher, operator) = runtime.block_on(async {
        let database = Database::Sqlite(folder.path().join("bureau.sqlite"));
        let store = Store::open(&OpenOptions::new(database)).await.unwrap();
        admin::bootstrap(&store).await.unwrap();
        let registry = boot::whole_registry().unwrap();
        let dispatcher = Dispatcher::new(store, registry, None, Settings::default()).unwrap();
        let operator = dispatcher.operator(None).await.unwrap();
        (dispatcher, operator)
    });
    c.bench_function("registry/put together", |b| {
        b.iter(|| black_box(boot::whole_registry().unwrap()));
    });
    c.bench_function("registry/tools of a caller", |b| {
        b.iter(|| black_box(dispatcher.visible(&operator).count()));
    });
    c.bench_function("registry/one tool of a caller", |b| {
        b.iter(|| {
            let registry = dispatcher.registry();
            black_box(registry.for_caller(&operator, "search_contacts").is_ok())
        });
    });
}

criterion_group!(benches, registry);
criterion_main!(benches);
