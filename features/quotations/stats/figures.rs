//! The statements behind the figures.

use std::collections::BTreeMap;

use bureau_billing::{Buyer, of_buyers};
use bureau_kernel::figures::{Spans, Tally};
use bureau_kernel::prelude::*;
use bureau_kernel::rates::Rates;
use bureau_kernel::store::{Row, Sql, sql};
use bureau_kernel::types::time::Timestamp;
use chrono::{Datelike as _, NaiveDate};

use super::tally::{ByStatus, Values};
use super::{Bounds, CustomerFigures, MOST_CUSTOMERS};
use crate::quotation::Quotation;

/// Quotations by what they have in common.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// Drafts, which no month has.
    drafts: ByStatus,
    /// By year and month of sending.
    pub(super) months: BTreeMap<(i32, u32), ByStatus>,
}

impl Groups {
    /// All of them.
    ///
    /// # Errors
    /// [`Code::Internal`] for sums beyond all bounds.
    pub(super) fn all(&self) -> Result<ByStatus> {
        let mut all = self.drafts.clone();
        let mut months = self.months.values();
        months.try_for_each(|by_status| all.merge(by_status))?;
        Ok(all)
    }
}

/// The quotations by where they stand, by currency and by the day of sending.
///
/// # Errors
/// What the database says.
pub(super) async fn groups(cx: &mut Cx, bounds: &Bounds, rates: &mut Rates) -> Result<Groups> {
    let statement = sql("SELECT standing, currency, sent_on, COUNT(*) AS count, ").sum("amount");
    let rows = bounds
        .push_standing(cx, statement)
        .sql(" GROUP BY standing, currency, sent_on")
        .rows(cx.tx())
        .await?;
    let mut groups = Groups::default();
    for row in rows {
        let by_status = match row.get::<Option<NaiveDate>>("sent_on")? {
            Some(sent) => groups
                .months
                .entry((sent.year(), sent.month()))
                .or_default(),
            None => &mut groups.drafts,
        };
        count_in(by_status, &row, bounds, rates)?;
    }
    Ok(groups)
}

/// Counts in what the database has summed up: at the rate of the day of sending, or today's for drafts.
fn count_in(by_status: &mut ByStatus, row: &Row, bounds: &Bounds, rates: &mut Rates) -> Result<()> {
    let day = row.get::<Option<NaiveDate>>("sent_on")?;
    let worth = rates.worth(row.get("currency")?, day.unwrap_or(bounds.today));
    by_status.add(
        row.get("standing")?,
        worth,
        row.get("count")?,
        row.sum("amount")?,
    )
}

/// The customers to whom most was offered.
///
/// # Errors
/// What the database says.
pub(super) async fn top_customers(
    cx: &mut Cx,
    bounds: &Bounds,
    rates: &mut Rates,
) -> Result<Vec<CustomerFigures>> {
    /// More of them than are shown, because the database's arithmetic rounds.
    const CANDIDATES: i64 = 2 * MOST_CUSTOMERS as i64;
    let statement = sql(
        "SELECT company, contact, SUM(CAST(amount AS DOUBLE PRECISION) * CASE standing WHEN 'draft' THEN 0 ELSE 1 END * ",
    );
    let statement = rates
        .weigh(cx, statement, "quotations", "sent_on")
        .sql(") AS weight");
    let rows = bounds
        .push_standing(cx, statement)
        .sql(
            " WHERE sent_on IS NOT NULL GROUP BY company, contact
              ORDER BY weight DESC, CASE WHEN company IS NULL THEN 0 ELSE 1 END, company,
                       CASE WHEN contact IS NULL THEN 0 ELSE 1 END, contact LIMIT ",
        )
        .value(CANDIDATES)
        .rows(cx.tx())
        .await?;
    let customer = |row: &Row| -> Result<Buyer> { Ok((row.get("company")?, row.get("contact")?)) };
    let foremost: Vec<Buyer> = rows.iter().map(customer).collect::<Result<_>>()?;
    let statement =
        sql("SELECT company, contact, standing, currency, sent_on, COUNT(*) AS count, ");
    let statement = bounds
        .push_standing(cx, statement.sum("amount"))
        .sql(" WHERE sent_on IS NOT NULL");
    let rows = of_buyers(statement, &foremost)
        .sql(" GROUP BY company, contact, standing, currency, sent_on")
        .rows(cx.tx())
        .await?;
    let mut customers: Vec<(Buyer, ByStatus)> = foremost
        .into_iter()
        .map(|buyer| (buyer, ByStatus::default()))
        .collect();
    for row in rows {
        let buyer = customer(&row)?;
        let known = customers.iter_mut().find(|(known, _)| *known == buyer);
        if let Some((_, by_status)) = known {
            count_in(by_status, &row, bounds, rates)?;
        }
    }
    let sent = |(buyer, by_status): (Buyer, ByStatus)| Ok((buyer, by_status.sent()?, by_status));
    let customers = customers.into_iter().map(sent);
    let mut customers = customers.collect::<Result<Vec<_>>>()?;
    customers.sort_by_key(|((company, contact), sent, _)| {
        let value = std::cmp::Reverse(sent.base());
        (value, company.map(Id::raw), contact.map(Id::raw))
    });
    customers.truncate(MOST_CUSTOMERS);
    let companies = customers.iter().filter_map(|((company, _), ..)| *company);
    let companies = cx.names(companies).await?;
    let contacts = customers.iter().filter_map(|((_, contact), ..)| *contact);
    let contacts = cx.names(contacts).await?;
    let figures = customers.into_iter();
    let figures = figures.map(|((company, contact), sent, by_status)| {
        Ok(CustomerFigures {
            company: company.map(|id| companies.of(id)),
            contact: contact.map(|id| contacts.of(id)),
            values: Values::of(&sent, rates.base()),
            outcome: by_status.outcome()?,
        })
    });
    figures.collect()
}

