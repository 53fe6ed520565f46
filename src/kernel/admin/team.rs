//! Teams: members who work together, and who leads them.

use std::collections::HashMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value as Data, json};

use super::author::{Author, note};
use super::member::{find_member, in_context, lock, members, refuse_held};
use super::workspace::workspace_by_slug;
use super::{Entry, differing, log, log_in};
use crate::caller::{Member, Team, Workspace};
use crate::error::{Error, Result};
use crate::record::{App, Cx};
use crate::store::log::Action;
use crate::store::{Row, Scope, Store, Tx, sql};
use crate::types::id::{Entity as _, Id};
use crate::types::text::{LongText, ShortText, folded, nearest, quoted};
use crate::types::time::Timestamp;

/// A team as a list shows it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TeamInfo {
    /// Its identifier.
    pub id: Id<Team>,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub about: Option<String>,
    /// Who leads it.
    pub lead: Option<Id<Member>>,
    /// Who is in it.
    pub members: Vec<MemberName>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A member by their name.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct MemberName {
    /// Their identifier.
    pub id: Id<Member>,
    /// Their name.
    pub name: String,
}

/// A team to be made.
#[derive(Debug, Clone, Default)]
pub struct NewTeam {
    /// Up to 100 characters, unique among the live teams of the workspace.
    pub name: String,
    /// Up to 500 characters.
    pub about: Option<String>,
    /// Who leads it, by id, address or name: a member of the workspace, who becomes one of the team.
    pub lead: Option<String>,
}

/// What changes about a team; what is absent stays as it is. An empty text takes `about` or the lead away.
#[derive(Debug, Clone, Default)]
pub struct TeamChange {
    /// Up to 100 characters, unique among the live teams of the workspace.
    pub name: Option<String>,
    /// Up to 500 characters.
    pub about: Option<String>,
    /// Who leads it, by id, address or name.
    pub lead: Option<String>,
}

/// What the change log keeps of a team.
pub(super) fn content(team: &TeamInfo) -> Data {
    let members: Vec<Id<Member>> = team.members.iter().map(|member| member.id).collect();
    let mut content = json!({ "name": team.name, "about": team.about, "lead": team.lead });
    if let Some(content) = content.as_object_mut().filter(|_| !members.is_empty()) {
        content.insert("members".into(), json!(members));
    }
    content
}

/// The live teams of a workspace with their members, by name.
///
/// # Errors
/// What the database says.
pub async fn teams(tx: &mut Tx, workspace: Id<Workspace>) -> Result<Vec<TeamInfo>> {
    let rows = sql(COLUMNS)
        .value(workspace)
        .sql(" ORDER BY sort_name")
        .rows(tx)
        .await?;
    with_members(tx, workspace, &rows, false).await
}

/// The next live teams of a workspace after one with their members, in the order in which they were made.
///
/// # Errors
/// What the database says.
pub async fn next_teams(
    tx: &mut Tx,
    workspace: Id<Workspace>,
    after: Option<i64>,
    limit: usize,
) -> Result<Vec<TeamInfo>> {
    let rows = sql(COLUMNS)
        .value(workspace)
        .sql(" AND id > ")
        .value(after.unwrap_or(i64::MIN))
        .sql(" ORDER BY id LIMIT ")
        .value(i64::try_from(limit).unwrap_or(i64::MAX))
        .rows(tx)
        .await?;
    with_members(tx, workspace, &rows, true).await
}

const COLUMNS: &str = "SELECT id, name, about, lead, created_at, updated_at FROM team WHERE archived_at IS NULL AND workspace = ";

