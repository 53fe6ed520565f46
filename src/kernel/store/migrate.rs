//! Migrations: whole, in order, per engine, embedded in the program.

use sqlx::migrate::{MigrateError, Migrator};

use super::fault;
use crate::error::{Code, Error, Result};

pub(super) static SQLITE: Migrator = sqlx::migrate!("../../migrations/sqlite");
pub(super) static POSTGRES: Migrator = sqlx::migrate!("../../migrations/postgres");

/// The newest version that this program knows.
pub(super) fn latest(migrator: &Migrator) -> i64 {
    migrator
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0)
}

/// What stands between a database at `found` and this program.
pub(super) fn check(found: i64, migrator: &Migrator, read_only: bool) -> Result<bool> {
    let latest = latest(migrator);
    if found > latest {
        return Err(Error::new(
            Code::Unavailable,
            format!("The database is newer ({found}) than this program ({latest})."),
        )
        .hint("Start the newer Bureau that made it; nothing was changed."));
    }
    if found < latest && read_only {
        return Err(Error::new(
            Code::Unavailable,
            format!("The database ({found}) is older than this program ({latest}) and --read-only forbids to migrate it."),
        )
        .hint("Start Bureau once without --read-only."));
    }
    Ok(found < latest)
}

pub(super) fn fault(error: MigrateError) -> Error {
    let cause = match &error {
        MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _) => Some(cause),
        _ => None,
    };
    if cause.is_some_and(fault::is_full) {
        return Error::new(Code::Unavailable, "There is no room: the disk is full.")
            .hint("Free space and try again; nothing was changed.")
            .cause(error);
    }
    let code = cause
        .and_then(sqlx::Error::as_database_error)
        .and_then(sqlx::error::DatabaseError::code);
    // Lack of resources, of files of its own, and faults of its own.
    if code.is_some_and(|code| {
        ["53", "58", "XX"]
            .iter()
            .any(|class| code.starts_with(class) && code.len() == 5)
    }) {
        return Error::new(
            Code::Unavailable,
            "The PostgreSQL server failed at making the tables; its own log says why.",
        )
        .hint("Nothing was changed. Mend the server and try again.")
        .cause(error);
    }
    if let MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _) = &error
        && let Some(said) = fault::outside(cause)
    {
        return Error::new(Code::Unavailable, said.0)
            .hint(said.1)
            .cause(error);
    }
    if let MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _) = &error
        && cause
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code)
            .as_deref()
            == Some("42501")
    {
        return Error::new(Code::Unavailable, "The PostgreSQL server does not let this user set Bureau up.")
            .hint("Connect as the database's owner with CREATEROLE, or have an administrator run: CREATE ROLE bureau_app NOLOGIN; GRANT bureau_app TO the user.")
            .cause(error);
    }
    let message = match &error {
        MigrateError::VersionMismatch(version) => {
            format!("Migration {version} of this database is not this program's.")
        }
        MigrateError::VersionMissing(version) => {
            format!("This database has migration {version}, which this program lacks.")
        }
        MigrateError::Dirty(version) => format!("Migration {version} was cut off half-way."),
        _ => "The database could not be migrated; it is as it was.".to_owned(),
    };
    Error::new(Code::Unavailable, message)
        .hint("Start the Bureau that last used it, or restore the copy that was made before the migration.")
        .cause(error)
}

#[cfg(test)]
mod tests {
    use sqlx::ConnectOptions as _;
    use sqlx::sqlite::SqliteConnectOptions;

    use super::*;

    #[tokio::test]
    async fn a_disk_that_is_full_is_said_to_be_full() {
        let options = SqliteConnectOptions::new().in_memory(true);
        let mut conn = options
            .pragma("max_page_count", "3")
            .connect()
            .await
            .unwrap();
        let full = SQLITE.run_direct(None, &mut conn, false).await.unwrap_err();
        let error = super::fault(full);
        assert!(error.message().contains("the disk is full"), "{error:?}");
    }
}
