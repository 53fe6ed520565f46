//! `merge_contacts`

use bureau_kernel::duplicates;
use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::CONTACTS;
use crate::contact::Contact;

/// Contacts to be made one.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct MergeContacts {
    /// The contact that stays
    keep: Id<Contact>,
    /// Contacts that go into it, up to 20
    merge: Vec<Id<Contact>>,
}

impl Tool for MergeContacts {
    const SPEC: Spec = Spec::changes("merge_contacts", CONTACTS.update)
        .title("Merge contacts")
        .about("Merge duplicates into one contact; everything that pointed at them moves.")
        .may_ask();
    const EXAMPLES: &'static [Example] = &[Example {
        title: "John Smith is there twice: make it one",
        before: &[
            Step {
                tool: "create_contact",
                arguments: r#"{"name": "Jon Smith", "emails": ["jon@merge.example"], "tags": ["fair"]}"#,
                keep: &[("first", "/data/id")],
            },
            Step {
                tool: "create_contact",
                arguments: r#"{"name": "Jonathan Smith", "phones": ["+49 30 901820"], "city": "Berlin", "tags": ["Fair", "vip"]}"#,
                keep: &[("second", "/data/id")],
            },
        ],
        arguments: r#"{"keep": "{first}", "merge": ["{second}"], "confirm": true}"#,
        expect: &[
            ("/data/id", r#""{first}""#),
            ("/data/city", r#""Berlin""#),
            ("/data/tags", r#"["fair", "vip"]"#),
            ("/data/phones/0/e164", r#""+4930901820""#),
        ],
    }];
    type Output = View<Contact>;

    async fn call(self, cx: &mut Cx) -> Result<View<Contact>> {
        let gone = self.merge.clone();
        let kept = duplicates::merge(cx, self.keep, &self.merge, |contact: &mut Contact| {
            let is_itself = |id: &Id<Contact>| *id == self.keep || gone.contains(id);
            contact.reports_to = contact.reports_to.filter(|id| !is_itself(id));
        });
        let kept = kept.await?;
        cx.view(kept).await
    }
}
