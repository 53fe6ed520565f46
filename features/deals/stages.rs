//! Pipelines and their stages.

use bureau_kernel::prelude::*;
use bureau_kernel::record::Order;
use bureau_kernel::record::{Called, CalledBy};
use bureau_kernel::store::Kind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::PIPELINE;

bureau_kernel::record! {
    /// A way that deals take.
    pub struct Pipeline: "pipeline", "pip", "pipeline" {
        /// Its name.
        pub name: ShortText<100> => [label, key],
        /// Whether deals go through it when no other is named.
        pub is_default: bool,
    }
}

bureau_kernel::record! {
    /// A stage of a pipeline.
    pub struct Stage: "stage", "stg", "stage" {
        /// The pipeline.
        pub pipeline: Id<Pipeline>,
        /// Its name.
        pub name: ShortText<100> => [label],
        /// Its place among the stages, from 1.
        pub position: BoundedInt<1, 1000>,
        /// Whether deals are open in it, or how they ended.
        pub kind: StageKind,
        /// How likely a deal in it is won, in percent.
        pub probability: BoundedInt<0, 100>,
        /// After how many days in it a deal is called rotting.
        pub rotting_days: Option<BoundedInt<1, 3650>>,
    }
}

/// Whether deals are open in a stage, or how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StageKind {
    #[default]
    /// Deals in it are open.
    Open,
    /// The last stage of those that were won.
    Won,
    /// The last stage of those that came to nothing.
    Lost,
}
bureau_kernel::text_column!(StageKind);

impl Record for Pipeline {
    const ACCESS: Access = PIPELINE;

    const CALLED: Called = Called::by(&[CalledBy::Key("name")], "list_pipeline_stages");
}

impl Record for Stage {
    const ACCESS: Access = Access {
        read: PIPELINE.read,
        create: PIPELINE.update,
        update: PIPELINE.update,
        delete: PIPELINE.update,
    };
}

/// More pipelines, or stages in one, than anybody looks after.
const MOST: u32 = 100;

/// All pipelines, oldest first.
///
/// # Errors
/// What the database says.
pub async fn pipelines(cx: &mut Cx) -> Result<Vec<Saved<Pipeline>>> {
    let page = cx
        .list::<Pipeline>()
        .page(Order::CREATED, false, Limit::of(MOST), None)
        .await?;
    Ok(page.rows)
}

/// This pipeline; where none is given the one that deals go through then.
///
/// # Errors
/// [`Code::NotFound`] where there is none.
pub async fn pipeline_or_default(cx: &mut Cx, id: Option<Id<Pipeline>>) -> Result<Saved<Pipeline>> {
    if let Some(id) = id {
        return cx.get(id).await;
    }
    let all = pipelines(cx).await?;
    let default = all.iter().find(|pipeline| pipeline.is_default);
    default.or(all.first()).cloned().ok_or_else(|| {
        Error::new(Code::NotFound, "This workspace has no pipeline.")
            .field("pipeline")
            .hint("Make one with create_pipeline.")
    })
}

/// The pipeline that is meant: this one, or else that of a stage which is named by its identifier, or else the default one.
///
/// # Errors
/// [`Code::NotFound`] where there is none.
pub(crate) async fn pipeline_meant(
    cx: &mut Cx,
    pipeline: Option<Id<Pipeline>>,
    stage: Option<&str>,
) -> Result<Id<Pipeline>> {
    let stage = stage.and_then(|stage| stage.parse::<Id<Stage>>().ok());
    match (pipeline, stage) {
        (None, Some(stage)) => Ok(cx.get(stage).await?.pipeline),
        _ => Ok(pipeline_or_default(cx, pipeline).await?.id),
    }
}

/// The stages of a pipeline, in their order.
///
/// # Errors
/// What the database says.
pub async fn stages_of(cx: &mut Cx, pipeline: Id<Pipeline>) -> Result<Vec<Saved<Stage>>> {
    const BY_POSITION: Order = Order::new("position", "position", Kind::Int).within("pipeline");
    let page = cx
        .list::<Stage>()
        .equal("pipeline", Some(pipeline))
        .page(BY_POSITION, false, Limit::of(MOST), None)
        .await?;
    Ok(page.rows)
}

/// The stages that a new workspace starts with: name, kind, percent, days until rotting.
const FIRST_STAGES: [(&str, StageKind, i64, Option<i64>); 6] = [
    ("Lead", StageKind::Open, 10, Some(30)),
    ("Qualified", StageKind::Open, 25, Some(30)),
    ("Proposal", StageKind::Open, 50, Some(21)),
    ("Negotiation", StageKind::Open, 75, Some(14)),
    ("Won", StageKind::Won, 100, None),
    ("Lost", StageKind::Lost, 0, None),
];

/// Gives a new workspace its first pipeline.
pub(crate) async fn provision(cx: &mut Cx) -> Result<()> {
    let pipeline = Pipeline {
        name: ShortText::new("Sales").map_err(Error::internal)?,
        is_default: true,
    };
    let pipeline = cx.insert(pipeline, Attributes::new()).await?;
    for (index, (name, kind, probability, rotting_days)) in FIRST_STAGES.into_iter().enumerate() {
        let rotting_days = rotting_days.map(BoundedInt::new).transpose();
        let stage = Stage {
            pipeline: pipeline.id,
            name: ShortText::new(name).map_err(Error::internal)?,
            position: BoundedInt::new(index as i64 + 1).map_err(Error::internal)?,
            kind,
            probability: BoundedInt::new(probability).map_err(Error::internal)?,
            rotting_days: rotting_days.map_err(Error::internal)?,
        };
        cx.insert(stage, Attributes::new()).await?;
    }
    Ok(())
}
