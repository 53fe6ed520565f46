//! What an hour is billed at, and what it costs. This is the one place that knows which rate holds for an entry: that of its task, its
//! project, its client, or the general one, whichever of them there is first; at each of these that of the member before that of all,
//! and the last that is valid on the day.

use bureau_companies::Company;
use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use bureau_kernel::types::money::{Amount, Currency};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::entry::TimeEntry;
use crate::hours::worth;
use crate::{ARRANGED, MANAGE_TIME, READ_COST_RATES};
use bureau_projects::Project;
use bureau_projects::Task;

bureau_kernel::record! {
    /// What an hour is billed at: on a task, in a project, for a client or everywhere, of a member or of all.
    pub struct TimeRate: "time_rate", "rate", "rate" {
        /// Only on this task.
        pub task: Option<Parent<Id<Task>>>,
        /// Only in this project.
        pub project: Option<Parent<Id<Project>>>,
        /// Only for this client.
        pub company: Option<Parent<Id<Company>>>,
        /// Only of this member.
        pub member: Option<Id<Member>>,
        /// What an hour is billed at.
        pub hourly_rate: Amount => [price],
        /// ISO 4217.
        pub currency: Currency,
        /// Its first day; none where it always held.
        pub valid_from: Option<NaiveDate>,
    }
}

bureau_kernel::record! {
    /// What an hour of a member, or of anybody, costs the firm itself, in the workspace's currency.
    pub struct CostRate: "cost_rate", "cost", "cost rate" {
        /// Only of this member.
        pub member: Option<Id<Member>>,
        /// What an hour costs.
        pub hourly_cost: Amount => [price],
        /// ISO 4217, the workspace's.
        pub currency: Managed<Currency>,
        /// Its first day; none where it always held.
        pub valid_from: Option<NaiveDate>,
    }
}

/// Where a rate holds: on a task, in a project, for a client; everywhere where none is said.
type Scope = (Option<Id<Task>>, Option<Id<Project>>, Option<Id<Company>>);

/// So many of a kind a workspace has at most.
const MOST_RATES: u32 = 2_000;

impl Record for TimeRate {
    const ACCESS: Access = ARRANGED;

    // A rate of somebody who left keeps nobody here.
    const BLOCKS_DELETION_WHILE: &'static str = "1 = 0";

    fn label(&self) -> String {
        format!("Rate of {} {}", self.shown(), self.currency.code())
    }

    fn check(&mut self, workspace: &Workspace) -> Result<()> {
        self.currency = self.currency.or(workspace.currency);
        let scopes = [
            self.task.is_some(),
            self.project.is_some(),
            self.company.is_some(),
        ];
        if scopes.into_iter().filter(|is_said| *is_said).count() > 1 {
            let message = "A rate is that of a task, of a project or of a client.";
            return Err(Error::invalid("project", message).hint("Leave the others out."));
        }
        not_below_zero("hourly_rate", self.hourly_rate)
    }
}

impl Record for CostRate {
    const ACCESS: Access = Access {
        read: READ_COST_RATES,
        create: MANAGE_TIME,
        update: MANAGE_TIME,
        delete: MANAGE_TIME,
    };

    const BLOCKS_DELETION_WHILE: &'static str = "1 = 0";

    fn label(&self) -> String {
        "Cost rate".to_owned()
    }

    fn check(&mut self, workspace: &Workspace) -> Result<()> {
        self.currency = Managed(self.currency.or(workspace.currency));
        not_below_zero("hourly_cost", self.hourly_cost)
    }
}

fn not_below_zero(field: &str, rate: Amount) -> Result<()> {
    if rate.raw() < 0 {
        let message = format!("{field} cannot be below zero.");
        return Err(Error::invalid(field, message));
    }
    Ok(())
}

impl TimeRate {
    /// Where it holds.
    pub(crate) fn scope(&self) -> Scope {
        let (task, project) = (self.task.map(|id| *id), self.project.map(|id| *id));
        (task, project, self.company.map(|id| *id))
    }

    /// What an hour is billed at, in the digits of its currency or more.
    pub(crate) fn shown(&self) -> String {
        bureau_billing::price(self.hourly_rate, self.currency)
    }
}

impl CostRate {
    /// What an hour costs, in the digits of its currency or more.
    pub(crate) fn shown(&self) -> String {
        bureau_billing::price(self.hourly_cost, *self.currency)
    }
}

