//! Spreading the rows over the workers of a Citus cluster: those of a workspace on one of them, with everything that a call
//! for it needs.
//!
//! All of it happens in one transaction: the database is as it was, or distributed. Foreign keys are taken away first and put back last,
//! because Citus moves one table after the other and none may refer to one that it cannot reach; putting them back checks
//! every row.

use serde::Serialize;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::postgres::{alone, connect};
use super::profile::{Profile, has_citus};
use super::{Database, OpenOptions, Store, fault};
use crate::error::{Code, Error, Result};
use crate::watch::Watch;

/// The table that all others lie with.
const LOG: &str = "change_log";
/// Tables that every machine has a copy of. Whose key it is is looked up before anybody knows for which workspace, so keys and
/// what they open lie in one place for the coordinator too; what these refer to has to lie wherever they do.
pub(crate) const EVERYWHERE: [&str; 4] = ["workspace", "member", "api_key", "api_key_grant"];
/// It has a row for each workspace, but whoever follows the logs asks for those of all at once.
const HERE: &str = "log_head";

/// Where the rows are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Distributed {
    /// Machines that rows lie on.
    pub workers: i64,
    /// Tables whose rows lie with their workspace, by name.
    pub by_workspace: Vec<String>,
    /// Tables that every machine has a copy of, by name.
    pub everywhere: Vec<String>,
    /// Which of these were moved now.
    pub moved: Vec<String>,
}

fn unavailable(message: impl Into<String>, hint: impl Into<String>) -> Error {
    Error::new(Code::Unavailable, message).hint(hint)
}

/// Distributes the tables that are not distributed yet, after the migrations. Tables that somebody else keeps in the database stay
/// as they are.
///
/// # Errors
/// [`Code::Validation`] for a file; [`Code::Unavailable`] where the server has no Citus or no workers, or where other processes
/// of Bureau are connected: nothing was moved then. Where workers do not let calls in, the rows are moved and this is said.
pub async fn distribute(database: &Database, watch: &dyn Watch) -> Result<Distributed> {
    let Database::Postgres(url) = database else {
        return Err(Error::invalid(
            "database",
            "A SQLite file lies on one machine and cannot be distributed.",
        )
        .hint("Make a backup, restore it into a PostgreSQL database with Citus, and name that."));
    };
    let mut conn = connect(url).await?;
    let workers = workers(&mut conn).await?;
    Store::open(&OpenOptions::new(database.clone()))
        .await?
        .close()
        .await;
    alone(
        &mut conn,
        "Stop every server and client on it, then distribute it.",
    )
    .await?;
    // Dropped on any error, the connection takes the transaction with it.
    run(
        &mut conn,
        "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;
         SET LOCAL lock_timeout = '30s'; SET LOCAL client_min_messages = warning;
         SET LOCAL citus.multi_shard_modify_mode = 'sequential'"
            .into(),
    )
    .await?;
    // Whoever opens the database looks here first, and waits.
    let closed = "LOCK TABLE _sqlx_migrations IN ACCESS EXCLUSIVE MODE";
    run(&mut conn, closed.into()).await?;
    open_to_calls(&mut conn).await?;
    let moved = move_all(&mut conn, watch).await.map_err(introduced)?;
    let (by_workspace, everywhere) = placed(&mut conn).await?;
    run(&mut conn, "COMMIT".into()).await?;
    // Queries are planned for tables of another size until the servers come round to it on their own.
    for table in &moved {
        run(&mut conn, format!("ANALYZE {table}")).await?;
    }
    try_as_a_call(&mut conn).await?;
    grant_columns(&mut conn, &everywhere).await?;
    let _ = conn.close().await;
    Ok(Distributed {
        workers,
        by_workspace,
        everywhere,
        moved,
    })
}

/// What to do where the workers do not know the role that owns the tables: only a superuser tells them of one that was there
/// before they were.
fn introduced(error: Error) -> Error {
    let cause = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref());
    match cause.and_then(sqlx::Error::as_database_error) {
        Some(refused) if refused.code().as_deref() == Some("42501") => unavailable(
            format!(
                "The PostgreSQL cluster does not let this user distribute the tables: {}; nothing was changed.",
                refused.message()
            ),
            "Run this once as a superuser: it tells the workers of the role that owns the tables. After that, the role itself may.",
        ),
        _ => error,
    }
}

/// How many workers there are for rows.
async fn workers(conn: &mut PgConnection) -> Result<i64> {
    if !has_citus(conn).await? {
        return Err(unavailable(
            "There is no Citus in this PostgreSQL database; nothing was changed.",
            "Install it on every machine (shared_preload_libraries = 'citus'), and run CREATE EXTENSION citus in a database of this name on each.",
        ));
    }
    // Refuses a worker.
    Profile::of(conn).await?;
    let (workers, coordinators): (i64, i64) = sqlx::query_as(
        "SELECT COUNT(*) FILTER (WHERE groupid <> 0 AND shouldhaveshards), COUNT(*) FILTER (WHERE groupid = 0)
         FROM pg_dist_node WHERE isactive AND noderole = 'primary'",
    )
    .fetch_one(conn)
    .await
    .map_err(fault::translate)?;
    if coordinators == 0 {
        return Err(unavailable(
            "The workers do not know where their coordinator is; nothing was changed.",
            "Run SELECT citus_set_coordinator_host('HOST', PORT) on it as a superuser.",
        ));
    }
    if workers == 0 {
        return Err(unavailable(
            "This Citus cluster has no workers; nothing was changed.",
            "Run SELECT citus_add_node('HOST', PORT) for each on the coordinator as a superuser.",
        ));
    }
    Ok(workers)
}

