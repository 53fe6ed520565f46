//! `update_time_entry`

use bureau_kernel::prelude::*;
use bureau_kernel::types::id::Entity as _;
use bureau_kernel::types::money::Amount;
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

/// What changes in a time entry.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct UpdateTimeEntry {
    time_entry: Id<TimeEntry>,
    /// Where it goes without its task
    project: Option<Id<Project>>,
    member: Option<Id<Member>>,
    worked_on: Option<When>,
    started_at: Option<ClockTime>,
    ended_at: Option<ClockTime>,
    /// 1.5 or 1:30
    hours: Option<Hours>,
    /// hourly_rate: taken anew
    clear: Option<Vec<ClearField<TimeEntry>>>,
    #[serde(flatten)]
    fields: Patch<TimeEntry>,
}

impl Tool for UpdateTimeEntry {
    const SPEC: Spec = Spec::changes("update_time_entry", TIME.update)
        .title("Update time entry")
        .about("Update a time entry, or stop a timer with ended_at now.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "It was three hours, and nobody is to pay for it",
            before: &[
                Step {
                    tool: "create_project",
                    arguments: r#"{"name": "Archive"}"#,
                    keep: &[("archive", "/data/id")],
                },
                Step {
                    tool: "create_time_entry",
                    arguments: r#"{"project": "{archive}", "worked_on": "2026-01-07", "hours": "2", "billable": true}"#,
                    keep: &[("entry", "/data/id")],
                },
            ],
            arguments: r#"{"time_entry": "{entry}", "hours": "3", "billable": false}"#,
            expect: &[("/data/hours", r#""3""#), ("/data/amount", "null")],
        },
        Example {
            title: "I did it from nine to half past eleven",
            before: &[],
            arguments: r#"{"time_entry": "{entry}", "started_at": "9:00", "ended_at": "11:30"}"#,
            expect: &[
                ("/data/worked_on", r#""2026-01-07""#),
                ("/data/hours", r#""2.5""#),
            ],
        },
    ];
    type Output = View<TimeEntry>;

    async fn call(self, cx: &mut Cx) -> Result<View<TimeEntry>> {
        let mut edit = cx.edit(self.time_entry).await?;
        let clear = self.clear.unwrap_or_default();
        // Also where there was no rate, to empty it asks for that which holds now.
        let kept = edit.hourly_rate.replace(Amount::default());
        edit.clear_fields(&clear);
        let anew = edit.hourly_rate.is_none();
        if !anew {
            edit.hourly_rate = kept;
        }
        let was_billable = edit.before().billable;
        if !self.fields.has("billable") {
            // An entry is billable or not; emptying that means nothing.
            edit.billable = was_billable;
        }
        edit.apply(cx, &self.fields).await?;
        let named = edit.task.filter(|_| self.fields.has("task"));
        match (named, self.project) {
            (Some(task), _) => {
                let project = project_of(cx, task).await?;
                let missing = || Error::not_found(Task::NOUN, task).field("task");
                edit.project = Managed(Parent(project.ok_or_else(missing)?));
            }
            (None, Some(project)) if **edit.project != project => {
                edit.task = None;
                edit.project = Managed(Parent(project));
            }
            (None, _) => {}
        }
        if let Some(member) = self.member {
            edit.member = Managed(member);
        }
        let span = SpanGiven {
            worked_on: self.worked_on,
            started_at: self.started_at,
            ended_at: self.ended_at,
            hours: self.hours,
        };
        if span.is_said() {
            span.note(cx, &mut edit, false)?;
        }
        let project = hold_place(cx, &edit, self.project).await?;
        let said = self.fields.has("hourly_rate");
        price(cx, &mut edit, &project, anew && !said).await?;
        let entry = edit.save(cx).await?;
        cx.view(entry).await
    }
}
