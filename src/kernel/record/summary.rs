//! What a call did, as a person reads it who is asked whether it shall stand, and as what their answer is bound to.

use std::collections::{BTreeMap, HashSet};

use rust_decimal::Decimal;
use sha2::{Digest as _, Sha256};

use crate::store::log::Action;
use crate::types::money::{Currency, Money, shown};

/// How much of what was done is kept in words.
const NOTED: usize = 8;

/// Something that stands once it is written: money that is claimed, a paper that the customer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commitment {
    /// What is done to the record, such as `issue`.
    pub what: &'static str,
    /// What it comes to, where it is about money.
    pub worth: Option<Money>,
}

/// A row of the change log, as far as an answer is bound to it. Ordered, so that the order of the rows makes no difference.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Touched {
    entity: &'static str,
    record: i64,
    action: Action,
    version: i64,
}

/// What one record was written as.
pub(crate) struct Written {
    pub(crate) entity: &'static str,
    pub(crate) noun: &'static str,
    pub(crate) record: i64,
    pub(crate) action: Action,
    pub(crate) version: i64,
    pub(crate) commits: Option<Commitment>,
}

/// What a call did so far.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    /// In the tool's own words.
    said: Option<String>,
    /// Something was changed that the caller may not read, so those words are not for it.
    withheld: bool,
    /// The first of it, what is grave before what is not.
    notes: Vec<(bool, String)>,
    /// All of it: what was done to which kind of record, and how often.
    counts: BTreeMap<(&'static str, &'static str), usize>,
    /// What becomes final, by currency, and how often.
    worth: Vec<(Currency, Decimal, usize)>,
    is_grave: bool,
    touched: Vec<Touched>,
}

impl Summary {
    /// Takes in what was done to a record; `title` says which one it is.
    pub(crate) fn note(&mut self, written: &Written, title: impl FnOnce() -> String) {
        let action = written.action;
        self.touched.push(Touched {
            entity: written.entity,
            record: written.record,
            action,
            version: written.version,
        });
        let verb = match (written.commits, action) {
            (Some(commitment), _) => commitment.what,
            (None, Action::Create) => "create",
            (None, Action::Update) => "change",
            (None, Action::Archive) => "delete (restorable)",
            (None, Action::Restore) => "restore",
            (None, Action::Purge) => "erase for good",
            (None, Action::Redact) => "anonymize",
        };
        *self.counts.entry((verb, written.noun)).or_default() += 1;
        let worth = written.commits.and_then(|commitment| commitment.worth);
        if let Some(Money { amount, currency }) = worth {
            let amount = amount.decimal();
            match self.worth.iter_mut().find(|(known, ..)| *known == currency) {
                Some((_, sum, count)) => {
                    *sum = sum.saturating_add(amount);
                    *count += 1;
                }
                None => self.worth.push((currency, amount, 1)),
            }
        }
        let is_grave = written.commits.is_some() || action == Action::Archive || action.erases();
        self.is_grave |= is_grave;
        if self.notes.len() == NOTED {
            let Some(place) = self.notes.iter().rposition(|(grave, _)| is_grave && !grave) else {
                return;
            };
            self.notes.remove(place);
        }
        let worth = worth.map_or(String::new(), |money| {
            format!(", {money} {}", money.currency)
        });
        let note = format!("{verb} {} {}{worth}", written.noun, title());
        self.notes.push((is_grave, note));
    }

    pub(crate) fn set(&mut self, what: String) {
        self.said = Some(what);
    }

    /// Says that a person is asked about all of it, whatever it is.
    pub(crate) fn set_grave(&mut self) {
        self.is_grave = true;
    }

    pub(crate) fn withhold(&mut self) {
        self.withheld = true;
    }

    /// Whether anything was written.
    pub(crate) fn is_empty(&self) -> bool {
        self.touched.is_empty()
    }

    /// Whether something was deleted, erased, or became final, or the tool said that all it writes is asked about.
    pub(crate) fn is_grave(&self) -> bool {
        self.is_grave && !self.is_empty()
    }

