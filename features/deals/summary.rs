//! `get_pipeline_summary`

use std::collections::BTreeMap;

use bureau_kernel::prelude::*;
use bureau_kernel::rates::{Rate, Rates};
use bureau_kernel::store::sql;
use bureau_kernel::types::money::{Currency, SUM_COLUMNS, Sum, shown};
use chrono::NaiveDate;
use rust_decimal::Decimal;
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

/// How many deals, and what they are worth.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Values {
    /// How many.
    pub count: i64,
    /// Per currency.
    pub values: Vec<Value>,
    /// What of it a rate is known for, in the base currency.
    pub base_amount: String,
    /// The same, each deal weighted by its probability.
    pub base_weighted: String,
}

/// What deals of one currency are worth.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Value {
    /// ISO 4217.
    pub currency: Currency,
    /// How many deals.
    pub count: i64,
    /// Their amounts together.
    pub amount: String,
    /// The same, each weighted by its probability.
    pub weighted: String,
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
        let rates = cx.rates(as_of).await?;
        let stages = stages_of(cx, pipeline.id).await?;
        let (stages, total) = summarize(cx, pipeline.id, &stages, self.owner, &rates).await?;
        let foreign = total.currencies();
        let foreign: Vec<Currency> = foreign
            .filter(|currency| *currency != rates.base())
            .collect();
        Ok(PipelineSummary {
            pipeline: Named {
                id: pipeline.id,
                name: Some(pipeline.name.to_string()),
            },
            as_of,
            stages,
            total: total.shown(&rates),
            base_currency: rates.base(),
            rates: foreign
                .iter()
                .filter_map(|currency| rates.rate(*currency).cloned())
                .collect(),
            without_rate: foreign
                .into_iter()
                .filter(|currency| rates.rate(*currency).is_none())
                .collect(),
        })
    }
}

/// What is summed up before it is shown.
#[derive(Debug, Default)]
pub struct Tally {
    currencies: BTreeMap<&'static str, Entry>,
}

/// The deals of one currency.
#[derive(Debug, Clone, Copy)]
struct Entry {
    currency: Currency,
    count: i64,
    amount: Decimal,
    weighted: Decimal,
}

impl Tally {
    /// Counts deals of a currency in: how many, their sum, and how likely they are, in percent.
    ///
    /// # Errors
    /// [`Code::Internal`] for sums beyond all bounds.
    pub fn add(&mut self, currency: Currency, count: i64, sum: Sum, percent: i64) -> Result<()> {
        let beyond = || Error::internal("a sum of amounts beyond all bounds");
        self.put(Entry {
            currency,
            count,
            amount: sum.decimal().ok_or_else(beyond)?,
            weighted: sum.percent(percent).ok_or_else(beyond)?,
        });
        Ok(())
    }

    /// Counts in what another has counted.
    pub fn merge(&mut self, other: &Self) {
        other.currencies.values().for_each(|entry| self.put(*entry));
    }

    fn put(&mut self, entry: Entry) {
        let all = self
            .currencies
            .entry(entry.currency.code())
            .or_insert(Entry {
                count: 0,
                amount: Decimal::ZERO,
                weighted: Decimal::ZERO,
                ..entry
            });
        all.count += entry.count;
        all.amount = all.amount.saturating_add(entry.amount);
        all.weighted = all.weighted.saturating_add(entry.weighted);
    }

    /// How many deals were counted.
    #[must_use]
    pub fn count(&self) -> i64 {
        self.currencies.values().map(|entry| entry.count).sum()
    }

    /// The currencies of the deals.
    pub fn currencies(&self) -> impl Iterator<Item = Currency> {
        self.currencies.values().map(|entry| entry.currency)
    }

    /// The figures as they are answered.
    #[must_use]
    pub fn shown(&self, rates: &Rates) -> Values {
        let base = |pick: fn(&Entry) -> Decimal| {
            let entries = self.currencies.values();
            let known = entries.filter_map(|entry| rates.in_base(pick(entry), entry.currency));
            shown(
                known.fold(Decimal::ZERO, Decimal::saturating_add),
                rates.base(),
            )
        };
        let values = self.currencies.values().map(|entry| Value {
            currency: entry.currency,
            count: entry.count,
            amount: shown(entry.amount, entry.currency),
            weighted: shown(entry.weighted, entry.currency),
        });
        Values {
            count: self.count(),
            values: values.collect(),
            base_amount: base(|entry| entry.amount),
            base_weighted: base(|entry| entry.weighted),
        }
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
    rates: &Rates,
) -> Result<(Vec<StageFigures>, Tally)> {
    let workspace = cx.workspace().id;
    let mut statement = sql("SELECT stage, currency, probability, COUNT(*) AS count, ")
        .sql(SUM_COLUMNS)
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
    let mut tallies: BTreeMap<i64, Tally> = BTreeMap::new();
    for row in rows {
        let stage: Id<Stage> = row.get("stage")?;
        let currency: Currency = row.get("currency")?;
        let usual = stages.iter().find(|other| other.id == stage);
        let percent = row
            .get::<Option<i64>>("probability")?
            .or(usual.map(|stage| stage.probability.get()))
            .unwrap_or(0);
        let sum = Sum::from_parts(row.get("billions")?, row.get("rest")?);
        let count = row.get("count")?;
        let of_stage = tallies.entry(stage.raw()).or_default();
        of_stage.add(currency, count, sum, percent)?;
        total.add(currency, count, sum, percent)?;
    }
    let open = stages.iter().filter(|stage| stage.kind == StageKind::Open);
    let figures = open.map(|stage| StageFigures {
        probability: stage.probability.get(),
        values: tallies
            .remove(&stage.id.raw())
            .unwrap_or_default()
            .shown(rates),
        stage: Named {
            id: stage.id,
            name: Some(stage.name.to_string()),
        },
    });
    Ok((figures.collect(), total))
}
