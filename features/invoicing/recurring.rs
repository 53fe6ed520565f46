//! Recurring invoices: plans by which an invoice is made again and again.

use bureau_billing::{Discount, DocLine, Terms, check_language, compute};
use bureau_companies::Company;
use bureau_contacts::Contact;
use bureau_deals::Deal;
use bureau_kernel::caller::Caller;
use bureau_kernel::prelude::*;
use bureau_kernel::record::{Called, CalledBy, in_order};
use bureau_kernel::store::Value;
use bureau_kernel::types::money::{Amount, Currency, Money};
use chrono::{Datelike as _, Months, NaiveDate};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::check_issuing;
use crate::{CREATE_INVOICES, DELETE_INVOICES, READ_INVOICES, UPDATE_INVOICES};

bureau_kernel::record! {
    /// A plan by which an invoice is made every so often.
    pub struct RecurringInvoice: "recurring_invoice", "rec", "recurring invoice" {
        /// What it is called.
        pub name: ShortText<200> => [label, search, sort_by("sort_name"), row],
        /// Whether it makes invoices now.
        pub status: PlanStatus => [filter, several, row],
        /// The company that buys.
        pub company: Option<Id<Company>> = "Customer" => [filter, row],
        /// The person who buys, or to whom it goes.
        pub contact: Option<Id<Contact>> => [key, row],
        /// The sale that it is for.
        pub deal: Option<Id<Deal>>,
        /// Who looks after it.
        pub owner: Option<Id<Member>> => [key],
        /// The unit of its rhythm.
        pub interval: Interval => [row],
        /// How many of that unit lie between two invoices.
        pub every: BoundedInt<1, 60> => [row],
        /// The day of the first invoice.
        pub starts_on: NaiveDate = "Default: today",
        /// The day of the month of its first start, which a rhythm that began in a shorter month does not lose.
        pub month_day: Managed<Option<i64>> => [hidden],
        /// The last day on which one may be made.
        pub ends_on: Option<NaiveDate> => [row],
        /// The day of the next invoice; none when it is over.
        pub next_on: Managed<Option<NaiveDate>>
            => [sort_kept("sort_next"), order_as("next"), range("next_after", "next_before"), row],
        /// How many of its days since `starts_on` are done with: an invoice was made, or a pause skipped it.
        pub made: Managed<i64> => [hidden],
        /// The last day for which an invoice was made.
        pub last_on: Managed<Option<NaiveDate>> => [row],
        /// Whether they are issued at once; otherwise they are drafts.
        pub auto_issue: bool => [row],
        /// ISO 4217.
        pub currency: Currency => [row],
        /// The terms of payment.
        pub terms: Option<Terms> = "Such as net 30, end of month",
        /// What the buyer wants to see on it.
        pub reference: Option<ShortText<100>> => [search],
        /// The lines.
        pub lines: Managed<Json<Vec<DocLine>>> => [hidden],
        /// What is taken off the whole.
        pub discount: Option<Discount>,
        /// What is added to the whole.
        pub charge: Option<Amount>,
        /// What that is for.
        pub charge_for: Option<ShortText<60>> = "Such as shipping",
        /// The language of the invoices, where it is not the seller's.
        pub language: Option<ShortText<5>> = "en, de, fr, es, it, nl, ar or he",
        /// What else there is to say on the invoices.
        pub notes: Option<LongText<2000>> => [search],
        /// What one invoice comes to without tax.
        pub net_total: Managed<Amount> => [row],
        /// What one invoice comes to with tax.
        pub gross_total: Managed<Amount> => [row],
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
    /// Quarters.
    Quarter,
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
            Interval::Month => self.month(steps),
            Interval::Quarter => self.month(steps.checked_mul(3)?),
            Interval::Year => self.month(steps.checked_mul(12)?),
        }
    }

    /// The day so many months after the start.
    fn month(&self, months: u32) -> Option<NaiveDate> {
        let day = self.starts_on.checked_add_months(Months::new(months))?;
        let Some(wanted) = *self.month_day else {
            return Some(day);
        };
        let wanted = u32::try_from(wanted).ok()?;
        // The last one there is of those up to it.
        let mut days = (day.day()..=wanted.min(31)).rev();
        days.find_map(|wanted| day.with_day(wanted)).or(Some(day))
    }

    /// The day for which an invoice is to be made by this day: its next one, where it is active and that day has come.
    #[must_use]
    pub fn due(&self, today: NaiveDate) -> Option<NaiveDate> {
        let active = self.status == PlanStatus::Active;
        self.next_on.filter(|next| active && *next <= today)
    }

    /// How many of its days have come and have no invoice yet, whether it is active or not; no more than `most`.
    #[must_use]
    pub fn missed(&self, today: NaiveDate, most: usize) -> usize {
        let last = self.ends_on.map_or(today, |end| end.min(today));
        let days = (*self.made..).map_while(|number| self.day(number));
        days.take_while(|day| *day <= last).take(most).count()
    }

    /// What it comes to in a month without tax, exact: a year has 12 months and 52 weeks.
    #[must_use]
    pub fn monthly_net(&self) -> Decimal {
        let every = Decimal::from(self.every.get());
        let net = self.net_total.decimal();
        match self.interval {
            Interval::Week => net * Decimal::from(52) / (every * Decimal::from(12)),
            Interval::Month => net / every,
            Interval::Quarter => net / (every * Decimal::from(3)),
            Interval::Year => net / (every * Decimal::from(12)),
        }
    }

    /// Counts anew after a change: from a start that is another one; where the rhythm is another one, from the day that was
    /// next; and where it makes invoices again, from its first day that is not past, so that what fell into the pause is
    /// not made up.
    pub(crate) fn go_on_from(&mut self, before: &Self, today: NaiveDate) {
        let rhythm = |plan: &Self| (plan.interval, plan.every);
        let is_over = self.status == PlanStatus::Ended;
        if self.starts_on != before.starts_on {
            self.made = Managed(0);
            self.month_day = Managed(None);
        } else if rhythm(self) != rhythm(before)
            && !is_over
            && let Some(next) = before.day(*before.made)
        {
            let first = i64::from(before.starts_on.day());
            self.starts_on = next;
            self.month_day = Managed(Some(before.month_day.unwrap_or(first)));
            self.made = Managed(0);
        }
        if before.status != PlanStatus::Active && self.status == PlanStatus::Active {
            let free = |day: NaiveDate| day >= today && Some(day) > *self.last_on;
            let mut numbers = 0..;
            let first = numbers.find(|number| self.day(*number).is_none_or(free));
            self.made = Managed(first.unwrap_or(i64::MAX));
        }
    }

    /// What it issues, to whom, and on which days: an earlier start issues at once for all the days since.
    fn issues(&self) -> impl PartialEq + use<> {
        (
            (self.company, self.contact, self.currency, self.terms),
            (self.starts_on, self.interval, self.every, self.ends_on),
            (self.reference.clone(), self.notes.clone()),
            (self.lines.clone(), self.discount, self.charge),
            (self.charge_for.clone(), self.language.clone()),
        )
    }

    /// The last day of the period that the invoice of this number is for.
    #[must_use]
    pub fn period_end(&self, number: i64) -> Option<NaiveDate> {
        self.day(number.checked_add(1)?)?.pred_opt()
    }
}

