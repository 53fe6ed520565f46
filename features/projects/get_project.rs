//! `get_project`

use bureau_kernel::business_calendar::BusinessCalendar;
use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::PROJECTS;
use crate::comparison::{TaskChange, changes_since};
use crate::details::{ProjectDetails, details};
use crate::project::Project;
use crate::schedule::{Schedule, schedule};

/// Which project to read.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetProject {
    project: Id<Project>,
    changes_since: Option<When>,
    /// With the critical path
    schedule: Option<bool>,
}

/// A project, and what became of its tasks.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ProjectThenAndNow {
    #[serde(flatten)]
    project: ProjectDetails,
    /// Where it is asked for, oldest task first.
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<Vec<TaskChange>>,
    /// Where it is asked for: when its open tasks can be done, in working days.
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule: Option<Schedule>,
}

impl Tool for GetProject {
    const SPEC: Spec = Spec::reads("get_project", PROJECTS.read)
        .covers(&[Covers::read::<BusinessCalendar>()])
        .title("Get project")
        .about("Get a project: progress, columns, schedule, what changed since a day.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "How far is the shop?",
            before: &[
                Step {
                    tool: "create_project",
                    arguments: r#"{"name": "Online shop"}"#,
                    keep: &[("shop", "/data/id")],
                },
                Step {
                    tool: "create_task",
                    arguments: r#"{"project": "{shop}", "title": "Catalogue", "estimate": "6", "status": "completed"}"#,
                    keep: &[],
                },
                Step {
                    tool: "create_task",
                    arguments: r#"{"project": "{shop}", "title": "Payment", "estimate": "2"}"#,
                    keep: &[("payment", "/data/id")],
                },
            ],
            arguments: r#"{"project": "{shop}"}"#,
            expect: &[
                ("/data/progress", r#""75.0""#),
                ("/data/open_tasks", "1"),
                ("/data/columns/1/tasks", "1"),
                ("/data/columns/3/tasks", "1"),
            ],
        },
        Example {
            title: "What became of it since this morning?",
            before: &[],
            arguments: r#"{"project": "{shop}", "changes_since": "today"}"#,
            expect: &[
                ("/data/changes/0/change", r#""added""#),
                ("/data/changes/0/task/name", r#""Catalogue""#),
            ],
        },
        Example {
            title: "When can the shop open, and what decides it?",
            before: &[Step {
                tool: "create_task",
                arguments: r#"{"project": "{shop}", "title": "Opening", "milestone": true, "depends_on": [{"task": "{payment}"}]}"#,
                keep: &[],
            }],
            arguments: r#"{"project": "{shop}", "schedule": true}"#,
            expect: &[
                ("/data/schedule/critical_path/0/task/name", r#""Payment""#),
                ("/data/schedule/critical_path/1/task/name", r#""Opening""#),
                ("/data/schedule/critical_path/1/slack_days", "0"),
            ],
        },
    ];
    type Output = ProjectThenAndNow;

    async fn call(self, cx: &mut Cx) -> Result<ProjectThenAndNow> {
        let project = cx.get(self.project).await?;
        let changes = match &self.changes_since {
            Some(since) => Some(changes_since(cx, self.project, since).await?),
            None => None,
        };
        let schedule = match self.schedule {
            Some(true) => Some(schedule(cx, &project).await?),
            _ => None,
        };
        let project = details(cx, project).await?;
        Ok(ProjectThenAndNow {
            project,
            changes,
            schedule,
        })
    }
}
