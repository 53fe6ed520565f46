//! `bureau install`: Bureau written into the configuration of a client, or taken out of it again.

mod client;
pub(crate) mod edit;
mod file;
mod show;

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use bureau_kernel::caller::ConfirmPolicy;
use bureau_kernel::store::Database;
use clap::Args;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};

use self::client::{Client, Places, Platform, Scope};
use self::edit::Refusal;
use super::{Failure, Result, connect, print, usage};
use crate::boot;
use crate::config::{Config, Options};

/// The variable that a key travels in: other programs can read arguments, and not the environment.
const KEY: &str = "BUREAU_API_KEY";

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The client
    #[arg(value_enum)]
    client: Client,
    /// What the client calls this server
    #[arg(long, default_value = "bureau")]
    name: String,
    /// For whom [default: the project for claude-code and vscode, else the user]
    #[arg(long, value_enum)]
    scope: Option<Scope>,
    /// The client's configuration, where it is not in its usual place
    #[arg(long, value_name = "FILE")]
    config_file: Option<PathBuf>,
    /// Connect to a Bureau elsewhere instead of a database here
    #[arg(long)]
    url: Option<String>,
    /// Let the key go over http:// to another machine
    #[arg(long, requires = "url")]
    insecure: bool,
    /// Take the server out of the client's configuration
    #[arg(long, conflicts_with = "url")]
    remove: bool,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(config: &Config, options: &Options, arguments: &Arguments) -> Result<()> {
    check_name(&arguments.name)?;
    let path = path(arguments)?;
    let entry = if arguments.remove {
        None
    } else {
        Some(entry(config, options, arguments)?)
    };
    let section = arguments.client.section();
    // A link stays a link: what it leads to is changed, and the copy of that is kept where it is.
    let target = file::target(&path);
    if of_project(arguments) && leads_away(&target) {
        return Err(Failure::Failed(format!(
            "{} leads out of this project, to {}. Nothing was changed. If you mean that file, name it with --config-file.",
            path.display(),
            target.display()
        )));
    }
    let old = file::read(&target)?;
    let text = old.as_deref().unwrap_or_default();
    let edited = match &entry {
        Some(entry) => edit::set(text, section, &arguments.name, entry),
        // A file that is not there holds nothing that could be taken out.
        None if old.is_none() => Ok(String::new()),
        None => edit::remove(text, section, &arguments.name),
    };
    let new = match edited {
        Ok(new) => new,
        Err(refusal) => return Err(refuse(&path, &refusal, arguments, entry.as_ref())),
    };
    let changes = new != text;
    let secrets = show::secrets([text, &new]);
    let done = Done {
        arguments,
        path: &path,
        entry: entry.as_ref(),
        secrets: &secrets,
        changes,
    };
    if !changes {
        return done.say("It says so already: nothing to change.", None);
    }
    let said = |text: &str| {
        if arguments.json {
            print::note(text.trim_end());
            Ok(())
        } else {
            print::out(text)
        }
    };
    let colours = if arguments.json {
        print::colours(&io::stderr())
    } else {
        print::colours(&io::stdout())
    };
    // A program that wants JSON and does not ask reads no diff.
    if !arguments.json || !arguments.yes {
        said(&show::diff(&path, text, &new, &secrets, colours))?;
    }
    if arguments.dry_run {
        return done.say("Nothing was written.", None);
    }
    if !arguments.yes && !agreed()? {
        return Err(Failure::Failed("Nothing was written.".into()));
    }
    // Some clients write their own file while they run.
    if file::read(&target)? != old {
        return Err(Failure::Failed(format!(
            "{} was changed by another program meanwhile, so nothing was written. Run this again.",
            path.display()
        )));
    }
    let holds_key = text.contains(KEY) || new.contains(KEY);
    let backup = match &old {
        Some(old) => Some(file::keep_copy(&target, old)?),
        None => None,
    };
    file::replace(&target, &new, holds_key)?;
    let has_key = entry.as_ref().is_some_and(|entry| {
        entry
            .pointer("/env")
            .is_some_and(|env| env.get(KEY).is_some())
    });
    if has_key && of_project(arguments) {
        print::note(
            "The file holds the key now: keep it out of version control, or install with --scope user.",
        );
    }
    done.say(
        "Start the client again, and it is there.",
        backup.as_deref(),
    )
}