/// What waits for the customer's word and holds no longer than to this day.
///
/// # Errors
/// What the database says.
pub(super) async fn expiring(
    cx: &mut Cx,
    bounds: &Bounds,
    last: NaiveDate,
    rates: &mut Rates,
) -> Result<Tally<1>> {
    let statement = sql("SELECT currency, sent_on, COUNT(*) AS count, ")
        .sum("amount")
        .sql(" FROM (SELECT currency, sent_on, net_total AS amount");
    let rows = bounds
        .push(cx, statement)
        .sql(" AND status = 'sent' AND sort_valid >= ")
        .value(bounds.today)
        .sql(" AND sort_valid <= ")
        .value(last)
        .sql(") AS quotations GROUP BY currency, sent_on")
        .rows(cx.tx())
        .await?;
    let mut tally = Tally::default();
    for row in rows {
        let day = row.get::<Option<NaiveDate>>("sent_on")?;
        let worth = rates.worth(row.get("currency")?, day.unwrap_or(bounds.today));
        tally.add(worth, row.get("count")?, [row.sum("amount")?])?;
    }
    Ok(tally)
}

/// How many days customers took for a yes or a no.
///
/// # Errors
/// What the database says.
pub(super) async fn days_to_decide(cx: &mut Cx, bounds: &Bounds) -> Result<Spans> {
    /// The day of the decision follows from the workspace's zone, which the database does not know: so they are read, a part
    /// at a time.
    const PART: i64 = 5_000;
    let zone = cx.workspace().time_zone;
    let mut spans = Spans::default();
    let mut after = i64::MIN;
    loop {
        let rows = bounds
            .push(cx, sql("SELECT id, sent_on, decided_at"))
            .sql(" AND status IN ('accepted', 'declined') AND sent_on IS NOT NULL AND decided_at IS NOT NULL AND id > ")
            .value(after)
            .sql(" ORDER BY id LIMIT ")
            .value(PART)
            .rows(cx.tx())
            .await?;
        let Some(last) = rows.last() else {
            return Ok(spans);
        };
        after = last.get("id")?;
        for row in rows {
            let sent: NaiveDate = row.get("sent_on")?;
            let decided: Timestamp = row.get("decided_at")?;
            let decided = decided.with_timezone(&zone).date_naive();
            spans.add((decided - sent).num_days());
        }
    }
}

impl Bounds {
    /// Appends the quotations with where they stand.
    fn push_standing(&self, cx: &Cx, statement: Sql) -> Sql {
        // One whose day has passed is expired, whether or not that was noted yet.
        let statement = statement
            .sql(" FROM (SELECT CASE WHEN status = 'sent' AND sort_valid < ")
            .value(self.today)
            .sql(
                " THEN 'expired' ELSE status END AS standing, currency, sent_on, company,
                 CASE WHEN company IS NULL THEN contact END AS contact, net_total AS amount",
            );
        self.push(cx, statement).sql(") AS quotations")
    }

    /// Appends of which quotations all statements are.
    fn push(&self, cx: &Cx, statement: Sql) -> Sql {
        let mut statement = statement.from_live::<Quotation>(cx);
        if let Some(after) = self.after {
            statement = statement.sql(" AND sent_on >= ").value(after);
        }
        if let Some(before) = self.before {
            statement = statement.sql(" AND sent_on <= ").value(before);
        }
        if let Some(owner) = self.owner {
            statement = statement.sql(" AND owner = ").value(owner);
        }
        statement
    }
}
