//! `get_activity`

use bureau_kernel::prelude::*;

use crate::ACTIVITIES;
use crate::activity::Activity;

impl Gettable for Activity {
    const SPEC: Spec = Spec::reads("get_activity", ACTIVITIES.read)
        .title("Get activity")
        .about("Get an activity by id.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "What did I note about the visit?",
        before: &[Step {
            tool: "create_activity",
            arguments: r#"{"type": "note", "subject": "Visit", "body": "They use an old system and want to leave it."}"#,
            keep: &[("visit", "/data/id")],
        }],
        arguments: r#"{"activity": "{visit}"}"#,
        expect: &[
            ("/data/subject", r#""Visit""#),
            (
                "/data/body",
                r#""They use an old system and want to leave it.""#,
            ),
            ("/data/status", r#""done""#),
        ],
    }];
}
