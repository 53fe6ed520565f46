//! The way of a deal: which stage, which status, and what follows from a move.
//!
//! A deal is open in the open stages of its pipeline. One that is won stands in the pipeline's won stage; one that is lost
//! or unqualified stands in its lost stage, where it has one. Whoever says one of the two, stage or status, has said the
//! other. Closing sets the day, a loss takes a reason, reopening takes both away.

use bureau_kernel::prelude::*;
use bureau_kernel::resolve::one_of;

use crate::deal::{Deal, DealStatus};
use crate::stages::{Pipeline, Stage, StageKind, pipeline_meant, stages_of};

/// Where a caller wants a deal to be.
#[derive(Debug, Default)]
pub struct StageChange {
    /// The pipeline.
    pub pipeline: Option<Id<Pipeline>>,
    /// Identifier or name of the stage.
    pub stage: Option<ShortText<100>>,
}

impl StageChange {
    /// Writes into a deal what a caller gave, and brings it where the caller wants it. It is not saved yet.
    ///
    /// # Errors
    /// As [`StageChange::take`].
    pub async fn change(
        &self,
        cx: &mut Cx,
        edit: &mut Edit<Deal>,
        given: &Patch<Deal>,
    ) -> Result<()> {
        edit.apply(cx, given).await?;
        let before = edit.before().clone();
        self.take(cx, edit, Some(&before), given).await
    }

    /// Brings a deal where the caller wants it, after the fields were given.
    ///
    /// # Errors
    /// [`Code::NotFound`] for a stage or pipeline that is not there; [`Code::Validation`] when stage and status contradict
    /// each other, or a loss has no reason.
    pub async fn take(
        &self,
        cx: &mut Cx,
        deal: &mut Deal,
        before: Option<&Saved<Deal>>,
        given: &Patch<Deal>,
    ) -> Result<()> {
        let was_open = before.is_none_or(|before| before.status == DealStatus::Open);
        let moves = self.pipeline.is_some() || self.stage.is_some() || before.is_none();
        let stays =
            |before: &Saved<Deal>| before.status == deal.status && before.stage == deal.stage;
        if !moves && !given.has("status") && before.is_some_and(stays) {
            return check_close(cx, deal, given);
        }
        let pipeline = match (&self.pipeline, before) {
            (None, Some(before)) => *before.pipeline,
            (Some(pipeline), Some(_)) => cx.get(*pipeline).await?.id,
            (pipeline, None) => pipeline_meant(cx, *pipeline, self.stage.as_deref()).await?,
        };
        // Nobody arranges its stages anew while this deal is put into one of them.
        cx.hold("pipeline", pipeline).await?;
        let stages = stages_of(cx, pipeline).await?;
        let asked = self
            .stage
            .as_deref()
            .map(|name| one_of(&stages, name))
            .transpose()?;
        let stays = before.filter(|before| *before.pipeline == pipeline);
        let status = match (given.has("status"), asked.map(|stage| stage.kind)) {
            (false, Some(StageKind::Won)) => DealStatus::Won,
            (false, Some(StageKind::Lost)) if deal.status == DealStatus::Unqualified => deal.status,
            (false, Some(StageKind::Lost)) => DealStatus::Lost,
            (false, Some(StageKind::Open)) => DealStatus::Open,
            (true, _) | (false, None) => deal.status,
        };
        let kind = kind_of(status);
        // A pipeline without a lost stage keeps what is lost in the open stage where it was lost.
        let has_place = stages.iter().any(|stage| stage.kind == kind);
        let place = match kind {
            StageKind::Lost if !has_place => StageKind::Open,
            kind => kind,
        };
        let fits = |stage: &Saved<Stage>| stage.kind == place;
        let current =
            stays.and_then(|before| stages.iter().find(|stage| stage.id == *before.stage));
        let stage = match (asked, current) {
            (Some(stage), _) | (None, Some(stage)) if fits(stage) => stage,
            (Some(stage), _) => {
                let right = stages.iter().find(|stage| fits(stage));
                return Err(contradiction(stage, status, right));
            }
            (None, _) => {
                // Where it was last, of the stages that fit.
                let moves: Vec<(Id<Stage>, _)> = match stays {
                    Some(before) if place == StageKind::Open => {
                        cx.history_of(before.id, "stage").await?
                    }
                    _ => Vec::new(),
                };
                let fitting = || stages.iter().filter(|stage| fits(stage));
                let was_in = |id| fitting().find(|stage| stage.id == id);
                let last = moves.into_iter().rev().find_map(|(id, _)| was_in(id));
                last.or(fitting().next()).ok_or_else(|| {
                    let message = "This pipeline has no stage for such a deal.";
                    Error::invalid("pipeline", message).hint("Add one with update_pipeline.")
                })?
            }
        };
        if before.is_none_or(|before| *before.stage != stage.id) {
            deal.stage_since = Managed(cx.now());
        }
        deal.pipeline = Managed(pipeline);
        deal.stage = Managed(stage.id);
        deal.status = status;
        if kind == StageKind::Open && !was_open {
            // A closed deal does not hold on to whom it was with; one that is opened again needs them.
            cx.hold_again(deal, &["company", "contact", "owner"])
                .await?;
        }
        if before.is_some_and(|before| kind_of(before.status) != kind) && !given.has("closed_on") {
            deal.closed_on = None;
        }
        if !matches!(status, DealStatus::Lost | DealStatus::Unqualified)
            && !given.has("lost_reason")
        {
            deal.lost_reason = None;
        }
        check_close(cx, deal, given)
    }
}

