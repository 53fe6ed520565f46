//! `update_contact`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::UPDATE_CONTACTS;
use crate::contact::{Contact, contact_input};

/// A field that can be emptied.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Clear {
    FirstName,
    LastName,
    Title,
    Company,
    Emails,
    Phones,
    Location,
    City,
    Country,
    Links,
    Types,
    State,
    Owner,
    ReportsTo,
    Tags,
    Source,
    Score,
    Summary,
    Attributes,
}

contact_input! {
    /// What changes in a contact.
    pub(crate) struct UpdateContact {
        /// Contact id
        contact: Id<Contact>,
        /// Fields to empty
        clear: Option<Vec<Clear>>,
    }
}

impl Tool for UpdateContact {
    const SPEC: Spec = Spec::changes("update_contact", UPDATE_CONTACTS)
        .title("Update contact")
        .about("Update fields of a contact; lists are replaced whole.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Grace is now an admiral, and we lost her number",
        before: &[Step {
            tool: "create_contact",
            arguments: r#"{"name": "Grace Hopper", "title": "Captain", "phones": ["+1 202 555 0101"]}"#,
            keep: &[("grace", "/data/id")],
        }],
        arguments: r#"{"contact": "{grace}", "title": "Rear Admiral", "clear": ["phones"], "version": 1}"#,
        expect: &[
            ("/data/title", r#""Rear Admiral""#),
            ("/data/version", "2"),
            ("/data/phones", "null"),
        ],
    }];
    type Output = Saved<Contact>;

    async fn call(self, cx: &mut Cx) -> Result<Saved<Contact>> {
        let (mut fields, (contact, clear)) = self.split();
        let mut edit = cx
            .edit(contact)
            .await
            .map_err(|error| error.or_field("contact"))?;
        if fields.reports_to == Some(contact) {
            return Err(Error::invalid(
                "reports_to",
                "Nobody reports to themselves.",
            ));
        }
        for field in clear.unwrap_or_default() {
            empty(&mut edit, field);
        }
        edit.set_attributes(cx, std::mem::take(&mut fields.attributes))
            .await?;
        fields.apply(cx, &mut edit).await?;
        edit.save(cx).await
    }
}

fn empty(edit: &mut Edit<Contact>, field: Clear) {
    match field {
        Clear::FirstName => edit.first_name = None,
        Clear::LastName => edit.last_name = None,
        Clear::Title => edit.title = None,
        Clear::Company => edit.company = None,
        Clear::Emails => edit.emails.clear(),
        Clear::Phones => edit.phones.clear(),
        Clear::Location => edit.location = None,
        Clear::City => edit.city = None,
        Clear::Country => edit.country = None,
        Clear::Links => edit.links.clear(),
        Clear::Types => edit.types.clear(),
        Clear::State => edit.state = None,
        Clear::Owner => edit.owner = None,
        Clear::ReportsTo => edit.reports_to = None,
        Clear::Tags => edit.tags.clear(),
        Clear::Source => edit.source = None,
        Clear::Score => edit.score = 0,
        Clear::Summary => edit.summary = None,
        Clear::Attributes => edit.clear_attributes(),
    }
}
