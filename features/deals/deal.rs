//! The deal record and what holds of every deal.

use bureau_companies::Company;
use bureau_contacts::Contact;
use bureau_kernel::duplicates::distinct;
use bureau_kernel::prelude::*;
use bureau_kernel::resolve::{Called, CalledBy};
use bureau_kernel::store::{Value, enum_name};
use bureau_kernel::types::money::{Amount, Currency};
use bureau_kernel::types::text::folded;
use bureau_kernel::types::time::Timestamp;
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::stages::{Pipeline, Stage};
use crate::{CREATE_DEALS, DELETE_DEALS, READ_DEALS, UPDATE_DEALS};

bureau_kernel::record! {
    /// A sale that may come about.
    pub struct Deal: "deal", "deal", "deal" {
        /// What it is called.
        pub name: ShortText<200>,
        /// The pipeline that it goes through.
        pub pipeline: Managed<Id<Pipeline>>,
        /// Where it stands there.
        pub stage: Managed<Id<Stage>>,
        /// Since when it stands there.
        pub stage_since: Managed<Timestamp>,
        /// Whether it is open, or how it ended.
        pub status: DealStatus,
        /// The company that would buy.
        pub company: Option<Id<Company>>,
        /// The person to talk to.
        pub contact: Option<Id<Contact>>,
        /// Who looks after it.
        pub owner: Option<Id<Member>> = "Member",
        /// What it is worth.
        pub amount: Option<Amount>,
        /// The currency of the amount.
        pub currency: Currency = "Default: the workspace's",
        /// How likely it is won, in percent, where that is not the stage's.
        pub probability: Option<BoundedInt<0, 100>> = "Percent, if not the stage's",
        /// When it may be closed.
        pub expected_close: Option<NaiveDate>,
        /// When it was won or lost.
        pub closed_on: Option<NaiveDate> = "Default: today",
        /// Why it was lost.
        pub lost_reason: Option<ShortText<500>>,
        /// Where it came from.
        pub source: Option<ShortText<100>>,
        /// Labels.
        pub tags: Json<Vec<ShortText<50>>>,
        /// What to know about it.
        pub summary: Option<LongText<5000>>,
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
    const ACCESS: Access = Access {
        read: READ_DEALS,
        create: CREATE_DEALS,
        update: UPDATE_DEALS,
        delete: DELETE_DEALS,
    };

    // A deal that is closed goes on naming whom it was with, and does not hold on to them.
    const BLOCKS_DELETION_WHILE: &'static str = "status = 'open'";

    const CALLED: Called = Called::by(&[CalledBy::Column("sort_name")], "list_deals");

    fn label(&self) -> String {
        self.name.to_string()
    }

    fn check(&mut self, workspace: &Workspace) -> Result<()> {
        if self.currency == Currency::default() {
            self.currency = workspace.currency;
        }
        if let Some(amount) = self.amount {
            if amount.raw() < 0 {
                return Err(Error::invalid("amount", "amount cannot be below zero."));
            }
            if amount.rounded(self.currency) != amount {
                let (code, digits) = (self.currency.code(), self.currency.digits());
                let message = format!("{code} has {digits} digits after the decimal point.");
                return Err(Error::invalid("amount", message));
            }
        }
        distinct("tags", &mut self.tags, |a, b| folded(a) == folded(b))
    }

    fn index_keys(&self) -> Vec<(&'static str, String)> {
        let mut keys = vec![
            ("status", enum_name(&self.status)),
            ("stage", self.stage.to_string()),
        ];
        keys.extend(self.owner.map(|id| ("owner", id.to_string())));
        keys.extend(self.company.map(|id| ("company", id.to_string())));
        keys.extend(self.contact.map(|id| ("contact", id.to_string())));
        keys.extend(self.tags.iter().map(|tag| ("tag", folded(tag))));
        keys.extend(self.source.as_deref().map(|text| ("source", folded(text))));
        keys
    }

    fn derived(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("sort_name", Value::Text(folded(&self.name))),
            (
                "sort_amount",
                Value::Int(self.amount.map_or(NO_AMOUNT, Amount::raw)),
            ),
            (
                "sort_close",
                Value::Date(self.expected_close.unwrap_or(NEVER)),
            ),
        ]
    }

    fn text(&self) -> Option<SearchText> {
        let words = [self.source.as_deref(), self.lost_reason.as_deref()];
        let words = words.into_iter().flatten().map(str::to_owned);
        Some(SearchText {
            words: words
                .chain(self.tags.iter().map(ToString::to_string))
                .collect(),
            numbers: Vec::new(),
        })
    }
}

/// Where in an order by amount stands what has none: below all amounts.
const NO_AMOUNT: i64 = -1;
/// Where in an order by date stands what has none: at the end.
const NEVER: NaiveDate = day(9999, 12, 31);
/// The last day before [`NEVER`]: what bounds a list of what has a day at all.
pub(crate) const LAST_DAY: NaiveDate = day(9999, 12, 30);

const fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    match NaiveDate::from_ymd_opt(year, month, day) {
        Some(date) => date,
        None => NaiveDate::MAX,
    }
}
