//! Recurring invoices as tools answer them.

use bureau_billing::{DocLine, LineView, line_views, price};
use bureau_kernel::prelude::*;
use bureau_kernel::types::money::{Currency, shown};
use schemars::JsonSchema;
use serde::Serialize;

use crate::recurring::RecurringInvoice;

/// What a recurring invoice comes to.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Rhythm {
    /// Net in a month of 1/12 year.
    monthly_net: String,
    /// Its lines in words, in a list.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    items: Vec<String>,
}

/// Lines that a list names of each plan.
const NAMED: usize = 20;

impl Presented for RecurringInvoice {
    type Extra = Rhythm;
    const VIEW: &'static [&'static str] = &["attributes", "version", "created_at", "updated_at"];
    const ROW: &'static [&'static str] = &[];

    async fn extras(_: &mut Cx, plans: &[Saved<Self>], is_row: bool) -> Result<Vec<Rhythm>> {
        let rhythm = |plan: &Saved<Self>| {
            let named = plan.lines.iter().take(if is_row { NAMED } else { 0 });
            Rhythm {
                monthly_net: shown(plan.monthly_net(), plan.currency),
                items: named.map(|line| describe(line, plan.currency)).collect(),
            }
        };
        Ok(plans.iter().map(rhythm).collect())
    }
}

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

/// A recurring invoice with its lines.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PlanView {
    #[serde(flatten)]
    plan: View<RecurringInvoice>,
    lines: Vec<LineView>,
}

/// A recurring invoice with everything by name.
pub(crate) async fn view(cx: &mut Cx, plan: Saved<RecurringInvoice>) -> Result<PlanView> {
    Ok(PlanView {
        lines: line_views(plan.lines.0.0.clone(), plan.currency),
        plan: cx.view(plan).await?,
    })
}
