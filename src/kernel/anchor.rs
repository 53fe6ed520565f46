//! Anchors: where the change logs ended at some moments, noted beside them.
//!
//! No secret enters the chains of hashes, so whoever may write to the database can rewrite history and compute a chain anew,
//! cut off its newest rows, or take a whole workspace's log away. An anchor says where all logs ended at a moment, as one hash
//! over all their heads. It is noted twice:
//!
//! - in the database (`rows`), with the heads themselves and chained to the anchor before it, so that every log that ends
//!   earlier, is another, or is gone is named;
//! - in a file outside of it, a line each, signed with a key that is not in the database. The longer ago the file (or a line
//!   of it) was copied to where that person cannot write, the more it proves. The line names the row in the database by its
//!   hash, so neither can be forged alone.
//!
//! ```text
//! bureau-anchor 1 2026-11-20T09:00:00Z 8f3a…(database) 1234 4 6f1c…(hash) 77aa…(HMAC-SHA256)
//! ```

mod rows;

use std::fmt;
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use chrono::SecondsFormat;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Serialize;
use sha2::Sha256;

use crate::error::{Code, Error, Result};
use crate::private;
use crate::store::{Scope, Store, sql};
use crate::types::time::Timestamp;

/// The first words of each line: what it is, and of which form.
const FORM: &str = "bureau-anchor 1";
/// The least characters of a key that somebody chose.
const SHORTEST_KEY: usize = 16;

/// The key that anchors and backups are signed with.
#[derive(Clone)]
pub struct Key(Vec<u8>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// A key that somebody chose, of 16 characters at least.
    ///
    /// # Errors
    /// [`Code::Validation`] for a shorter one.
    pub fn new(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.len() < SHORTEST_KEY {
            return Err(
                Error::invalid("anchor_key", "An anchor key has 16 characters at least.")
                    .hint("Make one with: openssl rand -hex 32"),
            );
        }
        Ok(Self(text.as_bytes().to_vec()))
    }

    /// The key in this file, which is made with a random one where there is none. Only its owner may read it.
    ///
    /// # Errors
    /// [`Code::Unavailable`] when the file cannot be read or made.
    pub fn at(path: &Path) -> Result<Self> {
        if let Some(key) = Self::read(path)? {
            return Ok(key);
        }
        let random: [u8; 32] = rand::random();
        let text = format!("{}\n", hex::encode(random));
        // It gets its name when it is whole: a full disk leaves no half of a key, and of two processes that make one at the
        // same moment both go on with the first.
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{:x}.new", rand::random::<u64>()));
        let new = path.with_file_name(name);
        let mut options = private::options();
        options.write(true).create_new(true);
        let made = options
            .open(&new)
            .and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.sync_all()
            })
            .and_then(|()| place(&new, path));
        let _ = std::fs::remove_file(&new);
        made.map_err(|error| fault(path, error))?;
        Self::read(path)?.ok_or_else(|| fault(path, ErrorKind::NotFound.into()))
    }

    /// The key in this file, if there is one.
    ///
    /// # Errors
    /// [`Code::Unavailable`] when the file cannot be read.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::new(&text).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(fault(path, error)),
        }
    }

    /// The signature of a text, in hexadecimal digits.
    #[must_use]
    pub(crate) fn sign(&self, text: &[u8]) -> String {
        hex::encode(self.mac(text).finalize().into_bytes())
    }

    /// Whether this is the signature of a text.
    #[must_use]
    pub(crate) fn verifies(&self, text: &[u8], signature: &str) -> bool {
        hex::decode(signature).is_ok_and(|bytes| self.mac(text).verify_slice(&bytes).is_ok())
    }

    fn mac(&self, text: &[u8]) -> Hmac<Sha256> {
        // HMAC takes keys of every length.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0)
            .unwrap_or_else(|_| Hmac::<Sha256>::new(&Default::default()));
        mac.update(text);
        mac
    }
}

