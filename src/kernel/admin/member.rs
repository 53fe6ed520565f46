//! Members: the people who work in a workspace, each with a role.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value as Data, json};

use super::author::{Author, note};
use super::authority::Authority;
use super::workspace::workspace_by_slug;
use super::{Entry, differing, log, log_in, operator, team};
use crate::caller::{Member, Role, Team, Workspace};
use crate::error::{Error, Result};
use crate::record::{App, Cx};
use crate::retry::Retry;
use crate::store::log::{Action, Change};
use crate::store::{Row, Scope, Store, Tx, sql};
use crate::types::email::Email;
use crate::types::id::{Entity as _, Id};
use crate::types::text::{ShortText, folded, nearest, quoted};
use crate::types::time::Timestamp;

/// A member as a list shows them.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct MemberInfo {
    /// Their identifier.
    pub id: Id<Member>,
    /// Their name.
    pub name: String,
    /// Their address, in lower case.
    pub email: Option<String>,
    /// What their job is called.
    pub title: Option<String>,
    /// What they may do.
    pub role: Role,
    /// The teams that they are in.
    pub teams: Vec<TeamName>,
    /// When they were added.
    pub created_at: Timestamp,
    /// When they were last changed.
    pub updated_at: Timestamp,
}

/// A team by its name.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TeamName {
    /// Its identifier.
    pub id: Id<Team>,
    /// Its name.
    pub name: String,
}

/// A member to be added.
#[derive(Debug, Clone, Default)]
pub struct NewMember {
    /// Up to 100 characters.
    pub name: String,
    /// Unique among the live members of the workspace.
    pub email: Option<String>,
    /// Up to 150 characters.
    pub title: Option<String>,
    /// What they may do.
    pub role: Role,
}

/// What changes about a member; what is absent stays as it is. An empty text takes address or title away.
#[derive(Debug, Clone, Default)]
pub struct MemberChange {
    /// Up to 100 characters.
    pub name: Option<String>,
    /// Unique among the live members of the workspace.
    pub email: Option<String>,
    /// Up to 150 characters.
    pub title: Option<String>,
    /// What they may do, from the next call on.
    pub role: Option<Role>,
}

/// What removing a member did.
#[derive(Debug, Clone, Serialize)]
pub struct Removed {
    /// Who is gone.
    pub member: MemberInfo,
    /// How many records passed to somebody else.
    pub reassigned: usize,
    /// The change in which they did: what `bureau undo` takes back.
    pub change: Option<Id<Change>>,
}

const COLUMNS: &str =
    "SELECT id, name, email, title, role, created_at, updated_at FROM member WHERE workspace = ";

