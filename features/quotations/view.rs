//! Quotations as tools answer them.

use bureau_billing::{Discount, LineView, Party, TaxSummary, line_views};
use bureau_companies::Company;
use bureau_contacts::Contact;
use bureau_deals::Deal;
use bureau_invoicing::Invoice;
use bureau_kernel::prelude::*;
use bureau_kernel::types::money::{Amount, Currency, Money};
use bureau_kernel::types::time::Timestamp;
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Serialize;

use crate::quotation::{Quotation, QuotationStatus, Sent};

/// A quotation.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct QuotationView {
    id: Id<Quotation>,
    /// None before it is sent.
    number: Option<ShortText<40>>,
    title: ShortText<200>,
    /// As of today.
    status: QuotationStatus,
    /// Which version, from 1.
    revision: i64,
    customer: Option<ShortText<200>>,
    company: Option<Named<Company>>,
    contact: Option<Named<Contact>>,
    deal: Option<Named<Deal>>,
    owner: Option<Named<Member>>,
    valid_until: Option<NaiveDate>,
    sent_on: Option<NaiveDate>,
    /// When it was accepted or declined, or expired.
    decided_at: Option<Timestamp>,
    /// What the customer said.
    decision: Option<ShortText<500>>,
    reference: Option<ShortText<100>>,
    introduction: Option<LongText<2000>>,
    currency: Currency,
    lines: Vec<LineView>,
    discount: Option<Discount>,
    discount_total: Money,
    charge: Option<Money>,
    net_total: Money,
    tax_summary: Vec<TaxSummary>,
    tax_total: Money,
    gross_total: Money,
    notes: Option<LongText<2000>>,
    /// As of the day on which it was sent.
    buyer: Option<Party>,
    /// The invoice that was made from it.
    invoice: Option<Named<Invoice>>,
    attributes: Json<Attributes>,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// A quotation with everything by name.
///
/// # Errors
/// What the database says.
pub(crate) async fn view(cx: &mut Cx, saved: Saved<Quotation>) -> Result<QuotationView> {
    let companies = cx.names(saved.company).await?;
    let contacts = cx.names(saved.contact).await?;
    let deals = cx.names(saved.deal).await?;
    let owners = cx.names(saved.owner).await?;
    let invoice = invoice_of(cx, saved.id).await?;
    let totals = saved.totals()?;
    let status = saved.stands(cx.today());
    let quotation = saved.record;
    let currency = quotation.currency;
    let money = |amount: Amount| Money { amount, currency };
    let taxes = totals.taxes.iter();
    Ok(QuotationView {
        id: saved.id,
        number: quotation.number.0,
        title: quotation.title,
        status,
        revision: *quotation.revision,
        customer: quotation.customer.0,
        company: quotation.company.map(|id| companies.of(id)),
        contact: quotation.contact.map(|id| contacts.of(id)),
        deal: quotation.deal.map(|id| deals.of(id)),
        owner: quotation.owner.map(|id| owners.of(id)),
        valid_until: quotation.valid_until,
        sent_on: *quotation.sent_on,
        decided_at: *quotation.decided_at,
        decision: quotation.decision.0,
        reference: quotation.reference,
        introduction: quotation.introduction,
        currency,
        lines: line_views(quotation.lines.0.0, currency),
        discount: quotation.discount,
        discount_total: money(totals.discount),
        charge: quotation.charge.map(money),
        net_total: money(totals.net),
        tax_summary: taxes.map(|tax| tax.shown(currency)).collect(),
        tax_total: money(totals.tax),
        gross_total: money(totals.gross),
        notes: quotation.notes,
        buyer: quotation.buyer.0.0,
        invoice,
        attributes: saved.attributes,
        version: saved.version,
        created_at: saved.created_at,
        updated_at: saved.updated_at,
    })
}

/// The invoice that was made from a quotation.
///
/// # Errors
/// What the database says.
pub(crate) async fn invoice_of(
    cx: &mut Cx,
    quotation: Id<Quotation>,
) -> Result<Option<Named<Invoice>>> {
    let found = cx
        .with_index_key::<Invoice>("source", &quotation.to_string(), 1)
        .await?;
    let names = cx.names(found.iter().copied()).await?;
    Ok(found.first().map(|id| names.of(*id)))
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

/// A quotation in a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct QuotationRow {
    id: Id<Quotation>,
    number: Option<ShortText<40>>,
    title: ShortText<200>,
    status: QuotationStatus,
    customer: Option<ShortText<200>>,
    company: Option<Id<Company>>,
    contact: Option<Id<Contact>>,
    deal: Option<Id<Deal>>,
    sent_on: Option<NaiveDate>,
    valid_until: Option<NaiveDate>,
    currency: Currency,
    net_total: Money,
    gross_total: Money,
}

/// A quotation as it stands in a list on a day.
pub(crate) fn row(saved: Saved<Quotation>, today: NaiveDate) -> QuotationRow {
    let money = |amount: Amount| Money {
        amount,
        currency: saved.currency,
    };
    QuotationRow {
        id: saved.id,
        status: saved.stands(today),
        company: saved.company,
        contact: saved.contact,
        deal: saved.deal,
        sent_on: *saved.sent_on,
        valid_until: saved.valid_until,
        currency: saved.currency,
        net_total: money(*saved.net_total),
        gross_total: money(*saved.gross_total),
        number: saved.record.number.0,
        title: saved.record.title,
        customer: saved.record.customer.0,
    }
}
