//! What is said of a candidate beside the columns: the applications, and the way that each took.

use std::collections::BTreeMap;

use bureau_kernel::prelude::*;
use bureau_kernel::types::time::Timestamp;
use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Serialize;

use crate::application::Application;
use crate::candidate::Candidate;
use crate::interview::{Interview, Scorecard, interviews_of, scorecards_of};
use crate::moves::{Move, moves_of};
use crate::offer::Offer;
use crate::offering::offers_of;
use crate::placing::applications_of;
use crate::reason::LeavingReason;
use crate::retention::Rule;
use crate::stages::{JobStage, StageKind};
use crate::vacancy::Vacancy;

/// For what a candidate applies.
#[derive(Default, Serialize, JsonSchema)]
pub struct Applications {
    /// Oldest first; none for a prospect.
    applications: Vec<ApplicationEntry>,
    /// When the retention rule takes their personal data, as things stand now.
    #[serde(skip_serializing_if = "Option::is_none")]
    anonymize_on: Option<NaiveDate>,
}

/// An application.
#[derive(Serialize, JsonSchema)]
struct ApplicationEntry {
    id: Id<Application>,
    job: Named<Vacancy>,
    stage: Named<JobStage>,
    status: StageKind,
    applied_on: Option<NaiveDate>,
    /// How long it stands in its stage.
    days_in_stage: i64,
    source: Option<ShortText<100>>,
    /// Why it ended without a hire.
    reason: Option<LeavingReason>,
    note: Option<ShortText<500>>,
    /// When the candidate agreed to work here.
    accepted_on: Option<NaiveDate>,
    /// Every stage that it came to; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    moves: Option<Vec<MoveEntry>>,
    /// What was offered; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    offers: Option<Vec<Row<Offer>>>,
    /// Who talks with the candidate; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    interviews: Option<Vec<InterviewEntry>>,
    /// What they think; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    scorecards: Option<Vec<Row<Scorecard>>>,
    /// Scorecards of others that are not shown before one's own is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    hidden_scorecards: Option<i64>,
}

/// That a member talks with a candidate.
#[derive(Debug, Serialize, JsonSchema)]
struct InterviewEntry {
    id: Id<Interview>,
    interviewer: Named<Member>,
    starts_at: Timestamp,
}

/// When an application came to a stage, and who said so.
#[derive(Debug, Serialize, JsonSchema)]
struct MoveEntry {
    stage: Named<JobStage>,
    moved_on: NaiveDate,
    /// Days until the next move, or until today.
    days: i64,
    by: Option<Named<Member>>,
    at: Timestamp,
    reason: Option<LeavingReason>,
    note: Option<ShortText<500>>,
}

impl Presented for Candidate {
    type Extra = Applications;
    const ROW: &'static [&'static str] = &["created_at"];

    async fn extras(
        cx: &mut Cx,
        candidates: &[Saved<Self>],
        is_row: bool,
    ) -> Result<Vec<Applications>> {
        let ids: Vec<Id<Self>> = candidates.iter().map(|candidate| candidate.id).collect();
        let applications = applications_of(cx, &ids).await?;
        let moves = match is_row {
            true => Vec::new(),
            false => {
                let ids: Vec<_> = applications.iter().map(|it| it.id).collect();
                moves_of(cx, &ids).await?
            }
        };
        let mut talks = talks_by_application(cx, &applications, is_row).await?;
        let mut offers = offers_by_application(cx, &applications, is_row).await?;
        let jobs = cx.names(applications.iter().map(|it| it.job)).await?;
        let stages = applications.iter().map(|it| *it.stage);
        let stages = stages.chain(moves.iter().map(|step| step.stage));
        let stages = cx.names(stages.collect::<Vec<_>>()).await?;
        let authors = moves.iter().filter_map(|step| step.created_by);
        let authors = cx.member_names(authors.collect::<Vec<_>>()).await?;
        let rule = Rule::of(cx).await?;
        let taken_on = candidates.iter().map(|candidate| {
            let mut own = applications.iter();
            let own = own.by_ref().filter(|one| one.candidate == candidate.id);
            rule?.takes_on(candidate, own, cx.workspace())
        });
        let taken_on: Vec<Option<NaiveDate>> = taken_on.collect();
        let today = cx.today();
        let zone = cx.workspace().time_zone;
        let mut of: BTreeMap<i64, Vec<ApplicationEntry>> = BTreeMap::new();
        for application in applications {
            let since = application.stage_since.with_timezone(&zone).date_naive();
            let own = moves
                .iter()
                .filter(|step| step.application == application.id);
            let own: Vec<&Saved<Move>> = own.collect();
            let next = own.iter().skip(1).map(|next| next.moved_on);
            let ends = next.chain([today]);
            let entries = own.iter().zip(ends).map(|(step, end)| MoveEntry {
                stage: stages.of(step.stage),
                moved_on: step.moved_on,
                days: (end - step.moved_on).num_days(),
                by: step.created_by.map(|member| authors.of(member)),
                at: step.created_at,
                reason: step.reason,
                note: step.note.clone(),
            });
            let talk = talks.remove(&application.id.raw()).unwrap_or_default();
            let entry = ApplicationEntry {
                id: application.id,
                job: jobs.of(application.job),
                stage: stages.of(*application.stage),
                status: *application.status,
                applied_on: application.applied_on,
                days_in_stage: (today - since).num_days(),
                source: application.source.clone(),
                reason: *application.reason,
                note: application.note.0.clone(),
                accepted_on: *application.accepted_on,
                offers: offers.remove(&application.id.raw()),
                interviews: (!talk.interviews.is_empty()).then_some(talk.interviews),
                scorecards: (!talk.scorecards.is_empty()).then_some(talk.scorecards),
                hidden_scorecards: (talk.hidden > 0).then_some(talk.hidden),
                moves: (!is_row).then(|| entries.collect()),
            };
            of.entry(application.candidate.raw())
                .or_default()
                .push(entry);
        }
        let each = ids.into_iter().zip(taken_on);
        let each = each.map(|(id, anonymize_on)| Applications {
            applications: of.remove(&id.raw()).unwrap_or_default(),
            anonymize_on,
        });
        Ok(each.collect())
    }
}

