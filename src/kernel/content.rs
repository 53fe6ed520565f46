//! What a record holds beside its columns: the bytes of a file and the words in them.
//!
//! They stand in a table of their own and never in the change log, which keeps only their SHA-256. They come and go with
//! their record: written with it, kept while it is deleted and may come back, erased when it is purged. So a backup has them,
//! another workspace cannot reach them, and what was only half received is nowhere.
//!
//! Over HTTP bytes come by a [`Link`]: a call makes one, for one record and in the name of its caller, and whoever has it
//! sends one file to it. What is sent makes a call like any other, by that caller as it is allowed then.

use std::any::Any;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest as _, Sha256};

use crate::caller::{ApiKey, Workspace};
use crate::error::{Code, Error, Result};
use crate::store::{Scope, Store, Tx, sql};
use crate::types::id::{AnyId, Id};

/// Bytes that one record holds at most.
pub const MAX_BYTES: usize = 25 * 1024 * 1024;
/// Bytes of the words that are searched at most, in UTF-8.
pub const MAX_WORDS: usize = 200_000;
/// How long a link can be used, in minutes.
pub const LINK_MINUTES: i64 = 15;

/// Where files may come from, as the operator says it.
#[derive(Debug, Clone, Default)]
pub struct Intake {
    /// Folders on this machine, with what is in them. Where there are none, no path is taken.
    pub folders: Vec<PathBuf>,
    /// The program that reads the words in a file, in a process of its own; without one only plain text has words.
    pub reader: Option<PathBuf>,
}

/// What came in beside a call's arguments.
#[derive(Debug, Clone)]
pub struct Upload {
    /// The file.
    pub bytes: Arc<[u8]>,
    /// By which link.
    pub(crate) link: Vec<u8>,
}

/// Somewhere to send one file to.
#[derive(Debug)]
pub struct Link {
    /// Whose it is.
    pub workspace: Id<Workspace>,
    /// With which key it was made; none by the operator beside the data.
    pub key: Option<Id<ApiKey>>,
    /// What the file is of.
    pub about: AnyId,
    /// What the file is to be called, where that was said.
    pub name: Option<String>,
    token: Vec<u8>,
}

/// What a call prepared for itself: kept while it begins anew.
pub(crate) type Prepared = Arc<Mutex<Option<Arc<dyn Any + Send + Sync>>>>;

/// That there is no such link.
pub(crate) fn gone() -> Error {
    Error::new(Code::NotFound, "This link does not work, or not any more.")
        .hint("Each is for one file and a quarter of an hour. Ask for another with attach_file.")
}

impl Link {
    /// The link that this text is.
    ///
    /// # Errors
    /// [`Code::NotFound`] for one that there is not, that was used, or whose time is over.
    pub async fn find(store: &Store, text: &str) -> Result<Self> {
        // The workspace stands before the secret, so that the row is found where its workspace is.
        let bytes = BASE64URL_NOPAD
            .decode(text.as_bytes())
            .map_err(|_| gone())?;
        let (workspace, secret) = bytes.split_first_chunk::<8>().ok_or_else(gone)?;
        let workspace = i64::from_be_bytes(*workspace);
        let token = Sha256::digest(secret).to_vec();
        let mut tx = store.read(Scope::System).await?;
        let row = sql("SELECT api_key, about, name FROM file_link WHERE workspace = ")
            .value(workspace)
            .sql(" AND token = ")
            .value(token.clone())
            .sql(" AND expires_at > ")
            .value(tx.now())
            .row(&mut tx)
            .await;
        tx.rollback().await;
        let row = row?.ok_or_else(gone)?;
        Ok(Self {
            workspace: Id::from_raw(workspace),
            key: row.get("api_key")?,
            about: row.get("about")?,
            name: row.get("name")?,
            token,
        })
    }

    /// What was sent to it.
    #[must_use]
    pub fn upload(&self, bytes: Vec<u8>) -> Upload {
        Upload {
            bytes: bytes.into(),
            link: self.token.clone(),
        }
    }
}

/// A new link, as it is kept and as it is given away.
pub(crate) struct Secret {
    pub(crate) token: Vec<u8>,
    /// What follows `/files/` in its address.
    pub(crate) text: String,
}

impl Secret {
    pub(crate) fn new(workspace: Id<Workspace>) -> Self {
        let secret: [u8; 24] = rand::random();
        let mut text = workspace.raw().to_be_bytes().to_vec();
        text.extend(secret);
        Self {
            token: Sha256::digest(secret).to_vec(),
            text: BASE64URL_NOPAD.encode(&text),
        }
    }
}

/// The words in what these records hold.
pub(crate) async fn words(
    tx: &mut Tx,
    workspace: i64,
    records: &[i64],
) -> Result<HashMap<i64, String>> {
    if records.is_empty() {
        return Ok(HashMap::new());
    }
    let mut statement = sql("SELECT record, words FROM content WHERE workspace = ")
        .value(workspace)
        .sql(" AND words IS NOT NULL AND record IN ");
    statement.push_ids(records);
    let rows = statement.rows(tx).await?;
    let words = rows
        .iter()
        .map(|row| Ok((row.get("record")?, row.get("words")?)));
    words.collect()
}

/// Erases what a record held.
pub(crate) async fn erase(tx: &mut Tx, workspace: Id<Workspace>, record: i64) -> Result<()> {
    sql("DELETE FROM content WHERE workspace = ")
        .value(workspace)
        .sql(" AND record = ")
        .value(record)
        .run(tx)
        .await
        .map(drop)
}
