//! The stages through which the applications for a job go.

use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use bureau_kernel::resolve::one_of;
use bureau_kernel::store::Kind;
use bureau_kernel::types::text::folded;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::JOBS;
use crate::vacancy::Vacancy;

bureau_kernel::record! {
    /// A stage through which the applications for a job go.
    pub struct JobStage: "job_stage", "jst", "job stage" {
        /// The job.
        pub job: Id<Vacancy>,
        /// Its name.
        pub name: ShortText<100> => [label, key],
        /// Its place among the job's stages, from 1.
        pub position: BoundedInt<1, 1000>,
        /// What an application in it is.
        pub kind: StageKind,
    }
}

/// What an application is in a stage of this kind.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum StageKind {
    #[default]
    /// Nothing is decided.
    InProgress,
    /// The firm has decided, and the candidate has yet to.
    Offer,
    /// The candidate will work here.
    Hired,
    /// The firm turned the candidate down.
    Rejected,
    /// The candidate turned the firm down.
    Withdrawn,
}
bureau_kernel::text_column!(StageKind);

impl StageKind {
    /// Whether an application that is this has ended without a hire.
    #[must_use]
    pub const fn is_exit(self) -> bool {
        matches!(self, Self::Rejected | Self::Withdrawn)
    }
}

impl Record for JobStage {
    const ACCESS: Access = Access {
        read: JOBS.read,
        create: JOBS.update,
        update: JOBS.update,
        delete: JOBS.update,
    };
}

/// More stages than a job has.
const MOST: usize = 50;

/// The stages of a job that says nothing of them.
const USUAL: [(&str, StageKind); 4] = [
    ("Applied", StageKind::InProgress),
    ("Screening", StageKind::InProgress),
    ("Interview", StageKind::InProgress),
    ("Offer", StageKind::Offer),
];

/// The ends that every job has.
const ENDS: [(&str, StageKind); 3] = [
    ("Hired", StageKind::Hired),
    ("Rejected", StageKind::Rejected),
    ("Withdrawn", StageKind::Withdrawn),
];

/// A stage as a caller plans it.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct StagePlan {
    name: ShortText<100>,
    /// Default in_progress
    kind: Option<StageKind>,
    /// New name
    rename: Option<ShortText<100>>,
}

/// A stage of a new job.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct NewStage {
    name: ShortText<100>,
    /// Default in_progress
    kind: Option<StageKind>,
}

/// The stages of a job, in their order.
///
/// # Errors
/// What the database says.
pub(crate) async fn stages_of(cx: &mut Cx, job: Id<Vacancy>) -> Result<Vec<Saved<JobStage>>> {
    const BY_POSITION: Order = Order::new("position", "position", Kind::Int).within("job");
    let all = Limit::of(u32::try_from(MOST).unwrap_or(u32::MAX));
    let stages = cx.list::<JobStage>().equal("job", Some(job));
    Ok(stages.page(BY_POSITION, false, all, None).await?.rows)
}

/// The stage that is meant by its identifier or name.
///
/// # Errors
/// [`Code::NotFound`] naming `stage`, with the stages that there are.
pub(crate) fn stage_called<'a>(
    stages: &'a [Saved<JobStage>],
    called: &str,
) -> Result<&'a Saved<JobStage>> {
    one_of(stages, called).map_err(|error| error.field("stage"))
}

/// The stages that are called so: of a job, or of all.
///
/// # Errors
/// [`Code::NotFound`] naming `stage` where none is.
pub(crate) async fn stages_meant(
    cx: &mut Cx,
    job: Option<Id<Vacancy>>,
    called: &str,
) -> Result<Vec<Id<JobStage>>> {
    /// More jobs than have a stage of one name.
    const MOST: usize = 10_000;
    if let Ok(stage) = called.parse::<Id<JobStage>>() {
        return Ok(vec![
            cx.get(stage)
                .await
                .map_err(|error| error.field("stage"))?
                .id,
        ]);
    }
    if let Some(job) = job {
        let stages = stages_of(cx, job).await?;
        return Ok(vec![stage_called(&stages, called)?.id]);
    }
    let key = folded(called);
    let stages = cx.with_index_key::<JobStage>("name", &key, MOST).await?;
    if stages.is_empty() {
        return Err(
            Error::new(Code::NotFound, "No job has a stage that is called so.")
                .field("stage")
                .hint("get_job lists the stages of a job."),
        );
    }
    Ok(stages)
}

/// Gives a new job its stages: those that are planned, or else those of another job, or else the usual ones.
///
/// # Errors
/// [`Code::Validation`] for stages that no job can have.
pub(crate) async fn provide(
    cx: &mut Cx,
    job: Id<Vacancy>,
    planned: Option<Vec<NewStage>>,
    template: Option<Id<Vacancy>>,
) -> Result<()> {
    let planned: Vec<(ShortText<100>, StageKind)> = match (planned, template) {
        (Some(planned), _) => {
            let planned = planned.into_iter();
            planned
                .map(|stage| (stage.name, stage.kind.unwrap_or_default()))
                .collect()
        }
        (None, Some(template)) => {
            let known = cx.get(template).await;
            let template = known.map_err(|error| error.field("template"))?.id;
            let stages = stages_of(cx, template).await?.into_iter();
            stages
                .map(|stage| (stage.record.name, stage.record.kind))
                .collect()
        }
        (None, None) => {
            let usual = USUAL.into_iter();
            let named = usual.map(|(name, kind)| Ok((ShortText::new(name)?, kind)));
            let named: std::result::Result<_, bureau_kernel::types::text::TextError> =
                named.collect();
            named.map_err(Error::internal)?
        }
    };
    for (index, (name, kind)) in complete(planned)?.into_iter().enumerate() {
        let stage = JobStage {
            job,
            name,
            position: place(index)?,
            kind,
        };
        cx.insert(stage, Attributes::new()).await?;
    }
    Ok(())
}

