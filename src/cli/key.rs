//! `bureau key`: API keys, made, listed, revoked.

use bureau_kernel::admin::{self, KeyInfo, NewKey};
use bureau_kernel::caller::{ConfirmPolicy, Role, Workspace};
use bureau_kernel::error::Error;
use bureau_kernel::permission::{Grants, only_reads};
use bureau_kernel::store::Store;
use bureau_kernel::types::time::{DayEdge, Timestamp, When, now};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::{Failure, Result, print, usage};
use crate::boot;
use crate::config::Config;

#[derive(Subcommand, Debug)]
pub(super) enum Command {
    /// Make a key and show it, once; --workspace, --confirm and --calls-per-hour become the key's own
    Create(Create),
    /// List all keys, newest first
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Revoke a key: it opens nothing from now on
    Revoke {
        /// Its id, or its name where no other working key has it
        #[arg(value_name = "ID|NAME")]
        key: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args, Debug)]
pub(super) struct Create {
    /// What the key is for
    #[arg(long)]
    name: String,
    /// What it allows [default: read-only, unless permissions are named]
    #[arg(long, value_enum)]
    preset: Option<Preset>,
    /// Permissions by name (`bureau tools` lists them), or contacts:read, contacts:write, contacts:delete
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    permissions: Vec<String>,
    /// As whom it acts: a member's id, address or name [default: the owner]
    #[arg(long, value_name = "WHO")]
    member: Option<String>,
    /// When it stops working: 2027-01-31, +90d, end of year
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    expires: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(ValueEnum, Debug, Clone, Copy)]
enum Preset {
    /// Whatever only reads, as far as the member's role goes
    ReadOnly,
    /// Everything, also what later versions add
    Full,
}

/// Limits that the line itself names: they become the key's own.
pub(super) struct Own {
    pub(super) confirm: Option<ConfirmPolicy>,
    pub(super) calls_per_hour: Option<u32>,
}

pub(super) async fn run(config: &Config, own: Own, command: Command) -> Result<()> {
    let store = boot::store(config).await?;
    let done = match command {
        Command::Create(arguments) => create(config, &store, own, arguments).await,
        Command::List { json } => list(&store, json).await,
        Command::Revoke { key, json } => revoke(&store, &key, json).await,
    };
    store.close().await;
    done
}

async fn create(config: &Config, store: &Store, own: Own, arguments: Create) -> Result<()> {
    let workspaces = chosen(config, admin::list_workspaces(store).await?)?;
    let known = boot::whole_registry()?.permissions();
    let mut words: Vec<&str> = arguments.permissions.iter().map(String::as_str).collect();
    match arguments.preset {
        Some(Preset::Full) => words.push("full"),
        None if !arguments.permissions.is_empty() => {}
        Some(Preset::ReadOnly) | None => {
            let role = least_role(store, &workspaces, arguments.member.as_deref()).await?;
            let reads = known
                .iter()
                .copied()
                .filter(|name| only_reads(name) && role.allows_name(name));
            words.extend(reads);
        }
    }
    let grants = Grants::parse(words, &known).map_err(usage)?;
    if own.calls_per_hour == Some(0) {
        return Err(Failure::Usage("A key makes at least one call an hour; leave --calls-per-hour out for the server's limit.".into()));
    }
    let expires_at = match (&arguments.expires, workspaces.first()) {
        (Some(text), Some(workspace)) => Some(moment(text, workspace)?),
        _ => None,
    };
    let new = NewKey {
        name: arguments.name,
        grants,
        workspaces: workspaces
            .into_iter()
            .map(|workspace| workspace.slug)
            .collect(),
        member: arguments.member,
        expires_at,
        confirm: own.confirm,
        calls_per_hour: own.calls_per_hour,
    };
    let (key, info) = admin::create_key(store, new).await.map_err(usage)?;
    if arguments.json {
        let mut answer = json!({ "key": key });
        if let (Some(answer), serde_json::Value::Object(info)) = (
            answer.as_object_mut(),
            serde_json::to_value(&info).map_err(Error::internal)?,
        ) {
            answer.extend(info);
        }
        return print::json(&answer);
    }
    print::out(&format!(
        "{key}\n\nKey {} ({}) for {} as {}, allowing {}{}.\nIt is shown only now and kept nowhere: put it where it is used.",
        info.name,
        info.id,
        info.workspaces.join(", "),
        acts_as(&info),
        allowed(&info),
        info.expires_at
            .map(|end| format!(", until {}", minute(Some(end))))
            .unwrap_or_default(),
    ))
}

