//! What a PostgreSQL server does otherwise than one machine alone does. It is asked once, when the database is opened, and
//! everything that depends on it asks the [`Profile`].
//!
//! On a database whose rows lie on several machines (Citus, see `distribute.rs`) the coordinator plans, and the machine on which
//! a workspace lies does the work. Statements that name one workspace run there as they are. What does not hold there:
//!
//! - settings of a transaction reach the other machine only when asked for, and those of a session never;
//! - `RETURNING` takes no function that asks the server for something;
//! - a recursive query has to name the workspace;
//! - a lock of a table holds on the machine where it was taken, and rows refer to others on theirs;
//! - a commit is done there before it is noted here.
//!
//! All of these fallbacks work on one machine as well, more slowly. A database with the setting `bureau.distributed = on`
//! (`ALTER DATABASE … SET`) takes them, so that tests do not need several machines for all of it.

use sqlx::PgConnection;

use super::postgres::cannot_connect;
use crate::error::{Code, Error, Result};

/// What the server does otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Profile {
    /// The rows lie on several machines, those of a workspace on one.
    pub(crate) is_distributed: bool,
}

impl Profile {
    /// That of the database at the other end.
    ///
    /// # Errors
    /// [`Code::Unavailable`] where that is a worker of a cluster: locks and numbers are the coordinator's.
    pub(crate) async fn of(conn: &mut PgConnection) -> Result<Self> {
        let forced = "SELECT COALESCE(current_setting('bureau.distributed', TRUE), '') = 'on'";
        let is_forced: bool = sqlx::query_scalar(forced)
            .fetch_one(&mut *conn)
            .await
            .map_err(cannot_connect)?;
        if !has_citus(conn).await? {
            return Ok(Self {
                is_distributed: is_forced,
            });
        }
        let is_coordinator =
            "SELECT NOT EXISTS (SELECT FROM pg_dist_local_group WHERE groupid <> 0)";
        let is_distributed = "SELECT EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = to_regclass('change_log'))";
        let mut answers = [false; 2];
        for (answer, question) in answers.iter_mut().zip([is_coordinator, is_distributed]) {
            *answer = sqlx::query_scalar(question)
                .fetch_one(&mut *conn)
                .await
                .map_err(cannot_connect)?;
        }
        let [is_coordinator, is_distributed] = answers;
        if !is_coordinator {
            return Err(Error::new(
                Code::Unavailable,
                "This PostgreSQL server is a worker of a cluster; nothing was changed.",
            )
            .hint("Name the cluster's coordinator."));
        }
        Ok(Self {
            is_distributed: is_distributed || is_forced,
        })
    }
}

/// What makes the settings of a transaction that come in the same text reach the machine where its rows lie. That is given the
/// whole text for each of them, so nothing else stands in it, and above all not what begins the transaction.
pub(crate) const REACHING: &str = "SET LOCAL citus.propagate_set_commands = 'local'";

/// Whether Citus is in this database.
pub(crate) async fn has_citus(conn: &mut PgConnection) -> Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')")
        .fetch_one(conn)
        .await
        .map_err(cannot_connect)
}
