//! `delete_time_entry`

use bureau_kernel::prelude::*;

use crate::TIME;
use crate::entry::TimeEntry;

impl Deletable for TimeEntry {
    const SPEC: Spec = Spec::removes("delete_time_entry", TIME.delete)
        .title("Delete time entry")
        .about("Delete a time entry, restorably unless purge is set.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "I noted that hour twice",
        before: &[
            Step {
                tool: "create_project",
                arguments: r#"{"name": "Stocktaking"}"#,
                keep: &[("stock", "/data/id")],
            },
            Step {
                tool: "create_time_entry",
                arguments: r#"{"project": "{stock}", "hours": "1"}"#,
                keep: &[("entry", "/data/id")],
            },
        ],
        arguments: r#"{"time_entry": "{entry}", "confirm": true}"#,
        expect: &[("/data/id", r#""{entry}""#), ("/data/restorable", "true")],
    }];
    /// Nothing refers to one.
    const REASSIGNS: bool = false;
}
