//! Workspaces: made, listed, found.

use chrono_tz::Tz;
use serde_json::json;

use super::member::{self, MemberInfo};
use super::{Entry, differing, log, log_in};
use crate::caller::{Role, Workspace};
use crate::error::{Code, Error, Result};
use crate::store::log::Action;
use crate::store::{Row, Scope, Store, Tx, sql};
use crate::types::id::Id;
use crate::types::money::Currency;
use crate::types::text::ShortText;

/// A workspace to be made.
#[derive(Debug, Clone)]
pub struct NewWorkspace {
    /// 1 to 40 characters of `[a-z0-9-]`, unique.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// IANA name.
    pub time_zone: String,
    /// ISO 4217.
    pub currency: String,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// Its first member, who owns it.
    pub owner: String,
}

impl Default for NewWorkspace {
    fn default() -> Self {
        Self {
            slug: "main".into(),
            name: "My firm".into(),
            time_zone: "UTC".into(),
            currency: "EUR".into(),
            country: None,
            owner: "Owner".into(),
        }
    }
}

/// The columns of a workspace `w`.
pub(super) const WORKSPACE: &str =
    "w.id AS workspace_id, w.slug, w.name AS workspace_name, w.time_zone, w.currency, w.country";

pub(super) fn workspace(row: &Row) -> Result<Workspace> {
    let zone: String = row.get("time_zone")?;
    Ok(Workspace {
        id: row.get("workspace_id")?,
        slug: row.get("slug")?,
        name: row.get("workspace_name")?,
        time_zone: zone
            .parse::<Tz>()
            .map_err(|error| Error::internal(error.to_string()))?,
        currency: row.get("currency")?,
        country: row.get("country")?,
    })
}

/// Makes sure that there is a workspace: a new database gets one, with an owner.
///
/// # Errors
/// What the database says.
pub async fn bootstrap(store: &Store) -> Result<()> {
    if store.is_read_only() || !list_workspaces(store).await?.is_empty() {
        return Ok(());
    }
    let make = async |tx: &mut Tx| {
        tx.serialize("bootstrap").await?;
        // Two processes that start at once on a new database make one workspace.
        if sql("SELECT id FROM workspace LIMIT 1")
            .row(tx)
            .await?
            .is_none()
        {
            insert_workspace(tx, &NewWorkspace::default()).await?;
        }
        Ok(())
    };
    store.change(Scope::System, make).await
}

/// Makes a workspace with its owner.
///
/// # Errors
/// [`Code::Validation`] naming what is wrong; [`Code::Conflict`] when the slug is taken.
pub async fn create_workspace(store: &Store, new: NewWorkspace) -> Result<Workspace> {
    let make = async |tx: &mut Tx| insert_workspace(tx, &new).await;
    store.change(Scope::System, make).await
}

async fn insert_workspace(tx: &mut Tx, new: &NewWorkspace) -> Result<Workspace> {
    let slug_ok = (1..=40).contains(&new.slug.len())
        && new
            .slug
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !slug_ok {
        return Err(Error::invalid(
            "slug",
            "A slug has 1 to 40 characters of a-z, 0-9 and -.",
        ));
    }
    let workspace = Workspace {
        id: Id::from_raw(tx.next_id()?),
        slug: new.slug.clone(),
        name: line("name", &new.name)?,
        time_zone: zone(&new.time_zone)?,
        currency: currency(&new.currency)?,
        country: new.country.as_deref().map(country).transpose()?,
    };
    let owner = line("owner", &new.owner)?;
    sql("INSERT INTO workspace (id, slug, name, time_zone, currency, language, country, fiscal_year_start, provisioned,
                                version, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, 'en', $6, 1, '', 1, $7, $7)")
        .bind(workspace.id)
        .bind(workspace.slug.clone())
        .bind(workspace.name.clone())
        .bind(workspace.time_zone.name().to_owned())
        .bind(workspace.currency)
        .bind(workspace.country.clone())
        .bind(tx.now())
        .run(tx)
        .await?;
    let owner = MemberInfo {
        id: Id::from_raw(tx.next_id()?),
        name: owner,
        email: None,
        title: None,
        role: Role::Owner,
        teams: Vec::new(),
        created_at: tx.now(),
        updated_at: tx.now(),
    };
    member::insert(tx, workspace.id, &owner).await?;
    let content = json!({
        "slug": workspace.slug,
        "name": workspace.name,
        "time_zone": workspace.time_zone.name(),
        "currency": workspace.currency,
        "country": workspace.country,
    });
    let (_, content) = differing(json!({}), content);
    log(
        tx,
        workspace.id,
        "workspace",
        workspace.id.raw(),
        Action::Create,
        &content,
    )?;
    Ok(workspace)
}

