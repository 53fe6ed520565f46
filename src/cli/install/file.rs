//! Reading and replacing a file that belongs to another program, so that it is never half written and never lost.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::cli::{Failure, Result};

fn failed(doing: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::Failed(format!(
        "{} cannot be {doing}: {error}. Nothing was changed.",
        path.display()
    ))
}

/// The file's text; none where there is no file.
pub(super) fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path, &error)),
    }
}

/// Writes `text` beside `path` under a name that nothing has yet, and gives that name.
pub(super) fn keep_copy(path: &Path, text: &str, is_private: bool) -> Result<PathBuf> {
    let stamp = chrono::Utc::now().format("%Y%m%dT%H%M%SZ");
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut names = (1_u32..1000).map(|n| match n {
        1 => format!("{name}.backup-{stamp}"),
        n => format!("{name}.backup-{stamp}-{n}"),
    });
    let (mut file, copy) = loop {
        let Some(name) = names.next() else {
            return Err(Failure::Failed(format!(
                "{} has too many copies beside it. Nothing was changed.",
                path.display()
            )));
        };
        let copy = path.with_file_name(name);
        match OpenOptions::new().write(true).create_new(true).open(&copy) {
            Ok(file) => break (file, copy),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed("copied", path, &error)),
        }
    };
    let old = fs::metadata(path).map(|data| data.permissions()).ok();
    permit(&file, old, is_private)
        .and_then(|()| file.write_all(text.as_bytes()))
        .and_then(|()| file.sync_all())
        .map_err(|error| failed("copied", path, &error))?;
    Ok(copy)
}

/// Puts `text` in the file's place at once, with the permissions that the old one had.
pub(super) fn replace(path: &Path, text: &str, is_private: bool) -> Result<()> {
    // A link stays a link: what it leads to is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let write = || {
        let folder = target.parent().unwrap_or_else(|| Path::new("."));
        fs::create_dir_all(folder)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(".bureau-");
        #[cfg(unix)]
        if !is_private {
            use std::os::unix::fs::PermissionsExt as _;
            // Less what the person's own mask takes away, as for any new file.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let mut file = builder.tempfile_in(folder)?;
        let old = fs::metadata(&target).map(|data| data.permissions()).ok();
        permit(file.as_file(), old, is_private)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&target).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error: io::Error| failed("written", path, &error))
}

/// Gives a file the permissions of the old one; what is private is its owner's alone.
#[cfg(unix)]
fn permit(file: &File, old: Option<fs::Permissions>, is_private: bool) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = match (old.map(|old| old.mode() & 0o777), is_private) {
        (Some(mode), false) => mode,
        (_, true) => 0o600,
        (None, false) => return Ok(()),
    };
    file.set_permissions(fs::Permissions::from_mode(mode))
}

/// Elsewhere a new file inherits what its folder grants.
#[cfg(not(unix))]
fn permit(_: &File, _: Option<fs::Permissions>, _: bool) -> io::Result<()> {
    Ok(())
}
