//! `bureau anchor`: notes outside of the database where the change log ends.

use std::path::PathBuf;

use bureau_kernel::anchor::AnchorFile;
use clap::Args;
use serde_json::json;

use super::{Failure, Result, print, usage};
use crate::config::Config;
use crate::{anchors, boot};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Compare the lines of this file, which was kept elsewhere, with the change log, and note nothing
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: &Config, arguments: &Arguments) -> Result<()> {
    let store = boot::open(config, arguments.check.is_some()).await?;
    let done = match &arguments.check {
        Some(path) => check(config, &store, path, arguments.json).await,
        None => note(config, &store, arguments.json).await,
    };
    store.close().await;
    done
}

async fn note(config: &Config, store: &bureau_kernel::store::Store, json: bool) -> Result<()> {
    match anchors::note(config, store).await.map_err(usage)? {
        Some((anchor, _)) if json => print::json(&json!(anchor)),
        Some((anchor, _)) => print::out(&anchor.to_string()),
        None => Err(Failure::Failed(
            "The change log is empty: there is nothing to note yet.".into(),
        )),
    }
}

async fn check(
    config: &Config,
    store: &bureau_kernel::store::Store,
    path: &std::path::Path,
    json: bool,
) -> Result<()> {
    if !path.is_file() {
        return Err(Failure::Usage(format!("{} is no file.", path.display())));
    }
    let Some(key) = anchors::key(config).map_err(usage)? else {
        return Err(Failure::Usage(
            "There is no key to check them with. Set BUREAU_ANCHOR_KEY or BUREAU_ANCHOR_KEY_FILE."
                .into(),
        ));
    };
    let checked = AnchorFile::new(path).check(store, &key).await?;
    if json {
        print::json(&json!(checked))?;
    } else if checked.broken.is_none() {
        print::out(&format!(
            "{} anchors hold: the change log up to each of them is what it was.",
            checked.whole
        ))?;
    }
    match checked.broken {
        None => Ok(()),
        Some(_) if json => Err(Failure::Said),
        Some(what) => Err(Failure::Failed(what)),
    }
}
