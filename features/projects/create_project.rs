//! `create_project`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::PROJECTS;
use crate::board::{NewColumn, set_up};
use crate::column::BoardColumn;
use crate::details::{ProjectDetails, details};
use crate::project::Project;

/// A new project.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("required" = ["name"]))]
pub(crate) struct CreateProject {
    /// Default Backlog, To do, In progress, …
    columns: Option<Vec<NewColumn>>,
    #[serde(flatten)]
    fields: Patch<Project>,
}

impl Tool for CreateProject {
    const SPEC: Spec = Spec::adds("create_project", PROJECTS.create)
        .covers(&[
            Covers::create::<BoardColumn>(),
            Covers::read::<BoardColumn>(),
        ])
        .title("Create project")
        .about("Create a project with the columns of its board.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Set up the relaunch for Acme until the end of June",
            before: &[Step {
                tool: "create_company",
                arguments: r#"{"name": "Acme Relaunch"}"#,
                keep: &[("acme", "/data/id")],
            }],
            arguments: r#"{"name": "Website relaunch", "company": "{acme}", "start_on": "2027-01-11", "due_on": "2027-06-30"}"#,
            expect: &[
                ("/data/status", r#""active""#),
                ("/data/company/name", r#""Acme Relaunch""#),
                ("/data/columns/1/name", r#""To do""#),
                ("/data/columns/3/status", r#""completed""#),
            ],
        },
        Example {
            title: "A project with a board of three columns",
            before: &[],
            arguments: r#"{"name": "Office move", "status": "planned", "columns": [{"name": "Open", "status": "unstarted"},
                {"name": "Under way", "status": "started"}, {"name": "Done", "status": "completed"}]}"#,
            expect: &[
                ("/data/status", r#""planned""#),
                ("/data/columns/0/name", r#""Open""#),
                ("/data/open_tasks", "0"),
            ],
        },
    ];
    type Output = ProjectDetails;

    async fn call(self, cx: &mut Cx) -> Result<ProjectDetails> {
        let mut project = self.fields.record(cx.local_time())?;
        project.owner = project.owner.or(Some(cx.caller().member));
        project.follow_status(cx.today());
        project.take_number(cx).await?;
        let project = cx.insert(project, self.fields.attributes()?).await?;
        set_up(cx, project.id, self.columns).await?;
        details(cx, project).await
    }
}
