//! `get_crm_dashboard`

use bureau_deals::{OpenDeals, PLACE, Pipeline, StageFigures, Values, pipelines};
use bureau_kernel::figures::Tally;
use bureau_kernel::measures::{Figure, Question};
use bureau_kernel::prelude::*;
use bureau_kernel::rates::Rates;
use bureau_kernel::types::money::Currency;
use bureau_kernel::types::time::Timestamp;
use chrono::{Datelike as _, Days, NaiveDate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::READ_DASHBOARD;

/// Since when, and whose.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetCrmDashboard {
    /// Default start of month
    since: Option<When>,
    owner: Option<Id<Member>>,
}

/// The CRM in figures.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Dashboard {
    /// The moment of the figures.
    as_of: Timestamp,
    /// What is called new, won, lost and done is so since this day.
    since: NaiveDate,
    base_currency: Currency,
    contacts: Stock,
    companies: Stock,
    deals: Deals,
    activities: Activities,
    /// The open deals of each pipeline by stage.
    pipelines: Vec<PipelineFigures>,
}

/// How many there are, and how many of them are new.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Stock {
    total: i64,
    new: i64,
}

/// The deals of all pipelines.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Deals {
    open: Values,
    won: Values,
    lost: Values,
    /// Won of those that were won or lost, in percent; nothing where none was.
    win_rate: Option<String>,
    /// Open ones whose expected day has passed.
    past_expected_close: i64,
    /// Open ones that stand in their stage for longer than it allows.
    rotting: i64,
}

/// What was done and what is to be done.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Activities {
    overdue: i64,
    due_today: i64,
    /// Within seven days, today not counted.
    due_next_7_days: i64,
    done: i64,
}

/// A pipeline.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PipelineFigures {
    pipeline: Named<Pipeline>,
    stages: Vec<StageFigures>,
    total: Values,
}

impl Tool for GetCrmDashboard {
    const SPEC: Spec = Spec::reads("get_crm_dashboard", READ_DASHBOARD)
        .covers(PLACE)
        .title("Get CRM dashboard")
        .about("CRM figures: contacts, companies, deals, activities and pipelines.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "How are we doing this month?",
        before: &[
            Step {
                tool: "create_deal",
                arguments: r#"{"name": "Counted", "amount": "200", "currency": "JPY", "status": "won"}"#,
                keep: &[],
            },
            Step {
                tool: "create_activity",
                arguments: r#"{"type": "task", "subject": "Late", "due_at": "2020-01-01"}"#,
                keep: &[],
            },
        ],
        arguments: r#"{"since": "start of month"}"#,
        expect: &[
            ("/data/deals/won/values/0/amount", r#""200""#),
            ("/data/deals/win_rate", r#""100.0""#),
            ("/data/activities/overdue", "1"),
            ("/data/pipelines/0/pipeline/name", r#""Sales""#),
        ],
    }];
    type Output = Dashboard;

    async fn call(self, cx: &mut Cx) -> Result<Dashboard> {
        let today = cx.today();
        let since = match &self.since {
            Some(when) => cx.date("since", when)?,
            None => today.with_day(1).unwrap_or(today),
        };
        let owner = self.owner;
        let mut rates = cx.rates(Some(since.min(today)), today).await?;
        let base = rates.base();
        let mut all_open = Tally::default();
        let mut figures = Vec::new();
        for pipeline in pipelines(cx).await? {
            let open = OpenDeals::of(cx, pipeline.id, owner, &mut rates).await?;
            all_open.merge(&open.total)?;
            figures.push(PipelineFigures {
                stages: open.stages,
                total: Values::of(&open.total, base),
                pipeline: Named {
                    id: pipeline.id,
                    name: Some(pipeline.record.name.into()),
                },
            });
        }
        let tomorrow = today.checked_add_days(Days::new(1)).unwrap_or(today);
        let week = today.checked_add_days(Days::new(7)).unwrap_or(today);
        let mut ask = Asking { cx, owner, rates };
        let won = ask.figure("deals.won", Some(since), None).await?.money()?;
        let lost = ask.figure("deals.lost", Some(since), None).await?.money()?;
        let win_rate = ask.figure("deals.win_rate", Some(since), None).await?;
        Ok(Dashboard {
            as_of: ask.cx.now(),
            since,
            base_currency: base,
            contacts: Stock {
                total: ask.rows("contacts.total", None, None).await?,
                new: ask.rows("contacts.new", Some(since), None).await?,
            },
            companies: Stock {
                total: ask.rows("companies.total", None, None).await?,
                new: ask.rows("companies.new", Some(since), None).await?,
            },
            deals: Deals {
                open: Values::of(&all_open, base),
                // What was won is certain, and what was lost is so too.
                won: Values::of(&won.beside(&won), base),
                lost: Values::of(&lost.beside(&Tally::default()), base),
                win_rate: win_rate.percent(),
                past_expected_close: ask.rows("deals.past_expected_close", None, None).await?,
                rotting: ask.rows("deals.rotting", None, None).await?,
            },
            activities: Activities {
                overdue: ask.rows("activities.overdue", None, None).await?,
                due_today: ask.rows("activities.due", Some(today), Some(today)).await?,
                due_next_7_days: ask
                    .rows("activities.due", Some(tomorrow), Some(week))
                    .await?,
                done: ask.rows("activities.done", Some(since), None).await?,
            },
            pipelines: figures,
        })
    }
}

/// Asks the measures of all modules, of one person's records where one is named.
struct Asking<'a> {
    cx: &'a mut Cx,
    owner: Option<Id<Member>>,
    rates: Rates,
}

impl Asking<'_> {
    async fn figure(
        &mut self,
        measure: &str,
        from: Option<NaiveDate>,
        to: Option<NaiveDate>,
    ) -> Result<Figure> {
        let asked = Question {
            from,
            to,
            owner: self.owner,
            ..Question::default()
        };
        self.cx.figure(measure, &asked, &mut self.rates).await
    }

    /// How many rows a measure is of.
    async fn rows(
        &mut self,
        measure: &str,
        from: Option<NaiveDate>,
        to: Option<NaiveDate>,
    ) -> Result<i64> {
        Ok(self.figure(measure, from, to).await?.rows())
    }
}
