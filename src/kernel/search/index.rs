//! The index on disk: where it lies, whether it is whole, one state of it to search, and its writer.

use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tantivy::directory::Directory;
use tantivy::index::{IndexMeta, SegmentComponent, SegmentId};
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy, NoMergePolicy};
use tantivy::{Index, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, Searcher};

use super::files::Files;
use super::passages::{self, PassageQuery, Passages};
use super::query;
use super::rank::{self, View};
use super::schema::{self, Collection, Fields};
use super::unread;
use super::{Doc, Error, Found, Query, RecordKey};
use crate::heads::Heads;
use crate::private;

/// Memory of the writer that follows the change log, in bytes: the least that tantivy takes.
const FOLLOW_ARENA: usize = 15_000_000;
/// Memory of the writer that builds the index anew, in bytes.
const BUILD_ARENA: usize = 100_000_000;

/// Runs code of the index library; a panic in it, as damaged files may cause, is an error like any other.
pub(super) fn guard<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Error::Damaged("the index library panicked".to_owned())))
}

/// Runs blocking work of the index away from the async executor. It is finished even when the caller goes away.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    match tokio::task::spawn_blocking(|| guard(work)).await {
        Ok(result) => result,
        Err(e) => Err(Error::Damaged(e.to_string())),
    }
}

/// The names under the search directory.
///
/// `NAME` is the live index, `NAME.lock` says who writes it, `NAME.new` is being built, `NAME.broken` was set aside, and
/// `NAME.damaged` asks the writer's holder to build again. `NAME` carries the schema's fingerprint.
#[derive(Clone, Debug)]
pub(super) struct IndexPaths {
    root: PathBuf,
    name: String,
    collection: Collection,
}

const PREFIX: &str = "index-";

impl IndexPaths {
    pub(super) fn new(root: &Path, collection: Collection) -> Result<Self, Error> {
        let (schema, _) = schema::schema(collection);
        let name = format!("{PREFIX}{}", schema::fingerprint(&schema)?);
        if !private::folder(root)?
            && let Err(error) = private::close(root)
        {
            tracing::warn!(%error, folder = %root.display(), "others may read the search index, and it cannot be taken from them");
        }
        Ok(Self {
            root: root.to_owned(),
            name,
            collection,
        })
    }

    pub(super) fn live(&self) -> PathBuf {
        self.root.join(&self.name)
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        self.root.join(format!("{}.{suffix}", self.name))
    }

    /// True if there is an index that is or was complete.
    pub(super) fn exists(&self) -> bool {
        self.live().join("meta.json").exists()
    }

    /// Tells the holder, whichever process it is, that the build with this id is damaged.
    pub(super) fn report_damage(&self, build: &str) {
        if let Err(error) = private::write(&self.beside("damaged"), build.as_bytes()) {
            tracing::warn!(%error, "damage of the search index could not be noted");
        }
    }

    /// Takes the note of [`Self::report_damage`]; true if it is about this build or an index that could not be opened.
    pub(super) fn take_damage_report(&self, build: &str) -> bool {
        let path = self.beside("damaged");
        let Ok(about) = fs::read_to_string(&path) else {
            return false;
        };
        if let Err(error) = fs::remove_file(&path) {
            tracing::warn!(%error, "a note about the search index could not be removed");
        }
        about.is_empty() || about == build
    }

    /// How far the live index goes, as far as that can be read without opening it.
    pub(super) fn checkpoint(&self) -> Option<Checkpoint> {
        checkpoint_in(&self.live())
    }

    /// Keeps in mind that an index knew more of the log than the database, also when the index is set aside.
    pub(super) fn keep_ahead(&self, checkpoint: &Checkpoint) -> Result<(), Error> {
        let path = self.root.join(AHEAD);
        if kept_ahead(&self.root).is_some_and(|kept| kept.rows() >= checkpoint.heads.rows()) {
            return Ok(());
        }
        let kept = serde_json::to_vec(&*checkpoint.heads).map_err(io::Error::other)?;
        let new = path.with_extension("tmp");
        private::write(&new, &kept)?;
        Ok(fs::rename(&new, &path)?)
    }

