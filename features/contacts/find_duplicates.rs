//! `find_duplicate_contacts`

use bureau_kernel::prelude::*;
use bureau_kernel::store::sql;
use bureau_kernel::types::id::Entity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::CONTACTS;
use crate::contact::Contact;

/// Whose duplicates to look for.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct FindDuplicateContacts {
    /// Only duplicates of this contact
    contact: Option<Id<Contact>>,
    limit: Option<Limit>,
}

/// Contacts that are likely one person.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Group {
    /// What they have in common: e-mail address, telephone number, or name and company.
    pub(crate) matched_by: &'static str,
    pub(crate) value: String,
    /// The oldest first.
    pub(crate) contacts: Vec<Candidate>,
}

/// One of them.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Candidate {
    pub(crate) id: Id<Contact>,
    pub(crate) name: ShortText<200>,
    company: Option<ShortText<150>>,
}

impl Tool for FindDuplicateContacts {
    const SPEC: Spec = Spec::reads("find_duplicate_contacts", CONTACTS.read)
        .title("Find duplicate contacts")
        .about("Find contacts with the same email, phone, or name and company.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Is anybody in my contacts twice?",
        before: &[
            Step {
                tool: "create_contact",
                arguments: r#"{"name": "Emmy Noether", "emails": ["emmy@ring.example"]}"#,
                keep: &[("one", "/data/id")],
            },
            Step {
                tool: "create_contact",
                arguments: r#"{"name": "E. Noether", "emails": ["emmy@ring.example"], "on_duplicate": "create"}"#,
                keep: &[("two", "/data/id")],
            },
        ],
        arguments: r#"{"contact": "{two}"}"#,
        expect: &[
            ("/data/0/matched_by", r#""e-mail address""#),
            ("/data/0/contacts/0/id", r#""{one}""#),
            ("/data/0/contacts/1/id", r#""{two}""#),
        ],
    }];
    type Output = Vec<Group>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<Group>> {
        groups(cx, self.contact, self.limit.unwrap_or_default().rows()).await
    }
}

/// Contacts that are likely one person, all or those of one contact: so many groups at most.
///
/// # Errors
/// [`Code::NotFound`] where there is no such contact.
pub(crate) async fn groups(
    cx: &mut Cx,
    contact: Option<Id<Contact>>,
    limit: usize,
) -> Result<Vec<Group>> {
    let mut groups: Vec<Group> = Vec::new();
    let terms = match contact {
        Some(id) => Some(cx.get(id).await?.index_keys()),
        None => None,
    };
    for (field, words) in Contact::MATCHES.iter().copied() {
        let values = match &terms {
            Some(terms) => terms
                .iter()
                .filter(|(other, _)| *other == field)
                .map(|(_, value)| value.clone())
                .collect(),
            None => shared_values(cx, field, limit.saturating_sub(groups.len())).await?,
        };
        for value in values {
            let contacts = candidates(cx, field, &value).await?;
            // The same people are one group, whatever they have in common beside the surest sign.
            let known = groups.iter().any(|group| {
                contacts
                    .iter()
                    .all(|c| group.contacts.iter().any(|o| o.id == c.id))
            });
            if contacts.len() > 1 && !known && groups.len() < limit {
                groups.push(Group {
                    matched_by: words,
                    value,
                    contacts,
                });
            }
        }
    }
    Ok(groups)
}

/// Terms that more than one live contact has.
async fn shared_values(cx: &mut Cx, field: &'static str, limit: usize) -> Result<Vec<String>> {
    let rows = sql("SELECT value")
        .from_own(cx, "record_key")
        .sql(" AND entity = ")
        .value(Contact::TABLE.to_owned())
        .sql(" AND field = ")
        .value(field.to_owned())
        .sql(" GROUP BY value HAVING COUNT(*) > 1 ORDER BY value LIMIT ")
        .value(i64::try_from(limit).unwrap_or(i64::MAX))
        .rows(cx.tx())
        .await?;
    rows.iter().map(|row| row.get("value")).collect()
}

async fn candidates(cx: &mut Cx, field: &'static str, value: &str) -> Result<Vec<Candidate>> {
    let mut candidates = Vec::new();
    // More than this many are not duplicates but a shared mailbox or switchboard.
    const SHOWN: usize = 10;
    for id in cx.with_index_key::<Contact>(field, value, SHOWN).await? {
        let contact = cx.get(id).await?;
        candidates.push(Candidate {
            id,
            name: contact.record.name,
            company: contact.record.company,
        });
    }
    Ok(candidates)
}