fn from_row(row: &Row) -> Result<MemberInfo> {
    Ok(MemberInfo {
        id: row.get("id")?,
        name: row.get("name")?,
        email: row.get("email")?,
        title: row.get("title")?,
        role: row.get("role")?,
        teams: Vec::new(),
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}

/// What the change log keeps of a member.
pub(super) fn content(member: &MemberInfo) -> Data {
    json!({ "name": member.name, "email": member.email, "title": member.title, "role": member.role })
}

/// The live members of a workspace with their teams, in the order in which they came.
///
/// # Errors
/// What the database says.
pub async fn members(tx: &mut Tx, workspace: Id<Workspace>) -> Result<Vec<MemberInfo>> {
    let rows = sql(COLUMNS)
        .value(workspace)
        .sql(" AND archived_at IS NULL ORDER BY id")
        .rows(tx)
        .await?;
    let members = rows.iter().map(from_row).collect::<Result<Vec<_>>>()?;
    with_teams(tx, workspace, members, false).await
}

/// Of which members a page is.
#[derive(Debug, Clone, Copy, Default)]
pub struct MembersWanted {
    /// Those who came after this one.
    pub after: Option<i64>,
    /// Those of this role.
    pub role: Option<Role>,
    /// Those in this team.
    pub team: Option<Id<Team>>,
}

/// The next live members of a workspace with their teams, in the order in which they came.
///
/// # Errors
/// What the database says.
pub async fn next_members(
    tx: &mut Tx,
    workspace: Id<Workspace>,
    wanted: MembersWanted,
    limit: usize,
) -> Result<Vec<MemberInfo>> {
    let mut statement = sql(COLUMNS)
        .value(workspace)
        .sql(" AND archived_at IS NULL AND id > ")
        .value(wanted.after.unwrap_or(i64::MIN));
    if let Some(role) = wanted.role {
        statement = statement.sql(" AND role = ").value(role);
    }
    if let Some(team) = wanted.team {
        statement = statement
            .sql(
                " AND id IN (SELECT p.member FROM team_member p
                  JOIN team t ON t.workspace = p.workspace AND t.id = p.team AND t.archived_at IS NULL
                  WHERE p.workspace = ",
            )
            .value(workspace)
            .sql(" AND p.team = ")
            .value(team)
            .sql(")");
    }
    let rows = statement
        .sql(" ORDER BY id LIMIT ")
        .value(i64::try_from(limit).unwrap_or(i64::MAX))
        .rows(tx)
        .await?;
    let members = rows.iter().map(from_row).collect::<Result<Vec<_>>>()?;
    with_teams(tx, workspace, members, true).await
}

/// The members with the teams that they are in. Where they are `few`, only theirs are read.
async fn with_teams(
    tx: &mut Tx,
    workspace: Id<Workspace>,
    mut members: Vec<MemberInfo>,
    few: bool,
) -> Result<Vec<MemberInfo>> {
    let mut statement = sql("SELECT p.member, t.id, t.name FROM team_member p
                    JOIN team t ON t.workspace = p.workspace AND t.id = p.team AND t.archived_at IS NULL
                    WHERE p.workspace = ")
        .value(workspace);
    if few {
        let ids: Vec<i64> = members.iter().map(|member| member.id.raw()).collect();
        statement.push(" AND p.member IN ");
        statement.push_ids(&ids);
    }
    let rows = statement.sql(" ORDER BY t.sort_name").rows(tx).await?;
    let mut teams: HashMap<Id<Member>, Vec<TeamName>> = HashMap::new();
    for row in rows {
        teams.entry(row.get("member")?).or_default().push(TeamName {
            id: row.get("id")?,
            name: row.get("name")?,
        });
    }
    for member in &mut members {
        member.teams = teams.remove(&member.id).unwrap_or_default();
    }
    Ok(members)
}

/// The live members of a workspace, in the order in which they came.
///
/// # Errors
/// [`Code::NotFound`](crate::error::Code::NotFound) for an unknown workspace.
pub async fn list_members(store: &Store, slug: &str) -> Result<Vec<MemberInfo>> {
    let workspace = workspace_by_slug(store, slug).await?;
    let mut tx = store.read(Scope::System).await?;
    let members = members(&mut tx, workspace.id).await;
    tx.rollback().await;
    members
}

/// The one of these members who is meant: by id, address or name.
///
/// # Errors
/// [`Code::NotFound`](crate::error::Code::NotFound) with the nearest name; [`Code::Conflict`](crate::error::Code::Conflict) when several are called so.
pub fn find_member<'a>(members: &'a [MemberInfo], who: &str) -> Result<&'a MemberInfo> {
    let id = who.parse::<Id<Member>>().ok();
    let wanted = folded(who.trim());
    let is_meant = |member: &&MemberInfo| {
        Some(member.id) == id
            || member
                .email
                .as_deref()
                .is_some_and(|email| folded(email) == wanted)
            || folded(&member.name) == wanted
    };
    let found: Vec<&MemberInfo> = members.iter().filter(is_meant).collect();
    match found.as_slice() {
        [one] => Ok(one),
        [] => {
            let error = Error::not_found("member", "of this name or address").field("member");
            let names = members.iter().map(|member| member.name.as_str());
            Err(match nearest(who, names) {
                Some(name) => error.hint(format!("Did you mean {name:?}?")),
                None => {
                    let some: Vec<&str> = members
                        .iter()
                        .take(10)
                        .map(|member| member.name.as_str())
                        .collect();
                    error.hint(format!("There are: {}.", some.join(", ")))
                }
            })
        }
        several => {
            let ids: Vec<String> = several.iter().map(|member| member.id.to_string()).collect();
            Err(Error::conflict("Several members are called so.")
                .field("member")
                .hint(format!(
                    "Name the one by address or id: {}.",
                    ids.join(", ")
                )))
        }
    }
}

fn name_of(text: &str) -> Result<String> {
    ShortText::<100>::new(text)
        .map(Into::into)
        .map_err(|error| Error::invalid("name", format!("name {error}.")))
}

fn title_of(text: &str) -> Result<Option<String>> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    ShortText::<150>::new(text)
        .map(|title| Some(title.into()))
        .map_err(|error| Error::invalid("title", format!("title {error}.")))
}

