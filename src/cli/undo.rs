//! `bureau undo`: takes back all that one call wrote.

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
    /// The change, as the call's answer names it: chg_…
    change: String,
    /// Leave records alone that were changed since, and take the others back
    #[arg(long)]
    skip_conflicts: bool,
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
    let input = Map::from_iter([
        ("change".to_owned(), Value::from(arguments.change)),
        ("skip_conflicts".to_owned(), arguments.skip_conflicts.into()),
        // To type the command is to mean it.
        ("confirm".to_owned(), true.into()),
    ]);
    let workspace = config.workspace()?;
    print::json(&super::call_once(&config, workspace, registry, UNDO.to_owned(), input).await?)
}
