//! Workspaces: made, listed, found.

use chrono_tz::Tz;
use serde_json::{Value as Data, json};

use super::author::{Author, note};
use super::member::{self, MemberInfo};
use super::{Entry, differing, log, log_in};
use crate::caller::{Role, Workspace};
use crate::error::{Code, Error, Result};
use crate::record::Cx;
use crate::store::log::Action;
use crate::store::{Row, Scope, Store, Tx, sql};
use crate::types::country::Country;
use crate::types::id::{Entity as _, Id};
use crate::types::money::Currency;
use crate::types::text::{ShortText, nearest};

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
    let author = Author::operator(tx)?;
    member::insert(tx, &author, workspace.id, &owner).await?;
    let content = json!({
        "slug": workspace.slug,
        "name": workspace.name,
        "time_zone": workspace.time_zone.name(),
        "currency": workspace.currency,
        "country": workspace.country,
    });
    let (_, content) = differing(json!({}), content);
    let author = Author::operator(tx)?;
    log(
        tx,
        &author,
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
    name.trim().parse().map_err(|_| {
        let short: String = name.chars().take(64).collect();
        let message = "time_zone is no IANA time zone such as Europe/Berlin.";
        let error = Error::invalid("time_zone", message);
        match zone_meant(&short) {
            Some(meant) => error.hint(format!("Did you mean {meant}?")),
            None => error.hint("Give region and city as the IANA list has them."),
        }
    })
}

/// The zone of a city that is said without its region, or of another spelling.
fn zone_meant(name: &str) -> Option<&'static str> {
    let wanted = name.trim().replace(' ', "_").to_lowercase();
    let names = || chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
    let city = |name: &&str| {
        let last = name.rsplit('/').next().unwrap_or(name);
        last.to_lowercase() == wanted
    };
    names().find(city).or_else(|| nearest(&wanted, names()))
}

fn currency(code: &str) -> Result<Currency> {
    code.parse()
        .map_err(|error| Error::invalid("currency", format!("currency {error}.")))
}

fn country(name: &str) -> Result<String> {
    let country: Option<Country> = name.parse().ok();
    let code = country.as_ref().and_then(Country::code);
    code.map(str::to_owned).ok_or_else(|| {
        let message = "A country is an ISO 3166-1 code of two letters, such as DE.";
        Error::invalid("country", message).hint("Give the code, or the country's name.")
    })
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
    let update = async |tx: &mut Tx| {
        let author = Author::operator(tx)?;
        update(tx, &author, &before, &change).await
    };
    let (after, _) = store.change(Scope::System, update).await?;
    Ok(after)
}

/// [`update_workspace`] as a part of a tool's call, with how many exchange rates were dropped.
///
/// # Errors
/// As [`update_workspace`].
pub async fn workspace_updated(cx: &mut Cx, change: &WorkspaceChange) -> Result<(Workspace, u64)> {
    let id = cx.workspace().id;
    let before = current(cx.tx(), id).await?;
    let author = Author::of(cx);
    let (after, dropped) = update(cx.tx(), &author, &before, change).await?;
    if shown(&before) != shown(&after) {
        noted(cx, &after);
    }
    Ok((after, dropped))
}

/// Notes for the person who is asked that the workspace is changed.
pub(super) fn noted(cx: &mut Cx, workspace: &Workspace) {
    let (table, noun) = (Workspace::TABLE, Workspace::NOUN);
    note(
        cx,
        table,
        noun,
        workspace.id.raw(),
        Action::Update,
        &workspace.name,
    );
}

/// The workspace as it stands, held until the call is done.
pub(super) async fn current(tx: &mut Tx, id: Id<Workspace>) -> Result<Workspace> {
    tx.serialize(&format!("workspace {id}")).await?;
    let mut statement = sql("SELECT ");
    statement.push(WORKSPACE);
    let row = statement
        .sql(" FROM workspace w WHERE w.id = ")
        .value(id)
        .row(tx)
        .await?;
    let row = row.ok_or_else(|| Error::not_found(Workspace::NOUN, id))?;
    workspace(&row)
}

/// What the change log keeps of a workspace that changes.
pub(super) fn shown(workspace: &Workspace) -> Data {
    json!({
        "name": workspace.name,
        "time_zone": workspace.time_zone.name(),
        "currency": workspace.currency,
        "country": workspace.country,
    })
}

async fn update(
    tx: &mut Tx,
    author: &Author,
    before: &Workspace,
    change: &WorkspaceChange,
) -> Result<(Workspace, u64)> {
    let mut after = before.clone();
    let mut wrong = Vec::new();
    let mut set = |done: Result<()>| wrong.extend(done.err());
    if let Some(name) = &change.name {
        set(line("name", name).map(|name| after.name = name));
    }
    if let Some(name) = &change.time_zone {
        set(zone(name).map(|zone| after.time_zone = zone));
    }
    if let Some(code) = &change.currency {
        set(currency(code).map(|currency| after.currency = currency));
    }
    if let Some(code) = &change.country {
        set(country(code).map(|country| after.country = Some(country)));
    }
    if let Some(wrong) = Error::all(wrong) {
        return Err(wrong);
    }
    let dropped = save(tx, author, before, &after).await?;
    Ok((after, dropped))
}

/// Writes what differs, and says how many exchange rates were dropped.
pub(super) async fn save(
    tx: &mut Tx,
    author: &Author,
    before: &Workspace,
    after: &Workspace,
) -> Result<u64> {
    if shown(before) == shown(after) {
        return Ok(0);
    }
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
    let dropped = if after.currency == before.currency {
        0
    } else {
        sql("DELETE FROM exchange_rate WHERE workspace = ")
            .value(after.id)
            .run(tx)
            .await?
    };
    let (was, is) = differing(shown(before), shown(after));
    let entry = Entry {
        workspace: after.id,
        entity: Workspace::TABLE,
        record: after.id.raw(),
        action: Action::Update,
        before: Some(was),
        after: Some(is),
    };
    log_in(tx, author, entry)?;
    Ok(dropped)
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
