//! `create_activity`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::ACTIVITIES;
use crate::activity::{Activity, ActivityType};
use crate::complete::{Completed, FollowUp};

/// A new activity.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("required" = ["subject"]))]
pub(crate) struct CreateActivity {
    /// It is done already
    done: Option<bool>,
    /// Subject of the next activity to plan
    follow_up: Option<ShortText<200>>,
    follow_up_due: Option<When>,
    /// Default: the same type
    follow_up_type: Option<ActivityType>,
    #[serde(flatten)]
    fields: Patch<Activity>,
}

impl Tool for CreateActivity {
    const SPEC: Spec = Spec::adds("create_activity", ACTIVITIES.create)
        .title("Create activity")
        .core()
        .about("Log a call, email, meeting or note that is done, or plan one or a task.");
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "Create a follow-up call for tomorrow with Sarah",
            before: &[Step {
                tool: "create_contact",
                arguments: r#"{"name": "Sarah Connor"}"#,
                keep: &[("sarah", "/data/id")],
            }],
            arguments: r#"{"type": "call", "subject": "Follow up on the offer", "contact": "{sarah}", "due_at": "tomorrow"}"#,
            expect: &[
                ("/data/type", r#""call""#),
                ("/data/status", r#""pending""#),
                ("/data/contact/name", r#""Sarah Connor""#),
            ],
        },
        Example {
            title: "I have just talked to Sarah: she will decide next week",
            before: &[],
            arguments: r#"{"type": "call", "subject": "Talked about the offer", "contact": "{sarah}", "done": true, "outcome": "Decides next week", "minutes": 15}"#,
            expect: &[
                ("/data/status", r#""done""#),
                ("/data/outcome", r#""Decides next week""#),
            ],
        },
        Example {
            title: "She called: remind me to send her the offer by the 1st of March",
            before: &[],
            arguments: r#"{"type": "call", "subject": "Wants an offer", "contact": "{sarah}", "done": true,
                "follow_up": "Send the offer", "follow_up_type": "task", "follow_up_due": "2027-03-01"}"#,
            expect: &[
                ("/data/status", r#""done""#),
                ("/data/follow_up/type", r#""task""#),
                ("/data/follow_up/status", r#""pending""#),
                ("/data/follow_up/contact/name", r#""Sarah Connor""#),
            ],
        },
    ];
    type Output = Completed;

    async fn call(self, cx: &mut Cx) -> Result<Completed> {
        let next = FollowUp::new(self.follow_up, self.follow_up_due, self.follow_up_type)?;
        let mut activity = self.fields.record(cx.local_time())?;
        // A note is written, and that is that. What has an outcome is done.
        let done = activity.r#type == ActivityType::Note || activity.outcome.is_some();
        if self.done.unwrap_or(done) {
            // What is logged with a time that has passed was done then.
            let then = activity.due_at.filter(|due| *due < cx.now());
            activity.done_at = Managed(Some(then.unwrap_or(cx.now())));
        }
        activity.assignee = activity.assignee.or(Some(cx.caller().member));
        activity.complete_links(cx).await?;
        let saved = cx.insert(activity, self.fields.attributes()?).await?;
        let follow_up = next.plan(cx, &saved).await?;
        Ok(Completed {
            activity: cx.view(saved).await?,
            follow_up,
        })
    }
}

impl Activity {
    /// An activity for a deal is also one with the deal's contact and company, where it does not say so itself; one with a
    /// contact is one with the contact's company.
    pub(crate) async fn complete_links(&mut self, cx: &mut Cx) -> Result<()> {
        if let Some(deal) = self.deal {
            let deal = cx.get(deal).await?;
            if self.contact.is_none() && self.company.is_none_or(|id| deal.company == Some(id)) {
                self.contact = deal.contact;
            }
            self.company = self.company.or(deal.company);
        }
        if let (Some(contact), None) = (self.contact, self.company) {
            self.company = cx.get(contact).await?.company_id;
        }
        Ok(())
    }
}