/// Gives a file another name too, unless there is a file of that name.
fn place(new: &Path, path: &Path) -> std::io::Result<()> {
    match std::fs::hard_link(new, path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        // A file system without second names.
        Err(_) if !path.exists() => std::fs::rename(new, path),
        linked => linked,
    }
}

fn fault(path: &Path, error: std::io::Error) -> Error {
    Error::new(
        Code::Unavailable,
        format!("{} cannot be used.", path.display()),
    )
    .hint("Check that you may read and write there, and that the disk has room.")
    .cause(error)
}

/// Where the logs of a database ended at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Anchor {
    /// When it was noted.
    pub at: Timestamp,
    /// Which database: the beginning of the hash of its first row.
    pub database: String,
    /// Rows of all logs together.
    pub rows: i64,
    /// How many workspaces had one.
    pub workspaces: i64,
    /// SHA-256 over the heads of all of them, in hexadecimal digits.
    pub hash: String,
    /// HMAC-SHA256 over all this.
    pub signature: String,
}

impl Anchor {
    fn said(&self) -> String {
        format!(
            "{FORM} {} {} {} {} {}",
            self.at.to_rfc3339_opts(SecondsFormat::Micros, true),
            self.database,
            self.rows,
            self.workspaces,
            self.hash
        )
    }
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.said(), self.signature)
    }
}

impl FromStr for Anchor {
    type Err = &'static str;

    fn from_str(line: &str) -> Result<Self, &'static str> {
        const WRONG: &str = "it is no anchor";
        let words = line.strip_prefix(FORM).ok_or(WRONG)?;
        let words: Vec<&str> = words.split_whitespace().collect();
        let [at, database, rows, workspaces, hash, signature] = words.as_slice() else {
            return Err(WRONG);
        };
        // Shorter ones are of lines that were not written to their end.
        if hash.len() != 64 || signature.len() != 64 {
            return Err(WRONG);
        }
        Ok(Self {
            at: at.parse().map_err(|_| WRONG)?,
            database: (*database).to_owned(),
            rows: rows.parse().map_err(|_| WRONG)?,
            workspaces: workspaces.parse().map_err(|_| WRONG)?,
            hash: (*hash).to_owned(),
            signature: (*signature).to_owned(),
        })
    }
}

/// Notes in the database where all logs end now, and answers what is to be noted outside of it; nothing while there is no log.
///
/// # Errors
/// [`Code::Unavailable`] when the database cannot be read or written.
pub async fn take(store: &Store, key: &Key, at: Timestamp) -> Result<Option<Anchor>> {
    let mut tx = store.write(Scope::System).await?;
    let noted = rows::note(&mut tx, at).await;
    let heads = tx.end(noted).await?;
    if heads.is_empty() {
        return Ok(None);
    }
    let mut anchor = Anchor {
        at,
        database: mark(store).await?,
        rows: heads.rows(),
        workspaces: i64::try_from(heads.workspaces()).unwrap_or(i64::MAX),
        hash: heads.hash(),
        signature: String::new(),
    };
    anchor.signature = key.sign(anchor.said().as_bytes());
    Ok(Some(anchor))
}

/// Checks the anchors in the database against the logs: the first that does not hold, as a sentence.
///
/// # Errors
/// [`Code::Unavailable`] when the database cannot be read.
pub async fn check_rows(store: &Store) -> Result<Option<String>> {
    Ok(rows::walk(store).await?.broken)
}

async fn mark(store: &Store) -> Result<String> {
    let rows = sql("SELECT hash FROM change_log WHERE position = 1 ORDER BY workspace LIMIT 1")
        .look(store)
        .await?;
    let first: Option<Vec<u8>> = rows.first().map(|row| row.get("hash")).transpose()?;
    let first = first.map(hex::encode).unwrap_or_default();
    Ok(first.chars().take(16).collect())
}

/// A file of anchors, which only grows.
#[derive(Debug, Clone)]
pub struct AnchorFile(PathBuf);

