//! A private PostgreSQL server for tests: started on first use, gone when the test process is.
//!
//! The server runs from the installed PostgreSQL programs (15 or newer), as a user that is not root, on a free loopback
//! port, with its data in a folder of its own under `/tmp`. A small shell is its parent and waits on a pipe from the test
//! process; when the pipe closes, however the process ended (also by a panic, an abort or `kill -9`), the shell stops the
//! server and deletes the folder.
//!
//! ```no_run
//! # async fn example() {
//! let url = bureau_kernel::testing_postgres::fresh_database().await;
//! # }
//! ```

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use tokio::sync::OnceCell;

/// Why there is no server, or no database on it.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// PostgreSQL is not installed.
    #[error(
        "the PostgreSQL programs that these tests run were not found, neither in /usr/lib/postgresql/*/bin nor on PATH; \
         install them with: apt-get install postgresql (or run scripts/install-test-tools)"
    )]
    NotInstalled,
    /// Root may not run PostgreSQL, and the account that would run it in root's place is missing.
    #[error(
        "PostgreSQL refuses to run as root, and /etc/passwd has no account `nobody` to run it as"
    )]
    NoAccount,
    /// The server did not come up; the text is what it said.
    #[error("PostgreSQL did not start: {0}")]
    Start(String),
    /// A folder, a port or a process could not be had.
    #[error("PostgreSQL could not be started")]
    Io(#[from] std::io::Error),
    /// The server runs, but refused a statement.
    #[error("PostgreSQL refused to create a database")]
    Sql(#[from] sqlx::Error),
    /// The migrations do not run.
    #[error("the database could not be migrated")]
    Migration(#[from] crate::error::Error),
}

/// Creates an empty database on the server that all tests of this process share, and returns its `postgres://` URL.
///
/// See [`Postgres::fresh_database`] for what the URL's role may do. The server does not sync to disk: it survives the
/// death of its clients, not that of the machine.
///
/// # Panics
/// When PostgreSQL is missing or refuses, with the cause and what to install: a test that needs it fails, it is not
/// skipped.
#[expect(
    clippy::panic,
    reason = "called by tests only, and a test without its database must fail"
)]
pub async fn fresh_database() -> String {
    let database = shared().fresh_database().await;
    database.unwrap_or_else(|failure| panic!("{}", explain(&failure)))
}

/// The same with the tables in it: a copy of one that the migrations were run on once.
///
/// # Panics
/// Like [`fresh_database`].
#[expect(
    clippy::panic,
    reason = "called by tests only, and a test without its database must fail"
)]
pub async fn migrated_database() -> String {
    let database = shared().migrated_database().await;
    database.unwrap_or_else(|failure| panic!("{}", explain(&failure)))
}

/// How to connect as the superuser to a database that [`fresh_database`] or [`migrated_database`] made, by its URL.
#[must_use]
pub fn superuser_of(url: &str) -> PgConnectOptions {
    let (_, database) = url.rsplit_once('/').unwrap_or(("", url));
    shared().superuser(database)
}

/// The server that all tests of this process share.
#[expect(
    clippy::panic,
    reason = "called by tests only, and a test without its database must fail"
)]
fn shared() -> &'static Postgres {
    static SHARED: OnceLock<Result<Postgres, Failure>> = OnceLock::new();
    match SHARED.get_or_init(Postgres::start) {
        Ok(server) => server,
        Err(failure) => panic!("{}", explain(failure)),
    }
}

/// A running PostgreSQL server, stopped and deleted when dropped or when the process ends.
#[derive(Debug)]
pub struct Postgres {
    /// The shell that is the server's parent; it ends when its standard input closes.
    watchdog: Child,
    /// What the shell says: `ready`, each time that the server has come up.
    answers: BufReader<ChildStdout>,
    port: u16,
    password: String,
    databases: AtomicU64,
    /// The database with the tables in it that others are copied from.
    migrated: OnceCell<String>,
    /// The servers that rows lie on, where this one is the coordinator of a cluster.
    workers: Vec<Postgres>,
}

