//! What an engine says, in Bureau's words.

use std::sync::Arc;

use sqlx::error::{DatabaseError, ErrorKind};
use sqlx::postgres::PgDatabaseError;

use super::in_place::SqliteFault;
use crate::error::{Code, Error, UNKNOWN};

/// SQLite's primary result codes (<https://sqlite.org/rescode.html>).
const SQLITE_BUSY: i64 = 5;
const SQLITE_LOCKED: i64 = 6;
const SQLITE_NOMEM: i64 = 7;
const SQLITE_READONLY: i64 = 8;
const SQLITE_IOERR: i64 = 10;
const SQLITE_CORRUPT: i64 = 11;
const SQLITE_FULL: i64 = 13;
const SQLITE_CANTOPEN: i64 = 14;
const SQLITE_PROTOCOL: i64 = 15;
const SQLITE_NOTADB: i64 = 26;

/// Whether another process holds the database's write lock.
pub(crate) fn is_busy(error: &sqlx::Error) -> bool {
    matches!(sqlite_code(error), Some(SQLITE_BUSY | SQLITE_LOCKED))
}

/// Whether the connection to the server is gone.
pub(crate) fn is_cut(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => true,
        // Ended by an administrator, a crash or a shutdown; other conditions of a connection.
        sqlx::Error::Database(database) => database.code().is_some_and(|code| {
            matches!(&*code, "57P01" | "57P02" | "57P03" | "57P05" | "25P03")
                || code.starts_with("08")
        }),
        _ => false,
    }
}

/// Whether the server's certificate is not trusted: TLS says why in the cause.
pub(super) fn is_untrusted(error: &sqlx::Error) -> bool {
    let cause: Option<&dyn std::error::Error> = match error {
        sqlx::Error::Io(error) => Some(error),
        sqlx::Error::Tls(error) => Some(error.as_ref()),
        _ => None,
    };
    cause.is_some_and(|cause| cause.to_string().contains("certificate"))
}

/// Whether the server speaks no TLS, or not as it should.
pub(super) fn is_not_encrypted(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Tls(_) => true,
        sqlx::Error::Io(error) => error.kind() == std::io::ErrorKind::InvalidData,
        _ => false,
    }
}

/// Whether the answer to a commit may have been lost on its way, so that nobody knows what became of it.
pub(crate) fn is_unanswered(error: &sqlx::Error) -> bool {
    is_cut(error)
        || matches!(error, sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed)
        // Ended while it waited for its replicas.
        || error.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref() == Some("57014")
}

/// Whether a replica could not keep what a read still saw, because the server it follows has tidied it away.
pub(super) fn is_taken_away(error: &sqlx::Error) -> bool {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    code.as_deref() == Some("40001")
}

/// Whether PostgreSQL was asked about a transaction that it has not begun yet.
pub(crate) fn is_in_the_future(error: &sqlx::Error) -> bool {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    code.as_deref() == Some("22023")
}

/// What to say when nobody knows whether a commit came through.
pub(crate) fn unknown(error: sqlx::Error) -> Error {
    unavailable(
        "The database did not say whether this was written: it may be, or it may not.",
        error,
    )
    .hint(UNKNOWN)
    .detail("written", "unknown")
    .retry_after(5)
}

/// Whether the disk has no more room.
pub(crate) fn is_full(error: &sqlx::Error) -> bool {
    let is_out_of_space = |error: &std::io::Error| error.kind() == std::io::ErrorKind::StorageFull;
    matches!(sqlite_code(error), Some(SQLITE_FULL))
        || matches!(error, sqlx::Error::Io(error) if is_out_of_space(error))
}

/// Whether the disk failed to read or write.
pub(crate) fn is_disk(error: &sqlx::Error) -> bool {
    matches!(sqlite_code(error), Some(SQLITE_IOERR))
}

/// What to say of a fault that lies outside of the database that was to be set up, and what to do about it.
pub(crate) fn outside(error: &sqlx::Error) -> Option<(String, &'static str)> {
    if is_full(error) {
        let what = "The disk is full; nothing was changed.";
        return Some((what.to_owned(), "Free space and try again."));
    }
    if is_disk(error) {
        let what = "The disk failed or has no room; nothing was changed.";
        return Some((what.to_owned(), "Look at its health and space."));
    }
    let database = error.as_database_error()?;
    let code = database.code()?;
    // Resources, an operator, the system, a part of the server that is broken or missing.
    let is_outside = ["53", "57", "58", "F0", "XX"]
        .iter()
        .any(|class| code.starts_with(class));
    (sqlite_code(error).is_none() && is_outside).then(|| {
        let what = format!("The PostgreSQL server cannot do what it takes: {}.", database.message());
        (what, "Its installation or its disk is at fault, and its own log says more; nothing was changed.")
    })
}

