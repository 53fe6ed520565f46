//! What the search promises, against a database in memory.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::*;

/// A database in memory: live documents and the change logs of their workspaces.
#[derive(Default)]
struct Memory {
    inner: Mutex<Inner>,
    /// Holds a scan back while true.
    slow: AtomicBool,
}

#[derive(Default)]
struct Inner {
    docs: BTreeMap<RecordKey, Doc>,
    log: Vec<Touched>,
    world: u32,
}

impl Memory {
    fn put(&self, doc: Doc) -> i64 {
        let mut inner = self.inner.lock().unwrap();
        let key = doc.key();
        inner.docs.insert(key, doc);
        inner.touch(key)
    }

    fn remove(&self, kind: &'static str, id: i64) -> i64 {
        let mut inner = self.inner.lock().unwrap();
        inner.docs.remove(&(1, kind, id));
        inner.touch((1, kind, id))
    }

    /// Erases a document for good.
    fn erase(&self, kind: &'static str, id: i64) -> i64 {
        let mut inner = self.inner.lock().unwrap();
        inner.docs.remove(&(1, kind, id));
        let position = inner.touch((1, kind, id));
        if let Some(touched) = inner.log.last_mut() {
            touched.erased = true;
        }
        position
    }

    /// As if an older copy of the file had been restored.
    fn restore(&self, length: usize) {
        let mut inner = self.inner.lock().unwrap();
        let kept: Vec<_> = inner.log.iter().take(length).map(|t| t.record).collect();
        inner.log.truncate(length);
        inner.docs.retain(|key, _| kept.contains(key));
        inner.world += 1;
    }
}

impl Inner {
    /// Each row is a sealing of its own; the position of the row in the log of its workspace.
    fn touch(&mut self, record: RecordKey) -> i64 {
        let position = self.position(record.0) + 1;
        self.log.push(Touched {
            position,
            record,
            erased: false,
        });
        position
    }

    /// Where the log of a workspace ends.
    fn position(&self, workspace: i64) -> i64 {
        let rows = self.log.iter();
        rows.filter(|touched| touched.record.0 == workspace).count() as i64
    }

    fn head(&self, workspace: i64, position: i64) -> Head {
        Head {
            position,
            hash: format!("{position} of {workspace} in {}", self.world),
        }
    }

    fn heads(&self) -> Heads {
        let heads = self.log.iter().map(|touched| {
            let workspace = touched.record.0;
            (workspace, self.head(workspace, touched.position))
        });
        heads.collect()
    }
}

impl Source for Memory {
    async fn last_sealing(&self) -> Result<i64, SourceError> {
        Ok(self.inner.lock().unwrap().log.len() as i64)
    }

    async fn moved(&self, after: i64) -> Result<Vec<Moved>, SourceError> {
        let inner = self.inner.lock().unwrap();
        let mut moved: BTreeMap<i64, Moved> = BTreeMap::new();
        for (sealing, touched) in (1..).zip(&inner.log).skip(after as usize) {
            let workspace = touched.record.0;
            let head = inner.head(workspace, touched.position);
            let log = Moved {
                workspace,
                head,
                sealing,
            };
            moved.insert(workspace, log);
        }
        Ok(moved.into_values().collect())
    }

    async fn holds(&self, heads: &Heads) -> Result<bool, SourceError> {
        let inner = self.inner.lock().unwrap();
        Ok(heads.iter().all(|(workspace, head)| {
            head.position <= inner.position(workspace)
                && *head == inner.head(workspace, head.position)
        }))
    }

    async fn hash_at(&self, workspace: i64, position: i64) -> Result<String, SourceError> {
        Ok(self.inner.lock().unwrap().head(workspace, position).hash)
    }

    async fn touched(
        &self,
        workspace: i64,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Touched>, SourceError> {
        let inner = self.inner.lock().unwrap();
        let rows = inner.log.iter();
        Ok(rows
            .filter(|touched| touched.record.0 == workspace && touched.position > after)
            .take(limit)
            .copied()
            .collect())
    }

    fn kind(&self, name: &str) -> Option<&'static str> {
        ["contact", "company"]
            .into_iter()
            .find(|kind| *kind == name)
    }

    async fn load(&self, records: &[RecordKey]) -> Result<Vec<Doc>, SourceError> {
        let inner = self.inner.lock().unwrap();
        Ok(records
            .iter()
            .filter_map(|key| inner.docs.get(key).cloned())
            .collect())
    }

    async fn scan(&self, after: Option<RecordKey>, limit: usize) -> Result<Scanned, SourceError> {
        while self.slow.load(Ordering::Acquire) {
            sleep(Duration::from_millis(5)).await;
        }
        let inner = self.inner.lock().unwrap();
        let rest = inner
            .docs
            .iter()
            .filter(|(key, _)| after.is_none_or(|a| **key > a));
        let docs: Vec<Doc> = rest.take(limit).map(|(_, doc)| doc.clone()).collect();
        let last = docs.last().map(Doc::key);
        Ok(Scanned { docs, last })
    }
}

