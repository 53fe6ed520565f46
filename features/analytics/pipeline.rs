//! `get_pipeline_analytics`

use std::collections::BTreeMap;

use bureau_deals::{DEALS, PLACE, Pipeline, Stage, StageFlow, funnel, pipeline_or_default, stuck};
use bureau_kernel::figures::Spans;
use bureau_kernel::measures::{Figure, Question};
use bureau_kernel::prelude::*;
use bureau_kernel::rates::Rates;
use bureau_kernel::types::money::shown;
use bureau_kernel::types::period::DateRange;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Data};

use crate::asking::{Scope, rates_of};
use crate::report::{Asked, Call, LEAST, Report, Span, TOO_FEW, call, rate};

/// Of which pipeline, days and whose deals.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetPipelineAnalytics {
    pipeline: Option<Id<Pipeline>>,
    /// Default last 90 days
    period: Option<DateRange>,
    owner: Option<Id<Member>>,
}

/// The way of deals through a pipeline.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PipelineAnalytics {
    pipeline: Named<Pipeline>,
    /// Its stages for open deals. Of each: entered = advanced + lost + moved_back + still_there.
    stages: Vec<StageAnalytics>,
    /// The stage in which deals stay longest: by the median of at least 5 stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    bottleneck: Option<Bottleneck>,
    velocity: Velocity,
    /// The most won first.
    by_owner: Vec<OwnerAnalytics>,
    #[serde(flatten)]
    report: Report,
}

/// A stage, and what came to it in the period.
#[derive(Debug, Serialize, JsonSchema)]
struct StageAnalytics {
    stage: Named<Stage>,
    /// How often a deal came to it.
    entered: i64,
    /// To a later stage, or won.
    advanced: i64,
    /// Lost, or no deal after all.
    lost: i64,
    /// To an earlier stage or another pipeline.
    moved_back: i64,
    /// At the end of the period.
    still_there: i64,
    /// Advanced of entered, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    conversion: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
    /// Days of the stays that ended in the period.
    days: Span,
    stuck: Stuck,
}

/// Open deals that stand in a stage for longer than it allows, now.
#[derive(Debug, Serialize, JsonSchema)]
struct Stuck {
    n: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<Call>,
}

/// Where deals stay longest.
#[derive(Debug, Serialize, JsonSchema)]
struct Bottleneck {
    stage: Named<Stage>,
    median_days: Option<String>,
    n: i64,
}

/// What the pipeline brings in a day: open deals × win rate × mean amount won ÷ mean sales cycle.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct Velocity {
    open_deals: i64,
    /// Percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    win_rate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mean_won: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mean_days: Option<String>,
    /// In the workspace's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    per_day: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
}

/// What somebody's deals came to in the period.
#[derive(Debug, Serialize, JsonSchema)]
struct OwnerAnalytics {
    /// Nobody where it is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<Named<Member>>,
    won: i64,
    base_won: String,
    lost: i64,
    /// Won of won and lost, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    win_rate: Option<String>,
    /// Days from adding to winning.
    sales_cycle: Span,
    /// Days from adding until a deal left the stage in which it began.
    lead_time: Span,
}