fn email_of(text: &str) -> Result<Option<String>> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let email: Email = text
        .parse()
        .map_err(|error| Error::invalid("email", format!("email {error}.")))?;
    Ok(Some(email.to_string()))
}

/// Two members with one address could not be told apart by it.
fn check_email(members: &[MemberInfo], email: Option<&str>, own: Option<Id<Member>>) -> Result<()> {
    let other = members.iter().find(|member| {
        email.is_some() && member.email.as_deref() == email && Some(member.id) != own
    });
    match other {
        None => Ok(()),
        Some(other) => Err(Error::conflict(format!(
            "The member {} has this address already.",
            other.id
        ))
        .field("email")),
    }
}

/// Nobody could arrange anything in a workspace without an owner.
fn keep_an_owner(members: &[MemberInfo], leaving: Id<Member>) -> Result<()> {
    let stays = |member: &MemberInfo| member.role == Role::Owner && member.id != leaving;
    if members.iter().any(stays) {
        return Ok(());
    }
    Err(
        Error::conflict("This is the workspace's last owner, and it keeps one.")
            .field("role")
            .hint("Make somebody else an owner first: update_member with role: owner, or bureau member update WHO --role owner."),
    )
}

/// Members of one workspace are changed one after the other: of two last owners, one stays.
pub(super) async fn lock(tx: &mut Tx, workspace: Id<Workspace>) -> Result<()> {
    tx.serialize(&format!("members of {workspace}")).await
}

/// Adds a member.
///
/// # Errors
/// [`Code::Validation`](crate::error::Code::Validation) naming what is wrong; [`Code::Conflict`](crate::error::Code::Conflict) when the address is taken.
pub async fn add_member(store: &Store, slug: &str, new: NewMember) -> Result<MemberInfo> {
    let workspace = workspace_by_slug(store, slug).await?.id;
    let add = async |tx: &mut Tx| {
        let author = Author::operator(tx)?;
        add(tx, &author, workspace, &new, Authority::Operator).await
    };
    store.change(Scope::System, add).await
}

/// [`add_member`] as a part of a tool's call.
///
/// # Errors
/// As [`add_member`]; [`Code::Forbidden`](crate::error::Code::Forbidden) for a role that allows what the caller may not do.
pub async fn member_added(
    cx: &mut Cx,
    new: &NewMember,
    authority: Authority<'_>,
) -> Result<MemberInfo> {
    let (author, workspace) = (Author::of(cx), cx.workspace().id);
    let member = add(cx.tx(), &author, workspace, new, authority).await?;
    noted(cx, &member, Action::Create);
    Ok(member)
}

/// Notes for the person who is asked what a tool did to a member.
fn noted(cx: &mut Cx, member: &MemberInfo, action: Action) {
    let title = quoted(&member.name);
    let (table, noun) = (Member::TABLE, Member::NOUN);
    note(cx, table, noun, member.id.raw(), action, &title);
}

async fn add(
    tx: &mut Tx,
    author: &Author,
    workspace: Id<Workspace>,
    new: &NewMember,
    authority: Authority<'_>,
) -> Result<MemberInfo> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let (name, email, title) = in_form(
        name_of(&new.name),
        email_of(&text(&new.email)),
        title_of(&text(&new.title)),
    )?;
    authority.check(None, Some(new.role))?;
    lock(tx, workspace).await?;
    check_email(&members(tx, workspace).await?, email.as_deref(), None)?;
    let member = MemberInfo {
        id: Id::from_raw(tx.next_id()?),
        name,
        email,
        title,
        role: new.role,
        teams: Vec::new(),
        created_at: tx.now(),
        updated_at: tx.now(),
    };
    insert(tx, author, workspace, &member).await?;
    Ok(member)
}