fn person(id: i64, title: &str) -> Doc {
    Doc {
        workspace: 1,
        kind: "contact",
        id,
        title: title.to_owned(),
        readers: None,
        text: Vec::new(),
        numbers: Vec::new(),
        filters: Vec::new(),
        unread: false,
    }
}

/// A directory, a database and the search over them.
struct TestIndex {
    dir: tempfile::TempDir,
    db: Arc<Memory>,
    growth: watch::Sender<u64>,
    search: Search,
}

impl TestIndex {
    fn new(docs: impl IntoIterator<Item = Doc>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let db = Arc::new(Memory::default());
        for doc in docs {
            db.put(doc);
        }
        let growth = watch::Sender::new(0);
        let search = Search::open(dir.path(), Arc::clone(&db), growth.subscribe()).unwrap();
        Self {
            dir,
            db,
            growth,
            search,
        }
    }

    fn another(&self) -> Search {
        Search::open(
            self.dir.path(),
            Arc::clone(&self.db),
            watch::Sender::new(0).subscribe(),
        )
        .unwrap()
    }

    fn put(&self, doc: Doc) {
        self.db.put(doc);
        self.growth.send_modify(|growths| *growths += 1);
    }

    /// Where the log of the first workspace ends.
    fn head(&self) -> i64 {
        self.db.inner.lock().unwrap().position(1)
    }

    async fn ids(&self, text: &str) -> Vec<i64> {
        ids(&self.search, self.query(text)).await
    }

    fn query(&self, text: &str) -> Query {
        Query {
            workspace: 1,
            kinds: vec!["contact"],
            readers: Readers::Teams(Vec::new()),
            text: text.to_owned(),
            filters: Vec::new(),
            limit: 20,
            offset: 0,
            at_least: self.head(),
            words: Words::All,
        }
    }

    /// Ends the search and waits until the writer is free again.
    async fn close(self) -> (tempfile::TempDir, Arc<Memory>) {
        drop(self.search);
        let paths = index::IndexPaths::new(self.dir.path(), Collection::Records).unwrap();
        while index::Lock::take(&paths).unwrap().is_none() {
            sleep(Duration::from_millis(5)).await;
        }
        (self.dir, self.db)
    }

    fn live(&self) -> PathBuf {
        index::IndexPaths::new(self.dir.path(), Collection::Records)
            .unwrap()
            .live()
    }
}

fn open_again(dir: tempfile::TempDir, db: Arc<Memory>) -> TestIndex {
    let growth = watch::Sender::new(0);
    let search = Search::open(dir.path(), Arc::clone(&db), growth.subscribe()).unwrap();
    TestIndex {
        dir,
        db,
        growth,
        search,
    }
}

/// The found ids, asking again while the index is being built.
async fn ids(search: &Search, query: Query) -> Vec<i64> {
    let answer = timeout(Duration::from_secs(60), async {
        loop {
            match search.find(query.clone()).await {
                Found::Hits { hits, .. } => return hits.into_iter().map(|h| h.id).collect(),
                Found::NotReady => sleep(Duration::from_millis(5)).await,
            }
        }
    });
    answer.await.expect("the index never became ready")
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let wait = async {
        while !holds() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(60), wait)
        .await
        .unwrap_or_else(|_| unreachable!("never: {what}"));
}

fn people() -> Vec<Doc> {
    let mut docs = vec![
        Doc {
            text: vec!["Meyer Werft".into(), "ana@werft.example".into()],
            ..person(1, "Ana López")
        },
        Doc {
            numbers: vec!["+49 30 1234567".into()],
            ..person(2, "Jürgen Müller")
        },
        Doc {
            filters: vec!["type:lead".into(), "tag:vip".into()],
            ..person(3, "Johnathan Appleseed")
        },
        Doc {
            filters: vec!["type:customer".into()],
            ..person(4, "Johanna Apple")
        },
        Doc {
            text: vec!["Apple".into()],
            ..person(5, "山田 太郎")
        },
        Doc {
            workspace: 2,
            ..person(6, "Ana López")
        },
        Doc {
            kind: "company",
            ..person(1, "Ana GmbH")
        },
        person(7, "Siobhan O'Brien-Smythe"),
    ];
    docs.extend((100..140).map(|id| person(id, &format!("Filler Person{id}"))));
    docs
}

#[tokio::test]
async fn a_word_is_found_by_its_beginning_of_any_length() {
    let test = TestIndex::new(people());
    for text in [
        "j",
        "jo",
        "joh",
        "john",
        "johnat",
        "johnathan",
        "JOHNATHAN appl",
    ] {
        assert!(test.ids(text).await.contains(&3), "{text}");
    }
    assert!(
        !test.ids("johnathanx").await.is_empty(),
        "one letter too many is a typo"
    );
    assert!(
        test.ids("ohnathan").await.is_empty(),
        "the first letter has to be right"
    );
}

