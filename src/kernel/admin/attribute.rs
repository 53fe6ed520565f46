//! The custom attributes that a workspace defines.

use serde::Serialize;
use serde_json::Value as Data;

use super::author::{Author, note};
use super::workspace::workspace_by_slug;
use super::{Entry, log_in};
use crate::caller::Workspace;
use crate::error::{Error, Result};
use crate::record::Cx;
use crate::store::log::Action;
use crate::store::{Row, Scope, Store, Tx, sql};
use crate::types::id::Id;
use crate::types::text::{LongText, nearest};

/// The table of the definitions, as the change log names it.
pub(super) const ATTRIBUTES: &str = "attribute_definition";

/// A custom attribute that a kind of record may have.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct AttributeDefinition {
    /// The kind of record, by its table: `contact`.
    pub entity: String,
    /// Its name: `[a-z][a-z0-9_]`, at most 40 characters.
    pub name: String,
    /// text, number, bool, date, list or object.
    pub kind: String,
    /// What it means.
    pub about: Option<String>,
}

impl AttributeDefinition {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            entity: row.get("entity")?,
            name: row.get("name")?,
            kind: row.get("kind")?,
            about: row.get("about")?,
        })
    }

    /// What the change log keeps of it: all of it, because it has no identifier by which it is found again.
    fn content(&self) -> Result<Data> {
        serde_json::to_value(self).map_err(Error::internal)
    }

    /// What a person is told that it is.
    fn title(&self) -> String {
        format!("{} of a {}, a {}", self.name, self.entity, self.kind)
    }
}

/// Defines a custom attribute in a workspace.
///
/// # Errors
/// [`Code::Validation`](crate::error::Code::Validation) naming what is wrong; [`Code::Conflict`](crate::error::Code::Conflict) when it is defined already.
pub async fn define_attribute(
    store: &Store,
    slug: &str,
    entities: &[&str],
    new: AttributeDefinition,
) -> Result<()> {
    check(&new, entities)?;
    let workspace = workspace_by_slug(store, slug).await?.id;
    let make = async |tx: &mut Tx| {
        if find(tx, workspace, &new.entity, &new.name).await?.is_some() {
            let message = format!("A {} has an attribute of this name already.", new.entity);
            return Err(Error::conflict(message).field("name"));
        }
        let author = Author::operator(tx)?;
        insert(tx, &author, workspace, &new).await
    };
    store.change(Scope::System, make).await
}

/// Removes a custom attribute's definition.
///
/// # Errors
/// As [`attribute_removed`]; [`Code::NotFound`](crate::error::Code::NotFound) for an unknown workspace.
pub async fn remove_attribute(
    store: &Store,
    slug: &str,
    entities: &[&'static str],
    (entity, name): (&str, &str),
) -> Result<AttributeDefinition> {
    let workspace = workspace_by_slug(store, slug).await?.id;
    let remove = async |tx: &mut Tx| {
        let author = Author::operator(tx)?;
        remove(tx, &author, workspace, entities, (entity, name)).await
    };
    store.change(Scope::System, remove).await
}

/// Defines a custom attribute as a part of a tool's call, or changes what one that is there means; what is not said stays. The
/// kind of its values stays too, because records have some. Its kind of record may be said by any name of it.
///
/// # Errors
/// As [`define_attribute`]; [`Code::Conflict`](crate::error::Code::Conflict) for another kind of values.
pub async fn attribute_defined(
    cx: &mut Cx,
    (entity, name): (&str, &str),
    kind: Option<String>,
    about: Option<String>,
) -> Result<AttributeDefinition> {
    let (author, workspace) = (Author::of(cx), cx.workspace().id);
    let entity = table_of(cx, entity);
    let known = find(cx.tx(), workspace, &entity, name).await?;
    let is = AttributeDefinition {
        entity,
        name: name.to_owned(),
        kind: kind
            .or_else(|| Some(known.as_ref()?.kind.clone()))
            .unwrap_or_else(|| "text".to_owned()),
        about: about.or_else(|| known.as_ref()?.about.clone()),
    };
    check(&is, &tables(cx))?;
    let action = match known {
        None => {
            insert(cx.tx(), &author, workspace, &is).await?;
            Action::Create
        }
        Some(known) if known.kind != is.kind => {
            let message = format!(
                "A {} has an attribute {} already, a {}.",
                known.entity, known.name, known.kind
            );
            return Err(Error::conflict(message).field("type").hint(
                "The kind of its values stays. Define one of another name, or remove this one where no record has it.",
            ));
        }
        Some(known) if known == is => return Ok(is),
        Some(known) => {
            reword(cx.tx(), &author, workspace, &known, is.about.clone()).await?;
            Action::Update
        }
    };
    noted(cx, &is, action);
    Ok(is)
}

/// Removes the definition of a custom attribute as a part of a tool's call.
///
/// # Errors
/// [`Code::NotFound`](crate::error::Code::NotFound) where it is not defined; [`Code::Conflict`](crate::error::Code::Conflict)
/// where records have it, deleted ones too: nothing could change it there any more.
pub async fn attribute_removed(
    cx: &mut Cx,
    entity: &str,
    name: &str,
) -> Result<AttributeDefinition> {
    let (author, workspace) = (Author::of(cx), cx.workspace().id);
    let (entity, tables) = (table_of(cx, entity), tables(cx));
    let removed = remove(cx.tx(), &author, workspace, &tables, (&entity, name)).await?;
    noted(cx, &removed, Action::Archive);
    Ok(removed)
}

/// The custom attributes of the caller's workspace.
///
/// # Errors
/// What the database says.
pub async fn defined_attributes(cx: &mut Cx) -> Result<Vec<AttributeDefinition>> {
    let workspace = cx.workspace().id;
    all(workspace)
        .rows(cx.tx())
        .await?
        .iter()
        .map(AttributeDefinition::from_row)
        .collect()
}

/// The tables of the records that may have some.
fn tables(cx: &Cx) -> Vec<&'static str> {
    let kinds = cx.records().all().iter();
    kinds.map(|kind| kind.table()).collect()
}