/// What there is to say at the end.
struct Done<'a> {
    arguments: &'a Arguments,
    path: &'a Path,
    entry: Option<&'a Value>,
    secrets: &'a [String],
    changes: bool,
}

impl Done<'_> {
    fn say(&self, text: &str, backup: Option<&Path>) -> Result<()> {
        if self.arguments.json {
            let mut entry = self.entry.cloned();
            if let Some(key) = entry.as_mut().and_then(|entry| entry.pointer_mut("/env")) {
                show::hide(key, self.secrets);
            }
            return print::json(&json!({
                "path": self.path,
                "changed": self.changes,
                "dry_run": self.arguments.dry_run,
                "backup": backup,
                "entry": entry,
            }));
        }
        let kept = backup.map(|backup| format!("The old file is kept as {}.\n", backup.display()));
        let text = if self.arguments.remove && self.changes && !self.arguments.dry_run {
            "It is taken out. Start the client again."
        } else {
            text
        };
        print::out(&format!(
            "{}: {text}\n{}",
            self.path.display(),
            kept.unwrap_or_default()
        ))
    }
}

/// Whether the file is the one that the project in this folder has for the client.
fn of_project(arguments: &Arguments) -> bool {
    let scope = arguments.scope.unwrap_or(arguments.client.default_scope());
    scope == Scope::Project && arguments.config_file.is_none()
}

/// Whether a file is outside of this folder. A project comes from anybody: a link in it may lead to the person's own files.
fn leads_away(target: &Path) -> bool {
    let here = std::env::current_dir().and_then(|here| here.canonicalize());
    !here.is_ok_and(|here| target.starts_with(here))
}

fn check_name(name: &str) -> Result<()> {
    let sound = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    if (1..=64).contains(&name.len()) && name.chars().all(sound) {
        return Ok(());
    }
    Err(Failure::Usage(
        "A server's --name is 1 to 64 of a-z, A-Z, 0-9, - and _.".into(),
    ))
}

fn path(arguments: &Arguments) -> Result<PathBuf> {
    let here = std::env::current_dir()
        .map_err(|error| Failure::Failed(format!("This folder cannot be read: {error}.")))?;
    if let Some(path) = &arguments.config_file {
        return Ok(here.join(path));
    }
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let places = Places::new(Platform::here(), here, variable);
    let scope = arguments.scope.unwrap_or(arguments.client.default_scope());
    arguments
        .client
        .file(scope, &places)
        .map_err(Failure::Usage)
}

/// What the client is told to start.
fn entry(config: &Config, options: &Options, arguments: &Arguments) -> Result<Value> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::Failed(format!("This program cannot be found: {error}.")))?;
    let (args, mut variables) = match &arguments.url {
        Some(url) => (
            elsewhere(config, options, url, arguments.insecure)?,
            Map::new(),
        ),
        None => here(config, options)?,
    };
    if let Some(key) = &config.api_key {
        variables.insert(KEY.into(), key.expose_secret().into());
    }
    let mut entry = Map::new();
    if arguments.client.names_type() {
        entry.insert("type".into(), "stdio".into());
    }
    entry.insert("command".into(), text(&program)?.into());
    entry.insert("args".into(), args.into());
    if !variables.is_empty() {
        entry.insert("env".into(), variables.into());
    }
    Ok(entry.into())
}

fn elsewhere(config: &Config, options: &Options, url: &str, insecure: bool) -> Result<Vec<String>> {
    if options.database.is_some() {
        return Err(Failure::Usage(
            "A Bureau elsewhere has its own database: give --url or --database.".into(),
        ));
    }
    // What the connection would refuse is refused now.
    connect::remote(config, url, insecure)?;
    let mut args = vec!["connect".to_owned(), url.to_owned()];
    if insecure {
        args.push("--insecure".into());
    }
    let mut add = |flag: &str, values: &[String]| {
        if !values.is_empty() {
            args.extend([flag.to_owned(), values.join(",")]);
        }
    };
    add("--workspace", &config.workspaces);
    add("--features", &config.selection.features);
    if config.read_only {
        args.push("--read-only".into());
    }
    Ok(args)
}

/// The groups that are on where nobody has said which: those by default, and those for whoever has no terminal.
fn installed(config: &Config) -> Option<String> {
    let selection = &config.selection;
    if !selection.features.is_empty() || selection.tools.is_some() {
        return None;
    }
    let names = crate::MODULES.iter().filter(|module| module.is_installed);
    let names: Vec<&str> = names.map(|module| module.name).collect();
    (!names.is_empty()).then(|| format!("default,{}", names.join(",")))
}

