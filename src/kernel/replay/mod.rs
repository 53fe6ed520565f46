//! The change log replayed against the records: what its rows come to is what stands in the tables, field by field.
//!
//! The chain of hashes shows that the log is what it was; this shows that the records are what the log says. Everything is
//! read in one snapshot and in pieces, in the order of the records' identifiers, so memory does not grow with the data.
//!
//! Not in the log, and so not compared: the modules that provisioned a workspace, counters, scheduled work, receipts, open
//! confirmations, and when a key was last used.

mod arranged;
mod history;
mod index_keys;

use std::collections::HashMap;

use serde::Serialize;

use self::arranged::Arranged;
use self::history::History;
use self::index_keys::Sum;
use crate::error::Result;
use crate::record::AnyRecord;
use crate::record::standing::Standing;
use crate::store::log::LogRow;
use crate::store::{Column as _, Scope, Store, Tx, Value, sql};
use crate::types::id::encode;
use crate::types::time::Timestamp;
use crate::watch::Watch;

/// Rows of the log that are read at once.
const PIECE: usize = 2_000;
/// Records that are read at once.
const RECORDS: usize = 1_000;
/// Differences that are named; of more only the number is given.
const NAMED: usize = 100;

/// Something that does not stand in the database as the change log says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The workspace's slug.
    pub workspace: String,
    /// What it is about.
    pub record: String,
    /// The field, where it is one field.
    pub field: Option<String>,
    /// What is wrong, as the end of a sentence about the record or its field.
    pub what: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} in {}: ", self.record, self.workspace)?;
        if let Some(field) = &self.field {
            write!(f, "{field} ")?;
        }
        f.write_str(&self.what)
    }
}

/// What the comparison found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// Rows of the log that were replayed.
    pub rows: u64,
    /// Records that were compared, of every kind.
    pub records: u64,
    /// What differs; of very much the first.
    pub differences: Vec<Difference>,
    /// How much more differs.
    pub more: u64,
}

impl Replayed {
    /// What there is to say of differences, if there are any.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        const SAID: usize = 5;
        if self.differences.is_empty() {
            return None;
        }
        let said = self.differences.iter().take(SAID);
        let mut text: Vec<String> = said.map(ToString::to_string).collect();
        let more = self.differences.len().saturating_sub(SAID) as u64 + self.more;
        if more > 0 {
            text.push(format!("and {more} more"));
        }
        Some(text.join("; "))
    }
}

/// The finding of differences in one workspace.
struct Findings<'a> {
    found: &'a mut Replayed,
    workspace: String,
}

impl Findings<'_> {
    fn add(&mut self, record: impl Into<String>, field: Option<&str>, what: impl Into<String>) {
        if self.found.differences.len() >= NAMED {
            self.found.more += 1;
            return;
        }
        self.found.differences.push(Difference {
            workspace: self.workspace.clone(),
            record: record.into(),
            field: field.map(str::to_owned),
            what: what.into(),
        });
    }
}

/// Replays the whole log. `kinds` are the records that this program knows; rows of the log about others are passed over.
///
/// # Errors
/// [`Code::Unavailable`](crate::error::Code::Unavailable) when the database cannot be read.
pub async fn replay(
    store: &Store,
    kinds: &[&'static dyn AnyRecord],
    watch: &dyn Watch,
) -> Result<Replayed> {
    let mut tx = store.read(Scope::System).await?;
    let outcome = replay_in(&mut tx, kinds, watch).await;
    tx.rollback().await;
    outcome
}

async fn replay_in(
    tx: &mut Tx,
    kinds: &[&'static dyn AnyRecord],
    watch: &dyn Watch,
) -> Result<Replayed> {
    let total: i64 = sql("SELECT COUNT(*) AS count FROM change_log")
        .one("count", tx)
        .await?;
    watch.begin("replaying the change log", u64::try_from(total).ok());
    let mut found = Replayed::default();
    let workspaces = sql("SELECT id, slug FROM workspace ORDER BY id")
        .rows(tx)
        .await?;
    for row in workspaces {
        let id: i64 = row.get("id")?;
        let findings = Findings {
            found: &mut found,
            // A slug that cannot be read is found with the workspace itself.
            workspace: row.get("slug").unwrap_or_else(|_| encode("wsp", id)),
        };
        let mut replay = Replay {
            kinds,
            workspace: id,
            findings,
            arranged: Arranged::default(),
            expected: Sum::default(),
        };
        replay.run(tx, watch).await?;
        replay
            .arranged
            .compare(tx, id, &mut replay.findings)
            .await?;
        let expected = replay.expected;
        index_keys::compare(tx, kinds, id, expected, &mut replay.findings).await?;
    }
    arranged::keys_beside(tx, &mut found).await?;
    Ok(found)
}

struct Replay<'a> {
    kinds: &'a [&'static dyn AnyRecord],
    workspace: i64,
    findings: Findings<'a>,
    arranged: Arranged,
    expected: Sum,
}