/// A rate by what it is for: a new one, or what changes in one.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct RateGiven {
    task: Option<Id<Task>>,
    project: Option<Id<Project>>,
    company: Option<Id<Company>>,
    member: Option<Id<Member>>,
    hourly_rate: Option<Amount>,
    /// Default: the workspace's
    currency: Option<Currency>,
    valid_from: Option<When>,
    remove: Option<bool>,
}

/// What an hour of a member costs, or of anybody.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct CostGiven {
    member: Option<Id<Member>>,
    hourly_cost: Option<Amount>,
    valid_from: Option<When>,
    remove: Option<bool>,
}

/// Which of the two is meant by a rate that is given.
///
/// # Errors
/// [`Code::Validation`] where neither is said.
fn wanted(field: &str, rate: Option<Amount>, remove: Option<bool>) -> Result<Option<Amount>> {
    match (rate, remove.unwrap_or(false)) {
        (_, true) => Ok(None),
        (Some(rate), false) => Ok(Some(rate)),
        (None, false) => Err(Error::invalid(field, "What is an hour of it?")
            .hint(format!("Give {field}, or remove: true."))),
    }
}

fn no_such(what: &str) -> Error {
    let message = format!("There is no {what} for exactly this.");
    Error::new(Code::NotFound, message)
        .field("remove")
        .hint("get_workspace with settings shows those that there are.")
}

impl RateGiven {
    /// Makes, changes or removes the rate.
    ///
    /// # Errors
    /// [`Code::Validation`] naming what is wrong with it; [`Code::NotFound`] for one that is to be removed and is not there.
    pub(crate) async fn set(self, cx: &mut Cx) -> Result<()> {
        let valid_from = match &self.valid_from {
            Some(when) => Some(cx.date("valid_from", when)?),
            None => None,
        };
        let wanted = wanted("hourly_rate", self.hourly_rate, self.remove)?;
        let currency = self.currency.unwrap_or(cx.workspace().currency);
        let all = all_rates(cx).await?;
        let known = all.iter().find(|rate| {
            rate.scope() == (self.task, self.project, self.company)
                && (rate.member, rate.valid_from) == (self.member, valid_from)
        });
        match (known, wanted) {
            (None, None) => Err(no_such("rate")),
            (Some(known), None) => cx.archive(known.id).await.map(drop),
            (Some(known), Some(rate)) => {
                let mut edit = cx.edit(known.id).await?;
                edit.hourly_rate = rate;
                edit.currency = currency;
                edit.save(cx).await.map(drop)
            }
            (None, Some(hourly_rate)) => {
                check_number(all.len())?;
                let rate = TimeRate {
                    task: self.task.map(Parent),
                    project: self.project.map(Parent),
                    company: self.company.map(Parent),
                    member: self.member,
                    hourly_rate,
                    currency,
                    valid_from,
                };
                cx.insert(rate, Attributes::new()).await.map(drop)
            }
        }
    }
}

impl CostGiven {
    /// Makes, changes or removes the rate.
    ///
    /// # Errors
    /// As [`RateGiven::set`].
    pub(crate) async fn set(self, cx: &mut Cx) -> Result<()> {
        let valid_from = match &self.valid_from {
            Some(when) => Some(cx.date("valid_from", when)?),
            None => None,
        };
        let wanted = wanted("hourly_cost", self.hourly_cost, self.remove)?;
        let all = cost_rates(cx).await?;
        let mut known = all.iter();
        let known = known.find(|rate| (rate.member, rate.valid_from) == (self.member, valid_from));
        match (known, wanted) {
            (None, None) => Err(no_such("cost rate")),
            (Some(known), None) => cx.archive(known.id).await.map(drop),
            (Some(known), Some(cost)) => {
                let mut edit = cx.edit(known.id).await?;
                edit.hourly_cost = cost;
                edit.save(cx).await.map(drop)
            }
            (None, Some(hourly_cost)) => {
                check_number(all.len())?;
                let rate = CostRate {
                    member: self.member,
                    hourly_cost,
                    currency: Managed(cx.workspace().currency),
                    valid_from,
                };
                cx.insert(rate, Attributes::new()).await.map(drop)
            }
        }
    }
}

