//! Contacts from a table.

use std::collections::HashMap;

use bureau_companies::Company;
use bureau_kernel::import::{BoxFuture, Draft, Field, Import, Reads, declared};
use bureau_kernel::prelude::*;
use bureau_kernel::types::text::folded;

use crate::contact::Contact;

impl Import for Contact {
    const NAME: &'static str = "contacts";
    const TOOL: &'static str = "import_contacts";
    const SAME: &'static [(&'static str, &'static str)] = Self::MATCHES;

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
                 e-mail 3 value, primary email, secondary email, other email",
            ),
            entries("emails", "work_email", "business email"),
            entries("emails", "personal_email", "home email, private email"),
            entries(
                "phones",
                "phones",
                "phone, telephone, telephone number, phone number, tel, telefon, primary phone, \
                 phone 1, phone 2, phone 3, phone 1 value, phone 2 value, phone 3 value",
            ),
            entries(
                "phones",
                "work_phone",
                "business phone, office phone, business phone 2, company phone",
            ),
            entries(
                "phones",
                "mobile_phone",
                "mobile, cell, cell phone, mobile number, handy",
            ),
            entries("phones", "personal_phone", "home phone, private phone"),
        ]);
        fields
    }

    fn keep(&mut self, before: &Self) {
        // Lists are joined: what was known stays known.
        self.fill_from(before);
    }

    fn complete<'a>(cx: &'a mut Cx, drafts: &'a mut [Draft]) -> BoxFuture<'a, Result<()>> {
        Box::pin(link_companies(cx, drafts))
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
    let only: HashMap<String, Id<Company>> = found
        .into_iter()
        .filter(|company| company.count == 1)
        .map(|company| (company.value, company.oldest))
        .collect();
    for draft in drafts {
        if let Some(id) = named(draft).and_then(|name| only.get(&name)) {
            let id = id.to_string().into();
            draft.fields.insert("company_id".into(), id);
        }
    }
    Ok(())
}
