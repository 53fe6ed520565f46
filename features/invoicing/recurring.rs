//! Recurring invoices: plans by which an invoice is made again and again.

use bureau_companies::Company;
use bureau_contacts::Contact;
use bureau_deals::Deal;
use bureau_kernel::prelude::*;
use bureau_kernel::store::{Value, enum_name};
use bureau_kernel::types::money::{Amount, Currency};
use bureau_kernel::types::text::folded;
use chrono::{Months, NaiveDate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::discount::Discount;
use crate::line::DocLine;
use crate::terms::Terms;
use crate::totals::compute;

bureau_kernel::record! {
    /// A plan by which an invoice is made every so often.
    pub struct RecurringInvoice: "recurring_invoice", "rec", "recurring invoice" {
        /// What it is called.
        pub name: Line<200>,
        /// Whether it makes invoices now.
        pub status: PlanStatus,
        /// The company that buys.
        pub company: Option<Id<Company>> = "Customer company id",
        /// The person who buys, or to whom it goes.
        pub contact: Option<Id<Contact>> = "Contact id",
        /// The sale that it is for.
        pub deal: Option<Id<Deal>> = "Deal id",
        /// Who looks after it.
        pub owner: Option<Id<Member>> = "Member id",
        /// The unit of its rhythm.
        pub interval: Interval,
        /// How many of that unit lie between two invoices.
        pub every: Whole<1, 60> = "Intervals apart",
        /// The day of the first invoice.
        pub starts_on: NaiveDate = "Default: today",
        /// The last day on which one may be made.
        pub ends_on: Option<NaiveDate>,
        /// The day of the next invoice; none when it is over.
        pub next_on: Kept<Option<NaiveDate>>,
        /// How many were made since `starts_on`.
        pub made: Kept<i64>,
        /// Whether they are issued at once; otherwise they are drafts.
        pub auto_issue: bool = "Issue, not draft",
        /// ISO 4217.
        pub currency: Currency = "Default: the workspace's",
        /// The terms of payment.
        pub terms: Option<Terms>,
        /// What the buyer wants to see on it.
        pub reference: Option<Line<100>>,
        /// The lines.
        pub lines: Kept<Json<Vec<DocLine>>>,
        /// What is taken off the whole.
        pub discount: Option<Discount>,
        /// What is added to the whole.
        pub charge: Option<Amount>,
        /// What else there is to say on the invoices.
        pub notes: Option<Body<2000>>,
        /// What one invoice comes to without tax.
        pub net_total: Kept<Amount>,
        /// What one invoice comes to with tax.
        pub gross_total: Kept<Amount>,
    }
}

/// Whether a plan makes invoices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanStatus {
    /// It does.
    #[default]
    Active,
    /// It does not for now; what falls into the pause is not made up.
    Paused,
    /// It is over.
    Ended,
}
bureau_kernel::text_column!(PlanStatus);

/// The unit of a rhythm.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Interval {
    /// Weeks.
    Week,
    /// Months.
    #[default]
    Month,
    /// Years.
    Year,
}
bureau_kernel::text_column!(Interval);

impl RecurringInvoice {
    /// The day of an invoice: the first is number 0. Counted from the start, so that the 31st comes back after a short
    /// month. `None` beyond the calendar.
    #[must_use]
    pub fn day(&self, number: i64) -> Option<NaiveDate> {
        let steps = u32::try_from(number.checked_mul(self.every.get())?).ok()?;
        match self.interval {
            Interval::Week => self
                .starts_on
                .checked_add_days(chrono::Days::new(u64::from(steps) * 7)),
            Interval::Month => self.starts_on.checked_add_months(Months::new(steps)),
            Interval::Year => self
                .starts_on
                .checked_add_months(Months::new(steps.checked_mul(12)?)),
        }
    }

    /// The last day of the period that the invoice of this number is for.
    #[must_use]
    pub fn period_end(&self, number: i64) -> Option<NaiveDate> {
        self.day(number.checked_add(1)?)?.pred_opt()
    }
}

impl Record for RecurringInvoice {
    const HOLDS: &'static str = "status <> 'ended'";

    fn title(&self) -> String {
        self.name.to_string()
    }

    fn check(&mut self, workspace: &Workspace) -> Result<()> {
        if self.currency == Currency::default() {
            self.currency = workspace.currency;
        }
        if self.ends_on.is_some_and(|end| end < self.starts_on) {
            return Err(Error::invalid("ends_on", "ends_on is before starts_on."));
        }
        let next = self.day(*self.made).filter(|day| {
            self.status != PlanStatus::Ended && self.ends_on.is_none_or(|end| *day <= end)
        });
        self.next_on = Kept(next);
        if next.is_none() {
            self.status = PlanStatus::Ended;
        }
        let totals = compute(
            &mut self.lines.0.0,
            self.discount,
            self.charge,
            self.currency,
        )?;
        self.net_total = Kept(totals.net);
        self.gross_total = Kept(totals.gross);
        Ok(())
    }

    fn terms(&self) -> Vec<(&'static str, String)> {
        let mut terms = vec![("status", enum_name(&self.status))];
        terms.extend(self.company.map(|id| ("company", id.to_string())));
        terms.extend(self.contact.map(|id| ("contact", id.to_string())));
        terms.extend(self.owner.map(|id| ("owner", id.to_string())));
        terms
    }

    fn derived(&self) -> Vec<(&'static str, Value)> {
        let active = self.status == PlanStatus::Active;
        let never = NaiveDate::from_ymd_opt(9999, 12, 31).unwrap_or(NaiveDate::MAX);
        let next = self.next_on.filter(|_| active).unwrap_or(never);
        vec![
            ("sort_name", Value::Text(folded(&self.name))),
            ("sort_next", Value::Date(next)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use bureau_kernel::prelude::{Columns as _, Whole};

    use super::{Interval, RecurringInvoice};

    #[test]
    fn a_plan_counts_from_its_start_so_that_the_31st_comes_back() {
        let mut plan = RecurringInvoice::empty();
        plan.starts_on = "2026-01-31".parse().unwrap();
        plan.every = Whole::new(1).unwrap();
        let days: Vec<String> = (0..4).map(|n| plan.day(n).unwrap().to_string()).collect();
        assert_eq!(
            days,
            ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]
        );
        assert_eq!(plan.period_end(0).unwrap().to_string(), "2026-02-27");
        plan.interval = Interval::Week;
        plan.every = Whole::new(2).unwrap();
        assert_eq!(plan.day(3).unwrap().to_string(), "2026-03-14");
        plan.interval = Interval::Year;
        plan.starts_on = "2024-02-29".parse().unwrap();
        plan.every = Whole::new(1).unwrap();
        assert_eq!(plan.day(1).unwrap().to_string(), "2025-02-28");
        assert_eq!(plan.day(4).unwrap().to_string(), "2028-02-29");
        assert_eq!(plan.day(i64::MAX), None);
    }
}