#[tokio::test]
async fn typos_are_forgiven_by_length() {
    let test = TestIndex::new(people());
    assert_eq!(test.ids("muler").await, [2]);
    assert_eq!(
        test.ids("mulelr").await,
        [2],
        "swapped neighbours are one typo"
    );
    assert_eq!(
        test.ids("jonhatan").await,
        [3],
        "two typos from 8 letters on"
    );
    assert!(
        test.ids("mler").await.is_empty(),
        "two typos in a short word"
    );
    assert!(test.ids("anx").await.is_empty(), "none below 4 letters");
}

#[tokio::test]
async fn accents_scripts_and_compounds_are_found_as_people_type_them() {
    let test = TestIndex::new(people());
    assert_eq!(test.ids("lopez").await, [1]);
    assert_eq!(test.ids("LÓPEZ").await, [1]);
    assert_eq!(test.ids("Mu\u{308}ller").await, [2]);
    assert_eq!(test.ids("山").await, [5]);
    assert_eq!(test.ids("太郎").await, [5]);
    for text in ["obrien", "O’Brien", "brien", "smythe", "obrien-smythe"] {
        assert_eq!(test.ids(text).await, [7], "{text}");
    }
    assert_eq!(test.ids("werft.example").await, [1]);
}

#[tokio::test]
async fn a_number_is_found_by_any_three_of_its_digits_in_a_row() {
    let test = TestIndex::new(people());
    for text in [
        "493",
        "123",
        "567",
        "3012",
        "1234567",
        "030 1234",
        "+49 (0)30 1234",
        "0049301234567",
        "müller 30-123",
    ] {
        assert_eq!(test.ids(text).await, [2], "{text}");
    }
    for text in ["1243", "12345678", "4567 123", "302"] {
        assert!(test.ids(text).await.is_empty(), "{text}");
    }
}

#[tokio::test]
async fn better_matches_come_first_and_equal_ones_newest_first() {
    let test = TestIndex::new([
        person(1, "Maria Marin"),
        Doc {
            text: vec!["marin".into()],
            ..person(2, "Zoe Zander")
        },
        person(3, "Marinus Zander"),
        Doc {
            text: vec!["marinated".into()],
            ..person(4, "Zoe Zander")
        },
        person(5, "Martin Zander"),
        person(6, "Maria Marin"),
        person(7, "Maria Marin Long Name"),
    ]);
    assert_eq!(test.ids("marin").await, [6, 1, 7, 2, 3, 4, 5]);
    assert_eq!(
        test.ids("marinn").await,
        [7, 6, 1, 2],
        "only typos, the title first"
    );
    let zoe = test.ids("zoe").await;
    assert_eq!(zoe, [4, 2]);
}

#[tokio::test]
async fn typos_follow_after_all_exact_matches_over_all_pages() {
    let test = TestIndex::new(
        (1..=30).map(|id| person(id, if id % 2 == 0 { "Marina" } else { "Marine" })),
    );
    let mut seen = Vec::new();
    for offset in (0..30).step_by(7) {
        let page = ids(
            &test.search,
            Query {
                limit: 7,
                offset,
                ..test.query("marina")
            },
        )
        .await;
        seen.extend(page);
    }
    let expected: Vec<i64> = (1..=30)
        .rev()
        .filter(|i| i % 2 == 0)
        .chain((1..=30).rev().filter(|i| i % 2 == 1))
        .collect();
    assert_eq!(seen, expected);
    let full = test
        .search
        .find(Query {
            limit: 30,
            ..test.query("marina")
        })
        .await;
    assert!(matches!(full, Found::Hits { more: false, .. }), "{full:?}");
    let part = test
        .search
        .find(Query {
            limit: 29,
            ..test.query("marina")
        })
        .await;
    assert!(matches!(part, Found::Hits { more: true, .. }), "{part:?}");
}

#[tokio::test]
async fn filters_narrow_and_stand_alone() {
    let test = TestIndex::new(people());
    let with = |text: &str, filters: &[&[&str]]| Query {
        filters: filters
            .iter()
            .map(|g| g.iter().map(|f| (*f).to_owned()).collect())
            .collect(),
        ..test.query(text)
    };
    let cases: [(Query, &[i64]); 6] = [
        (with("apple", &[&["type:lead"]]), &[3]),
        (with("", &[&["type:lead", "type:customer"]]), &[4, 3]),
        (
            with("", &[&["type:lead", "type:customer"], &["tag:vip"]]),
            &[3],
        ),
        (with("", &[&["type:lead"], &["type:customer"]]), &[]),
        (with("", &[&["type"]]), &[]),
        (with("", &[&[]]), &[]),
    ];
    for (query, expected) in cases {
        assert_eq!(
            ids(&test.search, query.clone()).await,
            expected,
            "{query:?}"
        );
    }
}

