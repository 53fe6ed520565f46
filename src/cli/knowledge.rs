//! `bureau knowledge sync`: keeps documents of the knowledge base in step with a folder of files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bureau_kernel::record::Cx;
use bureau_knowledge::sync::{Action, Incoming, Plan, carry_out, plan};
use clap::{Args, Subcommand};
use serde_json::json;

use super::progress::Progress;
use super::{Failure, Result, print};
use crate::boot;
use crate::config::Config;

/// Steps that are written together.
const TOGETHER: usize = 100;
/// Bytes of the longest file that is read.
const LONGEST: u64 = 20 * 1024 * 1024;
/// Files of the largest folder.
const MOST: usize = 50_000;

#[derive(Subcommand, Debug)]
pub(super) enum Command {
    /// Bring in the Markdown, text, PDF and Word files of a folder: new and changed ones, moved ones; those that are gone are deleted restorably
    Sync(Arguments),
}

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The folder
    folder: PathBuf,
    /// What the folder is called: by this its documents are known the next time [default: its own name]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Show what would be done and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(config: &Config, command: Command) -> Result<()> {
    let Command::Sync(arguments) = command;
    let (name, files, unread) = read(&arguments)?;
    let registry = boot::whole_registry()?;
    let store = boot::store(config).await?;
    let done = async {
        let dispatcher = boot::server_dispatcher(config, store.clone(), registry)?;
        let caller = super::caller(config, &dispatcher, config.workspace()?).await?;
        let app = Arc::clone(dispatcher.app());
        let done = async {
            let look = async |cx: &mut Cx| plan(cx, &name, &files).await;
            let mut plan = app.read(&caller, look).await?;
            let known = |path: &str| unread.iter().any(|(other, _)| other == path);
            plan.refused.retain(|(path, _)| !known(path));
            plan.refused.extend(unread);
            if files.is_empty() && !plan.steps.is_empty() {
                return Err(Failure::Usage(format!(
                    "There is no file in {} that could be read, and {} documents of it would be deleted. Is it the right folder?",
                    arguments.folder.display(),
                    plan.steps.len()
                )));
            }
            if arguments.dry_run || plan.steps.is_empty() {
                return Ok((plan, None));
            }
            let batch = dispatcher.batch(&caller, "sync_documents").await?;
            let change = batch.change();
            print::note(&format!("Writing as {change}."));
            let progress = Progress::begin("Writing", Some(plan.steps.len() as u64));
            for steps in plan.steps.chunks(TOGETHER) {
                app.run_in(&batch, async |cx: &mut Cx| carry_out(cx, steps).await)
                    .await?;
                progress.advance(steps.len() as u64);
            }
            Ok((plan, Some(change.to_string())))
        }
        .await;
        dispatcher.app().close().await;
        done
    }
    .await;
    store.close().await;
    let (plan, change) = done?;
    say(&arguments, &plan, change.as_deref())
}

/// The name of the folder, what was read of it, and what could not be.
type Files = (String, Vec<Incoming>, Vec<(String, String)>);

fn read(arguments: &Arguments) -> Result<Files> {
    let unusable = |error: std::io::Error| {
        Failure::Usage(format!(
            "{} cannot be read: {error}.",
            arguments.folder.display()
        ))
    };
    let root = arguments.folder.canonicalize().map_err(unusable)?;
    let own = root
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let name = arguments.name.clone().or(own).unwrap_or_default();
    if name.trim().is_empty() || name.contains(':') {
        return Err(Failure::Usage(
            "Give the folder a --name without a colon.".into(),
        ));
    }
    let mut paths = Vec::new();
    collect(&root, &mut paths).map_err(unusable)?;
    paths.sort();
    if paths.len() > MOST {
        return Err(Failure::Usage(format!(
            "There are more than {MOST} files in it."
        )));
    }
    let progress = Progress::begin("Reading", Some(paths.len() as u64));
    let (mut files, mut unread) = (Vec::new(), Vec::new());
    for path in paths {
        let within = path.strip_prefix(&root).unwrap_or(&path);
        let parts: Vec<_> = within.iter().map(|part| part.to_string_lossy()).collect();
        let within = parts.join("/");
        match text_of(&path) {
            Ok(text) => files.push(Incoming { path: within, text }),
            Err(why) => {
                // It stands there without a text, so that its document is not taken for gone.
                files.push(Incoming {
                    path: within.clone(),
                    text: String::new(),
                });
                unread.push((within, why));
            }
        }
        progress.advance(1);
    }
    Ok((name, files, unread))
}

