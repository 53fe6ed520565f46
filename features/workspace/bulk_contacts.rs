//! `bulk_update_contacts`

use bureau_contacts::{CONTACTS, Contact};
use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::bulk::{self, BulkUpdated, MAX_RECORDS};

/// What changes in all of them.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct BulkUpdateContacts {
    contacts: Vec<Id<Contact>>,
    add_tags: Option<Vec<ShortText<50>>>,
    remove_tags: Option<Vec<ShortText<50>>>,
    clear: Option<Vec<ClearField<Contact>>>,
    #[serde(flatten)]
    fields: BulkPatch<Contact>,
}

impl Tool for BulkUpdateContacts {
    const SPEC: Spec = Spec::changes("bulk_update_contacts", CONTACTS.update)
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
        bulk::check_tags("add_tags", self.add_tags.as_deref())?;
        bulk::check_tags("remove_tags", self.remove_tags.as_deref())?;
        let clear = self.clear.unwrap_or_default();
        let mut edits = cx
            .edit_named(&self.contacts, "contacts", MAX_RECORDS)
            .await?;
        let versions: Vec<i64> = edits.iter().map(|edit| edit.before().version).collect();
        for edit in &mut edits {
            edit.clear_fields(&clear);
            bulk::add_tags(&mut edit.tags, self.add_tags.as_deref());
            bulk::remove_tags(&mut edit.tags, self.remove_tags.as_deref());
            edit.apply(cx, &self.fields).await?;
            edit.link_company(cx, |field| self.fields.has(field))
                .await?;
            if edit.company.is_none() {
                edit.company_id = None;
            }
        }
        let saved = cx.save_all(edits).await;
        let saved = saved.map_err(|error| error.within("contacts"))?;
        let mut done = BulkUpdated::default();
        for (before, saved) in versions.into_iter().zip(saved) {
            done.count(before, saved.version);
        }
        Ok(done)
    }
}
