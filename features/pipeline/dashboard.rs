//! `get_crm_dashboard`

use bureau_companies::Company;
use bureau_contacts::Contact;
use bureau_deals::{
    DealStatus, PLACE, Pipeline, Stage, StageFigures, Values, pipelines, stages_of, summarize,
};
use bureau_kernel::figures::{Tally, percent, share_of};
use bureau_kernel::prelude::*;
use bureau_kernel::rates::Rates;
use bureau_kernel::store::{Sql, sql};
use bureau_kernel::types::money::Currency;
use bureau_kernel::types::time::{DayEdge, Timestamp, day_edge};
use chrono::{Datelike as _, Days, NaiveDate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::READ_DASHBOARD;

/// Since when, and whose.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetCrmDashboard {
    /// Default start of month
    since: Option<When>,
    /// Member
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
        arguments: r#"{"since": "today"}"#,
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
        let zone = cx.workspace().time_zone;
        let moment = |day: NaiveDate, edge| {
            day_edge(day, zone, edge)
                .ok_or_else(|| Error::invalid("since", "since is too far away."))
        };
        let since_moment = moment(since, DayEdge::Start)?;
        let mut rates = cx.rates(Some(since.min(today)), today).await?;
        let owner = self.owner;
        let mut all_open = Tally::default();
        let mut figures = Vec::new();
        let mut rotting = 0;
        for pipeline in pipelines(cx).await? {
            let stages = stages_of(cx, pipeline.id).await?;
            rotting += count_rotting(cx, &stages, owner).await?;
            let (stages, tally) = summarize(cx, pipeline.id, &stages, owner, &mut rates).await?;
            all_open.merge(&tally)?;
            figures.push(PipelineFigures {
                stages,
                total: Values::of(&tally, rates.base()),
                pipeline: Named {
                    id: pipeline.id,
                    name: Some(pipeline.record.name.into()),
                },
            });
        }
        let won = closed(cx, DealStatus::Won, since, owner, &mut rates).await?;
        let lost = closed(cx, DealStatus::Lost, since, owner, &mut rates).await?;
        let tomorrow = today.checked_add_days(Days::new(1)).unwrap_or(today);
        let week = today.checked_add_days(Days::new(7)).unwrap_or(today);
        let end_of_today = moment(today, DayEdge::End)?;
        Ok(Dashboard {
            as_of: cx.now(),
            since,
            base_currency: rates.base(),
            contacts: stock::<Contact>(cx, since_moment, owner).await?,
            companies: stock::<Company>(cx, since_moment, owner).await?,
            deals: Deals {
                win_rate: percent(won.count().into(), (won.count() + lost.count()).into()),
                open: Values::of(&all_open, rates.base()),
                won: Values::of(&won, rates.base()),
                lost: Values::of(&lost, rates.base()),
                past_expected_close: past_expected_close(cx, today, owner).await?,
                rotting,
            },
            activities: Activities {
                overdue: pending(cx, None, cx.now(), owner).await?,
                due_today: pending(
                    cx,
                    Some(moment(today, DayEdge::Start)?),
                    end_of_today,
                    owner,
                )
                .await?,
                due_next_7_days: pending(
                    cx,
                    Some(moment(tomorrow, DayEdge::Start)?),
                    moment(week, DayEdge::End)?,
                    owner,
                )
                .await?,
                done: done(cx, since_moment, owner).await?,
            },
            pipelines: figures,
        })
    }
}

/// Runs a count, of one person's where one is named.
async fn count(
    cx: &mut Cx,
    statement: Sql,
    and_owner: &'static str,
    owner: Option<Id<Member>>,
) -> Result<i64> {
    let statement = match owner {
        Some(owner) => statement.sql(and_owner).value(owner),
        None => statement,
    };
    statement.one("count", cx.tx()).await
}

