//! The way of an application: where it begins, where it is moved, and what follows from that.
//!
//! It is what the kind of its stage says. Who ends it says why, who hires fills an opening, and each step is kept as a move.

use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use bureau_kernel::store::enum_name;
use bureau_kernel::types::text::folded;
use bureau_kernel::types::time::{DayEdge, Timestamp, day_edge};
use chrono::NaiveDate;

use crate::application::Application;
use crate::candidate::Candidate;
use crate::moves::Move;
use crate::openings;
use crate::reason::LeavingReason;
use crate::stages::{JobStage, StageKind, stage_called, stages_of};
use crate::vacancy::{JobStatus, Vacancy};

/// Where an application is to go, and what is said of that.
#[derive(Debug, Default)]
pub(crate) struct Destination {
    /// Identifier or name of the stage.
    pub(crate) stage: Option<ShortText<100>>,
    /// What it is to be there.
    pub(crate) status: Option<StageKind>,
    /// Why it ends.
    pub(crate) reason: Option<LeavingReason>,
    /// What else there is to say.
    pub(crate) note: Option<ShortText<500>>,
    /// On which day; today where none is said.
    pub(crate) moved_on: Option<When>,
    /// When the candidate agreed, where an offer says so; the day of the hire where none does.
    pub(crate) accepted_on: Option<NaiveDate>,
}

/// Makes an application for a candidate, in the stage that is said or the first one.
///
/// # Errors
/// [`Code::Conflict`] where the job is closed, or the candidate applies for it already; [`Code::NotFound`] for a stage that is not
/// there.
pub(crate) async fn apply(
    cx: &mut Cx,
    candidate: &Saved<Candidate>,
    mut application: Application,
    attributes: Attributes,
    stage: Option<&str>,
) -> Result<Saved<Application>> {
    refuse_nobody(candidate, "candidate")?;
    let job = cx.get(application.job).await?;
    cx.hold("job", job.id).await?;
    if job.status == JobStatus::Closed {
        return Err(Error::conflict("This job is closed.")
            .field("job")
            .hint("Open it again with update_job, or name another one."));
    }
    refuse_second(cx, candidate.id, job.id).await?;
    let stages = stages_of(cx, job.id).await?;
    let stage = match stage {
        Some(called) => Some(stage_called(&stages, called)?),
        None => stages.first(),
    };
    let stage = stage.ok_or_else(|| Error::internal("a job has stages"))?;
    if !matches!(stage.kind, StageKind::InProgress | StageKind::Offer) {
        let message = format!("No application begins in {:?}.", &*stage.name);
        return Err(Error::invalid("stage", message)
            .hint("Leave stage out, and move it with update_application_status."));
    }
    let today = cx.today();
    let applied_on = application.applied_on.unwrap_or(today);
    if applied_on > today {
        let message = format!("applied_on is {applied_on}, which is still to come.");
        return Err(Error::invalid("applied_on", message));
    }
    application.name = Managed(candidate.name.clone());
    application.stage = Managed(stage.id);
    application.stage_since = Managed(since(cx, applied_on)?);
    application.status = Managed(stage.kind);
    application.applied_on = Some(applied_on);
    let source = application.source.or(candidate.source.clone());
    application.source = match source {
        Some(source) => Some(spelt_as_first(cx, source).await?),
        None => None,
    };
    application.referrer = application.referrer.or(candidate.referrer);
    let saved = cx.insert(application, attributes).await?;
    let first = Move {
        application: saved.id,
        from_stage: None,
        stage: stage.id,
        moved_on: applied_on,
        reason: None,
        note: None,
    };
    cx.insert(first, Attributes::new()).await?;
    Ok(saved)
}

/// A source as it was spelt where it was first said, so that figures do not part it.
async fn spelt_as_first(cx: &mut Cx, source: ShortText<100>) -> Result<ShortText<100>> {
    let (workspace, key) = (cx.workspace().id, folded(&source));
    cx.tx()
        .serialize(&format!("source in {workspace} {key}"))
        .await?;
    let first = cx.with_index_key::<Application>("source", &key, 1).await?;
    let first = match first.first() {
        Some(first) => cx.find(*first).await?,
        None => None,
    };
    Ok(first
        .and_then(|first| first.record.source)
        .unwrap_or(source))
}