/// The teams in these rows with their members. Where they are `few`, only theirs are read.
async fn with_members(
    tx: &mut Tx,
    workspace: Id<Workspace>,
    rows: &[Row],
    few: bool,
) -> Result<Vec<TeamInfo>> {
    let mut statement = sql("SELECT p.team, m.id, m.name FROM team_member p
                    JOIN member m ON m.workspace = p.workspace AND m.id = p.member AND m.archived_at IS NULL
                    WHERE p.workspace = ")
        .value(workspace);
    if few {
        let ids = rows.iter().map(|row| row.get("id"));
        statement.push(" AND p.team IN ");
        statement.push_ids(&ids.collect::<Result<Vec<i64>>>()?);
    }
    let mut members: HashMap<Id<Team>, Vec<MemberName>> = HashMap::new();
    for row in statement.sql(" ORDER BY m.id").rows(tx).await? {
        members
            .entry(row.get("team")?)
            .or_default()
            .push(MemberName {
                id: row.get("id")?,
                name: row.get("name")?,
            });
    }
    rows.iter()
        .map(|row| {
            let id = row.get("id")?;
            Ok(TeamInfo {
                id,
                name: row.get("name")?,
                about: row.get("about")?,
                lead: row.get("lead")?,
                members: members.remove(&id).unwrap_or_default(),
                created_at: row.get("created_at")?,
                updated_at: row.get("updated_at")?,
            })
        })
        .collect()
}

/// The live teams of a workspace, by name.
///
/// # Errors
/// [`Code::NotFound`](crate::error::Code::NotFound) for an unknown workspace.
pub async fn list_teams(store: &Store, slug: &str) -> Result<Vec<TeamInfo>> {
    let workspace = workspace_by_slug(store, slug).await?;
    let mut tx = store.read(Scope::System).await?;
    let teams = teams(&mut tx, workspace.id).await;
    tx.rollback().await;
    teams
}

pub(super) fn find<'a>(teams: &'a [TeamInfo], which: &str) -> Result<&'a TeamInfo> {
    let id = which.parse::<Id<Team>>().ok();
    let wanted = folded(which.trim());
    let found = teams
        .iter()
        .find(|team| Some(team.id) == id || folded(&team.name) == wanted);
    found.ok_or_else(|| {
        let error = Error::not_found("team", "of this name").field("team");
        match nearest(which, teams.iter().map(|team| team.name.as_str())) {
            Some(name) => error.hint(format!("Did you mean {name:?}?")),
            None => error.hint("`bureau team list` shows which there are."),
        }
    })
}

fn name_of(text: &str) -> Result<String> {
    ShortText::<100>::new(text)
        .map(Into::into)
        .map_err(|error| Error::invalid("name", format!("name {error}.")))
}

fn about_of(text: &str) -> Result<Option<String>> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    LongText::<500>::new(text)
        .map(|about| Some(about.into()))
        .map_err(|error| Error::invalid("about", format!("about {error}.")))
}

fn check_name(teams: &[TeamInfo], name: &str, own: Option<Id<Team>>) -> Result<()> {
    let same = |team: &&TeamInfo| folded(&team.name) == folded(name) && Some(team.id) != own;
    match teams.iter().find(same) {
        None => Ok(()),
        Some(other) => Err(Error::conflict(format!(
            "There is a team of this name already ({}).",
            other.id
        ))
        .field("name")),
    }
}

/// The member who is to lead.
async fn leader(tx: &mut Tx, workspace: Id<Workspace>, who: &str) -> Result<Option<MemberName>> {
    if who.trim().is_empty() {
        return Ok(None);
    }
    let all = members(tx, workspace).await?;
    let lead = find_member(&all, who).map_err(|error| error.field("lead"))?;
    Ok(Some(MemberName {
        id: lead.id,
        name: lead.name.clone(),
    }))
}

