//! Invoices, credit notes and payments against a model: whatever is called in whatever order, what the server says is what
//! plain arithmetic in whole numbers says.
//!
//! `BUREAU_LEDGER_CASES` is the number of sequences on each engine, for longer campaigns.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};

use bureau_kernel::caller::Caller;
use bureau_kernel::dispatch::Outcome;
use bureau_kernel::error::{Code, Error};
use bureau_kernel::testing::{ENGINES, TestApp};
use chrono::{Datelike as _, Days, NaiveDate, Utc};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};
use serde_json::{Value, json};

use crate::MODULES;
use crate::worked_cases::{figures, raw, written};

/// Sequences on each engine: about half a minute for all of them in a debug build.
const CASES: u32 = 20;
/// Calls of one sequence.
const MOST_CALLS: usize = 40;

/// A call. Numbers stand for one of what there is at that moment.
#[derive(Debug, Clone)]
enum Step {
    Create(Draft),
    Edit(usize, Draft),
    Discard(usize),
    /// So many days ago, or to come.
    Issue(usize, Option<i8>),
    /// Lines with a part of what is left of them in quarters, or the whole.
    Credit(usize, Option<Vec<(usize, u8)>>),
    Pay(usize, Part),
    PayMany(BTreeSet<usize>),
    Reverse(usize),
    Undo(usize, bool),
}

#[derive(Debug, Clone, Copy)]
enum Part {
    Balance,
    Half,
    Smallest,
    TooMuch,
}

#[derive(Debug, Clone)]
struct Draft {
    currency: &'static str,
    lines: Vec<[&'static str; 4]>,
    discount: &'static str,
    charge: &'static str,
}

impl Draft {
    fn arguments(&self) -> Value {
        let lines = self.lines.iter().map(|[quantity, price, discount, rate]| {
            let mut line = json!({ "description": "Sold", "quantity": quantity, "unit_price": price, "tax_rate": rate });
            if !discount.is_empty() {
                line["discount"] = (*discount).into();
            }
            line
        });
        let mut arguments =
            json!({ "currency": self.currency, "lines": lines.collect::<Vec<_>>() });
        for (name, value) in [("discount", self.discount), ("charge", self.charge)] {
            if !value.is_empty() {
                arguments[name] = value.into();
            }
        }
        arguments
    }
}

fn one_of<T: Clone + std::fmt::Debug + 'static>(of: &'static [T]) -> impl Strategy<Value = T> {
    proptest::sample::select(of)
}

fn drafts() -> impl Strategy<Value = Draft> {
    let line = (
        one_of(&["1", "3", "7", "0.5", "0.3333", "12.3456", "-1"]),
        one_of(&["100", "0", "0.005", "0.335", "9.99", "33.3333", "1234.5678"]),
        one_of(&["", "10%", "33.3333%", "1"]),
        one_of(&["19", "7", "0", "8.1"]),
    );
    let line = line.prop_map(|(quantity, price, discount, rate)| [quantity, price, discount, rate]);
    (
        one_of(&["EUR", "JPY", "KWD"]),
        proptest::collection::vec(line, 1..4),
        one_of(&["", "10%", "3.3333%", "5"]),
        one_of(&["", "7"]),
    )
        .prop_map(|(currency, lines, discount, charge)| Draft {
            currency,
            lines,
            discount,
            charge,
        })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let which = 0..1_000_usize;
    let part = one_of(&[Part::Balance, Part::Half, Part::Smallest, Part::TooMuch]);
    let lines = proptest::collection::vec((0..3_usize, 0..6_u8), 1..3);
    let step = prop_oneof![
        4 => drafts().prop_map(Step::Create),
        2 => (which.clone(), drafts()).prop_map(|(which, draft)| Step::Edit(which, draft)),
        1 => which.clone().prop_map(Step::Discard),
        8 => (which.clone(), proptest::option::weighted(0.3, -1..4_i8)).prop_map(|(which, day)| Step::Issue(which, day)),
        6 => (which.clone(), proptest::option::of(lines)).prop_map(|(which, lines)| Step::Credit(which, lines)),
        6 => (which.clone(), part).prop_map(|(which, part)| Step::Pay(which, part)),
        2 => proptest::collection::btree_set(0..100_usize, 1..4).prop_map(Step::PayMany),
        3 => which.clone().prop_map(Step::Reverse),
        4 => (which, any::<bool>()).prop_map(|(which, skip)| Step::Undo(which, skip)),
    ];
    proptest::collection::vec(step, 1..MOST_CALLS)
}

