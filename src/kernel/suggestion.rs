//! Suggestions: what modules see that somebody might do next. A module registers rules; each looks at the records as they stand and
//! answers what it finds, with the reason, the records that it stands on, and the call that acts on it. Nothing is guessed, and
//! nothing is kept of what is found.

use chrono::NaiveDate;
use futures::future::BoxFuture;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;
use serde_json::{Map, Value as Data};
use sha2::{Digest as _, Sha256};

use crate::caller::Member;
use crate::error::{Error, Result};
use crate::permission::Permission;
use crate::rates::Rates;
use crate::record::{Cx, Record, Saved};
use crate::store::{Sql, sql};
use crate::types::id::{AnyId, Entity, Id};
use crate::types::money::{Amount, Currency};
use crate::types::time::Timestamp;

/// What somebody might do next, wherever it stands like that.
#[derive(Clone, Copy)]
pub struct SuggestionRule {
    /// Its name, unique, such as `overdue_invoices`.
    pub name: &'static str,
    /// When it suggests something, in words.
    pub about: &'static str,
    /// What a caller has to be allowed to read.
    pub reads: &'static [Permission],
    /// Looks, the most pressing first: [`MOST`] findings at most.
    pub find: for<'a> fn(&'a mut Cx, &'a Wanted) -> BoxFuture<'a, Result<Vec<Finding>>>,
}

/// So many findings a rule answers at most.
pub const MOST: usize = 200;
/// And so many rows it looks at for them.
const MOST_ROWS: i64 = 200;

/// Which findings are wanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only what is this member's.
    pub owner: Option<Id<Member>>,
    /// Only what is about this record.
    pub subject: Option<AnyId>,
}

impl Wanted {
    /// Appends whose records are looked at, by the column with the member, and which one, as far as something is said about it.
    /// Nothing is of another kind than these.
    #[must_use]
    pub fn among<E: Entity>(&self, statement: Sql, owner: &'static str) -> Sql {
        let statement = match self.owner {
            Some(member) => statement.sql(" AND ").sql(owner).sql(" = ").value(member),
            None => statement,
        };
        self.about::<E>(statement, "id")
    }

    /// Appends that a column names the record that is asked about, where one is.
    #[must_use]
    pub fn about<E: Entity>(&self, statement: Sql, column: &'static str) -> Sql {
        match &self.subject {
            None => statement,
            Some(subject) => match subject.of::<E>() {
                Some(id) => statement.sql(" AND ").sql(column).sql(" = ").value(id),
                None => statement.sql(" AND 1 = 0"),
            },
        }
    }
}

impl Wanted {
    /// The live records of a kind that are wanted, of which this holds, in this order: [`MOST`] at most.
    ///
    /// # Errors
    /// What the database says.
    pub async fn records<R: Record>(
        &self,
        cx: &mut Cx,
        owner: &'static str,
        only: impl FnOnce(Sql, &Cx) -> Sql,
        order: &'static str,
    ) -> Result<Vec<Saved<R>>> {
        let statement = only(sql("SELECT id").from_live::<R>(cx), cx);
        let statement = self
            .among::<R>(statement, owner)
            .sql(" ORDER BY ")
            .sql(order);
        let rows = statement.sql(", id LIMIT ").value(MOST_ROWS).rows(cx.tx());
        let mut records = Vec::new();
        for row in rows.await? {
            // What cannot be read suggests nothing; where it is listed it is named.
            if let Ok(Some(record)) = cx.find::<R>(row.get("id")?).await {
                records.push(record);
            }
        }
        Ok(records)
    }
}

/// What a rule found.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The record that it is about.
    pub subject: AnyId,
    /// Whose business it is.
    pub owner: Option<Id<Member>>,
    /// What to do, in words.
    pub action: String,
    /// Why, with the figures.
    pub reason: String,
    /// The records that it stands on, where these are others than the one that it is about.
    pub evidence: Vec<AnyId>,
    /// How much depends on it, from 0 to 100.
    pub impact: i64,
    /// How soon it has to be done, from 0 to 100.
    pub urgency: i64,
    /// What it stands on: an answer to it holds until this changes.
    pub facts: String,
    /// The call that acts on it.
    pub call: SuggestedCall,
}

impl Finding {
    /// How far it stands at the top: impact times urgency, out of 100.
    #[must_use]
    pub const fn score(&self) -> i64 {
        self.impact * self.urgency / 100
    }
}

/// A call of a tool.
#[derive(Debug, Clone)]
pub struct SuggestedCall {
    /// The tool.
    pub tool: &'static str,
    /// Its arguments.
    pub arguments: Map<String, Data>,
}

