//! Doing a write again, as a whole: where it only met another (a deadlock that was lost, a change that could not be put in
//! order), or where something is to be prepared before it begins, which is not done while it holds what others wait for.

use std::time::Duration;

use crate::compute::Compute;
use crate::error::{Error, Result};

/// How often something is done before its caller hears of it.
const MOST_RUNS: u32 = 5;

/// Counts the runs of one write. Each is the whole of it, in a transaction of its own, and reaches nothing but the database.
#[derive(Debug, Default)]
pub(crate) struct Retry {
    runs: u32,
}

impl Retry {
    /// What came of a run, if it stands. Nothing where it only met another write and is to be run once more: then a moment
    /// has passed, a random one, so that those who met do not meet again.
    pub(crate) async fn settled<T>(&mut self, outcome: Result<T>) -> Option<Result<T>> {
        self.runs += 1;
        let met = outcome.as_ref().is_err_and(Error::is_clash);
        if !met || self.runs == MOST_RUNS {
            return Some(outcome);
        }
        let wait = rand::random_range(1..=u64::from(10 * self.runs));
        tokio::time::sleep(Duration::from_millis(wait)).await;
        None
    }

    /// The same, and where something is to be prepared that is done, as work of this caller.
    pub(crate) async fn prepared<T>(
        &mut self,
        outcome: Result<T>,
        compute: &Compute,
        actor: i64,
    ) -> Option<Result<T>> {
        let preparation = outcome.as_ref().err().and_then(Error::preparation);
        let Some(work) = preparation.filter(|_| self.runs + 1 < MOST_RUNS) else {
            return self.settled(outcome).await;
        };
        self.runs += 1;
        compute.run(actor, move || work()).await.err().map(Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[tokio::test]
    async fn what_only_met_another_is_run_again_and_not_for_ever() {
        let met = || Err::<(), _>(Error::new(Code::Unavailable, "Met.").clash());
        let mut retry = Retry::default();
        for _ in 1..MOST_RUNS {
            assert!(retry.settled(met()).await.is_none());
        }
        assert!(retry.settled(met()).await.is_some_and(|last| last.is_err()));
    }

    #[tokio::test]
    async fn what_is_never_prepared_ends() {
        let unprepared = || Err::<(), _>(Error::unprepared(|| {}));
        let (compute, mut retry) = (Compute::default(), Retry::default());
        for _ in 1..MOST_RUNS {
            assert!(retry.prepared(unprepared(), &compute, 1).await.is_none());
        }
        let last = retry.prepared(unprepared(), &compute, 1).await;
        assert!(last.is_some_and(|last| last.is_err()));
    }

    #[tokio::test]
    async fn what_went_well_or_wrong_is_not_run_again() {
        let wrong = Err::<(), _>(Error::new(Code::Unavailable, "Wrong."));
        for outcome in [Ok(()), wrong] {
            assert!(Retry::default().settled(outcome).await.is_some());
        }
    }
}