/// An invoice or credit note as the model has it. Amounts are in units of 10⁻⁴.
#[derive(Debug, Clone)]
struct Doc {
    id: Value,
    is_note: bool,
    is_gone: bool,
    currency: &'static str,
    /// Of a draft: what may come of its undone edit.
    totals: [String; 3],
    gross: i128,
    paid: i128,
    quantities: Vec<i128>,
    /// Of a credit note: its invoice, and what it takes back of which line.
    credits: Option<(usize, Vec<(usize, i128)>)>,
    issued: Option<Issued>,
    version: i64,
}

#[derive(Debug, Clone)]
struct Issued {
    serial: i64,
    day: NaiveDate,
    frozen: String,
}

struct Payment {
    id: Value,
    parts: Vec<(usize, i128)>,
    is_open: bool,
}

/// A call that wrote: what it did to which document, and the document's version after it.
struct Change {
    id: Value,
    did: Did,
    doc: usize,
    version: i64,
    is_undone: bool,
}

enum Did {
    Made,
    Edited(Box<Doc>),
    Discarded,
    Final,
}

struct Ledger<'a> {
    app: &'a TestApp,
    caller: Caller,
    company: Value,
    docs: Vec<Doc>,
    payments: Vec<Payment>,
    changes: Vec<Change>,
}

type Checked<T = ()> = Result<T, TestCaseError>;

fn digits(currency: &str) -> u32 {
    match currency {
        "JPY" => 0,
        "KWD" => 3,
        _ => 2,
    }
}

/// The smallest amount of a currency.
fn unit(currency: &str) -> i128 {
    10_i128.pow(4 - digits(currency))
}

