//! `bureau export`: takes records out as CSV, as JSON or as an Excel workbook.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use bureau_kernel::error::{Code, Error};
use bureau_kernel::export::{self, Kind, PART, Sheet};
use bureau_kernel::record::{AnyRecord, Cx, Read as Part, Wanted};
use bureau_kernel::registry::Registry;
use bureau_kernel::types::text::nearest;
use bureau_kernel::types::time::{DayEdge, LocalTime, When};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::progress::Progress;
use super::{Failure, Result, print, usage};
use crate::boot;
use crate::config::Config;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// What to take out, in the plural
    what: String,
    /// Where to write it; made anew [default: stdout]
    file: Option<PathBuf>,
    /// What to write [default: csv; of a FILE.xlsx a workbook]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Only what was changed since: 2026-11-20, -30d, start of month
    #[arg(long, allow_hyphen_values = true)]
    since: Option<String>,
    /// Only what is dated this day or later: invoices by their date of issue, payments by the day they were paid
    #[arg(long, value_name = "DAY", allow_hyphen_values = true)]
    dated_after: Option<String>,
    /// Only what is dated this day or earlier
    #[arg(long, value_name = "DAY", allow_hyphen_values = true)]
    dated_before: Option<String>,
    /// Only these statuses, such as open or paid
    #[arg(long, value_delimiter = ',')]
    status: Vec<String>,
    /// What was deleted as well
    #[arg(long)]
    include_archived: bool,
    /// Print JSON about what was written
    #[arg(long, requires = "file")]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table for spreadsheets; `bureau import` reads it
    Csv,
    /// One JSON object on each line
    Jsonl,
    /// A list of JSON objects
    Json,
    /// An Excel workbook, into a file; `bureau import` reads it
    Xlsx,
}

impl Arguments {
    /// What is written.
    fn format(&self) -> Result<Format> {
        let named = self.file.as_ref().and_then(|file| file.extension());
        let is_workbook = named.is_some_and(|named| named.eq_ignore_ascii_case("xlsx"));
        match self.format {
            None if is_workbook => Ok(Format::Xlsx),
            Some(Format::Xlsx) if self.file.is_none() => Err(Failure::Usage(
                "A workbook is written into a file: name one.".into(),
            )),
            format => Ok(format.unwrap_or(Format::Csv)),
        }
    }
}

impl From<Format> for export::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Csv => Self::Csv,
            Format::Jsonl => Self::Jsonl,
            Format::Json => Self::Json,
            Format::Xlsx => Self::Xlsx,
        }
    }
}

pub(super) async fn run(config: &Config, arguments: Arguments) -> Result<()> {
    let registry = boot::whole_registry()?;
    let format = arguments.format()?;
    let kind = find(&registry, &arguments.what)?;
    let store = boot::store(config).await?;
    let done = async {
        let dispatcher = boot::call_dispatcher(config, store.clone(), registry.clone())?;
        let caller = super::caller(config, &dispatcher, config.workspace()?).await?;
        let permission = kind.record.access().read;
        if !caller.may(permission) {
            let name = permission.name();
            let error = Error::new(Code::Forbidden, format!("This key does not hold {name}."));
            return Err(error
                .hint("Use another key, or none beside the data.")
                .into());
        }
        let time = LocalTime {
            now: bureau_kernel::types::time::now(),
            zone: caller.workspace.time_zone,
        };
        let wanted = wanted(&arguments, kind, time)?;
        let read = Read {
            dispatcher: &dispatcher,
            caller: &caller,
            kind,
            wanted,
        };
        match &arguments.file {
            Some(file) => to_file(&read, file, format, &arguments).await,
            None => {
                let mut out = BufWriter::new(io::stdout());
                read.write(&mut out, format).await?.complete()
            }
        }
    }
    .await;
    store.close().await;
    done
}

/// Which of them are asked for.
fn wanted(arguments: &Arguments, kind: Kind, time: LocalTime) -> Result<Wanted> {
    let said = |flag: &str, text: &Option<String>| -> Result<Option<When>> {
        let wrong = |wrong: &str| Failure::Usage(format!("--{flag} {wrong}."));
        let when = text.as_deref().map(str::parse).transpose();
        when.map_err(|error: &str| wrong(error))
    };
    let outside =
        |flag: &str| Failure::Usage(format!("--{flag} lies outside of the years 1900 to 2200."));
    let day = |flag: &str, text: &Option<String>| {
        let when = said(flag, text)?;
        let day = when.map(|when| when.date(time.now, time.zone).ok_or_else(|| outside(flag)));
        day.transpose()
    };
    let since = said("since", &arguments.since)?.map(|when| {
        let moment = when.moment(time.now, time.zone, DayEdge::Start);
        moment.ok_or_else(|| outside("since"))
    });
    let mut statuses = Vec::new();
    for status in &arguments.status {
        statuses.extend(kind.record.statuses(status, time).map_err(usage)?);
    }
    let wanted = Wanted {
        since: since.transpose()?,
        archived: arguments.include_archived,
        statuses,
        from: day("dated-after", &arguments.dated_after)?,
        until: day("dated-before", &arguments.dated_before)?,
        parts: false,
    };
    kind.check(wanted).map_err(usage)
}

