//! The command line: what each command is asked, and how it ends.

mod anchor;
mod backup;
mod call;
mod clock;
mod completions;
mod connect;
#[cfg(feature = "demo")]
mod demo;
mod doctor;
#[cfg(feature = "billing")]
mod document;
mod export;
pub(crate) mod import;
pub(crate) mod install;
mod key;
#[cfg(feature = "knowledge")]
mod knowledge;
mod member;
mod migrate;
mod print;
mod progress;
#[cfg(feature = "files")]
mod read_words;
mod restore;
mod serve;
mod stdio;
mod team;
mod tools;
mod undo;
mod workspace;

use std::process::ExitCode;
use std::sync::Arc;

use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::{Call, Dispatcher, Outcome};
use bureau_kernel::error::{Code, Error};
use bureau_kernel::import::AnyImport;
use bureau_kernel::registry::Registry;
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

use crate::boot;
use crate::config::{Config, Listen, Options, Wrong};
use crate::transport::http::StartError;

/// A whole back office behind one MCP server, over data that you keep.
///
/// Without a command it serves MCP over stdin and stdout, as a desktop client or an editor starts it.
#[derive(Parser, Debug)]
#[command(name = "bureau", version, disable_help_subcommand = true, after_help = ENDS)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    options: Options,
}

const ENDS: &str = "Flags win over the environment, the environment over the file of --config. \
                    Exit codes: 0 done, 1 failed, 2 asked wrongly.";

#[derive(Subcommand, Debug)]
enum Command {
    /// Serve MCP over stdin and stdout
    Stdio,
    /// Serve MCP over Streamable HTTP, with health and metrics
    Serve(serve::Arguments),
    /// Bridge stdin and stdout to a Bureau elsewhere; the key comes from BUREAU_API_KEY
    Connect(connect::Arguments),
    /// Fill an empty database with a made-up firm, and print how to connect
    #[cfg(feature = "demo")]
    Demo(demo::Arguments),
    /// Make, list and revoke API keys
    #[command(subcommand)]
    Key(key::Command),
    /// Make and list workspaces, and define custom attributes
    #[command(subcommand)]
    Workspace(workspace::Command),
    /// Add, change and remove the people who work in a workspace
    #[command(subcommand)]
    Member(member::Command),
    /// Make teams, and say who is in them
    #[command(subcommand)]
    Team(team::Command),
    /// List the tools, and what they cost in tokens
    Tools(tools::Arguments),
    /// Call a tool and print its answer
    Call(call::Arguments),
    /// Take back all that one call wrote
    Undo(undo::Arguments),
    /// Bring records in from a CSV file or an Excel workbook
    Import(import::Arguments),
    /// Take records of one kind out as CSV, Excel workbook or JSON
    Export(export::Arguments),
    /// Keep documents of the knowledge base in step with a folder of files
    #[cfg(feature = "knowledge")]
    #[command(subcommand)]
    Knowledge(knowledge::Command),
    /// Write an invoice, credit note or quotation to a file that can be sent
    #[cfg(feature = "billing")]
    Document(document::Arguments),
    /// Copy everything to one file, while the database is in use
    Backup(backup::Arguments),
    /// Put a backup in place of the database, on either engine
    Restore(restore::Arguments),
    /// Bring the database's tables to this version, and spread them over several machines
    Migrate(migrate::Arguments),
    /// Say what the clock says, and that it is right
    #[command(subcommand)]
    Clock(clock::Command),
    /// Note outside of the database where the change log ends, so that a rewritten history is found
    Anchor(anchor::Arguments),
    /// Check database, change log, search index and configuration
    Doctor(doctor::Arguments),
    /// Write Bureau into the configuration of a client, after showing the change
    Install(install::Arguments),
    /// Print the completions of a shell
    Completions(completions::Arguments),
    /// Print the words in a file that comes in on stdin: what Bureau starts beside itself
    #[cfg(feature = "files")]
    #[command(hide = true)]
    ReadWords(read_words::Arguments),
}

