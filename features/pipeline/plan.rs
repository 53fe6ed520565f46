//! The stages that a caller wants a pipeline to have.

use bureau_deals::{Pipeline, Stage, StageKind, stages_of};
use bureau_kernel::prelude::*;
use bureau_kernel::resolve::one_of;
use bureau_kernel::types::text::folded;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A stage as a caller plans it.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct StagePlan {
    /// Id or name of a stage to keep
    pub(crate) stage: Option<ShortText<100>>,
    pub(crate) name: Option<ShortText<100>>,
    /// Default open
    pub(crate) kind: Option<StageKind>,
    /// Percent
    pub(crate) probability: Option<BoundedInt<0, 100>>,
    pub(crate) rotting_days: Option<BoundedInt<1, 3650>>,
}

/// A pipeline with its stages.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PipelineView {
    id: Id<Pipeline>,
    name: ShortText<100>,
    is_default: bool,
    version: i64,
    stages: Vec<StageView>,
}

/// A stage.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct StageView {
    id: Id<Stage>,
    name: ShortText<100>,
    kind: StageKind,
    /// Percent.
    probability: i64,
    /// After how many days in it a deal is called rotting.
    rotting_days: Option<i64>,
}

pub(crate) async fn view(cx: &mut Cx, pipeline: Saved<Pipeline>) -> Result<PipelineView> {
    let stages = stages_of(cx, pipeline.id)
        .await?
        .into_iter()
        .map(|stage| StageView {
            id: stage.id,
            kind: stage.kind,
            probability: stage.probability.get(),
            rotting_days: stage.rotting_days.map(BoundedInt::get),
            name: stage.record.name,
        });
    Ok(PipelineView {
        id: pipeline.id,
        is_default: pipeline.is_default,
        version: pipeline.version,
        stages: stages.collect(),
        name: pipeline.record.name,
    })
}

/// Refuses a name that another pipeline has.
pub(crate) async fn check_name(cx: &mut Cx, name: &str, own: Option<Id<Pipeline>>) -> Result<()> {
    let workspace = cx.workspace().id;
    let folded = folded(name);
    cx.tx()
        .serialize(&format!("pipeline {workspace} {folded}"))
        .await?;
    let taken = cx.with_index_key::<Pipeline>("name", &folded, 2).await?;
    match taken.into_iter().find(|id| Some(*id) != own) {
        Some(id) => Err(Error::conflict(format!("The pipeline {id} has this name.")).field("name")),
        None => Ok(()),
    }
}

/// Makes module for a new default pipeline: no other one is any more.
pub(crate) async fn no_other_default(cx: &mut Cx, own: Option<Id<Pipeline>>) -> Result<()> {
    let workspace = cx.workspace().id;
    cx.tx()
        .serialize(&format!("default pipeline of {workspace}"))
        .await?;
    for other in bureau_deals::pipelines(cx).await? {
        if other.is_default && Some(other.id) != own {
            let mut edit = cx.edit(other.id).await?;
            edit.is_default = false;
            edit.save(cx).await?;
        }
    }
    Ok(())
}