    /// Keeps the live index for a look at it, in place of one kept before.
    fn set_aside(&self) -> Result<(), Error> {
        if self.live().exists() {
            let broken = self.beside("broken");
            remove_all(&broken)?;
            fs::rename(self.live(), &broken)?;
            tracing::warn!(path = %broken.display(), "a search index that cannot be used was set aside");
        }
        Ok(())
    }

    /// Removes what was set aside, once a whole index has been opened after it.
    pub(super) fn remove_set_aside(&self) -> Result<(), Error> {
        Ok(remove_all(&self.beside("broken"))?)
    }

    /// Removes indexes of other schemas that no process writes any more.
    pub(super) fn remove_others(&self) -> Result<(), Error> {
        for entry in fs::read_dir(&self.root)? {
            let name = entry?.file_name();
            let Some(base) = name.to_str().and_then(|n| n.split('.').next()) else {
                continue;
            };
            if !base.starts_with(PREFIX) || base == self.name {
                continue;
            }
            let other = Self {
                root: self.root.clone(),
                name: base.to_owned(),
                collection: self.collection,
            };
            let Some(lock) = Lock::take(&other)? else {
                continue;
            };
            remove_all(&other.live())?;
            for suffix in ["new", "broken", "damaged", "lock"] {
                remove_all(&other.beside(suffix))?;
            }
            drop(lock);
        }
        Ok(())
    }
}

/// Where it is kept in mind that an index knew more of the log than the database.
const AHEAD: &str = "ahead.json";

fn kept_ahead(root: &Path) -> Option<Heads> {
    let text = fs::read_to_string(root.join(AHEAD)).ok()?;
    serde_json::from_str(&text).ok()
}

/// What the last commit of the index in this folder says about itself.
fn checkpoint_in(folder: &Path) -> Option<Checkpoint> {
    let text = fs::read_to_string(folder.join("meta.json")).ok()?;
    let meta: serde_json::Value = serde_json::from_str(&text).ok()?;
    Checkpoint::from_payload(meta.get("payload")?.as_str()?)
}

/// The ends of the logs as the indexes under a folder know them: what was kept in mind as lost first, else the furthest.
pub(super) fn last_known(root: &Path) -> Option<Heads> {
    if let Some(kept) = kept_ahead(root) {
        return Some(kept);
    }
    let entries = fs::read_dir(root).ok()?.flatten();
    let indexes = entries.filter(|entry| {
        let name = entry.file_name();
        name.to_str()
            .is_some_and(|name| name.starts_with(PREFIX) && !name.contains('.'))
    });
    let marks = indexes.filter_map(|entry| checkpoint_in(&entry.path()));
    let furthest = marks.max_by_key(|checkpoint| checkpoint.heads.rows())?;
    Some((*furthest.heads).clone())
}

fn remove_all(path: &Path) -> io::Result<()> {
    let result = match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(e) => Err(e),
    };
    match result {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// The right to write the index; the system gives it back when the process ends in whatever way.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// None while another process or another [`super::Search`] holds it.
    pub(super) fn take(paths: &IndexPaths) -> Result<Option<Self>, Error> {
        private::folder(&paths.root)?;
        let path = paths.beside("lock");
        let file = private::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)?;
        match file.try_lock() {
            Ok(()) => {
                let lock = Self { file, path };
                // Between opening and locking, another process may have removed the file and locked a new one.
                Ok(lock.is_valid().then_some(lock))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(e.into()),
        }
    }

    /// False when the lock file was deleted, so that another process may hold a new one.
    pub(super) fn is_valid(&self) -> bool {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            match (self.file.metadata(), fs::metadata(&self.path)) {
                (Ok(held), Ok(found)) => held.ino() == found.ino() && held.dev() == found.dev(),
                _ => false,
            }
        }
        #[cfg(not(unix))]
        {
            self.path.exists()
        }
    }
}

