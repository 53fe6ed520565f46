//! Contacts from a table.

use std::collections::{HashMap, HashSet};

use bureau_companies::Company;
use bureau_kernel::import::{BoxFuture, Draft, Field, Import, Reads, declared};
use bureau_kernel::prelude::*;
use bureau_kernel::types::text::folded;
use serde_json::Value as Data;

use crate::contact::Contact;

impl Import for Contact {
    const NAME: &'static str = "contacts";
    const OF_CARDS: bool = true;
    const TOOL: &'static str = "import_contacts";
    const SAME: &'static [(&'static str, &'static str)] = Self::MATCHES;
    const APART_BY: &'static [&'static str] = <Self as Duplicates>::APART_BY;

    fn import_fields() -> Vec<Field> {
        /// A field whose entries go into a list.
        fn entries(list: &'static str, name: &'static str, headers: &'static str) -> Field {
            let key = if list == "emails" { "email" } else { "phone" };
            let kind = name.split_once('_').map(|(kind, _)| kind);
            Field::new(name, Reads::Entries { key, kind }, headers).into(list)
        }
        let mut fields = declared::<Self>();
        fields.extend([
            entries(
                "emails",
                "emails",
                "email, e-mail, mail, email address, e-mail address, email 1, email 2, email 3, \
                 e-mail 2 address, e-mail 3 address, e-mail 1 value, e-mail 2 value, \
                 e-mail 3 value, primary email, secondary email, other email, e-mail-adresse, e-mail 2 adresse, \
                 e-mail 3 adresse, email other",
            ),
            entries("emails", "work_email", "business email, email work"),
            entries("emails", "personal_email", "home email, private email, email home"),
            entries(
                "phones",
                "phones",
                "phone, telephone, telephone number, phone number, tel, telefon, primary phone, \
                 phone 1, phone 2, phone 3, phone 1 value, phone 2 value, phone 3 value, other phone, phone other, \
                 weiteres telefon, haupttelefon",
            ),
            entries(
                "phones",
                "work_phone",
                "business phone, office phone, business phone 2, company phone, company main phone, phone work, \
                 telefon geschäftlich, telefon geschäftlich 2, telefon firma",
            ),
            entries(
                "phones",
                "mobile_phone",
                "mobile, cell, cell phone, mobile number, handy, mobile phone number, phone mobile, mobiltelefon",
            ),
            entries(
                "phones",
                "personal_phone",
                "home phone, home phone 2, private phone, phone home, telefon privat, telefon privat 2",
            ),
        ]);
        fields
    }

    fn translate(draft: &mut Draft) {
        translate(draft);
    }

    fn keep(&mut self, before: &Self) {
        // Lists are joined: what was known stays known.
        self.fill_from(before);
    }

    fn complete<'a>(cx: &'a mut Cx, drafts: &'a mut [Draft]) -> BoxFuture<'a, Result<()>> {
        Box::pin(link_companies(cx, drafts))
    }
}

/// Stages of a customer's life as other programs call them, without signs, and what a contact is then.
const STAGES: &[(&str, &str)] = &[
    ("subscriber", "lead"),
    ("marketingqualifiedlead", "lead"),
    ("salesqualifiedlead", "lead"),
    ("opportunity", "prospect"),
    ("evangelist", "customer"),
    ("client", "customer"),
    ("kunde", "customer"),
    ("interessent", "prospect"),
    ("lieferant", "supplier"),
    ("vendor", "supplier"),
];

/// What other programs write into cells.
fn translate(draft: &mut Draft) {
    if let Some(Data::Array(types)) = draft.fields.get_mut("types") {
        for one in types {
            let plain: String = folded(one.as_str().unwrap_or_default())
                .chars()
                .filter(|c| c.is_alphanumeric())
                .collect();
            if let Some((_, ours)) = STAGES.iter().find(|(theirs, _)| *theirs == plain) {
                *one = (*ours).into();
            }
        }
    }
    if let Some(Data::Array(tags)) = draft.fields.get_mut("tags") {
        // What an address book groups by itself: `* myContacts`.
        tags.retain(|tag| !tag.as_str().is_some_and(|tag| tag.starts_with("* ")));
    }
    if let Some(Data::Array(emails)) = draft.fields.get_mut("emails") {
        // The name of a mailbox inside of an organisation, which no mail reaches from outside.
        let is_internal = |entry: &Data| {
            let email = entry
                .get("email")
                .and_then(Data::as_str)
                .unwrap_or_default();
            email.to_lowercase().starts_with("/o=")
        };
        let before = emails.len();
        emails.retain(|entry| !is_internal(entry));
        if emails.len() < before {
            let left_out = "emails: an Exchange (EX) address is known inside of its organisation only; it is left out.";
            draft.warnings.push(left_out.to_owned());
        }
    }
    // A firm that stands in an address book without a person.
    let is_nameless = ["name", "first_name", "last_name"]
        .iter()
        .all(|name| !draft.fields.contains_key(*name));
    let has_address = draft.fields.get("emails").and_then(Data::as_array);
    if is_nameless
        && has_address.is_none_or(Vec::is_empty)
        && let Some(company) = draft.fields.get("company").cloned()
    {
        draft.fields.insert("name".into(), company);
    }
}

/// As [`Contact::link_company`], for many.
async fn link_companies(cx: &mut Cx, drafts: &mut [Draft]) -> Result<()> {
    let named = |draft: &Draft| {
        let name = draft.fields.get("company")?.as_str()?;
        (!draft.fields.contains_key("company_id")).then(|| folded(name))
    };
    let mut names: Vec<String> = drafts.iter().filter_map(named).collect();
    names.sort_unstable();
    names.dedup();
    let found = cx.with_terms::<Company>("name", &names).await?;
    let known: HashSet<String> = found.iter().map(|company| company.value.clone()).collect();
    let mut only: HashMap<String, Id<Company>> = found
        .into_iter()
        .filter(|company| company.count == 1)
        .map(|company| (company.value, company.oldest))
        .collect();
    names.retain(|name| !known.contains(name));
    only.extend(bureau_companies::only_ones_like(cx, &names).await?);
    for draft in drafts {
        if let Some(id) = named(draft).and_then(|name| only.get(&name)) {
            let id = id.to_string().into();
            draft.fields.insert("company_id".into(), id);
        }
    }
    Ok(())
}
