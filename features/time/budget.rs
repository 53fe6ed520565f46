//! Budgets of projects: hours and money, of all of it or of each month, with a warning at a share of them, and a refusal above them
//! where they are caps.

use bureau_kernel::figures::percent;
use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use bureau_kernel::store::sql;
use bureau_kernel::types::money::{Amount, Currency, shown};
use chrono::{Datelike as _, Months, NaiveDate};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ARRANGED;
use crate::entry::TimeEntry;
use crate::hours::in_hours;
use crate::rules::Rule;
use crate::view::{amount_of, seconds};
use bureau_projects::Project;

/// What a budget is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BudgetPeriod {
    /// All of the project.
    #[default]
    Project,
    /// Each calendar month.
    Month,
}
bureau_kernel::text_column!(BudgetPeriod);

bureau_kernel::record! {
    /// How much of a project is worked and billed at the most, all of it or in each month.
    pub struct ProjectBudget: "project_budget", "bud", "budget" {
        /// The project.
        pub project: Managed<Parent<Id<Project>>>,
        /// How many hours it may take.
        pub hours: Option<Amount> => [no_money],
        /// How much may be billed for it.
        pub amount: Option<Amount>,
        /// ISO 4217: time that is billed in another currency is not of this budget.
        pub currency: Currency = "Default: the workspace's",
        /// Whether that is for all of it or for each month.
        pub per: BudgetPeriod,
        /// At how much of it is warned; 80 where nothing is said.
        pub warn_percent: Option<BoundedInt<1, 100>> = "Default 80",
        /// Whether time above it is refused.
        pub cap: bool = "Refuse time above",
    }
}

impl Record for ProjectBudget {
    const ACCESS: Access = ARRANGED;

    fn label(&self) -> String {
        "Budget".to_owned()
    }

    fn check(&mut self, workspace: &Workspace) -> Result<()> {
        self.currency = self.currency.or(workspace.currency);
        let wrong = |field: &str, message: &str| Err(Error::invalid(field, message));
        if self
            .hours
            .is_some_and(|hours| !(1..=MOST_HOURS).contains(&hours.raw()))
        {
            return wrong("hours", "hours is more than 0 and at most 1,000,000.");
        }
        if self.amount.is_some_and(|amount| amount.raw() <= 0) {
            return wrong("amount", "amount is more than nothing.");
        }
        if self.hours.is_none() && self.amount.is_none() {
            return wrong("hours", "A budget is of hours or an amount.");
        }
        Ok(())
    }
}

/// Hours that a budget may have, in units of 10⁻⁴: a million.
const MOST_HOURS: i64 = 10_000_000_000;

/// So many a workspace has at most.
const MOST_BUDGETS: u32 = 2_000;

/// A budget by its project: a new one, or what changes in one.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("required" = ["project"]))]
pub struct BudgetGiven {
    project: Id<Project>,
    remove: Option<bool>,
    clear: Option<Vec<ClearField<ProjectBudget>>>,
    #[serde(flatten)]
    fields: Patch<ProjectBudget>,
}

impl BudgetGiven {
    /// Makes, changes or removes the budget.
    ///
    /// # Errors
    /// [`Code::Validation`] naming what is wrong with it; [`Code::NotFound`] for one that is to be removed and is not there.
    pub(crate) async fn set(self, cx: &mut Cx) -> Result<()> {
        let workspace = cx.workspace().id;
        // A project has one, also when two are set at once.
        cx.tx()
            .serialize(&format!("budget {workspace} {}", self.project))
            .await?;
        let known = budget_of(cx, self.project).await?;
        match (known, self.remove.unwrap_or(false)) {
            (None, true) => {
                let message = "This project has no budget.";
                Err(Error::new(Code::NotFound, message).field("remove"))
            }
            (Some(known), true) => cx.archive(known.id).await.map(drop),
            (Some(known), false) => {
                let mut edit = cx.edit(known.id).await?;
                edit.clear_fields(&self.clear.unwrap_or_default());
                edit.apply(cx, &self.fields).await?;
                edit.save(cx).await.map(drop)
            }
            (None, false) => {
                let mut budget = self.fields.record(cx.local_time())?;
                budget.project = Managed(Parent(self.project));
                let attributes = self.fields.attributes()?;
                cx.insert(budget, attributes).await.map(drop)
            }
        }
    }
}

/// The budgets of the workspace, oldest first.
///
/// # Errors
/// What the database says.
pub(crate) async fn all_budgets(cx: &mut Cx) -> Result<Vec<Saved<ProjectBudget>>> {
    let list = cx.list::<ProjectBudget>();
    let page = list.page(Order::CREATED, false, Limit::of(MOST_BUDGETS), None);
    Ok(page.await?.rows)
}

