//! `search_contacts`

use bureau_companies::Company;
use bureau_kernel::list::Order;
use bureau_kernel::prelude::*;
use bureau_kernel::references::Names;
use bureau_kernel::store::{Kind, enum_name};
use bureau_kernel::types::text::folded;
use bureau_kernel::types::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::READ_CONTACTS;
use crate::contact::{Contact, ContactType};

/// What to look for.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SearchContacts {
    /// Part of name, email, phone, company, tag
    query: Option<ShortText<500>>,
    #[serde(rename = "type")]
    kind: Option<ContactType>,
    /// All of these
    tags: Option<Vec<ShortText<50>>>,
    /// Member
    owner: Option<Id<Member>>,
    /// Name or id
    company: Option<ShortText<150>>,
    city: Option<ShortText<100>>,
    country: Option<ShortText<60>>,
    state: Option<ShortText<40>>,
    source: Option<ShortText<100>>,
    created_after: Option<When>,
    created_before: Option<When>,
    /// Without a query
    sort: Option<Sort>,
    descending: Option<bool>,
    limit: Option<Limit>,
    cursor: Option<Cursor>,
}

/// Orders that contacts are listed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sort {
    Name,
    CreatedAt,
    UpdatedAt,
    Score,
}

impl Sort {
    const fn order(self) -> Order {
        match self {
            Self::Name => Order::new("name", "sort_name", Kind::Text),
            Self::CreatedAt => Order::CREATED,
            Self::UpdatedAt => Order::UPDATED,
            Self::Score => Order::new("score", "score", Kind::Int),
        }
    }
}

/// A contact in a list.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ContactRow {
    id: Id<Contact>,
    name: ShortText<200>,
    title: Option<ShortText<150>>,
    company: Option<ShortText<150>>,
    email: Option<Email>,
    phone: Option<String>,
    city: Option<ShortText<100>>,
    types: Vec<ContactType>,
    state: Option<ShortText<40>>,
    owner: Option<Named<Member>>,
    tags: Vec<ShortText<50>>,
    score: Option<i64>,
    created_at: Timestamp,
}

impl ContactRow {
    fn of(saved: Saved<Contact>, owners: &Names<Member>) -> Self {
        let contact = saved.record;
        Self {
            id: saved.id,
            name: contact.name,
            title: contact.title,
            company: contact.company,
            email: contact.emails.0.into_iter().next().map(|entry| entry.email),
            phone: contact
                .phones
                .0
                .into_iter()
                .next()
                .map(|entry| entry.e164.unwrap_or_else(|| entry.phone.into())),
            city: contact.city,
            types: contact.types.0,
            state: contact.state,
            owner: contact.owner.map(|id| owners.of(id)),
            tags: contact.tags.0,
            score: Some(contact.score.get()).filter(|score| *score != 0),
            created_at: saved.created_at,
        }
    }
}

impl Tool for SearchContacts {
    const SPEC: Spec = Spec::reads("search_contacts", READ_CONTACTS)
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
    type Output = Vec<ContactRow>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<ContactRow>> {
        // Each is a condition of its own, and nobody looks for more at once.
        const MOST_TAGS: usize = 20;
        if self
            .tags
            .as_ref()
            .is_some_and(|tags| tags.len() > MOST_TAGS)
        {
            return Err(Error::invalid(
                "tags",
                format!("tags takes up to {MOST_TAGS} labels."),
            ));
        }
        let (after, before) = cx.moments(
            ("created_after", self.created_after.as_ref()),
            ("created_before", self.created_before.as_ref()),
        )?;
        let named = self.company.as_deref();
        let company = match named.and_then(|text| text.parse::<Id<Company>>().ok()) {
            Some(id) => ("company_id", Some(id.to_string())),
            None => ("company", named.map(folded)),
        };
        let (company_field, company) = company;
        let list = cx
            .list::<Contact>()
            .term("type", self.kind.as_ref().map(enum_name))
            .index_keys("tag", self.tags.iter().flatten().map(|tag| folded(tag)))
            .term("owner", self.owner.map(|owner| owner.to_string()))
            .term(company_field, company)
            .term("city", self.city.as_deref().map(folded))
            .term("country", self.country.as_deref().map(folded))
            .term("state", self.state.as_deref().map(folded))
            .term("source", self.source.as_deref().map(folded))
            .from("created_at", after)
            .to("created_at", before);
        let page = list
            .query_or_page(
                self.query.as_deref(),
                self.sort.map(Sort::order),
                Sort::Name.order(),
                self.descending,
                self.limit.unwrap_or_default(),
                self.cursor.as_ref(),
            )
            .await?;
        let owners = page.rows.iter().filter_map(|contact| contact.owner);
        let owners = cx.names(owners.collect::<Vec<_>>()).await?;
        Ok(cx.page(page.map(|contact| ContactRow::of(contact, &owners))))
    }
}
