//! Do the books add up? Looks at every live document and payment of a workspace and says what contradicts the rules that
//! the module keeps: a look from outside, which trusts nothing that a tool has computed.

use std::collections::{HashMap, HashSet};

use bureau_billing::{Findings, Pages, WRONG_TOTALS, audit_numbers};
use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use bureau_kernel::series::all_series;
use bureau_kernel::store::{Kind, enum_name, sql};
use bureau_kernel::types::id::Entity;
use bureau_kernel::types::money::{Amount, Currency};

use crate::credit::disagreement;
use crate::invoice::{CREDIT_NOTES, INVOICES, Invoice, InvoiceKind, InvoiceStatus};
use crate::payment::{Allocation, Direction, Payment};
use crate::settle::{credit_notes, status};

/// What contradicts the rules in the books of the workspace; nothing, where they are whole.
///
/// - Numbers have no gap in a series and period, no two documents have the same, and they are in the order of their dates.
/// - The totals of each document are what its lines come to.
/// - What credit notes take back of each line and rate is what their quantities come to, and with all quantities all of it.
/// - What is paid of an invoice is the sum of its payments less those that were reversed, each once; what is credited of it
///   is what its credit notes set off; both together are never more than it comes to; and its status says so.
///
/// Read in parts, and all of them from one snapshot: what others write meanwhile is in none of them.
///
/// # Errors
/// What the database says.
pub(crate) async fn audit(cx: &mut Cx) -> Result<Vec<Contradiction>> {
    let mut accounts = Accounts::default();
    audit_numbers::<Invoice>(cx, &mut accounts.findings).await?;
    accounts.series(cx).await?;
    accounts.payments(cx).await?;
    accounts.credit_notes(cx).await?;
    accounts.invoices(cx).await?;
    accounts.left_over();
    Ok(accounts.findings.into_vec())
}

/// What was read so far.
#[derive(Default)]
struct Accounts {
    findings: Findings,
    /// What payments say is paid of each invoice.
    paid: HashMap<i64, Paid>,
    /// What credit notes say of the invoice that they take back.
    credits: HashMap<i64, Credits>,
}

/// What payments say of an invoice.
struct Paid {
    sum: i64,
    currency: Currency,
    direction: Direction,
    /// The first of them.
    payment: Id<Payment>,
}

/// What credit notes say of an invoice.
struct Credits {
    gross: i64,
    set_off: i64,
    currency: Currency,
    /// The first of them.
    note: Id<Invoice>,
}

impl Accounts {
    fn say<E: Entity>(&mut self, record: Id<E>, what: impl Into<String>) {
        self.findings.say(record, what);
    }

    /// Looks for invoices with numbers of credit notes, and the other way round.
    async fn series(&mut self, cx: &mut Cx) -> Result<()> {
        for series in all_series(cx).await? {
            let kind = match &*series.numbers {
                numbers if numbers == INVOICES.numbers => InvoiceKind::Invoice,
                numbers if numbers == CREDIT_NOTES.numbers => InvoiceKind::CreditNote,
                _ => continue,
            };
            let rows = sql("SELECT id, number")
                .from_live::<Invoice>(cx)
                .sql(" AND serial IS NOT NULL AND series = ")
                .value(series.id)
                .sql(" AND kind <> ")
                .value(enum_name(&kind))
                .sql(" ORDER BY id LIMIT 1000")
                .rows(cx.tx())
                .await?;
            for row in rows {
                let (id, number): (Id<Invoice>, Option<String>) =
                    (row.get("id")?, row.get("number")?);
                let number = number.unwrap_or_default();
                self.say(id, format!("{number}: its number is of another series"));
            }
        }
        Ok(())
    }

