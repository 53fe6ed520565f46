//! Where a test holds up what happens in a database, so that it decides what goes on next.
//!
//! The seeded simulation (tests/it/simulation) has to repeat exactly. So every transaction stops at its gates (before it begins,
//! before each statement, before and after its commit) until the simulation lets it through, and only one operation of
//! an engine is under way at a time, begun when nothing else can go on. In a server there is no stage, and all of
//! this does nothing.

#[cfg(not(feature = "testing"))]
mod unseen {
    /// Nobody looks on.
    #[derive(Debug, Clone, Default)]
    pub struct Steps {}

    impl Steps {
        pub(crate) fn is_staged(&self) -> bool {
            false
        }

        pub(crate) async fn gate(&self, _: &'static str) {}

        /// The operation as it is, so that nothing stands twice in the future of whoever awaits it.
        pub(crate) fn alone<F: Future>(&self, operation: F) -> F {
            operation
        }
    }
}

#[cfg(feature = "testing")]
mod staged {
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

    use tokio::sync::{Notify, Semaphore, oneshot};
    use tokio::task::yield_now;

    /// Turns that everything else gets before it counts as waiting: more than any chain of tasks that wake each other.
    const TURNS: usize = 64;

    /// Where the transactions of a store stop, if a test looks on.
    #[derive(Debug, Clone, Default)]
    pub struct Steps(Option<Arc<Inner>>);

    /// The side of whoever looks on.
    #[derive(Debug)]
    pub struct Stage(Arc<Inner>);

    #[derive(Debug)]
    struct Inner {
        state: Mutex<State>,
        /// One operation at a time, in the order in which they were asked for.
        alone: Semaphore,
        /// Woken when no operation is under way any more.
        idle: Notify,
    }

    #[derive(Debug, Default)]
    struct State {
        /// Whoever stands at a gate, in the order of arrival.
        waiting: BTreeMap<u64, (&'static str, oneshot::Sender<()>)>,
        arrived: u64,
        under_way: usize,
        is_open: bool,
    }

    impl Inner {
        fn state(&self) -> MutexGuard<'_, State> {
            self.state.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    /// Somebody at a gate, who may go away instead of passing it.
    struct Waiting<'a>(&'a Inner, u64);

    impl Drop for Waiting<'_> {
        fn drop(&mut self) {
            self.0.state().waiting.remove(&self.1);
        }
    }

    /// An operation that is under way, or waits to be.
    struct UnderWay<'a>(&'a Inner);

    impl Drop for UnderWay<'_> {
        fn drop(&mut self) {
            let mut state = self.0.state();
            state.under_way -= 1;
            if state.under_way == 0 {
                self.0.idle.notify_one();
            }
        }
    }

    impl Steps {
        /// Gates that a test opens. All of it belongs on one thread: a runtime of tokio's current thread.
        #[must_use]
        pub fn staged() -> (Self, Stage) {
            let inner = Arc::new(Inner {
                state: Mutex::default(),
                alone: Semaphore::new(1),
                idle: Notify::new(),
            });
            (Self(Some(Arc::clone(&inner))), Stage(inner))
        }

        pub(crate) fn is_staged(&self) -> bool {
            self.0.is_some()
        }

        /// Stops until the simulation lets it through.
        pub(crate) async fn gate(&self, name: &'static str) {
            let Some(inner) = &self.0 else { return };
            if inner.state().is_open {
                return yield_now().await;
            }
            let (waiting, passed) = {
                let mut state = inner.state();
                let (pass, passed) = oneshot::channel();
                state.arrived += 1;
                let number = state.arrived;
                state.waiting.insert(number, (name, pass));
                (Waiting(inner, number), passed)
            };
            let _ = passed.await;
            drop(waiting);
        }

        /// Does an operation of the engine while nothing else can go on, so that what wakes next is always the same.
        pub(crate) async fn alone<T>(&self, operation: impl Future<Output = T>) -> T {
            let Some(inner) = &self.0 else {
                return operation.await;
            };
            inner.state().under_way += 1;
            let under_way = UnderWay(inner);
            let permit = inner.alone.acquire().await;
            for _ in 0..TURNS {
                yield_now().await;
            }
            let outcome = operation.await;
            drop(permit);
            drop(under_way);
            outcome
        }
    }

    impl Stage {
        /// Waits until nobody can go on without being let through a gate.
        pub async fn settle(&self) {
            loop {
                for _ in 0..TURNS {
                    yield_now().await;
                }
                if self.0.state().under_way == 0 {
                    return;
                }
                self.0.idle.notified().await;
            }
        }

        /// Who stands at which gate, in the order of arrival.
        #[must_use]
        pub fn waiting(&self) -> Vec<(u64, &'static str)> {
            let state = self.0.state();
            let waiting = state.waiting.iter();
            waiting
                .map(|(number, (name, _))| (*number, *name))
                .collect()
        }

        /// Lets one through.
        pub fn pass(&self, number: u64) {
            if let Some((_, pass)) = self.0.state().waiting.remove(&number) {
                let _ = pass.send(());
            }
        }

        /// Opens all gates, or closes them again. Whoever stands at one stays there.
        pub fn open(&self, is_open: bool) {
            self.0.state().is_open = is_open;
        }
    }
}

#[cfg(feature = "testing")]
pub use staged::{Stage, Steps};
#[cfg(not(feature = "testing"))]
pub use unseen::Steps;