/// What is called so: in the plural or the singular, or the group that is about it.
fn find(registry: &Registry, name: &str) -> Result<Kind> {
    if let Some(kind) = export::find(registry.records(), name) {
        return Ok(kind);
    }
    let asked = name.trim().to_lowercase();
    // A group that is called otherwise, such as invoicing, is about the kind whose name begins most like it.
    let alike = |kind: &&&'static dyn AnyRecord| {
        let pairs = kind.noun().chars().zip(asked.chars());
        pairs.take_while(|(a, b)| a == b).count()
    };
    let mut modules = registry.modules().iter();
    let module = modules.find(|module| module.name == asked);
    if let Some(kind) = module.and_then(|module| module.records.iter().max_by_key(alike)) {
        return Ok(Kind::of(*kind));
    }
    let names = kinds(registry);
    let meant = match nearest(&asked, names.iter().map(String::as_str)) {
        Some(name) => format!("Did you mean {name}?"),
        None => format!("There are: {}.", names.join(", ")),
    };
    let message = format!("Nothing is called {name:?} that could be exported. {meant}");
    Err(Failure::Usage(message))
}

/// What can be exported, in the plural.
pub(super) fn kinds(registry: &Registry) -> Vec<String> {
    let kinds = export::kinds(registry.records());
    kinds.iter().map(Kind::name).collect()
}

/// The whole file or, with an error, none: what stood there before is replaced at the end.
async fn to_file(
    read: &Read<'_>,
    path: &Path,
    format: Format,
    arguments: &Arguments,
) -> Result<()> {
    let failed = |error: io::Error| {
        Failure::Failed(format!("{} cannot be written: {error}.", path.display()))
    };
    let mut name = path
        .file_name()
        .ok_or_else(|| Failure::Usage(format!("{} is no name of a file.", path.display())))?
        .to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let written = async {
        let mut options = File::options();
        options.write(true).create(true).truncate(true);
        // Only the owner may read what holds the firm's data.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut out = BufWriter::new(options.open(&part).map_err(failed)?);
        let written = read.write(&mut out, format).await?;
        let file = out
            .into_inner()
            .map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(failed)?;
        std::fs::rename(&part, path).map_err(failed)?;
        Ok(written)
    }
    .await;
    let written = match written {
        Ok(written) => written,
        Err(error) => {
            let _ = std::fs::remove_file(&part);
            return Err(error);
        }
    };
    let count = written.records;
    if arguments.json {
        let file = path.display().to_string();
        print::json(&json!({
            "what": arguments.what,
            "records": count,
            "file": file,
            "unreadable": written.unreadable,
        }))?;
    } else {
        print::out(&format!(
            "{count} {} are in {}.",
            arguments.what,
            path.display()
        ))?;
    }
    written.complete()
}

/// What was written.
#[derive(Default)]
struct Written {
    records: u64,
    /// The identifiers of those that could not be read.
    unreadable: Vec<String>,
}

impl Written {
    /// An export that leaves something out has not done what it was asked.
    fn complete(self) -> Result<()> {
        if self.unreadable.is_empty() {
            return Ok(());
        }
        Err(Failure::Failed(format!(
            "It is not complete. These records cannot be read, because their rows in the database are damaged: {}. All \
             others were written. `bureau doctor` says more.",
            self.unreadable.join(", ")
        )))
    }
}

/// What is taken out.
struct Read<'a> {
    dispatcher: &'a bureau_kernel::dispatch::Dispatcher,
    caller: &'a bureau_kernel::caller::Caller,
    kind: Kind,
    wanted: Wanted,
}

impl Read<'_> {
    /// Writes all of it that can be read, and says what that was.
    async fn write(&self, out: &mut impl Write, format: Format) -> Result<Written> {
        let progress = Progress::begin("Exporting", None);
        let (app, wanted) = (self.dispatcher.app(), &self.wanted);
        let columns = async |cx: &mut Cx| export::columns(cx, self.kind, wanted).await;
        let columns = app.read(self.caller, columns).await?;
        let sheet = Sheet::begin(format.into(), columns, out);
        let mut sheet = sheet.map_err(|error| unwritten(&error))?;
        let (mut after, mut written) = (i64::MIN, Written::default());
        loop {
            let part = async |cx: &mut Cx| export::part(cx, self.kind, wanted, after, PART).await;
            let Part {
                found,
                unreadable,
                last,
            } = app.read(self.caller, part).await?;
            sheet.add(&found, out).map_err(|error| unwritten(&error))?;
            let ids = unreadable
                .iter()
                .filter_map(|error| error.detail_value("record"));
            let ids = ids.filter_map(|id| id.as_str().map(str::to_owned));
            written.unreadable.extend(ids);
            progress.advance(found.len() as u64);
            match last {
                Some(last) => after = last,
                None => break,
            }
        }
        sheet.end(out).map_err(|error| unwritten(&error))?;
        written.records = sheet.rows;
        Ok(written)
    }
}

fn unwritten(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::Unread,
        _ => Failure::Failed(format!("It cannot be written: {error}.")),
    }
}
