//! What recurs in a month, and how it moved in a period: new, more, less, and gone.
//!
//! A plan counts from its first to its last day by what it comes to in a month without tax: a year has twelve months, a week is the
//! fifty-second part of a year. Invoices that no plan made do not recur and do not count. A plan that is paused counts for nothing, and
//! one whose last invoice is made goes on to its last day. What a plan was on a past day the change log says; on a day before it was
//! added it was what it was added as.
//!
//! Movements are between the day before a period and its last day, by customer: one who comes from nothing is new, one who goes to
//! nothing has churned, others expand or contract. All is worth what it is worth on the last day, so that exchange rates move nothing.

use std::collections::BTreeMap;

use bureau_companies::Company;
use bureau_contacts::Contact;
use bureau_kernel::prelude::*;
use bureau_kernel::rates::Rates;
use bureau_kernel::store::sql;
use bureau_kernel::types::time::{DayEdge, day_edge};
use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::recurring::{PlanStatus, RecurringInvoice};

/// What recurs in a month, in the workspace's currency: of all that a rate is known for. Not rounded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RecurringRevenue {
    /// At the end of the day before the period.
    pub start: Decimal,
    /// From customers who had nothing then.
    pub new: Decimal,
    /// More than before from others.
    pub expansion: Decimal,
    /// Less than before from those who stay.
    pub contraction: Decimal,
    /// From customers who have nothing any more.
    pub churn: Decimal,
    /// At the end of the last day: start + new + expansion - contraction - churn.
    pub end: Decimal,
    /// How many customers there were at the start.
    pub customers_at_start: i64,
    /// How many of these have nothing any more.
    pub customers_churned: i64,
    /// How many there are at the end.
    pub customers_at_end: i64,
}

impl RecurringRevenue {
    /// What is left at the end of what there was at the start, with expansion.
    #[must_use]
    pub fn retained_net(&self) -> Decimal {
        self.start + self.expansion - self.contraction - self.churn
    }

    /// The same without expansion.
    #[must_use]
    pub fn retained_gross(&self) -> Decimal {
        self.start - self.contraction - self.churn
    }

    /// Counts a customer in, by what they come to at the start and at the end.
    fn count(&mut self, start: Decimal, end: Decimal) {
        self.start += start;
        self.end += end;
        self.customers_at_start += i64::from(!start.is_zero());
        self.customers_at_end += i64::from(!end.is_zero());
        let more = end - start;
        if start.is_zero() {
            self.new += end;
        } else if end.is_zero() {
            self.churn += start;
            self.customers_churned += 1;
        } else if more > Decimal::ZERO {
            self.expansion += more;
        } else {
            self.contraction -= more;
        }
    }
}

/// Who buys: a company, or the contact where there is none.
type Customer = (Option<Id<Company>>, Option<Id<Contact>>);

/// How what recurs moved from the end of the day before a period to the end of its last day; neither is still to come.
///
/// # Errors
/// [`Code::Validation`] naming `period` where more happened since than is looked through.
pub async fn recurring_revenue(
    cx: &mut Cx,
    (from, to): (NaiveDate, NaiveDate),
    rates: &mut Rates,
) -> Result<RecurringRevenue> {
    let before = from.pred_opt().unwrap_or(from);
    let start = monthly(cx, before).await?;
    let end = monthly(cx, to).await?;
    let mut customers: BTreeMap<Customer, [Decimal; 2]> = BTreeMap::new();
    for (place, plans) in [start, end].into_iter().enumerate() {
        for plan in plans {
            let worth = rates.worth(plan.currency, to).of(plan.monthly_net())?;
            let contact = plan.contact.filter(|_| plan.company.is_none());
            let sums = customers.entry((plan.company, contact)).or_default();
            if let Some(sum) = sums.get_mut(place) {
                *sum += worth.unwrap_or_default();
            }
        }
    }
    let mut all = RecurringRevenue::default();
    for [start, end] in customers.into_values() {
        all.count(start, end);
    }
    Ok(all)
}

/// The plans that count on a day, as they were then.
///
/// # Errors
/// As [`recurring_revenue`].
pub(crate) async fn monthly(cx: &mut Cx, day: NaiveDate) -> Result<Vec<RecurringInvoice>> {
    /// Changes that are looked through.
    const MOST: i64 = 100_000;
    let zone = cx.workspace().time_zone;
    let next = day.succ_opt();
    let since = next.and_then(|next| day_edge(next, zone, DayEdge::Start));
    let since = since.ok_or_else(|| Error::internal("a day without a day after it"))?;
    let past = cx.past_of::<RecurringInvoice>(since, MOST, |statement, _| statement);
    let mut past = past.await?.ok_or_else(|| {
        let message = format!("More than {MOST} changes were made to recurring invoices since.");
        Error::invalid("period", message).hint("Let the period begin later.")
    })?;
    let rows = sql("SELECT id").from_live::<RecurringInvoice>(cx);
    let rows = rows.rows(cx.tx()).await?;
    let ids = rows.iter().map(|row| row.get("id"));
    let mut ids: Vec<Id<RecurringInvoice>> = ids.collect::<Result<_>>()?;
    ids.extend(past.keys());
    ids.sort_unstable();
    ids.dedup();
    let mut plans = Vec::new();
    for piece in ids.chunks(500) {
        for (id, now) in cx.find_all(piece).await? {
            let past = past.remove(&Id::from_raw(id));
            let was_there = past.as_ref().is_some_and(|past| past.was_there);
            // Deleted before that day, or added after it and deleted since: it was not there.
            if now.archived_at.is_some() && !was_there {
                continue;
            }
            let plan = match past {
                Some(past) => past.of(&now.record)?,
                None => now.record,
            };
            if counts(&plan, day) {
                plans.push(plan);
            }
        }
    }
    Ok(plans)
}

/// Whether a plan counts on a day.
fn counts(plan: &RecurringInvoice, day: NaiveDate) -> bool {
    if day < plan.starts_on || plan.ends_on.is_some_and(|last| last < day) {
        return false;
    }
    match plan.status {
        PlanStatus::Active => true,
        PlanStatus::Paused => false,
        // All its invoices are made, and what they are for goes on.
        PlanStatus::Ended => plan.ends_on.is_some_and(|last| {
            let next = plan.day(*plan.made);
            next.is_none_or(|next| next > last)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    /// A worked table: what customers come to in a month before and after.
    #[test]
    fn movements_add_up_and_retention_leaves_new_customers_out() {
        let mut all = RecurringRevenue::default();
        for (start, end) in [
            ("100", "100"),
            ("200", "260"),
            ("300", "250"),
            ("400", "0"),
            ("0", "500"),
            ("0", "0"),
        ] {
            all.count(number(start), number(end));
        }
        let table = [
            (all.start, "1000"),
            (all.new, "500"),
            (all.expansion, "60"),
            (all.contraction, "50"),
            (all.churn, "400"),
            (all.end, "1110"),
            (all.retained_net(), "610"),
            (all.retained_gross(), "550"),
        ];
        for (found, expected) in table {
            assert_eq!(found, number(expected));
        }
        let sum = all.start + all.new + all.expansion - all.contraction - all.churn;
        assert_eq!(sum, all.end);
        let customers = [
            all.customers_at_start,
            all.customers_churned,
            all.customers_at_end,
        ];
        assert_eq!(customers, [4, 1, 4]);
    }
}