/// Refuses a second application of a candidate for a job while the first has not ended.
async fn refuse_second(cx: &mut Cx, candidate: Id<Candidate>, job: Id<Vacancy>) -> Result<()> {
    let workspace = cx.workspace().id;
    cx.tx()
        .serialize(&format!(
            "application in {workspace} of {candidate} for {job}"
        ))
        .await?;
    let applications = applications_of(cx, &[candidate]).await?;
    let mut running = applications.into_iter();
    let running = running.find(|other| other.job == job && !other.status.is_exit());
    match running {
        None => Ok(()),
        Some(other) => {
            let message = format!("This candidate applies for this job already: {}.", other.id);
            Err(Error::conflict(message)
                .field("candidate")
                .hint("Move that application with update_application_status.")
                .detail("existing", other.named()))
        }
    }
}

/// More applications than the candidates of a page have.
const MOST: u32 = 2_000;

/// The applications of these candidates, oldest first.
///
/// # Errors
/// What the database says.
pub(crate) async fn applications_of(
    cx: &mut Cx,
    candidates: &[Id<Candidate>],
) -> Result<Vec<Saved<Application>>> {
    let applications = cx.list::<Application>().any_of("candidate", candidates);
    let page = applications.page(Order::CREATED, false, Limit::of(MOST), None);
    Ok(page.await?.rows)
}

/// Calls the applications of a candidate as it is called now.
///
/// # Errors
/// What writing refuses.
pub(crate) async fn rename_applications(cx: &mut Cx, candidate: &Saved<Candidate>) -> Result<()> {
    for application in applications_of(cx, &[candidate.id]).await? {
        let mut edit = cx.edit(application.id).await?;
        edit.name = Managed(candidate.name.clone());
        edit.save(cx).await?;
    }
    Ok(())
}

/// Refuses what would go on with somebody of whom nothing is known any more.
fn refuse_nobody(candidate: &Candidate, field: &str) -> Result<()> {
    if candidate.anonymized_on.is_none() {
        return Ok(());
    }
    let message = "This candidate was anonymized: who that was is not known any more.";
    Err(Error::conflict(message)
        .field(field)
        .hint("Make a new one with create_candidate."))
}

/// Moves an application.
///
/// # Errors
/// [`Code::Validation`] where stage and status contradict each other, or a reason is missing or of the wrong kind;
/// [`Code::Conflict`] where it stands there already, or a hire finds no open opening.
pub(crate) async fn place(
    cx: &mut Cx,
    mut edit: Edit<Application>,
    to: Destination,
) -> Result<Saved<Application>> {
    let before = edit.before().clone();
    // A candidate that is deleted has none that live.
    if let Some(candidate) = cx.find(before.candidate).await? {
        refuse_nobody(&candidate, "application")?;
    }
    // Nobody arranges the stages anew while this one is moved.
    cx.hold("application", before.job).await?;
    let stages = stages_of(cx, before.job).await?;
    let stage = destination(&stages, &to)?;
    if stage.id == *before.stage {
        let message = format!("This application stands in {:?} already.", &*stage.name);
        return Err(Error::conflict(message).field("stage"));
    }
    LeavingReason::check(to.reason, to.note.as_deref(), stage.kind)?;
    let moved_on = day_of(cx, &before, to.moved_on.as_ref())?;
    let was_hired = *before.status == StageKind::Hired;
    match stage.kind {
        StageKind::Hired => {
            let accepted_on = to.accepted_on.unwrap_or(moved_on);
            openings::fill(cx, before.job, before.id, accepted_on).await?;
            edit.accepted_on = Managed(Some(accepted_on));
        }
        _ if was_hired => {
            openings::free(cx, before.job, before.id).await?;
            edit.accepted_on = Managed(None);
        }
        _ => {}
    }
    let ends = stage.kind.is_exit();
    // One that ended and ends otherwise was left where it was left first.
    let left = if before.status.is_exit() {
        *before.left_stage
    } else {
        Some(*before.stage)
    };
    edit.left_stage = Managed(left.filter(|_| ends));
    edit.reason = Managed(to.reason);
    edit.note = Managed(to.note.clone());
    let left_on = ends.then_some(moved_on);
    edit.closed_on = Managed(left_on.or(*edit.accepted_on));
    edit.stage = Managed(stage.id);
    edit.stage_since = Managed(since(cx, moved_on)?);
    edit.status = Managed(stage.kind);
    let saved = edit.save(cx).await?;
    let step = Move {
        application: saved.id,
        from_stage: Some(*before.stage),
        stage: stage.id,
        moved_on,
        reason: to.reason,
        note: to.note,
    };
    cx.insert(step, Attributes::new()).await?;
    if saved.status.is_exit() || *saved.status == StageKind::Hired {
        note_others(cx, &saved).await?;
    }
    Ok(saved)
}