/// The command line, with what the compiled modules make of its help. A start that needs no help does without.
fn full_command() -> clap::Command {
    let command = Cli::command();
    let Ok(registry) = boot::whole_registry() else {
        return command;
    };
    let imports: Vec<&str> = registry.imports().map(AnyImport::name).collect();
    let takes = |help: &str, names: String| {
        let help = format!("{help}: {names}");
        // Not `mut_arg`, which puts it behind the others.
        move |command: clap::Command| {
            command.mut_args(|argument| match argument.get_id().as_str() {
                "what" => argument.help(help.clone()),
                _ => argument,
            })
        }
    };
    command
        .mut_subcommand("import", takes("What the rows are", imports.join(", ")))
        .mut_subcommand(
            "export",
            takes("What to take out", export::kinds(&registry).join(", ")),
        )
}

impl Command {
    /// Whether it acts as the operator, whoever shows a key.
    fn is_the_operators(&self) -> bool {
        match self {
            Self::Key(_)
            | Self::Workspace(_)
            | Self::Member(_)
            | Self::Team(_)
            | Self::Backup(_)
            | Self::Restore(_)
            | Self::Migrate(_)
            | Self::Clock(_)
            | Self::Anchor(_)
            | Self::Doctor(_)
            | Self::Serve(_) => true,
            #[cfg(feature = "demo")]
            Self::Demo(_) => true,
            // They act as the key's owner, or write it into a client's configuration, or touch no data.
            Self::Stdio
            | Self::Connect(_)
            | Self::Tools(_)
            | Self::Call(_)
            | Self::Undo(_)
            | Self::Import(_)
            | Self::Export(_)
            | Self::Install(_)
            | Self::Completions(_) => false,
            #[cfg(feature = "knowledge")]
            Self::Knowledge(_) => false,
            #[cfg(feature = "billing")]
            Self::Document(_) => false,
            #[cfg(feature = "files")]
            Self::ReadWords(_) => false,
        }
    }
}

/// Why a command did not do what it was asked.
pub(crate) enum Failure {
    /// It was asked wrongly.
    Usage(String),
    /// It could not.
    Failed(String),
    /// As [`Failure::Failed`], and what there was to say has been said.
    Said,
    /// Nobody reads what it prints any more.
    Unread,
}

type Result<T, E = Failure> = std::result::Result<T, E>;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let cause = std::error::Error::source(&error);
        // The one who reads this is the owner: a fault of ours is of no use to them without its cause.
        match cause.filter(|_| error.code() == Code::Internal) {
            Some(cause) => Self::Failed(format!("{error} ({cause})")),
            None => Self::Failed(error.to_string()),
        }
    }
}

impl From<Wrong> for Failure {
    fn from(wrong: Wrong) -> Self {
        Self::Usage(wrong.to_string())
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::InUse(_) | StartError::Listen(..) => Self::Failed(error.to_string()),
            _ => Self::Usage(error.to_string()),
        }
    }
}

/// Input that makes no sense is the caller's to correct, not the machine's.
fn usage(error: Error) -> Failure {
    if error.code() == Code::Validation {
        Failure::Usage(error.to_string())
    } else {
        error.into()
    }
}

/// Parses the command line, runs the command and says how it ended.
#[must_use]
pub fn main() -> ExitCode {
    let matches = match Cli::command()
        .try_get_matches()
        .or_else(|_| full_command().try_get_matches())
    {
        Ok(matches) => matches,
        Err(error) => return said_by_clap(&error),
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return said_by_clap(&error),
    };
    let (code, message) = match run(cli, &matches) {
        Ok(()) | Err(Failure::Unread) => return ExitCode::SUCCESS,
        Err(Failure::Said) => return ExitCode::FAILURE,
        Err(Failure::Failed(message)) => (1, message),
        Err(Failure::Usage(message)) => (2, message),
    };
    print::note(&format!("bureau: {}", one_line(&message)));
    code.into()
}

