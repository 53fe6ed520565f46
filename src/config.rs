//! What the operator decides: flags before environment before file before default, in one struct.

use std::fmt;
use std::path::{Path, PathBuf};

use bureau_kernel::caller::ConfirmPolicy;
use bureau_kernel::dispatch::Settings;
use bureau_kernel::registry::Selection;
use bureau_kernel::store::{CONNECTIONS, Database};
use bureau_kernel::types::text::nearest;
use clap::Args;
use clap::builder::BoolishValueParser;
use secrecy::SecretString;
use serde::Deserialize;
use tracing::level_filters::LevelFilter;

/// Where `bureau serve` listens when nothing is said.
const LISTEN: &str = "127.0.0.1:8787";

/// More connections only make a database slower.
const MOST_CONNECTIONS: i64 = 500;

/// The options that every command takes, as flags or from the environment.
#[derive(Args, Debug, Clone, Default)]
#[command(next_help_heading = "Options of every command")]
pub struct Options {
    /// The database: sqlite:PATH or postgres://USER@HOST/NAME [default: bureau.sqlite in the data folder]
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "BUREAU_DATABASE_URL",
        hide_env_values = true
    )]
    pub database: Option<String>,
    /// Copies of a PostgreSQL server that follow it by streaming, to read from (serve, stdio); may be repeated
    #[arg(
        long = "replica",
        global = true,
        value_name = "URL",
        env = "BUREAU_REPLICAS",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub replicas: Option<Vec<String>>,
    /// The folder of the search index and of the default database [default: the platform's]
    #[arg(long, global = true, value_name = "FOLDER", env = "BUREAU_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// A folder into which documents that a client asks for are written too (stdio, install)
    #[arg(
        long,
        global = true,
        value_name = "FOLDER",
        env = "BUREAU_DOCUMENTS_DIR"
    )]
    pub documents_dir: Option<PathBuf>,
    /// A folder out of which files may be attached to records by their path; may be repeated (stdio, serve, call)
    #[arg(
        long = "files-dir",
        global = true,
        value_name = "FOLDER",
        env = "BUREAU_FILES_DIRS",
        value_delimiter = ','
    )]
    pub files_dirs: Option<Vec<PathBuf>>,
    /// The workspace to work in; `key create` takes several
    #[arg(
        long,
        global = true,
        value_name = "SLUG",
        env = "BUREAU_WORKSPACE",
        value_delimiter = ','
    )]
    pub workspace: Vec<String>,
    /// Act with this key's rights instead of the operator's (stdio, connect, install, call, undo)
    #[arg(
        long,
        global = true,
        value_name = "KEY",
        env = "BUREAU_API_KEY",
        hide_env_values = true
    )]
    pub api_key: Option<String>,
    /// Groups of tools: names, `default` or `all`, separated by commas [default: default]
    #[arg(
        long,
        global = true,
        value_name = "LIST",
        env = "BUREAU_FEATURES",
        value_delimiter = ','
    )]
    pub features: Option<Vec<String>>,
    /// Only these tools
    #[arg(
        long,
        global = true,
        value_name = "LIST",
        env = "BUREAU_TOOLS",
        value_delimiter = ','
    )]
    pub tools: Option<Vec<String>>,
    /// Not these tools
    #[arg(
        long,
        global = true,
        value_name = "LIST",
        env = "BUREAU_EXCLUDE_TOOLS",
        value_delimiter = ','
    )]
    pub exclude_tools: Option<Vec<String>>,
    /// Show and run no tool that writes; the database is opened for reading only
    #[arg(long, global = true, value_name = "YES/NO", env = "BUREAU_READ_ONLY", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", hide_possible_values = true, value_parser = BoolishValueParser::new())]
    pub read_only: Option<bool>,
    /// Which calls a person has to agree to: never, destructive or writes [default: destructive]
    #[arg(long, global = true, value_name = "POLICY", env = "BUREAU_CONFIRM", value_parser = confirm_policy)]
    pub confirm: Option<ConfirmPolicy>,
    /// Calls that each key may make in an hour, a quarter of them at once; 0 is no limit [default: 1000]
    #[arg(long, global = true, value_name = "N", env = "BUREAU_CALLS_PER_HOUR")]
    pub calls_per_hour: Option<u32>,
    /// Connections to the database that calls share; the server keeps a few more for itself [default: 8]
    #[arg(long, global = true, value_name = "N", env = "BUREAU_CONNECTIONS", value_parser = clap::value_parser!(u32).range(1..=MOST_CONNECTIONS))]
    pub connections: Option<u32>,
    /// Declare what tools answer as well; this costs tokens in every conversation
    #[arg(long, global = true, value_name = "YES/NO", env = "BUREAU_OUTPUT_SCHEMAS", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", hide_possible_values = true, value_parser = BoolishValueParser::new())]
    pub output_schemas: Option<bool>,
    /// A TOML file with options by their long names, such as read-only = true
    #[arg(long, global = true, value_name = "FILE", env = "BUREAU_CONFIG")]
    pub config: Option<PathBuf>,
    /// What is logged on stderr: off, error, warn, info, debug or trace [default: warn]
    #[arg(long, global = true, value_name = "LEVEL", env = "BUREAU_LOG", value_parser = log_level)]
    pub log: Option<LevelFilter>,
}

