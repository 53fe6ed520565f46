//! `update_project`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::PROJECTS;
use crate::board::{ColumnPlan, arrange};
use crate::column::BoardColumn;
use crate::details::{ProjectDetails, details};
use crate::project::{Project, ProjectStatus};
use crate::task::Task;

/// What changes in a project.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct UpdateProject {
    project: Id<Project>,
    /// All columns in order; the others go
    columns: Option<Vec<ColumnPlan>>,
    /// Column for tasks of those that go
    move_tasks_to: Option<ShortText<100>>,
    clear: Option<Vec<ClearField<Project>>>,
    #[serde(flatten)]
    fields: Patch<Project>,
}

impl Tool for UpdateProject {
    const SPEC: Spec = Spec::changes("update_project", PROJECTS.update)
        // The tasks of a column that goes, or that is moved.
        .covers(&[Covers::update::<Task>(), Covers::read::<BoardColumn>()])
        .title("Update project")
        .about("Update or complete a project, or arrange its columns.")
        .may_ask();
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Put a column for reviews before Done",
            before: &[Step {
                tool: "create_project",
                arguments: r#"{"name": "Intranet", "columns": [{"name": "To do", "status": "unstarted"}, {"name": "Done", "status": "completed"}]}"#,
                keep: &[
                    ("intranet", "/data/id"),
                    ("todo", "/data/columns/0/id"),
                    ("done", "/data/columns/1/id"),
                ],
            }],
            arguments: r#"{"project": "{intranet}", "columns": [{"column": "{todo}"}, {"name": "Review", "status": "started"}, {"column": "{done}"}]}"#,
            expect: &[
                ("/data/columns/1/name", r#""Review""#),
                ("/data/columns/2/name", r#""Done""#),
            ],
        },
        Example {
            title: "The intranet is done",
            before: &[],
            arguments: r#"{"project": "{intranet}", "status": "completed"}"#,
            expect: &[("/data/status", r#""completed""#)],
        },
    ];
    type Output = ProjectDetails;

    async fn call(self, cx: &mut Cx) -> Result<ProjectDetails> {
        let mut edit = cx.edit(self.project).await?;
        edit.clear_fields(&self.clear.unwrap_or_default());
        edit.apply(cx, &self.fields).await?;
        let is_over =
            |status| matches!(status, ProjectStatus::Completed | ProjectStatus::Cancelled);
        if is_over(edit.before().status) && !is_over(edit.status) {
            // What is over does not hold on to its client; what goes on needs it.
            cx.hold_again(&*edit, &["company", "owner"]).await?;
        }
        edit.follow_status(cx.today());
        let project = edit.save(cx).await?;
        match (self.columns, self.move_tasks_to) {
            (Some(columns), successor) => {
                arrange(cx, self.project, columns, successor.as_deref()).await?;
            }
            (None, Some(_)) => {
                let message = "move_tasks_to goes with columns, of which some go.";
                return Err(Error::invalid("move_tasks_to", message)
                    .hint("Give columns: all that are to be there."));
            }
            (None, None) => {}
        }
        details(cx, project).await
    }
}
