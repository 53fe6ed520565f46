//! The statements behind the figures.

use std::collections::BTreeMap;

use bureau_companies::Company;
use bureau_contacts::Contact;
use bureau_invoicing::QuotationStatus;
use bureau_kernel::prelude::*;
use bureau_kernel::rates::Rates;
use bureau_kernel::store::{Sql, sql};
use bureau_kernel::types::money::{SUM_COLUMNS, Sum};
use bureau_kernel::types::time::Timestamp;
use chrono::{Datelike as _, NaiveDate};

use super::tally::{ByStatus, Spans, Tally};
use super::{Bounds, CustomerFigures, MOST_CUSTOMERS};

/// Quotations by what they have in common.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// Drafts, which no month has.
    drafts: ByStatus,
    /// By year and month of sending.
    pub(super) months: BTreeMap<(i32, u32), ByStatus>,
    customers: BTreeMap<(Option<i64>, Option<i64>), ByStatus>,
}

impl Groups {
    /// All of them.
    pub(super) fn all(&self) -> ByStatus {
        let mut all = self.drafts.clone();
        self.months.values().for_each(|course| all.merge(course));
        all
    }

    /// The customers to whom most was offered.
    ///
    /// # Errors
    /// What the database says.
    pub(super) async fn top_customers(
        self,
        cx: &mut Cx,
        rates: &Rates,
    ) -> Result<Vec<CustomerFigures>> {
        let mut customers: Vec<_> = self.customers.into_iter().collect();
        customers.sort_by_cached_key(|(id, course)| {
            (std::cmp::Reverse(course.sent().in_base(rates)), *id)
        });
        customers.truncate(MOST_CUSTOMERS);
        let companies = customers.iter().filter_map(|((company, _), _)| *company);
        let companies = cx.names(companies.map(Id::<Company>::from_raw)).await?;
        let contacts = customers.iter().filter_map(|((_, contact), _)| *contact);
        let contacts = cx.names(contacts.map(Id::<Contact>::from_raw)).await?;
        let figures = customers
            .into_iter()
            .map(|((company, contact), course)| CustomerFigures {
                company: company.map(|id| companies.of(Id::from_raw(id))),
                contact: contact.map(|id| contacts.of(Id::from_raw(id))),
                values: course.sent().shown(rates),
                outcome: course.outcome(rates),
            });
        Ok(figures.collect())
    }
}

/// The quotations by where they stand, by currency and by the day of sending, and by customer where that is asked.
///
/// # Errors
/// What the database says.
pub(super) async fn groups(cx: &mut Cx, bounds: &Bounds, by_customer: bool) -> Result<Groups> {
    let customer = if by_customer {
        ", company, contact"
    } else {
        ""
    };
    let mut statement = sql("SELECT standing, currency, sent_on")
        .sql(customer)
        .sql(", COUNT(*) AS count, ")
        .sql(SUM_COLUMNS)
        // One whose day has passed is expired, whether or not that was noted yet.
        .sql(" FROM (SELECT CASE WHEN status = 'sent' AND sort_valid < ")
        .value(bounds.today)
        .sql(" THEN 'expired' ELSE status END AS standing, currency, sent_on, company, CASE WHEN company IS NULL THEN contact END AS contact, net_total AS amount FROM quotation");
    statement = bounds.push(cx, statement);
    let rows = statement
        .sql(") AS quotations GROUP BY standing, currency, sent_on")
        .sql(customer)
        .rows(cx.tx())
        .await?;
    let mut groups = Groups::default();
    for row in rows {
        let status: QuotationStatus = row.get("standing")?;
        let (currency, count) = (row.get("currency")?, row.get("count")?);
        let sum = Sum::from_parts(row.get("billions")?, row.get("rest")?);
        let Some(sent) = row.get::<Option<NaiveDate>>("sent_on")? else {
            groups.drafts.add(status, currency, count, sum)?;
            continue;
        };
        let month = groups.months.entry((sent.year(), sent.month()));
        month.or_default().add(status, currency, count, sum)?;
        if by_customer {
            let customer = (row.get("company")?, row.get("contact")?);
            let customer = groups.customers.entry(customer);
            customer.or_default().add(status, currency, count, sum)?;
        }
    }
    Ok(groups)
}

/// What waits for the customer's word and holds no longer than to this day.
///
/// # Errors
/// What the database says.
pub(super) async fn expiring(cx: &mut Cx, bounds: &Bounds, last: NaiveDate) -> Result<Tally> {
    let statement = sql("SELECT currency, COUNT(*) AS count, ")
        .sql(SUM_COLUMNS)
        .sql(" FROM (SELECT currency, net_total AS amount FROM quotation");
    let rows = bounds
        .push(cx, statement)
        .sql(" AND status = 'sent' AND sort_valid >= ")
        .value(bounds.today)
        .sql(" AND sort_valid <= ")
        .value(last)
        .sql(") AS quotations GROUP BY currency")
        .rows(cx.tx())
        .await?;
    let mut tally = Tally::default();
    for row in rows {
        let sum = Sum::from_parts(row.get("billions")?, row.get("rest")?);
        tally.add(row.get("currency")?, row.get("count")?, sum)?;
    }
    Ok(tally)
}

/// How many days customers took for a yes or a no.
///
/// # Errors
/// What the database says.
pub(super) async fn days_to_decide(cx: &mut Cx, bounds: &Bounds) -> Result<Spans> {
    let zone = cx.workspace().time_zone;
    let rows = bounds
        .push(cx, sql("SELECT sent_on, decided_at FROM quotation"))
        .sql(" AND status IN ('accepted', 'declined') AND sent_on IS NOT NULL AND decided_at IS NOT NULL")
        .rows(cx.tx())
        .await?;
    let mut spans = Spans::default();
    for row in rows {
        let sent: NaiveDate = row.get("sent_on")?;
        let decided: Timestamp = row.get("decided_at")?;
        let decided = decided.with_timezone(&zone).date_naive();
        spans.add((decided - sent).num_days());
    }
    Ok(spans)
}

impl Bounds {
    /// The conditions of all statements.
    fn push(&self, cx: &Cx, statement: Sql) -> Sql {
        let mut statement = statement
            .sql(" WHERE archived_at IS NULL AND workspace = ")
            .value(cx.workspace().id);
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
