//! Invoices as tools answer them.

use bureau_billing::{Discount, LineView, Party, TaxSummary, Terms, line_views};
use bureau_companies::Company;
use bureau_contacts::Contact;
use bureau_deals::Deal;
use bureau_kernel::prelude::*;
use bureau_kernel::types::money::{Amount, Currency, Money};
use bureau_kernel::types::time::Timestamp;
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Serialize;

use crate::invoice::{Invoice, InvoiceKind, InvoiceStatus};
use crate::recurring::RecurringInvoice;
use crate::source::Quotation;

/// An invoice or credit note.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InvoiceView {
    id: Id<Invoice>,
    kind: InvoiceKind,
    number: Option<ShortText<40>>,
    /// overdue: open after its due date
    status: DisplayStatus,
    customer: Option<ShortText<200>>,
    company: Option<Named<Company>>,
    contact: Option<Named<Contact>>,
    deal: Option<Named<Deal>>,
    owner: Option<Named<Member>>,
    issue_date: Option<NaiveDate>,
    due_date: Option<NaiveDate>,
    terms: Option<Terms>,
    delivered_on: Option<NaiveDate>,
    service_from: Option<NaiveDate>,
    service_to: Option<NaiveDate>,
    reference: Option<ShortText<100>>,
    currency: Currency,
    lines: Vec<LineView>,
    discount: Option<Discount>,
    discount_total: Money,
    charge: Option<Money>,
    net_total: Money,
    tax_summary: Vec<TaxSummary>,
    tax_total: Money,
    gross_total: Money,
    /// Of a credit note: paid back.
    amount_paid: Money,
    /// Taken back by credit notes; of a credit note: set off against its invoice.
    amount_credited: Money,
    /// Of a credit note: still to be paid back.
    balance_due: Money,
    notes: Option<LongText<2000>>,
    /// As of the day of issue.
    buyer: Option<Party>,
    /// The invoice that it takes back.
    credits: Option<Named<Invoice>>,
    quotation: Option<Named<Quotation>>,
    recurring_invoice: Option<Named<RecurringInvoice>>,
    attributes: Json<Attributes>,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// Where an invoice stands, overdue included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DisplayStatus {
    /// It can be edited.
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
pub async fn view(cx: &mut Cx, saved: Saved<Invoice>) -> Result<InvoiceView> {
    let today = cx.today();
    let companies = cx.names(saved.company).await?;
    let contacts = cx.names(saved.contact).await?;
    let deals = cx.names(saved.deal).await?;
    let owners = cx.names(saved.owner).await?;
    let invoices = cx.names(*saved.credits).await?;
    let quotation = saved.source.as_ref().and_then(AnyId::of::<Quotation>);
    let quotations = cx.names(quotation).await?;
    let plans = cx.names(*saved.recurring).await?;
    let totals = saved.totals()?;
    let balance = saved.balance();
    let invoice = saved.record;
    let currency = invoice.currency;
    let money = |amount: Amount| Money { amount, currency };
    let taxes = totals.taxes.iter();
    Ok(InvoiceView {
        id: saved.id,
        kind: *invoice.kind,
        status: DisplayStatus::of(&invoice, today),
        number: invoice.number.0,
        customer: invoice.customer.0,
        company: invoice.company.map(|id| companies.of(id)),
        contact: invoice.contact.map(|id| contacts.of(id)),
        deal: invoice.deal.map(|id| deals.of(id)),
        owner: invoice.owner.map(|id| owners.of(id)),
        issue_date: invoice.issue_date,
        due_date: invoice.due_date,
        terms: invoice.terms,
        delivered_on: invoice.delivered_on,
        service_from: invoice.service_from,
        service_to: invoice.service_to,
        reference: invoice.reference,
        currency,
        lines: line_views(invoice.lines.0.0, currency),
        discount: invoice.discount,
        discount_total: money(totals.discount),
        charge: invoice.charge.map(money),
        net_total: money(totals.net),
        tax_summary: taxes.map(|tax| tax.shown(currency)).collect(),
        tax_total: money(totals.tax),
        gross_total: money(totals.gross),
        amount_paid: money(*invoice.paid),
        amount_credited: money(*invoice.credited),
        balance_due: money(balance),
        notes: invoice.notes,
        buyer: invoice.buyer.0.0,
        credits: invoice.credits.map(|id| invoices.of(id)),
        quotation: quotation.map(|id| quotations.of(id)),
        recurring_invoice: invoice.recurring.map(|id| plans.of(id)),
        attributes: saved.attributes,
        version: saved.version,
        created_at: saved.created_at,
        updated_at: saved.updated_at,
    })
}

/// An invoice in a list.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InvoiceRow {
    id: Id<Invoice>,
    kind: InvoiceKind,
    number: Option<ShortText<40>>,
    status: DisplayStatus,
    customer: Option<ShortText<200>>,
    company: Option<Id<Company>>,
    contact: Option<Id<Contact>>,
    issue_date: Option<NaiveDate>,
    due_date: Option<NaiveDate>,
    currency: Currency,
    net_total: Money,
    gross_total: Money,
    amount_paid: Money,
    balance_due: Money,
}

/// Invoices as they stand in a list.
#[must_use]
pub fn rows(invoices: Vec<Saved<Invoice>>, today: NaiveDate) -> Vec<InvoiceRow> {
    let row = |saved: Saved<Invoice>| {
        let money = |amount: Amount| Money {
            amount,
            currency: saved.currency,
        };
        InvoiceRow {
            id: saved.id,
            kind: *saved.kind,
            status: DisplayStatus::of(&saved, today),
            issue_date: saved.issue_date,
            due_date: saved.due_date,
            currency: saved.currency,
            net_total: money(*saved.net_total),
            gross_total: money(*saved.gross_total),
            amount_paid: money(*saved.paid),
            balance_due: money(saved.balance()),
            company: saved.company,
            contact: saved.contact,
            number: saved.record.number.0,
            customer: saved.record.customer.0,
        }
    };
    invoices.into_iter().map(row).collect()
}
