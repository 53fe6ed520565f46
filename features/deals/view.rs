//! A deal as tools answer it: with the names of what it refers to, and its amount in its currency's digits.

use bureau_companies::Company;
use bureau_contacts::Contact;
use bureau_kernel::prelude::*;
use bureau_kernel::types::money::{Currency, Money};
use bureau_kernel::types::time::Timestamp;
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Serialize;

use crate::deal::{Deal, DealStatus};
use crate::stages::{Pipeline, Stage, stages_of};

/// A deal.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DealView {
    id: Id<Deal>,
    name: ShortText<200>,
    status: DealStatus,
    pipeline: Named<Pipeline>,
    stage: Named<Stage>,
    stage_since: Timestamp,
    amount: Option<Money>,
    currency: Currency,
    /// Percent: its own or its stage's while it is open, and what came of it afterwards.
    probability: i64,
    expected_close: Option<NaiveDate>,
    closed_on: Option<NaiveDate>,
    lost_reason: Option<ShortText<500>>,
    company: Option<Named<Company>>,
    contact: Option<Named<Contact>>,
    owner: Option<Named<Member>>,
    source: Option<ShortText<100>>,
    tags: Vec<ShortText<50>>,
    summary: Option<LongText<5000>>,
    attributes: Json<Attributes>,
    version: i64,
    created_at: Timestamp,
    created_by: Option<Id<Member>>,
    updated_at: Timestamp,
}

/// A deal in a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct DealRow {
    id: Id<Deal>,
    name: ShortText<200>,
    status: DealStatus,
    stage: Named<Stage>,
    amount: Option<Money>,
    currency: Currency,
    probability: i64,
    expected_close: Option<NaiveDate>,
    closed_on: Option<NaiveDate>,
    lost_reason: Option<ShortText<500>>,
    company: Option<Named<Company>>,
    contact: Option<Named<Contact>>,
    owner: Option<Named<Member>>,
    updated_at: Timestamp,
}

/// The same deals with everything by name.
pub(crate) async fn views(cx: &mut Cx, deals: Vec<Saved<Deal>>) -> Result<Vec<DealView>> {
    let pipelines = cx.names(deals.iter().map(|deal| *deal.pipeline)).await?;
    let stages = stages_for(cx, &deals).await?;
    let stage_names = cx.names(deals.iter().map(|deal| *deal.stage)).await?;
    let companies = cx
        .names(deals.iter().filter_map(|deal| deal.company))
        .await?;
    let contacts = cx
        .names(deals.iter().filter_map(|deal| deal.contact))
        .await?;
    let owners = cx.names(deals.iter().filter_map(|deal| deal.owner)).await?;
    let view = |saved: Saved<Deal>| {
        let deal = saved.record;
        let stage = stages.iter().find(|stage| stage.id == *deal.stage);
        let usual = stage.map_or(0, |stage| stage.probability.get());
        DealView {
            id: saved.id,
            name: deal.name,
            status: deal.status,
            pipeline: pipelines.of(*deal.pipeline),
            stage: stage_names.of(*deal.stage),
            stage_since: *deal.stage_since,
            amount: deal.amount.map(|amount| Money {
                amount,
                currency: deal.currency,
            }),
            currency: deal.currency,
            probability: deal
                .status
                .certainty()
                .unwrap_or(deal.probability.map_or(usual, BoundedInt::get)),
            expected_close: deal.expected_close,
            closed_on: deal.closed_on,
            lost_reason: deal.lost_reason,
            company: deal.company.map(|id| companies.of(id)),
            contact: deal.contact.map(|id| contacts.of(id)),
            owner: deal.owner.map(|id| owners.of(id)),
            source: deal.source,
            tags: deal.tags.0,
            summary: deal.summary,
            attributes: saved.attributes,
            version: saved.version,
            created_at: saved.created_at,
            created_by: saved.created_by,
            updated_at: saved.updated_at,
        }
    };
    Ok(deals.into_iter().map(view).collect())
}

/// One deal with everything by name.
pub(crate) async fn view(cx: &mut Cx, deal: Saved<Deal>) -> Result<DealView> {
    let views = views(cx, vec![deal]).await?;
    views
        .into_iter()
        .next()
        .ok_or_else(|| Error::internal("a deal has one view"))
}

impl From<DealView> for DealRow {
    fn from(deal: DealView) -> Self {
        Self {
            id: deal.id,
            name: deal.name,
            status: deal.status,
            stage: deal.stage,
            amount: deal.amount,
            currency: deal.currency,
            probability: deal.probability,
            expected_close: deal.expected_close,
            closed_on: deal.closed_on,
            lost_reason: deal.lost_reason,
            company: deal.company,
            contact: deal.contact,
            owner: deal.owner,
            updated_at: deal.updated_at,
        }
    }
}

/// The stages of the pipelines of these deals. They are listed and not got: a call that writes a deal does not lock its
/// stage for all other deals. A stage that was deleted is not among them, and no deal in it is open.
async fn stages_for(cx: &mut Cx, deals: &[Saved<Deal>]) -> Result<Vec<Saved<Stage>>> {
    let mut pipelines: Vec<Id<Pipeline>> = deals.iter().map(|deal| *deal.pipeline).collect();
    pipelines.sort_unstable();
    pipelines.dedup();
    let mut stages = Vec::new();
    for pipeline in pipelines {
        stages.extend(stages_of(cx, pipeline).await?);
    }
    Ok(stages)
}
