//! `list_activities`

use bureau_companies::Company;
use bureau_contacts::Contact;
use bureau_deals::Deal;
use bureau_kernel::list::Order;
use bureau_kernel::prelude::*;
use bureau_kernel::store::Kind;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::READ_ACTIVITIES;
use crate::activity::{Activity, ActivityType, LAST_MOMENT};
use crate::view::{ActivityStatus, ActivityView, views};

/// Which activities to list.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ListActivities {
    /// Part of subject, body, outcome
    query: Option<ShortText<500>>,
    #[serde(rename = "type")]
    kind: Option<ActivityType>,
    status: Option<ActivityStatus>,
    assignee: Option<Id<Member>>,
    contact: Option<Id<Contact>>,
    company: Option<Id<Company>>,
    deal: Option<Id<Deal>>,
    due_after: Option<When>,
    due_before: Option<When>,
    /// Default due_at, done: done_at
    sort: Option<Sort>,
    descending: Option<bool>,
    limit: Option<Limit>,
    cursor: Option<Cursor>,
}

/// Orders that activities are listed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::enum_variant_names, reason = "they are the fields' names")]
pub(crate) enum Sort {
    DueAt,
    DoneAt,
    CreatedAt,
    UpdatedAt,
}

impl Sort {
    const fn order(self) -> Order {
        match self {
            Self::DueAt => Order::new("due_at", "sort_due", Kind::Time).within("done_at"),
            Self::DoneAt => Order::new("done_at", "done_at", Kind::Time),
            Self::CreatedAt => Order::CREATED,
            Self::UpdatedAt => Order::UPDATED,
        }
    }
}

impl Tool for ListActivities {
    const SPEC: Spec = Spec::reads("list_activities", READ_ACTIVITIES)
        .title("List activities")
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
    type Output = Vec<ActivityView>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<ActivityView>> {
        let (after, before) = cx.moments(
            ("due_after", self.due_after.as_ref()),
            ("due_before", self.due_before.as_ref()),
        )?;
        let done = self.status.map(|status| status == ActivityStatus::Done);
        // Done is what has a time, so only that can be ordered by it.
        let by_done =
            self.sort == Some(Sort::DoneAt) || (self.sort.is_none() && done == Some(true));
        if by_done && done != Some(true) {
            return Err(
                Error::invalid("sort", "Only what is done is ordered by done_at.")
                    .hint("Say status: done with it."),
            );
        }
        let overdue = self.status == Some(ActivityStatus::Overdue);
        let now = overdue.then(|| cx.now());
        let last = after.map(|_| LAST_MOMENT);
        let list = cx
            .list::<Activity>()
            .is_empty("done_at", done.map(|done| !done))
            .same("type", self.kind)
            .same("assignee", self.assignee)
            .same("contact", self.contact)
            .same("company", self.company)
            .same("deal", self.deal)
            .from("sort_due", after)
            // What is never due is within no bounds of it: it stands after all moments.
            .to("sort_due", before.or(last))
            .to("sort_due", now);
        let usual = if by_done { Sort::DoneAt } else { Sort::DueAt };
        // What was done last comes first, unless an order is asked for.
        let newest = by_done && self.sort.is_none() && self.query.is_none();
        let page = list
            .query_or_page(
                self.query.as_deref(),
                self.sort.map(Sort::order),
                usual.order(),
                self.descending.or(newest.then_some(true)),
                self.limit.unwrap_or_default(),
                self.cursor.as_ref(),
            )
            .await?;
        let next = page.next;
        let rows = views(cx, page.rows).await?;
        let rows = rows.into_iter().map(ActivityView::in_short).collect();
        Ok(cx.page(Page { rows, next }))
    }
}