/// The budget of a project, where it has one.
async fn budget_of(cx: &mut Cx, project: Id<Project>) -> Result<Option<Saved<ProjectBudget>>> {
    // Listed and not got: who notes time does not lock it for all others.
    let list = cx.list::<ProjectBudget>().equal("project", Some(project));
    let page = list.page(Order::CREATED, false, Limit::of(1), None).await?;
    Ok(page.rows.into_iter().next())
}

/// At how many percent a budget is warned of, where nobody says.
const WARN_PERCENT: i64 = 80;

/// The budget of a project and how much of them is used.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Budgets {
    /// The month, where it is of each.
    #[serde(skip_serializing_if = "Option::is_none")]
    month: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hours: Option<Budget>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<Budget>,
    /// ISO 4217, of the amount.
    currency: Currency,
    /// At how many percent it is warned.
    warn_percent: i64,
    /// Whether time above it is refused.
    cap: bool,
}

/// One figure of it and how much of that is used.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Budget {
    budget: String,
    used: String,
    /// Below zero where more is used.
    left: String,
    /// Percent.
    share: Option<String>,
    status: BudgetStatus,
}

/// How a budget stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum BudgetStatus {
    /// There is enough left.
    Within,
    /// Most of it is used.
    Warned,
    /// More is used than there was.
    Exceeded,
}

/// What is used of budgets.
#[derive(Debug, Clone, Copy)]
struct Used {
    hours: Decimal,
    amount: Decimal,
}

impl ProjectBudget {
    /// The share of it at which it is warned.
    pub(crate) fn warns_at(&self) -> i64 {
        self.warn_percent.map_or(WARN_PERCENT, BoundedInt::get)
    }

    /// The first and the last day of what it is for on a day.
    fn days(&self, day: NaiveDate) -> (Option<NaiveDate>, Option<NaiveDate>) {
        match self.per {
            BudgetPeriod::Project => (None, None),
            BudgetPeriod::Month => {
                let first = day.with_day(1);
                let next = first.and_then(|first| first.checked_add_months(Months::new(1)));
                (first, next.and_then(|next| next.pred_opt()))
            }
        }
    }

    fn status(&self, used: Decimal, budget: Decimal) -> BudgetStatus {
        let warned = budget * Decimal::from(self.warns_at()) / Decimal::ONE_HUNDRED;
        if used > budget {
            BudgetStatus::Exceeded
        } else if used >= warned && !used.is_zero() {
            BudgetStatus::Warned
        } else {
            BudgetStatus::Within
        }
    }
}

/// What is used of a budget by the part of it in which a day lies.
async fn used(cx: &mut Cx, budget: &ProjectBudget, day: NaiveDate) -> Result<Used> {
    let (first, last) = budget.days(day);
    let mut statement = sql("SELECT hourly_rate, currency, ")
        .sum("seconds")
        .sql(", ")
        .sum("billable_seconds")
        .from_live::<TimeEntry>(cx)
        .sql(" AND project = ")
        .value(**budget.project);
    if let Some(first) = first {
        statement = statement.sql(" AND worked_on >= ").value(first);
    }
    if let Some(last) = last {
        statement = statement.sql(" AND worked_on <= ").value(last);
    }
    let statement = statement.sql(" GROUP BY hourly_rate, currency");
    let mut all = 0;
    let mut priced = Vec::new();
    for row in statement.rows(cx.tx()).await? {
        all += seconds(&row, "seconds")?;
        let rate: Option<Amount> = row.get("hourly_rate")?;
        if let Some(rate) = rate.filter(|_| row.get("currency").ok() == Some(budget.currency)) {
            priced.push((seconds(&row, "billable_seconds")?, rate));
        }
    }
    Ok(Used {
        hours: in_hours(all),
        amount: amount_of(priced)?,
    })
}

/// How the budget of a project stands today; none where it has none.
///
/// # Errors
/// What the database says.
pub(crate) async fn standing(cx: &mut Cx, project: Id<Project>) -> Result<Option<Budgets>> {
    let Some(saved) = budget_of(cx, project).await? else {
        return Ok(None);
    };
    let today = cx.today();
    let used = used(cx, &saved, today).await?;
    let budget = |budget: Decimal, used: Decimal, shown: &dyn Fn(Decimal) -> String| Budget {
        budget: shown(budget),
        used: shown(used),
        left: shown(budget - used),
        share: percent(used, budget),
        status: saved.status(used, budget),
    };
    let money = |amount: Decimal| shown(amount, saved.currency);
    let month = saved.per == BudgetPeriod::Month;
    let (hours, amount) = (saved.hours, saved.amount);
    Ok(Some(Budgets {
        month: month.then(|| today.format("%Y-%m").to_string()),
        hours: hours.map(|most| budget(most.decimal(), used.hours, &digits)),
        amount: amount.map(|most| budget(most.decimal(), used.amount, &money)),
        currency: saved.currency,
        warn_percent: saved.warns_at(),
        cap: saved.cap,
    }))
}