/// What kind of server the tests of this process are on: one machine, unless `BUREAU_TEST_POSTGRES` says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// One machine.
    One,
    /// `fallbacks`: one machine that is used as if the rows lay on several.
    Fallbacks,
    /// `citus`: a coordinator and two workers, on which the rows of fresh databases with tables are distributed.
    Cluster,
}

impl Layout {
    #[expect(
        clippy::panic,
        reason = "called by tests only, and one that is asked wrongly must not pass"
    )]
    fn wanted() -> Self {
        match std::env::var("BUREAU_TEST_POSTGRES").as_deref() {
            Err(_) | Ok("") => Self::One,
            Ok("fallbacks") => Self::Fallbacks,
            Ok("citus") => Self::Cluster,
            Ok(other) => panic!("BUREAU_TEST_POSTGRES is citus or fallbacks, not {other}"),
        }
    }
}

/// Whether the databases of tests are distributed over the workers of a cluster.
#[must_use]
pub fn is_cluster() -> bool {
    Layout::wanted() == Layout::Cluster
}

/// What a server of a cluster is told. Few shards, because each is a table with all of its indexes.
const CLUSTER: [&str; 9] = [
    "shared_preload_libraries=citus",
    "wal_level=logical",
    "max_prepared_transactions=200",
    "max_worker_processes=100",
    "citus.node_conninfo=sslmode=prefer",
    "citus.shard_count=4",
    "citus.enable_statistics_collection=off",
    "log_line_prefix=%d ",
    "shared_buffers=64MB",
];

impl Postgres {
    /// Starts a server that leaves syncing to the operating system: fast, and whole after its clients are killed. Nor does it
    /// tidy up by itself, which with hundreds of databases that live for seconds would be most of what it does.
    ///
    /// Blocks for about a second.
    ///
    /// # Errors
    /// [`Failure`] when PostgreSQL is not installed or does not start.
    pub fn start() -> Result<Self, Failure> {
        Self::start_all(&["fsync=off", "full_page_writes=off", "autovacuum=off"])
    }

    /// Starts a server that syncs each commit to disk, for crash tests of the server itself and for benches.
    ///
    /// Blocks for about a second.
    ///
    /// # Errors
    /// [`Failure`] when PostgreSQL is not installed or does not start.
    pub fn start_durable() -> Result<Self, Failure> {
        Self::start_all(&["fsync=on", "full_page_writes=on"])
    }

    /// Starts a copy of this server that follows it by streaming, with the same databases and roles.
    ///
    /// Blocks for about a second.
    ///
    /// # Errors
    /// [`Failure`] when the copy cannot be made or does not start.
    pub fn replica(&self) -> Result<Self, Failure> {
        let programs = programs().ok_or(Failure::NotInstalled)?;
        Self::try_start(&programs, &["fsync=off"], Some(self))
    }

    /// The address of a database that another server made, here.
    #[must_use]
    pub fn here(&self, url: &str) -> String {
        let (_, database) = url.rsplit_once('/').unwrap_or(("", url));
        self.url(database)
    }

    /// Starts the kind of server that is wanted, with these settings.
    fn start_all(settings: &[&str]) -> Result<Self, Failure> {
        if Layout::wanted() != Layout::Cluster {
            return Self::start_with(settings);
        }
        let settings = [settings, &CLUSTER].concat();
        let mut coordinator = Self::start_with(&settings)?;
        for _ in 0..2 {
            coordinator.workers.push(Self::start_with(&settings)?);
        }
        Ok(coordinator)
    }

    /// Creates an empty database and returns its URL, `postgres://bureau:…@127.0.0.1:PORT/NAME`.
    ///
    /// The role `bureau` owns the database and may create roles, as an operator's would, and is no superuser: row-level
    /// security, which a superuser passes unseen, holds for it (for its own tables where they say `FORCE`).
    ///
    /// # Errors
    /// [`Failure::Sql`] when the server cannot be reached or refuses.
    pub async fn fresh_database(&self) -> Result<String, Failure> {
        // template0, because nobody ever connects to it: a template in use refuses to be copied.
        let name = self.new_database().await?;
        Ok(self.url(&name))
    }

