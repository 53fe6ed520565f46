//! What is counted before it is shown.

use crate::quotation::QuotationStatus;
use bureau_kernel::figures::{Tally, percent};
use bureau_kernel::prelude::*;
use bureau_kernel::rates::Worth;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Serialize;

/// All there are, in the order in which they are answered.
pub(super) const STATUSES: [QuotationStatus; 5] = [
    QuotationStatus::Draft,
    QuotationStatus::Sent,
    QuotationStatus::Accepted,
    QuotationStatus::Declined,
    QuotationStatus::Expired,
];

bureau_kernel::figures! {
    /// How many quotations, and what they are worth.
    pub(crate) struct Values(count) of Value {
        /// Without tax.
        amount: base_amount,
    }
}

/// How quotations came out.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Outcome {
    accepted: i64,
    declined: i64,
    expired: i64,
    /// Percent, by their number.
    rate: Option<String>,
    /// Percent, by their value in the base currency.
    rate_by_value: Option<String>,
}

/// Quotations by where they stand.
#[derive(Debug, Default, Clone)]
pub(super) struct ByStatus([Tally<1>; STATUSES.len()]);

impl ByStatus {
    /// Those that stand there.
    pub(super) fn of(&self, status: QuotationStatus) -> Tally<1> {
        let mut tallies = STATUSES.iter().zip(&self.0);
        tallies
            .find(|(known, _)| **known == status)
            .map(|(_, tally)| tally.clone())
            .unwrap_or_default()
    }

    /// Counts quotations of one currency and day in that stand there.
    ///
    /// # Errors
    /// As [`Tally::add`].
    pub(super) fn add(
        &mut self,
        status: QuotationStatus,
        worth: Worth,
        count: i64,
        sum: Decimal,
    ) -> Result<()> {
        let mut tallies = STATUSES.iter().zip(&mut self.0);
        match tallies.find(|(known, _)| **known == status) {
            Some((_, tally)) => tally.add(worth, count, [sum]),
            None => Ok(()),
        }
    }

    /// Counts in what another has counted.
    ///
    /// # Errors
    /// As [`Tally::add`].
    pub(super) fn merge(&mut self, other: &Self) -> Result<()> {
        let mut pairs = self.0.iter_mut().zip(&other.0);
        pairs.try_for_each(|(own, others)| own.merge(others))
    }

    /// All but the drafts.
    ///
    /// # Errors
    /// As [`Tally::add`].
    pub(super) fn sent(&self) -> Result<Tally<1>> {
        let mut sent = Tally::default();
        let tallies = STATUSES.iter().zip(&self.0);
        let mut tallies = tallies.filter(|(status, _)| **status != QuotationStatus::Draft);
        tallies.try_for_each(|(_, tally)| sent.merge(tally))?;
        Ok(sent)
    }

    /// How they came out.
    ///
    /// # Errors
    /// As [`Tally::add`].
    pub(super) fn outcome(&self) -> Result<Outcome> {
        let accepted = self.of(QuotationStatus::Accepted);
        let declined = self.of(QuotationStatus::Declined);
        let expired = self.of(QuotationStatus::Expired);
        let mut decided = accepted.clone();
        decided.merge(&declined)?;
        decided.merge(&expired)?;
        let ([part], [whole]) = (accepted.base(), decided.base());
        Ok(Outcome {
            accepted: accepted.count(),
            declined: declined.count(),
            expired: expired.count(),
            rate: percent(accepted.count().into(), decided.count().into()),
            rate_by_value: percent(part, whole),
        })
    }
}
