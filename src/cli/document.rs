//! `bureau document`: an invoice, a credit note or a quotation as a file that can be sent.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bureau_kernel::dispatch::Dispatcher;
use bureau_kernel::error::{Code, Error};
use clap::{Args, ValueEnum};
use data_encoding::BASE64;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Failure, Result, print, usage};
use crate::boot;
use crate::config::Config;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// Its id or number
    document: String,
    /// What to write
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Where to write it; - for stdout [default: its number, here]
    #[arg(long, short)]
    output: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
    /// Print JSON about what was written
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A page to print or send
    #[default]
    Pdf,
    /// EN 16931 as UBL 2.1
    Ubl,
    /// EN 16931 as UN/CEFACT CII
    Cii,
    /// A PDF/A-3 with the CII inside
    Facturx,
}

impl Format {
    const fn name(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Ubl => "ubl",
            Self::Cii => "cii",
            Self::Facturx => "facturx",
        }
    }
}

/// The tools that answer documents, with the parameter that names one and how its identifiers begin.
const TOOLS: [(&str, &str, &str); 2] = [
    ("get_invoice", "invoice", "inv_"),
    ("get_quotation", "quotation", "quo_"),
];

/// A document as these tools answer it.
#[derive(Deserialize)]
struct Rendered {
    name: String,
    mime_type: String,
    content: String,
}

pub(super) async fn run(config: &Config, arguments: Arguments) -> Result<()> {
    // Which tools a server offers does not matter here; which of them a key may use does.
    let registry = boot::whole_registry()?;
    let store = boot::store(config).await?;
    let rendered = async {
        let dispatcher = boot::call_dispatcher(config, store.clone(), registry)?;
        render(config, &dispatcher, &arguments).await
    }
    .await;
    store.close().await;
    let rendered = rendered?;
    let content = if rendered.mime_type == "application/pdf" {
        let decoded = BASE64.decode(rendered.content.as_bytes());
        decoded.map_err(Error::internal)?
    } else {
        rendered.content.into_bytes()
    };
    if arguments.output.as_deref() == Some(Path::new("-")) {
        let mut stdout = io::stdout().lock();
        return match stdout.write_all(&content).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::Unread),
            Err(error) => Err(Failure::Failed(format!(
                "The document cannot be written: {error}."
            ))),
            Ok(()) => Ok(()),
        };
    }
    let path = arguments
        .output
        .unwrap_or_else(|| PathBuf::from(&rendered.name));
    write(&path, &content, arguments.force)?;
    let file = path.display();
    if arguments.json {
        let file = file.to_string();
        return print::json(
            &json!({ "file": file, "mime_type": rendered.mime_type, "bytes": content.len() }),
        );
    }
    print::out(&format!("{file} is written."))
}

/// Asks the tool whose document it is, or each in turn where it is known by its number.
async fn render(
    config: &Config,
    dispatcher: &Arc<Dispatcher>,
    arguments: &Arguments,
) -> Result<Rendered> {
    let caller = super::caller(config, dispatcher, config.workspace()?).await?;
    let mut refusal = None;
    for (tool, parameter, prefix) in TOOLS {
        let is_other = |(_, _, other): &(&str, &str, &str)| {
            *other != prefix && arguments.document.starts_with(other)
        };
        let is_there = dispatcher
            .registry()
            .entries()
            .any(|entry| entry.spec.name == tool);
        if !is_there || TOOLS.iter().any(is_other) {
            continue;
        }
        let input = Map::from_iter([
            (
                parameter.to_owned(),
                Value::from(arguments.document.as_str()),
            ),
            ("document".to_owned(), arguments.format.name().into()),
        ]);
        match super::call_tool(dispatcher, caller.clone(), tool.to_owned(), input).await {
            Ok(mut answer) => {
                let document = answer.pointer_mut("/data/document").map(Value::take);
                let rendered = serde_json::from_value(document.unwrap_or_default());
                return Ok(rendered.map_err(Error::internal)?);
            }
            // It may be the other one's.
            Err(error) if [Code::NotFound, Code::Forbidden].contains(&error.code()) => {
                let is_better = error.code() == Code::Forbidden;
                if is_better || refusal.is_none() {
                    refusal = Some(error);
                }
            }
            Err(error) => return Err(usage(error)),
        }
    }
    let refusal = refusal.filter(|error| error.code() != Code::NotFound);
    Err(refusal
        .unwrap_or_else(|| Error::not_found("invoice or quotation", &arguments.document))
        .into())
}

/// Writes the whole file or, with an error, none.
fn write(path: &Path, content: &[u8], force: bool) -> Result<()> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::Failed(format!(
            "{} is there already. Say --force to replace it, or --output to name another.",
            path.display()
        )),
        _ => Failure::Failed(format!("{} cannot be written: {error}.", path.display())),
    };
    let mut options = File::options();
    options.write(true);
    // Only the owner may read what holds the firm's data.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    if !force {
        let mut file = options.create_new(true).open(path).map_err(failed)?;
        let written = file.write_all(content).and_then(|()| file.sync_all());
        return written.map_err(|error| {
            let _ = std::fs::remove_file(path);
            failed(error)
        });
    }
    let mut name = path
        .file_name()
        .ok_or_else(|| Failure::Usage(format!("{} is no name of a file.", path.display())))?
        .to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let replaced = options
        .create(true)
        .truncate(true)
        .open(&part)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&part, path));
    replaced.map_err(|error| {
        let _ = std::fs::remove_file(&part);
        failed(error)
    })
}