/// What a commit says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Checkpoint {
    /// How far each workspace's change log is in the index.
    pub(super) heads: Arc<Heads>,
    /// All that was sealed up to the sealing of this number is in the index.
    pub(super) sealing: i64,
    /// Differs for each time that the index was built anew.
    pub(super) build: String,
    /// Text of records that were erased for good may still be in the files.
    pub(super) residue: bool,
}

impl Checkpoint {
    fn to_payload(&self) -> String {
        serde_json::json!({
            "heads": *self.heads,
            "sealing": self.sealing,
            "build": self.build,
            "residue": self.residue,
        })
        .to_string()
    }

    fn from_meta(meta: &IndexMeta) -> Result<Self, Error> {
        let damaged = || Error::Damaged("the last commit does not say how far it goes".to_owned());
        let payload = meta.payload.as_deref().ok_or_else(damaged)?;
        Self::from_payload(payload).ok_or_else(damaged)
    }

    fn from_payload(payload: &str) -> Option<Self> {
        let value: serde_json::Value = serde_json::from_str(payload).ok()?;
        let text = |name: &str| value.get(name).and_then(|v| v.as_str()).map(str::to_owned);
        Some(Self {
            heads: Arc::new(serde_json::from_value(value.get("heads")?.clone()).ok()?),
            sealing: value.get("sealing")?.as_i64()?,
            build: text("build")?,
            residue: value.get("residue").is_some_and(|residue| residue == true),
        })
    }
}

/// One state of the index, unchanging while it is searched.
pub(super) struct Snapshot {
    view: View,
    pub(super) checkpoint: Checkpoint,
    opstamp: u64,
    /// Files that the searcher has mapped, with their lengths in bytes.
    files: Vec<(PathBuf, u64)>,
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.checkpoint.fmt(f)
    }
}

impl Snapshot {
    /// One page of hits, whether more follow, and what could not be read of these kinds.
    pub(super) fn find(&self, query: &Query) -> Result<Found, Error> {
        self.check_lengths()?;
        let (hits, more) = query::find(&self.view, query)?;
        let unread = unread::of_kinds(&self.view, query.workspace, &query.kinds)?;
        Ok(Found::Hits { hits, more, unread })
    }

    /// The best passages.
    pub(super) fn find_passages(&self, query: &PassageQuery) -> Result<Passages, Error> {
        self.check_lengths()?;
        Ok(passages::find(&self.view, query)?)
    }

    /// What could not be read of any kind.
    pub(super) fn unread(&self) -> Result<Vec<(i64, String, i64)>, Error> {
        self.check_lengths()?;
        Ok(unread::all(&self.view)?)
    }

    /// Reading beyond the end of a mapped file that was cut would end the process, so this is asked before each use.
    /// A file that is gone is no harm: the system keeps a removed file while it is mapped.
    pub(super) fn check_lengths(&self) -> Result<(), Error> {
        for (path, length) in &self.files {
            if fs::metadata(path).is_ok_and(|m| m.len() < *length) {
                return Err(Error::Damaged(format!("{} was cut", path.display())));
            }
        }
        Ok(())
    }

    pub(super) fn documents(&self) -> u64 {
        self.view.searcher.num_docs()
    }

    pub(super) fn segments(&self) -> usize {
        self.view.searcher.segment_readers().len()
    }
}

/// An open index. The searched states are taken from it by [`Self::snapshot`].
pub(super) struct Opened {
    path: PathBuf,
    index: Index,
    reader: IndexReader,
    fields: Fields,
    newest: Mutex<HashMap<SegmentId, Arc<Vec<i64>>>>,
}

impl Opened {
    /// Opens the live index and reads every byte of it once against its checksums.
    pub(super) fn open_checked(paths: &IndexPaths) -> Result<Self, Error> {
        let opened = Self::open(paths)?;
        opened.check()?;
        Ok(opened)
    }

    /// Reads every byte of it once against its checksums.
    pub(super) fn check(&self) -> Result<(), Error> {
        check(&self.index, &self.path)
    }

    /// How far the last commit goes.
    pub(super) fn checkpoint(&self) -> Result<Checkpoint, Error> {
        Checkpoint::from_meta(&self.index.load_metas()?)
    }

