//! What the scheduler does by itself: invoices of plans.

use bureau_kernel::prelude::*;
use bureau_kernel::store::sql;
use futures::FutureExt as _;

use crate::draft::{from_plan, shape};
use crate::issue::issue;
use crate::plan::check_catching_up;
use crate::recurring::RecurringInvoice;

/// The module's jobs.
pub(crate) const JOBS: &[Job] = &[Job {
    name: "recurring_invoice",
    about: "Make the invoices of recurring plans",
    table: "recurring_invoice",
    due: |cx, limit| plans_due(cx, limit).boxed(),
    run: |cx, record| make_next(cx, Id::from_raw(record)).boxed(),
    follows_log: false,
}];

async fn plans_due(cx: &mut Cx, limit: usize) -> Result<Vec<i64>> {
    // One that is not active has the end of time there.
    let rows = sql("SELECT id")
        .from_live::<RecurringInvoice>(cx)
        .sql(" AND sort_next <= ")
        .value(cx.today())
        .sql(" ORDER BY sort_next, id LIMIT ")
        .value(i64::try_from(limit).unwrap_or(i64::MAX))
        .rows(cx.tx())
        .await?;
    rows.iter().map(|row| row.get("id")).collect()
}

/// Makes the invoice of a plan's next day, if that has come. One that is issued is issued today, also where that day is
/// past: numbers go in the order of dates, and an invoice bears the date on which it was issued. Which period it is for is
/// said by its service dates.
async fn make_next(cx: &mut Cx, id: Id<RecurringInvoice>) -> Result<()> {
    let today = cx.today();
    // Held until the step ends.
    let mut plan = match cx.edit(id).await {
        Ok(plan) => plan,
        Err(error) if error.code() == Code::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let Some(day) = plan.due(today) else {
        return Ok(());
    };
    check_catching_up(&plan, today)?;
    let mut draft = from_plan(plan.before(), day);
    shape(cx, &mut draft, None).await?;
    let draft = cx.insert(draft, Attributes::new()).await?;
    if plan.auto_issue {
        issue(cx, draft.id, Some(today), false).await?;
    }
    plan.made = Managed(*plan.made + 1);
    plan.last_on = Managed(Some(day));
    plan.save(cx).await.map(drop)
}
