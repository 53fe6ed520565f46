//! Whether the tables are those that the migrations make: every table, index, constraint, policy and grant, compared with a
//! database that is made for the comparison and gone after it.

use std::collections::BTreeSet;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection,
    SqliteConnection,
};

use super::{Database, fault, migrate, postgres, sqlite};
use crate::error::{Code, Error, Result};

/// What a database is made of, each thing as a name and what it says.
type Parts = BTreeSet<(String, String)>;

/// What of a database is not as the migrations make it.
///
/// # Errors
/// [`Code::Unavailable`] when the database cannot be asked, or does not let this user make the tables to compare with.
pub async fn findings(database: &Database) -> Result<Vec<String>> {
    match database {
        Database::Sqlite(path) => {
            let options = sqlite::options(path).read_only(true);
            let mut conn = options.connect().await.map_err(fault::translate)?;
            let found = async {
                let version = sqlite::version(&mut conn).await?;
                of_sqlite_at(&mut conn, version).await
            }
            .await;
            let _ = conn.close().await;
            found.map_err(fault::translate)
        }
        Database::Postgres(url) => {
            let mut conn = postgres::connect(url).await?;
            let found = of_postgres(&mut conn).await;
            let _ = conn.close().await;
            found.map_err(|error| match &error {
                sqlx::Error::Database(cause) if cause.code().as_deref() == Some("42501") => {
                    Error::new(
                        Code::Unavailable,
                        "The PostgreSQL server does not let this user make tables to compare with.",
                    )
                    .hint("Connect as the user that owns Bureau's tables.")
                    .cause(error)
                }
                _ => fault::translate(error),
            })
        }
    }
}

/// The same of a SQLite file that had the migrations up to a version. Nothing but the schema's own table is read, so
/// whatever somebody wrote into an index or a check is not run.
pub(crate) async fn of_sqlite_at(
    conn: &mut SqliteConnection,
    version: i64,
) -> sqlx::Result<Vec<String>> {
    let found = sqlite_parts(conn).await?;
    let mut fresh = SqliteConnectOptions::new()
        .in_memory(true)
        .disable_statement_logging()
        .connect()
        .await?;
    for migration in migrate::SQLITE.iter() {
        if migration.version <= version {
            fresh.execute(sqlx::raw_sql(migration.sql.clone())).await?;
        }
    }
    let expected = sqlite_parts(&mut fresh).await?;
    fresh.close().await?;
    Ok(compared(&expected, &found))
}

/// What migrations were made is noted by the library, in a table of its own form.
async fn sqlite_parts(conn: &mut SqliteConnection) -> sqlx::Result<Parts> {
    let rows: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT type || ' ' || name, tbl_name, COALESCE(sql, '') FROM sqlite_schema
         WHERE NOT (tbl_name = '_sqlx_migrations' AND (type = 'table' OR name LIKE 'sqlite!_autoindex%' ESCAPE '!'))
         UNION ALL
         SELECT 'column ' || name, '_sqlx_migrations', 'computed' FROM pragma_table_xinfo('_sqlx_migrations') WHERE hidden <> 0",
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(name, table, text)| (name, format!("{table}: {text}")))
        .collect())
}

/// What only one of the two has, by name; what both have and is not the same is named once.
fn compared(expected: &Parts, found: &Parts) -> Vec<String> {
    let names = |parts: &Parts, other: &Parts| -> BTreeSet<String> {
        let only = parts.difference(other);
        only.map(|(name, _)| name.clone()).collect()
    };
    let missing = names(expected, found);
    let more = names(found, expected);
    let all: BTreeSet<&String> = missing.union(&more).collect();
    all.into_iter()
        .map(|name| match (missing.contains(name), more.contains(name)) {
            (true, true) => format!("the {name} is not as Bureau makes it"),
            (true, false) => format!("the {name} is missing"),
            _ => format!("somebody put the {name} into it"),
        })
        .collect()
}

/// Makes the tables in the session's own temporary schema, in a transaction that is rolled back.
async fn of_postgres(conn: &mut PgConnection) -> sqlx::Result<Vec<String>> {
    let version = postgres::version(conn).await?;
    let mut tx = conn.begin().await?;
    let live: String = sqlx::query_scalar("SELECT current_schema()::TEXT")
        .fetch_one(&mut *tx)
        .await?;
    let quoted = live.replace('"', "\"\"");
    // What a policy calls is looked for in the second one: functions of the temporary schema are not found by their name.
    let path = format!("SET LOCAL search_path = pg_temp, \"{quoted}\"");
    tx.execute(sqlx::raw_sql(AssertSqlSafe(path))).await?;
    for migration in migrate::POSTGRES.iter() {
        if migration.version <= version {
            tx.execute(sqlx::raw_sql(migration.sql.clone())).await?;
        }
    }
    let temporary: String = sqlx::query_scalar(
        "SELECT nspname::TEXT FROM pg_namespace WHERE oid = pg_my_temp_schema()",
    )
    .fetch_one(&mut *tx)
    .await?;
    let expected = postgres_parts(&mut tx, &temporary, &temporary).await?;
    let path = format!("SET LOCAL search_path = \"{quoted}\"");
    tx.execute(sqlx::raw_sql(AssertSqlSafe(path))).await?;
    let found = postgres_parts(&mut tx, &live, &temporary).await?;
    tx.rollback().await?;
    Ok(compared(&expected, &found))
}