#[tokio::test]
async fn other_workspaces_and_kinds_are_never_found() {
    let test = TestIndex::new(people());
    assert_eq!(test.ids("ana").await, [1]);
    assert_eq!(
        ids(
            &test.search,
            Query {
                workspace: 2,
                at_least: 0,
                ..test.query("ana")
            }
        )
        .await,
        [6]
    );
    assert!(
        ids(
            &test.search,
            Query {
                workspace: 12,
                at_least: 0,
                ..test.query("ana")
            }
        )
        .await
        .is_empty()
    );
    assert!(
        ids(
            &test.search,
            Query {
                kinds: vec![],
                ..test.query("ana")
            }
        )
        .await
        .is_empty()
    );
    let both = test
        .search
        .find(Query {
            kinds: vec!["company", "contact"],
            ..test.query("ana")
        })
        .await;
    let Found::Hits { hits, .. } = both else {
        unreachable!("{both:?}")
    };
    let mut kinds: Vec<_> = hits.iter().map(|h| (h.kind, h.id)).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, [("company", 1), ("contact", 1)]);
}

#[tokio::test]
async fn own_writes_are_found_at_once_in_every_process() {
    let test = TestIndex::new([]);
    let other = test.another();
    test.ids("nobody").await;
    for id in 1..=20 {
        test.put(person(id, &format!("Written{id}")));
        assert_eq!(test.ids(&format!("written{id}")).await.first(), Some(&id));
        assert_eq!(
            ids(&other, test.query(&format!("written{id}")))
                .await
                .first(),
            Some(&id)
        );
    }
    test.put(person(7, "Renamed"));
    assert_eq!(test.ids("renamed").await, [7]);
    assert!(!test.ids("written7").await.contains(&7));
    test.db.remove("contact", 8);
    assert!(!test.ids("written8").await.contains(&8));
    until("only one process writes", || {
        test.search.status().holder != other.status().holder
    })
    .await;
}

#[tokio::test]
async fn a_position_that_never_comes_ends_in_not_ready() {
    let test = TestIndex::new(people());
    test.ids("ana").await;
    let ahead = Query {
        at_least: 1_000_000,
        ..test.query("ana")
    };
    assert_eq!(test.search.find(ahead).await, Found::NotReady);
    assert_eq!(test.ids("ana").await, [1]);
}

#[tokio::test]
async fn another_process_takes_over_when_the_holder_ends() {
    let test = TestIndex::new(people());
    test.ids("ana").await;
    let other = test.another();
    assert_eq!(ids(&other, test.query("ana")).await, [1]);
    assert!(!other.status().holder);
    let TestIndex {
        dir, db, search, ..
    } = test;
    drop(search);
    let position = db.put(person(50, "Newcomer"));
    let query = Query {
        workspace: 1,
        kinds: vec!["contact"],
        readers: Readers::Teams(Vec::new()),
        text: "newcomer".into(),
        filters: vec![],
        limit: 5,
        offset: 0,
        at_least: position,
        words: Words::All,
    };
    assert_eq!(ids(&other, query).await, [50]);
    assert!(other.status().holder);
    drop(dir);
}