/// Lets calls get to the workers: there they log in as the role that they run under.
async fn open_to_calls(conn: &mut PgConnection) -> Result<()> {
    let may_log_in: bool =
        sqlx::query_scalar("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'bureau_app'")
            .fetch_one(&mut *conn)
            .await
            .map_err(fault::translate)?;
    if may_log_in {
        return Ok(());
    }
    let altered = run(conn, "ALTER ROLE bureau_app LOGIN".into()).await;
    altered.map_err(|error| {
        unavailable(
            "The role bureau_app may not log in to the workers, as calls do; nothing was changed.",
            "Connect as a user with CREATEROLE, or have an administrator run ALTER ROLE bureau_app LOGIN on the coordinator.",
        )
        .cause(error)
    })
}

/// Tries whether the workers let calls in.
async fn try_as_a_call(conn: &mut PgConnection) -> Result<()> {
    let mut tx = conn.begin().await.map_err(fault::translate)?;
    let asked = async {
        sqlx::query("SET LOCAL ROLE bureau_app")
            .execute(&mut *tx)
            .await?;
        sqlx::query_scalar::<_, String>(
            "SELECT nodename || ':' || nodeport || ' says: ' || result
             FROM run_command_on_workers('SELECT 1') WHERE NOT success",
        )
        .fetch_all(&mut *tx)
        .await
    };
    let refused = match asked.await {
        Ok(refused) => refused.into_iter().next(),
        Err(sqlx::Error::Database(error)) => Some(error.message().to_owned()),
        Err(error) => return Err(fault::translate(error)),
    };
    tx.rollback().await.map_err(fault::translate)?;
    match refused {
        None => Ok(()),
        Some(said) => Err(unavailable(
            format!(
                "The rows are distributed, but a worker does not let calls in: {}.",
                said.trim()
            ),
            "Let the role bureau_app in from the coordinator, in that worker's pg_hba.conf (a password of it goes into \
             pg_dist_authinfo), and run this again to see whether it is.",
        )),
    }
}

/// Grants calls on every machine what they are granted of single columns: Citus passes on what holds of whole tables. Whoever
/// writes to a table of which each machine has a copy also takes a lock by its name on a worker, which asks for the right to the whole
/// table there; its rows stay as closed as they are.
async fn grant_columns(conn: &mut PgConnection, everywhere: &[String]) -> Result<()> {
    let granted: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT relname::TEXT, attname::TEXT, privilege_type FROM pg_class
         JOIN pg_attribute ON attrelid = pg_class.oid CROSS JOIN LATERAL aclexplode(attacl)
         JOIN pg_roles ON pg_roles.oid = grantee AND rolname = 'bureau_app'
         WHERE relnamespace = current_schema()::regnamespace
         AND EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = pg_class.oid) ORDER BY 1, 2, 3",
    )
    .fetch_all(&mut *conn)
    .await
    .map_err(fault::translate)?;
    let mut refused = None;
    for (table, column, what) in granted {
        let rows = format!("GRANT {what} ({column}) ON %s TO bureau_app");
        let mut said = sqlx::query_scalar::<_, String>(
            "SELECT result FROM run_command_on_placements($1::TEXT::REGCLASS, $2) WHERE NOT success",
        )
        .bind(&table)
        .bind(rows)
        .fetch_all(&mut *conn)
        .await
        .map_err(fault::translate)?;
        if everywhere.contains(&table) {
            let name = format!(
                "DO $$ BEGIN PERFORM set_config('citus.enable_ddl_propagation', 'off', TRUE);
                 GRANT {what} ON {table} TO bureau_app; END $$"
            );
            let named = sqlx::query_scalar::<_, String>(
                "SELECT result FROM run_command_on_workers($1) WHERE NOT success",
            )
            .bind(name)
            .fetch_all(&mut *conn)
            .await;
            said.extend(named.map_err(fault::translate)?);
        }
        refused = refused.or(said.into_iter().next());
    }
    match refused {
        None => Ok(()),
        Some(said) => Err(unavailable(
            format!(
                "The rows are distributed, but calls are not let to all of them: {}.",
                said.trim()
            ),
            "Run this again as the user that owns the tables.",
        )),
    }
}

/// Runs a statement whose text holds no input, only names that the schema itself says.
async fn run(conn: &mut PgConnection, text: String) -> Result<()> {
    let text = sqlx::raw_sql(AssertSqlSafe(text));
    let done = text.execute(conn).await;
    done.map(|_| ()).map_err(fault::translate)
}

