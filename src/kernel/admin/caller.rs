//! Callers: from a key, or the one who started the process beside the data.

use std::sync::Arc;

use super::known::Known;
use super::workspace::{WORKSPACE, workspace};
use crate::caller::{Caller, Role};
use crate::content::Link;
use crate::error::{Code, Error, Result};
use crate::key;
use crate::permission::Grants;
use crate::store::{Column as _, Json, Row, Scope, Store, Value, sql};
use crate::types::text::nearest;
use crate::types::time::Timestamp;

/// One message for every reason that a stranger could learn from.
const WRONG: &str = "This API key is not valid here.";

/// Callers, by what they showed.
#[derive(Default)]
pub(crate) struct Callers(Known<Shown, Found>);

/// What a request shows of who is behind it: a key by its hash, or none where it is the owner beside the data; and the workspace that
/// it chooses.
#[derive(PartialEq, Eq, Hash)]
struct Shown {
    key: Option<Vec<u8>>,
    slug: Option<String>,
}

/// Who was found.
struct Found {
    caller: Caller,
    /// When the key stops working.
    expires_at: Option<Timestamp>,
    /// When its last use was noted.
    last_used: Option<Timestamp>,
    /// The latest moment that the database had seen.
    seen: Option<Timestamp>,
}

/// A caller as its key makes it.
pub(crate) struct Authenticated {
    pub(crate) caller: Caller,
    /// The key's last use was noted more than a minute ago.
    pub(crate) stale: bool,
}

fn unauthorized(message: &str) -> Error {
    Error::new(Code::Unauthorized, message)
        .hint("Ask the owner of the data for a key (`bureau key create`).")
}

impl Callers {
    /// The caller behind a key.
    ///
    /// # Errors
    /// [`Code::Unauthorized`] for one that opens nothing, or nothing any more; what [`choose`] says.
    pub(crate) async fn authenticate(
        &self,
        store: &Store,
        key: &str,
        slug: Option<&str>,
    ) -> Result<Authenticated> {
        if !key::is_well_formed(key) {
            return Err(unauthorized(WRONG));
        }
        let shown = Shown {
            key: Some(key::hash(key)),
            slug: slug.map(str::to_owned),
        };
        let found = self.0.get(store, shown, async |shown| {
            let hash = shown.key.clone().unwrap_or_default();
            let rows = grants(store, "k.hash = ", hash.to_value()).await?;
            let row = choose(&rows, slug)?;
            Ok(Found {
                caller: of_key(row, rows.len() > 1)?,
                expires_at: row.get("expires_at")?,
                last_used: row.get("last_used_at")?,
                seen: row.get("seen_at")?,
            })
        });
        let found = found.await?;
        let now = store.clock().now();
        check_expiry(now, found.seen, found.expires_at)?;
        let minute = chrono::Duration::seconds(60);
        Ok(Authenticated {
            caller: found.caller.clone(),
            stale: found
                .last_used
                .is_none_or(|used| (now - used).abs() > minute),
        })
    }

    /// The owner of the data, in one workspace: the one named, or the first.
    ///
    /// # Errors
    /// [`Code::NotFound`] when there is no such workspace.
    pub(crate) async fn operator(&self, store: &Store, slug: Option<&str>) -> Result<Caller> {
        let shown = Shown {
            key: None,
            slug: slug.map(str::to_owned),
        };
        let found = self.0.get(store, shown, async |_| {
            Ok(Found {
                caller: operator(store, slug).await?,
                expires_at: None,
                last_used: None,
                seen: None,
            })
        });
        Ok(found.await?.caller.clone())
    }
}

/// Refuses a key that has expired. A clock that is set back wakes none.
fn check_expiry(
    now: Timestamp,
    seen: Option<Timestamp>,
    expires_at: Option<Timestamp>,
) -> Result<()> {
    let latest = seen.map_or(now, |seen| seen.max(now));
    if expires_at.is_some_and(|end| end <= latest) {
        return Err(unauthorized("This API key has expired."));
    }
    Ok(())
}

/// The same caller as it may call now, without what its request has forgone.
///
/// # Errors
/// [`Code::Unauthorized`] when its key was revoked or has expired since, or its member is gone.
pub(crate) async fn still(store: &Store, caller: Caller) -> Result<Caller> {
    // Whoever started the process beside the data may do that as long as it runs.
    let Some(key) = caller.key else {
        return Ok(caller);
    };
    let rows = grants(store, "k.id = ", key.to_value()).await?;
    let row = choose(&rows, Some(&caller.workspace.slug)).map_err(|_| unauthorized(WRONG))?;
    let now = of_key(row, rows.len() > 1)?;
    Ok(Caller {
        is_scheduler: false,
        client: caller.client,
        origin: caller.origin,
        features: caller.features,
        read_only: caller.read_only || now.read_only,
        ..now
    })
}

/// Who made a link to which a file is sent, as it may call now.
///
/// # Errors
/// [`Code::Unauthorized`] when its key was revoked or has expired since, or its member is gone.
pub(crate) async fn of_link(store: &Store, link: &Link) -> Result<Caller> {
    let Some(key) = link.key else {
        let owners = operators_of(store, &[link.workspace.raw()]).await?;
        return owners.into_iter().next().ok_or_else(|| unauthorized(WRONG));
    };
    let rows = grants(store, "k.id = ", key.to_value()).await?;
    for row in &rows {
        let caller = of_key(row, rows.len() > 1)?;
        if caller.workspace.id == link.workspace {
            return Ok(caller);
        }
    }
    Err(unauthorized(WRONG))
}

