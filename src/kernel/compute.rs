//! Work that keeps a core busy: documents, large requests, archives. It runs on threads of its own, a few at once, so that
//! the threads on which all calls wait stay free.

use std::sync::Arc;

use dashmap::DashMap;
use serde_json::{Map, Value};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, Result};

/// From this size on, what is read or written is no work for the threads on which all calls wait, in bytes.
pub const LARGE_BYTES: usize = 64 * 1024;

/// About how many bytes the value is as text.
#[must_use]
pub fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(fields) => weight_of_fields(fields),
        _ => 4,
    }
}

/// The same for the fields of an object.
#[must_use]
pub fn weight_of_fields(fields: &Map<String, Value>) -> usize {
    let each = fields
        .iter()
        .map(|(name, value)| name.len() + 4 + weight(value));
    each.sum()
}

/// Turns at the cores. A caller stands in line with a part of its work only, so that nobody's hundred documents are
/// before another's one.
pub struct Compute {
    turns: Arc<Semaphore>,
    /// How much of a caller's work is done, or stands in line, at once.
    each: usize,
    /// By actor. As many as there are keys that ever had such work here.
    callers: DashMap<i64, Arc<Semaphore>>,
}

/// A caller's place in the line for a turn. It has as many as it may have work done at once.
pub struct Place {
    _of_caller: OwnedSemaphorePermit,
}

/// The right to keep one core busy, given back when dropped.
pub struct Turn {
    _place: Place,
    _of_all: OwnedSemaphorePermit,
}

impl Default for Compute {
    /// All cores but one, which is left to everything else; half of them for one caller.
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            turns: Arc::new(Semaphore::new(cores.saturating_sub(1).max(1))),
            each: (cores / 2).max(1),
            callers: DashMap::new(),
        }
    }
}

impl Compute {
    /// Waits for a place in the line. Whoever knows before it begins that there will be work waits here, holding nothing: what
    /// it would read first keeps a core busy too, and a hundred that have read wait with all of it in memory.
    ///
    /// # Errors
    /// [`Code::Internal`](crate::error::Code::Internal) if the line were closed, which nobody does.
    pub async fn place(&self, actor: i64) -> Result<Place> {
        let own = Arc::clone(
            &self
                .callers
                .entry(actor)
                .or_insert_with(|| Arc::new(Semaphore::new(self.each))),
        );
        Ok(Place {
            _of_caller: own.acquire_owned().await.map_err(Error::internal)?,
        })
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// As [`place`](Self::place).
    pub async fn turn(&self, actor: i64) -> Result<Turn> {
        self.turn_of(self.place(actor).await?).await
    }

    async fn turn_of(&self, place: Place) -> Result<Turn> {
        let turns = Arc::clone(&self.turns);
        Ok(Turn {
            _place: place,
            _of_all: turns.acquire_owned().await.map_err(Error::internal)?,
        })
    }

    /// Does the work when it is its turn. It keeps its turn until it is done, also when nobody waits for it any more.
    ///
    /// # Errors
    /// [`Code::Internal`](crate::error::Code::Internal) when it panics.
    pub async fn run<T: Send + 'static>(
        &self,
        actor: i64,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        self.run_from(self.place(actor).await?, work).await
    }

    /// The same for one that has a place already.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn run_from<T: Send + 'static>(
        &self,
        place: Place,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let turn = self.turn_of(place).await?;
        let work = move || {
            let _turn = turn;
            work()
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(Error::internal)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn of(turns: usize, each: usize) -> Compute {
        Compute {
            turns: Arc::new(Semaphore::new(turns)),
            each,
            callers: DashMap::new(),
        }
    }

    #[tokio::test]
    async fn one_caller_with_much_work_leaves_a_turn_to_another() {
        let compute = Arc::new(of(1, 1));
        let (go_on, may_end) = mpsc::channel::<()>();
        let (began, has_begun) = tokio::sync::oneshot::channel();
        let greedy = Arc::clone(&compute);
        let first = tokio::spawn(async move {
            let work = move || {
                began.send(()).unwrap();
                may_end.recv()
            };
            greedy.run(1, work).await
        });
        has_begun.await.unwrap();
        let order = Arc::new(std::sync::Mutex::new(Vec::new()));
        let one = |actor| {
            let (compute, order) = (Arc::clone(&compute), Arc::clone(&order));
            async move {
                let note = move || order.lock().unwrap().push(actor);
                compute.run(actor, note).await.unwrap();
            }
        };
        let mut much: Vec<_> = (0..20).map(|_| Box::pin(one(1))).collect();
        for waiting in &mut much {
            assert!(futures::poll!(waiting.as_mut()).is_pending());
        }
        let mut another = Box::pin(one(2));
        assert!(futures::poll!(another.as_mut()).is_pending());
        go_on.send(()).unwrap();
        first.await.unwrap().unwrap().unwrap();
        futures::future::join(futures::future::join_all(much), another).await;
        let order = order.lock().unwrap();
        let place = order.iter().position(|actor| *actor == 2).unwrap();
        assert!(place <= 1, "it was served after {place} of the other's");
        assert_eq!(order.len(), 21);
    }

    #[tokio::test]
    async fn work_that_panics_gives_its_turn_back() {
        let compute = of(1, 1);
        let error = compute.run(1, || panic!("of the test")).await.unwrap_err();
        assert_eq!(error.code(), crate::error::Code::Internal);
        assert_eq!(compute.run(1, || 7).await.unwrap(), 7);
    }
}