/// The offers for these applications, as far as the caller may read them.
async fn offers_by_application(
    cx: &mut Cx,
    applications: &[Saved<Application>],
    is_row: bool,
) -> Result<BTreeMap<i64, Vec<Row<Offer>>>> {
    let mut of: BTreeMap<i64, Vec<Row<Offer>>> = BTreeMap::new();
    if is_row || !cx.may::<Offer>(Operation::Read) {
        return Ok(of);
    }
    let ids: Vec<_> = applications.iter().map(|it| it.id).collect();
    let offers = offers_of(cx, &ids).await?;
    let owners: Vec<i64> = offers.iter().map(|it| it.application.raw()).collect();
    for (application, row) in owners.into_iter().zip(cx.rows_of(offers).await?) {
        of.entry(application).or_default().push(row);
    }
    Ok(of)
}

/// What was talked about an application, as far as the caller may know it.
#[derive(Default)]
struct Talk {
    interviews: Vec<InterviewEntry>,
    scorecards: Vec<Row<Scorecard>>,
    hidden: i64,
}

/// The interviews about these applications, and the scorecards as far as they may be shown: to whoever has yet to write one, no
/// other's; otherwise to whoever has written one or may read them.
async fn talks_by_application(
    cx: &mut Cx,
    applications: &[Saved<Application>],
    is_row: bool,
) -> Result<BTreeMap<i64, Talk>> {
    let mut of: BTreeMap<i64, Talk> = BTreeMap::new();
    if is_row {
        return Ok(of);
    }
    let ids: Vec<_> = applications.iter().map(|it| it.id).collect();
    let interviews = interviews_of(cx, &ids).await?;
    let cards = scorecards_of(cx, &ids).await?;
    let me = cx.caller().member;
    let reads = cx.may::<Scorecard>(Operation::Read);
    let is_shown = |card: &Saved<Scorecard>| {
        let mut own = interviews.iter().filter(|interview| {
            interview.application == card.application && interview.interviewer == me
        });
        let is_written = |interview: &Saved<Interview>| {
            let mut cards = cards.iter();
            cards.any(|card| *card.interview == interview.id)
        };
        let owes = own.clone().any(|interview| !is_written(interview));
        *card.author == me || !owes && (reads || own.any(is_written))
    };
    let (shown, hidden): (Vec<_>, Vec<_>) = cards.iter().cloned().partition(is_shown);
    for card in hidden {
        of.entry(card.application.raw()).or_default().hidden += 1;
    }
    let owners: Vec<i64> = shown.iter().map(|it| it.application.raw()).collect();
    for (application, row) in owners.into_iter().zip(cx.rows_of(shown).await?) {
        of.entry(application).or_default().scorecards.push(row);
    }
    let names = interviews.iter().map(|interview| interview.interviewer);
    let names = cx.member_names(names.collect::<Vec<_>>()).await?;
    for interview in interviews {
        let entry = InterviewEntry {
            id: interview.id,
            interviewer: names.of(interview.interviewer),
            starts_at: interview.starts_at,
        };
        of.entry(interview.application.raw())
            .or_default()
            .interviews
            .push(entry);
    }
    Ok(of)
}

/// Whether the caller has yet to write a scorecard about one of these applications.
///
/// # Errors
/// What the database says.
pub(crate) async fn owes_scorecard(cx: &mut Cx, applications: &[Id<Application>]) -> Result<bool> {
    let me = cx.caller().member;
    let interviews = interviews_of(cx, applications).await?;
    let cards = scorecards_of(cx, applications).await?;
    let mut own = interviews.iter().filter(|one| one.interviewer == me);
    Ok(own.any(|interview| cards.iter().all(|card| *card.interview != interview.id)))
}
