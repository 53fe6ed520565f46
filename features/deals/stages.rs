//! Pipelines and their stages.

use bureau_kernel::list::Order;
use bureau_kernel::prelude::*;
use bureau_kernel::resolve::{Called, CalledBy};
use bureau_kernel::store::Kind;
use bureau_kernel::types::text::{folded, nearest, quoted};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{CREATE_PIPELINE, DELETE_PIPELINE, READ_PIPELINE, UPDATE_PIPELINE};

bureau_kernel::record! {
    /// A way that deals take.
    pub struct Pipeline: "pipeline", "pip", "pipeline" {
        /// Its name.
        pub name: ShortText<100>,
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
        pub name: ShortText<100>,
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
    const ACCESS: Access = Access {
        read: READ_PIPELINE,
        create: CREATE_PIPELINE,
        update: UPDATE_PIPELINE,
        delete: DELETE_PIPELINE,
    };

    const CALLED: Called = Called::by(&[CalledBy::Key("name")], "list_pipeline_stages");

    fn label(&self) -> String {
        self.name.to_string()
    }

    fn index_keys(&self) -> Vec<(&'static str, String)> {
        vec![("name", folded(&self.name))]
    }
}

impl Record for Stage {
    const ACCESS: Access = Access {
        read: READ_PIPELINE,
        create: UPDATE_PIPELINE,
        update: UPDATE_PIPELINE,
        delete: UPDATE_PIPELINE,
    };

    fn label(&self) -> String {
        self.name.to_string()
    }
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

/// The pipeline that deals go through when no other is named.
///
/// # Errors
/// [`Code::NotFound`] where the workspace has none.
pub async fn default_pipeline(cx: &mut Cx) -> Result<Saved<Pipeline>> {
    let all = pipelines(cx).await?;
    let found = all
        .iter()
        .find(|pipeline| pipeline.is_default)
        .or(all.first());
    found.cloned().ok_or_else(|| {
        Error::new(Code::NotFound, "This workspace has no pipeline.")
            .field("pipeline")
            .hint("Make one with create_pipeline.")
    })
}

/// This pipeline; the default one where none is given.
///
/// # Errors
/// [`Code::NotFound`] where there is none.
pub async fn pipeline_or_default(cx: &mut Cx, id: Option<Id<Pipeline>>) -> Result<Saved<Pipeline>> {
    match id {
        Some(id) => cx.get(id).await,
        None => default_pipeline(cx).await,
    }
}

/// The pipeline of this identifier or name, as a table that is imported has it.
pub(crate) async fn pipeline_named(cx: &mut Cx, name: &str) -> Result<Id<Pipeline>> {
    if let Ok(id) = name.parse::<Id<Pipeline>>() {
        return Ok(cx.get(id).await?.id);
    }
    let all = pipelines(cx).await?;
    let mut all_named = all.iter();
    match all_named.find(|pipeline| folded(&pipeline.name) == folded(name)) {
        Some(found) => Ok(found.id),
        None => Err(unknown(
            "pipeline",
            name,
            all.iter().map(|pipeline| &*pipeline.record.name),
        )),
    }
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

/// The stage of this identifier or name among those of one pipeline.
///
/// # Errors
/// [`Code::NotFound`] with the nearest name.
pub fn stage_named<'a>(stages: &'a [Saved<Stage>], name: &str) -> Result<&'a Saved<Stage>> {
    let id = name.parse::<Id<Stage>>().ok();
    let found = stages
        .iter()
        .find(|stage| Some(stage.id) == id || folded(&stage.name) == folded(name));
    found.ok_or_else(|| {
        unknown(
            "stage",
            name,
            stages.iter().map(|stage| &*stage.record.name),
        )
    })
}

fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Error {
    let error = Error::new(Code::NotFound, format!("There is no such {what} here.")).field(what);
    match nearest(name, known.clone()) {
        Some(meant) => error.hint(format!("Did you mean {}?", quoted(meant))),
        None => error.hint(format!(
            "There are: {}.",
            known.take(20).map(quoted).collect::<Vec<_>>().join(", ")
        )),
    }
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
        let stage = Stage {
            pipeline: pipeline.id,
            name: ShortText::new(name).map_err(Error::internal)?,
            position: BoundedInt::new(index as i64 + 1).map_err(Error::internal)?,
            kind,
            probability: BoundedInt::new(probability).map_err(Error::internal)?,
            rotting_days: rotting_days
                .map(BoundedInt::new)
                .transpose()
                .map_err(Error::internal)?,
        };
        cx.insert(stage, Attributes::new()).await?;
    }
    Ok(())
}
