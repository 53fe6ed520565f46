//! Taking back what was arranged: by the same functions and so by the same rules as it is arranged.

use serde::Deserialize;
use serde_json::{Map, Value as Data};

use super::attribute::{self, ATTRIBUTES, AttributeDefinition};
use super::author::Author;
use super::authority::Authority;
use super::member::{self, MemberChange};
use super::{team, workspace};
use crate::caller::{Member, Team, Workspace};
use crate::error::{Error, Result};
use crate::record::Cx;
use crate::store::log::{Action, LogRow};
use crate::types::id::{Entity as _, Id};

/// Whether this is arranged, and what is done to it can be taken back.
pub(crate) fn is_arranged(entity: &str) -> bool {
    [Workspace::TABLE, Member::TABLE, Team::TABLE, ATTRIBUTES].contains(&entity)
}

/// Takes back what a row of the log says was arranged. Answers why not, where it was changed since or only a command does it.
///
/// # Errors
/// What the same thing done by hand says.
pub(crate) async fn take_back(
    cx: &mut Cx,
    row: &LogRow,
    authority: Authority<'_>,
) -> Result<Option<String>> {
    let before = LogRow::side(row.before.as_deref()).map_err(Error::internal)?;
    let after = LogRow::side(row.after.as_deref()).map_err(Error::internal)?;
    match row.entity.as_str() {
        Workspace::TABLE if row.action == Action::Update => {
            undo_workspace(cx, &before, &after).await
        }
        Member::TABLE => undo_member(cx, row, &before, &after, authority).await,
        Team::TABLE if row.action == Action::Update => undo_team(cx, row, &before, &after).await,
        ATTRIBUTES => undo_attribute(cx, row.action, before, after).await,
        other => Ok(Some(format!(
            "that is changed with the command line only: a {other}"
        ))),
    }
}

const SINCE: &str = "it was changed since";

/// Whether what a change touched is as that left it.
fn stands(now: &Data, before: &Map<String, Data>, after: &Map<String, Data>) -> bool {
    let mut touched = before.keys().chain(after.keys());
    touched
        .all(|name| now.get(name).unwrap_or(&Data::Null) == after.get(name).unwrap_or(&Data::Null))
}

/// A text of a side of the log; none where it was nothing.
fn text(side: &Map<String, Data>, name: &str) -> Option<String> {
    side.get(name)?.as_str().map(str::to_owned)
}

async fn undo_workspace(
    cx: &mut Cx,
    before: &Map<String, Data>,
    after: &Map<String, Data>,
) -> Result<Option<String>> {
    let id = cx.workspace().id;
    let current = workspace::current(cx.tx(), id).await?;
    if !stands(&workspace::shown(&current), before, after) {
        return Ok(Some(SINCE.to_owned()));
    }
    let mut was = current.clone();
    was.name = text(before, "name").unwrap_or(was.name);
    if let Some(zone) = text(before, "time_zone") {
        was.time_zone = zone
            .parse()
            .map_err(|_| Error::internal("a time zone of the log"))?;
    }
    if let Some(code) = text(before, "currency") {
        was.currency = code
            .parse()
            .map_err(|_| Error::internal("a currency of the log"))?;
    }
    if after.contains_key("country") || before.contains_key("country") {
        was.country = text(before, "country");
    }
    let author = Author::of(cx);
    workspace::save(cx.tx(), &author, &current, &was).await?;
    workspace::noted(cx, &was);
    Ok(None)
}