#[tokio::test]
async fn a_killed_holder_is_replaced() {
    const ROLE: &str = "BUREAU_TEST_SEARCH_HOLDER";
    if let Some(dir) = std::env::var_os(ROLE) {
        // The process that is killed below.
        let db = Arc::new(Memory::default());
        for doc in people() {
            db.put(doc);
        }
        let _search = Search::open(Path::new(&dir), db, watch::Sender::new(0).subscribe()).unwrap();
        sleep(Duration::from_secs(60)).await;
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(
            [
                "--exact",
                concat!(module_path!(), "::a_killed_holder_is_replaced"),
            ]
            .map(|a| {
                // The test's name begins after the crate's.
                a.split_once("::")
                    .map_or(a, |(_, rest)| if a.starts_with("--") { a } else { rest })
            }),
        )
        .env(ROLE, dir.path())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let paths = index::IndexPaths::new(dir.path(), Collection::Records).unwrap();
    until("the other process has built the index", || paths.exists()).await;
    let db = Arc::new(Memory::default());
    for doc in people() {
        db.put(doc);
    }
    let test = open_again(dir, db);
    assert_eq!(test.ids("ana").await, [1]);
    assert!(!test.search.status().holder);
    child.kill().unwrap();
    child.wait().unwrap();
    test.put(person(51, "Survivor"));
    assert_eq!(test.ids("survivor").await, [51]);
    assert!(test.search.status().holder);
}

/// The answers that have to stay the same whatever happens to the index.
async fn answers(test: &TestIndex) -> Vec<Vec<i64>> {
    let mut all = Vec::new();
    for text in ["ana", "person", "jo", "apple", "1234", "fillr", ""] {
        all.push(
            ids(
                &test.search,
                Query {
                    limit: 100,
                    ..test.query(text)
                },
            )
            .await,
        );
    }
    all
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    files.retain(|f| !f.to_string_lossy().ends_with(".lock") && fs::metadata(f).unwrap().len() > 0);
    files.sort();
    files
}

/// An index with some history: several commits, updates and removals.
async fn lived_in() -> TestIndex {
    let test = TestIndex::new(people());
    test.ids("ana").await;
    for id in 200..206 {
        test.put(person(id, "Temporary Person"));
        test.ids("temporary").await;
    }
    test.db.remove("contact", 200);
    test.put(person(201, "Permanent Person"));
    test.ids("permanent").await;
    test
}

#[tokio::test]
async fn flipped_bytes_never_change_an_answer() {
    let mut test = lived_in().await;
    let expected = answers(&test).await;
    let count = files(&test.live()).len();
    for nth in 0..count {
        let (dir, db) = test.close().await;
        let live = index::IndexPaths::new(dir.path(), Collection::Records)
            .unwrap()
            .live();
        let all = files(&live);
        let damaged = all[nth % all.len()].clone();
        {
            let path = &damaged;
            let mut bytes = fs::read(path).unwrap();
            let at = (nth * 7919) % bytes.len();
            bytes[at] ^= 0x55;
            fs::write(path, bytes).unwrap();
        }
        test = open_again(dir, db);
        assert_eq!(answers(&test).await, expected, "{damaged:?}");
        let kept = test.live().with_extension("broken").exists();
        // A flipped blank in a list of files is no damage; the checksums of all others are compared.
        assert!(
            kept || damaged.extension().is_none_or(|e| e == "json"),
            "{damaged:?} was not noticed"
        );
    }
}

#[tokio::test]
async fn cut_and_missing_files_never_change_an_answer() {
    let mut test = lived_in().await;
    let expected = answers(&test).await;
    let count = files(&test.live()).len();
    for nth in 0..count {
        let (dir, db) = test.close().await;
        let live = index::IndexPaths::new(dir.path(), Collection::Records)
            .unwrap()
            .live();
        let all = files(&live);
        let damaged = all[nth % all.len()].clone();
        {
            let path = &damaged;
            let half = fs::metadata(path).unwrap().len() / 2;
            match nth % 3 {
                0 => fs::File::options()
                    .write(true)
                    .open(path)
                    .unwrap()
                    .set_len(half)
                    .unwrap(),
                1 => fs::remove_file(path).unwrap(),
                _ => fs::write(path, b"not an index").unwrap(),
            }
        }
        test = open_again(dir, db);
        assert_eq!(answers(&test).await, expected, "{damaged:?}");
        let kept = test.live().with_extension("broken").exists();
        // A flipped blank in a list of files is no damage; the checksums of all others are compared.
        assert!(
            kept || damaged.extension().is_none_or(|e| e == "json"),
            "{damaged:?} was not noticed"
        );
    }
}

#[tokio::test]
async fn files_cut_while_searching_are_survived() {
    let test = lived_in().await;
    let other = test.another();
    let expected = answers(&test).await;
    ids(&other, test.query("ana")).await;
    for path in files(&test.live()) {
        fs::File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_len(1)
            .unwrap();
    }
    assert_eq!(ids(&other, test.query("ana")).await, [1]);
    assert_eq!(answers(&test).await, expected);
    test.put(person(52, "Afterwards"));
    assert_eq!(test.ids("afterwards").await, [52]);
    assert_eq!(ids(&other, test.query("afterwards")).await, [52]);
}

#[tokio::test]
async fn removing_the_directory_while_running_is_survived() {
    let test = lived_in().await;
    let other = test.another();
    let expected = answers(&test).await;
    ids(&other, test.query("ana")).await;
    fs::remove_dir_all(test.live()).unwrap();
    assert_eq!(answers(&test).await, expected);
    test.put(person(53, "Onward"));
    assert_eq!(test.ids("onward").await, [53]);
    fs::remove_dir_all(test.dir.path()).unwrap();
    test.put(person(54, "Upward"));
    assert_eq!(test.ids("upward").await, [54]);
    assert_eq!(ids(&other, test.query("upward")).await, [54]);
    until("exactly one process writes", || {
        test.search.status().holder != other.status().holder
    })
    .await;
}

#[tokio::test]
async fn an_index_of_another_schema_is_left_alone_while_used_and_removed_after() {
    let dir = tempfile::tempdir().unwrap();
    let used = dir.path().join("index-used");
    let unused = dir.path().join("index-unused");
    fs::create_dir(&used).unwrap();
    fs::create_dir(&unused).unwrap();
    let lock = fs::File::create(dir.path().join("index-used.lock")).unwrap();
    lock.lock().unwrap();
    let db = Arc::new(Memory::default());
    db.put(person(1, "Ana"));
    let test = open_again(dir, db);
    assert_eq!(test.ids("ana").await, [1]);
    assert!(!unused.exists());
    assert!(used.exists());
}

#[tokio::test]
async fn an_index_ahead_of_or_beside_the_database_is_built_again() {
    let test = TestIndex::new(people());
    test.put(person(60, "Futura"));
    assert_eq!(test.ids("futura").await, [60]);
    let all = test.db.inner.lock().unwrap().log.len();
    test.db.restore(all - 1);
    until("the restored database is seen", || {
        test.search.status().rows < all as i64
    })
    .await;
    assert!(test.ids("futura").await.is_empty());

    // While nobody looks, the database is replaced by one that has come further.
    let (dir, db) = test.close().await;
    db.restore(all - 2);
    db.put(person(61, "Other"));
    db.put(person(62, "World"));
    let test = open_again(dir, db);
    assert!(!test.ids("person139").await.contains(&139));
    assert_eq!(test.ids("world").await, [62]);
}

/// What a search says that nobody can find.
async fn unread(test: &TestIndex) -> Vec<(&'static str, i64)> {
    match test.search.find(test.query("ana")).await {
        Found::Hits { unread, .. } => unread,
        Found::NotReady => panic!("it was ready"),
    }
}

#[tokio::test]
async fn what_could_not_be_read_is_named_until_it_can_be() {
    let test = TestIndex::new([
        person(1, "Ana"),
        Doc::unread(1, "contact", 2),
        Doc::unread(1, "contact", 3),
        Doc::unread(1, "company", 4),
        Doc::unread(2, "contact", 5),
    ]);
    assert_eq!(test.ids("ana").await, [1]);
    assert_eq!(unread(&test).await, [("contact", 2), ("contact", 3)]);
    test.put(person(2, "Ana Written"));
    assert_eq!(test.ids("ana").await, [1, 2]);
    assert_eq!(unread(&test).await, [("contact", 3)]);
    test.put(Doc::unread(1, "contact", 1));
    assert_eq!(test.ids("ana").await, [2]);
    assert_eq!(unread(&test).await.len(), 2);
    // Mended where the log does not tell: found once somebody keeps the index anew, or a minute later.
    let (dir, db) = test.close().await;
    let mended = person(3, "Ana Mended");
    db.inner
        .lock()
        .unwrap()
        .docs
        .insert((1, "contact", 3), mended);
    let test = open_again(dir, db);
    let found = async {
        while test.ids("mended").await != [3] {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(60), found)
        .await
        .expect("it is found");
    assert_eq!(unread(&test).await, [("contact", 1)]);
}

#[tokio::test]
async fn a_search_during_a_build_is_not_ready_and_what_changes_meanwhile_is_found_after() {
    let test = TestIndex::new(people());
    let expected = answers(&test).await;
    test.db.slow.store(true, Ordering::Release);
    fs::remove_dir_all(test.live()).unwrap();
    until("the build has begun", || !test.search.status().ready).await;
    assert_eq!(test.search.find(test.query("ana")).await, Found::NotReady);
    test.put(person(70, "Meanwhile"));
    test.db.slow.store(false, Ordering::Release);
    assert_eq!(test.ids("meanwhile").await, [70]);
    test.db.remove("contact", 70);
    assert_eq!(answers(&test).await, expected);
}

#[tokio::test]
async fn hostile_text_is_only_text() {
    let test = TestIndex::new(people());
    let long = "x".repeat(100_000);
    let deep = "(".repeat(10_000);
    let many = "a* OR b~ ".repeat(1_000);
    for text in [
        "\"",
        "title:ana",
        "ana OR 1=1",
        "*",
        "?",
        "ana*",
        "[a TO b]",
        "-ana",
        "+ana -lopez",
        "\\",
        "'",
        "%",
        "_",
        "\0",
        "\u{202e}ana",
        "🦀",
        "a\u{301}\u{301}\u{301}",
        "^2",
        "ana~99",
        "//.*/",
        "()",
        "0",
        "00",
        "000",
        "++++",
        long.as_str(),
        deep.as_str(),
        many.as_str(),
    ] {
        let _ = test.ids(text).await;
    }
    assert_eq!(test.ids("\u{202e}ana").await, [1]);
    assert!(
        test.ids("***").await.is_empty(),
        "text without a word finds nothing"
    );
    let far = Query {
        limit: usize::MAX,
        offset: usize::MAX,
        ..test.query("ana")
    };
    assert!(ids(&test.search, far).await.is_empty());
}

#[tokio::test]
async fn many_small_commits_leave_few_segments_and_all_records() {
    let test = TestIndex::new([]);
    test.ids("nobody").await;
    for id in 1..=60 {
        test.put(person(id, &format!("Drop Number{id}")));
        test.ids("drop").await;
    }
    until("segments are merged", || test.search.status().segments < 15).await;
    assert_eq!(
        ids(
            &test.search,
            Query {
                limit: 100,
                ..test.query("drop")
            }
        )
        .await
        .len(),
        60
    );
}

/// Whether a text stands in any file under a folder, as it is or in a compressed block.
fn stands_in_a_file(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return stands_in_a_file(&path, text);
        }
        let bytes = fs::read(&path).unwrap_or_default();
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    })
}

