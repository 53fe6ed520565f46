//! `search_contacts`

use bureau_companies::Company;
use bureau_kernel::prelude::*;
use bureau_kernel::types::text::{folded, quoted};
use bureau_kernel::types::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::CONTACTS;
use crate::contact::Contact;

/// What to look for.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct SearchContacts {
    /// All of these
    tags: Option<Vec<ShortText<50>>>,
    /// Name or id
    company: Option<ShortText<150>>,
    #[serde(flatten)]
    listing: Listing<Contact>,
}

impl Listed for Contact {
    const QUERY: Option<&'static str> = Some("Part of name, email, phone, company, tag");
    const SORT: &'static str = "Default relevance or name";
    const USUAL: &'static str = "name";
    const BY_CREATION: bool = true;
    const BY_CONTACT: bool = true;
}

/// How a contact is reached first, and how promising it is.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Reach {
    email: Option<Email>,
    phone: Option<String>,
    score: Option<i64>,
    last_contacted_at: Option<Timestamp>,
}

impl Presented for Contact {
    type Extra = Reach;
    const ROW: &'static [&'static str] = &["created_at"];

    async fn extras(cx: &mut Cx, contacts: &[Saved<Self>], is_row: bool) -> Result<Vec<Reach>> {
        let ids = contacts.iter().map(|contact| contact.id.raw());
        let last = cx.last_touched::<Self>(ids).await?;
        let reach = |contact: &Saved<Self>| {
            let score = contact.score.get();
            let last_contacted_at = last.get(&contact.id.raw()).copied();
            if !is_row {
                // All that there is stands in its lists.
                return Reach {
                    score: Some(score),
                    last_contacted_at,
                    ..Reach::default()
                };
            }
            Reach {
                email: contact.preferred_email().cloned(),
                phone: contact.phones.first().map(|entry| match &entry.e164 {
                    Some(e164) => e164.clone(),
                    None => entry.phone.to_string(),
                }),
                score: Some(score).filter(|score| *score != 0),
                last_contacted_at,
            }
        };
        Ok(contacts.iter().map(reach).collect())
    }
}

impl Tool for SearchContacts {
    const SPEC: Spec = Spec::reads("search_contacts", CONTACTS.read)
        .title("Search contacts")
        .core()
        .about("Search contacts by any part of their data, or list them with filters.")
        .awaits(Awaits::Index);
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Find the contact I met, something like Turring",
            before: &[Step {
                tool: "create_contact",
                arguments: r#"{"first_name": "Alan", "last_name": "Turing", "company": "Bletchley", "types": ["lead"]}"#,
                keep: &[("alan", "/data/id")],
            }],
            arguments: r#"{"query": "turring"}"#,
            expect: &[
                ("/data/0/id", r#""{alan}""#),
                ("/data/0/name", r#""Alan Turing""#),
            ],
        },
        Example {
            title: "Show me all leads that were created this month",
            before: &[],
            arguments: r#"{"type": "lead", "created_after": "start of month", "sort": "created_at", "descending": true}"#,
            expect: &[
                ("/data/0/id", r#""{alan}""#),
                ("/data/0/types", r#"["lead"]"#),
            ],
        },
    ];
    type Output = Vec<Row<Contact>>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<Row<Contact>>> {
        // Each is a condition of its own, and nobody looks for more at once.
        const MOST_TAGS: usize = 20;
        let tags = self.tags.unwrap_or_default();
        if tags.len() > MOST_TAGS {
            let message = format!("tags takes up to {MOST_TAGS} labels.");
            return Err(Error::invalid("tags", message));
        }
        let employer = match self.company.as_deref() {
            Some(text) => Some(employer(cx, text).await?),
            None => None,
        };
        let (company_field, company) = match employer {
            Some((field, value)) => (field, Some(value)),
            None => ("company", None),
        };
        let rows = self.listing.rows(cx, |list| {
            list.index_keys("tag", tags.iter().map(|tag| folded(tag)))
                .term(company_field, company)
        });
        rows.await
    }
}

/// The index key of the contacts with an employer, which is given by its identifier or by a name: as it stands with contacts,
/// or else as the one company is called that this finds.
async fn employer(cx: &mut Cx, text: &str) -> Result<(&'static str, String)> {
    const BY_RECORD: &str = "company_id";
    const BY_NAME: &str = "company";
    const SHOWN: u32 = 3;
    if let Ok(id) = text.parse::<Id<Company>>() {
        return Ok((BY_RECORD, id.to_string()));
    }
    let name = folded(text);
    let is_there = cx.with_index_key::<Contact>(BY_NAME, &name, 1).await?;
    if !is_there.is_empty() || !cx.may::<Company>(Operation::Read) {
        return Ok((BY_NAME, name));
    }
    if let Some(only) = bureau_companies::only_one_named(cx, text).await? {
        return Ok((BY_RECORD, only.to_string()));
    }
    let companies = cx.list::<Company>().having_all(text, Limit::of(SHOWN));
    match companies.await?.as_slice() {
        [] => Ok((BY_NAME, name)),
        [only] => {
            cx.note_resolved(BY_NAME, only.id, &only.name);
            Ok((BY_RECORD, only.id.to_string()))
        }
        several => {
            let names = several.iter();
            let names: Vec<String> = names
                .map(|company| format!("{} ({})", quoted(&company.name), company.id))
                .collect();
            Err(
                Error::new(Code::NotFound, "No company is called exactly so.")
                    .field(BY_NAME)
                    .hint(format!("Did you mean {}?", names.join(" or "))),
            )
        }
    }
}
