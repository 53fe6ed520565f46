//! What is fuzzed: one function for each reader of what strangers send or leave behind. `fuzz/` calls them with whatever libFuzzer
//! makes up; the tests here with the inputs that it found worth keeping (`fuzz/corpus`).
//!
//! A function fails by panicking: on a broken promise as on a bug.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "like a test, it fails by panicking"
)]

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use axum::http::{HeaderMap, HeaderValue, Uri, header};
use bureau_kernel::backup::{self, Terms};
use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::{Dispatcher, Settings};
use bureau_kernel::import::{
    AnyImport, Layout, OnDuplicate, Plan, Row, Table, escaped, guarded, unescaped,
};
use bureau_kernel::record::Cx;
use bureau_kernel::registry::Registry;
use bureau_kernel::store::{Database, OpenOptions, Store, log};
use bureau_kernel::types::page::Cursor;
use data_encoding::BASE64URL_NOPAD;
use rust_xlsxwriter::Workbook;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::boot;
use crate::cli::install::edit;
use crate::transport::bridge::{events::Events, message};
use crate::transport::http::guard::Guard;

/// A function and the name of its corpus.
pub type Target = (&'static str, fn(&[u8]));

/// All there are.
pub const TARGETS: [Target; 6] = [
    ("csv", csv),
    ("cursor", cursor),
    ("edit", edit),
    ("events", events),
    ("guard", guard),
    ("restore", restore),
];

/// The names in a request that a page or a resolver can forge: lines with Host, Origin and request target.
pub fn guard(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let mut headers = HeaderMap::new();
    for name in [header::HOST, header::ORIGIN] {
        // A line that is not there is a header that is not there.
        let line = lines.next().unwrap_or_default();
        if let (false, Ok(value)) = (line.is_empty(), HeaderValue::from_bytes(line)) {
            headers.insert(name, value);
        }
    }
    let target = String::from_utf8_lossy(lines.next().unwrap_or_default());
    let Ok(uri) = target.parse::<Uri>() else {
        return;
    };
    let guard = Guard::new(&[], &[]).unwrap();
    if guard.check(&uri, &headers).is_err() {
        return;
    }
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap());
    let host = text(header::HOST).expect("without Host nobody passes");
    assert!(is_of_this_machine(host), "{host}");
    if let Some(authority) = uri.authority() {
        assert!(is_of_this_machine(authority.as_str()), "{authority}");
    }
    if let Some(origin) = text(header::ORIGIN) {
        let plain = origin.to_ascii_lowercase();
        let name = plain
            .strip_prefix("http://")
            .or_else(|| plain.strip_prefix("https://"));
        assert!(name.is_some_and(is_of_this_machine), "{origin}");
    }
}

/// Whether a name with or without a port is one of the machine itself, seen without any parser of addresses.
fn is_of_this_machine(name: &str) -> bool {
    let host = match name.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => name,
    };
    let bracketed = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    host.eq_ignore_ascii_case("localhost")
        || match bracketed {
            Some(address) => address.parse().is_ok_and(|v6: Ipv6Addr| v6.is_loopback()),
            None => host.parse().is_ok_and(|v4: Ipv4Addr| v4.is_loopback()),
        }
}

/// A cursor that a caller made up: of a text that is one, the same cursor is written again. The input is taken for the cursor, and
/// for what is packed in one, which no mutation of the letters outside would get right.
pub fn cursor(data: &[u8]) {
    let packed = BASE64URL_NOPAD.encode(data);
    for text in [&*String::from_utf8_lossy(data), &packed] {
        if let Ok(cursor) = serde_json::from_value::<Cursor>(json!(text)) {
            let again = serde_json::from_value::<Cursor>(json!(cursor.encode()));
            assert_eq!(again.unwrap(), cursor);
        }
    }
}

/// A client's configuration that is no longer what its program wrote. Either it is left alone, or the entry is all that changes.
pub fn edit(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    // But for comments and commas at the end, which editors leave there.
    let read = |text: &str| -> Value {
        let plain = edit::without_comments(text);
        serde_json::from_str(plain.trim_start_matches('\u{feff}')).expect("it stays JSON")
    };
    let entry = json!({ "command": "/bin/bureau", "args": ["stdio"] });
    if let Ok(new) = edit::set(&text, "mcpServers", "bureau", &entry) {
        let mut meant = match text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}') {
            "" => json!({}),
            _ => read(&text),
        };
        meant["mcpServers"]["bureau"] = entry.clone();
        assert_eq!(read(&new), meant);
        assert_eq!(
            edit::set(&new, "mcpServers", "bureau", &entry).unwrap(),
            new,
            "a second time changes nothing"
        );
        let without = edit::remove(&new, "mcpServers", "bureau").expect("what was put in goes out");
        let servers = meant["mcpServers"].as_object_mut().unwrap();
        servers.shift_remove("bureau");
        assert_eq!(read(&without), meant);
    }
    if let Ok(new) = edit::remove(&text, "mcpServers", "bureau")
        && new != text
    {
        assert_eq!(read(&new)["mcpServers"].get("bureau"), None);
    }
}

