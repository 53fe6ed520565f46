//! The change log: every write to a record, sealed in commit order.
//!
//! From this one log come the audit log, undo, the change feed and the search index. A row's `hash` is SHA-256 over
//! the hash before it and over everything the row says, so that a row that is edited, deleted or moved breaks the
//! chain for whoever follows it. What was in the record enters by its `digest`: purging a record can empty the row
//! and leave the chain whole.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Data};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};
use crate::store::{Column as _, Row, Scope, Sql, Store, Tx, Value, sql};
use crate::text_column;
use crate::types::id::Entity;
use crate::types::time::Timestamp;

/// One call's change: what an `Id<Change>` names is all that one call wrote.
#[derive(Debug)]
pub struct Change;

impl Entity for Change {
    const PREFIX: &'static str = "chg";
    const NOUN: &'static str = "change";
    const TABLE: &'static str = "change_log";
}

/// What was done to a record.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Action {
    /// It is new.
    #[default]
    Create,
    /// Fields changed.
    Update,
    /// It was deleted, restorably.
    Archive,
    /// It came back.
    Restore,
    /// It was erased for good.
    Purge,
}
text_column!(Action);

/// One row of the log.
#[derive(Debug, Clone)]
pub struct LogRow {
    pub(crate) id: i64,
    pub(crate) call: i64,
    pub(crate) workspace: i64,
    pub(crate) at: Timestamp,
    pub(crate) member: Option<i64>,
    pub(crate) api_key: Option<i64>,
    pub(crate) client: Option<String>,
    pub(crate) tool: String,
    pub(crate) undoes: Option<i64>,
    pub(crate) entity: String,
    pub(crate) record: i64,
    pub(crate) action: Action,
    pub(crate) version: i64,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
    pub(crate) digest: Vec<u8>,
}

/// The end of the sealed log: a position and the hash up to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seal {
    pub(crate) position: i64,
    pub(crate) hash: Vec<u8>,
}

impl Seal {
    /// The seal of the row that comes after this one.
    #[must_use]
    pub(crate) fn next(&self, row: &LogRow) -> Self {
        let mut hash = Sha256::new();
        hash.update(&self.hash);
        let position = self.position + 1;
        for number in [
            position,
            row.id,
            row.call,
            row.workspace,
            row.at.timestamp_micros(),
            row.member.unwrap_or(-1),
            row.api_key.unwrap_or(-1),
            row.undoes.unwrap_or(-1),
            row.record,
            row.version,
        ] {
            hash.update(number.to_be_bytes());
        }
        for text in [
            row.client.as_deref().unwrap_or_default(),
            &row.tool,
            &row.entity,
            &crate::store::enum_name(&row.action),
        ] {
            // The length before each text: no two rows have the same bytes.
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        hash.update(&row.digest);
        Self {
            position,
            hash: hash.finalize().to_vec(),
        }
    }
}

/// SHA-256 over what the record was and became.
pub(crate) fn digest(before: Option<&str>, after: Option<&str>) -> Vec<u8> {
    let mut hash = Sha256::new();
    for side in [before, after] {
        hash.update([u8::from(side.is_some())]);
        hash.update((side.unwrap_or_default().len() as u64).to_be_bytes());
        hash.update(side.unwrap_or_default());
    }
    hash.finalize().to_vec()
}

/// What a row of the log says without what is in the record.
pub(crate) struct Outlined {
    pub(crate) id: i64,
    pub(crate) tool: String,
    pub(crate) entity: String,
    pub(crate) record: i64,
    pub(crate) action: Action,
}

impl Outlined {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            tool: row.get("tool")?,
            entity: row.get("entity")?,
            record: row.get("record")?,
            action: row.get("action")?,
        })
    }
}

impl LogRow {
    /// Rows that are read together.
    pub(crate) const TOGETHER: usize = 512;

    /// Its columns.
    pub(crate) const COLUMNS: &str = "id, call, workspace, at, member, api_key, client, tool, undoes, entity, record, \
                                      action, version, before, after, digest";

