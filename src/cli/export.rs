//! `bureau export`: takes records out as CSV or as lines of JSON.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use bureau_kernel::error::{Code, Error};
use bureau_kernel::export;
use bureau_kernel::import::escaped;
use bureau_kernel::record::Cx;
use bureau_kernel::record::Wanted;
use bureau_kernel::record::{AnyRecord, Read as Part};
use bureau_kernel::registry::Registry;
use bureau_kernel::types::text::{nearest, plural};
use bureau_kernel::types::time::{DayEdge, When};
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::progress::Progress;
use super::{Failure, Result, print};
use crate::boot;
use crate::config::Config;

/// Records that are read at once.
const PART: i64 = 1_000;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// What to take out, in the plural
    what: String,
    /// Where to write it; made anew [default: stdout]
    file: Option<PathBuf>,
    /// What to write
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Only what was changed since: 2026-11-20, -30d, start of month
    #[arg(long, allow_hyphen_values = true)]
    since: Option<String>,
    /// What was deleted as well
    #[arg(long)]
    include_archived: bool,
    /// Print JSON about what was written
    #[arg(long, requires = "file")]
    json: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table for spreadsheets; `bureau import` reads it
    #[default]
    Csv,
    /// One JSON object on each line
    Jsonl,
}

pub(super) async fn run(config: &Config, arguments: Arguments) -> Result<()> {
    let registry = boot::whole_registry()?;
    let kind = find(&registry, &arguments.what)?;
    let store = boot::store(config).await?;
    let done = async {
        let dispatcher = boot::call_dispatcher(config, store.clone(), registry.clone())?;
        let caller = super::caller(config, &dispatcher, config.workspace()?).await?;
        let permission = kind.access().read;
        if !caller.may(permission) {
            let name = permission.name();
            let error = Error::new(Code::Forbidden, format!("This key does not hold {name}."));
            return Err(error
                .hint("Use another key, or none beside the data.")
                .into());
        }
        let since = arguments.since.as_deref().map(|text| {
            let wrong = |text: &str| Failure::Usage(format!("--since {text}."));
            let when: When = text.parse().map_err(wrong)?;
            let now = bureau_kernel::types::time::now();
            let moment = when.moment(now, caller.workspace.time_zone, DayEdge::Start);
            moment.ok_or_else(|| wrong("lies outside of the years 1900 to 2200"))
        });
        let wanted = Wanted {
            since: since.transpose()?,
            archived: arguments.include_archived,
        };
        let read = Read {
            dispatcher: &dispatcher,
            caller: &caller,
            kind,
            wanted,
        };
        match &arguments.file {
            Some(file) => to_file(&read, file, &arguments).await,
            None => {
                let mut out = BufWriter::new(io::stdout());
                read.write(&mut out, arguments.format).await?.complete()
            }
        }
    }
    .await;
    store.close().await;
    done
}

/// The kind of record of this name: in the plural or the singular, or the group that is about it.
fn find(registry: &Registry, name: &str) -> Result<&'static dyn AnyRecord> {
    if let Some(kind) = registry.records().record_called(name) {
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
        return Ok(*kind);
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
    let records = registry.records().all().iter();
    let mut names: Vec<String> = records.map(|kind| plural(kind.noun())).collect();
    names.sort_unstable();
    names
}

/// The whole file or, with an error, none: what stood there before is replaced at the end.
async fn to_file(read: &Read<'_>, path: &Path, arguments: &Arguments) -> Result<()> {
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
        let written = read.write(&mut out, arguments.format).await?;
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
    kind: &'static dyn AnyRecord,
    wanted: Wanted,
}

impl Read<'_> {
    /// Writes all of it that can be read, and says what that was.
    async fn write(&self, out: &mut impl Write, format: Format) -> Result<Written> {
        let progress = Progress::begin("Exporting", None);
        let columns = self
            .dispatcher
            .app()
            .read(self.caller, async |cx: &mut Cx| {
                export::columns(cx, self.kind, self.wanted).await
            });
        let columns = columns.await?;
        if format == Format::Csv {
            row(out, columns.iter().map(String::as_str))?;
        }
        let (mut after, mut written) = (i64::MIN, Written::default());
        loop {
            let part = self
                .dispatcher
                .app()
                .read(self.caller, async |cx: &mut Cx| {
                    export::part(cx, self.kind, self.wanted, after, PART).await
                });
            let Part {
                found,
                unreadable,
                last,
            } = part.await?;
            for record in &found {
                match format {
                    Format::Csv => {
                        let cells = columns.iter().map(|column| cell(record, column));
                        row(out, cells)?;
                    }
                    Format::Jsonl => {
                        let line = serde_json::to_string(record).map_err(Error::internal)?;
                        writeln!(out, "{line}").map_err(|error| unwritten(&error))?;
                    }
                }
            }
            written.records += found.len() as u64;
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
        out.flush().map_err(|error| unwritten(&error))?;
        Ok(written)
    }
}