/// Arranges the stages of a job anew: these in this order, and what it had besides goes.
///
/// # Errors
/// [`Code::Validation`] for stages that no job can have; [`Code::Conflict`] where applications have stood in one that would go
/// or be of another kind.
pub(crate) async fn arrange(cx: &mut Cx, job: Id<Vacancy>, planned: Vec<StagePlan>) -> Result<()> {
    let present = stages_of(cx, job).await?;
    let old = |name: &str| {
        let mut stages = present.iter();
        stages.find(|stage| folded(&stage.name) == folded(name) || stage.id.to_string() == name)
    };
    let mut kept: Vec<(ShortText<100>, Id<JobStage>)> = Vec::new();
    let mut wanted = Vec::new();
    for (index, stage) in planned.into_iter().enumerate() {
        let known = old(&stage.name);
        let name = match (known, stage.rename) {
            (None, Some(_)) => {
                let field = format!("stages[{index}].name");
                let names: Vec<&str> = present.iter().map(|stage| &*stage.name).collect();
                return Err(Error::invalid(field, "No stage of this job is called so.")
                    .hint(format!("There are: {}.", names.join(", "))));
            }
            (Some(_), Some(name)) => name,
            (Some(known), None) => known.name.clone(),
            (None, None) => stage.name,
        };
        if let Some(known) = known {
            kept.push((name.clone(), known.id));
        }
        let kind = stage.kind.or(known.map(|known| known.kind));
        wanted.push((name, kind.unwrap_or_default()));
    }
    // Ends of a kind of which none is named stay.
    let is_named = |kind: StageKind| wanted.iter().any(|(_, named)| *named == kind);
    let staying: Vec<&Saved<JobStage>> = present
        .iter()
        .filter(|stage| stage.kind == StageKind::Hired || stage.kind.is_exit())
        .filter(|stage| !is_named(stage.kind))
        .collect();
    for stage in staying {
        kept.push((stage.name.clone(), stage.id));
        wanted.push((stage.name.clone(), stage.kind));
    }
    let wanted = complete(wanted)?;
    let id_of = |name: &ShortText<100>| {
        let mut kept = kept.iter();
        kept.find(|(known, _)| known == name).map(|(_, id)| *id)
    };
    for gone in &present {
        if !wanted.iter().any(|(name, _)| id_of(name) == Some(gone.id)) {
            let archived = cx.archive(gone.id).await;
            archived.map_err(|error| {
                error
                    .field("stages")
                    .hint("Rename it instead: what went through it counts in the funnel.")
            })?;
        }
    }
    for (index, (name, kind)) in wanted.into_iter().enumerate() {
        let position = place(index)?;
        let Some(id) = id_of(&name) else {
            let stage = JobStage {
                job,
                name,
                position,
                kind,
            };
            cx.insert(stage, Attributes::new()).await?;
            continue;
        };
        let mut edit = cx.edit(id).await?;
        if edit.kind != kind && cx.is_linked(id).await? {
            let message = format!(
                "Applications have stood in {:?} as what it is.",
                &*edit.name
            );
            return Err(Error::conflict(message)
                .field("stages")
                .hint("Leave its kind, or add another stage."));
        }
        edit.name = name;
        edit.position = position;
        edit.kind = kind;
        edit.save(cx).await?;
    }
    Ok(())
}

fn place(index: usize) -> Result<BoundedInt<1, 1000>> {
    let place = i64::try_from(index).unwrap_or(i64::MAX).saturating_add(1);
    BoundedInt::new(place).map_err(Error::internal)
}

/// Planned stages in order, the way to a hire first, with the ends that they lack.
fn complete(planned: Vec<(ShortText<100>, StageKind)>) -> Result<Vec<(ShortText<100>, StageKind)>> {
    let wrong = |message: String| Err(Error::invalid("stages", message));
    let (mut stages, mut ends): (Vec<_>, Vec<_>) = planned
        .into_iter()
        .partition(|(_, kind)| matches!(kind, StageKind::InProgress | StageKind::Offer));
    if !matches!(stages.first(), Some((_, StageKind::InProgress))) {
        return wrong("A job begins with a stage of the kind in_progress.".to_owned());
    }
    for (name, kind) in ENDS {
        if !ends.iter().any(|(_, known)| *known == kind) {
            ends.push((ShortText::new(name).map_err(Error::internal)?, kind));
        }
    }
    ends.sort_by_key(|(_, kind)| *kind);
    let hired = ends.iter().filter(|(_, kind)| *kind == StageKind::Hired);
    if hired.count() > 1 {
        return wrong("A job has one stage for those who are hired.".to_owned());
    }
    stages.extend(ends);
    if stages.len() > MOST {
        return wrong(format!("A job has {MOST} stages at most."));
    }
    for (index, (name, _)) in stages.iter().enumerate() {
        let mut before = stages.iter().take(index);
        if before.any(|(other, _)| folded(other) == folded(name)) {
            return wrong(format!("Two stages are called {:?}.", &**name));
        }
    }
    Ok(stages)
}