fn shown(amount: i128, currency: &str) -> String {
    written(amount / unit(currency), digits(currency))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

fn amount(value: &Value, name: &str) -> i128 {
    raw(text(value, name))
}

/// What a document says that may not change.
fn frozen(document: &Value) -> String {
    let mut document = document.clone();
    let fields = document.as_object_mut().unwrap();
    let moving = [
        "status",
        "amount_paid",
        "amount_credited",
        "balance_due",
        "payments",
        "credit_notes",
        "version",
        "updated_at",
    ];
    fields.retain(|name, _| !moving.contains(&name.as_str()));
    document.to_string()
}

impl Ledger<'_> {
    async fn call(&self, tool: &str, arguments: Value) -> Result<Value, Error> {
        match self.app.outcome(&self.caller, tool, arguments).await {
            Outcome::Done(answer) => Ok(answer),
            Outcome::Failed(error) => Err(error),
            Outcome::Ask { message, .. } => panic!("{tool} asks: {message}"),
        }
    }

    /// The document that a number stands for: mostly one of those that a call is meant for, and now and then any.
    fn which(&self, number: usize, is_meant: impl Fn(usize) -> bool) -> Option<usize> {
        let all: Vec<usize> = (0..self.docs.len()).collect();
        let meant: Vec<usize> = all
            .iter()
            .copied()
            .filter(|index| is_meant(*index))
            .collect();
        let of = match number % 6 {
            0 => &all,
            _ if meant.is_empty() => &all,
            _ => &meant,
        };
        of.get(number / 6 % of.len().max(1)).copied()
    }

    fn is_draft(&self, index: usize) -> bool {
        !self.docs[index].is_gone && self.docs[index].issued.is_none()
    }

    /// The issued credit notes of an invoice, in the order of their numbers.
    fn notes(&self, invoice: usize) -> Vec<usize> {
        let mut notes: Vec<_> = (0..self.docs.len())
            .filter_map(|index| {
                let doc = &self.docs[index];
                let issued = doc.issued.as_ref()?;
                let of = doc.credits.as_ref()?.0;
                (of == invoice).then_some((issued.day.year(), issued.serial, index))
            })
            .collect();
        notes.sort_unstable();
        notes.into_iter().map(|(.., index)| index).collect()
    }

    /// What of each line of an invoice is not taken back.
    fn left(&self, invoice: usize) -> Vec<i128> {
        let mut left = self.docs[invoice].quantities.clone();
        for note in self.notes(invoice) {
            for (line, quantity) in &self.docs[note].credits.as_ref().unwrap().1 {
                left[*line] -= quantity;
            }
        }
        left
    }

    /// What is set off between an invoice and each of its credit notes: of the invoice first.
    fn set_off(&self, invoice: usize) -> BTreeMap<usize, i128> {
        let mut open = self.docs[invoice].gross - self.docs[invoice].paid;
        let mut off = BTreeMap::new();
        for note in self.notes(invoice) {
            let doc = &self.docs[note];
            let this = (doc.gross - doc.paid).min(open).max(0);
            open -= this;
            off.insert(note, this);
        }
        off.insert(invoice, off.values().sum());
        off
    }

    fn credited(&self, index: usize) -> i128 {
        let doc = &self.docs[index];
        if doc.issued.is_none() {
            return 0;
        }
        let invoice = doc.credits.as_ref().map_or(index, |(invoice, _)| *invoice);
        self.set_off(invoice)[&index]
    }

    fn balance(&self, index: usize) -> i128 {
        let doc = &self.docs[index];
        match doc.issued {
            Some(_) => doc.gross - doc.paid - self.credited(index),
            None => 0,
        }
    }

    fn status(&self, index: usize) -> &'static str {
        let doc = &self.docs[index];
        let settled = doc.paid + self.credited(index);
        let notes = self.notes(index);
        let taken: i128 = notes.iter().map(|note| self.docs[*note].gross).sum();
        match doc.issued {
            None => "draft",
            Some(_) if settled == doc.gross && taken > 0 && taken == doc.gross => "credited",
            Some(_) if settled == doc.gross => "paid",
            Some(_) if settled > 0 => "partly_paid",
            Some(_) => "issued",
        }
    }

    async fn take(&mut self, step: &Step) -> Checked {
        match step {
            Step::Create(draft) => self.create(draft).await?,
            Step::Edit(which, draft) => {
                if let Some(index) = self.which(*which, |index| self.is_draft(index)) {
                    self.edit(index, draft).await?;
                }
            }
            Step::Discard(which) => {
                if let Some(index) = self.which(*which, |index| self.is_draft(index)) {
                    self.discard(index).await?;
                }
            }
            Step::Issue(which, day) => {
                if let Some(index) = self.which(*which, |index| self.is_draft(index)) {
                    self.issue(index, *day).await?;
                }
            }
            Step::Credit(which, lines) => {
                let is_meant = |index: usize| {
                    let doc = &self.docs[index];
                    !doc.is_note && doc.issued.is_some()
                };
                if let Some(index) = self.which(*which, is_meant) {
                    self.credit(index, lines.as_deref()).await?;
                }
            }
            Step::Pay(which, part) => {
                if let Some(index) = self.which(*which, |index| self.balance(index) > 0) {
                    self.pay(index, *part).await?;
                }
            }
            Step::PayMany(which) => self.pay_many(which).await?,
            Step::Reverse(which) => {
                if !self.payments.is_empty() {
                    self.reverse(which % self.payments.len()).await?;
                }
            }
            Step::Undo(which, skip) => {
                if !self.changes.is_empty() {
                    // Mostly one of the last calls: what is older stands under others.
                    let last = self.changes.len() - 1;
                    let index = match which % 4 {
                        0 => which / 4 % (last + 1),
                        _ => last - (which / 4 % 6).min(last),
                    };
                    self.undo(index, *skip).await?;
                }
            }
        }
        self.agree().await
    }

    fn wrote(&mut self, answer: &Value, doc: usize, did: Did) {
        self.changes.push(Change {
            id: answer["change"].clone(),
            did,
            doc,
            version: answer["data"]["version"].as_i64().unwrap_or_default(),
            is_undone: false,
        });
    }

    async fn create(&mut self, draft: &Draft) -> Checked {
        let mut arguments = draft.arguments();
        let expected = figures(&arguments);
        arguments["company"] = self.company.clone();
        let (answer, expected) = match (self.call("create_invoice", arguments).await, expected) {
            (Ok(answer), Some(expected)) => (answer, expected),
            (Err(error), None) if error.code() == Code::Validation => return Ok(()),
            (outcome, expected) => {
                let expected = expected.map(|figures| figures.totals);
                return Err(TestCaseError::fail(format!(
                    "{outcome:?}, not {expected:?}"
                )));
            }
        };
        let doc = Doc {
            id: answer["data"]["id"].clone(),
            is_note: false,
            is_gone: false,
            currency: draft.currency,
            gross: raw(&expected.totals[2]),
            totals: expected.totals,
            paid: 0,
            quantities: draft.lines.iter().map(|line| raw(line[0])).collect(),
            credits: None,
            issued: None,
            version: 0,
        };
        self.docs.push(doc);
        self.wrote(&answer, self.docs.len() - 1, Did::Made);
        Ok(())
    }

    async fn edit(&mut self, index: usize, draft: &Draft) -> Checked {
        let doc = self.docs[index].clone();
        let mut arguments = draft.arguments();
        // What is not said stays as it was, so everything is said.
        arguments["discount"] = if draft.discount.is_empty() {
            "0"
        } else {
            draft.discount
        }
        .into();
        arguments["charge"] = if draft.charge.is_empty() {
            "0"
        } else {
            draft.charge
        }
        .into();
        let expected =
            figures(&arguments).filter(|_| !doc.is_note && !doc.is_gone && doc.issued.is_none());
        arguments["invoice"] = doc.id.clone();
        match (self.call("update_invoice", arguments).await, expected) {
            (Ok(answer), Some(expected)) => {
                let now = &mut self.docs[index];
                now.currency = draft.currency;
                now.gross = raw(&expected.totals[2]);
                now.totals = expected.totals;
                now.quantities = draft.lines.iter().map(|line| raw(line[0])).collect();
                if answer["data"]["version"] != doc.version {
                    self.wrote(&answer, index, Did::Edited(Box::new(doc)));
                }
                Ok(())
            }
            (Err(error), None) => {
                let fits = match (doc.is_gone, &doc.issued) {
                    (true, _) => Code::NotFound,
                    (_, Some(_)) => Code::Conflict,
                    _ => Code::Validation,
                };
                prop_assert_eq!(error.code(), fits);
                Ok(())
            }
            (outcome, _) => Err(TestCaseError::fail(format!("edited: {outcome:?}"))),
        }
    }

    async fn discard(&mut self, index: usize) -> Checked {
        let doc = &self.docs[index];
        let arguments = json!({ "invoice": doc.id, "discard": true, "confirm": true });
        let can = !doc.is_gone && doc.issued.is_none();
        let outcome = self.call("update_invoice", arguments).await;
        prop_assert_eq!(outcome.is_ok(), can, "{:?}", outcome);
        if let Ok(answer) = outcome {
            self.docs[index].is_gone = true;
            self.docs[index].version += 1;
            self.wrote(&answer, index, Did::Discarded);
        }
        Ok(())
    }

    async fn issue(&mut self, index: usize, ago: Option<i8>) -> Checked {
        let doc = self.docs[index].clone();
        let today = Utc::now().date_naive();
        let day = match ago {
            Some(ago) if ago < 0 => today + Days::new(1),
            Some(ago) => today - Days::new(u64::try_from(ago).unwrap()),
            None => today,
        };
        let alike = |other: &&Doc| other.is_note == doc.is_note;
        let issued = self
            .docs
            .iter()
            .filter(alike)
            .filter_map(|doc| doc.issued.as_ref());
        let of_year = issued.filter(|issued| issued.day.year() == day.year());
        let last = of_year.max_by_key(|issued| issued.serial);
        let day_fits = day <= today && last.is_none_or(|last| last.day <= day);
        let (mut can, mut may_be_refused) =
            (!doc.is_gone && doc.issued.is_none() && day_fits, false);
        if let Some((invoice, lines)) = &doc.credits {
            let left = self.left(*invoice);
            let fits = |(line, quantity): &(usize, i128)| {
                left[*line].signum() == quantity.signum() && quantity.abs() <= left[*line].abs()
            };
            can &= lines.iter().all(fits);
            can &= self.docs[*invoice]
                .issued
                .as_ref()
                .is_some_and(|issued| issued.day <= day);
            // Parts that are rounded up may come to more than there is before the last of them.
            may_be_refused = !self.notes(*invoice).is_empty();
        }
        let mut arguments = json!({ "invoice": doc.id, "confirm": true });
        if ago.is_some() {
            arguments["issue_date"] = day.to_string().into();
        }
        let answer = match self.call("issue_invoice", arguments).await {
            Ok(answer) => answer,
            Err(error) => {
                prop_assert!(
                    !can || (may_be_refused && error.code() == Code::Conflict),
                    "{:?}",
                    error
                );
                return Ok(());
            }
        };
        prop_assert!(can, "issued: {}", answer);
        let data = &answer["data"];
        let serial = text(data, "number")
            .rsplit('-')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        let expected = last.map_or(1, |last| last.serial + 1);
        prop_assert_eq!(serial, expected, "the number of {}", data);
        let read = self.call("get_invoice", json!({ "invoice": doc.id })).await;
        let read = read.map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
        let now = &mut self.docs[index];
        now.issued = Some(Issued {
            serial,
            day,
            frozen: frozen(&read["data"]),
        });
        // A credit note is computed again by what other notes have left of its invoice.
        if now.is_note {
            now.gross = amount(data, "gross_total");
            now.totals =
                ["net_total", "tax_total", "gross_total"].map(|name| text(data, name).to_owned());
        }
        self.wrote(&answer, index, Did::Final);
        Ok(())
    }

    async fn credit(&mut self, index: usize, lines: Option<&[(usize, u8)]>) -> Checked {
        let invoice = self.docs[index].clone();
        let can = !invoice.is_gone && !invoice.is_note && invoice.issued.is_some();
        let left = if can { self.left(index) } else { vec![0; 3] };
        let mut arguments = json!({ "invoice": invoice.id });
        let mut wanted: Vec<(usize, i128)> = Vec::new();
        let mut fits = can;
        if let Some(lines) = lines {
            let mut given = Vec::new();
            for (line, quarters) in lines {
                let line = line % invoice.quantities.len().max(1);
                // Five quarters are more than there is.
                let quantity =
                    left.get(line).copied().unwrap_or_default() * i128::from(*quarters) / 4;
                fits &= quantity != 0
                    && *quarters <= 4
                    && wanted.iter().all(|(known, _)| *known != line);
                wanted.push((line, quantity));
                given.push(json!({ "line": line + 1, "quantity": written(quantity, 4) }));
            }
            arguments["lines"] = given.into();
        } else {
            wanted = left
                .iter()
                .copied()
                .enumerate()
                .filter(|(_, left)| *left != 0)
                .collect();
            fits &= !wanted.is_empty();
        }
        let answer = match self.call("create_credit_note", arguments).await {
            Ok(answer) => answer,
            Err(error) => {
                // A part can come to less than nothing, or, rounded up, to more than the others left.
                let has_returns = invoice.quantities.iter().any(|quantity| *quantity < 0);
                let has_notes = can && !self.notes(index).is_empty();
                let is_fair = !fits
                    || (has_returns && [Code::Validation, Code::Conflict].contains(&error.code()))
                    || (has_notes && lines.is_some() && error.code() == Code::Conflict);
                prop_assert!(is_fair, "credited: {:?}", error);
                return Ok(());
            }
        };
        prop_assert!(fits, "credited: {}", answer);
        let data = &answer["data"];
        let quantities = wanted.iter().map(|(_, quantity)| *quantity).collect();
        let is_whole = wanted
            .iter()
            .copied()
            .eq(invoice.quantities.iter().copied().enumerate());
        let totals =
            ["net_total", "tax_total", "gross_total"].map(|name| text(data, name).to_owned());
        if is_whole {
            prop_assert_eq!(&totals, &invoice.totals, "the whole is the whole");
        }
        self.docs.push(Doc {
            id: data["id"].clone(),
            is_note: true,
            is_gone: false,
            currency: invoice.currency,
            gross: raw(&totals[2]),
            totals,
            paid: 0,
            quantities,
            credits: Some((index, wanted)),
            issued: None,
            version: 0,
        });
        self.wrote(&answer, self.docs.len() - 1, Did::Made);
        Ok(())
    }

    async fn pay(&mut self, index: usize, part: Part) -> Checked {
        let doc = &self.docs[index];
        let (balance, unit) = (self.balance(index), unit(doc.currency));
        let sum = match part {
            Part::Balance => balance,
            Part::Half => balance / unit / 2 * unit,
            Part::Smallest => unit,
            Part::TooMuch => balance + unit,
        };
        let mut arguments = json!({ "invoice": doc.id });
        if !matches!(part, Part::Balance) {
            arguments["amount"] = shown(sum, doc.currency).into();
        }
        let can = !doc.is_gone && doc.issued.is_some() && sum > 0 && sum <= balance;
        let outcome = self.call("record_payment", arguments).await;
        prop_assert_eq!(
            outcome.is_ok(),
            can,
            "paid {} of {}: {:?}",
            sum,
            balance,
            outcome
        );
        if let Ok(answer) = outcome {
            self.paid(&answer, vec![(index, sum)]);
        }
        Ok(())
    }

    async fn pay_many(&mut self, which: &BTreeSet<usize>) -> Checked {
        let Some(first) = which.first().and_then(|which| self.which(*which, |_| true)) else {
            return Ok(());
        };
        let alike = |index: usize| {
            let (doc, first) = (&self.docs[index], &self.docs[first]);
            self.balance(index) > 0
                && (doc.is_note, doc.currency) == (first.is_note, first.currency)
        };
        let indexes: BTreeSet<usize> = which
            .iter()
            .filter_map(|which| self.which(*which, alike))
            .collect();
        let first = self.docs[first].clone();
        let parts: Vec<_> = indexes
            .iter()
            .map(|index| (*index, self.balance(*index)))
            .collect();
        let can = parts.iter().all(|(index, balance)| {
            let doc = &self.docs[*index];
            !doc.is_gone
                && *balance > 0
                && (doc.is_note, doc.currency) == (first.is_note, first.currency)
        });
        let sum: i128 = parts.iter().map(|(_, balance)| balance).sum();
        let given: Vec<_> = indexes
            .iter()
            .rev()
            .map(|index| json!({ "invoice": self.docs[*index].id }))
            .collect();
        let arguments = json!({ "allocations": given, "amount": shown(sum, first.currency) });
        let outcome = self.call("record_payment", arguments).await;
        prop_assert_eq!(outcome.is_ok(), can, "paid {:?}: {:?}", parts, outcome);
        if let Ok(answer) = outcome {
            self.paid(&answer, parts);
        }
        Ok(())
    }

    fn paid(&mut self, answer: &Value, parts: Vec<(usize, i128)>) {
        for (index, part) in &parts {
            self.docs[*index].paid += part;
        }
        self.wrote(answer, parts[0].0, Did::Final);
        self.payments.push(Payment {
            id: answer["data"]["id"].clone(),
            parts,
            is_open: true,
        });
    }

    async fn reverse(&mut self, index: usize) -> Checked {
        let payment = &self.payments[index];
        let outcome = self
            .call("record_payment", json!({ "reverses": payment.id }))
            .await;
        prop_assert_eq!(outcome.is_ok(), payment.is_open, "reversed: {:?}", outcome);
        if let Ok(answer) = outcome {
            let payment = &mut self.payments[index];
            payment.is_open = false;
            for (doc, part) in payment.parts.clone() {
                self.docs[doc].paid -= part;
            }
            self.wrote(&answer, 0, Did::Final);
            // A reversal is not reversed.
            self.payments.push(Payment {
                id: answer["data"]["id"].clone(),
                parts: Vec::new(),
                is_open: false,
            });
        }
        Ok(())
    }

    async fn undo(&mut self, index: usize, skip: bool) -> Checked {
        let change = &self.changes[index];
        let doc = &self.docs[change.doc];
        let is_final = matches!(change.did, Did::Final);
        let can =
            !is_final && !change.is_undone && doc.issued.is_none() && doc.version == change.version;
        let arguments = json!({ "change": change.id, "skip_conflicts": skip, "confirm": true });
        let outcome = self.call("undo_change", arguments).await;
        prop_assert_eq!(outcome.is_ok(), can, "undone: {:?}", outcome);
        match outcome {
            Ok(_) => {
                let change = &mut self.changes[index];
                change.is_undone = true;
                let doc = &mut self.docs[change.doc];
                let version = doc.version + 1;
                match &change.did {
                    Did::Made => doc.is_gone = true,
                    Did::Edited(before) => *doc = (**before).clone(),
                    Did::Discarded => doc.is_gone = false,
                    Did::Final => {}
                }
                doc.version = version;
                // It stands as it did before what was undone, so whatever brought it there is the last change again.
                let (doc, before) = (change.doc, change.version - 1);
                let mut changes = self.changes.iter_mut();
                if let Some(last) = changes
                    .find(|other| other.doc == doc && !other.is_undone && other.version == before)
                {
                    last.version = version;
                }
            }
            Err(error) => prop_assert_eq!(error.code(), Code::Conflict),
        }
        Ok(())
    }

    /// Whether the server has what the model has, and every document holds together by itself.
    async fn agree(&mut self) -> Checked {
        let mut live = BTreeSet::new();
        for index in 0..self.docs.len() {
            let id = self.docs[index].id.clone();
            let read = self.call("get_invoice", json!({ "invoice": id })).await;
            if self.docs[index].is_gone {
                prop_assert_eq!(read.unwrap_err().code(), Code::NotFound);
                continue;
            }
            live.insert(id.to_string());
            let read = read.map_err(|error| TestCaseError::fail(format!("{id}: {error:?}")))?;
            self.docs[index].version = read["data"]["version"].as_i64().unwrap();
            self.agrees(index, &read["data"])?;
        }
        for is_note in [false, true] {
            let mut numbers: BTreeMap<i32, Vec<(i64, NaiveDate)>> = BTreeMap::new();
            for doc in self.docs.iter().filter(|doc| doc.is_note == is_note) {
                if let Some(issued) = &doc.issued {
                    let of_year = numbers.entry(issued.day.year()).or_default();
                    of_year.push((issued.serial, issued.day));
                }
            }
            for mut numbers in numbers.into_values() {
                numbers.sort_unstable();
                let is_gapless = numbers
                    .iter()
                    .map(|(serial, _)| *serial)
                    .eq(1..=numbers.len().try_into().unwrap());
                prop_assert!(
                    is_gapless && numbers.is_sorted_by_key(|(_, day)| *day),
                    "{:?}",
                    numbers
                );
            }
        }
        for (index, doc) in self.docs.iter().enumerate().filter(|(_, doc)| !doc.is_note) {
            let taken: i128 = self
                .notes(index)
                .iter()
                .map(|note| self.docs[*note].gross)
                .sum();
            prop_assert!(taken <= doc.gross, "credited {} of {}", taken, doc.gross);
            if doc.issued.is_some() && self.left(index).iter().all(|left| *left == 0) {
                prop_assert_eq!(taken, doc.gross, "taken back to the last line");
            }
        }
        let list = self
            .call(
                "list_invoices",
                json!({ "limit": 100, "sort": "created_at" }),
            )
            .await;
        let list = list.map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
        let rows = list["data"].as_array().unwrap();
        let listed: BTreeSet<String> = rows.iter().map(|row| row["id"].to_string()).collect();
        prop_assert_eq!(listed, live);
        for row in rows {
            let index = self
                .docs
                .iter()
                .position(|doc| doc.id == row["id"])
                .unwrap();
            prop_assert_eq!(amount(row, "balance_due"), self.balance(index), "{}", row);
            prop_assert_eq!(text(row, "status"), self.status(index), "{}", row);
        }
        Ok(())
    }

    fn agrees(&self, index: usize, read: &Value) -> Checked {
        let doc = &self.docs[index];
        let totals = ["net_total", "tax_total", "gross_total"];
        prop_assert_eq!(
            &totals.map(|name| text(read, name).to_owned()),
            &doc.totals,
            "{}",
            read
        );
        prop_assert_eq!(amount(read, "amount_paid"), doc.paid, "{}", read);
        prop_assert_eq!(
            amount(read, "amount_credited"),
            self.credited(index),
            "{}",
            read
        );
        prop_assert_eq!(amount(read, "balance_due"), self.balance(index), "{}", read);
        prop_assert_eq!(text(read, "status"), self.status(index), "{}", read);
        prop_assert!(self.balance(index) >= 0 && doc.paid >= 0, "{}", read);
        let sum = |list: &str, name: &str| -> i128 {
            let items = read[list].as_array();
            items
                .into_iter()
                .flatten()
                .map(|item| amount(item, name))
                .sum()
        };
        let charge = if read["charge"].is_null() {
            0
        } else {
            amount(read, "charge")
        };
        let [net, tax, gross] = totals.map(|name| amount(read, name));
        prop_assert_eq!(
            net,
            sum("lines", "net_total") - amount(read, "discount_total") + charge,
            "{}",
            read
        );
        prop_assert_eq!(net, sum("tax_summary", "taxable"), "{}", read);
        prop_assert_eq!(tax, sum("tax_summary", "tax"), "{}", read);
        prop_assert_eq!(gross, net + tax, "{}", read);
        let payments = read["payments"].as_array().into_iter().flatten();
        let paid: i128 = payments
            .map(|payment| {
                if payment["reverses"].is_null() {
                    amount(payment, "amount")
                } else {
                    -amount(payment, "amount")
                }
            })
            .sum();
        prop_assert_eq!(paid, doc.paid, "{}", read);
        if let Some(issued) = &doc.issued {
            prop_assert_eq!(&frozen(read), &issued.frozen);
            prop_assert_eq!(text(read, "issue_date"), issued.day.to_string());
        }
        Ok(())
    }
}

