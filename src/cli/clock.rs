//! `bureau clock`: what the clock says, and whether it is believed.

use std::io::IsTerminal as _;

use bureau_kernel::store::clock::{self, Reading, shown};
use clap::{Args, Subcommand};
use serde_json::json;

use super::{Failure, Result, print};
use crate::boot;
use crate::config::Config;

#[derive(Subcommand, Debug)]
pub(super) enum Command {
    /// Show what the clock says, and the last sign of life in the database
    Show(Show),
    /// Say that the clock is right, where it is far from the last sign of life
    Accept(Accept),
}

#[derive(Args, Debug)]
pub(super) struct Show {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
pub(super) struct Accept {
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

pub(super) async fn run(config: &Config, command: Command) -> Result<()> {
    match command {
        Command::Show(arguments) => show(config, &arguments).await,
        Command::Accept(arguments) => accept(config, &arguments).await,
    }
}

async fn show(config: &Config, arguments: &Show) -> Result<()> {
    let store = boot::open(config, true).await?;
    let reading = clock::reading(&store).await;
    store.close().await;
    let reading = reading?;
    if arguments.json {
        return print::json(&json!({
            "now": shown(reading.now),
            "seen_at": reading.seen.map(shown),
            "trusted": reading.is_trusted(),
        }));
    }
    print::out(&said(&reading))
}

fn said(reading: &Reading) -> String {
    reading.wrong().unwrap_or_else(|| {
        let seen = reading.seen.map_or_else(|| "never".to_owned(), shown);
        format!(
            "The clock says {}, the last sign of life in this database is {seen}: that fits.",
            shown(reading.now)
        )
    })
}

async fn accept(config: &Config, arguments: &Accept) -> Result<()> {
    if config.read_only {
        return Err(Failure::Usage(
            "To accept the clock is to write, and --read-only forbids that.".into(),
        ));
    }
    let store = boot::open(config, false).await?;
    let accepted = async {
        let reading = clock::reading(&store).await?;
        print::note(&said(&reading));
        if reading.is_trusted() {
            return Ok(());
        }
        if !arguments.yes {
            ask(&reading)?;
        }
        clock::accept(&store).await?;
        print::out(
            "The clock is taken as right. Scheduled work goes on, and what is final may be done.",
        )
    }
    .await;
    store.close().await;
    accepted
}

/// Asks the person at the terminal; where there is none, the flag is the answer.
fn ask(reading: &Reading) -> Result<()> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(Failure::Failed(
            "Nobody can be asked here, and nothing was changed. Compare with another clock, and write --yes if this one is right.".into(),
        ));
    }
    match print::ask(&format!("Is it really {} now?", shown(reading.now))) {
        Ok(true) => Ok(()),
        _ => Err(Failure::Failed("Nothing was changed.".into())),
    }
}
