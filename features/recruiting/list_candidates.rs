//! `list_candidates`

use bureau_kernel::list::{List, Whose};
use bureau_kernel::prelude::*;
use bureau_kernel::types::time::Timestamp;
use chrono::{Duration, NaiveDate};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::application::Application;
use crate::candidate::Candidate;
use crate::retention::{Rule, end_of};
use crate::stages::{StageKind, stages_meant};
use crate::vacancy::Vacancy;
use crate::{CANDIDATES, PLACE};

/// Which candidates to list.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct ListCandidates {
    job: Option<Id<Vacancy>>,
    /// Id or name
    stage: Option<ShortText<100>>,
    status: Option<Vec<StageKind>>,
    applied_after: Option<When>,
    applied_before: Option<When>,
    hired_after: Option<When>,
    hired_before: Option<When>,
    /// Waiting so long
    min_days_in_stage: Option<BoundedInt<1, 3650>>,
    /// Without any application
    prospects: Option<bool>,
    /// Due to be anonymized by then
    anonymize_by: Option<When>,
    #[serde(flatten)]
    listing: Listing<Candidate>,
}

impl Listed for Candidate {
    const QUERY: Option<&'static str> = Some("Part of name, title, CV, tag, email");
    const SORT: &'static str = "Default newest first";
    const USUAL: &'static str = "-created_at";
    const BY_CREATION: bool = true;
}

impl Tool for ListCandidates {
    const SPEC: Spec = Spec::reads("list_candidates", CANDIDATES.read)
        .covers(PLACE)
        .title("List candidates")
        .about("List candidates by job, stage and status with their applications, or search.")
        .awaits(Awaits::Index);
    const EXAMPLES: &'static [Example] = &[Example {
        title: "List candidates in the interview stage for the Brewer role",
        before: &[
            Step {
                tool: "create_job",
                arguments: r#"{"title": "Brewer"}"#,
                keep: &[("brewer", "/data/id")],
            },
            Step {
                tool: "create_candidate",
                arguments: r#"{"name": "Gytha Ogg", "job": "{brewer}"}"#,
                keep: &[("gytha", "/data/id")],
            },
            Step {
                tool: "create_candidate",
                arguments: r#"{"name": "Esmerelda Weatherwax", "job": "{brewer}"}"#,
                keep: &[],
            },
            Step {
                tool: "update_application_status",
                arguments: r#"{"application": "Gytha Ogg", "stage": "Interview"}"#,
                keep: &[],
            },
        ],
        arguments: r#"{"job": "Brewer", "stage": "interview"}"#,
        expect: &[
            ("/data/0/id", r#""{gytha}""#),
            ("/data/0/applications/0/stage/name", r#""Interview""#),
            ("/data/0/applications/0/days_in_stage", "0"),
        ],
    }];
    type Output = Vec<Row<Candidate>>;

    async fn call(self, cx: &mut Cx) -> Result<Vec<Row<Candidate>>> {
        let mut whose = Vec::new();
        if let Some(job) = self.job {
            whose.push(Whose::is("job", &[cx.get(job).await?.id]));
        }
        if let Some(stage) = &self.stage {
            let stages = stages_meant(cx, self.job, stage).await?;
            whose.push(Whose::is("stage", &stages));
        }
        let mut status = self.status.unwrap_or_default();
        if let Some(days) = self.min_days_in_stage {
            let since = cx.now() - Duration::days(days.get());
            whose.push(Whose::to("stage_since", &since));
            if status.is_empty() {
                // Whoever is hired or has left waits for nothing.
                status = vec![StageKind::InProgress, StageKind::Offer];
            }
        }
        if !status.is_empty() {
            whose.push(Whose::is("status", &status));
        }
        for (column, first, last) in [
            (
                "applied_on",
                ("applied_after", self.applied_after.as_ref()),
                ("applied_before", self.applied_before.as_ref()),
            ),
            (
                "accepted_on",
                ("hired_after", self.hired_after.as_ref()),
                ("hired_before", self.hired_before.as_ref()),
            ),
        ] {
            let (first, last) = cx.dates(first, last)?;
            whose.extend(first.map(|day| Whose::from(column, &day)));
            whose.extend(last.map(|day| Whose::to(column, &day)));
        }
        let is_prospect = self.prospects;
        if is_prospect == Some(true) && !whose.is_empty() {
            let message = "A prospect has no application, so no job, stage or status.";
            return Err(Error::invalid("prospects", message).hint("Leave the others out."));
        }
        let applies =
            (!whose.is_empty() || is_prospect.is_some()).then_some(is_prospect != Some(true));
        let taken = match &self.anonymize_by {
            Some(by) => Some(Taken::by(cx, by).await?),
            None => None,
        };
        let rows = self.listing.rows(cx, |list| {
            let list = match taken {
                Some(taken) => taken.narrow(list),
                None => list,
            };
            match applies {
                Some(applies) => list.named_by::<Application>("candidate", whose, applies),
                None => list,
            }
        });
        rows.await
    }
}

/// Whom the retention rule takes by a day.
struct Taken {
    /// The last day on which their procedure can have ended.
    ended: NaiveDate,
    /// The last moment at which they can have been entered.
    entered: Timestamp,
    /// The last day on which their consent can end.
    consent: Option<NaiveDate>,
}

impl Taken {
    async fn by(cx: &mut Cx, when: &When) -> Result<Self> {
        const FIELD: &str = "anonymize_by";
        let Some(rule) = Rule::of(cx).await? else {
            let message =
                "This workspace has no retention rule, so nobody is anonymized by itself.";
            return Err(Error::conflict(message)
                .field(FIELD)
                .hint("update_recruiting_settings sets one."));
        };
        let day = cx.date(FIELD, when)?;
        let ended = rule.ended_by(day).map_err(|error| error.field(FIELD))?;
        Ok(Self {
            ended,
            entered: end_of(cx, ended)?,
            consent: day.pred_opt(),
        })
    }

    /// Those, as [`crate::retention::due`] knows them, without the deleted ones.
    fn narrow(self, list: List<'_, Candidate>) -> List<'_, Candidate> {
        let later = self.ended.succ_opt().unwrap_or(self.ended);
        let list = list
            .is_empty("anonymized_on", Some(true))
            .is_empty("legal_hold", Some(true))
            .to("consent_ends", self.consent)
            .to("created_at", Some(self.entered));
        [
            Whose::empty("closed_on"),
            Whose::is("status", &[StageKind::Hired]),
            Whose::from("closed_on", &later),
        ]
        .into_iter()
        .fold(list, |list, whose| {
            list.named_by::<Application>("candidate", vec![whose], false)
        })
    }
}
