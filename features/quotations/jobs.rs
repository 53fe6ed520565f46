//! What the scheduler does by itself: quotations that hold no longer.

use bureau_kernel::prelude::*;
use bureau_kernel::store::sql;
use futures::FutureExt as _;

use crate::quotation::{Quotation, QuotationStatus};

/// The module's jobs.
pub(crate) const JOBS: &[Job] = &[Job {
    name: "quotation_expiry",
    about: "Note which quotations hold no longer",
    table: "quotation",
    due: |cx, limit| due(cx, limit).boxed(),
    run: |cx, record| expire(cx, Id::from_raw(record)).boxed(),
    follows_log: false,
}];

async fn due(cx: &mut Cx, limit: usize) -> Result<Vec<i64>> {
    let rows = sql("SELECT id")
        .from_live::<Quotation>(cx)
        .sql(" AND status = 'sent' AND sort_valid < ")
        .value(cx.today())
        .sql(" ORDER BY sort_valid, id LIMIT ")
        .value(i64::try_from(limit).unwrap_or(i64::MAX))
        .rows(cx.tx())
        .await?;
    rows.iter().map(|row| row.get("id")).collect()
}

/// Notes that a quotation that was sent holds no longer, if its last day is past.
async fn expire(cx: &mut Cx, id: Id<Quotation>) -> Result<()> {
    let today = cx.today();
    let mut quotation = match cx.edit(id).await {
        Ok(quotation) => quotation,
        Err(error) if error.code() == Code::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let is_open = *quotation.status == QuotationStatus::Sent;
    if !is_open || quotation.valid_until.is_none_or(|last| last >= today) {
        return Ok(());
    }
    quotation.status = Managed(QuotationStatus::Expired);
    quotation.decided_at = Managed(Some(cx.now()));
    quotation.save(cx).await.map(drop)
}
