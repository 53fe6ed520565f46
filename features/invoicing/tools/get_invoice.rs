//! `get_invoice`

use bureau_billing::{Format, Rendered, render};
use bureau_kernel::prelude::*;
use bureau_kernel::types::money::Money;
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::READ_INVOICES;
use crate::document::invoice_document;
use crate::invoice::{Invoice, InvoiceKind, InvoiceStatus};
use crate::payment::{Direction, Method, Payment};
use crate::settle::credit_notes;
use crate::view::{InvoiceView, view};

/// Which invoice to read, and in what form.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetInvoice {
    invoice: Id<Invoice>,
    /// Add it; of a draft a pdf to look at
    document: Option<Format>,
}

/// An invoice with what was paid and credited.
#[derive(Serialize, JsonSchema)]
pub(crate) struct InvoiceDetails {
    #[serde(flatten)]
    invoice: InvoiceView,
    payments: Vec<PaymentRow>,
    credit_notes: Vec<Row<Invoice>>,
    /// Where its documents are read, once issued.
    resources: Vec<String>,
    document: Option<Rendered>,
}

/// What of a payment is for this invoice.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PaymentRow {
    id: Id<Payment>,
    direction: Direction,
    paid_on: NaiveDate,
    amount: Money,
    method: Option<Method>,
    reference: Option<ShortText<140>>,
    /// The payment that it takes back.
    reverses: Option<Named<Payment>>,
}

impl Tool for GetInvoice {
    const SPEC: Spec = Spec::reads("get_invoice", READ_INVOICES)
        .title("Get invoice")
        .about("Read an invoice with lines, taxes, payments, credit notes, or its document.")
        .busy_with("document");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Show me that invoice",
        before: &[
            Step {
                tool: "create_company",
                arguments: r#"{"name": "Acme Read"}"#,
                keep: &[("acme", "/data/id")],
            },
            Step {
                tool: "create_invoice",
                arguments: r#"{"company": "{acme}", "lines": [{"description": "Support", "quantity": "2.5", "unit": "hour", "unit_price": "80", "tax_rate": "20"}]}"#,
                keep: &[("draft", "/data/id")],
            },
        ],
        arguments: r#"{"invoice": "{draft}"}"#,
        expect: &[
            ("/data/lines/0/net_total", r#""200.00""#),
            ("/data/gross_total", r#""240.00""#),
            ("/data/payments", "null"),
        ],
    }];
    type Output = InvoiceDetails;

    async fn call(self, cx: &mut Cx) -> Result<InvoiceDetails> {
        let invoice = cx.get(self.invoice).await?;
        let payments = payments_of(cx, &invoice).await?;
        let notes = match *invoice.kind {
            InvoiceKind::Invoice => credit_notes(cx, invoice.id).await?,
            InvoiceKind::CreditNote => Vec::new(),
        };
        let credit_notes = cx.rows_of(notes).await?;
        let is_issued = *invoice.status != InvoiceStatus::Draft;
        let resources = if is_issued {
            let formats = Format::ALL.iter();
            formats
                .map(|format| format.uri("invoices", invoice.id))
                .collect()
        } else {
            Vec::new()
        };
        let document = match self.document {
            None => None,
            Some(format) => Some((invoice_document(cx, &invoice).await?, format)),
        };
        let invoice = view(cx, invoice).await?;
        let document = match document {
            None => None,
            Some((document, format)) => Some(render(cx, document, format).await?),
        };
        Ok(InvoiceDetails {
            invoice,
            payments,
            credit_notes,
            resources,
            document,
        })
    }
}

/// What was paid on an invoice, in the order of the days.
async fn payments_of(cx: &mut Cx, invoice: &Saved<Invoice>) -> Result<Vec<PaymentRow>> {
    let ids = cx
        .with_index_key::<Payment>("invoice", &invoice.id.to_string(), 1_000)
        .await?;
    let mut found: Vec<(i64, Saved<Payment>)> = cx.find_all(&ids).await?.into_iter().collect();
    found.sort_by_key(|(id, payment)| (*payment.paid_on, *id));
    let reversed = found.iter().filter_map(|(_, payment)| *payment.reverses);
    let reversed = cx.names(reversed.collect::<Vec<_>>()).await?;
    let row = |payment: Saved<Payment>| {
        let parts = payment.allocations.iter();
        let mine = parts.filter(|part| part.invoice == invoice.id);
        let amount: i64 = mine.map(|part| part.amount.raw()).sum();
        PaymentRow {
            id: payment.id,
            direction: *payment.direction,
            paid_on: *payment.paid_on,
            amount: Money {
                amount: bureau_kernel::types::money::Amount::from_raw(amount),
                currency: *payment.currency,
            },
            method: payment.method,
            reverses: payment.reverses.map(|id| reversed.of(id)),
            reference: payment.record.reference,
        }
    };
    Ok(found.into_iter().map(|(_, payment)| row(payment)).collect())
}