/// Whether any segment of the live index knows a term that begins so.
fn has_term(test: &TestIndex, start: &str) -> bool {
    let index = tantivy::Index::open(files::Files::open(&test.live()).unwrap()).unwrap();
    let reader = index.reader().unwrap();
    let (_, fields) = schema::schema(Collection::Records);
    reader.searcher().segment_readers().iter().any(|segment| {
        [fields.title, fields.text].into_iter().any(|field| {
            let inverted = segment.inverted_index(field).unwrap();
            let mut terms = inverted.terms().stream().unwrap();
            let mut found = false;
            while terms.advance() {
                found |= terms.key().starts_with(start.as_bytes());
            }
            found
        })
    })
}

#[tokio::test]
async fn what_is_erased_leaves_the_files_of_the_index() {
    let test = TestIndex::new(people());
    test.put(Doc {
        text: vec!["geheimratsecke".into()],
        ..person(500, "Quintessenz Xylophonist")
    });
    assert_eq!(test.ids("xylophonist").await, [500]);
    // What it was called before is in a segment of its own, marked as deleted.
    test.put(person(500, "Zephyrinus Xylophonist"));
    assert_eq!(test.ids("zephyrinus").await, [500]);
    assert!(has_term(&test, "xylophonist"));
    test.db.erase("contact", 500);
    test.growth.send_modify(|growths| *growths += 1);
    assert!(test.ids("xylophonist").await.is_empty());
    let words = ["quintessenz", "xylophonist", "zephyrinus", "geheimratsecke"];
    until("what was erased is gone", || {
        !words.iter().any(|word| has_term(&test, word))
    })
    .await;
    let paths = index::IndexPaths::new(test.dir.path(), Collection::Records).unwrap();
    until("the index says that it is clean", || {
        paths
            .checkpoint()
            .is_some_and(|checkpoint| !checkpoint.residue)
    })
    .await;
    for word in words {
        assert!(!stands_in_a_file(test.dir.path(), word), "{word}");
    }
    assert_eq!(test.ids("siobhan").await, [7], "the others are still found");
    test.put(person(501, "Later One"));
    assert_eq!(test.ids("later").await, [501], "and it goes on");
}