impl Record for RecurringInvoice {
    const ACCESS: Access = Access {
        read: READ_INVOICES,
        create: CREATE_INVOICES,
        update: UPDATE_INVOICES,
        delete: DELETE_INVOICES,
    };

    const BLOCKS_DELETION_WHILE: &'static str = "status <> 'ended'";

    const CALLED: Called = Called::by(&[CalledBy::Column("sort_name")], "list_recurring_invoices");

    fn check(&mut self, workspace: &Workspace) -> Result<()> {
        self.currency = self.currency.or(workspace.currency);
        if self.ends_on.is_some_and(|end| end < self.starts_on) {
            return Err(Error::invalid("ends_on", "ends_on is before starts_on."));
        }
        let next = self.day(*self.made);
        if let (Some(next), Some(last)) = (next, *self.last_on)
            && next <= last
        {
            let message = format!("There is an invoice for {last} already.");
            return Err(Error::invalid("starts_on", message).hint("Let it start after that day."));
        }
        let next = next.filter(|day| {
            self.status != PlanStatus::Ended && self.ends_on.is_none_or(|end| *day <= end)
        });
        self.next_on = Managed(next);
        if next.is_none() {
            self.status = PlanStatus::Ended;
        }
        check_language(self.language.as_deref())?;
        let totals = compute(
            &mut self.lines.0.0,
            self.discount,
            self.charge,
            self.currency,
        )?;
        self.net_total = Managed(totals.net);
        self.gross_total = Managed(totals.gross);
        Ok(())
    }