    async fn payments(&mut self, cx: &mut Cx) -> Result<()> {
        let mut reversed = HashSet::new();
        let mut pages = Pages::of(Order::new("paid_on", "paid_on", Kind::Date));
        while let Some(page) = pages.next::<Payment>(cx).await? {
            let reverses: Vec<Id<Payment>> = page
                .iter()
                .filter_map(|payment| *payment.reverses)
                .collect();
            let originals: HashMap<i64, Saved<Payment>> =
                cx.find_all(&reverses).await?.into_iter().collect();
            for payment in page {
                self.payment(&payment);
                let Some(original) = *payment.reverses else {
                    continue;
                };
                if !reversed.insert(original.raw()) {
                    self.say(payment.id, format!("{original} is reversed twice"));
                }
                let mirrors = |original: &Saved<Payment>| {
                    original.reverses.is_none()
                        && original.archived_at.is_none()
                        && *original.direction == payment.direction.reversed()
                        && *original.paid_on <= *payment.paid_on
                        && (*original.amount, *original.currency)
                            == (*payment.amount, *payment.currency)
                        && original.allocations == payment.allocations
                };
                if !originals.get(&original.raw()).is_some_and(mirrors) {
                    self.say(payment.id, format!("it does not mirror {original}"));
                }
            }
        }
        Ok(())
    }

    fn payment(&mut self, payment: &Saved<Payment>) {
        let sum: i128 = payment
            .allocations
            .iter()
            .map(|part| i128::from(part.amount.raw()))
            .sum();
        if sum != i128::from(payment.amount.raw()) {
            self.say(payment.id, "its amount is not what its parts come to");
        }
        let is_above_zero = |part: &Allocation| part.amount.raw() > 0;
        if payment.allocations.is_empty() || !payment.allocations.iter().all(is_above_zero) {
            self.say(payment.id, "a part of it is not above zero");
        }
        let sign = if payment.reverses.is_some() { -1 } else { 1 };
        // A reversal goes the other way and is counted against what it reverses.
        let direction = match sign {
            1 => *payment.direction,
            _ => payment.direction.reversed(),
        };
        let mut differs = false;
        for part in payment.allocations.iter() {
            let paid = self.paid.entry(part.invoice.raw()).or_insert(Paid {
                sum: 0,
                currency: *payment.currency,
                direction,
                payment: payment.id,
            });
            paid.sum = paid.sum.saturating_add(sign * part.amount.raw());
            differs |= (paid.currency, paid.direction) != (*payment.currency, direction);
        }
        if differs {
            self.say(
                payment.id,
                "another payment on the same invoice is in another currency or direction",
            );
        }
    }

    async fn credit_notes(&mut self, cx: &mut Cx) -> Result<()> {
        let mut after = i64::MIN;
        loop {
            let rows = sql("SELECT id, credits, currency, gross_total, credited")
                .from_live::<Invoice>(cx)
                .sql(" AND credits IS NOT NULL AND status <> 'draft' AND id > ")
                .value(after)
                .sql(" ORDER BY id LIMIT 5000")
                .rows(cx.tx())
                .await?;
            let Some(end) = rows.last() else {
                return Ok(());
            };
            after = end.get("id")?;
            for row in rows {
                let note: Id<Invoice> = row.get("id")?;
                let currency: Currency = row.get("currency")?;
                let (gross, set_off): (i64, i64) = (row.get("gross_total")?, row.get("credited")?);
                let credits = self.credits.entry(row.get("credits")?).or_insert(Credits {
                    gross: 0,
                    set_off: 0,
                    currency,
                    note,
                });
                credits.gross = credits.gross.saturating_add(gross);
                credits.set_off = credits.set_off.saturating_add(set_off);
                if credits.currency != currency {
                    self.say(
                        note,
                        "another credit note of its invoice is in another currency",
                    );
                }
            }
        }
    }

    async fn invoices(&mut self, cx: &mut Cx) -> Result<()> {
        let mut pages = Pages::of(Order::CREATED);
        while let Some(page) = pages.next::<Invoice>(cx).await? {
            for invoice in page {
                if !is_computed(&invoice) {
                    self.say(invoice.id, WRONG_TOTALS);
                }
                let (paid, credits) = match *invoice.status {
                    // What is a draft is neither paid nor taken back: that is found with what is left over.
                    InvoiceStatus::Draft => (None, None),
                    _ => (
                        self.paid.remove(&invoice.id.raw()),
                        self.credits.remove(&invoice.id.raw()),
                    ),
                };
                for what in standing(&invoice, paid.as_ref(), credits.as_ref()) {
                    self.say(invoice.id, what);
                }
                if credits.is_some() {
                    let notes = credit_notes(cx, invoice.id).await?;
                    if let Some(part) = disagreement(&invoice, &notes)? {
                        let what =
                            "its credit notes take back what their quantities do not come to";
                        self.say(invoice.id, format!("{what}: {part}"));
                    }
                }
            }
        }
        Ok(())
    }

