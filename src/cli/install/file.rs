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

/// The file that a path leads to, links followed; for one that is not there yet, the place where it would be.
pub(super) fn target(path: &Path) -> PathBuf {
    let place = path.ancestors().find_map(|above| {
        let there = fs::canonicalize(above).ok()?;
        let rest = path.strip_prefix(above).ok()?;
        let is_there = rest.as_os_str().is_empty();
        Some(if is_there { there } else { there.join(rest) })
    });
    place.unwrap_or_else(|| path.to_owned())
}

/// The file's text; none where there is no file.
pub(super) fn read(path: &Path) -> Result<Option<String>> {
    // A pipe would be waited for, and a device has no end.
    match fs::metadata(path) {
        Ok(data) if data.is_file() => {}
        Ok(_) => {
            return Err(Failure::Failed(format!(
                "{} is no regular file. Nothing was changed.",
                path.display()
            )));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", path, &error)),
    }
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path, &error)),
    }
}

/// Writes `text` beside `path` under a name that nothing has yet, for its owner alone, and gives that name. The file may hold
/// the keys of any program.
pub(super) fn keep_copy(path: &Path, text: &str) -> Result<PathBuf> {
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
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&copy) {
            Ok(file) => break (file, copy),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed("copied", path, &error)),
        }
    };
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|error| failed("copied", path, &error))?;
    Ok(copy)
}

/// Puts `text` in the file's place at once, with the permissions that the old one had.
pub(super) fn replace(path: &Path, text: &str, is_private: bool) -> Result<()> {
    let write = || {
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
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
        let old = fs::metadata(path).map(|data| data.permissions()).ok();
        permit(file.as_file(), old, is_private)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
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
