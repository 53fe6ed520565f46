//! Contacts from a table.

use std::collections::HashMap;

use bureau_companies::Company;
use bureau_kernel::import::{BoxFuture, Draft, Field, Import, Reads};
use bureau_kernel::prelude::*;
use bureau_kernel::types::text::folded;

use crate::contact::Contact;

const fn emails(kind: Option<&'static str>) -> Reads {
    Reads::Entries { key: "email", kind }
}

const fn phones(kind: Option<&'static str>) -> Reads {
    Reads::Entries { key: "phone", kind }
}

impl Import for Contact {
    const NAME: &'static str = "contacts";
    const TOOL: &'static str = "import_contacts";
    const SAME: &'static [(&'static str, &'static str)] = Self::MATCHES;
    fn import_fields() -> Vec<Field> {
        vec![
            Field::new(
                "name",
                Reads::Text,
                "full name, display name, contact name, contact, person",
            ),
            Field::new(
                "first_name",
                Reads::Text,
                "given name, forename, first, vorname",
            ),
            Field::new(
                "last_name",
                Reads::Text,
                "family name, surname, last, nachname",
            ),
            Field::new(
                "title",
                Reads::Text,
                "job title, position, role, function, organization title",
            ),
            Field::new(
                "company",
                Reads::Text,
                "company name, employer, organization, organisation, organization name, organisation name, account, account name, firm, firma",
            ),
            Field::new("company_id", Reads::Record("company"), "company record"),
            Field::new(
                "emails",
                emails(None),
                "email, e-mail, mail, email address, e-mail address, email 1, email 2, email 3, e-mail 2 address, e-mail 3 address, e-mail 1 value, e-mail 2 value, e-mail 3 value, primary email, secondary email, other email",
            ),
            Field::new("work_email", emails(Some("work")), "business email").into("emails"),
            Field::new(
                "personal_email",
                emails(Some("personal")),
                "home email, private email",
            )
            .into("emails"),
            Field::new(
                "phones",
                phones(None),
                "phone, telephone, telephone number, phone number, tel, telefon, primary phone, phone 1, phone 2, phone 3, phone 1 value, phone 2 value, phone 3 value",
            ),
            Field::new(
                "work_phone",
                phones(Some("work")),
                "business phone, office phone, business phone 2, company phone",
            )
            .into("phones"),
            Field::new(
                "mobile_phone",
                phones(Some("mobile")),
                "mobile, cell, cell phone, mobile number, handy",
            )
            .into("phones"),
            Field::new(
                "personal_phone",
                phones(Some("personal")),
                "home phone, private phone",
            )
            .into("phones"),
            Field::new(
                "location",
                Reads::Text,
                "address, region, mailing address, full address",
            ),
            Field::new(
                "city",
                Reads::Text,
                "town, mailing city, business city, stadt, ort",
            ),
            Field::new(
                "country",
                Reads::Text,
                "country/region, mailing country, business country/region, land",
            ),
            Field::new(
                "links",
                Reads::List,
                "link, website, web page, url, linkedin, linkedin url, website 1 value",
            ),
            Field::new("types", Reads::List, "type, contact type, lifecycle stage"),
            Field::new("state", Reads::Text, "lead status, contact status, status"),
            Field::new(
                "owner",
                Reads::Record("member"),
                "contact owner, account manager, assigned to",
            ),
            Field::new(
                "reports_to",
                Reads::Record("contact"),
                "superior, manager, boss",
            ),
            Field::new(
                "tags",
                Reads::List,
                "tag, labels, label, categories, category, keywords",
            ),
            Field::new(
                "source",
                Reads::Text,
                "lead source, original source, origin",
            ),
            Field::new("score", Reads::Number, "lead score, rating"),
            Field::new(
                "summary",
                Reads::Text,
                "notes, note, description, comment, comments, about, biography",
            ),
        ]
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
