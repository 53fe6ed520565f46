//! The record of an offer to a candidate, its versions, and what holds of every offer.

use bureau_kernel::prelude::*;
use bureau_kernel::types::money::{Amount, Currency, Money, shown};
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::OFFERS;
use crate::application::Application;

bureau_kernel::record! {
    /// What the firm offers a candidate.
    pub struct Offer: "offer", "off", "offer" {
        /// For which application.
        pub application: Id<Application>,
        /// Where it stands.
        pub status: Managed<OfferStatus> => [row],
        /// Which version this is, from 1.
        pub revision: Managed<i64> => [row],
        /// What is paid.
        pub pay: Amount => [row],
        /// Its currency.
        pub currency: Currency = "Default: the workspace's" => [row],
        /// For how long that is paid.
        pub pay_per: PayPeriod => [row],
        /// When the work begins.
        pub start_on: Option<NaiveDate> => [row],
        /// The last day on which it can be accepted.
        pub expires_on: Option<NaiveDate> => [row],
        /// What else is offered.
        pub terms: Option<LongText<5000>> => [row],
        /// When this version was sent.
        pub sent_on: Managed<Option<NaiveDate>> => [row],
        /// When it was accepted or declined.
        pub decided_on: Managed<Option<NaiveDate>> => [row],
        /// What the candidate said.
        pub decision: Managed<Option<ShortText<500>>> => [row],
        /// The versions before.
        pub earlier: Managed<Json<Vec<Version>>> => [row],
    }
}

/// For how long an amount is paid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PayPeriod {
    #[default]
    /// A year.
    Year,
    /// A month.
    Month,
    /// A day.
    Day,
    /// An hour.
    Hour,
}
bureau_kernel::text_column!(PayPeriod);

/// Where an offer stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OfferStatus {
    #[default]
    /// It is being written.
    Draft,
    /// It may be sent.
    Approved,
    /// The candidate has it.
    Sent,
    /// The candidate agreed.
    Accepted,
    /// The candidate did not.
    Declined,
}
bureau_kernel::text_column!(OfferStatus);

impl OfferStatus {
    /// Whether the candidate has said yes or no.
    #[must_use]
    pub const fn is_decided(self) -> bool {
        matches!(self, Self::Accepted | Self::Declined)
    }
}

/// A version that was approved or sent and followed by another, as it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Version {
    /// Which version.
    pub revision: i64,
    /// Where it stood.
    pub status: OfferStatus,
    /// What was to be paid.
    pub pay: Amount,
    /// Its currency.
    pub currency: Currency,
    /// For how long.
    pub pay_per: PayPeriod,
    /// When the work was to begin.
    pub start_on: Option<NaiveDate>,
    /// The last day on which it could be accepted.
    pub expires_on: Option<NaiveDate>,
    /// What else was offered.
    pub terms: Option<LongText<5000>>,
    /// When it was sent.
    pub sent_on: Option<NaiveDate>,
    /// When it was declined.
    pub decided_on: Option<NaiveDate>,
    /// What the candidate said.
    pub decision: Option<ShortText<500>>,
}

impl Offer {
    /// What the candidate reads.
    pub(crate) fn terms(&self) -> impl PartialEq + use<> {
        (
            (self.pay, self.currency, self.pay_per),
            (self.start_on, self.expires_on, self.terms.clone()),
        )
    }

    /// Empties what was written, in this version and those before.
    pub(crate) fn forget(&mut self) {
        self.terms = None;
        self.decision = Managed(None);
        for version in &mut self.earlier.0.0 {
            version.terms = None;
            version.decision = None;
        }
    }

    /// Makes a draft of it, the next version of what was approved or sent.
    pub(crate) fn revise(&mut self, before: &Self) {
        self.earlier.0.0.push(Version {
            revision: *before.revision,
            status: *before.status,
            pay: before.pay,
            currency: before.currency,
            pay_per: before.pay_per,
            start_on: before.start_on,
            expires_on: before.expires_on,
            terms: before.terms.clone(),
            sent_on: *before.sent_on,
            decided_on: *before.decided_on,
            decision: before.decision.0.clone(),
        });
        self.revision = Managed(*before.revision + 1);
        self.status = Managed(OfferStatus::Draft);
        self.sent_on = Managed(None);
        self.decided_on = Managed(None);
        self.decision = Managed(None);
    }
}

impl Record for Offer {
    const ACCESS: Access = OFFERS;

    fn label(&self) -> String {
        let pay = shown(self.pay.decimal(), self.currency);
        let per = bureau_kernel::store::enum_name(&self.pay_per);
        format!("Offer of {pay} {} a {per}", self.currency.code())
    }

    fn check(&mut self, workspace: &Workspace) -> Result<()> {
        self.currency = self.currency.or(workspace.currency);
        if *self.revision == 0 {
            self.revision = Managed(1);
        }
        if self.pay.raw() <= 0 {
            return Err(Error::invalid("pay", "pay is more than nothing."));
        }
        if let (Some(start), Some(expires)) = (self.start_on, self.expires_on)
            && expires > start
        {
            let message = "It would expire after the work began.";
            return Err(Error::invalid("expires_on", message));
        }
        Ok(())
    }

    /// What the candidate has binds the firm.
    fn commits(before: Option<&Self>, after: &Self) -> Option<Commitment> {
        let is_out =
            |offer: &Self| matches!(*offer.status, OfferStatus::Sent | OfferStatus::Accepted);
        (is_out(after) && !before.is_some_and(is_out)).then_some(Commitment {
            what: "send",
            worth: Some(Money {
                amount: after.pay,
                currency: after.currency,
            }),
        })
    }
}

/// Tools answer its columns and nothing beside them.
impl Presented for Offer {
    type Extra = Nothing;
    const ROW: &'static [&'static str] = &[];
}
