//! `create_time_entry`

use bureau_kernel::prelude::*;
use bureau_kernel::types::id::Entity as _;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::TIME;
use crate::entry::TimeEntry;
use crate::hours::Hours;
use crate::pricing::{hold_place, price};
use crate::span::{ClockTime, SpanGiven};
use bureau_projects::Project;
use bureau_projects::Task;
use bureau_projects::project_of;

/// A new time entry.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct CreateTimeEntry {
    /// Or task
    project: Option<Id<Project>>,
    /// Default you
    member: Option<Id<Member>>,
    /// Default today
    worked_on: Option<When>,
    /// Alone: a running timer
    started_at: Option<ClockTime>,
    ended_at: Option<ClockTime>,
    /// 1.5 or 1:30
    hours: Option<Hours>,
    #[serde(flatten)]
    fields: Patch<TimeEntry>,
}

impl Tool for CreateTimeEntry {
    const SPEC: Spec = Spec::adds("create_time_entry", TIME.create)
        .title("Create time entry")
        .about("Note time on a task or project, or start a timer (no times given).");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "I worked an hour and a half on the design yesterday",
            before: &[
                Step {
                    tool: "create_company",
                    arguments: r#"{"name": "Acme Hours"}"#,
                    keep: &[("acme", "/data/id")],
                },
                Step {
                    tool: "create_project",
                    arguments: r#"{"name": "Brochure", "company": "{acme}"}"#,
                    keep: &[("brochure", "/data/id")],
                },
                Step {
                    tool: "create_task",
                    arguments: r#"{"project": "{brochure}", "title": "Design"}"#,
                    keep: &[("design", "/data/id")],
                },
            ],
            arguments: r#"{"task": "{design}", "hours": "1:30", "worked_on": "yesterday", "hourly_rate": "90", "note": "First draft"}"#,
            expect: &[
                ("/data/project/name", r#""Brochure""#),
                ("/data/hours", r#""1.5""#),
                ("/data/billable", "true"),
                ("/data/amount", r#""135.00""#),
            ],
        },
        Example {
            title: "Start the clock for the brochure",
            before: &[],
            arguments: r#"{"project": "{brochure}"}"#,
            expect: &[("/data/running", "true")],
        },
    ];
    type Output = View<TimeEntry>;

    async fn call(self, cx: &mut Cx) -> Result<View<TimeEntry>> {
        let mut entry = self.fields.record(cx.local_time())?;
        let of_task = match entry.task {
            Some(task) => {
                let project = project_of(cx, task).await?;
                let missing = || Error::not_found(Task::NOUN, task).field("task");
                Some(project.ok_or_else(missing)?)
            }
            None => None,
        };
        let project = of_task.or(self.project).ok_or_else(|| {
            Error::invalid("task", "On what was worked?")
                .hint("Name the task or the project; list_tasks and list_projects find them.")
        })?;
        entry.project = Managed(Parent(project));
        entry.member = Managed(self.member.unwrap_or(cx.caller().member));
        let span = SpanGiven {
            worked_on: self.worked_on,
            started_at: self.started_at,
            ended_at: self.ended_at,
            hours: self.hours,
        };
        span.note(cx, &mut entry, true)?;
        let project = hold_place(cx, &entry, self.project).await?;
        if !self.fields.has("billable") {
            entry.billable = project.company.is_some();
        }
        price(cx, &mut entry, &project, !self.fields.has("hourly_rate")).await?;
        let entry = cx.insert(entry, self.fields.attributes()?).await?;
        cx.view(entry).await
    }
}