/// The files below a folder that have text, without what is hidden. Links are not followed.
fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if kind.is_dir() {
            collect(&entry.path(), paths)?;
        } else if kind.is_file() && format_of(&entry.path()).is_some() {
            paths.push(entry.path());
        }
    }
    Ok(())
}

/// How a file says what it says.
enum Format {
    Text,
    #[cfg(feature = "files")]
    Words(&'static str),
}

fn format_of(path: &Path) -> Option<Format> {
    let end = path.extension()?.to_string_lossy().to_lowercase();
    match end.as_str() {
        "md" | "markdown" | "txt" => Some(Format::Text),
        #[cfg(feature = "files")]
        "pdf" => Some(Format::Words("application/pdf")),
        #[cfg(feature = "files")]
        "docx" => Some(Format::Words(
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        )),
        #[cfg(feature = "files")]
        "odt" => Some(Format::Words("application/vnd.oasis.opendocument.text")),
        _ => None,
    }
}

/// What a file says; in words, why nothing.
fn text_of(path: &Path) -> std::result::Result<String, String> {
    let failed = |error: std::io::Error| format!("cannot be read: {error}");
    if std::fs::metadata(path).map_err(failed)?.len() > LONGEST {
        return Err(format!("is longer than {} MB", LONGEST / 1024 / 1024));
    }
    match format_of(path) {
        #[cfg(feature = "files")]
        Some(Format::Words(media_type)) => words_of(path, media_type),
        _ => {
            let bytes = std::fs::read(path).map_err(failed)?;
            String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())
        }
    }
}

/// The words of a file that is no text itself, read by a process of its own, whose memory and time are bounded.
#[cfg(feature = "files")]
fn words_of(path: &Path, media_type: &str) -> std::result::Result<String, String> {
    let failed = |error: std::io::Error| format!("cannot be read: {error}");
    let file = std::fs::File::open(path).map_err(failed)?;
    let program = std::env::current_exe().map_err(failed)?;
    let read = std::process::Command::new(program)
        .args(["read-words", media_type])
        .env_clear()
        .stdin(file)
        .output()
        .map_err(failed)?;
    let words = String::from_utf8_lossy(&read.stdout);
    // Each line is a paragraph there.
    let paragraphs: Vec<&str> = words
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    if paragraphs.is_empty() {
        return Err("has no text, as of pages that were scanned".into());
    }
    Ok(paragraphs.join("\n\n"))
}

fn say(arguments: &Arguments, plan: &Plan, change: Option<&str>) -> Result<()> {
    let count = |action| {
        plan.steps
            .iter()
            .filter(|step| step.action == action)
            .count()
    };
    let counts = [
        ("created", count(Action::Create)),
        ("updated", count(Action::Update)),
        ("moved", count(Action::Move)),
        ("removed", count(Action::Remove)),
        ("unchanged", plan.unchanged),
    ];
    if arguments.json {
        let mut answer: serde_json::Map<_, _> = counts
            .iter()
            .map(|(what, count)| ((*what).to_owned(), json!(count)))
            .collect();
        let refused = plan
            .refused
            .iter()
            .map(|(path, why)| json!({ "path": path, "reason": why }));
        answer.insert("refused".into(), refused.collect());
        answer.insert("dry_run".into(), arguments.dry_run.into());
        answer.insert("change".into(), json!(change));
        return print::json(&answer);
    }
    let mut text = String::new();
    if arguments.dry_run {
        for step in &plan.steps {
            let action = format!("{:?}", step.action).to_lowercase();
            text.push_str(&format!("{action} {}\n", step.path));
        }
    }
    for (path, why) in &plan.refused {
        text.push_str(&format!("{path} {why}\n"));
    }
    let counts: Vec<String> = counts
        .iter()
        .map(|(what, count)| format!("{count} {what}"))
        .collect();
    text.push_str(&format!(
        "{}, {} refused.",
        counts.join(", "),
        plan.refused.len()
    ));
    match change {
        Some(change) => text.push_str(&format!(" Undo: bureau undo {change}")),
        None if arguments.dry_run => text.push_str(" Nothing was written."),
        None => {}
    }
    print::out(&text)
}