#[tokio::test]
async fn what_was_erased_before_a_crash_is_removed_after_it() {
    let test = TestIndex::new(people());
    test.ids("ana").await;
    let (dir, db) = test.close().await;
    // As if the process had ended between the commit and the rewriting.
    let paths = index::IndexPaths::new(dir.path(), Collection::Records).unwrap();
    {
        let lock = Arc::new(index::Lock::take(&paths).unwrap().unwrap());
        let opened = index::Opened::open(&paths).unwrap();
        let (mut session, _) = index::IndexSession::open(opened, lock).unwrap();
        db.erase("contact", 7);
        let (heads, sealing) = {
            let inner = db.inner.lock().unwrap();
            (Arc::new(inner.heads()), inner.log.len() as i64)
        };
        session
            .apply(&[(1, "contact", 7)], &[], (heads, sealing), true)
            .unwrap();
        assert!(paths.checkpoint().unwrap().residue);
        session.rest().unwrap();
    }
    let test = open_again(dir, db);
    until("it is clean", || {
        paths
            .checkpoint()
            .is_some_and(|checkpoint| !checkpoint.residue)
    })
    .await;
    assert!(!has_term(&test, "siobhan"));
}

#[tokio::test]
async fn an_index_that_knows_more_than_the_database_is_reported_and_remembered() {
    let test = TestIndex::new(people());
    test.ids("ana").await;
    let ends = test.db.inner.lock().unwrap().heads();
    assert_eq!(last_known(test.dir.path()), Some(ends.clone()));
    let (dir, db) = test.close().await;
    // The tail of the log is lost.
    {
        let mut inner = db.inner.lock().unwrap();
        inner.log.truncate(10);
    }
    let test = open_again(dir, db);
    // Built anew from what is there, and found by it.
    assert_eq!(test.ids("lopez").await, [1]);
    let known = last_known(test.dir.path());
    assert_eq!(
        known,
        Some(ends),
        "what the index knew that was set aside is still known"
    );
}