    /// Opens the live index, believing that its files are whole.
    pub(super) fn open(paths: &IndexPaths) -> Result<Self, Error> {
        let path = paths.live();
        let directory = Files::open(&path)?;
        let index = Index::open(directory)?;
        let (schema, fields) = schema::schema(paths.collection);
        if index.schema() != schema {
            return Err(Error::Damaged("the index has another schema".to_owned()));
        }
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .doc_store_cache_num_blocks(1)
            .try_into()?;
        Ok(Self {
            path,
            index,
            reader,
            fields,
            newest: Mutex::default(),
        })
    }

    /// The state of the last commit.
    pub(super) fn snapshot(&self) -> Result<Snapshot, Error> {
        // Read before the reload: a commit between the two only makes the state newer than its mark.
        let meta = self.index.load_metas()?;
        let checkpoint = Checkpoint::from_meta(&meta)?;
        self.reader.reload()?;
        let mut files = Vec::new();
        for segment in &meta.segments {
            for (path, optional) in components(segment) {
                let path = self.path.join(path);
                match fs::metadata(&path) {
                    Ok(found) => files.push((path, found.len())),
                    // A merge may have replaced the segment since.
                    Err(e) if optional || e.kind() == io::ErrorKind::NotFound => {}
                    Err(e) => return Err(e.into()),
                }
            }
        }
        let searcher = self.reader.searcher();
        let newest = self.newest(&searcher)?;
        let view = View {
            searcher,
            fields: self.fields,
            newest,
        };
        Ok(Snapshot {
            view,
            checkpoint,
            opstamp: meta.opstamp,
            files,
        })
    }

    /// Segments do not change, and so it is computed once for each.
    fn newest(&self, searcher: &Searcher) -> Result<Vec<Arc<Vec<i64>>>, Error> {
        let mut known = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = HashMap::new();
        let mut ordered = Vec::new();
        for reader in searcher.segment_readers() {
            let newest = match known.get(&reader.segment_id()) {
                Some(newest) => Arc::clone(newest),
                None => Arc::new(rank::newest(reader)?),
            };
            all.insert(reader.segment_id(), Arc::clone(&newest));
            ordered.push(newest);
        }
        *known = all;
        Ok(ordered)
    }

    /// The state of the last commit if it is another than `known`.
    pub(super) fn newer(&self, known: &Snapshot) -> Result<Option<Snapshot>, Error> {
        let meta = self.index.load_metas()?;
        if meta.opstamp == known.opstamp && Checkpoint::from_meta(&meta)? == known.checkpoint {
            return Ok(None);
        }
        self.snapshot().map(Some)
    }

    pub(super) fn writer(&self) -> Result<Writer, Error> {
        Writer::new(&self.index, self.fields, FOLLOW_ARENA)
    }
}

/// The files of a segment, and whether each may be absent.
fn components(segment: &tantivy::SegmentMeta) -> impl Iterator<Item = (PathBuf, bool)> + '_ {
    [
        SegmentComponent::Postings,
        SegmentComponent::Positions,
        SegmentComponent::Terms,
        SegmentComponent::Store,
        SegmentComponent::FastFields,
        SegmentComponent::FieldNorms,
    ]
    .into_iter()
    .chain(segment.has_deletes().then_some(SegmentComponent::Delete))
    .map(|component| (segment.relative_path(component), false))
}

/// Compares the files of the last commit with their checksums.
fn check(index: &Index, path: &Path) -> Result<(), Error> {
    // A commit or merge of the holder may remove files meanwhile; then the newer state is looked at.
    let mut meta = index.load_metas()?;
    loop {
        let result = check_files(index, &meta, path);
        let now = index.load_metas()?;
        if result.is_ok()
            || (now.opstamp == meta.opstamp && now.segments.len() == meta.segments.len())
        {
            return result;
        }
        meta = now;
    }
}

