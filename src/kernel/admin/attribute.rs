//! The custom attributes that a workspace defines.

use serde::Serialize;

use super::log;
use super::workspace::workspace_by_slug;
use crate::error::{Error, Result};
use crate::store::log::Action;
use crate::store::{Scope, Store, Tx, sql};

/// A custom attribute that a kind of record may have.
#[derive(Debug, Clone, Serialize)]
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
    const KINDS: [&str; 6] = ["text", "number", "bool", "date", "list", "object"];
    if !entities.contains(&new.entity.as_str()) {
        return Err(Error::invalid(
            "entity",
            format!("There are no records called {:?}.", new.entity),
        )
        .hint(format!("There are: {}.", entities.join(", "))));
    }
    let name_ok = (1..=40).contains(&new.name.len())
        && new.name.starts_with(|c: char| c.is_ascii_lowercase())
        && new
            .name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !name_ok {
        return Err(Error::invalid(
            "name",
            "An attribute's name has 1 to 40 characters of a-z, 0-9 and _.",
        ));
    }
    if !KINDS.contains(&new.kind.as_str()) {
        return Err(Error::invalid(
            "kind",
            format!("A kind is one of: {}.", KINDS.join(", ")),
        ));
    }
    let workspace = workspace_by_slug(store, slug).await?;
    let make = async |tx: &mut Tx| {
        let taken = sql("SELECT kind FROM attribute_definition WHERE workspace = ")
            .value(workspace.id)
            .sql(" AND entity = ")
            .value(new.entity.clone())
            .sql(" AND name = ")
            .value(new.name.clone())
            .row(tx)
            .await?;
        if taken.is_some() {
            return Err(Error::conflict(format!(
                "A {} has an attribute {:?} already.",
                new.entity, new.name
            )));
        }
        sql("INSERT INTO attribute_definition (workspace, entity, name, kind, about, created_at) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(workspace.id)
            .bind(new.entity.clone())
            .bind(new.name.clone())
            .bind(new.kind.clone())
            .bind(new.about.clone())
            .bind(tx.now())
            .run(tx)
            .await?;
        let content = serde_json::to_value(&new).map_err(Error::internal)?;
        log(
            tx,
            workspace.id,
            "attribute_definition",
            workspace.id.raw(),
            Action::Create,
            &content,
        )
    };
    store.change(Scope::System, make).await
}

/// The custom attributes of a workspace.
///
/// # Errors
/// [`Code::NotFound`](crate::error::Code::NotFound) for an unknown workspace.
pub async fn list_attributes(store: &Store, slug: &str) -> Result<Vec<AttributeDefinition>> {
    let workspace = workspace_by_slug(store, slug).await?;
    let mut tx = store.read(Scope::System).await?;
    let rows = sql("SELECT entity, name, kind, about FROM attribute_definition WHERE workspace = ")
        .value(workspace.id)
        .sql(" ORDER BY entity, name")
        .rows(&mut tx)
        .await;
    tx.rollback().await;
    rows?
        .iter()
        .map(|row| {
            Ok(AttributeDefinition {
                entity: row.get("entity")?,
                name: row.get("name")?,
                kind: row.get("kind")?,
                about: row.get("about")?,
            })
        })
        .collect()
}
