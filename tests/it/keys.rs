//! Who calls is looked up anew only when something was written, and what was arranged counts all the same.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bureau_kernel::admin;
use bureau_kernel::dispatch::Settings;
use bureau_kernel::error::Code;
use bureau_kernel::testing::{ENGINES, Engine, TestApp};
use serde_json::json;
use tempfile::TempDir;

use crate::MODULES;

/// Longer than PostgreSQL may leave another process in the dark, on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_revoked_opens_nothing_any_more_in_any_process() {
    for engine in ENGINES {
        let here = TestApp::new(engine, MODULES).await;
        let folder = Arc::new(TempDir::new().unwrap());
        let database = here.database.clone();
        let there = TestApp::at(database, folder, MODULES, Settings::default()).await;
        let (key, _) = here.key(&["full"]).await;
        for app in [&here, &there] {
            app.dispatcher.authenticate(&key, None).await.unwrap();
        }
        admin::revoke_key(here.store(), "test").await.unwrap();
        let refused = async |app: &TestApp| {
            let error = app.dispatcher.authenticate(&key, None).await.err();
            error.is_some_and(|error| error.code() == Code::Unauthorized)
        };
        assert!(refused(&here).await, "on {engine:?}");
        let asked = Instant::now();
        while !refused(&there).await {
            assert_eq!(engine, Engine::Postgres, "on SQLite it is so at once");
            assert!(
                asked.elapsed() < PATIENCE,
                "it is believed for a second at most"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_workspace_arranges_by_a_tool_holds_for_the_next_call() {
    for engine in ENGINES {
        let app = TestApp::new(engine, MODULES).await;
        let owner = app.owner().await;
        let (key, _) = app.key(&["full"]).await;
        let name = async || {
            let caller = app.dispatcher.authenticate(&key, None).await.unwrap();
            caller.workspace.name.clone()
        };
        let attributes = async || {
            let listing = app.dispatcher.listing(&owner).await.unwrap();
            listing.audience.attributes.len()
        };
        assert_eq!(attributes().await, 0);
        for round in 1..=3 {
            let called = format!("Round {round}");
            let renamed = json!({ "name": called, "confirm": true });
            app.ok(&owner, "update_workspace", renamed).await;
            assert_eq!(name().await, called, "on {engine:?}");
            let defined = json!({ "record_type": "contact", "name": format!("size_{round}"), "type": "text", "confirm": true });
            app.ok(&owner, "define_attribute", defined).await;
            assert_eq!(attributes().await, round, "on {engine:?}");
        }
    }
}
