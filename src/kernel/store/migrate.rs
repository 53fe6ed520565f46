//! Migrations: whole, in order, per engine, embedded in the program.

use sqlx::migrate::{MigrateError, Migrator};

use super::fault;
use crate::error::{Code, Error, Result};

pub(crate) static SQLITE: Migrator = sqlx::migrate!("../../migrations/sqlite");
pub(crate) static POSTGRES: Migrator = sqlx::migrate!("../../migrations/postgres");

/// The newest version that this program knows.
pub(crate) fn latest(migrator: &Migrator) -> i64 {
    migrator
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or(0)
}

/// What stands between a database at `found` and this program.
pub(crate) fn check(found: i64, migrator: &Migrator, read_only: bool) -> Result<bool> {
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

pub(crate) fn fault(error: MigrateError) -> Error {
    if let MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _) = &error {
        if let Some((message, hint)) = fault::outside(cause) {
            return Error::new(Code::Unavailable, message)
                .hint(hint)
                .cause(error);
        }
        let code = cause
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code);
        if code.as_deref() == Some("42501") {
            return Error::new(Code::Unavailable, "The PostgreSQL server does not let this user set Bureau up.")
                .hint("Connect as the database's owner with CREATEROLE, or have an administrator run: CREATE ROLE bureau_app NOLOGIN; GRANT bureau_app TO the user.")
                .cause(error);
        }
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
        assert!(error.message().contains("disk is full"), "{error:?}");
    }
}
