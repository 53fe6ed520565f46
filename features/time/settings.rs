//! What is arranged for the time of a workspace: when months close, how entries are rounded, and the rates.

use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use bureau_kernel::settings::Setting;
use bureau_kernel::types::money::Money;
use futures::FutureExt as _;
use serde_json::{Value, json};

use crate::budget::{BudgetGiven, ProjectBudget, all_budgets};
use crate::hours::Rounding;
use crate::rates::{CostGiven, CostRate, RateGiven, TimeRate, all_cost_rates, all_rates};
use crate::{ARRANGED, TIME};

bureau_kernel::record! {
    /// What is arranged for the time of a workspace.
    pub struct TimeSettings: "time_settings", "tms", "time settings" {
        /// How many days after its end a month closes; it stays open where nothing is said.
        pub close_after_days: Option<BoundedInt<0, 366>> = "Days after a month's end",
        /// How entries are rounded as they are billed.
        pub rounding: Option<Rounding>,
        /// To how many minutes; 15 where only the way is said.
        pub rounding_minutes: Option<BoundedInt<1, 480>> = "Default 15",
    }
}

impl Record for TimeSettings {
    const ACCESS: Access = ARRANGED;

    fn label(&self) -> String {
        "Time settings".to_owned()
    }

    fn check(&mut self, _: &Workspace) -> Result<()> {
        if self.rounding.is_none() && self.rounding_minutes.is_some() {
            self.rounding = Some(Rounding::default());
        }
        if self.rounding.is_some() && self.rounding_minutes.is_none() {
            self.rounding_minutes = Some(BoundedInt::new(15).map_err(Error::internal)?);
        }
        Ok(())
    }
}

impl TimeSettings {
    /// Seconds as they are billed.
    pub(crate) fn rounded(&self, seconds: i64) -> i64 {
        match (self.rounding, self.rounding_minutes) {
            (Some(rounding), Some(minutes)) => rounding.apply(seconds, minutes.get()),
            _ => seconds,
        }
    }
}

async fn saved(cx: &mut Cx) -> Result<Option<Saved<TimeSettings>>> {
    // Listed and not got: a call that writes an entry does not lock it for all others.
    let list = cx.list::<TimeSettings>();
    let page = list.page(Order::CREATED, false, Limit::of(1), None).await?;
    Ok(page.rows.into_iter().next())
}

/// What is arranged; nothing where nobody did.
///
/// # Errors
/// What the database says.
pub(crate) async fn settings(cx: &mut Cx) -> Result<TimeSettings> {
    let saved = saved(cx).await?;
    Ok(saved.map_or_else(TimeSettings::empty, |saved| saved.record))
}

/// What changes; what is left out stays.
pub struct TimeSettingsGiven {
    /// Rates to make, change or remove.
    pub rates: Vec<RateGiven>,
    /// The same of what hours cost the firm.
    pub cost_rates: Vec<CostGiven>,
    /// The same of budgets.
    pub budgets: Vec<BudgetGiven>,
    /// What is emptied.
    pub clear: Vec<ClearField<TimeSettings>>,
    /// All else.
    pub fields: Patch<TimeSettings>,
}

/// Changes what is arranged for time. Entries that are there keep their rates and rounding.
///
/// # Errors
/// [`Code::Validation`] and [`Code::NotFound`] naming what is wrong; [`Code::Forbidden`] for who may not arrange it.
pub async fn set_time(cx: &mut Cx, given: TimeSettingsGiven) -> Result<()> {
    for (index, rate) in given.rates.into_iter().enumerate() {
        let set = rate.set(cx).await;
        set.map_err(|error| error.inside(&format!("rates[{index}]")))?;
    }
    for (index, rate) in given.cost_rates.into_iter().enumerate() {
        let set = rate.set(cx).await;
        set.map_err(|error| error.inside(&format!("cost_rates[{index}]")))?;
    }
    for (index, budget) in given.budgets.into_iter().enumerate() {
        let set = budget.set(cx).await;
        set.map_err(|error| error.inside(&format!("budgets[{index}]")))?;
    }
    match saved(cx).await? {
        Some(known) => {
            let mut edit = cx.edit(known.id).await?;
            edit.clear_fields(&given.clear);
            edit.apply(cx, &given.fields).await?;
            edit.save(cx).await.map(drop)
        }
        None => {
            let settings = given.fields.record(cx.local_time())?;
            let attributes = given.fields.attributes()?;
            cx.insert(settings, attributes).await.map(drop)
        }
    }
}

