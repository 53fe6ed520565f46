//! `create_contact`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::CREATE_CONTACTS;
use crate::contact::Contact;
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

/// A new contact.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct CreateContact {
    /// Same email, phone, or name and company
    on_duplicate: Option<OnDuplicate>,
    #[serde(flatten)]
    fields: Given<Contact>,
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
        let choice = self.on_duplicate.unwrap_or_default();
        let mut contact = self.fields.record(cx.clock())?;
        contact.check(cx.workspace())?;
        let duplicate = match choice {
            OnDuplicate::Create => None,
            _ => duplicates::find(cx, &contact).await?,
        };
        let Some((id, field)) = duplicate else {
            return cx.insert(contact, self.fields.attributes()?).await;
        };
        match choice {
            OnDuplicate::Return => cx.get(id).await,
            OnDuplicate::Update => {
                let mut edit = cx.edit(id).await?;
                let before = edit.before().record.clone();
                edit.give(cx, &self.fields).await?;
                // Lists are joined: what was known stays known.
                edit.fill_from(&before);
                edit.save(cx).await
            }
            _ => Err(Error::conflict(format!(
                "{id} has the same {}.",
                duplicates::in_words(field)
            ))
            .field("on_duplicate")
            .hint("Use that contact, or say on_duplicate: return, update or create.")
            .detail("existing", id.to_string())),
        }
    }
}
