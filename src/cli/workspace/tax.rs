//! `bureau workspace tax`: the taxes by which a workspace charges.

use bureau_billing::{Category, TaxRate, TaxRateChange, remove_tax_rate, set_tax_rate, tax_rates};
use bureau_kernel::error::Error;
use bureau_kernel::record::{Cx, Saved};
use bureau_kernel::store::Store;
use bureau_kernel::store::log::Change;
use bureau_kernel::types::id::Id;
use bureau_kernel::types::money::Amount;
use bureau_kernel::types::schema;
use bureau_kernel::types::text::ShortText;
use clap::{Args, Subcommand};
use serde_json::json;

use super::super::{Result, print, usage};
use super::{read, undone_with, write};
use crate::config::Config;

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// List them
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Add one, or change the one of that name; documents keep what they have
    Set(Set),
    /// Remove one; documents keep what they have
    Remove {
        /// Its name
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Set {
    /// Its name, such as standard
    name: String,
    /// Percent, such as 19 or 5.5
    percent: String,
    /// S, Z, E, AE, K, G or O, as EN 16931 has them [default: S above 0%]
    #[arg(long)]
    category: Option<String>,
    /// Why no tax is due, as it stands on invoices
    #[arg(long)]
    reason: Option<String>,
    /// The same as a code of the VATEX list
    #[arg(long)]
    reason_code: Option<String>,
    /// Use it where nothing else is said
    #[arg(long)]
    default: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: &Config, store: &Store, command: Command) -> Result<()> {
    match command {
        Command::List { json } => list(config, store, json).await,
        Command::Set(arguments) => {
            let json = arguments.json;
            let change = arguments.change().map_err(usage)?;
            let done = write(config, store, "workspace_tax", async |cx: &mut Cx| {
                set_tax_rate(cx, change.clone()).await
            });
            let (rate, change) = done.await?;
            say(&rate, "is saved", change, json)
        }
        Command::Remove { name, json } => {
            let done = write(config, store, "workspace_tax", async |cx: &mut Cx| {
                remove_tax_rate(cx, &name).await
            });
            let (rate, change) = done.await?;
            let is = if rate.is_default {
                "is removed; a line without a tax rate is refused now"
            } else {
                "is removed"
            };
            say(&rate, is, change, json)
        }
    }
}

impl Set {
    fn change(self) -> Result<TaxRateChange, Error> {
        let percent: Amount = self
            .percent
            .trim_end_matches('%')
            .parse()
            .map_err(|wrong| Error::invalid("percent", format!("percent {wrong}.")))?;
        let category = self
            .category
            .map(|text| schema::parse_at::<Category>("category", text.to_uppercase().into()));
        let reason = self
            .reason
            .map(|text| schema::parse_at("reason", text.into()));
        let code = self
            .reason_code
            .map(|text| schema::parse_at("reason_code", text.into()));
        Ok(TaxRateChange {
            name: schema::parse_at::<ShortText<40>>("name", self.name.into())?,
            percent: Some(percent),
            category: category.transpose()?,
            reason: reason.transpose()?,
            reason_code: code.transpose()?,
            is_default: self.default,
        })
    }
}

fn say(rate: &Saved<TaxRate>, is: &str, change: Option<Id<Change>>, json: bool) -> Result<()> {
    if json {
        return print::json(&json!({ "tax_rate": rate.record, "change": change }));
    }
    print::out(&format!(
        "{}, {}% ({:?}), {is}. {}",
        rate.name,
        rate.percent,
        rate.category,
        undone_with(change)
    ))
}

async fn list(config: &Config, store: &Store, json: bool) -> Result<()> {
    let rates = read(config, store, tax_rates).await?;
    if json {
        let rates: Vec<&TaxRate> = rates.iter().map(|rate| &rate.record).collect();
        return print::json(&rates);
    }
    let rows: Vec<[String; 5]> = rates
        .iter()
        .map(|rate| {
            let text = |text: Option<&str>| text.unwrap_or("-").to_owned();
            [
                rate.name.to_string(),
                format!("{}%", rate.percent),
                format!("{:?}", rate.category),
                if rate.is_default { "default" } else { "" }.to_owned(),
                text(rate.reason.as_deref()),
            ]
        })
        .collect();
    print::out(&print::table(
        ["name", "percent", "category", "", "reason"],
        &rows,
    ))
}
