//! Folders and files that only their owner may read, whatever the umask is. Where a system knows no such thing, they are
//! like any other.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::path::Path;

/// Options to open a file that, where this makes it, nobody else may read.
pub(crate) fn options() -> OpenOptions {
    #[allow(unused_mut, reason = "only some systems know of modes")]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Writes a file that nobody else may read.
pub(crate) fn write(path: &Path, data: &[u8]) -> io::Result<()> {
    let mut file = options()
        .write(true)
        .create(true)
        .truncate(true)
        .open(path)?;
    io::Write::write_all(&mut file, data)
}

/// Makes a folder, and those above it that are not there, so that nobody else may look into them. True if it was not there.
///
/// # Errors
/// What the system says.
pub fn folder(path: &Path) -> io::Result<bool> {
    if path.is_dir() {
        return Ok(false);
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    Ok(true)
}

/// Whether others than its owner may look into a file or folder.
#[must_use]
pub fn is_open(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

/// Takes a folder from everybody but its owner; what is in it stays as it is.
///
/// # Errors
/// What the system says: that it is another's, for example.
pub fn close_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Takes a folder, with all that is in it, from everybody but its owner. What goes away meanwhile is left out.
///
/// # Errors
/// What the system says: that it is another's, for example.
pub fn close(path: &Path) -> io::Result<()> {
    let meta = std::fs::symlink_metadata(path)?;
    if meta.is_dir() {
        close_folder(path)?;
        for entry in std::fs::read_dir(path)? {
            match close(&entry?.path()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    } else if meta.is_file() {
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        }
    }
    Ok(())
}
