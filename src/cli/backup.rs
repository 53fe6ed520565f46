//! `bureau backup`: everything in the database, in one file.

use std::path::PathBuf;

use bureau_kernel::store::backup;
use clap::Args;
use serde_json::json;

use super::progress::Steps;
use super::{Result, print, usage};
use crate::config::Config;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The file to write
    file: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    force: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: &Config, arguments: Arguments) -> Result<()> {
    let Arguments { file, force, json } = arguments;
    super::restore::no_stream(&file)?;
    let steps = Steps::default();
    let contents = backup::create(&config.database, &file, force, &steps)
        .await
        .map_err(usage)?;
    drop(steps);
    let created_at = chrono::Utc::now();
    if json {
        return print::json(&json!({
            "file": file,
            "bytes": contents.bytes,
            "tables": contents.tables,
            "rows": contents.rows,
            "change_log_position": contents.change_log_position,
            "change_log_hash": contents.change_log_hash,
            "created_at": created_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        }));
    }
    print::out(&format!(
        "{}: {} rows of {} tables, {} KiB, verified. The change log ends at position {} with {}.",
        file.display(),
        contents.rows,
        contents.tables,
        contents.bytes.div_ceil(1024),
        contents.change_log_position,
        if contents.change_log_hash.is_empty() {
            "nothing"
        } else {
            &contents.change_log_hash
        },
    ))
}
