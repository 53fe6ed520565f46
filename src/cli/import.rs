//! `bureau import`: brings the rows of a file in as records, as one change.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::Dispatcher;
use bureau_kernel::error::{Code, Error};
use bureau_kernel::import::{
    AnyImport, Encoding, Layout, Mapping, OnDuplicate, Plan, Preview, Rejected, Table, Totals,
    day_format, guarded, said_of_column,
};
use bureau_kernel::record::Cx;
use bureau_kernel::store::log::Change;
use bureau_kernel::types::id::Id;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::progress::Progress;
use super::{Failure, Result, print, usage};
use crate::boot;
use crate::config::Config;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// What the rows are, in the plural
    what: String,
    /// A CSV file or an Excel workbook (.xlsx) whose first row has the headers, or vCards
    file: PathBuf,
    /// Which field a column is: "Header=field"; "Header=" leaves it out. Can be repeated
    #[arg(long, value_name = "HEADER=FIELD", value_parser = mapping_override)]
    map: Vec<(String, String)>,
    /// Show what would be done and write nothing
    #[arg(long, conflicts_with = "yes")]
    preview: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// What to do with a row whose record is there already
    #[arg(long, value_enum, default_value_t)]
    on_duplicate: Choice,
    /// Which sheet of a workbook [default: the first that has rows]
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
    /// How the file is encoded [default: what it looks like]
    #[arg(long, value_enum)]
    encoding: Option<Encoded>,
    /// What stands between cells: , ; or tab [default: what it looks like]
    #[arg(long, value_parser = delimiter)]
    delimiter: Option<u8>,
    /// What stands before the decimals of a number: . or ,
    #[arg(long, value_parser = decimal, default_value = ".")]
    decimal: char,
    /// How days are written, such as DD.MM.YYYY
    #[arg(long, value_name = "FORMAT", default_value = "YYYY-MM-DD")]
    date_format: String,
    /// Overwrite the file of rejected rows
    #[arg(long)]
    force: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Choice {
    /// Leave the record as it is
    #[default]
    Skip,
    /// Write what the row says into the record
    Update,
    /// Make another record
    Create,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Encoded {
    /// Unicode
    #[value(name = "utf-8")]
    Utf8,
    /// What Windows wrote in Western Europe
    #[value(name = "windows-1252")]
    Windows1252,
}

fn mapping_override(text: &str) -> std::result::Result<(String, String), String> {
    said_of_column(text)
        .ok_or_else(|| "write \"Header=field\", or \"Header=\" to leave a column out".into())
}

fn delimiter(text: &str) -> std::result::Result<u8, String> {
    match text {
        "," => Ok(b','),
        ";" => Ok(b';'),
        "|" => Ok(b'|'),
        "\t" | "tab" => Ok(b'\t'),
        _ => Err("is one of , ; | and tab".into()),
    }
}

fn decimal(text: &str) -> std::result::Result<char, String> {
    match text {
        "." => Ok('.'),
        "," => Ok(','),
        _ => Err("is . or ,".into()),
    }
}

pub(super) async fn run(config: &Config, arguments: Arguments) -> Result<()> {
    let registry = boot::whole_registry()?;
    let import = registry.import_called(&arguments.what).map_err(usage)?;
    let encoding = arguments.encoding.map(|encoding| match encoding {
        Encoded::Utf8 => Encoding::Utf8,
        Encoded::Windows1252 => Encoding::Windows1252,
    });
    let layout = Layout {
        encoding,
        delimiter: arguments.delimiter,
        sheet: arguments.sheet.clone(),
        decimal: arguments.decimal,
        days: day_format(&arguments.date_format),
    };
    let table = Table::open(&arguments.file, &layout).map_err(usage)?;
    import.check(&table).map_err(usage)?;
    let asks = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    if !(arguments.preview || arguments.yes || asks) {
        return Err(Failure::Usage(
            "Nobody can be asked here: say --yes to import, or --preview to see what would be done.".into(),
        ));
    }
    let rejects = Rejects::new(&arguments.file, &table, arguments.force);
    if !arguments.preview {
        rejects.check()?;
    }
    let store = boot::store(config).await?;
    let done = async {
        let dispatcher = if arguments.preview {
            boot::call_dispatcher(config, store.clone(), Arc::clone(&registry))?
        } else {
            boot::server_dispatcher(config, store.clone(), Arc::clone(&registry))?
        };
        let caller = super::caller(config, &dispatcher, config.workspace()?).await?;
        let work = Work {
            dispatcher: &dispatcher,
            caller: &caller,
            import,
            table: &table,
            arguments: &arguments,
        };
        let done = work.run(rejects, asks).await;
        dispatcher.app().close().await;
        done
    }
    .await;
    store.close().await;
    done
}

/// One import.
struct Work<'a> {
    dispatcher: &'a Arc<Dispatcher>,
    caller: &'a Caller,
    import: &'static dyn AnyImport,
    table: &'a Table,
    arguments: &'a Arguments,
}

