//! What the scheduler does by itself: candidates whose data was kept long enough are anonymized.

use bureau_kernel::prelude::*;
use futures::FutureExt as _;

use crate::anonymize::anonymize;
use crate::retention::due;

/// The module's jobs.
pub(crate) const JOBS: &[Job] = &[Job {
    name: "candidate_retention",
    about: "Anonymize candidates when the retention rule says so",
    table: "candidate",
    due: |cx, limit| due(cx, None, limit).boxed(),
    run: |cx, record| take(cx, Id::from_raw(record)).boxed(),
    follows_log: false,
}];

/// Anonymizes a candidate, if the rule still takes it.
async fn take(cx: &mut Cx, id: Id<crate::candidate::Candidate>) -> Result<()> {
    cx.require_trusted_clock().await?;
    if due(cx, Some(id), 1).await?.is_empty() {
        return Ok(());
    }
    anonymize(cx, id).await.map(drop)
}