/// How time is arranged.
pub(crate) static ARRANGEMENTS: Setting = Setting {
    name: "time",
    read: TIME.read,
    show: |cx| show(cx).boxed(),
};

async fn show(cx: &mut Cx) -> Result<Value> {
    let attributes = saved(cx).await?.map(|saved| saved.attributes);
    let settings = settings(cx).await?;
    let rates = all_rates(cx).await?;
    let budgets = all_budgets(cx).await?;
    let of_budgets = budgets.iter().map(|budget| **budget.project);
    let projects = rates.iter().filter_map(|rate| rate.project.map(|id| *id));
    let projects = projects.chain(of_budgets).collect::<Vec<_>>();
    let projects = cx.names(projects).await?;
    let tasks = rates.iter().filter_map(|rate| rate.task.map(|id| *id));
    let tasks = cx.names(tasks.collect::<Vec<_>>()).await?;
    let companies = rates.iter().filter_map(|rate| rate.company.map(|id| *id));
    let companies = cx.names(companies.collect::<Vec<_>>()).await?;
    let costs = all_cost_rates(cx).await?;
    let of_costs = costs.iter().flatten().filter_map(|rate| rate.member);
    let members = rates.iter().filter_map(|rate| rate.member).chain(of_costs);
    let members = cx.names(members.collect::<Vec<_>>()).await?;
    let rate = |rate: &Saved<TimeRate>| {
        json!({
            "task": rate.task.map(|id| tasks.of(*id)),
            "project": rate.project.map(|id| projects.of(*id)),
            "company": rate.company.map(|id| companies.of(*id)),
            "member": rate.member.map(|id| members.of(id)),
            "hourly_rate": rate.shown(),
            "currency": rate.currency,
            "valid_from": rate.valid_from,
        })
    };
    let cost = |rate: &Saved<CostRate>| {
        json!({
            "member": rate.member.map(|id| members.of(id)),
            "hourly_cost": rate.shown(),
            "currency": *rate.currency,
            "valid_from": rate.valid_from,
        })
    };
    let budget = |budget: &Saved<ProjectBudget>| {
        json!({
            "project": projects.of(**budget.project),
            "hours": budget.hours,
            "amount": budget.amount.map(|amount| Money { amount, currency: budget.currency }),
            "currency": budget.currency,
            "per": budget.per,
            "warn_percent": budget.warns_at(),
            "cap": budget.cap,
            "attributes": said(&budget.attributes),
        })
    };
    let mut shown = json!({
        "close_after_days": settings.close_after_days,
        "rounding": settings.rounding,
        "rounding_minutes": settings.rounding_minutes,
        "rates": rates.iter().map(rate).collect::<Vec<_>>(),
        "budgets": budgets.iter().map(budget).collect::<Vec<_>>(),
        "attributes": attributes.as_ref().and_then(|given| said(given)),
    });
    if let (Some(costs), Some(shown)) = (costs, shown.as_object_mut()) {
        let costs = costs.iter().map(cost).collect::<Vec<_>>();
        shown.insert("cost_rates".into(), costs.into());
    }
    Ok(shown)
}

/// Custom attributes, where there are any.
fn said(attributes: &Attributes) -> Option<&Attributes> {
    Some(attributes).filter(|attributes| !attributes.is_empty())
}
