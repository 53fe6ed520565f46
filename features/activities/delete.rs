//! `delete_activity`

use bureau_kernel::prelude::*;

use crate::ACTIVITIES;
use crate::activity::Activity;

impl Deletable for Activity {
    const SPEC: Spec = Spec::removes("delete_activity", ACTIVITIES.delete)
        .title("Delete activity")
        .about("Delete an activity, restorably unless purge is set.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Delete the note that I wrote by mistake",
        before: &[Step {
            tool: "create_activity",
            arguments: r#"{"type": "note", "subject": "A mistake"}"#,
            keep: &[("mistake", "/data/id")],
        }],
        arguments: r#"{"activity": "{mistake}", "confirm": true}"#,
        expect: &[("/data/id", r#""{mistake}""#), ("/data/restorable", "true")],
    }];
    /// Nothing refers to one.
    const REASSIGNS: bool = false;
}
