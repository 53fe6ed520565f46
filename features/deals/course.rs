//! The way of a deal: which stage, which status, and what follows from a move.
//!
//! A deal is open in the open stages of its pipeline. One that is won stands in the pipeline's won stage; one that is lost
//! or unqualified stands in its lost stage, where it has one. Whoever says one of the two, stage or status, has said the
//! other. Closing sets the day, a loss takes a reason, reopening takes both away.

use bureau_kernel::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::deal::{Deal, DealStatus};
use crate::history;
use crate::stages::{Stage, StageKind, pipeline_named, stage_named, stages_of};

/// Where a caller wants a deal to be.
#[derive(Debug, Default, Deserialize, JsonSchema)]
pub struct Course {
    /// Id or name
    pub pipeline: Option<Line<100>>,
    /// Id or name
    pub stage: Option<Line<100>>,
}

impl Course {
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
        given: &Given<Deal>,
    ) -> Result<()> {
        let was_open = before.is_none_or(|before| before.status == DealStatus::Open);
        let moves = self.pipeline.is_some() || self.stage.is_some() || before.is_none();
        if !moves && !given.has("status") && before.is_some_and(|before| same_course(before, deal))
        {
            return check_close(cx, deal);
        }
        let pipeline = match (&self.pipeline, before) {
            (None, Some(before)) => *before.pipeline,
            (name, _) => pipeline_named(cx, name.as_deref()).await?.id,
        };
        let stages = stages_of(cx, pipeline).await?;
        let asked = self
            .stage
            .as_deref()
            .map(|name| stage_named(&stages, name))
            .transpose()?;
        let stays = before.filter(|before| *before.pipeline == pipeline);
        let status = match (given.has("status"), asked.map(|stage| stage.kind)) {
            (true, _) => deal.status,
            (false, Some(StageKind::Won)) => DealStatus::Won,
            (false, Some(StageKind::Lost)) if deal.status == DealStatus::Unqualified => deal.status,
            (false, Some(StageKind::Lost)) => DealStatus::Lost,
            (false, Some(StageKind::Open)) => DealStatus::Open,
            (false, None) => deal.status,
        };
        let kind = match status {
            DealStatus::Open => StageKind::Open,
            DealStatus::Won => StageKind::Won,
            DealStatus::Lost | DealStatus::Unqualified => StageKind::Lost,
        };
        let fits = |stage: &Saved<Stage>| stage.kind == kind;
        // A pipeline without a lost stage keeps what is lost where it was lost.
        let no_place = kind == StageKind::Lost && !stages.iter().any(fits);
        let current =
            stays.and_then(|before| stages.iter().find(|stage| stage.id == *before.stage));
        let stage = match (asked, current) {
            (Some(stage), _) if fits(stage) || no_place => stage,
            (Some(stage), _) => {
                return Err(contradiction(
                    stage,
                    status,
                    stages.iter().find(|stage| fits(stage)),
                ));
            }
            (None, Some(stage)) if fits(stage) || no_place => stage,
            (None, _) => {
                let last = match stays {
                    Some(before) if kind == StageKind::Open => {
                        history::last_open_stage(cx, before.id, &stages).await?
                    }
                    _ => None,
                };
                let first = stages.iter().find(|stage| fits(stage) || no_place);
                last.and_then(|id| stages.iter().find(|stage| stage.id == id))
                    .or(first)
                    .ok_or_else(|| {
                        let message = "This pipeline has no stage for such a deal.";
                        Error::invalid("pipeline", message).hint("Add one with update_pipeline.")
                    })?
            }
        };
        if before.is_none_or(|before| *before.stage != stage.id) {
            deal.stage_since = Kept(cx.now());
        }
        deal.pipeline = Kept(pipeline);
        deal.stage = Kept(stage.id);
        deal.status = status;
        if status == DealStatus::Open {
            if !was_open {
                (deal.closed_on, deal.lost_reason) = (None, None);
            }
        } else if was_open {
            deal.closed_on = deal.closed_on.or(Some(cx.today()));
            // What is certain needs no estimate.
            deal.probability = None;
        }
        if !matches!(status, DealStatus::Lost | DealStatus::Unqualified)
            && !given.has("lost_reason")
        {
            deal.lost_reason = None;
        }
        check_close(cx, deal)
    }
}

/// Whether nothing was said about stage or end of a deal.
fn same_course(before: &Deal, deal: &Deal) -> bool {
    before.status == deal.status && before.stage == deal.stage
}

/// What holds of the end of every deal.
fn check_close(cx: &Cx, deal: &mut Deal) -> Result<()> {
    let open = deal.status == DealStatus::Open;
    match (deal.closed_on, open) {
        (Some(_), true) => {
            return Err(
                Error::invalid("closed_on", "An open deal has no closing day.")
                    .hint("Say status: won, lost or unqualified with it."),
            );
        }
        (None, false) => deal.closed_on = Some(cx.today()),
        (Some(day), false) if day > cx.today() => {
            return Err(Error::invalid(
                "closed_on",
                "A deal cannot be closed on a day that has not come.",
            )
            .hint("For a day to come there is expected_close."));
        }
        _ => {}
    }
    match (deal.status, &deal.lost_reason) {
        (DealStatus::Lost, None) => Err(Error::invalid(
            "lost_reason",
            "Losing a deal takes a reason.",
        )
        .hint("Say lost_reason in a few words, such as price, timing or competitor.")),
        (DealStatus::Open | DealStatus::Won, Some(_)) => Err(Error::invalid(
            "lost_reason",
            "Only a deal that is lost has a reason for it.",
        )),
        _ => Ok(()),
    }
}

fn contradiction(stage: &Saved<Stage>, status: DealStatus, right: Option<&Saved<Stage>>) -> Error {
    let status = bureau_kernel::store::enum_name(&status);
    let error = Error::invalid(
        "stage",
        format!("A deal in the stage {:?} is not {status}.", &*stage.name),
    );
    match right {
        Some(right) => error.hint(format!(
            "Leave out stage or status, or use the stage {:?}.",
            &*right.name
        )),
        None => error.hint("Leave out stage or status."),
    }
}
