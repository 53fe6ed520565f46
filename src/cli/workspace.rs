//! `bureau workspace`: firms or departments whose data is kept apart, and what their owners arrange in them.

#[cfg(feature = "billing")]
mod seller;
mod series;
#[cfg(feature = "billing")]
mod tax;

use bureau_kernel::admin::{self, AttributeDefinition, NewWorkspace, RateInfo, WorkspaceChange};
use bureau_kernel::caller::Workspace;
use bureau_kernel::error::Error;
use bureau_kernel::record::Cx;
use bureau_kernel::registry::Registry;
use bureau_kernel::store::log::Change;
use bureau_kernel::store::{Store, sql};
use bureau_kernel::types::id::Id;
use bureau_kernel::types::time::now;
use chrono::NaiveDate;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Result, print, usage};
use crate::boot;
use crate::config::Config;

#[derive(Subcommand, Debug)]
pub(super) enum Command {
    /// Make a workspace
    Create(Create),
    /// List all workspaces
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Change a workspace: the one of --workspace, or the first one
    Update(Update),
    /// Exchange rates into the workspace's currency
    #[command(subcommand)]
    Rate(Rate),
    /// Custom attributes that records of a workspace may have
    #[command(subcommand)]
    Attribute(Attribute),
    /// Show or note who sells: what stands on documents
    #[cfg(feature = "billing")]
    Seller(Box<seller::Arguments>),
    /// The taxes by which the workspace charges
    #[cfg(feature = "billing")]
    #[command(subcommand)]
    Tax(tax::Command),
    /// How records that have numbers are numbered, such as invoices
    #[command(subcommand)]
    Series(series::Command),
}

#[derive(Args, Debug)]
pub(super) struct Create {
    /// Its short name in addresses and headers: 1 to 40 of a-z, 0-9 and -
    slug: String,
    /// Its name [default: the slug]
    #[arg(long)]
    name: Option<String>,
    /// Where "today" is judged: an IANA name
    #[arg(long, default_value = "UTC")]
    time_zone: String,
    /// The currency that sums are shown in: an ISO 4217 code
    #[arg(long, default_value = "EUR")]
    currency: String,
    /// Where a phone number without a country belongs: an ISO 3166-1 code
    #[arg(long)]
    country: Option<String>,
    /// Its owner's name
    #[arg(long, default_value = "Owner")]
    owner: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
pub(super) struct Update {
    /// Its name
    #[arg(long)]
    name: Option<String>,
    /// Where "today" is judged: an IANA name
    #[arg(long)]
    time_zone: Option<String>,
    /// The currency that sums are shown in: an ISO 4217 code. Exchange rates into the old one are dropped
    #[arg(long)]
    currency: Option<String>,
    /// Where a phone number without a country belongs: an ISO 3166-1 code
    #[arg(long)]
    country: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand, Debug)]
