//! `delete_file`

use bureau_kernel::prelude::*;

use crate::FILES;
use crate::file::File;

impl Deletable for File {
    const SPEC: Spec = Spec::removes("delete_file", FILES.delete)
        .title("Delete file")
        .about("Delete a file, restorably unless purge is set.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Remove the old price list from Tyrell",
        before: &[
            Step {
                tool: "create_company",
                arguments: r#"{"name": "Tyrell"}"#,
                keep: &[("tyrell", "/data/id")],
            },
            Step {
                tool: "attach_file",
                arguments: r#"{"about": "{tyrell}", "name": "prices.csv", "text": "eye;12.00"}"#,
                keep: &[("prices", "/data/id")],
            },
        ],
        arguments: r#"{"file": "{prices}", "confirm": true}"#,
        expect: &[
            ("/data/id", r#""{prices}""#),
            ("/data/name", r#""prices.csv""#),
            ("/data/restorable", "true"),
        ],
    }];
    /// Nothing refers to one.
    const REASSIGNS: bool = false;
}