    fn may_write(before: Option<&Self>, after: &Self, caller: &Caller) -> Result<()> {
        check_issuing(before, after, caller)
    }

    // A step of the scheduler is not taken back whole: its day would be due again at once.
    fn validate_transition(&self, next: Option<&Self>) -> Result<()> {
        match (next, *self.last_on) {
            (Some(next), Some(day)) if *next.last_on < Some(day) => {
                let message = format!(
                    "{} made its invoice for {day}, and that day does not become due again.",
                    self.name
                );
                Err(Error::conflict(message).hint(
                    "Discard the draft with update_invoice, or take the invoice back with create_credit_note. To make another one, use create_invoice with recurring.",
                ))
            }
            _ => Ok(()),
        }
    }

    // What it issues later by itself nobody is asked about then, so its owner is asked about the plan.
    fn commits(before: Option<&Self>, after: &Self) -> Option<Commitment> {
        if !after.auto_issue || after.status == PlanStatus::Ended {
            return None;
        }
        let is_agreed = before.is_some_and(|before| {
            let goes_on = before.status != PlanStatus::Active && after.status == PlanStatus::Active;
            before.auto_issue && !goes_on && before.issues() == after.issues()
        });
        (!is_agreed).then(|| Commitment {
            what: "have invoices issued by",
            worth: Some(Money {
                amount: *after.gross_total,
                currency: after.currency,
            }),
        })
    }

    fn derived(&self) -> Vec<(&'static str, Value)> {
        let active = self.status == PlanStatus::Active;
        let mut derived = self.declared_orders();
        derived.push(("sort_next", in_order(&self.next_on.filter(|_| active))));
        derived
    }

    fn text(&self) -> Option<SearchText> {
        let mut text = self.declared_text()?;
        let lines = self.lines.iter().take(100);
        text.words
            .extend(lines.map(|line| line.description.to_string()));
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use bureau_kernel::prelude::{BoundedInt, Columns as _, Managed};

    use super::{Interval, PlanStatus, RecurringInvoice};

    #[test]
    fn a_plan_counts_from_its_start_so_that_the_31st_comes_back() {
        let mut plan = RecurringInvoice::empty();
        plan.starts_on = "2026-01-31".parse().unwrap();
        plan.every = BoundedInt::new(1).unwrap();
        let days: Vec<String> = (0..4).map(|n| plan.day(n).unwrap().to_string()).collect();
        assert_eq!(
            days,
            ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]
        );
        assert_eq!(plan.period_end(0).unwrap().to_string(), "2026-02-27");
        plan.interval = Interval::Week;
        plan.every = BoundedInt::new(2).unwrap();
        assert_eq!(plan.day(3).unwrap().to_string(), "2026-03-14");
        plan.interval = Interval::Year;
        plan.starts_on = "2024-02-29".parse().unwrap();
        plan.every = BoundedInt::new(1).unwrap();
        assert_eq!(plan.day(1).unwrap().to_string(), "2025-02-28");
        assert_eq!(plan.day(4).unwrap().to_string(), "2028-02-29");
        assert_eq!(plan.day(i64::MAX), None);
    }