#[tokio::test]
async fn an_index_of_another_database_is_not_read() {
    let test = TestIndex::new(people());
    test.ids("ana").await;
    // Another process starts on a new database in the same place, while the first one keeps the index.
    let other = Arc::new(Memory::default());
    other.inner.lock().unwrap().world = 7;
    for id in 1..=60 {
        other.put(person(id, "Ana Newcomer"));
    }
    let search = Search::open(
        test.dir.path(),
        Arc::clone(&other),
        watch::Sender::new(0).subscribe(),
    )
    .unwrap();
    let query = |at_least| Query {
        at_least,
        ..test.query("ana")
    };
    until("it has looked", || !search.has_reached(1, 0)).await;
    for at_least in [0, 1, 60] {
        let found = timeout(Duration::from_secs(60), search.find(query(at_least)));
        assert_eq!(found.await.unwrap(), Found::NotReady);
    }
    // With the first one gone, it makes its own.
    let TestIndex {
        search: first, dir, ..
    } = test;
    drop(first);
    let own = Query {
        at_least: 60,
        words: Words::All,
        limit: 100,
        ..Query {
            workspace: 1,
            kinds: vec!["contact"],
            readers: Readers::Teams(Vec::new()),
            text: "newcomer".into(),
            filters: Vec::new(),
            limit: 0,
            offset: 0,
            at_least: 0,
            words: Words::All,
        }
    };
    assert_eq!(ids(&search, own).await.len(), 60);
    drop(dir);
}

#[tokio::test]
async fn only_the_first_search_waits_for_an_index_that_hangs() {
    let test = TestIndex::new(people());
    test.ids("ana").await;
    let end = test.head();
    // Positions that the log never reaches.
    let ahead = Query {
        at_least: end + 1,
        ..test.query("ana")
    };
    assert_eq!(test.search.find(ahead.clone()).await, Found::NotReady);
    let many = async {
        for _ in 0..1_000 {
            assert_eq!(test.search.find(ahead.clone()).await, Found::NotReady);
        }
    };
    // Waiting for each would take half an hour.
    timeout(Duration::from_secs(60), many).await.unwrap();
    test.put(person(900, "Ana Later"));
    assert!(
        test.ids("later").await.contains(&900),
        "it is waited for again"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_the_index() {
    use std::os::unix::fs::PermissionsExt as _;
    fn wide(path: &Path) -> Vec<PathBuf> {
        let mode = fs::symlink_metadata(path).unwrap().permissions().mode();
        let mut found = Vec::new();
        if mode & 0o077 != 0 {
            found.push(path.to_owned());
        }
        if path.is_dir() {
            for entry in fs::read_dir(path).unwrap() {
                found.extend(wide(&entry.unwrap().path()));
            }
        }
        found
    }
    let test = TestIndex::new(people());
    test.ids("ana").await;
    test.put(person(900, "Ana Later"));
    test.ids("later").await;
    assert_eq!(wide(test.dir.path()), [] as [PathBuf; 0]);
    let (dir, db) = test.close().await;
    // As an older version left them.
    for path in [
        dir.path().to_owned(),
        index::IndexPaths::new(dir.path(), Collection::Records)
            .unwrap()
            .live(),
    ] {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let file = path.join("meta.json");
        if file.exists() {
            fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        }
    }
    let test = open_again(dir, db);
    test.ids("ana").await;
    assert_eq!(wide(test.dir.path()), [] as [PathBuf; 0]);
}

#[tokio::test]
async fn a_workspace_that_writes_much_keeps_no_other_waiting() {
    let db = Memory::default();
    // Two that write more than a commit takes, and between them one that wrote a little.
    for id in 0..3_000 {
        db.put(person(id, "Busy"));
        let other = Doc {
            workspace: 3,
            ..person(id, "Busy")
        };
        db.put(other);
    }
    db.put(Doc {
        workspace: 2,
        ..person(7, "Ana")
    });
    let mut checkpoint = index::Checkpoint {
        heads: Arc::default(),
        sealing: 0,
        build: String::new(),
        residue: false,
    };
    let all = db.inner.lock().unwrap().heads();
    let mut seen = std::collections::BTreeSet::new();
    let mut commits = 0;
    while let follow::Waiting::Batch(batch) = follow::gather(&db, &checkpoint).await.unwrap() {
        commits += 1;
        assert!(batch.records.len() <= 3_000, "{}", batch.records.len());
        assert_eq!(batch.heads.get(2), all.get(2), "after {commits} commits");
        seen.extend(batch.records);
        checkpoint.heads = batch.heads;
        checkpoint.sealing = batch.sealing;
    }
    assert!(commits > 1, "it was too little to be taken in parts");
    assert_eq!(*checkpoint.heads, all);
    assert_eq!(seen.len(), 6_001, "nothing was left out");
    // An older copy of the database is behind in one of its logs.
    let erased = db.inner.lock().unwrap().log.pop();
    assert!(erased.is_some());
    assert!(matches!(
        follow::gather(&db, &checkpoint).await.unwrap(),
        follow::Waiting::Behind
    ));
}