/// A stream of events from a server elsewhere: the first byte says how it is cut, the rest is the stream.
pub fn events(data: &[u8]) {
    /// Bytes of one event, far below what any input has.
    const MOST: usize = 1 << 12;
    let Some((size, stream)) = data.split_first() else {
        return;
    };
    let read = |size: usize| {
        let mut events = Events::new(MOST);
        let mut all = Vec::new();
        for part in stream.chunks(size.max(1)) {
            match events.feed(part) {
                Ok(some) => all.extend(some),
                Err(_) => return None,
            }
        }
        Some(all)
    };
    let whole = read(stream.len());
    assert_eq!(
        read(usize::from(*size)),
        whole,
        "the same wherever it is cut"
    );
    let id = json!(1);
    for event in whole.unwrap_or_default() {
        assert!(!event.is_empty() && event.len() <= MOST);
        if let Some(message::Answer::Final(line) | message::Answer::Other(line)) =
            message::read_answer(&event, &id)
        {
            assert!(!line.contains(&b'\n') && !line.contains(&b'\r'));
            let text = std::str::from_utf8(&line).expect("a line is text");
            // Not as a value: what is passed on may hold numbers that only its reader understands.
            assert!(text.starts_with('{') && serde_json::from_str::<IgnoredAny>(text).is_ok());
        }
        let line = event.split(|byte| *byte == b'\n').next();
        if let Ok(message) = message::read(line.unwrap_or_default())
            && let message::Kind::Request(id) = message.kind
        {
            assert!(id.is_string() || id.is_number());
        }
    }
}

/// An app without anything in it, in which nothing is written.
struct Empty {
    runtime: Runtime,
    dispatcher: Arc<Dispatcher>,
    caller: Caller,
    folder: TempDir,
    /// Every kind of table that can be imported.
    imports: Vec<&'static dyn AnyImport>,
    /// A backup of it, byte by byte.
    backup: Vec<u8>,
}

impl Empty {
    fn get() -> &'static Self {
        static EMPTY: OnceLock<Empty> = OnceLock::new();
        EMPTY.get_or_init(|| {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap();
            let folder = TempDir::new().unwrap();
            let database = Database::Sqlite(folder.path().join("empty.sqlite"));
            let registry = boot::whole_registry().unwrap();
            let imports = registry.imports().collect();
            let (dispatcher, caller, backup) = runtime.block_on(async {
                let store = Store::open(&OpenOptions::new(database.clone()))
                    .await
                    .unwrap();
                bureau_kernel::admin::bootstrap(&store).await.unwrap();
                boot::provision(&store).await.unwrap();
                let file = folder.path().join("backup");
                let terms = judged(&registry);
                backup::create(&database, &file, false, terms, &())
                    .await
                    .unwrap();
                let dispatcher =
                    Dispatcher::new(store, registry, None, Settings::default()).unwrap();
                let caller = dispatcher.operator(None).await.unwrap();
                (dispatcher, caller, std::fs::read(file).unwrap())
            });
            Self {
                runtime,
                dispatcher,
                caller,
                folder,
                imports,
                backup,
            }
        })
    }

    /// A file of this process's own.
    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

/// A sheet of XML, and the texts and styles that it may have behind zeros, as a workbook.
fn packed(parts: &[u8]) -> Vec<u8> {
    let mut parts = parts.split(|byte| *byte == 0);
    let mut archive = ZipWriter::new(io::Cursor::new(Vec::new()));
    let mut add = |name: &str, content: &[u8]| {
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        archive.start_file(name, stored).unwrap();
        archive.write_all(content).unwrap();
    };
    add("[Content_Types].xml", b"");
    add(
        "_rels/.rels",
        br#"<Relationships><Relationship Type="/relationships/officeDocument" Target="workbook.xml"/></Relationships>"#,
    );
    add(
        "workbook.xml",
        br#"<workbook><sheets><sheet name="One" id="a"/></sheets></workbook>"#,
    );
    add(
        "_rels/workbook.xml.rels",
        br#"<Relationships><Relationship Id="a" Type="/worksheet" Target="sheet.xml"/></Relationships>"#,
    );
    add("sheet.xml", parts.next().unwrap_or_default());
    for name in ["sharedStrings.xml", "styles.xml"] {
        if let Some(content) = parts.next() {
            add(name, content);
        }
    }
    archive.finish().unwrap().into_inner()
}

