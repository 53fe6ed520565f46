//! What tasks ask for.

use bureau_kernel::prelude::*;
use bureau_kernel::store::Sql;
use bureau_kernel::suggestion::{
    Finding, SuggestedCall, SuggestionRule, Wanted, days, days_from, impact_of_priority,
    urgency_since,
};
use futures::FutureExt as _;
use serde_json::json;

use crate::TASKS;
use crate::task::{DateMode, Priority, Task};

/// The module's rules.
pub(crate) const RULES: &[SuggestionRule] = &[SuggestionRule {
    name: "tasks_overdue",
    about: "A task that is to be done was due before today",
    reads: &[TASKS.read],
    find: |cx, wanted| overdue(cx, wanted).boxed(),
}];

async fn overdue(cx: &mut Cx, wanted: &Wanted) -> Result<Vec<Finding>> {
    let today = cx.today();
    let only = |statement: Sql, _: &Cx| {
        statement
            .sql(" AND over IS NULL AND sort_due < ")
            .value(today)
    };
    let tasks = wanted.records::<Task>(cx, "assignee", only, "sort_due");
    let findings = tasks.await?.into_iter().filter_map(|task| {
        let due = task.due_on?;
        let late = days_from(cx, due);
        let priority = match task.priority {
            Priority::Urgent => "urgent",
            Priority::High => "high",
            Priority::Normal => "normal",
            Priority::Low => "low",
        };
        let code = task.code.as_ref().map(|code| format!("{code} "));
        // Dates that follow from what the task waits for are nobody's to set.
        let call = match task.dates {
            DateMode::Manual => {
                SuggestedCall::of("update_task", json!({ "task": task.id, "due_on": today }))
            }
            DateMode::Automatic => SuggestedCall::of("get_task", json!({ "task": task.id })),
        };
        Some(Finding {
            subject: task.id.into(),
            owner: task.assignee,
            action: format!(
                "Finish {}{}, or say when",
                code.unwrap_or_default(),
                task.title
            ),
            reason: format!(
                "It was due on {due}, {} ago; its priority is {priority}.",
                days(late)
            ),
            evidence: Vec::new(),
            impact: impact_of_priority(priority),
            urgency: urgency_since(late),
            facts: due.to_string(),
            call,
        })
    });
    Ok(findings.collect())
}
