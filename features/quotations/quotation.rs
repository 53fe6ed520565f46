//! The quotation record and what holds of every quotation.

use bureau_billing::{
    Discount, DocLine, Party, Seller, Totals, check_language, compute, lines_of, parties_of,
    rows_of,
};
use bureau_companies::Company;
use bureau_contacts::Contact;
use bureau_deals::Deal;
use bureau_kernel::numbered::{Numbered, Numbering};
use bureau_kernel::prelude::*;
use bureau_kernel::record::{Called, CalledBy, Exported, in_order};
use bureau_kernel::series::Series;
use bureau_kernel::store::Value;
use bureau_kernel::types::money::{Amount, Currency, Money};
use bureau_kernel::types::time::Timestamp;
use chrono::NaiveDate;
use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Data};

bureau_kernel::record! {
    /// An offer to a customer.
    pub struct Quotation: "quotation", "quo", "quotation" {
        /// What it is about.
        pub title: ShortText<200> => [sort_by("sort_title"), row],
        /// Where it stands.
        pub status: Managed<QuotationStatus> => [key, hidden],
        /// Its number; none before it was sent.
        pub number: Managed<Option<ShortText<40>>> => [key, search_digits, row],
        /// The series of the number.
        pub series: Managed<Option<Id<Series>>> => [hidden],
        /// The period of the series in which it is counted.
        pub period: Managed<Option<i64>> => [hidden],
        /// Its place in that period.
        pub serial: Managed<Option<i64>> => [hidden],
        /// Which version of it this is, from 1.
        pub revision: Managed<i64>,
        /// The versions that were sent before.
        pub earlier: Managed<Json<Vec<Sent>>> => [hidden],
        /// The company that would buy.
        pub company: Option<Id<Company>> = "Customer" => [filter, row],
        /// The person to whom it goes.
        pub contact: Option<Id<Contact>> => [filter, row],
        /// The customer's name, for lists.
        pub customer: Managed<Option<ShortText<200>>> => [search, row],
        /// The sale that it is for.
        pub deal: Option<Id<Deal>> => [filter, row],
        /// Who looks after it.
        pub owner: Option<Id<Member>> => [key],
        /// ISO 4217.
        pub currency: Currency = "Default: the workspace's" => [row],
        /// Until when it holds. In lists that counts once it was sent, and until it is decided.
        pub valid_until: Option<NaiveDate> = "Default: 30 days"
            => [sort_kept("sort_valid"), range("valid_after", "valid_before"), row],
        /// When this version was sent.
        pub sent_on: Managed<Option<NaiveDate>> => [range("sent_after", "sent_before"), row],
        /// When it was accepted or declined, or when it expired.
        pub decided_at: Managed<Option<Timestamp>>,
        /// Why it was declined, or what else the customer said.
        pub decision: Managed<Option<ShortText<500>>>,
        /// When an invoice was made from it.
        pub converted_at: Managed<Option<Timestamp>> => [hidden],
        /// What the buyer wants to see on it.
        pub reference: Option<ShortText<100>> => [search],
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
        /// What stands before the lines.
        pub introduction: Option<LongText<2000>>,
        /// What else there is to say.
        pub notes: Option<LongText<2000>> => [search],
        /// Who sells, as of the day on which it was sent.
        pub seller: Managed<Json<Option<Seller>>> => [hidden],
        /// Who would buy, as of that day.
        pub buyer: Managed<Json<Option<Party>>>,
        /// Without tax.
        pub net_total: Managed<Amount> => [row],
        /// The tax.
        pub tax_total: Managed<Amount>,
        /// With tax.
        pub gross_total: Managed<Amount> => [sort, order_as("total"), row],
    }
}

/// Where a quotation stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum QuotationStatus {
    /// It can be edited.
    #[default]
    Draft,
    /// The customer has it.
    Sent,
    /// The customer agreed.
    Accepted,
    /// The customer did not.
    Declined,
    /// It held no longer before the customer said anything.
    Expired,
}
bureau_kernel::text_column!(QuotationStatus);

/// A version that was sent and followed by another, as it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Sent {
    /// Which version.
    pub revision: i64,
    /// Where it stood: sent, declined or expired.
    pub status: QuotationStatus,
    /// What it was about.
    pub title: ShortText<200>,
    /// When it was sent.
    pub sent_on: Option<NaiveDate>,
    /// Until when it held.
    pub valid_until: Option<NaiveDate>,
    /// When it was declined, or when it expired.
    pub decided_at: Option<Timestamp>,
    /// What the customer said.
    pub decision: Option<ShortText<500>>,
    /// ISO 4217.
    pub currency: Currency,
    /// What the buyer wanted to see on it.
    pub reference: Option<ShortText<100>>,
    /// Its lines.
    pub lines: Vec<DocLine>,
    /// What was taken off the whole.
    pub discount: Option<Discount>,
    /// What was added to the whole.
    pub charge: Option<Amount>,
    /// What that was for.
    #[serde(default)]
    pub charge_for: Option<ShortText<60>>,
    /// Its language.
    #[serde(default)]
    pub language: Option<ShortText<5>>,
    /// What stood before the lines.
    pub introduction: Option<LongText<2000>>,
    /// What else it said.
    pub notes: Option<LongText<2000>>,
    /// Who sold.
    pub seller: Option<Seller>,
    /// Who would have bought.
    pub buyer: Option<Party>,
    /// Without tax.
    pub net_total: Amount,
    /// The tax.
    pub tax_total: Amount,
    /// With tax.
    pub gross_total: Amount,
}

