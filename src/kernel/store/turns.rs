//! Turns of the processes that write to one SQLite file: an advisory lock on a file beside the database.
//!
//! Unlike SQLite's own busy handler the lock wakes the next process at once, and it goes with its process. A wait for it has
//! an end: one thread waits in the background, and whoever gives up leaves it there for the next one who wants a turn. What
//! it gets when nobody wants it any more, it gives back at once.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::oneshot;

use super::Steps;

/// The file that one process takes its turns by.
pub(super) struct Turns {
    file: Arc<File>,
    held: bool,
    waiting: Option<Waiting>,
    steps: Steps,
}

/// A thread that waits for the lock.
struct Waiting {
    state: Arc<Mutex<State>>,
    done: oneshot::Receiver<io::Result<()>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Wanted,
    GivenUp,
    Over,
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The wait of one caller. Dropped before it is over, it is given up, and the thread waits on for whoever comes next.
struct Wish<'a> {
    turns: &'a mut Turns,
    waiting: Option<Waiting>,
}

impl Drop for Wish<'_> {
    fn drop(&mut self) {
        let Some(mut waiting) = self.waiting.take() else {
            return;
        };
        let mut state = locked(&waiting.state);
        if *state != State::Over {
            *state = State::GivenUp;
            drop(state);
            self.turns.waiting = Some(waiting);
        } else if let Ok(Ok(())) = waiting.done.try_recv() {
            // It came in the very last moment.
            let _ = self.turns.file.unlock();
        }
    }
}

impl Turns {
    /// Beside the database, so that all processes find it. Only its owner may open it: to take the lock it is enough to read.
    pub(super) fn open(database: &Path, steps: &Steps) -> io::Result<Self> {
        let path = path(database);
        let mut options = File::options();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        super::sqlite::restrict(&path);
        Ok(Self {
            file: Arc::new(file),
            held: false,
            waiting: None,
            steps: steps.clone(),
        })
    }

    /// Waits for this process's turn until the deadline, and says whether it is. Dropped, it gives up its place.
    pub(super) async fn take(&mut self, deadline: Instant) -> io::Result<bool> {
        if self.held {
            return Ok(true);
        }
        // Stores of one simulation wait at a gate: a thread that waits for a file wakes when it likes.
        while self.steps.is_staged() {
            match self.file.try_lock() {
                Ok(()) => {
                    self.held = true;
                    return Ok(true);
                }
                Err(TryLockError::WouldBlock) => self.steps.gate("turn").await,
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        if self.waiting.is_none() {
            match self.file.try_lock() {
                Ok(()) => {
                    self.held = true;
                    return Ok(true);
                }
                Err(TryLockError::WouldBlock) => {}
                // A file system without locks: SQLite's own lock still keeps writers apart.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                    return Ok(true);
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        let mut wish = Wish {
            waiting: Some(self.thread()?),
            turns: self,
        };
        let Some(waiting) = &mut wish.waiting else {
            return Ok(false);
        };
        let Ok(had) = tokio::time::timeout_at(deadline.into(), &mut waiting.done).await else {
            return Ok(false);
        };
        wish.waiting = None;
        had.map_err(io::Error::other)??;
        wish.turns.held = true;
        Ok(true)
    }

    /// The thread that waits for the lock, from now on for us.
    fn thread(&mut self) -> io::Result<Waiting> {
        if let Some(waiting) = self.waiting.take() {
            let mut state = locked(&waiting.state);
            if *state != State::Over {
                *state = State::Wanted;
                drop(state);
                return Ok(waiting);
            }
        }
        let state = Arc::new(Mutex::new(State::Wanted));
        let (tell, done) = oneshot::channel();
        let (file, shared) = (Arc::clone(&self.file), Arc::clone(&state));
        // Not one of the runtime's threads: the runtime would not end before the wait does.
        std::thread::Builder::new()
            .name("bureau-turn".to_owned())
            .spawn(move || {
                let outcome = file.lock();
                let mut state = locked(&shared);
                if *state == State::GivenUp {
                    let _ = file.unlock();
                } else {
                    let _ = tell.send(outcome);
                }
                *state = State::Over;
            })?;
        Ok(Waiting { state, done })
    }

    /// Lets the next process go on.
    pub(super) fn give(&mut self) {
        if std::mem::take(&mut self.held) {
            let _ = self.file.unlock();
        }
    }
}

fn path(database: &Path) -> PathBuf {
    let mut name = database.file_name().unwrap_or_default().to_owned();
    name.push("-turns");
    database.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(20)
    }

    fn late() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[tokio::test]
    async fn a_turn_that_was_given_up_keeps_nobody_from_theirs() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("data.sqlite");
        let open = || Turns::open(&database, &Steps::default()).unwrap();
        let (mut one, mut two, mut three) = (open(), open(), open());
        assert!(one.take(late()).await.unwrap());
        assert!(one.take(soon()).await.unwrap(), "it is held already");
        // Given up by its deadline, and by being dropped; both wait in the background as long as the lock is held.
        assert!(!two.take(soon()).await.unwrap());
        let dropped = tokio::time::timeout(Duration::from_millis(20), two.take(late()));
        assert!(dropped.await.is_err());
        one.give();
        // What it gets and does not want is given back.
        assert!(three.take(late()).await.unwrap());
        three.give();
        assert!(two.take(late()).await.unwrap());
        // Who waits is woken by the one who gives, not by its deadline.
        let (had, ()) = tokio::join!(three.take(late()), async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            two.give();
        });
        assert!(had.unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_take_turns() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("data.sqlite");
        let mode = || {
            let data = path(&database).metadata().unwrap();
            data.permissions().mode() & 0o777
        };
        drop(Turns::open(&database, &Steps::default()).unwrap());
        assert_eq!(mode(), 0o600);
        let wide = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(path(&database), wide).unwrap();
        drop(Turns::open(&database, &Steps::default()).unwrap());
        assert_eq!(mode(), 0o600, "one that an earlier version made");
    }
}