    /// An empty database, which the servers of a cluster have all; its name.
    async fn new_database(&self) -> Result<String, Failure> {
        // Two clusters that form at once on the same servers stumble over what these have in common.
        static ONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
        let name = self.copy_of("template0").await?;
        if self.workers.is_empty() {
            return Ok(name);
        }
        let _one = ONE.lock().await;
        for server in self.servers() {
            server.say(&name, "CREATE EXTENSION citus").await?;
        }
        let host = format!(
            "SELECT citus_set_coordinator_host('127.0.0.1', {})",
            self.port
        );
        self.say(&name, &host).await?;
        for worker in &self.workers {
            let add = format!("SELECT citus_add_node('127.0.0.1', {})", worker.port);
            self.say(&name, &add).await?;
        }
        // The role was there before the cluster was. Only a superuser tells the workers of such a one, and does so with whatever
        // belongs to it.
        let introduce = "CREATE TABLE known (id BIGINT); ALTER TABLE known OWNER TO bureau;
                         SELECT create_reference_table('known'); DROP TABLE known";
        self.say(&name, introduce).await?;
        Ok(name)
    }

    /// This one, and its workers if it has any.
    fn servers(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.workers)
    }

    /// Does something in a database as the superuser.
    async fn say(&self, database: &str, text: &str) -> sqlx::Result<()> {
        let mut connection = self.superuser(database).connect().await?;
        let text = sqlx::raw_sql(AssertSqlSafe(text.to_owned()));
        connection.execute(text).await?;
        connection.close().await
    }

    /// The same with the tables in it.
    ///
    /// # Errors
    /// [`Failure::Sql`] like [`Self::fresh_database`], and [`Failure::Migration`].
    pub async fn migrated_database(&self) -> Result<String, Failure> {
        let template = self.migrated.get_or_try_init(async || {
            let name = self.new_database().await?;
            let url = self.url(&name);
            crate::store::migrate_postgres(&url).await?;
            if !self.workers.is_empty() {
                let database = crate::store::Database::Postgres(url);
                crate::store::distribute(&database, &()).await?;
            }
            for server in self.servers() {
                // Who is connected, as Citus is by itself, keeps it from being copied.
                let close = format!(
                    "ALTER DATABASE {name} ALLOW_CONNECTIONS false;
                     SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
                );
                server.say("postgres", &close).await?;
            }
            Ok::<_, Failure>(name)
        });
        let name = self.copy_of(template.await?).await?;
        Ok(self.url(&name))
    }

    /// Creates a database, and returns its name.
    async fn copy_of(&self, template: &str) -> Result<String, Failure> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        for server in self.servers() {
            let create = format!("CREATE DATABASE {name} OWNER bureau TEMPLATE {template}");
            server.say("postgres", &create).await?;
        }
        if Layout::wanted() == Layout::Fallbacks {
            let fall_back = format!("ALTER DATABASE {name} SET bureau.distributed = on");
            self.say("postgres", &fall_back).await?;
        }
        Ok(name)
    }

    fn url(&self, name: &str) -> String {
        format!(
            "postgres://bureau:{}@{}:{}/{name}",
            self.password,
            Ipv4Addr::LOCALHOST,
            self.port
        )
    }

    /// How to connect to `database` as the superuser, whom no permission and no row-level security holds back.
    #[must_use]
    pub fn superuser(&self, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.port)
            .username("postgres")
            .password(&self.password)
            .database(database)
            .ssl_mode(PgSslMode::Disable)
    }

    /// Ends the server with a signal (`KILL`, `QUIT`) and starts it again on the same data and port.
    ///
    /// Blocks until it takes connections again.
    ///
    /// # Errors
    /// [`Failure`] when it does not come up again.
    pub fn crash(&mut self, signal: &str) -> Result<(), Failure> {
        if let Some(stdin) = &mut self.watchdog.stdin {
            writeln!(stdin, "{signal}")?;
        }
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        match answer.trim() {
            "ready" => Ok(()),
            _ => Err(Failure::Start(
                "it did not come up after a crash".to_owned(),
            )),
        }
    }

    fn start_with(settings: &[&str]) -> Result<Self, Failure> {
        let programs = programs().ok_or(Failure::NotInstalled)?;
        // The port is free when it is chosen and may be taken a moment later, hence more than one try.
        const TRIES: usize = 3;
        let mut outcome = Self::try_start(&programs, settings, None);
        for _ in 1..TRIES {
            match &outcome {
                Err(Failure::Start(said)) if said.contains("Address already in use") => {
                    outcome = Self::try_start(&programs, settings, None);
                }
                _ => break,
            }
        }
        outcome
    }

    fn try_start(
        programs: &Path,
        settings: &[&str],
        follows: Option<&Self>,
    ) -> Result<Self, Failure> {
        // Under /tmp and not under TMPDIR: the account that runs the server must be able to get there, and the path of
        // a socket is at most 107 bytes long.
        let folder = tempfile::Builder::new()
            .prefix("bureau-postgres-")
            .tempdir_in("/tmp")?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
            .local_addr()?
            .port();
        // A copy has the roles of what it is a copy of, with their passwords.
        let password = follows.map_or_else(
            || format!("{:032x}", rand::random::<u128>()),
            |server| server.password.clone(),
        );

        // The servers of a cluster log in to each other, and these are on loopback.
        let in_cluster = settings.ends_with(&CLUSTER);
        let authentication = if in_cluster { "trust" } else { "scram-sha-256" };
        let mut shell = Command::new("/bin/sh");
        shell
            .args(["-c", WATCHDOG, "bureau-postgres"])
            .arg(programs)
            .arg(folder.path())
            .arg(port.to_string());
        for setting in settings {
            shell.args(["-c", setting]);
        }
        // PG* and locale variables of the developer's shell would change the server; a group of its own keeps a Ctrl-C
        // meant for the tests from ending the shell before it has cleaned up.
        shell
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("LC_ALL", "C.UTF-8")
            .env("AUTH", authentication)
            .env(
                "FOLLOWS",
                follows.map_or(String::new(), |server| server.port.to_string()),
            )
            .current_dir("/")
            .process_group(0);
        shell
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(library) = std::env::var_os("BUREAU_TEST_PRELOAD").filter(|_| in_cluster) {
            shell.env("LD_PRELOAD", library);
        }
        // Who owns what this process creates is who this process is.
        if folder.path().metadata()?.uid() == 0 {
            let (user, group) = nobody().ok_or(Failure::NoAccount)?;
            chown(folder.path(), Some(user), Some(group))?;
            shell.uid(user).gid(group);
        }

        let mut watchdog = shell.spawn()?;
        // From here on the shell deletes the folder.
        let _ = folder.keep();
        if let Some(stdin) = &mut watchdog.stdin {
            writeln!(stdin, "{password}")?;
        }
        let mut answer = String::new();
        let mut answers = watchdog.stdout.take().map(BufReader::new);
        if let Some(answers) = &mut answers {
            answers.read_line(&mut answer)?;
        }
        if let Some(answers) = answers.filter(|_| answer.trim() == "ready") {
            return Ok(Self {
                watchdog,
                answers,
                port,
                password,
                databases: AtomicU64::new(0),
                migrated: OnceCell::new(),
                workers: Vec::new(),
            });
        }
        let output = watchdog.wait_with_output()?;
        Err(Failure::Start(
            String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        ))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        // Nobody is left to tell of a failure, and the shell needs no further help.
        let _ = self.watchdog.wait();
    }
}