impl Quotation {
    /// Its totals, computed again.
    ///
    /// # Errors
    /// As [`compute`].
    pub fn totals(&self) -> Result<Totals> {
        compute(
            &mut self.lines.clone().0,
            self.discount,
            self.charge,
            self.currency,
        )
    }

    /// What a message calls it: its number, never its title, which somebody wrote.
    #[must_use]
    pub fn called(&self) -> String {
        match &*self.number {
            Some(number) => number.to_string(),
            None => "This quotation".to_owned(),
        }
    }

    /// Where it stands on a day: one that was sent and holds no longer is expired, whether or not that was noted yet.
    #[must_use]
    pub fn stands(&self, today: NaiveDate) -> QuotationStatus {
        let is_over = self.valid_until.is_some_and(|last| last < today);
        match *self.status {
            QuotationStatus::Sent if is_over => QuotationStatus::Expired,
            status => status,
        }
    }

    /// Makes a draft of it, the next version of what was sent: `sent` is kept as it was. A day that has passed holds for
    /// the new version no longer.
    pub fn revise(&mut self, sent: Self, today: NaiveDate) {
        self.revision = Managed(*sent.revision + 1);
        self.status = Managed(QuotationStatus::Draft);
        self.valid_until = self.valid_until.filter(|last| *last >= today);
        self.sent_on = Managed(None);
        self.decided_at = Managed(None);
        self.decision = Managed(None);
        self.seller = Managed(Json(None));
        self.buyer = Managed(Json(None));
        self.earlier.0.0.push(Sent {
            revision: *sent.revision,
            status: *sent.status,
            title: sent.title,
            sent_on: *sent.sent_on,
            valid_until: sent.valid_until,
            decided_at: *sent.decided_at,
            decision: sent.decision.0,
            currency: sent.currency,
            reference: sent.reference,
            lines: sent.lines.0.0,
            discount: sent.discount,
            charge: sent.charge,
            charge_for: sent.charge_for,
            language: sent.language,
            introduction: sent.introduction,
            notes: sent.notes,
            seller: sent.seller.0.0,
            buyer: sent.buyer.0.0,
            net_total: *sent.net_total,
            tax_total: *sent.tax_total,
            gross_total: *sent.gross_total,
        });
    }

    /// Drops a draft that was made of what was sent, which stands again as it was. Answers whether there was such a version.
    pub fn drop_revision(&mut self) -> bool {
        let Some(sent) = self.earlier.0.0.pop() else {
            return false;
        };
        self.revision = Managed(sent.revision);
        self.status = Managed(sent.status);
        self.title = sent.title;
        self.sent_on = Managed(sent.sent_on);
        self.valid_until = sent.valid_until;
        self.decided_at = Managed(sent.decided_at);
        self.decision = Managed(sent.decision);
        self.currency = sent.currency;
        self.reference = sent.reference;
        self.lines = Managed(Json(sent.lines));
        self.discount = sent.discount;
        self.charge = sent.charge;
        self.charge_for = sent.charge_for;
        self.language = sent.language;
        self.introduction = sent.introduction;
        self.notes = sent.notes;
        self.seller = Managed(Json(sent.seller));
        self.buyer = Managed(Json(sent.buyer));
        true
    }

    /// What the customer reads, but for the lines and the names.
    #[must_use]
    pub fn offer(&self) -> impl PartialEq + use<> {
        (
            (self.title.clone(), self.reference.clone()),
            (self.currency, self.discount, self.charge, self.valid_until),
            (self.introduction.clone(), self.notes.clone()),
            (self.charge_for.clone(), self.language.clone()),
        )
    }

    /// What may not change while the customer has it.
    fn frozen(&self) -> impl PartialEq + use<> {
        (
            (
                self.number.clone(),
                *self.series,
                *self.period,
                *self.serial,
                *self.revision,
            ),
            (self.seller.clone(), self.buyer.clone(), self.lines.clone()),
            (*self.sent_on, self.offer()),
        )
    }
}

/// The numbers of quotations.
pub(crate) const QUOTATIONS: Numbering = Numbering {
    numbers: "quotations",
    pattern: "Q-{year}-{number:4}",
    yearly: true,
    in_order_of: None,
};

impl Numbered for Quotation {
    const SERIES: &'static [Numbering] = &[QUOTATIONS];
}

