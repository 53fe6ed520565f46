//! Invoices in process, on both engines: drafts with few and with many lines, and issuing, alone and by many at once.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    unused_crate_dependencies
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::{Call, Outcome};
use bureau_kernel::prelude::*;
use bureau_kernel::testing::{ENGINES, Engine, TestApp};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use futures::FutureExt as _;
use serde_json::{Value, json};

/// Clients that issue at once.
const CLIENTS: usize = 16;

/// Notes the seller's details, without which nothing can be issued.
const OWNER: Module = Module {
    name: "owner",
    uses: &[&bureau_invoicing::MODULE],
    provision: Some(|cx| note_seller(cx).boxed()),
    ..Module::EMPTY
};

async fn note_seller(cx: &mut Cx) -> Result<()> {
    let seller = bureau_billing::seller(cx).await?.id;
    let mut edit = cx.edit(seller).await?;
    edit.street = ShortText::new("2 Mill Lane").ok();
    edit.city = ShortText::new("Berlin").ok();
    edit.country = ShortText::new("DE").ok();
    edit.vat_id = ShortText::new("DE123456789").ok();
    edit.save(cx).await.map(drop)
}

/// An app with one customer.
struct Firm {
    app: TestApp,
    owner: Caller,
    company: Value,
}

impl Firm {
    async fn new(engine: Engine) -> Self {
        let modules = [
            bureau_companies::MODULE,
            bureau_contacts::MODULE,
            bureau_deals::MODULE,
            bureau_invoicing::MODULE,
            OWNER,
        ];
        let app = TestApp::new(engine, &modules).await;
        let owner = app.owner().await;
        let mut firm = Self {
            app,
            owner,
            company: Value::Null,
        };
        let company = json!({ "name": "Buyer", "city": "Berlin", "country": "DE" });
        firm.company = firm.call("create_company", company).await;
        firm
    }

    /// Makes a call and answers the identifier in its answer.
    async fn call(&self, tool: &str, arguments: Value) -> Value {
        let call = Call {
            tool: tool.into(),
            arguments: arguments.as_object().cloned().unwrap(),
            ..Call::default()
        };
        match self.app.dispatcher.call(self.owner.clone(), call).await {
            Outcome::Done(mut answer) => answer["data"]["id"].take(),
            other => panic!("{other:?}"),
        }
    }

    /// What `create_invoice` is asked for so many lines of two rates, some with a discount.
    fn invoice(&self, lines: usize) -> Value {
        let line = |number: usize| {
            let mut line = json!({
                "description": format!("Service number {number}, as agreed"), "quantity": format!("{}.5", number % 9 + 1),
                "unit": "hour", "unit_price": format!("{}.3456", number % 97 + 3),
                "tax_rate": if number.is_multiple_of(3) { "7" } else { "19" },
            });
            if number.is_multiple_of(5) {
                line["discount"] = "10%".into();
            }
            line
        };
        let lines: Vec<Value> = (0..lines).map(line).collect();
        json!({ "company": self.company, "currency": "EUR", "discount": "2%", "lines": lines })
    }

    async fn drafts(&self, count: u64) -> Vec<Value> {
        let mut drafts = Vec::new();
        for _ in 0..count {
            drafts.push(self.call("create_invoice", self.invoice(10)).await);
        }
        drafts
    }

    /// Issues these drafts with so many clients at once, and answers how long it took.
    async fn issue(self: &Arc<Self>, drafts: Vec<Value>, clients: usize) -> Duration {
        let drafts = Arc::new(drafts);
        let next = Arc::new(AtomicUsize::new(0));
        let began = Instant::now();
        let tasks: Vec<_> = (0..clients)
            .map(|_| {
                let (firm, drafts, next) =
                    (Arc::clone(self), Arc::clone(&drafts), Arc::clone(&next));
                tokio::spawn(async move {
                    while let Some(draft) = drafts.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let issue = json!({ "invoice": draft, "confirm": true });
                        firm.call("issue_invoice", issue).await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        began.elapsed()
    }
}

fn invoices(c: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for engine in ENGINES {
        let firm = Arc::new(runtime.block_on(Firm::new(engine)));
        let mut group = c.benchmark_group(format!("invoices, {engine:?}"));
        group.sample_size(20);
        for lines in [10, 1_000] {
            let invoice = firm.invoice(lines);
            group.bench_function(BenchmarkId::new("create, lines", lines), |b| {
                b.to_async(&runtime)
                    .iter(|| firm.call("create_invoice", invoice.clone()));
            });
        }
        group.throughput(Throughput::Elements(1));
        for clients in [1, CLIENTS] {
            group.bench_function(BenchmarkId::new("issue, clients", clients), |b| {
                b.to_async(&runtime).iter_custom(|rounds| {
                    let firm = Arc::clone(&firm);
                    async move {
                        let drafts = firm.drafts(rounds).await;
                        firm.issue(drafts, clients).await
                    }
                });
            });
        }
        group.finish();
        let _inside = runtime.enter();
        drop(firm);
    }
}

criterion_group!(benches, invoices);
criterion_main!(benches);
