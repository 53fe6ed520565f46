//! Migrations: whole, in order, per engine, embedded in the program.

use std::sync::LazyLock;

use include_dir::{Dir, File, include_dir};
use sqlx::SqlSafeStr as _;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use super::fault;
use crate::error::{Code, Error, Result};

// Not by sqlx's own macro, for which all of sqlx with SQLite in it is compiled a second time.
static SQLITE_FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../migrations/sqlite");
static POSTGRES_FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../migrations/postgres");

pub(crate) static SQLITE: LazyLock<Migrator> = LazyLock::new(|| embedded(&SQLITE_FILES));
pub(crate) static POSTGRES: LazyLock<Migrator> = LazyLock::new(|| embedded(&POSTGRES_FILES));

/// The migrations of a folder.
fn embedded(folder: &'static Dir<'static>) -> Migrator {
    Migrator::with_migrations(folder.files().filter_map(migration).collect())
}

/// The migration in a file, named like `0002_company.sql`.
fn migration(file: &'static File<'static>) -> Option<Migration> {
    let (version, rest) = file.path().to_str()?.split_once('_')?;
    Some(Migration::new(
        version.parse().ok()?,
        rest.strip_suffix(".sql")?.replace('_', " ").into(),
        MigrationType::Simple,
        file.contents_utf8()?.into_sql_str(),
        false,
    ))
}

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

    #[test]
    fn every_file_is_a_migration_and_both_engines_have_the_same() {
        let of = |migrator: &Migrator, files: &Dir<'_>| {
            let all: Vec<_> = migrator
                .iter()
                .map(|one| (one.version, one.description.to_string()))
                .collect();
            assert_eq!(all.len(), files.files().count());
            assert!(all.is_sorted_by_key(|(version, _)| *version));
            all
        };
        let sqlite = of(&SQLITE, &SQLITE_FILES);
        assert_eq!(sqlite.first(), Some(&(1, "kernel".to_owned())));
        assert_eq!(sqlite, of(&POSTGRES, &POSTGRES_FILES));
    }

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
