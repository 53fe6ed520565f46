//! Quotations as tools answer them.

use bureau_billing::{Discount, LineView, TaxSummary, line_views};
use bureau_invoicing::Invoice;
use bureau_kernel::prelude::*;
use bureau_kernel::types::money::{Amount, Currency, Money};
use bureau_kernel::types::time::Timestamp;
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Serialize;

use crate::quotation::{Quotation, QuotationStatus, Sent};

/// Where a quotation stands.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Standing {
    /// As of today.
    status: QuotationStatus,
}

impl Presented for Quotation {
    type Extra = Standing;
    const VIEW: &'static [&'static str] = &["attributes", "version", "created_at", "updated_at"];
    const ROW: &'static [&'static str] = &[];

    async fn extras(cx: &mut Cx, quotations: &[Saved<Self>], _: bool) -> Result<Vec<Standing>> {
        let today = cx.today();
        let standing = |quotation: &Saved<Self>| Standing {
            status: quotation.stands(today),
        };
        Ok(quotations.iter().map(standing).collect())
    }
}

/// A quotation with its lines and taxes.
#[derive(Serialize, JsonSchema)]
pub(crate) struct QuotationView {
    #[serde(flatten)]
    quotation: View<Quotation>,
    lines: Vec<LineView>,
    discount_total: Money,
    tax_summary: Vec<TaxSummary>,
    /// The invoice that was made from it.
    invoice: Option<Named<Invoice>>,
}

/// A quotation with everything by name.
///
/// # Errors
/// What the database says.
pub(crate) async fn view(cx: &mut Cx, quotation: Saved<Quotation>) -> Result<QuotationView> {
    let totals = quotation.totals()?;
    let currency = quotation.currency;
    let money = |amount: Amount| Money { amount, currency };
    let taxes = totals.taxes.iter();
    Ok(QuotationView {
        lines: line_views(quotation.lines.0.0.clone(), currency),
        discount_total: money(totals.discount),
        tax_summary: taxes.map(|tax| tax.shown(currency)).collect(),
        invoice: invoice_of(cx, quotation.id).await?,
        quotation: cx.view(quotation).await?,
    })
}

/// The invoice that was made from a quotation, unless it was taken back whole.
///
/// # Errors
/// What the database says.
pub(crate) async fn invoice_of(
    cx: &mut Cx,
    quotation: Id<Quotation>,
) -> Result<Option<Named<Invoice>>> {
    let made = cx
        .with_index_key::<Invoice>("source", &quotation.to_string(), usize::MAX)
        .await?;
    let made = cx.find_all(&made).await?;
    let mut made = made.values().filter(|invoice| !*invoice.cancelled);
    let Some(id) = made.next().map(|invoice| invoice.id) else {
        return Ok(None);
    };
    Ok(Some(cx.names([id]).await?.of(id)))
}

/// A version that was sent before.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct EarlierView {
    revision: i64,
    title: ShortText<200>,
    status: QuotationStatus,
    sent_on: Option<NaiveDate>,
    valid_until: Option<NaiveDate>,
    decided_at: Option<Timestamp>,
    decision: Option<ShortText<500>>,
    currency: Currency,
    lines: Vec<LineView>,
    discount: Option<Discount>,
    charge: Option<Money>,
    net_total: Money,
    tax_total: Money,
    gross_total: Money,
}

impl From<Sent> for EarlierView {
    fn from(sent: Sent) -> Self {
        let currency = sent.currency;
        let money = |amount: Amount| Money { amount, currency };
        Self {
            revision: sent.revision,
            title: sent.title,
            status: sent.status,
            sent_on: sent.sent_on,
            valid_until: sent.valid_until,
            decided_at: sent.decided_at,
            decision: sent.decision,
            currency,
            lines: line_views(sent.lines, currency),
            discount: sent.discount,
            charge: sent.charge.map(money),
            net_total: money(sent.net_total),
            tax_total: money(sent.tax_total),
            gross_total: money(sent.gross_total),
        }
    }
}