    /// The end of a sentence that begins with the tool's title and "will".
    pub(crate) fn words(&self) -> String {
        if let Some(said) = self.said.as_ref().filter(|_| !self.withheld) {
            return said.clone();
        }
        if self.notes.is_empty() {
            return "nothing that is kept".to_owned();
        }
        let notes: Vec<&str> = self.notes.iter().map(|(_, note)| note.as_str()).collect();
        let mut text = notes.join("; ");
        let more = self.touched.len().saturating_sub(self.notes.len());
        if more > 0 {
            let counts = self.counts.iter();
            let counts: Vec<String> = counts
                .map(|((verb, noun), count)| format!("{verb} {count} × {noun}"))
                .collect();
            text.push_str(&format!("; and {more} more. In all: {}", counts.join(", ")));
        }
        let sums: Vec<String> = self
            .worth
            .iter()
            .filter(|(.., count)| *count > 1)
            .map(|(currency, sum, count)| {
                format!("{} {currency} in {count} records", shown(*sum, *currency))
            })
            .collect();
        if !sums.is_empty() {
            text.push_str(&format!("; together {}", sums.join(", ")));
        }
        text
    }

    /// SHA-256 over the versions of all records that it touched and over what the tool itself said: the same call does
    /// the same as long as this is the same. New records count without their identifiers, which are others each time.
    pub(crate) fn digest(&mut self) -> Vec<u8> {
        let new = self
            .touched
            .iter()
            .filter(|row| row.action == Action::Create);
        let new: HashSet<i64> = new.map(|row| row.record).collect();
        for row in &mut self.touched {
            if new.contains(&row.record) {
                row.record = 0;
            }
        }
        self.touched.sort_unstable();
        let mut hash = Sha256::new();
        let said = self.said.as_deref().unwrap_or_default();
        hash.update((said.len() as u64).to_be_bytes());
        hash.update(said);
        for row in &self.touched {
            hash.update((row.entity.len() as u64).to_be_bytes());
            hash.update(row.entity);
            hash.update([row.action as u8]);
            hash.update(row.record.to_be_bytes());
            hash.update(row.version.to_be_bytes());
        }
        hash.finalize().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(record: i64, action: Action, version: i64) -> Written {
        Written {
            entity: "contact",
            noun: "contact",
            record,
            action,
            version,
            commits: None,
        }
    }

    fn digest(rows: &[(i64, Action, i64)], said: Option<&str>) -> Vec<u8> {
        let mut summary = Summary::default();
        for (record, action, version) in rows {
            summary.note(&written(*record, *action, *version), String::new);
        }
        if let Some(said) = said {
            summary.set(said.to_owned());
        }
        assert_eq!(summary.digest(), summary.digest());
        summary.digest()
    }

    #[test]
    fn an_answer_is_bound_to_versions_and_words_and_to_nothing_that_differs_each_time() {
        use Action::{Archive, Create, Update};
        let shown = digest(&[(1, Update, 2), (7, Create, 1), (7, Update, 2)], None);
        for same in [
            [(7, Create, 1), (1, Update, 2), (7, Update, 2)],
            [(1, Update, 2), (8, Create, 1), (8, Update, 2)],
        ] {
            assert_eq!(digest(&same, None), shown);
        }
        for other in [
            [(1, Update, 3), (7, Create, 1), (7, Update, 2)],
            [(1, Archive, 2), (7, Create, 1), (7, Update, 2)],
            [(2, Update, 2), (7, Create, 1), (7, Update, 2)],
            [(1, Update, 2), (7, Create, 1), (1, Update, 3)],
        ] {
            assert_ne!(digest(&other, None), shown);
        }
        let rows = [(1, Update, 2)];
        assert_ne!(digest(&rows, Some("pay 1")), digest(&rows, Some("pay 2")));
    }

    #[test]
    fn what_is_grave_is_named_before_what_is_not() {
        let mut summary = Summary::default();
        for record in 0..20 {
            summary.note(&written(record, Action::Update, 2), || {
                format!("update {record}")
            });
        }
        assert!(!summary.is_grave());
        let money = Money {
            amount: "100".parse().unwrap(),
            currency: "EUR".parse().unwrap(),
        };
        summary.note(&written(20, Action::Archive, 2), || "gone".into());
        let commits = Some(Commitment {
            what: "issue",
            worth: Some(money),
        });
        for record in [21, 22] {
            let issued = Written {
                noun: "invoice",
                commits,
                ..written(record, Action::Update, 2)
            };
            summary.note(&issued, || format!("number {record}"));
        }
        assert!(summary.is_grave());
        let words = summary.words();
        for part in [
            "delete (restorable) contact gone",
            "issue invoice number 22, 100.00 EUR",
            "and 15 more",
            "change 20 × contact",
            "together 200.00 EUR in 2 records",
        ] {
            assert!(words.contains(part), "{part}: {words}");
        }
    }
}