fn check_files(index: &Index, meta: &IndexMeta, path: &Path) -> Result<(), Error> {
    Checkpoint::from_meta(meta)?;
    for segment in &meta.segments {
        for (file, _) in components(segment) {
            if !index
                .directory()
                .exists(&file)
                .map_err(tantivy::TantivyError::from)?
                || !index
                    .directory()
                    .validate_checksum(&file)
                    .map_err(tantivy::TantivyError::from)?
            {
                return Err(Error::Damaged(format!(
                    "{} is torn",
                    path.join(&file).display()
                )));
            }
        }
    }
    Ok(())
}

/// Levels a factor of 8 apart from 1,000 documents up, five segments of a level become one: about 20 segments at most at a
/// million documents, and small commits are only merged with small ones.
fn merge_policy() -> Box<LogMergePolicy> {
    let mut policy = LogMergePolicy::default();
    policy.set_min_num_segments(5);
    policy.set_min_layer_size(1_000);
    policy.set_level_log_size(3.0);
    policy.set_del_docs_ratio_before_merge(0.3);
    Box::new(policy)
}

/// The one writer of an index.
pub(super) struct Writer {
    inner: IndexWriter,
    fields: Fields,
}

impl Writer {
    fn new(index: &Index, fields: Fields, arena: usize) -> Result<Self, Error> {
        let options = IndexWriterOptions::builder()
            .memory_budget_per_thread(arena)
            .num_worker_threads(1)
            .num_merge_threads(1)
            .build();
        let inner: IndexWriter = index.writer_with_options(options)?;
        inner.set_merge_policy(merge_policy());
        Ok(Self { inner, fields })
    }

    /// Merges nothing from now on but what [`Self::rewrite`] is told.
    fn stop_merging(&self) {
        self.inner.set_merge_policy(Box::new(NoMergePolicy));
    }

    /// Writes a segment anew, without its deleted documents.
    fn rewrite(&mut self, segment: SegmentId) -> Result<(), Error> {
        self.inner.merge(&[segment]).wait()?;
        Ok(())
    }

    /// Removes the files that no segment needs any more.
    fn remove_unused_files(&self) -> Result<(), Error> {
        self.inner.garbage_collect_files().wait()?;
        Ok(())
    }

    /// Replaces or removes the documents of `records`; `docs` are those that still exist.
    pub(super) fn replace(&self, records: &[RecordKey], docs: &[Doc]) -> Result<(), Error> {
        for record in records {
            self.inner.delete_term(self.fields.key(*record));
        }
        self.add(docs)
    }

    fn add(&self, docs: &[Doc]) -> Result<(), Error> {
        for doc in docs {
            for document in self.fields.documents(doc) {
                self.inner.add_document(document)?;
            }
        }
        Ok(())
    }

    /// Makes everything up to the checkpoint durable and visible to the next snapshot.
    pub(super) fn commit(&mut self, checkpoint: &Checkpoint) -> Result<(), Error> {
        let mut commit = self.inner.prepare_commit()?;
        commit.set_payload(&checkpoint.to_payload());
        commit.commit()?;
        Ok(())
    }

    /// Gives the writer's memory and threads back, after the merges that are under way.
    pub(super) fn close(self) -> Result<(), Error> {
        Ok(self.inner.wait_merging_threads()?)
    }
}

/// A new index on its way.
pub(super) struct Build {
    paths: IndexPaths,
    writer: Writer,
    build: String,
    /// Kept until the last blocking work on the build is done.
    _lock: Arc<Lock>,
}

impl Build {
    /// Sets the present index aside and begins an empty one.
    pub(super) fn begin(paths: IndexPaths, lock: Arc<Lock>) -> Result<Self, Error> {
        private::folder(&paths.root)?;
        paths.set_aside()?;
        let path = paths.beside("new");
        remove_all(&path)?;
        private::folder(&path)?;
        let (schema, fields) = schema::schema(paths.collection);
        let directory = Files::open(&path)?;
        let index = Index::create(directory, schema, IndexSettings::default())?;
        let writer = Writer::new(&index, fields, BUILD_ARENA)?;
        Ok(Self {
            paths,
            writer,
            build: unique(),
            _lock: lock,
        })
    }

