//! The index's files, written without waiting for the disk.
//!
//! An index that a power failure tears is noticed by its checksums and built again, so that waiting for the disk would
//! only slow down every commit, and with it the database, which needs the disk for what cannot be built again. What is
//! written outlives the process all the same.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tantivy::directory::error::{DeleteError, LockError, OpenReadError, OpenWriteError};
use tantivy::directory::{
    AntiCallToken, Directory, DirectoryLock, FileHandle, Lock, MmapDirectory, TerminatingWrite,
    WatchCallback, WatchHandle, WritePtr,
};

use super::Error;
use crate::private;

/// A directory of memory-mapped files that are written without `fsync`.
#[derive(Clone, Debug)]
pub(super) struct Files {
    mapped: MmapDirectory,
    path: PathBuf,
}

impl Files {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let mapped = MmapDirectory::open(path).map_err(|e| Error::Damaged(e.to_string()))?;
        Ok(Self {
            mapped,
            path: path.to_owned(),
        })
    }
}

struct Unsynced(File);

impl Write for Unsynced {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl TerminatingWrite for Unsynced {
    fn terminate_ref(&mut self, _: AntiCallToken) -> io::Result<()> {
        Ok(())
    }
}

impl Directory for Files {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        self.mapped.get_file_handle(path)
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        self.mapped.delete(path)
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        self.mapped.exists(path)
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        let mut options = private::options();
        match options
            .write(true)
            .create_new(true)
            .open(self.path.join(path))
        {
            Ok(file) => Ok(BufWriter::new(Box::new(Unsynced(file)))),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                Err(OpenWriteError::FileAlreadyExists(path.to_owned()))
            }
            Err(e) => Err(OpenWriteError::wrap_io_error(e, path.to_owned())),
        }
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        self.mapped.atomic_read(path)
    }

    fn atomic_write(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        // Only the one writer writes, and each such file from one thread at a time.
        let path = self.path.join(path);
        let new = path.with_extension("tmp");
        private::write(&new, data)?;
        fs::rename(&new, &path)
    }

    fn sync_directory(&self) -> io::Result<()> {
        Ok(())
    }

    fn acquire_lock(&self, lock: &Lock) -> Result<DirectoryLock, LockError> {
        // Made here, so that nobody else may open what only its holder may lock.
        private::options()
            .create(true)
            .append(true)
            .open(self.path.join(&lock.filepath))
            .map_err(LockError::wrap_io_error)?;
        self.mapped.acquire_lock(lock)
    }

    fn watch(&self, callback: WatchCallback) -> tantivy::Result<WatchHandle> {
        self.mapped.watch(callback)
    }
}
