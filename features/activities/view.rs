//! An activity as tools answer it: with the names of what it is linked to.

use bureau_companies::Company;
use bureau_contacts::Contact;
use bureau_deals::Deal;
use bureau_kernel::prelude::*;
use bureau_kernel::types::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::activity::{Activity, ActivityType};

/// An activity.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ActivityView {
    id: Id<Activity>,
    r#type: ActivityType,
    subject: ShortText<200>,
    status: ActivityStatus,
    due_at: Option<Timestamp>,
    minutes: Option<BoundedInt<1, 10_080>>,
    done_at: Option<Timestamp>,
    outcome: Option<ShortText<500>>,
    assignee: Option<Named<Member>>,
    contact: Option<Named<Contact>>,
    company: Option<Named<Company>>,
    deal: Option<Named<Deal>>,
    body: Option<LongText<20_000>>,
    attributes: Json<Attributes>,
    version: i64,
    created_at: Timestamp,
    created_by: Option<Id<Member>>,
    updated_at: Timestamp,
}

impl ActivityView {
    /// Without what may be long: a list of a hundred has to stay readable.
    pub(crate) fn in_short(mut self) -> Self {
        self.body = None;
        self
    }
}

/// Whether an activity is done, to be done, or late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ActivityStatus {
    Pending,
    Overdue,
    Done,
}

impl ActivityStatus {
    fn of(activity: &Activity, now: Timestamp) -> Self {
        match (*activity.done_at, activity.due_at) {
            (Some(_), _) => Self::Done,
            (None, Some(due)) if due < now => Self::Overdue,
            _ => Self::Pending,
        }
    }
}

/// The same activities with everything by name.
pub(crate) async fn views(
    cx: &mut Cx,
    activities: Vec<Saved<Activity>>,
) -> Result<Vec<ActivityView>> {
    let members = cx
        .names(activities.iter().filter_map(|saved| saved.assignee))
        .await?;
    let contacts = cx
        .names(activities.iter().filter_map(|saved| saved.contact))
        .await?;
    let companies = cx
        .names(activities.iter().filter_map(|saved| saved.company))
        .await?;
    let deals = cx
        .names(activities.iter().filter_map(|saved| saved.deal))
        .await?;
    let now = cx.now();
    let view = |saved: Saved<Activity>| {
        let activity = saved.record;
        ActivityView {
            id: saved.id,
            r#type: activity.r#type,
            status: ActivityStatus::of(&activity, now),
            subject: activity.subject,
            due_at: activity.due_at,
            minutes: activity.minutes,
            done_at: *activity.done_at,
            outcome: activity.outcome,
            assignee: activity.assignee.map(|id| members.of(id)),
            contact: activity.contact.map(|id| contacts.of(id)),
            company: activity.company.map(|id| companies.of(id)),
            deal: activity.deal.map(|id| deals.of(id)),
            body: activity.body,
            attributes: saved.attributes,
            version: saved.version,
            created_at: saved.created_at,
            created_by: saved.created_by,
            updated_at: saved.updated_at,
        }
    };
    Ok(activities.into_iter().map(view).collect())
}

/// One activity with everything by name.
pub(crate) async fn view(cx: &mut Cx, activity: Saved<Activity>) -> Result<ActivityView> {
    let views = views(cx, vec![activity]).await?;
    let only = views.into_iter().next();
    only.ok_or_else(|| Error::internal("an activity has one view"))
}
