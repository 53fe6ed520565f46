//! `list_deals`

use bureau_companies::Company;
use bureau_contacts::Contact;
use bureau_kernel::list::Order;
use bureau_kernel::prelude::*;
use bureau_kernel::store::Kind;
use bureau_kernel::types::money::Amount;
use bureau_kernel::types::text::folded;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::deal::{Deal, DealStatus, LAST_DAY};
use crate::stages::{Pipeline, StageKind, pipeline_meant, stage_named, stages_of};
use crate::view::{DealRow, views};
use crate::{PLACE, READ_DEALS};

/// Which deals to list.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListDeals {
    /// Part of name, source, tag
    query: Option<ShortText<500>>,
    status: Option<DealStatus>,
    pipeline: Option<Id<Pipeline>>,
    /// Id or name
    stage: Option<ShortText<100>>,
    /// Member
    owner: Option<Id<Member>>,
    company: Option<Id<Company>>,
    contact: Option<Id<Contact>>,
    tag: Option<ShortText<50>>,
    min_amount: Option<Amount>,
    max_amount: Option<Amount>,
    close_after: Option<When>,
    close_before: Option<When>,
    /// Default newest first
    sort: Option<Sort>,
    descending: Option<bool>,
    limit: Option<Limit>,
    cursor: Option<Cursor>,
}

/// Orders that deals are listed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sort {
    Name,
    Amount,
    ExpectedClose,
    CreatedAt,
    UpdatedAt,
}

impl Sort {
    const fn order(self) -> Order {
        match self {
            Self::Name => Order::new("name", "sort_name", Kind::Text),
            Self::Amount => Order::new("amount", "sort_amount", Kind::Int),
            Self::ExpectedClose => {
                Order::new("expected_close", "sort_close", Kind::Date).within("status")
            }
            Self::CreatedAt => Order::CREATED,
            Self::UpdatedAt => Order::UPDATED,
        }
    }
}

impl Tool for ListDeals {
    const SPEC: Spec = Spec::reads("list_deals", READ_DEALS)
        .covers(PLACE)
        .title("List deals")
        .about("List deals by status, stage, value, dates and people, or search them.")
        .awaits(Awaits::Index);
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Which open deals of more than 10,000 do we have?",
            before: &[
                Step {
                    tool: "create_deal",
                    arguments: r#"{"name": "Big one", "amount": "25000", "stage": "Negotiation"}"#,
                    keep: &[("big", "/data/id")],
                },
                Step {
                    tool: "create_deal",
                    arguments: r#"{"name": "Small one", "amount": "900"}"#,
                    keep: &[],
                },
            ],
            arguments: r#"{"status": "open", "min_amount": "20000.01", "sort": "amount", "descending": true}"#,
            expect: &[
                ("/data/0/id", r#""{big}""#),
                ("/data/0/stage/name", r#""Negotiation""#),
            ],
        },
        Example {
            title: "What is in negotiation?",
            before: &[],
            arguments: r#"{"stage": "negotiation"}"#,
            expect: &[("/data/0/id", r#""{big}""#)],
        },
    ];
    type Output = Vec<DealRow>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<DealRow>> {
        let (after, before) = cx.dates(
            ("close_after", self.close_after.as_ref()),
            ("close_before", self.close_before.as_ref()),
        )?;
        let pipeline = match (&self.pipeline, &self.stage) {
            (None, None) => None,
            (pipeline, stage) => Some(pipeline_meant(cx, *pipeline, stage.as_deref()).await?),
        };
        let stage = match (pipeline, &self.stage) {
            (Some(pipeline), Some(name)) => {
                let stages = stages_of(cx, pipeline).await?;
                Some(stage_named(&stages, name)?.clone())
            }
            _ => None,
        };
        // Deals in such a stage are open, and of those there is an order of their own.
        let open = stage
            .as_ref()
            .is_some_and(|stage| stage.kind == StageKind::Open);
        let status = self.status.or(open.then_some(DealStatus::Open));
        let stage = stage.map(|stage| stage.id);
        let lowest = self.max_amount.map(|_| Amount::from_raw(0));
        let last = after.map(|_| LAST_DAY);
        let list = cx
            .list::<Deal>()
            .same("status", status)
            .equal("pipeline", pipeline.filter(|_| stage.is_none()))
            .same("stage", stage)
            .same("owner", self.owner)
            .same("company", self.company)
            .same("contact", self.contact)
            .term("tag", self.tag.as_deref().map(folded))
            // What has no amount or day is within no bounds of it: it stands below all amounts and after all days.
            .from("sort_amount", self.min_amount.or(lowest))
            .to("sort_amount", self.max_amount)
            .from("sort_close", after)
            .to("sort_close", before.or(last));
        // Newest first, unless an order is asked for.
        let newest = self.sort.is_none() && self.query.is_none();
        let page = list
            .query_or_page(
                self.query.as_deref(),
                self.sort.map(Sort::order),
                Sort::CreatedAt.order(),
                self.descending.or(newest.then_some(true)),
                self.limit.unwrap_or_default(),
                self.cursor.as_ref(),
            )
            .await?;
        let next = page.next;
        let rows = views(cx, page.rows).await?;
        let rows = rows.into_iter().map(DealRow::from).collect();
        Ok(cx.page(Page { rows, next }))
    }
}
