//! The change log: every write to a record, sealed in commit order.
//!
//! From this one log come the audit log, undo, the change feed and the search index. Each workspace has a chain of its own,
//! whose first hash comes from the workspace's identifier: a row's `hash` is SHA-256 over the hash before it and over
//! everything the row says, so that a row that is edited, deleted or moved breaks the chain for whoever follows it. Where
//! each chain ends stands in `log_head`, which whoever seals keeps. What was in the record enters by its `digest`: purging a record can empty the row
//! and leave the chain whole.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Data};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};
use crate::heads::{Head, Heads};
use crate::store::{Column as _, Insert, Row, Scope, Store, Tx, Value, sql};
use crate::text_column;
use crate::types::id::{Entity, Id, encode};
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
    /// What it held of a person was erased for good, and the rest of it stays.
    Redact,
}
text_column!(Action);

impl Action {
    /// Whether it empties what the log holds of the record until then.
    #[must_use]
    pub const fn erases(self) -> bool {
        matches!(self, Self::Purge | Self::Redact)
    }
}

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

/// The end of a workspace's sealed log: a position and the hash up to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    pub(crate) position: i64,
    pub(crate) hash: Vec<u8>,
}

impl Seal {
    /// Where the log of a workspace begins: before its first row.
    #[must_use]
    pub(crate) fn genesis(workspace: i64) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"bureau change log");
        hash.update(workspace.to_be_bytes());
        Self {
            position: 0,
            hash: hash.finalize().to_vec(),
        }
    }

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

    /// Rows as they are written, sealed or (empty `seals`) to be sealed later.
    pub(crate) fn insert(rows: &[Self], seals: &[Seal]) -> Insert {
        let values = |(index, row): (usize, &Self)| {
            let seal = seals.get(index);
            vec![
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
            ]
        };
        let rows = rows.iter().enumerate().map(values).collect();
        Insert::new(
            "change_log",
            format!("{}, position, hash", Self::COLUMNS),
            rows,
        )
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
        let columns = Self::COLUMNS.replace("after", "CAST(NULL AS TEXT) AS after");
        Self::found(tx, workspace, ids, &columns).await
    }

    /// The same with what they became.
    pub(crate) async fn whole(tx: &mut Tx, workspace: i64, ids: &[i64]) -> Result<Vec<Self>> {
        Self::found(tx, workspace, ids, Self::COLUMNS).await
    }

    async fn found(tx: &mut Tx, workspace: i64, ids: &[i64], columns: &str) -> Result<Vec<Self>> {
        let mut found = Vec::with_capacity(ids.len());
        for asked in ids.chunks(Self::TOGETHER) {
            let mut statement = sql("SELECT ");
            statement.push(columns);
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

    /// The next rows after a position of a workspace's sealed log, each with its own.
    pub(crate) async fn sealed(
        tx: &mut Tx,
        workspace: i64,
        after: i64,
        limit: usize,
    ) -> Result<Vec<(i64, Self)>> {
        let mut statement = sql("SELECT position, ");
        statement.push(Self::COLUMNS);
        statement.push(" FROM change_log WHERE workspace = ");
        statement.push_value(Value::Int(workspace));
        statement.push(" AND position > ");
        statement.push_value(Value::Int(after));
        statement.push(" ORDER BY position LIMIT ");
        statement.push_value(Value::Int(limit as i64));
        let rows = statement.rows(tx).await?;
        rows.iter()
            .map(|row| Ok((row.get("position")?, Self::from_row(row)?)))
            .collect()
    }

    /// The table in which the record stands, or stood.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.entity
    }

    /// The number of its identifier.
    #[must_use]
    pub fn record(&self) -> i64 {
        self.record
    }

    /// What was done to it.
    #[must_use]
    pub fn action(&self) -> Action {
        self.action
    }

    /// The tool, or the scheduled work, that did it.
    #[must_use]
    pub fn tool(&self) -> &str {
        &self.tool
    }

    /// The call of which it was a part.
    #[must_use]
    pub fn change(&self) -> Id<Change> {
        Id::from_raw(self.call)
    }

    /// When.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// The fields of one side, when the log still holds them.
    pub(crate) fn side(text: Option<&str>) -> Result<Map<String, Data>> {
        match text {
            None => Ok(Map::new()),
            Some(text) => serde_json::from_str(text).map_err(Error::internal),
        }
    }
}

/// What following all chains found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// Sealed rows read.
    pub rows: i64,
    /// The first place at which a chain does not hold.
    pub broken: Option<Broken>,
}

/// Where the chain of a workspace does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The workspace's slug, or its identifier where it has none any more.
    pub workspace: String,
    /// The first position.
    pub position: i64,
    /// What is wrong there.
    pub what: &'static str,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            workspace,
            position,
            what,
        } = self;
        write!(
            f,
            "at position {position} of the change log of {workspace} {what}"
        )
    }
}