/// The server's parent: makes the data folder, starts the server, says `ready`, and waits for the end of its input. A line of
/// input is a signal that the server is ended with; then it is started again, and `ready` is said once more.
///
/// Takes the folder of the programs, the folder to use, the port, and further settings of the server; the password
/// comes on the first line of its input. `FOLLOWS` is the port of the server that this one is to be a copy of, if it is one. ICU's collation, as most servers in the field have a linguistic one: an order
/// that the SQL text does not pin shows in the tests. The socket is in the folder that only this user may enter, so it
/// asks for no password.
const WATCHDOG: &str = r#"
bin=$1 dir=$2 port=$3; shift 3
server=
stop() {
    if [ -n "$server" ]; then kill -QUIT "$server" && wait "$server"; fi
    rm -rf "$dir"
}
fail() { cat "$dir/log" >&2; exit 1; }
trap stop EXIT
trap exit HUP INT TERM
trap '' PIPE
umask 077
IFS= read -r password || exit 1
printf '%s\n' "$password" >"$dir/password"
if [ -n "$FOLLOWS" ]; then
    PGPASSWORD=$password "$bin/pg_basebackup" --pgdata="$dir/data" --write-recovery-conf --no-sync --checkpoint=fast \
        --host=127.0.0.1 --port="$FOLLOWS" --username=postgres >"$dir/log" 2>&1 || fail