fn digits(hours: Decimal) -> String {
    hours.round_dp(4).normalize().to_string()
}

/// Warns of a budget that is used up for the most part by what was written, and refuses it above one that is a cap.
///
/// # Errors
/// [`Code::Conflict`] with the figures.
pub(crate) async fn check(
    cx: &mut Cx,
    before: Option<&Saved<TimeEntry>>,
    after: &Saved<TimeEntry>,
) -> Result<()> {
    let project = **after.project;
    let Some(found) = budget_of(cx, project).await? else {
        return Ok(());
    };
    if found.cap {
        let workspace = cx.workspace().id;
        cx.tx()
            .serialize(&format!("budget {workspace} {project}"))
            .await?;
    }
    let used = used(cx, &found, *after.worked_on).await?;
    // What it took of the same part of the budget before.
    let was = before.filter(|before| {
        let days = |entry: &TimeEntry| found.days(*entry.worked_on);
        **before.project == project && days(before) == days(after)
    });
    let takes = |entry: &TimeEntry| -> Result<(Decimal, Decimal)> {
        let rate = entry
            .hourly_rate
            .filter(|_| *entry.currency == found.currency);
        let amount = amount_of([(*entry.billable_seconds, rate.unwrap_or_default())])?;
        Ok((in_hours(*entry.seconds), amount))
    };
    let before = match was {
        Some(before) => takes(before)?,
        None => Default::default(),
    };
    let now = takes(after)?;
    let hours = |number: Decimal| format!("{} hours", digits(number));
    let money = |number: Decimal| {
        let currency = found.currency;
        format!("{} {}", shown(number, currency), currency.code())
    };
    let say: [&dyn Fn(Decimal) -> String; 2] = [&hours, &money];
    let parts = [
        (found.hours, used.hours, now.0 - before.0),
        (found.amount, used.amount, now.1 - before.1),
    ];
    let of = match found.per {
        BudgetPeriod::Project => String::new(),
        BudgetPeriod::Month => format!(" of {}", after.worked_on.format("%Y-%m")),
    };
    for ((budget, used, more), say) in parts.into_iter().zip(say) {
        let Some(budget) = budget.map(Amount::decimal).filter(|_| more > Decimal::ZERO) else {
            continue;
        };
        match found.status(used, budget) {
            BudgetStatus::Exceeded if found.cap => {
                let (before, left) = (used - more, budget - (used - more));
                let message = format!(
                    "The budget{of} is {}, {} are used, and this takes {}: {} are left.",
                    say(budget),
                    say(before),
                    say(more),
                    say(left.max(Decimal::ZERO)),
                );
                let error = Error::conflict(message).field("hours");
                let error = error.detail("budget", say(budget));
                let error = error.detail("used", say(before)).detail("left", say(left));
                return Err(Rule::Budget.broken(error).hint(
                    "Note less. Whoever may manage_time_entries raises the budget or lifts its cap by update_time_settings.",
                ));
            }
            BudgetStatus::Within => {}
            BudgetStatus::Warned | BudgetStatus::Exceeded => {
                let share = percent(used, budget).unwrap_or_default();
                cx.notice(Notice::warning(format!(
                    "{} of the budget{of} of {} are used: {share}%.",
                    say(used),
                    say(budget)
                )));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_budget_of_each_month_is_from_its_first_day_to_its_last() {
        let mut budget = ProjectBudget::empty();
        assert_eq!(budget.days(day("2026-11-20")), (None, None));
        budget.per = BudgetPeriod::Month;
        let (first, last) = (day("2028-02-01"), day("2028-02-29"));
        assert_eq!(budget.days(day("2028-02-10")), (Some(first), Some(last)));
    }

    #[test]
    fn a_budget_is_warned_of_at_its_share_and_exceeded_above_it() {
        let budget = ProjectBudget::empty();
        for (used, status) in [
            (0, BudgetStatus::Within),
            (79, BudgetStatus::Within),
            (80, BudgetStatus::Warned),
            (100, BudgetStatus::Warned),
            (101, BudgetStatus::Exceeded),
        ] {
            let status_then = budget.status(used.into(), Decimal::ONE_HUNDRED);
            assert_eq!(status_then, status, "{used}");
        }
    }
}