/// The options of `bureau serve` that the environment and the file know too.
#[derive(Args, Debug, Clone, Default)]
pub struct Listen {
    /// Where to listen: HOST:PORT; port 0 takes a free one [default: 127.0.0.1:8787]
    #[arg(long, value_name = "ADDRESS", env = "BUREAU_LISTEN")]
    pub listen: Option<String>,
    /// A name that clients may use for this server besides the loopback names; may be repeated
    #[arg(
        long = "allowed-host",
        value_name = "NAME",
        env = "BUREAU_ALLOWED_HOSTS",
        value_delimiter = ','
    )]
    pub allowed_hosts: Option<Vec<String>>,
    /// An origin (https://NAME) whose pages may call this server besides the loopback ones; may be repeated
    #[arg(
        long = "allowed-origin",
        value_name = "ORIGIN",
        env = "BUREAU_ALLOWED_ORIGINS",
        value_delimiter = ','
    )]
    pub allowed_origins: Option<Vec<String>>,
}

/// Every name that a file may use: [`File`]'s fields.
const KEYS: [&str; 18] = [
    "allowed-hosts",
    "allowed-origins",
    "calls-per-hour",
    "confirm",
    "connections",
    "data-dir",
    "database",
    "documents-dir",
    "exclude-tools",
    "features",
    "files-dirs",
    "listen",
    "log",
    "output-schemas",
    "read-only",
    "replicas",
    "tools",
    "workspace",
];

/// A configuration file. Keys are no part of it: files are copied around.
#[derive(Deserialize, Debug, Default)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct File {
    #[serde(alias = "allowed-host", default, deserialize_with = "names")]
    allowed_hosts: Option<Vec<String>>,
    #[serde(alias = "allowed-origin", default, deserialize_with = "names")]
    allowed_origins: Option<Vec<String>>,
    calls_per_hour: Option<u32>,
    confirm: Option<ConfirmPolicy>,
    connections: Option<u32>,
    data_dir: Option<PathBuf>,
    database: Option<String>,
    documents_dir: Option<PathBuf>,
    #[serde(default, deserialize_with = "names")]
    exclude_tools: Option<Vec<String>>,
    #[serde(default, deserialize_with = "names")]
    features: Option<Vec<String>>,
    #[serde(alias = "files-dir", default, deserialize_with = "names")]
    files_dirs: Option<Vec<String>>,
    listen: Option<String>,
    log: Option<String>,
    output_schemas: Option<bool>,
    read_only: Option<bool>,
    #[serde(default, deserialize_with = "names")]
    replicas: Option<Vec<String>>,
    #[serde(default, deserialize_with = "names")]
    tools: Option<Vec<String>>,
    workspace: Option<String>,
}

/// A list of names, or as on the command line one text with commas between them.
fn names<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<String>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(
        untagged,
        expecting = "expected a list of names, or names with commas between them"
    )]
    enum Names {
        List(Vec<String>),
        Line(String),
    }
    Ok(Some(match Names::deserialize(deserializer)? {
        Names::List(names) => names,
        Names::Line(line) => line.split(',').map(|name| name.trim().to_owned()).collect(),
    }))
}

