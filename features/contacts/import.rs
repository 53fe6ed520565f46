//! Contacts from a table.

use std::collections::HashMap;

use bureau_companies::Company;
use bureau_kernel::import::{BoxFuture, Draft, Field, Import, Reads};
use bureau_kernel::prelude::*;
use bureau_kernel::store::sql;
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
    const FIELDS: &'static [Field] = &[
        Field::new(
            "name",
            Reads::Text,
            &[
                "full name",
                "display name",
                "contact name",
                "contact",
                "person",
            ],
        ),
        Field::new(
            "first_name",
            Reads::Text,
            &["given name", "forename", "first", "vorname"],
        ),
        Field::new(
            "last_name",
            Reads::Text,
            &["family name", "surname", "last", "nachname"],
        ),
        Field::new(
            "title",
            Reads::Text,
            &[
                "job title",
                "position",
                "role",
                "function",
                "organization title",
            ],
        ),
        Field::new(
            "company",
            Reads::Text,
            &[
                "company name",
                "employer",
                "organization",
                "organisation",
                "organization name",
                "organisation name",
                "account",
                "account name",
                "firm",
                "firma",
            ],
        ),
        Field::new("company_id", Reads::Record("company"), &["company record"]),
        Field::new(
            "emails",
            emails(None),
            &[
                "email",
                "e-mail",
                "mail",
                "email address",
                "e-mail address",
                "email 1",
                "email 2",
                "email 3",
                "e-mail 2 address",
                "e-mail 3 address",
                "e-mail 1 value",
                "e-mail 2 value",
                "e-mail 3 value",
                "primary email",
                "secondary email",
                "other email",
            ],
        ),
        Field::new("work_email", emails(Some("work")), &["business email"]).into("emails"),
        Field::new(
            "personal_email",
            emails(Some("personal")),
            &["home email", "private email"],
        )
        .into("emails"),
        Field::new(
            "phones",
            phones(None),
            &[
                "phone",
                "telephone",
                "telephone number",
                "phone number",
                "tel",
                "telefon",
                "primary phone",
                "phone 1",
                "phone 2",
                "phone 3",
                "phone 1 value",
                "phone 2 value",
                "phone 3 value",
            ],
        ),
        Field::new(
            "work_phone",
            phones(Some("work")),
            &[
                "business phone",
                "office phone",
                "business phone 2",
                "company phone",
            ],
        )
        .into("phones"),
        Field::new(
            "mobile_phone",
            phones(Some("mobile")),
            &["mobile", "cell", "cell phone", "mobile number", "handy"],
        )
        .into("phones"),
        Field::new(
            "personal_phone",
            phones(Some("personal")),
            &["home phone", "private phone"],
        )
        .into("phones"),
        Field::new(
            "location",
            Reads::Text,
            &["address", "region", "mailing address", "full address"],
        ),
        Field::new(
            "city",
            Reads::Text,
            &["town", "mailing city", "business city", "stadt", "ort"],
        ),
        Field::new(
            "country",
            Reads::Text,
            &[
                "country/region",
                "mailing country",
                "business country/region",
                "land",
            ],
        ),
        Field::new(
            "links",
            Reads::List,
            &[
                "link",
                "website",
                "web page",
                "url",
                "linkedin",
                "linkedin url",
                "website 1 value",
            ],
        ),
        Field::new(
            "types",
            Reads::List,
            &["type", "contact type", "lifecycle stage"],
        ),
        Field::new(
            "state",
            Reads::Text,
            &["lead status", "contact status", "status"],
        ),
        Field::new(
            "owner",
            Reads::Record("member"),
            &["contact owner", "account manager", "assigned to"],
        ),
        Field::new(
            "reports_to",
            Reads::Record("contact"),
            &["superior", "manager", "boss"],
        ),
        Field::new(
            "tags",
            Reads::List,
            &[
                "tag",
                "labels",
                "label",
                "categories",
                "category",
                "keywords",
            ],
        ),
        Field::new(
            "source",
            Reads::Text,
            &["lead source", "original source", "origin"],
        ),
        Field::new("score", Reads::Number, &["lead score", "rating"]),
        Field::new(
            "summary",
            Reads::Text,
            &[
                "notes",
                "note",
                "description",
                "comment",
                "comments",
                "about",
                "biography",
            ],
        ),
    ];

    fn keep(&mut self, before: &Self) {
        // Lists are joined: what was known stays known.
        self.fill_from(before);
    }

    fn complete<'a>(cx: &'a mut Cx, drafts: &'a mut [Draft]) -> BoxFuture<'a, Result<()>> {
        Box::pin(link_companies(cx, drafts))
    }

    fn resolve<'a>(
        cx: &'a mut Cx,
        texts: &'a [String],
    ) -> BoxFuture<'a, Result<Vec<Vec<Id<Self>>>>> {
        Box::pin(resolve(cx, texts))
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

/// The contacts with an address or, where there is none, a name.
async fn resolve(cx: &mut Cx, texts: &[String]) -> Result<Vec<Vec<Id<Contact>>>> {
    let mut named = HashMap::new();
    let words: Vec<String> = texts.iter().map(|text| folded(text)).collect();
    let mut sort_names: Vec<String> = words.iter().flat_map(|name| turned(name)).collect();
    sort_names.sort_unstable();
    sort_names.dedup();
    let workspace = cx.workspace().id;
    for asked in sort_names.chunks(64) {
        let mut statement =
            sql("SELECT id, name FROM contact WHERE archived_at IS NULL AND workspace = ")
                .value(workspace)
                .sql(" AND sort_name IN (");
        for (index, name) in asked.iter().enumerate() {
            statement = statement
                .sql(if index > 0 { ", " } else { "" })
                .value(name.clone());
        }
        for row in statement.sql(") ORDER BY id").rows(cx.tx()).await? {
            let name: String = row.get("name")?;
            let ids: &mut Vec<Id<Contact>> = named.entry(folded(&name)).or_default();
            ids.push(row.get("id")?);
        }
    }
    let mut meant = Vec::with_capacity(texts.len());
    for name in words {
        let by_address = if name.contains('@') {
            cx.with_index_key::<Contact>("email", &name, 2).await?
        } else {
            Vec::new()
        };
        meant.push(if by_address.is_empty() {
            named.get(&name).cloned().unwrap_or_default()
        } else {
            by_address
        });
    }
    Ok(meant)
}

/// The forms in which a name may be ordered: family name first, wherever it begins.
fn turned(name: &str) -> Vec<String> {
    let words: Vec<&str> = name.split(' ').collect();
    (0..words.len().min(8))
        .filter_map(|first| words.split_at_checked(first))
        .map(|(given, family)| [family, given].concat().join(" "))
        .collect()
}
