//! `merge_contacts`

use bureau_kernel::prelude::*;
use bureau_kernel::types::id::Entity;
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
        const MOST: usize = 20;
        cx.demand::<Contact>(Operation::Delete)?;
        if self.merge.is_empty() || self.merge.len() > MOST {
            return Err(Error::invalid(
                "merge",
                format!("merge takes 1 to {MOST} contacts."),
            ));
        }
        let mut edit = cx
            .edit(self.keep)
            .await
            .map_err(|error| error.field("keep"))?;
        for (index, loser) in self.merge.iter().enumerate() {
            let field = format!("merge[{index}]");
            if *loser == self.keep || self.merge.iter().take(index).any(|other| other == loser) {
                return Err(Error::invalid(field, format!("{loser} is named twice.")));
            }
            let other = cx.get(*loser).await.map_err(|error| error.field(&field))?;
            edit.fill_from(&other);
            let mut attributes = other.attributes.0.clone();
            attributes.retain(|name, _| !edit.before().attributes.contains_key(name));
            edit.set_attributes(cx, attributes).await?;
        }
        if edit
            .reports_to
            .is_some_and(|superior| superior == self.keep || self.merge.contains(&superior))
        {
            edit.reports_to = None;
        }
        let kept = edit.save(cx).await?;
        for loser in self.merge {
            cx.repoint(Contact::TABLE, loser.raw(), Some(kept.id.raw()))
                .await?;
            cx.archive(loser).await?;
        }
        let kept = cx.get(kept.id).await?;
        cx.view(kept).await
    }
}
