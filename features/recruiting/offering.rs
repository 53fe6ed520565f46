//! Offers of an application or a job, and how many more there may be.

use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use bureau_kernel::store::sql;

use crate::application::Application;
use crate::offer::Offer;
use crate::openings::{OpeningStatus, openings_of};
use crate::vacancy::Vacancy;

/// More offers than the applications of a page have.
const MOST: u32 = 2_000;

/// The offers for these applications, oldest first.
///
/// # Errors
/// What the database says.
pub(crate) async fn offers_of(
    cx: &mut Cx,
    applications: &[Id<Application>],
) -> Result<Vec<Saved<Offer>>> {
    let offers = cx.list::<Offer>().any_of("application", applications);
    let page = offers.page(Order::CREATED, false, Limit::of(MOST), None);
    Ok(page.await?.rows)
}

/// The offer for an application that nothing came of yet.
///
/// # Errors
/// What the database says.
pub(crate) async fn running(
    cx: &mut Cx,
    application: Id<Application>,
) -> Result<Option<Saved<Offer>>> {
    let offers = offers_of(cx, &[application]).await?;
    let mut running = offers.into_iter();
    Ok(running.find(|offer| !offer.status.is_decided()))
}

/// Says so where more offers for a job may be accepted than it has openings.
///
/// # Errors
/// What the database says.
pub(crate) async fn note_beyond(cx: &mut Cx, job: Id<Vacancy>) -> Result<()> {
    let openings = openings_of(cx, job).await?;
    let open = openings
        .iter()
        .filter(|it| it.status == OpeningStatus::Open);
    let open = i64::try_from(open.count()).unwrap_or(i64::MAX);
    let undecided = sql("SELECT COUNT(*) AS count")
        .from_live::<Offer>(cx)
        .sql(" AND status IN ('draft', 'approved', 'sent') AND application IN (SELECT id")
        .from_live::<Application>(cx)
        .sql(" AND job = ")
        .value(job)
        .sql(")")
        .one::<i64>("count", cx.tx())
        .await?;
    if undecided > open {
        cx.notice(Notice::warning(format!(
            "{undecided} offers of this job are undecided, and {open} of its openings are open: no more than these can be accepted."
        )));
    }
    Ok(())
}
