//! `bureau doctor`: is everything whole?

use std::sync::Arc;
use std::time::Duration;

use bureau_kernel::admin;
use bureau_kernel::changes;
use bureau_kernel::error::Error;
use bureau_kernel::pipeline::Pipeline;
use bureau_kernel::search::{Found, Query};
use bureau_kernel::store::{Database, Scope, Store};
use clap::Args;
use serde_json::json;

use super::{Failure, Result, print};
use crate::boot;
use crate::config::Config;

/// How long the search index may take to open before it is called late.
const INDEX_WAIT: Duration = Duration::from_secs(5);

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// One thing that was looked at.
struct Finding {
    what: &'static str,
    /// How it is, or what is wrong with it.
    result: Result<String, String>,
}

/// Looks at everything and changes nothing of the data.
pub(super) async fn run(config: &Config, arguments: &Arguments) -> Result<()> {
    let mut findings = vec![Finding {
        what: "configuration",
        result: configuration(config),
    }];
    match boot::open(config, true).await {
        Ok(store) => {
            findings.push(Finding {
                what: "database",
                result: database(config, &store).await,
            });
            findings.push(Finding {
                what: "change log",
                result: change_log(&store).await,
            });
            findings.push(Finding {
                what: "workspaces",
                result: workspaces(&store).await,
            });
            findings.push(Finding {
                what: "search index",
                result: index(config, &store).await,
            });
            store.close().await;
        }
        Err(error) => findings.push(Finding {
            what: "database",
            result: Err(error.to_string()),
        }),
    }
    let is_whole = findings.iter().all(|finding| finding.result.is_ok());
    if arguments.json {
        let checks: Vec<_> = findings
            .iter()
            .map(|finding| {
                let text = finding.result.as_ref().unwrap_or_else(|problem| problem);
                json!({ "check": finding.what, "ok": finding.result.is_ok(), "detail": text })
            })
            .collect();
        print::json(&json!({ "ok": is_whole, "checks": checks }))?;
    } else {
        let rows: Vec<[String; 3]> = findings
            .into_iter()
            .map(|finding| {
                let (word, text) = match finding.result {
                    Ok(text) => ("ok", text),
                    Err(text) => ("problem", text),
                };
                [word.to_owned(), finding.what.to_owned(), text]
            })
            .collect();
        print::out(&print::table(["", "check", "result"], &rows))?;
    }
    if is_whole { Ok(()) } else { Err(Failure::Said) }
}

fn configuration(config: &Config) -> Result<String, String> {
    boot::registry(config).map_err(|error| error.to_string())?;
    let file = config
        .file
        .as_ref()
        .map_or_else(|| "no file".to_owned(), |path| path.display().to_string());
    Ok(format!("{file}, data folder {}", config.data_dir.display()))
}

async fn database(config: &Config, store: &Store) -> Result<String, String> {
    let damage = store.integrity().await.map_err(|error| error.to_string())?;
    if let Some(first) = damage.first() {
        return Err(format!(
            "{first} ({} such findings). Stop every Bureau on it, keep a copy, and restore a backup.",
            damage.len()
        ));
    }
    Ok(match &config.database {
        Database::Sqlite(path) => {
            let bytes = std::fs::metadata(path)
                .map(|data| data.len())
                .unwrap_or_default();
            format!("{}, {} KiB, whole", path.display(), bytes.div_ceil(1024))
        }
        Database::Postgres(_) => "PostgreSQL answers".to_owned(),
    })
}

async fn change_log(store: &Store) -> Result<String, String> {
    let audit = changes::verify(store)
        .await
        .map_err(|error| error.to_string())?;
    match audit.broken {
        // The chain alone cannot show that its newest rows were cut off; its last hash, noted elsewhere, can.
        None => Ok(format!(
            "{} rows, the chain of hashes is whole and ends with {}",
            audit.rows,
            last_hash(store, audit.rows)
                .await
                .map_err(|error| error.to_string())?
        )),
        Some((position, what)) => Err(format!(
            "at position {position} {what}: somebody wrote to the database past Bureau. Compare with a backup."
        )),
    }
}

async fn last_hash(store: &Store, position: i64) -> Result<String, Error> {
    let mut tx = store.read(Scope::System).await?;
    let hash = changes::hash_at(&mut tx, position).await;
    tx.rollback().await;
    let short = |hash: String| hash.chars().take(16).collect();
    Ok(hash?.map_or_else(|| "nothing".to_owned(), short))
}

async fn workspaces(store: &Store) -> Result<String, String> {
    let workspaces = admin::list_workspaces(store)
        .await
        .map_err(|error| error.to_string())?;
    let keys = admin::list_keys(store)
        .await
        .map_err(|error| error.to_string())?;
    let slugs: Vec<_> = workspaces
        .into_iter()
        .map(|workspace| workspace.slug)
        .collect();
    if slugs.is_empty() {
        return Err(
            "there is none. Start Bureau once, or make one: bureau workspace create SLUG".into(),
        );
    }
    Ok(format!(
        "{}; keys that are not revoked: {}",
        slugs.join(", "),
        keys.iter().filter(|key| key.revoked_at.is_none()).count()
    ))
}

/// A missing or late index is no problem: it is made from the database whenever a server runs.
async fn index(config: &Config, store: &Store) -> Result<String, String> {
    let folder = boot::index_folder(config);
    if !folder.is_dir() {
        return Ok("not there yet; the next server makes it".into());
    }
    let open = || -> Result<Arc<Pipeline>, Error> {
        boot::server_pipeline(config, store.clone(), boot::whole_registry()?)
    };
    let pipeline = open().map_err(|error| error.to_string())?;
    let head = head(store).await.map_err(|error| error.to_string())?;
    let house = pipeline.house();
    let (Some(search), Some(record)) = (&house.search, house.registry.records().first()) else {
        return Err("there is none".into());
    };
    // A search waits for the index, also for one that another process keeps.
    let reach = Query {
        workspace: 0,
        kinds: vec![record.table()],
        text: String::new(),
        filters: Vec::new(),
        limit: 1,
        offset: 0,
        at_least: head,
    };
    let caught_up = async {
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        while search.find(reach.clone()).await == Found::NotReady {
            tick.tick().await;
        }
    };
    let in_time = tokio::time::timeout(INDEX_WAIT, caught_up).await.is_ok();
    let status = search.status();
    let state = if in_time {
        "up to date"
    } else {
        "still being built; searches use the database until then"
    };
    Ok(format!(
        "{} records, position {} of {head}, {state}",
        status.documents, status.position
    ))
}

async fn head(store: &Store) -> Result<i64, Error> {
    let mut tx = store.read(Scope::System).await?;
    let head = changes::head(&mut tx).await;
    tx.rollback().await;
    head
}
