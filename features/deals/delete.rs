//! `delete_deal`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::DELETE_DEALS;
use crate::deal::Deal;

/// Which deal to delete, and how.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct DeleteDeal {
    /// Deal id
    deal: Id<Deal>,
    /// Takes over its links
    reassign_to: Option<Id<Deal>>,
    /// Erase for good
    purge: Option<bool>,
}

impl Tool for DeleteDeal {
    const SPEC: Spec = Spec::removes("delete_deal", DELETE_DEALS)
        .title("Delete deal")
        .about("Delete a deal, restorably unless purge is set.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Delete the test deal",
        before: &[Step {
            tool: "create_deal",
            arguments: r#"{"name": "Test deal"}"#,
            keep: &[("test", "/data/id")],
        }],
        arguments: r#"{"deal": "{test}", "confirm": true}"#,
        expect: &[("/data/id", r#""{test}""#), ("/data/restorable", "true")],
    }];
    type Output = Deleted<Deal>;

    async fn call(self, cx: &mut Cx) -> Result<Deleted<Deal>> {
        let purge = self.purge.unwrap_or(false);
        cx.delete(self.deal, self.reassign_to, purge).await
    }
}