/// The live ones of a kind of record with an owner, and those since a moment.
async fn stock<R: Record>(
    cx: &mut Cx,
    since: Timestamp,
    owner: Option<Id<Member>>,
) -> Result<Stock> {
    let live = sql("SELECT COUNT(*) AS count FROM ")
        .sql(R::TABLE)
        .sql(" WHERE archived_at IS NULL AND workspace = ")
        .value(cx.workspace().id);
    let new = live.clone().sql(" AND created_at >= ").value(since);
    Ok(Stock {
        total: count(cx, live, " AND owner = ", owner).await?,
        new: count(cx, new, " AND owner = ", owner).await?,
    })
}

/// The deals that ended this way since a day.
async fn closed(
    cx: &mut Cx,
    status: DealStatus,
    since: NaiveDate,
    owner: Option<Id<Member>>,
    rates: &mut Rates,
) -> Result<Tally<2>> {
    let workspace = cx.workspace().id;
    let mut statement = sql("SELECT currency, closed_on, COUNT(*) AS count, ")
        .sum("amount")
        .sql(" FROM deal WHERE archived_at IS NULL AND workspace = ")
        .value(workspace)
        .sql(" AND status = ")
        .value(status)
        .sql(" AND closed_on >= ")
        .value(since);
    if let Some(owner) = owner {
        statement = statement.sql(" AND owner = ").value(owner);
    }
    let percent = status.certainty().unwrap_or_default();
    let statement = statement.sql(" GROUP BY currency, closed_on");
    let mut tally = Tally::default();
    for row in statement.rows(cx.tx()).await? {
        let worth = rates.worth(row.get("currency")?, row.get("closed_on")?);
        let amount = row.sum("amount")?;
        tally.add(
            worth,
            row.get("count")?,
            [amount, share_of(amount, percent)?],
        )?;
    }
    Ok(tally)
}

/// The open deals that should have been closed by now.
async fn past_expected_close(
    cx: &mut Cx,
    today: NaiveDate,
    owner: Option<Id<Member>>,
) -> Result<i64> {
    let workspace = cx.workspace().id;
    let statement = sql(
        "SELECT COUNT(*) AS count FROM deal WHERE archived_at IS NULL AND status = 'open' AND workspace = ",
    )
    .value(workspace)
    .sql(" AND sort_close < ")
    .value(today);
    count(cx, statement, " AND owner = ", owner).await
}

/// The open deals that stand in one of these stages for longer than it allows.
async fn count_rotting(
    cx: &mut Cx,
    stages: &[Saved<Stage>],
    owner: Option<Id<Member>>,
) -> Result<i64> {
    let mut rotting = 0;
    let workspace = cx.workspace().id;
    for stage in stages {
        let Some(days) = stage.rotting_days else {
            continue;
        };
        let limit = cx.now() - chrono::Duration::days(days.get());
        let statement = sql(
            "SELECT COUNT(*) AS count FROM deal WHERE archived_at IS NULL AND status = 'open' AND workspace = ",
        )
        .value(workspace)
        .sql(" AND stage = ")
        .value(stage.id)
        .sql(" AND stage_since < ")
        .value(limit);
        rotting += count(cx, statement, " AND owner = ", owner).await?;
    }
    Ok(rotting)
}

/// What is to be done and due in these times.
async fn pending(
    cx: &mut Cx,
    from: Option<Timestamp>,
    to: Timestamp,
    owner: Option<Id<Member>>,
) -> Result<i64> {
    let workspace = cx.workspace().id;
    let mut statement = sql(
        "SELECT COUNT(*) AS count FROM activity WHERE archived_at IS NULL AND done_at IS NULL AND workspace = ",
    )
    .value(workspace)
    .sql(" AND sort_due <= ")
    .value(to);
    if let Some(from) = from {
        statement = statement.sql(" AND sort_due >= ").value(from);
    }
    count(cx, statement, " AND assignee = ", owner).await
}

/// What was done since a moment.
async fn done(cx: &mut Cx, since: Timestamp, owner: Option<Id<Member>>) -> Result<i64> {
    let workspace = cx.workspace().id;
    let statement =
        sql("SELECT COUNT(*) AS count FROM activity WHERE archived_at IS NULL AND workspace = ")
            .value(workspace)
            .sql(" AND done_at >= ")
            .value(since);
    count(cx, statement, " AND assignee = ", owner).await
}