/// The table of a kind of record by any name of it, in the singular or the plural; what was said where there is none.
fn table_of(cx: &Cx, entity: &str) -> String {
    let kind = cx.records().record_called(entity);
    kind.map_or(entity, |kind| kind.table()).to_owned()
}

/// Notes for the person who is asked what a tool did to an attribute.
pub(super) fn noted(cx: &mut Cx, attribute: &AttributeDefinition, action: Action) {
    let workspace = cx.workspace().id.raw();
    note(
        cx,
        ATTRIBUTES,
        "custom attribute",
        workspace,
        action,
        &attribute.title(),
    );
}

/// Refuses what is no definition, with all that is wrong with it.
fn check(new: &AttributeDefinition, entities: &[&str]) -> Result<()> {
    const KINDS: [&str; 6] = ["text", "number", "bool", "date", "list", "object"];
    let mut wrong = Vec::new();
    if !entities.contains(&new.entity.as_str()) {
        let message = "There are no records of this type.";
        let hint = match nearest(&new.entity, entities.iter().copied()) {
            Some(known) => format!("Did you mean {known}?"),
            None => format!("There are: {}.", entities.join(", ")),
        };
        wrong.push(Error::invalid("record_type", message).hint(hint));
    }
    let name_ok = (1..=40).contains(&new.name.len())
        && new.name.starts_with(|c: char| c.is_ascii_lowercase())
        && new
            .name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !name_ok {
        wrong.push(Error::invalid(
            "name",
            "An attribute's name has 1 to 40 characters of a-z, 0-9 and _.",
        ));
    }
    if !KINDS.contains(&new.kind.as_str()) {
        wrong.push(Error::invalid(
            "type",
            format!("A kind is one of: {}.", KINDS.join(", ")),
        ));
    }
    if let Some(about) = &new.about
        && let Err(error) = LongText::<500>::new(about)
    {
        wrong.push(Error::invalid("about", format!("about {error}.")));
    }
    Error::all(wrong).map_or(Ok(()), Err)
}

/// The definitions of a workspace.
fn all(workspace: Id<Workspace>) -> crate::store::Sql {
    sql("SELECT entity, name, kind, about FROM attribute_definition WHERE workspace = ")
        .value(workspace)
        .sql(" ORDER BY entity, name")
}

/// The one of this name. Whoever defines or removes one in the workspace waits until the call is done.
pub(super) async fn find(
    tx: &mut Tx,
    workspace: Id<Workspace>,
    entity: &str,
    name: &str,
) -> Result<Option<AttributeDefinition>> {
    tx.serialize(&format!("attributes of {workspace}")).await?;
    let row = sql("SELECT entity, name, kind, about FROM attribute_definition WHERE workspace = ")
        .value(workspace)
        .sql(" AND entity = ")
        .value(entity.to_owned())
        .sql(" AND name = ")
        .value(name.to_owned())
        .row(tx)
        .await?;
    row.as_ref().map(AttributeDefinition::from_row).transpose()
}

