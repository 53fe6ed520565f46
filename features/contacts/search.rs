//! `search_contacts`

use bureau_companies::Company;
use bureau_kernel::prelude::*;
use bureau_kernel::types::text::folded;
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
    const SORT: &'static str = "Without a query";
    const USUAL: &'static str = "name";
    const BY_CREATION: bool = true;
}

/// How a contact is reached first, and how promising it is.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Reach {
    email: Option<Email>,
    phone: Option<String>,
    score: Option<i64>,
}

impl Presented for Contact {
    type Extra = Reach;
    const ROW: &'static [&'static str] = &["created_at"];

    async fn extras(_: &mut Cx, contacts: &[Saved<Self>], is_row: bool) -> Result<Vec<Reach>> {
        let reach = |contact: &Saved<Self>| {
            let score = contact.score.get();
            if !is_row {
                // All that there is stands in its lists.
                return Reach {
                    score: Some(score),
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
            }
        };
        Ok(contacts.iter().map(reach).collect())
    }
}

impl Tool for SearchContacts {
    const SPEC: Spec = Spec::reads("search_contacts", CONTACTS.read)
        .title("Search contacts")
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
        let named = self.company.as_deref();
        let (company_field, company) = match named.and_then(|text| text.parse::<Id<Company>>().ok())
        {
            Some(id) => ("company_id", Some(id.to_string())),
            None => ("company", named.map(folded)),
        };
        let rows = self.listing.rows(cx, |list| {
            list.index_keys("tag", tags.iter().map(|tag| folded(tag)))
                .term(company_field, company)
        });
        rows.await
    }
}
