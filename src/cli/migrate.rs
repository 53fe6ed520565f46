//! `bureau migrate`: brings the tables to this version, and lays their rows on several machines.

use bureau_kernel::store::{Distributed, distribute};
use clap::Args;
use serde_json::json;

use super::progress::Steps;
use super::{Failure, Result, print, usage};
use crate::boot;
use crate::config::Config;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Lay the rows of each workspace on one of the workers of a Citus cluster, whose coordinator --database names
    #[arg(long)]
    distribute: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: &Config, arguments: &Arguments) -> Result<()> {
    if config.read_only {
        return Err(Failure::Usage(
            "To migrate is to write, and --read-only forbids that.".into(),
        ));
    }
    let distributed = if arguments.distribute {
        let watch = Steps::default();
        let done = distribute(&config.database, &watch).await;
        watch.pause();
        Some(done.map_err(usage)?)
    } else {
        // Whoever opens it brings it to this version.
        boot::open(config, false).await?.close().await;
        None
    };
    if arguments.json {
        return print::json(&json!({ "distributed": distributed }));
    }
    print::out("The database has the tables of this version.")?;
    distributed.map_or(Ok(()), |done| print::out(&said(&done)))
}

fn said(done: &Distributed) -> String {
    let now = if done.moved.is_empty() {
        "Everything was where it belongs.".to_owned()
    } else {
        format!("Moved now: {}.", done.moved.join(", "))
    };
    format!(
        "The rows of each workspace lie on one of {} workers: {}.\nEvery machine has a copy of: {}.\n{now}",
        done.workers,
        done.by_workspace.join(", "),
        done.everywhere.join(", "),
    )
}
