//! The invoice record, which credit notes share, and what holds of every invoice.

use bureau_billing::{
    Discount, DocLine, Party, Seller, Share, Terms, Totals, check_language, compute,
    compute_shares, lines_of, parties_of, rows_of,
};
use bureau_companies::Company;
use bureau_contacts::Contact;
use bureau_deals::Deal;
use bureau_kernel::numbered::{Numbered, Numbering};
use bureau_kernel::prelude::*;
use bureau_kernel::record::{Called, CalledBy, Exported, Figures, in_order};
use bureau_kernel::series::Series;
use bureau_kernel::store::Value;
use bureau_kernel::types::id::AnyId;
use bureau_kernel::types::money::{Amount, Currency, Money};
use chrono::NaiveDate;
use futures::future::BoxFuture;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Data};

use crate::recurring::RecurringInvoice;
use crate::{CREATE_INVOICES, DELETE_INVOICES, READ_INVOICES, UPDATE_INVOICES};

bureau_kernel::record! {
    /// An invoice or a credit note.
    pub struct Invoice: "invoice", "inv", "invoice" {
        /// Which of the two.
        pub kind: Managed<InvoiceKind> => [filter, several, row],
        /// Where it stands.
        pub status: Managed<InvoiceStatus> => [key, hidden],
        /// Its number; none while it is a draft.
        pub number: Managed<Option<ShortText<40>>> => [key, search_digits, row],
        /// The series of the number.
        pub series: Managed<Option<Id<Series>>> => [hidden],
        /// The period of the series in which it is counted.
        pub period: Managed<Option<i64>> => [hidden],
        /// Its place in that period.
        pub serial: Managed<Option<i64>> => [hidden],
        /// The company that buys.
        pub company: Option<Id<Company>> = "Customer" => [filter, row],
        /// The person who buys, or to whom it goes.
        pub contact: Option<Id<Contact>> => [filter, row],
        /// The customer's name, for lists; an issued one has the whole buyer beside it.
        pub customer: Managed<Option<ShortText<200>>> => [search, sort_by("sort_customer"), row],
        /// The sale that it is for.
        pub deal: Option<Id<Deal>> => [filter],
        /// Who looks after it.
        pub owner: Option<Id<Member>> => [filter],
        /// What it was made from, where that is a record of another module, such as a quotation.
        pub source: Managed<Option<AnyId>> => [key, hidden],
        /// The plan that it was made from.
        pub recurring: Managed<Option<Id<RecurringInvoice>>> => [key, hidden],
        /// The day of the plan for which it was made.
        pub recurring_on: Managed<Option<NaiveDate>> => [hidden],
        /// The invoice that a credit note takes back.
        pub credits: Managed<Option<Id<Invoice>>> => [key],
        /// ISO 4217.
        pub currency: Currency = "Default: the workspace's" => [column_filter, row],
        /// The day on which it is or was issued.
        pub issue_date: Option<NaiveDate>
            => [sort_by("sort_issued"), range("issued_after", "issued_before"), row],
        /// Until when it is to be paid, also where a later day than that on its page was agreed on. In lists that counts while it is.
        pub due_date: Option<NaiveDate> => [sort_kept("sort_due"), range("due_after", "due_before"), row],
        /// Until when it is to be paid by its page.
        pub first_due: Managed<Option<NaiveDate>> => [hidden],
        /// The terms of payment.
        pub terms: Option<Terms> = "Such as net 30, end of month",
        /// When the goods were delivered or the service was done.
        pub delivered_on: Option<NaiveDate>,
        /// The first day of the period that it is for.
        pub service_from: Option<NaiveDate>,
        /// The last day of that period.
        pub service_to: Option<NaiveDate>,
        /// What the buyer wants to see on it.
        pub reference: Option<ShortText<100>> = "Buyer's order number" => [search],
        /// The lines.
        pub lines: Managed<Json<Vec<DocLine>>> => [hidden],
        /// What is taken off the whole.
        pub discount: Option<Discount> = "Off the whole: 10% or 5.00",
        /// What is added to the whole, such as shipping.
        pub charge: Option<Amount>,
        /// What that is for.
        pub charge_for: Option<ShortText<60>> = "Such as shipping",
        /// Its language, where it is not the seller's.
        pub language: Option<ShortText<5>> = "en, de, fr, es, it, nl, ar or he",
        /// Of a credit note: what it has of its invoice's discount, charge and tax at each rate.
        pub shares: Managed<Json<Option<Vec<Share>>>> => [hidden],
        /// What else there is to say on it.
        pub notes: Option<LongText<2000>> => [search],
        /// Who sells, as of the day of issue.
        pub seller: Managed<Json<Option<Seller>>> => [hidden],
        /// Who buys, as of the day of issue.
        pub buyer: Managed<Json<Option<Party>>>,
        /// Without tax.
        pub net_total: Managed<Amount> => [row],
        /// The tax.
        pub tax_total: Managed<Amount>,
        /// With tax.
        pub gross_total: Managed<Amount> => [sort, order_as("total"), at_least("min_total"), row],
        /// The rate of the day of issue, where it is in another currency than the workspace's.
        pub home: Managed<Json<Option<HomeRate>>> => [hidden],
        /// What was paid of an invoice, or paid back of a credit note.
        pub paid: Managed<Amount> => [hidden],
        /// What credit notes took off an invoice, or what of a credit note was set off against its invoice.
        pub credited: Managed<Amount> => [hidden],
        /// What of an invoice is waited for no longer.
        pub written_off: Managed<Amount> => [hidden],
        /// Whether credit notes took it back whole: what it was made from can be invoiced anew.
        pub cancelled: Managed<bool> => [hidden],
    }
}

