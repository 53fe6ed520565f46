//! The anchors in the database.

use std::collections::HashSet;

use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};
use crate::heads::Heads;
use crate::store::{Row, Scope, Store, Tx, log, sql};
use crate::types::time::Timestamp;

/// Anchors that are read at once.
const PIECE: i64 = 500;

/// What stands in a row.
struct Noted {
    number: i64,
    at: Timestamp,
    sealing: i64,
    /// The heads that moved since the anchor before it.
    moved: String,
    /// The hash over all heads.
    heads: String,
    seal: Vec<u8>,
}

impl Noted {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Self {
            number: row.get("number")?,
            at: row.get("at")?,
            sealing: row.get("sealing")?,
            moved: row.get("moved")?,
            heads: row.get("heads")?,
            seal: row.get("seal")?,
        })
    }

    /// SHA-256 over what the row says and the seal of the one before it.
    fn seal_after(&self, before: &[u8]) -> Vec<u8> {
        let mut hash = Sha256::new();
        hash.update(before);
        for number in [self.number, self.at.timestamp_micros(), self.sealing] {
            hash.update(number.to_be_bytes());
        }
        for text in [&self.moved, &self.heads] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        hash.finalize().to_vec()
    }
}

const SELECT: &str = "SELECT number, at, sealing, moved, heads, seal FROM log_anchor";

/// Notes where all logs end, unless the last row says so already; the heads.
pub(super) async fn note(tx: &mut Tx, at: Timestamp) -> Result<Heads> {
    tx.serialize("log anchor").await?;
    // At one moment: what is sealed between two looks would be in one of them only.
    let ends = sql("SELECT workspace, position, hash, sealing FROM log_head")
        .rows(tx)
        .await?;
    let heads: Heads = ends.iter().map(log::head_of).collect::<Result<_>>()?;
    let last = sql(SELECT)
        .sql(" ORDER BY number DESC LIMIT 1")
        .row(tx)
        .await?;
    let last = last.as_ref().map(Noted::from_row).transpose()?;
    let hash = heads.hash();
    if heads.is_empty() || last.as_ref().is_some_and(|last| last.heads == hash) {
        return Ok(heads);
    }
    let since = last.as_ref().map_or(0, |last| last.sealing);
    let mut sealing = since;
    let mut changed = Heads::default();
    for row in &ends {
        let sealed: i64 = row.get("sealing")?;
        if sealed > since {
            let (workspace, head) = log::head_of(row)?;
            changed.insert(workspace, head);
            sealing = sealing.max(sealed);
        }
    }
    let mut noted = Noted {
        number: last.as_ref().map_or(1, |last| last.number + 1),
        at,
        sealing,
        moved: serde_json::to_string(&changed).map_err(Error::internal)?,
        heads: hash,
        seal: Vec::new(),
    };
    noted.seal = noted.seal_after(&last.map(|last| last.seal).unwrap_or_default());
    sql("INSERT INTO log_anchor (number, at, sealing, moved, heads, seal) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(noted.number)
        .bind(noted.at)
        .bind(noted.sealing)
        .bind(noted.moved)
        .bind(noted.heads)
        .bind(noted.seal)
        .run(tx)
        .await?;
    Ok(heads)
}

/// What following all anchors found.
pub(super) struct Walked {
    /// The hashes over all heads of those that hold.
    pub(super) holding: HashSet<String>,
    /// Rows of all logs now.
    pub(super) rows: i64,
    /// The first that does not, and what that means, as a sentence.
    pub(super) broken: Option<String>,
}

/// Follows the anchors from the first on, and looks in the logs for every head that they name.
pub(super) async fn walk(store: &Store) -> Result<Walked> {
    let mut tx = store.read(Scope::System).await?;
    let rows = sql("SELECT COUNT(*) AS rows FROM change_log WHERE position IS NOT NULL")
        .one("rows", &mut tx)
        .await;
    tx.rollback().await;
    let mut walk = Walk {
        heads: Heads::default(),
        number: 0,
        seal: Vec::new(),
        walked: Walked {
            holding: HashSet::new(),
            rows: rows?,
            broken: None,
        },
    };
    loop {
        let rows = sql(SELECT)
            .sql(" WHERE number > ")
            .value(walk.number)
            .sql(" ORDER BY number LIMIT ")
            .value(PIECE)
            .look(store)
            .await?;
        for row in &rows {
            walk.walked.broken = walk.take(store, row).await?;
            if walk.walked.broken.is_some() {
                return Ok(walk.walked);
            }
        }
        if rows.is_empty() {
            return Ok(walk.walked);
        }
    }
}

struct Walk {
    /// As the last anchor has them.
    heads: Heads,
    number: i64,
    seal: Vec<u8>,
    walked: Walked,
}

impl Walk {
    /// Takes in the next anchor; what is wrong there, if anything is.
    async fn take(&mut self, store: &Store, row: &Row) -> Result<Option<String>> {
        let edited = |number: i64| {
            Ok(Some(format!(
                "the anchors in the database do not follow from each other at number {number}: somebody edited them."
            )))
        };
        let next = self.number + 1;
        let Ok(noted) = Noted::from_row(row) else {
            return edited(next);
        };
        let Ok(moved) = serde_json::from_str::<Heads>(&noted.moved) else {
            return edited(next);
        };
        for (workspace, head) in moved.iter() {
            self.heads.insert(workspace, head.clone());
        }
        let follows = noted.number == next
            && noted.seal == noted.seal_after(&self.seal)
            && noted.heads == self.heads.hash();
        if !follows {
            return edited(next);
        }
        self.number = next;
        self.seal = noted.seal;
        let at = super::shown(noted.at);
        if let Some(missing) = log::first_missing(store, &moved).await? {
            let log::Missing {
                workspace,
                position,
                ends,
            } = missing;
            return Ok(Some(if ends < position {
                format!(
                    "at {at} the change log of {workspace} ended at position {position}, and now it ends at {ends}: its newest \
                     rows were lost or cut off."
                )
            } else {
                format!(
                    "position {position} of the change log of {workspace} is not what it was at {at}: history was rewritten."
                )
            }));
        }
        self.walked.holding.insert(noted.heads);
        Ok(None)
    }
}
