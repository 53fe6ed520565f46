//! `create_contact`

use bureau_kernel::duplicates;
use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::CONTACTS;
use crate::contact::Contact;

/// A new contact.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct CreateContact {
    on_duplicate: Option<OnDuplicate>,
    #[serde(flatten)]
    fields: Patch<Contact>,
}

impl Tool for CreateContact {
    const SPEC: Spec = Spec::adds("create_contact", CONTACTS.create)
        .title("Create contact")
        .core()
        .about("Create a contact or lead, unless the person is there already.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Create a new contact for John Smith at Acme Corp",
            before: &[],
            arguments: r#"{"first_name": "John", "last_name": "Smith", "company": "Acme Corp",
                "emails": [{"email": "John.Smith@acme.example", "type": "work"}], "phones": ["+1 415 555 2671"]}"#,
            expect: &[
                ("/data/name", r#""John Smith""#),
                ("/data/emails/0/email", r#""john.smith@acme.example""#),
                ("/data/phones/0/e164", r#""+14155552671""#),
                ("/data/version", "1"),
            ],
        },
        Example {
            title: "Create a contact, or get the one with this address",
            before: &[Step {
                tool: "create_contact",
                arguments: r#"{"name": "Ada Lovelace", "emails": ["ada@engine.example"], "tags": ["vip"]}"#,
                keep: &[("ada", "/data/id")],
            }],
            arguments: r#"{"name": "A. Lovelace", "emails": ["ADA@engine.example"], "on_duplicate": "return"}"#,
            expect: &[
                ("/data/id", r#""{ada}""#),
                ("/data/name", r#""Ada Lovelace""#),
            ],
        },
    ];
    type Output = View<Contact>;

    async fn call(self, cx: &mut Cx) -> Result<View<Contact>> {
        let choice = self.on_duplicate.unwrap_or_default();
        let mut contact = self.fields.record(cx.local_time())?;
        contact
            .link_company(cx, |field| self.fields.has(field))
            .await?;
        let saved = duplicates::create(cx, contact, &self.fields, choice).await?;
        cx.view(saved).await
    }
}
