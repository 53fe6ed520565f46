//! The deal record and what holds of every deal.

use bureau_companies::Company;
use bureau_contacts::Contact;
use bureau_kernel::duplicates::distinct;
use bureau_kernel::prelude::*;
use bureau_kernel::record::{Called, CalledBy};
use bureau_kernel::types::money::{Amount, Currency};
use bureau_kernel::types::text::folded;
use bureau_kernel::types::time::Timestamp;
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::DEALS;
use crate::stages::{Pipeline, Stage};

bureau_kernel::record! {
    /// A sale that may come about.
    pub struct Deal: "deal", "deal", "deal" {
        /// What it is called.
        pub name: ShortText<200>
            => [label, search, sort_by("sort_name"), row, import("deal, deal name, opportunity, opportunity name, title, subject")],
        /// The pipeline that it goes through.
        pub pipeline: Managed<Id<Pipeline>> => [import("sales pipeline, pipeline name")],
        /// Where it stands there.
        pub stage: Managed<Id<Stage>> => [key, row, import("deal stage, sales stage, pipeline stage, stage name")],
        /// Since when it stands there.
        pub stage_since: Managed<Timestamp>,
        /// Whether it is open, or how it ended.
        pub status: DealStatus => [filter, several, row, bulk, import("deal status, state")],
        /// The company that would buy.
        pub company: Option<Id<Company>>
            => [filter, row, import("company name, account, account name, organization, organisation, customer, \
                associated company")],
        /// The person to talk to.
        pub contact: Option<Id<Contact>>
            => [filter, row, import("contact name, person, contact person, primary contact, contact email, associated contact")],
        /// Who looks after it.
        pub owner: Option<Id<Member>>
            => [filter, row, bulk, import("deal owner, opportunity owner, assigned to, sales representative")],
        /// What it is worth.
        pub amount: Option<Amount>
            => [sort_by("sort_amount"), range("min_amount", "max_amount"), row, import("value, deal value, \
                deal amount, sum, betrag, amount in deal currency")],
        /// The currency of the amount.
        pub currency: Currency = "Default: the workspace's" => [row, import("currency code, deal currency, currency of value")],
        /// How likely it is won, in percent, where that is not the stage's.
        pub probability: Option<BoundedInt<0, 100>> = "Percent, if not the stage's"
            => [hidden, bulk, import("win probability, deal probability")],
        /// When it may be closed.
        pub expected_close: Option<NaiveDate> => [
            sort_by("sort_close"), within("status"), range("close_after", "close_before"), row, bulk,
            import("close date, expected close date, closing date, expected closing date"),
        ],
        /// When it was won or lost.
        pub closed_on: Option<NaiveDate> = "Default: today"
            => [range("closed_after", "closed_before"), row, bulk, import("closed date, won date, won time, lost date, lost time, closed at")],
        /// Why it was lost.
        pub lost_reason: Option<ShortText<500>> => [search, row, bulk, import("closed lost reason, loss reason, reason lost")],
        /// Where it came from.
        pub source: Option<ShortText<100>> => [search, key, bulk, import("lead source, original source, deal source")],
        /// Labels.
        pub tags: Json<Vec<ShortText<50>>> => [search, filter_as("tag"), import("tag, labels, label, categories, category")],
        /// What to know about it.
        pub summary: Option<LongText<5000>> => [import("notes, note, description, comment, comments, deal description")],
    }
}

/// Whether a deal is open, or how it ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DealStatus {
    #[default]
    /// It may still come about.
    Open,
    /// It came about.
    Won,
    /// It did not.
    Lost,
    /// It never was one.
    Unqualified,
}
bureau_kernel::text_column!(DealStatus);

impl DealStatus {
    /// The probability of a deal that is closed, in percent; `None` while it is open.
    #[must_use]
    pub const fn certainty(self) -> Option<i64> {
        match self {
            Self::Open => None,
            Self::Won => Some(100),
            Self::Lost | Self::Unqualified => Some(0),
        }
    }
}

impl Record for Deal {
    const ACCESS: Access = DEALS;

    // A deal that is closed goes on naming whom it was with, and does not hold on to them.
    const BLOCKS_DELETION_WHILE: &'static str = "status = 'open'";

    const CALLED: Called = Called::by(&[CalledBy::Column("sort_name")], "list_deals");

    fn check(&mut self, workspace: &Workspace) -> Result<()> {
        self.currency = self.currency.or(workspace.currency);
        if self.amount.is_some_and(|amount| amount.raw() < 0) {
            return Err(Error::invalid("amount", "amount cannot be below zero."));
        }
        distinct("tags", &mut self.tags, |a, b| folded(a) == folded(b))
    }
}
