//! `get_contact`

use bureau_kernel::prelude::*;

use crate::CONTACTS;
use crate::contact::Contact;

impl Gettable for Contact {
    const SPEC: Spec = Spec::reads("get_contact", CONTACTS.read)
        .title("Get contact")
        .about("Get all fields of a contact by id.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Show me everything about Ada",
        before: &[Step {
            tool: "create_contact",
            arguments: r#"{"first_name": "Ada", "last_name": "King", "city": "London", "types": ["customer"]}"#,
            keep: &[("ada", "/data/id")],
        }],
        arguments: r#"{"contact": "{ada}"}"#,
        expect: &[
            ("/data/name", r#""Ada King""#),
            ("/data/city", r#""London""#),
            ("/data/types", r#"["customer"]"#),
        ],
    }];
}
