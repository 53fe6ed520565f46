//! What a firm's data has to be after the calls that took effect, in the order in which they did: plain maps, and rules that a
//! person can check by reading.

use std::collections::BTreeMap;

use bureau_kernel::types::id::{decode, encode};
use serde_json::{Value, json};

/// A change that took effect: all rows that one call wrote.
#[derive(Debug, Clone)]
pub(super) struct Effect {
    pub(super) change: String,
    pub(super) tool: String,
    pub(super) rows: Vec<Row>,
}

#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) entity: String,
    pub(super) record: i64,
    pub(super) action: String,
    pub(super) after: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) title: Option<String>,
    pub(super) is_live: bool,
}

/// An invoice or a credit note, in cents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bill {
    pub(super) kind: &'static str,
    pub(super) is_issued: bool,
    pub(super) number: Option<(i64, i64)>,
    pub(super) gross: i64,
    pub(super) paid: i64,
    pub(super) credits: Option<i64>,
    /// The quotation that it was made from.
    pub(super) offer: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) status: String,
    pub(super) gross: i64,
    pub(super) is_converted: bool,
}

/// How a contact was before a change.
type Before = (i64, Option<Person>);

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Model {
    pub(super) people: BTreeMap<i64, Person>,
    pub(super) bills: BTreeMap<i64, Bill>,
    pub(super) offers: BTreeMap<i64, Offer>,
    /// How many invoices each plan has made.
    pub(super) plans: BTreeMap<i64, i64>,
    /// The last serial number and day of each kind and period.
    last: BTreeMap<(&'static str, i64), i64>,
    /// The day of the last document that was issued, of each kind.
    last_day: BTreeMap<&'static str, String>,
    /// What an undo of a change takes back, as long as it is the last of those that stand.
    undoable: BTreeMap<String, Before>,
    /// The changes of a contact that were not taken back.
    standing: BTreeMap<i64, Vec<String>>,
}

fn target(arguments: &Value, name: &str) -> i64 {
    let id = arguments[name].as_str().expect("an id");
    decode(id).expect("an id").1
}

/// The price of a document with one line, in cents with 19 % tax.
pub(super) fn gross(arguments: &Value) -> i64 {
    let price = arguments["lines"][0]["unit_price"].as_str().unwrap();
    price.parse::<i64>().unwrap() * 119
}

impl Effect {
    fn only(&self, entity: &str, action: &str) -> Result<&Row, String> {
        let mut rows = self
            .rows
            .iter()
            .filter(|row| row.entity == entity && row.action == action);
        match (rows.next(), rows.next()) {
            (Some(row), None) => Ok(row),
            _ => Err(format!("it should {action} one {entity}")),
        }
    }

    fn touches(&self, entity: &str, record: i64) -> bool {
        self.rows
            .iter()
            .any(|row| row.entity == entity && row.record == record)
    }

    /// Whether this can be what a call did, of which nobody heard how it ended.
    pub(super) fn can_be(&self, tool: &str, arguments: &Value) -> bool {
        if self.tool != tool {
            return false;
        }
        match tool {
            "create_contact" => self
                .only("contact", "create")
                .is_ok_and(|row| row.after["name"] == arguments["name"]),
            "update_contact" => {
                self.touches("contact", target(arguments, "contact"))
                    && self
                        .rows
                        .iter()
                        .any(|row| row.after["title"] == arguments["title"])
            }
            "delete_contact" => self.touches("contact", target(arguments, "contact")),
            "merge_contacts" => {
                let keep = target(arguments, "keep");
                let lost = decode(arguments["merge"][0].as_str().unwrap()).unwrap().1;
                let archived = self.only("contact", "archive");
                archived.is_ok_and(|row| row.record == lost) && keep != lost
            }
            // Two that take back changes of one contact write alike: which change it was stands beside the rows.
            "undo_change" => self
                .rows
                .first()
                .is_some_and(|row| row.after["undoes"] == arguments["change"]),
            "create_invoice" => self
                .only("invoice", "create")
                .is_ok_and(|row| row.after["reference"] == arguments["reference"]),
            "issue_invoice" => {
                let id = target(arguments, "invoice");
                self.rows.iter().any(|row| {
                    row.entity == "invoice" && row.record == id && !row.after["serial"].is_null()
                })
            }
            "record_payment" => self
                .only("payment", "create")
                .is_ok_and(|row| row.after["reference"] == arguments["reference"]),
            "create_credit_note" => self
                .only("invoice", "create")
                .is_ok_and(|row| row.after["notes"] == arguments["reason"]),
            "convert_quotation" => self
                .only("invoice", "create")
                .is_ok_and(|row| row.after["source"] == arguments["quotation"]),
            _ => false,
        }
    }
}

impl Model {
    /// Lets a change take effect, or says why it cannot have.
    pub(super) fn apply(&mut self, arguments: &Value, effect: &Effect) -> Result<(), String> {
        match effect.tool.as_str() {
            "create_contact" => {
                let row = effect.only("contact", "create")?;
                let name = arguments["name"].as_str().unwrap().to_owned();
                let person = Person {
                    name,
                    title: None,
                    is_live: true,
                };
                self.undoable
                    .insert(effect.change.clone(), (row.record, None));
                if self.people.insert(row.record, person).is_some() {
                    return Err("it makes what is there".into());
                }
            }
            "update_contact" => {
                let title = arguments["title"].as_str().unwrap().to_owned();
                self.change_person(target(arguments, "contact"), effect, |person| {
                    person.title = Some(title);
                })?;
            }
            "delete_contact" => {
                self.change_person(target(arguments, "contact"), effect, |person| {
                    person.is_live = false;
                })?;
            }
            "merge_contacts" => {
                let lost = decode(arguments["merge"][0].as_str().unwrap()).unwrap().1;
                let title = self
                    .people
                    .get(&lost)
                    .and_then(|person| person.title.clone());
                self.change_person(lost, effect, |person| person.is_live = false)?;
                self.change_person(target(arguments, "keep"), effect, |person| {
                    if person.title.is_none() {
                        person.title = title;
                    }
                })?;
                self.undoable.remove(&effect.change);
            }
            "undo_change" => {
                let change = arguments["change"].as_str().unwrap();
                let (id, before) = self
                    .undoable
                    .get(change)
                    .cloned()
                    .ok_or("it takes back what it cannot")?;
                let standing = self.standing.entry(id).or_default();
                if standing.pop().as_deref() != Some(change) {
                    return Err("it takes back what was changed since".into());
                }
                let person = self.people.get_mut(&id).ok_or("nobody is there")?;
                match before {
                    Some(before) => *person = before,
                    None => person.is_live = false,
                }
                return Ok(());
            }
            "create_invoice" => {
                let row = effect.only("invoice", "create")?;
                self.draft(row.record, "invoice", gross(arguments), None);
            }
            "issue_invoice" => self.issue(target(arguments, "invoice"), effect)?,
            "record_payment" => {
                effect.only("payment", "create")?;
                let amount: i64 = arguments["amount"].as_str().unwrap().parse().unwrap();
                let id = target(arguments, "invoice");
                let (_, credited) = self.settled(id);
                let bill = self.bills.get_mut(&id).ok_or("there is no such invoice")?;
                bill.paid += amount * 100;
                if !bill.is_issued || bill.paid + credited > bill.gross {
                    return Err("more is paid than is open".into());
                }
            }
            "create_credit_note" => {
                let row = effect.only("invoice", "create")?;
                let credited = target(arguments, "invoice");
                let bill = self
                    .bills
                    .get(&credited)
                    .ok_or("there is no such invoice")?;
                if !bill.is_issued {
                    return Err("it takes back a draft".into());
                }
                let gross = bill.gross;
                self.draft(row.record, "credit_note", gross, Some(credited));
            }
            "convert_quotation" => {
                let row = effect.only("invoice", "create")?;
                let id = target(arguments, "quotation");
                let offer = self
                    .offers
                    .get_mut(&id)
                    .ok_or("there is no such quotation")?;
                if offer.is_converted || offer.status != "accepted" {
                    return Err("it converts what it cannot".into());
                }
                offer.is_converted = true;
                let gross = offer.gross;
                self.draft(row.record, "invoice", gross, None);
                if let Some(bill) = self.bills.get_mut(&row.record) {
                    bill.offer = Some(id);
                }
            }
            "create_quotation" => {
                let row = effect.only("quotation", "create")?;
                let offer = Offer {
                    status: "draft".into(),
                    gross: gross(arguments),
                    is_converted: false,
                };
                self.offers.insert(row.record, offer);
            }
            "send_quotation" => self.move_offer(target(arguments, "quotation"), "draft", "sent")?,
            "update_quotation_status" => {
                self.move_offer(target(arguments, "quotation"), "sent", "accepted")?;
            }
            "quotation_expiry" => {
                let row = effect.only("quotation", "update")?;
                self.move_offer(row.record, "sent", "expired")?;
            }
            "recurring_invoice" => {
                let row = effect.only("invoice", "create")?;
                let plan = effect
                    .rows
                    .iter()
                    .find(|row| row.entity == "recurring_invoice");
                let plan = plan.ok_or("a plan should go on")?;
                let made = self.plans.entry(plan.record).or_default();
                *made += 1;
                if plan.after["made"] != json!(*made) {
                    return Err(format!("it should be the plan's invoice {made}"));
                }
                self.draft(row.record, "invoice", 11_900, None);
                self.issue(row.record, effect)?;
            }
            "create_recurring_invoice" => {
                let row = effect.only("recurring_invoice", "create")?;
                self.plans.insert(row.record, 0);
            }
            "create_company" => {}
            other => return Err(format!("nobody does {other}")),
        }
        for row in effect.rows.iter().filter(|row| row.entity == "contact") {
            let standing = self.standing.entry(row.record).or_default();
            standing.push(effect.change.clone());
        }
        Ok(())
    }

    fn change_person(
        &mut self,
        id: i64,
        effect: &Effect,
        change: impl FnOnce(&mut Person),
    ) -> Result<(), String> {
        let person = self.people.get_mut(&id).ok_or("nobody is there")?;
        if !person.is_live {
            return Err(format!(
                "it changes {}, which was deleted",
                encode("con", id)
            ));
        }
        self.undoable
            .insert(effect.change.clone(), (id, Some(person.clone())));
        change(person);
        Ok(())
    }

    fn draft(&mut self, id: i64, kind: &'static str, gross: i64, credits: Option<i64>) {
        let bill = Bill {
            kind,
            is_issued: false,
            number: None,
            gross,
            paid: 0,
            credits,
            offer: None,
        };
        self.bills.insert(id, bill);
    }

    fn issue(&mut self, id: i64, effect: &Effect) -> Result<(), String> {
        let mut rows = effect
            .rows
            .iter()
            .filter(|row| row.entity == "invoice" && row.record == id);
        let row = rows
            .find(|row| !row.after["serial"].is_null())
            .ok_or("it takes no number")?;
        let number = (
            row.after["period"].as_i64().ok_or("no period")?,
            row.after["serial"].as_i64().ok_or("no serial")?,
        );
        let day = row.after["issue_date"]
            .as_str()
            .ok_or("no date")?
            .to_owned();
        let bill = self
            .bills
            .get(&id)
            .ok_or("there is no such invoice")?
            .clone();
        if bill.is_issued {
            return Err("it is issued twice".into());
        }
        if let Some(credited) = bill.credits {
            let taken: i64 = self.notes(credited).map(|note| note.gross).sum();
            if taken + bill.gross > self.bills[&credited].gross {
                return Err("more is taken back than there is".into());
            }
        }
        let last = self.last.entry((bill.kind, number.0)).or_default();
        if number.1 != *last + 1 {
            return Err(format!("number {number:?} comes after {last}"));
        }
        *last = number.1;
        let last_day = self.last_day.entry(bill.kind).or_default();
        if day < *last_day {
            return Err(format!("it is issued on {day}, after {last_day}"));
        }
        *last_day = day;
        if let Some(bill) = self.bills.get_mut(&id) {
            bill.is_issued = true;
            bill.number = Some(number);
        }
        if let Some(credited) = bill.credits {
            self.free_offer(credited);
        }
        Ok(())
    }

    /// What an invoice had billed may be billed again once all of the invoice was taken back.
    fn free_offer(&mut self, invoice: i64) {
        let (taken, _) = self.settled(invoice);
        let bill = &self.bills[&invoice];
        if taken < bill.gross {
            return;
        }
        if let Some(offer) = bill.offer.and_then(|offer| self.offers.get_mut(&offer)) {
            offer.is_converted = false;
        }
    }

    fn move_offer(&mut self, id: i64, from: &str, to: &str) -> Result<(), String> {
        let offer = self
            .offers
            .get_mut(&id)
            .ok_or("there is no such quotation")?;
        if offer.status != from {
            return Err(format!("it goes from {} to {to}", offer.status));
        }
        offer.status = to.to_owned();
        Ok(())
    }

    /// The credit notes that were issued for an invoice.
    fn notes(&self, invoice: i64) -> impl Iterator<Item = &Bill> {
        self.bills
            .values()
            .filter(move |bill| bill.is_issued && bill.credits == Some(invoice))
    }

    /// What credit notes take back of an invoice, and how much of that is set off against what is open.
    fn settled(&self, id: i64) -> (i64, i64) {
        let Some(bill) = self.bills.get(&id) else {
            return (0, 0);
        };
        let taken: i64 = self.notes(id).map(|note| note.gross).sum();
        (taken, taken.min(bill.gross - bill.paid))
    }

    /// Where a document stands.
    pub(super) fn status(&self, id: i64) -> &'static str {
        let bill = &self.bills[&id];
        if !bill.is_issued {
            return "draft";
        }
        let (taken, mut credited) = self.settled(id);
        if let Some(invoice) = bill.credits {
            // There is one credit note for an invoice, for all of it.
            credited = self.settled(invoice).1;
        }
        match bill.paid + credited {
            settled if settled >= bill.gross && taken > 0 && taken == bill.gross => "credited",
            settled if settled >= bill.gross => "paid",
            0 => "issued",
            _ => "partly_paid",
        }
    }
}
