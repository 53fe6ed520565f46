//! Payments: what customers paid on invoices, and what was paid back on credit notes.

use bureau_kernel::prelude::*;
use bureau_kernel::types::money::{Amount, Currency};
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::invoice::Invoice;
use crate::{READ_INVOICES, RECORD_PAYMENTS};

bureau_kernel::record! {
    /// A payment, or the reversal of one. It is never changed.
    pub struct Payment: "payment", "pay", "payment" {
        /// Which way the money went.
        pub direction: Managed<Direction> => [key],
        /// How much, all invoices together.
        pub amount: Managed<Amount>,
        /// ISO 4217.
        pub currency: Managed<Currency>,
        /// What of it is for which invoice.
        pub allocations: Managed<Json<Vec<Allocation>>> => [hidden],
        /// When it was paid.
        pub paid_on: Managed<NaiveDate>,
        /// How.
        pub method: Option<Method>,
        /// What stands on the statement.
        pub reference: Option<ShortText<140>> = "As on the statement" => [key],
        /// What to know about it.
        pub note: Option<LongText<1000>>,
        /// The payment that it takes back.
        pub reverses: Managed<Option<Id<Payment>>> => [key],
    }
}

/// Which way money went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The customer paid.
    #[default]
    In,
    /// The customer got money back.
    Out,
}
bureau_kernel::text_column!(Direction);

impl Direction {
    /// The other way.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::In => Self::Out,
            Self::Out => Self::In,
        }
    }
}

/// How something is paid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// From account to account.
    #[default]
    BankTransfer,
    /// Taken from the account.
    DirectDebit,
    /// By card.
    Card,
    /// In cash.
    Cash,
    /// By cheque.
    Cheque,
    /// Through a service such as PayPal.
    OnlineService,
    /// None of these.
    Other,
}
bureau_kernel::text_column!(Method);

/// What of a payment is for one invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Allocation {
    /// The invoice, or the credit note that is paid back.
    pub invoice: Id<Invoice>,
    /// How much, always above zero.
    pub amount: Amount,
}

impl Presented for Payment {
    type Extra = Nothing;
    const VIEW: &'static [&'static str] = &["attributes"];
}

impl Record for Payment {
    const ACCESS: Access = Access {
        read: READ_INVOICES,
        create: RECORD_PAYMENTS,
        update: RECORD_PAYMENTS,
        delete: RECORD_PAYMENTS,
    };

    const BLOCKS_DELETION_WHILE: &'static str = "1 = 0";

    fn label(&self) -> String {
        format!(
            "{} {} of {}",
            self.amount.0, self.currency.0, self.paid_on.0
        )
    }

    fn validate_transition(&self, _: Option<&Self>) -> Result<()> {
        let message = "A payment cannot be changed, deleted or taken back.";
        Err(Error::conflict(message).hint("Reverse it: record_payment with reverses."))
    }

    fn index_keys(&self) -> Vec<(&'static str, String)> {
        let mut keys = self.declared_keys();
        let settled = self.allocations.iter();
        keys.extend(settled.map(|allocation| ("invoice", allocation.invoice.to_string())));
        keys
    }
}
