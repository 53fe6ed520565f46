//! An app over a filled database.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bureau_kernel::admin::{self, NewKey, NewMember};
use bureau_kernel::caller::{Caller, Role};
use bureau_kernel::dispatch::{Call, Dispatcher, Outcome, Settings};
use bureau_kernel::permission::Grants;
use bureau_kernel::provision::provision;
use bureau_kernel::registry::{Registry, Selection};
use bureau_kernel::store::{Database, OpenOptions, Store};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::common::firm::{Firm, Sizes, Way};
use crate::common::rows::Rows;

const MEMBERS: usize = 50;

/// The way in, and what is behind it.
pub(crate) struct BenchApp {
    pub(crate) dispatcher: Arc<Dispatcher>,
    owner: Caller,
    pub(crate) firm: Firm,
}

impl BenchApp {
    /// Opens the database, and fills it where that was not done.
    pub(crate) async fn open(
        database: Database,
        folder: &Path,
        sizes: Sizes,
        with_index: bool,
    ) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let filled = folder.join("filled");
        if !filled.exists() {
            let began = std::time::Instant::now();
            let now = Utc::now();
            prepare(&database).await;
            let mut rows = Rows::open(&database).await;
            let firm = firm(&mut rows, now, sizes).await;
            firm.write(&mut rows).await;
            rows.close().await;
            std::fs::write(&filled, now.to_rfc3339()).unwrap();
            eprintln!("filled in {} s", began.elapsed().as_secs());
        }
        let now = std::fs::read_to_string(&filled).unwrap();
        let now = now.parse::<DateTime<Utc>>().unwrap();
        let mut rows = Rows::open(&database).await;
        let firm = firm(&mut rows, now, sizes).await;
        rows.close().await;
        let (dispatcher, owner) = way_in(&database, with_index.then(|| folder.join("index"))).await;
        let app = Self {
            dispatcher,
            owner,
            firm,
        };
        if with_index {
            app.wait_for_index().await;
        }
        app
    }

    async fn wait_for_index(&self) {
        let Sizes {
            contacts,
            companies,
            deals,
            activities,
            ..
        } = self.firm.sizes;
        let began = std::time::Instant::now();
        let ready = || {
            let search = self.dispatcher.app().search.as_ref();
            let status = search.map(bureau_kernel::search::Search::status);
            status.is_some_and(|status| {
                status.ready && status.documents >= contacts + companies + deals + activities
            })
        };
        while !ready() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        eprintln!("index ready after {} s", began.elapsed().as_secs());
    }

    /// A call that has to succeed.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Value {
        call(&self.dispatcher, &self.owner, tool, arguments).await
    }

    pub(crate) async fn close(self) {
        let store = self.dispatcher.app().store.clone();
        drop(self.dispatcher);
        store.close().await;
    }
}

async fn call(
    dispatcher: &Arc<Dispatcher>,
    caller: &Caller,
    tool: &str,
    arguments: Value,
) -> Value {
    let call = Call {
        tool: tool.into(),
        arguments: arguments.as_object().cloned().unwrap(),
        ..Call::default()
    };
    match dispatcher.call(caller.clone(), call).await {
        Outcome::Done(answer) => answer,
        other => panic!("{tool} {arguments}: {other:?}"),
    }
}

async fn way_in(database: &Database, index: Option<PathBuf>) -> (Arc<Dispatcher>, Caller) {
    let store = Store::open(&OpenOptions::new(database.clone()))
        .await
        .unwrap();
    admin::bootstrap(&store).await.unwrap();
    let selection = Selection {
        features: vec!["all".into()],
        ..Selection::default()
    };
    let modules = [
        bureau_activities::MODULE,
        bureau_companies::MODULE,
        bureau_contacts::MODULE,
        bureau_deals::MODULE,
        bureau_history::MODULE,
        bureau_pipeline::MODULE,
        bureau_workspace::MODULE,
        crate::check::MODULE,
    ];
    let registry = Registry::new(&modules, &selection).unwrap();
    provision(&store, &modules, || Ok(Arc::clone(&registry)))
        .await
        .unwrap();
    let settings = Settings {
        call_limit: Duration::from_secs(600),
        ..Settings::default()
    };
    let dispatcher = Dispatcher::new(store, registry, index.as_deref(), settings).unwrap();
    let owner = dispatcher.operator(None).await.unwrap();
    (dispatcher, owner)
}

/// Makes what the firm's records refer to, the usual way.
async fn prepare(database: &Database) {
    let (dispatcher, owner) = way_in(database, None).await;
    let store = dispatcher.app().store.clone();
    for number in 1..MEMBERS {
        let member = NewMember {
            name: format!("Member {number}"),
            email: Some(format!("member-{number}@firm.example")),
            title: None,
            role: Role::Member,
        };
        admin::add_member(&store, "main", member).await.unwrap();
    }
    for number in 0..3 {
        let known = dispatcher.registry().permissions();
        let key = NewKey {
            name: format!("Key {number}"),
            grants: Grants::parse(["read_deals"], &known).unwrap(),
            workspaces: vec!["main".into()],
            member: None,
            expires_at: None,
            confirm: None,
            calls_per_hour: None,
        };
        admin::create_key(&store, key).await.unwrap();
    }
    let renewals = json!({ "name": "Renewals", "stages": [
        { "name": "Due", "probability": 60 },
        { "name": "Offer sent", "probability": 80, "rotting_days": 14 },
    ]});
    call(&dispatcher, &owner, "create_pipeline", renewals).await;
    // On PostgreSQL the log is sealed a moment later, and what is written past it follows its last seal.
    let mut rows = Rows::open(database).await;
    while rows
        .numbers("SELECT id FROM change_log WHERE position IS NULL")
        .await
        .is_empty()
        .eq(&false)
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    rows.close().await;
    drop(dispatcher);
    store.close().await;
}

/// The firm as it is planned, over what is in the database.
async fn firm(rows: &mut Rows, now: DateTime<Utc>, sizes: Sizes) -> Firm {
    let workspace = rows.numbers("SELECT id FROM workspace").await[0];
    let members = rows.numbers("SELECT id FROM member ORDER BY id").await;
    let keys = rows.numbers("SELECT id FROM api_key ORDER BY id").await;
    let mut ways = Vec::new();
    for pipeline in rows.numbers("SELECT id FROM pipeline ORDER BY id").await {
        let stages = async |rows: &mut Rows, kind: &str| {
            let text = format!(
                "SELECT id FROM stage WHERE pipeline = {pipeline} AND kind = '{kind}' ORDER BY position"
            );
            rows.numbers(&text).await
        };
        ways.push(Way {
            pipeline,
            open: stages(rows, "open").await,
            won: stages(rows, "won").await[0],
            lost: stages(rows, "lost").await[0],
        });
    }
    Firm {
        workspace,
        sizes,
        now,
        members,
        keys,
        ways,
    }
}
