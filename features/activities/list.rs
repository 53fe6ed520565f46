//! `list_activities`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::ACTIVITIES;
use crate::activity::Activity;
use crate::view::ActivityStatus;

/// Which activities to list.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ListActivities {
    status: Option<Vec<ActivityStatus>>,
    #[serde(flatten)]
    listing: Listing<Activity>,
}

impl Listed for Activity {
    const QUERY: Option<&'static str> = Some("Part of subject, body, outcome");
    const SORT: &'static str = "Default due_at, done: done_at";
    const USUAL: &'static str = "due_at";
}

impl Tool for ListActivities {
    const SPEC: Spec = Spec::reads("list_activities", ACTIVITIES.read)
        .title("List activities")
        .core()
        .about("List calls, emails, meetings, tasks and notes, or search them.")
        .awaits(Awaits::Index);
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Which tasks are waiting for me?",
            before: &[Step {
                tool: "create_activity",
                arguments: r#"{"type": "task", "subject": "Order brochures", "due_at": "2027-01-15"}"#,
                keep: &[("brochures", "/data/id")],
            }],
            arguments: r#"{"type": "task", "status": "pending", "assignee": "me", "due_after": "2027-01-01"}"#,
            expect: &[
                ("/data/0/id", r#""{brochures}""#),
                ("/data/0/status", r#""pending""#),
            ],
        },
        Example {
            title: "What was it with the brochures?",
            before: &[],
            arguments: r#"{"query": "brochures"}"#,
            expect: &[("/data/0/id", r#""{brochures}""#)],
        },
    ];
    type Output = Vec<Row<Activity>>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<Row<Activity>>> {
        let mut listing = self.listing;
        let asked = self.status.unwrap_or_default();
        let has = |status| asked.contains(&status);
        let (done, overdue) = match (
            has(ActivityStatus::Done),
            has(ActivityStatus::Pending),
            has(ActivityStatus::Overdue),
        ) {
            (true, true, _) | (false, false, false) => (None, false),
            (true, false, false) => (Some(true), false),
            // What is overdue is pending too.
            (false, true, _) => (Some(false), false),
            (false, false, true) => (Some(false), true),
            (true, false, true) => {
                let message = "What is done and what is overdue are two lists.";
                return Err(
                    Error::invalid("status", message).hint("Ask for one, then for the other.")
                );
            }
        };
        // Done is what has a time, so only that can be ordered by it.
        if listing.sort() == Some("done_at") && done != Some(true) {
            return Err(
                Error::invalid("sort", "Only what is done is ordered by done_at.")
                    .hint("Say status: done with it."),
            );
        }
        if done == Some(true) {
            listing = listing.usually("-done_at");
        }
        let now = cx.now();
        let overdue = overdue.then_some(now);
        let rows = listing.rows(cx, |list| {
            list.is_empty("done_at", done.map(|done| !done))
                .to("sort_due", overdue)
        });
        rows.await
    }
}