    /// What stands for an invoice that was not met.
    fn left_over(&mut self) {
        for (invoice, paid) in std::mem::take(&mut self.paid) {
            let invoice = Id::<Invoice>::from_raw(invoice);
            self.say(
                paid.payment,
                format!("it is for {invoice}, which is not issued"),
            );
        }
        for (invoice, credits) in std::mem::take(&mut self.credits) {
            let invoice = Id::<Invoice>::from_raw(invoice);
            self.say(
                credits.note,
                format!("it takes back {invoice}, which is not issued"),
            );
        }
    }
}

/// Whether an invoice's lines and totals are what they come to when they are computed again.
fn is_computed(invoice: &Invoice) -> bool {
    let mut again = invoice.clone();
    again.compute().is_ok_and(|totals| {
        let stored = (*invoice.net_total, *invoice.tax_total, *invoice.gross_total);
        again.lines == invoice.lines
            && stored == (totals.net, totals.tax, totals.gross)
            && totals.gross.raw() == totals.net.raw() + totals.tax.raw()
    })
}

/// What is wrong with how an invoice stands.
fn standing(invoice: &Invoice, paid: Option<&Paid>, credits: Option<&Credits>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut must = |holds: bool, what: &str| {
        if !holds {
            wrong.push(what.to_owned());
        }
    };
    let is_numbered = invoice.number.is_some()
        && invoice.series.is_some()
        && invoice.period.is_some()
        && invoice.serial.is_some();
    let (stored_paid, credited) = (invoice.paid.raw(), invoice.credited.raw());
    let lost = invoice.written_off.raw();
    if *invoice.status == InvoiceStatus::Draft {
        must(!is_numbered, "it is a draft and has a number");
        must(
            stored_paid == 0 && credited == 0 && lost == 0,
            "it is a draft and something of it is settled",
        );
        return wrong;
    }
    let is_invoice = *invoice.kind == InvoiceKind::Invoice;
    let is_frozen =
        invoice.issue_date.is_some() && invoice.seller.is_some() && invoice.buyer.is_some();
    must(
        is_numbered && is_frozen,
        "it is issued without number, day, seller or buyer",
    );
    must(
        is_invoice == invoice.credits.is_none(),
        "only a credit note takes back an invoice, and each does",
    );
    let gross = invoice.gross_total.raw();
    let sum = paid.map_or(0, |paid| paid.sum);
    let shown = Amount::from_raw;
    must(
        stored_paid == sum,
        &format!(
            "it says that {} is paid, and its payments come to {}",
            shown(stored_paid),
            shown(sum)
        ),
    );
    let way = if is_invoice {
        Direction::In
    } else {
        Direction::Out
    };
    must(
        paid.is_none_or(|paid| (paid.currency, paid.direction) == (invoice.currency, way)),
        "its payments are in another currency or direction",
    );
    let taken = credits.map_or(0, |credits| credits.gross);
    if is_invoice {
        must(
            *invoice.cancelled == (taken > 0 && taken == gross),
            "whether it was taken back whole is not what its credit notes say",
        );
        let set_off = credits.map_or(0, |credits| credits.set_off);
        must(
            credited == set_off,
            &format!(
                "it says that {} is credited, and its credit notes set off {}",
                shown(credited),
                shown(set_off)
            ),
        );
        must(
            taken <= gross,
            "its credit notes take back more than it comes to",
        );
        must(
            credits.is_none_or(|credits| credits.currency == invoice.currency),
            "its credit notes are in another currency",
        );
    } else {
        must(credits.is_none(), "a credit note takes back a credit note");
    }
    must(
        stored_paid >= 0 && credited >= 0 && lost >= 0 && stored_paid + credited + lost <= gross,
        "more of it is settled than it comes to",
    );
    let expected = status(invoice, is_invoice && taken > 0 && taken == gross);
    must(
        *invoice.status == expected,
        "its status does not fit what is settled",
    );
    wrong
}
