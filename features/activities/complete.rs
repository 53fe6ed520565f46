//! `complete_activity`

use bureau_kernel::prelude::*;
use bureau_kernel::types::time::DayEdge;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ACTIVITIES;
use crate::activity::{Activity, ActivityType};

/// What was done, what came of it, and what comes next.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct CompleteActivity {
    activity: Id<Activity>,
    outcome: Option<ShortText<500>>,
    /// Default now
    done_at: Option<When>,
    /// Subject of the next activity to plan
    follow_up: Option<ShortText<200>>,
    follow_up_due: Option<When>,
    /// Default: the same type
    follow_up_type: Option<ActivityType>,
}

/// What comes next.
pub(crate) struct FollowUp {
    subject: Option<ShortText<200>>,
    due: Option<When>,
    r#type: Option<ActivityType>,
}

impl FollowUp {
    /// What was said of it.
    ///
    /// # Errors
    /// [`Code::Validation`] where there is to be none.
    pub(crate) fn new(
        subject: Option<ShortText<200>>,
        due: Option<When>,
        r#type: Option<ActivityType>,
    ) -> Result<Self> {
        for (field, given) in [
            ("follow_up_due", due.is_some()),
            ("follow_up_type", r#type.is_some()),
        ] {
            if given && subject.is_none() {
                let message = format!("{field} needs follow_up, the subject of the next activity.");
                return Err(Error::invalid(field, message));
            }
        }
        Ok(Self {
            subject,
            due,
            r#type,
        })
    }

    /// Plans it after one that is there: with the same people.
    pub(crate) async fn plan(
        self,
        cx: &mut Cx,
        after: &Saved<Activity>,
    ) -> Result<Option<View<Activity>>> {
        let Some(subject) = self.subject else {
            return Ok(None);
        };
        let due_at = self.due.as_ref();
        let due_at = due_at
            .map(|when| cx.moment("follow_up_due", when, DayEdge::End))
            .transpose()?;
        let next = Activity {
            r#type: self.r#type.unwrap_or(after.r#type),
            subject,
            body: None,
            due_at,
            minutes: None,
            done_at: Managed(None),
            outcome: None,
            ..after.record.clone()
        };
        let next = cx.insert(next, Attributes::new()).await?;
        Ok(Some(cx.view(next).await?))
    }
}

/// The activity that is done, and the next one.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Completed {
    #[serde(flatten)]
    pub(crate) activity: View<Activity>,
    pub(crate) follow_up: Option<View<Activity>>,
}

impl Tool for CompleteActivity {
    const SPEC: Spec = Spec::changes("complete_activity", ACTIVITIES.update)
        // The follow-up.
        .covers(&[Covers::create::<Activity>()])
        .title("Complete activity")
        .about("Mark an activity done with its outcome, and plan the follow-up.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "The call is done, she wants an offer; remind me to send it on the 1st of March",
        before: &[Step {
            tool: "create_activity",
            arguments: r#"{"type": "call", "subject": "Ask for the budget", "due_at": "2027-02-01"}"#,
            keep: &[("call", "/data/id")],
        }],
        arguments: r#"{"activity": "{call}", "outcome": "Wants an offer", "follow_up": "Send the offer",
            "follow_up_type": "task", "follow_up_due": "2027-03-01"}"#,
        expect: &[
            ("/data/status", r#""done""#),
            ("/data/outcome", r#""Wants an offer""#),
            ("/data/follow_up/type", r#""task""#),
            ("/data/follow_up/status", r#""pending""#),
        ],
    }];
    type Output = Completed;

    async fn call(self, cx: &mut Cx) -> Result<Completed> {
        let next = FollowUp::new(self.follow_up, self.follow_up_due, self.follow_up_type)?;
        let mut edit = cx.edit(self.activity).await?;
        if let Some(done_at) = *edit.done_at {
            return Err(Error::conflict(format!(
                "This activity was completed on {}.",
                done_at.date_naive()
            ))
            .field("activity")
            .hint("Change its outcome with update_activity."));
        }
        let done_at = match &self.done_at {
            Some(when) => cx.moment("done_at", when, DayEdge::Start)?,
            None => cx.now(),
        };
        if done_at > cx.now() {
            return Err(Error::invalid("done_at", "done_at has not come yet."));
        }
        edit.done_at = Managed(Some(done_at));
        edit.outcome = self.outcome.or(edit.outcome.take());
        let done = edit.save(cx).await?;
        let follow_up = next.plan(cx, &done).await?;
        Ok(Completed {
            activity: cx.view(done).await?,
            follow_up,
        })
    }
}