/// Whether the file is no whole database.
pub(crate) fn is_damaged(error: &sqlx::Error) -> bool {
    matches!(sqlite_code(error), Some(SQLITE_CORRUPT | SQLITE_NOTADB))
}

/// Whether SQLite may have rolled back the whole transaction, and not only the statement that failed
/// (<https://sqlite.org/lang_transaction.html>).
pub(crate) fn ends_transaction(error: &sqlx::Error) -> bool {
    matches!(
        sqlite_code(error),
        Some(SQLITE_NOMEM | SQLITE_IOERR | SQLITE_FULL)
    )
}

/// Whether a commit that ended so may have left all of itself on the disk. Not where a write failed or fell short: then its
/// last page is not whole, and does not count.
pub(crate) fn may_be_on_disk(error: &sqlx::Error) -> bool {
    const SQLITE_IOERR_WRITE: i64 = SQLITE_IOERR | (3 << 8);
    is_disk(error) && extended_code(error) != Some(SQLITE_IOERR_WRITE)
}

pub(super) fn sqlite_code(error: &sqlx::Error) -> Option<i64> {
    extended_code(error).map(|extended| extended & 0xff)
}

fn extended_code(error: &sqlx::Error) -> Option<i64> {
    let database = match error {
        // One fault that is told to everyone whose write was in the transaction.
        sqlx::Error::Io(io) => io
            .get_ref()?
            .downcast_ref::<Arc<sqlx::Error>>()?
            .as_database_error()?,
        error => error.as_database_error()?,
    };
    let is_sqlite = database.try_downcast_ref::<SqliteFault>().is_some()
        || database
            .try_downcast_ref::<sqlx::sqlite::SqliteError>()
            .is_some();
    is_sqlite.then(|| database.code()?.parse().ok())?
}

fn unavailable(message: &str, error: sqlx::Error) -> Error {
    Error::new(Code::Unavailable, message).cause(error)
}