impl Work<'_> {
    async fn run(&self, rejects: Rejects, asks: bool) -> Result<()> {
        let plan = self.plan().await?;
        if self.arguments.preview {
            let preview = self.preview(&plan).await?;
            return self.show(&plan, &preview);
        }
        if !self.arguments.yes && asks {
            let preview = self.preview(&plan).await?;
            print::note(&self.describe(&plan, &preview));
            if !print::ask("Import?")
                .map_err(|error| Failure::Failed(format!("The answer cannot be read: {error}.")))?
            {
                return Err(Failure::Failed("Nothing was imported.".into()));
            }
        }
        self.import(&plan, rejects).await
    }

    /// How the file is read, as far as this caller may.
    async fn plan(&self) -> Result<Plan> {
        let on_duplicate = match self.arguments.on_duplicate {
            Choice::Skip => OnDuplicate::Skip,
            Choice::Update => OnDuplicate::Update,
            Choice::Create => OnDuplicate::Create,
        };
        for permission in self.import.permissions(on_duplicate) {
            if !self.caller.may(permission) {
                let name = permission.name();
                return Err(
                    Error::new(Code::Forbidden, format!("This key does not hold {name}."))
                        .hint("Use another key, or none beside the data.")
                        .into(),
                );
            }
        }
        let (headers, overrides) = (&self.table.headers, &self.arguments.map);
        let mapping = async |cx: &mut Cx| {
            let mapping = self.import.mapping(cx, headers, overrides).await?;
            mapping.map_err(|why| why.error())
        };
        let mapping = self.dispatcher.app().read(self.caller, mapping).await;
        Ok(Plan {
            mapping: mapping.map_err(usage)?,
            on_duplicate,
            decimal: self.arguments.decimal,
            days: day_format(&self.arguments.date_format),
        })
    }

    /// What became of the rows, and of which sheet they are.
    fn counts(&self, totals: &Totals) -> Value {
        let mut counts = json!(totals);
        if let (Some((sheet, others)), Value::Object(counts)) = (self.table.sheet(), &mut counts) {
            counts.insert("sheet".into(), sheet.into());
            counts.insert("other_sheets".into(), json!(others));
        }
        counts
    }

    async fn preview(&self, plan: &Plan) -> Result<Preview> {
        let progress = Progress::begin("Looking", Some(self.table.count));
        let mut on_progress = |rows: u64, _: &[Rejected]| {
            progress.advance(rows);
            Ok(())
        };
        let mut rows = self.table.rows()?;
        let preview = self.import.preview(
            self.dispatcher.app(),
            self.caller,
            plan,
            &mut rows,
            &mut on_progress,
        );
        Ok(preview.await?)
    }

    fn show(&self, plan: &Plan, preview: &Preview) -> Result<()> {
        if !self.arguments.json {
            return print::out(&self.describe(plan, preview));
        }
        let columns = plan.mapping.columns.iter().map(
            |column| json!({ "header": column.header, "field": plan.mapping.describe(column) }),
        );
        let rejected = preview
            .rejected
            .iter()
            .map(|one| json!({ "line": one.row.line, "reason": one.reason }));
        let mut shown = self.counts(&preview.totals);
        if let Value::Object(shown) = &mut shown {
            shown.insert("preview".into(), true.into());
            shown.insert("columns".into(), columns.collect());
            shown.insert("first_records".into(), json!(preview.records));
            shown.insert("first_rejected".into(), rejected.collect());
        }
        print::json(&shown)
    }

    /// The preview for a person.
    fn describe(&self, plan: &Plan, preview: &Preview) -> String {
        let mut text = format!("{}\n\n", self.table.describe());
        text.push_str(&describe_mapping(&plan.mapping));
        if !preview.records.is_empty() {
            text.push_str("\nThe first as they would be stored:\n");
            for record in &preview.records {
                text.push_str(&format!("  {}\n", json!(record)));
            }
        }
        if !preview.rejected.is_empty() {
            text.push_str("\nThe first that would be rejected:\n");
            for one in &preview.rejected {
                text.push_str(&format!("  line {}: {}\n", one.row.line, one.reason));
            }
        }
        let totals = &preview.totals;
        text.push_str(&format!(
            "\n{} to create, {} to update, {} there already and left alone, {} to be rejected.",
            totals.created, totals.updated, totals.skipped, totals.rejected
        ));
        text.push_str(&describe_warnings(totals));
        text
    }

    async fn import(&self, plan: &Plan, mut rejects: Rejects) -> Result<()> {
        let batch = self
            .dispatcher
            .batch(self.caller, self.import.tool())
            .await?;
        let change = batch.change();
        // Said before anything is written: whatever becomes of this process, it can be taken back.
        print::note(&format!("Importing as {change}."));
        let mut totals = Totals::default();
        if self.table.count > 0 {
            let progress = Progress::begin("Importing", Some(self.table.count));
            let mut on_progress = |rows: u64, rejected: &[Rejected]| {
                progress.advance(rows);
                rejects.add(rejected)
            };
            let mut rows = self.table.rows()?;
            let done = self
                .import
                .run(
                    self.dispatcher.app(),
                    &batch,
                    plan,
                    &mut rows,
                    &mut on_progress,
                )
                .await;
            totals = done.map_err(|error| interrupted(&error, change))?;
        }
        self.wait_for_index().await?;
        let rejects_file = (totals.rejected > 0).then(|| rejects.path.display().to_string());
        let changed = totals.created + totals.updated > 0;
        if self.arguments.json {
            let mut answer = self.counts(&totals);
            if let Value::Object(answer) = &mut answer {
                answer.insert("rejects_file".into(), json!(rejects_file));
                answer.insert("change".into(), json!(changed.then_some(change)));
            }
            return print::json(&answer);
        }
        let mut text = format!(
            "{} created, {} updated, {} there already and left alone, {} rejected.",
            totals.created, totals.updated, totals.skipped, totals.rejected
        );
        text.push_str(&describe_warnings(&totals));
        if let Some((_, others)) = self.table.sheet()
            && !others.is_empty()
            && let Some(described) = self.table.describe_sheet()
        {
            text.push_str(&format!("\n{described}"));
        }
        if let Some(file) = rejects_file {
            text.push_str(&format!(
                "\nThe rejected rows, with the reasons, are in {file}."
            ));
        }
        if changed {
            text.push_str(&format!("\nbureau undo {change} takes all of it back."));
        }
        print::out(&text)
    }

    /// Waits until what was imported is found, where this process keeps the index.
    async fn wait_for_index(&self) -> Result<()> {
        let Some(search) = &self.dispatcher.app().search else {
            return Ok(());
        };
        let app = self.dispatcher.app();
        let Some(end) = app.own_last_position(self.caller).await? else {
            return Ok(());
        };
        let progress = Progress::begin("Indexing", None);
        // Another process that keeps it does so whether this one waits or not; and an index that does not get on is no
        // reason to wait for ever.
        const PATIENCE: Duration = Duration::from_secs(30);
        let workspace = self.caller.workspace.id.raw();
        let (mut reached, mut since) = (0, Instant::now());
        loop {
            let status = search.status();
            let is_found = search.has_reached(workspace, end);
            if !status.holder || is_found || since.elapsed() > PATIENCE {
                break;
            }
            if status.rows > reached {
                (reached, since) = (status.rows, Instant::now());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        drop(progress);
        Ok(())
    }
}

/// What was left out of rows that were taken.
fn describe_warnings(totals: &Totals) -> String {
    let lines = totals.warnings.iter();
    let lines = lines.map(|(warning, rows)| match rows {
        1 => format!("\n1 row: {warning}"),
        rows => format!("\n{rows} rows: {warning}"),
    });
    lines.collect()
}

fn describe_mapping(mapping: &Mapping) -> String {
    let rows: Vec<[String; 2]> = mapping
        .columns
        .iter()
        .map(|column| {
            let target = mapping.describe(column);
            [
                column.header.clone(),
                target.unwrap_or_else(|| "(ignored)".into()),
            ]
        })
        .collect();
    print::table(["column", "field"], &rows)
}

fn interrupted(error: &Error, change: Id<Change>) -> Failure {
    Failure::Failed(format!(
        "{error} What was imported before stays: run it again to go on, or take it back with bureau undo {change}."
    ))
}

/// The file that takes the rejected rows; made with the first one.
struct Rejects {
    path: PathBuf,
    head: Vec<String>,
    delimiter: u8,
    force: bool,
    writer: Option<csv::Writer<std::fs::File>>,
}

impl Rejects {
    fn new(file: &Path, table: &Table, force: bool) -> Self {
        let mut head = table.headers.clone();
        head.extend(["line".to_owned(), "reason".to_owned()]);
        Self {
            path: file.with_extension("rejected.csv"),
            head,
            delimiter: table.delimiter,
            force,
            writer: None,
        }
    }

    fn check(&self) -> Result<()> {
        if !self.force && self.path.exists() {
            return Err(Failure::Failed(format!(
                "{} is there already. Move it away, or say --force to overwrite it.",
                self.path.display()
            )));
        }
        Ok(())
    }

    fn add(&mut self, rejected: &[Rejected]) -> bureau_kernel::error::Result<()> {
        if rejected.is_empty() {
            return Ok(());
        }
        let path = self.path.display().to_string();
        self.write(rejected).map_err(|error| {
            Error::new(
                Code::Unavailable,
                format!("{path} cannot be written: {error}."),
            )
        })
    }

    fn write(&mut self, rejected: &[Rejected]) -> std::result::Result<(), csv::Error> {
        if self.writer.is_none() {
            let mut options = std::fs::File::options();
            options.write(true);
            // It holds what the file held: nobody else needs to read it.
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let file = if self.force {
                options.create(true).truncate(true).open(&self.path)?
            } else {
                options.create_new(true).open(&self.path)?
            };
            let mut writer = csv::WriterBuilder::new()
                .delimiter(self.delimiter)
                .flexible(true)
                .from_writer(file);
            writer.write_record(self.head.iter().map(|cell| guarded(cell).into_owned()))?;
            self.writer = Some(writer);
        }
        if let Some(writer) = &mut self.writer {
            for one in rejected {
                let width = self.head.len().saturating_sub(2);
                let empty =
                    std::iter::repeat_n(String::new(), width.saturating_sub(one.row.cells.len()));
                let cells = one.row.cells.iter().map(|cell| guarded(cell).into_owned());
                let line = one.row.line.to_string();
                let more = [line, guarded(&one.reason).into_owned()];
                // Cells beyond the header's stand behind the reason, so that the columns stay what they are.
                let (own, beyond): (Vec<_>, Vec<_>) =
                    cells.enumerate().partition(|(place, _)| *place < width);
                let texts = |cells: Vec<(usize, String)>| cells.into_iter().map(|(_, cell)| cell);
                let row = texts(own).chain(empty).chain(more).chain(texts(beyond));
                writer.write_record(row)?;
            }
            writer.flush()?;
        }
        Ok(())
    }
}
