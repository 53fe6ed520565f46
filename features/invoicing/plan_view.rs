//! Recurring invoices as tools answer them.

use bureau_billing::{Discount, DocLine, LineView, Terms, line_views, price};
use bureau_companies::Company;
use bureau_contacts::Contact;
use bureau_deals::Deal;
use bureau_kernel::prelude::*;
use bureau_kernel::types::money::{Amount, Currency, Money, shown};
use bureau_kernel::types::time::Timestamp;
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Serialize;

use crate::recurring::{Interval, PlanStatus, RecurringInvoice};

/// A recurring invoice.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PlanView {
    #[serde(flatten)]
    row: PlanRow,
    deal: Option<Named<Deal>>,
    owner: Option<Named<Member>>,
    starts_on: NaiveDate,
    terms: Option<Terms>,
    reference: Option<ShortText<100>>,
    lines: Vec<LineView>,
    discount: Option<Discount>,
    charge: Option<Money>,
    notes: Option<LongText<2000>>,
    attributes: Json<Attributes>,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// A recurring invoice in a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PlanRow {
    id: Id<RecurringInvoice>,
    name: ShortText<200>,
    status: PlanStatus,
    company: Option<Named<Company>>,
    contact: Option<Named<Contact>>,
    interval: Interval,
    every: BoundedInt<1, 60>,
    next_on: Option<NaiveDate>,
    last_on: Option<NaiveDate>,
    ends_on: Option<NaiveDate>,
    auto_issue: bool,
    currency: Currency,
    net_total: Money,
    gross_total: Money,
    /// Net in a month of 1/12 year.
    monthly_net: String,
}

/// A recurring invoice in a list, with its lines in words.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ListedPlan {
    #[serde(flatten)]
    row: PlanRow,
    items: Vec<String>,
}

/// Lines that a list names of each plan.
const NAMED: usize = 20;

fn describe(line: &DocLine, currency: Currency) -> String {
    let unit = line.unit.as_ref();
    let unit = unit.map_or_else(String::new, |unit| format!(" {unit}"));
    let discount = line.discount;
    let discount = discount.map_or_else(String::new, |off| format!(" less {off}"));
    let what = line.description.lines().next().unwrap_or_default();
    let (quantity, rate) = (line.quantity, line.tax.rate);
    let price = price(line.unit_price, currency);
    format!("{quantity}{unit} × {price}{discount}, tax {rate}%: {what}")
}

/// Recurring invoices as they stand in a list.
pub(crate) async fn rows(
    cx: &mut Cx,
    plans: Vec<Saved<RecurringInvoice>>,
) -> Result<Vec<ListedPlan>> {
    let items: Vec<Vec<String>> = plans
        .iter()
        .map(|plan| {
            let lines = plan.lines.iter().take(NAMED);
            lines.map(|line| describe(line, plan.currency)).collect()
        })
        .collect();
    let rows = heads(cx, &plans).await?;
    let rows = rows.into_iter().zip(items);
    Ok(rows.map(|(row, items)| ListedPlan { row, items }).collect())
}

async fn heads(cx: &mut Cx, plans: &[Saved<RecurringInvoice>]) -> Result<Vec<PlanRow>> {
    let companies = cx
        .names(plans.iter().filter_map(|plan| plan.company))
        .await?;
    let contacts = cx
        .names(plans.iter().filter_map(|plan| plan.contact))
        .await?;
    let row = |plan: &Saved<RecurringInvoice>| {
        let currency = plan.currency;
        let money = |amount: Amount| Money { amount, currency };
        PlanRow {
            id: plan.id,
            name: plan.name.clone(),
            status: plan.status,
            company: plan.company.map(|id| companies.of(id)),
            contact: plan.contact.map(|id| contacts.of(id)),
            interval: plan.interval,
            every: plan.every,
            next_on: *plan.next_on,
            last_on: *plan.last_on,
            ends_on: plan.ends_on,
            auto_issue: plan.auto_issue,
            currency,
            net_total: money(*plan.net_total),
            gross_total: money(*plan.gross_total),
            monthly_net: shown(plan.monthly_net(), currency),
        }
    };
    Ok(plans.iter().map(row).collect())
}

/// A recurring invoice with everything by name.
pub(crate) async fn view(cx: &mut Cx, plan: Saved<RecurringInvoice>) -> Result<PlanView> {
    let rows = heads(cx, std::slice::from_ref(&plan)).await?;
    let row = rows.into_iter().next();
    let row = row.ok_or_else(|| Error::internal("a plan has one row"))?;
    let deals = cx.names(plan.deal).await?;
    let owners = cx.names(plan.owner).await?;
    let currency = plan.currency;
    let record = plan.record;
    Ok(PlanView {
        row,
        deal: record.deal.map(|id| deals.of(id)),
        owner: record.owner.map(|id| owners.of(id)),
        starts_on: record.starts_on,
        terms: record.terms,
        reference: record.reference,
        lines: line_views(record.lines.0.0, currency),
        discount: record.discount,
        charge: record.charge.map(|amount| Money { amount, currency }),
        notes: record.notes,
        attributes: plan.attributes,
        version: plan.version,
        created_at: plan.created_at,
        updated_at: plan.updated_at,
    })
}