/// Says so where a candidate whose application is decided has others under way: they end by nobody's hand but a person's.
async fn note_others(cx: &mut Cx, decided: &Saved<Application>) -> Result<()> {
    let others = applications_of(cx, &[decided.candidate]).await?;
    let others = others
        .iter()
        .filter(|other| matches!(*other.status, StageKind::InProgress | StageKind::Offer));
    let others: Vec<String> = others.map(|other| other.id.to_string()).collect();
    if !others.is_empty() {
        cx.notice(Notice::warning(format!(
            "Other applications of this candidate are still under way: {}.",
            others.join(", ")
        )));
    }
    Ok(())
}

/// The stage that is meant.
fn destination<'a>(stages: &'a [Saved<JobStage>], to: &Destination) -> Result<&'a Saved<JobStage>> {
    match (&to.stage, to.status) {
        (None, None) => {
            let names: Vec<&str> = stages.iter().map(|stage| &*stage.name).collect();
            let message = "Say to which stage, or say a status.";
            Err(Error::invalid("stage", message).hint(format!("There are: {}.", names.join(", "))))
        }
        (Some(called), status) => {
            let stage = stage_called(stages, called)?;
            if status.is_some_and(|status| status != stage.kind) {
                let kind = enum_name(&stage.kind);
                let message = format!("In the stage {:?} a candidate is {kind}.", &*stage.name);
                return Err(Error::invalid("status", message).hint("Leave stage or status out."));
            }
            Ok(stage)
        }
        (None, Some(status)) => {
            let mut fitting = stages.iter().filter(|stage| stage.kind == status);
            match (fitting.next(), fitting.next()) {
                (Some(only), None) => Ok(only),
                (first, _) => {
                    let names = stages.iter().filter(|stage| stage.kind == status);
                    let names: Vec<&str> = names.map(|stage| &*stage.name).collect();
                    let status = enum_name(&status);
                    Err(match first {
                        None => Error::invalid(
                            "status",
                            format!("This job has no stage in which a candidate is {status}."),
                        )
                        .hint("Add one with update_job, or name a stage."),
                        Some(_) => Error::invalid(
                            "stage",
                            format!("In several stages a candidate is {status}."),
                        )
                        .hint(format!("Say which: {}.", names.join(", "))),
                    })
                }
            }
        }
    }
}

/// The day of a move: not before the last one, and not to come.
fn day_of(cx: &mut Cx, before: &Application, when: Option<&When>) -> Result<NaiveDate> {
    const FIELD: &str = "moved_on";
    let today = cx.today();
    let Some(when) = when else { return Ok(today) };
    let day = cx.date(FIELD, when)?;
    if day > today {
        let message = format!("moved_on is {day}, which is still to come.");
        return Err(Error::invalid(FIELD, message));
    }
    let zone = cx.workspace().time_zone;
    let last = before.stage_since.with_timezone(&zone).date_naive();
    if day < last {
        let message = format!("moved_on is {day}, and it came to its present stage on {last}.");
        return Err(Error::invalid(FIELD, message));
    }
    Ok(day)
}

/// The moment from which something counts that was so on a day: now, or the day's beginning where it is past.
fn since(cx: &Cx, day: NaiveDate) -> Result<Timestamp> {
    if day == cx.today() {
        return Ok(cx.now());
    }
    day_edge(day, cx.workspace().time_zone, DayEdge::Start)
        .ok_or_else(|| Error::internal("a day begins"))
}
