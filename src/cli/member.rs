//! `bureau member`: the people who work in a workspace, and what each may do.

use bureau_kernel::admin::{self, MemberChange, MemberInfo, NewMember};
use bureau_kernel::caller::Role;
use bureau_kernel::store::{Store, enum_name};
use clap::{Args, Subcommand, ValueEnum};

use super::{Result, print, usage, workspace};
use crate::boot;
use crate::config::Config;

#[derive(Subcommand, Debug)]
pub(super) enum Command {
    /// Add a member
    Add(Add),
    /// List the members
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Change a member; a new role holds from the next call
    Update(Update),
    /// Remove a member: their keys stop at once
    Remove(Remove),
    /// Bring a removed member back, with their keys
    Restore {
        /// Their id, address or name
        who: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Args, Debug)]
pub(super) struct Add {
    /// Their name
    name: String,
    /// Their address; no other member has it
    #[arg(long)]
    email: Option<String>,
    /// What their job is called
    #[arg(long)]
    title: Option<String>,
    /// What they may do at most, whatever their keys say
    #[arg(long, value_enum, default_value = "member")]
    role: Level,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
pub(super) struct Update {
    /// Their id, address or name
    who: String,
    /// Their name
    #[arg(long)]
    name: Option<String>,
    /// Their address; "" takes it away
    #[arg(long)]
    email: Option<String>,
    /// What their job is called; "" takes it away
    #[arg(long)]
    title: Option<String>,
    /// What they may do at most, whatever their keys say
    #[arg(long, value_enum)]
    role: Option<Level>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
pub(super) struct Remove {
    /// Their id, address or name
    who: String,
    /// Who takes over the records that they are responsible for
    #[arg(long, value_name = "WHO")]
    reassign_to: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(ValueEnum, Debug, Clone, Copy)]
enum Level {
    /// Everything; each workspace keeps one
    Owner,
    /// Everything
    Admin,
    /// All work, but neither the workspace's settings nor its audit log
    Member,
    /// Reads the work
    Viewer,
}

impl From<Level> for Role {
    fn from(level: Level) -> Self {
        match level {
            Level::Owner => Self::Owner,
            Level::Admin => Self::Admin,
            Level::Member => Self::Member,
            Level::Viewer => Self::Viewer,
        }
    }
}

pub(super) async fn run(config: &Config, command: Command) -> Result<()> {
    let store = boot::store(config).await?;
    let done = match workspace::chosen(config, &store).await {
        Ok(slug) => run_in(config, &store, &slug, command).await,
        Err(failure) => Err(failure),
    };
    store.close().await;
    done
}

async fn run_in(config: &Config, store: &Store, slug: &str, command: Command) -> Result<()> {
    match command {
        Command::Add(arguments) => {
            let new = NewMember {
                name: arguments.name,
                email: arguments.email,
                title: arguments.title,
                role: arguments.role.into(),
            };
            let member = admin::add_member(store, slug, new).await.map_err(usage)?;
            said(&member, "is added", arguments.json)
        }
        Command::List { json } => list(&admin::list_members(store, slug).await?, json),
        Command::Update(arguments) => {
            let change = MemberChange {
                name: arguments.name,
                email: arguments.email,
                title: arguments.title,
                role: arguments.role.map(Into::into),
            };
            let member = admin::update_member(store, slug, &arguments.who, change)
                .await
                .map_err(usage)?;
            said(&member, "is saved", arguments.json)
        }
        Command::Remove(arguments) => remove(config, store, slug, arguments).await,
        Command::Restore { who, json } => {
            let member = admin::restore_member(store, slug, &who)
                .await
                .map_err(usage)?;
            said(&member, "is back", json)
        }
    }
}

async fn remove(config: &Config, store: &Store, slug: &str, arguments: Remove) -> Result<()> {
    let dispatcher = boot::call_dispatcher(config, store.clone(), boot::whole_registry()?)?;
    let heir = arguments.reassign_to.as_deref();
    let removed = admin::remove_member(dispatcher.app(), slug, &arguments.who, heir)
        .await
        .map_err(usage)?;
    if arguments.json {
        return print::json(&removed);
    }
    let member = &removed.member;
    let mut text = format!(
        "{} ({}) is removed; their keys open nothing any more.",
        member.name, member.id
    );
    if let Some(change) = removed.change {
        text.push_str(&format!(
            "\n{} records passed on; `bureau undo {change}` takes that back.",
            removed.reassigned
        ));
    }
    print::out(&text)
}

fn said(member: &MemberInfo, what: &str, json: bool) -> Result<()> {
    if json {
        return print::json(member);
    }
    let role = enum_name(&member.role);
    print::out(&format!("{} ({}, {role}) {what}.", member.name, member.id))
}

fn list(members: &[MemberInfo], json: bool) -> Result<()> {
    if json {
        return print::json(&members);
    }
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".into());
    let rows: Vec<[String; 6]> = members
        .iter()
        .map(|member| {
            let teams: Vec<&str> = member.teams.iter().map(|team| team.name.as_str()).collect();
            [
                member.id.to_string(),
                member.name.clone(),
                enum_name(&member.role),
                or_dash(&member.email),
                or_dash(&member.title),
                teams.join(", "),
            ]
        })
        .collect();
    print::out(&print::table(
        ["id", "name", "role", "email", "title", "teams"],
        &rows,
    ))
}