pub(super) enum Rate {
    /// Note what one unit of a currency is worth in the workspace's own
    Set {
        /// An ISO 4217 code
        currency: String,
        /// A decimal, such as 0.9204
        rate: String,
        /// The day from which it counts [default: today]
        #[arg(long)]
        day: Option<NaiveDate>,
        /// Who said so
        #[arg(long, default_value = "noted by the owner")]
        source: String,
    },
    /// List the rates
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Subcommand, Debug)]
pub(super) enum Attribute {
    /// Define an attribute
    Define {
        /// The kind of record, such as contact
        entity: String,
        /// Its name: a-z, 0-9 and _
        name: String,
        /// text, number, bool, date, list or object
        #[arg(long, default_value = "text")]
        kind: String,
        /// What it means
        #[arg(long)]
        about: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove an attribute that no record has
    Remove {
        /// The kind of record, such as contact
        entity: String,
        /// Its name
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List the attributes
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(config: &Config, command: Command) -> Result<()> {
    // The first workspace that is made is the first one there is.
    let store = match command {
        Command::Create(_) => boot::open(config, config.read_only).await?,
        _ => boot::store(config).await?,
    };
    let done = match command {
        Command::Create(arguments) => create(&store, arguments).await,
        Command::List { json } => list(&store, json).await,
        Command::Update(arguments) => update(config, &store, arguments).await,
        Command::Rate(command) => rate(config, &store, command).await,
        Command::Attribute(command) => attribute(config, &store, command).await,
        #[cfg(feature = "billing")]
        Command::Seller(arguments) => seller::run(config, &store, *arguments).await,
        #[cfg(feature = "billing")]
        Command::Tax(command) => tax::run(config, &store, command).await,
        Command::Series(command) => series::run(config, &store, command).await,
    };
    store.close().await;
    done
}

/// Looks records of the workspace up.
async fn read<T>(
    config: &Config,
    store: &Store,
    part: impl AsyncFnOnce(&mut Cx) -> Result<T, Error>,
) -> Result<T> {
    let dispatcher = boot::call_dispatcher(config, store.clone(), boot::whole_registry()?)?;
    let owner = dispatcher.operator(config.workspace()?).await?;
    Ok(dispatcher.app().read(&owner, part).await?)
}

/// Writes records of the workspace as one change, and answers it where anything was written. `name` stands for it in the
/// change log.
async fn write<T>(
    config: &Config,
    store: &Store,
    name: &'static str,
    part: impl AsyncFn(&mut Cx) -> Result<T, Error>,
) -> Result<(T, Option<Id<Change>>)> {
    let dispatcher = boot::call_dispatcher(config, store.clone(), boot::whole_registry()?)?;
    let owner = dispatcher.operator(config.workspace()?).await?;
    let batch = dispatcher.batch(&owner, name).await?;
    let answer = dispatcher.app().run_in(&batch, part).await.map_err(usage)?;
    let logged = dispatcher.app().read(&owner, async |cx: &mut Cx| {
        let row = sql("SELECT 1 AS found FROM change_log WHERE workspace = ")
            .value(cx.workspace().id)
            .sql(" AND call = ")
            .value(batch.change())
            .sql(" LIMIT 1");
        Ok(row.row(cx.tx()).await?.is_some())
    });
    let is_logged = logged.await?;
    Ok((answer, is_logged.then_some(batch.change())))
}

/// How what was written is taken back, as the end of an answer.
fn undone_with(change: Option<Id<Change>>) -> String {
    match change {
        Some(change) => format!("Take it back with: bureau undo {change}"),
        None => "Nothing was changed.".to_owned(),
    }
}

async fn create(store: &Store, arguments: Create) -> Result<()> {
    let new = NewWorkspace {
        name: arguments.name.unwrap_or_else(|| arguments.slug.clone()),
        slug: arguments.slug,
        time_zone: arguments.time_zone,
        currency: arguments.currency,
        country: arguments.country,
        owner: arguments.owner,
    };
    let workspace = admin::create_workspace(store, new).await.map_err(usage)?;
    crate::boot::provision(store).await?;
    if arguments.json {
        return print::json(&shown(&workspace));
    }
    print::out(&format!(
        "Workspace {} ({}, {}) is made.",
        workspace.slug, workspace.name, workspace.id
    ))
}

async fn update(config: &Config, store: &Store, arguments: Update) -> Result<()> {
    let slug = chosen(config, store).await?;
    let change = WorkspaceChange {
        name: arguments.name,
        time_zone: arguments.time_zone,
        currency: arguments.currency,
        country: arguments.country,
    };
    let workspace = admin::update_workspace(store, &slug, change)
        .await
        .map_err(usage)?;
    if arguments.json {
        return print::json(&shown(&workspace));
    }
    print::out(&format!(
        "Workspace {slug} is {}, {}, {}.",
        workspace.name, workspace.time_zone, workspace.currency
    ))
}

async fn rate(config: &Config, store: &Store, command: Rate) -> Result<()> {
    let slug = chosen(config, store).await?;
    match command {
        Rate::Set {
            currency,
            rate,
            day,
            source,
        } => {
            let workspaces = admin::list_workspaces(store).await?;
            let own = workspaces.iter().find(|workspace| workspace.slug == slug);
            let zone = own.map(|workspace| workspace.time_zone).unwrap_or_default();
            let day = day.unwrap_or_else(|| now().with_timezone(&zone).date_naive());
            let said = format!("From {day}, 1 {} is {rate}.", currency.to_uppercase());
            let new = RateInfo {
                currency,
                day,
                rate,
                source,
            };
            admin::set_rate(store, &slug, new).await.map_err(usage)?;
            print::out(&said)
        }
        Rate::List { json } => {
            let rates = admin::list_rates(store, &slug).await?;
            if json {
                return print::json(&rates);
            }
            let rows: Vec<[String; 4]> = rates
                .into_iter()
                .map(|one| [one.currency, one.day.to_string(), one.rate, one.source])
                .collect();
            print::out(&print::table(["currency", "from", "rate", "source"], &rows))
        }
    }
}

async fn list(store: &Store, json: bool) -> Result<()> {
    let workspaces = admin::list_workspaces(store).await?;
    if json {
        return print::json(&workspaces.iter().map(shown).collect::<Vec<_>>());
    }
    let rows: Vec<[String; 6]> = workspaces
        .iter()
        .map(|workspace| {
            [
                workspace.slug.clone(),
                workspace.id.to_string(),
                workspace.time_zone.name().to_owned(),
                workspace.currency.to_string(),
                workspace.country.clone().unwrap_or_else(|| "-".into()),
                workspace.name.clone(),
            ]
        })
        .collect();
    print::out(&print::table(
        ["slug", "id", "time zone", "currency", "country", "name"],
        &rows,
    ))
}

fn shown(workspace: &Workspace) -> Value {
    json!({
        "slug": workspace.slug,
        "id": workspace.id,
        "name": workspace.name,
        "time_zone": workspace.time_zone.name(),
        "currency": workspace.currency.to_string(),
        "country": workspace.country,
    })
}

async fn attribute(config: &Config, store: &Store, command: Attribute) -> Result<()> {
    let slug = chosen(config, store).await?;
    match command {
        Attribute::Define {
            entity,
            name,
            kind,
            about,
            json,
        } => {
            let registry = boot::whole_registry()?;
            let entities = tables(&registry);
            let said = format!("Every {entity} in {slug} may now have {name}, a {kind}.");
            let answer = json!({
                "workspace": slug, "entity": entity, "name": name, "kind": kind, "about": about,
            });
            let definition = AttributeDefinition {
                entity,
                name,
                kind,
                about,
            };
            admin::define_attribute(store, &slug, &entities, definition)
                .await
                .map_err(usage)?;
            if json {
                return print::json(&answer);
            }
            print::out(&said)
        }
        Attribute::Remove { entity, name, json } => {
            let registry = boot::whole_registry()?;
            let named = (entity.as_str(), name.as_str());
            let removed = admin::remove_attribute(store, &slug, &tables(&registry), named)
                .await
                .map_err(usage)?;
            if json {
                return print::json(&removed);
            }
            print::out(&format!("No {entity} in {slug} has {name} any more."))
        }
        Attribute::List { json } => {
            let attributes = admin::list_attributes(store, &slug).await?;
            if json {
                return print::json(&attributes);
            }
            let rows: Vec<[String; 4]> = attributes
                .into_iter()
                .map(|one| {
                    [
                        one.entity,
                        one.name,
                        one.kind,
                        one.about.unwrap_or_default(),
                    ]
                })
                .collect();
            print::out(&print::table(["record", "name", "kind", "meaning"], &rows))
        }
    }
}

/// The tables of the records that may have attributes.
fn tables(registry: &Registry) -> Vec<&'static str> {
    let kinds = registry.records().all().iter();
    kinds.map(|record| record.table()).collect()
}

/// The workspace that was named, or the first one.
pub(super) async fn chosen(config: &Config, store: &Store) -> Result<String> {
    if let Some(slug) = config.workspace()? {
        return Ok(slug.to_owned());
    }
    let first = admin::list_workspaces(store).await?.into_iter().next();
    first.map(|workspace| workspace.slug).ok_or_else(|| {
        Error::not_found("workspace", "at all")
            .hint("Make one: bureau workspace create SLUG")
            .into()
    })
}
