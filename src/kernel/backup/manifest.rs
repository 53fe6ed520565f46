//! What stands at the end of a backup: how many bytes come before it, what they hold, and their digest. SQLite reads as many
//! pages as its header says, so a backup is still one file that any program opens.
//!
//! ```text
//! the database | the manifest as JSON | its length, 8 bytes | SHA-256 of the two | MARK
//! ```

use std::fs::File;
use std::io::{Read, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::Counts;
use super::draft;
use crate::anchor::Key;
use crate::error::Result;
use crate::watch::Watch;

/// The last bytes of every backup.
const MARK: &[u8; 16] = b"bureau backup 1\n";
/// Length, digest and mark.
const FOOT: u64 = 8 + 32 + 16;
/// No manifest is longer.
const LONGEST: u64 = 1 << 20;

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) body: Body,
    /// HMAC-SHA256 over the body, in hexadecimal digits: shows that whoever made the backup had the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Body {
    /// The bytes of the database.
    pub(super) bytes: u64,
    /// SHA-256 over them, in hexadecimal digits.
    pub(super) sha256: String,
    /// The newest migration.
    pub(super) version: i64,
    /// Rows of each table.
    pub(super) rows: Counts,
    /// Rows of all change logs.
    pub(super) log_rows: i64,
    /// SHA-256 over the heads of all of them, in hexadecimal digits.
    pub(super) hash: String,
}

impl Manifest {
    pub(super) fn new(body: Body, key: Option<&Key>) -> Result<Self> {
        let signature = key.map(|key| Ok(key.sign(&bytes_of(&body)?)));
        Ok(Self {
            body,
            signature: signature.transpose()?,
        })
    }

    /// Appends it to a file.
    pub(super) fn append(&self, path: &Path) -> Result<()> {
        let mut text = bytes_of(self)?;
        text.extend((text.len() as u64).to_be_bytes());
        let digest = Sha256::digest(&text);
        text.extend(digest);
        text.extend(MARK);
        let file = File::options().append(true).open(path);
        file.and_then(|mut file| file.write_all(&text))
            .map_err(|error| draft::fault(path, error))
    }

    /// Reads it from the end of a file; why there is none that can be believed, as the end of a sentence.
    pub(super) fn read(file: &mut File) -> std::io::Result<Result<Self, &'static str>> {
        const NONE: &str =
            "it does not end as a backup does, so a part of it is missing or was changed";
        let length = file.metadata()?.len();
        let mut foot = [0; FOOT as usize];
        if length < FOOT {
            return Ok(Err(NONE));
        }
        file.seek(SeekFrom::Start(length - FOOT))?;
        file.read_exact(&mut foot)?;
        let Some((size, digest)) = parts(&foot) else {
            return Ok(Err(NONE));
        };
        let room = length - FOOT;
        if size > LONGEST || size > room {
            return Ok(Err(NONE));
        }
        let mut text = vec![0; usize::try_from(size).unwrap_or_default()];
        file.seek(SeekFrom::Start(room - size))?;
        file.read_exact(&mut text)?;
        let hash = Sha256::new()
            .chain_update(&text)
            .chain_update(size.to_be_bytes());
        if hash.finalize().as_slice() != digest {
            return Ok(Err(NONE));
        }
        let Ok(manifest) = serde_json::from_slice::<Self>(&text) else {
            return Ok(Err("its manifest is of another version of Bureau"));
        };
        file.seek(SeekFrom::Start(0))?;
        let mut head = [0; 100];
        file.read_exact(&mut head)?;
        file.seek(SeekFrom::Start(0))?;
        if manifest.body.bytes != room - size || pages(&head) != Some(room - size) {
            return Ok(Err(NONE));
        }
        Ok(Ok(manifest))
    }

    /// Whether it was signed with this key; nothing where it was not signed at all.
    pub(super) fn is_signed_with(&self, key: &Key) -> Option<bool> {
        let signature = self.signature.as_ref()?;
        Some(bytes_of(&self.body).is_ok_and(|body| key.verifies(&body, signature)))
    }
}

/// How many bytes the header of a SQLite file says that its pages are
/// (<https://sqlite.org/fileformat.html#the_database_header>).
pub(super) fn pages(head: &[u8]) -> Option<u64> {
    let size = u16::from_be_bytes(*head.get(16..)?.first_chunk()?);
    let count = u32::from_be_bytes(*head.get(28..)?.first_chunk()?);
    // 65,536 does not fit, and is written as 1.
    let size = if size == 1 { 65_536 } else { u64::from(size) };
    Some(size * u64::from(count))
}

fn parts(foot: &[u8]) -> Option<(u64, &[u8])> {
    let (size, rest) = foot.split_first_chunk::<8>()?;
    let (digest, mark) = rest.split_at_checked(32)?;
    (mark == MARK).then(|| (u64::from_be_bytes(*size), digest))
}

fn bytes_of(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(crate::error::Error::internal)
}

/// Reads so many bytes, gives them on, and answers their digest.
pub(super) fn digest_of(
    source: &mut impl Read,
    bytes: u64,
    watch: &dyn Watch,
    mut each: impl FnMut(&[u8]) -> Result<()>,
    fail: impl Fn(std::io::Error) -> crate::error::Error,
) -> Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut source = source.take(bytes);
    loop {
        let length = source.read(&mut buffer).map_err(&fail)?;
        let piece = buffer.get(..length).unwrap_or_default();
        if piece.is_empty() {
            return Ok(hex::encode(hash.finalize()));
        }
        hash.update(piece);
        each(piece)?;
        watch.advance(length as u64);
    }
}
