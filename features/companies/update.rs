//! `update_company`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::COMPANIES;
use crate::company::{Company, is_or_is_below};

/// What changes in a company.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct UpdateCompany {
    company: Id<Company>,
    clear: Option<Vec<ClearField<Company>>>,
    #[serde(flatten)]
    fields: Patch<Company>,
}

impl Tool for UpdateCompany {
    const SPEC: Spec = Spec::changes("update_company", COMPANIES.update)
        .title("Update company")
        .about("Update fields of a company; lists are replaced whole.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Umbrella moved to Vienna and has no website any more",
        before: &[Step {
            tool: "create_company",
            arguments: r#"{"name": "Umbrella", "website": "umbrella.example", "city": "Graz"}"#,
            keep: &[("umbrella", "/data/id")],
        }],
        arguments: r#"{"company": "{umbrella}", "city": "Wien", "clear": ["website", "domain"], "version": 1}"#,
        expect: &[
            ("/data/city", r#""Wien""#),
            ("/data/domain", "null"),
            ("/data/version", "2"),
        ],
    }];
    type Output = View<Company>;

    async fn call(self, cx: &mut Cx) -> Result<View<Company>> {
        let mut edit = cx.edit(self.company).await?;
        edit.clear_fields(&self.clear.unwrap_or_default());
        // A new website has a domain of its own.
        if self.fields.has("website") && !self.fields.has("domain") {
            edit.clear("domain");
        }
        edit.apply(cx, &self.fields).await?;
        let parent = edit.parent.filter(|_| self.fields.has("parent"));
        let turns = is_or_is_below(cx, parent, self.company).await;
        if turns.map_err(|error| error.field("parent"))? {
            let message = "A company does not belong to itself, directly or through others.";
            return Err(Error::invalid("parent", message));
        }
        let saved = edit.save(cx).await?;
        cx.view(saved).await
    }
}
