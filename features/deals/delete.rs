//! `delete_deal`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

/// What was deleted.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Deleted {
    id: Id<Deal>,
    name: Line<200>,
    /// Whether undo_change can bring it back.
    restorable: bool,
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
    type Output = Deleted;

    async fn call(self, cx: &mut Cx) -> Result<Deleted> {
        let id = self.deal;
        cx.reassign(id, self.reassign_to).await?;
        let purge = self.purge.unwrap_or(false);
        let gone = cx.remove(id, purge).await?;
        Ok(Deleted {
            id,
            name: gone.record.name,
            restorable: !purge,
        })
    }
}