async fn undo_member(
    cx: &mut Cx,
    row: &LogRow,
    before: &Map<String, Data>,
    after: &Map<String, Data>,
    authority: Authority<'_>,
) -> Result<Option<String>> {
    let workspace = cx.workspace().id;
    let who = Id::<Member>::from_raw(row.record);
    let live = member::members(cx.tx(), workspace).await?;
    let now = live.iter().find(|member| member.id == who);
    let who = who.to_string();
    match (row.action, now) {
        (Action::Archive, None) => {
            member::member_restored(cx, &who, authority).await?;
        }
        (Action::Create | Action::Restore, Some(now)) => {
            if row.action == Action::Create && !stands(&member::content(now), before, after) {
                return Ok(Some(SINCE.to_owned()));
            }
            member::member_removed(cx, &who, None, authority).await?;
        }
        (Action::Update, Some(now)) => {
            if !stands(&member::content(now), before, after) {
                return Ok(Some(SINCE.to_owned()));
            }
            let touched = |name: &str| before.contains_key(name) || after.contains_key(name);
            let was = |name: &str| touched(name).then(|| text(before, name).unwrap_or_default());
            let role = before.get("role").map(Deserialize::deserialize).transpose();
            let change = MemberChange {
                name: was("name"),
                email: was("email"),
                title: was("title"),
                role: role.map_err(Error::internal)?,
            };
            member::member_updated(cx, &who, &change, authority).await?;
        }
        _ => return Ok(Some(SINCE.to_owned())),
    }
    Ok(None)
}

async fn undo_team(
    cx: &mut Cx,
    row: &LogRow,
    before: &Map<String, Data>,
    after: &Map<String, Data>,
) -> Result<Option<String>> {
    let workspace = cx.workspace().id;
    member::lock(cx.tx(), workspace).await?;
    let id = Id::<Team>::from_raw(row.record);
    let all = team::teams(cx.tx(), workspace).await?;
    let Some(current) = all.iter().find(|team| team.id == id) else {
        return Ok(Some("it was deleted since".to_owned()));
    };
    if !stands(&team::content(current), before, after) {
        return Ok(Some(SINCE.to_owned()));
    }
    let mut was = current.clone();
    was.name = text(before, "name").unwrap_or(was.name);
    if before.contains_key("about") || after.contains_key("about") {
        was.about = text(before, "about");
    }
    let everybody = member::members(cx.tx(), workspace).await?;
    let known = |id: &str| everybody.iter().find(|member| member.id.to_string() == id);
    if before.contains_key("lead") || after.contains_key("lead") {
        was.lead = text(before, "lead").and_then(|lead| Some(known(&lead)?.id));
    }
    if before.contains_key("members") || after.contains_key("members") {
        let members = before.get("members").and_then(Data::as_array);
        let members = members.into_iter().flatten().filter_map(Data::as_str);
        let members = members.filter_map(known).map(|member| team::MemberName {
            id: member.id,
            name: member.name.clone(),
        });
        was.members = members.collect();
    }
    for member in &was.members {
        if !current.members.contains(member) {
            team::put(cx.tx(), workspace, id, member.id).await?;
        }
    }
    for member in &current.members {
        if !was.members.contains(member) {
            team::take(cx.tx(), workspace, id, member.id).await?;
        }
    }
    let author = Author::of(cx);
    let saved = team::save(cx.tx(), &author, workspace, current, was).await?;
    team::noted(cx, &saved);
    Ok(None)
}

async fn undo_attribute(
    cx: &mut Cx,
    action: Action,
    before: Map<String, Data>,
    after: Map<String, Data>,
) -> Result<Option<String>> {
    let definition = |side: Map<String, Data>| {
        let get =
            |name| text(&side, name).ok_or_else(|| Error::internal("no definition in the log"));
        Ok::<_, Error>(AttributeDefinition {
            entity: get("entity")?,
            name: get("name")?,
            kind: get("kind")?,
            about: text(&side, "about"),
        })
    };
    let (author, workspace) = (Author::of(cx), cx.workspace().id);
    let was = match action {
        Action::Create => definition(after.clone())?,
        _ => definition(before)?,
    };
    let now = attribute::find(cx.tx(), workspace, &was.entity, &was.name).await?;
    match (action, now) {
        (Action::Create, Some(now)) if now == was => {
            attribute::attribute_removed(cx, &was.entity, &was.name).await?;
            return Ok(None);
        }
        (Action::Update, Some(now)) if now == definition(after)? => {
            attribute::reword(cx.tx(), &author, workspace, &now, was.about.clone()).await?;
            attribute::noted(cx, &was, Action::Update);
        }
        (Action::Archive, None) => {
            attribute::insert(cx.tx(), &author, workspace, &was).await?;
            attribute::noted(cx, &was, Action::Create);
        }
        _ => return Ok(Some(SINCE.to_owned())),
    }
    Ok(None)
}
