//! Receipts: the answer that a call with an idempotency key got, for whoever repeats the call.

use serde_json::Value;

use super::RECEIPT_H;
use super::options::Request;
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::store::clock::{self, Reading};
use crate::store::{Tx, sql};
use crate::types::time::Timestamp;

/// The moment from which on receipts count; older ones are deleted with the next new one. A clock that cannot be right makes
/// none of them old.
fn receipts_from(now: &Reading) -> Timestamp {
    now.trusted() - chrono::Duration::hours(RECEIPT_H)
}

/// The answer that this call got already.
///
/// # Errors
/// [`Code::Conflict`](crate::error::Code::Conflict) when its key was used for another call.
pub(super) async fn find(tx: &mut Tx, caller: &Caller, request: &Request) -> Result<Option<Value>> {
    let Some(key) = request.receipt_key() else {
        return Ok(None);
    };
    let from = receipts_from(&clock::read(tx).await?);
    let row = sql("SELECT request, answer FROM receipt WHERE workspace = ")
        .value(caller.workspace.id)
        .sql(" AND actor = ")
        .value(caller.actor())
        .sql(" AND key = ")
        .value(key.to_owned())
        .sql(" AND created_at >= ")
        .value(from)
        .row(tx)
        .await?;
    let Some(row) = row else { return Ok(None) };
    if row.get::<Vec<u8>>("request")? != request.digest {
        return Err(
            Error::conflict("This idempotency key was used for another call.")
                .field("idempotency_key")
                .hint("Use a new key for a new call; nothing was written."),
        );
    }
    serde_json::from_str(&row.get::<String>("answer")?)
        .map(Some)
        .map_err(Error::internal)
}

/// The same in the transaction of the write. Of two calls with one key at the same moment the second waits for the first.
///
/// # Errors
/// As [`find`].
pub(super) async fn find_or_wait(
    tx: &mut Tx,
    caller: &Caller,
    request: &Request,
) -> Result<Option<Value>> {
    let Some(key) = request.receipt_key() else {
        return Ok(None);
    };
    tx.serialize(&format!("receipt {} {key}", caller.actor()))
        .await?;
    find(tx, caller, request).await
}

/// Keeps the answer, in the transaction of what it is the answer to.
pub(super) async fn keep(
    tx: &mut Tx,
    caller: &Caller,
    request: &Request,
    answer: &Value,
) -> Result<()> {
    let Some(key) = request.receipt_key() else {
        return Ok(());
    };
    let reading = clock::read(tx).await?;
    sql("DELETE FROM receipt WHERE workspace = ")
        .value(caller.workspace.id)
        .sql(" AND created_at < ")
        .value(receipts_from(&reading))
        .run(tx)
        .await?;
    sql("INSERT INTO receipt (workspace, actor, key, request, answer, created_at) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(caller.workspace.id)
        .bind(caller.actor())
        .bind(key.to_owned())
        .bind(request.digest.clone())
        .bind(answer.to_string())
        .bind(reading.trusted())
        .run(tx)
        .await?;
    Ok(())
}
