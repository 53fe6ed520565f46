//! Workspaces, members, keys and attribute definitions: what the owner arranges, and what a call's caller is made from.
//! Every change is in the change log.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono_tz::Tz;
use serde::Serialize;
use serde_json::{Value as Data, json};

use crate::caller::{ApiKey, Caller, ConfirmPolicy, Member, Workspace};
use crate::changes::{Action, LogRow, digest};
use crate::error::{Code, Error, Result};
use crate::key;
use crate::permission::Grants;
use crate::store::{Json, Row, Scope, Store, Tx, sql};
use crate::types::id::Id;
use crate::types::money::Currency;
use crate::types::text::{Line, nearest};
use crate::types::time::{Timestamp, now};

/// A caller as its key makes it.
pub(crate) struct Authenticated {
    pub(crate) caller: Caller,
    /// The key's last use was noted more than a minute ago.
    pub(crate) stale: bool,
}

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

/// A key to be made.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// What it is for.
    pub name: String,
    /// What it allows.
    pub grants: Grants,
    /// The slugs of the workspaces that it opens.
    pub workspaces: Vec<String>,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// Its own confirmation policy.
    pub confirm: Option<ConfirmPolicy>,
    /// Its own limit.
    pub calls_per_hour: Option<u32>,
}

/// A key as a list shows it.
#[derive(Debug, Clone, Serialize)]
pub struct KeyInfo {
    /// Its identifier.
    pub id: Id<ApiKey>,
    /// What it is for.
    pub name: String,
    /// Its first characters.
    pub hint: String,
    /// Names of permissions; `*` is all.
    pub permissions: Vec<String>,
    /// The slugs of its workspaces.
    pub workspaces: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

const WORKSPACE: &str =
    "w.id AS workspace_id, w.slug, w.name AS workspace_name, w.time_zone, w.currency, w.country";

fn workspace(row: &Row) -> Result<Workspace> {
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

fn unauthorized(message: &str) -> Error {
    Error::new(Code::Unauthorized, message)
        .hint("Ask the owner of the data for a key (`bureau key create`).")
}

/// The caller behind a key.
pub(crate) async fn authenticate(
    store: &Store,
    key: &str,
    slug: Option<&str>,
) -> Result<Authenticated> {
    // One message for every reason that a stranger could learn from.
    const WRONG: &str = "This API key is not valid here.";
    if !key::is_well_formed(key) {
        return Err(unauthorized(WRONG));
    }
    let mut tx = store.read(Scope::System).await?;
    let mut statement = sql("SELECT k.id AS key_id, k.permissions, k.confirm, k.calls_per_hour, k.expires_at, k.revoked_at,
                                    k.last_used_at, g.member, m.role, ");
    statement.push(WORKSPACE);
    let rows = statement
        .sql(
            " FROM api_key k JOIN api_key_grant g ON g.api_key = k.id
              JOIN member m ON m.workspace = g.workspace AND m.id = g.member AND m.archived_at IS NULL
              JOIN workspace w ON w.id = g.workspace WHERE k.hash = ",
        )
        .value(key::hash(key))
        .sql(" ORDER BY w.id")
        .rows(&mut tx)
        .await;
    tx.rollback().await;
    let rows = rows?;
    let Some(first) = rows.first() else {
        return Err(unauthorized(WRONG));
    };
    if first.get::<Option<Timestamp>>("revoked_at")?.is_some() {
        return Err(unauthorized("This API key was revoked."));
    }
    if first
        .get::<Option<Timestamp>>("expires_at")?
        .is_some_and(|end| end <= now())
    {
        return Err(unauthorized("This API key has expired."));
    }
    let row = choose(&rows, slug)?;
    let permissions: Json<Vec<String>> = row.get("permissions")?;
    let role: String = row.get("role")?;
    let last_used: Option<Timestamp> = row.get("last_used_at")?;
    Ok(Authenticated {
        caller: Caller {
            workspace: Arc::new(workspace(row)?),
            member: row.get("member")?,
            key: Some(row.get("key_id")?),
            client: None,
            grants: Grants::from_names(&permissions),
            // A key never exceeds its owner.
            read_only: role == "viewer",
            features: None,
            confirm: row.get("confirm")?,
            calls_per_hour: row
                .get::<Option<i64>>("calls_per_hour")?
                .and_then(|calls| u32::try_from(calls).ok()),
        },
        stale: last_used.is_none_or(|used| now() - used > chrono::Duration::seconds(60)),
    })
}

fn choose<'a>(rows: &'a [Row], slug: Option<&str>) -> Result<&'a Row> {
    let slugs = rows
        .iter()
        .map(|row| row.get::<String>("slug"))
        .collect::<Result<Vec<_>>>()?;
    match (slug, rows) {
        (None, [only]) => Ok(only),
        (None, _) => Err(
            Error::invalid("X-Workspace-Slug", "This key opens several workspaces.").hint(format!(
                "Choose one with the header X-Workspace-Slug (or --workspace): {}.",
                slugs.join(", ")
            )),
        ),
        (Some(slug), rows) => {
            let found = rows
                .iter()
                .zip(&slugs)
                .find(|(_, name)| *name == slug)
                .map(|(row, _)| row);
            found.ok_or_else(|| {
                Error::new(Code::NotFound, "There is no such workspace for this key.")
                    .field("X-Workspace-Slug")
                    .hint(format!("It opens: {}.", slugs.join(", ")))
            })
        }
    }
}

/// The owner of the data, in one workspace: the one named, or the first.
pub(crate) async fn operator(store: &Store, slug: Option<&str>) -> Result<Caller> {
    let mut tx = store.read(Scope::System).await?;
    let mut statement = sql("SELECT m.id AS member, ");
    statement.push(WORKSPACE);
    let rows = statement
        .sql(" FROM workspace w JOIN member m ON m.workspace = w.id AND m.role = 'owner' AND m.archived_at IS NULL ORDER BY w.id, m.id")
        .rows(&mut tx)
        .await;
    tx.rollback().await;
    let mut slugs = Vec::new();
    for row in &rows? {
        let name: String = row.get("slug")?;
        if slug.is_none_or(|slug| slug == name) {
            return Ok(Caller {
                workspace: Arc::new(workspace(row)?),
                member: row.get("member")?,
                key: None,
                client: None,
                grants: Grants::Everything,
                read_only: false,
                features: None,
                confirm: None,
                calls_per_hour: None,
            });
        }
        slugs.push(name);
    }
    let error = Error::new(Code::NotFound, "There is no such workspace.").field("workspace");
    Err(
        match nearest(slug.unwrap_or_default(), slugs.iter().map(String::as_str)) {
            Some(known) => error.hint(format!("Did you mean {known}?")),
            None => error.hint(format!("There are: {}.", slugs.join(", "))),
        },
    )
}

/// Notes that a key was used.
pub(crate) async fn note_use(store: &Store, key: i64) -> Result<()> {
    let mut tx = store.write(Scope::System).await?;
    let done = sql("UPDATE api_key SET last_used_at = ")
        .value(now())
        .sql(" WHERE id = ")
        .value(key)
        .run(&mut tx)
        .await;
    end(tx, done.map(|_| ())).await
}

pub(crate) async fn end<T>(tx: Tx, result: Result<T>) -> Result<T> {
    match result {
        Ok(value) => tx.commit().await.map(|()| value),
        Err(error) => {
            tx.rollback().await;
            Err(error)
        }
    }
}

/// Makes sure that there is a workspace: a new database gets one, with an owner.
///
/// # Errors
/// What the database says.
pub async fn bootstrap(store: &Store) -> Result<()> {
    if store.is_read_only() || !list_workspaces(store).await?.is_empty() {
        return Ok(());
    }
    let mut tx = store.write(Scope::System).await?;
    let made = async {
        tx.serialize("bootstrap").await?;
        // Two processes that start at once on a new database make one workspace.
        if sql("SELECT id FROM workspace LIMIT 1")
            .row(&mut tx)
            .await?
            .is_none()
        {
            insert_workspace(&mut tx, NewWorkspace::default()).await?;
        }
        Ok(())
    }
    .await;
    end(tx, made).await
}

/// Makes a workspace with its owner.
///
/// # Errors
/// [`Code::Validation`] naming what is wrong; [`Code::Conflict`] when the slug is taken.
pub async fn create_workspace(store: &Store, new: NewWorkspace) -> Result<Workspace> {
    let mut tx = store.write(Scope::System).await?;
    let made = insert_workspace(&mut tx, new).await;
    end(tx, made).await
}

async fn insert_workspace(tx: &mut Tx, new: NewWorkspace) -> Result<Workspace> {
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
    let text = |field: &str, text: &str| {
        Line::<100>::new(text).map_err(|error| Error::invalid(field, format!("{field} {error}.")))
    };
    let time_zone: Tz = new.time_zone.parse().map_err(|_| {
        Error::invalid(
            "time_zone",
            format!(
                "{:?} is not an IANA time zone such as Europe/Berlin.",
                new.time_zone
            ),
        )
    })?;
    let currency: Currency = new
        .currency
        .parse()
        .map_err(|error| Error::invalid("currency", format!("{:?} {error}.", new.currency)))?;
    let country = match new.country.map(|code| code.to_ascii_uppercase()) {
        Some(code) if code.len() != 2 || !code.bytes().all(|b| b.is_ascii_uppercase()) => {
            return Err(Error::invalid(
                "country",
                "A country is an ISO 3166-1 code of two letters, such as DE.",
            ));
        }
        country => country,
    };
    let workspace = Workspace {
        id: Id::from_raw(tx.next_id()?),
        slug: new.slug,
        name: text("name", &new.name)?.into(),
        time_zone,
        currency,
        country,
    };
    let owner = text("owner", &new.owner)?;
    let member = Id::<Member>::from_raw(tx.next_id()?);
    sql("INSERT INTO workspace (id, slug, name, time_zone, currency, language, country, fiscal_year_start, furnished,
                                version, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, 'en', $6, 1, '', 1, $7, $7)")
        .bind(workspace.id)
        .bind(workspace.slug.clone())
        .bind(workspace.name.clone())
        .bind(time_zone.name().to_owned())
        .bind(currency)
        .bind(workspace.country.clone())
        .bind(now())
        .run(tx)
        .await?;
    insert_member(tx, workspace.id, member, &owner, "owner").await?;
    log(
        tx,
        workspace.id,
        "workspace",
        workspace.id.raw(),
        Action::Create,
        &json!({ "slug": workspace.slug, "name": workspace.name }),
    )?;
    Ok(workspace)
}

async fn insert_member(
    tx: &mut Tx,
    workspace: Id<Workspace>,
    id: Id<Member>,
    name: &str,
    role: &'static str,
) -> Result<()> {
    sql("INSERT INTO member (id, workspace, name, role, created_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(id)
        .bind(workspace)
        .bind(name.to_owned())
        .bind(role.to_owned())
        .bind(now())
        .run(tx)
        .await?;
    log(
        tx,
        workspace,
        "member",
        id.raw(),
        Action::Create,
        &json!({ "name": name, "role": role }),
    )
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

async fn workspace_by_slug(store: &Store, slug: &str) -> Result<Workspace> {
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

/// Makes a key and answers it: this is the only time that it can be seen.
///
/// # Errors
/// [`Code::NotFound`] for an unknown workspace; [`Code::Validation`] for a name or expiry that makes no sense.
pub async fn create_key(store: &Store, new: NewKey) -> Result<(String, KeyInfo)> {
    let name = Line::<100>::new(&new.name)
        .map_err(|error| Error::invalid("name", format!("name {error}.")))?;
    if new.expires_at.is_some_and(|end| end <= now()) {
        return Err(Error::invalid(
            "expires",
            "This moment has passed: the key would never work.",
        ));
    }
    let mut callers = Vec::new();
    let wanted: BTreeSet<&String> = new.workspaces.iter().collect();
    for slug in &wanted {
        workspace_by_slug(store, slug).await?;
        callers.push(operator(store, Some(slug)).await?);
    }
    if callers.is_empty() {
        return Err(Error::invalid(
            "workspace",
            "A key opens at least one workspace.",
        ));
    }
    let key = key::generate();
    let mut tx = store.write(Scope::System).await?;
    let made = insert_key(&mut tx, &key, name.into(), &new, &callers).await;
    let info = end(tx, made).await?;
    Ok((key, info))
}

async fn insert_key(
    tx: &mut Tx,
    key: &str,
    name: String,
    new: &NewKey,
    callers: &[Caller],
) -> Result<KeyInfo> {
    let info = KeyInfo {
        id: Id::from_raw(tx.next_id()?),
        name,
        hint: key::hint(key),
        permissions: new.grants.names().into_iter().map(str::to_owned).collect(),
        workspaces: callers
            .iter()
            .map(|caller| caller.workspace.slug.clone())
            .collect(),
        created_at: now(),
        expires_at: new.expires_at,
        revoked_at: None,
        last_used_at: None,
    };
    sql("INSERT INTO api_key (id, name, hint, hash, permissions, confirm, calls_per_hour, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
        .bind(info.id)
        .bind(info.name.clone())
        .bind(info.hint.clone())
        .bind(key::hash(key))
        .bind(Json(info.permissions.clone()))
        .bind(new.confirm)
        .bind(new.calls_per_hour.map(i64::from))
        .bind(info.created_at)
        .bind(info.expires_at)
        .run(tx)
        .await?;
    for caller in callers {
        sql("INSERT INTO api_key_grant (api_key, workspace, member) VALUES ($1, $2, $3)")
            .bind(info.id)
            .bind(caller.workspace.id)
            .bind(caller.member)
            .run(tx)
            .await?;
        let content =
            json!({ "name": info.name, "hint": info.hint, "permissions": info.permissions });
        log(
            tx,
            caller.workspace.id,
            "api_key",
            info.id.raw(),
            Action::Create,
            &content,
        )?;
    }
    Ok(info)
}

/// All keys, newest first, the revoked ones too.
///
/// # Errors
/// What the database says.
pub async fn list_keys(store: &Store) -> Result<Vec<KeyInfo>> {
    let mut tx = store.read(Scope::System).await?;
    let rows = sql("SELECT k.id, k.name, k.hint, k.permissions, k.created_at, k.expires_at, k.revoked_at, k.last_used_at, w.slug
                    FROM api_key k JOIN api_key_grant g ON g.api_key = k.id JOIN workspace w ON w.id = g.workspace
                    ORDER BY k.id DESC, w.slug")
        .rows(&mut tx)
        .await;
    tx.rollback().await;
    let mut keys: Vec<KeyInfo> = Vec::new();
    for row in rows? {
        let (id, slug): (Id<ApiKey>, String) = (row.get("id")?, row.get("slug")?);
        if let Some(last) = keys.last_mut().filter(|last| last.id == id) {
            last.workspaces.push(slug);
            continue;
        }
        keys.push(KeyInfo {
            id,
            name: row.get("name")?,
            hint: row.get("hint")?,
            permissions: row.get::<Json<Vec<String>>>("permissions")?.0,
            workspaces: vec![slug],
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
            revoked_at: row.get("revoked_at")?,
            last_used_at: row.get("last_used_at")?,
        });
    }
    Ok(keys)
}

/// Revokes a key, named by its identifier or its name: from now on it opens nothing.
///
/// # Errors
/// [`Code::NotFound`]; [`Code::Conflict`] when several working keys have this name.
pub async fn revoke_key(store: &Store, id_or_name: &str) -> Result<KeyInfo> {
    let keys = list_keys(store).await?;
    let id = id_or_name.parse::<Id<ApiKey>>().ok();
    let mut matching: Vec<KeyInfo> = keys
        .into_iter()
        .filter(|key| Some(key.id) == id || (key.name == id_or_name && key.revoked_at.is_none()))
        .collect();
    let Some(mut key) = matching.pop() else {
        return Err(Error::not_found("API key", id_or_name));
    };
    if !matching.is_empty() {
        return Err(
            Error::conflict(format!("Several keys are called {id_or_name:?}."))
                .hint("Name the one by its id: `bureau key list` shows them."),
        );
    }
    if key.revoked_at.is_some() {
        return Ok(key);
    }
    let mut tx = store.write(Scope::System).await?;
    let moment = now();
    let revoked = async {
        sql("UPDATE api_key SET revoked_at = ")
            .value(moment)
            .sql(" WHERE id = ")
            .value(key.id)
            .run(&mut tx)
            .await?;
        let rows = sql("SELECT workspace FROM api_key_grant WHERE api_key = ")
            .value(key.id)
            .rows(&mut tx)
            .await?;
        for row in rows {
            log(
                &mut tx,
                row.get("workspace")?,
                "api_key",
                key.id.raw(),
                Action::Archive,
                &json!({ "revoked_at": moment }),
            )?;
        }
        Ok(())
    }
    .await;
    end(tx, revoked).await?;
    key.revoked_at = Some(moment);
    Ok(key)
}

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
/// [`Code::Validation`] naming what is wrong; [`Code::Conflict`] when it is defined already.
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
    let mut tx = store.write(Scope::System).await?;
    let made = async {
        let taken = sql("SELECT kind FROM attribute_definition WHERE workspace = ")
            .value(workspace.id)
            .sql(" AND entity = ")
            .value(new.entity.clone())
            .sql(" AND name = ")
            .value(new.name.clone())
            .row(&mut tx)
            .await?;
        if taken.is_some() {
            return Err(Error::conflict(format!("A {} has an attribute {:?} already.", new.entity, new.name)));
        }
        sql("INSERT INTO attribute_definition (workspace, entity, name, kind, about, created_at) VALUES ($1, $2, $3, $4, $5, $6)")
            .bind(workspace.id)
            .bind(new.entity.clone())
            .bind(new.name.clone())
            .bind(new.kind.clone())
            .bind(new.about.clone())
            .bind(now())
            .run(&mut tx)
            .await?;
        let content = serde_json::to_value(&new).map_err(Error::internal)?;
        log(&mut tx, workspace.id, "attribute_definition", workspace.id.raw(), Action::Create, &content)
    }
    .await;
    end(tx, made).await
}

/// The custom attributes of a workspace.
///
/// # Errors
/// [`Code::NotFound`] for an unknown workspace.
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

/// Logs what the owner arranged, outside of any tool.
fn log(
    tx: &mut Tx,
    workspace: Id<Workspace>,
    entity: &str,
    record: i64,
    action: Action,
    content: &Data,
) -> Result<()> {
    let after = Some(content.to_string());
    let row = LogRow {
        id: tx.next_id()?,
        call: tx.next_id()?,
        workspace: workspace.raw(),
        at: now(),
        member: None,
        api_key: None,
        client: None,
        tool: "bureau".to_owned(),
        undoes: None,
        entity: entity.to_owned(),
        record,
        action,
        version: 1,
        digest: digest(None, after.as_deref()),
        before: None,
        after,
    };
    tx.log(row);
    Ok(())
}