/// What holds, after everything was put together.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the data is.
    pub database: Database,
    /// Copies of it to read from.
    pub replicas: Vec<Database>,
    /// Nobody named a database: it is the default file.
    pub default_database: bool,
    /// Where everything else is.
    pub data_dir: PathBuf,
    /// Where documents that a client asks for are written too.
    pub documents_dir: Option<PathBuf>,
    /// Folders out of which files may be attached.
    pub files_dirs: Vec<PathBuf>,
    /// The workspaces that were named.
    pub workspaces: Vec<String>,
    /// The key to act with; none is the operator.
    pub api_key: Option<SecretString>,
    /// Which tools are offered.
    pub selection: Selection,
    /// Show and run no write, and open the database so that none could be made.
    pub read_only: bool,
    /// Which calls a person has to agree to.
    pub confirm: ConfirmPolicy,
    /// Calls an hour and key; 0 is no limit.
    pub calls_per_hour: u32,
    /// Connections to the database that calls share.
    pub connections: u32,
    /// Output schemas are declared.
    pub output_schemas: bool,
    /// `HOST:PORT` to listen on.
    pub listen: String,
    /// Names for this server besides the loopback ones.
    pub allowed_hosts: Vec<String>,
    /// Origins that may call besides the loopback ones.
    pub allowed_origins: Vec<String>,
    /// What is logged.
    pub log: LevelFilter,
    /// The file that was read.
    pub file: Option<PathBuf>,
}

/// What is wrong with the configuration, in one line that says what to do.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong(String);

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Wrong {}

fn wrong(message: impl Into<String>) -> Wrong {
    Wrong(message.into())
}

impl Config {
    /// Puts together what was said: `options` and `listen` hold flags and environment.
    ///
    /// # Errors
    /// [`Wrong`] for a file that cannot be read or says what it may not, a database that is none, and a machine that
    /// has no place for data.
    pub fn load(options: Options, listen: Listen) -> Result<Self, Wrong> {
        let file = match &options.config {
            Some(path) => read_file(path)?,
            None => File::default(),
        };
        Self::merge(options, listen, file, default_data_dir)
    }

    fn merge(
        options: Options,
        listen: Listen,
        file: File,
        default_data_dir: impl FnOnce() -> Option<PathBuf>,
    ) -> Result<Self, Wrong> {
        let named = |folder: PathBuf| {
            if folder.as_os_str().is_empty() {
                None
            } else {
                Some(folder)
            }
        };
        let data_dir = options.data_dir.or(file.data_dir).and_then(named).or_else(default_data_dir).ok_or_else(|| {
            wrong("This account has no home folder to keep data in. Name a folder with --data-dir.")
        })?;
        let database = options.database.or(file.database);
        let default_database = database.is_none();
        let database = match database {
            Some(url) => url
                .parse()
                .map_err(|error: bureau_kernel::error::Error| wrong(error.to_string()))?,
            None => Database::Sqlite(data_dir.join("bureau.sqlite")),
        };
        let replicas = options.replicas.or(file.replicas).unwrap_or_default();
        let replicas: Result<Vec<Database>, _> = replicas
            .iter()
            .map(|url| match (&database, url.parse()) {
                (Database::Sqlite(_), _) => Err(wrong(
                    "Only a PostgreSQL server has replicas. Leave --replica out, or name the server with --database.",
                )),
                (_, Ok(replica @ Database::Postgres(_))) => Ok(replica),
                _ => Err(wrong("A replica is named like the server itself: postgres://USER@HOST/NAME.")),
            })
            .collect();
        // An empty key must not turn into no key: that would be the operator.
        if options
            .api_key
            .as_deref()
            .is_some_and(|key| key.trim().is_empty())
        {
            return Err(wrong(
                "The API key is empty. Leave --api-key and BUREAU_API_KEY out to act as the operator.",
            ));
        }
        let log = match (options.log, &file.log) {
            (Some(level), _) => level,
            (None, Some(level)) => {
                log_level(level).map_err(|error| wrong(format!("log {level:?} is {error}.")))?
            }
            (None, None) => LevelFilter::WARN,
        };
        let workspaces = if options.workspace.is_empty() {
            file.workspace.into_iter().collect()
        } else {
            options.workspace
        };
        Ok(Self {
            database,
            replicas: replicas?,
            default_database,
            data_dir,
            documents_dir: options.documents_dir.or(file.documents_dir),
            files_dirs: options.files_dirs.unwrap_or_else(|| {
                let named = file.files_dirs.unwrap_or_default().into_iter();
                named.map(PathBuf::from).collect()
            }),
            workspaces,
            api_key: options.api_key.map(|key| key.trim().into()),
            selection: Selection {
                features: options.features.or(file.features).unwrap_or_default(),
                tools: options.tools.or(file.tools),
                exclude_tools: options
                    .exclude_tools
                    .or(file.exclude_tools)
                    .unwrap_or_default(),
            },
            read_only: options.read_only.or(file.read_only).unwrap_or(false),
            confirm: options
                .confirm
                .or(file.confirm)
                .unwrap_or(ConfirmPolicy::Destructive),
            calls_per_hour: options
                .calls_per_hour
                .or(file.calls_per_hour)
                .unwrap_or(1000),
            connections: match options.connections.or(file.connections) {
                Some(0) => return Err(wrong("connections is at least 1.")),
                Some(many) if i64::from(many) > MOST_CONNECTIONS => {
                    return Err(wrong(format!("connections is at most {MOST_CONNECTIONS}.")));
                }
                said => said.unwrap_or(CONNECTIONS),
            },
            output_schemas: options
                .output_schemas
                .or(file.output_schemas)
                .unwrap_or(false),
            listen: listen
                .listen
                .or(file.listen)
                .unwrap_or_else(|| LISTEN.to_owned()),
            allowed_hosts: listen
                .allowed_hosts
                .or(file.allowed_hosts)
                .unwrap_or_default(),
            allowed_origins: listen
                .allowed_origins
                .or(file.allowed_origins)
                .unwrap_or_default(),
            log,
            file: options.config,
        })
    }

