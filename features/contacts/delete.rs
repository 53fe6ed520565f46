//! `delete_contact`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::DELETE_CONTACTS;
use crate::contact::Contact;

/// Which contact to delete, and how.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct DeleteContact {
    /// Contact id
    contact: Id<Contact>,
    /// Takes over its links
    reassign_to: Option<Id<Contact>>,
    /// Erase for good
    purge: Option<bool>,
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
    type Output = Deleted<Contact>;

    async fn call(self, cx: &mut Cx) -> Result<Deleted<Contact>> {
        let purge = self.purge.unwrap_or(false);
        cx.delete(self.contact, self.reassign_to, purge).await
    }
}
