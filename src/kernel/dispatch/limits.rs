//! What one caller may take of what all share: calls an hour, and calls at the same time. Both are counted in this process.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use dashmap::DashMap;
use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::caller::Caller;
use crate::error::{Code, Error, Result};

const HOUR: Duration = Duration::from_secs(3_600);

pub(super) struct Limits {
    /// Calls an hour of each key, with the number that it was made for.
    rates: DashMap<i64, (u32, Arc<DefaultDirectRateLimiter>)>,
    /// Calls at the same time of each caller.
    shares: DashMap<i64, Arc<Semaphore>>,
    /// How many of them.
    share: usize,
}

impl Limits {
    /// Each caller may use half of these connections at the same time, so that another one finds the other half.
    pub(super) fn new(connections: u32) -> Self {
        let half = connections.div_ceil(2).max(2);
        Self {
            rates: DashMap::new(),
            shares: DashMap::new(),
            share: usize::try_from(half).unwrap_or(usize::MAX),
        }
    }

    /// Counts a call of a caller that has a key.
    ///
    /// # Errors
    /// [`Code::RateLimited`] saying when the next one is taken.
    pub(super) fn count(&self, caller: &Caller, per_hour: u32) -> Result<()> {
        let Some(key) = caller.key else { return Ok(()) };
        let per_hour = caller.calls_per_hour.unwrap_or(per_hour);
        let Some(quota) = quota(per_hour) else {
            return Ok(());
        };
        let limiter = {
            let made = || (per_hour, Arc::new(RateLimiter::direct(quota)));
            let mut limit = self.rates.entry(key.raw()).or_insert_with(made);
            if limit.0 != per_hour {
                *limit = made();
            }
            Arc::clone(&limit.1)
        };
        limiter.check().map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            let at_once = quota.burst_size();
            Error::new(
                Code::RateLimited,
                format!("This key makes {per_hour} calls an hour, {at_once} of them at once."),
            )
            .hint("Wait, or combine calls. Calls that are refused count as well.")
            .retry_after(wait.as_secs() + 1)
        })
    }

    /// Waits for a place among the calls of this caller that are at work.
    ///
    /// # Errors
    /// [`Code::RateLimited`] when none is free within `limit`.
    pub(super) async fn share(
        &self,
        caller: &Caller,
        limit: Duration,
    ) -> Result<OwnedSemaphorePermit> {
        let shares = {
            let made = || Arc::new(Semaphore::new(self.share));
            Arc::clone(&self.shares.entry(caller.actor()).or_insert_with(made))
        };
        match tokio::time::timeout(limit, shares.acquire_owned()).await {
            Ok(place) => place.map_err(Error::internal),
            Err(_) => Err(not_begun(limit)),
        }
    }
}

/// What is said to a call for which its caller's other ones left no place for so long.
pub(super) fn not_begun(limit: Duration) -> Error {
    Error::new(
        Code::RateLimited,
        format!(
            "Other calls of this caller were at work for {} s, and this one was not begun.",
            limit.as_secs()
        ),
    )
    .hint("Wait for some of them to end, or ask for less at once.")
    .retry_after(1)
}

/// At most so many calls within any hour: a quarter of them at once, and the others spread over the hour. (Full at once and
/// refilled within the hour, nearly twice as many would pass in the first one.) No number is no limit.
fn quota(per_hour: u32) -> Option<Quota> {
    let per_hour = NonZeroU32::new(per_hour)?;
    let at_once = NonZeroU32::new(per_hour.get() / 4).unwrap_or(NonZeroU32::MIN);
    let spread = per_hour.get() - at_once.get();
    // Rounded up, so that the last of them does not come a moment before the hour is over.
    let apart = HOUR / (spread.saturating_add(1)) + Duration::from_nanos(1);
    Quota::with_period(apart).map(|quota| quota.allow_burst(at_once))
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    #[test]
    fn no_hour_sees_more_calls_than_were_said() {
        for per_hour in [1, 2, 3, 5, 60, 1_000] {
            let clock = FakeRelativeClock::default();
            let limiter = RateLimiter::direct_with_clock(quota(per_hour).unwrap(), clock.clone());
            let step = Duration::from_millis(500);
            let mut passed: Vec<Duration> = Vec::new();
            let mut now = Duration::ZERO;
            while now < HOUR * 3 {
                while limiter.check().is_ok() {
                    passed.push(now);
                }
                clock.advance(step);
                now += step;
            }
            let most = passed
                .iter()
                .map(|first| {
                    let within = passed
                        .iter()
                        .filter(|at| (*first..*first + HOUR).contains(*at));
                    within.count()
                })
                .max();
            assert_eq!(most, Some(per_hour as usize), "{per_hour} an hour");
        }
        assert!(quota(0).is_none());
    }
}