    /// The one workspace that was named, if any was.
    ///
    /// # Errors
    /// [`Wrong`] when several were.
    pub fn workspace(&self) -> Result<Option<&str>, Wrong> {
        match self.workspaces.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some(one)),
            _ => Err(wrong(
                "This command works in one workspace. Name one with --workspace.",
            )),
        }
    }

    /// What the dispatcher is told.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            read_only: self.read_only,
            confirm: self.confirm,
            calls_per_hour: self.calls_per_hour,
            ..Settings::default()
        }
    }
}

fn read_file(path: &Path) -> Result<File, Wrong> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        wrong(format!(
            "The configuration {shown} cannot be read: {error}. Correct --config."
        ))
    })?;
    parse_file(&text).map_err(|(line, message)| {
        wrong(format!(
            "The configuration {shown} is wrong in line {line}: {message}"
        ))
    })
}

/// The file's content, or the line with what is wrong there.
fn parse_file(text: &str) -> Result<File, (usize, String)> {
    toml::from_str(text).map_err(|error| {
        let span = error.span().unwrap_or(text.len()..text.len());
        // A statement that is cut off is found where the next line begins.
        let before = text.get(..span.start).unwrap_or(text);
        let line = before.trim_end_matches('\n').matches('\n').count() + 1;
        let line = if span.is_empty() {
            line
        } else {
            before.matches('\n').count() + 1
        };
        let unknown = error
            .message()
            .starts_with("unknown field")
            .then(|| text.get(span))
            .flatten();
        (
            line,
            unknown.map_or_else(|| one_line(error.message()), unknown_key),
        )
    })
}

/// What to say of a name that no option has.
fn unknown_key(key: &str) -> String {
    let key = key.trim().trim_matches(['"', '\'']);
    match nearest(&key.replace('_', "-"), KEYS) {
        Some(known) => format!("there is no option {key:?}. Did you mean {known}?"),
        None => format!(
            "there is no option {key:?}. There are: {}.",
            KEYS.join(", ")
        ),
    }
}

fn one_line(message: &str) -> String {
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    format!("{}.", message.trim_end_matches('.'))
}

fn confirm_policy(text: &str) -> Result<ConfirmPolicy, &'static str> {
    match text {
        "never" => Ok(ConfirmPolicy::Never),
        "destructive" => Ok(ConfirmPolicy::Destructive),
        "writes" => Ok(ConfirmPolicy::Writes),
        _ => Err("not one of never, destructive and writes"),
    }
}

fn log_level(text: &str) -> Result<LevelFilter, &'static str> {
    match text {
        "off" => Ok(LevelFilter::OFF),
        "error" => Ok(LevelFilter::ERROR),
        "warn" => Ok(LevelFilter::WARN),
        "info" => Ok(LevelFilter::INFO),
        "debug" => Ok(LevelFilter::DEBUG),
        "trace" => Ok(LevelFilter::TRACE),
        _ => Err("not one of off, error, warn, info, debug and trace"),
    }
}

