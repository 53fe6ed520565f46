//! What was expected of open deals on a day: by when, how much, and how likely; and what became of them since.

use std::collections::BTreeMap;

use bureau_kernel::figures::share_of;
use bureau_kernel::prelude::*;
use bureau_kernel::store::sql;
use bureau_kernel::types::money::{Amount, Currency};
use bureau_kernel::types::time::{DayEdge, day_edge};
use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::deal::{Deal, DealStatus};
use crate::measures::PROBABILITY;
use crate::stages::Pipeline;

/// Of which deals.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExpectedFilter {
    /// Those in this pipeline.
    pub pipeline: Option<Id<Pipeline>>,
    /// Those that this member looks after.
    pub owner: Option<Id<Member>>,
}

/// Deals that were open on a day and are alike.
#[derive(Debug, Clone)]
pub struct ExpectedDeals {
    /// When they were expected to be closed.
    pub close: Option<NaiveDate>,
    /// ISO 4217.
    pub currency: Currency,
    /// How many.
    pub count: i64,
    /// Their amounts together.
    pub amount: Decimal,
    /// The same, each times its probability.
    pub weighted: Decimal,
    /// What they are now.
    pub now: DealStatus,
}

/// What was expected of the deals that were open at the end of a day, the present one or one that has passed. How likely a deal is
/// that says nothing of it, its stage says as it is now.
///
/// # Errors
/// [`Code::Validation`] naming `as_of` where more happened since than is looked through.
pub async fn expected_on(
    cx: &mut Cx,
    day: NaiveDate,
    among: ExpectedFilter,
) -> Result<Vec<ExpectedDeals>> {
    let usual = PROBABILITY.usual(cx).await?;
    if day >= cx.today() {
        return open_now(cx, among, &usual).await;
    }
    open_then(cx, day, among, &usual).await
}

async fn open_now(
    cx: &mut Cx,
    among: ExpectedFilter,
    usual: &BTreeMap<i64, i64>,
) -> Result<Vec<ExpectedDeals>> {
    let mut statement =
        sql("SELECT expected_close, currency, probability, stage, COUNT(*) AS count, ")
            .sum("amount")
            .from_live::<Deal>(cx)
            .sql(" AND status = 'open'");
    if let Some(pipeline) = among.pipeline {
        statement = statement.sql(" AND pipeline = ").value(pipeline);
    }
    if let Some(owner) = among.owner {
        statement = statement.sql(" AND owner = ").value(owner);
    }
    let rows = statement
        .sql(" GROUP BY expected_close, currency, probability, stage")
        .rows(cx.tx())
        .await?;
    let alike = rows.iter().map(|row| {
        let amount = row.sum("amount")?;
        Ok(ExpectedDeals {
            close: row.get("expected_close")?,
            currency: row.get("currency")?,
            count: row.get("count")?,
            amount,
            weighted: PROBABILITY.of(amount, row, usual)?,
            now: DealStatus::Open,
        })
    });
    alike.collect()
}

async fn open_then(
    cx: &mut Cx,
    day: NaiveDate,
    among: ExpectedFilter,
    usual: &BTreeMap<i64, i64>,
) -> Result<Vec<ExpectedDeals>> {
    /// Changes that are looked through.
    const MOST: i64 = 200_000;
    let zone = cx.workspace().time_zone;
    let next = day.succ_opt();
    let since = next.and_then(|next| day_edge(next, zone, DayEdge::Start));
    let since = since.ok_or_else(|| Error::internal("a day without a day after it"))?;
    let past = cx.past_of::<Deal>(since, MOST, |statement, _| statement);
    let mut past = past.await?.ok_or_else(|| {
        let message = format!("More than {MOST} changes were made to deals since.");
        Error::invalid("as_of", message).hint("Name a later day.")
    })?;
    let rows = sql("SELECT id")
        .from_live::<Deal>(cx)
        .sql(" AND status = 'open' AND created_at < ")
        .value(since)
        .rows(cx.tx())
        .await?;
    let open = rows.iter().map(|row| row.get("id"));
    let mut ids: Vec<Id<Deal>> = open.collect::<Result<_>>()?;
    ids.extend(past.keys());
    ids.sort_unstable();
    ids.dedup();
    let mut found = Vec::new();
    for piece in ids.chunks(1_000) {
        for (id, now) in cx.find_all(piece).await? {
            let was = match past.remove(&Id::from_raw(id)) {
                Some(past) if past.was_there => past.of(&now.record)?,
                Some(_) => continue,
                None => now.record.clone(),
            };
            let is_asked = among.pipeline.is_none_or(|asked| *was.pipeline == asked)
                && among.owner.is_none_or(|asked| was.owner == Some(asked));
            if was.status != DealStatus::Open || !is_asked {
                continue;
            }
            let amount = was.amount.map_or(Decimal::ZERO, Amount::decimal);
            let likely = was.probability.map(BoundedInt::get);
            let likely = likely.or_else(|| usual.get(&was.stage.raw()).copied());
            found.push(ExpectedDeals {
                close: was.expected_close,
                currency: was.currency,
                count: 1,
                amount,
                weighted: share_of(amount, likely.unwrap_or_default())?,
                now: now.status,
            });
        }
    }
    Ok(found)
}