/// The rows of a table as a workbook whose cells are texts; none where no cell holds one.
fn as_workbook(headers: &[String], rows: &[Row]) -> Option<Vec<u8>> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let rows = rows.iter().map(|row| &row.cells[..]);
    for (row, cells) in (0..).zip(std::iter::once(headers).chain(rows)) {
        for (column, cell) in (0..).zip(cells) {
            sheet.write_string(row, column, cell).ok()?;
        }
    }
    Some(book.save_to_buffer().unwrap())
}

/// A table that somebody else made: the first byte says of what, the rest is the file, or parts of a workbook.
pub fn csv(data: &[u8]) {
    let Some((what, content)) = data.split_first() else {
        return;
    };
    let text = String::from_utf8_lossy(content);
    assert_eq!(unescaped(&escaped(&text)), text);
    assert_eq!(unescaped(&guarded(&text)), unescaped(&text));

    let empty = Empty::get();
    let import = empty.imports[usize::from(*what) % empty.imports.len()];
    let workbook = content.starts_with(b"<").then(|| packed(content));
    let path = empty.file("table.csv", workbook.as_deref().unwrap_or(content));
    let Ok(table) = Table::open(&path, &Layout::default()) else {
        return;
    };
    let rows = || table.rows().expect("it was read a moment ago");
    let read = rows().filter_map(Result::ok).count() as u64;
    assert!(read <= table.count);
    if table.sheet().is_none() && !table.is_of_cards() {
        let whole = rows().filter_map(Result::ok);
        let whole: Vec<Row> = whole.filter(|row| row.wrong.is_none()).collect();
        if let Some(workbook) = as_workbook(&table.headers, &whole) {
            let path = empty.file("table.xlsx", &workbook);
            let again = Table::open(&path, &Layout::default()).expect("it was written well");
            assert_eq!(again.headers, table.headers);
            let trimmed = |row: Row| -> Vec<String> {
                let cells = row.cells.iter().take(table.headers.len());
                cells.map(|cell| cell.trim().to_owned()).collect()
            };
            let again = again.rows().unwrap().map(Result::unwrap).map(trimmed);
            let whole: Vec<Vec<String>> = whole.into_iter().map(trimmed).collect();
            assert_eq!(again.collect::<Vec<_>>(), whole, "the same as a workbook");
        }
    }
    empty.runtime.block_on(async {
        let mapping = async |cx: &mut Cx| {
            let mapping = import.mapping(cx, &table.headers, &[]).await?;
            mapping.map_err(|why| why.error())
        };
        let mapping = empty.dispatcher.app().read(&empty.caller, mapping);
        let Ok(mapping) = mapping.await else {
            return;
        };
        let plan = Plan {
            mapping,
            on_duplicate: OnDuplicate::Update,
            decimal: '.',
            days: "%Y-%m-%d".to_owned(),
        };
        let mut rows = rows();
        let preview = import
            .preview(
                empty.dispatcher.app(),
                &empty.caller,
                &plan,
                &mut rows,
                &mut |_, _| Ok(()),
            )
            .await;
        if let Ok(preview) = preview {
            let totals = preview.totals;
            let seen = totals.created + totals.updated + totals.skipped + totals.rejected;
            assert_eq!(seen, read, "each row becomes something");
        }
    });
}

/// By what backups are judged here.
fn judged(registry: &Registry) -> Terms<'_> {
    Terms {
        kinds: registry.records().all(),
        accept_differences: false,
        key: None,
        accept_unsigned: false,
    }
}

