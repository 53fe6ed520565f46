//! `bureau undo`: takes back all that one call or several wrote.

use bureau_kernel::error::Error;
use bureau_kernel::registry::Selection;
use clap::Args;
use serde_json::{Map, Value};

use super::{Failure, Result, print};
use crate::boot;
use crate::config::Config;

/// The tool that does it.
const UNDO: &str = "undo_change";

#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    which: Which,
    /// Leave records alone that were changed since, and take the others back
    #[arg(long)]
    skip_conflicts: bool,
    /// Show what would be taken back and write nothing
    #[arg(long)]
    preview: bool,
}

/// What is taken back, in one of three ways.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Which {
    /// The changes, as the calls' answers name them: chg_…
    #[arg(value_name = "CHANGE")]
    changes: Vec<String>,
    /// What the call with this idempotency key wrote
    #[arg(long)]
    key: Option<String>,
    /// All that you did since then, through no API key: 2026-11-20, 14:30, -2h
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    since: Option<String>,
}

pub(super) async fn run(mut config: Config, arguments: Arguments) -> Result<()> {
    // Whichever tools a server offers, the owner can take back what it did.
    config.selection = Selection {
        tools: Some(vec![UNDO.into()]),
        ..Selection::default()
    };
    let registry = boot::registry(&config).map_err(|_| {
        Failure::Failed("This build has no undo: it was compiled without the group history.".into())
    })?;
    let Which {
        changes,
        key,
        since,
    } = arguments.which;
    let changes = Some(changes).filter(|changes| !changes.is_empty());
    let which = [
        ("changes", changes.map(Value::from)),
        ("key", key.map(Value::from)),
        ("since", since.map(Value::from)),
        ("skip_conflicts", Some(arguments.skip_conflicts.into())),
        ("dry_run", Some(arguments.preview.into())),
        // To type the command is to mean it.
        ("confirm", Some(true.into())),
    ];
    let given = which.into_iter();
    let input = given.filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let workspace = config.workspace()?;
    let input: Map<String, Value> = input.collect();
    let answer = super::call_once(&config, workspace, registry, UNDO.to_owned(), input).await;
    print::json(&answer.map_err(|error| in_the_way(&error).unwrap_or_else(|| error.into()))?)
}

/// What stands in the way, a line for each record: who reads this sees no details beside the message.
fn in_the_way(error: &Error) -> Option<Failure> {
    let conflicts = error.detail_value("conflicts")?.as_array()?;
    let text = |value: &Value, at: &str| value.pointer(at)?.as_str().map(str::to_owned);
    let lines = conflicts.iter().map(|conflict| {
        let [kind, id, reason] =
            ["/kind", "/record/id", "/reason"].map(|at| text(conflict, at).unwrap_or_default());
        let name =
            text(conflict, "/record/name").map_or_else(String::new, |name| format!(" ({name})"));
        format!("\n  {kind} {id}{name}: {reason}")
    });
    let lines: String = lines.collect();
    (!lines.is_empty()).then(|| {
        Failure::Failed(format!(
            "Nothing was taken back. In the way:{lines}\nWith --skip-conflicts the other records are."
        ))
    })
}
