//! `record_payment`

use bureau_billing::{check_open, checked_digits};
use bureau_kernel::prelude::*;
use bureau_kernel::types::money::{Amount, Money, shown};
use bureau_kernel::types::text::folded;
use chrono::Days;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::RECORD_PAYMENTS;
use crate::invoice::{Invoice, InvoiceKind, InvoiceStatus};
use crate::payment::{Allocation, Direction, Payment};
use crate::settle::{hold, settle};

/// What was paid.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct RecordPayment {
    /// Invoice, or credit note paid back
    invoice: Option<Id<Invoice>>,
    /// Default: the balance
    amount: Option<Amount>,
    /// For several invoices
    allocations: Option<Vec<Part>>,
    /// Default today
    paid_on: Option<When>,
    /// Payment to take back
    reverses: Option<Id<Payment>>,
    /// What looks like a slip is meant
    anyway: Option<bool>,
    #[serde(flatten)]
    fields: Patch<Payment>,
}

/// What of a payment is for one invoice.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub(crate) struct Part {
    invoice: Id<Invoice>,
    amount: Option<Amount>,
}

/// A payment with the invoices as they stand after it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PaymentView {
    #[serde(flatten)]
    payment: View<Payment>,
    allocations: Vec<AllocationView>,
    invoices: Vec<Row<Invoice>>,
    /// Another payment of the same day and amount on the same invoice: is this one the same?
    #[serde(skip_serializing_if = "Option::is_none")]
    looks_like: Option<Named<Payment>>,
}

/// What of a payment is for one invoice.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AllocationView {
    invoice: Named<Invoice>,
    amount: Money,
}

