//! `delete_deal`

use bureau_kernel::prelude::*;

use crate::DEALS;
use crate::deal::Deal;

impl Deletable for Deal {
    const SPEC: Spec = Spec::removes("delete_deal", DEALS.delete)
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
}