else
"$bin/initdb" --pgdata="$dir/data" --username=postgres --pwfile="$dir/password" --no-sync --no-instructions \
    --auth-local=trust --auth-host="$AUTH" --encoding=UTF8 --locale=C.UTF-8 \
    --locale-provider=icu --icu-locale=en-US >"$dir/log" 2>&1 || fail
fi
run() {
    "$bin/postgres" -D "$dir/data" -h 127.0.0.1 -p "$port" -k "$dir" -c max_connections=400 "$@" >"$dir/log" 2>&1 &
    server=$!
    tries=0
    until "$bin/pg_isready" -q -h "$dir" -p "$port"; do
        tries=$((tries + 1))
        kill -0 "$server" 2>/dev/null && [ "$tries" -lt 600 ] || return 1
        sleep 0.05
    done
}
run "$@" || fail
[ -n "$FOLLOWS" ] || "$bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$dir" -p "$port" -U postgres postgres >"$dir/psql" 2>&1 <<SQL || fail
CREATE ROLE bureau LOGIN CREATEROLE PASSWORD '$password';
SQL
echo ready
while IFS= read -r signal; do
    kill "-$signal" "$server" && wait "$server"
    # After a KILL the server's children hold its memory for a moment, and a new one refuses to start beside them.
    again=0
    until run "$@"; do
        again=$((again + 1))
        [ "$again" -lt 100 ] || fail
        sleep 0.1
    done
    echo ready
done
"#;

/// The folder with PostgreSQL's programs: Debian's newest, else where `initdb` on `PATH` really lies.
fn programs() -> Option<PathBuf> {
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let major: u32 = entry.file_name().to_str()?.parse().ok()?;
            Some((major, entry.path().join("bin")))
        });
    let newest = debian
        .filter(|(_, folder)| complete(folder))
        .max_by_key(|(major, _)| *major);
    newest.map(|(_, folder)| folder).or_else(|| {
        std::env::split_paths(&std::env::var_os("PATH")?)
            .filter_map(|folder| {
                Some(
                    folder
                        .join("initdb")
                        .canonicalize()
                        .ok()?
                        .parent()?
                        .to_owned(),
                )
            })
            .find(|folder| complete(folder))
    })
}

fn complete(folder: &Path) -> bool {
    ["initdb", "pg_basebackup", "postgres", "pg_isready", "psql"]
        .iter()
        .all(|program| folder.join(program).is_file())
}

/// User and group id of the account that owns nothing.
fn nobody() -> Option<(u32, u32)> {
    let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
    let line = accounts.lines().find(|line| line.starts_with("nobody:"))?;
    let mut ids = line.split(':').skip(2);
    Some((ids.next()?.parse().ok()?, ids.next()?.parse().ok()?))
}

