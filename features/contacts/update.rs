//! `update_contact`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::CONTACTS;
use crate::contact::Contact;

/// What changes in a contact.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct UpdateContact {
    contact: Id<Contact>,
    clear: Option<Vec<ClearField<Contact>>>,
    #[serde(flatten)]
    fields: Patch<Contact>,
}

impl Tool for UpdateContact {
    const SPEC: Spec = Spec::changes("update_contact", CONTACTS.update)
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
    type Output = View<Contact>;

    async fn call(self, cx: &mut Cx) -> Result<View<Contact>> {
        let mut edit = cx.edit(self.contact).await?;
        edit.clear_fields(&self.clear.unwrap_or_default());
        edit.apply(cx, &self.fields).await?;
        let clears_company = edit.company.is_none() && edit.before().company.is_some();
        if clears_company && !self.fields.has("company_id") {
            edit.company_id = None;
        }
        edit.link_company(cx, |field| self.fields.has(field))
            .await?;
        let renamed = self.fields.has("first_name") || self.fields.has("last_name");
        if renamed && !self.fields.has("name") {
            edit.clear("name");
        }
        if edit.reports_to == Some(self.contact) {
            return Err(Error::invalid(
                "reports_to",
                "Nobody reports to themselves.",
            ));
        }
        let saved = edit.save(cx).await?;
        cx.view(saved).await
    }
}
