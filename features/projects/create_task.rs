//! `create_task`

use bureau_kernel::business_calendar::BusinessCalendar;
use bureau_kernel::prelude::*;
use bureau_kernel::types::id::Entity as _;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::TASKS;
use crate::column::BoardColumn;
use crate::dependency::{DependencyChange, DependencyGiven, TaskDependency, wait_for};
use crate::placement::{Placement, project_of, take_number};
use crate::project::Project;
use crate::schedule::put_off;
use crate::task::Task;

/// A new task.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("required" = ["title"]))]
pub(crate) struct CreateTask {
    /// Or parent
    project: Option<Id<Project>>,
    column: Option<ShortText<100>>,
    depends_on: Option<Vec<DependencyGiven>>,
    #[serde(flatten)]
    fields: Patch<Task>,
}

impl Tool for CreateTask {
    const SPEC: Spec = Spec::adds("create_task", TASKS.create)
        .covers(&[
            Covers::read::<BoardColumn>(),
            Covers::read::<BusinessCalendar>(),
            Covers::create::<TaskDependency>(),
            Covers::read::<TaskDependency>(),
            // Tasks with automatic dates are put off by what they wait for.
            Covers::update::<Task>(),
        ])
        .title("Create task")
        .core()
        .about("Create a task in a project, or a subtask of another task.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "In the Q2 Launch project it is printed two working days after the translation",
            before: &[
                Step {
                    tool: "create_project",
                    arguments: r#"{"name": "Q2 Launch"}"#,
                    keep: &[("launch", "/data/id")],
                },
                Step {
                    tool: "create_task",
                    arguments: r#"{"project": "{launch}", "title": "Translation"}"#,
                    keep: &[("translated", "/data/id")],
                },
            ],
            arguments: r#"{"project": "{launch}", "title": "Print it", "estimate": "16", "dates": "automatic", "depends_on": [{"task": "{translated}", "lag_days": 2}]}"#,
            expect: &[
                ("/data/depends_on/0/task/id", r#""{translated}""#),
                ("/data/depends_on/0/type", r#""finish_to_start""#),
                ("/data/blocked_by/0/id", r#""{translated}""#),
            ],
        },
        Example {
            title: "Create a task in the Q2 Launch project",
            before: &[],
            arguments: r#"{"project": "{launch}", "title": "Write the press release", "assignee": "me", "due_on": "2027-04-15", "estimate": "4"}"#,
            expect: &[
                ("/data/project/name", r#""Q2 Launch""#),
                ("/data/column/name", r#""To do""#),
                ("/data/status", r#""unstarted""#),
                ("/data/estimate", r#""4""#),
            ],
        },
        Example {
            title: "A part of it: have it translated",
            before: &[Step {
                tool: "create_task",
                arguments: r#"{"project": "{launch}", "title": "Social media", "column": "in progress"}"#,
                keep: &[("social", "/data/id")],
            }],
            arguments: r#"{"parent": "{social}", "title": "Have it translated", "priority": "high"}"#,
            expect: &[
                ("/data/project/name", r#""Q2 Launch""#),
                ("/data/parent/name", r#""Social media""#),
                ("/data/priority", r#""high""#),
            ],
        },
    ];
    type Output = View<Task>;

    async fn call(self, cx: &mut Cx) -> Result<View<Task>> {
        let mut task = self.fields.record(cx.local_time())?;
        let project = match (self.project, task.parent, &self.column) {
            (Some(project), ..) => Some(project),
            (None, Some(parent), _) => {
                let project = project_of(cx, *parent).await?;
                let missing = || Error::not_found(Task::NOUN, *parent).field("parent");
                Some(project.ok_or_else(missing)?)
            }
            (None, None, Some(column)) => match column.parse::<Id<BoardColumn>>() {
                Ok(column) => project_of(cx, column).await?,
                Err(_) => None,
            },
            (None, None, None) => None,
        };
        let project = project.ok_or_else(|| {
            Error::invalid("project", "A task stands in a project.")
                .hint("Name the project; list_projects finds it.")
        })?;
        task.project = Managed(Parent(project));
        take_number(cx, &mut task).await?;
        let placement = Placement {
            column: self.column,
            position: None,
        };
        let has_status = self.fields.has("status");
        placement.take(cx, &mut task, None, has_status).await?;
        let task = cx.insert(task, self.fields.attributes()?).await?;
        if let Some(given) = self.depends_on {
            let given = given.into_iter().map(DependencyChange::from);
            wait_for(cx, &task, given.collect()).await?;
        }
        put_off(cx, project).await?;
        let task = cx.get(task.id).await?;
        cx.view(task).await
    }
}
