//! API keys: made, listed, revoked.

use std::collections::BTreeSet;

use chrono::SubsecRound as _;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::author::Author;
use super::member::{MemberInfo, find_member, list_members};
use super::workspace::workspace_by_slug;
use super::{differing, log};
use crate::caller::{ApiKey, ConfirmPolicy, Member, Role, Workspace};
use crate::error::{Error, Result};
use crate::key;
use crate::permission::Grants;
use crate::store::log::Action;
use crate::store::{Json, Scope, Store, Tx, enum_name, sql};
use crate::types::id::Id;
use crate::types::text::ShortText;
use crate::types::time::Timestamp;

/// A key to be made.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// What it is for.
    pub name: String,
    /// What it allows.
    pub grants: Grants,
    /// The slugs of the workspaces that it opens.
    pub workspaces: Vec<String>,
    /// As whom it acts there, by id, address or name; as the owner, if nobody is named.
    pub member: Option<String>,
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
    /// As whom it acts in each of them, in the same order.
    pub members: Vec<KeyMember>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

/// As whom a key acts in a workspace.
#[derive(Debug, Clone, Serialize)]
pub struct KeyMember {
    /// The member.
    pub id: Id<Member>,
    /// Their name.
    pub name: String,
    /// What they may do at most.
    pub role: Role,
}

/// A workspace that a new key opens, and as whom.
struct Opened {
    workspace: Workspace,
    member: KeyMember,
}

/// Makes a key and answers it: this is the only time that it can be seen.
///
/// # Errors
/// [`Code::NotFound`](crate::error::Code::NotFound) for an unknown workspace or member; [`Code::Validation`](crate::error::Code::Validation) for a name or expiry that makes no sense, and
/// for a permission that the member's role does not allow.
pub async fn create_key(store: &Store, new: NewKey) -> Result<(String, KeyInfo)> {
    let name = ShortText::<100>::new(&new.name)
        .map_err(|error| Error::invalid("name", format!("name {error}.")))?;
    if new.expires_at.is_some_and(|end| end <= store.clock().now()) {
        return Err(Error::invalid(
            "expires",
            "This moment has passed: the key would never work.",
        ));
    }
    let mut opened = Vec::new();
    let wanted: BTreeSet<&String> = new.workspaces.iter().collect();
    for slug in wanted {
        let workspace = workspace_by_slug(store, slug).await?;
        let members = list_members(store, slug).await?;
        let member = match &new.member {
            Some(who) => find_member(&members, who)?,
            // Whoever has owned it longest.
            None => members
                .iter()
                .find(|member| member.role == Role::Owner)
                .ok_or_else(|| Error::internal("a workspace without an owner"))?,
        };
        check_role(member, &new.grants)?;
        let member = KeyMember {
            id: member.id,
            name: member.name.clone(),
            role: member.role,
        };
        opened.push(Opened { workspace, member });
    }
    if opened.is_empty() {
        return Err(Error::invalid(
            "workspace",
            "A key opens at least one workspace.",
        ));
    }
    let key = key::generate();
    let name = String::from(name);
    let made = async |tx: &mut Tx| insert_key(tx, &key, &name, &new, &opened).await;
    let info = store.change(Scope::System, made).await?;
    Ok((key, info))
}

/// A key that asks for more than its member may is a mistake, found now rather than by a refused call.
fn check_role(member: &MemberInfo, grants: &Grants) -> Result<()> {
    let beyond: Vec<&str> = match grants {
        // What later versions add would be beyond the role too.
        Grants::Everything if member.role < Role::Admin => vec!["everything"],
        Grants::Everything => Vec::new(),
        Grants::Named(names) => names
            .iter()
            .map(String::as_str)
            .filter(|name| !member.role.allows_name(name))
            .collect(),
    };
    if beyond.is_empty() {
        return Ok(());
    }
    let role = enum_name(&member.role);
    Err(Error::invalid(
        "permissions",
        format!(
            "{} is a {role}, who may not have: {}.",
            member.name,
            beyond.join(", ")
        ),
    )
    .hint(
        "Leave these out, or give the member another role: bureau member update WHO --role admin.",
    ))
}