/// Help and version are answers; everything else is a wrong question.
fn said_by_clap(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        // A colour code or a lost terminal is no reason to fail differently.
        let _ = error.print();
        return ExitCode::from(2);
    }
    match print::out(&error.render().to_string()) {
        Ok(()) | Err(Failure::Unread) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn run(cli: Cli, matches: &ArgMatches) -> Result<()> {
    let Cli { command, options } = cli;
    let command = command.unwrap_or(Command::Stdio);
    // A shell that starts asks for this, whatever the configuration is like.
    if let Command::Completions(arguments) = &command {
        return completions::run(arguments, full_command());
    }
    #[cfg(feature = "files")]
    if let Command::ReadWords(arguments) = &command {
        return read_words::run(arguments);
    }
    let listen = if let Command::Serve(arguments) = &command {
        arguments.listen.clone()
    } else {
        Listen::default()
    };
    let own = key::Own {
        confirm: options.confirm.filter(|_| on_the_line(matches, "confirm")),
        calls_per_hour: options
            .calls_per_hour
            .filter(|_| on_the_line(matches, "calls_per_hour")),
    };
    if on_the_line(matches, "api_key") && command.is_the_operators() {
        return Err(Failure::Usage(
            "This command acts on the database as its operator, whatever key is given. Leave --api-key out.".into(),
        ));
    }
    // What a client is told to start is what was said, not what was made of it.
    let said = options.clone();
    let config = Config::load(options, listen)?;
    start_log(config.log);
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    if let Command::Serve(_) = command {
        serve::with_few_arenas();
    }
    // A client on a pipe and a single command have little to do at once; each worker costs memory.
    let workers = if let Command::Serve(_) = command {
        std::thread::available_parallelism()
            .map_or(2, usize::from)
            .max(2)
    } else {
        2
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .thread_name("bureau")
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("This machine gives no threads: {error}.")))?;
    let result = runtime.block_on(async {
        match command {
            Command::Stdio => stdio::run(&config).await,
            Command::Serve(arguments) => serve::run(config, &arguments).await,
            Command::Connect(arguments) => connect::run(&config, &arguments).await,
            #[cfg(feature = "demo")]
            Command::Demo(arguments) => demo::run(config, &arguments).await,
            Command::Key(command) => key::run(&config, own, command).await,
            Command::Workspace(command) => workspace::run(&config, command).await,
            Command::Member(command) => member::run(&config, command).await,
            Command::Team(command) => team::run(&config, command).await,
            Command::Tools(arguments) => tools::run(&config, &arguments),
            Command::Call(arguments) => call::run(&config, arguments).await,
            Command::Undo(arguments) => undo::run(config, arguments).await,
            Command::Import(arguments) => import::run(&config, arguments).await,
            #[cfg(feature = "knowledge")]
            Command::Knowledge(command) => knowledge::run(&config, command).await,
            Command::Export(arguments) => export::run(&config, arguments).await,
            #[cfg(feature = "billing")]
            Command::Document(arguments) => document::run(&config, arguments).await,
            Command::Backup(arguments) => backup::run(&config, arguments).await,
            Command::Restore(arguments) => restore::run(&config, arguments).await,
            Command::Migrate(arguments) => migrate::run(&config, &arguments).await,
            Command::Clock(command) => clock::run(&config, command).await,
            Command::Anchor(arguments) => anchor::run(&config, &arguments).await,
            Command::Doctor(arguments) => doctor::run(&config, &arguments).await,
            Command::Install(arguments) => install::run(&config, &said, &arguments),
            // It was done before anything was read.
            Command::Completions(_) => Ok(()),
            #[cfg(feature = "files")]
            Command::ReadWords(_) => Ok(()),
        }
    });
    // A read of stdin that is under way cannot be taken back and must not hold the process.
    runtime.shutdown_background();
    result
}

/// Whether a flag was written out: for a key's own limits the server's environment does not count.
fn on_the_line(matches: &ArgMatches, id: &str) -> bool {
    matches.value_source(id) == Some(ValueSource::CommandLine)
}