/// The tables whose rows each belong to a workspace, by name: the migrations give all of them the policy that hides these from
/// the others. What else stands in the database is not ours.
async fn tables_of_workspaces(conn: &mut PgConnection) -> Result<Vec<String>> {
    let found = sqlx::query_scalar(
        "SELECT relname::TEXT FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid AND polname = 'own_workspace'
         JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'workspace' AND NOT attisdropped
         WHERE relnamespace = current_schema()::regnamespace ORDER BY relname::TEXT COLLATE \"C\"",
    );
    found.fetch_all(conn).await.map_err(fault::translate)
}

/// The tables that belong to workspaces, and where they lie by now: those that lie with their workspace, those of which
/// everybody has a copy.
async fn placed(conn: &mut PgConnection) -> Result<(Vec<String>, Vec<String>)> {
    let rows: Vec<(String, bool)> = sqlx::query_as(
        "SELECT relname::TEXT, partmethod = 'n' FROM pg_dist_partition JOIN pg_class ON pg_class.oid = logicalrelid::oid
         WHERE relnamespace = current_schema()::regnamespace AND (partmethod = 'h' OR repmodel = 't')
         ORDER BY relname::TEXT COLLATE \"C\"",
    )
    .fetch_all(&mut *conn)
    .await
    .map_err(fault::translate)?;
    let ours = tables_of_workspaces(conn).await?;
    let is_ours = |name: &String| ours.contains(name) || EVERYWHERE.contains(&name.as_str());
    let rows = rows.into_iter().filter(|(name, _)| is_ours(name));
    let (everywhere, by_workspace): (Vec<_>, Vec<_>) = rows.partition(|(_, is_copied)| *is_copied);
    let names = |rows: Vec<(String, bool)>| rows.into_iter().map(|(name, _)| name).collect();
    Ok((names(by_workspace), names(everywhere)))
}

/// Moves what is not where it belongs; the names of these tables.
async fn move_all(conn: &mut PgConnection, watch: &dyn Watch) -> Result<Vec<String>> {
    let (by_workspace, everywhere) = placed(conn).await?;
    let ours = tables_of_workspaces(conn).await?;
    let is_placed = |name: &str| {
        let mut placed = by_workspace.iter().chain(&everywhere);
        placed.any(|placed| placed == name)
    };
    let copied = EVERYWHERE.into_iter().filter(|name| !is_placed(name));
    // The log comes first, and all others go where its rows go.
    let split = |name: &&str| {
        *name != HERE && *name != LOG && !EVERYWHERE.contains(name) && !is_placed(name)
    };
    let log = Some(LOG).filter(|name| !is_placed(name));
    let others = log
        .into_iter()
        .chain(ours.iter().map(String::as_str).filter(split));
    let copied: Vec<&str> = copied.collect();
    let others: Vec<&str> = others.collect();
    let moved: Vec<String> = copied
        .iter()
        .chain(&others)
        .map(|name| (*name).to_owned())
        .collect();
    if moved.is_empty() {
        return Ok(moved);
    }
    let references = References::of(conn, &moved).await?;
    references.drop_all(conn).await?;
    watch.begin("moving tables", u64::try_from(moved.len()).ok());
    for name in copied {
        run(conn, format!("SELECT create_reference_table('{name}')")).await?;
        forget_here(conn, name).await?;
        watch.advance(1);
    }
    for name in others {
        let with = if name == LOG { "none" } else { LOG };
        let how = format!("'{name}', 'workspace', colocate_with => '{with}'");
        run(conn, format!("SELECT create_distributed_table({how})")).await?;
        forget_here(conn, name).await?;
        watch.advance(1);
    }
    watch.begin("checking references", None);
    references.add_all(conn).await?;
    Ok(moved)
}

/// Empties what the coordinator keeps of a table that was moved: nobody sees it, and what is erased later would stand there.
async fn forget_here(conn: &mut PgConnection, name: &str) -> Result<()> {
    let text = format!("SELECT truncate_local_data_after_distributing_table('{name}')");
    run(conn, text).await
}

/// The foreign keys of some tables, each as the statements that take it away and that put it back, which checks every row.
pub(crate) struct References(Vec<(String, String)>);

impl References {
    /// Those of these tables.
    pub(crate) async fn of(conn: &mut PgConnection, tables: &[String]) -> Result<Self> {
        let found = sqlx::query_as(
            "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
                    format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
             FROM pg_constraint WHERE contype = 'f' AND conparentid = 0
             AND connamespace = current_schema()::regnamespace AND conrelid::regclass::TEXT = ANY ($1)
             ORDER BY conrelid::regclass::TEXT COLLATE \"C\", conname",
        )
        .bind(tables)
        .fetch_all(conn)
        .await;
        found.map(Self).map_err(fault::translate)
    }

    pub(crate) async fn drop_all(&self, conn: &mut PgConnection) -> Result<()> {
        for (away, _) in &self.0 {
            run(conn, away.clone()).await?;
        }
        Ok(())
    }

    pub(crate) async fn add_all(&self, conn: &mut PgConnection) -> Result<()> {
        for (_, back) in &self.0 {
            run(conn, back.clone()).await?;
        }
        Ok(())
    }
}
