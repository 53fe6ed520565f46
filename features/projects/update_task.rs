//! `update_task`

use bureau_kernel::business_calendar::BusinessCalendar;
use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::TASKS;
use crate::column::BoardColumn;
use crate::dependency::{DependencyChange, TaskDependency, wait_for};
use crate::placement::{Placement, hold_board_of};
use crate::schedule::put_off;
use crate::task::Task;

/// What changes in a task.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct UpdateTask {
    task: Id<Task>,
    column: Option<ShortText<100>>,
    /// From 1
    position: Option<BoundedInt<1, 100_000>>,
    /// The others stay
    depends_on: Option<Vec<DependencyChange>>,
    clear: Option<Vec<ClearField<Task>>>,
    #[serde(flatten)]
    fields: Patch<Task>,
}

impl Tool for UpdateTask {
    const SPEC: Spec = Spec::changes("update_task", TASKS.update)
        .covers(&[
            Covers::read::<BoardColumn>(),
            Covers::read::<BusinessCalendar>(),
            Covers::read::<TaskDependency>(),
        ])
        .title("Update task")
        .core()
        .about("Update, complete, cancel or reopen a task, or move it on its board.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "The contract waits until the works council agrees",
            before: &[
                Step {
                    tool: "create_project",
                    arguments: r#"{"name": "Hiring"}"#,
                    keep: &[("hiring", "/data/id")],
                },
                Step {
                    tool: "create_task",
                    arguments: r#"{"project": "{hiring}", "title": "Draft the contract"}"#,
                    keep: &[("contract", "/data/id")],
                },
                Step {
                    tool: "create_task",
                    arguments: r#"{"project": "{hiring}", "title": "Onboarding"}"#,
                    keep: &[("onboarding", "/data/id")],
                },
                Step {
                    tool: "create_task",
                    arguments: r#"{"project": "{hiring}", "title": "Works council agrees"}"#,
                    keep: &[("council", "/data/id")],
                },
            ],
            arguments: r#"{"task": "{contract}", "depends_on": [{"task": "{council}"}]}"#,
            expect: &[
                ("/data/blocked_by/0/name", r#""Works council agrees""#),
                ("/data/depends_on/0/status", r#""unstarted""#),
            ],
        },
        Example {
            title: "I have begun with the contract",
            before: &[],
            arguments: r#"{"task": "{contract}", "column": "In progress", "assignee": "me"}"#,
            expect: &[
                ("/data/status", r#""started""#),
                ("/data/column/name", r#""In progress""#),
            ],
        },
        Example {
            title: "It is done",
            before: &[],
            arguments: r#"{"task": "{contract}", "status": "completed"}"#,
            expect: &[("/data/column/name", r#""Done""#)],
        },
        Example {
            title: "No, it has to be done again, before all others",
            before: &[],
            arguments: r#"{"task": "{contract}", "status": "unstarted", "position": 1, "priority": "urgent"}"#,
            expect: &[
                ("/data/column/name", r#""To do""#),
                ("/data/completed_at", "null"),
            ],
        },
        Example {
            title: "It is a part of the onboarding",
            before: &[],
            arguments: r#"{"task": "{contract}", "parent": "{onboarding}"}"#,
            expect: &[("/data/parent/name", r#""Onboarding""#)],
        },
    ];
    type Output = View<Task>;

    async fn call(self, cx: &mut Cx) -> Result<View<Task>> {
        hold_board_of(cx, self.task).await?;
        let mut edit = cx.edit(self.task).await?;
        edit.clear_fields(&self.clear.unwrap_or_default());
        edit.apply(cx, &self.fields).await?;
        let before = edit.before().clone();
        let placement = Placement {
            column: self.column,
            position: self.position,
        };
        let has_status = self.fields.has("status");
        let placed = placement.take(cx, &mut edit, Some(&before), has_status);
        placed.await?;
        let task = edit.save(cx).await?;
        let depends = self.depends_on.is_some();
        if let Some(given) = self.depends_on {
            wait_for(cx, &task, given).await?;
        }
        if depends || days(&before) != days(&task) {
            put_off(cx, task.project.0.0).await?;
        }
        let task = cx.get(task.id).await?;
        cx.view(task).await
    }
}

/// What decides when a task lies, and when those lie that wait for it.
fn days(task: &Task) -> impl PartialEq {
    let parent = task.parent.map(|parent| *parent);
    let dates = (task.start_on, task.due_on, *task.completed_at);
    (
        dates,
        task.status,
        parent,
        task.dates,
        task.estimate,
        task.milestone,
    )
}