fn check_number(known: usize) -> Result<()> {
    if known < MOST_RATES as usize {
        return Ok(());
    }
    let message = format!("A workspace has at most {MOST_RATES} rates.");
    Err(Error::invalid("valid_from", message).hint("Remove one first."))
}

/// The rates of the workspace, oldest first.
///
/// # Errors
/// What the database says.
pub(crate) async fn all_rates(cx: &mut Cx) -> Result<Vec<Saved<TimeRate>>> {
    let list = cx.list::<TimeRate>();
    let page = list.page(Order::CREATED, false, Limit::of(MOST_RATES), None);
    Ok(page.await?.rows)
}

async fn cost_rates(cx: &mut Cx) -> Result<Vec<Saved<CostRate>>> {
    let list = cx.list::<CostRate>();
    let page = list.page(Order::CREATED, false, Limit::of(MOST_RATES), None);
    Ok(page.await?.rows)
}

/// The cost rates of the workspace, oldest first; none for a caller who may not read them.
///
/// # Errors
/// What the database says.
pub(crate) async fn all_cost_rates(cx: &mut Cx) -> Result<Option<Vec<Saved<CostRate>>>> {
    match cx.may::<CostRate>(Operation::Read) {
        true => cost_rates(cx).await.map(Some),
        false => Ok(None),
    }
}

/// A live project as it stands: to lock it would make all wait for each other who work on it.
///
/// # Errors
/// What the database says.
pub(crate) async fn of_project(
    cx: &mut Cx,
    project: Id<Project>,
) -> Result<Option<Saved<Project>>> {
    let list = cx.list::<Project>().any_of("id", &[project]);
    let page = list.page(Order::CREATED, false, Limit::of(1), None).await?;
    Ok(page.rows.into_iter().next())
}

/// What an hour of an entry is billed at, and in which currency; none where no rate is arranged.
///
/// # Errors
/// What the database says.
pub(crate) async fn rate_for(
    cx: &mut Cx,
    entry: &TimeEntry,
    project: &Project,
) -> Result<Option<(Amount, Currency)>> {
    let rates = all_rates(cx).await?;
    let day = *entry.worked_on;
    let latest = |scope: Scope, member: Option<Id<Member>>| {
        let of = |rate: &&Saved<TimeRate>| {
            rate.scope() == scope
                && rate.member == member
                && rate.valid_from.is_none_or(|first| first <= day)
        };
        rates.iter().filter(of).max_by_key(|rate| rate.valid_from)
    };
    let task = entry.task.map(|task| (Some(task), None, None));
    let project_itself = Some((None, Some(**entry.project), None));
    let client = project.company.map(|client| (None, None, Some(client)));
    let everywhere = Some((None, None, None));
    let scopes = [task, project_itself, client, everywhere];
    let mut scopes = scopes.into_iter().flatten();
    let found = scopes.find_map(|scope| {
        let own = latest(scope, Some(*entry.member));
        own.or_else(|| latest(scope, None))
    });
    Ok(found.map(|rate| (rate.hourly_rate, rate.currency)))
}

/// What hours cost the firm, for a caller who may know it.
pub(crate) struct Costs(Vec<Saved<CostRate>>);

impl Costs {
    /// Those of the workspace; none for a caller who may not read them, and where there are none.
    ///
    /// # Errors
    /// What the database says.
    pub(crate) async fn of(cx: &mut Cx) -> Result<Option<Self>> {
        let rates = all_cost_rates(cx).await?;
        Ok(rates.filter(|rates| !rates.is_empty()).map(Self))
    }

    /// What so many seconds of a member on a day cost, in the workspace's currency; none where no rate holds. Not rounded.
    ///
    /// # Errors
    /// [`Code::Internal`] beyond all bounds.
    pub(crate) fn of_work(
        &self,
        member: Id<Member>,
        day: NaiveDate,
        seconds: i64,
    ) -> Result<Option<Decimal>> {
        let latest = |member: Option<Id<Member>>| {
            let of = |rate: &&Saved<CostRate>| {
                rate.member == member && rate.valid_from.is_none_or(|first| first <= day)
            };
            self.0.iter().filter(of).max_by_key(|rate| rate.valid_from)
        };
        let rate = latest(Some(member)).or_else(|| latest(None));
        rate.map(|rate| worth(seconds, rate.hourly_cost))
            .transpose()
    }
}
