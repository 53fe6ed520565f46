//! What is said of an activity beside its columns: whether it is done.

use bureau_kernel::prelude::*;
use bureau_kernel::types::time::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::activity::Activity;

/// Whether an activity is done.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Standing {
    status: ActivityStatus,
}

/// Whether an activity is done, to be done, or late.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ActivityStatus {
    #[default]
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

impl Presented for Activity {
    type Extra = Standing;

    async fn extras(cx: &mut Cx, activities: &[Saved<Self>], _: bool) -> Result<Vec<Standing>> {
        let now = cx.now();
        let status = |activity: &Saved<Self>| ActivityStatus::of(activity, now);
        let statuses = activities.iter().map(status);
        Ok(statuses.map(|status| Standing { status }).collect())
    }
}