/// Makes a team.
///
/// # Errors
/// [`Code::Validation`](crate::error::Code::Validation) naming what is wrong; [`Code::Conflict`](crate::error::Code::Conflict) when the name is taken.
pub async fn create_team(store: &Store, slug: &str, new: NewTeam) -> Result<TeamInfo> {
    let workspace = workspace_by_slug(store, slug).await?.id;
    let (name, about) = (
        name_of(&new.name)?,
        about_of(&new.about.unwrap_or_default())?,
    );
    let make = async |tx: &mut Tx| {
        lock(tx, workspace).await?;
        check_name(&teams(tx, workspace).await?, &name, None)?;
        let lead = leader(tx, workspace, new.lead.as_deref().unwrap_or_default()).await?;
        let team = TeamInfo {
            id: Id::from_raw(tx.next_id()?),
            name: name.clone(),
            about: about.clone(),
            lead: lead.as_ref().map(|lead| lead.id),
            members: lead.into_iter().collect(),
            created_at: tx.now(),
            updated_at: tx.now(),
        };
        sql(
            "INSERT INTO team (id, workspace, name, sort_name, about, lead, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(team.id)
        .bind(workspace)
        .bind(team.name.clone())
        .bind(folded(&team.name))
        .bind(team.about.clone())
        .bind(team.lead)
        .bind(team.created_at)
        .bind(team.updated_at)
        .run(tx)
        .await?;
        for member in &team.members {
            put(tx, workspace, team.id, member.id).await?;
        }
        let (_, is) = differing(json!({}), content(&team));
        let author = Author::operator(tx)?;
        log(
            tx,
            &author,
            workspace,
            Team::TABLE,
            team.id.raw(),
            Action::Create,
            &is,
        )?;
        Ok(team)
    };
    store.change(Scope::System, make).await
}

/// Changes a team. A new lead becomes one of its members.
///
/// # Errors
/// As [`create_team`]; [`Code::NotFound`](crate::error::Code::NotFound) for an unknown team.
pub async fn update_team(
    store: &Store,
    slug: &str,
    which: &str,
    change: TeamChange,
) -> Result<TeamInfo> {
    let workspace = workspace_by_slug(store, slug).await?.id;
    let update = async |tx: &mut Tx| {
        lock(tx, workspace).await?;
        let all = teams(tx, workspace).await?;
        let before = find(&all, which)?;
        let mut team = before.clone();
        if let Some(name) = &change.name {
            team.name = name_of(name)?;
        }
        if let Some(about) = &change.about {
            team.about = about_of(about)?;
        }
        if let Some(lead) = &change.lead {
            let lead = leader(tx, workspace, lead).await?;
            team.lead = lead.as_ref().map(|lead| lead.id);
            let new = lead.filter(|lead| team.members.iter().all(|member| member.id != lead.id));
            if let Some(new) = new {
                put(tx, workspace, team.id, new.id).await?;
                team.members.push(new);
            }
        }
        check_name(&all, &team.name, Some(team.id))?;
        let author = Author::operator(tx)?;
        save(tx, &author, workspace, before, team).await
    };
    store.change(Scope::System, update).await
}

/// Writes what differs.
pub(super) async fn save(
    tx: &mut Tx,
    author: &Author,
    workspace: Id<Workspace>,
    before: &TeamInfo,
    mut team: TeamInfo,
) -> Result<TeamInfo> {
    if team == *before {
        return Ok(team);
    }
    team.updated_at = tx.now();
    sql("UPDATE team SET name = $1, sort_name = $2, about = $3, lead = $4, updated_at = $5 WHERE workspace = $6 AND id = $7")
        .bind(team.name.clone())
        .bind(folded(&team.name))
        .bind(team.about.clone())
        .bind(team.lead)
        .bind(team.updated_at)
        .bind(workspace)
        .bind(team.id)
        .run(tx)
        .await?;
    log_update(tx, author, workspace, before, &team)?;
    Ok(team)
}

fn log_update(
    tx: &mut Tx,
    author: &Author,
    workspace: Id<Workspace>,
    before: &TeamInfo,
    team: &TeamInfo,
) -> Result<()> {
    let (was, is) = differing(content(before), content(team));
    log_in(
        tx,
        author,
        Entry {
            workspace,
            entity: Team::TABLE,
            record: team.id.raw(),
            action: Action::Update,
            before: Some(was),
            after: Some(is),
        },
    )
}

/// Deletes a team; its members stay.
///
/// # Errors
/// [`Code::NotFound`](crate::error::Code::NotFound) for an unknown team; [`Code::Conflict`](crate::error::Code::Conflict) when live records refer to it.
pub async fn delete_team(app: &Arc<App>, slug: &str, which: &str) -> Result<TeamInfo> {
    let delete = async |cx: &mut Cx| {
        let workspace = cx.workspace().id;
        lock(cx.tx(), workspace).await?;
        let all = teams(cx.tx(), workspace).await?;
        let team = find(&all, which)?;
        refuse_held(cx, Team::TABLE, team.id.raw(), &team.name).await?;
        sql("DELETE FROM team_member WHERE workspace = ")
            .value(workspace)
            .sql(" AND team = ")
            .value(team.id)
            .run(cx.tx())
            .await?;
        sql("UPDATE team SET archived_at = ")
            .value(cx.now())
            .sql(" WHERE workspace = ")
            .value(workspace)
            .sql(" AND id = ")
            .value(team.id)
            .run(cx.tx())
            .await?;
        let (was, _) = differing(content(team), json!({}));
        let author = Author::operator(cx.tx())?;
        log_in(
            cx.tx(),
            &author,
            Entry {
                workspace,
                entity: Team::TABLE,
                record: team.id.raw(),
                action: Action::Archive,
                before: Some(was),
                after: None,
            },
        )?;
        Ok(team.clone())
    };
    in_context(app, slug, delete).await
}

/// Puts a member into a team; who is there already stays.
///
/// # Errors
/// [`Code::NotFound`](crate::error::Code::NotFound) for an unknown team or member.
pub async fn put_member(store: &Store, slug: &str, which: &str, who: &str) -> Result<TeamInfo> {
    change_members(store, slug, which, who, true).await
}

/// Takes a member out of a team, and its lead away if it was them.
///
/// # Errors
/// [`Code::NotFound`](crate::error::Code::NotFound) for an unknown team, or a member who is not in it.
pub async fn take_member(store: &Store, slug: &str, which: &str, who: &str) -> Result<TeamInfo> {
    change_members(store, slug, which, who, false).await
}

async fn change_members(
    store: &Store,
    slug: &str,
    which: &str,
    who: &str,
    put_in: bool,
) -> Result<TeamInfo> {
    let workspace = workspace_by_slug(store, slug).await?.id;
    let put_or_take = async |tx: &mut Tx| {
        let author = Author::operator(tx)?;
        put_or_take(tx, &author, workspace, which, who, put_in).await
    };
    store.change(Scope::System, put_or_take).await
}

/// [`put_member`] as a part of a tool's call.
///
/// # Errors
/// As [`put_member`].
pub async fn member_put(cx: &mut Cx, which: Id<Team>, who: Id<Member>) -> Result<TeamInfo> {
    members_changed(cx, which, who, true).await
}

/// [`take_member`] as a part of a tool's call.
///
/// # Errors
/// As [`take_member`].
pub async fn member_taken(cx: &mut Cx, which: Id<Team>, who: Id<Member>) -> Result<TeamInfo> {
    members_changed(cx, which, who, false).await
}

async fn members_changed(
    cx: &mut Cx,
    which: Id<Team>,
    who: Id<Member>,
    put_in: bool,
) -> Result<TeamInfo> {
    let (author, workspace) = (Author::of(cx), cx.workspace().id);
    let (which, who) = (which.to_string(), who.to_string());
    let logged = cx.tx().logged().len();
    let team = put_or_take(cx.tx(), &author, workspace, &which, &who, put_in).await?;
    if cx.tx().logged().len() > logged {
        noted(cx, &team);
    }
    Ok(team)
}

/// Notes for the person who is asked that a team is changed.
pub(super) fn noted(cx: &mut Cx, team: &TeamInfo) {
    let (table, noun) = (Team::TABLE, Team::NOUN);
    let title = quoted(&team.name);
    note(cx, table, noun, team.id.raw(), Action::Update, &title);
}

async fn put_or_take(
    tx: &mut Tx,
    author: &Author,
    workspace: Id<Workspace>,
    which: &str,
    who: &str,
    put_in: bool,
) -> Result<TeamInfo> {
    lock(tx, workspace).await?;
    let all = teams(tx, workspace).await?;
    let before = find(&all, which)?;
    let everybody = members(tx, workspace).await?;
    let member = find_member(&everybody, who)?;
    let is_in = before.members.iter().any(|known| known.id == member.id);
    let mut team = before.clone();
    match (put_in, is_in) {
        (true, false) => {
            put(tx, workspace, team.id, member.id).await?;
            team.members.push(MemberName {
                id: member.id,
                name: member.name.clone(),
            });
        }
        (false, true) => {
            take(tx, workspace, team.id, member.id).await?;
            team.members.retain(|known| known.id != member.id);
            team.lead = team.lead.filter(|lead| *lead != member.id);
        }
        (true, true) => {}
        (false, false) => {
            return Err(Error::not_found("member", "of this name in the team")
                .field("member")
                .hint(format!("{} is not in the team {}.", member.name, team.name)));
        }
    }
    save(tx, author, workspace, before, team).await
}

pub(super) async fn put(
    tx: &mut Tx,
    workspace: Id<Workspace>,
    team: Id<Team>,
    member: Id<Member>,
) -> Result<()> {
    sql("INSERT INTO team_member (workspace, team, member) VALUES ($1, $2, $3)")
        .bind(workspace)
        .bind(team)
        .bind(member)
        .run(tx)
        .await
        .map(drop)
}

pub(super) async fn take(
    tx: &mut Tx,
    workspace: Id<Workspace>,
    team: Id<Team>,
    member: Id<Member>,
) -> Result<()> {
    sql("DELETE FROM team_member WHERE workspace = ")
        .value(workspace)
        .sql(" AND team = ")
        .value(team)
        .sql(" AND member = ")
        .value(member)
        .run(tx)
        .await
        .map(drop)
}

/// Takes a member who leaves out of every team.
pub(super) async fn leave_all(
    tx: &mut Tx,
    author: &Author,
    workspace: Id<Workspace>,
    member: Id<Member>,
) -> Result<()> {
    for before in teams(tx, workspace).await? {
        if before.members.iter().all(|known| known.id != member) {
            continue;
        }
        let mut team = before.clone();
        team.members.retain(|known| known.id != member);
        team.lead = team.lead.filter(|lead| *lead != member);
        take(tx, workspace, team.id, member).await?;
        sql("UPDATE team SET lead = $1, updated_at = $2 WHERE workspace = $3 AND id = $4")
            .bind(team.lead)
            .bind(tx.now())
            .bind(workspace)
            .bind(team.id)
            .run(tx)
            .await?;
        log_update(tx, author, workspace, &before, &team)?;
    }
    Ok(())
}