/// A backup that rotted or was written by somebody else: changes to a true one, of five bytes each, a place and what stands there
/// instead. What is taken for whole has to be.
pub fn restore(data: &[u8]) {
    let empty = Empty::get();
    let mut backup = empty.backup.clone();
    for change in data.chunks_exact(5) {
        let place = u32::from_be_bytes([change[0], change[1], change[2], change[3]]) as usize;
        let place = place % backup.len();
        backup[place] = change[4];
    }
    // What is left over cuts the end off.
    let rest = data.chunks_exact(5).remainder();
    if let [high, low, ..] = rest {
        let cut = usize::from(u16::from_be_bytes([*high, *low]));
        backup.truncate(backup.len().saturating_sub(cut));
    }
    let file = empty.file("damaged", &backup);
    // Whoever writes a backup gives it a manifest that says so; what rots does not.
    if data.len().is_multiple_of(2) && backup::forge(&file).is_err() {
        return;
    }
    let folder = TempDir::new_in(empty.folder.path()).unwrap();
    let database = Database::Sqlite(folder.path().join("restored.sqlite"));
    empty.runtime.block_on(async {
        let terms = judged(empty.dispatcher.registry());
        let prepared = backup::prepare(&database, &file, folder.path(), terms, &()).await;
        let Ok(prepared) = prepared else {
            return;
        };
        let index = folder.path().join("index");
        if prepared.apply(true, &index, &()).await.is_err() {
            return;
        }
        let store = Store::open(&OpenOptions::new(database)).await.unwrap();
        assert_eq!(store.integrity().await.unwrap(), Vec::<String>::new());
        let audit = log::verify(&store).await.unwrap();
        assert_eq!(audit.broken, None);
        store.close().await;
    });
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt as _, SeedableRng as _};

    use super::*;

    /// Runs a target on everything that is kept for it, and on so many inputs that are nearly the same: those of the seed 0, or
    /// those of BUREAU_FUZZ_SEED, BUREAU_FUZZ_TIMES as many.
    fn holds(name: &str, near: usize) {
        let target = TARGETS.iter().find(|(target, _)| *target == name);
        let (_, target) = target.unwrap();
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("fuzz/corpus")
            .join(name);
        let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        assert!(!files.is_empty(), "no corpus for {name}");
        let mut corpus = Vec::new();
        for file in files {
            let content = std::fs::read(&file).unwrap();
            let ran = std::panic::catch_unwind(|| target(&content));
            assert!(ran.is_ok(), "{}", file.display());
            corpus.push(content);
        }
        let number = |name| std::env::var(name).map(|text| text.parse::<u64>().unwrap());
        let times = number("BUREAU_FUZZ_TIMES").unwrap_or(1);
        let mut random = StdRng::seed_from_u64(number("BUREAU_FUZZ_SEED").unwrap_or(0));
        for _ in 0..near as u64 * times {
            let input = nearly(&corpus, &mut random);
            let ran = std::panic::catch_unwind(|| target(&input));
            assert!(
                ran.is_ok(),
                "{:?}",
                String::from_utf8_lossy(&input).into_owned()
            );
        }
    }

    /// One of the inputs with a few changes.
    fn nearly(corpus: &[Vec<u8>], random: &mut StdRng) -> Vec<u8> {
        /// Bytes that mean something to one reader or the other.
        const SIGNS: &[u8] = b"\0\n\r\t \"'\\,;:=+-@/[]{}()0129eE.%\x7f\x80\xc3\xef\xff";
        let mut input = corpus[random.random_range(0..corpus.len())].clone();
        for _ in 0..random.random_range(1..6) {
            let at = random.random_range(0..=input.len());
            let end = (at + random.random_range(1..9)).min(input.len());
            match random.random_range(0..6) {
                0 => input.insert(at, SIGNS[random.random_range(0..SIGNS.len())]),
                1 => input.insert(at, random.random()),
                2 => drop(input.drain(at..end)),
                3 => {
                    let again = input[at..end].to_vec();
                    input.splice(at..at, again);
                }
                4 if at < input.len() => input[at] ^= 1 << random.random_range(0..8),
                _ => {
                    let other = &corpus[random.random_range(0..corpus.len())];
                    let from = random.random_range(0..=other.len());
                    let some = other[from..(from + 20).min(other.len())].to_vec();
                    input.splice(at..at, some);
                }
            }
        }
        input
    }

    #[test]
    fn a_hostile_table_breaks_no_promise() {
        holds("csv", 150);
    }

    #[test]
    fn a_hostile_cursor_breaks_no_promise() {
        holds("cursor", 5000);
    }

    #[test]
    fn a_hostile_configuration_breaks_no_promise() {
        holds("edit", 3000);
    }

    #[test]
    fn hostile_events_break_no_promise() {
        holds("events", 5000);
    }

    #[test]
    fn hostile_names_break_no_promise() {
        holds("guard", 5000);
    }

    #[test]
    fn a_hostile_backup_breaks_no_promise() {
        holds("restore", 40);
    }

    #[test]
    fn every_target_is_fuzzed_and_has_a_corpus() {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz");
        let names = |folder: &str| {
            let entries = std::fs::read_dir(root.join(folder)).unwrap();
            let names = entries.map(|entry| entry.unwrap().path());
            let mut names: Vec<String> = names
                .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
                .collect();
            names.sort();
            names
        };
        let known: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
        assert_eq!(names("fuzz_targets"), known);
        assert_eq!(names("corpus"), known);
    }
}
