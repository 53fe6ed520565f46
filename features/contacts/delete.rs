//! `delete_contact`

use bureau_kernel::prelude::*;

use crate::CONTACTS;
use crate::contact::Contact;

impl Deletable for Contact {
    const SPEC: Spec = Spec::removes("delete_contact", CONTACTS.delete)
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
}
