//! `bureau doctor`: is everything whole?

mod anchors;
mod files;
mod records;
mod tables;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bureau_kernel::admin;
use bureau_kernel::dispatch::Dispatcher;
use bureau_kernel::error::Error;
use bureau_kernel::heads::Heads;
use bureau_kernel::record::Cx;
use bureau_kernel::registry::Check;
use bureau_kernel::scheduler::{self, Queue};
use bureau_kernel::search::last_known;
use bureau_kernel::store::log::{self, Missing};
use bureau_kernel::store::{Database, Scope, Store, clock};
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
    /// Leave out what reads every record
    #[arg(long)]
    quick: bool,
}

/// One thing that was looked at.
struct Finding {
    what: &'static str,
    /// How it is, or what is wrong with it.
    result: Result<String, String>,
    /// The same for programs, where there is more to say than a sentence.
    more: Option<(&'static str, serde_json::Value)>,
}

impl Finding {
    fn new(what: &'static str, result: Result<String, String>) -> Self {
        Self {
            what,
            result,
            more: None,
        }
    }
}

/// Looks at everything and changes nothing of the data.
pub(super) async fn run(config: &Config, arguments: &Arguments) -> Result<()> {
    let mut findings = vec![
        Finding::new("configuration", configuration(config)),
        Finding::new("files", files::modes(config)),
        Finding::new("disk space", files::disk_space(config)),
    ];
    match boot::open(config, true).await {
        Ok(store) => {
            findings.extend([
                Finding::new("database", database(config, &store).await),
                Finding::new("tables", tables::tables(&config.database).await),
                Finding::new("change log", change_log(&store).await),
                Finding::new("anchors", anchors::anchors(config, &store).await),
            ]);
            if !arguments.quick {
                findings.push(records::records(&store).await);
            }
            findings.extend([
                Finding::new("workspaces", workspaces(&store).await),
                Finding::new("search index", index(config, &store).await),
                scheduled_work(config, &store).await,
                Finding::new("references", references(config, &store).await),
                Finding::new("clock", clock(&store).await),
            ]);
            findings.extend(checks(config, &store).await);
            if !config.replicas.is_empty() {
                findings.push(Finding::new("replicas", replicas(config).await));
            }
            store.close().await;
        }
        Err(error) => findings.push(Finding::new("database", Err(error.to_string()))),
    }
    let is_whole = findings.iter().all(|finding| finding.result.is_ok());
    if arguments.json {
        let checks: Vec<_> = findings
            .iter()
            .map(|finding| {
                let text = finding.result.as_ref().unwrap_or_else(|problem| problem);
                let mut check =
                    json!({ "check": finding.what, "ok": finding.result.is_ok(), "detail": text });
                if let (Some((name, value)), Some(check)) = (&finding.more, check.as_object_mut()) {
                    check.insert((*name).to_owned(), value.clone());
                }
                check
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

async fn replicas(config: &Config) -> Result<String, String> {
    let states = boot::replicas(config).await;
    let states = states.map_err(|error| error.to_string())?;
    let is_whole = states.iter().all(|replica| replica.behind.is_ok());
    let lines: Vec<String> = states
        .into_iter()
        .map(|replica| match replica.behind {
            Ok(bytes) => format!("{} is {} KiB behind", replica.name, bytes / 1024),
            Err(why) => format!("{} is not read from: {why}", replica.name),
        })
        .collect();
    let lines = lines.join("; ");
    if is_whole { Ok(lines) } else { Err(lines) }
}

async fn change_log(store: &Store) -> Result<String, String> {
    let audit = log::verify(store)
        .await
        .map_err(|error| error.to_string())?;
    match audit.broken {
        // The chains alone cannot show that a log was made anew; a hash over where they end, noted elsewhere, can.
        None => Ok(format!(
            "{} rows, the chain of hashes is whole in every workspace, and all of them end with {}",
            audit.rows,
            last_hash(store).await.map_err(|error| error.to_string())?
        )),
        Some(broken) => Err(format!(
            "{broken}: somebody wrote to the database past Bureau. Compare with a backup."
        )),
    }
}

async fn last_hash(store: &Store) -> Result<String, Error> {
    let heads = heads(store).await?;
    if heads.is_empty() {
        return Ok("nothing".to_owned());
    }
    Ok(heads.hash().chars().take(16).collect())
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
    if let Some(loss) = lost(&folder, store)
        .await
        .map_err(|error| error.to_string())?
    {
        return Err(loss);
    }
    let open = || -> Result<Arc<Dispatcher>, Error> {
        boot::server_dispatcher(config, store.clone(), boot::whole_registry()?)
    };
    let dispatcher = open().map_err(|error| error.to_string())?;
    let heads = heads(store).await.map_err(|error| error.to_string())?;
    let app = dispatcher.app();
    let Some(search) = &app.search else {
        return Err("there is none".into());
    };
    // Also for an index that another process keeps.
    let caught_up = async {
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        for (workspace, head) in heads.iter() {
            while !search.reach(workspace, head.position).await {
                tick.tick().await;
            }
        }
        // Where nothing was written yet, it is there all the same.
        while !search.reach(0, 0).await {
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
        "{} records, {} of {} rows of the change log, {state}",
        status.documents,
        status.rows,
        heads.rows()
    ))
}

/// What the index has seen of a change log and the database has not any more: the disk lost the end of the database's own
/// log, or another database is under its name.
async fn lost(folder: &Path, store: &Store) -> Result<Option<String>, Error> {
    let Some(known) = last_known(folder) else {
        return Ok(None);
    };
    let Some(Missing {
        workspace,
        position,
        ends,
    }) = log::first_missing(store, &known).await?
    else {
        return Ok(None);
    };
    let folder = folder.display();
    Ok(Some(if position > ends {
        format!(
            "it has seen the change log of {workspace} up to position {position}, and the log ends at {ends}: writes that were \
             acknowledged are lost, or an older database is in its place. Compare with a backup; to go on as it is, remove {folder}"
        )
    } else {
        format!(
            "position {position} of the change log of {workspace} is not what it has seen: writes that were acknowledged are lost \
             and others stand in their place, history was rewritten, or another database is there. Compare with a backup; to go \
             on as it is, remove {folder}"
        )
    }))
}

/// What is due and nobody does is no problem: the next server makes up for it. What was tried and failed is one.
async fn scheduled_work(config: &Config, store: &Store) -> Finding {
    const WHAT: &str = "scheduled work";
    let queues = async {
        let dispatcher = boot::call_dispatcher(config, store.clone(), boot::whole_registry()?)?;
        scheduler::queues(&dispatcher, store.clock().now()).await
    };
    let queues = match queues.await {
        Ok(queues) => queues,
        Err(error) => return Finding::new(WHAT, Err(error.to_string())),
    };
    Finding {
        what: WHAT,
        result: judged(&queues),
        more: Some(("jobs", json!(queues))),
    }
}

/// A clock that cannot be right stops what is final; what it wrote before that is dated wrongly.
async fn clock(store: &Store) -> Result<String, String> {
    let reading = clock::reading(store)
        .await
        .map_err(|error| error.to_string())?;
    if let Some(wrong) = reading.wrong() {
        return Err(format!(
            "{wrong} Scheduled work rests and nothing is made final. Set it right or, if it is, say so: bureau clock accept"
        ));
    }
    let found = clock::rows_from_the_future(store).await;
    if let Some(found) = found.map_err(|error| error.to_string())? {
        return Err(format!(
            "{} rows of the change log are dated later than now, the latest {}: a clock was ahead when they were \
             written. Look at what they made, and at its dates.",
            found.rows,
            clock::shown(found.latest)
        ));
    }
    Ok(format!("{} can be", clock::shown(reading.now)))
}

/// What there is to say of all queues in a sentence each, those that failed first.
fn judged(queues: &[Queue]) -> Result<String, String> {
    let (broken, sound): (Vec<&Queue>, Vec<&Queue>) =
        queues.iter().partition(|queue| !queue.failed.is_empty());
    let busy = |queue: &&Queue| queue.due + queue.leased > 0;
    let lines: Vec<String> = broken
        .iter()
        .copied()
        .chain(sound.into_iter().filter(busy))
        .map(standing)
        .collect();
    match (lines.is_empty(), broken.is_empty()) {
        (true, _) => Ok("nothing is due".to_owned()),
        (false, true) => Ok(lines.join("; ")),
        (false, false) => Err(lines.join("; ")),
    }
}

fn standing(queue: &Queue) -> String {
    let mut text = format!("{} in {}: {} due", queue.job, queue.workspace, queue.due);
    if let Some(oldest) = &queue.oldest {
        text.push_str(&format!(", first {oldest}"));
    }
    if queue.leased > 0 {
        text.push_str(&format!(", {} being done", queue.leased));
    }
    if let Some(first) = queue.failed.first() {
        text.push_str(&format!(
            ", {} failed: {} after {} attempts, next at {}: {}",
            queue.failed.len(),
            first.record,
            first.attempts,
            first
                .next_at
                .to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            first.error
        ));
    }
    text
}

/// Whether what live records hold on to is live itself.
async fn references(config: &Config, store: &Store) -> Result<String, String> {
    /// More are not named.
    const NAMED: usize = 5;
    let looked = async {
        let dispatcher = boot::call_dispatcher(config, store.clone(), boot::whole_registry()?)?;
        let mut all = Vec::new();
        for owner in admin::operators(store).await? {
            for (record, column) in dispatcher
                .app()
                .read(&owner, async |cx| cx.dangling().await)
                .await?
            {
                all.push(format!(
                    "the {column} of {record} in {}",
                    owner.workspace.slug
                ));
            }
        }
        Ok::<_, Error>(all)
    };
    let all = looked.await.map_err(|error| error.to_string())?;
    if all.is_empty() {
        return Ok("what live records refer to is there".to_owned());
    }
    let more = if all.len() > NAMED {
        ", and others"
    } else {
        ""
    };
    let named: Vec<String> = all.into_iter().take(NAMED).collect();
    Err(format!(
        "deleted is {}{more}. Restore it, or change the records.",
        named.join(", ")
    ))
}

/// What the modules look at in every workspace.
async fn checks(config: &Config, store: &Store) -> Vec<Finding> {
    let registry = match boot::whole_registry() {
        Ok(registry) => registry,
        Err(error) => return vec![Finding::new("modules", Err(error.to_string()))],
    };
    let mut findings = Vec::new();
    for one in registry.checks() {
        findings.push(check(config, store, one).await);
    }
    findings
}

async fn check(config: &Config, store: &Store, check: &Check) -> Finding {
    /// More are not named.
    const NAMED: usize = 5;
    let looked = async {
        let dispatcher = boot::call_dispatcher(config, store.clone(), boot::whole_registry()?)?;
        let mut all = Vec::new();
        for owner in admin::operators(store).await? {
            let run = async |cx: &mut Cx| (check.run)(cx).await;
            let found = dispatcher.app().read(&owner, run).await?.into_iter();
            all.extend(found.map(|found| (owner.workspace.slug.clone(), found)));
        }
        Ok::<_, Error>(all)
    };
    let all = match looked.await {
        Ok(looked) => looked,
        Err(error) => return Finding::new(check.name, Err(error.to_string())),
    };
    if all.is_empty() {
        return Finding::new(check.name, Ok(check.sound.to_owned()));
    }
    let mut named: Vec<String> = all
        .iter()
        .take(NAMED)
        .map(|(slug, found)| format!("{} in {slug}: {}", found.record, found.what))
        .collect();
    if all.len() > NAMED {
        named.push(format!("and {} more", all.len() - NAMED));
    }
    let rows: Vec<_> = all
        .iter()
        .map(
            |(slug, found)| json!({ "workspace": slug, "record": found.record, "what": found.what }),
        )
        .collect();
    Finding {
        what: check.name,
        result: Err(named.join("; ")),
        more: Some(("findings", json!(rows))),
    }
}

async fn heads(store: &Store) -> Result<Heads, Error> {
    let mut tx = store.read(Scope::System).await?;
    let heads = log::heads(&mut tx).await;
    tx.rollback().await;
    heads
}

#[cfg(test)]
mod tests {
    use bureau_kernel::scheduler::Failed;

    use super::*;

    fn queue(due: usize, leased: usize, failed: Vec<Failed>) -> Queue {
        Queue {
            workspace: "main".into(),
            job: "water",
            about: "Water the plants",
            due,
            oldest: (due > 0).then(|| "con_1".into()),
            leased,
            failed,
        }
    }

    #[test]
    fn only_scheduled_work_that_failed_is_a_problem_and_it_is_said_first() {
        assert_eq!(judged(&[]), Ok("nothing is due".into()));
        assert_eq!(judged(&[queue(0, 0, Vec::new())]), judged(&[]));
        assert_eq!(
            judged(&[queue(3, 1, Vec::new()), queue(0, 0, Vec::new())]),
            Ok("water in main: 3 due, first con_1, 1 being done".into())
        );
        let failed = Failed {
            record: "con_2".into(),
            attempts: 4,
            error: "CONFLICT: Dry.".into(),
            next_at: "2026-11-20T09:00:00Z".parse().unwrap(),
        };
        assert_eq!(
            judged(&[queue(3, 0, Vec::new()), queue(1, 0, vec![failed])]),
            Err(
                "water in main: 1 due, first con_1, 1 failed: con_2 after 4 attempts, next at \
                 2026-11-20T09:00:00Z: CONFLICT: Dry.; water in main: 3 due, first con_1"
                    .into()
            )
        );
    }
}
