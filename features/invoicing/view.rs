//! Invoices as tools answer them.

use bureau_billing::{LineView, TaxSummary, line_views};
use bureau_kernel::prelude::*;
use bureau_kernel::types::money::{Amount, Money};
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::invoice::{Invoice, InvoiceKind, InvoiceStatus};
use crate::issue::obstacles;
use crate::recurring::RecurringInvoice;
use crate::source::Quotation;

/// Where an invoice stands, and what of it is settled.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Standing {
    /// overdue: open after its due date
    status: DisplayStatus,
    /// Of a credit note: paid back.
    amount_paid: Money,
    /// Of a credit note: still to be paid back.
    balance_due: Money,
    #[serde(skip_serializing_if = "Option::is_none")]
    days_overdue: Option<i64>,
    /// Waited for no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    amount_written_off: Option<Money>,
    /// The customer's address, where it is to be paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
}

impl Presented for Invoice {
    type Extra = Standing;
    const VIEW: &'static [&'static str] = &["attributes", "version", "created_at", "updated_at"];
    const ROW: &'static [&'static str] = &[];

    async fn extras(cx: &mut Cx, invoices: &[Saved<Self>], is_row: bool) -> Result<Vec<Standing>> {
        let today = cx.today();
        let standing = |invoice: &Saved<Self>| {
            let status = DisplayStatus::of(invoice, today);
            let is_late = status == DisplayStatus::Overdue;
            let due = invoice.due_date.filter(|_| is_late);
            let buyer = invoice.buyer.as_ref();
            let asks = is_row && invoice.status.is_open();
            let lost = *invoice.written_off;
            Standing {
                status,
                amount_paid: invoice.money(*invoice.paid),
                balance_due: invoice.money(invoice.balance()),
                days_overdue: due.map(|due| (today - due).num_days()),
                amount_written_off: (lost.raw() > 0).then(|| invoice.money(lost)),
                email: buyer.filter(|_| asks).and_then(|buyer| buyer.email.clone()),
            }
        };
        Ok(invoices.iter().map(standing).collect())
    }
}

/// An invoice or credit note with its lines and taxes.
#[derive(Serialize, JsonSchema)]
pub struct InvoiceView {
    #[serde(flatten)]
    invoice: View<Invoice>,
    lines: Vec<LineView>,
    discount_total: Money,
    tax_summary: Vec<TaxSummary>,
    /// Taken back by credit notes; of a credit note: set off against its invoice.
    amount_credited: Money,
    quotation: Option<Named<Quotation>>,
    recurring_invoice: Option<Named<RecurringInvoice>>,
    /// What stands in the way of issuing it as it is, or of its e-invoice.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    obstacles: Vec<String>,
    /// Whether this draft is deleted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    discarded: bool,
}

impl InvoiceView {
    /// The same with what stood in the way when it was issued.
    pub(crate) fn with(self, obstacles: Vec<String>) -> Self {
        Self { obstacles, ..self }
    }
}

/// Where an invoice stands, overdue included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DisplayStatus {
    /// It can be edited.
    #[default]
    Draft,
    /// It is to be paid.
    Issued,
    /// Something of it is settled.
    PartlyPaid,
    /// It should have been paid.
    Overdue,
    /// Nothing of it is open.
    Paid,
    /// What is open of it is waited for no longer.
    WrittenOff,
    /// Credit notes took all of it back.
    Credited,
}

impl DisplayStatus {
    /// Where an invoice stands on a day.
    #[must_use]
    pub fn of(invoice: &Invoice, today: NaiveDate) -> Self {
        let is_late = invoice.due_date.is_some_and(|due| due < today);
        match *invoice.status {
            InvoiceStatus::Draft => Self::Draft,
            InvoiceStatus::Issued | InvoiceStatus::PartlyPaid
                if is_late && *invoice.kind == InvoiceKind::Invoice =>
            {
                Self::Overdue
            }
            InvoiceStatus::Issued => Self::Issued,
            InvoiceStatus::PartlyPaid => Self::PartlyPaid,
            InvoiceStatus::Paid => Self::Paid,
            InvoiceStatus::WrittenOff => Self::WrittenOff,
            InvoiceStatus::Credited => Self::Credited,
        }
    }
}

/// An invoice with everything by name.
///
/// # Errors
/// What the database says.
pub async fn view(cx: &mut Cx, invoice: Saved<Invoice>) -> Result<InvoiceView> {
    let quotation = invoice.source.as_ref().and_then(AnyId::of::<Quotation>);
    let quotations = cx.names(quotation).await?;
    let plans = cx.names(*invoice.recurring).await?;
    let totals = invoice.totals()?;
    let taxes = totals.taxes.iter();
    let discarded = invoice.archived_at.is_some();
    let is_draft = *invoice.status == InvoiceStatus::Draft && !discarded;
    let obstacles = match is_draft {
        true => obstacles(cx, &invoice).await?,
        false => Vec::new(),
    };
    Ok(InvoiceView {
        lines: line_views(invoice.lines.0.0.clone(), invoice.currency),
        discount_total: invoice.money(totals.discount),
        tax_summary: taxes.map(|tax| tax.shown(invoice.currency)).collect(),
        amount_credited: invoice.money(*invoice.credited),
        quotation: quotation.map(|id| quotations.of(id)),
        recurring_invoice: invoice.recurring.map(|id| plans.of(id)),
        obstacles,
        discarded,
        invoice: cx.view(invoice).await?,
    })
}

impl Invoice {
    fn money(&self, amount: Amount) -> Money {
        Money {
            amount,
            currency: self.currency,
        }
    }
}