impl AnchorFile {
    /// The one at this place; it need not be there.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Its name.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Appends an anchor, unless the last line says that the logs ended there already.
    ///
    /// # Errors
    /// [`Code::Unavailable`] when the file cannot be written.
    pub fn append(&self, anchor: &Anchor) -> Result<bool> {
        let fail = |error| fault(&self.0, error);
        let last = self.lines()?.pop();
        let same = |last: &Anchor| last.rows == anchor.rows && last.hash == anchor.hash;
        if last.is_some_and(|line| line.parse().is_ok_and(|last| same(&last))) {
            return Ok(false);
        }
        let mut options = private::options();
        options.read(true).append(true).create(true);
        let mut file = options.open(&self.0).map_err(fail)?;
        // What a full disk or a cut of the power left of a line is ended, so that it spoils no other.
        let torn = file.metadata().map_err(fail)?.len() > 0 && {
            let mut end = [0];
            file.seek(SeekFrom::End(-1)).map_err(fail)?;
            file.read_exact(&mut end).map_err(fail)?;
            end != *b"\n"
        };
        let line = format!("{}{anchor}\n", if torn { "\n" } else { "" });
        file.write_all(line.as_bytes())
            .and_then(|()| file.sync_data())
            .map_err(fail)?;
        Ok(true)
    }

    /// Its lines.
    fn lines(&self) -> Result<Vec<String>> {
        let fail = |error| fault(&self.0, error);
        let bytes = match std::fs::read(&self.0) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(fail)?,
        };
        // A line that rots is one that cannot be read, and no reason to read and write none.
        let text = String::from_utf8_lossy(&bytes);
        let lines = text.lines().filter(|line| !line.is_empty());
        Ok(lines.map(str::to_owned).collect())
    }

    /// Compares every line with the anchors in the database, and these with the logs.
    ///
    /// # Errors
    /// [`Code::Unavailable`] when the file or the database cannot be read.
    pub async fn check(&self, store: &Store, key: &Key) -> Result<Checked> {
        let lines = self.lines()?;
        Ok(checked(&rows::walk(store).await?, key, &lines))
    }
}

/// What the anchors show.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Lines that hold.
    pub whole: usize,
    /// Lines that are none.
    pub unread: usize,
    /// The first of those that do not, and what that means, as a sentence.
    pub broken: Option<String>,
}

fn checked(walked: &rows::Walked, key: &Key, lines: &[String]) -> Checked {
    let mut checked = Checked::default();
    let signed = |anchor: &Anchor| key.verifies(anchor.said().as_bytes(), &anchor.signature);
    let said = |number: usize, what: &str| Some(format!("Line {number} of the anchors: {what}"));
    let read: Vec<(usize, Option<Anchor>)> = (1..)
        .zip(lines)
        .map(|(number, line)| (number, line.parse().ok()))
        .collect();
    for (number, anchor) in &read {
        let Some(anchor) = anchor else {
            // What the power left of a line when it went. To spoil a line hides no more than to take it out.
            checked.unread += 1;
            continue;
        };
        if !signed(anchor) {
            checked.broken = said(
                *number,
                "it is not signed with this key; another key was used, or somebody edited the file.",
            );
            break;
        }
        if walked.holding.contains(&anchor.hash) {
            checked.whole += 1;
            continue;
        }
        // Of what shows that something is wrong, that which says most: fewer rows than there were, in whichever line.
        let anchors = read
            .iter()
            .filter_map(|(number, anchor)| Some((*number, anchor.as_ref()?)));
        let mut longer = anchors.filter(|(_, anchor)| anchor.rows > walked.rows && signed(anchor));
        checked.broken = match (&walked.broken, longer.next()) {
            (Some(why), _) => said(*number, why),
            (None, Some((number, longer))) => said(
                number,
                &format!(
                    "at {} the change logs of {} workspaces had {} rows, and now there are {}: the newest rows were lost or cut off, \
                     or an older backup was restored.",
                    shown(longer.at),
                    longer.workspaces,
                    longer.rows,
                    walked.rows
                ),
            ),
            (None, None) => said(
                *number,
                &format!(
                    "the change logs are not what they were at {}: history was rewritten, or an anchor was taken out of the database.",
                    shown(anchor.at)
                ),
            ),
        };
        break;
    }
    checked
}

