//! `bulk_update_contacts`

use bureau_contacts::{Contact, ContactType, UPDATE_CONTACTS};
use bureau_kernel::prelude::*;
use bureau_kernel::types::text::folded;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Contacts in one call.
const MAX_CONTACTS: usize = 500;

/// What changes in all of them.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct BulkUpdateContacts {
    contacts: Vec<Id<Contact>>,
    owner: Option<Id<Member>>,
    state: Option<Line<40>>,
    types: Option<Vec<ContactType>>,
    company: Option<Line<150>>,
    city: Option<Line<100>>,
    country: Option<Line<60>>,
    source: Option<Line<100>>,
    score: Option<Whole<0, 1000>>,
    add_tags: Option<Vec<Line<50>>>,
    remove_tags: Option<Vec<Line<50>>>,
    /// Fields to empty
    clear: Option<Vec<Clear<Contact>>>,
    attributes: Option<Attributes>,
}

/// What was done.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct BulkUpdated {
    updated: usize,
    /// Those that were so already.
    unchanged: usize,
}

impl BulkUpdateContacts {
    fn says_nothing(&self) -> bool {
        let fields = [
            self.owner.is_some(),
            self.state.is_some(),
            self.types.is_some(),
            self.company.is_some(),
            self.city.is_some(),
            self.country.is_some(),
            self.source.is_some(),
            self.score.is_some(),
            self.add_tags.is_some(),
            self.remove_tags.is_some(),
            self.clear.is_some(),
            self.attributes.is_some(),
        ];
        !fields.contains(&true)
    }

    async fn apply(&self, cx: &mut Cx, edit: &mut Edit<Contact>) -> Result<()> {
        edit.empty(self.clear.as_deref().unwrap_or_default());
        if self.owner.is_some() {
            edit.owner = self.owner;
        }
        set(&mut edit.state, self.state.as_ref());
        set(&mut edit.company, self.company.as_ref());
        set(&mut edit.city, self.city.as_ref());
        set(&mut edit.country, self.country.as_ref());
        set(&mut edit.source, self.source.as_ref());
        if let Some(types) = &self.types {
            edit.types = Json(types.clone());
        }
        if let Some(score) = self.score {
            edit.score = score;
        }
        for tag in self.add_tags.iter().flatten() {
            if edit.tags.iter().all(|known| folded(known) != folded(tag)) {
                edit.tags.push(tag.clone());
            }
        }
        for tag in self.remove_tags.iter().flatten() {
            edit.tags.retain(|known| folded(known) != folded(tag));
        }
        match &self.attributes {
            Some(attributes) => edit.set_attributes(cx, attributes.clone()).await,
            None => Ok(()),
        }
    }
}

fn set<T: Clone>(field: &mut Option<T>, given: Option<&T>) {
    if given.is_some() {
        *field = given.cloned();
    }
}

impl Tool for BulkUpdateContacts {
    const SPEC: Spec = Spec::changes("bulk_update_contacts", UPDATE_CONTACTS)
        .title("Bulk update contacts")
        .about("Change up to 500 contacts alike, all or none.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Both of them are customers now: tag them and take the trial tag off",
        before: &[
            Step {
                tool: "create_contact",
                arguments: r#"{"name": "Annie Easley", "tags": ["Trial"], "types": ["lead"]}"#,
                keep: &[("annie", "/data/id")],
            },
            Step {
                tool: "create_contact",
                arguments: r#"{"name": "Mary Golda Ross", "types": ["lead"]}"#,
                keep: &[("mary", "/data/id")],
            },
        ],
        arguments: r#"{"contacts": ["{annie}", "{mary}"], "types": ["customer"], "add_tags": ["won"], "remove_tags": ["trial"]}"#,
        expect: &[("/data/updated", "2"), ("/data/unchanged", "0")],
    }];
    type Output = BulkUpdated;

    async fn call(self, cx: &mut Cx) -> Result<BulkUpdated> {
        if self.says_nothing() {
            return Err(Error::invalid("contacts", "Nothing was said to change.")
                .hint("Give at least one field beside contacts."));
        }
        let mut edits = cx
            .edit_named(&self.contacts, "contacts", MAX_CONTACTS)
            .await?;
        let versions: Vec<i64> = edits.iter().map(|edit| edit.before().version).collect();
        for edit in &mut edits {
            self.apply(cx, edit).await?;
        }
        let saved = cx.save_all(edits).await?;
        let pairs = saved.iter().zip(versions);
        let updated = pairs
            .filter(|(saved, version)| saved.version != *version)
            .count();
        Ok(BulkUpdated {
            updated,
            unchanged: self.contacts.len() - updated,
        })
    }
}
