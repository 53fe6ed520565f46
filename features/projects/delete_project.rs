//! `delete_project`

use bureau_kernel::prelude::*;

use crate::PROJECTS;
use crate::project::Project;

impl Deletable for Project {
    const SPEC: Spec = Spec::removes("delete_project", PROJECTS.delete)
        .title("Delete project")
        .about("Delete a project with its tasks, restorably unless purge is set.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "Delete the test project",
        before: &[Step {
            tool: "create_project",
            arguments: r#"{"name": "Test project"}"#,
            keep: &[("test", "/data/id")],
        }],
        arguments: r#"{"project": "{test}", "confirm": true}"#,
        expect: &[("/data/id", r#""{test}""#), ("/data/restorable", "true")],
    }];
    /// Its columns and tasks are of its own board.
    const REASSIGNS: bool = false;
}
