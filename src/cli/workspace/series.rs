//! `bureau workspace series`: how a workspace's records are numbered, whichever module they are of.

use bureau_kernel::record::Cx;
use bureau_kernel::series::{SeriesChange, all_series, names, set_series, upcoming};
use bureau_kernel::store::Store;
use bureau_kernel::types::schema;
use clap::builder::{BoolishValueParser, PossibleValuesParser};
use clap::{Args, Subcommand};
use serde_json::json;

use super::super::{Result, print, usage};
use super::{read, undone_with, write};
use crate::config::Config;

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// List them, each with the number that comes next
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Change how numbers look from now on
    Set(Set),
}

#[derive(Args, Debug)]
pub(crate) struct Set {
    /// What is numbered
    #[arg(value_parser = choices())]
    numbers: String,
    /// Such as INV-{year}-{number:4}, which has at least four digits
    pattern: String,
    /// Whether numbers start again each year
    #[arg(long, value_name = "true|false", value_parser = BoolishValueParser::new())]
    yearly: Option<bool>,
    /// The first number of a period; it counts only where the period has none yet
    #[arg(long)]
    first: Option<i64>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The series of this build, as they are named here.
fn choices() -> PossibleValuesParser {
    let names = names(crate::MODULES).into_iter();
    names
        .map(|name| name.replace('_', "-"))
        .collect::<Vec<_>>()
        .into()
}

pub(super) async fn run(config: &Config, store: &Store, command: Command) -> Result<()> {
    match command {
        Command::List { json } => list(config, store, json).await,
        Command::Set(arguments) => set(config, store, arguments).await,
    }
}

async fn set(config: &Config, store: &Store, arguments: Set) -> Result<()> {
    let first = arguments
        .first
        .map(|first| schema::parse_at("first", first.into()));
    let pattern = schema::parse_at("pattern", arguments.pattern.into()).map_err(usage)?;
    let said = SeriesChange {
        pattern: Some(pattern),
        yearly: arguments.yearly,
        first: first.transpose().map_err(usage)?,
    };
    let numbers = arguments.numbers.replace('-', "_");
    let done = write(config, store, "workspace_series", async |cx: &mut Cx| {
        let series = set_series(cx, &numbers, said.clone()).await?;
        let (next, is_first) = upcoming(cx, &series).await?;
        Ok((series, next, is_first))
    });
    let ((series, next, is_first), change) = done.await?;
    if arguments.json {
        return print::json(&json!({ "series": series.record, "next": next, "change": change }));
    }
    let mut text = format!("The next number is {next}.");
    if said.first.is_some() && !is_first {
        text.push_str(
            " There are numbers in this period already, so --first counts from the next one on.",
        );
    }
    print::out(&format!("{text} {}", undone_with(change)))
}

async fn list(config: &Config, store: &Store, json: bool) -> Result<()> {
    let series = read(config, store, async |cx: &mut Cx| {
        let mut series = Vec::new();
        for one in all_series(cx).await? {
            let (next, _) = upcoming(cx, &one).await?;
            series.push((one.record, next));
        }
        Ok(series)
    })
    .await?;
    if json {
        let series = series
            .iter()
            .map(|(series, next)| json!({ "series": series, "next": next }));
        return print::json(&series.collect::<Vec<_>>());
    }
    let rows: Vec<[String; 5]> = series
        .iter()
        .map(|(series, next)| {
            [
                series.numbers.replace('_', "-"),
                series.pattern.to_string(),
                if series.yearly { "each year" } else { "once" }.to_owned(),
                series.first.get().to_string(),
                next.clone(),
            ]
        })
        .collect();
    print::out(&print::table(
        ["numbers", "pattern", "starts", "first", "next"],
        &rows,
    ))
}
