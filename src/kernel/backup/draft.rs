//! A file under construction, and how it takes its name.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Code, Error, Result};
use crate::store::sqlite::{Identity, identity};

/// A file that only its owner may read. It is gone when it is dropped before it was published.
pub(super) struct Draft {
    path: PathBuf,
    identity: Identity,
}

/// A name in the same folder that begins like this one.
pub(super) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(end);
    path.with_file_name(name)
}

/// A backup never takes the place of a file unless it is told to.
pub(super) fn already_there(path: &Path) -> Error {
    Error::conflict(format!("The file {} is already there.", path.display()))
        .field("file")
        .hint("Name another file, or write --force to replace it.")
}

/// What the disk says, with the file's name.
pub(super) fn fault(path: &Path, error: io::Error) -> Error {
    let shown = path.display();
    let (message, hint) = match error.kind() {
        io::ErrorKind::NotFound => (
            match path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty() && !folder.exists())
            {
                Some(folder) => format!("There is no folder {}.", folder.display()),
                None => format!("{shown} is not there."),
            },
            "Check the name and its folder.",
        ),
        io::ErrorKind::PermissionDenied => (
            format!("{shown} may not be used."),
            "Check that you may read and write there.",
        ),
        io::ErrorKind::StorageFull => (
            format!("There is no room for {shown}: the disk is full."),
            "Free space and try again; nothing was changed.",
        ),
        _ => (
            format!("{shown} cannot be used."),
            "Check the disk and the folder; nothing was changed.",
        ),
    };
    Error::new(Code::Unavailable, message)
        .hint(hint)
        .cause(error)
}

impl Draft {
    /// Begins an empty one. What a process that was killed left under this name is replaced.
    pub(super) fn create(path: &Path) -> Result<Self> {
        let fail = |error| fault(path, error);
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fail(error)),
            _ => {}
        }
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        options.open(path).map_err(fail)?;
        Ok(Self {
            path: path.to_owned(),
            identity: identity(path),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it to the one who has this file: an administrator may restore what a server's own user must open. Who may not
    /// give files away keeps it.
    pub(super) fn belong_with(&self, other: &Path) {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            if let Ok(data) = other.metadata() {
                let _ = std::os::unix::fs::chown(&self.path, Some(data.uid()), Some(data.gid()));
            }
        }
        #[cfg(not(unix))]
        let _ = other;
    }

    /// Whether the file under its name is still this one, and not that of a process that does the same.
    pub(super) fn check(&self) -> Result<()> {
        if identity(&self.path) == self.identity {
            return Ok(());
        }
        Err(Error::conflict(format!(
            "Another process writes {} as well.",
            self.path.display()
        ))
        .hint("Wait until it is done."))
    }

    /// Makes it durable and gives it its name, all at once: whoever looks sees the whole file, the one before, or none.
    pub(super) fn publish(self, name: &Path, overwrite: bool) -> Result<()> {
        File::open(&self.path)
            .and_then(|file| file.sync_all())
            .map_err(|error| fault(&self.path, error))?;
        self.check()?;
        if overwrite {
            std::fs::rename(&self.path, name).map_err(|error| fault(name, error))?;
        } else {
            // Unlike a renaming, this fails when the name is taken meanwhile.
            match std::fs::hard_link(&self.path, name) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    return Err(already_there(name));
                }
                // A file system without hard links.
                Err(_) if name.symlink_metadata().is_err() => {
                    std::fs::rename(&self.path, name).map_err(|error| fault(name, error))?;
                }
                Err(error) => return Err(fault(name, error)),
            }
        }
        drop(self);
        sync_folder(name);
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if identity(&self.path) == self.identity {
            let _ = std::fs::remove_file(&self.path);
            let _ = std::fs::remove_file(beside(&self.path, "-journal"));
        }
    }
}

/// Makes a name durable. Some systems do not let a folder be synced; there the name is as durable as they make it.
pub(super) fn sync_folder(path: &Path) {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
        let _ = folder.sync_all();
    }
}
