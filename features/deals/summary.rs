//! `get_pipeline_summary`

use std::collections::BTreeMap;

use bureau_kernel::figures::{Tally, share_of};
use bureau_kernel::prelude::*;
use bureau_kernel::rates::{Rate, Rates};
use bureau_kernel::store::sql;
use bureau_kernel::types::money::Currency;
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::stages::{Pipeline, Stage, StageKind, pipeline_or_default, stages_of};
use crate::{PLACE, READ_DEALS};

/// Of which pipeline, and whose deals.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetPipelineSummary {
    pipeline: Option<Id<Pipeline>>,
    /// Member
    owner: Option<Id<Member>>,
}

/// The open deals of a pipeline in figures.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PipelineSummary {
    pipeline: Named<Pipeline>,
    /// The day of the figures and of the rates.
    as_of: NaiveDate,
    /// Its stages for open deals, in their order.
    stages: Vec<StageFigures>,
    /// All of them together.
    total: Values,
    base_currency: Currency,
    /// The rates behind the figures in the base currency.
    rates: Vec<Rate>,
    /// Currencies that no rate is known for: what they hold is not in the figures in the base currency.
    without_rate: Vec<Currency>,
}

/// The open deals in a stage.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StageFigures {
    /// The stage.
    pub stage: Named<Stage>,
    /// Its probability, in percent.
    pub probability: i64,
    /// How much is in it.
    #[serde(flatten)]
    pub values: Values,
}

bureau_kernel::figures! {
    /// How many deals, and what they are worth.
    pub struct Values(count) of Value {
        /// Their amounts together.
        amount: base_amount,
        /// The same, each weighted by its probability.
        weighted: base_weighted,
    }
}

impl Tool for GetPipelineSummary {
    const SPEC: Spec = Spec::reads("get_pipeline_summary", READ_DEALS)
        .covers(PLACE)
        .title("Get pipeline summary")
        .about("Open deals by stage: count, value and weighted value per currency.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "What is the total value of our open deals?",
        before: &[
            Step {
                tool: "create_deal",
                arguments: r#"{"name": "Summed up", "amount": "1000.10", "currency": "CHF", "stage": "Proposal"}"#,
                keep: &[],
            },
            Step {
                tool: "create_deal",
                arguments: r#"{"name": "Summed up too", "amount": "0.15", "currency": "CHF", "stage": "Proposal", "probability": 30}"#,
                keep: &[],
            },
        ],
        arguments: "{}",
        expect: &[
            ("/data/pipeline/name", r#""Sales""#),
            ("/data/stages/2/stage/name", r#""Proposal""#),
            (
                "/data/stages/2/values/0",
                r#"{"currency": "CHF", "count": 2, "amount": "1000.25", "weighted": "500.10"}"#,
            ),
            ("/data/without_rate/0", r#""CHF""#),
        ],
    }];
    type Output = PipelineSummary;

    async fn call(self, cx: &mut Cx) -> Result<PipelineSummary> {
        let pipeline = pipeline_or_default(cx, self.pipeline).await?;
        let as_of = cx.today();
        let mut rates = cx.rates(Some(as_of), as_of).await?;
        let stages = stages_of(cx, pipeline.id).await?;
        let (stages, total) = summarize(cx, pipeline.id, &stages, self.owner, &mut rates).await?;
        Ok(PipelineSummary {
            pipeline: Named {
                id: pipeline.id,
                name: Some(pipeline.name.to_string()),
            },
            as_of,
            stages,
            total: Values::of(&total, rates.base()),
            base_currency: rates.base(),
            rates: cx.rates_used(&rates),
            without_rate: rates.missing(),
        })
    }
}

/// The open deals of a pipeline by stage, and all together.
///
/// # Errors
/// What the database says.
pub async fn summarize(
    cx: &mut Cx,
    pipeline: Id<Pipeline>,
    stages: &[Saved<Stage>],
    owner: Option<Id<Member>>,
    rates: &mut Rates,
) -> Result<(Vec<StageFigures>, Tally<2>)> {
    let workspace = cx.workspace().id;
    let today = cx.today();
    let mut statement = sql("SELECT stage, currency, probability, COUNT(*) AS count, ")
        .sum("amount")
        .sql(" FROM deal WHERE archived_at IS NULL AND status = 'open' AND workspace = ")
        .value(workspace)
        .sql(" AND pipeline = ")
        .value(pipeline);
    if let Some(owner) = owner {
        statement = statement.sql(" AND owner = ").value(owner);
    }
    let rows = statement
        .sql(" GROUP BY stage, currency, probability")
        .rows(cx.tx())
        .await?;
    let mut total = Tally::default();
    let mut tallies: BTreeMap<i64, Tally<2>> = BTreeMap::new();
    for row in rows {
        let stage: Id<Stage> = row.get("stage")?;
        let usual = stages.iter().find(|other| other.id == stage);
        let percent = row
            .get::<Option<i64>>("probability")?
            .or(usual.map(|stage| stage.probability.get()))
            .unwrap_or(0);
        let worth = rates.worth(row.get("currency")?, today);
        let (count, amount) = (row.get("count")?, row.sum("amount")?);
        let sums = [amount, share_of(amount, percent)?];
        let of_stage = tallies.entry(stage.raw()).or_default();
        of_stage.add(worth, count, sums)?;
        total.add(worth, count, sums)?;
    }
    let open = stages.iter().filter(|stage| stage.kind == StageKind::Open);
    let figures = open.map(|stage| StageFigures {
        probability: stage.probability.get(),
        values: Values::of(
            &tallies.remove(&stage.id.raw()).unwrap_or_default(),
            rates.base(),
        ),
        stage: Named {
            id: stage.id,
            name: Some(stage.name.to_string()),
        },
    });
    Ok((figures.collect(), total))
}
