//! `update_job`

use bureau_kernel::prelude::*;
use bureau_kernel::store::sql;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::JOBS;
use crate::application::Application;
use crate::openings::{self, Closing, MOST};
use crate::stages::{StagePlan, arrange};
use crate::vacancy::{JobStatus, Vacancy};

/// What changes in a job.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct UpdateJob {
    job: Id<Vacancy>,
    clear: Option<Vec<ClearField<Vacancy>>>,
    add_openings: Option<BoundedInt<1, MOST>>,
    close_openings: Option<BoundedInt<1, MOST>>,
    close_reason: Option<ShortText<200>>,
    /// All stages in order; the others go
    stages: Option<Vec<StagePlan>>,
    #[serde(flatten)]
    fields: Patch<Vacancy>,
}

impl Tool for UpdateJob {
    const SPEC: Spec = Spec::changes("update_job", JOBS.update)
        .title("Update job")
        .about("Update, open, hold or close a job; arrange its stages and openings.")
        .may_ask();
    const EXAMPLES: &'static [Example] = &[
        Example {
            title: "We may hire one more driver, and want a test drive before the offer",
            before: &[Step {
                tool: "create_job",
                arguments: r#"{"title": "Driver"}"#,
                keep: &[("driver", "/data/id")],
            }],
            arguments: r#"{"job": "{driver}", "add_openings": 1,
                "stages": [{"name": "Applied"}, {"name": "Screening"}, {"name": "Interview"}, {"name": "Test drive"}, {"name": "Offer"}]}"#,
            expect: &[
                ("/data/open_openings", "2"),
                ("/data/stages/3/name", r#""Test drive""#),
                ("/data/stages/4/kind", r#""offer""#),
                ("/data/stages/5/kind", r#""hired""#),
            ],
        },
        Example {
            title: "The budget is gone: close it",
            before: &[],
            arguments: r#"{"job": "{driver}", "status": "closed", "close_reason": "Budget"}"#,
            expect: &[
                ("/data/status", r#""closed""#),
                ("/data/open_openings", "0"),
                ("/data/openings/0/status", r#""closed""#),
                ("/data/openings/0/reason", r#""Budget""#),
            ],
        },
    ];
    type Output = View<Vacancy>;

    async fn call(self, cx: &mut Cx) -> Result<View<Vacancy>> {
        let mut edit = cx.edit(self.job).await?;
        edit.clear_fields(&self.clear.unwrap_or_default());
        edit.apply(cx, &self.fields).await?;
        let closes = edit.status == JobStatus::Closed && edit.before().status != JobStatus::Closed;
        if edit.status == JobStatus::Closed && self.add_openings.is_some() {
            return Err(Error::conflict("A closed job has no open openings.")
                .field("add_openings")
                .hint("Say status: open with it."));
        }
        let closing = match self.close_openings {
            _ if closes => Some(Closing::All),
            count => count.map(|count| Closing::Some(count.get())),
        };
        if closing.is_none() && self.close_reason.is_some() {
            let message = "close_reason is why openings are closed, and none are.";
            return Err(Error::invalid("close_reason", message)
                .hint("Say close_openings, or status: closed."));
        }
        let job = edit.save(cx).await?;
        if let Some(closing) = closing {
            openings::close(cx, self.job, closing, self.close_reason.as_ref()).await?;
        }
        if let Some(count) = self.add_openings {
            openings::open(cx, self.job, ("add_openings", count.get())).await?;
        }
        if let Some(stages) = self.stages {
            arrange(cx, self.job, stages).await?;
        }
        if closes {
            note_waiting(cx, self.job).await?;
        }
        cx.view(job).await
    }
}

/// Says so where candidates still wait for an answer about a job that is closed: nobody is rejected by that.
async fn note_waiting(cx: &mut Cx, job: Id<Vacancy>) -> Result<()> {
    let waiting: i64 = sql("SELECT COUNT(*) AS count")
        .from_live::<Application>(cx)
        .sql(" AND status IN ('in_progress', 'offer') AND job = ")
        .value(job)
        .one("count", cx.tx())
        .await?;
    if waiting > 0 {
        cx.notice(Notice::warning(format!(
            "{waiting} applications for this job are still under way: tell these candidates with update_application_status."
        )));
    }
    Ok(())
}