impl SuggestedCall {
    /// A call with these arguments: an object.
    #[must_use]
    pub fn of(tool: &'static str, arguments: Data) -> Self {
        let arguments = match arguments {
            Data::Object(arguments) => arguments,
            _ => Map::new(),
        };
        Self { tool, arguments }
    }

    /// The same that also names a record, where there is one.
    #[must_use]
    pub fn and<E: Entity>(mut self, name: &str, id: Option<Id<E>>) -> Self {
        if let Some(id) = id {
            self.arguments
                .insert(name.to_owned(), id.to_string().into());
        }
        self
    }
}

/// How much depends on an amount in the workspace's currency: 15 for each digit before its decimal point, 100 at most. What has no
/// amount, or one without a known rate, counts as much as one of two digits.
#[must_use]
pub fn impact_of(amount: Option<Decimal>) -> i64 {
    let whole = amount.and_then(|amount| amount.abs().trunc().to_i64());
    let digits = match whole {
        None => 2,
        Some(0) => 1,
        Some(whole) => i64::from(whole.ilog10()) + 1,
    };
    (digits * 15).min(100)
}

/// How much depends on an amount of some currency, by today's rate.
///
/// # Errors
/// [`Code::Internal`](crate::error::Code::Internal) beyond all bounds.
pub fn impact_in(
    cx: &Cx,
    rates: &mut Rates,
    amount: Option<Amount>,
    currency: Currency,
) -> Result<i64> {
    let worth = rates.worth(currency, cx.today());
    let amount = amount
        .map(|amount| worth.of(amount.decimal()))
        .transpose()?;
    Ok(impact_of(amount.flatten()))
}

/// How soon something has to be done that should be done by now: 50, and one more for each day since.
#[must_use]
pub fn urgency_since(days: i64) -> i64 {
    (50 + days.max(0)).min(100)
}

/// How soon something has to be done that has so many days left of so many: 100 on the last one, and 50 with all of them left.
#[must_use]
pub fn urgency_before(left: i64, of: i64) -> i64 {
    let (left, of) = (left.max(0), of.max(1));
    100 - (50 * left / of).min(50)
}

/// How much depends on something of a priority, from `low` to `urgent`.
#[must_use]
pub fn impact_of_priority(priority: &str) -> i64 {
    match priority {
        "urgent" => 100,
        "high" => 75,
        "normal" => 50,
        _ => 25,
    }
}

/// So many days, in words.
#[must_use]
pub fn days(count: i64) -> String {
    match count {
        1 => "1 day".to_owned(),
        count => format!("{count} days"),
    }
}

/// Whole days from a moment to now, none where it is yet to come.
#[must_use]
pub fn days_since(cx: &Cx, moment: Timestamp) -> i64 {
    (cx.now() - moment).num_days().max(0)
}

/// The same from a day to today.
#[must_use]
pub fn days_from(cx: &Cx, day: NaiveDate) -> i64 {
    (cx.today() - day).num_days().max(0)
}

/// What a finding stands on, when that is much: a digest of it.
#[must_use]
pub fn digest(parts: impl IntoIterator<Item = String>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let digest = data_encoding::HEXLOWER.encode(&hash.finalize());
    digest.chars().take(24).collect()
}

/// The rules of all modules, in the order of the modules.
///
/// # Errors
/// [`Code::Internal`](crate::error::Code::Internal) where two have one name.
pub(crate) fn gathered(
    rules: impl Iterator<Item = &'static SuggestionRule>,
) -> Result<Vec<&'static SuggestionRule>> {
    let mut gathered: Vec<&'static SuggestionRule> = Vec::new();
    for rule in rules {
        if gathered.iter().any(|other| other.name == rule.name) {
            return Err(Error::internal(format!(
                "two rules of suggestions are named {}",
                rule.name
            )));
        }
        gathered.push(rule);
    }
    Ok(gathered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_money_and_more_days_weigh_more_and_neither_without_end() {
        let of = |amount: &str| impact_of(Some(amount.parse().unwrap()));
        assert_eq!(
            [
                of("0.99"),
                of("9"),
                of("10"),
                of("4200.50"),
                of("-100000"),
                of("123456789")
            ],
            [15, 15, 30, 60, 90, 100]
        );
        assert_eq!(impact_of(None), 30);
        assert_eq!(
            [0, 1, 45, 50, 400].map(urgency_since),
            [50, 51, 95, 100, 100]
        );
        assert_eq!(
            [(7, 7), (3, 7), (0, 7), (9, 7), (-1, 7)].map(|(left, of)| urgency_before(left, of)),
            [50, 79, 100, 50, 100]
        );
        assert_ne!(
            digest(["ab".into(), "c".into()]),
            digest(["a".into(), "bc".into()])
        );
    }
}