/// Follows each workspace's chain from its first row and checks every position, hash and digest, and that it ends where its
/// head says.
///
/// # Errors
/// [`Code::Unavailable`](crate::error::Code::Unavailable) when the database cannot be read.
pub async fn verify(store: &Store) -> Result<Audit> {
    let mut tx = store.read(Scope::System).await?;
    let ids = sql("SELECT id FROM workspace UNION SELECT workspace FROM log_head ORDER BY id")
        .rows(&mut tx)
        .await;
    tx.rollback().await;
    let mut rows = 0;
    for id in ids? {
        let workspace = id.get("id")?;
        let mut chain = Chain::of(workspace);
        let wrong = chain.follow(store).await?;
        rows += chain.seal.position;
        if let Some((position, what)) = wrong {
            let broken = Some(Broken {
                workspace: slug_of(store, workspace).await?,
                position,
                what,
            });
            return Ok(Audit { rows, broken });
        }
    }
    Ok(Audit { rows, broken: None })
}

/// What a workspace is called; its identifier where it is gone.
pub(crate) async fn slug_of(store: &Store, workspace: i64) -> Result<String> {
    let rows = sql("SELECT slug FROM workspace WHERE id = ")
        .value(workspace)
        .look(store)
        .await?;
    // A slug that cannot be read is found with the workspace itself.
    let slug = rows.first().and_then(|row| row.get("slug").ok());
    Ok(slug.unwrap_or_else(|| encode("wsp", workspace)))
}

/// The following of one chain.
struct Chain {
    workspace: i64,
    /// As far as it holds.
    seal: Seal,
    /// Rows without what they held, by record: only a later erasure explains them.
    emptied: HashMap<(String, i64), i64>,
}

/// A position and what is wrong there.
type Wrong = (i64, &'static str);

impl Chain {
    fn of(workspace: i64) -> Self {
        Self {
            workspace,
            seal: Seal::genesis(workspace),
            emptied: HashMap::new(),
        }
    }

    async fn follow(&mut self, store: &Store) -> Result<Option<Wrong>> {
        loop {
            let mut tx = store.read(Scope::System).await?;
            let read = self.read_in(&mut tx).await;
            tx.rollback().await;
            match read? {
                Part::Rows => {}
                Part::End(wrong) => return Ok(wrong),
            }
        }
    }

    async fn read_in(&mut self, tx: &mut Tx) -> Result<Part> {
        let mut statement = sql("SELECT position, hash, ");
        statement.push(LogRow::COLUMNS);
        statement.push(" FROM change_log WHERE workspace = ");
        statement.push_value(Value::Int(self.workspace));
        statement.push(" AND position > ");
        statement.push_value(Value::Int(self.seal.position));
        let rows = statement
            .sql(" ORDER BY position LIMIT 2000")
            .rows(tx)
            .await?;
        if rows.is_empty() {
            return self.end(tx).await.map(Part::End);
        }
        for row in rows {
            if let Err(wrong) = self.take(&row)? {
                return Ok(Part::End(Some(wrong)));
            }
        }
        Ok(Part::Rows)
    }

    fn take(&mut self, row: &Row) -> Result<Result<(), Wrong>> {
        let expected = self.seal.position + 1;
        let broken = |what| Ok(Err((expected, what)));
        let position: i64 = row.get("position")?;
        if position != expected {
            return broken("a row is missing");
        }
        // A row that cannot even be read was changed by hand.
        let (Ok(hash), Ok(row)) = (row.get::<Vec<u8>>("hash"), LogRow::from_row(row)) else {
            return broken("a row holds what Bureau never writes");
        };
        let record = (row.entity.clone(), row.record);
        if digest(row.before.as_deref(), row.after.as_deref()) != row.digest {
            if row.before.is_some() || row.after.is_some() {
                return broken("what the record was or became has been changed");
            }
            self.emptied.entry(record).or_insert(position);
        } else if row.action.erases() {
            self.emptied.remove(&record);
        }
        let seal = self.seal.next(&row);
        if seal.hash != hash {
            return broken("a row has been changed or moved");
        }
        self.seal = seal;
        Ok(Ok(()))
    }

    /// Looks at where it ends. In the transaction that found no more rows: the sealer may go on meanwhile.
    async fn end(&self, tx: &mut Tx) -> Result<Option<Wrong>> {
        if let Some(position) = self.emptied.values().min() {
            return Ok(Some((*position, "what the record was or became is gone")));
        }
        let next = self.seal.position + 1;
        if self.has_rows_beside(tx).await? {
            return Ok(Some((next, "a row stands beside the chain")));
        }
        let head = head_in(tx, self.workspace).await?;
        Ok(match head {
            Some(head) if head == self.seal => None,
            Some(head) if head.position > self.seal.position => {
                Some((next, "its newest rows are gone"))
            }
            Some(head) => Some((head.position + 1, "it goes on beyond its end")),
            // A workspace is in its own log from its first moment on; on PostgreSQL that may still wait for the sealer.
            None if self.seal.position == 0 && self.waits(tx).await? => None,
            None => Some((next, "the whole log, or where it ends, is gone")),
        })
    }

    /// Whether there are rows that the chain does not reach. On PostgreSQL a row without a position waits for the sealer.
    async fn has_rows_beside(&self, tx: &mut Tx) -> Result<bool> {
        let mut statement = sql("SELECT 1 AS beside FROM change_log WHERE workspace = ")
            .value(self.workspace)
            .sql(" AND (position < 1");
        if !tx.seals_later() {
            statement.push(" OR position IS NULL");
        }
        let row = statement.sql(") LIMIT 1").row(tx).await?;
        Ok(row.is_some())
    }

    async fn waits(&self, tx: &mut Tx) -> Result<bool> {
        let row = sql("SELECT 1 AS waits FROM change_log WHERE workspace = ")
            .value(self.workspace)
            .sql(" AND position IS NULL LIMIT 1")
            .row(tx)
            .await?;
        Ok(row.is_some())
    }
}

/// What was read of a chain.
enum Part {
    /// Rows that hold.
    Rows,
    /// All of it, or as far as it holds.
    End(Option<Wrong>),
}

async fn head_in(tx: &mut Tx, workspace: i64) -> Result<Option<Seal>> {
    let row = sql("SELECT position, hash FROM log_head WHERE workspace = ")
        .value(workspace)
        .row(tx)
        .await?;
    row.map(|row| {
        Ok(Seal {
            position: row.get("position")?,
            hash: row.get("hash")?,
        })
    })
    .transpose()
}

/// Where the logs of all workspaces end.
///
/// # Errors
/// [`Code::Unavailable`](crate::error::Code::Unavailable) when the database cannot be read.
pub async fn heads(tx: &mut Tx) -> Result<Heads> {
    let rows = sql("SELECT workspace, position, hash FROM log_head")
        .rows(tx)
        .await?;
    rows.iter().map(head_of).collect()
}

/// The workspace and the head of a row of `log_head`.
pub(crate) fn head_of(row: &Row) -> Result<(i64, Head)> {
    let head = Head {
        position: row.get("position")?,
        hash: hex::encode(row.get::<Vec<u8>>("hash")?),
    };
    Ok((row.get("workspace")?, head))
}

/// A place in the log of a workspace that was known, and is not there any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The workspace's slug, or its identifier where it has none any more.
    pub workspace: String,
    /// The position that was known.
    pub position: i64,
    /// Where the log ends now. What it ends before was lost or cut off; else another history stands in its place.
    pub ends: i64,
}

