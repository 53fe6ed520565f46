//! `delete_contact`

use bureau_kernel::prelude::*;
use bureau_kernel::types::id::Entity;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::DELETE_CONTACTS;
use crate::contact::Contact;

/// Which contact to delete, and how.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct DeleteContact {
    /// Contact id
    contact: Id<Contact>,
    /// Contact that takes over its references
    reassign_to: Option<Id<Contact>>,
    /// Erase for good: no undo
    purge: Option<bool>,
}

/// What was deleted.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Deleted {
    id: Id<Contact>,
    name: Line<200>,
    /// Whether undo_change can bring it back.
    restorable: bool,
}

impl Tool for DeleteContact {
    const SPEC: Spec = Spec::removes("delete_contact", DELETE_CONTACTS)
        .title("Delete contact")
        .about("Delete a contact, restorably unless purge is set.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Delete the test contact",
        before: &[Step {
            tool: "create_contact",
            arguments: r#"{"name": "Test Person"}"#,
            keep: &[("test", "/data/id")],
        }],
        arguments: r#"{"contact": "{test}", "confirm": true}"#,
        expect: &[("/data/id", r#""{test}""#), ("/data/restorable", "true")],
    }];
    type Output = Deleted;

    async fn call(self, cx: &mut Cx) -> Result<Deleted> {
        let id = self.contact;
        if let Some(heir) = self.reassign_to {
            if heir == id {
                return Err(Error::invalid(
                    "reassign_to",
                    "This is the contact that is deleted.",
                ));
            }
            cx.get(heir)
                .await
                .map_err(|error| error.field("reassign_to"))?;
            cx.get(id).await?;
            cx.repoint(Contact::TABLE, id.raw(), Some(heir.raw()))
                .await?;
        }
        let purge = self.purge.unwrap_or(false);
        let gone = if purge {
            cx.purge(id).await
        } else {
            cx.archive(id).await
        }?;
        Ok(Deleted {
            id,
            name: gone.record.name,
            restorable: !purge,
        })
    }
}