async fn insert_key(
    tx: &mut Tx,
    key: &str,
    name: &str,
    new: &NewKey,
    opened: &[Opened],
) -> Result<KeyInfo> {
    let info = KeyInfo {
        id: Id::from_raw(tx.next_id()?),
        name: name.to_owned(),
        hint: key::hint(key),
        permissions: new.grants.names().into_iter().map(str::to_owned).collect(),
        workspaces: opened
            .iter()
            .map(|opened| opened.workspace.slug.clone())
            .collect(),
        members: opened.iter().map(|opened| opened.member.clone()).collect(),
        created_at: tx.now(),
        // As the database keeps it.
        expires_at: new.expires_at.map(|end| end.trunc_subsecs(6)),
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
    for Opened { workspace, member } in opened {
        sql("INSERT INTO api_key_grant (api_key, workspace, member, name) VALUES ($1, $2, $3, $4)")
            .bind(info.id)
            .bind(workspace.id)
            .bind(member.id)
            .bind(info.name.clone())
            .run(tx)
            .await?;
        let content = json!({
            "name": info.name,
            "hint": info.hint,
            "fingerprint": fingerprint(&key::hash(key)),
            "permissions": info.permissions,
            "confirm": new.confirm,
            "calls_per_hour": new.calls_per_hour,
            "expires_at": info.expires_at,
            "member": member.id,
        });
        let (_, content) = differing(json!({}), content);
        let author = Author::operator(tx)?;
        log(
            tx,
            &author,
            workspace.id,
            "api_key",
            info.id.raw(),
            Action::Create,
            &content,
        )?;
    }
    Ok(info)
}

/// What the log keeps of a key's hash: it tells whether the hash is still the same, and opens nothing.
pub(crate) fn fingerprint(hash: &[u8]) -> String {
    let mut digest = hex::encode(Sha256::digest(hash));
    digest.truncate(32);
    digest
}

/// All keys, newest first, the revoked ones too.
///
/// # Errors
/// What the database says.
pub async fn list_keys(store: &Store) -> Result<Vec<KeyInfo>> {
    let mut tx = store.read(Scope::System).await?;
    let rows = sql("SELECT k.id, k.name, k.hint, k.permissions, k.created_at, k.expires_at, k.revoked_at, k.last_used_at, w.slug,
                           m.id AS member, m.name AS member_name, m.role
                    FROM api_key k JOIN api_key_grant g ON g.api_key = k.id JOIN workspace w ON w.id = g.workspace
                    JOIN member m ON m.workspace = g.workspace AND m.id = g.member
                    ORDER BY k.id DESC, w.slug")
        .rows(&mut tx)
        .await;
    tx.rollback().await;
    let mut keys: Vec<KeyInfo> = Vec::new();
    for row in rows? {
        let (id, slug): (Id<ApiKey>, String) = (row.get("id")?, row.get("slug")?);
        let member = KeyMember {
            id: row.get("member")?,
            name: row.get("member_name")?,
            role: row.get("role")?,
        };
        if let Some(last) = keys.last_mut().filter(|last| last.id == id) {
            last.workspaces.push(slug);
            last.members.push(member);
            continue;
        }
        keys.push(KeyInfo {
            id,
            name: row.get("name")?,
            hint: row.get("hint")?,
            permissions: row.get::<Json<Vec<String>>>("permissions")?.0,
            workspaces: vec![slug],
            members: vec![member],
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
/// [`Code::NotFound`](crate::error::Code::NotFound); [`Code::Conflict`](crate::error::Code::Conflict) when several working keys have this name.
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
    let moment = store.clock().now();
    let revoke = async |tx: &mut Tx| {
        sql("UPDATE api_key SET revoked_at = ")
            .value(moment)
            .sql(" WHERE id = ")
            .value(key.id)
            .run(tx)
            .await?;
        let rows = sql("SELECT workspace FROM api_key_grant WHERE api_key = ")
            .value(key.id)
            .rows(tx)
            .await?;
        for row in rows {
            let author = Author::operator(tx)?;
            log(
                tx,
                &author,
                row.get("workspace")?,
                "api_key",
                key.id.raw(),
                Action::Archive,
                &json!({ "revoked_at": moment }),
            )?;
        }
        Ok(())
    };
    store.change(Scope::System, revoke).await?;
    key.revoked_at = Some(moment);
    Ok(key)
}
