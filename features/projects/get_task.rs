//! `get_task`

use bureau_kernel::prelude::*;

use crate::task::Task;
use crate::{PLACE, TASKS};

impl Gettable for Task {
    const SPEC: Spec = Spec::reads("get_task", TASKS.read)
        .covers(PLACE)
        .title("Get task")
        .about("Get a task by id, with its description.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "What was to be done about the lease?",
        before: &[
            Step {
                tool: "create_project",
                arguments: r#"{"name": "New office"}"#,
                keep: &[("office", "/data/id")],
            },
            Step {
                tool: "create_task",
                arguments: r#"{"project": "{office}", "title": "Lease", "description": "Ask for a break clause."}"#,
                keep: &[("lease", "/data/id")],
            },
        ],
        arguments: r#"{"task": "{lease}"}"#,
        expect: &[
            ("/data/description", r#""Ask for a break clause.""#),
            ("/data/column/name", r#""To do""#),
        ],
    }];
}
