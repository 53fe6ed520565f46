//! A file on its way in: where it comes from, what it is, and the words in it. All of it is found out before anything is
//! written, while nobody's lock is held.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use bureau_kernel::content::{Intake, MAX_BYTES, MAX_WORDS};
use bureau_kernel::prelude::*;
use sha2::{Digest as _, Sha256};

use crate::file::Searchable;
use crate::media::{Media, media_type, text_of};

/// Where a file comes from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// A file on the server's machine.
    Path(String),
    /// Bytes that came up.
    Bytes(Arc<[u8]>),
}

/// A file that can be attached.
#[derive(Debug)]
pub(crate) struct Taken {
    /// What it is called where it comes from.
    pub(crate) name: Option<String>,
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) media_type: &'static str,
    pub(crate) sha256: String,
    pub(crate) words: Option<String>,
    pub(crate) searchable: Searchable,
}

/// Why a file cannot be attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// The operator opened no folder.
    NoFolder,
    /// It is in none of the folders that the operator opened, or is not there: which of the two is nobody's to know.
    NotThere,
    /// It is a folder, or something else that is no file.
    NoFile,
    /// It cannot be read.
    Unreadable,
    Empty,
    TooLarge,
    /// It is of a kind that is not taken.
    Kind,
}

impl Unfit {
    /// In the caller's words.
    pub(crate) fn error(self, field: &'static str) -> Error {
        let megabytes = MAX_BYTES / 1024 / 1024;
        let (message, hint) = match self {
            Self::NoFolder => (
                "This server takes no files from its own machine.".to_owned(),
                "Leave path out, or let the operator name a folder with --files-dir.",
            ),
            Self::NotThere => (
                "There is no such file in the folders that are open to files.".to_owned(),
                "Give its whole path; the operator names the folders with --files-dir.",
            ),
            Self::NoFile => (
                "This is a folder or no ordinary file.".to_owned(),
                "Name one file.",
            ),
            Self::Unreadable => (
                "The file cannot be read.".to_owned(),
                "Check that the server may read it.",
            ),
            Self::Empty => (
                "The file is empty.".to_owned(),
                "Check that it is the one that is meant.",
            ),
            Self::TooLarge => (
                format!("The file is larger than {megabytes} MB."),
                "Attach a smaller one, or a note that says where it is.",
            ),
            Self::Kind => (
                "Files of this kind are not taken.".to_owned(),
                "There are: PDF, images, documents, workbooks, slides, plain text, ZIP and audio. A program in a ZIP file is taken as that.",
            ),
        };
        Error::invalid(field, message).hint(hint)
    }
}

/// Looks at a file: reads it, finds out what it is and which words are in it.
pub(crate) fn take(
    source: &Source,
    name: Option<&str>,
    intake: &Intake,
) -> std::result::Result<Taken, Unfit> {
    let (own, bytes) = match source {
        Source::Path(path) => {
            let (name, bytes) = read(Path::new(path), intake)?;
            (Some(name), bytes.into())
        }
        Source::Bytes(bytes) => (None, Arc::clone(bytes)),
    };
    if bytes.is_empty() {
        return Err(Unfit::Empty);
    }
    if bytes.len() > MAX_BYTES {
        return Err(Unfit::TooLarge);
    }
    let called = name.or(own.as_deref()).unwrap_or_default();
    let media_type = media_type(called, &bytes).ok_or(Unfit::Kind)?;
    let words = match text_of(media_type, &bytes) {
        Some(text) => Some(text),
        None => read_apart(media_type, &bytes, intake),
    };
    let words = words.filter(|words| words.chars().any(char::is_alphanumeric));
    let (words, searchable) = match words {
        None => (None, Searchable::Name),
        Some(words) if words.len() > MAX_WORDS => {
            let end = words.floor_char_boundary(MAX_WORDS);
            let start = words.get(..end).unwrap_or_default();
            (Some(start.to_owned()), Searchable::Beginning)
        }
        Some(words) => (Some(words), Searchable::All),
    };
    Ok(Taken {
        name: own,
        sha256: hex::encode(Sha256::digest(&bytes)),
        bytes,
        media_type,
        words: words.map(|words| words.replace('\0', " ")),
        searchable,
    })
}

/// Reads a file in one of the folders that the operator opened. Where links lead out of them it is not there.
fn read(path: &Path, intake: &Intake) -> std::result::Result<(String, Vec<u8>), Unfit> {
    if intake.folders.is_empty() {
        return Err(Unfit::NoFolder);
    }
    let mut folders = intake
        .folders
        .iter()
        .filter_map(|folder| folder.canonicalize().ok());
    let path = match path.is_relative() {
        false => path.canonicalize().ok(),
        // A name alone is looked for in each of them.
        true => folders
            .clone()
            .find_map(|folder| folder.join(path).canonicalize().ok()),
    };
    let path = path.filter(|path| folders.any(|folder| path.starts_with(folder)));
    let path = path.ok_or(Unfit::NotThere)?;
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("file");
    let unreadable = |_: io::Error| Unfit::Unreadable;
    // Before it is opened: to open a pipe waits for whoever writes into it.
    if !fs::metadata(&path).map_err(unreadable)?.is_file() {
        return Err(Unfit::NoFile);
    }
    let file = fs::File::open(&path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    let most = MAX_BYTES as u64 + 1;
    file.take(most)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    Ok((name.to_owned(), bytes))
}

/// The words in a file that is more than text, read by a process of its own: what is packed may unpack to anything, and what
/// is damaged may lead a library anywhere. Whatever becomes of that process, the file has no words then, and is said to have none.
fn read_apart(media_type: &str, bytes: &[u8], intake: &Intake) -> Option<String> {
    if !crate::words::has_words(media_type) {
        return None;
    }
    let mut child = Command::new(intake.reader.as_ref()?)
        .arg("read-words")
        .arg(media_type)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take()?;
    let mut words = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            // It ends early where it has read enough.
            let _ = stdin.write_all(bytes);
        });
        if let Some(stdout) = child.stdout.take() {
            let _ = stdout.take(MAX_WORDS as u64 + 4).read_to_end(&mut words);
        }
        let _ = child.kill();
    });
    let _ = child.wait();
    let end = words
        .utf8_chunks()
        .next()
        .map_or(0, |chunk| chunk.valid().len());
    words.truncate(end);
    String::from_utf8(words).ok()
}

/// A name as it is shown: no path, nothing invisible, not longer than names are.
pub(crate) fn name_of(taken: &Taken, given: Option<&str>) -> Result<ShortText<200>> {
    const MOST: usize = 200;
    let given = given.or(taken.name.as_deref());
    let name = given.map(|name| name.rsplit(['/', '\\']).next().unwrap_or(name));
    let name = name.map(|name| name.chars().filter(|c| !c.is_control()).collect::<String>());
    let name = name.filter(|name| !name.trim().is_empty());
    let name = name.unwrap_or_else(|| match Media::of(taken.media_type) {
        Some(media) => media.name().to_owned(),
        None => "file".to_owned(),
    });
    let name: String = name.trim().chars().take(MOST).collect();
    ShortText::new(&name).map_err(|wrong| Error::invalid("name", format!("name {wrong}.")))
}