/// What one unit of a document's currency was worth in the workspace's own when it was issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct HomeRate {
    /// The workspace's currency then.
    pub currency: Currency,
    /// The rate: a decimal.
    pub rate: String,
    /// The day of the rate.
    pub day: NaiveDate,
    /// Who said so.
    pub source: String,
}

impl HomeRate {
    /// The rate as a number.
    #[must_use]
    pub fn decimal(&self) -> Option<Decimal> {
        self.rate.parse().ok()
    }
}

/// An invoice, or what takes one back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InvoiceKind {
    /// Asks for payment.
    #[default]
    Invoice,
    /// Takes an invoice back, whole or in part. Its amounts are positive.
    CreditNote,
}
bureau_kernel::text_column!(InvoiceKind);

/// Where an invoice stands. That it is overdue follows from its due date.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InvoiceStatus {
    /// It can be edited, and nobody owes anything.
    #[default]
    Draft,
    /// It stands as it is, and nothing of it is settled.
    Issued,
    /// Something of it is settled.
    PartlyPaid,
    /// Nothing of it is open.
    Paid,
    /// What is open of it is waited for no longer.
    WrittenOff,
    /// Credit notes took all of it back.
    Credited,
}
bureau_kernel::text_column!(InvoiceStatus);

impl InvoiceStatus {
    /// Whether something is to be paid.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Issued | Self::PartlyPaid)
    }
}

impl Invoice {
    /// What is still to be paid; of a credit note, to be paid back.
    #[must_use]
    pub fn balance(&self) -> Amount {
        if *self.status == InvoiceStatus::Draft {
            return Amount::from_raw(0);
        }
        let settled = self.paid.raw() + self.credited.raw() + self.written_off.raw();
        Amount::from_raw(self.gross_total.raw() - settled)
    }

    /// Its totals, computed again.
    ///
    /// # Errors
    /// As [`compute`].
    pub fn totals(&self) -> Result<Totals> {
        self.computed(&mut self.lines.clone().0)
    }

    /// Computes the nets of its lines and its totals.
    ///
    /// # Errors
    /// As [`compute`].
    pub(crate) fn compute(&mut self) -> Result<Totals> {
        let mut lines = std::mem::take(&mut self.lines.0.0);
        let totals = self.computed(&mut lines);
        self.lines = Managed(Json(lines));
        totals
    }

    fn computed(&self, lines: &mut [DocLine]) -> Result<Totals> {
        match &self.shares.0.0 {
            Some(shares) => compute_shares(lines, shares, self.currency),
            None => compute(lines, self.discount, self.charge, self.currency),
        }
    }

    /// What may never change once it is issued.
    fn frozen(&self) -> impl PartialEq + use<> {
        (
            (
                *self.kind,
                self.number.clone(),
                *self.series,
                *self.period,
                *self.serial,
            ),
            (
                self.seller.clone(),
                self.buyer.clone(),
                self.lines.clone(),
                self.notes.clone(),
            ),
            (
                self.issue_date,
                *self.first_due,
                self.terms,
                self.delivered_on,
            ),
            (
                self.service_from,
                self.service_to,
                self.reference.clone(),
                *self.credits,
            ),
            (
                (self.currency, self.discount, self.charge),
                (self.charge_for.clone(), self.language.clone()),
                (self.shares.clone(), self.home.clone()),
            ),
            (*self.net_total, *self.tax_total, *self.gross_total),
        )
    }
}

/// The numbers of invoices.
pub(crate) const INVOICES: Numbering = Numbering {
    numbers: "invoices",
    pattern: "INV-{year}-{number:4}",
    yearly: true,
    in_order_of: Some("issue_date"),
};
/// The numbers of credit notes.
pub(crate) const CREDIT_NOTES: Numbering = Numbering {
    numbers: "credit_notes",
    pattern: "CN-{year}-{number:4}",
    yearly: true,
    in_order_of: Some("issue_date"),
};

impl Numbered for Invoice {
    const SERIES: &'static [Numbering] = &[INVOICES, CREDIT_NOTES];
}

impl Record for Invoice {
    const ACCESS: Access = Access {
        read: READ_INVOICES,
        create: CREATE_INVOICES,
        update: UPDATE_INVOICES,
        delete: DELETE_INVOICES,
    };

