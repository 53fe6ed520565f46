//! The way of a deal: which stage, which status, and what follows from a move.
//!
//! A deal is open in the open stages of its pipeline. One that is won stands in the pipeline's won stage; one that is lost
//! or unqualified stands in its lost stage, where it has one. Whoever says one of the two, stage or status, has said the
//! other. Closing sets the day, a loss takes a reason, reopening takes both away.

use bureau_kernel::prelude::*;

use crate::deal::{Deal, DealStatus};
use crate::history;
use crate::stages::{Pipeline, Stage, StageKind, pipeline_meant, stage_named, stages_of};

/// Where a caller wants a deal to be.
#[derive(Debug, Default)]
pub struct StageChange {
    /// The pipeline.
    pub pipeline: Option<Id<Pipeline>>,
    /// Identifier or name of the stage.
    pub stage: Option<ShortText<100>>,
}

impl StageChange {
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
        if !moves && !given.has("status") && before.is_some_and(|before| same_course(before, deal))
        {
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
            .map(|name| stage_named(&stages, name))
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
                return Err(contradiction(
                    stage,
                    status,
                    stages.iter().find(|stage| fits(stage)),
                ));
            }
            (None, _) => {
                let last = match stays {
                    Some(before) if place == StageKind::Open => {
                        history::last_open_stage(cx, before.id, &stages).await?
                    }
                    _ => None,
                };
                let first = stages.iter().find(|stage| fits(stage));
                last.and_then(|id| stages.iter().find(|stage| stage.id == id))
                    .or(first)
                    .ok_or_else(|| {
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
            still_there(cx, deal).await?;
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

/// A closed deal does not hold on to whom it was with; one that is opened again needs them.
async fn still_there(cx: &mut Cx, deal: &Deal) -> Result<()> {
    let gone = |error: Error| {
        error.hint("It was deleted since. Name another one, or empty the field with clear.")
    };
    if let Some(company) = deal.company {
        cx.hold("company", company).await.map_err(gone)?;
    }
    if let Some(contact) = deal.contact {
        cx.hold("contact", contact).await.map_err(gone)?;
    }
    if let Some(owner) = deal.owner {
        cx.hold("owner", owner).await.map_err(gone)?;
    }
    Ok(())
}

/// Whether nothing was said about stage or end of a deal.
fn same_course(before: &Deal, deal: &Deal) -> bool {
    before.status == deal.status && before.stage == deal.stage
}

/// What holds of the end of every deal.
fn check_close(cx: &Cx, deal: &mut Deal, given: &Patch<Deal>) -> Result<()> {
    let open = deal.status == DealStatus::Open;
    if let Some(certain) = deal.status.certainty() {
        // What is certain needs no estimate.
        let estimate = deal.probability.take().map(BoundedInt::get);
        if given.has("probability") && estimate.is_some_and(|percent| percent != certain) {
            let message = "A deal that is closed has no probability of its own.";
            return Err(Error::invalid("probability", message).hint("Leave it out."));
        }
    }
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
