//! Confirmations: what a person is asked, and the token of a question that was answered with yes.

use sha2::{Digest as _, Sha256};

use super::options::{Request, Word};
use super::{CONFIRMATION_S, Outcome};
use crate::caller::{Caller, ConfirmPolicy};
use crate::error::{Code, Error, Result};
use crate::record::summary::Summary;
use crate::store::{Store, Tx, sql};
use crate::tool::Entry;

/// Whether a person has to agree before what a call did is kept. What it did decides: what it deleted, erased or made
/// final. A tool that is there to remove or to send is asked about also where it did nothing.
pub(super) fn is_wanted(policy: ConfirmPolicy, entry: &Entry, summary: &Summary) -> bool {
    match policy {
        ConfirmPolicy::Never => false,
        ConfirmPolicy::Destructive => entry.spec.effect.is_destructive() || summary.is_grave(),
        ConfirmPolicy::Writes => entry.spec.effect.is_destructive() || !summary.is_empty(),
    }
}

/// Asks whether a call shall be done that was tried and forgotten. The answer counts for this caller, this request and what
/// the call did to these versions of the records; where it was asked before, that question is void.
///
/// # Errors
/// [`Code::ConfirmationRequired`] with the token where no person can be asked through the client.
pub(super) async fn ask(
    store: &Store,
    caller: &Caller,
    entry: &Entry,
    request: &Request,
    summary: &mut Summary,
) -> Result<Outcome> {
    let token = data_encoding::BASE64URL_NOPAD.encode(&rand::random::<[u8; 24]>());
    let mut tx = store.write(super::scope(caller)).await?;
    let stored = keep(&mut tx, caller, request, &token, request.shown(summary)).await;
    tx.end(stored).await?;
    let will = format!("{} will {}.", entry.spec.title, summary.words());
    let message = match request.word {
        Word::Token(_) => format!("What this does has changed since the question. Now: {will}"),
        Word::None | Word::Given => will,
    };
    if request.can_ask {
        return Ok(Outcome::Ask { message, token });
    }
    Err(Error::new(Code::ConfirmationRequired, format!("{message} It was not done yet."))
        .field("confirm")
        .hint(format!(
            "If that is meant, call again with confirm: true, or with the confirm_token within {CONFIRMATION_S} s."
        ))
        .detail("summary", message.as_str())
        .detail("confirm_token", token))
}

async fn keep(
    tx: &mut Tx,
    caller: &Caller,
    request: &Request,
    token: &str,
    shown: Vec<u8>,
) -> Result<()> {
    let mut statement = sql("DELETE FROM confirmation WHERE workspace = ")
        .value(caller.workspace.id)
        .sql(" AND (expires_at < ")
        .value(tx.now());
    if let Word::Token(old) = &request.word {
        statement = statement
            .sql(" OR token = ")
            .value(Sha256::digest(old).to_vec());
    }
    statement.sql(")").run(tx).await?;
    sql("INSERT INTO confirmation (token, workspace, actor, request, shown, expires_at) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(Sha256::digest(token).to_vec())
        .bind(caller.workspace.id)
        .bind(caller.actor())
        .bind(request.digest.clone())
        .bind(shown)
        .bind(tx.now() + chrono::Duration::seconds(CONFIRMATION_S))
        .run(tx)
        .await?;
    Ok(())
}

/// Takes the token out of the table in the write's own transaction: of two calls with it, one finds it. Answers the digest
/// of what was shown with the question.
///
/// # Errors
/// [`Code::Validation`] naming `confirm_token`.
pub(super) async fn redeem(
    tx: &mut Tx,
    caller: &Caller,
    request: &Request,
    token: &str,
) -> Result<Vec<u8>> {
    let row = sql("DELETE FROM confirmation WHERE token = ")
        .value(Sha256::digest(token).to_vec())
        .sql(" AND workspace = ")
        .value(caller.workspace.id)
        .sql(" AND actor = ")
        .value(caller.actor())
        .sql(" AND request = ")
        .value(request.digest.clone())
        .sql(" AND expires_at > ")
        .value(tx.now())
        // One that lives longer than any does was made before the clock was set back.
        .sql(" AND expires_at <= ")
        .value(tx.now() + chrono::Duration::seconds(CONFIRMATION_S))
        .sql(" RETURNING shown")
        .row(tx)
        .await?;
    match row {
        Some(row) => row.get("shown"),
        None => Err(Error::invalid(
            "confirm_token",
            "This confirmation is used, expired, or belongs to another call.",
        )
        .hint("Call without it to get a new one; nothing was written.")),
    }
}
