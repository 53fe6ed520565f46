//! Where a database's anchors and their key are, and the task of a server that writes them.

use std::path::PathBuf;
use std::time::Duration;

use bureau_kernel::anchor::{self, Anchor, AnchorFile, Key};
use bureau_kernel::error::{Code, Error, Result};
use bureau_kernel::private;
use bureau_kernel::store::Store;
use bureau_kernel::types::time::now;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::boot;
use crate::config::Config;

/// How often a server notes where the logs end.
const PERIOD: Duration = Duration::from_secs(3_600);
/// The key itself.
const KEY: &str = "BUREAU_ANCHOR_KEY";
/// The name of the file that holds it.
const KEY_FILE: &str = "BUREAU_ANCHOR_KEY_FILE";

/// The file of this database's anchors.
#[must_use]
pub fn file(config: &Config) -> AnchorFile {
    let index = boot::index_folder(config);
    let name = index.file_name().unwrap_or_default();
    AnchorFile::new(&config.data_dir.join("anchors").join(name))
}

/// Where the key is that nobody chose.
fn own_key(config: &Config) -> PathBuf {
    config.data_dir.join("anchor.key")
}

/// What the operator chose: the key, or the file that holds it.
fn chosen() -> Result<Option<Key>> {
    if let Ok(text) = std::env::var(KEY) {
        return Key::new(&text).map(Some);
    }
    match std::env::var_os(KEY_FILE).map(PathBuf::from) {
        None => Ok(None),
        Some(path) => match Key::read(&path)? {
            Some(key) => Ok(Some(key)),
            None => Err(Error::new(
                Code::Unavailable,
                format!("There is no {}, which {KEY_FILE} names.", path.display()),
            )
            .hint("Put the key there, or leave the variable out.")),
        },
    }
}

/// The key, as far as there is one.
///
/// # Errors
/// [`Code::Validation`] for one that is too short; [`Code::Unavailable`] when its file cannot be read.
pub fn key(config: &Config) -> Result<Option<Key>> {
    match chosen()? {
        Some(key) => Ok(Some(key)),
        None => Key::read(&own_key(config)),
    }
}

/// Notes where the logs end now, in the database and in the file: the anchor, and whether the file did not say so already. The key is made where there is none.
///
/// # Errors
/// [`Code::Unavailable`] when the database cannot be read, or the file not written.
pub async fn note(config: &Config, store: &Store) -> Result<Option<(Anchor, bool)>> {
    let file = file(config);
    if let Some(folder) = file.path().parent() {
        private::folder(folder).map_err(|error| {
            Error::new(
                Code::Unavailable,
                format!("The folder {} cannot be made.", folder.display()),
            )
            .hint("Check that you may write there, and that the disk has room.")
            .cause(error)
        })?;
    }
    let key = match chosen()? {
        Some(key) => key,
        None => Key::at(&own_key(config))?,
    };
    match anchor::take(store, &key, store.clock().now()).await? {
        Some(anchor) => {
            let is_new = file.append(&anchor)?;
            Ok(Some((anchor, is_new)))
        }
        None => Ok(None),
    }
}

/// Puts the anchors of a database that was replaced under another name: the log of the one that is there now ends elsewhere.
///
/// # Errors
/// What the disk says.
pub fn set_aside(config: &Config) -> std::io::Result<()> {
    let path = file(config).path().to_owned();
    if !path.exists() {
        return Ok(());
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(
        ".before-restore-{}",
        now().format("%Y%m%dT%H%M%S%3fZ")
    ));
    std::fs::rename(&path, path.with_file_name(name))
}

/// The task that notes anchors while a server runs.
pub struct Anchoring {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// Starts it. A server that may not write notes nothing.
#[must_use]
pub fn start(config: &Config, store: &Store) -> Option<Anchoring> {
    if store.is_read_only() {
        return None;
    }
    let (config, store) = (config.clone(), store.clone());
    let (stop, mut stopped) = oneshot::channel();
    let task = tokio::spawn(async move {
        loop {
            let is_over = tokio::time::timeout(PERIOD, &mut stopped).await.is_ok();
            if let Err(error) = note(&config, &store).await {
                tracing::warn!(%error, "no anchor of the change log could be noted");
            }
            if is_over {
                return;
            }
        }
    });
    Some(Anchoring { stop, task })
}

impl Anchoring {
    /// Notes where the log ends at last, and ends.
    pub async fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.task.await;
    }
}
