//! `bureau backup`: everything in the database, in one file.

use std::path::PathBuf;

use bureau_kernel::backup::{self, Terms};
use clap::Args;
use serde_json::json;

use super::progress::Steps;
use super::{Result, print, usage};
use crate::config::Config;
use crate::{anchors, boot};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The file to write
    file: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
    /// Back records up as they are, although the change log says otherwise
    #[arg(long)]
    accept_differences: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: &Config, arguments: Arguments) -> Result<()> {
    let Arguments {
        file,
        force,
        accept_differences,
        json,
    } = arguments;
    super::restore::no_stream(&file)?;
    let steps = Steps::default();
    let registry = boot::whole_registry()?;
    let key = anchors::key(config).map_err(usage)?;
    let terms = Terms {
        kinds: registry.records().all(),
        accept_differences,
        key: key.as_ref(),
        accept_unsigned: false,
    };
    let contents = backup::create(&config.database, &file, force, terms, &steps)
        .await
        .map_err(usage)?;
    drop(steps);
    if let Some(differences) = &contents.differences {
        print::note(&format!("Accepted: {differences}."));
    }
    let created_at = chrono::Utc::now();
    if json {
        return print::json(&json!({
            "file": file,
            "bytes": contents.bytes,
            "tables": contents.tables,
            "rows": contents.rows,
            "change_log_rows": contents.change_log_rows,
            "change_log_hash": contents.change_log_hash,
            "created_at": created_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        }));
    }
    print::out(&format!(
        "{}: {} rows of {} tables, {} KiB, verified. The change log has {} rows and ends with {}.",
        file.display(),
        contents.rows,
        contents.tables,
        contents.bytes.div_ceil(1024),
        contents.change_log_rows,
        if contents.change_log_hash.is_empty() {
            "nothing"
        } else {
            &contents.change_log_hash
        },
    ))
}