/// What was said of a member, or all that is wrong with it.
fn in_form<A, B, C>(one: Result<A>, two: Result<B>, three: Result<C>) -> Result<(A, B, C)> {
    match (one, two, three) {
        (Ok(one), Ok(two), Ok(three)) => Ok((one, two, three)),
        (one, two, three) => {
            let wrong = [one.err(), two.err(), three.err()];
            let wrong = Error::all(wrong.into_iter().flatten().collect());
            Err(wrong.unwrap_or_else(|| Error::internal("nothing is wrong")))
        }
    }
}

/// Writes a new member.
pub(super) async fn insert(
    tx: &mut Tx,
    author: &Author,
    workspace: Id<Workspace>,
    member: &MemberInfo,
) -> Result<()> {
    sql(
        "INSERT INTO member (id, workspace, name, email, title, role, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(member.id)
    .bind(workspace)
    .bind(member.name.clone())
    .bind(member.email.clone())
    .bind(member.title.clone())
    .bind(member.role)
    .bind(member.created_at)
    .bind(member.updated_at)
    .run(tx)
    .await?;
    let (_, content) = differing(json!({}), content(member));
    log(
        tx,
        author,
        workspace,
        Member::TABLE,
        member.id.raw(),
        Action::Create,
        &content,
    )
}

/// Changes a member. A new role holds from the very next call.
///
/// # Errors
/// As [`add_member`] and [`find_member`]; [`Code::Conflict`](crate::error::Code::Conflict) when the last owner would be none.
pub async fn update_member(
    store: &Store,
    slug: &str,
    who: &str,
    change: MemberChange,
) -> Result<MemberInfo> {
    let workspace = workspace_by_slug(store, slug).await?.id;
    let update = async |tx: &mut Tx| {
        let author = Author::operator(tx)?;
        update(tx, &author, workspace, who, &change, Authority::Operator).await
    };
    store.change(Scope::System, update).await
}

/// [`update_member`] as a part of a tool's call.
///
/// # Errors
/// As [`update_member`]; [`Code::Forbidden`](crate::error::Code::Forbidden) for a member above the caller, and for a role that
/// allows what the caller may not do.
pub async fn member_updated(
    cx: &mut Cx,
    who: &str,
    change: &MemberChange,
    authority: Authority<'_>,
) -> Result<MemberInfo> {
    let (author, workspace) = (Author::of(cx), cx.workspace().id);
    let logged = cx.tx().logged().len();
    let member = update(cx.tx(), &author, workspace, who, change, authority).await?;
    if cx.tx().logged().len() > logged {
        noted(cx, &member, Action::Update);
    }
    Ok(member)
}

async fn update(
    tx: &mut Tx,
    author: &Author,
    workspace: Id<Workspace>,
    who: &str,
    change: &MemberChange,
    authority: Authority<'_>,
) -> Result<MemberInfo> {
    lock(tx, workspace).await?;
    let all = members(tx, workspace).await?;
    let before = find_member(&all, who)?;
    let mut member = before.clone();
    let name = change.name.as_deref().map(name_of).transpose();
    let email = change.email.as_deref().map(email_of).transpose();
    let title = change.title.as_deref().map(title_of).transpose();
    let (name, email, title) = in_form(name, email, title)?;
    member.name = name.unwrap_or(member.name);
    member.email = email.unwrap_or(member.email);
    member.title = title.unwrap_or(member.title);
    member.role = change.role.unwrap_or(member.role);
    authority.check(Some(before.role), Some(member.role))?;
    check_email(&all, member.email.as_deref(), Some(member.id))?;
    if member.role != Role::Owner && before.role == Role::Owner {
        keep_an_owner(&all, member.id)?;
    }
    if member == *before {
        return Ok(member);
    }
    member.updated_at = tx.now();
    sql("UPDATE member SET name = $1, email = $2, title = $3, role = $4, updated_at = $5 WHERE workspace = $6 AND id = $7")
        .bind(member.name.clone())
        .bind(member.email.clone())
        .bind(member.title.clone())
        .bind(member.role)
        .bind(member.updated_at)
        .bind(workspace)
        .bind(member.id)
        .run(tx)
        .await?;
    let (was, is) = differing(content(before), content(&member));
    log_in(
        tx,
        author,
        Entry {
            workspace,
            entity: Member::TABLE,
            record: member.id.raw(),
            action: Action::Update,
            before: Some(was),
            after: Some(is),
        },
    )?;
    Ok(member)
}

/// Removes a member: their keys stop at once, they leave their teams. Who is still responsible for records stays, unless it
/// is said to whom these pass; they do so in a change of their own, which can be undone.
///
/// # Errors
/// As [`find_member`]; [`Code::Conflict`](crate::error::Code::Conflict) for the last owner, and with the numbers of what they are responsible for.
pub async fn remove_member(
    app: &Arc<App>,
    slug: &str,
    who: &str,
    reassign_to: Option<&str>,
) -> Result<Removed> {
    let remove = async |cx: &mut Cx| {
        let author = Author::operator(cx.tx())?;
        remove(cx, &author, who, reassign_to, Authority::Operator).await
    };
    in_context(app, slug, remove).await
}

/// [`remove_member`] as a part of a tool's call, which takes the permissions for what passes to somebody else.
///
/// # Errors
/// As [`remove_member`]; [`Code::Forbidden`](crate::error::Code::Forbidden) for a member above the caller.
pub async fn member_removed(
    cx: &mut Cx,
    who: &str,
    reassign_to: Option<&str>,
    authority: Authority<'_>,
) -> Result<Removed> {
    let author = Author::of(cx);
    let removed = remove(cx, &author, who, reassign_to, authority).await?;
    noted(cx, &removed.member, Action::Archive);
    Ok(removed)
}

/// [`Store::change`] in a context of the owner's own, outside of any tool, which reaches members and teams as well.
pub(super) async fn in_context<T>(
    app: &Arc<App>,
    slug: &str,
    part: impl AsyncFn(&mut Cx) -> Result<T>,
) -> Result<T> {
    let caller = Arc::new(operator(&app.store, Some(slug)).await?);
    let mut retry = Retry::default();
    loop {
        let tx = app.store.write(Scope::System).await?;
        let (app, caller) = (Arc::clone(app), Arc::clone(&caller));
        let mut cx = Cx::new(tx, app, caller, "bureau", true, None)?;
        let done = part(&mut cx).await;
        let (tx, ..) = cx.into_parts();
        if let Some(outcome) = retry.settled(tx.end(done).await).await {
            return outcome;
        }
    }
}

async fn remove(
    cx: &mut Cx,
    author: &Author,
    who: &str,
    reassign_to: Option<&str>,
    authority: Authority<'_>,
) -> Result<Removed> {
    let workspace = cx.workspace().id;
    lock(cx.tx(), workspace).await?;
    let all = members(cx.tx(), workspace).await?;
    let member = find_member(&all, who)?;
    authority.check(Some(member.role), None)?;
    keep_an_owner(&all, member.id)?;
    let heir = reassign_to
        .map(|heir| find_member(&all, heir).map_err(|error| error.field("reassign_to")))
        .transpose()?;
    if heir.is_some_and(|heir| heir.id == member.id) {
        return Err(
            Error::invalid("reassign_to", "Who leaves takes over nothing.")
                .hint("Name another member."),
        );
    }
    // Whoever makes a record theirs meanwhile is waited for, and who comes later finds them gone.
    cx.tx()
        .before_deleting(Member::TABLE, workspace.raw())
        .await?;
    let mut held = sql("SELECT 1 AS held FROM member WHERE workspace = ")
        .value(workspace)
        .sql(" AND id = ")
        .value(member.id);
    held.push(cx.tx().for_update());
    held.rows(cx.tx()).await?;
    let reassigned = match heir {
        Some(heir) => {
            cx.repoint(Member::TABLE, member.id.raw(), Some(heir.id.raw()))
                .await?
        }
        None => {
            refuse_held(cx, Member::TABLE, member.id.raw(), &member.name)
                .await
                .map_err(|error| {
                    error.hint("Say to whom they pass: hand_over_to, or bureau member remove … --reassign-to WHO.")
                })?;
            0
        }
    };
    let change = (reassigned > 0).then(|| cx.change());
    team::leave_all(cx.tx(), author, workspace, member.id).await?;
    sql("UPDATE member SET archived_at = ")
        .value(cx.now())
        .sql(" WHERE workspace = ")
        .value(workspace)
        .sql(" AND id = ")
        .value(member.id)
        .run(cx.tx())
        .await?;
    let (was, _) = differing(content(member), json!({}));
    log_in(
        cx.tx(),
        author,
        Entry {
            workspace,
            entity: Member::TABLE,
            record: member.id.raw(),
            action: Action::Archive,
            before: Some(was),
            after: None,
        },
    )?;
    Ok(Removed {
        member: member.clone(),
        reassigned,
        change,
    })
}

/// Refuses when live records hold on to what is to go, with how many of what.
pub(super) async fn refuse_held(
    cx: &mut Cx,
    table: &'static str,
    id: i64,
    name: &str,
) -> Result<()> {
    // One record may refer to it by two columns; the columns of a kind come one after the other.
    let mut holding: Vec<(&str, BTreeSet<i64>)> = Vec::new();
    for (kind, link) in cx.records().clone().referring_to(table) {
        let holders = kind.holding(cx, link, &[id]).await?;
        let holders = holders.into_iter().map(|(_, holder)| holder);
        match holding.last_mut() {
            Some((noun, known)) if *noun == kind.noun() => known.extend(holders),
            _ => holding.push((kind.noun(), holders.collect())),
        }
    }
    holding.retain(|(_, holders)| !holders.is_empty());
    if holding.is_empty() {
        return Ok(());
    }
    let held: Vec<String> = holding
        .iter()
        .map(|(noun, holders)| format!("{} of kind {noun}", holders.len()))
        .collect();
    Err(Error::conflict(format!(
        "Records still refer to {name}: {}.",
        held.join(", ")
    )))
}

/// Brings a removed member back, with their keys; to teams they have to be put again.
///
/// # Errors
/// As [`find_member`], among those who were removed; [`Code::Conflict`](crate::error::Code::Conflict) when their address is taken by now.
pub async fn restore_member(store: &Store, slug: &str, who: &str) -> Result<MemberInfo> {
    let workspace = workspace_by_slug(store, slug).await?.id;
    let restore = async |tx: &mut Tx| {
        let author = Author::operator(tx)?;
        restore(tx, &author, workspace, who, Authority::Operator).await
    };
    store.change(Scope::System, restore).await
}

/// [`restore_member`] as a part of a tool's call.
///
/// # Errors
/// As [`restore_member`]; [`Code::Forbidden`](crate::error::Code::Forbidden) where their role allows what the caller may not do.
pub async fn member_restored(
    cx: &mut Cx,
    who: &str,
    authority: Authority<'_>,
) -> Result<MemberInfo> {
    let (author, workspace) = (Author::of(cx), cx.workspace().id);
    let member = restore(cx.tx(), &author, workspace, who, authority).await?;
    noted(cx, &member, Action::Restore);
    Ok(member)
}

/// Who was removed from a workspace.
///
/// # Errors
/// What the database says.
pub async fn removed_members(tx: &mut Tx, workspace: Id<Workspace>) -> Result<Vec<MemberInfo>> {
    let rows = sql(COLUMNS)
        .value(workspace)
        .sql(" AND archived_at IS NOT NULL ORDER BY id")
        .rows(tx)
        .await?;
    rows.iter().map(from_row).collect()
}

async fn restore(
    tx: &mut Tx,
    author: &Author,
    workspace: Id<Workspace>,
    who: &str,
    authority: Authority<'_>,
) -> Result<MemberInfo> {
    lock(tx, workspace).await?;
    let removed = removed_members(tx, workspace).await?;
    let member = find_member(&removed, who)?.clone();
    authority.check(None, Some(member.role))?;
    let live = members(tx, workspace).await?;
    check_email(&live, member.email.as_deref(), None)?;
    sql("UPDATE member SET archived_at = NULL WHERE workspace = ")
        .value(workspace)
        .sql(" AND id = ")
        .value(member.id)
        .run(tx)
        .await?;
    let (_, is) = differing(json!({}), content(&member));
    log(
        tx,
        author,
        workspace,
        Member::TABLE,
        member.id.raw(),
        Action::Restore,
        &is,
    )?;
    Ok(member)
}