    // One that is settled goes on naming whom it was for, and does not hold on to them.
    const BLOCKS_DELETION_WHILE: &'static str = "status IN ('draft', 'issued', 'partly_paid')";

    const CALLED: Called = Called::by(&[CalledBy::Key("number")], "list_invoices");

    fn label(&self) -> String {
        match (&*self.number, *self.kind) {
            (Some(number), _) => number.to_string(),
            (None, InvoiceKind::Invoice) => "Draft invoice".to_owned(),
            (None, InvoiceKind::CreditNote) => "Draft credit note".to_owned(),
        }
    }

    fn check(&mut self, workspace: &Workspace) -> Result<()> {
        self.currency = self.currency.or(workspace.currency);
        if let (Some(from), Some(to)) = (self.service_from, self.service_to)
            && to < from
        {
            let message = "service_to is before service_from.";
            return Err(Error::invalid("service_to", message));
        }
        if let (Some(issued), Some(due)) = (self.issue_date, self.due_date)
            && due < issued
        {
            return Err(Error::invalid("due_date", "due_date is before issue_date."));
        }
        check_language(self.language.as_deref())?;
        let totals = self.compute()?;
        self.net_total = Managed(totals.net);
        self.tax_total = Managed(totals.tax);
        self.gross_total = Managed(totals.gross);
        Ok(())
    }

    fn validate_transition(&self, next: Option<&Self>) -> Result<()> {
        if *self.status == InvoiceStatus::Draft {
            return Ok(());
        }
        let number = self.label();
        let refuse = |what: &str| {
            let message = format!("{number} is issued and cannot be {what}.");
            Err(Error::conflict(message).hint(match *self.kind {
                InvoiceKind::Invoice => {
                    "Its owner, deal and due_date can be changed, and what is open written off. Correct all else with create_credit_note, and a new invoice if need be."
                }
                InvoiceKind::CreditNote => "Correct it with a new invoice.",
            }))
        };
        match next {
            None => refuse("deleted"),
            Some(next) if *next.status == InvoiceStatus::Draft => refuse("taken back"),
            Some(next) if next.frozen() != self.frozen() => refuse("changed"),
            Some(_) => Ok(()),
        }
    }

    fn commits(before: Option<&Self>, after: &Self) -> Option<Commitment> {
        let is_draft = |invoice: &Self| *invoice.status == InvoiceStatus::Draft;
        let is_issued = before.is_none_or(is_draft) && !is_draft(after);
        is_issued.then(|| Commitment {
            what: "issue",
            worth: Some(Money {
                amount: *after.gross_total,
                currency: after.currency,
            }),
        })
    }

    fn derived(&self) -> Vec<(&'static str, Value)> {
        let open = self.status.is_open() && *self.kind == InvoiceKind::Invoice;
        let due = self.due_date.filter(|_| open);
        let mut derived = self.declared_orders();
        derived.push(("name", Value::Text(self.label())));
        derived.push(("sort_due", in_order(&due)));
        let balance = if open { self.balance().raw() } else { 0 };
        derived.push(("sort_balance", Value::Int(balance)));
        derived
    }

    const EXPORTED: Exported = Exported {
        day: Some("issue_date"),
        open: &["issued", "partly_paid"],
        inner: &[
            "series",
            "period",
            "serial",
            "source",
            "recurring_on",
            "first_due",
            "lines",
            "shares",
            "seller",
            "buyer",
            "home",
        ],
        spelt: &[
            "balance",
            "home_currency",
            "home_rate",
            "buyer_name",
            "buyer_street",
            "buyer_postal_code",
            "buyer_city",
            "buyer_country",
            "buyer_vat_id",
            "seller_name",
            "seller_vat_id",
        ],
        figures: &[("balance", Figures::Money), ("home_rate", Figures::Other)],
        parts: Some(lines_of(&[
            "kind",
            "status",
            "number",
            "company",
            "customer",
            "currency",
            "issue_date",
        ])),
    };

    fn spelt<'a>(
        _: &'a mut Cx,
        invoices: &'a [Saved<Self>],
    ) -> BoxFuture<'a, Result<Vec<Map<String, Data>>>> {
        let spelt = |invoice: &Saved<Self>| {
            let mut spelt = parties_of(invoice.seller.as_ref(), invoice.buyer.as_ref());
            spelt.insert("balance".into(), invoice.balance().to_string().into());
            if let Some(home) = invoice.home.as_ref() {
                spelt.insert("home_currency".into(), home.currency.to_string().into());
                spelt.insert("home_rate".into(), home.rate.as_str().into());
            }
            spelt
        };
        Box::pin(async move { Ok(invoices.iter().map(spelt).collect()) })
    }

    fn parts(&self) -> Vec<Map<String, Data>> {
        rows_of(&self.lines, self.currency)
    }

    fn text(&self) -> Option<SearchText> {
        let mut text = self.declared_text()?;
        let lines = self.lines.iter().take(100);
        text.words
            .extend(lines.map(|line| line.description.to_string()));
        Some(text)
    }
}