fn unwritten(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::Unread,
        _ => Failure::Failed(format!("It cannot be written: {error}.")),
    }
}

/// One line of a table, as RFC 4180 has it.
fn row<T: AsRef<str>>(out: &mut impl Write, cells: impl Iterator<Item = T>) -> Result<()> {
    let mut line = String::new();
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            line.push(',');
        }
        let text = escaped(cell.as_ref());
        if text.contains([',', ';', '"', '\n', '\r', '\t']) {
            line.push('"');
            line.push_str(&text.replace('"', "\"\""));
            line.push('"');
        } else {
            line.push_str(&text);
        }
    }
    line.push_str("\r\n");
    out.write_all(line.as_bytes())
        .map_err(|error| unwritten(&error))
}

/// What stands in a column of a record.
fn cell(record: &Map<String, Value>, column: &str) -> String {
    let value = match column.strip_prefix("attributes.") {
        Some(name) => record.get("attributes").and_then(|all| all.get(name)),
        None => record.get(column),
    };
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => list(items),
        Some(other) => other.to_string(),
    }
}

/// The parts of a list, so that an import finds them again: with semicolons between them, or each on a line of its own
/// where one of them holds what would part it.
fn list(items: &[Value]) -> String {
    let texts: Vec<String> = items.iter().map(item).collect();
    if texts.iter().any(|text| text.contains([',', ';'])) {
        return texts.iter().map(|text| format!("{text}\n")).collect();
    }
    texts.join("; ")
}

/// A part of a list; of an object its text, with its type before it.
fn item(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(fields) => {
            let is_text = |(name, value): &(&String, &Value)| *name != "type" && value.is_string();
            let text = fields.iter().find(is_text);
            let text = text.and_then(|(_, value)| value.as_str());
            match (fields.get("type").and_then(Value::as_str), text) {
                (Some(kind), Some(text)) => format!("{kind}: {text}"),
                (None, Some(text)) => text.to_owned(),
                _ => value.to_string(),
            }
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_keeps_its_parts_apart() {
        for (items, text) in [
            (json!(["vip", "fair"]), "vip; fair"),
            (json!(["Berlin, north"]), "Berlin, north\n"),
            (json!(["a;b", "c"]), "a;b\nc\n"),
            (
                json!([{ "email": "a@b.example", "type": "work" }]),
                "work: a@b.example",
            ),
            (json!([{ "phone": "1", "type": null, "e164": "+1" }]), "1"),
        ] {
            assert_eq!(list(items.as_array().unwrap()), text);
        }
    }

    #[test]
    fn a_line_quotes_what_would_part_it() {
        let mut out = Vec::new();
        assert!(row(&mut out, ["a", "b,c", "say \"x\"", "=1"].into_iter()).is_ok());
        assert_eq!(out, b"a,\"b,c\",\"say \"\"x\"\"\",'=1\r\n");
    }

    /// The cells as a reader sees them that expects this sign between them, and knows quotation marks or not.
    fn seen(table: &[u8], sign: u8, quotes: bool) -> Vec<String> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(sign)
            .quoting(quotes)
            .from_reader(table);
        let records = reader.byte_records().map(Result::unwrap);
        let cells = records.flat_map(|record| {
            let cells = record.iter().map(String::from_utf8_lossy);
            cells.map(std::borrow::Cow::into_owned).collect::<Vec<_>>()
        });
        cells.collect()
    }

    proptest::proptest! {
        #[test]
        fn no_reader_sees_a_formula_wherever_it_thinks_that_cells_end(
            texts in proptest::collection::vec("[-=+@＝'\" ,;\t\r\nax1.]{0,10}", 0..6),
        ) {
            let mut table = Vec::new();
            // The first column of every export is the id, so no row begins with a text of others.
            let cells = std::iter::once("con_1").chain(texts.iter().map(String::as_str));
            proptest::prop_assert!(row(&mut table, cells).is_ok());
            for (sign, quotes) in [b',', b';', b'\t'].into_iter().flat_map(|sign| [(sign, true), (sign, false)]) {
                for cell in seen(&table, sign, quotes) {
                    let bare = cell.trim_start_matches([' ', '"']);
                    let number = cell.chars().all(|c| c.is_ascii_digit() || "+- .,()/\"".contains(c));
                    proptest::prop_assert!(
                        number || !bare.starts_with(['=', '+', '-', '@', '＝', '\t']),
                        "{cell:?} of {:?}", String::from_utf8_lossy(&table)
                    );
                }
            }
        }
    }
}
