//! Invoices as tools answer them.

use bureau_billing::{LineView, TaxSummary, line_views};
use bureau_kernel::prelude::*;
use bureau_kernel::types::money::{Amount, Money};
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::invoice::{Invoice, InvoiceKind, InvoiceStatus};
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
}

impl Presented for Invoice {
    type Extra = Standing;
    const VIEW: &'static [&'static str] = &["attributes", "version", "created_at", "updated_at"];
    const ROW: &'static [&'static str] = &[];

    async fn extras(cx: &mut Cx, invoices: &[Saved<Self>], _: bool) -> Result<Vec<Standing>> {
        let today = cx.today();
        let standing = |invoice: &Saved<Self>| Standing {
            status: DisplayStatus::of(invoice, today),
            amount_paid: invoice.money(*invoice.paid),
            balance_due: invoice.money(invoice.balance()),
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
    Ok(InvoiceView {
        lines: line_views(invoice.lines.0.0.clone(), invoice.currency),
        discount_total: invoice.money(totals.discount),
        tax_summary: taxes.map(|tax| tax.shown(invoice.currency)).collect(),
        amount_credited: invoice.money(*invoice.credited),
        quotation: quotation.map(|id| quotations.of(id)),
        recurring_invoice: invoice.recurring.map(|id| plans.of(id)),
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