/// The parts of the tables in one schema that are also in the other: what else stands in a database is none of Bureau's, nor
/// whom its administrator lets read the tables.
async fn postgres_parts(conn: &mut PgConnection, schema: &str, ours: &str) -> sqlx::Result<Parts> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "WITH named AS (
            SELECT c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity, c.relacl
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND c.relname IN (
                SELECT o.relname FROM pg_class o JOIN pg_namespace m ON m.oid = o.relnamespace
                WHERE m.nspname = $2 AND o.relkind IN ('r', 'p'))
         )
         SELECT 'table ' || relname, 'row security ' || relrowsecurity || ' ' || relforcerowsecurity FROM named
         UNION ALL
         SELECT 'column ' || relname || '.' || attname, format_type(atttypid, atttypmod) || ' ' || attnotnull || ' '
            || attgenerated::TEXT || attidentity::TEXT || ' ' || COALESCE(pg_get_expr(adbin, adrelid), '')
         FROM named JOIN pg_attribute a ON a.attrelid = named.oid LEFT JOIN pg_attrdef ON adrelid = named.oid AND adnum = attnum
         WHERE attnum > 0 AND NOT attisdropped
         UNION ALL
         SELECT 'constraint ' || relname || '.' || conname, pg_get_constraintdef(con.oid) || ' ' || condeferrable || convalidated
         FROM named JOIN pg_constraint con ON con.conrelid = named.oid WHERE contype <> 'n'
         UNION ALL
         SELECT 'index ' || i.relname, pg_get_indexdef(i.oid) || ' ' || indisvalid
         FROM named JOIN pg_index x ON x.indrelid = named.oid JOIN pg_class i ON i.oid = x.indexrelid
         UNION ALL
         SELECT 'policy ' || relname || '.' || polname, polcmd::TEXT || polpermissive || ' '
            || COALESCE(pg_get_expr(polqual, polrelid), '') || ' ' || COALESCE(pg_get_expr(polwithcheck, polrelid), '') || ' '
            || ARRAY(SELECT r.rolname FROM pg_roles r WHERE r.oid = ANY (polroles) ORDER BY 1)::TEXT
         FROM named JOIN pg_policy ON polrelid = named.oid
         UNION ALL
         SELECT 'trigger ' || relname || '.' || tgname, tgenabled::TEXT FROM named JOIN pg_trigger ON tgrelid = named.oid WHERE NOT tgisinternal
         UNION ALL
         SELECT 'rule ' || relname || '.' || rulename, '' FROM named JOIN pg_rewrite ON ev_class = named.oid
         UNION ALL
         SELECT 'grant of ' || relname || ' to ' || COALESCE(r.rolname, 'everybody'),
            string_agg(privilege_type || is_grantable, ' ' ORDER BY privilege_type)
         FROM named CROSS JOIN LATERAL aclexplode(relacl) LEFT JOIN pg_roles r ON r.oid = grantee
         WHERE grantee = 0 OR r.rolname = 'bureau_app' GROUP BY relname, r.rolname
         UNION ALL
         SELECT 'grant of ' || relname || '.' || attname || ' to ' || COALESCE(r.rolname, 'everybody'),
            string_agg(privilege_type || is_grantable, ' ' ORDER BY privilege_type)
         FROM named JOIN pg_attribute ON attrelid = named.oid CROSS JOIN LATERAL aclexplode(attacl)
            LEFT JOIN pg_roles r ON r.oid = grantee
         WHERE grantee = 0 OR r.rolname = 'bureau_app' GROUP BY relname, attname, r.rolname
         UNION ALL
         SELECT 'function ' || p.proname, p.prosrc || p.provolatile::TEXT || p.prosecdef FROM pg_proc p
         JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = $1 AND p.proname IN (
            SELECT q.proname FROM pg_proc q JOIN pg_namespace m ON m.oid = q.pronamespace WHERE m.nspname = $2)",
    )
    .bind(schema)
    .bind(ours)
    .fetch_all(conn)
    .await?;
    // Some of these texts name the schema.
    let own = [format!("{schema}."), "pg_temp.".to_owned()];
    Ok(rows
        .into_iter()
        .map(|(name, text)| {
            let text = own.iter().fold(text, |text, own| text.replace(own, ""));
            (name, text)
        })
        .collect())
}