/// The failure and all that caused it, on one line.
fn explain(failure: &Failure) -> String {
    let mut text = failure.to_string();
    let mut cause = std::error::Error::source(failure);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sqlx::{PgConnection, Row};

    use super::*;

    async fn connect(url: &str) -> PgConnection {
        PgConnection::connect(url).await.unwrap()
    }

    async fn gone(folder: &str, port: u16) {
        for _ in 0..600 {
            if !Path::new(folder).exists()
                && std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err()
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{folder} or the server on port {port} is still there");
    }

    async fn folder_of(server: &Postgres) -> String {
        let mut connection = PgConnection::connect_with(&server.superuser("postgres"))
            .await
            .unwrap();
        let data: String = sqlx::query_scalar("SHOW data_directory")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        Path::new(&data)
            .parent()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    }

    #[tokio::test]
    async fn fresh_databases_are_empty_and_apart_from_each_other() {
        let (one, two) = tokio::join!(fresh_database(), fresh_database());
        assert_ne!(one, two);
        connect(&one)
            .await
            .execute("CREATE TABLE t (id BIGINT)")
            .await
            .unwrap();
        let count = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
        assert_eq!(
            connect(&one)
                .await
                .fetch_one(count)
                .await
                .unwrap()
                .get::<i64, _>(0),
            1
        );
        assert_eq!(
            connect(&two)
                .await
                .fetch_one(count)
                .await
                .unwrap()
                .get::<i64, _>(0),
            0
        );
    }

    #[tokio::test]
    async fn row_level_security_holds_for_the_role_of_the_url() {
        let mut connection = connect(&fresh_database().await).await;
        connection
            .execute(
                "CREATE TABLE t (id BIGINT); INSERT INTO t VALUES (1), (2);
                 ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY;
                 CREATE POLICY p ON t USING (id = 1)",
            )
            .await
            .unwrap();
        let rows = connection
            .fetch_one("SELECT count(*) FROM t")
            .await
            .unwrap();
        assert_eq!(rows.get::<i64, _>(0), 1);
    }

    #[tokio::test]
    async fn the_role_of_the_url_may_make_a_role_without_login_and_take_it() {
        let mut connection = connect(&fresh_database().await).await;
        connection
            .execute("CREATE ROLE probe NOLOGIN; GRANT probe TO bureau; SET ROLE probe")
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn a_dropped_server_is_gone_with_its_folder() {
        let server = Postgres::start().unwrap();
        let (folder, port) = (folder_of(&server).await, server.port);
        assert!(Path::new(&folder).exists());
        drop(server);
        assert!(!Path::new(&folder).exists());
        assert!(std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err());
    }

    #[tokio::test]
    async fn a_durable_server_syncs_each_commit() {
        let server = Postgres::start_durable().unwrap();
        let mut connection = connect(&server.fresh_database().await.unwrap()).await;
        let fsync: String = sqlx::query_scalar("SHOW fsync")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(fsync, "on");
    }

    #[tokio::test]
    #[ignore = "run by the next test, in a process of its own that it kills"]
    async fn holds_a_server_until_it_is_killed() {
        let server = Postgres::start().unwrap();
        eprintln!("server {} {}", folder_of(&server).await, server.port);
        std::thread::park();
    }

    #[tokio::test]
    async fn a_killed_test_process_leaves_no_server_and_no_folder() {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args([
                "--ignored",
                "--nocapture",
                "holds_a_server_until_it_is_killed",
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let line = BufReader::new(process.stderr.take().unwrap())
            .lines()
            .map(Result::unwrap)
            .find(|line| line.starts_with("server "))
            .unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        let (folder, port) = (words[1], words[2].parse().unwrap());
        assert!(Path::new(folder).exists());
        process.kill().unwrap();
        process.wait().unwrap();
        gone(folder, port).await;
    }

    #[test]
    fn a_server_that_cannot_start_says_why() {
        let failure = Postgres::start_with(&["no_such_setting=1"]).unwrap_err();
        assert!(explain(&failure).contains("no_such_setting"), "{failure}");
    }
}