/// The workspaces that were named, or the only one.
fn chosen(config: &Config, all: Vec<Workspace>) -> Result<Vec<Workspace>> {
    if config.workspaces.is_empty() {
        return if all.len() == 1 {
            Ok(all)
        } else {
            let slugs: Vec<_> = all.into_iter().map(|workspace| workspace.slug).collect();
            Err(Failure::Usage(format!(
                "For which workspace? Name it with --workspace: {}.",
                slugs.join(", ")
            )))
        };
    }
    let slugs: Vec<String> = all.iter().map(|workspace| workspace.slug.clone()).collect();
    if let Some(unknown) = config.workspaces.iter().find(|slug| !slugs.contains(slug)) {
        return Err(Failure::Usage(format!(
            "There is no workspace {unknown:?}. There are: {}.",
            slugs.join(", ")
        )));
    }
    Ok(all
        .into_iter()
        .filter(|workspace| config.workspaces.contains(&workspace.slug))
        .collect())
}

/// The moment at which a key ends; a day is over at its end, where the workspace is.
fn moment(text: &str, workspace: &Workspace) -> Result<Timestamp> {
    let wrong = |reason: &str| Failure::Usage(format!("--expires {text:?} {reason}."));
    let when: When = text.parse().map_err(wrong)?;
    when.moment(now(), workspace.time_zone, DayEdge::End)
        .ok_or_else(|| wrong("is too far away"))
}

async fn list(store: &Store, json: bool) -> Result<()> {
    let keys = admin::list_keys(store).await?;
    if json {
        return print::json(&keys);
    }
    if keys.is_empty() {
        return print::out(
            "There is no key yet. Make one: bureau key create --name NAME --preset full",
        );
    }
    let rows: Vec<[String; 9]> = keys
        .iter()
        .map(|key| {
            [
                key.id.to_string(),
                key.name.clone(),
                key.hint.clone(),
                state(key).to_owned(),
                minute(key.last_used_at),
                minute(key.expires_at),
                key.workspaces.join(","),
                acts_as(key),
                allowed(key),
            ]
        })
        .collect();
    print::out(&print::table(
        [
            "id",
            "name",
            "key",
            "state",
            "last used",
            "expires",
            "workspaces",
            "member",
            "permissions",
        ],
        &rows,
    ))
}

async fn revoke(store: &Store, key: &str, json: bool) -> Result<()> {
    let key = admin::revoke_key(store, key).await?;
    if json {
        return print::json(&key);
    }
    print::out(&format!(
        "Key {} ({}, {}) is revoked and opens nothing any more.",
        key.name, key.id, key.hint
    ))
}

fn state(key: &KeyInfo) -> &'static str {
    if key.revoked_at.is_some() {
        "revoked"
    } else if key.expires_at.is_some_and(|end| end <= now()) {
        "expired"
    } else {
        "works"
    }
}

/// The members as whom it acts, each once.
fn acts_as(key: &KeyInfo) -> String {
    let mut names: Vec<&str> = Vec::new();
    for member in &key.members {
        if !names.contains(&member.name.as_str()) {
            names.push(&member.name);
        }
    }
    names.join(", ")
}

/// The role that allows least among those of a member in these workspaces.
async fn least_role(store: &Store, workspaces: &[Workspace], who: Option<&str>) -> Result<Role> {
    let mut least = Role::Owner;
    if let Some(who) = who {
        for workspace in workspaces {
            let members = admin::list_members(store, &workspace.slug).await?;
            least = least.min(admin::find_member(&members, who)?.role);
        }
    }
    Ok(least)
}

fn allowed(key: &KeyInfo) -> String {
    if key.permissions.iter().any(|name| name == "*") {
        "everything".to_owned()
    } else {
        key.permissions.join(",")
    }
}

fn minute(time: Option<Timestamp>) -> String {
    time.map_or_else(
        || "-".to_owned(),
        |time| time.format("%Y-%m-%d %H:%M UTC").to_string(),
    )
}
