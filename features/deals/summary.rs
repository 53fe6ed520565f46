//! `get_pipeline_summary`

use std::collections::BTreeMap;

use bureau_kernel::figures::Tally;
use bureau_kernel::measures::Question;
use bureau_kernel::prelude::*;
use bureau_kernel::rates::{Rate, Rates};
use bureau_kernel::types::money::Currency;
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::measures::{OPEN, OPEN_WEIGHTED};
use crate::stages::{Pipeline, Stage, StageKind, pipeline_or_default, stages_of};
use crate::{DEALS, PLACE};

/// Of which pipeline, and whose deals.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetPipelineSummary {
    pipeline: Option<Id<Pipeline>>,
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
    const SPEC: Spec = Spec::reads("get_pipeline_summary", DEALS.read)
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
        let open = OpenDeals::of(cx, pipeline.id, self.owner, &mut rates).await?;
        Ok(PipelineSummary {
            pipeline: pipeline.named(),
            as_of,
            total: Values::of(&open.total, rates.base()),
            stages: open.stages,
            base_currency: rates.base(),
            rates: cx.rates_used(&rates),
            without_rate: rates.missing(),
        })
    }
}

/// The open deals of a pipeline in figures: by stage, and all together.
#[derive(Debug)]
pub struct OpenDeals {
    /// Its stages for open deals, in their order.
    pub stages: Vec<StageFigures>,
    /// All of them together.
    pub total: Tally<2>,
}

impl OpenDeals {
    /// Those of this pipeline, and of one person where one is named.
    ///
    /// # Errors
    /// What the database says.
    pub async fn of(
        cx: &mut Cx,
        pipeline: Id<Pipeline>,
        owner: Option<Id<Member>>,
        rates: &mut Rates,
    ) -> Result<Self> {
        let asked = Question {
            owner,
            filters: vec![("pipeline", pipeline.to_string())],
            by: vec!["stage"],
            ..Question::default()
        };
        let amounts = cx.measure(OPEN.id, &asked, rates).await?;
        let weighted = cx.measure(OPEN_WEIGHTED.id, &asked, rates).await?;
        let mut total = Tally::default();
        let mut of_stages = BTreeMap::new();
        for (amounts, weighted) in amounts.into_iter().zip(weighted) {
            let both = amounts.figure.money()?.beside(&weighted.figure.money()?);
            total.merge(&both)?;
            of_stages.insert(amounts.key.into_iter().next().flatten(), both);
        }
        let stages = stages_of(cx, pipeline).await?.into_iter();
        let open = stages.filter(|stage| stage.kind == StageKind::Open);
        let stages = open.map(|stage| {
            let tally = of_stages.remove(&Some(stage.id.to_string()));
            StageFigures {
                probability: stage.probability.get(),
                values: Values::of(&tally.unwrap_or_default(), rates.base()),
                stage: stage.named(),
            }
        });
        let stages = stages.collect();
        Ok(Self { stages, total })
    }
}
