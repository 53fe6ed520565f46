//! `create_contact`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::CREATE_CONTACTS;
use crate::contact::{Contact, contact_input};
use crate::duplicates;

/// What to do when the person is there already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OnDuplicate {
    #[default]
    Error,
    Return,
    Update,
    Create,
}

contact_input! {
    /// A new contact.
    pub(crate) struct CreateContact {
        /// Same email, phone, or name and company
        on_duplicate: Option<OnDuplicate>,
    }
}

impl Tool for CreateContact {
    const SPEC: Spec = Spec::adds("create_contact", CREATE_CONTACTS)
        .title("Create contact")
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
    type Output = Saved<Contact>;

    async fn call(self, cx: &mut Cx) -> Result<Saved<Contact>> {
        let (fields, (on_duplicate,)) = self.split();
        let (contact, attributes) = fields.into_contact(cx).await?;
        let choice = on_duplicate.unwrap_or_default();
        if choice != OnDuplicate::Create
            && let Some((id, field)) = duplicates::find(cx, &contact).await?
        {
            return match choice {
                OnDuplicate::Return => cx.get(id).await,
                OnDuplicate::Update => {
                    let mut edit = cx.edit(id).await?;
                    merge_into(&mut edit, contact);
                    edit.set_attributes(cx, attributes).await?;
                    edit.save(cx).await
                }
                _ => Err(Error::conflict(format!(
                    "{id} has the same {}.",
                    duplicates::in_words(field)
                ))
                .field("on_duplicate")
                .hint("Use that contact, or say on_duplicate: return, update or create.")
                .detail("existing", id.to_string())),
            };
        }
        cx.insert(contact, attributes).await
    }
}

/// What the new contact says goes into the old one; lists are joined.
fn merge_into(old: &mut Contact, new: Contact) {
    let keep = old.name.clone();
    let mut joined = new;
    joined.fill_from(old);
    // A name that was only derived from an address says less than the old one.
    if joined.first_name.is_none()
        && joined.last_name.is_none()
        && joined.emails.iter().any(|e| *e.email == *joined.name)
    {
        joined.name = keep;
    }
    *old = joined;
}
