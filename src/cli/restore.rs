//! `bureau restore`: a backup becomes the database.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use bureau_kernel::backup::{self, Contents, Terms};
use bureau_kernel::store::Database;
use clap::Args;
use serde_json::{Value, json};

use super::progress::Steps;
use super::{Failure, Result, print, usage};
use crate::config::Config;
use crate::{anchors, boot};

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// A file that `bureau backup` made, on whichever engine
    file: PathBuf,
    /// Replace what is in a PostgreSQL database; a SQLite database is kept under another name
    #[arg(long)]
    replace: bool,
    /// Do not ask before data is replaced
    #[arg(long)]
    yes: bool,
    /// Take records as they are in the backup, although its change log says otherwise
    #[arg(long)]
    accept_differences: bool,
    /// Take a backup that is not signed, although there is a key for anchors
    #[arg(long)]
    accept_unsigned: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: &Config, arguments: Arguments) -> Result<()> {
    let Arguments {
        file,
        replace,
        yes,
        accept_differences,
        accept_unsigned,
        json,
    } = arguments;
    no_stream(&file)?;
    if config.read_only {
        return Err(Failure::Usage(
            "A restore writes, and --read-only forbids that.".into(),
        ));
    }
    let steps = Steps::default();
    let registry = boot::whole_registry()?;
    let key = anchors::key(config).map_err(usage)?;
    let terms = Terms {
        kinds: registry.records().all(),
        accept_differences,
        key: key.as_ref(),
        accept_unsigned,
    };
    let prepared = backup::prepare(&config.database, &file, &config.data_dir, terms, &steps)
        .await
        .map_err(usage)?;
    steps.pause();
    if let Some(differences) = &prepared.contents().differences {
        print::note(&format!("Accepted: {differences}."));
    }
    let mut agreed = true;
    if prepared.replaces() {
        // A SQLite database stays where it is under another name; of the other nothing would be left.
        if matches!(config.database, Database::Postgres(_)) && !replace {
            agreed = false;
        } else if !yes {
            ask(config, &file, prepared.contents())?;
        }
    }
    let restored = prepared
        .apply(agreed, &boot::index_folder(config), &steps)
        .await?;
    drop(steps);
    if let Err(error) = anchors::set_aside(config) {
        print::note(&format!(
            "The anchors of the database that was replaced could not be put aside ({error}); doctor will find that they do not hold."
        ));
    }
    let contents = &restored.contents;
    if json {
        let mut answer = json!({ "file": file });
        if let (Some(answer), Ok(Value::Object(restored))) =
            (answer.as_object_mut(), serde_json::to_value(&restored))
        {
            answer.extend(restored);
        }
        return print::json(&answer);
    }
    let mut text = format!(
        "Restored {} rows of {} tables from {}. The change log has {} rows.",
        contents.rows,
        contents.tables,
        file.display(),
        contents.change_log_rows
    );
    if let Some(version) = restored.migrated_from {
        text.push_str(&format!(
            "\nThe backup was older (version {version}) and was brought to this program's version."
        ));
    }
    if let Some(kept) = &restored.kept {
        text.push_str(&format!(
            "\nThe database that was there before is {}.",
            kept.display()
        ));
    }
    print::out(&text)
}

/// `-` stands for a stream elsewhere, and a database is no stream.
pub(super) fn no_stream(file: &Path) -> Result<()> {
    if file == Path::new("-") {
        return Err(Failure::Usage(
            "A backup is a file, not a stream: name a file instead of -.".into(),
        ));
    }
    Ok(())
}

/// Asks the person at the terminal; where there is none, the flag is the answer.
fn ask(config: &Config, file: &Path, contents: &Contents) -> Result<()> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(Failure::Failed(
            "The database is there already and would be replaced; nothing was changed. Write --yes to agree.".into(),
        ));
    }
    let question = format!(
        "Replace everything in {:?} with {} ({} rows)?",
        config.database,
        file.display(),
        contents.rows
    );
    match print::ask(&question) {
        Ok(true) => Ok(()),
        _ => Err(Failure::Failed("Nothing was changed.".into())),
    }
}
