//! Who may read the files, and whether there is room for more.

use std::path::{Path, PathBuf};

use bureau_kernel::store::Database;

use crate::config::Config;
use crate::{anchors, boot};

/// Less room than this is a problem: a call that needs more is refused, and so is the next start after an update.
const ROOM: u64 = 64 << 20;

/// The files and folders that only their owner may read: those that there are.
fn private(config: &Config) -> Vec<PathBuf> {
    let mut all = vec![boot::index_folder(config)];
    if let Database::Sqlite(path) = &config.database {
        let mut add = |end: &str| {
            let mut name = path.file_name().unwrap_or_default().to_owned();
            name.push(end);
            all.push(path.with_file_name(name));
        };
        for end in ["", "-wal", "-shm", "-turns"] {
            add(end);
        }
    }
    all.push(config.data_dir.join("anchor.key"));
    all.push(anchors::file(config).path().to_owned());
    all.retain(|path| path.exists());
    all
}

/// Whether others may read what is there.
pub(super) fn modes(config: &Config) -> Result<String, String> {
    let all = private(config);
    let open: Vec<String> = all.iter().filter_map(|path| open_to_others(path)).collect();
    if open.is_empty() {
        return Ok(format!(
            "{} files and folders are their owner's alone",
            all.len()
        ));
    }
    Err(format!(
        "others may look into {}. Take that from them: chmod go= FILE",
        open.join(", ")
    ))
}

/// The path with its mode, where others than the owner may do anything. In a folder that others cannot enter nothing is open.
fn open_to_others(path: &Path) -> Option<String> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &Path| path.metadata().ok().map(|data| data.permissions().mode());
        let whole = path.canonicalize().ok()?;
        let own = mode(&whole)?;
        let mut above = whole.ancestors().skip(1).filter_map(mode);
        let closed = above.any(|mode| mode & 0o011 == 0);
        (!closed && own & 0o077 != 0).then(|| format!("{} ({:o})", path.display(), own & 0o777))
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

/// How much room is left where the data is.
pub(super) fn disk_space(config: &Config) -> Result<String, String> {
    let folder = match &config.database {
        Database::Sqlite(path) => path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new(".")),
        Database::Postgres(_) => &config.data_dir,
    };
    let left = match fs4::available_space(folder) {
        Ok(left) => left,
        // Nothing has been put there yet.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok("no folder yet".into());
        }
        Err(error) => return Err(format!("{}: {error}", folder.display())),
    };
    let said = format!("{} MiB left in {}", left >> 20, folder.display());
    if left < ROOM {
        return Err(format!("{said}: free space before writes are refused"));
    }
    Ok(said)
}
