//! What each caller has under way: how many requests, and what they weigh.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use dashmap::DashMap;

/// What the requests of one caller may weigh together, in bytes (128 MiB).
const MOST_OF_CALLER: usize = 128 * 1024 * 1024;

/// What all requests may weigh together, in bytes (512 MiB).
const MOST_OF_ALL: usize = 512 * 1024 * 1024;

/// A caller without any request has no entry, so the map is bounded by the requests there are.
pub(super) struct Places {
    shared: Arc<Shared>,
    most: usize,
}

#[derive(Default)]
struct Shared {
    taken: DashMap<i64, Taken>,
    bytes: AtomicUsize,
}

#[derive(Default)]
struct Taken {
    requests: usize,
    bytes: usize,
}

/// One request's place, given back when dropped.
pub(super) struct Place {
    shared: Arc<Shared>,
    actor: i64,
    bytes: usize,
}

impl Places {
    pub(super) fn new(most: usize) -> Self {
        Self {
            shared: Arc::default(),
            most: most.max(1),
        }
    }

    pub(super) fn take(&self, actor: i64) -> Option<Place> {
        let mut taken = self.shared.taken.entry(actor).or_default();
        if taken.requests >= self.most {
            return None;
        }
        taken.requests += 1;
        Some(Place {
            shared: Arc::clone(&self.shared),
            actor,
            bytes: 0,
        })
    }
}

impl Place {
    /// Makes the request that much heavier, if there is room for it.
    pub(super) fn load(&mut self, bytes: usize) -> bool {
        let Some(mut taken) = self.shared.taken.get_mut(&self.actor) else {
            return false;
        };
        if taken.bytes.saturating_add(bytes) > MOST_OF_CALLER {
            return false;
        }
        let before = self.shared.bytes.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > MOST_OF_ALL {
            self.shared.bytes.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        taken.bytes += bytes;
        self.bytes += bytes;
        true
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        self.shared.taken.remove_if_mut(&self.actor, |_, taken| {
            taken.requests -= 1;
            taken.bytes -= self.bytes;
            taken.requests == 0
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_may_weigh_so_much_and_all_together_so_much() {
        let places = Places::new(2);
        let mut first = places.take(1).unwrap();
        let mut second = places.take(1).unwrap();
        assert!(places.take(1).is_none(), "a third request of the caller");
        assert!(first.load(MOST_OF_CALLER - 1) && second.load(1));
        assert!(!second.load(1), "more than a caller may");
        drop(first);
        assert!(second.load(MOST_OF_CALLER - 1), "what ended weighs nothing");
        let mut others: Vec<_> = (2..=4).map(|actor| places.take(actor).unwrap()).collect();
        assert!(others.iter_mut().all(|place| place.load(MOST_OF_CALLER)));
        let mut one_more = places.take(5).unwrap();
        assert!(!one_more.load(1), "more than all may");
        drop(others);
        drop(second);
        assert!(one_more.load(MOST_OF_CALLER));
        drop(one_more);
        assert!(places.shared.taken.is_empty());
        assert_eq!(places.shared.bytes.load(Ordering::Relaxed), 0);
    }
}