    pub(super) fn add(&self, docs: &[Doc]) -> Result<(), Error> {
        self.writer.add(docs)
    }

    /// Makes the index the live one. Until then nothing of it counts, so that a killed build starts again.
    pub(super) fn finish(mut self, heads: Heads, sealing: i64) -> Result<(), Error> {
        self.writer.commit(&Checkpoint {
            heads: Arc::new(heads),
            sealing,
            build: self.build,
            residue: false,
        })?;
        self.writer.close()?;
        self.paths.set_aside()?;
        Ok(fs::rename(self.paths.beside("new"), self.paths.live())?)
    }
}

/// A name that no other build has: process, time and a counter.
fn unique() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let time = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |d| d.as_nanos());
    format!(
        "{:x}-{time:x}-{:x}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}

/// An open index together with the right to write it, as the holder has it.
pub(super) struct IndexSession {
    pub(super) opened: Opened,
    pub(super) checkpoint: Checkpoint,
    writer: Option<Writer>,
    /// The segments that are still to be written anew because of what was erased; none while nothing was.
    to_rewrite: Option<Vec<SegmentId>>,
    /// Kept until the last blocking work on the index is done.
    pub(super) lock: Arc<Lock>,
}

impl IndexSession {
    pub(super) fn open(opened: Opened, lock: Arc<Lock>) -> Result<(Self, Snapshot), Error> {
        let snapshot = opened.snapshot()?;
        let checkpoint = snapshot.checkpoint.clone();
        Ok((
            Self {
                opened,
                checkpoint,
                writer: None,
                to_rewrite: None,
                lock,
            },
            snapshot,
        ))
    }

    /// Writes a batch in one commit.
    pub(super) fn apply(
        &mut self,
        records: &[RecordKey],
        docs: &[Doc],
        (heads, sealing): (Arc<Heads>, i64),
        erased: bool,
    ) -> Result<Snapshot, Error> {
        if erased {
            // What was looked through already may hold it.
            self.to_rewrite = None;
        }
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.opened.writer()?,
        };
        let checkpoint = Checkpoint {
            heads,
            sealing,
            build: self.checkpoint.build.clone(),
            residue: self.checkpoint.residue || erased,
        };
        writer.replace(records, docs)?;
        writer.commit(&checkpoint)?;
        self.checkpoint = checkpoint;
        self.writer = Some(writer);
        self.opened.snapshot()
    }

    /// One step of removing from the files what was erased: a deleted document is only marked, and its text stays until its
    /// segment is written anew. A segment at a time, so that what is written meanwhile need not wait for all of them.
    pub(super) fn clean(&mut self) -> Result<Snapshot, Error> {
        let Some(segments) = &mut self.to_rewrite else {
            // A merge that is under way may carry deleted documents along: it is waited for, and no other begins.
            self.rest()?;
            let writer = self.opened.writer()?;
            writer.stop_merging();
            self.writer = Some(writer);
            let metas = self.opened.index.searchable_segment_metas()?;
            let deleted = metas.iter().filter(|meta| meta.has_deletes());
            self.to_rewrite = Some(deleted.map(tantivy::SegmentMeta::id).collect());
            return self.opened.snapshot();
        };
        let segment = segments.pop();
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.opened.writer()?,
        };
        match segment {
            Some(segment) => writer.rewrite(segment)?,
            None => {
                let checkpoint = Checkpoint {
                    residue: false,
                    ..self.checkpoint.clone()
                };
                writer.commit(&checkpoint)?;
                writer.remove_unused_files()?;
                writer.inner.set_merge_policy(merge_policy());
                self.checkpoint = checkpoint;
                self.to_rewrite = None;
            }
        }
        self.writer = Some(writer);
        self.opened.snapshot()
    }

    pub(super) fn has_writer(&self) -> bool {
        self.writer.is_some()
    }

    /// Gives the writer back while there is nothing to write.
    pub(super) fn rest(&mut self) -> Result<(), Error> {
        self.writer.take().map_or(Ok(()), Writer::close)
    }
}
