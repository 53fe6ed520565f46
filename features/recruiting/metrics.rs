//! `get_recruiting_metrics`

mod cohort;
mod spans;

use bureau_kernel::figures::percent;
use bureau_kernel::prelude::*;
use bureau_kernel::types::text::folded;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::JOBS;
use crate::reason::LeavingReason;
use crate::stages::StageKind;
use crate::vacancy::Vacancy;
use cohort::Cohort;
use spans::{offers, time_to_fill, time_to_hire};

/// Below so many there is no rate.
const LEAST: i64 = 5;

/// Which applications to count.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct GetRecruitingMetrics {
    job: Option<Id<Vacancy>>,
    department: Option<ShortText<100>>,
    after: Option<When>,
    before: Option<When>,
}

/// Hiring in figures.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RecruitingMetrics {
    /// The day of the figures.
    as_of: NaiveDate,
    /// Who applied in the period: funnel, sources and reasons are of these.
    applications: i64,
    /// What they are now.
    outcomes: Vec<OutcomeFigures>,
    /// The way to a hire, with stages of one name together.
    funnel: Vec<StageFigures>,
    /// Days from applying to accepting, of those who accepted in the period.
    time_to_hire: Span,
    /// Days from opening to accepting, of openings that were filled in the period.
    time_to_fill: Span,
    /// What candidates said in the period.
    offers: OfferFigures,
    /// The most applications first.
    sources: Vec<SourceFigures>,
    /// Why they left, the most frequent first.
    reasons: Vec<ReasonFigures>,
}

/// How many are this.
#[derive(Debug, Serialize, JsonSchema)]
struct OutcomeFigures {
    status: StageKind,
    count: i64,
}

/// A stage of the funnel. Shares are in percent; of fewer than 5 there is none.
#[derive(Debug, Serialize, JsonSchema)]
struct StageFigures {
    stage: String,
    kind: StageKind,
    /// Who stood in it or came past it.
    reached: i64,
    /// Those of them who never stood in it.
    skipped: i64,
    /// Of all who applied.
    share: Option<String>,
    /// Of those who reached the stage before it in their job.
    conversion: Option<String>,
    /// Who stands in it now.
    now: i64,
    /// Whom the firm turned down there.
    rejected: i64,
    /// Who withdrew there.
    withdrawn: i64,
    /// Days of the stays that ended.
    days: Span,
    /// Days so far of those who stand in it.
    days_so_far: Span,
}

/// Numbers of days.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct Span {
    n: i64,
    median: Option<String>,
    mean: Option<String>,
}

/// What candidates said to offers.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct OfferFigures {
    accepted: i64,
    declined: i64,
    /// Percent of these; of fewer than 5 there is none.
    acceptance_rate: Option<String>,
}

/// Who came from where.
#[derive(Debug, Serialize, JsonSchema)]
struct SourceFigures {
    /// None where nobody said.
    source: Option<String>,
    applications: i64,
    /// Those of them whom a member referred.
    referred: i64,
    hired: i64,
    /// Percent of those applications; of fewer than 5 there is none.
    hire_rate: Option<String>,
}

/// How many left for a reason.
#[derive(Debug, Serialize, JsonSchema)]
struct ReasonFigures {
    status: StageKind,
    reason: LeavingReason,
    count: i64,
}

/// What is counted, with the days resolved.
#[derive(Debug)]
struct Scope {
    today: NaiveDate,
    after: Option<NaiveDate>,
    before: Option<NaiveDate>,
    /// None where all jobs are meant.
    jobs: Option<Vec<Id<Vacancy>>>,
}

impl Tool for GetRecruitingMetrics {
    const SPEC: Spec = Spec::reads("get_recruiting_metrics", JOBS.read)
        .title("Get recruiting metrics")
        .about("Hiring funnel, time to hire, fill and in each stage, sources, reasons.");
    const EXAMPLES: &'static [Example] = &[Example {
        title: "How does the search for a librarian go?",
        before: &[
            Step {
                tool: "create_job",
                arguments: r#"{"title": "Librarian"}"#,
                keep: &[("library", "/data/id")],
            },
            Step {
                tool: "create_candidate",
                arguments: r#"{"name": "Horace Worblehat", "job": "{library}", "source": "University"}"#,
                keep: &[],
            },
            Step {
                tool: "update_application_status",
                arguments: r#"{"application": "Horace Worblehat", "stage": "Interview"}"#,
                keep: &[],
            },
        ],
        arguments: r#"{"job": "{library}"}"#,
        expect: &[
            ("/data/applications", "1"),
            ("/data/funnel/1/stage", r#""Screening""#),
            ("/data/funnel/1/reached", "1"),
            ("/data/funnel/1/skipped", "1"),
            ("/data/funnel/2/now", "1"),
            ("/data/funnel/2/share", "null"),
            ("/data/time_to_hire/n", "0"),
            ("/data/sources/0/source", r#""University""#),
        ],
    }];
    type Output = RecruitingMetrics;

    async fn call(self, cx: &mut Cx) -> Result<RecruitingMetrics> {
        let (after, before) = cx.dates(
            ("after", self.after.as_ref()),
            ("before", self.before.as_ref()),
        )?;
        let jobs = match (self.job, &self.department) {
            (Some(job), department) => {
                let job = cx.get(job).await?;
                refuse_other(&job, department.as_deref())?;
                Some(vec![job.id])
            }
            (None, Some(department)) => Some(jobs_of(cx, department).await?),
            (None, None) => None,
        };
        let scope = Scope {
            today: cx.today(),
            after,
            before,
            jobs,
        };
        let cohort = Cohort::read(cx, &scope).await?;
        Ok(RecruitingMetrics {
            as_of: scope.today,
            applications: cohort.count(),
            outcomes: cohort.outcomes(),
            time_to_hire: time_to_hire(cx, &scope).await?,
            time_to_fill: time_to_fill(cx, &scope).await?,
            offers: offers(cx, &scope).await?,
            sources: cohort.sources(),
            reasons: cohort.reasons(),
            funnel: cohort.funnel(),
        })
    }
}

/// A share in percent; none of few.
fn rate(part: i64, whole: i64) -> Option<String> {
    if whole < LEAST {
        return None;
    }
    percent(Decimal::from(part), Decimal::from(whole))
}

/// Refuses a department in which the job is not.
fn refuse_other(job: &Vacancy, department: Option<&str>) -> Result<()> {
    let own = job.department.as_deref().map(folded);
    match department {
        Some(asked) if own != Some(folded(asked)) => {
            let message = "This job is in another department.";
            Err(Error::invalid("department", message).hint("Leave one of the two out."))
        }
        _ => Ok(()),
    }
}

/// The jobs of a department.
///
/// # Errors
/// [`Code::NotFound`] where there is none.
async fn jobs_of(cx: &mut Cx, department: &str) -> Result<Vec<Id<Vacancy>>> {
    /// More jobs than a department has.
    const MOST: usize = 10_000;
    let key = folded(department);
    let jobs = cx
        .with_index_key::<Vacancy>("department", &key, MOST)
        .await?;
    if jobs.is_empty() {
        return Err(
            Error::new(Code::NotFound, "No job is in such a department.")
                .field("department")
                .hint("list_jobs shows the departments."),
        );
    }
    Ok(jobs)
}