    /// Appends the statement that writes rows, sealed or (empty `seals`) to be sealed later.
    pub(crate) fn push_insert(statement: &mut Sql, rows: &[Self], seals: &[Seal]) {
        statement.push("INSERT INTO change_log (");
        statement.push(Self::COLUMNS);
        statement.push(", position, hash) VALUES ");
        for (index, row) in rows.iter().enumerate() {
            if index > 0 {
                statement.push(", ");
            }
            let seal = seals.get(index);
            statement.push_list([
                row.id.to_value(),
                row.call.to_value(),
                row.workspace.to_value(),
                row.at.to_value(),
                row.member.to_value(),
                row.api_key.to_value(),
                row.client.to_value(),
                row.tool.to_value(),
                row.undoes.to_value(),
                row.entity.to_value(),
                row.record.to_value(),
                row.action.to_value(),
                row.version.to_value(),
                row.before.to_value(),
                row.after.to_value(),
                row.digest.to_value(),
                seal.map(|seal| seal.position).to_value(),
                seal.map(|seal| seal.hash.clone()).to_value(),
            ]);
        }
    }

    pub(crate) fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            call: row.get("call")?,
            workspace: row.get("workspace")?,
            at: row.get("at")?,
            member: row.get("member")?,
            api_key: row.get("api_key")?,
            client: row.get("client")?,
            tool: row.get("tool")?,
            undoes: row.get("undoes")?,
            entity: row.get("entity")?,
            record: row.get("record")?,
            action: row.get("action")?,
            version: row.get("version")?,
            before: row.get("before")?,
            after: row.get("after")?,
            digest: row.get("digest")?,
        })
    }

    /// The newest rows of one call before a row of it, newest first, without what the records were and became: there can be
    /// a hundred thousand. None are left where fewer than [`Self::TOGETHER`] come.
    pub(crate) async fn outlined(
        tx: &mut Tx,
        workspace: i64,
        call: i64,
        before: i64,
    ) -> Result<Vec<Outlined>> {
        let mut statement =
            sql("SELECT id, tool, entity, record, action FROM change_log WHERE workspace = ");
        statement.push_value(Value::Int(workspace));
        statement.push(" AND call = ");
        statement.push_value(Value::Int(call));
        statement.push(" AND id < ");
        statement.push_value(Value::Int(before));
        statement.push(" ORDER BY id DESC LIMIT ");
        statement.push_value(Value::Int(Self::TOGETHER as i64));
        let rows = statement.rows(tx).await?;
        rows.iter().map(Outlined::from_row).collect()
    }

    /// These rows, in the order in which they were made, without what the records became: they are to be taken back.
    pub(crate) async fn with_ids(tx: &mut Tx, workspace: i64, ids: &[i64]) -> Result<Vec<Self>> {
        let mut found = Vec::with_capacity(ids.len());
        for asked in ids.chunks(Self::TOGETHER) {
            let mut statement = sql("SELECT ");
            statement.push(&Self::COLUMNS.replace("after", "CAST(NULL AS TEXT) AS after"));
            statement.push(" FROM change_log WHERE id IN ");
            statement.push_ids(asked);
            statement.push(" AND ");
            statement.push(tx.without_index());
            statement.push("workspace = ");
            statement.push_value(Value::Int(workspace));
            for row in statement.rows(tx).await? {
                found.push(Self::from_row(&row)?);
            }
        }
        found.sort_unstable_by_key(|row| row.id);
        Ok(found)
    }

    /// The fields of one side, when the log still holds them.
    pub(crate) fn side(text: Option<&str>) -> Result<Map<String, Data>> {
        match text {
            None => Ok(Map::new()),
            Some(text) => serde_json::from_str(text).map_err(Error::internal),
        }
    }
}

/// What following the whole chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// Sealed rows read.
    pub rows: i64,
    /// The first position at which the chain does not hold, with what is wrong there.
    pub broken: Option<(i64, String)>,
}