/// Where the platform wants a program's data.
pub(crate) fn default_data_dir() -> Option<PathBuf> {
    let variable = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let home = || variable("HOME");
    let base = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        home().map(|home| home.join("Library").join("Application Support"))
    } else {
        // The XDG base directory specification has relative paths ignored.
        variable("XDG_DATA_HOME")
            .filter(|path| path.is_absolute())
            .or_else(|| home().map(|home| home.join(".local").join("share")))
    };
    base.map(|base| base.join("bureau"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(options: Options, file: &str) -> Result<Config, Wrong> {
        Config::merge(
            options,
            Listen::default(),
            parse_file(file).unwrap(),
            || Some("/home/me/data".into()),
        )
    }

    #[test]
    fn what_is_said_nearer_wins_over_the_file_and_the_file_over_the_default() {
        let file =
            "read-only = true\nconfirm = \"writes\"\ncalls-per-hour = 5\nfeatures = [\"contacts\"]";
        let config = merged(
            Options {
                read_only: Some(false),
                calls_per_hour: Some(7),
                ..Options::default()
            },
            file,
        )
        .unwrap();
        assert_eq!(
            (config.read_only, config.calls_per_hour),
            (false, 7),
            "said nearer"
        );
        assert_eq!(
            (config.confirm, config.selection.features),
            (ConfirmPolicy::Writes, vec!["contacts".into()]),
            "from the file"
        );
        let config = merged(Options::default(), "").unwrap();
        assert_eq!(
            (
                config.read_only,
                config.confirm,
                config.calls_per_hour,
                config.listen.as_str()
            ),
            (false, ConfirmPolicy::Destructive, 1000, "127.0.0.1:8787"),
            "default"
        );
        assert_eq!(
            config.database,
            Database::Sqlite("/home/me/data/bureau.sqlite".into())
        );
    }

    #[test]
    fn the_default_database_is_in_the_named_folder() {
        let config = merged(
            Options {
                data_dir: Some("/srv/b".into()),
                ..Options::default()
            },
            "data-dir = \"/else\"",
        )
        .unwrap();
        assert_eq!(
            config.database,
            Database::Sqlite("/srv/b/bureau.sqlite".into())
        );
        assert!(config.default_database);
    }

    #[test]
    fn every_name_that_is_offered_is_an_option_of_the_file() {
        for key in KEYS {
            // The wrong type is refused; an unknown name would be refused as such.
            let (_, message) = parse_file(&format!("{key} = {{}}")).unwrap_err();
            assert!(!message.contains("no option"), "{key}: {message}");
        }
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_nearest_and_its_line() {
        let (line, message) =
            parse_file("read-only = true\n\nfeature = [\"contacts\"]\n").unwrap_err();
        assert_eq!(
            (line, message.as_str()),
            (3, "there is no option \"feature\". Did you mean features?")
        );
        let (_, message) = parse_file("read_only = true").unwrap_err();
        assert_eq!(
            message,
            "there is no option \"read_only\". Did you mean read-only?"
        );
        let (_, message) = parse_file("[serve]\nlisten = 1").unwrap_err();
        assert!(
            message.starts_with("there is no option \"serve\". There are: allowed-hosts"),
            "{message}"
        );
    }

    #[test]
    fn a_file_that_was_cut_off_is_one_line_with_its_number() {
        for (text, at) in [
            ("read-only = true\nfeatures = [\"con", 2),
            ("read-only = tr", 1),
            ("log = \"warn\"\nlisten", 2),
            ("log = \"warn\"\nlisten =\n", 2),
            ("listen = \"127.0.0.1", 1),
            ("\ncalls-per-hour = -1", 2),
            ("\n\nconfirm = \"sometimes\"", 3),
        ] {
            let (line, message) = parse_file(text).unwrap_err();
            assert_eq!(line, at, "{text:?}: {message}");
            assert!(
                message.len() > 5 && !message.contains('\n'),
                "{text:?}: {message}"
            );
        }
    }

    #[test]
    fn an_empty_key_does_not_become_the_operator() {
        let error = merged(
            Options {
                api_key: Some(" ".into()),
                ..Options::default()
            },
            "",
        )
        .unwrap_err();
        assert!(error.to_string().contains("empty"), "{error}");
    }

    #[test]
    fn a_database_address_with_a_password_is_shown_nowhere() {
        let secret = "postgres://me:hunter2@localhost/x";
        let config = merged(
            Options {
                database: Some(secret.into()),
                ..Options::default()
            },
            "",
        )
        .unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
        let error = merged(
            Options {
                database: Some("mysql://me:hunter2@h/x".into()),
                ..Options::default()
            },
            "",
        )
        .unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn only_one_workspace_is_worked_in() {
        let options = Options {
            workspace: vec!["a".into(), "b".into()],
            ..Options::default()
        };
        assert!(merged(options, "").unwrap().workspace().is_err());
        assert_eq!(
            merged(Options::default(), "workspace = \"a\"")
                .unwrap()
                .workspace(),
            Ok(Some("a"))
        );
    }
}