/// What a key opens: a row for each workspace, at least one.
///
/// # Errors
/// [`Code::Unauthorized`] when it opens nothing, was revoked or has expired.
async fn grants(store: &Store, condition: &'static str, key: Value) -> Result<Vec<Row>> {
    let mut statement = sql("SELECT k.id AS key_id, k.permissions, k.confirm, k.calls_per_hour, k.expires_at, k.revoked_at,
                                    k.last_used_at, (SELECT seen_at FROM clock) AS seen_at, g.member, m.role, ");
    statement.push(WORKSPACE);
    statement.push(
        " FROM api_key k JOIN api_key_grant g ON g.api_key = k.id
          JOIN member m ON m.workspace = g.workspace AND m.id = g.member AND m.archived_at IS NULL
          JOIN workspace w ON w.id = g.workspace WHERE ",
    );
    statement.push(condition);
    statement.push_value(key);
    let rows = statement.sql(" ORDER BY w.id").look(store).await?;
    let Some(first) = rows.first() else {
        return Err(unauthorized(WRONG));
    };
    if first.get::<Option<Timestamp>>("revoked_at")?.is_some() {
        return Err(unauthorized("This API key was revoked."));
    }
    let now = store.clock().now();
    check_expiry(now, first.get("seen_at")?, first.get("expires_at")?)?;
    Ok(rows)
}

/// The caller that a key makes in one of its workspaces.
fn of_key(row: &Row, has_others: bool) -> Result<Caller> {
    let permissions: Json<Vec<String>> = row.get("permissions")?;
    let role: Role = row.get("role")?;
    Ok(Caller {
        is_scheduler: false,
        workspace: Arc::new(workspace(row)?),
        member: row.get("member")?,
        key: Some(row.get("key_id")?),
        client: None,
        origin: None,
        grants: Grants::from_names(&permissions),
        // A key never exceeds its owner.
        role,
        read_only: role == Role::Viewer,
        features: None,
        confirm: row.get("confirm")?,
        calls_per_hour: row
            .get::<Option<i64>>("calls_per_hour")?
            .and_then(|calls| u32::try_from(calls).ok()),
        has_others,
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
    let owners = owners(store, None).await?;
    let slugs = owners.iter().map(|row| row.get::<String>("slug"));
    let mut slugs = slugs.collect::<Result<Vec<_>>>()?;
    for (row, name) in owners.iter().zip(&slugs) {
        if slug.is_none_or(|slug| slug == name) {
            return Ok(Caller {
                has_others: slugs.iter().any(|other| other != name),
                ..owner(row)?
            });
        }
    }
    slugs.dedup();
    let error = Error::new(Code::NotFound, "There is no such workspace.").field("workspace");
    Err(
        match nearest(slug.unwrap_or_default(), slugs.iter().map(String::as_str)) {
            Some(known) => error.hint(format!("Did you mean {known}?")),
            None => error.hint(format!("There are: {}.", slugs.join(", "))),
        },
    )
}

/// The owner of the data, in each of the workspaces.
///
/// # Errors
/// What the database says.
pub async fn operators(store: &Store) -> Result<Vec<Caller>> {
    first_of_each(&owners(store, None).await?)
}

/// The owner of the data, in each of these workspaces.
///
/// # Errors
/// What the database says.
pub(crate) async fn operators_of(store: &Store, workspaces: &[i64]) -> Result<Vec<Caller>> {
    /// Workspaces that are asked for together.
    const TOGETHER: usize = 500;
    let mut callers = Vec::new();
    for workspaces in workspaces.chunks(TOGETHER) {
        callers.extend(first_of_each(&owners(store, Some(workspaces)).await?)?);
    }
    Ok(callers)
}

/// The first owner of each workspace, who stands for it.
fn first_of_each(owners: &[Row]) -> Result<Vec<Caller>> {
    let mut callers: Vec<Caller> = Vec::new();
    for row in owners {
        let caller = owner(row)?;
        if callers
            .last()
            .is_none_or(|last| last.workspace.id != caller.workspace.id)
        {
            callers.push(caller);
        }
    }
    Ok(callers)
}

/// The owners of all workspaces, or of these, oldest first.
async fn owners(store: &Store, workspaces: Option<&[i64]>) -> Result<Vec<Row>> {
    let mut statement = sql("SELECT m.id AS member, ");
    statement.push(WORKSPACE);
    statement = statement
        .sql(" FROM workspace w JOIN member m ON m.workspace = w.id AND m.role = 'owner' AND m.archived_at IS NULL");
    if let Some(workspaces) = workspaces {
        statement.push(" WHERE w.id IN ");
        statement.push_ids(workspaces);
    }
    statement.sql(" ORDER BY w.id, m.id").look(store).await
}

/// The caller that an owner is beside the data.
fn owner(row: &Row) -> Result<Caller> {
    Ok(Caller {
        is_scheduler: false,
        workspace: Arc::new(workspace(row)?),
        member: row.get("member")?,
        role: Role::Owner,
        key: None,
        client: None,
        origin: None,
        grants: Grants::Everything,
        read_only: false,
        features: None,
        confirm: None,
        calls_per_hour: None,
        has_others: false,
    })
}

/// Notes that a key was used.
pub(crate) async fn note_use(store: &Store, key: i64) -> Result<()> {
    let mut tx = store.write(Scope::System).await?;
    let done = sql("UPDATE api_key SET last_used_at = ")
        .value(tx.now())
        .sql(" WHERE id = ")
        .value(key)
        .run(&mut tx)
        .await;
    tx.end(done.map(|_| ())).await
}
