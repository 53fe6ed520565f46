//! `bureau workspace`: firms or departments whose data is kept apart, and their custom attributes.

use bureau_kernel::admin::{self, AttributeDefinition, NewWorkspace};
use bureau_kernel::caller::Workspace;
use bureau_kernel::error::Error;
use bureau_kernel::store::Store;
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
    /// Custom attributes that records of a workspace may have
    #[command(subcommand)]
    Attribute(Attribute),
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
        Command::Attribute(command) => attribute(config, &store, command).await,
    };
    store.close().await;
    done
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
    crate::boot::furnish(store).await?;
    if arguments.json {
        return print::json(&shown(&workspace));
    }
    print::out(&format!(
        "Workspace {} ({}, {}) is made.",
        workspace.slug, workspace.name, workspace.id
    ))
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
        } => {
            let registry = boot::whole_registry()?;
            let entities: Vec<&str> = registry
                .records()
                .iter()
                .map(|record| record.table())
                .collect();
            let said = format!("Every {entity} in {slug} may now have {name}, a {kind}.");
            let definition = AttributeDefinition {
                entity,
                name,
                kind,
                about,
            };
            admin::define_attribute(store, &slug, &entities, definition)
                .await
                .map_err(usage)?;
            print::out(&said)
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
