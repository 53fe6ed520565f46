//! `delete_task`

use bureau_kernel::prelude::*;

use crate::TASKS;
use crate::task::Task;

impl Deletable for Task {
    const SPEC: Spec = Spec::removes("delete_task", TASKS.delete)
        .title("Delete task")
        .about("Delete a task with its subtasks, restorably unless purge is set.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Delete the task that I made twice",
        before: &[
            Step {
                tool: "create_project",
                arguments: r#"{"name": "Trade fair"}"#,
                keep: &[("fair", "/data/id")],
            },
            Step {
                tool: "create_task",
                arguments: r#"{"project": "{fair}", "title": "Book the stand"}"#,
                keep: &[("stand", "/data/id")],
            },
        ],
        arguments: r#"{"task": "{stand}", "confirm": true}"#,
        expect: &[("/data/id", r#""{stand}""#), ("/data/restorable", "true")],
    }];
    /// Its subtasks go with it.
    const REASSIGNS: bool = false;
}