impl Tool for RecordPayment {
    const SPEC: Spec = Spec::adds("record_payment", RECORD_PAYMENTS)
        // What is settled of the invoices.
        .covers(&[Covers::update::<Invoice>()])
        .title("Record payment")
        .about("Record a payment, part payment or refund, or reverse one.")
        .irreversible("reverse it: record_payment with reverses");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Acme paid 500 on that invoice",
            before: &[
                Step {
                    tool: "create_company",
                    arguments: r#"{"name": "Acme Pays"}"#,
                    keep: &[("acme", "/data/id")],
                },
                Step {
                    tool: "create_invoice",
                    arguments: r#"{"company": "{acme}", "currency": "EUR", "lines": [{"description": "Workshop", "unit_price": "1000", "tax_rate": "19"}]}"#,
                    keep: &[("invoice", "/data/id")],
                },
                Step {
                    tool: "issue_invoice",
                    arguments: r#"{"invoice": "{invoice}", "confirm": true}"#,
                    keep: &[],
                },
            ],
            arguments: r#"{"invoice": "{invoice}", "amount": "500", "method": "bank_transfer"}"#,
            expect: &[
                ("/data/amount", r#""500.00""#),
                ("/data/invoices/0/status", r#""partly_paid""#),
                ("/data/invoices/0/balance_due", r#""690.00""#),
            ],
        },
        Example {
            title: "The rest came in today",
            before: &[],
            arguments: r#"{"invoice": "{invoice}"}"#,
            expect: &[
                ("/data/amount", r#""690.00""#),
                ("/data/invoices/0/status", r#""paid""#),
            ],
        },
    ];
    type Output = PaymentView;

    async fn call(self, cx: &mut Cx) -> Result<PaymentView> {
        cx.require_trusted_clock().await?;
        let day = match &self.paid_on {
            Some(when) => cx.date("paid_on", when)?,
            None => cx.today(),
        };
        if day > cx.today() {
            let message = format!("{day} is still to come.");
            return Err(
                Error::invalid("paid_on", message).hint("Record it when the money is there.")
            );
        }
        check_open(cx, "paid_on", day).await?;
        let mut payment = self.fields.record(cx.local_time())?;
        payment.paid_on = Managed(day);
        let parts = self.parts()?;
        let mut alike = None;
        match self.reverses {
            Some(id) if parts.is_empty() => reverse(cx, &mut payment, id).await?,
            Some(_) => {
                let message = "A payment is reversed whole.";
                return Err(Error::invalid("reverses", message)
                    .hint("Leave invoice, amount and allocations out, and record what was really paid after it."));
            }
            None => {
                allocate(cx, &mut payment, parts).await?;
                self.check_sum(&payment)?;
                alike = self.check_plausible(cx, &payment).await?;
            }
        }
        let saved = cx.insert(payment, self.fields.attributes()?).await?;
        let invoices = settle_all(cx, &saved).await?;
        let names = cx.names(alike).await?;
        let alike = alike.map(|alike| names.of(alike));
        Ok(PaymentView {
            looks_like: alike,
            ..view(cx, saved, invoices).await?
        })
    }
}

impl RecordPayment {
    fn parts(&self) -> Result<Vec<Part>> {
        /// More invoices than anybody pays at once.
        const MOST: usize = 500;
        let parts = match (self.invoice, &self.allocations) {
            (Some(_), Some(_)) => {
                let message = "Give invoice, or allocations for several.";
                return Err(Error::invalid("allocations", message));
            }
            (Some(invoice), None) => vec![Part {
                invoice,
                amount: self.amount,
            }],
            (None, Some(parts)) => parts.clone(),
            (None, None) if self.reverses.is_some() && self.amount.is_none() => Vec::new(),
            (None, None) => {
                let message = "An invoice is required.";
                return Err(Error::invalid("invoice", message)
                    .hint("list_invoices finds what is open; for several give allocations."));
            }
        };
        if parts.len() > MOST {
            let message = format!("A payment is for {MOST} invoices at most.");
            return Err(Error::invalid("allocations", message));
        }
        Ok(parts)
    }

    /// Refuses what is likely a slip, unless the caller says that it is meant: a day long before the invoice, and a payment that
    /// was recorded already. Answers another payment that is only like it.
    async fn check_plausible(&self, cx: &mut Cx, payment: &Payment) -> Result<Option<Id<Payment>>> {
        const INSIST: &str = "Say anyway: true if it is meant.";
        /// Who pays before there is an invoice, pays not much before.
        const BEFORE: Days = Days::new(92);
        let is_meant = self.anyway.unwrap_or(false);
        let Some(first) = payment.allocations.first() else {
            return Ok(None);
        };
        let invoice = cx.get(first.invoice).await?;
        let earliest = invoice
            .issue_date
            .and_then(|day| day.checked_sub_days(BEFORE));
        if let Some(issued) = invoice.issue_date
            && earliest.is_some_and(|earliest| *payment.paid_on < earliest)
            && !is_meant
        {
            let message = format!("{} is of {issued}, long after that.", invoice.label());
            return Err(Error::invalid("paid_on", message).hint(INSIST));
        }
        let ids = cx
            .with_index_key::<Payment>("invoice", &first.invoice.to_string(), 1_000)
            .await?;
        let known: Vec<Saved<Payment>> = cx.find_all(&ids).await?.into_values().collect();
        let is_taken_back = |id| known.iter().any(|other| *other.reverses == Some(id));
        let mut alike = known.iter().filter(|other| {
            other.reverses.is_none()
                && !is_taken_back(other.id)
                && (*other.paid_on, *other.amount) == (*payment.paid_on, *payment.amount)
                && other.allocations == payment.allocations
        });
        let same_reference = |other: &&Saved<Payment>| {
            let folded = |payment: &Payment| payment.reference.as_deref().map(folded);
            payment.reference.is_some() && folded(other) == folded(payment)
        };
        match alike.clone().find(same_reference) {
            Some(same) if !is_meant => {
                let id = same.id;
                let existing = cx.names([id]).await?.of(id);
                let message = "A payment of this day, amount and reference is recorded already.";
                Err(Error::conflict(message)
                    .field("reference")
                    .hint(INSIST)
                    .detail("existing", existing))
            }
            _ => Ok(alike.next().map(|other| other.id)),
        }
    }

    /// Whether the parts come to the amount that was said, where one was.
    fn check_sum(&self, payment: &Payment) -> Result<()> {
        match self.amount {
            Some(amount) if amount != *payment.amount => {
                let message = format!("The allocations come to {}, not {amount}.", *payment.amount);
                Err(Error::invalid("amount", message)
                    .hint("Give each of the allocations its amount, or leave amount out."))
            }
            _ => Ok(()),
        }
    }
}

/// Fills a payment from its parts, each checked against what is open of its invoice.
async fn allocate(cx: &mut Cx, payment: &mut Payment, mut parts: Vec<Part>) -> Result<()> {
    if parts.is_empty() {
        let message = "A payment is for one invoice at least.";
        return Err(Error::invalid("allocations", message));
    }
    // Always in the same order, so that two payments on the same invoices do not wait for each other for ever.
    parts.sort_by_key(|part| part.invoice.raw());
    hold(cx, parts.iter().map(|part| part.invoice)).await?;
    let mut kind = None;
    let mut total = Decimal::ZERO;
    let mut allocations: Vec<Allocation> = Vec::new();
    for part in parts {
        if allocations
            .iter()
            .any(|known| known.invoice == part.invoice)
        {
            let message = format!("{} is named twice.", part.invoice);
            return Err(Error::invalid("allocations", message));
        }
        let invoice = cx.get(part.invoice).await?;
        let number = invoice.label();
        if *invoice.status == InvoiceStatus::Draft {
            let message = format!("{number} is not issued.");
            return Err(Error::conflict(message)
                .field("invoice")
                .hint("Issue it with issue_invoice first."));
        }
        match kind {
            None => {
                kind = Some((*invoice.kind, invoice.currency));
                payment.currency = Managed(invoice.currency);
            }
            Some((known, _)) if known != *invoice.kind => {
                let message =
                    "Invoices are paid and credit notes paid back: one payment is not both.";
                return Err(Error::invalid("allocations", message));
            }
            Some((_, currency)) if currency != invoice.currency => {
                let message = format!(
                    "{number} is in {}, and another one in {currency}.",
                    invoice.currency
                );
                return Err(Error::invalid("allocations", message)
                    .hint("Record a payment for each currency."));
            }
            Some(_) => {}
        }
        let balance = invoice.balance();
        let money = |amount: Amount| shown(amount.decimal(), invoice.currency);
        let amount = part.amount.unwrap_or(balance);
        if balance.raw() == 0 {
            let message = format!("Nothing of {number} is open.");
            return Err(Error::conflict(message).field("invoice"));
        }
        if amount.raw() <= 0 {
            return Err(Error::invalid("amount", "amount is above zero.")
                .hint("What goes back to the customer is recorded on a credit note."));
        }
        checked_digits("amount", amount, invoice.currency)?;
        if amount > balance {
            let message = format!(
                "{} is more than what is open of {number}: {}.",
                money(amount),
                money(balance)
            );
            return Err(Error::invalid("amount", message)
                .hint("Record the balance, and the rest on another invoice or with the next one.")
                .detail("balance_due", money(balance)));
        }
        total += amount.decimal();
        allocations.push(Allocation {
            invoice: part.invoice,
            amount,
        });
    }
    payment.direction = Managed(match kind {
        Some((InvoiceKind::CreditNote, _)) => Direction::Out,
        _ => Direction::In,
    });
    let total = Amount::from_decimal(total)
        .map_err(|_| Error::invalid("amount", "This comes to more than 900,000,000,000."))?;
    payment.amount = Managed(total);
    payment.allocations = Managed(Json(allocations));
    Ok(())
}

/// Fills a payment that takes another one back.
async fn reverse(cx: &mut Cx, payment: &mut Payment, id: Id<Payment>) -> Result<()> {
    let field = |error: Error| error.field("reverses");
    let original = cx.get(id).await.map_err(field)?;
    if original.reverses.is_some() {
        let message = "This is a reversal itself.";
        return Err(Error::conflict(message)
            .field("reverses")
            .hint("Record the payment again instead."));
    }
    let by = cx
        .with_index_key::<Payment>("reverses", &id.to_string(), 1)
        .await?;
    if let Some(by) = by.first() {
        let message = format!("It was reversed already, by {by}.");
        return Err(Error::conflict(message).field("reverses"));
    }
    if *payment.paid_on < *original.paid_on {
        let message = format!("The payment was made on {}.", *original.paid_on);
        return Err(Error::invalid("paid_on", message));
    }
    hold(cx, original.allocations.iter().map(|part| part.invoice)).await?;
    payment.reverses = Managed(Some(id));
    payment.direction = Managed(original.direction.reversed());
    payment.currency = original.currency;
    payment.amount = original.amount;
    payment.allocations = original.record.allocations;
    Ok(())
}

/// Counts a payment on its invoices, and brings them in step.
async fn settle_all(cx: &mut Cx, payment: &Saved<Payment>) -> Result<Vec<Saved<Invoice>>> {
    let sign = if payment.reverses.is_some() { -1 } else { 1 };
    let mut settled = Vec::new();
    for part in payment.allocations.iter() {
        let mut edit = cx.edit(part.invoice).await?;
        edit.paid = Managed(Amount::from_raw(edit.paid.raw() + sign * part.amount.raw()));
        // What is paid back of a credit note changes what is left to be set off.
        let invoice = edit.credits.unwrap_or(part.invoice);
        edit.save(cx).await?;
        settle(cx, invoice).await?;
        settled.push(cx.get(part.invoice).await?);
    }
    Ok(settled)
}

/// A payment as it is answered.
async fn view(
    cx: &mut Cx,
    payment: Saved<Payment>,
    invoices: Vec<Saved<Invoice>>,
) -> Result<PaymentView> {
    let names = cx.names(invoices.iter().map(|invoice| invoice.id)).await?;
    let parts = payment.allocations.iter().map(|part| AllocationView {
        invoice: names.of(part.invoice),
        amount: Money {
            amount: part.amount,
            currency: *payment.currency,
        },
    });
    Ok(PaymentView {
        allocations: parts.collect(),
        looks_like: None,
        payment: cx.view(payment).await?,
        invoices: cx.rows_of(invoices).await?,
    })
}
