//! `delete_company`

use bureau_kernel::prelude::*;

use crate::COMPANIES;
use crate::company::{Company, is_or_is_below};

impl Deletable for Company {
    const SPEC: Spec = Spec::removes("delete_company", COMPANIES.delete)
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

    async fn check_heir(cx: &mut Cx, id: Id<Self>, heir: Id<Self>) -> Result<()> {
        let parent = cx.get(heir).await?.parent;
        // A daughter takes over her sisters; a granddaughter would get her own mother as a daughter.
        if parent != Some(id) && is_or_is_below(cx, parent, id).await? {
            let message = "The company that takes over belongs to this one through others.";
            return Err(Error::invalid("reassign_to", message)
                .hint("Name another one, or empty its parent first."));
        }
        Ok(())
    }
}