impl Replay<'_> {
    /// Goes along the log by record, and beside it along every kind of record.
    async fn run(&mut self, tx: &mut Tx, watch: &dyn Watch) -> Result<()> {
        let mut from = None;
        // Of the last record of a piece there may be more rows in the next one.
        let mut rows: Vec<Placed> = Vec::new();
        let mut after = i64::MIN;
        loop {
            let piece = self.piece(tx, from).await?;
            let is_last = piece.read < PIECE;
            watch.advance(piece.read as u64);
            self.findings.found.rows += piece.read as u64;
            from = piece.end;
            rows.extend(piece.rows);
            let (whole, upto) = match rows.last() {
                Some(last) if !is_last => {
                    let open = last.row.record;
                    let whole = rows.partition_point(|placed| placed.row.record < open);
                    (whole, open.saturating_sub(1))
                }
                _ => (rows.len(), i64::MAX),
            };
            let rest = rows.split_off(whole);
            let histories = self.fold(std::mem::replace(&mut rows, rest));
            if upto > after {
                self.compare(tx, histories, (after, upto)).await?;
                after = upto;
            }
            if is_last {
                return Ok(());
            }
        }
    }

    async fn piece(&mut self, tx: &mut Tx, from: Option<Place>) -> Result<Piece> {
        let mut statement = sql("SELECT position, ");
        statement.push(LogRow::COLUMNS);
        statement.push(" FROM change_log WHERE workspace = ");
        statement.push_value(Value::Int(self.workspace));
        if let Some((record, at, id)) = from {
            statement.push(" AND (record, at, id) > ");
            statement.push_list([Value::Int(record), at.to_value(), Value::Int(id)]);
        }
        statement.push(" ORDER BY record, at, id LIMIT ");
        statement.push_value(whole(PIECE));
        let rows = statement.rows(tx).await?;
        let mut piece = Piece {
            rows: Vec::with_capacity(rows.len()),
            read: rows.len(),
            end: None,
        };
        for row in rows {
            let id: i64 = row.get("id")?;
            piece.end = Some((row.get("record")?, row.get("at")?, id));
            match (row.get("position"), LogRow::from_row(&row)) {
                (Ok(position), Ok(row)) => piece.rows.push(Placed { position, row }),
                _ => {
                    let name = format!("row {id} of the change log");
                    self.findings.add(name, None, "cannot be read");
                }
            }
        }
        Ok(piece)
    }

    /// What the rows of whole records come to. What the owner arranges is put by until all of it is there.
    fn fold(&mut self, rows: Vec<Placed>) -> HashMap<(String, i64), History> {
        let mut by_record: HashMap<(String, i64), Vec<Placed>> = HashMap::new();
        for placed in rows {
            if arranged::is_arranged(&placed.row.entity) {
                self.arranged.add(placed);
                continue;
            }
            let key = (placed.row.entity.clone(), placed.row.record);
            by_record.entry(key).or_default().push(placed);
        }
        by_record
            .into_iter()
            .map(|(key, rows)| (key, History::of(rows)))
            .collect()
    }

    async fn compare(
        &mut self,
        tx: &mut Tx,
        mut histories: HashMap<(String, i64), History>,
        (after, upto): (i64, i64),
    ) -> Result<()> {
        for kind in self.kinds {
            let mut from = after;
            loop {
                let part = kind
                    .standing(tx, self.workspace, (from, upto), RECORDS)
                    .await?;
                let is_last = part.len() < RECORDS;
                from = part.last().map_or(upto, |last| last.id);
                for standing in part {
                    let history = histories.remove(&(kind.table().to_owned(), standing.id));
                    self.compare_one(*kind, standing, history);
                }
                if is_last {
                    break;
                }
            }
        }
        let mut left: Vec<_> = histories.into_iter().collect();
        left.sort_by_key(|((_, id), _)| *id);
        for ((entity, id), history) in left {
            let kind = self.kinds.iter().find(|kind| kind.table() == entity);
            if let Some(kind) = kind.filter(|_| !history.purged) {
                let record = encode(kind.prefix(), id);
                self.findings.add(
                    record,
                    None,
                    "is not there, and the change log does not say that it was erased",
                );
            }
        }
        Ok(())
    }

    fn compare_one(
        &mut self,
        kind: &'static dyn AnyRecord,
        standing: Standing,
        history: Option<History>,
    ) {
        self.findings.found.records += 1;
        let record = encode(kind.prefix(), standing.id);
        let stood = match standing.row {
            Ok(stood) => stood,
            Err(column) => {
                return self.findings.add(
                    record,
                    Some(column),
                    "cannot be read: the row is damaged",
                );
            }
        };
        for (field, value) in &stood.index_keys {
            self.expected.add(kind.table(), field, value, standing.id);
        }
        for column in &stood.not_derived {
            self.findings.add(
                &record,
                Some(column),
                "is not what follows from the other fields",
            );
        }
        let Some(history) = history else {
            return self.findings.add(
                record,
                None,
                "is there, and the change log knows nothing of it",
            );
        };
        if history.purged {
            return self.findings.add(
                record,
                None,
                "is there, and the change log says that it was erased",
            );
        }
        if let Some(what) = &history.wrong {
            return self.findings.add(record, None, what.clone());
        }
        let heads = [
            ("version", history.version == stood.version),
            ("created_at", history.created_at == Some(stood.created_at)),
            ("created_by", history.created_by == stood.created_by),
            ("updated_at", history.updated_at == Some(stood.updated_at)),
            ("archived_at", history.archived_at == stood.archived_at),
        ];
        for (field, is_same) in heads {
            if !is_same {
                self.findings.add(&record, Some(field), DIFFERS);
            }
        }
        for field in history::differing(&history.content, &stood.content) {
            self.findings.add(&record, Some(&field), DIFFERS);
        }
    }
}

fn whole(number: usize) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// What is said of a field that somebody changed past the log.
const DIFFERS: &str = "is not what the change log comes to";

/// Where a row of the log stands in the order of records.
type Place = (i64, Timestamp, i64);

/// Rows of the log that were read at once.
struct Piece {
    rows: Vec<Placed>,
    /// How many there were, with those that cannot be read.
    read: usize,
    end: Option<Place>,
}

/// A row of the log with its place in the chain; on PostgreSQL it may still wait for one.
struct Placed {
    position: Option<i64>,
    row: LogRow,
}