/// The first of these that is not in the logs as it was: no row at its position, or one with another hash.
///
/// # Errors
/// [`Code::Unavailable`](crate::error::Code::Unavailable) when the database cannot be read.
pub async fn first_missing(store: &Store, known: &Heads) -> Result<Option<Missing>> {
    let mut tx = store.read(Scope::System).await?;
    let missing = first_missing_in(&mut tx, known).await;
    tx.rollback().await;
    let Some((workspace, position, ends)) = missing? else {
        return Ok(None);
    };
    Ok(Some(Missing {
        workspace: slug_of(store, workspace).await?,
        position,
        ends,
    }))
}

/// The same: the workspace, the position that was known, and where the log ends.
pub(crate) async fn first_missing_in(
    tx: &mut Tx,
    known: &Heads,
) -> Result<Option<(i64, i64, i64)>> {
    let known: Vec<(i64, &Head)> = known.iter().collect();
    for known in known.chunks(LogRow::TOGETHER) {
        let mut statement = sql(
            "SELECT workspace, position, hash FROM change_log WHERE (workspace, position) IN (VALUES ",
        );
        for (index, (workspace, head)) in known.iter().enumerate() {
            statement.push(if index > 0 { ", " } else { "" });
            statement.push_list([Value::Int(*workspace), Value::Int(head.position)]);
        }
        let rows = statement.sql(")").rows(tx).await?;
        // One that cannot be read is not what it was.
        let found: Heads = rows.iter().filter_map(|row| head_of(row).ok()).collect();
        for (workspace, head) in known {
            if found.get(*workspace) != Some(head) {
                let ends = sql("SELECT COALESCE(MAX(position), 0) AS position FROM change_log WHERE workspace = ")
                    .value(*workspace)
                    .one("position", tx)
                    .await?;
                return Ok(Some((*workspace, head.position, ends)));
            }
        }
    }
    Ok(None)
}
