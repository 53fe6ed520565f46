//! Searches in process, by what is typed: the index, and the rows that it names read from the database.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bureau_kernel::dispatch::{Call, Outcome};
use bureau_kernel::testing::{Engine, TestApp};
use common::{fill, people};
use criterion::{Criterion, criterion_group, criterion_main};

const CONTACTS: u64 = 20_000;

fn search(c: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let modules = [bureau_contacts::MODULE, fill::MODULE];
    let (app, owner) = runtime.block_on(async {
        let app = TestApp::new(Engine::Sqlite, &modules).await;
        let owner = app.owner().await;
        fill::fill(&app.dispatcher, &owner, 0..CONTACTS).await;
        let search = || app.dispatcher.app().search.as_ref().unwrap().status();
        while search().documents < CONTACTS {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        (app, owner)
    });
    let numbers = AtomicU64::new(0);
    let mut group = c.benchmark_group("search 20 k contacts");
    for (way, name) in people::WAYS.iter().enumerate() {
        group.bench_function(*name, |b| {
            b.to_async(&runtime).iter(|| async {
                let number = numbers.fetch_add(7_919, Ordering::Relaxed) % CONTACTS;
                let arguments = people::person(number).query(way as u64);
                let call = Call {
                    tool: "search_contacts".into(),
                    arguments: arguments.as_object().cloned().unwrap(),
                    ..Call::default()
                };
                match app.dispatcher.call(owner.clone(), call).await {
                    Outcome::Done(answer) => answer,
                    other => panic!("{other:?}"),
                }
            });
        });
    }
    group.finish();
    // The app's tasks end in its own runtime.
    let _inside = runtime.enter();
    drop(app);
}

criterion_group!(benches, search);
criterion_main!(benches);