/// Logs go to stderr: stdout is the protocol. Below warnings, rmcp logs whole requests and sqlx statements, and both would
/// bring people's data into the log.
fn start_log(level: LevelFilter) {
    let quiet = level.min(LevelFilter::WARN);
    let targets = Targets::new()
        .with_default(level)
        .with_target("rmcp", quiet)
        .with_target("sqlx", quiet);
    let layer = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(print::colours(&std::io::stderr()));
    // A second log in one process can only be a test's; the first one stays.
    let _ = tracing_subscriber::registry()
        .with(layer.with_filter(targets))
        .try_init();
}

/// Who a command acts as: the key that was given, else the operator.
async fn caller(
    config: &Config,
    dispatcher: &Dispatcher,
    workspace: Option<&str>,
) -> Result<Caller, Error> {
    let mut caller = match &config.api_key {
        Some(key) => {
            dispatcher
                .authenticate(key.expose_secret(), workspace)
                .await?
        }
        None => dispatcher.operator(workspace).await?,
    };
    caller.client = Some(concat!("bureau/", env!("CARGO_PKG_VERSION")).to_owned());
    Ok(caller)
}

/// One call through the same dispatcher as every other, on an app that is opened for it. `workspace` is what the
/// configuration says.
async fn call_once(
    config: &Config,
    workspace: Option<&str>,
    registry: Arc<Registry>,
    tool: String,
    arguments: Map<String, Value>,
) -> Result<Value, Error> {
    let store = boot::store(config).await?;
    let answer = async {
        let dispatcher = boot::call_dispatcher(config, store.clone(), registry)?;
        let caller = caller(config, &dispatcher, workspace).await?;
        call_tool(&dispatcher, caller, tool, arguments).await
    }
    .await;
    store.close().await;
    answer
}

async fn call_tool(
    dispatcher: &Arc<Dispatcher>,
    caller: Caller,
    tool: String,
    arguments: Map<String, Value>,
) -> Result<Value, Error> {
    match dispatcher
        .call(
            caller,
            Call {
                tool,
                arguments,
                ..Call::default()
            },
        )
        .await
    {
        Outcome::Done(answer) => Ok(answer),
        Outcome::Failed(error) => Err(error),
        // Nobody was said to be there to be asked, so this does not come.
        Outcome::Ask { message, token } => {
            Err(Error::new(Code::ConfirmationRequired, message).detail("confirm_token", token))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_and_options_do_not_contradict_each_other() {
        full_command().debug_assert();
    }

    #[test]
    fn every_option_can_be_written_after_the_command() {
        let parse = |line: &str| Cli::try_parse_from(line.split(' ')).unwrap();
        let cli = parse("bureau serve --read-only --features=contacts,history --confirm=never");
        assert_eq!(cli.options.read_only, Some(true));
        assert_eq!(cli.options.features.unwrap(), ["contacts", "history"]);
        let cli = parse("bureau --read-only=no key create --name x --workspace a --workspace b");
        assert_eq!(
            (cli.options.read_only, cli.options.workspace),
            (Some(false), vec!["a".into(), "b".into()])
        );
    }

    #[test]
    fn every_option_has_its_variable_in_the_help() {
        let mut command = full_command();
        let help = command.render_long_help().to_string();
        for argument in command
            .get_arguments()
            .filter(|argument| !["help", "version"].contains(&argument.get_id().as_str()))
        {
            let variable = argument.get_env().unwrap().to_str().unwrap();
            assert!(
                variable.starts_with("BUREAU_") && help.contains(variable),
                "{variable}"
            );
        }
    }

    #[test]
    fn every_command_has_its_page_in_the_documentation() {
        let pages = include_str!("../../docs/cli.md");
        for command in full_command().get_subcommands() {
            let heading = format!("## bureau {}\n", command.get_name());
            assert!(pages.contains(&heading), "docs/cli.md has no {heading:?}");
        }
    }

    #[test]
    fn a_keys_own_limits_are_those_on_the_line() {
        let matches = Cli::command()
            .try_get_matches_from(["bureau", "key", "create", "--name", "x", "--confirm=writes"])
            .unwrap();
        assert!(on_the_line(&matches, "confirm") && !on_the_line(&matches, "calls_per_hour"));
    }
}
