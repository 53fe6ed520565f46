//! `bureau team`: members who work together.

use bureau_kernel::admin::{self, NewTeam, TeamChange, TeamInfo};
use bureau_kernel::store::Store;
use clap::{Args, Subcommand};

use super::{Result, print, usage, workspace};
use crate::boot;
use crate::config::Config;

#[derive(Subcommand, Debug)]
pub(super) enum Command {
    /// Make a team
    Create(Create),
    /// List the teams
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Change a team
    Update(Update),
    /// Delete a team; its members stay
    Delete {
        /// Its id or name
        team: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Put a member into a team
    AddMember(Membership),
    /// Take a member out of a team
    RemoveMember(Membership),
}

#[derive(Args, Debug)]
pub(super) struct Create {
    /// Its name; no other team has it
    name: String,
    /// What it is for
    #[arg(long)]
    about: Option<String>,
    /// Who leads it: a member's id, address or name
    #[arg(long, value_name = "WHO")]
    lead: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
pub(super) struct Update {
    /// Its id or name
    team: String,
    /// Its new name
    #[arg(long)]
    name: Option<String>,
    /// What it is for; "" takes it away
    #[arg(long)]
    about: Option<String>,
    /// Who leads it: a member's id, address or name; "" for nobody
    #[arg(long, value_name = "WHO")]
    lead: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
pub(super) struct Membership {
    /// The team's id or name
    team: String,
    /// The member's id, address or name
    who: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
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
    let (done, what, json) = match command {
        Command::List { json } => return list(&admin::list_teams(store, slug).await?, json),
        Command::Create(arguments) => {
            let new = NewTeam {
                name: arguments.name,
                about: arguments.about,
                lead: arguments.lead,
            };
            let made = admin::create_team(store, slug, new).await;
            (made, "is made", arguments.json)
        }
        Command::Update(arguments) => {
            let change = TeamChange {
                name: arguments.name,
                about: arguments.about,
                lead: arguments.lead,
            };
            let updated = admin::update_team(store, slug, &arguments.team, change).await;
            (updated, "is saved", arguments.json)
        }
        Command::Delete { team, json } => {
            let dispatcher = boot::call_dispatcher(config, store.clone(), boot::whole_registry()?)?;
            let deleted = admin::delete_team(dispatcher.app(), slug, &team).await;
            (deleted, "is deleted", json)
        }
        Command::AddMember(arguments) => {
            let put = admin::put_member(store, slug, &arguments.team, &arguments.who).await;
            (put, "is saved", arguments.json)
        }
        Command::RemoveMember(arguments) => {
            let taken = admin::take_member(store, slug, &arguments.team, &arguments.who).await;
            (taken, "is saved", arguments.json)
        }
    };
    let team = done.map_err(usage)?;
    if json {
        return print::json(&team);
    }
    print::out(&format!(
        "Team {} ({}) {what}; in it: {}.",
        team.name,
        team.id,
        people(&team)
    ))
}

/// Who is in it, the lead first of all.
fn people(team: &TeamInfo) -> String {
    let mut members: Vec<_> = team.members.iter().collect();
    members.sort_by_key(|member| team.lead != Some(member.id));
    let names: Vec<String> = members
        .into_iter()
        .map(|member| {
            let lead = if team.lead == Some(member.id) {
                " (lead)"
            } else {
                ""
            };
            format!("{}{lead}", member.name)
        })
        .collect();
    if names.is_empty() {
        "nobody".to_owned()
    } else {
        names.join(", ")
    }
}

fn list(teams: &[TeamInfo], json: bool) -> Result<()> {
    if json {
        return print::json(&teams);
    }
    if teams.is_empty() {
        return print::out("There is no team yet. Make one: bureau team create NAME");
    }
    let rows: Vec<[String; 4]> = teams
        .iter()
        .map(|team| {
            [
                team.id.to_string(),
                team.name.clone(),
                people(team),
                team.about.clone().unwrap_or_else(|| "-".into()),
            ]
        })
        .collect();
    print::out(&print::table(["id", "name", "members", "about"], &rows))
}