/// Follows the chain from its first row and checks every position, hash and digest.
///
/// # Errors
/// [`Code::Unavailable`](crate::error::Code::Unavailable) when the database cannot be read.
pub async fn verify(store: &Store) -> Result<Audit> {
    let mut seal = Seal::default();
    // Rows without what they held, by record: only a later purge of the record explains them.
    let mut emptied: HashMap<(i64, String, i64), i64> = HashMap::new();
    loop {
        let mut tx = store.read(Scope::System).await?;
        let mut statement = sql("SELECT position, hash, ");
        statement.push(LogRow::COLUMNS);
        statement.push(" FROM change_log WHERE position > ");
        statement.push_value(Value::Int(seal.position));
        statement.push(" ORDER BY position LIMIT 2000");
        let rows = statement.rows(&mut tx).await;
        tx.rollback().await;
        let rows = rows?;
        if rows.is_empty() {
            let unexplained = emptied.into_values().min();
            let mut broken = unexplained
                .map(|position| (position, "what the record was or became is gone".to_owned()));
            if broken.is_none() && beside_the_chain(store).await? {
                broken = Some((
                    seal.position + 1,
                    "a row stands beside the chain".to_owned(),
                ));
            }
            return Ok(Audit {
                rows: seal.position,
                broken,
            });
        }
        for row in rows {
            let expected = seal.position + 1;
            let broken = |what: &str| {
                Ok(Audit {
                    rows: expected - 1,
                    broken: Some((expected, what.to_owned())),
                })
            };
            let position: i64 = row.get("position")?;
            if position != expected {
                return broken("a row is missing");
            }
            // A row that cannot even be read was changed by hand.
            let (Ok(hash), Ok(row)) = (row.get::<Vec<u8>>("hash"), LogRow::from_row(&row)) else {
                return broken("a row holds what Bureau never writes");
            };
            let record = (row.workspace, row.entity.clone(), row.record);
            if digest(row.before.as_deref(), row.after.as_deref()) != row.digest {
                if row.before.is_some() || row.after.is_some() {
                    return broken("what the record was or became has been changed");
                }
                emptied.entry(record).or_insert(position);
            } else if row.action == Action::Purge {
                emptied.remove(&record);
            }
            seal = seal.next(&row);
            if seal.hash != hash {
                return broken("a row has been changed or moved");
            }
        }
    }
}

/// Whether there are rows that the chain does not reach. On PostgreSQL a row without a position waits for the sealer.
async fn beside_the_chain(store: &Store) -> Result<bool> {
    let mut tx = store.read(Scope::System).await?;
    let mut statement = sql("SELECT 1 AS beside FROM change_log WHERE position < 1");
    if !store.is_postgres() {
        statement.push(" OR position IS NULL");
    }
    statement.push(" LIMIT 1");
    let row = statement.row(&mut tx).await;
    tx.rollback().await;
    Ok(row?.is_some())
}

/// The position of the last sealed row; 0 for an empty log.
///
/// # Errors
/// [`Code::Unavailable`](crate::error::Code::Unavailable) when the database cannot be read.
pub async fn head(tx: &mut Tx) -> Result<i64> {
    newest().one("head", tx).await
}

/// The same outside of any transaction.
pub(crate) async fn look_for_head(store: &Store) -> Result<i64> {
    let rows = newest().look(store).await?;
    rows.first().map_or(Ok(0), |row| row.get("head"))
}

fn newest() -> Sql {
    sql("SELECT COALESCE(MAX(position), 0) AS head FROM change_log")
}

/// The hash of the sealed row at a position, in hexadecimal digits: kept elsewhere, it shows later whether the end of the
/// log is still what it was.
///
/// # Errors
/// [`Code::Unavailable`](crate::error::Code::Unavailable) when the database cannot be read.
pub async fn hash_at(tx: &mut Tx, position: i64) -> Result<Option<String>> {
    let row = sql("SELECT hash FROM change_log WHERE position = ")
        .value(position)
        .row(tx)
        .await?;
    row.map(|row| row.get::<Vec<u8>>("hash").map(hex::encode))
        .transpose()
}
