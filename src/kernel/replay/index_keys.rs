//! The exact index keys by which records are found are those that follow from the records.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use super::{Findings, PIECE, RECORDS, whole};
use crate::error::Result;
use crate::record::AnyRecord;
use crate::store::{Tx, Value, sql};
use crate::types::id::encode;

/// A sum over index keys that does not depend on their order: two sets of them are told apart without having both in memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sum(u128);

impl Sum {
    pub(super) fn add(&mut self, entity: &str, field: &str, value: &str, record: i64) {
        let mut hash = Sha256::new();
        for text in [entity, field, value] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        }
        hash.update(record.to_be_bytes());
        let half = hash.finalize().into_iter().take(16);
        let number = half.fold(0_u128, |number, byte| (number << 8) | u128::from(byte));
        self.0 = self.0.wrapping_add(number);
    }
}

/// Compares the index keys of a workspace with what follows from its records.
pub(super) async fn compare(
    tx: &mut Tx,
    kinds: &[&'static dyn AnyRecord],
    workspace: i64,
    expected: Sum,
    findings: &mut Findings<'_>,
) -> Result<()> {
    if sum(tx, kinds, workspace).await? == Some(expected) {
        return Ok(());
    }
    for kind in kinds {
        compare_kind(tx, *kind, workspace, findings).await?;
    }
    Ok(())
}

/// The sum over what is in the table; none when a row of it cannot be read.
async fn sum(tx: &mut Tx, kinds: &[&'static dyn AnyRecord], workspace: i64) -> Result<Option<Sum>> {
    let mut sum = Sum::default();
    for kind in kinds {
        let entity = kind.table();
        let mut from: Option<(String, String, i64)> = None;
        loop {
            let mut statement =
                sql("SELECT field, value, record FROM record_key WHERE workspace = ")
                    .value(workspace)
                    .sql(" AND entity = ")
                    .value(entity.to_owned());
            if let Some((field, value, record)) = from.take() {
                statement.push(" AND (field, value, record) > ");
                statement.push_list([Value::Text(field), Value::Text(value), Value::Int(record)]);
            }
            statement.push(" ORDER BY field, value, record LIMIT ");
            statement.push_value(whole(PIECE));
            let rows = statement.rows(tx).await?;
            let is_last = rows.len() < PIECE;
            for row in rows {
                let (Ok(field), Ok(value)) =
                    (row.get::<String>("field"), row.get::<String>("value"))
                else {
                    return Ok(None);
                };
                let record = row.get("record")?;
                sum.add(entity, &field, &value, record);
                from = Some((field, value, record));
            }
            if is_last {
                break;
            }
        }
    }
    Ok(Some(sum))
}

/// Says of which records the index keys are wrong. Reads the whole table for each part of the records, so it is done only where
/// something is known to be wrong.
async fn compare_kind(
    tx: &mut Tx,
    kind: &'static dyn AnyRecord,
    workspace: i64,
    findings: &mut Findings<'_>,
) -> Result<()> {
    let mut after = i64::MIN;
    loop {
        let part = kind
            .standing(tx, workspace, (after, i64::MAX), RECORDS)
            .await?;
        let is_last = part.len() < RECORDS;
        let upto = match part.last() {
            Some(last) if !is_last => last.id,
            _ => i64::MAX,
        };
        let mut expected = BTreeSet::new();
        let mut unknown = BTreeSet::new();
        for standing in part {
            match standing.row {
                Ok(stood) => {
                    for (field, value) in stood.index_keys {
                        expected.insert((standing.id, field.to_owned(), value));
                    }
                }
                // It is named already, and nobody knows its index keys.
                Err(_) => _ = unknown.insert(standing.id),
            }
        }
        let rows = sql("SELECT field, value, record FROM record_key WHERE workspace = ")
            .value(workspace)
            .sql(" AND entity = ")
            .value(kind.table().to_owned())
            .sql(" AND record > ")
            .value(after)
            .sql(" AND record <= ")
            .value(upto)
            .rows(tx)
            .await?;
        let mut wrong: BTreeSet<(i64, String)> = BTreeSet::new();
        for row in rows {
            let record: i64 = row.get("record")?;
            match (row.get::<String>("field"), row.get::<String>("value")) {
                (Ok(field), Ok(value)) => {
                    let term = (record, field, value);
                    if !expected.remove(&term) {
                        wrong.insert((record, term.1));
                    }
                }
                (field, _) => _ = wrong.insert((record, field.unwrap_or_default())),
            }
        }
        wrong.extend(
            expected
                .into_iter()
                .map(|(record, field, _)| (record, field)),
        );
        for (record, field) in wrong {
            if !unknown.contains(&record) {
                let what = "is looked up by other keys than it has";
                findings.add(encode(kind.prefix(), record), Some(&field), what);
            }
        }
        if is_last {
            return Ok(());
        }
        after = upto;
    }
}
