//! What time it is: the one source of "now" for whatever is decided about data. Each open database has its clock, the
//! machine's unless a test gives it another.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, Utc};

use crate::types::time::{Timestamp, now};

/// Where "now" comes from. Clones of a clock that is set show the same.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// What it shows, in microseconds of the Unix epoch; the machine's clock where there is none.
    set: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// The machine's.
    #[must_use]
    pub fn wall() -> Self {
        Self::default()
    }

    /// One that stands still at this moment until it is set: for tests.
    #[must_use]
    pub fn at(moment: Timestamp) -> Self {
        Self {
            set: Some(Arc::new(AtomicI64::new(moment.timestamp_micros()))),
        }
    }

    /// Now, to the microsecond.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let set = self.set.as_ref();
        set.and_then(|set| DateTime::<Utc>::from_timestamp_micros(set.load(Ordering::Relaxed)))
            .unwrap_or_else(now)
    }

    /// Sets it, forward or back. The machine's clock stays as it is.
    pub fn set(&self, moment: Timestamp) {
        if let Some(set) = &self.set {
            set.store(moment.timestamp_micros(), Ordering::Relaxed);
        }
    }

    /// Sets it on, or back, by so much.
    pub fn step(&self, by: chrono::Duration) {
        self.set(self.now() + by);
    }
}