fn line(field: &str, text: &str) -> Result<String> {
    ShortText::<100>::new(text)
        .map(String::from)
        .map_err(|error| Error::invalid(field, format!("{field} {error}.")))
}

fn zone(name: &str) -> Result<Tz> {
    name.parse().map_err(|_| {
        let message = format!("{name:?} is not an IANA time zone such as Europe/Berlin.");
        Error::invalid("time_zone", message)
    })
}

fn currency(code: &str) -> Result<Currency> {
    code.parse()
        .map_err(|error| Error::invalid("currency", format!("{code:?} {error}.")))
}

fn country(code: &str) -> Result<String> {
    let code = code.to_ascii_uppercase();
    if code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase()) {
        return Ok(code);
    }
    Err(Error::invalid(
        "country",
        "A country is an ISO 3166-1 code of two letters, such as DE.",
    ))
}

/// What changes in a workspace; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct WorkspaceChange {
    /// Its name.
    pub name: Option<String>,
    /// IANA name.
    pub time_zone: Option<String>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
}

/// Changes a workspace. Amounts that have their currency beside them keep it; what is shown in the workspace's own currency
/// is shown in the new one from now on, as far as rates are known.
///
/// # Errors
/// [`Code::NotFound`]; [`Code::Validation`] naming what is wrong.
pub async fn update_workspace(
    store: &Store,
    slug: &str,
    change: WorkspaceChange,
) -> Result<Workspace> {
    let before = workspace_by_slug(store, slug).await?;
    let mut after = before.clone();
    if let Some(name) = &change.name {
        after.name = line("name", name)?;
    }
    if let Some(name) = &change.time_zone {
        after.time_zone = zone(name)?;
    }
    if let Some(code) = &change.currency {
        after.currency = currency(code)?;
    }
    if let Some(code) = &change.country {
        after.country = Some(country(code)?);
    }
    let shown = |workspace: &Workspace| {
        json!({
            "name": workspace.name,
            "time_zone": workspace.time_zone.name(),
            "currency": workspace.currency,
            "country": workspace.country,
        })
    };
    let update = async |tx: &mut Tx| {
        sql("UPDATE workspace SET version = version + 1, name = $1, time_zone = $2, currency = $3, country = $4,
                                  updated_at = $5 WHERE id = $6")
            .bind(after.name.clone())
            .bind(after.time_zone.name().to_owned())
            .bind(after.currency)
            .bind(after.country.clone())
            .bind(tx.now())
            .bind(after.id)
            .run(tx)
            .await?;
        // Rates are prices in the workspace's own currency: those of another one mean nothing any more.
        if after.currency != before.currency {
            sql("DELETE FROM exchange_rate WHERE workspace = ")
                .value(after.id)
                .run(tx)
                .await?;
        }
        let (was, is) = differing(shown(&before), shown(&after));
        let entry = Entry {
            workspace: after.id,
            entity: "workspace",
            record: after.id.raw(),
            action: Action::Update,
            before: Some(was),
            after: Some(is),
        };
        let call = tx.next_id()?;
        log_in(tx, call, entry)
    };
    store.change(Scope::System, update).await?;
    Ok(after)
}

/// The workspaces, oldest first.
///
/// # Errors
/// What the database says.
pub async fn list_workspaces(store: &Store) -> Result<Vec<Workspace>> {
    let mut tx = store.read(Scope::System).await?;
    let mut statement = sql("SELECT ");
    statement.push(WORKSPACE);
    let rows = statement
        .sql(" FROM workspace w ORDER BY w.id")
        .rows(&mut tx)
        .await;
    tx.rollback().await;
    rows?.iter().map(workspace).collect()
}

pub(super) async fn workspace_by_slug(store: &Store, slug: &str) -> Result<Workspace> {
    let all = list_workspaces(store).await?;
    let slugs: Vec<String> = all.iter().map(|workspace| workspace.slug.clone()).collect();
    all.into_iter()
        .find(|workspace| workspace.slug == slug)
        .ok_or_else(|| {
            Error::new(Code::NotFound, format!("There is no workspace {slug:?}."))
                .field("workspace")
                .hint(format!("There are: {}.", slugs.join(", ")))
        })
}
