//! From a configuration to a running app: database, tools, dispatcher.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bureau_kernel::admin;
use bureau_kernel::content::Intake;
use bureau_kernel::dispatch::{Dispatcher, Settings};
use bureau_kernel::error::{Error, Result};
use bureau_kernel::private;
use bureau_kernel::record::check_tables;
use bureau_kernel::registry::{Module, Registry, Selection};
use bureau_kernel::store::clock::{self, Reading};
use bureau_kernel::store::{Database, OpenOptions, ReplicaState, Store};
use sha2::{Digest as _, Sha256};

use crate::config::Config;

/// Opens the database and makes sure that it has a workspace.
///
/// # Errors
/// What stands in the way, with what to do about it.
pub async fn store(config: &Config) -> Result<Store> {
    let store = whole(open(config, config.read_only).await?).await?;
    warn_of(&clock::beat(&store).await?);
    Ok(store)
}

/// The same for a server: what its callers ask for has an end.
///
/// # Errors
/// What stands in the way, with what to do about it.
pub async fn server_store(config: &Config) -> Result<Store> {
    let options = OpenOptions {
        call_limit: Some(config.settings().call_limit),
        replicas: config.replicas.clone(),
        ..options(config, config.read_only)
    };
    if !config.read_only {
        check_folder(config)?;
        data_folder(config);
    }
    let store = whole(Store::open(&options).await?).await?;
    // Its scheduler notes that somebody lives here. A server whose database cannot be written at this moment can be read.
    warn_of(&clock::reading(&store).await?);
    Ok(store)
}

async fn whole(store: Store) -> Result<Store> {
    admin::bootstrap(&store).await?;
    // What is released has passed the test of this. Whoever changes a record is told when they start what they built.
    if cfg!(debug_assertions) {
        check_tables(&store, &Module::records_of(crate::MODULES)).await?;
    }
    provision(&store).await?;
    Ok(store)
}

fn warn_of(clock: &Reading) {
    if let Some(wrong) = clock.wrong() {
        tracing::warn!("{wrong} If it is right, say so: bureau clock accept");
    }
}

fn options(config: &Config, read_only: bool) -> OpenOptions {
    OpenOptions {
        read_only,
        connections: config.connections,
        ..OpenOptions::new(config.database.clone())
    }
}

/// Puts into new workspaces what the modules need.
///
/// # Errors
/// What the database says.
pub async fn provision(store: &Store) -> Result<()> {
    bureau_kernel::provision::provision(store, crate::MODULES, whole_registry).await
}

/// Opens the database as it is.
///
/// # Errors
/// What stands in the way, with what to do about it.
pub async fn open(config: &Config, read_only: bool) -> Result<Store> {
    if !read_only {
        check_folder(config)?;
        data_folder(config);
    }
    Store::open(&options(config, read_only)).await
}

/// How the replicas are that were named.
///
/// # Errors
/// What stands in the way, such as one that is no replica of the database.
pub async fn replicas(config: &Config) -> Result<Vec<ReplicaState>> {
    let options = OpenOptions {
        replicas: config.replicas.clone(),
        ..options(config, true)
    };
    let store = Store::open(&options).await?;
    let states = store.replicas().await;
    store.close().await;
    Ok(states)
}

/// Refuses a database that was named in a folder that is not there: that is a slip of the hand, and nothing is made for it.
fn check_folder(config: &Config) -> Result<()> {
    let Database::Sqlite(path) = &config.database else {
        return Ok(());
    };
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    match folder.filter(|folder| !config.default_database && !folder.exists()) {
        Some(folder) => {
            let message = format!("There is no folder {}.", folder.display());
            Err(Error::invalid("database", message)
                .hint("Check the path that --database names, or make the folder."))
        }
        None => Ok(()),
    }
}

/// Makes the data folder so that only its owner may look into it. An older version made the usual one open to all, and that
/// is mended; a folder that was named is its owner's to arrange.
fn data_folder(config: &Config) {
    let folder = &config.data_dir;
    let usual = crate::config::default_data_dir().as_ref() == Some(folder);
    let done = match private::folder(folder) {
        Ok(false) if usual && private::is_open(folder) => private::close_folder(folder),
        done => done.map(drop),
    };
    if let Err(error) = done {
        // Whoever needs the folder says it better.
        tracing::warn!(%error, folder = %folder.display(), "the data folder could not be made private");
    }
}

/// The tools that the configuration offers.
///
/// # Errors
/// [`Code::Validation`](bureau_kernel::error::Code::Validation) for a group or tool that does not exist.
pub fn registry(config: &Config) -> Result<Arc<Registry>> {
    Registry::new(crate::MODULES, &config.selection)
}

/// All tools that are compiled in.
///
/// # Errors
/// None, unless two modules use one name.
pub fn whole_registry() -> Result<Arc<Registry>> {
    Registry::new(
        crate::MODULES,
        &Selection {
            features: vec!["all".into()],
            ..Selection::default()
        },
    )
}

/// The dispatcher of a server, with the search index.
///
/// # Errors
/// [`Code::Unavailable`](bureau_kernel::error::Code::Unavailable) when the index has no place.
pub fn server_dispatcher(
    config: &Config,
    store: Store,
    registry: Arc<Registry>,
) -> Result<Arc<Dispatcher>> {
    let folder = &config.data_dir;
    if private::is_open(folder) {
        tracing::warn!(folder = %folder.display(), "other users of this machine may look into the data folder: chmod 700 ends that");
    }
    let dispatcher = Dispatcher::new(
        store,
        registry,
        Some(&index_folder(config)),
        config.settings(),
    )?;
    open_to_files(config, &dispatcher);
    Ok(dispatcher)
}

/// Says where files may come from, and who reads the words in them.
fn open_to_files(config: &Config, dispatcher: &Dispatcher) {
    let intake = Intake {
        folders: config.files_dirs.clone(),
        reader: std::env::current_exe().ok(),
    };
    // It is said once, of a dispatcher that was just made.
    let _ = dispatcher.app().intake.set(intake);
}

/// The dispatcher of a single call: it searches the database, which is quicker than opening the index for once.
///
/// # Errors
/// None.
pub fn call_dispatcher(
    config: &Config,
    store: Store,
    registry: Arc<Registry>,
) -> Result<Arc<Dispatcher>> {
    let settings = Settings {
        // Nobody but the one who asked waits for it, and they can end it: taking a large import back is a single call.
        call_limit: Duration::from_secs(3_600),
        ..config.settings()
    };
    let dispatcher = Dispatcher::new(store, registry, None, settings)?;
    open_to_files(config, &dispatcher);
    Ok(dispatcher)
}

/// Where the search index of this database is. Every database has its own, so that two of them can share a data folder;
/// every process on one database finds the same.
#[must_use]
pub fn index_folder(config: &Config) -> PathBuf {
    let (name, identity) = match &config.database {
        Database::Sqlite(path) => {
            let whole = path
                .canonicalize()
                .or_else(|_| std::path::absolute(path))
                .unwrap_or_else(|_| path.clone());
            let name = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            (name, whole.to_string_lossy().into_owned())
        }
        // Not the password: changing it changes nothing about the data.
        Database::Postgres(url) => (
            "postgres".to_owned(),
            url.rsplit('@').next().unwrap_or_default().to_owned(),
        ),
    };
    let digest = Sha256::digest(identity.as_bytes());
    let mark: String = digest
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    config.data_dir.join("index").join(format!("{name}-{mark}"))
}
