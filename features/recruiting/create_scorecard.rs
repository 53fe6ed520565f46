//! `create_scorecard`

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::SCORECARDS;
use crate::application::Application;
use crate::interview::{Interview, Scorecard, interviews_of, scorecards_of};

/// A new scorecard.
#[derive(Deserialize, JsonSchema)]
#[schemars(extend("required" = ["application", "overall"]))]
pub(crate) struct CreateScorecard {
    #[serde(flatten)]
    fields: Patch<Scorecard>,
}

impl Tool for CreateScorecard {
    const SPEC: Spec = Spec::adds("create_scorecard", SCORECARDS.create)
        .covers(&[Covers::read::<Application>(), Covers::read::<Interview>()])
        .title("Create scorecard")
        .about("Write your own scorecard after your interview of a candidate.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "I liked Gunilla, but she knows no type-setting",
        before: &[
            Step {
                tool: "create_job",
                arguments: r#"{"title": "Printer"}"#,
                keep: &[("printer", "/data/id")],
            },
            Step {
                tool: "create_candidate",
                arguments: r#"{"name": "Gunilla Goodmountain", "job": "{printer}"}"#,
                keep: &[("gunilla", "/data/applications/0/id")],
            },
            Step {
                tool: "create_interview",
                arguments: r#"{"application": "{gunilla}", "interviewers": ["me"], "starts_at": "-1d"}"#,
                keep: &[],
            },
        ],
        arguments: r#"{"application": "{gunilla}", "overall": "yes", "ratings": [{"attribute": "Type-setting", "rating": "no"}]}"#,
        expect: &[
            ("/data/overall", r#""yes""#),
            ("/data/ratings/0/rating", r#""no""#),
        ],
    }];
    type Output = View<Scorecard>;

    async fn call(self, cx: &mut Cx) -> Result<View<Scorecard>> {
        let mut scorecard = self.fields.record(cx.local_time())?;
        let application = cx.get(scorecard.application).await?;
        let author = cx.caller().member;
        let workspace = cx.workspace().id;
        cx.tx()
            .serialize(&format!("interviews of {workspace} {}", application.id))
            .await?;
        let mut own = interviews_of(cx, &[application.id]).await?;
        own.retain(|interview| interview.interviewer == author);
        if own.is_empty() {
            let message = "You are not among the interviewers of this candidate.";
            return Err(Error::new(Code::Forbidden, message)
                .field("application")
                .hint("create_interview plans an interview with you."));
        }
        let written = scorecards_of(cx, &[application.id]).await?;
        own.retain(|interview| written.iter().all(|card| *card.interview != interview.id));
        own.sort_by_key(|interview| interview.starts_at);
        let Some(interview) = own.first() else {
            let message = "You have written your scorecard about this candidate.";
            return Err(Error::conflict(message)
                .field("application")
                .hint("Take it back with undo_change to write another one."));
        };
        if interview.starts_at > cx.now() {
            let message = "Your interview of this candidate has not been yet.";
            return Err(Error::conflict(message)
                .field("application")
                .hint("Write the scorecard afterwards; create_interview moves the interview."));
        }
        scorecard.interview = Managed(interview.id);
        scorecard.author = Managed(author);
        let saved = cx.insert(scorecard, self.fields.attributes()?).await?;
        cx.view(saved).await
    }
}
