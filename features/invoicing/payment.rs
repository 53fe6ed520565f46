//! Payments: what customers paid on invoices, and what was paid back on credit notes.

use std::collections::HashMap;

use bureau_kernel::prelude::*;
use bureau_kernel::record::Exported;
use bureau_kernel::store::sql;
use bureau_kernel::types::money::{Amount, Currency, Money};
use chrono::NaiveDate;
use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Data};

use crate::invoice::Invoice;
use crate::{READ_INVOICES, RECORD_PAYMENTS};

bureau_kernel::record! {
    /// A payment, or the reversal of one. It is never changed.
    pub struct Payment: "payment", "pay", "payment" {
        /// Which way the money went.
        pub direction: Managed<Direction> => [filter, row],
        /// How much, all invoices together.
        pub amount: Managed<Amount> => [sort, at_least("min_amount"), row],
        /// ISO 4217.
        pub currency: Managed<Currency> => [column_filter, row],
        /// What of it is for which invoice.
        pub allocations: Managed<Json<Vec<Allocation>>> => [hidden],
        /// When it was paid.
        pub paid_on: Managed<NaiveDate> => [sort, range("paid_after", "paid_before"), row],
        /// How.
        pub method: Option<Method> => [filter, several, row],
        /// What stands on the statement.
        pub reference: Option<ShortText<140>> = "As on the statement" => [search, key, row],
        /// What to know about it.
        pub note: Option<LongText<1000>> => [search],
        /// The payment that it takes back.
        pub reverses: Managed<Option<Id<Payment>>> => [key, row],
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
    type Extra = PaidFor;
    const VIEW: &'static [&'static str] = &["attributes"];
    const ROW: &'static [&'static str] = &[];

    async fn extras(cx: &mut Cx, payments: &[Saved<Self>], is_row: bool) -> Result<Vec<PaidFor>> {
        if !is_row {
            return Ok(payments.iter().map(|_| PaidFor::default()).collect());
        }
        let invoices = Self::invoices(cx, payments).await?;
        let reversals = reversals(cx, payments).await?;
        let part = |payment: &Saved<Self>, part: &Allocation| {
            let invoice = invoices.get(&part.invoice.raw());
            PaidPart {
                id: part.invoice,
                name: invoice.map(|invoice| invoice.label()),
                customer: invoice.and_then(|invoice| invoice.customer.0.clone()),
                amount: Money {
                    amount: part.amount,
                    currency: *payment.currency,
                },
            }
        };
        let paid_for = payments.iter().map(|payment| PaidFor {
            paid_for: payment
                .allocations
                .iter()
                .map(|one| part(payment, one))
                .collect(),
            reversed_by: reversals.get(&payment.id.raw()).cloned(),
        });
        Ok(paid_for.collect())
    }
}

/// The invoices that a payment is for, in a list.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct PaidFor {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    paid_for: Vec<PaidPart>,
    /// What took it back.
    #[serde(skip_serializing_if = "Option::is_none")]
    reversed_by: Option<Reversal>,
}

/// What took a payment back.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct Reversal {
    id: Id<Payment>,
    paid_on: NaiveDate,
}

/// What took some of these payments back, by theirs.
async fn reversals(cx: &mut Cx, payments: &[Saved<Payment>]) -> Result<HashMap<i64, Reversal>> {
    let mut reversals = HashMap::new();
    if payments.is_empty() {
        return Ok(reversals);
    }
    let mut statement = sql("SELECT id, reverses, paid_on")
        .from_live::<Payment>(cx)
        .sql(" AND reverses IN (");
    for (index, payment) in payments.iter().enumerate() {
        statement = statement.sql(if index > 0 { ", " } else { "" });
        statement = statement.value(payment.id);
    }
    for row in statement.sql(")").rows(cx.tx()).await? {
        let reversal = Reversal {
            id: row.get("id")?,
            paid_on: row.get("paid_on")?,
        };
        reversals.insert(row.get("reverses")?, reversal);
    }
    Ok(reversals)
}

/// What of a payment is for one invoice.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct PaidPart {
    id: Id<Invoice>,
    name: Option<String>,
    customer: Option<ShortText<200>>,
    amount: Money,
}

impl Payment {
    /// The invoices that these are for, by number.
    async fn invoices(
        cx: &mut Cx,
        payments: &[Saved<Self>],
    ) -> Result<HashMap<i64, Saved<Invoice>>> {
        let parts = payments
            .iter()
            .flat_map(|payment| payment.allocations.iter());
        let ids: Vec<Id<Invoice>> = parts.map(|part| part.invoice).collect();
        cx.find_all(&ids).await
    }
}

impl Record for Payment {
    const ACCESS: Access = Access {
        read: READ_INVOICES,
        create: RECORD_PAYMENTS,
        update: RECORD_PAYMENTS,
        delete: RECORD_PAYMENTS,
    };

    const BLOCKS_DELETION_WHILE: &'static str = "1 = 0";

    const EXPORTED: Exported = Exported {
        day: Some("paid_on"),
        inner: &["allocations"],
        spelt: &["invoices", "customers"],
        ..Exported::PLAIN
    };

    fn spelt<'a>(
        cx: &'a mut Cx,
        payments: &'a [Saved<Self>],
    ) -> BoxFuture<'a, Result<Vec<Map<String, Data>>>> {
        Box::pin(async move {
            let invoices = Self::invoices(cx, payments).await?;
            let spelt = |payment: &Saved<Self>| {
                let (mut numbers, mut customers) = (Vec::new(), Vec::new());
                for part in payment.allocations.iter() {
                    let invoice = invoices.get(&part.invoice.raw());
                    let name =
                        invoice.map_or_else(|| part.invoice.to_string(), |invoice| invoice.label());
                    numbers.push(Data::from(format!("{name}: {}", part.amount)));
                    let customer = invoice.and_then(|invoice| invoice.customer.as_deref());
                    if let Some(customer) = customer.map(Data::from)
                        && !customers.contains(&customer)
                    {
                        customers.push(customer);
                    }
                }
                let columns = [
                    ("invoices".to_owned(), numbers.into()),
                    ("customers".to_owned(), customers.into()),
                ];
                Map::from_iter(columns)
            };
            Ok(payments.iter().map(spelt).collect())
        })
    }

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