impl Tool for GetPipelineAnalytics {
    const SPEC: Spec = Spec::reads("get_pipeline_analytics", DEALS.read)
        .covers(PLACE)
        .title("Get pipeline analytics")
        .about("Conversion and days by stage, bottleneck, win rate, sales cycle, by owner.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "How do deals go through the new pipeline?",
        before: &[
            Step {
                tool: "create_pipeline",
                arguments: r#"{"name": "Analysed", "stages": [{"name": "First", "probability": 20}, {"name": "Second", "probability": 60}]}"#,
                keep: &[("pipeline", "/data/id")],
            },
            Step {
                tool: "create_deal",
                arguments: r#"{"name": "On its way", "pipeline": "{pipeline}", "amount": "100"}"#,
                keep: &[("deal", "/data/id")],
            },
            Step {
                tool: "update_deal",
                arguments: r#"{"deal": "{deal}", "stage": "Second"}"#,
                keep: &[],
            },
        ],
        arguments: r#"{"pipeline": "{pipeline}", "period": "this year"}"#,
        expect: &[
            ("/data/stages/0/entered", "1"),
            ("/data/stages/0/advanced", "1"),
            ("/data/stages/1/still_there", "1"),
            ("/data/stages/1/stage/name", r#""Second""#),
            ("/data/velocity/open_deals", "1"),
            ("/data/figures/0/measure", r#""deals.open@1""#),
        ],
    }];
    type Output = PipelineAnalytics;

    async fn call(self, cx: &mut Cx) -> Result<PipelineAnalytics> {
        let pipeline = pipeline_or_default(cx, self.pipeline).await?;
        let scope = Scope {
            period: self.period.as_ref(),
            usual: "last 90 days",
            owner: self.owner,
        };
        let bounds = scope.bounds(cx).await?;
        let question = Question {
            from: bounds.0,
            to: bounds.1,
            owner: self.owner,
            filters: vec![("pipeline", pipeline.id.to_string())],
            by: Vec::new(),
        };
        let moments = question.moments(cx)?;
        let way = funnel(cx, pipeline.id, moments, self.owner).await?;
        let mut stuck = stuck(cx, pipeline.id, self.owner).await?;
        let mut rates = rates_of(cx, bounds).await?;
        let bottleneck = bottleneck(&way.stages);
        let mut stages = Vec::new();
        for (stage, flow) in &way.stages {
            let stuck = stuck.remove(&stage.id).unwrap_or_default();
            let evidence = self.stuck_in(cx, pipeline.id, stage.id)?;
            stages.push(StageAnalytics::of(stage, flow, stuck, evidence));
        }
        let velocity = velocity(cx, &question, &mut rates).await?;
        let by_owner = by_owner(cx, &question, &mut rates, way.lead_times).await?;
        let asked = Asked {
            measures: vec![
                "deals.open",
                "deals.open_weighted",
                "deals.won",
                "deals.lost",
                "deals.win_rate",
                "deals.sales_cycle",
            ],
            are_named: true,
            by: Vec::new(),
            bounds,
            owner: self.owner,
            filters: question.filters,
        };
        Ok(PipelineAnalytics {
            pipeline: pipeline.named(),
            stages,
            bottleneck,
            velocity,
            by_owner,
            report: Report::of(cx, &asked, &mut rates).await?,
        })
    }
}

impl GetPipelineAnalytics {
    /// The call that lists the deals that are stuck in a stage.
    fn stuck_in(&self, cx: &Cx, pipeline: Id<Pipeline>, stage: Id<Stage>) -> Result<Option<Call>> {
        let mut arguments = Map::new();
        arguments.insert("pipeline".into(), pipeline.to_string().into());
        arguments.insert("stage".into(), stage.to_string().into());
        arguments.insert("rotting".into(), Data::Bool(true));
        let owner = self.owner.map(|owner| owner.to_string());
        arguments.extend(owner.map(|owner| ("owner".to_owned(), owner.into())));
        call(cx, "list_deals", arguments)
    }
}

impl StageAnalytics {
    fn of(stage: &Saved<Stage>, flow: &StageFlow, stuck: i64, evidence: Option<Call>) -> Self {
        let conversion = rate(flow.advanced, flow.entered);
        Self {
            stage: stage.named(),
            entered: flow.entered,
            advanced: flow.advanced,
            lost: flow.lost,
            moved_back: flow.moved_back,
            still_there: flow.still_there,
            why: conversion.is_none().then_some(TOO_FEW),
            conversion,
            days: Span::of(&flow.days),
            stuck: Stuck { n: stuck, evidence },
        }
    }
}

/// The stage in which deals stay longest; of several the first.
fn bottleneck(stages: &[(Saved<Stage>, StageFlow)]) -> Option<Bottleneck> {
    let median = |flow: &StageFlow| flow.days.median()?.parse::<Decimal>().ok();
    let many = stages.iter().filter(|(_, flow)| flow.days.count() >= LEAST);
    let (stage, flow) = many.rev().max_by_key(|(_, flow)| median(flow))?;
    Some(Bottleneck {
        stage: stage.named(),
        median_days: flow.days.median(),
        n: flow.days.count(),
    })
}

async fn velocity(cx: &mut Cx, question: &Question, rates: &mut Rates) -> Result<Velocity> {
    let base = rates.base();
    let open = cx.figure("deals.open", question, rates).await?.rows();
    let share = cx.figure("deals.win_rate", question, rates).await?;
    let won = cx.figure("deals.won", question, rates).await?.money()?;
    let Figure::Days(cycle) = cx.figure("deals.sales_cycle", question, rates).await? else {
        return Err(Error::internal("a sales cycle is in days"));
    };
    let Figure::Share { part, whole } = share else {
        return Err(Error::internal("a win rate is a share"));
    };
    let mut velocity = Velocity {
        open_deals: open,
        win_rate: rate(part, whole),
        why: Some(TOO_FEW),
        ..Velocity::default()
    };
    if whole < LEAST || won.count() < LEAST || cycle.count() < LEAST {
        return Ok(velocity);
    }
    let [sum] = won.base();
    let mean_won = sum.checked_div(won.count().into()).unwrap_or_default();
    velocity.mean_won = Some(shown(mean_won, base));
    velocity.mean_days = cycle.mean();
    velocity.why = Some("Deals were won on the day on which they were added.");
    let rate = Decimal::from(part).checked_div(whole.into());
    let days = cycle.exact_mean().filter(|days| !days.is_zero());
    if let (Some(rate), Some(days)) = (rate, days) {
        let per_day = Decimal::from(open)
            .checked_mul(rate)
            .and_then(|expected| expected.checked_mul(mean_won))
            .and_then(|expected| expected.checked_div(days));
        velocity.per_day = per_day.map(|amount| shown(amount, base));
        velocity.why = None;
    }
    Ok(velocity)
}

async fn by_owner(
    cx: &mut Cx,
    question: &Question,
    rates: &mut Rates,
    lead_times: BTreeMap<Option<Id<Member>>, Spans>,
) -> Result<Vec<OwnerAnalytics>> {
    #[derive(Default)]
    struct Own {
        won: i64,
        sum: Decimal,
        lost: i64,
        cycle: Spans,
        lead: Spans,
    }
    let question = Question {
        by: vec!["owner"],
        ..question.clone()
    };
    let mut all: BTreeMap<Option<Id<Member>>, Own> = BTreeMap::new();
    for (owner, lead) in lead_times {
        all.entry(owner).or_default().lead = lead;
    }
    for id in ["deals.won", "deals.lost", "deals.sales_cycle"] {
        for group in cx.measure(id, &question, rates).await? {
            let owner = group.key.into_iter().next().flatten();
            let owner = owner.map(|owner| owner.parse().map_err(Error::internal));
            let own = all.entry(owner.transpose()?).or_default();
            match (id, group.figure) {
                ("deals.won", figure) => {
                    own.won = figure.rows();
                    [own.sum] = figure.money()?.base();
                }
                (_, Figure::Days(spans)) => own.cycle = spans,
                (_, figure) => own.lost = figure.rows(),
            }
        }
    }
    let names = cx.member_names(all.keys().copied().flatten()).await?;
    let base = rates.base();
    let mut ranked: Vec<(Option<Id<Member>>, Own)> = all.into_iter().collect();
    ranked.sort_by_key(|(_, own)| std::cmp::Reverse((own.sum, own.won)));
    let owners = ranked.into_iter().map(|(owner, own)| OwnerAnalytics {
        owner: owner.map(|owner| names.of(owner)),
        won: own.won,
        base_won: shown(own.sum, base),
        lost: own.lost,
        win_rate: rate(own.won, own.won + own.lost),
        sales_cycle: Span::of(&own.cycle),
        lead_time: Span::of(&own.lead),
    });
    Ok(owners.collect())
}
