//! Several processes on one SQLite file, as a desktop client, an editor and a server are.

use std::time::Duration;

use bureau_kernel::store::{Database, OpenOptions, Scope, Store, sql};
use tempfile::TempDir;

use crate::campaign::{HANG, Known, Process, check, check_log, worker};

struct Status {
    holder: bool,
    ready: bool,
    position: i64,
}

async fn status(process: &mut Process) -> Status {
    let line = process.ask("status", "status ").await;
    let words: Vec<&str> = line.split(' ').collect();
    Status {
        holder: words[1] == "true",
        ready: words[2] == "true",
        position: words[3].parse().unwrap(),
    }
}

/// Creates a contact and finds it at once, in the same process.
async fn creates_and_finds(process: &mut Process, key: &str) {
    let line = process.ask(&format!("create {key}"), "").await;
    let made: Vec<&str> = line.split(' ').collect();
    assert!(made[0] == "ack" && made[1] == key, "{line}");
    let found = process.ask(&format!("find {key}"), "found ").await;
    assert!(
        found.contains(made[2]),
        "{key} is {}, and the search says: {found}",
        made[2]
    );
}

/// The one among these processes that keeps the index, when there is exactly one and all can search by it.
async fn holder(processes: &mut [Process]) -> usize {
    let wait = async {
        loop {
            let mut holders = Vec::new();
            let mut ready = true;
            for (number, process) in processes.iter_mut().enumerate() {
                let status = status(process).await;
                ready &= status.ready;
                if status.holder {
                    holders.push(number);
                }
            }
            assert!(holders.len() < 2, "two processes keep one index");
            if let ([only], true) = (&holders[..], ready) {
                return *only;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(HANG, wait)
        .await
        .expect("one process keeps the index")
}

#[tokio::test(flavor = "multi_thread")]
async fn three_processes_write_and_search_one_file_and_the_index_changes_hands_when_its_keeper_is_killed()
 {
    let folder = TempDir::new().unwrap();
    let database = Database::Sqlite(folder.path().join("bureau.sqlite"));
    // All at once on a file that none of them has made yet.
    let mut processes: Vec<Process> = (0..3)
        .map(|_| Process::start(worker("obey", &database, folder.path())))
        .collect();
    for process in &mut processes {
        process.line(0, "ready").await;
    }
    let mut known = Known::default();
    for (number, process) in processes.iter_mut().enumerate() {
        process.tell(&format!("storm s{number} 40"));
    }
    for (number, process) in processes.iter_mut().enumerate() {
        let line = process.line(0, "stormed").await;
        assert_eq!(
            line,
            format!("stormed s{number} 0"),
            "every own write is found"
        );
    }
    // The one that keeps the index is killed, twice, until one process is left.
    for left in [2, 1] {
        let keeper = holder(&mut processes).await;
        known_learn(&mut known, &processes.remove(keeper).kill());
        assert_eq!(processes.len(), left);
        for (number, process) in processes.iter_mut().enumerate() {
            creates_and_finds(process, &format!("after-{left}-{number}")).await;
        }
        let next = holder(&mut processes).await;
        creates_and_finds(&mut processes[next], &format!("next-{left}")).await;
        let position = status(&mut processes[next]).await.position;
        assert!(
            position >= i64::try_from(known.acknowledged.len()).unwrap(),
            "the index went on from where it was"
        );
    }
    known_learn(&mut known, &processes.remove(0).finish());

    let store = Store::open(&OpenOptions::new(database)).await.unwrap();
    let mut tx = store.read(Scope::System).await.unwrap();
    let workspaces = sql("SELECT COUNT(*) AS rows FROM workspace");
    assert_eq!(
        workspaces.one::<i64>("rows", &mut tx).await.unwrap(),
        1,
        "three first starts make one workspace"
    );
    tx.rollback().await;
    assert_eq!(known.acknowledged.len(), 3 * 40 + 3 + 2);
    let mut findings = check(&store, &known).await;
    findings.extend(check_log(&store).await);
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

fn known_learn(known: &mut Known, said: &[String]) {
    known.learn(said);
    assert!(
        known.failed.is_empty(),
        "no error reaches a caller: {:#?}",
        known.failed
    );
}