fn shown(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_back_and_not_one_sign_of_it_may_differ() {
        let key = Key::new("0123456789abcdef").unwrap();
        let mut anchor = Anchor {
            at: "2026-11-20T09:00:00Z".parse().unwrap(),
            database: "0011223344556677".into(),
            rows: 12,
            workspaces: 2,
            hash: "ab".repeat(32),
            signature: String::new(),
        };
        anchor.signature = key.sign(anchor.said().as_bytes());
        let line = anchor.to_string();
        assert_eq!(line.parse(), Ok(anchor));
        let holds = |line: &str| {
            line.parse::<Anchor>()
                .is_ok_and(|anchor| key.verifies(anchor.said().as_bytes(), &anchor.signature))
        };
        assert!(holds(&line));
        for place in 0..line.len() {
            let mut bytes = line.clone().into_bytes();
            bytes[place] ^= 1;
            let changed = String::from_utf8(bytes).unwrap();
            assert!(!holds(&changed), "{changed}");
        }
        let other = Key::new("0123456789abcdeg").unwrap();
        assert!(!other.verifies(b"x", &key.sign(b"x")));
    }

    #[test]
    fn a_key_is_made_once_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("anchor.key");
        assert!(Key::read(&path).unwrap().is_none());
        let signed = Key::at(&path).unwrap().sign(b"x");
        assert!(Key::at(&path).unwrap().verifies(b"x", &signed));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = path.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert_eq!(Key::new("short").unwrap_err().code(), Code::Validation);
        let names: Vec<_> = folder.path().read_dir().unwrap().flatten().collect();
        assert_eq!(names.len(), 1, "{names:?}");
    }

    #[test]
    fn processes_that_make_a_key_at_the_same_moment_have_the_same_one() {
        let folder = tempfile::tempdir().unwrap();
        for round in 0..20 {
            let path = folder.path().join(format!("{round}.key"));
            let signed: Vec<String> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..8)
                    .map(|_| scope.spawn(|| Key::at(&path).unwrap().sign(b"x")))
                    .collect();
                let threads = threads.into_iter();
                threads.map(|thread| thread.join().unwrap()).collect()
            });
            assert!(signed.iter().all(|one| *one == signed[0]), "{signed:?}");
        }
    }

    #[test]
    fn a_line_that_rots_keeps_no_other_from_being_read_and_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = AnchorFile::new(&folder.path().join("anchors"));
        let key = Key::new("0123456789abcdef").unwrap();
        let mut anchor = Anchor {
            at: "2026-11-20T09:00:00Z".parse().unwrap(),
            database: "0011223344556677".into(),
            rows: 1,
            workspaces: 1,
            hash: "ab".repeat(32),
            signature: String::new(),
        };
        for rows in 1..=3 {
            anchor.rows = rows;
            anchor.signature = key.sign(anchor.said().as_bytes());
            assert!(file.append(&anchor).unwrap());
            assert!(!file.append(&anchor).unwrap(), "it is said already");
        }
        let mut bytes = std::fs::read(file.path()).unwrap();
        let second = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 20;
        bytes[second] = 0xff;
        std::fs::write(file.path(), bytes).unwrap();
        anchor.rows = 4;
        anchor.signature = key.sign(anchor.said().as_bytes());
        assert!(file.append(&anchor).unwrap());
        let lines = file.lines().unwrap();
        let read: Vec<bool> = lines
            .iter()
            .map(|line| line.parse::<Anchor>().is_ok())
            .collect();
        assert_eq!(read, [true, false, true, true]);
    }
}
