//! What the scheduler does by itself: breaches are recorded when clocks come to their targets, and the clocks of open tickets are
//! set anew after a change of policies or calendars.

use bureau_kernel::prelude::*;
use bureau_kernel::store::sql;
use futures::FutureExt as _;

use crate::case::Case;
use crate::desk::stamp;
use crate::ticket::Ticket;
use crate::words::settings_if_any;

/// The module's jobs.
pub(crate) const JOBS: &[Job] = &[Job {
    name: "ticket_clocks",
    about: "Record breaches of SLA targets, and set clocks anew after policies were changed",
    table: "ticket",
    due: |cx, limit| due(cx, limit).boxed(),
    run: |cx, record| look(cx, Id::from_raw(record)).boxed(),
    follows_log: false,
}];

async fn due(cx: &mut Cx, limit: usize) -> Result<Vec<i64>> {
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = sql("SELECT id")
        .from_live::<Ticket>(cx)
        .sql(" AND next_check < ")
        .value(cx.now())
        .sql(" ORDER BY next_check, id LIMIT ")
        .value(most)
        .rows(cx.tx())
        .await?;
    let late: Result<Vec<i64>> = rows.iter().map(|row| row.get("id")).collect();
    let mut due = late?;
    // Nothing is there to be set anew before a server has provisioned the workspace.
    let Some(settings) = settings_if_any(cx).await? else {
        return Ok(due);
    };
    let stamp = stamp(&settings, cx.workspace());
    for compares in [" < ", " > "] {
        let rows = sql("SELECT id")
            .from_live::<Ticket>(cx)
            .sql(" AND solved_at IS NULL AND clocks_of")
            .sql(compares)
            .value(stamp)
            .sql(" ORDER BY id LIMIT ")
            .value(most)
            .rows(cx.tx())
            .await?;
        for row in &rows {
            let id = row.get("id")?;
            if due.len() < limit && !due.contains(&id) {
                due.push(id);
            }
        }
    }
    Ok(due)
}

/// Derives the clocks of a ticket anew, if it is there.
async fn look(cx: &mut Cx, id: Id<Ticket>) -> Result<()> {
    match Case::of(cx, id).await {
        Ok(case) => case.save(cx).await.map(drop),
        Err(error) if error.code() == Code::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