/// Writes a new one.
pub(super) async fn insert(
    tx: &mut Tx,
    author: &Author,
    workspace: Id<Workspace>,
    new: &AttributeDefinition,
) -> Result<()> {
    sql("INSERT INTO attribute_definition (workspace, entity, name, kind, about, created_at) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(workspace)
        .bind(new.entity.clone())
        .bind(new.name.clone())
        .bind(new.kind.clone())
        .bind(new.about.clone())
        .bind(tx.now())
        .run(tx)
        .await?;
    logged(tx, author, workspace, Action::Create, None, Some(new))
}

/// Writes what one that is there means.
pub(super) async fn reword(
    tx: &mut Tx,
    author: &Author,
    workspace: Id<Workspace>,
    known: &AttributeDefinition,
    about: Option<String>,
) -> Result<()> {
    let is = AttributeDefinition {
        about,
        ..known.clone()
    };
    sql("UPDATE attribute_definition SET about = $1 WHERE workspace = $2 AND entity = $3 AND name = $4")
        .bind(is.about.clone())
        .bind(workspace)
        .bind(is.entity.clone())
        .bind(is.name.clone())
        .run(tx)
        .await?;
    logged(
        tx,
        author,
        workspace,
        Action::Update,
        Some(known),
        Some(&is),
    )
}

/// Removes one that no record has.
pub(super) async fn remove(
    tx: &mut Tx,
    author: &Author,
    workspace: Id<Workspace>,
    tables: &[&'static str],
    (entity, name): (&str, &str),
) -> Result<AttributeDefinition> {
    let Some(known) = find(tx, workspace, entity, name).await? else {
        let defined = all(workspace).rows(tx).await?;
        let defined: Vec<AttributeDefinition> = defined
            .iter()
            .map(AttributeDefinition::from_row)
            .collect::<Result<_>>()?;
        let of_kind = defined.iter().filter(|one| one.entity == entity);
        let names: Vec<&str> = of_kind.map(|one| one.name.as_str()).collect();
        let short: String = name.chars().take(64).collect();
        let error = Error::not_found("custom attribute", "of this name").field("name");
        return Err(match nearest(&short, names.iter().copied()) {
            Some(meant) => error.hint(format!("Did you mean {meant}?")),
            None if names.is_empty() => error.hint("None is defined for such records."),
            None => error.hint(format!("There are: {}.", names.join(", "))),
        });
    };
    let table = tables.iter().find(|table| **table == known.entity);
    let having = match table {
        Some(table) => having(tx, workspace, table, &known.name).await?,
        None => 0,
    };
    if having > 0 {
        let message = format!(
            "{having} records of the kind {entity} have the attribute {}.",
            known.name
        );
        return Err(Error::conflict(message).field("name").hint(format!(
            "Empty it there first, with clear: attributes.{}.",
            known.name
        )));
    }
    sql("DELETE FROM attribute_definition WHERE workspace = ")
        .value(workspace)
        .sql(" AND entity = ")
        .value(known.entity.clone())
        .sql(" AND name = ")
        .value(known.name.clone())
        .run(tx)
        .await?;
    logged(tx, author, workspace, Action::Archive, Some(&known), None)?;
    Ok(known)
}

/// How many records have an attribute, deleted ones too.
async fn having(
    tx: &mut Tx,
    workspace: Id<Workspace>,
    table: &'static str,
    name: &str,
) -> Result<i64> {
    // A name in a text stands there with its quotation marks escaped, and so is not taken for one.
    let key = format!("%\"{}\":%", name.replace('_', "\\_"));
    sql("SELECT COUNT(*) AS having_it FROM ")
        .sql(table)
        .sql(" WHERE workspace = ")
        .value(workspace)
        .sql(" AND CAST(attributes AS TEXT) LIKE ")
        .value(key)
        .sql(" ESCAPE '\\'")
        .one("having_it", tx)
        .await
}

fn logged(
    tx: &mut Tx,
    author: &Author,
    workspace: Id<Workspace>,
    action: Action,
    was: Option<&AttributeDefinition>,
    is: Option<&AttributeDefinition>,
) -> Result<()> {
    let entry = Entry {
        workspace,
        entity: ATTRIBUTES,
        record: workspace.raw(),
        action,
        before: was.map(AttributeDefinition::content).transpose()?,
        after: is.map(AttributeDefinition::content).transpose()?,
    };
    log_in(tx, author, entry)
}

/// The custom attributes of a workspace.
///
/// # Errors
/// [`Code::NotFound`](crate::error::Code::NotFound) for an unknown workspace.
pub async fn list_attributes(store: &Store, slug: &str) -> Result<Vec<AttributeDefinition>> {
    let workspace = workspace_by_slug(store, slug).await?;
    attributes_of(store, workspace.id).await
}

/// The same of a workspace that is known already.
pub(crate) async fn attributes_of(
    store: &Store,
    workspace: Id<Workspace>,
) -> Result<Vec<AttributeDefinition>> {
    let rows = all(workspace).look(store).await?;
    rows.iter().map(AttributeDefinition::from_row).collect()
}