    fn monthly_from(day: &str) -> RecurringInvoice {
        let mut plan = RecurringInvoice::empty();
        plan.starts_on = day.parse().unwrap();
        plan.every = BoundedInt::new(1).unwrap();
        plan
    }

    #[test]
    fn a_month_of_any_rhythm_is_exact() {
        let mut plan = monthly_from("2026-01-01");
        plan.net_total = Managed("120".parse().unwrap());
        for (interval, every, month) in [
            (Interval::Month, 1, "120"),
            (Interval::Month, 3, "40"),
            (Interval::Quarter, 1, "40"),
            (Interval::Year, 1, "10"),
            (Interval::Year, 2, "5"),
            (Interval::Week, 1, "520"),
            (Interval::Week, 4, "130"),
        ] {
            plan.interval = interval;
            plan.every = BoundedInt::new(every).unwrap();
            let found = plan.monthly_net().normalize().to_string();
            assert_eq!(found, month, "{every} {interval:?}");
        }
    }

    #[test]
    fn what_is_missed_is_counted_up_to_today_the_end_and_the_bound() {
        let today = "2026-11-20".parse().unwrap();
        let mut plan = monthly_from("2026-01-31");
        assert_eq!(plan.missed(today, 99), 10);
        assert_eq!(plan.missed(today, 3), 3);
        plan.made = Managed(8);
        assert_eq!(plan.missed(today, 99), 2);
        plan.ends_on = Some("2026-09-30".parse().unwrap());
        assert_eq!(plan.missed(today, 99), 1);
        plan.starts_on = "2027-01-01".parse().unwrap();
        assert_eq!(plan.missed(today, 99), 0);
    }

    #[test]
    fn a_changed_plan_counts_anew_and_makes_up_for_no_day_of_a_pause() {
        let today = "2026-11-20".parse().unwrap();
        let mut before = monthly_from("2026-01-31");
        before.made = Managed(3);
        before.last_on = Managed(Some("2026-03-31".parse().unwrap()));
        let next = |plan: &RecurringInvoice| plan.day(*plan.made).unwrap().to_string();
        let changed = |before: &RecurringInvoice, change: fn(&mut RecurringInvoice)| {
            let mut plan = before.clone();
            change(&mut plan);
            plan.go_on_from(before, today);
            plan
        };
        assert_eq!(next(&changed(&before, |_| {})), "2026-04-30");
        // The 31st, from which it counted, comes back.
        let named = changed(&before, |plan| plan.interval = Interval::Quarter);
        let days: Vec<String> = (0..3).map(|n| named.day(n).unwrap().to_string()).collect();
        assert_eq!(days, ["2026-04-30", "2026-07-31", "2026-10-31"]);
        let again = changed(&named, |plan| plan.interval = Interval::Month);
        assert_eq!(
            again.day(*again.made + 1).unwrap().to_string(),
            "2026-05-31"
        );
        let quarterly = changed(&before, |plan| plan.every = BoundedInt::new(3).unwrap());
        assert_eq!(
            (next(&quarterly).as_str(), *quarterly.made),
            ("2026-04-30", 0)
        );
        let later = changed(&before, |plan| {
            plan.starts_on = "2026-06-15".parse().unwrap();
        });
        assert_eq!((next(&later).as_str(), *later.made), ("2026-06-15", 0));
        for status in [PlanStatus::Paused, PlanStatus::Ended] {
            before.status = status;
            let paused = changed(&before, |plan| plan.every = BoundedInt::new(2).unwrap());
            let resumed = changed(&paused, |plan| plan.status = PlanStatus::Active);
            assert!(next(&resumed).as_str() > "2026-11-20", "{status:?}");
            let resumed = changed(&before, |plan| plan.status = PlanStatus::Active);
            assert_eq!(next(&resumed), "2026-11-30");
        }
        // The day of today is done with already.
        before.starts_on = "2026-01-20".parse().unwrap();
        before.last_on = Managed(Some(today));
        let resumed = changed(&before, |plan| plan.status = PlanStatus::Active);
        assert_eq!(next(&resumed), "2026-12-20");
    }
}
