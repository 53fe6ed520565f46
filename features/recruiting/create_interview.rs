//! `create_interview`

use bureau_kernel::prelude::*;
use bureau_kernel::types::time::{DayEdge, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::CANDIDATES;
use crate::application::Application;
use crate::interview::{Interview, interviews_of, scorecards_of};
use crate::stages::StageKind;

/// A new interview.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct CreateInterview {
    application: Id<Application>,
    interviewers: Vec<Id<Member>>,
    starts_at: When,
}

/// An interview and who asks.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Planned {
    application: Named<Application>,
    starts_at: Timestamp,
    interviewers: Vec<Named<Member>>,
}

impl Tool for CreateInterview {
    const SPEC: Spec = Spec::adds("create_interview", CANDIDATES.update)
        .title("Create interview")
        .about("Plan an interview, or move it: who asks writes a scorecard afterwards.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "I talk with Sacharissa on Monday at ten",
        before: &[
            Step {
                tool: "create_job",
                arguments: r#"{"title": "Reporter"}"#,
                keep: &[("reporter", "/data/id")],
            },
            Step {
                tool: "create_candidate",
                arguments: r#"{"name": "Sacharissa Cripslock", "job": "{reporter}"}"#,
                keep: &[("sacharissa", "/data/applications/0/id")],
            },
        ],
        arguments: r#"{"application": "{sacharissa}", "interviewers": ["me"], "starts_at": "2027-03-01T10:00:00Z"}"#,
        expect: &[
            ("/data/application/id", r#""{sacharissa}""#),
            ("/data/starts_at", r#""2027-03-01T10:00:00Z""#),
        ],
    }];
    type Output = Planned;

    async fn call(self, cx: &mut Cx) -> Result<Planned> {
        const MOST: usize = 20;
        let starts_at = cx.moment("starts_at", &self.starts_at, DayEdge::Start)?;
        let application = cx.get(self.application).await?;
        if !matches!(
            *application.status,
            StageKind::InProgress | StageKind::Offer
        ) {
            let message = "This application has ended.";
            return Err(Error::conflict(message)
                .field("application")
                .hint("Move it back with update_application_status first."));
        }
        if self.interviewers.is_empty() || self.interviewers.len() > MOST {
            let message = format!("An interview has 1 to {MOST} interviewers.");
            return Err(Error::invalid("interviewers", message));
        }
        let workspace = cx.workspace().id;
        cx.tx()
            .serialize(&format!("interviews of {workspace} {}", application.id))
            .await?;
        let planned = interviews_of(cx, &[application.id]).await?;
        let written = scorecards_of(cx, &[application.id]).await?;
        for interviewer in &self.interviewers {
            let open = planned.iter().find(|interview| {
                let is_open = written.iter().all(|card| *card.interview != interview.id);
                interview.interviewer == *interviewer && is_open
            });
            if let Some(open) = open {
                let mut edit = cx.edit(open.id).await?;
                edit.starts_at = starts_at;
                edit.save(cx).await?;
                continue;
            }
            let interview = Interview {
                application: application.id,
                interviewer: *interviewer,
                starts_at,
            };
            let made = cx.insert(interview, Attributes::new()).await;
            made.map_err(|error| error.field("interviewers"))?;
        }
        let names = cx.member_names(self.interviewers.clone()).await?;
        let interviewers = self.interviewers.into_iter().map(|member| names.of(member));
        Ok(Planned {
            application: application.named(),
            starts_at,
            interviewers: interviewers.collect(),
        })
    }
}
