//! `delete_company`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::DELETE_COMPANIES;
use crate::company::{Company, is_or_is_below};

/// Which company to delete, and how.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct DeleteCompany {
    /// Company id
    company: Id<Company>,
    /// Takes over its links
    reassign_to: Option<Id<Company>>,
    /// Erase for good
    purge: Option<bool>,
}

impl Tool for DeleteCompany {
    const SPEC: Spec = Spec::removes("delete_company", DELETE_COMPANIES)
        .title("Delete company")
        .about("Delete a company, restorably unless purge is set.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Delete the test company",
        before: &[Step {
            tool: "create_company",
            arguments: r#"{"name": "Test Ltd"}"#,
            keep: &[("test", "/data/id")],
        }],
        arguments: r#"{"company": "{test}", "confirm": true}"#,
        expect: &[("/data/id", r#""{test}""#), ("/data/restorable", "true")],
    }];
    type Output = Deleted<Company>;

    async fn call(self, cx: &mut Cx) -> Result<Deleted<Company>> {
        let id = self.company;
        if let Some(heir) = self.reassign_to {
            let named = |error: Error| error.field("reassign_to");
            let parent = cx.get(heir).await.map_err(named)?.parent;
            // A daughter takes over her sisters; a granddaughter would get her own mother as a daughter.
            if parent != Some(id) && is_or_is_below(cx, parent, id).await.map_err(named)? {
                let message = "The company that takes over belongs to this one through others.";
                return Err(Error::invalid("reassign_to", message)
                    .hint("Name another one, or empty its parent first."));
            }
        }
        let purge = self.purge.unwrap_or(false);
        cx.delete(id, self.reassign_to, purge).await
    }
}