impl Record for Quotation {
    const ACCESS: Access = crate::QUOTATIONS;

    // One that came to an end goes on naming whom it was for, and does not hold on to them.
    const BLOCKS_DELETION_WHILE: &'static str =
        "(status IN ('draft', 'sent') OR (status = 'accepted' AND converted_at IS NULL))";

    const CALLED: Called = Called::by(
        &[CalledBy::Key("number"), CalledBy::Column("sort_title")],
        "list_quotations",
    );

    const EXPORTED: Exported = Exported {
        day: Some("sent_on"),
        open: &["sent"],
        inner: &[
            "series", "period", "serial", "earlier", "lines", "seller", "buyer",
        ],
        spelt: &[
            "buyer_name",
            "buyer_street",
            "buyer_postal_code",
            "buyer_city",
            "buyer_country",
            "buyer_vat_id",
            "seller_name",
            "seller_vat_id",
        ],
        figures: &[],
        parts: Some(lines_of(&[
            "title", "status", "number", "company", "customer", "currency", "sent_on",
        ])),
    };

    fn spelt<'a>(
        _: &'a mut Cx,
        quotations: &'a [Saved<Self>],
    ) -> BoxFuture<'a, Result<Vec<Map<String, Data>>>> {
        let spelt = |quotation: &Saved<Self>| {
            parties_of(quotation.seller.as_ref(), quotation.buyer.as_ref())
        };
        Box::pin(async move { Ok(quotations.iter().map(spelt).collect()) })
    }

    fn parts(&self) -> Vec<Map<String, Data>> {
        rows_of(&self.lines, self.currency)
    }

    fn label(&self) -> String {
        match &*self.number {
            Some(number) => format!("{number} {}", self.title),
            None => self.title.to_string(),
        }
    }

    fn check(&mut self, workspace: &Workspace) -> Result<()> {
        self.currency = self.currency.or(workspace.currency);
        if *self.revision == 0 {
            self.revision = Managed(1);
        }
        check_language(self.language.as_deref())?;
        let totals = compute(
            &mut self.lines.0.0,
            self.discount,
            self.charge,
            self.currency,
        )?;
        self.net_total = Managed(totals.net);
        self.tax_total = Managed(totals.tax);
        self.gross_total = Managed(totals.gross);
        Ok(())
    }

    fn validate_transition(&self, next: Option<&Self>) -> Result<()> {
        if *self.status == QuotationStatus::Draft && self.earlier.is_empty() {
            return Ok(());
        }
        let number = self.called();
        let refuse = |what: &str, hint: &str| {
            Err(Error::conflict(format!("{number} was sent and cannot be {what}.")).hint(hint))
        };
        match next {
            None => refuse(
                "deleted",
                "Note with update_quotation_status that it was declined.",
            ),
            Some(next)
                if self.converted_at.is_some()
                    && next.converted_at.is_some()
                    && *next.status != *self.status =>
            {
                Err(
                    Error::conflict(format!("{number} was converted to an invoice."))
                        .hint("Discard the draft invoice with update_invoice first."),
                )
            }
            // A new version starts as a draft that keeps the one that was sent.
            Some(next) if *next.status == QuotationStatus::Draft => {
                if next.earlier.len()
                    < self.earlier.len() + usize::from(*self.status != QuotationStatus::Draft)
                {
                    return refuse(
                        "taken back",
                        "Change it with update_quotation: that makes a new version.",
                    );
                }
                Ok(())
            }
            Some(next)
                if *self.status != QuotationStatus::Draft && next.frozen() != self.frozen() =>
            {
                refuse(
                    "changed",
                    "Change it with update_quotation: that makes a new version.",
                )
            }
            Some(_) => Ok(()),
        }
    }

    fn commits(before: Option<&Self>, after: &Self) -> Option<Commitment> {
        let is_draft = |quotation: &Self| *quotation.status == QuotationStatus::Draft;
        let stood_before = before.is_some_and(|before| before.earlier.len() > after.earlier.len());
        let is_sent = before.is_none_or(is_draft) && !is_draft(after);
        is_sent.then(|| Commitment {
            what: if stood_before {
                "drop the new version of"
            } else {
                "send"
            },
            worth: Some(Money {
                amount: *after.gross_total,
                currency: after.currency,
            }),
        })
    }

    fn derived(&self) -> Vec<(&'static str, Value)> {
        let counts = matches!(
            *self.status,
            QuotationStatus::Sent | QuotationStatus::Expired
        );
        let mut derived = self.declared_orders();
        derived.push(("name", Value::Text(Record::label(self))));
        derived.push(("sort_valid", in_order(&self.valid_until.filter(|_| counts))));
        derived
    }

    fn text(&self) -> Option<SearchText> {
        let mut text = self.declared_text()?;
        let lines = self.lines.iter().take(100);
        text.words
            .extend(lines.map(|line| line.description.to_string()));
        Some(text)
    }
}