#[test]
fn whatever_is_called_the_ledger_agrees_with_whole_numbers() {
    let cases = std::env::var("BUREAU_LEDGER_CASES");
    let cases = cases.map_or(CASES, |cases| cases.parse().unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for engine in ENGINES {
        let app = runtime.block_on(TestApp::new(engine, MODULES));
        let tenants = AtomicU32::new(0);
        let config = Config {
            cases,
            failure_persistence: None,
            max_shrink_iters: 400,
            ..Config::default()
        };
        let outcome = TestRunner::new(config).run(&steps(), |steps| {
            runtime.block_on(async {
                // Each sequence has a workspace to itself.
                let number = tenants.fetch_add(1, Ordering::Relaxed);
                let caller = app.tenant(&format!("ledger-{number}")).await;
                let company = app
                    .data(&caller, "create_company", json!({ "name": "Buyer" }))
                    .await;
                let mut ledger = Ledger {
                    app: &app,
                    caller,
                    company: company["id"].clone(),
                    docs: Vec::new(),
                    payments: Vec::new(),
                    changes: Vec::new(),
                };
                for step in &steps {
                    ledger.take(step).await?;
                }
                Ok(())
            })
        });
        match outcome {
            Ok(()) => {}
            Err(TestError::Fail(reason, steps)) => {
                let steps: Vec<String> = steps.iter().map(|step| format!("{step:?}")).collect();
                panic!("after\n{}\non {engine:?}: {reason}", steps.join("\n"))
            }
            Err(TestError::Abort(reason)) => panic!("on {engine:?}: {reason}"),
        }
        let _inside = runtime.enter();
        drop(app);
    }
}