/// Gives a pipeline these stages, in this order. Stages that it had and that are not among them are deleted.
pub(crate) async fn arrange(
    cx: &mut Cx,
    pipeline: Id<Pipeline>,
    plan: Vec<StagePlan>,
) -> Result<()> {
    const MOST: usize = 50;
    let present = stages_of(cx, pipeline).await?;
    if plan.len() > MOST {
        return Err(Error::invalid(
            "stages",
            format!("A pipeline has {MOST} stages at most."),
        ));
    }
    let mut wanted: Vec<(Option<Id<Stage>>, Stage)> = Vec::new();
    for (index, entry) in plan.into_iter().enumerate() {
        let field = |name: &str| format!("stages[{index}].{name}");
        let old = entry.stage.map(|name| {
            let found = one_of(&present, &name);
            found.map_err(|error| error.field(field("stage")))
        });
        // Who names no stage and gives the name of one that is there means that one.
        let same = entry.name.as_ref().and_then(|name| {
            let mut present = present.iter();
            present.find(|stage| folded(&stage.name) == folded(name))
        });
        let old = old.transpose()?.or(same);
        let kept = old.map(|stage| stage.id);
        if kept.is_some() && wanted.iter().any(|(other, _)| *other == kept) {
            let message = "This stage is named twice.";
            return Err(Error::invalid(field("stage"), message));
        }
        let name = entry.name.or(old.map(|stage| stage.name.clone()));
        let name = name.ok_or_else(|| {
            let message = "A new stage needs a name, and one that stays its id.";
            Error::invalid(format!("stages[{index}]"), message)
        })?;
        wanted.push((
            kept,
            Stage {
                pipeline,
                name,
                position: BoundedInt::default(),
                kind: entry
                    .kind
                    .or(old.map(|stage| stage.kind))
                    .unwrap_or_default(),
                probability: entry
                    .probability
                    .or(old.map(|stage| stage.probability))
                    .unwrap_or_default(),
                rotting_days: entry
                    .rotting_days
                    .or(old.and_then(|stage| stage.rotting_days)),
            },
        ));
    }
    complete(&mut wanted)?;
    check(&wanted)?;
    for gone in present
        .iter()
        .filter(|stage| !wanted.iter().any(|(id, _)| *id == Some(stage.id)))
    {
        cx.archive(gone.id)
            .await
            .map_err(|error| error.field("stages"))?;
    }
    for (index, (id, mut stage)) in wanted.into_iter().enumerate() {
        stage.position = BoundedInt::new(index as i64 + 1).map_err(Error::internal)?;
        if stage.kind == StageKind::Won {
            stage.probability = BoundedInt::new(100).map_err(Error::internal)?;
        }
        let old = present.iter().find(|old| Some(old.id) == id);
        if let Some(old) = old.filter(|old| old.kind != stage.kind)
            && cx.is_linked(old.id).await?
        {
            let message = "Deals stand in this stage, and they are open, won or lost as it is.";
            return Err(Error::conflict(message)
                .field(format!("stages[{index}].kind"))
                .hint("Move them to another stage first, or add a new stage."));
        }
        match id {
            None => {
                cx.insert(stage, Attributes::new()).await?;
            }
            Some(id) => {
                let mut edit = cx.edit(id).await?;
                *edit = stage;
                edit.save(cx).await?;
            }
        }
    }
    Ok(())
}

/// Adds the two ends, where the plan has none.
fn complete(stages: &mut Vec<(Option<Id<Stage>>, Stage)>) -> Result<()> {
    let Some(pipeline) = stages.first().map(|(_, stage)| stage.pipeline) else {
        return Ok(());
    };
    for (kind, name) in [(StageKind::Won, "Won"), (StageKind::Lost, "Lost")] {
        if !stages.iter().any(|(_, stage)| stage.kind == kind) {
            stages.push((
                None,
                Stage {
                    pipeline,
                    name: ShortText::new(name).map_err(Error::internal)?,
                    position: BoundedInt::default(),
                    kind,
                    probability: BoundedInt::default(),
                    rotting_days: None,
                },
            ));
        }
    }
    Ok(())
}

/// What holds of the stages of every pipeline.
fn check(stages: &[(Option<Id<Stage>>, Stage)]) -> Result<()> {
    let count = |kind| {
        stages
            .iter()
            .filter(|(_, stage)| stage.kind == kind)
            .count()
    };
    let wrong = |message: &str| Err(Error::invalid("stages", message));
    if count(StageKind::Open) == 0 {
        return wrong("A pipeline needs a stage in which deals are open.");
    }
    if count(StageKind::Won) > 1 || count(StageKind::Lost) > 1 {
        return wrong("A pipeline has one stage for won deals and one for lost ones.");
    }
    for (index, (_, stage)) in stages.iter().enumerate() {
        let fits = match stage.kind {
            StageKind::Open => true,
            StageKind::Won => [0, 100].contains(&stage.probability.get()),
            StageKind::Lost => stage.probability.get() == 0,
        };
        if !fits {
            let message = "What is won is certain and what is lost is not: leave probability out.";
            return Err(Error::invalid(
                format!("stages[{index}].probability"),
                message,
            ));
        }
        let folded_name = folded(&stage.name);
        if stages
            .iter()
            .take(index)
            .any(|(_, other)| folded(&other.name) == folded_name)
        {
            let message = format!("Two stages are called {:?}.", &*stage.name);
            return Err(Error::invalid(format!("stages[{index}].name"), message));
        }
    }
    Ok(())
}