/// The kind of stage in which deals of this status stand.
fn kind_of(status: DealStatus) -> StageKind {
    match status {
        DealStatus::Open => StageKind::Open,
        DealStatus::Won => StageKind::Won,
        DealStatus::Lost | DealStatus::Unqualified => StageKind::Lost,
    }
}

/// What holds of the end of every deal.
fn check_close(cx: &Cx, deal: &mut Deal, given: &Patch<Deal>) -> Result<()> {
    if let Some(certain) = deal.status.certainty() {
        // What is certain needs no estimate.
        let estimate = deal.probability.take().map(BoundedInt::get);
        if given.has("probability") && estimate.is_some_and(|percent| percent != certain) {
            let message = "A deal that is closed has no probability of its own.";
            return Err(Error::invalid("probability", message).hint("Leave it out."));
        }
    }
    if deal.status != DealStatus::Open && deal.closed_on.is_none() {
        deal.closed_on = Some(cx.today());
    }
    let (field, message, hint) = match (deal.status, deal.closed_on, &deal.lost_reason) {
        (DealStatus::Open, Some(_), _) => (
            "closed_on",
            "An open deal has no closing day.",
            "Say status: won, lost or unqualified with it.",
        ),
        (_, Some(day), _) if day > cx.today() => (
            "closed_on",
            "A deal cannot be closed on a day that has not come.",
            "For a day to come there is expected_close.",
        ),
        (DealStatus::Lost, _, None) => (
            "lost_reason",
            "Losing a deal takes a reason.",
            "Say lost_reason in a few words, such as price, timing or competitor.",
        ),
        (DealStatus::Open | DealStatus::Won, _, Some(_)) => (
            "lost_reason",
            "Only a deal that is lost has a reason for it.",
            "Leave it out, or say status: lost with it.",
        ),
        _ => return Ok(()),
    };
    Err(Error::invalid(field, message).hint(hint))
}

fn contradiction(stage: &Saved<Stage>, status: DealStatus, right: Option<&Saved<Stage>>) -> Error {
    let status = bureau_kernel::store::enum_name(&status);
    let message = format!("A deal in the stage {:?} is not {status}.", &*stage.name);
    let hint = right.map(|right| format!(", or use the stage {:?}", &*right.name));
    let hint = hint.unwrap_or_default();
    Error::invalid("stage", message).hint(format!("Leave out stage or status{hint}."))
}