/// Translates an engine's error for the caller; the cause stays for the log.
pub(crate) fn translate(error: sqlx::Error) -> Error {
    match sqlite_code(&error) {
        Some(SQLITE_BUSY | SQLITE_LOCKED | SQLITE_PROTOCOL) => {
            return unavailable(
                "The database is busy; nothing was written. Try again.",
                error,
            )
            .retry_after(1);
        }
        Some(SQLITE_READONLY) => {
            return unavailable(
                "The database file is not writable; nothing was written.",
                error,
            );
        }
        Some(SQLITE_FULL) => {
            return unavailable(
                "The disk is full; nothing was written. Free space and try again.",
                error,
            );
        }
        Some(SQLITE_IOERR) => {
            return unavailable(
                "The disk failed; nothing was written. Look at its health and space.",
                error,
            )
            .retry_after(5);
        }
        // A page that could not be read while a connection was being made is told so too.
        Some(SQLITE_CORRUPT | SQLITE_NOTADB) => {
            return unavailable(
                "The database cannot be read as it was written: its disk fails, or its file is damaged; nothing was written.",
                error,
            )
            .hint("If it stays so, run bureau doctor: it says whether a backup has to be restored.")
            .retry_after(5);
        }
        Some(SQLITE_CANTOPEN) => {
            return unavailable(
                "The database's files cannot be opened now; nothing was written. Try again.",
                error,
            )
            .hint("If it stays so: too many files are open (ulimit -n), or its folder is not writable.")
            .retry_after(2);
        }
        _ => {}
    }
    match &error {
        sqlx::Error::PoolTimedOut => unavailable(
            "The database has more to do than it can; nothing was written. Try again.",
            error,
        )
        .retry_after(1),
        _ if is_untrusted(&error) => unavailable(
            "The database shows a certificate that is not trusted; nothing was written.",
            error,
        )
        .hint("Whoever runs the server has to look: another one may answer in its place, or its certificate was changed.")
        .retry_after(30),
        _ if is_not_encrypted(&error) => unavailable(
            "The database offers no encrypted connection; nothing was written.",
            error,
        )
        .retry_after(30),
        sqlx::Error::Io(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => unavailable(
            "The database does not answer; nothing was written. Try again.",
            error,
        )
        .retry_after(2),
        sqlx::Error::Database(database) => match database.kind() {
            ErrorKind::UniqueViolation => twice(database.as_ref()).cause(error),
            ErrorKind::ForeignKeyViolation => Error::new(
                Code::Validation,
                "This refers to something that does not exist here, or is referred to.",
            )
            .cause(error),
            // https://www.postgresql.org/docs/current/errcodes-appendix.html
            _ => match database.code().as_deref() {
                Some("55P03") => unavailable(
                    "Another call holds what this one needs; nothing was written. Try again.",
                    error,
                )
                .retry_after(2),
                Some("57014") => unavailable(
                    "This took longer than a call may; nothing was written.",
                    error,
                )
                .hint("Ask for less at once, or try again later.")
                .retry_after(5),
                Some("53300") => unavailable(
                    "The database has no connection left; nothing was written. Try again.",
                    error,
                )
                .hint("If it stays so: let the server take more (max_connections), or give Bureau fewer (--connections).")
                .retry_after(2),
                Some("53100") => {
                    unavailable("The database's disk is full; nothing was written.", error)
                        .retry_after(30)
                }
                Some("25006") => Error::new(
                    Code::ReadOnly,
                    "This database only reads; nothing was written.",
                )
                .cause(error),
                Some("40001" | "40P01") => {
                    unavailable("Two writes met; nothing was written. Try again.", error)
                        .retry_after(1)
                        .clash()
                }
                Some(code)
                    if code.starts_with("53")
                        || code.starts_with("57")
                        || code.starts_with("58")
                        || code.starts_with("08")
                        || code == "25P03" =>
                {
                    unavailable(
                        "The database does not take this now; nothing was written. Try again.",
                        error,
                    )
                    .retry_after(2)
                }
                _ => Error::internal(error),
            },
        },
        _ => Error::internal(error),
    }
}

/// What is said where a rule allows one row only. Both engines name the columns, each in its own words.
fn twice(database: &dyn DatabaseError) -> Error {
    let (table, columns) = match database.try_downcast_ref::<PgDatabaseError>() {
        Some(postgres) => {
            let columns = postgres.detail().and_then(|said| {
                let (_, after) = said.split_once("Key (")?;
                after.split_once(')').map(|(columns, _)| columns)
            });
            let table = postgres.table().unwrap_or_default().to_owned();
            (table, columns.unwrap_or_default().to_owned())
        }
        None => {
            let (_, columns) = database.message().split_once(": ").unwrap_or_default();
            let table = columns.split_once('.').map_or("", |(table, _)| table);
            (table.to_owned(), columns.replace(&format!("{table}."), ""))
        }
    };
    said_twice(&table, &columns)
}

fn said_twice(table: &str, columns: &str) -> Error {
    let own = columns.split(", ").filter(|column| *column != "workspace");
    let own: Vec<&str> = own.filter(|column| !column.is_empty()).collect();
    let (Some(last), false) = (own.last(), table.is_empty()) else {
        return Error::conflict("This is there already.");
    };
    let noun = table.replace('_', " ");
    let message = format!("Another {noun} has the same {}.", own.join(" and "));
    Error::conflict(message).field(*last).hint(format!(
        "Nothing was changed. Look for that {noun}, and change or delete it first."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_already_is_named() {
        let error = said_twice("invoice", "workspace, source");
        assert_eq!(error.field_name(), Some("source"));
        assert_eq!(error.message(), "Another invoice has the same source.");
        let error = said_twice("recurring_invoice", "workspace, recurring, recurring_on");
        let message = error.message();
        assert!(message.contains("recurring invoice has the same recurring and recurring_on"));
        assert_eq!(said_twice("", "").message(), "This is there already.");
    }

    #[test]
    fn a_server_that_cannot_be_trusted_is_not_said_to_be_silent() {
        let io = |kind, said: &'static str| sqlx::Error::Io(std::io::Error::new(kind, said));
        let said = |error| translate(error).message().to_owned();
        let invalid = std::io::ErrorKind::InvalidData;
        let certificate = said(io(invalid, "invalid peer certificate: UnknownIssuer"));
        assert!(
            certificate.contains("certificate that is not trusted"),
            "{certificate}"
        );
        for plain in [
            io(
                invalid,
                "received corrupt message of type InvalidContentType",
            ),
            sqlx::Error::Tls("server does not support TLS".into()),
        ] {
            let plain = said(plain);
            assert!(plain.contains("no encrypted connection"), "{plain}");
        }
        let silent = said(io(std::io::ErrorKind::ConnectionRefused, "refused"));
        assert!(silent.contains("does not answer"), "{silent}");
    }
}