/// The arguments and variables of a server that the client starts itself: what was said for this command, because the
/// client will not say it.
fn here(config: &Config, options: &Options) -> Result<(Vec<String>, Map<String, Value>)> {
    boot::registry(config).map_err(usage)?;
    config.workspace()?;
    let mut args = vec!["stdio".to_owned()];
    let mut variables = Map::new();
    let mut add = |flag: &str, value: Option<String>| {
        if let Some(value) = value {
            args.extend([flag.to_owned(), value]);
        }
    };
    let list = |values: &Option<Vec<String>>| values.as_ref().map(|values| values.join(","));
    add(
        "--config",
        options.config.as_deref().map(whole).transpose()?,
    );
    match &config.database {
        _ if options.database.is_none() => {}
        Database::Sqlite(path) => add("--database", Some(format!("sqlite:{}", whole(path)?))),
        // Its address may hold a password.
        Database::Postgres(address) => {
            variables.insert("BUREAU_DATABASE_URL".into(), address.as_str().into());
        }
    }
    add(
        "--data-dir",
        options.data_dir.as_deref().map(whole).transpose()?,
    );
    add(
        "--documents-dir",
        options.documents_dir.as_deref().map(whole).transpose()?,
    );
    for folder in options.files_dirs.iter().flatten() {
        add("--files-dir", Some(whole(folder)?));
    }
    add("--workspace", options.workspace.first().cloned());
    add(
        "--features",
        list(&options.features).or_else(|| installed(config)),
    );
    add("--tools", list(&options.tools));
    add("--exclude-tools", list(&options.exclude_tools));
    let confirm = options.confirm.map(|policy| match policy {
        ConfirmPolicy::Never => "never",
        ConfirmPolicy::Destructive => "destructive",
        ConfirmPolicy::Writes => "writes",
    });
    add("--confirm", confirm.map(str::to_owned));
    add(
        "--calls-per-hour",
        options.calls_per_hour.map(|n| n.to_string()),
    );
    add("--connections", options.connections.map(|n| n.to_string()));
    let switches = [
        ("--read-only", options.read_only),
        ("--output-schemas", options.output_schemas),
    ];
    for (flag, value) in switches {
        match value {
            Some(true) => args.push(flag.into()),
            Some(false) => args.push(format!("{flag}=no")),
            None => {}
        }
    }
    Ok((args, variables))
}

/// A path that means the same wherever the client starts the program.
fn whole(path: &Path) -> Result<String> {
    let path = std::path::absolute(path)
        .map_err(|error| Failure::Usage(format!("{} is no path: {error}.", path.display())))?;
    text(&path)
}

fn text(path: &Path) -> Result<String> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        Failure::Failed(format!(
            "{} is not plain text, so no configuration can hold it.",
            path.display()
        ))
    })
}

/// Says why the file is left alone, and what to write into it by hand.
fn refuse(path: &Path, refusal: &Refusal, arguments: &Arguments, entry: Option<&Value>) -> Failure {
    let path = path.display();
    let why = match refusal {
        Refusal::NotJson(error) => format!(
            "{path} is not plain JSON ({error}). It may hold comments or be cut off; rewritten, comments would be lost"
        ),
        Refusal::NotAnObject(what) => {
            format!("{path} is not as a configuration is: {what} is no object")
        }
        Refusal::Unsure => format!("{path} cannot be changed without harm"),
    };
    print::note(&format!("bureau: {why}. Nothing was written."));
    let section = arguments.client.section();
    match entry {
        Some(entry) => {
            let mut entry = entry.clone();
            if let Some(key) = entry.pointer_mut(&format!("/env/{KEY}")) {
                *key = "YOUR-KEY".into();
            }
            let entry = json!({ (arguments.name.as_str()): entry });
            print::note(&format!("By hand, put this into `{section}`:\n\n{entry:#}"));
        }
        None => print::note(&format!(
            "By hand, take `{}` out of `{section}`.",
            arguments.name
        )),
    }
    Failure::Said
}

/// Asks the person at the terminal.
fn agreed() -> Result<bool> {
    if !io::stdin().is_terminal() {
        return Err(Failure::Usage(
            "Nobody is there to be asked. Say --yes to write it, or --dry-run to look only.".into(),
        ));
    }
    // Who cannot be heard has not agreed.
    Ok(print::ask("Write this?").unwrap_or(false))
}
